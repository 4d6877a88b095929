"""Strict mode: what no page documents is refused with 422. By default it is accepted, with a finding.

The order of refusals is path, token, strict mode. A refused request changes nothing.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import httpx
import pytest
from audio import spoken
from clients import JOHN, Client
from helpers import NOT_AUTHENTICATED, SESSION, another, in_namespace

from mock_heidi.base.settings import DEFAULT_KEY
from mock_heidi.observing.findings import KINDS

PLACE = f"/sessions/{SESSION}"
PAGES = "https://www.heidihealth.com/developers/heidi-api"
SESSIONS, PATIENTS, SIGN_IN = f"{PAGES}/sessions/overview", f"{PAGES}/patient-profiles", f"{PAGES}/authentication"
NOTE = {
    "generation_method": "TEMPLATE",
    "template_id": "659b8042fe093d6592b41ef7",
    "addition": "",
    "voice_style": "GOLDILOCKS",
}
THEIRS = {**NOTE, "template_id": None, "third_party_template": "Plan"}
QUESTION = {"questionId": "1", "question": "Smoker?", "answerType": "TextArea", "repeatable": False}
AUDIO = {"file": ("a.wav", spoken(1), "audio/wav")}
PDF = {"context_documents": ("a.pdf", b"%PDF-1.4")}


class Case(NamedTuple):
    """A request that is accepted with the finding ``code``, and its refusal: the place and the page in its row."""

    code: str
    loc: list[str | int]
    page: str
    method: str
    path: str
    options: Mapping[str, Any] = {}
    assume: Mapping[str, Any] = {}

    def send(self, client: Client, **headers: str) -> httpx.Response:
        options = {**self.options, "headers": {**self.options.get("headers", {}), **headers}}
        return client.request(self.method, self.path, **options)

    @property
    def sign_in(self) -> bool:
        return self.path == "/jwt"


def user(email: str = "ada@example.com", third: str = "1", **more: str) -> dict[str, Any]:
    query = {"email": email, "third_party_internal_id": third, **more}
    return {"params": query, "headers": {"Heidi-Api-Key": DEFAULT_KEY}, "signed": False}


def segment(index: str) -> dict[str, Any]:
    return {"files": AUDIO, "data": {"index": index}}


CASES: dict[str, Case] = {
    "a field": Case("unknown_field", ["body", "colour"], SESSIONS, "POST", "/sessions", {"json": {"colour": "red"}}),
    "a field inside": Case(
        "unknown_field", ["body", "patient", "a"], SESSIONS, "PATCH", PLACE, {"json": {"patient": {"a": 1}}}
    ),
    "a field of an update": Case(
        "unknown_field",
        ["body", "ehr_patient_id"],
        PATIENTS,
        "PATCH",
        f"/patient-profiles/{JOHN}",
        {"json": {"ehr_patient_id": "1"}},
    ),
    "a field of a form": Case(
        "unknown_field",
        ["body", "colour"],
        SESSIONS,
        "POST",
        f"{PLACE}/upload-audio",
        {"files": AUDIO, "data": {"colour": "red"}},
    ),
    "a second file": Case(
        "unknown_field",
        ["body", "copy"],
        SESSIONS,
        "POST",
        f"{PLACE}/context-documents",
        {"files": {**PDF, "copy": ("b.pdf", b"%PDF-1.4")}, "data": {"meta_data": "{}"}},
    ),
    "a parameter": Case("unknown_parameter", ["query", "page"], PATIENTS, "GET", "/patient-profiles?page=1"),
    "a parameter of a read": Case("unknown_parameter", ["query", "expand"], SESSIONS, "GET", f"{PLACE}?expand=note"),
    "a parameter of a sign-in": Case(
        "unknown_parameter", ["query", "role"], SIGN_IN, "GET", "/jwt", user(role="nurse")
    ),
    "JSON as text": Case(
        "json_content_type",
        ["body"],
        SESSIONS,
        "POST",
        "/sessions",
        {"content": '{"ehr_appointment_id": "1"}', "headers": {"Content-Type": "text/plain"}},
    ),
    "JSON without a type": Case("json_content_type", ["body"], SESSIONS, "POST", "/sessions", {"content": "{}"}),
    "a gender in lower case": Case(
        "gender_spelling", ["body", "gender"], PATIENTS, "POST", "/patient-profiles", {"json": {"gender": "male"}}
    ),
    "any text as a gender": Case(
        "gender_spelling",
        ["body", "patient", "gender"],
        SESSIONS,
        "PATCH",
        PLACE,
        {"json": {"patient": {"gender": "unknown"}}},
        {"gender_case": "any_text"},
    ),
    "a number as text": Case(
        "near_type",
        ["body", "patient_sex_code"],
        PATIENTS,
        "POST",
        "/patient-profiles",
        {"json": {"patient_sex_code": "1"}},
        {"type_coercion": "lax"},
    ),
    "a recording status": Case(
        "undocumented_value",
        ["query", "recording_status"],
        SESSIONS,
        "GET",
        f"{PLACE}/transcript/live?recording_status=paused",
    ),
    "an ending": Case(
        "undocumented_value",
        ["body", "context_documents"],
        SESSIONS,
        "POST",
        f"{PLACE}/context-documents",
        {"files": {"context_documents": ("scan.jpeg", b"\xff\xd8")}, "data": {"meta_data": "{}"}},
    ),
    "meta data in words": Case(
        "undocumented_value",
        ["body", "meta_data"],
        SESSIONS,
        "POST",
        f"{PLACE}/context-documents",
        {"files": PDF, "data": {"meta_data": "a scan"}},
        {"meta_data_form": "ignored"},
    ),
    "a time in words": Case(
        "undocumented_value",
        ["body", "start_time"],
        SESSIONS,
        "POST",
        f"{PLACE}/upload-audio",
        {"files": AUDIO, "data": {"start_time": "noon"}},
        {"upload_times": "any_text"},
    ),
    "an index in words": Case(
        "undocumented_value",
        ["body", "index"],
        SESSIONS,
        "POST",
        f"{PLACE}/restful-segment-transcription/RECORDING:transcribe",
        segment("last"),
        {"segment_index": "any_text"},
    ),
    "the older method": Case(
        "undocumented_value",
        ["body", "generation_method"],
        SESSIONS,
        "POST",
        f"{PLACE}/consult-note",
        {"json": {**THEIRS, "generation_method": "THIRD_PARTY_TEMPLATE", "third_party_template": "{}"}},
        {"third_party_template_method": "accepted"},
    ),
    "a filter without a value": Case(
        "empty_filter", ["query", "ehr_patient_id"], PATIENTS, "GET", "/patient-profiles?ehr_patient_id="
    ),
    "no address": Case("invalid_email", ["query", "email"], SIGN_IN, "GET", "/jwt", user(email="ada")),
    "no third party": Case(
        "empty_third_party_id", ["query", "third_party_internal_id"], SIGN_IN, "GET", "/jwt", user(third=" ")
    ),
    "a template in words": Case(
        "template_not_json",
        ["body", "third_party_template"],
        SESSIONS,
        "POST",
        f"{PLACE}/consult-note",
        {"json": THEIRS},
    ),
}
each_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def prepared(client: Client, case: Case) -> Case:
    """The case with its assumptions chosen, and with a recording if its path needs one."""
    client.token()
    client.put("/_mock/assumptions", json=dict(case.assume)).raise_for_status()
    if "RECORDING" not in case.path:
        return case
    recording = client.post(f"{PLACE}/restful-segment-transcription").json()["recording_id"]
    return case._replace(path=case.path.replace("RECORDING", recording))


def found(client: Client) -> list[str]:
    return [row["code"] for row in client.get("/_mock/findings").json()["findings"]]


def last(client: Client) -> dict[str, Any]:
    row: dict[str, Any] = client.get("/_mock/requests?limit=1").json()["requests"][0]
    return row


@each_case
def test_what_no_page_documents_is_accepted_with_a_finding(heidi: Client, case: Case) -> None:
    case = prepared(heidi, case)

    assert case.send(heidi).status_code == 200
    assert found(heidi) == [case.code]


@each_case
def test_strict_mode_refuses_it_with_the_reason_and_the_page(case: Case) -> None:
    with another(strict=True) as heidi:
        case = prepared(heidi, case)
        before = heidi.state()

        answer = case.send(heidi)

        assert (answer.status_code, [row["loc"] for row in answer.json()["detail"]]) == (422, [case.loc])
        assert answer.json()["detail"][0]["msg"].endswith(f"; strict mode, see {case.page}")
        assert answer.headers["x-mock-reason"] == f"strict mode refuses {case.code}; see {case.page}"
        assert answer.headers["x-mock-provenance"] == last(heidi)["provenance"] == "mock"
        assert heidi.state() == before
        # The finding stays, and is not repeated as an invalid request.
        assert found(heidi) == [case.code]


@each_case
def test_a_header_asks_for_strict_mode_for_one_request(heidi: Client, case: Case) -> None:
    case = prepared(heidi, case)

    answers = [case.send(heidi, **headers) for headers in ({"X-Mock-Strict": "true"}, {})]

    assert [answer.status_code for answer in answers] == [422, 200]


def test_every_finding_that_strict_mode_refuses_is_tested_above() -> None:
    assert {case.code for case in CASES.values()} == {code for code, kind in KINDS.items() if kind.refused}


# --- What is refused together, and what is not ------------------------------------------------------------------------


@pytest.fixture
def strict() -> Any:
    with another(strict=True) as client:
        yield client


def test_a_refusal_names_every_part_that_the_request_alone_shows(strict: Client) -> None:
    answer = strict.post("/sessions?page=1", content='{"colour": "red", "size": 1}')

    rows = answer.json()["detail"]
    assert [(row["type"], row["loc"], row["input"]) for row in rows] == [
        ("extra_forbidden", ["body", "colour"], "red"),
        ("extra_forbidden", ["body", "size"], 1),
        ("extra_forbidden", ["query", "page"], "1"),
        ("model_attributes_type", ["body"], '{"colour": "red", "size": 1}'),
    ]
    reason = "strict mode refuses unknown_field, unknown_parameter, json_content_type; "
    assert answer.headers["x-mock-reason"].startswith(reason)


def test_lenient_readings_are_refused_together_with_their_own_rows(strict: Client) -> None:
    strict.put("/_mock/assumptions", json={"type_coercion": "lax"})
    body = {"gender": "male", "patient_sex_code": "1"}
    answer = strict.post("/patient-profiles", json=body)
    strict.put("/_mock/assumptions", json={"type_coercion": "strict", "gender_case": "exact"})
    refused = strict.post("/patient-profiles", json=body)

    rows = answer.json()["detail"]
    assert [{**row, "msg": row["msg"].partition("; strict mode")[0]} for row in rows] == refused.json()["detail"]
    assert "x-mock-reason" not in refused.headers


def test_a_field_in_many_items_of_a_list_is_one_row(strict: Client) -> None:
    questions = [{**QUESTION, "answerOptions": [{"value": "a"}, {"value": "b"}]}] * 3
    template = {"template": "T", "summaryRequired": False, "metadata": None}
    answer = strict.post(
        f"{PLACE}/client-customised-template/response",
        json={**template, "questions": [{**one, "colour": "red"} for one in questions]},
    )

    assert [row["loc"] for row in answer.json()["detail"]] == [["body", "questions", 0, "colour"]]


@pytest.mark.parametrize("body", ['{"colour": NaN}', '{"colour": 1e999}', '{"colour": "\\ud800"}', "{"])
def test_a_body_that_is_not_json_is_refused_as_by_default(heidi: Client, strict: Client, body: str) -> None:
    headers = {"Content-Type": "application/json"}
    answers = [client.post("/sessions", content=body, headers=headers) for client in (heidi, strict)]

    assert [answer.status_code for answer in answers] == [422, 422]
    assert answers[0].content == answers[1].content


def test_what_a_later_check_refuses_is_refused_as_by_default(heidi: Client, strict: Client) -> None:
    answers = [client.post("/patient-profiles", json={"email": 1}) for client in (heidi, strict)]

    assert answers[0].content == answers[1].content
    assert found(strict) == ["invalid_request"]


SEQUENCES: dict[str, Callable[[Client], httpx.Response]] = {
    "the same audio": lambda client: [client.post(f"{PLACE}/upload-audio", files=AUDIO) for _ in range(2)][1],
    "a note before its words": lambda client: [
        client.post(f"{PLACE}/upload-audio", files=AUDIO),
        client.post(f"{PLACE}/consult-note", json=NOTE),
    ][1],
    "audio without a length": lambda client: client.post(
        f"{PLACE}/upload-audio", files={"file": ("a.wav", b"no audio", "audio/wav")}
    ),
    "context that is not there": lambda client: client.patch(PLACE, json={"linked_sessions_for_context": ["42"]}),
    "the key beside the token": lambda client: client.get(PLACE, headers={"Heidi-Api-Key": DEFAULT_KEY}),
}


@pytest.mark.parametrize("sent", SEQUENCES.values(), ids=SEQUENCES)
def test_findings_about_a_sequence_or_with_advice_are_not_refused(
    strict: Client, sent: Callable[[Client], httpx.Response]
) -> None:
    assert sent(strict).status_code == 200
    assert found(strict) != []


# --- The order of refusals --------------------------------------------------------------------------------------------


def test_a_request_without_a_token_is_refused_for_the_token(strict: Client) -> None:
    answer = strict.post("/sessions", json={"colour": "red"}, signed=False, headers={"X-Mock-Strict": "nonsense"})

    assert (answer.status_code, answer.json()) == (401, NOT_AUTHENTICATED)


def test_a_sign_in_with_a_wrong_key_is_refused_for_the_key(strict: Client) -> None:
    headers = {"Heidi-Api-Key": "wrong", "X-Mock-Strict": "nonsense"}
    answer = strict.request("GET", "/jwt", params={"email": "ada"}, signed=False, headers=headers)

    assert answer.status_code == 401


def test_an_unknown_path_is_refused_for_the_path(strict: Client) -> None:
    assert strict.get("/sessions/7/coding?page=1").status_code == 404


def test_strict_mode_comes_before_the_ids(strict: Client) -> None:
    assert strict.get("/sessions/404?page=1").status_code == 422


def test_a_refused_sign_in_makes_no_namespace() -> None:
    with another(strict=True) as heidi:
        sent = user(email="ada")
        sent["headers"]["Heidi-Api-Key"] += ".blue"

        assert heidi.request("GET", "/jwt", **sent).status_code == 422
        assert [row["name"] for row in heidi.get("/_mock/namespaces").json()["namespaces"]] == ["default"]


def test_a_whole_reply_of_a_test_comes_before_strict_mode(strict: Client) -> None:
    reply = {"operation": "create_session", "body": {"session_id": "7"}}
    strict.post("/_mock/replies", json=reply).raise_for_status()

    assert strict.post("/sessions", json={"colour": "red"}).json() == {"session_id": "7"}
    assert found(strict) == ["unknown_field"]


def test_the_forms_of_a_422_hold_in_strict_mode(strict: Client) -> None:
    strict.put("/_mock/assumptions", json={"validation_errors": "pydantic1"})
    older = strict.post("/sessions", json={"colour": "red"}).json()["detail"]
    strict.put("/_mock/assumptions", json={"validation_errors": "sentence"})
    sentence = strict.post("/sessions", json={"colour": "red"}).json()["detail"]

    msg = f"Extra inputs are not permitted; strict mode, see {SESSIONS}"
    assert older == [{"loc": ["body", "colour"], "msg": msg, "type": "value_error"}]
    assert sentence == f"body.colour: {msg}"


# --- The ways to ask for it -------------------------------------------------------------------------------------------


def refuses(client: Client, **headers: str) -> bool:
    return client.get(f"{PLACE}?expand=note", headers=headers).status_code == 422


def refuses_in(client: Client, name: str) -> bool:
    named = in_namespace(client, name)
    try:
        return refuses(named)
    finally:
        named.close()


@pytest.mark.parametrize(
    ("server", "start", "expected"),
    [
        (False, {}, False),
        (False, {"strict": True}, True),
        (True, {}, True),
        (True, {"strict": None}, True),
        (True, {"strict": False}, False),
    ],
)
def test_a_namespace_is_strict_by_its_start_or_as_its_server(
    server: bool, start: dict[str, Any], expected: bool
) -> None:
    with another(strict=server) as heidi:
        made = heidi.post("/_mock/namespaces/blue", json=start).json()

        assert (made["strict"], refuses_in(heidi, "blue"), refuses(heidi)) == (expected, expected, server)


def test_a_namespace_that_a_request_makes_is_as_strict_as_its_server(strict: Client) -> None:
    assert refuses_in(strict, "blue")


def test_a_copy_and_a_reset_keep_strict_mode(heidi: Client) -> None:
    heidi.post("/_mock/namespaces/blue", json={"strict": True})
    heidi.post("/_mock/namespaces/green?from=blue")
    heidi.post("/ns/blue/_mock/reset")

    assert [refuses_in(heidi, name) for name in ("blue", "green", "default")] == [True, True, False]


@pytest.mark.parametrize("word", ["false", "False", "FALSE"])
def test_the_header_switches_strict_mode_off_for_one_request(strict: Client, word: str) -> None:
    refused = [refuses(strict), refuses(strict, **{"X-Mock-Strict": word}), refuses(strict)]

    assert refused == [True, False, True]


@pytest.mark.parametrize("word", ["yes", "", "1"])
def test_another_word_in_the_header_is_refused_with_the_cure(heidi: Client, word: str) -> None:
    heidi.token()
    before = heidi.state()

    answer = heidi.post("/sessions", headers={"X-Mock-Strict": word})

    told = f"X-Mock-Strict: '{word}' is neither true nor false; send one of them, or leave the header out"
    assert (answer.status_code, answer.json()) == (400, {"detail": told})
    assert answer.headers["x-mock-provenance"] == "mock"
    assert heidi.state() == before
    assert found(heidi) == []  # the test sent it, not the client


def test_the_journal_shows_the_header_and_the_reason(heidi: Client) -> None:
    refuses(heidi, **{"X-Mock-Strict": "true"})

    row = last(heidi)
    assert row["headers"]["x-mock-strict"] == "true"
    assert row["why"] == f"strict mode refuses unknown_parameter; see {SESSIONS}"
    assert row["response"]["detail"][0]["input"] == "<4 characters>"  # as in the query


def test_the_journal_hides_the_secrets_that_a_refusal_repeats(strict: Client) -> None:
    body = {"colour": "red", "password": "hunter2", "pin": 4711, "auth": {"user": "ada"}}
    answer = strict.post("/sessions?api_key=abc123", json=body).json()["detail"]

    shown = {row["loc"][-1]: row["input"] for row in last(strict)["response"]["detail"]}
    assert shown == {"colour": "red", "password": "***", "pin": "***", "auth": "***", "api_key": "***"}
    assert [row["input"] for row in answer] == ["red", "hunter2", 4711, {"user": "ada"}, "abc123"]


def test_a_fault_applies_to_a_refusal_of_strict_mode(strict: Client) -> None:
    strict.post("/_mock/faults", json="get_session:status=503,times=1")

    assert [strict.get(f"{PLACE}?expand=note").status_code for _ in range(2)] == [503, 422]
