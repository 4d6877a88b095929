"""Finds the operation of a URL below any prefix."""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple
from urllib.parse import unquote

from mock_heidi.base.operations import OPERATIONS

BASE = "open-api"
"""The last segment of the vendor's base path."""

_PARAMETER = re.compile(r"\\{(\w+)\\}")


class Place(NamedTuple):
    """An operation with the parameters in its path. ``prefix`` is the path before it."""

    operation: str
    params: dict[str, str]
    prefix: str


@cache
def _patterns() -> list[tuple[str, int, re.Pattern[str], str]]:
    """Each operation's method, number of segments and pattern; those without parameters come first."""
    rows = []
    for name, operation in OPERATIONS.items():
        pattern = _PARAMETER.sub(r"(?P<\1>[^/]+)", re.escape(operation.path))
        rows.append((operation.method, operation.path.count("/"), re.compile(pattern), name))
    return sorted(rows, key=lambda row: row[2].groups)


def find(method: str, path: str) -> Place | None:
    """The operation of a request, under any prefix; the longest path counts. None if it is another request."""
    segments = [unquote(one) if "/" not in unquote(one) else one for one in path.split("/") if one]
    for start in range(len(segments)):
        rest = "/" + "/".join(segments[start:])
        for wanted, count, pattern, name in _patterns():
            if wanted == method and count == len(segments) - start and (found := pattern.fullmatch(rest)):
                return Place(name, found.groupdict(), "/".join(segments[:start]))
    return None
