"""A call of each operation, made of the examples in the contract."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from mock_heidi.base import contract
from mock_heidi.base.operations import OPERATIONS, SIGN_IN, Takes
from mock_heidi.observing.coverage.schema_fields import EACH, Field, Steps, values_at, words_of

_JSON = "application/json"


class ExampleCall(NamedTuple):
    """A call of an operation. A form has its file in ``file``, the name of the part, and its texts in ``body``."""

    operation: str
    path: str
    query: Mapping[str, Any]
    body: Any = None
    file: str | None = None

    @property
    def method(self) -> str:
        return OPERATIONS[self.operation].method

    @property
    def signs_in(self) -> bool:
        """True for the operation that takes the API key and no token."""
        return self.operation == SIGN_IN


@cache
def _described() -> dict[str, tuple[list[Mapping[str, Any]], Mapping[str, Any]]]:
    """The parameters and the description of each operation."""
    return {
        operation["operationId"]: (contract.parameters(path, operation), operation)
        for path, _, operation in contract.operations()
    }


def example_call(operation: str) -> ExampleCall:
    """The call in the examples, with what is required."""
    parameters, _ = _described()[operation]
    path = OPERATIONS[operation].path
    for one in parameters:
        path = path.replace(f"{{{one['name']}}}", str(one.get("example")))
    query = {one["name"]: one["example"] for one in parameters if one["in"] == "query" and one["required"]}
    if OPERATIONS[operation].takes is Takes.FORM:
        schema = _body(operation)["schema"]
        return ExampleCall(operation, path, query, _texts(operation, schema), schema["required"][0])
    bodies = _bodies(operation)
    return ExampleCall(operation, path, query, bodies[0] if bodies else None)


def call_with_field(operation: str, field: Field, value: Any = None) -> ExampleCall:
    """The call with this field and little else. Its value is the given one, the one of the example, or invented."""
    call = example_call(operation)
    if call.file is not None:
        return call._replace(body={**call.body, field.name: str(_invented(field.schema) if value is None else value)})
    bodies = _bodies(operation) or [{}]
    body = next((one for one in bodies if field.steps[0] in one), bodies[0])
    if value is None:
        value = next((one for one in values_at(body, field.steps) if one is not None), None)
        value = _invented(field.schema) if value is None else value
    return call._replace(body=_smallest(_body(operation)["schema"], body, field.steps, value))


def call_with_parameter(operation: str, name: str, value: Any = None) -> ExampleCall:
    """The call with this parameter in its query."""
    parameters, _ = _described()[operation]
    found = next(one for one in parameters if one["name"] == name and one["in"] == "query")
    if value is None:
        value = found.get("example", _invented(found["schema"]))
    call = example_call(operation)
    return call._replace(query={**call.query, name: value[0] if isinstance(value, list) else value})


def answers_with(steps: Steps, operation: str, value: Any) -> Iterator[Any]:
    """The example of a success of an operation with this value at a place, for each example that has the place."""
    _, described = _described()[operation]
    response = contract.resolve(next(one for status, one in described["responses"].items() if status < "300"))
    for example in _examples(response["content"][_JSON]):
        if values_at(example, steps):
            made = copy.deepcopy(example)
            set_at(made, steps, value)
            _shorten(made, steps)
            yield made


def set_at(body: dict[str, Any], steps: Steps, value: Any) -> None:
    """Set a field of a body, in the first item of lists. Missing objects and lists around it are made."""
    step, rest = steps[0], steps[1:]
    if not rest:
        body[step] = value
    elif rest[0] == EACH:
        items = body[step] = body.get(step) or [{}]
        items[0] = items[0] if isinstance(items[0], dict) else {}
        set_at(items[0], rest[1:], value)
    else:
        body[step] = inner = body[step] if isinstance(body.get(step), dict) else {}
        set_at(inner, rest, value)


def _shorten(body: Any, steps: Steps) -> None:
    """Leave one item in each list on the way to a place."""
    for at in (at for at, step in enumerate(steps) if step == EACH):
        for items in values_at(body, steps[:at]):
            del items[1:]


def _body(operation: str) -> Mapping[str, Any]:
    _, described = _described()[operation]
    content: Mapping[str, Any] = contract.resolve(described.get("requestBody", {})).get("content", {})
    return next(iter(content.values()), {})


def _bodies(operation: str) -> list[Any]:
    return _examples(_body(operation))


def _examples(media: Mapping[str, Any]) -> list[Any]:
    return [one["value"] for one in media.get("examples", {}).values()]


def _texts(operation: str, schema: Mapping[str, Any]) -> dict[str, str]:
    """The required parts of a form that are no files."""
    example = _bodies(operation)[0]
    return {name: example[name] for name in schema["required"][1:]}


def _smallest(schema: Mapping[str, Any], example: Mapping[str, Any], steps: Steps, value: Any) -> dict[str, Any]:
    """The smallest body with this field that fits the schema. It is part of the example, or all of it."""
    required = {name: example[name] for name in contract.resolve(schema).get("required", ()) if name in example}
    wider = [{**required, name: example[name]} for name in example]
    bodies = [copy.deepcopy({**one}) for one in (required, *wider, example)]
    for body in bodies:
        set_at(body, steps, value)
    return next((body for body in bodies if contract.misfit(schema, body) is None), bodies[-1])


def _invented(schema: Mapping[str, Any]) -> Any:
    """A value that fits a schema."""
    found = contract.resolve(schema)
    if (words := words_of(found)) is not None:
        return words.values[0]
    branches = [one for one in found.get("anyOf", ()) if one.get("type") != "null"]
    if branches:
        return _invented(branches[0])
    kinds = found.get("type", "string")
    kind = next(one for one in ([kinds] if isinstance(kinds, str) else kinds) if one != "null")
    if kind == "array":
        return [_invented(found["items"])]
    if kind == "string" and "pattern" in found:
        return "2025-01-06"
    return found.get("examples", [_INVENTED[kind]])[0]


_INVENTED: Mapping[str, Any] = {"string": "text", "number": 1, "integer": 1, "boolean": True, "object": {}}
