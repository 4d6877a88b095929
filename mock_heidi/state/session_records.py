"""Records of sessions: their audio, recordings, context documents, note and generated documents."""

from typing import Annotated

from pydantic import Field

from mock_heidi.base.values import Record, Value
from mock_heidi.state.field_types import (
    Brain,
    ContentType,
    Flag,
    JsonValue,
    NoteStatus,
    Number,
    ObjectId,
    SessionId,
    Texts,
    Timestamp,
    VoiceStyle,
)
from mock_heidi.state.patient_records import SessionPatient


class Creator(Value):
    """The user who created a session."""

    email: str
    third_party_internal_id: str


class ConsultNote(Value):
    """A session's note, with the keys of the vendor's response."""

    status: NoteStatus
    result: str | None = None
    heading: str | None = None
    brain: Brain | None = None
    voice_style: VoiceStyle | None = None
    generation_method: str | None = None
    template_id: str | None = None
    ai_command_id: str | None = None
    ai_command_text: str | None = None
    feedback: str | None = None
    dictation_cleanup_mode: str | None = None


class AudioPiece(Value):
    """A piece of audio without its bytes.

    ``track`` is ``upload`` or a recording's id; ``index`` counts the pieces of a track. ``begun_at`` is the time when
    transcription began, ``reads`` the number of reads since then. Lengths are in bytes, durations in seconds.
    """

    id: ObjectId
    track: str
    index: Number
    media_type: str = ""
    filename: str = ""
    length: Number = 0
    sha256: str = ""
    duration: Number
    detected: Flag = True
    start_time: str | None = None
    end_time: str | None = None
    expiry: Number = 0
    received_at: Timestamp
    begun_at: Timestamp | None = None
    reads: Number = 0
    again: Flag = False
    failed: Flag = False


class Recording(Value):
    """A live recording. It accepts segments until it is finished."""

    recording_id: str
    finished: Flag = False


class ContextFile(Value):
    """An uploaded context document without its content. ``name`` is the one that the client gave it, if any.

    ``parsing`` keeps it in that status, whatever the namespace's transition is.
    """

    id: ObjectId
    name: str | None = None
    date: str | None = None
    additional_context: str | None = None
    filename: str
    length: Number = 0
    sha256: str = ""
    uploaded_at: Timestamp
    reads: Number = 0
    parsing: Flag = False


class WrittenDocument(Value):
    """A document that was generated from a session, with its sources."""

    id: ObjectId
    name: str
    template_id: str | None = None
    content: str
    brain: Brain = "LEFT"
    voice_style: VoiceStyle | None = None
    content_type: ContentType = "MARKDOWN"
    sources: JsonValue = None


class Session(Record):
    """A consultation."""

    indexes = (("managed_by",), ("patient_profile_id",), ("managed_by", "created_by"))

    session_id: SessionId
    managed_by: ObjectId
    created_by: Creator | None = None
    patient_profile_id: ObjectId | None = None
    session_name: str
    # Built without validation: the first validation loads pydantic's plugins, which would slow every start.
    patient: SessionPatient = SessionPatient.model_construct()
    clinician_notes: Texts = ()
    consult_note: ConsultNote | None = None
    duration: Number = 0
    language_code: str = "en"
    output_language_code: str = "en"
    ehr_appt_id: str | None = None
    ehr_provider: str
    ehr_patient_id: str | None = None
    linked_sessions_for_context: Texts | None = None
    transcribe_mode: str | None = None
    generate_output_without_recording: Flag | None = None
    recording_status: str | None = None
    session_status: str | None = None
    is_consent: Flag | None = None
    created_time_local: str | None = None
    consultation: str | None = None
    transcript: str | None = None
    audio: Annotated[tuple[AudioPiece, ...], Field(strict=False)] = ()
    recordings: Annotated[tuple[Recording, ...], Field(strict=False)] = ()
    context_documents: Annotated[tuple[ContextFile, ...], Field(strict=False)] = ()
    documents: Annotated[tuple[WrittenDocument, ...], Field(strict=False)] = ()
    note_id: ObjectId | None = None
    note_begun_at: Timestamp | None = None
    note_reads: Number = 0
    note_sources: JsonValue = None
    created_at: Timestamp
    updated_at: Timestamp

    @property
    def key(self) -> str:
        return self.session_id
