"""JSON as it is written: a view of a record, its keys in the documented order."""

import warnings
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mock_heidi.api import patient_profiles, sessions
from mock_heidi.http import show
from mock_heidi.json_text import to_json, written
from mock_heidi.models import Outgoing, PatientProfile, Session

TIME = "2025-01-06T12:00:00.000000"

# --- Writing ----------------------------------------------------------------------------------------------------------


class Backwards(Outgoing):
    """The keys in another order than the record's, and one that it does not have."""

    phone: str | None
    source: str
    id: str


VIEWS: list[tuple[type[Outgoing], dict[str, Any]]] = [
    (patient_profiles.PatientProfileCreated, {}),
    (patient_profiles.PatientProfileUpdated, {"source": "EHR"}),
    (patient_profiles.PatientProfileDetail, {}),
    (patient_profiles.PatientProfileListed, {"session_count": 3}),
    (Backwards, {"source": "EHR"}),
]
WORDS_OF_A_PERSON = st.none() | st.text(st.characters(codec="utf-8"))


@pytest.mark.parametrize(("view", "own"), VIEWS, ids=lambda value: getattr(value, "__name__", ""))
@settings(max_examples=50, deadline=None, derandomize=True)
@given(name=WORDS_OF_A_PERSON, phone=WORDS_OF_A_PERSON, flag=st.none() | st.booleans())
def test_a_written_record_is_its_view_in_json(
    view: type[Outgoing], own: dict[str, Any], name: str | None, phone: str | None, flag: bool | None
) -> None:
    profile = PatientProfile(
        id="1" * 24, managed_by="a" * 24, ehr_provider="P", created_at=TIME, updated_at=TIME,
        first_name=name, phone=phone, remember_consent=flag, demographic_string=name or "",
    )  # fmt: skip

    assert written(view, profile, **own) == to_json(show(view, profile, **own))


def test_a_record_is_written_without_a_warning_whatever_else_it_holds() -> None:
    session = Session(
        session_id="1", managed_by="a" * 24, session_name="S", ehr_provider="P", created_at=TIME, updated_at=TIME
    )

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        body = written(sessions.SessionCreated, session)

    assert body == b'{"session_id":"1"}'
