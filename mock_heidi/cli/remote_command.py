"""The common part of all commands that ask a running server: the server's address, and the output."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import click

from mock_heidi.base.settings import DEFAULT_KEY, DEFAULT_NAMESPACE, DEFAULT_PORT, ConfigError
from mock_heidi.base.wording import printable_json
from mock_heidi.cli.options import option

_url = option("--url", default=f"http://127.0.0.1:{DEFAULT_PORT}", metavar="URL", help="URL of the server.")
_namespace = option("--namespace", metavar="NAME", show_default=DEFAULT_NAMESPACE, help="Namespace of the server.")
_api_key = option("--api-key", default=DEFAULT_KEY, metavar="KEY", help="API key to sign in with.")
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")


def asks_namespace(command: Callable[..., Any]) -> Any:
    """A command that gets the handle of one namespace of a running server, and whether to print JSON."""
    return _url(_namespace(_api_key(_json(_with_handle(command)))))


def asks_server(command: Callable[..., Any]) -> Any:
    """A command about all namespaces of a running server: like :func:`asks_namespace`, without ``--namespace``."""
    return _url(_api_key(_json(_with_handle(command))))


def _with_handle(command: Callable[..., Any]) -> Any:
    @functools.wraps(command)
    def asking(url: str, api_key: str, as_json: bool, namespace: str | None = None, **options: Any) -> Any:
        from mock_heidi.client.handle import Handle, MockHeidiError, NoAnswerError

        with Handle(url, namespace, api_key) as heidi:
            try:
                return command(heidi, as_json, **options)
            except MockHeidiError as error:
                raise ConfigError(str(error)) from None
            except NoAnswerError as error:
                raise ConfigError(str(error), "start a server with mock-heidi serve, or name it with --url") from None

    return asking


def print_result(as_json: bool, value: Any, text: str) -> None:
    """Print a value as JSON, or the text that says the same."""
    click.echo(printable_json(value, indent=2) if as_json else text)
