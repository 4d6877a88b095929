"""The memory limit for what a server keeps of its traffic: journals, their views, events and unfinished requests."""

from __future__ import annotations

import heapq
from typing import Protocol

# This part of the limit (a 64th) is freed at once, so that a full server does not search the logs at every request.
_SHARE = 64


class Log(Protocol):
    """A log that drops its oldest entries when memory is short."""

    held: int
    """Its size in bytes."""

    def drop(self) -> bool:
        """Drop the oldest entry or a part of it, and subtract its size from the budget. Returns False if empty."""
        ...


class MemoryBudget:
    """Counts bytes. At the limit, the oldest entries of the largest log are dropped."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0
        """In bytes. A log may add to it directly, which is quicker than :meth:`hold`, and call :meth:`make_room`."""
        self.logs: set[Log] = set()

    def hold(self, size: int) -> bool:
        """Add ``size`` bytes; subtract them if it is negative. Returns True if the total is within the limit."""
        self.used += size
        if self.used > self.limit:
            self.make_room()
        return self.used <= self.limit

    def make_room(self) -> None:
        """Drop the oldest entries of the largest log until a little less than the limit is used."""
        goal = self.limit - self.limit // _SHARE
        largest = [(-log.held, number, log) for number, log in enumerate(self.logs) if log.held]
        heapq.heapify(largest)
        while self.used > goal and largest:
            _, number, log = largest[0]
            if log.drop():
                heapq.heapreplace(largest, (-log.held, number, log))
            else:
                heapq.heappop(largest)
