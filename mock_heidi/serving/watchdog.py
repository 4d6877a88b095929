"""Says where a server hangs: the stacks of all threads go to stderr when its loop has not turned for some seconds."""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import logging
import sys
from collections.abc import Iterator

from mock_heidi.state.clock import precise

_logger = logging.getLogger("mock_heidi")


@contextlib.contextmanager
def watching(loop: asyncio.AbstractEventLoop, seconds: float) -> Iterator[None]:
    """Watch a loop that may stand still for so many seconds. A block is told once, when it is that long.

    There is one such timer in a process, so this is for a process that does nothing but serve.
    """
    watchdog = _Watchdog(loop, seconds)
    watchdog.turn()
    try:
        yield
    finally:
        watchdog.stop()


class _Watchdog:
    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: float) -> None:
        self._loop = loop
        self._seconds = seconds
        self._interval = seconds / 5
        self._stderr = _stderr()
        self._due = precise()

    def turn(self) -> None:
        """Note that the loop turns, and set the timer again."""
        late = precise() - self._due
        if late >= self._seconds:
            _logger.warning("the server was blocked for %.1f s; the stack in the log shows where", late)
        # Before the timer is set: whenever that logs a stack, the next turn is late enough to say so.
        self._due = precise() + self._interval
        if self._stderr is not None:
            # A timer in C, which needs no lock of the interpreter.
            faulthandler.dump_traceback_later(self._interval + self._seconds, file=self._stderr)
        self._timer = self._loop.call_later(self._interval, self.turn)

    def stop(self) -> None:
        self._timer.cancel()
        if self._stderr is not None:
            faulthandler.cancel_dump_traceback_later()


def _stderr() -> int | None:
    """The file descriptor of stderr, if it has one."""
    try:
        return sys.stderr.fileno()
    except (AttributeError, OSError, ValueError):  # closed, or replaced by something that is no file
        return None
