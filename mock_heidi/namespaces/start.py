"""The content with which a namespace starts and to which a reset returns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeVar

from mock_heidi.base.assumptions import DEFAULTS, Assumptions
from mock_heidi.base.values import Record
from mock_heidi.faults.active_faults import ActiveFaults
from mock_heidi.faults.rule import Fault
from mock_heidi.namespaces.scenarios import find_scenario
from mock_heidi.state import transitions
from mock_heidi.state.clock import Clock
from mock_heidi.state.store import Base, Store
from mock_heidi.state.stub_records import Stub
from mock_heidi.state.stubs import Stubs
from mock_heidi.state.transitions import Transition

R = TypeVar("R", bound=Record)


class Copied(NamedTuple):
    """The content of another namespace at the time when it was copied. It never changes."""

    store: Store
    clock: Clock
    transitions: dict[str, Transition]
    faults: ActiveFaults
    stubs: Stubs
    assumptions: Assumptions


class Start(NamedTuple):
    """The content with which a namespace starts and to which a reset returns.

    ``frozen`` is the time of a frozen clock, in ms since 1970. ``linked`` is the e-mail and the third party's id of a
    user who is linked at the start. ``journal`` is the journal's mode; None for that of the server.
    ``assumed`` are its assumptions. With ``strict``, it refuses requests for what no page documents. ``has_own_base``
    is True if ``base`` is not that of the server's fixtures and key.
    """

    base: Base
    seed: int
    frozen: int | None
    linked: tuple[str, str] | None = None
    faults: tuple[Fault, ...] = ()
    scenario: str | None = None
    journal: str | None = None
    assumed: Assumptions = DEFAULTS
    strict: bool = False
    has_own_base: bool = False
    copied: Copied | None = None
    """For a copy of another namespace, the content that replaces all the above except seed, journal and strict."""

    def new_store(self) -> Store:
        return Store(self.base) if self.copied is None else self.copied.store.fork()

    def new_clock(self) -> Clock:
        return Clock(self.frozen) if self.copied is None else self.copied.clock.copy()

    def new_transitions(self) -> dict[str, Transition]:
        return transitions.at_once() if self.copied is None else dict(self.copied.transitions)

    @property
    def assumptions(self) -> Assumptions:
        """The assumptions at the start."""
        return self.assumed if self.copied is None else self.copied.assumptions

    def new_faults(self, store: Store, more: Sequence[Fault] = ()) -> ActiveFaults:
        """The faults that are active at the start, with the store's and ``more``.

        Raises :class:`FaultError` if two have the same id, if there are too many, or if the scenario is unknown.
        """
        if self.copied is not None:
            faults = self.copied.faults.copy()
            gone, new = _differences(store, self.copied.store, Fault)
            faults.forget(gone)
            faults.extend([*new, *more])
            return faults
        given = [*self.faults, *store.all(Fault), *more]
        if self.scenario is not None:
            # The current state may hold other scenarios than the state at the start.
            given += find_scenario(Store(self.base), self.scenario).rules
        return ActiveFaults(given)

    def new_stubs(self, store: Store, more: Sequence[Stub] = ()) -> Stubs:
        """The stubs that are set at the start, with the store's and ``more``.

        Raises :class:`StubError` if there are too many.
        """
        if self.copied is not None:
            stubs = self.copied.stubs.copy()
            gone, new = _differences(store, self.copied.store, Stub)
            stubs.forget(gone)
            stubs.extend([*new, *more])
            return stubs
        return Stubs([*store.all(Stub), *more])


def _differences(store: Store, earlier: Store, kind: type[R]) -> tuple[list[R], list[R]]:
    """The records of a kind in ``earlier`` that ``store`` lacks or has changed, and the new versions in ``store``."""
    pairs = store.differences(earlier, kind)
    return [gone for _, gone in pairs if isinstance(gone, kind)], [new for new, _ in pairs if isinstance(new, kind)]
