"""The main job with independent clients on a real server: sign in, create a patient, hold a session, clean up."""

import json
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import httpx
import pytest
import shapes
from helpers import PROFILE_NOT_FOUND, SUCCESS
from running import SCRIPT, Running, run, serving

from mock_heidi.base.settings import BASE_PATH

Answer = tuple[int, Any]
Client = Callable[[str, str, Mapping[str, str], Any], Answer]


def by_httpx(method: str, url: str, headers: Mapping[str, str], body: Any) -> Answer:
    answer = httpx.request(method, url, headers=dict(headers), json=body)
    return answer.status_code, answer.json()


def by_curl(method: str, url: str, headers: Mapping[str, str], body: Any) -> Answer:
    words = ["-sS", "-X", method, "-w", "\n%{http_code}", url]
    for name, value in headers.items():
        words += ["-H", f"{name}: {value}"]
    if body is not None:
        words += ["-H", "Content-Type: application/json", "-d", json.dumps(body)]
    ended = run(*words, command=("curl",))
    assert ended.returncode == 0, ended.stderr
    text, _, status = ended.stdout.rpartition("\n")
    return int(status), json.loads(text)


def by_urllib(method: str, url: str, headers: Mapping[str, str], body: Any) -> Answer:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, dict(headers), method=method)  # noqa: S310 - our own server
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - as above
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


no_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")
CLIENTS = [by_httpx, pytest.param(by_curl, marks=no_curl), by_urllib]


@pytest.fixture(scope="module")
def heidi(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(tmp_path_factory.mktemp("main"), command=SCRIPT) as running:
        yield running


@pytest.fixture(params=CLIENTS, ids=["httpx", "curl", "urllib"])
def client(request: pytest.FixtureRequest) -> Client:
    chosen: Client = request.param
    return chosen


def main_job(client: Client, base_url: str, key: str) -> dict[str, Any]:
    """Do all steps of an integration. Returns the id of the session and the headers of the user."""
    query = "email=dr%40clinic.example&third_party_internal_id=dr-1"
    status, signed = client("GET", f"{base_url}/jwt?{query}", {"Heidi-Api-Key": key}, None)
    assert (status, list(signed)) == (200, shapes.TOKEN.keys())
    headers = {"Authorization": f"Bearer {signed['token']}"}

    def ask(method: str, path: str, body: Any = None) -> Answer:
        return client(method, base_url + path, headers, body)

    given = {"first_name": "Ada", "last_name": "Example", "birth_date": "1990-01-15", "ehr_patient_id": "MAIN-1"}
    status, created = ask("POST", "/patient-profiles", given)
    assert (status, list(created["data"])) == (200, shapes.PATIENT_PROFILE.keys("create_patient_profile"))
    patient = created["data"]["id"]

    status, listed = ask("GET", "/patient-profiles?ehr_patient_id=MAIN-1")
    assert status == 200
    assert [(row["id"], row["session_count"]) for row in listed["data"]] == [(patient, 0)]

    status, patched = ask("PATCH", f"/patient-profiles/{patient}", {"last_name": "Sample"})
    assert status == 200
    assert (patched["data"]["first_name"], patched["data"]["last_name"]) == ("Ada", "Sample")

    status, opened = ask("POST", "/sessions", {"ehr_appointment_id": "APPT-1"})
    assert (status, list(opened)) == (200, shapes.SESSION.keys("create_session"))
    session = opened["session_id"]

    status, linked = ask("POST", f"/patient-profiles/{patient}/sessions", {"session_ids": [session]})
    assert status == 200
    assert [row["session_id"] for row in linked["data"]] == [session]

    status, seen = ask("GET", f"/sessions/{session}")
    assert status == 200
    shown = shapes.SESSION_PATIENT.unset("get_session", name="Ada Sample", dob="1990-01-15")
    assert seen["session"]["patient"] == shown
    assert seen["session"]["ehr_appt_id"] == "APPT-1"

    assert ask("DELETE", "/patient-profiles:batch-delete", {"patient_profile_ids": [patient]}) == (200, SUCCESS)
    assert ask("GET", f"/patient-profiles/{patient}") == (404, PROFILE_NOT_FOUND)
    return {"session": session, "headers": headers}


def test_every_client_completes_the_main_job(heidi: Running, client: Client) -> None:
    main_job(client, heidi.base_url, "mock-heidi-key")


def test_the_namespaces_do_not_touch_each_other(heidi: Running, client: Client) -> None:
    second = f"{heidi.url}/ns/second{BASE_PATH}"
    _, before = client("GET", f"{heidi.url}/ns/second/_mock/state", {}, None)
    first = main_job(client, heidi.base_url, "mock-heidi-key")
    _, after = client("GET", f"{heidi.url}/ns/second/_mock/state", {}, None)

    assert after == before
    kept = main_job(client, second, "mock-heidi-key")
    assert client("GET", f"{heidi.base_url}/sessions/{kept['session']}", first["headers"], None)[0] == 404
    assert client("GET", f"{second}/sessions/{first['session']}", kept["headers"], None)[0] == 404


def test_a_client_can_select_a_namespace_by_its_key(heidi: Running, client: Client) -> None:
    kept = main_job(client, heidi.base_url, "mock-heidi-key.third")
    _, state = client("GET", f"{heidi.url}/ns/third/_mock/state", {}, None)
    _, default = client("GET", f"{heidi.url}/_mock/state", {}, None)

    assert kept["session"] in [row["session_id"] for row in state["sessions"]]
    assert kept["session"] not in [row["session_id"] for row in default["sessions"]]


def test_the_main_job_logs_no_error(heidi: Running) -> None:
    assert heidi.errors() == ""
