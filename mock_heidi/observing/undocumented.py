"""The parts of one request that no page documents. The findings and the refusals of strict mode both come from here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple

from mock_heidi.base.operations import SIGN_IN
from mock_heidi.base.problems import is_json, not_json, problem
from mock_heidi.observing.documented import Documented, documented
from mock_heidi.observing.parsed_entries import ParsedEntry

# The limit of one body, which may hold thousands of fields: a person does not read more.
_MOST_FIELDS = 100
_LONGEST_TYPE = 40


class Undocumented(NamedTuple):
    """A part of a request that no page documents.

    ``code`` and ``detail`` are its finding; ``row`` is its row in the 422 of strict mode.
    """

    code: str
    detail: str
    row: Mapping[str, Any]


def undocumented(request: ParsedEntry) -> Iterator[Undocumented]:
    """The undocumented parts that can be seen in the request alone. Handlers find others."""
    known = documented().get(request.operation or "")
    if known is not None:
        yield from islice(_fields(request, known), _MOST_FIELDS)
        yield from _parameters(request, known)
        yield from _content_type(request, known)
    if request.operation == SIGN_IN:
        yield from _user(request.query)


def _fields(request: ParsedEntry, known: Documented) -> Iterator[Undocumented]:
    """The fields of a body, or the parts of a form, that are not documented."""
    parts = request.entry.parts
    body = request.body if parts is None else {part["name"]: part["filename"] for part in parts}
    if known.fields is not None and isinstance(body, dict):
        found = set[str]()  # the items of a list have the same fields
        for loc, value in _unknown(body, known.fields):
            if (name := _dotted(loc)) not in found:
                found.add(name)
                yield _extra("unknown_field", f"{name} of {request.operation}", ("body", *loc), value)


def _unknown(
    body: Mapping[str, Any], known: Mapping[str, Any], prefix: tuple[str | int, ...] = ()
) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """The places and the values of the fields of a body that are not documented."""
    for name, value in body.items():
        loc = (*prefix, str(name))
        if name not in known:
            yield loc, value
        elif known[name] is not None:
            items = enumerate(value) if isinstance(value, list) else [(None, value)]
            for at, item in items:
                if isinstance(item, dict):
                    yield from _unknown(item, known[name], loc if at is None else (*loc, at))


def _dotted(loc: Iterable[str | int]) -> str:
    """The place of a field, such as ``patient.name``, without the indexes of lists."""
    return ".".join(step for step in loc if isinstance(step, str))


def _parameters(request: ParsedEntry, known: Documented) -> Iterator[Undocumented]:
    """The parameters of the query that are not documented, and filters without a value."""
    for name, value in request.query.items():
        if name not in known.parameters:
            yield _extra("unknown_parameter", f"{name} of {request.operation}", ("query", name), value)
        elif not value and name in known.filters:
            yield Undocumented("empty_filter", name, _empty(name, value))


def _extra(code: str, detail: str, loc: tuple[str | int, ...], value: Any) -> Undocumented:
    return Undocumented(code, detail, problem("extra_forbidden", "Extra inputs are not permitted", *loc, given=value))


def _content_type(request: ParsedEntry, known: Documented) -> Iterator[Undocumented]:
    """A JSON body with another content type, or none. The mock reads it; a FastAPI service answers 422."""
    sent, body = request.headers.get(b"content-type", b""), request.entry.body
    if known.takes_json and body and not is_json(sent):
        kind = sent.decode("latin-1").partition(";")[0].strip().lower()[:_LONGEST_TYPE] or "no content type"
        yield Undocumented("json_content_type", f"{request.operation} with {kind}", not_json(body))


def _user(query: Mapping[str, str]) -> Iterator[Undocumented]:
    """The user of a sign-in with an invalid e-mail address or an empty id. The service accepts both."""
    email, third_party_id = query.get("email"), query.get("third_party_internal_id")
    for mistake in _mistakes(email):
        msg = f"value is not a valid email address: {mistake}"
        yield Undocumented("invalid_email", mistake, problem("value_error", msg, "query", "email", given=email))
    if third_party_id is not None and not third_party_id.strip():
        yield Undocumented("empty_third_party_id", "", _empty("third_party_internal_id", third_party_id))


def _mistakes(email: str | None) -> Iterator[str]:
    """The mistakes in an address, without the address, which may be a person's."""
    if email is None:
        return
    if "@" not in email:
        yield "it has no @"
    if email != email.strip():
        yield "it begins or ends with a blank"
    elif " " in email:
        yield "it contains a blank; send a + in a query as %2B"


def _empty(name: str, given: str) -> dict[str, Any]:
    """The row of a parameter of the query that has no value."""
    msg = "String should have at least 1 character"
    return problem("string_too_short", msg, "query", name, given=given, ctx={"min_length": 1})
