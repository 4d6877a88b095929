"""The health of the server: its status, its address, and what it uses."""

from starlette.responses import Response
from starlette.routing import Route

from mock_heidi.admin.control import known_query, respond
from mock_heidi.clock import precise
from mock_heidi.request import Request
from mock_heidi.settings import BASE_PATH, VERSION, namespace_path


async def get_health(request: Request) -> Response:
    known_query(request, ())
    namespace, space = request.namespace, request.registry
    prefix = namespace_path(namespace.name)
    host, port = request.scope.get("server") or ("", None)
    # A client of HTTP/1.0 need not send a Host.
    called = request.header("host") or (f"{host}:{port}" if port else host)
    return respond(
        {
            "status": "ok",
            "version": VERSION,
            "base_url": f"{request.scope['scheme']}://{called}{prefix}{BASE_PATH}",
            "namespaces": len(space),
            "seed": namespace.start.seed,
            "memory": {"used": space.memory.used, "limit": space.memory.limit},
            "uptime": round(precise() - space.started, 3),
        }
    )


routes = [Route("/health", get_health, methods=["GET"])]
