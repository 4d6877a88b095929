"""Read invalid bodies again as a lenient service does, if the assumptions say so."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import SchemaValidator, core_schema

from mock_heidi.base.values import Incoming
from mock_heidi.observing.undocumented import Undocumented
from mock_heidi.web.request import Request
from mock_heidi.web.strictness import accept

I = TypeVar("I", bound=Incoming)  # noqa: E741

_GENDERS = ("MALE", "FEMALE", "OTHER")
_NUMBER = re.compile(r"[+-]?\d{1,300}(\.\d+)?([eE][+-]?\d{1,3})?", re.ASCII)
_DATE_FIELDS = ("birth_date", "dob")
_DATE, _BOOLEAN = SchemaValidator(core_schema.date_schema()), SchemaValidator(core_schema.bool_schema())
_MOST = 100
"""The most values of one body that are converted."""


def read_leniently(request: Request, model: type[I], value: Any, error: ValidationError) -> I | None:
    """The body as ``model``, with invalid values converted to the right type or spelling.

    Each conversion is a finding, and strict mode refuses it. Returns None if a value cannot be converted or the
    assumptions refuse it.
    """
    if not isinstance(value, dict) or error.error_count() > _MOST:
        return None
    kept: dict[tuple[str | int, ...], Any] = {}
    problems = error.errors(include_url=False)
    for problem in problems:
        valid = _converted(request, problem)
        if valid is None:
            return None
        value = _replaced(value, problem["loc"], valid)
        if valid not in _GENDERS and _is_gender(problem):
            kept[problem["loc"]] = valid
            value = _replaced(value, problem["loc"], None)
    try:
        made = model.model_validate(value)
    except ValidationError:
        return None
    for loc, text in kept.items():
        _put(made, loc, text)
    accept(request, *map(_undocumented, problems))
    return made


def _undocumented(problem: Mapping[str, Any]) -> Undocumented:
    code, loc = "gender_spelling" if _is_gender(problem) else "near_type", problem["loc"]
    return Undocumented(code, f"{'.'.join(map(str, loc))} = {problem['input']}", {**problem, "loc": ["body", *loc]})


def _converted(request: Request, problem: Mapping[str, Any]) -> Any:
    """The invalid value as a lenient service converts it; None if such a service refuses it too."""
    given = problem["input"]
    if _is_gender(problem):
        return _gender(request.meet("gender_case"), given) if isinstance(given, str) else None
    valid = _coerced(problem, given)
    return None if valid is None or request.meet("type_coercion") == "strict" else valid


def _coerced(problem: Mapping[str, Any], given: Any) -> Any:
    """The value with the type that the field has; None if it is not close to a value of that type."""
    kind, field = problem["type"], problem["loc"][-1:]
    if kind == "bool_type":
        return _read_by(_BOOLEAN, given)
    if kind == "float_type" and isinstance(given, str) and _NUMBER.fullmatch(given.strip()):
        number = float(given)
        return int(number) if number.is_integer() and "e" not in given.lower() else number
    if kind.startswith("date_") or (kind == "string_type" and field and field[0] in _DATE_FIELDS):
        day = _read_by(_DATE, given)
        return None if day is None else day.isoformat()
    return None


def _read_by(lenient: SchemaValidator, given: Any) -> Any:
    """The value as pydantic converts it, or None."""
    try:
        return lenient.validate_python(given)
    except ValidationError:
        return None


def _is_gender(problem: Mapping[str, Any]) -> bool:
    return bool(problem["type"] == "literal_error") and problem["loc"][-1:] == ("gender",)


def _gender(case: str, given: str) -> str | None:
    if case == "any_text":
        return given
    return given.upper() if case == "any_case" and given.upper() in _GENDERS else None


def _replaced(value: Any, loc: tuple[str | int, ...], new: Any) -> Any:
    """A copy of a body with the value ``new`` at the place ``loc``."""
    if not loc:
        return new
    step: Any = loc[0]
    copied = value.copy()
    copied[step] = _replaced(value[step], loc[1:], new)
    return copied


def _put(made: Any, loc: tuple[str | int, ...], text: str) -> None:
    """Put a text into a field of a validated body without validation, so that any text can be a gender."""
    for step in loc[:-1]:
        made = getattr(made, str(step))
    vars(made)[str(loc[-1])] = text
