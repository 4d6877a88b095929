"""The changes of the state by a request: the records before and after.

A request collects them in one flat list, in which each record is followed by the one that took its place. Records never
change, so references to them are enough. Rows are made of them when somebody reads them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from mock_heidi.base.values import Record, Value

# The bytes of a record without its texts, as measured with tracemalloc.
_RECORD = 1_000
# The bytes of a text without its characters, and of a number.
_VALUE = 56
_NUMBERS = (int, bool)


class Change(NamedTuple):
    """A record before and after a request; None for one that does not exist."""

    before: Record | None
    after: Record | None

    @property
    def record(self) -> Record:
        """The record after the change, or before its removal."""
        record = self.after or self.before
        assert record is not None  # noqa: S101 - one of the two exists
        return record


def changes(records: Sequence[Record | None]) -> list[Change]:
    """Each record of the flat list once, in the order of the first changes."""
    joined: dict[tuple[type[Record], str], Change] = {}
    for change in map(Change, records[::2], records[1::2]):
        name = type(change.record), change.record.key
        joined[name] = Change(joined[name].before, change.after) if name in joined else change
    return [change for change in joined.values() if change.before != change.after]


def size(records: Sequence[Record | None]) -> int:
    """The approximate number of bytes of the records in the flat list, without what the two of a pair share."""
    total = _RECORD * len(records)
    for at in range(0, len(records), 2):
        before, after = records[at], records[at + 1]
        if before is None or after is None:
            total += _size(vars(before or after).values())
        else:
            old = vars(before)
            differing = [name for name, value in vars(after).items() if value is not old[name]]
            total += _size([vars(record)[name] for record in (before, after) for name in differing])
    return total


def _size(values: Iterable[Any]) -> int:
    total = 0
    for value in values:
        if value is None:
            continue
        if type(value) is str:
            total += _VALUE + len(value)
        elif type(value) not in _NUMBERS:
            total += _VALUE + _size(_inner(value))
    return total


def _inner(value: Any) -> Any:
    if isinstance(value, Value):
        return vars(value).values()
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list | tuple) else ()
