"""The registry of all namespaces of a server: it makes them on first use, limits their number and drops idle ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from mock_heidi.base.errors import ServiceUnavailableError
from mock_heidi.base.memory import MemoryBudget
from mock_heidi.base.settings import (
    DEFAULT_EMAIL,
    DEFAULT_NAMESPACE,
    DEFAULT_THIRD_PARTY_ID,
    ConfigError,
    Settings,
    is_namespace,
)
from mock_heidi.faults import rule as faults
from mock_heidi.faults.rule import Fault
from mock_heidi.faults.short_form import FaultError
from mock_heidi.namespaces.beginning import read_beginning
from mock_heidi.namespaces.lifecycle import start_namespace, start_of_copy
from mock_heidi.namespaces.namespace import Namespace
from mock_heidi.namespaces.server_secrets import KnownKeys
from mock_heidi.namespaces.start import Start
from mock_heidi.namespaces.tokens import GoodKey, Tokens
from mock_heidi.state import clock
from mock_heidi.state.account_records import ApiKey
from mock_heidi.state.clock import Clock, precise

if TYPE_CHECKING:
    from mock_heidi.observing.coverage.tally import Tally


def _rule(given: str | Mapping[str, Any]) -> Fault:
    try:
        return faults.parse(given)
    except FaultError as error:
        raise ConfigError(f"fault {given!r}: {error.problem}", error.hint) from None


class Registry:
    """All namespaces of one server."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.memory = MemoryBudget(settings.memory)
        self.started = precise()
        """In seconds of the process's clock."""
        frozen = None if settings.clock is None else clock.parse_moment(settings.clock)
        linked = (DEFAULT_EMAIL, DEFAULT_THIRD_PARTY_ID) if settings.linked else None
        base, assumed = read_beginning(settings.fixtures, settings)
        rules = tuple(_rule(given) for given in settings.faults)
        start = Start(
            base, settings.seed, frozen, linked, rules, settings.scenario, assumed=assumed, strict=settings.strict
        )
        self._all: dict[str, Namespace] = {}
        self._known_keys = KnownKeys()
        self.tally: Tally | None = None
        """The coverage of all namespaces; None if it is not counted."""
        self.begin_with(start)
        self.make(DEFAULT_NAMESPACE)
        self.tokens = Tokens(settings.seed, self._keys)
        if settings.coverage:
            self._begin_tally()

    def begin_with(self, start: Start) -> None:
        """Start new namespaces with this.

        Raises :class:`FaultError` or :class:`StubError`, and changes nothing, if its faults or stubs do not fit.
        """
        store = start.new_store()
        start.new_stubs(store)
        self.begins_faulty = len(start.new_faults(store)) > 0
        """True if namespaces start with faults, so that even their first request may meet one."""
        self.start = start
        """The start of a new namespace."""
        self._keys = {key.key: key for key in store.all(ApiKey)}

    def _begin_tally(self) -> None:
        from mock_heidi.observing.coverage.tally import Tally

        self.tally = Tally(self.tokens.user)
        self.begin_coverage(self.default)

    def begin_coverage(self, namespace: Namespace) -> None:
        """Count the requests that leave the journal of a namespace with a new state. Without coverage, do nothing."""
        if self.tally is not None:
            namespace.journal.leaving = self.tally.of(namespace.name)

    @property
    def default(self) -> Namespace:
        """The namespace that always exists."""
        return self._all[DEFAULT_NAMESPACE]

    def __iter__(self) -> Iterator[Namespace]:
        return iter(tuple(self._all.values()))

    def __len__(self) -> int:
        return len(self._all)

    def fresh_clock(self) -> Clock:
        """The clock with which a namespace would start."""
        return Clock(self.start.frozen)

    def get(self, name: str) -> Namespace | None:
        return self._all.get(name)

    def make(self, name: str, start: Start | None = None) -> Namespace:
        """The namespace of that name. It is made if it does not exist; with ``start`` a new one replaces it.

        Raises :class:`ServiceUnavailableError` if it would be one too many.
        """
        namespace = self._all.get(name)
        if namespace is None or start is not None:
            self.sweep()
            if namespace is None and len(self._all) >= self.settings.max_namespaces:
                raise ServiceUnavailableError
            # If this raises, the old namespace stays.
            made = start_namespace(name, start or self.start, self.settings, self.memory, self._known_keys)
            self.begin_coverage(made)
            if namespace is not None:
                namespace.end()
            namespace = self._all[name] = made
            if name != DEFAULT_NAMESPACE:
                self.default.events.emit("namespace", {"name": name, "dropped": False})
        return namespace

    def fork(self, source: Namespace, name: str) -> Namespace:
        """A copy of a namespace under another name, with its own ids and journal.

        Raises :class:`ServiceUnavailableError` as :meth:`make` does.
        """
        return self.make(name, start_of_copy(source))

    def sweep(self) -> None:
        """Drop the namespaces that have been idle for too long."""
        latest = precise() - self.settings.idle_after
        for namespace in tuple(self._all.values()):
            idle = namespace.last_use < latest and not namespace.busy and not namespace.streams
            if idle and namespace.name != DEFAULT_NAMESPACE:
                self.drop(namespace.name)

    def drop(self, name: str) -> bool:
        """Drop a namespace. Returns True if it existed."""
        gone = self._all.pop(name, None)
        if gone is None:
            return False
        gone.end()
        self._known_keys.forget(name)
        self.default.events.emit("namespace", {"name": name, "dropped": True})
        return True

    def open(self, key: str, path_name: str | None) -> GoodKey | None:
        """The namespace that a key opens, and the data's owner; None for an invalid key.

        ``path_name`` is the namespace in the path, if there is one. A key is tried whole first, then without its suffix
        ``.NAME``, which must be the same namespace as in the path.
        """
        exact = self._keys_of(path_name or DEFAULT_NAMESPACE).get(key)
        if exact is not None:
            return GoodKey(path_name or DEFAULT_NAMESPACE, exact)
        # A namespace's name has at most 64 characters, so its dot is among the last 65.
        for cut in (at for at in range(max(0, len(key) - 65), len(key)) if key[at] == "."):
            name = key[cut + 1 :]
            if is_namespace(name) and path_name in (None, name) and key[:cut] in self._keys_of(name):
                return GoodKey(name, self._keys_of(name)[key[:cut]])
        return None

    def _keys_of(self, name: str) -> dict[str, ApiKey]:
        namespace = self._all.get(name)
        return self._keys if namespace is None else namespace.keys
