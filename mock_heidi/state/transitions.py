"""Delayed work, such as transcription. It is done at once, after some reads, or after some time of the clock.

No background task advances it, so that a test decides when it is done.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

KINDS = ("transcription", "document_parsing", "consult_note")
_WAYS = ("at_once", "after_reads", "after_seconds")


class TransitionError(ValueError):
    """An invalid transition. The message says what is wrong and what is valid."""


class Transition(NamedTuple):
    """The delay of some work: a number of reads, or seconds of the namespace's clock; by default none."""

    reads: int = 0
    seconds: float = 0

    def ready(self, reads: int, since: int, now: int) -> bool:
        """True if work is done that began at ``since`` and was read ``reads`` times. Times are in ms since 1970."""
        return reads >= self.reads and now - since >= self.seconds * 1000

    def to_dict(self) -> dict[str, Any]:
        """The transition in the form in which a client sets it."""
        if self.reads:
            return {"after_reads": self.reads}
        return {"after_seconds": self.seconds} if self.seconds else {"at_once": True}


def at_once() -> dict[str, Transition]:
    """The transitions with which a namespace starts."""
    return dict.fromkeys(KINDS, Transition())


def parse(given: Mapping[str, Any]) -> dict[str, Transition]:
    """Transitions by kind, from ``{"transcription": {"after_reads": 2}}``. Raises :class:`TransitionError`."""
    return {kind: _parse(kind, way) for kind, way in given.items()}


def _parse(kind: str, way: Any) -> Transition:
    if kind not in KINDS:
        raise TransitionError(f"unknown transition {kind!r}; the transitions are {', '.join(KINDS)}")
    if not isinstance(way, dict) or len(way) != 1 or next(iter(way)) not in _WAYS:
        raise TransitionError(f"{kind}: should be one of {', '.join(_WAYS)}")
    name, value = next(iter(way.items()))
    if name == "at_once" and value is True:
        return Transition()
    if name == "after_reads" and type(value) is int and value >= 0:
        return Transition(reads=value)
    if name == "after_seconds" and type(value) in (int, float) and value >= 0:
        return Transition(seconds=value)
    raise TransitionError(
        f"{kind}.{name}: should be {'true' if name == 'at_once' else 'a number that is not negative'}"
    )
