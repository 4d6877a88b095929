"""All points of the contract. They follow from ``openapi.yaml`` and the table of operations."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from mock_heidi.observing.coverage.object_states import all_changes
from mock_heidi.observing.coverage.operation_points import operation_points
from mock_heidi.observing.coverage.points import KINDS, TOKENS, Point


@cache
def all_points() -> tuple[Point, ...]:
    """All points. Kinds come in the order of ``KINDS``, points of a kind in the order of the contract."""
    return tuple(sorted(dict.fromkeys(_found()), key=lambda point: list(KINDS).index(point.kind)))


def _found() -> Iterator[Point]:
    for one in operation_points().values():
        yield one.called
        yield from one.errors.values()
        yield from one.endings.values()
        for place in (*one.sent, *one.sent_parameters.values(), *one.received):
            yield from place.points.values()
        yield from (point for _, point in one.optional)
        yield from one.optional_parameters.values()
    yield from TOKENS.values()
    yield from all_changes().values()
