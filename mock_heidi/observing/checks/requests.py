"""Checks of single requests: the path, refusals, and parts that no page documents."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import islice
from typing import Any

from mock_heidi.base.provenance import MOCK
from mock_heidi.faults.request_facts import below_base
from mock_heidi.observing.checks.check import Check, Line, Note
from mock_heidi.observing.parsed_entries import ParsedEntry
from mock_heidi.observing.undocumented import undocumented

# A refusal may have hundreds of rows: a person does not read more.
_MOST_PROBLEMS = 10
_LONGEST_PATH = 80
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
        # Strict mode refuses what has a finding already.
        reported = _OWN_FINDING in request.entry.findings or request.entry.provenance == MOCK
        if request.operation is not None and not request.made_by_test and not reported and status in _REFUSED:
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


class UndocumentedParts(Check):
    """A part of a request that no page documents."""

    def look(self, request: ParsedEntry, note: Note) -> None:
        for one in undocumented(request):
            note(one.code, one.detail)
