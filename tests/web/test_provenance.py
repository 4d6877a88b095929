"""Each answer says where its status and body come from, and which assumptions its request met."""

from typing import Any

import httpx
import pytest
from clients import JOHN, Client
from helpers import SESSION, another

from mock_heidi.client.server_thread import MockHeidi

NOBODY = "f" * 24
NOTE = {
    "generation_method": "TEMPLATE",
    "addition": "",
    "template_id": "659b8042fe093d6592b41ef7",
    "voice_style": "GOLDILOCKS",
    "brain": "LEFT",
}


def provenance(answer: httpx.Response) -> str:
    return answer.headers["x-mock-provenance"]


def names(answer: httpx.Response) -> list[str]:
    """The assumptions in the header of an answer."""
    return provenance(answer).partition("; ")[2].split(", ")


def test_an_answer_gives_the_provenance_of_status_and_body_apart(heidi: Client) -> None:
    answer = heidi.get(f"/patient-profiles/{JOHN}")

    assert provenance(answer) == "status=assumed, body=documented; success_status, unset_demographic_string"


def test_a_request_that_meets_no_assumption_names_none(heidi: Client) -> None:
    answer = heidi.get("/templates/document-templates")

    assert provenance(answer) == "status=observed, body=documented"


@pytest.mark.parametrize(
    ("sent", "met"),
    [
        ({"gender": "MALE", "demographic_string": "x"}, []),
        ({"gender": "male", "demographic_string": "x"}, ["gender_case"]),
        ({"last_name": None, "demographic_string": "x"}, ["null_in_create"]),
        ({"last_name": "Doe"}, ["unset_demographic_string"]),
        ({"ehr_patient_id": "3f6ae0f2", "demographic_string": "x"}, []),
    ],
    ids=str,
)
def test_only_assumptions_that_this_very_request_meets_are_named(heidi: Client, sent: Any, met: list[str]) -> None:
    heidi.post("/users/linked-account", json={"kinde_user_id": "kp_c2487b8e79e3413e8cd590ec43d41c9a"})

    answer = heidi.post("/patient-profiles", json=sent)

    assert answer.status_code == 200
    assert names(answer) == ["success_status", "creation_status", *met]


def test_a_kept_list_names_the_assumptions_each_time(heidi: Client) -> None:
    first, second = heidi.get("/patient-profiles"), heidi.get("/patient-profiles")
    filtered = heidi.get("/patient-profiles", params={"ehr_patient_id": ""})

    assert names(first) == names(second) == ["success_status", "unset_demographic_string", "profile_list_order"]
    assert names(filtered) == ["success_status", "empty_filter"]


def test_a_refusal_names_the_assumption_that_decides_its_status(heidi: Client) -> None:
    unknown, unsigned = heidi.get(f"/patient-profiles/{NOBODY}"), heidi.get("/patient-profiles", signed=False)
    odd, wrong = heidi.get("/sessions/abc"), heidi.post("/patient-profiles", json=[])

    assert provenance(unknown) == "status=assumed, body=documented; profile_not_found"
    assert provenance(unsigned) == "status=assumed, body=assumed; missing_token"
    assert provenance(odd) == "status=observed, body=documented; malformed_id"
    assert provenance(wrong) == "status=assumed, body=assumed; validation_errors"


def test_a_chosen_status_is_assumed_and_its_body_keeps_its_provenance() -> None:
    with another(assume={"creation_status": 201, "profile_not_found": 400, "body_required": 400}) as heidi:
        created = heidi.post("/sessions")
        unknown = heidi.get(f"/patient-profiles/{NOBODY}")
        empty = heidi.post("/patient-profiles")

    assert (created.status_code, unknown.status_code, empty.status_code) == (201, 400, 400)
    assert provenance(created) == "status=assumed, body=documented; creation_status, new_session_name"
    assert provenance(unknown) == "status=assumed, body=documented; profile_not_found"
    assert provenance(empty) == "status=assumed, body=assumed; body_required"


def test_a_stream_names_its_assumptions_in_its_head(heidi: Client) -> None:
    answer = heidi.post(f"/sessions/{SESSION}/consult-note", json=NOTE)

    assert provenance(answer).startswith("status=observed, body=assumed; ")
    assert {"stream_framing", "note_request_fields"} <= set(names(answer))


def test_an_older_method_in_another_field_does_not_meet_the_assumption_about_methods(heidi: Client) -> None:
    wrong = {**NOTE, "voice_style": "THIRD_PARTY_TEMPLATE"}

    answer = heidi.post(f"/sessions/{SESSION}/consult-note", json=wrong)

    assert names(answer) == ["validation_errors"]


def test_unknown_paths_and_methods_have_a_provenance_too(heidi: Client) -> None:
    path, method = heidi.get("/nowhere"), heidi.put("/sessions")

    assert provenance(path) == "status=observed, body=observed"
    assert provenance(method) == "status=assumed, body=assumed; allow_header"


def test_an_answer_that_only_the_mock_gives_says_so(heidi: Client) -> None:
    answer = heidi.get("/sessions/1", headers={"Host": "elsewhere.test"})

    assert answer.status_code == 403
    assert provenance(answer) == "mock"


def test_an_injected_answer_and_a_reply_keep_their_provenance(heidi: Client) -> None:
    heidi.post("/_mock/faults", json={"operation": "get_session", "error": "SessionNotFoundError"})
    heidi.post("/_mock/replies", json={"operation": "list_patient_profiles", "status": 200, "body": {"data": []}})

    injected, replied = heidi.get(f"/sessions/{SESSION}"), heidi.get("/patient-profiles")

    assert (provenance(injected), provenance(replied)) == ("injected, documented", "reply")


def test_the_journal_shows_what_the_header_says(heidi: Client) -> None:
    answer = heidi.post("/patient-profiles", json={"gender": "male"})

    [row] = heidi.get("/_mock/requests", params={"operation": "create_patient_profile"}).json()["requests"]

    assert row["provenance"] == provenance(answer)
    assert row["assumptions"] == names(answer)


def test_the_header_can_be_switched_off_and_the_journal_keeps_the_names() -> None:
    with another(provenance=False) as heidi:
        answer = heidi.get(f"/patient-profiles/{JOHN}")
        heidi.post("/_mock/faults", json={"operation": "get_session", "status": 503})
        injected = heidi.get(f"/sessions/{SESSION}")
        row = heidi.get("/_mock/requests", params={"operation": "get_patient_profile"}).json()["requests"][0]

    assert "x-mock-provenance" not in answer.headers
    assert "x-mock-provenance" not in injected.headers
    assert row["assumptions"] == ["success_status", "unset_demographic_string"]
    assert row["provenance"].startswith("status=")


def test_the_report_of_a_failed_test_names_the_assumptions() -> None:
    with MockHeidi() as heidi:
        token = heidi.token()
        httpx.get(f"{heidi.base_url}/patient-profiles/{NOBODY}", headers={"Authorization": f"Bearer {token}"})
        report = heidi.report()

    assert f"GET /patient-profiles/{NOBODY} -> 404  [assumed: profile_not_found]" in report
