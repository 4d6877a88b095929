"""One isolated Heidi: its state, clock, ids, journal, faults and stubs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from mock_heidi.base.memory import MemoryBudget
from mock_heidi.base.settings import Settings
from mock_heidi.base.slices import Work, finish
from mock_heidi.base.values import Record
from mock_heidi.namespaces.change_events import emit_change, emit_request
from mock_heidi.namespaces.known_keys import FormerKeys, KnownKeys
from mock_heidi.namespaces.snapshots import Snapshot
from mock_heidi.namespaces.start import Start
from mock_heidi.namespaces.unused_ids import unused_object_id, unused_session_id
from mock_heidi.observing.check_runner import CheckRunner
from mock_heidi.observing.entry import Entry
from mock_heidi.observing.findings import Findings
from mock_heidi.observing.journal import Journal
from mock_heidi.state.account_records import ApiKey, User, user_key
from mock_heidi.state.clock import precise
from mock_heidi.state.events import Events
from mock_heidi.state.ids import Ids
from mock_heidi.state.patient_records import PatientProfile
from mock_heidi.state.session_records import Session


class Namespace:
    """The state, clock, ids and journal of one Heidi, which shares nothing with other namespaces."""

    def __init__(
        self,
        name: str,
        start: Start,
        settings: Settings,
        memory: MemoryBudget,
        all_keys: KnownKeys,
    ) -> None:
        """``all_keys`` are the API keys of all namespaces of the server.

        Raises :class:`FaultError` or :class:`StubError` if the start's faults or stubs do not fit together.
        """
        self.name = name
        self.start = start
        self.settings = settings
        self.store = start.new_store()
        self.clock = start.new_clock()
        self.ids = self.new_ids()
        self.transitions = start.new_transitions()
        self.faults = start.new_faults(self.store)
        self.stubs = start.new_stubs(self.store)
        self.snapshots: dict[str, Snapshot] = {}
        self.busy = 0
        """The number of requests with a valid token that are being answered."""
        self.last_use = self.begun = precise()
        """In seconds of the process's clock, which runs even if the namespace's clock is frozen."""
        self.streams: set[Callable[[], None]] = set()
        """For each of the API's answers that take time a function that ends it. A reset calls them all."""
        self.keys: dict[str, ApiKey] = {}
        self.known_keys: frozenset[str] = frozenset()
        """Its API keys and the last former ones, since the journal may still hold these."""
        self._former_keys = FormerKeys()
        self._all_keys = all_keys
        self._secrets_of: tuple[frozenset[str] | None, frozenset[str], frozenset[str]] = None, frozenset(), frozenset()
        self.events = Events(memory)
        mode = start.journal or settings.journal
        self.journal = Journal(name, settings.journal_entries, memory, self._secrets, mode)
        self.begin_findings()
        self.learn_keys()

    def new_ids(self) -> Ids:
        """The ids with which it starts."""
        return Ids(self.start.seed, self.name)

    def begin_findings(self) -> None:
        """Forget all findings and start new ones."""
        self.findings = Findings()
        self.check_runner = CheckRunner(self.findings, lambda: self.known_keys, self.journal.headline)
        for entry in self.journal:
            entry.findings = ()

    def run_checks(self) -> Findings:
        """Run the checks on the requests so far, and return all findings."""
        return finish(self.running_checks())

    def running_checks(self) -> Work[Findings]:
        """The same, request by request. A reset ends it."""
        check_runner = self.check_runner
        for cost in check_runner.running(self.journal):
            yield cost
            if self.check_runner is not check_runner:
                break
        return self.findings

    def end(self) -> None:
        """End its streams, release its listeners and free its memory."""
        self.end_streams()
        self.events.close()
        self.journal.end()

    def end_streams(self) -> None:
        """End the streams that are being sent."""
        for end in tuple(self.streams):
            end()

    def remember_user(self, managed_by: str, email: str, third_party_internal_id: str) -> None:
        """Store the user of a valid token if the state does not hold them, such as after a reset."""
        if managed_by not in self.owners:
            return
        if self.store.get(User, user_key(managed_by, email, third_party_internal_id)) is None:
            # Built without validation: the first validation loads pydantic's plugins, and a sign-in needs none.
            user = User.model_construct(
                managed_by=managed_by, email=email, third_party_internal_id=third_party_internal_id
            )
            self.store.put(user)

    @property
    def untouched(self) -> bool:
        """True if its state has not changed since its start."""
        return not self.store.changed

    def remove(self, record: Record) -> None:
        """Remove a record. The sessions of a removed patient profile stay, without a profile."""
        if isinstance(record, PatientProfile):
            for session in tuple(self.store.where(Session, patient_profile_id=record.id)):
                self.store.put(session.replace(patient_profile_id=None))
        self.store.remove(record)

    def listen(self) -> Events:
        """Its events. They are recorded from the first call on."""
        self.events.heard = True
        self._watch_store()
        self.journal.watchers.add(self._watch_journal)
        return self.events

    def _watch_journal(self, entry: Entry) -> None:
        emit_request(self.events, entry)

    def _watch_store(self) -> None:
        self.store.watch = partial(emit_change, self.events, self.store)

    def learn_keys(self) -> None:
        """Read the API keys from the state after it has changed, since every request looks up its key."""
        if self.events.heard:
            self._watch_store()  # the store may be a new one
        before, self.keys = self.keys, {key.key: key for key in self.store.all(ApiKey)}
        self.owners = {key.managed_by: key for key in reversed(self.keys.values())}
        self._former_keys.change([key for key in before if key not in self.keys], self.keys)
        self.known_keys = frozenset([*self.keys, *self._former_keys])
        self._all_keys.learn(self.name, self.keys)

    def object_id(self) -> str:
        """An id of 24 hex digits for a new record."""
        return unused_object_id(self.store, self.ids, self.clock)

    def session_id(self) -> str:
        """A decimal id for a new session."""
        return unused_session_id(self.store, self.ids)

    def pace(self, number: int) -> float:
        """Seconds to wait before piece ``number`` of a stream, counted from 0."""
        pace = self.settings.pace
        if pace is None:
            return 0
        usual = pace.first if number == 0 else 1 / pace.rate if pace.rate else 0
        return usual * (1 + pace.jitter * self.ids.jitter()) if pace.jitter else usual

    def counts(self) -> dict[str, int]:
        """The numbers of its patient profiles, sessions and journaled requests."""
        return {
            "patient_profiles": self.store.size(PatientProfile),
            "sessions": self.store.size(Session),
            "requests": len(self.journal),
        }

    def _secrets(self) -> frozenset[str]:
        """The secrets that are never shown; the same object until they change, since every row of a list asks."""
        own, others = self.known_keys, self._all_keys.all()
        if own is not self._secrets_of[0] or others is not self._secrets_of[1]:
            token = self.settings.admin_token
            self._secrets_of = own, others, own.union(others, () if token is None else (token,))
        return self._secrets_of[2]
