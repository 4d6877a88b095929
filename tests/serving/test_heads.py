"""Heads of requests: how large one may be and how long it may take, trailers, and clients of HTTP/1.0.

Too large is 431, too slow is 408, each ``{"detail": "…"}`` and the end of the connection, whichever parser reads.
"""

import asyncio
import contextlib
import json
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import pytest
from running import in_a_thread, received, until
from starlette.types import Receive, Scope, Send

from mock_heidi import Handle, create_app
from mock_heidi.base.memory import MemoryBudget
from mock_heidi.base.settings import BASE_PATH
from mock_heidi.serving import accelerators
from mock_heidi.serving.heads import Limits
from mock_heidi.serving.server import Server

MEGABYTE = 1024 * 1024
LINE = b"X-Filler: " + b"x" * 100 + b"\r\n"
BEGINNING = b"GET / HTTP/1.1\r\nHost: localhost\r\n"
HURRIED = Limits(head_seconds=0.2)

Serve = Callable[..., contextlib.AbstractContextManager[Server]]


@pytest.fixture(params=["httptools", "h11"])
def serve(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Serve:
    """Serves any application with one of the two parsers."""
    really = accelerators.is_installed
    missing = {"httptools"} - {request.param}
    monkeypatch.setattr(accelerators, "is_installed", lambda module: module not in missing and really(module))
    return in_a_thread


def connect(server: Server) -> socket.socket:
    return socket.create_connection(server.sockets[0].getsockname()[:2], timeout=60)


def answers(raw: bytes) -> list[tuple[int, dict[str, str], bytes]]:
    """Status, headers and body of every answer on a connection; every answer has a length."""
    found = []
    while raw:
        head, _, raw = raw.partition(b"\r\n\r\n")
        status, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        length = int(headers["content-length"])
        found.append((int(status.split()[1]), headers, raw[:length]))
        raw = raw[length:]
    return found


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the headers of the request and the length of the body, in two pieces."""
    size, more = 0, True
    while more:
        message = await receive()
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    names = [name.decode() for name, _ in scope["headers"]]
    said = json.dumps({"names": names, "size": size}).encode()
    headers = [] if scope["path"] == "/stream" else [(b"content-length", b"%d" % len(said))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": said[:5], "more_body": True})
    await send({"type": "http.response.body", "body": said[5:]})


def refused(raw: bytes) -> tuple[int, str]:
    """Status and detail of the only answer, which also announces the end of the connection."""
    [(status, headers, body)] = answers(raw)
    assert headers["content-type"] == "application/json"
    assert headers["connection"] == "close"
    return status, json.loads(body)["detail"]


# --- Size -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [1_000, 50_000, 10 * MEGABYTE], ids=["little by little", "in two", "at once"])
def test_a_head_that_is_too_large_is_refused(serve: Serve, step: int) -> None:
    with serve(echo) as server, connect(server) as peer:
        head = BEGINNING + LINE * 1_000
        for start in range(0, len(head), step):
            peer.sendall(head[start : start + step])

        assert refused(received(peer)) == (431, "The head of the request is larger than 64 KB")


def test_an_endless_head_is_refused_and_costs_no_memory(serve: Serve) -> None:
    memory = MemoryBudget(MEGABYTE)
    sent = 0
    with serve(echo, memory=memory) as server, connect(server) as peer:
        peer.sendall(BEGINNING)
        with contextlib.suppress(ConnectionError):
            while sent < 100 * MEGABYTE:
                sent += peer.send(LINE * 1_000)
        answer = received(peer)
        peer.close()
        until(lambda: not server.server_state.connections, "the end of the connection")

    assert refused(answer)[0] == 431
    assert memory.used == 0


@pytest.mark.parametrize("spare", [0, 1])
def test_the_limit_is_exact(serve: Serve, spare: int) -> None:
    frame = BEGINNING + b"Connection: close\r\nX-Filler: \r\n\r\n"
    head = frame.replace(b"Filler: ", b"Filler: " + b"x" * (64 * 1024 - len(frame) + spare))

    with serve(echo) as server, connect(server) as peer:
        peer.sendall(head)
        [(status, _, _)] = answers(received(peer))

    assert status == (200, 431)[spare]


def test_a_long_url_counts_too(serve: Serve) -> None:
    with serve(echo) as server, connect(server) as peer:
        peer.sendall(b"GET /" + b"x" * 70_000)

        assert refused(received(peer))[0] == 431


@pytest.mark.parametrize("chunked", [False, True])
def test_a_large_body_does_not_count(serve: Serve, chunked: bool) -> None:
    body = b"x" * (3 * MEGABYTE)
    framing = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % len(body)
    framed = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body) if chunked else body
    request = b"POST / HTTP/1.1\r\nHost: localhost\r\n%s\r\n\r\n" % framing + framed
    last = BEGINNING + b"Connection: close\r\n\r\n"

    with serve(echo) as server, connect(server) as peer:
        peer.sendall(request)
        peer.sendall(request + last)
        found = answers(received(peer))

    assert [(status, json.loads(answer)["size"]) for status, _, answer in found] == [
        (200, len(body)),
        (200, len(body)),
        (200, 0),
    ]


def test_a_large_head_behind_other_requests_leaves_their_answers_whole(serve: Serve) -> None:
    with serve(echo) as server, connect(server) as peer:
        peer.sendall(BEGINNING + b"\r\n" + BEGINNING + LINE * 10_000)
        first, _, rest = received(peer).partition(b'"size": 0}')

    assert answers(first + b'"size": 0}')[0][0] == 200
    assert rest[:10] in (b"", b"HTTP/1.1 4")


@pytest.mark.parametrize("endless", [b"5;" + b"x" * 1_000_000, b"0\r\n" + LINE * 10_000], ids=["extension", "trailers"])
def test_framing_of_a_body_that_does_not_end_ends_the_connection(serve: Serve, endless: bytes) -> None:
    head = b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n"

    with serve(echo) as server, connect(server) as peer:
        with contextlib.suppress(ConnectionError):
            peer.sendall(head + endless)
        answer = received(peer)
        until(lambda: not server.server_state.connections, "the end of the connection")

    assert b" 200 " not in answer


# --- Time -------------------------------------------------------------------------------------------------------------


def test_a_head_that_does_not_end_is_refused(serve: Serve) -> None:
    with serve(echo, limits=HURRIED) as server, connect(server) as peer:
        peer.sendall(BEGINNING + LINE)

        assert refused(received(peer)) == (408, "The head of the request did not arrive within 0.2 seconds")


def test_a_head_that_comes_byte_by_byte_has_the_same_time(serve: Serve) -> None:
    with serve(echo, limits=HURRIED) as server, connect(server) as peer:
        peer.sendall(BEGINNING + b"X-Filler: ")
        peer.settimeout(0.01)
        answer = b""
        for _ in range(6_000):
            with contextlib.suppress(TimeoutError):
                answer = peer.recv(65_536)
                break
            peer.sendall(b"x")

    assert refused(answer)[0] == 408


def test_the_second_head_of_a_connection_has_the_same_time(serve: Serve) -> None:
    with serve(echo, limits=HURRIED) as server, connect(server) as peer:
        peer.sendall(BEGINNING + b"\r\n")
        first = peer.recv(65_536)
        peer.sendall(b"GET / HT")
        second = received(peer)

    assert answers(first)[0][0] == 200
    assert refused(second)[0] == 408


def test_a_connection_that_has_sent_no_head_may_be_idle(serve: Serve) -> None:
    with serve(echo, limits=Limits(head_seconds=0.01)) as server, connect(server) as idle, connect(server) as peer:
        for _ in range(2):
            peer.sendall(BEGINNING + b"\r\n")
            assert answers(peer.recv(65_536))[0][0] == 200
            with connect(server) as slow:
                slow.sendall(b"GET")
                assert refused(received(slow))[0] == 408
        idle.sendall(BEGINNING + b"\r\n")

        assert answers(idle.recv(65_536))[0][0] == 200


def test_a_slow_complete_head_is_answered_and_leaves_no_timer(serve: Serve) -> None:
    memory = MemoryBudget(MEGABYTE)
    with serve(echo, limits=Limits(head_seconds=30), memory=memory) as server, connect(server) as peer:
        peer.sendall(BEGINNING)
        until(lambda: memory.used > 0, "the first half")
        peer.sendall(b"Connection: close\r\n\r\n")
        found = answers(received(peer))

    assert [status for status, _, _ in found] == [200]
    assert memory.used == 0


def test_a_slow_head_behind_a_stream_does_not_cut_the_stream(serve: Serve) -> None:
    async def slow(_: Scope, __: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"3")]})
        await send({"type": "http.response.body", "body": b"on", "more_body": True})
        with connect(server) as other:
            other.sendall(b"GET")
            refused(await asyncio.to_thread(received, other))
        await send({"type": "http.response.body", "body": b"e"})

    with serve(slow, limits=HURRIED) as server, connect(server) as peer:
        peer.sendall(BEGINNING + b"\r\nGET / HT")
        (status, _, body), *rest = answers(received(peer))

    assert (status, body) == (200, b"one")
    # One parser reads the second head only after the first answer; the other one already knows that it is late.
    assert [status for status, _, _ in rest] in ([], [408])


# --- Memory -----------------------------------------------------------------------------------------------------------


def holds(memory: MemoryBudget, least: int) -> bool:
    return memory.used > least


def test_unfinished_heads_replace_old_requests_and_then_are_refused(serve: Serve) -> None:
    app = create_app(memory=40_000)
    memory = app.registry.memory
    with serve(app, memory=memory) as server, contextlib.ExitStack() as held:
        for _ in range(5):
            with connect(server) as peer:
                peer.sendall(f"GET {BASE_PATH}/jwt HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
                received(peer)
        kept, journal = memory.used, app.registry.default.journal
        for least in (19_000, 38_000):
            held.enter_context(connect(server)).sendall(BEGINNING + b"X-Filler: " + b"x" * 19_000)
            until(partial(holds, memory, least), "the head")
        one_more = held.enter_context(connect(server))
        one_more.sendall(BEGINNING + b"X-Filler: " + b"x" * 19_000)
        answer = received(one_more)

    assert kept > 0
    assert (len(journal), journal.dropped) == (0, 5)
    assert refused(answer) == (503, "The server has no memory left for requests that are not complete; see --memory")
    assert memory.used == 0


# --- Trailers and HTTP/1.0 --------------------------------------------------------------------------------------------


def test_trailers_do_not_count_as_headers(serve: Serve) -> None:
    with serve(echo) as server, connect(server) as peer:
        peer.sendall(
            b"POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"3\r\nabc\r\n0\r\nAuthorization: Bearer x\r\nX-Late: 1\r\n\r\n"
        )
        [(status, _, body)] = answers(received(peer))

    assert status == 200
    assert json.loads(body) == {"names": ["host", "connection", "transfer-encoding"], "size": 3}


def test_a_key_in_a_trailer_is_ignored(serve: Serve) -> None:
    who = "email=a@example.com&third_party_internal_id=1"
    with serve(create_app()) as server, connect(server) as peer:
        peer.sendall(
            f"GET {BASE_PATH}/jwt?{who} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            "Transfer-Encoding: chunked\r\n\r\n0\r\nHeidi-Api-Key: mock-heidi-key\r\n\r\n".encode()
        )
        [(status, _, _)] = answers(received(peer))

    assert status == 401


@pytest.mark.parametrize("wish", ["", "Connection: keep-alive\r\n", "Connection: close\r\n"])
@pytest.mark.parametrize("path", ["/stream", "/"])
def test_a_client_of_http_1_0_reads_the_plain_body_up_to_the_end(serve: Serve, path: str, wish: str) -> None:
    with serve(echo) as server, connect(server) as peer:
        peer.sendall(f"GET {path} HTTP/1.0\r\nHost: localhost\r\n{wish}\r\n".encode())
        head, _, body = received(peer).partition(b"\r\n\r\n")

    assert b"transfer-encoding" not in head.lower()
    assert b"keep-alive" not in head.lower()
    assert json.loads(body)["names"][0] == "host"


@pytest.mark.slow
def test_pipelined_requests_wait_in_the_kernel() -> None:
    many, waiting = 30_000, [0]

    async def app(_: Scope, __: Receive, send: Send) -> None:
        connection: Any = next(iter(server.server_state.connections))
        waiting.append(len(connection.pipeline))
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    pytest.importorskip("httptools")  # h11 reads one request at a time
    with in_a_thread(app) as server, connect(server) as peer, ThreadPoolExecutor() as pool:
        reading = pool.submit(received, peer)
        peer.sendall((BEGINNING + b"\r\n") * (many - 1) + BEGINNING + b"Connection: close\r\n\r\n")
        answered = reading.result(60).count(b"HTTP/1.1 200")

    assert answered == many
    # The data of one read from the socket, 256 KB, is parsed at once.
    assert max(waiting) < 10_000


# --- Heads behind a request, and the header Upgrade ------------------------------------------------------------------


@pytest.mark.parametrize("wish", ["h2c", "websocket", "foo"])
def test_an_upgrade_header_is_ignored_and_the_body_is_read(mock_heidi: Handle, wish: str) -> None:
    body = b'{"ehr_appointment_id": "7"}'
    head = (
        f"POST {urlsplit(mock_heidi.base_url).path}/sessions HTTP/1.1\r\nHost: localhost\r\n"
        f"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: {wish}\r\nHTTP2-Settings: AAMAAABk\r\n"
        f"Authorization: Bearer {mock_heidi.token()}\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode()
    address = urlsplit(mock_heidi.url)

    with socket.create_connection((address.hostname, address.port), timeout=10) as client:
        client.sendall(head)
        client.sendall(body)
        answer = client.recv(65_536)

    shown = mock_heidi.requests(operation="create_session")[-1]
    assert answer.startswith(b"HTTP/1.1 200")
    assert shown["body"] == {"ehr_appointment_id": "7"}
    assert shown["headers"]["upgrade"]
    assert "x-mock-upgrade" not in shown["headers"]


def test_a_head_behind_another_request_has_the_same_limit(mock_heidi: Handle) -> None:
    address = urlsplit(mock_heidi.url)
    small = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"
    large = b"GET /livez HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 70_000

    with socket.create_connection((address.hostname, address.port), timeout=10) as client:
        client.sendall(small + large)
        answer = b""
        while piece := client.recv(65_536):
            answer += piece

    # The first request is answered; then the connection ends.
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.count(b"HTTP/1.1") == 1
