"""States of a namespace with a name, to come back to and to compare with."""

from __future__ import annotations

from typing import Any, NamedTuple

from mock_heidi import seeds
from mock_heidi.clock import zulu
from mock_heidi.ids import Ids
from mock_heidi.models import PatientProfile, Record, Session, User
from mock_heidi.store import Store
from mock_heidi.transitions import Transition

MOST = 100
"""How many snapshots a namespace may have."""


class Snapshot(NamedTuple):
    """What a namespace held at a moment, in ms since 1970. It shares all that nobody has changed since."""

    name: str
    at: int
    store: Store
    ids: Ids
    transitions: dict[str, Transition]

    def shown(self) -> dict[str, Any]:
        counts = {"patient_profiles": self.store.size(PatientProfile), "sessions": self.store.size(Session)}
        return {"name": self.name, "at": zulu(self.at), "counts": counts}


def difference(before: Store, after: Store) -> dict[str, Any]:
    """What was added, removed and changed, by kind of record; of a changed one, each field before and after."""
    kinds: dict[str, type[Record]] = {**seeds.KINDS, "users": User}
    return {name: made for name, kind in kinds.items() if (made := _kind(before, after, kind))}


def _kind(before: Store, after: Store, kind: type[Record]) -> dict[str, Any]:
    pairs = before.differences(after, kind)
    made = {
        "added": [_name(new) for old, new in pairs if old is None and new is not None],
        "removed": [_name(old) for old, new in pairs if old is not None and new is None],
        "changed": [{"id": _name(new), "fields": _fields(old, new)} for old, new in pairs if old and new],
    }
    return made if pairs else {}


def _name(record: Record) -> str:
    return record.key.replace("\0", " / ")


def _fields(old: Record, new: Record) -> dict[str, Any]:
    before, after = seeds.shown(old), seeds.shown(new)
    return {
        name: {"before": before.get(name), "after": after.get(name)}
        for name in {**before, **after}
        if before.get(name) != after.get(name)
    }
