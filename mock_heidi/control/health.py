"""The health of the server: its status, its address, what is switched on, and its memory."""

from starlette.responses import Response

from mock_heidi.base.settings import BASE_PATH, VERSION, namespace_path
from mock_heidi.control.control import ControlRoute, respond
from mock_heidi.serving.accelerators import is_installed
from mock_heidi.state.clock import precise
from mock_heidi.web.request import Request


async def get_health(request: Request) -> Response:
    namespace, registry = request.namespace, request.registry
    prefix = namespace_path(namespace.name)
    host, port = request.scope.get("server") or ("", None)
    # A client of HTTP/1.0 need not send a Host.
    called = request.header("host") or (f"{host}:{port}" if port else host)
    return respond(
        {
            "status": "ok",
            "version": VERSION,
            "base_url": f"{request.scope['scheme']}://{called}{prefix}{BASE_PATH}",
            "namespaces": len(registry),
            "seed": namespace.start.seed,
            "coverage": registry.settings.coverage,
            "proxy": registry.settings.proxy,
            "https": is_installed("cryptography"),
            "memory": {"used": registry.memory.used, "limit": registry.memory.limit},
            "uptime": round(precise() - registry.started, 3),
        }
    )


routes = [ControlRoute("/health", get_health, "GET")]
