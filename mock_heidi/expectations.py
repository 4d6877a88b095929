"""What a test expects of the requests, judged on those whose answer is complete."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, NamedTuple

from mock_heidi.entries import Reading
from mock_heidi.filters import Filter, body_of, sessions_of
from mock_heidi.journal import Entry, Journal
from mock_heidi.noticing import NOTICING, EarlyEnd, early_end, left_behind, looked_for

_NEAREST = 3
# A request that says nothing misses all that it should have said, not one thing.
_NO_OBJECT, _BODILESS = "its body was no JSON object", 5


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

    def judge(self, journal: Journal) -> Verdict:
        done = [entry for entry in journal if entry.done]
        fitting = [entry.id for entry in done if self.wanted.fits(entry, journal)]
        number = len(fitting)
        over = self.most is not None and number > self.most
        if number >= self.least and not over:
            # Only what has no upper end cannot be spoilt by what comes yet.
            return Verdict(True, self.most is None, fitting)
        others = [entry for entry in done if entry.id not in fitting]
        told = [{"id": one, "why": "it fits, and is one too many"} for one in fitting[-_NEAREST:]] if over else []
        return Verdict(
            False, over, fitting, f"{number} {_requests(number)}", told or nearest(others, self.wanted, journal)
        )


class Order(NamedTuple):
    """Requests that come one after the other, whatever comes between them."""

    steps: list[Filter]
    words: str

    def judge(self, journal: Journal) -> Verdict:
        found: list[int] = []
        rest = [entry for entry in journal if entry.done]
        for number, step in enumerate(self.steps, 1):
            at = next((at for at, entry in enumerate(rest) if step.fits(entry, journal)), None)
            if at is None:
                after = f" after request {found[-1]}" if found else ""
                said = f"steps 1 to {number - 1} of {len(self.steps)}" if found else "not even the first step"
                return Verdict(False, False, found, f"{said}, no step {number}{after}", nearest(rest, step, journal))
            found.append(rest[at].id)
            rest = rest[at + 1 :]
        return Verdict(True, True, found)


class Noticed(NamedTuple):
    """A client notices that a fault has ended a stream early: it looks for the text before it goes on.

    What counts as looking and as going on is in :mod:`mock_heidi.noticing`. With ``error`` it is enough that the client
    does not go on, since its test has seen it show an error. Nobody can see from here what a client does with
    an answer.
    """

    fault: str
    error: bool
    words: str

    def judge(self, journal: Journal) -> Verdict:
        shaped = [entry for entry in journal if entry.done and self.fault in entry.fault]
        ends = [(entry.id, end) for entry in shaped if (end := early_end(entry)) is not None]
        if not ends:
            return Verdict(False, False, [], f"fault {self.fault} has ended no stream yet")
        shown: list[int] = []
        for stream, end in ends:
            following = _next(journal, end)
            if following is None:
                if not self.error:
                    found = f"the client has not {NOTICING[end.text.operation].cure} after request {stream}"
                    return Verdict(False, False, shown, found)
                shown.append(stream)
            elif end.text in looked_for(following):
                shown += [stream, following.entry.id]
            else:
                why = f"it went on with {following.operation} after the stream of request {stream} had ended early"
                nearest = [{"id": following.entry.id, "why": why}]
                return Verdict(False, True, shown, "a client that noticed nothing", nearest)
        return Verdict(True, not self.error, shown)


Expectation = Count | Order | Noticed


def _next(journal: Journal, end: EarlyEnd) -> Reading | None:
    """The first request that looks for a text or goes on without it; None if there is none whose answer is complete."""
    place = end.text.operation, end.text.session
    for request in map(Reading, journal):
        if end.is_look(request.entry.started) and end.text in looked_for(request):
            return request if request.entry.done else None
        if request.entry.done and end.is_later(request.entry.started) and place in left_behind(request):
            return request
    return None


def _requests(number: int) -> str:
    return "request" if number == 1 else "requests"


def nearest(entries: Iterable[Entry], wanted: Filter, journal: Journal) -> list[dict[str, Any]]:
    """The requests that miss least of what is wanted, and what they miss."""
    misses = [(entry, _misses(entry, wanted, journal)) for entry in entries]
    misses.sort(key=lambda pair: (len(pair[1]) + _BODILESS * (_NO_OBJECT in pair[1]), -pair[0].id))
    return [{"id": entry.id, "why": "; ".join(why)} for entry, why in misses[:_NEAREST]]


def _misses(entry: Entry, wanted: Filter, journal: Journal) -> list[str]:
    found = []
    for field in fields(Filter):
        value = getattr(wanted, field.name)
        if value is not None and not replace(Filter(), **{field.name: value}).fits(entry, journal):
            found += _told(entry, field.name, value, journal)
    return found


def _told(entry: Entry, name: str, value: Any, journal: Journal) -> list[str]:
    if name == "match":
        body = journal.clean(body_of(entry))
        return _differences(value, body) if isinstance(body, dict) else [_NO_OBJECT]
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
        return [f"{value!r} stands nowhere in it"]
    if name in ("since", "since_moment"):
        return ["it came before"]
    wanted = value.text if name == "path" else value
    return [f"{name} was {given[name]}, not {wanted}"]


def _differences(wanted: Any, given: Any, place: str = "body") -> list[str]:
    """Where a body lacks what is wanted of it: a line for each place."""
    if isinstance(wanted, Mapping) and isinstance(given, Mapping):
        found = []
        for name, value in wanted.items():
            if name not in given:
                found.append(f"{place}.{name} was not there, wanted {_short(value)}")
            else:
                found += _differences(value, given[name], f"{place}.{name}")
        return found
    return [] if wanted == given else [f"{place} was {_short(given)}, not {_short(wanted)}"]


def _short(value: Any, most: int = 80) -> str:
    text = repr(value)
    return text if len(text) <= most else text[: most - 1] + "…"


def words_of(given: Mapping[str, Any] | Sequence[Any]) -> str:
    """An expectation as a person would say it back."""
    if isinstance(given, Mapping):
        return ", ".join(f"{name}={_short(value)}" for name, value in given.items()) or "any request"
    return ", then ".join(words_of(one) for one in given)
