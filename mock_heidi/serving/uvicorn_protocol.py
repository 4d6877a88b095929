"""The protocol of a connection, whichever parser uvicorn reads requests with.

This module, ``uvicorn_parsers`` and ``uvicorn_server`` use parts of uvicorn that its documentation does not promise, so
a new version may change them. No other module does. ``tests/serving/test_uvicorn_parts.py`` names the parts that the
installed version lacks; ``pyproject.toml`` limits the version to the newest one that was tried.

- ``HttpToolsProtocol`` and ``H11Protocol``: overrides ``connection_made``, ``connection_lost`` and ``data_received``;
  reads and sets ``app``, ``transport``, ``flow`` (``pause_reading``), ``cycle``, ``loop``; reads
  ``timeout_keep_alive`` and ``timeout_keep_alive_handler``, sets ``timeout_keep_alive_task``; calls
  ``_unset_keepalive_if_required``.
- ``RequestResponseCycle`` of both: is ``send.__self__``; reads ``response_complete``; sets ``disconnected``,
  ``message_event``, ``keep_alive``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from mock_heidi.base.memory import MemoryBudget
from mock_heidi.serving.absolute_form import is_absolute, serve_proxied
from mock_heidi.serving.connection import EXTENSION, BufferedTransport, Connection, Outbox
from mock_heidi.serving.heads import NO_MEMORY, Limits, UnfinishedHead, refuse
from mock_heidi.serving.proxy import PROXIED, Proxied

# The approximate cost of a parsed header field in bytes, beside its text.
_FIELD = 150


class ConnectionProtocol:
    """The common part of both protocols: it limits the heads of requests and gives each request its connection."""

    limits: Limits
    memory: MemoryBudget
    outbox: Outbox
    proxy: bool
    """True if the proxy is on."""
    proxied: Proxied | None = None
    """The mark of all requests, if the connection is a tunnel of the proxy."""

    # Attributes of uvicorn's protocols:
    app: ASGIApp
    cycle: Any
    flow: Any
    loop: Any
    timeout_keep_alive: int
    timeout_keep_alive_handler: Callable[[], None]
    timeout_keep_alive_task: Any
    transport: Any
    _unset_keepalive_if_required: Callable[[], None]

    namespace: str | None = None
    """The namespace of all requests, if the connection's preamble names one."""
    begun: Any = None
    """The cycle of the last request that the application has received."""
    pending = 0
    """The bytes received since the parser last completed a head, a part of a body or a request."""
    unfinished: UnfinishedHead | None = None
    """The head that the parser has not received completely."""

    def in_head(self) -> bool:
        """True if the parser has received a part of a head and waits for the rest."""
        raise NotImplementedError

    def in_body(self) -> bool:
        """True if the parser has completed a head and is reading the body."""
        raise NotImplementedError

    def fields(self) -> int:
        """The number of header fields that the parser holds of an unfinished head."""
        return 0

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)  # type: ignore[misc] # uvicorn's protocol comes next
        self.transport = BufferedTransport(transport, self.outbox)
        self.connection = Connection(self.transport)
        serve = self.app if self.namespace is None else _in_namespace(self.app, self.namespace)
        extensions = {EXTENSION: self.connection}

        def with_connection(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
            scope["extensions"] = extensions
            self.begun = getattr(send, "__self__", None)
            if scope["http_version"] != "1.1":
                send = self.without_chunks(send)
            if self.proxied is not None:
                scope[PROXIED] = self.proxied
            if self.proxied is not None or is_absolute(scope["raw_path"]):
                return serve_proxied(serve, scope, receive, send, on=self.proxy)
            return serve(scope, receive, send)

        self.app = with_connection
        # uvicorn ends an idle connection only after its first request.
        self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)

    def without_chunks(self, send: Send) -> Send:
        """A ``send`` for HTTP/1.0 clients, for which the end of the connection ends the body."""
        return send

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)  # type: ignore[misc] # as above
        # uvicorn informs only the last request, which may be waiting behind the one that is being answered.
        if self.begun is not None and not self.begun.response_complete:
            self.begun.disconnected = True
            self.begun.message_event.set()
        self.connection.lose()
        self._end_head()

    def without_upgrade(self, data: bytes) -> bytes:
        """The data without a header ``Upgrade``, after which a parser would read no body."""
        return data

    def behind(self, data: bytes) -> int:  # noqa: ARG002 - h11 knows what it holds
        """The number of bytes at the end of this data that belong to a head that has only begun."""
        return 1

    def data_received(self, data: bytes) -> None:
        if b"pgrade" in data:
            data = self.without_upgrade(data)
        self.pending += len(data)
        if self.pending > self.limits.head_size:
            self._receive_much(data)
        else:
            super().data_received(data)  # type: ignore[misc] # as above
            self.pending = self.pending or (self.behind(data) if self.in_head() else 0)
        # The data nearly always ends with the end of a request, so that nothing is pending.
        if self.pending or self.in_head():
            self._wait_for_the_rest()
        elif self.unfinished is not None:
            self._end_head()

    def _receive_much(self, data: bytes) -> None:
        """Pass at most the limit of a head to the parser, so that it cannot hold more."""
        self.pending -= len(data)
        while data and not self.transport.is_closing():
            room = len(data) if self.in_body() else self.limits.head_size - self.pending
            if room <= 0:
                self._refuse(self.limits.too_large())
                return
            piece, data = data[:room], data[room:]
            self.pending += len(piece)
            super().data_received(piece)  # type: ignore[misc] # as above
            self.pending = self.pending or (self.behind(piece) if self.in_head() else 0)

    def _wait_for_the_rest(self) -> None:
        if self.transport.is_closing():
            return
        if self.in_head():
            self.unfinished = self.unfinished or UnfinishedHead(self.limits, self.memory)
            if not self.unfinished.grow(self.pending + _FIELD * self.fields(), self._give_up):
                self._refuse(NO_MEMORY)
        elif self.pending > self.limits.head_size:
            self.transport.abort()  # endless trailers, or an endless line before a chunk

    def _end_head(self) -> None:
        if self.unfinished is not None:
            self.unfinished.end()
            self.unfinished = None

    def _give_up(self) -> None:
        self._refuse(self.limits.too_slow())

    def _refuse(self, response: bytes) -> None:
        """Send an error response and end the connection, or end it after the responses to earlier requests."""
        self._end_head()
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.keep_alive = False
            self.flow.pause_reading()
        elif not self.transport.is_closing():
            self.pending = 0
            self._unset_keepalive_if_required()
            refuse(self.transport, response, self.connection_lost)


def _in_namespace(app: ASGIApp, name: str) -> ASGIApp:
    """The application, as if every path began with that of a namespace."""

    def serve(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        scope["path"] = f"/ns/{name}{scope['path']}"
        return app(scope, receive, send)

    return serve
