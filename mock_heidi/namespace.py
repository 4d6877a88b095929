"""One isolated Heidi, and the registry of all that a server holds."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from mock_heidi import clock, seeds, transitions
from mock_heidi.clock import Clock, precise
from mock_heidi.ids import Ids
from mock_heidi.journal import Journal
from mock_heidi.models import ApiKey, HeidiUser, PatientProfile, Record, Reply, Session, User, user_key
from mock_heidi.replies import Replies
from mock_heidi.settings import DEFAULT_EMAIL, DEFAULT_NAMESPACE, DEFAULT_THIRD_PARTY_ID, Settings, is_namespace
from mock_heidi.store import Base, Store
from mock_heidi.tokens import Tokens
from mock_heidi.yaml_text import FixtureError

PARTS = ("state", "clock", "ids", "requests", "transitions", "replies")


class LimitReachedError(Exception):
    """The server holds as many namespaces as it may."""


class Start(NamedTuple):
    """What a namespace begins with, and what a reset brings back.

    ``frozen`` is in ms since 1970; ``linked`` is the e-mail and third party's id of a user to link.
    """

    base: Base
    seed: int
    frozen: int | None
    linked: tuple[str, str] | None = None


class Namespace:
    """State, clock, ids and journal of one Heidi that never meets another."""

    def __init__(self, name: str, start: Start, settings: Settings) -> None:
        self.name = name
        self.start = start
        self.settings = settings
        self.store = Store(start.base)
        # Former keys too: the journal may still hold them.
        self._known_keys: set[str] = set()
        self.journal = Journal(settings.journal_entries, settings.journal_bytes, self._secrets)
        self.busy = 0
        """How many requests with a good token are on their way."""
        self.last_use = precise()
        """In seconds of the process's own clock, which a frozen one does not stop."""
        self.streams: set[asyncio.Future[None]] = set()
        """Vendor streams on their way, which a reset ends."""
        self.reset()

    def reset(self, keep: frozenset[str] = frozenset()) -> list[str]:
        """Bring the beginning back, but for the parts to keep; the names of what was put back."""
        begin = {
            "clock": self._begin_clock,
            "ids": self._begin_ids,
            "state": self._begin_state,
            "requests": self.journal.clear,
            "transitions": self._begin_transitions,
            "replies": self._begin_replies,
        }
        restored = [part for part in PARTS if part not in keep]
        for part, put_back in begin.items():
            if part in restored:
                put_back()
        for stream in self.streams:
            if not stream.done():
                stream.set_result(None)
        return restored

    def _begin_clock(self) -> None:
        self.clock = Clock(self.start.frozen)

    def _begin_ids(self) -> None:
        self.ids = Ids(self.start.seed, self.name)

    def _begin_transitions(self) -> None:
        self.transitions = transitions.at_once()

    def _begin_replies(self) -> None:
        self.replies = Replies()
        for reply in reversed(self.store.all(Reply)):
            self.replies.add(reply)

    def _begin_state(self) -> None:
        self.replace(self.start.base)
        if self.start.linked is not None:
            self._begin_linked(*self.start.linked)

    def _begin_linked(self, email: str, third_party_internal_id: str) -> None:
        owner = next(iter(self.keys.values())).managed_by
        user = User(managed_by=owner, email=email, third_party_internal_id=third_party_internal_id)
        if self.linked_to(user) is None:
            self.link(user, self.heidi_user(owner, None))

    def know(self, managed_by: str, email: str, third_party_internal_id: str) -> None:
        """Whoever holds a good token is a user, also where a reset or a restart has forgotten them."""
        if self.store.get(User, user_key(managed_by, email, third_party_internal_id)) is None:
            self.store.put(User(managed_by=managed_by, email=email, third_party_internal_id=third_party_internal_id))

    @property
    def untouched(self) -> bool:
        """Whether its state is still as it began."""
        return not self.store.changed

    def linked_to(self, user: User) -> str | None:
        """The Heidi account that a user is linked to."""
        known = self.store.get(User, user.key)
        return None if known is None else known.linked_to

    def replace(self, base: Base) -> None:
        """Stand on another state from now on."""
        self.store.reset(base)
        self._learn_keys()

    def add(self, records: Mapping[str, Any]) -> list[Record]:
        """Add records in the form of fixtures, all or none; those that were made."""
        before = copy.deepcopy(self.ids)
        try:
            added = seeds.extend(self.store, records, self)
        except FixtureError:
            self.ids = before  # what is refused leaves no trace, not even in the ids to come
            raise
        self._learn_keys()
        return added

    def _learn_keys(self) -> None:
        # Hardly ever do keys change, and every request asks whose they are.
        self.keys = {key.key: key for key in self.store.all(ApiKey)}
        self.owners = {key.managed_by: key for key in reversed(self.keys.values())}
        self._known_keys.update(self.keys)

    # Where records that bring no id or time of their own get them from: a seeds.Source.

    # Fixtures may hold ids that this very source made in an earlier run: those are passed over.

    def object_id(self, *_: str | int) -> str:
        while self.store.get(PatientProfile, made := self.ids.object_id(self.clock.now())) is not None:
            continue
        return made

    def session_id(self, *_: str | int) -> str:
        while self.store.get(Session, made := self.ids.session_id()) is not None:
            continue
        return made

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
        """Whether another user of the same key is linked to that Heidi account."""
        return any(
            other.linked_to == kinde_user_id and other.managed_by == user.managed_by and other.key != user.key
            for other in self.store.all(User)
        )

    def link(self, user: User, heidi_user: HeidiUser) -> User:
        """Link a user to a Heidi account, which the key knows from then on."""
        owner = self.owners[user.managed_by]
        others = tuple(known for known in owner.heidi_users if known.kinde_user_id != heidi_user.kinde_user_id)
        if heidi_user not in owner.heidi_users:
            self.store.put(owner.model_copy(update={"heidi_users": (*others, heidi_user)}))
            self._learn_keys()
        linked = user.model_copy(
            update={
                "linked_to": heidi_user.kinde_user_id,
                "account_id": self.object_id(),
                "linked_at": self.clock.stamp(),
            }
        )
        self.store.put(linked)
        return linked

    def counts(self) -> dict[str, int]:
        return {
            "patient_profiles": self.store.size(PatientProfile),
            "sessions": self.store.size(Session),
            "requests": len(self.journal),
        }

    def _secrets(self) -> Iterator[str]:
        yield from self._known_keys


class Namespaces:
    """Every namespace of one server, made on first use and bounded in number."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        frozen = None if settings.clock is None else clock.parse_moment(settings.clock)
        linked = (DEFAULT_EMAIL, DEFAULT_THIRD_PARTY_ID) if settings.linked else None
        self.start = Start(seeds.load(settings.fixtures, settings.api_key), settings.seed, frozen, linked)
        self.tokens = Tokens(settings.seed)
        self._all: dict[str, Namespace] = {}
        self.default = self.make(DEFAULT_NAMESPACE)
        self._keys = dict(self.default.keys)

    def __iter__(self) -> Iterator[Namespace]:
        return iter(tuple(self._all.values()))

    def __len__(self) -> int:
        return len(self._all)

    def fresh_clock(self) -> Clock:
        """The clock that a namespace would begin with."""
        return Clock(self.start.frozen)

    def get(self, name: str) -> Namespace | None:
        return self._all.get(name)

    def make(self, name: str, start: Start | None = None) -> Namespace:
        """The namespace of that name, a fresh one if need be; with ``start``, always a fresh one.

        Raises :class:`LimitReachedError` where one more would be too many.
        """
        namespace = self._all.get(name)
        if namespace is None or start is not None:
            if namespace is None and len(self._all) >= self.settings.max_namespaces:
                raise LimitReachedError
            namespace = self._all[name] = Namespace(name, start or self.start, self.settings)
        return namespace

    def drop(self, name: str) -> bool:
        """Forget a namespace; whether there was one."""
        return self._all.pop(name, None) is not None

    def open(self, key: str, path_name: str | None) -> tuple[str, ApiKey] | None:
        """Which namespace a key opens, and as whom; None for a bad key.

        ``path_name`` is the namespace that the path names, if it names one. An exact key wins over a suffix, and a
        suffix must agree with the path.
        """
        exact = self._keys_of(path_name or DEFAULT_NAMESPACE).get(key)
        if exact is not None:
            return path_name or DEFAULT_NAMESPACE, exact
        # A namespace's name has 64 characters at most: no point in looking for its dot further ahead.
        for cut in (at for at in range(max(0, len(key) - 65), len(key)) if key[at] == "."):
            name = key[cut + 1 :]
            if is_namespace(name) and path_name in (None, name) and key[:cut] in self._keys_of(name):
                return name, self._keys_of(name)[key[:cut]]
        return None

    def _keys_of(self, name: str) -> dict[str, ApiKey]:
        namespace = self._all.get(name)
        return self._keys if namespace is None else namespace.keys
