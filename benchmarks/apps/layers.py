"""Microseconds that a request takes between the server's parser and its last byte, no network and no other process.

``--until`` cuts the application off below a layer: what would be inside of it answers constant bytes.
"""

import argparse
import asyncio
import json
import statistics
import time
from collections.abc import Sequence
from typing import Any

import uvloop

from benchmarks.apps import bare
from benchmarks.loads import BASE, Asked, profile
from benchmarks.workloads import LAYERED, LAYERS, get_one, patch, post
from mock_heidi import create_app, exchange
from mock_heidi.app import App
from mock_heidi.http import Answer
from mock_heidi.server import Server, bind

ASKED = dict(zip(LAYERED, (get_one, post, patch), strict=True))
_PATH = "/patient-profiles"
_HEADERS = ("Host: 127.0.0.1:4343", "Accept: application/json", "Accept-Encoding: gzip, deflate", "User-Agent: b/1.0")
_ANSWER = b'{"data":{"x":"' + b"x" * 300 + b'"}}'
_CONNECTIONS, _TURN, _REQUESTS, _RUNS = 16, 8, 6_000, 5


class Kept:
    """A transport that keeps what is written last."""

    def __init__(self) -> None:
        self.last = b""

    def write(self, data: bytes) -> None:
        self.last = data

    def is_closing(self) -> bool:
        return False

    def get_extra_info(self, _: str, default: Any = None) -> Any:
        return default

    def get_write_buffer_size(self) -> int:
        return 0

    def resume_reading(self) -> None:
        pass


def cut(app: App, until: str) -> None:
    """Have what is inside of a layer answer constant bytes."""
    if until == "router":
        app.vendor.stack = bare.answering(_ANSWER)
    elif until == "exchange":

        async def work(*_: object) -> Any:
            return Answer(_ANSWER)

        exchange.work = work  # type: ignore[assignment] # its arguments have no names
    elif until == "answer":
        for route in app.vendor.exact.routes:
            route.endpoint = lambda _: Answer(_ANSWER)


def _request(asked: Asked, headers: Sequence[str]) -> bytes:
    body = b"" if asked.body is None else json.dumps(asked.body).encode()
    kind = ["Content-Type: application/json", f"Content-Length: {len(body)}"] if body else []
    return "\r\n".join([f"{asked.method} {BASE}{asked.path} HTTP/1.1", *headers, *kind, "", ""]).encode() + body


class Connection:
    """One connection of a server, without a client."""

    def __init__(self, server: Server) -> None:
        made: Any = server.config.http_protocol_class
        self._transport = Kept()
        self._protocol = made(config=server.config, server_state=server.server_state, app_state={})
        self._protocol.connection_made(self._transport)
        self.take = self._protocol.data_received

    async def ask(self, request: bytes) -> Any:
        """The JSON of the answer."""
        self.take(request)
        while not self._transport.last:  # noqa: ASYNC110 - each turn of the loop is one step further
            await asyncio.sleep(0)
        last, self._transport.last = self._transport.last, b""
        return json.loads(last.partition(b"\r\n\r\n")[2])


async def _prepared(app: App, connection: Connection) -> tuple[list[str], list[str]]:
    """The headers of somebody who has signed in, and the ids of a hundred profiles."""
    who = Asked("GET", "/jwt?email=a@example.com&third_party_internal_id=1")
    key = next(iter(app.namespaces.default.keys))
    token = (await connection.ask(_request(who, [*_HEADERS, f"Heidi-Api-Key: {key}"])))["token"]
    headers = [*_HEADERS, f"Authorization: Bearer {token}"]
    made = [_request(one, headers) for number in range(100) for one in [Asked("POST", _PATH, profile(number))]]
    return headers, [(await connection.ask(one))["data"]["id"] for one in made]


async def measure(name: str, until: str) -> float:
    """The median of some runs."""
    app = create_app(fixtures="empty")
    sockets = bind("127.0.0.1", 0)
    server = Server(bare.answering(_ANSWER) if until == "server" else app, sockets)
    server.config.load()
    for one in sockets:  # nobody comes by them
        one.close()
    connections = [Connection(server) for _ in range(_CONNECTIONS)]
    headers, ids = [*_HEADERS, f"Authorization: Bearer {'x' * 300}"], ["5eb7cf5a86d9755df3a6c593"]
    if until != "server":
        headers, ids = await _prepared(app, connections[0])
        cut(app, until)
    requests = [_request(asked, headers) for asked in ASKED[name](ids)]
    taken = []
    for _ in range(_RUNS):
        begun = time.perf_counter()
        for number in range(_REQUESTS):
            connections[number % _CONNECTIONS].take(requests[number % len(requests)])
            if number % _TURN == _TURN - 1:  # as many as wrk makes wait on each other
                await asyncio.sleep(0)
                await asyncio.sleep(0)
        taken.append((time.perf_counter() - begun) / _REQUESTS * 1_000_000)
    return statistics.median(taken)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("asked", choices=ASKED)
    parser.add_argument("--until", choices=LAYERS, default="all")
    given = parser.parse_args()
    print(uvloop.run(measure(given.asked, given.until)))
