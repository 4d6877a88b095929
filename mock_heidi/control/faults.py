"""The rules for deliberate faults, and scenarios, which are sets of rules."""

from typing import Any

from starlette.responses import Response

from mock_heidi.base.slices import RECORD, Slices
from mock_heidi.base.wording import nearest
from mock_heidi.control.answers import rows_of
from mock_heidi.control.control import (
    ControlError,
    ControlRoute,
    read_body,
    read_fields,
    renew_namespace,
    report_setting,
    respond,
)
from mock_heidi.faults.active_faults import MOST_RULES, ActiveFault
from mock_heidi.faults.rule import CONNECTION, Fault, Scenario, parse
from mock_heidi.faults.sentences import sentence
from mock_heidi.faults.short_form import FaultError
from mock_heidi.faults.writing import command, python, short_form
from mock_heidi.namespaces.scenarios import find_scenario
from mock_heidi.serving.connection import connection_of
from mock_heidi.web.request import Request

_HINT = 'send a rule such as {"operation": "generate_consult_note", "end_after": 3, "times": 1}'
# What an answer adds to a rule. It is ignored in a body, so that a client can send back the rules that it has read.
_ADDED = ("hits", "matched", "says")


async def list_faults(request: Request) -> Response:
    return await _rules(request)


async def get_fault(request: Request) -> Response:
    return respond(_row(request, _find(request)))


async def add_fault(request: Request) -> Response:
    fault = read_rule(request, await read_body(request))
    try:
        rule = request.namespace.faults.add(fault)
    except FaultError as error:
        raise ControlError(409, str(error), "GET /_mock/faults lists them") from None
    report_setting(request, "faults")
    return respond(_row(request, rule))


async def switch_fault(request: Request) -> Response:
    """Switch a rule off, so that it does nothing, or on again. It keeps its place and its hits."""
    enabled = (await read_fields(request, ("enabled",))).get("enabled")
    rule = _find(request)
    if not isinstance(enabled, bool):
        raise ControlError(400, "enabled is neither true nor false", 'send {"enabled": false}')
    request.namespace.faults.switch(rule, on=enabled)
    report_setting(request, "faults")
    return respond(_row(request, rule))


async def preview_fault(request: Request) -> Response:
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


async def replace_faults(request: Request) -> Response:
    given = await read_body(request)
    if isinstance(given, dict) and set(given) == {"faults"}:
        given = given["faults"]
    faults = await _with_secrets(request, await read_rules(request, given))
    renew_namespace(request)
    try:
        request.namespace.faults.replace(faults)
    except FaultError as error:
        raise ControlError(409, str(error), "give each rule a different id, or no id") from None
    report_setting(request, "faults")
    return await _rules(request)


async def delete_faults(request: Request) -> Response:
    wanted = request.params.get("id")
    if wanted is not None:
        _find(request)
    request.namespace.faults.remove(wanted)
    report_setting(request, "faults")
    return await _rules(request)


async def list_scenarios(request: Request) -> Response:
    rows = await rows_of(_scenario_row(request, one) for one in request.store.all(Scenario))
    return rows.respond("scenarios")


async def run_scenario(request: Request) -> Response:
    """Add the rules of a scenario to the others. The answer has the added rules."""
    namespace = request.namespace
    try:
        scenario = find_scenario(namespace.store, request.params["name"])
    except FaultError as error:
        raise ControlError.of(error, 404) from None
    for fault in scenario.faults:
        _check_connection(request, fault)
    try:
        added = namespace.faults.extend(scenario.rules)
    except FaultError as error:
        raise ControlError(409, str(error), "GET /_mock/faults lists them") from None
    report_setting(request, "faults")
    rows = await rows_of(_row(request, rule) for rule in added)
    return rows.respond("faults", before={"scenario": scenario.name, "explanation": scenario.explanation})


async def read_rules(request: Request, given: Any) -> list[Fault]:
    """Rules from a list of objects and of texts in the short form. Raises :class:`ControlError`."""
    if not isinstance(given, list):
        raise ControlError(400, "the body is not a list of rules", "send a list; [] for no rules")
    if len(given) > MOST_RULES:
        raise ControlError(409, f"a namespace takes {MOST_RULES:,} rules at most", "send fewer")
    rules, slices = [], Slices()
    for number, one in enumerate(given):
        rules.append(read_rule(request, one, f"[{number}] "))
        await slices.spend(RECORD)
    return rules


def read_rule(request: Request, given: Any, place: str = "") -> Fault:
    """A rule from an object, or from a text in the short form. Raises :class:`ControlError`."""
    if isinstance(given, dict):
        given = {name: value for name, value in given.items() if name not in _ADDED}
    elif not isinstance(given, str):
        raise ControlError(400, f"{place}the rule is not an object", _HINT)
    try:
        fault = parse(given)
    except FaultError as error:
        raise ControlError(400, f"{place}{error.problem}", error.hint or _HINT) from None
    _check_connection(request, fault)
    return fault


def _check_connection(request: Request, fault: Fault) -> None:
    """Raise :class:`ControlError` for a fault that needs a connection if there is none."""
    breaks = fault.given(CONNECTION)
    if breaks and connection_of(request.scope) is None:
        hint = "serve on a socket: the command, the pytest fixture or MockHeidi"
        raise ControlError(400, f"{breaks[0]} does not work in process, where there is no connection", hint)


def _find(request: Request) -> ActiveFault:
    rules, wanted = request.namespace.faults, request.params["id"]
    rule = rules.find(wanted)
    if rule is None:
        known = [rule.id for rule in rules]
        raise ControlError(404, f"there is no fault {wanted!r}", nearest(wanted, known))
    return rule


async def _rules(request: Request) -> Response:
    return (await rows_of(_row(request, rule) for rule in request.namespace.faults)).respond("faults")


def _row(request: Request, rule: ActiveFault) -> dict[str, Any]:
    row = request.namespace.journal.rule(rule.to_dict())
    return {**row, "says": sentence(_as_shown(rule.fault, row))}


def _as_shown(fault: Fault, row: dict[str, Any]) -> Fault:
    """The rule with ``***`` in the place of its secrets; without the fields that cannot hold ``***``."""
    given = fault.model_dump()
    if all(row[name] == value for name, value in given.items()):
        return fault
    try:
        return parse({name: row[name] for name in given})
    except FaultError:
        hidden: Fault = fault.replace(**{name: None for name, value in given.items() if row[name] != value})
        return hidden


def _scenario_row(request: Request, scenario: Scenario) -> dict[str, Any]:
    given = scenario.model_dump()
    return {**given, "faults": [request.namespace.journal.rule(rule) for rule in given["faults"]]}


async def _with_secrets(request: Request, faults: list[Fault]) -> list[Fault]:
    """The faults with the secrets that ``***`` replaced when a client read them."""
    known = {rule.id: rule.fault for rule in request.namespace.faults}
    made, slices = [], Slices()
    for fault in faults:
        made.append(_with_secrets_of(known[fault.id], request, fault) if fault.id in known else fault)
        await slices.spend(RECORD)
    return made


def _with_secrets_of(known: Fault, request: Request, fault: Fault) -> Fault:
    given, masked = fault.model_dump(), request.namespace.journal.rule(known.model_dump())
    unchanged = {name: getattr(known, name) for name, value in masked.items() if given.get(name) == value}
    restored: Fault = fault.replace(**unchanged)
    return restored


routes = [
    ControlRoute("/faults", list_faults, "GET"),
    ControlRoute("/faults", add_fault, "POST"),
    ControlRoute("/faults", replace_faults, "PUT"),
    ControlRoute("/faults", delete_faults, "DELETE"),
    ControlRoute("/faults/preview", preview_fault, "POST"),
    ControlRoute("/faults/{id}", get_fault, "GET"),
    ControlRoute("/faults/{id}", switch_fault, "PATCH"),
    ControlRoute("/faults/{id}", delete_faults, "DELETE"),
    ControlRoute("/scenarios", list_scenarios, "GET"),
    ControlRoute("/scenarios/{name}", run_scenario, "POST"),
]
