"""One recorded request with its answer."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from mock_heidi.base import error_table, errors
from mock_heidi.comparing.forms import Part
from mock_heidi.comparing.times import header_moment

NOT_JSON: Any = object()
"""The value of a body that is not JSON or was not recorded."""

_TEXTS = {kind.text: kind.__name__ for kind in errors.TextError.__subclasses__()}
_SUCCESS = range(200, 300)
_REDIRECTS = (307, 308)
UNPROCESSABLE = 422
_DEEPEST = 64


@dataclass(frozen=True)
class Exchange:
    """A request for an operation of the API, and its answer.

    ``sent`` and ``body`` are the bytes of the two bodies, None if they were not recorded. The names of headers are in
    lower case. ``at`` is the time of the request in seconds since 1970, if it is known.
    """

    operation: str
    params: Mapping[str, str]
    url: str
    headers: Mapping[str, str]
    sent: bytes | None
    parts: tuple[Part, ...]
    whole_form: bool
    """False for a body that is not a complete form, although its content type says so."""
    status: int
    answer_headers: Mapping[str, str]
    body: bytes | None
    at: float | None = None

    @property
    def ok(self) -> bool:
        """True if the request succeeded."""
        return self.status in _SUCCESS

    @property
    def redirected(self) -> bool:
        """True if the answer sends the client to another path with the same method."""
        return self.status in _REDIRECTS

    @property
    def unprocessable(self) -> bool:
        """True if the answer is a 422."""
        return self.status == UNPROCESSABLE

    @cached_property
    def path(self) -> str:
        """The path of the request, as it was sent."""
        return urlsplit(self.url).path

    @cached_property
    def query(self) -> dict[str, list[str]]:
        """The parameters of the query, each with all its values."""
        found: dict[str, list[str]] = {}
        for name, value in parse_qsl(urlsplit(self.url).query, keep_blank_values=True):
            found.setdefault(name, []).append(value)
        return found

    @cached_property
    def given(self) -> Any:
        """The JSON value of the request's body."""
        return json_of(self.sent)

    @property
    def fields(self) -> dict[str, Any]:
        """The JSON object in the request's body; empty for another body."""
        return self.given if isinstance(self.given, dict) else {}

    @cached_property
    def shown(self) -> Any:
        """The JSON value of the answer."""
        return json_of(self.body)

    @property
    def session(self) -> str:
        """The session in the path, ``""`` if the path has none."""
        return self.params.get("session_id", "")

    @property
    def media_type(self) -> str:
        """The media type of the answer without its parameters."""
        return self.answer_headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def authorization(self) -> str:
        """The header with the token, ``""`` without one."""
        return self.headers.get("authorization", "")

    def part(self, name: str) -> Part | None:
        """The first part of the form with this name."""
        return next((one for one in self.parts if one.name == name), None)

    def value(self, *path: str) -> Any:
        """The value at a place of the answer; ``NOT_JSON`` if the answer does not have it."""
        found = self.shown
        for step in path:
            if not isinstance(found, dict) or step not in found:
                return NOT_JSON
            found = found[step]
        return found

    def rows(self, *path: str) -> list[dict[str, Any]]:
        """The objects in a list of the answer."""
        found = self.value(*path)
        return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []

    @cached_property
    def error(self) -> str:
        """The name of the error in the answer, such as ``SessionNotFoundError``; ``""`` for an unknown error."""
        detail = self.value("detail")
        if isinstance(detail, dict):
            detail = detail.get("type")
            return detail if isinstance(detail, str) and detail in error_table.BY_NAME else ""
        return _TEXTS.get(detail, "") if isinstance(detail, str) else ""

    @cached_property
    def blamed(self) -> frozenset[str]:
        """The words of the places that a 422 blames, such as ``body`` and ``gender``."""
        detail = self.value("detail") if self.unprocessable else None
        if isinstance(detail, str) and not self.error:
            return frozenset(word for place in detail.split("; ") for word in place.partition(":")[0].split("."))
        rows = detail if isinstance(detail, list) else []
        places = [row.get("loc") for row in rows if isinstance(row, dict)]
        return frozenset(str(step) for place in places if isinstance(place, list) for step in place)

    def blames(self, *names: str) -> bool:
        """True if the answer is a 422 that blames one of these fields."""
        return not self.blamed.isdisjoint(names)

    @property
    def answered_at(self) -> float | None:
        """The time of the answer by its header ``Date``, or else the time of the request, in seconds since 1970."""
        found = header_moment(self.answer_headers.get("date", ""))
        return self.at if found is None else found


def json_of(body: bytes | None) -> Any:
    """The JSON value of a body; ``NOT_JSON`` if it has none, or one that is nested too deeply."""
    try:
        found = NOT_JSON if body is None else json.loads(body)
    except (ValueError, RecursionError):
        return NOT_JSON
    return NOT_JSON if _is_deep(found) else found


def _is_deep(value: Any) -> bool:
    """True for a value with more levels than any body of the API has."""
    level = [value]
    for _ in range(_DEEPEST):
        level = [
            inner
            for one in level
            for inner in (one.values() if isinstance(one, dict) else one if isinstance(one, list) else ())
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True


def scalar(value: Any) -> Any:
    """A text, a number, a boolean or null; ``NOT_JSON`` for a list or an object, which no set can hold."""
    return NOT_JSON if isinstance(value, list | dict) else value


def texts(rows: Iterable[Mapping[str, Any]], name: str) -> set[str]:
    """The texts that rows have under a name."""
    return {row[name] for row in rows if isinstance(row.get(name), str)}


def listed(value: Any) -> list[str]:
    """The members of a JSON list as texts; empty for another value."""
    return [str(one) for one in value] if isinstance(value, list) else []


def claims(token: Any) -> dict[str, Any]:
    """The claims of a JWT, which are not verified; empty for another value."""
    if not isinstance(token, str) or token.count(".") != len(".."):
        return {}
    text = token.split(".")[1]
    try:
        found = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """All objects within a JSON value, the value itself included."""
    if isinstance(value, dict):
        yield value
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from objects(one)
