"""Bodies that come in pieces, framed as the vendor frames them, and what is said in them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from mock_heidi import scribe
from mock_heidi.http import Request
from mock_heidi.models import Reply


class PieceStream(Response):
    """A stream of pieces of text, framed as Heidi frames them: there is no end mark, the body just ends.

    ``done`` commits what the stream made. It runs once, before the end is sent, and also when the client has left:
    it is synchronous, since an awaited write would never complete then. A reset takes the stream away, uncommitted.
    """

    media_type = "text/event-stream"

    def __init__(self, request: Request, texts: Iterable[str], done: Callable[[], None] = lambda: None) -> None:
        super().__init__(None)
        # A stream has no length that could be told in advance.
        self.raw_headers = [header for header in self.raw_headers if header[0] != b"content-length"]
        self.request = request
        self.texts = texts
        self.done = done

    async def __call__(self, _: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        namespace = self.request.namespace
        left = asyncio.ensure_future(receive())
        taken_away: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        namespace.streams.add(taken_away)
        try:
            # Each piece has its moment, so that a clock that jumps ahead lets all pass that it has overtaken.
            due = float(namespace.clock.now())
            for number, text in enumerate(self.texts):
                due += namespace.pace(number) * 1000
                await self._pause((due - namespace.clock.now()) / 1000, left, taken_away)
                if taken_away.done():
                    return  # unfinished, so that the client sees a broken answer and not a short one
                if left.done():
                    self._note_left()
                    break
                await send({"type": "http.response.body", "body": frame(text), "more_body": True})
        finally:
            namespace.streams.discard(taken_away)
            left.cancel()
            if not taken_away.done():
                self.done()
        await send({"type": "http.response.body", "body": b""})

    async def _pause(self, seconds: float, *events: asyncio.Future[Any]) -> None:
        """Wait for the time of the next piece, or for an event that ends the stream."""
        if seconds <= 0:
            await asyncio.sleep(0)  # a turn of the loop: what was sent goes out, and who has left is noticed
            return
        pause = asyncio.ensure_future(self.request.namespace.clock.sleep(seconds))
        try:
            await asyncio.wait({pause, *events}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            pause.cancel()

    def _note_left(self) -> None:
        if self.request.call.entry is not None:
            self.request.call.entry.client_left = True


def frame(text: str) -> bytes:
    """One piece on the wire: ``data: {"data": "…"}`` and an empty line, everything beyond ASCII escaped."""
    return b'data: {"data": %s}\n\n' % json.dumps(text).encode()


def said(reply: Reply | None, own: Callable[[], Sequence[str]]) -> Sequence[str]:
    """The pieces of a text: those of the reply, exactly as given, or the mock's own."""
    if reply is None or reply.body is not None:
        return own()
    return reply.pieces if reply.pieces is not None else scribe.pieces(reply.text or "")
