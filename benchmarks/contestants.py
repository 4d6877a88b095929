"""The contestants: how each is started, made ready and stopped."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.loads import BASE, PROFILES, Asked, LoadError, ask

ROOT = Path(__file__).resolve().parent.parent
KEY = "benchmark-key"
_PATIENCE = 60
_JWT = "/jwt?email=test@example.com&third_party_internal_id=1"


class Running(NamedTuple):
    """A contestant that answers: its port, its process and the headers that it wants."""

    port: int
    process: int
    headers: Mapping[str, str]

    def ask(self, asked: Asked) -> Any:
        """The JSON of one answer."""
        return ask(self.port, asked, self.headers)

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """The JSON of one answer of mock_heidi's control API."""
        return ask(self.port, Asked(method, path, body), {}, "/_mock")


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def command(name: str, port: int, folder: Path, options: Sequence[str] = ()) -> list[str]:
    """The command that starts a contestant. ``folder`` is for its files."""
    if name == "mock_heidi":
        return [script("mock-heidi"), "--port", str(port), "--quiet", "--api-key", KEY, *options]
    if name == "json_server":
        (folder / "db.json").write_text(json.dumps({PROFILES[1:]: []}))
        (folder / "routes.json").write_text(json.dumps({f"{BASE}/*": "/$1"}))
        files = ("--routes", str(folder / "routes.json"), str(folder / "db.json"))
        return [str(json_server()), "--quiet", "--host", "127.0.0.1", "--port", str(port), *files]
    return [sys.executable, "-m", f"benchmarks.apps.{name}", "--port", str(port), *options]


def script(name: str) -> str:
    """The path of a command beside this Python, or its name where it is not there."""
    beside = Path(sys.executable).with_name(name)
    return str(beside) if beside.exists() else name


def json_server() -> Path | None:
    """json-server, where it is installed: beside this file by npm, or anywhere on the path."""
    beside = Path(__file__).with_name("node_modules") / ".bin" / "json-server"
    found = str(beside) if beside.exists() else shutil.which("json-server")
    return None if found is None else Path(found)


@contextmanager
def spawned(name: str, port: int, core: int, options: Sequence[str] = ()) -> Iterator[subprocess.Popen[bytes]]:
    """A contestant's process on its core, ended at the end."""
    with tempfile.TemporaryDirectory(prefix="mock-heidi-benchmarks-") as folder:
        process = subprocess.Popen(
            command(name, port, Path(folder), options),
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            preexec_fn=lambda: os.sched_setaffinity(0, {core}),  # noqa: PLW1509 - no thread runs here
        )
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stderr is not None:
                process.stderr.close()


@contextmanager
def running(name: str, core: int, options: Sequence[str] = ()) -> Iterator[Running]:
    """A contestant that answers, signed in where it wants that."""
    port = free_port()
    with spawned(name, port, core, options) as process:
        await_answer(process, port, name)
        yield Running(port, process.pid, _headers(name, port))


def await_answer(process: subprocess.Popen[bytes], port: int, name: str) -> None:
    """Wait until ``GET /jwt`` is answered, whatever the answer; :class:`LoadError` where that never is."""
    asked = (
        f"GET {BASE}{_JWT} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nHeidi-Api-Key: {KEY}\r\n"
        "Accept: */*\r\nConnection: close\r\n\r\n"
    ).encode()
    ends = time.perf_counter() + _PATIENCE
    while time.perf_counter() < ends:
        if process.poll() is not None:
            said = process.stderr.read().decode(errors="replace") if process.stderr else ""
            raise LoadError(f"{name} ended: {said.strip()[-400:]}")
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE) as connection:
                connection.sendall(asked)
                if connection.recv(1024):
                    return
        except OSError:
            time.sleep(0.0005)  # nobody listens yet, and nothing tells when somebody does
    raise LoadError(f"{name} did not answer within {_PATIENCE} seconds")


def _headers(name: str, port: int) -> dict[str, str]:
    """The same headers for all, as long for one that looks at them as for one that does not."""
    token = "x" * 300
    if name in ("mock_heidi", "unjournaled", "long_journal"):
        token = ask(port, Asked("GET", _JWT), {"Heidi-Api-Key": KEY})["token"]
    return {
        "Authorization": f"Bearer {token}",
        "Accept": "application/json",
        "Accept-Encoding": "gzip, deflate",
        "User-Agent": "benchmark/1.0",
        "Content-Type": "application/json",
    }
