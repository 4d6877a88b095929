"""The assumptions: behaviour of the vendor's service that no source documents, and what the mock does."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from mock_heidi.base import built

_FILE = Path(__file__).with_name("assumptions.yaml")


class Assumption(NamedTuple):
    """A named guess: ``default`` is what the mock does, ``alternatives`` is what the real service might do instead."""

    name: str
    decides: str
    default: Any
    alternatives: tuple[Any, ...]
    why: str


@cache
def assumptions() -> Mapping[str, Assumption]:
    """Every assumption by its name, in the order of ``assumptions.yaml``."""
    rows = built.rows("assumptions", built.digest([_FILE])) or _read()
    listed = (Assumption(**{**row, "alternatives": tuple(row["alternatives"])}) for row in rows)
    return {row.name: row for row in listed}


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
