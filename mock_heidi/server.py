"""The real server: uvicorn with a start that says when it listens and an end that comes at once."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import importlib.util
import logging
import signal
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Literal

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from mock_heidi.settings import ConfigError
from mock_heidi.wire import EXTENSION, Gathering, Outbox, Wire

_LOOPBACK = ("127.0.0.1", "localhost")
_BACKLOG = 2_048


def bind(host: str, port: int) -> list[socket.socket]:
    """Listening sockets; for this machine's own address one of each IP family, so that ``localhost`` finds both.

    Port 0 picks a free one. Raises :class:`ConfigError` where the address cannot be had.
    """
    if port not in range(65_536):
        raise ConfigError(f"there is no port {port}; choose one up to 65535, or 0 for a free one")
    if host not in _LOOPBACK:
        return [_listen(host, port)]
    # With port 0 the second family may find the port of the first one taken: then both try another.
    for _ in range(20):
        first = _listen("127.0.0.1", port)
        try:
            return [first, *_second(first.getsockname()[1])]
        except ConfigError:
            first.close()
            if port:
                raise
    raise ConfigError("no port is free on both 127.0.0.1 and ::1; choose one with --port")


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
        raise ConfigError(
            f"cannot listen on {host}: {error.strerror or error}; give an address of this machine"
        ) from None
    try:
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise ConfigError(
                f"port {port} on {host} is in use; choose another with --port, or 0 for a free one"
            ) from None
        if error.errno == errno.EACCES:
            raise ConfigError(
                f"port {port} on {host} is not allowed to you; choose one above 1023 with --port"
            ) from None
        raise ConfigError(f"cannot listen on {host}: {error.strerror}; give an address of this machine") from None
    return listener


def url_of(listener: socket.socket) -> str:
    """``http://HOST:PORT`` of a listening socket."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - a name for people, nothing binds to it
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@contextlib.contextmanager
def _left_to_main_thread() -> Iterator[None]:
    """No signal comes to this thread: the main one, where Python acts on it, would sleep on."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _fast(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def _with_wire(protocol: type[Any], outbox: Outbox) -> type[Any]:
    """A protocol of uvicorn's that tells the application which connection a request came by."""

    class Wired(protocol):  # type: ignore[misc] # which of uvicorn's two it is, the machine decides
        app: ASGIApp

        def connection_made(self, transport: asyncio.Transport) -> None:
            super().connection_made(transport)
            self.transport: Any = Gathering(transport, outbox)
            self.wire = Wire(self.transport)
            serve, extensions = self.app, {EXTENSION: self.wire}

            self.begun: Any = None

            def wired(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
                scope["extensions"] = extensions
                self.begun = getattr(send, "__self__", None)
                return serve(scope, receive, send)

            self.app = wired

        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            # uvicorn tells the request that came last, which may still wait behind the one that is being answered.
            if self.begun is not None and not self.begun.response_complete:
                self.begun.disconnected = True
                self.begun.message_event.set()
            self.wire.lose()

    return Wired


def _protocol() -> type[Any]:
    outbox = Outbox()
    if _fast("httptools"):
        from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol  # noqa: PLC0415 - where it is installed

        return _with_wire(HttpToolsProtocol, outbox)
    from uvicorn.protocols.http.h11_impl import H11Protocol  # noqa: PLC0415 - only without the other

    return _with_wire(H11Protocol, outbox)


class Server(uvicorn.Server):
    """Serves an application on sockets that are bound already, until it is told to stop; then ends at once.

    Stock uvicorn would wait for streams that never end, and pass the signal on to the process.
    """

    def __init__(self, app: ASGIApp, sockets: list[socket.socket], started: Callable[[], None] = lambda: None) -> None:
        self.app = app
        self.sockets = sockets
        self.url = url_of(sockets[0])
        loop: Literal["uvloop", "asyncio"] = "uvloop" if _fast("uvloop") else "asyncio"
        super().__init__(
            uvicorn.Config(
                app,
                loop=loop,
                http=_protocol(),
                ws="none",
                lifespan="off",
                interface="asgi3",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=75,
            )
        )
        self._announce = started
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended: asyncio.Event | None = None
        self._stopping = threading.Event()

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until a signal or :meth:`stop`; the sockets are closed at the end, whatever happens."""
        try:
            with asyncio.Runner(loop_factory=self.config.get_loop_factory()) as runner:
                runner.run(self.serve(sockets or self.sockets))
        finally:
            for listener in self.sockets:
                listener.close()

    def stop(self) -> None:
        """End it, from any thread."""
        self._stopping.set()
        if self._loop is not None and self._ended is not None:
            with contextlib.suppress(RuntimeError):  # it has ended by itself
                self._loop.call_soon_threadsafe(self._ended.set)

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        with self._signals(self._loop):
            await self._serve(sockets)

    @contextlib.contextmanager
    def _signals(self, loop: asyncio.AbstractEventLoop) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            with _left_to_main_thread():
                yield
            return
        wanted = (signal.SIGINT, signal.SIGTERM)
        before = {number: signal.getsignal(number) for number in wanted}
        for number in wanted:
            try:
                loop.add_signal_handler(number, self.stop)
            except NotImplementedError:  # Windows
                signal.signal(number, lambda *_: self.stop())
        try:
            yield
        finally:
            for number, handler in before.items():
                with contextlib.suppress(NotImplementedError):
                    loop.remove_signal_handler(number)
                signal.signal(number, handler)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        try:
            self._announce()
        except BaseException:
            await self.shutdown(sockets)
            raise

    async def main_loop(self) -> None:
        assert self._ended is not None  # noqa: S101 - serve() has made it
        while not self._stopping.is_set():
            await self.on_tick(0)  # renews the Date header
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ended.wait(), timeout=1)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()
        for connection in list(self.server_state.connections):
            transport: Any = connection.transport
            cycle: Any = getattr(connection, "cycle", None)
            if cycle is None or cycle.response_complete:
                transport.close()
            else:
                transport.abort()
        await asyncio.sleep(0)  # let the connections learn that they are lost
        tasks = list(self.server_state.tasks)
        for task in tasks:
            task.cancel()
        # uvicorn would print a traceback for every stream that the end of the server cuts off.
        log = logging.getLogger("uvicorn.error")
        log.addFilter(_no_cancellation)
        try:
            await asyncio.gather(*tasks, return_exceptions=True)
        finally:
            log.removeFilter(_no_cancellation)


def _no_cancellation(record: logging.LogRecord) -> bool:
    return record.exc_info is None or not isinstance(record.exc_info[1], asyncio.CancelledError)
