"""The options of the commands with their variables. ``SERVER_OPTIONS`` lists those that set a field of Settings."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import click

from mock_heidi.base.settings import DEFAULT_MEMORY, JOURNAL_MODES, ConfigError, Settings, parse_pace
from mock_heidi.cli.parameters import Choice, Fault, Option, WholeNumber

_MEGABYTE = 1024 * 1024


def option(name: str, *more: Any, **options: Any) -> Callable[[Any], Any]:
    """A flag and its variable: ``--url-file`` and ``MOCK_HEIDI_URL_FILE``."""
    variable = "MOCK_HEIDI_" + name.removeprefix("--").replace("-", "_").upper()
    return click.option(name, *more, cls=Option, envvar=variable, show_envvar=True, **{"show_default": True, **options})


class ServerOption(NamedTuple):
    """A flag that sets a field of :class:`Settings`; ``read`` converts the typed value to that of the field."""

    flag: str
    field: str
    attributes: Mapping[str, Any]
    """The arguments for click."""
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


# Every setting that has a flag. Each command that serves has all of these options.
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
        "--strict",
        "strict",
        is_flag=True,
        help="Refuse requests for what no page documents, such as an unknown field; by default it is a finding.",
    ),
    _sets(
        "--api-key",
        "api_key",
        metavar="KEY",
        help="API key of your client. If your fixtures have keys, it replaces the first; otherwise it is the only key.",
    ),
    _sets(
        "--seed",
        "seed",
        default=0,
        type=WholeNumber(),
        metavar="N",
        help="Seed of ids and tokens: the same seed and the same requests give the same bytes.",
    ),
    _sets(
        "--clock", "clock", metavar="ISO", help="Time (UTC) at which the clock is frozen, such as 2025-01-06T09:00:00."
    ),
    _sets(
        "--pace",
        "pace",
        _pace,
        metavar="PACE",
        help="Pace of streams, such as first=0.3,rate=40,jitter=0.2; default: no delay.",
    ),
    _sets(
        "--fault",
        "faults",
        _rules,
        multiple=True,
        type=Fault(),
        metavar="RULE",
        help="A fault as a rule, such as ask_ai:end_after=3; repeatable.",
    ),
    _sets("--scenario", "scenario", metavar="NAME", help="Faults that belong together, such as flaky-afternoon."),
    _sets(
        "--no-request-faults",
        "request_faults",
        operator.not_,
        is_flag=True,
        help="Ignore the header X-Mock-Fault, which sets a fault for one request.",
    ),
    _sets(
        "--no-provenance",
        "provenance",
        operator.not_,
        is_flag=True,
        help="Send no header X-Mock-Provenance, which says where an answer comes from.",
    ),
    _sets(
        "--max-upload",
        "max_upload",
        _bytes,
        default=100,
        type=WholeNumber(1, 10_000),
        metavar="MB",
        help="Largest upload in megabytes.",
    ),
    _sets(
        "--memory",
        "memory",
        _bytes,
        default=DEFAULT_MEMORY // _MEGABYTE,
        type=WholeNumber(1, 1_000_000),
        metavar="MB",
        help="Most megabytes that the kept requests and events may take.",
    ),
    _sets(
        "--journal",
        "journal",
        default="normal",
        type=Choice(JOURNAL_MODES),
        help="How much of requests and answers is shown.",
    ),
    _sets(
        "--coverage",
        "coverage",
        is_flag=True,
        help="Count what clients exercise of the contract, for mock-heidi coverage.",
    ),
    _sets(
        "--proxy",
        "proxy",
        is_flag=True,
        help="Be an HTTP proxy that serves the hosts of the real service, and no other host.",
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
        "--admin-token",
        "admin_token",
        metavar="TOKEN",
        help="Token that every call of the control API must send; by default it needs no token.",
    ),
    _sets(
        "--cors-origin",
        "cors_origins",
        multiple=True,
        metavar="ORIGIN",
        help="Web origin that may use the API in addition to loopback ones; repeatable.",
    ),
    _sets(
        "--cors-header",
        "cors_headers",
        multiple=True,
        metavar="NAME",
        help="Header that web pages may send in addition to those of the API and of tracing; repeatable.",
    ),
    _sets(
        "--cors-credentials",
        "cors_credentials",
        is_flag=True,
        help="Let web pages send cookies (fetch with credentials: include).",
    ),
)


def settings(typed: Mapping[str, Any]) -> Settings:
    """The settings from the typed options. Raises :class:`ConfigError` for the first wrong one."""
    return Settings(**{one.field: one.read(typed[one.field]) for one in SERVER_OPTIONS})
