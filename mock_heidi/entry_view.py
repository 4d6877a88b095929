"""What may be shown of an entry of the journal: parsed, and without secrets."""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections.abc import Sequence
from http import HTTPStatus
from itertools import accumulate
from typing import Any, Protocol
from urllib.parse import parse_qsl

from mock_heidi.clock import zulu
from mock_heidi.faults import STREAMS
from mock_heidi.redaction import REDACTED, Redactor

_FRAME = re.compile(rb".+?(?:\r?\n\r?\n|\Z)", re.DOTALL)


class Exchange(Protocol):
    """What a view needs of an entry: one request and its answer, as :class:`mock_heidi.journal.Entry` keeps them."""

    id: int
    at: int
    started: float
    operation: str | None
    method: str
    path: str
    query: bytes
    body: bytes
    parts: list[dict[str, Any]] | None
    status: int | None
    pieces: tuple[bytes, ...] | list[bytes]
    times: list[float]
    duration: float | None
    fault: tuple[str, ...]
    findings: tuple[str, ...]
    client_left: bool
    provenance: str | None
    why: str | None

    @property
    def headers(self) -> Sequence[tuple[bytes, bytes]]: ...


def read(entry: Exchange, namespace: str, clean: Redactor) -> dict[str, Any]:
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
        "query": clean.fields(parameters(entry)),
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


def parameters(entry: Exchange) -> list[tuple[str, str]]:
    return parse_qsl(entry.query.decode("latin-1"), keep_blank_values=True)


def _pieces(entry: Exchange, clean: Redactor) -> list[dict[str, Any]] | None:
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


def headline(entry: Exchange, clean: Redactor) -> dict[str, Any]:
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
