"""The packaged set is one clinic day: every list, filter, error and stream has something to show, and all of it fits.

The day is Monday 2025-01-06, told by the sessions' file from top to bottom. It breaks off at 08:17 UTC, with one
recording still going on and a walk-in who has just been booked.
"""

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import httpx
import pytest
from clients import JOHN, Client
from helpers import KEY_TWO, SUCCESS, UNKNOWN_ID
from notes import H_AND_P, text_of
from paths import FIXTURES

from mock_heidi.base.error_table import BY_NAME, render
from mock_heidi.base.errors import HeidiError, InternalError, LinkedAccountRequiredError, UploadFailedError
from mock_heidi.fixtures import loader as fixture_loader
from mock_heidi.state.account_records import ApiKey, User
from mock_heidi.state.code_records import CodeEntry
from mock_heidi.state.consultation_records import Consultation
from mock_heidi.state.patient_records import PatientProfile
from mock_heidi.state.session_records import Session
from mock_heidi.state.store import Store
from mock_heidi.state.template_records import NoteTemplate

STORE = Store(fixture_loader.load())
SESSIONS = list(STORE.all(Session))
TODAY = [one for one in SESSIONS if one.created_at.startswith("2025-01-06")]
PROFILES = {one.id: one for one in STORE.all(PatientProfile)}
CONSULTATIONS = {one.id: one for one in STORE.all(Consultation)}
TEMPLATES = {one.id: one for one in STORE.all(NoteTemplate)}
HEARD = [one for one in SESSIONS if one.audio]
# When the day breaks off.
NOW = "2025-01-06T08:17:00.000000"

ANTENATAL = "152599368029897213382712926631682039237"
SIGNED_OFF_LATER = "104701554391216070640604136441816625113"
WITH_EVERYTHING = "307938912914151495305272839155616485639"
DECLINED = "304461470574377610566225074504489316365"
SPANISH = "26788460892202954294079793112057489868"
RECORDED = "149526525691435075790316147751231032795"
TRANSCRIBED = "229443759297111718477904100994028817168"
GOING_ON = "127604081216672292117182775746157705445"
BOOKED = "58235711432266126019800638476701258565"
OF_ANOTHER_KEY = "39711212911538711603603631948099777679"
PATIENT_OF_ANOTHER_KEY = "66fa5f7afdb1917978595197"
FINISHED_RECORDING, OPEN_RECORDING = "304517", "771903"
OKAFORS_ACCOUNT = "kp_465a5b904021058d98e273a3304adafe"

each_heard = pytest.mark.parametrize("session", HEARD, ids=lambda one: one.consultation)


@pytest.fixture
def okafor(heidi: Client) -> Iterator[Client]:
    """The one user who is linked from the start."""
    client = Client(heidi.app)
    client.sign_in(email="dr.mara.okafor@example.com", third="clinician-7")
    yield client
    client.close()


def read(client: Client, path: str) -> Any:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()


def shown(client: Client, session_id: str) -> dict[str, Any]:
    return dict(read(client, f"/sessions/{session_id}")["session"])


def live(client: Client, session_id: str) -> dict[str, Any]:
    return dict(read(client, f"/sessions/{session_id}/transcript/live"))


def names(rows: list[dict[str, Any]]) -> list[str | None]:
    return [row["last_name"] for row in rows]


def seconds(stamp: str) -> float:
    return datetime.fromisoformat(stamp).replace(tzinfo=UTC).timestamp()


def owned(managed_by: str) -> list[Session]:
    return [one for one in SESSIONS if one.managed_by == managed_by]


def said_in(session: Session) -> str:
    """All that is said in the consultation which a session names."""
    return " ".join(said.text for said in CONSULTATIONS[session.consultation or ""].utterances)


# --- The stages of a session ------------------------------------------------------------------------------------------


class Stage(NamedTuple):
    """The progress of a session, as the API shows it; ``words`` without asking for a transcription."""

    uploads: list[str]
    words: bool
    note: str | None
    typed: bool = False
    documents: int = 0


STAGES = {
    "just booked": (BOOKED, Stage([], words=False, note=None)),
    "recorded": (RECORDED, Stage(["INITIALIZED"], words=False, note=None)),
    "going on": (GOING_ON, Stage([], words=True, note=None)),
    "transcribed": (TRANSCRIBED, Stage(["COMPLETED"], words=True, note=None)),
    "typed only": (DECLINED, Stage([], words=False, note=None, typed=True)),
    "note to be signed off": (SIGNED_OFF_LATER, Stage([], words=False, note="CREATED", typed=True)),
    "note signed off": (ANTENATAL, Stage([], words=False, note="COMPLETED")),
    "in Spanish": (SPANISH, Stage(["COMPLETED"], words=True, note="COMPLETED", documents=1)),
    "with everything": (WITH_EVERYTHING, Stage([], words=True, note="COMPLETED", documents=2)),
}


@pytest.mark.parametrize(("session_id", "stage"), STAGES.values(), ids=STAGES)
def test_there_is_a_session_in_each_stage_of_its_life(heidi: Client, session_id: str, stage: Stage) -> None:
    session, words = shown(heidi, session_id), live(heidi, session_id)["transcript"]

    found = Stage(
        [audio["status"] for audio in session["audio"]],
        words=words != "",
        note=session["consult_note"] and session["consult_note"]["status"],
        typed=session["clinician_notes"] != [],
        documents=len(session["documents"] or []),
    )
    assert found == stage


def test_whoever_has_just_been_booked_has_nothing_yet(heidi: Client) -> None:
    session = shown(heidi, BOOKED)

    assert session["patient"]["name"] != ""
    assert (session["duration"], read(heidi, f"/sessions/{BOOKED}/transcript")) == (0, {"transcript": ""})
    assert [read(heidi, f"/sessions/{BOOKED}/{kind}") for kind in ("documents", "context-documents")] == [
        {"documents": []},
        {"context_documents": []},
    ]


def test_words_of_the_recorded_session_come_when_they_are_asked_for(heidi: Client) -> None:
    before = live(heidi, RECORDED)["chunks"][0]["status"]

    words = read(heidi, f"/sessions/{RECORDED}/transcript")["transcript"]

    assert (before, live(heidi, RECORDED)["chunks"][0]["status"]) == ("PENDING", "READY")
    assert "changing mole" in words
    assert shown(heidi, RECORDED)["audio"][0]["access_url"].startswith("https://")


def test_recording_that_is_going_on_shows_chunks_of_every_status_and_source(heidi: Client) -> None:
    chunks = live(heidi, GOING_ON)["chunks"]

    assert [(chunk["status"], chunk["source"]) for chunk in chunks] == [
        ("READY", "LIVE"),
        ("READY", "BACKUP"),
        ("FAILED", "LIVE"),
        ("READY", "LIVE"),
        ("PENDING", "LIVE"),
    ]
    assert [chunk["text"] != "" for chunk in chunks] == [True, True, False, True, False]
    assert live(heidi, GOING_ON)["active_source"] == "LIVE"
    assert live(heidi, SPANISH)["active_source"] == "USER_UPLOADED"


def test_recording_that_is_going_on_takes_the_next_segment_and_can_be_finished(heidi: Client) -> None:
    path = f"/sessions/{GOING_ON}/restful-segment-transcription/{OPEN_RECORDING}"
    segment = {"file": ("5.webm", b"no audio, so half a minute", "audio/webm")}

    sent = heidi.post(f"{path}:transcribe", files=segment, data={"index": "5"})
    finished = heidi.post(f"{path}:finish")

    assert (sent.json(), finished.json()) == (SUCCESS, SUCCESS)
    assert [chunk["status"] for chunk in live(heidi, GOING_ON)["chunks"]][-1] == "READY"


def test_patient_who_declined_has_said_so_and_was_not_recorded(heidi: Client) -> None:
    session = shown(heidi, DECLINED)

    assert session["clinician_notes"][0] == "Declined recording today"
    assert (session["duration"], session["audio"]) == (0, [])


# --- Lists and filters ------------------------------------------------------------------------------------------------


def test_list_of_patients_shows_every_kind_of_patient(heidi: Client) -> None:
    rows = read(heidi, "/patient-profiles")["data"]

    counts = {row["id"]: row["session_count"] for row in rows}
    assert counts[JOHN] == 3
    assert 0 in counts.values()
    assert {row["remember_consent"] for row in rows} == {None, True, False}
    assert {row["gender"] for row in rows} == {None, "MALE", "FEMALE", "OTHER"}
    assert None in names(rows)


def test_two_people_of_two_systems_share_an_id_and_the_provider_tells_them_apart(heidi: Client) -> None:
    both = read(heidi, "/patient-profiles?ehr_patient_id=20417")["data"]
    found = {
        provider: names(read(heidi, f"/patient-profiles?ehr_patient_id=20417&ehr_provider={provider}")["data"])
        for provider in ("Best Practice", "Northside EHR", "Heidi")
    }

    assert names(both) == ["Brennan-Castellano", "Møller"]
    assert found == {"Best Practice": ["Brennan-Castellano"], "Northside EHR": ["Møller"], "Heidi": []}


@pytest.mark.parametrize(("provider", "count"), [("Heidi", 11), ("Best Practice", 1), ("Northside EHR", 1), ("X", 0)])
def test_each_provider_has_its_patients(heidi: Client, provider: str, count: int) -> None:
    assert len(read(heidi, f"/patient-profiles?ehr_provider={provider}")["data"]) == count


def test_sessions_of_the_day_come_from_several_providers(heidi: Client) -> None:
    providers = {shown(heidi, one.session_id)["ehr_provider"] for one in TODAY if one.managed_by == JOHN}

    assert providers == {"Heidi", "Best Practice", "Northside EHR"}


def test_linked_user_has_a_second_page_of_sessions(okafor: Client) -> None:
    first = read(okafor, "/sessions/linked-user?page_size=10")
    second = read(okafor, f"/sessions/linked-user?page_size=10&page={first['next_page']}")

    told = [(page["count"], page["total_count"], page["next_page"]) for page in (first, second)]
    assert told == [(10, 13, 2), (3, 13, None)]
    ids = [row["session_id"] for row in first["sessions"] + second["sessions"]]
    assert len(set(ids)) == 13
    assert (ids[0], GOING_ON in ids) == (RECORDED, False)


def test_both_lists_of_templates_have_rows_and_the_newer_one_has_both_kinds(heidi: Client) -> None:
    notes = read(heidi, "/templates/consult-note-templates")["templates"]
    both = read(heidi, "/templates/document-templates")["templates"]

    assert {row["template_category"] for row in notes} == {"CONSULT_NOTE_TEMPLATE"}
    assert {row["template_category"] for row in both} == {"CONSULT_NOTE_TEMPLATE", "DOCUMENT_TEMPLATE"}
    assert {row["template_html"] is None for row in both} == {True, False}


def test_context_documents_are_read_or_still_being_read(heidi: Client) -> None:
    rows = [
        [row["status"] for row in read(heidi, f"/sessions/{session_id}/context-documents")["context_documents"]]
        for session_id in (ANTENATAL, RECORDED, TRANSCRIBED)
    ]

    assert rows == [["READY", "READY"], ["READY"], ["PARSING"]]


def test_context_document_that_is_being_read_stays_so_until_it_is_deleted(heidi: Client) -> None:
    path = f"/sessions/{TRANSCRIBED}/context-documents"
    looks = [read(heidi, path)["context_documents"][0] for _ in range(3)]

    heidi.delete(f"{path}?ids={looks[0]['id']}")

    assert [row["status"] for row in looks] == ["PARSING"] * 3
    assert read(heidi, path) == {"context_documents": []}


def test_documents_are_listed_as_markdown_and_as_html(heidi: Client) -> None:
    letter, explainer = read(heidi, f"/sessions/{WITH_EVERYTHING}/documents")["documents"]

    assert [(row["index"], row["name"]) for row in (letter, explainer)] == [
        (0, "Referral letter"),
        (1, "Patient explainer"),
    ]
    assert letter["content"].startswith("2025-01-06\n\nDear colleague,")
    assert explainer["content"].startswith("<p>Your visit on 2025-01-06</p>")
    assert shown(heidi, WITH_EVERYTHING)["documents"] == [letter, explainer]


# --- Codes ------------------------------------------------------------------------------------------------------------


def systems(entities: list[dict[str, Any]]) -> set[str]:
    return {code["code_system"] for entity in entities for code in (entity["primary_code"], *entity["similar_codes"])}


def test_one_note_is_coded_in_several_systems_and_the_places_are_true(heidi: Client) -> None:
    note = shown(heidi, WITH_EVERYTHING)["consult_note"]["result"]
    words = read(heidi, f"/sessions/{WITH_EVERYTHING}/transcript")["transcript"]

    answer = read(heidi, f"/sessions/{WITH_EVERYTHING}/clinical-codes")

    found = [
        note[place["start"] : place["end"]].lower()
        for entity in answer["clinical_entities"]
        for place in entity["location_in_note"]
    ]
    assert {"low mood", "insomnia", "hypothyroidism", "cognitive behavioural therapy"} <= set(found)
    primary = {entity["primary_code"]["code_system"] for entity in answer["clinical_entities"]}
    assert {"snomed_ct", "icd_10_cm_us", "cpt_2025_us"} <= primary
    quotes = [quote for entity in answer["clinical_entities"] for quote in entity["reference_in_transcript"]]
    places = [quote["location_in_transcript"] for quote in quotes]
    assert quotes
    assert [words[place["start"] : place["end"]] for place in places] == [quote["transcript_text"] for quote in quotes]


def test_notes_of_the_day_lead_to_codes_of_every_system(heidi: Client) -> None:
    coded = [one.session_id for one in TODAY if one.consult_note and one.managed_by == JOHN]

    found = [read(heidi, f"/sessions/{session_id}/clinical-codes")["clinical_entities"] for session_id in coded]

    known = {code.code_system for entry in STORE.all(CodeEntry) for code in (entry.primary, *entry.similar)}
    assert set().union(*map(systems, found)) == known
    assert len(known) == 9


# --- Errors -----------------------------------------------------------------------------------------------------------


def note(client: Client, session_id: str, **changes: Any) -> httpx.Response:
    body = {"generation_method": "TEMPLATE", "addition": "", "voice_style": "GOLDILOCKS", "template_id": H_AND_P}
    asked = {name: value for name, value in {**body, **changes}.items() if value is not None}
    return client.post(f"/sessions/{session_id}/consult-note", json=asked)


def segment(client: Client, session_id: str, recording_id: str) -> httpx.Response:
    path = f"/sessions/{session_id}/restful-segment-transcription/{recording_id}:transcribe"
    return client.post(path, files={"file": ("0.webm", b"x", "audio/webm")}, data={"index": "0"})


def expired(client: Client) -> httpx.Response:
    client.token()
    client.post("/_mock/clock/advance", json={"seconds": 3601})
    return client.get("/patient-profiles")


def signed_in_with(key: str) -> Callable[[Client], httpx.Response]:
    query = {"email": "a@example.com", "third_party_internal_id": "1"}
    return lambda client: client.get("/jwt", signed=False, params=query, headers={"Heidi-Api-Key": key})


def with_token(token: str) -> Callable[[Client], httpx.Response]:
    return lambda client: client.get("/patient-profiles", headers={"Authorization": f"Bearer {token}"})


# Each named error with the requests of an ordinary day that meet it: nothing was created or broken before.
REFUSED: dict[str, list[Callable[[Client], httpx.Response]]] = {
    "PatientProfileNotFoundError": [
        lambda heidi: heidi.get(f"/patient-profiles/{PATIENT_OF_ANOTHER_KEY}"),
        lambda heidi: heidi.post("/sessions", json={"patient_profile_id": PATIENT_OF_ANOTHER_KEY}),
        lambda heidi: heidi.get(f"/patient-profiles/{UNKNOWN_ID}"),
    ],
    "SessionNotFoundError": [
        lambda heidi: heidi.get(f"/sessions/{OF_ANOTHER_KEY}"),
        lambda heidi: heidi.get(f"/sessions/{OF_ANOTHER_KEY}/transcript"),
        lambda heidi: heidi.post(f"/patient-profiles/{JOHN}/sessions", json={"session_ids": [OF_ANOTHER_KEY]}),
        lambda heidi: heidi.get("/sessions/1"),
    ],
    "TemplateNotFoundError": [lambda heidi: note(heidi, TRANSCRIBED, template_id=UNKNOWN_ID)],
    "RecordingNotFoundError": [
        lambda heidi: segment(heidi, GOING_ON, FINISHED_RECORDING),
        lambda heidi: segment(heidi, BOOKED, OPEN_RECORDING),
    ],
    "RecordingFinishedError": [lambda heidi: segment(heidi, WITH_EVERYTHING, FINISHED_RECORDING)],
    "ConsultNoteNotFoundError": [
        lambda heidi: heidi.get(f"/sessions/{TRANSCRIBED}/clinical-codes"),
        lambda heidi: heidi.post(f"/sessions/{BOOKED}/client-customised-template/response", json={"questions": []}),
    ],
    "NoLinkedUserException": [lambda heidi: heidi.get("/sessions/linked-user")],
    "OpenAPIHeidiAccountAlreadyLinkedError": [
        lambda heidi: heidi.post("/users/linked-account", json={"kinde_user_id": OKAFORS_ACCOUNT}),
    ],
    "TemplateRequiredError": [lambda heidi: note(heidi, TRANSCRIBED, template_id=None)],
    "OnlyAudioError": [
        lambda heidi: heidi.post(f"/sessions/{BOOKED}/upload-audio", files={"file": ("a.txt", b"x", "text/plain")}),
    ],
    "UnsupportedFileTypeError": [
        lambda heidi: heidi.post(
            f"/sessions/{ANTENATAL}/context-documents", files={"context_documents": ("a.txt", b"x", "text/plain")}
        ),
    ],
    "InvalidApiKeyError": [signed_in_with("mock-heidi-key-three")],
    "InvalidTokenError": [with_token("x.y.z")],
    "ExpiredTokenError": [expired],
    "MissingTokenError": [lambda heidi: heidi.get("/patient-profiles", signed=False)],
    "NotFoundError": [lambda heidi: heidi.get(f"/sessions/{BOOKED}/summary")],
    "BodyTooLargeError": [
        lambda heidi: heidi.patch(f"/sessions/{BOOKED}", json={"clinician_notes": ["x" * 1_100_000]}),
    ],
    "UnprocessableError": [lambda heidi: heidi.patch(f"/sessions/{BOOKED}", json={"patient": {"gender": "female"}})],
}
# A day has none of these: somebody has to ask for them.
ONLY_AS_FAULTS = {kind.__name__ for kind in (UploadFailedError, LinkedAccountRequiredError, InternalError)}


@pytest.mark.parametrize(
    ("name", "ask"),
    [pytest.param(name, ask, id=f"{name}-{at}") for name, asks in REFUSED.items() for at, ask in enumerate(asks)],
)
def test_each_named_error_can_be_met(heidi: Client, name: str, ask: Callable[[Client], httpx.Response]) -> None:
    answer = ask(heidi)

    assert (answer.status_code, answer.headers["content-type"]) == (_status(name), "application/json")
    assert _named(name, answer.json()["detail"])


def test_no_named_error_is_missing() -> None:
    assert set(REFUSED) == set(BY_NAME) - ONLY_AS_FAULTS


def _status(name: str) -> int:
    return render(BY_NAME[name][0])[0]


def _named(name: str, detail: Any) -> bool:
    error: HeidiError = BY_NAME[name][0]
    if isinstance(detail, list):
        return name == "UnprocessableError" and bool(detail)
    return detail["type"] == name if isinstance(detail, dict) else bool(detail == error.detail)


def test_the_other_key_sees_its_own_day_and_nothing_of_this_one(heidi: Client) -> None:
    heidi.sign_in(KEY_TWO)

    patients = read(heidi, "/patient-profiles")["data"]
    found = {one.session_id: heidi.get(f"/sessions/{one.session_id}").status_code for one in TODAY}

    assert [(row["last_name"], row["session_count"]) for row in patients] == [("Þórsdóttir", 1), ("Asante", 0)]
    assert found.pop(OF_ANOTHER_KEY) == 200
    assert set(found.values()) == {404}


# --- Streams ----------------------------------------------------------------------------------------------------------


def test_note_of_the_transcribed_session_streams_what_was_said(heidi: Client) -> None:
    answer = note(heidi, TRANSCRIBED)

    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert answer.text.count("data: ") > 50
    assert "Dix-Hallpike test positive on the right" in text_of(answer)
    assert shown(heidi, TRANSCRIBED)["consult_note"]["result"] == text_of(answer)


def ask(client: Client, session_id: str, instruction: str) -> str:
    body = {"ai_command_text": instruction, "content": "", "content_type": "MARKDOWN"}
    return text_of(client.post(f"/sessions/{session_id}/ask-ai", json=body))


@pytest.mark.parametrize(
    ("session_id", "instruction", "words"),
    [
        (WITH_EVERYTHING, "List the medications", "● Start sertraline 25 mg in the morning for one week"),
        (SPANISH, "Resumen, por favor", "Ramón Ibáñez Cordero"),
        (TRANSCRIBED, "Summarise", "English or en español"),
        (BOOKED, "Summarise", "There is nothing to go by yet."),
    ],
    ids=["with everything", "in Spanish", "transcribed", "just booked"],
)
def test_asking_heidi_is_answered_from_what_there_is(
    heidi: Client, session_id: str, instruction: str, words: str
) -> None:
    assert words in ask(heidi, session_id, instruction)


# --- The day fits together --------------------------------------------------------------------------------------------


def test_the_file_tells_the_day_from_top_to_bottom_and_says_when_each_session_was() -> None:
    text = (FIXTURES / "sessions.yaml").read_text(encoding="utf-8")
    day = text[text.index("# ---- The clinic day") :]

    # Each comment begins with the practice's own time, eight hours ahead.
    told = re.findall(r"^# (\d\d:\d\d)\b[^\n]*\n(?:# [^\n]*\n)*- session_id: (\d+)$", day, re.MULTILINE)
    ours = [one for one in TODAY if one.managed_by == JOHN]
    local = {one.session_id: f"{datetime.fromisoformat(one.created_at) + timedelta(hours=8):%H:%M}" for one in TODAY}
    assert told == [(local[one.session_id], one.session_id) for one in TODAY]
    assert ours == sorted(ours, key=lambda one: one.created_at)
    assert len(ours) == 12


@pytest.mark.parametrize("session", SESSIONS, ids=lambda one: one.session_id[:6])
def test_what_happened_in_a_session_happened_between_its_beginning_and_now(session: Session) -> None:
    heard = [piece.received_at for piece in session.audio]
    moments = [
        *heard,
        *(piece.begun_at for piece in session.audio if piece.begun_at),
        *(file.uploaded_at for file in session.context_documents),
    ]
    patient = PROFILES.get(session.patient_profile_id or "")

    assert session.created_at <= session.updated_at <= NOW
    assert [moment for moment in moments if not session.created_at <= moment <= NOW] == []
    assert heard == sorted(heard)
    assert [moment for moment in heard if moment > session.updated_at] == []
    assert all(piece.begun_at is None or piece.begun_at >= piece.received_at for piece in session.audio)
    assert patient is None or patient.created_at < session.created_at


def test_ids_tell_when_their_things_were_made() -> None:
    made = [
        *((one.id, one.created_at) for one in PROFILES.values()),
        *((piece.id, piece.received_at) for one in SESSIONS for piece in one.audio),
        *((file.id, file.uploaded_at) for one in SESSIONS for file in one.context_documents),
    ]
    later = [(one, [one.note_id, *(document.id for document in one.documents)]) for one in SESSIONS if one.note_id]

    assert [pair for pair in made if int(pair[0][:8], 16) != int(seconds(pair[1]))] == []
    # A note comes after the last word, and documents after it; the last of them is the session's last change.
    for session, ids in later:
        times = [int(one[:8], 16) for one in ids if one]
        assert [seconds(session.audio[-1].received_at), *times] == sorted(
            [seconds(session.audio[-1].received_at), *times]
        )
        assert times[-1] == int(seconds(session.updated_at))
    assert len(later) == 2


@pytest.mark.parametrize("email", ["dr.mara.okafor@example.com", "dr.jonas.lind@example.com"])
def test_no_clinician_is_in_two_rooms_at_once(email: str) -> None:
    mine = [one for one in TODAY if one.created_by and one.created_by.email == email]

    ends = [seconds(one.created_at) + one.duration for one in mine]
    begins = [seconds(one.created_at) for one in mine]
    assert len(mine) >= 4
    assert [pair for pair in zip(ends, begins[1:], strict=False) if pair[0] > pair[1]] == []


def test_every_name_and_id_that_is_referred_to_exists() -> None:
    users = {(one.managed_by, one.email, one.third_party_internal_id) for one in STORE.all(User)}
    known = {one.session_id: one for one in SESSIONS}
    appointments = [one.ehr_appt_id for one in SESSIONS if one.ehr_appt_id]

    for session in SESSIONS:
        maker, note = session.created_by, session.consult_note
        assert maker is None or (session.managed_by, maker.email, maker.third_party_internal_id) in users
        earlier = [known[one] for one in session.linked_sessions_for_context or ()]
        assert [one for one in earlier if one.created_at >= session.created_at] == []
        assert {one.patient_profile_id for one in earlier} <= {session.patient_profile_id}
        if note and note.template_id:
            assert note.heading == TEMPLATES[note.template_id].name
        assert [one.name for one in session.documents] == [
            TEMPLATES[one.template_id or ""].name for one in session.documents
        ]
        tracks = {piece.track for piece in session.audio} - {"upload"}
        assert tracks == {one.recording_id for one in session.recordings}
    assert {one.linked_to for one in STORE.all(User)} - {None} == {OKAFORS_ACCOUNT}
    assert OKAFORS_ACCOUNT in {user.kinde_user_id for key in STORE.all(ApiKey) for user in key.heidi_users}
    assert len(set(appointments)) == len(appointments) > 8


def test_appointments_of_the_day_are_numbered_in_order() -> None:
    booked = [one.ehr_appt_id for one in TODAY if one.ehr_appt_id]

    assert booked == sorted(booked)
    assert [one for one in booked if not one.startswith("APT-20250106-")] == []


def test_what_a_session_says_of_its_patient_is_the_linked_profiles() -> None:
    linked = [(one, PROFILES[one.patient_profile_id]) for one in SESSIONS if one.patient_profile_id]

    for session, profile in linked:
        assert session.ehr_patient_id in (None, profile.ehr_patient_id)
        assert session.patient.dob in (None, profile.birth_date)
        assert session.patient.gender in (None, profile.gender)
        assert session.ehr_provider == profile.ehr_provider


# --- What was said, and what was made of it ---------------------------------------------------------------------------


def test_what_was_heard_is_one_of_several_consultations() -> None:
    heard = [one.consultation for one in HEARD]

    assert len(set(heard)) == len(heard) == 5
    assert set(heard) <= CONSULTATIONS.keys()
    assert [one.session_id for one in SESSIONS if one.consultation and not one.audio] == []


@each_heard
def test_transcript_of_a_session_is_what_its_consultation_says(heidi: Client, session: Session) -> None:
    words = read(heidi, f"/sessions/{session.session_id}/transcript")["transcript"]

    if session.session_id != GOING_ON:
        assert words == said_in(session)
        return
    # Of a recording that is going on only the beginning, and not what failed in it.
    texts = [chunk["text"] for chunk in live(heidi, GOING_ON)["chunks"]]
    assert [text for text in texts if text not in said_in(session)] == []
    assert words == " ".join(text for text in texts if text)
    assert "honey and lemon" not in words
    assert "honey and lemon" in said_in(session)


@each_heard
def test_audio_is_as_long_as_the_session_says_and_its_consultation_needs(session: Session) -> None:
    last = CONSULTATIONS[session.consultation or ""].utterances[-1]
    lengths = [piece.duration for piece in session.audio]

    assert session.duration == sum(map(round, lengths))
    assert session.session_id == GOING_ON or sum(lengths) == pytest.approx(last.at + last.length, abs=0.5)
    for piece in session.audio:
        if piece.start_time and piece.end_time:
            told = datetime.fromisoformat(piece.end_time) - datetime.fromisoformat(piece.start_time)
            assert told.total_seconds() == pytest.approx(piece.duration)
            assert session.created_at < piece.start_time < piece.end_time < piece.received_at


@each_heard
def test_session_speaks_the_language_and_the_clinician_of_its_consultation(session: Session) -> None:
    consultation, maker = CONSULTATIONS[session.consultation or ""], session.created_by
    clinician = next((name for name in ("Lind", "Okafor") if f"Doctor {name}" in said_in(session)), "")

    assert session.language_code == consultation.language
    assert maker is not None
    assert clinician.lower() in maker.email
    assert session.session_name in (consultation.session_name, f"Session {owned(JOHN).index(session) + 1}")


@pytest.mark.parametrize("session_id", [WITH_EVERYTHING, SPANISH], ids=["with everything", "in Spanish"])
def test_note_that_says_what_it_was_made_of_is_written_so_again(heidi: Client, session_id: str) -> None:
    [session] = [one for one in SESSIONS if one.session_id == session_id]
    written, sources = session.consult_note, session.note_sources
    assert written

    again = note(heidi, session_id, template_id=written.template_id, voice_style=written.voice_style)

    assert text_of(again) == written.result
    assert read(heidi, f"/_mock/sessions/{session_id}")["note_sources"] == sources
    assert sources["consultation"] == session.consultation
    told = [said.note for said in CONSULTATIONS[sources["consultation"]].utterances if said.topic in ("plan", "risk")]
    assert told
    assert [line for line in told if line and line not in (written.result or "")] == []


def test_notes_that_say_what_they_were_made_of_are_those_two() -> None:
    assert [one.session_id for one in SESSIONS if one.note_sources] == [WITH_EVERYTHING, SPANISH]


@pytest.mark.parametrize("session_id", [WITH_EVERYTHING, SPANISH], ids=["with everything", "in Spanish"])
def test_documents_are_written_so_again(heidi: Client, session_id: str) -> None:
    [session] = [one for one in SESSIONS if one.session_id == session_id]

    again = [
        heidi.post(
            f"/sessions/{session_id}/documents",
            json={
                "generation_method": "TEMPLATE",
                "template_id": one.template_id,
                "voice_style": one.voice_style,
                "brain": one.brain,
                "content_type": one.content_type,
            },
        ).json()["content"]
        for one in session.documents
    ]

    assert again == [one.content for one in session.documents]
    assert again


def test_the_whole_day_comes_back_from_the_state(heidi: Client) -> None:
    before = heidi.state()

    heidi.put("/_mock/state", content=json.dumps(before), headers={"content-type": "application/json"})

    assert heidi.state() == before
    assert [chunk["status"] for chunk in live(heidi, GOING_ON)["chunks"]].count("READY") == 3
