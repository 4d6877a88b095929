"""The benchmarks run: their short form, once, with everything that it writes."""

import importlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from paths import ROOT

needs_wrk = pytest.mark.skipif(
    shutil.which("wrk") is None or not hasattr(os, "sched_getaffinity"),
    reason="wrk is not installed, or this machine has no cores to choose from",
)


def run(*args: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks", *args]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - ours


def written(folder: Path) -> set[str]:
    """The titles of the figures that a run has written into this folder."""
    report = (folder / "RESULTS.md").read_text()
    assert "## Not measured" not in report
    assert (folder / "results.png").read_bytes().startswith(b"\x89PNG")
    return {line.removeprefix("## ") for line in report.splitlines() if line.startswith("## ")}


@pytest.mark.slow
@pytest.mark.timeout(600)
@needs_wrk
def test_a_part_is_measured_and_written_down(tmp_path: Path) -> None:
    ended = run("--quick", "--only", "get_one", "in_process", "cpu", "--output", str(tmp_path))

    assert ended.returncode == 0, ended.stderr
    assert written(tmp_path) == {
        "GET one",
        "In process, by httpx.ASGITransport, GET one",
        "CPU time of a request above bare ASGI, in process and without a network",
    }
    figures = json.loads((tmp_path / "results.json").read_text())["figures"]
    assert [row["figure"] for row in figures if (row["workload"], row["variant"]) == ("cpu", "mock_heidi")] == [
        "GET one", "GET list of 100", "PATCH", "POST",
    ]  # fmt: skip


@pytest.mark.long
@pytest.mark.timeout(1200)
@needs_wrk
def test_the_short_form_measures_everything_and_writes_it_down(tmp_path: Path) -> None:
    titles = {line.split(None, 1)[1] for line in run("--list").stdout.splitlines()}

    ended = run("--quick", "--output", str(tmp_path))

    assert ended.returncode == 0, ended.stderr
    assert titles <= written(tmp_path)


def test_the_results_of_a_part_leave_the_kept_ones_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "path", [str(ROOT), *sys.path])
    main = importlib.import_module("benchmarks.__main__")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def folder(*args: str) -> Path:
        monkeypatch.setattr(sys, "argv", ["benchmarks", *args])
        made: Path = main._folder(main._arguments())  # noqa: SLF001 - a whole run takes half an hour
        return made

    assert {folder("--quick").parent, folder("--only", "post").parent} == {tmp_path}
    assert folder("--quick", "--output", "elsewhere") == Path("elsewhere")
    assert folder() == ROOT / "benchmarks"


def test_a_missing_contestant_is_named_before_anything_is_measured() -> None:
    code = (
        "import runpy, shutil, sys; shutil.which = lambda _: 'wrk'; sys.modules['matplotlib'] = None;"
        "sys.argv = ['benchmarks']; runpy.run_module('benchmarks', run_name='__main__')"
    )
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - ours

    told = "benchmarks: needs matplotlib; pip install -e '.[benchmarks]'\n"
    assert (ended.returncode, ended.stderr) == (1, told)


def test_a_name_also_chooses_the_workloads_whose_names_begin_with_it() -> None:
    names = [line.split()[0] for line in run("--list", "--only", "start").stdout.splitlines()]

    assert names == ["start", "start_verbs", "start_parts", "start_plugin", "start_fixture"]


def test_an_unknown_workload_is_refused_in_one_line() -> None:
    ended = run("--only", "get_two")

    assert (ended.returncode, len(ended.stderr.splitlines())) == (1, 1)
    assert "there is no workload 'get_two'" in ended.stderr


def test_the_docs_quote_the_measured_figures() -> None:
    text = (ROOT / "docs" / "performance.md").read_text()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.endswith(" % |")]
    sections = (ROOT / "benchmarks" / "RESULTS.md").read_text().split("\n## ")[1:]
    measured = {
        (section.splitlines()[0], cells[1].strip()): f"{float(cells[5]) * 100:.0f} %"
        for section in sections
        for line in section.splitlines()
        if len(cells := line.split("|")) > 5 and cells[2].strip() == "rate"
    }

    assert len(rows) == 4
    for title, ours, theirs in rows:
        assert (measured[title, "mock_heidi"], measured[title, "FastAPI over a dict"]) == (ours, theirs)
