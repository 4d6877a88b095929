"""The vendor's contract under assumptions that differ from the defaults.

``contract_variants.yaml`` holds a patch for each chosen value that changes the form of an answer, as JSON Merge Patch
(RFC 7386). Beside the patch stand the operations that refuse more (``refusals``), those that do not exist
(``removes``) and the schemas that take no null (``no_null``). Statuses need no patch: ``x-status`` in a response, or in
the schema of an error, names the assumption that decides its status. The response moves to the chosen status.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from mock_heidi.base import assumptions as listed
from mock_heidi.base import contract, spec
from mock_heidi.base.assumptions import Assumptions, assumed, status_in, written

_FILE = Path(__file__).with_name("contract_variants.yaml")
_JSON = "application/json"
# What stands beside the patch.
_BESIDE = ("refusals", "removes", "no_null")
# Stands for every value of an assumption with any number.
_ANY = "$value"
# Operations refer to these components without a $ref.
_BY_NAME = "securitySchemes"


def contract_under(assumptions: Assumptions, *, strict: bool = False) -> bytes:
    """The contract under these assumptions, as YAML; ``openapi.yaml`` itself under the defaults."""
    if not assumptions.chosen and not strict:
        return spec.contract()
    import yaml

    chosen = {**assumptions.chosen, **({"strict mode": True} if strict else {})}
    head = "".join(f"#   {name}: {written(value)}\n" for name, value in chosen.items())
    whole = in_strict_mode(changed(assumptions)) if strict else changed(assumptions)
    dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    text: str = yaml.dump(whole, Dumper=dumper, sort_keys=False, allow_unicode=True, width=118)
    return f"# The contract of the Heidi Open API under these assumptions:\n{head}\n{text}".encode()


def deviation(operation: str, status: int, media_type: str, body: Any, assumptions: Assumptions) -> str | None:
    """A sentence that says how an answer with that JSON body breaks the contract under these assumptions, or None."""
    whole = _changed(tuple(assumptions.chosen.items())) if assumptions.chosen else contract.loaded()
    return contract.deviation(operation, status, media_type, body, whole)


@lru_cache(maxsize=8)
def _changed(chosen: tuple[tuple[str, Any], ...]) -> dict[str, Any]:
    return changed(Assumptions(dict(chosen)))


def changed(assumptions: Assumptions) -> dict[str, Any]:
    """The contract under these assumptions, as data."""
    made: Any = contract.loaded()
    # In the order of the list, which is that of the keys that they add.
    chosen = {name: assumptions[name] for name in listed.assumptions() if name in assumptions.chosen}
    changes = {name: _patch(name, value) for name, value in chosen.items()}
    for change in changes.values():
        made = merged(made, {part: change[part] for part in change if part not in _BESIDE})
        made = _without_null(made, change.get("no_null", ()))
    moved = {name: assumptions.status(name) for name in assumptions.chosen if status_in(assumed(name)) is not None}
    paths = {path: _with_statuses(made, item, moved) for path, item in made["paths"].items()}
    whole: dict[str, Any] = {**made, "paths": paths}
    for name, change in changes.items():
        for operation, answer in change.get("refusals", {}).items():
            whole = _refusing(whole, operation, str(assumptions.status(name)), _refusal(name, answer))
    # Last, since other changes may be about them.
    for operation in (one for change in changes.values() for one in change.get("removes", ())):
        path, method = _place(whole, operation)
        whole = merged(whole, {"paths": {path: {method: None}}})
    return _without_unused(whole)


def _without_unused(whole: dict[str, Any]) -> dict[str, Any]:
    """The contract with only those components that its paths refer to, also through other components."""
    used, pending = set[tuple[str, str]](), [whole["paths"]]
    while pending:
        for place in set(_references(pending.pop())) - used:
            used.add(place)
            pending.append(whole["components"][place[0]][place[1]])
    components = {
        kind: parts if kind == _BY_NAME else {name: part for name, part in parts.items() if (kind, name) in used}
        for kind, parts in whole["components"].items()
    }
    return {**whole, "components": {kind: parts for kind, parts in components.items() if parts}}


def _references(node: Any) -> Iterator[tuple[str, str]]:
    """The components to which a part of a contract refers, each as its kind and its name."""
    if isinstance(node, Mapping):
        if isinstance(node.get("$ref"), str):
            _, _, kind, name = node["$ref"].split("/")[:4]
            yield kind, name
        for part in node.values():
            yield from _references(part)
    elif isinstance(node, list):
        for part in node:
            yield from _references(part)


def in_strict_mode(whole: dict[str, Any]) -> dict[str, Any]:
    """A contract in which every operation may answer 422."""
    refusal = {"$ref": "#/components/responses/Unprocessable"}
    for _, _, operation in contract.operations(whole):
        if "422" not in operation["responses"]:
            whole = _refusing(whole, operation["operationId"], "422", refusal)
    return whole


def _place(whole: Any, operation: str) -> tuple[str, str]:
    """The path and the method of an operation."""
    found = contract.operations(whole)
    return next((path, method) for path, method, described in found if described["operationId"] == operation)


def _without_null(whole: Any, names: Iterable[str]) -> Any:
    """The contract in which no field of these schemas may be null."""
    schemas = whole["components"]["schemas"]
    patch = {
        name: {"properties": {key: _not_null(schemas[name], key) for key in schemas[name]["properties"]}}
        for name in names
    }
    return merged(whole, {"components": {"schemas": patch}})


def _not_null(schema: Any, key: str) -> dict[str, Any]:
    """The change of a property that may be null."""
    field = schema["properties"][key]
    if "anyOf" in field:
        return {"anyOf": [one for one in field["anyOf"] if one != {"type": "null"}]}
    kinds = [kind for kind in field["type"] if kind != "null"] if isinstance(field["type"], list) else [field["type"]]
    return {"type": kinds if len(kinds) > 1 else kinds[0]}


def _refusing(whole: Any, operation: str, status: str, response: Any) -> dict[str, Any]:
    """The contract in which an operation may also answer so."""
    path, method = _place(whole, operation)
    known = whole["paths"][path][method]["responses"]
    added = _joined(whole, known[status], response) if status in known else response
    responses = dict(sorted({**known, status: added}.items()))
    item = {**whole["paths"][path], method: {**whole["paths"][path][method], "responses": responses}}
    return {**whole, "paths": {**whole["paths"], path: item}}


def _refusal(name: str, answer: Any) -> Any:
    """The response of a refusal: one of the contract's own, or the one with this sentence."""
    if isinstance(answer, dict):
        return answer
    schema = {
        "type": "object",
        "additionalProperties": False,
        "required": ["detail"],
        "properties": {"detail": {"type": "string", "const": answer}},
    }
    return {
        "description": f"Refused: {answer}.",
        "x-provenance": "assumed",
        "x-assumption": name,
        "content": {_JSON: {"schema": schema, "examples": {name: {"value": {"detail": answer}}}}},
    }


def merged(value: Any, patch: Any) -> Any:
    """A copy of a value with a JSON Merge Patch applied."""
    if not isinstance(patch, Mapping):
        return patch
    made = {**value} if isinstance(value, Mapping) else {}
    for name, part in patch.items():
        if part is None:
            made.pop(name, None)
        else:
            made[name] = merged(made.get(name), part)
    return made


def _patch(name: str, value: Any) -> Any:
    """The patch for a value of an assumption, with what stands beside it; empty without one."""
    patches = _patches().get(name, {})
    return patches[written(value)] if written(value) in patches else _filled(patches.get(_ANY, {}), value)


def _filled(patch: Any, value: Any) -> Any:
    """A patch with the value in its places."""
    if isinstance(patch, dict):
        return {name: _filled(part, value) for name, part in patch.items()}
    return value if patch == _ANY else patch


@cache
def _patches() -> dict[str, dict[str, Any]]:
    import yaml

    patches: dict[str, dict[str, Any]] = yaml.safe_load(_FILE.read_bytes())
    return patches


def _with_statuses(whole: Any, item: Any, moved: Mapping[str, int]) -> Any:
    """A path item whose responses are at their moved statuses."""
    return {
        method: {**operation, "responses": _moved(whole, operation["responses"], moved)}
        if method in contract.METHODS
        else operation
        for method, operation in item.items()
    }


def _moved(whole: Any, responses: Mapping[str, Any], moved: Mapping[str, int]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for status, response in responses.items():
        for place, part in _split(whole, status, response, moved):
            made[place] = _joined(whole, made[place], part) if place in made else part
    return dict(sorted(made.items()))


def _split(whole: Any, status: str, response: Any, moved: Mapping[str, int]) -> Iterator[tuple[str, Any]]:
    """The parts of a response, each with the present status of its bodies."""
    found = contract.resolve(response, whole)
    if found.get("x-status") in moved:
        yield str(moved[found["x-status"]]), response
        return
    schema = found.get("content", {}).get(_JSON, {}).get("schema")
    if schema is None:
        yield status, response
        return
    groups: dict[str, list[Any]] = {}
    for branch in schema.get("anyOf", [schema]):
        name = contract.resolve(branch, whole).get("x-status", "")
        groups.setdefault(str(moved.get(name, status)), []).append(branch)
    for place, branches in groups.items():
        yield place, response if len(groups) == 1 else _response(whole, found, branches)


def _joined(whole: Any, one: Any, other: Any) -> Any:
    """One response made from two of the same status."""
    first, second = contract.resolve(one, whole), contract.resolve(other, whole)
    branches = [branch for part in (first, second) for branch in _branches(part)]
    texts = dict.fromkeys(part["description"].strip() for part in (first, second))
    examples = {**_examples(first), **_examples(second)}
    both = {**first, "description": " ".join(texts), "content": {_JSON: {"examples": examples}}}
    return _response(whole, both, branches)


def _branches(response: Any) -> list[Any]:
    schema = response["content"][_JSON]["schema"]
    return list(schema.get("anyOf", [schema]))


def _response(whole: Any, like: Any, branches: list[Any]) -> Any:
    """A response whose body has one of these schemas, with the examples that fit them."""
    schema = branches[0] if len(branches) == 1 else {"anyOf": branches}
    fitting = {
        name: example
        for name, example in _examples(like).items()
        if any(contract.misfit(branch, example["value"], whole) is None for branch in branches)
    }
    return {**like, "content": {_JSON: {"schema": schema, "examples": fitting}}}


def _examples(response: Any) -> dict[str, Any]:
    content = response["content"][_JSON]
    if "example" in content:
        name = content["schema"].get("$ref", "example").rpartition("/")[2]
        return {name: {"value": content["example"]}}
    examples: dict[str, Any] = content.get("examples", {})
    return examples
