"""Long work in slices: other requests run between two of them, and none runs within one."""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeAlias, TypeVar

T = TypeVar("T")

Work: TypeAlias = Generator[int, None, T]
"""Work that yields the cost of each of its parts and returns its result. The unit is the work on one byte of JSON."""

SLICE = 500_000
"""The cost of a slice, which takes some milliseconds."""
RECORD = 2_000
"""The cost to check, to write or to look at one record of the usual size."""


def finish(work: Work[T]) -> T:
    """The result of work, done in one go; other requests wait meanwhile."""
    try:
        while True:
            next(work)
    except StopIteration as end:
        result: T = end.value
        return result


async def in_slices(work: Work[T]) -> T:
    """The result of work that is done slice by slice."""
    slices = Slices()
    try:
        while True:
            await slices.spend(next(work))
    except StopIteration as end:
        result: T = end.value
        return result


class Slices:
    """Lets other requests run whenever a slice of work is done."""

    def __init__(self) -> None:
        self._left = SLICE

    async def spend(self, cost: int) -> None:
        """Note that work of this cost was done."""
        self._left -= cost
        if self._left <= 0:
            import asyncio

            self._left = SLICE
            await asyncio.sleep(0)
