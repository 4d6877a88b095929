"""The choice of the rules that a request meets: those that are set, and the one that it asks for itself."""

from __future__ import annotations

from http import HTTPStatus

from mock_heidi.base.errors import HeidiError, ServiceUnavailableError
from mock_heidi.base.json_text import to_json
from mock_heidi.base.operations import SIGN_IN
from mock_heidi.faults.active_faults import ActiveFault
from mock_heidi.faults.request_facts import RequestFacts, below_base, token_mark
from mock_heidi.faults.rule import CONNECTION, parse
from mock_heidi.faults.short_form import FaultError
from mock_heidi.namespaces.namespace import Namespace
from mock_heidi.namespaces.tokens import Caller, GoodKey
from mock_heidi.serving.connection import connection_of
from mock_heidi.web.admission import admit
from mock_heidi.web.request import Request
from mock_heidi.web.response import Answer
from mock_heidi.web.shaping import UNDOCUMENTED, Shaping

_HEADER = b"x-mock-fault"


def may_meet_rules(request: Request) -> bool:
    """True unless it is sure that no rule is for the request."""
    if request.answer is not None:
        return False
    namespace = request.known_namespace
    rules = request.registry.begins_faulty if namespace is None else request.operation in namespace.faults.operations
    return rules or (_HEADER in request.headers and _wanted(request) is not None)


def _wanted(request: Request) -> bytes | None:
    """The rule that the request itself asks for in a header, where that is allowed."""
    if request.operation is None or not request.registry.settings.request_faults:
        return None
    return request.headers.get(_HEADER)


async def shaping(request: Request) -> Shaping | None:
    """The rules that are to shape the answer, or None."""
    namespace = request.known_namespace or _opened(request)
    if namespace is None:
        return None
    try:
        asked_for = _asked_for(request, namespace)
    except FaultError as error:
        _refuse(request, HTTPStatus.BAD_REQUEST, f"X-Mock-Fault: {error}", "header")
        return None
    rules = await _choose(request, namespace, asked_for)
    broken = [(rule, name) for rule in rules for name in rule.fault.given(CONNECTION)]
    if broken and connection_of(request.scope) is None:
        # Whatever else is to go wrong: a rule of start-up may want to break what is not there.
        rule, effect = broken[0]
        text = f"{effect} does not work in process, where there is no connection; serve on a socket"
        _refuse(request, HTTPStatus.INTERNAL_SERVER_ERROR, text, rule.id)
        request.journaled().fault = (rule.id,)
        for other in rules:
            if other is not rule:
                other.hits -= 1
        return None
    return Shaping(request, rules) if rules else None


def _refuse(request: Request, status: int, text: str, rule: str) -> None:
    """Have the request answered with the reason that a rule cannot act."""
    marks = {"x-mock-provenance": UNDOCUMENTED, "x-mock-fault": rule}
    request.answer = Answer(to_json({"detail": text}), status, marks)
    request.journaled().provenance = UNDOCUMENTED


def _opened(request: Request) -> Namespace | None:
    """The namespace that good credentials open and that has to be made: its rules count the hits of this request."""
    caller = request.identity
    if not isinstance(caller, (Caller, GoodKey)) or request.name not in (None, caller.namespace):
        return None
    try:
        return request.use_namespace(caller.namespace)
    except ServiceUnavailableError:
        return None  # the handler comes to the same end and says so


def _asked_for(request: Request, namespace: Namespace) -> list[ActiveFault]:
    """The rule of the request's own header, if the request is signed in; FaultError for a header that is no rule."""
    wanted = _wanted(request)
    if wanted is None or not _signed_in(request, namespace):
        return []
    fault = parse(wanted.decode("latin-1"))
    if fault.operation is None and request.operation is not None:
        # It is for this request: what could never act on it makes no sense.
        fault.replace(operation=(request.operation,)).check()
    return [ActiveFault("header", fault)]


def _signed_in(request: Request, namespace: Namespace) -> bool:
    """True where the operation will let the caller in: by the API key where one signs in, elsewhere by the token."""
    if request.operation == SIGN_IN:
        return request.identity is not None
    try:
        admit(request)
    except HeidiError:
        return False
    token = token_mark(request.headers.get(b"authorization"))
    return not any(token in rule.dead for rule in namespace.faults)


async def _choose(request: Request, namespace: Namespace, asked_for: list[ActiveFault]) -> list[ActiveFault]:
    look = namespace.faults.look_into_bodies or any(rule.fault.match for rule in asked_for)
    body = await request.peek() if look else None
    scope, session = request.scope, request.params.get("session_id")
    path = below_base(scope["path"])
    facts = RequestFacts(request.operation, scope["method"], path, session, scope["headers"], body)
    return namespace.faults.choose(facts, namespace.clock.now(), namespace.ids.chance, asked_for)
