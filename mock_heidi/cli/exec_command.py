"""``mock-heidi exec``: runs a command beside a server, and reports the requests if the command fails."""

from __future__ import annotations

import contextlib
import itertools
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NoReturn

import click

from mock_heidi.base.settings import DEFAULT_NAMESPACE, ConfigError, Settings
from mock_heidi.cli.options import option, runs_server, settings
from mock_heidi.cli.parameters import Choice, Seconds
from mock_heidi.observing.findings import LEVELS, at_least, finding_line

if TYPE_CHECKING:
    from pathlib import Path

    from mock_heidi.app import App
    from mock_heidi.cli.child_process import Ended
    from mock_heidi.client.handle import Handle

# A status that commands rarely end with, and that no other command of ours uses.
FOUND = 3
_MOST_REPORTS = 10
_NO_REQUESTS = (
    "no requests; a client finds this server by HEIDI_BASE_URL. pytest reports the requests of its fixture mock_heidi, "
    "which uses another server or deletes its namespaces"
)


def client_variables(heidi: Handle) -> dict[str, str]:
    """The variables by which a client and the commands of mock-heidi find a server."""
    return {
        "HEIDI_BASE_URL": heidi.base_url,
        "HEIDI_API_KEY": heidi.api_key,
        "MOCK_HEIDI_URL": heidi.url,
        "MOCK_HEIDI_NAMESPACE": heidi.name,
        "MOCK_HEIDI_API_KEY": heidi.api_key,
    }


@click.command(context_settings={"allow_interspersed_args": False})
@runs_server(port=0, log_level="warning")
@option(
    "--grace", default=5, type=Seconds(), metavar="S", help="Seconds that CMD may still run after SIGTERM or SIGINT."
)
@option(
    "--fail-on", type=Choice(LEVELS), help="Exit with status 3 if CMD succeeds with a finding of this level or above."
)
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- CMD…")
def exec_command(  # noqa: PLR0913 - a flag each
    command: tuple[str, ...],
    *,
    host: str,
    port: int,
    url_file: Path | None,
    log_level: str,
    quiet: bool,
    export_on_exit: Path | None,
    watch: bool,
    grace: float,
    fail_on: str | None,
    **options: Any,
) -> NoReturn:
    """Run your command CMD beside a server. End with the exit status of CMD.

    CMD gets HEIDI_BASE_URL and HEIDI_API_KEY for your client, and MOCK_HEIDI_URL for `mock-heidi requests` and the
    other commands. If it fails, the last requests, the faults and the findings are printed.
    """
    from mock_heidi.base.hosts import is_loopback
    from mock_heidi.cli import child_process, fixture_watch, request_log, state_file
    from mock_heidi.cli import url_file as file
    from mock_heidi.client.server_thread import MockHeidi

    files = fixture_watch.watched_files(options["fixtures"], watch=watch)
    options["fixtures"] = state_file.fixtures_of_start(options["fixtures"], export_on_exit)
    chosen = settings(options)
    server = MockHeidi(chosen, host=host, port=port)
    with contextlib.ExitStack() as ends:
        log = request_log.request_log(sys.stderr, log_level, quiet=quiet)
        if log is not None:
            ends.callback(log.close)
        ends.enter_context(contextlib.closing(server))
        heidi = server.listen(log)
        watching = ends.enter_context(
            contextlib.closing(fixture_watch.FixtureWatch(files, server.app.registry, server.server, quiet=quiet))
        )
        if url_file is not None:
            file.write(url_file, heidi.base_url)
            ends.callback(file.remove_own, url_file, heidi.base_url)
        if not is_loopback(host):
            click.echo(f"warning: {host} can be reached from other machines", err=True)

        def started() -> None:
            server.start()
            watching.start()

        try:
            # CMD may connect at once: the port is bound, and the server answers as soon as its thread runs.
            ended = child_process.run(command, _environment(heidi, chosen), grace, started)
        except child_process.NotStartedError as error:
            _say(str(error))
            sys.exit(error.status)
        status = _final_status(ended, heidi, _used(heidi, chosen.admin_token), fail_on, quiet=quiet)
        server.close()
        if export_on_exit is not None:
            status = _exported(export_on_exit, server.app, status)
        sys.exit(status)


def _exported(path: Path, app: App, status: int) -> int:
    """Write the state into the file. Returns ``status``, or 1 in place of 0 if that fails."""
    from mock_heidi.cli import state_file

    try:
        state_file.write(path, app.registry.default.store)
    except ConfigError as error:
        _say(str(error))
        return status or 1
    return status


def _environment(heidi: Handle, chosen: Settings) -> dict[str, str]:
    token = {} if chosen.admin_token is None else {"MOCK_HEIDI_ADMIN_TOKEN": chosen.admin_token}
    return {**os.environ, **client_variables(heidi), **token}


def _final_status(ended: Ended, heidi: Handle, used: Iterator[Handle], fail_on: str | None, *, quiet: bool) -> int:
    """The status to end with. Unless ``quiet``, the reason for a failure is printed.

    If CMD failed, that is the report of each used namespace. If it succeeded, these are the findings of level
    ``fail_on`` or above, and the faults of ``heidi`` that never fired. If the server cannot be asked for its
    findings, the status is that of a finding.
    """
    if ended.status == 0:
        found = [] if fail_on is None else _collected(_found(used, fail_on))
        if found:
            _say(f"the command succeeded, but there are findings (--fail-on {fail_on}):", *found)
        if not quiet and (unfired := _collected(iter(heidi.unfired()))):
            _say("the command succeeded, but these faults never fired:", *unfired)
        return FOUND if found else 0
    if not (ended.interrupted or quiet):
        _say(
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
    if not any(row["counts"]["requests"] for row in _namespaces(heidi)):
        yield _NO_REQUESTS
    for namespace in itertools.islice(used, _MOST_REPORTS):
        yield from (_named(namespace, line) for line in namespace.report().splitlines())


def _named(namespace: Handle, line: str) -> str:
    return line if namespace.name == DEFAULT_NAMESPACE else f"[{namespace.name}] {line}"


def _used(heidi: Handle, admin_token: str | None) -> Iterator[Handle]:
    """The default namespace, and each other namespace that had a request."""
    from mock_heidi.client.handle import Handle

    yield heidi
    for row in _namespaces(heidi):
        if row["name"] != DEFAULT_NAMESPACE and row["counts"]["requests"]:
            with Handle(heidi.url, row["name"], heidi.api_key, admin_token) as namespace:
                yield namespace


def _namespaces(heidi: Handle) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = heidi.control("GET", "/namespaces")["namespaces"]
    return found


def _say(*lines: str) -> None:
    click.echo("\n".join([f"mock-heidi: {lines[0]}", *lines[1:]]), err=True)
