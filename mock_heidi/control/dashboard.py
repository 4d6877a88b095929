"""The dashboard and the reference: their pages and files. These hold no data: the pages ask the control API for it."""

from hashlib import sha256
from pathlib import Path

from starlette.responses import RedirectResponse, Response

from mock_heidi.base.settings import DEFAULT_NAMESPACE, namespace_path
from mock_heidi.control.control import ControlError, ControlRoute
from mock_heidi.dashboard.files import TYPES, content, names
from mock_heidi.web.request import Request

# The browser may load only files of this server. The frame that shows a note has its own, stricter policy.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; worker-src 'self';"
    " frame-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "cache-control": "no-cache",
    "content-security-policy": _POLICY,
    "cross-origin-opener-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


def _respond(request: Request, name: str) -> Response:
    """A file of the dashboard; 304 if the browser has it."""
    text = content(name).encode()
    tag = f'"{sha256(text).hexdigest()[:16]}"'
    headers = {**_HEADERS, "etag": tag}
    if request.header("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(text, media_type=TYPES[Path(name).suffix], headers=headers)


async def get_dashboard(request: Request) -> Response:
    """The page. Its links are relative, so its address must end with a slash."""
    scope = request.scope
    if scope["path"].endswith("/"):
        return _respond(request, "page.html")
    # Made of the namespace, since a browser takes a path such as //_mock for another host.
    return RedirectResponse(f"{scope.get('root_path', '')}{namespace_path(request.name or DEFAULT_NAMESPACE)}/_mock/")


async def get_reference(request: Request) -> Response:
    return _respond(request, "docs.html")


async def get_dashboard_file(request: Request) -> Response:
    name = f"{request.params['folder']}/{request.params['file']}"
    if name not in names():
        raise ControlError(404, f"the dashboard has no file {name!r}", "open /_mock/")
    return _respond(request, name)


routes = [
    ControlRoute("/", get_dashboard, "GET"),
    ControlRoute("/docs", get_reference, "GET"),
    ControlRoute("/ui/{folder}/{file}", get_dashboard_file, "GET"),
]
