"""Changes of the records of a namespace while requests use it: additions (all or none), edits and removals."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from mock_heidi.base.slices import RECORD, Work
from mock_heidi.base.values import Record
from mock_heidi.faults.rule import Fault
from mock_heidi.fixtures import loader as fixture_loader
from mock_heidi.namespaces.namespace import Namespace
from mock_heidi.namespaces.unused_ids import unused_object_id, unused_session_id
from mock_heidi.state.patient_records import PatientProfile
from mock_heidi.state.session_records import Session
from mock_heidi.state.store import Store
from mock_heidi.state.stub_records import Stub

# More records than these go into a copy first, so that no request sees only some of them.
_MANY = 1_000


class StateChangedError(Exception):
    """Another request has changed the state, or drawn an id, while the records were checked."""


class _Draft:
    """The ids and times of new records, drawn from a copy of the namespace's source of ids."""

    def __init__(self, namespace: Namespace) -> None:
        self._namespace = namespace
        self._store, self._version = namespace.store, namespace.store.version
        self._source, self._drawn = namespace.ids, namespace.ids.drawn
        self.ids = copy.deepcopy(namespace.ids)

    def check(self) -> None:
        """Raise :class:`StateChangedError` if the namespace has changed."""
        same = self._namespace.store is self._store and self._namespace.ids is self._source
        if not same or (self._store.version, self._source.drawn) != (self._version, self._drawn):
            raise StateChangedError

    def object_id(self, *_: str | int) -> str:
        return unused_object_id(self._store, self.ids, self._namespace.clock)

    def session_id(self, *_: str | int) -> str:
        return unused_session_id(self._store, self.ids)

    def stamp(self) -> str:
        return self._namespace.clock.stamp()


def adding(namespace: Namespace, records: Mapping[str, Any]) -> Work[list[Record]]:
    """Add records in the form of fixtures, all or none, and return them. Faults and stubs among them become active.

    Raises :class:`FixtureError`; :class:`FaultError` if present faults, or those of the start, have the same ids;
    :class:`StubError` if there are too many stubs; :class:`StateChangedError`, after which a retry may succeed.
    """
    store, draft = namespace.store, _Draft(namespace)
    added = yield from fixture_loader.parsing_records(store, records, draft, namespace.assumptions)
    draft.check()
    fork = None
    if len(added) > _MANY:
        fork = yield from _fork(store, added)
        draft.check()
    _put_rules(namespace, added)
    namespace.ids.continue_from(draft.ids)
    if fork is None:
        for record in added:
            store.put(record)
    else:
        store.adopt(fork)
    namespace.learn_keys()
    if fork is not None:
        yield from _report_additions(store, added)
    return added


def put_row(namespace: Namespace, kind: str, row: Mapping[str, Any], old: Record | None) -> Record:
    """Store a record in the form of fixtures in place of ``old``, and return it.

    ``kind`` may also be ``users``. Raises :class:`FixtureError` if the row does not fit the rest of the state.
    """
    draft, rest = _Draft(namespace), namespace.store.fork()
    if old is not None:
        rest.remove(old)
    record = fixture_loader.parse_record(rest, kind, row, draft, namespace.assumptions)
    namespace.ids.continue_from(draft.ids)
    namespace.store.put(record)
    return record


def remove_record(namespace: Namespace, record: Record, meet: Callable[[str], Any] | None = None) -> None:
    """Remove a record. The sessions of a removed patient profile stay without a profile, or are removed too.

    ``meet`` returns the value of an assumption, and notes that a request met it.
    """
    store, meet = namespace.store, meet or namespace.assumptions.__getitem__
    if isinstance(record, PatientProfile):
        for session in tuple(store.where(Session, patient_profile_id=record.id)):
            if meet("deleted_profile_sessions") == "deleted":
                store.remove(session)
            else:
                store.put(session.replace(patient_profile_id=None))
    store.remove(record)


def _fork(store: Store, added: Iterable[Record]) -> Work[Store]:
    """A copy of a store with these records added."""
    fork = store.fork()
    for record in added:
        fork.put(record)
        yield RECORD // 2
    return fork


def _put_rules(namespace: Namespace, added: Sequence[Record]) -> None:
    """Activate the faults and stubs among the records, or raise an error and change nothing."""
    rules = [record for record in added if isinstance(record, Fault)]
    stubs = [record for record in added if isinstance(record, Stub)]
    if rules:
        namespace.start.new_faults(namespace.store, rules)
        namespace.faults.copy().extend(rules)
    if stubs:
        namespace.start.new_stubs(namespace.store, stubs)
    namespace.stubs.extend(stubs)
    namespace.faults.extend(rules)


def _report_additions(store: Store, added: Iterable[Record]) -> Work[None]:
    """Report each record, if there are listeners."""
    for record in added if store.watch else ():
        if store.watch:
            store.watch(record)
        yield RECORD // 4
