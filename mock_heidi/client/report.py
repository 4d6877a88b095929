"""Texts about a namespace: the report of a failure, faults that never fired, a failed expectation.

They contain only what the control API shows, so they contain no secrets.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mock_heidi.base.settings import BASE_PATH
from mock_heidi.base.wording import printable
from mock_heidi.observing import findings
from mock_heidi.observing.redaction import REDACTED

Row = Mapping[str, Any]

# The most characters of a body, and of a note on a request.
_BODY = 200
_NOTE = 200


def report(requests: Sequence[Row], faults: Sequence[Row], found: Sequence[Row]) -> str:
    """Requests with their bodies (``>`` sent, ``<`` answered), then faults with their hits, then findings."""
    lines = [line for row in requests for line in _request(row)]
    lines += [f"{rule['id']} ({_fields(rule)}): {_matched([rule])} matched, {_shaped(rule)}" for rule in faults]
    return "\n".join(map(printable, [*lines, *map(findings.finding_line, found)]))


def _request(row: Row) -> Iterator[str]:
    fault = row["fault"] if isinstance(row["fault"], list) else [row["fault"]]
    left = "the client left" if row["client_left"] else None
    assumed = f"assumed: {', '.join(row['assumptions'])}" if row["assumptions"] else None
    notes = "".join(f"  [{_short(str(note), _NOTE)}]" for note in (*fault, left, row["why"], assumed) if note)
    yield f"#{row['id']} {row['method']} {path(row)} -> {row['status'] or 'no answer'}{notes}"
    if row["body"] is not None:
        yield f"    > {_body(row['body'])}"
    if row["pieces"] is not None:
        text = "".join(piece["text"] for piece in row["pieces"])
        yield f"    < {_body(text)} in {_counted(len(row['pieces']), 'piece')}"
    elif row["response"] not in (None, REDACTED):
        yield f"    < {_body(row['response'])}"


def path(row: Row) -> str:
    """The path of a request without the base path."""
    return str(row["path"].partition(BASE_PATH)[2] or row["path"])


def line(row: Row) -> str:
    """One request on one line, for a terminal."""
    took = "" if row["duration"] is None else f"{row['duration'] * 1000:.1f} ms"
    notes = [f"fault {row['fault']}"] if row["fault"] else []
    notes += [row["why"]] if row["why"] else []
    status = row["status"] or "-"
    return printable(
        f"#{row['id']:<5} {row['method']:<6} {status:<4} {took:>9}  {path(row)}  {'; '.join(notes)}".rstrip()
    )


def _body(value: Any) -> str:
    return _short(json.dumps(value, ensure_ascii=False), _BODY)


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}…"


def _counted(number: int, noun: str) -> str:
    return f"{number or 'no'} {noun}{'s' if number > 1 else ''}"


def unfired(rules: Sequence[Row]) -> list[str]:
    """A line for each rule without a hit, except for those that are switched off.

    Rules with the same label, such as those of a scenario, need only one hit.
    """
    groups: dict[Any, list[Row]] = {}
    for number, rule in enumerate(rules):
        groups.setdefault(rule.get("label") or number, []).append(rule)
    return [
        f"{group[0].get('label') or group[0]['id']} ({_fields(group[0])}) never fired: {_matched(group)} matched"
        for group in groups.values()
        if not any(rule["hits"] or rule.get("enabled") is False for rule in group)
    ]


def _fields(rule: Row) -> str:
    fields = {name: value for name, value in rule.items() if name not in ("id", "hits", "matched", "says", "label")}
    return ", ".join(f"{name}={value}" for name, value in fields.items())


def _matched(rules: Sequence[Row]) -> str:
    return _counted(sum(rule["matched"] for rule in rules), "request")


def _shaped(rule: Row) -> str:
    return f"{_counted(rule['hits'], 'answer')} shaped"


def unnoticed(problem: str, fault: str, rules: Sequence[Row]) -> str:
    """The error for an early end that was not noticed; names a fault that is unknown or cannot end a stream."""
    from mock_heidi.base.wording import nearest
    from mock_heidi.faults.rule import STREAM_ENDS

    rule = next((one for one in rules if one["id"] == fault), None)
    if rule is None:
        return f"{problem}; no fault is called {fault!r}, {nearest(fault, [str(one['id']) for one in rules])}"
    if any(name in rule for name in STREAM_ENDS):
        return problem
    return f"fault {fault} ({_fields(rule)}) cannot end a stream early; use one of {', '.join(STREAM_ENDS)}"


def failed(expectation: Row) -> str:
    """The error of an expectation that does not hold, and the requests that come nearest, a line each."""
    nearest = [f"  request {one['id']}: {one['why']}" for one in expectation["nearest"]]
    lines = [expectation["error"], *(["nearest:", *nearest] if nearest else [])]
    return "\n".join(map(printable, lines))
