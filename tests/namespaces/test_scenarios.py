"""Scenarios, which are named sets of faults. Each packaged one is tried with a client."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from audio import spoken
from clients import JOHN, NOON, Client
from helpers import SESSION, another, answered, wire
from paths import FIXTURES
from peer import Sleepers
from running import serving

from mock_heidi import Handle, MockHeidiError, create_app
from mock_heidi.base.settings import BASE_PATH, ConfigError

PACKAGED: list[dict[str, Any]] = yaml.safe_load((FIXTURES / "scenarios.yaml").read_text(encoding="utf-8"))
NAMES = [one["name"] for one in PACKAGED]
PATH = "/_mock/scenarios"
FAULTS = "/_mock/faults"
GET = f"/sessions/{SESSION}"
NOTE = {
    "generation_method": "TEMPLATE",
    "template_id": "659b8042fe093d6592b41ef7",
    "addition": "",
    "voice_style": "GOLDILOCKS",
}
SEGMENTS = f"{GET}/restful-segment-transcription"
CASE = "The left knee hurts. Takes candesartan 8 mg. " * 4
frozen = pytest.mark.mock_heidi(clock=NOON)
LIVED: dict[str, Callable[..., None]] = {}


def lives(name: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Mark a test as the trial of a scenario."""

    def marked(test: Callable[..., None]) -> Callable[..., None]:
        LIVED[name] = test
        return test

    return marked


def pieces(body: bytes) -> str:
    return "".join(json.loads(frame.removeprefix(b"data: "))["data"] for frame in body.split(b"\n\n") if frame)


def result(heidi: Handle) -> str:
    return str(heidi.session(SESSION)["consult_note"]["result"])


def write(client: httpx.Client, **options: Any) -> bytes:
    """Read a note piece by piece until its end or an error. The received pieces are added to ``options["got"]``."""
    got: bytearray = options.pop("got", bytearray())
    with client.stream("POST", f"{GET}/consult-note", json=NOTE, **options) as answer:
        assert answer.status_code == 200
        for block in answer.iter_bytes():
            got += block
    return bytes(got)


def rules(client: Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get(FAULTS).json()["faults"]
    return found


# --- Lived through ----------------------------------------------------------------------------------------------------


@lives("note-stream-dies")
def test_a_note_whose_stream_ends_early_is_whole_when_read_again(mock_heidi: Handle) -> None:
    mock_heidi.session(SESSION, transcript=CASE)
    scenario = mock_heidi.scenario("note-stream-dies")

    with mock_heidi.client() as client:
        short = write(client)
        kept = result(mock_heidi)
        whole = write(client)

    assert short.count(b"\n\n") == 5
    assert whole.startswith(short)
    assert pieces(whole) == kept == result(mock_heidi)  # also of the one that died, Heidi has all
    assert scenario.hits() == 1


@lives("note-stream-breaks")
def test_a_note_whose_stream_breaks_is_whole_when_read_again(mock_heidi: Handle) -> None:
    mock_heidi.session(SESSION, transcript=CASE)
    mock_heidi.scenario("note-stream-breaks")
    got = bytearray()

    with mock_heidi.client() as client:
        with pytest.raises(httpx.ReadError):
            write(client, got=got)
        whole = write(client)

    assert got.count(b"\n\n") == 5
    assert whole.startswith(bytes(got))
    assert pieces(whole) == result(mock_heidi)


@lives("note-stream-stalls")
def test_a_note_whose_stream_stalls_runs_into_the_clients_timeout(mock_heidi: Handle) -> None:
    mock_heidi.session(SESSION, transcript=CASE)
    mock_heidi.scenario("note-stream-stalls")
    got = bytearray()

    with mock_heidi.client() as client:
        with pytest.raises(httpx.ReadTimeout):
            write(client, got=got, timeout=httpx.Timeout(60, read=2))
        whole = write(client)

    assert got.count(b"\n\n") == 5
    assert whole.startswith(bytes(got))


@lives("token-expires-mid-consultation")
def test_a_token_that_expires_mid_way_is_replaced(mock_heidi: Handle) -> None:
    paths = [GET, "/patient-profiles", f"{GET}/documents", f"/patient-profiles/{JOHN}", f"{GET}/transcript", GET]
    with mock_heidi.client() as client:
        scenario = mock_heidi.scenario("token-expires-mid-consultation")
        statuses = [client.get(path).status_code for path in paths]
        refused = [client.get(path) for path in paths[:2]]

        client.headers = httpx.Headers(mock_heidi.headers())
        again = [client.get(path).status_code for path in paths * 2]

    assert statuses == [200] * 5 + [401]
    assert {answer.json()["detail"]["type"] for answer in refused} == {"ExpiredTokenError"}
    assert again == [200] * 12
    assert scenario.hits() == 3


def record(client: httpx.Client) -> str:
    return f"{SEGMENTS}/{client.post(SEGMENTS).json()['recording_id']}"


def send(client: httpx.Client, recording: str, index: int) -> httpx.Response:
    files = {"file": ("cough.wav", spoken(20), "audio/wav")}
    return client.post(f"{recording}:transcribe", files=files, data={"index": str(index)}, timeout=30)


def chunks(client: httpx.Client) -> list[str]:
    return [chunk["text"] for chunk in client.get(f"{GET}/transcript/live").json()["chunks"]]


@frozen
@lives("slow-second-chunk")
def test_a_slow_second_chunk_is_overtaken_by_the_third(mock_heidi: Handle) -> None:
    sleepers = Sleepers(mock_heidi)
    mock_heidi.scenario("slow-second-chunk")

    with mock_heidi.client() as client, ThreadPoolExecutor(1) as elsewhere:
        recording = record(client)
        assert send(client, recording, 0).status_code == 200
        second = elsewhere.submit(send, client, recording, 1)
        sleepers.wait()
        assert send(client, recording, 2).status_code == 200
        overtaken = len(chunks(client)), second.done()
        mock_heidi.clock.advance(8)
        assert second.result().status_code == 200
        texts = chunks(client)

    assert overtaken == (2, False)
    assert len(texts) == len(set(texts)) == 3


@lives("segment-lost-on-the-way-back")
def test_a_segment_whose_answer_is_lost_may_be_sent_again(mock_heidi: Handle) -> None:
    mock_heidi.scenario("segment-lost-on-the-way-back")

    with mock_heidi.client() as client:
        recording = record(client)
        assert send(client, recording, 0).status_code == 200
        with pytest.raises(httpx.RemoteProtocolError):
            send(client, recording, 1)
        stored = chunks(client)
        again = send(client, recording, 1)
        after = chunks(client)

    assert len(stored) == 2
    assert all(stored)
    assert again.status_code == 200
    assert after[:1] == stored[:1]


@lives("link-refused")
def test_every_attempt_to_link_is_refused(mock_heidi: Handle) -> None:
    mock_heidi.scenario("link-refused")

    with mock_heidi.client() as client:
        answers = [client.post("/users/linked-account", json={"kinde_user_id": user}) for user in ("kp_a", "kp_b")]
        access = client.get("/users/linked-account/access").json()

    assert [answer.status_code for answer in answers] == [409, 409]
    assert {answer.json()["detail"]["type"] for answer in answers} == {"OpenAPIHeidiAccountAlreadyLinkedError"}
    assert access["is_linked"] is False


def afternoon(seed: int) -> list[tuple[int, str]]:
    """The statuses of a hundred requests during the scenario."""
    with another(scenario="flaky-afternoon", seed=seed) as heidi:
        heidi.put("/_mock/clock", json={"speed": 100_000})
        answers = [heidi.get(GET, signed=False) for _ in range(100)]
        return [(answer.status_code, answer.headers.get("x-mock-fault", "")) for answer in answers]


@lives("flaky-afternoon")
def test_a_flaky_afternoon_is_flaky_in_the_same_way_for_the_same_seed() -> None:
    first, again, other = afternoon(1), afternoon(1), afternoon(2)

    assert first == again != other
    gone = [status for status, _ in first if status == 503]
    slow = [marks for _, marks in first if "fault-1" in marks]
    assert {status for status, _ in first} == {401, 503}
    assert 2 <= len(gone) <= 25
    assert 8 <= len(slow) <= 40


@frozen
@lives("rate-limited")
def test_a_rate_limit_has_a_retry_after(mock_heidi: Handle) -> None:
    with mock_heidi.client() as client:
        mock_heidi.scenario("rate-limited")
        statuses = [client.get(GET).status_code for _ in range(30)]
        mock_heidi.clock.advance(15)
        limited = client.get(GET)
        mock_heidi.clock.advance(float(limited.headers["retry-after"]))
        after = client.get(GET)

    assert statuses == [200] * 30
    assert (limited.status_code, limited.headers["retry-after"], after.status_code) == (429, "45", 200)
    assert limited.headers["x-mock-provenance"] == "injected, not documented"


@lives("upload-fails-once")
def test_an_upload_that_fails_is_accepted_the_second_time(mock_heidi: Handle) -> None:
    mock_heidi.scenario("upload-fails-once")
    files = {"file": ("cough.wav", spoken(20), "audio/wav")}

    with mock_heidi.client() as client:
        failed = client.post(f"{GET}/upload-audio", files=files)
        nothing = client.get(f"{GET}/transcript").json()["transcript"]
        taken = client.post(f"{GET}/upload-audio", files=files)
        something = client.get(f"{GET}/transcript").json()["transcript"]

    assert (failed.status_code, failed.json()) == (500, {"detail": "error: failed to upload audio"})
    assert failed.headers["x-mock-provenance"] == "injected, documented"
    assert (nothing, taken.status_code, len(something) > 20) == ("", 200, True)


@lives("proxy-in-the-way")
def test_a_proxy_answers_two_requests_with_its_own_page(mock_heidi: Handle) -> None:
    mock_heidi.scenario("proxy-in-the-way")

    with mock_heidi.client() as client:
        answers = [client.get(path) for path in (GET, "/patient-profiles", f"{GET}/transcript")]

    assert [answer.status_code for answer in answers] == [200] * 3
    assert [answer.text.startswith("<html>") for answer in answers] == [True, True, False]
    assert answers[0].headers["content-type"].startswith("text/html")


@lives("note-about-somebody-else")
def test_a_note_about_another_patient_has_other_name_and_sides(mock_heidi: Handle) -> None:
    session = mock_heidi.state.add_session(patient_profile_id=JOHN)["session_id"]
    mock_heidi.session(session, transcript=CASE)
    mock_heidi.scenario("note-about-somebody-else")

    with mock_heidi.client() as client:
        text = pieces(client.post(f"/sessions/{session}/consult-note", json=NOTE).content)

    assert "Wilhelmina Ostrander" in text
    assert "John" not in text
    assert "The right knee" in text
    assert "left" not in text
    assert mock_heidi.session(session)["consult_note"]["result"] == text


@pytest.mark.mock_heidi(scenario="service-is-gone")
@lives("service-is-gone")
def test_a_dead_service_answers_nothing(mock_heidi: Handle) -> None:
    with httpx.Client(base_url=mock_heidi.base_url) as client:
        answers = [client.get(path) for path in ("/jwt", GET, "/nowhere")]
    with pytest.raises(MockHeidiError, match="Service Unavailable"):
        mock_heidi.token()

    assert [(answer.status_code, answer.headers["retry-after"]) for answer in answers] == [(503, "30")] * 3
    mock_heidi.control("DELETE", "/faults")
    assert mock_heidi.token()


def test_each_packaged_scenario_has_a_test() -> None:
    assert sorted(LIVED) == sorted(NAMES)
    assert len(NAMES) >= 10


# --- The endpoints ----------------------------------------------------------------------------------------------------


def test_the_endpoint_lists_scenarios_with_explanations(heidi: Client) -> None:
    answer = heidi.get(PATH)

    found = answer.json()["scenarios"]
    assert [one["name"] for one in found] == NAMES
    assert found[0] == {
        "name": "note-stream-dies",
        "explanation": PACKAGED[0]["explanation"],
        "faults": [{"operation": "generate_consult_note", "times": 1, "end_after": 5}],
    }
    for one in found:
        assert one["explanation"][0].isupper()
        assert one["explanation"].endswith(".")
        assert one["faults"]


@pytest.mark.parametrize("name", NAMES)
def test_each_scenario_can_be_started_and_removed(mock_heidi: Handle, name: str) -> None:
    answer = mock_heidi.control("POST", f"/scenarios/{name}")

    packaged = next(one for one in PACKAGED if one["name"] == name)
    assert (answer["scenario"], answer["explanation"]) == (name, packaged["explanation"])
    assert answer["faults"] == mock_heidi.faults()
    assert len(answer["faults"]) == len(packaged["faults"])
    assert {rule["label"] for rule in answer["faults"]} == {f"scenario {name}"}
    with mock_heidi.scenario(name) as scenario:
        assert len(mock_heidi.faults()) == 2 * len(scenario.ids)
    assert mock_heidi.faults() == answer["faults"]


def test_the_rules_of_a_scenario_come_after_the_others(heidi: Client) -> None:
    heidi.post(FAULTS, json={"status": 500, "times": 1})

    heidi.post(f"{PATH}/service-is-gone")

    assert [heidi.get(GET, signed=False).status_code for _ in range(2)] == [500, 503]


def test_an_unknown_scenario_is_refused_with_the_nearest_name(heidi: Client, mock_heidi: Handle) -> None:
    near = heidi.post(f"{PATH}/rate-limit")
    far = heidi.post(f"{PATH}/x")

    hint = "did you mean rate-limited?"
    assert answered(near) == (404, wire({"error": "there is no scenario 'rate-limit'", "hint": hint}))
    assert answered(far) == (
        404,
        wire({"error": "there is no scenario 'x'", "hint": f"known names are {', '.join(sorted(NAMES))}"}),
    )
    assert rules(heidi) == []
    with pytest.raises(MockHeidiError, match="did you mean flaky-afternoon"):
        mock_heidi.scenario("flaky-aftrnoon")


@pytest.mark.parametrize("name", ["note-stream-breaks", "note-stream-stalls", "segment-lost-on-the-way-back"])
def test_in_process_a_scenario_that_breaks_connections_is_refused(heidi: Client, name: str) -> None:
    answer = heidi.post(f"{PATH}/{name}")

    assert answer.status_code == 400
    assert "does not work in process" in answer.json()["error"]
    assert rules(heidi) == []


# --- From the start ---------------------------------------------------------------------------------------------------


def test_a_server_and_all_its_namespaces_can_start_with_a_scenario() -> None:
    with another(scenario="service-is-gone", faults=("get_jwt:status=418,times=1",)) as heidi:
        statuses = [
            heidi.get(f"{prefix}{BASE_PATH}/jwt", signed=False).status_code for prefix in ("http://localhost", "/ns/a")
        ]
        heidi.delete(FAULTS)
        nothing = rules(heidi)
        heidi.post("/_mock/reset")

        assert statuses == [418, 401]  # no key, so no namespace: nobody's faults
        assert (nothing, [rule.get("label") for rule in rules(heidi)]) == ([], [None, "scenario service-is-gone"])
        assert len(heidi.get(f"/ns/b{FAULTS}").json()["faults"]) == 2


def test_a_reset_uses_the_scenario_of_the_start() -> None:
    with another(scenario="service-is-gone") as heidi:
        heidi.put("/_mock/state", json={"scenarios": [{"name": "own", "explanation": "O.", "faults": []}]})
        known = [one["name"] for one in heidi.get(PATH).json()["scenarios"]]

        answer = heidi.post("/_mock/reset?keep=state")

        assert (known, answer.status_code) == (["own"], 200)
        assert [rule["label"] for rule in rules(heidi)] == ["scenario service-is-gone"]


def test_a_start_with_an_unknown_scenario_is_refused() -> None:
    with pytest.raises(ConfigError, match="there is no scenario 'rate-limit'; did you mean rate-limited"):
        create_app(scenario="rate-limit")


def test_a_namespace_can_start_with_its_own_scenario(heidi: Client) -> None:
    made = heidi.post("/_mock/namespaces/a", json={"scenario": "rate-limited"})
    refused = heidi.post("/_mock/namespaces/b", json={"scenario": "rate-limit"})

    assert made.status_code == 200
    assert [rule["label"] for rule in heidi.get(f"/ns/a{FAULTS}").json()["faults"]] == ["scenario rate-limited"]
    assert (refused.status_code, refused.json()["error"]) == (400, "there is no scenario 'rate-limit'")
    assert refused.json()["hint"].startswith("did you mean rate-limited")
    assert len(heidi.get("/_mock/namespaces").json()["namespaces"]) == 2
    assert rules(heidi) == []


@pytest.mark.mock_heidi(scenario="rate-limited", faults=["get_session:status=418,times=1", {"id": "b", "delay": 0}])
def test_the_marker_sets_faults_and_a_scenario(mock_heidi: Handle) -> None:
    with mock_heidi.client() as client:
        statuses = [client.get(GET).status_code for _ in range(2)]

    assert statuses == [418, 200]
    assert [rule.get("label") or rule["id"] for rule in mock_heidi.faults()] == [
        "fault-1",
        "b",
        "scenario rate-limited",
    ]


def test_the_command_takes_faults_and_a_scenario(tmp_path: Path) -> None:
    with serving(tmp_path, "--fault", "get_jwt:status=418,times=1", "--scenario", "service-is-gone") as server:
        statuses = [server.sign_in()[0] for _ in range(2)]

    assert statuses == [418, 503]


# --- One's own --------------------------------------------------------------------------------------------------------


def folder(tmp_path: Path, text: str) -> Path:
    (tmp_path / "scenarios.yaml").write_text(text, encoding="utf-8")
    return tmp_path


def test_a_fixture_folder_can_have_its_own_scenarios(tmp_path: Path) -> None:
    own = folder(
        tmp_path,
        "- name: monday\n  explanation: Everything is new.\n  faults:\n"
        "    - {operation: get_session, status: 503, times: 1, label: mine}\n"
        "    - {operation: get_session, id: teapot, error: SessionNotFoundError, times: 1}\n"
        "- name: tuesday\n  explanation: Nothing is.\n  faults: []\n",
    )
    with another(fixtures=own) as heidi:
        listed = [one["name"] for one in heidi.get(PATH).json()["scenarios"]]
        added = heidi.post(f"{PATH}/monday").json()
        statuses = [heidi.get(GET).status_code for _ in range(3)]
        nothing = heidi.post(f"{PATH}/tuesday").json()

        assert listed == ["monday", "tuesday"]
        assert [(rule["id"], rule["label"]) for rule in added["faults"]] == [
            ("fault-1", "mine"),
            ("teapot", "scenario monday"),
        ]
        assert statuses == [503, 404, 200]
        assert (nothing["faults"], len(rules(heidi))) == ([], 2)


def test_a_scenario_whose_ids_are_taken_adds_nothing(tmp_path: Path) -> None:
    text = "- name: a\n  explanation: A.\n  faults: [{status: 503}, {id: mine, status: 500}]\n"
    with another(fixtures=folder(tmp_path, text)) as heidi:
        heidi.post(f"{PATH}/a")
        before = rules(heidi)

        answer = heidi.post(f"{PATH}/a")

        error = "there is a rule 'mine' already; remove it first, or choose another id"
        assert answered(answer) == (409, wire({"error": error, "hint": f"GET {FAULTS} lists them"}))
        assert rules(heidi) == before
        heidi.delete(f"{FAULTS}/mine")
        assert [rule["id"] for rule in heidi.post(f"{PATH}/a").json()["faults"]] == ["fault-2", "mine"]


def test_a_mistake_in_a_file_of_scenarios_is_reported_with_its_line(tmp_path: Path) -> None:
    own = folder(
        tmp_path,
        "- name: Monday\n  explanation: A.\n  faults: []\n"
        "- name: a\n  faults: []\n"
        "- name: b\n  explanation: B.\n  faults:\n    - operation: get_session\n      stats: 503\n"
        "- name: c\n  explanation: C.\n  faults:\n    - operation: get_sesion\n      status: 503\n"
        "- name: d\n  explanation: D.\n  faults: [{operation: get_session}]\n"
        "- name: e\n  explanation: E.\n  faults: []\n- name: e\n  explanation: E.\n  faults: []\n",
    )

    with pytest.raises(ConfigError) as refused:
        create_app(fixtures=own)

    lines = [line.removeprefix(str(own / "scenarios.yaml")) for line in str(refused.value).splitlines()]
    for line, start in zip(
        lines,
        [
            ":1: [0].name: String should match pattern",
            ":4: [1].explanation: Field required",
            ":10: [2].faults[0].stats: unknown field",
            ":14: [3].faults[0].operation: there is no operation 'get_sesion'; did you mean get_session",
            ":16: [4]: a fault needs an effect",
            ":22: [6]: 'e' exists already",
        ],
        strict=True,
    ):
        assert line.startswith(start)
