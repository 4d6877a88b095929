"""The one path of every request to the API: what is done for it, what goes wrong with its answer, how it goes out."""

from __future__ import annotations

from collections.abc import Callable
from types import GeneratorType
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from mock_heidi import injection
from mock_heidi.account_records import User
from mock_heidi.clock import precise
from mock_heidi.connection import connection_of
from mock_heidi.delivery import Delivery, Stream, of_body, of_stream
from mock_heidi.errors import HeidiError, InternalError, ServiceUnavailableError, render
from mock_heidi.http import Answer, Call, Request, announces_body, log_defect, replaced, take_in
from mock_heidi.injection import admit
from mock_heidi.journal import Entry, Journal
from mock_heidi.namespace import Namespace
from mock_heidi.operations import OPERATIONS, SIGN_IN, Takes
from mock_heidi.player import Player, send_whole
from mock_heidi.registry import LimitReachedError
from mock_heidi.slices import in_slices
from mock_heidi.tokens import Caller
from mock_heidi.uploads import form

# Told of every answer: the namespace's name, the journal that may read the entry, the entry.
Listener = Callable[[str, Journal, Entry], None]


class Exchange:
    """Answers requests to the API. The journal keeps each; ``listener`` is told when its answer is complete."""

    def __init__(self, listener: Listener | None = None) -> None:
        self.listener = listener

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        call: Call = scope["mock_heidi"]
        namespace = call.namespace
        clock = call.registry.fresh_clock() if namespace is None else namespace.clock
        call.at = clock.now()
        entry = call.entry = Entry(call.at, precise(), call.operation, scope)
        if namespace is not None:
            namespace.busy += 1
            namespace.last_use = entry.started
            namespace.journal.add(entry)
        try:
            await self._exchange(call, scope, receive, send)
        finally:
            if namespace is not None:
                namespace.busy -= 1
            if call.peeked:
                call.registry.memory.hold(-call.peeked)
            connection = connection_of(scope)
            if connection is not None and connection.lost and not call.over:
                entry.client_left = True
            self._close(call, entry)

    async def _exchange(self, call: Call, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            if injection.may_meet_rules(call):
                await self._with_rules(call, scope, receive, send)
                return
            answer = await work(call, scope, receive)
            if isinstance(answer, Stream):
                await _player(call, scope, receive, send).play(delivery_of(answer, call), call.namespace)
            elif answer is not None:
                await send_whole(call, send, answer.status_code, answer.raw_headers, bytes(answer.body))
        except Exception as error:  # noqa: BLE001 - whatever broke, the client gets an answer
            log_defect(error)
            # An answer that broke on its way: what is missing from it is all that can be said now.
            if call.entry is None or call.entry.status is None:
                answer = refusal(InternalError())
                await send_whole(call, send, answer.status_code, answer.raw_headers, answer.body)

    async def _with_rules(self, call: Call, scope: Scope, receive: Receive, send: Send) -> None:
        player = _player(call, scope, receive, send)
        begun, shaping = injection.begin(call), None
        try:
            receive, shaping = await injection.shaping(call, scope, receive)
            if shaping is not None and (delay := shaping.delay) is not None:
                assert call.namespace is not None  # noqa: S101 - rules are those of a namespace
                if not await player.wait(call.namespace, delay):
                    return
            delivery = await _shaped(call, scope, receive, shaping)
            if delivery is not None:
                if begun is not None:
                    # Before the answer goes out, which says under which number it is kept.
                    injection.forget_unused(call, begun, delivery.status)
                await player.play(delivery, call.namespace)
        finally:
            if shaping is not None:
                shaping.settle(player)
            if begun is not None and player.entry.status is None:
                injection.forget_unused(call, begun, None)

    def _close(self, call: Call, entry: Entry) -> None:
        namespace = call.namespace
        # A refused request makes no namespace, so where there was and is none, nobody keeps it.
        if namespace is None:
            entry.duration = precise() - entry.started
        else:
            if entry.id == 0:
                namespace.journal.add(entry)
            namespace.journal.close(entry, precise())
        if self.listener is not None:
            namespace = namespace or call.registry.default
            self.listener(call.name or namespace.name, namespace.journal, entry)


def _player(call: Call, scope: Scope, receive: Receive, send: Send) -> Player:
    assert call.entry is not None  # noqa: S101 - the exchange makes one for every request
    return Player(call, call.entry, connection_of(scope), receive, send)


async def _shaped(call: Call, scope: Scope, receive: Receive, shaping: injection.Shaping | None) -> Delivery | None:
    """The answer as the rules want it; None if the client has left."""
    instead = None if shaping is None else shaping.instead()
    if instead is not None and shaping is not None and not shaping.works:
        try:
            await take_in(scope, receive)
        except ClientDisconnect:
            _note_left(call)
            return None
        return await in_slices(shaping.shaping(instead))
    answer = await work(call, scope, receive)
    if answer is None:
        return None
    delivery = delivery_of(answer, call)
    if instead is not None:
        if delivery.commit is not None:
            delivery.commit()
        delivery = instead  # the work is done, and only its answer is lost
        if shaping is not None:
            shaping.worked = True
    return delivery if shaping is None else await in_slices(shaping.shaping(delivery))


def delivery_of(answer: Response | Stream, call: Call) -> Delivery:
    """The delivery of what a handler returned."""
    if isinstance(answer, Stream):
        assert call.namespace is not None  # noqa: S101 - a stream is of a session
        return of_stream(answer, call.namespace.pace)
    return of_body(answer.status_code, answer.raw_headers, bytes(answer.body))


async def work(call: Call, scope: Scope, receive: Receive) -> Response | Stream | None:
    """The answer of the operation, or of the error that refuses it; None if the client has left meanwhile.

    A defect of ours becomes a 500 in the vendor's form.
    """
    made = call.namespace is None
    try:
        if call.answer is not None:
            return call.answer
        if call.refusal is not None:
            raise call.refusal
        if call.operation != SIGN_IN:
            admit(call)
        return await _operate(call, scope, receive)
    except ClientDisconnect:
        _forget(call, made=made)
        _note_left(call)
        return None
    except Exception as error:  # noqa: BLE001 - whatever broke, the client gets an answer
        # Not the error itself: its traceback holds this frame, and a circle stays until somebody collects it.
        answer = refusal(error)
        if not isinstance(error, LimitReachedError):
            _forget(call, made=made)
    try:
        await take_in(scope, receive)
    except ClientDisconnect:
        _note_left(call)
        return None
    return answer


async def _operate(call: Call, scope: Scope, receive: Receive) -> Response | Stream:
    """Read the body, run the handler, and read what is left of the request."""
    assert call.route is not None  # noqa: S101 - a call without a route was refused before
    request, namespace = Request(call, scope, receive), call.namespace
    handler, takes = call.route.endpoint, OPERATIONS[call.route.name].takes
    answer: Any = None
    if namespace is not None and call.operation in namespace.stubs.replaced:
        answer = await _replaced(request, namespace, takes)
    if answer is None and takes is Takes.FORM:
        async with form(request):
            answer = handler(request)
    elif answer is None:
        if takes is Takes.JSON:
            await request.raw()
        answer = handler(request)
        if isinstance(answer, GeneratorType):
            answer = await in_slices(answer)
    namespace, caller = call.namespace, call.caller
    if namespace is not None and isinstance(caller, Caller) and namespace.store.get(User, caller.key) is None:
        namespace.remember_user(caller.managed_by, caller.email, caller.third_party_internal_id)
    if not call.taken and announces_body(call.headers):
        await take_in(scope, receive)
    made: Response | Stream = answer
    return made


async def _replaced(request: Request, namespace: Namespace, takes: Takes) -> Response | None:
    """The whole answer that a test wants given in the place of the operation's; None where it wants none."""
    if request.call.operation in namespace.stubs.judging and takes is not Takes.FORM:
        await request.raw()
    return replaced(request)


def refusal(error: Exception) -> Answer:
    """The vendor's answer to whatever was raised."""
    if isinstance(error, LimitReachedError):
        error = ServiceUnavailableError()
    if not isinstance(error, HeidiError):
        log_defect(error)
        error = InternalError()
    status, body, headers = render(error)
    return Answer(body, status, headers)


def _forget(call: Call, *, made: bool) -> None:
    """Drop a namespace that was made for a refused request, since a refused request leaves nothing behind."""
    namespace = call.namespace
    if (
        made
        and namespace is not None
        and isinstance(call.caller, Caller)
        and not namespace.busy
        and namespace.untouched
    ):
        call.registry.drop(namespace.name)
        call.namespace = None


def _note_left(call: Call) -> None:
    if call.entry is not None:
        call.entry.client_left = True
