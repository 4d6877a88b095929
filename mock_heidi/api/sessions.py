"""Sessions: the consultations, one by one and in pages."""

from collections.abc import Sequence
from typing import Annotated, Literal, TypeVar

from pydantic import Field, WithJsonSchema
from starlette.responses import Response

from mock_heidi.api.session_forms import chosen_forms, varied
from mock_heidi.api.session_pages import page_query
from mock_heidi.base.errors import NoLinkedUserException, PatientProfileNotFoundError, SessionNotFoundError
from mock_heidi.base.json_text import to_json
from mock_heidi.base.refusals import refused
from mock_heidi.base.values import Incoming, Outgoing
from mock_heidi.namespaces import session_content
from mock_heidi.namespaces.account_links import sessions_of
from mock_heidi.observing.undocumented import Undocumented
from mock_heidi.state.field_types import Brain, Date, Gender, Number, ObjectId, SessionId, Timestamp
from mock_heidi.state.patient_records import PatientProfile
from mock_heidi.state.session_records import AudioPiece, ConsultNote, Creator, Session
from mock_heidi.web.admission import user_of
from mock_heidi.web.inputs import find, find_or_none, negative, read, read_query
from mock_heidi.web.request import Request
from mock_heidi.web.response import respond, view_of
from mock_heidi.web.strictness import accept

# The template_id of a document without a template, for each value of the assumption document_without_template.
_NO_TEMPLATE = {"none": None, "left_out": ""}
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
    """The field ``ehr_appt_id`` has the name ``ehr_appointment_id`` in a create. The vendor uses both names."""

    # The handler refuses a negative number, unless the assumption negative_duration stores it.
    duration: Annotated[Number, WithJsonSchema({"type": "number", "minimum": 0})] | None = None
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
    # Left out if it is empty: see the assumption document_without_template.
    template_id: str | None = Field(exclude_if=lambda value: value == "")
    content: str
    generation_type: Literal["TEMPLATE"]
    brain: Brain


class SessionUpdated(Outgoing):
    """The answer to a PATCH: the session as in a GET, but without ``audio``."""

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
    # Absent until a client sets it.
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


def create_session(request: Request) -> Response:
    given = read(request, SessionCreate, optional=True, nulls="null_in_create")
    profile_id = _profile_for(request, given.patient_profile_id) if given.patient_profile_id is not None else None
    namespace, caller, owner = request.namespace, request.caller, request.owner
    stamp = namespace.clock.stamp()
    session = Session(
        session_id=namespace.session_id(),
        managed_by=owner.managed_by,
        created_by=Creator(email=caller.email, third_party_internal_id=caller.third_party_internal_id),
        patient_profile_id=profile_id,
        session_name=_new_name(request),
        ehr_provider=owner.ehr_provider,
        ehr_appt_id=given.ehr_appointment_id,
        created_at=stamp,
        updated_at=stamp,
    )
    namespace.store.put(session)
    return respond(SessionCreated(session_id=session.session_id))


def _new_name(request: Request) -> str:
    number = request.store.count(Session, managed_by=request.owner.managed_by) + 1
    return "" if request.meet("new_session_name") == "empty" else f"Session {number}"


def _profile_for(request: Request, profile_id: str) -> str | None:
    """The profile id for a new session. An assumption decides if an unknown id raises an error or gives None."""
    known = find_or_none(request, PatientProfile, profile_id)
    if known is None and request.meet("create_session_unknown_profile") == "refused":
        raise PatientProfileNotFoundError
    return None if known is None else known.id


def get_session(request: Request) -> Response:
    session = find(request, Session, request.params["session_id"])
    forms, view = chosen_forms(request, session), _view(SessionDetail, request, session)
    chosen = request.assumptions.chosen
    answer = respond(to_json(varied(request.namespace, session, view, forms)) if chosen else view, "session")
    if session.note_begun_at is not None:
        request.store.put(session.replace(note_reads=session.note_reads + 1))
    return answer


def list_linked_user_sessions(request: Request) -> Response:
    query, first = read_query(request, page_query(request)), request.assumptions["page_parameter"]
    user = user_of(request)
    if user.linked_to is None:
        raise NoLinkedUserException
    sessions = sessions_of(request.namespace, user, request.meet("linked_user_sessions"))
    ordered = sorted(sessions, key=lambda session: session.created_at)
    if len(ordered) > 1 and request.meet("linked_sessions_order") == "newest_first":
        ordered.reverse()
    if len(ordered) > 1 and "page_size" not in query.model_fields_set:
        request.meet("page_size_default")
    start = (query.page - first) * query.page_size
    if start >= len(ordered) and query.page > first and request.meet("page_beyond_end") != "empty":
        raise refused(request.assumptions, "page_beyond_end", "there is no such page")
    rows = ordered[start : start + query.page_size]
    more = start + query.page_size < len(ordered)
    page = SessionPage(
        sessions=[_view(SessionDetail, request, session) for session in rows],
        count=len(rows),
        total_count=len(ordered),
        next_page=query.page + 1 if more and request.meet("next_page") == "number" else None,
        has_next_page=more,
    )
    forms = [chosen_forms(request, session) for session in rows]
    if not request.assumptions.chosen:
        return respond(page)
    views = [varied(request.namespace, *one) for one in zip(rows, page.sessions, forms, strict=True)]
    return respond(to_json({**page.model_dump(), "sessions": views}))


def update_session(request: Request) -> Response:
    changes = read(request, SessionUpdate, nulls="null_in_update")
    if (changes.duration or 0) < 0:
        refusal = negative("duration", changes.duration)
        if request.meet("negative_duration") != "stored":
            raise refusal
        accept(request, Undocumented("undocumented_value", f"duration = {changes.duration}", refusal.problems[0]))
    session = find(request, Session, request.params["session_id"])
    named = dict.fromkeys(changes.linked_sessions_for_context or ())
    if lost := [one for one in named if find_or_none(request, Session, one) is None]:
        if request.meet("linked_sessions_exist") == "required":
            raise SessionNotFoundError
        request.note("linked_session_unknown", ", ".join(lost))
    if changes.patient is not None and request.meet("session_patient_merge") == "replaced":
        session = session.replace(patient=type(session.patient)())
    session = session.replace(changes, updated_at=request.namespace.clock.stamp())
    request.store.put(session)
    forms = chosen_forms(request, session, update=True)
    if not request.assumptions.chosen:
        return respond(_view(SessionUpdated, request, session), "session")
    view = _view(SessionDetail, request, session)
    return respond(to_json(varied(request.namespace, session, view, forms, changes.model_fields_set)), "session")


def _view(view: type[View], request: Request, session: Session) -> View:
    """The session in a response. A linked profile fills the empty patient details."""
    own, profile = session.patient, None
    if session.patient_profile_id is not None and request.meet("session_shows_profile") == "profile":
        profile = request.store.get(PatientProfile, session.patient_profile_id)
    # Do not validate again: the assumption gender_case may allow any text as a gender.
    if profile is None:
        patient = SessionPatient.model_construct(name=own.name, gender=own.gender, dob=own.dob)
    else:
        patient = SessionPatient.model_construct(
            name=own.name or profile.name, gender=own.gender or profile.gender, dob=own.dob or profile.birth_date
        )
    ehr_patient_id = session.ehr_patient_id
    if ehr_patient_id is None and profile is not None:
        ehr_patient_id = profile.ehr_patient_id
    # The answer to a PATCH shows no audio, so it does not meet an assumption about it.
    heard = session.audio if "audio" in view.model_fields else ()
    pieces: Sequence[AudioPiece] = session_content.uploads(session) if heard else ()
    if len(pieces) < len(heard) and request.meet("session_audio_rows") == "uploads_and_recordings":
        pieces = session.audio
    return view_of(
        view,
        session,
        patient=patient,
        ehr_patient_id=ehr_patient_id,
        audio=[uploaded(request, session, piece) for piece in pieces],
        consult_note=session_content.note_of(request.namespace, session, request.meet),
        documents=documents(request, session) or None,
    )


def documents(request: Request, session: Session) -> list[DocumentListed]:
    """The session's documents as the API lists them."""
    return [
        DocumentListed(
            id=one.id,
            session_id=session.session_id,
            index=index,
            name=one.name,
            template_id=one.template_id or _NO_TEMPLATE[request.meet("document_without_template")],
            content=one.content,
            generation_type="TEMPLATE",
            brain=one.brain,
        )
        for index, one in enumerate(session.documents)
    ]


def uploaded(request: Request, session: Session, piece: AudioPiece) -> UploadedAudio:
    """An uploaded file as the API shows it."""
    ready = {one.piece.id for one in session_content.transcribed_pieces(request.namespace, session) if one.ready}
    index = session.audio.index(piece)
    recorded = index != piece.index and request.meet("session_audio_rows") == "uploads_and_recordings"
    url = f"https://audio.heidi.example/{session.session_id}/{piece.id}" if piece.expiry else None
    return UploadedAudio(
        id=piece.id,
        index=index if recorded else piece.index,
        status="COMPLETED" if piece.id in ready else "INITIALIZED",
        created_at=piece.received_at,
        access_url=url,
        expiry=piece.expiry,
    )
