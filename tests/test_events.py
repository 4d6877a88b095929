"""What happens in a namespace, as it happens: ``GET /_mock/events``, server-sent events.

``id``, ``event`` (request, state, fault, reset, namespace) and ``data`` (JSON); ``Last-Event-ID`` goes on after one.
"""

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from conftest import Client

from mock_heidi import MockHeidi
from mock_heidi.handle import Handle

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
    assert [kind for _, kind, _ in told] == ["reset", "state", "state", "request"]


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
