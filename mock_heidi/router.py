"""The exact router: finds a route by dictionary, where a walk over the list would cost more than the handlers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from starlette.routing import Route

_PARAMETER = re.compile(r"\{(\w+)\}")
_VERB = re.compile(r":([\w-]+)$")
# The positions of a path's literal segments.
_Shape = tuple[int, ...]


class Match(NamedTuple):
    """What a path and a method lead to: a route, or the methods that the path would allow, or neither."""

    route: Route | None
    params: dict[str, str]
    allow: tuple[str, ...] = ()


def split(path: str) -> list[str]:
    """The segments of a path; doubled slashes and one at the end count for nothing."""
    return [segment for segment in path.split("/") if segment]


class Router:
    """Looks a request up by its method and the shape of its path.

    Of the paths that fit, the most specific wins: ``/sessions/linked-user`` before ``/sessions/{session_id}``.
    A custom verb (``{recording_id}:finish``) counts as a segment of its own.
    """

    def __init__(self, routes: Sequence[Route]) -> None:
        # For each number of segments, which of them are literal in some path: most literals first.
        self._shapes: dict[int, list[_Shape]] = {}
        # For each path, by its length, shape and literals: the routes by method, with where their parameters stand.
        self._paths: dict[tuple[int, _Shape, tuple[str, ...]], dict[str, tuple[Route, list[tuple[int, str]]]]] = {}
        self.routes = tuple(routes)
        self._verbs = {match[1] for route in routes if (match := _VERB.search(route.path))}
        for route in routes:
            self._add(route)
        for shapes in self._shapes.values():
            shapes.sort(key=lambda shape: (-len(shape), shape))

    def _add(self, route: Route) -> None:
        segments = split(route.path)
        segments = self._with_verb(segments) or segments
        names = [(at, match[1]) for at, segment in enumerate(segments) if (match := _PARAMETER.fullmatch(segment))]
        dynamic = [at for at, _ in names]
        shape = tuple(at for at in range(len(segments)) if at not in dynamic)
        shapes = self._shapes.setdefault(len(segments), [])
        if shape not in shapes:
            shapes.append(shape)
        methods = self._paths.setdefault((len(segments), shape, tuple(segments[at] for at in shape)), {})
        # Starlette adds HEAD to GET; the vendor's framework does not.
        for method in (route.methods or set()) - {"HEAD"}:
            methods[method] = route, names

    def _with_verb(self, segments: Sequence[str]) -> list[str] | None:
        head, colon, verb = segments[-1].rpartition(":") if segments else ("", "", "")
        # No segment of a path can hold a slash, so the verb cannot be mistaken for one.
        return [*segments[:-1], head, "/" + verb] if colon and head and verb in self._verbs else None

    def find(self, method: str, segments: Sequence[str]) -> Match:
        """The route for a method and a path's segments."""
        if segments and ":" in segments[-1]:
            verbal = self._with_verb(segments)
            match = verbal and self._find(method, verbal)
            if match and (match.route or match.allow):
                return match
        return self._find(method, segments)

    def _find(self, method: str, segments: Sequence[str]) -> Match:
        length = len(segments)
        for shape in self._shapes.get(length, ()):
            methods = self._paths.get((length, shape, tuple([segments[at] for at in shape])))
            if methods is not None:
                found = methods.get(method)
                if found is None:
                    return Match(None, {}, tuple(sorted(methods)))
                route, names = found
                return Match(route, {name: segments[at] for at, name in names})
        return Match(None, {})
