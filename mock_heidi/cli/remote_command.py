"""The common part of all commands that speak to a running server: the server's address, and the output."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import click

from mock_heidi.base.settings import DEFAULT_KEY, DEFAULT_NAMESPACE, DEFAULT_PORT, ConfigError
from mock_heidi.base.wording import printable_json
from mock_heidi.cli.options import option


def speaks(verb: Callable[..., Any]) -> Any:
    """A verb that is given the handle of a namespace of a running server, and whether to speak JSON."""

    @option("--url", default=f"http://127.0.0.1:{DEFAULT_PORT}", metavar="URL", help="Where the server is.")
    @option("--namespace", metavar="NAME", show_default=DEFAULT_NAMESPACE, help="Which of its namespaces.")
    @option("--api-key", default=DEFAULT_KEY, metavar="KEY", help="What to sign in with.")
    @click.option("--json", "as_json", is_flag=True, help="Speak JSON, for programs.")
    @functools.wraps(verb)
    def speaking(url: str, namespace: str | None, api_key: str, as_json: bool, **options: Any) -> Any:
        from mock_heidi.client.handle import Handle, MockHeidiError, NoAnswerError

        with Handle(url, namespace, api_key) as heidi:
            try:
                return verb(heidi, as_json, **options)
            except MockHeidiError as error:
                raise ConfigError(str(error)) from None
            except NoAnswerError as error:
                raise ConfigError(str(error), "start a server with mock-heidi serve, or name it with --url") from None

    return speaking


def say(as_json: bool, value: Any, text: str) -> None:
    click.echo(printable_json(value, indent=2) if as_json else text)
