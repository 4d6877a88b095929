"""``--mock-heidi-variants``: tests run again under other assumptions, in the same worker, one run after the other.

The repeated runs have no ordinary reports. What they show travels with the last report of the test, also from the
workers of xdist.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from _pytest.runner import runtestprotocol  # what plugins for repeated runs use: pytest has no public way

from mock_heidi import pytest_options as options
from mock_heidi.base.settings import ConfigError
from mock_heidi.base.text_files import check_folder
from mock_heidi.variants import report_file
from mock_heidi.variants.choice import Variant, parse_choice
from mock_heidi.variants.examine import examine
from mock_heidi.variants.limits import MOST, SECONDS, Limits
from mock_heidi.variants.run import Row, Run
from mock_heidi.variants.table import table, verdict_text
from mock_heidi.variants.watch import Watch

if TYPE_CHECKING:
    from mock_heidi.client.handle import Handle

_FIXTURES = {"mock_heidi", "mock_heidi_factory", "mock_heidi_server"}
_FILE = "--mock-heidi-variants-json"
# The outcome of a report that only shows progress, and the attributes that our reports carry.
_PROGRESS = "variant"
_RESULT = "mock_heidi_variants"
_SHOWN = "mock_heidi_variant"


class VariantRuns:
    """The plugin that repeats the tests of a mock. Raises ``pytest.UsageError`` for a wrong option."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._chosen = _chosen(config)
        most = _number(config, "variants-max", MOST)
        self._limits = Limits(int(most), _number(config, "variants-time", SECONDS))
        self._file = _file(config)
        self._watch = Watch()
        self._results: list[Row] = []
        self._unwritten: str | None = None
        # The reports of the run that goes on, None between the runs; those of its subtests; whether it is repeated.
        self._reports: list[pytest.TestReport] | None = None
        self._subtests: list[pytest.TestReport] = []
        self._repeats = False

    def watched(self, server: Handle) -> Handle:
        """The handle of the server through which the tests get their Heidis."""
        return self._watch.server(server, shared=options.url(self._config) is not None)

    # --- The runs of a test ---

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
        if self._reports is not None:
            # What the other tests of this module or class share is torn down after the last run.
            self._reports += runtestprotocol(item, log=False, nextitem=item.parent)  # type: ignore[arg-type]
            return True
        if _FIXTURES.isdisjoint(getattr(item, "fixturenames", ())):
            return None
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        self._run_all(item, nextitem)
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True

    def _run_all(self, item: pytest.Item, nextitem: pytest.Item | None) -> None:
        self._watch.keep_start()
        first, reports = self._run(item, None)
        *begun, ended = reports
        for report in begun:
            item.ihook.pytest_runtest_logreport(report=report)
        result = self._examined(item, first) if first.passed and not _is_stopping(item) else None
        closed = _close(item, nextitem)
        last = ended if closed is None or ended.failed else closed
        if result is not None:
            _attach(last, result)
        for report in [last] if closed in (None, last) else [last, closed]:
            item.ihook.pytest_runtest_logreport(report=report)

    def _run(self, item: pytest.Item, variant: Variant | None) -> tuple[Run, list[pytest.TestReport]]:
        """Run a test once, with new fixtures of its scope and inside of the hooks of other plugins."""
        self._watch.begin(variant)
        reports: list[pytest.TestReport] = []
        self._reports, self._subtests = reports, []
        try:
            item.ihook.pytest_runtest_protocol(item=item, nextitem=item.parent)
        finally:
            self._reports = None
            requests, settled = self._watch.end()
        every = [*self._subtests, *reports]
        return Run(_passed(every), requests, settled, _failure(every)), reports

    def _examined(self, item: pytest.Item, first: Run) -> dict[str, Any]:
        properties = list(item.user_properties)

        def repeat(variant: Variant | None) -> Run:
            self._watch.restore_start()
            run, _ = self._run(item, variant)
            _show_progress(item, variant, run)
            return run

        self._repeats = True
        try:
            with self._watch.repeating():
                return examine(item.nodeid, first, repeat, self._chosen, self._limits)
        finally:
            self._repeats = False
            item.user_properties[:] = properties

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Generator[None, object, object]:
        __tracebackhide__ = True
        value = yield
        if fixturedef.scope != "function":
            # The Heidis that tests share are filled by now, and the test has not begun.
            self._watch.keep_start()
        return value

    # --- What they show ---

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, Any] | None:
        if report.outcome != _PROGRESS:
            return None
        letter, shown = getattr(report, _SHOWN, ("", ""))
        return "", letter, (shown, {"green": True} if letter == "v" else {"yellow": True}) if shown else ""

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if self._reports is not None:
            # A subtest, which pytest reports before the end of the run.
            self._subtests.append(copy.copy(report))
            if self._repeats:
                report.outcome = _PROGRESS  # type: ignore[assignment] # nothing counts it or shows it
        if (result := getattr(report, _RESULT, None)) is not None:
            self._results.append(result)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._results:
            terminalreporter.section("what the tests depend on")
            for line in table(self._results):
                terminalreporter.line(line)
        if self._unwritten is not None:
            terminalreporter.line(f"ERROR: --mock-heidi-variants-json: {self._unwritten}")

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if hasattr(session.config, "workerinput"):
            return
        if self._file is not None:
            try:
                report_file.write(self._file, self._results)
            except ConfigError as error:
                self._unwritten = str(error)
        depends = session.config.getoption("--mock-heidi-variants-fail") and report_file.depending(self._results)
        if (depends or self._unwritten) and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


# --- The options ------------------------------------------------------------------------------------------------------


def _chosen(config: pytest.Config) -> tuple[str, ...] | None:
    typed = config.getoption("--mock-heidi-variants")
    if typed is None:
        raise pytest.UsageError("the options --mock-heidi-variants-… need --mock-heidi-variants too")
    try:
        return parse_choice(typed)
    except ConfigError as error:
        # The option takes the next word as its value.
        is_path = (config.invocation_params.dir / typed).exists()
        cure = "write --mock-heidi-variants=met before a path" if is_path else error.hint
        raise pytest.UsageError(f"--mock-heidi-variants={typed}: {error.problem}; {cure}") from None


def _number(config: pytest.Config, name: str, default: float) -> float:
    typed = config.getoption(f"--mock-heidi-{name}")
    if typed is None:
        return default
    if not (typed.isascii() and typed.isdecimal()):
        raise pytest.UsageError(f"--mock-heidi-{name}={typed}: should be a whole number, such as {default}")
    return int(typed)


def _file(config: pytest.Config) -> Path | None:
    """The path of the results, relative to the folder in which pytest was started."""
    typed = config.getoption("--mock-heidi-variants-json")
    if typed is None:
        return None
    file: Path = config.invocation_params.dir / typed
    try:
        check_folder(file)
    except ConfigError as error:
        raise pytest.UsageError(f"--mock-heidi-variants-json: {error}") from None
    return file


# --- The reports of a run ---------------------------------------------------------------------------------------------


def _passed(reports: list[pytest.TestReport]) -> bool:
    called = any(report.when == "call" and report.passed and not hasattr(report, "wasxfail") for report in reports)
    return called and not any(report.failed for report in reports)


def _failure(reports: list[pytest.TestReport]) -> str:
    """The place of the first failure, such as ``test_sync.py:14``, or the outcome of a run that did not pass."""
    report = next((one for one in reports if not one.passed), None)
    if report is None:
        return ""
    found = _place(report.longrepr) or report.outcome
    return found if report.when == "call" else f"{report.when}, {found}"


def _place(shown: Any) -> str | None:
    """The file and the line in the test or the fixture; None for a failure that is only a text."""
    try:
        place = shown.reprtraceback.reprentries[0].reprfileloc
    except (AttributeError, IndexError):
        place = getattr(shown, "reprcrash", None)  # with --tb=native
    return None if place is None else f"{Path(place.path).name}:{place.lineno}"


def _is_stopping(item: pytest.Item) -> bool:
    return bool(item.session.shouldfail or item.session.shouldstop)


def _close(item: pytest.Item, nextitem: pytest.Item | None) -> pytest.TestReport | None:
    """Tear down what the next test does not share. Returns the report of a failure."""
    capturing = item.config.pluginmanager.get_plugin("capturemanager")

    def close() -> None:
        with capturing.item_capture("teardown", item) if capturing else contextlib.nullcontext():
            item.session._setupstate.teardown_exact(None if _is_stopping(item) else nextitem)  # noqa: SLF001 - as above

    call = pytest.CallInfo.from_call(close, when="teardown", reraise=(pytest.exit.Exception, KeyboardInterrupt))
    if call.excinfo is None:
        return None
    report: pytest.TestReport = item.ihook.pytest_runtest_makereport(item=item, call=call)
    return report


def _show_progress(item: pytest.Item, variant: Variant | None, run: Run) -> None:
    verdict = "holds" if run.passed else "FAILS"
    shown = f"{'SECOND RUN' if variant is None else variant} {verdict}"
    extra = {_SHOWN: ("v" if run.passed else "V", shown)}
    report = pytest.TestReport(item.nodeid, item.location, {}, _PROGRESS, None, "call", **extra)  # type: ignore[arg-type]
    item.ihook.pytest_runtest_logreport(report=report)


def _attach(report: pytest.TestReport, result: dict[str, Any]) -> None:
    setattr(report, _RESULT, result)
    verdicts = [(f"{_RESULT}.{one['name']}", verdict_text(one)) for one in result["assumptions"]]
    report.user_properties += [(_RESULT, result["outcome"]), *verdicts]
