"""The tally of a server: the number of requests that exercised each point of the contract."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Protocol

from mock_heidi.base.operations import OPERATIONS, SIGN_IN
from mock_heidi.base.slices import Work
from mock_heidi.observing.coverage import points
from mock_heidi.observing.coverage.documented_parts import DocumentedParts, documented_parts
from mock_heidi.observing.coverage.error_names import error_in
from mock_heidi.observing.coverage.object_states import ObjectStates, is_success
from mock_heidi.observing.coverage.points import Point
from mock_heidi.observing.coverage.schema_fields import values_at
from mock_heidi.observing.entry import Entry
from mock_heidi.observing.journal import Journal
from mock_heidi.observing.parsed_entries import ParsedEntry

OWN_AGENT = b"mock-heidi"
"""The ``User-Agent`` of a handle's own sign-in, which is no request of the client."""
_REFUSED_TOKENS = {
    "MissingTokenError": "missing",
    "ExpiredTokenError": "expired",
    "InvalidTokenError": "invalid",
    "InvalidApiKeyError": "wrong_key",
}


class TokenUser(Protocol):
    """The user of a valid token."""

    @property
    def namespace(self) -> str: ...

    @property
    def key(self) -> str: ...


Identify = Callable[[bytes | None], TokenUser | None]
"""Returns the user of the token in an ``Authorization`` header, even if the token has expired; None for others."""


class Tally:
    """Counts complete requests, each once. A request counts once for each point that it exercises."""

    def __init__(self, identify: Identify) -> None:
        self._identify = identify
        self.counts: Counter[Point] = Counter()

    def of(self, namespace: str) -> Callable[[Entry], None]:
        """A function that counts a request of a new namespace, if it is complete and was not counted before."""
        return partial(self._count, namespace, ObjectStates())

    def _count(self, namespace: str, states: ObjectStates, entry: Entry) -> None:
        if _is_countable(entry):
            entry.counted = True
            self.counts.update(set(self._exercised(namespace, states, ParsedEntry(entry))))

    def counting(self, journals: Iterable[Journal]) -> Work[None]:
        """Count all complete requests of some journals, one by one."""
        for journal in journals:
            for entry in journal:
                if journal.leaving is not None and _is_countable(entry):
                    journal.leaving(entry)
                    yield entry.size

    def forget(self) -> None:
        """Set all counts to 0."""
        self.counts.clear()

    def _exercised(self, namespace: str, states: ObjectStates, request: ParsedEntry) -> Iterator[Point]:
        """The points that a complete request exercises; some may come twice."""
        parts = documented_parts().get(request.operation or "")
        if parts is None or _is_own(request):
            return
        yield points.operation(parts.operation)
        yield from _sent(parts, request)
        yield from _asked(parts, request)
        status = request.entry.status
        if is_success(status):
            yield from self._success(states, parts, request)
        elif status is not None:
            yield from self._refusal(namespace, parts, request, status)

    def _success(self, states: ObjectStates, parts: DocumentedParts, request: ParsedEntry) -> Iterator[Point]:
        yield from _received(parts, request)
        if OPERATIONS[parts.operation].streams and (ending := _ending(request.entry)) is not None:
            yield points.stream_ending(parts.operation, ending)
        caller = self._identify(request.headers.get(b"authorization"))
        if parts.operation != SIGN_IN:
            yield points.token("valid")
        for change in states.see("" if caller is None else caller.key, request):
            yield points.transition(*change)

    def _refusal(self, namespace: str, parts: DocumentedParts, request: ParsedEntry, status: int) -> Iterator[Point]:
        name = error_in(status, request.response)
        if name in parts.errors:
            yield points.error(parts.operation, name)
        elif name in _REFUSED_TOKENS:
            caller = self._identify(request.headers.get(b"authorization"))
            foreign = caller is not None and caller.namespace != namespace and name == "InvalidTokenError"
            yield points.token("other_namespace" if foreign else _REFUSED_TOKENS[name])


def _is_countable(entry: Entry) -> bool:
    """True if nothing more comes for the client, and the request was not counted before."""
    return not entry.counted and (entry.done or entry.ending == "stall")


def _is_own(request: ParsedEntry) -> bool:
    return request.operation == SIGN_IN and request.headers.get(b"user-agent") == OWN_AGENT


def _sent(parts: DocumentedParts, request: ParsedEntry) -> Iterator[Point]:
    """The words and the optional fields in the body of a request. A field that is null counts as not sent."""
    form = request.entry.parts
    body = request.body if form is None else {one["name"]: one["size"] or None for one in form}
    for steps, words in parts.sent:
        for value, _ in values_at(body, steps):
            if (word := words.find(value)) is not None:
                yield points.sent_word(words.name, word)
    for field in parts.optional:
        if any(value is not None for value, _ in values_at(body, field.steps)):
            yield points.optional_field(parts.operation, field.name)


def _asked(parts: DocumentedParts, request: ParsedEntry) -> Iterator[Point]:
    """The words and the optional parameters in the query of a request."""
    for name, value in request.query.items() if request.entry.query else ():
        if name in parts.optional_parameters:
            yield points.optional_parameter(parts.operation, name)
        if name in parts.sent_parameters and (word := parts.sent_parameters[name].find(value)) is not None:
            yield points.sent_word(parts.sent_parameters[name].name, word)


def _received(parts: DocumentedParts, request: ParsedEntry) -> Iterator[Point]:
    for steps, words in parts.received:
        for value, _ in values_at(request.response, steps):
            if (word := words.find(value)) is not None:
                yield points.received_word(words.name, word)


def _ending(entry: Entry) -> str | None:
    """The end of a stream that its client met; None if the client left before."""
    if entry.ending in ("reset", "stall"):
        return entry.ending
    if entry.early_end:
        return "early_end"
    return "complete" if len(entry.pieces) > len(entry.times) else None  # the end of a body is one more piece
