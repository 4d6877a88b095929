"""What happens in a namespace, as it happens: ``GET /_mock/events``, server-sent events.

``id``, ``event`` (request, state, fault, reset, namespace) and ``data`` (JSON); ``Last-Event-ID`` goes on after one.
"""

import asyncio
import contextlib
import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from conftest import Client
from helpers import ask
from starlette.types import Message

from mock_heidi import MockHeidi
from mock_heidi.app import Front
from mock_heidi.handle import Handle, MockHeidiError
from mock_heidi.namespace import PARTS

Event = tuple[int, str, Any]


@pytest.fixture
def server() -> Iterator[MockHeidi]:
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


def until(events: Iterator[Event], kind: str) -> list[Event]:
    """The events up to the first of a kind."""
    found = []
    for event in events:
        found.append(event)
        if event[1] == kind:
            break
    return found


def test_a_request_its_fault_and_what_it_changed_are_told_in_order(server: MockHeidi) -> None:
    with server.client() as client, listening(server) as events:
        session_id = client.post("/sessions").json()["session_id"]
        with server.fault("get_session", status=503) as fault:
            client.get(f"/sessions/{session_id}")
        told = until(events, "fault")

    kinds = [kind for _, kind, _ in told]
    assert kinds == ["state", "request", "request", "fault"]
    assert told[0][2] == {"kind": "sessions", "id": session_id, "removed": False}
    assert [(row["operation"], row["status"]) for _, kind, row in told if kind == "request"] == [
        ("create_session", 200),
        ("get_session", 503),
    ]
    assert told[3][2] == {"ids": [fault.id], "request": told[2][2]["id"]}
    ids = [id_ for id_, _, _ in told]
    assert ids == list(range(ids[0], ids[0] + 4))


def test_what_was_removed_is_told_so(server: MockHeidi) -> None:
    patient = server.state.add_patient(first_name="Ada")["id"]
    with server.client() as client, listening(server) as events:
        client.request("DELETE", "/patient-profiles:batch-delete", json={"patient_profile_ids": [patient]})
        told = until(events, "request")

    assert told[0][2] == {"kind": "patient_profiles", "id": patient, "removed": True}


def test_a_listener_goes_on_after_the_last_event_it_saw(server: MockHeidi) -> None:
    with server.client() as client:
        with listening(server) as events:
            client.get("/patient-profiles")
            last = until(events, "request")[-1][0]
        client.post("/sessions")
        client.get("/sessions/404")
        with listening(server, last) as events:
            told = [next(events) for _ in range(3)]

    assert [id_ for id_, _, _ in told] == [last + 1, last + 2, last + 3]
    assert [kind for _, kind, _ in told] == ["state", "request", "request"]


def test_without_that_id_only_what_comes_is_told(server: MockHeidi) -> None:
    with server.client() as client, listening(server):
        client.get("/sessions/1")
        with listening(server) as events:
            client.get("/sessions/2")
            told = until(events, "request")

    assert [row["path"].rsplit("/", 1)[1] for _, _, row in told] == ["2"]


def test_a_listener_outlives_a_reset_and_a_restored_state(server: MockHeidi) -> None:
    server.snapshot("before")
    with server.client() as client, listening(server) as events:
        server.reset()
        server.restore("before")
        client.post("/sessions")
        told = until(events, "request")

    # The state has forgotten the user, whom the token makes again.
    assert [kind for _, kind, _ in told] == ["reset", "reset", "state", "state", "request"]
    assert told[0][2] == {"reset": list(PARTS)}
    assert told[1][2] == {"reset": ["state", "ids", "transitions"]}


def test_a_state_that_takes_the_place_of_all_is_told(server: MockHeidi) -> None:
    with listening(server) as events:
        server.state.replace({"sessions": []})
        server.state.add_patient(first_name="Ada")
        told = until(events, "state")

    assert [(kind, data.get("reset")) for _, kind, data in told] == [("reset", ["state"]), ("state", None)]


def test_several_listeners_are_told_the_same(server: MockHeidi) -> None:
    with server.client() as client, listening(server) as one, listening(server) as other:
        client.post("/sessions")

        assert until(one, "request") == until(other, "request")


def test_what_is_told_holds_no_secret(server: MockHeidi) -> None:
    with listening(server) as events:
        token = server.token()
        httpx.get(f"{server.base_url}/sessions/{token}", headers={"Authorization": f"Bearer {token}"})
        httpx.get(f"{server.base_url}/sessions/{server.api_key}?key={server.api_key}")
        told = [next(events) for _ in range(4)]

    assert [kind for _, kind, _ in told] == ["state", "request", "request", "request"]
    assert [row["path"].rsplit("/", 1)[1] for _, kind, row in told if kind == "request"] == ["jwt", "***", "***"]
    assert token not in str(told)
    assert server.api_key not in str(told)


def test_namespaces_that_come_and_go_are_told_to_who_listens_at_the_root(server: MockHeidi) -> None:
    with listening(server) as events:
        server.namespace("passing").close()
        told = [next(events) for _ in range(2)]

    assert [row for _, _, row in told] == [
        {"name": "passing", "dropped": False},
        {"name": "passing", "dropped": True},
    ]


def test_nobody_hears_of_another_namespace(server: MockHeidi) -> None:
    with server.namespace("own") as own, own.client() as mine, server.client() as other, listening(own) as events:
        other.post("/sessions")
        mine.get("/sessions/404")
        told = until(events, "request")

    assert [(kind, row["operation"]) for _, kind, row in told] == [("request", "get_session")]


def test_the_stream_ends_with_its_namespace(server: MockHeidi) -> None:
    own = server.namespace("ending")
    with listening(own) as events:
        own.close()

        assert list(events) == []


def test_the_stream_ends_with_the_server() -> None:
    with MockHeidi() as heidi, listening(heidi) as events:
        heidi.close()

        with contextlib.suppress(httpx.RemoteProtocolError):  # cut off in the middle, which is an end too
            assert list(events) == []


def test_nothing_is_kept_before_somebody_listens(heidi: Client) -> None:
    heidi.get("/patient-profiles")

    assert heidi.app.namespaces.default.events.last == 0


def test_the_last_thousand_are_kept(heidi: Client) -> None:
    events = heidi.app.namespaces.default.listen()
    for number in range(1_500):
        events.emit("reset", {"number": number})

    kept = events.after(0)
    assert (len(kept), kept[0].id, kept[-1].id) == (1_000, 501, 1_500)


@pytest.mark.parametrize("last", ["yesterday", "-1", "1e3", "9" * 30])
def test_an_id_that_is_none_is_refused(heidi: Client, last: str) -> None:
    answer = heidi.get("/_mock/events", headers={"Last-Event-ID": last})

    assert answer.status_code == 400
    assert set(answer.json()) == {"error", "hint"}


def test_the_handle_tells_kind_and_data(server: MockHeidi) -> None:
    events = server.events()
    with server.client() as client:
        client.get("/sessions/404")

    # Signing in comes first: it makes a user.
    kinds = [next(events)[0] for _ in range(3)]
    assert kinds == ["state", "request", "request"]


@pytest.mark.parametrize(("last", "ids"), [("0", [1, 2]), ("1", [2]), ("2", []), ("3", [1, 2]), ("999", [1, 2])])
def test_an_id_from_before_the_server_began_misses_nothing(app: Front, last: str, ids: list[int]) -> None:
    events = app.namespaces.default.listen()
    for _ in range(2):
        events.emit("reset", {"reset": []})

    told = ask(app, "GET", "/_mock/events", headers={"Host": "localhost", "Last-Event-ID": last})

    assert [int(number) for number in re.findall(rb"^id: (\d+)$", told.body, re.MULTILINE)] == ids


def test_a_handle_is_refused_what_the_server_refuses() -> None:
    with MockHeidi(admin_token="let-me-in-91c4") as server, pytest.raises(MockHeidiError, match="wants the token"):
        Handle(server.url).events()


# --- One who listens, by hand -----------------------------------------------------------------------------------------


class Listener:
    """A listener in this process, who takes what comes when he likes and leaves when he likes."""

    def __init__(self, app: Front) -> None:
        self.taken: list[bytes] = []
        self.takes, self._came = asyncio.Event(), asyncio.Event()
        self.leaves = asyncio.Event()
        self.takes.set()
        headers = [(b"host", b"localhost")]
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

    async def has(self, last: int) -> None:
        """Wait until an event of that id has come."""
        async with asyncio.timeout(60):
            while last not in self.ids:
                self._came.clear()
                await self._came.wait()


def test_nothing_is_left_of_a_listener_who_leaves(app: Front) -> None:
    async def come_and_go() -> None:
        listener, other = Listener(app), Listener(app)
        events = app.namespaces.default.listen()
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


def test_nothing_is_left_of_a_listener_when_its_namespace_goes(app: Front) -> None:
    async def come_and_go() -> None:
        namespace = app.namespaces.default
        listener = Listener(app)
        events = namespace.listen()
        await asyncio.sleep(0)
        events.close()
        await listener.task
        await asyncio.sleep(0)

        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(come_and_go())


def test_a_slow_listener_holds_up_nobody_and_sees_the_gap(app: Front) -> None:
    async def be_slow() -> None:
        slow, quick = Listener(app), Listener(app)
        events = app.namespaces.default.listen()
        await asyncio.sleep(0)
        slow.takes.clear()
        for number in range(1, 3_001):
            events.emit("reset", {"reset": []})
            if number % 500 == 0:
                await quick.has(number)
        held = len(slow.taken)
        slow.takes.set()
        await slow.has(3_000)
        for listener in (slow, quick):
            listener.leaves.set()
            await listener.task

        assert held <= 3
        assert quick.ids == list(range(1, 3_001))
        # What it was given when it stopped, and then the last thousand.
        assert slow.ids[-1_000:] == list(range(2_001, 3_001))
        assert len(slow.ids) <= 1_500

    asyncio.run(be_slow())
