"""JSON as bytes: read more strictly than the standard library does, and written."""

from __future__ import annotations

import json
import math
import re
from codecs import BOM_UTF8
from functools import cache
from typing import Any

import pydantic_core
from pydantic import BaseModel

from mock_heidi.assumptions import assumed
from mock_heidi.errors import UnprocessableError
from mock_heidi.models import Outgoing, Record, fields_of


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
    raise ValueError(f"{name} is no JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError("Number too large")
    return number


_JSON_READER = json.JSONDecoder(parse_constant=_no_constant, parse_float=_finite)


MOST_VALUES = 100_000
"""How many values a record or a reply may hold: each may be wrong, and pydantic notes every mistake."""
_NESTED = frozenset((dict, list))
# What most bodies are made of. A float may be beyond all bounds, and what is nested too deep.
_PLAIN = frozenset((str, int, bool, type(None)))
# A longer body is hardly ever plain, and would be read twice.
_SHORT = 64 * 1024
# A key, or what looks like one inside a text.
_KEY = re.compile(rb'"\s*:')


def parse_json(body: bytes) -> Any:
    """The value of a JSON text; :class:`UnprocessableError` in FastAPI's words where it is none.

    Stricter than the standard library: no NaN, no infinite numbers, no lone surrogates, no endless nesting, since
    none of these could ever be answered again. Where a key comes twice the last one counts.
    """
    value = parse_plain(body)
    return parse_exactly(body) if value is None else value


def parse_plain(body: bytes) -> dict[str, Any] | None:
    """An object of texts, whole numbers, booleans and nulls, each key once; None for anything else."""
    try:
        value = pydantic_core.from_json(body, allow_inf_nan=False) if len(body) < _SHORT else None
    except ValueError:
        return None
    if type(value) is not dict or not _PLAIN.issuperset(map(type, value.values())):
        return None
    # Of a key that comes twice, the first value may be anything.
    once = body.count(b":") == len(value) or len(_KEY.findall(body)) == len(value)
    return value if once else None


def parse_exactly(body: bytes) -> Any:
    """What :func:`parse_json` does, by a slower reader that knows all that it promises."""
    deepest = int(assumed("nesting_limit"))
    try:
        value = _JSON_READER.decode(body.removeprefix(BOM_UTF8).decode())
        if b"\\u" in body:
            json.dumps(value, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        raise _invalid(error.pos, error.msg) from None
    except UnicodeDecodeError as error:
        raise _invalid(error.start, "Not UTF-8") from None
    except UnicodeEncodeError:
        raise _invalid(0, "Lone surrogate in a string") from None
    except RecursionError:
        raise _invalid(0, f"Nested deeper than {deepest} levels") from None
    except ValueError as error:
        raise _invalid(0, str(error).partition(";")[0]) from None
    if body.count(b"[") + body.count(b"{") > deepest and _depth(value) > deepest:
        raise _invalid(0, f"Nested deeper than {deepest} levels")
    return value


def _depth(value: Any) -> int:
    depth, level = 0, [value]
    while level := [item for item in level if isinstance(item, dict | list)]:
        depth += 1
        level = [inner for item in level for inner in (item.values() if isinstance(item, dict) else item)]
    return depth


def holds_more(value: Any, most: int) -> bool:
    """Whether more values than so many stand in a value, at whatever depth."""
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
    """JSON bytes of an answer, or of anything that the standard library can write."""
    if isinstance(value, BaseModel):
        made: bytes = value.__pydantic_serializer__.to_json(value, by_alias=True)
        return made
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def written(view: type[Outgoing], record: Record, **own: Any) -> bytes:
    """The JSON of what a view shows of a record: all of the view's keys, from the record or from ``own``."""
    serializer, order, in_order = _writer(view, type(record))
    values = vars(record)
    # The serializer passes over the keys that the view does not have.
    made: bytes = serializer.to_json(values if in_order and not own else {**order, **values, **own})
    return made


@cache
def _writer(view: type[Outgoing], kind: type[Record]) -> tuple[Any, dict[str, Any], bool]:
    """What writes a view of such records, the view's keys in their order, and whether the records have them in it."""
    order = dict.fromkeys(view.model_fields)
    in_order = list(order) == [name for name in kind.model_fields if name in order]
    return fields_of(view).serializer, order, in_order
