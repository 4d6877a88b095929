"""Requests to one server over one kept connection."""

from __future__ import annotations

import contextlib
import json
import select
import threading
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from mock_heidi.client.client_errors import MockHeidiError, another_program, answering
from mock_heidi.client.event_stream import EventStream
from mock_heidi.client.kept_connection import KeptConnection

_PATIENCE = 30


class ServerConnection:
    """Requests to one server, from any thread, one at a time.

    Only the control API gets the admin token. Raises :class:`NoAnswerError` after ``patience`` seconds without an
    answer of mock_heidi.
    """

    def __init__(self, url: str, admin_token: str | None, patience: float = _PATIENCE) -> None:
        self._url = url
        parts = urlsplit(url)
        self._connection = KeptConnection(parts.hostname or "", parts.port, patience)
        self._admin = {} if admin_token is None else {"X-Mock-Admin-Token": admin_token}
        self._lock = threading.Lock()

    @property
    def is_open(self) -> bool:
        """True if the connection was made and not closed."""
        return self._connection.sock is not None

    def request(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Any:
        """The JSON of an answer. Raises :class:`MockHeidiError` unless its status is 200."""
        status, answer = self.exchange(method, path, body, headers)
        if status != HTTPStatus.OK:
            raise self.refusal(method, path, status, answer)
        return answer

    def exchange(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any]:
        """The status and the JSON of an answer."""
        data = None if body is None else json.dumps(body).encode()
        # The admin token is for the control API only.
        given = {**(headers or {}), **(self._admin if "/_mock" in path else {})}
        with self._lock:
            self._close_if_stale()
            try:
                with answering(self._url):
                    status, answer = self._connection.request(method, path, data, given)
                    return status, json.loads(answer)
            except BaseException:
                self._connection.close()  # the rest of this answer would be read as the next one
                raise

    def _close_if_stale(self) -> None:
        # A server closes an idle connection. Testing this before sending avoids sending a request twice.
        if self._connection.sock is not None and select.select([self._connection.sock], [], [], 0)[0]:
            self._connection.close()

    def text(self, path: str) -> str:
        """The text of an answer of the control API. Raises :class:`MockHeidiError` unless its status is 200."""
        with self._lock, contextlib.closing(self._connection), answering(self._url):
            status, answer = self._connection.request("GET", path, None, self._admin)
            if status == HTTPStatus.OK:
                return answer.decode()
            refusal = json.loads(answer)
        raise self.refusal("GET", path, status, refusal)

    def events(self, path: str) -> EventStream:
        """The events from now on, of an answer of the control API.

        The stream then owns the connection. Raises :class:`MockHeidiError` unless the status is 200.
        """
        try:
            with answering(self._url):
                status, pieces = self._connection.open("GET", path, None, self._admin)
                refusal = None if status == HTTPStatus.OK else json.loads(b"".join(pieces))
            if refusal is not None:
                raise self.refusal("GET", path, status, refusal)
        except BaseException:
            self._connection.close()
            raise
        return EventStream(self._connection, pieces, self._url)

    def refusal(self, method: str, path: str, status: int, answer: Any) -> Exception:
        """The error for an answer with another status: of the control API, of the API, or of another program."""
        problem = (answer.get("error") or answer.get("detail")) if isinstance(answer, dict) else None
        if not problem:
            return another_program(self._url)
        reason = problem.get("msg", problem) if isinstance(problem, dict) else problem
        return MockHeidiError(f"{method} {path}: {reason}; {answer.get('hint', f'status {status}')}")

    def close(self) -> None:
        """Close the connection. The next request makes another."""
        self._connection.close()
