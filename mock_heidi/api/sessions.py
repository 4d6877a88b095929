"""Sessions: the consultations themselves."""

from typing import Any, TypeVar

from pydantic import Field
from starlette.responses import Response
from starlette.routing import Route

from mock_heidi.http import Request, find, merge, read, read_optional, reply, show
from mock_heidi.models import (
    ConsultNote,
    Creator,
    Date,
    Gender,
    Incoming,
    Number,
    Outgoing,
    PatientProfile,
    Session,
    SessionId,
    Timestamp,
)

View = TypeVar("View", "SessionDetail", "SessionUpdated")


class SessionCreate(Incoming):
    patient_profile_id: str | None = None
    ehr_appointment_id: str | None = None


class SessionPatientUpdate(Incoming):
    name: str | None = None
    gender: Gender | None = None
    dob: Date | None = None
    demographic_details: str | None = None


class SessionUpdate(Incoming):
    """``ehr_appt_id`` is the answer's name for what a create calls ``ehr_appointment_id``; both are the vendor's."""

    duration: Number | None = None
    language_code: str | None = None
    output_language_code: str | None = None
    transcribe_mode: str | None = None
    patient: SessionPatientUpdate | None = None
    clinician_notes: list[str] | None = None
    ehr_patient_id: str | None = None
    ehr_appt_id: str | None = None
    generate_output_without_recording: bool | None = None
    recording_status: str | None = None
    session_status: str | None = None
    is_consent: bool | None = None
    created_time_local: str | None = None
    linked_sessions_for_context: list[str] | None = None


class SessionCreated(Outgoing):
    session_id: SessionId


class SessionPatient(Outgoing):
    name: str
    gender: Gender | None
    dob: Date | None


class SessionUpdated(Outgoing):
    """A PATCH's answer: as GET shows the session, but without ``audio``."""

    session_id: SessionId
    session_name: str
    patient: SessionPatient
    clinician_notes: tuple[str, ...]
    consult_note: ConsultNote | None
    duration: Number
    created_at: Timestamp
    updated_at: Timestamp
    language_code: str
    output_language_code: str
    documents: list[dict[str, Any]] | None
    ehr_appt_id: str | None
    ehr_provider: str
    ehr_patient_id: str | None
    # Shown once it was set, absent before.
    linked_sessions_for_context: tuple[str, ...] | None = Field(default=None, exclude_if=lambda value: value is None)


class SessionDetail(Outgoing):
    session_id: SessionId
    session_name: str
    patient: SessionPatient
    audio: list[dict[str, Any]]
    clinician_notes: tuple[str, ...]
    consult_note: ConsultNote | None
    duration: Number
    created_at: Timestamp
    updated_at: Timestamp
    language_code: str
    output_language_code: str
    documents: list[dict[str, Any]] | None
    ehr_appt_id: str | None
    ehr_provider: str
    ehr_patient_id: str | None


async def create_session(request: Request) -> Response:
    given = await read_optional(request, SessionCreate)
    if given.patient_profile_id is not None:
        find(request, PatientProfile, given.patient_profile_id)
    namespace, caller, owner = request.namespace, request.caller, request.owner
    stamp = namespace.clock.stamp()
    session = Session(
        session_id=namespace.session_id(),
        managed_by=owner.managed_by,
        created_by=Creator(email=caller.email, third_party_internal_id=caller.third_party_internal_id),
        patient_profile_id=given.patient_profile_id,
        session_name=f"Session {namespace.store.count(Session, managed_by=owner.managed_by) + 1}",
        ehr_provider=owner.ehr_provider,
        ehr_appt_id=given.ehr_appointment_id,
        created_at=stamp,
        updated_at=stamp,
    )
    namespace.store.put(session)
    return reply(SessionCreated(session_id=session.session_id))


async def get_session(request: Request) -> Response:
    session = find(request, Session, request.params["session_id"])
    return reply(_seen(SessionDetail, request, session), "session")


async def update_session(request: Request) -> Response:
    changes = await read(request, SessionUpdate)
    session = find(request, Session, request.params["session_id"])
    session = merge(session, changes, updated_at=request.namespace.clock.stamp())
    request.store.put(session)
    return reply(_seen(SessionUpdated, request, session), "session")


def _seen(view: type[View], request: Request, session: Session) -> View:
    """The session as the API shows it: what it does not say of its patient comes from the linked profile."""
    own, profile = session.patient, None
    if session.patient_profile_id is not None:
        profile = request.store.get(PatientProfile, session.patient_profile_id)
    if profile is None:
        patient = SessionPatient(name=own.name, gender=own.gender, dob=own.dob)
    else:
        patient = SessionPatient(
            name=own.name or profile.name, gender=own.gender or profile.gender, dob=own.dob or profile.birth_date
        )
    ehr_patient_id = session.ehr_patient_id
    if ehr_patient_id is None and profile is not None:
        ehr_patient_id = profile.ehr_patient_id
    return show(view, session, patient=patient, ehr_patient_id=ehr_patient_id, audio=[], documents=None)


routes = [
    Route("/sessions", create_session, methods=["POST"]),
    Route("/sessions/{session_id}", get_session, methods=["GET"]),
    Route("/sessions/{session_id}", update_session, methods=["PATCH"]),
]
