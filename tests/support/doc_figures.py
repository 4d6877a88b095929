"""Tables of figures for the docs, from the results of the benchmarks."""

from __future__ import annotations

from collections.abc import Iterator

from doc_markdown import table
from paths import ROOT

RESULTS = ROOT / "benchmarks" / "RESULTS.md"


def measured() -> Iterator[tuple[tuple[str, str, str], tuple[str, str]]]:
    """The median and the ratio of each figure, by its workload, contestant and metric."""
    for section in RESULTS.read_text(encoding="utf-8").split("\n## ")[1:]:
        title, *lines = section.splitlines()
        for cells in ([cell.strip() for cell in line.split("|")[1:-1]] for line in lines if line.startswith("|")):
            if len(cells) >= 5 and cells[0]:
                yield (title, cells[0], cells[1]), (cells[2], cells[4])


_LIMIT, _OURS, _TEAM = "bare ASGI (the limit)", "mock_heidi", "FastAPI over a dict"
_COMPARED = ("GET one", "GET list of 100", "POST", "PATCH")
# The text of a row, its workload and metric, the measured contestant and the one it is compared with.
_FIXTURE = "The fixture: a run with one test, and each further test"
_FIGURES: tuple[tuple[str, str, str, str, tuple[str, ...]], ...] = (
    ("From the start to the first answer", "Start to the first answer", "time", _OURS, (_LIMIT, _TEAM)),
    ("Memory of an empty server", "Memory, empty", "memory", _OURS, (_LIMIT, _TEAM)),
    ("A run of one test with the fixture `mock_heidi`", _FIXTURE, "first", _OURS, ("an empty fixture",)),
    ("Each further test with it", _FIXTURE, "further", _OURS, ("an empty fixture",)),
    (
        "A pytest run that does not use it",
        "A pytest run that does not use the plugin",
        "time",
        "with the plugin",
        ("without the plugin",),
    ),
    ("Streams of 200 pieces", "Stream of 200 pieces", "rate", _OURS, (_LIMIT,)),
    (
        "Delay of a piece, with 500 paced streams at once",
        "500 paced streams at once, 40 pieces a second each: error of a piece's time",
        "median",
        _OURS,
        (),
    ),
    (
        "A reset with 100,000 profiles",
        "Reset and fork with 100,000, over HTTP",
        "reset",
        "many profiles",
        ("100 profiles",),
    ),
)


def requests_a_second() -> str:
    """The share of the limit that each contestant reaches."""
    figures = dict(measured())
    rows = [
        [title, *(f"{float(figures[title, who, 'rate'][1]) * 100:.0f} %" for who in (_OURS, _TEAM))]
        for title in _COMPARED
    ]
    return table(("Requests a second", _OURS, _TEAM), rows, "lrr")


def other_figures() -> str:
    """The medians that matter to authors of tests."""
    figures = dict(measured())
    rows = [
        [
            words,
            figures[title, ours, metric][0],
            ", ".join(f"{who}: {figures[title, who, metric][0]}" for who in others),
        ]
        for words, title, metric, ours, others in _FIGURES
    ]
    return table(("Median", _OURS, "Beside it"), rows, "lr")
