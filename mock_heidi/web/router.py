"""The exact router: finds a route by dictionary, where a walk over the list would cost more than the handlers."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

from starlette.routing import Route

_PARAMETER = re.compile(r"\{(\w+)\}")
_VERB = re.compile(r":([\w-]+)$")


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

# A function that takes the literal segments out of a path, and for each result the matches by method.
_Paths = tuple[Callable[[Sequence[str]], Any], dict[Any, dict[str, Match]]]


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
        # For each number of segments and verb, by the positions of the literals.
        shapes: dict[tuple[int, str], dict[tuple[int, ...], _Paths]] = {}
        for route in routes:
            segments, verb = self._apart(split(route.path))
            names = {at: match[1] for at, step in enumerate(segments) if (match := _PARAMETER.fullmatch(step))}
            literal = tuple(at for at in range(len(segments)) if at not in names)
            take = itemgetter(*literal) if literal else lambda _: ()
            _, paths = shapes.setdefault((len(segments), verb), {}).setdefault(literal, (take, {}))
            matches = paths.setdefault(take(segments), {})
            # Starlette adds HEAD to GET; the vendor's framework does not.
            for method in (route.methods or set()) - {"HEAD"}:
                matches[method] = Match(route, tuple(names.items()), verbal=bool(verb))
        # Those that have most literals first.
        self._paths: dict[tuple[int, str], list[_Paths]] = {
            key: [paths for _, paths in sorted(alike.items(), key=lambda one: (-len(one[0]), one[0]))]
            for key, alike in shapes.items()
        }

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
            methods = paths.get(literals(segments))
            if methods is not None:
                return methods.get(method) or Match(allow=tuple(sorted(methods)))
        return NO_MATCH
