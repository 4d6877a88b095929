"""Prints the lowest allowed version of each direct dependency as a constraint, since pip cannot choose the lowest.

``python tests/support/lowest.py`` prints those of the package and of its ``pytest`` extra. Arguments name dependency
groups to print too: ``python tests/support/lowest.py test lint``.
"""

import re
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path

from paths import ROOT

PYPROJECT = ROOT / "pyproject.toml"
_REQUIREMENT = re.compile(r"(?P<name>[\w-]+)(\[[\w,]+\])?>=(?P<lowest>[\d.]+)(,<[\d.]+)?(?P<marker>;.*)?")


def requirements(*groups: str, pyproject: Path = PYPROJECT) -> list[str]:
    """The requirements of the package, of its ``pytest`` extra and of these groups, as ``pyproject.toml`` has them."""
    known = tomllib.loads(pyproject.read_text(encoding="utf-8"))
    listed = [known["dependency-groups"][group] for group in groups]
    return [
        *known["project"]["dependencies"],
        *known["project"]["optional-dependencies"]["pytest"],
        *(requirement for group in listed for requirement in group),
    ]


def lowest(wanted: Iterable[str]) -> list[str]:
    """A line ``name==version`` for each dependency; of several lower bounds the highest counts."""
    bounds: dict[str, tuple[tuple[int, ...], str]] = {}
    for requirement in wanted:
        found = _REQUIREMENT.fullmatch(requirement)
        if found is None:
            raise SystemExit(f"pyproject.toml: {requirement!r} needs one lower bound, as in name>=1.2 or name>=1.2,<2")
        version = tuple(map(int, found["lowest"].split(".")))
        line = f"{found['name']}=={found['lowest']}{found['marker'] or ''}"
        bounds[found["name"]] = max(bounds.get(found["name"], (version, line)), (version, line))
    return [line for _, line in bounds.values()]


if __name__ == "__main__":
    sys.stdout.writelines(f"{line}\n" for line in lowest(requirements(*sys.argv[1:])))
