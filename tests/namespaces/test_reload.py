"""New fixtures for a running server: which namespaces take them at once, and which only at their next reset."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from clients import Client
from helpers import INVALID_TOKEN, another, in_namespace

from mock_heidi.base.settings import ConfigError
from mock_heidi.faults.short_form import FaultError
from mock_heidi.namespaces.beginning import read_beginning
from mock_heidi.namespaces.reload import Reloaded, reload

ADA: dict[str, Any] = {"patient_profiles": [{"first_name": "Ada"}], "replies": []}
BEN: dict[str, Any] = {"patient_profiles": [{"first_name": "Ben"}], "replies": []}
BUSY = {"operation": "get_session", "status": 503}


@pytest.fixture
def heidi() -> Iterator[Client]:
    with another(fixtures=ADA) as client:
        yield client


def renew(client: Client, fixtures: Any) -> Reloaded:
    registry = client.app.registry
    return reload(registry, read_beginning(fixtures, registry.settings))


def first_names(client: Client, namespace: str = "") -> list[str]:
    rows = client.get(f"{namespace}/_mock/state").json()["patient_profiles"]
    return [row["first_name"] for row in rows]


def make(client: Client, name: str, **body: Any) -> None:
    assert client.post(f"/_mock/namespaces/{name}", json=body).status_code == 200


def test_an_unchanged_namespace_gets_the_new_state(heidi: Client) -> None:
    make(heidi, "blue")

    assert renew(heidi, BEN) == Reloaded(["default", "blue"], [])
    assert first_names(heidi) == first_names(heidi, "/ns/blue") == ["Ben"]


def test_reading_and_signing_in_do_not_count_as_a_change(heidi: Client) -> None:
    assert [row["first_name"] for row in heidi.get("/patient-profiles").json()["data"]] == ["Ada"]

    assert renew(heidi, BEN) == Reloaded(["default"], [])
    assert [row["first_name"] for row in heidi.get("/patient-profiles").json()["data"]] == ["Ben"]


def write(client: Client) -> None:
    client.post("/patient-profiles", json={"first_name": "Cleo"})


def link(client: Client) -> None:
    client.post("/users/linked-account", json={"kinde_user_id": "kp_own"})


def replace(client: Client) -> None:
    client.put("/_mock/state", json=ADA)


def restore(client: Client) -> None:
    client.put("/_mock/snapshots/one")
    client.post("/_mock/snapshots/one/restore")


@pytest.mark.parametrize("change", [write, link, replace, restore])
def test_a_namespace_that_a_client_has_changed_keeps_its_state_until_a_reset(
    heidi: Client, change: Callable[[Client], None]
) -> None:
    change(heidi)
    before = heidi.state()

    assert renew(heidi, BEN) == Reloaded([], ["default"])
    assert heidi.state() == before
    heidi.post("/_mock/reset")
    assert first_names(heidi) == ["Ben"]


def test_after_a_reset_a_namespace_follows_again(heidi: Client) -> None:
    write(heidi)
    heidi.post("/_mock/reset")

    assert renew(heidi, BEN) == Reloaded(["default"], [])


@pytest.mark.parametrize("own", [{"fixtures": {"sessions": []}}, {"fixtures": "empty"}, {"api_key": "a-key-of-ours"}])
def test_a_namespace_with_its_own_fixtures_or_key_keeps_them(heidi: Client, own: dict[str, Any]) -> None:
    make(heidi, "own", **own)
    before = first_names(heidi, "/ns/own")

    assert renew(heidi, BEN) == Reloaded(["default"], [])
    heidi.post("/ns/own/_mock/reset")
    assert first_names(heidi, "/ns/own") == before


def test_a_copy_keeps_what_was_copied(heidi: Client) -> None:
    heidi.post("/_mock/namespaces/copy?from=default")

    assert renew(heidi, BEN) == Reloaded(["default"], [])
    heidi.post("/ns/copy/_mock/reset")
    assert first_names(heidi, "/ns/copy") == ["Ada"]


def test_a_later_namespace_begins_with_the_new_set(heidi: Client) -> None:
    renew(heidi, {**BEN, "faults": [BUSY]})

    with contextlib.closing(in_namespace(heidi, "blue")) as blue:
        assert first_names(heidi, "/ns/blue") == ["Ben"]
        assert blue.get("/sessions/1").status_code == 503


def test_a_later_namespace_is_opened_by_the_new_keys() -> None:
    keys = {"api_keys": [{"key": "new-key", "ehr_provider": "New", "managed_by": "c" * 24}]}
    with another(fixtures=ADA) as heidi:
        token = heidi.token()
        renew(heidi, {**BEN, **keys})

        heidi.sign_in("new-key.later")
        assert heidi.get("/patient-profiles").json()["data"][0]["first_name"] == "Ben"
        old = heidi.get("/patient-profiles", headers={"Authorization": f"Bearer {token}"})
        assert (old.status_code, old.json()) == (401, INVALID_TOKEN)


def test_faults_and_replies_follow_with_the_state(heidi: Client) -> None:
    reply = {"operation": "ask_ai", "text": "No."}
    renew(heidi, {**BEN, "faults": [BUSY], "replies": [reply]})

    assert [rule["status"] for rule in heidi.get("/_mock/faults").json()["faults"]] == [503]
    assert [one["text"] for one in heidi.get("/_mock/replies").json()["replies"]] == ["No."]


def test_faults_and_replies_of_a_client_stay(heidi: Client) -> None:
    heidi.post("/_mock/faults", json={"operation": "ask_ai", "status": 418})
    heidi.post("/_mock/replies", json={"operation": "ask_ai", "text": "Own."})

    renew(heidi, {**BEN, "faults": [BUSY], "replies": [{"operation": "ask_ai", "text": "No."}]})

    assert first_names(heidi) == ["Ben"]
    assert [rule["operation"] for rule in heidi.get("/_mock/faults").json()["faults"]] == ["ask_ai"]
    assert [one["text"] for one in heidi.get("/_mock/replies").json()["replies"]] == ["Own."]


def test_a_linked_user_is_linked_in_the_new_state_too() -> None:
    with another(fixtures=ADA, linked=True) as heidi:
        assert renew(heidi, BEN) == Reloaded(["default"], [])

        assert heidi.get("/users/linked-account/access").json()["is_linked"] is True


def test_faults_that_do_not_fit_change_nothing() -> None:
    with another(fixtures=ADA, faults=("get_session:status=500,id=mine",)) as heidi:
        registry, before = heidi.app.registry, heidi.app.registry.start
        with pytest.raises(FaultError, match="there is a rule 'mine' already"):
            renew(heidi, {**BEN, "faults": [{**BUSY, "id": "mine"}]})

        assert registry.start is before
        assert first_names(heidi) == ["Ada"]


def test_faults_that_do_not_fit_those_of_a_namespace_leave_it_as_it_was(heidi: Client) -> None:
    make(heidi, "blue", faults=[{**BUSY, "id": "mine"}])

    assert renew(heidi, {**BEN, "faults": [{**BUSY, "id": "mine"}]}) == Reloaded(["default"], ["blue"])
    heidi.post("/ns/blue/_mock/reset")
    assert first_names(heidi, "/ns/blue") == ["Ada"]
    assert renew(heidi, BEN) == Reloaded(["default", "blue"], [])


def test_wrong_fixtures_are_refused_before_anything_changes(heidi: Client) -> None:
    with pytest.raises(ConfigError):
        renew(heidi, {"patient_profiles": [{"first_nam": "Ben"}]})

    assert first_names(heidi) == ["Ada"]


def test_the_events_tell_of_a_new_state(heidi: Client) -> None:
    events = heidi.app.registry.default.listen()

    renew(heidi, BEN)
    write(heidi)
    renew(heidi, ADA)

    told = [event.data for event in events.after(0) if event.kind == "reset"]
    assert told == [{"reset": ["state", "assumptions", "replies", "faults"]}]
