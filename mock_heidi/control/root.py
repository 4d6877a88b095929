"""The paths at the root of the server that belong to neither surface: signs of life, the icon, and ways to the pages.

They hold no data, need no token, and are not journaled.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from starlette.responses import RedirectResponse, Response
from starlette.types import Scope

from mock_heidi import dashboard
from mock_heidi.base.hosts import region_of
from mock_heidi.base.settings import DEFAULT_NAMESPACE, is_namespace, namespace_path
from mock_heidi.control.control import respond
from mock_heidi.serving.proxy import PROXIED

# Where people look for the reference and for the contract.
_PAGES = ("docs", "openapi.json", "openapi.yaml")


def root_answer(scope: Scope, name: str | None, segments: list[str]) -> Response | None:
    """The answer to a request for a path at the root, or at the root of a namespace; None for any other request."""
    if len(segments) > 1 or scope["method"] not in ("GET", "HEAD"):
        return None
    page, root = segments[0] if segments else "", scope.get("root_path", "")
    if page in _PAGES and (name is None or is_namespace(name)) and not _is_vendors(scope):
        return RedirectResponse(f"{root}{namespace_path(name or DEFAULT_NAMESPACE)}/_mock/{page}")
    if name is not None:
        return None
    if page in ("livez", "readyz"):
        return respond({"status": "ok"})
    if page == "favicon.ico":
        return Response(_icon(), media_type="image/svg+xml", headers={"cache-control": "max-age=86400"})
    return None if page else RedirectResponse(f"{root}/_mock/")


def _is_vendors(scope: Scope) -> bool:
    """True for a request to a host of the real service, which reaches only the API."""
    host = next((value for header, value in scope["headers"] if header == b"host"), None)
    return PROXIED in scope or region_of(host) is not None


@cache
def _icon() -> bytes:
    return (Path(dashboard.__file__).parent / "icon.svg").read_bytes()
