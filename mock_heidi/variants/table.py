"""The results of the variant runs as text: a table of tests and assumptions, and the advice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from textwrap import wrap

from mock_heidi.base.assumptions import assumptions, written
from mock_heidi.base.wording import counted, printable
from mock_heidi.variants.examine import DEPENDS, HOLDS, LEFT_OUT, NOT_REPEATABLE
from mock_heidi.variants.run import Row

_WIDTH = 110
_NAME = 32
# The most variants and the most assumptions that a row names; the JSON file has all of them.
_MOST_LEFT = 3
_MOST_HOLDING = 20
# The most tests that a sentence names.
_MOST_NAMED = 3
_OUTCOMES = (DEPENDS, HOLDS, NOT_REPEATABLE, LEFT_OUT)


def table(results: Sequence[Row]) -> Iterator[str]:
    """The lines of the table, the advice after it, and the sum."""
    for result in results:
        yield printable(result["test"])
        yield from map(printable, _rows(result))
    if advice := advice_for(results):
        yield ""
        yield from map(printable, advice)
    yield ""
    yield _sum(results)


def _rows(result: Row) -> Iterator[str]:
    if result["outcome"] == NOT_REPEATABLE:
        yield _row(NOT_REPEATABLE, f"fails the second time{_where(result['second'])}")
    elif result["outcome"] == LEFT_OUT:
        yield _row(LEFT_OUT, "no time was left for its variants")
    elif not (result["assumptions"] or result["left_out"]):
        yield _row(HOLDS, "met no assumption that has another value")
    for verdict in result["assumptions"]:
        if verdict["fails"]:
            yield _row(verdict["name"], verdict_text(verdict))
    holding = [verdict["name"] for verdict in result["assumptions"] if not verdict["fails"]]
    if len(holding) > _MOST_HOLDING:
        holding[_MOST_HOLDING:] = [f"{len(holding) - _MOST_HOLDING} others"]
    for at, line in enumerate(wrap(", ".join(holding), _WIDTH - _NAME - 3)):
        yield _row("" if at else HOLDS, line)
    if left := result["left_out"]:
        more = ", …" if len(left) > _MOST_LEFT else ""
        yield _row(LEFT_OUT, f"{counted(len(left), 'variant')}: {', '.join(left[:_MOST_LEFT])}{more}")


def _row(name: str, text: str) -> str:
    return f"  {name:<{_NAME}} {text}"


def verdict_text(verdict: Row) -> str:
    """The verdict about one assumption: ``holds``, or the values under which the test fails."""
    fails = [f"fails under {written(one['value'])}{_where(one)}" for one in verdict["fails"]]
    holds = [f"holds under {', '.join(map(written, verdict['holds']))}"] if verdict["holds"] else []
    return "; ".join([*fails, *holds]) if fails else HOLDS


def _where(failure: Row) -> str:
    """The request and the place of a failure, ``: POST /sessions -> 201 (test_sync.py:14)``."""
    row = failure["request"]
    request = f": {_request(row)}" if row else ""
    return f"{request} ({failure['failure']})" if failure["failure"] else request


def _request(row: Row) -> str:
    return f"{row['method']} {row['path'] or 'an undocumented path'} -> {row['status'] or 'no answer'}"


def advice_for(results: Sequence[Row]) -> list[str]:
    """A sentence for each assumption that tests depend on."""
    tests: dict[str, list[str]] = {}
    for result in results:
        for verdict in result["assumptions"]:
            if verdict["fails"]:
                tests.setdefault(verdict["name"], []).append(f"`{result['test'].rpartition('::')[2]}`")
    return [f"{_subject(names)} only while {assumptions()[one].advice}" for one, names in tests.items()]


def _subject(names: Sequence[str]) -> str:
    """The tests of a sentence with its verb: ``a passes``, ``a and b pass``, ``a, b and 7 others pass``."""
    *first, last = names if len(names) <= _MOST_NAMED else [*names[: _MOST_NAMED - 1], f"{len(names) - 2} others"]
    return f"{', '.join(first)} and {last} pass" if first else f"{last} passes"


def _sum(results: Sequence[Row]) -> str:
    numbers = Counter(result["outcome"] for result in results)
    counts = ", ".join(f"{outcome} {numbers[outcome]}" for outcome in _OUTCOMES if numbers[outcome])
    return f"{counted(len(results), 'test')} in {counted(sum(one['runs'] for one in results), 'run')}: {counts}"
