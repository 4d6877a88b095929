"""The actions of a user in Heidi's application: links and unlinks an account."""

from typing import Any

from starlette.responses import Response

from mock_heidi.control.control import ControlError, ControlRoute, read_fields, respond
from mock_heidi.namespaces.account_links import find_heidi_user, is_taken, link
from mock_heidi.namespaces.namespace import Namespace
from mock_heidi.state.account_records import HeidiUser, User
from mock_heidi.web.request import Request

_WHO = ("third_party_internal_id", "managed_by")
_FIELDS = ("kinde_user_id", "heidi_email", "linked_account_plan", *_WHO)


async def link_user(request: Request) -> Response:
    fields = await _texts(request, _FIELDS)
    namespace = request.namespace
    user = _user(request, fields, make=True)
    if user.linked_to is not None:
        raise ControlError(409, "this user is linked already", "unlink the user first")
    heidi_user = find_heidi_user(namespace, user.managed_by, fields.get("kinde_user_id"))
    if is_taken(namespace, user, heidi_user.kinde_user_id):
        hint = "unlink that user first, or choose another kinde_user_id"
        raise ControlError(409, "another user is linked to this Heidi account", hint)
    described = heidi_user.replace(**{name: fields[name] for name in _FIELDS[1:3] if name in fields})
    return respond(_account(request, link(namespace, user, described), described))


async def unlink_user(request: Request) -> Response:
    user = _user(request, await _texts(request, _WHO))
    request.store.put(user.replace(linked_to=None, account_id=None, linked_at=None))
    return respond({"linked": False, "email": user.email})


async def _texts(request: Request, known: tuple[str, ...]) -> dict[str, str]:
    fields = await read_fields(request, known)
    for name, value in fields.items():
        if not isinstance(value, str) or not value.strip():
            raise ControlError(400, f"{name} is not a text", "send a string that is not empty")
    kinde_user_id = fields.get("kinde_user_id", "none")
    if kinde_user_id.split() != [kinde_user_id]:
        raise ControlError(400, "kinde_user_id contains a blank", "send an id such as kp_ and 32 hex digits")
    return fields


def _user(request: Request, fields: dict[str, str], *, make: bool = False) -> User:
    """The user with the e-mail in the URL, under the first key or the owner that the body names.

    With ``make``, a new one if the user is unknown.
    """
    namespace, email = request.namespace, request.params["email"]
    third_party_internal_id, owner = fields.get("third_party_internal_id"), _owner(namespace, fields)
    for user in request.store.all(User):
        same = user.managed_by == owner and user.email == email
        if same and third_party_internal_id in (None, user.third_party_internal_id):
            return user
    if third_party_internal_id is None or not make:
        raise ControlError(
            404, f"no user with the e-mail {email!r} has signed in", "sign in first, or send third_party_internal_id"
        )
    return User(managed_by=owner, email=email, third_party_internal_id=third_party_internal_id)


def _owner(namespace: Namespace, fields: dict[str, str]) -> str:
    owner = fields.get("managed_by") or next(iter(namespace.keys.values())).managed_by
    if owner not in namespace.owners:
        raise ControlError(400, f"no API key has the owner {owner!r}", "send the managed_by of an API key")
    return owner


def _account(request: Request, user: User, heidi_user: HeidiUser) -> dict[str, Any]:
    return {
        "id": user.account_id,
        "user_id": user.linked_to,
        "ehr_provider": request.namespace.owners[user.managed_by].ehr_provider,
        "ehr_email": user.email,
        "ehr_user_id": user.third_party_internal_id,
        "heidi_email": heidi_user.heidi_email,
        "linked_account_plan": heidi_user.linked_account_plan,
        "linked_at": user.linked_at,
    }


routes = [
    ControlRoute("/users/{email}/link", link_user, "PUT"),
    ControlRoute("/users/{email}/link", unlink_user, "DELETE"),
]
