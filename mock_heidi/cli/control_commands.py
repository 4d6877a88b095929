"""The commands that change a running server: its faults, clock, snapshots and namespaces."""

from __future__ import annotations

import contextlib
import json
import math
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import click

from mock_heidi.base.settings import ConfigError
from mock_heidi.base.wording import counted, printable_json
from mock_heidi.cli.parameters import Choice, Group
from mock_heidi.cli.remote_command import asks_namespace, asks_server, print_result

if TYPE_CHECKING:
    from mock_heidi.client.handle import Handle

_NEGATIVE = re.compile(r"-\.?\d.*")


@click.group(cls=Group)
def fault() -> None:
    """Add, list and remove faults: `add RULE`, `list`, `clear [ID]`."""


@fault.command("add")
@asks_namespace
@click.argument("rule")
def add_fault(heidi: Handle, as_json: bool, rule: str) -> None:
    """Add a RULE, such as generate_consult_note:end_after=3,times=1, or as JSON."""
    made = heidi.control("POST", "/faults", rule)
    print_result(as_json, made, made["id"])


@fault.command("list")
@asks_namespace
def list_faults(heidi: Handle, as_json: bool) -> None:
    """List the rules and the number of answers that each has changed."""
    rules = heidi.faults()
    lines = [f"{rule['id']:<12} {counted(rule['hits'], 'hit'):>9}  {_rule(rule)}" for rule in rules]
    print_result(as_json, rules, "\n".join(lines) or "no faults")


def _rule(rule: dict[str, Any]) -> str:
    return json.dumps({name: value for name, value in rule.items() if name not in ("id", "hits", "matched", "says")})


@fault.command("clear")
@asks_namespace
@click.argument("id", required=False)
def clear_faults(heidi: Handle, as_json: bool, id: str | None) -> None:  # noqa: A002 - what the control API calls it
    """Remove one rule, or all."""
    left = heidi.control("DELETE", "/faults" if id is None else f"/faults/{quote(id, safe='')}")["faults"]
    print_result(as_json, left, f"{counted(len(left), 'fault')} left")


@click.group(cls=Group)
def scenario() -> None:
    """List or set scenarios: `list`, `run NAME`. A scenario is a set of faults for one situation."""


@scenario.command("list")
@asks_namespace
def list_scenarios(heidi: Handle, as_json: bool) -> None:
    """List the scenarios with their descriptions."""
    known = heidi.control("GET", "/scenarios")["scenarios"]
    print_result(as_json, known, "\n".join(f"{one['name']:<32} {one['explanation']}" for one in known))


@scenario.command("run")
@asks_namespace
@click.argument("name")
def run_scenario(heidi: Handle, as_json: bool, name: str) -> None:
    """Set the rules of a scenario."""
    made = heidi.control("POST", f"/scenarios/{quote(name, safe='')}")
    print_result(as_json, made, f"{made['explanation']}\n{', '.join(rule['id'] for rule in made['faults'])}")


class _Clock(click.Command):
    """Tells a negative number of seconds, such as ``advance -1``, from an unknown option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        typed = list(args)
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption:
            for number in filter(_NEGATIVE.fullmatch, typed if "advance" in typed else []):
                _seconds(number)
            raise


@click.command(cls=_Clock)
@asks_namespace
@click.argument("what", type=Choice(["show", "freeze", "advance", "set", "real"]), default="show")
@click.argument("value", required=False)
def clock(heidi: Handle, as_json: bool, what: str, value: str | None) -> None:
    """Show or change the time. `freeze [ISO]`, `advance SECONDS`, `set ISO`, or `real` for the machine's time."""
    if what in ("advance", "set") and value is None:
        example = "60" if what == "advance" else "2025-01-06T09:00:00"
        raise ConfigError(f"clock {what}: needs a value, such as {example}")
    if what in ("show", "real") and value is not None:
        raise ConfigError(f"clock {what}: takes no value; leave out {value}")
    given: dict[str, Any] = {"real": {"real": True}, "freeze": {"frozen": True}}.get(what, {})
    if what == "advance":
        heidi.control("POST", "/clock/advance", {"seconds": _seconds(value)})
    elif what != "show":
        heidi.control("PUT", "/clock", given if value is None else {**given, "now": value})
    clock = heidi.control("GET", "/clock")
    state = "frozen" if clock["frozen"] else f"speed {clock['speed']:g}"
    print_result(as_json, clock, f"{clock['now']}, {state}")


def _seconds(text: str | None) -> float:
    """The number of seconds that a text gives. Raises :class:`ConfigError` unless it is a number from 0."""
    with contextlib.suppress(ValueError):
        seconds = float(text or "")
        if 0 <= seconds < math.inf:
            return seconds
    raise ConfigError(f"clock advance {text}: should be a number of seconds, 0 or more, such as 60")


@click.command()
@asks_namespace
@click.argument("what", type=Choice(["list", "take", "restore", "diff", "delete"]), default="list")
@click.argument("name", required=False)
def snapshot(heidi: Handle, as_json: bool, what: str, name: str | None) -> None:
    """Keep, compare and restore states. `take NAME`, `list`, `restore NAME`, `diff NAME`, `delete NAME`."""
    from mock_heidi.client.namespace_connection import snapshot_path

    if what != "list" and name is None:
        raise ConfigError(f"snapshot {what}: needs a name")
    if what == "list" and name is not None:
        raise ConfigError(f"snapshot list: takes no name; leave out {name}")
    place = "" if name is None else snapshot_path(name)
    method, path = {
        "list": ("GET", "/snapshots"),
        "take": ("PUT", place),
        "restore": ("POST", f"{place}/restore"),
        "diff": ("GET", f"{place}/diff"),
        "delete": ("DELETE", place),
    }[what]
    answer = heidi.control(method, path)
    if what == "diff":
        print_result(as_json, answer, printable_json(answer, indent=2) if answer else "nothing has changed")
    else:
        rows = answer.get("snapshots", [answer])
        print_result(as_json, answer, "\n".join(_kept(row) for row in rows) or "no snapshots")


def _kept(row: dict[str, Any]) -> str:
    return f"{row['name']:<20} {row['at']}  {_counts(row)}"


def _counts(row: dict[str, Any]) -> str:
    return ", ".join(counted(count, kind.removesuffix("s").replace("_", " ")) for kind, count in row["counts"].items())


@click.command()
@asks_server
@click.option("--delete", "unwanted", metavar="NAME", help="Delete this namespace.")
def namespaces(heidi: Handle, as_json: bool, unwanted: str | None) -> None:
    """List the namespaces of the server, or delete one of them."""
    if unwanted is not None:
        deleted = heidi.control("DELETE", f"/namespaces/{quote(unwanted, safe='')}")
        print_result(as_json, deleted, f"deleted {unwanted}")
        return
    rows = heidi.control("GET", "/namespaces")["namespaces"]
    print_result(as_json, rows, "\n".join(f"{row['name']:<32} {_counts(row)}" for row in rows))
