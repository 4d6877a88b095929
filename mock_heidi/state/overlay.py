"""Changes over a base: the records, their order, and their places in the indexes."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from mock_heidi.base.values import Record
from mock_heidi.state.indexes import Kind, Slot, slots_of


class Overlay:
    """The changes of one store. Forks share an overlay until one of them makes a change.

    New records are put into the indexes at the first search, since most of them are never searched for.
    """

    def __init__(self, first: int) -> None:
        """``first`` is the number of the next new record."""
        self.records: dict[Kind, dict[str, Record | None]] = {}
        """The changed records of each kind, None for a removed one, in the order of their first change."""
        self.created: dict[Kind, dict[str, int]] = {}
        """The numbers of the new records of each kind, in rising order."""
        self._next = self._first_unplaced = first
        # The number of records of each kind beyond those of the base.
        self._growth: dict[Kind, int] = {}
        # The keys that were added to each slot, and the base's keys that were removed from it.
        self._joined: dict[Slot, dict[str, None]] = {}
        self._left: dict[Slot, set[str]] = {}
        # The slots to which an older record was added, so that their keys are not in the order of creation.
        self._mixed: set[Slot] = set()

    def copy(self) -> Overlay:
        """An independent copy of the changes."""
        other = Overlay(self._next)
        other.records = {kind: dict(records) for kind, records in self.records.items()}
        other.created = {kind: dict(numbers) for kind, numbers in self.created.items()}
        other._first_unplaced, other._growth = self._first_unplaced, dict(self._growth)
        other._joined = {slot: dict(keys) for slot, keys in self._joined.items()}
        other._left = {slot: set(keys) for slot, keys in self._left.items()}
        other._mixed = set(self._mixed)
        return other

    def growth(self, kind: Kind) -> int:
        """The number of records of a kind beyond those of the base; negative if there are fewer."""
        return self._growth.get(kind, 0)

    def joined(self, slot: Slot) -> Collection[str]:
        """The keys that were added to a slot, in the order of addition."""
        self._place()
        return self._joined.get(slot, ())

    def left(self, slot: Slot) -> Collection[str]:
        """The keys of the base that were removed from a slot."""
        return self._left.get(slot, ())

    def is_mixed(self, slot: Slot) -> bool:
        """True if the order of addition to a slot differs from the order of creation."""
        return slot in self._mixed

    def add(self, kind: Kind, key: str) -> None:
        """Number a new record as the newest."""
        self.created.setdefault(kind, {})[key] = self._next
        self._next += 1
        self._growth[kind] = self._growth.get(kind, 0) + 1

    def move(self, old: Record, new: Record) -> None:
        """Move a changed record to the slots of its new values."""
        self._place()
        before, after = slots_of(old), slots_of(new)
        for slot in before:
            if slot not in after:
                self._leave(slot, old.key)
        for slot in after:
            if slot not in before:
                self._join(slot, new.key)

    def remove(self, record: Record, key: str) -> None:
        """Remove a record from its slots and from the order of creation."""
        self._place()
        for slot in slots_of(record):
            self._leave(slot, key)
        kind = type(record)
        self.created.get(kind, {}).pop(key, None)
        self._growth[kind] = self._growth.get(kind, 0) - 1

    def _place(self) -> None:
        """Put the records that were added since the last call into their slots."""
        if self._first_unplaced == self._next:
            return
        for kind, records in self.records.items():
            for key in self._unplaced(kind):
                record = records[key]
                for slot in slots_of(record) if record else ():
                    self._joined.setdefault(slot, {})[key] = None
        self._first_unplaced = self._next

    def _unplaced(self, kind: Kind) -> Iterable[str]:
        keys, numbers = [], self.created.get(kind, {})
        for key in reversed(numbers):
            if numbers[key] < self._first_unplaced:
                break
            keys.append(key)
        return reversed(keys)

    def _leave(self, slot: Slot, key: str) -> None:
        joined = self._joined.get(slot)
        if joined is None or key not in joined:
            self._left.setdefault(slot, set()).add(key)
            return
        del joined[key]
        # Empty slots are removed; a server that creates and deletes records all day would keep one for every value.
        if not joined:
            del self._joined[slot]
            self._mixed.discard(slot)

    def _join(self, slot: Slot, key: str) -> None:
        if key not in self.created.get(slot[0], ()) and key in self._left.get(slot, ()):
            self._left[slot].remove(key)
        else:
            self._joined.setdefault(slot, {})[key] = None
            self._mixed.add(slot)
