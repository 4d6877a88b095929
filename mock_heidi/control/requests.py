"""The requests in the journal, without their secrets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.responses import PlainTextResponse, Response

from mock_heidi.base.json_text import to_json
from mock_heidi.base.slices import Slices, in_slices
from mock_heidi.base.wording import nearest
from mock_heidi.control import exports
from mock_heidi.control.answers import NO_STORE, Rows
from mock_heidi.control.control import ControlError, ControlRoute, read_number, respond
from mock_heidi.control.coverage import count_coverage
from mock_heidi.observing import filters
from mock_heidi.observing.entry import Entry
from mock_heidi.observing.filters import Filter, FilterError
from mock_heidi.observing.journal import Journal
from mock_heidi.web.request import Request
from mock_heidi.web.response import Answer

_DIGITS = 9
_FORMATS = ("json", "curl", "har")
_VIEWS = ("whole", "headlines")
# The cost of making a headline.
_HEADLINE = 2_000
# The most bytes of rows in an answer. The rows of the oldest requests are omitted.
_MOST_BYTES = 8_000_000


async def list_requests(request: Request) -> Response:
    """The last requests that match, oldest first. If they are too long together, the oldest are omitted."""
    query = request.query
    limit = query.pop("limit", str(request.registry.settings.journal_entries))
    form, view = _word(query, "format", _FORMATS), _word(query, "view", _VIEWS)
    most = read_number(limit, _DIGITS, f"limit={limit} is not a number", "write it like limit=20")
    if view == "headlines" and form != "json":
        raise ControlError(400, f"headlines have no format {form!r}", "leave out view or format")
    journal = request.namespace.journal
    origin = f"{request.scope['scheme']}://{request.header('host') or ''}"
    rows, found = Rows(_MOST_BYTES), await _found(request, query, most + 1)
    for entry in found[:most]:
        if rows.full:
            rows.omitted += 1
        elif view == "headlines":
            await rows.add(to_json(journal.headline(entry)), work=_HEADLINE)
        else:
            await rows.add(_row(journal, entry, form, origin), work=entry.size)
    rows.made.reverse()
    if form == "json":
        rest = {"more": len(found) > most, "dropped": journal.dropped, "omitted": rows.omitted}
        return rows.respond("requests", after=rest)
    if form == "har":
        return Answer(b'{"log":%s}' % rows.under("entries", exports.har_head(rows.omitted)), headers=NO_STORE)
    commands = b"".join(rows.made)
    comments = exports.curl_comments(commands, rows.omitted, origin, request.namespace.name)
    return PlainTextResponse(comments.encode() + commands, headers=NO_STORE)


def _word(query: dict[str, str], name: str, known: Sequence[str]) -> str:
    """Take a parameter out of the query: one of the known words, by default the first."""
    word = query.pop(name, known[0])
    if word not in known:
        raise ControlError(400, f"there is no {name} {word!r}", nearest(word, known))
    return word


def _row(journal: Journal, entry: Entry, form: str, origin: str) -> bytes:
    """A request in a format: ``json``, ``har`` or ``curl``."""
    row = journal.read(entry)
    if form == "json":
        return to_json(row)
    if form == "har":
        return to_json(exports.har(row, journal.query(entry), origin))
    return f"{exports.curl(row, journal.query(entry), origin)}\n".encode()


async def count_requests(request: Request) -> Response:
    return respond({"count": len(await _found(request, request.query))})


async def get_request(request: Request) -> Response:
    """One request; with ``full=true``, its bodies are complete."""
    full = request.query.get("full", "false")
    if full not in ("true", "false"):
        raise ControlError(400, f"full={full} is neither true nor false", "write it like full=true")
    entry = await find_request(request)
    return respond(request.namespace.journal.read(entry, whole=full == "true"))


async def find_request(request: Request) -> Entry:
    """The entry that the URL names, after the checks. Raises :class:`ControlError` for an unknown one."""
    wanted, namespace = request.params["id"], request.namespace
    await in_slices(namespace.checks.running(namespace.journal))
    for entry in namespace.journal:
        if str(entry.id) == wanted:
            return entry
    hint = "GET /_mock/requests lists them; the oldest are dropped when there are too many"
    raise ControlError(404, f"there is no request {wanted!r}", hint)


async def clear_requests(request: Request) -> Response:
    """Forget the requests that match; without a filter, all."""
    query, namespace = request.query, request.namespace
    journal = namespace.journal
    await count_coverage(request.registry, namespace)
    if not query:
        await in_slices(namespace.checks.running(journal))
        namespace.checks.run(journal)  # for requests that came meanwhile, so that their findings stay
        return respond({"cleared": journal.clear()})
    found = await _found(request, query)
    # A reset may have removed entries meanwhile and reused their ids.
    return respond({"cleared": journal.remove({entry.id for entry in found if entry.kept})})


async def _found(request: Request, query: dict[str, str], most: int | None = None) -> list[Entry]:
    """The entries that match, newest first, at most ``most``."""
    wanted = read_filter(query)
    namespace = request.namespace
    await in_slices(namespace.checks.running(namespace.journal))
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
    """A filter from its fields. Raises :class:`ControlError` for an invalid one."""
    try:
        return filters.parse(given)
    except FilterError as error:
        raise ControlError.of(error) from None


routes = [
    ControlRoute("/requests", list_requests, "GET", query=(*filters.NAMES, "limit", "format", "view")),
    ControlRoute("/requests", clear_requests, "DELETE", query=filters.NAMES),
    ControlRoute("/requests/count", count_requests, "GET", query=filters.NAMES),
    ControlRoute("/requests/{id}", get_request, "GET", query=("full",)),
]
