"""CPU microseconds that a request costs above a bare ASGI application, in process, through uvicorn's own protocol.

The two take turns, a few hundred requests each. Of each the quickest turn counts, so a busy machine changes little.
"""

import argparse
import json
import time
from collections.abc import Callable
from typing import Any

import uvicorn
import uvloop
from starlette.types import ASGIApp

from benchmarks.apps import bare, plain
from benchmarks.apps.serving import configured
from benchmarks.apps.without_sockets import Connection, Requests, request_bytes, sign_in
from benchmarks.contestants import KEY
from benchmarks.loads import get_list, get_one, patch, post
from benchmarks.workloads import CPU
from mock_heidi import create_app
from mock_heidi.serving.server import Server, bind

# POST comes last: each one makes the list longer.
ASKED = dict(zip(CPU, (get_one, get_list, patch, post), strict=True))
_REQUESTS, _TURNS = 400, 60
_CONSTANT: dict[str, Callable[[bytes], ASGIApp]] = {"bare": bare.answering, "plain": plain.create_app}


def _own() -> uvicorn.Server:
    server = Server(create_app(fixtures="empty", api_key=KEY), bind("127.0.0.1", 0))
    for one in server.sockets:  # no client comes by them
        one.close()
    return server


def _constant(name: str, answer: bytes) -> uvicorn.Server:
    return uvicorn.Server(configured(_CONSTANT[name](answer)))


async def _cpu(contestant: Requests) -> float:
    """The CPU microseconds of a request."""
    begun = time.process_time()
    await contestant.ask(_REQUESTS)
    return (time.process_time() - begun) / _REQUESTS * 1_000_000


def _loaded(server: uvicorn.Server) -> uvicorn.Server:
    server.config.load()
    return server


async def measure(name: str, turns: int) -> dict[str, float]:
    """The microseconds above bare, by the requests that are asked."""
    own = _loaded(_own())
    headers, ids = await sign_in(own, KEY)
    above: dict[str, Any] = {}
    for title, asking in ASKED.items():
        requests = [request_bytes(asked, headers) for asked in asking(ids)]
        answer = await Connection(own).ask(requests[0])
        limit = Requests(_loaded(_constant("bare", answer)), requests)
        contestant = Requests(own if name == "mock_heidi" else _loaded(_constant(name, answer)), requests)
        turn = [(await _cpu(limit), await _cpu(contestant)) for _ in range(turns)]
        least, most = (min(taken) for taken in zip(*turn, strict=True))
        above[title] = most - least
    return above


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=["mock_heidi", *_CONSTANT])
    parser.add_argument("--turns", type=int, default=_TURNS)
    given = parser.parse_args()
    print(json.dumps(uvloop.run(measure(given.name, given.turns))))
