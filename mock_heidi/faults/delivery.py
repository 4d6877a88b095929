"""Answers as values. A handler's result becomes a delivery, faults change it, the player sends it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from json.encoder import encode_basestring, encode_basestring_ascii
from typing import NamedTuple

Header = tuple[bytes, bytes]

_WITHOUT_BODY = (204, 304)
EVENTS = (b"content-type", b"text/event-stream; charset=utf-8")


class Ending(Enum):
    """The end of an answer, after all its parts are sent."""

    COMPLETE = "complete"
    CLOSE = "close"
    """The connection is closed, even if the promised length is not reached."""
    RESET = "reset"
    """The connection is reset (RST)."""
    STALL = "stall"
    """The connection stays open and silent until the client leaves."""


class Part(NamedTuple):
    """Bytes that go out together, ``pause`` seconds of the namespace's clock after the previous part."""

    data: bytes
    pause: float = 0.0
    number: int | None = None
    """The number of the piece in its stream, counted from 1; None for bytes that are not a piece."""


class Stream(NamedTuple):
    """A handler's answer in pieces of text. All pieces are known at the start.

    ``commit`` stores the result of the stream. It runs once: before the end is sent, or when the client leaves. It does
    not run after a reset of the namespace.
    """

    texts: Sequence[str]
    commit: Callable[[], None] = lambda: None


@dataclass(frozen=True, slots=True)
class Delivery:
    """An answer to send: its head, its parts and its ending."""

    status: int | None
    """The status, or None if no head is sent."""
    headers: tuple[Header, ...] = ()
    """The headers without ``Content-Length``, which the player adds."""
    parts: tuple[Part, ...] = ()
    length: int | None = None
    """The promised length of the body in bytes. A fault may send less. None for a stream."""
    pause: float = 0.0
    """Seconds before the head."""
    ending: Ending = Ending.COMPLETE
    early: bool = False
    """True if a fault ends a stream early."""
    write_size: int | None = None
    """The most bytes in one write. Other tasks run between two writes. None if each part is one write."""
    commit: Callable[[], None] | None = field(default=None, compare=False)

    @property
    def streams(self) -> bool:
        """True for an answer in pieces."""
        return self.length is None and self.status is not None

    @property
    def body(self) -> bytes:
        """The parts, joined."""
        return b"".join(part.data for part in self.parts)

    @property
    def has_body(self) -> bool:
        """False for a status that allows no body."""
        return self.status not in _WITHOUT_BODY

    def with_body(self, body: bytes) -> Delivery:
        """A copy with another whole body. Its length is the promised length."""
        return replace(self, parts=(Part(body),), length=len(body))

    def with_header(self, name: bytes, value: bytes) -> Delivery:
        """A copy with this header, which replaces other values of the header."""
        others = [header for header in self.headers if header[0] != name]
        return replace(self, headers=(*others, (name, value)))

    def with_parts(self, parts: Iterable[Part]) -> Delivery:
        """A copy with other parts. The promised length stays the same."""
        return replace(self, parts=tuple(parts))


def of_body(status: int, headers: Iterable[Header], body: bytes) -> Delivery:
    """The delivery of a whole body. A status without a body has neither body nor length."""
    if status in _WITHOUT_BODY:
        kept = [header for header in headers if header[0] not in (b"content-length", b"content-type")]
        return Delivery(status, tuple(kept), (Part(b""),), 0)
    kept = [header for header in headers if header[0] != b"content-length"]
    return Delivery(status, tuple(kept), (Part(body),), len(body))


def of_stream(stream: Stream, pause: Callable[[int], float], escapes: str = "escaped") -> Delivery:
    """The delivery of a stream; ``pause`` gives the seconds before each piece, counted from 0.

    ``escapes`` is the assumption ``stream_escapes``.
    """
    write = frame if escapes == "escaped" else frame_in_utf_8
    parts = [Part(write(text), pause(at), at + 1) for at, text in enumerate(stream.texts)]
    return Delivery(200, (EVENTS,), tuple(parts), commit=stream.commit)


def frame(text: str) -> bytes:
    """A piece as it is sent: ``data: {"data": "…"}`` and an empty line, with letters beyond ASCII escaped."""
    return b'data: {"data": %s}\n\n' % encode_basestring_ascii(text).encode()


def frame_in_utf_8(text: str) -> bytes:
    """A piece as it is sent, with letters beyond ASCII in UTF-8."""
    return b'data: {"data": %s}\n\n' % encode_basestring(text).encode()
