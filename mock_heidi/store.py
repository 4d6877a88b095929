"""The state of one namespace: an overlay of changes over a shared base that never changes.

So reset, fork and snapshot cost what was changed since, not what is there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar, cast

from mock_heidi.models import Record

R = TypeVar("R", bound=Record)
Kind = type[Record]
# A place in an index: the kind, the fields and their values.
Slot = tuple[Kind, tuple[str, ...], tuple[Any, ...]]


def _slots(record: Record) -> Iterable[Slot]:
    kind = type(record)
    for fields in kind.indexes:
        yield kind, fields, tuple([getattr(record, field) for field in fields])


class Base:
    """Records with their order and indexes, made once, then shared and never changed."""

    def __init__(self, records: Iterable[Record] = (), packaged: frozenset[str] = frozenset()) -> None:
        self.packaged = packaged
        """The fixture files that the packaged set gave."""
        self.records: dict[Kind, dict[str, Record]] = {}
        self.index: dict[Slot, list[Record]] = {}
        self.position: dict[tuple[Kind, str], int] = {}
        for number, record in enumerate(records):
            self.records.setdefault(type(record), {})[record.key] = record
            self.position[type(record), record.key] = number
            for slot in _slots(record):
                self.index.setdefault(slot, []).append(record)


class Store:
    """Few verbs, values in and out. Every one is synchronous: what was put is there, whoever leaves."""

    def __init__(self, base: Base) -> None:
        self._base = base
        self.watch: Callable[[Record], None] | None = None
        """Told of every record that is put or removed."""
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
        self._next = len(self._base.position)
        # Whether a fork looks into the same tables.
        self._shared = False

    @property
    def base(self) -> Base:
        return self._base

    def get(self, kind: type[R], key: str) -> R | None:
        """The record of that key, or None."""
        # A table holds records of its own kind only.
        changes = self._changes.get(kind)
        if changes is not None and key in changes:
            return cast("R | None", changes[key])
        return cast("R | None", self._base.records.get(kind, {}).get(key))

    def put(self, record: Record) -> None:
        """Keep a record in the place of the one with its key, or as the newest of its kind."""
        self._own()
        kind, key = type(record), record.key
        old = self.get(kind, key)
        if old is None:
            self._born[kind, key] = self._next
            self._next += 1
        self._move(old, record)
        changes = self._changes.setdefault(kind, {})
        if old is None:
            changes.pop(key, None)  # one of the base that had been removed is now the newest
        changes[key] = record
        if self.watch is not None:
            self.watch(record)

    def remove(self, record: Record) -> None:
        """Forget a record; one that is not there is no error."""
        self._own()
        kind, key = type(record), record.key
        self._move(self.get(kind, key), None)
        self._born.pop((kind, key), None)
        if key in self._base.records.get(kind, {}):
            self._changes.setdefault(kind, {})[key] = None
        else:
            self._changes.get(kind, {}).pop(key, None)
        if self.watch is not None:
            self.watch(record)

    def all(self, kind: type[R]) -> Sequence[R]:
        """Every record of a kind, in the order of creation."""
        base = self._base.records.get(kind, {})
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
        base = self._base.records.get(kind, {})
        changes = self._changes.get(kind, {})
        return len(base) + sum((record is not None) - (key in base) for key, record in changes.items())

    def fork(self) -> Store:
        """Another store with the same content, that goes its own way; whoever changes something first pays for it."""
        other = Store(self._base)
        other._changes, other._joined, other._left = self._changes, self._joined, self._left
        other._mixed, other._born, other._next = self._mixed, self._born, self._next
        self._shared = other._shared = True
        return other

    def _own(self) -> None:
        """Have tables of its own before one of them is changed."""
        if self._shared:
            self._changes = {kind: dict(records) for kind, records in self._changes.items()}
            self._joined = {slot: dict(keys) for slot, keys in self._joined.items()}
            self._left = {slot: set(keys) for slot, keys in self._left.items()}
            self._mixed, self._born = set(self._mixed), dict(self._born)
            self._shared = False

    def differences(self, other: Store, kind: Kind) -> list[tuple[Record | None, Record | None]]:
        """The records of a kind that differ from another store's: this one's and the other's, None where one lacks it.

        Of stores on the same base only what was changed in either is looked at.
        """
        if self._base is other._base:
            keys = {**self._changes.get(kind, {}), **other._changes.get(kind, {})}
        else:
            keys = {record.key: None for store in (self, other) for record in store.all(kind)}
        pairs = ((self.get(kind, key), other.get(kind, key)) for key in keys)
        return [(mine, theirs) for mine, theirs in pairs if mine is not theirs and mine != theirs]

    @staticmethod
    def _slot(kind: Kind, values: dict[str, Any]) -> Slot:
        fields = tuple(values)
        if fields not in kind.indexes:
            raise LookupError(f"{kind.__name__} has no index on {', '.join(fields)}")
        return kind, fields, tuple(values.values())

    def _position(self, kind: Kind, key: str) -> int:
        born = self._born.get((kind, key))
        return self._base.position[kind, key] if born is None else born

    def _move(self, old: Record | None, new: Record | None) -> None:
        before = dict.fromkeys(_slots(old)) if old else {}
        after = dict.fromkeys(_slots(new)) if new else {}
        for slot in before:
            if old and slot not in after:
                self._leave(slot, old.key)
        for slot in after:
            if new and slot not in before:
                self._join(slot, new.key, newborn=old is None)

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

    def _join(self, slot: Slot, key: str, *, newborn: bool) -> None:
        if (slot[0], key) not in self._born and key in self._left.get(slot, ()):
            self._left[slot].remove(key)
            return
        self._joined.setdefault(slot, {})[key] = None
        if not newborn:
            self._mixed.add(slot)
