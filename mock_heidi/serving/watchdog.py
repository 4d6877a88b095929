"""Logs where a server hangs: writes the stacks of all threads to stderr when the event loop is blocked for seconds."""

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
    """Watch an event loop. Each time that it is blocked for ``seconds``, this is logged once.

    A process has only one such timer, so use this only in a process that does nothing but serve.
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
        """Record that the loop runs, and set the timer again."""
        late = precise() - self._due
        if late >= self._seconds:
            _logger.warning("the server was blocked for %.1f s; the stack in the log shows where", late)
        # Set this before the timer: if the timer logs a stack, the next turn is late enough to log the warning.
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
    except (AttributeError, OSError, ValueError):  # closed, or replaced by an object without a file
        return None
