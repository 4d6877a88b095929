"""Gathers what the exchanges say about each assumption."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from mock_heidi.base.assumptions import Assumption, assumptions
from mock_heidi.comparing.additions import add
from mock_heidi.comparing.detectors import DETECTORS
from mock_heidi.comparing.detectors.detector import Detector
from mock_heidi.comparing.exchange import Exchange
from mock_heidi.comparing.history import History


@dataclass
class Evidence:
    """The values of one assumption that each exchange agrees with. An exchange that agrees with all is left out."""

    assumption: Assumption
    found: Counter[frozenset[Any]] = field(default_factory=Counter)

    @property
    def values(self) -> tuple[Any, ...]:
        """The values that all exchanges agree with, in the order of the list; empty if they contradict one another."""
        sets = list(self.found)
        return tuple(value for value in self._all if all(value in one for one in sets))

    @property
    def seen(self) -> int:
        """The number of exchanges that tell something."""
        return self.found.total()

    def times(self, value: Any) -> int:
        """The number of exchanges that agree with a value and with no other."""
        return self.found[frozenset([value])]

    @property
    def contradicting(self) -> list[tuple[Any, int]]:
        """Each value that some exchanges alone agree with, and their number."""
        single = [(value, self.times(value)) for value in self._all]
        return [(value, count) for value, count in single if count]

    @property
    def _all(self) -> list[Any]:
        known = [self.assumption.default, *self.assumption.alternatives]
        return [*known, *sorted({value for one in self.found for value in one if value not in known})]


Told = list[dict[str, frozenset[Any]]]


def gather(exchanges: Sequence[Exchange], step: Callable[[int], object]) -> tuple[list[Evidence], Told]:
    """The evidence for each assumption, in the order of the list, and the values that each exchange agrees with.

    ``step`` is called with 1 after each exchange.
    """
    history = History(exchanges)
    told: Told = []
    for exchange in exchanges:
        step(1)
        told.append(dict(_said(exchange, history)))
        add(history, exchange)
    evidence = {name: Evidence(one) for name, one in assumptions().items()}
    for said in told:
        for name, values in said.items():
            evidence[name].found[values] += 1
    return [one for one in evidence.values() if one.found], told


def _said(exchange: Exchange, history: History) -> Iterator[tuple[str, frozenset[Any]]]:
    """The values of assumptions that an exchange agrees with, by name."""
    for detector in _detectors(exchange.operation):
        found = detector.look(exchange, history)
        if found is None:
            continue
        assumption = assumptions()[detector.name]
        values = frozenset(found if isinstance(found, set) else [found])
        allowed = frozenset(value for value in values if assumption.allows(value))
        if allowed and len(allowed) < len(assumption.alternatives) + 1 + bool(assumption.any_number):
            yield detector.name, allowed


@cache
def _detectors(operation: str) -> list[Detector]:
    return [one for one in DETECTORS if operation in one.operations or "*" in one.operations]
