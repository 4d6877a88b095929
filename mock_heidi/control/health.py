"""The health of the server, and what a client needs in order to reach it."""

from importlib.util import find_spec

from starlette.responses import Response

from mock_heidi.base.settings import (
    BASE_PATH,
    DEFAULT_EMAIL,
    DEFAULT_NAMESPACE,
    DEFAULT_THIRD_PARTY_ID,
    VERSION,
    namespace_path,
)
from mock_heidi.control.control import ControlRoute, respond
from mock_heidi.serving.connection import connection_of
from mock_heidi.state.clock import precise
from mock_heidi.web.request import Request


async def get_health(request: Request) -> Response:
    namespace, registry = request.namespace, request.registry
    return respond(
        {
            "status": "ok",
            "version": VERSION,
            "base_url": _base_url(request, request.scope["scheme"]),
            "namespaces": len(registry),
            "seed": namespace.start.seed,
            "memory": {"used": registry.memory.used, "limit": registry.memory.limit},
            "uptime": round(precise() - registry.started, 3),
        }
    )


async def get_access(request: Request) -> Response:
    """The URLs and the API keys for a client of the namespace, and the options of the server that it meets."""
    namespace, settings, name = request.namespace, request.registry.settings, request.namespace.name
    suffix = "" if name == DEFAULT_NAMESPACE else f".{name}"
    # In process there is no socket, so neither https nor a proxy.
    socket = connection_of(request.scope) is not None
    return respond(
        {
            "base_url": _base_url(request, "http" if socket else request.scope["scheme"]),
            "https_base_url": _base_url(request, "https") if socket and find_spec("cryptography") else None,
            "proxy_url": f"http://{_host(request)}" if socket and settings.proxy else None,
            "api_keys": [
                {"key": key.key, "key_at_root": key.key + suffix, "region": key.region}
                for key in namespace.keys.values()
            ],
            "email": DEFAULT_EMAIL,
            "third_party_internal_id": DEFAULT_THIRD_PARTY_ID,
            "strict": namespace.strict,
            "journal": namespace.journal.mode,
            "coverage": settings.coverage,
            "provenance": settings.provenance,
            "request_faults": settings.request_faults,
        }
    )


def _host(request: Request) -> str:
    """The host and port by which the client has called the server."""
    host, port = request.scope.get("server") or ("", None)
    # A client of HTTP/1.0 need not send a Host.
    return request.header("host") or (f"{host}:{port}" if port else host)


def _base_url(request: Request, scheme: str) -> str:
    """The base URL of the API in the namespace."""
    return f"{scheme}://{_host(request)}{namespace_path(request.namespace.name)}{BASE_PATH}"


routes = [ControlRoute("/health", get_health, "GET"), ControlRoute("/access", get_access, "GET")]
