"""``mock-heidi exec``: runs a command beside a server, and reports the requests if the command fails."""

from __future__ import annotations

import contextlib
import itertools
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NoReturn

import click

from mock_heidi.base.settings import DEFAULT_NAMESPACE, ConfigError
from mock_heidi.cli.command_server import (
    environment,
    listening,
    namespaces,
    say,
    takes_command,
    used_namespaces,
    warn_of_other_machines,
)
from mock_heidi.cli.options import option, settings
from mock_heidi.cli.parameters import Choice
from mock_heidi.cli.serving_options import Address, keeps_files, runs_server
from mock_heidi.observing.findings import LEVELS, at_least, finding_line

if TYPE_CHECKING:
    from pathlib import Path

    from mock_heidi.app import App
    from mock_heidi.cli.child_process import Ended
    from mock_heidi.client.handle import Handle

# A status that commands rarely end with, and that no other command of ours uses.
FOUND = 3
_MOST_REPORTS = 10
NO_REQUESTS = (
    "no requests; a client finds this server by HEIDI_BASE_URL. pytest reports the requests of its fixture mock_heidi, "
    "which uses another server or deletes its namespaces"
)

NOTHING_PROXIED = (
    "nothing has reached the mock; if CMD has called Heidi, it was the real service. Its client ignores HTTPS_PROXY: "
    "give it that proxy, or HEIDI_BASE_URL as its base URL"
)


@click.command(context_settings={"allow_interspersed_args": False})
@runs_server(port=0, log_level="warning")
@keeps_files
@takes_command
@option(
    "--fail-on", type=Choice(LEVELS), help="Exit with status 3 if CMD succeeds with a finding of this level or above."
)
def exec_command(  # noqa: PLR0913 - a flag each
    command: tuple[str, ...],
    *,
    address: Address,
    url_file: Path | None,
    log_level: str,
    quiet: bool,
    export_on_exit: Path | None,
    watch: bool,
    grace: float,
    fail_on: str | None,
    direct: tuple[str, ...],
    **options: Any,
) -> NoReturn:
    """Run your command CMD beside a server. End with the exit status of CMD.

    CMD gets HEIDI_BASE_URL and HEIDI_API_KEY for your client, and MOCK_HEIDI_URL for `mock-heidi requests` and the
    other commands. If it fails, the last requests, the faults and the findings are printed. With --proxy, a client that
    has the host of the real service in its code reaches the server too: CMD gets the variables by which clients find a
    proxy and trust its certificate.
    """
    from mock_heidi.cli import child_process, fixture_watch, request_log, state_file

    files = fixture_watch.watched_files(options["fixtures"], watch=watch)
    options["fixtures"] = state_file.fixtures_of_start(options["fixtures"], export_on_exit)
    chosen = settings(options)
    log = request_log.request_log(sys.stderr, log_level, quiet=quiet)
    with (
        contextlib.nullcontext() if log is None else contextlib.closing(log),
        listening(chosen, address, url_file, log) as (server, heidi),
        contextlib.closing(
            fixture_watch.FixtureWatch(files, server.app.registry, server.server, quiet=quiet)
        ) as watching,
    ):
        warn_of_other_machines(address.host)

        def started() -> None:
            server.start()
            watching.start()

        try:
            # CMD may connect at once: the port is bound, and the server answers as soon as its thread runs.
            ended = child_process.run(command, environment(heidi, chosen, direct), grace, started)
        except child_process.NotStartedError as error:
            say(str(error))
            sys.exit(error.status)
        if chosen.proxy and not _any_requests(heidi):
            say(NOTHING_PROXIED)
        status = final_status(ended, heidi, used_namespaces(heidi, chosen.admin_token), fail_on, quiet=quiet)
        server.close()
        if export_on_exit is not None:
            status = _exported(export_on_exit, server.app, status)
        sys.exit(status)


def _exported(path: Path, app: App, status: int) -> int:
    """Write the state into the file. Returns ``status``, or 1 in place of 0 if that fails."""
    from mock_heidi.cli import state_file

    try:
        state_file.write(path, app.registry.default)
    except ConfigError as error:
        say(str(error))
        return status or 1
    return status


def final_status(ended: Ended, heidi: Handle, used: Iterator[Handle], fail_on: str | None, *, quiet: bool) -> int:
    """The status to end with. Unless ``quiet``, the reason for a failure is printed.

    If CMD failed, that is the report of each used namespace. If it succeeded, these are the findings of level
    ``fail_on`` or above, and the faults of ``heidi`` that never fired. If the server cannot be asked for its
    findings, the status is that of a finding.
    """
    if ended.status == 0:
        found = [] if fail_on is None else _collected(_found(used, fail_on))
        if found:
            say(f"the command succeeded, but there are findings (--fail-on {fail_on}):", *found)
        if not quiet and (unfired := _collected(iter(heidi.unfired()))):
            say("the command succeeded, but these faults never fired:", *unfired)
        return FOUND if found else 0
    if not (ended.interrupted or quiet):
        say(
            f"the command ended with status {ended.status}; the report of its server:",
            *_collected(_reports(heidi, used)),
        )
    return ended.status


def _collected(lines: Iterator[str]) -> list[str]:
    """The lines. If the server refuses or does not answer, the last line is the error."""
    from mock_heidi.client.handle import MockHeidiError, NoAnswerError

    answered = []
    try:
        for line in lines:
            answered.append(line)  # noqa: PERF402 - keep the lines before an error
    except (MockHeidiError, NoAnswerError) as error:
        answered.append(f"cannot ask the server: {error}")
    return answered


def _found(used: Iterator[Handle], level: str) -> Iterator[str]:
    """The findings of that level or above, a line each."""
    levels = at_least(level)
    return (
        _named(namespace, finding_line(one))
        for namespace in used
        for one in namespace.findings()
        if one["level"] in levels
    )


def _reports(heidi: Handle, used: Iterator[Handle]) -> Iterator[str]:
    """The reports of the first few namespaces, a line each; the first line explains why there are no requests."""
    if not _any_requests(heidi):
        yield NO_REQUESTS
    for namespace in itertools.islice(used, _MOST_REPORTS):
        yield from (_named(namespace, line) for line in namespace.report().splitlines())


def _any_requests(heidi: Handle) -> bool:
    return any(row["counts"]["requests"] for row in namespaces(heidi))


def _named(namespace: Handle, line: str) -> str:
    return line if namespace.name == DEFAULT_NAMESPACE else f"[{namespace.name}] {line}"
