"""Assumptions about audio and transcripts."""

from __future__ import annotations

import re
from typing import Any

from mock_heidi.comparing.detectors.detector import Detector, on
from mock_heidi.comparing.exchange import Exchange, scalar, texts
from mock_heidi.comparing.history import History
from mock_heidi.comparing.times import moment

_INDEX = re.compile(r"[0-9]{1,4}", re.ASCII)
_CONFLICT = 409
_KNOWN_STATUSES = ("in_progress", "completed")


def empty_audio(exchange: Exchange, _: History) -> Any:
    """An upload or a segment without a byte of audio."""
    part = exchange.part("file")
    if part is None or part.content != b"" or exchange.error:
        return None
    if exchange.ok:
        return "accepted"
    return f"refused_{exchange.status}" if exchange.status in (400, 422) else None


def duration_after_audio(exchange: Exchange, history: History) -> Any:
    """The duration of a session before and after an upload or a segment whose audio is in the recording."""
    shown, session = exchange.value("session", "duration"), history.session(exchange)
    if session.heard is None or not isinstance(shown, int | float):
        return None
    before, added = session.heard
    results = {"added": before + added, "replaced": added, "unchanged": before}
    if len(set(results.values())) < len(results):
        return None
    return next((name for name, result in results.items() if abs(result - shown) < 1), None)


def undetected_duration(exchange: Exchange, history: History) -> Any:
    """The duration of a new session after its first audio, if the length of this audio cannot be read."""
    session, shown = history.session(exchange), exchange.value("session", "duration")
    first = session.made and session.unheard and session.uploads + session.segments == 1 and not session.sent_duration
    return shown if first and type(shown) is int and shown > 0 else None


def upload_times(exchange: Exchange, _: History) -> Any:
    """An upload with a time that is not ISO 8601."""
    parts = [exchange.part(name) for name in ("start_time", "end_time")]
    wrong = [part.name for part in parts if part and part.text and moment(part.text) is None]
    if not wrong:
        return None
    return "any_text" if exchange.ok else "iso_8601" if exchange.blames(*wrong) else None


def upload_times_order(exchange: Exchange, _: History) -> Any:
    """An upload whose end is not after its start."""
    start, end = (
        moment(part.text) if part else None for part in (exchange.part("start_time"), exchange.part("end_time"))
    )
    if start is None or end is None or end > start:
        return None
    return "detected_length" if exchange.ok else "refused_422" if exchange.blames("end_time", "start_time") else None


def segment_repeat(exchange: Exchange, history: History) -> Any:
    """A second segment with the same index, and the live transcript of a new session after it."""
    session = history.session(exchange)
    if exchange.operation == "transcribe_segment":
        recording, index = session.recordings.get(exchange.params["recording_id"]), exchange.part("index")
        if recording is None or index is None or index.text not in recording.indexes:
            return None
        return {"replaces", "appended"} if exchange.ok else "refused_409" if exchange.status == _CONFLICT else None
    if not session.repeated or session.uploads or not session.made:
        return None
    chunks = len(exchange.rows("chunks"))
    distinct = sum(len(set(one.indexes)) for one in session.recordings.values())
    return {distinct: "replaces", session.segments: "appended"}.get(chunks)


def segment_index(exchange: Exchange, _: History) -> Any:
    """A segment whose index is not a number of up to four digits."""
    index = exchange.part("index")
    if index is None or index.content is None or _INDEX.fullmatch(index.text):
        return None
    return "any_text" if exchange.ok else "number" if exchange.blames("index") else None


def segment_type(exchange: Exchange, _: History) -> Any:
    """A segment whose content type is not audio."""
    part = exchange.part("file")
    if exchange.error == "OnlyAudioError":
        return "refused_400"
    # A recorder that keeps no text of the form may leave out the type too.
    known = part is not None and (part.media_type or part.content is not None)
    return "not_checked" if exchange.ok and part and known and not part.media_type.startswith("audio/") else None


def segment_after_finish(exchange: Exchange, history: History) -> Any:
    """A segment after the end of its recording."""
    if exchange.error == "RecordingFinishedError":
        return "refused"
    recording = history.session(exchange).recordings.get(exchange.params["recording_id"])
    return "accepted" if exchange.ok and recording is not None and recording.finished else None


def finish_twice(exchange: Exchange, history: History) -> Any:
    """A second end of a recording."""
    if exchange.error == "RecordingFinishedError":
        return "refused_400"
    recording = history.session(exchange).recordings.get(exchange.params["recording_id"])
    return "allowed" if exchange.ok and recording is not None and recording.finished else None


def recording_status_values(exchange: Exchange, _: History) -> Any:
    """A live transcript with another recording_status than in_progress and completed."""
    sent = exchange.query.get("recording_status")
    if sent is None or sent[0] in _KNOWN_STATUSES:
        return None
    return "in_progress" if exchange.ok else "refused_422" if exchange.blames("recording_status") else None


def live_transcript_source(exchange: Exchange, _: History) -> Any:
    """A live transcript before there is any audio."""
    if exchange.value("chunks") != [] or exchange.value("transcript") != "":
        return None
    source = scalar(exchange.value("active_source"))
    return {"LIVE": "live", "USER_UPLOADED": "user_uploaded", None: "none"}.get(source)


def live_transcript_backup(exchange: Exchange, history: History) -> Any:
    """A live transcript after a segment was sent twice."""
    session = history.session(exchange)
    sources = texts(exchange.rows("chunks"), "source")
    if "BACKUP" in sources:
        return "backup"
    replaced = len(exchange.rows("chunks")) < session.segments
    return "live" if session.repeated and sources and replaced and not session.uploads else None


DETECTORS: list[Detector] = [
    *on("upload_audio transcribe_segment", empty_audio),
    *on("upload_audio", upload_times, upload_times_order),
    *on("get_session", duration_after_audio, undetected_duration),
    *on("transcribe_segment get_live_transcript", segment_repeat),
    *on("transcribe_segment", segment_index, segment_type, segment_after_finish),
    *on("finish_recording", finish_twice),
    *on("get_live_transcript", recording_status_values, live_transcript_source, live_transcript_backup),
]
