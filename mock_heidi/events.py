"""What happens in a namespace, for whoever listens: nothing is kept before somebody does."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any, NamedTuple

KINDS = ("request", "state", "fault", "reset", "namespace")
_KEPT = 1_000


class Event(NamedTuple):
    """One thing that happened; of a request, the entry without its bodies."""

    id: int
    kind: str
    data: Any


class Events:
    """The last events of one namespace, and those who wait for the next."""

    def __init__(self) -> None:
        self.heard = False
        """Whether anybody has ever listened."""
        self.closed = False
        """Whether the namespace is no more."""
        self._log: deque[Event] = deque(maxlen=_KEPT)
        self._next = 1
        self._waiting: set[asyncio.Future[None]] = set()

    @property
    def last(self) -> int:
        """The id of the newest event, 0 before the first."""
        return self._next - 1

    def emit(self, kind: str, data: Any) -> None:
        """Tell the listeners, if there are or were any."""
        if self.heard:
            self._log.append(Event(self._next, kind, data))
            self._next += 1
            self._wake()

    def close(self) -> None:
        """Let the listeners go."""
        self.closed = True
        self._wake()

    def _wake(self) -> None:
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_result(None)

    def after(self, id: int) -> list[Event]:  # noqa: A002 - what server-sent events call it
        """The events that are kept and newer than that id."""
        return [event for event in self._log if event.id > id]

    async def more(self, seconds: float, *ends: asyncio.Future[Any]) -> None:
        """Wait for the next event, so many seconds of real time at most, or for one of ``ends``."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(waiter)
        try:
            await asyncio.wait({waiter, *ends}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._waiting.discard(waiter)
