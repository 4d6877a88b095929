"""The content of a session: its transcribed audio, and the material for a note."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from mock_heidi.base.wording import shorten
from mock_heidi.content import transcripts
from mock_heidi.content.note_writer import Material
from mock_heidi.content.transcripts import UPLOAD, Transcription
from mock_heidi.namespaces.namespace import Namespace
from mock_heidi.state.clock import parse_moment
from mock_heidi.state.consultation_records import Consultation, Utterance
from mock_heidi.state.patient_records import PatientProfile, SessionPatient
from mock_heidi.state.session_records import AudioPiece, ConsultNote, Session

LONGEST_EARLIER = 20_000
"""The longest part of an earlier session's note in a note, in characters. Without it, notes could nest without end."""


class TranscribedPiece(NamedTuple):
    """A piece of audio with its utterances. ``ready`` is True after its transcription."""

    transcription: Transcription
    ready: bool

    @property
    def piece(self) -> AudioPiece:
        return self.transcription.piece


def consultation_of(namespace: Namespace, session: Session, filename: str = "") -> str | None:
    """The id of the consultation for a session's audio; None if there are no consultations.

    A session's fixture may name it. Otherwise it is the first one that fits the patient and matches the file's name, or
    a random one that fits language and patient. The same seed, namespace and session give the same one.
    """
    if session.consultation is not None:
        return session.consultation
    known = namespace.store.all(Consultation)
    if not known:
        return None
    patient, today, name = patient_of(namespace, session), namespace.clock.stamp()[:10], filename.lower()
    for consultation in known:
        if any(word.lower() in name for word in consultation.match) and _fits(consultation, patient, today):
            return consultation.id
    same_language = [one for one in known if one.language == session.language_code[:2].lower()] or known
    fitting = _fitting(same_language, patient, today)
    digest = hashlib.sha256(f"{namespace.start.seed}/{namespace.name}/{session.session_id}".encode()).digest()
    return fitting[int.from_bytes(digest[:8], "big") % len(fitting)].id


def _fitting(known: Sequence[Consultation], patient: SessionPatient, today: str) -> Sequence[Consultation]:
    """The consultations restricted to patients like this one; or those without restrictions; or all."""
    fitting = [one for one in known if (one.age or one.gender) and _fits(one, patient, today)]
    return fitting or [one for one in known if not (one.age or one.gender)] or known


def _fits(consultation: Consultation, patient: SessionPatient, today: str) -> bool:
    """True if nothing known about the patient contradicts the consultation."""
    if consultation.gender and patient.gender and consultation.gender != patient.gender:
        return False
    if consultation.age is None or patient.dob is None:
        return True
    low, high = consultation.age
    return bool(low <= _age(patient.dob, today) <= high)


def _age(born: str, today: str) -> int:
    """Full years between two dates of the form YYYY-MM-DD."""
    return int(today[:4]) - int(born[:4]) - (today[5:] < born[5:])


def transcribed_pieces(namespace: Namespace, session: Session) -> list[TranscribedPiece]:
    """The pieces of the session's audio with their utterances, in the order of the consultation."""
    consultation = namespace.store.get(Consultation, session.consultation or "")
    if consultation is None:
        return []
    transition, now = namespace.transitions["transcription"], namespace.clock.now()
    return [
        TranscribedPiece(
            transcription,
            not transcription.piece.failed
            and transcription.piece.begun_at is not None
            and transition.ready(transcription.piece.reads, parse_moment(transcription.piece.begun_at), now),
        )
        for transcription in transcripts.transcribe(session.audio, consultation)
    ]


def transcript_so_far(namespace: Namespace, session: Session) -> str:
    """The transcript so far, as plain text; ``""`` before any of it is ready."""
    if session.transcript is not None:
        return session.transcript
    return " ".join(one.transcription.text for one in transcribed_pieces(namespace, session) if one.ready)


def begin(namespace: Namespace, session: Session) -> Session:
    """Start the transcription of uploaded files. As documented, it starts with the first request for the transcript."""
    stamp = namespace.clock.stamp()
    return _keep(namespace, session, lambda piece: {"begun_at": stamp} if piece.begun_at is None else {})


def count_read(namespace: Namespace, session: Session) -> Session:
    """Count a read of each piece whose transcription is not ready. Stores and returns the session."""
    pieces = transcribed_pieces(namespace, session)
    waiting = {one.piece.id for one in pieces if one.piece.begun_at and not one.ready}
    return _keep(namespace, session, lambda piece: {"reads": piece.reads + 1} if piece.id in waiting else {})


def _keep(namespace: Namespace, session: Session, change: Callable[[AudioPiece], dict[str, Any]]) -> Session:
    changes = [change(piece) for piece in session.audio]
    if any(changes):
        pieces = [
            piece.replace(**update) if update else piece for piece, update in zip(session.audio, changes, strict=True)
        ]
        session = session.replace(audio=tuple(pieces))
        namespace.store.put(session)
    return session


def material(namespace: Namespace, session: Session, addition: str = "") -> tuple[Material, dict[str, Any]]:
    """The material for a note, and its sources as JSON values."""
    ready = [one for one in transcribed_pieces(namespace, session) if one.ready and session.transcript is None]
    profile = namespace.store.get(PatientProfile, session.patient_profile_id or "")
    linked = [namespace.store.get(Session, one) for one in dict.fromkeys(session.linked_sessions_for_context or ())]
    earlier = [one for one in linked if one is not None and one.managed_by == session.managed_by and one.consult_note]
    background = (profile.additional_context if profile else None) or ""
    patient = patient_of(namespace, session)
    described = (patient.name, patient.dob, patient.gender, patient.demographic_details)
    transcribed = [utterance for one in ready for utterance in one.transcription.utterances]
    made = Material(
        utterances=[*_dictated(session), *transcribed],
        patient=", ".join(part for part in described if part),
        name=patient.name,
        born=patient.dob or "",
        background=background,
        clinician_notes=session.clinician_notes,
        earlier=[_earlier_note(one.session_name, one.consult_note.result or "") for one in earlier if one.consult_note],
        documents=[_described(one.name, one.filename, one.additional_context) for one in session.context_documents],
        addition=addition,
        session_name=session.session_name,
        day=namespace.clock.stamp()[:10],
    )
    sources = {
        "consultation": session.consultation,
        "transcript": bool(session.transcript),
        "chunks": [one.piece.id for one in ready],
        "patient_profile_id": profile.id if profile else None,
        "additional_context": bool(background),
        "clinician_notes": len(session.clinician_notes),
        "linked_sessions": [one.session_id for one in earlier],
        "context_documents": [one.id for one in session.context_documents],
        "addition": bool(addition.strip()),
    }
    return made, sources


def _earlier_note(name: str, note: str) -> str:
    """The text about an earlier session in a note."""
    return f"{name}: {shorten(note, LONGEST_EARLIER)}"


def _dictated(session: Session) -> list[Utterance]:
    """The transcript that a clinician has set, as one utterance about the complaint, since its topics are unknown."""
    text = " ".join((session.transcript or "").split())
    dictation = {"at": 0, "for": 0, "who": "clinician", "text": text, "topic": "complaint"}
    return [Utterance.model_validate(dictation)] if text else []


def patient_of(namespace: Namespace, session: Session) -> SessionPatient:
    """The patient details of the session; the linked profile fills the empty ones."""
    own = session.patient
    profile = namespace.store.get(PatientProfile, session.patient_profile_id or "")
    if profile is None:
        return own
    return SessionPatient.model_construct(
        name=own.name or profile.name,
        gender=own.gender or profile.gender,
        dob=own.dob or profile.birth_date,
        demographic_details=own.demographic_details,
    )


def _described(name: str | None, filename: str, context: str | None) -> str:
    title = f"{name} ({filename})" if name not in (None, "", filename) else filename
    return f"{title}: {context}" if context else title


def problems(namespace: Namespace, session: Session) -> str | None:
    """The problems that are spoken of in the session's audio, joined by commas; None if nothing was said."""
    consultation = namespace.store.get(Consultation, session.consultation or "")
    return None if consultation is None else consultation.session_name


def note_of(namespace: Namespace, session: Session, meet: Callable[[str], Any] | None = None) -> ConsultNote | None:
    """The session's note. The status of a generated note advances as the namespace's transition says.

    ``meet`` returns the value of an assumption, and notes that a request met it.
    """
    note, meet = session.consult_note, meet or namespace.assumptions.__getitem__
    if note is None or session.note_begun_at is None:
        return note
    transition, now = namespace.transitions["consult_note"], namespace.clock.now()
    ready = transition.ready(session.note_reads, parse_moment(session.note_begun_at), now)
    if ready and meet("note_status") == "completed":
        return note.replace(status="COMPLETED")
    return note


def uploads(session: Session) -> list[AudioPiece]:
    """The uploaded files, in order."""
    return [piece for piece in session.audio if piece.track == UPLOAD]
