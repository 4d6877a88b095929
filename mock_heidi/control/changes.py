"""The changes of the state by a request."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from mock_heidi.base.json_text import to_json
from mock_heidi.base.slices import RECORD
from mock_heidi.base.values import Record
from mock_heidi.control.answers import Rows
from mock_heidi.control.control import ControlRoute
from mock_heidi.control.requests import find_request
from mock_heidi.fixtures.export import to_row
from mock_heidi.fixtures.kinds import kind_of
from mock_heidi.observing.changes import Change, changes
from mock_heidi.observing.journal import Journal
from mock_heidi.web.request import Request

# The most bytes of rows in an answer.
_MOST_BYTES = 8_000_000


async def list_changes(request: Request) -> Response:
    """The records that a request changed, each as it was before and after, without secrets."""
    entry, journal = await find_request(request), request.namespace.journal
    rows = Rows(_MOST_BYTES)
    for change in changes(entry.changes or ()):
        if rows.full:
            rows.omitted += 1
        else:
            await rows.add(to_json(_row(journal, change)), work=2 * RECORD)
    return rows.respond("changes", after={"omitted": rows.omitted})


def _row(journal: Journal, change: Change) -> dict[str, Any]:
    record = change.record
    return {
        "kind": kind_of(record),
        "id": journal.clean(record.key.replace("\0", " / ")),
        "before": _visible(journal, change.before),
        "after": _visible(journal, change.after),
    }


def _visible(journal: Journal, record: Record | None) -> Any:
    return None if record is None else journal.named("record", to_row(record))


routes = [ControlRoute("/requests/{id}/changes", list_changes, "GET")]
