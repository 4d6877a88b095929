"""The contracts as documents."""

from functools import lru_cache
from typing import Any

from starlette.responses import Response

from mock_heidi.base import spec
from mock_heidi.base.contract_variants import contract_under
from mock_heidi.base.json_text import to_json
from mock_heidi.control.control import ControlRoute
from mock_heidi.web.request import Request
from mock_heidi.web.response import Answer


async def get_openapi(request: Request) -> Response:
    return _yaml(request, _contract(request))


async def get_openapi_json(request: Request) -> Response:
    return Answer(_json(_contract(request)))


async def get_control(request: Request) -> Response:
    return _yaml(request, spec.control())


async def get_control_json(_: Request) -> Response:
    return Answer(_json(spec.control()))


def _contract(request: Request) -> bytes:
    """The contract under the assumptions of the namespace."""
    strict = (request.known_namespace or request.registry.start).strict
    return contract_under(request.assumptions, strict=strict)


def _yaml(request: Request, document: bytes) -> Response:
    """A document as YAML; as plain text for a browser that opens it, which would otherwise save it as a file."""
    accepted, mode = request.header("accept") or "", request.header("sec-fetch-mode")
    is_opened = mode == "navigate" or "text/html" in accepted
    return Response(document, media_type="text/plain" if is_opened else "application/yaml")


@lru_cache(maxsize=8)
def _json(document: bytes) -> bytes:
    """A document in YAML as JSON. It is kept, because a contract is long."""
    import yaml

    value: Any = yaml.load(document, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe
    return to_json(value)


routes = [
    ControlRoute("/openapi.yaml", get_openapi, "GET"),
    ControlRoute("/openapi.json", get_openapi_json, "GET"),
    ControlRoute("/control.yaml", get_control, "GET"),
    ControlRoute("/control.json", get_control_json, "GET"),
]
