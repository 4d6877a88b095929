"""Assumptions about sessions and their pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from mock_heidi.comparing.detectors.detector import Detector, on, refused
from mock_heidi.comparing.exchange import NOT_JSON, Exchange, listed, scalar, texts
from mock_heidi.comparing.history import History, Session

_NUMBERED = re.compile(r"Session \d+", re.ASCII)
_LINKED = "linked_sessions_for_context"


def _shown(exchange: Exchange) -> list[dict[str, Any]]:
    """The whole sessions in an answer."""
    one = exchange.value("session")
    return [one] if isinstance(one, dict) else exchange.rows("sessions")


def _known(exchange: Exchange, history: History) -> Iterator[tuple[dict[str, Any], Session]]:
    """The whole sessions in an answer that earlier exchanges are about, each with what is known of it."""
    for row in _shown(exchange):
        session = history.sessions.get(str(row.get("session_id")))
        if session is not None:
            yield row, session


def _agreed(found: set[Any]) -> Any:
    """The value that all rows of an answer show; None if they differ."""
    found.discard(None)
    return found.pop() if len(found) == 1 else None


def new_session_name(exchange: Exchange, history: History) -> Any:
    """The name of a session that was created in the same recording, before its note."""
    found = set()
    for row, session in _known(exchange, history):
        name = row.get("session_name")
        if session.made and session.note is None and isinstance(name, str):
            found.add("empty" if name == "" else "session_n" if _NUMBERED.fullmatch(name) else None)
    return _agreed(found)


def session_name_after_note(exchange: Exchange, history: History) -> Any:
    """The name of a session after a note that followed audio, if the name was shown before or is like Session 12."""
    return _agreed({_renamed(row.get("session_name"), session) for row, session in _known(exchange, history)})


def _renamed(name: Any, session: Session) -> str | None:
    if not session.heard_before_note or not isinstance(name, str):
        return None
    before = session.named_before_note
    if name == before or (before is None and _NUMBERED.fullmatch(name)):
        return "unchanged"
    return None if before is None else "problems"


def session_gist(exchange: Exchange, _: History) -> Any:
    """A whole session."""
    rows = [row for row in _shown(exchange) if "session_name" in row]
    return _agreed({"present" if "session_gist" in row else "absent" for row in rows})


def new_session_duration(exchange: Exchange, history: History) -> Any:
    """The duration of a session that was created in the same recording, before any audio."""
    found: set[str | None] = {"none" for row in _shown(exchange) if row.get("duration", 0) is None}
    for row, session in _known(exchange, history):
        if session.made and not (session.uploads or session.segments or session.sent_duration):
            found.add({0: "zero", None: "none"}.get(scalar(row.get("duration", NOT_JSON))))
    return _agreed(found)


def negative_duration(exchange: Exchange, _: History) -> Any:
    """A PATCH with a negative duration."""
    sent = exchange.fields.get("duration")
    if not isinstance(sent, int | float) or sent >= 0:
        return None
    return "stored" if exchange.ok else "refused_422" if exchange.blames("duration") else None


def session_shows_profile(exchange: Exchange, history: History) -> Any:
    """A linked session whose patient had no name before, with a profile whose name was shown."""
    return _agreed({_filled(row, session, history) for row, session in _known(exchange, history)})


def _filled(row: dict[str, Any], session: Session, history: History) -> str | None:
    profile = history.profiles.get(session.profile, {})
    patient = row.get("patient")
    if session.unlinked_name != "" or session.sent_patient or not isinstance(patient, dict):
        return None
    if not session.profile or not (profile.get("first_name") or profile.get("last_name")):
        return None
    return "profile" if patient.get("name") else "none"


def session_update_answer(exchange: Exchange, _: History) -> Any:
    """The keys in the answer to a PATCH."""
    shown = exchange.value("session")
    if not isinstance(shown, dict):
        return None
    if "audio" in shown:
        return "whole"
    if shown.keys() <= {"session_id", "updated_at", *exchange.fields}:
        return "changes_only"
    return "without_audio" if "session_name" in shown and "created_at" in shown else None


def linked_sessions_echo(exchange: Exchange, history: History) -> Any:
    """The answers to a PATCH without linked_sessions_for_context, and to a later one with it."""
    shown = exchange.value("session")
    # An answer with the changes alone shows what was sent.
    if not isinstance(shown, dict) or "session_name" not in shown:
        return None
    if exchange.fields.get(_LINKED):
        return {"once_set", "always"} if _LINKED in shown else "never"
    if _LINKED in shown:
        # Another client may have set it.
        return "always" if shown[_LINKED] is None else None
    return None if history.session(exchange).sent_linked else {"once_set", "never"}


def linked_sessions_exist(exchange: Exchange, history: History) -> Any:
    """A PATCH whose linked_sessions_for_context has an unknown session."""
    ids = listed(exchange.fields.get(_LINKED))
    if not ids:
        return None
    if exchange.error == "SessionNotFoundError":
        known = exchange.session in history.existing and not history.session(exchange).profile_deleted
        return "required" if known else None
    return "not_required" if exchange.ok and history.gone.intersection(ids) else None


def session_patient_merge(exchange: Exchange, history: History) -> Any:
    """A PATCH with some fields of a patient whose name was sent before."""
    sent, after = exchange.fields.get("patient"), exchange.value("session", "patient")
    session = history.session(exchange)
    before = session.patient_name if session.fresh and session.sent_name else None
    if not isinstance(sent, dict) or "name" in sent or not sent or not isinstance(after, dict) or not before:
        return None
    return {before: "merged", "": "replaced"}.get(scalar(after.get("name")))


def page_parameter(exchange: Exchange, _: History) -> Any:
    """A list with page=0, or the first page with its next_page."""
    page, following = exchange.query.get("page"), exchange.value("next_page")
    if page == ["0"]:
        return 0 if exchange.ok else 1 if exchange.blames("page") else None
    return {1: 0, 2: 1}.get(following) if page is None and type(following) is int else None


def page_size_default(exchange: Exchange, _: History) -> Any:
    """A page without page_size before a further one."""
    if "page_size" in exchange.query or exchange.value("has_next_page") is not True:
        return None
    return len(exchange.rows("sessions")) or None


def page_size_maximum(exchange: Exchange, _: History) -> Any:
    """A refusal of a larger page_size that names the bound."""
    rows = exchange.value("detail") if exchange.blames("page_size") else None
    bounds = [
        row["ctx"].get("le")
        for row in (rows if isinstance(rows, list) else ())
        if isinstance(row, dict) and isinstance(row.get("ctx"), dict)
    ]
    return next((bound for bound in bounds if type(bound) is int), None)


def next_page(exchange: Exchange, _: History) -> Any:
    """A page before a further one."""
    if exchange.value("has_next_page") is not True:
        return None
    following = exchange.value("next_page")
    return "none" if following is None else "number" if type(following) is int else None


def page_beyond_end(exchange: Exchange, _: History) -> Any:
    """A page after the last one."""
    page = exchange.query.get("page", ["1"])[0]
    if page in ("0", "1"):
        return None
    if exchange.value("sessions") == []:
        return "empty"
    return refused(exchange, 404)


def linked_user_sessions(exchange: Exchange, history: History) -> Any:
    """The whole list of a linked user, after sessions that this user made before the link, and another user."""
    shown = texts(exchange.rows("sessions"), "session_id")
    whole = exchange.value("total_count") == len(shown)
    users = [linked for linked in history.accounts.values() if history.user(exchange) in linked]
    same: set[str] = set().union(*users)
    values = {"same_account", "since_linked", "whole_key"} if same else set()
    for name, session in history.sessions.items():
        if not session.made or not session.maker:
            continue
        if session.maker not in same:
            values &= {"whole_key"} if name in shown else {"same_account", "since_linked"} if whole else values
        elif session.maker == history.user(exchange) and not session.maker_was_linked:
            values &= {"same_account", "whole_key"} if name in shown else {"since_linked"} if whole else values
    return values


def linked_sessions_order(exchange: Exchange, _: History) -> Any:
    """A list of sessions that were created at different times."""
    times = [str(row.get("created_at")) for row in exchange.rows("sessions")]
    if len(set(times)) < 2 or times not in (sorted(times), sorted(times, reverse=True)):  # noqa: PLR2004
        return None
    return "oldest_first" if times == sorted(times) else "newest_first"


def session_audio_rows(exchange: Exchange, history: History) -> Any:
    """A session with accepted segments that was created in the same recording."""
    return _agreed({_audio(row, session) for row, session in _known(exchange, history)})


def _audio(row: dict[str, Any], session: Session) -> str | None:
    if not session.segments or not session.made or not isinstance(row.get("audio"), list):
        return None
    if len(row["audio"]) == session.uploads:
        return "uploads"
    return "uploads_and_recordings" if len(row["audio"]) > session.uploads else None


def session_document_rows(exchange: Exchange, _: History) -> Any:
    """A session with a document."""
    rows = [
        one
        for row in _shown(exchange)
        for one in (row["documents"] if isinstance(row.get("documents"), list) else ())
        if isinstance(one, dict)
    ]
    found = {"listed" if "generation_type" in one else "created" if "content_type" in one else None for one in rows}
    return _agreed(found)


_SHOWS = "get_session list_linked_user_sessions"
DETECTORS: list[Detector] = [
    *on(
        f"{_SHOWS} update_session",
        new_session_name,
        session_name_after_note,
        session_gist,
        new_session_duration,
        session_document_rows,
    ),
    *on(_SHOWS, session_shows_profile, session_audio_rows),
    *on(
        "update_session",
        negative_duration,
        session_update_answer,
        linked_sessions_echo,
        linked_sessions_exist,
        session_patient_merge,
    ),
    *on(
        "list_linked_user_sessions",
        page_parameter,
        page_size_default,
        page_size_maximum,
        next_page,
        page_beyond_end,
        linked_user_sessions,
        linked_sessions_order,
    ),
]
