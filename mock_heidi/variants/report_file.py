"""The results of the variant runs as a JSON file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mock_heidi.base import text_files
from mock_heidi.variants.examine import DEPENDS
from mock_heidi.variants.run import Row
from mock_heidi.variants.table import advice_for


def depending(results: Sequence[Row]) -> bool:
    """True if a test depends on an assumption."""
    return any(result["outcome"] == DEPENDS for result in results)


def write(file: Path, results: Sequence[Row]) -> None:
    """Write the results with their advice. Raises :class:`ConfigError`."""
    report: dict[str, Any] = {"tests": [{**result, "advice": advice_for([result])} for result in results]}
    text_files.write(file, f"{json.dumps(report, indent=2, ensure_ascii=False)}\n")
