"""Events of a namespace: ``GET /_mock/events``, server-sent events.

``id``, ``event`` (one of ``KINDS``) and ``data`` (JSON). ``Last-Event-ID`` continues after it.
"""

import asyncio
import contextlib
import json
import re
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from clients import Client
from helpers import another, ask
from running import in_a_thread, received, until
from starlette.types import Message

from mock_heidi import Handle, MockHeidi, MockHeidiError
from mock_heidi.app import App
from mock_heidi.base.settings import BASE_PATH
from mock_heidi.control.events import EventStream
from mock_heidi.namespaces.lifecycle import PARTS
from mock_heidi.serving import accelerators
from mock_heidi.serving.server import Server
from mock_heidi.state.events import Event as Told
from mock_heidi.state.events import Events

Event = tuple[int, str, Any]


@pytest.fixture
def server() -> Iterator[Handle]:
    with MockHeidi() as served:
        yield served


@contextlib.contextmanager
def listening(heidi: Handle, last: int | None = None) -> Iterator[Iterator[Event]]:
    headers = {} if last is None else {"Last-Event-ID": str(last)}
    prefix = "" if heidi.name == "default" else f"/ns/{heidi.name}"
    with httpx.stream("GET", f"{heidi.url}{prefix}/_mock/events", headers=headers, timeout=30) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        lines = response.iter_lines()
        assert next(lines) == ": listening"
        yield _events(lines)


def _events(lines: Iterator[str]) -> Iterator[Event]:
    told: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(": ")
        if name:
            told[name] = value
        elif "data" in told:
            yield int(told["id"]), told["event"], json.loads(told["data"])
            told = {}


def up_to(events: Iterator[Event], kind: str) -> list[Event]:
    """The events up to the first of a kind."""
    found = []
    for event in events:
        found.append(event)
        if event[1] == kind:
            break
    return found


def test_events_report_a_request_its_fault_and_its_changes_in_order(server: Handle) -> None:
    with server.client() as client, listening(server) as events:
        session_id = client.post("/sessions").json()["session_id"]
        with server.fault("get_session", status=503) as fault:
            client.get(f"/sessions/{session_id}")
        told = up_to(events, "fault")

    kinds = [kind for _, kind, _ in told]
    assert kinds == ["state", "request", "setting", "request", "fault"]
    assert told[0][2] == {"kind": "sessions", "id": session_id, "removed": False}
    assert [(row["operation"], row["status"]) for _, kind, row in told if kind == "request"] == [
        ("create_session", 200),
        ("get_session", 503),
    ]
    assert told[4][2] == {"ids": [fault.id], "request": told[3][2]["id"]}
    ids = [id_ for id_, _, _ in told]
    assert ids == list(range(ids[0], ids[0] + 5))


def test_events_report_what_is_set_by_hand(server: Handle) -> None:
    with listening(server) as events:
        server.fault("get_session", status=503).remove()
        server.scenario("link-refused")
        server.control("PUT", "/faults", [])
        server.control("POST", "/faults/preview", {"status": 503})
        server.reply("ask_ai", text="No.")
        server.control("DELETE", "/replies")
        server.assume(profile_not_found=400)
        server.clock.freeze()
        server.clock.advance(1)
        server.clock.go_real()
        server.control("PUT", "/transitions", {"transcription": {"after_reads": 1}})
        server.reset()
        told = up_to(events, "reset")

    parts = [row["part"] for _, kind, row in told if kind == "setting"]
    assert parts == [*["faults"] * 4, *["replies"] * 2, "assumptions", *["clock"] * 3, "transitions"]


def test_a_request_event_is_the_headline_of_the_request(server: Handle) -> None:
    with server.client() as client, listening(server) as events:
        client.post("/sessions", json={"patient_profile_id": 5})
        (told,) = [row for _, kind, row in up_to(events, "request") if kind == "request"]

    (listed,) = server.control("GET", "/requests?view=headlines&operation=create_session")["requests"]
    # The finding is told by an event of its own.
    assert {**told, "findings": listed["findings"], "finding_level": listed["finding_level"]} == listed


# --- Requests that take time ------------------------------------------------------------------------------------------

ASK = {"ai_command_text": "translate", "content": "One. Two. Three.", "content_type": "MARKDOWN"}


@contextlib.contextmanager
def sending(server: Handle, path: str, kind: str, body: bytes, missing: int = 0) -> Iterator[None]:
    """A connection that has sent a request about a session, whose body lacks some bytes. It closes at the end."""
    lines = [
        f"POST {BASE_PATH}/sessions/1234567890/{path} HTTP/1.1",
        "Host: localhost",
        f"Authorization: Bearer {server.token()}",
        f"Content-Type: {kind}",
        f"Content-Length: {len(body) + missing}",
    ]
    with socket.create_connection(("127.0.0.1", urlsplit(server.url).port)) as peer:
        peer.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        yield


def about(told: list[Event], operation: str) -> list[tuple[str, Any, bool]]:
    """The events of an operation's requests: the kind, the status, and whether the answer is complete."""
    headlines = [(kind, row) for _, kind, row in told if kind in ("request_started", "request")]
    return [
        (kind, row["status"], row["duration"] is not None) for kind, row in headlines if row["operation"] == operation
    ]


@pytest.mark.parametrize(
    ("rule", "status"), [({"stall_after": 1}, 200), ({"stall": True}, None), ({"slow_first_byte": 600}, None)], ids=str
)
def test_a_request_that_takes_time_is_reported_when_it_begins_and_when_it_ends(
    server: Handle, rule: dict[str, Any], status: int | None
) -> None:
    server.fault("ask_ai", **rule)
    with listening(server) as events:
        with sending(server, "ask-ai", "application/json", json.dumps(ASK).encode()):
            begun = up_to(events, "request_started")
        ended = up_to(events, "request")

    assert about(begun, "ask_ai") == [("request_started", status, False)]
    assert about(ended, "ask_ai") == [("request", status, True)]
    assert begun[-1][2]["id"] == ended[-1][2]["id"]
    assert ended[-1][2]["client_left"]


def test_a_delay_is_reported_when_it_begins(server: Handle) -> None:
    server.clock.freeze()
    server.fault("get_session", delay=600)
    with server.client() as client, listening(server) as events, ThreadPoolExecutor() as threads:
        answer = threads.submit(client.get, "/sessions/1234567890")
        begun = up_to(events, "request_started")
        server.clock.advance(600)
        ended = up_to(events, "request")

        assert answer.result().status_code == 200
    assert about(begun + ended, "get_session") == [("request_started", None, False), ("request", 200, True)]


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data; boundary=x"])
def test_a_body_that_still_arrives_is_reported(server: Handle, kind: str) -> None:
    path = "upload-audio" if "multipart" in kind else "ask-ai"
    with listening(server) as events:
        with sending(server, path, kind, b"--", missing=7):
            begun = up_to(events, "request_started")
        ended = up_to(events, "request")

    assert (begun[-1][2]["status"], begun[-1][2]["duration"]) == (None, None)
    assert ended[-1][2]["id"] == begun[-1][2]["id"]


def test_quick_requests_have_one_event(server: Handle) -> None:
    with server.client() as client, listening(server) as events:
        client.post("/sessions", json={})
        client.get("/sessions/99")
        client.get("/nothing")
        server.fault("get_session", status=503)
        client.get("/sessions/1234567890")
        told = up_to(events, "fault")

    assert [kind for _, kind, _ in told if kind.startswith("request")] == ["request"] * 4


def test_an_event_reports_a_finding_about_an_earlier_request(server: Handle) -> None:
    with server.client() as client, listening(server) as events:
        client.get("/nothing")
        told = up_to(events, "finding")

    (request,) = [row for _, kind, row in told if kind == "request"]
    assert request["findings"] == []
    assert told[-1][2] == {"code": "unknown_path", "level": "error", "request": request["id"]}


def test_a_finding_is_reported_once(server: Handle) -> None:
    with server.client() as client, listening(server) as events:
        client.get("/nothing")
        up_to(events, "finding")
        server.findings()
        client.get("/patient-profiles")
        told = up_to(events, "request")

    assert [kind for _, kind, _ in told] == ["request"]


def test_an_event_reports_a_removal(server: Handle) -> None:
    patient = server.state.add_patient(first_name="Ada")["id"]
    with server.client() as client, listening(server) as events:
        client.request("DELETE", "/patient-profiles:batch-delete", json={"patient_profile_ids": [patient]})
        told = up_to(events, "request")

    assert told[0][2] == {"kind": "patient_profiles", "id": patient, "removed": True}


def test_a_listener_continues_after_its_last_event(server: Handle) -> None:
    with server.client() as client:
        with listening(server) as events:
            client.get("/patient-profiles")
            last = up_to(events, "request")[-1][0]
        client.post("/sessions")
        client.get("/sessions/404")
        with listening(server, last) as events:
            told = [next(events) for _ in range(3)]

    assert [id_ for id_, _, _ in told] == [last + 1, last + 2, last + 3]
    assert [kind for _, kind, _ in told] == ["state", "request", "request"]


def test_without_a_last_id_a_listener_gets_only_later_events(server: Handle) -> None:
    with server.client() as client, listening(server):
        client.get("/sessions/1")
        with listening(server) as events:
            client.get("/sessions/2")
            told = up_to(events, "request")

    assert [row["path"].rsplit("/", 1)[1] for _, _, row in told] == ["2"]


def test_an_answer_names_the_id_after_which_its_events_begin(server: Handle) -> None:
    def begin(last: str | None) -> str:
        headers = {} if last is None else {"Last-Event-ID": last}
        with httpx.stream("GET", f"{server.url}/_mock/events", headers=headers, timeout=30) as response:
            return str(response.headers["last-event-id"])

    assert begin(None) == "0"
    server.state.add_patient(first_name="Ana")

    assert [begin(None), begin("0"), begin("7")] == ["1", "0", "0"]


def test_a_listener_outlives_a_reset_and_a_restored_state(server: Handle) -> None:
    server.snapshot("before")
    with server.client() as client, listening(server) as events:
        server.reset()
        server.restore("before")
        client.post("/sessions")
        told = up_to(events, "request")

    # The state has forgotten the user, whom the token makes again.
    assert [kind for _, kind, _ in told] == ["reset", "reset", "state", "state", "request"]
    assert told[0][2] == {"reset": list(PARTS)}
    assert told[1][2] == {"reset": ["state", "ids", "transitions"]}


def test_an_event_reports_a_replaced_state(server: Handle) -> None:
    with listening(server) as events:
        server.state.replace({"sessions": []})
        server.state.add_patient(first_name="Ada")
        told = up_to(events, "state")

    assert [(kind, data.get("reset")) for _, kind, data in told] == [("reset", ["state"]), ("state", None)]


def test_several_listeners_get_the_same_events(server: Handle) -> None:
    with server.client() as client, listening(server) as one, listening(server) as other:
        client.post("/sessions")

        assert up_to(one, "request") == up_to(other, "request")


def test_events_contain_no_secret(server: Handle) -> None:
    with listening(server) as events:
        token = server.token()
        httpx.get(f"{server.base_url}/sessions/{token}", headers={"Authorization": f"Bearer {token}"})
        httpx.get(f"{server.base_url}/sessions/{server.api_key}?key={server.api_key}")
        told = [next(events) for _ in range(4)]

    assert [kind for _, kind, _ in told] == ["state", "request", "request", "request"]
    assert [row["path"].rsplit("/", 1)[1] for _, kind, row in told if kind == "request"] == ["jwt", "***", "***"]
    assert token not in str(told)
    assert server.api_key not in str(told)


def test_listeners_of_the_default_namespace_get_events_of_namespaces(server: Handle) -> None:
    with listening(server) as events:
        server.namespace("passing").close()
        told = [next(events) for _ in range(2)]

    assert [row for _, _, row in told] == [
        {"name": "passing", "dropped": False},
        {"name": "passing", "dropped": True},
    ]


def test_a_listener_gets_no_events_of_another_namespace(server: Handle) -> None:
    with server.namespace("own") as own, own.client() as mine, server.client() as other, listening(own) as events:
        other.post("/sessions")
        mine.get("/sessions/404")
        told = up_to(events, "request")

    assert [(kind, row["operation"]) for _, kind, row in told] == [("request", "get_session")]


def test_the_stream_ends_with_its_namespace(server: Handle) -> None:
    own = server.namespace("ending")
    with listening(own) as events:
        own.close()

        assert list(events) == []


def test_the_stream_ends_with_the_server() -> None:
    server = MockHeidi()
    with server as heidi, listening(heidi) as events:
        server.close()

        # Cut off in the middle, or reset, which are ends too.
        with contextlib.suppress(httpx.RemoteProtocolError, httpx.ReadError):
            assert list(events) == []


def test_no_event_is_kept_before_the_first_listener(heidi: Client) -> None:
    heidi.get("/patient-profiles")

    assert heidi.app.registry.default.events.last == 0


def test_only_the_latest_events_are_kept(heidi: Client) -> None:
    events = heidi.app.registry.default.listen()
    for number in range(1_500):
        events.emit("reset", {"number": number})

    kept = events.after(0)
    assert (len(kept), kept[0].id, kept[-1].id) == (1_000, 501, 1_500)


@pytest.mark.parametrize("last", ["yesterday", "-1", "1e3", "9" * 30])
def test_an_invalid_event_id_is_refused(heidi: Client, last: str) -> None:
    answer = heidi.get("/_mock/events", headers={"Last-Event-ID": last})

    assert answer.status_code == 400
    assert set(answer.json()) == {"error", "hint"}


def test_the_handle_returns_kind_and_data(server: Handle) -> None:
    with server.events() as events, server.client() as client:
        client.get("/sessions/404")

        # Signing in comes first: it makes a user.
        kinds = [next(events)[0] for _ in range(3)]
    assert kinds == ["state", "request", "request"]


@pytest.mark.parametrize(("last", "ids"), [("0", [1, 2]), ("1", [2]), ("2", []), ("3", [1, 2]), ("999", [1, 2])])
def test_a_listener_with_an_id_of_an_earlier_server_gets_all_events(app: App, last: str, ids: list[int]) -> None:
    events = app.registry.default.listen()
    for _ in range(2):
        events.emit("reset", {"reset": []})

    told = ask(app, "GET", "/_mock/events", headers={"Host": "localhost", "Last-Event-ID": last})

    assert [int(number) for number in re.findall(rb"^id: (\d+)$", told.body, re.MULTILINE)] == ids


def test_a_handle_raises_the_refusal_of_the_server() -> None:
    with (
        MockHeidi(admin_token="let-me-in-91c4") as server,
        pytest.raises(MockHeidiError, match="requires the server's admin token"),
    ):
        Handle(server.url).events()


EVENT = b'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nevent: reset\ndata: {"reset": []}\n\n'


@pytest.mark.parametrize("read", [0, 1], ids=["before the first event", "after an event"])
def test_a_handle_that_stops_listening_closes_its_socket(read: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        handle = Handle(f"http://127.0.0.1:{listener.getsockname()[1]}")
        with ThreadPoolExecutor() as pool:
            events = pool.submit(handle.events)
            peer, _ = listener.accept()
            peer.recv(10_000)
            peer.sendall(EVENT)
        told = [next(events.result()) for _ in range(read)]

        events.result().close()

        peer.settimeout(10)  # what is never given back ends here
        assert peer.recv(1) == b""
        peer.close()
    assert told == [("reset", {"reset": []})] * read
    assert list(events.result()) == []


def test_a_listening_handle_can_be_used_in_a_with(server: Handle) -> None:
    with server.events() as events:
        server.reset()

        assert next(events)[0] == "reset"
    assert list(events) == []


# --- One who listens, by hand -----------------------------------------------------------------------------------------


class Listener:
    """A listener in this process. The test decides when it reads and when it leaves."""

    def __init__(self, app: App, last: int | None = None) -> None:
        self.taken: list[bytes] = []
        self.takes, self._came = asyncio.Event(), asyncio.Event()
        self.leaves = asyncio.Event()
        self.takes.set()
        headers = [(b"host", b"localhost")]
        if last is not None:
            headers.append((b"last-event-id", b"%d" % last))
        scope = {"type": "http", "method": "GET", "path": "/_mock/events", "query_string": b"", "headers": headers}
        self.task = asyncio.ensure_future(app(scope, self._receive, self._send))

    async def _receive(self) -> Message:
        await self.leaves.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        self.taken.append(message.get("body", b""))
        self._came.set()
        await self.takes.wait()

    @property
    def ids(self) -> list[int]:
        return [int(number) for number in re.findall(rb"^id: (\d+)$", b"".join(self.taken), re.MULTILINE)]

    def told(self, kind: str) -> list[tuple[int, Any]]:
        """The id and the data of each event of a kind."""
        form = rb"^id: (\d+)\nevent: %s\ndata: (.*)$" % kind.encode()
        return [(int(id_), json.loads(data)) for id_, data in re.findall(form, b"".join(self.taken), re.MULTILINE)]

    async def has(self, last: int) -> None:
        """Wait for the event with an id."""
        async with asyncio.timeout(60):
            while last not in self.ids:
                self._came.clear()
                await self._came.wait()


def test_a_listener_that_leaves_is_forgotten(app: App) -> None:
    async def come_and_go() -> None:
        listener, other = Listener(app), Listener(app)
        events = app.registry.default.listen()
        await asyncio.sleep(0)
        events.emit("reset", {"reset": []})
        await listener.has(1)
        listener.leaves.set()
        await listener.task
        events.emit("reset", {"reset": []})
        await other.has(2)
        other.leaves.set()
        await other.task
        await asyncio.sleep(0)

        assert (listener.ids, other.ids) == ([1], [1, 2])
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(come_and_go())


def test_no_event_is_recorded_when_nobody_listens_any_more(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mock_heidi.control.events.STAY", 0)

    async def come_and_go() -> list[int]:
        namespace = app.registry.default
        first = Listener(app)
        await asyncio.sleep(0)
        namespace.events.emit("reset", {"reset": []})
        await first.has(1)
        first.leaves.set()
        await first.task
        async with asyncio.timeout(60):
            while namespace.events.recording:  # noqa: ASYNC110 - no event tells that it ended
                await asyncio.sleep(0)
        assert (namespace.journal.watchers, namespace.store.watch, namespace.checks.watch) == (set(), None, None)
        assert app.registry.memory.used == namespace.journal.held
        back = Listener(app, last=1)
        await asyncio.sleep(0)
        namespace.events.emit("reset", {"reset": []})
        await back.has(3)
        back.leaves.set()
        await back.task
        return back.ids

    assert asyncio.run(come_and_go()) == [3]  # the gap shows that something may have happened


def test_events_are_recorded_for_a_listener_that_comes_back_soon(app: App) -> None:
    async def come_back() -> list[int]:
        namespace = app.registry.default
        first = Listener(app)
        await asyncio.sleep(0)
        first.leaves.set()
        await first.task
        namespace.events.emit("reset", {"reset": []})
        back = Listener(app, last=0)
        await back.has(1)
        namespace.stop_listening(1)  # the first listener's moment is over, but the second is here
        namespace.events.emit("reset", {"reset": []})
        await back.has(2)
        back.leaves.set()
        await back.task
        return back.ids

    assert asyncio.run(come_back()) == [1, 2]


def test_a_listener_is_forgotten_when_its_namespace_is_dropped(app: App) -> None:
    async def come_and_go() -> None:
        namespace = app.registry.default
        listener = Listener(app)
        events = namespace.listen()
        await asyncio.sleep(0)
        events.close()
        await listener.task
        await asyncio.sleep(0)

        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(come_and_go())


def test_a_listener_that_falls_behind_is_dropped_and_delays_no_other(app: App) -> None:
    async def be_slow() -> None:
        slow, quick = Listener(app), Listener(app)
        events = app.registry.default.listen()
        await asyncio.sleep(0)
        slow.takes.clear()
        for number in range(1, 3_001):
            events.emit("reset", {"reset": []})
            if number % 500 == 0:
                await quick.has(number)
        slow.takes.set()
        await slow.task
        quick.leaves.set()
        await quick.task

        assert quick.ids == list(range(1, 3_001))
        [(last, told)] = slow.told("behind")
        assert slow.ids == [*range(1, last + 1), last]
        assert told == {"missed": 3_000 - last}
        assert last < 2_000

    asyncio.run(be_slow())


def test_a_slow_listener_misses_no_event_that_is_kept(app: App) -> None:
    async def be_slow() -> None:
        slow = Listener(app)
        events = app.registry.default.listen()
        await asyncio.sleep(0)
        slow.takes.clear()
        for _ in range(1_000):
            events.emit("reset", {"reset": []})
        slow.takes.set()
        await slow.has(1_000)
        slow.leaves.set()
        await slow.task

        assert slow.ids == list(range(1, 1_001))

    asyncio.run(be_slow())


def test_many_listeners_share_one_frame_for_each_event(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    framed: list[int] = []
    really = EventStream._frame  # noqa: SLF001 - the costly step

    def frame(self: EventStream, event: Told) -> bytes:
        framed.append(event.id)
        return really(self, event)

    monkeypatch.setattr(EventStream, "_frame", frame)

    async def listen() -> None:
        listeners = [Listener(app) for _ in range(60)]
        events = app.registry.default.listen()
        await asyncio.sleep(0)
        for _ in range(900):
            events.emit("reset", {"reset": []})
        for listener in listeners:
            await listener.has(900)
            listener.leaves.set()
            await listener.task

        assert [listener.ids for listener in listeners] == [list(range(1, 901))] * 60
        assert framed == list(range(1, 901))
        assert max(len(listener.taken) for listener in listeners) < 20

    asyncio.run(listen())


def test_a_frame_is_redacted_again_when_a_secret_is_added(app: App) -> None:
    namespace = app.registry.default
    events = namespace.listen()
    events.emit("state", {"kind": "users", "id": "a-key-of-later", "removed": False})
    headers = {"Host": "localhost", "Last-Event-ID": "0"}
    before = ask(app, "GET", "/_mock/events", headers=headers).body

    namespace.secrets.keys |= {"a-key-of-later"}
    after = ask(app, "GET", "/_mock/events", headers=headers).body

    assert b"a-key-of-later" in before
    assert b"a-key-of-later" not in after


def test_events_count_in_the_memory_until_they_are_dropped() -> None:
    with another(memory=500_000) as heidi:
        memory, events = heidi.app.registry.memory, heidi.app.registry.default.listen()
        for number in range(1_000):
            events.emit("state", {"kind": "users", "id": f"{number:02000}", "removed": False}, 2_000)
        used, kept = memory.used, len(events.after(0))
        events.close()

        assert 400_000 < used <= 500_000
        assert 0 < kept < 500
        assert memory.used == 0


# --- On a socket ------------------------------------------------------------------------------------------------------


def emit(server: Server, events: Events, number: int) -> None:
    """Emit so many events of about 4 KB in the server's thread, and return when this is done."""
    done = threading.Event()

    async def tell() -> None:
        for at in range(number):
            events.emit("state", {"kind": "users", "id": f"{at:04000}", "removed": False}, 4_000)
            if at % 50 == 0:
                await asyncio.sleep(0)
        done.set()

    serving: Any = server._loop  # noqa: SLF001 - nothing else runs there
    asyncio.run_coroutine_threadsafe(tell(), serving)
    assert done.wait(60)


def attend(server: Server, *small: int) -> socket.socket:
    """A client that listens but does not read. The options make its buffers small."""
    peer = socket.socket()
    peer.settimeout(60)
    for option in small:
        peer.setsockopt(socket.SOL_SOCKET, option, 8_192)
    peer.connect(server.sockets[0].getsockname()[:2])
    peer.sendall(b"GET /_mock/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
    got = b""
    while b": listening" not in got:
        got += peer.recv(65_536)
    return peer


@pytest.mark.parametrize("missing", [(), ("httptools", "uvloop")], ids=["fast", "plain"])
def test_a_client_that_reads_late_gets_the_reason_for_the_end(
    app: App, monkeypatch: pytest.MonkeyPatch, missing: tuple[str, ...]
) -> None:
    really = accelerators.is_installed
    monkeypatch.setattr(accelerators, "is_installed", lambda module: module not in missing and really(module))
    with in_a_thread(app) as server, attend(server) as peer:
        emit(server, app.registry.default.events, 5_000)
        peer.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        raw = received(peer)

    ids = [int(number) for number in re.findall(rb"id: (\d+)\n", raw)]
    assert ids == [*range(1, ids[-1] + 1), ids[-1]]
    [missed] = re.findall(rb'event: behind\ndata: {"missed":(\d+)}\n\n', raw)
    assert 0 < int(missed) <= 5_000 - ids[-1]
    assert raw.endswith(b'{"status":"ok"}')


def test_a_client_that_never_reads_is_disconnected(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mock_heidi.control.events._PATIENCE", 0.1)
    with in_a_thread(app) as server:
        for listener in server.sockets:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8_192)
        with attend(server, socket.SO_RCVBUF):
            [connection] = server.server_state.connections
            emit(server, app.registry.default.events, 100)
            until(lambda: connection.transport.get_write_buffer_size() > 0, "the first that the client does not read")
            emit(server, app.registry.default.events, 5_000)

            until(lambda: not server.server_state.connections, "the end of the connection")
