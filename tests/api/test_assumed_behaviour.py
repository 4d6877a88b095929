"""Defaults of assumptions that no other test covers. Each is how the mock behaves, and may be wrong.

``mock_heidi/base/assumptions.yaml`` has them all, with the reasons.
"""

from typing import Any

import pytest
from audio import spoken
from clients import Client
from notes import PATH, ask, note

from mock_heidi.base.assumptions import assumed


def session(client: Client) -> dict[str, Any]:
    return dict(client.get(PATH).json()["session"])


@pytest.mark.parametrize("flag", [None, False, True])
def test_the_flag_of_a_session_without_a_recording_does_not_prevent_a_note(heidi: Client, flag: bool | None) -> None:
    path = f"/sessions/{heidi.post('/sessions').json()['session_id']}"
    heidi.patch(path, json={"generate_output_without_recording": flag})

    assert ask(heidi, path).status_code == 200
    found = [row["code"] for row in heidi.get("/_mock/findings").json()["findings"]]
    assert found == ([] if flag else ["note_without_recording"])
    assert assumed("note_without_recording") == "allowed"


def test_a_note_keeps_the_name_of_its_session(heidi: Client) -> None:
    before = session(heidi)["session_name"]

    note(heidi)

    assert session(heidi)["session_name"] == before
    assert assumed("session_name_after_note") == "unchanged"


def test_the_generation_method_of_the_older_page_is_accepted_with_a_finding(heidi: Client) -> None:
    answer = ask(heidi, generation_method="THIRD_PARTY_TEMPLATE", template_id=None, third_party_template="{}")

    [finding] = heidi.get("/_mock/findings").json()["findings"]
    assert answer.status_code == 200
    assert session(heidi)["consult_note"]["generation_method"] == "THIRD_PARTY_TEMPLATE"
    assert (finding["code"], finding["message"].rpartition(": ")[2]) == (
        "undocumented_value",
        "generation_method = THIRD_PARTY_TEMPLATE",
    )
    assert assumed("third_party_template_method") == "accepted"


def test_a_negative_duration_is_refused_and_changes_nothing(heidi: Client) -> None:
    before = session(heidi)

    answer = heidi.patch(PATH, json={"duration": -1, "language_code": "es"})

    [problem] = answer.json()["detail"]
    assert (answer.status_code, problem["loc"], problem["input"]) == (422, ["body", "duration"], -1)
    assert session(heidi) == before
    assert assumed("negative_duration") == "refused_422"


def test_a_session_with_a_duration_counts_as_recorded(heidi: Client) -> None:
    heidi.put("/_mock/assumptions", json={"note_without_recording": "refused_400"})

    assert (session(heidi)["duration"], session(heidi)["audio"], ask(heidi).status_code) == (16, [], 200)


@pytest.mark.parametrize("name", ["scan.jpeg", "scan.JPEG"])
def test_a_context_document_named_jpeg_is_accepted_with_a_finding(heidi: Client, name: str) -> None:
    answer = heidi.post(f"{PATH}/context-documents", files={"context_documents": (name, b"\xff\xd8")})

    assert answer.status_code == 200
    assert [row["code"] for row in heidi.get("/_mock/findings").json()["findings"]] == ["undocumented_value"]
    assert assumed("jpeg_extension") == "accepted"


def test_an_empty_filter_finds_only_profiles_with_an_empty_id(heidi: Client) -> None:
    made = heidi.post("/patient-profiles", json={"ehr_patient_id": ""}).json()["data"]

    found = heidi.get("/patient-profiles?ehr_patient_id=").json()["data"]

    assert [row["id"] for row in found] == [made["id"]]
    assert assumed("empty_filter") == "matches_empty"


def test_audio_adds_to_a_duration_set_by_an_update(heidi: Client) -> None:
    heidi.patch(PATH, json={"duration": 100})
    recording = f"{PATH}/restful-segment-transcription/"
    recording += heidi.post(recording.rstrip("/")).json()["recording_id"]

    heidi.post(f"{PATH}/upload-audio", files={"file": ("visit.wav", spoken(2), "audio/wav")})
    heidi.post(f"{recording}:transcribe", files={"file": ("part.wav", spoken(3), "audio/wav")}, data={"index": "0"})

    assert session(heidi)["duration"] == 105
    assert assumed("duration_after_audio") == "added"


def test_a_user_without_a_linked_account_creates_a_profile(heidi: Client) -> None:
    linked = heidi.get("/users/linked-account/access").json()["is_linked"]

    answer = heidi.post("/patient-profiles", json={"first_name": "Zoë"})

    assert (linked, answer.status_code) == (False, assumed("creation_status"))
    assert assumed("linked_account_required") is False
