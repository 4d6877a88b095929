"""The results of the variant runs as a JSON file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mock_heidi.base.settings import ConfigError
from mock_heidi.variants.examine import DEPENDS
from mock_heidi.variants.run import Row
from mock_heidi.variants.table import advice_for


def depending(results: Sequence[Row]) -> bool:
    """True if a test depends on an assumption."""
    return any(result["outcome"] == DEPENDS for result in results)


def check_folder(file: Path) -> None:
    """Raise :class:`ConfigError` if the folder of the file is missing. The runs may take minutes, so it comes first."""
    if not file.parent.is_dir():
        raise ConfigError(f"cannot write {file}: there is no folder {file.parent}", "make it first")


def write(file: Path, results: Sequence[Row]) -> None:
    """Write the results with their advice. Raises :class:`ConfigError` if the file cannot be written."""
    report: dict[str, Any] = {"tests": [{**result, "advice": advice_for([result])} for result in results]}
    try:
        file.write_text(f"{json.dumps(report, indent=2, ensure_ascii=False)}\n", encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot write {file}: {error.strerror}", "give a file in a folder that exists") from None
