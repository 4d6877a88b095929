"""The variants of a test: values of assumptions other than the defaults, one for each run."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import zip_longest
from typing import Any, NamedTuple

from mock_heidi.base.assumptions import assumptions, written
from mock_heidi.base.settings import ConfigError
from mock_heidi.base.wording import nearest

MET, ALL = "met", "all"


class Variant(NamedTuple):
    """One assumption with another value than its default."""

    name: str
    value: Any

    def __str__(self) -> str:
        return f"{self.name}={written(self.value)}"


def parse_choice(text: str) -> tuple[str, ...] | None:
    """The names of the assumptions in ``all`` or ``NAME,…``; None for ``met``, those that the requests of a test meet.

    Raises :class:`ConfigError` for an unknown name, and for an assumption without alternatives.
    """
    known = [one.name for one in assumptions().values() if one.alternatives]
    if text in (MET, ALL):
        return None if text == MET else tuple(known)
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",")))
    for name in names:
        if name in (MET, ALL):
            raise ConfigError(f"{name} stands alone", f"write {name}, or only names")
        if name in assumptions() and name not in known:
            raise ConfigError(f"{name} has no alternatives", "leave it out")
        if name not in known:
            raise ConfigError(f"unknown assumption {name!r}", nearest(name, [*known, MET, ALL]))
    return names


def variants_of(names: Iterable[str]) -> list[Variant]:
    """The variants of these assumptions: the first alternative of each, then the second, and so on."""
    wanted = set(names)
    columns = [
        [Variant(one.name, value) for value in one.alternatives] for one in assumptions().values() if one.name in wanted
    ]
    return [variant for row in zip_longest(*columns) for variant in row if variant is not None]
