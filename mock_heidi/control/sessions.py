"""The actions of a clinician on a session in Heidi's own application."""

import copy
from typing import Any

from pydantic import ValidationError
from starlette.responses import Response

from mock_heidi.control.control import ControlError, ControlRoute, read_fields, respond
from mock_heidi.fixtures.export import to_row
from mock_heidi.namespaces import session_content
from mock_heidi.state.session_records import ConsultNote, Session, WrittenDocument
from mock_heidi.web.request import Request

_FIELDS = ("transcript", "session_name", "duration", "consult_note", "documents", "failed_chunks")


async def look_at_session(request: Request) -> Response:
    return respond(_row(request, find_session(request)))


async def set_session(request: Request) -> Response:
    fields = await read_fields(request, _FIELDS)
    before = copy.deepcopy(request.namespace.ids)
    try:
        session = _changed(request, find_session(request), fields)
    except ControlError:
        request.namespace.ids = before  # a refused request must not change the following ids
        raise
    request.store.put(session)
    return respond(_row(request, session))


def _changed(request: Request, session: Session, fields: dict[str, Any]) -> Session:
    values: dict[str, Any] = {name: fields[name] for name in _FIELDS[:3] if name in fields}
    try:
        if "consult_note" in fields:
            values |= _note(request, session, fields["consult_note"])
        if "documents" in fields:
            values["documents"] = _documents(request, fields["documents"])
        if "failed_chunks" in fields:
            values["audio"] = _failed(session, fields["failed_chunks"])
        return session.replace(**values, updated_at=request.namespace.clock.stamp())
    except ValidationError as error:
        row = error.errors()[0]
        place = ".".join(map(str, row["loc"])) or "the session"
        raise ControlError(400, f"{place}: {row['msg']}", f"a clinician can set {', '.join(_FIELDS)}") from None


def _row(request: Request, session: Session) -> dict[str, Any]:
    """The session's record with the present status of its note."""
    note = session_content.note_of(request.namespace, session)
    return to_row(session.replace(consult_note=note))


def find_session(request: Request) -> Session:
    """The session that the URL names. Raises :class:`ControlError` for an unknown one."""
    session_id = request.params["session_id"]
    session = request.store.get(Session, session_id)
    if session is None:
        raise ControlError(404, f"there is no session {session_id!r}", "GET /_mock/state lists them")
    return session


def _note(request: Request, session: Session, given: Any) -> dict[str, Any]:
    """The fields of a session for a changed note, or for no note. The note's status does not advance any more."""
    done: dict[str, Any] = {"note_begun_at": None, "note_sources": None}
    if given is None:
        return {**done, "consult_note": None, "note_id": None}
    if not isinstance(given, dict):
        raise ControlError(400, "consult_note is not an object", "send result, heading, status or template_id")
    now = session_content.note_of(request.namespace, session)
    old = dict(now) if now else {"status": "COMPLETED"}
    note = ConsultNote.model_validate({**old, **given})
    return {**done, "consult_note": note, "note_id": session.note_id or request.namespace.object_id()}


def _documents(request: Request, given: Any) -> tuple[WrittenDocument, ...]:
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        raise ControlError(400, "documents is not a list of objects", "send name, content and template_id of each")
    return tuple(WrittenDocument.model_validate({"id": request.namespace.object_id(), **one}) for one in given)


def _failed(session: Session, given: Any) -> tuple[Any, ...]:
    known = {piece.id for piece in session.audio}
    if not isinstance(given, list) or not all(isinstance(one, str) and one in known for one in given):
        raise ControlError(
            400,
            "failed_chunks has ids that are not chunks of this session",
            f"its chunks are {', '.join(sorted(known))}" if known else "this session has no chunks",
        )
    return tuple(piece.replace(failed=piece.id in given) for piece in session.audio)


routes = [
    ControlRoute("/sessions/{session_id}", look_at_session, "GET"),
    ControlRoute("/sessions/{session_id}", set_session, "PUT"),
]
