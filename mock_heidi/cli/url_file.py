"""The file in which a server says where it listens, for programs that start it."""

from __future__ import annotations

import os
from pathlib import Path

from mock_heidi.base.settings import ConfigError


def write(path: Path, base_url: str) -> None:
    """Write the base URL into the file in one step, so that it is never read in half."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        part.write_text(f"{base_url}\n", encoding="utf-8")
        part.replace(path)
    except OSError as error:
        problem = f"--url-file: cannot write {path}: {error.strerror}"
        raise ConfigError(problem, "give a file in a folder of yours") from None


def take_back(path: Path, base_url: str) -> None:
    """Remove the file unless another server has written it meanwhile; :class:`ConfigError` if that fails."""
    try:
        own = path.read_text(encoding="utf-8") == f"{base_url}\n"
    except (OSError, UnicodeDecodeError):
        return  # gone, or another file
    if own:
        remove(path)


def remove(path: Path) -> None:
    """Remove the file if it is there; :class:`ConfigError` if that fails."""
    try:
        path.unlink()
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise ConfigError(f"--url-file: cannot replace {path}: {error.strerror}", "give another file") from None
