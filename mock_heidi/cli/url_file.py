"""The file that holds the base URL of a running server, for the program that started it."""

from __future__ import annotations

import os
from pathlib import Path

from mock_heidi.base.settings import ConfigError


def write(path: Path, base_url: str) -> None:
    """Write the base URL into the file in one step, so that no program reads half of it."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        part.write_text(f"{base_url}\n", encoding="utf-8")
        part.replace(path)
    except OSError as error:
        problem = f"--url-file: cannot write {path}: {error.strerror}"
        raise ConfigError(problem, "give a file in a folder that you can write to") from None


def remove_own(path: Path, base_url: str) -> None:
    """Remove the file unless another server has replaced it. Raises :class:`ConfigError` if that fails."""
    try:
        own = path.read_text(encoding="utf-8") == f"{base_url}\n"
    except (OSError, UnicodeDecodeError):
        return  # removed, or replaced by another file
    if own:
        remove(path)


def remove(path: Path) -> None:
    """Remove the file if it exists. Raises :class:`ConfigError` if that fails."""
    try:
        path.unlink()
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise ConfigError(f"--url-file: cannot replace {path}: {error.strerror}", "give another file") from None
