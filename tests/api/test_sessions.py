"""Sessions.

- ``POST /sessions`` → ``{"session_id": "<decimal digits of a UUID v4>"}``, with or without a body.
- ``GET /sessions/{session_id}`` → ``{"session": {session_id, session_name, patient {name, gender, dob}, audio,
  clinician_notes, consult_note, duration, created_at, updated_at, language_code, output_language_code, documents,
  ehr_appt_id, ehr_provider, ehr_patient_id}}``.
- ``PATCH /sessions/{session_id}`` → the same without ``audio``, and with ``linked_sessions_for_context`` at the end
  once it was set.
"""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from clients import JOHN, Client
from helpers import (
    KEY_TWO,
    NOON_STAMP,
    PROFILE_NOT_FOUND,
    SESSION,
    SESSION_NOT_FOUND,
    UNKNOWN_ID,
    another,
    answered,
    settled,
    wire,
)

PATH = f"/sessions/{SESSION}"
BENEDIKTA = "66fa5f7afdb1917978595197"
BENEDIKTAS_SESSION = "39711212911538711603603631948099777679"
NAMELESS = "677b20c4a69ffb7f1d80ffd5"
JOHNS_PATIENT = {"name": "John Doe", "gender": "MALE", "dob": "1990-01-15"}
NO_PATIENT = {"name": "", "gender": None, "dob": None}

# The documented session, as GET shows it.
DOCUMENTED: dict[str, Any] = {
    "session_id": SESSION,
    "session_name": "Session 123",
    "patient": NO_PATIENT,
    "audio": [],
    "clinician_notes": [],
    "consult_note": {
        "status": "CREATED",
        "result": "Consult note content...",
        "heading": "Note",
        "brain": "RIGHT",
        "voice_style": None,
        "generation_method": "TEMPLATE",
        "template_id": None,
        "ai_command_id": None,
        "ai_command_text": None,
        "feedback": None,
        "dictation_cleanup_mode": None,
    },
    "duration": 16,
    "created_at": "2024-12-11T03:57:57.921000",
    "updated_at": "2024-12-11T23:41:54.138000",
    "language_code": "en",
    "output_language_code": "en",
    "documents": None,
    "ehr_appt_id": None,
    "ehr_provider": "EHR Provider Name",
    "ehr_patient_id": None,
}


def new(session_id: str, **own: Any) -> dict[str, Any]:
    """A session without a past, as GET shows it."""
    return {
        **DOCUMENTED,
        "session_id": session_id,
        "session_name": "Session 31",
        "consult_note": None,
        "duration": 0,
        "created_at": NOON_STAMP,
        "updated_at": NOON_STAMP,
        "ehr_provider": "Heidi",
        **own,
    }


def created(client: Client, **fields: Any) -> str:
    session_id: str = client.post("/sessions", json=fields).json()["session_id"]
    return session_id


def stored(client: Client, session_id: str = SESSION) -> dict[str, Any]:
    [found] = [row for row in client.state()["sessions"] if row["session_id"] == session_id]
    return dict(found)


def shown(client: Client, session_id: str = SESSION) -> dict[str, Any]:
    session: dict[str, Any] = client.get(f"/sessions/{session_id}").json()["session"]
    return session


@pytest.fixture
def second(heidi: Client) -> Iterator[Client]:
    """A client of the same application that holds the other API key."""
    client = Client(heidi.app)
    client.sign_in(key=KEY_TWO)
    yield client
    client.close()


# --- Create -----------------------------------------------------------------------------------------------------------

JSON, FORM = {"Content-Type": "application/json"}, {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"headers": JSON},
        {"headers": FORM},
        {"headers": {"Content-Type": "multipart/form-data; boundary=x"}},
        {"content": b"{}", "headers": JSON},
        {"content": b"{}", "headers": FORM},
        {"content": b"{}"},
        {"content": b"null"},
        {"content": b' {"session_name": "mine", "duration": "x", "patient": 5} '},
        {"content": b'{"patient_profile_id": null, "ehr_appointment_id": null}'},
        {"content": b'\xef\xbb\xbf{"unknown": [1, {"deep": null}]}'},
    ],
    ids=str,
)
def test_a_session_begins_with_whatever_body_names_nothing(heidi: Client, options: dict[str, Any]) -> None:
    answer = heidi.post("/sessions", **options)

    session_id = answer.json()["session_id"]
    assert answered(answer) == (200, wire({"session_id": session_id}))
    assert answered(heidi.get(f"/sessions/{session_id}")) == (200, wire({"session": new(session_id)}))


def test_an_id_is_the_decimal_text_of_a_random_uuid(heidi: Client) -> None:
    made = [created(heidi) for _ in range(200)]

    assert {uuid.UUID(int=int(session_id)).version for session_id in made} == {4}
    assert [str(int(session_id)) for session_id in made] == made
    assert len(set(made)) == 200


def test_a_new_session_is_kept_whole(heidi: Client) -> None:
    made = created(heidi, patient_profile_id=JOHN, ehr_appointment_id="EHR1234")

    assert stored(heidi, made) == {
        "session_id": made,
        "managed_by": JOHN,
        "created_by": {"email": "test@heidihealth.com", "third_party_internal_id": "123"},
        "patient_profile_id": JOHN,
        "session_name": "Session 31",
        "patient": {**NO_PATIENT, "demographic_details": None},
        "clinician_notes": [],
        "consult_note": None,
        "duration": 0,
        "language_code": "en",
        "output_language_code": "en",
        "ehr_appt_id": "EHR1234",
        "ehr_provider": "Heidi",
        "ehr_patient_id": None,
        "linked_sessions_for_context": None,
        "transcribe_mode": None,
        "generate_output_without_recording": None,
        "recording_status": None,
        "session_status": None,
        "is_consent": None,
        "created_time_local": None,
        "consultation": None,
        "transcript": None,
        "audio": [],
        "recordings": [],
        "context_documents": [],
        "documents": [],
        "note_id": None,
        "note_begun_at": None,
        "note_reads": 0,
        "note_sources": None,
        "created_at": NOON_STAMP,
        "updated_at": NOON_STAMP,
    }


def test_names_count_the_sessions_of_the_key(heidi: Client, second: Client) -> None:
    names = [shown(client, created(client))["session_name"] for client in (heidi, heidi, second)]

    assert names == ["Session 31", "Session 32", "Session 2"]


def test_the_requests_ehr_appointment_id_is_the_answers_ehr_appt_id(heidi: Client) -> None:
    made = created(heidi, ehr_appointment_id="A1", ehr_appt_id="not this one")

    assert answered(heidi.get(f"/sessions/{made}")) == (200, wire({"session": new(made, ehr_appt_id="A1")}))


@pytest.mark.parametrize("profile_id", [UNKNOWN_ID, "no id", "", BENEDIKTA])
def test_a_session_for_nobody_is_refused(heidi: Client, profile_id: str) -> None:
    before = settled(heidi)

    answer = heidi.post("/sessions", json={"patient_profile_id": profile_id})

    assert answered(answer) == (404, wire(PROFILE_NOT_FOUND))
    assert heidi.state() == before


def test_new_ids_never_take_the_place_of_records_that_the_same_seed_made(heidi: Client) -> None:
    made = created(heidi)
    recorded = heidi.state()

    with another(fixtures=recorded) as replayed:
        again = created(replayed)
        count = len(replayed.state()["sessions"])

    assert again != made
    assert count == len(recorded["sessions"]) + 1


# --- Read -------------------------------------------------------------------------------------------------------------


def test_get_answers_the_documented_session(heidi: Client) -> None:
    assert answered(heidi.get(PATH)) == (200, wire({"session": DOCUMENTED}))


@pytest.mark.parametrize("session_id", ["99", "0", "01234567890", "no id", "a:b", UNKNOWN_ID, "9" * 60])
@pytest.mark.parametrize("method", ["GET", "PATCH"])
def test_an_id_of_no_session_is_not_found(heidi: Client, session_id: str, method: str) -> None:
    before = settled(heidi)

    answer = heidi.request(method, f"/sessions/{session_id}", json={"duration": 5} if method == "PATCH" else None)

    assert answered(answer) == (404, wire(SESSION_NOT_FOUND))
    assert heidi.state() == before


def test_each_key_sees_its_own_sessions_only(heidi: Client, second: Client) -> None:
    assert answered(second.get(PATH)) == (404, wire(SESSION_NOT_FOUND))
    assert answered(heidi.get(f"/sessions/{BENEDIKTAS_SESSION}")) == (404, wire(SESSION_NOT_FOUND))
    assert shown(second, BENEDIKTAS_SESSION)["session_name"] == "Hand eczema"


def test_the_provider_is_the_keys_own(second: Client) -> None:
    made = created(second)

    expected = new(made, session_name="Session 2", ehr_provider="Northside EHR")
    assert answered(second.get(f"/sessions/{made}")) == (200, wire({"session": expected}))


def test_two_users_of_a_key_see_the_same_session(heidi: Client) -> None:
    made = created(heidi)
    mine = answered(heidi.get(f"/sessions/{made}"))

    heidi.sign_in(email="colleague@example.org", third="other")

    assert answered(heidi.get(f"/sessions/{made}")) == mine


# --- What it shows of its patient -------------------------------------------------------------------------------------


def test_a_linked_session_shows_its_profile(heidi: Client) -> None:
    made = created(heidi, patient_profile_id=JOHN)

    expected = new(made, patient=JOHNS_PATIENT, ehr_patient_id="EHR123456")
    assert answered(heidi.get(f"/sessions/{made}")) == (200, wire({"session": expected}))
    patched = {name: value for name, value in expected.items() if name != "audio"}
    assert answered(heidi.patch(f"/sessions/{made}", json={})) == (200, wire({"session": patched}))


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ({"name": "Johnny"}, {**JOHNS_PATIENT, "name": "Johnny"}),
        ({"gender": "OTHER"}, {**JOHNS_PATIENT, "gender": "OTHER"}),
        ({"dob": "1991-01-01"}, {**JOHNS_PATIENT, "dob": "1991-01-01"}),
        ({"name": "", "gender": None}, JOHNS_PATIENT),
    ],
)
def test_what_a_session_says_itself_goes_before_its_profile(
    heidi: Client, own: dict[str, Any], expected: dict[str, Any]
) -> None:
    made = created(heidi, patient_profile_id=JOHN)

    answer = heidi.patch(f"/sessions/{made}", json={"patient": own})

    assert answer.json()["session"]["patient"] == shown(heidi, made)["patient"] == expected


def test_its_own_ehr_patient_id_goes_before_the_profiles(heidi: Client) -> None:
    made = created(heidi, patient_profile_id=JOHN)

    heidi.patch(f"/sessions/{made}", json={"ehr_patient_id": ""})

    assert shown(heidi, made)["ehr_patient_id"] == ""


def test_a_session_follows_its_profile(heidi: Client) -> None:
    made = created(heidi, patient_profile_id=JOHN)

    heidi.patch(f"/patient-profiles/{JOHN}", json={"last_name": None, "gender": "OTHER", "birth_date": None})
    linked = shown(heidi, made)["patient"]
    heidi.delete("/patient-profiles:batch-delete", json={"patient_profile_ids": [JOHN]})

    assert linked == {"name": "John", "gender": "OTHER", "dob": None}
    assert answered(heidi.get(f"/sessions/{made}")) == (200, wire({"session": new(made)}))


def test_a_profile_without_a_name_gives_none(heidi: Client) -> None:
    made = created(heidi, patient_profile_id=NAMELESS)

    assert shown(heidi, made)["patient"] == NO_PATIENT


# --- Update -----------------------------------------------------------------------------------------------------------


def test_update_answers_the_documented_keys_in_order_without_audio(heidi: Client) -> None:
    answer = heidi.patch(
        PATH,
        json={
            "duration": 60,
            "language_code": "en",
            "output_language_code": "en",
            "patient": {"name": "John Doe", "gender": "MALE", "dob": "1990-01-01"},
            "clinician_notes": ["Note 1", "Note 2"],
            "generate_output_without_recording": False,
        },
    )

    changed = {
        **DOCUMENTED,
        "patient": {"name": "John Doe", "gender": "MALE", "dob": "1990-01-01"},
        "clinician_notes": ["Note 1", "Note 2"],
        "duration": 60,
        "updated_at": NOON_STAMP,
    }
    del changed["audio"]
    assert answered(answer) == (200, wire({"session": changed}))


# Each documented field, a value for it, and what it was before it was ever set.
FIELDS: dict[str, tuple[Any, Any]] = {
    "duration": (61.5, 0),
    "language_code": ("es", "en"),
    "output_language_code": ("de", "en"),
    "transcribe_mode": ("dictate", None),
    "patient": (
        {"name": "N", "gender": "OTHER", "dob": "2000-01-02", "demographic_details": "D"},
        {**NO_PATIENT, "demographic_details": None},
    ),
    "clinician_notes": (["**one**", ""], []),
    "ehr_patient_id": ("P", None),
    "ehr_appt_id": ("A", None),
    "generate_output_without_recording": (True, None),
    "recording_status": ("paused", None),
    "session_status": ("open", None),
    "is_consent": (False, None),
    "created_time_local": ("2025-01-06T20:00:00+08:00", None),
    "linked_sessions_for_context": (["1234567891", "1234567892"], None),
}
EVERYTHING = {name: value for name, (value, _) in FIELDS.items()}


@pytest.mark.parametrize("field", list(FIELDS))
def test_update_changes_only_the_field_sent_and_the_time(heidi: Client, field: str) -> None:
    before = settled(heidi)
    value, _ = FIELDS[field]

    answer = heidi.patch(PATH, json={field: value})

    expected = [
        {**row, field: value, "updated_at": NOON_STAMP} if row["session_id"] == SESSION else row
        for row in before["sessions"]
    ]
    assert answer.status_code == 200
    assert heidi.state() == {**before, "sessions": expected}


@pytest.mark.parametrize("field", list(FIELDS))
def test_null_puts_a_fields_default_back(heidi: Client, field: str) -> None:
    heidi.patch(PATH, json=EVERYTHING)
    before = stored(heidi)

    answer = heidi.patch(PATH, json={field: None})

    _, default = FIELDS[field]
    assert answer.status_code == 200
    assert stored(heidi) == {**before, field: default}
    assert before[field] != default


@pytest.mark.parametrize(
    ("field", "value", "default"),
    [
        ("name", "Else", ""),
        ("gender", "FEMALE", None),
        ("dob", "1999-12-31", None),
        ("demographic_details", "Other", None),
    ],
)
def test_a_part_of_the_patient_leaves_the_others(heidi: Client, field: str, value: str, default: Any) -> None:
    heidi.patch(PATH, json=EVERYTHING)

    heidi.patch(PATH, json={"patient": {field: value}})
    changed = stored(heidi)["patient"]
    heidi.patch(PATH, json={"patient": {field: None}})

    assert changed == {**EVERYTHING["patient"], field: value}
    assert stored(heidi)["patient"] == {**EVERYTHING["patient"], field: default}


def test_clinician_notes_are_replaced_as_a_whole(heidi: Client) -> None:
    heidi.patch(PATH, json={"clinician_notes": ["one", "two"]})

    answer = heidi.patch(PATH, json={"clinician_notes": ["three"]})

    assert answer.json()["session"]["clinician_notes"] == shown(heidi)["clinician_notes"] == ["three"]


@pytest.mark.parametrize("ids", [["1234567891", "1234567892"], [SESSION], []])
def test_linked_sessions_are_shown_once_set_and_by_updates_alone(heidi: Client, ids: list[str]) -> None:
    never = heidi.patch(PATH, json={})
    answer = heidi.patch(PATH, json={"linked_sessions_for_context": ids})
    later = heidi.patch(PATH, json={"duration": 16})
    cleared = heidi.patch(PATH, json={"linked_sessions_for_context": None})

    bare = {name: value for name, value in {**DOCUMENTED, "updated_at": NOON_STAMP}.items() if name != "audio"}
    echoing = {**bare, "linked_sessions_for_context": ids}
    assert [found.text for found in (never, answer, later, cleared)] == [
        wire({"session": session}) for session in (bare, echoing, echoing, bare)
    ]
    assert "linked_sessions_for_context" not in shown(heidi)


def test_an_empty_update_changes_nothing_but_the_time(heidi: Client) -> None:
    before = stored(heidi)

    answer = heidi.patch(PATH, json={})

    assert answer.status_code == 200
    assert stored(heidi) == {**before, "updated_at": NOON_STAMP}


@pytest.mark.parametrize(
    "field",
    [
        *("session_name", "session_id", "managed_by", "ehr_provider", "consult_note", "audio", "documents"),
        *("created_at", "ehr_appointment_id", "patient_profile_id"),
    ],
)
def test_what_no_page_names_is_ignored(heidi: Client, field: str) -> None:
    before = stored(heidi)

    answer = heidi.patch(PATH, json={field: "x", "ehr_appt_id": "A9"})

    assert answer.json()["session"]["ehr_appt_id"] == "A9"
    assert stored(heidi) == {**before, "ehr_appt_id": "A9", "updated_at": NOON_STAMP}


@pytest.mark.parametrize("number", ["0", "-1", "16.25", "1e3", "12345678901234567890123", "9" * 4000])
def test_a_duration_is_any_number_and_comes_back_as_it_was(heidi: Client, number: str) -> None:
    answer = heidi.patch(PATH, content=f'{{"duration": {number}}}'.encode())

    expected = "1000.0" if number == "1e3" else number
    assert f'"duration":{expected},' in answer.text
    assert f'"duration":{expected},' in heidi.get(PATH).text
    assert f'"duration":{expected},' in heidi.get("/_mock/state").text
