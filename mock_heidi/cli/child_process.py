"""Runs a command to its end, passes signals on to it, and ends everything that it has started.

Away from a terminal the command leads a new session, and signals go to its whole process group. At a terminal it stays
in our process group, which the shell has put in the foreground: the command can read from the terminal, and Ctrl-C and
Ctrl-Z reach it directly. Then we send no signal to the group, because other commands of a pipeline belong to it too.
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
    """The command cannot be run; ``status`` is the exit status that a shell would give."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class Ended(NamedTuple):
    """The end of a command: its status, or 128 plus the number of the signal that ended it, as in a shell."""

    status: int
    interrupted: bool
    """True if Ctrl-C was pressed at the terminal meanwhile."""
    stopped: bool = False
    """True if Ctrl-C or a signal has asked to end the command."""


def run(
    command: Sequence[str],
    environment: Mapping[str, str],
    grace: float,
    started: Callable[[], object],
    *,
    silent: bool = False,
) -> Ended:
    """Run a command to its end; ``started`` is called once it runs. If it is ``silent``, its output is dropped.

    SIGTERM, SIGINT and SIGHUP are passed on to it. ``grace`` seconds after SIGTERM or SIGINT, or at the second of these
    signals, it is killed. Raises :class:`NotStartedError` if the command cannot be run.
    """
    with _caught(_Signals(grace)) as signals:
        child = _Child(command, environment, silent=silent)
        try:
            signals.send_to(child)
            started()
            child.wait()
        except BaseException:
            child.send(_KILL)
            raise
        finally:
            status = child.end(grace)
    return Ended(_SIGNALLED - status if status < 0 else status, signals.interrupted, signals.stopped)


class _Child:
    """The process of the command, and the processes that it has started."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], *, silent: bool) -> None:
        self.apart = hasattr(os, "killpg") and not is_at_terminal()
        try:
            # No other thread runs yet, so it is safe to run code between the fork and the command.
            self._process = subprocess.Popen(  # noqa: S603 - what the user asked for
                command,
                env=environment,
                stdout=subprocess.DEVNULL if silent else None,
                stderr=subprocess.DEVNULL if silent else None,
                start_new_session=self.apart,
                preexec_fn=_end_with_parent(),  # noqa: PLW1509 - see above
            )
        except FileNotFoundError:
            raise NotStartedError(f"there is no command {command[0]!r}", _NOT_FOUND) from None
        except OSError as error:
            raise NotStartedError(f"cannot run {command[0]!r}: {error.strerror}", _NOT_RUNNABLE) from None
        self._pid = self._process.pid

    def send(self, number: int) -> None:
        """Send a signal to the command and to everything that it has started, if they still run."""
        if self.apart:
            _send(os.killpg, self._pid, number)
        elif self._process.returncode is None:  # afterwards another process may get its id
            for pid in [self._pid, *_descendants(self._pid)]:
                _send(os.kill, pid, number)

    def wait(self) -> None:
        """Wait until the command has ended. No other process or group gets its id before :meth:`end`."""
        if hasattr(os, "waitid"):
            os.waitid(os.P_PID, self._pid, os.WEXITED | os.WNOWAIT)
        else:  # macOS
            self._process.wait()

    def end(self, grace: float) -> int:
        """End the rest of the command's group, by force after ``grace`` seconds. Returns the command's return code."""
        if self.apart:
            self.send(signal.SIGTERM)
        status = self._process.wait()
        deadline = precise() + grace
        while self.apart and _is_running(self._pid):
            if precise() >= deadline:
                self.send(_KILL)
                break
            threading.Event().wait(_PAUSE)
        return status


def _send(kill: Callable[[int, int], None], target: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        kill(target, number)


class _Signals:
    """Passes signals on to a child, also those that came before the child started."""

    def __init__(self, grace: float) -> None:
        self.interrupted = False
        self._grace = grace
        self._child: _Child | None = None
        self._early: list[int] = []
        self._ending = False
        self._timer: threading.Timer | None = None

    @property
    def stopped(self) -> bool:
        return self.interrupted or self._ending

    def receive(self, number: int, _: object) -> None:
        if self._child is None:
            self._early.append(number)
        elif number == signal.SIGINT and not self._child.apart and is_at_terminal():
            # The terminal has sent it to the command too. Many commands end by force at the second one.
            self.interrupted = True
        else:
            self._pass_on(self._child, number)

    def send_to(self, child: _Child) -> None:
        self._child = child
        while self._early:
            self._pass_on(child, self._early.pop(0))

    def _pass_on(self, child: _Child, number: int) -> None:
        if number not in (signal.SIGTERM, signal.SIGINT):
            child.send(number)  # some commands read their configuration again at SIGHUP
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
    # Under nohup the command ignores SIGHUP too.
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    before = {number: signal.signal(number, signals.receive) for number in numbers}
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
    """A function that a child runs before the command, so that it is killed when we are. None except on Linux."""
    if sys.platform != "linux":
        return None
    import ctypes

    prctl, parent = ctypes.CDLL(None).prctl, os.getpid()

    def ask() -> None:
        prctl(_SET_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # we were killed before the child could ask
            os._exit(_SIGNALLED + signal.SIGKILL)

    return ask


class _Process(NamedTuple):
    pid: int
    parent: int
    group: int
    state: str


def _processes() -> list[_Process]:
    """The processes of this machine; an empty list if the system does not list them in ``/proc``."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # the process has ended meanwhile
            pid, _, rest = entry.read_text(encoding="latin-1").partition(" (")
            # The name of a program may hold blanks and brackets.
            state, parent, group = rest.rpartition(")")[2].split()[:3]
            found.append(_Process(int(pid), int(parent), int(group), state))
    return found


def _descendants(pid: int) -> Iterator[int]:
    """The processes that a process has started, directly or through others."""
    processes = _processes()
    parents = [pid]
    while parents:
        parents = [process.pid for process in processes if process.parent in parents]
        yield from parents


def _is_running(group: int) -> bool:
    """True if a process of a group runs. A process that has ended but was not waited for does not count."""
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):
        return False
    listed = [process.state for process in _processes() if process.group == group]
    return not listed or any(state not in "ZX" for state in listed)
