"""Findings about the client: ``GET /_mock/findings``.

``{"findings": [{"code", "level", "message", "first", "last", "count"}]}``: each is listed once, with the first and
the last request that shows it. The server does not know what a client does with an answer.
"""

import io
import wave
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest
from clients import JOHN, NOON, Client
from helpers import SESSION, another, in_one_moment

from mock_heidi import Handle, MockHeidi
from mock_heidi.base.settings import DEFAULT_KEY
from mock_heidi.observing.findings import KINDS

NOTE = {
    "generation_method": "TEMPLATE",
    "template_id": "659b8042fe093d6592b41ef7",
    "addition": "",
    "voice_style": "GOLDILOCKS",
}
SEGMENTS = f"/sessions/{SESSION}/restful-segment-transcription"


@pytest.fixture(scope="module")
def served() -> Iterator[Handle]:
    with MockHeidi() as server:
        yield server


def found(client: Client, query: str = "") -> dict[str, dict[str, Any]]:
    rows = client.get(f"/_mock/findings{query}").json()["findings"]
    return {row["code"]: row for row in rows}


def segment(client: Client, recording: str, index: int | str) -> httpx.Response:
    return client.post(
        f"{SEGMENTS}/{recording}:transcribe", files={"file": ("a.wav", b"no audio")}, data={"index": str(index)}
    )


def record(client: Client, *indexes: int) -> str:
    recording = str(client.post(SEGMENTS).json()["recording_id"])
    for index in indexes:
        assert segment(client, recording, index).status_code == 200
    return recording


def sign_in_for_each(client: Client) -> None:
    for _ in range(6):
        client.sign_in()
        client.get(f"/sessions/{SESSION}")


def use_an_expired_token(client: Client) -> None:
    client.token()
    client.post("/_mock/clock/advance", json={"seconds": 3_601})
    client.get(f"/sessions/{SESSION}")


def ask_too_early(client: Client) -> None:
    client.post("/_mock/faults", json={"operation": "get_session", "retry_after": 30, "times": 1})
    client.get(f"/sessions/{SESSION}")
    client.get(f"/sessions/{SESSION}")


def poll_in_one_moment(client: Client) -> None:
    with in_one_moment():
        for _ in range(12):
            client.get(f"/sessions/{SESSION}/transcript")


def go_on_after_half_a_note(client: Client) -> None:
    client.post("/_mock/faults", json={"operation": "generate_consult_note", "end_after": 2, "times": 1})
    client.post(f"/sessions/{SESSION}/consult-note", json=NOTE)
    client.patch(f"/sessions/{SESSION}", json={"duration": 60})


def round_a_session_id(client: Client) -> None:
    session_id = client.post("/sessions").json()["session_id"]
    client.get(f"/sessions/{int(float(session_id))}")


def _twice(client: Client) -> list[httpx.Response]:
    path = f"/sessions/{SESSION}/upload-audio"
    return [client.post(path, files={"file": ("a.wav", b"no audio", "audio/wav")}) for _ in range(2)]


def test_an_id_that_a_number_can_hold_is_not_a_finding(heidi: Client) -> None:
    heidi.get(f"/sessions/{SESSION}")
    heidi.post("/_mock/faults", json="get_session:error=SessionNotFoundError")

    assert heidi.get(f"/sessions/{SESSION}").status_code == 404
    assert found(heidi) == {}


def write_before_finishing(client: Client) -> None:
    record(client, 0)
    client.post(f"/sessions/{SESSION}/consult-note", json=NOTE)


def send_the_key_alone(client: Client) -> None:
    client.request("GET", "/patient-profiles", signed=False, headers={"Heidi-Api-Key": DEFAULT_KEY})


SINS: dict[str, tuple[str, Callable[[Client], object]]] = {
    "a field": ("unknown_field", lambda client: client.post("/sessions", json={"colour": "red"})),
    "a field inside": (
        "unknown_field",
        lambda client: client.patch(f"/sessions/{SESSION}", json={"patient": {"a": 1}}),
    ),
    "a field of an update": (
        "unknown_field",
        lambda client: client.patch(f"/patient-profiles/{JOHN}", json={"ehr_patient_id": "1"}),
    ),
    "a part of a form": (
        "unknown_field",
        lambda client: client.post(f"/sessions/{SESSION}/upload-audio", files={"audio": ("a.wav", b"x", "audio/wav")}),
    ),
    "a parameter": ("unknown_parameter", lambda client: client.get("/patient-profiles?page=1")),
    "an unknown path": ("unknown_path", lambda client: client.get("/sessions/7/coding")),
    "an unknown method": ("unknown_path", lambda client: client.put(f"/sessions/{SESSION}", json={})),
    "a refused body": ("invalid_request", lambda client: client.post("/patient-profiles", json={"email": 1})),
    "a refused state": ("invalid_request", lambda client: client.get("/sessions/linked-user")),
    "JSON as text": (
        "json_content_type",
        lambda client: client.post(
            "/sessions", content='{"ehr_appointment_id": "1"}', headers={"Content-Type": "text/x"}
        ),
    ),
    "no address": ("invalid_email", lambda client: client.sign_in(email="nobody")),
    "no third party": ("empty_third_party_id", lambda client: client.sign_in(third="")),
    "the key alone": ("key_without_token", send_the_key_alone),
    "half a recording": ("recording_unfinished", write_before_finishing),
    "a number for ids": (
        "session_id_number",
        lambda client: client.post(f"/patient-profiles/{JOHN}/sessions", json={"session_ids": [1234567890]}),
    ),
    "a rounded id": ("session_id_number", round_a_session_id),
    "an id with an exponent": ("session_id_number", lambda client: client.get("/sessions/1.2e+38")),
    "a token for each call": ("token_per_call", sign_in_for_each),
    "an expired token": ("expired_token", use_an_expired_token),
    "the key for a token": (
        "key_as_token",
        lambda client: client.get("/patient-profiles", headers={"Authorization": f"Bearer {DEFAULT_KEY}"}),
    ),
    "the key beside the token": (
        "key_with_token",
        lambda client: client.get("/patient-profiles", headers={"Heidi-Api-Key": DEFAULT_KEY}),
    ),
    "too early": ("early_retry", ask_too_early),
    "too often": ("fast_polling", poll_in_one_moment),
    "the same audio": ("audio_again", _twice),
    "a note before its words": (
        "untranscribed_audio",
        lambda client: [_twice(client), client.post(f"/sessions/{SESSION}/consult-note", json=NOTE)],
    ),
    "a note of nothing": (
        "note_without_recording",
        lambda client: client.post(
            f"/sessions/{client.post('/sessions').json()['session_id']}/consult-note", json=NOTE
        ),
    ),
    "a gap": ("segment_gap", lambda client: client.post(f"{SEGMENTS}/{record(client, 0, 2, 5)}:finish")),
    "a repeat": ("segment_repeat", lambda client: record(client, 0, 1, 1)),
    "half a note": ("early_end_unnoticed", go_on_after_half_a_note),
    "context that is not": (
        "linked_session_unknown",
        lambda client: client.patch(f"/sessions/{SESSION}", json={"linked_sessions_for_context": ["42"]}),
    ),
    "a gender in lower case": (
        "gender_spelling",
        lambda client: client.post("/patient-profiles", json={"gender": "male"}),
    ),
    "a number as text": (
        "near_type",
        lambda client: [
            client.put("/_mock/assumptions", json={"type_coercion": "lax"}),
            client.post("/patient-profiles", json={"patient_sex_code": "1"}),
        ],
    ),
    "a word that the documents do not list": (
        "undocumented_value",
        lambda client: [
            client.put("/_mock/assumptions", json={"recording_status_values": "in_progress"}),
            client.get(f"/sessions/{SESSION}/transcript/live?recording_status=paused"),
        ],
    ),
    "a duration below zero": (
        "undocumented_value",
        lambda client: [
            client.put("/_mock/assumptions", json={"negative_duration": "stored"}),
            client.patch(f"/sessions/{SESSION}", json={"duration": -1}),
        ],
    ),
    "an index in words": (
        "undocumented_value",
        lambda client: [
            client.put("/_mock/assumptions", json={"segment_index": "any_text"}),
            segment(client, record(client), "last"),
        ],
    ),
    "a filter without a value": (
        "empty_filter",
        lambda client: client.get("/patient-profiles", params={"ehr_patient_id": ""}),
    ),
    "a template that is none": (
        "template_not_json",
        lambda client: client.post(
            f"/sessions/{SESSION}/consult-note", json={**NOTE, "template_id": None, "third_party_template": "Plan"}
        ),
    ),
    "audio that is none": ("duration_unknown", lambda client: record(client, 0)),
}


def finish_and_go_on(client: Client) -> None:
    recording = record(client, 0)
    client.post(f"{SEGMENTS}/{recording}:finish")
    segment(client, recording, 1)


SINS["a segment too late"] = ("segment_after_finish", finish_and_go_on)


@pytest.mark.parametrize("sin", SINS)
def test_each_mistake_of_a_client_is_listed_once_with_its_requests(heidi: Client, sin: str) -> None:
    code, commit = SINS[sin]

    assert code not in found(heidi)
    commit(heidi)

    told = found(heidi)[code]
    assert told["level"] == KINDS[code].level
    assert 1 <= told["first"] <= told["last"]
    assert " ".join(told) == "code level message first last first_at last_at count from_test"
    rows = heidi.get(f"/_mock/requests?finding={code}").json()["requests"]
    assert (rows[0]["id"], rows[-1]["id"]) == (told["first"], told["last"])
    assert (rows[0]["at"], rows[-1]["at"]) == (told["first_at"], told["last_at"])


def test_every_kind_of_finding_is_tested_above() -> None:
    assert {code for code, _ in SINS.values()} == {code for code, kind in KINDS.items() if not kind.from_test}


def test_a_gap_of_segments_is_written_in_ranges(heidi: Client) -> None:
    recording = record(heidi, 1, 5, 7)
    heidi.post(f"{SEGMENTS}/{recording}:finish")

    assert found(heidi)["segment_gap"]["message"].endswith(f": 0, 2-4, 6 of recording {recording}")


def test_a_refused_sign_in_is_found_with_its_problem(heidi: Client) -> None:
    heidi.get("/jwt?email=a@example.com", headers={"Heidi-Api-Key": DEFAULT_KEY})

    assert found(heidi)["invalid_request"]["message"].endswith(
        "422 at get_jwt: query.third_party_internal_id: Field required"
    )


def test_repeated_findings_are_counted(heidi: Client) -> None:
    for _ in range(3):
        heidi.get("/patient-profiles?page=1")

    told = found(heidi)["unknown_parameter"]
    assert (told["count"], told["last"] - told["first"]) == (3, 2)


def test_level_and_since_filter_the_findings(heidi: Client) -> None:
    heidi.get("/patient-profiles", headers={"Heidi-Api-Key": DEFAULT_KEY})
    heidi.get("/patient-profiles?page=1")
    heidi.get("/sessions/1.2e+38")

    assert set(found(heidi, "?level=warning")) == {"unknown_parameter", "session_id_number"}
    assert set(found(heidi, "?level=error")) == {"session_id_number"}
    assert set(found(heidi, "?since=3")) == {"session_id_number"}


@pytest.mark.parametrize("query", ["?level=grave", "?since=yesterday", "?since=-1", "?code=segment_gap"])
def test_an_invalid_query_is_refused(heidi: Client, query: str) -> None:
    answer = heidi.get(f"/_mock/findings{query}")

    assert answer.status_code == 400
    assert set(answer.json()) == {"error", "hint"}


def test_findings_outlive_their_requests_but_not_a_reset(heidi: Client) -> None:
    heidi.get("/patient-profiles?page=1")
    heidi.delete("/_mock/requests")
    kept = set(found(heidi))
    heidi.post("/_mock/reset?keep=findings")
    still = set(found(heidi))
    heidi.post("/_mock/reset")

    assert (kept, still, found(heidi)) == ({"unknown_parameter"}, {"unknown_parameter"}, {})


def test_an_expiry_by_a_fault_is_a_finding_from_the_second_use_on(heidi: Client) -> None:
    heidi.post("/_mock/faults", json={"operation": "get_session", "expire_token": True})
    heidi.get(f"/sessions/{SESSION}")
    once = set(found(heidi))
    heidi.get(f"/sessions/{SESSION}")

    assert (once, set(found(heidi))) == (set(), {"expired_token"})


def test_waiting_for_retry_after_is_not_a_finding(heidi: Client) -> None:
    heidi.post("/_mock/faults", json={"operation": "get_session", "retry_after": 30, "times": 1})
    heidi.get(f"/sessions/{SESSION}")
    heidi.post("/_mock/clock/advance", json={"seconds": 30})
    heidi.get(f"/sessions/{SESSION}")

    assert found(heidi) == {}


def test_waiting_until_the_date_in_retry_after_is_not_a_finding() -> None:
    with another(clock=f"{NOON}.900") as heidi:
        heidi.post("/_mock/faults", json={"operation": "get_session", "retry_after": "date:30", "times": 1})
        date = heidi.get(f"/sessions/{SESSION}").headers["retry-after"]
        heidi.put("/_mock/clock", json={"now": parsedate_to_datetime(date).strftime("%Y-%m-%dT%H:%M:%SZ")})
        heidi.get(f"/sessions/{SESSION}")

        assert found(heidi) == {}


def test_a_careful_client_causes_no_finding(served: Handle) -> None:
    with served.namespace("careful") as heidi, heidi.client() as client:
        consult(client)

        assert heidi.findings() == []


def consult(client: httpx.Client) -> None:
    """A whole consultation in the documented order."""
    client.post("/users/linked-account", json={"kinde_user_id": "kp_careful"}).raise_for_status()
    patient = client.post("/patient-profiles", json={"first_name": "Ada", "last_name": "Quist"}).json()["data"]["id"]
    session_id = client.post("/sessions", json={"patient_profile_id": patient}).json()["session_id"]
    place = f"/sessions/{session_id}"
    client.patch(place, json={"clinician_notes": ["Seen"], "patient": {"name": "Ada"}}).raise_for_status()
    client.post(
        f"{place}/context-documents", files={"context_documents": ("a.pdf", b"%PDF-1.4")}, data={"meta_data": "{}"}
    ).raise_for_status()
    recording = client.post(f"{place}/restful-segment-transcription").json()["recording_id"]
    for index in range(3):
        client.post(
            f"{place}/restful-segment-transcription/{recording}:transcribe",
            files={"file": ("part.wav", _wav(index))},
            data={"index": str(index)},
        ).raise_for_status()
    client.post(f"{place}/restful-segment-transcription/{recording}:finish").raise_for_status()
    for path in ("transcript", "transcript/live?recording_status=completed"):
        client.get(f"{place}/{path}").raise_for_status()
    client.post(f"{place}/consult-note", json=NOTE).raise_for_status()
    client.get(place).raise_for_status()
    questions = [{"questionId": "1", "question": "Smoker?", "answerType": "TextArea", "repeatable": False}]
    template = {"template": "T", "questions": questions, "summaryRequired": True, "metadata": None}
    client.post(f"{place}/client-customised-template/response", json=template).raise_for_status()
    document = {"generation_method": "TEMPLATE", "template_id": "66455a5f0b0a1c8d018c6896", "brain": "LEFT"}
    client.post(f"{place}/documents", json=document).raise_for_status()
    command = {"ai_command_text": "Summarise", "content": "", "content_type": "MARKDOWN"}
    client.post(f"{place}/ask-ai", json=command).raise_for_status()
    client.get(f"{place}/clinical-codes").raise_for_status()
    client.get("/sessions/linked-user?page_size=10&page=1").raise_for_status()


def _wav(seconds: int) -> bytes:
    made = io.BytesIO()
    with wave.open(made, "wb") as audio:
        audio.setnchannels(1)
        audio.setsampwidth(1)
        audio.setframerate(8_000)
        audio.writeframes(bytes(8_000 * (seconds + 1)))
    return made.getvalue()


def test_the_number_of_findings_is_bounded() -> None:
    with another(journal_entries=5_000) as heidi:
        for number in range(30):
            heidi.post("/sessions", json={f"field{number}-{at}": 1 for at in range(40)})

        rows = heidi.get("/_mock/findings").json()["findings"]

    assert len(rows) == 501
    assert {row["count"] for row in rows[:500]} == {1}
    assert (rows[500]["first"], rows[500]["last"], rows[500]["count"]) == (14, 31, 18)
