"""CORS: the web pages that may use the API, and the answers to their preflights."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Collection, Mapping
from functools import partial
from typing import Any

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import Send

from mock_heidi.web.request import Request

# Tracing tools, and browsers with a disabled cache, add these headers to the requests of any page.
ORDINARY_HEADERS = (
    "Baggage", "Cache-Control", "Pragma", "Sentry-Trace", "Traceparent", "Tracestate", "X-Correlation-Id",
    "X-Request-Id",
)  # fmt: skip
_HEADERS = ("Authorization", "Content-Type", "Heidi-Api-Key", "X-Mock-Fault", "X-Mock-Strict")
_EXPOSED = ("Retry-After", "X-Mock-Fault", "X-Mock-Provenance", "X-Mock-Reason", "X-Mock-Request-Id")
_LOOPBACK = re.compile(r"https?://(localhost|[a-z0-9.-]+\.localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?")
Handle = Callable[[Request, Send], Awaitable[None]]
# Only names of this form are repeated in a reason, which must stay one line.
_NAME = re.compile(r"[a-z0-9_-]{1,64}")
_MOST_NAMES = 10


class Origins:
    """The origins whose pages may use the API: loopback origins, and those that the user allows."""

    def __init__(self, allowed: Collection[str] = ()) -> None:
        self._allowed = {origin.lower().rstrip("/") for origin in allowed}

    def allow(self, origin: str) -> bool:
        return _LOOPBACK.fullmatch(origin) is not None or origin.lower() in self._allowed

    def is_stray(self, headers: Mapping[bytes, bytes]) -> bool:
        """True if a request comes from a browser, but not from a page that may use the API.

        Examples: a page of another site, a favicon, an image. The client under test did not send them.
        """
        if headers.get(b"sec-fetch-dest", b"empty") != b"empty":
            return True
        site, origin = headers.get(b"sec-fetch-site"), headers.get(b"origin")
        if origin is None or site == b"same-origin":
            return site == b"cross-site"
        return not self.allow(origin.decode("latin-1"))


class Cors(CORSMiddleware):
    """Starlette's CORS rules, for a request that is routed already. A refused preflight is answered with the cure."""

    def __init__(self, allow: Callable[[str], bool], **options: Any) -> None:
        """``allow`` decides if the pages of an origin may read answers; ``options`` are those of Starlette's class."""
        super().__init__(Response(), allow_private_network=True, **options)  # the application is never called
        self.allow = allow

    def is_allowed_origin(self, origin: str) -> bool:
        return self.allow(origin)

    async def pass_on(self, request: Request, send: Send, handle: Handle) -> None:
        """Answer a preflight. Let ``handle`` answer any other request, and add the CORS headers."""
        headers = Headers(scope=request.scope)
        if request.scope["method"] != "OPTIONS" or "access-control-request-method" not in headers:
            await handle(request, partial(self.send, send=send, request_headers=headers))
            return
        response = self.preflight_response(headers)
        if problems := self._problems(headers):
            request.why = f"the preflight is refused: {'; '.join(problems)}"
            response.body = request.why.encode()
            response.headers["content-length"] = str(len(response.body))
            request.answer = response
            await handle(request, send)
        else:
            await response(request.scope, request.receive, send)

    def _problems(self, headers: Headers) -> list[str]:
        """The problems of a preflight, each with its cure. They go into the journal."""
        problems = []
        if not self.is_allowed_origin(headers["origin"]):
            problems.append("its origin is not allowed, start with --cors-origin ORIGIN")
        if headers["access-control-request-method"] not in self.allow_methods:
            problems.append(f"the API has no such method, only {', '.join(self.allow_methods)}")
        asked = headers.get("access-control-request-headers")
        names = [] if asked is None or self.allow_all_headers else [name.strip() for name in asked.lower().split(",")]
        unknown = [name for name in dict.fromkeys(names) if name not in self.allow_headers]
        if unknown:
            flags = [f"--cors-header {name if _NAME.fullmatch(name) else 'NAME'}" for name in unknown[:_MOST_NAMES]]
            problems.append(f"it asks for headers that are not allowed, start with {' '.join(flags)}")
        return problems


def api_cors(origins: Origins, headers: Collection[str], *, credentials: bool) -> Cors:
    """CORS of the API. Only requests with an ``Origin`` need it."""
    return Cors(
        origins.allow,
        allow_methods=("GET", "POST", "PATCH", "DELETE"),
        allow_headers=[*_HEADERS, *ORDINARY_HEADERS, *headers],
        allow_credentials=credentials,
        expose_headers=_EXPOSED,
    )


def control_cors(headers: Collection[str]) -> Cors:
    """CORS of the control API. It allows every origin: the guard has already refused the others."""
    return Cors(
        lambda _: True,
        allow_methods=("GET", "POST", "PUT", "PATCH", "DELETE"),
        allow_headers=["Content-Type", "Last-Event-ID", "X-Mock-Admin-Token", *ORDINARY_HEADERS, *headers],
    )


def is_own(origin: bytes | None, host: bytes) -> bool:
    """True for a request without an origin, or with the origin of this server, by its ``Host``."""
    return origin is None or origin.lower() in (b"http://" + host.lower(), b"https://" + host.lower())
