"""Deliberate faults: rules, and scenarios that are made of them."""

from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from mock_heidi.base.slices import RECORD, Slices
from mock_heidi.base.wording import nearest
from mock_heidi.control.answers import rows_of
from mock_heidi.control.control import ControlError, known_query, read_body, renew_namespace, respond
from mock_heidi.faults.active_faults import MOST_RULES, ActiveFault
from mock_heidi.faults.rule import CONNECTION, Fault, Scenario, parse
from mock_heidi.faults.short_form import FaultError
from mock_heidi.namespaces.scenarios import find_scenario
from mock_heidi.serving.connection import connection_of
from mock_heidi.web.request import Request

_HINT = 'send a rule such as {"operation": "generate_consult_note", "end_after": 3, "times": 1}'
# What a rule says of itself: a list of rules can be put back as it was got.
_TOLD = ("hits", "matched")


async def list_faults(request: Request) -> Response:
    known_query(request, ())
    return await _rules(request)


async def get_fault(request: Request) -> Response:
    known_query(request, ())
    return respond(_row(request, _find(request)))


async def add_fault(request: Request) -> Response:
    known_query(request, ())
    fault = _fault(request, await read_body(request))
    try:
        rule = request.namespace.faults.add(fault)
    except FaultError as error:
        raise ControlError(409, str(error), "GET /_mock/faults lists them") from None
    return respond(_row(request, rule))


async def replace_faults(request: Request) -> Response:
    known_query(request, ())
    given = await read_body(request)
    if isinstance(given, dict) and set(given) == {"faults"}:
        given = given["faults"]
    faults = await _as_they_were(request, await read_rules(request, given))
    renew_namespace(request)
    try:
        request.namespace.faults.replace(faults)
    except FaultError as error:
        raise ControlError(409, str(error), "give each rule an id of its own, or none") from None
    return await _rules(request)


async def delete_faults(request: Request) -> Response:
    known_query(request, ())
    wanted = request.params.get("id")
    if wanted is not None:
        _find(request)
    request.namespace.faults.remove(wanted)
    return await _rules(request)


async def list_scenarios(request: Request) -> Response:
    known_query(request, ())
    rows = await rows_of(_situation(request, one) for one in request.store.all(Scenario))
    return rows.respond("scenarios")


async def run_scenario(request: Request) -> Response:
    """Add a scenario's rules to those that are there; what was added."""
    known_query(request, ())
    namespace = request.namespace
    try:
        scenario = find_scenario(namespace.store, request.params["name"])
    except FaultError as error:
        raise ControlError.of(error, 404) from None
    for fault in scenario.faults:
        _possible(request, fault)
    try:
        added = namespace.faults.extend(scenario.rules)
    except FaultError as error:
        raise ControlError(409, str(error), "GET /_mock/faults lists them") from None
    rows = await rows_of(_row(request, rule) for rule in added)
    return rows.respond("faults", before={"scenario": scenario.name, "explanation": scenario.explanation})


async def read_rules(request: Request, given: Any) -> list[Fault]:
    """Rules from a list of objects or of texts in their short form."""
    if not isinstance(given, list):
        raise ControlError(400, "the body is no list of rules", "send a list, [] for none")
    if len(given) > MOST_RULES:
        raise ControlError(409, f"a namespace takes {MOST_RULES:,} rules and no more", "send fewer")
    rules, slices = [], Slices()
    for number, one in enumerate(given):
        rules.append(_fault(request, one, f"[{number}] "))
        await slices.spend(RECORD)
    return rules


def _fault(request: Request, given: Any, place: str = "") -> Fault:
    """A rule from a body, which may be its short form as a JSON string."""
    if isinstance(given, dict):
        given = {name: value for name, value in given.items() if name not in _TOLD}
    elif not isinstance(given, str):
        raise ControlError(400, f"{place}the rule is no object", _HINT)
    try:
        fault = parse(given)
    except FaultError as error:
        raise ControlError(400, f"{place}{error.problem}", error.hint or _HINT) from None
    _possible(request, fault)
    return fault


def _possible(request: Request, fault: Fault) -> None:
    breaks = fault.given(CONNECTION)
    if breaks and connection_of(request.scope) is None:
        hint = "serve on a socket: the command, the pytest fixture or MockHeidi"
        raise ControlError(400, f"{breaks[0]} cannot exist in process: there is no connection to break", hint)


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
    return request.namespace.journal.rule(rule.to_dict())


def _situation(request: Request, scenario: Scenario) -> dict[str, Any]:
    given = scenario.model_dump()
    return {**given, "faults": [request.namespace.journal.rule(rule) for rule in given["faults"]]}


async def _as_they_were(request: Request, faults: list[Fault]) -> list[Fault]:
    """Faults that are sent back as they were read get their masked secrets back."""
    known = {rule.id: rule.fault for rule in request.namespace.faults}
    made, slices = [], Slices()
    for fault in faults:
        made.append(_as_it_was(request, fault, known[fault.id]) if fault.id in known else fault)
        await slices.spend(RECORD)
    return made


def _as_it_was(request: Request, fault: Fault, known: Fault) -> Fault:
    given, masked = fault.model_dump(), request.namespace.journal.rule(known.model_dump())
    unchanged = {name: getattr(known, name) for name, value in masked.items() if given.get(name) == value}
    restored: Fault = fault.replace(**unchanged)
    return restored


routes = [
    Route("/faults", list_faults, methods=["GET"]),
    Route("/faults", add_fault, methods=["POST"]),
    Route("/faults", replace_faults, methods=["PUT"]),
    Route("/faults", delete_faults, methods=["DELETE"]),
    Route("/faults/{id}", get_fault, methods=["GET"]),
    Route("/faults/{id}", delete_faults, methods=["DELETE"]),
    Route("/scenarios", list_scenarios, methods=["GET"]),
    Route("/scenarios/{name}", run_scenario, methods=["POST"]),
]
