"""Assumptions about tokens and the linked account."""

from __future__ import annotations

import re
from typing import Any

from mock_heidi.base.assumptions import assumptions
from mock_heidi.comparing.detectors.detector import Detector, on, refused
from mock_heidi.comparing.exchange import Exchange, claims
from mock_heidi.comparing.history import History
from mock_heidi.comparing.times import moment

_KINDE_ID = re.compile(r"kp_[0-9a-f]{32}", re.ASCII)
# The two clocks may differ by some seconds, and a lifetime is a number of minutes.
_MINUTE, _SKEW = 60, 5
_LINKED_ALREADY = "OpenAPIHeidiAccountAlreadyLinkedError"


def token_lifetime(exchange: Exchange, _: History) -> Any:
    """A token, by its own times or by the time of the answer."""
    found = claims(exchange.value("token"))
    made, ends = (found.get(name) for name in ("iat", "exp"))
    if isinstance(made, int | float) and isinstance(ends, int | float):
        return _lifetime(round(ends - made))
    end, now = moment(exchange.value("expiration_time")), exchange.answered_at
    if end is None or now is None:
        return None
    seconds = end - now
    whole = round(seconds / _MINUTE) * _MINUTE
    return _lifetime(whole) if abs(seconds - whole) <= _SKEW else None


def _lifetime(seconds: int) -> int | None:
    return seconds if assumptions()["token_lifetime"].allows(seconds) else None


def linked_account_required(exchange: Exchange, history: History) -> Any:
    """A new profile of a user who is known to have no link."""
    if exchange.error == "LinkedAccountRequiredError":
        return True
    return False if exchange.ok and history.unlinked(exchange) else None


def unknown_heidi_user(exchange: Exchange, _: History) -> Any:
    """A link to an id that is not of the usual form."""
    sent = exchange.fields.get("kinde_user_id")
    if not isinstance(sent, str) or _KINDE_ID.fullmatch(sent) or not sent:
        return None
    if exchange.blames("kinde_user_id"):
        return "refused_422"
    return "accepted" if exchange.ok else refused(exchange, 404)


def linked_by_another(exchange: Exchange, history: History) -> Any:
    """A link to an account that another user has linked, by a user who is known to have no link."""
    others = history.accounts.get(str(exchange.fields.get("kinde_user_id")), set()) - {history.user(exchange)}
    if not others:
        return None
    if exchange.error == _LINKED_ALREADY:
        return "refused" if history.unlinked(exchange) else None
    return "allowed" if exchange.ok else None


def unlink_without_link(exchange: Exchange, history: History) -> Any:
    """An unlink of a user who is known to have no link."""
    if not exchange.ok:
        known = exchange.error in ("", "NoLinkedUserException")
        return f"refused_{exchange.status}" if known and exchange.status in (404, 400) else None
    return "success" if history.unlinked(exchange) else None


def unlinked_access_answer(exchange: Exchange, _: History) -> Any:
    """The access check of a user without a link."""
    if exchange.value("is_linked") is False:
        return "not_linked"
    known = exchange.error in ("", "NoLinkedUserException")
    return f"refused_{exchange.status}" if known and exchange.status in (404, 400) else None


DETECTORS: list[Detector] = [
    *on("get_jwt", token_lifetime),
    *on("create_patient_profile", linked_account_required),
    *on("link_account", unknown_heidi_user, linked_by_another),
    *on("unlink_account", unlink_without_link),
    *on("get_account_access", unlinked_access_answer),
]
