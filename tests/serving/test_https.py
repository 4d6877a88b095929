"""http and https on one port: the first byte tells, whichever loop and parser serve; and clients that misbehave."""

import asyncio
import contextlib
import json
import logging
import re
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from shutil import which
from typing import Any

import pytest
from running import in_a_thread, received, until
from secure import TlsSocket, context, needs_tls, remove_extra
from starlette.types import Receive, Scope, Send

from mock_heidi import Handle, create_app
from mock_heidi.base.memory import MemoryBudget
from mock_heidi.base.settings import BASE_PATH
from mock_heidi.serving import accelerators, certificate_files, preamble
from mock_heidi.serving.heads import Limits
from mock_heidi.serving.https import Https
from mock_heidi.serving.server import Server
from mock_heidi.state.clock import Clock

certificates = pytest.importorskip("mock_heidi.serving.certificates", reason="the extra tls is not installed")

MEGABYTE = 1024 * 1024
HOUR = 3_600_000
YEAR = 365 * 24 * HOUR
PARTS = {"both": ("uvloop", "httptools"), "uvloop": ("uvloop",), "httptools": ("httptools",), "neither": ()}
HEALTH = b"GET /_mock/health HTTP/1.1\r\nHost: localhost\r\n\r\n"

Serve = Callable[..., contextlib.AbstractContextManager[Server]]

pytestmark = needs_tls


@pytest.fixture(params=PARTS)
def serve(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> Iterator[Serve]:
    """Serves any application with each loop and parser. Afterwards the log is empty, unless the test has emptied it."""
    parts, really = PARTS[request.param], accelerators.is_installed
    monkeypatch.setattr(accelerators, "is_installed", lambda module: module in parts and really(module))
    yield in_a_thread
    assert said(caplog) == []


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The warnings and errors of the log."""
    return [
        record.getMessage()
        for when in ("setup", "call", "teardown")
        for record in caplog.get_records(when)
        if record.levelno >= logging.WARNING
    ]


def raw(server: Server) -> socket.socket:
    return socket.create_connection(server.sockets[0].getsockname()[:2], timeout=60)


def secure(server: Server) -> TlsSocket:
    return TlsSocket(raw(server), trusted())


def trusted() -> ssl.SSLContext:
    return context(str(certificate_files.current().ca))


class Hello:
    """A handshake as its client sees it, a step at a time."""

    def __init__(self) -> None:
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = trusted().wrap_bio(self.incoming, self.outgoing, server_hostname="localhost")
        with contextlib.suppress(ssl.SSLWantReadError):
            self.tls.do_handshake()
        self.first = self.outgoing.read()
        """The first bytes of the client."""

    def finish(self, peer: socket.socket) -> None:
        """Read the server's part of the handshake. The client's last part is not sent."""
        while not self.outgoing.pending:
            self.incoming.write(peer.recv(65_536))
            with contextlib.suppress(ssl.SSLWantReadError):
                self.tls.do_handshake()


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the scheme and the number of bytes of the body."""
    size, more = 0, True
    while more:
        message = await receive()
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    body = json.dumps({"scheme": scope["scheme"], "size": size}).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


# --- One port ---------------------------------------------------------------------------------------------------------


def test_one_port_serves_both_and_urls_follow_the_scheme(serve: Serve) -> None:
    with serve(create_app()) as server, raw(server) as plain, secure(server) as over_tls:
        for peer in (plain, over_tls, plain, over_tls):
            peer.sendall(HEALTH)
        found = [re.findall(rb'"base_url":"(\w+)://', peer.recv(65_536)) for peer in (plain, over_tls)]

    assert found[0][:1] == [b"http"]
    assert found[1][:1] == [b"https"]


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_bytes_may_come_one_by_one(serve: Serve, scheme: str) -> None:
    with serve(echo) as server, raw(server) as peer:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        hello = Hello()
        for byte in hello.first if scheme == "https" else HEALTH:
            peer.sendall(bytes([byte]))
        if scheme == "https":
            hello.finish(peer)
            hello.tls.write(HEALTH)
            for byte in hello.outgoing.read():
                peer.sendall(bytes([byte]))
        answer = peer.recv(65_536)
        if scheme == "https":
            hello.incoming.write(answer)
            answer = hello.tls.read(65_536)

    assert json.loads(answer.partition(b"\r\n\r\n")[2])["scheme"] == scheme


def test_a_request_may_come_with_the_end_of_the_handshake(serve: Serve) -> None:
    with serve(echo) as server, raw(server) as peer:
        hello = Hello()
        peer.sendall(hello.first)
        hello.finish(peer)
        hello.tls.write(HEALTH)
        peer.sendall(hello.outgoing.read())
        hello.incoming.write(peer.recv(65_536))

        assert hello.tls.read(65_536).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_both_versions_of_tls_are_spoken(serve: Serve, version: ssl.TLSVersion) -> None:
    old = ssl.create_default_context(cafile=certificate_files.current().ca)
    old.minimum_version = old.maximum_version = version

    with serve(echo) as server, TlsSocket(raw(server), old) as peer:
        peer.sendall(HEALTH)

        assert peer.recv(65_536).startswith(b"HTTP/1.1 200")
        assert peer.tls.selected_alpn_protocol() is None


def test_a_client_that_prefers_http_2_is_served_http_1_1(serve: Serve) -> None:
    modern = ssl.create_default_context(cafile=certificate_files.current().ca)
    modern.set_alpn_protocols(["h2", "http/1.1"])

    with serve(echo) as server, TlsSocket(raw(server), modern) as peer:
        assert peer.tls.selected_alpn_protocol() == "http/1.1"


def test_a_large_body_arrives_whole(serve: Serve) -> None:
    size = 3 * MEGABYTE
    with serve(echo) as server, secure(server) as peer:
        peer.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size)

        assert peer.recv(65_536).endswith(b'{"scheme": "https", "size": %d}' % size)


def test_many_requests_in_one_write_are_all_answered(serve: Serve) -> None:
    many = 3_000  # more than wait at once, so that reading pauses
    with serve(echo) as server, secure(server) as peer:
        peer.sendall(HEALTH * (many - 1) + HEALTH.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))

        assert received(peer).count(b"HTTP/1.1 200") == many


def test_nothing_is_sent_after_the_handshake(serve: Serve) -> None:
    with serve(create_app()) as server, Handle(server.url) as heidi, secure(server) as peer:
        heidi.control("GET", "/health")  # what the server would send comes before this answer
        peer.raw.setblocking(False)

        with pytest.raises(BlockingIOError):
            peer.raw.recv(1)


class Tunnel(asyncio.Protocol):
    """Reads a head, answers it, and hands the connection to TLS with the bytes that came behind the head."""

    def __init__(self, https: Https) -> None:
        self._https = https

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(b"go on")
        self._https.take(self.transport, Shout, set(), data.partition(b"\r\n\r\n")[2])


class Shout(asyncio.Protocol):
    """Answers in upper case."""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(data.upper())


@pytest.mark.parametrize("at_once", [True, False], ids=["with bytes of TLS", "without"])
def test_a_connection_can_be_handed_to_tls_behind_a_head(at_once: bool) -> None:
    async def run() -> bytes:
        https = Https((), Limits(), MemoryBudget(MEGABYTE))
        server = await asyncio.get_running_loop().create_server(partial(Tunnel, https), "127.0.0.1", 0)
        async with server:
            return await asyncio.to_thread(shouted, server.sockets[0].getsockname())

    def shouted(address: tuple[str, int]) -> bytes:
        hello = Hello()
        with socket.create_connection(address) as peer:
            peer.sendall(b"CONNECT\r\n\r\n" + (hello.first if at_once else b""))
            assert peer.recv(5) == b"go on"
            peer.sendall(b"" if at_once else hello.first)
            hello.finish(peer)
            hello.tls.write(b"hello")
            peer.sendall(hello.outgoing.read())
            hello.incoming.write(peer.recv(65_536))
        return hello.tls.read(65_536)

    assert asyncio.run(run()) == b"HELLO"


# --- Another certificate ----------------------------------------------------------------------------------------------


def certificate_now(server: Server) -> bytes:
    """The certificate that a new connection gets."""
    any_time = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    any_time.check_hostname, any_time.verify_mode = False, ssl.CERT_NONE
    with TlsSocket(raw(server), any_time) as peer:
        return peer.tls.getpeercert(binary_form=True) or b""


def test_a_server_takes_another_certificate_before_its_own_runs_out(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    monkeypatch.setenv("MOCK_HEIDI_DATA", str(tmp_path))
    now = Clock().now()
    with serve(echo) as server, secure(server) as earlier:
        first = certificate_now(server)
        monkeypatch.setattr(certificates, "Clock", lambda: Clock(now + YEAR - 2 * HOUR))
        certificate_files.current()  # as another server or command does on the last day
        in_time = certificate_now(server)
        monkeypatch.setattr(certificates, "Clock", lambda: Clock(now + YEAR - HOUR // 2))
        renewed = certificate_now(server)
        again = certificate_now(server)
        earlier.sendall(HEALTH)

        assert earlier.recv(65_536).startswith(b"HTTP/1.1 200")
    assert in_time == first != renewed == again
    ca = certificate_files.current().ca
    assert said(caplog) == [
        f"https: made new certificates, since they have run out; tell clients of {ca} again",
        f"https: the certificate runs out; clients that connect from now on need {ca}",
    ]
    caplog.clear()


def test_a_server_that_cannot_make_another_certificate_keeps_its_own(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    now = Clock().now()
    with serve(echo) as server:
        first = certificate_now(server)
        monkeypatch.setattr(certificates, "Clock", lambda: Clock(now + YEAR))
        monkeypatch.setenv("MOCK_HEIDI_DATA", "/dev/null/heidi")

        assert certificate_now(server) == certificate_now(server) == first
    assert [line.partition(": ")[0] for line in said(caplog)] == ["cannot renew the certificate of https"]
    caplog.clear()


# --- Ends -------------------------------------------------------------------------------------------------------------


def test_a_close_first_says_the_end_of_tls(serve: Serve) -> None:
    with serve(create_app()) as server, secure(server) as peer:
        peer.sendall(
            f"GET {BASE_PATH}/jwt HTTP/1.1\r\nHost: localhost\r\nHeidi-Api-Key: mock-heidi-key\r\n"
            "X-Mock-Fault: close\r\n\r\n".encode()
        )

        assert received(peer) == b""
        assert peer.said_end


@pytest.mark.parametrize("in_time", [True, False], ids=["too large", "too slow"])
def test_the_refusal_of_a_head_arrives_whole(serve: Serve, caplog: pytest.LogCaptureFixture, in_time: bool) -> None:
    limits = Limits() if in_time else Limits(head_seconds=0.5)
    with serve(echo, limits=limits) as server, secure(server) as peer:
        with contextlib.suppress(ConnectionError):
            peer.sendall(b"GET / HTTP/1.1\r\n" + (b"X-Filler: " + b"x" * 100 + b"\r\n") * (2_000 if in_time else 1))
        answer = received(peer)

    assert answer.startswith(b"HTTP/1.1 431 " if in_time else b"HTTP/1.1 408 ")
    assert b'{"detail":"The head of the request' in answer
    assert peer.said_end
    assert said(caplog)[0].startswith("refused a request: ")
    caplog.clear()


def test_a_client_that_says_the_end_of_tls_has_left(serve: Serve) -> None:
    with serve(echo) as server, secure(server) as peer:
        until(lambda: server.server_state.connections, "the connection")
        with contextlib.suppress(ssl.SSLWantReadError):
            peer.tls.unwrap()
        peer.raw.sendall(peer.outgoing.read())

        received(peer.raw)
        until(lambda: not server.server_state.connections, "its end")


def test_the_server_ends_with_connections_in_every_state(serve: Serve) -> None:
    with serve(echo) as server, contextlib.ExitStack() as peers:
        silent, half, idle = raw(server), raw(server), secure(server)
        for peer in (silent, half, idle):
            peers.enter_context(peer)
        half.sendall(Hello().first[:100])
        until(lambda: len(server.server_state.connections) == 3, "the connections")
        server.stop()

        assert [received(peer) for peer in (silent, half, idle)] == [b""] * 3


def test_what_a_client_does_not_read_counts_as_unsent(serve: Serve) -> None:
    backlogs = []

    async def much(scope: Scope, _: Receive, send: Send) -> None:
        connection = scope["extensions"]["mock_heidi.serving.connection"]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while not connection.backlog:
            await send({"type": "http.response.body", "body": b"x" * 60_000, "more_body": True})
        backlogs.append(connection.backlog)
        await connection.abort()

    with serve(much) as server, secure(server) as peer:
        peer.sendall(HEALTH)
        until(lambda: backlogs, "the backlog")


# --- Silence ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sent", [b"", preamble.write("blue"), preamble.write("blue")[:5]])
def test_a_connection_that_sends_no_request_is_closed(serve: Serve, sent: bytes) -> None:
    with serve(echo, limits=Limits(idle_seconds=0.05)) as server, raw(server) as peer:
        peer.sendall(sent)

        assert received(peer) == b""
        until(lambda: not server.server_state.connections, "its end")


def test_a_connection_that_sends_no_request_after_the_handshake_is_closed(serve: Serve) -> None:
    with serve(echo, limits=Limits(idle_seconds=0.05)) as server, secure(server) as peer:
        assert received(peer) == b""
        assert peer.said_end
        until(lambda: not server.server_state.connections, "its end")


# --- Clients that misbehave -------------------------------------------------------------------------------------------


def test_a_handshake_that_does_not_end_is_ended(serve: Serve) -> None:
    memory = MemoryBudget(MEGABYTE)
    with serve(echo, limits=Limits(head_seconds=0.05), memory=memory) as server, raw(server) as peer:
        peer.sendall(Hello().first[:-1])

        assert received(peer) == b""
        until(lambda: not server.server_state.connections, "its end")
        assert memory.used == 0


def test_unfinished_handshakes_count_as_memory(serve: Serve) -> None:
    memory = MemoryBudget(100_000)
    with serve(echo, memory=memory) as server, raw(server) as first, raw(server) as second:
        first.sendall(Hello().first)
        until(partial(_holds, memory), "the first handshake")
        second.sendall(Hello().first[:100])

        assert received(second) == b""
        first.close()
        until(lambda: memory.used == 0, "the end of the first handshake")


def _holds(memory: MemoryBudget) -> bool:
    return memory.used > 60_000


def test_an_endless_handshake_is_ended(serve: Serve) -> None:
    # Records of a hello that announces 100,000 bytes.
    record = b"\x16\x03\x01\x40\x00"
    hello = record + b"\x01\x01\x86\xa0\x03\x03" + bytes(16_378) + (record + bytes(16_384)) * 20
    with serve(echo) as server, raw(server) as peer:
        with contextlib.suppress(ConnectionError):
            peer.sendall(hello)
        received(peer)
        until(lambda: not server.server_state.connections, "its end")


@pytest.mark.parametrize("garbage", [b"\x16", b"\x16GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x00\x05hello"])
def test_garbage_that_begins_like_tls_ends_quietly(serve: Serve, garbage: bytes) -> None:
    with serve(echo) as server, raw(server) as peer:
        peer.sendall(garbage)
        peer.shutdown(socket.SHUT_WR)
        received(peer)
        until(lambda: not server.server_state.connections, "its end")


@pytest.mark.skipif(which("openssl") is None, reason="there is no openssl here")
def test_a_client_cannot_renegotiate(serve: Serve) -> None:
    with serve(echo) as server:
        asks = ["openssl", "s_client", "-tls1_2", "-connect", server.url.removeprefix("http://")]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        with subprocess.Popen(asks, **pipes) as client:  # type: ignore[call-overload] # noqa: S603 - the same for all
            assert client.stdin is not None
            assert client.stdout is not None
            client.stdin.write(b"R\n")  # it waits for the end of the handshake
            client.stdin.flush()
            next(line for line in client.stdout if line == b"RENEGOTIATING\n")
            answer = client.stdout.readline()
            client.kill()

        assert b"no renegotiation" in answer


@pytest.mark.parametrize("garbage", [HEALTH, b"\x17\x03\x03\x00\x20" + bytes(32), b"\x16\x03\x03\x00\x05hello"])
def test_garbage_after_the_handshake_ends_the_connection_quietly(serve: Serve, garbage: bytes) -> None:
    with serve(echo) as server, secure(server) as peer:
        peer.sendall(HEALTH)
        answer = peer.recv(65_536)
        peer.raw.sendall(garbage)
        with contextlib.suppress(ssl.SSLError, ConnectionError):  # an alert
            while peer.recv(65_536):
                pass
        until(lambda: not server.server_state.connections, "its end")

    assert answer.startswith(b"HTTP/1.1 200")


def test_a_client_that_leaves_in_the_handshake_is_forgotten(serve: Serve) -> None:
    with serve(echo) as server:
        with raw(server) as peer:
            peer.sendall(Hello().first)
            peer.recv(1)
        until(lambda: not server.server_state.connections, "its end")


def test_the_log_tells_of_a_client_that_does_not_trust_the_certificate(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    with serve(echo) as server, raw(server) as peer, pytest.raises(ssl.SSLCertVerificationError):
        TlsSocket(peer, ssl.create_default_context())

    assert said(caplog) == ["an https client does not accept the certificate; see mock-heidi ca --help"]
    caplog.clear()


# --- A server that cannot speak TLS -----------------------------------------------------------------------------------


@pytest.fixture(params=["no extra", "no folder"])
def unable(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The reason why a server has no certificate, as the log says it."""
    if request.param == "no extra":
        remove_extra(monkeypatch)
        problem = "https needs the package cryptography, which is not installed"
        return f"{problem}; install mock-heidi with its extra tls"
    monkeypatch.setenv("MOCK_HEIDI_DATA", "/dev/null/heidi")
    problem = "https: cannot keep certificates in /dev/null/heidi: Not a directory"
    return f"{problem}; name another folder in MOCK_HEIDI_DATA"


def test_https_is_refused_with_one_line_and_http_goes_on(
    serve: Serve, caplog: pytest.LogCaptureFixture, unable: str
) -> None:
    client = ssl.create_default_context()
    with serve(echo) as server:
        for _ in range(2):
            with raw(server) as peer, pytest.raises(ssl.SSLError, match=r"(?i)handshake.failure"):
                TlsSocket(peer, client)
        with raw(server) as peer:
            peer.sendall(HEALTH)
            assert peer.recv(65_536).startswith(b"HTTP/1.1 200")

    assert said(caplog) == [f"refused an https client: {unable}"]
    caplog.clear()
