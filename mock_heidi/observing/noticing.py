"""The requests that show whether a client has noticed the early end of a stream, for findings and ``verify``.

A stream has no end marker, so half a text looks like a whole one. A client that looks for the text again has noticed.
A client that goes on writing before it looks has not noticed. Other requests do not count: reads of other things,
uploads of audio and documents, requests of other sessions, and requests that were sent before the stream ended.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

from mock_heidi.base.operations import OPERATIONS, After, Operation
from mock_heidi.observing.entry import Entry, answered
from mock_heidi.observing.parsed_entries import ParsedEntry

_LISTED = "list_linked_user_sessions"
# The mock writes JSON without blanks. Parsing a page of 200 sessions to get their ids would take much longer.
_LISTED_SESSION = re.compile(rb'"session_id":"([^"]+)"')


class Noticing(NamedTuple):
    """The operations that look for a lost text, the operations that go on without it, and the cure in words."""

    looks: frozenset[str]
    goes_on: frozenset[str]
    cure: str


def _noticing(meaning: Callable[[Operation], After], cure: str) -> Noticing:
    after = {name: meaning(operation) for name, operation in OPERATIONS.items()}
    looks, goes_on = (frozenset(name for name in after if after[name] is one) for one in (After.LOOKS, After.GOES_ON))
    return Noticing(looks, goes_on, cure)


NOTICING = {
    "generate_consult_note": _noticing(lambda one: one.after_note, "read the session or asked for the note again"),
    "ask_ai": _noticing(lambda one: one.after_answer, "given the same instruction again"),
}


class Text(NamedTuple):
    """A streamed text: its operation, its session and, for Ask Heidi, a hash of the instruction."""

    operation: str
    session: str
    instruction: int = 0


class EarlyEnd(NamedTuple):
    """A text whose stream ended early. Moments are in seconds of the process's clock.

    ``began`` is the moment of its request, ``ended`` that of its end, and ``known`` the first moment at which the
    client may have noticed the end, which can be earlier.
    """

    text: Text
    began: float
    known: float
    ended: float

    def is_look(self, started: float) -> bool:
        """True if a request for the text, sent at ``started``, can be a reaction to its end."""
        return started > self.began and started >= self.known

    def is_later(self, started: float) -> bool:
        """True if a request that was sent at ``started`` was certainly sent after the end."""
        return started >= self.ended


def early_end(entry: Entry) -> EarlyEnd | None:
    """The early end of a request's stream; None if it has no stream, or a fault has not ended it early."""
    text = streamed(ParsedEntry(entry)) if entry.early_end else None
    if text is None:
        return None
    return EarlyEnd(text, entry.started, answered(entry), entry.started + (entry.duration or 0))


def streamed(request: ParsedEntry) -> Text | None:
    """The text that a request asks for; None if it does not ask for a stream."""
    if request.operation not in NOTICING or request.session is None:
        return None
    return Text(request.operation, request.session, _instruction(request))


def looked_for(request: ParsedEntry) -> Iterable[Text]:
    """The texts that a request looks for: it asks for them again, or reads the session that contains them."""
    again = streamed(request)
    if again is not None:
        return [again]
    return [Text(name, session) for name in _operations_that_read(request.operation) for session in _sessions(request)]


def left_behind(request: ParsedEntry) -> Iterable[tuple[str, str]]:
    """The operation and the session of each text without which this request goes on."""
    session, operation = request.session, request.operation
    return [] if session is None else [(name, session) for name, row in NOTICING.items() if operation in row.goes_on]


def _operations_that_read(operation: str | None) -> list[str]:
    return [name for name, row in NOTICING.items() if operation in row.looks]


def _sessions(request: ParsedEntry) -> Iterable[str]:
    if request.operation == _LISTED:
        return {found.decode("latin-1") for found in _LISTED_SESSION.findall(request.answer)}
    return [] if request.session is None else [request.session]


def _instruction(request: ParsedEntry) -> int:
    """A hash of the instruction to Ask Heidi, else 0. Only the same instruction brings the lost answer back."""
    if request.operation != "ask_ai" or not isinstance(request.body, dict):
        return 0
    return hash(str(request.body.get("ai_command_text")))
