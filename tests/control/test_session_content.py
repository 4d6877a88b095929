"""``GET /_mock/sessions/{session_id}/content``: what was said and when, the codes, and the origins of the note."""

from itertools import pairwise
from typing import Any

import pytest
from audio import spoken
from clients import JOHN, Client
from helpers import SESSION

NOTE = {
    "generation_method": "TEMPLATE",
    "template_id": "659b8042fe093d6592b41ef7",
    "addition": "",
    "voice_style": "GOLDILOCKS",
}


def content(heidi: Client, session_id: str) -> dict[str, Any]:
    found: dict[str, Any] = heidi.get(f"/_mock/sessions/{session_id}/content").json()
    return found


def note_of(heidi: Client, session_id: str) -> str:
    text: str = heidi.get(f"/_mock/sessions/{session_id}").json()["consult_note"]["result"]
    return text


@pytest.fixture
def told(heidi: Client) -> str:
    """A session with two pieces of audio, which are transcribed."""
    session_id: str = heidi.post("/sessions", json={"patient_profile_id": JOHN}).json()["session_id"]
    heidi.patch(f"/sessions/{session_id}", json={"clinician_notes": ["Check the left ear again."]})
    for _ in range(2):
        files = {"file": ("visit.wav", spoken(30), "audio/wav")}
        assert heidi.post(f"/sessions/{session_id}/upload-audio", files=files).status_code == 200
    heidi.get(f"/sessions/{session_id}/transcript")
    return session_id


def origins(heidi: Client, session_id: str) -> list[tuple[str, str]]:
    """The source of each known part of the note, and the part itself."""
    note = note_of(heidi, session_id)
    return [(one["source"], note[one["start"] : one["end"]]) for one in content(heidi, session_id)["note_origins"]]


def test_pieces_of_audio_follow_each_other_on_the_time_line(heidi: Client, told: str) -> None:
    found = content(heidi, told)

    assert [(one["start"], one["duration"], one["ready"]) for one in found["audio"]] == [(0, 30, True), (30, 30, True)]
    assert found["transcript"] == " ".join(one["text"] for one in found["audio"])


def test_a_piece_has_no_text_before_it_is_transcribed(heidi: Client) -> None:
    session_id = heidi.post("/sessions").json()["session_id"]
    heidi.post(f"/sessions/{session_id}/upload-audio", files={"file": ("a.wav", spoken(30), "audio/wav")})

    (piece,) = content(heidi, session_id)["audio"]
    assert (piece["ready"], piece["text"]) == (False, None)


@pytest.mark.parametrize(
    "change", [{}, {"brain": "RIGHT"}, {"content_type": "HTML"}, {"voice_style": "SUPER_DETAILED"}]
)
def test_each_part_of_a_note_names_its_source(heidi: Client, told: str, change: dict[str, str]) -> None:
    heidi.post(f"/sessions/{told}/consult-note", json={**NOTE, **change})

    found = origins(heidi, told)
    assert {"transcript", "template", "patient", "clinician_notes"} <= {source for source, _ in found}
    assert ("clinician_notes", "Check the left ear again.") in found


def test_the_parts_of_a_note_do_not_overlap_and_cover_nearly_all_of_it(heidi: Client, told: str) -> None:
    heidi.post(f"/sessions/{told}/consult-note", json=NOTE)

    found, note = content(heidi, told)["note_origins"], note_of(heidi, told)
    assert all(one["end"] <= other["start"] for one, other in pairwise(found))
    known = sum(one["end"] - one["start"] for one in found)
    assert known > 0.9 * len("".join(note.replace("●", "").split("\n")).replace("  ", ""))


def test_a_part_from_the_transcript_names_its_piece_of_audio(heidi: Client, told: str) -> None:
    heidi.post(f"/sessions/{told}/consult-note", json=NOTE)

    found = content(heidi, told)
    named = {one["id"] for one in found["note_origins"] if one["source"] == "transcript"}
    assert named <= {one["id"] for one in found["audio"]}
    assert named


def test_an_addition_has_no_known_source(heidi: Client, told: str) -> None:
    heidi.post(f"/sessions/{told}/consult-note", json={**NOTE, "addition": "Sent home with advice."})

    assert "Sent home with advice." not in [text for _, text in origins(heidi, told)]


def test_a_note_of_a_clinician_has_no_known_sources(heidi: Client, told: str) -> None:
    heidi.post(f"/sessions/{told}/consult-note", json=NOTE)
    heidi.put(f"/_mock/sessions/{told}", json={"consult_note": {"result": note_of(heidi, told)}})

    assert content(heidi, told)["note_origins"] == []


def test_a_code_has_the_places_of_its_terms(heidi: Client) -> None:
    heidi.put(
        f"/_mock/sessions/{SESSION}", json={"consult_note": {"result": "😀 Hypertension."}, "transcript": "Asthma."}
    )

    found = content(heidi, SESSION)["codes"]
    assert [(one["in_note"], one["in_transcript"]) for one in found if one["in_note"]] == [
        ([{"start": 2, "end": 14}], [])
    ]
    assert [one["in_transcript"] for one in found if one["in_transcript"]] == [[{"start": 0, "end": 6}]]


def test_an_empty_session_has_no_content(heidi: Client) -> None:
    session_id = heidi.post("/sessions").json()["session_id"]

    assert content(heidi, session_id) == {"transcript": "", "audio": [], "codes": [], "note_origins": []}
