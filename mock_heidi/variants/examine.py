"""The runs of one test, one after the other, and what they show."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import islice
from typing import Any

from mock_heidi.base.assumptions import assumptions
from mock_heidi.variants.choice import Variant, variants_of
from mock_heidi.variants.limits import Limits
from mock_heidi.variants.run import Row, Run

HOLDS, DEPENDS, NOT_REPEATABLE, LEFT_OUT = "holds", "depends", "not repeatable", "left out"

Repeat = Callable[[Variant | None], Run]
"""Runs the test again: under a variant, or under the defaults for None."""


def examine(test: str, first: Run, repeat: Repeat, chosen: Collection[str] | None, limits: Limits) -> dict[str, Any]:
    """Run a test again that has passed once, and return its result as JSON can hold it.

    ``chosen`` are the assumptions to vary; None stands for those that the requests met. An assumption whose value
    was chosen for the test keeps it.
    """
    if limits.over:
        return _result(test, LEFT_OUT)
    with limits.spending():
        second = repeat(None)
    if not second.passed:
        return {**_result(test, NOT_REPEATABLE, runs=2), "second": _failure(first, second, None)}
    met = first.met | second.met
    planned = variants_of((met if chosen is None else set(chosen)) - first.settled)
    runs = dict(islice(_runs(planned, repeat, limits), limits.most))
    verdicts = list(_verdicts(second, runs))
    outcome = DEPENDS if any(one["fails"] for one in verdicts) else HOLDS
    left = [str(variant) for variant in planned if variant not in runs]
    return _result(test, outcome, runs=2 + len(runs), assumptions=verdicts, left_out=left)


def _result(
    test: str, outcome: str, *, runs: int = 1, assumptions: Iterable[Row] = (), left_out: Iterable[str] = ()
) -> dict[str, Any]:
    return {
        "test": test,
        "outcome": outcome,
        "runs": runs,
        "assumptions": list(assumptions),
        "left_out": list(left_out),
    }


def _runs(planned: Iterable[Variant], repeat: Repeat, limits: Limits) -> Iterator[tuple[Variant, Run]]:
    """Each variant with its run, until the time is over."""
    for variant in planned:
        if limits.over:
            return
        with limits.spending():
            run = repeat(variant)
        yield variant, run


def _verdicts(base: Run, runs: dict[Variant, Run]) -> Iterator[dict[str, Any]]:
    for name in dict.fromkeys(variant.name for variant in runs):
        own = {variant.value: run for variant, run in runs.items() if variant.name == name}
        fails = [{"value": value, **_failure(base, run, name)} for value, run in own.items() if not run.passed]
        yield {
            "name": name,
            "default": assumptions()[name].default,
            "holds": [value for value, run in own.items() if run.passed],
            "fails": fails,
        }


def _failure(base: Run, run: Run, name: str | None) -> dict[str, Any]:
    """The place of a failure, and the request that it began with."""
    row = first_failing(base, run, name)
    return {
        "request": None if row is None else {key: row[key] for key in ("method", "path", "status")},
        "failure": run.failure,
    }


def first_failing(base: Run, run: Run, name: str | None) -> Row | None:
    """The first request that got another status than in the run under the defaults.

    If there is none, it is the first request that met the assumption.
    """
    for before, after in zip(base.requests, run.requests, strict=False):
        if (before["operation"], before["method"]) != (after["operation"], after["method"]):
            break
        if before["status"] != after["status"]:
            return after
    return next((row for row in run.requests if name in row["assumptions"]), None)
