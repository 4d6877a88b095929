"""The tunnels of the proxy: the head of a CONNECT, its answer, and TLS behind it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from mock_heidi.base.memory import MemoryBudget
from mock_heidi.serving.heads import NO_MEMORY, Limits, UnfinishedHead, answer, refuse
from mock_heidi.serving.https import Https
from mock_heidi.serving.proxy import Proxied, ProxyError, check_target, host_and_port, namespace_in

_METHOD = b"CONNECT "
_END = b"\r\n\r\n"
_LINE = re.compile(rb"CONNECT ([!-~]+) HTTP/1\.[01]")
_FIELD = re.compile(rb"([!-9;-~]+):[ \t]*(.*)", re.DOTALL)
_ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"


class Tunnels:
    """Takes connections that begin with CONNECT. Unless the proxy is ``on``, all are refused."""

    def __init__(self, https: Https, limits: Limits, memory: MemoryBudget, *, on: bool) -> None:
        self.https = https
        self.limits = limits
        self.memory = memory
        self.on = on

    @staticmethod
    def may_begin(data: bytes | bytearray) -> bool:
        """True if these first bytes of a connection are a CONNECT or the beginning of one."""
        return data[: len(_METHOD)] == _METHOD[: len(data)]

    def take(
        self, transport: asyncio.Transport, protocol: Callable[[], Any], connections: set[Any], data: bytes
    ) -> None:
        """Read a CONNECT and open the tunnel. ``data`` are the bytes that have been read from the connection.

        The new ``protocol`` in the tunnel is marked as proxied. Until then the connection is one of ``connections``.
        """
        Opening(self, transport, protocol, connections).start(data)

    def open_tunnel(self, head: bytes) -> Proxied:
        """The mark of the requests in the tunnel that this head asks for. Raises :class:`ProxyError`."""
        line, *rest = head.split(b"\r\n")
        match, fields = _LINE.fullmatch(line), [_FIELD.fullmatch(one) for one in rest]
        if match is None or None in fields:
            raise ProxyError(HTTPStatus.BAD_REQUEST, "The head of the CONNECT is malformed")
        check_target(*host_and_port(match[1].decode()), on=self.on)
        return Proxied(namespace_in((one[1].lower(), one[2]) for one in fields if one is not None))


class Opening(asyncio.Protocol):
    """Reads the head of a CONNECT. A head that turns out to have another method goes to the protocol of http."""

    def __init__(
        self, tunnels: Tunnels, transport: asyncio.Transport, protocol: Callable[[], Any], connections: set[Any]
    ) -> None:
        self.transport = transport
        self._tunnels = tunnels
        self._make_protocol = protocol
        self._connections = connections
        self._unfinished = UnfinishedHead(tunnels.limits, tunnels.memory)
        self._data = bytearray()

    def start(self, data: bytes) -> None:
        """Take the connection over."""
        self._connections.add(self)
        self.transport.set_protocol(self)
        self.data_received(data)

    def connection_lost(self, _: Exception | None) -> None:
        self._leave()

    def data_received(self, data: bytes) -> None:
        searched = max(0, len(self._data) - len(_END))
        self._data += data
        end = self._data.find(_END, searched)
        if not self._tunnels.may_begin(self._data):
            self._hand_to_http()
        elif (len(self._data) if end < 0 else end) > self._tunnels.limits.head_size:
            self._refuse(self._tunnels.limits.too_large())
        elif end >= 0:
            self._answer(bytes(self._data[:end]), bytes(self._data[end + len(_END) :]))
        elif not self._unfinished.grow(len(self._data), self._give_up):
            self._refuse(NO_MEMORY)

    def _answer(self, head: bytes, rest: bytes) -> None:
        try:
            proxied = self._tunnels.open_tunnel(head)
        except ProxyError as error:
            # Many clients show the reason phrase of a refused tunnel, and few its body.
            self._refuse(answer(error.status, str(error), phrase=str(error)))
            return

        def marked() -> Any:
            protocol = self._make_protocol()
            protocol.proxied = proxied
            return protocol

        self._leave()
        self.transport.write(_ESTABLISHED)
        self._tunnels.https.take(self.transport, marked, self._connections, rest)

    def _hand_to_http(self) -> None:
        self._leave()
        protocol = self._make_protocol()
        self.transport.set_protocol(protocol)
        protocol.connection_made(self.transport)
        protocol.data_received(bytes(self._data))

    def _leave(self) -> None:
        self._unfinished.end()
        self._connections.discard(self)

    def _give_up(self) -> None:
        self._refuse(self._tunnels.limits.too_slow())

    def _refuse(self, response: bytes) -> None:
        self._unfinished.end()
        refuse(self.transport, response, self.connection_lost)
