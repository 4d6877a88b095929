"""A detector: a function that says which values of an assumption an exchange agrees with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from mock_heidi.comparing.exchange import Exchange
from mock_heidi.comparing.history import History

Look = Callable[[Exchange, History], Any]


class Detector(NamedTuple):
    """A function that looks at the exchanges of some operations. Its name is that of the assumption.

    It returns None if the exchange tells nothing, a value, or a set of the values that the exchange agrees with. The
    first paragraph of its docstring says which traffic settles the assumption.
    """

    look: Look
    operations: tuple[str, ...]

    @property
    def name(self) -> str:
        """The name of the assumption."""
        return str(getattr(self.look, "__name__", ""))

    @property
    def needs(self) -> str:
        """The traffic that settles the assumption, in words."""
        return " ".join((self.look.__doc__ or "").partition("\n\n")[0].split())


def on(operations: str, *looks: Look) -> list[Detector]:
    """Detectors for the exchanges of these operations; ``*`` stands for all."""
    return [Detector(look, tuple(operations.split())) for look in looks]


def refused(exchange: Exchange, *statuses: int) -> str | None:
    """``refused_404`` and the like for one of these statuses, if the error is not another known one."""
    return f"refused_{exchange.status}" if exchange.status in statuses and not exchange.error else None
