"""The measurements of runs of pytest, with and without the plugin."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from benchmarks.measures import Bench, Figures, milliseconds

# Both are named by -p, for which pytest reads the entry points of all packages, as it does in an ordinary run.
PLUGIN, NO_PLUGIN = "mock_heidi.pytest_plugin", "empty_plugin"
_TESTS = """
import pytest

@pytest.fixture
def nothing():
    yield

@pytest.mark.parametrize("number", range({count}))
def test_it({fixture}, number):
    pass
"""


def _pytest(bench: Bench, fixture: str, count: int, plugin: str = PLUGIN) -> float:
    with tempfile.TemporaryDirectory(dir=bench.folder) as folder:
        (Path(folder) / "test_it.py").write_text(_TESTS.format(fixture=fixture, count=count))
        (Path(folder) / f"{NO_PLUGIN}.py").touch()
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", plugin]
        return milliseconds(bench, command, Path(folder))


def unused_plugin(plugin: str, bench: Bench) -> Figures:
    """The time of a run of one test that does not use the plugin."""
    return {"time": _pytest(bench, "nothing", 1, plugin)}


def fixture(name: str, bench: Bench) -> Figures:
    """The time of a run of one test that uses a fixture, and of each further test."""
    few, many = 1, 201
    first = _pytest(bench, name, few)
    return {"first": first, "further": (_pytest(bench, name, many) - first) / (many - few)}
