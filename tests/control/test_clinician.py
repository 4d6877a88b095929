"""The actions of a clinician on a session: ``GET|PUT /_mock/sessions/{session_id}``.

Both return the session in the form of the state. A PUT takes any of ``transcript``, ``session_name``, ``duration``,
``consult_note``, ``documents`` and ``failed_chunks``.
"""

from typing import Any

import pytest
import shapes
from clients import Client
from helpers import KEY_TWO, NOON_STAMP, SESSION, answered, wire

PATH, SHOWN = f"/_mock/sessions/{SESSION}", f"/sessions/{SESSION}"
SETS = "a clinician can set transcript, session_name, duration, consult_note, documents, failed_chunks"
EMPTY_NOTE = shapes.CONSULT_NOTE.unset(status="COMPLETED")


def stored(client: Client, session_id: str = SESSION) -> dict[str, Any]:
    [found] = [row for row in client.state()["sessions"] if row["session_id"] == session_id]
    return dict(found)


def shown(client: Client, session_id: str = SESSION) -> dict[str, Any]:
    session: dict[str, Any] = client.get(f"/sessions/{session_id}").json()["session"]
    return session


def fresh(client: Client) -> str:
    session_id: str = client.post("/sessions").json()["session_id"]
    return session_id


def test_a_session_has_the_same_form_as_in_the_state(heidi: Client) -> None:
    assert answered(heidi.get(PATH)) == (200, wire(stored(heidi)))


def test_sessions_of_every_key_can_be_read_and_changed(heidi: Client) -> None:
    heidi.sign_in(key=KEY_TWO)
    session_id = fresh(heidi)

    heidi.put(f"/_mock/sessions/{session_id}", json={"session_name": "Theirs"})

    assert shown(heidi, session_id)["session_name"] == "Theirs"


@pytest.mark.parametrize(
    ("field", "value"), [("session_name", "Cough, fever"), ("duration", 61.5), ("duration", 0), ("transcript", "Ä")]
)
def test_setting_a_field_keeps_the_others(heidi: Client, field: str, value: Any) -> None:
    before = heidi.state()

    answer = heidi.put(PATH, json={field: value})

    expected = {**stored(heidi), field: value, "updated_at": NOON_STAMP}
    assert answered(answer) == (200, wire(expected))
    rows = [expected if row["session_id"] == SESSION else row for row in before["sessions"]]
    assert heidi.state() == {**before, "sessions": rows}


def test_the_api_returns_the_transcript_that_was_set(heidi: Client) -> None:
    answers = []
    for transcript in ("Good morning.", "", None):
        heidi.put(PATH, json={"transcript": transcript})
        answers.append(answered(heidi.get(f"{SHOWN}/transcript")))

    assert answers == [(200, wire({"transcript": text})) for text in ("Good morning.", "", "")]


def test_an_edit_of_a_note_keeps_its_other_fields(heidi: Client) -> None:
    note = shown(heidi)["consult_note"]

    heidi.put(PATH, json={"consult_note": {"result": "Edited", "status": "COMPLETED"}})

    assert shown(heidi)["consult_note"] == {**note, "result": "Edited", "status": "COMPLETED"}


def test_a_new_note_is_complete(heidi: Client) -> None:
    session_id = fresh(heidi)

    heidi.put(f"/_mock/sessions/{session_id}", json={"consult_note": {"result": "R", "heading": "H"}})

    assert wire(shown(heidi, session_id)["consult_note"]) == wire({**EMPTY_NOTE, "result": "R", "heading": "H"})
    assert heidi.get(f"/sessions/{session_id}/clinical-codes").status_code == 200


def test_a_note_can_be_removed(heidi: Client) -> None:
    heidi.put(PATH, json={"consult_note": None})

    assert shown(heidi)["consult_note"] is None
    assert heidi.get(f"{SHOWN}/clinical-codes").status_code == 400


def test_a_status_that_a_clinician_sets_does_not_advance(heidi: Client) -> None:
    heidi.put("/_mock/transitions", json={"consult_note": {"after_reads": 1}})
    heidi.post(
        f"{SHOWN}/consult-note",
        json={
            "generation_method": "TEMPLATE",
            "template_id": "659b8042fe093d6592b41ef7",
            "addition": "",
            "voice_style": "BRIEF",
        },
    )

    heidi.put(PATH, json={"consult_note": {"status": "CREATED"}})

    assert [shown(heidi)["consult_note"]["status"] for _ in range(3)] == ["CREATED"] * 3


def test_documents_are_replaced_as_a_whole_and_listed_in_order(heidi: Client) -> None:
    heidi.put(PATH, json={"documents": [{"name": "Old", "content": "old"}]})
    template = "66455a5f0b0a1c8d018c6896"

    answer = heidi.put(
        PATH, json={"documents": [{"name": "A", "content": "a"}, {"name": "B", "content": "", "template_id": template}]}
    )

    ids = [row["id"] for row in answer.json()["documents"]]
    rows = [
        shapes.DOCUMENT_LISTED.documented(
            id=ids[index], index=index, name=name, template_id=template_id, content=content
        )
        for index, (name, content, template_id) in enumerate([("A", "a", None), ("B", "", template)])
    ]
    assert answered(heidi.get(f"{SHOWN}/documents")) == (200, wire({"documents": rows}))
    assert shown(heidi)["documents"] == rows
    heidi.put(PATH, json={"documents": []})
    assert (shown(heidi)["documents"], heidi.get(f"{SHOWN}/documents").json()) == (None, {"documents": []})


def test_chunks_can_fail_and_recover(heidi: Client) -> None:
    session_id = fresh(heidi)
    recording = heidi.post(f"/sessions/{session_id}/restful-segment-transcription").json()["recording_id"]
    for index in ("0", "1"):
        path = f"/sessions/{session_id}/restful-segment-transcription/{recording}:transcribe"
        heidi.post(path, files={"file": ("a.wav", b"RIFF", "audio/wav")}, data={"index": index})

    def chunks() -> list[dict[str, Any]]:
        live = heidi.get(f"/sessions/{session_id}/transcript/live").json()
        return list(live["chunks"])

    ids = [chunk["id"] for chunk in chunks()]
    heidi.put(f"/_mock/sessions/{session_id}", json={"failed_chunks": ids[:1]})
    failed = chunks()
    heidi.put(f"/_mock/sessions/{session_id}", json={"failed_chunks": []})

    assert [chunk["status"] for chunk in failed] == ["FAILED", "READY"]
    assert failed[0]["text"] == ""
    assert [chunk["status"] for chunk in chunks()] == ["READY", "READY"]


def test_an_empty_edit_changes_only_the_time(heidi: Client) -> None:
    before = stored(heidi)

    assert answered(heidi.put(PATH, json={})) == (200, wire({**before, "updated_at": NOON_STAMP}))


@pytest.mark.parametrize(
    ("body", "error", "hint"),
    [
        ({"transcrpt": "x"}, "unknown field 'transcrpt'", "did you mean transcript?"),
        ({"session_name": None}, "session_name: Input should be a valid string", SETS),
        ({"session_name": "kept out", "duration": "5"}, "duration: Input should be a valid number", SETS),
        ({"transcript": 5}, "transcript: Input should be a valid string", SETS),
        ({"consult_note": "x"}, "consult_note is not an object", "send result, heading, status or template_id"),
        (
            {"consult_note": {"status": "DONE"}},
            "status: Input should be 'CREATED' or 'COMPLETED'",
            SETS,
        ),
        ({"consult_note": {"text": "x"}}, "text: Extra inputs are not permitted", SETS),
        (
            {"documents": {"name": "A"}},
            "documents is not a list of objects",
            "send name, content and template_id of each",
        ),
        ({"documents": ["A"]}, "documents is not a list of objects", "send name, content and template_id of each"),
        ({"documents": [{"name": "A"}]}, "content: Field required", SETS),
        (
            {"failed_chunks": ["f" * 24]},
            "failed_chunks has ids that are not chunks of this session",
            "this session has no chunks",
        ),
    ],
)
def test_an_edit_that_a_clinician_cannot_make_is_refused(
    heidi: Client, body: dict[str, Any], error: str, hint: str
) -> None:
    before = heidi.state()

    answer = heidi.put(PATH, json=body)

    assert answered(answer) == (400, wire({"error": error, "hint": hint}))
    assert heidi.state() == before


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_an_unknown_session_is_refused(heidi: Client, method: str) -> None:
    answer = heidi.request(method, "/_mock/sessions/99", json={} if method == "PUT" else None)

    expected = {"error": "there is no session '99'", "hint": "GET /_mock/state lists them"}
    assert answered(answer) == (404, wire(expected))
