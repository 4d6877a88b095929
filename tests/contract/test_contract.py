"""The contract is valid, the code serves exactly what it describes, and every judge reports a broken contract.

Each judge takes a contract and returns a list of findings, so that tests can also give it a broken contract.
"""

import copy
import importlib
import json
import pkgutil
import re
from collections.abc import Callable, Iterable, Iterator
from types import ModuleType
from typing import Any

import openapi_core
import pytest
import requests
from click.testing import CliRunner
from clients import JOHN, NOON, Client
from helpers import ask
from judges import (
    Contract,
    Exchange,
    Judge,
    Watch,
    load_contract,
    operations,
    resolve,
    stream_findings,
)
from openapi_core.contrib.requests import RequestsOpenAPIRequest, RequestsOpenAPIResponse
from openapi_spec_validator import OpenAPIV31SpecValidator
from paths import OPENAPI
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mock_heidi import MockHeidi, api
from mock_heidi.api.sessions import get_session
from mock_heidi.base import error_table, errors, problems
from mock_heidi.base.errors import HeidiError
from mock_heidi.base.values import Incoming, Outgoing
from mock_heidi.cli.main import cli
from mock_heidi.faults import delivery
from mock_heidi.faults.delivery import Stream
from mock_heidi.state.session_records import ConsultNote
from mock_heidi.web.response import Success


@pytest.fixture
def contract() -> Contract:
    """A copy of the contract that a test may break."""
    return load_contract()


# --- The judges -------------------------------------------------------------------------------------------------------


def form_findings(contract: Contract) -> list[str]:
    """The places where the contract is not valid OpenAPI 3.1."""
    return [error.message for error in OpenAPIV31SpecValidator(contract).iter_errors()]


def operation_findings(contract: Contract, routes: Iterable[Route]) -> list[str]:
    """Operations (method, path and name) that are only in the contract or only in the code."""
    described = {(operation.method, operation.path, operation.name) for operation in operations(contract)}
    # Starlette adds HEAD to every GET; the router leaves it out again.
    served = {(method, route.path, route.name) for route in routes for method in (route.methods or set()) - {"HEAD"}}
    return [
        *(f"in the contract, not served: {row}" for row in sorted(described - served)),
        *(f"served, not in the contract: {row}" for row in sorted(served - described)),
    ]


def model_findings(contract: Contract, classes: dict[str, type[BaseModel]]) -> list[str]:
    """Differences between the contract's objects and the classes of the same name, field by field."""
    schemas: dict[str, Any] = _spelt_out(contract, contract["components"]["schemas"])
    # The code writes enums at their fields. A schema without a class in the code is marked so.
    classless = {name for name, schema in schemas.items() if "enum" in schema or schema.get("x-no-class") is True}
    described = schemas.keys() - _reached(contract, _error_components(contract)) - (classless - classes.keys())
    found = [f"{name}: no class of that name" for name in sorted(described - classes.keys())]
    found += [f"{name}: not in the contract" for name in sorted(classes.keys() - described)]
    for name in sorted(described & classes.keys()):
        found += _class_findings(name, schemas[name], classes[name])
    return found


def error_findings(contract: Contract, classes: Iterable[type[HeidiError]]) -> list[str]:
    """Errors that are worded differently in the contract and the code, or have different statuses."""
    judge = Judge(contract)
    schemas = contract["components"]["schemas"]
    statuses = _error_components(contract)
    found, matched = [], set()
    for cls in classes:
        error = cls(*_ARGUMENTS.get(cls, ()))
        status, body, _ = error_table.render(error)
        names = [name for name in statuses if not judge.value_findings(schemas[name], json.loads(body))]
        if len(names) != 1:
            found.append(f"{cls.__name__}: worded so in the contract by {names or 'nobody'}")
            continue
        matched.add(names[0])
        if statuses[names[0]] != {str(status)}:
            found.append(f"{cls.__name__}: {status}, in the contract {sorted(statuses[names[0]])}")
    return found + [f"{name}: no error of the code is worded so" for name in sorted(statuses.keys() - matched)]


# The arguments of errors whose words vary.
_ARGUMENTS: dict[type[HeidiError], tuple[Any, ...]] = {
    errors.UnprocessableError: ([problems.missing("query", "email")],),
    errors.OpenAPIHeidiAccountAlreadyLinkedError: ("kp_xxx",),
}


def default_findings(contract: Contract) -> list[str]:
    """Defaults of query parameters that differ from those of the code."""
    models = [one for module in _modules() for one in vars(module).values() if _is_query(one)]
    fields = {name: field.default for model in models for name, field in model.model_fields.items()}
    described = {
        row["name"]: row["schema"]["default"]
        for operation in operations(contract)
        for row in (resolve(contract, one) for one in operation.spec.get("parameters", []))
        if "default" in row["schema"]
    }
    return [
        f"{name}: {fields.get(name)!r}, in the contract {described.get(name)!r}"
        for name in sorted(fields.keys() | described.keys())
        if fields.get(name) != described.get(name)
    ]


def _is_query(one: Any) -> bool:
    """True if ``one`` is the model of an operation's query."""
    return isinstance(one, type) and issubclass(one, BaseModel) and one.__name__.endswith("Query")


# --- Parts of the judges ----------------------------------------------------------------------------------------------


def _error_components(contract: Contract) -> dict[str, set[str]]:
    """The components used in answers other than 200, with their statuses."""
    statuses: dict[str, set[str]] = {}
    for operation in operations(contract):
        for status, response in operation.spec["responses"].items():
            if status == "200":
                continue
            schema = resolve(contract, response)["content"]["application/json"]["schema"]
            for branch in schema.get("anyOf", [schema]):
                statuses.setdefault(branch["$ref"].rpartition("/")[2], set()).add(status)
    return statuses


def _reached(contract: Contract, names: Iterable[str]) -> set[str]:
    """These schemas and all schemas that they refer to, directly or indirectly."""
    reached, pending = set[str](), set(names)
    while pending:
        reached |= pending
        texts = (json.dumps(contract["components"]["schemas"][name]) for name in pending)
        pending = {name for text in texts for name in re.findall(r"#/components/schemas/(\w+)", text)} - reached
    return reached


def _spelt_out(contract: Contract, value: Any) -> Any:
    """A part of the contract in which each reference to an enum is replaced by the enum."""
    if isinstance(value, dict):
        spelt = {key: _spelt_out(contract, item) for key, item in value.items()}
        words = resolve(contract, value)
        return {**words, **{key: item for key, item in spelt.items() if key != "$ref"}} if "enum" in words else spelt
    return [_spelt_out(contract, item) for item in value] if isinstance(value, list) else value


def _modules() -> list[ModuleType]:
    """The modules of the API, one for each documented resource."""
    return [importlib.import_module(found.name) for found in pkgutil.iter_modules(api.__path__, f"{api.__name__}.")]


def served_classes() -> dict[str, type[BaseModel]]:
    """The classes of request bodies, answers and the stored values that answers show, by name."""
    own = {
        name: cls
        for module in _modules()
        for name, cls in vars(module).items()
        if isinstance(cls, type) and issubclass(cls, Incoming | Outgoing) and cls.__module__ == module.__name__
        if not name.startswith("_")  # only used if another assumption is chosen
    }
    return own | {"ConsultNote": ConsultNote, "Success": Success}


def vendor_errors() -> list[type[HeidiError]]:
    """The errors that operations of the contract answer with."""
    aside = (
        # Unknown paths, internal errors and the mock's own limits are not in the contract.
        errors.NotFoundError,
        errors.MethodNotAllowedError,
        errors.InternalError,
        errors.ServiceUnavailableError,
        errors.NoMemoryError,
        errors.NoTemporaryFileError,
        errors.HostNotAllowedError,
        errors.StrictHeaderError,
        errors.UndocumentedError,
        # Only sent if another assumption is chosen.
        errors.RecordingRequiredError,
        errors.CodingNotEnabledError,
    )
    found = [cls for cls in vars(errors).values() if isinstance(cls, type) and issubclass(cls, HeidiError)]
    return [cls for cls in found if hasattr(cls, "status") and cls not in aside]


def _class_findings(name: str, schema: dict[str, Any], cls: type[BaseModel]) -> Iterator[str]:
    answer = not issubclass(cls, Incoming)
    made = cls.model_json_schema(mode="serialization" if answer else "validation")
    made = made["$defs"][name] if "$ref" in made else made  # a recursive class is among its own parts
    fields = {field.alias or key: field for key, field in cls.model_fields.items()}
    optional = {key for key, field in fields.items() if (_left_out(field) if answer else not field.is_required())}
    properties = schema["properties"]
    shared = properties.keys() & fields.keys()
    described, served = shared & set(schema.get("required", ())), shared - optional
    if described != served:
        yield f"{name}: required are {sorted(served)}, in the contract {sorted(described)}"
    if answer and list(properties) != list(fields):
        yield f"{name}: the keys are {list(fields)}, in the contract {list(properties)}"
    if (schema.get("additionalProperties") is False) != (cls.model_config.get("extra") == "forbid"):
        yield f"{name}: only one of contract and code is closed to other keys"
    for key in sorted(properties.keys() | made["properties"].keys()):
        wanted, given = _form(properties.get(key, False)), _form(made["properties"].get(key, False))
        if answer and key in optional:
            given.discard('{"type": "null"}')
        if wanted != given and (name, key) not in _READ_AGAIN:
            yield f"{name}.{key}: {sorted(given)}, in the contract {sorted(wanted)}"


def _left_out(field: FieldInfo) -> bool:
    """True if an answer leaves out a field that is null."""
    return field.exclude_if is not None and field.exclude_if(None)


# Under some assumptions these fields accept more spellings, which the tests of assumptions check.
_READ_AGAIN = {(name, "gender") for name in ("PatientProfileCreate", "PatientProfileUpdate", "SessionPatientUpdate")}
_NOTES = ("title", "description", "default", "examples", "example", "x-provenance", "x-assumption", "x-assumptions")
_APPLIES = {
    "string": ("pattern", "format", "minLength", "maxLength"),
    "number": ("minimum", "maximum"),
    "integer": ("minimum", "maximum"),
    "array": ("items", "prefixItems", "minItems", "maxItems"),
    "object": ("properties", "required", "additionalProperties"),
    "boolean": (),
    "null": (),
}
_KINDS = {"string": str, "boolean": bool, "null": type(None)}


def _form(schema: Any) -> set[str]:
    """A normal form of a JSON schema: its alternatives, each as a text."""
    if isinstance(schema, bool):
        return {str(schema)}
    schema = {key: value for key, value in schema.items() if key not in _NOTES}
    if "$ref" in schema:
        return {schema["$ref"].rpartition("/")[2]}
    for union in schema.keys() & {"anyOf", "oneOf"}:
        assert len(schema) == 1, schema
        return set().union(*map(_form, schema[union]))
    return set(_branches(schema))


def _branches(schema: dict[str, Any]) -> Iterator[str]:
    """A text for each type that a schema allows, with the rules for values of that type."""
    if schema.get("additionalProperties") is True:
        del schema["additionalProperties"]
    if "const" in schema:
        schema["enum"] = [schema.pop("const")]
    for nested in ("items", "additionalProperties"):
        if nested in schema:
            schema[nested] = sorted(_form(schema[nested]))
    types = schema.pop("type", "any")
    for kind in [types] if isinstance(types, str) else types:
        branch = {key: value for key, value in schema.items() if key in _APPLIES.get(kind, schema)}
        if "enum" in schema and kind != "null":
            branch["enum"] = sorted(value for value in schema["enum"] if isinstance(value, _KINDS[kind]))
        yield json.dumps({"type": kind, **branch}, sort_keys=True)


# --- Contract and code agree ------------------------------------------------------------------------------------------


def test_the_contract_is_valid_openapi(contract: Contract) -> None:
    assert form_findings(contract) == []


def test_the_code_serves_exactly_the_operations_of_the_contract(contract: Contract) -> None:
    assert operation_findings(contract, api.ROUTES) == []


def test_handlers_and_routes_have_the_names_of_their_operations() -> None:
    assert [route.endpoint.__name__ for route in api.ROUTES] == [route.name for route in api.ROUTES]


def test_the_models_of_the_code_match_the_contract_field_by_field(contract: Contract) -> None:
    assert model_findings(contract, served_classes()) == []


def test_the_errors_of_the_code_match_the_contract(contract: Contract) -> None:
    assert error_findings(contract, vendor_errors()) == []


def test_the_defaults_of_the_code_match_the_contract(contract: Contract) -> None:
    assert default_findings(contract) == []


def test_the_judge_of_defaults_reports_a_difference(contract: Contract) -> None:
    contract["components"]["parameters"]["PageSize"]["schema"]["default"] = 21

    assert default_findings(contract) == ["page_size: 20, in the contract 21"]


def test_the_server_serves_the_contract_file_unchanged(heidi: Client) -> None:
    answer = heidi.get("/_mock/openapi.yaml")

    assert answer.content == OPENAPI.read_bytes()


def test_the_command_prints_the_contract_file_unchanged() -> None:
    printed = CliRunner().invoke(cli, ["openapi"])

    assert printed.stdout_bytes == OPENAPI.read_bytes()


WAV = ("visit.wav", b"RIFF", "audio/wav")
NOTE = {"generation_method": "TEMPLATE", "template_id": "659b8042fe093d6592b41ef7"}
QUESTION = {"questionId": "1", "question": "When?", "answerType": "DateResponse", "dateFormat": "D MMM YYYY"}

# The order is one in which every call succeeds.
CALLS: list[tuple[str, str, dict[str, Any]]] = [
    ("GET", "/jwt?email=a@example.com&third_party_internal_id=9", {}),
    ("POST", "/users/linked-account", {"json": {"kinde_user_id": "kp_xxx"}}),
    ("GET", "/users/linked-account/access", {}),
    ("GET", "/templates/consult-note-templates", {}),
    ("GET", "/templates/document-templates", {}),
    ("POST", "/patient-profiles", {"json": {"first_name": "Zoë", "birth_date": "1984-02-29", "gender": "FEMALE"}}),
    ("PATCH", f"/patient-profiles/{JOHN}", {"json": {"first_name": None, "remember_consent": True}}),
    ("GET", "/patient-profiles?ehr_patient_id=EHR123456", {}),
    ("GET", f"/patient-profiles/{JOHN}", {}),
    ("POST", "/sessions", {"json": {"patient_profile_id": JOHN}}),
    ("GET", "/sessions/linked-user?page_size=10", {}),
    ("GET", "/sessions/1234567890", {}),
    ("PATCH", "/sessions/1234567890", {"json": {"duration": 12.5, "linked_sessions_for_context": ["1"]}}),
    ("POST", f"/patient-profiles/{JOHN}/sessions", {"json": {"session_ids": ["1234567890"]}}),
    (
        "POST",
        "/sessions/1234567890/context-documents",
        {"files": {"context_documents": ("a.pdf", b"%PDF")}, "data": {"meta_data": '{"name": "A"}'}},
    ),
    ("GET", "/sessions/1234567890/context-documents", {}),
    ("DELETE", "/sessions/1234567890/context-documents", {"json": {"ids": []}}),
    (
        "POST",
        "/sessions/1234567890/upload-audio",
        {"files": {"file": WAV}, "data": {"start_time": "2024-12-11T03:57:57Z"}},
    ),
    ("POST", "/sessions/1234567890/restful-segment-transcription", {}),
    (
        "POST",
        "/sessions/1234567890/restful-segment-transcription/{recording_id}:transcribe",
        {"files": {"file": WAV}, "data": {"index": "0"}},
    ),
    ("POST", "/sessions/1234567890/restful-segment-transcription/{recording_id}:finish", {}),
    ("GET", "/sessions/1234567890/transcript", {}),
    ("GET", "/sessions/1234567890/transcript/live?recording_status=completed", {}),
    ("POST", "/sessions/1234567890/consult-note", {"json": NOTE | {"addition": "", "voice_style": "BRIEF"}}),
    (
        "POST",
        "/sessions/1234567890/client-customised-template/response",
        {"json": {"template": "", "questions": [QUESTION], "summaryRequired": True}},
    ),
    ("POST", "/sessions/1234567890/documents", {"json": NOTE}),
    ("GET", "/sessions/1234567890/documents", {}),
    (
        "POST",
        "/sessions/1234567890/ask-ai",
        {"json": {"ai_command_text": "Say it in one word", "content": "", "content_type": "MARKDOWN"}},
    ),
    ("GET", "/sessions/1234567890/clinical-codes", {}),
    ("DELETE", "/patient-profiles:batch-delete", {"json": {"patient_profile_ids": [JOHN]}}),
    ("DELETE", "/users/linked-account:unlink", {}),
]


@pytest.mark.slow
def test_an_independent_client_accepts_every_operation_by_the_contract(contract: Contract) -> None:
    names = []
    known: dict[str, str] = {}
    # openapi_core has no deserializers for these media types, and expects text from them.
    config = openapi_core.Config(
        extra_media_type_deserializers=dict.fromkeys(
            ("text/event-stream", "audio/*", "application/octet-stream"), lambda value, **_: value.decode()
        )
    )
    foreign = openapi_core.OpenAPI.from_file_path(str(OPENAPI), config=config)
    with MockHeidi(clock=NOON) as heidi, requests.Session() as session:
        session.trust_env = False
        headers = heidi.headers() | {"Heidi-Api-Key": heidi.api_key}
        for method, path, sent in CALLS:
            url = heidi.base_url + path.format_map(known)
            asked = session.prepare_request(requests.Request(method, url, headers=headers, **sent))
            given = session.send(asked)
            request, response = RequestsOpenAPIRequest(asked), RequestsOpenAPIResponse(given)

            read, answered = foreign.unmarshal_request(request), foreign.unmarshal_response(request, response)

            assert (path, given.status_code, read.errors, answered.errors) == (path, 200, [], [])
            names.append(heidi.requests()[-1]["operation"])
            if "recording_id" in given.text:
                known |= given.json()

    assert sorted(names) == sorted(operation.name for operation in operations(contract))


# --- The judges report what is broken ---------------------------------------------------------------------------------


def _schema(contract: Contract, name: str) -> dict[str, Any]:
    schema: dict[str, Any] = contract["components"]["schemas"][name]
    return schema


def _operation(contract: Contract, name: str) -> dict[str, Any]:
    return next(operation.spec for operation in operations(contract) if operation.name == name)


def _drop_title(contract: Contract) -> None:
    del contract["info"]["title"]


def _repeat_name(contract: Contract) -> None:
    _operation(contract, "get_session")["operationId"] = "create_session"


BROKEN_FORMS = {"no title": (_drop_title, "is a required property"), "one name twice": (_repeat_name, "create_session")}


@pytest.mark.parametrize(("spoil", "words"), BROKEN_FORMS.values(), ids=BROKEN_FORMS)
def test_the_judge_of_validity_reports_invalid_openapi(
    contract: Contract, spoil: Callable[[Contract], None], words: str
) -> None:
    spoil(contract)

    assert words in "\n".join(form_findings(contract))


def test_the_judge_of_operations_reports_one_that_is_not_served(contract: Contract) -> None:
    contract["paths"]["/patients"] = {"get": copy.deepcopy(_operation(contract, "list_patient_profiles"))}

    assert operation_findings(contract, api.ROUTES) == [
        "in the contract, not served: ('GET', '/patients', 'list_patient_profiles')"
    ]


def test_the_judge_of_operations_reports_one_that_is_not_in_the_contract(contract: Contract) -> None:
    extra = Route("/sessions/{session_id}", get_session, methods=["DELETE"])

    assert operation_findings(contract, [*api.ROUTES, extra]) == [
        "served, not in the contract: ('DELETE', '/sessions/{session_id}', 'get_session')"
    ]


def test_the_judge_of_operations_reports_a_different_name(contract: Contract) -> None:
    _operation(contract, "get_session")["operationId"] = "read_session"

    assert len(operation_findings(contract, api.ROUTES)) == 2


def _swap(contract: Contract) -> None:
    properties = _schema(contract, "LinkedSession")["properties"]
    properties["session_id"] = properties.pop("session_id")


def _lose_key(contract: Contract) -> None:
    del _schema(contract, "PatientProfileDetail")["properties"]["managed_by"]
    _schema(contract, "PatientProfileDetail")["required"].remove("managed_by")


def _add_key(contract: Contract) -> None:
    _schema(contract, "SessionCreate")["properties"]["room"] = {"type": ["string", "null"]}


def _retype(contract: Contract) -> None:
    _schema(contract, "SessionUpdate")["properties"]["duration"]["type"] = ["integer", "null"]


def _retype_items(contract: Contract) -> None:
    _schema(contract, "SessionsLink")["properties"]["session_ids"]["items"] = {"type": "integer"}


def _never_null(contract: Contract) -> None:
    _schema(contract, "PatientProfileListed")["properties"]["remember_consent"]["type"] = "boolean"


def _widen_enum(contract: Contract) -> None:
    _schema(contract, "AnswerType")["enum"].insert(0, "UNKNOWN")


def _other_words(contract: Contract) -> None:
    gender = _schema(contract, "PatientProfileUpdated")["properties"]["gender"]
    gender["anyOf"][0]["$ref"] = "#/components/schemas/Brain"


def _no_null_words(contract: Contract) -> None:
    _schema(contract, "SessionPatient")["properties"]["gender"] = {"$ref": "#/components/schemas/Gender"}


def _spare_detail(contract: Contract) -> None:
    contract["components"]["schemas"]["OtherDetail"] = copy.deepcopy(_schema(contract, "InvalidTokenDetail"))


def _lose_pattern(contract: Contract) -> None:
    del _schema(contract, "SessionCreated")["properties"]["session_id"]["pattern"]


def _require(contract: Contract) -> None:
    _schema(contract, "PatientProfileCreate")["required"] = ["last_name"]


def _excuse(contract: Contract) -> None:
    _schema(contract, "Token")["required"].remove("token")


def _open(contract: Contract) -> None:
    del _schema(contract, "SessionPatient")["additionalProperties"]


def _rename(contract: Contract) -> None:
    schemas = contract["components"]["schemas"]
    schemas["Outcome"] = schemas.pop("Success")


def _other_object(contract: Contract) -> None:
    _schema(contract, "SessionDetail")["properties"]["consult_note"]["anyOf"][0]["$ref"] = "#/components/schemas/Token"


OTHER_MODELS = {
    "keys in another order": (_swap, ["LinkedSession: the keys are"]),
    "a key fewer": (_lose_key, ["PatientProfileDetail: the keys are", "PatientProfileDetail.managed_by:"]),
    "a key more": (_add_key, ["SessionCreate.room:"]),
    "another type": (_retype, ["SessionUpdate.duration:"]),
    "another type of items": (_retype_items, ["SessionsLink.session_ids:"]),
    "a type that excludes null": (_never_null, ["PatientProfileListed.remember_consent:"]),
    "another list of words": (_widen_enum, ["CustomQuestion.answerType:"]),
    "a reference to another list": (_other_words, ["PatientProfileUpdated.gender:"]),
    "a list that excludes null": (_no_null_words, ["SessionPatient.gender:"]),
    "a detail of no error": (_spare_detail, ["OtherDetail: no class"]),
    "no pattern": (_lose_pattern, ["SessionCreated.session_id:"]),
    "a field required": (_require, ["PatientProfileCreate: required are"]),
    "a key optional": (_excuse, ["Token: required are"]),
    "an open answer": (_open, ["SessionPatient: only one"]),
    "another object": (_other_object, ["SessionDetail.consult_note:"]),
    "another name": (_rename, ["Outcome: no class", "Success: not in the contract"]),
}


@pytest.mark.parametrize(("spoil", "begins"), OTHER_MODELS.values(), ids=OTHER_MODELS)
def test_the_judge_of_models_reports_a_difference(
    contract: Contract, spoil: Callable[[Contract], None], begins: list[str]
) -> None:
    spoil(contract)

    found = model_findings(contract, served_classes())

    assert len(found) == len(begins), found
    assert all(text.startswith(begin) for text, begin in zip(found, begins, strict=True)), found


def _reword(contract: Contract) -> None:
    _schema(contract, "NotAuthenticated")["properties"]["detail"]["const"] = "Unauthenticated"


def _restatus(contract: Contract) -> None:
    responses = _operation(contract, "get_session")["responses"]
    responses["400"] = responses.pop("404")


OTHER_ERRORS = {"other words": (_reword, "MissingTokenError: worded so"), "another status": (_restatus, "SessionNotFo")}


@pytest.mark.parametrize(("spoil", "begin"), OTHER_ERRORS.values(), ids=OTHER_ERRORS)
def test_the_judge_of_errors_reports_a_difference(
    contract: Contract, spoil: Callable[[Contract], None], begin: str
) -> None:
    spoil(contract)

    assert error_findings(contract, vendor_errors())[0].startswith(begin)


def test_errors_that_only_faults_send_are_known_and_undocumented() -> None:
    aside = {name for name, (error, _) in error_table.BY_NAME.items() if type(error) not in vendor_errors()}
    provenances = {name: error_table.BY_NAME[name][1] for name in aside}

    assert provenances == {
        "NotFoundError": "observed",
        "InternalError": "observed",
        "RecordingRequiredError": "assumed",
        "CodingNotEnabledError": "assumed",
    }


def test_the_judge_of_errors_reports_one_that_the_code_lacks(contract: Contract) -> None:
    classes = [cls for cls in vendor_errors() if cls is not errors.BodyTooLargeError]

    assert error_findings(contract, classes) == ["BodyTooLarge: no error of the code is worded so"]


# --- The judge of every answer ----------------------------------------------------------------------------------------

Change = Callable[[dict[str, Any]], object]


def _altered(change: Change, status: int = 200, **headers: str) -> Callable[[Request], Any]:
    """A handler that answers as ``get_session`` does, after a change to the session."""

    def altered(request: Request) -> Response:
        answer = json.loads(bytes(get_session(request).body))  # type: ignore[arg-type] # Starlette has one of that name
        change(answer["session"])
        return Response(json.dumps(answer), status, {"Content-Type": "application/json", **headers})

    return altered


def _crash(_: Request) -> Response:
    raise RuntimeError("a defect")


def _plain(_: Request) -> Response:
    return Response("Session not found", 404, {"Content-Type": "text/plain"})


def _no_json(_: Request) -> Response:
    return Response('{"session": NaN}', 200, {"Content-Type": "application/json"})


def _twice(_: Request) -> Response:
    return Response('{"session": {}, "session": {}}', 200, {"Content-Type": "application/json"})


def _framework(_: Request) -> Response:
    return Response('{"detail": "Not Found"}', 404, {"Content-Type": "application/json"})


def _nothing(_: dict[str, Any]) -> None:
    pass


BAD_ANSWERS: dict[str, tuple[Callable[[Request], Any], str]] = {
    "another status": (_altered(_nothing, 201), "the status is none of 200, 401, 404"),
    "a defect": (_crash, "the status is none of 200, 401, 404"),
    "a missing key": (_altered(lambda session: session.pop("audio")), "'audio' is a required property"),
    "an extra key": (_altered(lambda session: session.update(room=7)), "'room' was unexpected"),
    "a key out of order": (
        _altered(lambda session: session.update(session_id=session.pop("session_id"))),
        "$.session: the keys stand in the order",
    ),
    "an inner key out of order": (
        _altered(lambda session: session["consult_note"].update(status=session["consult_note"].pop("status"))),
        "$.session.consult_note: the keys stand in the order",
    ),
    "another type": (_altered(lambda session: session.update(duration="16")), "'16' is not of type 'number'"),
    "no such day": (_altered(lambda session: session["patient"].update(dob="2025-02-30")), "is not a 'date'"),
    "a zone": (_altered(lambda session: session.update(created_at="2024-12-11T03:57:57.921000Z")), "does not match"),
    "the error of no path": (_framework, "is not of type 'object'"),
    "no media type of the contract": (_plain, "the media type is text/plain, not application/json"),
    "no JSON": (_no_json, "the body is no JSON: NaN"),
    "a key twice": (_twice, "the body is no JSON: a key stands there twice"),
}


def _replace(monkeypatch: pytest.MonkeyPatch, handler: Callable[[Request], Any]) -> None:
    route = next(route for route in api.ROUTES if route.name == "get_session")
    monkeypatch.setattr(route, "endpoint", handler)


@pytest.mark.breaks_contract
@pytest.mark.parametrize(("handler", "words"), BAD_ANSWERS.values(), ids=BAD_ANSWERS)
def test_an_answer_that_breaks_the_contract_is_reported(
    heidi: Client,
    contract_watch: Watch,
    monkeypatch: pytest.MonkeyPatch,
    handler: Callable[[Request], Any],
    words: str,
) -> None:
    _replace(monkeypatch, handler)

    heidi.get("/sessions/1234567890")

    (found,) = contract_watch.findings()
    assert found.startswith("GET /api/v2/ml-scribe/open-api/sessions/1234567890 (get_session) -> ")
    assert words in found


@pytest.mark.breaks_contract
@pytest.mark.parametrize("path", ["/ns/other/api/v2/ml-scribe/open-api/jwt", "/api/v2//ml-scribe/open-api//jwt/"])
def test_an_answer_is_judged_for_every_spelling_of_its_path(
    heidi: Client, contract_watch: Watch, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    route = next(route for route in api.ROUTES if route.name == "get_jwt")
    monkeypatch.setattr(route, "endpoint", _crash)

    heidi.get(f"http://localhost{path}", signed=False, headers={"Heidi-Api-Key": "mock-heidi-key"})

    (found,) = contract_watch.findings()
    assert found.startswith(f"GET {path} (get_jwt) -> 500: the status is none of 200, 401, 422")


@pytest.mark.breaks_contract
def test_an_answer_over_a_socket_is_judged(contract_watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    _replace(monkeypatch, _altered(lambda session: session.pop("audio")))
    with MockHeidi(clock=NOON) as heidi, heidi.client() as client:
        client.get("/sessions/1234567890")

        (found,) = contract_watch.findings()
        assert "'audio' is a required property" in found


def test_a_test_that_receives_an_answer_outside_the_contract_fails(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("pytest_plugins = ['judges']")
    pytester.makepyfile(
        """
        import httpx, pytest
        from mock_heidi import MockHeidi, api
        from starlette.responses import Response

        def wrong(request):
            return Response("{}", 418)

        def ask(monkeypatch):
            monkeypatch.setattr(api.ROUTES[0], "endpoint", wrong)
            with MockHeidi() as heidi:
                assert httpx.get(f"{heidi.base_url}/jwt", headers={"Heidi-Api-Key": heidi.api_key}).status_code == 418

        @pytest.fixture
        def asked(monkeypatch):
            ask(monkeypatch)

        def test_content_with_it(monkeypatch):
            ask(monkeypatch)

        def test_after_it(asked):
            pass

        @pytest.mark.breaks_contract
        def test_on_purpose(monkeypatch):
            ask(monkeypatch)

        def test_none():
            pass
        """
    )

    result = pytester.runpytest_inprocess("-p", "no:cacheprovider")

    result.assert_outcomes(failed=1, errors=1, passed=2)
    result.stdout.fnmatch_lines(["*GET /api/v2/ml-scribe/open-api/jwt (get_jwt) -> 418: the status is none of*"])


def _exchange(status: int, body: str, method: str = "GET", path: str = "/nowhere", **more: Any) -> Exchange:
    headers = {"content-type": "application/json"} | more.pop("headers", {})
    base = "/api/v2/ml-scribe/open-api"
    return Exchange(method, base + path, more.get("preflight", False), status, tuple(headers.items()), body.encode())


BAD_STREAMS = {
    "no space after the name": (b'data:{"data": "a"}\n\n', "event 0 of the stream: "),
    "no space after the key": (b'data: {"data":"a"}\n\n', "event 0 of the stream: "),
    "letters beyond ASCII": ('data: {"data": "ä"}\n\n'.encode(), "is not escaped as"),
    "another escape": (b'data: {"data": "a\\/b"}\n\n', "is not escaped as"),
    "half a letter": (b'data: {"data": "\\ud83d"}\n\n', "is no text in JSON"),
    "no text": (b'data: {"data": 5}\n\n', "is no text in JSON"),
    "another key": (b'data: {"data": "a", "n": 1}\n\n', "is no text in JSON"),
    "an end mark": (b'data: {"data": "a"}\n\ndata: [DONE]\n\n', "event 1 of the stream: "),
    "a comment": (b': ping\n\ndata: {"data": "a"}\n\n', "event 0 of the stream: "),
    "a name": (b'event: piece\ndata: {"data": "a"}\n\n', "event 0 of the stream: "),
    "a line feed more": (b'data: {"data": "a"}\n\n\n', "the stream ends within an event"),
    "a line feed less": (b'data: {"data": "a"}\n', "the stream ends within an event"),
    "carriage returns": (b'data: {"data": "a"}\r\n\r\n', "the stream ends within an event"),
}


@pytest.mark.parametrize(("body", "words"), BAD_STREAMS.values(), ids=BAD_STREAMS)
def test_the_judge_of_streams_reports_a_broken_stream(body: bytes, words: str) -> None:
    found = stream_findings(body)

    assert len(found) == 1, found
    assert words in found[0]


@pytest.mark.parametrize("texts", [[], [""], ["a", 'b "c"\n', "ä😀"]])
def test_the_judge_of_streams_accepts_the_vendor_format(texts: list[str]) -> None:
    assert stream_findings(b"".join(map(delivery.frame, texts))) == []


def test_a_stream_must_name_its_charset_and_json_may() -> None:
    stream, plain = "/sessions/1/ask-ai", "/sessions/1"
    event = 'data: {"data": "a"}\n\n'
    unsaid = _exchange(200, event, "POST", stream, headers={"content-type": "text/event-stream"})
    said = _exchange(200, event, "POST", stream, headers={"content-type": "text/event-stream; charset=utf-8"})
    body = '{"detail": {"msg": "Session not found", "type": "SessionNotFoundError"}}'
    json_said = _exchange(404, body, path=plain, headers={"content-type": "application/json; charset=utf-8"})

    found = Judge(load_contract()).findings(unsaid)

    assert "the media type is text/event-stream, not text/event-stream; charset=utf-8" in found[0]
    assert [*Judge(load_contract()).findings(said), *Judge(load_contract()).findings(json_said)] == []


@pytest.mark.breaks_contract
def test_the_received_part_of_an_aborted_stream_is_judged(
    heidi: Client, monkeypatch: pytest.MonkeyPatch, contract_watch: Watch
) -> None:
    def broken() -> None:
        raise RuntimeError("a defect")

    def torn(_: Request) -> Stream:
        return Stream(["One"], broken)

    monkeypatch.setattr(delivery, "frame", lambda _: b"data: [BEGIN]\n\n")
    route = next(route for route in api.ROUTES if route.name == "ask_ai")
    monkeypatch.setattr(route, "endpoint", torn)
    headers = {"Authorization": f"Bearer {heidi.token()}"}
    ask(heidi.app, "POST", "/api/v2/ml-scribe/open-api/sessions/1234567890/ask-ai", headers=headers)

    assert "event 0 of the stream: b'data: [BEGIN]'" in "\n".join(contract_watch.findings())


NO_OPERATION = {
    "another body": (_exchange(404, '{"error": "gone"}'), "should be 404 {'detail': 'Not Found'}"),
    "another status": (_exchange(400, '{"detail": "Not Found"}'), "should be 404"),
    "no JSON": (_exchange(404, "Not Found"), "the body is no JSON"),
    "another media type": (
        _exchange(404, '{"detail": "Not Found"}', headers={"content-type": "text/plain"}),
        "the media type is text/plain",
    ),
    "no Allow": (_exchange(405, '{"detail": "Method Not Allowed"}', "PUT", "/sessions"), "Allow is None, not POST"),
    "404 for 405": (_exchange(404, '{"detail": "Not Found"}', "PUT", "/sessions"), "should be 405"),
    "405 for 404": (
        _exchange(405, '{"detail": "Method Not Allowed"}', headers={"allow": "GET"}),
        "should be 404 {'detail': 'Not Found'}",
    ),
    "half of Allow": (
        _exchange(405, '{"detail": "Method Not Allowed"}', "PUT", "/patient-profiles", headers={"allow": "GET"}),
        "Allow is 'GET', not GET, POST",
    ),
    "a method not refused": (_exchange(200, "{}", "HEAD", "/sessions/1"), "should be 405"),
}


@pytest.mark.parametrize(("exchange", "words"), NO_OPERATION.values(), ids=NO_OPERATION)
def test_an_unknown_path_or_method_must_be_refused_in_the_vendor_format(exchange: Exchange, words: str) -> None:
    found = Judge(load_contract()).findings(exchange)

    assert words in "\n".join(found)


@pytest.mark.parametrize(
    ("value", "words"),
    [("redirect", "should be a 307 to /api/v2/ml-scribe/open-api/patient-profiles"), ("not_found", "should be 404")],
)
def test_a_path_with_extra_slashes_is_judged_by_the_chosen_assumption(value: str, words: str) -> None:
    served = _exchange(200, '{"data": []}', path="//patient-profiles")

    (found,) = Judge(load_contract()).findings(served._replace(assumed=(("extra_slashes", value),)))

    assert words in found
    assert Judge(load_contract()).findings(served) == []


def test_the_judge_checks_the_order_of_keys_inside_lists(contract: Contract) -> None:
    content = _operation(contract, "list_patient_profiles")["responses"]["200"]["content"]["application/json"]
    value = next(iter(content["examples"].values()))["value"]
    last = value["data"][-1]
    last["id"] = last.pop("id")

    [found] = Judge(contract).findings(_exchange(200, json.dumps(value), path="/patient-profiles"))

    assert f"$.data[{len(value['data']) - 1}]: the keys stand in the order" in found


def test_the_judge_checks_headers_of_the_contract(contract: Contract) -> None:
    header = contract["components"]["responses"]["Unauthorized"]["headers"]["WWW-Authenticate"]
    header["required"] = True
    body = '{"detail": "Not authenticated"}'

    absent = Judge(contract).findings(_exchange(401, body, path="/sessions/1"))
    other = Judge(contract).findings(_exchange(401, body, path="/sessions/1", headers={"www-authenticate": "Basic"}))

    assert "the header WWW-Authenticate is missing" in absent[0]
    assert "header WWW-Authenticate: $: 'Bearer' was expected" in other[0]


def test_the_judge_ignores_injected_faults_and_preflights() -> None:
    fault = _exchange(503, "", path="/sessions/1", headers={"X-Mock-Fault": "status"})
    preflight = _exchange(200, "OK", "OPTIONS", preflight=True)

    assert [*Judge(load_contract()).findings(fault), *Judge(load_contract()).findings(preflight)] == []
