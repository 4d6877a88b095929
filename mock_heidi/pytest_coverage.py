"""Coverage of the contract by the tests of a run. This module is imported only if an option asks for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mock_heidi import pytest_options as options
from mock_heidi.base.settings import ConfigError
from mock_heidi.base.text_files import check_folder
from mock_heidi.client.handle import Handle, MockHeidiError, NoAnswerError
from mock_heidi.observing.coverage.forms import FORMS, to_text, write_report
from mock_heidi.observing.coverage.report import Report, counts_in, merged

if TYPE_CHECKING:
    from mock_heidi.observing.coverage.points import Point

_OPTION = "--mock-heidi-coverage"
_OUTPUT = "mock_heidi_coverage"
_ALL = 100


class Coverage:
    """A plugin that adds up the counts of all workers, shows the result, and fails the run if it is too low."""

    def __init__(self, config: pytest.Config, files: list[str], least: float | None) -> None:
        """``files`` are the values of ``--mock-heidi-coverage``, ``least`` is the percentage that must be reached.

        Raises ``pytest.UsageError``.
        """
        self._config = config
        self._files = [_file(config, typed) for typed in files if typed]
        if least is not None and not 0 <= least <= _ALL:
            raise pytest.UsageError(f"{_OPTION}-fail-under={least:g}: should be from 0 to {_ALL}")
        self._least = least
        self._counts: Counter[Point] = Counter()
        self._before: Counter[Point] = Counter()
        self._lines: list[str] = []

    @property
    def _is_worker(self) -> bool:
        return hasattr(self._config, "workerinput")

    def collect(self, server: Handle) -> None:
        """Add the counts of a server that this process has started, before it ends."""
        try:
            self._counts.update(counts_in(server.control("GET", "/coverage")))
        except (MockHeidiError, NoAnswerError) as error:
            self._lines.append(f"cannot ask mock_heidi: {error}")

    def pytest_sessionstart(self) -> None:
        """Remember what a server that other runs use has counted before."""
        if not self._is_worker and (given := options.url(self._config)) is not None:
            try:
                self._before = _of_running(given.url)
            except (ConfigError, MockHeidiError, NoAnswerError) as error:
                problem = str(error).removeprefix("GET /_mock/coverage: ")
                raise pytest.UsageError(f"{_OPTION}: {given.url}: {problem}") from None

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Add the counts of a worker of xdist. A worker that crashed has none."""
        rows = getattr(node, "workeroutput", {}).get(_OUTPUT)
        if rows is not None:
            self._counts.update(counts_in(rows))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Send the counts of a worker, or make the report of the run."""
        if self._is_worker:
            exercised = [{"kind": one.kind, "name": one.name, "count": n} for one, n in self._counts.items()]
            self._config.workeroutput[_OUTPUT] = {"exercised": exercised}  # type: ignore[attr-defined] # xdist adds it
            return
        problems = self._finish()
        if problems and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        self._lines += problems

    def _finish(self) -> list[str]:
        """Make the report. Returns the reasons to fail the run."""
        problems: list[str] = []
        if (given := options.url(self._config)) is not None:
            try:
                self._counts = _of_running(given.url) - self._before
            except (MockHeidiError, NoAnswerError) as error:
                problems.append(f"cannot ask mock_heidi: {error}")
        report = Report(self._counts)
        self._lines.append(to_text(report))
        for file in self._files:
            try:
                write_report(report, file)
                self._lines.append(f"wrote {file}")
            except ConfigError as error:
                problems.append(str(error))
        if self._least is not None and (problem := report.too_low(self._least)):
            problems.append(problem)
        return problems

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        terminalreporter.section("mock_heidi: coverage of the contract")
        for line in self._lines:
            terminalreporter.line(line)


def _of_running(url: str) -> Counter[Point]:
    with Handle(url) as server:
        rows: Mapping[str, Any] = server.control("GET", "/coverage")
        return merged([counts_in(rows)])


def _file(config: pytest.Config, typed: str) -> Path:
    """The path of a report, relative to the folder in which pytest was started."""
    path = config.invocation_params.dir / typed
    if path.suffix not in FORMS:
        # The option takes the next word as its value.
        after = f"{_OPTION} after the paths, or " if path.exists() else ""
        cure = f"write {after}{' or '.join(f'{_OPTION}=FILE{form}' for form in FORMS)}"
        raise pytest.UsageError(f"{_OPTION}={typed}: is not the name of a report; {cure}")
    try:
        check_folder(path)
    except ConfigError as error:
        raise pytest.UsageError(f"{_OPTION}: {error}") from None
    return path
