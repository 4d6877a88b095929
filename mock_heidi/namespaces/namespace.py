"""One isolated Heidi: its state, clock, ids, journal, faults and stubs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from mock_heidi.base.memory import MemoryBudget
from mock_heidi.base.settings import Settings
from mock_heidi.namespaces.change_events import emit_change, emit_finding, emit_request, emit_request_started
from mock_heidi.namespaces.server_secrets import KnownKeys, Secrets
from mock_heidi.namespaces.snapshots import Snapshot
from mock_heidi.namespaces.start import Start
from mock_heidi.namespaces.unused_ids import unused_object_id, unused_session_id
from mock_heidi.observing.check_runner import CheckRunner
from mock_heidi.observing.journal import Journal
from mock_heidi.state.account_records import ApiKey, User, user_key
from mock_heidi.state.clock import precise
from mock_heidi.state.events import Events
from mock_heidi.state.ids import Ids


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
        self._begun_with = self.store, self.store.version
        self.clock = start.new_clock()
        self.ids = self.new_ids()
        self.transitions = start.new_transitions()
        self.assumptions = start.assumptions
        self.strict = start.strict
        self.faults = start.new_faults(self.store)
        self.stubs = start.new_stubs(self.store)
        self.snapshots: dict[str, Snapshot] = {}
        self.busy = 0
        """The number of requests with a valid token that do not have a complete answer yet."""
        self.last_use = self.begun = precise()
        """In seconds of the process's clock, which runs even if the namespace's clock is frozen."""
        self.streams: set[Callable[[], None]] = set()
        """For each of the API's answers that take time a function that ends it. A reset calls them all."""
        self.keys: dict[str, ApiKey] = {}
        """The API keys by their texts."""
        self.secrets = Secrets(name, all_keys, settings.admin_token)
        self.events = Events(memory)
        self._emit_request = partial(emit_request, self.events)
        mode = start.journal or settings.journal
        self.journal = Journal(name, settings.journal_entries, memory, self.secrets.all, mode)
        self.checks = CheckRunner(lambda: self.secrets.keys, self.journal.headline)
        """The checks of the client, with their findings."""
        self.learn_keys()

    def new_ids(self) -> Ids:
        """The ids with which it starts."""
        return Ids(self.start.seed, self.name)

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
            edited = self.edited
            self.store.put(user)
            if not edited:
                self.begin_state()

    def begin_state(self) -> None:
        """Take the present state as the one that no client has changed."""
        self._begun_with = self.store, self.store.version

    @property
    def edited(self) -> bool:
        """True if a client has changed the state. The user that a sign-in adds does not count."""
        store, version = self._begun_with
        return self.store is not store or store.version != version

    @property
    def untouched(self) -> bool:
        """True if its state has not changed since its start."""
        return not self.store.changed

    def listen(self) -> Events:
        """Its events. They are recorded from now on."""
        self.events.recording = True
        self._watch_store()
        self.journal.watchers.add(self._emit_request)
        self.journal.watch_start = partial(emit_request_started, self.events)
        self.checks.watch = partial(emit_finding, self.events)
        return self.events

    def stop_listening(self, visits: int) -> None:
        """Record no more events, if no listener has come since there were so many. Then a request costs less."""
        if self.events.visits == visits:
            self.events.rest()
            self.journal.watchers.discard(self._emit_request)
            self.store.watch = self.journal.watch_start = self.checks.watch = None

    def _watch_store(self) -> None:
        self.store.watch = partial(emit_change, self.events, self.store)

    def learn_keys(self) -> None:
        """Read the API keys from the state after it has changed, since every request looks up its key."""
        if self.events.recording:
            self._watch_store()  # the store may be a new one
        before, self.keys = self.keys, {key.key: key for key in self.store.all(ApiKey)}
        self.owners = {key.managed_by: key for key in reversed(self.keys.values())}
        self.secrets.change_keys(before, self.keys)

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
