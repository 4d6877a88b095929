"""Checks expectations about the client's requests. The server waits for them, so that a test need not poll."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.responses import Response

from mock_heidi.base.slices import in_slices
from mock_heidi.base.wording import counted, nearest
from mock_heidi.control.control import ControlError, ControlRoute, read_body, respond, wait_for_disconnect
from mock_heidi.control.requests import read_filter
from mock_heidi.observing import filters
from mock_heidi.observing.entry import Entry
from mock_heidi.observing.expectations import Count, Expectation, Noticed, Order, Verdict, judging, words_of
from mock_heidi.state.clock import precise
from mock_heidi.web.request import Request

_FILTERS = (*filters.NAMES, "match")
_COUNTS = ("count", "at_least", "at_most", "never")
# The longest wait, in seconds.
_LONGEST = 600
_MOST_STEPS = 100
# The length of a rule's longest id.
_LONGEST_ID = 64
_HINT = 'send {"operation": "get_session", "at_least": 1, "within": 2}'


async def verify(request: Request) -> Response:
    """Answer 200 if the expectation holds within the given seconds, else 417 with the nearest requests."""
    body = await read_body(request)
    if not isinstance(body, dict):
        raise ControlError(400, "the body is not an expectation", _HINT)
    for name in body:
        if name not in (*_FILTERS, *_COUNTS, "within", "in_order", "noticed"):
            hint = nearest(name, (*_FILTERS, *_COUNTS, "within", "in_order", "noticed"))
            raise ControlError(400, f"unknown field {name!r}", hint)
    within = _seconds(body.pop("within", 0))
    expectation = _expectation(body, request.namespace.journal.filter)
    verdict = await _judged(request, expectation, within)
    if verdict.holds:
        return respond({"verified": True, "requests": verdict.requests})
    answer = {
        "error": f"expected {expectation.words}, found {verdict.found}",
        "hint": "see nearest for the most similar requests and their differences",
        "expected": expectation.words,
        "found": verdict.found,
        "nearest": verdict.nearest,
    }
    return respond(request.namespace.journal.clean(answer), 417)


async def _judged(request: Request, expectation: Expectation, within: float) -> Verdict:
    """The verdict, when it is settled or the time is over. Raises :class:`ClientDisconnect` if the client leaves."""
    namespace = request.namespace
    until = precise() + within
    gone = asyncio.ensure_future(wait_for_disconnect(request.receive))
    more = asyncio.Event()

    def notice(_: Entry) -> None:
        more.set()

    namespace.journal.watchers.add(notice)
    try:
        while not gone.done():
            more.clear()
            # The last check begins after the time is over, so that it includes all requests up to then.
            left = until - precise()
            await in_slices(namespace.checks.running(namespace.journal))
            verdict = await in_slices(judging(expectation, namespace.journal))
            if verdict.settled or left <= 0 or (verdict.holds and not _must_keep_holding(expectation)):
                return verdict
            await _more(more, until - precise(), gone)
    finally:
        namespace.journal.watchers.discard(notice)
        gone.cancel()
    raise ClientDisconnect


def _must_keep_holding(expectation: Expectation) -> bool:
    """True if an expectation must hold until the time is over; False if it needs to hold once."""
    return not isinstance(expectation, Count) or expectation.least == 0


async def _more(more: asyncio.Event, seconds: float, gone: asyncio.Future[None]) -> None:
    """Wait until another answer is complete or the client is gone, at most so many ``seconds`` of real time."""
    complete: asyncio.Future[Any] = asyncio.ensure_future(more.wait())
    ends: set[asyncio.Future[Any]] = {complete, gone}
    try:
        await asyncio.wait(ends, timeout=max(0.0, seconds), return_when=asyncio.FIRST_COMPLETED)
    finally:
        complete.cancel()


def _expectation(body: dict[str, Any], clean: Callable[[dict[str, Any]], dict[str, Any]]) -> Expectation:
    """The expectation in a body. ``clean`` removes the secrets from the parts that the answer repeats."""
    if "in_order" in body:
        steps = body["in_order"]
        if set(body) != {"in_order"} or not isinstance(steps, list) or not steps:
            raise ControlError(
                400, "in_order is not a list of filters", 'send only {"in_order": [{"operation": "get_jwt"}]}'
            )
        if len(steps) > _MOST_STEPS:
            raise ControlError(400, f"in_order has more than {_MOST_STEPS} steps", "verify it in parts, with since")
        return Order([read_filter(_known(step)) for step in steps], words_of([clean(step) for step in steps]))
    if "noticed" in body:
        given = body["noticed"]
        if set(body) != {"noticed"} or not isinstance(given, dict) or not _is_id(given.get("fault")):
            raise ControlError(400, "noticed does not name a fault", 'send only {"noticed": {"fault": "fault-1"}}')
        if set(given) - {"fault", "error"} or type(given.get("error", False)) is not bool:
            hint = 'send {"noticed": {"fault": "fault-1", "error": true}}'
            raise ControlError(400, "noticed takes a fault's id, and error as true or false", hint)
        words = f"the client to notice the early end that {given['fault']} made"
        return Noticed(given["fault"], given.get("error", False), words)
    return _count(body, clean)


def _count(body: dict[str, Any], clean: Callable[[dict[str, Any]], dict[str, Any]]) -> Count:
    counts = [name for name in _COUNTS if name in body]
    if len(counts) > 1:
        raise ControlError(400, f"{' and '.join(counts)} cannot be combined", "send one of them")
    wanted = {name: value for name, value in body.items() if name not in _COUNTS}
    name = counts[0] if counts else "at_least"
    value = body.get(name, 1)
    least: int
    most: int | None
    if name == "never":
        if value is not True:
            raise ControlError(400, "never should be true", 'send "never": true, or leave it out')
        least, most, number = 0, 0, "no request"
    else:
        if type(value) is not int or value < 0:
            raise ControlError(400, f"{name} is not a whole number of 0 or more", f'send "{name}": 1')
        least = 0 if name == "at_most" else value
        most = None if name == "at_least" else value
        bound = {"count": "exactly", "at_least": "at least", "at_most": "at most"}[name]
        number = f"{bound} {counted(value, 'request')}"
    return Count(
        read_filter(_known(wanted)), least, most, f"{number} with {words_of(clean(wanted))}" if wanted else number
    )


def _known(given: Any) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise ControlError(400, "a filter is not an object", 'write it like {"operation": "get_session"}')
    for name in given:
        if name not in _FILTERS:
            raise ControlError(400, f"unknown field {name!r}", nearest(name, _FILTERS))
    return given


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= _LONGEST_ID


def _seconds(value: Any) -> float:
    if type(value) not in (int, float) or not math.isfinite(value) or not 0 <= value <= _LONGEST:
        raise ControlError(400, f"within is not a number of seconds from 0 to {_LONGEST}", 'send "within": 2')
    return float(value)


routes = [ControlRoute("/verify", verify, "POST")]
