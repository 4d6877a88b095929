"""Messages of a bounded length, even if they repeat long values."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

LONGEST = 1_000
"""The most characters of a message."""
# The most known names that an unknown one is compared with, or that are listed.
_MOST_NAMES = 1_000
_LONGEST_NAME = 100
# How alike two names must be, from 0 to 1.
_CUTOFF = 0.5
MOST_COMPARED = 300_000
"""The most pairs of characters that are compared for one name, which takes about 20 milliseconds."""


def shorten(text: str, most: int = LONGEST) -> str:
    """A text without its middle if it is too long: the beginning says what is wrong, the end what helps."""
    if len(text) <= most:
        return text
    end = most // 3
    return f"{text[: most - end - 1]}…{text[-end:]}"


def printable(text: str) -> str:
    """A text for a terminal: a character that could control it is written as ``\\x1b``."""
    return text if text.isprintable() else "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)


def printable_json(value: Any, indent: int | None = None) -> str:
    """JSON for a terminal: a character that could control it is written as ``\\u001b``, which means the same."""
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    return "".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text)


def counted(number: int, noun: str) -> str:
    """A number with its noun: ``1 request``, ``2 requests``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def short_repr(value: Any, most: int) -> str:
    """A JSON value as Python writes it, without its end if it is too long."""
    text = "".join(islice(_parts(value, most), most + 1))
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _parts(value: Any, most: int) -> Iterator[str]:
    """The parts of what :func:`repr` would write, one by one, so that only the needed ones are made."""
    if isinstance(value, dict):
        for at, (name, item) in enumerate(value.items()):
            yield f"{', ' if at else '{'}{name[:most]!r}: " if isinstance(name, str) else f"{name!r}: "
            yield from _parts(item, most)
        yield "}" if value else "{}"
    elif isinstance(value, list):
        for at, item in enumerate(value):
            yield ", " if at else "["
            yield from _parts(item, most)
        yield "]" if value else "[]"
    else:
        yield repr(str(value[:most])) if isinstance(value, str) else repr(value)


def nearest(name: str, known: Iterable[str], most: int = 3) -> str:
    """A hint for an unknown name: the nearest known names, or all known names if none is near."""
    options = sorted(set(islice(known, _MOST_NAMES)))
    if not options:
        return "there are none"
    near = near_names(name, options, most)
    return f"did you mean {' or '.join(near)}?" if near else f"known names are {shorten(', '.join(options))}"


def near_names(name: str, known: Iterable[str], most: int) -> list[str]:
    """The known names that are like an unknown one, the nearest first; ``most`` is their greatest number."""
    from difflib import get_close_matches

    if len(name) > _LONGEST_NAME:
        return []
    return get_close_matches(name, _comparable(name, known), n=most, cutoff=_CUTOFF)


def _comparable(name: str, known: Iterable[str]) -> list[str]:
    """The names whose length is near enough, as many as may be compared."""
    options, left = [], MOST_COMPARED
    for option in sorted(islice(known, _MOST_NAMES)):
        if 2 * min(len(name), len(option)) >= _CUTOFF * (len(name) + len(option)):
            left -= len(name) * len(option)
            if left < 0:
                break
            options.append(option)
    return options
