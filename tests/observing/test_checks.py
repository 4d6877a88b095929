"""The exact thresholds of findings, and clients without mistakes."""

import json
from typing import Any

import pytest
from clients import JOHN, Client
from helpers import KEY_TWO, SESSION, in_one_moment

from mock_heidi.base.settings import DEFAULT_KEY
from mock_heidi.observing.checks.pace import FAST
from mock_heidi.observing.checks.sign_in import MARGIN, SIGN_INS

PLACE = f"/sessions/{SESSION}"
SEGMENTS = f"{PLACE}/restful-segment-transcription"
LIFETIME = 3_600
NOTE = {
    "generation_method": "TEMPLATE",
    "template_id": "659b8042fe093d6592b41ef7",
    "addition": "",
    "voice_style": "GOLDILOCKS",
}
AUDIO = {"file": ("a.wav", b"no audio", "audio/wav")}


def codes(client: Client) -> list[str]:
    return [row["code"] for row in findings(client)]


def findings(client: Client) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = client.get("/_mock/findings").json()["findings"]
    return rows


def messages(client: Client, code: str) -> list[str]:
    """The text after the colon of each finding of that code."""
    return [row["message"].partition(": ")[2] for row in findings(client) if row["code"] == code]


def advance(client: Client, seconds: float) -> None:
    client.post("/_mock/clock/advance", json={"seconds": seconds}).raise_for_status()


def fault(client: Client, rule: str) -> None:
    client.post("/_mock/faults", json=rule).raise_for_status()


# --- Tokens -----------------------------------------------------------------------------------------------------------


def call_with_new_tokens(client: Client, times: int, uses: int = 1, apart: float = 0, **who: str) -> None:
    """Sign in and use the token ``times`` times, ``apart`` seconds after each other."""
    for number in range(times):
        if number:
            advance(client, apart)
        client.sign_in(**who)
        for _ in range(uses):
            client.get(PLACE)


def test_token_per_call_is_found_from_the_fourth_sign_in_on(heidi: Client) -> None:
    call_with_new_tokens(heidi, SIGN_INS)
    before = codes(heidi)
    heidi.sign_in()

    assert (before, codes(heidi)) == ([], ["token_per_call"])


@pytest.mark.parametrize("uses", [0, 2])
def test_a_token_that_is_used_twice_or_never_is_not_token_per_call(heidi: Client, uses: int) -> None:
    call_with_new_tokens(heidi, 9, uses)

    assert codes(heidi) == []


def test_a_token_that_is_used_twice_restarts_the_count(heidi: Client) -> None:
    call_with_new_tokens(heidi, SIGN_INS)
    heidi.get(PLACE)
    call_with_new_tokens(heidi, SIGN_INS)

    assert codes(heidi) == []


@pytest.mark.parametrize(("left", "found"), [(1, ["token_per_call"]), (0, [])])
def test_only_a_renewal_long_before_the_expiry_is_a_finding(heidi: Client, left: int, found: list[str]) -> None:
    call_with_new_tokens(heidi, 6, apart=LIFETIME - MARGIN / 1_000 - left)

    assert codes(heidi) == found


@pytest.mark.parametrize("late", [LIFETIME, LIFETIME - 60, 2 * LIFETIME])
def test_a_renewal_at_the_expiry_is_not_a_finding(heidi: Client, late: float) -> None:
    call_with_new_tokens(heidi, 6, apart=late)

    assert codes(heidi) == []


@pytest.mark.parametrize("effect", ["revoke_token=true", "expire_token=true", "status=401", "error=InvalidTokenError"])
def test_a_renewal_after_a_refusal_is_not_a_finding(heidi: Client, effect: str) -> None:
    fault(heidi, f"get_session:{effect}")
    call_with_new_tokens(heidi, 6)

    assert codes(heidi) == []


def test_sign_ins_are_counted_for_each_user(heidi: Client) -> None:
    for _ in range(SIGN_INS):
        for who in ({}, {"email": "ada@example.com"}, {"third": "ada"}, {"key": KEY_TWO}):
            heidi.sign_in(**who)
            heidi.get("/patient-profiles")

    assert codes(heidi) == []


def test_a_token_sent_with_a_sign_in_is_not_used(heidi: Client) -> None:
    query = {"email": "ada@example.com", "third_party_internal_id": "1"}
    token = ""
    for _ in range(SIGN_INS + 1):
        headers = {"Heidi-Api-Key": DEFAULT_KEY, "Authorization": f"Bearer {token}"}
        token = heidi.request("GET", "/jwt", params=query, headers=headers).json()["token"]
        heidi.get(PLACE, headers={"Authorization": f"Bearer {token}"})

    assert codes(heidi) == ["token_per_call"]


def test_a_token_without_an_expiry_may_be_fetched_each_time(heidi: Client) -> None:
    fault(heidi, "get_jwt:drop_key=expiration_time")
    call_with_new_tokens(heidi, 6)

    assert codes(heidi) == []


def test_an_expired_token_is_found_even_if_a_fault_changes_the_answer(heidi: Client) -> None:
    heidi.token()
    advance(heidi, LIFETIME)
    fault(heidi, "get_session:media_type=text/plain")
    heidi.get(PLACE)

    assert codes(heidi) == ["expired_token"]


# --- Keys and users ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("credential", "found"),
    [
        (f"Bearer {DEFAULT_KEY}", ["key_as_token"]),
        (f"Bearer {DEFAULT_KEY}.checkout", ["key_as_token"]),
        (DEFAULT_KEY, ["key_as_token"]),
        (f"Bearer not-{DEFAULT_KEY}", []),
        (f"Bearer {DEFAULT_KEY}-of-nobody", []),
        ("Bearer", []),
    ],
)
def test_only_a_real_api_key_counts_as_one(heidi: Client, credential: str, found: list[str]) -> None:
    heidi.get(PLACE, headers={"Authorization": credential})

    assert codes(heidi) == found


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ({}, "key_without_token"),
        ({"Authorization": "Bearer"}, "key_without_token"),
        ({"Authorization": "Bearer "}, "key_without_token"),
        ({"Authorization": "Bearer x"}, "key_with_token"),
    ],
)
def test_a_key_without_a_token_is_worse_than_one_beside_it(heidi: Client, headers: dict[str, str], found: str) -> None:
    heidi.request("GET", PLACE, signed=False, headers={"Heidi-Api-Key": DEFAULT_KEY, **headers})

    assert codes(heidi) == [found]


@pytest.mark.parametrize(
    ("email", "problem"),
    [
        ("nobody", "it has no @"),
        ("", "it has no @"),
        (" ada@example.com", "it begins or ends with a blank"),
        ("ada@example.com\n", "it begins or ends with a blank"),
        ("ada quist@example.com", "it contains a blank; send a + in a query as %2B"),
    ],
)
def test_an_invalid_address_is_found_and_not_repeated(heidi: Client, email: str, problem: str) -> None:
    heidi.sign_in(email=email)

    assert messages(heidi, "invalid_email") == [problem]


@pytest.mark.parametrize("who", [{"email": "ada+quist@example.com"}, {"third": "0"}, {"third": "a b"}])
def test_an_ordinary_user_causes_no_finding(heidi: Client, who: dict[str, str]) -> None:
    heidi.sign_in(**who)

    assert codes(heidi) == []


@pytest.mark.parametrize("third", ["", " ", "\t"])
def test_an_id_of_blanks_counts_as_empty(heidi: Client, third: str) -> None:
    heidi.sign_in(third=third)

    assert codes(heidi) == ["empty_third_party_id"]


# --- Paths ------------------------------------------------------------------------------------------------------------


def test_an_unknown_path_is_one_finding_for_all_sessions(heidi: Client) -> None:
    for session_id in ("1", SESSION, JOHN, "5f0c7f1e-0000-4000-8000-000000000000"):
        heidi.get(f"/sessions/{session_id}/coding")
    (found,) = findings(heidi)

    assert found["message"].endswith(
        ": GET /sessions/{id}/coding (there is no such path; the nearest is GET /sessions/{session_id}/clinical-codes)"
    )
    assert found["count"] == 4


def test_an_unknown_method_is_found_with_the_right_one(heidi: Client) -> None:
    heidi.put(PLACE, json={})

    assert messages(heidi, "unknown_path")[0].startswith("PUT /sessions/{id} (use PATCH")


def test_the_finding_of_an_unknown_path_is_short_and_without_secrets(heidi: Client) -> None:
    heidi.get(f"/nothing/{heidi.token()}")
    heidi.get(f"/nothing/{DEFAULT_KEY}")
    heidi.get("/" + "x" * 5_000)
    text = heidi.get("/_mock/findings").text

    assert heidi.token() not in text
    assert DEFAULT_KEY not in text
    assert len(text) < 1_500
    assert text.count("(there is no such path: mock-heidi routes lists them)") == len(findings(heidi))


@pytest.mark.parametrize(
    ("method", "path", "headers", "found"),
    [
        ("GET", "/logo.png", {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}, []),
        ("GET", "/", {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "cross-site"}, []),
        ("OPTIONS", "/sessions", {"Origin": "http://localhost:3000", "Access-Control-Request-Method": "PUT"}, []),
        ("GET", "/nothing", {"Host": "evil.example"}, []),
        ("GET", "/nothing", {"Sec-Fetch-Mode": "cors"}, ["unknown_path"]),
        ("OPTIONS", "/sessions", {}, ["unknown_path"]),
    ],
)
def test_requests_of_the_browser_itself_cause_no_finding(
    heidi: Client, method: str, path: str, headers: dict[str, str], found: list[str]
) -> None:
    heidi.request(method, path, signed=False, headers=headers)

    assert codes(heidi) == found


# --- What was refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/sessions/77", "/patient-profiles/" + "f" * 24])
def test_an_unknown_id_is_not_an_invalid_request(heidi: Client, path: str) -> None:
    assert heidi.get(path).status_code == 404
    assert codes(heidi) == []


@pytest.mark.parametrize(
    "rule", ["status=422", "status=400", "error=UnprocessableError", "error=RecordingFinishedError"]
)
def test_a_refusal_by_a_fault_is_not_a_finding(heidi: Client, rule: str) -> None:
    fault(heidi, f"get_session:{rule}")

    assert heidi.get(PLACE).status_code in (400, 422)
    assert codes(heidi) == []


def test_a_mistake_in_x_mock_fault_is_not_a_finding(heidi: Client) -> None:
    assert heidi.get(PLACE, headers={"X-Mock-Fault": "nonsense"}).status_code == 400
    assert codes(heidi) == []


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("media_type=text/plain", ": body.email: Input should be a valid string"),
        ("null_key=detail", ""),
        ("wrong_type=detail", ""),
        ("wrong_type=detail.*.loc", ": : Input should be a valid string"),
        ("empty=true", ""),
    ],
)
def test_a_refusal_is_found_even_if_a_fault_changes_the_answer(heidi: Client, rule: str, said: str) -> None:
    fault(heidi, f"create_patient_profile:{rule}")
    heidi.post("/patient-profiles", json={"email": 1})

    (row,) = findings(heidi)
    assert row["message"].endswith(f"422 at create_patient_profile{said}")


def test_each_bad_field_is_one_finding_for_all_items_of_a_list(heidi: Client) -> None:
    heidi.patch(PLACE, json={"clinician_notes": [1, 2, 3], "duration": "long"})

    assert sorted(messages(heidi, "invalid_request")) == [
        "422 at update_session: body.clinician_notes.*: Input should be a valid string",
        "422 at update_session: body.duration: Input should be a valid number",
    ]
    assert [row["count"] for row in findings(heidi)] == [1, 1]


def test_a_segment_after_the_finish_is_one_finding(heidi: Client) -> None:
    recording = heidi.post(SEGMENTS).json()["recording_id"]
    heidi.post(f"{SEGMENTS}/{recording}:finish")
    heidi.post(f"{SEGMENTS}/{recording}:transcribe", files=AUDIO, data={"index": "0"})

    assert codes(heidi) == ["segment_after_finish"]


# --- Bodies -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("media_type", "said"),
    [
        ("application/json", []),
        ("Application/JSON; charset=utf-8", []),
        ("application/vnd.partner+json", []),
        ("text/plain; charset=utf-8", ["create_session with text/plain"]),
        ("application/x-www-form-urlencoded", ["create_session with application/x-www-form-urlencoded"]),
        (None, ["create_session with no content type"]),
    ],
)
def test_json_needs_its_content_type(heidi: Client, media_type: str | None, said: list[str]) -> None:
    headers = {} if media_type is None else {"Content-Type": media_type}
    heidi.post("/sessions", content=json.dumps({"ehr_appointment_id": "1"}), headers=headers)

    assert messages(heidi, "json_content_type") == said


def test_no_body_needs_no_content_type(heidi: Client) -> None:
    heidi.post("/sessions", headers={"Content-Type": "application/x-www-form-urlencoded"})
    heidi.post(SEGMENTS, headers={"Content-Type": "text/plain"})

    assert codes(heidi) == []


def test_a_custom_template_may_contain_any_number(heidi: Client) -> None:
    heidi.post(f"{PLACE}/consult-note", json=NOTE)
    heidi.post(f"{PLACE}/client-customised-template/response", json={"questions": [], "session_ids": [5]})

    assert "session_id_number" not in codes(heidi)


def test_a_request_that_shows_the_same_thing_twice_counts_once(heidi: Client) -> None:
    for _ in range(2):
        heidi.post(f"/patient-profiles/{JOHN}/sessions", json={"session_ids": [1234567890, 1234567890]})
    (found,) = [row for row in findings(heidi) if row["code"] == "session_id_number"]

    assert (found["count"], found["last"] - found["first"]) == (2, 1)


def test_a_request_with_a_reused_id_after_a_reset_counts(heidi: Client) -> None:
    heidi.token()
    for _ in range(2):
        heidi.post("/_mock/reset?keep=findings")
        heidi.get("/patient-profiles?page=1")
    (found,) = findings(heidi)

    assert (found["first"], found["last"], found["count"]) == (1, 1, 2)


# --- Pace -------------------------------------------------------------------------------------------------------------


def test_the_eleventh_poll_in_a_second_is_one_too_many(heidi: Client) -> None:
    with in_one_moment():
        for _ in range(FAST):
            heidi.get(f"{PLACE}/transcript")
        before = codes(heidi)
        heidi.get(f"{PLACE}/transcript")

    assert (before, codes(heidi)) == ([], ["fast_polling"])


def test_polls_between_which_the_clock_is_advanced_are_slow(heidi: Client) -> None:
    with in_one_moment():
        for _ in range(2 * FAST):
            heidi.get(f"{PLACE}/transcript")
            advance(heidi, 5)

    assert codes(heidi) == []


def test_polls_are_counted_for_each_user(heidi: Client) -> None:
    for who in ("ada@example.com", "eve@example.com"):
        heidi.sign_in(email=who)
        with in_one_moment():
            for _ in range(FAST):
                heidi.get(f"{PLACE}/transcript")

    assert codes(heidi) == []


def test_retry_after_binds_only_the_user_who_got_it(heidi: Client) -> None:
    fault(heidi, "get_jwt:retry_after=30,times=1")
    fault(heidi, "get_session:retry_after=30,times=1")
    query = {"email": "ada@example.com", "third_party_internal_id": "1"}
    refused = heidi.request("GET", "/jwt", signed=False, params=query, headers={"Heidi-Api-Key": DEFAULT_KEY})
    heidi.sign_in(email="eve@example.com")
    told = heidi.get(PLACE)
    heidi.sign_in(email="bob@example.com")
    heidi.get(PLACE)

    assert (refused.status_code, told.status_code) == (429, 429)
    assert codes(heidi) == []


# --- Recordings and audio ---------------------------------------------------------------------------------------------


def record(client: Client, *, finish: bool, place: str = SEGMENTS) -> str:
    recording = str(client.post(place).json()["recording_id"])
    client.post(f"{place}/{recording}:transcribe", files={"file": ("a.wav", b"no audio")}, data={"index": "0"})
    if finish:
        client.post(f"{place}/{recording}:finish")
    return recording


POSTED: dict[str, tuple[str, dict[str, Any]]] = {
    "note": ("consult-note", NOTE),
    "document": ("documents", {"generation_method": "TEMPLATE", "template_id": "66455a5f0b0a1c8d018c6896"}),
    "question": ("ask-ai", {"ai_command_text": "Summarise", "content": "", "content_type": "MARKDOWN"}),
    "form": ("client-customised-template/response", {"questions": []}),
    "another recording": ("restful-segment-transcription", {}),
}


def use(client: Client, how: str) -> None:
    if how in POSTED:
        path, body = POSTED[how]
        answer = client.post(f"{PLACE}/{path}", json=body)
    else:
        answer = client.get(f"{PLACE}/{how}")
    assert answer.status_code == 200, answer.text


def unfinished(client: Client) -> list[str]:
    return messages(client, "recording_unfinished")


@pytest.mark.parametrize("how", [*POSTED, "clinical-codes", "transcript/live?recording_status=completed"])
def test_a_recording_must_be_finished_before_it_is_used(heidi: Client, how: str) -> None:
    record(heidi, finish=True)
    use(heidi, "note")
    use(heidi, how)
    before = unfinished(heidi)
    recording = record(heidi, finish=False)
    use(heidi, how)

    assert (before, unfinished(heidi)) == ([], [f"{recording} of session {SESSION}"])


@pytest.mark.parametrize("how", ["transcript", "transcript/live", "transcript/live?recording_status=in_progress"])
def test_an_unfinished_recording_may_be_read(heidi: Client, how: str) -> None:
    record(heidi, finish=False)
    use(heidi, how)

    assert unfinished(heidi) == []


def test_a_refused_request_does_not_use_a_recording(heidi: Client) -> None:
    record(heidi, finish=False)
    fault(heidi, "ask_ai:status=503")
    heidi.post(f"{PLACE}/ask-ai", json=POSTED["question"][1])

    assert unfinished(heidi) == []


def test_a_recording_without_a_segment_need_not_be_finished(heidi: Client) -> None:
    heidi.post(SEGMENTS)
    heidi.post(f"{SEGMENTS}/999:transcribe", files={"file": ("a.wav", b"no audio")}, data={"index": "0"})
    heidi.post(f"{SEGMENTS}/999:finish")
    use(heidi, "note")

    assert unfinished(heidi) == []


def test_a_refused_finish_does_not_count(heidi: Client) -> None:
    fault(heidi, "finish_recording:status=503,times=1")
    recording = record(heidi, finish=True)
    use(heidi, "note")
    refused = unfinished(heidi)
    heidi.post(f"{SEGMENTS}/{recording}:finish")
    use(heidi, "document")

    assert (refused, [row["count"] for row in findings(heidi) if row["code"] == "recording_unfinished"]) == (
        [f"{recording} of session {SESSION}"],
        [1],
    )


def test_a_finished_recording_stays_finished(heidi: Client) -> None:
    recording = record(heidi, finish=True)
    fault(heidi, "finish_recording:status=503,times=1")
    heidi.post(f"{SEGMENTS}/{recording}:finish")
    heidi.post(f"{SEGMENTS}/{recording}:transcribe", files={"file": ("a.wav", b"no audio")}, data={"index": "1"})
    use(heidi, "note")

    assert unfinished(heidi) == []


def test_the_recording_of_another_session_need_not_be_finished(heidi: Client) -> None:
    other = heidi.post("/sessions").json()["session_id"]
    record(heidi, finish=False, place=f"/sessions/{other}/restful-segment-transcription")
    use(heidi, "note")

    assert unfinished(heidi) == []


@pytest.mark.parametrize(
    ("times", "found"),
    [
        ({}, ["duration_unknown"]),
        ({"start_time": "2025-01-06T12:00:00Z"}, ["duration_unknown"]),
        ({"start_time": "2025-01-06T12:00:00Z", "end_time": "2025-01-06T12:01:00Z"}, []),
    ],
)
def test_audio_with_given_times_has_a_duration(heidi: Client, times: dict[str, str], found: list[str]) -> None:
    heidi.post(f"{PLACE}/upload-audio", files=AUDIO, data=times)

    assert codes(heidi) == found
    assert [row["level"] for row in findings(heidi)] == ["info"] * len(found)
