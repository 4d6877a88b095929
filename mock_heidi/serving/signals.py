"""SIGINT and SIGTERM end a server: the first one cleanly, the second one at once, whatever code runs."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

_WANTED = (signal.SIGINT, signal.SIGTERM)


def in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


@contextlib.contextmanager
def left_to_main_thread() -> Iterator[None]:
    """Block signals in this thread, so that they wake the main thread, where Python handles them."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def ending(loop: asyncio.AbstractEventLoop, stop: Callable[[], None]) -> Iterator[None]:
    """In the main thread: the first signal calls ``stop``, the second one has the system's default action.

    This can end a loop that hangs, because Python handles a signal between two instructions and within a regular
    expression. If C code blocks the interpreter, the first signal waits. Then only glibc removes the handler, so that
    the second signal ends the process.
    """

    def first(*_: Any) -> None:
        for number in _WANTED:
            signal.signal(number, signal.SIG_DFL)
        stop()

    before = {number: signal.getsignal(number) for number in _WANTED}
    for number in _WANTED:
        with contextlib.suppress(NotImplementedError):  # Windows
            loop.add_signal_handler(number, stop)  # a signal wakes the loop
        signal.signal(number, first)
        _handle_once(number)
    try:
        yield
    finally:
        for number, handler in before.items():
            with contextlib.suppress(NotImplementedError):
                loop.remove_signal_handler(number)
            signal.signal(number, handler)


def _handle_once(number: int) -> None:
    """Make the system remove the handler of a signal when the signal comes. Does nothing without glibc."""
    try:
        import ctypes  # noqa: PLC0415 - some builds of Python lack it

        libc = ctypes.CDLL(None)
        install, install_once = libc.signal, libc.sysv_signal
    except (ImportError, OSError, TypeError, AttributeError):
        return
    for call in (install, install_once):
        call.argtypes, call.restype = (ctypes.c_int, ctypes.c_void_p), ctypes.c_void_p
    # The first call returns Python's own handler, which only C code can install again.
    install_once(number, install(number, None))
