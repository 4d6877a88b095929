"""Apply the effects of several rules to one answer, and find the rules that really change it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from mock_heidi.base.slices import Work
from mock_heidi.faults.delivery import Delivery
from mock_heidi.faults.effects import EFFECTS
from mock_heidi.faults.effects.effect import Effect, Stage, Where
from mock_heidi.faults.effects.pauses import Drawn
from mock_heidi.faults.fields import Delay
from mock_heidi.state.ids import Chance

R = TypeVar("R")

_APPLIED = sorted((effect for effect in EFFECTS if effect.apply is not None), key=lambda effect: effect.stage)
_PAUSES = frozenset(effect.name for effect in EFFECTS if effect.stage is Stage.PAUSE)


class Chosen(NamedTuple, Generic[R]):
    """A rule to apply to an answer, with its effects and their arguments by name."""

    rule: R
    effects: Mapping[str, Any]

    @property
    def pauses(self) -> bool:
        """True if it delays parts of the answer."""
        return not _PAUSES.isdisjoint(self.effects)


def choose(rule: R, effects: Mapping[str, Any], chance: Chance) -> Chosen[R]:
    """A rule with its effects. Delays are drawn from ``chance`` when they are needed."""
    drawn = {name: Drawn(value, chance) if isinstance(value, Delay) else value for name, value in effects.items()}
    return Chosen(rule, drawn)


def plan(answer: Delivery, chosen: Iterable[Chosen[Any]]) -> Delivery:
    """The answer with all effects of the rules, applied by stage.

    If two rules have the same effect, the first counts. Delays add up. The earliest end wins.
    """
    wanted: dict[str, list[Any]] = {}
    for one in chosen:
        for name, argument in one.effects.items():
            wanted.setdefault(name, []).append(argument)
    if "end_inside" in wanted or "end_after" in wanted:
        # The two are one effect with two arguments, which may come from two rules.
        wanted["end_after"] = [(wanted.get("end_after", [1])[0], wanted.get("end_inside", [None])[0])]
    for effect in _APPLIED:
        if effect.name in wanted and _fits(effect, answer):
            arguments = wanted[effect.name]
            for argument in arguments if effect.stage is Stage.PAUSE else arguments[:1]:
                answer = effect.apply(answer, argument)  # type: ignore[misc] # _APPLIED has only those with one
    return answer


def _fits(effect: Effect, answer: Delivery) -> bool:
    if effect.where is Where.BODIES:
        return not answer.streams and answer.status is not None
    return answer.streams if effect.where is Where.STREAMS else answer.status is not None


def acting(answer: Delivery, chosen: Sequence[Chosen[R]]) -> Work[tuple[Delivery, list[Chosen[R]]]]:
    """The planned answer, and the rules that change it.

    Each rule is left out in turn. If two rules do the same, only one counts.
    """
    made, kept, seen = plan(answer, chosen), [], set[str]()
    yield _cost(made)
    for one in chosen:
        if (one.pauses and made.parts) or not seen.issuperset(one.effects):
            kept.append(one)  # otherwise earlier rules have all its effects
        seen.update(one.effects)
    for one in reversed(tuple(kept)):
        if one.pauses and made.parts:
            continue
        others = [other for other in kept if other is not one]
        if _same(plan(answer, others), made):
            kept = others
        yield _cost(made)
    return made, kept


def _cost(delivery: Delivery) -> int:
    """The work of one plan, in the unit of :mod:`mock_heidi.base.slices`."""
    return 1_000 * len(delivery.parts) + sum(len(part.data) for part in delivery.parts)


def _same(one: Delivery, other: Delivery) -> bool:
    """True if a client cannot distinguish the two. The numbers of the pieces are not sent."""
    heads = [(made.status, made.headers, made.length, made.pause, made.ending) for made in (one, other)]
    return heads[0] == heads[1] and _writes(one) == _writes(other)


def _writes(delivery: Delivery) -> tuple[list[tuple[bytes, float]], int | None]:
    parts = [(part.data, part.pause) for part in delivery.parts]
    size = delivery.write_size
    return parts, None if size is None or all(len(data) <= size for data, _ in parts) else size


def sent_otherwise(made: Delivery, other: Delivery, parts: int) -> bool:
    """True if the first ``parts`` parts differ for a client. The ends do not count, since they were not sent."""
    heads = [(one.status, one.headers, one.length, one.pause) for one in (made, other)]
    sent = b"".join(part.data for part in made.parts[:parts])
    return (
        heads[0] != heads[1] or not other.body.startswith(sent) or (parts > 0 and _writes(made)[1] != _writes(other)[1])
    )
