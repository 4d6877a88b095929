"""Heidi in the hand of a test: where it is, how to sign in, what it holds."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import select
import threading
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, Unpack
from urllib.parse import quote, urlencode, urlsplit

from mock_heidi import recordings
from mock_heidi.kept_connection import KeptConnection
from mock_heidi.remote import Clock, Faults, State
from mock_heidi.settings import (
    BASE_PATH,
    DEFAULT_EMAIL,
    DEFAULT_KEY,
    DEFAULT_NAMESPACE,
    DEFAULT_PORT,
    DEFAULT_THIRD_PARTY_ID,
    ConfigError,
    FixtureChoice,
    Settings,
    is_namespace,
    namespace_path,
    wrong_name,
)

if TYPE_CHECKING:
    import httpx

    from mock_heidi.fault_arguments import FaultArguments
    from mock_heidi.server import Server


_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_STRANGER = "what answers at {} is no mock_heidi"


class MockHeidiError(Exception):
    """The server refused what the handle asked; the message says why and what would help."""


class NoAnswerError(ConnectionError):
    """Nobody answers where the server should be, or somebody who is no mock_heidi."""


@contextlib.contextmanager
def _answering(url: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise NoAnswerError(f"no answer from {url}: {error.strerror or error}") from error
    except ValueError as error:
        raise NoAnswerError(_STRANGER.format(url)) from error


class _Connection:
    """Requests to one server over one kept connection, from any thread."""

    def __init__(self, url: str, admin_token: str | None, patience: float = 30) -> None:
        self._url = url
        parts = urlsplit(url)
        self._connection = KeptConnection(parts.hostname or "", parts.port, patience)
        self.admin = {} if admin_token is None else {"X-Mock-Admin-Token": admin_token}
        self._lock = threading.Lock()

    @property
    def is_open(self) -> bool:
        return self._connection.sock is not None

    def ask(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Any:
        """The JSON of the answer; :class:`MockHeidiError` for one that is no success."""
        data = None if body is None else json.dumps(body).encode()
        with self._lock:
            status, answer = self._exchange(method, path, data, dict(headers or {}))
        if status != HTTPStatus.OK:
            raise self.refusal(method, path, status, answer)
        return answer

    def _exchange(self, method: str, path: str, data: bytes | None, headers: dict[str, str]) -> tuple[int, Any]:
        # A server closes a connection that was idle for long. Looked at before anything is sent, so that nothing is
        # ever sent twice.
        if self._connection.sock is not None and select.select([self._connection.sock], [], [], 0)[0]:
            self._connection.close()
        try:
            with _answering(self._url):
                # The token is for the control plane, and for nothing else.
                admin = self.admin if "/_mock" in path else {}
                status, answer = self._connection.ask(method, path, data, {**headers, **admin})
                return status, json.loads(answer)
        except BaseException:
            self._connection.close()  # half an exchange would be taken for the next one's answer
            raise

    def exchange(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        """Status and JSON of one answer, after which the connection ends."""
        with contextlib.closing(self._connection):
            return self._exchange(method, path, json.dumps(body).encode(), {"Content-Type": "application/json"})

    def text(self, path: str) -> str:
        """The text of an answer; :class:`MockHeidiError` for one that is no success."""
        with self._lock, contextlib.closing(self._connection), _answering(self._url):
            status, answer = self._connection.ask("GET", path, None, self.admin)
            if status == HTTPStatus.OK:
                return answer.decode()
            refusal = json.loads(answer)
        raise self.refusal("GET", path, status, refusal)

    def events(self, path: str) -> EventStream:
        """The events that come in an answer whose head is there already: none can be missed from now on."""
        try:
            with _answering(self._url):
                status, pieces = self._connection.open("GET", path, None, self.admin)
                answer = None if status == HTTPStatus.OK else json.loads(b"".join(pieces))
            if answer is not None:
                raise self.refusal("GET", path, status, answer)
        except BaseException:
            self._connection.close()
            raise
        return EventStream(self._connection, pieces, self._url)

    def refusal(self, method: str, path: str, status: int, answer: Any) -> Exception:
        """The error for an answer that is no success: in our form, in the vendor's, or from another program."""
        said = (answer.get("error") or answer.get("detail")) if isinstance(answer, dict) else None
        if not said:
            return NoAnswerError(_STRANGER.format(self._url))
        reason = said.get("msg", said) if isinstance(said, dict) else said
        return MockHeidiError(f"{method} {path}: {reason}; {answer.get('hint', f'status {status}')}")

    def close(self) -> None:
        self._connection.close()


class EventStream(Iterator[tuple[str, Any]]):
    """The kind and the data of each event as it happens. Close it, or use it in a ``with``."""

    def __init__(self, connection: KeptConnection, pieces: Iterator[bytes], url: str) -> None:
        self._connection = connection
        self._events = _events(connection, pieces, url)

    def __next__(self) -> tuple[str, Any]:
        return next(self._events)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening and give the socket back."""
        self._events.close()  # which closes nothing where it has not begun
        self._connection.close()


def _events(connection: KeptConnection, pieces: Iterator[bytes], url: str) -> Generator[tuple[str, Any]]:
    with contextlib.closing(connection):
        kind = ""
        for line in _lines(pieces, url):
            name, _, value = line.decode().strip().partition(": ")
            if name == "event":
                kind = value
            elif name == "data":
                yield kind, json.loads(value)


def _lines(pieces: Iterator[bytes], url: str) -> Iterator[bytes]:
    rest = b""
    with _answering(url):
        for piece in pieces:
            *lines, rest = (rest + piece).split(b"\n")
            yield from lines


class Handle:
    """One namespace of a running server."""

    email = DEFAULT_EMAIL
    third_party_internal_id = DEFAULT_THIRD_PARTY_ID

    def __init__(
        self,
        url: str,
        name: str = DEFAULT_NAMESPACE,
        api_key: str = DEFAULT_KEY,
        admin_token: str | None = None,
        *,
        home: _Connection | None = None,
    ) -> None:
        """``home`` is a connection of whoever has made the namespace."""
        self.name = name
        self.url = url
        """The address of the server: ``http://127.0.0.1:PORT``."""
        self.base_url = f"{url}{self._prefix}{BASE_PATH}"
        """The base URL for a client: its path includes the namespace."""
        self.api_key = api_key
        self._admin_token = (admin_token or os.environ.get("MOCK_HEIDI_ADMIN_TOKEN", "")).strip() or None
        self._connection = _Connection(url, self._admin_token)
        self._home = home or self._connection
        self._closed = False
        self._spent: list[dict[str, Any]] = []
        """Faults that a ``with`` has taken away, as they were then."""

    @property
    def _prefix(self) -> str:
        return namespace_path(self.name)

    @property
    def state(self) -> State:
        """The records of the namespace."""
        return State(self.control)

    @property
    def clock(self) -> Clock:
        """The clock of the namespace."""
        return Clock(self.control)

    @property
    def faults(self) -> list[dict[str, Any]]:
        """The rules that are set, with their hits."""
        found: list[dict[str, Any]] = self.control("GET", "/faults")["faults"]
        return found

    def fault(self, operation: str | list[str] | None = None, **rule: Unpack[FaultArguments]) -> Faults:
        """Let something go wrong: ``fault("generate_consult_note", end_after=3, times=1)``.

        In a ``with`` it goes wrong until its end. The names are those of the fault reference in the docs; ``operation``
        may be all that stands before the colon of a short form, such as ``GET /sessions*``, or a whole short form.
        """
        made = self.control("POST", "/faults", _rule(operation, {**rule}))
        return Faults(self.control, [made], self._spent)

    def scenario(self, name: str) -> Faults:
        """Set the rules of a scenario, such as ``flaky-afternoon``; in a ``with`` until its end."""
        made = self.control("POST", f"/scenarios/{quote(name, safe='')}")["faults"]
        return Faults(self.control, made, self._spent)

    def unfired(self) -> list[str]:
        """The faults of this handle's namespace that have shaped no answer so far, a line each."""
        from mock_heidi.report import unfired

        return unfired(self._all_faults())

    def report(self, limit: int = 30) -> str:
        """The last requests with their bodies, all faults and all findings: what a failing test should show."""
        from mock_heidi.report import report

        return report(self.requests(limit=limit), self._all_faults(), self.findings)

    def _all_faults(self) -> list[dict[str, Any]]:
        return [*self._spent, *([] if self.closed else self.faults)]

    audio = staticmethod(recordings.audio)

    @property
    def closed(self) -> bool:
        """True if it has been given back."""
        return self._closed

    def token(self, email: str | None = None, third_party_internal_id: str | None = None) -> str:
        """A fresh bearer token, by default of :attr:`email`."""
        query = urlencode(
            {
                "email": email or self.email,
                "third_party_internal_id": third_party_internal_id or self.third_party_internal_id,
            }
        )
        path = f"{self._prefix}{BASE_PATH}/jwt?{query}"
        self._alive()
        answer = self._connection.ask("GET", path, headers={"Heidi-Api-Key": self.api_key})
        return str(answer["token"])

    @property
    def headers(self) -> dict[str, str]:
        """The headers of a signed-in request, with a fresh token."""
        return {"Authorization": f"Bearer {self.token()}"}

    def client(self, **options: Any) -> httpx.Client:
        """A signed-in ``httpx.Client`` on :attr:`base_url`; close it, or use it in a ``with``."""
        made: httpx.Client = _httpx().Client(**{"base_url": self.base_url, "headers": self.headers, **options})
        return made

    def async_client(self, **options: Any) -> httpx.AsyncClient:
        """A signed-in ``httpx.AsyncClient`` on :attr:`base_url`."""
        made: httpx.AsyncClient = _httpx().AsyncClient(
            **{"base_url": self.base_url, "headers": self.headers, **options}
        )
        return made

    def requests(self, **filters: Any) -> list[dict[str, Any]]:
        """The last requests, oldest first, without their secrets; ``operation="get_session"`` and the like filter."""
        query = f"?{urlencode(filters)}" if filters else ""
        found: list[dict[str, Any]] = self.control("GET", f"/requests{query}")["requests"]
        return found

    def reply(self, operation: str, **rule: Any) -> dict[str, Any]:
        """Say something else: ``reply("ask_ai", text="No.")``, or ``pieces=[…]``, or ``body={…}``.

        ``session_id``, ``template_id``, ``match`` and ``times`` say to which requests and how often.
        """
        made: dict[str, Any] = self.control("POST", "/replies", {"operation": operation, **rule})
        return made

    def verify(self, **expectation: Any) -> list[int]:
        """Expect something of the requests: ``verify(operation="get_session", at_least=1, within=2)``.

        ``count``, ``at_least``, ``at_most`` or ``never=True`` of those that fit the filters, or ``in_order=[…]``; the
        ids of the requests that show it. An AssertionError says what was found and what came nearest.
        """
        self._alive()
        # The answer may take as long as it may wait for what is expected.
        patience = float(expectation.get("within", 0)) + 30
        path = f"{self._prefix}/_mock/verify"
        connection = _Connection(self.url, self._admin_token, patience)
        status, answer = connection.exchange("POST", path, expectation)
        if status == HTTPStatus.EXPECTATION_FAILED:
            from mock_heidi.report import failed

            raise AssertionError(failed(answer))
        if status != HTTPStatus.OK:
            raise connection.refusal("POST", path, status, answer)
        requests: list[int] = answer["requests"]
        return requests

    def wait_for(self, operation: str, within: float = 5, **filters: Any) -> dict[str, Any]:
        """Wait until such a request has been answered; the newest one, as :meth:`requests` shows it."""
        ids = self.verify(operation=operation, within=within, **filters)
        found: dict[str, Any] = self.control("GET", f"/requests/{ids[-1]}")
        return found

    def assert_noticed(self, fault: Faults | str, *, error: bool = False, within: float = 0) -> None:
        """Expect that the client noticed the early end of a stream that a fault has made.

        A note is looked for by reading its session or by asking for it again, an answer of Ask Heidi by giving the
        same instruction again. With ``error`` it is enough that the client does not go on, because you have seen it
        show an error. Raises AssertionError otherwise.
        """
        ids = [fault] if isinstance(fault, str) else fault.ids
        for each in ids:
            try:
                self.verify(noticed={"fault": each, "error": error}, within=within)
            except AssertionError as problem:
                known = [str(rule["id"]) for rule in self._all_faults()]
                if each in known:
                    raise
                there = f"there are {', '.join(known)}" if known else "there are none"
                raise AssertionError(f"{problem}; no fault is called {each!r}, {there}") from None

    @property
    def findings(self) -> list[dict[str, Any]]:
        """The findings about the client so far."""
        found: list[dict[str, Any]] = self.control("GET", "/findings")["findings"]
        return found

    def snapshot(self, name: str = "snapshot") -> dict[str, Any]:
        """Keep the state under a name."""
        kept: dict[str, Any] = self.control("PUT", snapshot_path(name))
        return kept

    def restore(self, name: str = "snapshot") -> None:
        """Bring the state of that name back."""
        self.control("POST", f"{snapshot_path(name)}/restore")

    def diff(self, name: str = "snapshot", against: str | None = None) -> dict[str, Any]:
        """The records added, removed and changed since a snapshot, or up to another one."""
        query = "" if against is None else f"?{urlencode({'against': against})}"
        found: dict[str, Any] = self.control("GET", f"{snapshot_path(name)}/diff{query}")
        return found

    def curl(self, **filters: Any) -> str:
        """The last requests as commands that ask the same again, a line each."""
        self._alive()
        path = f"{self._prefix}/_mock/requests?{urlencode({**filters, 'format': 'curl'})}"
        return self._connection.text(path)

    def events(self) -> EventStream:
        """The events from now on, as they happen: the kind and the data of each. The stream does not end by itself.

        Close it, or use it in a ``with``.
        """
        self._alive()
        return _Connection(self.url, self._admin_token).events(f"{self._prefix}/_mock/events")

    def namespace(  # noqa: PLR0913 - all by name, as in the marker
        self,
        name: str,
        *,
        fixtures: FixtureChoice = None,
        seed: int | None = None,
        clock: str | None = None,
        linked: bool | None = None,
        api_key: str | None = None,
        faults: Sequence[Any] | Mapping[str, Any] | None = None,
        scenario: str | None = None,
        journal: str | None = None,
    ) -> Handle:
        """A fresh, isolated Heidi on the same server; what is not said here is as the server began."""
        handle = Handle(self.url, name, self.api_key, self._admin_token, home=self._connection)
        start: dict[str, Any] = {
            "seed": seed,
            "clock": clock,
            "api_key": api_key,
            "scenario": scenario,
            "journal": journal,
        }
        start["fixtures"] = _records(fixtures)
        start["faults"] = None if faults is None else _rules(faults)
        if linked is not None:
            user = {"email": handle.email, "third_party_internal_id": handle.third_party_internal_id}
            start["linked"] = user if linked is True else linked  # what is neither, the server refuses
        given = {key: value for key, value in start.items() if value is not None}
        self._alive()
        self._connection.ask("POST", f"/_mock/namespaces/{quote(name, safe='')}", given or None)
        if api_key is not None:
            handle.api_key = api_key
        elif fixtures is not None:
            handle.api_key = handle.control("GET", "/state")["api_keys"][0]["key"]
        return handle

    def session(self, session_id: str, **changes: Any) -> dict[str, Any]:
        """A session as the state holds it; with ``changes``, after a clinician has made them in Heidi's application."""
        path = f"/sessions/{quote(session_id, safe='')}"
        found: dict[str, Any] = self.control("PUT", path, changes) if changes else self.control("GET", path)
        return found

    def reset(self, *, keep: Iterable[str] = ()) -> None:
        """Bring the beginning back: state, clock, ids, faults, replies and an empty journal.

        ``keep`` names the parts that stay, such as ``["clock", "faults"]``.
        """
        kept = list(keep)
        self.control("POST", f"/reset?{urlencode({'keep': ','.join(kept)})}" if kept else "/reset")
        if "faults" not in kept:
            self._spent.clear()

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the control plane of this namespace: ``control("GET", "/health")``, or ``"/_mock/health"``."""
        self._alive()
        if method not in _METHODS:
            raise MockHeidiError(f"{method} {path}: the control plane takes {', '.join(_METHODS)}; write one of these")
        path = path.removeprefix("/_mock").removeprefix("/")
        return self._connection.ask(method, f"{self._prefix}/_mock/{path}", body, {"Content-Type": "application/json"})

    def _alive(self) -> None:
        # Asked again, the server would make a new Heidi of that name, with the packaged data.
        if self._closed:
            raise MockHeidiError(f"{self!r} was closed; a Heidi ends with its test or its with block")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give back what the handle holds; a namespace of its own is forgotten. Once more is no error."""
        closed, self._closed = self._closed, True
        try:
            if self.name != DEFAULT_NAMESPACE and not closed:
                # Most tests ask their own Heidi nothing, so that its connection was never made.
                connection = self._home if self._home.is_open else self._connection
                with contextlib.suppress(MockHeidiError):  # somebody else has deleted it
                    connection.ask("DELETE", f"/_mock/namespaces/{self.name}")
        finally:
            self._connection.close()

    def __repr__(self) -> str:
        # A MockHeidi that has not been started is nowhere yet.
        return f"<{type(self).__name__} {getattr(self, 'base_url', 'not started')}>"


class _Visitor(Handle):
    """A handle that leaves its namespace where it is."""

    def close(self) -> None:
        self._connection.close()


def visit(url: str, namespace: str | None = None, api_key: str = DEFAULT_KEY, admin_token: str | None = None) -> Handle:
    """The handle of a server that is running, by any URL of it, such as its base URL, which may name a namespace too.

    Raises :class:`ConfigError` for what cannot be one.
    """
    try:
        parts = urlsplit(url)
        sound = parts.scheme == "http" and parts.hostname and parts.port != 0
    except ValueError:
        sound = False
    if not sound:
        raise ConfigError(f"{url}: write it like http://127.0.0.1:{DEFAULT_PORT}")
    first, _, rest = parts.path.removeprefix("/").partition("/")
    name = namespace or (rest.partition("/")[0] if first == "ns" else DEFAULT_NAMESPACE)
    if not is_namespace(name):
        raise wrong_name(name, "a namespace")
    return _Visitor(f"{parts.scheme}://{parts.netloc}", name, api_key, admin_token)


class MockHeidi(Handle):
    """A server in a thread of this process, as a context manager; it is also the handle of its default namespace.

    >>> with MockHeidi() as heidi:
    ...     client.base_url, client.api_key = heidi.base_url, heidi.api_key

    The options are those of the command: ``fixtures`` (a folder, a dict, ``"empty"``), ``seed``, ``clock``,
    ``api_key``, ``linked``, ``faults``, ``scenario``, ``journal``; ``port`` 0 picks a free one.
    """

    def __init__(
        self, settings: Settings | None = None, /, *, host: str = "127.0.0.1", port: int = 0, **options: Any
    ) -> None:
        if settings is not None and options:
            raise ConfigError(f"MockHeidi: give settings or {', '.join(options)}, not both")
        self._settings = settings or Settings(**{**options, "faults": tuple(_rules(options.get("faults", ())))})
        self._host, self._port = host, port
        self._server: Server | None = None
        self._thread: threading.Thread | None = None
        self._answering = threading.Event()

    def __enter__(self) -> Self:
        self.start()
        return self

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if self.__dict__.get("_server") is None and not name.startswith("_"):
                raise AttributeError(f"{name}: this MockHeidi has not been started; use it in a with, or call start()")
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def listen(self, listener: Any = None) -> None:
        """Bind the port without answering yet: clients may connect from now on, and wait for :meth:`start`.

        ``listener`` is told of each answer, as :func:`create_app` says.
        """
        if self._server is not None:
            raise RuntimeError("this MockHeidi has been started already; make another")
        with _collecting_nothing():
            from mock_heidi.app import create_app
            from mock_heidi.server import Server, bind

            app = create_app(self._settings, listener=listener)
        self._server = Server(app, bind(self._host, self._port), self._answering.set, memory=app.registry.memory)
        super().__init__(
            self._server.url, DEFAULT_NAMESPACE, next(iter(app.registry.default.keys)), self._settings.admin_token
        )

    def start(self) -> None:
        """Serve, and come back when the server answers."""
        if self._server is None or self._thread is not None:
            self.listen()  # refuses to do so twice
        assert self._server is not None  # noqa: S101 - listen() has made it
        self._thread = threading.Thread(target=self._server.run, name="mock-heidi", daemon=True)
        self._thread.start()
        while not self._answering.wait(0.05):
            if not self._thread.is_alive():
                raise RuntimeError("the server ended before it listened")

    def close(self) -> None:
        """Stop serving and give the port and the thread back. Once more is no error."""
        if self._server is None:
            return
        super().close()
        self._server.stop()
        if self._thread is not None:
            self._thread.join()
        for listener in self._server.sockets:  # those of a server that listened and was never started
            listener.close()


@contextlib.contextmanager
def _collecting_nothing() -> Iterator[None]:
    """Leave the garbage collector off: nothing that a start makes is garbage."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _httpx() -> Any:
    try:
        import httpx  # a tenth of a second that only those who ask for it pay
    except ModuleNotFoundError:
        raise ModuleNotFoundError("a client needs httpx; install mock-heidi[pytest], or httpx itself") from None
    return httpx


def snapshot_path(name: str) -> str:
    """The path of a snapshot, below ``/_mock``; :class:`MockHeidiError` for an invalid name."""
    if not is_namespace(name):
        raise MockHeidiError(str(wrong_name(name, "a snapshot")))
    return f"/snapshots/{quote(name, safe='')}"


def _rule(operation: str | list[str] | None, effects: dict[str, Any]) -> Any:
    if not isinstance(operation, str):
        return effects if operation is None else {"operation": operation, **effects}
    if ":" in operation and not effects:
        return operation
    method, _, path = operation.strip().partition(" ")
    if path:
        return {"method": method, "path": path.strip(), **effects}
    return effects if operation.strip() == "*" else {"operation": operation.split("+"), **effects}


def _rules(faults: Sequence[Any] | Mapping[str, Any]) -> list[Any]:
    # One rule may stand by itself.
    return list(faults) if isinstance(faults, Sequence) and not isinstance(faults, str) else [faults]


def _records(fixtures: FixtureChoice) -> Any:
    if fixtures is None or fixtures == "empty" or isinstance(fixtures, Mapping):
        return fixtures
    # A folder is read here, where its files are: the server takes no paths from a request.
    from mock_heidi import fixture_loader
    from mock_heidi.fixture_export import export
    from mock_heidi.store import Store

    return export(Store(fixture_loader.load(Path(fixtures))))
