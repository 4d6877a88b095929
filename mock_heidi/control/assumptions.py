"""The assumptions of a namespace, with their chosen values."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from mock_heidi.base.assumptions import Assumption, Assumptions, assumptions
from mock_heidi.base.settings import ConfigError
from mock_heidi.base.yaml_scalars import resolve
from mock_heidi.control.control import ControlError, ControlRoute, read_fields, report_setting, respond
from mock_heidi.web.request import Request


async def get_assumptions(request: Request) -> Response:
    return respond(_rows(request.namespace.assumptions))


async def choose_assumptions(request: Request) -> Response:
    """Choose values for some assumptions. The others keep theirs."""
    values = await read_fields(request, assumptions())
    namespace = request.namespace
    namespace.assumptions = choice_of(namespace.assumptions, values)
    report_setting(request, "assumptions")
    return respond(_rows(namespace.assumptions))


def choice_of(chosen: Assumptions, values: dict[str, Any]) -> Assumptions:
    """The assumptions with these values, which may come from YAML. Raises :class:`ControlError` for a wrong one."""
    try:
        return chosen.choose({name: resolve(value) for name, value in values.items()})
    except ConfigError as error:
        raise ControlError.of(error) from None


def _rows(chosen: Assumptions) -> dict[str, Any]:
    return {"assumptions": [_row(one, chosen[one.name]) for one in assumptions().values()]}


def _row(one: Assumption, value: Any) -> dict[str, Any]:
    return {
        "name": one.name,
        "decides": one.decides,
        "value": value,
        "default": one.default,
        "alternatives": one.alternatives,
        "any_number": one.any_number,
        "why": one.why,
        "sources": one.sources,
        "operations": one.operations,
        "advice": one.advice,
    }


routes = [
    ControlRoute("/assumptions", get_assumptions, "GET"),
    ControlRoute("/assumptions", choose_assumptions, "PUT"),
]
