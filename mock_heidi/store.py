"""The state of one namespace: an overlay of changes over a shared base that never changes.

So reset, fork and snapshot cost what was changed since, not what is there.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import chain
from operator import attrgetter
from types import MappingProxyType
from typing import Any, TypeVar, cast

from mock_heidi.models import Record
from mock_heidi.slices import RECORD, Work, finish

R = TypeVar("R", bound=Record)
_UNCHANGED = object()
# How much is made once for many: so many values, none of so many bytes.
_MOST_MADE, _LARGE = 1_000, 256 * 1024
# So many records are put into a base between two pauses.
_AT_ONCE = 64
Kind = type[Record]
# A place in an index: the kind, the fields and their values, or the one value of a single field.
Slot = tuple[Kind, tuple[str, ...], Any]


def _slots(record: Record) -> list[Slot]:
    kind = type(record)
    return [(kind, fields, values(record)) for fields, values in _indexes(kind)]


@cache
def _indexes(kind: Kind) -> list[tuple[tuple[str, ...], Callable[[Record], Any]]]:
    """The indexes of a kind, each with what takes its values out of a record."""
    return [(fields, attrgetter(*fields)) for fields in kind.indexes]


@cache
def _indexed(kind: Kind) -> Callable[[Record], Any]:
    """What takes the values of every indexed field out of a record."""
    fields = dict.fromkeys(chain.from_iterable(kind.indexes))
    return attrgetter(*fields) if fields else type


class _Index(Mapping[Slot, Sequence[Record]]):
    """The records at each slot. A slot with one record holds no list of it: most of a large base are such."""

    def __init__(self) -> None:
        self._tables: dict[tuple[Kind, tuple[str, ...]], dict[Any, Record | list[Record]]] = {}

    def add(self, record: Record) -> None:
        for kind, fields, values in _slots(record):
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
        """The records at a slot; asked more often than anything else, so without an exception on the way."""
        kind, fields, values = slot
        table = self._tables.get((kind, fields))
        found: Any = None if table is None else table.get(values)
        return default if found is None else found if isinstance(found, list) else [found]

    def __iter__(self) -> Iterator[Slot]:
        return ((*where, values) for where, table in self._tables.items() for values in table)

    def __len__(self) -> int:
        return sum(map(len, self._tables.values()))


class _Positions(Mapping[tuple[Kind, str], int]):
    """Where each record stands among those of its kind: counted when it is first asked, which is rare."""

    def __init__(self, records: Mapping[Kind, Mapping[str, Record]]) -> None:
        self._records = records
        self._counted: dict[Kind, dict[str, int]] = {}

    def __getitem__(self, name: tuple[Kind, str]) -> int:
        kind, key = name
        if kind not in self._counted:
            self._counted[kind] = {key: number for number, key in enumerate(self._records[kind])}
        return self._counted[kind][key]

    def __iter__(self) -> Iterator[tuple[Kind, str]]:
        return ((kind, key) for kind, records in self._records.items() for key in records)

    def __len__(self) -> int:
        return sum(map(len, self._records.values()))


class _Tables(dict[Kind, dict[str, Record]]):
    """The records of each kind; what is ``late`` is fetched by whoever asks for it first."""

    def __init__(self, late: Mapping[Kind, Callable[[], dict[str, Record]]]) -> None:
        self._late = late

    def __missing__(self, kind: Kind) -> dict[str, Record]:
        table = self[kind] = self._late.get(kind, dict)()
        return table


class Base:
    """Records with their order and indexes, made once, then shared and never changed.

    Of kinds without an index, the records may come ``late``: when somebody asks for one of them.
    """

    def __init__(
        self,
        records: Iterable[Record] = (),
        packaged: frozenset[str] = frozenset(),
        late: Mapping[Kind, Callable[[], dict[str, Record]]] = MappingProxyType({}),
    ) -> None:
        self.packaged = packaged
        """The fixture files that the packaged set gave."""
        self.records: dict[Kind, dict[str, Record]] = _Tables(late)
        self._index = _Index()
        self.index: Mapping[Slot, Sequence[Record]] = self._index
        self.position: Mapping[tuple[Kind, str], int] = _Positions(self.records)
        finish(self._fill(records))

    @classmethod
    def making(
        cls, records: Iterable[Record], packaged: frozenset[str], late: Mapping[Kind, Callable[[], dict[str, Record]]]
    ) -> Work[Base]:
        """A base of many records, record by record."""
        base = cls((), packaged, late)
        yield from base._fill(records)
        return base

    def _fill(self, records: Iterable[Record]) -> Work[None]:
        for number, record in enumerate(records):
            self.records[type(record)][record.key] = record
            self._index.add(record)
            if number % _AT_ONCE == 0:
                yield RECORD // 4 * _AT_ONCE


class Store:
    """Few verbs, values in and out. Every one is synchronous: what was put is there, whoever leaves."""

    def __init__(self, base: Base) -> None:
        self._base = base
        self.watch: Callable[[Record], None] | None = None
        """Told of every record that is put or removed."""
        self.version = 0
        """Another number after every change."""
        self.reset()

    def reset(self, base: Base | None = None) -> None:
        """Forget every change; with ``base``, stand on that one from now on."""
        self._base = base or self._base
        # Per kind the records that differ from the base, None for a removed one, in the order of their first change.
        self._changes: dict[Kind, dict[str, Record | None]] = {}
        # Per slot the keys that came in and the base's keys that went out.
        self._joined: dict[Slot, dict[str, None]] = {}
        self._left: dict[Slot, set[str]] = {}
        # The slots that an older record came into, so that coming in is no longer the order of creation.
        self._mixed: set[Slot] = set()
        self._born: dict[tuple[Kind, str], int] = {}
        # Per kind how many records there are more than in the base.
        self._grown: dict[Kind, int] = {}
        self._next = len(self._base.position)
        # Whether a fork looks into the same tables.
        self._shared = False
        self._made: dict[Hashable, bytes] = {}
        self.version += 1

    @property
    def base(self) -> Base:
        return self._base

    def get(self, kind: type[R], key: str) -> R | None:
        """The record of that key, or None."""
        # A table holds records of its own kind only.
        found: Any = _UNCHANGED
        if kind in self._changes:
            found = self._changes[kind].get(key, _UNCHANGED)
        if found is _UNCHANGED:
            found = self._base.records[kind].get(key)
        return found  # type: ignore[no-any-return]

    def put(self, record: Record) -> None:
        """Keep a record in the place of the one with its key, or as the newest of its kind."""
        if self._shared:
            self._own()
        kind, key = type(record), record.key
        old = self.get(kind, key)
        changes = self._changes.setdefault(kind, {})
        if old is None:
            self._bear(record, key)
            changes.pop(key, None)  # one of the base that had been removed is now the newest
        elif _indexed(kind)(old) != _indexed(kind)(record):
            self._move(old, record)
        changes[key] = record
        self._tell(record)

    def _bear(self, record: Record, key: str) -> None:
        """Have it stand in the indexes, after all that were there before."""
        kind = type(record)
        self._born[kind, key] = self._next
        self._next += 1
        self._grown[kind] = self._grown.get(kind, 0) + 1
        for slot in _slots(record):
            if slot in self._joined:
                self._joined[slot][key] = None
            else:
                self._joined[slot] = {key: None}

    def _tell(self, record: Record) -> None:
        """Note that something has changed."""
        self.version += 1
        self._made.clear()
        if self.watch is not None:
            self.watch(record)

    def remove(self, record: Record) -> None:
        """Forget a record; one that is not there is no error."""
        if self._shared:
            self._own()
        kind, key = type(record), record.key
        old = self.get(kind, key)
        if old is not None:
            self._grown[kind] = self._grown.get(kind, 0) - 1
            for slot in _slots(old):
                self._leave(slot, key)
        self._born.pop((kind, key), None)
        if key in self._base.records[kind]:
            self._changes.setdefault(kind, {})[key] = None
        else:
            self._changes.get(kind, {}).pop(key, None)
        self._tell(record)

    def once(self, name: Hashable, make: Callable[[], bytes]) -> bytes:
        """What ``make`` makes of the records, made anew when any of them has changed since."""
        made = self._made.get(name)
        if made is None:
            made = make()
            if len(self._made) < _MOST_MADE and len(made) < _LARGE:
                self._made[name] = made
        return made

    def all(self, kind: type[R]) -> Sequence[R]:
        """Every record of a kind, in the order of creation."""
        base = self._base.records[kind]
        changes = self._changes.get(kind, {})
        old = (changes.get(key, record) for key, record in base.items() if (kind, key) not in self._born)
        new = [record for key, record in changes.items() if (kind, key) in self._born]
        return cast("Sequence[R]", [record for record in old if record is not None] + new)

    def where(self, kind: type[R], **values: Any) -> Sequence[R]:
        """The records with these values, in the order of creation; the fields must be one of the kind's indexes."""
        slot = self._slot(kind, values)
        base: Sequence[Any] = self._base.index.get(slot, ())
        changes = self._changes.get(kind)
        if not changes:
            return base
        left, joined = self._left.get(slot, ()), self._joined.get(slot, ())
        found: list[Any] = [changes.get(record.key, record) for record in base if record.key not in left]
        found += [changes[key] for key in joined]
        if slot in self._mixed:
            found.sort(key=lambda record: self._position(kind, record.key))
        return found

    def count(self, kind: Kind, **values: Any) -> int:
        """How many :meth:`where` would find, without looking at them."""
        slot = self._slot(kind, values)
        return len(self._base.index.get(slot, ())) - len(self._left.get(slot, ())) + len(self._joined.get(slot, ()))

    @property
    def changed(self) -> bool:
        """Whether anything differs from the base."""
        return any(self._changes.values())

    def size(self, kind: Kind) -> int:
        """How many records of a kind there are."""
        return len(self._base.records[kind]) + self._grown.get(kind, 0)

    def fork(self) -> Store:
        """Another store with the same content, that goes its own way; whoever changes something first pays for it."""
        other = Store(self._base)
        other._changes, other._joined, other._left = self._changes, self._joined, self._left
        other._mixed, other._born, other._next, other._grown = self._mixed, self._born, self._next, self._grown
        self._shared = other._shared = True
        return other

    def adopt(self, fork: Store) -> None:
        """Hold what a fork holds, which goes its own way no longer; nobody is told."""
        self._changes, self._joined, self._left = fork._changes, fork._joined, fork._left
        self._mixed, self._born, self._next, self._grown = fork._mixed, fork._born, fork._next, fork._grown
        self._shared = fork._shared
        self._made.clear()
        self.version += 1

    def _own(self) -> None:
        """Have tables of its own before one of them is changed."""
        self._changes = {kind: dict(records) for kind, records in self._changes.items()}
        self._joined = {slot: dict(keys) for slot, keys in self._joined.items()}
        self._left = {slot: set(keys) for slot, keys in self._left.items()}
        self._mixed, self._born, self._grown = set(self._mixed), dict(self._born), dict(self._grown)
        self._shared = False

    def differences(self, other: Store, kind: Kind) -> list[tuple[Record | None, Record | None]]:
        """The records of a kind that differ from another store's: this one's and the other's, None where one lacks it.

        Of stores on the same base only what was changed in either is looked at.
        """
        return [pair for pair in self.comparing(other, kind) if pair is not None]

    def comparing(self, other: Store, kind: Kind) -> Iterator[tuple[Record | None, Record | None] | None]:
        """The same, compared one by one, both states as they are now; None for a record that does not differ.

        All pairs are collected first, in one go: the states may change while they are compared.
        """
        if self._base is other._base:
            keys = {**self._changes.get(kind, {}), **other._changes.get(kind, {})}
            pairs = [(self.get(kind, key), other.get(kind, key)) for key in keys]
        else:
            mine, theirs = ({record.key: record for record in store.all(kind)} for store in (self, other))
            pairs = [(mine.get(key), theirs.get(key)) for key in {**mine, **theirs}]
        return (pair if pair[0] is not pair[1] and pair[0] != pair[1] else None for pair in pairs)

    @staticmethod
    def _slot(kind: Kind, values: dict[str, Any]) -> Slot:
        fields = tuple(values)
        if fields not in kind.indexes:
            raise LookupError(f"{kind.__name__} has no index on {', '.join(fields)}")
        wanted = tuple(values.values())
        return kind, fields, wanted if len(wanted) > 1 else wanted[0]

    def _position(self, kind: Kind, key: str) -> int:
        born = self._born.get((kind, key))
        return self._base.position[kind, key] if born is None else born

    def _move(self, old: Record, new: Record) -> None:
        before, after = _slots(old), _slots(new)
        for slot in before:
            if slot not in after:
                self._leave(slot, old.key)
        for slot in after:
            if slot not in before:
                self._join(slot, new.key)

    def _leave(self, slot: Slot, key: str) -> None:
        joined = self._joined.get(slot)
        if joined is None or key not in joined:
            self._left.setdefault(slot, set()).add(key)
            return
        del joined[key]
        # Empty places go, or a server that creates and deletes all day would keep one for every value it ever saw.
        if not joined:
            del self._joined[slot]
            self._mixed.discard(slot)

    def _join(self, slot: Slot, key: str) -> None:
        if (slot[0], key) not in self._born and key in self._left.get(slot, ()):
            self._left[slot].remove(key)
        else:
            self._joined.setdefault(slot, {})[key] = None
            self._mixed.add(slot)
