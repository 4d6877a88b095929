"""Audio and transcripts: whole files, live segments, and the transcripts made from them."""

from collections.abc import Iterable
from typing import Any, Literal

from pydantic import BaseModel, Field, create_model
from starlette.datastructures import UploadFile
from starlette.responses import Response

from mock_heidi.api.sessions import uploaded
from mock_heidi.base.errors import (
    OnlyAudioError,
    RecordingFinishedError,
    RecordingNotFoundError,
    UnprocessableError,
)
from mock_heidi.base.refusals import refused
from mock_heidi.base.values import Outgoing
from mock_heidi.content.transcripts import UPLOAD
from mock_heidi.namespaces import session_content
from mock_heidi.observing.undocumented import Undocumented
from mock_heidi.state.clock import seconds_between, seconds_later
from mock_heidi.state.field_types import Number, ObjectId, SessionId
from mock_heidi.state.session_records import AudioPiece, Recording, Session
from mock_heidi.web.form_fields import LONGEST, moment, segment_index, whole
from mock_heidi.web.inputs import find, read_query
from mock_heidi.web.request import Request
from mock_heidi.web.response import SUCCESS, respond
from mock_heidi.web.spoken import stubbed_pieces
from mock_heidi.web.strictness import accept
from mock_heidi.web.stub_answers import stub_of
from mock_heidi.web.uploads import Upload, file_of, take, text_of

Source = Literal["USER_UPLOADED", "LIVE", "BACKUP"]


class RecordingStarted(Outgoing):
    recording_id: str = Field(pattern="^[0-9]+$")


class Transcript(Outgoing):
    transcript: str


class LiveChunk(Outgoing):
    id: ObjectId
    status: Literal["PENDING", "READY", "FAILED"]
    duration: Number
    text: str
    source: Source


class LiveTranscript(Outgoing):
    session_id: SessionId
    transcript: str
    active_source: Source
    chunks: list[LiveChunk]


_SOURCELESS = create_model("LiveTranscript", __base__=LiveTranscript, active_source=(None, ...))
# The active source of a session without audio, for each value of the assumption live_transcript_source.
_FIRST_SOURCES: dict[str, Any] = {"live": "LIVE", "user_uploaded": "USER_UPLOADED", "none": None}


class LiveQuery(BaseModel, defer_build=True):
    recording_status: Literal["in_progress", "completed"] = "in_progress"


def upload_audio(request: Request) -> Response:
    session_id = request.params["session_id"]
    fields = request.form
    file = file_of(fields, "file")
    start, end = (moment(request, name, text_of(fields, name)) for name in ("start_time", "end_time"))
    given = seconds_between(start, end) if start and end else None
    if given is not None and given <= 0 and request.meet("upload_times_order") != "detected_length":
        raise refused(request.assumptions, "upload_times_order", "end_time is not after start_time", "body", "end_time")
    expiry = whole("expiry", text_of(fields, "expiry") or "0", 10**9)
    session = find(request, Session, session_id)
    if not _is_audio(file):
        raise OnlyAudioError
    upload = _not_empty(request, take(file))
    if any(one.sha256 == upload.sha256 for one in session_content.uploads(session)):
        request.note("audio_again", upload.filename or session_id)
    length = given if given is not None and 0 < given <= LONGEST else None
    piece = _piece(request, upload, UPLOAD, len(session_content.uploads(session)), length)
    if start and not end:
        end = seconds_later(start, piece.duration)
    piece = piece.replace(start_time=start, end_time=end, expiry=expiry)
    session = _accept(request, session, piece)
    return respond(uploaded(request, session, piece), "uploaded_audio")


def start_recording(request: Request) -> Response:
    session = find(request, Session, request.params["session_id"])
    taken = {recording.recording_id for recording in session.recordings}
    while (recording_id := request.namespace.ids.number(6)) in taken:
        continue
    recordings = (*session.recordings, Recording(recording_id=recording_id))
    request.store.put(session.replace(recordings=recordings))
    return respond(RecordingStarted(recording_id=recording_id))


def transcribe_segment(request: Request) -> Response:
    fields = request.form
    file = file_of(fields, "file")
    index = segment_index(request, text_of(fields, "index"))
    session, recording = _open_recording(request)
    if not _is_audio(file) and request.meet("segment_type") != "not_checked":
        raise OnlyAudioError().under("segment_type")
    upload = _not_empty(request, take(file))
    there = [one for one in session.audio if one.track == recording.recording_id]
    index, replaced = _placed(request, recording, index, there)
    piece = _piece(request, upload, recording.recording_id, index)
    piece = piece.replace(begun_at=piece.received_at, again=bool(replaced))
    others = tuple(one for one in session.audio if one not in replaced)
    gone = round(sum(one.duration for one in replaced))
    _accept(request, session.replace(audio=others), piece, gone)
    return respond(SUCCESS)


def _placed(
    request: Request, recording: Recording, index: int | None, there: list[AudioPiece]
) -> tuple[int, list[AudioPiece]]:
    """The index of a segment in its recording, and the earlier segments that it replaces."""
    same = [one for one in there if one.index == index]
    repeat = request.meet("segment_repeat") if same else "replaces"
    if same:
        request.note("segment_repeat", f"{index} of recording {recording.recording_id}")
    if repeat == "refused_409":
        raise refused(request.assumptions, "segment_repeat", "the recording has a segment of that index")
    if index is None or repeat == "appended":
        return max((one.index for one in there), default=-1) + 1, []
    return index, same


def finish_recording(request: Request) -> Response:
    session, recording = _recording(request)
    if recording.finished and request.meet("finish_twice") != "allowed":
        raise RecordingFinishedError().under("finish_twice")
    there = {one.index for one in session.audio if one.track == recording.recording_id}
    if lost := set(range(max(there, default=-1) + 1)) - there:
        request.note("segment_gap", f"{_ranges(lost)} of recording {recording.recording_id}")
    recordings = tuple(
        Recording(recording_id=one.recording_id, finished=one.finished or one is recording)
        for one in session.recordings
    )
    request.store.put(session.replace(recordings=recordings))
    return respond(SUCCESS)


def get_transcript(request: Request) -> Response:
    session = find(request, Session, request.params["session_id"])
    session = session_content.begin(request.namespace, session)
    text = session_content.transcript_so_far(request.namespace, session)
    session_content.count_read(request.namespace, session)
    return respond(Transcript(transcript="".join(stubbed_pieces(stub_of(request), lambda: [text]))))


def get_live_transcript(request: Request) -> Response:
    try:
        read_query(request, LiveQuery)
    except UnprocessableError as error:
        if request.meet("recording_status_values") != "in_progress":
            raise
        detail = f"recording_status = {request.query['recording_status']}"
        accept(request, Undocumented("undocumented_value", detail, error.problems[0]))
    session = find(request, Session, request.params["session_id"])
    pieces = session_content.transcribed_pieces(request.namespace, session)
    chunks = [
        LiveChunk(
            id=one.piece.id,
            status="FAILED" if one.piece.failed else "READY" if one.ready else "PENDING",
            duration=one.piece.duration,
            text=one.transcription.text if one.ready else "",
            source=_source(request, one.piece),
        )
        for one in pieces
    ]
    if session.audio:
        source: Any = _source(request, session.audio[-1])
    else:
        source = _FIRST_SOURCES[request.meet("live_transcript_source")]
    answer = (LiveTranscript if source else _SOURCELESS)(
        session_id=session.session_id,
        transcript=session_content.transcript_so_far(request.namespace, session),
        active_source=source,
        chunks=chunks,
    )
    session_content.count_read(request.namespace, session)
    return respond(answer)


def _source(request: Request, piece: AudioPiece) -> Source:
    if piece.track == UPLOAD:
        return "USER_UPLOADED"
    # A client that sends a segment again has kept a copy of it.
    return "BACKUP" if piece.again and request.meet("live_transcript_backup") == "backup" else "LIVE"


def _recording(request: Request) -> tuple[Session, Recording]:
    session = find(request, Session, request.params["session_id"])
    for recording in session.recordings:
        if recording.recording_id == request.params["recording_id"]:
            return session, recording
    raise RecordingNotFoundError


def _open_recording(request: Request) -> tuple[Session, Recording]:
    session, recording = _recording(request)
    if recording.finished:
        request.note("segment_after_finish")
        if request.meet("segment_after_finish") == "refused":
            raise RecordingFinishedError
    return session, recording


def _ranges(numbers: Iterable[int]) -> str:
    """The numbers as text, with ranges: ``1, 3-5``."""
    spans: list[list[int]] = []
    for number in sorted(numbers):
        if spans and spans[-1][1] == number - 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in spans)


def _piece(request: Request, upload: Upload, track: str, index: int, given: float | None = None) -> AudioPiece:
    """The record of a piece of audio. The duration ``given`` by the client replaces the one found in the file."""
    seconds = upload.duration if given is None else given
    if seconds is None:
        request.note("duration_unknown", upload.filename or upload.media_type or "a file without a name")
        seconds = float(request.meet("undetected_duration"))
    return AudioPiece(
        id=request.namespace.object_id(),
        track=track,
        index=index,
        media_type=upload.media_type,
        filename=upload.filename,
        length=upload.length,
        sha256=upload.sha256,
        duration=round(seconds, 3) if given is None else given,
        detected=upload.duration is not None,
        received_at=request.namespace.clock.stamp(),
    )


def _accept(request: Request, session: Session, piece: AudioPiece, gone: int = 0) -> Session:
    """Store one more piece of audio. Returns the new session. ``gone`` is the seconds of the replaced pieces."""
    seconds = {
        "added": max(0, session.duration - gone) + round(piece.duration),
        "replaced": round(piece.duration),
        "unchanged": session.duration,
    }
    session = session.replace(
        consultation=session_content.consultation_of(request.namespace, session, piece.filename),
        audio=(*session.audio, piece),
        duration=seconds[request.meet("duration_after_audio")],
        updated_at=piece.received_at,
    )
    request.store.put(session)
    return session


def _is_audio(file: UploadFile) -> bool:
    """True if the content type of the file is audio."""
    return (file.content_type or "").lower().startswith("audio/")


def _not_empty(request: Request, upload: Upload) -> Upload:
    if upload.length == 0 and request.meet("empty_audio") != "accepted":
        raise refused(request.assumptions, "empty_audio", "the file is empty", "body", "file")
    return upload
