"""Clients of https: a handle whose tests use https, and a socket that sees how TLS and the connection really end."""

import socket
import ssl
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

import httpx
import pytest

from mock_heidi import Handle

HAS_TLS = find_spec("cryptography") is not None
needs_tls = pytest.mark.skipif(not HAS_TLS, reason="the extra tls is not installed")
# For tests that clients of http and of https must pass alike.
SCHEMES = ["http", pytest.param("https", marks=needs_tls)]


def remove_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a test run as if the extra ``tls`` was not installed."""
    monkeypatch.setitem(sys.modules, "mock_heidi.serving.certificates", None)
    monkeypatch.delattr("mock_heidi.serving.certificates", raising=False)


class SecureHandle(Handle):
    """A handle whose tests use https; what it asks for itself goes over http."""


def make_handle(url: str, scheme: str, namespace: str | None = None) -> Handle:
    return (SecureHandle if scheme == "https" else Handle)(url, namespace)


def url_for_clients(heidi: Handle) -> str:
    """The base URL for the clients of a test."""
    return heidi.https_base_url if isinstance(heidi, SecureHandle) else heidi.base_url


def context(ca: str) -> ssl.SSLContext:
    """A context that trusts what is in this file now: a test may have replaced it."""
    return _context(Path(ca).read_text(encoding="ascii"))


@cache
def _context(pem: str) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=pem)


@cache
def _plain() -> ssl.SSLContext:
    return httpx.create_ssl_context()


def trust(heidi: Handle) -> ssl.SSLContext:
    """The context for the clients of a test. To make one takes long, so it is shared."""
    return context(heidi.ca) if isinstance(heidi, SecureHandle) else _plain()


def trust_of_node(heidi: Handle) -> dict[str, str]:
    """The variables by which Node trusts the server."""
    return {"NODE_EXTRA_CA_CERTS": heidi.ca} if isinstance(heidi, SecureHandle) else {}


class TlsSocket:
    """TLS over a blocking socket. Python's own ``ssl`` takes a reset for an end, so this one reads the socket itself.

    Its methods are those of a socket. ``recv`` gives all that can be decrypted after a read of ``size`` bytes.
    """

    def __init__(self, raw: socket.socket, trusted: ssl.SSLContext) -> None:
        self.raw = raw
        self.said_end = False
        """True once the server has said that no data follows."""
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = trusted.wrap_bio(self.incoming, self.outgoing, server_hostname="localhost")
        while not self._is_ready():
            self.incoming.write(self._received(65_536))

    def _is_ready(self) -> bool:
        try:
            self.tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        finally:
            self._send()
        return True

    def _received(self, size: int) -> bytes:
        data = self.raw.recv(size)
        if not data and self.tls.version() is None:
            raise EOFError("the server has closed the connection")
        return data

    def _send(self) -> None:
        if self.outgoing.pending:
            self.raw.sendall(self.outgoing.read())

    def sendall(self, data: bytes) -> None:
        self.tls.write(data)
        self._send()

    def send(self, data: bytes) -> int:
        self.sendall(data)
        return len(data)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.raw.close()

    def recv(self, size: int) -> bytes:
        while not self.said_end and (data := self.raw.recv(size)):
            self.incoming.write(data)
            if found := self._decrypted():
                return found
        return b""

    def _decrypted(self) -> bytes:
        found = b""
        try:
            while piece := self.tls.read(65_536):
                found += piece
            self.said_end = True
        except ssl.SSLWantReadError:
            pass
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self.raw, name)


def connect(heidi: Handle, buffer: int | None = None) -> Any:
    """A socket that is connected to the server of a handle; ``buffer`` is the size of its receive buffer."""
    raw = socket.socket()
    if buffer is not None:  # it has to be set before the connection begins
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    host, port = heidi.url.removeprefix("http://").split(":")
    raw.connect((host, int(port)))
    return TlsSocket(raw, context(heidi.ca)) if isinstance(heidi, SecureHandle) else raw
