"""The events of a namespace, sent as server-sent events when they happen."""

import asyncio

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from mock_heidi.base.json_text import to_json
from mock_heidi.base.slices import in_slices
from mock_heidi.control.control import ControlRoute, read_number, wait_for_disconnect
from mock_heidi.namespaces.namespace import Namespace
from mock_heidi.observing.headlines import Headline
from mock_heidi.serving.connection import Connection, connection_of
from mock_heidi.state.events import Event
from mock_heidi.web.request import Request

_QUIET = 15
"""Seconds without an event after which a comment keeps the connection alive."""
_DIGITS = 12
# Seconds between two writes to a listener, and the longest time between two checks of a listener that does not read.
_PAUSE, _LONGEST_PAUSE = 0.02, 0.25
# The most events and the approximate number of bytes of one write. More could block it.
_BATCH, _MUCH = 200, 32 * 1024
STAY = 10
"""Seconds after the last listener left in which events are still recorded, so that a listener can come back."""
_PATIENCE = 30
"""Seconds in which a dropped listener must read the rest of what it was sent."""


async def listen(request: Request) -> Response:
    """The events from now on. With ``Last-Event-ID``, also the kept events since that one.

    Ids are consecutive, so that a gap shows lost events.
    """
    last = request.header("last-event-id")
    wrong, hint = f"Last-Event-ID: {last} is not the id of an event", "send the id of the last event that you received"
    after = None if last is None else read_number(last, _DIGITS, wrong, hint)
    events = request.namespace.listen()
    since = events.last if after is None else after
    # A higher id than the last one is from an earlier server or namespace.
    return EventStream(request.namespace, since if since <= events.last else 0)


class EventStream(Response):
    """The events of a namespace that are newer than an id, until the client leaves or the namespace is dropped.

    Events that come quickly are sent together. If a listener reads so slowly that its next event is no longer kept, it
    gets the event ``behind`` and its connection ends.
    """

    media_type = "text/event-stream"

    def __init__(self, namespace: Namespace, last: int) -> None:
        self.namespace = namespace
        self.events = namespace.events
        # Events that are no longer kept were lost before this listener came.
        self.last = max(last, self.events.first - 1)
        # A listener that must leave before its first event can continue with this id.
        super().__init__(None, headers={"cache-control": "no-store", "last-event-id": str(self.last)})
        self.raw_headers = [header for header in self.raw_headers if header[0] != b"content-length"]
        self._unchecked = False
        """True if a request was reported since the last checks."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection, events = connection_of(scope), self.events
        events.visits += 1
        events.listeners += 1
        try:
            await self._tell(connection, receive, send)
        finally:
            events.listeners -= 1
            if not events.listeners:
                asyncio.get_running_loop().call_later(STAY, self.namespace.stop_listening, events.visits)

    async def _tell(self, connection: Connection | None, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await self._send(send, b": listening\n\n")
        left = asyncio.ensure_future(wait_for_disconnect(receive))
        try:
            while not left.done() and not self._over:
                if fresh := self._fresh():
                    await self._send(send, fresh)
                    await self._wait_until_read(connection, left)
                    await self._check()
                else:
                    await self.events.more(_QUIET, left)
                    if not left.done() and self.last == self.events.last:
                        await self._send(send, b": quiet\n\n")
        finally:
            left.cancel()
        if left.done() or self.events.closed:
            await send({"type": "http.response.body", "body": b""})
        else:
            await self._drop(connection, send)

    @property
    def _over(self) -> bool:
        """True if the namespace was dropped, or the next event is no longer kept."""
        return self.events.closed or self.last + 1 < self.events.first

    async def _send(self, send: Send, body: bytes) -> None:
        await send({"type": "http.response.body", "body": body, "more_body": True})

    def _fresh(self) -> bytes:
        """The frames of the next events, at most as many as one write takes."""
        frames, size, reader = [], 0, None
        for event in self.events.after(self.last, _BATCH):
            reader = reader or self.namespace.journal.reader
            if event.reader is not reader:
                event.frame, event.reader = self._frame(event), reader
            frames.append(event.frame)
            self.last = event.id
            self._unchecked = self._unchecked or event.kind == "request"
            size += len(event.frame)
            if size > _MUCH:
                break
        return b"".join(frames)

    async def _check(self) -> None:
        """Check the reported requests. Their findings become events."""
        if self._unchecked:
            self._unchecked = False
            await in_slices(self.namespace.checks.running(self.namespace.journal))

    async def _wait_until_read(self, connection: Connection | None, left: asyncio.Future[None]) -> None:
        """Wait a moment, and longer until the client has read the earlier events."""
        pause = _PAUSE
        while True:
            await asyncio.wait({left}, timeout=pause)
            if left.done() or self._over or connection is None or not connection.backlog:
                return
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def _drop(self, connection: Connection | None, send: Send) -> None:
        missed = {"missed": self.events.last - self.last}
        last = b"id: %d\nevent: behind\ndata: %s\n\n" % (self.last, to_json(missed))
        try:
            async with asyncio.timeout(_PATIENCE):
                await send({"type": "http.response.body", "body": last})
                if connection is not None:
                    await connection.flush()
        except TimeoutError:
            if connection is not None:
                connection.cut()

    def _frame(self, event: Event) -> bytes:
        journal = self.namespace.journal
        data = journal.headline(event.data) if isinstance(event.data, Headline) else journal.clean(event.data)
        return b"id: %d\nevent: %s\ndata: %s\n\n" % (event.id, event.kind.encode(), to_json(data))


routes = [ControlRoute("/events", listen, "GET")]
