"""The forms of a session in a response that the assumptions can choose instead of the default."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Any

from mock_heidi.base.values import Outgoing
from mock_heidi.namespaces import session_content
from mock_heidi.namespaces.namespace import Namespace
from mock_heidi.state.session_records import Session, WrittenDocument


def varied(
    namespace: Namespace, session: Session, view: Outgoing, changed: AbstractSet[str] | None = None
) -> dict[str, Any]:
    """A session as a JSON object in the forms that the assumptions choose.

    ``changed`` are the fields that a PATCH has changed; None for the answer to a GET.
    """
    chosen, body = namespace.assumptions, view.model_dump()
    if chosen["new_session_duration"] == "none" and not session.duration:
        body["duration"] = None
    if chosen["session_document_rows"] == "created" and session.documents:
        body["documents"] = [_as_created(session, one) for one in session.documents]
    if changed is not None:
        _echo(chosen["linked_sessions_echo"], session, body)
    if chosen["session_gist"] == "present":
        body["session_gist"] = _gist(namespace, session)
    if changed is not None:
        return _part(chosen["session_update_answer"], body, changed)
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
