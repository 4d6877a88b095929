"""The events of a namespace, read from ``GET /_mock/events``."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Generator, Iterator
from typing import Any, Self

from mock_heidi.client.client_errors import answering
from mock_heidi.client.kept_connection import KeptConnection


class EventStream(Iterator[tuple[str, Any]]):
    """The kind and the data of each event as it happens. Close it, or use it in a ``with``.

    Raises :class:`NoAnswerError` if the connection breaks.
    """

    def __init__(self, connection: KeptConnection, pieces: Iterator[bytes], url: str) -> None:
        self._connection = connection
        self._events = _events(connection, pieces, url)

    def __next__(self) -> tuple[str, Any]:
        return next(self._events)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening and close the connection."""
        self._events.close()  # a generator that was never started does not close the connection
        self._connection.close()


def _events(connection: KeptConnection, pieces: Iterator[bytes], url: str) -> Generator[tuple[str, Any]]:
    with contextlib.closing(connection):
        kind = ""
        for line in _lines(pieces, url):
            name, _, value = line.decode().strip().partition(": ")
            if name == "event":
                kind = value
            elif name == "data":
                yield kind, json.loads(value)


def _lines(pieces: Iterator[bytes], url: str) -> Iterator[bytes]:
    rest = b""
    with answering(url):
        for piece in pieces:
            *lines, rest = (rest + piece).split(b"\n")
            yield from lines
