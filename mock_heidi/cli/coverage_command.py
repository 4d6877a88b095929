"""``mock-heidi coverage``: what clients have exercised of the contract, from a running server or from files."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mock_heidi.cli.parameters import Percent
from mock_heidi.cli.remote_command import asks_server

if TYPE_CHECKING:
    from collections import Counter

    from mock_heidi.client.handle import Handle
    from mock_heidi.observing.coverage.points import Point
    from mock_heidi.observing.coverage.report import Report


@click.command()
@asks_server
@click.option("--markdown", is_flag=True, help="Print Markdown.")
@click.option("--html", type=click.Path(path_type=Path), metavar="FILE", help="Write an HTML page to this file.")
@click.option(
    "--fail-under", type=Percent(), metavar="PERCENT", help="Exit with status 1 if the coverage is below this."
)
@click.option("--forget", is_flag=True, help="Set the counts of the server to 0 after the report.")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path), metavar="[FILE…]")
def coverage(  # noqa: PLR0913 - a flag each
    heidi: Handle,
    as_json: bool,
    *,
    markdown: bool,
    html: Path | None,
    fail_under: float | None,
    forget: bool,
    files: tuple[Path, ...],
) -> None:
    """Show what clients have exercised of the contract.

    What they never did comes worst first. It asks a server that was started with --coverage. With FILEs of JSON from
    earlier runs, it adds them up and asks no server.
    """
    from mock_heidi.observing.coverage.forms import write_html
    from mock_heidi.observing.coverage.report import Report

    if as_json and markdown:
        raise click.UsageError("--json cannot be combined with --markdown")
    if forget and files:
        raise click.UsageError("--forget is for a server, not for files")
    report = Report(_counts(heidi, files))
    if html is not None:
        write_html(report, html)
    click.echo(_printed(report, as_json=as_json, markdown=markdown), nl=False)
    if forget:
        heidi.control("DELETE", "/coverage")
    if fail_under is not None and (problem := report.too_low(fail_under)):
        click.echo(f"mock-heidi: {problem}", err=True)
        sys.exit(1)


def _counts(heidi: Handle, files: tuple[Path, ...]) -> Counter[Point]:
    from mock_heidi.observing.coverage.report import counts_in, merged, read_counts

    return merged(map(read_counts, files)) if files else counts_in(heidi.control("GET", "/coverage"))


def _printed(report: Report, *, as_json: bool, markdown: bool) -> str:
    from mock_heidi.observing.coverage.forms import to_json_text, to_markdown, to_text

    if as_json:
        return to_json_text(report)
    return to_markdown(report) if markdown else f"{to_text(report, lambda hint: hint.command)}\n"
