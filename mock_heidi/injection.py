"""Faults at work: the middleware that does to an answer what the rules say."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Awaitable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mock_heidi import sabotage
from mock_heidi.clock import http_date
from mock_heidi.errors import BY_NAME, ExpiredTokenError, HeidiError, InvalidTokenError, reason_phrase, render
from mock_heidi.faults import ANSWERS, CLINICAL, CONNECTION, STREAM_EFFECTS, FaultError, parse
from mock_heidi.http import Answer, Call, take_in
from mock_heidi.json_text import to_json
from mock_heidi.middleware import admit
from mock_heidi.namespace import Namespace
from mock_heidi.namespaces import LimitReachedError
from mock_heidi.operations import SIGN_IN
from mock_heidi.rules import Asked, Rule, below_base, token_mark
from mock_heidi.tokens import Caller
from mock_heidi.wire import wire_of

_PEEK = 1024 * 1024
_CHUNKS = 4
_NO_BODY = (204, 304)


class Injected:
    """Lets a request pass, unless a rule, or its own ``X-Mock-Fault`` header, says what is to go wrong with it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        call: Call = scope["mock_heidi"]
        namespace = call.namespace
        if call.barred or (
            call.asked_fault is None
            and not (call.operation in namespace.faults.operations if namespace else call.space.begins_faulty)
        ):
            return self.app(scope, receive, send)
        return self._inject(call, scope, receive, send)

    async def _inject(self, call: Call, scope: Scope, receive: Receive, send: Send) -> None:
        begun = _begun(call)
        if begun is None:
            await self._shape(call, scope, receive, send)
            return

        async def watched(message: Message) -> None:
            # Before the answer goes out, which says under which number it is kept.
            if message["type"] == "http.response.start":
                _forget_unused(call, begun, message["status"])
            await send(message)

        try:
            await self._shape(call, scope, receive, watched)
        finally:
            if call.entry is None or call.entry.status is None:
                _forget_unused(call, begun, None)

    async def _shape(self, call: Call, scope: Scope, receive: Receive, send: Send) -> None:
        if call.namespace is None:
            await self.app(scope, receive, send)
            return
        try:
            asked_for = _asked_for(call, call.namespace)
        except FaultError as error:
            marks = {"x-mock-fault": "header", "x-mock-provenance": "injected, not documented"}
            if call.entry is not None:
                call.entry.provenance = marks["x-mock-provenance"]
            await Answer(to_json({"detail": f"X-Mock-Fault: {error}"}), 400, marks)(scope, receive, send)
            return
        receive, rules = await _choose(call, call.namespace, asked_for, scope, receive)
        if not rules:
            await self.app(scope, receive, send)
            return
        shaping = Shaping(self.app, rules, scope, receive, send)
        try:
            await shaping.run()
        finally:
            shaping.settle()


def _asked_for(call: Call, namespace: Namespace) -> list[Rule]:
    """The rule of the request's own header, if the request is signed in; FaultError for a header that is no rule."""
    if call.asked_fault is None or not _signed_in(call, namespace):
        return []
    return [Rule("header", parse(call.asked_fault.decode("latin-1")))]


def _signed_in(call: Call, namespace: Namespace) -> bool:
    """True where the operation will let the caller in: by the API key where one signs in, elsewhere by the token."""
    if call.operation == SIGN_IN:
        return call.opened is not None
    try:
        admit(call)
    except HeidiError:
        return False
    token = token_mark(call.headers.get(b"authorization"))
    return not any(token in rule.dead for rule in namespace.faults)


def _begun(call: Call) -> Namespace | None:
    """The namespace that good credentials open, where it had to be made: its rules count the hits of this request."""
    name = None
    if call.opened is not None:
        name = call.opened[0]
    elif isinstance(call.caller, Caller) and call.name in (None, call.caller.namespace):
        name = call.caller.namespace
    if call.namespace is not None or name is None:
        return None
    try:
        call.namespace = call.space.make(name)
    except LimitReachedError:
        return None  # the handler comes to the same end and says so
    return call.namespace


def _forget_unused(call: Call, namespace: Namespace, status: int | None) -> None:
    """A refused request leaves no namespace behind, unless a rule of it has had its turn."""
    refused = status is None or status >= HTTPStatus.BAD_REQUEST
    others = any(entry is not call.entry for entry in namespace.journal)
    used = others or namespace.busy or not namespace.untouched or any(rule.matched for rule in namespace.faults)
    if refused and not used:
        call.space.drop(namespace.name)
        call.namespace = None


async def _choose(
    call: Call, namespace: Namespace, asked_for: list[Rule], scope: Scope, receive: Receive
) -> tuple[Receive, list[Rule]]:
    look = namespace.faults.look_into_bodies or any(rule.fault.match for rule in asked_for)
    body = None
    if look and not _is_form(scope):
        receive, body = await _peek(receive)
    asked = Asked(
        call.operation,
        scope["method"],
        below_base(scope["path"]),
        call.match.params(call.segments).get("session_id"),
        scope["headers"],
        body,
    )
    return receive, namespace.faults.choose(asked, namespace.clock.now(), namespace.ids.chance, asked_for)


def _is_form(scope: Scope) -> bool:
    return any(name == b"content-type" and b"multipart" in value.lower() for name, value in scope["headers"])


async def _peek(receive: Receive) -> tuple[Receive, Any]:
    """The JSON of a request's body, or None, and a ``receive`` that gives the same messages once more."""
    messages: list[Message] = []
    size, more = 0, True
    while more and size <= _PEEK:
        messages.append(await receive())
        size += len(messages[-1].get("body", b""))
        more = messages[-1].get("more_body", False)
    try:
        body = None if more else json.loads(b"".join(message.get("body", b"") for message in messages))
    except (ValueError, RecursionError):
        body = None

    async def again() -> Message:
        return messages.pop(0) if messages else await receive()

    return again, body


class Shaping:
    """One answer and the rules that shape it."""

    def __init__(self, app: ASGIApp, rules: Sequence[Rule], scope: Scope, receive: Receive, send: Send) -> None:
        self.call: Call = scope["mock_heidi"]
        assert self.call.namespace is not None  # noqa: S101 - no rule without a namespace
        self.namespace = self.call.namespace
        self.app = app
        self.rules = rules
        self.scope = scope
        self.receive = receive
        self.wire = wire_of(scope)
        self._forward = send
        # By themselves: an id may be that of the request's own rule too.
        self._shaped: set[Rule] = set()
        self._start: Message = {}
        self._held: list[bytes] = []
        self._frames: sabotage.Frames | None = None
        self._over = False
        self._provenance = "injected"

    # What the rules want.

    def value(self, effect: str) -> Any:
        """What the first rule that has this effect wants of it; None where none has."""
        rule = self._rule(effect)
        return None if rule is None else getattr(rule.fault, effect)

    def _rule(self, effect: str) -> Rule | None:
        return next((rule for rule in self.rules if rule.fault.given((effect,))), None)

    def note(self, *effects: str) -> None:
        """Remember that these effects have really shaped the answer."""
        self._shaped.update(rule for effect in effects if (rule := self._rule(effect)) is not None)

    def settle(self) -> None:
        """Give back the hits of rules that found nothing to shape, and tell the journal of the others."""
        for rule in self.rules:
            if rule not in self._shaped:
                rule.hits -= 1
        if self.call.entry is not None:
            self.call.entry.fault = tuple(rule.id for rule in self.rules if rule in self._shaped)
            if self._shaped:
                self.call.entry.provenance = self._provenance

    # The answer.

    async def run(self) -> None:
        """Give the answer, or the lack of one."""
        needed = [(rule, name) for rule in self.rules for name in rule.fault.given(CONNECTION)]
        if needed and self.wire is None:
            await self._impossible(*needed[0])
            return
        answering = next((rule for rule in self.rules if rule.fault.given(ANSWERS)), None)
        if not await self._delay("delay"):
            return
        if answering is not None:
            await self._instead(answering)
            return
        self.call.clinical = tuple(name for name in CLINICAL if self._rule(name))
        await self.app(self.scope, self.receive, self._watched)

    async def _impossible(self, rule: Rule, effect: str) -> None:
        """Say, whatever else is to go wrong, that there is no connection to break: a rule of start-up may want to."""
        self._shaped.add(rule)
        self._provenance = "injected, not documented"
        text = f"{effect} cannot exist in process: there is no connection to break; serve on a socket"
        marks = {"x-mock-fault": rule.id, "x-mock-provenance": self._provenance}
        await Answer(to_json({"detail": text}), 500, marks)(self.scope, self.receive, self._forward)

    async def _instead(self, rule: Rule) -> None:
        """The answer that a rule gives in the place of the operation's."""
        fault = rule.fault
        self._shaped.add(rule)
        if fault.carried_out:
            await self.app(self.scope, self.receive, _swallow)
        elif not await self._take_in():
            return
        if fault.stall:
            await self._stall()
        elif fault.rst and self.wire is not None:
            self._close_journal()
            await self.wire.reset()
        elif fault.close and self.wire is not None:
            self._close_journal()
            await self.wire.close()
        elif fault.error or fault.expire_token or fault.revoke_token:
            error, provenance = self._error(rule)
            status, body, headers = render(error)
            await self._answer(status, json.loads(body), headers, provenance)
        else:
            await self._refuse(rule)

    def _error(self, rule: Rule) -> tuple[HeidiError, str]:
        if rule.fault.error is not None:
            return BY_NAME[rule.fault.error]
        return BY_NAME[(ExpiredTokenError if rule.fault.expire_token else InvalidTokenError).__name__]

    async def _refuse(self, rule: Rule) -> None:
        """A status, or a limit that the vendor documents nothing about."""
        fault, now = rule.fault, self.namespace.clock.now()
        status = fault.status or 429
        headers = {}
        if fault.quota is not None:
            seconds = math.ceil(rule.frees_in(now))
            headers["retry-after"] = str(seconds)
            self._note_retry(now + seconds * 1000)
        elif fault.retry_after is not None:
            until = now + round(fault.retry_after.seconds * 1000)
            if fault.retry_after.dated:
                until -= until % 1000  # a date has whole seconds
                headers["retry-after"] = http_date(until)
            else:
                headers["retry-after"] = str(math.ceil(fault.retry_after.seconds))
            self._note_retry(until)
        detail = reason_phrase(status) if fault.detail is None else fault.detail
        await self._answer(status, {"detail": detail}, headers, "not documented")

    async def _answer(self, status: int, body: Any, headers: Mapping[str, str], provenance: str) -> None:
        self._provenance = f"injected, {provenance}"
        marked = {**headers, "x-mock-provenance": self._provenance}
        answer = Answer(to_json(body), status, marked)
        if status in _NO_BODY:
            answer.body = b""
            answer.raw_headers = [header for header in answer.raw_headers if not header[0].startswith(b"content-")]
        await answer(self.scope, self.receive, self._watched)

    async def _take_in(self) -> bool:
        """Read what the client still sends; whether it is still there."""
        try:
            await take_in(self.scope, self.receive)
        except ClientDisconnect:
            self._note_left()
            return False
        return True

    # What the answer passes on its way out.

    async def _watched(self, message: Message) -> None:
        if self._over:
            return
        if message["type"] == "http.response.start":
            await self._head(message)
        elif self._frames is not None:
            await self._frames.take(message)
        else:
            self._held.append(message.get("body", b""))
            if not message.get("more_body", False):
                await self._body(b"".join(self._held))

    async def _head(self, message: Message) -> None:
        self.note(*self.call.distorted)
        self._held.clear()
        headers = list(message["headers"])
        if self._rule("media_type"):
            headers = [header for header in headers if header[0] != b"content-type"]
            headers.append((b"content-type", str(self.value("media_type")).encode("latin-1")))
            self.note("media_type")
        self._start = {**message, "headers": headers}
        if any(value.startswith(b"text/event-stream") for _, value in message["headers"]):
            self._frames = sabotage.Frames(self)
            await self._forward({**self._start, "headers": self._marked(headers, STREAM_EFFECTS)})

    def _marked(self, headers: list[tuple[bytes, bytes]], coming: Sequence[str]) -> list[tuple[bytes, bytes]]:
        """The headers with the ids of the rules that have shaped the answer, or have what may yet do so."""
        coming = (*coming, "delay_body", "delay_chunks")
        ids = [rule.id for rule in self.rules if rule in self._shaped or rule.fault.given(coming)]
        return [*headers, (b"x-mock-fault", ", ".join(ids).encode())] if ids else headers

    async def _body(self, body: bytes) -> None:
        media_type = None
        if self._start["status"] in _NO_BODY:
            body = b""
        else:
            body, media_type, effects = sabotage.spoil(body, self.value)
            self.note(*effects)
        headers = [header for header in self._start["headers"] if header[0] != b"content-length"]
        if media_type is not None:
            headers = [*(header for header in headers if header[0] != b"content-type"), (b"content-type", media_type)]
        if self._start["status"] not in _NO_BODY:
            headers.append((b"content-length", b"%d" % len(body)))
        end = next((name for name in ("cut_at", "rst_at", "stall_at") if self._rule(name)), None)
        most = len(body) if end is None else min(self.value(end), len(body))
        if end == "cut_at" and most == len(body):
            end = None  # there is nothing to cut off
        await self._forward({**self._start, "headers": self._marked(headers, () if end is None else (end,))})
        if not await self.delay_body():
            return
        size = -(-most // _CHUNKS) if self._rule("delay_chunks") else most
        for at in range(0, most, size or 1):
            if at and not await self.delay_chunk():
                return
            last = end is None and at + size >= most
            await self.send(body[at : min(at + size, most)], more=not last)
        if end is None and not most:
            await self.send(b"", more=False)
        elif end is not None:
            await self.end(end)

    async def send(self, body: bytes, *, more: bool = True) -> None:
        """A part of the body, on its way to the client."""
        await self._forward({"type": "http.response.body", "body": body, "more_body": more})

    async def end(self, effect: str) -> None:
        """End the answer as the effect says, the client having all that came before."""
        self.note(effect)
        self._over = self.call.over = True
        if self.call.entry is not None and effect in STREAM_EFFECTS:
            self.call.entry.early_end = True
        if self.wire is None or effect.startswith(("end_", "error_")):
            await self.send(b"", more=False)
            return
        if not await self._wait(self.wire.flush()):
            return
        self._close_journal()
        if effect.startswith("rst_"):
            await self.wire.reset()
        elif effect.startswith("stall_"):
            await self._stall()
        else:
            await self.wire.close()

    # Waiting.

    async def _delay(self, effect: str) -> bool:
        """Wait as long as the rules say; whether there is still somebody to answer."""
        delays = [(rule, getattr(rule.fault, effect)) for rule in self.rules if rule.fault.given((effect,))]
        seconds = sum(delay.draw(self.namespace.ids.chance) for _, delay in delays)
        self._shaped.update(rule for rule, _ in delays)
        return not delays or await self._wait(self.namespace.clock.sleep(seconds))

    async def delay_body(self) -> bool:
        """Wait between the head and the first piece; whether there is still somebody to send it to."""
        return await self._delay("delay_body")

    async def delay_chunk(self) -> bool:
        """Wait before the next piece; whether there is still somebody to send it to."""
        return await self._delay("delay_chunks")

    async def _stall(self) -> None:
        """Say nothing more, until the client gives up or a reset ends it."""
        await self._wait(asyncio.get_running_loop().create_future())

    async def _wait(self, what: Any) -> bool:
        """Wait for something; False where the client left first, or a reset took the answer away."""
        taken_away: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting = asyncio.ensure_future(what)
        events = {waiting, taken_away} if self.wire is None else {waiting, taken_away, self.wire.gone}
        self.namespace.streams.add(taken_away)
        try:
            await asyncio.wait(events, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.namespace.streams.discard(taken_away)
            waiting.cancel()
        if self.wire is None or not (taken_away.done() or self.wire.lost):
            return True
        self._over = self.call.over = True
        if taken_away.done():
            await self.wire.abort()
        else:
            self._note_left()
        return False

    def _note_retry(self, until: int) -> None:
        if self.call.entry is not None:
            self.call.entry.retry_at = until

    def _note_left(self) -> None:
        if self.call.entry is not None:
            self.call.entry.client_left = True

    def _close_journal(self) -> None:
        # The journal would take a connection that we end for a client that left.
        self.call.over = True
        if self.call.entry is not None:
            self.call.entry.client_left = False


async def _swallow(_: Message) -> None:
    """Where an answer goes that nobody gets."""
