"""The fixtures that a user chose, completed from the packaged set."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mock_heidi.fixture_documents import MOST_PROBLEMS, Document, FixtureError
from mock_heidi.fixture_files import packaged, read_files, unknown_kind
from mock_heidi.fixture_kinds import KINDS, LATE, OWNED, most_records
from mock_heidi.settings import FixtureChoice
from mock_heidi.wording import shorten


def chosen_documents(choice: FixtureChoice, *, whole: bool = False, one_key: bool = False) -> dict[str, Document]:
    """A document for every kind: the chosen ones, and packaged ones for the kinds that the choice lacks.

    Unless ``whole`` is True, some packaged ones are left to be read later. With ``one_key``, only the first key of the
    packaged set is taken. Raises :class:`FixtureError`.
    """
    own = _own_documents(choice)
    if one_key and "api_keys" not in own:
        keys = packaged("api_keys")
        own["api_keys"] = keys._replace(records=keys.records[:1])
    return _completed(own, whole=whole)


def documents_of(records: Mapping[str, Any]) -> dict[str, Document]:
    """Documents from a mapping of lists, one for each kind of record. Raises :class:`FixtureError`."""
    unknown = [str(kind) for kind in records if kind not in KINDS]
    if unknown:
        problems = [shorten(f"{kind}: {unknown_kind(kind)}") for kind in unknown[:MOST_PROBLEMS]]
        raise FixtureError(problems, len(unknown) - len(problems))
    return {kind: Document(kind, kind, rows) for kind, rows in records.items()}


def _own_documents(choice: FixtureChoice) -> dict[str, Document]:
    if choice is None:
        return {}
    if choice == "empty":
        return _nothing_owned()
    return documents_of(choice) if isinstance(choice, Mapping) else read_files(Path(choice))


def _nothing_owned() -> dict[str, Document]:
    return {kind: Document(kind, kind, []) for kind in OWNED}


def _completed(own: dict[str, Document], *, whole: bool) -> dict[str, Document]:
    if any(kind in own for kind in OWNED):
        own = {**_nothing_owned(), **own}
    added = {kind: _packaged(kind, whole=whole) for kind in KINDS if kind not in own}
    if "api_keys" in own:
        added = _of_accounts(own["api_keys"], added)
    return {kind: own[kind] if kind in own else added[kind] for kind in KINDS}


def _packaged(kind: str, *, whole: bool) -> Document:
    return packaged(kind) if whole or kind not in LATE else Document(kind, kind, None, packaged=True)


def _of_accounts(keys: Document, documents: dict[str, Document]) -> dict[str, Document]:
    """The packaged documents without the patients and sessions of accounts that have no key among these."""
    rows = keys.records[: most_records("api_keys")] if isinstance(keys.records, list) else []
    # A tuple, since an account that is not checked yet may be a list.
    accounts = (None, *(row.get("managed_by") for row in rows if isinstance(row, dict)))
    return {kind: _of(accounts, document) if kind in OWNED else document for kind, document in documents.items()}


def _of(accounts: tuple[Any, ...], document: Document) -> Document:
    return document._replace(records=[row for row in document.records if row.get("managed_by") in accounts])
