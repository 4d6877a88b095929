"""Audio in, words out: whole files, live segments, and the transcript that comes of them."""

import re
from collections.abc import Iterable
from typing import Literal

from pydantic import BaseModel, Field
from starlette.responses import Response

from mock_heidi.api.sessions import uploaded
from mock_heidi.base.assumptions import assumed
from mock_heidi.base.errors import (
    OnlyAudioError,
    RecordingFinishedError,
    RecordingNotFoundError,
    UnprocessableError,
    missing,
)
from mock_heidi.base.values import Outgoing
from mock_heidi.content.transcripts import UPLOAD
from mock_heidi.namespaces import session_content
from mock_heidi.state.clock import seconds_between, seconds_later
from mock_heidi.state.field_types import Number, ObjectId, SessionId
from mock_heidi.state.session_records import AudioPiece, Recording, Session
from mock_heidi.web.inputs import find, read_query
from mock_heidi.web.request import Request
from mock_heidi.web.response import SUCCESS, respond
from mock_heidi.web.spoken import stubbed_pieces
from mock_heidi.web.stub_answers import stub_of
from mock_heidi.web.uploads import Upload, file_of, take, text_of

_MOST_SEGMENTS = 10_000
# Two moments further apart than a day are no recording.
_LONGEST = 86_400
_INDEX = re.compile(r"[0-9]{1,9}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?")

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


class LiveQuery(BaseModel, defer_build=True):
    recording_status: Literal["in_progress", "completed"] = "in_progress"


def upload_audio(request: Request) -> Response:
    session_id = request.params["session_id"]
    fields = request.form
    file = file_of(fields, "file")
    start, end = (_moment(name, text_of(fields, name)) for name in ("start_time", "end_time"))
    expiry = _whole("expiry", text_of(fields, "expiry") or "0", 10**9)
    session = find(request, Session, session_id)
    if not (file.content_type or "").lower().startswith("audio/"):
        raise OnlyAudioError
    upload = _not_empty(take(file))
    if any(one.sha256 == upload.sha256 for one in session_content.uploads(session)):
        request.note("audio_again", upload.filename or session_id)
    given = seconds_between(start, end) if start and end else 0
    piece = _piece(
        request, upload, UPLOAD, len(session_content.uploads(session)), given if 0 < given <= _LONGEST else None
    )
    if start and not end:
        end = seconds_later(start, piece.duration)
    piece = piece.replace(start_time=start, end_time=end, expiry=expiry)
    session = _accept(request, session, piece)
    return respond(uploaded(request.namespace, session, piece), "uploaded_audio")


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
    index = _whole("index", text_of(fields, "index"), _MOST_SEGMENTS)
    session, recording = _open_recording(request)
    upload = _not_empty(take(file))
    piece = _piece(request, upload, recording.recording_id, index)
    same = [one for one in session.audio if (one.track, one.index) == (piece.track, piece.index)]
    if same:
        request.note("segment_repeat", f"{index} of recording {recording.recording_id}")
    piece = piece.replace(begun_at=piece.received_at, again=bool(same))
    others = tuple(one for one in session.audio if one not in same)
    gone = sum(one.duration for one in same)
    session = session.replace(audio=others, duration=max(0, session.duration - round(gone)))
    _accept(request, session, piece)
    return respond(SUCCESS)


def finish_recording(request: Request) -> Response:
    session, recording = _recording(request)
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
    read_query(request, LiveQuery)
    session = find(request, Session, request.params["session_id"])
    pieces = session_content.transcribed_pieces(request.namespace, session)
    chunks = [
        LiveChunk(
            id=one.piece.id,
            status="FAILED" if one.piece.failed else "READY" if one.ready else "PENDING",
            duration=one.piece.duration,
            text=one.transcription.text if one.ready else "",
            source=_source(one.piece),
        )
        for one in pieces
    ]
    answer = LiveTranscript(
        session_id=session.session_id,
        transcript=session_content.transcript_so_far(request.namespace, session),
        active_source=_source(session.audio[-1]) if session.audio else "LIVE",
        chunks=chunks,
    )
    session_content.count_read(request.namespace, session)
    return respond(answer)


def _source(piece: AudioPiece) -> Source:
    if piece.track == UPLOAD:
        return "USER_UPLOADED"
    return "BACKUP" if piece.again else "LIVE"  # kept by the client: live_transcript_backup


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
        raise RecordingFinishedError
    return session, recording


def _ranges(numbers: Iterable[int]) -> str:
    """Numbers for people: ``1, 3-5``."""
    spans: list[list[int]] = []
    for number in sorted(numbers):
        if spans and spans[-1][1] == number - 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in spans)


def _piece(request: Request, upload: Upload, track: str, index: int, given: float | None = None) -> AudioPiece:
    """The record of a piece of audio. A duration that the client gives wins over that of the bytes."""
    seconds = upload.duration
    if seconds is None and given is None:
        request.note("duration_unknown", upload.filename or upload.media_type or "a file without a name")
    return AudioPiece(
        id=request.namespace.object_id(),
        track=track,
        index=index,
        media_type=upload.media_type,
        filename=upload.filename,
        length=upload.length,
        sha256=upload.sha256,
        duration=_seconds(seconds) if given is None else given,
        detected=seconds is not None,
        received_at=request.namespace.clock.stamp(),
    )


def _seconds(detected: float | None) -> float:
    return float(assumed("undetected_duration")) if detected is None else round(detected, 3)


def _accept(request: Request, session: Session, piece: AudioPiece) -> Session:
    session = session.replace(
        consultation=session_content.consultation_of(request.namespace, session, piece.filename),
        audio=(*session.audio, piece),
        duration=session.duration + round(piece.duration),
        updated_at=piece.received_at,
    )
    request.store.put(session)
    return session


def _not_empty(upload: Upload) -> Upload:
    if upload.length == 0:
        row = {"type": "value_error", "loc": ["body", "file"], "msg": "Value error, the file is empty", "input": None}
        raise UnprocessableError([row])
    return upload


def _whole(name: str, text: str | None, most: int) -> int:
    if text is None:
        raise UnprocessableError([missing("body", name)])
    if _INDEX.fullmatch(text) is None:
        msg = "Input should be a valid integer, unable to parse string as an integer"
        raise UnprocessableError([{"type": "int_parsing", "loc": ["body", name], "msg": msg, "input": text}])
    if int(text) >= most:
        row = {"type": "less_than", "loc": ["body", name], "msg": f"Input should be less than {most}", "input": text}
        raise UnprocessableError([{**row, "ctx": {"lt": most}}])
    return int(text)


def _moment(name: str, text: str | None) -> str | None:
    if text is None or text == "":
        return None
    try:
        if _MOMENT.fullmatch(text) is None:
            raise ValueError
        seconds_later(text, _LONGEST)
    except (ValueError, OverflowError):
        msg = "Input should be a valid datetime, such as 2024-12-11T03:57:57Z"
        row = {"type": "datetime_from_date_parsing", "loc": ["body", name], "msg": msg, "input": text}
        raise UnprocessableError([row]) from None
    return text
