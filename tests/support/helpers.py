"""Helpers of several test files: other applications, JSON as it is sent, and requests made by hand."""

import asyncio
import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import httpx
import pytest
from clients import NOON, Client
from starlette.types import ASGIApp, Message

from mock_heidi.app import create_app
from mock_heidi.base.settings import BASE_PATH
from mock_heidi.base.slices import finish
from mock_heidi.fixtures.yaml_text import parsing_yaml

SESSION = "1234567890"
OTHER_SESSION = "0987654321"
KEY_TWO = "mock-heidi-key-two"
NOON_STAMP = f"{NOON}.000000"
UNKNOWN_ID = "f" * 24

INVALID_TOKEN = {"detail": {"msg": "Token is invalid", "type": "InvalidTokenError"}}
EXPIRED_TOKEN = {"detail": {"msg": "Token has expired", "type": "ExpiredTokenError"}}
INVALID_KEY = {"detail": {"msg": "Invalid API key", "type": "InvalidApiKeyError"}}
NOT_AUTHENTICATED = {"detail": "Not authenticated"}
PROFILE_NOT_FOUND = {"detail": {"msg": "Patient profile not found", "type": "PatientProfileNotFoundError"}}
SESSION_NOT_FOUND = {"detail": {"msg": "Session not found", "type": "SessionNotFoundError"}}
NO_LINKED_USER = {"detail": {"msg": "error: no linked user", "type": "NoLinkedUserException"}}
SUCCESS = {"is_success": True}


@contextlib.contextmanager
def another(base: str = BASE_PATH, **options: Any) -> Iterator[Client]:
    """A client of a new application with these settings. Its clock is frozen at noon by default."""
    client = Client(create_app(**{"clock": NOON, **options}), base)
    try:
        yield client
    finally:
        client.close()


def in_namespace(client: Client, name: str) -> Client:
    """A client of the same application that uses another namespace by path."""
    return Client(client.app, f"/ns/{name}{BASE_PATH}")


def parse_yaml(text: bytes, name: str) -> Any:
    """The value of a YAML text, parsed in one step."""
    return finish(parsing_yaml(text, name))


def wire(value: Any) -> str:
    """JSON as the server sends it: keys in this order, no blanks, non-ASCII letters unescaped."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def answered(response: httpx.Response) -> tuple[int, str]:
    """Status and body of an answer, to compare with ``(200, wire(…))``."""
    return response.status_code, response.text


@contextlib.contextmanager
def in_one_moment() -> Iterator[None]:
    """Give all requests the same start time on the process's own clock, however busy the machine is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mock_heidi.web.exchange.precise", lambda: 0.0)
        patch.setattr("mock_heidi.observing.journal.precise", lambda: 0.0)
        yield


class Reply(NamedTuple):
    """The answer of an application. ``status`` is None if it sent no answer."""

    status: int | None
    headers: dict[str, str]
    body: bytes


async def exchange(  # noqa: PLR0913 - the parts of a request
    app: ASGIApp,
    method: str,
    path: str,
    *,
    headers: Mapping[str, str] | None = None,
    messages: Sequence[Message] = ({"type": "http.request", "body": b"", "more_body": False},),
    query: bytes = b"",
) -> Reply:
    """The answer to a request made by hand, with exactly this path, these headers and these messages."""
    sent: list[Message] = []
    coming = iter(messages)
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query,
        "headers": [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()],
        "client": ("127.0.0.1", 50_000),
        "server": ("127.0.0.1", 4343),
    }

    async def receive() -> Message:
        return next(coming, {"type": "http.disconnect"})

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    if not sent:
        return Reply(None, {}, b"")
    start, *rest = sent
    named = {name.decode(): value.decode() for name, value in start["headers"]}
    return Reply(start["status"], named, b"".join(message.get("body", b"") for message in rest))


def ask(app: ASGIApp, method: str, path: str, **options: Any) -> Reply:
    """The result of :func:`exchange`, run in a new event loop."""
    return asyncio.run(exchange(app, method, path, **options))


def settled(client: Client) -> dict[str, Any]:
    """The state before an act, after signing in, since signing in changes the state."""
    client.token()
    return client.state()


def argument(effect: str, value: Any) -> Any:
    """The keyword argument of an effect chosen at run time, typed ``Any`` for the type checker."""
    return {effect: value}
