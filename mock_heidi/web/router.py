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
    """The result for a path and a method: a route, or the methods that the path would allow, or neither."""

    route: Route | None = None
    names: tuple[tuple[int, str], ...] = ()
    """The positions and names of the route's parameters."""
    allow: tuple[str, ...] = ()
    verbal: bool = False
    """True if the path ends in a verb, which does not belong to the parameter before it."""

    def params(self, segments: Sequence[str]) -> dict[str, str]:
        """The parameters in the segments of a path that has led here."""
        if self.verbal:
            segments = [*segments[:-1], segments[-1].rpartition(":")[0]]
        found = {}
        for at, name in self.names:
            found[name] = segments[at]
        return found


NO_MATCH = Match()

# A function that takes the literal segments out of a path, and for each result the match by method and that for any
# other method.
_Paths = tuple[Callable[[Sequence[str]], Any], dict[Any, tuple[dict[str, Match], Match]]]


def split(path: str) -> list[str]:
    """The segments of a path; doubled slashes and one at the end count for nothing."""
    segments = path.strip("/").split("/")
    return [segment for segment in segments if segment] if "" in segments else segments


class Router:
    """Looks a request up by its method and the shape of its path.

    Of the paths that fit, the most specific wins: ``/sessions/linked-user`` before ``/sessions/{session_id}``.
    A custom verb (``{recording_id}:finish``) belongs to the route: no parameter takes it.
    """

    def __init__(self, routes: Sequence[Route]) -> None:
        self.routes = tuple(routes)
        self._verbs = {match[1] for route in routes if (match := _VERB.search(route.path))}
        # For each number of segments and verb, the paths that have most literals first.
        self._paths: dict[tuple[int, str], list[_Paths]] = {}
        alike: dict[tuple[int, str, _Shape], list[Route]] = {}
        for route in routes:
            alike.setdefault(self._shape(route), []).append(route)
        for length, verb, shape in sorted(alike, key=lambda known: (-len(known[2]), known)):
            found = self._by_literals(alike[length, verb, shape], _taking(shape))
            self._paths.setdefault((length, verb), []).append((_taking(shape), found))

    def _shape(self, route: Route) -> tuple[int, str, _Shape]:
        segments, verb = self._apart(split(route.path))
        literal = tuple(at for at, step in enumerate(segments) if not _PARAMETER.fullmatch(step))
        return len(segments), verb, literal

    def _by_literals(
        self, routes: Sequence[Route], literals: Callable[[Sequence[str]], Any]
    ) -> dict[Any, tuple[dict[str, Match], Match]]:
        found: dict[Any, dict[str, Match]] = {}
        for route in routes:
            segments, verb = self._apart(split(route.path))
            names = tuple((at, match[1]) for at, step in enumerate(segments) if (match := _PARAMETER.fullmatch(step)))
            # Starlette adds HEAD to GET; the vendor's framework does not.
            methods = (route.methods or set()) - {"HEAD"}
            found.setdefault(literals(segments), {}).update(
                dict.fromkeys(methods, Match(route, names, verbal=bool(verb)))
            )
        return {key: (methods, Match(allow=tuple(sorted(methods)))) for key, methods in found.items()}

    def _apart(self, segments: Sequence[str]) -> tuple[Sequence[str], str]:
        """The segments without the verb of a route at their end, and that verb; ``""`` without one."""
        head, _, verb = segments[-1].rpartition(":") if segments else ("", "", "")
        return ([*segments[:-1], head], verb) if head and verb in self._verbs else (segments, "")

    def find(self, method: str, segments: Sequence[str], verb: str = "") -> Match:
        """The route for a method and the segments of a path, whose verb may already be split off."""
        if not verb and segments and ":" in segments[-1]:
            rest, ending = self._apart(segments)
            match = self.find(method, rest, ending) if ending else NO_MATCH
            if match is not NO_MATCH:
                return match
        for literals, paths in self._paths.get((len(segments), verb), ()):
            found = paths.get(literals(segments))
            if found is not None:
                methods, other = found
                return methods.get(method, other)
        return NO_MATCH


def _taking(shape: _Shape) -> Callable[[Sequence[str]], Any]:
    """A function that takes these positions out of a path's segments."""
    return itemgetter(*shape) if shape else lambda _: ()
