"""Checks of how soon and how often a client repeats a request.

Two clocks count: the process's and the namespace's. A test may advance the namespace's clock instead of waiting, and a
client may wait in real time while that clock is frozen. Time has passed if it has passed by one of them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from typing import NamedTuple

from mock_heidi.base.operations import OPERATIONS
from mock_heidi.observing.checks.check import Check, Latest, Note
from mock_heidi.observing.entry import answered
from mock_heidi.observing.parsed_entries import ParsedEntry

FAST = 10
"""More polls than this in one second are too many."""
_SECOND = 1_000
_POLLED = frozenset(name for name, operation in OPERATIONS.items() if operation.polled)


def _place(request: ParsedEntry) -> Hashable:
    """The operation, the path and a mark of the sender, since a client does not know another client's answers."""
    sender = request.headers.get(b"authorization", request.entry.query)
    return request.operation, request.entry.path, hash(sender)


class Wait(NamedTuple):
    """An answer that asks the client to wait for ``ms`` from the time when its request came.

    ``at`` is this time by the namespace's clock, ``started`` by the process's clock in seconds, as ``answered`` is.
    """

    at: int
    started: float
    answered: float
    ms: int


class EarlyRetry(Check):
    """A request that comes before the time in ``Retry-After`` is over."""

    def __init__(self) -> None:
        self._waits: Latest[Wait] = Latest()

    def look(self, request: ParsedEntry, note: Note) -> None:
        entry, place = request.entry, _place(request)
        wait = self._waits.get(place)
        # A request that was sent before the answer came could not follow it.
        if wait is not None and entry.started >= wait.answered:
            waited = max(entry.at - wait.at, round((entry.started - wait.started) * _SECOND))
            # If the clock was set back, the time that the client waited is unknown.
            if entry.at >= wait.at and waited < wait.ms:
                early = (wait.ms - waited) / _SECOND
                note("early_retry", f"{early:g} s too early at {request.operation or 'an unknown path'}")
            self._waits.drop(place)
        # A client that left before the answer did not receive it.
        if entry.retry_at is not None and not entry.client_left:
            self._waits.put(place, Wait(entry.at, entry.started, answered(entry), entry.retry_at - entry.at))


class FastPolling(Check):
    """Many reads of the same thing within a second."""

    def __init__(self) -> None:
        self._polls: Latest[deque[tuple[float, int]]] = Latest()

    def look(self, request: ParsedEntry, note: Note) -> None:
        if request.operation not in _POLLED or request.entry.method != "GET":
            return
        place = _place(request)
        polls = self._polls.get(place) or deque(maxlen=FAST + 1)
        polls.append((request.entry.started, request.entry.at))
        self._polls.put(place, polls)
        # A slow poll is read after quick ones that were sent later, so the last one read may not be the last one sent.
        starts, moments = zip(*polls, strict=True)
        if len(polls) > FAST and max(starts) - min(starts) < 1 and max(moments) - min(moments) < _SECOND:
            note("fast_polling", str(FAST))
