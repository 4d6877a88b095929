"""Answers that end badly, as clients see them: a bare socket, Python's httpx, Node's fetch.

Every ending is met ten times at once, over http and over https, and must be the same each time, byte by byte; in the
long run a hundred times, while other processes keep the machine busy. A table of the docs says what each client makes
of it, and is compared here with what happens.
"""

import contextlib
import json
import os
import re
import selectors
import shutil
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from helpers import SESSION, wire
from pages import page
from running import MODULE, serving, until
from secure import SCHEMES, connect, make_handle, trust, trust_of_node, url_for_clients

from mock_heidi import Handle, create_app
from mock_heidi.app import App
from mock_heidi.base.settings import BASE_PATH
from mock_heidi.serving import accelerators
from mock_heidi.serving.server import Server, bind
from mock_heidi.state.stub_records import Stub

TIMES = 100
PATIENCE = 60
ASK = {"ai_command_text": "Summarise", "content": "One. Two.", "content_type": "MARKDOWN"}
PACE = "first=0.01,rate=200"
END, CLOSED, RESET, OPEN = "the end of the body", "closed", "reset", "open until the reset"
# The end of an answer as a bare socket sees it. Two of the three pieces arrive, and ``at`` bytes of the body.
ENDINGS = {
    "end_after=2": END,
    "end_inside=piece,end_after=2": END,
    "end_inside=json,end_after=2": END,
    "end_inside=utf8,end_after=2": END,
    "error_piece=2": END,
    "rst_after=2": RESET,
    "stall_after=2": OPEN,
    "cut_at={at}": CLOSED,
    "rst_at={at}": RESET,
    "stall_at={at}": OPEN,
    "close": CLOSED,
    "rst": RESET,
    "stall": OPEN,
}
# The faults after which some data arrives.
LONG = [ending for ending in ENDINGS if "=" in ending]
# A server without the fast loop and the fast parser.
PLAIN = (
    "import sys\nsys.modules['uvloop'] = sys.modules['httptools'] = None\nfrom mock_heidi.cli.main import main\nmain()"
)
_BUSY = "import os, sys\nwhile os.getppid() == int(sys.argv[1]): pass"


class Request(NamedTuple):
    """One request and its fault."""

    method: str
    path: str
    body: Any = None
    fault: str = ""


class Script(NamedTuple):
    """The answers that Heidi gives: three pieces of a stream, a body of JSON, both of about that size."""

    size: int

    @property
    def pieces(self) -> list[str]:
        return [f"{number}é " + _words(self.size) + f" {number}" for number in (1, 2, 3)]

    @property
    def at(self) -> int:
        """The number of bytes after which the body ends."""
        return 2 * self.size

    @property
    def body(self) -> dict[str, str]:
        return {"transcript": _words(3 * self.size)}

    def prepare(self, heidi: Handle) -> None:
        heidi.reset()
        heidi.reply("ask_ai", pieces=self.pieces)
        heidi.reply("get_transcript", body=self.body)

    def request(self, ending: str = "") -> Request:
        """A request whose answer has this ending."""
        fault = ending.format(at=self.at)
        if "_at=" in ending:
            return Request("GET", f"/sessions/{SESSION}/transcript", None, fault)
        return Request("POST", f"/sessions/{SESSION}/ask-ai", ASK, fault)

    def comes(self, ending: str) -> bytes:
        """The part of the answer's body that arrives."""
        if ending in ("close", "rst", "stall"):
            return b""
        if "_at=" in ending:
            return wire(self.body).encode()[: self.at]
        return b"".join(map(frame, self.pieces[:2])) + self._part(ending)

    def _part(self, ending: str) -> bytes:
        third = self.pieces[2]
        name = ending.partition(",")[0]
        if name == "end_inside=piece":
            return frame(third)[:-1]
        if name == "end_inside=json":
            return frame(third[: len(third) // 2]).removesuffix(b'"}\n\n')
        if name == "end_inside=utf8":
            return b'data: {"data": "3\xc3'
        if name == "error_piece=2":
            return b'data: {"error": {"msg": "The stream broke", "type": "StreamError"}}\n\n'
        return b""


@cache
def _words(size: int) -> str:
    """Text of that size without repetitions."""
    return " ".join(f"{number:06}" for number in range(size // 7 + 1))[:size]


def frame(piece: str) -> bytes:
    return b'data: {"data": ' + json.dumps(piece).encode() + b"}\n\n"


SMALL, MIDDLE, LARGE = Script(30), Script(20_000), Script(300_000)


# --- A bare socket ----------------------------------------------------------------------------------------------------


class Answer:
    """The data of one connection so far, and its end."""

    def __init__(self, heidi: Handle, token: str, buffer: int | None = None) -> None:
        self.raw = bytearray()
        self.ending = ""
        self._token = token
        self.socket = connect(heidi, buffer)

    def ask(self, *requests: Request) -> None:
        """Send requests in one write."""
        self.raw.clear()
        self.ending = ""
        self.socket.sendall(b"".join(map(self._written, requests)))

    def _written(self, request: Request) -> bytes:
        data = b"" if request.body is None else json.dumps(request.body).encode()
        lines = [
            f"{request.method} {BASE_PATH}{request.path} HTTP/1.1",
            "Host: localhost",
            f"Authorization: Bearer {self._token}",
            f"Content-Length: {len(data)}",
        ]
        fault = [f"X-Mock-Fault: {request.fault}"] if request.fault else []
        return "\r\n".join([*lines, *fault, "", ""]).encode() + data

    def read(self, size: int) -> None:
        try:
            block = self.socket.recv(size)
        except ConnectionResetError:
            self.ending = RESET
        else:
            self.raw += block
            self.ending = END if self.raw.endswith(b"\r\n0\r\n\r\n") else "" if block else CLOSED

    @property
    def body(self) -> bytes:
        head, _, rest = bytes(self.raw).partition(b"\r\n\r\n")
        return dechunked(rest) if b"transfer-encoding: chunked" in head.lower() else rest


def dechunked(rest: bytes) -> bytes:
    """The content of complete chunks."""
    found = b""
    while rest:
        length, _, rest = rest.partition(b"\r\n")
        size = int(length, 16)
        assert rest[size : size + 2] == b"\r\n", "a chunk is broken"
        found, rest = found + rest[:size], rest[size + 2 :]
    return found


@contextlib.contextmanager
def asking(heidi: Handle, *requests: Request, times: int = TIMES, buffer: int | None = None) -> Iterator[list[Answer]]:
    """Connections with a request each, of which nothing has been read yet."""
    token = heidi.token()
    answers = [Answer(heidi, token, buffer) for _ in range(times)]
    try:
        for answer in answers:
            answer.ask(*requests)
        yield answers
    finally:
        for answer in answers:
            answer.socket.close()


def read(answers: Sequence[Answer], size: int, enough: Callable[[Answer], bool] = lambda _: False) -> None:
    """Read some bytes at a time from every connection that has some, until each has ended or has enough."""
    with selectors.DefaultSelector() as selector:
        for answer in answers:
            selector.register(answer.socket, selectors.EVENT_READ, answer)
        while selector.get_map():
            ready = selector.select(PATIENCE)
            assert ready, f"{len(selector.get_map())} connections are silent"
            for key, _ in ready:
                key.data.read(size)
                if key.data.ending or enough(key.data):
                    selector.unregister(key.fileobj)


def silent(answers: Sequence[Answer]) -> bool:
    """True if no data has arrived."""
    with selectors.DefaultSelector() as selector:
        for answer in answers:
            selector.register(answer.socket, selectors.EVENT_READ)
        return not selector.select(0)


def asked(heidi: Handle) -> list[dict[str, Any]]:
    """The requests of these tests in the journal."""
    return [row for row in heidi.requests() if row["operation"] in ("ask_ai", "get_transcript")]


def taken(heidi: Handle, count: int = TIMES) -> None:
    """Wait until the journal has so many requests."""
    until(lambda: len(asked(heidi)) == count, "the requests")


def seen(
    heidi: Handle, ending: str, script: Script, times: int = TIMES, *, slow: bool = False
) -> list[tuple[bytes, str]]:
    """The data and the end of each connection; slow clients have a small buffer and read little at a time."""
    size, buffer = (1_000, 4_096) if slow else (65_536, None)
    script.prepare(heidi)
    expected = script.comes(ending)
    with asking(heidi, script.request(ending), times=times, buffer=buffer) as answers:
        if ENDINGS[ending] != OPEN:
            read(answers, size)
            return [(answer.body, answer.ending) for answer in answers]
        if expected:
            last = expected[-20:]
            read(answers, size, enough=lambda answer: last in answer.raw[-22:])
        else:
            taken(heidi, times)
        heidi.control("GET", "/health")  # a wrong server would send more before this answer
        was_open = silent(answers) and not any(answer.ending for answer in answers)
        heidi.reset()
        read(answers, size)
        return [(answer.body, OPEN if was_open and answer.ending == CLOSED else answer.ending) for answer in answers]


def outcomes(heidi: Handle, ending: str, script: Script, times: int = TIMES, *, slow: bool = False) -> Counter[str]:
    """The number of times that each result was seen."""
    expected = script.comes(ending)
    return Counter(f"{told(body, expected)}, {how}" for body, how in seen(heidi, ending, script, times, slow=slow))


def told(body: bytes | bytearray, expected: bytes) -> str:
    return "what was to come" if body == expected else f"{len(body)} bytes where {len(expected)} were to come"


# --- Python's httpx ---------------------------------------------------------------------------------------------------

HTTPX = {END: "no error", CLOSED: "`RemoteProtocolError`", RESET: "`ReadError`", OPEN: "`ReadTimeout`"}
# Over TLS, older versions of Python report a reset as the end of the data.
HTTPX_OVER_TLS = HTTPX if sys.version_info >= (3, 13) else {**HTTPX, RESET: HTTPX[CLOSED]}


@contextlib.contextmanager
def clients_of(heidi: Handle, patience: Iterable[httpx.Timeout | float]) -> Iterator[list[httpx.Client]]:
    """A client for each thread: threads that share one also share its connections, and httpcore may then close one
    that another thread has just begun to use."""
    with contextlib.ExitStack() as stack:
        yield [
            stack.enter_context(heidi.client(base_url=url_for_clients(heidi), timeout=timeout, verify=trust(heidi)))
            for timeout in patience
        ]


def over_httpx(client: httpx.Client, request: Request, got: bytearray) -> str:
    """The end of an answer, which is read into ``got``."""
    headers = {"X-Mock-Fault": request.fault}
    try:
        with client.stream(request.method, request.path, json=request.body, headers=headers) as answer:
            for block in answer.iter_raw():
                got += block
    except httpx.HTTPError as error:
        return f"`{type(error).__name__}`"
    return "no error"


# --- Node's fetch -----------------------------------------------------------------------------------------------------

# Node reports a reset in two ways: libuv takes a reset that arrives with the last bytes for a clean end.
BROKEN = ("`TypeError: terminated` (`ECONNRESET`)", "`TypeError: terminated` (`UND_ERR_SOCKET`)")
FETCH = {END: ("no error",), CLOSED: BROKEN[1:], RESET: BROKEN, OPEN: ("silence",)}
FETCH_NOTHING = {
    CLOSED: ("`TypeError: fetch failed` (`UND_ERR_SOCKET`)",),
    RESET: ("`TypeError: fetch failed` (`ECONNRESET`)",),
    OPEN: ("silence",),
}

NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="there is no Node here")


def fetched(
    heidi: Handle, script: Script, endings: Iterable[str], times: int, *, late: bool = False
) -> dict[str, dict[str, int]]:
    """The number of times that each result was seen, by ending; a late reader asks for the next piece after the end."""
    script.prepare(heidi)
    cases = []
    for ending in endings:
        request, length = script.request(ending)._asdict(), len(script.comes(ending))
        cases.append({**request, "ending": ending, "length": length, "open": ENDINGS[ending] == OPEN})
    control = heidi.base_url.replace(BASE_PATH, "/_mock")
    job = {"base_url": url_for_clients(heidi), "control": control, "headers": heidi.headers(), "late": late}
    ended = subprocess.run(  # noqa: S603 - our own script
        [NODE or "node", str(Path(__file__).with_name("fetch_stream.mjs"))],
        input=json.dumps({**job, "times": times, "cases": cases}),
        env={**os.environ, **trust_of_node(heidi)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    counted: dict[str, dict[str, int]] = json.loads(ended.stdout)
    return counted


def by_fetch(ending: str, expected: bytes) -> tuple[str, ...]:
    return (FETCH if expected else FETCH_NOTHING)[ENDINGS[ending]]


def hashed(body: bytes, how: str) -> str:
    """The output of the script for this body and this end."""
    return f"{len(body)} {sha256(body).hexdigest()} {how}"


# --- What is left behind ----------------------------------------------------------------------------------------------


class Inside(NamedTuple):
    """A server in a thread, with access to its parts."""

    server: Server
    heidi: Handle
    front: App

    def busy(self, count: int) -> None:
        """Wait until the server works on so many requests."""
        until(lambda: len(self.server.server_state.tasks) >= count, "the requests")
        self.heidi.control("GET", "/health")  # before this answer, the server does all that it can

    def idle(self) -> None:
        """Wait until the server has no requests, no streams, and only the connection of the handle."""
        state, streams = self.server.server_state, self.front.registry.default.streams
        until(lambda: not state.tasks and not streams and len(state.connections) <= 1, "the end of all requests")


# With the fast loop and the fast parser, with one of them, without both.
PARTS = {"both": ("uvloop", "httptools"), "uvloop": ("uvloop",), "httptools": ("httptools",), "neither": ()}


@pytest.fixture(scope="module", params=SCHEMES)
def scheme(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(params=PARTS)
def inside(
    request: pytest.FixtureRequest, scheme: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> Iterator[Inside]:
    """A server that at its end has no work, an empty log and a free port."""
    parts, really = PARTS[request.param], accelerators.is_installed
    monkeypatch.setattr(accelerators, "is_installed", lambda module: module in parts and really(module))
    front, listening, sockets = create_app(), threading.Event(), bind("127.0.0.1", 0)
    address = sockets[0].getsockname()
    serves = Server(front, sockets, listening.set)
    thread = threading.Thread(target=serves.run)
    thread.start()
    assert listening.wait(PATIENCE)
    try:
        with make_handle(serves.url, scheme) as heidi:
            looked = Inside(serves, heidi, front)
            yield looked
            looked.idle()
    finally:
        serves.stop()
        thread.join(PATIENCE)
    assert not thread.is_alive()
    said = [record.getMessage() for when in ("setup", "call", "teardown") for record in caplog.get_records(when)]
    assert said == []
    with socket.create_server(address):
        pass


@pytest.mark.breaks_contract
def test_endings_are_the_same_whatever_serves(inside: Inside) -> None:
    few = 5
    found = {ending: outcomes(inside.heidi, ending, MIDDLE, few, slow=True) for ending in ENDINGS}

    assert found == {ending: {f"what was to come, {how}": few} for ending, how in ENDINGS.items()}


def ending_with(*ways: str) -> list[str]:
    return [ending for ending, how in ENDINGS.items() if how in ways]


# The places where answers wait for clients that do not read: before the reset, before the stall, before the end.
STUCK = ["rst_after=2", "stall_after=2", "rst_at={at}", "stall_at={at}", "cut_at={at}"]


def left(heidi: Handle) -> list[bool]:
    """The ``client_left`` of each request."""
    return [row["client_left"] for row in asked(heidi)]


def test_reset_ends_answers_to_clients_that_do_not_read(inside: Inside) -> None:
    for ending in STUCK:
        LARGE.prepare(inside.heidi)
        with asking(inside.heidi, LARGE.request(ending), times=2, buffer=4_096) as answers:
            inside.busy(2)
            inside.heidi.control("POST", "/reset?keep=requests")
            inside.idle()
            assert left(inside.heidi) == [False] * 2
            read(answers, 65_536)
            assert {answer.ending for answer in answers} <= {CLOSED, RESET}


def test_reset_ends_a_stream_that_is_stuck_in_a_piece(inside: Inside) -> None:
    # Far more than the buffers of the two sockets hold.
    pieces = ("x" * 300_000,) * 50
    inside.front.registry.default.stubs.add(Stub(operation="ask_ai", pieces=pieces))

    with asking(inside.heidi, LARGE.request(), times=2, buffer=4_096) as answers:
        inside.busy(2)
        inside.heidi.control("POST", "/reset?keep=requests")
        inside.idle()
        assert left(inside.heidi) == [False] * 2
        read(answers, 65_536)
        assert {answer.ending for answer in answers} <= {CLOSED, RESET}


def test_clients_that_leave_without_reading_are_noticed(inside: Inside) -> None:
    for ending in STUCK:
        LARGE.prepare(inside.heidi)
        with asking(inside.heidi, LARGE.request(ending), times=2, buffer=4_096):
            inside.busy(2)
        inside.idle()
        assert left(inside.heidi) == [True] * 2


def test_clients_that_leave_a_stall_free_it(inside: Inside) -> None:
    for ending in ending_with(OPEN):
        SMALL.prepare(inside.heidi)
        with asking(inside.heidi, SMALL.request(ending), times=5):
            inside.busy(5)
        inside.idle()
        assert left(inside.heidi) == [True] * 5


def test_broken_connection_is_the_only_one(inside: Inside) -> None:
    SMALL.prepare(inside.heidi)
    with asking(inside.heidi, SMALL.request(), times=1) as (other,):
        read([other], 65_536)
        for ending in ending_with(RESET):
            with asking(inside.heidi, SMALL.request(ending), times=1) as (broken,):
                read([broken], 65_536)
            other.ask(SMALL.request())
            read([other], 65_536)
            assert (broken.ending, other.ending) == (RESET, END)
            assert other.body == b"".join(map(frame, SMALL.pieces))


@pytest.mark.breaks_contract
def test_a_connection_goes_on_after_a_clean_end(inside: Inside) -> None:
    SMALL.prepare(inside.heidi)
    for ending in ending_with(END):
        with asking(inside.heidi, SMALL.request(ending), times=1) as (answer,):
            read([answer], 65_536)
            answer.ask(SMALL.request())
            read([answer], 65_536)
            assert answer.body == b"".join(map(frame, SMALL.pieces))


def test_the_request_after_a_broken_one_never_starts(inside: Inside) -> None:
    SMALL.prepare(inside.heidi)
    behind = Request("POST", "/sessions", {})
    for ending in ending_with(RESET, CLOSED):
        with asking(inside.heidi, SMALL.request(ending), behind, times=1) as (answer,):
            read([answer], 65_536)
        inside.idle()
        assert answer.body == SMALL.comes(ending)
    assert "create_session" not in [row["operation"] for row in inside.heidi.requests()]


@pytest.mark.parametrize("command", [MODULE, (sys.executable, "-c", PLAIN)], ids=["fast", "plain"])
def test_the_process_logs_no_broken_connection_and_ends_at_once(
    tmp_path: Path, command: Sequence[str], scheme: str
) -> None:
    with serving(tmp_path, "--quiet", command=command) as running, make_handle(running.url, scheme) as heidi:
        for ending in ENDINGS:
            seen(heidi, ending, MIDDLE, 5)
        MIDDLE.prepare(heidi)
        with contextlib.ExitStack() as stalls:
            for ending in ending_with(OPEN):
                stalls.enter_context(asking(heidi, MIDDLE.request(ending), times=1))
            taken(heidi, 3)
            assert heidi.token()
            assert running.end() == 0
        assert (running.errors(), running.output()) == ("", "")
        with socket.create_server((running.host, running.port)):
            pass


# --- The table --------------------------------------------------------------------------------------------------------

HEADING = "| Fault | A bare socket | Python's `httpx` | `httpx` over https | Node's `fetch` |"
SOCKET = {END: "the last chunk", CLOSED: "end of file", RESET: "`ECONNRESET`", OPEN: "silence"}


def table() -> dict[str, list[str]]:
    """The cells of the table in the fault reference, by fault."""
    return {row[0].strip("`"): row[1:] for row in page("fault-reference").rows(HEADING)}


def put(body: bytes) -> str:
    """The result in the words of the table."""
    *pieces, part = body.split(b"\n\n")
    if not body.startswith(b"data: "):
        return f"{len(body)} bytes" if body else "nothing"
    errors = sum(piece.startswith(b'data: {"error"') for piece in pieces)
    more = [" and an error"] * errors + [" and part of one"] * bool(part)
    return f"{len(pieces) - errors} pieces{''.join(more)}"


def allowed(cell: str) -> set[str]:
    """The results that a cell allows; it may name two codes."""
    either = re.search(r"`(\w+)` or `(\w+)`", cell)
    return {cell} if either is None else {cell.replace(either[0], f"`{code}`") for code in either.groups()}


@pytest.fixture(scope="module")
def at_once(scheme: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Handle]:
    """A server in a separate process, for one request at a time."""
    with serving(tmp_path_factory.mktemp("server"), "--quiet") as running, make_handle(running.url, scheme) as handle:
        yield handle


def test_table_has_every_ending() -> None:
    assert list(table()) == [SMALL.request(ending).fault for ending in ENDINGS]


@pytest.mark.parametrize("ending", ENDINGS)
def test_table_says_what_a_socket_sees(at_once: Handle, ending: str) -> None:
    ((body, how),) = seen(at_once, ending, SMALL, 1)

    assert table()[SMALL.request(ending).fault][0] == f"{put(body)}, {SOCKET[how]}"


def test_table_says_what_httpx_sees(at_once: Handle, scheme: str) -> None:
    SMALL.prepare(at_once)
    requests = [SMALL.request(ending) for ending in ENDINGS]
    bodies = [bytearray() for _ in requests]

    # A stall lasts until the client gives up: after five seconds, by default and here.
    patience = [httpx.Timeout(PATIENCE, read=5) if how == OPEN else PATIENCE for how in ENDINGS.values()]
    with clients_of(at_once, patience) as clients, ThreadPoolExecutor(len(requests)) as pool:
        endings = list(pool.map(over_httpx, clients, requests, bodies))

    found = {
        request.fault: f"{put(bytes(body))}, {how}"
        for request, body, how in zip(requests, bodies, endings, strict=True)
    }
    assert {fault: _httpx_cell(cells, scheme) for fault, cells in table().items()} == found


def _httpx_cell(cells: list[str], scheme: str) -> str:
    """The cell about httpx. The one about https says that a reset looks different from Python 3.13 on."""
    if scheme == "http":
        return cells[1]
    before, _, since = cells[2].partition(" (Python 3.13: ")
    return cells[2] if not since else f"{before.partition(', ')[0]}, {HTTPX_OVER_TLS[RESET]}"


@needs_node
def test_table_says_what_fetch_sees(at_once: Handle) -> None:
    counted = fetched(at_once, SMALL, ENDINGS, 1)

    for ending in ENDINGS:
        (found,) = counted[ending]
        _, digest, how = found.split(" ", 2)
        body = SMALL.comes(ending)
        assert digest == sha256(body).hexdigest()
        assert f"{put(body)}, {how}" in allowed(table()[SMALL.request(ending).fault][3])


# --- The same each time -----------------------------------------------------------------------------------------------


@contextlib.contextmanager
def busy_machine() -> Iterator[None]:
    """Processes that use all of the machine's time."""
    command = [sys.executable, "-c", _BUSY, str(os.getpid())]
    workers = [subprocess.Popen(command) for _ in range(2)]  # noqa: S603 - our own command
    try:
        yield
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()


BUSY = pytest.param("busy", marks=pytest.mark.long)
BUSY_AND_PACED = pytest.param("busy and paced", marks=pytest.mark.long)


@pytest.fixture(scope="module", params=["calm", BUSY, BUSY_AND_PACED])
def heidi(request: pytest.FixtureRequest, scheme: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Handle]:
    """A server in a separate process, whose pieces come at once or, with a pace, one after the other."""
    pace = ["--pace", PACE] if "paced" in request.param else []
    machine = busy_machine() if "busy" in request.param else contextlib.nullcontext()
    folder = tmp_path_factory.mktemp("server")
    with machine, serving(folder, "--quiet", *pace) as running, make_handle(running.url, scheme) as handle:
        yield handle


@pytest.fixture
def times(request: pytest.FixtureRequest) -> int:
    """The number of times that each ending is tested."""
    return 10 if request.node.callspec.params["heidi"] == "calm" else TIMES


@pytest.fixture(scope="module")
def clients(heidi: Handle) -> Iterator[list[httpx.Client]]:
    with clients_of(heidi, [PATIENCE] * TIMES) as clients:
        yield clients


@pytest.mark.parametrize("ending", ENDINGS)
def test_socket_sees_the_same_each_time(heidi: Handle, times: int, ending: str) -> None:
    assert outcomes(heidi, ending, SMALL, times) == {f"what was to come, {ENDINGS[ending]}": times}


@pytest.mark.parametrize("ending", LONG)
def test_socket_sees_the_same_of_large_pieces(heidi: Handle, times: int, ending: str) -> None:
    assert outcomes(heidi, ending, LARGE, times) == {f"what was to come, {ENDINGS[ending]}": times}


@pytest.mark.parametrize("ending", ENDINGS)
def test_slow_reader_sees_the_same_each_time(heidi: Handle, times: int, ending: str) -> None:
    assert outcomes(heidi, ending, MIDDLE, times, slow=True) == {f"what was to come, {ENDINGS[ending]}": times}


def together(heidi: Handle, clients: list[httpx.Client], ending: str, script: Script, times: int) -> Counter[str]:
    """The number of times that httpx saw each result."""
    script.prepare(heidi)
    expected = script.comes(ending)
    bodies = [bytearray() for _ in range(times)]
    with ThreadPoolExecutor(times) as pool:
        running = [
            pool.submit(over_httpx, client, script.request(ending), body)
            for client, body in zip(clients, bodies, strict=False)
        ]
        if ENDINGS[ending] == OPEN:
            if expected:
                until(lambda: all(len(body) >= len(expected) for body in bodies), "the pieces")
            else:
                taken(heidi, times)
            heidi.control("GET", "/health")  # a wrong server would send more before this answer
            assert not any(one.done() for one in running)
            heidi.reset()
        endings = [one.result() for one in running]
    return Counter(f"{told(body, expected)}, {how}" for body, how in zip(bodies, endings, strict=True))


def by_httpx(ending: str, scheme: str) -> str:
    """The results that httpx should see; a reset ends the stalls."""
    how = ENDINGS[ending]
    return f"what was to come, {(HTTPX_OVER_TLS if scheme == 'https' else HTTPX)[CLOSED if how == OPEN else how]}"


@pytest.mark.parametrize("ending", ENDINGS)
def test_httpx_sees_the_same_each_time(
    heidi: Handle, scheme: str, times: int, clients: list[httpx.Client], ending: str
) -> None:
    assert together(heidi, clients, ending, SMALL, times) == {by_httpx(ending, scheme): times}


# Large pieces take long anyway, so a pace would change nothing.
@pytest.mark.parametrize("heidi", ["calm", BUSY], indirect=True)
@pytest.mark.parametrize("ending", LONG)
def test_httpx_sees_the_same_of_large_pieces(
    heidi: Handle, scheme: str, times: int, clients: list[httpx.Client], ending: str
) -> None:
    assert together(heidi, clients, ending, LARGE, times) == {by_httpx(ending, scheme): times}


@needs_node
@pytest.mark.parametrize("script", [SMALL, LARGE], ids=["small", "large"])
def test_fetch_sees_the_same_each_time(heidi: Handle, times: int, script: Script) -> None:
    counted = fetched(heidi, script, ENDINGS if script is SMALL else LONG, times)

    for ending, counts in counted.items():
        expected = script.comes(ending)
        assert set(counts) <= {hashed(expected, how) for how in by_fetch(ending, expected)}
        assert sum(counts.values()) == times


@needs_node
@pytest.mark.parametrize("heidi", ["paced"], indirect=True)
def test_fetch_drops_what_its_reader_has_not_asked_for_before_a_reset(heidi: Handle, scheme: str) -> None:
    with make_handle(heidi.url, scheme, "late") as late:
        heidi.control("POST", "/namespaces/late", {"clock": "2025-01-06T12:00:00"})
        counted = fetched(late, SMALL, ["rst_after=2"], 1, late=True)

    (how,) = counted["rst_after=2"]
    assert how in {hashed(frame(SMALL.pieces[0]), how) for how in BROKEN}
