"""Transcripts of audio: uploads are transcribed when the transcript is read, segments when they arrive.

- ``GET /sessions/{session_id}/transcript`` → ``{"transcript": "…"}``.
- ``GET /sessions/{session_id}/transcript/live`` → ``{session_id, transcript, active_source, chunks [{id, status,
  duration, text, source}]}``.
"""

import random
from typing import Any

import pytest
import shapes
from audio import spoken
from clients import Client
from helpers import SESSION, SESSION_NOT_FOUND, SUCCESS, another, answered, in_namespace, wire

from mock_heidi.fixtures import loader as fixture_loader
from mock_heidi.state.consultation_records import Consultation
from mock_heidi.state.store import Store

PATH = f"/sessions/{SESSION}"
SEGMENTS = f"{PATH}/restful-segment-transcription"
RECORDING_NOT_FOUND = {"detail": {"msg": "Recording not found", "type": "RecordingNotFoundError"}}
FINISHED = {"detail": {"msg": "Recording already finished", "type": "RecordingFinishedError"}}
CONSULTATIONS = {one.id: one for one in Store(fixture_loader.load()).all(Consultation)}
COUGH = [said.text for said in CONSULTATIONS["gp-cough"].utterances]
UNDETECTED = b"fake audio"


def upload(client: Client, audio: bytes, name: str = "cough.wav", path: str = PATH) -> None:
    answer = client.post(f"{path}/upload-audio", files={"file": (name, audio, "audio/wav")})
    assert answer.status_code == 200, answer.text


def start(client: Client, path: str = PATH) -> str:
    """Start a recording and return its path."""
    recordings = f"{path}/restful-segment-transcription"
    return f"{recordings}/{client.post(recordings).json()['recording_id']}"


def send(client: Client, recording: str, index: int, seconds: float = 20) -> None:
    """Send a segment of a consultation about a cough."""
    files = {"file": ("cough.wav", spoken(seconds), "audio/wav")}
    answer = client.post(f"{recording}:transcribe", files=files, data={"index": str(index)})
    assert answered(answer) == (200, wire(SUCCESS))


def transcript(client: Client, path: str = PATH) -> str:
    answer = client.get(f"{path}/transcript")
    assert list(answer.json()) == ["transcript"]
    return str(answer.json()["transcript"])


def live(client: Client) -> dict[str, Any]:
    answer = client.get(f"{PATH}/transcript/live")
    assert answer.status_code == 200
    return dict(answer.json())


def statuses(client: Client) -> list[str]:
    return [chunk["status"] for chunk in live(client)["chunks"]]


def speaking(seconds: float) -> str:
    """The transcript of the first seconds of the consultation about a cough."""
    return " ".join(said.text for said in CONSULTATIONS["gp-cough"].utterances if said.at < seconds)


def new_session(client: Client, **fields: Any) -> str:
    made = client.post("/sessions").json()["session_id"]
    if fields:
        assert client.patch(f"/sessions/{made}", json=fields).status_code == 200
    return f"/sessions/{made}"


# --- Whole files ------------------------------------------------------------------------------------------------------


def test_the_transcript_is_empty_before_any_audio(heidi: Client) -> None:
    assert answered(heidi.get(f"{PATH}/transcript")) == (200, wire({"transcript": ""}))


def test_reading_the_transcript_transcribes_an_upload(heidi: Client) -> None:
    upload(heidi, spoken(60))
    before = live(heidi)

    text = transcript(heidi)

    assert [(chunk["status"], chunk["text"]) for chunk in before["chunks"]] == [("PENDING", "")]
    assert before["transcript"] == ""
    assert text == speaking(60)
    assert statuses(heidi) == ["READY"]


def test_the_status_of_an_upload_follows_its_transcription(heidi: Client) -> None:
    upload(heidi, spoken(2))
    before = heidi.get(PATH).json()["session"]["audio"][0]["status"]

    transcript(heidi)

    after = heidi.get(PATH).json()["session"]["audio"][0]["status"]
    assert (before, after) == ("INITIALIZED", "COMPLETED")


def test_a_second_upload_continues_the_consultation(heidi: Client) -> None:
    upload(heidi, spoken(30))
    first = transcript(heidi)

    upload(heidi, spoken(30))

    assert first == speaking(30)
    assert transcript(heidi) == speaking(60)


def test_a_longer_recording_has_a_longer_transcript_that_never_changes(heidi: Client) -> None:
    short, long = new_session(heidi), new_session(heidi)
    upload(heidi, spoken(20), path=short)
    upload(heidi, spoken(120), path=long)

    assert transcript(heidi, long).startswith(transcript(heidi, short))
    assert len(transcript(heidi, long)) > len(transcript(heidi, short))
    assert transcript(heidi, long) == transcript(heidi, long)


# The consultation about a cough ends after 416.2 seconds.
@pytest.mark.parametrize(
    ("seconds", "remark"),
    [
        (417, ""),
        (424, ""),
        (425, " [Nothing more is said from 6:56 to 7:05.]"),
        (900, " [Nothing more is said from 6:56 to 15:00.]"),
        (4_000, " [Nothing more is said from 6:56 to 1:06:40.]"),
    ],
)
def test_the_transcript_mentions_the_silence_after_the_consultation(heidi: Client, seconds: float, remark: str) -> None:
    upload(heidi, spoken(seconds, rate=50))

    assert transcript(heidi) == " ".join(COUGH) + remark


def test_each_segment_after_the_end_names_its_silent_time(heidi: Client) -> None:
    recording, lengths = start(heidi), [0]
    for index in range(4):
        send(heidi, recording, index, seconds=210)
        lengths.append(len(transcript(heidi)))

    texts = [chunk["text"] for chunk in live(heidi)["chunks"]]
    assert texts[2:] == ["[Nothing more is said from 7:00 to 10:30.]", "[Nothing more is said from 10:30 to 14:00.]"]
    assert texts[1].endswith(COUGH[-1])
    assert lengths == sorted(set(lengths))


def test_silence_begins_after_the_last_word(heidi: Client) -> None:
    recording = start(heidi)
    for index, seconds in enumerate((412, 60)):
        send(heidi, recording, index, seconds=seconds)

    assert live(heidi)["chunks"][1]["text"] == "[Nothing more is said from 6:56 to 7:52.]"


def test_short_segments_say_every_word_before_the_silence(heidi: Client) -> None:
    said = [{"at": at, "for": 1, "who": "patient", "text": f"Word {at}."} for at in (0, 5)]
    script = {"id": "short", "title": "t", "session_name": "s", "utterances": said}
    heidi.put("/_mock/state", json={"transcripts": [script], "sessions": [{"session_id": SESSION}]})
    recording = start(heidi)

    for index in range(3):
        send(heidi, recording, index, seconds=1)

    texts = [chunk["text"] for chunk in live(heidi)["chunks"]]
    assert texts == ["Word 0.", "Word 5.", "[Nothing more is said from 0:02 to 0:03.]"]


def test_the_silence_is_mentioned_in_the_language_of_the_consultation(heidi: Client) -> None:
    upload(heidi, spoken(600, rate=50), name="reflujo.wav")

    assert transcript(heidi).endswith(" [No se dice nada más de 6:28 a 10:00.]")


def test_notes_and_answers_do_not_mention_the_silence(heidi: Client) -> None:
    upload(heidi, spoken(900, rate=50))
    said = transcript(heidi)
    asked = {"generation_method": "TEMPLATE", "template_id": "659b8042fe093d6592b41ef7", "addition": ""}

    note = heidi.post(f"{PATH}/consult-note", json={**asked, "voice_style": "SUPER_DETAILED"}).text
    answer = heidi.post(
        f"{PATH}/ask-ai", json={"ai_command_text": "Translate", "content": " ", "content_type": "MARKDOWN"}
    ).text

    assert "Nothing more" in said
    assert "Nothing more" not in note + answer


@pytest.mark.parametrize("length", [0, 5, 11, 10_000])
def test_a_very_long_silence_is_computed_at_once(heidi: Client, length: float) -> None:
    """A day of audio that only its times give, and a script that ends almost where it begins."""
    said = {"at": 0, "for": length, "who": "patient", "text": "Hello."}
    script = {"id": "short", "title": "t", "session_name": "s", "utterances": [said]}
    heidi.put("/_mock/state", json={"transcripts": [script], "sessions": [{"session_id": SESSION}]})
    files = {"file": ("a.wav", UNDETECTED, "audio/wav")}
    times = {"start_time": "2024-01-01T00:00:00Z", "end_time": "2024-01-02T00:00:00Z"}

    heidi.post(f"{PATH}/upload-audio", files=files, data=times)

    assert transcript(heidi).startswith("Hello.")


def test_a_state_without_consultations_gives_an_empty_transcript(heidi: Client) -> None:
    heidi.put("/_mock/state", json={"transcripts": [], "sessions": [{"session_id": SESSION}]})

    upload(heidi, spoken(2))

    assert transcript(heidi) == ""
    assert live(heidi)["chunks"] == []


# --- Segments ---------------------------------------------------------------------------------------------------------


def test_a_recording_has_a_short_decimal_id(heidi: Client) -> None:
    made = [heidi.post(SEGMENTS).json()["recording_id"] for _ in range(5)]

    assert all(one.isdecimal() and len(one) <= 6 for one in made)
    assert len(set(made)) == 5


def test_the_transcript_grows_with_every_segment(heidi: Client) -> None:
    recording, lengths = start(heidi), [0]

    for index in range(4):
        send(heidi, recording, index)
        lengths.append(len(transcript(heidi)))

    assert lengths == sorted(set(lengths))
    assert transcript(heidi) == speaking(80)


def test_every_segment_has_words_however_short_it_is(heidi: Client) -> None:
    recording = start(heidi)

    for index in range(6):
        send(heidi, recording, index, seconds=0.1)

    assert [chunk["text"] for chunk in live(heidi)["chunks"]] == COUGH[:6]


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_arrival_does_not_matter(heidi: Client, seed: int) -> None:
    order = list(range(5))
    random.Random(seed).shuffle(order)  # noqa: S311 - repeatable on purpose
    recording = start(heidi)

    for index in order:
        send(heidi, recording, index)

    assert transcript(heidi) == speaking(100)
    assert [chunk["text"] != "" for chunk in live(heidi)["chunks"]] == [True] * 5


def test_a_missing_segment_leaves_a_gap_until_it_arrives(heidi: Client) -> None:
    recording = start(heidi)
    for index in (0, 2):
        send(heidi, recording, index)
    torn = transcript(heidi)

    send(heidi, recording, 1)

    lost = speaking(40).removeprefix(speaking(20)).strip()
    assert lost
    assert lost not in torn
    assert torn == speaking(60).replace(f"{lost} ", "")
    assert transcript(heidi) == speaking(60)


def test_a_segment_with_a_high_index_is_transcribed_without_the_ones_before(heidi: Client) -> None:
    recording = start(heidi)

    send(heidi, recording, 9_999)

    assert transcript(heidi)


def test_a_repeated_segment_replaces_the_first(heidi: Client) -> None:
    recording = start(heidi)
    for index in range(2):
        send(heidi, recording, index)
    before = [chunk["id"] for chunk in live(heidi)["chunks"]]

    send(heidi, recording, 0)

    after = [chunk["id"] for chunk in live(heidi)["chunks"]]
    assert transcript(heidi) == speaking(40)
    assert len(after) == 2
    assert after[0] != before[0]
    assert after[1] == before[1]


def test_a_second_recording_continues_where_the_first_ended(heidi: Client) -> None:
    first = start(heidi)
    send(heidi, first, 0)
    heidi.post(f"{first}:finish")

    send(heidi, start(heidi), 0)

    assert transcript(heidi) == speaking(40)


def test_a_recording_can_be_finished_twice(heidi: Client) -> None:
    recording = start(heidi)

    answers = [heidi.post(f"{recording}:finish") for _ in range(2)]

    assert [answered(answer) for answer in answers] == [(200, wire(SUCCESS))] * 2


def test_a_finished_recording_refuses_segments_and_another_accepts_them(heidi: Client) -> None:
    done, other = start(heidi), start(heidi)
    heidi.post(f"{done}:finish")
    files = {"file": ("a", UNDETECTED)}

    refused = heidi.post(f"{done}:transcribe", files=files, data={"index": "0"})
    taken = heidi.post(f"{other}:transcribe", files=files, data={"index": "0"})

    assert answered(refused) == (400, wire(FINISHED))
    assert answered(taken) == (200, wire(SUCCESS))


@pytest.mark.parametrize("recording_id", ["999999999", "abc", "0"])
def test_an_unknown_recording_is_not_found(heidi: Client, recording_id: str) -> None:
    segment = heidi.post(
        f"{SEGMENTS}/{recording_id}:transcribe", files={"file": ("a", UNDETECTED)}, data={"index": "0"}
    )
    finish = heidi.post(f"{SEGMENTS}/{recording_id}:finish")

    assert answered(segment) == (404, wire(RECORDING_NOT_FOUND))
    assert answered(finish) == (404, wire(RECORDING_NOT_FOUND))


def test_a_recording_belongs_to_its_session(heidi: Client) -> None:
    recording_id = start(heidi).rpartition("/")[2]
    elsewhere = f"{new_session(heidi)}/restful-segment-transcription/{recording_id}"

    assert answered(heidi.post(f"{elsewhere}:finish")) == (404, wire(RECORDING_NOT_FOUND))


@pytest.mark.parametrize("path", ["/transcript", "/transcript/live"])
def test_an_unknown_session_is_not_found(heidi: Client, path: str) -> None:
    assert answered(heidi.get(f"/sessions/404{path}")) == (404, wire(SESSION_NOT_FOUND))


# --- The live transcript ----------------------------------------------------------------------------------------------


def test_the_live_transcript_is_empty_without_audio(heidi: Client) -> None:
    assert answered(heidi.get(f"{PATH}/transcript/live")) == (200, wire(shapes.LIVE_TRANSCRIPT.documented()))


def test_the_live_transcript_shows_each_piece_of_audio_with_its_words(heidi: Client) -> None:
    recording = start(heidi)
    for index in range(2):
        send(heidi, recording, index)

    shown = live(heidi)

    assert list(shown) == shapes.LIVE_TRANSCRIPT.keys()
    assert [list(chunk) for chunk in shown["chunks"]] == [shapes.LIVE_CHUNK.keys()] * 2
    assert [chunk["duration"] for chunk in shown["chunks"]] == [20, 20]
    assert " ".join(chunk["text"] for chunk in shown["chunks"]) == shown["transcript"] == speaking(40)


def test_each_piece_names_its_source(heidi: Client) -> None:
    recording = start(heidi)
    send(heidi, recording, 0)
    first = live(heidi)["active_source"]
    send(heidi, recording, 0)
    second = live(heidi)["active_source"]
    upload(heidi, spoken(2))

    shown = live(heidi)

    assert (first, second, shown["active_source"]) == ("LIVE", "BACKUP", "USER_UPLOADED")
    assert [chunk["source"] for chunk in shown["chunks"]] == ["BACKUP", "USER_UPLOADED"]


def test_a_test_can_make_a_piece_fail_and_lose_its_words(heidi: Client) -> None:
    recording = start(heidi)
    for index in range(3):
        send(heidi, recording, index)
    ids = [chunk["id"] for chunk in live(heidi)["chunks"]]

    heidi.put(f"/_mock/sessions/{SESSION}", json={"failed_chunks": [ids[1]]})

    shown = live(heidi)
    assert [chunk["status"] for chunk in shown["chunks"]] == ["READY", "FAILED", "READY"]
    assert shown["chunks"][1]["text"] == ""
    assert len(transcript(heidi)) < len(speaking(60))


@pytest.mark.parametrize("status", ["in_progress", "completed"])
def test_the_documented_values_of_recording_status_are_accepted(heidi: Client, status: str) -> None:
    assert heidi.get(f"{PATH}/transcript/live", params={"recording_status": status}).status_code == 200


def test_another_value_of_recording_status_counts_as_in_progress_and_is_a_finding(heidi: Client) -> None:
    answer = heidi.get(f"{PATH}/transcript/live", params={"recording_status": "paused"})

    assert (answer.status_code, answer.json()) == (200, live(heidi))
    assert [row["code"] for row in heidi.get("/_mock/findings").json()["findings"]] == ["undocumented_value"]


@pytest.mark.breaks_contract  # a page prints this spelling once; it is served but not in the contract
def test_the_second_spelling_of_the_path_gives_the_same_answer(heidi: Client) -> None:
    send(heidi, start(heidi), 0)

    assert heidi.get(f"/open-api{PATH}/transcript/live").json() == live(heidi)


def test_a_transcript_edited_by_a_clinician_overrides_the_audio(heidi: Client) -> None:
    upload(heidi, spoken(30))

    heidi.put(f"/_mock/sessions/{SESSION}", json={"transcript": "Corrected by hand."})

    assert transcript(heidi) == "Corrected by hand."


# --- Delayed transcription --------------------------------------------------------------------------------------------


def test_words_appear_after_the_given_number_of_reads(heidi: Client) -> None:
    heidi.put("/_mock/transitions", json={"transcription": {"after_reads": 2}})
    send(heidi, start(heidi), 0)

    looks = [transcript(heidi) != "" for _ in range(4)]

    assert looks == [False, False, True, True]


def test_each_piece_counts_its_own_reads(heidi: Client) -> None:
    heidi.put("/_mock/transitions", json={"transcription": {"after_reads": 1}})
    recording = start(heidi)
    send(heidi, recording, 0)
    seen = [statuses(heidi)]
    send(heidi, recording, 1)

    seen += [statuses(heidi), statuses(heidi)]

    assert seen == [["PENDING"], ["READY", "PENDING"], ["READY", "READY"]]


def test_words_appear_after_the_given_time(heidi: Client) -> None:
    heidi.put("/_mock/transitions", json={"transcription": {"after_seconds": 30}})
    send(heidi, start(heidi), 0)
    seen = [statuses(heidi)]

    for seconds in (29.5, 0.5):
        heidi.post("/_mock/clock/advance", json={"seconds": seconds})
        seen.append(statuses(heidi))

    assert seen == [["PENDING"], ["PENDING"], ["READY"]]


def test_the_time_of_an_upload_counts_from_the_first_read(heidi: Client) -> None:
    heidi.put("/_mock/transitions", json={"transcription": {"after_seconds": 10}})
    upload(heidi, spoken(20))
    heidi.post("/_mock/clock/advance", json={"seconds": 100})
    asked = transcript(heidi)

    heidi.post("/_mock/clock/advance", json={"seconds": 10})

    assert asked == ""
    assert transcript(heidi) == speaking(20)


def test_a_reset_restores_immediate_transcription(heidi: Client) -> None:
    heidi.put("/_mock/transitions", json={"transcription": {"after_seconds": 30}})

    heidi.post("/_mock/reset")

    send(heidi, start(heidi), 0)
    assert statuses(heidi) == ["READY"]


# --- Choice of the consultation ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("consultation", CONSULTATIONS.values(), ids=lambda one: one.id)
def test_the_file_name_selects_the_consultation(heidi: Client, consultation: Consultation) -> None:
    upload(heidi, spoken(1), name=f"Visit-{consultation.match[0].upper()}.wav")

    assert transcript(heidi) == consultation.utterances[0].text


def test_a_fixture_can_name_the_consultation_of_its_session(heidi: Client) -> None:
    heidi.post("/_mock/state", json={"sessions": [{"session_id": "77", "consultation": "es-reflujo"}]})

    upload(heidi, spoken(1), name="cough.wav", path="/sessions/77")

    assert transcript(heidi, "/sessions/77") == CONSULTATIONS["es-reflujo"].utterances[0].text


def test_the_first_file_decides_the_consultation(heidi: Client) -> None:
    upload(heidi, spoken(20), name="shoulder.wav")

    upload(heidi, spoken(20), name="cough.wav")

    told = [said.text for said in CONSULTATIONS["physio-shoulder"].utterances if said.at < 40]
    assert transcript(heidi) == " ".join(told)


def openings(client: Client, count: int = 8, **fields: Any) -> list[str]:
    """The first words of new sessions whose file names select no consultation."""
    made = []
    for _ in range(count):
        path = new_session(client, **fields)
        upload(client, UNDETECTED, name="recording.wav", path=path)
        made.append(transcript(client, path))
    return made


def test_the_choice_of_consultation_depends_on_the_seed() -> None:
    with another(seed=1) as one, another(seed=1) as same, another(seed=2) as other:
        first = openings(one)

        assert openings(same) == first
        assert openings(other) != first


def test_namespaces_of_one_server_get_different_consultations(heidi: Client) -> None:
    ours = in_namespace(heidi, "ours")
    try:
        assert openings(ours) != openings(heidi)
    finally:
        ours.close()


def test_sessions_of_one_server_get_different_consultations(heidi: Client) -> None:
    assert len(set(openings(heidi))) > 2


@pytest.mark.parametrize("code", ["es", "es-MX"])
def test_a_spanish_session_gets_a_spanish_consultation(heidi: Client, code: str) -> None:
    spanish = [one.utterances[0].text for one in CONSULTATIONS.values() if one.language == "es"]

    said = openings(heidi, 3, language_code=code)

    assert all(text.startswith(tuple(spanish)) for text in said)


def test_a_session_in_a_language_without_consultations_gets_any_consultation(heidi: Client) -> None:
    assert all(openings(heidi, 2, language_code="fi"))
