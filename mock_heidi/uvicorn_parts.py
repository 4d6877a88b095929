"""Every part of uvicorn that its documentation does not promise, in one place.

A new version may change any of these. ``tests/test_uvicorn_parts.py`` says which of them are missing in the version
that is installed; ``pyproject.toml`` bounds the version at the newest one that was tried.

- ``uvicorn.Server``: overrides ``startup``, ``main_loop``, ``shutdown`` and ``serve``; calls ``_serve`` and
  ``on_tick``; reads ``servers`` and ``server_state`` (``connections``, ``tasks``).
- ``uvicorn.Config``: ``get_loop_factory``; ``http`` takes a protocol class.
- ``HttpToolsProtocol`` and ``H11Protocol``: override ``connection_made``, ``connection_lost`` and ``data_received``;
  read and set ``app``, ``transport``, ``flow`` (``pause_reading``), ``cycle``, ``loop``; call
  ``_unset_keepalive_if_required``.
- ``HttpToolsProtocol``: overrides ``on_message_begin``, ``on_headers_complete``, ``on_body`` and
  ``on_message_complete``; reads and sets ``headers``; reads ``pipeline``.
- ``FlowControl``: overrides ``resume_reading``; calls ``pause_reading``.
- ``H11Protocol``: overrides ``handle_events`` and ``on_response_complete``; reads ``conn``.
- ``RequestResponseCycle`` of both: is ``send.__self__``; reads ``response_complete``; sets ``disconnected``,
  ``message_event``, ``keep_alive``; with httptools also ``chunked_encoding`` and ``expected_content_length``.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import logging
import socket
import threading
from collections.abc import Awaitable, Callable, Sized
from typing import Any, Literal

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.flow_control import FlowControl

from mock_heidi.heads import NO_MEMORY, Limits, UnfinishedHead, refuse
from mock_heidi.memory import MemoryBudget
from mock_heidi.wire import EXTENSION, Gathering, Outbox, Wire

# A parsed header field costs about this much beside its bytes.
_FIELD = 150
# So many requests may wait for the answer to an earlier one before the connection is read no further.
_WAITING = 16


def installed(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


class _Connection:
    """The common part of our two protocols, whichever parser reads the requests.

    It limits the heads of requests, and it tells the application which connection a request came by.
    """

    limits: Limits
    memory: MemoryBudget
    outbox: Outbox

    # uvicorn's
    app: ASGIApp
    cycle: Any
    flow: Any
    transport: Any
    _unset_keepalive_if_required: Callable[[], None]

    begun: Any = None
    """The cycle of the request that the application was given last."""
    pending = 0
    """Bytes that came since the parser last completed a head, a piece of a body or a request."""
    unfinished: UnfinishedHead | None = None
    """The head that the parser waits for the rest of."""

    def in_body(self) -> bool:
        """True if the parser has completed a head and now reads its body."""
        raise NotImplementedError

    def fields(self) -> int:
        """The number of header fields that the parser has made of an unfinished head."""
        return 0

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)  # type: ignore[misc] # uvicorn's protocol comes next
        self.transport = Gathering(transport, self.outbox)
        self.wire = Wire(self.transport)
        serve, extensions = self.app, {EXTENSION: self.wire}

        def wired(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
            scope["extensions"] = extensions
            self.begun = getattr(send, "__self__", None)
            if scope["http_version"] != "1.1":
                send = self.without_chunks(send)
            return serve(scope, receive, send)

        self.app = wired

    def without_chunks(self, send: Send) -> Send:
        """A ``send`` for a client older than HTTP/1.1, which reads a body up to the end of the connection."""
        return send

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)  # type: ignore[misc] # as above
        # uvicorn tells the request that came last, which may still wait behind the one that is being answered.
        if self.begun is not None and not self.begun.response_complete:
            self.begun.disconnected = True
            self.begun.message_event.set()
        self.wire.lose()
        self._end_head()

    def data_received(self, data: bytes) -> None:
        self.pending += len(data)
        if self.pending > self.limits.head_size:
            self._receive_much(data)
        else:
            super().data_received(data)  # type: ignore[misc] # as above
        # Nearly always the data holds a whole request, so that nothing is pending.
        if self.pending:
            self._wait_for_the_rest()
        elif self.unfinished is not None:
            self._end_head()

    def _receive_much(self, data: bytes) -> None:
        """Give the parser no more of a head than the limit, so that it cannot keep more."""
        self.pending -= len(data)
        while data and not self.transport.is_closing():
            room = len(data) if self.in_body() else self.limits.head_size - self.pending
            if room <= 0:
                self._refuse(self.limits.too_large())
                return
            piece, data = data[:room], data[room:]
            self.pending += len(piece)
            super().data_received(piece)  # type: ignore[misc] # as above

    def _wait_for_the_rest(self) -> None:
        if self.transport.is_closing():
            return
        if not self.in_body():
            self.unfinished = self.unfinished or UnfinishedHead(self.limits, self.memory)
            if not self.unfinished.grow(self.pending + _FIELD * self.fields(), self._give_up):
                self._refuse(NO_MEMORY)
        elif self.pending > self.limits.head_size:
            self.transport.abort()  # the line that begins a chunk, or trailers, do not end

    def _end_head(self) -> None:
        if self.unfinished is not None:
            self.unfinished.end()
            self.unfinished = None

    def _give_up(self) -> None:
        self._refuse(self.limits.too_slow())

    def _refuse(self, answer: bytes) -> None:
        """Send an answer that ends the connection. If others must go out before, the connection ends after those."""
        self._end_head()
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.keep_alive = False
            self.flow.pause_reading()
        elif not self.transport.is_closing():
            self.pending = 0
            self._unset_keepalive_if_required()
            refuse(self.transport, answer, self.connection_lost)


class _Flow(FlowControl):
    """Reads no more from a client whose requests wait in large number: each that was read costs some kilobytes."""

    def __init__(self, transport: Any, waiting: Sized) -> None:
        super().__init__(transport)
        self._waiting = waiting

    def resume_reading(self) -> None:
        if len(self._waiting) < _WAITING:
            super().resume_reading()


def _httptools() -> type[Any]:
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol  # noqa: PLC0415 - where it is installed

    class HttpToolsConnection(_Connection, HttpToolsProtocol):
        reads_body = False

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self.flow = _Flow(transport, self.pipeline)

        def in_body(self) -> bool:
            return self.reads_body

        def fields(self) -> int:
            return len(self.headers or ())

        def on_message_begin(self) -> None:
            self.pending = self.pending or 1  # behind another request it begins in the middle of the data
            super().on_message_begin()

        def on_headers_complete(self) -> None:
            self.pending, self.reads_body = 0, True
            super().on_headers_complete()
            # The parser reports trailers as headers: they go into a list that nobody reads.
            self.headers = []

        def on_body(self, body: bytes) -> None:
            self.pending = 0
            super().on_body(body)

        def on_message_complete(self) -> None:
            self.pending, self.reads_body = 0, False
            super().on_message_complete()

        def without_chunks(self, send: Send) -> Send:
            cycle = self.begun
            cycle.chunked_encoding, cycle.keep_alive = False, False

            def sending(message: Message) -> Awaitable[None]:
                # uvicorn counts down the length that an answer has promised: each piece promises itself.
                cycle.expected_content_length = len(message.get("body", b""))
                return send(message)

            return sending

    return HttpToolsConnection


def _h11() -> type[Any]:
    import h11  # noqa: PLC0415 - as below
    from uvicorn.protocols.http.h11_impl import H11Protocol  # noqa: PLC0415 - only without httptools

    class Counting(H11Protocol):
        pending = 0

        def handle_events(self) -> None:
            super().handle_events()
            # h11 itself bounds what it keeps of a body's framing, and answers 400.
            self.pending = len(self.conn.trailing_data[0]) if self.conn.their_state is h11.IDLE else 0

    class H11Connection(_Connection, Counting):
        def in_body(self) -> bool:
            return self.conn.their_state is h11.SEND_BODY

        def on_response_complete(self) -> None:
            super().on_response_complete()
            if self.pending:  # what came behind the request was read only now
                self._wait_for_the_rest()

    return H11Connection


def protocol(limits: Limits, memory: MemoryBudget) -> type[Any]:
    """uvicorn's protocol on the fastest parser that is installed, with our limits."""
    made = _httptools() if installed("httptools") else _h11()
    return type(made.__name__, (made,), {"limits": limits, "memory": memory, "outbox": Outbox()})


class BoundServer(uvicorn.Server):
    """Serves an application on sockets that are bound already, until it is told to stop; then it ends at once.

    Stock uvicorn would wait for streams that never end.
    """

    def __init__(
        self,
        app: ASGIApp,
        sockets: list[socket.socket],
        started: Callable[[], None],
        limits: Limits,
        memory: MemoryBudget,
    ) -> None:
        self.sockets = sockets
        loop: Literal["uvloop", "asyncio"] = "uvloop" if installed("uvloop") else "asyncio"
        super().__init__(
            uvicorn.Config(
                app,
                loop=loop,
                http=protocol(limits, memory),
                ws="none",
                lifespan="off",
                interface="asgi3",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=75,
                h11_max_incomplete_event_size=limits.head_size,
            )
        )
        self._announce = started
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended: asyncio.Event | None = None
        self._stopping = threading.Event()

    def stop(self) -> None:
        """End it, from any thread."""
        self._stopping.set()
        if self._loop is not None and self._ended is not None:
            with contextlib.suppress(RuntimeError):  # it has ended by itself
                self._loop.call_soon_threadsafe(self._ended.set)

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        await self._serve(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        try:
            self._announce()
        except BaseException:
            await self.shutdown(sockets)
            raise

    async def main_loop(self) -> None:
        assert self._ended is not None  # noqa: S101 - serve() has made it
        while not self._stopping.is_set():
            await self.on_tick(0)  # renews the Date header
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ended.wait(), timeout=1)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()
        for connection in list(self.server_state.connections):
            transport: Any = connection.transport
            cycle: Any = getattr(connection, "cycle", None)
            if cycle is None or cycle.response_complete:
                transport.close()
            else:
                transport.abort()
        await asyncio.sleep(0)  # let the connections learn that they are lost
        tasks = list(self.server_state.tasks)
        for task in tasks:
            task.cancel()
        # uvicorn would print a traceback for every stream that the end of the server cuts off.
        log = logging.getLogger("uvicorn.error")
        log.addFilter(_no_cancellation)
        try:
            await asyncio.gather(*tasks, return_exceptions=True)
        finally:
            log.removeFilter(_no_cancellation)


def _no_cancellation(record: logging.LogRecord) -> bool:
    return record.exc_info is None or not isinstance(record.exc_info[1], asyncio.CancelledError)
