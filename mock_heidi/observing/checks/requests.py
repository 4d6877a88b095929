"""Checks of single requests: the path, the fields, the parameters, the content type, and refusals."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from mock_heidi.faults.request_facts import below_base
from mock_heidi.observing.checks.check import Check, Line, Note
from mock_heidi.observing.documented import documented
from mock_heidi.observing.parsed_entries import ParsedEntry

# The limits of one body, which may hold thousands of fields: a person does not read more.
_MOST_FIELDS = 100
_MOST_PROBLEMS = 10
_LONGEST_PATH = 80
_LONGEST_TYPE = 40
_UNKNOWN = (404, 405)
_REFUSED = (400, 422)
# The finding of a refusal that Refusals does not repeat.
_OWN_FINDING = "segment_after_finish"
# Calls to the same unknown path about different sessions and patients are one finding.
_ID = re.compile(r"(?<=/)(?:\d+|[0-9a-fA-F]{24}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})(?=[/:]|$)")


class UnknownPaths(Check):
    """A call to a path or method that does not exist."""

    def __init__(self, line: Line) -> None:
        self.line = line

    def look(self, request: ParsedEntry, note: Note) -> None:
        entry = request.entry
        if request.operation is None and entry.status in _UNKNOWN and not entry.stray:
            line = self.line(entry)
            path = _ID.sub("{id}", below_base(line["path"]))
            why = f" ({entry.why})" if entry.why else ""
            note("unknown_path", f"{line['method']} {path[:_LONGEST_PATH]}{why}")


class Refusals(Check):
    """A request that the API itself refused with 400 or 422."""

    def look(self, request: ParsedEntry, note: Note) -> None:
        status = request.entry.status
        ours = request.operation is not None and not request.made_by_test and _OWN_FINDING not in request.entry.findings
        if ours and status in _REFUSED:
            for problem in islice(_problems(request.response.get("detail")), _MOST_PROBLEMS):
                note("invalid_request", f"{status} at {request.operation}{problem}")


def _problems(detail: Any) -> Iterable[str]:
    """The text of an error's ``detail``, in the vendor's three forms: a text, a named error, a list of bad fields."""
    if isinstance(detail, list):
        return (f": {_place(row.get('loc'))}: {row.get('msg')}" for row in detail if isinstance(row, dict))
    text = detail.get("msg") if isinstance(detail, dict) else detail
    # A fault may have changed the body of a refusal.
    return [f": {text}" if isinstance(text, str) else ""]


def _place(location: Any) -> str:
    """The place of a field, such as ``body.session_ids.*``. All items of a list have the same place."""
    steps = location if isinstance(location, list) else []
    return ".".join("*" if isinstance(step, int) else str(step) for step in steps)


class Fields(Check):
    """A field of a body, or a part of a form, that is not documented."""

    def look(self, request: ParsedEntry, note: Note) -> None:
        known = documented().get(request.operation or "")
        parts = request.entry.parts
        body = request.body if parts is None else {part["name"]: None for part in parts}
        if known is not None and known.fields is not None and isinstance(body, dict):
            for name in islice(_unknown(body, known.fields), _MOST_FIELDS):
                note("unknown_field", f"{name} of {request.operation}")


def _unknown(body: Mapping[str, Any], known: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Names in a body that are not documented; those inside others as ``patient.name``."""
    found = []
    for name, value in body.items():
        if name not in known:
            found.append(prefix + str(name))
        elif known[name] is not None:
            for item in value if isinstance(value, list) else [value]:
                if isinstance(item, dict):
                    found += _unknown(item, known[name], f"{prefix}{name}.")
    return list(dict.fromkeys(found))


class Parameters(Check):
    """A query parameter that is not documented."""

    def look(self, request: ParsedEntry, note: Note) -> None:
        known = documented().get(request.operation or "")
        if known is not None:
            for name in request.query:
                if name not in known.parameters:
                    note("unknown_parameter", f"{name} of {request.operation}")


class ContentType(Check):
    """A JSON body with another content type, or none. The mock reads it; a FastAPI service answers 422."""

    def look(self, request: ParsedEntry, note: Note) -> None:
        known = documented().get(request.operation or "")
        sent = request.headers.get(b"content-type", b"").decode("latin-1").partition(";")[0].strip().lower()
        if known is not None and known.takes_json and request.body and not _is_json(sent):
            note("json_content_type", f"{request.operation} with {sent[:_LONGEST_TYPE] or 'no content type'}")


def _is_json(media_type: str) -> bool:
    return media_type == "application/json" or (media_type.startswith("application/") and media_type.endswith("+json"))
