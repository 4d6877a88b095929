"""The options of the command and their variables; those of a server stand in one list, which every such verb reads."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import click

from mock_heidi.base.settings import DEFAULT_MEMORY, JOURNAL_MODES, ConfigError, Settings, parse_pace

_MEGABYTE = 1024 * 1024
_LEVELS = ("debug", "info", "warning", "error")


class FaultParam(click.ParamType):  # type: ignore[type-arg] # generic in newer versions only
    """A fault as text. In the variable, several are divided by semicolons: paths in rules stand after a blank."""

    name = "rule"
    envvar_list_splitter = ";"


class Seconds(click.FloatRange):
    """A number of seconds, a day at most. A plain range lets ``nan`` pass, since it compares with nothing."""

    def __init__(self) -> None:
        super().__init__(0, 86_400)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        number = float(super().convert(value, param, ctx))
        if math.isnan(number):
            self.fail("nan is not a number of seconds", param, ctx)
        return number


def option(name: str, *more: Any, **options: Any) -> Callable[[Any], Any]:
    """A flag and its variable: ``--url-file`` and ``MOCK_HEIDI_URL_FILE``."""
    variable = "MOCK_HEIDI_" + name.removeprefix("--").replace("-", "_").upper()
    return click.option(name, *more, envvar=variable, show_envvar=True, **{"show_default": True, **options})


class ServerOption(NamedTuple):
    """A flag that sets a field of :class:`Settings`; ``read`` makes the field's value from what was typed."""

    flag: str
    field: str
    attributes: Mapping[str, Any]
    """The arguments that click gets for it."""
    read: Callable[[Any], Any]


def _sets(flag: str, field: str, read: Callable[[Any], Any] = lambda typed: typed, **attributes: Any) -> ServerOption:
    return ServerOption(flag, field, attributes, read)


def _bytes(megabytes: int) -> int:
    return megabytes * _MEGABYTE


def _pace(typed: str | None) -> Any:
    return None if typed is None else parse_pace(typed)


def choices(typed: tuple[str, ...]) -> Mapping[str, Any]:
    """The values that ``--assume`` chooses, by name. Raises :class:`ConfigError` that names the flag."""
    if not typed:
        return {}
    from mock_heidi.base.assumptions import DEFAULTS, parse_choices

    try:
        chosen = parse_choices(typed)
        DEFAULTS.choose(chosen)
    except ConfigError as error:
        raise ConfigError(f"--assume: {error.problem}", error.hint) from None
    return chosen


def _rules(typed: tuple[str, ...]) -> tuple[str, ...]:
    if typed:
        from mock_heidi.faults.rule import parse
        from mock_heidi.faults.short_form import FaultError

        for rule in typed:
            try:
                parse(rule)
            except FaultError as error:
                raise ConfigError(f"--fault {rule}: {error.problem}", error.hint) from None
    return typed


# Every setting that the command can make. One entry here is an option of each verb that runs a server.
SERVER_OPTIONS = (
    _sets(
        "--fixtures",
        "fixtures",
        metavar="DIR|FILE|empty",
        help="Fixtures: a folder of YAML files, or one file; the packaged set fills the rest.",
    ),
    _sets(
        "--assume",
        "assume",
        choices,
        multiple=True,
        metavar="NAME=VALUE",
        help="Chooses a value for an assumption, such as gender_case=exact; repeatable.",
    ),
    _sets(
        "--api-key",
        "api_key",
        metavar="KEY",
        help="The API key of your client. If your fixtures have keys, it replaces the first; else it is the only key.",
    ),
    _sets(
        "--seed",
        "seed",
        default=0,
        type=int,
        metavar="N",
        help="Fixes ids and tokens: same seed, same requests, same bytes.",
    ),
    _sets(
        "--clock", "clock", metavar="ISO", help="Moment (UTC) at which time stands still, such as 2025-01-06T09:00:00."
    ),
    _sets(
        "--pace",
        "pace",
        _pace,
        metavar="PACE",
        help="How streams go, such as first=0.3,rate=40,jitter=0.2; default: no delay.",
    ),
    _sets(
        "--fault",
        "faults",
        _rules,
        multiple=True,
        type=FaultParam(),
        metavar="RULE",
        help="A fault as a rule, such as ask_ai:end_after=3; repeatable.",
    ),
    _sets("--scenario", "scenario", metavar="NAME", help="Faults that belong together, such as flaky-afternoon."),
    _sets(
        "--no-request-faults",
        "request_faults",
        operator.not_,
        is_flag=True,
        help="Ignore the header X-Mock-Fault, by which a request asks for a fault of its own.",
    ),
    _sets(
        "--max-upload",
        "max_upload",
        _bytes,
        default=100,
        type=click.IntRange(1, 10_000),
        metavar="MB",
        help="Largest upload in megabytes.",
    ),
    _sets(
        "--memory",
        "memory",
        _bytes,
        default=DEFAULT_MEMORY // _MEGABYTE,
        type=click.IntRange(1, 1_000_000),
        metavar="MB",
        help="The most megabytes that requests and events may take.",
    ),
    _sets(
        "--journal",
        "journal",
        default="normal",
        type=click.Choice(JOURNAL_MODES),
        help="How much is shown of requests and answers.",
    ),
    _sets(
        "--allowed-host",
        "allowed_hosts",
        multiple=True,
        metavar="NAME",
        help="Host name by which clients may reach this server; repeatable.",
    ),
    _sets(
        "--admin-origin",
        "admin_origins",
        multiple=True,
        metavar="ORIGIN",
        help="Web origin that may use the control API; repeatable.",
    ),
    _sets(
        "--admin-token", "admin_token", metavar="TOKEN", help="Token that the control API must be sent; default: none."
    ),
    _sets(
        "--cors-origin",
        "cors_origins",
        multiple=True,
        metavar="ORIGIN",
        help="Web origin that may use the API besides loopback ones; repeatable.",
    ),
    _sets(
        "--cors-header",
        "cors_headers",
        multiple=True,
        metavar="NAME",
        help="Header that web pages may send beside those of the API and of tracing; repeatable.",
    ),
    _sets(
        "--cors-credentials",
        "cors_credentials",
        is_flag=True,
        help="Let web pages send cookies, as fetch does with its credentials set to include.",
    ),
)


def runs_server(*, port: int, log_level: str) -> Callable[[Any], Any]:
    """Give a verb the options of a server: where it listens, what it says, and SERVER_OPTIONS by their fields' names.

    ``port`` and ``log_level`` are the defaults of these two.
    """
    place = (
        option(
            "--host",
            default="127.0.0.1",
            metavar="ADDRESS",
            help="Address to listen on; the default serves localhost too.",
        ),
        option("--port", default=port, type=click.IntRange(0, 65535), metavar="N", help="Port; 0 picks a free one."),
    )
    says = (
        option(
            "--url-file",
            type=click.Path(dir_okay=False, path_type=Path),
            help="File for the base URL, once it listens; removed at the end.",
        ),
        option(
            "--log-level",
            default=log_level,
            type=click.Choice(_LEVELS),
            help="How much to say; info has a line per request.",
        ),
        option("--quiet", is_flag=True, help="No banner, no line per request, no report of a command that fails."),
    )
    settings = (option(one.flag, one.field, **one.attributes) for one in SERVER_OPTIONS)

    def decorate(verb: Any) -> Any:
        for given in reversed([*place, *settings, *says]):
            verb = given(verb)
        return verb

    return decorate


def settings(typed: Mapping[str, Any]) -> Settings:
    """The settings that were typed, by field; :class:`ConfigError` for the first that cannot be used."""
    return Settings(**{one.field: one.read(typed[one.field]) for one in SERVER_OPTIONS})
