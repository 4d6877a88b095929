"""The state of one namespace: an overlay of changes over a shared base that never changes.

The cost of a reset, a fork or a snapshot depends on the changes, not on the size of the state.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Protocol, TypeVar, cast

from mock_heidi.base.slices import RECORD, Work, finish
from mock_heidi.base.values import Record
from mock_heidi.state.indexes import Index, Kind, Slot, indexed
from mock_heidi.state.overlay import Overlay

R = TypeVar("R", bound=Record)
_UNCHANGED = object()
# The most results that :meth:`Store.once` keeps, and the length in bytes from which it keeps none.
_MOST_MADE, _LARGE = 1_000, 256 * 1024
# The number of records that are put into a base between two pauses.
_AT_ONCE = 64


class _Positions(Mapping[tuple[Kind, str], int]):
    """The position of each record among those of its kind. It is counted at the first use, which is rare."""

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
    """The records of each kind. ``late`` has functions that load the records of a kind at their first use."""

    def __init__(self, late: Mapping[Kind, Callable[[], dict[str, Record]]]) -> None:
        self._late = late

    def __missing__(self, kind: Kind) -> dict[str, Record]:
        table = self[kind] = self._late.get(kind, dict)()
        return table


class Base:
    """Records with their order and indexes, made once, then shared and never changed.

    The records of a kind without an index may be ``late``: they are loaded at their first use.
    """

    def __init__(
        self,
        records: Iterable[Record] = (),
        packaged: frozenset[str] = frozenset(),
        late: Mapping[Kind, Callable[[], dict[str, Record]]] = MappingProxyType({}),
    ) -> None:
        self.packaged = packaged
        """The kinds whose records come from the packaged set."""
        self.records: dict[Kind, dict[str, Record]] = _Tables(late)
        self._index = Index()
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


class Writer(Protocol):
    """A request that changes records."""

    def changed(self, old: Record | None, new: Record | None) -> None:
        """Note that a record was put in the place of an old one, or removed."""


class Store:
    """The records of one namespace. Each method is synchronous: a client that leaves cannot interrupt a change."""

    def __init__(self, base: Base) -> None:
        self._base = base
        self.watch: Callable[[Record], None] | None = None
        """A function that is called with each record that is put or removed."""
        self.writer: Writer | None = None
        """The request that changes the records now; None for a change that no request to the API makes."""
        self.version = 0
        """A number that changes with every change of the records."""
        self.reset()

    def reset(self, base: Base | None = None) -> None:
        """Forget every change. ``base`` replaces the base."""
        self._base = base or self._base
        self._overlay = Overlay(len(self._base.position))
        # True if another store uses the same overlay.
        self._shared = False
        self._made: dict[Hashable, tuple[bytes, tuple[str, ...]]] = {}
        self.version += 1

    @property
    def base(self) -> Base:
        return self._base

    def get(self, kind: type[R], key: str) -> R | None:
        """The record of that key, or None."""
        # A table holds records of its own kind only.
        found: Any = _UNCHANGED
        changes = self._overlay.records.get(kind)
        if changes:
            found = changes.get(key, _UNCHANGED)
        if found is _UNCHANGED:
            found = self._base.records[kind].get(key)
        return found  # type: ignore[no-any-return]

    def put(self, record: Record) -> None:
        """Store a record. It replaces the record with its key, or becomes the newest of its kind."""
        overlay, kind, key = self._own(), type(record), record.key
        old = self.get(kind, key)
        changes = overlay.records.setdefault(kind, {})
        if old is None:
            overlay.add(kind, key)
            changes.pop(key, None)  # a record of the base that was removed before is now the newest
        elif indexed(kind)(old) != indexed(kind)(record):
            overlay.move(old, record)
        changes[key] = record
        self._report(old, record)

    def _report(self, old: Record | None, new: Record | None) -> None:
        """Note a change and report it to the writer and the watcher."""
        self.version += 1
        self._made.clear()
        if self.writer is not None:
            self.writer.changed(old, new)
        record = new or old
        if self.watch is not None and record is not None:
            self.watch(record)

    def remove(self, record: Record) -> None:
        """Remove a record. Unknown records are ignored."""
        overlay, kind, key = self._own(), type(record), record.key
        old = self.get(kind, key)
        if old is not None:
            overlay.remove(old, key)
        if key in self._base.records[kind]:
            overlay.records.setdefault(kind, {})[key] = None
        else:
            overlay.records.get(kind, {}).pop(key, None)
        self._report(old, None)

    def once(self, name: Hashable, make: Callable[[], tuple[bytes, tuple[str, ...]]]) -> tuple[bytes, tuple[str, ...]]:
        """The result of ``make`` for the records: bytes, and words about them. It is kept until a record changes."""
        made = self._made.get(name)
        if made is None:
            made = make()
            if len(self._made) < _MOST_MADE and len(made[0]) < _LARGE:
                self._made[name] = made
        return made

    def all(self, kind: type[R]) -> Sequence[R]:
        """Every record of a kind, in the order of creation."""
        base = self._base.records[kind]
        changes, created = self._overlay.records.get(kind, {}), self._overlay.created.get(kind, ())
        old = (changes.get(key, record) for key, record in base.items() if key not in created)
        new = [record for key, record in changes.items() if key in created]
        return cast("Sequence[R]", [record for record in old if record is not None] + new)

    def where(self, kind: type[R], **values: Any) -> Sequence[R]:
        """The records with these values, in the order of creation. The fields must be an index of the kind."""
        slot = self._slot(kind, values)
        base: Sequence[Any] = self._base.index.get(slot, ())
        overlay = self._overlay
        changes = overlay.records.get(kind)
        if not changes:
            return base
        left, joined = overlay.left(slot), overlay.joined(slot)
        found: list[Any] = [changes.get(record.key, record) for record in base if record.key not in left]
        found += [changes[key] for key in joined]
        if overlay.is_mixed(slot):
            found.sort(key=lambda record: self._position(kind, record.key))
        return found

    def count(self, kind: Kind, **values: Any) -> int:
        """The number of records that :meth:`where` finds, from the sizes of the indexes."""
        slot = self._slot(kind, values)
        return len(self._base.index.get(slot, ())) - len(self._overlay.left(slot)) + len(self._overlay.joined(slot))

    @property
    def changed(self) -> bool:
        """True if a record differs from the base."""
        return any(self._overlay.records.values())

    def size(self, kind: Kind) -> int:
        """The number of records of a kind."""
        return len(self._base.records[kind]) + self._overlay.growth(kind)

    def fork(self) -> Store:
        """An independent store with the same content. The first of the two that changes copies the overlay."""
        other = Store(self._base)
        other._overlay, other._shared, self._shared = self._overlay, True, True
        return other

    def adopt(self, fork: Store) -> None:
        """Take over the content of a fork, which must not be used afterwards. No change is reported."""
        self._overlay, self._shared = fork._overlay, fork._shared
        self._made.clear()
        self.version += 1

    def _own(self) -> Overlay:
        """The overlay of this store alone, copied if it is shared."""
        if self._shared:
            self._overlay, self._shared = self._overlay.copy(), False
        return self._overlay

    def differences(self, other: Store, kind: Kind) -> list[tuple[Record | None, Record | None]]:
        """The records of a kind that differ between two stores: pairs of this one's and the other's, None if missing.

        If both have the same base, only changed records are compared.
        """
        return [pair for pair in self.comparing(other, kind) if pair is not None]

    def comparing(self, other: Store, kind: Kind) -> Iterator[tuple[Record | None, Record | None] | None]:
        """The same as :meth:`differences`, one record after the other; None for a record that does not differ.

        The pairs are collected at the call, because the states may change while they are compared.
        """
        if self._base is other._base:
            keys = {**self._overlay.records.get(kind, {}), **other._overlay.records.get(kind, {})}
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
        created = self._overlay.created.get(kind, {}).get(key)
        return self._base.position[kind, key] if created is None else created
