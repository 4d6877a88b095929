"""The types of fields: the forms of the vendor's ids, dates and numbers, and the values of its enums."""

import math
import re
from datetime import datetime
from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainValidator,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
)
from pydantic_core import PydanticCustomError, PydanticKnownError, SchemaValidator, core_schema

from mock_heidi.base.yaml_scalars import Plain, resolve

_WORDS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_NUMBER = re.compile(r"-?\d{1,4300}(\.\d+)?([eE][-+]?\d{1,3})?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_TIMESTAMP = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?")
_DATES = SchemaValidator(core_schema.date_schema(strict=True))


def _boolean(value: Any) -> Any:
    return _WORDS.get(value.lower(), value) if isinstance(value, Plain) else value


def _number(value: Any) -> int | float:
    if isinstance(value, Plain) and _NUMBER.fullmatch(value):
        value = int(value) if value.lstrip("-").isdigit() else float(value)
    if type(value) is int or (type(value) is float and math.isfinite(value)):
        return value
    raise PydanticKnownError("finite_number" if type(value) is float else "float_type")


@lru_cache(maxsize=4_096)
def _day(value: str) -> str:
    problem = "input is not of the form YYYY-MM-DD"
    try:
        _DATES.validate_strings(value)  # type: ignore[arg-type] # it also takes text
    except ValidationError as error:
        problem = error.errors()[0].get("ctx", {}).get("error", problem)
    else:
        # pydantic also accepts "631152000" as a date.
        if _DATE.fullmatch(value):
            return value
    raise PydanticKnownError("date_from_datetime_parsing", {"error": problem})


@lru_cache(maxsize=256)
def _stamp(value: str) -> str:
    match = _TIMESTAMP.fullmatch(value)
    try:
        if match is None:
            raise ValueError
        datetime.fromisoformat(value)
    except ValueError:
        raise PydanticCustomError(
            "timestamp", "Input should be a UTC timestamp without a zone, such as 2024-12-11T03:57:57.921000"
        ) from None
    return f"{match[1]}T{match[2]}.{(match[3] or '').ljust(6, '0')}"


def _stored_gender(value: Any, check: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
    if isinstance(value, str) and (info.context is None or info.context["gender_case"] == "any_text"):
        return str(value)
    try:
        return check(value)
    except ValidationError as error:
        # The error of an enum ends with its values.
        words = f"{error.errors()[0]['msg']} (or any text with gender_case=any_text)"
        raise PydanticCustomError("gender", "{words}", {"words": words}) from None


def pattern(expression: str, meaning: str) -> AfterValidator:
    """A validator that accepts text which a regular expression matches whole; ``meaning`` ends its error message."""
    match = re.compile(expression).fullmatch

    def check(value: str) -> str:
        if match(value) is None:
            raise PydanticCustomError("string_form", "Input should be {meaning}", {"meaning": meaning})
        return value

    return AfterValidator(check)


Flag = Annotated[bool, BeforeValidator(_boolean)]
Number = Annotated[Any, PlainValidator(_number), WithJsonSchema({"type": "number"})]
JsonValue = Annotated[Any, BeforeValidator(resolve)]
Date = Annotated[
    str,
    AfterValidator(_day),
    WithJsonSchema({"type": "string", "format": "date", "pattern": r"^\d{4}-\d{2}-\d{2}$"}),
]
Timestamp = Annotated[
    str,
    AfterValidator(_stamp),
    WithJsonSchema({"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}$"}),
]
ObjectId = Annotated[
    str,
    pattern(r"[0-9a-f]{24}", "24 lower-case hex digits"),
    WithJsonSchema({"type": "string", "pattern": "^[0-9a-f]{24}$"}),
]
SessionId = Annotated[
    str,
    pattern(r"[0-9]{1,39}", "1 to 39 decimal digits"),
    WithJsonSchema({"type": "string", "pattern": "^[0-9]{1,39}$"}),
]
KindeUserId = Annotated[str, Field(min_length=1)]

# The names in mock_heidi.base.vendor_hosts.
Region = Literal["testing", "au", "us", "ca", "eu", "uk"]
Gender = Literal["MALE", "FEMALE", "OTHER"]
# A record may hold any text as a gender, because the assumption gender_case may allow it. Fixtures are checked: their
# context has the value of the assumption.
StoredGender = Annotated[Gender, WrapValidator(_stored_gender)]
Brain = Literal["LEFT", "RIGHT"]
VoiceStyle = Literal["GOLDILOCKS", "DETAILED", "BRIEF", "SUPER_DETAILED", "MY_VOICE"]
ContentType = Literal["MARKDOWN", "HTML"]
NoteStatus = Literal["CREATED", "COMPLETED"]
# The subjects of a consultation, which the sections of a template collect.
Topic = Literal[
    "complaint", "history", "past_history", "medications", "allergies", "family", "social", "mental_state", "risk",
    "examination", "investigations", "assessment", "plan", "follow_up", "safety_net", "education",
]  # fmt: skip

# Lists in JSON and YAML become tuples in the records.
Texts = Annotated[tuple[str, ...], Field(strict=False)]
JsonValues = Annotated[tuple[JsonValue, ...], Field(strict=False)]
