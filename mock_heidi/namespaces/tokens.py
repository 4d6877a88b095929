"""Bearer tokens, which are real JWTs. The server's seed and API keys fix their secret: a restart keeps them valid."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from mock_heidi.base.errors import HeidiError, InvalidTokenError, MissingTokenError
from mock_heidi.base.settings import is_namespace, is_text
from mock_heidi.base.vendor_hosts import HOSTS
from mock_heidi.state.account_records import ApiKey, user_key

_REMEMBERED = 4_096


class TokenSubject(NamedTuple):
    """The user and the namespace for which a token is issued, and the region of its API key, if that has one."""

    namespace: str
    managed_by: str
    email: str
    third_party_internal_id: str
    region: str | None = None


_TEXTS = TokenSubject._fields[:-1]


class Caller(NamedTuple):
    """The user of a valid token. ``expires`` is in seconds since 1970 by the namespace's clock.

    ``key`` is the key of the user's record in the state. ``region`` is that of the API key, None for all regions.
    """

    namespace: str
    managed_by: str
    email: str
    third_party_internal_id: str
    expires: int
    key: str
    region: str | None


class GoodKey(NamedTuple):
    """The namespace that an API key opens, and the owner of the data."""

    namespace: str
    owner: ApiKey


class Tokens:
    """Issues tokens and identifies their users. It does not check the expiry, which follows the namespace's clock."""

    def __init__(self, seed: int, keys: Iterable[str]) -> None:
        """``keys`` are the API keys with which the server starts. They are part of the secret that signs its tokens."""
        self._secret = hashlib.sha256(json.dumps(["mock_heidi tokens", seed, *sorted(keys)]).encode()).hexdigest()
        # Verifying a token takes longer than most handlers, so valid tokens are remembered.
        self._callers: dict[bytes, Caller] = {}

    def issue(self, subject: TokenSubject, now: int, number: int, lifetime: int) -> tuple[str, int]:
        """A token made at ``now`` (milliseconds since 1970) and the second in which it expires.

        ``number`` makes it differ from others for the same user and second; ``lifetime`` is in seconds.
        """
        import jwt  # only signing in needs it, and start-up is a feature

        expires = now // 1000 + lifetime
        known = {name: value for name, value in subject._asdict().items() if value is not None}
        claims = {**known, "exp": expires, "jti": str(number)}
        return jwt.encode(claims, self._secret, algorithm="HS256"), expires

    def identify(self, authorization: bytes | None) -> Caller | type[HeidiError]:
        """The caller in an ``Authorization`` header, or the error that refuses it."""
        if authorization is None:
            return MissingTokenError
        caller = self._callers.get(authorization)
        if caller is not None:
            return caller
        answer = self._verify(authorization)
        if isinstance(answer, Caller):
            if len(self._callers) >= _REMEMBERED:
                self._callers.clear()
            self._callers[authorization] = answer
        return answer

    def user(self, authorization: bytes | None) -> Caller | None:
        """The user of the token in an ``Authorization`` header, even if it has expired; None for other headers."""
        caller = self.identify(authorization)
        return caller if isinstance(caller, Caller) else None

    def _verify(self, authorization: bytes) -> Caller | type[HeidiError]:
        import jwt

        scheme, _, token = authorization.strip().partition(b" ")
        if scheme.lower() != b"bearer" or not token.strip():
            return MissingTokenError
        try:
            # The expiry is checked later, against the namespace's clock.
            claims: dict[str, Any] = jwt.decode(
                token.strip(), self._secret, algorithms=["HS256"], options={"verify_exp": False, "require": ["exp"]}
            )
        except (jwt.InvalidTokenError, ValueError, RecursionError):
            return InvalidTokenError
        # The default keys are public, so anyone can sign a token for a default server: check the claims too.
        texts = [str(claims[name]) for name in _TEXTS if is_text(claims.get(name))]
        if len(texts) != len(_TEXTS) or type(claims["exp"]) is not int or not is_namespace(texts[0]):
            return InvalidTokenError
        region = claims.get("region")
        if region is not None and region not in tuple(HOSTS):
            return InvalidTokenError
        key = user_key(texts[1], texts[2], texts[3])
        return Caller(texts[0], texts[1], texts[2], texts[3], claims["exp"], key, region)
