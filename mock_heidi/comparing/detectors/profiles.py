"""Assumptions about patient profiles and their sessions."""

from __future__ import annotations

from typing import Any

from mock_heidi.comparing.detectors.detector import Detector, on
from mock_heidi.comparing.exchange import Exchange, listed, objects, scalar, texts
from mock_heidi.comparing.history import History

_CONFLICT = 409


def duplicate_ehr_patient_id(exchange: Exchange, history: History) -> Any:
    """A second profile with the ehr_patient_id of another one."""
    sent = exchange.fields.get("ehr_patient_id")
    if not sent or scalar(sent) not in texts(history.profiles.values(), "ehr_patient_id"):
        return None
    return "allowed" if exchange.ok else "refused_409" if exchange.status == _CONFLICT else None


def unset_demographic_string(exchange: Exchange, _: History) -> Any:
    """A profile whose demographic_string is null, or a new one that was sent without it."""
    shown = [one["demographic_string"] for one in objects(exchange.shown) if "demographic_string" in one]
    if None in shown:
        return "none"
    is_new = exchange.operation == "create_patient_profile" and isinstance(exchange.given, dict)
    return "empty" if shown == [""] and is_new and not exchange.fields.get("demographic_string") else None


def deleted_profile_sessions(exchange: Exchange, history: History) -> Any:
    """A session whose profile was deleted."""
    if not history.session(exchange).profile_deleted:
        return None
    return "kept" if exchange.ok else "deleted" if exchange.error == "SessionNotFoundError" else None


def batch_delete_unknown(exchange: Exchange, history: History) -> Any:
    """A delete with an id that is known to be unknown."""
    ids = listed(exchange.fields.get("patient_profile_ids"))
    if exchange.error == "PatientProfileNotFoundError":
        return "refused"
    return "ignored" if exchange.ok and history.gone.intersection(ids) else None


def link_unknown_session(exchange: Exchange, history: History) -> Any:
    """A link of several sessions, of which one is unknown."""
    sent = set(listed(exchange.fields.get("session_ids")))
    if exchange.ok:
        shown = exchange.value("data")
        return "known_ones" if isinstance(shown, list) and len(shown) < len(sent) else None
    return "nothing" if exchange.error == "SessionNotFoundError" and sent & history.existing else None


def _linked_to(exchange: Exchange, history: History) -> set[str]:
    """The profiles to which the sessions of a link were linked before."""
    ids = listed(exchange.fields.get("session_ids"))
    known = [history.sessions[one] for one in ids if one in history.sessions]
    return {session.profile for session in known} - {""}


def link_again(exchange: Exchange, history: History) -> Any:
    """A link of a session to the profile to which it was linked before."""
    again = _linked_to(exchange, history) == {exchange.params["patient_profile_id"]}
    return exchange.status if again and exchange.status in (200, _CONFLICT) else None


def link_moves(exchange: Exchange, history: History) -> Any:
    """A link of a session that was linked to another profile before."""
    if not _linked_to(exchange, history) - {exchange.params["patient_profile_id"]}:
        return None
    return "moved" if exchange.ok else "refused_409" if exchange.status == _CONFLICT else None


def profile_list_order(exchange: Exchange, history: History) -> Any:
    """A list with two profiles that were created in the same recording."""
    shown = [row.get("id") for row in exchange.rows("data")]
    places = [shown.index(one) for one in history.made_profiles if one in shown]
    if len(places) < 2:  # noqa: PLR2004 - an order needs two
        return None
    if places == sorted(places):
        return "creation"
    return "newest_first" if places == sorted(places, reverse=True) else None


def empty_filter(exchange: Exchange, history: History) -> Any:
    """A list with an empty ehr_patient_id in the query, after a profile with one was seen."""
    if exchange.query.get("ehr_patient_id") != [""] or not exchange.ok:
        return None
    if any(row.get("ehr_patient_id") for row in exchange.rows("data")):
        return "ignored"
    known = any(profile.get("ehr_patient_id") for profile in history.profiles.values())
    return "matches_empty" if known else None


def updated_at_changes(exchange: Exchange, history: History) -> Any:
    """A link of a session whose updated_at was shown before, with no change between."""
    found = set()
    for row in exchange.rows("data"):
        session = history.sessions.get(str(row.get("session_id")))
        if session is not None and session.fresh and "updated_at" in session.shown and "updated_at" in row:
            found.add("without_linking" if row["updated_at"] == session.shown["updated_at"] else "with_linking")
    return found.pop() if len(found) == 1 else None


def create_session_unknown_profile(exchange: Exchange, history: History) -> Any:
    """A new session for a profile that is unknown."""
    if exchange.error == "PatientProfileNotFoundError":
        return "refused"
    return "ignored" if exchange.ok and scalar(exchange.fields.get("patient_profile_id")) in history.gone else None


DETECTORS: list[Detector] = [
    *on("create_patient_profile", duplicate_ehr_patient_id),
    *on(
        "create_patient_profile update_patient_profile get_patient_profile list_patient_profiles",
        unset_demographic_string,
    ),
    *on("get_session", deleted_profile_sessions),
    *on("delete_patient_profiles", batch_delete_unknown),
    *on("link_sessions", link_unknown_session, link_again, link_moves, updated_at_changes),
    *on("list_patient_profiles", profile_list_order, empty_filter),
    *on("create_session", create_session_unknown_profile),
]
