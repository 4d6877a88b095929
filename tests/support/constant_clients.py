"""Clients with a host of the real service in their code. They are made when this module is imported, before any test.

``CLIENTS`` has one for each installed library: a function that signs in with the plain key and returns the status.
"""

import asyncio
import contextlib
import http.client
import ssl
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable
from importlib.util import find_spec
from typing import Any

HOST = "registrar.api.heidihealth.com"
PATH = "/api/v2/ml-scribe/open-api/jwt?email=test%40heidihealth.com&third_party_internal_id=123"
URL = f"https://{HOST}{PATH}"
HEADERS = {"Heidi-Api-Key": "mock-heidi-key"}

CLIENTS: dict[str, Callable[[], int]] = {}
NAMES = ("http.client", "urllib", "requests", "urllib3", "httpx", "httpx.AsyncClient", "aiohttp")
LOOP = asyncio.new_event_loop()
_made = contextlib.ExitStack()
_made_in_loop = contextlib.AsyncExitStack()

CONTEXT = ssl.create_default_context()
CONNECTION = http.client.HTTPSConnection(HOST, context=CONTEXT, timeout=30)
_made.callback(CONNECTION.close)


def _http_client() -> int:
    try:
        return _ask()
    except OSError:  # the connection of the last request has ended
        return _ask()


def _ask() -> int:
    try:
        CONNECTION.request("GET", PATH, headers=HEADERS)
        answer = CONNECTION.getresponse()
        answer.read()
    except OSError:
        CONNECTION.close()
        raise
    return answer.status


CLIENTS["http.client"] = _http_client

OPENER = urllib.request.build_opener(urllib.request.HTTPSHandler(context=CONTEXT))


def _urllib() -> int:
    asked = urllib.request.Request(URL, headers=HEADERS)
    try:
        with OPENER.open(asked, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


CLIENTS["urllib"] = _urllib

if find_spec("requests"):
    import requests

    SESSION = _made.enter_context(requests.Session())
    CLIENTS["requests"] = lambda: int(SESSION.get(URL, headers=HEADERS, timeout=30).status_code)

if find_spec("urllib3"):
    import urllib3

    POOL = _made.enter_context(urllib3.PoolManager(retries=False, timeout=30))
    CLIENTS["urllib3"] = lambda: int(POOL.request("GET", URL, headers=HEADERS).status)

if find_spec("httpx"):
    import httpx

    CLIENT = _made.enter_context(httpx.Client(timeout=30))
    CLIENTS["httpx"] = lambda: CLIENT.get(URL, headers=HEADERS).status_code
    ASYNC_CLIENT = LOOP.run_until_complete(_made_in_loop.enter_async_context(httpx.AsyncClient(timeout=30)))

    async def _httpx() -> int:
        return (await ASYNC_CLIENT.get(URL, headers=HEADERS)).status_code

    CLIENTS["httpx.AsyncClient"] = lambda: LOOP.run_until_complete(_httpx())

if find_spec("aiohttp"):
    import aiohttp

    @contextlib.asynccontextmanager
    async def _session() -> AsyncIterator[Any]:
        async with aiohttp.ClientSession() as session:
            yield session

    AIOHTTP = LOOP.run_until_complete(_made_in_loop.enter_async_context(_session()))

    async def _aiohttp() -> int:
        async with AIOHTTP.get(URL, headers=HEADERS) as answer:
            await answer.read()
            return int(answer.status)

    CLIENTS["aiohttp"] = lambda: LOOP.run_until_complete(_aiohttp())


def sign_in(name: str) -> int:
    """The status that a client gets. Skips the test if its library is not installed."""
    import pytest  # noqa: PLC0415 - the clients need none

    if name not in CLIENTS:
        pytest.skip(f"{name.partition('.')[0]} is not installed")
    return CLIENTS[name]()


def close() -> None:
    """Close all clients, before the interpreter complains. A second call does nothing."""
    if not LOOP.is_closed():
        _made.close()
        LOOP.run_until_complete(_made_in_loop.aclose())
        LOOP.close()
