"""``ending`` and ``ended_by`` of a request: how its answer ended, and who ended it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from clients import NOON
from helpers import SESSION
from running import until

from mock_heidi import Handle, MockHeidi

ASK = {"ai_command_text": "translate", "content": "One. Two. Three. Four.", "content_type": "MARKDOWN"}
# The clock is frozen, so the second piece never comes by itself.
SLOW: dict[str, Any] = {"operation": "ask_ai", "delay_chunks": 5}


@pytest.fixture
def server() -> Iterator[Handle]:
    with MockHeidi(clock=NOON) as served:
        yield served


def end(server: Handle) -> tuple[Any, Any]:
    row = server.requests(operation="ask_ai")[-1]
    return row["ending"], row["ended_by"]


@contextmanager
def asking(server: Handle) -> Iterator[None]:
    """A stream whose first piece has come. The client leaves it at the end."""
    with server.client() as client, client.stream("POST", f"/sessions/{SESSION}/ask-ai", json=ASK) as answer:
        body = answer.iter_bytes()
        next(body)
        yield


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({}, ("complete", "server")),
        ({"end_after": 1}, ("complete", "fault")),
        ({"rst_after": 1}, ("reset", "fault")),
        ({"close": True}, ("close", "fault")),
        ({"status": 503}, ("complete", "server")),
    ],
)
def test_an_answer_says_how_it_ended(server: Handle, rule: dict[str, Any], expected: tuple[str, str]) -> None:
    if rule:
        server.fault("ask_ai", **rule)
    with server.client() as client:
        try:
            client.post(f"/sessions/{SESSION}/ask-ai", json=ASK)
        except httpx.TransportError:
            assert expected[0] != "complete"

    until(lambda: end(server) == expected)


def test_a_stream_under_way_has_no_end(server: Handle) -> None:
    server.fault(**SLOW)
    with asking(server):
        assert end(server) == (None, None)


def test_a_silent_stream_says_who_silenced_it(server: Handle) -> None:
    server.fault("ask_ai", stall_after=1)
    with asking(server):
        until(lambda: end(server) == ("stall", "fault"))


def test_a_client_that_leaves_ends_its_stream(server: Handle) -> None:
    server.fault(**SLOW)
    with asking(server):
        pass

    until(lambda: end(server) == ("close", "client"))


def test_a_reset_of_the_namespace_ends_a_stream(server: Handle) -> None:
    server.fault(**SLOW)
    server.snapshot("before")
    with asking(server):
        server.restore("before")

        until(lambda: end(server) == ("close", "reset"))
