"""The whole state of a namespace as fixtures: reads, replaces, extends and resets it."""

from collections.abc import Collection, Iterable, Iterator

from starlette.responses import Response

from mock_heidi.base.slices import RECORD, SLICE, Slices, in_slices
from mock_heidi.base.values import Record
from mock_heidi.base.wording import nearest
from mock_heidi.control.answers import Streamed
from mock_heidi.control.control import ControlError, ControlRoute, read_body, refuse, renew_namespace, respond
from mock_heidi.control.coverage import count_coverage
from mock_heidi.faults.short_form import FaultError
from mock_heidi.fixtures import loader as fixture_loader
from mock_heidi.fixtures.documents import FixtureError
from mock_heidi.fixtures.export import rows_by_kind, to_row
from mock_heidi.fixtures.export_text import json_pieces, yaml_pieces
from mock_heidi.fixtures.kinds import KINDS
from mock_heidi.namespaces import lifecycle
from mock_heidi.namespaces.namespace import Namespace
from mock_heidi.namespaces.record_changes import StateChangedError, adding
from mock_heidi.state.patient_records import PatientProfile
from mock_heidi.state.session_records import Session
from mock_heidi.state.store import Store
from mock_heidi.state.stubs import StubError
from mock_heidi.web.request import Request

_SHAPE = f"send an object with any of {', '.join(KINDS)}, each a list of records"
_ATTEMPTS = 3
# The cost of a reset, compared with that of a record.
_RESET = 10


async def get_state(request: Request) -> Response:
    rows = rows_by_kind(request.store, _named(request, "kinds", KINDS))
    if "yaml" in (request.header("accept") or ""):
        # Writing YAML takes about ten times as long as writing JSON.
        return Streamed(yaml_pieces(rows), "application/yaml", SLICE // 20)
    return Streamed(json_pieces(rows), "application/json", SLICE // 2)


def _whole(request: Request) -> Response:
    return Streamed(json_pieces(rows_by_kind(request.store)), "application/json", SLICE // 2)


def _named(request: Request, parameter: str, known: Collection[str]) -> frozenset[str]:
    """The names in a parameter, separated by commas. Raises :class:`ControlError` for an unknown one."""
    names = frozenset(name.strip() for name in request.query.get(parameter, "").split(",") if name.strip())
    for name in sorted(names - set(known)):
        raise ControlError(400, f"{parameter} has an unknown part {name!r}", nearest(name, known))
    return names


async def replace_state(request: Request) -> Response:
    """Replace the whole state. The new one is checked first, while other requests use the old one."""
    body = await _fixtures(request)
    # Without keys in the body, the server's key stays the only one. Keys in the body replace it.
    api_key = None if "api_keys" in body else request.registry.settings.api_key
    try:
        base = await in_slices(fixture_loader.loading(body, api_key, assume=request.namespace.assumptions.chosen))
    except FixtureError as error:
        raise refuse(error, _SHAPE) from None
    namespace = _current_namespace(request)
    try:
        faults, stubs = namespace.start.new_faults(Store(base)), namespace.start.new_stubs(Store(base))
    except FaultError as error:
        raise _id_conflict(error) from None
    except StubError as error:
        raise ControlError.of(error, 409) from None
    await count_coverage(request.registry, namespace)
    lifecycle.replace_state(namespace, base)
    request.registry.begin_coverage(namespace)
    if "replies" in body:
        namespace.stubs = stubs
    if "faults" in body:
        namespace.faults = faults
    return _whole(request)


async def add_state(request: Request) -> Response:
    """Add records. They are checked first, and checked again if the state changes meanwhile."""
    body = await _fixtures(request)
    try:
        added = await _added(request, body)
    except FixtureError as error:
        raise refuse(error, _SHAPE) from None
    except FaultError as error:
        raise _id_conflict(error) from None
    except StubError as error:
        raise ControlError.of(error, 409) from None
    kinds: dict[str, type[Record]] = {"patient_profiles": PatientProfile, "sessions": Session}
    rows = {name: map(to_row, _of(kind, added)) for name, kind in kinds.items()}
    return Streamed(json_pieces(rows), "application/json", SLICE // 2)


async def _added(request: Request, body: dict[str, object]) -> list[Record]:
    for _ in range(_ATTEMPTS):
        try:
            return await in_slices(adding(_current_namespace(request), body))
        except StateChangedError:
            continue
    raise ControlError(
        409, "the state changed each time while the records were checked", "send fewer at once, or stop other writers"
    )


def _of(kind: type[Record], records: Iterable[Record]) -> Iterator[Record]:
    return (record for record in records if isinstance(record, kind))


def _current_namespace(request: Request) -> Namespace:
    """The present namespace of the request's name. The earlier one may have been deleted or replaced meanwhile."""
    renew_namespace(request)
    return request.namespace


async def reset(request: Request) -> Response:
    keep = _named(request, "keep", lifecycle.PARTS)
    everything = request.query.get("all", "false")
    if everything not in ("true", "false"):
        raise ControlError(400, f"all={everything} is neither true nor false", "write all=true or leave it out")
    namespaces = request.registry if everything == "true" else [request.namespace]
    slices = Slices()
    restored: list[str] = []
    for namespace in namespaces:
        if "findings" in keep:
            # The reset would run the rest of the checks in one go.
            await in_slices(namespace.checks.running(namespace.journal))
        await count_coverage(request.registry, namespace)
        restored = lifecycle.reset(namespace, keep)
        if "state" in restored:
            request.registry.begin_coverage(namespace)
        await slices.spend(RECORD * _RESET)
    return respond({"reset": restored})


async def _fixtures(request: Request) -> dict[str, object]:
    body = await read_body(request, request.registry.settings.max_state)
    if not isinstance(body, dict):
        raise ControlError(400, "the body is not an object of fixtures", _SHAPE)
    return body


def _id_conflict(error: FaultError) -> ControlError:
    return ControlError(400, f"faults: {error}", "choose other ids than those of active rules and of the start")


routes = [
    ControlRoute("/state", get_state, "GET", query=("kinds",)),
    ControlRoute("/state", replace_state, "PUT"),
    ControlRoute("/state", add_state, "POST"),
    ControlRoute("/reset", reset, "POST", query=("keep", "all")),
]
