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
    """The reply that a test has set for the text of this request, or None."""
    active = _hit(request, whole=False)
    return None if active is None else active.stub


def whole_stub(request: Request) -> Response | None:
    """The whole answer that a test has set, or None. It comes before the checks of body and ids.

    In a sign-in, it comes after the check of the key.
    """
    if request.operation == SIGN_IN and request.identity is None:
        return None
    active = _hit(request, whole=True)
    if active is None:
        return None
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


def _hit(request: Request, *, whole: bool) -> ActiveStub | None:
    """The first reply that matches the request and its body, as far as the body was read. Counts a hit."""
    replies, session = request.namespace.stubs, request.params.get("session_id")
    found = replies.find(request.operation, session, request.json) if replies else None
    if found is None or found.stub.whole != whole:
        return None
    found.hits += 1
    return found


def _answer_of(reply: Stub) -> Response:
    status = int(reply.status or 200)
    body = None if reply.body is None else to_json(reply.body)
    answer = Response(body, status, reply.headers, None if body is None else "application/json")
    if not is_inert(answer.raw_headers):
        answer.raw_headers.append(SANDBOX)
    return answer
