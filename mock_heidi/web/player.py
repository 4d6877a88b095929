"""Play a delivery on a connection. Only this module waits with an answer and sends it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from http import HTTPStatus
from typing import Any, Self

from starlette.types import Message, Receive, Send

from mock_heidi.faults.delivery import Delivery, Ending, Header
from mock_heidi.faults.framing import reframed
from mock_heidi.namespaces.namespace import Namespace
from mock_heidi.serving.connection import Connection, connection_of
from mock_heidi.state.clock import Alarm, precise
from mock_heidi.web.admission import drop_unused_namespace
from mock_heidi.web.request import Request

# The number of parts without a pause that go out in one turn of the event loop.
_BURST = 16
# During a slow answer, seconds between two checks for a client that has left.
_CHECK_INTERVAL = 1.0


async def send_whole(request: Request, send: Send, status: int, headers: list[Header], body: bytes) -> None:
    """Send an answer without pauses and faults. Most answers are sent this way."""
    if request.made and status >= HTTPStatus.BAD_REQUEST:
        drop_unused_namespace(request)  # first: the dropped journal must not give the request a number
    request.answered(status)
    head = {"type": "http.response.start", "status": status, "headers": headers}
    if request.entry is not None or request.why is not None:
        request.journaled().pieces = (body,)
    elif request.known_namespace is not None:
        request.number = request.known_namespace.journal.keep(request, head, body)
    await _send_head(request, send, head)
    await send({"type": "http.response.body", "body": body})


def _send_head(request: Request, send: Send, head: Message) -> Awaitable[None]:
    """Send the head, with the number of the request in the journal and the provenance of its answer.

    The journal keeps the message itself: CORS puts its headers into it.
    """
    headers = head["headers"]
    if request.why is not None:
        headers = [*headers, (b"x-mock-reason", request.why.encode("ascii", "replace"))]
        entry = request.journaled()
        entry.why, entry.stray = request.why, request.stray
    if request.entry is not None:
        entry = request.journaled()
        entry.head, entry.status, entry.provenance, entry.met = head, request.status, request.provenance, request.met
    if request.number:
        headers = [*headers, (b"x-mock-request-id", b"%d" % request.number)]
    if request.provenance is not None and request.registry.settings.provenance:
        headers = [*headers, (b"x-mock-provenance", request.provenance.encode())]
    head["headers"] = headers
    return send(head)


class Player:
    """Plays one answer and counts the parts that were really sent."""

    def __init__(self, request: Request, send: Send) -> None:
        self.request = request
        self.entry = request.journaled()
        self.connection = connection_of(request.scope)
        self._send = send
        self.parts = 0
        """The number of parts that were sent completely."""
        self._committed = False
        self.ended = False
        """True once the answer has ended as planned."""

    async def wait(self, seconds: float) -> bool:
        """Wait before the work. Returns False if the client left or the namespace was reset."""
        namespace = self.request.namespace
        namespace.journal.tell_start(self.entry)
        with _Interruption(namespace, self.connection, None) as interruption:
            await namespace.clock.wait(namespace.clock.exact() + seconds * 1000, interruption)
            return not await self._interrupted(interruption)

    async def play(self, delivery: Delivery) -> None:
        """Send the answer part by part, and end it."""
        namespace = self.request.known_namespace  # None for a refusal, which makes no namespace
        if namespace is None or not _takes_time(delivery):
            assert delivery.status is not None  # noqa: S101 - an answer without a head takes time
            self.parts, self.ended = len(delivery.parts), True
            await send_whole(self.request, self._send, delivery.status, _headers(delivery), delivery.body)
            return
        delivery = reframed(delivery, namespace.assumptions["stream_framing"])
        # In process there is no connection: the next message says that the client left. Only a stream waits for it.
        receive = self.request.receive if delivery.streams else None
        with _Interruption(namespace, self.connection, receive) as interruption:
            if self.connection is not None:
                # Commit as soon as the client leaves, since its next request may read the result.
                self.connection.on_lost = lambda: None if interruption.dropped else self._commit(delivery)
            if delivery.pause or delivery.status is None:
                namespace.journal.tell_start(self.entry)
            try:
                await namespace.clock.wait(namespace.clock.exact() + delivery.pause * 1000, interruption)
                if delivery.status is not None and not interruption.over:
                    self.request.answered(delivery.status)
                    head = {"type": "http.response.start", "status": delivery.status, "headers": _headers(delivery)}
                    await _send_head(self.request, self._send, head)
                namespace.journal.tell_start(self.entry)
                await self._parts(delivery, namespace, interruption)
                if not await self._interrupted(interruption):
                    await self._end(delivery, interruption)
            finally:
                if interruption.dropped:
                    self.request.ended_by_server = True  # so the journal does not say that the client left
                    self.entry.dropped = True
                else:
                    self._commit(delivery)  # also if the client has left: the result is kept
                if self.connection is not None:
                    self.connection.on_lost = None

    async def _parts(self, delivery: Delivery, namespace: Namespace, interruption: _Interruption) -> None:
        clock, size = namespace.clock, delivery.write_size
        # Each part has a due time. If the clock jumps ahead, all parts that are due then go out.
        due = clock.exact()
        whole = self._is_whole(delivery)
        for number, part in enumerate(delivery.parts):
            # Let the event loop run now and then: it writes the sent parts and notices a client that left.
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
        """Send a part in writes of ``size`` bytes. Returns False if interrupted. The journal keeps one piece."""
        for at in range(0, len(data), size):
            if interruption.rung and interruption.over:
                self.entry.stream(data[:at], precise())
                return False
            await self._send({"type": "http.response.body", "body": data[at : at + size], "more_body": True})
            await asyncio.sleep(0)  # let the event loop run, so that each is a separate write
        self.entry.stream(data, precise())
        return True

    @staticmethod
    def _is_whole(delivery: Delivery) -> bool:
        """True for a body whose last part is sent with ``more_body=False``."""
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
        # Count the end as played even if the client leaves now: the server cannot distinguish the two.
        self.ended, entry.early_end, entry.ending = True, delivery.early, delivery.ending.value
        if delivery.status is not None:
            await connection.flush()
        if delivery.ending is Ending.STALL:
            await interruption.come()
        if await self._interrupted(interruption):
            return
        self._commit(delivery)
        # The server ends the connection, so the journal must not say that the client left.
        self.request.ended_by_server, entry.client_left = True, False
        await (connection.reset() if delivery.ending is Ending.RESET else connection.close())

    def _commit(self, delivery: Delivery) -> None:
        if delivery.commit is not None and not self._committed:
            self._committed = True
            delivery.commit()

    async def _interrupted(self, interruption: _Interruption) -> bool:
        """True if the client has left or the namespace was reset. Tells the journal which of them."""
        if not interruption.over:
            return False
        if interruption.dropped:
            self.request.ended_by_server = True  # so the journal does not say that the client left
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
    """An alarm that rings when the client leaves or the namespace is reset."""

    def __init__(self, namespace: Namespace, connection: Connection | None, receive: Receive | None) -> None:
        super().__init__()
        self._namespace = namespace
        self._connection = connection
        self.dropped = False
        """True once a reset of the namespace has dropped the answer."""
        self._gone: asyncio.Future[Any] | None = None
        self._timer: asyncio.TimerHandle | None = None
        if connection is not None:
            self._gone = connection.gone
            self._timer = asyncio.get_running_loop().call_later(_CHECK_INTERVAL, self._check_client, connection)
        elif receive is not None:
            self._gone = asyncio.ensure_future(receive())

    def __enter__(self) -> Self:
        if self._gone is not None:
            self._gone.add_done_callback(self.ring)
        self._namespace.streams.add(self._drop)
        return self

    def _drop(self) -> None:
        if not self.dropped and self._connection is not None:
            # Cut the connection at once: if the client does not read, sending a part never ends.
            self._connection.cut()
        self.dropped = True
        self.ring()

    def _check_client(self, connection: Connection) -> None:
        if not connection.lost:
            connection.cut_if_left()
            self._timer = asyncio.get_running_loop().call_later(_CHECK_INTERVAL, self._check_client, connection)

    @property
    def over(self) -> bool:
        """True if the client has left or the namespace was reset. In process, a reset only ends the waits."""
        return self._gone is not None and (self._gone.done() or self.dropped)

    async def come(self) -> None:
        """Wait until the client leaves or the namespace is reset."""
        if not self.rung:
            await self.set()

    def __exit__(self, *_: object) -> None:
        self._namespace.streams.discard(self._drop)
        if self._timer is not None:
            self._timer.cancel()
        if self._gone is not None:
            # The future refers to its callbacks, and this object to the future. Only the collector frees such a cycle.
            self._gone.remove_done_callback(self.ring)
            if self._connection is None:
                self._gone.cancel()
