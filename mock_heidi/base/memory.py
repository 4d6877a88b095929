"""The one ceiling for what a server keeps of its traffic: journals, kept views, events and unfinished requests."""

from __future__ import annotations

import heapq
from typing import Protocol

# So much of the limit is freed at once, so that a full server need not look for the largest log at every request.
_SHARE = 64


class Log(Protocol):
    """A log that gives its oldest entries away when memory is short."""

    held: int
    """Its size in bytes."""

    def drop(self) -> bool:
        """Forget the oldest entry, or less, and count it out of the budget; whether there was anything to forget."""
        ...


class MemoryBudget:
    """Counts bytes; at the limit the oldest entries of the largest log go first."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0
        """In bytes. A log may add to it directly, because a request must cost little; :meth:`make_room` comes after."""
        self.logs: set[Log] = set()

    def hold(self, size: int) -> bool:
        """Count so many bytes more, or less; whether all that is held fits into the limit."""
        self.used += size
        if self.used > self.limit:
            self.make_room()
        return self.used <= self.limit

    def make_room(self) -> None:
        """Drop the oldest entries of whichever log is the largest, until a little less than the limit is used."""
        goal = self.limit - self.limit // _SHARE
        largest = [(-log.held, number, log) for number, log in enumerate(self.logs) if log.held]
        heapq.heapify(largest)
        while self.used > goal and largest:
            _, number, log = largest[0]
            if log.drop():
                heapq.heapreplace(largest, (-log.held, number, log))
            else:
                heapq.heappop(largest)
