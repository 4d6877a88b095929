"""The server: its addresses, its end, and clients that cannot delay it or bring it down."""

import asyncio
import contextlib
import errno
import http.client
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from running import HAS_IPV6, MODULE, Running, address, in_a_thread, received, serving, spawn, until
from starlette.types import Receive, Scope, Send

from mock_heidi.base.settings import BASE_PATH, ConfigError
from mock_heidi.serving import server
from mock_heidi.serving.server import Server, bind, url_of

SESSIONS = f"{BASE_PATH}/sessions"
# A server without its fast loop and parser, which prints at its end which of them it used.
PLAIN = """
import atexit, sys
sys.modules["uvloop"] = sys.modules["httptools"] = None
from mock_heidi.cli.main import main
atexit.register(lambda: print("used", *(name for name in ("h11", "httptools", "uvloop") if sys.modules.get(name))))
main()
"""


needs_ipv6 = pytest.mark.skipif(not HAS_IPV6, reason="this machine has no IPv6")

COMMANDS = {"fast": MODULE, "plain": (sys.executable, "-c", PLAIN)}


@pytest.fixture(scope="module", params=COMMANDS)
def heidi(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A real process that many tests share, with uvloop and httptools and without them."""
    with serving(tmp_path_factory.mktemp("server"), command=COMMANDS[request.param]) as running:
        yield running


@pytest.fixture(params=COMMANDS)
def mortal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Running]:
    """The same for one test that ends it."""
    with serving(tmp_path, command=COMMANDS[request.param]) as running:
        yield running


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="this machine has no masks of signals")
def test_a_thread_that_serves_takes_no_signal_from_the_main_one() -> None:
    blocked: set[int] = set()

    async def app(_: Scope, __: Receive, send: Send) -> None:
        blocked.update(signal.pthread_sigmask(signal.SIG_BLOCK, []))
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    with (
        in_a_thread(app) as serves,
        contextlib.closing(http.client.HTTPConnection(serves.url.removeprefix("http://"))) as client,
    ):
        client.request("GET", "/")
        client.getresponse().read()

    assert {signal.SIGINT, signal.SIGTERM, signal.SIGHUP} <= blocked


def connect(heidi: Running, text: str) -> socket.socket:
    """A connection on which ``text`` was sent with the line ends of HTTP."""
    peer = socket.create_connection((heidi.host, heidi.port), timeout=60)
    peer.sendall(text.replace("\n", "\r\n").encode())
    return peer


def half_a_body(heidi: Running) -> socket.socket:
    """A connection whose request has begun and was read as far as it was sent."""
    _, _, answer = heidi.sign_in()
    peer = connect(
        heidi,
        f"POST {SESSIONS} HTTP/1.1\nHost: localhost\nAuthorization: Bearer {answer['token']}\n"
        'Content-Length: 100\n\n{"ehr_app',
    )
    until(lambda: [row for row in journal(heidi) if row["path"] == SESSIONS and not row["client_left"]], "the request")
    return peer


def journal(heidi: Running) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = heidi.ask("GET", "/_mock/requests")[2]["requests"]
    return rows


# --- Its addresses ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", pytest.param("::1", marks=needs_ipv6)])
def test_localhost_is_served_over_both_families(heidi: Running, host: str) -> None:
    status, _, answer = heidi.sign_in(host=host)

    assert status == 200
    assert answer["token"]


def test_a_free_port_is_the_same_in_both_families() -> None:
    listeners = bind("127.0.0.1", 0)
    ports = {listener.getsockname()[1] for listener in listeners}
    for listener in listeners:
        listener.close()

    assert len(ports) == 1
    assert [listener.family for listener in listeners] in (
        [socket.AF_INET, socket.AF_INET6],
        [socket.AF_INET],  # a machine without IPv6
    )


def test_a_machine_without_ipv6_is_served_over_ipv4(monkeypatch: pytest.MonkeyPatch) -> None:
    really = socket.socket.bind

    def without_ipv6(self: socket.socket, address: tuple[str, int]) -> None:
        if self.family == socket.AF_INET6:
            raise OSError(errno.EADDRNOTAVAIL, "Cannot assign requested address")
        really(self, address)

    monkeypatch.setattr(socket.socket, "bind", without_ipv6, raising=False)
    (listener,) = bind("127.0.0.1", 0)
    listener.close()

    assert listener.family == socket.AF_INET


def test_a_port_that_is_free_in_one_family_only_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []

    def second(port: int) -> list[socket.socket]:
        tried.append(port)
        if len(tried) < 3:
            raise ConfigError("in use")
        return []

    monkeypatch.setattr(server, "_second", second)
    (listener,) = bind("127.0.0.1", 0)
    port = listener.getsockname()[1]
    listener.close()

    assert len(tried) == 3
    assert port == tried[-1]


@pytest.mark.parametrize("port", [0, 4343])
def test_an_error_says_that_no_port_is_free(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    def taken(self: socket.socket, address: tuple[str, int]) -> None:
        raise OSError(errno.EADDRINUSE, f"{self} and {address} do not matter")

    def second(_: int) -> list[socket.socket]:
        raise ConfigError("port 4343 on ::1 is in use; choose another with --port, or 0 for a free one")

    if port:
        monkeypatch.setattr(socket.socket, "bind", taken, raising=False)
    else:
        monkeypatch.setattr(server, "_second", second)

    with pytest.raises(ConfigError, match="--port"):
        bind("127.0.0.1", port)


def test_a_port_of_the_system_is_refused_with_the_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(self: socket.socket, address: tuple[str, int]) -> None:
        raise PermissionError(errno.EACCES, f"{self} and {address} do not matter")

    monkeypatch.setattr(socket.socket, "bind", forbidden, raising=False)

    with pytest.raises(ConfigError, match=r"you are not allowed to use port 80 on 127\.0\.0\.1; choose one above 1023"):
        bind("127.0.0.1", 80)


@pytest.mark.parametrize("port", [-1, 65_536, 70_000])
def test_an_impossible_port_is_refused(port: int) -> None:
    # The system would cut it to 16 bits and listen somewhere else.
    with pytest.raises(ConfigError, match=f"there is no port {port}"):
        bind("127.0.0.1", port)


def test_the_address_of_all_interfaces_is_shown_as_one_that_can_be_called() -> None:
    with socket.create_server(("0.0.0.0", 0)) as listener:  # noqa: S104 - the subject of the test
        assert url_of(listener) == f"http://127.0.0.1:{listener.getsockname()[1]}"


# --- Its end ----------------------------------------------------------------------------------------------------------


@pytest.mark.timeout(20)  # stock uvicorn waits without end
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_server_with_clients_at_once(mortal: Running, number: signal.Signals) -> None:
    idle = http.client.HTTPConnection(mortal.host, mortal.port)
    idle.request("GET", f"{BASE_PATH}/jwt")
    idle.getresponse().read()

    with contextlib.closing(idle), connect(mortal, "GET /") as half_a_line, half_a_body(mortal) as half:
        status = mortal.end(number)

        assert status == 0
        assert received(half) == b""
        assert received(half_a_line) == b""
        assert idle.sock.recv(1) == b""
        assert mortal.errors() == ""
        with socket.create_server((mortal.host, mortal.port)):
            pass  # the port is free again


def test_a_signal_ends_an_idle_server(mortal: Running) -> None:
    assert mortal.end() == 0
    assert mortal.errors() == ""


def test_a_server_works_without_the_c_extensions(tmp_path: Path) -> None:
    with serving(tmp_path, command=(sys.executable, "-c", PLAIN)) as heidi:
        status, _, _ = heidi.sign_in()

        assert status == 200
        assert heidi.end() == 0
        assert heidi.output().splitlines()[-1] == "used h11"


async def _endless(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    while True:
        await send({"type": "http.response.body", "body": b"more", "more_body": True})
        await asyncio.sleep(0.01)


@pytest.mark.timeout(20)  # as above
def test_an_endless_stream_does_not_delay_the_end(caplog: pytest.LogCaptureFixture) -> None:
    with in_a_thread(_endless) as endless, socket.create_connection(endless.sockets[0].getsockname()[:2]) as peer:
        peer.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        peer.recv(1)
        endless.stop()
        received(peer)

    assert caplog.records == []


def test_another_thread_can_run_a_function_in_the_event_loop() -> None:
    with in_a_thread(_endless) as serves:
        loops = [serves.call(asyncio.get_running_loop) for _ in range(2)]
        with pytest.raises(ConfigError, match="not that one"):
            serves.call(_refusing)

    assert loops[0] is loops[1]
    assert serves.stopping


def _refusing() -> None:
    raise ConfigError("not that one")


async def _given_up(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise asyncio.CancelledError


def test_a_call_that_gives_up_by_itself_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    with in_a_thread(_given_up) as broken, socket.create_connection(broken.sockets[0].getsockname()[:2]) as peer:
        peer.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answer = received(peer)

    assert answer.startswith(b"HTTP/1.1 500")
    assert [record.message for record in caplog.records] == ["Exception in ASGI application\n"]


def test_a_failed_start_frees_the_port() -> None:
    def fail() -> None:
        raise ConfigError("nobody wants to hear of it")

    listeners = bind("127.0.0.1", 0)
    address = listeners[0].getsockname()
    with pytest.raises(ConfigError, match="nobody"):
        Server(_endless, listeners, fail).run()

    with socket.create_server(address[:2]):
        assert all(listener.fileno() == -1 for listener in listeners)


# --- Its clients ------------------------------------------------------------------------------------------------------


def test_an_unread_pipe_delays_no_request(tmp_path: Path) -> None:
    url_file = tmp_path / "heidi.url"
    with spawn("--port", "0", "--url-file", str(url_file)) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            peer = http.client.HTTPConnection(address(url_file).split("/")[2], timeout=60)
            statuses = set()
            # A line each: far more than the 64 KiB that a pipe holds.
            for _ in range(3_000):
                peer.request("GET", f"{BASE_PATH}/jwt")
                response = peer.getresponse()
                statuses.add(response.status)
                response.read()
            peer.close()
            process.terminate()
            status = process.wait(timeout=60)
            unread, errors = process.stdout.read(), process.stderr.read()
        finally:
            process.kill()

        assert statuses == {401}
        assert status == 0
        assert len(unread) > 60_000
        assert errors == b""


def test_a_websocket_is_answered_like_any_other_request(heidi: Running) -> None:
    with connect(
        heidi,
        f"GET {BASE_PATH}/jwt HTTP/1.1\nHost: localhost\nConnection: Upgrade\nUpgrade: websocket\n"
        "Sec-WebSocket-Version: 13\nSec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\n\n",
    ) as peer:
        status_line = peer.recv(65_536).partition(b"\r\n")[0]

    assert status_line.startswith(b"HTTP/1.1 4")
    assert heidi.sign_in()[0] == 200
    assert "Traceback" not in heidi.errors()


@pytest.mark.parametrize(
    "garbage",
    [
        "\x16\x03\x01\x02\x00\x01\x00",
        "GET / HTTP/9.9\n\n",
        "GET\n\n\n\n",
        f"GET /{'x' * 200_000} HTTP/1.1\n\n",
        "\x00" * 99,
    ],
    ids=["tls", "version", "words", "long", "zeros"],
)
def test_garbage_is_refused_and_harms_no_other_client(heidi: Running, garbage: str) -> None:
    answer = b""
    # The server may close the connection while the request is still being sent.
    with connect(heidi, "") as peer, contextlib.suppress(OSError):
        peer.sendall(garbage.replace("\n", "\r\n").encode())
        peer.shutdown(socket.SHUT_WR)
        answer = received(peer)

    assert answer == b"" or answer.startswith((b"HTTP/1.1 4", b"HTTP/1.1 3"))
    assert heidi.sign_in()[0] == 200
    assert "Traceback" not in heidi.errors()


def test_a_client_that_leaves_in_its_body_is_noted_and_changes_nothing(heidi: Running) -> None:
    before = heidi.ask("GET", "/_mock/state")[2]["sessions"]
    half_a_body(heidi).close()

    (row,) = until(lambda: [row for row in journal(heidi) if row["client_left"]], "the note")
    assert (row["operation"], row["status"]) == ("create_session", None)
    assert heidi.ask("GET", "/_mock/state")[2]["sessions"] == before
    assert "Traceback" not in heidi.errors()
