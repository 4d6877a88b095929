"""The first bytes of a connection decide whether it speaks http or TLS or opens a tunnel: one port serves all.

A preamble may come before them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from mock_heidi.serving import preamble
from mock_heidi.serving.https import Https
from mock_heidi.serving.tunnels import Tunnels

# The first byte of every TLS connection: a record of the handshake. No method of HTTP begins with it.
_HANDSHAKE = 0x16


class FirstBytes(asyncio.Protocol):
    """Waits for the first bytes of a connection, and gives it to the protocol of http, to TLS, or to the tunnels.

    ``http`` is uvicorn's protocol, which gets the other arguments. As long as a connection has sent no bytes, it is
    one of the server's connections with its ``transport``, so that the server closes it at its end.
    """

    transport: asyncio.Transport

    def __init__(
        self, http: Callable[..., Any], https: Https, tunnels: Tunnels, *, server_state: Any, **arguments: Any
    ) -> None:
        self._http = partial(http, server_state=server_state, **arguments)
        self._https = https
        self._tunnels = tunnels
        self._connections: set[Any] = server_state.connections
        self._namespace: str | None = None
        self._kept = b""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self._connections.add(self)
        self._timer = asyncio.get_running_loop().call_later(self._tunnels.limits.idle_seconds, transport.close)

    def connection_lost(self, _: Exception | None) -> None:
        self._leave()

    def _leave(self) -> None:
        self._timer.cancel()
        self._connections.discard(self)

    def data_received(self, data: bytes) -> None:
        if self._kept or (data[0] == preamble.FIRST and self._namespace is None):
            data = self._after_preamble(self._kept + data)
        if data:
            self._begin(data)

    def _after_preamble(self, data: bytes) -> bytes:
        """The data after a preamble, as far as it has arrived. A preamble of another form ends the connection."""
        try:
            found = preamble.read(data)
        except ValueError:
            self.transport.abort()
            return b""
        self._kept = data if found is None else b""
        self._namespace, rest = found or (None, b"")
        return rest

    def _begin(self, data: bytes) -> None:
        self._leave()
        if data[0] == _HANDSHAKE:
            self._https.take(self.transport, self._protocol, self._connections, data)
            return
        if self._tunnels.may_begin(data):
            self._tunnels.take(self.transport, self._protocol, self._connections, data)
            return
        protocol = self._protocol()
        self.transport.set_protocol(protocol)
        protocol.connection_made(self.transport)
        protocol.data_received(data)

    def _protocol(self) -> Any:
        protocol = self._http()
        protocol.namespace = self._namespace
        return protocol
