"""The rules that a request meets: which of them are for it, what they make of its answer, and their hits."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from starlette.types import Message, Scope

from mock_heidi.active_faults import ActiveFault
from mock_heidi.clock import http_date
from mock_heidi.connection import connection_of
from mock_heidi.delivery import Delivery, Ending, of_body
from mock_heidi.effects import ANSWERS
from mock_heidi.effects.plan import Chosen, Drawn, acting, choose, plan, sent_otherwise
from mock_heidi.errors import (
    BY_NAME,
    ExpiredTokenError,
    HeidiError,
    InvalidTokenError,
    reason_phrase,
    render,
)
from mock_heidi.faults import CONNECTION, TEXT_FAULTS, FaultError, parse
from mock_heidi.json_text import to_json
from mock_heidi.namespace import Namespace
from mock_heidi.operations import SIGN_IN
from mock_heidi.player import Player
from mock_heidi.registry import LimitReachedError
from mock_heidi.request import Request
from mock_heidi.request_facts import RequestFacts, below_base, token_mark
from mock_heidi.slices import Work
from mock_heidi.tokens import Caller

_PEEK = 1024 * 1024
_ENDINGS = {"stall": Ending.STALL, "rst": Ending.RESET, "close": Ending.CLOSE}
_JSON = (b"content-type", b"application/json")
_UNDOCUMENTED = "injected, not documented"


def may_meet_rules(request: Request) -> bool:
    """True unless it is sure that no rule is for the request."""
    if request.barred:
        return False
    namespace = request.known_namespace
    rules = request.registry.begins_faulty if namespace is None else request.operation in namespace.faults.operations
    return rules or request.asked_fault is not None


async def shaping(request: Request) -> Shaping | None:
    """The rules that are to shape the answer, or None. The request's body can still be received whole."""
    namespace = request.known_namespace or _opened(request)
    if namespace is None:
        return None
    try:
        asked_for = _asked_for(request, namespace)
    except FaultError as error:
        return Shaping(request, namespace, [], refusal=f"X-Mock-Fault: {error}")
    rules = await _choose(request, namespace, asked_for)
    if not rules:
        return None
    made = Shaping(request, namespace, rules)
    broken = [(rule, name) for rule in rules for name in rule.fault.given(CONNECTION)]
    if broken and connection_of(request.scope) is None:
        # Whatever else is to go wrong: a rule of start-up may want to break what is not there.
        rule, effect = broken[0]
        text = f"{effect} cannot exist in process: there is no connection to break; serve on a socket"
        made = Shaping(request, namespace, rules, refusal=text, refused_by=rule)
    return made


def _opened(request: Request) -> Namespace | None:
    """The namespace that good credentials open and that has to be made: its rules count the hits of this request."""
    name = None
    if request.opened is not None:
        name = request.opened[0]
    elif isinstance(request.identity, Caller) and request.name in (None, request.identity.namespace):
        name = request.identity.namespace
    try:
        return None if name is None else request.open(name)
    except LimitReachedError:
        return None  # the handler comes to the same end and says so


def _asked_for(request: Request, namespace: Namespace) -> list[ActiveFault]:
    """The rule of the request's own header, if the request is signed in; FaultError for a header that is no rule."""
    if request.asked_fault is None or not _signed_in(request, namespace):
        return []
    fault = parse(request.asked_fault.decode("latin-1"))
    if fault.operation is None and request.operation is not None:
        # It is for this request: what could never act on it makes no sense.
        refusal = fault.replace(operation=(request.operation,)).refusal()
        if refusal is not None:
            raise refusal
    return [ActiveFault("header", fault)]


def _signed_in(request: Request, namespace: Namespace) -> bool:
    """True where the operation will let the caller in: by the API key where one signs in, elsewhere by the token."""
    if request.operation == SIGN_IN:
        return request.opened is not None
    try:
        request.admit()
    except HeidiError:
        return False
    token = token_mark(request.headers.get(b"authorization"))
    return not any(token in rule.dead for rule in namespace.faults)


async def _choose(request: Request, namespace: Namespace, asked_for: list[ActiveFault]) -> list[ActiveFault]:
    look = namespace.faults.look_into_bodies or any(rule.fault.match for rule in asked_for)
    scope = request.scope
    body = await _peek(request) if look and not _is_form(scope) else None
    asked = RequestFacts(
        request.operation,
        scope["method"],
        below_base(scope["path"]),
        request.match.params(request.segments).get("session_id"),
        scope["headers"],
        body,
    )
    return namespace.faults.choose(asked, namespace.clock.now(), namespace.ids.chance, asked_for)


def _is_form(scope: Scope) -> bool:
    return any(name == b"content-type" and b"multipart" in value.lower() for name, value in scope["headers"])


async def _peek(request: Request) -> Any:
    """The JSON of a request's body, or None. The request receives the same messages once more.

    What waits to be given counts in the memory of the server; a body that it has no room for is not looked at.
    """
    messages: list[Message] = []
    receive = request.receive
    memory, size, more, room = request.registry.memory, 0, True, True
    while more and room and size <= _PEEK:
        messages.append(await receive())
        length = len(messages[-1].get("body", b""))
        size += length
        more = messages[-1].get("more_body", False)
        if more:  # most bodies come at once
            request.peeked += length
            room = memory.hold(length)
    try:
        body = None if more else json.loads(b"".join(message.get("body", b"") for message in messages))
    except (ValueError, RecursionError):
        body = None

    async def again() -> Message:
        if not messages:
            return await receive()
        message = messages.pop(0)
        if request.peeked:
            length = len(message.get("body", b""))
            request.peeked -= length
            memory.hold(-length)
        return message

    request.receive = again
    return body


class Shaping:
    """One answer and the rules that shape it."""

    def __init__(
        self,
        request: Request,
        namespace: Namespace,
        rules: Sequence[ActiveFault],
        *,
        refusal: str | None = None,
        refused_by: ActiveFault | None = None,
    ) -> None:
        self.request = request
        self.namespace = namespace
        self.rules = rules
        self.refusal = refusal
        """The reason that no rule can act: the client is told it instead of any answer."""
        self._answering = next((rule for rule in rules if rule.fault.given(ANSWERS)), None)
        chance = namespace.ids.chance
        self._chosen = [choose(rule, rule.fault.effects, chance) for rule in rules]
        self._always = {refused_by} if refused_by else set[ActiveFault]()
        """The rules whose hits need no comparison."""
        self.worked = False
        """True once the operation was carried out although a rule gives the answer."""
        self._plain: Delivery | None = None
        self._made: Delivery | None = None
        self._acting: list[Chosen[ActiveFault]] = []
        self._provenance = _UNDOCUMENTED if refusal else "injected"
        request.text_faults = tuple(name for name in TEXT_FAULTS if any(name in one.effects for one in self._chosen))

    # Before the work.

    @property
    def delay(self) -> float | None:
        """Seconds to wait before anything is done; None where no rule wants a delay."""
        if self.refusal is not None:
            return None
        delays: list[tuple[ActiveFault, Drawn]] = [
            (one.rule, one.effects["delay"]) for one in self._chosen if "delay" in one.effects
        ]
        self._always.update(rule for rule, _ in delays)
        return sum(drawn[0] for _, drawn in delays) if delays else None

    @property
    def works(self) -> bool:
        """True if the operation is carried out, whatever becomes of its answer."""
        return self.refusal is None and (self._answering is None or bool(self._answering.fault.carried_out))

    # The answer.

    def instead(self) -> Delivery | None:
        """The answer that takes the place of the operation's, if any."""
        if self.refusal is not None:
            status = HTTPStatus.INTERNAL_SERVER_ERROR if self._always else HTTPStatus.BAD_REQUEST
            return self._refuse(status, {"detail": self.refusal}, {})
        if self._answering is None:
            return None
        fault = self._answering.fault
        for effect, ending in _ENDINGS.items():
            if fault.given([effect]):
                return Delivery(None, ending=ending)
        if fault.error or fault.expire_token or fault.revoke_token:
            error, provenance = self._error(self._answering)
            code, body, headers = render(error)
            self._provenance = f"injected, {provenance}"
            return self._refuse(code, json.loads(body), headers)
        self._provenance = _UNDOCUMENTED
        code = int(fault.status or HTTPStatus.TOO_MANY_REQUESTS)
        detail = reason_phrase(code) if fault.detail is None else fault.detail
        return self._refuse(code, {"detail": detail}, self._retry(self._answering))

    @staticmethod
    def _error(rule: ActiveFault) -> tuple[HeidiError, str]:
        if rule.fault.error is not None:
            return BY_NAME[rule.fault.error]
        return BY_NAME[(ExpiredTokenError if rule.fault.expire_token else InvalidTokenError).__name__]

    def _retry(self, rule: ActiveFault) -> dict[str, str]:
        """The header that says when to ask again, of a limit that the vendor documents nothing about."""
        fault, now = rule.fault, self.namespace.clock.now()
        if fault.quota is not None:
            seconds = math.ceil(rule.frees_in(now))
            self._note_retry(now + seconds * 1000)
            return {"retry-after": str(seconds)}
        if fault.retry_after is None:
            return {}
        until = now + round(fault.retry_after.seconds * 1000)
        if fault.retry_after.dated:
            until -= until % 1000  # a date has whole seconds
        self._note_retry(until)
        seconds = math.ceil(fault.retry_after.seconds)
        return {"retry-after": http_date(until) if fault.retry_after.dated else str(seconds)}

    def _note_retry(self, until: int) -> None:
        self.request.journaled().retry_at = until

    def _refuse(self, status: int, body: Any, headers: Mapping[str, str]) -> Delivery:
        marked = {**headers, "x-mock-provenance": self._provenance}
        raw = [_JSON, *((name.encode("latin-1"), value.encode("latin-1")) for name, value in marked.items())]
        return of_body(status, raw, to_json(body))

    def shaping(self, answer: Delivery) -> Work[Delivery]:
        """The answer with all that the rules want of it; a header names the rules that act."""
        if self.refusal is not None:
            ids = [rule.id for rule in self._always] or ["header"]
            return answer.with_header(b"x-mock-fault", ", ".join(ids).encode())
        self._always.update(self._misled())
        self._plain = answer
        self._made, self._acting = yield from acting(answer, self._chosen)
        acting_ids = {id(one.rule) for one in self._acting} | {id(rule) for rule in (*self._always, self._answering)}
        ids = [one.rule.id for one in self._chosen if id(one.rule) in acting_ids]
        return self._made.with_header(b"x-mock-fault", ", ".join(ids).encode()) if ids else self._made

    def _misled(self) -> list[ActiveFault]:
        """The rules whose effects are in the words of the text."""
        first = {name: one.rule for one in reversed(self._chosen) for name in one.effects}
        return [first[name] for name in self.request.distorted]

    # After the answer.

    def settle(self, player: Player) -> None:
        """Give back the hits of rules that changed nothing of what was sent, and tell the journal of the others."""
        hit = {one.rule for one in self._acting if player.ended or self._has_shown(one, player)} | self._always
        if self._answering is not None and (self.worked or player.ended or player.entry.status is not None):
            hit.add(self._answering)
        for rule in self.rules:
            if rule not in hit:
                rule.hits -= 1
        entry = player.entry
        entry.fault = tuple(rule.id for rule in self.rules if rule in hit)
        if hit or self.refusal is not None:
            entry.provenance = self._provenance

    def _has_shown(self, one: Chosen[ActiveFault], player: Player) -> bool:
        """True if what was sent before the answer was interrupted differs without this rule."""
        if self._plain is None or self._made is None:
            return False
        begun = player.entry.status is not None
        if one.pauses:
            # By what it waited for: a plan without each of many rules would take longer than the answer.
            return "slow_first_byte" in one.effects or (begun and ("delay_body" in one.effects or player.parts > 0))
        if not begun:
            return False
        other = plan(self._plain, [kept for kept in self._acting if kept is not one])
        return sent_otherwise(self._made, other, player.parts)
