"""Headlines: the facts about a request that fit on one line, for lists, events and the log."""

from __future__ import annotations

from typing import NamedTuple

from mock_heidi.observing import stream_pieces
from mock_heidi.observing.entry import Entry


class Headline(NamedTuple):
    """The facts of an entry as they are now, without its bodies and headers. It still contains secrets."""

    id: int
    at: int
    operation: str | None
    method: str
    path: str
    body_bytes: int
    status: int | None
    response_bytes: int
    piece_count: int | None
    duration: float | None
    fault: tuple[str, ...]
    findings: tuple[str, ...]
    client_left: bool
    assumptions: tuple[str, ...]
    why: str | None
    stray: bool


def headline_of(entry: Entry) -> Headline:
    """The headline of an entry."""
    return Headline(
        entry.id,
        entry.at,
        entry.operation,
        entry.method,
        entry.path,
        entry.body_bytes,
        entry.status,
        entry.response_bytes,
        stream_pieces.count(entry),
        entry.duration,
        entry.fault,
        entry.findings,
        entry.client_left,
        entry.met,
        entry.why,
        entry.stray,
    )
