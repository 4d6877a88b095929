"""The namespace's clock, and the transitions: when delayed work is done."""

import math
from typing import Any

from starlette.responses import Response

from mock_heidi.base.settings import ConfigError
from mock_heidi.control.control import ControlError, ControlRoute, read_fields, report_setting, respond
from mock_heidi.namespaces.namespace import Namespace
from mock_heidi.state import transitions
from mock_heidi.state.clock import parse_moment, zulu
from mock_heidi.web.request import Request

# In ms since 1970. After it, a token could expire beyond the last year of the calendar.
_LAST_MOMENT = parse_moment("9000-01-01")


async def get_clock(request: Request) -> Response:
    return respond(_clock(request.namespace))


async def set_clock(request: Request) -> Response:
    fields = await read_fields(request, ("frozen", "now", "speed", "real"))
    clock = request.namespace.clock
    for name in ("frozen", "real"):
        if type(fields.get(name, True)) is not bool:
            raise ControlError(400, f"{name} is neither true nor false", "send true or false")
    speed = None if "speed" not in fields else _number("speed", fields["speed"])
    now = None if "now" not in fields else _moment(fields["now"])
    if fields.get("real"):
        clock.go_real()
    else:
        if "frozen" in fields:
            speed = 0.0 if fields["frozen"] else speed or clock.speed or 1.0
        clock.set(now, speed)
    report_setting(request, "clock")
    return respond(_clock(request.namespace))


async def advance_clock(request: Request) -> Response:
    fields = await read_fields(request, ("seconds",))
    seconds, clock = _number("seconds", fields.get("seconds")), request.namespace.clock
    if clock.now() + seconds * 1000 > _LAST_MOMENT:
        raise ControlError(400, "the clock would pass the year 9000", "advance it by fewer seconds")
    clock.advance(seconds)
    report_setting(request, "clock")
    return respond(_clock(request.namespace))


def _number(name: str, value: Any) -> float:
    if type(value) not in (int, float) or not math.isfinite(value) or not 0 <= value <= 10**9:
        raise ControlError(400, f"{name} is not a number from 0 to a billion", f'send {{"{name}": 60}}')
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
    return respond(_transitions(request.namespace))


async def set_transitions(request: Request) -> Response:
    fields = await read_fields(request, transitions.KINDS)
    try:
        request.namespace.transitions.update(transitions.parse(fields))
    except transitions.TransitionError as error:
        raise ControlError(400, str(error), 'send {"transcription": {"after_reads": 2}}') from None
    report_setting(request, "transitions")
    return respond(_transitions(request.namespace))


def _transitions(namespace: Namespace) -> dict[str, Any]:
    return {kind: way.to_dict() for kind, way in namespace.transitions.items()}


routes = [
    ControlRoute("/clock", get_clock, "GET"),
    ControlRoute("/clock", set_clock, "PUT"),
    ControlRoute("/clock/advance", advance_clock, "POST"),
    ControlRoute("/transitions", get_transitions, "GET"),
    ControlRoute("/transitions", set_transitions, "PUT"),
]
