"""Clients of streams: when the first piece comes, and how far each of many paced pieces is from its time."""

from __future__ import annotations

import json
import selectors
import socket
import time
from collections.abc import Mapping
from typing import Any

from benchmarks.loads import BASE, Asked

_MARK = b"data: "


def request_bytes(port: int, asked: Asked, headers: Mapping[str, str]) -> bytes:
    """A request as it goes over the wire."""
    body = json.dumps(asked.body).encode()
    lines = [f"{asked.method} {BASE}{asked.path} HTTP/1.1", f"Host: 127.0.0.1:{port}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def first_piece(port: int, request: bytes, times: int) -> float:
    """Milliseconds from a request to the first piece of its stream: the median of so many, one after another."""
    taken = []
    for _ in range(times):
        with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            begun = time.perf_counter()
            connection.sendall(request)
            seen = b""
            while _MARK not in seen:
                seen += connection.recv(65_536)
            taken.append(time.perf_counter() - begun)
            while not seen.endswith(b"\r\n0\r\n\r\n"):
                seen = (seen + connection.recv(65_536))[-64:]
    return sorted(taken)[times // 2] * 1000


class _Listener:
    """One client of a paced stream."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.begun: float | None = None
        self.rest = b""
        self.pieces = 0


def paced(port: int, request: bytes, clients: int, first: float, rate: float) -> list[float]:
    """The lateness of each piece of many streams, in milliseconds.

    A stream's time begins with its head; the piece of number n is due ``first + n / rate`` seconds later.
    """
    errors: list[float] = []
    with selectors.DefaultSelector() as selector:
        starts = [time.perf_counter() + number * 0.002 for number in range(clients)]
        waiting, running = list(starts), 0
        while waiting or running:
            now = time.perf_counter()
            while waiting and waiting[0] <= now:
                waiting.pop(0)
                connection = socket.create_connection(("127.0.0.1", port), timeout=30)
                connection.sendall(request)
                connection.setblocking(False)
                selector.register(connection, selectors.EVENT_READ, _Listener(connection))
                running += 1
            for key, _ in selector.select(max(0.0, waiting[0] - now) if waiting else 1):
                if _hear(key.data, errors, first, rate):
                    selector.unregister(key.data.connection)
                    key.data.connection.close()
                    running -= 1
    return errors


def _hear(one: Any, errors: list[float], first: float, rate: float) -> bool:
    """Note what has come; whether it was the last."""
    came = one.connection.recv(65_536)
    now = time.perf_counter()
    if one.begun is None:
        one.begun = now
    text = one.rest + came
    for _ in range(text.count(_MARK)):
        errors.append((now - one.begun - first - one.pieces / rate) * 1000)
        one.pieces += 1
    one.rest = text[-len(_MARK) + 1 :]
    return not came or text.endswith(b"0\r\n\r\n")
