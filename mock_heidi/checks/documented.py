"""The documented fields and parameters of each operation, read when somebody first asks for findings."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

from mock_heidi import contract

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
    """The documented fields and parameters, by operation."""
    return {
        operation["operationId"]: _documented(path, operation)
        for path in contract.loaded()["paths"].values()
        for method, operation in path.items()
        if method in contract.METHODS
    }


def _documented(path: Mapping[str, Any], operation: Mapping[str, Any]) -> Documented:
    parameters = map(contract.resolve, [*path.get("parameters", []), *operation.get("parameters", [])])
    names = frozenset(one["name"] for one in parameters if one["in"] == "query")
    content = contract.resolve(operation.get("requestBody", {})).get("content", {})
    schema: Any = next((media["schema"] for media in content.values()), {})
    return Documented(_properties(schema), names, "application/json" in content)


def _properties(schema: Any, depth: int = 0) -> dict[str, Any] | None:
    schema = contract.resolve(schema)
    if "items" in schema:
        return _properties(schema["items"], depth)
    if schema.get("additionalProperties") is True or depth > _DEEPEST:
        return None
    known = {name: _properties(one, depth + 1) for name, one in schema.get("properties", {}).items()}
    for choice in (one for word in ("allOf", "anyOf", "oneOf") for one in schema.get(word, [])):
        known |= _properties(choice, depth) or {}
    return known or None
