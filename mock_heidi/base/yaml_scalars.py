"""Unquoted YAML scalars, whose type depends on the field that holds them."""

import math
import re
from typing import Any


class Plain(str):
    """An unquoted YAML scalar as the author wrote it; the field that holds it decides its type."""

    __slots__ = ()


# Other spellings, such as 00123 or 1_000, are ids.
_NUMBER = re.compile(r"-?(0|[1-9]\d{0,4299})(\.\d+([eE][-+]?\d{1,3})?)?")


def resolve(value: Any) -> Any:
    """The value with each unquoted scalar as a number, a boolean or text, for fields that take any type."""
    if isinstance(value, Plain):
        if value.lower() in ("true", "false"):
            return value.lower() == "true"
        if _NUMBER.fullmatch(value) is None:
            return str(value)
        number = float(value) if "." in value else int(value)
        return str(value) if number in (math.inf, -math.inf) else number
    if isinstance(value, dict):
        return {str(key): resolve(item) for key, item in value.items()}
    return [resolve(item) for item in value] if isinstance(value, list) else value
