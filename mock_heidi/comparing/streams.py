"""The framing of a recorded stream."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

_EVENT = "data: "
_ESCAPED = re.compile(r"(?<!\\)(?:\\\\)*\\u(?!00[0-7])[0-9a-fA-F]{4}")
_LINES = "application/x-ndjson"


def framing(body: str, media_type: str) -> str | None:
    """The framing of a stream: ``sse``, ``ndjson`` or ``objects``; None if it cannot be told."""
    if body.lstrip().startswith(("data:", "event:", ":")):
        return "sse"
    if not body.lstrip().startswith("{"):
        return None
    return "ndjson" if media_type == _LINES or body.endswith("\n") else "objects"


def escapes(body: str) -> str | None:
    """The way in which letters beyond ASCII are written: ``escaped`` or ``utf_8``; None for neither or both."""
    found = {name for name, there in (("utf_8", not body.isascii()), ("escaped", bool(_ESCAPED.search(body)))) if there}
    return found.pop() if len(found) == 1 else None


def differences(body: str, form: str, *, escaped: bool) -> Iterator[str]:
    """The differences of a stream from the form of the contract, without its words."""
    if not body:
        return
    if form == "objects":
        yield from _objects(body, escaped=escaped)
        return
    if "\r\n" in body:
        yield "lines end with CR LF"
        body = body.replace("\r\n", "\n")
    end = "\n\n" if form == "sse" else "\n"
    *pieces, rest = body.split(end)
    if rest:
        yield "the stream ends within a piece"
    for piece in pieces:
        yield from _event(piece, escaped=escaped) if form == "sse" else _json(piece, escaped=escaped)


def _event(event: str, *, escaped: bool) -> Iterator[str]:
    lines = [line for line in event.split("\n") if not line.startswith(":")]
    if len(lines) < event.count("\n") + 1:
        yield "a comment between the pieces"
    data = [line for line in lines if line.startswith("data:")]
    if len(data) < len([line for line in lines if line]):
        yield "another field than data"
    for line in data:
        if not line.startswith(_EVENT):
            yield "no space after data:"
        yield from _json(line.removeprefix("data:").removeprefix(" "), escaped=escaped)


def _json(text: str, *, escaped: bool) -> Iterator[str]:
    try:
        piece = json.loads(text)
    except (ValueError, RecursionError):
        yield "a piece is not JSON"
        return
    yield from _piece(piece, text, escaped=escaped)


def _objects(body: str, *, escaped: bool) -> Iterator[str]:
    decoder, at = json.JSONDecoder(), 0
    while at < len(body):
        try:
            piece, end = decoder.raw_decode(body, at)
        except (ValueError, RecursionError):
            yield "the stream ends within a piece"
            return
        yield from _piece(piece, body[at:end], escaped=escaped)
        at = end


def _piece(piece: Any, text: str, *, escaped: bool) -> Iterator[str]:
    if not isinstance(piece, dict) or piece.keys() != {"data"}:
        yield "a piece has other keys than data"
    elif not isinstance(piece["data"], str):
        yield "the data of a piece is no text"
    elif escapes(text) == ("utf_8" if escaped else "escaped"):
        yield "letters beyond ASCII are not written as the contract says"
