"""Patient profiles. The keys of each answer are in :data:`shapes.PATIENT_PROFILE`.

``DELETE /patient-profiles:batch-delete`` → ``{"is_success": true}``; all others → ``{"data": …}`` (the list: an array).
"""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import shapes
from clients import JOHN, Client
from helpers import (
    KEY_TWO,
    NOON_STAMP,
    OTHER_SESSION,
    PROFILE_NOT_FOUND,
    SESSION,
    SESSION_NOT_FOUND,
    SUCCESS,
    UNKNOWN_ID,
    another,
    answered,
    settled,
    wire,
)

PATH = "/patient-profiles"
DELETE = "/patient-profiles:batch-delete"
TWINS = "20417"
MARGARET = "64f5294ffb33d7777c16691a"
BENEDIKTA = "66fa5f7afdb1917978595197"
BENEDIKTAS_SESSION = "39711212911538711603603631948099777679"
JOHNS_SESSIONS = [
    "335702952548561761985659436451376640053",
    "227977744644269117175464752476000073425",
    "67504183936868703393170729899132957434",
]

CREATE, UPDATE = "create_patient_profile", "update_patient_profile"
GET, LIST = "get_patient_profile", "list_patient_profiles"
GIVEN = shapes.PATIENT_PROFILE.request(CREATE)
CHANGES = shapes.PATIENT_PROFILE.request(UPDATE)


def created(client: Client, **fields: Any) -> str:
    profile_id: str = client.post(PATH, json=fields).json()["data"]["id"]
    return profile_id


def stored(client: Client, profile_id: str) -> dict[str, Any]:
    [found] = [row for row in client.state()["patient_profiles"] if row["id"] == profile_id]
    return dict(found)


def listed(client: Client, query: str = "") -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = client.get(f"{PATH}{query}").json()["data"]
    return rows


def session_of(client: Client, session_id: str) -> dict[str, Any]:
    [found] = [row for row in client.state()["sessions"] if row["session_id"] == session_id]
    return dict(found)


def deleted(client: Client, *ids: str) -> httpx.Response:
    return client.request("DELETE", DELETE, json={"patient_profile_ids": ids})


@pytest.fixture
def second(heidi: Client) -> Iterator[Client]:
    """A client of the same application that holds the other API key."""
    client = Client(heidi.app)
    client.sign_in(key=KEY_TWO)
    yield client
    client.close()


# --- Create -----------------------------------------------------------------------------------------------------------


def test_create_answers_the_documented_keys_in_order(heidi: Client) -> None:
    answer = heidi.post(PATH, json=GIVEN)

    made = answer.json()["data"]["id"]
    assert answered(answer) == (200, wire({"data": shapes.PATIENT_PROFILE.unset(CREATE, id=made, **GIVEN)}))
    assert re.fullmatch("677bc5c0[0-9a-f]{16}", made)  # the first eight digits are noon in seconds


@pytest.mark.parametrize("body", [{}, dict.fromkeys(GIVEN), {"nobody": "knows", "id": "x", "source": 1}])
def test_unset_fields_are_null_and_the_demographic_string_is_empty(heidi: Client, body: dict[str, Any]) -> None:
    answer = heidi.post(PATH, json=body)

    expected = shapes.PATIENT_PROFILE.unset(CREATE, id=answer.json()["data"]["id"])
    assert answered(answer) == (200, wire({"data": expected}))


def test_the_state_keeps_every_field_of_a_new_profile(heidi: Client) -> None:
    made = created(heidi, **GIVEN, remember_consent=True)  # consent is not a field of this operation

    times = {"created_at": NOON_STAMP, "updated_at": NOON_STAMP}
    assert stored(heidi, made) == shapes.PATIENT_PROFILE.unset(shapes.STATE, id=made, **GIVEN, **times)


@pytest.mark.parametrize("field", ["patient_sex_code", "identifiers"])
def test_no_answer_shows_sex_code_or_identifiers(heidi: Client, field: str) -> None:
    body = {"patient_sex_code": 2, "identifiers": [{"value": "1"}]}
    answer = heidi.post(PATH, json=body)
    path = f"{PATH}/{answer.json()['data']['id']}"

    answers = [answer, heidi.patch(path, json=body), heidi.get(path), heidi.get(PATH)]

    assert [field in found.text for found in answers] == [False] * 4


def test_two_profiles_may_have_the_same_ehr_patient_id(heidi: Client) -> None:
    first, second = created(heidi, ehr_patient_id="E1"), created(heidi, ehr_patient_id="E1")

    assert [row["id"] for row in listed(heidi, "?ehr_patient_id=E1")] == [first, second]
    assert first != second


# --- Read -------------------------------------------------------------------------------------------------------------


def test_get_answers_the_documented_keys_in_order(heidi: Client) -> None:
    answer = heidi.get(f"{PATH}/{JOHN}")

    assert answered(answer) == (200, wire({"data": shapes.PATIENT_PROFILE.documented(GET)}))


def test_list_answers_the_documented_keys_in_order(heidi: Client) -> None:
    answer = heidi.get(f"{PATH}?ehr_patient_id=EHR123456")

    assert answered(answer) == (200, wire({"data": [shapes.PATIENT_PROFILE.documented(LIST)]}))


def test_the_list_is_in_the_order_of_creation(heidi: Client) -> None:
    before = [row["id"] for row in listed(heidi)]

    made = [created(heidi, first_name=name) for name in ("Z", "A", "M")]
    heidi.patch(f"{PATH}/{before[3]}", json={"first_name": "changed last"})

    assert [row["id"] for row in listed(heidi)] == [*before, *made]
    assert len(before) == 13


def test_the_list_follows_each_change_and_each_reset(heidi: Client) -> None:
    first = heidi.get(PATH).text
    created(heidi)
    longer = heidi.get(PATH).text
    heidi.post("/_mock/reset")

    assert heidi.get(PATH).text == first != longer


@pytest.mark.parametrize(
    ("query", "names"),
    [
        (f"?ehr_patient_id={TWINS}", ["Aoife", "Alex"]),
        (f"?ehr_patient_id={TWINS}&ehr_provider=Northside%20EHR", ["Alex"]),
        (f"?ehr_provider=Best+Practice&ehr_patient_id={TWINS}", ["Aoife"]),
        (f"?ehr_patient_id={TWINS}&ehr_provider=northside%20ehr", []),
        (f"?ehr_patient_id={TWINS}&ehr_provider=Northside", []),
        ("?ehr_provider=Best%20Practice", ["Aoife"]),
        ("?ehr_provider=Northside%20EHR", ["Alex"]),
        ("?ehr_provider=best%20practice", []),
        ("?ehr_provider=Best", []),
        ("?ehr_provider=Northside", []),
        ("?ehr_provider=Northside%20EHR%20", []),
        ("?ehr_provider=", []),
        ("?ehr_patient_id=", []),
        ("?ehr_patient_id=2041", []),
        ("?ehr_patient_id=ehr123456", []),
        ("?ehr_patient_id=NS-7781", []),
        (f"?ehr_patient_id=EHR123456&ehr_patient_id={TWINS}", ["Aoife", "Alex"]),
        (f"?ehr_patient_id={TWINS}&ehr_patient_id=EHR123456", ["John"]),
        ("?ehr_patient_id=EHR123456&page=2&page_size=0&EHR_PROVIDER=x&first_name=Nobody", ["John"]),
    ],
)
def test_the_documented_filters_are_exact_and_combine(heidi: Client, query: str, names: list[str]) -> None:
    assert [row["first_name"] for row in listed(heidi, query)] == names


def test_unknown_parameters_do_not_shorten_the_list(heidi: Client) -> None:
    assert listed(heidi, "?page=2&page_size=1&limit=1&managed_by=x") == listed(heidi)


# --- Update -----------------------------------------------------------------------------------------------------------


def test_update_answers_the_documented_keys_in_order(heidi: Client) -> None:
    changes = {"last_name": "Smith", "phone": "+1987654321", "demographic_string": "John Smith, M, 1990-01-15"}

    answer = heidi.patch(f"{PATH}/{JOHN}", json=changes)

    assert answered(answer) == (200, wire({"data": shapes.PATIENT_PROFILE.documented(UPDATE, **changes)}))


@pytest.mark.parametrize(
    ("field", "value"), [*CHANGES.items(), ("last_name", ""), ("gender", "OTHER"), ("email", "no address")]
)
def test_update_changes_only_the_field_sent_and_the_time(heidi: Client, field: str, value: Any) -> None:
    before = settled(heidi)

    answer = heidi.patch(f"{PATH}/{JOHN}", json={field: value})

    expected = [
        {**row, field: value, "updated_at": NOON_STAMP} if row["id"] == JOHN else row
        for row in before["patient_profiles"]
    ]
    assert answer.status_code == 200
    assert heidi.state() == {**before, "patient_profiles": expected}


@pytest.mark.parametrize("field", list(CHANGES))
def test_null_clears_a_field(heidi: Client, field: str) -> None:
    heidi.patch(f"{PATH}/{JOHN}", json=CHANGES)
    before = stored(heidi, JOHN)

    answer = heidi.patch(f"{PATH}/{JOHN}", json={field: None})

    assert answer.status_code == 200
    assert stored(heidi, JOHN) == {**before, field: shapes.PATIENT_PROFILE.fields[field].unset}


def test_an_empty_update_changes_nothing_but_the_time(heidi: Client) -> None:
    before = stored(heidi, JOHN)

    answer = heidi.patch(f"{PATH}/{JOHN}", json={})

    assert answer.status_code == 200
    assert stored(heidi, JOHN) == {**before, "updated_at": NOON_STAMP}


@pytest.mark.parametrize("field", ["ehr_patient_id", "patient_sex_code", "id", "managed_by", "source", "created_at"])
def test_an_update_ignores_fields_that_cannot_be_changed(heidi: Client, field: str) -> None:
    before = stored(heidi, JOHN)

    answer = heidi.patch(f"{PATH}/{JOHN}", json={field: "9" * 24, "first_name": "Jack"})

    assert answer.json()["data"]["first_name"] == "Jack"
    assert stored(heidi, JOHN) == {**before, "first_name": "Jack", "updated_at": NOON_STAMP}


def test_only_the_list_shows_consent(heidi: Client) -> None:
    answer = heidi.patch(f"{PATH}/{JOHN}", json={"remember_consent": False})

    assert listed(heidi)[0]["remember_consent"] is False
    assert ["remember_consent" in found.text for found in (answer, heidi.get(f"{PATH}/{JOHN}"))] == [False, False]


# --- Delete -----------------------------------------------------------------------------------------------------------


def test_a_batch_delete_removes_profiles_and_unlinks_their_sessions(heidi: Client) -> None:
    before = settled(heidi)

    answer = deleted(heidi, JOHN, MARGARET)

    gone = (JOHN, MARGARET)
    sessions = [
        {**row, "patient_profile_id": None} if row["patient_profile_id"] in gone else row for row in before["sessions"]
    ]
    profiles = [row for row in before["patient_profiles"] if row["id"] not in gone]
    assert answered(answer) == (200, wire(SUCCESS))
    assert heidi.state() == {**before, "patient_profiles": profiles, "sessions": sessions}
    assert sessions != before["sessions"]
    assert answered(heidi.get(f"{PATH}/{JOHN}")) == (404, wire(PROFILE_NOT_FOUND))


def test_a_batch_delete_ignores_unknown_ids(heidi: Client) -> None:
    answer = deleted(heidi, UNKNOWN_ID, "no id", "", JOHN, JOHN)

    assert answered(answer) == (200, wire(SUCCESS))
    assert [row["id"] for row in heidi.state()["patient_profiles"]].count(JOHN) == 0
    assert len(heidi.state()["patient_profiles"]) == 14


@pytest.mark.parametrize("ids", [[], [UNKNOWN_ID], [BENEDIKTA]], ids=["none", "unknown", "another key's"])
def test_an_empty_batch_delete_succeeds_and_changes_nothing(heidi: Client, ids: list[str]) -> None:
    before = settled(heidi)

    answer = deleted(heidi, *ids)

    assert answered(answer) == (200, wire(SUCCESS))
    assert heidi.state() == before


def test_a_profile_that_is_added_again_is_the_last_in_the_list(heidi: Client) -> None:
    before = heidi.state()["patient_profiles"]
    deleted(heidi, JOHN)

    heidi.post("/_mock/state", json={"patient_profiles": [before[0]]})

    assert listed(heidi)[-1]["id"] == JOHN
    assert [row["id"] for row in heidi.state()["patient_profiles"]] == [row["id"] for row in (*before[1:], before[0])]


# --- Link -------------------------------------------------------------------------------------------------------------


def test_linking_answers_the_sessions_in_the_requested_order(heidi: Client) -> None:
    answer = heidi.post(f"{PATH}/{JOHN}/sessions", json={"session_ids": [OTHER_SESSION, SESSION]})

    first = shapes.SESSION.documented("link_sessions", **shapes.SECOND_SESSION)
    second = shapes.SESSION.documented("link_sessions")
    assert answered(answer) == (200, wire({"data": [first, second]}))
    assert listed(heidi)[0]["session_count"] == 5


def test_linking_changes_only_the_link(heidi: Client) -> None:
    before = settled(heidi)

    heidi.post(f"{PATH}/{JOHN}/sessions", json={"session_ids": [SESSION]})

    sessions = [
        {**row, "patient_profile_id": JOHN} if row["session_id"] == SESSION else row for row in before["sessions"]
    ]
    assert heidi.state() == {**before, "sessions": sessions}


@pytest.mark.parametrize("unknown", ["99", "no id", "", BENEDIKTAS_SESSION])
@pytest.mark.parametrize("place", [0, 1])
def test_one_unknown_session_refuses_the_whole_request(heidi: Client, unknown: str, place: int) -> None:
    before = settled(heidi)
    ids = [SESSION, OTHER_SESSION]
    ids.insert(place, unknown)

    answer = heidi.post(f"{PATH}/{JOHN}/sessions", json={"session_ids": ids})

    assert answered(answer) == (404, wire(SESSION_NOT_FOUND))
    assert heidi.state() == before


def test_linking_to_another_profile_moves_a_session(heidi: Client) -> None:
    answer = heidi.post(f"{PATH}/{MARGARET}/sessions", json={"session_ids": JOHNS_SESSIONS[:1]})

    counts = {row["id"]: row["session_count"] for row in listed(heidi)}
    assert answer.status_code == 200
    assert (counts[JOHN], counts[MARGARET]) == (2, 4)


def test_linking_a_session_again_or_twice_in_one_request_succeeds(heidi: Client) -> None:
    ids = [JOHNS_SESSIONS[0], JOHNS_SESSIONS[0]]
    before = settled(heidi)

    answer = heidi.post(f"{PATH}/{JOHN}/sessions", json={"session_ids": ids})

    assert [row["session_id"] for row in answer.json()["data"]] == ids
    assert heidi.state() == before


def test_linking_an_empty_list_answers_an_empty_list(heidi: Client) -> None:
    answer = heidi.post(f"{PATH}/{JOHN}/sessions", json={"session_ids": []})

    assert answered(answer) == (200, '{"data":[]}')


# --- Owners -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "profile_id",
    [UNKNOWN_ID, "5eb7cf5a86d9755df3a6c59", f"{JOHN}0", JOHN.upper(), "1", "é", "a:b", "null", BENEDIKTA],
)
@pytest.mark.parametrize(
    ("method", "suffix", "body"),
    [("GET", "", None), ("PATCH", "", {"first_name": "X"}), ("POST", "/sessions", {"session_ids": [SESSION]})],
    ids=["get", "update", "link"],
)
def test_an_unknown_profile_is_not_found(
    heidi: Client, profile_id: str, method: str, suffix: str, body: dict[str, Any] | None
) -> None:
    before = settled(heidi)

    answer = heidi.request(method, f"{PATH}/{profile_id}{suffix}", json=body)

    assert answered(answer) == (404, wire(PROFILE_NOT_FOUND))
    assert heidi.state() == before


def test_each_key_sees_only_its_own_profiles(heidi: Client, second: Client) -> None:
    assert [row["first_name"] for row in listed(second)] == ["Benedikta", "Kwame"]
    assert {row["managed_by"] for row in listed(heidi)} == {JOHN}
    assert answered(second.get(f"{PATH}/{JOHN}")) == (404, wire(PROFILE_NOT_FOUND))


def test_a_new_profile_belongs_to_the_key_that_created_it(heidi: Client, second: Client) -> None:
    made = created(second, first_name="Nora")

    record = stored(heidi, made)
    assert (record["managed_by"], record["ehr_provider"]) == ("63eb54a32680a88f2b690da4", "Northside EHR")
    assert heidi.get(f"{PATH}/{made}").status_code == 404


def test_two_users_of_a_key_see_the_same_profiles(heidi: Client) -> None:
    made = created(heidi, first_name="Shared")
    mine = answered(heidi.get(PATH))

    heidi.sign_in(email="colleague@example.org", third="other")

    assert answered(heidi.get(PATH)) == mine
    assert heidi.patch(f"{PATH}/{made}", json={"first_name": "Ours"}).json()["data"]["first_name"] == "Ours"


def test_new_ids_differ_from_those_of_restored_records(heidi: Client) -> None:
    made = created(heidi, first_name="First")
    recorded = heidi.state()

    with another(fixtures=recorded) as replayed:
        again = created(replayed, first_name="Second")
        names = [row["first_name"] for row in listed(replayed)]

    assert again != made
    assert names[-2:] == ["First", "Second"]
