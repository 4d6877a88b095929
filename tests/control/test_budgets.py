"""Budgets of control requests: bounded answers and refusals, and long work that lets other requests run.

A second task counts its turns of the loop. If a request did its work in one go, the task would get no turn.
"""

import asyncio
import difflib
import json
import tracemalloc
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import yaml
from clients import JOHN, NOON, Client
from helpers import SESSION, another, parse_yaml, settled
from hypothesis import given
from hypothesis import strategies as st

from mock_heidi.app import App
from mock_heidi.base import json_text, wording
from mock_heidi.base.errors import UnprocessableError
from mock_heidi.base.json_text import parse_json, parsing_json
from mock_heidi.base.slices import RECORD, SLICE, finish
from mock_heidi.base.wording import LONGEST, near_names, short_repr, shorten
from mock_heidi.base.yaml_scalars import resolve
from mock_heidi.control import requests as requests_endpoint
from mock_heidi.control import snapshots as snapshots_endpoint
from mock_heidi.fixtures import yaml_text
from mock_heidi.fixtures.export import export
from mock_heidi.fixtures.yaml_dump import dump_yaml
from mock_heidi.namespaces import lifecycle
from mock_heidi.namespaces.namespace import Namespace
from mock_heidi.observing.entry import Entry
from mock_heidi.observing.filters import Filter
from mock_heidi.observing.journal import Journal
from mock_heidi.state.patient_records import PatientProfile

MANY = 6_000
# So many turns others get at least while so many records are looked at, or so many long bodies.
TURNS = MANY * RECORD // SLICE - 2
LONG_BODIES = 8
FEW_TURNS = LONG_BODIES - 2
MEGABYTE = 1_000_000
STAMP = f"{NOON}.000000"
YAML = {"content-type": "application/yaml"}

pytestmark = pytest.mark.slow


def profiles(number: int) -> list[dict[str, Any]]:
    return [{"first_name": f"N{at}"} for at in range(number)]


def profiles_as_yaml(number: int) -> bytes:
    return b"patient_profiles:\n" + b"".join(b"- first_name: N%d\n" % at for at in range(number))


def named(answer: httpx.Response) -> list[str]:
    return [row["first_name"] for row in answer.json()["patient_profiles"]]


def meanwhile(app: App, asked: tuple[str, str, Any], others: Callable[[int], None]) -> httpx.Response:
    """The answer to a control request. At each turn of the loop, ``others`` is called with 1, 2, 3, …

    Bytes are sent as YAML, a text is sent as JSON.
    """
    method, endpoint, body = asked
    content, headers = (body, YAML if isinstance(body, bytes) else {})
    if not isinstance(body, bytes | str):
        content = json.dumps(body)

    async def compete() -> None:
        turn = 0
        while True:
            await asyncio.sleep(0)
            turn += 1
            others(turn)

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://localhost") as client:
            competing = asyncio.ensure_future(compete())
            try:
                return await client.request(method, f"/_mock{endpoint}", content=content, headers=headers)
            finally:
                competing.cancel()

    return asyncio.run(asyncio.wait_for(ask(), 60))


def turns(app: App, method: str, endpoint: str, body: Any = None) -> tuple[httpx.Response, int]:
    """The answer to a control request, and the number of turns that another task got meanwhile."""
    counted = [0]
    answer = meanwhile(app, (method, endpoint, body), lambda turn: counted.__setitem__(0, turn))
    return answer, counted[0]


def at_turn(number: int, act: Callable[[], object]) -> Callable[[int], None]:
    """A task that acts once, at the turn with this number."""

    def others(turn: int) -> None:
        if turn == number:
            act()

    return others


def peak(act: Callable[[], Any]) -> int:
    """The peak of Python's memory in bytes while a function ran, minus the memory before."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        act()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def fill(heidi: Client, number: int, size: int) -> None:
    """Send ``number`` requests with bodies of ``size`` bytes to the default namespace."""
    for at in range(number):
        heidi.patch(f"/sessions/{SESSION}", json={"session_name": f"{at} {'x' * size}"})


def test_the_count_of_turns_detects_work_in_one_go(app: App) -> None:
    _, few = turns(app, "GET", "/clock")

    assert few < TURNS


# --- Refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_a_refusal_names_a_hundred_problems_and_counts_the_others(heidi: Client, method: str) -> None:
    answer = heidi.request(method, "/_mock/state", json={"patient_profiles": [1] * 150})

    body = answer.json()
    assert answer.status_code == 400
    assert body["error"] == "patient_profiles[0]: should be a mapping of fields (and 149 more)"
    assert body["problems"] == [f"patient_profiles[{at}]: should be a mapping of fields" for at in range(100)]
    assert body["more"] == 50


def test_every_wrong_field_counts_as_a_problem(heidi: Client) -> None:
    answer = heidi.put("/_mock/state", json={"patient_profiles": [{"gender": "x", "a": 1, "b": 2}] * 60})

    assert (len(answer.json()["problems"]), answer.json()["more"]) == (100, 80)


def test_the_count_of_problems_is_bounded(heidi: Client) -> None:
    answer = heidi.put("/_mock/state", json={"patient_profiles": [1] * 50_000})

    assert answer.json()["error"] == "patient_profiles[0]: should be a mapping of fields (and at least 10,099 more)"
    assert answer.json()["more"] == 10_000


@pytest.mark.parametrize(
    ("body", "bound"),
    [
        (b'{"patient_profiles": [' + b"1," * MEGABYTE + b"1]}", 40 * MEGABYTE),
        (b'{"sessions": [' + b"{}," * MEGABYTE + b"1]}", 120 * MEGABYTE),
        (b'{"sessions": [' + b'{"a":1},' * 100_000 + b"1]}", 60 * MEGABYTE),
        (b'{"transcripts": [{"id": "a", "utterances": [' + b"1," * MEGABYTE + b"1]}]}", 40 * MEGABYTE),
        (b"{" + b",".join(b'"k%d": []' % at for at in range(100_000)) + b"}", 60 * MEGABYTE),
    ],
    ids=["no objects", "empty objects", "wrong objects", "one record of many values", "unknown kinds"],
)
def test_a_refusal_takes_little_more_memory_than_the_body(heidi: Client, body: bytes, bound: int) -> None:
    answers: list[httpx.Response] = []

    used = peak(lambda: answers.append(heidi.put("/_mock/state", content=body)))

    [answer] = answers
    assert answer.status_code == 400
    assert len(answer.json()["problems"]) <= 100
    assert len(answer.content) < MEGABYTE // 10
    assert used < bound


def test_a_record_with_too_many_values_is_refused(heidi: Client) -> None:
    answer = heidi.put("/_mock/state", json={"faults": [{"status": 503, "match": {"a": [1] * 100_001}}]})

    assert answer.json()["error"] == "faults[0]: has more than 100,000 values; remove some"


@pytest.mark.parametrize(
    ("kind", "most"), [("patient_profiles", 200_000), ("sessions", 200_000), ("clinical_codes", 10_000)]
)
def test_the_number_of_records_in_a_body_is_bounded(heidi: Client, kind: str, most: int) -> None:
    answer = heidi.put("/_mock/state", json={kind: [{}] * (most + 1)})

    assert answer.json()["problems"] == [f"{kind}: has more than {most:,} records; remove some"]


def test_a_fixture_set_has_at_most_a_thousand_keys(heidi: Client) -> None:
    keys = [{"key": f"key-{at}", "ehr_provider": "P", "managed_by": f"{at:024x}"} for at in range(1_001)]

    answer = heidi.put("/_mock/state", json={"api_keys": keys})

    assert answer.json()["error"] == "api_keys: has more than 1,000 records; remove some"


def test_an_unknown_name_is_compared_with_a_bounded_number_of_names(heidi: Client) -> None:
    sessions = [{"patient_profile_id": "f" * 24}] * 30

    answer = heidi.put("/_mock/state", json={"patient_profiles": profiles(5_000), "sessions": sessions})

    assert answer.status_code == 400
    assert len(answer.json()["problems"]) == 30
    assert max(map(len, answer.json()["problems"])) <= LONGEST


UNKNOWN = {
    "accounts": {"sessions": [{"managed_by": f"unknown-{at}"} for at in range(400)]},
    "consultations": {"sessions": [{"consultation": f"unknown-{at}"} for at in range(400)]},
    "patients": {
        "patient_profiles": [{"id": f"{at:024x}"} for at in range(10)],
        "sessions": [{"patient_profile_id": f"{at + 10:024x}"} for at in range(400)],
    },
    "users": {
        "api_keys": [
            {
                "key": "a",
                "ehr_provider": "P",
                "managed_by": JOHN,
                "users": [
                    {"email": f"{at}@example.org", "third_party_internal_id": "1", "linked_to": f"unknown-{at}"}
                    for at in range(400)
                ],
            }
        ]
    },
}


@pytest.mark.parametrize("kind", UNKNOWN)
def test_nearest_names_are_searched_only_for_named_problems_and_in_slices(
    heidi: Client, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    looks: list[str] = []

    def looking(name: str, known: Any, most: int) -> list[str]:
        looks.append(name)
        return near_names(name, known, most)

    monkeypatch.setattr(wording, "near_names", looking)

    answer, others = turns(heidi.app, "PUT", "/state", UNKNOWN[kind])

    assert (answer.status_code, len(answer.json()["problems"]), answer.json()["more"]) == (400, 100, 300)
    assert len(looks) <= 100
    assert others >= 90


def test_the_accounts_of_a_key_are_collected_once_for_all_its_users(heidi: Client) -> None:
    accounts = [
        {"kinde_user_id": str(at), "heidi_email": "a@example.org", "linked_account_plan": "FREE"}
        for at in range(20_000)
    ]
    users = [
        {"email": f"{at}@example.org", "third_party_internal_id": "1", "linked_to": "19999"} for at in range(20_000)
    ]
    key = {"key": "a", "ehr_provider": "P", "managed_by": JOHN, "heidi_users": accounts, "users": users}

    answer = heidi.put("/_mock/state", json={"api_keys": [key]})

    assert answer.status_code == 200


@pytest.mark.parametrize("linked_to", [[], {}, 5, True])
def test_an_account_that_is_not_a_text_is_refused(heidi: Client, linked_to: Any) -> None:
    user = {"email": "a@example.org", "third_party_internal_id": "1", "linked_to": linked_to}
    key = {"key": "a", "ehr_provider": "P", "managed_by": JOHN, "users": [user]}

    answer = heidi.put("/_mock/state", json={"api_keys": [key]})

    assert answer.status_code == 400
    assert answer.json()["problems"][-1].startswith("api_keys[0].users[0].linked_to: no Heidi user")


def test_the_work_of_comparing_names_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[int] = []

    def comparing(name: str, known: list[str], **_: Any) -> list[str]:
        compared.extend(len(name) * len(one) for one in known)
        return []

    monkeypatch.setattr(difflib, "get_close_matches", comparing)

    near_names("x" * 100, ["x" * 99 + chr(at) for at in range(300, 1_300)], 1)

    assert 0 < sum(compared) <= wording.MOST_COMPARED


def test_a_name_of_the_usual_length_is_found_among_hundreds() -> None:
    names = [f"patient-{at}" for at in range(900)]

    assert near_names("patient-899x", names, 1) == ["patient-899"]


LONG = "x" * 900_000


@pytest.mark.parametrize(
    ("method", "endpoint", "body"),
    [
        ("POST", "/faults", {"operation": LONG, "status": 503}),
        ("POST", "/faults", {LONG: 1}),
        ("PUT", "/faults", [{"operation": "ask_ai", "error": LONG}]),
        ("POST", "/faults", f"{LONG}:close"),
        ("POST", "/replies", {"operation": LONG, "text": "a"}),
        ("POST", "/replies", {LONG: 1}),
        ("POST", "/verify", {LONG: 1}),
        ("POST", "/verify", {"operation": LONG}),
        ("POST", "/verify", {"text": LONG}),
        ("POST", "/verify", {"match": {LONG: 1}}),
        ("POST", "/verify", {"noticed": {"fault": LONG}}),
        ("PUT", "/state", {LONG: []}),
        ("PUT", "/state", {"patient_profiles": [{LONG: 1, "gender": LONG, "id": LONG}]}),
        ("PUT", "/state", {"sessions": [{"consultation": LONG, "managed_by": LONG}]}),
        ("POST", "/state", {"sessions": [{"consultation": LONG}, {"patient_profile_id": LONG}]}),
        ("PUT", f"/sessions/{SESSION}", {LONG: 1}),
        ("PUT", f"/sessions/{SESSION}", {"consult_note": {LONG: 1}}),
        ("PUT", "/transitions", {"transcription": {LONG: 1}}),
        ("PUT", "/clock", {"now": LONG}),
        ("POST", "/namespaces/blue", {"scenario": LONG}),
        ("POST", "/namespaces/blue", {"seed": LONG}),
    ],
)
def test_a_refusal_does_not_repeat_a_long_value(heidi: Client, method: str, endpoint: str, body: Any) -> None:
    heidi.get(f"/sessions/{SESSION}")

    answer = heidi.request(method, f"/_mock{endpoint}", json=body)

    assert answer.status_code in (400, 404, 417)
    assert len(answer.content) < 20_000


def test_a_body_of_the_api_with_many_wrong_values_is_refused_in_little_memory(heidi: Client) -> None:
    heidi.token()
    body = b'{"linked_sessions_for_context": [' + b"1," * 450_000 + b"1]}"
    answers: list[httpx.Response] = []

    used = peak(lambda: answers.append(heidi.patch(f"/sessions/{SESSION}", content=body)))

    [answer] = answers
    assert (answer.status_code, len(answer.json()["detail"])) == (422, 100)
    assert used < 60 * MEGABYTE


def test_a_refusal_names_the_first_of_many_wrong_values(heidi: Client) -> None:
    sessions = ["1234567890"] * 5_000 + [1] * 5_000

    answer = heidi.patch(f"/sessions/{SESSION}", json={"linked_sessions_for_context": sessions})

    places = [row["loc"] for row in answer.json()["detail"]]
    assert places == [["body", "linked_sessions_for_context", at] for at in range(5_000, 5_100)]


# --- The state --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [{"patient_profiles": profiles(MANY)}, profiles_as_yaml(MANY)], ids=["JSON", "YAML"])
@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_other_requests_run_while_many_records_are_added(app: App, method: str, body: Any) -> None:
    answer, others = turns(app, method, "/state", body)

    assert (answer.status_code, named(answer)[-MANY:]) == (200, [row["first_name"] for row in profiles(MANY)])
    assert others >= TURNS


def test_other_requests_run_while_records_are_refused(app: App) -> None:
    answer, others = turns(app, "PUT", "/state", {"patient_profiles": [*profiles(MANY), 1]})

    assert answer.status_code == 400
    assert others >= TURNS


def test_other_requests_run_while_a_namespace_starts_with_many_records(app: App) -> None:
    answer, others = turns(app, "POST", "/namespaces/blue", {"fixtures": {"patient_profiles": profiles(MANY)}})

    assert answer.json()["counts"]["patient_profiles"] == MANY
    assert others >= TURNS


@pytest.mark.parametrize(("accept", "number"), [("application/json", MANY), ("application/yaml", 500)])
def test_a_long_state_is_streamed_and_is_the_same_as_a_short_one(accept: str, number: int) -> None:
    with another(fixtures={"patient_profiles": profiles(number)}) as heidi:
        expected = export(heidi.app.registry.default.store)
        answer = heidi.get("/_mock/state", headers={"accept": accept})

    read = answer.json() if "json" in accept else resolve(parse_yaml(answer.content, "state"))
    assert "content-length" not in answer.headers
    assert answer.headers["content-type"] == accept
    assert read == json.loads(json.dumps(expected))


def test_a_state_written_in_parts_is_the_same_yaml_as_in_one_go(heidi: Client) -> None:
    state = export(heidi.app.registry.default.store)

    answer = heidi.get("/_mock/state", headers={"accept": "application/yaml"})

    assert answer.content == dump_yaml(state)
    assert yaml.safe_load(answer.content).keys() == state.keys()


def test_a_state_without_records_is_the_same_in_both_forms() -> None:
    with another(fixtures="empty") as heidi:
        as_yaml = heidi.get("/_mock/state", headers={"accept": "application/yaml"})
        as_json = heidi.get("/_mock/state")

    assert resolve(parse_yaml(as_yaml.content, "state")) == as_json.json()
    assert int(as_json.headers["content-length"]) == len(as_json.content)


def test_a_state_has_the_records_of_the_moment_of_the_request() -> None:
    with another(fixtures={"patient_profiles": profiles(MANY)}) as heidi:
        store = heidi.app.registry.default.store
        last = store.all(PatientProfile)[-1]

        answer = meanwhile(heidi.app, ("GET", "/state", None), at_turn(2, lambda: store.remove(last)))

        assert store.size(PatientProfile) == MANY - 1
    assert named(answer) == [row["first_name"] for row in profiles(MANY)]


def test_records_are_added_to_a_state_that_changes_meanwhile(app: App) -> None:
    namespace = app.registry.default
    changed = PatientProfile(id="a" * 24, managed_by=JOHN, ehr_provider="P", created_at=STAMP, updated_at=STAMP)

    write_once = at_turn(5, lambda: namespace.store.put(changed))
    answer = meanwhile(app, ("POST", "/state", {"patient_profiles": profiles(MANY)}), write_once)

    ids = [record.id for record in namespace.store.all(PatientProfile)]
    assert answer.status_code == 200
    assert ids[-MANY:] == [row["id"] for row in answer.json()["patient_profiles"]]
    assert "a" * 24 in ids
    assert len(set(ids)) == len(ids) == 15 + 1 + MANY


def test_an_id_that_is_drawn_during_an_addition_is_not_used_twice(app: App) -> None:
    namespace = app.registry.default
    drawn: list[str] = []

    answer = meanwhile(
        app,
        ("POST", "/state", {"patient_profiles": profiles(MANY)}),
        at_turn(5, lambda: drawn.append(namespace.object_id())),
    )

    ids = [row["id"] for row in answer.json()["patient_profiles"]]
    assert len({*ids, *drawn}) == MANY + 1


def test_an_addition_is_refused_if_the_state_changes_all_the_time(app: App) -> None:
    namespace = app.registry.default
    record = namespace.store.all(PatientProfile)[0]

    answer = meanwhile(
        app, ("POST", "/state", {"patient_profiles": profiles(MANY)}), lambda _: namespace.store.put(record)
    )

    assert answer.status_code == 409
    assert answer.json()["error"] == "the state changed each time while the records were checked"
    assert namespace.store.size(PatientProfile) == 15


def test_two_states_at_once_do_not_mix(app: App) -> None:
    async def put(client: httpx.AsyncClient, name: str) -> None:
        body = {"patient_profiles": [{"first_name": name}] * MANY, "sessions": [{"session_name": name}]}
        answer = await client.put("/_mock/state", json=body)
        assert answer.status_code == 200

    async def both() -> dict[str, Any]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://localhost") as client:
            await asyncio.gather(put(client, "one"), put(client, "two"))
            state: dict[str, Any] = (await client.get("/_mock/state")).json()
            return state

    state = asyncio.run(both())

    names = {row["first_name"] for row in state["patient_profiles"]} | {
        row["session_name"] for row in state["sessions"]
    }
    assert names in ({"one"}, {"two"})


def test_a_namespace_that_is_deleted_during_a_request_is_made_again(app: App) -> None:
    registry = app.registry
    old = registry.make("blue")

    delete = at_turn(5, lambda: registry.drop("blue"))
    answer = meanwhile(app, ("PUT", "/../ns/blue/_mock/state", {"patient_profiles": profiles(MANY)}), delete)

    now = registry.get("blue")
    assert answer.status_code == 200
    assert now is not None
    assert now is not old
    assert now.store.size(PatientProfile) == MANY


CHANGES = [
    ("PUT", "/faults", ["ask_ai:status=503"]),
    ("POST", "/faults", {"operation": "ask_ai", "status": 503}),
    ("POST", "/replies", {"operation": "ask_ai", "text": "Hello"}),
    ("PUT", "/clock", {"now": "2030-01-01T00:00:00"}),
    ("PUT", "/transitions", {"transcription": {"after_reads": 5}}),
    ("PUT", "/state/patient_profiles/" + "a" * 24, {"first_name": "Ada"}),
]


@pytest.mark.parametrize(("method", "endpoint", "body"), CHANGES)
def test_a_change_is_made_in_the_present_namespace(app: App, method: str, endpoint: str, body: Any) -> None:
    """The namespace is deleted and made again while the body of the change arrives."""
    registry = app.registry
    old, now = registry.make("blue"), []
    sent: list[Any] = []

    async def receive() -> Any:
        registry.drop("blue")
        now.append(registry.make("blue"))
        return {"type": "http.request", "body": json.dumps(body).encode()}

    async def send(message: Any) -> None:
        sent.append(message)

    path, headers = f"/ns/blue/_mock{endpoint}", [(b"host", b"localhost")]
    scope = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": headers}
    before, other = trace(old), trace(registry.make("fresh"))
    asyncio.run(app(scope, receive, send))

    assert sent[0]["status"] == 200, sent
    assert trace(old) == before
    assert trace(now[-1]) != other


def trace(namespace: Namespace) -> Any:
    """The parts of a namespace that a change may affect."""
    state, clock = namespace.store.all(PatientProfile), namespace.clock
    return len(state), len(namespace.faults), len(namespace.stubs), clock.now() // 10**9, dict(namespace.transitions)


@pytest.mark.parametrize("used", [False, True], ids=["unused", "used by another"])
def test_a_refused_request_keeps_its_new_namespace_if_others_have_used_it(app: App, *, used: bool) -> None:
    def use(turn: int) -> None:
        namespace = app.registry.get("blue")
        if used and turn > 2 and namespace is not None:
            namespace.last_use += 1

    answer = meanwhile(app, ("POST", "/../ns/blue/_mock/state", {"patient_profiles": [*profiles(MANY), 1]}), use)

    assert answer.status_code == 400
    assert (app.registry.get("blue") is not None) == used


def test_a_yaml_body_that_cannot_be_read_in_parts_is_bounded(heidi: Client) -> None:
    before = settled(heidi)
    body = b"patient_profiles: &all [" + b"1," * 200_000 + b"1]"

    answer = heidi.put("/_mock/state", content=body, headers=YAML)

    assert answer.status_code == 400
    assert answer.json()["error"] == "body:1: invalid YAML: more than 100,000 values in one record"
    assert heidi.state() == before


def test_a_yaml_body_has_a_bounded_number_of_values(heidi: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_text, "_MAX_BODY_VALUES", 1_000)

    answer = heidi.put("/_mock/state", content=b"patient_profiles: [" + b"1," * 1_000 + b"1]", headers=YAML)

    assert answer.status_code == 400
    assert answer.json()["error"].startswith("body:1: too deep or too large")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)

LONG_JSON = {
    "empty lists": "[[]" + ",[]" * 400_000 + "]",
    "deep inside": '{"transcripts": [{"utterances": [[[]' + ",[]" * 400_000 + "]]}]}",
    "fields": "{" + ",".join(f'"k{at}":{{}}' for at in range(150_000)) + "}",
    "numbers": "[1" + ",1" * 400_000 + "]",
    "no JSON at its end": "[[]" + ",[]" * 400_000 + "}",
}


@pytest.mark.parametrize("shape", LONG_JSON)
def test_other_requests_run_while_a_long_json_body_is_read(app: App, shape: str) -> None:
    answer, others = turns(app, "PUT", "/state", LONG_JSON[shape])

    assert answer.status_code == 400
    assert others >= 4 * len(LONG_JSON[shape]) // SLICE - 2


@given(st.recursive(JSON, lambda inner: st.lists(inner, max_size=8), max_leaves=30), st.integers(1, 40))
def test_json_means_the_same_in_parts_as_in_one_go(value: Any, window: int) -> None:
    body = json.dumps(value, indent=window % 3).encode()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_text, "_SHORT", 0)
        patch.setattr(json_text, "_WINDOW", window)
        read = finish(parsing_json(body))

    assert read == value


@given(JSON, st.data())
def test_invalid_json_is_refused_in_parts_as_in_one_go(value: Any, data: st.DataObject) -> None:
    text = json.dumps(value)
    at = data.draw(st.integers(0, len(text)))
    sign = data.draw(st.sampled_from(['"', ",", "[", "]", "{", "}", ":", "1", "é", "NaN", ""]))
    body = f"{text[:at]}{sign}{text[at + 1 :]}".encode()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_text, "_SHORT", 0)
        patch.setattr(json_text, "_WINDOW", 3)
        in_parts = outcome(lambda: finish(parsing_json(body)))

    assert in_parts == outcome(lambda: parse_json(body))


def outcome(read: Callable[[], Any]) -> Any:
    """The value that was read, or the number of problems of its refusal."""
    try:
        return read()
    except UnprocessableError as error:
        return f"refused: {len(error.problems)}"


@pytest.mark.parametrize(
    ("inside", "error"),
    [
        (rb'"\ud800"', "Lone surrogate in a string"),
        (rb'["\ud800"]', "Lone surrogate in a string"),
        (rb'{"\ud800": 1}', "Lone surrogate in a string"),
        (b"NaN", "NaN is not JSON"),
        (b"[NaN]", "NaN is not JSON"),
        (b"1e999", "Number too large"),
        (b"[" * 300 + b"]" * 300, "Nested deeper than "),
        (b"[" * 100_000 + b"]" * 100_000, "Nested deeper than "),
        (b'"\xff"', "Not UTF-8"),
    ],
)
def test_a_long_json_body_is_read_as_strictly_as_a_short_one(heidi: Client, inside: bytes, error: str) -> None:
    filler = b'["' + b"x" * 100 + b'"]'
    body = b"[" + b",".join([filler] * 1_000) + b"," + inside + b"," + b",".join([filler] * 1_000) + b"]"

    answer = heidi.put("/_mock/state", content=body)

    assert answer.status_code == 400
    assert answer.json()["error"].startswith(f"the body is not JSON: {error}")


MANY_EMPTY = {
    "lists": b"[[]" + b",[]" * 20_000 + b"]",
    "mappings": b"[{}" + b",{}" * 20_000 + b"]",
    "named": b"a: {" + b",".join(b"k%d: []" % at for at in range(20_000)) + b"}",
}


@pytest.mark.parametrize("shape", MANY_EMPTY)
def test_other_requests_run_while_empty_values_of_a_yaml_body_are_read(app: App, shape: str) -> None:
    answer, others = turns(app, "PUT", "/state", MANY_EMPTY[shape])

    assert answer.status_code == 400
    assert others >= 18


@pytest.mark.parametrize("shape", MANY_EMPTY)
def test_empty_values_of_a_yaml_body_are_counted(heidi: Client, monkeypatch: pytest.MonkeyPatch, shape: str) -> None:
    monkeypatch.setattr(yaml_text, "_MAX_BODY_VALUES", 1_000)

    answer = heidi.put("/_mock/state", content=MANY_EMPTY[shape], headers=YAML)

    assert answer.status_code == 400
    assert answer.json()["error"].startswith("body:1: too deep or too large")


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (b"sessions: [a]\nsessions: [b]", "body:2: sessions: the field stands here twice; remove one"),
        (b"[a]: 1\nb: 2", "body:1: a field's name must be plain text"),
        (b"a: !x 1\nb: [", "body:3: invalid YAML: did not find expected node content"),
        (b"a: !x 1\nb: !y 2", "body:1: the tag '!x' has no meaning here; remove it"),
    ],
    ids=["twice", "no name", "no YAML at all", "two mistakes"],
)
def test_a_mistake_in_a_yaml_body_is_reported_with_its_line(heidi: Client, text: bytes, error: str) -> None:
    answer = heidi.put("/_mock/state", content=text, headers=YAML)

    assert (answer.status_code, answer.json()["error"]) == (400, error)


def test_aliases_of_a_yaml_body_are_read_across_its_records(heidi: Client) -> None:
    body = b"patient_profiles:\n- first_name: &name Ada\n- first_name: *name\n"

    answer = heidi.put("/_mock/state", content=body, headers=YAML)

    assert named(answer) == ["Ada", "Ada"]


# --- Requests, findings, expectations ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "endpoint", "body"),
    [
        ("GET", "/requests", None),
        ("GET", "/requests?format=har", None),
        ("GET", "/requests?format=curl", None),
        ("GET", "/requests?text=nowhere", None),
        ("GET", "/requests/count?text=nowhere", None),
        ("DELETE", "/requests?text=nowhere", None),
        ("GET", "/requests/1", None),
        ("GET", "/findings", None),
        ("POST", "/verify", {"text": "nowhere"}),
        ("POST", "/verify", {"in_order": [{"text": "nowhere"}]}),
        ("POST", "/verify", {"in_order": [{"match": {}}] * 100}),
    ],
)
def test_other_requests_run_while_long_bodies_are_checked(heidi: Client, method: str, endpoint: str, body: Any) -> None:
    fill(heidi, number=LONG_BODIES, size=SLICE)

    answer, others = turns(heidi.app, method, endpoint, body)

    assert answer.status_code in (200, 417)
    assert others >= FEW_TURNS


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limit lists of requests and differences to a few thousand bytes."""
    monkeypatch.setattr(requests_endpoint, "_MOST_BYTES", 9_000)
    monkeypatch.setattr(snapshots_endpoint, "_MOST_BYTES", 9_000)


@pytest.mark.usefixtures("narrow")
def test_a_long_list_of_requests_has_the_newest_and_counts_the_omitted_ones(heidi: Client) -> None:
    fill(heidi, number=10, size=1_000)

    body = heidi.get("/_mock/requests?operation=update_session").json()

    ids = [row["id"] for row in body["requests"]]
    assert ids == list(range(12 - len(ids), 12))
    assert 1 < len(ids) < 10
    assert body["omitted"] == 10 - len(ids)


@pytest.mark.usefixtures("narrow")
def test_requests_beyond_the_limit_are_not_counted_as_omitted(heidi: Client) -> None:
    fill(heidi, number=10, size=100)

    body = heidi.get("/_mock/requests?limit=2").json()

    assert [row["id"] for row in body["requests"]] == [10, 11]
    assert body["omitted"] == 0


@pytest.mark.usefixtures("narrow")
def test_a_list_has_at_least_one_request(heidi: Client) -> None:
    fill(heidi, number=2, size=20_000)

    body = heidi.get("/_mock/requests?operation=update_session").json()

    assert ([row["id"] for row in body["requests"]], body["omitted"]) == ([3], 1)


@pytest.mark.usefixtures("narrow")
def test_curl_and_har_count_the_omitted_requests_in_a_comment(heidi: Client) -> None:
    fill(heidi, number=10, size=1_000)

    log = heidi.get("/_mock/requests?format=har").json()["log"]
    lines = heidi.get("/_mock/requests?format=curl").text.splitlines()

    left_out = 11 - len(log["entries"])
    assert log["comment"] == f"{left_out} older requests are left out"
    comments, commands = lines[:2], lines[2:]
    assert comments[0] == f"# {11 - len(commands)} older requests are left out"
    assert all(line.startswith("curl ") for line in commands)


def test_a_complete_list_has_no_comment(heidi: Client) -> None:
    heidi.get(f"/sessions/{SESSION}")

    assert heidi.get("/_mock/requests").json()["omitted"] == 0
    assert "comment" not in heidi.get("/_mock/requests?format=har").json()["log"]


def test_deleting_requests_ignores_those_that_a_reset_has_removed(heidi: Client) -> None:
    fill(heidi, number=LONG_BODIES, size=SLICE)
    namespace = heidi.app.registry.default

    def begin_anew(turn: int) -> None:
        if turn == LONG_BODIES + 4:
            lifecycle.reset(namespace)
            namespace.journal.add(fresh)

    fresh = Entry(0, 0.0, None, {"method": "GET", "path": "/", "query_string": b"", "headers": []})
    answer = meanwhile(heidi.app, ("DELETE", "/requests?text=x", None), begin_anew)

    assert answer.json() == {"cleared": 0}
    assert [entry.id for entry in namespace.journal] == [1]


def test_each_request_is_checked_once_when_two_clients_ask_at_once(heidi: Client) -> None:
    for at in range(LONG_BODIES):
        heidi.patch(f"/sessions/{SESSION}", json={"unknown": "x" * SLICE, "at": at})

    async def twice() -> None:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app=heidi.app), base_url="http://x.localhost"
        ) as peer:
            await asyncio.gather(peer.get("/_mock/findings"), peer.get("/_mock/findings"))

    asyncio.run(twice())

    counts = {row["code"]: row["count"] for row in heidi.get("/_mock/findings").json()["findings"]}
    assert counts["unknown_field"] == LONG_BODIES


@pytest.mark.parametrize(
    ("keep", "count"), [("findings", LONG_BODIES + 1), ("findings,requests", LONG_BODIES + 1), ("requests", 1)]
)
def test_a_request_counts_once_even_if_a_reset_interrupts_the_checks(heidi: Client, keep: str, count: int) -> None:
    fill(heidi, number=LONG_BODIES, size=SLICE)
    namespace = heidi.app.registry.default
    reset = at_turn(4, lambda: lifecycle.reset(namespace, frozenset(keep.split(","))))
    meanwhile(heidi.app, ("GET", "/findings", None), reset)

    heidi.patch(f"/sessions/{SESSION}", json={"session_name": "x"})

    counts = {row["code"]: row["count"] for row in heidi.get("/_mock/findings").json()["findings"]}
    assert counts["unknown_field"] == count


def test_other_requests_run_while_a_reset_that_keeps_findings_runs_the_checks(heidi: Client) -> None:
    fill(heidi, number=LONG_BODIES, size=SLICE)

    answer, others = turns(heidi.app, "POST", "/reset?keep=findings")

    assert answer.status_code == 200
    assert others >= FEW_TURNS


def test_an_order_has_a_hundred_steps_at_most(heidi: Client) -> None:
    answer = heidi.post("/_mock/verify", json={"in_order": [{"operation": "ask_ai"}] * 101})

    assert answer.status_code == 400
    assert answer.json() == {"error": "in_order has more than 100 steps", "hint": "verify it in parts, with since"}


def test_an_order_reads_each_request_once(heidi: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(60):
        heidi.get(f"/sessions/{SESSION}")
    looks: list[Entry] = []
    fits = Filter.fits

    def looking(self: Filter, entry: Entry, journal: Journal) -> bool:
        looks.append(entry)
        return fits(self, entry, journal)

    monkeypatch.setattr(Filter, "fits", looking)

    answer = heidi.post("/_mock/verify", json={"in_order": [{"operation": "get_session"}] * 60})

    assert answer.status_code == 200
    assert len(looks) == 61


def test_an_answer_that_completes_during_a_judgement_is_not_missed(heidi: Client) -> None:
    fill(heidi, number=LONG_BODIES, size=SLICE)
    journal = heidi.app.registry.default.journal
    late = next(entry for entry in journal if entry.operation == "get_jwt")
    late.done = False

    complete = at_turn(12, lambda: journal.close(late, late.started))
    wanted = {"operation": "get_jwt", "text": "jwt", "within": 600}
    answer = meanwhile(heidi.app, ("POST", "/verify", wanted), complete)

    assert (answer.status_code, answer.json()["requests"]) == (200, [1])


def test_at_most_ten_differences_of_a_request_are_reported(heidi: Client) -> None:
    heidi.patch(f"/sessions/{SESSION}", json={"session_name": "a"})

    answer = heidi.post("/_mock/verify", json={"match": {f"name_{at}": at for at in range(30)}})

    why = answer.json()["nearest"][1]["why"]
    assert why.startswith("body.name_0 was missing, expected 0; body.name_1 was missing")
    assert why.endswith("body.name_9 was missing, expected 9; and 20 more")


# --- Faults, replies, snapshots ---------------------------------------------------------------------------------------


def test_the_rules_of_a_namespace_have_sixteen_megabytes_at_most(heidi: Client) -> None:
    rule = {"operation": "ask_ai", "status": 503, "label": "x" * MEGABYTE}
    statuses = [heidi.post("/_mock/faults", json=rule).status_code for _ in range(15)]

    answer = heidi.post("/_mock/faults", json=rule)

    assert statuses == [200] * 15
    assert answer.status_code == 409
    assert answer.json()["error"] == "the rules have more than 16,000,000 bytes; DELETE /_mock/faults makes room"


def test_the_replies_of_a_namespace_have_sixteen_megabytes_at_most(heidi: Client) -> None:
    reply = {"operation": "ask_ai", "text": "x" * MEGABYTE}
    statuses = [heidi.post("/_mock/replies", json=reply).status_code for _ in range(15)]

    answer = heidi.post("/_mock/replies", json=reply)

    assert statuses == [200] * 15
    assert answer.status_code == 409
    assert answer.json()["error"] == "the replies have more than 16,000,000 bytes"


def test_a_reply_has_a_bounded_number_of_values(heidi: Client) -> None:
    answer = heidi.post("/_mock/replies", json={"operation": "ask_ai", "pieces": [1] * 100_001})

    assert (answer.status_code, answer.json()["error"]) == (400, "the reply has more than 100,000 values")


@pytest.mark.parametrize("endpoint", ["/faults", "/replies"])
def test_other_requests_run_while_many_rules_are_listed(heidi: Client, endpoint: str) -> None:
    rule = {"operation": "ask_ai", **({"status": 503, "label": "x"} if endpoint == "/faults" else {"text": "x"})}
    for _ in range(LONG_BODIES):
        heidi.post(f"/_mock{endpoint}", json={**rule, "match": {"a": "x" * SLICE}})

    answer, others = turns(heidi.app, "GET", endpoint)

    assert len(answer.json()[endpoint[1:]]) >= LONG_BODIES
    assert others >= FEW_TURNS


def test_a_list_with_too_many_rules_is_refused_unread(heidi: Client) -> None:
    answer = heidi.put("/_mock/faults", json=["ask_ai:close"] * 50_000)

    assert answer.status_code == 409
    assert answer.json()["error"] == "a namespace takes 1,000 rules at most"


@pytest.mark.usefixtures("narrow")
def test_a_difference_counts_the_omitted_records(heidi: Client) -> None:
    heidi.put("/_mock/snapshots/before")
    heidi.post("/_mock/state", json={"patient_profiles": profiles(500)})

    told = heidi.get("/_mock/snapshots/before/diff").json()["patient_profiles"]

    assert 0 < len(told["added"]) < 500
    assert told["omitted"] == 500 - len(told["added"])


def test_other_requests_run_while_states_are_compared(app: App) -> None:
    heidi = Client(app)
    heidi.put("/_mock/snapshots/before")
    heidi.put("/_mock/state", json={"patient_profiles": profiles(MANY)})
    heidi.close()

    answer, others = turns(app, "GET", "/snapshots/before/diff")

    assert len(answer.json()["patient_profiles"]["added"]) == MANY
    assert others >= TURNS


# --- Words ------------------------------------------------------------------------------------------------------------


@given(JSON)
def test_a_short_value_is_written_as_python_writes_it(value: Any) -> None:
    assert short_repr(value, 10_000) == repr(value)


@given(JSON, st.integers(1, 30))
def test_a_long_value_is_cut_at_its_end(value: Any, most: int) -> None:
    text = short_repr(value, most)

    assert len(text) <= most
    assert text == repr(value) or (text.endswith("…") and repr(value).startswith(text[:-1]))


def test_a_long_message_keeps_its_beginning_and_its_end() -> None:
    message = shorten(f"wrong: {'x' * 5_000}; the cure")

    assert len(message) == LONGEST
    assert message.startswith("wrong: x")
    assert message.endswith("x; the cure")
