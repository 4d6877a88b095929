"""Bodies that come in pieces, framed as the vendor frames them, and what is said in them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from json.encoder import encode_basestring_ascii

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from mock_heidi import scribe
from mock_heidi.clock import Alarm
from mock_heidi.http import Request
from mock_heidi.models import Reply
from mock_heidi.wire import Wire, wire_of

# So many pieces of a stream without a pace may go out in one turn of the loop.
_BURST = 16


class PieceStream(Response):
    """A stream of pieces of text, framed as Heidi frames them: there is no end mark, the body just ends.

    ``done`` commits what the stream made. It runs once, before the end is sent, and also when the client has left:
    it is synchronous, since an awaited write would never complete then. A reset takes the stream away, uncommitted,
    and its connection with it: the client must see a broken answer and not a short one.
    """

    media_type = "text/event-stream"

    def __init__(self, request: Request, texts: Sequence[str], done: Callable[[], None] = lambda: None) -> None:
        super().__init__(None)
        # A stream has no length that could be told in advance.
        self.raw_headers = [header for header in self.raw_headers if header[0] != b"content-length"]
        self.request = request
        self.texts = texts
        self.done = done

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        namespace, call, wire = self.request.namespace, self.request.call, wire_of(scope)
        call.pieces = len(self.texts)
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        left = asyncio.ensure_future(receive())
        taken_away = _taking_away(wire)
        namespace.streams.add(taken_away)
        alarm = Alarm()
        for end in (left, taken_away):
            end.add_done_callback(alarm.ring)
        try:
            # Each piece has its moment, so that a clock that jumps ahead lets all pass that it has overtaken.
            due = namespace.clock.exact()
            for number, text in enumerate(self.texts):
                due += namespace.pace(number) * 1000
                # A turn of the loop now and then: what was sent goes out, and who has left is noticed.
                if number % _BURST == 1:
                    await asyncio.sleep(0)
                await namespace.clock.wait(due, alarm)
                if taken_away.done():
                    break
                if left.done():
                    self._note_left()
                    break
                await send({"type": "http.response.body", "body": frame(text), "more_body": True})
                if call.over:
                    break  # at once: what comes after the end is no part of the stream
        finally:
            namespace.streams.discard(taken_away)
            left.cancel()
            if not taken_away.done():
                self.done()
        if not taken_away.done():
            await send({"type": "http.response.body", "body": b""})
        elif wire is not None:
            call.over = True  # or it would look as if the client had left
            await wire.gone

    def _note_left(self) -> None:
        if self.request.call.entry is not None:
            self.request.call.entry.client_left = True


def _taking_away(wire: Wire | None) -> asyncio.Future[None]:
    """Done when a stream is to end, which cuts its connection."""
    taken_away: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    if wire is not None:
        # At once, also under a client that reads nothing: then the sending of a piece never comes to an end.
        taken_away.add_done_callback(lambda _: wire.cut())
    return taken_away


def frame(text: str) -> bytes:
    """One piece on the wire: ``data: {"data": "…"}`` and an empty line, everything beyond ASCII escaped."""
    return b'data: {"data": %s}\n\n' % encode_basestring_ascii(text).encode()


def said(reply: Reply | None, own: Callable[[], Sequence[str]]) -> Sequence[str]:
    """The pieces of a text: those of the reply, exactly as given, or the mock's own."""
    if reply is None or reply.body is not None:
        return own()
    return reply.pieces if reply.pieces is not None else scribe.pieces(reply.text or "")


def distorted(request: Request, compose: Callable[[Sequence[str]], str]) -> str:
    """A text with what a fault wants to be wrong in it; ``compose`` writes it with such effects.

    Effects that find nothing to spoil in the text do not count, nor do those of which others leave nothing.
    """
    counted = list(request.call.clinical)
    made = compose(counted)
    # Of those that come to the same one counts.
    for effect in reversed(request.call.clinical):
        others = [other for other in counted if other != effect]
        if compose(others) == made:
            counted = others
    request.call.distorted = tuple(counted)
    return made
