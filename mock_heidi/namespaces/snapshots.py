"""Snapshots of a namespace: states with a name, to restore and to compare."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from mock_heidi.base.values import Record
from mock_heidi.fixtures.export import to_row
from mock_heidi.state.clock import zulu
from mock_heidi.state.ids import Ids
from mock_heidi.state.patient_records import PatientProfile
from mock_heidi.state.session_records import Session
from mock_heidi.state.store import Store
from mock_heidi.state.transitions import Transition

MOST = 100
"""The most snapshots that a namespace may have."""


class Snapshot(NamedTuple):
    """The state of a namespace at a time (``at``, in ms since 1970). Unchanged records are shared, not copied."""

    name: str
    at: int
    store: Store
    ids: Ids
    transitions: dict[str, Transition]

    def summary(self) -> dict[str, Any]:
        """Its name, its time and the numbers of its records, as JSON values."""
        return {"name": self.name, "at": zulu(self.at), "counts": record_counts(self.store)}


def record_counts(store: Store) -> dict[str, int]:
    """The numbers of patient profiles and sessions in a store."""
    return {"patient_profiles": store.size(PatientProfile), "sessions": store.size(Session)}


def differing(before: Store, after: Store, kind: type[Record]) -> Iterator[tuple[str, Any] | None]:
    """The differences of two states, record by record: ``added`` or ``removed`` with the name of the record,
    ``changed`` with its changed fields before and after; None for an equal record.
    """
    return (pair and _difference(*pair) for pair in before.comparing(after, kind))


def _difference(old: Record | None, new: Record | None) -> tuple[str, Any]:
    if old is None:
        assert new is not None  # noqa: S101 - a pair that differs has a record
        return "added", _name(new)
    if new is None:
        return "removed", _name(old)
    return "changed", {"id": _name(new), "fields": _fields(old, new)}


def _name(record: Record) -> str:
    return record.key.replace("\0", " / ")


def _fields(old: Record, new: Record) -> dict[str, Any]:
    before, after = to_row(old), to_row(new)
    return {
        name: {"before": before.get(name), "after": after.get(name)}
        for name in {**before, **after}
        if before.get(name) != after.get(name)
    }
