"""The result of a comparison as text, as JSON and as a file of assumptions; without any recorded value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from mock_heidi.base.assumptions import choosable, written
from mock_heidi.base.settings import ConfigError
from mock_heidi.base.wording import counted
from mock_heidi.comparing.comparison import Absent, Comparison, Row
from mock_heidi.comparing.detectors import DETECTORS
from mock_heidi.comparing.evidence import Evidence
from mock_heidi.comparing.har import Traffic
from mock_heidi.comparing.walker import MISSING, NEW

_HEAD = "# Written by mock-heidi compare: the values of assumptions that recorded traffic has shown.\n"


def undecidable() -> list[str]:
    """The assumptions with a choice that no traffic settles."""
    known = {one.name for one in DETECTORS}
    return [name for name in choosable() if name not in known]


def open_names(result: Comparison) -> list[str]:
    """The assumptions with a choice that this traffic tells nothing about."""
    told = {one.assumption.name for one in result.evidence}
    return [name for name in choosable() if name not in (*told, *undecidable())]


def times(count: int) -> str:
    """``once``, or ``3 times``."""
    return "once" if count == 1 else f"{count} times"


def lines(result: Comparison, traffic: Traffic) -> Iterator[str]:
    """The report for a terminal."""
    yield f"{counted(result.exchanges, 'exchange')} with the Heidi API{_others(result, traffic)}"
    if not result.exchanges:
        yield "No path ends like one of the API's; mock-heidi routes lists them. Record requests of your client."
        return
    yield from _titled("Settled, and different from the mock:", map(_settled, _changed(result)))
    if result.chosen:
        yield f"  {_flags(result)}"
    yield from _titled("Settled, as the mock has it:", map(_settled, _kept(result)))
    yield from _titled("Contradicted, more than one value was seen:", map(_contradicted, result.contradicted))
    yield from _titled("Narrowed down:", map(_narrowed, result.narrowed))
    yield from _titled("New fields:", (_new(row, count, result) for row, count in result.of(NEW)))
    yield from _titled("Fields that never came:", (_never(one) for one in result.absent if one.required))
    yield from _titled("Optional fields that never came:", (_never(one) for one in result.absent if not one.required))
    yield from _titled("Other differences:", (_difference(row, count, result) for row, count in result.differences))
    yield ""
    yield f"This traffic tells nothing about {counted(len(open_names(result)), 'other assumption')}; --json names them."


def _others(result: Comparison, traffic: Traffic) -> str:
    numbers = {
        "ignored": counted(traffic.ignored, "other request") if traffic.ignored else "",
        "without an answer": traffic.unanswered,
        "without a recorded body": result.unrecorded,
    }
    return "".join(f", {number} {text}" for text, number in numbers.items() if number)


def _titled(title: str, rows: Iterable[str]) -> Iterator[str]:
    found = list(rows)
    if found:
        yield ""
        yield title
        yield from (f"  {row}" for row in found)


def _changed(result: Comparison) -> list[Evidence]:
    return [one for one in result.settled if one.assumption.name in result.chosen]


def _kept(result: Comparison) -> list[Evidence]:
    return [one for one in result.settled if one.assumption.name not in result.chosen]


def _settled(one: Evidence) -> str:
    return f"{one.assumption.name}={written(one.values[0])}, seen {times(one.seen)}"


def _flags(result: Comparison) -> str:
    return " ".join(f"--assume {name}={written(value)}" for name, value in result.chosen.items())


def _contradicted(one: Evidence) -> str:
    seen = ", ".join(f"{written(value)} {times(count)}" for value, count in one.contradicting)
    return f"{one.assumption.name}: {seen or 'no value agrees with all answers'}"


def _narrowed(one: Evidence) -> str:
    return f"{one.assumption.name}: {' or '.join(map(written, one.values))}, seen {times(one.seen)}"


def _where(row: Row) -> str:
    return f"{row.operation} {row.status}{f', {row.place}' if row.place else ''}"


def _of(count: int, row: Row, result: Comparison) -> str:
    return f"{count} of {counted(result.answers[row.operation, row.status], 'answer')}"


def _new(row: Row, count: int, result: Comparison) -> str:
    return f"{_where(row)}: {row.note}, in {_of(count, row, result)}"


def _never(one: Absent) -> str:
    return f"{one.operation}, {one.place}: in none of {counted(one.objects, 'object')}"


def _difference(row: Row, count: int, result: Comparison) -> str:
    note = "missing" if row.kind == MISSING else row.note
    return f"{_where(row)}: {row.kind.replace('_', ' ')}: {note}, in {_of(count, row, result)}"


def as_json(result: Comparison, traffic: Traffic) -> dict[str, Any]:
    """The report for programs."""
    return {
        "exchanges": result.exchanges,
        "ignored": traffic.ignored,
        "unanswered": traffic.unanswered,
        "unrecorded_bodies": result.unrecorded,
        "drifted": result.drifted,
        "settled": [
            {
                "name": one.assumption.name,
                "value": one.values[0],
                "mock": result.mock[one.assumption.name],
                "seen": one.seen,
                "assume": f"{one.assumption.name}={written(one.values[0])}",
            }
            for one in result.settled
        ],
        "contradicted": [
            {
                "name": one.assumption.name,
                "seen": [{"value": value, "seen": count} for value, count in one.contradicting],
            }
            for one in result.contradicted
        ],
        "narrowed": [
            {"name": one.assumption.name, "values": list(one.values), "seen": one.seen} for one in result.narrowed
        ],
        "new_fields": [_row(row, count, result) for row, count in result.of(NEW)],
        "absent_fields": [one._asdict() for one in result.absent],
        "differences": [_row(row, count, result) for row, count in result.differences],
        "open": open_names(result),
    }


def _row(row: Row, count: int, result: Comparison) -> dict[str, Any]:
    return {**row._asdict(), "seen": count, "answers": result.answers[row.operation, row.status]}


def assumption_file(result: Comparison) -> str:
    """The text of an ``assumptions.yaml`` with the values that the mock needs. Settled defaults are comments."""
    settled = {one.assumption.name: one for one in result.settled}
    rows = [_HEAD]
    for name in choosable():
        seen = f"  # seen {times(settled[name].seen)}" if name in settled else ""
        if name in result.choices:
            rows.append(f"{name}: {written(result.choices[name])}{seen}\n")
        elif seen:
            rows.append(f"# {name}: {written(settled[name].values[0])}{seen}\n")
    rows += [f"# contradicted: {_contradicted(one)}\n" for one in result.contradicted]
    return "".join(rows)


def write(result: Comparison, path: Path) -> None:
    """Write the file of assumptions. Raises :class:`ConfigError` rather than replace a file that is not its own."""
    try:
        if path.exists() and not _is_ours(path):
            raise ConfigError(f"{path} exists and is not from mock-heidi compare", "give another name")
        path.write_text(assumption_file(result), encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror}", "give a file in a folder that exists") from None


def _is_ours(path: Path) -> bool:
    """True if a file begins as :func:`assumption_file` does."""
    head = _HEAD.encode()
    with path.open("rb") as file:
        return file.read(len(head)) == head
