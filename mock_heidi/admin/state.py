"""The whole state of a namespace as fixtures, to look at, to replace, to add to and to put back."""

from starlette.responses import Response
from starlette.routing import Route

from mock_heidi import seeds
from mock_heidi.admin.control import ControlError, known_query, nearest, read_body, respond
from mock_heidi.faults import FaultError
from mock_heidi.http import Request
from mock_heidi.models import PatientProfile, Reply, Session
from mock_heidi.namespace import PARTS
from mock_heidi.replies import Replies, ReplyError
from mock_heidi.store import Store
from mock_heidi.yaml_text import FixtureError, dump_yaml

_SHAPE = f"send an object with any of {', '.join(seeds.KINDS)}, each a list of records"


async def get_state(request: Request) -> Response:
    known_query(request, ())
    state = seeds.dump(request.store)
    if "yaml" in request.headers.get("accept", ""):
        return Response(dump_yaml(state), media_type="application/yaml")
    return respond(state)


async def replace_state(request: Request) -> Response:
    body = await _fixtures(request)
    # A private key stays the only one where the body brings none; keys that it brings stay as they are.
    api_key = None if "api_keys" in body else request.call.space.settings.api_key
    try:
        base = seeds.load(body, api_key)
    except FixtureError as error:
        raise refused(error) from None
    namespace = request.namespace
    try:
        faults, replies = namespace.beginning(Store(base)), Replies(Store(base).all(Reply))
    except FaultError as error:
        raise _taken(error) from None
    except ReplyError as error:
        raise ControlError.of(error, 409) from None
    namespace.replace(base)
    if "replies" in body:
        namespace.replies = replies
    if "faults" in body:
        namespace.faults = faults
    return respond(seeds.dump(request.store))


async def add_state(request: Request) -> Response:
    body = await _fixtures(request)
    try:
        added = request.namespace.add(body)
    except FixtureError as error:
        raise refused(error) from None
    except FaultError as error:
        raise _taken(error) from None
    except ReplyError as error:
        raise ControlError.of(error, 409) from None
    return respond(
        {
            "patient_profiles": [seeds.shown(record) for record in added if isinstance(record, PatientProfile)],
            "sessions": [seeds.shown(record) for record in added if isinstance(record, Session)],
        }
    )


async def reset(request: Request) -> Response:
    query = known_query(request, ("keep", "all"))
    keep = frozenset(part.strip() for part in query.get("keep", "").split(",") if part.strip())
    for part in sorted(keep - set(PARTS)):
        raise ControlError(400, f"nothing to keep is called {part!r}", nearest(part, PARTS))
    everything = query.get("all", "false")
    if everything not in ("true", "false"):
        raise ControlError(400, f"all={everything} says nothing", "write all=true or leave it out")
    spaces = request.call.space if everything == "true" else [request.namespace]
    restored = [space.reset(keep) for space in spaces]
    return respond({"reset": restored[0]})


async def _fixtures(request: Request) -> dict[str, object]:
    known_query(request, ())
    body = await read_body(request, request.call.space.settings.max_state)
    if not isinstance(body, dict):
        raise ControlError(400, "the body is no set of fixtures", _SHAPE)
    return body


def refused(error: FixtureError) -> ControlError:
    """The refusal of records that cannot be used."""
    more = f" (and {len(error.problems) - 1} more)" if len(error.problems) > 1 else ""
    return ControlError(400, error.problems[0] + more, _SHAPE, problems=error.problems)


def _taken(error: FaultError) -> ControlError:
    return ControlError(400, f"faults: {error}", "choose ids that no rule has, those of the server's start included")


routes = [
    Route("/state", get_state, methods=["GET"]),
    Route("/state", replace_state, methods=["PUT"]),
    Route("/state", add_state, methods=["POST"]),
    Route("/reset", reset, methods=["POST"]),
]
