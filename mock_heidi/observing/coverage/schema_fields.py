"""The fields of a schema with their places, and the words that a field may have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from mock_heidi.base import contract

EACH = "*"
"""The step of a place into each item of a list."""
Steps = tuple[str, ...]


class Words(NamedTuple):
    """A list of documented words. Fields with the same words share one list."""

    name: str
    values: tuple[str, ...]
    any_case: bool
    """True if other spellings of the same words are documented too."""

    def find(self, value: object) -> str | None:
        """The documented word that a value is, or None."""
        if not isinstance(value, str):
            return None
        if value in self.values:
            return value
        return next((word for word in self.values if self.any_case and word.lower() == value.lower()), None)


class Field(NamedTuple):
    """A field of a body."""

    steps: Steps
    """Its place, such as ``("data", "*", "gender")``."""
    schema: Mapping[str, Any]
    optional: bool

    @property
    def name(self) -> str:
        """Its place as text, such as ``questions[].answerType``."""
        return ".".join(self.steps).replace(f".{EACH}", "[]")


def fields_of(schema: Mapping[str, Any]) -> Iterator[Field]:
    """All fields of a schema, outer ones first. A schema inside itself is left out."""
    return _fields(schema, (), ())


def _fields(schema: Mapping[str, Any], steps: Steps, outer: Steps) -> Iterator[Field]:
    name = schema.get("$ref", "")
    if name in outer:
        return
    outer = (*outer, name) if name else outer
    schema = contract.resolve(schema)
    for branch in schema.get("anyOf", ()):
        yield from _fields(branch, steps, outer)
    if "items" in schema:
        yield from _fields(schema["items"], (*steps, EACH), outer)
    for key, inner in schema.get("properties", {}).items():
        yield Field((*steps, key), inner, key not in schema.get("required", ()))
        yield from _fields(inner, (*steps, key), outer)


def words_of(schema: Mapping[str, Any]) -> Words | None:
    """The documented words of a value; None if it is not one of a list of words."""
    found = contract.resolve(schema)
    for branch in found.get("anyOf", ()):
        if (words := words_of(branch)) is not None:
            return words
    values = _listed(found)
    return Words(_lists()[values], values, "enum" not in found) if values else None


def _listed(schema: Mapping[str, Any]) -> tuple[str, ...]:
    # A field that takes other words or spellings too has x-words in place of an enum.
    return tuple(schema.get("enum", schema.get("x-words", ())))


@cache
def _lists() -> dict[tuple[str, ...], str]:
    """The names of all lists of words. Of two names for the same list the first counts."""
    schemas = contract.loaded()["components"]["schemas"]
    return {words: name for name, schema in reversed(schemas.items()) if (words := _listed(schema))}


def values_at(value: Any, steps: Sequence[str]) -> list[Any]:
    """The values at a place. A body of another form has none."""
    found = [value]
    for step in steps:
        if step == EACH:
            found = [item for one in found if isinstance(one, list) for item in one]
        else:
            found = [one[step] for one in found if isinstance(one, dict) and step in one]
    return found
