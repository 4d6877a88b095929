"""Requests to one namespace of a server: to its API, and to its control API under ``/_mock``."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from mock_heidi.base.settings import (
    BASE_PATH,
    DEFAULT_NAMESPACE,
    DEFAULT_PORT,
    ConfigError,
    is_namespace,
    namespace_path,
    wrong_name,
)
from mock_heidi.client.client_errors import MockHeidiError
from mock_heidi.client.event_stream import EventStream
from mock_heidi.client.server_connection import ServerConnection

# The paths of a server, of a namespace, and of the base URLs of both.
_PATH = re.compile(rf"(/ns/(?P<name>[^/]*))?({re.escape(BASE_PATH)})?/?")
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
# The most seconds of a ``within``.
_LONGEST = 600
# Seconds that an answer may take in addition to the ``within`` of an expectation.
_PATIENCE = 30


def read_address(url: str, namespace: str | None) -> tuple[str, str]:
    """``http://HOST:PORT`` and the name of a namespace, from the URL of a server or of a namespace, or a base URL.

    ``namespace`` has priority over a name in the URL. Raises :class:`ConfigError` for another URL or a wrong name.
    """
    try:
        parts = urlsplit(url)
        sound = parts.scheme == "http" and parts.hostname and parts.port != 0
    except ValueError:
        sound = False
    if not sound:
        raise ConfigError(f"{url}: write it like http://127.0.0.1:{DEFAULT_PORT}")
    found = _PATH.fullmatch(parts.path)
    if found is None or parts.query or parts.fragment:
        cure = f"write it like http://127.0.0.1:{DEFAULT_PORT} or http://127.0.0.1:{DEFAULT_PORT}/ns/NAME"
        raise ConfigError(f"{url}: there is nothing of mock_heidi at this path; {cure}")
    name = namespace or (DEFAULT_NAMESPACE if found["name"] is None else found["name"])
    if not is_namespace(name):
        raise wrong_name(name, "namespace")
    return f"{parts.scheme}://{parts.netloc}", name


def query(parameters: Mapping[str, Any]) -> str:
    """The query of a path, ``?limit=20``; empty for no parameters."""
    return f"?{urlencode(parameters)}" if parameters else ""


def snapshot_path(name: str) -> str:
    """The path of a snapshot below ``/_mock``. Raises :class:`MockHeidiError` for an invalid name."""
    if not is_namespace(name):
        raise MockHeidiError(str(wrong_name(name, "snapshot")))
    return f"/snapshots/{quote(name, safe='')}"


class NamespaceConnection:
    """Requests to one namespace. Paths are relative to it: ``/_mock/state``, ``/api/v2/…``.

    ``maker`` is the connection by which the namespace was made, if :meth:`close` should delete it. Raises
    :class:`MockHeidiError` for a refusal, and once it is closed; :class:`NoAnswerError` if no mock_heidi answers.
    """

    def __init__(self, url: str, name: str, admin_token: str | None, maker: ServerConnection | None = None) -> None:
        self._url = url
        self._name = name
        self._maker = maker
        self._prefix = namespace_path(name)
        self._admin_token = admin_token
        self.base_url = f"{url}{self._prefix}{BASE_PATH}"
        """The base URL for a client."""
        self.server = ServerConnection(url, admin_token)
        """The connection to the server, also for requests to other namespaces."""
        self.closed = False

    def check_open(self) -> None:
        """Raise :class:`MockHeidiError` if this is closed."""
        # A request would make a new namespace of that name, with the packaged fixtures.
        if self.closed:
            cure = "use a handle before its test or its with block ends"
            raise MockHeidiError(f"the handle of {self.base_url} was closed; {cure}")

    def _path(self, path: str) -> str:
        """The whole path. Raises :class:`MockHeidiError` if this is closed."""
        self.check_open()
        return f"{self._prefix}{path}"

    def get(self, path: str, headers: Mapping[str, str]) -> Any:
        """The JSON of an answer of the API; ``path`` is below the base path."""
        return self.server.request("GET", self._path(f"{BASE_PATH}{path}"), headers=headers)

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """The JSON of an answer of the control API; ``path`` is ``/state`` or ``/_mock/state``."""
        if method not in _METHODS:
            raise MockHeidiError(f"{method} {path}: unknown method; write one of {', '.join(_METHODS)}")
        whole = self._path(f"/_mock/{path.removeprefix('/_mock').removeprefix('/')}")
        return self.server.request(method, whole, body, {"Content-Type": "application/json"})

    def control_text(self, path: str) -> str:
        """The text of an answer of the control API; ``path`` is like ``/requests?format=curl``."""
        return self.server.text(self._path(f"/_mock{path}"))

    def events(self) -> EventStream:
        """The events of the namespace from now on, over a new connection."""
        path = self._path("/_mock/events")
        return ServerConnection(self._url, self._admin_token).events(path)

    def verify(self, expectation: Mapping[str, Any]) -> list[int]:
        """The ids of the requests that fulfil an expectation. Raises AssertionError if it does not hold."""
        path = self._path("/_mock/verify")
        within = expectation.get("within")
        # The server refuses other values.
        seconds = within if isinstance(within, int | float) and 0 <= within <= _LONGEST else 0
        connection = ServerConnection(self._url, self._admin_token, seconds + _PATIENCE)
        with contextlib.closing(connection):
            status, answer = connection.exchange("POST", path, expectation, {"Content-Type": "application/json"})
        if status == HTTPStatus.EXPECTATION_FAILED:
            from mock_heidi.client.report import failed

            raise AssertionError(failed(answer))
        if status != HTTPStatus.OK:
            raise connection.refusal("POST", path, status, answer)
        ids: list[int] = answer["requests"]
        return ids

    def close(self) -> None:
        """Delete the namespace if it should be, and close the connection; further requests are refused."""
        if self.closed:
            return
        try:
            if self._maker is not None:
                # Most tests send no request through their handle, so it has no connection yet.
                server = self._maker if self._maker.is_open else self.server
                with contextlib.suppress(MockHeidiError):  # the namespace was deleted before
                    server.request("DELETE", f"/_mock/namespaces/{self._name}")
        finally:
            self.closed = True
            self.server.close()
