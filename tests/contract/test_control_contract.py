"""The control API keeps its own contract, control.yaml, and every judge reports a broken contract.

The judge of answers runs in all tests (tests/support/judges.py). This module has the judges of endpoints, parameters
and fields, and sends generated requests of schemathesis to each endpoint.
"""

import asyncio
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
import schemathesis
from alternatives import ASK
from click.testing import CliRunner
from clients import NOON, Client
from helpers import SESSION, another, exchange
from hypothesis import HealthCheck, settings
from judges import CONTROL, Contract, ControlJudge, Exchange, Operation, Watch, load_contract, operations, resolve
from openapi_spec_validator import OpenAPIV31SpecValidator
from pydantic import BaseModel
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import negative_data_rejection
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mock_heidi import MockHeidi
from mock_heidi.app import create_app
from mock_heidi.base.assumptions import assumptions, choosable
from mock_heidi.base.error_table import BY_NAME
from mock_heidi.base.everything import Everything
from mock_heidi.base.operations import OPERATIONS
from mock_heidi.base.settings import Settings
from mock_heidi.cli.main import cli
from mock_heidi.control import routes as control_routes
from mock_heidi.faults.fields import METHODS
from mock_heidi.faults.rule import Fault, Scenario, parse
from mock_heidi.fixtures.kinds import KINDS
from mock_heidi.namespaces import lifecycle
from mock_heidi.observing import filters, findings
from mock_heidi.state import events, transitions
from mock_heidi.state.session_records import ConsultNote, WrittenDocument
from mock_heidi.state.stub_records import Stub

pytestmark = pytest.mark.slow

JSON = "application/json"


@pytest.fixture
def contract() -> Contract:
    """A copy of the control API's contract that a test may break."""
    return load_contract(CONTROL)


# --- The judges -------------------------------------------------------------------------------------------------------


def form_findings(contract: Contract) -> list[str]:
    """The places where the contract is not valid OpenAPI 3.1."""
    return [error.message for error in OpenAPIV31SpecValidator(contract).iter_errors()]


def endpoint_findings(contract: Contract, routes: Iterable[Route]) -> list[str]:
    """Endpoints (method and path) that are only in the contract or only in the code."""
    described = {(operation.method, operation.path) for operation in operations(contract)}
    served = {(method, route.path) for route in routes for method in (route.methods or set()) - {"HEAD"}}
    return [
        *(f"in the contract, not served: {row}" for row in sorted(described - served)),
        *(f"served, not in the contract: {row}" for row in sorted(served - described)),
    ]


def parameter_findings(contract: Contract, client: Client) -> list[str]:
    """Parameters that only the contract or only the endpoint knows. An endpoint lists them when it refuses one."""
    found = []
    for operation in operations(contract):
        answer = client.request(operation.method, f"{_url(operation)}?0=1").json()
        if answer["error"] != "unknown parameter '0'":
            found.append(f"{operation.name}: takes any parameter")
            continue
        known = set() if answer["hint"] == "this endpoint takes no parameters" else _known(answer["hint"])
        described = {row["name"] for row in _parameters(contract, operation) if row["in"] == "query"}
        found += _difference(operation.name, described, known)
    return found


def field_findings(contract: Contract, client: Client) -> list[str]:
    """Fields of bodies that only the contract or only the endpoint knows."""
    found = []
    for operation in operations(contract):
        described = _fields(contract, operation)
        if described:
            answer = client.request(operation.method, _url(operation), json={"0": 1}).json()
            assert answer["error"] == "unknown field '0'", (operation.name, answer)
            # There are too many for the hint, which names only the first.
            known = set(choosable()) if operation.name == "choose_assumptions" else _known(answer["hint"])
            found += _difference(operation.name, described, known)
    return found


def model_findings(contract: Contract, classes: dict[str, type[BaseModel]]) -> list[str]:
    """Differences between the contract's objects and the classes of the same name: fields, their order, their types."""
    found = []
    for name, cls in classes.items():
        schema = contract["components"]["schemas"][name]
        own = [key for key in schema["properties"] if key not in _ADDED.get(name, ())]
        if own != list(cls.model_fields):
            found.append(f"{name}: the fields are {list(cls.model_fields)}, in the contract {own}")
        made = cls.model_json_schema()
        for key in cls.model_fields.keys() & set(own):
            wanted, given = _form(contract, schema["properties"][key]), _form(made, made["properties"][key])
            if wanted != given and (name, key) not in _NARROWER:
                found.append(f"{name}.{key}: {sorted(given)}, in the contract {sorted(wanted)}")
    return found


# Fields that the contract adds to a rule in use.
_ADDED = {"Fault": ("hits", "matched", "says")}
# Fields whose type in the code is wider than the accepted values: a validator of the whole rule narrows them.
_NARROWER = {("Reply", "times"), ("Reply", "status")}


def word_findings(contract: Contract, lists: dict[str, Iterable[str]]) -> list[str]:
    """Enums in which the contract and the code differ, each named by its place in the contract."""
    found = []
    for place, known in lists.items():
        words = resolve(contract, {"$ref": f"#/components/{place}"})
        described = words.get("enum") or list(words.get("properties", words))
        if sorted(described) != sorted(known):
            found.append(f"{place}: {sorted(known)}, in the contract {sorted(described)}")
    return found


# --- Parts of the judges ----------------------------------------------------------------------------------------------


def _url(operation: Operation) -> str:
    return "/_mock" + re.sub(r"\{\w+\}", "x", operation.path.replace("{kind}", "sessions"))


def _known(hint: str) -> set[str]:
    """The names that an endpoint lists in its hint if none resembles the unknown name."""
    assert hint.startswith("known names are "), hint
    return set(hint.removeprefix("known names are ").split(", "))


def _difference(name: str, described: set[str], known: set[str]) -> list[str]:
    return [
        *(f"{name}: does not know {word}" for word in sorted(described - known)),
        *(f"{name}: {word} is not in the contract" for word in sorted(known - described)),
    ]


def _parameters(contract: Contract, operation: Operation) -> list[dict[str, Any]]:
    shared = contract["paths"][operation.path].get("parameters", [])
    return [resolve(contract, row) for row in [*shared, *operation.spec.get("parameters", [])]]


# These bodies are one or several records of the state: their fields are those of a class.
_RECORDS = (
    "replace_state",
    "add_state",
    "edit_record",
    "replace_record",
    "add_reply",
    "add_fault",
    "preview_fault",
    "replace_faults",
)


def _fields(contract: Contract, operation: Operation) -> set[str]:
    """The fields of an operation's body, in all of its forms."""
    body = resolve(contract, operation.spec.get("requestBody"))
    if body is None or operation.name in _RECORDS:
        return set()
    schema = resolve(contract, body["content"][JSON]["schema"])
    forms = [resolve(contract, form) for form in schema.get("anyOf", [schema])]
    assert all(form["additionalProperties"] is False for form in forms), operation.name
    return {name for form in forms for name in form["properties"]}


_NOTES = ("title", "description", "default", "examples")
_ANY_OPERATION = {json.dumps(name) for name in OPERATIONS}


def _form(contract: Contract, schema: dict[str, Any]) -> set[str]:
    """A normal form of a schema: a text for each allowed type or enum value, without null."""
    schema = {key: value for key, value in resolve(contract, schema).items() if key not in _NOTES}
    if "anyOf" in schema:
        return set().union(*(_form(contract, branch) for branch in schema["anyOf"]))
    if "enum" in schema or "const" in schema:
        words = {json.dumps(word) for word in schema.get("enum", [schema.get("const")])} - {"null"}
        # The contract lists the operations; the code's schema allows any text.
        return {'{"type": "string"}'} if words == _ANY_OPERATION else words
    types = schema.pop("type", "any")
    return {_kind(contract, schema, kind) for kind in ([types] if isinstance(types, str) else types) if kind != "null"}


def _kind(contract: Contract, schema: dict[str, Any], kind: str) -> str:
    if kind == "object":
        return kind
    if kind == "array":
        return f"{kind} of {sorted(_form(contract, schema['items']))}"
    return json.dumps({"type": kind, **schema}, sort_keys=True)


CLASSES: dict[str, type[BaseModel]] = {
    "Fault": Fault,
    "Scenario": Scenario,
    "Reply": Stub,
    "ConsultNote": ConsultNote,
    "WrittenDocument": WrittenDocument,
}
WORDS: dict[str, Iterable[str]] = {
    "schemas/Operation": OPERATIONS,
    "schemas/Method": METHODS,
    "schemas/Part": lifecycle.PARTS,
    "schemas/Fixtures": KINDS,
    "schemas/Filter": (*filters.NAMES, "match"),
    "schemas/Level": findings.LEVELS,
    "schemas/FindingCode": findings.KINDS,
    "schemas/Transitions": transitions.KINDS,
    "schemas/Choices": choosable(),
}


# --- Contract and code agree ------------------------------------------------------------------------------------------


def test_the_contract_is_valid_openapi(contract: Contract) -> None:
    assert form_findings(contract) == []


def test_the_code_has_exactly_the_endpoints_of_the_contract(contract: Contract) -> None:
    assert endpoint_findings(contract, control_routes.ROUTES) == []


def test_every_endpoint_accepts_exactly_the_parameters_of_the_contract(contract: Contract, heidi: Client) -> None:
    assert parameter_findings(contract, heidi) == []


def test_every_endpoint_accepts_exactly_the_fields_of_the_contract(contract: Contract, heidi: Client) -> None:
    assert field_findings(contract, heidi) == []


def test_the_models_of_rules_and_records_match_the_contract(contract: Contract) -> None:
    assert model_findings(contract, CLASSES) == []


def test_the_contract_lists_the_values_of_each_assumption(contract: Contract) -> None:
    described = contract["components"]["schemas"]["Choices"]["properties"]
    values: dict[str, dict[str, Any]] = {}
    for name in choosable():
        one = assumptions()[name]
        if one.any_number:
            values[name] = {"type": "integer", "minimum": 1, "maximum": one.any_number}
        elif type(one.default) is bool:
            values[name] = {"type": "boolean"}
        else:
            values[name] = {"enum": [one.default, *one.alternatives]}

    assert described == values


@pytest.mark.parametrize(
    ("part", "whole", "added"),
    [("ReplyInUse", "Reply", {"id", "hits", "contract"}), ("Headline", "Request", {"piece_count", "finding_level"})],
)
def test_fields_that_two_objects_share_have_the_same_schema(
    contract: Contract, part: str, whole: str, added: set[str]
) -> None:
    fields, known = _properties(contract, part), _properties(contract, whole)

    assert fields.keys() - known.keys() == added
    for name in fields.keys() & known.keys():
        assert _form(contract, fields[name]) == _form(contract, known[name]), name


def test_every_field_of_a_new_namespace_is_a_setting_of_the_server(contract: Contract) -> None:
    start = contract["components"]["schemas"]["NamespaceStart"]["properties"]

    assert len(start) > 3
    assert set(start) <= set(Settings.__dataclass_fields__)


def test_the_enums_of_the_code_match_the_contract(contract: Contract) -> None:
    (listen,) = [operation for operation in operations(contract) if operation.name == "listen"]
    told = listen.spec["responses"]["200"]["content"]["text/event-stream"]["x-events"]

    assert word_findings(contract, WORDS) == []
    assert sorted(told) == sorted(events.KINDS)


def test_every_answer_declares_all_of_its_fields(contract: Contract) -> None:
    # Records look as in fixtures. Of the other answers, those in ``partial`` leave out fields that do not apply.
    partial = {"ArchiveLog", "Fixtures", "Fault", "Reply", "ReplyInUse", "Transition", "Transitions", "Refusal"}
    closed = []
    for name in _answered(contract):
        schema = contract["components"]["schemas"][name]
        if "properties" in schema and not name.endswith("Record"):
            assert schema["additionalProperties"] is False, name
            assert name in partial or schema["required"] == list(schema["properties"]), name
            closed.append(name)
    assert len(closed) > 10


def _answered(contract: Contract) -> set[str]:
    """The names of the schemas of all answers."""
    pending = json.dumps([operation.spec["responses"] for operation in operations(contract)])
    seen: set[str] = set()
    while found := set(re.findall(r"#/components/(\w+/\w+)", pending)) - seen:
        seen |= found
        pending = json.dumps([resolve(contract, {"$ref": f"#/components/{place}"}) for place in found])
    return {place.removeprefix("schemas/") for place in seen if place.startswith("schemas/")}


def test_the_server_serves_the_contract_file_unchanged(heidi: Client) -> None:
    answer = heidi.get("/_mock/control.yaml")

    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/yaml")
    assert answer.content == CONTROL.read_bytes()


def test_the_command_prints_the_contract_file_unchanged() -> None:
    printed = CliRunner().invoke(cli, ["openapi", "--control"])

    assert printed.stdout_bytes == CONTROL.read_bytes()


# --- Refusals ---------------------------------------------------------------------------------------------------------


def _endpoints() -> list[Operation]:
    return list(operations(load_contract(CONTROL)))


def by_name(found: Iterable[Operation]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("endpoint", list(found), ids=lambda endpoint: endpoint.name)


def refusal(client: Client, method: str, url: str, **options: Any) -> tuple[int, str, str]:
    """Status, error and hint of a refusal, whose body has no other keys."""
    answer = client.request(method, url, **options)
    body = answer.json()
    assert body.keys() - {"problems", "more"} == {"error", "hint"}
    assert answer.headers["content-type"] == JSON
    return answer.status_code, body["error"], body["hint"]


@by_name(_endpoints())
def test_every_endpoint_refuses_an_unknown_parameter_in_the_same_format(endpoint: Operation) -> None:
    with another() as heidi:
        before = heidi.state()

        status, error, hint = refusal(heidi, endpoint.method, f"{_url(endpoint)}?xyzzy=1")

        assert (status, error) == (400, "unknown parameter 'xyzzy'")
        assert hint
        assert heidi.state() == before


BAD_BODIES: dict[str, dict[str, Any]] = {
    "no JSON": {"content": b"{"},
    "no text": {"content": b"\xff\xfe"},
    "no YAML": {"content": b"a: [", "headers": {"Content-Type": "application/yaml"}},
    "too deep": {"content": b"[" * 1000},
    "a number": {"content": b"5"},
    "a list of numbers": {"content": b"[5]"},
    "an unknown field": {"content": b'{"xyzzy": 1}'},
    "a field of a strange type": {"content": b'{"operation": {"a": []}}'},
}


@by_name(endpoint for endpoint in _endpoints() if "requestBody" in endpoint.spec)
def test_every_endpoint_refuses_a_bad_body_in_the_same_format(endpoint: Operation) -> None:
    with another() as heidi:
        before = heidi.state()

        refusals = {name: refusal(heidi, endpoint.method, _url(endpoint), **sent) for name, sent in BAD_BODIES.items()}

        assert {name: (status, bool(error), bool(hint)) for name, (status, error, hint) in refusals.items()} == (
            dict.fromkeys(BAD_BODIES, (400, True, True))
        )
        assert heidi.state() == before


@by_name(endpoint for endpoint in _endpoints() if "requestBody" in endpoint.spec)
def test_every_endpoint_refuses_a_body_that_is_too_large_in_the_same_format(endpoint: Operation) -> None:
    with another(max_state=1024 * 1024) as heidi:
        large = b'{"xyzzy": "' + b"x" * 1024 * 1024 + b'"}'

        status, error, _ = refusal(heidi, endpoint.method, _url(endpoint), content=large)

        assert (status, error) == (413, "the body is larger than 1048576 bytes")


UNKNOWN: dict[str, dict[str, Any]] = {
    "create_namespace": {"url": "/_mock/namespaces/x?from=nobody"},
    "link_user": {},
    "set_session": {"json": {"duration": 5}},
    "list_records": {"url": "/_mock/state/x"},
    "replace_record": {"url": "/_mock/state/x/1"},
}


@by_name(endpoint for endpoint in _endpoints() if "404" in endpoint.spec["responses"])
def test_every_endpoint_refuses_an_unknown_id_in_the_same_format(endpoint: Operation) -> None:
    with another() as heidi:
        before = heidi.state()
        options = dict(UNKNOWN.get(endpoint.name, {}))

        status, error, hint = refusal(heidi, endpoint.method, options.pop("url", _url(endpoint)), **options)

        assert (status, bool(error), bool(hint)) == (404, True, True)
        assert heidi.state() == before


@by_name(_endpoints())
def test_every_endpoint_refuses_an_invalid_namespace_name_in_the_same_format(endpoint: Operation) -> None:
    with another() as heidi:
        status, error, _ = refusal(heidi, endpoint.method, f"/ns/a b{_url(endpoint)}")

        assert (status, error) == (400, "'a b' is not a valid name for a namespace")
        assert len(heidi.app.registry) == 1


@by_name(_endpoints())
def test_every_endpoint_refuses_a_foreign_host_in_the_same_format(endpoint: Operation) -> None:
    with another() as heidi:
        status, error, hint = refusal(heidi, endpoint.method, _url(endpoint), headers={"Host": "evil.example"})

        assert status == 403
        assert "evil.example" in error
        assert "--allowed-host" in hint


def _makes_namespace(endpoint: Operation) -> bool:
    # These are about the server, and two others name the namespace in their own path.
    return "409" in endpoint.spec["responses"] and endpoint.path != "/namespaces/{name}"


@by_name(endpoint for endpoint in _endpoints() if _makes_namespace(endpoint))
def test_every_endpoint_refuses_one_namespace_too_many_in_the_same_format(endpoint: Operation) -> None:
    with another(max_namespaces=1) as heidi:
        status, error, hint = refusal(
            heidi, endpoint.method, f"/ns/other{_url(endpoint)}", json=_GOOD.get(endpoint.name)
        )

        assert (status, error) == (409, "the server has reached its limit of namespaces")
        assert hint == "delete some with DELETE /_mock/namespaces/{name}"


# Valid bodies, since an endpoint checks its body before it looks up the namespace.
_GOOD: dict[str, Any] = {
    "replace_state": {},
    "add_state": {},
    "verify": {},
    "add_reply": {"operation": "ask_ai", "text": "No."},
    "add_fault": {"status": 503},
    "replace_faults": [],
    "advance_clock": {"seconds": 0},
}


@pytest.mark.parametrize("given", ["", "x", "-1", "1.5", "9" * 13])
def test_an_invalid_event_id_is_refused_in_the_same_format(heidi: Client, given: str) -> None:
    status, error, hint = refusal(heidi, "GET", "/_mock/events", headers={"Last-Event-ID": given})

    assert (status, error) == (400, f"Last-Event-ID: {given} is not the id of an event")
    assert hint == "send the id of the last event that you received"


@pytest.mark.parametrize("records", [False, 5, {}, "none"])
@pytest.mark.parametrize("kind", KINDS)
def test_records_that_are_not_a_list_are_refused_in_the_same_format(heidi: Client, kind: str, records: Any) -> None:
    status, error, _ = refusal(heidi, "PUT", "/_mock/state", json={kind: records})

    assert (status, error.partition(" (")[0]) == (400, f"{kind}: should be a list of records")


# --- The judges report what is broken ---------------------------------------------------------------------------------


def _invalid(contract: Contract) -> None:
    contract["paths"]["/health"]["get"]["operationId"] = "get_state"


def test_the_judge_of_validity_reports_invalid_openapi(contract: Contract) -> None:
    _invalid(contract)

    assert any("get_state" in text for text in form_findings(contract))


def _no_endpoint(contract: Contract) -> None:
    del contract["paths"]["/health"]


def _other_method(contract: Contract) -> None:
    contract["paths"]["/reset"]["put"] = contract["paths"]["/reset"].pop("post")


def _more_endpoints(contract: Contract) -> None:
    contract["paths"]["/dashboard"] = {"get": contract["paths"]["/health"]["get"]}


ENDPOINTS = {
    "an endpoint that is not described": (_no_endpoint, ["served, not in the contract: ('GET', '/health')"]),
    "another method": (
        _other_method,
        ["in the contract, not served: ('PUT', '/reset')", "served, not in the contract: ('POST', '/reset')"],
    ),
    "an endpoint that is not served": (_more_endpoints, ["in the contract, not served: ('GET', '/dashboard')"]),
}


@pytest.mark.parametrize(("spoil", "found"), ENDPOINTS.values(), ids=ENDPOINTS)
def test_the_judge_of_endpoints_reports_a_difference(
    contract: Contract, spoil: Callable[[Contract], None], found: list[str]
) -> None:
    spoil(contract)

    assert endpoint_findings(contract, control_routes.ROUTES) == found


def test_the_judge_of_parameters_reports_a_difference(contract: Contract, heidi: Client) -> None:
    reset = contract["paths"]["/reset"]["post"]
    reset["parameters"][0]["name"] = "leave"
    contract["paths"]["/health"]["get"]["parameters"] = [{"name": "deep", "in": "query", "schema": {}}]

    found = parameter_findings(contract, heidi)

    assert sorted(found) == [
        "get_health: does not know deep",
        "reset: does not know leave",
        "reset: keep is not in the contract",
    ]


def test_the_judge_of_parameters_reports_an_endpoint_that_accepts_any(
    contract: Contract, heidi: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_route("get_fault"), "query", Everything())

    assert parameter_findings(contract, heidi) == ["get_fault: takes any parameter"]


def test_the_judge_of_fields_reports_a_difference(contract: Contract, heidi: Client) -> None:
    schemas = contract["components"]["schemas"]
    del schemas["ClockEdit"]["properties"]["real"]
    schemas["Order"]["properties"]["strictly"] = {}
    schemas["NamespaceStart"]["properties"]["pace"] = {}

    assert sorted(field_findings(contract, heidi)) == [
        "create_namespace: does not know pace",
        "set_clock: real is not in the contract",
        "verify: does not know strictly",
    ]


def _properties(contract: Contract, name: str) -> dict[str, Any]:
    found: dict[str, Any] = contract["components"]["schemas"][name]["properties"]
    return found


def _no_field(contract: Contract) -> None:
    del _properties(contract, "Fault")["lose"]


def _more_fields(contract: Contract) -> None:
    _properties(contract, "Reply")["probability"] = {"type": "number"}


def _other_order(contract: Contract) -> None:
    fault = _properties(contract, "Fault")
    fault["label"] = fault.pop("label")


def _other_type(contract: Contract) -> None:
    _properties(contract, "Fault")["ttl"] = {"type": "string"}


def _no_bound(contract: Contract) -> None:
    del _properties(contract, "Fault")["times"]["minimum"]


def _fewer_types(contract: Contract) -> None:
    del contract["components"]["schemas"]["Wait"]["anyOf"][0]


def _other_items(contract: Contract) -> None:
    contract["components"]["schemas"]["Keys"]["anyOf"][1]["items"] = {"type": "integer"}


def _other_word(contract: Contract) -> None:
    contract["components"]["schemas"]["ConsultNoteStatus"]["enum"] = ["CREATED", "MIDDLE"]


def _other_list(contract: Contract) -> None:
    _properties(contract, "ConsultNote")["brain"]["anyOf"][0]["$ref"] = "#/components/schemas/ContentType"


def _faults_of(schema: str) -> list[str]:
    """The fields of a fault that refer to a schema."""
    reference = {"$ref": f"#/components/schemas/{schema}"}
    fields = _properties(load_contract(CONTROL), "Fault")
    return [f"Fault.{name}" for name, field in fields.items() if reference.items() <= field.items()]


MODELS = {
    "a field less": (_no_field, ["Fault"]),
    "a field more": (_more_fields, ["Reply"]),
    "another order": (_other_order, ["Fault"]),
    "another type": (_other_type, ["Fault.ttl"]),
    "no bound": (_no_bound, ["Fault.times"]),
    "a type less": (_fewer_types, _faults_of("Wait")),
    "other items": (_other_items, _faults_of("Keys")),
    "another word": (_other_word, ["ConsultNote.status"]),
    "another list of words": (_other_list, ["ConsultNote.brain"]),
}


@pytest.mark.parametrize(("spoil", "places"), MODELS.values(), ids=MODELS)
def test_the_judge_of_models_reports_a_difference(
    contract: Contract, spoil: Callable[[Contract], None], places: list[str]
) -> None:
    spoil(contract)

    found = model_findings(contract, CLASSES)

    assert sorted(text.partition(": ")[0] for text in found) == sorted(places)


def test_the_judge_of_enums_reports_a_difference(contract: Contract) -> None:
    contract["components"]["schemas"]["Part"]["enum"].append("snapshots")
    del _properties(contract, "Fixtures")["scenarios"]

    found = word_findings(contract, WORDS)

    assert [text.partition(":")[0] for text in found] == ["schemas/Part", "schemas/Fixtures"]


# --- The judge of every answer ----------------------------------------------------------------------------------------


def _route(name: str) -> Route:
    return next(route for route in control_routes.ROUTES if route.name == name)


def _answer(body: Any, status: int = 200, media_type: str = JSON) -> Callable[[Request], Any]:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()

    async def answer(_: Request) -> Response:
        return Response(text, status, media_type=media_type)

    return answer


async def _crash(_: Request) -> Response:
    raise RuntimeError("a defect")


CLOCK = {"now": "2025-01-06T12:00:00.000Z", "frozen": True, "speed": 0}

BAD_ANSWERS: dict[str, tuple[Callable[[Request], Any], str]] = {
    "another status": (_answer(CLOCK, 201), "the status is none of 200, 400, 403, 409"),
    "a defect": (_crash, "the status is none of 200, 400, 403, 409"),
    "a missing key": (_answer({"now": CLOCK["now"], "frozen": True}), "'speed' is a required property"),
    "an extra key": (_answer({**CLOCK, "zone": "UTC"}), "'zone' was unexpected"),
    "another type": (_answer({**CLOCK, "speed": "0"}), "'0' is not of type 'number'"),
    "another form of time": (_answer({**CLOCK, "now": "2025-01-06T12:00:00"}), "$.now: "),
    "another media type": (_answer(CLOCK, media_type="text/plain"), "the media type is text/plain; charset=utf-8, not"),
    "no JSON": (_answer(b"{"), "the body is no application/json"),
    "a key twice": (_answer(b'{"now": 1, "now": 2}'), "a key stands there twice"),
    "a refusal without a hint": (_answer({"error": "no"}, 400), "'hint' is a required property"),
    "a refusal in the vendor's form": (_answer({"detail": "no"}, 400), "is a required property"),
    "an empty hint": (_answer({"error": "no", "hint": ""}, 400), "'' should be non-empty"),
}


@pytest.mark.breaks_contract
@pytest.mark.parametrize(("handler", "words"), BAD_ANSWERS.values(), ids=BAD_ANSWERS)
def test_an_answer_that_breaks_the_contract_is_reported(
    heidi: Client,
    contract_watch: Watch,
    monkeypatch: pytest.MonkeyPatch,
    handler: Callable[[Request], Any],
    words: str,
) -> None:
    monkeypatch.setattr(_route("get_clock"), "endpoint", handler)

    heidi.get("/_mock/clock")

    (found,) = contract_watch.findings()
    assert found.startswith("GET /_mock/clock (get_clock) -> ")
    assert words in found


@pytest.mark.breaks_contract
@pytest.mark.parametrize("path", ["/ns/other/_mock/clock", "/_mock//clock/"])
def test_an_answer_is_judged_for_every_spelling_of_its_path(
    heidi: Client, contract_watch: Watch, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr(_route("get_clock"), "endpoint", _answer({**CLOCK, "zone": "UTC"}))

    heidi.get(path)

    (found,) = contract_watch.findings()
    assert found.startswith(f"GET {path} (get_clock) -> 200: ")


BAD_STATES: dict[str, tuple[bytes, str]] = {
    "a kind without a list": (b"api_keys: 1\npatient_profiles: []\nsessions: []", "1 is not of type 'array'"),
    "a kind more": (b"api_keys: []\npatient_profiles: []\nsessions: []\nrooms: []", "'rooms' was unexpected"),
    "no YAML": (b"a: [", "the body is no application/yaml"),
}


@pytest.mark.breaks_contract
@pytest.mark.parametrize(("body", "words"), BAD_STATES.values(), ids=BAD_STATES)
def test_an_answer_in_yaml_is_judged(
    heidi: Client, contract_watch: Watch, monkeypatch: pytest.MonkeyPatch, body: bytes, words: str
) -> None:
    monkeypatch.setattr(_route("get_state"), "endpoint", _answer(body, media_type="application/yaml"))

    heidi.get("/_mock/state")

    (found,) = contract_watch.findings()
    assert words in found


BAD_EVENTS: dict[str, tuple[bytes, str]] = {
    "an unknown kind": (
        b'id: 1\nevent: party\ndata: {"name":"a"}\n\n',
        "the event 'party' is none of request_started, request, ",
    ),
    "other data": (b'id: 1\nevent: reset\ndata: {"reset":["rooms"]}\n\n', "'rooms' is not one of"),
    "no JSON": (b"id: 1\nevent: reset\ndata: {\n\n", "the body is no application/json"),
    "no id": (b'event: reset\ndata: {"reset":[]}\n\n', "is neither a comment nor an event"),
}


@pytest.mark.breaks_contract
@pytest.mark.parametrize(("body", "words"), BAD_EVENTS.values(), ids=BAD_EVENTS)
def test_each_event_is_judged_separately(
    heidi: Client, contract_watch: Watch, monkeypatch: pytest.MonkeyPatch, body: bytes, words: str
) -> None:
    told = b': listening\n\nid: 1\nevent: namespace\ndata: {"name":"a","dropped":false}\n\n' + body
    monkeypatch.setattr(_route("listen"), "endpoint", _answer(told, media_type="text/event-stream"))

    heidi.get("/_mock/events")

    (found,) = contract_watch.findings()
    assert words in found


def test_the_judge_accepts_every_kind_of_event_that_the_server_sends(heidi: Client, contract_watch: Watch) -> None:
    heidi.app.registry.default.listen()
    heidi.post("/_mock/faults", json={"operation": "get_session", "status": 503})
    heidi.get(f"/sessions/{SESSION}")
    heidi.post("/sessions")
    heidi.post(f"/sessions/{SESSION}/ask-ai", json=ASK)
    heidi.get("/nothing")
    heidi.get("/_mock/findings")
    heidi.post("/_mock/namespaces/blue")
    heidi.post("/_mock/reset")

    asyncio.run(_listen(heidi))

    (stream,) = [one.body for one in contract_watch.exchanges if one.path == "/_mock/events"]
    told = {kind.decode() for kind in re.findall(rb"event: (\w+)\n", stream)}
    assert told == set(events.KINDS) - {"behind"}  # sent to slow listeners only: see test_events
    assert contract_watch.findings() == []


async def _listen(heidi: Client) -> None:
    """Read the events so far, and leave when no more arrive."""
    await exchange(heidi.app, "GET", "/_mock/events", headers={"Host": "localhost", "Last-Event-ID": "0"})


@pytest.mark.breaks_contract
def test_an_answer_over_a_socket_is_judged(contract_watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_route("get_clock"), "endpoint", _answer({**CLOCK, "zone": "UTC"}))
    with MockHeidi(clock=NOON) as heidi:
        heidi.control("GET", "/clock")

        (found,) = contract_watch.findings()
        assert "'zone' was unexpected" in found


def test_a_test_that_receives_an_answer_outside_the_contract_fails(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("pytest_plugins = ['judges']")
    pytester.makepyfile(
        """
        import httpx
        from mock_heidi import MockHeidi
        from mock_heidi.control import routes as control_routes
        from starlette.responses import Response

        async def wrong(request):
            return Response("{}", 200, media_type="application/json")

        def ask():
            with MockHeidi() as heidi:
                assert httpx.get(f"{heidi.url}/_mock/health").status_code == 200

        def test_as_it_is():
            ask()

        def test_content_with_it(monkeypatch):
            monkeypatch.setattr(control_routes.ROUTES[0], "endpoint", wrong)
            ask()
        """
    )

    result = pytester.runpytest_inprocess("-p", "no:cacheprovider")

    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(["*GET /_mock/health (get_health) -> 200: *is a required property*"])


REFUSAL = '{"error": "no", "hint": "yes"}'


def _exchange(status: int, body: str, method: str = "GET", path: str = "/nowhere", **headers: str) -> Exchange:
    sent = {"content-type": JSON, **headers}
    return Exchange(method, f"/_mock{path}", False, status, tuple(sent.items()), body.encode())


NO_ENDPOINT = {
    "another status": (_exchange(200, REFUSAL), "should be 404"),
    "another body": (_exchange(404, '{"detail": "Not Found"}'), "is a required property"),
    "another media type": (_exchange(404, REFUSAL, **{"content-type": "text/plain"}), "the media type is text/plain"),
    "a method not refused": (_exchange(200, REFUSAL, "HEAD", "/health"), "should be 405"),
    "400 for 404": (_exchange(400, REFUSAL), "should be 404"),
    "404 for 405": (_exchange(404, REFUSAL, "PUT", "/health"), "should be 405"),
    "405 for 404": (_exchange(405, REFUSAL, allow="GET"), "should be 404"),
    "404 for 400": (_exchange(404, REFUSAL)._replace(path="/ns/a b/_mock/health"), "should be 400"),
    "no Allow": (_exchange(405, REFUSAL, "PUT", "/health"), "Allow is None, not GET"),
    "half of Allow": (_exchange(405, REFUSAL, "PUT", "/requests", allow="GET"), "Allow is 'GET', not DELETE, GET"),
    "a namespace of no name": (
        _exchange(200, REFUSAL)._replace(path="/ns/a b/_mock/health"),
        "should be 400",
    ),
}


@pytest.mark.parametrize(("given", "words"), NO_ENDPOINT.values(), ids=NO_ENDPOINT)
def test_an_unknown_endpoint_must_be_refused_in_the_standard_format(
    contract: Contract, given: Exchange, words: str
) -> None:
    found = ControlJudge(contract).findings(given)

    assert words in "\n".join(found)


@pytest.mark.parametrize(
    "given",
    [
        _exchange(404, REFUSAL),
        _exchange(403, REFUSAL),
        _exchange(403, REFUSAL, "PUT", "/health"),
        _exchange(405, REFUSAL, "PUT", "/requests", allow="DELETE, GET"),
        _exchange(400, REFUSAL)._replace(path="/ns/a b/_mock/health"),
        _exchange(200, "OK", "OPTIONS")._replace(preflight=True),
    ],
)
def test_the_judge_accepts_a_refusal_in_the_standard_format(contract: Contract, given: Exchange) -> None:
    assert ControlJudge(contract).findings(given) == []


# --- Generated requests -----------------------------------------------------------------------------------------------

APP = create_app(clock=NOON, coverage=True)
_ONE_RECORD = ("get_record", "edit_record", "replace_record", "delete_record")
KNOWN = {
    "name": {"run_scenario": "flaky-afternoon", "delete_namespace": "blue", "get_doc_page": "limits"},
    "id": {
        "delete_fault": "fault-1",
        "get_fault": "fault-1",
        "delete_reply": "reply-1",
        "get_request": "1",
        "list_changes": "1",
        **dict.fromkeys(_ONE_RECORD, SESSION),
    },
    "session_id": dict.fromkeys(("look_at_session", "set_session", "get_session_content"), SESSION),
    "kind": dict.fromkeys(("list_records", *_ONE_RECORD), "sessions"),
    "email": dict.fromkeys(("link_user", "unlink_user"), "dr.jonas.lind@example.com"),
    "folder": {"get_dashboard_file": "parts"},
    "file": {"get_dashboard_file": "app.js"},
}


def _asked() -> schemathesis.BaseSchema:
    config = {
        "base-url": "http://localhost/_mock",
        "generation": {"mode": "all", "max-examples": 25, "deterministic": True, "database": "none"},
        # This phase would send several requests for each field of a rule.
        "phases": {"coverage": {"enabled": False}},
        # A rule that fits its schema may contradict itself, and a valid body may name an unknown id.
        "checks": {"positive_data_acceptance": {"enabled": False}},
    }
    loaded = schemathesis.openapi.from_dict(load_contract(CONTROL), config=schemathesis.Config.from_dict(config))
    loaded.app = APP
    # Its stream never ends.
    return loaded.exclude(operation_id="listen")


ASKED = _asked()


@pytest.fixture
def seen() -> Iterator[Counter[int]]:
    """The number of answers of each status. Fails at the end if none was a success."""
    lifecycle.reset(APP.registry.default)
    client = Client(APP)
    client.sign_in()
    client.close()
    statuses: Counter[int] = Counter()
    yield statuses
    assert statuses[200] > 0, statuses


def _prepare() -> None:
    """Reset the server and create one of each thing that has a name or an id."""
    registry, default = APP.registry, APP.registry.default
    for one in registry:
        if one is not default:
            registry.drop(one.name)
    registry.make("blue")
    lifecycle.reset(default, frozenset({"requests"}))
    default.faults.add(parse("ask_ai:end_after=3"))
    default.stubs.add(Stub(operation="ask_ai", text="No."))
    default.snapshots.clear()
    lifecycle.take_snapshot(default, "before")


def _known_names(case: Any) -> None:
    """Put known names and ids into a request, so that a valid one can succeed."""
    name = case.operation.definition.raw["operationId"]
    for parameter in case.path_parameters or {}:
        known = KNOWN.get(parameter, {}).get(name)
        known = "before" if known is None and "snapshot" in name else known
        case.path_parameters[parameter] = known or case.path_parameters[parameter]
    if name in _ONE_RECORD:
        case.query = {}  # it distinguishes users, not other records
    for parameter, there in {"from": "default", "against": "before"}.items():
        if parameter in (case.query or {}):
            case.query[parameter] = there


def _holds(value: Any, *kinds: type) -> bool:
    """True if a body contains a value of these types at any depth."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return type(value) in kinds or any(_holds(one, *kinds) for one in inner)


def _names(value: Any) -> set[str]:
    """The names of the fields of a body, at any depth."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return set(value if isinstance(value, dict) else ()).union(*map(_names, inner))


def _may_be_taken(case: schemathesis.Case[Any]) -> bool:
    """True if a request that breaks the schema may still be accepted.

    In a list of a query, empty names are ignored. Null counts as absent for every optional field. What an answer adds
    to a rule is ignored in a body. In YAML a plain ``false`` or ``1.5`` arrives as text, so it is valid where a text is
    expected.
    """
    in_yaml = case.media_type == "application/yaml"
    lists = [value if isinstance(value, list) else str(value).split(",") for value in (case.query or {}).values()]
    is_ignored = any("" in names for names in lists) or not _names(case.body).isdisjoint({"hits", "matched", "says"})
    return is_ignored or _holds(case.body, type(None)) or (in_yaml and _holds(case.body, bool, int, float))


@pytest.mark.slow
@pytest.mark.timeout(300)  # a slow machine is not a failure
@ASKED.parametrize()
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_each_endpoint_answers_generated_requests_by_the_contract(
    case: schemathesis.Case[Any], seen: Counter[int]
) -> None:
    _prepare()
    if case.meta is not None and case.meta.generation.mode.is_positive:
        _known_names(case)
    if isinstance(case.body, dict) and isinstance(case.body.get("within"), int | float):
        case.body = {**case.body, "within": 0}

    answer = case.call()

    seen[answer.status_code] += 1
    case.validate_response(answer, excluded_checks=[negative_data_rejection] if _may_be_taken(case) else [])


def test_schemathesis_asks_every_endpoint_of_the_contract() -> None:
    given = [result.ok() for result in ASKED.get_all_operations() if isinstance(result, Ok)]
    asked = [operation.definition.raw["operationId"] for operation in given]

    assert sorted([*asked, "listen"]) == sorted(endpoint.name for endpoint in _endpoints())


def test_a_rule_may_name_every_error(heidi: Client) -> None:
    taken = [heidi.post("/_mock/faults", json={"error": name}).status_code for name in BY_NAME]

    assert taken == [200] * len(BY_NAME)
