"""The exact router. It finds a route with one regular expression: trying each route would cost more than handlers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from starlette.routing import Route

_PARAMETER = re.compile(r"\{(\w+)\}")


# A route and its parameters by name; or no route, and the methods that the path allows.
Found = tuple[Route | None, Mapping[str, str], Sequence[str]]
NO_MATCH: Found = None, {}, ()


def split(path: str) -> list[str]:
    """The segments of a path. Double slashes and a slash at the end are ignored."""
    segments = path.strip("/").split("/")
    return [segment for segment in segments if segment] if "" in segments else segments


def _generality(path: str) -> list[tuple[bool, bool]]:
    """The key that sorts specific paths first: literal segments, then parameters with a custom verb, then others."""
    return [("{" in segment, segment.endswith("}")) for segment in split(path)]


class Router:
    """Finds a route by the method and the path of a request.

    The most specific path wins: ``/sessions/linked-user`` before ``/sessions/{session_id}``. A custom verb
    (``{recording_id}:finish``) belongs to the route, never to a parameter.
    """

    def __init__(self, routes: Sequence[Route]) -> None:
        self.routes = tuple(routes)
        paths: dict[str, dict[str, Route]] = {}
        for route in routes:
            # Starlette adds HEAD to GET; the vendor's framework does not.
            for method in (route.methods or set()) - {"HEAD"}:
                paths.setdefault(route.path, {})[method] = route
        self._paths: dict[int | None, tuple[dict[str, Route], dict[str, int]]] = {}
        """The routes of a path by method, and the groups of its parameters, by the last group that has matched."""
        patterns, last = [], 0
        for path in sorted(paths, key=_generality):
            literals = map(re.escape, _PARAMETER.split("/".join(split(path)))[::2])
            patterns.append("([^/]+)".join(literals) + "()")
            names = {name: last + at for at, name in enumerate(_PARAMETER.findall(path), 1)}
            last += len(names) + 1
            self._paths[last] = paths[path], names
        self._pattern = re.compile("|".join(patterns))

    def find(self, method: str, path: str) -> Found:
        """The route for a method and a path with its parameters, or the methods that the path allows."""
        found = self._pattern.fullmatch(path) or self._pattern.fullmatch("/".join(split(path)))
        if found is None:
            return NO_MATCH
        routes, names = self._paths[found.lastindex]
        if method not in routes:
            return None, {}, sorted(routes)
        return routes[method], {name: found[group] for name, group in names.items()} if names else {}, ()
