"""Secret names: names of fields, parameters and headers whose values are always hidden."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

# A name is secret if it contains one of these words. session_id, template_id, keyboard and pinned do not.
_WORDS = frozenset((
    "apikey", "apikeys", "auth", "authenticate", "authentication", "authorisation", "authorization", "bearer", "cookie",
    "cookies", "cred", "credential", "credentials", "creds", "csrf", "hmac", "jsessionid", "jwt", "jwts", "key", "keys",
    "oauth", "otp", "pass", "passcode", "passphrase", "passphrases", "passwd", "password", "passwords", "phpsessid",
    "pin", "pins", "pwd", "refresh", "saml", "secret", "secrets", "sess", "sessid", "sid", "sig", "signature",
    "signatures", "token", "tokens", "totp", "xsrf",
))  # fmt: skip
# Words that also count at the end of a longer word, as in mypassword and idtoken. "key" does not, because of monkey.
# Before a colon in prose only these count: a note may say "Pin: removed", "Key: improved" or "Signature: Dr Sample".
_ENDINGS = (
    "accesskey", "apikey", "authkey", "authorization", "bearer", "cookie", "credential", "credentials", "csrf", "jwt",
    "passphrase", "passphrases", "passwd", "password", "passwords", "privatekey", "pwd", "secret", "secretkey",
    "secrets", "sessid", "token", "tokens", "xsrf",
)  # fmt: skip
_SPLIT = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_LONGEST_NAME = 256
_MOST_DECODINGS = 3

NAMING = ("name", "key", "field", "header", "parameter", "type", "id")
"""The fields that may name the value beside them: ``{"name": "password", "value": "…"}``."""
_VALUES = ("value", "values")
_ONE_NAME = re.compile(r"[\w.%\[\]$@-]+")


def is_secret_name(name: str) -> bool:
    """True if the values of a name are secret: ``api_key``, ``X-CSRF-Token``, ``refreshToken``."""
    return _is_secret(decoded(name[:_LONGEST_NAME]))


@lru_cache(maxsize=4_096)
def _is_secret(name: str) -> bool:
    return any(word in _WORDS or word.endswith(_ENDINGS) for word in _words(name))


def _words(name: str) -> list[str]:
    return [word.lower() for word in _SPLIT.findall(name)]


def ends_secret(name: str) -> bool:
    """True if a name is secret even before a colon in prose: ``access_token``, but not ``key``."""
    return "".join(_words(decoded(name[:_LONGEST_NAME]))).endswith(_ENDINGS)


def decoded(text: str) -> str:
    """The text with its percent-encoding removed, even if a client has encoded it several times."""
    for _ in range(_MOST_DECODINGS):
        if "%" not in text or (once := unquote(text)) == text:
            break
        text = once
    return text


def is_secret_word(text: str) -> bool:
    """True for one of the words that make names secret, such as ``token``. It is a name, not a secret."""
    return text.lower() in _WORDS


def values_of_secrets(fields: Iterable[tuple[str, Any]]) -> frozenset[str]:
    """The names of the fields that hold a secret: ``value`` if the field ``name`` is ``password``.

    In a row of a 422, this is ``input`` if its place ``loc`` has a secret name.
    """
    fields = list(fields)
    if any(name == "loc" and _has_secret_name(value) for name, value in fields):
        return frozenset(("input",))
    if not any(name.lower() in NAMING and _is_one_secret_name(value) for name, value in fields):
        return frozenset()
    return frozenset(name for name, _ in fields if name.lower() in _VALUES)


def _has_secret_name(loc: Any) -> bool:
    return isinstance(loc, list | tuple) and any(isinstance(step, str) and is_secret_name(step) for step in loc)


def _is_one_secret_name(value: Any) -> bool:
    """True for a secret name of one word: ``PIN``, but not ``Key points``."""
    return isinstance(value, str) and _ONE_NAME.fullmatch(value) is not None and is_secret_name(value)
