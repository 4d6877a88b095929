"""The whole server on one page: a Starlette application with two surfaces, each with its stack."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.responses import RedirectResponse
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from mock_heidi import admin, api
from mock_heidi.admin.control import ControlError, Controlled, Guard, WrongMethodError, nearest, respond
from mock_heidi.cors import ApiCors, ControlCors, Origins
from mock_heidi.errors import HostNotAllowedError, MethodNotAllowedError, NotFoundError
from mock_heidi.exchange import Exchange, Listener
from mock_heidi.hosts import Hosts, Refused
from mock_heidi.http import Call, Request, announces_body, take_in
from mock_heidi.operations import SIGN_IN
from mock_heidi.registry import Registry
from mock_heidi.router import NO_MATCH, Match, Router, split
from mock_heidi.settings import BASE_PATH, ConfigError, Settings, is_namespace
from mock_heidi.tokens import Caller
from mock_heidi.unmatched import explain

_BASE = split(BASE_PATH)
_BELOW = f"{BASE_PATH}/"
_VENDOR_ZONE = "heidihealth.com"
_OTHER_HOST = "its Host is no name or address of this server"


def create_app(settings: Settings | None = None, /, *, listener: Listener | None = None, **options: Any) -> App:
    """The ASGI application, ready without a lifespan; ``options`` are the fields of :class:`Settings`.

    ``listener`` is told of each answer of the vendor surface: the namespace's name, its journal, the entry.
    Raises :class:`ConfigError` for settings and fixtures that cannot be used.
    """
    if settings is not None and options:
        raise ConfigError(f"create_app: give settings or {', '.join(options)}, not both")
    settings = settings or Settings(**options)
    origins = Origins(settings.cors_origins)
    api_stack = ApiCors(Exchange(listener), origins, settings.cors_headers, credentials=settings.cors_credentials)
    control_stack = Guard(
        ControlCors(Controlled(_operate), settings.cors_headers),
        settings.allowed_hosts,
        settings.admin_origins,
        origins,
        settings.admin_token,
    )
    return App(
        Registry(settings),
        Surface([*api.ROUTES, *api.SPELLINGS], api_stack, _not_found),
        Surface(admin.ROUTES, control_stack, _no_door),
        origins,
    )


def _not_found(match: Match, _: str) -> Exception:
    return MethodNotAllowedError(match.allow) if match.allow else NotFoundError()


def _no_door(match: Match, path: str) -> Exception:
    if match.allow:
        return WrongMethodError(match.allow)
    return ControlError(
        404, f"there is no door {path!r}", nearest(path, [f"/_mock{route.path}" for route in admin.ROUTES])
    )


class Surface:
    """One of the two surfaces: its routes, an exact router for them, and the stack that answers its requests."""

    def __init__(self, routes: list[Route], stack: ASGIApp, unplaced: Callable[[Match, str], Exception]) -> None:
        """``unplaced`` makes the error for a path or method that no route has."""
        self.routes = routes
        self.exact = Router(routes)
        self.stack = stack
        self.unplaced = unplaced

    def call(self, registry: Registry, name: str | None, scope: Scope, segments: Sequence[str]) -> Call:
        """The :class:`Call` of a request, made once its path and method are known."""
        match = self.exact.find(scope["method"], segments)
        call = scope["mock_heidi"] = Call(registry, name, match, segments, scope)
        if match.route is None:
            call.refusal = self.unplaced(match, scope["path"])
        return call


async def _operate(scope: Scope, receive: Receive, send: Send) -> None:
    """Run a handler of the control API and send its answer."""
    call: Call = scope["mock_heidi"]
    assert call.route is not None  # noqa: S101 - a call without a route was refused before
    response = await call.route.endpoint(Request(call, scope, receive))
    if not call.taken and announces_body(call.headers):
        await take_in(scope, receive)
    await response(scope, receive, send)


class App(Starlette):
    """The whole server as a Starlette application, which can be mounted below a path of another one.

    ``routes`` lists the endpoints of both surfaces. Starlette's walk over them and its layers would cost more than most
    handlers, so a request is routed here: to its surface, namespace, operation and caller.
    """

    def __init__(self, registry: Registry, vendor: Surface, control: Surface, origins: Origins) -> None:
        super().__init__(routes=[Mount(BASE_PATH, routes=vendor.routes), Mount("/_mock", routes=control.routes)])
        self.registry = registry
        self.hosts = Hosts(registry.settings.allowed_hosts, zones=[_VENDOR_ZONE])
        self.vendor = vendor
        self.control = control
        self.origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            # A lifespan has nothing to wait for, and there are no websockets: Starlette says both.
            await super().__call__(scope, receive, send)
            return
        path: str = scope["path"]
        root: str = scope.get("root_path", "")
        if path.startswith(_BELOW):  # as nearly all do
            await self._vendor(None, split(path[len(_BELOW) :]), scope, receive, send)
            return
        segments = split(path.removeprefix(root) if root else path)
        name = None
        if segments[:1] == ["ns"] and len(segments) > 1:
            name, segments = segments[1], segments[2:]
        if segments[:4] == _BASE:
            await self._vendor(name, segments[4:], scope, receive, send)
        elif segments[:1] == ["_mock"]:
            await self._control(name, segments[1:], scope, receive, send)
        elif name is None and segments in ([], ["livez"], ["readyz"]) and scope["method"] in ("GET", "HEAD"):
            response = respond({"status": "ok"}) if segments else RedirectResponse(f"{root}/_mock/")
            await response(scope, receive, send)
        else:
            await self._vendor(name, None, scope, receive, send)

    def _vendor(
        self, name: str | None, segments: list[str] | None, scope: Scope, receive: Receive, send: Send
    ) -> Awaitable[None]:
        registry = self.registry
        if segments is None or (name is not None and not is_namespace(name)):
            call = scope["mock_heidi"] = Call(registry, name, NO_MATCH, (), scope)
            call.refusal = NotFoundError()
        else:
            call = self.vendor.call(registry, name, scope, segments)
        # Of a repeated header the call has only the last.
        known = call.headers.get(b"host") in self.hosts.good and len(call.headers) == len(scope["headers"])
        if not known and (refused := self.hosts.refusal(scope)):
            self._bar(call, refused)
            return self.vendor.stack(scope, receive, send)
        if call.route is None:
            call.why, call.stray = explain(self.vendor.exact, scope, segments), self.origins.is_stray(call.headers)
        elif registry.settings.request_faults:
            call.asked_fault = call.headers.get(b"x-mock-fault")
        if call.operation == SIGN_IN:
            key = call.headers.get(b"heidi-api-key")
            call.opened = None if key is None else registry.open(key.decode("latin-1"), name)
            spoken = name if call.opened is None else call.opened[0]
        else:
            call.caller = caller = registry.tokens.identify(call.headers.get(b"authorization"))
            spoken = name or (caller.namespace if isinstance(caller, Caller) else None)
        call.namespace = registry.default if spoken is None else registry.get(spoken)
        return self.vendor.stack(scope, receive, send)

    def _bar(self, call: Call, refused: Refused) -> None:
        """Leave nothing of a request but its refusal, which the default namespace's journal keeps."""
        call.barred, call.refusal = True, HostNotAllowedError(refused.what, refused.cure)
        call.why = f"{_OTHER_HOST}; {refused.logged}"
        call.stray = self.origins.is_stray(call.headers)
        call.name = call.route = call.operation = None
        call.namespace = self.registry.default

    async def _control(self, name: str | None, segments: list[str], scope: Scope, receive: Receive, send: Send) -> None:
        call = self.control.call(self.registry, name, scope, segments)
        if name is not None and not is_namespace(name):
            hint = "use letters, digits, '-', '_' and '.', 64 at most"
            call.refusal = ControlError(400, f"{name!r} is no name for a namespace", hint)
        call.namespace = self.registry.get(name or self.registry.default.name)
        await self.control.stack(scope, receive, send)
