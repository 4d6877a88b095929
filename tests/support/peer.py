"""A client on a bare socket, which sees what HTTP clients hide: single writes, silence, and how an answer ends."""

import contextlib
import json
import select
import socket
import threading
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from running import until

from mock_heidi import Handle
from mock_heidi.serving.server import Server

PATIENCE = 30


class Ending(NamedTuple):
    """The rest of the data, and how the connection ended: ``closed`` or ``reset``."""

    body: bytes
    how: str


class Peer:
    """One connection and its requests."""

    def __init__(self, heidi: Handle, receive_buffer: int | None = None) -> None:
        self.heidi = heidi
        self.read = b""
        self.status_line = ""
        """The first line of the last answer."""
        self._base = heidi.base_url.removeprefix(heidi.url)
        host, port = heidi.url.removeprefix("http://").split(":")
        self.socket = socket.socket()
        self.socket.settimeout(PATIENCE)
        if receive_buffer is not None:  # it has to be set before the connection begins
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.connect((host, int(port)))

    def ask(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> None:
        """Send a whole request. ``headers`` override the usual ones."""
        data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        named = {"Host": "localhost", "Content-Length": str(len(data)), **(headers or {})}
        lines = [f"{method} {self._base}{path} HTTP/1.1", *(f"{name}: {value}" for name, value in named.items())]
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode() + data)

    def _more(self) -> None:
        block = self.socket.recv(65_536)
        if not block:
            raise EOFError
        self.read += block

    def _until(self, mark: bytes) -> bytes:
        while mark not in self.read:
            self._more()
        taken, _, self.read = self.read.partition(mark)
        return taken

    def head(self) -> tuple[int, dict[str, str]]:
        """The status and the headers."""
        self.status_line, *lines = self._until(b"\r\n\r\n").decode().split("\r\n")
        pairs = (line.split(": ", 1) for line in lines)
        return int(self.status_line.split()[1]), {name.lower(): value for name, value in pairs}

    def exactly(self, length: int) -> bytes:
        """The next ``length`` bytes of the body."""
        while len(self.read) < length:
            self._more()
        taken, self.read = self.read[:length], self.read[length:]
        return taken

    def chunk(self) -> bytes:
        """The next chunk, ``b""`` for the last one. Raises EOFError if the connection ends first."""
        taken = self.exactly(int(self._until(b"\r\n"), 16))
        self.exactly(2)
        return taken

    def chunks(self) -> list[bytes]:
        """Every chunk until the last."""
        return list(iter(self.chunk, b""))

    def end(self) -> Ending:
        """The rest of the data, once the connection has ended."""
        try:
            while True:
                self._more()
        except EOFError:
            return Ending(self.read, "closed")
        except ConnectionResetError:
            return Ending(self.read, "reset")

    def silent(self) -> bool:
        """True if there is nothing to read now."""
        return not self.read and not select.select([self.socket], [], [], 0)[0]

    def close(self) -> None:
        self.socket.close()


@contextlib.contextmanager
def connected(heidi: Handle) -> Iterator[Peer]:
    peer = Peer(heidi)
    try:
        yield peer
    finally:
        peer.close()


@contextlib.contextmanager
def asking(heidi: Handle, method: str, path: str, body: Any = None, **headers: str) -> Iterator[Peer]:
    """A peer that has sent one signed-in request."""
    signed = {**heidi.headers(), **{name.replace("_", "-"): value for name, value in headers.items()}}
    with connected(heidi) as peer:
        peer.ask(method, path, body, signed)
        yield peer


def lose(heidi: Handle, path: str, body: Any, stall_after: int | None = None) -> None:
    """Request a stream and read it to its end, or leave after ``stall_after`` pieces, where it stalls.

    Returns when the journal has the complete request.
    """
    with asking(heidi, "POST", path, body, Content_Type="application/json", Connection="close") as peer:
        if stall_after is None:
            peer.end()
        else:
            peer.head()
            for _ in range(stall_after):
                peer.chunk()
    until(lambda: heidi.requests()[-1]["duration"] is not None, "the end of the request")


def served_here(url: str) -> Any:
    """The namespaces of a server that runs in a thread of this process."""
    owners = (getattr(vars(thread).get("_target"), "__self__", None) for thread in threading.enumerate())
    (server,) = (one for one in owners if isinstance(one, Server) and one.url == url)
    app: Any = server.config.app
    return app.registry


class Sleepers:
    """Waits for requests to sleep on the clock of a Heidi of this process, before a test moves that clock."""

    def __init__(self, heidi: Handle) -> None:
        self.heidi = heidi
        self._namespaces = served_here(heidi.url)

    def wait(self) -> None:
        """Return when a request really waits for the clock, not while an earlier one is still waking up."""
        until(lambda: self._namespaces.get(self.heidi.name).clock.awaited, "the sleep")

    def wake(self, peer: Peer, seconds: float) -> None:
        """Move the clock by ``seconds``, and check that a millisecond earlier no data has arrived."""
        self.wait()
        self.heidi.clock.advance(seconds - 0.001)
        self.wait()
        assert peer.silent()
        self.heidi.clock.advance(0.001)
