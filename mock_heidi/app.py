"""The whole server on one page: a Starlette application with two surfaces, the API and the control API."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

from starlette.applications import Starlette
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import Receive, Scope, Send

from mock_heidi import api
from mock_heidi.base.errors import HostNotAllowedError
from mock_heidi.base.hosts import Hosts
from mock_heidi.base.settings import BASE_PATH, ConfigError, Settings, is_namespace, wrong_name
from mock_heidi.base.vendor_hosts import REGIONS
from mock_heidi.base.wording import nearest
from mock_heidi.control.control import ControlError, WrongMethodError, operate
from mock_heidi.control.guard import Guard
from mock_heidi.control.root import root_answer
from mock_heidi.namespaces.registry import Registry
from mock_heidi.serving.proxy import PROXIED
from mock_heidi.web.admission import identify
from mock_heidi.web.cors import Origins, api_cors, control_cors, is_own
from mock_heidi.web.exchange import Exchange, Listener, refusal
from mock_heidi.web.request import Request
from mock_heidi.web.router import NO_MATCH, Router, split
from mock_heidi.web.unmatched import explain

_BASE = split(BASE_PATH)
_BELOW = f"{BASE_PATH}/"


def create_app(settings: Settings | None = None, /, *, listener: Listener | None = None, **options: Any) -> App:
    """The ASGI application, ready without a lifespan; ``options`` are the fields of :class:`Settings`.

    The server calls ``listener`` after each answer of the API with the namespace's name, its journal and the entry.
    Raises :class:`ConfigError` for invalid settings or fixtures.
    """
    if settings is not None and options:
        raise ConfigError(f"create_app: give settings or {', '.join(options)}, not both")
    return App(settings or Settings(**options), listener)


def _control_routes() -> list[Route]:
    from mock_heidi.control.routes import ROUTES  # noqa: PLC0415 - the server starts without them

    return ROUTES


class _Endpoints(Mount):
    """The endpoints of a surface. They are loaded when the first request or listing needs them."""

    def __init__(self, path: str, find_routes: Callable[[], list[Route]]) -> None:
        super().__init__(path, routes=())
        self._find_routes = find_routes

    @property
    def routes(self) -> list[BaseRoute]:
        return list(self._find_routes())

    @cached_property
    def router(self) -> Router:
        """The exact router of these endpoints."""
        return Router(self._find_routes())


class App(Starlette):
    """The whole server as a Starlette application. Another application can mount it below a path.

    ``routes`` lists the endpoints of both surfaces. Starlette would try them one by one, below several layers, which
    costs more than most handlers. So this class finds the surface, namespace, operation and caller of a request.
    """

    def __init__(self, settings: Settings, listener: Listener | None = None) -> None:
        self.api = _Endpoints(BASE_PATH, lambda: [*api.ROUTES, *api.SPELLINGS])
        self.control = _Endpoints("/_mock", _control_routes)
        super().__init__(routes=[self.api, self.control])
        self.registry = Registry(settings)
        self.hosts = Hosts((*settings.allowed_hosts, *REGIONS))
        self.origins = Origins(settings.cors_origins)
        self.cors = api_cors(self.origins, settings.cors_headers, credentials=settings.cors_credentials)
        self.exchange = Exchange(listener)
        self.guard = Guard(settings.allowed_hosts, settings.admin_origins, self.origins, settings.admin_token)
        self.control_cors = control_cors(settings.cors_headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            # Starlette completes a lifespan at once and refuses websockets.
            await super().__call__(scope, receive, send)
            return
        path: str = scope["path"]
        if path.startswith(_BELOW):  # most paths do
            request = self._api_request(None, path[len(_BELOW) :], scope, receive)
        else:
            root: str = scope.get("root_path", "")
            name, segments = _namespace_in(split(path.removeprefix(root)))
            if segments[:1] == ["_mock"]:
                await self._control(name, "/".join(segments[1:]), scope, receive, send)
                return
            if (response := root_answer(scope, name, segments)) is not None:
                await response(scope, receive, send)
                return
            known = segments[:4] == _BASE and (name is None or is_namespace(name))
            request = self._api_request(name, "/".join(segments[4:]) if known else None, scope, receive)
        if b"origin" in request.headers:
            await self.cors.pass_on(request, send, self.exchange)
        else:
            await self.exchange(request, send)

    def _api_request(self, name: str | None, path: str | None, scope: Scope, receive: Receive) -> Request:
        """A request to the API. ``path`` is the path below the base path; None for any other path."""
        found = NO_MATCH if path is None else self.api.router.find(scope["method"], path)
        request = Request(self.registry, found, scope, receive)
        request.name = scope[PROXIED].namespace if name is None and PROXIED in scope else name
        # The request keeps only the last of repeated headers. If there are any, check the host with all headers.
        good = request.headers.get(b"host") in self.hosts.good and len(request.headers) == len(scope["headers"])
        if not good and (refused := self.hosts.refusal(scope)):
            # Keep only the refusal of the request. It goes into the journal of the default namespace.
            request = Request(self.registry, NO_MATCH, scope, receive)
            request.known_namespace = self.registry.default
            request.answer = refusal(request, HostNotAllowedError(refused.what, refused.cure))
            request.why = f"its Host is not a name or address of this server; {refused.logged}"
        else:
            identify(request)
            if request.route is None:
                request.why = explain(self.api.router, scope, path)
        if request.route is None:
            request.stray = self.origins.is_stray(request.headers)
        return request

    async def _control(self, name: str | None, path: str, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(self.registry, self.control.router.find(scope["method"], path), scope, receive)
        request.name = name
        request.known_namespace = self.registry.get(name or self.registry.default.name)
        if name is not None and not is_namespace(name):
            request.answer = ControlError.of(wrong_name(name, "namespace")).response
        elif request.allow:
            request.answer = WrongMethodError(request.allow).response
        elif request.route is None:
            hint = nearest(scope["path"], [f"/_mock{route.path}" for route in self.control.router.routes])
            request.answer = ControlError(404, f"there is no endpoint {scope['path']!r}", hint).response
        if (refused := self.guard.refusal(request)) is not None:
            await refused(scope, receive, send)
        elif is_own(request.headers.get(b"origin"), request.headers.get(b"host", b"")):
            await operate(request, send)
        else:
            await self.control_cors.pass_on(request, send, operate)


def _namespace_in(segments: list[str]) -> tuple[str | None, list[str]]:
    """The namespace in a path, None if it has none, and the segments after it."""
    if segments[:1] == ["ns"] and len(segments) > 1:
        return segments[1], segments[2:]
    return None, segments
