"""The files that a user names: reports, results, choices of assumptions, recorded traffic."""

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


def read(path: Path, most: int, cure: str) -> bytes:
    """The content of a file or a pipe, at most ``most`` bytes.

    Raises :class:`ConfigError` with ``cure`` if it is larger, and OSError if it cannot be read.
    """
    # Its size is not asked for: a pipe and a device such as /dev/zero have none.
    with path.open("rb") as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise ConfigError(f"{path} is larger than {most // 1024**2} MB", cure)
    return content
