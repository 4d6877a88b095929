"""A state as fixtures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mock_heidi.account_records import ApiKey, User
from mock_heidi.fixture_kinds import KINDS, OWNED
from mock_heidi.patient_records import PatientProfile
from mock_heidi.session_records import Session
from mock_heidi.store import Store
from mock_heidi.values import Record

# The kinds that no request of the API can change.
_FIXED = tuple(kind for kind in KINDS if kind not in ("api_keys", *OWNED))


def to_row(record: Record, *, brief: bool = False) -> dict[str, Any]:
    """A record as a row of fixtures; ``brief`` leaves out the defaults."""
    return record.model_dump(mode="json", by_alias=True, exclude_defaults=brief)


def export(store: Store) -> dict[str, list[dict[str, Any]]]:
    """A state as fixtures that make the same state when they are loaded."""
    made = {kind: list(rows) for kind, rows in rows_by_kind(store).items()}
    made["api_keys"] = [{**row, "users": list(row["users"])} for row in made["api_keys"]]
    return made


def rows_by_kind(store: Store) -> dict[str, Iterator[dict[str, Any]]]:
    """A state as fixtures whose rows are made one by one, all of the state as it is now.

    The ``users`` of an API key are an iterator too.
    """
    keys = store.all(ApiKey)
    # Kinds that are as the packaged set has them are left out: loading completes the fixtures from that set.
    packaged = {kind for kind in store.base.packaged if not _is_extended(store, KINDS[kind])}
    fixed = {kind: _rows(store.all(KINDS[kind]), brief=True) for kind in _FIXED if kind not in packaged}
    return {
        "api_keys": _key_rows(keys, _by_key(keys, store.all(User))),
        **fixed,
        "patient_profiles": _rows(store.all(PatientProfile)),
        "sessions": _rows(store.all(Session)),
    }


def _rows(records: Iterable[Record], *, brief: bool = False) -> Iterator[dict[str, Any]]:
    return (to_row(record, brief=brief) for record in records)


def _key_rows(keys: Iterable[ApiKey], users: Mapping[str, Iterable[User]]) -> Iterator[dict[str, Any]]:
    for key in keys:
        own = users.get(key.key, ())
        yield {**to_row(key), "users": (user.model_dump(exclude={"managed_by"}, exclude_none=True) for user in own)}


def _is_extended(store: Store, kind: type[Record]) -> bool:
    """True if there are more records of a kind than in the base. Valid for kinds whose records are never removed."""
    return store.size(kind) > len(store.base.records.get(kind, ()))


def _by_key(keys: Iterable[ApiKey], users: Iterable[User]) -> dict[str, list[User]]:
    """The users of each key, by the key.

    If several keys open the same data, a user belongs to the one that has their Heidi user, else to the first.
    """
    first: dict[str, str] = {}
    of_heidi_user: dict[tuple[str, str], str] = {}
    for key in keys:
        first.setdefault(key.managed_by, key.key)
        for known in key.heidi_users:
            of_heidi_user.setdefault((key.managed_by, known.kinde_user_id), key.key)
    found: dict[str, list[User]] = {}
    for user in users:
        if user.managed_by in first:
            own = of_heidi_user.get((user.managed_by, user.linked_to or ""), first[user.managed_by])
            found.setdefault(own, []).append(user)
    return found
