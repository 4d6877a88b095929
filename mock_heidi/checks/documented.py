"""What the contract documents of each operation, read from ``openapi.yaml`` when somebody first asks for findings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any, NamedTuple

import yaml

from mock_heidi import spec

_METHODS = ("get", "post", "patch", "put", "delete")
# Questions hold questions; five deep is what the vendor recommends.
_DEEPEST = 6


class Documented(NamedTuple):
    """The fields of an operation's body, each with the fields inside it, its parameters, and whether it takes JSON.

    ``fields`` is None where any field may be sent.
    """

    fields: Mapping[str, Any] | None
    parameters: frozenset[str]
    takes_json: bool


@cache
def documented() -> dict[str, Documented]:
    """What is documented, by operation."""
    # The C loader: the contract is long, and whoever asks for findings waits for it.
    contract = yaml.load(spec.contract(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - safe ones
    resolve = partial(_resolve, contract)
    return {
        operation["operationId"]: _documented(resolve, path, operation)
        for path in contract["paths"].values()
        for method, operation in path.items()
        if method in _METHODS
    }


def _documented(resolve: Callable[[Any], Any], path: Mapping[str, Any], operation: Mapping[str, Any]) -> Documented:
    parameters = map(resolve, [*path.get("parameters", []), *operation.get("parameters", [])])
    names = frozenset(one["name"] for one in parameters if one["in"] == "query")
    content = resolve(operation.get("requestBody", {})).get("content", {})
    schema: Any = next((media["schema"] for media in content.values()), {})
    return Documented(_properties(resolve, schema), names, "application/json" in content)


def _resolve(contract: Mapping[str, Any], node: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in node:
        target: Any = contract
        for step in node["$ref"].split("/")[1:]:
            target = target[step]
        node = target
    return node


def _properties(resolve: Callable[[Any], Any], schema: Any, depth: int = 0) -> dict[str, Any] | None:
    schema = resolve(schema)
    if "items" in schema:
        return _properties(resolve, schema["items"], depth)
    if schema.get("additionalProperties") is True or depth > _DEEPEST:
        return None
    known = {name: _properties(resolve, one, depth + 1) for name, one in schema.get("properties", {}).items()}
    for choice in (one for word in ("allOf", "anyOf", "oneOf") for one in schema.get(word, [])):
        known |= _properties(resolve, choice, depth) or {}
    return known or None
