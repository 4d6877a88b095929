"""The contracts as documents, in YAML and in JSON."""

from functools import lru_cache
from typing import Any

from starlette.responses import Response

from mock_heidi.base import spec
from mock_heidi.base.contract_variants import contract_under
from mock_heidi.base.json_text import to_json
from mock_heidi.control.control import ControlRoute
from mock_heidi.web.request import Request


async def get_openapi(request: Request) -> Response:
    return Response(_contract(request), media_type="application/yaml")


async def get_openapi_json(request: Request) -> Response:
    return Response(_json(_contract(request)), media_type="application/json")


def _contract(request: Request) -> bytes:
    """The contract under the assumptions of the request's namespace."""
    strict = (request.known_namespace or request.registry.start).strict
    return contract_under(request.assumptions, strict=strict)


async def get_control(_: Request) -> Response:
    return Response(spec.control(), media_type="application/yaml")


async def get_control_json(_: Request) -> Response:
    return Response(_json(spec.control()), media_type="application/json")


@lru_cache(maxsize=8)
def _json(document: bytes) -> bytes:
    """A document in YAML as JSON."""
    import yaml

    # The C loader, because the contracts are long and a request waits for it.
    value: Any = yaml.load(document, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe
    return to_json(value)


routes = [
    ControlRoute("/openapi.yaml", get_openapi, "GET"),
    ControlRoute("/openapi.json", get_openapi_json, "GET"),
    ControlRoute("/control.yaml", get_control, "GET"),
    ControlRoute("/control.json", get_control_json, "GET"),
]
