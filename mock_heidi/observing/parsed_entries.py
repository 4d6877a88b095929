"""A parsed journal entry. Its session, headers, JSON and answer are each parsed once, when they are first needed."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl

from mock_heidi.observing.entry import Entry

_SESSION = re.compile(r"/sessions/([^/]+)")
_LISTED = "linked-user"


class ParsedEntry:
    """One journaled request. Parts that cannot be parsed are empty, since clients and faults may send anything."""

    def __init__(self, entry: Entry) -> None:
        self.entry = entry

    @property
    def operation(self) -> str | None:
        return self.entry.operation

    @cached_property
    def session(self) -> str | None:
        """The session that the path names."""
        match = _SESSION.search(self.entry.path)
        return match[1] if match and match[1] != _LISTED else None

    @cached_property
    def body(self) -> Any:
        """The JSON value of the body; ``{}`` if it is empty or not JSON."""
        return _json(self.entry.body)

    @cached_property
    def response(self) -> Mapping[str, Any]:
        """The JSON object of the answer; ``{}`` if the answer is something else."""
        made = _json(self.answer)
        return made if isinstance(made, dict) else {}

    @property
    def answer(self) -> bytes:
        """The bytes of the answer's body."""
        return b"".join(self.entry.pieces)

    @cached_property
    def headers(self) -> dict[bytes, bytes]:
        """The headers by their names in lower case; the first one if a name is repeated."""
        return dict(reversed(self.entry.headers))

    @cached_property
    def query(self) -> dict[str, str]:
        """The parameters of the query; the last one if a name is repeated, as the API reads it."""
        return dict(parse_qsl(self.entry.query.decode("latin-1"), keep_blank_values=True))

    @property
    def made_by_test(self) -> bool:
        """True if a fault or a reply gave the answer, so that its status does not depend on the client.

        A rule that only delays or changes the operation's answer has the provenance ``injected``.
        """
        return (self.entry.provenance or "").startswith(("injected,", "reply"))


def _json(body: bytes) -> Any:
    try:
        value = json.loads(body) if body else {}
        if b"\\u" in body:
            json.dumps(value, ensure_ascii=False).encode()  # a finding cannot show a lone surrogate
    except (ValueError, RecursionError):
        return {}
    else:
        return value
