"""The contract under other assumptions: each alternative gives a sound one, and several go together."""

from typing import Any

import pytest
from judges import Judge, operations
from openapi_spec_validator import OpenAPIV31SpecValidator
from test_contract_examples import example_findings

from mock_heidi.base.assumptions import Assumptions, assumptions
from mock_heidi.base.contract_variants import changed

EACH = [(one.name, value) for one in assumptions().values() for value in one.alternatives]


def responses(choices: dict[str, Any], name: str) -> dict[str, Any]:
    """The responses of an operation under these choices."""
    contract = changed(Assumptions(choices))
    found: dict[str, Any] = next(one.spec["responses"] for one in operations(contract) if one.name == name)
    return found


@pytest.mark.parametrize(("name", "value"), EACH, ids=str)
def test_examples_keep_the_contract_of_each_alternative(name: str, value: Any) -> None:
    contract = changed(Assumptions({name: value}))

    found = example_findings(contract, Judge(contract))

    assert [text for text in found if not text.endswith(": no example")] == []


@pytest.mark.parametrize("number", [0, -1])
def test_all_alternatives_together_are_valid_openapi(number: int) -> None:
    chosen = {one.name: one.alternatives[number] for one in assumptions().values() if one.alternatives}

    contract = changed(Assumptions(chosen))

    assert [error.message for error in OpenAPIV31SpecValidator(contract).iter_errors()] == []


def test_refusal_joins_the_response_that_has_its_status() -> None:
    known, more = (responses(choices, "link_account") for choices in ({}, {"unknown_heidi_user": "refused_404"}))
    joined = responses({"empty_audio": 400}, "upload_audio")["400"]["content"]["application/json"]

    assert more.keys() - known.keys() == {"404"}
    assert more["404"]["content"]["application/json"]["schema"]["properties"]["detail"]["const"] == (
        "the Heidi user is unknown"
    )
    assert [set(branch) & {"$ref", "properties"} for branch in joined["schema"]["anyOf"]] == [{"$ref"}, {"properties"}]
    assert joined["examples"].keys() == {"OnlyAudio", "empty_audio"}


def test_body_that_refuses_null_says_so_of_every_field() -> None:
    schemas = changed(Assumptions({"null_in_update": "refused_422"}))["components"]["schemas"]

    assert schemas["PatientProfileUpdate"]["properties"]["phone"]["type"] == "string"
    assert schemas["SessionUpdate"]["properties"]["patient"]["anyOf"] == [
        {"$ref": "#/components/schemas/SessionPatientUpdate"}
    ]
    assert "null" not in str(schemas["SessionPatientUpdate"])
