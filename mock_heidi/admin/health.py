"""Whether it lives, and where it is."""

from starlette.responses import Response
from starlette.routing import Route

from mock_heidi.admin.control import known_query, respond
from mock_heidi.http import Request
from mock_heidi.settings import BASE_PATH, VERSION, namespace_path


async def get_health(request: Request) -> Response:
    known_query(request, ())
    namespace = request.namespace
    prefix = namespace_path(namespace.name)
    host, port = request.scope.get("server") or ("", None)
    # A client of HTTP/1.0 need not send a Host.
    called = request.headers.get("host") or (f"{host}:{port}" if port else host)
    return respond(
        {
            "status": "ok",
            "version": VERSION,
            "base_url": f"{request.scope['scheme']}://{called}{prefix}{BASE_PATH}",
            "namespaces": len(request.call.space),
            "seed": namespace.start.seed,
        }
    )


routes = [Route("/health", get_health, methods=["GET"])]
