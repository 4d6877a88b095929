"""pytest: ``mock_heidi`` gives each test a fresh Heidi on a real socket.

Every pytest run in the environment imports this module, so nothing heavy may be imported before a test asks.
"""

from __future__ import annotations

import contextlib
import itertools
import re
import sys
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from mock_heidi.handle import Handle, MockHeidi

_OPTIONS = {
    "fixtures": "the fixtures of every mock_heidi: a folder (relative to the root directory), or 'empty'",
    "seed": "the seed of ids and tokens, a whole number",
    "clock": "the moment at which time stands still, such as 2025-01-06T09:00:00",
    "linked": "whether the default user begins linked to a Heidi account",
}
# What only a marker may say.
_MARKED = {
    "faults": "rules that are there from the test's start, as dicts or as text",
    "scenario": "the name of faults that belong together, such as flaky-afternoon",
}
_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]+")
_NUMBER = pytest.StashKey[Iterator[int]]()
_MADE = pytest.StashKey["list[Handle]"]()
_OWN = pytest.StashKey["Handle"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    for name, meaning in _OPTIONS.items():
        if name == "linked":
            parser.addini(f"mock_heidi_{name}", meaning, type="bool", default=False)
        else:
            parser.addini(f"mock_heidi_{name}", meaning, type="string", default=None)
    parser.getgroup("mock_heidi").addoption(
        "--mock-heidi-unfired",
        choices=("ignore", "fail"),
        default=None,
        help="what becomes of a test that passes although a fault that it set never fired (default: ignore)",
    )
    parser.addini("mock_heidi_unfired", "the same as --mock-heidi-unfired", type="string", default="ignore")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "mock_heidi(fixtures=None, seed=None, clock=None, linked=None, faults=None, scenario=None): "
        "how the test's own Heidi begins",
    )
    _fails_unfired(config)  # a wrong word is an error before any test runs


def _ini(config: pytest.Config) -> dict[str, Any]:
    given = {name: config.getini(f"mock_heidi_{name}") for name in _OPTIONS}
    options = {name: value for name, value in given.items() if value not in (None, "", False)}
    if "seed" in options:
        try:
            options["seed"] = int(options["seed"])
        except ValueError:
            raise pytest.UsageError(f"mock_heidi_seed = {options['seed']}: should be a whole number") from None
    return _rooted(options, config)


def _rooted(options: dict[str, Any], config: pytest.Config) -> dict[str, Any]:
    fixtures = options.get("fixtures")
    if isinstance(fixtures, str | Path) and fixtures != "empty":
        return {**options, "fixtures": config.rootpath / fixtures}
    return options


def _marked(request: pytest.FixtureRequest) -> dict[str, Any]:
    options: dict[str, Any] = {}
    known = {**_OPTIONS, **_MARKED}
    for marker in reversed(list(request.node.iter_markers("mock_heidi"))):  # the nearest one has the last word
        unknown = [*map(repr, marker.args), *(name for name in marker.kwargs if name not in known)]
        if unknown:
            raise pytest.UsageError(
                f"@pytest.mark.mock_heidi does not know {', '.join(unknown)}; it takes {', '.join(known)} by name"
            )
        options.update(marker.kwargs)
    return _rooted(options, request.config)


@pytest.fixture(scope="session")
def mock_heidi_server(request: pytest.FixtureRequest) -> Iterator[MockHeidi]:
    """One server for the whole run (one for each worker under xdist), on a free port of this machine."""
    from mock_heidi.handle import MockHeidi  # not before a test asks

    with MockHeidi(**_ini(request.config)) as server:
        yield server


@pytest.fixture(scope="session")
def mock_heidi_factory(request: pytest.FixtureRequest, mock_heidi_server: MockHeidi) -> Iterator[Callable[..., Handle]]:
    """Makes Heidis for fixtures of any scope: ``mock_heidi_factory("checkout", seed=7)``.

    What it makes is a context manager; what is still open at the end of the run is closed then.
    """
    with contextlib.ExitStack() as made:

        def make(name: str = "heidi", **options: Any) -> Handle:
            handle = mock_heidi_server.namespace(_name(request.config, name), **options)
            made.callback(handle.close)
            request.config.stash.setdefault(_MADE, []).append(handle)
            return handle

        yield make


@pytest.fixture
def mock_heidi(request: pytest.FixtureRequest, mock_heidi_server: MockHeidi) -> Iterator[Handle]:
    """A fresh Heidi of the test's own, named after it and given back afterwards."""
    from mock_heidi.handle import MockHeidiError
    from mock_heidi.settings import ConfigError

    name, options = _name(request.config, request.node.name), _marked(request)
    try:
        made = mock_heidi_server.namespace(name, **options)
    except (MockHeidiError, ConfigError) as error:
        problem = str(error).removeprefix(f"POST /_mock/namespaces/{name}: ")
        raise pytest.UsageError(f"@pytest.mark.mock_heidi: {problem}") from None
    with made as heidi:
        request.node.stash[_OWN] = heidi
        yield heidi


def _name(config: pytest.Config, words: str) -> str:
    """The name of a namespace, made of words and a number that no other of this run has."""
    number = config.stash.setdefault(_NUMBER, itertools.count(1))
    return f"{_UNSAFE.sub('-', words)[:54].strip('-.') or 'test'}-{next(number)}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What the test's Heidis were asked stands in the report of a failure; faults that never fired may make one."""
    report = yield
    if call.when == "teardown":
        return report  # they are gone by then
    if call.when == "call" and report.passed and _fails_unfired(item.config) and (lines := _unfired(item)):
        report.outcome = "failed"
        report.longrepr = "\n".join(lines)
    if report.failed:
        report.sections += [(f"requests to {name}", _story(heidi)) for name, heidi in _heidis(item)]
    return report


def _heidis(item: pytest.Item) -> list[tuple[str, Handle]]:
    """The Heidis of a test: its own, those of its fixtures by their names, and what its factory has made."""
    own = item.stash.get(_OWN, None)
    made = item.config.stash.get(_MADE, []) if "mock_heidi_factory" in getattr(item, "fixturenames", ()) else []
    named = [
        *([] if own is None else [("mock_heidi", own)]),
        *getattr(item, "funcargs", {}).items(),
        *((heidi.name, heidi) for heidi in made if not heidi.closed),
    ]
    # The server itself is asked by nobody, and a fixture may hand on the Heidi of another.
    found: dict[int, tuple[str, Handle]] = {}
    for name, one in named:
        if _is_heidi(one) and name != "mock_heidi_server":
            found.setdefault(id(one), (name, one))
    return list(found.values())


def _is_heidi(value: Any) -> bool:
    # Where nobody has imported it, there is none.
    module = sys.modules.get("mock_heidi.handle")
    return module is not None and isinstance(value, module.Handle)


def _unfired(item: pytest.Item) -> list[str]:
    """Of the test's own Heidi only: what is set in one that tests share may be for another of them."""
    own = item.stash.get(_OWN, None)
    try:
        return [] if own is None else own.unfired()
    except Exception as error:  # noqa: BLE001 - one test must not end the whole run
        return [f"mock_heidi cannot be asked: {error}"]


def _fails_unfired(config: pytest.Config) -> bool:
    chosen = config.getoption("--mock-heidi-unfired") or config.getini("mock_heidi_unfired")
    if chosen not in ("ignore", "fail"):
        raise pytest.UsageError(f"mock_heidi_unfired = {chosen}: should be ignore or fail")
    return bool(chosen == "fail")


def _story(heidi: Handle) -> str:
    try:
        return heidi.report() or "none"
    except Exception as error:  # noqa: BLE001 - the report of a failure must not fail itself
        return f"cannot be asked: {error}"
