"""The content of a session as a page of the consultation shows it: what was said and when, and the note's origins."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from starlette.responses import Response

from mock_heidi.content import note_origins
from mock_heidi.content.clinical_terms import Span, find_terms
from mock_heidi.content.note_origins import Source
from mock_heidi.control.control import ControlRoute, respond
from mock_heidi.control.sessions import find_session
from mock_heidi.namespaces import session_content
from mock_heidi.namespaces.namespace import Namespace
from mock_heidi.state.code_records import CodeEntry
from mock_heidi.state.session_records import Session
from mock_heidi.state.template_records import NoteTemplate
from mock_heidi.web.request import Request


async def get_session_content(request: Request) -> Response:
    """The transcript so far, the audio on a time line, the codes, and the origins of the note's parts."""
    namespace, session = request.namespace, find_session(request)
    transcript = session_content.transcript_so_far(namespace, session)
    note = (session.consult_note and session.consult_note.result) or ""
    return respond(
        {
            "transcript": transcript,
            "audio": _audio(namespace, session),
            "codes": _codes(namespace, note, transcript),
            "note_origins": [one._asdict() for one in note_origins.origins(note, [*_sources(namespace, session)])],
        }
    )


def _audio(namespace: Namespace, session: Session) -> list[dict[str, Any]]:
    """The pieces of audio in the order of the consultation, with their text."""
    return [
        {
            "id": one.piece.id,
            "track": one.piece.track,
            "index": one.piece.index,
            "filename": one.piece.filename,
            "start": round(one.transcription.began, 3),
            "duration": one.piece.duration,
            "failed": one.piece.failed,
            "ready": one.ready,
            "text": one.transcription.text if one.ready else None,
        }
        for one in session_content.transcribed_pieces(namespace, session)
    ]


def _codes(namespace: Namespace, note: str, transcript: str) -> list[dict[str, Any]]:
    """The clinical codes of the note and of the transcript, with the places of their terms."""
    entries = namespace.store.all(CodeEntry)
    in_note, in_transcript = find_terms(entries, note), find_terms(entries, transcript)
    return [
        {
            "code": entries[at].primary.code,
            "code_name": entries[at].primary.code_name,
            "code_system": entries[at].primary.code_system,
            "in_note": list(map(Span._asdict, in_note.get(at, ()))),
            "in_transcript": list(map(Span._asdict, in_transcript.get(at, ()))),
        }
        for at in sorted({*in_note, *in_transcript})
    ]


def _sources(namespace: Namespace, session: Session) -> Iterator[Source]:
    """The texts from which the mock may have written the note, as they are now. A clinician's note has none."""
    written = session.note_sources
    if not isinstance(written, dict):
        return
    for one in session_content.transcribed_pieces(namespace, session):
        yield from note_origins.of_utterances(one.transcription.utterances if one.ready else (), one.piece.id)
    material, sources = session_content.material(namespace, session)
    yield from note_origins.of_utterances(material.utterances if session.transcript else (), None)
    yield Source("patient", session.patient_profile_id, material.patient)
    yield Source("additional_context", session.patient_profile_id, material.background)
    yield from (Source("clinician_notes", None, text) for text in material.clinician_notes)
    for name, texts in (("linked_sessions", material.earlier), ("context_documents", material.documents)):
        yield from (Source(name, one, text) for one, text in zip(sources[name], texts, strict=True))
    template = namespace.store.get(NoteTemplate, str(written.get("template_id")))
    if template is not None:
        yield from note_origins.of_template(template)


routes = [ControlRoute("/sessions/{session_id}/content", get_session_content, "GET")]
