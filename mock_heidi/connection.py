"""The connection under a request, for answers that end as no answer should."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import sys
from typing import Any

from starlette.types import Scope

EXTENSION = "mock_heidi.connection"
# Looking whether the client has everything: first after so many seconds, then ever more rarely.
_SOON, _RARELY = 0.0002, 0.01
# Of so many bytes nothing is gained by waiting for more.
_MUCH = 64 * 1024
_NO_LINGER = struct.pack("ii", 1, 0)
_SO_NWRITE = 0x1024  # macOS: bytes that the other side has not acknowledged


class Outbox:
    """The data to send in one turn of the loop, on whatever connections: it all goes out when the turn is over.

    The server writes the head of an answer and its body one by one. Each would be a packet of its own and, between
    the work for two requests, wake a client that has just fallen asleep.
    """

    def __init__(self) -> None:
        self._waiting: list[Gathering] = []

    def add(self, transport: Gathering) -> None:
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._send)
        self._waiting.append(transport)

    def _send(self) -> None:
        waiting, self._waiting = self._waiting, []
        for transport in waiting:
            transport.send()


class Gathering:
    """A transport that keeps what is written until the turn is over, or is much, or nothing more will come."""

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
        """Send what is held."""
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


class Wire:
    """One connection of a client, whatever requests it carries."""

    __slots__ = ("_gone", "_transport", "lost")

    def __init__(self, transport: Gathering) -> None:
        self._transport = transport
        self._gone: asyncio.Future[None] | None = None
        self.lost = False
        """True if the connection is gone."""

    def lose(self) -> None:
        """Learn that the connection is no more."""
        self.lost = True
        if self._gone is not None and not self._gone.done():
            self._gone.set_result(None)

    @property
    def gone(self) -> asyncio.Future[None]:
        """Done when the connection is no more."""
        if self._gone is None:
            self._gone = asyncio.get_running_loop().create_future()
            if self.lost:
                self._gone.set_result(None)
        return self._gone

    @property
    def backlog(self) -> int:
        """The number of sent bytes that the system has not taken yet, because the client does not read."""
        held: int = self._transport.get_write_buffer_size()
        return held

    async def flush(self) -> None:
        """Wait until the client's machine has all that was sent, or the client has gone.

        What was handed to the transport may still wait there or in the kernel, where an end would drop it.
        """
        pause = _SOON
        while not self.lost and not self._transport.is_closing() and self._unsent():
            await asyncio.sleep(pause)
            pause = min(pause * 2, _RARELY)

    def _unsent(self) -> int:
        return self.backlog or _unacknowledged(self._transport.get_extra_info("socket"))

    async def reset(self) -> None:
        """End the connection with a true RST: nothing that is still on its way arrives."""
        with contextlib.suppress(OSError, ValueError):  # the client was quicker
            connection = self._transport.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        await self.abort()

    def cut(self) -> None:
        """End the connection at once, whatever is still on its way."""
        self._transport.abort()

    async def abort(self) -> None:
        """End the connection at once, and wait until it has ended."""
        self.cut()
        await self.gone

    async def close(self) -> None:
        """End the connection when all that was sent is out."""
        self._transport.close()
        await self.gone


def _unacknowledged(connection: Any) -> int:
    """The number of bytes that the kernel still holds; 0 where it is unknown."""
    try:
        if sys.platform == "darwin":
            return int(connection.getsockopt(socket.SOL_SOCKET, _SO_NWRITE))
        import fcntl  # noqa: PLC0415 - Windows has none
        import termios  # noqa: PLC0415 - as above

        answer = fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, b"\0\0\0\0")
    except (ImportError, OSError, ValueError):
        return 0
    return int(struct.unpack("i", answer)[0])


def wire_of(scope: Scope) -> Wire | None:
    """The connection of a request; None in process, where there is none."""
    wire: Wire | None = (scope.get("extensions") or {}).get(EXTENSION)
    return wire
