"""The type of an effect: one thing that can go wrong with an answer."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, IntEnum
from typing import Any, NamedTuple

from mock_heidi.faults.delivery import Delivery
from mock_heidi.state.field_types import Flag


class Stage(IntEnum):
    """The order in which effects apply. It does not depend on the order of the rules."""

    ANSWER = 1
    """Another answer replaces the operation's answer."""
    WAIT = 2
    """The work begins later."""
    TEXT = 3
    """The text is written with an error."""
    CONTENT = 4
    PIECES = 5
    END = 6
    FORM = 7
    PAUSE = 8
    WRITE = 9


class Where(Enum):
    """The answers that an effect works on."""

    ANY = "any answer"
    BODIES = "whole bodies"
    STREAMS = "streams"
    WRITTEN = "written text"
    CODES = "codes"


class Effect(NamedTuple):
    """One effect: a field of a rule, and its function that changes a delivery."""

    name: str
    value: str
    """An example of its argument in the short form; empty for an effect that is only switched on."""
    doc: str
    """One or two sentences of Markdown, for the docs and the JSON Schema."""
    apply: Callable[[Delivery, Any], Delivery] | None = None
    """Returns the delivery with the effect, or the same delivery if there is nothing to change.

    None if the effect acts before there is a delivery: an answer, a delay, or an error in a text.
    """
    stage: Stage = Stage.ANSWER
    where: Where = Where.ANY
    type: Any = Flag
    """The type of its argument in the field of a rule."""
    breaks: bool = False
    """True if it needs a connection to break."""
    goes_with: tuple[str, ...] = ()
    """A rule with this effect also needs one of these effects."""
    says: str = ""
    """The effect on an answer as a part of a sentence, if ``doc`` does not say it in one.

    ``{value}``, ``{pieces}`` and the like stand for the argument.
    """

    @property
    def phrase(self) -> str:
        """The effect on an answer as a part of a sentence."""
        return self.says or f"{self.doc[0].lower()}{self.doc[1:].removesuffix('.')}".replace("`", "")

    @property
    def example(self) -> str:
        """A rule's field with this effect, in the short form."""
        return f"{self.name}={self.value}" if self.value else self.name
