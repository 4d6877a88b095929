"""The server beside a command of the user, for ``exec`` and ``variants``."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mock_heidi.base.settings import DEFAULT_NAMESPACE, Settings
from mock_heidi.cli.options import option
from mock_heidi.cli.parameters import Seconds

if TYPE_CHECKING:
    from mock_heidi.cli.serving_options import Address
    from mock_heidi.client.handle import Handle
    from mock_heidi.client.server_thread import MockHeidi


def takes_command(command: Any) -> Any:
    """A decorator that gives one of our commands the argument CMD, a command of the user, and CMD's flags."""
    text = "Seconds that CMD may still run after SIGTERM or SIGINT."
    grace = option("--grace", default=5, type=Seconds(), metavar="S", help=text)
    text = "With --proxy: host that CMD reaches without the proxy, such as a package registry; repeatable."
    direct = option("--direct", multiple=True, metavar="HOST", help=text)
    argument = click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- CMD…")
    return grace(direct(argument(command)))


@contextlib.contextmanager
def listening(
    chosen: Settings, address: Address, url_file: Path | None, log: Any
) -> Iterator[tuple[MockHeidi, Handle]]:
    """A server that listens, and its handle. Clients may connect; they get answers after its start."""
    from mock_heidi.cli import url_file as file
    from mock_heidi.client.server_thread import MockHeidi

    with contextlib.ExitStack() as ends:
        server = MockHeidi(chosen, host=address.host, port=address.ports, tls_names=address.tls_names)
        ends.enter_context(contextlib.closing(server))
        heidi = server.listen(log)
        if url_file is not None:
            file.write(url_file, heidi.base_url)
            ends.callback(file.remove_own, url_file, heidi.base_url)
        yield server, heidi


def warn_of_other_machines(host: str) -> None:
    """Print a warning for a host that other machines reach."""
    from mock_heidi.base.hosts import is_loopback

    if not is_loopback(host):
        click.echo(f"warning: {host} can be reached from other machines", err=True)


def client_variables(heidi: Handle) -> dict[str, str]:
    """The variables by which a client and the commands of mock-heidi find a server."""
    return {
        "HEIDI_BASE_URL": heidi.base_url,
        "HEIDI_API_KEY": heidi.api_key,
        "MOCK_HEIDI_URL": heidi.url,
        "MOCK_HEIDI_NAMESPACE": heidi.name,
        "MOCK_HEIDI_API_KEY": heidi.api_key,
    }


def environment(heidi: Handle, chosen: Settings, direct: Sequence[str]) -> dict[str, str]:
    """The variables of a command beside the server; with a proxy, it reaches the hosts of ``direct`` without it."""
    token = {} if chosen.admin_token is None else {"MOCK_HEIDI_ADMIN_TOKEN": chosen.admin_token}
    values = {**os.environ, **client_variables(heidi), **token}
    if chosen.proxy:
        from mock_heidi.cli.proxy_variables import proxy_variables

        values |= proxy_variables(heidi, direct)
    return values


def used_namespaces(heidi: Handle, admin_token: str | None) -> Iterator[Handle]:
    """The default namespace, and each other namespace that had a request."""
    from mock_heidi.client.handle import Handle

    yield heidi
    for row in namespaces(heidi):
        if row["name"] != DEFAULT_NAMESPACE and row["counts"]["requests"]:
            with Handle(heidi.url, row["name"], heidi.api_key, admin_token) as namespace:
                yield namespace


def namespaces(heidi: Handle) -> list[dict[str, Any]]:
    """The namespaces of a server, with the counts of their records and requests."""
    found: list[dict[str, Any]] = heidi.control("GET", "/namespaces")["namespaces"]
    return found


def say(*lines: str) -> None:
    """Print lines to standard error; the first one names the program."""
    click.echo("\n".join([f"mock-heidi: {lines[0]}", *lines[1:]]), err=True)
