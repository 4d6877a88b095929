"""Coverage counts each complete request of a client once, wherever it leaves the journal, and nothing else."""

import contextlib
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from clients import JOHN, Client
from helpers import OTHER_SESSION, SESSION, another, in_namespace
from running import until

from mock_heidi import Handle, MockHeidi
from mock_heidi.base.settings import BASE_PATH
from mock_heidi.observing.coverage.points import Point
from mock_heidi.observing.coverage.report import counts_in

GET_SESSION = Point("operation", "get_session")
ASK = {"ai_command_text": "translate", "content": "One. Two. Three.", "content_type": "MARKDOWN"}


def counts(client: Client) -> dict[Point, int]:
    return dict(counts_in(client.get("/_mock/coverage").json()))


@pytest.fixture
def heidi() -> Iterator[Client]:
    """A client of an application that counts."""
    with another(coverage=True) as client:
        yield client


@pytest.fixture
def served() -> Iterator[Handle]:
    """A real server that counts: streams can break only on a socket."""
    with MockHeidi(coverage=True) as server:
        yield server


def served_counts(served: Handle) -> dict[Point, int]:
    return dict(counts_in(served.control("GET", "/coverage")))


def ask(served: Handle) -> None:
    # A client that gives up waiting has left, so that its request has no ending.
    with served.client(timeout=None) as client, contextlib.suppress(httpx.TransportError):
        client.post(f"/sessions/{SESSION}/ask-ai", json=ASK)


# --- Once, and all of them --------------------------------------------------------------------------------------------


def test_a_request_counts_once_however_often_coverage_is_asked(heidi: Client) -> None:
    heidi.get(f"/sessions/{SESSION}")

    assert [counts(heidi)[GET_SESSION] for _ in range(3)] == [1, 1, 1]


def test_a_request_counts_once_for_many_equal_values_in_its_answer(heidi: Client) -> None:
    heidi.get("/patient-profiles")

    assert counts(heidi)[Point("received_word", "Gender FEMALE")] == 1


def test_requests_count_that_the_journal_has_dropped() -> None:
    with another(coverage=True, journal_entries=2) as heidi:
        for _ in range(5):
            heidi.get(f"/sessions/{SESSION}")

        assert counts(heidi)[GET_SESSION] == 5


def test_requests_count_that_were_dropped_for_lack_of_memory() -> None:
    with another(coverage=True, memory=6_000) as heidi:
        for _ in range(9):
            heidi.get(f"/sessions/{SESSION}")

        assert len(heidi.get("/_mock/requests").json()["requests"]) < 9
        assert counts(heidi)[GET_SESSION] == 9


@pytest.mark.parametrize(
    ("method", "path"),
    [("DELETE", "/_mock/requests"), ("POST", "/_mock/reset"), ("DELETE", "/_mock/requests?status=200")],
)
def test_requests_count_that_were_cleared(heidi: Client, method: str, path: str) -> None:
    heidi.get(f"/sessions/{SESSION}")
    counted_before = counts(heidi)[GET_SESSION]
    heidi.get(f"/sessions/{SESSION}")

    heidi.request(method, path)

    assert heidi.get("/_mock/requests").json()["requests"] == []
    assert (counted_before, counts(heidi)[GET_SESSION]) == (1, 2)


@pytest.mark.parametrize("method", ["DELETE", "POST"])
def test_requests_of_a_namespace_count_after_it_was_deleted_or_replaced(heidi: Client, method: str) -> None:
    with contextlib.closing(in_namespace(heidi, "clinic")) as clinic:
        clinic.get(f"/sessions/{SESSION}")

    heidi.request(method, "/_mock/namespaces/clinic")

    assert counts(heidi)[GET_SESSION] == 1


def test_namespaces_are_added_up(heidi: Client) -> None:
    for name in ("one", "two"):
        with contextlib.closing(in_namespace(heidi, name)) as client:
            client.get(f"/sessions/{SESSION}")
    heidi.get(f"/sessions/{SESSION}")

    assert counts(heidi)[GET_SESSION] == 3


def test_a_request_counts_that_leaves_the_journal_before_its_answer_is_complete(served: Handle) -> None:
    served.fault("get_session", delay_body=0.2, times=1)
    with served.client() as client, client.stream("GET", f"/sessions/{SESSION}") as answer:
        served.control("DELETE", "/requests")
        answer.read()

    until(lambda: served_counts(served).get(GET_SESSION) == 1)


def test_a_server_that_does_not_count_has_no_tally() -> None:
    with another() as heidi:
        heidi.get(f"/sessions/{SESSION}")

        assert heidi.app.registry.tally is None
        assert heidi.app.registry.default.journal.leaving is None


# --- Only requests of clients -----------------------------------------------------------------------------------------


def test_neither_the_control_api_nor_the_sign_in_of_a_handle_counts(served: Handle) -> None:
    served.token()
    served.state.add_patient(first_name="Ada")
    served.requests()

    assert served_counts(served) == {}


def test_a_sign_in_of_the_client_counts(heidi: Client) -> None:
    heidi.sign_in()

    assert counts(heidi) == {Point("operation", "get_jwt"): 1}


def test_unknown_paths_and_words_do_not_count(heidi: Client) -> None:
    heidi.sign_in()
    heidi.get("/nowhere")
    before = counts(heidi)

    heidi.patch(f"/sessions/{SESSION}", json={"favourite_colour": "x", "patient": {"gender": "secret"}})

    new = {point for point in counts(heidi) if point not in before}
    assert {point.name for point in new} == {
        "update_session",
        "update_session UnprocessableError",
        "update_session patient",
        "update_session patient.gender",
    }


# --- What a request exercises -----------------------------------------------------------------------------------------


def test_sent_fields_and_words_count_and_null_does_not(heidi: Client) -> None:
    heidi.post("/patient-profiles", json={"first_name": "Ada", "last_name": None, "gender": "female"})

    found = counts(heidi)
    assert Point("optional_field", "create_patient_profile first_name") in found
    assert Point("optional_field", "create_patient_profile last_name") not in found
    assert Point("sent_word", "Gender FEMALE") in found
    assert Point("received_word", "Gender FEMALE") in found


def test_parameters_of_the_query_count(heidi: Client) -> None:
    heidi.get(f"/sessions/{SESSION}/transcript/live?recording_status=completed")

    found = counts(heidi)
    assert Point("optional_field", "get_live_transcript ?recording_status") in found
    assert Point("sent_word", "RecordingStatus completed") in found
    assert Point("sent_word", "RecordingStatus in_progress") not in found


def test_parts_of_a_form_count_unless_they_are_empty(heidi: Client) -> None:
    form: Any = {"files": {"file": ("a.wav", b"RIFF", "audio/wav")}}

    heidi.post(f"/sessions/{SESSION}/upload-audio", **form, data={"start_time": "2025-01-06", "end_time": ""})

    found = counts(heidi)
    assert Point("optional_field", "upload_audio start_time") in found
    assert Point("optional_field", "upload_audio end_time") not in found


def test_an_error_counts_at_its_operation_only(heidi: Client) -> None:
    heidi.get("/sessions/99")

    found = counts(heidi)
    assert [point.name for point in found if point.kind == "error"] == ["get_session SessionNotFoundError"]


def test_an_error_of_a_fault_counts_and_an_undocumented_answer_does_not(heidi: Client) -> None:
    heidi.post("/_mock/faults", json="get_session:status=503,times=1")
    heidi.post("/_mock/faults", json="get_session:error=SessionNotFoundError,times=1")

    heidi.get(f"/sessions/{SESSION}")
    before = counts(heidi)
    heidi.get(f"/sessions/{SESSION}")

    assert not [point for point in before if point.kind == "error"]
    assert Point("error", "get_session SessionNotFoundError") in counts(heidi)


@pytest.mark.parametrize(
    "chosen",
    [
        {"bad_token": "string_401"},
        {"bad_token": "object_403"},
        {"validation_errors": "sentence"},
        {"missing_token": 403},
    ],
    ids=str,
)
def test_errors_count_under_other_assumptions(heidi: Client, chosen: dict[str, Any]) -> None:
    heidi.put("/_mock/assumptions", json=chosen)

    heidi.get(f"/sessions/{SESSION}", headers={"Authorization": "Bearer x.y.z"})
    heidi.get(f"/sessions/{SESSION}", signed=False)
    heidi.post("/patient-profiles", json={"gender": 5})

    found = counts(heidi)
    assert Point("token", "invalid") in found
    assert Point("token", "missing") in found
    assert Point("error", "create_patient_profile UnprocessableError") in found


# --- Tokens -----------------------------------------------------------------------------------------------------------


def tokens(client: Client) -> list[str]:
    return [point.name for point in counts(client) if point.kind == "token"]


def test_a_valid_token_counts_with_a_success_only(heidi: Client) -> None:
    heidi.get("/sessions/99")
    before = tokens(heidi)
    heidi.get(f"/sessions/{SESSION}")

    assert (before, tokens(heidi)) == ([], ["valid"])


def test_a_missing_token_counts(heidi: Client) -> None:
    heidi.get(f"/sessions/{SESSION}", signed=False)

    assert tokens(heidi) == ["missing"]


def test_an_expired_token_counts(heidi: Client) -> None:
    heidi.sign_in()
    heidi.post("/_mock/clock/advance", json={"seconds": 3601})
    heidi.get(f"/sessions/{SESSION}")

    assert tokens(heidi) == ["expired"]


def test_a_token_of_another_namespace_counts_as_that_and_not_as_invalid(heidi: Client) -> None:
    heidi.post("/_mock/namespaces/other")
    heidi.get(f"/ns/other{BASE_PATH}/sessions/{SESSION}", headers={"Authorization": f"Bearer {heidi.token()}"})

    assert tokens(heidi) == ["other_namespace"]


def test_a_revoked_token_counts_as_invalid(heidi: Client) -> None:
    heidi.post("/_mock/faults", json="get_session:revoke_token,times=1")
    heidi.get(f"/sessions/{SESSION}")

    assert tokens(heidi) == ["invalid"]


def test_a_wrong_key_counts(heidi: Client) -> None:
    heidi.get("/jwt?email=a&third_party_internal_id=1", signed=False, headers={"Heidi-Api-Key": "wrong"})

    assert tokens(heidi) == ["wrong_key"]


# --- Streams ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "ending"),
    [
        ({}, "complete"),
        ({"lose": 1}, "complete"),
        ({"end_after": 1}, "early_end"),
        ({"error_piece": 1}, "early_end"),
        ({"rst_after": 1}, "reset"),
    ],
    ids=str,
)
def test_the_end_of_a_stream_counts(served: Handle, rule: dict[str, Any], ending: str) -> None:
    if rule:
        served.fault("ask_ai", **rule)

    ask(served)

    point = Point("stream_ending", f"ask_ai {ending}")
    until(lambda: point in served_counts(served))
    assert [one for one in served_counts(served) if one.kind == "stream_ending"] == [point]


def test_a_stream_that_fell_silent_counts_after_the_client_has_left(served: Handle) -> None:
    served.fault("ask_ai", stall_after=1)
    with served.client() as client, client.stream("POST", f"/sessions/{SESSION}/ask-ai", json=ASK):
        until(lambda: served.requests(operation="ask_ai")[-1]["ending"] == "stall")

    point = Point("stream_ending", "ask_ai stall")
    until(lambda: point in served_counts(served))
    assert [one for one in served_counts(served) if one.kind == "stream_ending"] == [point]


@pytest.mark.parametrize("rule", [{"rst": True}, {"error": "SessionNotFoundError"}], ids=str)
def test_an_answer_that_never_began_has_no_ending(served: Handle, rule: dict[str, Any]) -> None:
    served.fault("ask_ai", **rule)

    ask(served)

    until(lambda: Point("operation", "ask_ai") in served_counts(served))
    assert [one for one in served_counts(served) if one.kind == "stream_ending"] == []


def test_a_stream_that_the_client_left_has_no_ending(served: Handle) -> None:
    served.fault("ask_ai", delay_chunks=30)
    with served.client() as client, client.stream("POST", f"/sessions/{SESSION}/ask-ai", json=ASK) as answer:
        next(answer.iter_raw())

    until(lambda: Point("operation", "ask_ai") in served_counts(served))
    assert [one for one in served_counts(served) if one.kind == "stream_ending"] == []


# --- Transitions ------------------------------------------------------------------------------------------------------


def changes(client: Client) -> list[str]:
    return [point.name for point in counts(client) if point.kind == "transition"]


def test_an_account_that_was_not_linked_is_not_unlinked(heidi: Client) -> None:
    heidi.delete("/users/linked-account:unlink")
    before = changes(heidi)
    heidi.post("/users/linked-account", json={"kinde_user_id": "kp_1"})
    linked = changes(heidi)
    heidi.delete("/users/linked-account:unlink")

    assert before == []
    assert linked == ["account unlinked to linked"]
    assert changes(heidi) == ["account unlinked to linked", "account linked to unlinked"]


@pytest.mark.parametrize(("query", "unlinked"), [("", []), ("?keep=state", ["account linked to unlinked"])])
def test_a_reset_of_the_state_is_not_a_change_of_the_client(heidi: Client, query: str, unlinked: list[str]) -> None:
    heidi.post("/users/linked-account", json={"kinde_user_id": "kp_1"})
    heidi.post(f"/_mock/reset{query}")
    heidi.delete("/users/linked-account:unlink")

    assert changes(heidi) == ["account unlinked to linked", *unlinked]


@pytest.mark.parametrize("restored", [True, False])
def test_a_restored_or_replaced_state_is_not_a_change_of_the_client(heidi: Client, *, restored: bool) -> None:
    heidi.put("/_mock/snapshots/before")
    before = heidi.state()
    heidi.post("/users/linked-account", json={"kinde_user_id": "kp_1"})
    if restored:
        heidi.post("/_mock/snapshots/before/restore")
    else:
        heidi.put("/_mock/state", json=before)
    heidi.delete("/users/linked-account:unlink")

    assert changes(heidi) == ["account unlinked to linked"]


def test_a_patient_profile_is_linked_and_deleted(heidi: Client) -> None:
    made = heidi.post("/patient-profiles", json={}).json()["data"]["id"]
    heidi.request("DELETE", "/patient-profiles:batch-delete", json={"patient_profile_ids": [made]})
    before = changes(heidi)
    heidi.post(f"/patient-profiles/{JOHN}/sessions", json={"session_ids": [OTHER_SESSION]})
    heidi.request("DELETE", "/patient-profiles:batch-delete", json={"patient_profile_ids": [JOHN]})

    assert before == []
    assert changes(heidi) == ["patient_profile unlinked to linked", "patient_profile linked to deleted"]


def test_a_recording_is_started_and_finished(heidi: Client) -> None:
    path = f"/sessions/{SESSION}/restful-segment-transcription"
    recording = heidi.post(path).json()["recording_id"]
    before = changes(heidi)
    heidi.post(f"{path}/{recording}:finish")
    heidi.post(f"{path}/{recording}:finish")

    assert before == ["recording absent to started"]
    assert counts(heidi)[Point("transition", "recording started to finished")] == 1


def test_a_status_counts_only_if_the_client_saw_both_words(heidi: Client) -> None:
    form: Any = {"files": {"context_documents": ("a.pdf", b"%PDF-1.4", "application/pdf")}}
    heidi.put("/_mock/transitions", json={"document_parsing": {"after_reads": 1}})
    heidi.post(f"/sessions/{SESSION}/context-documents", **form)
    before = changes(heidi)
    for _ in range(2):
        heidi.get(f"/sessions/{SESSION}/context-documents")

    assert before == []
    assert changes(heidi) == ["ContextDocumentStatus PARSING to READY"]


def test_things_of_two_namespaces_are_two_things(heidi: Client) -> None:
    with contextlib.closing(in_namespace(heidi, "other")) as other:
        other.post("/users/linked-account", json={"kinde_user_id": "kp_1"})
    heidi.delete("/users/linked-account:unlink")

    assert changes(heidi) == ["account unlinked to linked"]
