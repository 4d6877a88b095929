"""The proxy of a server: CONNECT and the absolute form, what they refuse, and the namespace of their credentials.

A client knows the hosts of the real service only. Nothing here resolves a name.
"""

import base64
import contextlib
import http.client
import json
import logging
import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import httpx
import pytest
import requests
from running import in_a_thread, received, until
from secure import TlsSocket, context, needs_tls, remove_extra

from mock_heidi import Handle, MockHeidi, create_app
from mock_heidi.base.hosts import is_address
from mock_heidi.base.memory import MemoryBudget
from mock_heidi.base.settings import BASE_PATH, DEFAULT_KEY, ConfigError
from mock_heidi.serving import accelerators, certificate_files
from mock_heidi.serving.heads import Limits
from mock_heidi.serving.server import Server

HOST = "registrar.api.heidihealth.com"
JWT = f"{BASE_PATH}/jwt?email=a%40b.example&third_party_internal_id=1"
STREAM = {"ai_command_text": "Summarise", "content": "One. Two.", "content_type": "MARKDOWN"}
PARTS = {"fast": ("uvloop", "httptools"), "plain": ()}
OFF = b"The proxy is off, start the server with --proxy"
NOT_OURS = b"The proxy serves only the hosts of the real service, name other hosts in NO_PROXY"
MEGABYTE = 1024 * 1024

Serve = Callable[..., contextlib.AbstractContextManager[Server]]

pytestmark = needs_tls


@pytest.fixture(params=PARTS, autouse=True)
def parts(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test runs with the fast loop and parser, and without."""
    wanted, really = PARTS[request.param], accelerators.is_installed
    monkeypatch.setattr(accelerators, "is_installed", lambda module: module in wanted and really(module))


@pytest.fixture(autouse=True)
def no_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """No name can be resolved, by the server or by its clients."""
    really = socket.getaddrinfo

    def resolve(host: Any, *args: Any, **options: Any) -> Any:
        if not is_address(host):
            raise socket.gaierror(f"{host} was looked up")
        return really(host, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


@pytest.fixture
def heidi() -> Iterator[Handle]:
    with MockHeidi(proxy=True) as heidi:
        yield heidi


@pytest.fixture
def off() -> Iterator[Handle]:
    with MockHeidi() as heidi:
        yield heidi


def trusted() -> ssl.SSLContext:
    return context(str(certificate_files.current().ca))


def port(heidi: Handle) -> int:
    return int(heidi.url.rpartition(":")[2])


def raw(heidi: Handle) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port(heidi)), timeout=60)


def basic(login: str) -> str:
    return "Basic " + base64.b64encode(login.encode()).decode()


def refused(heidi: Handle, head: bytes) -> bytes:
    """The whole answer to a head after which the server closes the connection."""
    with raw(heidi) as peer:
        peer.sendall(head)
        return received(peer)


def connect(target: str, *fields: str) -> bytes:
    return "\r\n".join([f"CONNECT {target} HTTP/1.1", f"Host: {target}", *fields, "", ""]).encode()


class Tunnel(TlsSocket):
    """TLS to the real service through the proxy."""

    def __init__(self, heidi: Handle, *fields: str, host: str = HOST) -> None:
        peer = raw(heidi)
        peer.sendall(connect(f"{host}:443", *fields))
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            answer += peer.recv(1)
        assert answer == b"HTTP/1.1 200 Connection established\r\n\r\n"
        super().__init__(peer, trusted())

    def ask(self, method: str, path: str, *fields: str, body: bytes = b"") -> None:
        named = [f"Host: {HOST}", f"Content-Length: {len(body)}", "Connection: close", *fields]
        self.sendall("\r\n".join([f"{method} {path} HTTP/1.1", *named, "", ""]).encode() + body)


def absolute(heidi: Handle, url: str, *fields: str, method: str = "GET") -> tuple[int, dict[str, str], Any]:
    """Status, headers and JSON of a request in absolute form, unencrypted."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port(heidi))) as client:
        client.putrequest(method, url, skip_host=True)
        for field in fields if any(one.startswith("Host") for one in fields) else ("Host: any.example", *fields):
            client.putheader(*field.split(": ", 1))
        client.endheaders()
        answer = client.getresponse()
        return answer.status, dict(answer.getheaders()), json.loads(answer.read() or b"null")


# --- Clients ----------------------------------------------------------------------------------------------------------


def sign_in(client: http.client.HTTPConnection) -> str:
    client.request("GET", JWT, headers={"Heidi-Api-Key": DEFAULT_KEY})
    return str(json.loads(client.getresponse().read())["token"])


@pytest.mark.parametrize("host", [HOST, "AU.api.HeidiHealth.com"])
def test_http_client_signs_in_and_streams_through_a_tunnel(heidi: Handle, host: str) -> None:
    client = http.client.HTTPSConnection("127.0.0.1", port(heidi), context=trusted())
    client.set_tunnel(host, 443)

    with contextlib.closing(client):
        token = sign_in(client)
        session = heidi.state.add_session()["session_id"]
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        client.request("POST", f"{BASE_PATH}/sessions/{session}/ask-ai", json.dumps(STREAM), headers)
        answer = client.getresponse()

        assert answer.status == 200
        assert answer.read().count(b"data: ") > 0


def test_httpx_signs_in_streams_and_meets_a_reset_through_the_proxy(heidi: Handle) -> None:
    with httpx.Client(base_url=f"https://{HOST}{BASE_PATH}", proxy=heidi.url, verify=trusted()) as client:
        signed = client.get(JWT.removeprefix(BASE_PATH), headers={"Heidi-Api-Key": DEFAULT_KEY}).json()["token"]
        client.headers["Authorization"] = f"Bearer {signed}"
        session = client.post("/sessions").json()["session_id"]
        heidi.fault("ask_ai:rst_after=2")
        pieces: list[bytes] = []
        with (
            pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)),
            client.stream("POST", f"/sessions/{session}/ask-ai", json=STREAM) as answer,
        ):
            pieces.extend(answer.iter_raw())

    assert answer.status_code == 200
    assert b"".join(pieces).count(b"data:") == 2


def test_requests_finds_its_namespace_by_the_proxy_user(heidi: Handle) -> None:
    proxies = {"https": heidi.url.replace("//", "//checkout:x@")}
    ca = str(certificate_files.current().ca)

    with requests.Session() as client:
        client.trust_env = False
        answer = client.get(f"https://{HOST}{JWT}", headers={"Heidi-Api-Key": DEFAULT_KEY}, proxies=proxies, verify=ca)

    assert answer.status_code == 200
    with Handle(heidi.url, "checkout") as checkout:
        assert [row["operation"] for row in checkout.requests()] == ["get_jwt"]
    assert heidi.requests() == []


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl_signs_in_through_the_proxy(heidi: Handle) -> None:
    ca = str(certificate_files.current().ca)
    command = ["curl", "-s", "--proxy", heidi.url, "--cacert", ca, "-H", f"Heidi-Api-Key: {DEFAULT_KEY}"]

    done = subprocess.run([*command, f"https://{HOST}{JWT}"], capture_output=True, check=True)  # noqa: S603 - ours

    assert "token" in json.loads(done.stdout)


def test_the_absolute_form_is_served_unencrypted_as_https(heidi: Handle) -> None:
    status, _, body = absolute(heidi, f"https://{HOST}{JWT}", "Host: x.example", f"Heidi-Api-Key: {DEFAULT_KEY}")

    assert status == 200
    assert body["token"]
    (row,) = heidi.requests()
    assert row["path"] == f"{BASE_PATH}/jwt"
    assert dict(row["query"]).keys() >= {"email"}


def test_the_host_of_the_absolute_form_replaces_the_header(heidi: Handle) -> None:
    absolute(heidi, f"https://{HOST}{JWT}", "Host: evil.example")

    (row,) = heidi.requests()

    assert row["headers"]["host"] == HOST


def test_a_later_request_may_have_the_absolute_form(heidi: Handle) -> None:
    with raw(heidi) as peer:
        peer.sendall(b"GET /_mock/health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        peer.recv(65_536)
        peer.sendall(b"GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answer = received(peer)

    assert answer.startswith(b"HTTP/1.1 502 ")


# --- What is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "status", "reason"),
    [
        ("example.com:443", 502, NOT_OURS),
        ("heidihealth.com:443", 502, NOT_OURS),
        (f"{HOST}.evil.example:443", 502, NOT_OURS),
        (f"evil.{HOST}:443", 502, NOT_OURS),
        ("127.0.0.1:PORT", 502, NOT_OURS),
        ("localhost:PORT", 502, NOT_OURS),
        ("[::1]:PORT", 502, NOT_OURS),
        (f"{HOST}:80", 502, b"The proxy serves the hosts of the real service only on port 443"),
        (HOST, 400, b"The target of the request is not a host and a port"),
        (f"user:secret@{HOST}:443", 400, b"The target of the request is not a host and a port"),
        (f"https://{HOST}/", 400, b"The target of the request is not a host and a port"),
    ],
)
def test_a_tunnel_to_anything_else_is_refused_with_a_reason(
    heidi: Handle, target: str, status: int, reason: bytes
) -> None:
    answer = refused(heidi, connect(target.replace("PORT", str(port(heidi)))))

    assert answer.startswith(b"HTTP/1.1 %d %s\r\n" % (status, reason))
    assert answer.endswith(b'{"detail":"%s"}' % reason)


def test_a_refused_tunnel_is_logged_without_what_the_client_sent(
    heidi: Handle, caplog: pytest.LogCaptureFixture
) -> None:
    refused(heidi, connect("s3cret.example:443"))

    assert caplog.messages == [f"refused a request: {NOT_OURS.decode()}"]
    assert "s3cret" not in caplog.text


@pytest.mark.parametrize("host", [HOST, "example.com"])
def test_a_tunnel_is_refused_while_the_proxy_is_off(off: Handle, host: str) -> None:
    answer = refused(off, connect(f"{host}:443"))

    assert answer.startswith(b"HTTP/1.1 502 " + OFF + b"\r\n")


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        f"http://{HOST}{JWT}",
        f"https://{HOST}:4343{JWT}",
        "https://localhost/",
        "http://localhost:PORT/livez",
        "http://127.0.0.1:PORT/_mock/health",
        "ftp://example.com/",
        f"ftp://{HOST}/",
    ],
)
def test_the_absolute_form_of_anything_else_is_refused(heidi: Handle, url: str) -> None:
    status, _, body = absolute(heidi, url.replace("PORT", str(port(heidi))))

    assert status == 502
    assert body["detail"].startswith("The proxy serves ")
    assert heidi.requests() == []


@pytest.mark.parametrize("url", ["http://example.com/", f"https://{HOST}{JWT}", "https://localhost:PORT/", "ftp://x/"])
def test_the_absolute_form_is_refused_while_the_proxy_is_off(off: Handle, url: str) -> None:
    status, _, body = absolute(off, url.replace("PORT", str(port(off))))

    assert (status, body) == (502, {"detail": OFF.decode()})


def test_a_server_without_a_proxy_accepts_the_absolute_form_for_itself(off: Handle) -> None:
    status, _, body = absolute(off, f"http://localhost:{port(off)}{JWT}", f"Heidi-Api-Key: {DEFAULT_KEY}")

    assert status == 200
    assert body["token"]


@pytest.mark.parametrize("path", ["/livez", "/_mock/health", JWT])
def test_an_unknown_host_in_the_absolute_form_is_as_unknown_as_in_a_header(off: Handle, path: str) -> None:
    status, _, _ = absolute(off, f"http://evil.example:{port(off)}{path}", "Host: localhost")

    assert status == (200 if path == "/livez" else 403)


@pytest.mark.parametrize("path", ["/_mock/health", "/_mock", "/ns/blue/_mock/health", "/_mock/state"])
@pytest.mark.parametrize("host", [HOST, "localhost", "127.0.0.1:4343", "host.docker.internal"])
def test_the_control_api_is_never_served_through_a_tunnel(heidi: Handle, path: str, host: str) -> None:
    with Tunnel(heidi) as peer:
        peer.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        answer = received(peer)

    assert answer.startswith(b"HTTP/1.1 403 ")
    assert b"the control API does not answer to requests through the proxy" in answer


def test_the_control_api_is_never_served_to_the_absolute_form(heidi: Handle) -> None:
    status, _, body = absolute(heidi, f"https://{HOST}/_mock/health", "Host: localhost")

    assert status == 403
    assert body["error"] == "the control API does not answer to requests through the proxy"


def test_the_absolute_form_inside_a_tunnel_does_not_leave_it(heidi: Handle) -> None:
    found = []
    for target in (f"http://127.0.0.1:{port(heidi)}/_mock/health", f"https://{HOST}/_mock/health"):
        with Tunnel(heidi) as peer:
            peer.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            found.append(received(peer)[:12])

    assert found == [b"HTTP/1.1 502", b"HTTP/1.1 403"]


def test_a_proxy_needs_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    remove_extra(monkeypatch)

    with pytest.raises(ConfigError, match="https needs the package cryptography"):
        MockHeidi(proxy=True).start()


# --- Namespaces -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "status", "namespace"),
    [
        ((None, DEFAULT_KEY), 200, "default"),
        ((None, f"{DEFAULT_KEY}.blue"), 200, "blue"),
        (("blue", DEFAULT_KEY), 200, "blue"),
        (("blue", f"{DEFAULT_KEY}.blue"), 200, "blue"),
        (("default", DEFAULT_KEY), 200, "default"),
        (("blue", f"{DEFAULT_KEY}.green"), 401, None),
        (("default", f"{DEFAULT_KEY}.green"), 401, None),
        (("blue", "another-key"), 401, None),
    ],
)
@pytest.mark.parametrize("way", ["tunnel", "absolute"])
def test_the_key_or_the_user_names_the_namespace(
    heidi: Handle, way: str, given: tuple[str | None, str], status: int, namespace: str | None
) -> None:
    user, key = given
    fields = [] if user is None else [f"Proxy-Authorization: {basic(f'{user}:x')}"]
    if way == "tunnel":
        with Tunnel(heidi, *fields) as peer:
            peer.ask("GET", JWT, f"Heidi-Api-Key: {key}")
            answered = int(received(peer)[9:12])
    else:
        answered, _, _ = absolute(heidi, f"https://{HOST}{JWT}", f"Heidi-Api-Key: {key}", *fields)

    assert answered == status
    if namespace is not None:
        with Handle(heidi.url, namespace) as owner:
            assert [row["status"] for row in owner.requests()] == [200]


def test_a_token_of_another_namespace_is_refused(heidi: Handle) -> None:
    token = heidi.token("a@b.example", "1")

    with Tunnel(heidi, f"Proxy-Authorization: {basic('blue:x')}") as peer:
        peer.ask("GET", f"{BASE_PATH}/patient-profiles", f"Authorization: Bearer {token}")

        assert received(peer).startswith(b"HTTP/1.1 401 ")


def test_the_reason_for_an_unknown_path_is_about_the_path(heidi: Handle) -> None:
    status, headers, _ = absolute(heidi, f"https://{HOST}/api/v2/jwt")

    assert status == 404
    assert "base URL" not in headers["x-mock-reason"]


def test_the_namespace_in_a_path_comes_before_the_user(heidi: Handle) -> None:
    with Tunnel(heidi, f"Proxy-Authorization: {basic('blue:x')}") as peer:
        peer.ask("GET", f"/ns/green{JWT}", f"Heidi-Api-Key: {DEFAULT_KEY}")
        received(peer)

    with Handle(heidi.url, "green") as green:
        assert [row["status"] for row in green.requests()] == [200]


@pytest.mark.parametrize(
    "value",
    [
        "",
        "Basic",
        "Basic !!!",
        "Basic YQ",
        "Bearer abc",
        basic("blue"),
        basic(":x"),
        basic("b/ue:x"),
        basic("..:x"),
        "Basic " + base64.b64encode(b"\xff:x").decode(),
        basic("blue:x") + "\r\nProxy-Authorization: " + basic("blue:x"),
    ],
)
def test_malformed_credentials_are_refused(heidi: Handle, value: str) -> None:
    field = f"Proxy-Authorization: {value}"
    tunnel = refused(heidi, connect(f"{HOST}:443", field))
    head = f"GET https://{HOST}{JWT} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n{field}\r\n\r\n"
    plain = refused(heidi, head.encode())

    assert [answer[:13] for answer in (tunnel, plain)] == [b"HTTP/1.1 400 "] * 2
    assert all(b'{"detail":"Proxy-Authorization is not' in one or b"The user of the" in one for one in (tunnel, plain))


def test_the_credentials_reach_no_journal_and_no_log(heidi: Handle, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    field = f"Proxy-Authorization: {basic('default:s3cretword')}"
    with Tunnel(heidi, field) as peer:
        peer.ask("GET", JWT, f"Heidi-Api-Key: {DEFAULT_KEY}", field)
        received(peer)
    absolute(heidi, f"https://{HOST}{JWT}", f"Heidi-Api-Key: {DEFAULT_KEY}", field)

    shown = json.dumps([heidi.requests(), heidi.control("GET", "/requests?format=har")])

    assert len(heidi.requests()) == 2
    assert "proxy-authorization" not in shown.lower()
    assert basic("default:s3cretword")[6:] not in shown + caplog.text


# --- Bytes ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def serve() -> Serve:
    return partial(in_a_thread, proxy=True)


def peer_of(server: Server) -> socket.socket:
    return socket.create_connection(server.sockets[0].getsockname()[:2], timeout=60)


class Hello:
    """A handshake as its client sees it, a step at a time."""

    def __init__(self) -> None:
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = trusted().wrap_bio(self.incoming, self.outgoing, server_hostname=HOST)
        with contextlib.suppress(ssl.SSLWantReadError):
            self.tls.do_handshake()


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_bytes_behind_the_head_are_not_lost(serve: Serve, size: int) -> None:
    hello = Hello()
    sent = connect(f"{HOST}:443") + hello.outgoing.read()
    with serve(create_app()) as server, peer_of(server) as peer:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(0, len(sent), size):
            peer.sendall(sent[at : at + size])
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += peer.recv(65_536)
        hello.incoming.write(answer.partition(b"\r\n\r\n")[2])
        while not hello.outgoing.pending:
            with contextlib.suppress(ssl.SSLWantReadError):
                hello.tls.do_handshake()
            if not hello.outgoing.pending:
                hello.incoming.write(peer.recv(65_536))

        assert hello.tls.version() == "TLSv1.3"


@pytest.mark.parametrize("sent", [b"C", b"CONNECT", connect(f"{HOST}:443")[:-1], connect(f"{HOST}:443")])
def test_silence_is_ended(serve: Serve, sent: bytes) -> None:
    memory = MemoryBudget(MEGABYTE)
    with serve(create_app(), limits=Limits(head_seconds=0.05), memory=memory) as server, peer_of(server) as peer:
        peer.sendall(sent)
        answer = peer.recv(65_536)
        if answer.startswith(b"HTTP/1.1 200"):
            received(peer)
        peer.close()
        until(lambda: not server.server_state.connections, "its end")

        assert memory.used == 0
    assert answer[:12] == (b"HTTP/1.1 200" if sent.endswith(b"\r\n\r\n") else b"HTTP/1.1 408")


def test_a_head_without_end_is_refused(serve: Serve) -> None:
    with serve(create_app()) as server, peer_of(server) as peer:
        with contextlib.suppress(ConnectionError):
            peer.sendall(connect(f"{HOST}:443")[:-2] + (b"X-Filler: " + b"x" * 100 + b"\r\n") * 2_000)
        answer = received(peer)

    assert answer.startswith(b"HTTP/1.1 431 ")


def test_heads_without_memory_are_refused(serve: Serve) -> None:
    with serve(create_app(), memory=MemoryBudget(1_000)) as server, peer_of(server) as peer:
        peer.sendall(connect(f"{HOST}:443")[:-2] + b"X-Filler: " + b"x" * 2_000)

        assert received(peer).startswith(b"HTTP/1.1 503 ")


@pytest.mark.parametrize("garbage", [b"\x00" * 1_000, bytes(range(250)) * 4, b"CONNECT " + b"\xff" * 992])
def test_garbage_is_ended(serve: Serve, garbage: bytes) -> None:
    with serve(create_app()) as server:
        for before in (b"", connect(f"{HOST}:443")):
            with peer_of(server) as peer:
                peer.sendall(before + garbage)
                peer.shutdown(socket.SHUT_WR)
                received(peer)
                until(lambda: not server.server_state.connections, "its end")


@pytest.mark.parametrize("line", [b"CONNECT", b"CONNECT x", b"CONNECT  x:443 HTTP/1.1", b"CONNECT x:443 HTTP/2"])
def test_a_malformed_head_is_refused(serve: Serve, line: bytes) -> None:
    with serve(create_app()) as server, peer_of(server) as peer:
        peer.sendall(line + b" \r\n\r\n")

        assert received(peer).startswith(b"HTTP/1.1 400 ")


def test_a_method_that_begins_like_connect_is_left_to_http(serve: Serve) -> None:
    with serve(create_app()) as server, peer_of(server) as peer:
        for byte in b"COPY /_mock/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n":
            peer.sendall(bytes([byte]))

        assert received(peer).startswith(b"HTTP/1.1 405 ")


def test_a_server_ends_with_a_head_that_has_no_end(serve: Serve) -> None:
    with serve(create_app()) as server, peer_of(server) as peer:
        peer.sendall(b"CONNECT ")
        until(lambda: server.server_state.connections, "the connection")
        server.stop()

        assert received(peer) == b""


@pytest.mark.parametrize(
    ("fault", "pieces", "how"), [("end_after=2", 2, "closed"), ("rst_after=2", 2, "reset"), ("rst", 0, "reset")]
)
def test_endings_are_exact_through_a_tunnel(heidi: Handle, fault: str, pieces: int, how: str) -> None:
    token = heidi.token("a@b.example", "1")
    session = heidi.state.add_session()["session_id"]
    body = json.dumps(STREAM).encode()
    fields = [f"Authorization: Bearer {token}", "Content-Type: application/json", f"X-Mock-Fault: {fault}"]

    with Tunnel(heidi) as peer:
        peer.ask("POST", f"{BASE_PATH}/sessions/{session}/ask-ai", *fields, body=body)
        answer, ended = b"", "closed"
        try:
            while data := peer.recv(65_536):
                answer += data
        except ConnectionResetError:
            ended = "reset"

    assert (len(re.findall(rb"data: ", answer)), ended) == (pieces, how)
    assert peer.said_end == (how == "closed")
