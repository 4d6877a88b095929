"""The errors of a handle: for the answers of its server, and for a library that is missing."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any


class MockHeidiError(Exception):
    """The server refused a request of the handle. The message is one line: the request, the reason and the cure."""


class NoAnswerError(ConnectionError):
    """The error for a URL at which no mock_heidi answers: there is no server, or another program answers."""


def another_program(url: str) -> NoAnswerError:
    """The error for an answer that no mock_heidi sends."""
    return NoAnswerError(f"another program answers at {url}, not mock_heidi")


@contextlib.contextmanager
def answering(url: str) -> Iterator[None]:
    """Raise :class:`NoAnswerError` for a failed connection and for an unreadable answer."""
    try:
        yield
    except OSError as error:
        raise NoAnswerError(f"no answer from {url}: {error.strerror or error}") from error
    except ValueError as error:
        raise another_program(url) from error


def import_httpx() -> Any:
    """The module ``httpx``, which takes a tenth of a second to import. Raises ModuleNotFoundError with the cure."""
    try:
        import httpx
    except ModuleNotFoundError:
        raise ModuleNotFoundError("a client needs httpx; install mock-heidi[pytest], or httpx itself") from None
    return httpx
