"""The file into which a server writes its state when it ends: a fixture set, written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from mock_heidi.base.settings import ConfigError

if TYPE_CHECKING:
    from mock_heidi.namespaces.namespace import Namespace
    from mock_heidi.state.store import Store


def fixtures_of_start(fixtures: str | None, export: Path | None) -> str | None:
    """The fixtures to start with: the packaged set if ``fixtures`` is the export that no server has written yet.

    Raises :class:`ConfigError` if the export can never be written, so that no work is lost for a mistake.
    """
    if export is None:
        return fixtures
    target = export.resolve()
    if target.is_dir():
        raise ConfigError(f"--export-on-exit: {export} is a folder", "give a file, such as saved.yaml")
    if not (target.parent.is_dir() and os.access(target.parent, os.W_OK)):
        problem = f"--export-on-exit: cannot write into {target.parent}"
        raise ConfigError(problem, "give a file in a folder that you can write to")
    is_first = fixtures is not None and not target.exists() and Path(fixtures).resolve() == target
    return None if is_first else fixtures


def write(path: Path, namespace: Namespace) -> None:
    """Write the state of a namespace as a fixture set in one file.

    Raises :class:`ConfigError` if that fails; an earlier file stays.
    """
    from mock_heidi.fixtures.documents import FixtureError
    from mock_heidi.fixtures.loader import load

    target = path.resolve()  # a link stays, and the file that it leads to is replaced
    part = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        part.touch()
        if target.exists():
            shutil.copymode(target, part)
        _write(part, namespace.store)
        load(part, assume=namespace.assumptions.chosen)
        part.replace(target)
        _settle(target.parent)
    except OSError as error:
        problem = f"--export-on-exit: cannot write {path}: {error.strerror}"
        raise ConfigError(problem, "the state of this server is lost, and an earlier file stays") from None
    except FixtureError as error:
        problem = f"--export-on-exit: the state is not a fixture set: {error.problems[0]}"
        raise ConfigError(problem, "an earlier file stays") from None
    finally:
        with contextlib.suppress(OSError):
            part.unlink()


def _write(path: Path, store: Store) -> None:
    from mock_heidi.fixtures.export import rows_by_kind
    from mock_heidi.fixtures.export_text import yaml_pieces

    with path.open("wb") as file:
        for piece in yaml_pieces(rows_by_kind(store)):
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())


def _settle(folder: Path) -> None:
    """Make a renaming in a folder outlive a power cut, on systems that can."""
    with contextlib.suppress(OSError):  # Windows cannot open a folder
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
