"""Checks of a client's use of a session: its id, its recordings, and its streamed texts."""

from __future__ import annotations

import re
from http import HTTPStatus

from mock_heidi.base.operations import CODERS, WRITERS
from mock_heidi.observing.checks.check import Check, Latest, Note
from mock_heidi.observing.documented import documented
from mock_heidi.observing.noticing import EarlyEnd, early_end, left_behind, looked_for
from mock_heidi.observing.parsed_entries import ParsedEntry

# A session id that a language has written as a floating-point number.
_ROUNDED = re.compile(r"\d(\.\d+)?[eE]\+?\d+")
_SESSION_KEYS = ("session_ids", "linked_sessions_for_context")
# The length of the longest session id.
_DIGITS = 39

_RECORDING = re.compile(r"/restful-segment-transcription/([^/:]+):")
# The number of recordings of one session that are remembered.
_RECORDINGS = 8
# The operations that need complete recordings.
_COMES_AFTER = (*WRITERS, *CODERS, "answer_custom_template", "start_recording")


class SessionIds(Check):
    """A session id that the client has converted to a number, in a body or in a path."""

    def __init__(self) -> None:
        # Session ids after a conversion to a floating-point number and back.
        self._rounded: Latest[bool] = Latest()

    def look(self, request: ParsedEntry, note: Note) -> None:
        self._body(request, note)
        status, session = request.entry.status, request.session
        if status == HTTPStatus.OK:
            made = request.response.get("session_id") if request.operation == "create_session" else None
            for one in (session, made):
                self._remember(str(one))
        elif session is not None and status == HTTPStatus.NOT_FOUND and self._is_rounded(session):
            note("session_id_number", session)

    def _body(self, request: ParsedEntry, note: Note) -> None:
        known = documented().get(request.operation or "")
        # A partner's custom template may hold any number under these names.
        fields = known.fields if known is not None and known.fields is not None else {}
        sent = request.body if isinstance(request.body, dict) else {}
        for name in (name for name in _SESSION_KEYS if name in fields):
            given = sent.get(name)
            for number in given if isinstance(given, list) else [given]:
                if type(number) in (int, float):
                    note("session_id_number", f"{name}: {number}")

    def _remember(self, session: str) -> None:
        if session.isdecimal() and len(session) <= _DIGITS:
            rounded = str(int(float(session)))
            if rounded != session:
                self._rounded.put(rounded, True)

    def _is_rounded(self, session: str) -> bool:
        return _ROUNDED.fullmatch(session) is not None or self._rounded.get(session) is not None


class Recordings(Check):
    """A client that uses a recording as complete but has not finished it."""

    def __init__(self) -> None:
        # For each session, its last recordings: True if finished, None if the request to finish has no answer yet.
        self._finished: Latest[dict[str, bool | None]] = Latest()

    def arrive(self, request: ParsedEntry) -> None:
        recording, known = _recording(request), self._recordings(request)
        if request.operation == "transcribe_segment":
            known.setdefault(recording, False)
        elif request.operation == "finish_recording" and not known.get(recording):
            known[recording] = None
        if len(known) > _RECORDINGS:
            del known[next(iter(known))]

    def look(self, request: ParsedEntry, note: Note) -> None:
        recording, known, status = _recording(request), self._recordings(request), request.entry.status
        if recording and status == HTTPStatus.NOT_FOUND:
            known.pop(recording, None)
        elif request.operation == "finish_recording":
            refused = status is not None and status >= HTTPStatus.BAD_REQUEST
            known[recording] = bool(known.get(recording)) if refused else True
        elif status == HTTPStatus.OK and _takes_as_complete(request):
            for name in [name for name, finished in known.items() if finished is False]:
                note("recording_unfinished", f"{name} of session {request.session}")

    def _recordings(self, request: ParsedEntry) -> dict[str, bool | None]:
        known = self._finished.get(request.session)
        if known is None:
            known = {}
            if _recording(request):
                self._finished.put(request.session, known)
        return known


def _recording(request: ParsedEntry) -> str:
    """The recording that the path names; ``""`` for other requests."""
    match = _RECORDING.search(request.entry.path)
    return match[1] if match else ""


def _takes_as_complete(request: ParsedEntry) -> bool:
    live = request.operation == "get_live_transcript" and request.query.get("recording_status") == "completed"
    return live or request.operation in _COMES_AFTER


class EarlyEnds(Check):
    """A client that goes on after a stream has ended early and has not looked for its text again."""

    def __init__(self) -> None:
        self._ends: Latest[EarlyEnd] = Latest()
        self._looked: Latest[float] = Latest()

    def arrive(self, request: ParsedEntry) -> None:
        for text in looked_for(request):
            self._looked.put(text, max(request.entry.started, self._looked.get(text) or 0))

    def look(self, request: ParsedEntry, note: Note) -> None:
        self.arrive(request)  # once more, because the sessions of a list are in its answer
        for place in left_behind(request):
            end = self._ends.get(place)
            # A request that was sent while the stream ran does not count.
            if end is not None and end.is_later(request.entry.started):
                self._ends.drop(place)
                if not end.is_look(self._looked.get(end.text) or 0):
                    note("early_end_unnoticed", f"{request.operation} after {end.text.operation}")
        end = early_end(request.entry)
        if end is not None:
            self._ends.put((end.text.operation, end.text.session), end)
