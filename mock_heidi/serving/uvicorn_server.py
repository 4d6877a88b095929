"""uvicorn's server, which also reports when it listens, and which does not wait for streams at its end.

It uses these parts of uvicorn that its documentation does not promise (see ``uvicorn_protocol``):

- ``uvicorn.Server``: overrides ``startup``, ``main_loop``, ``shutdown`` and ``serve``; calls ``_serve`` and
  ``on_tick``; reads ``servers`` and ``server_state`` (``connections``, ``tasks``).
- ``uvicorn.Config``: ``get_loop_factory``; ``http`` takes a function that makes a protocol, which gets
  ``server_state`` (``connections``) by name.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Literal, TypeVar

import uvicorn
from starlette.types import ASGIApp

from mock_heidi.serving import accelerators
from mock_heidi.serving.heads import Limits

T = TypeVar("T")


class BoundServer(uvicorn.Server):
    """Serves an application on bound sockets until :meth:`stop` is called, then ends at once.

    uvicorn itself would wait for streams that never end. ``http`` makes the protocol of each connection.
    """

    def __init__(
        self,
        app: ASGIApp,
        sockets: list[socket.socket],
        started: Callable[[], None],
        http: Callable[..., asyncio.Protocol],
        limits: Limits,
    ) -> None:
        self.sockets = sockets
        loop: Literal["uvloop", "asyncio"] = "uvloop" if accelerators.is_installed("uvloop") else "asyncio"
        made: Any = http  # uvicorn calls it, and looks for nothing else
        super().__init__(
            uvicorn.Config(
                app,
                loop=loop,
                http=made,
                ws="none",
                lifespan="off",
                interface="asgi3",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=limits.idle_seconds,  # type: ignore[arg-type] # it is handed to the event loop
                h11_max_incomplete_event_size=limits.head_size,
            )
        )
        self._announce = started
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended: asyncio.Event | None = None
        self._stopping = threading.Event()

    def stop(self) -> None:
        """End the server. Any thread may call this."""
        self._stopping.set()
        if self._loop is not None and self._ended is not None:
            with contextlib.suppress(RuntimeError):  # the loop has closed already
                self._loop.call_soon_threadsafe(self._ended.set)

    def call(self, function: Callable[[], T]) -> T:
        """The result of a function that the event loop runs between the steps of requests.

        Only other threads may call this, once the server listens. Raises :class:`RuntimeError` after its end.
        """
        made: Future[T] = Future()

        def run() -> None:
            try:
                made.set_result(function())
            except BaseException as error:  # noqa: BLE001 - the caller gets it
                made.set_exception(error)

        assert self._loop is not None  # noqa: S101 - the server listens
        self._loop.call_soon_threadsafe(run)
        return made.result()

    @property
    def stopping(self) -> bool:
        """True once the server is to end."""
        return self._stopping.is_set()

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        await self._serve(sockets)

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
        await asyncio.sleep(0)  # the transports call connection_lost
        tasks = list(self.server_state.tasks)
        for task in tasks:
            task.cancel()
        # uvicorn would log a traceback for each stream that is cancelled here.
        log = logging.getLogger("uvicorn.error")
        log.addFilter(_no_cancellation)
        try:
            await asyncio.gather(*tasks, return_exceptions=True)
        finally:
            log.removeFilter(_no_cancellation)


def _no_cancellation(record: logging.LogRecord) -> bool:
    return record.exc_info is None or not isinstance(record.exc_info[1], asyncio.CancelledError)
