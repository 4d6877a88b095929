"""Single records of the state: reads, edits, replaces and deletes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from starlette.responses import Response

from mock_heidi.base.values import Record
from mock_heidi.base.wording import nearest
from mock_heidi.control.control import ControlError, ControlRoute, read_fields, refuse, respond
from mock_heidi.fixtures.documents import FixtureError
from mock_heidi.fixtures.export import to_row
from mock_heidi.namespaces.record_changes import put_row, remove_record
from mock_heidi.state.account_records import User
from mock_heidi.state.patient_records import PatientProfile
from mock_heidi.state.session_records import Session
from mock_heidi.web.request import Request

# These parameters distinguish users with the same e-mail.
_QUERY = ("third_party_internal_id", "managed_by")


class _Kind(NamedTuple):
    model: type[Record]
    id: str
    """The field that is the id in the URL."""
    fixed: tuple[str, ...]
    """The fields that an edit cannot change, because other records refer to them."""


_KINDS = {
    "patient_profiles": _Kind(PatientProfile, "id", ("id", "managed_by")),
    "sessions": _Kind(Session, "session_id", ("session_id", "managed_by")),
    "users": _Kind(User, "email", ("email", "third_party_internal_id", "managed_by")),
}


async def get_record(request: Request) -> Response:
    return respond(to_row(_known(request)))


async def edit_record(request: Request) -> Response:
    """Change the sent fields, as a JSON merge patch: null restores a field's default."""
    changes = await _fields(request)
    old = _known(request)
    return respond(_put(request, old, _patched(to_row(old), changes)))


async def replace_record(request: Request) -> Response:
    """Replace the record with this id, or add it. Missing ids and times are filled in."""
    fields = await _fields(request)
    return respond(_put(request, _find(request), fields))


async def delete_record(request: Request) -> Response:
    """Remove a record. The answer has the number of the remaining records of its kind."""
    record = _known(request)
    remove_record(request.namespace, record)
    return respond({"count": request.store.size(type(record))})


def _kind(request: Request) -> _Kind:
    name = request.params["kind"]
    if name not in _KINDS:
        raise ControlError(404, f"records of {name!r} cannot be edited one by one", nearest(name, _KINDS))
    return _KINDS[name]


async def _fields(request: Request) -> dict[str, Any]:
    return await read_fields(request, _kind(request).model.model_fields)


def _find(request: Request) -> Record | None:
    """The record that the URL names, or None. Raises :class:`ControlError` if it names several users."""
    kind, id = _kind(request), request.params["id"]  # noqa: A001 - its name in the route
    if kind.model is User:
        return _user(request, {"email": id, **request.query})
    if request.query:
        raise ControlError(400, "only users take parameters in the query", "leave the query out")
    return request.store.get(kind.model, id)


def _user(request: Request, named: dict[str, str]) -> User | None:
    found = [user for user in request.store.all(User) if named.items() <= dict(user).items()]
    if len(found) > 1:
        hint = f"add {' or '.join(_QUERY)} to the query"
        raise ControlError(409, f"{len(found)} users have the e-mail {named['email']!r}", hint)
    return found[0] if found else None


def _known(request: Request) -> Record:
    record = _find(request)
    if record is None:
        kind, id = request.params["kind"], request.params["id"]  # noqa: A001 - as above
        raise ControlError(404, f"no record of {kind} has the id {id!r}", "GET /_mock/state lists them")
    return record


def _patched(old: Any, changes: Any) -> Any:
    if not isinstance(changes, Mapping):
        return changes
    patched = dict(old) if isinstance(old, Mapping) else {}
    for name, change in changes.items():
        if change is None:
            patched.pop(name, None)
        else:
            patched[name] = _patched(patched.get(name), change)
    return patched


def _put(request: Request, old: Record | None, fields: dict[str, Any]) -> dict[str, Any]:
    """Check a record together with the rest of the state, store it, and return its row."""
    namespace, row = request.namespace, {**fields, **_identity(request, old, fields)}
    if old is not None and "updated_at" in row and row["updated_at"] == getattr(old, "updated_at", None):
        row["updated_at"] = namespace.clock.stamp()
    try:
        return to_row(put_row(namespace, request.params["kind"], row, old))
    except FixtureError as error:
        raise refuse(error, "send the fields of one record, in the form of GET /_mock/state") from None


def _identity(request: Request, old: Record | None, fields: dict[str, Any]) -> dict[str, Any]:
    """The fixed fields of the record, which the body may repeat but not change."""
    kind = _kind(request)
    named = {kind.id: request.params["id"], **request.query}
    if old is not None:
        named = {name: getattr(old, name) for name in kind.fixed}
    for name, value in named.items():
        if fields.get(name, value) != value:
            raise ControlError(400, f"{name} cannot be changed", "delete the record and add another one")
    return named


routes = [
    ControlRoute("/state/{kind}/{id}", get_record, "GET", query=_QUERY),
    ControlRoute("/state/{kind}/{id}", edit_record, "PATCH", query=_QUERY),
    ControlRoute("/state/{kind}/{id}", replace_record, "PUT", query=_QUERY),
    ControlRoute("/state/{kind}/{id}", delete_record, "DELETE", query=_QUERY),
]
