"""The pieces of a stream, as the client received them."""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections.abc import Iterator
from http import HTTPStatus
from itertools import accumulate
from typing import NamedTuple

from mock_heidi.base.operations import STREAMS
from mock_heidi.observing.entry import Entry

_FRAME = re.compile(rb".+?(?:\r?\n\r?\n|\Z)", re.DOTALL)


class Piece(NamedTuple):
    """A piece of a stream: its text, the seconds after which it was sent, and its length on the wire."""

    text: str
    after: float
    size: int


def is_stream(entry: Entry) -> bool:
    """True if the answer is a stream. It may have ended before its first piece, or may not have reached it yet."""
    return entry.operation in STREAMS and (
        bool(entry.times) or (entry.status == HTTPStatus.OK and not any(entry.pieces))
    )


def count(entry: Entry) -> int | None:
    """The number of pieces of a stream so far; None for another answer."""
    return sum(1 for _ in _FRAME.finditer(b"".join(entry.pieces))) if is_stream(entry) else None


def pieces(entry: Entry) -> Iterator[Piece]:
    """The pieces of a stream so far, in the order sent."""
    ends = list(accumulate(map(len, entry.pieces)))
    for match in _FRAME.finditer(b"".join(entry.pieces)):
        last = min(bisect_left(ends, match.end()), len(entry.times) - 1)
        yield Piece(_text(match[0]), round(entry.times[last] - entry.started, 6), len(match[0]))


def _text(frame: bytes) -> str:
    """The text in a frame of a stream, or the frame itself if it is broken."""
    for line in frame.splitlines():
        if line.startswith(b"data:"):
            try:
                text = json.loads(line.removeprefix(b"data:"))["data"]
            except (ValueError, KeyError, TypeError):
                break
            if isinstance(text, str):
                return text
    return frame.decode("utf-8", "replace")
