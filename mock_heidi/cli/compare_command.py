"""``mock-heidi compare``: compares recorded traffic of the real service with the contract."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mock_heidi.base.settings import ConfigError
from mock_heidi.base.wording import printable_json
from mock_heidi.cli.options import choices

if TYPE_CHECKING:
    from mock_heidi.base.assumptions import Assumptions

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
@click.option(
    "--fixtures", metavar="DIR", help="Compare with a mock that has the assumptions.yaml of this fixture folder."
)
@click.option(
    "--assume", multiple=True, metavar="NAME=VALUE", help="Compare with a mock that has this value; repeatable."
)
@click.option(
    "--fail-if-differs", "fail", is_flag=True, help="Exit with status 3 if the traffic differs from the mock."
)
def compare(files: tuple[Path, ...], *, as_json: bool, output: Path | None, fail: bool, **mock: Any) -> None:
    """Compare recorded traffic of the real service with the mock.

    Browsers, mitmproxy and Proxyman save HAR files. The report says which assumptions the traffic settles, which
    fields are new and which never came, and what else differs from the contract. It holds no recorded value: only
    names of the contract, types and counts. Nothing is sent anywhere.

    \b
    mock-heidi compare traffic.har
    mock-heidi compare monday.har tuesday.har --json
    mock-heidi compare traffic.har --output clinic/assumptions.yaml
    mock-heidi serve --fixtures clinic
    mock-heidi compare next-week.har --fixtures clinic --fail-if-differs

    Traffic settles every assumption that has a choice, if it has the requests that show it; docs/compare.md lists
    them. The exception is body_limit: an answer shows only that the limit is above or below a size. Assumptions with
    one value only are not settled either.
    """
    from mock_heidi.comparing import comparison, har, report

    traffic = har.read(files)
    values = _values(**mock)
    # Each exchange is read twice. The bar is hidden where nothing could see it.
    with click.progressbar(
        length=2 * len(traffic.exchanges), label="comparing", file=sys.stderr, hidden=not sys.stderr.isatty()
    ) as bar:
        result = comparison.compare(traffic.exchanges, values, bar.update)
    if output is not None:
        report.write(result, output)
    if as_json:
        click.echo(printable_json(report.as_json(result, traffic), indent=2))
    else:
        click.echo("\n".join(report.lines(result, traffic)))
    if fail and result.drifted:
        sys.exit(_DRIFTED)


def _values(fixtures: str | None, assume: tuple[str, ...]) -> Assumptions:
    """The values of the mock that the traffic is compared with."""
    from mock_heidi.base.assumptions import DEFAULTS
    from mock_heidi.fixtures.assumption_file import chosen_assumptions

    if fixtures is not None and not Path(fixtures).is_dir():
        raise ConfigError(f"--fixtures: {fixtures} is not a folder", "give a folder with the file assumptions.yaml")
    return DEFAULTS.choose({**chosen_assumptions(fixtures), **choices(assume)})
