"""Choose the rules for a request: the rules of its namespace, and the one in its own header."""

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
    """True if a rule may match the request."""
    if request.answer is not None:
        return False
    namespace = request.known_namespace
    rules = request.registry.begins_faulty if namespace is None else request.operation in namespace.faults.operations
    return rules or (_HEADER in request.headers and _header_rule(request) is not None)


def _header_rule(request: Request) -> bytes | None:
    """The rule in a header of the request; None without one, or if the settings do not allow it."""
    if request.operation is None or not request.registry.settings.request_faults:
        return None
    return request.headers.get(_HEADER)


async def shaping(request: Request) -> Shaping | None:
    """The rules to apply to the answer, or None."""
    namespace = request.known_namespace or _namespace_of_caller(request)
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
        # A start-up rule may break a connection, and in process there is none. Then all other rules are dropped.
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
    """Set an answer that says why a rule cannot act."""
    request.answer = Answer(to_json({"detail": text}), status, {"x-mock-fault": rule})
    request.journaled()
    request.provenance = UNDOCUMENTED


def _namespace_of_caller(request: Request) -> Namespace | None:
    """The new namespace of a caller with valid credentials, so that its rules apply; None for another caller."""
    caller = request.identity
    if not isinstance(caller, (Caller, GoodKey)) or request.name != caller.namespace:
        return None
    try:
        return request.namespace
    except ServiceUnavailableError:
        return None  # the handler raises the same error


def _asked_for(request: Request, namespace: Namespace) -> list[ActiveFault]:
    """The rule in the request's own header, if the request is signed in. Raises FaultError for an invalid rule."""
    wanted = _header_rule(request)
    if wanted is None or not _signed_in(request, namespace):
        return []
    fault = parse(wanted.decode("latin-1"))
    if fault.enabled is False:
        raise FaultError("a rule for one request cannot be switched off", "leave out enabled=false")
    if fault.operation is None and request.operation is not None:
        # The rule is for this request only, so refuse effects that cannot act on it.
        fault.replace(operation=(request.operation,)).check()
    return [ActiveFault("header", fault)]


def _signed_in(request: Request, namespace: Namespace) -> bool:
    """True if the operation will admit the caller: a sign-in by the API key, all others by the token."""
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
