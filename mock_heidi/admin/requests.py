"""The journal, through its one reader."""

from itertools import islice

from starlette.responses import Response
from starlette.routing import Route

from mock_heidi.admin.control import ControlError, known_query, respond
from mock_heidi.http import Request

_FILTERS = ("operation", "method", "path", "status")


async def list_requests(request: Request) -> Response:
    query = known_query(request, (*_FILTERS, "limit"))
    limit = query.pop("limit", "1000")
    if not limit.isdecimal():
        raise ControlError(400, f"limit={limit} is no number", "write it like limit=20")
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
