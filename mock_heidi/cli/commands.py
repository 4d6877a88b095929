"""The verbs that look at a running server or put it back, and the table of all verbs that are imported late."""

from __future__ import annotations

import contextlib
import json
import shlex
import sys
from typing import TYPE_CHECKING, Any

import click

from mock_heidi.base.settings import ConfigError
from mock_heidi.base.wording import nearest, printable_json
from mock_heidi.cli.exec_command import client_variables, exec_command
from mock_heidi.cli.options import Seconds
from mock_heidi.cli.remote_verb import say, speaks
from mock_heidi.cli.steering_verbs import clock, fault, namespaces, scenario, snapshot
from mock_heidi.observing.findings import LEVELS, finding_line

if TYPE_CHECKING:
    from mock_heidi.client.handle import Handle

_PAUSE = 0.05
_GLANCE = 1.0


@click.command()
@speaks
@click.option(
    "--shell",
    type=click.Choice(["sh", "fish", "powershell"]),
    default="sh",
    show_default=True,
    help="The shell to write for.",
)
def env(heidi: Handle, as_json: bool, shell: str) -> None:
    """Print the variables that a client is given, for eval."""
    form = {"sh": "export {}={}", "fish": "set -gx {} {}", "powershell": "$env:{} = {}"}[shell]
    values = client_variables(heidi)
    quoted = {
        name: shlex.quote(value) if shell != "powershell" else "'" + value.replace("'", "''") + "'"
        for name, value in values.items()
    }
    say(as_json, values, "\n".join(form.format(*pair) for pair in quoted.items()))
    if missing := _missing(heidi.url, _GLANCE):
        click.echo(f"warning: {missing}; start a server with mock-heidi serve", err=True)


@click.command()
@speaks
@click.option("--timeout", type=Seconds(), default=10.0, show_default=True, metavar="S", help="Seconds.")
def wait(heidi: Handle, as_json: bool, timeout: float) -> None:
    """Wait until a server answers."""
    import threading

    from mock_heidi.state.clock import precise

    deadline = precise() + timeout
    while missing := _missing(heidi.url, max(deadline - precise(), _PAUSE)):
        if precise() >= deadline:
            raise ConfigError(f"{missing} after {timeout:g} s", "start a server with mock-heidi serve")
        threading.Event().wait(_PAUSE)
    say(as_json, {"status": "ok", "url": heidi.url}, f"{heidi.url} is ready")


def _missing(url: str, patience: float) -> str | None:
    """The reason that a URL has no server to speak to; None if it has one."""
    from urllib.parse import urlsplit

    from mock_heidi.client.kept_connection import KeptConnection

    parts = urlsplit(url)
    with contextlib.closing(KeptConnection(parts.hostname or "", parts.port, patience)) as peer:
        try:
            # This endpoint is open to all, whatever token the control API wants.
            if json.loads(peer.ask("GET", "/readyz", None, {})[1]) == {"status": "ok"}:
                return None
        except OSError:
            return f"no server answers at {url}"
        except ValueError:
            pass
        return f"another program answers at {url}"


@click.command()
@speaks
@click.option("--keep", metavar="PARTS", help="Parts to keep, separated by commas: state, clock, requests, faults, …")
@click.option("--all", "everything", is_flag=True, help="Every namespace.")
def reset(heidi: Handle, as_json: bool, keep: str | None, everything: bool) -> None:
    """Put everything back to the beginning."""
    from urllib.parse import urlencode

    query = {**({"keep": keep} if keep else {}), **({"all": "true"} if everything else {})}
    done = heidi.control("POST", f"/reset?{urlencode(query)}")
    say(as_json, done, f"put back: {', '.join(done['reset'])}")


@click.command()
@speaks
@click.option("--email", metavar="E-MAIL", help="Whom the token is for.")
@click.option("--third-party-internal-id", metavar="ID", help="Their id in the partner's system.")
def token(heidi: Handle, as_json: bool, email: str | None, third_party_internal_id: str | None) -> None:
    """Sign in and print a bearer token."""
    from mock_heidi.client.handle import MockHeidiError

    try:
        made = heidi.token(email, third_party_internal_id)
    except MockHeidiError as error:
        if "Invalid API key" not in str(error):
            raise
        raise ConfigError(f"{heidi.url} knows no such API key", "give one of its fixtures with --api-key") from None
    say(as_json, {"token": made}, made)


@click.command()
@speaks
@click.option(
    "--level",
    type=click.Choice(LEVELS),
    default="info",
    show_default=True,
    help="The lowest level to show.",
)
@click.option(
    "--fail-on", type=click.Choice(LEVELS), default="warning", show_default=True, help="Exit 1 from this level on."
)
def findings(heidi: Handle, as_json: bool, level: str, fail_on: str) -> None:
    """Show the findings about the client. Exit 1 if any has the level of --fail-on or above."""
    _must_be_there(heidi)
    found = heidi.control("GET", f"/findings?level={level}")["findings"]
    say(as_json, found, "\n".join(map(finding_line, found)) or "nothing to say")
    if heidi.control("GET", f"/findings?level={fail_on}")["findings"]:
        sys.exit(1)


def _must_be_there(heidi: Handle) -> None:
    """A name that was mistyped is no clean bill of health."""

    names = [str(one["name"]) for one in heidi.control("GET", "/_mock/namespaces")["namespaces"]]
    if heidi.name not in names:
        raise ConfigError(f"{heidi.url} has no namespace {heidi.name!r}", nearest(heidi.name, names))


@click.command()
@speaks
@click.option("--follow", is_flag=True, help="Go on with each request as it comes, until Ctrl-C.")
@click.option("--limit", type=click.IntRange(0), default=20, show_default=True, metavar="N", help="How many to show.")
@click.option("--operation", metavar="NAME", help="Only requests of this operation.")
@click.option("--status", metavar="STATUS", help="Only requests with this status: 404, 5xx or none.")
@click.option("--text", metavar="TEXT", help="Only requests that contain this text.")
@click.option("--curl", is_flag=True, help="Print them as curl commands.")
def requests(heidi: Handle, as_json: bool, follow: bool, limit: int, curl: bool, **filters: str | None) -> None:
    """Show the last requests."""
    from mock_heidi.client.report import line

    given = {name: value for name, value in filters.items() if value is not None}
    if curl:
        if follow or as_json:
            raise click.UsageError("--curl goes without --follow and --json")
        _must_be_there(heidi)
        click.echo(heidi.curl(**given, limit=limit), nl=False)
    elif follow:
        _follow(heidi, as_json, given, limit)
    else:
        _must_be_there(heidi)
        rows = heidi.requests(**given, limit=limit)
        say(as_json, rows, "\n".join(map(line, rows)) or "none")


def _follow(heidi: Handle, as_json: bool, given: dict[str, str], limit: int) -> None:
    """A line for each, of JSON too."""
    with heidi.events() as events:
        # Listened to first, asked then: none is lost between the two.
        seen = _print_rows(as_json, heidi.requests(**given, limit=limit), 0)
        for kind, data in events:
            if kind == "reset" and "requests" in data["reset"]:
                seen = 0
            elif kind == "behind":
                raise ConfigError(f"{heidi.url} had {data['missed']} events more than could be shown", "begin again")
            elif kind == "request" and data["id"] > seen:
                seen = _print_rows(as_json, heidi.requests(**{**given, "since": seen}), seen)
        raise ConfigError(f"{heidi.url} has ended")


def _print_rows(as_json: bool, rows: list[dict[str, Any]], last: int) -> int:
    """Print rows of requests. Returns the id of the last one, or ``last`` if there are none."""
    from mock_heidi.client.report import line

    for row in rows:
        click.echo(printable_json(row) if as_json else line(row))
        last = row["id"]
    return last


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script of a shell: `eval "$(mock-heidi completion bash)"`."""
    from click.shell_completion import get_completion_class

    made = get_completion_class(shell)
    assert made is not None  # noqa: S101 - the choice above
    whole = click.get_current_context().find_root().command
    click.echo(made(whole, {}, "mock-heidi", "_MOCK_HEIDI_COMPLETE").source())


VERBS: dict[str, click.Command] = {
    "exec": exec_command,
    "env": env,
    "wait": wait,
    "reset": reset,
    "token": token,
    "findings": findings,
    "requests": requests,
    "fault": fault,
    "scenario": scenario,
    "clock": clock,
    "snapshot": snapshot,
    "namespaces": namespaces,
    "completion": completion,
}
