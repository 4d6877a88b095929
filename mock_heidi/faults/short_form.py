"""The short form of a rule: ``WHICH:EFFECT=VALUE,…``, as in a flag or a header."""

from __future__ import annotations

import json
import re
from collections.abc import Container
from typing import Any

from mock_heidi.base.operations import OPERATIONS
from mock_heidi.base.settings import ConfigError
from mock_heidi.base.wording import shorten
from mock_heidi.base.yaml_scalars import Plain

# A name and the mark that ends it; then the comma before the next name.
_NAME = re.compile(r"([^=,]*)(=\s*|,|$)(.*)", re.DOTALL)
_NEXT = re.compile(r",(?=\s*\w+\s*(?:=|,|$))")
_JSON = json.JSONDecoder()
# Splitting off a field copies the rest of the text, so very many fields would take too long.
_MOST_FIELDS = 200
_EXAMPLE = '{"operation": "ask_ai", "end_after": 3}'
_SHORT = "get_session:status=503"


class FaultError(ConfigError):
    """An invalid rule."""


def parse_text(text: str, known: Container[str]) -> dict[str, Any]:
    """The fields of a rule from its short form: ``WHICH:EFFECT=VALUE,…``; ``known`` are the names of fields.

    WHICH is operations joined by ``+``, ``METHOD /path``, or ``*``. An effect that is only switched on needs no value.
    A value may be JSON: a list, an object, or a text in quotes, which may contain commas.
    """
    if text.lstrip().startswith("{"):
        try:
            fields = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise FaultError(f"it is no JSON: {error}", f"write it like {_EXAMPLE}") from None
        return dict(_writable(fields))
    if text.strip() in OPERATIONS:
        raise FaultError("nothing goes wrong", f"write it like {text.strip()}:status=503")
    head, colon, rest = _split(text)
    name = text.partition("=")[0].partition(",")[0].strip()
    if name and not colon and name not in known:
        problem = f"it begins neither with requests nor with a field: {shorten(name)}"
        raise FaultError(problem, f"write it like {_SHORT}")
    made: dict[str, Any] = {}
    if colon and head.strip() != "*":
        method, _, path = head.strip().partition(" ")
        made = {"method": method, "path": path.strip()} if path else {"operation": [*method.split("+")]}
    return dict(_writable({**made, **_fields(rest)}))


def _fields(text: str) -> dict[str, Any]:
    """The fields of ``EFFECT=VALUE,…``."""
    made: dict[str, Any] = {}
    for _ in range(_MOST_FIELDS + 1):
        if not text:
            return made
        name, mark, text = _NAME.fullmatch(text).groups()  # type: ignore[union-attr] # it fits any text
        if mark.startswith("="):
            made[name.strip()], text = _value(text)
        elif name.strip():
            made[name.strip()] = True
    raise FaultError(f"it has more than {_MOST_FIELDS} fields", f"write one rule, such as {_EXAMPLE}")


def _writable(value: Any) -> Any:
    """The same value. Raises :class:`FaultError` if it cannot be written as JSON, although the parser accepts it."""
    try:
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        raise FaultError("it holds NaN, half a letter or too many levels", "write what JSON can say") from None
    return value


def _value(text: str) -> tuple[Any, str]:
    """The value at the start of a text, and the rest after its comma."""
    if text.startswith(("{", "[", '"')):
        try:
            value, end = _JSON.raw_decode(text)
        except (ValueError, RecursionError):
            pass  # incomplete JSON is a plain text
        else:
            blank, _, rest = text[end:].partition(",")
            if not blank.strip():
                return value, rest
    value, _, rest = _NEXT.sub("\0", text, count=1).partition("\0")
    return Plain(value.strip()), rest


def _split(text: str) -> tuple[str, str, str]:
    """WHICH, the colon after it, and the rest. A path with a custom verb contains another colon."""
    head, equals, _ = text.partition("=")
    which, colon, _ = head.rpartition(":") if equals else text.rpartition(":")
    return which, colon, text[len(which) + len(colon) :]
