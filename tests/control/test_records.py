"""``/_mock/state/{kind}/{id}``: reads, edits, replaces and deletes one record.

A refusal is ``{"error": …, "hint": …}`` and changes nothing, not even the following ids.
"""

from typing import Any

import pytest
from clients import JOHN, Client
from helpers import KEY_TWO, NOON_STAMP, SESSION, UNKNOWN_ID, another

from mock_heidi import MockHeidi

PATIENT = f"/_mock/state/patient_profiles/{JOHN}"
VISIT = f"/_mock/state/sessions/{SESSION}"
EMAIL = "test@heidihealth.com"
USER = f"/_mock/state/users/{EMAIL}"


def row(heidi: Client, kind: str, id: str) -> dict[str, Any]:  # noqa: A002 - what the records call it
    """The record in the state."""
    return next(one for one in heidi.state()[kind] if id in (one.get("id"), one.get("session_id")))


def test_a_record_has_the_same_form_as_in_the_state(heidi: Client) -> None:
    assert heidi.get(PATIENT).json() == row(heidi, "patient_profiles", JOHN)
    assert heidi.get(VISIT).json() == row(heidi, "sessions", SESSION)


def test_an_edit_changes_only_the_fields_sent(heidi: Client) -> None:
    before = heidi.get(PATIENT).json()

    after = heidi.patch(PATIENT, json={"gender": "OTHER", "phone": "0123"}).json()

    assert after == {**before, "gender": "OTHER", "phone": "0123", "updated_at": NOON_STAMP}
    assert heidi.get(f"/patient-profiles/{JOHN}").json()["data"]["gender"] == "OTHER"


def test_an_edit_changes_nested_fields(heidi: Client) -> None:
    heidi.patch(VISIT, json={"patient": {"name": "Ann", "dob": "1980-02-03"}})

    after = heidi.patch(VISIT, json={"patient": {"name": "Bo"}}).json()

    assert (after["patient"]["name"], after["patient"]["dob"]) == ("Bo", "1980-02-03")


def test_null_restores_the_default_of_a_field(heidi: Client) -> None:
    after = heidi.patch(VISIT, json={"consult_note": None, "duration": None}).json()

    assert (after["consult_note"], after["duration"]) == (None, 0)
    assert heidi.get(f"/sessions/{SESSION}").json()["session"]["consult_note"] is None


def test_an_edit_may_set_the_time_of_the_change(heidi: Client) -> None:
    after = heidi.patch(PATIENT, json={"updated_at": "2025-01-01T00:00:00"}).json()

    assert after["updated_at"] == "2025-01-01T00:00:00.000000"


def test_an_edited_patient_is_found_by_its_new_values(heidi: Client) -> None:
    heidi.patch(PATIENT, json={"ehr_patient_id": "EHR-NEW"})

    found = heidi.get("/patient-profiles", params={"ehr_patient_id": "EHR-NEW"}).json()["data"]

    assert [patient["id"] for patient in found] == [JOHN]


def test_a_put_replaces_the_whole_record(heidi: Client) -> None:
    after = heidi.put(PATIENT, json={"first_name": "Ann"}).json()

    assert (after["id"], after["first_name"], after["last_name"]) == (JOHN, "Ann", None)
    assert after["created_at"] == after["updated_at"] == NOON_STAMP


def test_a_put_adds_a_record_of_an_unknown_id(heidi: Client) -> None:
    made = heidi.put("/_mock/state/sessions/42", json={"patient_profile_id": JOHN}).json()

    assert (made["session_id"], made["patient_profile_id"]) == ("42", JOHN)
    assert heidi.get("/sessions/42").json()["session"]["patient"]["name"] == "John Doe"


def test_a_record_can_be_written_in_yaml(heidi: Client) -> None:
    after = heidi.patch(
        PATIENT, content="birth_date: 1990-01-16\nehr_patient_id: 007\n", headers={"Content-Type": "application/yaml"}
    ).json()

    assert (after["birth_date"], after["ehr_patient_id"]) == ("1990-01-16", "007")


def test_a_deleted_patient_leaves_its_sessions_without_one(heidi: Client) -> None:
    linked = [one["session_id"] for one in heidi.state()["sessions"] if one["patient_profile_id"] == JOHN]
    patients = len(heidi.state()["patient_profiles"])

    answer = heidi.delete(PATIENT)

    assert answer.json() == {"count": patients - 1}
    assert heidi.get(f"/patient-profiles/{JOHN}").status_code == 404
    assert linked
    assert [row(heidi, "sessions", one)["patient_profile_id"] for one in linked] == [None] * len(linked)


def test_a_deleted_session_is_not_found(heidi: Client) -> None:
    sessions = len(heidi.state()["sessions"])

    assert heidi.delete(VISIT).json() == {"count": sessions - 1}
    assert heidi.get(f"/sessions/{SESSION}").status_code == 404


def test_a_reset_brings_deleted_and_edited_records_back(heidi: Client) -> None:
    before = heidi.state()
    heidi.delete(PATIENT)
    heidi.patch(VISIT, json={"session_name": "Other"})

    heidi.post("/_mock/reset")

    assert heidi.state() == before


def test_a_user_is_edited_and_deleted_by_email() -> None:
    with another(linked=True) as heidi:
        known = heidi.get(USER).json()

        unlinked = heidi.patch(USER, json={"linked_to": None, "account_id": None, "linked_at": None}).json()
        linked = heidi.get("/users/linked-account/access").json()["is_linked"]
        left = heidi.delete(USER).json()
        users = [user for key in heidi.state()["api_keys"] for user in key["users"]]

    assert known["linked_to"].startswith("kp_")
    assert (unlinked["linked_to"], linked) == (None, False)
    assert left == {"count": len(users)}
    assert EMAIL not in [user["email"] for user in users]


def test_a_user_is_linked_only_to_an_account_of_the_key(heidi: Client) -> None:
    heidi.sign_in()

    answer = heidi.patch(USER, json={"linked_to": "kp_nobody"})

    assert answer.status_code == 400
    assert answer.json()["error"].startswith("users[0].linked_to: no Heidi user 'kp_nobody' under this key")


def test_the_query_distinguishes_users_with_one_email(heidi: Client) -> None:
    heidi.sign_in(email="two@example.com", third="a")
    heidi.sign_in(email="two@example.com", third="b")
    heidi.sign_in(KEY_TWO, email="two@example.com", third="b")
    place = "/_mock/state/users/two@example.com"

    several = heidi.get(place)
    still = heidi.get(place, params={"third_party_internal_id": "b"})
    one = heidi.get(place, params={"third_party_internal_id": "a"})

    assert (several.status_code, several.json()["error"]) == (409, "3 users have the e-mail 'two@example.com'")
    assert still.status_code == 409
    assert one.json()["third_party_internal_id"] == "a"


REFUSED: dict[str, tuple[str, str, Any, int, str]] = {
    "unknown patient": (
        "PATCH",
        f"/_mock/state/patient_profiles/{UNKNOWN_ID}",
        {},
        404,
        "no record of patient_profiles",
    ),
    "unknown user": ("DELETE", "/_mock/state/users/nobody", None, 404, "no record of users has the id 'nobody'"),
    "unknown kind": ("GET", "/_mock/state/patients/1", None, 404, "records of 'patients' cannot be edited one by one"),
    "no object": ("PATCH", VISIT, [], 400, "the body is not an object"),
    "wrong value": ("PATCH", PATIENT, {"gender": "male"}, 400, "patient_profiles[0].gender: Input should be 'MALE'"),
    "unknown field": ("PATCH", PATIENT, {"frist_name": "A"}, 400, "unknown field 'frist_name'"),
    "another id": ("PATCH", PATIENT, {"id": UNKNOWN_ID}, 400, "id cannot be changed"),
    "another owner": ("PUT", PATIENT, {"managed_by": UNKNOWN_ID}, 400, "managed_by cannot be changed"),
    "bad id": ("PUT", "/_mock/state/sessions/x", {}, 400, "sessions[0].session_id: Input should be 1 to 39 decimal"),
    "dangling": ("PATCH", VISIT, {"patient_profile_id": UNKNOWN_ID}, 400, "sessions[0].patient_profile_id: no patient"),
    "query": ("GET", f"{VISIT}?managed_by={UNKNOWN_ID}", None, 400, "only users take parameters in the query"),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_an_invalid_edit_is_refused_and_changes_nothing(heidi: Client, case: tuple[str, str, Any, int, str]) -> None:
    method, path, body, status, words = case
    before = heidi.state()

    answer = heidi.request(method, path, **({} if body is None else {"json": body}))

    assert (answer.status_code, answer.json()["error"][: len(words)]) == (status, words)
    assert heidi.state() == before


def test_a_refused_record_uses_no_id(heidi: Client) -> None:
    with another() as other:
        expected = other.post("/sessions").json()

    heidi.put("/_mock/state/sessions/7", json={"duration": "long"})

    assert heidi.post("/sessions").json() == expected


def test_listeners_get_an_event_for_the_record(heidi: Client) -> None:
    namespace = heidi.app.registry.default
    events = namespace.listen()

    heidi.patch(PATIENT, json={"gender": "OTHER"})
    heidi.delete(VISIT)

    told = [event.data for event in events.after(0) if event.kind == "state"]
    assert told == [
        {"kind": "patient_profiles", "id": JOHN, "removed": False},
        {"kind": "sessions", "id": SESSION, "removed": True},
    ]


def test_a_handle_reads_edits_and_deletes_a_record() -> None:
    with MockHeidi() as heidi:
        before = heidi.state.get("sessions", SESSION)

        after = heidi.state.edit("sessions", SESSION, {"duration": 61})
        users = len(heidi.state.users())
        left = heidi.state.delete("users", "dr.jonas.lind@example.com", third_party_internal_id="clinician-9")

    assert (before["duration"], after["duration"]) == (16, 61)
    assert left == users - 1
