"""``GET /_mock/state/{kind}``: short rows of the records of one kind, searched and page by page."""

from typing import Any
from urllib.parse import urlencode

import pytest
from clients import JOHN, Client
from helpers import SESSION, another

from mock_heidi.base.slices import SLICE, Slices


def listed(heidi: Client, kind: str, **query: Any) -> dict[str, Any]:
    answer: dict[str, Any] = heidi.get(f"/_mock/state/{kind}?{urlencode(query)}").json()
    return answer


def ids(heidi: Client, kind: str, **query: Any) -> list[str]:
    return [row.get("id") or row["session_id"] for row in listed(heidi, kind, **query)["records"]]


def test_a_list_has_all_records_in_the_order_of_the_state(heidi: Client) -> None:
    state = heidi.state()

    assert ids(heidi, "patient_profiles") == [row["id"] for row in state["patient_profiles"]]
    assert ids(heidi, "sessions") == [row["session_id"] for row in state["sessions"]]
    assert listed(heidi, "sessions")["total"] == len(state["sessions"])


def test_the_newest_records_can_come_first(heidi: Client) -> None:
    oldest_first = ids(heidi, "sessions")

    assert ids(heidi, "sessions", order="newest", limit=3) == oldest_first[:-4:-1]
    assert ids(heidi, "sessions", order="newest", limit=3, offset=2) == oldest_first[:-6:-1][2:]


def test_a_session_is_found_by_the_name_of_its_linked_patient(heidi: Client) -> None:
    of_john = [row["session_id"] for row in heidi.state()["sessions"] if row["patient_profile_id"] == JOHN]

    assert ids(heidi, "sessions", text="john doe") == of_john


def test_the_row_of_a_patient_has_the_name_and_the_number_of_sessions(heidi: Client) -> None:
    whole = heidi.get(f"/_mock/state/patient_profiles/{JOHN}").json()
    of_john = [row for row in heidi.state()["sessions"] if row["patient_profile_id"] == JOHN]

    (row,) = listed(heidi, "patient_profiles", text=JOHN)["records"]
    assert row == {
        **{name: whole[name] for name in row if name in whole},
        "name": f"{whole['first_name']} {whole['last_name']}",
        "sessions": len(of_john),
    }


def test_the_row_of_a_session_has_the_present_status_of_the_note(heidi: Client) -> None:
    heidi.put(f"/_mock/sessions/{SESSION}", json={"consult_note": {"status": "COMPLETED"}})

    (row,) = listed(heidi, "sessions", text=SESSION)["records"]
    assert (row["session_id"], row["note"]) == (SESSION, "COMPLETED")


def test_the_row_of_a_session_has_the_name_of_the_linked_patient(heidi: Client) -> None:
    (patient,) = listed(heidi, "patient_profiles", text=JOHN)["records"]

    names = {row["patient"] for row in listed(heidi, "sessions", patient_profile_id=JOHN)["records"]}
    assert names == {patient["name"]}


def test_the_sessions_of_a_patient_are_listed(heidi: Client) -> None:
    expected = [row["session_id"] for row in heidi.state()["sessions"] if row["patient_profile_id"] == JOHN]

    assert len(expected) > 1
    assert ids(heidi, "sessions", patient_profile_id=JOHN) == expected
    assert listed(heidi, "sessions", patient_profile_id=JOHN)["total"] == len(expected)


@pytest.mark.parametrize("text", ["ZOË O'B", "zoë.", "1985-12-31", "mrn-77"])
def test_a_text_is_searched_in_any_case(heidi: Client, text: str) -> None:
    fields = {"first_name": "Zoë", "last_name": "O'Brien", "email": "Zoë.OB@example.com", "birth_date": "1985-12-31"}
    heidi.post("/_mock/state", json={"patient_profiles": [{**fields, "id": "a" * 24, "ehr_patient_id": "MRN-77"}]})

    assert ids(heidi, "patient_profiles", text=text) == ["a" * 24]


def test_a_session_is_found_by_its_name(heidi: Client) -> None:
    heidi.patch(f"/_mock/state/sessions/{SESSION}", json={"session_name": "Zebra, left"})

    assert ids(heidi, "sessions", text="ZEBRA") == [SESSION]


def test_a_user_is_found_by_the_email(heidi: Client) -> None:
    heidi.sign_in(email="ann@example.com", third="77")

    (row,) = listed(heidi, "users", text="ANN@")["records"]
    assert (row["email"], row["third_party_internal_id"], row["linked_to"]) == ("ann@example.com", "77", None)


def test_a_row_has_the_beginning_and_the_end_of_a_long_text(heidi: Client) -> None:
    long = "A" * 100_000
    assert heidi.patch(f"/_mock/state/patient_profiles/{JOHN}", json={"first_name": long}).status_code == 200

    (row,) = listed(heidi, "patient_profiles", text=JOHN)["records"]
    assert len(row["name"]) == 1_000
    assert (row["name"][:2], row["name"][-4:]) == ("AA", " Doe")


def test_pages_are_parts_of_the_whole_list(heidi: Client) -> None:
    whole = ids(heidi, "patient_profiles")

    assert ids(heidi, "patient_profiles", limit=2, offset=3) == whole[3:5]
    assert listed(heidi, "patient_profiles", limit=0) == {"records": [], "total": len(whole)}
    assert ids(heidi, "patient_profiles", offset=len(whole)) == []


@pytest.mark.parametrize(
    ("path", "status", "error"),
    [
        ("rooms", 404, "records of 'rooms' cannot be listed by themselves"),
        ("sessions?limit=1001", 400, "limit=1001 is above 1000"),
        ("sessions?order=name", 400, "order=name is neither oldest nor newest"),
        ("sessions?offset=-1", 400, "offset=-1 is not a number"),
        (f"users?patient_profile_id={JOHN}", 400, "only sessions have a patient_profile_id"),
    ],
)
def test_a_list_that_makes_no_sense_is_refused(heidi: Client, path: str, status: int, error: str) -> None:
    answer = heidi.get(f"/_mock/state/{path}")

    assert (answer.status_code, answer.json()["error"]) == (status, error)


def test_a_search_of_many_patients_lets_other_requests_run(monkeypatch: pytest.MonkeyPatch) -> None:
    spent: list[int] = []

    async def spend(_: Slices, cost: int) -> None:
        spent.append(cost)

    monkeypatch.setattr(Slices, "spend", spend)
    with another(fixtures="empty") as heidi:
        heidi.post("/_mock/state", json={"patient_profiles": [{"first_name": f"P{n}"} for n in range(2_000)]})
        spent.clear()

        assert listed(heidi, "patient_profiles", text="p1999")["total"] == 1
    assert sum(spent) > SLICE
