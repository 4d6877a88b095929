"""Checks of sign-ins, tokens and API keys."""

from __future__ import annotations

from hashlib import sha256
from http import HTTPStatus
from typing import NamedTuple

from mock_heidi.base.operations import SIGN_IN
from mock_heidi.base.settings import ConfigError
from mock_heidi.observing.checks.check import Check, Keys, Latest, Note
from mock_heidi.observing.entry import answered
from mock_heidi.observing.parsed_entries import ParsedEntry
from mock_heidi.state.clock import parse_moment

SIGN_INS = 3
"""The number of tokens in a row that a client uses only once before this is a finding."""
MARGIN = 600_000
"""The time in ms before the expiry of a token in which a careful client may renew it."""


class Token:
    """The history of a token: its expiry (ms since 1970), the number of its uses, and whether it was refused.

    ``expired_at`` is the moment when its client received the answer that it has expired, in seconds of the process's
    clock.
    """

    __slots__ = ("expired_at", "expires", "refused", "uses")

    def __init__(self) -> None:
        self.expires: int | None = None
        self.uses = 0
        self.refused = False
        self.expired_at: float | None = None


class LastSignIn(NamedTuple):
    """A user's last token, and the number of tokens in a row before it that were used once."""

    token: bytes
    single: int


class Tokens(Check):
    """Tokens that a client fetches for each call, and tokens that it uses after their expiry."""

    def __init__(self) -> None:
        self._tokens: Latest[Token] = Latest()
        self._last: Latest[LastSignIn] = Latest()

    def arrive(self, request: ParsedEntry) -> None:
        mark = _mark(request)
        if mark is not None and request.operation != SIGN_IN:
            self._token(mark).uses += 1

    def look(self, request: ParsedEntry, note: Note) -> None:
        if request.operation == SIGN_IN:
            self._sign_in(request, note)
            return
        mark = _mark(request)
        if mark is not None and request.entry.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            token = self._token(mark)
            token.refused = True
            if b"ExpiredTokenError" in request.answer:
                self._expired(request, token, note)

    def _sign_in(self, request: ParsedEntry, note: Note) -> None:
        made = request.response.get("token")
        if request.entry.status != HTTPStatus.OK or not isinstance(made, str):
            return
        key = request.headers.get(b"heidi-api-key")
        user = key, request.query.get("email"), request.query.get("third_party_internal_id")
        before = self._last.get(user)
        single = before.single + 1 if before is not None and self._wasted(before.token, request.entry.at) else 0
        if single >= SIGN_INS:
            note("token_per_call")
        mark = _hashed(made.encode())
        self._token(mark).expires = _moment(request.response.get("expiration_time"))
        self._last.put(user, LastSignIn(mark, single))

    def _wasted(self, mark: bytes, now: int) -> bool:
        """True if a token was used for one call although it was valid for more."""
        token = self._token(mark)
        good = token.expires is not None and token.expires - now > MARGIN and not token.refused
        return good and token.uses == 1

    def _expired(self, request: ParsedEntry, token: Token, note: Note) -> None:
        # The client cannot know of an expiry that a fault made until it has received the answer.
        knows = token.expired_at is not None and request.entry.started >= token.expired_at
        if knows or not request.made_by_test:
            note("expired_token")
        if token.expired_at is None and not request.entry.client_left:
            token.expired_at = answered(request.entry)

    def _token(self, mark: bytes) -> Token:
        token = self._tokens.get(mark) or Token()
        self._tokens.put(mark, token)
        return token


class Credentials(Check):
    """The API key in a request other than a sign-in."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def look(self, request: ParsedEntry, note: Note) -> None:
        sent = _credential(request)
        if sent and any(sent == key or sent.startswith(key + b".") for key in map(str.encode, self._keys())):
            note("key_as_token")
        elif request.operation not in (None, SIGN_IN) and b"heidi-api-key" in request.headers:
            note("key_with_token" if sent else "key_without_token")


def _credential(request: ParsedEntry) -> bytes:
    """The credential in ``Authorization``, with or without a scheme before it; empty without one."""
    words = request.headers.get(b"authorization", b"").split()
    return words[-1] if words and words[-1].lower() != b"bearer" else b""


def _mark(request: ParsedEntry) -> bytes | None:
    sent = _credential(request)
    return _hashed(sent) if sent else None


def _hashed(token: bytes) -> bytes:
    """A hash in place of a token, so that a check stores no secrets."""
    return sha256(token).digest()


def _moment(text: object) -> int | None:
    try:
        return parse_moment(text) if isinstance(text, str) else None
    except ConfigError:
        return None
