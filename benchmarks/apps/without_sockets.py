"""Connections of a server that have no socket and no client: bytes in, bytes out, in the same process."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import uvicorn

from benchmarks.loads import BASE, PROFILES, Asked, LoadError, profile

HEADERS = ("Host: 127.0.0.1:4343", "Accept: application/json", "Accept-Encoding: gzip, deflate", "User-Agent: b/1.0")
CONNECTIONS = 16
# So many requests are read before any of them is answered: as many as wrk makes wait on each other.
_TURN = 8


class Transport:
    """A transport that counts the successes that are written, and keeps the last answer."""

    def __init__(self, protocol: Any) -> None:
        self.successes = 0
        self.take = protocol.data_received
        self.last: list[bytes] = []

    def write(self, data: bytes) -> None:
        if data.startswith(b"HTTP/1.1 "):
            self.successes += data.startswith(b"HTTP/1.1 20")
            self.last = []
        self.last.append(data)

    def set_protocol(self, protocol: Any) -> None:
        """Give the next bytes to another protocol, such as that of http after the first bytes."""
        self.take = protocol.data_received

    def is_closing(self) -> bool:
        return False

    def close(self) -> None:
        """Called for a connection that sends no request, which cannot happen here."""

    def get_extra_info(self, _: str, default: Any = None) -> Any:
        return default

    def get_write_buffer_size(self) -> int:
        return 0

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


class Connection:
    """One connection of a server, without a client."""

    def __init__(self, server: uvicorn.Server) -> None:
        made: Any = server.config.http_protocol_class
        protocol = made(config=server.config, server_state=server.server_state, app_state={})
        self.transport = Transport(protocol)
        protocol.connection_made(self.transport)

    def take(self, data: bytes) -> None:
        """Let the server receive these bytes."""
        self.transport.take(data)

    async def ask(self, request: bytes) -> bytes:
        """The body of the answer, which is a success."""
        self.take(request)
        while not self.transport.successes:  # noqa: ASYNC110 - each turn of the loop is one step further
            await asyncio.sleep(0)
        self.transport.successes = 0
        return b"".join(self.transport.last).partition(b"\r\n\r\n")[2]


class Requests:
    """The same requests in turn over some connections of one server."""

    def __init__(self, server: uvicorn.Server, requests: Sequence[bytes]) -> None:
        self._connections = [Connection(server) for _ in range(CONNECTIONS)]
        self._requests = requests
        self._asked = 0

    async def ask(self, count: int) -> None:
        """Ask so many, and wait for the answers."""
        connections, requests = self._connections, self._requests
        for number in range(count):
            connections[number % CONNECTIONS].take(requests[number % len(requests)])
            if number % _TURN == _TURN - 1:
                await asyncio.sleep(0)
                await asyncio.sleep(0)
        self._asked += count
        if sum(connection.transport.successes for connection in connections) != self._asked:
            raise LoadError("not every answer was a success")


def request_bytes(asked: Asked, headers: Sequence[str]) -> bytes:
    """A request as a client sends it."""
    body = b"" if asked.body is None else json.dumps(asked.body).encode()
    kind = ["Content-Type: application/json", f"Content-Length: {len(body)}"] if body else []
    return "\r\n".join([f"{asked.method} {BASE}{asked.path} HTTP/1.1", *headers, *kind, "", ""]).encode() + body


async def sign_in(server: uvicorn.Server, key: str) -> tuple[list[str], list[str]]:
    """The headers of somebody who has signed in to mock_heidi, and the ids of a hundred profiles."""
    connection = Connection(server)
    who = Asked("GET", "/jwt?email=a@example.com&third_party_internal_id=1")
    token = json.loads(await connection.ask(request_bytes(who, [*HEADERS, f"Heidi-Api-Key: {key}"])))["token"]
    headers = [*HEADERS, f"Authorization: Bearer {token}"]
    made = [request_bytes(Asked("POST", PROFILES, profile(number)), headers) for number in range(100)]
    return headers, [json.loads(await connection.ask(one))["data"]["id"] for one in made]
