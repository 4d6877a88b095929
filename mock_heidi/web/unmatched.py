"""The reason why a request matched no operation: one sentence for the journal and for a header.

It never repeats text of the client, which may contain secrets or line breaks.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher

from starlette.routing import Route
from starlette.types import Scope

from mock_heidi.base.settings import BASE_PATH, NAME_RULE, is_namespace
from mock_heidi.serving.proxy import PROXIED
from mock_heidi.web.router import NO_MATCH, Router, split

_HEIDI_HOST = re.compile(r"(^|[./@])heidihealth\.com(:\d+)?$", re.IGNORECASE)
_BASE = split(BASE_PATH)
_SIMILAR = 0.6
# Only the first characters of a segment are compared, since it may be a megabyte long.
_LONGEST = 64

# The vendor's names for parts of a path, with the names that other APIs use.
_OTHER_NAMES = {
    "jwt": "auth auth/token authenticate login oauth/token session-token sign-in signin token tokens",
    "users/linked-account": "account accounts link link-account linked-account users/account users/link",
    "users/linked-account/access": "access account/access linked-account/access users/access",
    "users/linked-account:unlink": "unlink users/unlink users/linked-account/unlink",
    "templates/consult-note-templates": "consult-note-templates consult-notes/templates note-templates templates"
    " templates/consult-note templates/consult-notes templates/notes",
    "templates/document-templates": "document-templates documents/templates templates/document templates/documents"
    " templates/letters",
    "patient-profiles": "patient patientprofile patientprofiles patients profile profiles",
    "sessions": "consultation consultations encounter encounters visit visits",
    "sessions/linked-user": "linked-user linked-user-sessions users/sessions",
    "context-documents": "attachments context context-document context-files files",
    "upload-audio": "audio audio-file audio-upload upload",
    "restful-segment-transcription": "chunks record recording recordings segment segment-transcription segments",
    "transcript": "text transcription transcripts",
    "transcript/live": "live live-transcript live-transcription transcript-live transcription/live transcripts/live",
    "consult-note": "clinical-note clinical-notes generate-note note notes soap soap-note summary",
    "client-customised-template/response": "client-customised-template client-customized-template"
    " client-customized-template/response custom-template customised-template questions template template/response",
    "documents": "document letter letters referral referrals",
    "ask-ai": "ai ask ask-heidi ask-question askai chat",
    "clinical-codes": "clinical-coding code codes coding diagnoses icd icd-10 icd10 snomed",
}
_SYNONYMS = {tuple(split(other)): split(name) for name, many in _OTHER_NAMES.items() for other in many.split()}
_MOST_WORDS = max(map(len, _SYNONYMS))
# Hints for GET requests to paths that only accept writes.
_READ_AT = {
    "/sessions": "GET /sessions/linked-user lists the sessions of the linked user",
    "/sessions/{session_id}/consult-note": "GET /sessions/{session_id} shows the note",
    "/sessions/{session_id}/upload-audio": "GET /sessions/{session_id} lists the audio",
    "/users/linked-account": "GET /users/linked-account/access shows the account",
}


def explain(router: Router, scope: Scope, below: str | None) -> str:
    """A sentence that says why this request matched no operation.

    ``below`` is its path below the base path, or None if it has another base.
    """
    segments, method = split(scope["path"]), scope["method"]
    if segments[:1] == ["ns"]:
        if len(segments) > 1 and not is_namespace(segments[1]):
            return f"what follows /ns is not a valid name for a namespace: {NAME_RULE}"
        segments = segments[2:]
    _, _, allow = NO_MATCH if below is None else router.find(method, below)
    if allow:
        return _wrong_method(router, method, segments, allow)
    host = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")
    return (
        (None if PROXIED in scope else _elsewhere(segments, host))
        or _misplaced_base(router, method, segments)
        or _other_verb(router, method, segments)
        or _nearest(router, method, segments)
    )


def _wrong_method(router: Router, method: str, segments: list[str], allow: Sequence[str]) -> str:
    used = " or ".join(allow)
    route = _any_method(router, method, _below(segments))
    if method == "GET" and route is not None and route.path in _READ_AT:
        return f"this path is for {used}; {_READ_AT[route.path]}"
    if method == "PUT" and "PATCH" in allow:
        return "use PATCH: Heidi changes only the fields that are sent, and has no PUT"
    if segments[-1:] == ["patient-profiles:batch-delete"]:
        return "the batch-delete is a DELETE with a JSON body, not a POST" if method == "POST" else f"use {used}"
    return f"this path is for {used}"


def _elsewhere(segments: Sequence[str], host: str) -> str | None:
    if _HEIDI_HOST.search(host) or any(_HEIDI_HOST.search(segment) for segment in segments[:2]):
        return f"the request is for a real Heidi host: give your client this server and {BASE_PATH} as its base URL"
    return None


def _misplaced_base(router: Router, method: str, segments: list[str]) -> str | None:
    lower = [segment.lower() for segment in segments]
    for at in range(len(lower) - len(_BASE) + 1):
        if lower[at : at + len(_BASE)] == _BASE:
            rest = segments[at + len(_BASE) :]
            if lower[at + len(_BASE) :][: len(_BASE)] == _BASE:
                return f"the base path {BASE_PATH} is in the path twice: your client adds it to a base URL that has it"
            if at or segments[at : at + len(_BASE)] != _BASE:
                return f"the path should begin with {BASE_PATH}, in lower case"
            return _spelling(router, method, rest)
    for cut in range(len(_BASE) + 1):
        # The whole base path is missing, or only its beginning.
        if lower[:cut] == _BASE[len(_BASE) - cut :] and _placed(router, method, segments[cut:]):
            return f"the base path is missing: the path should begin with {BASE_PATH}"
    return None


def _spelling(router: Router, method: str, rest: Sequence[str]) -> str | None:
    lower = [segment.lower() for segment in rest]
    if lower != list(rest) and _placed(router, method, lower):
        return "paths are in lower case"
    return None


def _other_verb(router: Router, method: str, segments: list[str]) -> str | None:
    """A hint for ``…/finish`` if the route is ``…:finish``, else None."""
    rest = _below(segments)
    if len(rest) > 1:
        joined = [*rest[:-2], f"{rest[-2]}:{rest[-1]}"]
        route, _, _ = router.find(method, "/".join(joined))
        if route is not None and ":" in route.path:
            return f"the verb is joined by a colon, not by a slash: {route.path}"
    return None


def _placed(router: Router, method: str, segments: Sequence[str]) -> bool:
    return router.find(method, "/".join(segments)) is not NO_MATCH


def _below(segments: list[str]) -> list[str]:
    return segments[len(_BASE) :] if segments[: len(_BASE)] == _BASE else segments


def _nearest(router: Router, method: str, segments: list[str]) -> str:
    """A hint that names the documented path with this meaning or, if there is none, the most similar one."""
    given = [segment[:_LONGEST] for segment in _below(segments)]
    route = _renamed(router, method, given) or _similar(router, method, given)
    if route is None:
        return "there is no such path: mock-heidi routes lists them"
    methods = sorted((route.methods or set()) - {"HEAD"})
    read = f"; {_READ_AT[route.path]}" if method == "GET" and route.path in _READ_AT else ""
    return f"there is no such path; the nearest is {' or '.join(methods)} {route.path}{read}"


def _renamed(router: Router, method: str, given: list[str]) -> Route | None:
    """The route of a path after its words are replaced by the vendor's, below a session if necessary."""
    renamed = _in_vendors_words(given)
    verbal = [*renamed[:-2], ":".join(renamed[-2:])]
    candidates = [["sessions", "1", *renamed]] if renamed == given else [renamed, ["sessions", "1", *renamed]]
    found = [_any_method(router, method, segments) for segments in candidates]
    joined = _any_method(router, method, verbal)
    # An id may contain a colon, which marks a verb only if the route has one.
    found.append(joined if joined is not None and ":" in joined.path else None)
    return next((route for route in found if route is not None), None)


def _any_method(router: Router, method: str, segments: Sequence[str]) -> Route | None:
    path = "/".join(segments)
    route, _, allow = router.find(method, path)
    return route or (router.find(allow[0], path)[0] if allow else None)


def _in_vendors_words(given: Sequence[str]) -> list[str]:
    renamed: list[str] = []
    words = [segment.lower().replace("_", "-") for segment in given]
    at = 0
    while at < len(words):
        # Try the longest names first: templates/notes is one name.
        names = ((_SYNONYMS.get(tuple(words[at : at + count])), count) for count in range(_MOST_WORDS, 0, -1))
        name, count = next(((name, count) for name, count in names if name), ([given[at]], 1))
        renamed += name
        at += count
    return renamed


def _similar(router: Router, method: str, given: Sequence[str]) -> Route | None:
    """The route with the most similar path, or None if no path is similar enough."""

    def likeness(route: Route) -> float:
        steps = split(route.path)
        same = [
            0.7 if step.startswith("{") and ":" not in step else SequenceMatcher(None, step, segment).ratio()
            for step, segment in zip(steps, given, strict=False)
        ]
        return sum(same) / max(len(steps), len(given), 1)

    best = max(router.routes, key=lambda route: (likeness(route), method in (route.methods or ())))
    return best if given and likeness(best) >= _SIMILAR else None
