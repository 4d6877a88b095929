"""Words for people about a namespace: the report of a failure, faults that never fired, an expectation that failed.

Everything here is made from what the control API shows, so it holds no secrets.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mock_heidi import findings
from mock_heidi.redaction import REDACTED
from mock_heidi.settings import BASE_PATH
from mock_heidi.wording import printable

Row = Mapping[str, Any]

# How many characters of a body, and of a note on a request, a report shows.
_BODY = 200
_NOTE = 200


def report(requests: Sequence[Row], faults: Sequence[Row], found: Sequence[Row]) -> str:
    """The requests with what was sent (``>``) and answered (``<``), then the faults with their hits, then findings."""
    lines = [line for row in requests for line in _request(row)]
    lines += [f"{rule['id']} ({_described(rule)}): {_matched([rule])} matched, {_shaped(rule)}" for rule in faults]
    return "\n".join(map(printable, [*lines, *map(findings.finding_line, found)]))


def _request(row: Row) -> Iterator[str]:
    fault = row["fault"] if isinstance(row["fault"], list) else [row["fault"]]
    left = "the client left" if row["client_left"] else None
    notes = "".join(f"  [{_short(str(note), _NOTE)}]" for note in (*fault, left, row["why"]) if note)
    yield f"#{row['id']} {row['method']} {path(row)} -> {row['status'] or 'no answer'}{notes}"
    if row["body"] is not None:
        yield f"    > {_body(row['body'])}"
    if row["pieces"] is not None:
        text = "".join(piece["text"] for piece in row["pieces"])
        yield f"    < {_body(text)} in {_counted(len(row['pieces']), 'piece')}"
    elif row["response"] not in (None, REDACTED):
        yield f"    < {_body(row['response'])}"


def path(row: Row) -> str:
    """The path of a request, below the base path where it has one."""
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
    """The rules that have shaped no answer, a line each; one of those with the same label is enough to have fired."""
    groups: dict[Any, list[Row]] = {}
    for number, rule in enumerate(rules):
        groups.setdefault(rule.get("label") or number, []).append(rule)
    return [
        f"{group[0].get('label') or group[0]['id']} ({_described(group[0])}) never fired: {_matched(group)} matched"
        for group in groups.values()
        if not any(rule["hits"] for rule in group)
    ]


def _described(rule: Row) -> str:
    given = {name: value for name, value in rule.items() if name not in ("id", "hits", "matched", "label")}
    return ", ".join(f"{name}={value}" for name, value in given.items())


def _matched(rules: Sequence[Row]) -> str:
    return _counted(sum(rule["matched"] for rule in rules), "request")


def _shaped(rule: Row) -> str:
    return f"{_counted(rule['hits'], 'answer')} shaped"


def failed(expectation: Row) -> str:
    """An expectation that does not hold: what was found, and what came nearest."""
    nearest = [f"  request {one['id']}: {one['why']}" for one in expectation["nearest"]]
    lines = [expectation["error"], *(["nearest:", *nearest] if nearest else [])]
    return "\n".join(map(printable, lines))
