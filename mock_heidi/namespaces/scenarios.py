"""Scenarios of a state by name."""

from __future__ import annotations

from mock_heidi.faults import FaultError, Scenario
from mock_heidi.store import Store
from mock_heidi.wording import nearest


def find_scenario(store: Store, name: str) -> Scenario:
    """The scenario of that name. Raises :class:`FaultError` if it is unknown."""
    found = store.get(Scenario, name)
    if found is None:
        known = [one.name for one in store.all(Scenario)]
        raise FaultError(f"there is no scenario {name!r}", nearest(name, known))
    return found
