"""The types of a rule's fields. JSON, YAML and the short form accept the same values."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, NamedTuple

from pydantic import AfterValidator, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from mock_heidi.base import path_patterns
from mock_heidi.base.error_table import BY_NAME
from mock_heidi.base.operations import OPERATIONS
from mock_heidi.base.path_patterns import PathPattern, PathPatternError
from mock_heidi.base.wording import nearest
from mock_heidi.base.yaml_scalars import Plain, resolve
from mock_heidi.state.ids import Chance

METHODS = ("GET", "POST", "PATCH", "PUT", "DELETE", "HEAD", "OPTIONS")
_LONGEST = 86_400.0
_HIGHEST = 700.0  # math.exp fails on larger numbers
_MEDIA_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+(; ?[\w-]+=[\w-]+)*", re.ASCII)


def _refuse(problem: str, hint: str = "") -> PydanticCustomError:
    form = "{problem}; {hint}" if hint else "{problem}"
    return PydanticCustomError("fault", form, {"problem": problem, "hint": hint})


def _whole(least: int, most: int = 10**9) -> Callable[[Any], int]:
    def check(value: Any) -> int:
        value = resolve(value)
        if type(value) is not int or not least <= value <= most:
            raise _refuse(f"Input should be a whole number from {least} to {most}")
        return value

    return check


def _seconds(value: Any) -> float:
    value = resolve(value)
    if type(value) not in (int, float) or not math.isfinite(value) or not 0 <= value <= _LONGEST:
        raise _refuse("Input should be a number of seconds, a day at most")
    return float(value)


class Delay(NamedTuple):
    """A delay in seconds: always ``first``, uniform from ``first`` to ``second``, or log-normal.

    Log-normal delays have the median ``first`` and the spread ``second`` (the sigma of their logarithm).
    """

    kind: str
    first: float
    second: float = 0

    def draw(self, chance: Chance) -> float:
        if self.kind == "uniform":
            return chance.uniform(self.first, self.second)
        if self.kind == "lognormal":
            return min(_LONGEST, self.first * math.exp(min(chance.gauss(0, self.second), _HIGHEST)))
        return self.first


def _delay(value: Any) -> Delay:
    """A delay from ``0.5``, ``{"uniform": [0.1, 0.5]}``, or as text ``uniform:0.1:0.5``."""
    if isinstance(value, Delay):
        return value
    if isinstance(value, str) and ":" in value:
        kind, *texts = value.split(":")
        value = {kind: [Plain(text) for text in texts]}
    if isinstance(value, Mapping) and len(value) == 1:
        kind, given = next(iter(value.items()))
        numbers = given if isinstance(given, list | tuple) else [given]
        if (kind, len(numbers)) in (("fixed", 1), ("uniform", 2), ("lognormal", 2)):
            delay = Delay(kind, *map(_seconds, numbers))
            if kind != "uniform" or delay.first <= delay.second:
                return delay
    elif not isinstance(value, Mapping):
        return Delay("fixed", _seconds(value))
    raise _refuse("Input should be seconds, uniform:LEAST:MOST or lognormal:MEDIAN:SIGMA")


class Quota(NamedTuple):
    """The most ``requests`` in ``seconds`` of the clock. Further requests get 429."""

    requests: int
    seconds: float


def _quota(value: Any) -> Quota:
    if isinstance(value, Quota):
        return value
    if isinstance(value, str) and value.count("/") == 1:
        value = dict(zip(("requests", "seconds"), map(Plain, value.split("/")), strict=True))
    if isinstance(value, Mapping) and set(value) == {"requests", "seconds"}:
        seconds = _seconds(value["seconds"])
        if seconds > 0:
            return Quota(_whole(0)(value["requests"]), seconds)
    raise _refuse("Input should be REQUESTS/SECONDS, such as 5/60")


class RetryAfter(NamedTuple):
    """The seconds in ``Retry-After``. With ``dated`` the header has a date, the other form in HTTP."""

    seconds: float
    dated: bool = False


def _retry_after(value: Any) -> RetryAfter:
    if isinstance(value, RetryAfter):
        return value
    if isinstance(value, str) and value.startswith("date:"):
        return RetryAfter(_seconds(Plain(value.removeprefix("date:"))), dated=True)
    return RetryAfter(_seconds(value))


def _keys(value: Any) -> tuple[str, ...]:
    value = [value] if isinstance(value, str) else value
    if isinstance(value, list | tuple) and value and all(isinstance(key, str) and key for key in value):
        return tuple(str(key) for key in value)
    raise _refuse("Input should be a key such as session.duration, or a list of them")


def _names(value: Any) -> dict[str, str]:
    if isinstance(value, str) and value.count(":") == 1:
        old, new = value.split(":")
        value = {old: new}
    if isinstance(value, Mapping) and value and all(isinstance(new, str) and new for new in value.values()):
        return {str(old): str(new) for old, new in value.items()}
    raise _refuse("Input should be OLD:NEW, such as session.session_id:id")


def _headers(value: Any) -> dict[str, str]:
    if isinstance(value, str) and ":" in value:
        name, _, text = value.partition(":")
        value = {name: text.strip()}
    if isinstance(value, Mapping) and value and all(isinstance(text, str) for text in value.values()):
        return {str(name).lower(): str(text) for name, text in value.items()}
    raise _refuse("Input should name headers and their values, such as {X-Client: mobile}", "* stands for any value")


def _numbers(value: Any) -> tuple[int, ...]:
    numbers = value if isinstance(value, list | tuple) else [value]
    if not numbers:
        raise _refuse("Input should be a number of 1 or more, or a list of them")
    return tuple(map(_whole(1), numbers))


def _operations(value: Any) -> tuple[str, ...]:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not names or not all(isinstance(name, str) for name in names):
        raise _refuse("Input should be the name of an operation, or a list of them")
    for name in names:
        if name not in OPERATIONS:
            raise _refuse(f"there is no operation {name!r}", nearest(name, OPERATIONS))
    return tuple(str(name) for name in names)


def _error(value: Any) -> str:
    if not isinstance(value, str) or value not in BY_NAME:
        raise _refuse(f"there is no error {value!r}", nearest(str(value), BY_NAME))
    return str(value)


def _method(value: Any) -> str:
    if not isinstance(value, str) or value.upper() not in METHODS:
        raise _refuse(f"there is no method {value!r}", f"there are {', '.join(METHODS)}")
    return value.upper()


def _path(value: str) -> str:
    try:
        return PathPattern(value).text
    except PathPatternError as error:
        raise _refuse(error.problem, error.hint) from None


def _chance(value: Any) -> float:
    value = resolve(value)
    if type(value) not in (int, float) or not 0 <= value <= 1:
        raise _refuse("Input should be a number from 0 to 1")
    return float(value)


def _media_type(value: Any) -> str:
    if not isinstance(value, str) or _MEDIA_TYPE.fullmatch(value) is None:
        raise _refuse("Input should be a media type, such as text/plain")
    return str(value)


def _inside(value: Any) -> str:
    if value not in ("piece", "json", "utf8"):
        raise _refuse("Input should be piece, json or utf8")
    return str(value)


def _true_or_text(value: Any) -> Any:
    """``true``, or the text to send."""
    value = resolve(value)
    if value is True or (isinstance(value, str) and value):
        return value
    raise _refuse("Input should be true, or the text to send")


def _type(check: Callable[[Any], Any], schema: dict[str, Any]) -> Any:
    return (PlainValidator(check), WithJsonSchema(schema))


_TEXT = {"type": "string"}
_NUMBER = {"type": "number", "minimum": 0}
_OBJECT = {"type": "object"}
_COUNT = {"type": "integer", "minimum": 0}
_LIST = {"type": "array", "items": _TEXT}
_OPERATION = {"enum": list(OPERATIONS)}

Whole = Annotated[int, *_type(_whole(1), {"type": "integer", "minimum": 1})]
Count = Annotated[int, *_type(_whole(0), _COUNT)]
Wait = Annotated[Delay, *_type(_delay, {"anyOf": [_NUMBER, _TEXT, _OBJECT]})]
Keys = Annotated[tuple[str, ...], *_type(_keys, {"anyOf": [_TEXT, _LIST]})]
Places = Annotated[
    tuple[int, ...], *_type(_numbers, {"anyOf": [_COUNT, {"type": "array", "minItems": 1, "items": _COUNT}]})
]
Operations = Annotated[
    tuple[str, ...], *_type(_operations, {"anyOf": [_OPERATION, {"type": "array", "items": _OPERATION}]})
]
Method = Annotated[str, *_type(_method, {"enum": list(METHODS)})]
Path = Annotated[str, AfterValidator(_path), WithJsonSchema({**_TEXT, "maxLength": path_patterns.LONGEST})]
Headers = Annotated[dict[str, str], *_type(_headers, {"anyOf": [_TEXT, _OBJECT]})]
Share = Annotated[float, *_type(_chance, {"type": "number", "minimum": 0, "maximum": 1})]
Seconds = Annotated[float, *_type(_seconds, _NUMBER)]
ErrorName = Annotated[str, *_type(_error, {"enum": list(BY_NAME)})]
Status = Annotated[int, *_type(_whole(200, 599), {"type": "integer", "minimum": 200, "maximum": 599})]
Retry = Annotated[RetryAfter, *_type(_retry_after, {"anyOf": [_NUMBER, _TEXT]})]
Limit = Annotated[Quota, *_type(_quota, {"anyOf": [_TEXT, _OBJECT]})]
TrueOrText = Annotated[Any, *_type(_true_or_text, {"anyOf": [{"const": True}, _TEXT]})]
MediaType = Annotated[str, *_type(_media_type, _TEXT)]
Renames = Annotated[dict[str, str], *_type(_names, {"anyOf": [_TEXT, _OBJECT]})]
Inside = Annotated[str, *_type(_inside, {"enum": ["piece", "json", "utf8"]})]
