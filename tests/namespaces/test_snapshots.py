"""Snapshots, copies of namespaces, and idle namespaces. Unchanged records are shared.

``PUT|GET|DELETE /_mock/snapshots/{name}``, ``POST …/restore``, ``GET …/diff?against=``; a snapshot is
``{"name", "at", "counts"}``, a difference ``{kind: {"added", "removed", "changed", "omitted"}}``.
"""

import contextlib
import tracemalloc
from typing import Any

import pytest
import yaml
from clients import JOHN, NOON, Client
from helpers import SESSION, another, in_namespace

from mock_heidi.fixtures import loader as fixture_loader
from mock_heidi.fixtures.kinds import KINDS
from mock_heidi.state import clock
from mock_heidi.state.clock import precise
from mock_heidi.state.patient_records import PatientProfile
from mock_heidi.state.store import Store

OUTAGE = {"id": "outage", "operation": ["get_session"], "status": 503}


def counts(client: Client) -> dict[str, int]:
    state = client.state()
    return {"patient_profiles": len(state["patient_profiles"]), "sessions": len(state["sessions"])}


def test_a_snapshot_has_its_time_and_counts(heidi: Client) -> None:
    answer = heidi.put("/_mock/snapshots/before")

    assert answer.json() == {"name": "before", "at": f"{NOON}.000Z", "counts": counts(heidi)}
    assert heidi.get("/_mock/snapshots/before").json() == answer.json()
    assert heidi.get("/_mock/snapshots").json() == {"snapshots": [answer.json()]}


def test_restoring_restores_the_state_and_the_following_ids(heidi: Client) -> None:
    heidi.token()
    heidi.put("/_mock/snapshots/before")
    before = heidi.state()
    first = heidi.post("/sessions").json()
    heidi.patch(f"/sessions/{SESSION}", json={"duration": 3})
    heidi.request("DELETE", "/patient-profiles:batch-delete", json={"patient_profile_ids": [JOHN]})

    heidi.post("/_mock/snapshots/before/restore")

    assert heidi.state() == before
    assert heidi.post("/sessions").json() == first


def test_a_snapshot_can_be_restored_again_and_again(heidi: Client) -> None:
    heidi.put("/_mock/snapshots/before")
    before = heidi.state()
    for name in ("Ada", "Eve"):
        heidi.post("/_mock/state", json={"patient_profiles": [{"first_name": name}]})
        heidi.post("/_mock/snapshots/before/restore")

        assert heidi.state() == before


def test_a_snapshot_shares_no_transition_with_the_running_state(heidi: Client) -> None:
    heidi.put("/_mock/transitions", json={"transcription": {"after_reads": 2}})
    before = heidi.get("/_mock/transitions").json()
    heidi.put("/_mock/snapshots/before")
    for _ in range(2):
        heidi.put("/_mock/transitions", json={"transcription": {"after_seconds": 9}})

        heidi.post("/_mock/snapshots/before/restore")

        assert heidi.get("/_mock/transitions").json() == before


def test_a_difference_has_each_field_before_and_after(heidi: Client) -> None:
    heidi.token()
    heidi.put("/_mock/snapshots/before")
    made = heidi.post("/sessions").json()["session_id"]
    heidi.patch(f"/sessions/{SESSION}", json={"duration": 3})
    heidi.request("DELETE", "/patient-profiles:batch-delete", json={"patient_profile_ids": [JOHN]})

    told = heidi.get("/_mock/snapshots/before/diff").json()

    assert told["patient_profiles"] == {"added": [], "removed": [JOHN], "changed": [], "omitted": 0}
    assert told["sessions"]["added"] == [made]
    changed = {row["id"]: row["fields"] for row in told["sessions"]["changed"]}
    assert changed[SESSION]["duration"] == {"before": 16, "after": 3}
    assert set(changed[SESSION]) == {"duration", "updated_at"}


def test_two_snapshots_are_compared_with_each_other(heidi: Client) -> None:
    heidi.token()
    heidi.put("/_mock/snapshots/one")
    made = heidi.post("/sessions").json()["session_id"]
    heidi.put("/_mock/snapshots/two")
    heidi.post("/_mock/reset")

    forth = heidi.get("/_mock/snapshots/one/diff?against=two").json()
    back = heidi.get("/_mock/snapshots/two/diff?against=one").json()

    assert (forth["sessions"]["added"], back["sessions"]["removed"]) == ([made], [made])


def test_states_with_different_bases_can_be_compared(heidi: Client) -> None:
    heidi.put("/_mock/snapshots/before")
    heidi.put("/_mock/state", json={"patient_profiles": [{"id": JOHN, "first_name": "Only"}], "sessions": []})

    told = heidi.get("/_mock/snapshots/before/diff").json()

    assert told["patient_profiles"]["changed"][0]["id"] == JOHN
    assert len(told["sessions"]["removed"]) == len(fixture_loader.load().records[KINDS["sessions"]])


def test_a_reset_keeps_snapshots_and_a_deletion_does_not(heidi: Client) -> None:
    heidi.put("/_mock/snapshots/before")
    heidi.post("/_mock/reset")
    kept = heidi.get("/_mock/snapshots/before").status_code

    answer = heidi.delete("/_mock/snapshots/before")

    assert (kept, answer.json()) == (200, {"snapshots": []})
    assert heidi.get("/_mock/snapshots/before").status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "hint"),
    [
        ("GET", "/befor", "did you mean before"),
        ("POST", "/nothing/restore", "known names are before"),
        ("GET", "/before/diff?against=other", "known names are before"),
        ("DELETE", "/befor", "did you mean before"),
    ],
)
def test_an_unknown_snapshot_is_refused_with_the_known_names(heidi: Client, method: str, path: str, hint: str) -> None:
    heidi.put("/_mock/snapshots/before")

    answer = heidi.request(method, f"/_mock/snapshots{path}")

    assert answer.status_code == 404
    assert hint in answer.json()["hint"]


def test_names_and_numbers_are_bounded(heidi: Client) -> None:
    assert heidi.put("/_mock/snapshots/a%20b").status_code == 400
    assert heidi.put(f"/_mock/snapshots/{'a' * 65}").status_code == 400
    for number in range(100):
        heidi.put(f"/_mock/snapshots/s{number}")

    assert heidi.put("/_mock/snapshots/one-more").status_code == 409
    assert heidi.put("/_mock/snapshots/s7").status_code == 200


# --- Copies -----------------------------------------------------------------------------------------------------------


def fork(client: Client, name: str, source: str = "default") -> dict[str, Any]:
    answer = client.post(f"/_mock/namespaces/{name}?from={source}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_a_copy_has_the_clock_the_replies_and_the_transitions(heidi: Client) -> None:
    heidi.post("/_mock/clock/advance", json={"seconds": 60})
    heidi.post("/_mock/replies", json={"operation": "get_transcript", "body": {"transcript": "said"}})
    heidi.put("/_mock/transitions", json={"transcription": {"after_reads": 2}})
    fork(heidi, "copy")
    asked = ("/_mock/clock", "/_mock/replies", "/_mock/transitions")
    as_source = [heidi.get(f"/ns/copy{path}").json() == heidi.get(path).json() for path in asked]
    heidi.post("/_mock/clock/advance", json={"seconds": 60})
    heidi.delete("/_mock/replies")
    heidi.put("/_mock/transitions", json={"transcription": {"at_once": True}})

    assert as_source == [True, True, True]
    assert [heidi.get(f"/ns/copy{path}").json() == heidi.get(path).json() for path in asked] == [False, False, False]


def test_a_copy_replaces_an_older_namespace_completely(heidi: Client) -> None:
    heidi.post("/ns/copy/_mock/state", json={"patient_profiles": [{"first_name": "Ada"}]})
    heidi.put("/ns/copy/_mock/snapshots/before")

    fork(heidi, "copy")

    assert heidi.get("/ns/copy/_mock/state").json() == heidi.get("/_mock/state").json()
    assert heidi.get("/ns/copy/_mock/snapshots").json() == {"snapshots": []}


def test_a_copy_of_a_copy_outlives_both(heidi: Client) -> None:
    made = heidi.post("/sessions").json()["session_id"]
    fork(heidi, "copy")
    fork(heidi, "second", "copy")
    heidi.delete("/_mock/namespaces/copy")
    heidi.post("/_mock/reset")

    with contextlib.closing(in_namespace(heidi, "second")) as second:
        assert second.get(f"/sessions/{made}").status_code == 200


def test_a_copy_is_independent_of_its_source(heidi: Client) -> None:
    made = heidi.post("/sessions").json()["session_id"]
    heidi.post("/_mock/faults", json={"operation": "get_jwt", "status": 503, "id": "down"})
    fork(heidi, "copy")
    heidi.delete("/_mock/faults")
    rules = heidi.get("/ns/copy/_mock/faults").json()["faults"]
    heidi.delete("/ns/copy/_mock/faults")

    assert [rule["id"] for rule in rules] == ["down"]
    with contextlib.closing(in_namespace(heidi, "copy")) as copy:
        assert copy.get(f"/sessions/{made}").status_code == 200
        copy.patch(f"/sessions/{made}", json={"duration": 7})
    assert heidi.get(f"/sessions/{made}").json()["session"]["duration"] == 0
    assert heidi.get("/ns/copy/_mock/requests/count").json() == {"count": 3}


def test_a_copy_shares_no_rule_with_its_source(heidi: Client) -> None:
    heidi.post("/_mock/faults", json={**OUTAGE, "times": 1})
    fork(heidi, "copy")
    statuses = [heidi.get(f"/sessions/{SESSION}").status_code for _ in range(2)]
    heidi.post("/ns/copy/_mock/reset")

    [rule] = heidi.get("/ns/copy/_mock/faults").json()["faults"]
    with contextlib.closing(in_namespace(heidi, "copy")) as copy:
        in_copy = [copy.get(f"/sessions/{SESSION}").status_code for _ in range(2)]

    assert (statuses, rule["hits"], in_copy) == ([503, 200], 0, [503, 200])
    assert heidi.get("/_mock/faults").json()["faults"][0]["hits"] == 1


def test_the_clock_of_a_copy_keeps_its_distance_from_real_time(heidi: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    at = 1_000.0
    monkeypatch.setattr(clock, "precise", lambda: at)
    heidi.put("/_mock/clock", json={"now": "2030-01-01T00:00:00Z", "frozen": False, "speed": 2})
    at += 5
    fork(heidi, "copy")
    at += 5

    moments = [heidi.get(f"{path}/_mock/clock").json()["now"] for path in ("", "/ns/copy")]
    heidi.post("/ns/copy/_mock/reset")
    at += 5

    assert moments == ["2030-01-01T00:00:20.000Z"] * 2
    assert heidi.get("/ns/copy/_mock/clock").json()["now"] == "2030-01-01T00:00:30.000Z"


def test_a_reset_of_a_copy_restores_the_copied_state(heidi: Client) -> None:
    made = heidi.post("/sessions").json()["session_id"]
    fork(heidi, "copy")
    before = heidi.get("/ns/copy/_mock/state").json()
    with contextlib.closing(in_namespace(heidi, "copy")) as copy:
        copy.patch(f"/sessions/{made}", json={"duration": 7})

    heidi.post("/ns/copy/_mock/reset")

    assert heidi.get("/ns/copy/_mock/state").json() == before


def test_a_reset_of_a_copy_restores_everything_that_was_copied(heidi: Client) -> None:
    heidi.put("/_mock/clock", json={"now": "2030-01-01T00:00:00Z"})
    heidi.post("/_mock/faults", json="get_session:id=down,status=503,times=1")
    heidi.post("/_mock/replies", json={"operation": "get_transcript", "body": {"transcript": "said"}, "times": 1})
    heidi.put("/_mock/transitions", json={"transcription": {"after_reads": 2}})
    fork(heidi, "copy")
    asked = [f"/ns/copy/_mock/{endpoint}" for endpoint in ("clock", "faults", "replies", "transitions")]
    before = [heidi.get(path).json() for path in asked]
    with contextlib.closing(in_namespace(heidi, "copy")) as copy:
        spoiled = copy.get(f"/sessions/{SESSION}").status_code, copy.get(f"/sessions/{SESSION}/transcript").json()
    heidi.post("/ns/copy/_mock/clock/advance", json={"seconds": 60})
    heidi.delete("/ns/copy/_mock/faults")
    heidi.put("/ns/copy/_mock/transitions", json={"transcription": {"at_once": True}})

    heidi.post("/ns/copy/_mock/reset")

    assert spoiled == (503, {"transcript": "said"})
    assert [heidi.get(path).json() for path in asked] == before


def test_a_reset_of_a_copy_that_keeps_its_state_has_the_rules_of_the_state(heidi: Client) -> None:
    heidi.post("/_mock/state", json={"faults": [{**OUTAGE, "id": "old"}]})
    heidi.post("/_mock/replies", json={"operation": "ask_ai", "text": "of the source"})
    fork(heidi, "copy")
    for method, own in (("POST", "added"), ("PUT", "replaced")):
        reply = {"operation": "ask_ai", "text": own}
        heidi.request(method, "/ns/copy/_mock/state", json={"faults": [{**OUTAGE, "id": own}], "replies": [reply]})

        heidi.post("/ns/copy/_mock/reset?keep=state")

        kept = heidi.get("/ns/copy/_mock/state").json()["faults"]
        rules = heidi.get("/ns/copy/_mock/faults").json()["faults"]
        said = [row.get("text") for row in heidi.get("/ns/copy/_mock/replies").json()["replies"]]
        assert [row["id"] for row in rules] == [row["id"] for row in kept] == [*(["old"] * (method == "POST")), own]
        assert said[:2] == [own, "of the source"]


def test_a_copy_accepts_only_rule_ids_that_are_free_at_its_start(heidi: Client) -> None:
    heidi.post("/_mock/namespaces/source", json={"faults": [{**OUTAGE, "id": "first"}, {**OUTAGE, "id": "second"}]})
    heidi.delete("/ns/source/_mock/faults/first")
    heidi.post("/_mock/namespaces/copy?from=source")
    heidi.delete("/ns/copy/_mock/faults/second")

    answers = [
        heidi.post("/ns/copy/_mock/state", json={"faults": [{**OUTAGE, "id": id_}]}) for id_ in ("first", "second")
    ]
    heidi.post("/ns/copy/_mock/reset")

    assert [answer.status_code for answer in answers] == [200, 400]
    assert [row["id"] for row in heidi.get("/ns/copy/_mock/faults").json()["faults"]] == ["second"]


def test_copies_share_unchanged_records(heidi: Client) -> None:
    heidi.post("/sessions")
    fork(heidi, "copy")
    one, other = (heidi.app.registry.make(name).store for name in ("default", "copy"))

    assert one.base is other.base
    john = (one.get(PatientProfile, JOHN), other.get(PatientProfile, JOHN))
    assert john[0] is john[1]


def test_the_cost_of_a_copy_depends_on_the_changes() -> None:
    records = [{"id": f"{number:024x}", "first_name": "A"} for number in range(2_000)]
    store = Store(fixture_loader.load({"patient_profiles": records}))
    looked: list[object] = []
    store.base.records[PatientProfile] = _Watched(store.base.records[PatientProfile], looked)

    store.fork()
    store.reset()

    assert looked == []


def test_a_copy_takes_no_memory_for_changes() -> None:
    store = Store(fixture_loader.load("empty"))
    records = fixture_loader.load({"patient_profiles": [{"first_name": "A"}] * 5_000}).records[PatientProfile]
    for record in records.values():
        store.put(record)
    tracemalloc.start()
    copies = [store.fork() for _ in range(10)]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert [copy.size(PatientProfile) for copy in copies] == [5_000] * 10
    assert peak < 50_000


class _Watched(dict[str, Any]):
    """Counts the loops over it."""

    def __init__(self, records: dict[str, Any], looked: list[object]) -> None:
        super().__init__(records)
        self.looked = looked

    def __iter__(self) -> Any:
        self.looked.append("walked")
        return super().__iter__()

    def items(self) -> Any:
        self.looked.append("walked")
        return super().items()

    def copy(self) -> Any:
        self.looked.append("copied")
        return super().copy()


@pytest.mark.parametrize(
    ("name", "query", "body", "status"),
    [
        ("copy", "?from=nowhere", None, 404),
        ("default", "?from=default", None, 400),
        ("copy", "?from=default", {"seed": 7}, 400),
        ("a%20b", "?from=default", None, 400),
    ],
)
def test_an_invalid_copy_is_refused_and_leaves_nothing(
    heidi: Client, name: str, query: str, body: Any, status: int
) -> None:
    answer = heidi.post(f"/_mock/namespaces/{name}{query}", json=body)

    assert answer.status_code == status
    assert len(heidi.app.registry) == 1


# --- Idle ones and the limit ------------------------------------------------------------------------------------------


def test_a_namespace_that_is_idle_for_an_hour_is_dropped(heidi: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    now = precise()
    heidi.app.registry.make("old")
    monkeypatch.setattr("mock_heidi.namespaces.registry.precise", lambda: now + 3_605)
    heidi.app.registry.make("new").last_use = now + 3_605

    names = [row["name"] for row in heidi.get("/_mock/namespaces").json()["namespaces"]]

    assert names == ["default", "new"]


def test_reading_or_filling_a_namespace_uses_it(heidi: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    start = precise()
    for name in ("looked-at", "filled", "signed-in", "left"):
        heidi.post(f"/_mock/namespaces/{name}")
    monkeypatch.setattr("mock_heidi.namespaces.registry.precise", lambda: start + 3_605)
    for module in ("control.control", "web.exchange"):
        monkeypatch.setattr(f"mock_heidi.{module}.precise", lambda: start + 3_600)
    heidi.get("/ns/looked-at/_mock/health")
    heidi.post("/ns/filled/_mock/state", json={"patient_profiles": [{"first_name": "Ada"}]})
    with contextlib.closing(in_namespace(heidi, "signed-in")) as signed_in:
        signed_in.sign_in()

    names = [row["name"] for row in heidi.get("/_mock/namespaces").json()["namespaces"]]

    assert names == ["default", "looked-at", "filled", "signed-in"]


def test_a_dropped_namespace_starts_anew_at_the_next_request(heidi: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    heidi.post("/ns/old/_mock/state", json={"patient_profiles": [{"first_name": "Ada"}]})
    now = precise()
    monkeypatch.setattr("mock_heidi.namespaces.registry.precise", lambda: now + 3_605)
    heidi.app.registry.sweep()

    with contextlib.closing(in_namespace(heidi, "old")) as old:
        assert len(old.get("/patient-profiles").json()["data"]) == 13


def test_a_namespace_in_use_is_not_dropped(heidi: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    heidi.app.registry.make("slow").busy = 1
    now = precise()
    monkeypatch.setattr("mock_heidi.namespaces.registry.precise", lambda: now + 10_000)

    heidi.app.registry.sweep()

    assert {one.name for one in heidi.app.registry} == {"default", "slow"}


@pytest.mark.slow
def test_a_namespace_beyond_the_limit_is_refused() -> None:
    with another() as heidi:
        for number in range(999):
            heidi.app.registry.make(f"n{number}")
        full = heidi.post("/_mock/namespaces/one-more")
        vendor = heidi.get("/ns/another/_mock/health")
        heidi.delete("/_mock/namespaces/n7")
        again = heidi.post("/_mock/namespaces/one-more")

    assert (full.status_code, vendor.status_code, again.status_code) == (409, 409, 200)
    assert "limit" in full.json()["error"]
    assert "DELETE" in full.json()["hint"]


# --- The state as fixtures --------------------------------------------------------------------------------------------


def test_an_edited_state_can_be_written_as_a_fixture_folder(heidi: Client, tmp_path: Any) -> None:
    heidi.post("/sessions")
    heidi.patch(f"/sessions/{SESSION}", json={"duration": 3})
    text = heidi.get("/_mock/state", headers={"Accept": "application/yaml"}).text
    for kind, records in yaml.safe_load(text).items():
        (tmp_path / f"{kind}.yaml").write_text(yaml.safe_dump(records, allow_unicode=True), encoding="utf-8")

    with another(fixtures=str(tmp_path)) as same:
        assert same.state() == heidi.state()


def test_replies_and_faults_of_a_state_become_active(heidi: Client) -> None:
    state = {
        "replies": [{"operation": "get_transcript", "body": {"transcript": "said"}}],
        "faults": [{"operation": "get_session", "status": 503}],
    }
    answer = heidi.put("/_mock/state", json={**heidi.state(), **state})

    assert answer.status_code == 200, answer.text
    assert heidi.get(f"/sessions/{SESSION}").status_code == 503
    assert heidi.get(f"/sessions/{SESSION}/transcript").json() == {"transcript": "said"}
