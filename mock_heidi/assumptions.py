"""The one list of what no source says about the vendor's service, and what is served instead."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple


class Assumption(NamedTuple):
    """A named guess: ``default`` is what is served, ``alternatives`` what the real service might do instead."""

    name: str
    decides: str
    default: Any
    alternatives: tuple[Any, ...]
    why: str


@cache
def assumptions() -> Mapping[str, Assumption]:
    """Every assumption by its name, in the order of ``assumptions.yaml``."""
    import yaml

    text = Path(__file__).with_name("assumptions.yaml").read_bytes()
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    rows = yaml.load(text, loader)  # noqa: S506 - the safe loader, in C where it is built
    listed = (Assumption(**{**row, "alternatives": tuple(row["alternatives"])}) for row in rows)
    return {row.name: row for row in listed}


@cache
def assumed(name: str) -> Any:
    """The value that is served for an assumption, such as 404 for ``profile_not_found``."""
    return assumptions()[name].default
