"""Reasons why a request matched nothing: one sentence for the journal and for a header, in words of our own.

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

# The names that the parts of a path go by elsewhere, as a word or several, and what the vendor calls them.
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
# What a client wants that reads a path which can only be written to.
_READ_AT = {
    "/sessions": "GET /sessions/linked-user lists the sessions of the linked user",
    "/sessions/{session_id}/consult-note": "GET /sessions/{session_id} shows the note",
    "/sessions/{session_id}/upload-audio": "GET /sessions/{session_id} lists the audio",
    "/users/linked-account": "GET /users/linked-account/access shows the account",
}


def explain(router: Router, scope: Scope, below: Sequence[str] | None) -> str:
    """The reason that this request was not placed; ``below`` is its path below the base, None if it lacks the base."""
    segments, method = split(scope["path"]), scope["method"]
    if segments[:1] == ["ns"]:
        if len(segments) > 1 and not is_namespace(segments[1]):
            return "what follows /ns is no name for a namespace: letters, digits, '-', '_' and '.', 64 at most"
        segments = segments[2:]
    match = NO_MATCH if below is None else router.find(method, below)
    if match.allow:
        return _wrong_method(router, method, segments, match)
    host = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")
    return (
        _elsewhere(segments, host)
        or _misplaced_base(router, method, segments)
        or _other_verb(router, method, segments)
        or _nearest(router, method, segments)
    )


def _wrong_method(router: Router, method: str, segments: list[str], match: Match) -> str:
    used = " or ".join(match.allow)
    route = _any_method(router, method, _below(segments))
    if method == "GET" and route is not None and route.path in _READ_AT:
        return f"this path is for {used}; {_READ_AT[route.path]}"
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
    """The documented path that goes by these words elsewhere, or else the one that looks most like them."""
    asked = [segment[:_LONGEST] for segment in _below(segments)]
    route = _renamed(router, method, asked) or _similar(router, method, asked)
    if route is None:
        return "there is no such path: mock-heidi routes lists them"
    methods = sorted((route.methods or set()) - {"HEAD"})
    read = f"; {_READ_AT[route.path]}" if method == "GET" and route.path in _READ_AT else ""
    return f"there is no such path; the nearest is {' or '.join(methods)} {route.path}{read}"


def _renamed(router: Router, method: str, asked: list[str]) -> Route | None:
    """The route that a path leads to once its words are the vendor's, with a session before them if need be."""
    renamed = _in_vendors_words(asked)
    verbal = [*renamed[:-2], ":".join(renamed[-2:])]
    forms = [["sessions", "1", *renamed]] if renamed == asked else [renamed, ["sessions", "1", *renamed]]
    found = [_any_method(router, method, segments) for segments in forms]
    joined = _any_method(router, method, verbal)
    # A colon may stand in an id too: it means a verb only where the route has one.
    found.append(joined if joined is not None and ":" in joined.path else None)
    return next((route for route in found if route is not None), None)


def _any_method(router: Router, method: str, segments: Sequence[str]) -> Route | None:
    match = router.find(method, segments)
    return match.route or (router.find(match.allow[0], segments).route if match.allow else None)


def _in_vendors_words(asked: Sequence[str]) -> list[str]:
    renamed: list[str] = []
    words = [segment.lower().replace("_", "-") for segment in asked]
    at = 0
    while at < len(words):
        # The longest name first: templates/notes is one name, not two.
        names = ((_SYNONYMS.get(tuple(words[at : at + count])), count) for count in range(_MOST_WORDS, 0, -1))
        name, count = next(((name, count) for name, count in names if name), ([asked[at]], 1))
        renamed += name
        at += count
    return renamed


def _similar(router: Router, method: str, asked: Sequence[str]) -> Route | None:
    """The route whose path looks most like this one, if it looks much like it."""

    def likeness(route: Route) -> float:
        steps = split(route.path)
        same = [
            0.7 if step.startswith("{") and ":" not in step else SequenceMatcher(None, step, given).ratio()
            for step, given in zip(steps, asked, strict=False)
        ]
        return sum(same) / max(len(steps), len(asked), 1)

    best = max(router.routes, key=lambda route: (likeness(route), method in (route.methods or ())))
    return best if asked and likeness(best) >= _SIMILAR else None
