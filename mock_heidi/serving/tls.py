"""TLS under a protocol: a transport that encrypts, on the transport of a connection.

``loop.start_tls`` does the same for most servers, but it cannot take bytes that have been read, and it hides how much
data is unsent. Here each byte that is written is in the connection's transport at once, so that a flush, a close and a
reset are as exact as without TLS.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Callable
from typing import Any

from mock_heidi.serving.heads import UnfinishedHead

_logger = logging.getLogger("mock_heidi")

# The most bytes that are decrypted at once; OpenSSL gives one record, 16 KB, at a time.
_AT_ONCE = 256 * 1024
# The approximate memory of a handshake in bytes, beside what the client has sent.
_COST = 64 * 1024
# The most bytes that a client may send before the handshake is complete, and that it may leave unread of what TLS
# itself answers later. A large handshake has 10 KB.
_LONGEST = 64 * 1024
# The alerts of clients that do not accept the certificate.
_DISTRUST = {"TLSV1_ALERT_UNKNOWN_CA", "SSLV3_ALERT_BAD_CERTIFICATE", "SSLV3_ALERT_CERTIFICATE_UNKNOWN"}


class TlsTransport(asyncio.Transport, asyncio.Protocol):
    """The transport of a protocol whose connection speaks TLS. It is also the protocol of the connection's transport.

    ``protocol`` is called after the handshake for the protocol. Until then this object is one of ``connections``, and
    ``handshake`` limits the time and the memory.
    """

    def __init__(
        self,
        transport: asyncio.Transport,
        context: ssl.SSLContext,
        protocol: Callable[[], Any],
        handshake: UnfinishedHead,
        connections: set[Any],
    ) -> None:
        super().__init__()
        self.transport = transport
        """The transport of the connection, without TLS."""
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._make_protocol = protocol
        self._protocol: Any = None
        self._handshake = handshake
        self._connections = connections
        self._received = 0
        self._own = 0
        self._paused = False
        self._ended = False

    def start(self, data: bytes) -> None:
        """Take the connection over. ``data`` are the bytes of TLS that have been read from it."""
        self._connections.add(self)
        self.transport.set_protocol(self)
        self.data_received(data)

    # --- The protocol of the connection ---

    def data_received(self, data: bytes) -> None:
        if self._ended:
            return
        self._incoming.write(data)
        if self._protocol is None:
            self._received += len(data)
            self._shake_hands()
        if self._protocol is not None:
            self._decrypt()

    def eof_received(self) -> None:
        if self._protocol is not None:
            self._protocol.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended = True
        self._handshake.end()
        self._connections.discard(self)
        if self._protocol is not None:
            self._protocol.connection_lost(exc)

    def pause_writing(self) -> None:
        if self._protocol is not None:
            self._protocol.pause_writing()

    def resume_writing(self) -> None:
        if self._protocol is not None:
            self._protocol.resume_writing()

    def _shake_hands(self) -> None:
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            self._send()
            fits = self._handshake.grow(_COST + self._received, self.abort)
            if not fits or self._received > _LONGEST:
                self.abort()
            return
        except ssl.SSLError as error:
            if error.reason in _DISTRUST:
                _logger.warning("an https client does not accept the certificate; see mock-heidi ca --help")
            self._fail()
            return
        self._send()
        self._handshake.end()
        self._connections.discard(self)
        self._protocol = self._make_protocol()
        self._protocol.connection_made(self)

    def _decrypt(self) -> None:
        """Give the protocol what can be decrypted, until it pauses reading."""
        while not self._paused and not self._ended:
            try:
                data = self._tls.read(_AT_ONCE)
            except ssl.SSLWantReadError:
                self._send_own()
                return
            except ssl.SSLError:
                self._fail()
                return
            if data:
                self._protocol.data_received(data)
            else:  # the client has said that it ends
                self._protocol.eof_received()
                self.close()

    def _send_own(self) -> None:
        """Send what TLS itself answers, such as a change of keys. A client that never reads it is ended."""
        unread = self._own if self.transport.get_write_buffer_size() else 0
        self._own = unread + self._outgoing.pending
        if self._own > _LONGEST:
            self.abort()
        else:
            self._send()

    def _send(self) -> None:
        if self._outgoing.pending:
            self.transport.write(self._outgoing.read())

    def _fail(self) -> None:
        """End a connection on which TLS cannot go on. The client gets an alert if OpenSSL has written one."""
        self._ended = True
        self._send()
        self.transport.close()

    # --- The transport of the protocol ---

    def write(self, data: bytes | bytearray | memoryview) -> None:
        rest = memoryview(data)
        while rest and not self._ended:
            try:
                rest = rest[self._tls.write(rest) :]
            except ssl.SSLError:
                self._fail()
        self._send()

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        """Tell the client that no data will follow. Data from the client is then dropped."""
        self._say_end()
        self.transport.write_eof()

    def close(self) -> None:
        self._say_end()
        self.transport.close()

    def _say_end(self) -> None:
        if self._protocol is not None and not self.is_closing() and not self._ended:
            self._ended = True
            with contextlib.suppress(ssl.SSLError):  # the client's end would have to be read
                self._tls.unwrap()
            self._send()

    def abort(self) -> None:
        self._ended = True
        self.transport.abort()

    def is_closing(self) -> bool:
        return self.transport.is_closing()

    def pause_reading(self) -> None:
        self._paused = True
        self.transport.pause_reading()

    def resume_reading(self) -> None:
        self._paused = False
        self.transport.resume_reading()
        asyncio.get_running_loop().call_soon(self._decrypt)

    def is_reading(self) -> bool:
        return not self._paused

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        protocol: asyncio.BaseProtocol = self._protocol
        return protocol

    def get_write_buffer_size(self) -> int:
        """The number of bytes that have not reached the kernel, encrypted."""
        return self._outgoing.pending + self.transport.get_write_buffer_size()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        if name == "ssl_object":
            return self._tls
        # uvicorn takes a connection with a context for https.
        return self._tls.context if name == "sslcontext" else self.transport.get_extra_info(name, default)
