"""Pages for people and tools: the list of endpoints and the contracts."""

from html import escape

from starlette.responses import Response

from mock_heidi.base import spec
from mock_heidi.base.contract_variants import contract_under
from mock_heidi.base.settings import BASE_PATH, namespace_path
from mock_heidi.control.control import ControlRoute
from mock_heidi.web.request import Request

_ENDPOINTS = (
    ("API", f"{BASE_PATH}/…", "the Heidi Open API: sign in with GET /jwt"),
    ("Namespaces", "/ns/{name}/…", "an isolated Heidi under the same paths"),
    ("Contract", "/_mock/openapi.yaml", "the OpenAPI document of the API"),
    ("Control API", "/_mock/control.yaml", "the OpenAPI document of the control API"),
    ("Health", "/_mock/health", "version, base URL, number of namespaces"),
    ("State", "/_mock/state", "all records as fixtures; PUT replaces them, POST adds some"),
    ("Requests", "/_mock/requests", "the last requests, without their secrets"),
    ("Verify", "/_mock/verify", "POST: checks your client's requests"),
    ("Events", "/_mock/events", "requests and changes as server-sent events"),
    ("Findings", "/_mock/findings", "mistakes of the client"),
    ("Clock", "/_mock/clock", "the time of the mock; PUT sets it, POST /_mock/clock/advance moves it"),
    ("Transitions", "/_mock/transitions", "when transcription, parsing and notes are done"),
    ("Replies", "/_mock/replies", "texts and answers that replace the mock's own"),
    ("Faults", "/_mock/faults", "rules for deliberate faults"),
    ("Scenarios", "/_mock/scenarios", "sets of faults; POST /_mock/scenarios/{name} adds one"),
    ("All namespaces", "/_mock/namespaces", "the namespaces of this server"),
    ("Snapshots", "/_mock/snapshots", "saved states to restore and to compare"),
    ("Reset", "/_mock/reset", "POST: puts everything back to its start"),
)
# These endpoints refuse GET, so the page does not link to them.
_POST_ONLY = ("/_mock/reset", "/_mock/verify")
_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>mock_heidi</title>
<style>
  body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 3rem auto; padding: 0 1rem; color: #1d2733 }}
  code {{ font-size: .95em; background: #eef2f6; padding: .1em .35em; border-radius: .25em }}
  td {{ padding: .35rem 1.5rem .35rem 0; vertical-align: top }}
</style>
<h1>mock_heidi</h1>
<p>The Heidi Health Open API on your own machine. These are its endpoints:</p>
<table>
{rows}
</table>
"""


async def get_endpoints(request: Request) -> Response:
    # The page links to the request's own namespace, which this call makes if it does not exist.
    prefix = namespace_path(request.namespace.name)
    rows = "\n".join(
        f"<tr><td>{escape(title)}<td>{_link(prefix, path)}<td>{escape(meaning)}" for title, path, meaning in _ENDPOINTS
    )
    headers = {"content-security-policy": "default-src 'none'; style-src 'unsafe-inline'", "x-frame-options": "DENY"}
    return Response(_PAGE.format(rows=rows), media_type="text/html", headers=headers)


def _link(prefix: str, path: str) -> str:
    url = prefix + path if path.startswith("/_mock") else path
    code = f"<code>{escape(url)}</code>"
    is_link = "…" not in path and path not in _POST_ONLY
    return f'<a href="{escape(url)}">{code}</a>' if is_link else code


async def get_openapi(request: Request) -> Response:
    strict = (request.known_namespace or request.registry.start).strict
    return Response(contract_under(request.assumptions, strict=strict), media_type="application/yaml")


async def get_control(_: Request) -> Response:
    return Response(spec.control(), media_type="application/yaml")


routes = [
    ControlRoute("/", get_endpoints, "GET"),
    ControlRoute("/openapi.yaml", get_openapi, "GET"),
    ControlRoute("/control.yaml", get_control, "GET"),
]
