"""``GET /_mock/requests/{id}/changes``: the records that a request changed, before and after."""

import gc
import weakref
from typing import Any

import pytest
from clients import JOHN, Client
from helpers import SESSION, another, in_namespace

from mock_heidi.base.settings import DEFAULT_KEY
from mock_heidi.control import changes as changes_endpoint
from mock_heidi.state.session_records import Session

NOTE = {
    "generation_method": "TEMPLATE",
    "template_id": "659b8042fe093d6592b41ef7",
    "addition": "",
    "voice_style": "BRIEF",
}


def changes(heidi: Client) -> list[dict[str, Any]]:
    """The changes of the last request."""
    row = heidi.get("/_mock/requests?view=headlines&limit=1").json()["requests"][0]
    found: list[dict[str, Any]] = heidi.get(f"/_mock/requests/{row['id']}/changes").json()["changes"]
    return found


def test_an_update_shows_the_record_before_and_after(heidi: Client) -> None:
    before = heidi.get(f"/_mock/state/patient_profiles/{JOHN}").json()
    heidi.patch(f"/patient-profiles/{JOHN}", json={"first_name": "Jon"})

    after = heidi.get(f"/_mock/state/patient_profiles/{JOHN}").json()
    assert changes(heidi)[0] == {"kind": "patient_profiles", "id": JOHN, "before": before, "after": after}


def test_a_creation_has_nothing_before_and_a_removal_nothing_after(heidi: Client) -> None:
    heidi.sign_in()
    made = heidi.post("/patient-profiles", json={"first_name": "Ada"}).json()["data"]["id"]
    (created,) = changes(heidi)
    heidi.request("DELETE", "/patient-profiles:batch-delete", json={"patient_profile_ids": [made]})
    (removed,) = changes(heidi)

    assert (created["id"], created["before"], created["after"]["first_name"]) == (made, None, "Ada")
    assert (removed["id"], removed["before"], removed["after"]) == (made, created["after"], None)


def test_changes_are_in_the_order_in_which_they_were_made(heidi: Client) -> None:
    heidi.sign_in()
    heidi.request("DELETE", "/patient-profiles:batch-delete", json={"patient_profile_ids": [JOHN]})

    told = [(row["kind"], row["after"] is None) for row in changes(heidi)]
    assert told[0] == ("sessions", False)
    assert told[-1] == ("patient_profiles", True)


def test_a_stream_shows_the_note_that_it_stored(heidi: Client) -> None:
    heidi.sign_in()
    heidi.post(f"/sessions/{SESSION}/consult-note", json=NOTE)

    (row,) = changes(heidi)
    assert row["after"]["consult_note"]["result"] != row["before"]["consult_note"]["result"]


def test_a_read_shows_no_change(heidi: Client) -> None:
    heidi.sign_in()
    heidi.get(f"/patient-profiles/{JOHN}")

    assert changes(heidi) == []


def test_a_refused_request_shows_no_change(heidi: Client) -> None:
    heidi.sign_in()
    heidi.patch(f"/patient-profiles/{JOHN}", json={"gender": 5})

    assert changes(heidi) == []


def test_a_sign_in_shows_its_new_user(heidi: Client) -> None:
    heidi.sign_in(email="ann@example.com")

    (row,) = changes(heidi)
    assert (row["kind"], row["before"], row["after"]["email"]) == ("users", None, "ann@example.com")


def test_a_user_who_was_forgotten_is_a_change_of_the_next_request(heidi: Client) -> None:
    heidi.sign_in(email="ann@example.com")
    heidi.post("/_mock/reset")
    heidi.get(f"/patient-profiles/{JOHN}")

    (row,) = changes(heidi)
    assert (row["kind"], row["after"]["email"]) == ("users", "ann@example.com")


def test_a_change_by_the_control_api_belongs_to_no_request(heidi: Client) -> None:
    heidi.sign_in()
    heidi.get(f"/patient-profiles/{JOHN}")
    heidi.patch(f"/_mock/state/patient_profiles/{JOHN}", json={"first_name": "Jon"})

    assert changes(heidi) == []


def test_changes_contain_no_secret(heidi: Client) -> None:
    heidi.sign_in()
    heidi.post("/users/linked-account", json={"kinde_user_id": "kp_0123456789abcdef0123456789abcdef"})
    heidi.patch(f"/patient-profiles/{JOHN}", json={"additional_context": f"key: {DEFAULT_KEY}"})

    told = [heidi.get(f"/_mock/requests/{number}/changes").text for number in (1, 2, 3)]
    assert [text.count('"kind"') > 0 for text in told] == [True, True, True]
    assert DEFAULT_KEY not in "".join(told)


def test_a_masked_journal_shows_lengths(heidi: Client) -> None:
    heidi.post("/_mock/namespaces/shy", json={"journal": "masked"})
    shy = in_namespace(heidi, "shy")
    shy.sign_in()
    shy.patch(f"/patient-profiles/{JOHN}", json={"first_name": "Jon"})
    (row,) = heidi.get("/ns/shy/_mock/requests/2/changes").json()["changes"]
    shy.close()

    assert row["after"]["first_name"] == "<3 characters>"


def test_records_beyond_the_limit_of_an_answer_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes_endpoint, "_MOST_BYTES", 2_000)
    with another(fixtures="empty") as heidi:
        heidi.sign_in()
        heidi.post("/_mock/state", json={"patient_profiles": [{"id": f"{n:024x}"} for n in range(50)]})
        everyone = [row["id"] for row in heidi.state()["patient_profiles"]]
        heidi.request("DELETE", "/patient-profiles:batch-delete", json={"patient_profile_ids": everyone})

        told = heidi.get("/_mock/requests/2/changes").json()
    assert len(told["changes"]) > 1
    assert len(told["changes"]) + told["omitted"] == 50


def test_the_journal_counts_the_records_that_it_keeps(heidi: Client) -> None:
    heidi.sign_in()
    journal, memory = heidi.app.registry.default.journal, heidi.app.registry.memory
    held = journal.held, memory.used
    heidi.patch(f"/patient-profiles/{JOHN}", json={"first_name": "x" * 50_000})
    heidi.patch(f"/patient-profiles/{JOHN}", json={"first_name": "Jon"})
    grown = journal.held - held[0]
    heidi.delete("/_mock/requests")

    assert grown > 3 * 50_000  # the body, the record after the first request, the record before the second one
    assert (journal.held, memory.used - held[1]) == (0, -held[0])


@pytest.mark.parametrize("method", ["reset", "delete"])
def test_no_record_outlives_its_namespace(heidi: Client, method: str) -> None:
    own = in_namespace(heidi, "own")
    own.sign_in()
    session_id = own.post("/sessions").json()["session_id"]
    namespace = heidi.app.registry.get("own")
    assert namespace is not None
    journal = namespace.journal
    own.patch(f"/sessions/{session_id}", json={"patient": {"name": "Ann"}})
    own.close()
    session = next(record for entry in journal for record in (entry.changes or ()) if isinstance(record, Session))
    gone = weakref.ref(session)
    del session
    if method == "reset":
        heidi.post("/ns/own/_mock/reset")
    else:
        heidi.delete("/_mock/namespaces/own")
    del namespace
    gc.collect()

    assert gone() is None
    assert len(journal) == 0
