"""``--watch``: loads the fixtures again when their files change, in a separate thread."""

from __future__ import annotations

import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mock_heidi.base.settings import ConfigError
from mock_heidi.base.wording import printable
from mock_heidi.fixtures.changes import FixtureFiles
from mock_heidi.fixtures.documents import FixtureError

if TYPE_CHECKING:
    from mock_heidi.namespaces.registry import Registry
    from mock_heidi.namespaces.reload import Reloaded
    from mock_heidi.serving.server import Server

_PAUSE = 0.2
_MOST_NAMES = 10


def watched_files(fixtures: str | None, *, watch: bool) -> FixtureFiles | None:
    """The files to watch, as they are now; None without ``watch``. Raises :class:`ConfigError` if there are none."""
    if not watch:
        return None
    if fixtures in (None, "empty"):
        raise ConfigError("--watch: there are no files to watch", "give a folder or a file with --fixtures")
    return FixtureFiles(Path(str(fixtures)))


class FixtureWatch:
    """Gives the fixtures of changed files to the namespaces of a server. Without files it does nothing."""

    def __init__(self, files: FixtureFiles | None, registry: Registry, server: Server, *, quiet: bool) -> None:
        """Unless ``quiet``, each change is a line on standard error. A mistake always is."""
        self._files = files
        self._registry = registry
        self._server = server
        self._quiet = quiet
        self._ended = threading.Event()

    def start(self) -> None:
        """Watch from now on. The server must listen."""
        if self._files is not None:
            threading.Thread(target=self._watch, args=[self._files], name="mock-heidi-watch", daemon=True).start()

    def close(self) -> None:
        """Load nothing more."""
        self._ended.set()

    def _watch(self, files: FixtureFiles) -> None:
        while not self._ended.wait(_PAUSE):
            if files.have_changed():
                self._load(files)

    def _load(self, files: FixtureFiles) -> None:
        from mock_heidi.namespaces.beginning import read_beginning
        from mock_heidi.namespaces.reload import reload

        try:
            beginning = read_beginning(str(files.path), self._registry.settings)
            if files.are_as_reported():
                reloaded = self._server.call(partial(reload, self._registry, beginning))
                self._say(_summary(files.path, reloaded), always=False)
        except ConfigError as error:
            if files.are_as_reported():
                self._say(f"{files.path} has changed, and the earlier fixtures stay: {_first_line(error)}", always=True)
        except RuntimeError:
            if not self._server.stopping:
                raise

    def _say(self, line: str, *, always: bool) -> None:
        if (always or not self._quiet) and not self._ended.is_set():
            click.echo(f"mock-heidi: {printable(line)}", err=True)


def _first_line(error: ConfigError) -> str:
    """The error in one line: the first problem, and the number of the others."""
    if not isinstance(error, FixtureError):
        return str(error)
    unnamed = len(error.problems) - 1
    return error.problems[0] + (f" (and {error.others(unnamed)})" if unnamed + error.more else "")


def _summary(path: Path, reloaded: Reloaded) -> str:
    """The namespaces with a new state, and those that keep theirs."""
    parts = []
    if reloaded.replaced:
        parts.append(f"new state: {_names(reloaded.replaced)}")
    if reloaded.kept:
        parts.append(f"changed by a client, so new only after a reset: {_names(reloaded.kept)}")
    return "; ".join([f"{path} has changed", *parts])


def _names(names: list[str]) -> str:
    more = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
