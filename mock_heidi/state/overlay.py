"""Changes over a base: the records, their order, and their places in the indexes."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from mock_heidi.base.values import Record
from mock_heidi.state.indexes import Kind, Slot, slots_of


class Overlay:
    """The changes of one store, or of some that hold the same until one of them changes something.

    A new record gets its place in the indexes when somebody asks an index, since many are never searched for.
    """

    def __init__(self, first: int) -> None:
        """``first`` is the number of the next new record."""
        self.records: dict[Kind, dict[str, Record | None]] = {}
        """By kind the records that differ from the base, None for a removed one, in the order of their first change."""
        self.born: dict[Kind, dict[str, int]] = {}
        """By kind the numbers of the new records, which only rise."""
        self._next = self._first_unplaced = first
        # By kind how many records there are more than in the base.
        self._growth: dict[Kind, int] = {}
        # By slot the keys that came in, and the base's keys that went out.
        self._joined: dict[Slot, dict[str, None]] = {}
        self._left: dict[Slot, set[str]] = {}
        # The slots that an older record came into, so that coming in is no longer the order of creation.
        self._mixed: set[Slot] = set()

    def copy(self) -> Overlay:
        """The same changes, to be changed further."""
        other = Overlay(self._next)
        other.records = {kind: dict(records) for kind, records in self.records.items()}
        other.born = {kind: dict(numbers) for kind, numbers in self.born.items()}
        other._first_unplaced, other._growth = self._first_unplaced, dict(self._growth)
        other._joined = {slot: dict(keys) for slot, keys in self._joined.items()}
        other._left = {slot: set(keys) for slot, keys in self._left.items()}
        other._mixed = set(self._mixed)
        return other

    def growth(self, kind: Kind) -> int:
        """The number of records of a kind beyond those of the base; negative if there are fewer."""
        return self._growth.get(kind, 0)

    def joined(self, slot: Slot) -> Collection[str]:
        """The keys that came into a slot, in the order of coming."""
        self._place()
        return self._joined.get(slot, ())

    def left(self, slot: Slot) -> Collection[str]:
        """The base's keys that are no longer in a slot."""
        return self._left.get(slot, ())

    def is_mixed(self, slot: Slot) -> bool:
        """True if the keys came into a slot in another order than that of creation."""
        return slot in self._mixed

    def add(self, kind: Kind, key: str) -> None:
        """Number a new record, after all that were there before."""
        self.born.setdefault(kind, {})[key] = self._next
        self._next += 1
        self._growth[kind] = self._growth.get(kind, 0) + 1

    def move(self, old: Record, new: Record) -> None:
        """Put a record into the slots of its new values."""
        self._place()
        before, after = slots_of(old), slots_of(new)
        for slot in before:
            if slot not in after:
                self._leave(slot, old.key)
        for slot in after:
            if slot not in before:
                self._join(slot, new.key)

    def remove(self, record: Record, key: str) -> None:
        """Take a record out of its slots and its place in the order."""
        self._place()
        for slot in slots_of(record):
            self._leave(slot, key)
        kind = type(record)
        self.born.get(kind, {}).pop(key, None)
        self._growth[kind] = self._growth.get(kind, 0) - 1

    def _place(self) -> None:
        """Put the records that have become new since the last time into their slots."""
        if self._first_unplaced == self._next:
            return
        for kind, records in self.records.items():
            for key in self._unplaced(kind):
                record = records[key]
                for slot in slots_of(record) if record else ():
                    self._joined.setdefault(slot, {})[key] = None
        self._first_unplaced = self._next

    def _unplaced(self, kind: Kind) -> Iterable[str]:
        keys, numbers = [], self.born.get(kind, {})
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
        # Empty places go, or a server that creates and deletes all day would keep one for every value it ever saw.
        if not joined:
            del self._joined[slot]
            self._mixed.discard(slot)

    def _join(self, slot: Slot, key: str) -> None:
        if key not in self.born.get(slot[0], ()) and key in self._left.get(slot, ()):
            self._left[slot].remove(key)
        else:
            self._joined.setdefault(slot, {})[key] = None
            self._mixed.add(slot)
