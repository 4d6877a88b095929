"""One kept connection to a server.

``http.client`` can do more, but its import takes as long as that of click.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator, Mapping
from io import BufferedReader

_LONGEST_LINE = 65_536
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class KeptConnection:
    """One connection to a server, made for the first request and kept as long as the server keeps it.

    Raises OSError if no server answers, and ValueError for an answer that is not HTTP.
    """

    def __init__(self, host: str, port: int | None, patience: float) -> None:
        self._address = host, port or 80
        self._patience = patience
        self._answers: BufferedReader | None = None
        self.sock: socket.socket | None = None

    def request(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> tuple[int, bytes]:
        """The status and the body of one answer."""
        status, pieces = self.open(method, path, body, headers)
        return status, b"".join(pieces)

    def open(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> tuple[int, Iterator[bytes]]:
        """The status of one answer, and its body as it arrives. Read all of it before the next request."""
        host, port = self._address
        host = f"[{host}]" if ":" in host else host
        length = {} if body is None else {"Content-Length": str(len(body))}
        given = {"Host": f"{host}:{port}", "Accept-Encoding": "identity", **length, **headers}
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items())]
        if " " in path or not path.isascii() or any(map(_CONTROL.search, lines)):
            raise ValueError(f"{method} {path}: a request or a header contains a character that HTTP does not allow")
        if self.sock is None:
            self.sock = socket.create_connection(self._address, self._patience)
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.sendall("\r\n".join([*lines, "\r\n"]).encode("latin-1") + (body or b""))
        return self._answer(self._answers or self.sock.makefile("rb"))

    def _answer(self, answers: BufferedReader) -> tuple[int, Iterator[bytes]]:
        self._answers = answers
        version, status, *_ = _line(answers).split(maxsplit=2)
        if not version.startswith("HTTP/1."):
            raise ValueError(f"unknown version of HTTP: {version}")
        headers = {}
        while line := _line(answers):
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip().lower()
        return int(status), self._pieces(answers, headers)

    def _pieces(self, answers: BufferedReader, headers: Mapping[str, str]) -> Iterator[bytes]:
        ends = headers.get("connection") == "close"
        if headers.get("transfer-encoding") == "chunked":
            while length := int(_line(answers).partition(";")[0], 16):
                yield _exactly(answers, length)
                _line(answers)
            while _line(answers):
                pass  # trailers
        elif "content-length" in headers:
            yield _exactly(answers, int(headers["content-length"]))
        else:
            while piece := answers.read1():
                yield piece
            ends = True
        if ends:
            self.close()

    def close(self) -> None:
        """Close the connection. The next request makes a new one."""
        for one in (self._answers, self.sock):
            if one is not None:
                one.close()
        self.sock = self._answers = None


def _line(answers: BufferedReader) -> str:
    line = answers.readline(_LONGEST_LINE)
    if not line:
        raise ConnectionResetError("Remote end closed connection without response")
    if not line.endswith(b"\n"):
        raise ValueError("a line of the head is too long or incomplete")
    return line.strip().decode("latin-1")


def _exactly(answers: BufferedReader, length: int) -> bytes:
    body = answers.read(length)
    if len(body) != length:
        raise ValueError(f"an answer of {length} bytes ended after {len(body)}")
    return body
