"""A report in its written forms: a table for the terminal, Markdown, one HTML page, and JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from html import escape
from pathlib import Path
from types import MappingProxyType

from mock_heidi.base import text_files
from mock_heidi.observing.coverage.hint_lines import Hint
from mock_heidi.observing.coverage.hints import hint
from mock_heidi.observing.coverage.points import KINDS, Point
from mock_heidi.observing.coverage.report import Report

_TITLE = "Coverage of the Heidi Open API"
_MOST_MISSING = 20
_HINTS = "In Python, `heidi` is the handle of a namespace, such as the fixture `mock_heidi`, and `client` is "
_HINTS += "`heidi.client()`. A fault or a reply acts on your client's next call of its operation, a transition on what "
_HINTS += "your client makes next and then reads twice."


def to_text(report: Report, line: Callable[[Hint], str] = lambda hint: hint.python) -> str:
    """A table, and the worst of what was never done. ``line`` chooses the form of the hints."""
    return "\n".join(_text_lines(report, line))


def _text_lines(report: Report, line: Callable[[Hint], str]) -> Iterator[str]:
    for kind, names in KINDS.items():
        share = report.share_of(kind)
        yield f"{names.title:<22} {share.covered:>4} of {share.points:<4} {share.percent:>5.1f} %"
    yield f"{'all':<22} {report.share.covered:>4} of {report.share.points:<4} {report.share.percent:>5.1f} %"
    for point in report.missing[:_MOST_MISSING]:
        yield f"{KINDS[point.kind].never}: {point.name}"
        yield f"    {line(hint(point))}"
    if len(report.missing) > _MOST_MISSING:
        yield f"and {len(report.missing) - _MOST_MISSING} more, which the JSON, Markdown and HTML reports list"


def to_markdown(report: Report) -> str:
    """The whole report, with the hints in Python."""
    return "".join(f"{one}\n" for one in _markdown_lines(report))


def _markdown_lines(report: Report) -> Iterator[str]:
    share = report.share
    yield from (f"# {_TITLE}", "", f"{share.percent:g} %: {share.covered} of {share.points} points.", "")
    yield from ("| | Exercised | Of | Percent |", "|---|---:|---:|---:|")
    for kind, names in KINDS.items():
        part = report.share_of(kind)
        yield f"| {names.title} | {part.covered} | {part.points} | {part.percent:g} |"
    yield from ("", "## Never done", "", _HINTS, "")
    for point in report.missing:
        yield f"- {KINDS[point.kind].never}: `{point.name}`"
        yield from ("", "  ```python", f"  {hint(point).python}", "  ```", "")
    yield from ("## Exercised", "", "| Kind | Name | Requests |", "|---|---|---:|")
    for point, count in report.counts.items():
        yield f"| {KINDS[point.kind].title} | `{point.name}` | {count} |"


_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid #8884; vertical-align: top; }
td.number, th.number { text-align: right; white-space: nowrap; }
meter { width: 12rem; }
@media (max-width: 40rem) { meter { display: none; } }
details { margin: .75rem 0; }
summary { cursor: pointer; font-weight: 600; }
pre { margin: .25rem 0; padding: .5rem; background: #8882; font-size: .85rem; white-space: pre-wrap; }
section { overflow-wrap: anywhere; }
.missing > li { margin: .75rem 0; }
"""


def to_html(report: Report) -> str:
    """The whole report as one page, which loads nothing."""
    share = report.share
    sections = "\n".join(_html_section(report, kind) for kind in KINDS)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{_TITLE}</title>
<style>{_STYLE}</style>
</head>
<body>
<h1>{_TITLE}</h1>
<p>{share.percent:g} %: {share.covered} of {share.points} points.</p>
<table>
<tr><th>Kind</th><th class="number">Exercised</th><th class="number">Percent</th><th></th></tr>
{"".join(_html_row(report, kind) for kind in KINDS)}</table>
<p>{_html_code(_HINTS)}</p>
{sections}
</body>
</html>
"""


def _html_code(text: str) -> str:
    """A text whose parts in backquotes become code."""
    parts = (escape(part) for part in text.split("`"))
    return "".join(f"<code>{part}</code>" if at % 2 else part for at, part in enumerate(parts))


def _html_row(report: Report, kind: str) -> str:
    share, title = report.share_of(kind), escape(KINDS[kind].title)
    return (
        f'<tr><td><a href="#{kind}">{title}</a></td><td class="number">{share.covered} of {share.points}</td>'
        f'<td class="number">{share.percent:.1f}</td><td><meter min="0" max="100" value="{share.percent:g}">'
        f"{share.percent:g} %</meter></td></tr>\n"
    )


def _html_section(report: Report, kind: str) -> str:
    names = KINDS[kind]
    missing = [point for point in report.missing if point.kind == kind]
    counts = {point: count for point, count in report.counts.items() if point.kind == kind}
    return f"""<section id="{kind}">
<h2>{escape(names.title[:1].upper() + names.title[1:])}</h2>
<details{" open" if missing else ""}><summary>{escape(names.never)}: {len(missing)}</summary>
<ul class="missing">{"".join(map(_html_missing, missing))}</ul></details>
<details><summary>exercised: {len(counts)}</summary>
<table><tr><th>Name</th><th class="number">Requests</th></tr>
{"".join(f'<tr><td>{escape(point.name)}</td><td class="number">{n}</td></tr>' for point, n in counts.items())}
</table></details>
</section>"""


def _html_missing(point: Point) -> str:
    made = hint(point)
    return f"<li>{escape(point.name)}<pre>{escape(made.python)}</pre><pre>{escape(made.command)}</pre></li>\n"


def to_json_text(report: Report) -> str:
    """The report as JSON, which the command can merge with others."""
    return f"{json.dumps(report.to_json(), indent=2)}\n"


FORMS: Mapping[str, Callable[[Report], str]] = MappingProxyType(
    {".json": to_json_text, ".md": to_markdown, ".html": to_html}
)
"""The forms of a file by its ending."""


def write_report(report: Report, path: Path) -> None:
    """Write a report in the form that the ending of the file names. Raises :class:`ConfigError`."""
    text_files.write(path, FORMS[path.suffix](report))


def write_html(report: Report, path: Path) -> None:
    """Write a report as a page, whatever the ending of the file is. Raises :class:`ConfigError`."""
    text_files.write(path, to_html(report))
