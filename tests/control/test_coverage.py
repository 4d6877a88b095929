"""The coverage of a server: ``GET /_mock/coverage`` and ``DELETE /_mock/coverage``."""

from collections.abc import Iterator
from typing import Any

import pytest
from clients import JOHN, Client
from helpers import SESSION, another

from mock_heidi.base.settings import DEFAULT_EMAIL, DEFAULT_KEY, ConfigError, Settings
from mock_heidi.observing.coverage.all_points import all_points

# The example of the contract for a sign-in, which a hint repeats.
EXAMPLE = '"email\\": \\"test@heidihealth.com'


@pytest.fixture
def heidi() -> Iterator[Client]:
    """A client of an application that counts."""
    with another(coverage=True) as client:
        yield client


def report(client: Client) -> Any:
    return client.get("/_mock/coverage").json()


def test_a_fresh_server_misses_every_point(heidi: Client) -> None:
    found = report(heidi)

    assert (found["covered"], found["points"], found["percent"]) == (0, len(all_points()), 0)
    assert found["exercised"] == []
    assert [(row["kind"], row["name"]) for row in found["missing"]] == list(all_points())


def test_an_exercised_point_is_missing_no_more(heidi: Client) -> None:
    heidi.get(f"/sessions/{SESSION}")
    found = report(heidi)

    assert {"kind": "operation", "name": "get_session", "count": 1} in found["exercised"]
    assert ("operation", "get_session") not in [(row["kind"], row["name"]) for row in found["missing"]]
    assert len(found["exercised"]) == found["covered"] == found["points"] - len(found["missing"])


def test_the_kinds_add_up_to_the_whole(heidi: Client) -> None:
    heidi.get(f"/sessions/{SESSION}")
    found = report(heidi)

    for key in ("covered", "points"):
        assert sum(row[key] for row in found["kinds"]) == found[key]
    assert found["kinds"][0] == {"kind": "operation", "covered": 2, "points": 31, "percent": 6.4}
    assert found["percent"] == int(1000 * found["covered"] / found["points"]) / 10


def test_a_missing_point_has_a_line_and_a_command(heidi: Client) -> None:
    missing = {(row["kind"], row["name"]): row for row in report(heidi)["missing"]}

    assert missing["stream_ending", "ask_ai reset"] == {
        "kind": "stream_ending",
        "name": "ask_ai reset",
        "python": 'heidi.fault("ask_ai", rst_after=1, times=1)',
        "command": "mock-heidi fault add ask_ai:rst_after=1,times=1",
    }


def test_a_delete_forgets_all_requests_so_far(heidi: Client) -> None:
    heidi.get(f"/sessions/{SESSION}")
    answer = heidi.delete("/_mock/coverage")
    heidi.get(f"/patient-profiles/{JOHN}")

    assert answer.json() == {"forgotten": True}
    assert [row["name"] for row in report(heidi)["exercised"] if row["kind"] == "operation"] == ["get_patient_profile"]


def test_a_reset_of_the_namespace_keeps_the_coverage(heidi: Client) -> None:
    heidi.get(f"/sessions/{SESSION}")
    before = report(heidi)
    heidi.post("/_mock/reset?all=true")

    assert report(heidi) == before


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_server_that_does_not_count_says_how_to_start_one(method: str) -> None:
    with another() as heidi:
        answer = heidi.request(method, "/_mock/coverage")

    assert answer.status_code == 404
    assert answer.json() == {
        "error": "this server does not count coverage",
        "hint": "start it with mock-heidi serve --coverage",
    }


def test_no_datum_of_a_client_is_in_the_report(heidi: Client) -> None:
    names = ("Zebulon", "Quagmire", "zebulon@example.org", "kp_quagmire")
    heidi.post("/patient-profiles", json={"first_name": names[0], "last_name": names[1], names[1]: names[0]})
    heidi.get("/patient-profiles", params={"ehr_patient_id": names[1], "quagmire": "Zebulon"})
    heidi.post("/users/linked-account", json={"kinde_user_id": names[3]})
    heidi.sign_in(email=names[2])
    heidi.get("/sessions/Quagmire")

    text = heidi.get("/_mock/coverage").text

    assert [
        name for name in (*names, DEFAULT_EMAIL, DEFAULT_KEY, heidi.token()) if name in text.replace(EXAMPLE, "")
    ] == []


def test_the_setting_takes_true_and_false_only() -> None:
    with pytest.raises(ConfigError, match="coverage: 1 should be True or False"):
        Settings(coverage=1)  # type: ignore[arg-type] # the mistake
