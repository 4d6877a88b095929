"""The connection of a client, for responses that are cut off, reset or buffered."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import sys
from collections.abc import Callable
from typing import Any

from starlette.types import Scope

EXTENSION = "mock_heidi.serving.connection"
# Seconds between two checks whether the client has received everything: the first pause and the longest.
_SOON, _RARELY = 0.0002, 0.01
# With more bytes than this, waiting for the end of the turn saves nothing.
_MUCH = 64 * 1024
_NO_LINGER = struct.pack("ii", 1, 0)
# As Linux numbers them: reset, and closed by the client.
_TCP_CLOSE, _TCP_CLOSE_WAIT = 7, 8
_SO_NWRITE = 0x1024  # macOS: the number of unacknowledged bytes


class Outbox:
    """Sends what all connections have written in one turn of the event loop, at the end of that turn.

    The server writes the head and the body of a response separately. Without this, each would be a packet, and would
    wake the client twice.
    """

    def __init__(self) -> None:
        self._waiting: list[BufferedTransport] = []

    def add(self, transport: BufferedTransport) -> None:
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._send)
        self._waiting.append(transport)

    def _send(self) -> None:
        waiting, self._waiting = self._waiting, []
        for transport in waiting:
            transport.send()


class BufferedTransport:
    """A transport that buffers what is written until the turn ends, the buffer is large, or the transport closes."""

    __slots__ = ("_held", "_outbox", "_size", "_transport", "is_closing")

    def __init__(self, transport: asyncio.Transport, outbox: Outbox) -> None:
        self._transport = transport
        self._outbox = outbox
        self._held: list[bytes] = []
        self._size = 0
        self.is_closing = transport.is_closing

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        if not self._held:
            self._outbox.add(self)
        self._held.append(data)
        self._size += len(data)
        if self._size > _MUCH:
            self.send()

    def send(self) -> None:
        """Send the buffered data."""
        if self._held:
            held, self._held, self._size = self._held, [], 0
            if not self.is_closing():
                self._transport.write(b"".join(held))

    def close(self) -> None:
        self.send()
        self._transport.close()

    def write_eof(self) -> None:
        self.send()
        self._transport.write_eof()

    def get_write_buffer_size(self) -> int:
        return self._size + self._transport.get_write_buffer_size()


class Connection:
    """A connection of a client. It may carry many requests."""

    __slots__ = ("_gone", "_transport", "lost", "on_lost")

    def __init__(self, transport: BufferedTransport) -> None:
        self._transport = transport
        self._gone: asyncio.Future[None] | None = None
        self.on_lost: Callable[[], None] | None = None
        """Called as soon as the connection is lost, before any other request is answered."""
        self.lost = False
        """True after the connection has ended."""

    def lose(self) -> None:
        """Note that the connection has ended."""
        self.lost = True
        if self.on_lost is not None:
            self.on_lost()
        if self._gone is not None and not self._gone.done():
            self._gone.set_result(None)

    @property
    def gone(self) -> asyncio.Future[None]:
        """A future that is done when the connection has ended."""
        if self._gone is None:
            self._gone = asyncio.get_running_loop().create_future()
            if self.lost:
                self._gone.set_result(None)
        return self._gone

    @property
    def backlog(self) -> int:
        """The number of bytes that wait here because the client does not read."""
        held: int = self._transport.get_write_buffer_size()
        return held

    async def flush(self) -> None:
        """Wait until the client's machine has received everything that was sent, or the connection has ended.

        Data may still be in the transport or in the kernel, where ending the connection would drop it.
        """
        pause = _SOON
        while not self.lost and not self._transport.is_closing() and self._unsent():
            await asyncio.sleep(pause)
            pause = min(pause * 2, _RARELY)
        # A client that leaves without reading resets the connection: then nothing is unsent, and the event loop may
        # not have noticed yet.
        if not self.lost and self._state() == _TCP_CLOSE:
            await self.abort()

    def cut_if_left(self) -> None:
        """End the connection if the client has closed or reset it.

        The event loop does not notice this while reading is paused, as it is if many requests wait behind an answer.
        """
        if not self.lost and self._state() in (_TCP_CLOSE, _TCP_CLOSE_WAIT):
            self.cut()

    def _state(self) -> int | None:
        """The state of the connection in the kernel, or None if it is unknown."""
        try:
            opened = self._transport.get_extra_info("socket")
            return int(opened.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0])
        except (AttributeError, OSError, ValueError):
            return None

    def _unsent(self) -> int:
        return self.backlog or _unacknowledged(self._transport.get_extra_info("socket"))

    async def reset(self) -> None:
        """End the connection with a TCP RST. Data that has not arrived is lost."""
        with contextlib.suppress(OSError, ValueError):  # the client has ended it first
            opened = self._transport.get_extra_info("socket")
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        await self.abort()

    def cut(self) -> None:
        """End the connection at once. Data that has not been sent is lost."""
        self._transport.abort()

    async def abort(self) -> None:
        """End the connection at once and wait for its end."""
        self.cut()
        await self.gone

    async def close(self) -> None:
        """End the connection after the buffered data, and wait for its end."""
        self._transport.close()
        await self.gone


def _unacknowledged(opened: Any) -> int:
    """The number of unacknowledged bytes in the kernel; 0 if it is unknown."""
    try:
        if sys.platform == "darwin":
            return int(opened.getsockopt(socket.SOL_SOCKET, _SO_NWRITE))
        import fcntl  # noqa: PLC0415 - Windows has none
        import termios  # noqa: PLC0415 - as above

        answer = fcntl.ioctl(opened.fileno(), termios.TIOCOUTQ, b"\0\0\0\0")
    except (ImportError, OSError, ValueError):
        return 0
    return int(struct.unpack("i", answer)[0])


def connection_of(scope: Scope) -> Connection | None:
    """The connection of a request; None if the application is called in process."""
    connection: Connection | None = (scope.get("extensions") or {}).get(EXTENSION)
    return connection
