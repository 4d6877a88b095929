"""Walks an answer along its schema and notes each difference by its place, never by its value.

It knows the keywords of JSON Schema that the contract has. A validator stops at the first problem of an object; this
one also counts how often each field came.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from mock_heidi.base import contract
from mock_heidi.base.wording import counted

Schema = Mapping[str, Any]

NEW, MISSING, TYPE, FORMAT, WORD, TEXT, RANGE = "new", "missing", "type", "format", "word", "text", "range"
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}", re.ASCII)
_DIGITS = re.compile(r"[0-9]")
# The name of a field has few digits; an id, a token or a phone number has more.
_MOST_DIGITS = 3
_TYPES: dict[str, Callable[[Any], bool]] = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "string": lambda value: isinstance(value, str),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}


class Difference(NamedTuple):
    """A place where a value differs from its schema. ``note`` has only types, and words of the contract."""

    kind: str
    place: str
    note: str


class Fields(NamedTuple):
    """Counts by place: the objects that could have had a field, and those that had it."""

    possible: Counter[str]
    came: Counter[str]
    required: set[str]


def no_fields() -> Fields:
    """Counts of no object."""
    return Fields(Counter(), Counter(), set())


def type_of(value: Any) -> str:
    """The JSON type of a value."""
    return next(name for name, fits in _TYPES.items() if fits(value))


def safe_name(name: str) -> str:
    """The name of a field if it looks like one; else its length, since a name may be a datum."""
    if _IDENTIFIER.fullmatch(name) and len(_DIGITS.findall(name)) <= _MOST_DIGITS:
        return name
    return f"<a name of {counted(len(name), 'character')}>"


class Walker:
    """Compares values with the schemas of one contract."""

    def __init__(self, whole: Mapping[str, Any]) -> None:
        self._whole = whole

    def differences(self, schema: Schema, value: Any, fields: Fields | None = None) -> list[Difference]:
        """The differences of a value from a schema. ``fields`` counts the fields on the way."""
        return list(self._walk(schema, value, "", no_fields() if fields is None else fields))

    def _walk(self, schema: Schema, value: Any, place: str, fields: Fields) -> Iterator[Difference]:
        schema = contract.resolve(schema, self._whole)
        if "anyOf" in schema:
            yield from self._walk(self._branch(schema["anyOf"], value), value, place, fields)
            return
        kinds = [schema["type"]] if isinstance(schema.get("type"), str) else schema.get("type", [])
        if kinds and not any(_TYPES[kind](value) for kind in kinds):
            yield Difference(TYPE, place, f"{type_of(value)}, where the contract has {' or '.join(kinds)}")
            return
        yield from _words(schema, value, place)
        if isinstance(value, dict):
            yield from self._object(schema, value, place, fields)
        elif isinstance(value, list):
            items = schema.get("items", {})
            for one in value:
                yield from self._walk(items, one, f"{place}[]", fields)
            if len(value) < schema.get("minItems", 0):
                yield Difference(RANGE, place, "an empty list, which the contract does not have")

    def _branch(self, branches: list[Schema], value: Any) -> Schema:
        """The branch with the fewest differences."""
        return min(branches, key=lambda branch: _weight(self.differences(branch, value)))

    def _object(self, schema: Schema, value: Mapping[str, Any], place: str, fields: Fields) -> Iterator[Difference]:
        known = schema.get("properties", {})
        for name, field in known.items():
            below = f"{place}.{name}".lstrip(".")
            fields.possible[below] += 1
            if name in schema.get("required", ()):
                fields.required.add(below)
            if name in value:
                fields.came[below] += 1
                yield from self._walk(field, value[name], below, fields)
            elif name in schema.get("required", ()):
                yield Difference(MISSING, below, "")
        if schema.get("additionalProperties") is False:
            for name in value:
                if name not in known:
                    below = f"{place}.{safe_name(name)}".lstrip(".")
                    yield Difference(NEW, below, type_of(value[name]))


def _weight(differences: list[Difference]) -> int:
    # Another type at the top says that the value belongs to another branch.
    return sum(100 if one.kind == TYPE and not one.place else 1 for one in differences)


def _words(schema: Schema, value: Any, place: str) -> Iterator[Difference]:
    """The differences of a single value."""
    if "enum" in schema and value not in schema["enum"]:
        yield Difference(WORD, place, f"another word than {', '.join(map(str, schema['enum']))}")
    if "const" in schema and value != schema["const"]:
        yield Difference(TEXT, place, "another value than the contract's")
    if isinstance(value, str) and "pattern" in schema and not _pattern(schema["pattern"]).search(value):
        kind = "text" if "[\\s\\S]" in schema["pattern"] else "format"
        yield Difference(FORMAT if kind == "format" else TEXT, place, f"another {kind} than {schema['pattern']}")
    if isinstance(value, str) and "contentSchema" not in schema and len(value) < schema.get("minLength", 0):
        yield Difference(RANGE, place, "an empty text, which the contract does not have")
    if isinstance(value, int | float) and value < schema.get("minimum", value):
        yield Difference(RANGE, place, f"less than {schema['minimum']}")


@cache
def _pattern(text: str) -> re.Pattern[str]:
    # Python lets $ stand before a line feed at the end.
    return re.compile(re.sub(r"\$$", r"\\Z", text))
