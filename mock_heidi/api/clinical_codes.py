"""Clinical codes: the terms of a note as codes of systems for billing and statistics."""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable
from typing import Annotated, Any

from pydantic import Field, create_model
from starlette.responses import Response

from mock_heidi.base.errors import CodingNotEnabledError, ConsultNoteNotFoundError
from mock_heidi.base.values import Outgoing
from mock_heidi.content.clinical_terms import Span, find_terms
from mock_heidi.fixtures.ids import DerivedIds
from mock_heidi.namespaces import session_content
from mock_heidi.state.code_records import Code, CodeEntry
from mock_heidi.state.field_types import Number, ObjectId, SessionId
from mock_heidi.state.session_records import Session
from mock_heidi.web.inputs import find
from mock_heidi.web.request import Request
from mock_heidi.web.response import respond

# The most characters of a sentence on each side of a term, since a transcript may be one very long sentence.
_REACH = 150
_SENTENCE_GAP = re.compile(r"(?<=[.!?…])\s+|\s*\n\s*")


class NoteLocation(Outgoing):
    start: Annotated[int, Field(ge=0)]
    end: Annotated[int, Field(ge=0)]


class TranscriptReference(Outgoing):
    transcript_text: str
    location_in_transcript: NoteLocation


class ClinicalCode(Outgoing):
    code: str
    code_name: str
    metadata: dict[str, Any]
    score: Number
    code_system: str


class ClinicalEntity(Outgoing):
    location_in_note: list[NoteLocation]
    reference_in_transcript: list[TranscriptReference]
    reference_in_context: list[dict[str, Any]]
    primary_code: ClinicalCode
    similar_codes: list[ClinicalCode]


class ClinicalCodes(Outgoing):
    id: ObjectId
    session_id: SessionId
    consult_note_id: ObjectId
    clinical_entities: list[ClinicalEntity]


_NOTELESS = create_model("ClinicalCodes", __base__=ClinicalCodes, consult_note_id=(None, ...))
# Converts the offsets of a place in a text to the offsets that the assumptions choose.
_Count = Callable[[Span], NoteLocation]


def generate_clinical_codes(request: Request) -> Response:
    session = find(request, Session, request.params["session_id"])
    if request.meet("coding_enabled") != "enabled":
        raise CodingNotEnabledError
    if session.consult_note is None and request.meet("clinical_codes_need_note"):
        raise ConsultNoteNotFoundError
    # The ids depend only on the session, so a second request gets the same answer.
    noteless = session.consult_note is None
    note_id: Any = None if noteless else session.note_id or DerivedIds().object_id("note", session.session_id)
    answer = (_NOTELESS if noteless else ClinicalCodes)(
        id=DerivedIds().object_id("codes", session.session_id),
        session_id=session.session_id,
        consult_note_id=note_id,
        clinical_entities=_entities(request, session),
    )
    return respond(answer)


def _entities(request: Request, session: Session) -> list[ClinicalEntity]:
    """The codes of the session's note; without a note, those of its transcript."""
    entries, written = request.store.all(CodeEntry), session.consult_note
    text = (written.result if written else None) or ""
    transcript = session_content.transcript_so_far(request.namespace, session)
    heard = find_terms(entries, transcript)
    note = find_terms(entries, text) if written else {at: [] for at in heard}
    if "wrong_offsets" in request.text_faults and any(note.values()):
        note = _misplaced(note, len(text))
        request.distorted = ("wrong_offsets",)
    in_note, in_transcript = (_counting(request, one) for one in (text, transcript))
    return [
        _entity(entries[at], map(in_note, places), heard.get(at, []), transcript, in_transcript)
        for at, places in note.items()
    ]


def _misplaced(note: dict[int, list[Span]], length: int) -> dict[int, list[Span]]:
    """The same places, moved beyond the end of the note."""
    return {at: [Span(place.start + length, place.end + length) for place in places] for at, places in note.items()}


def _counting(request: Request, text: str) -> _Count:
    """The function that converts the offsets of a place in the text as the assumptions say."""
    last = request.meet("offset_end") == "last"
    # The positions of letters that take two units in UTF-16.
    wide = [at for at, letter in enumerate(text) if letter > "\uffff"]
    wide = wide if wide and request.meet("offset_unit") == "utf16" else []

    def counted(place: Span) -> NoteLocation:
        start, end = place.start, place.end - last
        return NoteLocation(start=start + bisect_left(wide, start), end=end + bisect_left(wide, end))

    return counted


def _sentence(text: str, term: Span) -> Span:
    """The sentence around a term: at most :data:`_REACH` characters on each side, cut between words."""
    end = _sentence_end(text, term.end)
    phrase = text[_sentence_start(text, term.start) : end]
    start = end - len(phrase.lstrip())
    return Span(start, start + len(phrase.strip()))


def _sentence_start(text: str, term: int) -> int:
    first = max(0, term - _REACH)
    gaps = list(_SENTENCE_GAP.finditer(text, first, term))
    if gaps:
        return gaps[-1].end()
    return text.find(" ", first, term) + 1 or term if first else 0


def _sentence_end(text: str, term: int) -> int:
    last = term + _REACH
    gap = _SENTENCE_GAP.search(text, term, last)
    if gap:
        return gap.start()
    return max(text.rfind(" ", term, last), term) if last < len(text) else len(text)


def _entity(
    entry: CodeEntry, note: Iterable[NoteLocation], heard: list[Span], transcript: str, count: _Count
) -> ClinicalEntity:
    phrases = dict.fromkeys(_sentence(transcript, place) for place in heard)
    return ClinicalEntity(
        location_in_note=[*note],
        reference_in_transcript=[
            TranscriptReference(
                transcript_text=transcript[place.start : place.end], location_in_transcript=count(place)
            )
            for place in phrases
        ],
        reference_in_context=[],
        primary_code=_code(entry.primary),
        similar_codes=[_code(code) for code in entry.similar],
    )


def _code(code: Code) -> ClinicalCode:
    return ClinicalCode(
        code=code.code,
        code_name=code.code_name,
        metadata=code.metadata,
        score=code.score,
        code_system=code.code_system,
    )
