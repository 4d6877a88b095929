"""What every request passes on its way: plain ASGI that watches messages go by, so streams stay streams."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mock_heidi.clock import precise
from mock_heidi.errors import (
    ExpiredTokenError,
    HeidiError,
    InternalError,
    InvalidTokenError,
    ServiceUnavailableError,
    render,
)
from mock_heidi.http import Answer, Call, Request, announces_body, replaced, take_in
from mock_heidi.journal import Entry, Journal
from mock_heidi.models import User
from mock_heidi.namespaces import LimitReachedError
from mock_heidi.operations import SIGN_IN
from mock_heidi.tokens import Caller
from mock_heidi.wire import wire_of

# Told of every answer: the namespace's name, the journal that may read the entry, the entry.
Listener = Callable[[str, Journal, Entry], None]

logger = logging.getLogger("mock_heidi")


class Journaled:
    """Keeps every request in its namespace's journal and tells ``listener`` when the answer is complete."""

    def __init__(self, app: ASGIApp, listener: Listener | None = None) -> None:
        self.app = app
        self.listener = listener

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        call: Call = scope["mock_heidi"]
        namespace = call.namespace
        clock = call.space.fresh_clock() if namespace is None else namespace.clock
        call.at = clock.now()
        entry = call.entry = Entry(call.at, precise(), call.operation, scope)
        if namespace is not None:
            namespace.busy += 1
            namespace.last_use = entry.started
            namespace.journal.add(entry)

        try:
            await self.app(scope, receive, _watching(call, entry, send))
        finally:
            if namespace is not None:
                namespace.busy -= 1
            wire = wire_of(scope)
            if wire is not None and wire.lost and not call.over:
                entry.client_left = True
            namespace = call.namespace
            # A refused request makes no namespace, so where there was and is none, nobody keeps it.
            if namespace is None:
                entry.duration = precise() - entry.started
            else:
                if entry.id == 0:
                    namespace.journal.add(entry)
                namespace.journal.close(entry, precise())
            if self.listener is not None:
                namespace = namespace or call.space.default
                self.listener(call.name or namespace.name, namespace.journal, entry)


def _watching(call: Call, entry: Entry, send: Send) -> Send:
    """A ``send`` that notes what goes by; it only hands on, without a step of its own for every piece."""

    def watched(message: Message) -> Awaitable[None]:
        if message["type"] == "http.response.body":
            more = message.get("more_body", False)
            if more or entry.times:
                entry.stream(message.get("body", b""), precise() if more else None)
            else:
                entry.pieces = (message.get("body", b""),)
            return send(message)
        entry.status = message["status"]
        if entry.id == 0 and call.namespace is not None:
            call.namespace.journal.add(entry)  # this very request has made its namespace
        if entry.id:
            message["headers"] = [*message["headers"], (b"x-mock-request-id", b"%d" % entry.id)]
        if call.why is not None:
            entry.why, entry.stray = call.why, call.stray
            message["headers"] = [*message["headers"], (b"x-mock-reason", call.why.encode("ascii", "replace"))]
        return send(message)

    return watched


class Operated:
    """Runs the operation of a request, for whom it may; turns what is raised into the vendor's answers.

    A defect of ours becomes a 500 in the same form.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        call: Call = scope["mock_heidi"]
        made = call.namespace is None
        try:
            if call.refusal is not None:
                raise call.refusal
            if call.operation != SIGN_IN:
                admit(call)
            await operate(call, scope, receive, send)
        except HeidiError as error:
            _forget(call, made=made)
            await self._refuse(error, scope, receive, send)
        except LimitReachedError:
            await self._refuse(ServiceUnavailableError(), scope, receive, send)
        except ClientDisconnect:
            _forget(call, made=made)
            _note_left(call)
        except Exception as error:  # noqa: BLE001 - whatever broke, the client gets an answer
            _forget(call, made=made)
            log_defect(error)
            # A stream that broke on its way: what is missing from it is all that can be said now.
            if call.entry is None or call.entry.status is None:
                await self._refuse(InternalError(), scope, receive, send)

    async def _refuse(self, refusal: HeidiError, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await take_in(scope, receive)
        except ClientDisconnect:
            _note_left(scope["mock_heidi"])
        else:
            await _answer(refusal)(scope, receive, send)


def admit(call: Call) -> None:
    """Let in whoever has a good token, or raise the error that refuses it."""
    caller = call.caller
    if not isinstance(caller, Caller):
        raise caller or InvalidTokenError
    if call.name is not None and call.name != caller.namespace:
        raise InvalidTokenError
    if caller.expires * 1000 <= call.at:
        raise ExpiredTokenError
    if call.namespace is None:
        # The signature proves that somebody signed in there before: a restart has forgotten the namespace.
        call.namespace = call.space.make(caller.namespace)
    if caller.managed_by not in call.namespace.owners:
        raise InvalidTokenError


def _forget(call: Call, *, made: bool) -> None:
    """What is refused leaves nothing behind, so neither does a namespace that was made for it."""
    namespace = call.namespace
    if (
        made
        and namespace is not None
        and isinstance(call.caller, Caller)
        and not namespace.busy
        and namespace.untouched
    ):
        call.space.drop(namespace.name)
        call.namespace = None


async def operate(call: Call, scope: Scope, receive: Receive, send: Send) -> None:
    """Run the operation and send its answer."""
    assert call.route is not None  # noqa: S101 - a call without a route was refused before
    request = Request(call, scope, receive)
    namespace, response = call.namespace, None
    if namespace is not None and call.operation in namespace.replies.replaced:
        response = await replaced(request)
    response = response or await call.route.endpoint(request)
    namespace, caller = call.namespace, call.caller
    if namespace is not None and isinstance(caller, Caller) and namespace.store.get(User, caller.key) is None:
        namespace.know(caller.managed_by, caller.email, caller.third_party_internal_id)
    if not call.taken and announces_body(call.headers):
        await take_in(scope, receive)
    await response(scope, receive, send)


def _note_left(call: Call) -> None:
    if call.entry is not None:
        call.entry.client_left = True


def log_defect(error: Exception) -> None:
    """Say where a handler broke, without the values it held: they may be secrets."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = "" if trace is None else f" at {trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
    logger.error("a handler failed: %s%s", type(error).__name__, place)


def _answer(error: HeidiError) -> Response:
    status, body, headers = render(error)
    return Answer(body, status, headers)
