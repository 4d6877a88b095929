"""Replies that a test sets in place of the mock's own."""

from typing import Any

from pydantic import ValidationError
from starlette.responses import Response
from starlette.routing import Route

from mock_heidi.admin.answers import rows_of
from mock_heidi.admin.control import ControlError, known_query, read_body, respond
from mock_heidi.http import Request
from mock_heidi.json_text import MOST_VALUES, holds_more
from mock_heidi.stub_records import Reply
from mock_heidi.stubs import ReplyError, Rule

_HINT = 'send {"operation": "ask_ai", "text": "…"}, or pieces (a list of strings), or body (JSON) and status'


async def list_replies(request: Request) -> Response:
    known_query(request, ())
    return await _shown(request)


async def add_reply(request: Request) -> Response:
    known_query(request, ())
    body = await read_body(request)
    if holds_more(body, MOST_VALUES):
        raise ControlError(400, f"the reply holds more than {MOST_VALUES:,} values", "send a shorter one")
    try:
        reply = Reply.model_validate(body)
    except ValidationError as error:
        row = error.errors()[0]
        place = ".".join(map(str, row["loc"])) or "the body"
        raise ControlError(400, f"{place}: {row['msg']}", _HINT) from None
    problem = reply.problem()
    if problem:
        raise ControlError(400, problem, _HINT)
    try:
        rule = request.namespace.replies.add(reply)
    except ReplyError as error:
        raise ControlError.of(error, 409) from None
    return respond(_reply(request, rule))


async def delete_replies(request: Request) -> Response:
    known_query(request, ())
    replies, wanted = request.namespace.replies, request.params.get("id")
    if not replies.remove(wanted) and wanted is not None:
        known = ", ".join(rule.id for rule in replies) or "none"
        raise ControlError(404, f"there is no reply {wanted!r}", f"there are {known}")
    return await _shown(request)


async def _shown(request: Request) -> Response:
    return (await rows_of(_reply(request, rule) for rule in request.namespace.replies)).respond("replies")


def _reply(request: Request, rule: Rule) -> dict[str, Any]:
    """A reply without its secrets, with which it is sent all the same."""
    journal, given = request.namespace.journal, rule.shown()
    shown: dict[str, Any] = journal.clean(given)
    # A secret may stand across pieces.
    return {**shown, "pieces": journal.together(given["pieces"])} if "pieces" in given else shown


routes = [
    Route("/replies", list_replies, methods=["GET"]),
    Route("/replies", add_reply, methods=["POST"]),
    Route("/replies", delete_replies, methods=["DELETE"]),
    Route("/replies/{id}", delete_replies, methods=["DELETE"]),
]
