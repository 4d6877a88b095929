"""``mock-heidi variants``: runs a command beside a server again and again, each time under another assumption."""

from __future__ import annotations

import contextlib
import dataclasses
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import click

from mock_heidi.base.settings import ConfigError, Settings
from mock_heidi.base.text_files import check_folder
from mock_heidi.cli.command_server import (
    environment,
    listening,
    say,
    takes_command,
    used_namespaces,
    warn_of_other_machines,
)
from mock_heidi.cli.exec_command import FOUND, NO_REQUESTS, NOTHING_PROXIED, final_status
from mock_heidi.cli.options import option, settings
from mock_heidi.cli.parameters import Seconds, WholeNumber
from mock_heidi.cli.serving_options import Address, runs_server
from mock_heidi.variants.limits import MOST, SECONDS, Limits

if TYPE_CHECKING:
    from mock_heidi.cli.child_process import Ended
    from mock_heidi.client.handle import Handle
    from mock_heidi.variants.choice import Variant
    from mock_heidi.variants.run import Row, Run

_INTERRUPTED = 130


@click.command(context_settings={"allow_interspersed_args": False})
@runs_server(port=0, log_level="warning")
@takes_command
@option(
    "--vary",
    default="met",
    metavar="met|all|NAME,…",
    help="Assumptions to vary: those that the requests of CMD meet, all, or these.",
)
@option("--max-variants", default=MOST, type=WholeNumber(0), metavar="N", help="Most variants.")
@option("--max-time", default=SECONDS, type=Seconds(), metavar="S", help="Most seconds of all repeated runs.")
@option("--json-file", type=click.Path(dir_okay=False, path_type=Path), help="File for the results as JSON.")
@option("--fail-if-depends", is_flag=True, help="Exit with status 3 if CMD depends on an assumption.")
def variants_command(  # noqa: PLR0913 - a flag each
    command: tuple[str, ...],
    *,
    address: Address,
    url_file: Path | None,
    log_level: str,
    quiet: bool,
    grace: float,
    direct: tuple[str, ...],
    vary: str,
    max_variants: int,
    max_time: float,
    json_file: Path | None,
    fail_if_depends: bool,
    **options: Any,
) -> NoReturn:
    """Run your command CMD under several assumptions. Show what it depends on.

    CMD runs twice under the defaults, then once for each other value. It gets the variables of `mock-heidi exec`, and
    a fresh server each time. Only the first run shows the output of CMD.
    """
    from mock_heidi.cli import request_log
    from mock_heidi.variants import report_file
    from mock_heidi.variants.examine import NOT_REPEATABLE

    chosen = settings(options)
    names = _names(vary)
    if json_file is not None:
        check_folder(json_file)
    warn_of_other_machines(address.host)
    log = request_log.request_log(sys.stderr, log_level, quiet=quiet)
    with contextlib.nullcontext() if log is None else contextlib.closing(log):
        runs = _Runs(_Command(command, grace, direct), chosen, _Place(address, url_file, log), quiet=quiet)
        result = runs.examined(names, Limits(max_variants, max_time))
    _print(result, command)
    if json_file is not None:
        report_file.write(json_file, [result])
    if result["outcome"] == NOT_REPEATABLE:
        sys.exit(runs.status)
    sys.exit(FOUND if fail_if_depends and report_file.depending([result]) else 0)


def _names(vary: str) -> tuple[str, ...] | None:
    from mock_heidi.variants.choice import parse_choice

    try:
        return parse_choice(vary)
    except ConfigError as error:
        raise ConfigError(f"--vary: {error.problem}", error.hint) from None


class _Command(NamedTuple):
    """The words of CMD, the seconds that it may run after a signal, and the hosts that it reaches without the proxy."""

    words: tuple[str, ...]
    grace: float
    direct: tuple[str, ...]


class _Place(NamedTuple):
    """The address of each server, the file for its URL, and its log."""

    address: Address
    url_file: Path | None
    log: Any


class _Runs:
    """The runs of a command, each beside a fresh server."""

    def __init__(self, command: _Command, chosen: Settings, place: _Place, *, quiet: bool) -> None:
        self._command, self._chosen, self._place, self._quiet = command, chosen, place, quiet
        self.status = 0
        """The exit status of the last run."""

    def examined(self, names: tuple[str, ...] | None, limits: Limits) -> dict[str, Any]:
        """The result of all runs. Ends the process if the first run fails, and after Ctrl-C."""
        from mock_heidi.variants.examine import examine

        return examine(shlex.join(self._command.words), self._run(None, first=True), self._repeat, names, limits)

    def _repeat(self, variant: Variant | None) -> Run:
        run = self._run(variant, first=False)
        if not self._quiet:
            verdict = "holds" if run.passed else f"FAILS ({run.failure})"
            say(f"{'second run' if variant is None else variant} {verdict}")
        return run

    def _run(self, variant: Variant | None, *, first: bool) -> Run:
        from mock_heidi.variants.run import Run, requests_since, settled_names

        chosen = self._chosen
        if variant is not None:
            chosen = dataclasses.replace(chosen, assume={**chosen.assume, variant.name: variant.value})
        with listening(chosen, *self._place) as (server, heidi):
            ended = self._ended(environment(heidi, chosen, self._command.direct), server, silent=not first)
            self._check(ended, heidi, first=first)
            requests: list[Row] = []
            settled = frozenset(self._chosen.assume)
            for namespace in used_namespaces(heidi, chosen.admin_token):
                requests += requests_since(namespace)
                settled |= settled_names(namespace) if variant is None else frozenset()
        if first and not requests:
            say(NOTHING_PROXIED if chosen.proxy else NO_REQUESTS)
        return Run(ended.status == 0, requests, settled, "" if ended.status == 0 else f"status {ended.status}")

    def _ended(self, environment: dict[str, str], server: Any, *, silent: bool) -> Ended:
        from mock_heidi.cli import child_process

        words, grace, _ = self._command
        try:
            return child_process.run(words, environment, grace, server.start, silent=silent)
        except child_process.NotStartedError as error:
            say(str(error))
            sys.exit(error.status)

    def _check(self, ended: Ended, heidi: Handle, *, first: bool) -> None:
        """End the process after a signal, and if the first run has failed."""
        self.status = ended.status
        if ended.stopped:
            sys.exit(ended.status or _INTERRUPTED)
        if first and ended.status != 0:
            used = used_namespaces(heidi, self._chosen.admin_token)
            sys.exit(final_status(ended, heidi, used, None, quiet=self._quiet))


def _print(result: Row, command: tuple[str, ...]) -> None:
    """Print the table. If CMD depends on an assumption, name the command that shows such a run."""
    from mock_heidi.variants.choice import Variant
    from mock_heidi.variants.table import table

    for line in table([result]):
        click.echo(line)
    failed = (Variant(one["name"], bad["value"]) for one in result["assumptions"] for bad in one["fails"])
    if (variant := next(failed, None)) is not None:
        click.echo(f"see it: mock-heidi exec --assume {variant} -- {shlex.join(command)}")
