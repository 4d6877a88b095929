"""Patterns of request paths, such as ``/sessions/{session_id}`` and ``/sessions*``.

Matching searches a path for texts and slashes, a few times for each part of the pattern. It never tries one split of a
path after another, which could hang the server. For this reason a parameter must not stand between two stars: it would
have to be tried at each slash of the path.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from mock_heidi.base.settings import ConfigError

LONGEST = 500
"""The longest pattern, in characters."""

_PARAMETER = re.compile(r"\{\w+\}")


class PathPatternError(ConfigError):
    """A pattern that cannot match anything."""


class _Step(NamedTuple):
    """A parameter: it takes the rest of its segment, which ends with ``suffix``. The text ``after`` follows."""

    suffix: str
    after: str


class _Run(NamedTuple):
    """The part of a pattern before its first star or after its last one."""

    head: str
    steps: tuple[_Step, ...]
    slashes: int

    @classmethod
    def of(cls, text: str) -> _Run:
        head, *others = _PARAMETER.split(text)
        parts = [other.partition("/") for other in others]
        return cls(head, tuple(_Step(suffix, slash + rest) for suffix, slash, rest in parts), text.count("/"))

    def end(self, path: str, at: int) -> int:
        """The end of the run in a path if it begins at ``at``; -1 if it does not fit there."""
        if not path.startswith(self.head, at):
            return -1
        at += len(self.head)
        for suffix, after in self.steps:
            end = path.find("/", at)
            end = len(path) if end < 0 else end
            if end - at <= len(suffix) or not path.endswith(suffix, at, end) or not path.startswith(after, end):
                return -1
            at = end + len(after)
        return at

    def ends(self, path: str, at: int) -> bool:
        """True if the path ends with the run, and the run begins at ``at`` or later."""
        start = len(path)
        for _ in range(self.slashes):
            start = path.rfind("/", 0, max(start, 0))
        start -= len(self.head.partition("/")[0])
        return start >= at and self.end(path, start) == len(path)


class PathPattern:
    """A pattern: ``{name}`` stands for one segment or a part of one, ``*`` for anything, slashes too.

    Doubled slashes and a slash at the end do not matter. Raises :class:`PathPatternError`.
    """

    __slots__ = ("_first", "_last", "_middle", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        """The pattern as it was given."""
        if len(text) > LONGEST:
            raise PathPatternError(f"a pattern has {LONGEST} characters at most", "use * for a part of it")
        segments = _segments(text)
        for segment in segments:
            _check(segment)
        first, *others = ("/" + "/".join(segments)).split("*")
        self._first, self._middle, self._last = _Run.of(first), others[:-1], _Run.of(others[-1]) if others else None
        for name in _PARAMETER.findall("*".join(self._middle)):
            raise PathPatternError(f"{name} stands between two stars", "use * for it too")

    def matches(self, path: str) -> bool:
        """True if a path fits the pattern."""
        path = _normal(path)
        at = self._first.end(path, 0)
        if self._last is None or at < 0:
            return at == len(path)
        for text in self._middle:
            start = path.find(text, at)
            if start < 0:
                return False
            at = start + len(text)
        return self._last.ends(path, at)


def _normal(path: str) -> str:
    # Most paths are normal already, and a long one is compared with many patterns.
    if path[:1] == "/" and path[-1:] != "/" and "//" not in path:
        return path
    return "/" + "/".join(_segments(path))


def _segments(path: str) -> list[str]:
    return [segment for segment in path.split("/") if segment]


def _check(segment: str) -> None:
    names = _PARAMETER.findall(segment)
    if len(names) > 1:
        raise PathPatternError(f"{names[0]} and {names[1]} stand in one segment", "keep one, or use * for any text")
    if names and "*" in segment:
        raise PathPatternError(f"{names[0]} and * stand in one segment", "use * alone, it stands for both")
    if set(_PARAMETER.sub("", segment)) & set("{}"):
        raise PathPatternError(f"braces without a name in {segment!r}", "write {name}, or * for any text")
    if "?" in segment:
        raise PathPatternError("a path has no query", "leave out what follows the question mark")
