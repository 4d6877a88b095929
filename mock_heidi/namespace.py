"""One isolated Heidi: its state, clock, ids, journal, faults and replies."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Sequence
from typing import NamedTuple

from mock_heidi import seeds, transitions
from mock_heidi.account_records import ApiKey, HeidiUser, User, user_key
from mock_heidi.clock import Clock, precise
from mock_heidi.events import Events
from mock_heidi.fault_fields import closest
from mock_heidi.faults import Fault, FaultError, Scenario
from mock_heidi.findings import Findings
from mock_heidi.ids import Ids
from mock_heidi.journal import Entry, Journal
from mock_heidi.known_keys import FormerKeys, KnownKeys
from mock_heidi.memory import MemoryBudget
from mock_heidi.patient_records import PatientProfile
from mock_heidi.replies import Replies
from mock_heidi.review import Reviewer
from mock_heidi.rules import Faults
from mock_heidi.session_records import Session
from mock_heidi.settings import Settings
from mock_heidi.slices import Work, finish
from mock_heidi.snapshots import Snapshot
from mock_heidi.store import Base, Store
from mock_heidi.stub_records import Reply
from mock_heidi.transitions import Transition
from mock_heidi.values import Record
from mock_heidi.wording import shorten

PARTS = ("state", "clock", "ids", "requests", "transitions", "replies", "faults", "findings")


class Start(NamedTuple):
    """The first content of a namespace, which a reset brings back.

    ``frozen`` is in ms since 1970; ``linked`` is the e-mail and third party's id of a user to link; ``journal`` is the
    journal's mode, None for that of the server.
    """

    base: Base
    seed: int
    frozen: int | None
    linked: tuple[str, str] | None = None
    faults: tuple[Fault, ...] = ()
    scenario: str | None = None
    journal: str | None = None
    copied: Copied | None = None
    """The content that a copy of another namespace begins with instead."""


class Copied(NamedTuple):
    """The content of another namespace when a copy of it was made; nobody works on it."""

    state: Store
    clock: Clock
    transitions: dict[str, Transition]
    faults: Faults
    replies: Replies

    def rules(self, store: Store, more: Sequence[Fault]) -> Faults:
        """The copied rules, as far as they go with that state and ``more``."""
        rules, differing = self.faults.copy(), store.differences(self.state, Fault)
        rules.forget(gone for _, gone in differing if isinstance(gone, Fault))
        rules.extend([*(come for come, _ in differing if isinstance(come, Fault)), *more])
        return rules

    def said(self, store: Store, more: Sequence[Reply]) -> Replies:
        """The copied replies, as far as they go with that state and ``more``."""
        replies, differing = self.replies.copy(), store.differences(self.state, Reply)
        replies.forget(gone for _, gone in differing if isinstance(gone, Reply))
        replies.extend([*(come for come, _ in differing if isinstance(come, Reply)), *more])
        return replies


class Namespace:
    """State, clock, ids and journal of one Heidi that never meets another."""

    def __init__(
        self,
        name: str,
        start: Start,
        settings: Settings,
        memory: MemoryBudget,
        all_keys: KnownKeys,
    ) -> None:
        """``all_keys`` are those of all namespaces of the same server."""
        self.name = name
        self.start = start
        self.settings = settings
        self._all_keys = all_keys
        self.store = Store(start.base)
        self.ids = Ids(start.seed, name)
        self.keys: dict[str, ApiKey] = {}
        self._former_keys = FormerKeys()
        self.known_keys: frozenset[str] = frozenset()
        """Its API keys, the last former ones too: the journal may still hold them."""
        self._secrets_of: tuple[frozenset[str] | None, frozenset[str], frozenset[str]] = None, frozenset(), frozenset()
        mode = start.journal or settings.journal
        self.journal = Journal(name, settings.journal_entries, memory, self._secrets, mode)
        self.busy = 0
        """The number of requests with a good token that are on their way."""
        self.last_use = self.begun = precise()
        """In seconds of the process's own clock, which a frozen one does not stop."""
        self.streams: set[asyncio.Future[None]] = set()
        """Vendor streams on their way, which a reset ends."""
        self.snapshots: dict[str, Snapshot] = {}
        self.faults, self.replies = Faults(), Replies()
        self.events = Events(memory)
        try:
            self.reset()
        except Exception:
            self.end()  # or the server's memory would hold on to it
            raise

    def reset(self, keep: frozenset[str] = frozenset()) -> list[str]:
        """Bring the beginning back, but for the parts to keep; the names of what was put back.

        Raises :class:`FaultError` or :class:`ReplyError`, and changes nothing, where the beginning is impossible.
        """
        restored = [part for part in PARTS if part not in keep]
        store = self.store if "state" in keep else self._first_state()
        faults = self.faults if "faults" in keep else self.first_faults(store)
        replies = self.replies if "replies" in keep else self.first_replies(store)
        if "findings" in keep:
            self.review()  # while its requests are there
        given = self.ids
        begin = {
            "clock": self._begin_clock,
            "ids": self._begin_ids,
            "state": self._begin_state,
            "requests": self.journal.begin,
            "transitions": self._begin_transitions,
            "findings": self._begin_findings,
        }
        for part, put_back in begin.items():
            if part in restored:
                put_back()
        self.faults, self.replies = faults, replies
        if "faults" in keep:
            self.ids.pass_over(given)  # as in restore()
        self.reviewer.begin(self.journal)
        self._end_streams()
        self.events.emit("reset", {"reset": restored})
        return restored

    def copied(self) -> Start:
        """The beginning of a copy of it as it is now."""
        held = self.store.fork(), self.clock.copy(), dict(self.transitions), self.faults.copy(), self.replies.copy()
        return self.start._replace(copied=Copied(*held))

    def snapshot(self, name: str) -> Snapshot:
        """The state as it is now, kept under a name."""
        kept = Snapshot(name, self.clock.now(), self.store.fork(), copy.deepcopy(self.ids), dict(self.transitions))
        self.snapshots[name] = kept
        return kept

    def restore(self, snapshot: Snapshot) -> None:
        """Bring back what a snapshot holds; what is on its way to clients ends."""
        self.store = snapshot.store.fork()
        self.learn_keys()
        ids = copy.deepcopy(snapshot.ids)
        ids.pass_over(self.ids)  # the tokens that faults have made worthless are not given again
        self.ids = ids
        self.transitions = dict(snapshot.transitions)
        self._end_streams()
        self.events.emit("reset", {"reset": ["state", "ids", "transitions"]})

    def end(self) -> None:
        """Let go of everybody who still waits for something of it."""
        self._end_streams()
        self.events.close()
        self.journal.end()

    def _end_streams(self) -> None:
        for stream in self.streams:
            if not stream.done():
                stream.set_result(None)

    def _begin_clock(self) -> None:
        copied = self.start.copied
        self.clock = Clock(self.start.frozen) if copied is None else copied.clock.copy()

    def _begin_ids(self) -> None:
        self.ids = Ids(self.start.seed, self.name)

    def _begin_transitions(self) -> None:
        copied = self.start.copied
        self.transitions = transitions.at_once() if copied is None else dict(copied.transitions)

    def _begin_findings(self) -> None:
        self.findings = Findings()
        self.reviewer = Reviewer(self.findings, lambda: self.known_keys, self.journal.headline)
        for entry in self.journal:
            entry.findings = ()

    def review(self) -> Findings:
        """The findings about the requests so far."""
        return finish(self.reviewing())

    def reviewing(self) -> Work[Findings]:
        """The same, request by request; a reset meanwhile ends it."""
        reviewer = self.reviewer
        for cost in reviewer.reading(self.journal):
            yield cost
            if self.reviewer is not reviewer:
                break
        return self.findings

    def _first_state(self) -> Store:
        copied = self.start.copied
        return Store(self.start.base) if copied is None else copied.state.fork()

    def first_replies(self, store: Store, more: Sequence[Reply] = ()) -> Replies:
        """The replies that it begins with on that state and ``more``; :class:`ReplyError` for too many."""
        if self.start.copied is not None:
            return self.start.copied.said(store, more)
        return Replies([*store.all(Reply), *more])

    def first_faults(self, store: Store, more: Sequence[Fault] = ()) -> Faults:
        """The rules that it begins with on that state and ``more``; :class:`FaultError` where two have one id."""
        if self.start.copied is not None:
            return self.start.copied.rules(store, more)
        rules = [*self.start.faults, *store.all(Fault), *more]
        if self.start.scenario is not None:
            # Of the beginning too: the state of now may know other ones.
            rules += _scenario(Store(self.start.base), self.start.scenario).rules
        return Faults(rules)

    def scenario(self, name: str) -> Scenario:
        """The scenario of that name; :class:`FaultError` where there is none."""
        return _scenario(self.store, name)

    def _begin_state(self) -> None:
        if self.start.copied is not None:
            self.store = self._first_state()
            self.learn_keys()
            return
        self.store.reset(self.start.base)
        self.learn_keys()
        if self.start.linked is not None:
            self._begin_linked(*self.start.linked)

    def _begin_linked(self, email: str, third_party_internal_id: str) -> None:
        owner = next(iter(self.keys.values())).managed_by
        user = User(managed_by=owner, email=email, third_party_internal_id=third_party_internal_id)
        if self.linked_to(user) is None:
            self.link(user, self.heidi_user(owner, None))

    def know(self, managed_by: str, email: str, third_party_internal_id: str) -> None:
        """Keep the holder of a good token as a user, also after a reset or a restart, if the account is still there."""
        if managed_by not in self.owners:
            return
        if self.store.get(User, user_key(managed_by, email, third_party_internal_id)) is None:
            # Constructed, since the first check of any value loads pydantic's plugins, and a sign-in needs no check.
            made = User.model_construct(
                managed_by=managed_by, email=email, third_party_internal_id=third_party_internal_id
            )
            self.store.put(made)

    @property
    def untouched(self) -> bool:
        """True if its state is still as it began."""
        return not self.store.changed

    def linked_to(self, user: User) -> str | None:
        """The Heidi account that a user is linked to."""
        known = self.store.get(User, user.key)
        return None if known is None else known.linked_to

    def replace(self, base: Base) -> None:
        """Stand on another state from now on."""
        self.store.reset(base)
        self.learn_keys()
        self.events.emit("reset", {"reset": ["state"]})

    def remove(self, record: Record) -> None:
        """Remove a record; the sessions of a patient profile stay and are unlinked."""
        if isinstance(record, PatientProfile):
            for session in tuple(self.store.where(Session, patient_profile_id=record.id)):
                self.store.put(session.replace(patient_profile_id=None))
        self.store.remove(record)

    def listen(self) -> Events:
        """The events of this namespace, which are told from now on."""
        self.events.heard = True
        self.store.watch = self._tell_state
        self.journal.watchers.add(self._tell_request)
        return self.events

    def _tell_state(self, record: Record) -> None:
        kind = next((name for name, one in seeds.KINDS.items() if isinstance(record, one)), "users")
        there = self.store.get(type(record), record.key) is not None
        # The key of a user holds what parts its names, so that no two names can be taken for each other.
        # The id of a reply is all that it says, which may be long.
        name = shorten(record.key.replace("\0", " / "))
        self.events.emit("state", {"kind": kind, "id": name, "removed": not there}, len(name))

    def _tell_request(self, entry: Entry) -> None:
        self.events.emit("request", entry.bare(), len(entry.method) + len(entry.path))
        if entry.fault:
            self.events.emit("fault", {"ids": list(entry.fault), "request": entry.id})

    def learn_keys(self) -> None:
        """Look up the API keys of a state that has changed."""
        if self.events.heard:
            self.store.watch = self._tell_state  # another store may have come into the place of the old one
        # Hardly ever do keys change, and every request asks whose they are.
        before, self.keys = self.keys, {key.key: key for key in self.store.all(ApiKey)}
        self.owners = {key.managed_by: key for key in reversed(self.keys.values())}
        self._former_keys.change([key for key in before if key not in self.keys], self.keys)
        self.known_keys = frozenset([*self.keys, *self._former_keys])
        self._all_keys.learn(self.name, self.keys)

    # Where records that bring no id or time of their own get them from: a seeds.Source.

    def object_id(self, *_: str | int) -> str:
        return unused_object_id(self.store, self.ids, self.clock)

    def session_id(self, *_: str | int) -> str:
        return unused_session_id(self.store, self.ids)

    def stamp(self) -> str:
        return self.clock.stamp()

    def pace(self, number: int) -> float:
        """Seconds to wait before a stream's piece of that number, from 0."""
        pace = self.settings.pace
        if pace is None:
            return 0
        usual = pace.first if number == 0 else 1 / pace.rate if pace.rate else 0
        return usual * (1 + pace.jitter * self.ids.jitter()) if pace.jitter else usual

    def heidi_user(self, managed_by: str, kinde_user_id: str | None) -> HeidiUser:
        """The Heidi account of that id, invented if nobody knows it; without an id, one that nobody is linked to."""
        taken = {user.linked_to for user in self.store.all(User) if user.managed_by == managed_by}
        for known in self.owners[managed_by].heidi_users:
            if known.kinde_user_id == kinde_user_id or (kinde_user_id is None and known.kinde_user_id not in taken):
                return known
        kinde_user_id = kinde_user_id or f"kp_{self.ids.hex(32)}"
        return HeidiUser(
            kinde_user_id=kinde_user_id, heidi_email=f"{kinde_user_id}@heidi.example", linked_account_plan="FREE"
        )

    def taken(self, user: User, kinde_user_id: str) -> bool:
        """True if another user of the same key is linked to that Heidi account."""
        return any(
            other.linked_to == kinde_user_id and other.managed_by == user.managed_by and other.key != user.key
            for other in self.store.all(User)
        )

    def link(self, user: User, heidi_user: HeidiUser) -> User:
        """Link a user to a Heidi account, which the key knows from then on."""
        owner = self.owners[user.managed_by]
        others = tuple(known for known in owner.heidi_users if known.kinde_user_id != heidi_user.kinde_user_id)
        if heidi_user not in owner.heidi_users:
            self.store.put(owner.replace(heidi_users=(*others, heidi_user)))
            self.learn_keys()
        linked = user.replace(
            linked_to=heidi_user.kinde_user_id, account_id=self.object_id(), linked_at=self.clock.stamp()
        )
        self.store.put(linked)
        return linked

    def counts(self) -> dict[str, int]:
        return {
            "patient_profiles": self.store.size(PatientProfile),
            "sessions": self.store.size(Session),
            "requests": len(self.journal),
        }

    def _secrets(self) -> frozenset[str]:
        """The secrets that are never shown: the same object until they change, as every row of a list asks for it."""
        own, others = self.known_keys, self._all_keys.all()
        if own is not self._secrets_of[0] or others is not self._secrets_of[1]:
            token = self.settings.admin_token
            self._secrets_of = own, others, own.union(others, () if token is None else (token,))
        return self._secrets_of[2]


# Fixtures may hold ids that the same source of chance made in an earlier run: those are passed over.


def unused_object_id(store: Store, ids: Ids, clock: Clock) -> str:
    """The next id of 24 hex digits that no patient profile of the state has."""
    while store.get(PatientProfile, made := ids.object_id(clock.now())) is not None:
        continue
    return made


def unused_session_id(store: Store, ids: Ids) -> str:
    """The next decimal id that no session of the state has."""
    while store.get(Session, made := ids.session_id()) is not None:
        continue
    return made


def _scenario(store: Store, name: str) -> Scenario:
    found = store.get(Scenario, name)
    if found is None:
        known = [one.name for one in store.all(Scenario)]
        raise FaultError(f"there is no scenario {name!r}; {closest(name, known)}")
    return found
