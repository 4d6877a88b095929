"""Reads HAR 1.2, the traffic that browsers and proxies record."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from mock_heidi.base import text_files
from mock_heidi.base.operations import OPERATIONS
from mock_heidi.base.settings import ConfigError
from mock_heidi.comparing import forms
from mock_heidi.comparing.exchange import Exchange
from mock_heidi.comparing.places import BASE, Place, find
from mock_heidi.comparing.times import moment

LARGEST = 256 * 1024**2
"""The largest file in bytes."""
_STATUSES = range(100, 600)
_SUCCESS = range(200, 300)
_CURE = "record the traffic again and save it as HAR"


class Traffic(NamedTuple):
    """The exchanges with the API, and the numbers of the other entries."""

    exchanges: list[Exchange]
    ignored: int
    unanswered: int


class _Entry(NamedTuple):
    """An entry of a file that is a request for an operation."""

    request: Mapping[str, Any]
    response: Mapping[str, Any]
    place: Place
    at: float | None
    ours: bool
    """True for an entry of the mock's own journal, which keeps the pieces of a stream and not its form."""


def read(paths: Iterable[Path]) -> Traffic:
    """The traffic of some files, in the order of time. Raises :class:`ConfigError` for a file that is no HAR."""
    entries: list[_Entry] = []
    total = unanswered = 0
    for path in paths:
        for row, ours in _rows(path):
            total += 1
            entry = _entry(row, ours=ours)
            if entry is not None and not _status(entry.response):
                unanswered += 1
            elif entry is not None:
                entries.append(entry)
    if any(one.place.prefix.endswith(BASE) for one in entries):
        # Another service may have the path /sessions too.
        entries = [one for one in entries if one.place.prefix.endswith(BASE)]
    if all(one.at is not None for one in entries):
        entries.sort(key=lambda one: one.at or 0)
    exchanges = [_exchange(one) for one in entries]
    return Traffic(exchanges, total - len(exchanges) - unanswered, unanswered)


def _rows(path: Path) -> Iterator[tuple[Mapping[str, Any], bool]]:
    """The entries of a file, each with whether this mock has written them."""
    try:
        content = text_files.read(path, LARGEST, "record less at once, or give more files")
        whole = json.loads(content.decode("utf-8-sig"))
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}", "give the path of a HAR file") from None
    except (ValueError, RecursionError):
        raise ConfigError(f"{path} is not a HAR file: it is not JSON", _CURE) from None
    log = _object(whole.get("log")) if isinstance(whole, dict) else {}
    rows, ours = log.get("entries"), _object(log.get("creator")).get("name") == "mock_heidi"
    if not isinstance(rows, list):
        raise ConfigError(f"{path} is not a HAR file: it has no list log.entries", _CURE)
    for number, row in enumerate(rows, 1):
        parts = [row.get(name) for name in ("request", "response")] if isinstance(row, dict) else [None]
        if not all(isinstance(part, dict) for part in parts):
            raise ConfigError(f"{path} is not a HAR file: entry {number} has no request and response", _CURE)
        if not all(isinstance(parts[0].get(name), str) for name in ("method", "url")):  # type: ignore[union-attr]
            raise ConfigError(f"{path} is not a HAR file: entry {number} has no method and url", _CURE)
        yield row, ours


def _entry(row: Mapping[str, Any], *, ours: bool) -> _Entry | None:
    """The entry of a row; None if it is no request for an operation."""
    request = row["request"]
    try:
        url = urlsplit(request["url"])
    except ValueError:
        return None
    place = find(request["method"].upper(), url.path) if url.scheme in ("http", "https") else None
    if place is None:
        return None
    return _Entry(request, row["response"], place, moment(row.get("startedDateTime")), ours)


def _exchange(entry: _Entry) -> Exchange:
    request, response = entry.request, entry.response
    headers, answer_headers = _headers(request), _headers(response)
    posted = _object(request.get("postData"))
    kind = str(posted.get("mimeType") or headers.get("content-type") or "")
    length = _length(headers, request.get("bodySize"))
    params = posted.get("params")
    rows = [one for one in params if isinstance(one, dict)] if isinstance(params, list) else []
    sent = _content(posted, there=length != 0)
    kind = headers.get("content-type", kind) if "multipart" in kind and "boundary" not in kind else kind
    form = forms.read(kind, sent, length, rows)
    content = _object(response.get("content"))
    if isinstance(content.get("mimeType"), str) and content["mimeType"]:
        answer_headers.setdefault("content-type", content["mimeType"])
    is_stream = OPERATIONS[entry.place.operation].streams and _status(response) in _SUCCESS
    return Exchange(
        operation=entry.place.operation,
        params=entry.place.params,
        url=request["url"],
        headers={"content-type": kind, **headers} if kind else headers,
        sent=sent,
        parts=form.parts,
        whole_form=form.whole,
        status=_status(response),
        answer_headers=answer_headers,
        body=None if entry.ours and is_stream else _content(content, there=_size(content, response) != 0),
        at=entry.at,
    )


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _status(response: Mapping[str, Any]) -> int:
    """The status of an answer; 0 for a request without one."""
    status = response.get("status")
    return status if type(status) is int and status in _STATUSES else 0


def _headers(side: Mapping[str, Any]) -> dict[str, str]:
    """The headers without the pseudo headers of HTTP/2."""
    rows = side.get("headers")
    pairs = (
        [(row.get("name"), row.get("value")) for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    )
    return {
        name.lower(): value
        for name, value in pairs
        if isinstance(name, str) and isinstance(value, str) and not name.startswith(":")
    }


def _length(headers: Mapping[str, str], size: Any) -> int | None:
    """The length of the request's body that was sent, in bytes; None if it is unknown."""
    text = headers.get("content-length", "")
    if text.isdecimal():
        return int(text)
    return size if type(size) is int and size >= 0 else None


def _size(content: Mapping[str, Any], response: Mapping[str, Any]) -> int | None:
    """The length of the answer's body in bytes; None if it is unknown."""
    sizes = [size for size in (content.get("size"), response.get("bodySize")) if type(size) is int]
    return max(sizes) if sizes and max(sizes) >= 0 else None


def _content(side: Mapping[str, Any], *, there: bool) -> bytes | None:
    """The bytes of a body; None if it was not recorded. ``there`` is False if none was sent."""
    text = side.get("text")
    if not isinstance(text, str) or not text:
        return None if there or side.get("params") else b""
    if not text.strip("*"):
        return None  # the recorder has hidden it
    if side.get("encoding") == "base64":
        try:
            return base64.b64decode(text)
        except (ValueError, binascii.Error):
            return None
    try:
        # mitmproxy writes the bytes of a body that is no text as lone surrogates.
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")
