"""The text of ``mock-heidi assumptions``: all of them as a list, or one with everything that is known."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap

from mock_heidi.base.assumptions import Assumption, assumptions, written
from mock_heidi.base.settings import ConfigError
from mock_heidi.base.wording import nearest

_WIDTH = 100


def find(name: str) -> Assumption:
    """The assumption of that name. Raises :class:`ConfigError` with the nearest name for an unknown one."""
    known = assumptions()
    if name not in known:
        raise ConfigError(f"unknown assumption {name!r}", nearest(name, known))
    return known[name]


def row(one: Assumption) -> str:
    """A line of the list: name, default, and the other values that may be chosen."""
    return f"{one.name:<34} {written(one.default):<20} {_others(one)}".rstrip()


def details(one: Assumption) -> Iterator[str]:
    """The lines about one assumption."""
    yield one.name
    yield from _paragraph("decides", one.decides)
    yield from _paragraph("default", written(one.default))
    if _others(one):
        yield from _paragraph("or", _others(one))
    yield from _paragraph("why", one.why)
    for source in one.sources:
        yield from _paragraph("source", source)
    if one.advice:
        yield from _paragraph("advice", f"do not count on this: {one.advice}")
    yield from _paragraph("operations", ", ".join(one.operations))


def _others(one: Assumption) -> str:
    return f"1 to {one.any_number}" if one.any_number else ", ".join(map(written, one.alternatives))


def _paragraph(title: str, text: str) -> Iterator[str]:
    for at, line in enumerate(wrap(text, _WIDTH - 14)):
        yield f"  {'' if at else title:<12}{line}"
