"""Answers by stubs: the replies that a test has set, found for a request."""

from __future__ import annotations

from starlette.responses import Response

from mock_heidi.base.json_text import to_json
from mock_heidi.base.operations import SIGN_IN, Takes
from mock_heidi.state.stub_records import Stub
from mock_heidi.state.stubs import ActiveStub
from mock_heidi.web.request import Request


def stub_of(request: Request) -> Stub | None:
    """The reply that a test has set for this request, None without one. Counts a hit."""
    rule = _find(request) if request.namespace.stubs else None
    if rule is None:
        return None
    rule.hits += 1
    return rule.stub


def whole_stub(request: Request) -> Response | None:
    """The whole answer that a test wants given, before body and ids are checked; None where it wants none.

    For signing in, after the key was checked.
    """
    replies = request.namespace.stubs
    if request.operation not in replies.replaced or (request.operation == SIGN_IN and request.identity is None):
        return None
    rule = _find(request)
    if rule is None or not rule.stub.whole:
        return None
    rule.hits += 1
    request.journaled().provenance = "reply"
    if rule.deviation is not None:
        request.note("reply_breaks_contract", rule.deviation)
    return _answer_of(rule.stub)


async def stub_instead(request: Request, takes: Takes) -> Response | None:
    """The whole answer that a test wants given, or None. The body is read before if a reply depends on it."""
    if request.operation in request.namespace.stubs.judging and takes is not Takes.FORM:
        await request.read_body()
    return whole_stub(request)


def _find(request: Request) -> ActiveStub | None:
    """The first rule that fits, judged by the body as far as it was read."""
    return request.namespace.stubs.find(request.operation, request.params.get("session_id"), request.json)


def _answer_of(reply: Stub) -> Response:
    headers = {**(reply.headers or {}), "x-mock-provenance": "reply"}
    status = int(reply.status or 200)
    body = None if reply.body is None else to_json(reply.body)
    return Response(body, status, headers, None if body is None else "application/json")
