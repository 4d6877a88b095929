"""Requests in absolute form, ``GET https://host/path``, as clients send them to a proxy; and requests in a tunnel."""

from __future__ import annotations

import json
import logging
import re
from http import HTTPStatus
from urllib.parse import unquote

from starlette.types import ASGIApp, Receive, Scope, Send

from mock_heidi.serving.proxy import (
    CREDENTIALS,
    HTTPS,
    PROXIED,
    Proxied,
    ProxyError,
    check_target,
    host_and_port,
    namespace_in,
)

_logger = logging.getLogger("mock_heidi")

_PORTS = {"http": 80, "https": HTTPS}
_ABSOLUTE = re.compile(r"([a-z][a-z0-9+.-]*)://([^/]*)(.*)", re.IGNORECASE | re.DOTALL)


def is_absolute(target: bytes) -> bool:
    """True for a target in absolute form. ``target`` may have a query or not."""
    return not target.startswith(b"/") and b"://" in target


async def serve_proxied(app: ASGIApp, scope: Scope, receive: Receive, send: Send, *, on: bool) -> None:
    """Serve a request in absolute form or in a tunnel of the proxy, or refuse it; ``on`` is True if the proxy is on.

    With the absolute form, ``raw_path`` of the scope has the whole target.
    """
    try:
        if is_absolute(scope["raw_path"]):
            _read_target(scope, on=on)
    except ProxyError as error:
        await _refuse(error, send)
        return
    # These are for the proxy only. Neither the application nor its journal gets them.
    scope["headers"] = [one for one in scope["headers"] if one[0] != CREDENTIALS]
    await app(scope, receive, send)


def _read_target(scope: Scope, *, on: bool) -> None:
    """Change the scope of a request in absolute form to that of an ordinary request, and mark it if it is proxied.

    A server without a proxy accepts this form for its own address. The host in the target replaces the header ``Host``
    (RFC 9112, 3.2.2). Raises :class:`ProxyError`.
    """
    match = _ABSOLUTE.fullmatch(scope["raw_path"].decode("latin-1"))
    if match is None:
        raise ProxyError(HTTPStatus.BAD_REQUEST, "The target of the request is not a URL")
    scheme, authority, path = match[1].lower(), match[2], match[3] or "/"
    host, port = host_and_port(authority, _PORTS.get(scheme, 0))
    if on or not _is_own(scope, scheme, port):
        check_target(host, port, on=on)
        scope["scheme"] = "https"
        if PROXIED not in scope:  # a tunnel has named its namespace already
            scope[PROXIED] = Proxied(namespace_in(scope["headers"]))
    scope["path"], scope["raw_path"] = unquote(path), path.encode("latin-1")
    scope["headers"] = [(b"host", authority.encode()), *(one for one in scope["headers"] if one[0] != b"host")]


def _is_own(scope: Scope, scheme: str, port: int) -> bool:
    """True if a target has the scheme and the port of this server. The application checks the host."""
    server = scope.get("server")
    return scheme == scope["scheme"] and server is not None and port == server[1]


async def _refuse(error: ProxyError, send: Send) -> None:
    _logger.warning("refused a request: %s", error)
    body = json.dumps({"detail": str(error)}, separators=(",", ":")).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": error.status.value, "headers": headers})
    await send({"type": "http.response.body", "body": body})
