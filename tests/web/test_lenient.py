"""Values of a similar type are converted under ``type_coercion=lax`` and refused under ``strict``."""

from collections.abc import Iterator
from typing import Any

import pytest
from clients import JOHN, Client
from helpers import SESSION, another

from mock_heidi.base.assumptions import Assumptions
from mock_heidi.base.contract import misfit
from mock_heidi.base.contract_variants import changed

PROFILE, OF_SESSION = f"/patient-profiles/{JOHN}", f"/sessions/{SESSION}"
BODIES = {PROFILE: "PatientProfileUpdate", OF_SESSION: "SessionUpdate"}
NEAR = [
    (OF_SESSION, "duration", "5", 5),
    (OF_SESSION, "duration", " 2.5 ", 2.5),
    (OF_SESSION, "is_consent", "true", True),
    (OF_SESSION, "is_consent", "No", False),
    (OF_SESSION, "is_consent", 1, True),
    (PROFILE, "birth_date", "1990-01-15T00:00:00Z", "1990-01-15"),
    (PROFILE, "birth_date", 632361600, "1990-01-15"),
]
FAR = [
    (OF_SESSION, "duration", "five"),
    (OF_SESSION, "duration", "1e999"),
    (OF_SESSION, "duration", []),
    (OF_SESSION, "is_consent", 2),
    (OF_SESSION, "is_consent", []),
    (OF_SESSION, "is_consent", {}),
    (PROFILE, "birth_date", "1990-01-15T09:00:00Z"),
    (PROFILE, "birth_date", 632361601),
    (PROFILE, "birth_date", True),
    (PROFILE, "birth_date", []),
    (PROFILE, "first_name", 632361600),
]


@pytest.fixture
def lax() -> Iterator[Client]:
    with another(assume={"type_coercion": "lax"}) as client:
        yield client


def stored(client: Client, path: str) -> dict[str, Any]:
    kind, key = ("patient_profiles", JOHN) if path == PROFILE else ("sessions", SESSION)
    record: dict[str, Any] = client.get(f"/_mock/state/{kind}/{key}").json()
    return record


@pytest.mark.parametrize(("path", "field", "given", "meant"), NEAR, ids=str)
def test_a_value_of_a_similar_type_is_converted_with_a_finding(
    lax: Client, path: str, field: str, given: Any, meant: Any
) -> None:
    answer = lax.patch(path, json={field: given})

    assert answer.status_code == 200
    assert stored(lax, path)[field] == meant
    assert [row["code"] for row in lax.get("/_mock/findings").json()["findings"]] == ["near_type"]


@pytest.mark.parametrize(("path", "field", "given"), [*FAR, *(row[:3] for row in NEAR)], ids=str)
def test_strict_types_refuse_every_other_type(heidi: Client, path: str, field: str, given: Any) -> None:
    before = stored(heidi, path)

    assert heidi.patch(path, json={field: given}).status_code == 422
    assert stored(heidi, path) == before


@pytest.mark.parametrize(("path", "field", "given"), FAR, ids=str)
def test_a_value_that_cannot_be_converted_is_refused(lax: Client, path: str, field: str, given: Any) -> None:
    assert lax.patch(path, json={field: given}).status_code == 422


@pytest.mark.parametrize(("path", "field", "given"), [row[:3] for row in (NEAR[0], *NEAR[4:])], ids=str)
def test_the_contract_of_lax_types_allows_the_values_that_are_converted(path: str, field: str, given: Any) -> None:
    whole = changed(Assumptions({"type_coercion": "lax"}))
    schema = whole["components"]["schemas"][BODIES[path]]

    assert misfit(schema, {field: given}, whole) is None
