"""The journal: the last requests of a namespace, bounded, and shown without their secrets.

``GET /_mock/requests`` → ``{"requests": [entry…], "dropped": n}``, oldest first; an entry is ``{id, at, namespace,
operation, method, path, query, headers, body, status, response, pieces, duration, fault, findings, client_left,
provenance, why}``. What is secret reads ``***`` wherever it stands.
``DELETE`` → ``{"cleared": n}``.
"""

import asyncio
import json
from typing import Any

import pytest
from conftest import JOHN, NOON, Client
from helpers import INVALID_KEY, SESSION, another, answered, ask, exchange, space, wire
from starlette.types import Message

from mock_heidi.journal import REDACTED, Entry, Journal
from mock_heidi.settings import BASE_PATH, DEFAULT_KEY

KEYS = [
    "id",
    "at",
    "namespace",
    "operation",
    "method",
    "path",
    "query",
    "headers",
    "body",
    "status",
    "response",
    "pieces",
    "duration",
    "fault",
    "findings",
    "client_left",
    "provenance",
    "why",
]
A_TOKEN = "eyJhbGciOiJub25lIn0.eyJhIjoxfQ.c2lnbmF0dXJl"


def journaled(client: Client, query: str = "") -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = client.get(f"/_mock/requests{query}").json()["requests"]
    return rows


def last(client: Client) -> dict[str, Any]:
    return journaled(client)[-1]


def entry(body: bytes = b"", **more: Any) -> Entry:
    scope = {"method": "POST", "path": "/p", "query_string": b"", "headers": [], **more}
    made = Entry(0, 0.0, None, scope)
    made.body = body
    return made


def read(made: Entry) -> dict[str, Any]:
    return Journal("default", entries=1, size=1, secrets=list).read(made)


# --- What is kept -----------------------------------------------------------------------------------------------------


def test_an_entry_tells_the_whole_exchange(heidi: Client) -> None:
    heidi.token()
    answer = heidi.patch(f"/patient-profiles/{JOHN}?a=1&a=2&b=", json={"first_name": "Zoë"}, headers={"X-Own": "x"})

    found = last(heidi)
    duration = found.pop("duration")
    headers = found.pop("headers")
    assert found == {
        "id": 2,
        "at": f"{NOON}.000Z",
        "operation": "update_patient_profile",
        "method": "PATCH",
        "path": f"{BASE_PATH}/patient-profiles/{JOHN}",
        "query": {"a": "1, 2", "b": ""},
        "body": {"first_name": "Zoë"},
        "status": 200,
        "response": answer.json(),
        "namespace": "default",
        "pieces": None,
        "fault": None,
        "findings": ["unknown_parameter", "unknown_parameter"],
        "client_left": False,
        "provenance": None,
        "why": None,
    }
    assert (headers["x-own"], headers["authorization"], headers["host"]) == ("x", REDACTED, "localhost")
    assert 0 < duration < 60
    assert list(journaled(heidi)[-1]) == KEYS


def test_entries_are_numbered_and_oldest_first(heidi: Client) -> None:
    heidi.get("/patient-profiles")
    heidi.get(f"/sessions/{SESSION}")

    found = [(row["id"], row["operation"]) for row in journaled(heidi)]
    assert found == [(1, "get_jwt"), (2, "list_patient_profiles"), (3, "get_session")]


@pytest.mark.parametrize(
    ("method", "path", "operation", "status"),
    [
        ("GET", f"/sessions/{SESSION}", "get_session", 200),
        ("GET", "/sessions/99", "get_session", 404),
        ("POST", "/patient-profiles", "create_patient_profile", 422),
        ("GET", "/nothing", None, 404),
        ("PUT", "/sessions", None, 405),
        ("GET", "/patient-profiles:batch-delete", None, 405),
        ("GET", "http://localhost/not/under/the/base", None, 404),
    ],
)
def test_refused_and_unmatched_requests_are_kept_too(
    heidi: Client, method: str, path: str, operation: str | None, status: int
) -> None:
    heidi.request(method, path)

    found = last(heidi)
    assert (found["operation"], found["status"]) == (operation, status)


def test_a_request_without_a_token_is_kept_in_the_default_namespace(heidi: Client) -> None:
    heidi.get("/patient-profiles", signed=False)

    assert [(row["operation"], row["status"]) for row in journaled(heidi)] == [("list_patient_profiles", 401)]


def test_calls_of_the_control_plane_are_not_kept(heidi: Client) -> None:
    heidi.get("/_mock/health")
    heidi.post("/_mock/state", json={"sessions": [{}]})
    heidi.get("/_mock/nothing")
    ask(heidi.app, "GET", "/livez")

    assert journaled(heidi) == []


def test_a_request_on_its_way_is_there_without_a_status(heidi: Client) -> None:
    token = heidi.token()

    async def watch() -> dict[str, Any]:
        begun, finish = asyncio.Event(), asyncio.Event()

        async def receive() -> Message:
            begun.set()
            await finish.wait()
            return {"type": "http.request", "body": b"{}", "more_body": False}

        async def send(_: Message) -> None: ...

        scope = {
            "type": "http",
            "method": "POST",
            "path": f"{BASE_PATH}/sessions",
            "query_string": b"",
            "headers": [(b"authorization", f"Bearer {token}".encode())],
        }
        task = asyncio.create_task(heidi.app(scope, receive, send))
        await begun.wait()
        listed = await exchange(heidi.app, "GET", "/_mock/requests", headers={"Host": "localhost"})
        finish.set()
        await task
        found: dict[str, Any] = json.loads(listed.body)["requests"][-1]
        return found

    during = asyncio.run(watch())

    shown = {name: during[name] for name in ("operation", "status", "response", "duration", "client_left")}
    assert shown == {
        "operation": "create_session",
        "status": None,
        "response": None,
        "duration": None,
        "client_left": False,
    }
    assert last(heidi)["status"] == 200


def test_a_client_that_leaves_in_the_middle_of_its_body_is_noted(heidi: Client) -> None:
    headers = {"Authorization": f"Bearer {heidi.token()}"}
    before = heidi.state()
    half = {"type": "http.request", "body": b'{"first_name": "Ha', "more_body": True}

    reply = ask(heidi.app, "PATCH", f"{BASE_PATH}/patient-profiles/{JOHN}", headers=headers, messages=[half])

    found = last(heidi)
    assert (reply.status, found["status"], found["client_left"]) == (None, None, True)
    assert found["duration"] is not None
    assert heidi.state() == before


# --- Filters and limits -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("", [1, 2, 3, 4, 5]),
        ("?operation=get_session", [2, 3]),
        ("?operation=get_session&status=404", [3]),
        ("?status=200", [1, 2, 4]),
        ("?method=POST", [4, 5]),
        (f"?path={BASE_PATH}/sessions/{SESSION}", [2]),
        ("?operation=ask_ai", []),
        ("?limit=2", [4, 5]),
        ("?limit=1&operation=get_session", [3]),
        ("?limit=0", []),
        ("?limit=99", [1, 2, 3, 4, 5]),
    ],
)
def test_filters_and_the_limit_pick_the_newest(heidi: Client, query: str, ids: list[int]) -> None:
    for method, path in (("GET", f"/sessions/{SESSION}"), ("GET", "/sessions/99"), ("POST", "/sessions")):
        heidi.request(method, path)
    heidi.post("/patient-profiles")

    assert [row["id"] for row in journaled(heidi, query)] == ids


@pytest.mark.parametrize("limit", ["-1", "x", "1.5", ""])
def test_a_limit_that_is_no_number_is_refused(heidi: Client, limit: str) -> None:
    answer = heidi.get(f"/_mock/requests?limit={limit}")

    expected = {"error": f"limit={limit} is no number", "hint": "write it like limit=20"}
    assert answered(answer) == (400, wire(expected))


def test_the_count_is_bounded_and_what_went_is_counted() -> None:
    with another(journal_entries=3) as heidi:
        for _ in range(5):
            heidi.get(f"/sessions/{SESSION}")
        body = heidi.get("/_mock/requests").json()

    assert ([row["id"] for row in body["requests"]], body["dropped"]) == ([4, 5, 6], 3)


def test_the_bytes_are_bounded_and_the_newest_stays() -> None:
    with another(journal_bytes=100_000) as heidi:
        for size in (10, 40_000, 40_000, 40_000):
            heidi.post("/sessions", json={"unknown": "x" * size})
        bounded = [row["id"] for row in journaled(heidi)]
        heidi.post("/sessions", json={"unknown": "x" * 500_000})
        alone = heidi.get("/_mock/requests").json()

    assert bounded == [4, 5]
    assert ([row["id"] for row in alone["requests"]], alone["dropped"]) == ([6], 5)


def test_what_was_dropped_or_cleared_on_its_way_takes_no_room_for_ever() -> None:
    journal = Journal("default", entries=2, size=10_000, secrets=list)
    for _ in range(20):
        slow = [entry(b"x" * 1_000) for _ in range(4)]
        for each in slow:
            journal.add(each)
        journal.clear()
        for each in slow:
            journal.close(each, 1.0)
    quick = [entry(b"x" * 3_000), entry(b"x" * 3_000)]
    for each in quick:
        journal.add(each)
        journal.close(each, 1.0)

    assert list(journal) == quick


def test_clearing_tells_how_many_there_were(heidi: Client) -> None:
    heidi.get("/patient-profiles")

    answer = heidi.delete("/_mock/requests")

    assert answered(answer) == (200, wire({"cleared": 2}))
    assert answered(heidi.get("/_mock/requests")) == (200, wire({"requests": [], "dropped": 0}))


def test_numbers_go_on_after_clearing(heidi: Client) -> None:
    heidi.get("/patient-profiles")
    heidi.delete("/_mock/requests")

    heidi.get("/patient-profiles")

    assert [row["id"] for row in journaled(heidi)] == [3]


# --- Secrets ----------------------------------------------------------------------------------------------------------


def test_signing_in_shows_neither_key_nor_token(heidi: Client) -> None:
    token = heidi.sign_in()

    found = last(heidi)
    assert (found["headers"]["heidi-api-key"], found["response"], found["status"]) == (REDACTED, REDACTED, 200)
    assert found["query"] == {"email": "test@heidihealth.com", "third_party_internal_id": "123"}
    assert token not in heidi.get("/_mock/requests").text


def test_a_refused_sign_in_shows_why(heidi: Client) -> None:
    heidi.get("/jwt", signed=False, headers={"Heidi-Api-Key": "wrong-secret"})

    assert last(heidi)["response"] == INVALID_KEY
    assert "wrong-secret" not in heidi.get("/_mock/requests").text


@pytest.mark.parametrize("name", ["X-Auth", "Cookie", "X-Api-Key", "access_token", "Client-Secret", "PASSWORD"])
def test_values_under_secret_names_are_taken_out(heidi: Client, name: str) -> None:
    secret = "hunter2"
    heidi.post(
        f"/sessions?{name}={secret}", headers={name: secret}, json={name: secret, "in": [{name: {"deep": secret}}]}
    )
    as_json = last(heidi)
    heidi.post("/sessions", content=f"{name}={secret}&shown=yes".encode())
    as_form = last(heidi)

    assert (as_json["query"], as_json["headers"][name.lower()]) == ({name: REDACTED}, REDACTED)
    assert as_json["body"] == {name: REDACTED, "in": [{name: REDACTED}]}
    assert as_form["body"] == f"{name}={REDACTED}&shown=yes"
    assert secret not in heidi.get("/_mock/requests").text


@pytest.mark.parametrize("secret", [DEFAULT_KEY, "mock-heidi-key-two", f"{DEFAULT_KEY}.blue", A_TOKEN])
@pytest.mark.parametrize(
    "place",
    ["path", "query", "query name", "header", "body", "body name", "form", "text", "broken JSON", "in a sentence"],
)
def test_known_keys_and_tokens_are_taken_out_wherever_they_stand(heidi: Client, secret: str, place: str) -> None:
    options: dict[str, dict[str, Any]] = {
        "path": {"path": f"/sessions/{secret}", "method": "GET"},
        "query": {"params": {"a": secret}},
        "query name": {"params": {secret: "a"}},
        "header": {"headers": {"X-Own": secret}},
        "body": {"json": {"a": [secret]}},
        "body name": {"json": {"a": {secret: 1}}},
        "form": {"content": f"a={secret}".encode()},
        "text": {"content": secret.encode()},
        "broken JSON": {"content": f'{{"a": "{secret}"'.encode()},
        "in a sentence": {"json": {"a": f"my key is {secret}, keep it"}},
    }
    heidi.token()

    heidi.request(**{"method": "POST", "path": "/sessions", **options[place]})

    shown = heidi.get("/_mock/requests?limit=1").text
    assert secret not in shown
    assert DEFAULT_KEY not in shown
    assert REDACTED in shown.replace(f'"authorization":"{REDACTED}"', "")


def test_a_key_that_was_chosen_is_taken_out_too() -> None:
    with another(api_key="my-own-secret") as heidi:
        heidi.sign_in(key="my-own-secret")
        heidi.post("/sessions", json={"note": "my-own-secret"})

        assert last(heidi)["body"] == {"note": REDACTED}


def test_issued_tokens_in_answers_are_taken_out(heidi: Client) -> None:
    token = heidi.token()
    heidi.patch(f"/sessions/{SESSION}", json={"clinician_notes": [f"pasted {token} here"]})

    assert last(heidi)["response"]["session"]["clinician_notes"] == [f"pasted {REDACTED} here"]


def test_a_field_without_a_value_has_no_secret() -> None:
    found = read(entry(b'{"token": null, "api_key": ""}'))

    assert found["body"] == {"token": None, "api_key": REDACTED}


# --- Bodies that nobody could write again -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": "\\ud800"}',
        b'{"a": NaN}',
        b'{"a": 1e999}',
        b"[" * 100_000,
        b"[" * 5_000 + b"]" * 5_000,
        b"\xff\xfe\x00",
        b"9" * 5_000,
        b'{"a": 1',
        b"a=\xff&b",
        b"\x00",
    ],
    ids=lambda body: repr(body[:16]),
)
def test_whatever_was_sent_the_journal_can_be_read(heidi: Client, body: bytes) -> None:
    heidi.post("/patient-profiles", content=body)

    answer = heidi.get("/_mock/requests")
    found = json.loads(answer.text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))["requests"][-1]
    assert answer.status_code == 200
    assert (found["status"], type(found["body"])) == (422, str)


def test_each_namespace_has_its_own_secrets(heidi: Client) -> None:
    keys = [{"key": "own-secret", "ehr_provider": "P", "managed_by": "a" * 24}]
    heidi.post("/_mock/namespaces/blue", json={"fixtures": {"api_keys": keys, "patient_profiles": []}})
    blue = space(heidi, "blue")
    blue.sign_in(key="own-secret")
    blue.post("/sessions", json={"note": f"own-secret and {DEFAULT_KEY}"})
    blue.close()

    assert journaled(heidi, "") == []
    found = heidi.get("/ns/blue/_mock/requests").json()["requests"][-1]
    assert found["body"] == {"note": f"{REDACTED} and {DEFAULT_KEY}"}
