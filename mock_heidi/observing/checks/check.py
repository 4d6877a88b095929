"""The form of a check, and a memory for what it has read."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, Generic, Protocol, TypeVar

from mock_heidi.observing.entry import Entry
from mock_heidi.observing.parsed_entries import ParsedEntry

V = TypeVar("V")

REMEMBERED = 1_000
"""The number of tokens, sessions and the like that a check remembers. It forgets the oldest."""

Keys = Callable[[], Iterable[str]]
Line = Callable[[Entry], Mapping[str, Any]]
"""Returns the method and the path of a request without secrets."""


class Note(Protocol):
    """Notes a finding about the current request."""

    def __call__(self, code: str, detail: str = "") -> None: ...


class Check:
    """Reads every request twice: when it arrives, perhaps before its answer, and when it is complete."""

    def arrive(self, request: ParsedEntry) -> None:
        """Remember that a request was sent. Requests arrive in the order in which they were sent."""

    def look(self, request: ParsedEntry, note: Note) -> None:
        """Note the findings that a complete request shows."""


class Latest(Generic[V]):
    """The values of the names that were put last. It stores hashes of the names, since these may be long."""

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
