"""A loop that hangs: the second signal ends the process whatever code runs, and the stack is logged once per block."""

import contextlib
import platform
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from running import until

pytestmark = pytest.mark.slow

# Serves an application that hangs in the way of its path, and prints its address.
HANGS = """
import os, re, sys
if sys.argv[1] == "plain":
    sys.modules["uvloop"] = sys.modules["httptools"] = None
import logging
from itertools import chain, repeat
from mock_heidi.serving.heads import Limits
from mock_heidi.serving.server import Server, bind

def python():
    while True:
        pass

def regex():
    re.match("(a+)+$", "a" * 64 + "b")

def c():
    # It prints this inside the call that never returns to Python.
    sum(chain(map(os.write, [1], [b"at /c\\n"]), repeat(1)))

def a_read_that_waits():
    os.read(0, 1)

def nothing():
    pass

async def app(scope, receive, send):
    if scope["path"] not in ("/c", "/nothing"):
        print("at", scope["path"], flush=True)
    globals()[scope["path"][1:]]()
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body"})

logging.basicConfig(level="WARNING")
limits = Limits(blocked=float(sys.argv[2]))
server = Server(app, bind("127.0.0.1", 0), lambda: print(server.url, flush=True), limits=limits)
if "noerr" in sys.argv:
    sys.stderr = None
server.run()
print("ended in order", flush=True)
"""
NEVER = "600"


class Hanging:
    """The process, its address and its output."""

    def __init__(self, process: subprocess.Popen[bytes], errors: Path) -> None:
        self.process = process
        self._errors = errors
        self.address = self.line().removeprefix("http://")

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().decode().strip()

    def errors(self) -> str:
        return self._errors.read_text(encoding="utf-8")

    def ask(self, path: str) -> socket.socket:
        host, port = self.address.split(":")
        peer = socket.create_connection((host, int(port)), timeout=60)
        peer.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        return peer

    def ended_by(self, number: signal.Signals) -> bool:
        """True if it has ended, after one more signal."""
        self.process.send_signal(number)
        return self.process.poll() is not None

    def said(self, text: str, times: int) -> bool:
        return self.errors().count(text) >= times

    def hang(self, path: str) -> None:
        """Send a request that is never answered, and wait until the process hangs."""
        self.ask(path).close()
        assert self.line() == f"at {path}"


@contextlib.contextmanager
def running(folder: Path, *arguments: str) -> Iterator[Hanging]:
    # A background job of a shell without job control inherits SIGINT as ignored, which must not matter.
    ignored = "import signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN); sys.argv[0] = ''"
    with (folder / "stderr").open("wb") as errors:
        process = subprocess.Popen(  # noqa: S603 - our own code
            [sys.executable, "-c", f"{ignored}\n{HANGS}", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
        )
    try:
        yield Hanging(process, folder / "stderr")
    finally:
        process.kill()
        process.communicate()


needs_glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc takes a handler away")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
@pytest.mark.parametrize("where", ["/python", "/regex", pytest.param("/c", marks=needs_glibc)])
@pytest.mark.parametrize("parts", ["fast", "plain"])
def test_the_second_signal_ends_a_server_that_hangs(
    tmp_path: Path, parts: str, where: str, number: signal.Signals
) -> None:
    with running(tmp_path, parts, NEVER) as server:
        server.hang(where)
        server.process.send_signal(number)
        # The system may merge two signals that come at the same time, so the second one is repeated.
        until(partial(server.ended_by, number), "the end")

        assert server.process.returncode == -number


def test_the_first_signal_lets_the_server_end_cleanly(tmp_path: Path) -> None:
    with running(tmp_path, "fast", NEVER) as server:
        server.hang("/a_read_that_waits")
        server.process.send_signal(signal.SIGTERM)
        assert server.process.stdin is not None
        server.process.stdin.write(b"x")
        server.process.stdin.flush()

        assert server.process.wait(timeout=60) == 0
        assert server.line() == "ended in order"


@pytest.mark.parametrize("parts", ["fast", "plain"])
def test_the_stack_of_a_loop_that_is_blocked_is_logged_once_for_each_block(tmp_path: Path, parts: str) -> None:
    with running(tmp_path, parts, "0.2") as server:
        for number in (1, 2):
            peer = server.ask("/a_read_that_waits")
            assert server.line() == "at /a_read_that_waits"
            until(partial(server.said, "in a_read_that_waits", number), "the stack")
            assert server.process.stdin is not None
            server.process.stdin.write(b"x")
            server.process.stdin.flush()
            assert peer.recv(100).startswith(b"HTTP/1.1 204")
            peer.close()
            until(partial(server.said, "the server was blocked for", number), "the end of it")
        server.process.terminate()
        ended = server.process.wait(timeout=60)
        said = server.errors()

    assert ended == 0
    assert said.count("in a_read_that_waits") == 2


def test_a_server_without_stderr_is_watched_too(tmp_path: Path) -> None:
    with running(tmp_path, "fast", "0.01", "noerr") as server:
        for _ in range(3):
            server.ask("/nothing").close()
        server.process.terminate()

        assert server.process.wait(timeout=60) == 0


def test_a_server_in_a_thread_leaves_the_timer_of_faulthandler_alone(tmp_path: Path) -> None:
    code = """
import faulthandler, sys, threading
armed = []
faulthandler.dump_traceback_later = lambda *_, **__: armed.append(1)
faulthandler.cancel_dump_traceback_later = lambda: armed.append(0)
from mock_heidi import MockHeidi
with MockHeidi() as heidi:
    heidi.control("GET", "/health")
sys.exit(len(armed))
"""
    assert subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=False).returncode == 0  # noqa: S603 - as above
