"""The record of a measurement: a table, a picture and the figures themselves."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.rounds import Outcome, Result

_NAMES = {
    "bare": "bare ASGI (the limit)",
    "plain": "Starlette, one route",
    "team": "FastAPI over a dict",
    "team, POST": "FastAPI over a dict, POST",
    "json_server": "json-server",
}
_COLOURS = {"mock_heidi": "#1f6f8b", "plain": "#a3b18a", "team": "#d4a373", "json_server": "#bc6c6c"}
_PLOTTED = ("get_one", "get_list", "get_filtered", "post", "patch", "stream", "in_process")


def name_of(variant: str) -> str:
    """The name of a variant in the report."""
    return _NAMES.get(variant, variant)


def write(outcome: Outcome, machine: Mapping[str, str], command: str, folder: Path) -> None:
    """Write ``RESULTS.md``, ``results.png`` and ``results.json``."""
    rows = [
        {
            "workload": result.workload.name, "variant": result.variant, "figure": figure, "unit": unit,
            "rounds": result.values(figure), "ratio": outcome.ratio(result, figure),
        }
        for result in outcome.results
        for figure, unit in result.workload.units.items()
    ]  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    _plot(outcome, folder / "results.png")
    (folder / "results.json").write_text(json.dumps({"machine": machine, "figures": rows}, indent=1) + "\n")
    (folder / "RESULTS.md").write_text(text(outcome, machine, command))


def text(outcome: Outcome, machine: Mapping[str, str], command: str) -> str:
    """The report as Markdown."""
    lines = ["# Results", "", f"Measured with `{command}`; how, and what each workload is, stands in `README.md`.", ""]
    lines += [f"- {name}: {value}" for name, value in machine.items()]
    lines += [
        "",
        (
            f"The machine was noisy {outcome.repeated} times, and what was being measured was measured again; "
            f"{outcome.noisy} figures stand although it was noisy to the end."
        ),
        "",
        (
            "Figures are medians of the rounds, with the lowest and the highest; ratios are to the first row of the "
            "workload, each taken within its round."
        ),
        "",
        "![Requests a second as a share of the limit](results.png)",
    ]
    for name in dict.fromkeys(result.workload.name for result in outcome.results):
        lines += _table(outcome, [result for result in outcome.results if result.workload.name == name])
    if outcome.failures:
        lines += ["", "## Not measured", "", *(f"- {what}: {why}" for what, why in outcome.failures.items())]
    return "\n".join(lines) + "\n"


def _table(outcome: Outcome, results: list[Result]) -> list[str]:
    workload = results[0].workload
    lines = ["", f"## {workload.title}", ""]
    lines += ["| | | Median | Lowest to highest | Ratio | Target | |", "|---|---|---:|---:|---:|---|---|"]
    for figure, unit in workload.units.items():
        for result in results:
            values = result.values(figure)
            median, ratio = outcome.median(result, figure), outcome.ratio(result, figure)
            target = next(
                (one for one in workload.targets if (one.variant, one.figure) == (result.variant, figure)), None
            )
            verdict = "" if target is None else "met" if target.holds(median, ratio) else "**missed**"
            spread = f"{_short(min(values))} to {_short(max(values))}"
            lines.append(
                f"| {name_of(result.variant)} | {figure} | {_short(median)} {unit} | {spread} | {ratio:.2f} "
                f"| {'' if target is None else target.text} | {verdict} |"
            )
    return lines


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"  # noqa: PLR2004 - three digits say enough


def _plot(outcome: Outcome, path: Path) -> None:
    import matplotlib as mpl  # noqa: PLC0415 - slow to import, and only at the end

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415 - as above

    names = [name for name in _PLOTTED if outcome.of(name, "mock_heidi")]
    figure, axes = plt.subplots(figsize=(9, 0.9 * len(names) + 1.6), layout="constrained")
    height = 0.8 / len(_COLOURS)
    for step, (variant, colour) in enumerate(_COLOURS.items()):
        shown: list[tuple[int, Any]] = [(at, outcome.of(name, variant)) for at, name in enumerate(names)]
        there = [(at, 100 * outcome.ratio(result, "rate")) for at, result in shown if result is not None]
        bars = axes.barh([at + step * height for at, _ in there], [share for _, share in there], height, color=colour)
        axes.bar_label(bars, fmt="%.0f", padding=3, fontsize=8)
        bars.set_label(name_of(variant))
    axes.axvline(100, color="black", linewidth=0.8)
    titles = [result.workload.title for name in names if (result := outcome.of(name, "mock_heidi"))]
    axes.set_yticks([at + 0.3 for at in range(len(names))], titles)
    axes.invert_yaxis()
    axes.set_xlabel("% of what a bare ASGI callable does under the same server, in the same round")
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside upper center", ncols=len(_COLOURS), frameon=False)
    figure.savefig(path, dpi=120)
    plt.close(figure)
