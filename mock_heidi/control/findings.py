"""The findings about the client."""

from starlette.responses import Response

from mock_heidi.base.slices import in_slices
from mock_heidi.base.wording import nearest
from mock_heidi.control.control import ControlError, ControlRoute, read_number, respond
from mock_heidi.observing.findings import LEVELS, at_least
from mock_heidi.web.request import Request

_DIGITS = 9


async def list_findings(request: Request) -> Response:
    query = request.query
    level, since = query.get("level", LEVELS[0]), query.get("since", "0")
    if level not in LEVELS:
        raise ControlError(400, f"there is no level {level!r}", nearest(level, LEVELS))
    after = read_number(since, _DIGITS, f"since={since} is not the id of a request", "write it like since=20")
    wanted = at_least(level)
    namespace = request.namespace
    findings = await in_slices(namespace.checks.running(namespace.journal))
    found = [one for one in findings if one.level in wanted and one.last > after]
    # Details repeat the client's words, which may be secrets: names of fields and files, ids.
    return respond({"findings": [one.to_dict(namespace.journal.word) for one in found]})


routes = [ControlRoute("/findings", list_findings, "GET", query=("level", "since"))]
