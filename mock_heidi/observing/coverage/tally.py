"""The tally of a server: the number of requests that exercised each point of the contract."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from http import HTTPStatus
from typing import Any, Protocol
from urllib.parse import parse_qsl

import pydantic_core

from mock_heidi.base.operations import SIGN_IN
from mock_heidi.base.slices import Work
from mock_heidi.observing.coverage.error_names import error_in
from mock_heidi.observing.coverage.object_states import CHANGING, ObjectStates, made_states, shown_states
from mock_heidi.observing.coverage.operation_points import OperationPoints, WordPlace, operation_points
from mock_heidi.observing.coverage.points import TOKENS, Point
from mock_heidi.observing.coverage.schema_fields import Steps, values_at
from mock_heidi.observing.entry import Entry
from mock_heidi.observing.journal import Journal

OWN_AGENT = b"mock-heidi"
"""The ``User-Agent`` of a handle's own sign-in, which does not count as a request of the client."""
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
            self.counts.update(set(self._exercised(namespace, states, entry)))

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

    def _exercised(self, namespace: str, states: ObjectStates, entry: Entry) -> Iterator[Point]:
        """The points that a complete request exercises; some may come twice."""
        known = operation_points().get(entry.operation or "")
        if known is None or (known.operation == SIGN_IN and _is_own(entry)):
            return
        yield known.called
        body = _body(entry)
        yield from _sent(known, body)
        if entry.query:
            yield from _asked(known, entry.query)
        if entry.status is None:
            return
        answer = _json(b"".join(entry.pieces))
        if HTTPStatus.OK <= entry.status < HTTPStatus.MULTIPLE_CHOICES:
            yield from _answered(known, entry, answer)
            yield from states.changes(shown_states(known.operation, answer))
            if known.operation in CHANGING:
                caller = self._caller(entry)
                key = "" if caller is None else caller.key
                yield from states.changes(made_states(known.operation, key, entry.path, body, answer))
        else:
            yield from self._refused(namespace, known, entry, error_in(entry.status, answer))

    def _refused(self, namespace: str, known: OperationPoints, entry: Entry, error: str | None) -> Iterator[Point]:
        """The point of an error: one of the operation, or a state of the token."""
        if error is not None and error in known.errors:
            yield known.errors[error]
        elif error == "InvalidTokenError" and (caller := self._caller(entry)) and caller.namespace != namespace:
            yield TOKENS["other_namespace"]
        elif error in _REFUSED_TOKENS:
            yield TOKENS[_REFUSED_TOKENS[error]]

    def _caller(self, entry: Entry) -> TokenUser | None:
        return self._identify(_header(entry, b"authorization"))


def _is_countable(entry: Entry) -> bool:
    """True if nothing more comes for the client, and the request was not counted before."""
    return not entry.counted and (entry.done or entry.ending == "stall")


def _is_own(entry: Entry) -> bool:
    return _header(entry, b"user-agent") == OWN_AGENT


def _header(entry: Entry, name: bytes) -> bytes | None:
    """The value of a header; the last one if it is repeated, as the API reads it."""
    return dict(entry.headers).get(name)


def _body(entry: Entry) -> Any:
    """The JSON of a request, or the sizes of the parts of its form by their names; None for an empty part."""
    return _json(entry.body) if entry.parts is None else {one["name"]: one["size"] or None for one in entry.parts}


def _json(text: bytes) -> Any:
    try:
        return pydantic_core.from_json(text) if text else None
    except ValueError:
        return None  # clients and faults may send anything


def _sent(known: OperationPoints, body: Any) -> Iterator[Point]:
    """The words and the optional fields in the body of a request. A field that is null counts as not sent."""
    if not isinstance(body, dict):
        return
    for field, point in known.optional:
        outermost = body.get(field.steps[0])
        if outermost is not None and (len(field.steps) == 1 or _is_given(outermost, field.steps[1:])):
            yield point
    yield from _words(known.sent, body)


def _is_given(value: Any, steps: Steps) -> bool:
    return any(one is not None for one in values_at(value, steps))


def _words(places: Iterable[WordPlace], body: Any) -> Iterator[Point]:
    for place in places:
        for value in values_at(body, place.steps):
            if (point := place.find(value)) is not None:
                yield point


def _asked(known: OperationPoints, query: bytes) -> Iterator[Point]:
    """The words and the optional parameters in the query of a request."""
    given = dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True))
    yield from (point for name, point in known.optional_parameters.items() if name in given)
    yield from _words(known.sent_parameters.values(), given)


def _answered(known: OperationPoints, entry: Entry, answer: Any) -> Iterator[Point]:
    """The points of a success: the words in the answer, the end of a stream, and the valid token."""
    yield from _words(known.received, answer)
    if known.endings and (ending := _ending(entry)) is not None:
        yield known.endings[ending]
    if known.operation != SIGN_IN:
        yield TOKENS["valid"]


def _ending(entry: Entry) -> str | None:
    """The end of a stream that its client met; None if the client left before."""
    if entry.ending in ("reset", "stall"):
        return entry.ending
    if entry.early_end:
        return "early_end"
    return "complete" if len(entry.pieces) > len(entry.times) else None  # the end of a body is one more piece
