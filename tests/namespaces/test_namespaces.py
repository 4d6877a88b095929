"""Namespaces: the isolated Heidis of one server.

``/ns/{name}/…`` and the API key ``KEY.{name}`` name the same one; ``default`` is the root's name. A refused request
makes none.
"""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from clients import JOHN, NOON, Client
from helpers import (
    EXPIRED_TOKEN,
    INVALID_KEY,
    INVALID_TOKEN,
    KEY_TWO,
    PROFILE_NOT_FOUND,
    SESSION_NOT_FOUND,
    another,
    answered,
    ask,
    in_namespace,
    wire,
)

from mock_heidi.app import App
from mock_heidi.base.settings import BASE_PATH, DEFAULT_KEY
from mock_heidi.namespaces.namespace import Namespace
from mock_heidi.namespaces.registry import Registry

WHO = {"email": "a@b", "third_party_internal_id": "1"}
GOOD = ["a", "A-Z_0.9", "..a", "x" * 64, "-", "_", "default.1"]
BAD = ["x" * 65, "a b", " ", "..", ".", "...", "é", "a+b", "a:b", "a\nb", "a%2Fb", "~", "*"]


def names(client: Client) -> list[str]:
    return [row["name"] for row in client.get("/_mock/namespaces").json()["namespaces"]]


def jwt(client: Client, key: str, path: str = "") -> Any:
    return client.get(
        f"{path}{BASE_PATH}/jwt" if path else "/jwt", signed=False, params=WHO, headers={"Heidi-Api-Key": key}
    )


def state(client: Client, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(client.get(f"/ns/{name}/_mock/state").content)
    return found


@pytest.fixture
def blue(heidi: Client) -> Iterator[Client]:
    """A client of the same application's namespace ``blue``, by path."""
    client = in_namespace(heidi, "blue")
    yield client
    client.close()


def by_suffix(client: Client, name: str, key: str = DEFAULT_KEY) -> Client:
    """A client at the root path whose key names the namespace."""
    other = Client(client.app)
    other.sign_in(key=f"{key}.{name}")
    return other


# --- Two ways in ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", GOOD)
def test_path_and_key_suffix_name_the_same_namespace(heidi: Client, name: str) -> None:
    path, suffix = in_namespace(heidi, name), by_suffix(heidi, name)

    made = suffix.post("/patient-profiles", json={"first_name": "Ada"}).json()["data"]["id"]

    assert path.get(f"/patient-profiles/{made}").json()["data"]["first_name"] == "Ada"
    assert answered(heidi.get(f"/patient-profiles/{made}")) == (404, wire(PROFILE_NOT_FOUND))
    path.close()
    suffix.close()


@pytest.mark.parametrize("key", [DEFAULT_KEY, KEY_TWO])
def test_a_suffix_works_for_every_key(heidi: Client, key: str) -> None:
    suffix = by_suffix(heidi, "blue", key)

    assert len(suffix.get("/patient-profiles").json()["data"]) == {DEFAULT_KEY: 13, KEY_TWO: 2}[key]
    assert names(heidi) == ["default", "blue"]
    suffix.close()


def test_a_suffix_may_repeat_the_path(heidi: Client) -> None:
    assert jwt(heidi, f"{DEFAULT_KEY}.blue", "/ns/blue").status_code == 200


@pytest.mark.parametrize(
    ("key", "path"),
    [
        (f"{DEFAULT_KEY}.blue", "/ns/red"),
        (f"{DEFAULT_KEY}.blue", "/ns/default"),
        (f"{DEFAULT_KEY}.default", "/ns/blue"),
        (f"{DEFAULT_KEY}.blue.red", "/ns/red"),
        ("other.blue", "/ns/blue"),
        ("other.blue", ""),
        (f"{DEFAULT_KEY}.", ""),
        *((f"{DEFAULT_KEY}.{name}", "") for name in ("..", "a b", "x" * 65, "a+b", ".")),
    ],
)
def test_a_suffix_that_differs_from_the_path_is_a_bad_key(heidi: Client, key: str, path: str) -> None:
    assert answered(jwt(heidi, key, path)) == (401, wire(INVALID_KEY))
    assert names(heidi) == ["default"]


def test_an_exact_key_wins_over_a_suffix() -> None:
    keys = [
        {"key": "plain", "ehr_provider": "P", "managed_by": "a" * 24},
        {"key": "plain.blue", "ehr_provider": "D", "managed_by": "b" * 24},
    ]
    with another(fixtures={"api_keys": keys, "patient_profiles": []}) as heidi:
        heidi.sign_in(key="plain.blue")
        made = heidi.post("/sessions").json()["session_id"]
        provider = heidi.get(f"/sessions/{made}").json()["session"]["ehr_provider"]
        exact = names(heidi)
        heidi.sign_in(key="plain.green")
        suffixed = names(heidi)

    assert (provider, exact, suffixed) == ("D", ["default"], ["default", "green"])


def test_a_key_with_dots_can_have_a_suffix() -> None:
    keys = [{"key": "a.b.c", "ehr_provider": "P", "managed_by": "a" * 24}]
    with another(fixtures={"api_keys": keys, "patient_profiles": []}) as heidi:
        statuses = [jwt(heidi, key).status_code for key in ("a.b.c", "a.b.c.blue", "a.b.blue", "a.b")]

        assert (statuses, names(heidi)) == ([200, 200, 401, 401], ["default", "blue"])


def test_the_root_is_the_namespace_default(heidi: Client) -> None:
    default, suffix = in_namespace(heidi, "default"), by_suffix(heidi, "default")

    made = default.post("/sessions").json()["session_id"]

    assert [answered(client.get(f"/sessions/{made}"))[0] for client in (heidi, default, suffix)] == [200] * 3
    assert state(heidi, "default") == heidi.state()
    assert names(heidi) == ["default"]
    default.close()
    suffix.close()


def test_a_key_of_one_namespace_opens_only_that_namespace(heidi: Client) -> None:
    keys = [{"key": "own", "ehr_provider": "P", "managed_by": "a" * 24}]
    heidi.post("/_mock/namespaces/blue", json={"fixtures": {"api_keys": keys, "patient_profiles": []}})

    statuses = [jwt(heidi, key, path).status_code for key, path in (
        ("own", "/ns/blue"), ("own.blue", ""), ("own", ""), ("own", "/ns/red"), (DEFAULT_KEY, "/ns/blue"),
    )]  # fmt: skip

    assert statuses == [200, 200, 401, 401, 401]


# --- Isolation --------------------------------------------------------------------------------------------------------


def test_namespaces_do_not_share_data(heidi: Client, blue: Client) -> None:
    blue.token()
    before = heidi.state()

    made = blue.post("/sessions", json={"patient_profile_id": JOHN}).json()["session_id"]
    blue.patch(f"/patient-profiles/{JOHN}", json={"first_name": "Blue"})
    blue.delete("/patient-profiles:batch-delete", json={"patient_profile_ids": ["677b4d3e0fdd82a36710ec8c"]})

    assert heidi.state() == before
    assert answered(heidi.get(f"/sessions/{made}")) == (404, wire(SESSION_NOT_FOUND))
    assert len(state(heidi, "blue")["patient_profiles"]) == 14


def test_namespaces_do_not_share_journals(heidi: Client, blue: Client) -> None:
    blue.get("/patient-profiles")

    of_blue = heidi.get("/ns/blue/_mock/requests").json()["requests"]
    assert [row["operation"] for row in of_blue] == ["get_jwt", "list_patient_profiles"]
    assert heidi.get("/_mock/requests").json()["requests"] == []


def test_requests_with_a_suffix_token_are_journaled_in_their_namespace(heidi: Client) -> None:
    suffix = by_suffix(heidi, "blue")
    suffix.get("/nothing")
    suffix.close()

    of_blue = heidi.get("/ns/blue/_mock/requests").json()["requests"]
    assert [(row["operation"], row["status"]) for row in of_blue] == [("get_jwt", 200), (None, 404)]


def test_namespaces_do_not_share_ids(heidi: Client, blue: Client) -> None:
    of_default = [heidi.post("/sessions").text for _ in range(3)]
    of_blue = [blue.post("/sessions").text for _ in range(3)]

    with another() as undisturbed:
        assert [undisturbed.post("/sessions").text for _ in range(3)] == of_default
    assert not set(of_default) & set(of_blue)


def test_namespaces_do_not_share_clocks(heidi: Client, blue: Client) -> None:
    heidi.post("/_mock/namespaces/blue", json={"clock": "2030-01-01"})

    stamps = [state(heidi, client_name)["sessions"][-1]["created_at"] for client_name in _with_a_session(heidi, blue)]

    assert stamps == [f"{NOON}.000000", "2030-01-01T00:00:00.000000"]


def _with_a_session(heidi: Client, blue: Client) -> tuple[str, str]:
    heidi.post("/sessions")
    blue.post("/sessions")
    return "default", "blue"


def test_two_applications_in_one_process_share_nothing(heidi: Client) -> None:
    with another() as other:
        before, listed = other.state(), names(other)
        heidi.post("/sessions")
        heidi.post("/_mock/namespaces/blue")
        heidi.post("/_mock/reset?all=true")

        assert (other.state(), names(other)) == (before, listed)
        assert other.get("/_mock/requests").json()["requests"] == []


def test_a_token_expires_by_the_clock_of_its_namespace(heidi: Client, blue: Client) -> None:
    token = blue.sign_in()

    heidi.post("/_mock/namespaces/blue", json={"clock": "2030-01-01"})
    answer = blue.get("/patient-profiles", headers={"Authorization": f"Bearer {token}"})

    assert answered(answer) == (401, wire(EXPIRED_TOKEN))


# --- Tokens -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("of", "at", "status"),
    [
        ("blue", "blue", 200),
        ("blue", "red", 401),
        ("default", "blue", 401),
        ("blue", "default", 401),
        ("default", "default", 200),
    ],
)
def test_path_and_token_must_agree(heidi: Client, of: str, at: str, status: int) -> None:
    of_there, here = in_namespace(heidi, of), in_namespace(heidi, at)
    heidi.get(f"/ns/{at}/_mock/health")
    headers = {"Authorization": f"Bearer {of_there.sign_in()}"}

    answer = here.get("/patient-profiles", headers=headers)

    assert answer.status_code == status
    assert status == 200 or answer.text == wire(INVALID_TOKEN)
    of_there.close()
    here.close()


def test_at_the_root_path_the_token_decides(heidi: Client, blue: Client) -> None:
    made = blue.post("/sessions").json()["session_id"]
    headers = {"Authorization": f"Bearer {blue.token()}"}

    assert heidi.get(f"/sessions/{made}", headers=headers).status_code == 200
    assert answered(heidi.get(f"/sessions/{made}")) == (404, wire(SESSION_NOT_FOUND))


def test_a_valid_token_makes_a_dropped_namespace_again(heidi: Client, blue: Client) -> None:
    blue.sign_in()
    heidi.delete("/_mock/namespaces/blue")

    answer = blue.get("/patient-profiles")

    assert answer.status_code == 200
    assert names(heidi) == ["default", "blue"]
    assert state(heidi, "blue")["api_keys"][0]["users"][-1]["email"] == "test@heidihealth.com"


# --- Names, and what makes a namespace --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BAD)
def test_a_namespace_with_an_invalid_name_is_refused(heidi: Client, name: str) -> None:
    vendor = ask(heidi.app, "GET", f"/ns/{name}{BASE_PATH}/patient-profiles")
    control = ask(heidi.app, "GET", f"/ns/{name}/_mock/health", headers={"Host": "localhost"})

    hint = "use letters, digits, '-', '_' and '.', 64 at most"
    refusal = {"error": f"{name!r} is not a valid name for a namespace", "hint": hint}
    assert (vendor.status, vendor.body) == (404, b'{"detail":"Not Found"}')
    assert (control.status, json.loads(control.body)) == (400, refusal)
    assert names(heidi) == ["default"]


@pytest.mark.parametrize("path", ["/ns/a/b", "/ns//blue", "/ns/blue/ns/red"])
def test_a_name_cannot_contain_a_slash(heidi: Client, path: str) -> None:
    replies = [ask(heidi.app, "GET", f"{path}{rest}", headers={"Host": "localhost"}) for rest in ("/jwt", "/_mock/x")]

    assert [reply.status for reply in replies] == [404, 404]
    assert names(heidi) == ["default"]


REFUSED: list[tuple[str, str, dict[str, str], Any]] = [
    ("GET", f"/ns/blue{BASE_PATH}/jwt?email=a&third_party_internal_id=b", {}, None),
    ("GET", f"/ns/blue{BASE_PATH}/jwt?email=a&third_party_internal_id=b", {"Heidi-Api-Key": "bad"}, None),
    ("GET", f"/ns/blue{BASE_PATH}/jwt?email=a", {"Heidi-Api-Key": DEFAULT_KEY}, None),
    ("GET", f"{BASE_PATH}/jwt?email=a", {"Heidi-Api-Key": f"{DEFAULT_KEY}.blue"}, None),
    ("GET", f"/ns/blue{BASE_PATH}/patient-profiles", {}, None),
    ("GET", f"/ns/blue{BASE_PATH}/patient-profiles", {"Authorization": "Bearer x"}, None),
    ("POST", f"/ns/blue{BASE_PATH}/sessions", {}, {}),
    ("GET", f"/ns/blue{BASE_PATH}/nothing", {}, None),
    ("PUT", f"/ns/blue{BASE_PATH}/sessions", {}, {}),
    ("GET", "/ns/blue/nothing", {}, None),
    ("GET", "/ns/blue/_mock/nothing", {}, None),
    ("PATCH", "/ns/blue/_mock/state", {}, None),
    ("GET", "/ns/blue/_mock/health?x=1", {}, None),
    ("PUT", "/ns/blue/_mock/state", {}, {"patients": []}),
    ("PUT", "/ns/blue/_mock/state", {}, {"sessions": [{"duration": "x"}]}),
    ("POST", "/ns/blue/_mock/state", {}, {"sessions": [{"duration": "x"}]}),
    ("POST", "/ns/blue/_mock/reset?keep=x", {}, None),
    ("PUT", "/ns/blue/_mock/users/nobody@x/link", {}, {}),
    ("DELETE", "/ns/blue/_mock/users/nobody@x/link", {}, None),
    ("GET", "/ns/blue/_mock/requests?limit=x", {}, None),
    ("POST", "/_mock/namespaces/blue", {}, {"seed": "x"}),
]


@pytest.mark.parametrize(("method", "path", "headers", "body"), REFUSED)
def test_a_refused_request_makes_no_namespace(
    heidi: Client, method: str, path: str, headers: dict[str, str], body: Any
) -> None:
    answer = heidi.request(method, f"http://localhost{path}", signed=False, headers=headers, json=body)

    assert 400 <= answer.status_code < 500
    assert names(heidi) == ["default"]


def test_a_refused_request_does_not_drop_an_existing_namespace(heidi: Client, blue: Client) -> None:
    blue.post("/sessions")

    heidi.post("/ns/blue/_mock/state", json={"sessions": [{"duration": "x"}]})

    assert len(state(heidi, "blue")["sessions"]) == 32


@pytest.mark.parametrize("endpoint", ["health", "state", "requests"])
def test_every_endpoint_of_the_control_api_makes_its_namespace(heidi: Client, endpoint: str) -> None:
    heidi.get(f"/ns/blue/_mock/{endpoint}")

    assert names(heidi) == ["default", "blue"]


def test_a_new_namespace_has_the_servers_start(heidi: Client) -> None:
    fresh = heidi.state()
    heidi.post("/sessions")

    assert state(heidi, "blue") == fresh


# --- The keys that are secret -----------------------------------------------------------------------------------------


def keys(prefix: str, number: int) -> dict[str, Any]:
    rows = [{"key": f"{prefix}-{at:06}", "ehr_provider": "P", "managed_by": f"{at:024x}"} for at in range(number)]
    return {"api_keys": rows}


def test_the_latest_former_keys_are_remembered_up_to_a_bound(heidi: Client) -> None:
    for at in range(4):
        heidi.put("/_mock/state", json=keys(f"round-{at}", 600))

    known = heidi.app.registry.default.secrets.keys
    seen = {name for name in known if name.startswith(("round-2", "round-3"))}
    assert len(known) == 600 + 1_000
    assert len(seen) == 1_200


def test_a_key_that_returns_is_no_longer_a_former_one(heidi: Client) -> None:
    for at in (0, 1, 0):
        heidi.put("/_mock/state", json=keys(f"round-{at}", 2))

    known = heidi.app.registry.default.secrets.keys
    named = {name for name in known if name.startswith("round")}
    assert named == {f"round-{at}-{number:06}" for at in range(2) for number in range(2)}


def test_the_keys_of_all_namespaces_are_collected_once_for_many_rows(
    heidi: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for at in range(20):
        heidi.post(f"/_mock/namespaces/n{at}", json={"api_key": f"key-of-namespace-{at}"})
    for _ in range(50):
        heidi.get("/unknown?key=key-of-namespace-7")
    collected: list[Namespace] = []

    def iterating(self: Registry) -> Iterator[Namespace]:
        for namespace in tuple(self._all.values()):
            collected.append(namespace)
            yield namespace

    monkeypatch.setattr(Registry, "__iter__", iterating)

    rows = heidi.get("/_mock/requests").json()["requests"]

    assert {row["query"]["key"] for row in rows if "key" in (row["query"] or {})} == {"***"}
    assert len(collected) <= 21


@pytest.mark.parametrize("own_keys", [True, False])
def test_a_namespace_with_its_own_key_does_not_read_the_folder_again(tmp_path: Path, *, own_keys: bool) -> None:
    """The folder changes after the start of the server."""
    files = {"patient_profiles": "- first_name: Ada\n"}
    if own_keys:
        files["api_keys"] = "- {key: one-key, ehr_provider: P, managed_by: %s}\n" % JOHN  # noqa: UP031 - braces
    for name, text in files.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    with another(fixtures=str(tmp_path)) as heidi:
        expected = heidi.post("/_mock/namespaces/before", json={"api_key": "another-key"}).json()["counts"]
        before = state(heidi, "before")
        (tmp_path / "patient_profiles.yaml").write_text("- first_nam: Ada\n")

        answer = heidi.post("/_mock/namespaces/after", json={"api_key": "another-key"})

        assert (answer.status_code, answer.json()["counts"]) == (200, expected)
        assert state(heidi, "after") == before
        assert [key["key"] for key in before["api_keys"]] == ["another-key"]
        assert [row["first_name"] for row in before["patient_profiles"]] == ["Ada"]


def test_a_namespace_with_its_own_key_keeps_the_rest_of_the_start(heidi: Client) -> None:
    heidi.post("/_mock/namespaces/blue", json={"api_key": "another-key"})

    with another(api_key="another-key") as other:
        assert state(heidi, "blue") == other.state()


def test_a_refused_request_with_a_good_token_leaves_no_namespace_and_no_user(app: App, heidi: Client) -> None:
    heidi.post("/_mock/namespaces/gone")
    heidi.sign_in(key="mock-heidi-key.gone")
    heidi.delete("/_mock/namespaces/gone")

    refused = heidi.get("/sessions/77")
    assert (refused.status_code, app.registry.get("gone")) == (404, None)
    assert heidi.get("/sessions/1234567890").status_code == 200
    assert app.registry.get("gone") is not None


def test_a_user_that_a_reset_removed_is_made_again_only_by_a_success(heidi: Client) -> None:
    heidi.sign_in(email="new@example.com", third="9")
    heidi.post("/_mock/reset")
    before = heidi.state()

    assert heidi.post("/patient-profiles", content=b"[]").status_code == 422
    assert heidi.state() == before
    assert heidi.get(f"/patient-profiles/{JOHN}").status_code == 200
    assert "new@example.com" in json.dumps(heidi.state())


def test_a_refused_call_keeps_a_namespace_that_another_client_uses(app: App) -> None:
    """A bad body arrives slowly, and another client signs in to the same new namespace meanwhile."""
    body_wanted, go_on = asyncio.Event(), asyncio.Event()
    statuses: list[int] = []

    async def receive() -> dict[str, Any]:
        body_wanted.set()
        await go_on.wait()
        return {"type": "http.request", "body": b'{"sessions": 5}', "more_body": False}

    async def send(message: Any) -> None:
        statuses.extend([message["status"]] if "status" in message else [])

    async def both() -> None:
        scope = {
            "type": "http",
            "method": "POST",
            "path": "/ns/shared/_mock/state",
            "query_string": b"",
            "scheme": "http",
            "headers": [(b"host", b"localhost")],
            "client": ("127.0.0.1", 1),
        }
        slow = asyncio.create_task(app(scope, receive, send))
        await body_wanted.wait()
        app.registry.make("shared")
        go_on.set()
        await slow

    asyncio.run(both())

    assert statuses == [400]
    assert app.registry.get("shared") is not None
