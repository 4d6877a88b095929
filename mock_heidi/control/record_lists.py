"""Lists of the records of one kind: short rows, searched and page by page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from starlette.responses import Response

from mock_heidi.base.slices import RECORD, Slices
from mock_heidi.base.values import Record
from mock_heidi.base.wording import nearest, shorten
from mock_heidi.control.control import ControlError, ControlRoute, read_number, respond
from mock_heidi.namespaces import session_content
from mock_heidi.namespaces.namespace import Namespace
from mock_heidi.state.account_records import User
from mock_heidi.state.patient_records import PatientProfile
from mock_heidi.state.session_records import Session
from mock_heidi.web.request import Request

_DIGITS = 9
_USUAL, _MOST = 100, 1_000


class _List(NamedTuple):
    model: type[Record]
    row: Callable[[Namespace, Any], dict[str, Any]]
    texts: Callable[[Namespace, Any], Iterable[str | None]]
    """The values in which a text is searched."""


async def list_records(request: Request) -> Response:
    """The records of a kind that match, and the number of all that match."""
    query, kind = request.query, _kind(request)
    limit, offset = _number(query, "limit", _USUAL), _number(query, "offset", 0)
    if limit > _MOST:
        raise ControlError(400, f"limit={limit} is above {_MOST}", "ask for the next ones with offset")
    is_newest_first = _is_newest_first(query.get("order", "oldest"))
    found: Sequence[Any] = _among(request, kind, query.get("patient_profile_id"))
    if "text" in query:
        found = await _containing(request.namespace, found, kind, query["text"].casefold())
    if is_newest_first:
        found = found[::-1]
    rows = [_short(kind.row(request.namespace, record)) for record in found[offset : offset + limit]]
    return respond({"records": rows, "total": len(found)})


def _short(row: dict[str, Any]) -> dict[str, Any]:
    """A row with shortened texts. A client may give thousands of patients names of any length."""
    return {name: shorten(value) if isinstance(value, str) else value for name, value in row.items()}


def _number(query: dict[str, str], name: str, usual: int) -> int:
    text = query.get(name, str(usual))
    return read_number(text, _DIGITS, f"{name}={text} is not a number", f"write it like {name}=20")


def _is_newest_first(order: str) -> bool:
    if order not in ("oldest", "newest"):
        raise ControlError(400, f"order={order} is neither oldest nor newest", "write order=newest or leave it out")
    return order == "newest"


def _kind(request: Request) -> _List:
    name = request.params["kind"]
    if name not in _KINDS:
        raise ControlError(404, f"records of {name!r} cannot be listed by themselves", nearest(name, _KINDS))
    return _KINDS[name]


def _among(request: Request, kind: _List, patient: str | None) -> Sequence[Any]:
    """All records of a kind, or the sessions of a patient."""
    if patient is None:
        return request.store.all(kind.model)
    if kind.model is not Session:
        raise ControlError(400, "only sessions have a patient_profile_id", "leave patient_profile_id out")
    return request.store.where(Session, patient_profile_id=patient)


async def _containing(namespace: Namespace, records: Iterable[Any], kind: _List, text: str) -> list[Any]:
    """The records that contain a text in one of their searched values, in any case."""
    found, slices = [], Slices()
    for record in records:
        if any(text in value.casefold() for value in kind.texts(namespace, record) if value):
            found.append(record)
        await slices.spend(RECORD // 4)
    return found


def _patient_row(namespace: Namespace, patient: PatientProfile) -> dict[str, Any]:
    return {
        "id": patient.id,
        "name": patient.name,
        "birth_date": patient.birth_date,
        "gender": patient.gender,
        "email": patient.email,
        "ehr_provider": patient.ehr_provider,
        "ehr_patient_id": patient.ehr_patient_id,
        "sessions": namespace.store.count(Session, patient_profile_id=patient.id),
        "managed_by": patient.managed_by,
        "created_at": patient.created_at,
        "updated_at": patient.updated_at,
    }


def _session_row(namespace: Namespace, session: Session) -> dict[str, Any]:
    note = session_content.note_of(namespace, session)
    return {
        "session_id": session.session_id,
        "session_name": session.session_name,
        "patient_profile_id": session.patient_profile_id,
        "patient": session_content.patient_of(namespace, session).name,
        "created_by": session.created_by and session.created_by.email,
        "ehr_provider": session.ehr_provider,
        "ehr_patient_id": session.ehr_patient_id,
        "ehr_appt_id": session.ehr_appt_id,
        "duration": session.duration,
        "audio": len(session.audio),
        "note": note and note.status,
        "documents": len(session.documents),
        "managed_by": session.managed_by,
        "created_at": session.created_at,
        "updated_at": session.updated_at,
    }


def _user_row(_: Namespace, user: User) -> dict[str, Any]:
    return {
        "email": user.email,
        "third_party_internal_id": user.third_party_internal_id,
        "linked_to": user.linked_to,
        "linked_at": user.linked_at,
        "managed_by": user.managed_by,
    }


def _session_texts(namespace: Namespace, session: Session) -> Iterable[str | None]:
    creator = session.created_by.email if session.created_by else None
    patient = session_content.patient_of(namespace, session)
    return (
        *(session.session_id, session.session_name, patient.name, session.patient_profile_id),
        *(session.ehr_patient_id, session.ehr_appt_id, creator),
    )


_KINDS = {
    "patient_profiles": _List(
        PatientProfile,
        _patient_row,
        lambda _, one: (one.id, one.name, one.birth_date, one.email, one.ehr_patient_id),
    ),
    "sessions": _List(Session, _session_row, _session_texts),
    "users": _List(User, _user_row, lambda _, one: (one.email, one.third_party_internal_id, one.linked_to)),
}

routes = [
    ControlRoute(
        "/state/{kind}", list_records, "GET", query=("text", "patient_profile_id", "order", "limit", "offset")
    ),
]
