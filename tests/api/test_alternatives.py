"""Assumptions: every value that can be chosen is served. The judge of all answers reads the contract of that value."""

import contextlib
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
import yaml
from clients import NOON, Client
from helpers import SESSION

from mock_heidi import create_app
from mock_heidi.base.assumptions import assumptions
from mock_heidi.base.settings import ConfigError

NOBODY = "f" * 24
ASK = {"ai_command_text": "Summarise", "content": "One. Two.", "content_type": "MARKDOWN"}
NOTE = {
    "generation_method": "TEMPLATE",
    "addition": "",
    "template_id": "659b8042fe093d6592b41ef7",
    "voice_style": "GOLDILOCKS",
    "brain": "LEFT",
}
USER = {"email": "test@heidihealth.com", "third_party_internal_id": "123"}
KEY = {"Heidi-Api-Key": "mock-heidi-key"}
LINK = {"kinde_user_id": "kp_c2487b8e79e3413e8cd590ec43d41c9a"}
TEXT_FILE = {"file": ("notes.txt", b"words", "text/plain")}


class Case(NamedTuple):
    """A look at what an assumption decides, and the result under each of its values."""

    look: Callable[[Client], Any]
    expected: dict[Any, Any]


def status(method: str, path: str, **options: Any) -> Callable[[Client], int]:
    """A look at the status of one request."""
    return lambda client: client.request(method, path, **options).status_code


def new_session(client: Client) -> str:
    return f"/sessions/{client.post('/sessions').json()['session_id']}"


def sent_gender(client: Client) -> list[Any]:
    """The genders that two spellings become, or the status of their refusal."""
    answers = [client.post("/patient-profiles", json={"gender": word}) for word in ("male", "unknown")]
    return [answer.json()["data"]["gender"] if answer.is_success else answer.status_code for answer in answers]


def near_types(client: Client) -> Any:
    sent = {"birth_date": "1990-01-15T00:00:00", "patient_sex_code": "1"}
    answer = client.post("/patient-profiles", json=sent)
    return answer.json()["data"]["birth_date"] if answer.is_success else answer.status_code


def forged_token(client: Client) -> tuple[int, Any]:
    answer = client.get("/patient-profiles", headers={"Authorization": "Bearer forged"})
    return answer.status_code, answer.json()["detail"]


def missing_token(client: Client) -> tuple[int, bool]:
    answer = client.get("/patient-profiles", signed=False)
    return answer.status_code, "www-authenticate" in answer.headers


def stream(client: Client) -> tuple[str, bytes]:
    answer = client.post(f"/sessions/{SESSION}/ask-ai", json=ASK)
    return answer.headers["content-type"], answer.content


def refusal(client: Client) -> Any:
    """The detail of a 422."""
    return client.post("/patient-profiles", json={"gender": "unknown", "first_name": 1}).json()["detail"]


def note_status(client: Client) -> Any:
    client.post(f"/sessions/{SESSION}/consult-note", json=NOTE)
    return client.get(f"/sessions/{SESSION}").json()["session"]["consult_note"]["status"]


def note_without_recording(client: Client) -> list[int]:
    """The statuses of a note in a session without a recording, before and after it allows that."""
    path = new_session(client)
    first = client.post(f"{path}/consult-note", json=NOTE).status_code
    client.patch(path, json={"generate_output_without_recording": True})
    return [first, client.post(f"{path}/consult-note", json=NOTE).status_code]


def next_page(client: Client) -> Any:
    client.post("/users/linked-account", json=LINK)
    for _ in range(2):
        client.post("/sessions")
    page = client.get("/sessions/linked-user", params={"page_size": 1}).json()
    assert page["has_next_page"] is True
    return page["next_page"]


def linked_twice(client: Client) -> int:
    client.post("/users/linked-account", json=LINK)
    return client.post("/users/linked-account", json=LINK).status_code


def creations(client: Client) -> set[int]:
    """The statuses of everything that creates."""
    audio = {"file": ("visit.wav", b"RIFF", "audio/wav")}
    sent: list[tuple[str, dict[str, Any]]] = [
        ("/users/linked-account", {"json": LINK}),
        ("/patient-profiles", {"json": {}}),
        ("/sessions", {}),
        (
            f"/sessions/{SESSION}/context-documents",
            {"files": {"context_documents": ("a.pdf", b"%PDF", "application/pdf")}},
        ),
        (f"/sessions/{SESSION}/upload-audio", {"files": audio}),
        (f"/sessions/{SESSION}/restful-segment-transcription", {}),
        (
            f"/sessions/{SESSION}/documents",
            {"json": {"generation_method": "TEMPLATE", "template_id": NOTE["template_id"]}},
        ),
    ]
    return {client.post(path, **options).status_code for path, options in sent}


def finished_recording(client: Client) -> int:
    live = f"/sessions/{SESSION}/restful-segment-transcription"
    path = f"{live}/{client.post(live).json()['recording_id']}"
    client.post(f"{path}:finish")
    segment = {"file": ("0.wav", b"RIFF", "audio/wav")}
    return client.post(f"{path}:transcribe", files=segment, data={"index": "0"}).status_code


def lost_audio(client: Client) -> int:
    client.post("/_mock/faults", json={"operation": "upload_audio", "error": "UploadFailedError"})
    return client.post(f"/sessions/{SESSION}/upload-audio", files=TEXT_FILE).status_code


PIECES = [b'{"data": "One.\\nT"}', b'{"data": "wo."}']
DETAIL = {"msg": "Token is invalid", "type": "InvalidTokenError"}
CASES = {
    "json_content_type": Case(status("POST", "/patient-profiles", content=b"{}"), {"any": 200, "json_only": 422}),
    "type_coercion": Case(near_types, {"strict": 422, "lax": "1990-01-15"}),
    "gender_case": Case(sent_gender, {"any_case": ["MALE", 422], "exact": [422, 422], "any_text": ["male", "unknown"]}),
    "missing_token": Case(missing_token, {401: (401, True), 403: (403, False)}),
    "bad_token": Case(
        forged_token,
        {"object_401": (401, DETAIL), "string_401": (401, "Token is invalid"), "object_403": (403, DETAIL)},
    ),
    "bad_api_key": Case(
        status("GET", "/jwt", signed=False, headers={"Heidi-Api-Key": "wrong"}), {401: 401, 403: 403, 422: 422}
    ),
    "validation_errors": Case(
        refusal,
        {
            "pydantic2": [
                {
                    "type": "string_type",
                    "loc": ["body", "first_name"],
                    "msg": "Input should be a valid string",
                    "input": 1,
                },
                {
                    "type": "literal_error",
                    "loc": ["body", "gender"],
                    "msg": "Input should be 'MALE', 'FEMALE' or 'OTHER'",
                    "input": "unknown",
                    "ctx": {"expected": "'MALE', 'FEMALE' or 'OTHER'"},
                },
            ],
            "pydantic1": [
                {"loc": ["body", "first_name"], "msg": "str type expected", "type": "type_error.str"},
                {
                    "loc": ["body", "gender"],
                    "msg": "unexpected value; permitted: 'MALE', 'FEMALE' or 'OTHER'",
                    "type": "value_error.const",
                },
            ],
            "sentence": "body.first_name: Input should be a valid string; "
            "body.gender: Input should be 'MALE', 'FEMALE' or 'OTHER'",
        },
    ),
    "profile_not_found": Case(status("GET", f"/patient-profiles/{NOBODY}"), {404: 404, 400: 400}),
    "template_not_found": Case(
        status("POST", f"/sessions/{SESSION}/consult-note", json={**NOTE, "template_id": NOBODY}),
        {404: 404, 400: 400, 422: 422},
    ),
    "template_required": Case(
        status("POST", f"/sessions/{SESSION}/consult-note", json={**NOTE, "template_id": None}), {422: 422, 400: 400}
    ),
    "recording_not_found": Case(
        status("POST", f"/sessions/{SESSION}/restful-segment-transcription/{NOBODY}:finish"), {404: 404, 400: 400}
    ),
    "recording_finished": Case(finished_recording, {400: 400, 409: 409}),
    "consult_note_not_found": Case(
        lambda client: client.get(f"{new_session(client)}/clinical-codes").status_code, {400: 400, 404: 404, 409: 409}
    ),
    "coding_enabled": Case(
        lambda client: (
            client.get(f"{new_session(client)}/clinical-codes").json()["detail"]["type"]
            + str(client.get(f"{new_session(client)}/clinical-codes").status_code)
        ),
        {
            "enabled": "ConsultNoteNotFoundError400",
            "refused_400": "CodingNotEnabledError400",
            "refused_403": "CodingNotEnabledError403",
        },
    ),
    "file_type_rejected": Case(
        status(
            "POST",
            f"/sessions/{SESSION}/context-documents",
            files={"context_documents": ("a.exe", b"MZ", "text/plain")},
        ),
        {400: 400, 415: 415, 422: 422},
    ),
    "audio_rejected": Case(status("POST", f"/sessions/{SESSION}/upload-audio", files=TEXT_FILE), {400: 400, 415: 415}),
    "audio_not_stored": Case(lost_audio, {500: 500, 503: 503}),
    "already_linked": Case(linked_twice, {409: 409, 400: 400}),
    "no_linked_user": Case(status("GET", "/sessions/linked-user"), {400: 400, 404: 404, 403: 403}),
    "linked_account_required": Case(status("POST", "/patient-profiles", json={}), {False: 200, True: 400}),
    "empty_filter": Case(
        lambda client: len(client.get("/patient-profiles", params={"ehr_patient_id": ""}).json()["data"]),
        {"matches_empty": 0, "ignored": 13},
    ),
    "creation_status": Case(creations, {200: {200}, 201: {201}}),
    "next_page": Case(next_page, {"number": 2, "none": None}),
    "note_status": Case(note_status, {"completed": "COMPLETED", "created": "CREATED"}),
    "note_without_recording": Case(note_without_recording, {"allowed": [200, 200], "refused_400": [400, 200]}),
    "stream_framing": Case(
        stream,
        {
            "sse": ("text/event-stream; charset=utf-8", b"".join(b"data: %s\n\n" % piece for piece in PIECES)),
            "ndjson": ("application/x-ndjson", b"".join(piece + b"\n" for piece in PIECES)),
            "objects": ("text/event-stream; charset=utf-8", b"".join(PIECES)),
        },
    ),
    "token_lifetime": Case(
        lambda client: client.request("GET", "/jwt", signed=False, params=USER, headers=KEY).json()["expiration_time"],
        {3600: "2025-01-06T13:00:00.000Z", 60: "2025-01-06T12:01:00.000Z"},
    ),
}
EACH = [(name, value) for name, case in CASES.items() for value in case.expected]


@pytest.mark.parametrize(("name", "value"), EACH, ids=str)
def test_each_value_is_served(name: str, value: Any) -> None:
    with contextlib.closing(Client(create_app(clock=NOON, assume={name: value}))) as client:
        result = CASES[name].look(client)

    assert result == CASES[name].expected[value]


def test_every_value_that_can_be_chosen_is_tried() -> None:
    choosable = {
        one.name: {one.default, *one.alternatives}
        for one in assumptions().values()
        if one.alternatives or one.any_number
    }
    tried = {name: set(case.expected) for name, case in CASES.items()}

    assert tried == {**choosable, "token_lifetime": {3600, 60}}


def test_values_differ_in_what_they_do() -> None:
    same = [
        name for name, case in CASES.items() if len({repr(one) for one in case.expected.values()}) != len(case.expected)
    ]

    assert same == []


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"gender_cas": "exact"}, "unknown assumption 'gender_cas'; did you mean gender_case?"),
        ({"gender_case": "EXACT"}, "gender_case: 'EXACT' cannot be chosen; choose any_case, exact or any_text"),
        ({"profile_not_found": "400"}, "profile_not_found: '400' cannot be chosen; choose 404 or 400"),
        ({"profile_not_found": True}, "profile_not_found: 'true' cannot be chosen; choose 404 or 400"),
        ({"token_lifetime": 0}, "token_lifetime: '0' cannot be chosen; choose an integer from 1 to 31536000"),
        ({"nesting_limit": 5}, "nesting_limit: '5' cannot be chosen; choose 64 only"),
    ],
)
def test_wrong_name_or_value_is_one_line_with_the_cure(values: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError) as error:
        create_app(assume=values)

    assert str(error.value) == words


def test_namespace_changes_its_assumptions_while_it_runs(heidi: Client) -> None:
    before = heidi.get(f"/patient-profiles/{NOBODY}").status_code

    row = heidi.put("/_mock/assumptions", json={"profile_not_found": 400}).json()["assumptions"]

    assert {one["name"]: one["value"] for one in row}["profile_not_found"] == 400
    assert heidi.put("/ns/blue/_mock/assumptions", json={"missing_token": 403}).status_code == 200
    assert heidi.get("/ns/blue/_mock/state").status_code == 200
    heidi.post("/_mock/reset")
    assert heidi.get(f"/patient-profiles/{NOBODY}").status_code == before == 404


def test_one_wrong_value_refuses_all(heidi: Client) -> None:
    answer = heidi.put("/_mock/assumptions", json={"profile_not_found": 400, "missing_token": 402})

    assert answer.status_code == 400
    assert answer.json()["error"] == "missing_token: '402' cannot be chosen"
    assert heidi.get(f"/patient-profiles/{NOBODY}").status_code == 404


def test_served_contract_is_the_one_that_holds(heidi: Client) -> None:
    plain = heidi.get("/_mock/openapi.yaml").content
    heidi.put("/_mock/assumptions", json={"profile_not_found": 400})

    served = yaml.safe_load(heidi.get("/_mock/openapi.yaml").content)

    assert yaml.safe_load(plain)["paths"]["/patient-profiles/{patient_profile_id}"]["get"]["responses"].keys() == {
        "200", "401", "404"
    }  # fmt: skip
    responses = served["paths"]["/patient-profiles/{patient_profile_id}"]["get"]["responses"]
    assert list(responses) == ["200", "400", "401"]
    assert responses["400"] == {"$ref": "#/components/responses/PatientProfileNotFound"}
