"""Real processes for tests: the command and its output, a separate server, and waiting for events."""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Protocol, TypeVar
from urllib.parse import urlencode, urlsplit

import pytest
from starlette.types import ASGIApp

from mock_heidi.base.settings import BASE_PATH, DEFAULT_EMAIL, DEFAULT_KEY, DEFAULT_THIRD_PARTY_ID
from mock_heidi.cli.main import main
from mock_heidi.serving.server import Server, bind

# A background job of CI ignores SIGINT, and every process started here would inherit that.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

T = TypeVar("T")

MODULE = (sys.executable, "-m", "mock_heidi")
SCRIPT = (str(Path(sys.executable).with_name("mock-heidi")),)

_PATIENCE = 60


def _has_ipv6() -> bool:
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6) as probe:
        probe.bind(("::1", 0))
        return True
    return False


HAS_IPV6 = _has_ipv6()


def environment(**variables: str) -> dict[str, str]:
    """This process's environment plus ``variables``, without variables that configure the mock or colour its output."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("MOCK_HEIDI_") and name not in ("NO_COLOR", "FORCE_COLOR")
    }
    return {**kept, **variables}


def until(happened: Callable[[], T], what: str = "it") -> T:
    """The result of ``happened`` as soon as it is true. Fails if it stays false."""
    deadline = time.monotonic() + _PATIENCE
    while not (answer := happened()):
        assert time.monotonic() < deadline, f"{what} did not happen"
        time.sleep(0.01)
    return answer


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""


def spawn(
    *args: str,
    command: Sequence[str] = MODULE,
    cwd: Path | None = None,
    stdout: int | IO[bytes] = subprocess.PIPE,
    stderr: int | IO[bytes] = subprocess.PIPE,
    env: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """The command, started in a separate process group. The caller must read its output."""
    return subprocess.Popen(  # noqa: S603 - our own command
        [*command, *args],
        env=environment(**(env or {})),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        start_new_session=True,
    )


def run(
    *args: str,
    command: Sequence[str] = MODULE,
    cwd: Path | None = None,
    stdout: int | IO[bytes] = subprocess.PIPE,
    patience: float = _PATIENCE,
    env: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """The command, run to its end. Line ends in its output become ``\\n``."""
    with spawn(*args, command=command, cwd=cwd, stdout=stdout, env=env) as process:
        try:
            out, err = process.communicate(timeout=patience)
        except BaseException:
            process.kill()
            raise
    said = [(text or b"").decode().replace("\r\n", "\n") for text in (out, err)]
    return subprocess.CompletedProcess([*command, *args], process.returncode, *said)


def address(url_file: Path, unless: Callable[[], bool] = lambda: False) -> str:
    """The base URL that a server writes into its file once it listens. Fails if ``unless`` becomes true."""
    until(lambda: _text(url_file) or unless(), "the start of the server")
    assert not unless()
    return _text(url_file).strip()


class Running:
    """A server in a separate process, with a client from the standard library."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path, base_url: str) -> None:
        self.process = process
        self.base_url = base_url
        self.url = base_url.removesuffix(BASE_PATH)
        parts = urlsplit(base_url)
        assert parts.hostname is not None
        assert parts.port is not None
        self.host, self.port = parts.hostname, parts.port
        self._folder = folder
        self.always: dict[str, str] = {}
        """Headers that every request of :meth:`ask` has."""

    def output(self) -> str:
        """The text that the server has printed so far."""
        return _text(self._folder / "stdout")

    def errors(self) -> str:
        return _text(self._folder / "stderr")

    def ask(
        self, method: str, path: str, body: Any = None, *, host: str | None = None, **headers: str
    ) -> tuple[int, dict[str, str], Any]:
        """Status, headers and JSON (or text) of an answer. ``Heidi_Api_Key="…"`` sets the header ``Heidi-Api-Key``."""
        with contextlib.closing(http.client.HTTPConnection(host or self.host, self.port, timeout=_PATIENCE)) as peer:
            sent = {} if body is None else {"Content-Type": "application/json"}
            sent |= self.always | {name.replace("_", "-"): value for name, value in headers.items()}
            peer.request(method, path, None if body is None else json.dumps(body), sent)
            response = peer.getresponse()
            answer = response.read().decode()
            found = {name.lower(): value for name, value in response.getheaders()}
            return response.status, found, json.loads(answer) if "json" in found.get("content-type", "") else answer

    def sign_in(self, key: str = DEFAULT_KEY, *, host: str | None = None) -> tuple[int, dict[str, str], Any]:
        query = urlencode({"email": DEFAULT_EMAIL, "third_party_internal_id": DEFAULT_THIRD_PARTY_ID})
        return self.ask("GET", f"{BASE_PATH}/jwt?{query}", host=host, Heidi_Api_Key=key)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send the signal and return the exit status."""
        self.process.send_signal(number)
        return self.process.wait(timeout=_PATIENCE)


@contextlib.contextmanager
def serving(folder: Path, *args: str, command: Sequence[str] = MODULE, **variables: str) -> Iterator[Running]:
    """A server on a free port, with its output in files of ``folder``. It is killed at the end."""
    url_file = folder / "heidi.url"
    left_behind = _text(url_file)
    given = {"MOCK_HEIDI_PORT": "0", "MOCK_HEIDI_URL_FILE": str(url_file), **variables}
    with (folder / "stdout").open("wb") as out, (folder / "stderr").open("wb") as err:
        process = spawn(*args, command=command, cwd=folder, stdout=out, stderr=err, env=given)
    try:
        until(lambda: _text(url_file) not in ("", left_behind) or process.poll() is not None, "the start of the server")
        assert process.poll() is None, _text(folder / "stderr")
        yield Running(process, folder, _text(url_file).strip())
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def in_a_thread(app: ASGIApp, **options: Any) -> Iterator[Server]:
    """Any application on the mock's server, in a thread."""
    listening = threading.Event()
    serves = Server(app, bind("127.0.0.1", 0), listening.set, **options)
    thread = threading.Thread(target=serves.run)
    thread.start()
    assert listening.wait(timeout=_PATIENCE)
    try:
        yield serves
    finally:
        serves.stop()
        thread.join(timeout=_PATIENCE)
        assert not thread.is_alive()


class Receiver(Protocol):
    """A socket as :func:`received` uses it."""

    def recv(self, size: int, /) -> bytes: ...


def received(peer: Receiver) -> bytes:
    """The data until the other side closes the connection."""
    pieces = []
    with contextlib.suppress(ConnectionError):
        while piece := peer.recv(65_536):
            pieces.append(piece)
    return b"".join(pieces)


def call(*args: str) -> int:
    """Run the command in this process and return its exit status."""
    with pytest.raises(SystemExit) as ended:
        main(list(args))
    return int(str(ended.value.code))
