"""JSON answers of the API: one value or a list, alone or under a key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, TypeVar

from starlette.responses import Response

from mock_heidi.base.json_text import record_json, to_json
from mock_heidi.base.values import Outgoing, Record, Value

O = TypeVar("O", bound=Outgoing)  # noqa: E741

_JSON = (b"content-type", b"application/json")
# The types of the service's own answers, which no browser runs as a page.
_INERT = (b"application/json", b"text/event-stream; charset=utf-8")
SANDBOX = (b"content-security-policy", b"sandbox")
"""The header of an answer that is not inert. In a browser, a page with scripts would have the origin of the dashboard,
and could read and change everything that the dashboard can.
"""


class Success(Outgoing):
    is_success: Literal[True] = True


SUCCESS = Success.model_construct()
"""The answer of an operation without another result."""


class Answer(Response):
    """A JSON answer from bytes."""

    body: bytes
    background = None

    def __init__(self, body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        self.status_code = status
        self.body = body
        self.raw_headers = [(b"content-length", b"%d" % len(body)), _JSON]
        if headers:
            self.raw_headers += [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]


def is_inert(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """True if each content type is one of the service's own. A browser guesses the type of a body without one."""
    types = [value for name, value in headers if name == b"content-type"]
    return bool(types) and all(value in _INERT for value in types)


def respond(value: Outgoing | bytes, under: str | None = None) -> Answer:
    """A success with the value, or with an object that has the value under the key ``under``."""
    body = value if isinstance(value, bytes) else to_json(value)
    return Answer(body if under is None else b'{"%s":%s}' % (under.encode(), body))


def respond_list(values: Iterable[Outgoing | bytes], under: str) -> Answer:
    """A success with an object that has the list of values under the key ``under``."""
    rows = [value if isinstance(value, bytes) else to_json(value) for value in values]
    return Answer(b'{"%s":[%s]}' % (under.encode(), b",".join(rows)))


def kept(view: type[Outgoing], record: Record, **own: Any) -> bytes:
    """The JSON of a record in a view. It is made once and kept with the record, which never changes."""
    return record.once((view, *own.values()) if own else view, lambda: record_json(view, record, **own))


def kept_answer(view: type[Outgoing], record: Record, under: str) -> Answer:
    """A success with a record in a view under the key ``under``. It is made once and kept with the record."""
    return record.once((view, under), lambda: respond(record_json(view, record), under))


def view_of(view: type[O], value: Value, **own: Any) -> O:
    """A value in a view: the view's keys, taken from ``own`` or else from the value."""
    # Both are validated already. To validate again would double the cost of every answer.
    names = view.model_fields
    return view.model_construct(**{name: own[name] if name in own else getattr(value, name) for name in names})
