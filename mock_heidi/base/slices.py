"""Long work in slices. Other requests run between two slices, never within one."""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeAlias, TypeVar

T = TypeVar("T")

Work: TypeAlias = Generator[int, None, T]
"""Work that yields the cost of each of its parts and returns its result. The unit is the work on one byte of JSON."""

SLICE = 500_000
"""The cost of a slice. It takes a few milliseconds."""
RECORD = 2_000
"""The cost of checking, writing or reading one record of the usual size."""


def finish(work: Work[T]) -> T:
    """The result of work that is done in one go, while other requests wait."""
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
    """Lets other requests run after each slice of work."""

    def __init__(self) -> None:
        self._left = SLICE

    async def spend(self, cost: int) -> None:
        """Note that work of this cost was done."""
        self._left -= cost
        if self._left <= 0:
            import asyncio

            self._left = SLICE
            await asyncio.sleep(0)
