"""Reads JSON more strictly than the standard library, and writes it."""

from __future__ import annotations

import contextlib
import json
import math
import re
from codecs import BOM_UTF8
from collections.abc import Iterator
from functools import cache
from typing import Any

import pydantic_core
from pydantic import BaseModel

from mock_heidi.base.assumptions import assumed
from mock_heidi.base.errors import UnprocessableError
from mock_heidi.base.model_fields import fields_of
from mock_heidi.base.slices import Work
from mock_heidi.base.values import Outgoing, Record


def _invalid(position: int, error: str) -> UnprocessableError:
    return UnprocessableError(
        [
            {
                "type": "json_invalid",
                "loc": ["body", position],
                "msg": "JSON decode error",
                "input": {},
                "ctx": {"error": error},
            }
        ]
    )


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError("Number too large")
    return number


_JSON_READER = json.JSONDecoder(parse_constant=_no_constant, parse_float=_finite)


# The number of characters of a long body that are read in one go. Most records are shorter.
_WINDOW = 8 * 1024
# The cost of a character, which may be a whole list, and the cost of a part in addition to its characters.
_CHARACTER, _PART = 4, 300
# The number of parts that are read one by one after several could not be read together.
_SINGLE = 64
_BLANKS = re.compile(r"[ \t\n\r]*+")
_PARTS = ("[", "{")
MOST_VALUES = 100_000
"""The most values that a record or a reply may hold. Each may be wrong, and pydantic reports every mistake."""
_NESTED = frozenset((dict, list))
# The types that need no further check: a float may be infinite, a nested value too deep.
_PLAIN = frozenset((str, int, bool, type(None)))
# A longer body is hardly ever plain, and would be read twice.
_SHORT = 64 * 1024
# A key, or a part of a text that looks like one.
_KEY = re.compile(rb'"\s*:')


def parse_json(body: bytes) -> Any:
    """The value of a JSON text. Raises :class:`UnprocessableError` in FastAPI's words if it is invalid.

    Unlike the standard library, it refuses NaN, infinite numbers, lone surrogates and too deep nesting, because no
    answer could contain them. If a key comes twice, the last value counts.
    """
    value = parse_plain(body)
    return parse_exactly(body) if value is None else value


def parse_plain(body: bytes) -> dict[str, Any] | None:
    """The value of an object of texts, whole numbers, booleans and nulls, each key once; None for other bodies."""
    try:
        value = pydantic_core.from_json(body, allow_inf_nan=False) if len(body) < _SHORT else None
    except ValueError:
        return None
    if type(value) is not dict or not _PLAIN.issuperset(map(type, value.values())):
        return None
    # If a key comes twice, its first value was not checked.
    once = body.count(b":") == len(value) or len(_KEY.findall(body)) == len(value)
    return value if once else None


def parse_exactly(body: bytes) -> Any:
    """The same as :func:`parse_json`, by a slower reader that handles every case."""
    with _fastapi_errors():
        value = _JSON_READER.decode(body.removeprefix(BOM_UTF8).decode())
        _check(value, escapes=b"\\u" in body, containers=body.count(b"[") + body.count(b"{"))
    return value


def parsing_json(body: bytes) -> Work[Any]:
    """The same as :func:`parse_json`, part by part.

    A thread would not help, because the reader in C holds the interpreter's lock until it is done.
    """
    if len(body) < _SHORT:
        return parse_json(body)
    with _fastapi_errors():
        return (yield from _Reading(body.removeprefix(BOM_UTF8).decode()).whole())


@contextlib.contextmanager
def _fastapi_errors() -> Iterator[None]:
    """Turn the errors of the readers into :class:`UnprocessableError` in FastAPI's words."""
    try:
        yield
    except json.JSONDecodeError as error:
        raise _invalid(error.pos, error.msg) from None
    except UnicodeDecodeError as error:
        raise _invalid(error.start, "Not UTF-8") from None
    except UnicodeEncodeError:
        raise _invalid(0, "Lone surrogate in a string") from None
    except RecursionError:
        raise _invalid(0, f"Nested deeper than {int(assumed('nesting_limit'))} levels") from None
    except ValueError as error:
        raise _invalid(0, str(error).partition(";")[0]) from None


def _check(value: Any, *, escapes: bool, containers: int, above: int = 0) -> None:
    """Raise an error for a lone surrogate or for too many levels, including the ``above`` levels around the value."""
    if escapes:
        json.dumps(value, ensure_ascii=False).encode()
    most = int(assumed("nesting_limit")) - above
    if containers > most and _depth(value) > most:
        raise RecursionError


class _Reading:
    """Reads a long text: a value that fits into a window in one go, a longer value part by part."""

    def __init__(self, text: str) -> None:
        self.text = text

    def whole(self) -> Work[Any]:
        value, at = yield from self._value(self._after_blanks(0), 0)
        if self._after_blanks(at) != len(self.text):
            raise json.JSONDecodeError("Extra data", self.text, at)
        return value

    def _after_blanks(self, at: int) -> int:
        found = _BLANKS.match(self.text, at)
        return at if found is None else found.end()

    def _value(self, at: int, above: int) -> Work[tuple[Any, int]]:
        """The value that begins at a place, and the place where it ends."""
        kind = self.text[at : at + 1]
        if kind not in _PARTS:
            return self._at_once(self.text, at, above)
        with contextlib.suppress(json.JSONDecodeError):  # the value is longer, or invalid
            value, length = self._at_once(self.text[at : at + _WINDOW], 0, above)
            return value, at + length
        yield _CHARACTER * _WINDOW
        if above >= int(assumed("nesting_limit")):
            raise RecursionError
        return (yield from self._list(at, above + 1) if kind == "[" else self._object(at, above + 1))

    @staticmethod
    def _at_once(text: str, at: int, above: int) -> tuple[Any, int]:
        value, end = _JSON_READER.raw_decode(text, at)
        if type(value) is str:
            _check(value, escapes=text.find("\\u", at, end) >= 0, containers=0)
        elif type(value) in _NESTED:
            containers = text.count("[", at, end) + text.count("{", at, end)
            _check(value, escapes=text.find("\\u", at, end) >= 0, containers=containers, above=above)
        return value, end

    def _list(self, at: int, above: int) -> Work[tuple[list[Any], int]]:
        values: list[Any] = []
        at, single = self._after_blanks(at + 1), 0
        if self.text[at : at + 1] == "]":
            return values, at + 1
        while True:
            if not single:
                run, end = self._run(at, above, "[]")
                values += run
                yield _CHARACTER * (end - at) + _PART
                single, at = 0 if run else _SINGLE, end
                continue
            single -= 1
            value, end = yield from self._value(at, above)
            yield _CHARACTER * (end - at) + _PART
            values.append(value)
            at, over = self._next(end, "]")
            if over:
                return values, at

    def _object(self, at: int, above: int) -> Work[tuple[dict[str, Any], int]]:
        values: dict[str, Any] = {}
        at, single = self._after_blanks(at + 1), 0
        if self.text[at : at + 1] == "}":
            return values, at + 1
        while True:
            if not single:
                run, end = self._run(at, above, "{}")
                values.update(run)
                yield _CHARACTER * (end - at) + _PART
                single, at = 0 if run else _SINGLE, end
                continue
            single -= 1
            name, value_at = self._name(at, above)
            values[name], end = yield from self._value(value_at, above)
            yield _CHARACTER * (end - at) + _PART
            at, over = self._next(end, "}")
            if over:
                return values, at

    def _run(self, at: int, above: int, brackets: str) -> tuple[Any, int]:
        """The parts up to the last comma of a window, and the place where the next part begins.

        No parts and the same place, if that comma stands inside a part.
        """
        cut = self.text.rfind(",", at, at + _WINDOW)
        if cut > at:
            text = f"{brackets[0]}{self.text[at:cut]}{brackets[1]}"
            with contextlib.suppress(json.JSONDecodeError):
                values, end = self._at_once(text, 0, above - 1)
                if end == len(text) and values:
                    return values, self._after_blanks(cut + 1)
        return (), at

    def _name(self, at: int, above: int) -> tuple[str, int]:
        """The name of a field, and the place where its value begins."""
        if self.text[at : at + 1] != '"':
            raise json.JSONDecodeError("Expecting property name enclosed in double quotes", self.text, at)
        name, end = self._at_once(self.text, at, above)
        colon = self._after_blanks(end)
        if self.text[colon : colon + 1] != ":":
            raise json.JSONDecodeError("Expecting ':' delimiter", self.text, colon)
        return name, self._after_blanks(colon + 1)

    def _next(self, at: int, closing: str) -> tuple[int, bool]:
        """The start of the next part and False, or the place after the closing sign and True."""
        at = self._after_blanks(at)
        sign = self.text[at : at + 1]
        if sign == closing:
            return at + 1, True
        if sign != ",":
            raise json.JSONDecodeError("Expecting ',' delimiter", self.text, at)
        return self._after_blanks(at + 1), False


def _depth(value: Any) -> int:
    depth, level = 0, [value]
    while level := [item for item in level if isinstance(item, dict | list)]:
        depth += 1
        level = [inner for item in level for inner in (item.values() if isinstance(item, dict) else item)]
    return depth


def holds_more(value: Any, most: int) -> bool:
    """True if a value contains more than ``most`` values, at all depths together."""
    count, left = 0, [value] if type(value) in _NESTED else []
    while left:
        part = left.pop()
        count += len(part)
        if count > most:
            return True
        items = part.values() if type(part) is dict else part
        if not _NESTED.isdisjoint(map(type, items)):
            left += [item for item in items if type(item) in _NESTED]
    return False


def to_json(value: Any) -> bytes:
    """The JSON of a model, or of any value that the standard library can write, as bytes."""
    if isinstance(value, BaseModel):
        made: bytes = value.__pydantic_serializer__.to_json(value, by_alias=True)
        return made
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def record_json(view: type[Outgoing], record: Record, **own: Any) -> bytes:
    """The JSON of what a view shows of a record: all of the view's keys, from the record or from ``own``."""
    serializer, order, in_order = _writer(view, type(record))
    values = vars(record)
    # The serializer passes over the keys that the view does not have.
    made: bytes = serializer.to_json(values if in_order and not own else {**order, **values, **own})
    return made


@cache
def _writer(view: type[Outgoing], kind: type[Record]) -> tuple[Any, dict[str, Any], bool]:
    """The writer of a view of such records, the view's keys in order, and True if the records have that order."""
    order = dict.fromkeys(view.model_fields)
    in_order = list(order) == [name for name in kind.model_fields if name in order]
    return fields_of(view).serializer, order, in_order
