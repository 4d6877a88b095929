"""Sessions: the consultations themselves."""

from typing import Literal, TypeVar

from pydantic import BaseModel, Field
from starlette.responses import Response

from mock_heidi.base.errors import NoLinkedUserException
from mock_heidi.base.values import Incoming, Outgoing
from mock_heidi.namespaces import session_content
from mock_heidi.namespaces.namespace import Namespace
from mock_heidi.state.account_records import User
from mock_heidi.state.field_types import Brain, Date, Gender, Number, ObjectId, SessionId, Timestamp
from mock_heidi.state.patient_records import PatientProfile
from mock_heidi.state.session_records import AudioPiece, ConsultNote, Creator, Session
from mock_heidi.web.inputs import find, read, read_query
from mock_heidi.web.request import Request
from mock_heidi.web.response import respond, view_of

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


class UploadedAudio(Outgoing):
    id: ObjectId
    index: int
    status: Literal["INITIALIZED", "COMPLETED"]
    created_at: Timestamp
    access_url: str | None
    expiry: int


class DocumentListed(Outgoing):
    id: ObjectId
    session_id: SessionId
    index: int
    name: str
    template_id: str | None
    content: str
    generation_type: Literal["TEMPLATE"]
    brain: Brain


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
    documents: list[DocumentListed] | None
    ehr_appt_id: str | None
    ehr_provider: str
    ehr_patient_id: str | None
    # Shown once it was set, absent before.
    linked_sessions_for_context: tuple[str, ...] | None = Field(default=None, exclude_if=lambda value: value is None)


class SessionDetail(Outgoing):
    session_id: SessionId
    session_name: str
    patient: SessionPatient
    audio: list[UploadedAudio]
    clinician_notes: tuple[str, ...]
    consult_note: ConsultNote | None
    duration: Number
    created_at: Timestamp
    updated_at: Timestamp
    language_code: str
    output_language_code: str
    documents: list[DocumentListed] | None
    ehr_appt_id: str | None
    ehr_provider: str
    ehr_patient_id: str | None


class SessionPage(Outgoing):
    sessions: list[SessionDetail]
    count: int
    total_count: int
    next_page: int | None
    has_next_page: bool


class PageQuery(BaseModel, defer_build=True):
    page_size: int = Field(default=20, ge=1, le=200)
    page: int = Field(default=1, ge=1)


def create_session(request: Request) -> Response:
    given = read(request, SessionCreate, optional=True)
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
    return respond(SessionCreated(session_id=session.session_id))


def get_session(request: Request) -> Response:
    session = find(request, Session, request.params["session_id"])
    answer = respond(_view(SessionDetail, request, session), "session")
    if session.note_begun_at is not None:
        request.store.put(session.replace(note_reads=session.note_reads + 1))
    return answer


def list_linked_user_sessions(request: Request) -> Response:
    query = read_query(request, PageQuery)
    user = request.user_record
    if user.linked_to is None:
        raise NoLinkedUserException
    store = request.store
    # For Heidi, all users that are linked to the same account now are the same clinician.
    same = [
        other for other in store.all(User) if (other.managed_by, other.linked_to) == (user.managed_by, user.linked_to)
    ]
    made = [
        session
        for other in same
        for session in store.where(
            Session,
            managed_by=other.managed_by,
            created_by=Creator(email=other.email, third_party_internal_id=other.third_party_internal_id),
        )
    ]
    newest = sorted(made, key=lambda session: session.created_at)[::-1]
    start = (query.page - 1) * query.page_size
    rows = newest[start : start + query.page_size]
    more = start + query.page_size < len(newest)
    page = SessionPage(
        sessions=[_view(SessionDetail, request, session) for session in rows],
        count=len(rows),
        total_count=len(newest),
        next_page=query.page + 1 if more and request.assumptions["next_page"] == "number" else None,
        has_next_page=more,
    )
    return respond(page)


def update_session(request: Request) -> Response:
    changes = read(request, SessionUpdate)
    session = find(request, Session, request.params["session_id"])
    session = session.replace(changes, updated_at=request.namespace.clock.stamp())
    request.store.put(session)
    named = changes.linked_sessions_for_context or ()
    # Another key's session is unknown, as everywhere.
    known = {one for one in named if (it := request.store.get(Session, one)) and it.managed_by == session.managed_by}
    if lost := [one for one in dict.fromkeys(named) if one not in known]:
        request.note("linked_session_unknown", ", ".join(lost))
    return respond(_view(SessionUpdated, request, session), "session")


def _view(view: type[View], request: Request, session: Session) -> View:
    """The session in a response. A linked profile fills the empty patient details."""
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
    return view_of(
        view,
        session,
        patient=patient,
        ehr_patient_id=ehr_patient_id,
        audio=[uploaded(request.namespace, session, piece) for piece in session_content.uploads(session)],
        consult_note=session_content.note_of(request.namespace, session),
        documents=documents(session) or None,
    )


def documents(session: Session) -> list[DocumentListed]:
    """The session's documents as the API lists them."""
    return [
        DocumentListed(
            id=one.id,
            session_id=session.session_id,
            index=index,
            name=one.name,
            template_id=one.template_id,
            content=one.content,
            generation_type="TEMPLATE",
            brain=one.brain,
        )
        for index, one in enumerate(session.documents)
    ]


def uploaded(namespace: Namespace, session: Session, piece: AudioPiece) -> UploadedAudio:
    """An uploaded file as the API shows it."""
    ready = {one.piece.id for one in session_content.transcribed_pieces(namespace, session) if one.ready}
    url = f"https://audio.heidi.example/{session.session_id}/{piece.id}" if piece.expiry else None
    return UploadedAudio(
        id=piece.id,
        index=piece.index,
        status="COMPLETED" if piece.id in ready else "INITIALIZED",
        created_at=piece.received_at,
        access_url=url,
        expiry=piece.expiry,
    )
