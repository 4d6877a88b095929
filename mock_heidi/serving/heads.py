"""The limits of a request's head (its request line and headers), and the refusal of a client that exceeds them."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, NamedTuple

from mock_heidi.base.memory import MemoryBudget

_logger = logging.getLogger("mock_heidi")

# The seconds for which a refused client may go on sending before its connection is cut.
_LINGER = 5


class Limits(NamedTuple):
    """The limits of a server, in bytes and seconds."""

    head_size: int = 64 * 1024
    head_seconds: float = 30
    """The longest time that a head may take to arrive."""
    idle_seconds: float = 75
    """The longest time between two requests of a connection, and before its first one."""
    blocked: float = 5
    """The longest time that the event loop may be blocked before the server logs where."""

    def too_large(self) -> bytes:
        detail = f"The head of the request is larger than {self.head_size // 1024} KB"
        return answer(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, detail)

    def too_slow(self) -> bytes:
        detail = f"The head of the request did not arrive within {self.head_seconds:g} seconds"
        return answer(HTTPStatus.REQUEST_TIMEOUT, detail)


LIMITS = Limits()


class UnfinishedHead:
    """The head that a client has begun to send: a timer runs, and the memory budget counts its bytes."""

    def __init__(self, limits: Limits, memory: MemoryBudget) -> None:
        self._limits = limits
        self._memory = memory
        self._held = 0
        self._timer: asyncio.TimerHandle | None = None

    def grow(self, size: int, give_up: Callable[[], None]) -> bool:
        """Record the bytes so far; False if there is no memory for them. ``give_up`` runs after the time limit."""
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._limits.head_seconds, give_up)
        fits = self._memory.hold(size - self._held)
        self._held = size
        return fits

    def end(self) -> None:
        """Stop the timer and free the memory: the head is complete, or its connection has ended."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._memory.hold(-self._held)
            self._held = 0


def refuse(transport: Any, response: bytes, lost: Callable[[Exception | None], None]) -> None:
    """Send a response that ends the connection; ``lost`` is called when it has ended."""
    _logger.warning("refused a request: %s", json.loads(response.partition(b"\r\n\r\n")[2])["detail"])
    transport.write(response)
    if transport.can_write_eof():
        transport.write_eof()
    transport.set_protocol(_Draining(transport, lost))


def answer(status: HTTPStatus, detail: str, *, phrase: str | None = None) -> bytes:
    """A whole answer in the vendor's form, after which the connection closes; ``phrase`` is its reason phrase."""
    body = json.dumps({"detail": detail}, separators=(",", ":")).encode()
    head = (
        f"HTTP/1.1 {status.value} {phrase or status.phrase}\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )
    return head.encode() + body


NO_MEMORY = answer(
    HTTPStatus.SERVICE_UNAVAILABLE, "The server has no memory left for requests that are not complete; see --memory"
)


class _Draining(asyncio.Protocol):
    """Reads and forgets what a refused client still sends, until it leaves or some seconds have passed.

    A connection that is closed before all is read sends a reset, which may overtake the answer.
    """

    def __init__(self, transport: Any, lost: Callable[[Exception | None], None]) -> None:
        self._lost = lost
        self._timer = asyncio.get_running_loop().call_later(_LINGER, transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        self._timer.cancel()
        self._lost(exc)
