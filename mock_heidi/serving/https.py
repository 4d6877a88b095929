"""The https of a server: it gets its certificate when the first client asks for https, and another in time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mock_heidi.base.memory import MemoryBudget
from mock_heidi.base.settings import ConfigError
from mock_heidi.serving.heads import Limits, UnfinishedHead

if TYPE_CHECKING:
    import ssl

_logger = logging.getLogger("mock_heidi")

# A fatal alert, handshake_failure, as a record of TLS 1.0, which clients of every version read.
_REFUSAL = bytes((21, 3, 1, 0, 2, 2, 40))


class Https:
    """Takes connections that begin with TLS. ``names`` are further names and addresses of this server."""

    def __init__(self, names: Sequence[str], limits: Limits, memory: MemoryBudget) -> None:
        self._names = names
        self._limits = limits
        self._memory = memory
        self._context: ssl.SSLContext | None = None
        self._end: int
        self._problem = ""

    def take(
        self, transport: asyncio.Transport, protocol: Callable[[], Any], connections: set[Any], data: bytes
    ) -> None:
        """Speak TLS on a connection from now on. ``data`` are the bytes of TLS that have been read from it, if any.

        After the handshake, a new ``protocol`` gets the connection. Until then it is one of ``connections``. A server
        that cannot speak TLS refuses the client, and logs the reason once.
        """
        context = self._ready()
        if context is None:
            transport.write(_REFUSAL)
            transport.close()
        else:
            from mock_heidi.serving.tls import TlsTransport  # noqa: PLC0415 - most servers never speak TLS

            handshake = UnfinishedHead(self._limits, self._memory)
            TlsTransport(transport, context, protocol, handshake, connections).start(data)

    def _ready(self) -> ssl.SSLContext | None:
        """The context for a new connection; None if there is no certificate. Earlier connections keep theirs."""
        if self._context is None or self._runs_out():
            try:
                self._load()
            except ConfigError as error:
                if str(error) != self._problem:
                    self._problem = str(error)
                    what = "cannot renew the certificate of https" if self._context else "refused an https client"
                    _logger.warning("%s: %s", what, error)
        return self._context

    def _runs_out(self) -> bool:
        from mock_heidi.serving import certificates  # noqa: PLC0415 - as above

        return certificates.runs_out(self._end)

    def _load(self) -> None:
        from mock_heidi.serving import certificate_files  # noqa: PLC0415 - as above

        files = certificate_files.current(self._names)
        if self._context is not None:
            _logger.warning("https: the certificate runs out; clients that connect from now on need %s", files.ca)
        self._end = certificate_files.end(files)
        self._context = server_context(files.server)


def server_context(certificate: Path) -> ssl.SSLContext:
    """The TLS context of a server with this certificate and its key."""
    import ssl  # noqa: PLC0415 - as above

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.set_alpn_protocols(["http/1.1"])
    context.options |= ssl.OP_NO_RENEGOTIATION
    # Tickets would be sent after the handshake, and a stall would not be silent.
    context.num_tickets = 0
    return context
