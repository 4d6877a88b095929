"""The namespace's clock, and how what takes time goes on."""

import math
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from mock_heidi.base.settings import ConfigError
from mock_heidi.control.control import ControlError, known_query, read_fields, respond
from mock_heidi.namespaces.namespace import Namespace
from mock_heidi.state import transitions
from mock_heidi.state.clock import parse_moment, zulu
from mock_heidi.web.request import Request

# In ms since 1970. Later than this, a token's end could lie beyond the last year that can be written.
_LAST_MOMENT = parse_moment("9000-01-01")


async def get_clock(request: Request) -> Response:
    known_query(request, ())
    return respond(_clock(request.namespace))


async def set_clock(request: Request) -> Response:
    known_query(request, ())
    fields = await read_fields(request, ("frozen", "now", "speed", "real"))
    clock = request.namespace.clock
    for name in ("frozen", "real"):
        if type(fields.get(name, True)) is not bool:
            raise ControlError(400, f"{name} is neither true nor false", "send true or false")
    speed = None if "speed" not in fields else _number("speed", fields["speed"])
    now = None if "now" not in fields else _moment(fields["now"])
    if fields.get("real"):
        clock.go_real()
        return respond(_clock(request.namespace))
    if "frozen" in fields:
        speed = 0.0 if fields["frozen"] else speed or clock.speed or 1.0
    clock.set(now, speed)
    return respond(_clock(request.namespace))


async def advance_clock(request: Request) -> Response:
    known_query(request, ())
    fields = await read_fields(request, ("seconds",))
    seconds, clock = _number("seconds", fields.get("seconds")), request.namespace.clock
    if clock.now() + seconds * 1000 > _LAST_MOMENT:
        raise ControlError(400, "time would end", "stay before the year 9000")
    clock.advance(seconds)
    return respond(_clock(request.namespace))


def _number(name: str, value: Any) -> float:
    if type(value) not in (int, float) or not math.isfinite(value) or not 0 <= value <= 10**9:
        raise ControlError(400, f"{name} is no number from 0 to a billion", f'send {{"{name}": 60}}')
    return float(value)


def _moment(value: Any) -> int:
    try:
        return parse_moment(str(value))
    except ConfigError as error:
        raise ControlError.of(error) from None


def _clock(namespace: Namespace) -> dict[str, Any]:
    clock = namespace.clock
    return {"now": zulu(clock.now()), "frozen": clock.frozen, "speed": clock.speed}


async def get_transitions(request: Request) -> Response:
    known_query(request, ())
    return respond(_transitions(request.namespace))


async def set_transitions(request: Request) -> Response:
    known_query(request, ())
    fields = await read_fields(request, transitions.KINDS)
    try:
        request.namespace.transitions.update(transitions.parse(fields))
    except transitions.TransitionError as error:
        raise ControlError(400, str(error), 'send {"transcription": {"after_reads": 2}}') from None
    return respond(_transitions(request.namespace))


def _transitions(namespace: Namespace) -> dict[str, Any]:
    return {kind: way.to_dict() for kind, way in namespace.transitions.items()}


routes = [
    Route("/clock", get_clock, methods=["GET"]),
    Route("/clock", set_clock, methods=["PUT"]),
    Route("/clock/advance", advance_clock, methods=["POST"]),
    Route("/transitions", get_transitions, methods=["GET"]),
    Route("/transitions", set_transitions, methods=["PUT"]),
]
