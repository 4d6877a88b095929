"""Snapshots: named states to restore and to compare."""

from collections.abc import Iterator
from typing import Any

from starlette.responses import Response

from mock_heidi.base.json_text import to_json
from mock_heidi.base.settings import is_name, wrong_name
from mock_heidi.base.slices import RECORD, Slices
from mock_heidi.base.wording import nearest
from mock_heidi.control.control import ControlError, ControlRoute, respond
from mock_heidi.control.coverage import count_coverage
from mock_heidi.fixtures.kinds import RECORD_KINDS
from mock_heidi.namespaces import lifecycle, snapshots
from mock_heidi.namespaces.snapshots import Snapshot
from mock_heidi.web.request import Request

# The most bytes of differences in one response.
_MOST_BYTES = 8_000_000


async def list_snapshots(request: Request) -> Response:
    return respond({"snapshots": [one.summary() for one in request.namespace.snapshots.values()]})


async def take_snapshot(request: Request) -> Response:
    """Keep the present state under a name. It replaces an older snapshot of that name."""
    name, kept = request.params["name"], request.namespace.snapshots
    if not is_name(name):
        raise ControlError.of(wrong_name(name, "snapshot"))
    if name not in kept and len(kept) >= snapshots.MOST:
        raise ControlError(
            409,
            f"a namespace takes {snapshots.MOST} snapshots at most",
            "delete one with DELETE /_mock/snapshots/{name}",
        )
    return respond(lifecycle.take_snapshot(request.namespace, name).summary())


async def get_snapshot(request: Request) -> Response:
    return respond(_find(request, request.params["name"]).summary())


async def delete_snapshot(request: Request) -> Response:
    found = _find(request, request.params["name"])
    del request.namespace.snapshots[found.name]
    return respond({"snapshots": [one.summary() for one in request.namespace.snapshots.values()]})


async def restore_snapshot(request: Request) -> Response:
    """Restore a state with its transitions and its following ids. Live streams end; the journal stays."""
    found = _find(request, request.params["name"])
    await count_coverage(request.registry, request.namespace)
    lifecycle.restore(request.namespace, found)
    request.registry.begin_coverage(request.namespace)
    return respond(found.summary())


async def compare_snapshot(request: Request) -> Response:
    """The changes since a snapshot, or up to another one."""
    query = request.query
    found = _find(request, request.params["name"])
    other = _find(request, query["against"]).store if "against" in query else request.namespace.store
    differences: dict[str, Any] = {}
    room = _MOST_BYTES
    for name, kind in RECORD_KINDS.items():
        made, size = await _compared(request, snapshots.differing(found.store, other, kind), room)
        room -= size
        if any(made.values()):
            differences[name] = made
    return respond(differences)


async def _compared(request: Request, found: Iterator[tuple[str, Any] | None], room: int) -> tuple[dict[str, Any], int]:
    """The differences of one kind, at most ``room`` bytes, and their size in bytes."""
    clean = request.namespace.journal.clean
    made: dict[str, Any] = {"added": [], "removed": [], "changed": []}
    omitted, size, slices = 0, 0, Slices()
    for difference in found:
        await slices.spend(RECORD)
        if difference is None:
            continue
        if size >= room:
            omitted += 1
            continue
        way, value = difference
        made[way].append(clean(value))
        length = len(to_json(value))
        size += length
        await slices.spend(length)
    return {**made, "omitted": omitted}, size


def _find(request: Request, name: str) -> Snapshot:
    kept = request.namespace.snapshots
    if name not in kept:
        hint = nearest(name, kept) if kept else f"there are none; PUT /_mock/snapshots/{name} keeps one"
        raise ControlError(404, f"there is no snapshot {name!r}", hint)
    return kept[name]


routes = [
    ControlRoute("/snapshots", list_snapshots, "GET"),
    ControlRoute("/snapshots/{name}", take_snapshot, "PUT"),
    ControlRoute("/snapshots/{name}", get_snapshot, "GET"),
    ControlRoute("/snapshots/{name}", delete_snapshot, "DELETE"),
    ControlRoute("/snapshots/{name}/restore", restore_snapshot, "POST"),
    ControlRoute("/snapshots/{name}/diff", compare_snapshot, "GET", query=("against",)),
]
