"""Reads the times in a recording, as seconds since 1970. It asks no clock."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any


def moment(text: Any) -> float | None:
    """The time in an ISO 8601 text, which is UTC without a zone; None for another value."""
    try:
        found = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return _seconds(found)


def header_moment(text: str) -> float | None:
    """The time in a header such as ``Date``; None for another text."""
    try:
        return _seconds(parsedate_to_datetime(text))
    except (TypeError, ValueError, OverflowError):
        return None


def _seconds(found: datetime) -> float:
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
