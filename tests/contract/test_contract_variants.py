"""The contract under chosen assumptions is valid for each value, and for values of all assumptions at once."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from judges import Contract, Judge, load_contract, nodes, operations, resolve
from openapi_spec_validator import OpenAPIV31SpecValidator

from mock_heidi.base.assumptions import Assumptions, assumptions
from mock_heidi.base.contract_variants import changed, contract_under, in_strict_mode

VALUES = [
    (name, value)
    for name, one in assumptions().items()
    for value in (*one.alternatives, *([one.any_number] if one.any_number else []))
]
FIRSTS, LASTS = (
    {name: one.alternatives[at] for name, one in assumptions().items() if one.alternatives} for at in (0, -1)
)


def lost_references(contract: Contract) -> list[str]:
    """The references of a contract to missing parts and missing operations."""
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


def unused(contract: Contract) -> list[str]:
    """The components that no path refers to, not even through other components."""
    reached, pending = set[str](), [contract["paths"]]
    while pending:
        targets = {node["$ref"] for _, node in nodes(pending.pop()) if "$ref" in node}
        pending += [resolve(contract, {"$ref": target}) for target in targets - reached]
        reached |= targets
    places = [
        f"#/components/{kind}/{name}"
        for kind, parts in contract["components"].items()
        if kind != "securitySchemes"  # operations name these without a $ref
        for name in parts
    ]
    return [place for place in places if place not in reached]


def misfits(contract: Contract) -> Iterator[str]:
    """The JSON examples of answers that do not fit their schema."""
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


def responses(choices: dict[str, Any], name: str) -> dict[str, Any]:
    """The responses of an operation under the chosen assumptions."""
    contract = changed(Assumptions(choices))
    found: dict[str, Any] = next(one.spec["responses"] for one in operations(contract) if one.name == name)
    return found


@pytest.mark.parametrize(("name", "value"), VALUES, ids=str)
def test_the_contract_of_each_value_has_no_broken_reference(name: str, value: Any) -> None:
    assert lost_references(changed(Assumptions({name: value}))) == []


@pytest.mark.parametrize(("name", "value"), VALUES, ids=str)
def test_the_contract_of_each_value_has_no_unused_component(name: str, value: Any) -> None:
    assert unused(changed(Assumptions({name: value}))) == []


def test_components_that_only_unused_components_refer_to_are_removed() -> None:
    schemas = changed(Assumptions({"coding_enabled": "refused_403"}))["components"]["schemas"]

    assert schemas.keys() & {"ClinicalCodes", "ClinicalEntity", "NoteLocation"} == set()
    assert {"ClinicalCodes", "ClinicalEntity", "NoteLocation"} <= load_contract()["components"]["schemas"].keys()


@pytest.mark.slow
@pytest.mark.parametrize(("name", "value"), VALUES, ids=str)
def test_the_examples_of_each_value_fit_their_schemas(name: str, value: Any) -> None:
    assert list(misfits(changed(Assumptions({name: value})))) == []


@pytest.mark.parametrize("values", [FIRSTS, LASTS], ids=["first", "last"])
def test_the_contract_is_valid_for_many_values_at_once(values: dict[str, Any]) -> None:
    contract = changed(Assumptions(values))

    assert [error.message for error in OpenAPIV31SpecValidator(contract).iter_errors()] == []
    assert lost_references(contract) == []
    assert list(misfits(contract)) == []


def test_a_refusal_is_added_to_the_response_of_its_status() -> None:
    known, more = (responses(choices, "link_account") for choices in ({}, {"unknown_heidi_user": "refused_404"}))
    joined = responses({"empty_audio": "refused_400"}, "upload_audio")["400"]["content"]["application/json"]

    assert more.keys() - known.keys() == {"404"}
    assert more["404"]["content"]["application/json"]["schema"]["properties"]["detail"]["const"] == (
        "the Heidi user is unknown"
    )
    assert [set(branch) & {"$ref", "properties"} for branch in joined["schema"]["anyOf"]] == [{"$ref"}, {"properties"}]
    assert joined["examples"].keys() == {"OnlyAudio", "empty_audio"}


def test_a_chosen_number_is_in_the_contract() -> None:
    parameters = changed(Assumptions({"page_size_default": 7, "page_parameter": 0}))["components"]["parameters"]

    assert parameters["PageSize"]["schema"] == {"type": "integer", "minimum": 1, "maximum": 200, "default": 7}
    assert parameters["Page"]["schema"] == {"type": "integer", "minimum": 0, "default": 0}


def test_a_body_that_refuses_null_allows_null_in_none_of_its_fields() -> None:
    schemas = changed(Assumptions({"null_in_update": "refused_422"}))["components"]["schemas"]

    assert schemas["PatientProfileUpdate"]["properties"]["phone"]["type"] == "string"
    assert schemas["SessionUpdate"]["properties"]["patient"]["anyOf"] == [
        {"$ref": "#/components/schemas/SessionPatientUpdate"}
    ]
    assert "null" not in str(schemas["SessionPatientUpdate"])


def test_the_judges_of_variants_report_broken_contracts() -> None:
    contract = copy.deepcopy(changed(Assumptions({"creation_status": 201})))
    del contract["components"]["schemas"]["Transcript"]
    contract["paths"]["/sessions/{session_id}/transcript"]["get"]["operationId"] = "read_transcript"

    assert {text.rpartition("/")[2] for text in lost_references(contract)} >= {"Transcript"}
    assert any(text.endswith(": get_transcript") for text in lost_references(contract))


@pytest.mark.parametrize("choices", [{}, FIRSTS, LASTS], ids=["defaults", "first values", "last values"])
def test_in_strict_mode_every_operation_may_answer_422(choices: dict[str, Any]) -> None:
    contract = in_strict_mode(changed(Assumptions(choices)))

    assert [one.name for one in operations(contract) if "422" not in one.spec["responses"]] == []
    assert [error.message for error in OpenAPIV31SpecValidator(contract).iter_errors()] == []
    assert lost_references(contract) == []


def test_the_contract_says_that_it_is_of_strict_mode() -> None:
    assert contract_under(Assumptions({}), strict=True).startswith(
        b"# The contract of the Heidi Open API under these assumptions:\n#   strict mode: true\n"
    )


def test_the_judge_of_components_reports_an_unused_one() -> None:
    contract = load_contract()
    before = unused(contract)
    contract["components"]["schemas"]["Spare"] = {"$ref": "#/components/schemas/SpareToo"}
    contract["components"]["schemas"]["SpareToo"] = {"type": "string"}

    assert before == []
    assert unused(contract) == ["#/components/schemas/Spare", "#/components/schemas/SpareToo"]
