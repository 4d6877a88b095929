"""The exact router. It looks routes up in dictionaries: trying each route would cost more than the handlers."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

from starlette.routing import Route

_PARAMETER = re.compile(r"\{(\w+)\}")
_VERB = re.compile(r":([\w-]+)$")


class Match(NamedTuple):
    """The result for a path and a method: a route, or the methods that the path allows, or neither."""

    route: Route | None = None
    names: tuple[tuple[int, str], ...] = ()
    """The positions and names of the route's parameters."""
    allow: tuple[str, ...] = ()
    verbal: bool = False
    """True if the path ends in a verb. The verb is not part of the parameter before it."""

    def params(self, segments: Sequence[str]) -> dict[str, str]:
        """The parameters in the segments of a matched path."""
        if self.verbal:
            segments = [*segments[:-1], segments[-1].rpartition(":")[0]]
        found = {}
        for at, name in self.names:
            found[name] = segments[at]
        return found


NO_MATCH = Match()

# A function that returns the literal segments of a path, and the matches for each result, by method.
_Paths = tuple[Callable[[Sequence[str]], Any], dict[Any, dict[str, Match]]]


def split(path: str) -> list[str]:
    """The segments of a path. Double slashes and a slash at the end are ignored."""
    segments = path.strip("/").split("/")
    return [segment for segment in segments if segment] if "" in segments else segments


class Router:
    """Finds a route by the method and the path of a request.

    The most specific path wins: ``/sessions/linked-user`` before ``/sessions/{session_id}``. A custom verb
    (``{recording_id}:finish``) belongs to the route, never to a parameter.
    """

    def __init__(self, routes: Sequence[Route]) -> None:
        self.routes = tuple(routes)
        self._verbs = {match[1] for route in routes if (match := _VERB.search(route.path))}
        # By the number of segments and the verb, then by the positions of the literal segments.
        shapes: dict[tuple[int, str], dict[tuple[int, ...], _Paths]] = {}
        for route in routes:
            segments, verb = self._split_verb(split(route.path))
            names = {at: match[1] for at, step in enumerate(segments) if (match := _PARAMETER.fullmatch(step))}
            literal = tuple(at for at in range(len(segments)) if at not in names)
            take = itemgetter(*literal) if literal else lambda _: ()
            _, paths = shapes.setdefault((len(segments), verb), {}).setdefault(literal, (take, {}))
            matches = paths.setdefault(take(segments), {})
            # Starlette adds HEAD to GET; the vendor's framework does not.
            for method in (route.methods or set()) - {"HEAD"}:
                matches[method] = Match(route, tuple(names.items()), verbal=bool(verb))
        # The paths with the most literal segments come first.
        self._paths: dict[tuple[int, str], list[_Paths]] = {
            key: [paths for _, paths in sorted(alike.items(), key=lambda one: (-len(one[0]), one[0]))]
            for key, alike in shapes.items()
        }

    def _split_verb(self, segments: Sequence[str]) -> tuple[Sequence[str], str]:
        """The segments without the custom verb at their end, and the verb, ``""`` if there is none."""
        head, _, verb = segments[-1].rpartition(":") if segments else ("", "", "")
        return ([*segments[:-1], head], verb) if head and verb in self._verbs else (segments, "")

    def find(self, method: str, segments: Sequence[str], verb: str = "") -> Match:
        """The match for a method and the segments of a path. ``verb`` is the verb if it is already split off."""
        if not verb and segments and ":" in segments[-1]:
            rest, ending = self._split_verb(segments)
            match = self.find(method, rest, ending) if ending else NO_MATCH
            if match is not NO_MATCH:
                return match
        for literals, paths in self._paths.get((len(segments), verb), ()):
            methods = paths.get(literals(segments))
            if methods is not None:
                return methods.get(method) or Match(allow=tuple(sorted(methods)))
        return NO_MATCH
