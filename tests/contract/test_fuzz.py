"""Generated requests for each operation, valid or not, get answers by the contract, in process and over a socket.

The settings are in schemathesis.toml; the same command sends the same requests. tests/contract/test_links.py
goes from one operation to the next.
"""

import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from fuzzing import IN_PROCESS, OVER_SOCKET, SETTINGS, TOKEN, Server, in_process, over_socket
from hypothesis import HealthCheck, settings
from judges import load_contract, operations
from schemathesis.config import CheckConfig
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.core.transport import expand_status_codes

from mock_heidi import api
from mock_heidi.faults import delivery

pytestmark = pytest.mark.slow

OPERATIONS = {operation.name: operation for operation in operations(load_contract())}
# Requests over a socket are the same, so fewer are enough. The examples of the contract are sent besides them.
EXAMPLES_OVER_SOCKET = 8
# All examples of an operation share one fixture on purpose, and a slow machine is not a failure.
SUPPRESSED = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@pytest.fixture(scope="module")
def here() -> Iterator[Server]:
    with in_process() as server:
        yield server


@pytest.fixture(scope="module")
def there() -> Iterator[Server]:
    with over_socket() as server:
        yield server


class Asked:
    """Sends the requests of one operation, and remembers its name."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.names: set[str] = set()

    def ask(self, case: schemathesis.Case[Any]) -> None:
        self.names.add(case.operation.definition.raw["operationId"])
        # Each example starts from the same state; otherwise its curl line would not reproduce a failure.
        self.server.prepare(case)
        self.server.ask(case)


def _asking(server: Server) -> Iterator[Asked]:
    asked = Asked(server)
    with server.recorded() as statuses:
        yield asked
        (name,) = asked.names
        seen = statuses(name)
    operation = OPERATIONS[name]
    # Without a 200 an operation was not really tested; for a DELETE the 200 also shows that its body arrives. Refusals
    # that depend only on the request must come too. The other statuses need a certain state or a large body.
    wanted = {200, 401, 422} | ({404} if "{" in operation.path else set())
    assert wanted & {int(status) for status in operation.spec["responses"]} <= seen.keys(), f"seen: {dict(seen)}"


@pytest.fixture
def asked_here(here: Server) -> Iterator[Asked]:
    yield from _asking(here)


@pytest.fixture
def asked_there(there: Server) -> Iterator[Asked]:
    yield from _asking(there)


@IN_PROCESS.parametrize()
@settings(suppress_health_check=SUPPRESSED)
def test_each_operation_answers_generated_requests_by_the_contract(
    case: schemathesis.Case[Any], asked_here: Asked
) -> None:
    asked_here.ask(case)


@pytest.mark.long
@OVER_SOCKET.parametrize()
@settings(suppress_health_check=SUPPRESSED, max_examples=EXAMPLES_OVER_SOCKET)
def test_each_operation_answers_by_the_contract_over_a_socket(case: schemathesis.Case[Any], asked_there: Asked) -> None:
    asked_there.ask(case)


@pytest.mark.parametrize("schema", [IN_PROCESS, OVER_SOCKET], ids=["in process", "over a socket"])
def test_schemathesis_asks_every_operation_of_the_contract(schema: schemathesis.BaseSchema) -> None:
    asked = [
        result.ok().definition.raw["operationId"] for result in schema.get_all_operations() if isinstance(result, Ok)
    ]

    assert sorted(asked) == sorted(OPERATIONS)
    assert asked


def test_schemathesis_uses_the_settings_file() -> None:
    written = tomllib.loads(SETTINGS.read_text(encoding="utf-8"))

    used = IN_PROCESS.config.get_hypothesis_settings()

    assert (used.max_examples, used.derandomize) == (written["generation"]["max-examples"], True)


def test_every_check_is_on_unless_the_settings_give_a_reason() -> None:
    names = [name for name in schemathesis.checks.CHECKS.get_all_names() if name != "max_response_time"]
    whole = schemathesis.config.ChecksConfig()
    lenient: list[tuple[str | int, ...]] = []

    for result in IN_PROCESS.get_all_operations():
        assert isinstance(result, Ok)
        operation = result.ok()
        checks = IN_PROCESS.config.checks_config_for(operation=operation)
        for name in names:
            check, usual = checks.get_by_name(name=name), whole.get_by_name(name=name)
            operation_id = operation.definition.raw["operationId"]
            if not check.enabled:
                lenient.append((operation_id, name))
            elif isinstance(check, CheckConfig) and isinstance(usual, CheckConfig):
                more = expand_status_codes(check.expected_statuses) - expand_status_codes(usual.expected_statuses)
                lenient += [(operation_id, name, status) for status in sorted(more)]

    assert len(names) > 10
    assert sorted(lenient) == [
        ("answer_custom_template", "positive_data_acceptance", 400),
        ("generate_clinical_codes", "positive_data_acceptance", 400),
        ("get_patient_profile", "ensure_resource_availability"),
        ("link_sessions", "ensure_resource_availability"),
        ("list_context_documents", "use_after_free"),
        ("list_linked_user_sessions", "positive_data_acceptance", 400),
        ("transcribe_segment", "positive_data_acceptance", 400),
        ("update_patient_profile", "ensure_resource_availability"),
    ]


@pytest.mark.breaks_contract
def test_schemathesis_finds_a_stream_in_the_wrong_format(here: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "frame", lambda text: b'data: {"text": "%s"}\n\n' % text.encode())
    body: dict[str, Any] = {"ai_command_text": "Shorten", "content": "A long text", "content_type": "MARKDOWN"}
    operation = IN_PROCESS["/sessions/{session_id}/ask-ai"]["POST"]
    headers = {"Authorization": f"Bearer {TOKEN}"}
    case = operation.Case(path_parameters={"session_id": "1234567890"}, headers=headers, body=body)

    with pytest.raises(FailureGroup, match="SSE"):
        here.ask(case)


@pytest.mark.breaks_contract
def test_a_failure_prints_a_curl_line_that_reproduces_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(_: Any) -> None:
        raise RuntimeError("a defect")

    route = next(route for route in api.ROUTES if route.name == "update_session")
    monkeypatch.setattr(route, "endpoint", crash)
    operation = IN_PROCESS["/sessions/{session_id}"]["PATCH"]
    headers = {"Authorization": f"Bearer {TOKEN}"}
    case = operation.Case(path_parameters={"session_id": "1234567890"}, headers=headers, body={"duration": 5})

    with pytest.raises(FailureGroup) as failure:
        case.call_and_validate()

    shown = str(failure.value)
    assert "Server error" in shown
    assert f"curl -X PATCH -H 'Authorization: Bearer {TOKEN}' " in shown
    assert """-d '{"duration": 5}' http://127.0.0.1:4343/api/v2/ml-scribe/open-api/sessions/1234567890""" in shown
