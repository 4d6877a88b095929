"""The server on its sockets, with its signals and its watchdog."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from starlette.types import ASGIApp

from mock_heidi.base.memory import MemoryBudget
from mock_heidi.base.settings import DEFAULT_MEMORY, ConfigError
from mock_heidi.serving import signals, watchdog
from mock_heidi.serving.first_bytes import FirstBytes
from mock_heidi.serving.heads import LIMITS, Limits
from mock_heidi.serving.https import Https
from mock_heidi.serving.tunnels import Tunnels
from mock_heidi.serving.uvicorn_parsers import protocol
from mock_heidi.serving.uvicorn_server import BoundServer

_LOOPBACK = ("127.0.0.1", "localhost")
_BACKLOG = 2_048


def bind_all(host: str, ports: Iterable[int]) -> list[socket.socket]:
    """The listening sockets of several ports; see :func:`bind`."""
    bound: list[socket.socket] = []
    try:
        for port in ports:
            bound += bind(host, port)
    except ConfigError:
        for listener in bound:
            listener.close()
        raise
    return bound


def bind(host: str, port: int) -> list[socket.socket]:
    """Listening sockets. For a loopback address there is one for each IP family, so that ``localhost`` reaches both.

    Port 0 picks a free port. Raises :class:`ConfigError` if the address cannot be used.
    """
    if port not in range(65_536):
        raise ConfigError(f"there is no port {port}", "choose one up to 65535, or 0 for a free one")
    if host not in _LOOPBACK:
        return [_listen(host, port)]
    # With port 0, another program may have the first family's port in the second one: then both try another port.
    for _ in range(20):
        first = _listen("127.0.0.1", port)
        try:
            return [first, *_second(first.getsockname()[1])]
        except ConfigError:
            first.close()
            if port:
                raise
    raise ConfigError("no port is free on both 127.0.0.1 and ::1", "choose one with --port")


def _second(port: int) -> list[socket.socket]:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return []  # this machine has no IPv6
    return [_listen("::1", port)]


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[
            0
        ]
        listener = socket.socket(family, kind)
    except OSError as error:
        problem = f"cannot listen on {host}: {error.strerror or error}"
        raise ConfigError(problem, "give an address of this machine") from None
    try:
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            problem = f"port {port} on {host} is in use"
            raise ConfigError(problem, "choose another with --port, or 0 for a free one") from None
        if error.errno == errno.EACCES:
            problem = f"you are not allowed to use port {port} on {host}"
            raise ConfigError(problem, "choose one above 1023 with --port") from None
        raise ConfigError(f"cannot listen on {host}: {error.strerror}", "give an address of this machine") from None
    return listener


def prepare_certificate(tls_names: Sequence[str], *, proxy: bool = False) -> None:
    """Make a certificate for further names or a proxy, if asked for: else the first client of https causes one.

    Raises :class:`ConfigError` for a wrong name, or if no certificate can be made.
    """
    if tls_names or proxy:
        from mock_heidi.serving import certificate_files  # noqa: PLC0415 - most servers need none at their start

        certificate_files.current(tls_names)


def url_of(listener: socket.socket) -> str:
    """``http://HOST:PORT`` of a listening socket."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - a URL for people; nothing binds to it
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class Server(BoundServer):
    """Serves an application on bound sockets until a signal or a call of :meth:`stop`, then ends at once.

    It speaks http and https on all of them. In the main thread it handles SIGINT and SIGTERM, and reports where its
    event loop is blocked. ``memory`` also counts the unfinished heads of requests. ``tls_names`` are further names and
    addresses for its certificate. With ``proxy``, it serves the hosts of the real service as a proxy.
    """

    def __init__(  # noqa: PLR0913 - half of them are rarely given
        self,
        app: ASGIApp,
        sockets: list[socket.socket],
        started: Callable[[], None] = lambda: None,
        *,
        memory: MemoryBudget | None = None,
        limits: Limits = LIMITS,
        tls_names: Sequence[str] = (),
        proxy: bool = False,
    ) -> None:
        memory = memory or MemoryBudget(DEFAULT_MEMORY)
        https = Https(tls_names, limits, memory)
        tunnels = Tunnels(https, limits, memory, on=proxy)
        http = partial(FirstBytes, protocol(limits, memory, proxy=proxy), https, tunnels)
        super().__init__(app, sockets, started, http, limits)
        self.url = url_of(sockets[0])
        self._blocked = limits.blocked

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until the end, and close the sockets."""
        try:
            with asyncio.Runner(loop_factory=self.config.get_loop_factory()) as runner:
                runner.run(self.serve(sockets or self.sockets))
        finally:
            for listener in self.sockets:
                listener.close()

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        if not signals.in_main_thread():
            with signals.left_to_main_thread():
                await super().serve(sockets)
            return
        loop = asyncio.get_running_loop()
        with signals.ending(loop, self.stop), watchdog.watching(loop, self._blocked):
            await super().serve(sockets)
