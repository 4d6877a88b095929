"""Clinical codes: what a note speaks of, in the systems that bill and count it."""

import re
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field
from starlette.responses import Response
from starlette.routing import Route

from mock_heidi import consultations
from mock_heidi.errors import ConsultNoteNotFoundError
from mock_heidi.http import Request, find, reply
from mock_heidi.models import Code, CodeEntry, Number, ObjectId, Outgoing, Session, SessionId
from mock_heidi.seeds import Derived


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


async def generate_clinical_codes(request: Request) -> Response:
    session = find(request, Session, request.params["session_id"])
    if session.consult_note is None:
        raise ConsultNoteNotFoundError
    entries = request.store.all(CodeEntry)
    note = _found(entries, session.consult_note.result or "")
    heard = _found(entries, consultations.transcript(request.namespace, session))
    # Ids that hang on the session alone: asking twice gives the same answer.
    answer = ClinicalCodes(
        id=Derived().object_id("codes", session.session_id),
        session_id=session.session_id,
        consult_note_id=session.note_id or Derived().object_id("note", session.session_id),
        clinical_entities=[_entity(entries[at], places, heard.get(at, [])) for at, places in note.items()],
    )
    if "wrong_offsets" in request.call.clinical and note:
        answer = _misplaced(answer, len(session.consult_note.result or ""))
        request.call.distorted = ("wrong_offsets",)
    return reply(answer)


def _misplaced(answer: ClinicalCodes, length: int) -> ClinicalCodes:
    """The same codes where the note has no words: beyond its end."""
    entities = [
        entity.model_copy(
            update={
                "location_in_note": [
                    NoteLocation(start=place.start + length, end=place.end + length)
                    for place in entity.location_in_note
                ]
            }
        )
        for entity in answer.clinical_entities
    ]
    return answer.model_copy(update={"clinical_entities": entities})


def _found(entries: Sequence[CodeEntry], text: str) -> dict[int, list[re.Match[str]]]:
    """Where each entry's terms stand, by the entry's position: whole words, and of overlapping terms the longer."""
    owners = {term.lower(): at for at, entry in enumerate(entries) for term in entry.terms}
    found: dict[int, list[re.Match[str]]] = {}
    if owners:
        terms = "|".join(re.escape(term) for term in sorted(owners, key=len, reverse=True))
        for match in re.finditer(rf"(?<!\w)(?:{terms})(?!\w)", text, re.IGNORECASE):
            # Ignoring case, a letter may match one that its lower case is not.
            at = owners.get(match[0].lower())
            if at is not None:
                found.setdefault(at, []).append(match)
    return found


def _entity(entry: CodeEntry, note: list[re.Match[str]], heard: list[re.Match[str]]) -> ClinicalEntity:
    return ClinicalEntity(
        location_in_note=[_place(match) for match in note],
        reference_in_transcript=[
            TranscriptReference(transcript_text=match[0], location_in_transcript=_place(match)) for match in heard
        ],
        reference_in_context=[],
        primary_code=_code(entry.primary),
        similar_codes=[_code(code) for code in entry.similar],
    )


def _place(match: re.Match[str]) -> NoteLocation:
    return NoteLocation(start=match.start(), end=match.end())


def _code(code: Code) -> ClinicalCode:
    return ClinicalCode(
        code=code.code,
        code_name=code.code_name,
        metadata=code.metadata,
        score=code.score,
        code_system=code.code_system,
    )


routes = [Route("/sessions/{session_id}/clinical-codes", generate_clinical_codes, methods=["GET"])]
