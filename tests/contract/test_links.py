"""The links of the contract: each is followed to a success, here and over a socket.

Left to chance, schemathesis wanders among a few of them. Here it is led along all, from the sign-in to the codes; how a
link is resolved, what request comes of it and what is checked of the answer is its own business.
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
# What is drawn beside a link's values may not go with them: then the same is tried again with something else.
TRIES = 10
# Chance finds its way among these: whatever they lead to is a step or two away from where it begins.
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
    """The links of a contract in the order of the file, as schemathesis words them."""
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
    """The links by those words, in that order; where something is taken away, it comes last."""
    found = [result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)]
    there = {link.full_name: link for row in collect_transitions(found).operations.values() for link in row.outgoing}
    ordered = sorted(_links(load_contract()), key=lambda name: "DELETE " in name)
    return {name: there[name] for name in ordered}


class Walk:
    """One consultation. A link is followed from the last success of the operation that it begins at."""

    def __init__(self, server: Server, links: dict[str, OpenApiLink], data: st.DataObject) -> None:
        self.server = server
        self.links = links
        self.data = data
        self.followed: set[str] = set()
        self.successes: dict[str, StepOutput] = {}
        # It calls, checks and keeps what the checks look back on; only what comes next is said here.
        machine = server.schema.as_state_machine()()
        assert isinstance(machine, RecordingStateMachine)
        self.machine = machine
        self.machine.get_call_kwargs = self.call  # type: ignore[method-assign]
        # Without that schemathesis would leave out some of a link's values, to see what happens.
        self.trusted = LinkCalibrationState(read={name: TransitionScore(successes=10) for name in links})

    def along_all(self) -> None:
        for link in self.links.values():
            for _ in range(TRIES):
                if self.follow(link):
                    break
                self.successes.pop(link.source.label, None)

    def follow(self, link: OpenApiLink) -> bool:
        """True if that led to a success with all of the link's values."""
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
        """A success to begin at: brought about by the first link that leads there, or without one."""
        label = link.source.label
        if label not in self.successes:
            leading = next((one for one in self.links.values() if one.target.label == label), None)
            if leading is None:
                self.take(StepInput.initial(self.data.draw(link.source.as_strategy(generation_mode=POSITIVE))))
            else:
                self.follow(leading)
        return self.successes.get(label)

    def take(self, given: StepInput) -> bool:
        """True if the step was a success."""
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
        """The headers of a request: after a sign-in, those of that user."""
        signed_in = self.successes.get(SIGN_IN)
        if signed_in is None or case.operation.label == SIGN_IN:
            return self.server.call
        return {**self.server.call, "headers": {"Authorization": f"Bearer {signed_in.response.json()['token']}"}}


def _whole(given: StepInput) -> bool:
    """True if every value of the link went into the request."""
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
    """The contract with these operations and the links between them: a walk by chance takes whatever is there."""
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
    wanted = set(_links(contract))  # schemathesis adds those that it has thought of itself
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

    # What is drawn depends on the modules that happen to be loaded, so one round may miss a link by bad luck.
    for round_ in range(5):
        seed(round_)(Wander).run(settings=schema.config.get_hypothesis_settings(phase="stateful"))
        if wanted <= succeeded.keys():
            break

    assert len(wanted) == 9
    assert wanted - succeeded.keys() == set()
