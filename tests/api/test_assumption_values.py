"""Each value of each assumption gives its expected result. The traffic judge reads the contract of the chosen value."""

import contextlib
from typing import Any

import pytest
import yaml
from alternatives import CASES, EACH, NOBODY, NOTE, NUMBERS, PAIRS, link
from clients import JOHN, Client
from helpers import SESSION, another

from mock_heidi import create_app
from mock_heidi.base.assumptions import assumptions
from mock_heidi.base.settings import ConfigError


@pytest.mark.parametrize(("name", "value"), EACH, ids=str)
def test_every_value_of_an_assumption_gives_its_expected_result(name: str, value: Any) -> None:
    with another(assume={name: value}) as client:
        result = CASES[name].look(client)

        rows = client.get("/_mock/requests").json()["requests"]

    assert result == CASES[name].expected[value]
    assert name in {met for row in rows for met in row["assumptions"]}


@pytest.mark.slow
@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: ", ".join(f"{name}={value}" for name, value in pair))
def test_the_traffic_of_two_chosen_values_keeps_their_contract(pair: list[tuple[str, Any]]) -> None:
    with another(assume=dict(pair)) as client:
        for name, _ in pair:
            # One value may refuse what the case of the other one needs.
            with contextlib.suppress(KeyError, ValueError):
                CASES[name].look(client)
        rows = client.get("/_mock/requests").json()["requests"]

    failed = [row["path"] for row in rows if row["status"] >= 500 and not row["fault"]]
    assert failed == []


def test_the_cases_cover_every_value_of_every_assumption() -> None:
    choosable = {one.name: {one.default, *one.alternatives} for one in assumptions().values() if one.alternatives}
    tried = {name: set(case.expected) for name, case in CASES.items() if name not in NUMBERS}

    assert tried == choosable
    assert NUMBERS.keys() == {one.name for one in assumptions().values() if one.any_number}
    assert all(assumptions()[name].default in case.expected for name, case in NUMBERS.items())


def test_each_value_of_an_assumption_gives_a_different_result() -> None:
    same = [
        name for name, case in CASES.items() if len({repr(one) for one in case.expected.values()}) != len(case.expected)
    ]

    assert same == []


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"gender_cas": "exact"}, "unknown assumption 'gender_cas'; did you mean gender_case?"),
        ({"gender_case": "EXACT"}, "gender_case: 'EXACT' cannot be chosen; choose any_case, exact or any_text"),
        ({"profile_not_found": "400"}, "profile_not_found: '400' cannot be chosen; write 400 without quotes"),
        (
            {"linked_account_required": "true"},
            "linked_account_required: 'true' cannot be chosen; write true without quotes",
        ),
        ({"linked_account_required": 1}, "linked_account_required: '1' cannot be chosen; choose false or true"),
        (
            {"gender_case": "exact" * 100_000},
            f"gender_case: '{('exact' * 12)[:58]}… cannot be chosen; choose any_case, exact or any_text",
        ),
        ({"profile_not_found": True}, "profile_not_found: 'true' cannot be chosen; choose 404 or 400"),
        ({"token_lifetime": 0}, "token_lifetime: '0' cannot be chosen; choose an integer from 1 to 31536000"),
        ({"nesting_limit": 5}, "nesting_limit: '5' cannot be chosen; choose 64 only"),
    ],
)
def test_a_wrong_name_or_value_gives_a_one_line_error_with_a_hint(values: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError) as error:
        create_app(assume=values)

    assert str(error.value) == words


@pytest.mark.parametrize("given", [["gender_case"], "gender_case=exact", None])
def test_choices_that_are_not_a_dict_give_a_one_line_error_with_a_hint(given: Any) -> None:
    with pytest.raises(ConfigError) as error:
        create_app(assume=given)

    assert str(error.value) == f'assume: {given!r} should be a dict; write it like {{"gender_case": "exact"}}'


def test_any_text_shows_a_gender_of_session_and_profile_as_it_was_sent() -> None:
    with another(assume={"gender_case": "any_text"}) as client:
        profile = client.post("/patient-profiles", json={"gender": "unknown"}).json()["data"]["id"]
        link(client, SESSION, profile=profile)
        of_profile = client.get(f"/sessions/{SESSION}").json()["session"]["patient"]["gender"]
        own = client.patch(f"/sessions/{SESSION}", json={"patient": {"gender": "male"}}).json()["session"]["patient"]
        note = client.post(f"/sessions/{SESSION}/consult-note", json=NOTE)

    assert (of_profile, own["gender"], note.status_code) == ("unknown", "male", 200)


def test_a_redirect_removes_extra_slashes_and_keeps_the_query() -> None:
    with another(assume={"extra_slashes": "redirect"}) as client:
        answer = client.get("//patient-profiles//?ehr_patient_id=EHR123456")
        followed = client.get(answer.headers["location"].removeprefix(client.base))

    assert answer.headers["location"] == f"{client.base}/patient-profiles?ehr_patient_id=EHR123456"
    assert [row["id"] for row in followed.json()["data"]] == [JOHN]


def test_a_refused_change_leaves_the_state_unchanged() -> None:
    refusing = {
        "link_moves": "refused_409",
        "batch_delete_unknown": "refused",
        "linked_sessions_exist": "required",
        "negative_duration": "refused_422",
        "null_in_update": "refused_422",
    }
    with another(assume=refusing) as client:
        other = client.post("/patient-profiles", json={"first_name": "Ada"}).json()["data"]["id"]
        link(client, SESSION)
        before = client.state()
        path = f"/sessions/{SESSION}"
        answers = [
            link(client, "0987654321", SESSION, profile=other),
            client.delete("/patient-profiles:batch-delete", json={"patient_profile_ids": [JOHN, NOBODY]}),
            client.patch(path, json={"duration": 5, "linked_sessions_for_context": ["1"]}),
            client.patch(path, json={"language_code": "es", "duration": -5}),
            client.patch(path, json={"language_code": "es", "patient": {"name": None}}),
        ]

        assert [answer.status_code for answer in answers] == [409, 404, 404, 422, 422]
        assert client.state() == before


def test_assumptions_of_a_namespace_can_be_changed_while_it_runs(heidi: Client) -> None:
    before = heidi.get(f"/patient-profiles/{NOBODY}").status_code

    row = heidi.put("/_mock/assumptions", json={"profile_not_found": 400}).json()["assumptions"]

    assert {one["name"]: one["value"] for one in row}["profile_not_found"] == 400
    assert heidi.put("/ns/blue/_mock/assumptions", json={"missing_token": 403}).status_code == 200
    assert heidi.get("/ns/blue/_mock/state").status_code == 200
    heidi.post("/_mock/reset")
    assert heidi.get(f"/patient-profiles/{NOBODY}").status_code == before == 404


def test_values_may_be_sent_as_yaml(heidi: Client) -> None:
    text = "creation_status: 201\nlinked_account_required: true\ngender_case: exact\n"

    answer = heidi.put("/_mock/assumptions", content=text, headers={"Content-Type": "application/yaml"})

    values = {row["name"]: row["value"] for row in answer.json()["assumptions"]}
    assert (values["creation_status"], values["linked_account_required"], values["gender_case"]) == (201, True, "exact")


def test_a_value_of_an_assumption_without_others_is_refused_with_its_only_value(heidi: Client) -> None:
    refused = heidi.put("/_mock/assumptions", json={"nesting_limit": 5})

    assert refused.json() == {"error": "nesting_limit: '5' cannot be chosen", "hint": "choose 64 only"}
    assert heidi.put("/_mock/assumptions", json={"nesting_limit": 64}).status_code == 200


def test_copies_and_snapshots_treat_values_as_documented(heidi: Client) -> None:
    def value(prefix: str = "") -> Any:
        rows = heidi.get(f"{prefix}/_mock/assumptions").json()["assumptions"]
        return {row["name"]: row["value"] for row in rows}["gender_case"]

    heidi.put("/_mock/assumptions", json={"gender_case": "exact"})
    heidi.post("/_mock/namespaces/copy?from=default")
    heidi.put("/_mock/snapshots/before")
    heidi.put("/_mock/assumptions", json={"gender_case": "any_text"})
    heidi.put("/ns/copy/_mock/assumptions", json={"gender_case": "any_text"})
    heidi.post("/ns/copy/_mock/reset")
    heidi.post("/_mock/snapshots/before/restore")

    assert (value("/ns/copy"), value("/ns/fresh"), value()) == ("exact", "any_case", "any_text")
    heidi.post("/_mock/reset?keep=assumptions")
    assert value() == "any_text"


def test_one_wrong_value_refuses_the_whole_change(heidi: Client) -> None:
    answer = heidi.put("/_mock/assumptions", json={"profile_not_found": 400, "missing_token": 402})

    assert answer.status_code == 400
    assert answer.json()["error"] == "missing_token: '402' cannot be chosen"
    assert heidi.get(f"/patient-profiles/{NOBODY}").status_code == 404


def test_the_served_contract_follows_the_chosen_assumptions(heidi: Client) -> None:
    plain = heidi.get("/_mock/openapi.yaml").content
    heidi.put("/_mock/assumptions", json={"profile_not_found": 400})

    served = yaml.safe_load(heidi.get("/_mock/openapi.yaml").content)

    assert yaml.safe_load(plain)["paths"]["/patient-profiles/{patient_profile_id}"]["get"]["responses"].keys() == {
        "200", "401", "404"
    }  # fmt: skip
    responses = served["paths"]["/patient-profiles/{patient_profile_id}"]["get"]["responses"]
    assert list(responses) == ["200", "400", "401"]
    assert responses["400"] == {"$ref": "#/components/responses/PatientProfileNotFound"}
