"""Refuse or redirect the paths that a strict service does not accept, if the assumptions say so."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from starlette.responses import RedirectResponse

from mock_heidi.base.errors import NotFoundError, UnprocessableError
from mock_heidi.web.admission import admit
from mock_heidi.web.request import Request
from mock_heidi.web.router import Match, split

_FORMS = {
    "patient_profile_id": (re.compile(r"[0-9a-f]{24}"), "24 lower-case hex digits"),
    "session_id": (re.compile(r"[0-9]{1,39}"), "1 to 39 decimal digits"),
    "recording_id": (re.compile(r"[0-9]{1,39}"), "decimal digits"),
}

_UPLOAD_ONLY = ["context-documents"]


def check_path(request: Request) -> None:
    """Set a redirect as the answer, or raise an error, if the assumptions do not accept the path."""
    if request.answer is not None:
        return
    if request.segments[2:] == _UPLOAD_ONLY and request.assumptions["context_documents_methods"] == "refused_405":
        _allow_only_post(request)
    if request.route is None:
        return
    slashes, plain = request.assumptions["extra_slashes"], "/" + "/".join(split(request.scope["path"]))
    if slashes != "served" and request.scope["path"] != plain:
        if slashes == "not_found":
            raise NotFoundError
        query = request.scope["query_string"].decode("latin-1")
        request.answer = RedirectResponse(f"{plain}?{query}" if query else plain)
    elif request.assumptions["malformed_id"] != NotFoundError.status:
        admit(request)
        _check_ids(request.params)


def _allow_only_post(request: Request) -> None:
    """Remove the route of a request that is not a POST: its path then accepts only POST."""
    if request.scope["method"] != "POST":
        request.match, request.why = Match(allow=("POST",)), "this path is for POST"
        request.route = request.operation = None


def _check_ids(params: Mapping[str, str]) -> None:
    """Raise :class:`UnprocessableError` for an id in the wrong form."""
    wrong = [_problem(name, given) for name, given in params.items() if not _FORMS[name][0].fullmatch(given)]
    if wrong:
        raise UnprocessableError(wrong)


def _problem(name: str, given: str) -> dict[str, Any]:
    return {"type": "string_form", "loc": ["path", name], "msg": f"Input should be {_FORMS[name][1]}", "input": given}
