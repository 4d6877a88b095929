"""The control API of a running server: new and deleted namespaces, rules and replies of a state, refusals."""

import json
import threading
from typing import Any

import httpx
import pytest
from peer import connected
from running import until

from mock_heidi import Handle, MockHeidi, MockHeidiError
from mock_heidi.base.settings import BASE_PATH
from mock_heidi.state.clock import Clock, parse_moment

SESSION = "/sessions/1234567890"


def refused(heidi: Handle, *asked: Any) -> str:
    with pytest.raises(MockHeidiError) as caught:
        heidi.control(*asked)
    return str(caught.value)


def vendor(heidi: Handle, method: str, path: str, body: Any = None) -> tuple[int, bytes]:
    with heidi.client() as client:
        answer = client.request(method, path, json=body)
        return answer.status_code, answer.content


@pytest.fixture
def own() -> Any:
    """A server for one test, which may replace the default namespace."""
    with MockHeidi() as heidi:
        yield heidi


def test_requests_use_a_default_namespace_that_was_started_anew(own: Handle) -> None:
    own.control("POST", "/namespaces/default", {})
    own.control("POST", "/faults", {"path": "/nowhere", "status": 503})

    assert vendor(own, "GET", "/nowhere")[0] == 503
    assert own.requests()[-1]["path"] == f"{BASE_PATH}/nowhere"


def test_a_refused_start_keeps_the_old_namespace_and_its_events(own: Handle) -> None:
    told: list[str] = []
    heard = threading.Event()
    with own.namespace("mine") as mine:
        problem = refused(own, "POST", "/namespaces/mine", {"scenario": "nope"})

        def listen() -> None:
            with mine.events() as events:
                told.append(next(events)[0])
                heard.set()

        thread = threading.Thread(target=listen)
        thread.start()
        while not heard.wait(0.01):
            mine.control("POST", "/reset")
        thread.join()

    assert "no scenario 'nope'" in problem
    assert told == ["reset"]


@pytest.mark.parametrize("end", [("DELETE", "/_mock/namespaces/{name}"), ("POST", "/_mock/namespaces/{name}")])
def test_a_dropped_namespace_ends_its_waits(mock_heidi_server: Handle, mock_heidi: Handle, end: Any) -> None:
    mock_heidi.control("POST", "/faults", {"operation": ["get_session"], "stall": True})
    with connected(mock_heidi) as peer:
        peer.ask("GET", SESSION, None, mock_heidi.headers())
        while not mock_heidi.requests():
            continue
        mock_heidi_server.control(end[0], end[1].format(name=mock_heidi.name))

        assert peer.end() is not None


def test_rules_that_clash_are_refused_with_the_state_that_holds_them(own: Handle) -> None:
    rule = {"id": "x", "operation": "ask_ai", "status": 500}
    own.control("POST", "/state", {"faults": [rule]})

    problem = refused(own, "POST", "/state", {"faults": [rule]})

    assert "'x'" in problem
    assert [fault["id"] for fault in own.control("GET", "/faults")["faults"]] == ["x"]
    own.control("POST", "/reset?keep=state")
    own.control("POST", "/namespaces/copy?from=default")


def test_rules_and_replies_in_a_state_become_active(mock_heidi: Handle) -> None:
    reply = {"operation": "ask_ai", "text": "So be it."}
    mock_heidi.control("POST", "/state", {"faults": [{"operation": "get_session", "status": 503}], "replies": [reply]})

    assert vendor(mock_heidi, "GET", SESSION)[0] == 503
    assert mock_heidi.control("GET", "/replies")["replies"][0]["text"] == "So be it."


@pytest.mark.parametrize(
    "rule",
    [
        'get_session:status=503,detail="\\ud800"',
        '{"operation":"get_session","status":503,"detail":NaN}',
        '{"operation":"get_session","status":503,"detail":"\\udfff"}',
        "get_session:match=" + '{"a":' * 3_000,
        '{"operation":"get_session","match":' + "[" * 3_000 + "]" * 3_000 + "}",
    ],
)
def test_a_rule_that_cannot_be_written_is_refused(mock_heidi: Handle, rule: str) -> None:
    refused(mock_heidi, "POST", "/faults", rule)

    assert mock_heidi.control("GET", "/faults")["faults"] == []


def test_json_that_looks_like_a_form_is_exported_as_json(mock_heidi: Handle) -> None:
    vendor(mock_heidi, "POST", "/patient-profiles", {"parts": [{"sha256": 1}]})

    assert mock_heidi.control("GET", "/requests?format=har")["log"]["entries"]


@pytest.mark.parametrize("operation", ["get_jwt", "create_session"])
def test_an_answer_that_is_not_an_object_is_checked_like_any_other(mock_heidi: Handle, operation: str) -> None:
    mock_heidi.control("POST", "/faults", {"operation": [operation], "not_json": "[1]"})
    if operation == "get_jwt":
        who = {"email": "a@example.com", "third_party_internal_id": "1"}
        httpx.get(f"{mock_heidi.base_url}/jwt", params=who, headers={"Heidi-Api-Key": mock_heidi.api_key})
    else:
        vendor(mock_heidi, "POST", "/sessions", {})

    assert isinstance(mock_heidi.findings(), list)


def test_two_paths_to_one_key_remove_it_once(mock_heidi: Handle) -> None:
    mock_heidi.control(
        "POST", "/faults", {"operation": ["get_session"], "drop_key": ["*.duration", "session.duration"]}
    )

    status, body = vendor(mock_heidi, "GET", SESSION)

    assert (status, "duration" in json.loads(body)["session"]) == (200, False)


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_without_a_body_stays_without(mock_heidi: Handle, status: int) -> None:
    mock_heidi.control("POST", "/faults", {"operation": ["get_session"], "status": status, "not_json": True})

    assert vendor(mock_heidi, "GET", SESSION) == (status, b"")


def test_a_deeply_nested_body_can_be_verified(mock_heidi: Handle) -> None:
    body: Any = {}
    for _ in range(700):
        body = {"a": body}
    vendor(mock_heidi, "POST", "/patient-profiles", body)

    assert "MockHeidiError" not in refused(mock_heidi, "POST", "/verify", {"match": {"x": 1}})


def test_a_refused_change_of_a_session_uses_no_ids() -> None:
    made = []
    for spoil in (False, True):
        with MockHeidi(seed=5, clock="2025-01-06T09:00:00") as heidi:
            if spoil:
                documents = [{"name": "a", "content": "b"}, {"name": 1}]
                refused(heidi, "PUT", SESSION, {"documents": documents})
            made.append(json.loads(vendor(heidi, "POST", "/patient-profiles", {})[1])["data"]["id"])

    assert made[0] == made[1]


def test_a_fast_clock_stops_at_the_end_of_the_calendar() -> None:
    clock = Clock()
    clock.set(parse_moment("8999-12-31"), speed=1e18)

    until(lambda: clock.now() == clock.now(), "the end of time")

    assert clock.stamp().startswith("9999-")


def test_a_request_lists_a_finding_code_once(mock_heidi: Handle) -> None:
    vendor(mock_heidi, "POST", "/patient-profiles", {f"unknown_{number}": 1 for number in range(5_000)})
    assert mock_heidi.findings()

    assert mock_heidi.requests()[-1]["findings"] == ["unknown_field"]
