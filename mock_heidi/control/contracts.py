"""The contracts as documents."""

from starlette.responses import Response

from mock_heidi.base import spec
from mock_heidi.base.contract_variants import contract_under
from mock_heidi.control.control import ControlRoute
from mock_heidi.web.request import Request


async def get_openapi(request: Request) -> Response:
    strict = (request.known_namespace or request.registry.start).strict
    return Response(contract_under(request.assumptions, strict=strict), media_type="application/yaml")


async def get_control(_: Request) -> Response:
    return Response(spec.control(), media_type="application/yaml")


routes = [
    ControlRoute("/openapi.yaml", get_openapi, "GET"),
    ControlRoute("/control.yaml", get_control, "GET"),
]
