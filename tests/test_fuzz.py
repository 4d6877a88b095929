"""What schemathesis makes of the contract, valid or not, alone or along the links, is answered as the contract says.

It asks an application in this process, by the settings of schemathesis.toml; the same command sends the same requests.
"""

import copy
import tomllib
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from conftest import JOHN, NOON, Client
from hypothesis import HealthCheck, seed, settings
from judges import OPENAPI, Operation, load_contract, operations
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.generation.stateful.state_machine import StepInput, StepOutput

from mock_heidi import api
from mock_heidi.app import Front, create_app
from mock_heidi.models import Recording, Session, User
from mock_heidi.settings import DEFAULT_EMAIL, DEFAULT_THIRD_PARTY_ID

SETTINGS = OPENAPI.with_name("schemathesis.toml")


def _sign_in(app: Front) -> str:
    client = Client(app)
    token = client.token()
    client.close()
    return token


def _link() -> None:
    """Link the user of the token, without whom the list of their sessions is always refused."""
    user = User(managed_by=JOHN, email=DEFAULT_EMAIL, third_party_internal_id=DEFAULT_THIRD_PARTY_ID)
    namespace = app.namespaces.default
    namespace.link(user, namespace.heidi_user(JOHN, None))


def _record() -> None:
    """Begin the recording that the contract's examples name."""
    session = app.namespaces.default.store.get(Session, "1234567890")
    assert session is not None
    recordings = (Recording(recording_id="123"),)
    app.namespaces.default.store.put(session.model_copy(update={"recordings": recordings}))


# What must be there for an operation to succeed, beyond what a server begins with.
PREPARED = {
    "/sessions/linked-user": _link,
    "/sessions/{session_id}/restful-segment-transcription/{recording_id}:transcribe": _record,
    "/sessions/{session_id}/restful-segment-transcription/{recording_id}:finish": _record,
}


def _load(app: Front, token: str, contract: dict[str, Any]) -> schemathesis.BaseSchema:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEIDI_TOKEN", token)
        loaded = schemathesis.openapi.from_dict(contract, config=schemathesis.Config.from_path(SETTINGS))
    loaded.app = app
    return loaded


app = create_app(clock=NOON)
token = _sign_in(app)
schema = _load(app, token, load_contract())


@pytest.fixture
def statuses() -> Iterator[Counter[int]]:
    """How often each status came: an operation that never answered 200 was not really asked.

    For the DELETE it also shows that its body arrives, without which there is only 422.
    """
    seen: Counter[int] = Counter()
    yield seen
    assert seen[200] > 0, f"statuses seen: {dict(seen)}"


@schema.parametrize()
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # it counts over all examples on purpose
def test_each_operation_answers_good_and_bad_requests_by_the_contract(
    case: schemathesis.Case[Any], statuses: Counter[int]
) -> None:
    # One example must not find what another left behind: it could not be found again from its curl line.
    app.namespaces.default.reset()
    prepare = PREPARED.get(case.operation.path)
    if prepare is not None:
        prepare()

    answer = case.call()
    statuses[answer.status_code] += 1

    case.validate_response(answer)


# A walk by chance reaches the links among these; those to audio, notes and the rest are too many for its time, and
# tests/test_consultation.py walks them on purpose.
WALKED = frozenset(
    {
        "create_patient_profile",
        "update_patient_profile",
        "delete_patient_profiles",
        "link_sessions",
        "list_patient_profiles",
        "get_patient_profile",
        "create_session",
        "get_session",
        "update_session",
    }
)


def _walkable() -> schemathesis.BaseSchema:
    """The contract with the operations that are walked and the links among them: a walk takes them all."""
    contract = copy.deepcopy(load_contract())
    for item in contract["paths"].values():
        for method in [name for name, spec in item.items() if "operationId" in spec]:
            if item[method]["operationId"] not in WALKED:
                del item[method]
                continue
            for response in item[method]["responses"].values():
                links = response.get("links", {})
                for name in [name for name, link in links.items() if link["operationId"] not in WALKED]:
                    del links[name]
    contract["paths"] = {path: item for path, item in contract["paths"].items() if item}
    return _load(app, token, contract)


def _links() -> set[str]:
    """The links of the contract among patients and sessions, as schemathesis words them."""
    contract = load_contract()
    by_name = {operation.name: operation for operation in operations(contract)}

    def label(operation: Operation) -> str:
        return f"{operation.method} {operation.path}"

    return {
        f"{label(operation)} -> [{status}] {name} -> {label(by_name[link['operationId']])}"
        for operation in by_name.values()
        if operation.name in WALKED
        for status, response in operation.spec["responses"].items()
        for name, link in response.get("links", {}).items()
        if link["operationId"] in WALKED
    }


def test_every_link_among_patients_and_sessions_leads_to_a_success() -> None:
    succeeded: Counter[str] = Counter()

    class Walk(_walkable().as_state_machine()):  # type: ignore[misc]
        def setup(self) -> None:
            app.namespaces.default.reset()

        def step(self, given: StepInput) -> StepOutput:
            output: StepOutput = super().step(given)
            if given.transition is not None and output.response.status_code == 200:
                succeeded[given.transition.id] += 1
            return output

    # What is drawn depends on the modules that happen to be loaded, so one round may miss a link by bad luck.
    for round_ in range(5):
        seed(round_)(Walk).run(settings=schema.config.get_hypothesis_settings(phase="stateful"))
        if _links() <= succeeded.keys():
            break

    assert len(_links()) == 8
    assert _links() - succeeded.keys() == set()


def test_the_settings_file_is_in_force() -> None:
    written = tomllib.loads(SETTINGS.read_text(encoding="utf-8"))

    used = schema.config.get_hypothesis_settings()

    assert (used.max_examples, used.derandomize) == (written["generation"]["max-examples"], True)


def test_every_check_is_on_but_those_that_the_settings_explain() -> None:
    names = [name for name in schemathesis.checks.CHECKS.get_all_names() if name != "max_response_time"]

    off = [
        (operation.definition.raw["operationId"], name)
        for result in schema.get_all_operations()
        if isinstance(result, Ok) and (operation := result.ok())
        for name in names
        if not schema.config.checks_config_for(operation=operation).get_by_name(name=name).enabled
    ]

    assert len(names) > 10
    assert sorted(off) == [
        ("answer_custom_template", "positive_data_acceptance"),
        ("ask_ai", "response_schema_conformance"),
        ("generate_clinical_codes", "positive_data_acceptance"),
        ("generate_consult_note", "positive_data_acceptance"),
        ("generate_consult_note", "response_schema_conformance"),
        ("get_patient_profile", "ensure_resource_availability"),
        ("link_sessions", "ensure_resource_availability"),
        ("list_context_documents", "use_after_free"),
        ("list_linked_user_sessions", "positive_data_acceptance"),
        ("transcribe_segment", "positive_data_acceptance"),
        ("update_patient_profile", "ensure_resource_availability"),
        ("upload_audio", "positive_data_acceptance"),
        ("upload_context_documents", "positive_data_acceptance"),
        ("upload_context_documents", "use_after_free"),
    ]


@pytest.mark.breaks_contract
def test_a_failure_prints_the_curl_line_that_reproduces_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async def crash(_: Any) -> None:
        raise RuntimeError("a defect")

    route = next(route for route in api.ROUTES if route.name == "update_session")
    monkeypatch.setattr(route, "endpoint", crash)
    operation = schema["/sessions/{session_id}"]["PATCH"]
    headers = {"Authorization": f"Bearer {token}"}
    case = operation.Case(path_parameters={"session_id": "1234567890"}, headers=headers, body={"duration": 5})

    with pytest.raises(FailureGroup) as failure:
        case.call_and_validate()

    shown = str(failure.value)
    assert "Server error" in shown
    assert f"curl -X PATCH -H 'Authorization: Bearer {token}' " in shown
    assert """-d '{"duration": 5}' http://127.0.0.1:4343/api/v2/ml-scribe/open-api/sessions/1234567890""" in shown
