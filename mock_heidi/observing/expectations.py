"""The expectations of a test about the client's requests. Only requests with a complete answer count."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from itertools import islice
from typing import Any, NamedTuple

from mock_heidi.base.slices import Work
from mock_heidi.base.wording import counted, short_repr, shorten
from mock_heidi.observing.entry import Entry
from mock_heidi.observing.filters import Filter, body_of, sessions_of
from mock_heidi.observing.journal import Journal
from mock_heidi.observing.noticing import NOTICING, EarlyEnd, early_end, left_behind, looked_for
from mock_heidi.observing.parsed_entries import ParsedEntry
from mock_heidi.observing.secret_names import values_of_secrets

_NEAREST = 3
# The most differences of a request that are counted, and the most that are reported.
_MOST_COUNTED, _MOST_LINES = 100, 10
_LONGEST_LINE, _LONGEST_VALUE = 300, 80
# A request without a body ranks below a partial match.
_NO_OBJECT, _BODILESS = "its body was not a JSON object", 5


class Verdict(NamedTuple):
    """The result of an expectation: the requests that meet it, or the nearest ones and a text about what was found.

    ``settled`` is True if further requests cannot change it.
    """

    holds: bool
    settled: bool
    requests: list[int]
    found: str = ""
    nearest: Sequence[dict[str, Any]] = ()


class Count(NamedTuple):
    """A number of matching requests: from ``least`` to ``most``, or without a limit if ``most`` is None."""

    wanted: Filter
    least: int
    most: int | None
    words: str

    def judging(self, journal: Journal) -> Work[Verdict]:
        fitting: list[int] = []
        others: list[Entry] = []
        for entry in [entry for entry in journal if entry.done]:
            if self.wanted.fits(entry, journal):
                fitting.append(entry.id)
            else:
                others.append(entry)
            yield self.wanted.cost(entry)
        number = len(fitting)
        over = self.most is not None and number > self.most
        if number >= self.least and not over:
            # With an upper limit, a later request may still be one too many.
            return Verdict(True, self.most is None, fitting)
        if over:
            near = [{"id": one, "why": "it matches, and is one too many"} for one in fitting[-_NEAREST:]]
        else:
            near = yield from nearest(others, self.wanted, journal)
        return Verdict(False, over, fitting, counted(number, "request"), near)


class Order(NamedTuple):
    """Requests in an order. Other requests may come between them."""

    steps: list[Filter]
    words: str

    def judging(self, journal: Journal) -> Work[Verdict]:
        found: list[int] = []
        done = [entry for entry in journal if entry.done]
        at = 0
        for number, step in enumerate(self.steps, 1):
            begun = at
            while at < len(done) and not step.fits(done[at], journal):
                yield step.cost(done[at])
                at += 1
            if at == len(done):
                after = f" after request {found[-1]}" if found else ""
                met = f"steps 1 to {number - 1} of {len(self.steps)}" if found else "not even the first step"
                near = yield from nearest(done[begun:], step, journal)
                return Verdict(False, False, found, f"{met}, no step {number}{after}", near)
            yield step.cost(done[at])
            found.append(done[at].id)
            at += 1
        return Verdict(True, True, found)


class Noticed(NamedTuple):
    """A client that notices that a fault has ended a stream early: it looks for the text before it goes on.

    :mod:`mock_heidi.observing.noticing` defines looking and going on. With ``error``, the test says that the client has
    shown an error, which the server cannot see. Then the client need not look for the text, but must not go on.
    """

    fault: str
    error: bool
    words: str

    def judge(self, journal: Journal) -> Verdict:
        shaped = [entry for entry in journal if entry.done and self.fault in entry.fault]
        ends = [(entry.id, end) for entry in shaped if (end := early_end(entry)) is not None]
        if not ends:
            return Verdict(False, False, [], f"fault {self.fault} has not ended a stream yet")
        requests: list[int] = []
        for stream, end in ends:
            following = _next(journal, end)
            if following is None:
                if not self.error:
                    found = f"the client has not {NOTICING[end.text.operation].cure} after request {stream}"
                    return Verdict(False, False, requests, found)
                requests.append(stream)
            elif end.text in looked_for(following):
                requests += [stream, following.entry.id]
            else:
                why = f"it went on with {following.operation} after the stream of request {stream} had ended early"
                nearest = [{"id": following.entry.id, "why": why}]
                return Verdict(False, True, requests, "a client that did not notice", nearest)
        return Verdict(True, not self.error, requests)


Expectation = Count | Order | Noticed


def judging(expectation: Expectation, journal: Journal) -> Work[Verdict]:
    """The verdict on the requests that are complete now, request by request."""
    if isinstance(expectation, Noticed):
        return expectation.judge(journal)
    return (yield from expectation.judging(journal))


def _next(journal: Journal, end: EarlyEnd) -> ParsedEntry | None:
    """The first request that looks for a text or goes on without it; None if there is none with a complete answer."""
    place = end.text.operation, end.text.session
    for request in map(ParsedEntry, journal):
        if end.is_look(request.entry.started) and end.text in looked_for(request):
            return request if request.entry.done else None
        if request.entry.done and end.is_later(request.entry.started) and place in left_behind(request):
            return request
    return None


def nearest(entries: Iterable[Entry], wanted: Filter, journal: Journal) -> Work[list[dict[str, Any]]]:
    """The requests with the fewest differences from a filter, and their differences."""
    values = {field.name: getattr(wanted, field.name) for field in fields(Filter)}
    parts = [(name, replace(Filter(), **{name: value})) for name, value in values.items() if value is not None]
    best: list[tuple[int, int, list[str]]] = []
    for entry in entries:
        missed = [line for name, part in parts for line in _misses(entry, name, part, journal)]
        best = sorted([*best, (len(missed) + _BODILESS * (_NO_OBJECT in missed), -entry.id, missed)])[:_NEAREST]
        yield wanted.cost(entry)
    return [{"id": -number, "why": _joined(missed)} for _, number, missed in best]


def _joined(missed: Sequence[str]) -> str:
    """The differences of a request, in one line."""
    parts = [shorten(line, _LONGEST_LINE) for line in missed[:_MOST_LINES]]
    return "; ".join([*parts, *([f"and {len(missed) - len(parts)} more"] if len(missed) > len(parts) else [])])


def _misses(entry: Entry, name: str, part: Filter, journal: Journal) -> list[str]:
    """The differences between a request and a filter that has only this field."""
    return [] if part.fits(entry, journal) else _lacking(entry, name, getattr(part, name), journal)


def _lacking(entry: Entry, name: str, value: Any, journal: Journal) -> list[str]:
    if name == "match":
        body = body_of(entry)
        if not isinstance(body, dict):
            return [_NO_OBJECT]
        return list(islice(_differences(value, body, journal.named), _MOST_COUNTED))
    headline = journal.headline(entry)
    given = {
        "operation": entry.operation or "no operation",
        "method": headline["method"],
        "path": headline["path"],
        "status": entry.status or "no answer",
        "session_id": ", ".join(map(journal.word, sorted(sessions_of(entry)))) or "no session",
        "fault": ", ".join(entry.fault) or "no fault",
        "finding": ", ".join(entry.findings) or "no finding",
        "assumption": ", ".join(entry.met) or "no assumption",
    }
    if name == "text":
        return [f"it does not contain {short_repr(value, _LONGEST_LINE)}"]
    if name in ("since", "since_moment"):
        return ["it came earlier"]
    if name == "before":
        return ["it came later"]
    wanted = journal.filter({"path": value.text})["path"] if name == "path" else value
    return [f"{name} was {given[name]}, not {wanted}"]


def _differences(
    wanted: Any, given: Any, show: Callable[[str, Any], Any], name: str = "", place: str = "body"
) -> Iterator[str]:
    """A line for each difference between a body and the wanted values. ``show`` returns a value without secrets."""
    # The value of a secret name is not divided into its fields.
    if isinstance(wanted, Mapping) and isinstance(given, Mapping) and show(name, {}) == {}:
        secrets = values_of_secrets([*wanted.items(), *given.items()])
        for key, value in wanted.items():
            name = "secret" if key in secrets else key
            if key in given:
                yield from _differences(value, given[key], show, name, f"{place}.{key}")
            else:
                yield f"{place}.{key} was missing, expected {_short(show(name, value))}"
    elif wanted != given:
        yield f"{place} was {_short(show(name, given))}, not {_short(show(name, wanted))}"


def _short(value: Any) -> str:
    return short_repr(value, _LONGEST_VALUE)


def words_of(given: Mapping[str, Any] | Sequence[Any]) -> str:
    """A filter, or filters in an order, in words."""
    if isinstance(given, Mapping):
        text = ", ".join(f"{name}={short_repr(value, _LONGEST_VALUE)}" for name, value in given.items())
        return text or "any request"
    return shorten(", then ".join(words_of(one) for one in given))
