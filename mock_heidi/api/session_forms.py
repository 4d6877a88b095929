"""The forms of a session in a response that the assumptions can choose instead of the default."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from mock_heidi.base.values import Outgoing
from mock_heidi.namespaces import session_content
from mock_heidi.namespaces.namespace import Namespace
from mock_heidi.state.session_records import Session, WrittenDocument
from mock_heidi.web.request import Request


def chosen_forms(request: Request, session: Session, *, update: bool = False) -> dict[str, Any]:
    """The values of the assumptions that decide the form of this session in a response.

    ``update`` is True for the answer to a PATCH.
    """
    names = ["session_gist"]
    if not session.duration:
        names.append("new_session_duration")
    if session.documents:
        names.append("session_document_rows")
    if update:
        names += ["linked_sessions_echo", "session_update_answer"]
    return {name: request.meet(name) for name in names}


def varied(
    namespace: Namespace,
    session: Session,
    view: Outgoing,
    forms: Mapping[str, Any],
    changed: AbstractSet[str] | None = None,
) -> dict[str, Any]:
    """A session as a JSON object in these forms.

    ``changed`` are the fields that a PATCH has changed; None for the answer to a GET.
    """
    body = view.model_dump()
    if forms.get("new_session_duration") == "none":
        body["duration"] = None
    if forms.get("session_document_rows") == "created":
        body["documents"] = [_as_created(session, one) for one in session.documents]
    if changed is not None:
        _echo(forms["linked_sessions_echo"], session, body)
    if forms["session_gist"] == "present":
        body["session_gist"] = _gist(namespace, session)
    if changed is not None:
        return _part(forms["session_update_answer"], body, changed)
    return body


def _as_created(session: Session, document: WrittenDocument) -> dict[str, Any]:
    """A document with the keys of the answer that created it."""
    made = {"id": document.id, "session_id": session.session_id}
    return made | {
        name: getattr(document, name)
        for name in ("name", "template_id", "brain", "voice_style", "content_type", "content")
    }


def _echo(when: str, session: Session, body: dict[str, Any]) -> None:
    linked = session.linked_sessions_for_context
    body.pop("linked_sessions_for_context", None)
    if when == "always" or (when == "once_set" and linked is not None):
        body["linked_sessions_for_context"] = linked


def _gist(namespace: Namespace, session: Session) -> str | None:
    """The first problem of the session; None without a note."""
    problems = session_content.problems(namespace, session) if session.consult_note else None
    return None if problems is None else problems.partition(",")[0]


def _part(which: str, body: dict[str, Any], changed: AbstractSet[str]) -> dict[str, Any]:
    """The fields of a session that the answer to a PATCH has. ``audio`` comes last."""
    if which == "changes_only":
        return {name: value for name, value in body.items() if name in {"session_id", "updated_at", *changed}}
    audio = body.pop("audio")
    return {**body, "audio": audio} if which == "whole" else body
