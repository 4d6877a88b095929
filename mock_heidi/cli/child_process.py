"""Runs a command to its end: hands signals on to it, and ends it and all that it has started when it has to.

Away from a terminal the command leads a session of its own, and signals go to its whole process group. At a terminal it
stays in ours, which the shell has put in the foreground: so it can read from the terminal, Ctrl-C and Ctrl-Z reach it
without us, and nothing may be sent to the group, where the other commands of a pipeline are.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from mock_heidi.state.clock import precise

_NOT_FOUND, _NOT_RUNNABLE = 127, 126
_SIGNALLED = 128
_SET_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of <linux/prctl.h>
_PAUSE = 0.02
# Windows has no SIGKILL and ends a process by SIGTERM.
_KILL = getattr(signal, "SIGKILL", signal.SIGTERM)


class NotStartedError(Exception):
    """The command cannot be run; ``status`` is what a shell would exit with."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class Ended(NamedTuple):
    """The end of a command: its status, or 128 plus the number of the signal that ended it, as in a shell."""

    status: int
    interrupted: bool
    """True if somebody pressed Ctrl-C at the terminal meanwhile."""


def run(command: Sequence[str], environment: Mapping[str, str], grace: float, started: Callable[[], object]) -> Ended:
    """Run a command to its end, with ``started`` called once it runs.

    SIGTERM, SIGINT and SIGHUP are handed on to it. After SIGTERM or SIGINT it has ``grace`` seconds; then, or at the
    second of these signals, it is killed. :class:`NotStartedError` where there is no such command.
    """
    with _caught(_Signals(grace)) as signals:
        child = _Child(command, environment)
        try:
            signals.go_to(child)
            started()
            child.wait()
        except BaseException:
            child.send(_KILL)
            raise
        finally:
            status = child.end(grace)
    return Ended(_SIGNALLED - status if status < 0 else status, signals.interrupted)


class _Child:
    """The command's process and what it has started."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self.apart = hasattr(os, "killpg") and not is_at_terminal()
        try:
            # No thread runs yet, or what the child does between its fork and the command would not be safe.
            self._process = subprocess.Popen(  # noqa: S603 - what the user asked for
                command,
                env=environment,
                start_new_session=self.apart,
                preexec_fn=_end_with_parent(),  # noqa: PLW1509 - see above
            )
        except FileNotFoundError:
            raise NotStartedError(f"there is no command {command[0]!r}", _NOT_FOUND) from None
        except OSError as error:
            raise NotStartedError(f"cannot run {command[0]!r}: {error.strerror}", _NOT_RUNNABLE) from None
        self._pid = self._process.pid

    def send(self, number: int) -> None:
        """Send a signal to the command and to all that it has started; those that have ended are passed over."""
        if self.apart:
            _send(os.killpg, self._pid, number)
        elif self._process.returncode is None:  # or its id may be somebody else's
            for pid in [self._pid, *_descendants(self._pid)]:
                _send(os.kill, pid, number)

    def wait(self) -> None:
        """Wait until the command has ended; its process id, and so its group's, is kept until :meth:`end`."""
        if hasattr(os, "waitid"):
            os.waitid(os.P_PID, self._pid, os.WEXITED | os.WNOWAIT)
        else:  # macOS
            self._process.wait()

    def end(self, grace: float) -> int:
        """End what the command has left in its group, by force after ``grace`` seconds; the command's return code."""
        if self.apart:
            self.send(signal.SIGTERM)
        status = self._process.wait()
        deadline = precise() + grace
        while self.apart and _is_there(self._pid):
            if precise() >= deadline:
                self.send(_KILL)
                break
            threading.Event().wait(_PAUSE)
        return status


def _send(kill: Callable[[int, int], None], target: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        kill(target, number)


class _Signals:
    """Hands signals on to a child, those too that came before there was one."""

    def __init__(self, grace: float) -> None:
        self.interrupted = False
        self._grace = grace
        self._child: _Child | None = None
        self._early: list[int] = []
        self._ending = False
        self._timer: threading.Timer | None = None

    def come(self, number: int, _: object) -> None:
        if self._child is None:
            self._early.append(number)
        elif number == signal.SIGINT and not self._child.apart and is_at_terminal():
            # The terminal has sent it to the command too, and to many commands twice means more than once.
            self.interrupted = True
        else:
            self._hand_on(self._child, number)

    def go_to(self, child: _Child) -> None:
        self._child = child
        while self._early:
            self._hand_on(child, self._early.pop(0))

    def _hand_on(self, child: _Child, number: int) -> None:
        if number not in (signal.SIGTERM, signal.SIGINT):
            child.send(number)  # for some commands SIGHUP means to read their configuration again
        elif self._ending or self._grace == 0:
            child.send(_KILL)
        else:
            self._ending = True
            child.send(number)
            self._timer = threading.Timer(self._grace, child.send, [_KILL])
            self._timer.start()

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer.join()


@contextlib.contextmanager
def _caught(signals: _Signals) -> Iterator[_Signals]:
    numbers = [signal.SIGINT, signal.SIGTERM]
    # Under nohup the command is to live on too.
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    before = {number: signal.signal(number, signals.come) for number in numbers}
    try:
        yield signals
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signals.close()


def is_at_terminal() -> bool:
    """True if the terminal sends its signals to this process."""
    try:
        terminal = os.open("/dev/tty", os.O_RDWR)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    finally:
        os.close(terminal)


def _end_with_parent() -> Callable[[], None] | None:
    """A function for a child before it becomes the command: ask to be killed when we are. None except on Linux."""
    if sys.platform != "linux":
        return None
    import ctypes

    prctl, parent = ctypes.CDLL(None).prctl, os.getpid()

    def ask() -> None:
        prctl(_SET_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # killed before the child could ask
            os._exit(_SIGNALLED + signal.SIGKILL)

    return ask


class _Process(NamedTuple):
    pid: int
    parent: int
    group: int
    state: str


def _processes() -> list[_Process]:
    """The processes of this machine; none where the system does not list them in ``/proc``."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # ended meanwhile
            pid, _, rest = entry.read_text(encoding="latin-1").partition(" (")
            # The name of a program may hold blanks and brackets.
            state, parent, group = rest.rpartition(")")[2].split()[:3]
            found.append(_Process(int(pid), int(parent), int(group), state))
    return found


def _descendants(pid: int) -> Iterator[int]:
    """The processes that a process has started, those that these have started, and so on."""
    processes = _processes()
    parents = [pid]
    while parents:
        parents = [process.pid for process in processes if process.parent in parents]
        yield from parents


def _is_there(group: int) -> bool:
    """True if any process of a group is running. A process that has ended but was not waited for does not count."""
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):
        return False
    listed = [process.state for process in _processes() if process.group == group]
    return not listed or any(state not in "ZX" for state in listed)
