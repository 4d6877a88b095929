"""The journal, through its one reader."""

from __future__ import annotations

from typing import Any

from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from mock_heidi.base.json_text import to_json
from mock_heidi.base.slices import Slices, in_slices
from mock_heidi.base.wording import nearest
from mock_heidi.control import exports
from mock_heidi.control.answers import NO_STORE, Rows
from mock_heidi.control.control import ControlError, known_query, read_number, respond
from mock_heidi.observing import filters
from mock_heidi.observing.entry import Entry
from mock_heidi.observing.filters import Filter, FilterError
from mock_heidi.observing.journal import Journal
from mock_heidi.web.request import Request
from mock_heidi.web.response import Answer

_DIGITS = 9
_FORMATS = ("json", "curl", "har")
# So many bytes of rows are shown, those of the newest requests.
_MOST_BYTES = 8_000_000


async def list_requests(request: Request) -> Response:
    """The last requests that fit, oldest first; of very long ones the newest."""
    query = known_query(request, (*filters.NAMES, "limit", "format"))
    limit = query.pop("limit", str(request.registry.settings.journal_entries))
    form = query.pop("format", "json")
    most = read_number(limit, _DIGITS, f"limit={limit} is no number", "write it like limit=20")
    if form not in _FORMATS:
        raise ControlError(400, f"there is no format {form!r}", nearest(form, _FORMATS))
    journal = request.namespace.journal
    origin = f"{request.scope['scheme']}://{request.header('host') or ''}"
    rows = Rows(_MOST_BYTES)
    for entry in await _found(request, query, most):
        if rows.full:
            rows.omitted += 1
        else:
            await rows.add(_row(journal, entry, form, origin), work=entry.size)
    rows.made.reverse()
    if form == "json":
        return rows.respond("requests", after={"dropped": journal.dropped, "omitted": rows.omitted})
    if form == "har":
        return Answer(b'{"log":%s}' % rows.under("entries", exports.har_head(rows.omitted)), headers=NO_STORE)
    commands = b"".join(rows.made)
    comments = exports.curl_comments(commands, rows.omitted, origin, request.namespace.name)
    return PlainTextResponse(comments.encode() + commands, headers=NO_STORE)


def _row(journal: Journal, entry: Entry, form: str, origin: str) -> bytes:
    """A request in the form that was asked for."""
    row = journal.read(entry)
    if form == "json":
        return to_json(row)
    if form == "har":
        return to_json(exports.har(row, journal.query(entry), origin))
    return f"{exports.curl(row, journal.query(entry), origin)}\n".encode()


async def count_requests(request: Request) -> Response:
    query = known_query(request, filters.NAMES)
    return respond({"count": len(await _found(request, query))})


async def get_request(request: Request) -> Response:
    """One request, with ``full=true`` its whole bodies."""
    full = known_query(request, ("full",)).get("full", "false")
    if full not in ("true", "false"):
        raise ControlError(400, f"full={full} is neither true nor false", "write it like full=true")
    wanted = request.params["id"]
    namespace = request.namespace
    await in_slices(namespace.running_checks())
    for entry in namespace.journal:
        if str(entry.id) == wanted:
            return respond(namespace.journal.read(entry, whole=full == "true"))
    hint = "GET /_mock/requests lists them; the oldest go when there are too many"
    raise ControlError(404, f"there is no request {wanted!r}", hint)


async def clear_requests(request: Request) -> Response:
    """Forget the requests that fit, by default all."""
    query = known_query(request, filters.NAMES)
    namespace = request.namespace
    journal = namespace.journal
    if not query:
        await in_slices(namespace.running_checks())
        namespace.run_checks()  # requests may have come since; their findings stay
        return respond({"cleared": journal.clear()})
    found = await _found(request, query)
    # A reset may have forgotten some meanwhile, and begun to count anew.
    return respond({"cleared": journal.remove({entry.id for entry in found if entry.kept})})


async def _found(request: Request, query: dict[str, str], most: int | None = None) -> list[Entry]:
    """The entries that fit, newest first, so many at most."""
    wanted = read_filter(query)
    namespace = request.namespace
    await in_slices(namespace.running_checks())
    found: list[Entry] = []
    slices = Slices()
    for entry in reversed(list(namespace.journal)):
        if len(found) == most:
            break
        if wanted.fits(entry, namespace.journal):
            found.append(entry)
        await slices.spend(wanted.cost(entry))
    return found


def read_filter(given: dict[str, Any]) -> Filter:
    """A filter, or the refusal of one that makes no sense."""
    try:
        return filters.parse(given)
    except FilterError as error:
        raise ControlError.of(error) from None


routes = [
    Route("/requests", list_requests, methods=["GET"]),
    Route("/requests", clear_requests, methods=["DELETE"]),
    Route("/requests/count", count_requests, methods=["GET"]),
    Route("/requests/{id}", get_request, methods=["GET"]),
]
