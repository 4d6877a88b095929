"""What was asked and answered: a bounded list that costs next to nothing to keep, and the one reader of it.

Nothing is parsed or redacted while a request is on its way. Whoever shows an entry, on whatever door, shows what
:meth:`Journal.read` makes of it, so that a secret can leave by none.
"""

from __future__ import annotations

import json
import marshal
import re
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from http import HTTPStatus
from itertools import accumulate
from typing import Any
from urllib.parse import parse_qsl

from mock_heidi.clock import zulu
from mock_heidi.faults import STREAMS
from mock_heidi.redaction import REDACTED, Redactor

# An entry costs about this much beside its bodies.
_OVERHEAD = 1_024
# And each piece of its answer about this much beside its bytes.
_PIECE = 64
# And each part of a multipart body about this much beside its names.
_PART = 512
# In seconds: so much later than its client the server may learn that a connection is no more.
_LATER = 0.02

_FRAME = re.compile(rb".+?(?:\r?\n\r?\n|\Z)", re.DOTALL)


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
    """Whether the journal still has it."""
    held = 0
    """Its size, once it is complete."""
    fault: tuple[str, ...] = ()
    """The ids of the rules that have shaped the answer."""
    provenance: str | None = None
    retry_at: int | None = None
    """Before which moment (ms since 1970) the answer asked not to be asked again."""
    early_end = False
    """Whether a fault has ended its stream before its time."""
    why: str | None = None
    """Why it matched nothing, or why its API key was refused."""
    findings: tuple[str, ...] = ()
    """What is to be said of it, by code."""
    pieces: tuple[bytes, ...] | list[bytes] = ()
    """The answer's body, of a stream in its pieces."""
    times: list[float] = []  # noqa: RUF012 - never changed: a stream has a list of its own
    """When the pieces of a stream went out, by the process's own clock."""

    def __init__(self, at: int, started: float, operation: str | None, scope: Any) -> None:
        self.at = at
        self.started = started
        self.operation = operation
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.query: bytes = scope["query_string"]
        # As one value: thousands of little ones that live as long as the journal would make all others slow.
        self._headers = marshal.dumps(scope["headers"], 0)

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """The request's headers, in order and as often as they were sent."""
        made: list[tuple[bytes, bytes]] = marshal.loads(self._headers)  # noqa: S302 - made above, by ourselves
        return made

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
        size = _OVERHEAD + len(self.method) + len(self.path) + len(self.query) + len(self._headers) + len(self.body)
        size += _PIECE * len(self.pieces) + sum(map(len, self.pieces))
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
    """When its answer was at its end for the client, in seconds of the process's own clock."""
    ended = entry.started + (entry.duration or 0)
    whole = len(entry.pieces) > len(entry.times)  # the end of a body is a piece of its own
    return ended if whole else ended - _LATER


class Journal:
    """The last requests of one namespace, bounded by their count and by the bytes of their bodies."""

    def __init__(self, name: str, entries: int, size: int, secrets: Callable[[], Iterable[str]]) -> None:
        self._name = name
        self._most = entries
        self._room = size
        self._secrets = secrets
        self._made = frozenset[str](), Redactor()
        self._entries: deque[Entry] = deque()
        self._held = 0
        self._next = 1
        self.dropped = 0
        self.watchers: set[Callable[[Entry], None]] = set()
        """Told of every entry that is complete."""

    def add(self, entry: Entry) -> None:
        """Keep a request that has just come in."""
        entry.id = self._next
        self._next += 1
        entry.kept = True
        self._entries.append(entry)
        if len(self._entries) > self._most:
            self._drop()

    def close(self, entry: Entry, now: float) -> None:
        """Note that its answer is complete, or that there will be none."""
        entry.duration = now - entry.started
        entry.done = True
        if self.watchers:
            for watch in tuple(self.watchers):
                watch(entry)
        if not entry.kept:
            return  # dropped or cleared while it was on its way
        entry.held = entry.size
        self._held += entry.held
        while self._held > self._room and len(self._entries) > 1:
            self._drop()

    def _drop(self) -> None:
        oldest = self._entries.popleft()
        oldest.kept = False
        self.dropped += 1
        self._held -= oldest.held

    def remove(self, ids: Collection[int]) -> int:
        """Forget the entries of those ids; how many there were."""
        before = len(self._entries)
        for entry in self._entries:
            entry.kept = entry.id not in ids
        self._entries = deque(entry for entry in self._entries if entry.kept)
        self._held = sum(entry.held for entry in self._entries)
        return before - len(self._entries)

    def clear(self) -> int:
        """Forget every entry; how many there were."""
        self.dropped = 0
        return self.remove({entry.id for entry in self._entries})

    def begin(self) -> None:
        """Forget every entry and count from 1 again."""
        self.clear()
        self._next = 1

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(tuple(self._entries))

    def _redactor(self) -> Redactor:
        """Takes out the secrets of now; made anew where there are others than before."""
        known = frozenset(self._secrets())
        if known != self._made[0]:
            self._made = known, Redactor(known)
        return self._made[1]

    def read(self, entry: Entry) -> dict[str, Any]:
        """An entry for people and programs: parsed, and with every secret taken out."""
        return read(entry, self._name, self._redactor())

    def query(self, entry: Entry) -> list[tuple[str, str]]:
        """The parameters of an entry's query, in order and as often as they were sent, without secrets."""
        return self._redactor().pairs(_parameters(entry))

    def clean(self, value: Any) -> Any:
        """Any JSON without the secrets that are known here."""
        try:
            return self._redactor().json(value)
        except RecursionError:
            return REDACTED  # what is nested so deep is no body of the vendor's

    def scrub(self, text: str) -> str:
        """A text that somebody has written, without the secrets that are known here or named in it."""
        return self._redactor().loose(text)

    def headline(self, entry: Entry) -> dict[str, Any]:
        """What fits on one line of an entry, read the same way."""
        return headline(entry, self._redactor())


def read(entry: Entry, namespace: str, clean: Redactor) -> dict[str, Any]:
    """The one reader: what may be shown of an entry."""
    signed_in = entry.operation == "get_jwt" and entry.status == HTTPStatus.OK
    line = headline(entry, clean)
    pieces = _pieces(entry, clean)
    response = REDACTED if signed_in else None if pieces is not None else clean.body(b"".join(entry.pieces))
    return {
        "id": line["id"],
        "at": line["at"],
        "namespace": namespace,
        "operation": line["operation"],
        "method": line["method"],
        "path": line["path"],
        "query": clean.fields(_parameters(entry)),
        "headers": clean.fields((name.decode("latin-1"), value.decode("latin-1")) for name, value in entry.headers),
        "body": clean.body(entry.body) if entry.parts is None else {"parts": clean.json(_writable(entry.parts))},
        "status": line["status"],
        "response": response,
        "pieces": pieces,
        "duration": line["duration"],
        "fault": line["fault"],
        "findings": list(entry.findings),
        "client_left": line["client_left"],
        "provenance": entry.provenance,
        "why": entry.why,
    }


def _parameters(entry: Entry) -> list[tuple[str, str]]:
    return parse_qsl(entry.query.decode("latin-1"), keep_blank_values=True)


def _pieces(entry: Entry, clean: Redactor) -> list[dict[str, Any]] | None:
    """The pieces of a stream, each with the seconds after which it was sent; None where the answer was none.

    A secret may stand across pieces, so they are cleaned together.
    """
    # Of a stream that ended before its first piece, or has not come to it, there is nothing.
    empty = entry.status == HTTPStatus.OK and not any(entry.pieces)
    if entry.operation not in STREAMS or not (entry.times or empty):
        return None
    texts, moments, sent = [], [], 0
    ends = list(accumulate(map(len, entry.pieces)))
    for match in _FRAME.finditer(b"".join(entry.pieces)):
        sent = match.end()
        texts.append(_writable(_text(match[0])))
        last = min(bisect_left(ends, sent), len(entry.times) - 1)
        moments.append(round(entry.times[last] - entry.started, 6))
    return [{"text": text, "after": moment} for text, moment in zip(clean.together(texts), moments, strict=True)]


def _text(frame: bytes) -> str:
    """What a frame of a stream says, or the frame itself where it is broken."""
    for line in frame.splitlines():
        if line.startswith(b"data:"):
            try:
                said = json.loads(line.removeprefix(b"data:"))["data"]
            except (ValueError, KeyError, TypeError):
                break
            if isinstance(said, str):
                return said
    return frame.decode("utf-8", "replace")


def headline(entry: Entry, clean: Redactor) -> dict[str, Any]:
    """The parts of an entry that need no parsing, without secrets."""
    return {
        "id": entry.id,
        "at": zulu(entry.at),
        "operation": entry.operation,
        "method": clean.text(entry.method),
        "path": clean.text(_writable(entry.path)),
        "status": entry.status,
        "duration": None if entry.duration is None else round(entry.duration, 6),
        "fault": entry.fault[0] if len(entry.fault) == 1 else list(entry.fault) or None,
        "client_left": entry.client_left,
    }


def _writable(value: Any) -> Any:
    """Texts as they can be written again: a character set of the client's choice may have left half a letter."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode(errors="replace").decode()
    if isinstance(value, list):
        return [_writable(item) for item in value]
    if isinstance(value, dict):
        return {name: _writable(item) for name, item in value.items()}
    return value
