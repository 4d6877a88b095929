"""The parts of a request that faults match."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, NamedTuple

from mock_heidi.base.operations import SIGN_IN
from mock_heidi.base.settings import BASE_PATH


class RequestFacts(NamedTuple):
    """The parts of a request that faults match. ``body`` is None unless a fault needs it."""

    operation: str | None
    method: str
    path: str
    session_id: str | None
    headers: Sequence[tuple[bytes, bytes]]
    body: Any = None

    def has(self, wanted: Mapping[str, str]) -> bool:
        given = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in self.headers]
        return all(any(name == one and text in ("*", value) for one, value in given) for name, text in wanted.items())

    @property
    def token(self) -> bytes:
        """A hash of the bearer token; empty without a token."""
        given = [value for name, value in self.headers if name == b"authorization"]
        return token_mark(given[-1] if given else None)

    @property
    def token_counts(self) -> bool:
        """True if its token is checked. Signing in and unknown paths need no token."""
        return self.operation not in (None, SIGN_IN) and self.token != b""


def token_mark(authorization: bytes | None) -> bytes:
    """A hash of a bearer token. The form of the header does not change it. Empty without a header."""
    return b"" if authorization is None else sha256(authorization.strip().rpartition(b" ")[2]).digest()


def below_base(path: str) -> str:
    """A path without the API's base and without double slashes; the whole path if it is not below the base."""
    path = "/" + "/".join(part for part in path.split("/") if part)
    _, base, below = path.partition(BASE_PATH)
    return below or "/" if base else path
