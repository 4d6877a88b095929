"""The points of the contract that a client can exercise. They follow from ``openapi.yaml`` and the operations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from types import MappingProxyType
from typing import NamedTuple

from mock_heidi.base.operations import STREAMS
from mock_heidi.observing.coverage.documented_parts import DocumentedParts, documented_parts
from mock_heidi.observing.coverage.object_states import all_changes


class Kind(NamedTuple):
    """A kind of points: its name in a table, and what was never done with a missing one."""

    title: str
    never: str


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "operation": Kind("operations", "never called"),
        "error": Kind("documented errors", "never met"),
        "stream_ending": Kind("stream endings", "never met"),
        "token": Kind("token states", "never met"),
        "transition": Kind("transitions", "never seen"),
        "sent_word": Kind("enum values sent", "never sent"),
        "received_word": Kind("enum values received", "never received"),
        "optional_field": Kind("optional fields", "never sent"),
    }
)
"""All kinds. The kind whose gaps are worst comes first."""
ENDINGS = ("complete", "early_end", "reset", "stall")
"""The ends of a stream that a client must be able to handle."""
TOKEN_STATES = ("valid", "missing", "expired", "invalid", "other_namespace", "wrong_key")
"""``wrong_key`` is a sign-in with a missing or unknown API key."""


class Point(NamedTuple):
    """One thing that a client can exercise."""

    kind: str
    name: str


def operation(name: str) -> Point:
    return Point("operation", name)


def error(operation: str, name: str) -> Point:
    return Point("error", f"{operation} {name}")


def stream_ending(operation: str, ending: str) -> Point:
    return Point("stream_ending", f"{operation} {ending}")


def token(state: str) -> Point:
    return Point("token", state)


def transition(thing: str, before: str, after: str) -> Point:
    return Point("transition", f"{thing} {before} to {after}")


def sent_word(words: str, word: str) -> Point:
    return Point("sent_word", f"{words} {word}")


def received_word(words: str, word: str) -> Point:
    return Point("received_word", f"{words} {word}")


def optional_field(operation: str, name: str) -> Point:
    return Point("optional_field", f"{operation} {name}")


def optional_parameter(operation: str, name: str) -> Point:
    return Point("optional_field", f"{operation} ?{name}")


@cache
def all_points() -> tuple[Point, ...]:
    """All points. Kinds come in the order of ``KINDS``, points of a kind in the order of the contract."""
    found = dict.fromkeys(_found())
    return tuple(sorted(found, key=lambda point: list(KINDS).index(point.kind)))


def _found() -> Iterator[Point]:
    for parts in documented_parts().values():
        yield from _of_operation(parts)
    for state in TOKEN_STATES:
        yield token(state)
    for change in all_changes():
        yield transition(*change)


def _of_operation(parts: DocumentedParts) -> Iterator[Point]:
    name = parts.operation
    yield operation(name)
    for one in parts.errors:
        yield error(name, one)
    for ending in ENDINGS if name in STREAMS else ():
        yield stream_ending(name, ending)
    for words in (*(words for _, words in parts.sent), *parts.sent_parameters.values()):
        for word in words.values:
            yield sent_word(words.name, word)
    for _, words in parts.received:
        for word in words.values:
            yield received_word(words.name, word)
    for field in parts.optional:
        yield optional_field(name, field.name)
    for parameter in parts.optional_parameters:
        yield optional_parameter(name, parameter)
