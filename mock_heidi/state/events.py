"""Events of a namespace for its listeners. They are recorded while somebody listens."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

from mock_heidi.base.memory import MemoryBudget

KINDS = ("request", "request_started", "finding", "state", "fault", "setting", "reset", "namespace", "behind")
KEPT = 1_000
"""The number of events that are kept. A listener that falls further behind is dropped."""
# The bytes of an event without long texts, with the frame that is made from it, as measured with tracemalloc.
_EVENT = 1_150


class Event:
    """An event. The data of a request are its journal entry without bodies."""

    __slots__ = ("data", "frame", "held", "id", "kind", "reader")

    def __init__(self, id: int, kind: str, data: Any, size: int) -> None:  # noqa: A002 - what server-sent events call it
        self.id = id
        self.kind = kind
        self.data = data
        self.held = _EVENT + 2 * size  # as data and as a frame
        self.frame = b""
        """The bytes for the listeners, made once for all of them."""
        self.reader: object = None
        """The reader that made the frame. Another reader may know other secrets."""


class Events:
    """The last events of one namespace, and the listeners that wait for the next."""

    def __init__(self, memory: MemoryBudget) -> None:
        self.recording = False
        """True while there are listeners, and a moment longer."""
        self.visits = 0
        """The number of listeners that have come."""
        self.listeners = 0
        self.closed = False
        """True if the namespace is gone."""
        self.held = 0
        self._memory = memory
        memory.logs.add(self)
        self._log: deque[Event] = deque()
        self._next = 1
        self._waiting: set[asyncio.Future[None]] = set()

    @property
    def last(self) -> int:
        """The id of the newest event, 0 before the first."""
        return self._next - 1

    @property
    def first(self) -> int:
        """The id of the oldest event that is kept; if none is kept, the id of the next one."""
        return self._next - len(self._log)

    def emit(self, kind: str, data: Any, size: int = 0) -> None:
        """Record an event and wake the listeners. ``size`` is the length of long texts in ``data``, in bytes."""
        if not self.recording or self.closed:
            return
        event = Event(self._next, kind, data, size)
        self._log.append(event)
        self._next += 1
        if len(self._log) > KEPT:
            self.drop()
        self.held += event.held
        self._memory.hold(event.held)
        self._wake()

    def drop(self) -> bool:
        """Forget the oldest event. Returns False if there is none."""
        if not self._log:
            return False
        oldest = self._log.popleft()
        self.held -= oldest.held
        self._memory.used -= oldest.held
        return True

    def rest(self) -> None:
        """Forget the events and record no more. A later listener sees a gap in the ids."""
        self.recording = False
        while self.drop():
            continue
        self._next += 1

    def close(self) -> None:
        """Forget the events and wake the listeners, so that they leave."""
        self.closed = True
        while self.drop():
            continue
        self._memory.logs.discard(self)
        self._wake()

    def _wake(self) -> None:
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_result(None)
        self._waiting.clear()

    def after(self, id: int, most: int = KEPT) -> list[Event]:  # noqa: A002 - what server-sent events call it
        """The oldest ``most`` of the kept events that are newer than an id."""
        count = len(self._log)
        start = max(0, id + 1 - self.first)
        return [self._log[at] for at in range(start, min(start + most, count))]

    async def more(self, seconds: float, *ends: asyncio.Future[Any]) -> None:
        """Wait for the next event or one of ``ends``, at most ``seconds`` of real time."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(waiter)
        try:
            await asyncio.wait({waiter, *ends}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._waiting.discard(waiter)
