"""What a test expects of the requests, judged on those whose answer is complete."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from itertools import islice
from typing import Any, NamedTuple

from mock_heidi.filters import Filter, body_of, sessions_of
from mock_heidi.journal import Entry, Journal, answered
from mock_heidi.slices import Work
from mock_heidi.wording import short_repr, shorten

_NEAREST = 3
# Of what a request misses so many places are counted, and so many told, each so long at most.
_MOST_COUNTED, _MOST_LINES = 100, 10
_LONGEST_LINE, _LONGEST_VALUE = 300, 80
# A request that says nothing misses all that it should have said, not one thing.
_NO_OBJECT, _BODILESS = "its body was no JSON object", 5
_NOTE = "generate_consult_note"


class Verdict(NamedTuple):
    """Whether it holds, which requests show it, and else what was found and what came nearest.

    ``settled`` says that no further request can change it.
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
        return Verdict(False, over, fitting, f"{number} {_requests(number)}", near)


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
                said = f"steps 1 to {number - 1} of {len(self.steps)}" if found else "not even the first step"
                near = yield from nearest(done[begun:], step, journal)
                return Verdict(False, False, found, f"{said}, no step {number}{after}", near)
            yield step.cost(done[at])
            found.append(done[at].id)
            at += 1
        return Verdict(True, True, found)


class Noticed(NamedTuple):
    """A client notices that a fault has ended a note's stream early, before it goes on with that session.

    It looks at the session or asks for the note again; with ``error`` it is enough that it does not go on, since
    whoever asks has seen it show an error. What a client does with an answer cannot be seen from here.
    """

    fault: str
    error: bool
    words: str

    def judge(self, journal: Journal) -> Verdict:
        ended = [entry for entry in journal if entry.done and self.fault in entry.fault and entry.early_end]
        if not ended:
            return Verdict(False, False, [], f"fault {self.fault} has ended no stream yet")
        shown: list[int] = []
        for stream in ended:
            following = _next(journal, stream)
            if following is None:
                if not self.error:
                    return Verdict(False, False, shown, f"nothing about that session after request {stream.id}")
                shown.append(stream.id)
            elif following.operation in (_NOTE, "get_session"):
                shown += [stream.id, following.id]
            else:
                why = f"it went on with {following.operation} after the stream of request {stream.id} had ended early"
                return Verdict(False, True, shown, "a client that noticed nothing", [{"id": following.id, "why": why}])
        return Verdict(True, not self.error, shown)


Expectation = Count | Order | Noticed


def judging(expectation: Expectation, journal: Journal) -> Work[Verdict]:
    """The verdict on the requests that are complete now, request by request."""
    if isinstance(expectation, Noticed):
        return expectation.judge(journal)
    return (yield from expectation.judging(journal))


def _next(journal: Journal, stream: Entry) -> Entry | None:
    """The first request about the same session after a stream; one that was sent while it ran is none."""
    sessions, ended = sessions_of(stream), answered(stream)
    later = (entry for entry in journal if entry.done and entry.id > stream.id and entry.started >= ended)
    return next((entry for entry in later if sessions & sessions_of(entry)), None)


def _requests(number: int) -> str:
    return "request" if number == 1 else "requests"


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
    """What a request misses, in a line."""
    told = [shorten(line, _LONGEST_LINE) for line in missed[:_MOST_LINES]]
    return "; ".join([*told, *([f"and {len(missed) - len(told)} more"] if len(missed) > len(told) else [])])


def _misses(entry: Entry, name: str, part: Filter, journal: Journal) -> list[str]:
    """What a request lacks of a filter that looks at that one field."""
    return [] if part.fits(entry, journal) else _told(entry, name, getattr(part, name), journal)


def _told(entry: Entry, name: str, value: Any, journal: Journal) -> list[str]:
    if name == "match":
        body = journal.clean(body_of(entry))
        return list(islice(_differences(value, body), _MOST_COUNTED)) if isinstance(body, dict) else [_NO_OBJECT]
    given = {
        "operation": entry.operation or "no operation",
        "method": entry.method,
        "path": entry.path,
        "status": entry.status or "no answer",
        "session_id": ", ".join(sorted(sessions_of(entry))) or "no session",
        "fault": ", ".join(entry.fault) or "no fault",
        "finding": ", ".join(entry.findings) or "no finding",
    }
    if name == "text":
        return [f"{short_repr(value, _LONGEST_LINE)} stands nowhere in it"]
    if name in ("since", "since_moment"):
        return ["it came before"]
    wanted = value.text if name == "path" else value
    return [f"{name} was {given[name]}, not {wanted}"]


def _differences(wanted: Any, given: Any, place: str = "body") -> Iterator[str]:
    """Where a body lacks what is wanted of it: a line for each place."""
    if isinstance(wanted, Mapping) and isinstance(given, Mapping):
        for name, value in wanted.items():
            if name in given:
                yield from _differences(value, given[name], f"{place}.{name}")
            else:
                yield f"{place}.{name} was not there, wanted {short_repr(value, _LONGEST_VALUE)}"
    elif wanted != given:
        yield f"{place} was {short_repr(given, _LONGEST_VALUE)}, not {short_repr(wanted, _LONGEST_VALUE)}"


def words_of(given: Mapping[str, Any] | Sequence[Any]) -> str:
    """An expectation as a person would say it back."""
    if isinstance(given, Mapping):
        told = ", ".join(f"{name}={short_repr(value, _LONGEST_VALUE)}" for name, value in given.items())
        return told or "any request"
    return shorten(", then ".join(words_of(one) for one in given))
