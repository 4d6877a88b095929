"""JSON files that the build makes from the package's YAML files and models, so that a start need not read YAML.

A checkout does not have these files. A file is used only if its sources are the same as when the package was built.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent.parent / "_data" / "built"


def digest(files: Iterable[Path]) -> str:
    """A digest of the contents of these files."""
    return sha256(b"\0".join(path.read_bytes() for path in files)).hexdigest()


def code() -> str:
    """A digest of the package's modules."""
    return digest(sorted(Path(__file__).parent.parent.rglob("*.py")))


def text(rows: Any, sources: str) -> bytes:
    """The JSON file of ``rows``; ``sources`` is the digest of the files that they are made from."""
    return json.dumps({"sources": sources, "rows": rows}, ensure_ascii=False).encode()


def rows(name: str, sources: str) -> Any:
    """The rows of a JSON file; None if the file is missing or was made from other sources."""
    try:
        kept = json.loads((FOLDER / f"{name}.json").read_bytes())
    except FileNotFoundError:
        return None
    return kept["rows"] if kept["sources"] == sources else None
