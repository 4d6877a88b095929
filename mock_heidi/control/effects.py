"""What a builder of rules needs: the fields of a rule, and a rule in words and in all of its forms."""

from __future__ import annotations

from functools import cache
from typing import Any

from starlette.responses import Response

from mock_heidi.control.control import ControlRoute, read_body, respond
from mock_heidi.control.faults import read_rule
from mock_heidi.faults.effects import EFFECTS
from mock_heidi.faults.rule import Fault
from mock_heidi.faults.sentences import sentence
from mock_heidi.faults.writing import command, python, short_form
from mock_heidi.web.request import Request


async def list_effects(_: Request) -> Response:
    return respond(_fields())


async def check_fault(request: Request) -> Response:
    """A rule in words, as JSON, in the short form, as a command and in Python. It is not added."""
    fault = read_rule(request, await read_body(request))
    return respond(
        {
            "says": sentence(fault),
            "rule": fault.to_dict(),
            "short_form": short_form(fault),
            "command": command(fault),
            "python": python(fault),
        }
    )


@cache
def _fields() -> dict[str, Any]:
    """The fields of a rule that select requests, and its effects, in the order of the docs."""
    schemas = Fault.model_json_schema()["properties"]
    effects = {effect.name: effect for effect in EFFECTS}
    return {
        "selection": [
            {
                "name": name,
                "doc": schema["description"],
                "example": schema["examples"][0],
                "schema": _schema(schema),
            }
            for name, schema in schemas.items()
            if name not in effects
        ],
        "effects": [
            {
                "name": name,
                "doc": effect.doc,
                "example": effect.value or True,
                "schema": _schema(schemas[name]),
                "stage": effect.stage.name.lower(),
                "where": effect.where.value,
                "breaks": effect.breaks,
                "goes_with": effect.goes_with,
            }
            for name, effect in effects.items()
        ],
    }


def _schema(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of a value of the field, without null, which means the same as a missing field."""
    kinds = [kind for kind in schema.get("anyOf", [schema]) if kind.get("type") != "null"]
    made = kinds[0] if len(kinds) == 1 else {"anyOf": kinds}
    return {name: part for name, part in made.items() if name not in ("title", "description", "examples", "default")}


routes = [
    ControlRoute("/effects", list_effects, "GET"),
    ControlRoute("/faults:check", check_fault, "POST"),
]
