"""A rule in words, for people: which requests it changes, how often, and what happens to them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from mock_heidi.base.wording import counted, shorten
from mock_heidi.faults.effects import EFFECTS
from mock_heidi.faults.effects.effect import Where
from mock_heidi.faults.fields import Delay, Quota, RetryAfter
from mock_heidi.faults.rule import Fault

_INSIDE = {"piece": "before the empty line of a piece", "json": "inside the JSON of a piece", "utf8": "inside a letter"}
# The answers that an effect works on, if it does not work on every answer.
_ONLY = {
    Where.STREAMS: " whose answer is a stream",
    Where.WRITTEN: " whose answer is a written text",
    Where.CODES: " for clinical codes",
}
_ORDINALS = {2: "second", 3: "third"}
_LONGEST = 200


def sentence(fault: Fault) -> str:
    """A sentence such as ``The next 2 requests to ask_ai: the stream is reset after 3 pieces.``"""
    acting = [effect for effect in EFFECTS if fault.given([effect.name])]
    effects = "; ".join(effect.phrase.format_map(_Argument(getattr(fault, effect.name))) for effect in acting)
    only = "" if fault.operation or fault.path else next((_ONLY[one.where] for one in acting if one.where in _ONLY), "")
    off = " It is switched off." if fault.enabled is False else ""
    return f"{_how_many(fault)}{only}{''.join(_which(fault))}{''.join(_limits(fault))}: {effects}.{off}"


def _how_many(fault: Fault) -> str:
    """The beginning of the sentence, such as ``The next 2 requests``."""
    if fault.nth is not None:
        return f"Request{'s' if len(fault.nth) > 1 else ''} {_joined(map(str, fault.nth))}"
    if fault.every is not None and fault.every > 1:
        return f"Every {_ORDINALS.get(fault.every, f'{fault.every}th')} request"
    if fault.times is not None and fault.probability is None:
        return "The next request" if fault.times == 1 else f"The next {fault.times} requests"
    return "Every request"


def _which(fault: Fault) -> Iterator[str]:
    if fault.operation is not None:
        yield f" to {_joined(fault.operation, 'or')}"
    if fault.path is not None:
        yield f" to {fault.method or 'any method of'} {_value(fault.path)}"
    if fault.session_id is not None:
        yield f" about session {_value(fault.session_id)}"
    if fault.header is not None:
        named = (name if text == "*" else f"{name}: {text}" for name, text in fault.header.items())
        yield f" with the header {_value(_joined(named))}"
    if fault.match is not None:
        yield f" with {_value(fault.match)} in the body"


def _limits(fault: Fault) -> Iterator[str]:
    if fault.after:
        yield f", after the first {fault.after if fault.after > 1 else 'one'}"
    if fault.probability is not None:
        yield f", with a chance of {fault.probability * 100:g} %"
    if fault.times is not None and not _how_many(fault).startswith("The next"):
        yield f", {counted(fault.times, 'time')} at most"
    if fault.ttl is not None:
        yield f", for {fault.ttl:g} s of real time"


class _Argument(Mapping[str, str]):
    """The argument of an effect, by the name of the form in which a phrase has it."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def __getitem__(self, form: str) -> str:
        return _FORMS[form](self._value)

    def __iter__(self) -> Iterator[str]:
        return iter(_FORMS)

    def __len__(self) -> int:
        return len(_FORMS)


def _seconds(value: Delay | RetryAfter) -> str:
    if isinstance(value, RetryAfter):
        return f"{value.seconds:g} s{', as a date' if value.dated else ''}"
    return {
        "uniform": f"{value.first:g} to {value.second:g} s",
        "lognormal": f"about {value.first:g} s, sometimes much more,",
    }.get(value.kind, f"{value.first:g} s")


def _quota(value: Quota) -> str:
    return f"{value.requests} in {value.seconds:g} s"


def _value(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return shorten(text, _LONGEST)


def _joined(words: Iterable[str], last: str = "and") -> str:
    *first, final = words
    return shorten(f"{', '.join(first)} {last} {final}" if first else final, _LONGEST)


_FORMS: dict[str, Callable[[Any], str]] = {
    "value": _value,
    "seconds": _seconds,
    "quota": _quota,
    "pieces": lambda number: counted(number, "piece"),
    "bytes": lambda number: counted(number, "byte"),
    "keys": _joined,
    "renames": lambda names: _joined(f"{old}: {new}" for old, new in names.items()),
    "inside": _INSIDE.__getitem__,
}
