"""The assumptions: behaviour of the vendor's service that no source documents, and the values to choose from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from mock_heidi.base import built
from mock_heidi.base.operations import OPERATIONS
from mock_heidi.base.settings import ConfigError
from mock_heidi.base.wording import nearest, short_repr

_FILE = Path(__file__).with_name("assumptions.yaml")
_WORDS = {"true": True, "false": False}
_STATUS_DIGITS = 3
# The most characters of a wrong name or value in a message.
_LONGEST_SHOWN = 60
_NUMBER = re.compile(r"-?\d{1,18}", re.ASCII)


class Assumption(NamedTuple):
    """A named guess: ``default`` is what the mock does, ``alternatives`` are the values that a user may choose instead.

    Values are words, integers or booleans. With ``any_number``, every integer from 1 to that number may be chosen.
    ``sources`` are the known facts; ``operations`` are the operations whose requests or answers depend on it.
    ``advice`` is for a client that fails under an alternative: what it counts on and, after a semicolon, the cure.
    """

    name: str
    decides: str
    default: Any
    why: str
    sources: tuple[str, ...]
    operations: tuple[str, ...]
    alternatives: tuple[Any, ...] = ()
    advice: str | None = None
    any_number: int | None = None

    def allows(self, value: Any) -> bool:
        """True if a value may be chosen and has the right type."""
        if self.any_number is not None and type(value) is int and 1 <= value <= self.any_number:
            return True
        return any(type(value) is type(known) and value == known for known in (self.default, *self.alternatives))

    @property
    def values(self) -> str:
        """The values that may be chosen, in words."""
        known = [written(value) for value in (self.default, *self.alternatives)]
        if self.any_number is not None:
            return f"an integer from 1 to {self.any_number}"
        return " or ".join([", ".join(known[:-1]), known[-1]]) if len(known) > 1 else f"{known[0]} only"


def written(value: Any) -> str:
    """A value in the form that a user writes: ``true``, ``404`` or a word."""
    if value is None:
        return "null"
    return str(value).lower() if type(value) is bool else str(value)


def status_in(value: Any) -> int | None:
    """The HTTP status in a value: 404 for ``404`` and ``refused_404``, None for ``allowed``."""
    text = str(value).rpartition("_")[2]
    return int(text) if len(text) == _STATUS_DIGITS and text.isdecimal() else None


@cache
def assumptions() -> Mapping[str, Assumption]:
    """Every assumption by its name, in the order of ``assumptions.yaml``."""
    rows = built.rows("assumptions", built.digest([_FILE])) or _read()
    return {row["name"]: _assumption(row) for row in rows}


def _assumption(row: Mapping[str, Any]) -> Assumption:
    operations = OPERATIONS if row["operations"] == "all" else row["operations"]
    lists = {name: tuple(value) for name, value in row.items() if isinstance(value, list)}
    return Assumption(**{**row, **lists, "operations": tuple(operations)})


def choosable() -> list[str]:
    """The names of the assumptions that have other values than the default."""
    return [one.name for one in assumptions().values() if one.alternatives or one.any_number]


def _read() -> list[dict[str, Any]]:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    rows: list[dict[str, Any]] = yaml.load(_FILE.read_bytes(), loader)  # noqa: S506 - a safe loader, in C if available
    return rows


def built_text() -> bytes:
    """The assumptions as a JSON file, which :func:`assumptions` reads faster than YAML."""
    return built.text(_read(), built.digest([_FILE]))


@cache
def assumed(name: str) -> Any:
    """The default of an assumption, such as 404 for ``profile_not_found``."""
    return assumptions()[name].default


class Assumptions(dict[str, Any]):
    """The value of each assumption: the chosen values, and the defaults of all others. Its values never change."""

    __slots__ = ("chosen",)

    def __init__(self, chosen: Mapping[str, Any] | None = None) -> None:
        super().__init__(chosen or {})
        self.chosen = chosen or {}
        """The values that differ from the defaults, by name."""

    def __missing__(self, name: str) -> Any:
        # Kept here, so that the next access is quick.
        value = self[name] = assumed(name)
        return value

    def status(self, name: str) -> int:
        """The HTTP status that an assumption decides, such as 403 for the value ``object_403``.

        Where the value is no refusal, such as ``allowed``, it is that of the default or of the first alternative that
        is one.
        """
        value = self[name]
        if type(value) is int:
            return value
        found = (status_in(one) for one in (value, assumed(name), *assumptions()[name].alternatives))
        return next(status for status in found if status is not None)

    def choose(self, values: Mapping[str, Any]) -> Assumptions:
        """A copy with these values. Raises :class:`ConfigError` for an unknown name or value."""
        chosen = {**self.chosen}
        for name, value in values.items():
            _check(name, value)
            chosen[name] = value
        return Assumptions({name: value for name, value in chosen.items() if value != assumed(name)})


def allowed(name: str, value: Any) -> bool:
    """True if there is an assumption of that name and the value may be chosen for it."""
    known = assumptions().get(name)
    return known is not None and known.allows(value)


def _check(name: str, value: Any) -> None:
    known = assumptions().get(name) if isinstance(name, str) else None
    if known is None:
        raise ConfigError(f"unknown assumption {short_repr(name, _LONGEST_SHOWN)}", nearest(str(name), assumptions()))
    if not known.allows(value):
        quoted = isinstance(value, str) and known.allows(value_in(value))
        hint = f"write {value} without quotes" if quoted else f"choose {known.values}"
        raise ConfigError(f"{name}: {short_repr(written(value), _LONGEST_SHOWN)} cannot be chosen", hint)


def parse_choices(texts: Iterable[str]) -> dict[str, Any]:
    """The choices in texts such as ``gender_case=exact``. Raises :class:`ConfigError` for a text of another form."""
    choices = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise ConfigError(f"{short_repr(text, _LONGEST_SHOWN)} is not a choice", "write it like gender_case=exact")
        choices[name.strip()] = value_in(value.strip())
    return choices


def value_in(text: str) -> Any:
    """The value that a user has written as a text: ``true``, an integer or a word."""
    return int(text) if _NUMBER.fullmatch(text) else _WORDS.get(text.lower(), text)


DEFAULTS = Assumptions()
"""The defaults of all assumptions."""
