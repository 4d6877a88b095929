"""Substitutes for values that are too long or hidden: their beginning, or their length."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

_MARK = re.compile(r"\*\*\*|<\d+ (?:character|byte)s?>")


def length_of(text: str) -> str:
    """The substitute for a text whose content is hidden: ``<14 characters>``."""
    return f"<{len(text)} character{'' if len(text) == 1 else 's'}>"


def size_of(body: bytes) -> str:
    """The substitute for a body whose content is hidden: ``<1024 bytes>``."""
    return f"<{len(body)} byte{'' if len(body) == 1 else 's'}>"


def is_hidden(text: str) -> bool:
    """True if a text contains a substitute for hidden content."""
    return _MARK.search(text) is not None


def beginning(value: Any, room: int) -> tuple[Any, int]:
    """The beginning of a JSON value that is about ``room`` characters long, and the room that is left."""
    if isinstance(value, dict):
        fields: dict[str, Any] = {}
        for name, item in value.items():
            if room <= 0:
                break
            fields[name[:room]], room = beginning(item, room - len(name) - 4)
        return fields, room
    if isinstance(value, list):
        items = []
        for item in value:
            if room <= 0:
                break
            made, room = beginning(item, room - 2)
            items.append(made)
        return items, room
    if not isinstance(value, str) or len(value) <= room:
        return value, room - len(str(value))
    # Redaction cannot parse half of a JSON text, so the length replaces it.
    return (length_of(value) if value.lstrip()[:1] in ("{", "[", '"') else value[: max(room, 0)]), 0


def lengths(value: Any, name: Callable[[str], str]) -> Any:
    """A JSON value with the type or length in place of each value. ``name`` returns the visible form of a name."""
    if isinstance(value, dict):
        return {name(field): lengths(item, name) for field, item in value.items()}
    if isinstance(value, list):
        return [lengths(item, name) for item in value]
    if isinstance(value, str):
        return length_of(value)
    return None if value is None else "<boolean>" if isinstance(value, bool) else "<number>"
