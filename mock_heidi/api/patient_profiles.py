"""Patient profiles: what Heidi is told of a patient, and the sessions that belong to them."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field
from starlette.responses import Response

from mock_heidi.base.errors import LinkedAccountRequiredError
from mock_heidi.base.json_text import record_json
from mock_heidi.base.values import Incoming, Outgoing
from mock_heidi.namespaces.record_changes import remove_record
from mock_heidi.state.field_types import Date, Gender, Number, ObjectId, SessionId, Timestamp
from mock_heidi.state.patient_records import PatientProfile
from mock_heidi.state.session_records import Session
from mock_heidi.web.inputs import find, read
from mock_heidi.web.request import Request
from mock_heidi.web.response import SUCCESS, Answer, kept, kept_answer, respond, respond_list

# Kept as records keep lists, and refused in the words for lists.
Items = Annotated[list[Any], AfterValidator(tuple)]


class PatientProfileCreate(Incoming):
    ehr_patient_id: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    birth_date: Date | None = None
    gender: Gender | None = None
    phone: str | None = None
    email: str | None = None
    demographic_string: str | None = None
    additional_context: str | None = None
    patient_sex_code: Number | None = None
    identifiers: Items | None = None


class PatientProfileUpdate(Incoming):
    """``ehr_patient_id`` cannot be changed: it is ignored here, like any unknown field."""

    first_name: str | None = None
    last_name: str | None = None
    birth_date: Date | None = None
    gender: Gender | None = None
    phone: str | None = None
    email: str | None = None
    demographic_string: str | None = None
    additional_context: str | None = None
    remember_consent: bool | None = None
    identifiers: Items | None = None


class PatientProfilesDelete(Incoming):
    patient_profile_ids: list[str]


class SessionsLink(Incoming):
    session_ids: list[str]


class PatientProfileCreated(Outgoing):
    id: ObjectId
    ehr_patient_id: str | None
    first_name: str | None
    last_name: str | None
    birth_date: Date | None
    gender: Gender | None
    phone: str | None
    email: str | None
    demographic_string: str
    additional_context: str | None


# The keys differ from route to route, and so does their order: each answer is written out as documented.
class PatientProfileUpdated(Outgoing):
    id: ObjectId
    source: Literal["EHR"]
    ehr_patient_id: str | None
    first_name: str | None
    last_name: str | None
    birth_date: Date | None
    gender: Gender | None
    phone: str | None
    email: str | None
    demographic_string: str
    additional_context: str | None


class PatientProfileDetail(Outgoing):
    id: ObjectId
    ehr_patient_id: str | None
    managed_by: ObjectId
    first_name: str | None
    last_name: str | None
    birth_date: Date | None
    gender: Gender | None
    phone: str | None
    email: str | None
    demographic_string: str
    additional_context: str | None


class PatientProfileListed(Outgoing):
    id: ObjectId
    ehr_patient_id: str | None
    managed_by: ObjectId
    first_name: str | None
    last_name: str | None
    birth_date: Date | None
    gender: Gender | None
    phone: str | None
    email: str | None
    demographic_string: str
    remember_consent: bool | None
    additional_context: str | None
    session_count: Annotated[int, Field(ge=0)]


class LinkedSession(Outgoing):
    session_id: SessionId
    session_name: str
    created_at: Timestamp
    updated_at: Timestamp


_BLANK = PatientProfile.model_construct(
    id="0" * 24,
    managed_by="0" * 24,
    ehr_provider="",
    created_at="1970-01-01T00:00:00.000000",
    updated_at="1970-01-01T00:00:00.000000",
)


def create_patient_profile(request: Request) -> Response:
    given = read(request, PatientProfileCreate)
    if request.assumptions["linked_account_required"] and request.user_record.linked_to is None:
        raise LinkedAccountRequiredError
    namespace, owner = request.namespace, request.owner
    stamp = namespace.clock.stamp()
    # A second profile with the same ehr_patient_id is no error: assumption duplicate_ehr_patient_id.
    profile = _BLANK.replace(
        given,
        id=namespace.object_id(),
        managed_by=owner.managed_by,
        ehr_provider=owner.ehr_provider,
        created_at=stamp,
        updated_at=stamp,
    )
    namespace.store.put(profile)
    return respond(record_json(PatientProfileCreated, profile), "data")


def update_patient_profile(request: Request) -> Response:
    changes = read(request, PatientProfileUpdate)
    profile = find(request, PatientProfile, request.params["patient_profile_id"])
    profile = profile.replace(changes, updated_at=request.namespace.clock.stamp())
    request.store.put(profile)
    return respond(record_json(PatientProfileUpdated, profile, source="EHR"), "data")


def delete_patient_profiles(request: Request) -> Response:
    given = read(request, PatientProfilesDelete)
    for profile_id in given.patient_profile_ids:
        profile = request.store.get(PatientProfile, profile_id)
        # Ids that are unknown, or another key's, are passed over: assumption batch_delete_unknown.
        if profile is not None and profile.managed_by == request.owner.managed_by:
            remove_record(request.store, profile)
    return respond(SUCCESS)


def link_sessions(request: Request) -> Response:
    given = read(request, SessionsLink)
    profile = find(request, PatientProfile, request.params["patient_profile_id"])
    sessions = [find(request, Session, session_id) for session_id in given.session_ids]
    for session in sessions:
        # Linking leaves updated_at alone: the documented answer shows the stored times.
        request.store.put(session.replace(patient_profile_id=profile.id))
    return respond_list([kept(LinkedSession, session) for session in sessions], "data")


def list_patient_profiles(request: Request) -> Response:
    query = request.scope["query_string"]
    empty = query.endswith(b"=") or b"=&" in query
    if empty:
        request.note("empty_filter", ", ".join(name for name, value in request.query.items() if not value))
    ignored = empty and request.assumptions["empty_filter"] == "ignored"
    asked = ("list_patient_profiles", request.caller.managed_by, query, ignored)
    return Answer(request.store.once(asked, lambda: _listed(request, ignored=ignored)))


def _listed(request: Request, *, ignored: bool) -> bytes:
    """The body of the list; ``ignored`` leaves filters without a value out."""
    query, owner, store = request.query, request.caller.managed_by, request.store
    wanted, provider = query.get("ehr_patient_id"), query.get("ehr_provider")
    if ignored:
        wanted, provider = wanted or None, provider or None
    if wanted is not None:
        profiles = store.where(PatientProfile, managed_by=owner, ehr_patient_id=wanted)
        if provider is not None:  # of the few that one id can have
            profiles = [profile for profile in profiles if profile.ehr_provider == provider]
    elif provider is not None:
        profiles = store.where(PatientProfile, managed_by=owner, ehr_provider=provider)
    else:
        profiles = store.where(PatientProfile, managed_by=owner)
    rows = [
        kept(PatientProfileListed, profile, session_count=store.count(Session, patient_profile_id=profile.id))
        for profile in profiles
    ]
    return respond_list(rows, "data").body


def get_patient_profile(request: Request) -> Response:
    profile = find(request, PatientProfile, request.params["patient_profile_id"])
    return kept_answer(PatientProfileDetail, profile, "data")
