"""Pages for people and tools: the list of endpoints, and the contracts."""

from html import escape

from starlette.responses import Response
from starlette.routing import Route

from mock_heidi.base import spec
from mock_heidi.base.contract_variants import contract_under
from mock_heidi.base.settings import BASE_PATH, namespace_path
from mock_heidi.control.control import known_query
from mock_heidi.web.request import Request

_DOORS = (
    ("Vendor surface", f"{BASE_PATH}/…", "the Heidi Open API: sign in with GET /jwt"),
    ("Namespaces", "/ns/{name}/…", "another, isolated Heidi under the same paths"),
    ("Contract", "/_mock/openapi.yaml", "what the API promises"),
    ("Control API", "/_mock/control.yaml", "what the control API promises"),
    ("Health", "/_mock/health", "version, base URL, number of namespaces"),
    ("State", "/_mock/state", "GET, PUT and POST: everything as fixtures"),
    ("Requests", "/_mock/requests", "the last requests, without their secrets"),
    ("Verify", "/_mock/verify", "POST: what you expect of your client's requests"),
    ("Events", "/_mock/events", "what happens, as it happens: server-sent events"),
    ("Findings", "/_mock/findings", "mistakes of the client"),
    ("Clock", "/_mock/clock", "the time here; PUT sets it, /_mock/clock/advance moves it"),
    ("Transitions", "/_mock/transitions", "how what takes time goes on"),
    ("Replies", "/_mock/replies", "what is said instead of the mock's own words"),
    ("Faults", "/_mock/faults", "what goes wrong on purpose"),
    ("Scenarios", "/_mock/scenarios", "situations made of faults; POST /_mock/scenarios/{name} starts one"),
    ("What it holds", "/_mock/namespaces", "what this server holds"),
    ("Snapshots", "/_mock/snapshots", "states to come back to and to compare with"),
    ("Reset", "/_mock/reset", "POST: back to the beginning"),
)
# Nothing to look at: following a link would only be refused.
_POSTED = ("/_mock/reset", "/_mock/verify")
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


async def get_doors(request: Request) -> Response:
    known_query(request, ())
    # The endpoints of the namespace that was asked, which is made like by any other call.
    prefix = namespace_path(request.namespace.name)
    rows = "\n".join(
        f"<tr><td>{escape(title)}<td>{_door(prefix, path)}<td>{escape(meaning)}" for title, path, meaning in _DOORS
    )
    headers = {"content-security-policy": "default-src 'none'; style-src 'unsafe-inline'", "x-frame-options": "DENY"}
    return Response(_PAGE.format(rows=rows), media_type="text/html", headers=headers)


def _door(prefix: str, path: str) -> str:
    link = prefix + path if path.startswith("/_mock") else path
    code = f"<code>{escape(link)}</code>"
    is_link = "…" not in path and path not in _POSTED
    return f'<a href="{escape(link)}">{code}</a>' if is_link else code


async def get_openapi(request: Request) -> Response:
    known_query(request, ())
    return Response(contract_under(request.assumptions), media_type="application/yaml")


async def get_control(request: Request) -> Response:
    known_query(request, ())
    return Response(spec.control(), media_type="application/yaml")


routes = [
    Route("/", get_doors, methods=["GET"]),
    Route("/openapi.yaml", get_openapi, methods=["GET"]),
    Route("/control.yaml", get_control, methods=["GET"]),
]
