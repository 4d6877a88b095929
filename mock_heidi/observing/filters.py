"""Filters of requests, the same for the journal's endpoints and for a test's expectations."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from http import HTTPStatus
from typing import Any

from mock_heidi.base.assumptions import assumptions
from mock_heidi.base.operations import OPERATIONS
from mock_heidi.base.path_patterns import PathPattern, PathPatternError
from mock_heidi.base.settings import ConfigError
from mock_heidi.base.wording import nearest
from mock_heidi.faults.fields import METHODS
from mock_heidi.faults.request_facts import below_base
from mock_heidi.observing.entry import Entry
from mock_heidi.observing.findings import KINDS
from mock_heidi.observing.journal import Journal
from mock_heidi.state.clock import parse_moment
from mock_heidi.state.stubs import matches

_STATUS = re.compile(r"[1-5](\d\d|xx)|error|none")
_MOST_DIGITS = 12
# JSON may give these as numbers.
_NUMBERS = ("status", "since", "before")
# In the place of a name: at least one, or not any.
_QUANTITIES = ("any", "none")
# The cost of comparing an entry without its body.
_SHALLOW = 1_000


class FilterError(ConfigError):
    """An invalid filter."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Conditions that requests must meet; a condition of None is always met.

    ``status`` is a status, ``4xx`` and the like, ``error`` for 400 or above, or ``none`` for a request without an
    answer. ``since`` and ``before`` are ids of requests, ``since_moment`` is in ms since 1970; all three are exclusive.
    ``fault``, ``finding`` and ``assumption`` are a name, or ``any`` or ``none``. ``text`` is a part of the visible form
    of the request, ``match`` a subset of its JSON body.
    """

    operation: str | None = None
    method: str | None = None
    path: PathPattern | None = None
    status: str | None = None
    session_id: str | None = None
    since: int | None = None
    since_moment: int | None = None
    before: int | None = None
    fault: str | None = None
    finding: str | None = None
    assumption: str | None = None
    text: str | None = None
    match: Any = None

    def fits(self, entry: Entry, journal: Journal) -> bool:
        """True if a request meets all conditions; the most expensive ones are checked last."""
        return (
            self.operation in (None, entry.operation)
            and self.method in (None, entry.method)
            and (self.since is None or entry.id > self.since)
            and (self.since_moment is None or entry.at > self.since_moment)
            and (self.before is None or entry.id < self.before)
            and (self.status is None or _has_status(self.status, entry.status))
            and (self.fault is None or _has(self.fault, entry.fault))
            and (self.finding is None or _has(self.finding, entry.findings))
            and (self.assumption is None or _has(self.assumption, entry.met))
            and (self.path is None or _on_path(entry, self.path, journal))
            and (self.session_id is None or self.session_id in sessions_of(entry))
            and (self.match is None or matches(self.match, body_of(entry)))
            and (self.text is None or _has_text(self.text, journal.read(entry)))
        )

    def cost(self, entry: Entry) -> int:
        """The approximate number of bytes that :meth:`fits` reads."""
        deep = (self.path, self.session_id, self.match, self.text)
        return entry.size if any(value is not None for value in deep) else _SHALLOW


NAMES = tuple(field.name for field in fields(Filter) if field.name not in ("since_moment", "match"))


def parse(given: Mapping[str, Any]) -> Filter:
    """A filter from a query's texts or from JSON. Raises :class:`FilterError`."""
    made = {name: _plain(name, value) for name, value in given.items() if value is not None}
    _check(made, "operation", OPERATIONS)
    _check(made, "finding", (*KINDS, *_QUANTITIES))
    if "assumption" in made:
        _check(made, "assumption", (*assumptions(), *_QUANTITIES))
    if "method" in made:
        made["method"] = made["method"].upper()
        _check(made, "method", METHODS)
    if "path" in made:
        made["path"] = _pattern(made["path"])
    if _STATUS.fullmatch(made.get("status", "none")) is None:
        raise FilterError(f"status={made['status']} is not a status", "write it like status=404, 5xx, error or none")
    if "fault" in made:
        made["fault"] = {"true": "any", "false": "none"}.get(made["fault"], made["fault"])
    if "since" in made:
        made |= _since(made["since"])
    if "before" in made:
        made["before"] = _id(made["before"])
    return Filter(**made)


def _plain(name: str, value: Any) -> Any:
    """The text of a value. JSON may also give some as numbers and, for ``fault``, true or false."""
    if name == "match" or isinstance(value, str):
        return value
    if isinstance(value, bool) and name == "fault":
        return str(value).lower()
    if name in _NUMBERS and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise FilterError(f"{name} is not a text", f'write it like {{"{name}": "…"}}')


def _check(made: Mapping[str, Any], name: str, known: Any) -> None:
    if name in made and made[name] not in known:
        raise FilterError(f"there is no {name} {made[name]!r}", nearest(made[name], known))


def _pattern(text: str) -> PathPattern:
    try:
        return PathPattern(text)
    except PathPatternError as error:
        raise FilterError(f"path: {error.problem}", error.hint) from None


def _id(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS):
        raise FilterError(f"before={text} is not the id of a request", "write it like before=20")
    return int(text)


def _since(text: str) -> dict[str, int | None]:
    if text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS:
        return {"since": int(text)}
    try:
        return {"since": None, "since_moment": parse_moment(text)}
    except ConfigError:
        raise FilterError(
            f"since={text} is neither a request's id nor a moment", "write it like since=20 or 2025-01-06T09:00:00Z"
        ) from None


def _on_path(entry: Entry, wanted: PathPattern, journal: Journal) -> bool:
    # The visible path must match too, or a pattern could guess a hidden part letter by letter.
    return _fits_path(entry.path, wanted) and _fits_path(journal.path(entry), wanted)


def _fits_path(path: str, wanted: PathPattern) -> bool:
    return wanted.matches(path) or wanted.matches(below_base(path))


def _has_text(wanted: str, headline: dict[str, Any]) -> bool:
    written = json.dumps(headline, ensure_ascii=False)
    return wanted in written or json.dumps(wanted, ensure_ascii=False)[1:-1] in written


def _has_status(wanted: str, status: int | None) -> bool:
    if status is None:
        return wanted == "none"
    if wanted == "error":
        return status >= HTTPStatus.BAD_REQUEST
    return wanted == str(status) or (wanted.endswith("xx") and wanted[0] == str(status)[0])


def _has(wanted: str, names: tuple[str, ...]) -> bool:
    return bool(names) if wanted == "any" else not names if wanted == "none" else wanted in names


def sessions_of(entry: Entry) -> set[str]:
    """The ids of the sessions in a request's path and body, and of the session that it created."""
    found = set(re.findall(r"/sessions/([0-9]+)", entry.path))
    bodies = [body_of(entry)]
    if entry.operation == "create_session":
        bodies.append(_json(b"".join(entry.pieces)))
    for body in bodies:
        if isinstance(body, dict):
            many = body.get("session_ids")
            found.update(str(one) for one in (many if isinstance(many, list) else []))
            found.add(str(body.get("session_id", "")))
    return found - {""}


def body_of(entry: Entry) -> Any:
    """The JSON value of a request's body, or None."""
    return _json(entry.body)


def _json(body: bytes) -> Any:
    try:
        return json.loads(body) if body else None
    except (ValueError, RecursionError):
        return None
