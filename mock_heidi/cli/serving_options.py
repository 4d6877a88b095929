"""The options of every command that serves: its address, SERVER_OPTIONS, and its output."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import click

from mock_heidi.cli.options import SERVER_OPTIONS, option
from mock_heidi.cli.parameters import Choice, WholeNumber

_LEVELS = ("debug", "info", "warning", "error")

tls_names = option(
    "--tls-name",
    "tls_names",
    multiple=True,
    metavar="NAME",
    help="Further host name or address for the certificate of https; repeatable.",
)


class Address(NamedTuple):
    """The address of a server, and further names for its certificate."""

    host: str
    ports: tuple[int, ...]
    tls_names: tuple[str, ...]


def runs_server(*, port: int, log_level: str) -> Callable[[Any], Any]:
    """A decorator that gives a command the options of a server: its address, its output and SERVER_OPTIONS.

    The command gets the first as ``address``, and SERVER_OPTIONS by the names of their fields. ``port`` and
    ``log_level`` are defaults.
    """
    address = (
        option(
            "--host",
            default="127.0.0.1",
            metavar="ADDRESS",
            help="Address to listen on; the default serves localhost too.",
        ),
        option(
            "--port",
            "ports",
            default=(port,),
            multiple=True,
            type=WholeNumber(0, 65535),
            metavar="N",
            help="Port for http and https; 0 picks a free one; repeatable.",
        ),
        tls_names,
    )
    output = (
        option(
            "--url-file",
            type=click.Path(dir_okay=False, path_type=Path),
            help="File to write the base URL to when the server listens; removed at the end.",
        ),
        option(
            "--log-level",
            default=log_level,
            type=Choice(_LEVELS),
            help="How much to log; info writes a line per request.",
        ),
        option("--quiet", is_flag=True, help="Print no banner, no line per request, no report of a failed command."),
    )
    settings = (option(one.flag, one.field, **one.attributes) for one in SERVER_OPTIONS)

    def decorate(command: Any) -> Any:
        command = _with_address(command)
        for given in reversed([*address, *settings, *output]):
            command = given(command)
        return command

    return decorate


def _with_address(command: Any) -> Any:
    @functools.wraps(command)
    def addressed(*args: Any, host: str, ports: tuple[int, ...], tls_names: tuple[str, ...], **options: Any) -> Any:
        return command(*args, address=Address(host, ports, tls_names), **options)

    return addressed


def keeps_files(command: Any) -> Any:
    """A decorator that gives a command the options for fixtures that change, and for a state that stays."""
    watch = option(
        "--watch", is_flag=True, help="Load the fixtures again when their files change. A broken file changes nothing."
    )
    export = option(
        "--export-on-exit",
        type=click.Path(path_type=Path),
        help="File to write the state to at the end, as fixtures for the next start.",
    )
    return watch(export(command))
