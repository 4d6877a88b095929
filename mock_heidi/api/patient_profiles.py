"""Patient profiles: the details of a patient that a client gives, and the sessions of the patient."""

from http import HTTPStatus
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field
from starlette.responses import Response

from mock_heidi.base.assumptions import Assumptions
from mock_heidi.base.errors import LinkedAccountRequiredError, PatientProfileNotFoundError, SessionNotFoundError
from mock_heidi.base.json_text import record_json
from mock_heidi.base.refusals import refused
from mock_heidi.base.values import Incoming, Outgoing
from mock_heidi.namespaces.record_changes import remove_record
from mock_heidi.state.account_records import User
from mock_heidi.state.field_types import Date, Gender, Number, ObjectId, SessionId, Timestamp
from mock_heidi.state.patient_records import PatientProfile
from mock_heidi.state.session_records import Session
from mock_heidi.web.inputs import find, find_or_none, read
from mock_heidi.web.request import Request
from mock_heidi.web.response import SUCCESS, Answer, kept, kept_answer, respond, respond_list

# Records hold tuples. The messages of errors are still those for lists.
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


# The keys and their order differ between routes, so each answer has a class in the documented order.
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

_ABOUT_LISTS = ("unset_demographic_string", "profile_list_order")


def create_patient_profile(request: Request) -> Response:
    given = read(request, PatientProfileCreate, nulls="null_in_create")
    user = request.store.get(User, request.caller.key)
    if (user is None or user.linked_to is None) and request.meet("linked_account_required"):
        raise LinkedAccountRequiredError
    if _is_known(request, given.ehr_patient_id) and request.meet("duplicate_ehr_patient_id") != "allowed":
        raise refused(request.assumptions, "duplicate_ehr_patient_id", "the ehr_patient_id has a profile")
    namespace, owner = request.namespace, request.owner
    stamp = namespace.clock.stamp()
    profile = _BLANK.replace(
        given,
        id=namespace.object_id(),
        managed_by=owner.managed_by,
        ehr_provider=owner.ehr_provider,
        created_at=stamp,
        updated_at=stamp,
    )
    namespace.store.put(profile)
    return respond(record_json(PatientProfileCreated, profile, **_unset(request, profile)), "data")


def _is_known(request: Request, ehr_patient_id: str | None) -> bool:
    """True if the caller's key has a profile with that ``ehr_patient_id``."""
    owner = request.caller.managed_by
    return ehr_patient_id is not None and bool(
        request.store.count(PatientProfile, managed_by=owner, ehr_patient_id=ehr_patient_id)
    )


def _unset(request: Request, profile: PatientProfile) -> dict[str, None]:
    """The empty fields of the profile that an answer shows as null."""
    null = not profile.demographic_string and request.meet("unset_demographic_string") == "none"
    return {"demographic_string": None} if null else {}


def update_patient_profile(request: Request) -> Response:
    changes = read(request, PatientProfileUpdate, nulls="null_in_update")
    profile = find(request, PatientProfile, request.params["patient_profile_id"])
    profile = profile.replace(changes, updated_at=request.namespace.clock.stamp())
    request.store.put(profile)
    return respond(record_json(PatientProfileUpdated, profile, source="EHR", **_unset(request, profile)), "data")


def delete_patient_profiles(request: Request) -> Response:
    given = read(request, PatientProfilesDelete)
    found = [find_or_none(request, PatientProfile, one) for one in dict.fromkeys(given.patient_profile_ids)]
    if not all(found) and request.meet("batch_delete_unknown") == "refused":
        raise PatientProfileNotFoundError
    for profile in found:
        if profile is not None:
            remove_record(request.namespace, profile, request.meet)
    return respond(SUCCESS)


def link_sessions(request: Request) -> Response:
    given = read(request, SessionsLink)
    profile = find(request, PatientProfile, request.params["patient_profile_id"])
    found = [find_or_none(request, Session, one) for one in given.session_ids]
    if not all(found) and request.meet("link_unknown_session") == "nothing":
        raise SessionNotFoundError
    sessions = [session for session in found if session is not None]
    _refuse_links(request, profile, {session.patient_profile_id for session in sessions})
    times = (
        {"updated_at": request.namespace.clock.stamp()} if request.meet("updated_at_changes") == "with_linking" else {}
    )
    linked = [session.replace(patient_profile_id=profile.id, **times) for session in sessions]
    for session in linked:
        request.store.put(session)
    return respond_list([kept(LinkedSession, session) for session in linked], "data")


def _refuse_links(request: Request, profile: PatientProfile, present: set[str | None]) -> None:
    """Raise an error if an assumption forbids a new link for a session that is linked already."""
    if profile.id in present and request.meet("link_again") != HTTPStatus.OK:
        raise refused(request.assumptions, "link_again", "the session is linked to this profile")
    if present - {None, profile.id} and request.meet("link_moves") != "moved":
        raise refused(request.assumptions, "link_moves", "the session is linked to another profile")


def list_patient_profiles(request: Request) -> Response:
    chosen, query = request.assumptions, request.scope["query_string"]
    if query.endswith(b"=") or b"=&" in query:
        request.meet("empty_filter")
    asked = ("list_patient_profiles", request.caller.managed_by, query, tuple(chosen.chosen.items()))
    body, met = request.store.once(asked, lambda: _listed(request, chosen))
    request.met = tuple(dict.fromkeys(request.met + met))
    return Answer(body)


def _listed(request: Request, chosen: Assumptions) -> tuple[bytes, tuple[str, ...]]:
    """The list as the JSON body of the answer, and the assumptions that it meets."""
    query, owner, store = request.query, request.caller.managed_by, request.store
    wanted, provider = query.get("ehr_patient_id"), query.get("ehr_provider")
    if chosen["empty_filter"] == "ignored":
        wanted, provider = wanted or None, provider or None
    if wanted is not None:
        profiles = store.where(PatientProfile, managed_by=owner, ehr_patient_id=wanted)
        if provider is not None:  # one id has few profiles
            profiles = [profile for profile in profiles if profile.ehr_provider == provider]
    elif provider is not None:
        profiles = store.where(PatientProfile, managed_by=owner, ehr_provider=provider)
    else:
        profiles = store.where(PatientProfile, managed_by=owner)
    rows = [
        kept(
            PatientProfileListed,
            profile,
            session_count=store.count(Session, patient_profile_id=profile.id),
            **_unset(request, profile),
        )
        for profile in profiles
    ]
    if len(rows) > 1 and request.meet("profile_list_order") == "newest_first":
        rows.reverse()
    return respond_list(rows, "data").body, tuple(name for name in _ABOUT_LISTS if name in request.met)


def get_patient_profile(request: Request) -> Response:
    profile = find(request, PatientProfile, request.params["patient_profile_id"])
    if unset := _unset(request, profile):
        return respond(kept(PatientProfileDetail, profile, **unset), "data")
    return kept_answer(PatientProfileDetail, profile, "data")
