"""The events that report changes of the state, new requests and their findings."""

from __future__ import annotations

from mock_heidi.base.values import Record
from mock_heidi.base.wording import shorten
from mock_heidi.fixtures.kinds import kind_of
from mock_heidi.observing.entry import Entry
from mock_heidi.observing.findings import KINDS as FINDINGS
from mock_heidi.observing.headlines import headline_of
from mock_heidi.state.events import Events
from mock_heidi.state.store import Store


def emit_change(events: Events, store: Store, record: Record) -> None:
    """Report that a record was put into the store or removed from it."""
    removed = store.get(type(record), record.key) is None
    # The key of a user joins its parts with a zero byte. The key of a stub is its whole content, which may be long.
    name = shorten(record.key.replace("\0", " / "))
    events.emit("state", {"kind": kind_of(record), "id": name, "removed": removed}, len(name))


def emit_request_started(events: Events, entry: Entry) -> None:
    """Report a request that takes time. The event of the request follows when its answer is complete."""
    events.emit("request_started", headline_of(entry), len(entry.method) + len(entry.path))


def emit_request(events: Events, entry: Entry) -> None:
    """Report a request and, if faults changed its response, their ids."""
    events.emit("request", headline_of(entry), len(entry.method) + len(entry.path))
    if entry.fault:
        events.emit("fault", {"ids": list(entry.fault), "request": entry.id})


def emit_finding(events: Events, code: str, entry: Entry) -> None:
    """Report a finding about a complete request."""
    events.emit("finding", {"code": code, "level": FINDINGS[code].level, "request": entry.id})
