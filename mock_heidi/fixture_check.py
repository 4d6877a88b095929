"""Checks fixtures as a whole: every record, and what the records say of each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mock_heidi.account_records import ApiKey, User
from mock_heidi.fixture_documents import Document, FixtureError, Steps
from mock_heidi.fixture_ids import IdSource
from mock_heidi.fixture_kinds import OWNED, RECORD_KINDS, most_records
from mock_heidi.fixture_links import Links
from mock_heidi.fixture_problems import Problems, TooManyProblemsError
from mock_heidi.fixture_records import Records
from mock_heidi.json_text import MOST_VALUES, holds_more
from mock_heidi.patient_records import PatientProfile
from mock_heidi.session_records import Session
from mock_heidi.slices import RECORD, Work
from mock_heidi.store import Store
from mock_heidi.values import Record

# So many records are checked between two pauses, since a pause costs time too.
_AT_ONCE = 16


def checking(documents: Mapping[str, Document], ids: IdSource, store: Store) -> Work[list[Record]]:
    """The records of these documents, which may name each other and the records of the store.

    Raises :class:`FixtureError` with all problems. Records that bring no id or time get them from ``ids``.
    """
    return (yield from _Check(documents, ids, store).run())


class _Check:
    def __init__(self, documents: Mapping[str, Document], ids: IdSource, store: Store) -> None:
        self._documents = documents
        self._ids = ids
        self._problems = Problems()
        self._records = Records(store, self._problems)
        self._links = Links(self._records, self._problems)

    def run(self) -> Work[list[Record]]:
        try:
            yield from self._read()
        except (FixtureError, TooManyProblemsError):
            pass  # the error below names both, and a text of another document that cannot be parsed
        else:
            if not self._problems:
                return self._records.made
        raise self._problems.error(self._documents.values())

    def _read(self) -> Work[None]:
        for kind in RECORD_KINDS:
            if kind not in self._documents:
                continue
            document = self._documents[kind]
            yield from self._read_rows(document)
            if kind == "api_keys":
                if self._links.first is None and not self._problems:
                    self._problems.add(document, (), "needs at least one key; leave the file out for the packaged one")
                if self._problems:
                    return  # without the keys, the owners of the other records are unknown

    def _read_rows(self, document: Document) -> Work[None]:
        readers = {"users": self._read_user, **dict.fromkeys(OWNED, self._read_owned)}
        read = readers.get(document.kind, self._read_plain)
        for number, row in enumerate(self._rows(document)):
            if not isinstance(row, dict):
                self._problems.add(document, (number,), "should be a mapping of fields")
            elif document.kind == "api_keys":
                yield from self._read_key(document, number, dict(row))
            elif self._has_usual_size(document, (number,), row):
                read(document, number, dict(row))
            if number % _AT_ONCE == 0 or self._problems.cost:
                yield RECORD * _AT_ONCE + self._problems.take_cost()

    def _rows(self, document: Document) -> Iterable[Any]:
        rows, most = document.read(), most_records(document.kind)
        if isinstance(rows, list) and len(rows) > most:
            self._problems.add(document, (), f"holds more than {most:,} records; keep those that are needed")
        elif rows is None or isinstance(rows, (list, Iterator)):
            return rows or ()
        else:
            self._problems.add(document, (), "should be a list of records")
        return ()

    def _has_usual_size(self, document: Document, path: Steps, row: dict[str, Any]) -> bool:
        if not holds_more(row, MOST_VALUES):
            return True
        self._problems.add(document, path, f"holds more than {MOST_VALUES:,} values; no record needs so many")
        return False

    def _read_plain(self, document: Document, number: int, row: dict[str, Any]) -> None:
        record = self._records.make(RECORD_KINDS[document.kind], document, (number,), row)
        problem = None if record is None else record.problem()
        if problem:
            self._problems.add(document, (number,), problem)

    def _read_key(self, document: Document, number: int, row: dict[str, Any]) -> Work[None]:
        users = row.pop("users", None) or []
        if not self._has_usual_size(document, (number,), row):
            return
        key = self._records.make(ApiKey, document, (number,), row)
        if key is None:
            return
        self._links.add_key(key)
        if not isinstance(users, list) or not all(isinstance(user, dict) for user in users):
            self._problems.add(document, (number, "users"), "should be a list of users")
            return
        for index, user in enumerate(users):
            self._make_user(document, (number, "users", index), dict(user), key)
            yield RECORD + self._problems.take_cost()

    def _read_user(self, document: Document, number: int, row: dict[str, Any]) -> None:
        """Read a user in a list of users, not under a key as in a file."""
        key = self._links.owner(document, number, row)
        if key is not None:
            self._make_user(document, (number,), row, key)

    def _make_user(self, document: Document, path: Steps, row: dict[str, Any], key: ApiKey) -> None:
        linked_to = row.get("linked_to")
        if linked_to is not None:
            row.setdefault("account_id", self._ids.object_id("account", *path))
            row.setdefault("linked_at", self._ids.stamp())
        self._records.make(User, document, path, {"managed_by": key.managed_by, **row})
        if linked_to is not None:
            self._links.check_heidi_user(document, path, linked_to, key)

    def _read_owned(self, document: Document, number: int, row: dict[str, Any]) -> None:
        owner = self._links.owner(document, number, row)
        if owner is None:
            return
        row.setdefault("ehr_provider", owner.ehr_provider)
        row.setdefault("created_at", self._ids.stamp())
        row.setdefault("updated_at", row["created_at"])
        if document.kind == "sessions":
            self._make_session(document, number, row)
        else:
            row.setdefault("id", self._ids.object_id(document.kind, number))
            self._records.make(PatientProfile, document, (number,), row)

    def _make_session(self, document: Document, number: int, row: dict[str, Any]) -> None:
        row.setdefault("session_id", self._ids.session_id(document.kind, number))
        row.setdefault("session_name", f"Session {self._records.count_stored(Session) + number + 1}")
        session = self._records.make(Session, document, (number,), row)
        if session is None:
            return
        if session.patient_profile_id is not None:
            self._links.check_patient(document, number, session, session.patient_profile_id)
        if session.consultation is not None and not self._is_packaged_with_transcripts(document):
            self._links.check_consultation(document, number, session.consultation)

    def _is_packaged_with_transcripts(self, sessions: Document) -> bool:
        """True if sessions and transcripts both come from the packaged set, whose transcripts are read later."""
        transcripts = self._documents.get("transcripts")
        return sessions.packaged and transcripts is not None and transcripts.is_late
