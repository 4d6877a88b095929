"""The one list of what no source says about the vendor's service, and what is served instead."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from mock_heidi.base import built
from mock_heidi.base.operations import OPERATIONS

_FILE = Path(__file__).with_name("assumptions.yaml")


class Assumption(NamedTuple):
    """A named guess: ``default`` is what is served, ``alternatives`` what the real service might do instead.

    ``sources`` is what is known of it, ``operations`` names those whose requests or answers it touches.
    """

    name: str
    decides: str
    default: Any
    alternatives: tuple[Any, ...]
    why: str
    sources: tuple[str, ...]
    operations: tuple[str, ...]


@cache
def assumptions() -> Mapping[str, Assumption]:
    """Every assumption by its name, in the order of ``assumptions.yaml``."""
    rows = built.rows("assumptions", built.digest([_FILE])) or _read()
    return {row["name"]: _assumption(row) for row in rows}


def _assumption(row: Mapping[str, Any]) -> Assumption:
    operations = OPERATIONS if row["operations"] == "all" else row["operations"]
    lists = {name: tuple(row[name]) for name in ("alternatives", "sources")}
    return Assumption(**{**row, **lists, "operations": tuple(operations)})


def _read() -> list[dict[str, Any]]:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    rows: list[dict[str, Any]] = yaml.load(_FILE.read_bytes(), loader)  # noqa: S506 - the safe loader, in C where it is built
    return rows


def built_text() -> bytes:
    """The JSON file from which :func:`assumptions` takes them without YAML."""
    return built.text(_read(), built.digest([_FILE]))


@cache
def assumed(name: str) -> Any:
    """The value that is served for an assumption, such as 404 for ``profile_not_found``."""
    return assumptions()[name].default
