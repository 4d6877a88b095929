"""The inputs of an operation as checked values: the JSON body, the query, and the caller's records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from mock_heidi.base.errors import (
    MOST_PROBLEMS,
    HeidiError,
    PatientProfileNotFoundError,
    SessionNotFoundError,
    UnprocessableError,
)
from mock_heidi.base.json_text import parse_json
from mock_heidi.base.problems import is_json, missing, not_json, problem
from mock_heidi.base.refusals import RefusedError
from mock_heidi.base.values import Incoming
from mock_heidi.namespaces.tokens import Caller
from mock_heidi.state.patient_records import PatientProfile
from mock_heidi.state.session_records import Session
from mock_heidi.web.lenient import read_leniently
from mock_heidi.web.nulls import settled
from mock_heidi.web.request import Request

I = TypeVar("I", bound=Incoming)  # noqa: E741
Q = TypeVar("Q", bound=BaseModel)
Owned = TypeVar("Owned", PatientProfile, Session)

_MOST_MADE = 1_000
_NOT_FOUND: dict[type[Any], type[HeidiError]] = {
    PatientProfile: PatientProfileNotFoundError,
    Session: SessionNotFoundError,
}


def read(request: Request, model: type[I], *, optional: bool = False, nulls: str | None = None) -> I:
    """The request's JSON body as ``model``. Raises the 422 if it is invalid.

    With ``optional``, a missing body, an empty body and ``null`` are the same as ``{}``. ``nulls`` is the name of the
    assumption that decides the meaning of null fields.
    """
    body = request.body
    other = body and not is_json(request.headers.get(b"content-type", b""))
    if other and request.meet("json_content_type") == "json_only":
        raise UnprocessableError([not_json(body)])
    value = parse_json(body) if body else None
    if value is None:
        if not optional:
            if request.meet("body_required") != UnprocessableError.status:
                raise RefusedError("body_required", "the body is missing")
            raise UnprocessableError([missing("body")])
        value = {}
    try:
        # FastAPI validates this way, and gives this message for a body that is not an object.
        made: I = model.__pydantic_validator__.validate_python(value, from_attributes=True)
    except ValidationError as error:
        relaxed = read_leniently(request, model, value, error)
        if relaxed is None:
            raise _refusal("body", _first_problems(error, model, value)) from None
        made = relaxed
    # Every body with a null contains this word, or zero bytes if it is in UTF-16.
    empty = not made.__pydantic_fields_set__
    return settled(request, nulls, made) if nulls and (empty or b"null" in body or b"\0" in body) else made


def read_query(request: Request, model: type[Q]) -> Q:
    """The query's parameters as ``model``, with numbers read from text. Raises the 422 if they are invalid."""
    try:
        return model.model_validate(request.query)
    except ValidationError as error:
        raise _refusal("query", list(error.errors(include_url=False))) from None


def rejected(field: str, message: str, given: Any) -> UnprocessableError:
    """The 422 for a field of the body whose value the operation refuses, in pydantic's form."""
    return UnprocessableError([problem("value_error", f"Value error, {message}", "body", field, given=given)])


def negative(field: str, given: Any) -> UnprocessableError:
    """The 422 for a field of the body whose number is below 0, in pydantic's form."""
    message = "Input should be greater than or equal to 0"
    return UnprocessableError([problem("greater_than_equal", message, "body", field, given=given, ctx={"ge": 0})])


def find(request: Request, kind: type[Owned], key: str) -> Owned:
    """The caller's record with that id. Raises the 404 if it is missing or belongs to another API key."""
    record = find_or_none(request, kind, key)
    if record is None:
        raise _NOT_FOUND[kind]
    return record


def find_or_none(request: Request, kind: type[Owned], key: str) -> Owned | None:
    """The caller's record with that id, or None."""
    record, caller = request.store.get(kind, key), request.identity
    owned = record is not None and isinstance(caller, Caller) and record.managed_by == caller.managed_by
    return record if owned else None


def _refusal(place: str, rows: list[Any]) -> UnprocessableError:
    return UnprocessableError([{**row, "loc": [place, *row["loc"]]} for row in rows])


def _first_problems(error: ValidationError, model: type[I], value: Any) -> list[Any]:
    """The first problems of a body. Pydantic builds all or none, so a body with very many is validated in part."""
    most = MOST_PROBLEMS
    while error.error_count() > _MOST_MADE and most < error.error_count():
        try:
            model.__pydantic_validator__.validate_python(_cut(value, most), from_attributes=True)
        except ValidationError as first:
            if first.error_count() >= MOST_PROBLEMS:
                return list(first.errors(include_url=False))
        most *= 10
    return list(error.errors(include_url=False))


def _cut(value: Any, most: int) -> Any:
    """A copy with at most ``most`` items in each list."""
    if isinstance(value, Mapping):
        return {name: _cut(item, most) for name, item in value.items()}
    return [_cut(item, most) for item in value[:most]] if isinstance(value, list) else value
