"""An entry of the journal: one request and its answer as raw bytes."""

from __future__ import annotations

import marshal
from collections.abc import Mapping
from typing import Any, Protocol

from mock_heidi.base.values import Record
from mock_heidi.observing import changes

# The following sizes are in bytes, as measured with tracemalloc on CPython 3.11 to 3.13.
# The size of an entry without its content,
ENTRY = 1_120
# the additional size of notes (faults, findings, the reason for a refusal),
_NOTES = 384
# the additional size of a piece of an answer,
PIECE = 80
# of a part of a multipart body,
_PART = 512
# of a header of an answer,
_HEADER = 100
# and of the usual head of an answer, with its length, its type, its id and its provenance.
USUAL_HEAD = 700
# The time in seconds that the server may need longer than its client to notice a broken connection.
_LATER = 0.02


class JournaledRequest(Protocol):
    """The facts about a request that the journal keeps."""

    scope: Any
    at: int
    started: float
    operation: str | None
    body: bytes
    provenance: str | None
    met: tuple[str, ...]
    changes: list[Record | None] | None


class Entry:
    """One request and its answer as raw bytes. ``at`` is in ms since 1970, ``duration`` in seconds."""

    # Class attributes are the defaults, so that most entries need not store them.
    id = 0
    body = b""
    status: int | None = None
    head: Mapping[str, Any] | None = None
    """The message of ASGI that began its answer."""
    parts: list[dict[str, Any]] | None = None
    """The parts of a multipart body, without their content."""
    duration: float | None = None
    client_left = False
    start_told = False
    """True if the listeners were told of it before it was complete."""
    done = False
    kept = False
    """True if the journal still has it."""
    fault: tuple[str, ...] = ()
    """The ids of the rules that have changed the answer."""
    provenance: str | None = None
    """The sources of the status and the body of its answer; None without an answer."""
    met: tuple[str, ...] = ()
    """The assumptions that the request has met."""
    retry_at: int | None = None
    """The moment (ms since 1970) before which the answer forbids a retry."""
    early_end = False
    """True if a fault has ended its stream early."""
    ending = "complete"
    """The planned end of its answer: complete, close, reset or stall."""
    dropped = False
    """True if a reset of the namespace has ended its answer."""
    changes: list[Record | None] | None = None
    """The records that it changed, in the form of :mod:`mock_heidi.observing.changes`; None if it changed nothing."""
    counted = False
    """True if coverage has counted it."""
    why: str | None = None
    """The reason why the request matched no operation, or was refused before its handler ran."""
    stray = False
    """True if it matched no operation and came from a browser, but not from a web page that may use the API."""
    findings: tuple[str, ...] = ()
    """The codes of its findings."""
    pieces: tuple[bytes, ...] | list[bytes] = ()
    """The answer's body. A stream has many pieces."""
    times: list[float] = []  # noqa: RUF012 - never changed: a stream gets another list
    """The moments when the pieces of a stream were sent, in seconds of the process's clock."""

    def __init__(self, at: int, started: float, operation: str | None, scope: Any) -> None:
        self.at = at
        self.started = started
        self.operation = operation
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.query: bytes = scope["query_string"]
        # One value, because thousands of small objects would slow down the garbage collector.
        self._headers = marshal.dumps(scope["headers"], 0)
        self.held = ENTRY + len(self._headers)
        """The number of its bytes that the journal counts. Until it is complete, these are the bytes of its head."""

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """The request's headers in the order sent, with repeated ones."""
        made: list[tuple[bytes, bytes]] = marshal.loads(self._headers)  # noqa: S302 - its own bytes, from above
        return made

    @property
    def response_headers(self) -> list[tuple[bytes, bytes]]:
        """The answer's headers in the order sent, with repeated ones; empty if no answer has begun."""
        made: list[tuple[bytes, bytes]] = [] if self.head is None else self.head["headers"]
        return made

    @classmethod
    def of(cls, value: tuple[Any, ...]) -> Entry:
        """The entry of a request that :meth:`Journal.keep` has stored as a tuple."""
        entry: Entry = cls.__new__(cls)
        entry.id, entry.at, entry.started, entry.duration, entry.operation, entry.method, entry.path = value[:7]
        entry.query, entry._headers, entry.body, entry.head, entry.pieces, entry.provenance = value[7:13]
        entry.met, entry.changes, entry.held = value[13:]
        entry.status = entry.head["status"]
        entry.done = entry.kept = True
        return entry

    def stream(self, piece: bytes, moment: float | None) -> None:
        """Add a piece of a stream and the moment when it was sent. The end of the body has no moment."""
        if not isinstance(self.pieces, list):
            self.pieces, self.times = [], []
        self.pieces.append(piece)
        if moment is not None:
            self.times.append(moment)

    @property
    def size(self) -> int:
        """The approximate number of its bytes."""
        size = ENTRY + len(self.method) + len(self.path) + len(self.query) + len(self._headers) + len(self.body)
        if self.fault or self.findings or self.why:
            size += _NOTES + sum(map(len, self.fault)) + len(self.why or "")
        if self.changes is not None:
            size += changes.size(self.changes)
        size += PIECE * len(self.pieces) + sum(map(len, self.pieces))
        if self.head is not None:
            size += max(USUAL_HEAD, sum([_HEADER + len(name) + len(value) for name, value in self.head["headers"]]))
        for part in self.parts or ():
            size += _PART + sum([len(value) for value in part.values() if isinstance(value, str)])
        return size

    @property
    def end(self) -> tuple[str | None, str | None]:
        """The end of the answer, and its author; None and None while the answer is under way.

        The end is complete, close, reset or stall. The author is server, fault, client, or reset for a reset of the
        namespace.
        """
        if not self.done and self.ending != "stall":
            return None, None
        if self.dropped:
            return "close", "reset"
        if self.ending != "complete":
            return self.ending, "fault"
        if self.client_left:
            return "close", "client"
        return "complete", "fault" if self.early_end else "server"

    @property
    def body_bytes(self) -> int:
        """The length of the request's body, or of the parts of a form with files."""
        return len(self.body) if self.parts is None else sum(part["size"] for part in self.parts)

    @property
    def response_bytes(self) -> int:
        """The length of the answer's body so far."""
        return sum(map(len, self.pieces))


def answered(entry: Entry) -> float:
    """The moment when its answer ended for the client, in seconds of the process's clock."""
    ended = entry.started + (entry.duration or 0)
    whole = len(entry.pieces) > len(entry.times)  # the end of a body is one more piece
    return ended if whole else ended - _LATER
