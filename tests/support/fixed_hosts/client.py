"""Python: ``client.py LIBRARY``. Each library gives the body of an answer in parts, and raises its own errors."""

import asyncio
import http.client
import json
import sys
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

BASE = "https://registrar.api.heidihealth.com/api/v2/ml-scribe/open-api"
KEY = "mock-heidi-key"
NOTE = b"""{"generation_method": "TEMPLATE", "template_id": "659b8042fe093d6592b41ef7", "addition": "",
    "voice_style": "BRIEF", "brain": "LEFT"}"""

Parts = Iterator[bytes]
Headers = dict[str, str]


def of_http_client(method: str, url: str, headers: Headers, body: bytes) -> Parts:
    parts = urlsplit(url)
    connection = http.client.HTTPSConnection(parts.netloc)
    connection.request(method, f"{parts.path}?{parts.query}", body, headers)
    answer = connection.getresponse()
    while part := answer.read1():
        yield part


def of_urllib(method: str, url: str, headers: Headers, body: bytes) -> Parts:
    with urllib.request.urlopen(urllib.request.Request(url, body or None, headers, method=method)) as answer:  # noqa: S310 - https
        while part := answer.read1():
            yield part


def of_urllib3(method: str, url: str, headers: Headers, body: bytes) -> Parts:
    import urllib3  # noqa: PLC0415 - not every library is installed

    yield from urllib3.request(method, url, headers=headers, body=body, preload_content=False, retries=False).stream()


def of_requests(method: str, url: str, headers: Headers, body: bytes) -> Parts:
    import requests  # noqa: PLC0415 - as above

    with requests.request(method, url, headers=headers, data=body, stream=True, timeout=60) as answer:
        yield from answer.iter_content(None)


def of_httpx(method: str, url: str, headers: Headers, body: bytes) -> Parts:
    import httpx  # noqa: PLC0415 - as above

    with httpx.stream(method, url, headers=headers, content=body) as answer:
        yield from answer.iter_raw()


async def of_httpx_async(method: str, url: str, headers: Headers, body: bytes) -> AsyncIterator[bytes]:
    import httpx  # noqa: PLC0415 - as above

    async with httpx.AsyncClient() as client, client.stream(method, url, headers=headers, content=body) as answer:
        async for part in answer.aiter_raw():
            yield part


async def of_aiohttp(method: str, url: str, headers: Headers, body: bytes) -> AsyncIterator[bytes]:
    import aiohttp  # noqa: PLC0415 - as above

    async with aiohttp.ClientSession() as client, client.request(method, url, headers=headers, data=body) as answer:
        async for part in answer.content.iter_any():
            yield part


def at_once(parts: Callable[..., AsyncIterator[bytes]]) -> Callable[..., Parts]:
    """The same parts without ``async``."""

    def collected(*arguments: Any) -> Parts:
        with asyncio.Runner() as runner:
            each = parts(*arguments)
            while (part := runner.run(anext(each, None))) is not None:
                yield part

    return collected


LIBRARIES: dict[str, Callable[..., Parts]] = {
    "http.client": of_http_client,
    "urllib": of_urllib,
    "urllib3": of_urllib3,
    "requests": of_requests,
    "httpx": of_httpx,
    "httpx.AsyncClient": at_once(of_httpx_async),
    "aiohttp": at_once(of_aiohttp),
}


def main(ask: Callable[..., Parts]) -> None:
    try:
        list(ask("GET", "https://first.invalid/", {}, b""))
    except Exception:  # noqa: BLE001 - each library has its own
        assert "mock_heidi_vendor_patches" in sys.modules
    else:
        sys.exit("first.invalid has answered")

    user = "email=a%40b.example&third_party_internal_id=1"
    signed_in = json.loads(b"".join(ask("GET", f"{BASE}/jwt?{user}", {"Heidi-Api-Key": KEY}, b"")))
    headers = {"Authorization": f"Bearer {signed_in['token']}", "Content-Type": "application/json"}
    session = json.loads(b"".join(ask("POST", f"{BASE}/sessions", headers, b"{}")))["session_id"]
    for _ in range(2):
        text = b""
        try:
            for part in ask("POST", f"{BASE}/sessions/{session}/consult-note", headers, NOTE):
                text += part
            print(text.count(b"data: "), "pieces")
        except Exception as error:  # noqa: BLE001 - as above
            print(text.count(b"data: "), "pieces,", type(error).__name__)


if __name__ == "__main__":
    main(LIBRARIES[sys.argv[1]])
