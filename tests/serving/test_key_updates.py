"""Clients of TLS 1.3 that change their keys again and again. Each change may ask the server for one of its keys."""

import contextlib
import socket
import ssl
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from running import in_a_thread, until
from secure import TlsSocket, needs_tls

from mock_heidi import create_app
from mock_heidi.serving import certificate_files

pytestmark = needs_tls

# A message key_update that asks for one in return, RFC 8446, 4.6.3.
UPDATE = b"\x18\x00\x00\x01\x01"


def derive(secret: bytes, label: bytes, length: int) -> bytes:
    """A key, a vector or the next secret (RFC 8446, 7.1)."""
    from cryptography.hazmat.primitives.hashes import SHA384  # noqa: PLC0415 - needs the extra
    from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand  # noqa: PLC0415 - as above

    info = struct.pack(">HB", length, len(label) + 6) + b"tls13 " + label + b"\0"
    return HKDFExpand(SHA384(), length, info).derive(secret)


class Keys:
    """The keys of a client, each for one record."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def seal(self, content: bytes, kind: bytes) -> bytes:
        """The record of a content, such as ``b"\\x17"`` for data."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - as above

        head = b"\x17\x03\x03" + struct.pack(">H", len(content) + 1 + 16)
        key, vector = derive(self._secret, b"key", 32), derive(self._secret, b"iv", 12)
        return head + AESGCM(key).encrypt(vector, content + kind, head)

    def change(self) -> bytes:
        """The record that changes the keys. The next record has new ones."""
        record = self.seal(UPDATE, b"\x16")
        self._secret = derive(self._secret, b"traffic upd", 48)
        return record


@contextlib.contextmanager
def connected(port: int, keys: Path) -> Iterator[tuple[TlsSocket, Keys]]:
    """A client that receives into a small buffer, and its keys."""
    trusted = ssl.create_default_context(cafile=certificate_files.current().ca)
    trusted.keylog_filename = str(keys)
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.settimeout(60)
    raw.connect(("127.0.0.1", port))
    with TlsSocket(raw, trusted) as peer:
        if peer.tls.cipher()[0] != "TLS_AES_256_GCM_SHA384":  # type: ignore[index] # there is one
            pytest.skip("this OpenSSL prefers another cipher")
        lines = keys.read_text(encoding="ascii").splitlines()
        secret = next(line.split()[2] for line in lines if line.startswith("CLIENT_TRAFFIC_SECRET_0"))
        yield peer, Keys(bytes.fromhex(secret))


def test_a_client_that_asks_for_keys_and_never_reads_them_is_ended(tmp_path: Path) -> None:
    with in_a_thread(create_app()) as server:
        server.sockets[0].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        with connected(server.sockets[0].getsockname()[1], tmp_path / "keys") as (peer, keys):
            flood = b"".join(keys.change() for _ in range(6_000))
            with contextlib.suppress(ConnectionError):
                peer.raw.sendall(flood)

            until(lambda: not server.server_state.connections, "its end")


def test_a_request_after_a_change_of_keys_is_answered(tmp_path: Path) -> None:
    with (
        in_a_thread(create_app()) as server,
        connected(server.sockets[0].getsockname()[1], tmp_path / "keys") as (peer, keys),
    ):
        peer.raw.sendall(keys.change() + keys.seal(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n", b"\x17"))

        assert peer.recv(65_536).startswith(b"HTTP/1.1 200")
