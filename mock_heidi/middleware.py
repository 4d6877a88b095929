"""What every request passes on its way: plain ASGI that watches messages go by, so streams stay streams."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import cast

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mock_heidi.clock import Clock, precise
from mock_heidi.errors import (
    ExpiredTokenError,
    HeidiError,
    InternalError,
    InvalidTokenError,
    ServiceUnavailableError,
    render,
)
from mock_heidi.http import Answer, Call, take_in
from mock_heidi.journal import Entry, Journal
from mock_heidi.namespace import Namespace
from mock_heidi.namespaces import LimitReachedError
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
        entry = call.entry = Entry(_clock(call).now(), precise(), call.operation, scope)
        entry.why = call.why
        if namespace is not None:
            namespace.last_use = entry.started
            namespace.journal.add(entry)

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start":
                entry.status = message["status"]
                if entry.id == 0 and call.namespace is not None:
                    call.namespace.journal.add(entry)  # this very request has made its namespace
                if call.why is not None:
                    message["headers"] = [*message["headers"], (b"x-mock-reason", call.why.encode("ascii", "replace"))]
                if entry.id:
                    message["headers"] = [*message["headers"], (b"x-mock-request-id", b"%d" % entry.id)]
            else:
                entry.pieces.append(message.get("body", b""))
                if message.get("more_body", False):
                    entry.times.append(precise())
            await send(message)

        try:
            await self.app(scope, receive, watched)
        finally:
            wire = wire_of(scope)
            if wire is not None and wire.lost and not call.over:
                entry.client_left = True
            self._close(call, entry)

    def _close(self, call: Call, entry: Entry) -> None:
        # A refused request makes no namespace, so where there was and is none, nobody keeps it.
        if call.namespace is None:
            entry.duration = precise() - entry.started
        else:
            if entry.id == 0:
                call.namespace.journal.add(entry)
            call.namespace.journal.close(entry, precise())
        if self.listener is not None:
            namespace = call.namespace or call.space.default
            self.listener(call.name or namespace.name, namespace.journal, entry)


class Answered:
    """Turns what handlers raise into the vendor's answers; a defect of ours becomes a 500 in the same form."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = await self._refusal(scope, receive, send)
        if refusal is None:
            return
        try:
            await take_in(scope, receive)
        except ClientDisconnect:
            _note_left(scope["mock_heidi"])
        else:
            await _answer(refusal)(scope, receive, send)

    async def _refusal(self, scope: Scope, receive: Receive, send: Send) -> HeidiError | None:
        """What the answer is instead, if the handler has given none."""
        try:
            await self.app(scope, receive, send)
        except HeidiError as error:
            return error
        except LimitReachedError:
            return ServiceUnavailableError()
        except ClientDisconnect:
            _note_left(scope["mock_heidi"])
        except Exception as error:  # noqa: BLE001 - whatever broke, the client gets an answer
            log_defect(error)
            call: Call = scope["mock_heidi"]
            # A stream that broke on its way: what is missing from it is all that can be said now.
            if call.entry is None or call.entry.status is None:
                return InternalError()
        return None


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


class Authorized:
    """Refuses what the front could not place and, but for the ``unsigned`` operations, who has no good token."""

    def __init__(self, app: ASGIApp, unsigned: frozenset[str]) -> None:
        self.app = app
        self.unsigned = unsigned

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        call: Call = scope["mock_heidi"]
        if call.refusal is not None:
            raise call.refusal
        if call.operation in self.unsigned:
            await self.app(scope, receive, send)
            return
        made = call.namespace is None
        namespace = call.namespace = admit(call)
        namespace.busy += 1
        try:
            await self.app(scope, receive, send)
        except BaseException:
            # What is refused leaves nothing behind, so neither does a namespace that was made for it.
            if made and namespace.busy == 1 and namespace.untouched:
                call.space.drop(namespace.name)
                call.namespace = None
            raise
        finally:
            namespace.busy -= 1
        caller = cast("Caller", call.caller)
        namespace.know(caller.managed_by, caller.email, caller.third_party_internal_id)


def admit(call: Call) -> Namespace:
    """The namespace of the caller's token, or the error that refuses it."""
    caller = call.caller
    if not isinstance(caller, Caller):
        raise caller or InvalidTokenError
    if call.name is not None and call.name != caller.namespace:
        raise InvalidTokenError
    if caller.expires * 1000 <= _clock(call).now():
        raise ExpiredTokenError
    # The signature proves that somebody signed in there before: a restart may have forgotten the namespace.
    namespace = call.namespace or call.space.make(caller.namespace)
    if caller.managed_by not in namespace.owners:
        raise InvalidTokenError
    return namespace


def _clock(call: Call) -> Clock:
    return call.space.fresh_clock() if call.namespace is None else call.namespace.clock
