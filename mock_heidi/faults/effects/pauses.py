"""Effects that let parts of an answer wait."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from mock_heidi.faults.delivery import Delivery, Part

_CHUNKS = 4


class Pauses(Protocol):
    """Delays that were drawn for one answer: the same each time that they are asked for."""

    def __getitem__(self, at: int) -> float: ...


def slow_first_byte(delivery: Delivery, seconds: Pauses) -> Delivery:
    """Seconds between the work and the head."""
    return replace(delivery, pause=delivery.pause + seconds[0])


def delay_body(delivery: Delivery, seconds: Pauses) -> Delivery:
    """Seconds between the head and the body."""
    if not delivery.parts:
        return delivery
    first, *rest = delivery.parts
    return delivery.with_parts((first._replace(pause=first.pause + seconds[0]), *rest))


def delay_chunks(delivery: Delivery, seconds: Pauses) -> Delivery:
    """Seconds between the parts of a body, which becomes four, or between the pieces of a stream."""
    parts = delivery.parts if delivery.streams else _chunks(delivery)
    return delivery.with_parts(
        part._replace(pause=part.pause + seconds[at - 1]) if at else part for at, part in enumerate(parts)
    )


def _chunks(delivery: Delivery) -> tuple[Part, ...]:
    body, pause = delivery.body, sum(part.pause for part in delivery.parts)
    size = -(-len(body) // _CHUNKS) or 1
    return tuple(Part(body[at : at + size], 0.0 if at else pause) for at in range(0, len(body) or 1, size))
