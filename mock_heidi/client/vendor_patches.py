"""Patches of ``socket`` and ``ssl`` for the hosts of the real service. All other hosts work as before.

- A name is resolved to an address of this machine where nothing listens, without asking any name server. So a client
  that keeps the address reaches nothing when the patches are gone.
- A connection to that address, port 443, is made to the server of the redirect instead, and begins with the preamble.
- A TLS context, whenever it was made, is replaced by that of the redirect for these names.

``asyncio`` and the HTTP clients in Python look these functions up at each use. Those in C do not, and uvloop has a
resolver in C.

``exec --proxy`` gives a copy of this module to programs that have no mock_heidi, and perhaps an older Python (3.8 or
newer). So it imports only modules that are copied too.
"""

from __future__ import annotations

import _socket
import errno
import socket
import ssl
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from mock_heidi.base.vendor_hosts import REGIONS
from mock_heidi.serving.preamble import write

if TYPE_CHECKING:
    from typing import Self

ADDRESS = "127.104.101.105"
"""The address to which the names are resolved."""
_PORT = 443
# Seconds for a connection of an event loop. It is made at once, since the server is on this machine as a rule.
_PATIENCE = 10


class Redirect:
    """The target of connections to the hosts of the real service: a server with an IPv4 address, and its CA.

    With ``name``, they reach that namespace; without, the API key names it.
    """

    def __init__(self, url: str, name: str | None, ca: str) -> None:
        parts = urlsplit(url)
        self.server = parts.hostname or "", parts.port or 80
        self.preamble = write(name) if name else b""
        self.ca = ca
        # It trusts only our CA, so a connection that reaches the real service all the same ends before any request.
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.context.load_verify_locations(ca)
        self.context.set_alpn_protocols(["http/1.1"])


class Redirects(Protocol):
    """The redirects of the process, as the patches ask for them at each use."""

    @property
    def current(self) -> Redirect | None: ...

    def keep(self, connected: socket.socket, redirect: Redirect) -> None: ...


class Patches:
    """The patches, from the begin of a ``with`` to its end. Each attribute is then the object that it was before."""

    def __init__(self, redirects: Redirects) -> None:
        self._redirects = redirects
        self._before: list[tuple[Any, str, Any]] = []

    def __enter__(self) -> Self:
        for owner, name, make in self._all():
            self._before.append((owner, name, vars(owner).get(name)))
            setattr(owner, name, make(getattr(owner, name)))
        return self

    def __exit__(self, *_: object) -> None:
        while self._before:
            owner, name, value = self._before.pop()
            if value is None:  # it was inherited
                delattr(owner, name)
            else:
                setattr(owner, name, value)

    def _all(self) -> Iterator[tuple[Any, str, Callable[[Any], Any]]]:
        """Each owner, the name of its attribute, and a function from the present value to the patched one."""
        yield socket, "getaddrinfo", self._getaddrinfo
        yield _socket, "getaddrinfo", self._getaddrinfo  # for those who have imported the other one by name
        yield socket, "gethostbyname", self._gethostbyname
        yield socket, "gethostbyname_ex", self._gethostbyname_ex
        yield socket.socket, "connect", self._connect
        yield socket.socket, "connect_ex", self._connect_ex
        yield ssl.SSLContext, "wrap_socket", self._wrap(4)
        yield ssl.SSLContext, "wrap_bio", self._wrap(3)

    def _redirect_of(self, host: Any) -> Redirect | None:
        """The redirect of a host, if it is one of the real service."""
        return self._redirects.current if _is_vendor(host) else None

    def _getaddrinfo(self, real: Any) -> Any:
        def getaddrinfo(host: Any, *arguments: Any, **named: Any) -> Any:
            return real(host if self._redirect_of(host) is None else ADDRESS, *arguments, **named)

        return getaddrinfo

    def _gethostbyname(self, real: Any) -> Any:
        def gethostbyname(hostname: Any, /) -> Any:
            return real(hostname) if self._redirect_of(hostname) is None else ADDRESS

        return gethostbyname

    def _gethostbyname_ex(self, real: Any) -> Any:
        def gethostbyname_ex(hostname: Any, /) -> Any:
            return real(hostname) if self._redirect_of(hostname) is None else (hostname, [], [ADDRESS])

        return gethostbyname_ex

    def _connect(self, real: Any) -> Any:
        def connect(self: socket.socket, address: Any, /) -> None:
            if (redirect := patches._redirect_to(self, address)) is None:
                real(self, address)
            else:
                patches._begin(real, self, redirect)

        patches = self
        return connect

    def _connect_ex(self, real: Any) -> Any:
        def connect_ex(self: socket.socket, address: Any, /) -> int:
            if not patches._leads_here(address):
                return int(real(self, address))
            try:
                self.connect(address)
            except OSError as error:
                return error.errno or errno.ECONNREFUSED
            return 0

        patches = self
        return connect_ex

    def _leads_here(self, address: Any) -> bool:
        """True if a redirect counts, and this is an address of the service."""
        named = isinstance(address, tuple) and (address[0] == ADDRESS or _is_vendor(address[0]))
        return named and self._redirects.current is not None

    def _redirect_to(self, connecting: socket.socket, address: Any) -> Redirect | None:
        """The redirect of an address. Raises ConnectionRefusedError for another port than that of the service."""
        if connecting.type != socket.SOCK_STREAM or not self._leads_here(address):
            return None
        if address[1] != _PORT:
            problem = f"mock_heidi: the real service has only port {_PORT}, not {address[1]}"
            raise ConnectionRefusedError(errno.ECONNREFUSED, problem)
        return self._redirects.current

    def _begin(self, connect: Any, connecting: socket.socket, redirect: Redirect) -> None:
        """Connect to the server and send the preamble, at once even if the socket does not block."""
        timeout = connecting.gettimeout()
        connecting.settimeout(timeout or _PATIENCE)
        try:
            connect(connecting, redirect.server)
            connecting.sendall(redirect.preamble)
        finally:
            connecting.settimeout(timeout)
        self._redirects.keep(connecting, redirect)

    def _wrap(self, at: int) -> Callable[[Any], Any]:
        """The patch of a method of a context: its argument number ``at`` is the host's name, the next one a session."""

        def make(real: Any) -> Any:
            def wrap(self: ssl.SSLContext, *arguments: Any, **named: Any) -> Any:
                name = arguments[at] if len(arguments) > at else named.get("server_hostname")
                if (redirect := patches._redirect_of(name)) is None:
                    return real(self, *arguments, **named)
                # A session belongs to the context of the client.
                wrapped = real(redirect.context, *arguments[: at + 1], **{**named, "session": None})
                if isinstance(wrapped, socket.socket):
                    patches._redirects.keep(wrapped, redirect)
                return wrapped

            return wrap

        patches = self
        return make


def _is_vendor(host: Any) -> bool:
    """True for the name of one of the service's hosts, as text or bytes."""
    if isinstance(host, (bytes, bytearray)):
        host = host.decode("latin-1")
    return isinstance(host, str) and host.lower().rstrip(".") in REGIONS
