"""An entry of the journal: one request and its answer, by reference, raw as they came and went."""

from __future__ import annotations

import marshal
from typing import Any, Protocol

# In bytes, as measured with tracemalloc on CPython 3.11 to 3.13. An entry costs so much beside what it holds,
ENTRY = 1_120
# one with notes (of faults, of findings, of why it matched nothing) so much more,
_NOTES = 384
# each piece of an answer so much beside its own bytes,
PIECE = 80
# and each part of a multipart body so much beside its names.
_PART = 512
# In seconds: so much later than its client the server may learn that a connection is no more.
_LATER = 0.02


class JournaledRequest(Protocol):
    """The facts about a request that the journal keeps."""

    scope: Any
    at: int
    started: float
    operation: str | None
    body: bytes


class Entry:
    """One request, by reference: raw bytes as they came and went. ``at`` in ms since 1970, ``duration`` in seconds."""

    # What most requests never have costs them nothing.
    id = 0
    body = b""
    status: int | None = None
    parts: list[dict[str, Any]] | None = None
    """The parts of a multipart body, without what is in them."""
    duration: float | None = None
    client_left = False
    done = False
    kept = False
    """True if the journal still has it."""
    fault: tuple[str, ...] = ()
    """The ids of the rules that have shaped the answer."""
    provenance: str | None = None
    retry_at: int | None = None
    """Before which moment (ms since 1970) the answer asked not to be asked again."""
    early_end = False
    """True if a fault has ended its stream before its time."""
    why: str | None = None
    """The reason that it matched nothing, or was refused before any handler saw it."""
    stray = False
    """True if a web page that may not use the API, or the browser by itself, sent a request that matched nothing."""
    findings: tuple[str, ...] = ()
    """The codes of its findings."""
    pieces: tuple[bytes, ...] | list[bytes] = ()
    """The answer's body, of a stream in its pieces."""
    times: list[float] = []  # noqa: RUF012 - never changed: a stream has a list of its own
    """The moments when the pieces of a stream went out, in seconds of the process's own clock."""

    def __init__(self, at: int, started: float, operation: str | None, scope: Any) -> None:
        self.at = at
        self.started = started
        self.operation = operation
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.query: bytes = scope["query_string"]
        # As one value: thousands of little ones that live as long as the journal would make all others slow.
        self._headers = marshal.dumps(scope["headers"], 0)
        self.held = ENTRY + len(self._headers)
        """The number of its bytes that the journal counts: until it is complete, those of its head."""

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """The request's headers, in order and as often as they were sent."""
        made: list[tuple[bytes, bytes]] = marshal.loads(self._headers)  # noqa: S302 - made above, by ourselves
        return made

    @classmethod
    def of(cls, value: tuple[Any, ...]) -> Entry:
        """The entry of a request that :meth:`Journal.keep` kept as a small value."""
        entry: Entry = cls.__new__(cls)
        entry.id, entry.at, entry.started, entry.duration, entry.operation, entry.method, entry.path = value[:7]
        entry.query, entry._headers, entry.body, entry.status, entry.pieces, entry.held = value[7:]
        entry.done = entry.kept = True
        return entry

    def stream(self, piece: bytes, moment: float | None) -> None:
        """Note a piece of a stream and when it went out; the last one has no moment of its own."""
        if not isinstance(self.pieces, list):
            self.pieces, self.times = [], []
        self.pieces.append(piece)
        if moment is not None:
            self.times.append(moment)

    @property
    def size(self) -> int:
        """About how many bytes it holds."""
        size = ENTRY + len(self.method) + len(self.path) + len(self.query) + len(self._headers) + len(self.body)
        if self.fault or self.findings or self.why:
            size += _NOTES + sum(map(len, self.fault)) + len(self.why or "")
        size += PIECE * len(self.pieces) + sum(map(len, self.pieces))
        for part in self.parts or ():
            size += _PART + sum([len(value) for value in part.values() if isinstance(value, str)])
        return size

    def bare(self) -> Entry:
        """A copy without bodies and headers: what a line of the log needs, and no more to hold on to."""
        copy: Entry = Entry.__new__(Entry)
        for name in ("id", "at", "operation", "method", "path", "status", "duration", "fault", "client_left", "why"):
            setattr(copy, name, getattr(self, name))
        return copy


def answered(entry: Entry) -> float:
    """The moment when its answer ended for the client, in seconds of the process's own clock."""
    ended = entry.started + (entry.duration or 0)
    whole = len(entry.pieces) > len(entry.times)  # the end of a body is a piece of its own
    return ended if whole else ended - _LATER
