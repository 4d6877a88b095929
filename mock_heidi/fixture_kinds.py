"""The kinds of records that fixtures may hold."""

from __future__ import annotations

from mock_heidi.account_records import ApiKey, User
from mock_heidi.code_records import CodeEntry
from mock_heidi.consultation_records import Consultation
from mock_heidi.faults import Fault, Scenario
from mock_heidi.patient_records import PatientProfile
from mock_heidi.session_records import Session
from mock_heidi.stub_records import Stub
from mock_heidi.template_records import NoteTemplate
from mock_heidi.values import Record

KINDS: dict[str, type[Record]] = {
    "api_keys": ApiKey,
    "templates": NoteTemplate,
    "transcripts": Consultation,
    "clinical_codes": CodeEntry,
    "replies": Stub,
    "faults": Fault,
    "scenarios": Scenario,
    "patient_profiles": PatientProfile,
    "sessions": Session,
}
"""The kinds by the names of their files. A record refers only to records of kinds above its own."""
RECORD_KINDS: dict[str, type[Record]] = {**KINDS, "users": User}
"""Every kind of record of a state. In a file, users stand under their API keys."""
OWNED = ("patient_profiles", "sessions")
"""The kinds whose records belong to an account. The packaged set gives both or neither, since its sessions name its
patients."""
LATE = ("templates", "transcripts", "clinical_codes", "scenarios")
"""The kinds of the packaged set that are read when they are first needed."""

# Many requests look through all records of the other kinds. Patients and sessions are bounded in a body, not in a file.
_MOST_RECORDS = {"api_keys": 1_000, **dict.fromkeys(OWNED, 200_000)}
_MOST_OTHERS = 10_000


def most_records(kind: str) -> int:
    """The most records of a kind that fixtures may hold."""
    return _MOST_RECORDS.get(kind, _MOST_OTHERS)
