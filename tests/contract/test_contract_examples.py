"""Both contracts have an example of every body, the examples fit their schemas, and the judge reports bad ones."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from judges import CONTROL, Contract, ControlJudge, Judge, load_contract, nodes, operations, resolve
from paths import OPENAPI

JUDGES: dict[Path, type[Judge]] = {OPENAPI: Judge, CONTROL: ControlJudge}
BOTH = pytest.mark.parametrize("path", JUDGES, ids=lambda path: path.name)


def examples(contract: Contract, node: dict[str, Any]) -> dict[str, Any]:
    """The values of the examples of a media type, parameter or header, by name."""
    one = {"example": node["example"]} if "example" in node else {}
    return one | {name: resolve(contract, example)["value"] for name, example in node.get("examples", {}).items()}


def example_findings(contract: Contract, judge: Judge) -> list[str]:
    """Examples that do not fit their schema, and bodies without an example."""
    found = []
    # Keys of the control API and of requests to the vendor's API may have any order.
    ordered_place = "/responses/" if type(judge) is Judge else "nowhere"
    for path, node in nodes(contract):
        for kind, media in node.get("content", {}).items():
            if "schema" in media and not examples(contract, media):
                found.append(f"{path} {kind}: no example")
        if "schema" in node:
            for name, value in examples(contract, node).items():
                texts = judge.value_findings(node["schema"], value, ordered=ordered_place in path)
                found += [f"{path} {name}: {text}" for text in texts]
    return found


def unused_findings(contract: Contract) -> list[str]:
    """Components without any reference to them."""
    referred = set(re.findall(r'"#/components/(\w+/\w+)"', json.dumps(contract)))
    kinds = contract["components"].keys() - {"securitySchemes"}
    described = {f"{kind}/{name}" for kind in kinds for name in contract["components"][kind]}
    return [f"{place}: nothing refers to it" for place in sorted(described - referred)]


@BOTH
def test_every_body_has_an_example_and_every_example_is_valid(path: Path) -> None:
    contract = load_contract(path)

    assert example_findings(contract, JUDGES[path](contract)) == []


@BOTH
def test_every_component_is_used(path: Path) -> None:
    assert unused_findings(load_contract(path)) == []


@BOTH
def test_a_contract_has_a_short_title(path: Path) -> None:
    assert len(load_contract(path)["info"]["title"]) < 30


# --- The judges report what is broken ---------------------------------------------------------------------------------


def _operation(contract: Contract, name: str) -> dict[str, Any]:
    return next(operation.spec for operation in operations(contract) if operation.name == name)


def _body(contract: Contract, name: str) -> dict[str, Any]:
    body: dict[str, Any] = _operation(contract, name)["requestBody"]["content"]["application/json"]
    return body


def _answer(contract: Contract, name: str) -> dict[str, Any]:
    answer: dict[str, Any] = _operation(contract, name)["responses"]["200"]["content"]["application/json"]
    return answer


def _wrong_body(contract: Contract) -> None:
    _body(contract, "update_session")["examples"]["documented"]["value"]["patient"]["dob"] = "1990-02-30"


def _disordered_answer(contract: Contract) -> None:
    session = _answer(contract, "get_session")["examples"]["documented"]["value"]["session"]
    session["session_id"] = session.pop("session_id")


def _wrong_parameter(contract: Contract) -> None:
    _operation(contract, "get_jwt")["parameters"][0]["example"] = 5


def _wrong_refusal(contract: Contract) -> None:
    contract["components"]["responses"]["OnlyAudio"]["content"]["application/json"]["example"]["detail"] = "no audio"


def _none_of_an_answer(contract: Contract) -> None:
    del _answer(contract, "get_session")["examples"]


def _none_of_a_body(contract: Contract) -> None:
    del _body(contract, "update_session")["examples"]


def _none_of_a_refusal(contract: Contract) -> None:
    del contract["components"]["responses"]["OnlyAudio"]["content"]["application/json"]["example"]


def _wrong_shared(contract: Contract) -> None:
    contract["components"]["examples"]["NamespaceStart"]["value"]["sead"] = 7


WRONG: dict[str, tuple[Path, Callable[[Contract], None], int, str]] = {
    "a body": (OPENAPI, _wrong_body, 1, "$.patient.dob: '1990-02-30' is not a 'date'"),
    "the order of an answer": (OPENAPI, _disordered_answer, 1, "$.session: the keys stand in the order"),
    "a parameter": (OPENAPI, _wrong_parameter, 1, "$: 5 is not of type 'string'"),
    "a refusal": (OPENAPI, _wrong_refusal, 1, "$.detail: 'only audio file is allowed' was expected"),
    "no answer": (OPENAPI, _none_of_an_answer, 1, "responses/200 application/json: no example"),
    "no body": (OPENAPI, _none_of_a_body, 1, "requestBody application/json: no example"),
    "no refusal": (OPENAPI, _none_of_a_refusal, 1, "OnlyAudio application/json: no example"),
    "one that two bodies share": (CONTROL, _wrong_shared, 2, "'sead' was unexpected"),
}


@pytest.mark.parametrize(("path", "spoil", "number", "words"), WRONG.values(), ids=WRONG)
def test_the_judge_of_examples_reports_a_broken_example(
    path: Path, spoil: Callable[[Contract], None], number: int, words: str
) -> None:
    contract = load_contract(path)
    spoil(contract)

    found = example_findings(contract, JUDGES[path](contract))

    assert len(found) == number, found
    assert words in found[0]


def test_the_judge_of_components_reports_an_unused_one() -> None:
    contract = load_contract()
    contract["components"]["schemas"]["Spare"] = {"type": "string"}

    assert unused_findings(contract) == ["schemas/Spare: nothing refers to it"]
