"""``mock-heidi compare``: compares recorded traffic of the real service with the contract."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mock_heidi.base.wording import printable_json

if TYPE_CHECKING:
    from mock_heidi.comparing.exchange import Exchange

_DRIFTED = 3


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE…", type=click.Path(path_type=Path, allow_dash=False))
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the settled assumptions to this file; in a fixture folder, serve reads it as assumptions.yaml.",
)
@click.option("--fail", is_flag=True, help="Exit with status 3 if the traffic differs from the mock.")
def compare(files: tuple[Path, ...], *, as_json: bool, output: Path | None, fail: bool) -> None:
    """Compare recorded traffic of the real service (HAR) with the mock.

    Browsers, mitmproxy and Proxyman save HAR files. The report says which assumptions the traffic settles, which
    fields are new and which never came, and what else differs from the contract. It holds no recorded value: only
    names of the contract, types and counts. Nothing is sent anywhere.

    \b
    mock-heidi compare traffic.har
    mock-heidi compare monday.har tuesday.har --json
    mock-heidi compare traffic.har --output clinic/assumptions.yaml
    mock-heidi serve --fixtures clinic

    Traffic settles every assumption that has a choice, if it has the requests that show it; docs/compare.md lists
    them. The other assumptions have one value only, such as body_limit, and are not settled.
    """
    from mock_heidi.comparing import comparison, har, report

    traffic = har.read(files)
    result = comparison.compare(traffic.exchanges, _progress)
    if output is not None:
        report.write(result, output)
    if as_json:
        click.echo(printable_json(report.as_json(result, traffic), indent=2))
    else:
        click.echo("\n".join(report.lines(result, traffic)))
    if fail and result.drifted:
        sys.exit(_DRIFTED)


def _progress(exchanges: Sequence[Exchange]) -> Iterator[Exchange]:
    """The exchanges, with a bar on a terminal that shows how many are read."""
    if not sys.stderr.isatty():
        yield from exchanges
        return
    passing: Iterable[Exchange]
    with click.progressbar(exchanges, label="comparing", file=sys.stderr) as passing:
        yield from passing
