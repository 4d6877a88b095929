"""The replies that a test sets in place of the mock's own."""

from typing import Any

from pydantic import ValidationError
from starlette.responses import Response

from mock_heidi.base.json_text import MOST_VALUES, holds_more
from mock_heidi.base.wording import nearest
from mock_heidi.control.answers import rows_of
from mock_heidi.control.control import ControlError, ControlRoute, read_body, report_setting, respond
from mock_heidi.state.stub_records import Stub
from mock_heidi.state.stubs import ActiveStub, StubError
from mock_heidi.web.request import Request

_HINT = 'send {"operation": "ask_ai", "text": "…"}, or pieces (a list of strings), or body (JSON) and status'


async def list_replies(request: Request) -> Response:
    return await _list(request)


async def add_reply(request: Request) -> Response:
    body = await read_body(request)
    if holds_more(body, MOST_VALUES):
        raise ControlError(400, f"the reply has more than {MOST_VALUES:,} values", "send a shorter one")
    if not isinstance(body, dict):
        raise ControlError(400, "the body should be an object", _HINT)
    try:
        stub = Stub.model_validate(body)
    except ValidationError as error:
        row = error.errors()[0]
        raise ControlError(400, f"{'.'.join(map(str, row['loc']))}: {row['msg']}", _HINT) from None
    problem = stub.problem()
    if problem:
        raise ControlError(400, problem, _HINT)
    try:
        active = request.namespace.stubs.add(stub)
    except StubError as error:
        raise ControlError.of(error, 409) from None
    report_setting(request, "replies")
    return respond(_row(request, active))


async def delete_replies(request: Request) -> Response:
    stubs, wanted = request.namespace.stubs, request.params.get("id")
    if not stubs.remove(wanted) and wanted is not None:
        known = [active.id for active in stubs]
        raise ControlError(404, f"there is no reply {wanted!r}", nearest(wanted, known))
    report_setting(request, "replies")
    return await _list(request)


async def _list(request: Request) -> Response:
    return (await rows_of(_row(request, active) for active in request.namespace.stubs)).respond("replies")


def _row(request: Request, active: ActiveStub) -> dict[str, Any]:
    """A stub as a row of an answer, without secrets. The API still sends them."""
    journal, given = request.namespace.journal, active.to_dict(request.namespace.assumptions)
    row: dict[str, Any] = journal.clean(given)
    # A secret may be divided between pieces.
    return {**row, "pieces": journal.together(given["pieces"])} if "pieces" in given else row


routes = [
    ControlRoute("/replies", list_replies, "GET"),
    ControlRoute("/replies", add_reply, "POST"),
    ControlRoute("/replies", delete_replies, "DELETE"),
    ControlRoute("/replies/{id}", delete_replies, "DELETE"),
]
