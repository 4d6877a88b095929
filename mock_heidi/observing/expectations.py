"""Expectations that a test has of the requests, judged on those whose answer is complete."""

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
from mock_heidi.observing.parsed_entries import Reading
from mock_heidi.observing.secret_names import values_of_secrets

_NEAREST = 3
# Of what a request misses so many places are counted, and so many told, each so long at most.
_MOST_COUNTED, _MOST_LINES = 100, 10
_LONGEST_LINE, _LONGEST_VALUE = 300, 80
# A request without a body ranks below a partial match.
_NO_OBJECT, _BODILESS = "its body was no JSON object", 5


class Verdict(NamedTuple):
    """The result of a judgement: the requests that show it, or else what was found and what came nearest.

    ``settled`` is True if no further request can change it.
    """

    holds: bool
    settled: bool
    requests: list[int]
    found: str = ""
    nearest: Sequence[dict[str, Any]] = ()


class Count(NamedTuple):
    """So many requests that fit: from ``least`` to ``most``, without an end where that is None."""

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
            # Only what has no upper end cannot be spoilt by what comes yet.
            return Verdict(True, self.most is None, fitting)
        if over:
            near = [{"id": one, "why": "it fits, and is one too many"} for one in fitting[-_NEAREST:]]
        else:
            near = yield from nearest(others, self.wanted, journal)
        return Verdict(False, over, fitting, counted(number, "request"), near)


class Order(NamedTuple):
    """Requests that come one after the other, whatever comes between them."""

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
    """A client notices that a fault has ended a stream early: it looks for the text before it goes on.

    :mod:`mock_heidi.observing.noticing` says what counts as looking and as going on. With ``error`` it is enough that
    the client does not go on, since its test has seen it show an error: what a client does with an answer cannot be
    seen from here.
    """

    fault: str
    error: bool
    words: str

    def judge(self, journal: Journal) -> Verdict:
        shaped = [entry for entry in journal if entry.done and self.fault in entry.fault]
        ends = [(entry.id, end) for entry in shaped if (end := early_end(entry)) is not None]
        if not ends:
            return Verdict(False, False, [], f"fault {self.fault} has ended no stream yet")
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
                return Verdict(False, True, requests, "a client that noticed nothing", nearest)
        return Verdict(True, not self.error, requests)


Expectation = Count | Order | Noticed


def judging(expectation: Expectation, journal: Journal) -> Work[Verdict]:
    """The verdict on the requests that are complete now, request by request."""
    if isinstance(expectation, Noticed):
        return expectation.judge(journal)
    return (yield from expectation.judging(journal))


def _next(journal: Journal, end: EarlyEnd) -> Reading | None:
    """The first request that looks for a text or goes on without it; None if there is none whose answer is complete."""
    place = end.text.operation, end.text.session
    for request in map(Reading, journal):
        if end.is_look(request.entry.started) and end.text in looked_for(request):
            return request if request.entry.done else None
        if request.entry.done and end.is_later(request.entry.started) and place in left_behind(request):
            return request
    return None


def nearest(entries: Iterable[Entry], wanted: Filter, journal: Journal) -> Work[list[dict[str, Any]]]:
    """The requests that miss least of what is wanted, and what they miss."""
    values = {field.name: getattr(wanted, field.name) for field in fields(Filter)}
    parts = [(name, replace(Filter(), **{name: value})) for name, value in values.items() if value is not None]
    best: list[tuple[int, int, list[str]]] = []
    for entry in entries:
        missed = [line for name, part in parts for line in _misses(entry, name, part, journal)]
        best = sorted([*best, (len(missed) + _BODILESS * (_NO_OBJECT in missed), -entry.id, missed)])[:_NEAREST]
        yield wanted.cost(entry)
    return [{"id": -number, "why": _joined(missed)} for _, number, missed in best]


def _joined(missed: Sequence[str]) -> str:
    """The missing parts of a request, in one line."""
    parts = [shorten(line, _LONGEST_LINE) for line in missed[:_MOST_LINES]]
    return "; ".join([*parts, *([f"and {len(missed) - len(parts)} more"] if len(missed) > len(parts) else [])])


def _misses(entry: Entry, name: str, part: Filter, journal: Journal) -> list[str]:
    """The parts that a request lacks of a filter for that one field."""
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
    }
    if name == "text":
        return [f"{short_repr(value, _LONGEST_LINE)} stands nowhere in it"]
    if name in ("since", "since_moment"):
        return ["it came before"]
    wanted = journal.filter({"path": value.text})["path"] if name == "path" else value
    return [f"{name} was {given[name]}, not {wanted}"]


def _differences(
    wanted: Any, given: Any, show: Callable[[str, Any], Any], name: str = "", place: str = "body"
) -> Iterator[str]:
    """A line for each place where a body lacks what is wanted of it; ``show`` says what may be shown of a value."""
    # What stands under a secret name is one value, whatever is in it.
    if isinstance(wanted, Mapping) and isinstance(given, Mapping) and show(name, {}) == {}:
        secrets = values_of_secrets([*wanted.items(), *given.items()])
        for key, value in wanted.items():
            name = "secret" if key in secrets else key
            if key in given:
                yield from _differences(value, given[key], show, name, f"{place}.{key}")
            else:
                yield f"{place}.{key} was not there, wanted {_short(show(name, value))}"
    elif wanted != given:
        yield f"{place} was {_short(show(name, given))}, not {_short(show(name, wanted))}"


def _short(value: Any) -> str:
    return short_repr(value, _LONGEST_VALUE)


def words_of(given: Mapping[str, Any] | Sequence[Any]) -> str:
    """An expectation as a person would say it back."""
    if isinstance(given, Mapping):
        text = ", ".join(f"{name}={short_repr(value, _LONGEST_VALUE)}" for name, value in given.items())
        return text or "any request"
    return shorten(", then ".join(words_of(one) for one in given))
