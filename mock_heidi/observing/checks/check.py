"""The form of a check, and a memory for what it has read."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, Generic, Protocol, TypeVar

from mock_heidi.observing.entry import Entry
from mock_heidi.observing.parsed_entries import Reading

V = TypeVar("V")

REMEMBERED = 1_000
"""The number of tokens, sessions and the like that a check remembers; the oldest go."""

Keys = Callable[[], Iterable[str]]
Line = Callable[[Entry], Mapping[str, Any]]
"""Gives the method and the path of a request without secrets."""


class Note(Protocol):
    """Notes a finding of the request that is being read."""

    def __call__(self, code: str, detail: str = "") -> None: ...


class Check:
    """Looks at every request twice: when it is first seen, perhaps without an answer, and when it is complete."""

    def arrive(self, request: Reading) -> None:
        """Remember that a request was sent. Slow requests arrive here before quick ones that were sent later."""

    def look(self, request: Reading, note: Note) -> None:
        """Note what a complete request shows."""


class Latest(Generic[V]):
    """Values of the names that came last. Names are known by their hashes: a client chooses them, so may be long."""

    def __init__(self) -> None:
        self._values: dict[int, V] = {}

    def get(self, name: Hashable) -> V | None:
        return self._values.get(hash(name))

    def put(self, name: Hashable, value: V) -> None:
        self.drop(name)
        self._values[hash(name)] = value
        if len(self._values) > REMEMBERED:
            del self._values[next(iter(self._values))]

    def drop(self, name: Hashable) -> None:
        self._values.pop(hash(name), None)
