"""The names by which clients may reach this server.

The owner of a web page can make its host name resolve to this machine (DNS rebinding). The browser then treats page and
server as one site, and lets the page read every answer. The browser still sends the page's name as ``Host``, so unknown
names are refused. An IP address cannot be rebound, so it is accepted.

A client that is not changed sends the name of the real service as ``Host``, through a proxy or an entry of a hosts
file. The API accepts these names: only the vendor decides where they lead, so a page of anyone else cannot rebind them.
An attacker who forges the name service of the network can, and then reads invented records if he knows a key. The
control API, which can change the server and shows its keys, never accepts these names.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection
from typing import NamedTuple

from starlette.types import Scope

from mock_heidi.base.vendor_hosts import REGIONS

_HOST = re.compile(r"([a-z0-9_][a-z0-9._-]{0,252}|\[[0-9a-f:.]{2,45}\])(:\d{1,5})?", re.IGNORECASE)
# Docker's name for the machine that runs a container. A web page cannot claim it.
_ALWAYS = frozenset({"localhost", "host.docker.internal"})
_REMEMBERED = 100


class Refused(NamedTuple):
    """A problem with a request's host, as the end of a sentence, and the cure."""

    what: str
    cure: str
    logged: str
    """The cure for log and journal, without the name that the client sent, which may be a secret."""


class Hosts:
    """Decides whether a ``Host`` header names this server or a name that the user allows."""

    def __init__(self, allowed: Collection[str] = ()) -> None:
        self._allowed = _ALWAYS.union(name.strip("[]").lower() for name in allowed)
        self.good: set[bytes | None] = {None}
        """Headers that were accepted before, so that most requests need one lookup.

        None is in it: a request without a ``Host`` does not come from a browser.
        """

    def refusal(self, scope: Scope) -> Refused | None:
        """The refusal of this request's host, or None if it is accepted."""
        given = [value for name, value in scope["headers"] if name == b"host"]
        if len(given) > 1:
            return Refused("a request with more than one Host", "send one", "send one")
        if not given or given[0] in self.good:
            return None
        name = host_name(given[0].decode("latin-1"))
        if not name:
            cure = "send the name or the address that you connect to"
            return Refused("a Host of this form", cure, cure)
        if name in self._allowed or is_address(name) or f".{name}".endswith(".localhost"):
            if len(self.good) < _REMEMBERED:
                self.good.add(given[0])
            return None
        if name == _server_name(scope):
            return None
        return Refused(
            f"the host {name!r}", f"allow it with --allowed-host {name}", "allow it with --allowed-host NAME"
        )


def _server_name(scope: Scope) -> str:
    """The server's name in the request's scope.

    On a socket this is an address. In process it is the host of the client's base URL, such as ``testserver``; a
    browser cannot send such a request.
    """
    server = scope.get("server")
    return str(server[0]).lower() if server else ""


def host_name(host: str) -> str:
    """The name in a ``Host`` header in lower case, without port and brackets; ``""`` if the header is malformed."""
    match = _HOST.fullmatch(host)
    return match[1].strip("[]").lower() if match else ""


def region_of(host: bytes | None) -> str | None:
    """The region of the real service whose host a ``Host`` header names; None for any other host."""
    return None if host is None else REGIONS.get(host_name(host.decode("latin-1")))


def is_loopback(name: str) -> bool:
    """True for a name that can only mean this machine."""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    return is_address(name) and ipaddress.ip_address(name).is_loopback


def is_address(name: str) -> bool:
    """True for an IP address."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
