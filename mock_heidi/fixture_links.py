"""The links between records of fixtures: accounts, Heidi users, patients and consultations that others name."""

from __future__ import annotations

from typing import Any

from mock_heidi.account_records import ApiKey
from mock_heidi.consultation_records import Consultation
from mock_heidi.fixture_documents import Document, Steps
from mock_heidi.fixture_problems import Problems
from mock_heidi.fixture_records import LONGEST_VALUE, Records
from mock_heidi.patient_records import PatientProfile
from mock_heidi.session_records import Session
from mock_heidi.wording import nearest, short_repr


class Links:
    """Checks that what a record names is there; if not, a problem suggests the nearest name."""

    def __init__(self, records: Records, problems: Problems) -> None:
        self._records = records
        self._problems = problems
        self._owners: dict[str, ApiKey] = {}
        self._heidi_users: dict[str, frozenset[str]] = {}
        self.first: ApiKey | None = None
        """The first API key, which owns the records that name no account."""
        for key in records.all(ApiKey):
            self.add_key(key)

    def add_key(self, key: ApiKey) -> None:
        """Let records belong to the account of this key."""
        self._owners.setdefault(key.managed_by, key)
        self.first = self.first or key

    def owner(self, document: Document, number: int, row: dict[str, Any]) -> ApiKey | None:
        """The key whose data a row belongs to, by default the first; None if its account is unknown."""
        assert self.first is not None  # noqa: S101 - without a key, no other record is read
        account = row.setdefault("managed_by", self.first.managed_by)
        owner = self._owners.get(str(account))
        if owner is None:
            self._problems.add(
                document,
                (number, "managed_by"),
                lambda: f"no API key has the account {_repr(account)}; {nearest(str(account), self._owners, 1)}",
            )
        return owner

    def check_heidi_user(self, document: Document, path: Steps, wanted: Any, key: ApiKey) -> None:
        """Check that a user is linked to a Heidi user of its key."""
        if isinstance(wanted, str) and wanted in self._heidi_users_of(key):
            return
        known = (user.kinde_user_id for user in key.heidi_users)
        self._problems.add(
            document,
            (*path, "linked_to"),
            lambda: f"no Heidi user {_repr(wanted)} under this key; {nearest(str(wanted), known, 1)}",
        )

    def _heidi_users_of(self, key: ApiKey) -> frozenset[str]:
        """The ids of a key's Heidi users, collected once: many users may be linked to them."""
        if key.key not in self._heidi_users:
            self._heidi_users[key.key] = frozenset(user.kinde_user_id for user in key.heidi_users)
        return self._heidi_users[key.key]

    def check_patient(self, document: Document, number: int, session: Session, wanted: str) -> None:
        """Check that the patient of a session belongs to the same account."""
        patient = self._records.find(PatientProfile, wanted)
        if patient is None or patient.managed_by != session.managed_by:
            known = (one.id for one in self._records.where(PatientProfile, "managed_by", session.managed_by))
            self._problems.add(
                document,
                (number, "patient_profile_id"),
                lambda: f"no patient profile {_repr(wanted)} of the same API key; {nearest(wanted, known, 1)}",
            )

    def check_consultation(self, document: Document, number: int, wanted: str) -> None:
        """Check that the consultation of a session is there."""
        if self._records.find(Consultation, wanted) is None:
            known = (one.id for one in self._records.all(Consultation))
            self._problems.add(
                document,
                (number, "consultation"),
                lambda: f"no consultation {_repr(wanted)} among the transcripts; {nearest(wanted, known, 1)}",
            )


def _repr(value: Any) -> str:
    return short_repr(value, LONGEST_VALUE)
