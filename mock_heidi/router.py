"""The exact router: finds a route by dictionary, where a walk over the list would cost more than the handlers."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

from starlette.routing import Route

_PARAMETER = re.compile(r"\{(\w+)\}")
_VERB = re.compile(r":([\w-]+)$")
# The positions of a path's literal segments.
_Shape = tuple[int, ...]


class Match(NamedTuple):
    """What a path and a method lead to: a route, or the methods that the path would allow, or neither."""

    route: Route | None = None
    names: tuple[tuple[int, str], ...] = ()
    """Where the route's parameters stand."""
    allow: tuple[str, ...] = ()
    verbal: bool = False
    """Whether the path ends in a verb, which is no part of the parameter before it."""

    def params(self, segments: Sequence[str]) -> dict[str, str]:
        """The parameters in the segments of a path that has led here."""
        if self.verbal:
            segments = [*segments[:-1], segments[-1].rpartition(":")[0]]
        found = {}
        for at, name in self.names:
            found[name] = segments[at]
        return found


NO_MATCH = Match()

# What takes the literal segments out of a path, and what leads on from such ones: a match by method, and what there
# is for any other.
_Paths = tuple[Callable[[Sequence[str]], Any], dict[Any, tuple[dict[str, Match], Match]]]


def split(path: str) -> list[str]:
    """The segments of a path; doubled slashes and one at the end count for nothing."""
    segments = path.strip("/").split("/")
    return [segment for segment in segments if segment] if "" in segments else segments


class Router:
    """Looks a request up by its method and the shape of its path.

    Of the paths that fit, the most specific wins: ``/sessions/linked-user`` before ``/sessions/{session_id}``.
    A custom verb (``{recording_id}:finish``) counts as a segment of its own.
    """

    def __init__(self, routes: Sequence[Route]) -> None:
        self.routes = tuple(routes)
        self._verbs = {match[1] for route in routes if (match := _VERB.search(route.path))}
        # For each number of segments, the paths that have most literals first.
        self._paths: dict[int, list[_Paths]] = {}
        shapes = {self._shape(route): route for route in routes}
        for length, shape in sorted(shapes, key=lambda known: (-len(known[1]), known[1])):
            alike = [route for route in routes if self._shape(route) == (length, shape)]
            self._paths.setdefault(length, []).append((_taking(shape), self._by_literals(alike, _taking(shape))))

    def _steps(self, route: Route) -> list[str]:
        segments = split(route.path)
        return self._with_verb(segments) or segments

    def _shape(self, route: Route) -> tuple[int, _Shape]:
        segments = self._steps(route)
        return len(segments), tuple(at for at, step in enumerate(segments) if not _PARAMETER.fullmatch(step))

    def _by_literals(
        self, routes: Sequence[Route], literals: Callable[[Sequence[str]], Any]
    ) -> dict[Any, tuple[dict[str, Match], Match]]:
        found: dict[Any, dict[str, Match]] = {}
        for route in routes:
            segments = self._steps(route)
            names = tuple((at, match[1]) for at, step in enumerate(segments) if (match := _PARAMETER.fullmatch(step)))
            # Starlette adds HEAD to GET; the vendor's framework does not.
            methods = (route.methods or set()) - {"HEAD"}
            found.setdefault(literals(segments), {}).update(
                dict.fromkeys(methods, Match(route, names, verbal=bool(_VERB.search(route.path))))
            )
        return {key: (methods, Match(allow=tuple(sorted(methods)))) for key, methods in found.items()}

    def _with_verb(self, segments: Sequence[str]) -> list[str] | None:
        head, colon, verb = segments[-1].rpartition(":") if segments else ("", "", "")
        # No segment of a path can hold a slash, so the verb cannot be mistaken for one.
        return [*segments[:-1], head, "/" + verb] if colon and head and verb in self._verbs else None

    def find(self, method: str, segments: Sequence[str]) -> Match:
        """The route for a method and a path's segments."""
        if segments and ":" in segments[-1] and (verbal := self._with_verb(segments)):
            match = self.find(method, verbal)
            if match is not NO_MATCH:
                return match
        for literals, paths in self._paths.get(len(segments), ()):
            found = paths.get(literals(segments))
            if found is not None:
                methods, other = found
                return methods.get(method, other)
        return NO_MATCH


def _taking(shape: _Shape) -> Callable[[Sequence[str]], Any]:
    """What takes these positions out of a path's segments."""
    return itemgetter(*shape) if shape else lambda _: ()
