"""uvicorn's two protocols, one for each parser of requests, with our limits.

They use these parts of uvicorn that its documentation does not promise (see ``uvicorn_protocol``):

- ``HttpToolsProtocol``: overrides ``on_headers_complete`` and ``on_body``; reads and sets ``headers``; reads ``scope``,
  ``url`` and ``pipeline``.
- ``FlowControl``: overrides ``resume_reading``; calls ``pause_reading``.
- ``H11Protocol``: overrides ``handle_events`` and ``on_response_complete``; reads ``conn``.
- ``RequestResponseCycle`` with httptools: reads ``scope`` and ``more_body``; sets ``chunked_encoding`` and
  ``expected_content_length``.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Sized
from typing import Any

from starlette.types import Message, Send
from uvicorn.protocols.http.flow_control import FlowControl

from mock_heidi.base.memory import MemoryBudget
from mock_heidi.serving import accelerators
from mock_heidi.serving.absolute_form import is_absolute
from mock_heidi.serving.connection import Outbox
from mock_heidi.serving.heads import Limits
from mock_heidi.serving.uvicorn_protocol import ConnectionProtocol

# The number of requests of one connection that may wait for earlier responses before we stop reading from it.
_WAITING = 16


_UPGRADE = re.compile(rb"\nupgrade[ \t]*:", re.IGNORECASE)
_NAMES = {b"x-mock-upgrade": b"upgrade"}


class _Flow(FlowControl):
    """Stops reading from a client when many of its requests are waiting, since each costs some kilobytes."""

    def __init__(self, transport: Any, waiting: Sized) -> None:
        super().__init__(transport)
        self._waiting = waiting

    def resume_reading(self) -> None:
        if len(self._waiting) < _WAITING:
            super().resume_reading()


class _Heads(ConnectionProtocol):
    """Facts about heads that httptools does not provide."""

    renamed = False
    """True if there was a header ``Upgrade``, which was renamed for the parser."""
    body_bytes = 0
    """The bytes of the body since the last head was completed."""

    def without_upgrade(self, data: bytes) -> bytes:
        # The service speaks HTTP/1.1 only, and a server may ignore ``Upgrade``. Only the first head in the data is
        # searched, because a client that upgrades waits for the answer before it sends another request.
        if self.in_body():
            return data
        head, end, rest = data.partition(b"\r\n\r\n")
        head, found = _UPGRADE.subn(rb"\nx-mock-upgrade:", head)
        self.renamed = self.renamed or found > 0
        return head + end + rest

    def behind(self, data: bytes) -> int:
        return max(1, len(data) - data.rfind(b"\r\n\r\n") - len(b"\r\n\r\n") - self.body_bytes)


def _keep_target(scope: Any, target: bytes) -> None:
    """Put a target in absolute form into the scope whole, as h11 does."""
    if is_absolute(target):
        scope["raw_path"] = target.partition(b"?")[0]


def _httptools() -> type[Any]:
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol  # noqa: PLC0415 - only if it is installed

    class HttpToolsConnection(_Heads, HttpToolsProtocol):
        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self.flow = _Flow(transport, self.pipeline)

        def in_head(self) -> bool:
            # Each head begins with a scope of its own, which its cycle holds when it is complete.
            return self.scope is not (self.cycle and self.cycle.scope)

        def in_body(self) -> bool:
            return self.cycle is not None and self.cycle.more_body and not self.in_head()

        def fields(self) -> int:
            return len(self.headers or ())

        def on_headers_complete(self) -> None:
            self.pending = self.body_bytes = 0
            if self.renamed:
                self.renamed = False
                self.headers[:] = [(_NAMES.get(name, name), value) for name, value in self.headers]
            super().on_headers_complete()
            _keep_target(self.scope, self.url)
            # The parser reports trailers as headers: this list, which is not read, takes them.
            self.headers = []

        def on_body(self, body: bytes) -> None:
            self.pending = 0
            self.body_bytes += len(body)
            super().on_body(body)

        def without_chunks(self, send: Send) -> Send:
            cycle = self.begun
            cycle.chunked_encoding, cycle.keep_alive = False, False

            def sending(message: Message) -> Awaitable[None]:
                # uvicorn counts down the promised length of a response, so each piece promises its own length.
                cycle.expected_content_length = len(message.get("body", b""))
                return send(message)

            return sending

    return HttpToolsConnection


def _h11() -> type[Any]:
    import h11  # noqa: PLC0415 - as below
    from uvicorn.protocols.http.h11_impl import H11Protocol  # noqa: PLC0415 - only without httptools

    class Counting(H11Protocol):
        pending = 0

        def handle_events(self) -> None:
            super().handle_events()
            # h11 itself limits the framing of a body, and answers 400.
            self.pending = len(self.conn.trailing_data[0]) if self.conn.their_state is h11.IDLE else 0

    class H11Connection(ConnectionProtocol, Counting):
        def in_head(self) -> bool:
            return self.pending > 0 and self.conn.their_state is h11.IDLE

        def in_body(self) -> bool:
            return self.conn.their_state is h11.SEND_BODY

        def on_response_complete(self) -> None:
            super().on_response_complete()
            if self.pending:  # the data after the request has been read only now
                self._wait_for_the_rest()

    return H11Connection


def protocol(limits: Limits, memory: MemoryBudget, *, proxy: bool = False) -> type[Any]:
    """uvicorn's protocol with the fastest installed parser and these limits; ``proxy`` is True if the proxy is on."""
    made = _httptools() if accelerators.is_installed("httptools") else _h11()
    return type(made.__name__, (made,), {"limits": limits, "memory": memory, "proxy": proxy, "outbox": Outbox()})
