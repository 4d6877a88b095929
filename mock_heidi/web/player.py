"""Plays a delivery on a connection: the only place where an answer waits or is sent."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from http import HTTPStatus
from typing import Any, Self

from starlette.types import Receive, Send

from mock_heidi.faults.delivery import Delivery, Ending, Header
from mock_heidi.faults.framing import reframed
from mock_heidi.namespaces.namespace import Namespace
from mock_heidi.serving.connection import Connection, connection_of
from mock_heidi.state.clock import Alarm, precise
from mock_heidi.web.request import Request

# So many parts without a pause may go out in one turn of the loop.
_BURST = 16
# Seconds between two looks at whether the client of an answer that takes time has left.
_LOOK = 1.0


async def send_whole(request: Request, send: Send, status: int, headers: list[Header], body: bytes) -> None:
    """Send an answer that neither waits nor breaks, as nearly all do."""
    if request.made and status >= HTTPStatus.BAD_REQUEST:
        request.drop_unused_namespace()  # before it gets a number in a journal that goes
    if request.entry is not None or request.why is not None:
        request.journaled().pieces = (body,)
    elif request.known_namespace is not None:
        request.number = request.known_namespace.journal.keep(request, status, body)
    await _send_head(request, send, status, headers)
    await send({"type": "http.response.body", "body": body})


def _send_head(request: Request, send: Send, status: int, headers: list[Header]) -> Awaitable[None]:
    """Send a head with the number that the journal gives its request."""
    request.status = status
    if request.why is not None:
        headers = [*headers, (b"x-mock-reason", request.why.encode("ascii", "replace"))]
        entry = request.journaled()
        entry.why, entry.stray = request.why, request.stray
    if request.entry is not None:
        request.journaled().status = status
    if request.number:
        headers = [*headers, (b"x-mock-request-id", b"%d" % request.number)]
    return send({"type": "http.response.start", "status": status, "headers": headers})


class Player:
    """Plays one answer, and knows what of it was really sent."""

    def __init__(self, request: Request, send: Send) -> None:
        self.request = request
        self.entry = request.journaled()
        self.connection = connection_of(request.scope)
        self._send = send
        self.parts = 0
        """The number of parts that went out whole."""
        self._committed = False
        self.ended = False
        """True once the answer has ended as it was planned."""

    async def wait(self, seconds: float) -> bool:
        """Wait before any work; False if the client left, or a reset of the namespace took the answer away."""
        namespace = self.request.namespace
        with _Interruption(namespace, self.connection, None) as interruption:
            await namespace.clock.wait(namespace.clock.exact() + seconds * 1000, interruption)
            return not await self._interrupted(interruption)

    async def play(self, delivery: Delivery) -> None:
        """Send the answer part by part, and end it."""
        namespace = self.request.known_namespace  # None for a refusal, which makes none
        if namespace is None or not _takes_time(delivery):
            assert delivery.status is not None  # noqa: S101 - without a head there is an end to play
            self.parts, self.ended = len(delivery.parts), True
            await send_whole(self.request, self._send, delivery.status, _headers(delivery), delivery.body)
            return
        delivery = reframed(delivery, namespace.assumptions["stream_framing"])
        # In process, the next message tells that the client leaves; no other message may be received before the answer.
        receive = self.request.receive if delivery.streams else None
        with _Interruption(namespace, self.connection, receive) as interruption:
            if self.connection is not None:
                # A client that leaves may look at once for what its answer made.
                self.connection.on_lost = lambda: None if interruption.taken else self._commit(delivery)
            try:
                await namespace.clock.wait(namespace.clock.exact() + delivery.pause * 1000, interruption)
                if delivery.status is not None and not interruption.over:
                    await _send_head(self.request, self._send, delivery.status, _headers(delivery))
                await self._parts(delivery, namespace, interruption)
                if not await self._interrupted(interruption):
                    await self._end(delivery, interruption)
            finally:
                if interruption.taken:
                    self.request.ended_by_server = True  # or it would look as if the client had left
                else:
                    self._commit(delivery)  # also when the client has left: what was made is kept
                if self.connection is not None:
                    self.connection.on_lost = None

    async def _parts(self, delivery: Delivery, namespace: Namespace, interruption: _Interruption) -> None:
        clock, size = namespace.clock, delivery.write_size
        # Each part has its moment, so that a clock that jumps ahead lets all pass that it has overtaken.
        due = clock.exact()
        whole = self._is_whole(delivery)
        for number, part in enumerate(delivery.parts):
            # A turn of the loop now and then: what was sent goes out, and who has left is noticed.
            if number % _BURST == 1:
                await asyncio.sleep(0)
            if part.pause:
                due += part.pause * 1000
                await clock.wait(due, interruption)
            if interruption.rung and interruption.over:
                return
            if size is not None:
                if not await self._in_writes(part.data, size, interruption):
                    return
            else:
                await self._piece(part.data, more=not (whole and number == len(delivery.parts) - 1))
            self.parts += 1

    async def _in_writes(self, data: bytes, size: int, interruption: _Interruption) -> bool:
        """Send a part in writes of so many bytes; False if it was interrupted. The journal keeps it as one piece."""
        for at in range(0, len(data), size):
            if interruption.rung and interruption.over:
                self.entry.stream(data[:at], precise())
                return False
            await self._send({"type": "http.response.body", "body": data[at : at + size], "more_body": True})
            await asyncio.sleep(0)  # a turn of the loop, so that each is a write of its own
        self.entry.stream(data, precise())
        return True

    @staticmethod
    def _is_whole(delivery: Delivery) -> bool:
        """True for a body whose last part can say that it is the last."""
        return not delivery.streams and delivery.ending is Ending.COMPLETE and delivery.write_size is None

    async def _piece(self, data: bytes, *, more: bool = True) -> None:
        entry = self.entry
        if more or entry.times:
            entry.stream(data, precise() if more else None)
        else:
            entry.pieces = (data,)
        await self._send({"type": "http.response.body", "body": data, "more_body": more})

    async def _end(self, delivery: Delivery, interruption: _Interruption) -> None:
        entry, connection = self.entry, self.connection
        if delivery.ending is Ending.COMPLETE or connection is None:
            self.ended, entry.early_end = True, delivery.early
            self.request.ended_by_server = delivery.early
            self._commit(delivery)
            if not self._is_whole(delivery):
                await self._piece(b"", more=False)
            return
        # The end counts as played even if the client leaves now, since the two cannot be told apart.
        self.ended, entry.early_end = True, delivery.early
        if delivery.status is not None:
            await connection.flush()
        if delivery.ending is Ending.STALL:
            await interruption.come()
        if await self._interrupted(interruption):
            return
        self._commit(delivery)
        # The journal would take a connection that we end for a client that left.
        self.request.ended_by_server, entry.client_left = True, False
        await (connection.reset() if delivery.ending is Ending.RESET else connection.close())

    def _commit(self, delivery: Delivery) -> None:
        if delivery.commit is not None and not self._committed:
            self._committed = True
            delivery.commit()

    async def _interrupted(self, interruption: _Interruption) -> bool:
        """True where the client has left or a reset took the answer away; the journal learns which."""
        if not interruption.over:
            return False
        if interruption.taken:
            self.request.ended_by_server = True  # or it would look as if the client had left
            if self.connection is not None:
                await self.connection.gone
        else:
            self.entry.client_left = True
        return True


def _headers(delivery: Delivery) -> list[Header]:
    if delivery.length is None or not delivery.has_body:
        return list(delivery.headers)
    return [*delivery.headers, (b"content-length", b"%d" % delivery.length)]


def _takes_time(delivery: Delivery) -> bool:
    return (
        delivery.streams
        or delivery.status is None
        or delivery.pause > 0
        or delivery.ending is not Ending.COMPLETE
        or len(delivery.parts) != 1
        or delivery.parts[0].pause > 0
    )


class _Interruption(Alarm):
    """An alarm that rings when the client leaves, or when a reset of the namespace takes the answer away."""

    def __init__(self, namespace: Namespace, connection: Connection | None, receive: Receive | None) -> None:
        super().__init__()
        self._namespace = namespace
        self._connection = connection
        self.taken = False
        """True once a reset of the namespace has taken the answer away."""
        self._gone: asyncio.Future[Any] | None = None
        self._timer: asyncio.TimerHandle | None = None
        if connection is not None:
            self._gone = connection.gone
            self._timer = asyncio.get_running_loop().call_later(_LOOK, self._look, connection)
        elif receive is not None:
            self._gone = asyncio.ensure_future(receive())

    def __enter__(self) -> Self:
        if self._gone is not None:
            self._gone.add_done_callback(self.ring)
        self._namespace.streams.add(self._take)
        return self

    def _take(self) -> None:
        if not self.taken and self._connection is not None:
            # At once, also under a client that reads nothing: then the sending of a part never comes to an end.
            self._connection.cut()
        self.taken = True
        self.ring()

    def _look(self, connection: Connection) -> None:
        if not connection.lost:
            connection.cut_if_left()
            self._timer = asyncio.get_running_loop().call_later(_LOOK, self._look, connection)

    @property
    def over(self) -> bool:
        """True if the client has left or the namespace was reset. In process, a reset only ends the waits."""
        return self._gone is not None and (self._gone.done() or self.taken)

    async def come(self) -> None:
        """Wait until the client leaves or the namespace is reset."""
        if not self.rung:
            await self.set()

    def __exit__(self, *_: object) -> None:
        self._namespace.streams.discard(self._take)
        if self._timer is not None:
            self._timer.cancel()
        if self._gone is not None:
            # A future holds its callbacks, and this holds the future: such a circle stays until somebody collects it.
            self._gone.remove_done_callback(self.ring)
            if self._connection is None:
                self._gone.cancel()
