"""Requests in the forms of other tools: curl's command line, and HAR 1.2 for browsers' developer tools.

Both are made of what the journal's one reader shows: a row as :meth:`Journal.read` makes it, and the query's parameters
one by one, since the row joins repeated ones.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from mock_heidi.redaction import REDACTED
from mock_heidi.settings import VERSION

Row = dict[str, Any]
Pairs = Sequence[tuple[str, str]]

# What curl says by itself, and what would not be true of another request.
_OWN_HEADERS = ("host", "content-length", "accept-encoding", "connection", "user-agent")
_MEDIA_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+")
_VARIABLES = {"authorization": "Bearer $TOKEN", "heidi-api-key": "$HEIDI_API_KEY"}


def curl(row: Row, query: Pairs, origin: str) -> str:
    """The same request as a command for a shell, asked of ``origin``; its secrets are variables, its files names."""
    # Of a HEAD with -X, curl would wait for the body.
    words = ["curl", "--head"] if row["method"] == "HEAD" else ["curl", "-X", shlex.quote(row["method"])]
    words.append(shlex.quote(_url(row, query, origin)))
    for name, value in row["headers"].items():
        if name in _VARIABLES:
            words += ["-H", f'"{name}: {_VARIABLES[name]}"']
        elif name not in _OWN_HEADERS and value != REDACTED and "multipart" not in value:
            # To curl, a name and a colon with nothing behind it means to send no such header.
            words += ["-H", shlex.quote(f"{name}: {value}" if value else f"{name};")]
    return " ".join([*words, *_given(row["body"])])


def _url(row: Row, query: Pairs, origin: str) -> str:
    parameters = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in query)
    return origin + quote(row["path"], safe="/:") + (f"?{parameters}" if parameters else "")


def _given(body: Any) -> list[str]:
    if body is None:
        return []
    parts = _parts(body)
    if parts is not None:
        return [word for part in parts for word in ("-F", shlex.quote(_part(part)))]
    return ["--data-raw", shlex.quote(_text(body))]


def _parts(body: Any) -> list[dict[str, Any]] | None:
    """The parts of a multipart body as the journal shows it."""
    parts = body.get("parts") if isinstance(body, dict) and len(body) == 1 else None
    return parts if isinstance(parts, list) and all(map(_is_part, parts)) else None


def _is_part(part: Any) -> bool:
    # A client may send JSON that looks nearly like this.
    return (
        isinstance(part, dict)
        and set(part) == {"name", "filename", "content_type", "size", "sha256"}
        and isinstance(part["name"], str)
        and all(part[name] is None or isinstance(part[name], str) for name in ("filename", "content_type"))
    )


def _part(part: dict[str, Any]) -> str:
    if part["filename"] is None:
        return f"{part['name']}="
    # Without its folders: whoever runs the line must not send a file that somebody else has chosen.
    name = part["filename"].replace("\\", "/").rpartition("/")[2].replace('"', '\\"')
    # A comma would begin another file.
    kind = part["content_type"] if _MEDIA_TYPE.fullmatch(part["content_type"] or "") else None
    return f'{part["name"]}=@"{name}"' + (f";type={kind}" if kind else "")


def _text(body: Any) -> str:
    return body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)


def har_head(omitted: int) -> dict[str, Any]:
    """What an HTTP archive says of itself beside its entries."""
    comment = {"comment": f"{omitted} older requests are left out"} if omitted else {}
    return {"version": "1.2", "creator": {"name": "mock_heidi", "version": VERSION}, **comment}


def har(row: Row, query: Pairs, origin: str) -> dict[str, Any]:
    """An entry of an HTTP archive; what the journal does not keep, such as the headers of answers, is empty there."""
    took = (row["duration"] or 0) * 1000
    request = {
        "method": row["method"],
        "url": _url(row, query, origin),
        "headers": _named(row["headers"].items()),
        "queryString": _named(query),
        **_post_data(row),
    }
    status = row["status"] or 0
    response: dict[str, Any] = {
        "status": status,
        "statusText": HTTPStatus(status).phrase if status in set(HTTPStatus) else "",
        "headers": [],
        "content": _content(row),
        "redirectURL": "",
    }
    sizes = {"httpVersion": "HTTP/1.1", "cookies": [], "headersSize": -1, "bodySize": -1}
    return {
        "startedDateTime": row["at"],
        "time": took,
        "request": {**request, **sizes},
        "response": {**response, **sizes},
        "cache": {},
        "timings": {"send": 0, "wait": took, "receive": 0},
    }


def _named(pairs: Any) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in pairs]


def _post_data(row: Row) -> dict[str, Any]:
    body = row["body"]
    if body is None:
        return {}
    kind = row["headers"].get("content-type", "")
    parts = _parts(body)
    if parts is None:
        return {"postData": {"mimeType": kind, "text": _text(body)}}
    params = [
        {
            "name": part["name"],
            **({"fileName": part["filename"]} if part["filename"] is not None else {}),
            **({"contentType": part["content_type"]} if part["content_type"] else {}),
        }
        for part in parts
    ]
    return {"postData": {"mimeType": kind, "params": params}}


def _content(row: Row) -> dict[str, Any]:
    if row["pieces"] is not None:
        kind, text = "text/event-stream", "".join(piece["text"] for piece in row["pieces"])
    else:
        kind, text = "application/json", "" if row["response"] is None else _text(row["response"])
    return {"mimeType": kind, "size": len(text.encode("utf-8", "replace")), "text": text}
