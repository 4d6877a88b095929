"""Makes the base of a state from fixtures, and records for a state from rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache, partial
from itertools import chain
from typing import Any

from mock_heidi import built_fixtures
from mock_heidi.account_records import ApiKey
from mock_heidi.fixture_check import checking
from mock_heidi.fixture_choice import chosen_documents, documents_of
from mock_heidi.fixture_documents import Document
from mock_heidi.fixture_files import packaged
from mock_heidi.fixture_ids import DerivedIds, IdSource
from mock_heidi.fixture_kinds import KINDS, LATE, RECORD_KINDS
from mock_heidi.settings import FixtureChoice, check_api_key
from mock_heidi.slices import Work, finish
from mock_heidi.store import Base, Store
from mock_heidi.values import Record


def load(choice: FixtureChoice = None, api_key: str | None = None, *, whole: bool = False) -> Base:
    """The base of the chosen fixtures: a folder, a file, ``"empty"``, the records themselves, or None for the packaged
    set.

    ``api_key`` replaces the first key of the chosen fixtures; if they hold no keys, it is the only key. With ``whole``,
    every file of the packaged set is read and checked now instead of when it is first needed.

    Raises :class:`~mock_heidi.fixture_documents.FixtureError` with all problems.
    """
    return finish(loading(choice, api_key, whole=whole))


def loading(choice: FixtureChoice, api_key: str | None = None, *, whole: bool = False) -> Work[Base]:
    """The same as :func:`load`, in slices."""
    if choice is None and not whole:
        base = _packaged_base()
        return base if api_key is None else (yield from with_key(base, api_key))
    return (yield from _reading(chosen_documents(choice, whole=whole, one_key=api_key is not None), api_key))


def with_key(base: Base, api_key: str) -> Work[Base]:
    """The base of the same fixtures with another first key, which is the only one if they hold no keys."""
    late = _late_tables(base.packaged.intersection(LATE))
    records = list(chain.from_iterable(table.values() for kind, table in base.records.items() if kind not in late))
    if "api_keys" in base.packaged:
        first = next(record for record in records if isinstance(record, ApiKey))
        records = [record for record in records if record is first or not isinstance(record, ApiKey)]
    return (yield from Base.making(_with_key(records, api_key), base.packaged, late))


def parsing_records(store: Store, rows: Mapping[str, Any], ids: IdSource) -> Work[list[Record]]:
    """The records of lists of rows, by kind, that may be added to a state together.

    Raises :class:`~mock_heidi.fixture_documents.FixtureError` with all problems. Records that bring no id or time get
    them from ``ids``.
    """
    return (yield from checking(documents_of(rows), ids, store))


def parse_record(store: Store, kind: str, row: Mapping[str, Any], ids: IdSource) -> Record:
    """The record of one row that may be added to a state; ``kind`` may also be ``users``.

    Raises :class:`~mock_heidi.fixture_documents.FixtureError` if the row makes no record, or one that does not fit
    the rest of the state.
    """
    [record] = finish(checking({kind: Document(kind, kind, [row])}, ids, store))
    return record


def _reading(documents: Mapping[str, Document], api_key: str | None = None) -> Work[Base]:
    late = _late_tables(kind for kind, document in documents.items() if document.is_late)
    records = yield from checking(documents, DerivedIds(), Store(Base(late=late)))
    names = frozenset(kind for kind, document in documents.items() if document.packaged)
    return (yield from Base.making(records if api_key is None else _with_key(records, api_key), names, late))


def _with_key(records: list[Record], api_key: str) -> list[Record]:
    """The records with that key in place of the first, without another key of that name and the records of accounts
    that have no key then.
    """
    check_api_key(api_key)
    first, *keys = (record for record in records if isinstance(record, ApiKey))
    # Constructed, as it is validated above: the first validator of a process takes 8 ms.
    renamed = ApiKey.model_construct(first.model_fields_set, **{**vars(first), "api_key": api_key})
    keys = [renamed, *(key for key in keys if key.key != api_key)]
    # A record without an account, such as a template, belongs to everybody.
    owners = {None, *(key.managed_by for key in keys)}
    own = [record for record in records if getattr(record, "managed_by", None) in owners]
    return [*keys, *(record for record in own if not isinstance(record, ApiKey))]


@cache
def _packaged_base() -> Base:
    """The packaged set, loaded once in a process: a base never changes, and tests make many applications."""
    records = built_fixtures.records({name: kind for name, kind in RECORD_KINDS.items() if name not in LATE})
    if records is None:
        return finish(_reading(chosen_documents(None)))
    return Base(records, frozenset(KINDS), _late_tables(LATE))


def _late_tables(names: Iterable[str]) -> dict[type[Record], Callable[[], dict[str, Record]]]:
    return {KINDS[name]: partial(_packaged_records, name) for name in names}


@cache
def _packaged_records(name: str) -> dict[str, Record]:
    """The packaged records of a kind, by key."""
    records = built_fixtures.records({name: KINDS[name]})
    if records is None:
        records = finish(checking({name: packaged(name)}, DerivedIds(), Store(Base())))
    return {record.key: record for record in records}
