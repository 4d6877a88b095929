"""The framings of a stream, which the assumption ``stream_framing`` names."""

from __future__ import annotations

import re

from mock_heidi.faults.delivery import EVENTS, Delivery

_NDJSON = (b"content-type", b"application/x-ndjson")
_MARK = re.compile(rb"^(?::|event:)[^\n]*\n", re.MULTILINE)
_FIELD = re.compile(rb"^data: ?", re.MULTILINE)
_EMPTY_LINE = re.compile(rb"\r?\n\r?\n")


def reframed(delivery: Delivery, framing: str) -> Delivery:
    """A stream of server-sent events in another framing, after all effects: ``sse``, ``ndjson`` or ``objects``.

    ``ndjson`` writes each object on a line, ``objects`` writes them one after the other.
    """
    if framing == "sse" or not delivery.streams:
        return delivery
    end = b"\n" if framing == "ndjson" else b""
    delivery = delivery.with_parts(part._replace(data=_bare(part.data, end)) for part in delivery.parts)
    return delivery.with_header(*_NDJSON) if framing == "ndjson" and EVENTS in delivery.headers else delivery


def _bare(events: bytes, end: bytes) -> bytes:
    """The objects in events, each with ``end``. An event that a fault has cut short has no ``end``."""
    objects = _FIELD.sub(b"", _MARK.sub(b"", events))
    whole = _EMPTY_LINE.split(objects)
    return end.join(whole).rstrip(b"\r\n") + (end if not whole[-1] and len(whole) > 1 else b"")
