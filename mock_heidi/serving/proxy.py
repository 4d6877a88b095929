"""The rules of the proxy: the hosts that it serves, and the namespace that the credentials of its clients name.

It serves the hosts of the real service itself. It resolves no name and opens no connection.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from http import HTTPStatus
from typing import NamedTuple

from mock_heidi.base.settings import NAME_RULE, is_namespace
from mock_heidi.base.vendor_hosts import REGIONS

PROXIED = "mock_heidi.serving.proxied"
"""The key of :class:`Proxied` in the scope of a request that came through the proxy. Others lack it."""
CREDENTIALS = b"proxy-authorization"
HTTPS = 443
"""The port of the real service."""

_AUTHORITY = re.compile(r"([a-z0-9_.-]+|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?", re.IGNORECASE)
_BASIC = re.compile(rb"basic +([A-Za-z0-9+/=]+)", re.IGNORECASE)


class Proxied(NamedTuple):
    """The mark of a request that came through the proxy, in the scope."""

    namespace: str | None
    """The user in the credentials of the proxy's client; None without credentials."""


class ProxyError(Exception):
    """A request that the proxy refuses. The message never repeats what the client sent, since it is logged."""

    def __init__(self, status: HTTPStatus, detail: str) -> None:
        super().__init__(detail)
        self.status = status


def check_target(host: str, port: int, *, on: bool) -> None:
    """Raise :class:`ProxyError` unless the proxy is on and serves this host (in lower case) and port."""
    if not on:
        raise ProxyError(HTTPStatus.BAD_GATEWAY, "The proxy is off, start the server with --proxy")
    if host not in REGIONS:
        detail = "The proxy serves only the hosts of the real service, name other hosts in NO_PROXY"
        raise ProxyError(HTTPStatus.BAD_GATEWAY, detail)
    if port != HTTPS:
        raise ProxyError(HTTPStatus.BAD_GATEWAY, f"The proxy serves the hosts of the real service only on port {HTTPS}")


def host_and_port(authority: str, default: int | None = None) -> tuple[str, int]:
    """The host in lower case and the port of ``host:port``. Raises :class:`ProxyError` for any other text."""
    match = _AUTHORITY.fullmatch(authority)
    port = None if match is None else match[2] or default
    if match is None or port is None:
        raise ProxyError(HTTPStatus.BAD_REQUEST, "The target of the request is not a host and a port")
    return match[1].lower(), int(port)


def namespace_in(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """The user in ``Proxy-Authorization``; None without it. Header names are in lower case.

    The password has no meaning, but some clients send no credentials without one. Raises :class:`ProxyError`.
    """
    given = [value for name, value in headers if name == CREDENTIALS]
    if not given:
        return None
    user = _user(given[0]) if len(given) == 1 else None
    if user is None:
        detail = "Proxy-Authorization is not one value of the form Basic with a user and a password"
        raise ProxyError(HTTPStatus.BAD_REQUEST, detail)
    if not is_namespace(user):
        detail = f"The user of the proxy is not the name of a namespace, use {NAME_RULE}"
        raise ProxyError(HTTPStatus.BAD_REQUEST, detail)
    return user


def _user(value: bytes) -> str | None:
    match = _BASIC.fullmatch(value.strip())
    if match is None:
        return None
    try:
        user, colon, _ = base64.b64decode(match[1], validate=True).decode().partition(":")
    except ValueError:
        return None
    return user if colon else None
