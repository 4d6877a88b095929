"""A request to the API or the control API: the facts found before its handler runs, and its body."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from starlette.datastructures import FormData
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope

from mock_heidi.base.assumptions import Assumptions, assumed
from mock_heidi.base.errors import BodyTooLargeError, HeidiError, InvalidTokenError, NoMemoryError
from mock_heidi.base.provenance import provenance
from mock_heidi.base.values import Record
from mock_heidi.namespaces.namespace import Namespace
from mock_heidi.namespaces.registry import Registry
from mock_heidi.namespaces.tokens import Caller, GoodKey
from mock_heidi.observing.entry import Entry
from mock_heidi.state.account_records import ApiKey
from mock_heidi.state.store import Store
from mock_heidi.web.router import Found

T = TypeVar("T")

_PEEK = 1024 * 1024


class Request:
    """One request. It is passed as an argument: inside the scope, to which it refers, it would make a cycle."""

    # Class attributes are the defaults, so an ordinary request sets only a few.
    name: str | None = None
    """The name of the namespace in its path, or of its caller; None for the default namespace."""
    answer: Response | None = None
    """The answer if it is refused before any operation, for example for its host."""
    known_namespace: Namespace | None = None
    """The namespace of the request, or None if it does not exist yet."""
    identity: Caller | GoodKey | type[HeidiError] | None = None
    """The caller in its token, or the error of a bad token. In a sign-in, the valid API key or None."""
    made = False
    """True if this request made its namespace."""
    at = 0
    """The time of its arrival, in ms since 1970 by the clock of its namespace."""
    started = 0.0
    """The time of its arrival, in seconds of the process's clock; 0 for the control API, which no journal keeps."""
    entry: Entry | None = None
    """Its entry in the journal. None for most requests: the journal keeps a small value once the answer is known."""
    number = 0
    """Its id in the journal, once it has one."""
    status = 0
    """The status of its answer; 0 before the head is sent."""
    body = b""
    """The body as far as it was read; empty for a form."""
    taken = False
    """True if the whole body has been read."""
    held = 0
    """The number of bytes of its body that count in the memory of the server."""
    forgotten = False
    """True if there was no memory for its body. Then the journal does not keep the body."""
    why: str | None = None
    """The reason why it matched no operation, or why it was refused first."""
    stray = False
    """True for an unmatched request from a web page that may not use the API, or from the browser itself."""
    text_faults: tuple[str, ...] = ()
    """The effects to apply to the text of the answer. ``distorted`` has the effects that changed it."""
    distorted: tuple[str, ...] = ()
    met: tuple[str, ...] = ()
    """The assumptions that the request has met, in the order in which it met them."""
    changes: list[Record | None] | None = None
    """The records that it has changed, in the form of :mod:`mock_heidi.observing.changes`."""
    usual_status = 0
    """The status that its answer has under the default assumptions, if a chosen one has changed it; otherwise 0."""
    provenance: str | None = None
    """The sources of the status and the body of its answer; None before the answer is known."""
    ended_by_server = False
    """True if the server ended the answer, so that a lost connection does not mean that the client left."""
    form: FormData
    """The parts of its form. Only operations that take a form have it."""

    def __init__(self, registry: Registry, found: Found, scope: Scope, receive: Receive) -> None:
        self.registry = registry
        self.route, self.params, self.allow = found
        self.operation = None if self.route is None else self.route.name
        self.scope = scope
        self.receive = receive
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        """The headers by their names in lower case. The last of repeated headers counts."""

    @property
    def assumptions(self) -> Assumptions:
        """The assumptions of its namespace, or of a new namespace."""
        return (self.known_namespace or self.registry.start).assumptions

    def meet(self, name: str) -> Any:
        """The value of an assumption that decides something about this request; notes that the request met it."""
        if name not in self.met:
            self.met += (name,)
        return (self.known_namespace or self.registry.start).assumptions[name]

    def header(self, name: str) -> str | None:
        """The value of a header by its name in lower case, or None."""
        value = self.headers.get(name.encode())
        return None if value is None else value.decode("latin-1")

    @property
    def query(self) -> dict[str, str]:
        """The parameters of the query. The last of repeated parameters counts, as in FastAPI."""
        return dict(parse_qsl(self.scope["query_string"].decode("latin-1"), keep_blank_values=True))

    @property
    def namespace(self) -> Namespace:
        """The namespace of the request, made now if it does not exist yet.

        Raises :class:`ServiceUnavailableError` if there are too many namespaces.
        """
        if self.known_namespace is None:
            name = self.name or self.registry.default.name
            self.made = self.made or self.registry.get(name) is None
            self.known_namespace = self.registry.make(name)
        return self.known_namespace

    @property
    def store(self) -> Store:
        return (self.known_namespace or self.namespace).store

    @property
    def caller(self) -> Caller:
        """The caller. Only for operations that need a token."""
        caller = self.identity
        assert isinstance(caller, Caller)  # noqa: S101 - admit has checked the token
        return caller

    @property
    def owner(self) -> ApiKey:
        """The API key whose data the caller works on."""
        return self.namespace.owners[self.caller.managed_by]

    def confirm_account(self) -> None:
        """Raise :class:`InvalidTokenError` if the caller's account was removed while the body arrived."""
        caller, namespace = self.identity, self.known_namespace
        if isinstance(caller, Caller) and namespace is not None and caller.managed_by not in namespace.owners:
            raise InvalidTokenError

    def answered(self, status: int) -> None:
        """Note the status of its answer and, unless a rule or a reply gives the answer, its provenance."""
        self.status = status
        if self.provenance is None:
            self.provenance, self.met = provenance(self.operation, status, self.usual_status, self.met)

    def journaled(self) -> Entry:
        """Its entry. The first call makes it. It is added to the journal as soon as the namespace exists."""
        if self.entry is None:
            self.entry = Entry(self.at, self.started, self.operation, self.scope)
            self.entry.body, self.entry.changes = self.body, self.changes
        if self.number == 0 and self.known_namespace is not None:
            self.known_namespace.journal.add(self.entry)
            self.number = self.entry.id
        return self.entry

    def changed(self, old: Record | None, new: Record | None) -> None:
        """Note that it has put a record into the state, or removed one."""
        if self.changes is None:
            self.changes = [old, new]
            if self.entry is not None:
                self.entry.changes = self.changes
        else:
            self.changes += old, new

    def changing(self, step: Callable[[Request], T]) -> T:
        """The result of a step. The journal keeps what it changes in the state as changes by this request.

        The user of the sign-in that makes a namespace is a part of the namespace's start, and not a change.
        """
        if self.known_namespace is None:
            return step(self)
        store = self.known_namespace.store
        store.writer = self
        try:
            return step(self)
        finally:
            store.writer = None

    def note(self, code: str, detail: str = "") -> None:
        """Note a finding about this request."""
        self.namespace.checks.findings.note(code, self.journaled(), detail)

    @property
    def is_form(self) -> bool:
        """True if the body is multipart. The journal and the rules do not read such a body."""
        return b"multipart" in self.headers.get(b"content-type", b"").lower()

    @property
    def json(self) -> Any:
        """The parsed body, as far as it was read; None if it is not JSON."""
        try:
            return json.loads(self.body) if self.body else None
        except (ValueError, RecursionError):
            return None

    async def peek(self) -> Any:
        """Read the body and return its JSON; None for a form, and for a body above about 1 MiB."""
        if self.is_form:
            return None
        await self._receive(_PEEK)
        self.held = len(self.body)
        self.registry.memory.hold(self.held)
        return self.json if self.taken else None

    async def read_body(self, limit: int | None = None) -> bytes:
        """The whole body, journaled.

        Raises :class:`BodyTooLargeError` if the body or its ``Content-Length`` is above ``limit`` bytes, and
        :class:`NoMemoryError` if the server has no memory for it.
        """
        assumptions = (self.known_namespace or self.registry.start).assumptions  # without the call of the property
        most = int(assumptions["body_limit"]) if limit is None else limit
        declared = self.headers.get(b"content-length", b"0")
        size = int(declared[:20]) if declared.isdigit() else 0
        if size <= most:
            size = await self._receive(most)
        if limit is None and size > min(most, assumed("body_limit")):
            self.meet("body_limit")
        if size > most:
            raise BodyTooLargeError
        if self.forgotten:
            raise NoMemoryError
        self.confirm_account()
        return self.body

    async def read_rest(self) -> None:
        """Read the rest of the body, so that the connection does not break. The journal keeps it if it has memory."""
        announced = b"transfer-encoding" in self.headers or self.headers.get(b"content-length", b"0") != b"0"
        # Some applications that call this one announce no body.
        if (announced or self.scope["method"] != "GET") and not self.taken and not self.headers.get(b"expect"):
            await self._receive(self.registry.settings.max_upload, -1 if self.is_form else _PEEK)
            self.taken = True

    async def next_piece(self) -> bytes:
        """The next piece of the body. Raises :class:`ClientDisconnect` if the client leaves."""
        message = await self.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        self.taken = not message.get("more_body", False)
        piece: bytes = message.get("body", b"")
        return piece

    def show_soon(self) -> asyncio.Handle | None:
        """Let the journal show it soon, and tell its listeners. Most bodies arrive earlier and cancel this."""
        if self.entry is None:
            return asyncio.get_running_loop().call_soon(self.journaled) if self.started else None
        return None if self.known_namespace is None else self.known_namespace.journal.tell_start_soon(self.entry)

    async def _receive(self, most: int, keep: int | None = None) -> int:
        """Read until the body ends or has more than ``most`` bytes. Returns its length so far.

        Pieces beyond the size ``keep`` are dropped. If there is no memory for the body, it is forgotten.
        """
        pieces, size = [self.body], len(self.body)
        shown = self.show_soon()
        try:
            while not self.taken and size <= most:
                piece = await self.next_piece()
                size += len(piece)
                if self.forgotten or (keep is not None and size > keep):
                    continue
                pieces.append(piece)
                if self.taken:
                    break  # most bodies arrive in one message
                self.held += len(piece)
                if not self.registry.memory.hold(len(piece)):
                    pieces.clear()
                    self.forgotten = True
                    self.release()  # before the rest arrives
            return size
        finally:
            if shown is not None:
                shown.cancel()
            self.release()
            self.body = b"".join(pieces)  # also if it is incomplete
            if self.entry is not None:
                self.entry.body = self.body

    def release(self) -> None:
        """Let its body no longer count in the memory of the server."""
        self.registry.memory.used -= self.held
        self.held = 0
