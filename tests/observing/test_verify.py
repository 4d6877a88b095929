"""Expectations about requests: ``POST /_mock/verify``, which waits on the server.

200 ``{"verified": true, "requests": [ids]}``; 417 ``{"error", "hint", "expected", "found", "nearest"}``, with the
nearest requests as ``{"id", "why"}``.
"""

import asyncio
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from clients import Client
from helpers import SESSION, argument, exchange, in_namespace
from peer import lose

from mock_heidi import Handle, MockHeidi, MockHeidiError

NOTE = {
    "generation_method": "TEMPLATE",
    "template_id": "659b8042fe093d6592b41ef7",
    "addition": "",
    "voice_style": "GOLDILOCKS",
}
CONSULT_NOTE = f"/sessions/{SESSION}/consult-note"


@pytest.fixture(scope="module")
def server() -> Iterator[Handle]:
    with MockHeidi() as served:
        yield served


@pytest.fixture
def handle(server: Handle, request: pytest.FixtureRequest) -> Iterator[Handle]:
    with server.namespace(f"verify-{abs(hash(request.node.name))}") as made:
        yield made


def verify(client: Client, **expectation: Any) -> tuple[int, dict[str, Any]]:
    answer = client.post("/_mock/verify", json=expectation)
    return answer.status_code, answer.json()


def ask(client: Client) -> None:
    """Send requests 1 to 5: a sign-in, a patient, a session, and an unknown session."""
    client.post("/patient-profiles", json={"first_name": "Ada", "identifiers": [{"a": 1}]})
    client.get(f"/sessions/{SESSION}")
    client.get("/sessions/404")
    client.get("/patient-profiles?ehr_patient_id=1")


@pytest.mark.parametrize(
    ("expectation", "ids"),
    [
        ({}, [1, 2, 3, 4, 5]),
        ({"operation": "get_session"}, [3, 4]),
        ({"operation": "get_session", "count": 2}, [3, 4]),
        ({"operation": "get_session", "at_least": 1}, [3, 4]),
        ({"operation": "get_session", "at_most": 2}, [3, 4]),
        ({"operation": "get_session", "status": 404, "count": 1}, [4]),
        ({"operation": "get_session", "status": "4xx"}, [4]),
        ({"operation": "delete_patient_profiles", "never": True}, []),
        ({"operation": "delete_patient_profiles", "count": 0}, []),
        ({"method": "post"}, [2]),
        ({"path": "/sessions/{session_id}", "count": 2}, [3, 4]),
        ({"session_id": SESSION}, [3]),
        ({"since": 3}, [4, 5]),
        ({"match": {"first_name": "Ada"}}, [2]),
        ({"match": {"identifiers": [{"a": 1}]}}, [2]),
        ({"text": "identifiers"}, [2]),
        ({"in_order": [{"operation": "get_jwt"}, {"operation": "get_session", "status": 404}]}, [1, 4]),
        ({"in_order": [{"operation": "get_session"}, {"operation": "get_session"}]}, [3, 4]),
    ],
)
def test_a_met_expectation_names_its_requests(heidi: Client, expectation: dict[str, Any], ids: list[int]) -> None:
    ask(heidi)

    assert verify(heidi, **expectation) == (200, {"verified": True, "requests": ids})


@pytest.mark.parametrize(
    ("expectation", "found", "nearest"),
    [
        ({"operation": "get_session", "count": 1}, "2 requests", [(3, "one too many"), (4, "one too many")]),
        ({"operation": "get_session", "at_most": 1}, "2 requests", [(3, "too many"), (4, "too many")]),
        ({"operation": "get_session", "never": True}, "2 requests", [(3, "too many"), (4, "too many")]),
        ({"operation": "get_session", "at_least": 3}, "2 requests", [(5, "operation was list_patient_profiles")]),
        ({"operation": "get_session", "status": 500}, "0 requests", [(4, "status was 404, not 500")]),
        ({"match": {"first_name": "Eve"}}, "0 requests", [(2, "body.first_name was 'Ada', not 'Eve'")]),
        ({"match": {"first_name": "Ada", "email": "x"}}, "0 requests", [(2, "body.email was missing, expected 'x'")]),
        ({"match": {"identifiers": [{"a": 2}]}}, "0 requests", [(2, "body.identifiers was [{'a': 1}], not")]),
        ({"operation": "get_session", "session_id": "7"}, "0 requests", [(4, "session_id was 404, not 7")]),
        ({"path": "/jwt/x"}, "0 requests", [(5, "path was")]),
        ({"in_order": [{"operation": "get_session"}, {"operation": "get_jwt"}]}, "no step 2 after request 3", []),
        ({"in_order": [{"operation": "ask_ai"}]}, "not even the first step", [(5, "operation was")]),
    ],
)
def test_an_unmet_expectation_names_the_nearest_requests(
    heidi: Client, expectation: dict[str, Any], found: str, nearest: list[tuple[int, str]]
) -> None:
    ask(heidi)

    status, answer = verify(heidi, **expectation)

    assert status == 417
    assert list(answer) == ["error", "hint", "expected", "found", "nearest"]
    assert found in answer["found"]
    assert answer["error"] == f"expected {answer['expected']}, found {answer['found']}"
    whys = {row["id"]: row["why"] for row in answer["nearest"]}
    for id_, why in nearest:
        assert why in whys[id_]


@pytest.mark.parametrize(
    ("expectation", "hint"),
    [
        ({"operation": "get_sesion"}, "did you mean get_session"),
        ({"opperation": "get_session"}, "did you mean operation"),
        ({"count": 1, "at_least": 1}, "send one of them"),
        ({"at_least": 1, "path": 5}, 'write it like {"path": "…"}'),
        ({"count": -1}, 'send "count": 1'),
        ({"count": "1"}, 'send "count": 1'),
        ({"never": False}, "true"),
        ({"within": -1}, "within"),
        ({"within": 10_000}, "within"),
        ({"status": "sometimes"}, "status=404"),
        ({"since": "yesterday"}, "since=20"),
        ({"finding": "segment_gasp"}, "segment_gap"),
        ({"in_order": []}, "in_order"),
        ({"in_order": [1]}, "operation"),
        ({"in_order": [{"operation": "get_jwt"}], "count": 1}, "in_order"),
        ({"noticed": {}}, "fault"),
        ({"noticed": {"fault": "a", "how": 1}}, "noticed"),
    ],
)
def test_an_invalid_expectation_is_refused(heidi: Client, expectation: dict[str, Any], hint: str) -> None:
    status, answer = verify(heidi, **expectation)

    assert status == 400
    assert hint in answer["hint"]


def test_a_wait_ends_when_the_answer_is_complete(server: Handle) -> None:
    with server.namespace("slow") as heidi, heidi.client() as client:
        heidi.clock.freeze()
        heidi.fault("generate_consult_note", delay_chunks=1)
        stream = threading.Thread(target=lambda: client.post(f"/sessions/{SESSION}/consult-note", json=NOTE))
        stream.start()
        with pytest.raises(AssertionError, match="found 0 requests"):
            heidi.verify(operation="generate_consult_note", within=0.3)

        told: list[int] = []
        waiting = threading.Thread(
            target=lambda: told.extend(heidi.verify(operation="generate_consult_note", within=30))
        )
        waiting.start()
        while waiting.is_alive():
            heidi.clock.advance(1)
        stream.join()

        assert told == [row["id"] for row in heidi.requests(operation="generate_consult_note")]


@pytest.mark.timeout(40)  # less than it would wait
def test_a_wait_ends_before_its_time_when_the_request_comes(handle: Handle) -> None:
    with handle.client() as client:
        later = threading.Timer(0.2, lambda: client.get(f"/sessions/{SESSION}"))
        later.start()

        row = handle.wait_for("get_session", within=50)
        later.join()

    assert (row["operation"], row["status"]) == ("get_session", 200)


@pytest.mark.parametrize("bound", [{"never": True}, {"at_most": 0}, {"count": 0}])
def test_an_upper_bound_must_hold_until_the_end_of_the_wait(handle: Handle, bound: dict[str, Any]) -> None:
    with handle.client() as client:
        later = threading.Timer(0.2, lambda: client.get(f"/sessions/{SESSION}"))
        later.start()

        with pytest.raises(AssertionError, match="found 1 request"):
            handle.verify(operation="get_session", within=50, **bound)
        later.join()


@pytest.mark.timeout(40)  # less than it would wait
@pytest.mark.parametrize("number", [{"count": 1}, {"at_least": 1}, {}])
def test_a_lower_bound_is_answered_as_soon_as_it_holds(heidi: Client, number: dict[str, int]) -> None:
    heidi.get(f"/sessions/{SESSION}")

    status, _ = verify(heidi, operation="get_session", within=60, **number)

    assert status == 200


def test_a_wait_ends_when_the_client_leaves(heidi: Client) -> None:
    body = json.dumps({"operation": "get_session", "within": 600}).encode()
    asked = exchange(
        heidi.app,
        "POST",
        "/_mock/verify",
        headers={"Host": "localhost"},
        messages=[{"type": "http.request", "body": body}],
    )

    answer = asyncio.run(asyncio.wait_for(asked, 10))

    assert answer.status is None
    assert heidi.app.registry.default.journal.watchers == set()


@pytest.mark.parametrize("effect", ["end_after", "rst_after", "stall_after", "error_piece"])
def test_a_client_that_looks_again_has_noticed(handle: Handle, effect: str) -> None:
    fault = handle.fault("generate_consult_note", **argument(effect, 2), times=1)
    lose(handle, CONSULT_NOTE, NOTE, 2 if effect == "stall_after" else None)
    with handle.client() as client:
        with pytest.raises(AssertionError, match="has not read the session or asked for the note again"):
            handle.assert_noticed(fault)
        handle.assert_noticed(fault, error=True)
        client.get(f"/sessions/{SESSION}")

    handle.assert_noticed(fault)


@pytest.mark.parametrize("error", [True, False])
def test_a_client_that_goes_on_has_not_noticed(handle: Handle, error: bool) -> None:
    fault = handle.fault("generate_consult_note", end_after=2, times=1)
    lose(handle, CONSULT_NOTE, NOTE)
    with handle.client() as client:
        client.patch(f"/sessions/{SESSION}", json={"duration": 60})
        client.get(f"/sessions/{SESSION}")

    with pytest.raises(AssertionError, match="it went on with update_session"):
        handle.assert_noticed(fault.id, error=error)


def test_a_fault_that_ended_no_stream_is_not_noticed(handle: Handle) -> None:
    fault = handle.fault("generate_consult_note", end_after=2)

    with pytest.raises(AssertionError, match=f"fault {fault.id} has not ended a stream yet"):
        handle.assert_noticed(fault)


@pytest.mark.parametrize(
    ("expectation", "words"),
    [
        ({"at_least": 1}, "at least 1 request with operation='get_session', found 0 requests"),
        ({"count": 2}, "exactly 2 requests with operation='get_session', found 0 requests"),
    ],
)
def test_one_request_is_written_in_the_singular(heidi: Client, expectation: dict[str, Any], words: str) -> None:
    _, answer = verify(heidi, operation="get_session", **expectation)

    assert answer["error"] == f"expected {words}"


def test_an_assertion_error_names_the_nearest_requests(handle: Handle) -> None:
    with handle.client() as client:
        client.get("/sessions/404")

    with pytest.raises(AssertionError) as failure:
        handle.verify(operation="get_session", status=200)

    assert "nearest:\n  request 2: status was 404, not 200" in str(failure.value)


def test_an_invalid_expectation_raises_another_error(handle: Handle) -> None:
    with pytest.raises(MockHeidiError, match="did you mean get_session"):
        handle.verify(operation="get_sesion")


# --- What an answer gives away ----------------------------------------------------------------------------------------


@pytest.fixture
def masked(heidi: Client) -> Iterator[Client]:
    """A namespace whose journal is masked, after one request for a session."""
    assert heidi.post("/_mock/namespaces/masked", json={"journal": "masked"}).status_code == 200
    made = in_namespace(heidi, "masked")
    made.get(f"/sessions/{SESSION}")
    yield made
    made.close()


@pytest.mark.parametrize(
    "expectation", [{"session_id": "7"}, {"path": "/documents"}, {"match": {"a": 1}}, {"text": "zz"}, {"method": "PUT"}]
)
def test_a_masked_journal_hides_ids_of_the_nearest_requests(masked: Client, expectation: dict[str, Any]) -> None:
    answer = masked.post("/ns/masked/_mock/verify", json=expectation)

    assert answer.status_code == 417
    assert answer.json()["nearest"] != []
    assert SESSION not in answer.text


@pytest.mark.parametrize(
    ("path", "count"),
    [("/sessions/{session_id}", 1), ("/sessions/*", 1), (f"/sessions/{SESSION[:1]}*", 0), (f"/sessions/{SESSION}", 0)],
)
def test_a_pattern_matches_the_visible_form_of_a_masked_path(masked: Client, path: str, count: int) -> None:
    listed = masked.get("/ns/masked/_mock/requests", params={"path": path}).json()["requests"]
    answer = masked.post("/ns/masked/_mock/verify", json={"path": path, "count": count})

    assert (len(listed), answer.status_code) == (count, 200)


def test_a_too_deeply_nested_body_is_compared_but_not_shown(heidi: Client) -> None:
    deep = "[" * 900 + "]" * 900
    heidi.post("/patient-profiles", content=f'{{"a": {deep}, "first_name": {deep}}}'.encode())

    status, answer = verify(heidi, match={"first_name": "Ada", "a": {"b": 1}})

    assert status == 417
    assert "body.first_name was '***', not 'Ada'" in answer["nearest"][0]["why"]
