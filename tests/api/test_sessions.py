"""Sessions. The keys of each answer are in :data:`shapes.SESSION`.

- ``POST /sessions`` → ``{"session_id": "<decimal digits of a UUID v4>"}``, with or without a body.
- ``GET /sessions/{session_id}`` → ``{"session": {…}}``; ``PATCH`` → the same without ``audio``, and with
  ``linked_sessions_for_context`` at the end once it was set.
"""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import shapes
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
READ, UPDATE = "get_session", "update_session"
NO_PATIENT = shapes.SESSION_PATIENT.unset(READ)
JOHNS_PATIENT = shapes.SESSION_PATIENT.unset(READ, name="John Doe", gender="MALE", dob="1990-01-15")
# The values of the first new session that differ from those of other sessions.
BORN: dict[str, Any] = {"session_name": "Session 31", "created_at": NOON_STAMP, "updated_at": NOON_STAMP}


def new(session_id: str, **own: Any) -> dict[str, Any]:
    """A new session as GET answers it."""
    return shapes.SESSION.unset(READ, session_id=session_id, **BORN | own)


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
def test_a_session_is_created_by_any_body_without_known_fields(heidi: Client, options: dict[str, Any]) -> None:
    answer = heidi.post("/sessions", **options)

    session_id = answer.json()["session_id"]
    assert answered(answer) == (200, wire({"session_id": session_id}))
    assert answered(heidi.get(f"/sessions/{session_id}")) == (200, wire({"session": new(session_id)}))


def test_an_id_is_the_decimal_text_of_a_random_uuid(heidi: Client) -> None:
    made = [created(heidi) for _ in range(200)]

    assert {uuid.UUID(int=int(session_id)).version for session_id in made} == {4}
    assert [str(int(session_id)) for session_id in made] == made
    assert len(set(made)) == 200


def test_the_state_keeps_every_field_of_a_new_session(heidi: Client) -> None:
    made = created(heidi, patient_profile_id=JOHN, ehr_appointment_id="EHR1234")

    assert stored(heidi, made) == shapes.SESSION.unset(
        shapes.STATE,
        session_id=made,
        created_by={"email": "test@heidihealth.com", "third_party_internal_id": "123"},
        patient_profile_id=JOHN,
        patient=shapes.SESSION_PATIENT.unset(shapes.STATE),
        ehr_appt_id="EHR1234",
        linked_sessions_for_context=None,
        documents=[],
        **BORN,
    )


def test_the_default_name_counts_the_sessions_of_the_key(heidi: Client, second: Client) -> None:
    names = [shown(client, created(client))["session_name"] for client in (heidi, heidi, second)]

    assert names == ["Session 31", "Session 32", "Session 2"]


def test_ehr_appointment_id_of_the_request_is_ehr_appt_id_in_the_answer(heidi: Client) -> None:
    made = created(heidi, ehr_appointment_id="A1", ehr_appt_id="not this one")

    assert answered(heidi.get(f"/sessions/{made}")) == (200, wire({"session": new(made, ehr_appt_id="A1")}))


@pytest.mark.parametrize("profile_id", [UNKNOWN_ID, "no id", "", BENEDIKTA])
def test_a_session_for_an_unknown_profile_is_refused(heidi: Client, profile_id: str) -> None:
    before = settled(heidi)

    answer = heidi.post("/sessions", json={"patient_profile_id": profile_id})

    assert answered(answer) == (404, wire(PROFILE_NOT_FOUND))
    assert heidi.state() == before


def test_new_ids_differ_from_those_of_restored_records(heidi: Client) -> None:
    made = created(heidi)
    recorded = heidi.state()

    with another(fixtures=recorded) as replayed:
        again = created(replayed)
        count = len(replayed.state()["sessions"])

    assert again != made
    assert count == len(recorded["sessions"]) + 1


# --- Read -------------------------------------------------------------------------------------------------------------


def test_get_answers_the_documented_session(heidi: Client) -> None:
    assert answered(heidi.get(PATH)) == (200, wire({"session": shapes.SESSION.documented(READ)}))


@pytest.mark.parametrize("session_id", ["99", "0", "01234567890", "no id", "a:b", UNKNOWN_ID, "9" * 60])
@pytest.mark.parametrize("method", ["GET", "PATCH"])
def test_an_unknown_session_is_not_found(heidi: Client, session_id: str, method: str) -> None:
    before = settled(heidi)

    answer = heidi.request(method, f"/sessions/{session_id}", json={"duration": 5} if method == "PATCH" else None)

    assert answered(answer) == (404, wire(SESSION_NOT_FOUND))
    assert heidi.state() == before


def test_each_key_sees_only_its_own_sessions(heidi: Client, second: Client) -> None:
    assert answered(second.get(PATH)) == (404, wire(SESSION_NOT_FOUND))
    assert answered(heidi.get(f"/sessions/{BENEDIKTAS_SESSION}")) == (404, wire(SESSION_NOT_FOUND))
    assert shown(second, BENEDIKTAS_SESSION)["session_name"] == "Hand eczema"


def test_a_session_has_the_provider_of_its_key(second: Client) -> None:
    made = created(second)

    expected = new(made, session_name="Session 2", ehr_provider="Northside EHR")
    assert answered(second.get(f"/sessions/{made}")) == (200, wire({"session": expected}))


def test_two_users_of_a_key_see_the_same_session(heidi: Client) -> None:
    made = created(heidi)
    mine = answered(heidi.get(f"/sessions/{made}"))

    heidi.sign_in(email="colleague@example.org", third="other")

    assert answered(heidi.get(f"/sessions/{made}")) == mine


# --- Its patient ------------------------------------------------------------------------------------------------------


def test_a_linked_session_shows_its_profile(heidi: Client) -> None:
    made = created(heidi, patient_profile_id=JOHN)

    own = {"session_id": made, "patient": JOHNS_PATIENT, "ehr_patient_id": "EHR123456", **BORN}
    expected, patched = shapes.SESSION.unset(READ, **own), shapes.SESSION.unset(UPDATE, **own)
    assert answered(heidi.get(f"/sessions/{made}")) == (200, wire({"session": expected}))
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
def test_patient_fields_of_a_session_override_its_profile(
    heidi: Client, own: dict[str, Any], expected: dict[str, Any]
) -> None:
    made = created(heidi, patient_profile_id=JOHN)

    answer = heidi.patch(f"/sessions/{made}", json={"patient": own})

    assert answer.json()["session"]["patient"] == shown(heidi, made)["patient"] == expected


def test_the_ehr_patient_id_of_a_session_overrides_its_profile(heidi: Client) -> None:
    made = created(heidi, patient_profile_id=JOHN)

    heidi.patch(f"/sessions/{made}", json={"ehr_patient_id": ""})

    assert shown(heidi, made)["ehr_patient_id"] == ""


def test_a_session_shows_later_changes_of_its_profile(heidi: Client) -> None:
    made = created(heidi, patient_profile_id=JOHN)

    heidi.patch(f"/patient-profiles/{JOHN}", json={"last_name": None, "gender": "OTHER", "birth_date": None})
    linked = shown(heidi, made)["patient"]
    heidi.delete("/patient-profiles:batch-delete", json={"patient_profile_ids": [JOHN]})

    assert linked == {"name": "John", "gender": "OTHER", "dob": None}
    assert answered(heidi.get(f"/sessions/{made}")) == (200, wire({"session": new(made)}))


def test_a_profile_without_a_name_gives_an_empty_patient(heidi: Client) -> None:
    made = created(heidi, patient_profile_id=NAMELESS)

    assert shown(heidi, made)["patient"] == NO_PATIENT


# --- Update -----------------------------------------------------------------------------------------------------------


def test_update_answers_the_documented_keys_in_order_without_audio(heidi: Client) -> None:
    answer = heidi.patch(PATH, json=EVERYTHING)

    patient = shapes.SESSION_PATIENT.unset(UPDATE, **EVERYTHING["patient"])
    changed = EVERYTHING | {"patient": patient, "updated_at": NOON_STAMP}
    assert answered(answer) == (200, wire({"session": shapes.SESSION.documented(UPDATE, **changed)}))


EVERYTHING = shapes.SESSION.request(UPDATE)


@pytest.mark.parametrize(("field", "value"), list(EVERYTHING.items()), ids=list(EVERYTHING))
def test_update_changes_only_the_field_sent_and_the_time(heidi: Client, field: str, value: Any) -> None:
    before = settled(heidi)

    answer = heidi.patch(PATH, json={field: value})

    expected = [
        {**row, field: value, "updated_at": NOON_STAMP} if row["session_id"] == SESSION else row
        for row in before["sessions"]
    ]
    assert answer.status_code == 200
    assert heidi.state() == {**before, "sessions": expected}


@pytest.mark.parametrize("field", shapes.SESSION.taken(UPDATE), ids=lambda field: field.name)
def test_null_restores_the_default_of_a_session_field(heidi: Client, field: shapes.Field) -> None:
    heidi.patch(PATH, json=EVERYTHING)
    before = stored(heidi)

    answer = heidi.patch(PATH, json={field.name: None})

    default = shapes.SESSION_PATIENT.unset(shapes.STATE) if field.name == "patient" else field.unset
    assert answer.status_code == 200
    assert stored(heidi) == {**before, field.name: default}
    assert before[field.name] != default


@pytest.mark.parametrize("field", shapes.SESSION_PATIENT.taken(UPDATE), ids=lambda field: field.name)
def test_an_update_of_one_patient_field_keeps_the_others(heidi: Client, field: shapes.Field) -> None:
    whole = {"name": "Else", "gender": "FEMALE", "dob": "1999-12-31", "demographic_details": "Other"}
    heidi.patch(PATH, json={"patient": whole})
    before = stored(heidi)["patient"]

    heidi.patch(PATH, json={"patient": {field.name: field.other}})
    changed = stored(heidi)["patient"]
    heidi.patch(PATH, json={"patient": {field.name: None}})

    assert before == {**shapes.SESSION_PATIENT.unset(shapes.STATE), **whole}
    assert changed == {**before, field.name: field.other}
    assert stored(heidi)["patient"] == {**before, field.name: field.unset}


def test_clinician_notes_are_replaced_as_a_whole(heidi: Client) -> None:
    heidi.patch(PATH, json={"clinician_notes": ["one", "two"]})

    answer = heidi.patch(PATH, json={"clinician_notes": ["three"]})

    assert answer.json()["session"]["clinician_notes"] == shown(heidi)["clinician_notes"] == ["three"]


@pytest.mark.parametrize("ids", [["1234567891", "1234567892"], [SESSION], []])
def test_only_updates_show_linked_sessions_and_only_once_they_are_set(heidi: Client, ids: list[str]) -> None:
    never = heidi.patch(PATH, json={})
    answer = heidi.patch(PATH, json={"linked_sessions_for_context": ids})
    later = heidi.patch(PATH, json={"duration": 16})
    cleared = heidi.patch(PATH, json={"linked_sessions_for_context": None})

    bare = shapes.SESSION.documented(UPDATE, updated_at=NOON_STAMP)
    echoing = shapes.SESSION.documented(UPDATE, updated_at=NOON_STAMP, linked_sessions_for_context=ids)
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
def test_an_undocumented_field_is_ignored(heidi: Client, field: str) -> None:
    before = stored(heidi)

    answer = heidi.patch(PATH, json={field: "x", "ehr_appt_id": "A9"})

    assert answer.json()["session"]["ehr_appt_id"] == "A9"
    assert stored(heidi) == {**before, "ehr_appt_id": "A9", "updated_at": NOON_STAMP}


@pytest.mark.parametrize("number", ["0", "16.25", "1e3", "12345678901234567890123", "9" * 4000])
def test_any_number_from_0_is_a_duration_and_comes_back_unchanged(heidi: Client, number: str) -> None:
    answer = heidi.patch(PATH, content=f'{{"duration": {number}}}'.encode())

    expected = "1000.0" if number == "1e3" else number
    assert f'"duration":{expected},' in answer.text
    assert f'"duration":{expected},' in heidi.get(PATH).text
    assert f'"duration":{expected},' in heidi.get("/_mock/state").text
