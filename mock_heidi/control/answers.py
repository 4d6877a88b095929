"""Long answers of the control API: bounded lists and streams of pieces. Other requests run while they are made."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from types import MappingProxyType
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from mock_heidi.base.json_text import to_json
from mock_heidi.base.slices import RECORD, Slices
from mock_heidi.control.control import wait_for_disconnect
from mock_heidi.web.response import Answer

NO_STORE = {"cache-control": "no-store"}
Members = Mapping[str, Any]
_NONE: Members = MappingProxyType({})


class Rows:
    """The rows of an answer: as many as fit into ``most`` bytes, but at least one. ``omitted`` counts the others."""

    def __init__(self, most: int) -> None:
        self.made: list[bytes] = []
        self.omitted = 0
        self._left = most
        self._slices = Slices()

    @property
    def full(self) -> bool:
        """True if no further row fits."""
        return self._left <= 0

    async def add(self, row: bytes, work: int = 0) -> None:
        """Add a row, or count it as omitted. ``work`` is the cost of making it: other requests run after much work."""
        self._left -= len(row)
        if self.full and self.made:
            self.omitted += 1
        else:
            self.made.append(row)
        await self._slices.spend(len(row) + work)

    def under(self, name: str, before: Members = _NONE, after: Members = _NONE) -> bytes:
        """A JSON object with the rows under a name, and other members ``before`` and ``after`` it."""
        head = to_json(before)[:-1] + b"," if before else b"{"
        rest = b"," + to_json(after)[1:] if after else b"}"
        return b'%s"%s":[%s]%s' % (head, name.encode(), b",".join(self.made), rest)

    def respond(self, name: str, before: Members = _NONE, after: Members = _NONE) -> Answer:
        """An answer with the body that :meth:`under` returns."""
        return Answer(self.under(name, before, after), headers=NO_STORE)


async def rows_of(values: Iterable[Any]) -> Rows:
    """Rows with the JSON of all these values."""
    rows = Rows(most=2**62)
    for value in values:
        await rows.add(to_json(value), work=RECORD)
    return rows


class Streamed(Response):
    """An answer whose pieces are made while it is sent. A short one has a ``Content-Length``.

    It is sent in parts of ``size`` bytes or more. Other requests run between two parts, after the first two.
    """

    def __init__(self, pieces: Iterable[bytes], media_type: str, size: int) -> None:
        super().__init__(None, media_type=media_type, headers=NO_STORE)
        self._parts = _parts(pieces, size)

    async def __call__(self, _: Scope, receive: Receive, send: Send) -> None:
        first, second = next(self._parts, b""), next(self._parts, None)
        headers = [header for header in self.raw_headers if header[0] != b"content-length"]
        if second is None:
            headers.append((b"content-length", b"%d" % len(first)))
        await send({"type": "http.response.start", "status": self.status_code, "headers": headers})
        if second is not None:
            await self._stream(chain((first, second), self._parts), receive, send)
            first = b""
        await send({"type": "http.response.body", "body": first})

    @staticmethod
    async def _stream(parts: Iterable[bytes], receive: Receive, send: Send) -> None:
        left = asyncio.ensure_future(wait_for_disconnect(receive))
        try:
            for part in parts:
                await send({"type": "http.response.body", "body": part, "more_body": True})
                await asyncio.sleep(0)
                if left.done():
                    break
        finally:
            left.cancel()


def _parts(pieces: Iterable[bytes], size: int) -> Iterator[bytes]:
    """The pieces joined to parts of at least ``size`` bytes. The last part may be shorter."""
    part = bytearray()
    for piece in pieces:
        part += piece
        if len(part) >= size:
            yield bytes(part)
            part.clear()
    if part:
        yield bytes(part)
