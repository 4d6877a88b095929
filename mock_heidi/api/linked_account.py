"""Linked accounts: the Heidi user that belongs to a user of the API."""

from pydantic import Field
from starlette.responses import Response

from mock_heidi.base.errors import NoLinkedUserException, OpenAPIHeidiAccountAlreadyLinkedError
from mock_heidi.base.refusals import refused
from mock_heidi.base.values import Incoming, Outgoing
from mock_heidi.namespaces.account_links import find_heidi_user, is_taken, link
from mock_heidi.state.account_records import User
from mock_heidi.state.field_types import ObjectId, Timestamp
from mock_heidi.web.admission import user_of
from mock_heidi.web.inputs import read
from mock_heidi.web.request import Request
from mock_heidi.web.response import SUCCESS, respond


class AccountLink(Incoming):
    kinde_user_id: str = Field(min_length=1)


class LinkedAccount(Outgoing):
    # Only this id has an underscore in the API.
    id: ObjectId = Field(alias="_id")
    user_id: str
    ehr_provider: str
    ehr_email: str
    ehr_user_id: str
    deleted_at: None
    created_at: Timestamp
    updated_at: Timestamp


class AccountSummary(Outgoing):
    user_id: str
    ehr_provider: str
    ehr_email: str
    ehr_user_id: str


class AccountAccess(Outgoing):
    is_valid: bool
    is_linked: bool
    account: AccountSummary | None
    heidi_email: str | None
    linked_account_plan: str | None


def link_account(request: Request) -> Response:
    given = read(request, AccountLink)
    user, namespace = user_of(request), request.namespace
    known = {one.kinde_user_id for one in request.owner.heidi_users}
    if given.kinde_user_id not in known and request.meet("unknown_heidi_user") != "accepted":
        raise refused(request.assumptions, "unknown_heidi_user", "the Heidi user is unknown", "body", "kinde_user_id")
    taken = is_taken(namespace, user, given.kinde_user_id) and request.meet("linked_by_another") == "refused"
    if user.linked_to is not None or taken:
        raise OpenAPIHeidiAccountAlreadyLinkedError(given.kinde_user_id)
    user = link(namespace, user, find_heidi_user(namespace, user.managed_by, given.kinde_user_id))
    times = {"deleted_at": None, "created_at": user.linked_at, "updated_at": user.linked_at}
    return respond(
        LinkedAccount.model_validate({"_id": user.account_id, **_summary(request, user), **times}), "account"
    )


def unlink_account(request: Request) -> Response:
    user = user_of(request)
    if user.linked_to is None and request.meet("unlink_without_link") != "success":
        raise NoLinkedUserException().under("unlink_without_link")
    if user.linked_to is not None:
        request.store.put(user.replace(linked_to=None, account_id=None, linked_at=None))
    return respond(SUCCESS)


def get_account_access(request: Request) -> Response:
    user = user_of(request)
    if user.linked_to is None:
        if request.meet("unlinked_access_answer") != "not_linked":
            raise NoLinkedUserException().under("unlinked_access_answer")
        return respond(
            AccountAccess(is_valid=True, is_linked=False, account=None, heidi_email=None, linked_account_plan=None)
        )
    heidi_user = find_heidi_user(request.namespace, user.managed_by, user.linked_to)
    return respond(
        AccountAccess(
            is_valid=True,
            is_linked=True,
            account=AccountSummary(**_summary(request, user)),
            heidi_email=heidi_user.heidi_email,
            linked_account_plan=heidi_user.linked_account_plan,
        )
    )


def _summary(request: Request, user: User) -> dict[str, str]:
    return {
        "user_id": user.linked_to or "",
        "ehr_provider": request.owner.ehr_provider,
        "ehr_email": user.email,
        "ehr_user_id": user.third_party_internal_id,
    }
