"""The vendor's contract under assumptions that differ from the defaults.

``contract_variants.yaml`` holds a patch for each chosen value that changes the form of an answer, as JSON Merge Patch
(RFC 7386). Statuses need no patch: ``x-status`` in a response, or in the schema of an error, names the assumption that
decides its status. The response moves to the chosen status.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from mock_heidi.base import contract, spec
from mock_heidi.base.assumptions import Assumptions, assumed, status_in, written

_FILE = Path(__file__).with_name("contract_variants.yaml")
_JSON = "application/json"


def contract_under(assumptions: Assumptions) -> bytes:
    """The contract under these assumptions, as YAML; ``openapi.yaml`` itself under the defaults."""
    if not assumptions.chosen:
        return spec.contract()
    import yaml

    head = "".join(f"#   {name}: {written(value)}\n" for name, value in assumptions.chosen.items())
    dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    text: str = yaml.dump(changed(assumptions), Dumper=dumper, sort_keys=False, allow_unicode=True, width=118)
    return f"# The contract of the Heidi Open API under these assumptions:\n{head}\n{text}".encode()


def changed(assumptions: Assumptions) -> dict[str, Any]:
    """The contract under these assumptions, as data."""
    made: Any = contract.loaded()
    for name, value in assumptions.chosen.items():
        made = merged(made, _patches().get(name, {}).get(written(value), {}))
    moved = {name: assumptions.status(name) for name in assumptions.chosen if status_in(assumed(name)) is not None}
    paths = {path: _with_statuses(made, item, moved) for path, item in made["paths"].items()}
    whole: dict[str, Any] = {**made, "paths": paths}
    return whole


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
