"""The path of every request to the API: run its operation, apply the rules to the answer, send it, journal it."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from types import GeneratorType
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Send

from mock_heidi.base.defects import log_defect
from mock_heidi.base.error_table import render, status_of
from mock_heidi.base.errors import HeidiError, InternalError, UnprocessableError
from mock_heidi.base.operations import OPERATIONS, Takes
from mock_heidi.base.provenance import MOCK
from mock_heidi.base.slices import in_slices
from mock_heidi.faults.delivery import Delivery, Stream, of_body, of_stream
from mock_heidi.observing.entry import Entry
from mock_heidi.observing.journal import Journal
from mock_heidi.serving.connection import connection_of
from mock_heidi.state.clock import precise
from mock_heidi.web import rule_choice, strictness
from mock_heidi.web.admission import admit, drop_unused_namespace, remember
from mock_heidi.web.paths import check_path, wrong_ids
from mock_heidi.web.player import Player, send_whole
from mock_heidi.web.request import Request
from mock_heidi.web.response import Answer
from mock_heidi.web.shaping import Shaping
from mock_heidi.web.stub_answers import stub_instead
from mock_heidi.web.uploads import form

# Called after every answer with the namespace's name, its journal and the entry.
Listener = Callable[[str, Journal, Entry], None]


class Exchange:
    """Answers requests to the API and journals them. Calls ``listener`` when an answer is complete."""

    def __init__(self, listener: Listener | None = None) -> None:
        self.listener = listener

    async def __call__(self, request: Request, send: Send) -> None:
        namespace = request.known_namespace
        clock = request.registry.fresh_clock() if namespace is None else namespace.clock
        request.at, request.started = clock.now(), precise()
        if namespace is not None:
            namespace.last_use = request.started
            namespace.busy += 1
        if self.listener is not None or (namespace is not None and namespace.journal.watchers):
            request.journaled()
        try:
            await self._answer(request, send)
        finally:
            if namespace is not None:
                namespace.busy -= 1
            if request.held:
                request.release()
            if request.made and not 0 < request.status < HTTPStatus.BAD_REQUEST:
                drop_unused_namespace(request)
            elif request.made:
                request.namespace.last_use = precise()
            self._close(request)

    async def _answer(self, request: Request, send: Send) -> None:
        try:
            if rule_choice.may_meet_rules(request) and (shaping := await rule_choice.shaping(request)):
                await _shape(request, shaping, send)
                return
            answer = await work(request)
            if isinstance(answer, Stream):
                await Player(request, send).play(delivery_of(answer, request))
            else:
                await send_whole(request, send, answer.status_code, answer.raw_headers, bytes(answer.body))
        except ClientDisconnect:
            request.journaled().client_left = True
        except Exception as error:  # noqa: BLE001 - the client gets an answer to every error
            failed = refusal(request, error)
            # If the head is sent already, the answer stays incomplete.
            if not request.status:
                await send_whole(request, send, failed.status_code, failed.raw_headers, failed.body)

    def _close(self, request: Request) -> None:
        """Tell the journal and the listener that the answer is complete."""
        namespace, connection, now = request.known_namespace, connection_of(request.scope), precise()
        left = connection is not None and connection.lost and not request.ended_by_server
        if request.entry is None and namespace is not None and (left or namespace.journal.watchers):
            request.entry = namespace.journal.entry(request.number, request.started)
        if request.entry is None:
            return  # the journal has everything already, or has dropped it since
        entry = request.journaled()
        entry.client_left = entry.client_left or left
        if namespace is None:
            entry.duration = now - entry.started  # no journal sets it
        else:
            namespace.journal.close(entry, now)
        if self.listener is not None:
            namespace = namespace or request.registry.default
            self.listener(request.name or namespace.name, namespace.journal, entry)


async def _shape(request: Request, shaping: Shaping, send: Send) -> None:
    """Send the answer that the rules make."""
    player = Player(request, send)
    try:
        delay = shaping.draw_delay()
        if delay is not None and not await player.wait(delay):
            return
        delivery = shaping.instead()
        if shaping.works:
            made = delivery_of(await work(request), request)
            shaping.worked = True
            if delivery is not None and made.commit is not None:
                made.commit()  # keep the result of the work: only its answer is lost
            delivery = delivery or made
        else:
            await request.read_rest()
        assert delivery is not None  # noqa: S101 - a rule that skips the work gives the answer
        await player.play(await in_slices(shaping.shaping(delivery)))
    finally:
        shaping.settle(player)


def delivery_of(answer: Response | Stream, request: Request) -> Delivery:
    """The delivery of a handler's answer."""
    if isinstance(answer, Stream):
        commit = answer.commit
        answer = answer._replace(commit=lambda: request.changing(lambda _: commit()))
        request.meet("stream_framing")
        escaped = all(map(str.isascii, answer.texts)) or request.meet("stream_escapes") == "escaped"
        return of_stream(answer, request.namespace.pace, "escaped" if escaped else "utf_8")
    return of_body(answer.status_code, answer.raw_headers, bytes(answer.body))


async def work(request: Request) -> Response | Stream:
    """The answer of the operation, or of its error. A bug in the mock becomes the vendor's 500.

    Raises :class:`ClientDisconnect` if the client leaves before its whole body arrives.
    """
    answer: Response | Stream | None = request.answer
    try:
        # Test this here: for an ordinary path under the default assumptions, a call would only cost time.
        path, namespace = request.scope["path"], request.known_namespace or request.registry.start
        if answer is None and (namespace.assumptions.chosen or "//" in path or path[-1:] == "/"):
            answer = check_path(request)
        if answer is None:
            answer = await _operate(request)
    except ClientDisconnect:
        raise
    except Exception as error:  # noqa: BLE001 - the client gets an answer to every error
        # Do not keep the error: its traceback refers to this frame, and only the collector frees such a cycle.
        answer = refusal(request, error)
    if not request.taken:
        await request.read_rest()
    return answer


async def _operate(request: Request) -> Response | Stream:
    """Admit the caller, read the body that the operation takes, and run the handler."""
    admit(request)
    assert request.route is not None  # noqa: S101 - admit refuses a request without a route
    namespace, operation = request.known_namespace, OPERATIONS[request.route.name]
    answer: Any = None
    handler = request.route.endpoint
    # Test this here, as above: strict mode costs nothing while it is off.
    if (namespace or request.registry.start).strict or strictness.HEADER in request.headers:
        handler = strictness.checking(request, handler)
    if namespace is not None and request.operation in namespace.stubs.replaced:
        answer = await stub_instead(request, operation.takes)
    if answer is None and operation.takes is Takes.FORM:
        async with form(request):
            answer = request.changing(handler)
    elif answer is None:
        if operation.takes is Takes.JSON:
            await request.read_body()
        answer = request.changing(handler)
        if isinstance(answer, GeneratorType):
            request.journaled()  # it takes time, so the journal shows it now
            answer = await in_slices(answer)
    remember(request)
    if operation.creates and request.provenance is None:  # a reply keeps its own status
        request.usual_status, answer.status_code = answer.status_code, request.assumptions["creation_status"]
    made: Response | Stream = answer
    return made


def refusal(request: Request, error: Exception) -> Answer:
    """The vendor's answer to an error of the request. The request meets the assumptions that decide this answer."""
    if not isinstance(error, HeidiError):
        log_defect(error)
        error = InternalError()
    if isinstance(error.status, str):
        request.meet(error.status)
    if isinstance(error, UnprocessableError):
        request.meet("validation_errors")
    request.usual_status = status_of(error)
    if request.usual_status == HTTPStatus.NOT_FOUND and wrong_ids(request):
        request.meet("malformed_id")
    if not error.from_vendor:
        request.provenance = MOCK
    status, body, headers = render(error, request.assumptions)
    return Answer(body, status, headers)
