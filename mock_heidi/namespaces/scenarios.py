"""Scenarios of a state by name."""

from __future__ import annotations

from mock_heidi.base.wording import nearest
from mock_heidi.faults.rule import Scenario
from mock_heidi.faults.short_form import FaultError
from mock_heidi.state.store import Store


def find_scenario(store: Store, name: str) -> Scenario:
    """The scenario of that name. Raises :class:`FaultError` if it is unknown."""
    found = store.get(Scenario, name)
    if found is None:
        known = [one.name for one in store.all(Scenario)]
        raise FaultError(f"there is no scenario {name!r}", nearest(name, known))
    return found
