"""The contract under chosen assumptions: sound for each value, and for values of all assumptions at once."""

from collections.abc import Iterator
from typing import Any

import pytest
from judges import Contract, Judge, nodes, operations, resolve
from openapi_spec_validator import OpenAPIV31SpecValidator

from mock_heidi.base.assumptions import Assumptions, assumptions
from mock_heidi.base.contract_variants import changed

VALUES = [(name, value) for name, one in assumptions().items() for value in one.alternatives]
FIRSTS, LASTS = (
    {name: one.alternatives[at] for name, one in assumptions().items() if one.alternatives} for at in (0, -1)
)


def lost_references(contract: Contract) -> list[str]:
    """The references of a contract to parts that it does not have, and to operations that it does not have."""
    known = {operation.name for operation in operations(contract)}
    found = []
    for place, node in nodes(contract):
        try:
            resolve(contract, node)
        except KeyError:
            found.append(f"{place}: {node['$ref']}")
        if "/links/" in place and node.get("operationId", next(iter(known))) not in known:
            found.append(f"{place}: {node['operationId']}")
    return found


def misfits(contract: Contract) -> Iterator[str]:
    """The examples of answers in JSON that do not have the form of the answer."""
    judge = Judge(contract)
    for operation in operations(contract):
        for status, response in operation.spec["responses"].items():
            media = resolve(contract, response).get("content", {}).get("application/json", {})
            examples = [one["value"] for one in media.get("examples", {}).values()]
            examples += [media["example"]] if "example" in media else []
            for example in examples:
                yield from (
                    f"{operation.name} {status}: {text}" for text in judge.value_findings(media["schema"], example)
                )


@pytest.mark.parametrize(("name", "value"), VALUES, ids=str)
def test_contract_of_each_value_refers_to_nothing_that_it_lacks(name: str, value: Any) -> None:
    assert lost_references(changed(Assumptions({name: value}))) == []


@pytest.mark.slow
@pytest.mark.parametrize(("name", "value"), VALUES, ids=str)
def test_examples_of_each_value_have_the_form_that_holds(name: str, value: Any) -> None:
    assert list(misfits(changed(Assumptions({name: value})))) == []


@pytest.mark.parametrize("values", [FIRSTS, LASTS], ids=["first", "last"])
def test_contract_of_many_values_at_once_is_sound(values: dict[str, Any]) -> None:
    contract = changed(Assumptions(values))

    assert [error.message for error in OpenAPIV31SpecValidator(contract).iter_errors()] == []
    assert lost_references(contract) == []
    assert list(misfits(contract)) == []


def test_judges_of_variants_bite() -> None:
    contract = changed(Assumptions({"creation_status": 201}))
    del contract["components"]["schemas"]["Transcript"]
    contract["paths"]["/sessions/{session_id}/transcript"]["get"]["operationId"] = "read_transcript"

    assert {text.rpartition("/")[2] for text in lost_references(contract)} >= {"Transcript"}
    assert any(text.endswith(": get_transcript") for text in lost_references(contract))
