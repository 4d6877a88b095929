"""The vendor's contract as data, for findings and for checking the replies that a test sets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from mock_heidi.base import spec

_URI = "urn:contract"
_JSON = "application/json"
METHODS = ("get", "post", "patch", "put", "delete")
_LONGEST = 200


@cache
def loaded() -> dict[str, Any]:
    """The contents of ``openapi.yaml``."""
    import yaml

    # The C loader, because the contract is long and a request waits for it.
    contract: dict[str, Any] = yaml.load(spec.contract(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe
    return contract


def resolve(node: Mapping[str, Any], whole: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
    """A part of a contract, ``whole`` if given; if it is a ``$ref``, the part that it names."""
    while "$ref" in node:
        target: Any = whole or loaded()
        for step in node["$ref"].split("/")[1:]:
            target = target[step]
        node = target
    return node


def operations(whole: Mapping[str, Any] | None = None) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """The operations of a contract, ``whole`` if given: the path, the method and the description of each."""
    for path, item in (whole or loaded())["paths"].items():
        yield from ((path, method, described) for method, described in item.items() if method in METHODS)


def parameters(path: str, described: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The parameters of an operation, those of its path first."""
    shared = loaded()["paths"][path].get("parameters", ())
    return [resolve(one) for one in (*shared, *described.get("parameters", ()))]


def _responses(whole: Mapping[str, Any], operation: str) -> Mapping[str, Any] | None:
    """The responses of an operation by status, or None if the contract does not have the operation."""
    found = (described["responses"] for _, _, described in operations(whole) if described["operationId"] == operation)
    return next(found, None)


def deviation(operation: str, status: int, media_type: str, body: Any, whole: Mapping[str, Any]) -> str | None:
    """A sentence that says how an answer with that JSON body breaks the contract ``whole``, or None."""
    documented = _responses(whole, operation)
    if documented is None:
        return f"the contract has no operation {operation}"
    if str(status) not in documented:
        return f"status {status} is not documented for {operation}, only {', '.join(documented)}"
    content = resolve(documented[str(status)], whole).get("content", {})
    kind = media_type.partition(";")[0].strip()
    if kind not in content:
        return f"{operation} answers {status} with {' or '.join(content) or 'no body'}, not with {kind or 'no body'}"
    return misfit(content[kind]["schema"], body, whole) if kind == _JSON else None


def misfit(schema: Mapping[str, Any], value: Any, whole: Mapping[str, Any] | None = None) -> str | None:
    """A sentence that says how a value breaks a schema, or None. ``whole`` is its contract, by default the vendor's."""
    # Imported here, because most servers never need it and a start should be quick.
    from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
    from jsonschema.exceptions import best_match  # type: ignore[import-untyped]
    from referencing import Registry, Resource
    from referencing.jsonschema import DRAFT202012

    resource = Resource.from_contents(whole or loaded(), default_specification=DRAFT202012)
    registry: Any = Registry().with_resource(_URI, resource)
    error = best_match(Draft202012Validator(_absolute(schema), registry=registry).iter_errors(value))
    return None if error is None else f"{error.json_path}: {error.message}"[:_LONGEST]


def _absolute(schema: Any) -> Any:
    """A schema whose references name the contract, so that they can be resolved outside of it."""
    if isinstance(schema, dict):
        return {
            name: f"{_URI}{value}" if name == "$ref" and isinstance(value, str) else _absolute(value)
            for name, value in schema.items()
        }
    return [_absolute(item) for item in schema] if isinstance(schema, list) else schema
