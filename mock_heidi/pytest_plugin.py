"""pytest: the fixture ``mock_heidi`` gives each test a fresh Heidi on a real socket.

Every run of pytest in the environment imports this module, so it imports the server only when a test asks for it.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import re
from collections.abc import Callable, Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from mock_heidi import pytest_options as options
from mock_heidi.pytest_reports import MADE, OWN, objections, sections

if TYPE_CHECKING:
    from mock_heidi.client.handle import Handle

_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]+")
# The names of the plugins that are registered only if an option asks for them.
_COVERAGE = "mock_heidi_coverage"
_VARIANTS = "mock_heidi_variants"
_NUMBER = pytest.StashKey[Iterator[int]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    options.add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", options.marker_line())
    _leave_asserts_alone(config)
    options.check(config)
    files, least = (config.getoption(f"--mock-heidi-{name}") for name in options.COVERAGE)
    if files or least is not None:
        from mock_heidi.pytest_coverage import Coverage

        config.pluginmanager.register(Coverage(config, files, least), _COVERAGE)
    if options.wants_variants(config):
        from mock_heidi.pytest_variants import VariantRuns

        config.pluginmanager.register(VariantRuns(config), _VARIANTS)


@pytest.hookimpl(trylast=True)  # other plugins may add markers
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let a test with ``vendor_hosts=True`` begin with the fixture, so that no other fixture meets the real service."""
    for item in items:
        names = getattr(item, "fixturenames", None)
        if names is not None and _wants_vendor_hosts(item):
            names[:] = ["mock_heidi", *(name for name in names if name != "mock_heidi")]


def _wants_vendor_hosts(item: pytest.Item) -> bool:
    """True if the nearest marker with ``vendor_hosts`` says so."""
    given = [marker.kwargs for marker in item.iter_markers("mock_heidi") if "vendor_hosts" in marker.kwargs]
    return bool(given) and given[0]["vendor_hosts"] is True


def pytest_collection_finish(session: pytest.Session) -> None:
    """Check the markers of all tests that will run."""
    if hasattr(session.config, "workerinput"):
        return  # xdist turns a usage error of a worker into an internal error, so there each fixture checks its marker
    for item in session.items:
        try:
            options.marked(item)
        except pytest.UsageError as error:
            raise pytest.UsageError(f"{item.nodeid}: {error}") from None


def _leave_asserts_alone(config: pytest.Config) -> None:
    """Make pytest import our modules without rewriting their asserts.

    pytest rewrites the asserts of all modules of a package that has a plugin, although ours do not need it. So the
    first run after an installation would compile all of them again. pytest has no public way to prevent this. If a new
    version renames these attributes, the modules are compiled again, and everything else works as before.
    """
    hook = config.pluginmanager.rewrite_hook
    getattr(hook, "_must_rewrite", set[str]()).discard("mock_heidi")
    getattr(hook, "_marked_for_rewrite_cache", {}).clear()


@pytest.fixture(scope="session")
def mock_heidi_server(request: pytest.FixtureRequest) -> Iterator[Handle]:
    """The one server of the run (one for each worker under xdist), or the one that --mock-heidi-url names."""
    with _server(request) as server:
        yield server


@contextlib.contextmanager
def _server(request: pytest.FixtureRequest) -> Iterator[Handle]:
    from mock_heidi.base.settings import ConfigError
    from mock_heidi.client.handle import Handle, MockHeidiError, NoAnswerError
    from mock_heidi.client.server_thread import MockHeidi

    given = options.url(request.config)
    coverage = request.config.pluginmanager.get_plugin(_COVERAGE)
    start_options = {**options.configured(request.config), "coverage": coverage is not None}
    with contextlib.ExitStack() as ending:
        try:
            if given is None:
                server = ending.enter_context(MockHeidi(**start_options))
            else:
                server = ending.enter_context(Handle(given.url))
                server.api_key = server.control("GET", "/state")["api_keys"][0]["key"]
        except (ConfigError, MockHeidiError, NoAnswerError) as error:
            # No other test would have a server either: the run ends after this one.
            problem = f"{given.typed if given else options.typed_fixtures(request.config)}: {error}"
            request.session.shouldfail = problem
            raise _failure(problem) from None
        variants = request.config.pluginmanager.get_plugin(_VARIANTS)
        yield server if variants is None else ending.enter_context(variants.watched(server))
        if given is None and coverage is not None:
            coverage.collect(server)


def _start_options(config: pytest.Config) -> dict[str, Any]:
    """The options of a new namespace that the server does not already have."""
    return {} if options.url(config) is None else options.configured(config)


@pytest.fixture(scope="session")
def mock_heidi_factory(request: pytest.FixtureRequest, mock_heidi_server: Handle) -> Iterator[Callable[..., Handle]]:
    """Makes Heidis for fixtures of any scope: ``mock_heidi_factory("checkout", seed=7)``.

    Each is a context manager; the end of the run closes those that are still open.
    """
    with contextlib.ExitStack() as made:

        def make(name: str = "heidi", **more: Any) -> Handle:
            handle = mock_heidi_server.namespace(
                _name(request.config, name), **{**_start_options(request.config), **more}
            )
            made.callback(handle.close)
            request.config.stash.setdefault(MADE, []).append(handle)
            return handle

        yield make


@pytest.fixture
def mock_heidi(request: pytest.FixtureRequest, mock_heidi_server: Handle) -> Iterator[Handle]:
    """A fresh Heidi for this test, named after it and deleted at its end."""
    from mock_heidi.base.settings import ConfigError
    from mock_heidi.client.handle import MockHeidiError

    name = _name(request.config, request.node.name)
    try:
        marked = options.marked(request.node)
        marked.pop("allow_findings", None)
        as_vendor = marked.pop("vendor_hosts", False)
        made = mock_heidi_server.namespace(name, **{**_start_options(request.config), **marked})
    except (MockHeidiError, ConfigError) as error:
        problem = str(error).removeprefix(f"POST /_mock/namespaces/{name}: ")
        raise _failure(f"@pytest.mark.mock_heidi: {problem}") from None
    except pytest.UsageError as error:
        raise _failure(str(error)) from None
    with made as heidi, _as_vendor(heidi) if as_vendor else contextlib.nullcontext():
        request.node.stash[OWN] = heidi
        yield heidi


def _as_vendor(heidi: Handle) -> contextlib.AbstractContextManager[Handle]:
    from mock_heidi.base.settings import ConfigError

    try:
        return heidi.as_vendor()
    except ConfigError as error:
        raise _failure(f"@pytest.mark.mock_heidi(vendor_hosts=True): {error}") from None


def _failure(problem: str) -> BaseException:
    """The error that fails a test with one line, without a traceback."""
    return pytest.fail.Exception(problem, pytrace=False)


def _name(config: pytest.Config, words: str) -> str:
    """The name of a namespace: words, and a number that no other namespace of this run has."""
    numbers = config.stash.setdefault(_NUMBER, itertools.count(1))
    number = f"{_run()}-{next(numbers)}" if options.url(config) else f"{next(numbers)}"
    return f"{_UNSAFE.sub('-', words)[: 63 - max(len(number), 9)].strip('-.') or 'test'}-{number}"


def _run() -> str:
    """Eight hexadecimal digits for this process: other processes may use the same server."""
    import platform
    import zlib

    return f"{zlib.crc32(f'{platform.node()} {os.getpid()}'.encode()):08x}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the requests of the test's Heidis to the report of a failure; fail a test for what the options name."""
    report = yield
    if call.when == "teardown":
        return report  # the Heidis are closed by then
    if call.when == "call" and report.passed and (lines := objections(item)):
        report.outcome = "failed"
        report.longrepr = "\n".join(lines)
    if report.failed:
        report.sections += sections(item)
    return report
