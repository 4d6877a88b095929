"""Adds an exchange to the history: one function for each operation that tells something to later detectors."""

from __future__ import annotations

import io

from mock_heidi.comparing.exchange import Exchange, listed, objects
from mock_heidi.comparing.history import History, Recording, Session, signed_in
from mock_heidi.content import durations

_READS = ("get_session", "get_transcript", "get_live_transcript", "list_documents", "list_context_documents")
"""The operations of a session that leave what it shows."""


def add(history: History, exchange: Exchange) -> None:
    """Take an exchange into account."""
    _note_gone(history, exchange)
    adder = _ADDERS.get(exchange.operation)
    if adder is not None and exchange.ok:
        adder(history, exchange)
    if exchange.session and exchange.ok and exchange.operation not in _READS:
        history.session(exchange).fresh = False
    for one in objects(exchange.shown) if exchange.ok else ():
        if isinstance(one.get("session_id"), str) and isinstance(one.get("session_name"), str):
            session = history.sessions.setdefault(one["session_id"], Session())
            session.shown = {**session.shown, **one}
            session.fresh = True


def _note_gone(history: History, exchange: Exchange) -> None:
    if exchange.error == "SessionNotFoundError" and exchange.operation == "get_session":
        history.gone.add(exchange.session)
    if exchange.error == "PatientProfileNotFoundError" and "patient_profile_id" in exchange.params:
        history.gone.add(exchange.params["patient_profile_id"])
    if exchange.error == "NoLinkedUserException":
        history.linked[history.user(exchange)] = False


def _sign_in(history: History, exchange: Exchange) -> None:
    history.users[f"Bearer {exchange.value('token')}"] = signed_in(exchange)


def _link(history: History, exchange: Exchange) -> None:
    history.linked[history.user(exchange)] = True
    history.accounts.setdefault(str(exchange.fields.get("kinde_user_id")), set()).add(history.user(exchange))


def _unlink(history: History, exchange: Exchange) -> None:
    history.linked[history.user(exchange)] = False
    for users in history.accounts.values():
        users.discard(history.user(exchange))


def _access(history: History, exchange: Exchange) -> None:
    if isinstance(exchange.value("is_linked"), bool):
        history.linked[history.user(exchange)] = exchange.value("is_linked")


def _templates(history: History, exchange: Exchange) -> None:
    for row in exchange.rows("templates"):
        history.templates[str(row.get("id"))] = str(row.get("template_category"))
    history.all_templates = history.all_templates or exchange.operation == "list_document_templates"


def _profile(history: History, exchange: Exchange) -> None:
    shown = exchange.value("data")
    if isinstance(shown, dict) and isinstance(shown.get("id"), str):
        history.profiles[shown["id"]] = {**history.profiles.get(shown["id"], {}), **shown}
        if exchange.operation == "create_patient_profile":
            history.made_profiles.append(shown["id"])


def _profiles(history: History, exchange: Exchange) -> None:
    for row in exchange.rows("data"):
        history.profiles[str(row.get("id"))] = {**history.profiles.get(str(row.get("id")), {}), **row}


def _delete_profiles(history: History, exchange: Exchange) -> None:
    for one in listed(exchange.fields.get("patient_profile_ids")):
        history.gone.add(one)
        history.profiles.pop(one, None)
        for session in history.sessions.values():
            if session.profile == one:
                session.profile, session.profile_deleted = "", True


def _link_sessions(history: History, exchange: Exchange) -> None:
    for row in exchange.rows("data"):
        session = history.sessions.setdefault(str(row.get("session_id")), Session())
        if not session.profile:
            name = session.patient_name if session.fresh else "" if session.made else None
            session.unlinked_name = name
        session.profile = exchange.params["patient_profile_id"]
        session.shown.pop("patient", None)


def _create_session(history: History, exchange: Exchange) -> None:
    profile = str(exchange.fields.get("patient_profile_id") or "")
    made = Session(made=True, maker=history.user(exchange), unlinked_name="", all_files=True)
    made.maker_was_linked = history.linked.get(made.maker) is True
    # A service may ignore an unknown profile.
    made.profile = "" if profile in history.gone else profile
    history.sessions[str(exchange.value("session_id"))] = made


def _update_session(history: History, exchange: Exchange) -> None:
    session, patient = history.session(exchange), exchange.fields.get("patient")
    session.sent_linked = session.sent_linked or bool(exchange.fields.get("linked_sessions_for_context"))
    session.sent_duration = session.sent_duration or "duration" in exchange.fields
    allowed = exchange.fields.get("generate_output_without_recording", session.output_allowed)
    # A body that was not recorded may have allowed it.
    session.output_allowed = bool(allowed) or exchange.sent is None
    if isinstance(patient, dict):
        session.sent_patient = True
        session.sent_name = session.sent_name or bool(patient.get("name"))


def _read(history: History, exchange: Exchange) -> None:
    history.session(exchange).heard = None


def _note(history: History, exchange: Exchange) -> None:
    session = history.session(exchange)
    if session.note is None:  # a later note may find the name that an earlier one has given
        session.named_before_note = session.shown.get("session_name") if session.fresh else None
    session.heard_before_note = bool(session.uploads or session.segments)
    session.note = exchange.fields


def _upload(history: History, exchange: Exchange) -> None:
    session = history.session(exchange)
    session.uploads += 1
    _hear(session, exchange)


def _start(history: History, exchange: Exchange) -> None:
    history.session(exchange).recordings[str(exchange.value("recording_id"))] = Recording()


def _segment(history: History, exchange: Exchange) -> None:
    recording = history.session(exchange).recordings.setdefault(exchange.params["recording_id"], Recording())
    index, session = exchange.part("index"), history.session(exchange)
    _hear(session, exchange)
    recording.indexes.append(index.text if index else "")


def _finish(history: History, exchange: Exchange) -> None:
    history.session(exchange).recordings.setdefault(exchange.params["recording_id"], Recording()).finished = True


def _transcript(history: History, exchange: Exchange) -> None:
    text = exchange.value("transcript")
    history.session(exchange).transcript = text if isinstance(text, str) else None


def _upload_files(history: History, exchange: Exchange) -> None:
    history.session(exchange).files |= {str(row.get("id")) for row in exchange.rows("context_documents")}


def _list_files(history: History, exchange: Exchange) -> None:
    session = history.session(exchange)
    session.files = {str(row.get("id")) for row in exchange.rows("context_documents")}
    session.deleting, session.emptied, session.all_files = [], False, True


def _delete_files(history: History, exchange: Exchange) -> None:
    session = history.session(exchange)
    named = [(one, place) for place, ids in named_files(exchange).items() for one in ids]
    session.deleting += named
    session.emptied = session.emptied or (not named and exchange.sent is not None)


def _custom_template(history: History, exchange: Exchange) -> None:
    history.partial_template = history.partial_template or not {"summaryRequired", "metadata"} <= exchange.fields.keys()


def _hear(session: Session, exchange: Exchange) -> None:
    """Note the audio of a request and the duration that the session showed before it."""
    part, before = exchange.part("file"), session.shown.get("duration") if session.fresh else None
    session.heard, session.unheard = None, False
    # The times of a request replace the length of its audio.
    if part is None or not part.content or exchange.part("start_time"):
        return
    seconds = durations.duration(io.BytesIO(part.content))
    session.unheard = seconds is None
    if seconds is not None and isinstance(before, int | float) and before >= 0:
        session.heard = (before, seconds)


def named_files(exchange: Exchange) -> dict[str, list[str]]:
    """The ids in a delete of context documents, by their place: query or body."""
    return {"query": exchange.query.get("ids", []), "body": listed(exchange.fields.get("ids"))}


_ADDERS = {
    "get_jwt": _sign_in,
    "link_account": _link,
    "unlink_account": _unlink,
    "get_account_access": _access,
    "list_consult_note_templates": _templates,
    "list_document_templates": _templates,
    "create_patient_profile": _profile,
    "update_patient_profile": _profile,
    "get_patient_profile": _profile,
    "list_patient_profiles": _profiles,
    "delete_patient_profiles": _delete_profiles,
    "link_sessions": _link_sessions,
    "create_session": _create_session,
    "get_session": _read,
    "update_session": _update_session,
    "generate_consult_note": _note,
    "upload_audio": _upload,
    "start_recording": _start,
    "transcribe_segment": _segment,
    "finish_recording": _finish,
    "get_transcript": _transcript,
    "get_live_transcript": _transcript,
    "upload_context_documents": _upload_files,
    "list_context_documents": _list_files,
    "delete_context_documents": _delete_files,
    "answer_custom_template": _custom_template,
}
