"""Why a request matched nothing: one sentence for the journal and for a header, in words of our own.

Nothing of what the client sent is repeated: it may hold secrets, and a header must stay one line.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher

from starlette.routing import Route
from starlette.types import Scope

from mock_heidi.router import NO_MATCH, Match, Router, split
from mock_heidi.settings import BASE_PATH, is_namespace

_HEIDI_HOST = re.compile(r"(^|[./@])heidihealth\.com(:\d+)?$", re.IGNORECASE)
_BASE = split(BASE_PATH)
_SIMILAR = 0.6
# More of a segment is not compared: it may be a megabyte.
_LONGEST = 64


def explain(router: Router, scope: Scope, below: Sequence[str] | None) -> str:
    """Why this request was not placed; ``below`` is its path below the base, None where it has not that base."""
    segments, method = split(scope["path"]), scope["method"]
    if segments[:1] == ["ns"]:
        if len(segments) > 1 and not is_namespace(segments[1]):
            return "what follows /ns is no name for a namespace: letters, digits, '-', '_' and '.', 64 at most"
        segments = segments[2:]
    match = NO_MATCH if below is None else router.find(method, below)
    if match.allow:
        return _wrong_method(method, segments, match)
    host = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")
    return (
        _elsewhere(segments, host)
        or _misplaced_base(router, method, segments)
        or _other_verb(router, method, segments)
        or _nearest(router, method, segments)
    )


def _wrong_method(method: str, segments: list[str], match: Match) -> str:
    used = " or ".join(match.allow)
    if method == "PUT" and "PATCH" in match.allow:
        return "use PATCH: Heidi changes only the fields that are sent, and knows no PUT"
    if segments[-1:] == ["patient-profiles:batch-delete"]:
        return "the batch-delete is a DELETE with a JSON body, not a POST" if method == "POST" else f"use {used}"
    return f"this path is for {used}"


def _elsewhere(segments: Sequence[str], host: str) -> str | None:
    if _HEIDI_HOST.search(host) or any(_HEIDI_HOST.search(segment) for segment in segments[:2]):
        return f"a real Heidi host was asked for: give your client this server and {BASE_PATH} as its base URL"
    return None


def _misplaced_base(router: Router, method: str, segments: list[str]) -> str | None:
    lower = [segment.lower() for segment in segments]
    for at in range(len(lower) - len(_BASE) + 1):
        if lower[at : at + len(_BASE)] == _BASE:
            rest = segments[at + len(_BASE) :]
            if lower[at + len(_BASE) :][: len(_BASE)] == _BASE:
                return f"the base path {BASE_PATH} stands there twice: your client adds it to a base URL that has it"
            if at or segments[at : at + len(_BASE)] != _BASE:
                return f"the path should begin with {BASE_PATH}, in lower case"
            return _spelling(router, method, rest)
    for cut in range(len(_BASE) + 1):
        # All of the base is missing, or only its beginning.
        if lower[:cut] == _BASE[len(_BASE) - cut :] and _placed(router, method, segments[cut:]):
            return f"the base path is missing: the path should begin with {BASE_PATH}"
    return None


def _spelling(router: Router, method: str, rest: Sequence[str]) -> str | None:
    lower = [segment.lower() for segment in rest]
    if lower != list(rest) and _placed(router, method, lower):
        return "paths are in lower case"
    return None


def _other_verb(router: Router, method: str, segments: list[str]) -> str | None:
    """``…/finish`` where a custom verb wants ``…:finish``."""
    rest = _below(segments)
    if len(rest) > 1:
        joined = [*rest[:-2], f"{rest[-2]}:{rest[-1]}"]
        route = router.find(method, joined).route
        if route is not None and ":" in route.path:
            return f"the verb is joined by a colon, not by a slash: {route.path}"
    return None


def _placed(router: Router, method: str, segments: Sequence[str]) -> bool:
    return router.find(method, segments) is not NO_MATCH


def _below(segments: list[str]) -> list[str]:
    return segments[len(_BASE) :] if segments[: len(_BASE)] == _BASE else segments


def _nearest(router: Router, method: str, segments: list[str]) -> str:
    """The documented path that looks most like this one."""
    asked = [segment[:_LONGEST] for segment in _below(segments)]

    def likeness(route: Route) -> float:
        steps = split(route.path)
        same = [
            0.7 if step.startswith("{") and ":" not in step else SequenceMatcher(None, step, given).ratio()
            for step, given in zip(steps, asked, strict=False)
        ]
        return sum(same) / max(len(steps), len(asked), 1)

    best = max(router.routes, key=lambda route: (likeness(route), method in (route.methods or ())))
    if asked and likeness(best) >= _SIMILAR:
        methods = sorted((best.methods or set()) - {"HEAD"})
        return f"there is no such path; the nearest is {' or '.join(methods)} {best.path}"
    return "there is no such path: mock-heidi routes lists them"
