"""The namespaces of a server."""

from typing import Any

from starlette.responses import Response

from mock_heidi.base.assumptions import Assumptions
from mock_heidi.base.settings import (
    DEFAULT_EMAIL,
    DEFAULT_NAMESPACE,
    DEFAULT_THIRD_PARTY_ID,
    ConfigError,
    check_journal,
    is_namespace,
    wrong_name,
)
from mock_heidi.base.slices import in_slices
from mock_heidi.base.wording import nearest
from mock_heidi.base.yaml_scalars import resolve
from mock_heidi.control.answers import rows_of
from mock_heidi.control.assumptions import choice_of
from mock_heidi.control.control import ControlError, ControlRoute, read_fields, refuse, respond
from mock_heidi.control.coverage import count_coverage
from mock_heidi.control.faults import read_rules
from mock_heidi.faults.short_form import FaultError
from mock_heidi.fixtures import loader as fixture_loader
from mock_heidi.fixtures.documents import FixtureError
from mock_heidi.namespaces.namespace import Namespace
from mock_heidi.namespaces.registry import Registry
from mock_heidi.namespaces.snapshots import record_counts
from mock_heidi.namespaces.start import Start
from mock_heidi.state.clock import parse_moment, precise
from mock_heidi.state.store import Base
from mock_heidi.state.stubs import StubError
from mock_heidi.web.request import Request

# The fields of a namespace's start.
_FIELDS = ("fixtures", "seed", "clock", "linked", "api_key", "faults", "scenario", "journal", "assume", "strict")


async def list_namespaces(request: Request) -> Response:
    request.registry.sweep()
    return (await rows_of(map(_row, request.registry))).respond("namespaces")


async def create_namespace(request: Request) -> Response:
    """Make a namespace, or start an existing one anew. The body may say how it starts."""
    name = _name(request)
    query = request.query
    fields = await read_fields(request, _FIELDS)
    registry = request.registry
    if "from" in query:
        return respond(_row(_fork(registry, query["from"], name, fields)))
    start = await _start(request, fields)
    try:
        return respond(_row(registry.make(name, start)))
    except (FaultError, StubError) as error:
        raise ControlError.of(error) from None


def _fork(registry: Registry, source: str, name: str, fields: dict[str, Any]) -> Namespace:
    found = registry.get(source)
    if found is None:
        raise ControlError(404, f"there is no namespace {source!r}", nearest(source, [one.name for one in registry]))
    if fields:
        raise ControlError(400, "a copy cannot have a body of its own", "send no body with ?from=")
    if name in (source, DEFAULT_NAMESPACE):
        raise ControlError(400, f"{name!r} cannot become a copy", "copy into a namespace with another name")
    return registry.fork(found, name)


async def _start(request: Request, fields: dict[str, Any]) -> Start:
    registry = request.registry
    start = registry.start
    fixtures, seed, clock, linked = (fields.get(name) for name in _FIELDS[:4])
    if fields.get("assume") is not None:
        start = start._replace(assumed=_assumed(start, fields["assume"]))
    if fixtures is not None or fields.get("api_key") is not None:
        base = await _base(registry, fixtures, fields.get("api_key"), start.assumed)
        start = start._replace(base=base, has_own_base=True)
    if seed is not None:
        if type(seed := resolve(seed)) is not int:
            raise ControlError(400, "seed is not a whole number", "write it like 7")
        start = start._replace(seed=seed)
    if clock is not None:
        try:
            start = start._replace(frozen=parse_moment(str(clock)))
        except ConfigError as error:
            raise ControlError.of(error) from None
    if linked is not None:
        start = start._replace(linked=_user(linked))
    if "faults" in fields:
        start = start._replace(faults=tuple(await read_rules(request, fields["faults"])))
    if "scenario" in fields:
        start = start._replace(scenario=str(fields["scenario"]))
    strict = _strict(fields.get("strict"), default=start.strict)
    return start._replace(journal=_journal(fields.get("journal")), strict=strict)


def _strict(given: Any, *, default: bool) -> bool:
    strict = default if given is None else resolve(given)
    if type(strict) is not bool:
        raise ControlError(400, "strict is neither true nor false", "send true or false")
    return strict


def _assumed(start: Start, values: Any) -> Assumptions:
    if not isinstance(values, dict):
        raise ControlError(400, "assume is not an object", 'write it like {"gender_case": "exact"}')
    return choice_of(start.assumed, values)


def _journal(mode: Any) -> str | None:
    try:
        return None if mode is None else check_journal(mode)
    except ConfigError as error:
        raise ControlError.of(error) from None


def _user(linked: Any) -> tuple[str, str] | None:
    if type(resolve(linked)) is bool:
        return (DEFAULT_EMAIL, DEFAULT_THIRD_PARTY_ID) if resolve(linked) else None
    hint = "send true, false, or an object with email and third_party_internal_id"
    if not isinstance(linked, dict) or set(linked) != {"email", "third_party_internal_id"}:
        raise ControlError(400, "linked does not name a user", hint)
    if not all(isinstance(value, str) for value in linked.values()):
        raise ControlError(400, "linked has a value that is not a text", hint)
    return linked["email"], linked["third_party_internal_id"]


async def _base(registry: Registry, fixtures: Any, api_key: Any, assumptions: Assumptions) -> Base:
    """The base of these fixtures with this key. None stands for the server's own."""
    # A path in a request never reaches the file system, so a request cannot name a folder.
    if fixtures not in (None, "empty") and not isinstance(fixtures, dict):
        raise ControlError(400, "fixtures are neither 'empty' nor an object", "send an object with lists of records")
    if api_key is not None and not isinstance(api_key, str):
        raise ControlError(400, "api_key is not a text", 'write it like "a-key-of-ours"')
    try:
        key = registry.settings.api_key if api_key is None else api_key
        if fixtures is None:
            # The server's folder or file is not read again, because it may have changed.
            return (
                registry.start.base
                if key is None
                else await in_slices(fixture_loader.with_key(registry.start.base, key))
            )
        return await in_slices(fixture_loader.loading(fixtures, key, assume=assumptions.chosen))
    except FixtureError as error:
        raise refuse(error, "correct the records") from None
    except ConfigError as error:
        raise ControlError.of(error) from None


async def delete_namespace(request: Request) -> Response:
    name = _name(request)
    if name == DEFAULT_NAMESPACE:
        raise ControlError(400, "the default namespace cannot be deleted", "reset it with POST /_mock/reset")
    if (namespace := request.registry.get(name)) is not None:
        await count_coverage(request.registry, namespace)
    if not request.registry.drop(name):
        raise ControlError(404, f"there is no namespace {name!r}", "GET /_mock/namespaces lists them")
    return respond({"deleted": name, "namespaces": len(request.registry)})


def _name(request: Request) -> str:
    name = request.params["name"]
    if not is_namespace(name):
        raise ControlError.of(wrong_name(name, "namespace"))
    return name


def _row(namespace: Namespace) -> dict[str, Any]:
    return {
        "name": namespace.name,
        "counts": {**record_counts(namespace.store), "requests": len(namespace.journal)},
        "journal": namespace.journal.mode,
        "strict": namespace.strict,
        "idle": round(precise() - namespace.last_use, 3),
    }


routes = [
    ControlRoute("/namespaces", list_namespaces, "GET"),
    ControlRoute("/namespaces/{name}", create_namespace, "POST", query=("from",)),
    ControlRoute("/namespaces/{name}", delete_namespace, "DELETE"),
]
