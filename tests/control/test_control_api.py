"""The control API under ``/_mock``.

- ``GET health`` → ``{"status": "ok", "version", "base_url", "namespaces", "seed"}``
- ``POST reset`` → ``{"reset": ["state", "clock", …]}``, :data:`WHAT_IS_KEPT` without the kept parts
- ``GET|PUT state`` → the whole namespace as fixtures; ``POST state`` → ``{"patient_profiles": […], "sessions": […]}``
- ``GET namespaces`` → ``{"namespaces": [{"name", "counts", "idle"}]}``
- ``PUT users/{email}/link`` → the account; ``DELETE`` → ``{"linked": false, "email"}``
- every refusal → ``{"error": "<one sentence>", "hint": "<the cure>"}``, with ``problems`` if there are several
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from clients import JOHN, NOON, Client
from helpers import SESSION, another, answered, ask, in_namespace, settled, wire
from paths import OPENAPI

from mock_heidi.base.settings import BASE_PATH, DEFAULT_EMAIL, DEFAULT_KEY, VERSION

YAML = {"Content-Type": "application/yaml"}
MARA = "kp_465a5b904021058d98e273a3304adafe"
FREE = ["kp_c2487b8e79e3413e8cd590ec43d41c9a", "kp_8975f9119dad447efd9b8ffc27038483"]
WHAT_IS_KEPT = ["state", "clock", "ids", "requests", "transitions", "assumptions", "replies", "faults", "findings"]
FIXTURES_HINT = (
    "send an object with any of api_keys, templates, transcripts, clinical_codes, replies, faults, scenarios, "
    "patient_profiles, sessions, each a list of records"
)


def refused(status: int, error: str, hint: str, **more: Any) -> tuple[int, str]:
    return status, wire({"error": error, "hint": hint, **more})


def busy(client: Client) -> dict[str, Any]:
    """The state after some requests."""
    client.post("/patient-profiles", json={"first_name": "Ada", "identifiers": [{"n": "007", "x": [1, 1.5, None]}]})
    client.patch(f"/sessions/{SESSION}", json={"duration": 60, "linked_sessions_for_context": []})
    client.post("/sessions", json={"patient_profile_id": JOHN})
    client.put(f"/_mock/users/{DEFAULT_EMAIL}/link")
    return client.state()


# --- Health -----------------------------------------------------------------------------------------------------------


def test_health_has_the_base_url(heidi: Client) -> None:
    answer = heidi.get("/_mock/health")
    shown = answer.json()
    varying = {name: shown.pop(name) for name in ("memory", "uptime")}

    assert answer.status_code == 200
    assert shown == {
        "status": "ok",
        "version": VERSION,
        "base_url": f"http://localhost{BASE_PATH}",
        "namespaces": 1,
        "seed": 0,
    }
    assert varying["memory"] == {"used": 0, "limit": 256 * 1024 * 1024}
    assert varying["uptime"] >= 0


def test_health_of_a_namespace_has_its_own_base_url() -> None:
    with another(seed=5) as heidi:
        body = heidi.get("http://127.0.0.1:4343/ns/blue/_mock/health").json()

    assert body["base_url"] == f"http://127.0.0.1:4343/ns/blue{BASE_PATH}"
    assert (body["namespaces"], body["seed"]) == (2, 5)


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
@pytest.mark.parametrize("headers", [{}, {"Host": "evil.example"}, {"Origin": "https://evil.example"}])
def test_probes_answer_only_ok_to_every_client(heidi: Client, path: str, headers: dict[str, str]) -> None:
    reply = ask(heidi.app, "GET", path, headers=headers)

    assert (reply.status, reply.body) == (200, b'{"status":"ok"}')


def test_the_root_redirects_to_the_dashboard(heidi: Client) -> None:
    root, page = ask(heidi.app, "GET", "/"), heidi.get("/_mock/")

    assert (root.status, root.headers["location"]) == (307, "/_mock/")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert '<script type="module" src="ui/parts/app.js">' in page.text


def test_the_contract_is_served_unchanged(heidi: Client) -> None:
    answer = heidi.get("/_mock/openapi.yaml")

    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/yaml")
    assert answer.content == OPENAPI.read_bytes()


# --- Reset ------------------------------------------------------------------------------------------------------------


def test_reset_brings_everything_back(heidi: Client) -> None:
    fresh = heidi.state()
    busy(heidi)

    answer = heidi.post("/_mock/reset")

    assert answered(answer) == (200, wire({"reset": WHAT_IS_KEPT}))
    assert heidi.state() == fresh
    assert heidi.get("/_mock/requests").json() == {"requests": [], "more": False, "dropped": 0, "omitted": 0}


def test_reset_begins_the_ids_again(heidi: Client) -> None:
    first = heidi.post("/sessions").text

    heidi.post("/_mock/reset")

    assert heidi.post("/sessions").text == first


@pytest.mark.parametrize(
    ("keep", "kept"),
    [
        ("state", {"state"}),
        ("ids", {"ids"}),
        ("requests", {"requests"}),
        ("clock", {"clock"}),
        ("state,ids", {"state", "ids"}),
        (",requests,,state", {"state", "requests"}),
        (",".join(WHAT_IS_KEPT), set(WHAT_IS_KEPT)),
        ("", set()),
    ],
)
def test_reset_keeps_the_named_parts(heidi: Client, keep: str, kept: set[str]) -> None:
    fresh = settled(heidi)
    first = heidi.post("/sessions").json()
    changed = heidi.state()

    answer = heidi.post("/_mock/reset", params={"keep": keep})

    # Looked at in this order: the next session is a change and a request itself.
    state, requests = heidi.state(), heidi.get("/_mock/requests").json()["requests"]
    ids_again = heidi.post("/sessions").json() == first
    assert answer.json() == {"reset": [part for part in WHAT_IS_KEPT if part not in kept]}
    assert (state == changed, len(requests) > 0, ids_again) == (
        "state" in kept,
        "requests" in kept,
        "ids" not in kept and "state" not in kept,  # an id that is taken is never given twice
    )
    assert state["sessions"] == (changed if "state" in kept else fresh)["sessions"]


@pytest.mark.parametrize(
    ("query", "error", "hint"),
    [
        ("keep=stat", "keep has an unknown part 'stat'", "did you mean state?"),
        (
            "keep=state,zebras",
            "keep has an unknown part 'zebras'",
            f"known names are {', '.join(sorted(WHAT_IS_KEPT))}",
        ),
        ("kep=state", "unknown parameter 'kep'", "did you mean keep?"),
        ("all=yes", "all=yes is neither true nor false", "write all=true or leave it out"),
    ],
)
def test_an_invalid_reset_changes_nothing(heidi: Client, query: str, error: str, hint: str) -> None:
    before = busy(heidi)

    answer = heidi.post(f"/_mock/reset?{query}")

    assert answered(answer) == refused(400, error, hint)
    assert heidi.state() == before


def test_reset_affects_one_namespace_or_all(heidi: Client) -> None:
    fresh = heidi.state()
    blue = in_namespace(heidi, "blue")

    def states() -> list[bool]:
        return [heidi.state() == fresh, json.loads(heidi.get("/ns/blue/_mock/state").content) == fresh]

    busy(heidi)
    blue.post("/sessions")
    worked = states()
    heidi.post("/ns/blue/_mock/reset")
    one = states()
    blue.post("/sessions")
    heidi.post("/ns/red/_mock/reset?all=true")
    everything = states()
    names = [row["name"] for row in heidi.get("/_mock/namespaces").json()["namespaces"]]
    blue.close()

    assert (worked, one, everything) == ([False, False], [False, True], [True, True])
    assert names == ["default", "blue"]


# --- State ------------------------------------------------------------------------------------------------------------


def test_the_state_has_every_kind_of_record(heidi: Client) -> None:
    state = heidi.state()

    assert {name: len(rows) for name, rows in state.items()} == {
        "api_keys": 2,
        "patient_profiles": 15,
        "sessions": 31,
    }
    assert list(state) == ["api_keys", "patient_profiles", "sessions"]


def test_named_kinds_are_exported_whole_and_alone(heidi: Client) -> None:
    exported = heidi.get("/_mock/state?kinds=templates,api_keys").json()
    unknown = heidi.get("/_mock/state?kinds=template")

    assert list(exported) == ["api_keys", "templates"]
    assert len(exported["templates"]) > 0
    assert (unknown.status_code, unknown.json()["error"]) == (400, "kinds has an unknown part 'template'")


def test_a_state_that_was_read_can_be_put_back_unchanged(heidi: Client) -> None:
    before = busy(heidi)
    text = heidi.get("/_mock/state").text
    heidi.post("/_mock/reset")

    answer = heidi.put("/_mock/state", content=text.encode())

    assert answered(answer) == (200, text)
    assert heidi.state() == before


def test_the_state_as_yaml_is_the_same_state(heidi: Client) -> None:
    before = busy(heidi)
    answer = heidi.get("/_mock/state", headers={"Accept": "application/yaml"})
    heidi.post("/_mock/reset")

    put = heidi.put("/_mock/state", content=answer.content, headers=YAML)

    assert answer.headers["content-type"] == "application/yaml"
    assert yaml.safe_load(answer.content)["sessions"][0]["session_id"] == SESSION
    assert put.status_code == 200
    assert heidi.state() == before


def test_the_state_as_yaml_is_a_fixture_folder(heidi: Client, tmp_path: Path) -> None:
    before = busy(heidi)
    whole = heidi.get("/_mock/state", headers={"Accept": "application/yaml"}).text
    kinds = ("api_keys", "patient_profiles", "sessions")
    starts = [whole.index(f"{kind}:\n") for kind in kinds]

    for kind, start, end in zip(kinds, starts, [*starts[1:], len(whole)], strict=True):
        (tmp_path / f"{kind}.yaml").write_text(whole[start:end].partition("\n")[2], encoding="utf-8")

    with another(fixtures=tmp_path) as reborn:
        assert reborn.state() == before


def test_keys_that_share_their_data_keep_their_users_when_put_back(heidi: Client) -> None:
    shared = {"ehr_provider": "P", "managed_by": JOHN}
    account = {"kinde_user_id": "kp_1", "heidi_email": "a@b", "linked_account_plan": "PRO"}
    user = {"email": "u@b", "third_party_internal_id": "1"}
    heidi.put(
        "/_mock/state",
        json={
            "api_keys": [
                {"key": "old", **shared, "users": [user]},
                {
                    "key": "new",
                    **shared,
                    "heidi_users": [account],
                    "users": [{**user, "email": "v@b", "linked_to": "kp_1"}],
                },
            ]
        },
    )
    before = heidi.state()

    answer = heidi.put("/_mock/state", json=before)

    assert answer.status_code == 200
    assert [[row["email"] for row in key["users"]] for key in before["api_keys"]] == [["u@b"], ["v@b"]]
    assert heidi.state() == before


def test_put_replaces_and_missing_kinds_come_from_the_packaged_set(heidi: Client) -> None:
    packaged = heidi.state()

    answer = heidi.put("/_mock/state", json={"patient_profiles": [{"first_name": "Only"}]})

    [profile] = answer.json()["patient_profiles"]
    assert answer.json()["api_keys"] == packaged["api_keys"]
    assert answer.json()["sessions"] == []
    assert [row["id"] for row in heidi.get("/patient-profiles").json()["data"]] == [profile["id"]]


BROKEN = {
    "patient_profiles": [{"first_name": 5, "gender": "male"}, {"frist_name": "A"}, {"id": JOHN}, {"id": JOHN}],
    "sessions": [{"session_id": "x"}, {"patient_profile_id": "f" * 24}],
}
PROBLEMS = [
    "patient_profiles[0].first_name: Input should be a valid string, not 5",
    (
        "patient_profiles[0].gender: Input should be 'MALE', 'FEMALE' or 'OTHER'"
        " (or any text with gender_case=any_text), not 'male'"
    ),
    "patient_profiles[1].frist_name: unknown field; did you mean first_name?",
    f"patient_profiles[3]: '{JOHN}' exists already; ids must be unique",
    "sessions[0].session_id: Input should be 1 to 39 decimal digits, not 'x'",
    f"sessions[1].patient_profile_id: no patient profile '{'f' * 24}' of the same API key; known names are {JOHN}",
]


def test_a_session_for_an_unknown_patient_is_refused_with_the_nearest_patient(heidi: Client) -> None:
    answer = heidi.post("/_mock/state", json={"sessions": [{"patient_profile_id": JOHN[:-1] + "f"}]})

    error = f"no patient profile '{JOHN[:-1]}f' of the same API key; did you mean {JOHN}?"
    assert answer.json()["problems"] == [f"sessions[0].patient_profile_id: {error}"]


def test_put_of_broken_records_names_every_problem_and_changes_nothing(heidi: Client) -> None:
    before = busy(heidi)

    answer = heidi.put("/_mock/state", json=BROKEN)

    assert answered(answer) == refused(400, f"{PROBLEMS[0]} (and 5 more)", FIXTURES_HINT, problems=PROBLEMS)
    assert heidi.state() == before


def test_post_of_broken_records_adds_none_and_uses_no_ids(heidi: Client) -> None:
    before = settled(heidi)

    answer = heidi.post("/_mock/state", json={"sessions": [{"session_name": "good"}, {"duration": "5"}]})

    assert answered(answer) == refused(
        400,
        "sessions[1].duration: Input should be a valid number, not '5'",
        FIXTURES_HINT,
        problems=["sessions[1].duration: Input should be a valid number, not '5'"],
    )
    assert heidi.state() == before
    with another() as untouched:
        assert heidi.post("/sessions").text == untouched.post("/sessions").text


def test_post_adds_records_and_fills_in_missing_fields(heidi: Client) -> None:
    before = heidi.state()

    answer = heidi.post("/_mock/state", json={"patient_profiles": [{"first_name": "New"}], "sessions": [{}]})

    after = heidi.state()
    [profile], [session] = answer.json()["patient_profiles"], answer.json()["sessions"]
    assert list(answer.json()) == ["patient_profiles", "sessions"]
    assert after["patient_profiles"] == [*before["patient_profiles"], profile]
    assert after["sessions"] == [*before["sessions"], session]
    assert (profile["created_at"], session["session_name"]) == (f"{NOON}.000000", "Session 32")
    assert heidi.get(f"/sessions/{session['session_id']}").status_code == 200


def test_a_key_that_was_added_opens_its_data(heidi: Client) -> None:
    own = {"key": "third-key", "ehr_provider": "Third", "managed_by": "c" * 24}
    added = {"api_keys": [own], "patient_profiles": [{"managed_by": "c" * 24, "first_name": "Mine"}]}

    answer = heidi.post("/_mock/state", json=added)

    heidi.sign_in(key="third-key")
    assert answer.status_code == 200
    assert [row["first_name"] for row in heidi.get("/patient-profiles").json()["data"]] == ["Mine"]


@pytest.mark.parametrize(
    ("body", "error", "hint"),
    [
        (b"", "the body is not an object of fixtures", FIXTURES_HINT),
        (b"[]", "the body is not an object of fixtures", FIXTURES_HINT),
        (b" \r\n", "the body is not JSON: Expecting value", None),
        (b"{", "the body is not JSON: Expecting property name enclosed in double quotes", None),
        (b'{"sessions": [{"duration": NaN}]}', "the body is not JSON: NaN is not JSON", None),
        (b"[" * 100_000, "the body is not JSON: Nested deeper than 64 levels", None),
    ],
)
@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_a_body_that_is_not_a_state_is_refused(
    heidi: Client, method: str, body: bytes, error: str, hint: str | None
) -> None:
    before = heidi.state()

    answer = heidi.request(method, "/_mock/state", content=body)

    assert answered(answer) == refused(400, error, hint or "send JSON, or YAML as application/yaml")
    assert heidi.state() == before


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b'{"patients": []}', "patients: unknown kind of record; did you mean patient_profiles?"),
        (b'{"sessions": {}}', "sessions: should be a list of records"),
        (b'{"sessions": ""}', "sessions: should be a list of records"),
        (b'{"patient_profiles": false}', "patient_profiles: should be a list of records"),
        (b'{"sessions": [5]}', "sessions[0]: should be a mapping of fields"),
    ],
)
@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_records_are_lists_of_mappings_of_known_kinds(heidi: Client, method: str, body: bytes, problem: str) -> None:
    before = heidi.state()

    answer = heidi.request(method, "/_mock/state", content=body)

    assert answered(answer) == refused(400, problem, FIXTURES_HINT, problems=[problem])
    assert heidi.state() == before


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"sessions: [", "body:2: invalid YAML: did not find expected node content"),
        (b"sessions:\n- {}\n\t- {}", "body:3: invalid YAML: found character that cannot start any token"),
        (b"a: " + b"[" * 100_000, "body:1: invalid YAML: nested deeper than 64 levels"),
        (b"a: !!python/object/apply:os.system [id]", None),
    ],
    ids=["open list", "tab", "too deep", "python tag"],
)
def test_yaml_that_cannot_be_read_is_refused(heidi: Client, body: bytes, error: str | None) -> None:
    before = heidi.state()

    answer = heidi.put("/_mock/state", content=body, headers=YAML)

    tag = "body:1: the tag 'tag:yaml.org,2002:python/object/apply:os.system' has no meaning here; remove it"
    assert answered(answer) == refused(400, error or tag, "send valid YAML")
    assert heidi.state() == before


def test_a_state_has_its_own_limit() -> None:
    with another(max_state=2_000_000) as heidi:
        before = heidi.state()
        large = {"patient_profiles": [{"additional_context": "x" * 1_500_000}]}
        answer = heidi.put("/_mock/state", json={"patient_profiles": [{"email": "x" * 2_000_000}]})
        unchanged = heidi.state() == before
        accepted = heidi.put("/_mock/state", json=large)

    assert answered(answer) == refused(413, "the body is larger than 2000000 bytes", "send less at once")
    assert (unchanged, accepted.status_code) == (True, 200)


# --- Endpoints --------------------------------------------------------------------------------------------------------

ENDPOINTS: dict[str, list[str]] = {
    "/health": ["GET"],
    "/state": ["GET", "POST", "PUT"],
    "/reset": ["POST"],
    "/namespaces": ["GET"],
    "/namespaces/blue": ["DELETE", "POST"],
    "/users/a@b/link": ["DELETE", "PUT"],
    "/requests": ["DELETE", "GET"],
    "/replies": ["DELETE", "GET", "POST"],
    "/replies/reply-1": ["DELETE"],
    "/faults": ["DELETE", "GET", "POST", "PUT"],
    "/faults/fault-1": ["DELETE", "GET", "PATCH"],
    "/scenarios": ["GET"],
    "/scenarios/flaky-afternoon": ["POST"],
    "/sessions/1234567890": ["GET", "PUT"],
    "/clock": ["GET", "PUT"],
    "/clock/advance": ["POST"],
    "/transitions": ["GET", "PUT"],
    "/openapi.yaml": ["GET"],
}


@pytest.mark.parametrize(
    ("endpoint", "method"), [(endpoint, method) for endpoint, methods in ENDPOINTS.items() for method in methods]
)
def test_an_unknown_parameter_is_refused_everywhere(heidi: Client, endpoint: str, method: str) -> None:
    before = heidi.state()

    answer = heidi.request(method, f"/_mock{endpoint}?xyzzy=1")

    assert (answer.status_code, list(answer.json())) == (400, ["error", "hint"])
    assert answer.json()["error"] == "unknown parameter 'xyzzy'"
    assert heidi.state() == before


START_FIELDS = "api_key, assume, clock, faults, fixtures, journal, linked, scenario, seed, strict"


@pytest.mark.parametrize(
    ("method", "endpoint", "body", "refusal"),
    [
        ("POST", "/namespaces/blue", {"sed": 5}, ("unknown field 'sed'", "did you mean seed?")),
        ("PUT", "/users/a@b/link", {"heidi_mail": "x"}, ("unknown field 'heidi_mail'", "did you mean heidi_email?")),
        (
            "DELETE",
            "/users/a@b/link",
            {"kinde_user_id": "x"},
            ("unknown field 'kinde_user_id'", "known names are managed_by, third_party_internal_id"),
        ),
        (
            "POST",
            "/namespaces/blue",
            [],
            ("the body is not an object", f"send an object with any of {START_FIELDS}"),
        ),
    ],
)
def test_an_unknown_field_is_refused_with_the_nearest(
    heidi: Client, method: str, endpoint: str, body: Any, refusal: tuple[str, str]
) -> None:
    answer = heidi.request(method, f"/_mock{endpoint}", json=body)

    assert answered(answer) == refused(400, *refusal)


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("/_mock/heath", "/_mock/health"),
        ("/_mock/states", "/_mock/state"),
        ("/_mock/openapi", "/_mock/openapi.yaml"),
    ],
)
def test_an_unknown_endpoint_names_the_nearest(heidi: Client, path: str, meant: str) -> None:
    answer = heidi.get(path)

    hint = answer.json()["hint"]
    assert answered(answer) == refused(404, f"there is no endpoint {path!r}", hint)
    assert hint.startswith(f"did you mean {meant}")
    endpoints = re.findall(r"/_mock/[^ ,?]*", hint)
    assert len(set(endpoints)) == len(endpoints)  # an endpoint with several methods is named once


@pytest.mark.parametrize("endpoint", list(ENDPOINTS))
def test_a_wrong_method_names_the_right_ones(heidi: Client, endpoint: str) -> None:
    answer = heidi.request("TRACE", f"/_mock{endpoint}")

    expected = refused(405, "this endpoint does not take this method", f"use {' or '.join(ENDPOINTS[endpoint])}")
    assert answered(answer) == expected


@pytest.mark.breaks_contract
def test_a_defect_is_answered_without_secrets(
    heidi: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(heidi.app.registry.default.store, "size", broken)
    answer = heidi.get("/_mock/namespaces")

    expected = refused(500, "the control API failed", "this is a defect of mock_heidi; the log names the place")
    assert answered(answer) == expected
    assert "RuntimeError" in caplog.text
    assert "secret" not in caplog.text


# --- Namespaces -------------------------------------------------------------------------------------------------------


def row(name: str, **counts: int) -> dict[str, Any]:
    return {
        "name": name,
        "counts": {"patient_profiles": 15, "sessions": 31, "requests": 0, **counts},
        "journal": "normal",
        "strict": False,
    }


def rows(client: Client) -> list[dict[str, Any]]:
    """The list of namespaces, without their idle times."""
    listed = client.get("/_mock/namespaces").json()["namespaces"]
    assert all(0 <= found.pop("idle") < 60 for found in listed)
    return list(listed)


def test_namespaces_are_listed_with_what_they_hold(heidi: Client) -> None:
    heidi.post("/sessions")
    heidi.get("/ns/blue/_mock/health")

    assert rows(heidi) == [row("default", sessions=32, requests=2), row("blue")]


def test_a_namespace_can_start_with_its_own_settings(heidi: Client) -> None:
    start = {"fixtures": "empty", "seed": 7, "clock": "2030-02-03T04:05:06"}

    answer = heidi.post("/_mock/namespaces/blue", json=start)

    blue = in_namespace(heidi, "blue")
    profile = blue.post("/patient-profiles", json={}).json()["data"]["id"]
    [record] = json.loads(heidi.get("/ns/blue/_mock/state").content)["patient_profiles"]
    seed = heidi.get("/ns/blue/_mock/health").json()["seed"]
    blue.close()
    assert (answer.status_code, answer.json()["name"]) == (200, "blue")
    assert answer.json()["counts"] == {"patient_profiles": 0, "sessions": 0, "requests": 0}
    assert (record["id"], record["created_at"], seed) == (profile, "2030-02-03T04:05:06.000000", 7)


def test_a_namespace_can_start_with_records_and_a_linked_user(heidi: Client) -> None:
    start = {
        "fixtures": {"patient_profiles": [{"first_name": "Only"}]},
        "linked": {"email": "a@b", "third_party_internal_id": "1"},
    }

    heidi.post("/_mock/namespaces/blue", json=start)
    blue = json.loads(heidi.get("/ns/blue/_mock/state").content)
    heidi.post("/ns/blue/_mock/reset")

    assert [found["first_name"] for found in blue["patient_profiles"]] == ["Only"]
    assert blue["api_keys"][0]["users"][-1]["linked_to"] == FREE[0]
    assert json.loads(heidi.get("/ns/blue/_mock/state").content) == blue


def test_a_namespace_can_be_described_in_yaml(heidi: Client) -> None:
    answer = heidi.post("/_mock/namespaces/blue", content=b"seed: 7\nfixtures: empty\nlinked: false", headers=YAML)

    assert answer.status_code == 200
    assert heidi.get("/ns/blue/_mock/health").json()["seed"] == 7


def test_making_an_existing_namespace_starts_it_anew(heidi: Client) -> None:
    heidi.post("/ns/blue/_mock/state", json={"sessions": [{}]})

    heidi.post("/_mock/namespaces/blue")

    assert rows(heidi) == [row("default"), row("blue")]


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"fixtures": "packaged"}, "fixtures are neither 'empty' nor an object"),
        ({"fixtures": "/etc"}, "fixtures are neither 'empty' nor an object"),
        ({"seed": "7"}, "seed is not a whole number"),
        ({"seed": 1.5}, "seed is not a whole number"),
        ({"seed": True}, "seed is not a whole number"),
        ({"clock": "noon"}, "clock: 'noon' is not a moment"),
        ({"linked": "yes, please"}, "linked does not name a user"),
        ({"linked": {"email": "a"}}, "linked does not name a user"),
        ({"linked": {"email": "a", "third_party_internal_id": 1}}, "linked has a value that is not a text"),
        ({"strict": "true"}, "strict is neither true nor false"),
        ({"strict": 1}, "strict is neither true nor false"),
    ],
)
def test_an_invalid_start_is_refused(heidi: Client, body: dict[str, Any], error: str) -> None:
    answer = heidi.post("/_mock/namespaces/blue", json=body)

    assert (answer.status_code, answer.json()["error"], list(answer.json())) == (400, error, ["error", "hint"])
    assert rows(heidi) == [row("default")]


def test_broken_records_make_no_namespace(heidi: Client) -> None:
    answer = heidi.post("/_mock/namespaces/blue", json={"fixtures": BROKEN})

    assert answered(answer) == refused(400, f"{PROBLEMS[0]} (and 5 more)", "correct the records", problems=PROBLEMS)
    assert rows(heidi) == [row("default")]


def test_a_namespace_can_be_deleted(heidi: Client) -> None:
    heidi.post("/_mock/namespaces/blue")

    answer = heidi.delete("/_mock/namespaces/blue")

    assert answered(answer) == (200, wire({"deleted": "blue", "namespaces": 1}))
    assert rows(heidi) == [row("default")]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "default",
            refused(400, "the default namespace cannot be deleted", "reset it with POST /_mock/reset"),
        ),
        ("blue", refused(404, "there is no namespace 'blue'", "GET /_mock/namespaces lists them")),
        (
            "a b",
            refused(
                400, "'a b' is not a valid name for a namespace", "use letters, digits, '-', '_' and '.', 64 at most"
            ),
        ),
    ],
)
def test_unknown_and_default_namespaces_cannot_be_deleted(heidi: Client, name: str, expected: tuple[int, str]) -> None:
    assert answered(heidi.delete(f"/_mock/namespaces/{name}")) == expected


NO_ROOM = refused(
    409, "the server has reached its limit of namespaces", "delete some with DELETE /_mock/namespaces/{name}"
)


def test_the_number_of_namespaces_is_limited() -> None:
    with another(max_namespaces=3) as heidi:
        for name in ("blue", "red"):
            heidi.post(f"/_mock/namespaces/{name}")
        query = {"email": "a", "third_party_internal_id": "b"}
        vendor = [
            heidi.get("/jwt", signed=False, params=query, headers={"Heidi-Api-Key": f"{DEFAULT_KEY}.green"}),
            heidi.get(f"/ns/green{BASE_PATH}/jwt", signed=False, params=query, headers={"Heidi-Api-Key": DEFAULT_KEY}),
        ]
        control = [heidi.post("/_mock/namespaces/green"), heidi.get("/ns/green/_mock/health")]
        names = [found["name"] for found in rows(heidi)]
        again = heidi.post("/_mock/namespaces/red")
        heidi.delete("/_mock/namespaces/red")
        room = heidi.post("/_mock/namespaces/green")

    full = wire(
        {"detail": "mock_heidi has reached its limit of namespaces; make room with DELETE /_mock/namespaces/{name}"}
    )
    assert [answered(answer) for answer in vendor] == [(503, full)] * 2
    assert [answered(answer) for answer in control] == [NO_ROOM] * 2
    assert names == ["default", "blue", "red"]
    assert (again.status_code, room.status_code) == (200, 200)


# --- Linking from Heidi's side ----------------------------------------------------------------------------------------


def users(client: Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.state()["api_keys"][0]["users"]
    return found


def test_a_user_can_be_linked_and_unlinked(heidi: Client) -> None:
    heidi.token()

    linked = heidi.put(f"/_mock/users/{DEFAULT_EMAIL}/link")
    user = users(heidi)[-1]
    unlinked = heidi.delete(f"/_mock/users/{DEFAULT_EMAIL}/link")

    expected = {
        "id": user["account_id"],
        "user_id": FREE[0],
        "ehr_provider": "Heidi",
        "ehr_email": DEFAULT_EMAIL,
        "ehr_user_id": "123",
        "heidi_email": "test.clinician@example.com",
        "linked_account_plan": "PRO",
        "linked_at": f"{NOON}.000000",
    }
    assert answered(linked) == (200, wire(expected))
    assert user["linked_to"] == FREE[0]
    assert answered(unlinked) == (200, wire({"linked": False, "email": DEFAULT_EMAIL}))
    assert users(heidi)[-1] == {"email": DEFAULT_EMAIL, "third_party_internal_id": "123"}


def test_a_link_can_be_described(heidi: Client) -> None:
    body = {
        "third_party_internal_id": "new",
        "kinde_user_id": "kp_own",
        "heidi_email": "own@example.org",
        "linked_account_plan": "TEAM",
    }

    answer = heidi.put("/_mock/users/nobody@yet/link", json=body)

    known = {name: body[name] for name in ("kinde_user_id", "heidi_email", "linked_account_plan")}
    assert (answer.status_code, answer.json()["user_id"], answer.json()["ehr_user_id"]) == (200, "kp_own", "new")
    assert heidi.state()["api_keys"][0]["heidi_users"][-1] == known
    assert answered(heidi.put("/_mock/state", json=heidi.state()))[0] == 200


def test_an_unknown_heidi_account_gets_an_invented_address(heidi: Client) -> None:
    heidi.token()

    answer = heidi.put(f"/_mock/users/{DEFAULT_EMAIL}/link", json={"kinde_user_id": "kp_xxx"})

    assert (answer.json()["heidi_email"], answer.json()["linked_account_plan"]) == ("kp_xxx@heidi.example", "FREE")


@pytest.mark.parametrize(
    ("email", "body", "expected"),
    [
        (
            "dr.mara.okafor@example.com",
            {"kinde_user_id": FREE[0]},
            refused(409, "this user is linked already", "unlink the user first"),
        ),
        (
            "dr.mara.okafor@example.com",
            {},
            refused(409, "this user is linked already", "unlink the user first"),
        ),
        (
            "dr.jonas.lind@example.com",
            {"kinde_user_id": MARA},
            refused(
                409,
                "another user is linked to this Heidi account",
                "unlink that user first, or choose another kinde_user_id",
            ),
        ),
        (
            "nobody@example.org",
            {},
            refused(
                404,
                "no user with the e-mail 'nobody@example.org' has signed in",
                "sign in first, or send third_party_internal_id",
            ),
        ),
        (
            "dr.jonas.lind@example.com",
            {"kinde_user_id": " "},
            refused(400, "kinde_user_id is not a text", "send a string that is not empty"),
        ),
        (
            "dr.jonas.lind@example.com",
            {"heidi_email": 5},
            refused(400, "heidi_email is not a text", "send a string that is not empty"),
        ),
        (
            "dr.jonas.lind@example.com",
            {"managed_by": "f" * 24},
            refused(400, f"no API key has the owner '{'f' * 24}'", "send the managed_by of an API key"),
        ),
        *(
            (
                "dr.jonas.lind@example.com",
                {"kinde_user_id": text},
                refused(400, "kinde_user_id contains a blank", "send an id such as kp_ and 32 hex digits"),
            )
            for text in ("kp 1", " kp_1", "kp_1\n")
        ),
    ],
)
def test_a_link_that_cannot_be_made_changes_nothing(
    heidi: Client, email: str, body: dict[str, Any], expected: tuple[int, str]
) -> None:
    before = heidi.state()

    answer = heidi.put(f"/_mock/users/{email}/link", json=body)

    assert answered(answer) == expected
    assert heidi.state() == before


def test_the_third_party_id_distinguishes_users_with_one_address(heidi: Client) -> None:
    heidi.sign_in(third="one")
    heidi.sign_in(third="two")

    heidi.put(f"/_mock/users/{DEFAULT_EMAIL}/link", json={"third_party_internal_id": "two"})
    linked = [user.get("linked_to") for user in users(heidi)[-2:]]
    heidi.request("DELETE", f"/_mock/users/{DEFAULT_EMAIL}/link", json={"third_party_internal_id": "two"})

    assert linked == [None, FREE[0]]
    assert [user.get("linked_to") for user in users(heidi)[-2:]] == [None, None]


def test_a_user_of_another_api_key_is_linked_under_its_owner(heidi: Client) -> None:
    heidi.sign_in()
    heidi.sign_in(key="mock-heidi-key-two")
    second = heidi.state()["api_keys"][1]

    linked = heidi.put(f"/_mock/users/{DEFAULT_EMAIL}/link", json={"managed_by": second["managed_by"]})
    (user,) = heidi.state()["api_keys"][1]["users"]
    unlinked = heidi.request("DELETE", f"/_mock/users/{DEFAULT_EMAIL}/link", json={"managed_by": second["managed_by"]})

    assert linked.json()["ehr_provider"] == "Northside EHR"
    assert user["linked_to"] == linked.json()["user_id"]
    assert "linked_to" not in users(heidi)[-1]
    assert unlinked.status_code == 200
    assert "linked_to" not in heidi.state()["api_keys"][1]["users"][0]


@pytest.mark.parametrize("body", [{}, {"third_party_internal_id": "1"}])
def test_an_unknown_user_cannot_be_unlinked(heidi: Client, body: dict[str, str]) -> None:
    before = heidi.state()

    answer = heidi.request("DELETE", "/_mock/users/nobody@example.org/link", json=body)

    assert answer.status_code == 404
    assert heidi.state() == before


def test_every_answer_forbids_caches(heidi: Client) -> None:
    answers = [heidi.get("/_mock/health"), heidi.get("/_mock/state"), heidi.get("/_mock/nothing")]

    assert [answer.headers["cache-control"] for answer in answers] == ["no-store"] * 3


# --- Snapshots --------------------------------------------------------------------------------------------------------


def test_a_comparison_hides_keys(heidi: Client) -> None:
    heidi.put("/_mock/snapshots/before")
    heidi.post("/_mock/state", json={"api_keys": [{"key": "third-key", "ehr_provider": "T", "managed_by": "c" * 24}]})

    answer = heidi.get("/_mock/snapshots/before/diff")

    assert answer.json() == {"api_keys": {"added": ["***"], "removed": [], "changed": [], "omitted": 0}}


def test_a_405_of_the_control_api_lists_the_allowed_methods(heidi: Client) -> None:
    answer = heidi.patch("/_mock/state")

    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST, PUT")
