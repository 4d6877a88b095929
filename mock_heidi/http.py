"""Bodies in, bodies out: what every handler needs to read a request, find a record, change it and answer."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, TypeVar
from urllib.parse import parse_qsl

from pydantic import BaseModel, ValidationError
from starlette.datastructures import FormData, Headers
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from mock_heidi.account_records import ApiKey, User
from mock_heidi.assumptions import assumed
from mock_heidi.errors import (
    MOST_PROBLEMS,
    BodyTooLargeError,
    HeidiError,
    InvalidTokenError,
    NoMemoryError,
    PatientProfileNotFoundError,
    SessionNotFoundError,
    UnprocessableError,
    missing,
)
from mock_heidi.journal import Entry
from mock_heidi.json_text import parse_json, to_json, written
from mock_heidi.namespace import Namespace
from mock_heidi.operations import SIGN_IN
from mock_heidi.patient_records import PatientProfile
from mock_heidi.registry import Registry
from mock_heidi.router import Match
from mock_heidi.session_records import Session
from mock_heidi.store import Store
from mock_heidi.stub_records import Stub
from mock_heidi.stubs import ActiveStub
from mock_heidi.tokens import Caller
from mock_heidi.values import Incoming, Outgoing, Record, Value

I = TypeVar("I", bound=Incoming)  # noqa: E741
O = TypeVar("O", bound=Outgoing)  # noqa: E741
Q = TypeVar("Q", bound=BaseModel)
Owned = TypeVar("Owned", PatientProfile, Session)

_MOST_MADE = 1_000
_JSON = (b"content-type", b"application/json")
_NOT_FOUND: dict[type[Any], type[HeidiError]] = {
    PatientProfile: PatientProfileNotFoundError,
    Session: SessionNotFoundError,
}


logger = logging.getLogger("mock_heidi")


class Call:
    """The facts about a request before its handler runs; they travel in ``scope["mock_heidi"]``."""

    # Most of a request's life is as these say: what is not set costs nothing.
    refusal: Exception | None = None
    """The reason that no handler runs: an unknown path, an unknown method, or an invalid name."""
    answer: Response | None = None
    """The answer, where it is known before any operation runs."""
    namespace: Namespace | None = None
    caller: Caller | type[HeidiError] | None = None
    opened: tuple[str, ApiKey] | None = None
    """The namespace's name and the data's owner that the API key of a sign-in opens."""
    barred = False
    """True where it is refused for its host, before any rule sees it."""
    made = False
    """True if this very request made its namespace."""
    at = 0
    """The moment when it came in, in ms since 1970 by its namespace's clock."""
    entry: Entry | None = None
    body = b""
    why: str | None = None
    """The reason that it matched nothing, or was refused before anything else."""
    stray = False
    """True if a web page that may not use the API, or the browser by itself, sent a request that matched nothing."""
    taken = False
    """True if the whole body has been read."""
    reply: Stub | None = None
    peeked = 0
    """The bytes of the body that were read for the rules and wait to be read by the operation."""
    asked_fault: bytes | None = None
    """The fault that the request itself asks for."""
    text_faults: tuple[str, ...] = ()
    """Effects wanted in the text of the answer; ``distorted`` holds those that changed it."""
    distorted: tuple[str, ...] = ()
    over = False
    """True if the answer has ended before its time."""

    def __init__(
        self, registry: Registry, name: str | None, match: Match, segments: Sequence[str], scope: Scope
    ) -> None:
        self.registry = registry
        self.name = name
        """The namespace that the path names, if it names one."""
        self.route = match.route
        self.operation = None if match.route is None else match.route.name
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        """By their names in lower case; of a repeated one the last."""
        self.match = match
        self.segments = segments


class Request:
    """A request as a handler meets it: signed in, named, in its namespace."""

    __slots__ = ("call", "form", "receive", "scope")

    form: FormData
    """The parts of the form that the request brought; only for operations that take one."""

    def __init__(self, call: Call, scope: Scope, receive: Receive) -> None:
        self.call = call
        self.scope = scope
        self.receive = receive

    @property
    def headers(self) -> Headers:
        return Headers(scope=self.scope)

    @property
    def namespace(self) -> Namespace:
        """The namespace it speaks to, made now if it is not there yet."""
        return self.call.namespace or self._make()

    def _make(self) -> Namespace:
        call = self.call
        name = call.name or call.registry.default.name
        call.made = call.registry.get(name) is None
        call.namespace = call.registry.make(name)
        return call.namespace

    @property
    def store(self) -> Store:
        return (self.call.namespace or self._make()).store

    @property
    def caller(self) -> Caller:
        """The caller; only for operations that want a token."""
        caller = self.call.caller
        assert isinstance(caller, Caller)  # noqa: S101 - the bearer check has let it through
        return caller

    @property
    def owner(self) -> ApiKey:
        """The API key whose data the caller works on."""
        return self.namespace.owners[self.caller.managed_by]

    @property
    def user_record(self) -> User:
        """The caller as the state knows them; a token outlives the state that it was made in."""
        caller = self.caller
        return self.store.get(User, caller.key) or User(
            managed_by=caller.managed_by,
            email=caller.email,
            third_party_internal_id=caller.third_party_internal_id,
        )

    @property
    def params(self) -> dict[str, str]:
        """The parts of the path, by the names in the route."""
        return self.call.match.params(self.call.segments)

    @property
    def query(self) -> dict[str, str]:
        """The query's parameters; of a repeated one the last, as FastAPI reads it."""
        return dict(parse_qsl(self.scope["query_string"].decode("latin-1"), keep_blank_values=True))

    def note(self, code: str, detail: str = "") -> None:
        """Say of this request what a strict reviewer of its client would."""
        entry = self.call.entry
        if entry is not None:
            self.namespace.findings.note(code, entry, detail)

    async def raw(self, limit: int | None = None) -> bytes:
        """The whole body, journaled.

        Raises :class:`BodyTooLargeError` beyond ``limit`` bytes, whatever its header says, and :class:`NoMemoryError`
        where the server has no room for it.
        """
        if self.call.taken:
            return self.call.body
        most = int(assumed("body_limit")) if limit is None else limit
        declared = self.call.headers.get(b"content-length", b"0")
        if declared.isdigit() and int(declared[:20]) > most:
            raise BodyTooLargeError
        pieces: list[bytes] = []
        size, more, held = 0, True, 0
        try:
            while more:
                message = await self.receive()
                if message["type"] == "http.disconnect":
                    raise ClientDisconnect
                pieces.append(message.get("body", b""))
                size += len(pieces[-1])
                more = message.get("more_body", False)
                self.call.taken = not more
                if more:  # most bodies come at once
                    held = size
                    if not self.call.registry.memory.hold(len(pieces[-1])):
                        pieces.clear()
                        raise NoMemoryError
                if size > most:
                    raise BodyTooLargeError
        finally:
            if held:
                self.call.registry.memory.hold(-held)
            # Also as far as it came.
            body = self.call.body = b"".join(pieces)
            if self.call.entry is not None:
                self.call.entry.body = body
        self.confirm_account()
        return body

    def confirm_account(self) -> None:
        """Raise :class:`InvalidTokenError` where the caller's account has gone while their body came."""
        caller, namespace = self.call.caller, self.call.namespace
        if isinstance(caller, Caller) and namespace is not None and caller.managed_by not in namespace.owners:
            raise InvalidTokenError

    def find_reply(self) -> ActiveStub | None:
        """The reply that a test has set for this request, judged by the body as far as it was read."""
        try:
            body = json.loads(self.call.body) if self.call.body else None
        except (ValueError, RecursionError):
            body = None
        return self.namespace.stubs.find(self.call.operation, self.params.get("session_id"), body)

    def reply(self) -> Stub | None:
        """The reply that a test has set for this request, None without one; asking again counts no second hit."""
        call = self.call
        if call.reply is None and self.namespace.stubs and (rule := self.find_reply()) is not None:
            rule.hits += 1
            call.reply = rule.stub
        return call.reply


def announces_body(headers: Mapping[bytes, bytes]) -> bool:
    """True if the headers say that a body follows."""
    return b"transfer-encoding" in headers or headers.get(b"content-length", b"0") != b"0"


async def take_in(scope: Scope, receive: Receive) -> None:
    """Read what nobody has read of a request, for the journal and because its sender still sends.

    What there is no memory for is read and forgotten. An end before that would reach the client as a broken connection,
    and not as the answer.
    """
    call: Call = scope["mock_heidi"]
    if call.taken or call.headers.get(b"expect"):
        return
    keep, memory = b"multipart" not in call.headers.get(b"content-type", b""), call.registry.memory
    most, kept, size, more, held = call.registry.settings.max_upload, [call.body], len(call.body), True, 0
    try:
        while more and size <= most:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            piece = message.get("body", b"")
            size += len(piece)
            more = message.get("more_body", False)
            if keep and size <= int(assumed("body_limit")):
                kept.append(piece)
                if more:
                    held += len(piece)
                    keep = memory.hold(len(piece))
                if held and not keep:
                    kept.clear()
                    memory.hold(-held)
                    held = 0
    finally:
        if held:
            memory.hold(-held)
    call.taken = True
    if call.entry is not None and keep:
        call.entry.body = b"".join(kept)


def log_defect(error: Exception) -> None:
    """Say where a handler broke, without the values it held: they may be secrets."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = "" if trace is None else f" at {trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
    logger.error("a handler failed: %s%s", type(error).__name__, place)


class Answer(Response):
    """A JSON answer whose bytes are made already."""

    body: bytes
    background = None

    def __init__(self, body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        self.status_code = status
        self.body = body
        self.raw_headers = [(b"content-length", b"%d" % len(body)), _JSON]
        if headers:
            self.raw_headers += [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body})


def read(request: Request, model: type[I]) -> I:
    """The request's JSON body as ``model``, whatever its content type says; 422 where it does not fit."""
    body = request.call.body
    value = parse_json(body) if body else None
    if value is None:
        raise UnprocessableError([missing("body")])
    return _fit(value, model)


def read_optional(request: Request, model: type[I]) -> I:
    """Like :func:`read`, but no body, an empty one and ``null`` are the same as ``{}``."""
    body = request.call.body
    value = parse_json(body) if body else None
    return _fit({} if value is None else value, model)


def _fit(value: Any, model: type[I]) -> I:
    try:
        # FastAPI validates so, and a body that is no object is refused in these words.
        made: I = model.__pydantic_validator__.validate_python(value, from_attributes=True)
    except ValidationError as error:
        rows = _first_problems(error, model, value)
        raise UnprocessableError([{**row, "loc": ["body", *row["loc"]]} for row in rows]) from None
    return made


def _first_problems(error: ValidationError, model: type[I], value: Any) -> list[Any]:
    """The problems of a body; of very many the first, since pydantic makes all of them or none."""
    most = MOST_PROBLEMS
    while error.error_count() > _MOST_MADE and most < error.error_count():
        try:
            model.__pydantic_validator__.validate_python(_cut(value, most), from_attributes=True)
        except ValidationError as first:
            if first.error_count() >= MOST_PROBLEMS:
                return list(first.errors(include_url=False))
        most *= 10
    return list(error.errors(include_url=False))


def _cut(value: Any, most: int) -> Any:
    """The same with no more items than so many in each list."""
    if isinstance(value, dict):
        return {name: _cut(item, most) for name, item in value.items()}
    return [_cut(item, most) for item in value[:most]] if isinstance(value, list) else value


def required_query(request: Request, *names: str) -> list[str]:
    """The values of query parameters that must be there, in the order asked for."""
    query = request.query
    absent = [missing("query", name) for name in names if name not in query]
    if absent:
        raise UnprocessableError(absent)
    return [query[name] for name in names]


def read_query(request: Request, model: type[Q]) -> Q:
    """The query's parameters as ``model``, numbers read from text; 422 where they do not fit."""
    try:
        return model.model_validate(request.query)
    except ValidationError as error:
        rows = error.errors(include_url=False)
        raise UnprocessableError([{**row, "loc": ["query", *row["loc"]]} for row in rows]) from None


def find(request: Request, kind: type[Owned], key: str) -> Owned:
    """The caller's own record of that id; another key's is not found, as if it were not there."""
    caller = request.call.caller
    record = request.store.get(kind, key)
    if record is None or not isinstance(caller, Caller) or record.managed_by != caller.managed_by:
        raise _NOT_FOUND[kind]
    return record


def to_view(view: type[O], value: Value, **own: Any) -> O:
    """The value as a view: the view's keys, taken from ``own`` or from the value."""
    # Both sides are checked already; validating again would double the cost of every answer.
    names = view.model_fields
    return view.model_construct(**{name: own[name] if name in own else getattr(value, name) for name in names})


def view_json(view: type[Outgoing], record: Record, **own: Any) -> bytes:
    """The JSON bytes of a record as a view. They are made once and kept."""
    return record.once((view, *own.values()) if own else view, lambda: written(view, record, **own))


def reply_record(view: type[Outgoing], record: Record, envelope: str) -> Answer:
    """A record under the envelope's key; these bytes, too, are made once."""
    return Answer(record.once((view, envelope), lambda: reply(written(view, record), envelope).body))


def replaced(request: Request) -> Response | None:
    """The whole answer that a test wants given, before body and ids are checked; None where it wants none.

    Signing in is replaced after the key was checked.
    """
    call, replies = request.call, request.namespace.stubs
    if call.operation not in replies.replaced or (call.operation == SIGN_IN and not call.opened):
        return None
    rule = request.find_reply()
    if rule is None or not rule.stub.whole:
        return None
    rule.hits += 1
    if call.entry is not None:
        call.entry.provenance = "reply"
    if rule.deviation is not None:
        request.note("reply_breaks_contract", rule.deviation)
    return _answer_of(rule.stub)


def _answer_of(reply: Stub) -> Response:
    headers = {**(reply.headers or {}), "x-mock-provenance": "reply"}
    if reply.body is None:
        return Response(None, int(reply.status or 200), headers)
    return Response(to_json(reply.body), int(reply.status or 200), headers, "application/json")


def reply(value: Outgoing | bytes, envelope: str | None = None) -> Answer:
    """A success, bare or under the envelope's key."""
    body = value if isinstance(value, bytes) else to_json(value)
    return Answer(body if envelope is None else b'{"%s":%s}' % (envelope.encode(), body))


class Success(Outgoing):
    is_success: Literal[True] = True


def reply_success() -> Answer:
    """``{"is_success": true}``: the answer of what has nothing else to say."""
    return reply(Success())


def reply_list(values: Iterable[Outgoing | bytes], envelope: str) -> Answer:
    """A list under the envelope's key."""
    rows = [value if isinstance(value, bytes) else to_json(value) for value in values]
    return Answer(b'{"%s":[%s]}' % (envelope.encode(), b",".join(rows)))
