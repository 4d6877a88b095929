"""The commands that read or reset a running server, and the table of all commands that are imported late."""

from __future__ import annotations

import contextlib
import json
import shlex
import sys
from typing import TYPE_CHECKING, Any

import click

from mock_heidi.base.settings import ConfigError
from mock_heidi.base.wording import nearest, printable_json
from mock_heidi.cli.ca_command import ca
from mock_heidi.cli.command_server import client_variables
from mock_heidi.cli.compare_command import compare
from mock_heidi.cli.control_commands import clock, fault, namespaces, scenario, snapshot
from mock_heidi.cli.coverage_command import coverage
from mock_heidi.cli.exec_command import exec_command
from mock_heidi.cli.parameters import Choice, Seconds, WholeNumber
from mock_heidi.cli.remote_command import asks_namespace, print_result
from mock_heidi.cli.variants_command import variants_command
from mock_heidi.observing.findings import LEVELS, finding_line

if TYPE_CHECKING:
    from mock_heidi.client.handle import Handle

# In seconds: between two attempts of ``wait``, and the time that ``env`` gives a server to answer.
_PAUSE = 0.05
_GLANCE = 1.0


@click.command()
@asks_namespace
@click.option(
    "--shell",
    type=Choice(["sh", "fish", "powershell"]),
    default="sh",
    show_default=True,
    help="Shell that will read the variables.",
)
@click.option(
    "--proxy", is_flag=True, help="Also the variables by which clients use the server as a proxy, see serve --proxy."
)
@click.option("--direct", multiple=True, metavar="HOST", help="Host to reach without the proxy; repeatable.")
def env(heidi: Handle, as_json: bool, shell: str, proxy: bool, direct: tuple[str, ...]) -> None:
    """Print the variables for a client, for eval in a shell."""
    form = {"sh": "export {}={}", "fish": "set -gx {} {}", "powershell": "$env:{} = {}"}[shell]
    values = client_variables(heidi)
    if proxy:
        from mock_heidi.cli.proxy_variables import check_proxy, proxy_variables

        check_proxy(heidi)
        values |= proxy_variables(heidi, direct)
    quoted = {
        name: shlex.quote(value) if shell != "powershell" else "'" + value.replace("'", "''") + "'"
        for name, value in values.items()
    }
    print_result(as_json, values, "\n".join(form.format(*pair) for pair in quoted.items()))
    if missing := _missing(heidi.url, _GLANCE):
        click.echo(f"warning: {missing}; start a server with mock-heidi serve", err=True)


@click.command()
@asks_namespace
@click.option(
    "--timeout", type=Seconds(), default=10.0, show_default=True, metavar="S", help="Longest wait in seconds."
)
def wait(heidi: Handle, as_json: bool, timeout: float) -> None:
    """Wait until a server answers."""
    import threading

    from mock_heidi.state.clock import precise

    deadline = precise() + timeout
    while missing := _missing(heidi.url, max(deadline - precise(), _PAUSE)):
        if precise() >= deadline:
            raise ConfigError(f"{missing} after {timeout:g} s", "start a server with mock-heidi serve")
        threading.Event().wait(_PAUSE)
    print_result(as_json, {"status": "ok", "url": heidi.url}, f"{heidi.url} is ready")


def _missing(url: str, patience: float) -> str | None:
    """The reason why no mock_heidi answers at a URL; None if one answers."""
    from urllib.parse import urlsplit

    from mock_heidi.client.kept_connection import KeptConnection

    parts = urlsplit(url)
    with contextlib.closing(KeptConnection(parts.hostname or "", parts.port, patience)) as peer:
        try:
            # This endpoint needs no admin token.
            if json.loads(peer.request("GET", "/readyz", None, {})[1]) == {"status": "ok"}:
                return None
        except OSError:
            return f"no server answers at {url}"
        except ValueError:
            pass
        return f"another program answers at {url}"


@click.command()
@asks_namespace
@click.option("--keep", metavar="PARTS", help="Parts to keep, separated by commas: state, clock, requests, faults, …")
@click.option("--all", "everything", is_flag=True, help="Reset every namespace.")
def reset(heidi: Handle, as_json: bool, keep: str | None, everything: bool) -> None:
    """Reset everything to the start."""
    from urllib.parse import urlencode

    query = {**({"keep": keep} if keep else {}), **({"all": "true"} if everything else {})}
    done = heidi.control("POST", f"/reset?{urlencode(query)}")
    print_result(as_json, done, f"reset: {', '.join(done['reset'])}")


@click.command()
@asks_namespace
@click.option("--email", metavar="E-MAIL", help="E-mail address of the user.")
@click.option("--third-party-internal-id", metavar="ID", help="Id of the user in the partner's system.")
def token(heidi: Handle, as_json: bool, email: str | None, third_party_internal_id: str | None) -> None:
    """Sign in and print a bearer token."""
    from mock_heidi.client.handle import MockHeidiError

    try:
        made = heidi.token(email, third_party_internal_id)
    except MockHeidiError as error:
        if "Invalid API key" not in str(error):
            raise
        raise ConfigError(f"{heidi.url} does not know this API key", "give one of its keys with --api-key") from None
    print_result(as_json, {"token": made}, made)


@click.command()
@asks_namespace
@click.option(
    "--level",
    type=Choice(LEVELS),
    default="info",
    show_default=True,
    help="The lowest level to show.",
)
@click.option(
    "--fail-on",
    type=Choice(LEVELS),
    default="warning",
    show_default=True,
    help="Exit with status 1 for this level or above.",
)
def findings(heidi: Handle, as_json: bool, level: str, fail_on: str) -> None:
    """Show the findings about the client. Exit with status 1 if one has the level of --fail-on or above."""
    _check_namespace(heidi)
    found = heidi.control("GET", f"/findings?level={level}")["findings"]
    print_result(as_json, found, "\n".join(map(finding_line, found)) or "no findings")
    if heidi.control("GET", f"/findings?level={fail_on}")["findings"]:
        sys.exit(1)


def _check_namespace(heidi: Handle) -> None:
    """Raise :class:`ConfigError` for an unknown namespace. An empty list would look like a good result."""
    names = [str(one["name"]) for one in heidi.control("GET", "/_mock/namespaces")["namespaces"]]
    if heidi.name not in names:
        raise ConfigError(f"{heidi.url} has no namespace {heidi.name!r}", nearest(heidi.name, names))


@click.command()
@asks_namespace
@click.option("--follow", is_flag=True, help="Also show each new request, until Ctrl-C.")
@click.option(
    "--limit", type=WholeNumber(0), default=20, show_default=True, metavar="N", help="The most requests to show."
)
@click.option("--operation", metavar="NAME", help="Only requests of this operation.")
@click.option("--status", metavar="STATUS", help="Only requests with this status: 404, 5xx, error or none.")
@click.option("--text", metavar="TEXT", help="Only requests that contain this text.")
@click.option("--curl", is_flag=True, help="Print curl commands that send the same requests.")
def requests(heidi: Handle, as_json: bool, follow: bool, limit: int, curl: bool, **filters: str | None) -> None:
    """Show the last requests."""
    from mock_heidi.client.report import line

    given = {name: value for name, value in filters.items() if value is not None}
    if curl:
        if follow or as_json:
            raise click.UsageError("--curl cannot be combined with --follow or --json")
        _check_namespace(heidi)
        click.echo(heidi.curl(**given, limit=limit), nl=False)
    elif follow:
        _follow(heidi, as_json, given, limit)
    else:
        _check_namespace(heidi)
        rows = heidi.requests(**given, limit=limit)
        print_result(as_json, rows, "\n".join(map(line, rows)) or "no requests")


def _follow(heidi: Handle, as_json: bool, given: dict[str, str], limit: int) -> None:
    """Print the last requests and each new one, a line each, also as JSON."""
    with heidi.events() as events:
        # The events begin before the list is read, so that no request is lost.
        last = _print_rows(as_json, heidi.requests(**given, limit=limit), 0)
        for kind, data in events:
            if kind == "reset" and "requests" in data["reset"]:
                last = 0
            elif kind == "behind":
                raise ConfigError(f"{data['missed']} requests or other events were too fast to follow", "start again")
            elif kind == "request" and data["id"] > last:
                last = _print_rows(as_json, heidi.requests(**{**given, "since": last}), last)
        raise ConfigError(f"the server at {heidi.url} has ended")


def _print_rows(as_json: bool, rows: list[dict[str, Any]], last: int) -> int:
    """Print rows of requests. Returns the id of the last one, or ``last`` if there are none."""
    from mock_heidi.client.report import line

    for row in rows:
        click.echo(printable_json(row) if as_json else line(row))
        last = row["id"]
    return last


@click.command()
@click.argument("shell", type=Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script of a shell. Use it with `eval "$(mock-heidi completion bash)"`."""
    from click.shell_completion import get_completion_class

    made = get_completion_class(shell)
    assert made is not None  # noqa: S101 - the choice above
    whole = click.get_current_context().find_root().command
    click.echo(made(whole, {}, "mock-heidi", "_MOCK_HEIDI_COMPLETE").source())


COMMANDS: dict[str, click.Command] = {
    "exec": exec_command,
    "variants": variants_command,
    "env": env,
    "wait": wait,
    "reset": reset,
    "token": token,
    "findings": findings,
    "requests": requests,
    "coverage": coverage,
    "fault": fault,
    "scenario": scenario,
    "clock": clock,
    "snapshot": snapshot,
    "namespaces": namespaces,
    "ca": ca,
    "compare": compare,
    "completion": completion,
}
