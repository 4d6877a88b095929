"""pytest: ``mock_heidi`` gives each test a fresh Heidi on a real socket.

Every pytest run in the environment imports this module, so nothing heavy may be imported before a test asks.
"""

from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import Callable, Iterator
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
_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]+")
_NUMBER = pytest.StashKey[Iterator[int]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    for name, meaning in _OPTIONS.items():
        if name == "linked":
            parser.addini(f"mock_heidi_{name}", meaning, type="bool", default=False)
        else:
            parser.addini(f"mock_heidi_{name}", meaning, type="string", default=None)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "mock_heidi(fixtures=None, seed=None, clock=None, linked=None): how the test's own Heidi begins",
    )


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
    for marker in reversed(list(request.node.iter_markers("mock_heidi"))):  # the nearest one has the last word
        unknown = [*map(repr, marker.args), *(name for name in marker.kwargs if name not in _OPTIONS)]
        if unknown:
            raise pytest.UsageError(
                f"@pytest.mark.mock_heidi does not know {', '.join(unknown)}; it takes {', '.join(_OPTIONS)} by name"
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
            return handle

        yield make


@pytest.fixture
def mock_heidi(request: pytest.FixtureRequest, mock_heidi_server: MockHeidi) -> Iterator[Handle]:
    """A fresh Heidi of the test's own, named after it and given back afterwards."""
    with mock_heidi_server.namespace(_name(request.config, request.node.name), **_marked(request)) as heidi:
        yield heidi


def _name(config: pytest.Config, words: str) -> str:
    """The name of a namespace, made of words and a number that no other of this run has."""
    number = config.stash.setdefault(_NUMBER, itertools.count(1))
    return f"{_UNSAFE.sub('-', words)[:54].strip('-.') or 'test'}-{next(number)}"
