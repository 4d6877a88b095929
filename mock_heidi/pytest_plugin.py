"""pytest: ``mock_heidi`` gives each test a fresh Heidi on a real socket.

Every pytest run in the environment imports this module, so nothing heavy may be imported before a test asks.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from mock_heidi.handle import Handle

_OPTIONS = {
    "fixtures": "the fixtures of every mock_heidi: a folder or file (relative to the root directory), or 'empty'",
    "seed": "the seed of ids and tokens, a whole number",
    "clock": "the moment at which time stands still, such as 2025-01-06T09:00:00",
    "linked": "whether the default user begins linked to a Heidi account",
    "journal": "how much is shown of requests: normal, full or masked",
    "api_key": "the key that the client already has; it takes the place of the first one",
}
# What only a marker may say.
_MARKED = {
    "faults": "rules that are there from the test's start, as dicts or as text",
    "scenario": "the name of faults that belong together, such as flaky-afternoon",
    "allow_findings": "the codes of findings that --mock-heidi-findings lets pass",
}
# What may make a failure of a test that passes: the words that the option takes, the first one by default.
_CHECKS = {
    "unfired": (("ignore", "fail"), "a fault that it set never fired"),
    "unmatched": (("ignore", "fail"), "its client called an unknown path or method"),
    "findings": (("ignore", "info", "warning", "error"), "there is a finding of that level or above"),
}
# What a browser may not send, or not to this host.
_REFUSED = {400: "was refused", 403: "was refused"}
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
    group = parser.getgroup("mock_heidi")
    group.addoption("--mock-heidi-url", metavar="URL", help="a server that is running, to be used by all tests")
    parser.addini("mock_heidi_url", "the same as --mock-heidi-url", type="string", default="")
    for name, (words, meaning) in _CHECKS.items():
        explained = f"what becomes of a test that passes although {meaning} (default: ignore)"
        group.addoption(f"--mock-heidi-{name}", choices=words, default=None, help=explained)
        parser.addini(f"mock_heidi_{name}", f"the same as --mock-heidi-{name}", type="string", default=words[0])


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        f"mock_heidi({', '.join(f'{name}=None' for name in (*_OPTIONS, *_MARKED))}): "
        "how the test's own Heidi begins, and which findings are no failure",
    )
    for name in _CHECKS:
        _chosen(config, name)  # a wrong word is an error before any test runs


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


def _marked(item: pytest.Item) -> dict[str, Any]:
    options: dict[str, Any] = {}
    known = {**_OPTIONS, **_MARKED}
    for marker in reversed(list(item.iter_markers("mock_heidi"))):  # the nearest one has the last word
        unknown = [*map(repr, marker.args), *(name for name in marker.kwargs if name not in known)]
        if unknown:
            raise pytest.UsageError(
                f"@pytest.mark.mock_heidi does not know {', '.join(unknown)}; it takes {', '.join(known)} by name"
            )
        options.update(marker.kwargs)
    return _rooted(options, item.config)


@pytest.fixture(scope="session")
def mock_heidi_server(request: pytest.FixtureRequest) -> Iterator[Handle]:
    """One server for the whole run (one for each worker under xdist), or the one that --mock-heidi-url names."""
    url = _url(request.config)
    with contextlib.ExitStack() as ending:
        with _imported_as_it_is(request.config):
            from mock_heidi.handle import MockHeidi  # not before a test asks
            from mock_heidi.settings import ConfigError

            try:
                server = ending.enter_context(MockHeidi(**_ini(request.config)) if url is None else _running(url))
            except ConfigError as error:
                raise pytest.UsageError(f"mock_heidi: {error}") from None
        yield server


@contextlib.contextmanager
def _imported_as_it_is(config: pytest.Config) -> Iterator[None]:
    """Import without pytest's assertion rewriting meanwhile.

    pytest rewrites the asserts of all modules of a package that has a plugin. On the first run after an installation
    that compiles all of them anew, and no assert of ours needs it.
    """
    hook: Any = config.pluginmanager.rewrite_hook
    if hook not in sys.meta_path:  # --assert=plain
        yield
        return
    place = sys.meta_path.index(hook)
    sys.meta_path.remove(hook)
    try:
        yield
    finally:
        sys.meta_path.insert(place, hook)


def _url(config: pytest.Config) -> str | None:
    return config.getoption("--mock-heidi-url") or config.getini("mock_heidi_url") or None


def _running(url: str) -> Handle:
    from mock_heidi.handle import MockHeidiError, NoAnswerError, visit
    from mock_heidi.settings import ConfigError

    try:
        server = visit(url)
        server.api_key = server.control("GET", "/state")["api_keys"][0]["key"]
    except (ConfigError, MockHeidiError, NoAnswerError) as error:
        raise pytest.UsageError(f"--mock-heidi-url: {error}") from None
    return server


def _begins(config: pytest.Config) -> dict[str, Any]:
    """The options that every namespace begins with, unless the server began with them already."""
    return {} if _url(config) is None else _ini(config)


@pytest.fixture(scope="session")
def mock_heidi_factory(request: pytest.FixtureRequest, mock_heidi_server: Handle) -> Iterator[Callable[..., Handle]]:
    """Makes Heidis for fixtures of any scope: ``mock_heidi_factory("checkout", seed=7)``.

    What it makes is a context manager; what is still open at the end of the run is closed then.
    """
    with contextlib.ExitStack() as made:

        def make(name: str = "heidi", **options: Any) -> Handle:
            begins = {**_begins(request.config), **options}
            handle = mock_heidi_server.namespace(_name(request.config, name), **begins)
            made.callback(handle.close)
            request.config.stash.setdefault(_MADE, []).append(handle)
            return handle

        yield make


@pytest.fixture
def mock_heidi(request: pytest.FixtureRequest, mock_heidi_server: Handle) -> Iterator[Handle]:
    """A fresh Heidi of the test's own, named after it and given back afterwards."""
    from mock_heidi.handle import MockHeidiError
    from mock_heidi.settings import ConfigError

    name, options = _name(request.config, request.node.name), _marked(request.node)
    _allowed(options.pop("allow_findings", None))
    try:
        made = mock_heidi_server.namespace(name, **{**_begins(request.config), **options})
    except (MockHeidiError, ConfigError) as error:
        problem = str(error).removeprefix(f"POST /_mock/namespaces/{name}: ")
        raise pytest.UsageError(f"@pytest.mark.mock_heidi: {problem}") from None
    with made as heidi:
        request.node.stash[_OWN] = heidi
        yield heidi


def _name(config: pytest.Config, words: str) -> str:
    """The name of a namespace, made of words and a number that no other of this run has."""
    numbers = config.stash.setdefault(_NUMBER, itertools.count(1))
    number = f"{_run()}-{next(numbers)}" if _url(config) else f"{next(numbers)}"
    return f"{_UNSAFE.sub('-', words)[: 63 - max(len(number), 9)].strip('-.') or 'test'}-{number}"


def _run() -> str:
    """Tells this process from the other ones, of this run and of others, that use the same server."""
    import platform
    import zlib

    return f"{zlib.crc32(f'{platform.node()} {os.getpid()}'.encode()):08x}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the requests of the test's Heidis to the report of a failure; faults that never fired may make one."""
    report = yield
    if call.when == "teardown":
        return report  # they are gone by then
    if call.when == "call" and report.passed and (lines := _objections(item)):
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


def _objections(item: pytest.Item) -> list[str]:
    """Of the test's own Heidi only: what is in one that tests share may be for another of them."""
    own = item.stash.get(_OWN, None)
    asked = [name for name in _CHECKS if _chosen(item.config, name) != "ignore"]
    if own is None or not asked:
        return []
    try:
        return [line for name in asked for line in _LOOK[name](item, own)]
    except Exception as error:  # noqa: BLE001 - one test must not end the whole run
        return [f"mock_heidi cannot be asked: {error}"]


def _unfired(_: pytest.Item, own: Handle) -> list[str]:
    return own.unfired()


def _unmatched(_: pytest.Item, own: Handle) -> list[str]:
    from http import HTTPStatus

    from mock_heidi.wording import printable

    rows = [] if own.closed else own.requests()
    # A refused key has a reason too, but its path is known.
    return [
        printable(
            f"#{row['id']} {row['method']} {row['path']} {_REFUSED.get(row['status'], 'matched nothing')}: {row['why']}"
        )
        for row in rows
        if row["why"] and not row["stray"] and row["status"] != HTTPStatus.UNAUTHORIZED
    ]


def _found(item: pytest.Item, own: Handle) -> list[str]:
    from mock_heidi.findings import at_least, finding_line

    levels = at_least(_chosen(item.config, "findings"))
    allowed = _allowed(_marked(item).get("allow_findings"))
    found = [] if own.closed else own.findings
    return [finding_line(one) for one in found if one["level"] in levels and one["code"] not in allowed]


_LOOK = {"unfired": _unfired, "unmatched": _unmatched, "findings": _found}


def _allowed(given: Any) -> Sequence[str]:
    """The codes of findings that are no failure."""
    from mock_heidi.findings import KINDS
    from mock_heidi.wording import nearest, shorten

    codes: Sequence[str] = [given] if isinstance(given, str) else given or ()
    for code in codes:
        if code not in KINDS:
            unknown = f"there is no {shorten(repr(code))}; {nearest(str(code), KINDS)}"
            raise pytest.UsageError(f"@pytest.mark.mock_heidi: allow_findings: {unknown}")
    return codes


def _chosen(config: pytest.Config, name: str) -> str:
    words, _ = _CHECKS[name]
    chosen = str(config.getoption(f"--mock-heidi-{name}") or config.getini(f"mock_heidi_{name}"))
    if chosen not in words:
        raise pytest.UsageError(f"mock_heidi_{name} = {chosen}: should be {', '.join(words[:-1])} or {words[-1]}")
    return chosen


def _story(heidi: Handle) -> str:
    try:
        return heidi.report() or "none"
    except Exception as error:  # noqa: BLE001 - the report of a failure must not fail itself
        return f"cannot be asked: {error}"
