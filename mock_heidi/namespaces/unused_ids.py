"""Ids for new records. Ids that fixtures already contain are skipped, since the same seed may make them again."""

from __future__ import annotations

from mock_heidi.state.clock import Clock
from mock_heidi.state.ids import Ids
from mock_heidi.state.patient_records import PatientProfile
from mock_heidi.state.session_records import Session
from mock_heidi.state.store import Store


def unused_object_id(store: Store, ids: Ids, clock: Clock) -> str:
    """The next id of 24 hex digits that no patient profile in the store has."""
    while store.get(PatientProfile, made := ids.object_id(clock.now())) is not None:
        continue
    return made


def unused_session_id(store: Store, ids: Ids) -> str:
    """The next decimal id that no session in the store has."""
    while store.get(Session, made := ids.session_id()) is not None:
        continue
    return made
