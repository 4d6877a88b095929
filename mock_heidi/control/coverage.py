"""Coverage of the contract by the clients of this server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response

from mock_heidi.base.slices import in_slices
from mock_heidi.control.control import ControlError, ControlRoute, respond
from mock_heidi.namespaces.namespace import Namespace
from mock_heidi.namespaces.registry import Registry
from mock_heidi.web.request import Request

if TYPE_CHECKING:
    from mock_heidi.observing.coverage.tally import Tally


async def get_coverage(request: Request) -> Response:
    """The coverage by the requests of all namespaces, those of deleted ones included."""
    from mock_heidi.observing.coverage.report import Report

    return respond(Report((await _counted(request)).counts).to_json())


async def forget_coverage(request: Request) -> Response:
    """Set all counts to 0. The requests so far no longer count."""
    tally = await _counted(request)
    tally.forget()
    return respond({"forgotten": True})


async def count_coverage(registry: Registry, *namespaces: Namespace) -> None:
    """Count the requests of namespaces before their journals forget them, which would count them in one go."""
    if registry.tally is not None:
        await in_slices(registry.tally.counting(namespace.journal for namespace in namespaces))


async def _counted(request: Request) -> Tally:
    """The tally, with all requests that are complete. Raises :class:`ControlError` if the server counts none."""
    tally = request.registry.tally
    if tally is None:
        raise ControlError(404, "this server does not count coverage", "start it with mock-heidi serve --coverage")
    await count_coverage(request.registry, *request.registry)
    return tally


routes = [
    ControlRoute("/coverage", get_coverage, "GET"),
    ControlRoute("/coverage", forget_coverage, "DELETE"),
]
