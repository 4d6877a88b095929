"""Refuse or redirect the paths that a strict service does not accept, if the assumptions say so."""

from __future__ import annotations

import re
from typing import Any

from starlette.responses import RedirectResponse, Response

from mock_heidi.base.errors import NotFoundError, UnprocessableError
from mock_heidi.web.admission import admit
from mock_heidi.web.request import Request
from mock_heidi.web.router import split

_FORMS = {
    "patient_profile_id": (re.compile(r"[0-9a-f]{24}"), "24 lower-case hex digits"),
    "session_id": (re.compile(r"[0-9]{1,39}"), "1 to 39 decimal digits"),
    "recording_id": (re.compile(r"[0-9]{1,39}"), "decimal digits"),
}

_UPLOAD_ONLY = "/context-documents"


def check_path(request: Request) -> Response | None:
    """A redirect, or None if the assumptions accept the path. Raises an error if they refuse it."""
    plain, known = "/" + "/".join(split(request.scope["path"])), request.route is not None or request.allow
    upload_only = known and plain.endswith(_UPLOAD_ONLY) and request.scope["method"] != "POST"
    if upload_only and request.meet("context_documents_methods") == "refused_405":
        request.allow, request.why = ("POST",), "this path is for POST"
        request.route = request.operation = None
    if request.route is None:
        return None
    if request.scope["path"] != plain and (slashes := request.meet("extra_slashes")) != "served":
        if slashes == "not_found":
            raise NotFoundError
        query = request.scope["query_string"].decode("latin-1")
        return RedirectResponse(f"{plain}?{query}" if query else plain)
    if request.assumptions["malformed_id"] != NotFoundError.status:
        admit(request)
        if wrong := wrong_ids(request):
            request.meet("malformed_id")
            raise UnprocessableError(wrong)
    return None


def wrong_ids(request: Request) -> list[dict[str, Any]]:
    """The problems of the ids in the path that have the wrong form."""
    params = request.params if request.route is not None else {}
    return [_problem(name, given) for name, given in params.items() if not _FORMS[name][0].fullmatch(given)]


def _problem(name: str, given: str) -> dict[str, Any]:
    return {"type": "string_form", "loc": ["path", name], "msg": f"Input should be {_FORMS[name][1]}", "input": given}
