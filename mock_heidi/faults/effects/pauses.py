"""Effects that delay parts of an answer."""

from __future__ import annotations

from dataclasses import replace

from mock_heidi.faults.delivery import Delivery, Part
from mock_heidi.faults.fields import Delay
from mock_heidi.state.ids import Chance

_CHUNKS = 4


class Drawn:
    """The lengths of a delay, in seconds. Each is drawn once, so that every plan of an answer has the same lengths."""

    def __init__(self, delay: Delay, chance: Chance) -> None:
        self._delay, self._chance = delay, chance
        self._seconds: list[float] = []

    def __getitem__(self, at: int) -> float:
        while len(self._seconds) <= at:
            self._seconds.append(self._delay.draw(self._chance))
        return self._seconds[at]


def slow_first_byte(delivery: Delivery, seconds: Drawn) -> Delivery:
    """Wait between the work and the head."""
    return replace(delivery, pause=delivery.pause + seconds[0])


def delay_body(delivery: Delivery, seconds: Drawn) -> Delivery:
    """Wait between the head and the body."""
    if not delivery.parts:
        return delivery
    first, *rest = delivery.parts
    return delivery.with_parts((first._replace(pause=first.pause + seconds[0]), *rest))


def delay_chunks(delivery: Delivery, seconds: Drawn) -> Delivery:
    """Wait between the pieces of a stream, or between the four parts into which a body is split."""
    parts = delivery.parts if delivery.streams else _chunks(delivery)
    return delivery.with_parts(
        part._replace(pause=part.pause + seconds[at - 1]) if at else part for at, part in enumerate(parts)
    )


def _chunks(delivery: Delivery) -> tuple[Part, ...]:
    body, pause = delivery.body, sum(part.pause for part in delivery.parts)
    size = -(-len(body) // _CHUNKS) or 1
    return tuple(Part(body[at : at + size], 0.0 if at else pause) for at in range(0, len(body) or 1, size))
