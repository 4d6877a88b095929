"""The preamble of a connection: all requests on it belong to the namespace that it names, over http and https."""

import contextlib
import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from secure import TlsSocket, context, needs_tls

from mock_heidi import MockHeidi
from mock_heidi.client.handle import Handle
from mock_heidi.serving import preamble

BASE = "/api/v2/ml-scribe/open-api"
USER = "email=test%40heidihealth.com&third_party_internal_id=123"


@pytest.fixture(scope="module")
def heidi() -> Iterator[Handle]:
    with MockHeidi() as handle, handle.namespace("checkout"):
        yield handle


def connect(heidi: Handle) -> socket.socket:
    host, port = heidi.url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=30)


def ask(peer: Any, path: str, **headers: str) -> tuple[int, Any]:
    """The status and the body of an answer on a connection that stays open."""
    given = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    peer.sendall(f"GET {path} HTTP/1.1\r\nHost: registrar.api.heidihealth.com\r\n{given}\r\n".encode())
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += peer.recv(65_536)
    head, _, body = answer.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].split()[0])
    while len(body) < length:
        body += peer.recv(65_536)
    return int(head.split()[1]), json.loads(body)


def sign_in(peer: Any, key: str = "mock-heidi-key") -> tuple[int, Any]:
    return ask(peer, f"{BASE}/jwt?{USER}", Heidi_Api_Key=key)


@pytest.mark.parametrize("scheme", ["http", pytest.param("https", marks=needs_tls)])
def test_all_requests_of_a_connection_belong_to_the_namespace_of_its_preamble(heidi: Handle, scheme: str) -> None:
    with connect(heidi) as peer, Handle(heidi.url, "checkout") as checkout:
        checkout.reset()
        peer.sendall(preamble.write("checkout"))
        speaker = TlsSocket(peer, context(heidi.ca)) if scheme == "https" else peer
        statuses = [sign_in(speaker, key)[0] for key in ("mock-heidi-key", "mock-heidi-key.checkout")]
        operations = [row["operation"] for row in checkout.requests()]

    assert statuses == [200, 200]
    assert operations == ["get_jwt", "get_jwt"]


def test_a_key_or_a_token_of_another_namespace_is_refused(heidi: Handle) -> None:
    with connect(heidi) as peer, connect(heidi) as default:
        _, token = sign_in(default)
        peer.sendall(preamble.write("checkout"))
        signed_in, _ = sign_in(peer, "mock-heidi-key.other")
        listed, _ = ask(peer, f"{BASE}/patient-profiles", Authorization=f"Bearer {token['token']}")

    assert (signed_in, listed) == (401, 401)


def test_the_control_api_stays_closed_to_the_hosts_of_the_real_service(heidi: Handle) -> None:
    with connect(heidi) as peer:
        peer.sendall(preamble.write("checkout"))
        status, _ = ask(peer, "/_mock/state")

    assert status == 403


def test_a_preamble_may_come_byte_by_byte(heidi: Handle) -> None:
    with connect(heidi) as peer:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in preamble.write("checkout"):
            peer.sendall(bytes([byte]))

        assert sign_in(peer)[0] == 200


@pytest.mark.parametrize(
    "sent",
    [
        preamble.write("checkout").replace(b"\xe0", b"\xe1"),
        preamble.write("checkout").replace(b"\x20", b"\x21"),
        preamble.write("checkout").replace(b"\0\x0b", b"\1\x0b"),
        preamble.write("a" * 65),
        preamble.write("a b"),
        preamble.write(".."),
        preamble.write("checkouté"),
    ],
)
def test_a_preamble_of_another_form_ends_the_connection(heidi: Handle, sent: bytes) -> None:
    with connect(heidi) as peer:
        peer.sendall(sent)
        with contextlib.suppress(ConnectionResetError):
            assert peer.recv(1) == b""


def test_empty_lines_before_a_request_are_no_preamble(heidi: Handle) -> None:
    with connect(heidi) as peer:
        peer.sendall(b"\r\n")

        assert sign_in(peer)[0] == 200


def test_a_whole_url_in_a_request_does_not_leave_the_namespace_of_the_preamble(heidi: Handle) -> None:
    with connect(heidi) as peer, Handle(heidi.url, "checkout") as checkout:
        checkout.reset()
        peer.sendall(preamble.write("checkout"))
        status, _ = ask(peer, f"{heidi.url}{BASE}/jwt?{USER}", Heidi_Api_Key="mock-heidi-key")

        assert status == 200
        assert [row["operation"] for row in checkout.requests()] == ["get_jwt"]
