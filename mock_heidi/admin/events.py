"""What happens, as it happens: server-sent events."""

import asyncio

from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from mock_heidi.admin.control import ControlError, known_query, leaving
from mock_heidi.events import Event
from mock_heidi.http import Request
from mock_heidi.journal import Entry
from mock_heidi.json_text import to_json
from mock_heidi.namespace import Namespace

_QUIET = 15
"""Seconds after which a line that says nothing shows that the connection lives."""
_DIGITS = 12


async def listen(request: Request) -> Response:
    """Every event from now on; after ``Last-Event-ID``, also those since that one that are still kept.

    Ids follow each other, so what is no longer kept shows as a gap.
    """
    known_query(request, ())
    last = request.headers.get("last-event-id")
    if last is not None and (not last.isascii() or not last.isdecimal() or len(last) > _DIGITS):
        raise ControlError(400, f"Last-Event-ID: {last} is no event's id", "send the id of the last event you saw")
    events = request.namespace.listen()
    since = events.last if last is None else int(last)
    # An id that is still to come is from before this server, or this namespace, began.
    return EventStream(request.namespace, since if since <= events.last else 0)


class EventStream(Response):
    """The events of a namespace that are newer than an id, until the client leaves or the namespace goes."""

    media_type = "text/event-stream"

    def __init__(self, namespace: Namespace, last: int) -> None:
        super().__init__(None, headers={"cache-control": "no-store"})
        self.raw_headers = [header for header in self.raw_headers if header[0] != b"content-length"]
        self.namespace = namespace
        self.last = last

    async def __call__(self, _: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": b": listening\n\n", "more_body": True})
        left = asyncio.ensure_future(leaving(receive))
        events = self.namespace.events
        try:
            while not left.done() and not events.closed:
                fresh = events.after(self.last)
                for event in fresh:
                    await send({"type": "http.response.body", "body": self._frame(event), "more_body": True})
                    self.last = event.id
                if not fresh:
                    await events.more(_QUIET, left)
                    if not left.done() and not events.after(self.last):
                        await send({"type": "http.response.body", "body": b": quiet\n\n", "more_body": True})
        finally:
            left.cancel()
        await send({"type": "http.response.body", "body": b""})

    def _frame(self, event: Event) -> bytes:
        journal = self.namespace.journal
        data = journal.headline(event.data) if isinstance(event.data, Entry) else journal.clean(event.data)
        return b"id: %d\nevent: %s\ndata: %s\n\n" % (event.id, event.kind.encode(), to_json(data))


routes = [Route("/events", listen, methods=["GET"])]
