"""Answers from stubs: find the reply that a test has set for a request."""

from __future__ import annotations

from starlette.responses import Response

from mock_heidi.base.json_text import to_json
from mock_heidi.base.operations import SIGN_IN, Takes
from mock_heidi.state.stub_records import Stub
from mock_heidi.state.stubs import ActiveStub
from mock_heidi.web.request import Request
from mock_heidi.web.response import SANDBOX, is_inert


def stub_of(request: Request) -> Stub | None:
    """The reply that a test has set for this request, or None. Counts a hit."""
    active = _find(request)
    if active is not None:
        active.hits += 1
    return None if active is None else active.stub


def whole_stub(request: Request) -> Response | None:
    """The whole answer that a test has set, or None. It comes before the checks of body and ids.

    In a sign-in, it comes after the check of the key.
    """
    replies = request.namespace.stubs
    if request.operation not in replies.replaced or (request.operation == SIGN_IN and request.identity is None):
        return None
    active = _find(request)
    if active is None or not active.stub.whole:
        return None
    active.hits += 1
    request.journaled()
    request.provenance = "reply"
    deviation = active.deviation(request.assumptions)
    if deviation is not None:
        request.note("reply_breaks_contract", deviation)
    return _answer_of(active.stub)


async def stub_instead(request: Request, takes: Takes) -> Response | None:
    """The whole answer that a test has set, or None. Reads the body first if a reply depends on it."""
    if request.operation in request.namespace.stubs.judging and takes is not Takes.FORM:
        await request.read_body()
    return whole_stub(request)


def _find(request: Request) -> ActiveStub | None:
    """The first stub that matches the request and its body, as far as the body was read."""
    return request.namespace.stubs.find(request.operation, request.params.get("session_id"), request.json)


def _answer_of(reply: Stub) -> Response:
    status = int(reply.status or 200)
    body = None if reply.body is None else to_json(reply.body)
    answer = Response(body, status, reply.headers, None if body is None else "application/json")
    if not is_inert(answer.raw_headers):
        answer.raw_headers.append(SANDBOX)
    return answer
