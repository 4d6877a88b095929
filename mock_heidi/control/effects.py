"""The effects that a rule may have, for pages and programs that build rules."""

from __future__ import annotations

from functools import cache
from typing import Any

from starlette.responses import Response

from mock_heidi.base.operations import CODERS, OPERATIONS, STREAMS, WRITERS
from mock_heidi.control.control import ControlRoute, respond
from mock_heidi.faults.effects import ANSWERS, EFFECTS
from mock_heidi.faults.effects.effect import Effect, Where
from mock_heidi.faults.rule import Fault
from mock_heidi.web.request import Request

_OPERATIONS = {
    Where.ANY: tuple(OPERATIONS),
    Where.BODIES: tuple(name for name in OPERATIONS if name not in STREAMS),
    Where.STREAMS: STREAMS,
    Where.WRITTEN: WRITERS,
    Where.CODES: CODERS,
}


async def list_effects(_: Request) -> Response:
    return respond({"effects": _rows()})


@cache
def _rows() -> list[dict[str, Any]]:
    """The effects in the order of the docs."""
    fields = Fault.model_json_schema()["properties"]
    return [_row(effect, fields[effect.name]) for effect in EFFECTS]


def _row(effect: Effect, field: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": effect.name,
        "description": effect.doc,
        "works_on": effect.where.value,
        "operations": _OPERATIONS[effect.where],
        "replaces_answer": effect.name in ANSWERS,
        "breaks_connection": effect.breaks,
        "goes_with": effect.goes_with,
        "short_form": effect.example,
        "schema": _schema(field),
    }


def _schema(field: dict[str, Any]) -> dict[str, Any]:
    """The JSON Schema of the argument, without the null that stands for a rule without this effect."""
    forms = [form for form in field.get("anyOf", []) if form != {"type": "null"}]
    return forms[0] if len(forms) == 1 else {"anyOf": forms} if forms else {}


routes = [ControlRoute("/effects", list_effects, "GET")]
