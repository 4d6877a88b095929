"""The journal, through its one reader."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from itertools import islice
from typing import Any
from urllib.parse import quote

from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from mock_heidi import filters
from mock_heidi.admin.control import ControlError, known_query, nearest, respond
from mock_heidi.filters import Filter, FilterError
from mock_heidi.http import Request
from mock_heidi.journal import REDACTED, Entry

_DIGITS = 9
_FORMATS = ("json", "curl")


async def list_requests(request: Request) -> Response:
    """The last requests that fit, oldest first."""
    query = known_query(request, (*filters.NAMES, "limit", "format"))
    limit = query.pop("limit", str(request.call.space.settings.journal_entries))
    form = query.pop("format", "json")
    if not limit.isascii() or not limit.isdecimal() or len(limit) > _DIGITS:
        raise ControlError(400, f"limit={limit} is no number", "write it like limit=20")
    if form not in _FORMATS:
        raise ControlError(400, f"there is no format {form!r}", nearest(form, _FORMATS))
    journal = request.namespace.journal
    newest = list(islice(_found(request, query), int(limit)))[::-1]
    if form == "curl":
        lines = [_curl(request, journal.read(entry)) for entry in newest]
        return PlainTextResponse("".join(line + "\n" for line in lines), headers={"cache-control": "no-store"})
    return respond({"requests": [journal.read(entry) for entry in newest], "dropped": journal.dropped})


async def count_requests(request: Request) -> Response:
    query = known_query(request, filters.NAMES)
    return respond({"count": sum(1 for _ in _found(request, query))})


async def get_request(request: Request) -> Response:
    known_query(request, ())
    wanted = request.params["id"]
    namespace = request.namespace
    namespace.review()
    for entry in namespace.journal:
        if str(entry.id) == wanted:
            return respond(namespace.journal.read(entry))
    hint = "GET /_mock/requests lists them; the oldest go when there are too many"
    raise ControlError(404, f"there is no request {wanted!r}", hint)


async def clear_requests(request: Request) -> Response:
    """Forget the requests that fit, by default all."""
    query = known_query(request, filters.NAMES)
    journal = request.namespace.journal
    request.namespace.review()  # what is to be said of them stays
    if not query:
        return respond({"cleared": journal.clear()})
    return respond({"cleared": journal.remove({entry.id for entry in _found(request, query)})})


def _found(request: Request, query: dict[str, str]) -> Iterator[Entry]:
    """The entries that fit, newest first."""
    wanted = read_filter(query)
    namespace = request.namespace
    namespace.review()
    return (entry for entry in reversed(list(namespace.journal)) if wanted.fits(entry, namespace.journal))


def read_filter(given: dict[str, Any]) -> Filter:
    """A filter, or the refusal of one that makes no sense."""
    try:
        return filters.parse(given)
    except FilterError as error:
        raise ControlError(400, str(error), error.hint) from None


# What curl says by itself, and what would not be true of another request.
_OWN_HEADERS = ("host", "content-length", "accept-encoding", "connection", "user-agent")
_VARIABLES = {"authorization": "Bearer $TOKEN", "heidi-api-key": "$HEIDI_API_KEY"}


def _curl(request: Request, row: dict[str, Any]) -> str:
    """The same request as a command; secrets become variables, and files names."""
    host = request.headers.get("host", "")
    query = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in row["query"].items())
    url = f"{request.scope['scheme']}://{host}{quote(row['path'], safe='/:')}" + (f"?{query}" if query else "")
    words = ["curl", "-X", row["method"], shlex.quote(url)]
    for name, value in row["headers"].items():
        if name in _VARIABLES:
            words += ["-H", f'"{name}: {_VARIABLES[name]}"']
        elif name not in _OWN_HEADERS and value != REDACTED and "multipart" not in value:
            words += ["-H", shlex.quote(f"{name}: {value}")]
    return " ".join(words + _body(row["body"]))


def _body(body: Any) -> list[str]:
    if body is None:
        return []
    if isinstance(body, dict) and set(body) == {"parts"} and isinstance(body["parts"], list):
        parts = ((part["name"], part["filename"]) for part in body["parts"])
        return [
            word
            for name, filename in parts
            for word in ("-F", shlex.quote(f"{name}=" if filename is None else f"{name}=@{filename}"))
        ]
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    return ["--data-raw", shlex.quote(text)]


routes = [
    Route("/requests", list_requests, methods=["GET"]),
    Route("/requests", clear_requests, methods=["DELETE"]),
    Route("/requests/count", count_requests, methods=["GET"]),
    Route("/requests/{id}", get_request, methods=["GET"]),
]
