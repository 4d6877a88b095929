"""The journal, through its one reader."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from mock_heidi import filters
from mock_heidi.admin import exports
from mock_heidi.admin.control import ControlError, known_query, nearest, respond
from mock_heidi.filters import Filter, FilterError
from mock_heidi.http import Request
from mock_heidi.journal import Entry

_DIGITS = 9
_FORMATS = ("json", "curl", "har")


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
    if form == "json":
        return respond({"requests": [journal.read(entry) for entry in newest], "dropped": journal.dropped})
    origin = f"{request.scope['scheme']}://{request.headers.get('host', '')}"
    rows = [(journal.read(entry), journal.query(entry)) for entry in newest]
    if form == "har":
        return respond(exports.har(rows, origin))
    lines = [exports.curl(row, query, origin) + "\n" for row, query in rows]
    return PlainTextResponse("".join(lines), headers={"cache-control": "no-store"})


async def count_requests(request: Request) -> Response:
    query = known_query(request, filters.NAMES)
    return respond({"count": sum(1 for _ in _found(request, query))})


async def get_request(request: Request) -> Response:
    """One request, with ``full=true`` its whole bodies."""
    full = known_query(request, ("full",)).get("full", "false")
    if full not in ("true", "false"):
        raise ControlError(400, f"full={full} is neither true nor false", "write it like full=true")
    wanted = request.params["id"]
    namespace = request.namespace
    namespace.review()
    for entry in namespace.journal:
        if str(entry.id) == wanted:
            return respond(namespace.journal.read(entry, whole=full == "true"))
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


routes = [
    Route("/requests", list_requests, methods=["GET"]),
    Route("/requests", clear_requests, methods=["DELETE"]),
    Route("/requests/count", count_requests, methods=["GET"]),
    Route("/requests/{id}", get_request, methods=["GET"]),
]
