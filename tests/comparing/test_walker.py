"""A value is held to the keywords of JSON Schema that the contract has."""

from collections.abc import Iterator
from typing import Any

import pytest
from judges import load_contract, nodes

from mock_heidi.comparing import walker
from mock_heidi.comparing.walker import Walker, safe_name

# Keywords that say nothing about a value, or only about a request.
SILENT = {"description", "examples", "default", "contentMediaType", "contentSchema", "contains", "if", "then", "else"}
KNOWN = {
    "$ref", "anyOf", "type", "enum", "const", "pattern", "format", "minLength", "minimum", "maximum", "minItems",
    "items", "properties", "required", "additionalProperties",
}  # fmt: skip


def schemas(value: Any) -> Iterator[dict[str, Any]]:
    """All schemas within the components of the contract."""
    for place, node in nodes(value):
        if not place.endswith("/properties") and place != "#":
            yield node


def test_every_keyword_of_the_contract_is_known() -> None:
    used = {name for node in schemas(load_contract()["components"]["schemas"]) for name in node}

    assert {name for name in used if not name.startswith("x-")} <= KNOWN | SILENT


@pytest.mark.parametrize(
    ("schema", "value", "found"),
    [
        ({"type": "string"}, "a", []),
        ({"type": "string"}, None, [("type", "")]),
        ({"type": "number"}, True, [("type", "")]),
        ({"type": "integer"}, 1.5, [("type", "")]),
        ({"type": ["string", "null"]}, None, []),
        ({"anyOf": [{"type": "null"}, {"type": "string", "enum": ["A"]}]}, "B", [("word", "")]),
        ({"const": "A"}, "B", [("text", "")]),
        ({"pattern": "^[0-9]+$"}, "1\n", [("format", "")]),
        ({"type": "array", "minItems": 1}, [], [("range", "")]),
        ({"type": "string", "minLength": 1}, "", [("range", "")]),
        ({"type": "integer", "minimum": 0}, -1, [("range", "")]),
        ({"type": "array", "items": {"type": "string"}}, ["a", 1, 2], [("type", "[]")] * 2),
        ({"type": "object", "required": ["a"], "properties": {"a": {}}}, {}, [("missing", "a")]),
        ({"type": "object", "additionalProperties": False}, {"a": 1}, [("new", "a")]),
        ({"type": "object", "additionalProperties": True}, {"a": 1}, []),
        ({"type": "object"}, {"a": 1}, []),
    ],
)
def test_a_difference_has_its_kind_and_its_place(schema: dict[str, Any], value: Any, found: list[Any]) -> None:
    assert [(one.kind, one.place) for one in Walker({}).differences(schema, value)] == found


def test_fields_are_counted_by_place() -> None:
    schema = {"type": "array", "items": {"type": "object", "required": ["a"], "properties": {"a": {}, "b": {}}}}
    fields = walker.no_fields()

    Walker({}).differences(schema, [{"a": 1}, {}], fields)

    assert (dict(fields.possible), dict(fields.came)) == ({"[].a": 2, "[].b": 2}, {"[].a": 1})
    assert fields.required == {"[].a"}


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("session_gist", "session_gist"),
        ("_id", "_id"),
        ("line1", "line1"),
        ("a" * 64, "a" * 64),
        ("a" * 65, "<a name of 65 characters>"),
        ("ada@clinic.example", "<a name of 18 characters>"),
        ("1990-01-15", "<a name of 10 characters>"),
        ("Ada Example", "<a name of 11 characters>"),
        ("p447700900", "<a name of 10 characters>"),
        ("é", "<a name of 1 character>"),
        ("", "<a name of 0 characters>"),
        ("a\n", "<a name of 2 characters>"),
    ],
)
def test_a_name_is_shown_only_if_it_looks_like_one(name: str, shown: str) -> None:
    assert safe_name(name) == shown
