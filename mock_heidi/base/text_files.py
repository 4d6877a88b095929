"""The files that a user asks for: reports, results, choices of assumptions."""

from __future__ import annotations

from pathlib import Path

from mock_heidi.base.settings import ConfigError


def check_folder(path: Path) -> None:
    """Raise :class:`ConfigError` if the folder of a file does not exist, before the work for the file begins."""
    if not path.parent.is_dir():
        raise ConfigError(f"{path}: there is no folder {path.parent}", "make it first")


def write(path: Path, text: str) -> None:
    """Write a text as UTF-8. Raises :class:`ConfigError`."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        problem = f"cannot write {path}: {error.strerror}"
        raise ConfigError(problem, "give a file in a folder that you can write to") from None
