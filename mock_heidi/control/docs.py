"""The pages of ``docs``, which the reference shows beside the contracts."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from mock_heidi.base.slices import RECORD, Slices
from mock_heidi.base.wording import nearest
from mock_heidi.control import doc_pages
from mock_heidi.control.control import ControlError, ControlRoute, respond
from mock_heidi.web.request import Request

# The cost of reading a page for the first time.
_PAGE = 100 * RECORD


async def list_doc_pages(_: Request) -> Response:
    """All pages with their sections, in the order of the contents."""
    slices, rows = Slices(), []
    for name in doc_pages.names():
        rows.append(_row(name))
        await slices.spend(_PAGE)
    return respond({"pages": rows})


def _row(name: str) -> dict[str, Any]:
    page = doc_pages.page(name)
    return {"name": name, "title": page.title, "sections": [section._asdict() for section in page.sections]}


async def get_doc_page(request: Request) -> Response:
    name = request.params["name"]
    if name not in doc_pages.names():
        raise ControlError(404, f"docs has no page {name!r}", nearest(name, doc_pages.names()))
    page = doc_pages.page(name)
    return respond({"name": name, "title": page.title, "html": page.html})


routes = [
    ControlRoute("/docs/pages", list_doc_pages, "GET"),
    ControlRoute("/docs/pages/{name}", get_doc_page, "GET"),
]
