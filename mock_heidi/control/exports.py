"""Requests as commands for curl, and as HAR 1.2 for the developer tools of browsers.

Both are made from a row of :meth:`Journal.read` and the parameters of the query, which the row joins if they repeat.
Every text of the client is quoted for its place: the shell, the URL, curl's form options, or JSON. A command never
reads a file that the client has named.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from mock_heidi.base.excerpts import is_hidden
from mock_heidi.base.settings import DEFAULT_NAMESPACE, VERSION
from mock_heidi.base.wording import printable_json
from mock_heidi.observing.entry_view import MOST_OF_BODY
from mock_heidi.observing.redaction import REDACTED

Row = dict[str, Any]
Pairs = Sequence[tuple[str, str]]

# The headers that curl sends by itself, and those that would be wrong for another request.
_OWN_HEADERS = ("host", "content-length", "accept-encoding", "connection", "transfer-encoding", "user-agent")
# curl reads a file if a header begins with "@".
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# Characters that control a terminal or the direction of its text.
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_MEDIA_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+")
_VARIABLES = {"authorization": "Bearer $TOKEN", "heidi-api-key": "$HEIDI_API_KEY"}
# For a client that sent its API key in place of a token: the command repeats that mistake.
_KEY_AS_TOKEN = {**_VARIABLES, "authorization": "Bearer $HEIDI_API_KEY"}


def curl(row: Row, query: Pairs, origin: str) -> str:
    """The request as a shell command that sends it to ``origin``.

    Variables replace hidden values: ``$TOKEN``, ``$HEIDI_API_KEY``, ``$BODY``, and ``$FILE`` for the path of a file.
    A comment before the command counts the parts of a form that curl cannot send.
    """
    # With -X HEAD, curl would wait for the body of the answer. With --head, it cannot send a body.
    is_head = row["method"] == "HEAD"
    words = ["curl", "--head"] if is_head else ["curl", "-X", shlex.quote(row["method"])]
    words.append(shlex.quote(_url(row, _readable(query), origin)))
    variables = _KEY_AS_TOKEN if "key_as_token" in row["findings"] else _VARIABLES
    for name, value in row["headers"].items():
        words += _header(name, value, variables)
    if is_head:
        return " ".join(words)
    parts = _parts(row["body"])
    if parts is None:
        return " ".join([*words, *_data(row)])
    fields, lost = _fields(parts)
    comment = f"# without {lost} of {len(parts)} parts, whose names curl cannot write\n" if lost else ""
    return comment + " ".join([*words, *fields])


def curl_comments(commands: bytes, omitted: int, origin: str, namespace: str) -> str:
    """The comments before the commands: the number of omitted requests, and a command that sets ``$TOKEN``."""
    lines = [f"# {omitted} older requests are left out\n"] if omitted else []
    if b"Bearer $TOKEN" in commands:
        place = "" if namespace == DEFAULT_NAMESPACE else f" --namespace {namespace}"
        command = f'mock-heidi token --url {shlex.quote(origin)}{place} --api-key "$HEIDI_API_KEY"'
        lines.append(f"# $HEIDI_API_KEY is the key of your client; TOKEN=$({command})\n")
    return "".join(lines)


def _url(row: Row, query: Pairs, origin: str) -> str:
    parameters = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in query)
    # Without a slash at its beginning, the path would become a part of the host's name.
    path = row["path"] if row["path"].startswith("/") else f"/{row['path']}"
    return origin + quote(path, safe="/:") + (f"?{parameters}" if parameters else "")


def _readable(query: Pairs) -> Pairs:
    """The parameters, with ``***`` for each hidden value."""
    return [(name, REDACTED if is_hidden(value) else value) for name, value in query]


def _header(name: str, value: str, variables: Mapping[str, str]) -> list[str]:
    if name in variables:
        return ["-H", f'"{name}: {variables[name]}"']
    writable = _HEADER.fullmatch(name) and not _CONTROL.search(value)
    if not writable or name in _OWN_HEADERS or is_hidden(value) or "multipart" in value:
        return []
    # curl takes a name with a colon and no value as an order to remove the header.
    return ["-H", shlex.quote(f"{name}: {value}" if value else f"{name};")]


def _data(row: Row) -> list[str]:
    body = row["body"]
    if body is None:
        return []
    if not isinstance(body, str):
        return ["--data-raw", shlex.quote(printable_json(body))]
    unwritable = is_hidden(body) or row["body_bytes"] > MOST_OF_BODY or _CONTROL.search(body.replace("\n", ""))
    return ["--data-raw", '"$BODY"' if unwritable else shlex.quote(body)]


def _parts(body: Any) -> list[dict[str, Any]] | None:
    """The parts of a multipart body in the journal's form; None for another body."""
    parts = body.get("parts") if isinstance(body, dict) and len(body) == 1 else None
    return parts if isinstance(parts, list) and all(map(_is_part, parts)) else None


def _is_part(part: Any) -> bool:
    # A client may send JSON that looks similar.
    return (
        isinstance(part, dict)
        and set(part) == {"name", "filename", "content_type", "size", "complete"}
        and isinstance(part["name"], str)
        and all(part[name] is None or isinstance(part[name], str) for name in ("filename", "content_type"))
    )


def _fields(parts: Sequence[dict[str, Any]]) -> tuple[list[str], int]:
    """The options for the parts that curl can send, and the number of the other parts."""
    words: list[str] = []
    lost = files = 0
    for part in parts:
        # For curl, the name ends at the first "="; the rest may name a file.
        if not part["name"] or "=" in part["name"] or _CONTROL.search(part["name"]):
            lost += 1
        elif part["filename"] is None:
            words += ["--form-string", shlex.quote(f"{part['name']}=")]
        else:
            files += 1
            words += ["-F", _file(part, "$FILE" if files == 1 else f"$FILE{files}")]
    return words, lost


def _file(part: dict[str, Any], variable: str) -> str:
    """The option for a part with a file. The user of the command sets the path of the file."""
    name, kind = part["filename"], part["content_type"] or ""
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    more = "" if _CONTROL.search(name) else f';filename="{quoted}"'
    more += f";type={kind}" if _MEDIA_TYPE.fullmatch(kind) else ""
    return f'{shlex.quote(part["name"] + "=@")}"{variable}"{shlex.quote(more) if more else ""}'


def _text(body: Any) -> str:
    return body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)


def har_head(omitted: int) -> dict[str, Any]:
    """The fields of an HTTP archive, without its entries."""
    comment = {"comment": f"{omitted} older requests are left out"} if omitted else {}
    return {"version": "1.2", "creator": {"name": "mock_heidi", "version": VERSION}, **comment}


def har(row: Row, query: Pairs, origin: str) -> dict[str, Any]:
    """An entry of an HTTP archive. Fields that the journal does not keep are empty."""
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
        "headers": _named((row["response_headers"] or {}).items()),
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
        kind = (row["response_headers"] or {}).get("content-type", "")
        text = "" if row["response"] is None else _text(row["response"])
    return {"mimeType": kind, "size": len(text.encode("utf-8", "replace")), "text": text}
