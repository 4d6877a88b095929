"""Indexes: the records of a kind by the values of some of its fields."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from itertools import chain
from operator import attrgetter
from typing import Any

from mock_heidi.base.values import Record

Kind = type[Record]
# A place in an index: the kind, the fields and their values, or the one value of a single field.
Slot = tuple[Kind, tuple[str, ...], Any]


def slots_of(record: Record) -> list[Slot]:
    """The slots of a record, one in each index of its kind."""
    kind = type(record)
    return [(kind, fields, values(record)) for fields, values in _indexes(kind)]


@cache
def _indexes(kind: Kind) -> list[tuple[tuple[str, ...], Callable[[Record], Any]]]:
    """The indexes of a kind, each with a function that returns the values of its fields."""
    return [(fields, attrgetter(*fields)) for fields in kind.indexes]


@cache
def indexed(kind: Kind) -> Callable[[Record], Any]:
    """A function that returns the values of all indexed fields of a record."""
    fields = dict.fromkeys(chain.from_iterable(kind.indexes))
    return attrgetter(*fields) if fields else type


class Index(Mapping[Slot, Sequence[Record]]):
    """The records at each slot. A slot with one record stores it without a list, since most slots have one."""

    def __init__(self) -> None:
        self._tables: dict[tuple[Kind, tuple[str, ...]], dict[Any, Record | list[Record]]] = {}

    def add(self, record: Record) -> None:
        for kind, fields, values in slots_of(record):
            table = self._tables.setdefault((kind, fields), {})
            found = table.setdefault(values, record)
            if isinstance(found, list):
                found.append(record)
            elif found is not record:
                table[values] = [found, record]

    def __getitem__(self, slot: Slot) -> Sequence[Record]:
        found: Sequence[Record] = self.get(slot)
        if not found:
            raise KeyError(slot)
        return found

    def get(self, slot: Slot, default: Any = ()) -> Any:
        """The records at a slot. This is the most frequent call, so it avoids exceptions."""
        kind, fields, values = slot
        table = self._tables.get((kind, fields))
        found: Any = None if table is None else table.get(values)
        return default if found is None else found if isinstance(found, list) else [found]

    def __iter__(self) -> Iterator[Slot]:
        return ((*where, values) for where, table in self._tables.items() for values in table)

    def __len__(self) -> int:
        return sum(map(len, self._tables.values()))
