"""Secret names: those of fields, parameters and headers whose values are never shown."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

# A name is secret if one of its words is: session_id, template_id, keyboard and pinned are not.
_WORDS = frozenset((
    "apikey", "apikeys", "auth", "authenticate", "authentication", "authorisation", "authorization", "bearer", "cookie",
    "cookies", "cred", "credential", "credentials", "creds", "csrf", "hmac", "jsessionid", "jwt", "jwts", "key", "keys",
    "oauth", "otp", "pass", "passcode", "passphrase", "passphrases", "passwd", "password", "passwords", "phpsessid",
    "pin", "pins", "pwd", "refresh", "saml", "secret", "secrets", "sess", "sessid", "sid", "sig", "signature",
    "signatures", "token", "tokens", "totp", "xsrf",
))  # fmt: skip
# Words that also count at the end of a longer one: mypassword, idtoken. "key" does not, because of monkey. Before a
# colon in prose only these count: a note may say "Pin: removed", "Key: improved" or "Signature: Dr Sample".
_ENDINGS = (
    "accesskey", "apikey", "authkey", "authorization", "bearer", "cookie", "credential", "credentials", "csrf", "jwt",
    "passphrase", "passphrases", "passwd", "password", "passwords", "privatekey", "pwd", "secret", "secretkey",
    "secrets", "sessid", "token", "tokens", "xsrf",
)  # fmt: skip
_SPLIT = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_LONGEST_NAME = 256
_MOST_DECODINGS = 3

NAMING = ("name", "key", "field", "header", "parameter", "type", "id")
"""The fields whose value may be the name of the value beside it: ``{"name": "password", "value": "…"}``."""
_VALUES = ("value", "values")
_ONE_NAME = re.compile(r"[\w.%\[\]$@-]+")


def is_secret_name(name: str) -> bool:
    """True if any value of that name is a secret: ``api_key``, ``X-CSRF-Token``, ``refreshToken``."""
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
    """The text after all its percent-decodings, of which a client may have made several."""
    for _ in range(_MOST_DECODINGS):
        if "%" not in text or (once := unquote(text)) == text:
            break
        text = once
    return text


def is_secret_word(text: str) -> bool:
    """True for one of the words that make names secret, and so for a name rather than a secret: ``token``."""
    return text.lower() in _WORDS


def values_of_secrets(fields: Iterable[tuple[str, Any]]) -> frozenset[str]:
    """The names of the fields that hold the value of a secret: ``value`` where ``name`` is ``password``."""
    fields = list(fields)
    if not any(name.lower() in NAMING and _is_one_secret_name(value) for name, value in fields):
        return frozenset()
    return frozenset(name for name, _ in fields if name.lower() in _VALUES)


def _is_one_secret_name(value: Any) -> bool:
    """True for a secret name that is not a sentence: ``PIN``, but not ``Key points``."""
    return isinstance(value, str) and _ONE_NAME.fullmatch(value) is not None and is_secret_name(value)
