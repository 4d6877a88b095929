"""The journal, through its one reader."""

from itertools import islice

from starlette.responses import Response
from starlette.routing import Route

from mock_heidi.admin.control import ControlError, known_query, nearest, respond
from mock_heidi.http import Request
from mock_heidi.settings import OPERATIONS

_DIGITS = 9
_FILTERS = ("operation", "method", "path", "status")


async def list_requests(request: Request) -> Response:
    query = known_query(request, (*_FILTERS, "limit"))
    limit = query.pop("limit", str(request.call.space.settings.journal_entries))
    if not limit.isascii() or not limit.isdecimal() or len(limit) > _DIGITS:
        raise ControlError(400, f"limit={limit} is no number", "write it like limit=20")
    if query.get("operation", OPERATIONS[0]) not in OPERATIONS:
        raise ControlError(
            400, f"there is no operation {query['operation']!r}", nearest(query["operation"], OPERATIONS)
        )
    if not query.get("status", "200").isdecimal():
        raise ControlError(400, f"status={query['status']} is no status", "write it like status=404")
    journal = request.namespace.journal
    found = (
        entry
        for entry in reversed(list(journal))
        if all(str(getattr(entry, name)) == wanted for name, wanted in query.items())
    )
    newest = [journal.read(entry) for entry in islice(found, int(limit))]
    return respond({"requests": newest[::-1], "dropped": journal.dropped})


async def clear_requests(request: Request) -> Response:
    known_query(request, ())
    return respond({"cleared": request.namespace.journal.clear()})


routes = [
    Route("/requests", list_requests, methods=["GET"]),
    Route("/requests", clear_requests, methods=["DELETE"]),
]
