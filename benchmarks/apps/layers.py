"""Microseconds that a request takes between the server's parser and its last byte, no network and no other process.

``--until`` cuts the application off below a layer: what would be inside of it answers constant bytes.
"""

import argparse
import statistics
import time
from typing import Any

import uvloop

from benchmarks.apps import bare
from benchmarks.apps.without_sockets import HEADERS, Requests, request_bytes, sign_in
from benchmarks.contestants import KEY
from benchmarks.loads import get_one, patch, post
from benchmarks.workloads import LAYERED, LAYERS
from mock_heidi import create_app
from mock_heidi.app import App
from mock_heidi.serving.server import Server, bind
from mock_heidi.web import exchange
from mock_heidi.web.response import Answer

ASKED = dict(zip(LAYERED, (get_one, post, patch), strict=True))
_ANSWER = b'{"data":{"x":"' + b"x" * 300 + b'"}}'
_REQUESTS, _RUNS = 6_000, 5


def cut(app: App, until: str) -> None:
    """Have what is inside of a layer answer constant bytes."""
    if until == "router":
        constant: Any = bare.answering(_ANSWER)
        app.exchange = lambda request, send: constant(request.scope, request.receive, send)  # type: ignore[assignment]
    elif until == "exchange":

        async def work(*_: object) -> Any:
            return Answer(_ANSWER)

        exchange.work = work  # type: ignore[assignment] # its arguments have no names
    elif until == "answer":
        for route in app.api.router.routes:
            route.endpoint = lambda _: Answer(_ANSWER)


async def measure(name: str, until: str) -> float:
    """The median of some runs."""
    app = create_app(fixtures="empty", api_key=KEY)
    sockets = bind("127.0.0.1", 0)
    server = Server(bare.answering(_ANSWER) if until == "server" else app, sockets)
    server.config.load()
    for one in sockets:  # nobody comes by them
        one.close()
    headers, ids = [*HEADERS, f"Authorization: Bearer {'x' * 300}"], ["5eb7cf5a86d9755df3a6c593"]
    if until != "server":
        headers, ids = await sign_in(server, KEY)
        cut(app, until)
    requests = Requests(server, [request_bytes(asked, headers) for asked in ASKED[name](ids)])
    taken = []
    for _ in range(_RUNS):
        begun = time.perf_counter()
        await requests.ask(_REQUESTS)
        taken.append((time.perf_counter() - begun) / _REQUESTS * 1_000_000)
    return statistics.median(taken)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("asked", choices=ASKED)
    parser.add_argument("--until", choices=LAYERS, default="all")
    given = parser.parse_args()
    print(uvloop.run(measure(given.asked, given.until)))
