"""A journaled request, parsed: its session, headers, JSON and answer, each parsed once and only when needed."""

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


class Reading:
    """One journaled request, parsed. What cannot be parsed is empty: clients send anything, and faults answer so."""

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
        """The JSON of the body; ``{}`` where there is none."""
        return _json(self.entry.body)

    @cached_property
    def response(self) -> Mapping[str, Any]:
        """The JSON object of the answer; ``{}`` where the answer is something else."""
        made = _json(self.answer)
        return made if isinstance(made, dict) else {}

    @property
    def answer(self) -> bytes:
        """The bytes of the answer's body."""
        return b"".join(self.entry.pieces)

    @cached_property
    def headers(self) -> dict[bytes, bytes]:
        """By their names in lower case; of a repeated one the first."""
        return dict(reversed(self.entry.headers))

    @cached_property
    def query(self) -> dict[str, str]:
        """Of a repeated parameter the last value, as the API reads it."""
        return dict(parse_qsl(self.entry.query.decode("latin-1"), keep_blank_values=True))

    @property
    def made_by_test(self) -> bool:
        """True if a fault or a reply gave the answer, so that its status says nothing about the client.

        A rule that only delays or spoils the operation's own answer leaves ``injected`` alone as its provenance.
        """
        return self.entry.provenance not in (None, "injected")


def _json(body: bytes) -> Any:
    try:
        value = json.loads(body) if body else {}
        if b"\\u" in body:
            json.dumps(value, ensure_ascii=False).encode()  # a lone surrogate was refused, and no finding can show it
    except (ValueError, RecursionError):
        return {}
    else:
        return value
