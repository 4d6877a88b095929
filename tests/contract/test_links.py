"""Every link of the contract leads to a success, in process and over a socket.

A random walk of schemathesis follows only a few links. These tests lead it along all of them, from the sign-in to the
codes. schemathesis still resolves each link, builds the request and checks the answer.
"""

import copy
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from fuzzing import Server, in_process, load, over_socket
from hypothesis import given, seed, settings
from hypothesis import strategies as st
from judges import Operation, load_contract, operations
from schemathesis.core.result import Ok
from schemathesis.engine.link_calibration import LinkCalibrationState, TransitionScore
from schemathesis.generation.stateful.state_machine import RecordingStateMachine, StepInput, StepOutput
from schemathesis.specs.openapi.stateful import collect_transitions, into_step_input
from schemathesis.specs.openapi.stateful.links import OpenApiLink

pytestmark = pytest.mark.slow

POSITIVE = schemathesis.GenerationMode.POSITIVE
SIGN_IN = "GET /jwt"
WALKS = 4
# Other random values of a request may not fit the values of the link. Then the step is tried again.
TRIES = 10
# A random walk can follow all links among these, since each is a step or two from the start.
PATIENTS_AND_SESSIONS = frozenset(
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


@pytest.fixture(
    scope="module",
    params=[in_process, pytest.param(over_socket, marks=pytest.mark.long)],
    ids=["in process", "over a socket"],
)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with request.param() as server:
        yield server


def _links(contract: dict[str, Any]) -> list[str]:
    """The links of a contract as schemathesis names them, in the order of the file."""
    by_name = {operation.name: operation for operation in operations(contract)}

    def label(operation: Operation) -> str:
        return f"{operation.method} {operation.path}"

    return [
        f"{label(operation)} -> [{status}] {name} -> {label(by_name[link['operationId']])}"
        for operation in by_name.values()
        for status, response in operation.spec["responses"].items()
        for name, link in response.get("links", {}).items()
    ]


def _resolved(schema: schemathesis.BaseSchema) -> dict[str, OpenApiLink]:
    """The links by these names, in this order. Links that delete something come last."""
    found = [result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)]
    there = {link.full_name: link for row in collect_transitions(found).operations.values() for link in row.outgoing}
    ordered = sorted(_links(load_contract()), key=lambda name: "DELETE " in name)
    return {name: there[name] for name in ordered}


class Walk:
    """One consultation. Each link is followed from the last successful answer of its source operation."""

    def __init__(self, server: Server, links: dict[str, OpenApiLink], data: st.DataObject) -> None:
        self.server = server
        self.links = links
        self.data = data
        self.followed: set[str] = set()
        self.successes: dict[str, StepOutput] = {}
        # The machine calls, checks and keeps the earlier answers for its checks; this class chooses the next step.
        machine = server.schema.as_state_machine()()
        assert isinstance(machine, RecordingStateMachine)
        self.machine = machine
        self.machine.get_call_kwargs = self.call  # type: ignore[method-assign]
        # Otherwise schemathesis would leave out some values of a link on purpose.
        self.trusted = LinkCalibrationState(read={name: TransitionScore(successes=10) for name in links})

    def along_all(self) -> None:
        for link in self.links.values():
            for _ in range(TRIES):
                if self.follow(link):
                    break
                self.successes.pop(link.source.label, None)

    def follow(self, link: OpenApiLink) -> bool:
        """True if the link leads to a success with all of its values."""
        source = self.source(link)
        if source is None:
            return False
        step = into_step_input(target=link.target, link=link, modes=[POSITIVE], link_calibration=self.trusted)
        given = self.data.draw(step(source))
        if not self.take(given) or not _whole(given):
            return False
        self.followed.add(link.full_name)
        return True

    def source(self, link: OpenApiLink) -> StepOutput | None:
        """A successful answer of the link's source, reached by the first link that leads there, or directly."""
        label = link.source.label
        if label not in self.successes:
            leading = next((one for one in self.links.values() if one.target.label == label), None)
            if leading is None:
                self.take(StepInput.initial(self.data.draw(link.source.as_strategy(generation_mode=POSITIVE))))
            else:
                self.follow(leading)
        return self.successes.get(label)

    def take(self, given: StepInput) -> bool:
        """True if the step succeeds."""
        self.machine.recorder.record_case(
            case=given.case,
            parent_id=given.transition.parent_id if given.transition else None,
            transition=given.transition,
            is_transition_applied=given.is_applied,
        )
        output = self.machine.step(given)
        if output.response.status_code != 200:
            return False
        self.successes[given.case.operation.label] = output
        return True

    def call(self, case: schemathesis.Case[Any]) -> dict[str, Any]:
        """The arguments of a call: after a sign-in with the user's token."""
        signed_in = self.successes.get(SIGN_IN)
        if signed_in is None or case.operation.label == SIGN_IN:
            return self.server.call
        return {**self.server.call, "headers": {"Authorization": f"Bearer {signed_in.response.json()['token']}"}}


def _whole(given: StepInput) -> bool:
    """True if the request has every value of the link."""
    link = given.transition
    assert link is not None
    names = {name for values in link.parameters.values() for name in values}
    if link.request_body is not None:
        names |= link.request_body.definition.keys()
    return names <= {name for _, name in given.applied_parameters}


def test_every_link_leads_to_a_success_in_a_whole_consultation(server: Server) -> None:
    links = _resolved(server.schema)
    names = {operation.name for operation in operations(load_contract())}
    followed: set[str] = set()
    succeeded: set[str] = set()

    @settings(server.schema.config.get_hypothesis_settings(phase="stateful"), max_examples=WALKS)
    @given(st.data())
    def consult(data: st.DataObject) -> None:
        server.reset()
        walk = Walk(server, links, data)
        with server.recorded() as statuses:
            walk.along_all()
            succeeded.update(name for name in names if statuses(name)[200])
        followed.update(walk.followed)

    consult()

    assert len(links) > 30
    assert links.keys() - followed == set()
    assert names - succeeded == set()


def _among(names: frozenset[str]) -> dict[str, Any]:
    """The contract with only these operations and the links between them, for a random walk."""
    contract = copy.deepcopy(load_contract())
    for item in contract["paths"].values():
        for method in [name for name, spec in item.items() if "operationId" in spec]:
            if item[method]["operationId"] not in names:
                del item[method]
                continue
            for response in item[method]["responses"].values():
                links = response.get("links", {})
                for name in [name for name, link in links.items() if link["operationId"] not in names]:
                    del links[name]
    contract["paths"] = {path: item for path, item in contract["paths"].items() if item}
    return contract


def test_a_random_walk_over_patients_and_sessions_follows_every_link(server: Server) -> None:
    contract = _among(PATIENTS_AND_SESSIONS)
    wanted = set(_links(contract))  # schemathesis adds links that it infers itself
    schema = load(server.schema.app, contract)
    succeeded: Counter[str] = Counter()

    class Wander(schema.as_state_machine()):  # type: ignore[misc]
        def setup(self) -> None:
            server.reset()

        def get_call_kwargs(self, _: schemathesis.Case[Any]) -> dict[str, Any]:
            return server.call

        def step(self, given: StepInput) -> StepOutput:
            output: StepOutput = super().step(given)
            if given.transition is not None and output.response.status_code == 200:
                succeeded[given.transition.id] += 1
            return output

    # The random values depend on the modules that are loaded, so one round may miss a link by chance.
    for round_ in range(5):
        seed(round_)(Wander).run(settings=schema.config.get_hypothesis_settings(phase="stateful"))
        if wanted <= succeeded.keys():
            break

    assert len(wanted) == 9
    assert wanted - succeeded.keys() == set()
