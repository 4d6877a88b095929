"""Signing in, and how tokens are checked.

``GET /jwt`` → ``{"token": "<JWT>", "expiration_time": "2025-01-06T13:00:00.000Z"}``. A request without a valid
key or token gets 401 with one of ``{"detail": {"msg": …, "type": …}}`` and ``{"detail": "Not authenticated"}``.
"""

import asyncio
import hashlib
import json
from typing import Any

import jwt
import pytest
import shapes
from clients import JOHN, NOON, Client
from helpers import (
    EXPIRED_TOKEN,
    INVALID_KEY,
    INVALID_TOKEN,
    KEY_TWO,
    NOT_AUTHENTICATED,
    SESSION,
    SUCCESS,
    another,
    answered,
    in_namespace,
    wire,
)
from starlette.types import Message

from mock_heidi.base.assumptions import assumed
from mock_heidi.base.settings import BASE_PATH, DEFAULT_KEY
from mock_heidi.fixtures import loader as fixture_loader
from mock_heidi.namespaces import lifecycle

WHO = {"email": "doctor@example.org", "third_party_internal_id": "42"}
KEY = {"Heidi-Api-Key": DEFAULT_KEY}
NOON_SECONDS = 1_736_164_800


def claims(token: str) -> dict[str, Any]:
    found: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return found


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_a_token_is_a_signed_jwt_that_expires_at_the_time_in_the_answer(heidi: Client) -> None:
    answer = heidi.get("/jwt", signed=False, params=WHO, headers=KEY)

    token = answer.json()["token"]
    assert answered(answer) == (200, wire(shapes.TOKEN.unset(token=token, expiration_time="2025-01-06T13:00:00.000Z")))
    assert jwt.get_unverified_header(token) == {"alg": "HS256", "typ": "JWT"}
    assert claims(token) == {"namespace": "default", "managed_by": JOHN, **WHO, "exp": NOON_SECONDS + 3600, "jti": "1"}


def test_a_user_gets_two_different_tokens_within_one_second(heidi: Client) -> None:
    first, second = heidi.sign_in(), heidi.sign_in()

    assert first != second
    assert claims(first)["exp"] == claims(second)["exp"]
    for token in (first, second):
        assert heidi.get("/patient-profiles", headers=bearer(token)).status_code == 200


def test_the_lifetime_of_a_token_follows_the_assumption(heidi: Client) -> None:
    token = heidi.sign_in()

    assert claims(token)["exp"] - NOON_SECONDS == assumed("token_lifetime") == 3600


def test_a_user_who_signs_in_twice_is_stored_once(heidi: Client) -> None:
    heidi.sign_in(email=WHO["email"], third="42")
    heidi.sign_in(email=WHO["email"], third="42")

    assert [user for user in heidi.state()["api_keys"][0]["users"] if user["email"] == WHO["email"]] == [WHO]


@pytest.mark.parametrize(
    "headers",
    [{}, *({"Heidi-Api-Key": key} for key in ("", "no such key", "Mock-Heidi-Key", "mock-heidi-key.", ".", "é"))],
    ids=["none", "empty", "unknown", "other case", "empty suffix", "dot", "beyond ASCII"],
)
def test_signing_in_needs_a_known_key(heidi: Client, headers: dict[str, str]) -> None:
    before = heidi.state()

    answer = heidi.get("/jwt", signed=False, params=WHO, headers={n: v.encode() for n, v in headers.items()})

    assert answered(answer) == (401, '{"detail":{"msg":"Invalid API key","type":"InvalidApiKeyError"}}')
    assert heidi.state() == before


@pytest.mark.parametrize(
    ("query", "absent"),
    [
        ({"third_party_internal_id": "1"}, ["email"]),
        ({"email": "a@b.c"}, ["third_party_internal_id"]),
        ({}, ["email", "third_party_internal_id"]),
        ({"Email": "a@b.c", "third_party_internal_ID": "1"}, ["email", "third_party_internal_id"]),
    ],
)
def test_the_refusal_lists_each_missing_parameter(heidi: Client, query: dict[str, str], absent: list[str]) -> None:
    before = heidi.state()

    answer = heidi.get("/jwt", signed=False, params=query, headers=KEY)

    rows = [{"type": "missing", "loc": ["query", name], "msg": "Field required", "input": None} for name in absent]
    assert answered(answer) == (422, wire({"detail": rows}))
    assert heidi.state() == before


def test_a_bad_key_is_reported_before_a_missing_parameter(heidi: Client) -> None:
    answer = heidi.get("/jwt", signed=False, headers={"Heidi-Api-Key": "bad"})

    assert answered(answer) == (401, wire(INVALID_KEY))


@pytest.mark.parametrize(
    ("headers", "words"),
    [({}, "no API key: send in the header Heidi-Api-Key the key"), ({"Heidi-Api-Key": "sesame"}, "unknown API key: ")],
    ids=["no key", "a wrong one"],
)
def test_the_refusal_of_a_key_says_where_to_set_the_right_one(
    heidi: Client, headers: dict[str, str], words: str
) -> None:
    answer = heidi.get("/jwt", signed=False, headers=headers)
    (row,) = heidi.get("/_mock/requests?operation=get_jwt&limit=1").json()["requests"]

    assert row["why"] == answer.headers["x-mock-reason"]
    assert row["why"].startswith(words)
    assert {"--api-key", "(MOCK_HEIDI_API_KEY),", "api_keys.yaml,", "mock_heidi.api_key"} <= set(row["why"].split())
    assert not {"sesame", DEFAULT_KEY} & set(row["why"].split())


@pytest.mark.parametrize(
    "email", ["test@heidihealth.com", "no address", "", "a+b@c", "é@ü.de", "💊", "a\0b", "x" * 5000]
)
def test_any_text_is_accepted_as_an_email(heidi: Client, email: str) -> None:
    token = heidi.sign_in(email=email, third=email)

    assert (claims(token)["email"], claims(token)["third_party_internal_id"]) == (email, email)
    assert heidi.get("/patient-profiles").status_code == 200


def test_the_last_value_of_a_repeated_parameter_counts(heidi: Client) -> None:
    answer = heidi.get(
        "/jwt?email=first&third_party_internal_id=1&email=last&third_party_internal_id=2", signed=False, headers=KEY
    )

    found = claims(answer.json()["token"])
    assert (found["email"], found["third_party_internal_id"]) == ("last", "2")


@pytest.mark.parametrize("key", [DEFAULT_KEY, KEY_TWO, "no such key"])
def test_an_api_key_sent_with_a_token_is_ignored(heidi: Client, key: str) -> None:
    answer = heidi.get(f"/patient-profiles/{JOHN}", headers={"Heidi-Api-Key": key})

    assert answered(answer) == answered(heidi.get(f"/patient-profiles/{JOHN}"))
    assert answer.status_code == 200


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_case_of_the_scheme_does_not_matter(heidi: Client, scheme: str) -> None:
    answer = heidi.get("/patient-profiles", headers={"Authorization": f"{scheme} {heidi.token()}"})

    assert answer.status_code == 200


@pytest.mark.parametrize("given", [None, "", "Bearer", "Bearer ", "Basic dXNlcjpwYXNz", "Token abc", "token"])
def test_a_request_without_a_bearer_token_is_refused(heidi: Client, given: str | None) -> None:
    before = heidi.state()

    headers = {} if given is None else {"Authorization": given}
    answer = heidi.post("/sessions", signed=False, headers=headers)

    assert answered(answer) == (401, wire(NOT_AUTHENTICATED))
    assert answer.headers["www-authenticate"] == "Bearer"
    assert heidi.state() == before


def _forged(token: str) -> dict[str, str]:
    head, body, signature = token.split(".")
    known = claims(token)
    return {
        "no token": "abc",
        "two parts": f"{head}.{body}",
        "four parts": f"{token}.x",
        "other signature": f"{head}.{body}.{signature[::-1]}",
        "other secret": jwt.encode(known, "another secret that is as long as this one", algorithm="HS256"),
        "no signature": jwt.encode(known, "", algorithm="none"),
        "beyond ASCII": "é.é.é",
        "with a blank": f"{token} {token}",
    }


@pytest.mark.parametrize("kind", list(_forged(jwt.encode({}, "x" * 32))))
def test_a_forged_token_is_refused(heidi: Client, kind: str) -> None:
    token = _forged(heidi.token())[kind]

    answer = heidi.get("/patient-profiles", headers={"Authorization": f"Bearer {token}".encode()})

    assert answered(answer) == (401, wire(INVALID_TOKEN))
    assert "www-authenticate" not in answer.headers


def test_a_token_of_a_server_with_another_seed_is_refused(heidi: Client) -> None:
    with another(seed=7) as other:
        token = other.sign_in()

    answer = heidi.get("/patient-profiles", headers=bearer(token))

    assert answered(answer) == (401, wire(INVALID_TOKEN))


def _signed_with_what_a_default_server_knows() -> dict[str, str]:
    """Tokens that anyone with this package can make."""
    with another() as default:
        issued = default.sign_in()
        secret = default.app.registry.tokens._secret  # noqa: SLF001 - seed and default keys are public
        own_seed = f"mock_heidi tokens {default.app.registry.settings.seed}"
    forged = {**claims(issued), "exp": 4_102_444_800}
    old = hashlib.sha256(own_seed.encode()).hexdigest()
    return {
        "issued": issued,
        "forged for 2100": jwt.encode(forged, secret, algorithm="HS256"),
        "forged with the seed alone": jwt.encode(forged, old, algorithm="HS256"),
    }


@pytest.mark.parametrize("kind", ["issued", "forged for 2100", "forged with the seed alone"])
@pytest.mark.parametrize("private", ["api_key", "fixture"])
def test_a_server_with_a_private_key_refuses_tokens_of_a_default_server(kind: str, private: str) -> None:
    token = _signed_with_what_a_default_server_knows()[kind]
    keys = [{"key": "a-private-key", "ehr_provider": "Own", "managed_by": JOHN}]
    options: dict[str, Any] = {"api_key": "a-private-key"} if private == "api_key" else {"fixtures": {"api_keys": keys}}

    with another(**options) as guarded:
        answer = guarded.get("/patient-profiles", headers=bearer(token))

    assert answered(answer) == (401, wire(INVALID_TOKEN))


@pytest.mark.parametrize("keys", [("a", "bc"), ("ab", "c"), ("a", "b"), ("abc",)])
def test_servers_with_different_keys_do_not_share_tokens(keys: tuple[str, ...]) -> None:
    def own(names: tuple[str, ...]) -> dict[str, Any]:
        rows = [{"key": name, "ehr_provider": "Own", "managed_by": JOHN} for name in names]
        return {"api_keys": rows, "patient_profiles": []}

    with another(fixtures=own(("a", "b", "c"))) as first, another(fixtures=own(keys)) as second:
        token = first.sign_in(key="a")

        answer = second.get("/patient-profiles", headers=bearer(token))

    assert answered(answer) == (401, wire(INVALID_TOKEN))


def test_the_same_private_key_gives_the_same_tokens() -> None:
    with another(api_key="a-private-key") as first, another(api_key="a-private-key") as again:
        assert first.sign_in(key="a-private-key") == again.sign_in(key="a-private-key")


def test_api_keys_of_a_namespace_do_not_change_the_signing_secret(heidi: Client) -> None:
    keys = [{"key": "blues-own-key", "ehr_provider": "Blue", "managed_by": "b" * 24}]
    heidi.post("/_mock/namespaces/blue", json={"fixtures": {"api_keys": keys, "patient_profiles": []}})
    blue = in_namespace(heidi, "blue")

    token = blue.sign_in(key="blues-own-key")
    own, foreign = blue.get("/patient-profiles"), heidi.get("/patient-profiles", headers=bearer(token))
    heidi.delete("/_mock/namespaces/blue")
    gone = blue.get("/patient-profiles")
    blue.close()

    assert claims(token)["managed_by"] == "b" * 24
    assert own.status_code == 200
    assert foreign.json() == {"data": []}  # the token names its namespace
    assert answered(gone) == (401, wire(INVALID_TOKEN))  # the new namespace does not know that key


@pytest.mark.parametrize(
    ("clock", "expected"),
    [
        ("2025-01-06T11:00:00", (200, None)),
        ("2025-01-06T12:59:59.999", (200, None)),
        ("2025-01-06T13:00:00", (401, EXPIRED_TOKEN)),
        ("2031-01-01", (401, EXPIRED_TOKEN)),
    ],
)
def test_tokens_expire_by_the_mock_clock(heidi: Client, clock: str, expected: tuple[int, Any]) -> None:
    token = heidi.sign_in()

    with another(clock=clock) as later:
        answer = later.get("/patient-profiles", headers=bearer(token))

    status, body = expected
    assert answer.status_code == status
    assert body is None or answer.text == wire(body)


def test_a_token_survives_a_reset(heidi: Client) -> None:
    token = heidi.sign_in(email="kept@example.org")

    heidi.post("/_mock/reset")

    assert heidi.get("/patient-profiles", headers=bearer(token)).status_code == 200


def test_a_token_survives_a_restart_and_its_user_is_known_again(heidi: Client) -> None:
    token = heidi.sign_in(email=WHO["email"], third="42")

    with another() as restarted:
        answer = restarted.post("/sessions", headers=bearer(token))
        users = restarted.state()["api_keys"][0]["users"]

    assert answer.status_code == 200
    assert users[-1] == WHO


def test_a_token_of_a_removed_key_is_refused(heidi: Client) -> None:
    token = heidi.sign_in()
    own = {"key": "k", "ehr_provider": "Own", "managed_by": "a" * 24}

    heidi.put("/_mock/state", json={"api_keys": [own], "patient_profiles": []})

    assert answered(heidi.get("/patient-profiles", headers=bearer(token))) == (401, wire(INVALID_TOKEN))


def _series(client: Client) -> list[tuple[int, dict[str, str], bytes]]:
    """All bytes of the answers to a typical series of requests, including a refusal."""
    client.sign_in(email="série@example.org")
    session = client.post("/sessions", json={"patient_profile_id": JOHN}).json()["session_id"]
    profile = client.post("/patient-profiles", json={"first_name": "Zoë"}).json()["data"]["id"]
    answers = [
        client.get("/jwt", signed=False, params=WHO, headers=KEY),
        client.post("/sessions"),
        client.post("/patient-profiles", json={"ehr_patient_id": "E1", "birth_date": "2001-02-03"}),
        client.patch(f"/patient-profiles/{profile}", json={"gender": "OTHER"}),
        client.post(f"/patient-profiles/{profile}/sessions", json={"session_ids": [session, SESSION]}),
        client.patch(f"/sessions/{session}", json={"duration": 60, "patient": {"name": "Z"}}),
        client.patch(f"/sessions/{session}", json={"duration": "60"}),
        client.get(f"/sessions/{session}"),
        client.get("/patient-profiles"),
        client.delete("/patient-profiles:batch-delete", json={"patient_profile_ids": [profile]}),
        client.get("/patient-profiles"),
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 200, 200, 200, 422, 200, 200, 200, 200]
    assert answers[-2].json() == SUCCESS
    return [(answer.status_code, dict(answer.headers), answer.content) for answer in answers]


def test_same_seed_clock_and_requests_give_the_same_bytes(heidi: Client) -> None:
    with another(seed=0, clock=NOON) as again:
        assert _series(again) == _series(heidi)


def test_a_reset_repeats_the_same_bytes(heidi: Client) -> None:
    first = _series(heidi)

    heidi.post("/_mock/reset")

    assert _series(heidi) == first


@pytest.mark.parametrize("changed", [{"seed": 1}, {"clock": "2025-01-06T12:00:01"}], ids=["seed", "clock"])
def test_another_seed_or_clock_gives_different_bytes(heidi: Client, changed: dict[str, Any]) -> None:
    with another(**changed) as other:
        assert _series(other) != _series(heidi)


def test_bytes_depend_on_the_name_of_the_namespace(heidi: Client) -> None:
    with another() as elsewhere:
        blue, red, blue_again = in_namespace(heidi, "blue"), in_namespace(heidi, "red"), in_namespace(elsewhere, "blue")
        series = [_series(client) for client in (blue, red, blue_again)]
        for client in (blue, red, blue_again):
            client.close()

    assert series[0] != series[1]
    assert series[0] == series[2]


# --- An account that is removed during a request ----------------------------------------------------------------------

OTHER_ACCOUNT = {"api_keys": [{"key": "another-key", "ehr_provider": "P", "managed_by": "f" * 24}]}


def answer_without_account(heidi: Client, method: str, path: str, body: bytes) -> tuple[int, Any]:
    """The answer to a request whose account is removed from the state while its body arrives."""
    token, base = heidi.token(), fixture_loader.load(OTHER_ACCOUNT)
    messages: list[Message] = []

    async def receive() -> Message:
        lifecycle.replace_state(heidi.app.registry.default, base)
        return {"type": "http.request", "body": body}

    async def send(message: Message) -> None:
        messages.append(message)

    headers = [(b"authorization", f"Bearer {token}".encode()), (b"content-length", b"%d" % len(body))]
    scope = {"type": "http", "method": method, "path": f"{BASE_PATH}{path}", "query_string": b"", "headers": headers}
    asyncio.run(heidi.app(scope, receive, send))
    return messages[0]["status"], json.loads(messages[1]["body"])


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/sessions", b"{}"),
        ("POST", "/patient-profiles", b"{}"),
        ("POST", "/users/linked-account", b'{"kinde_user_id": "kp_a"}'),
        ("PATCH", f"/sessions/{SESSION}", b"{}"),
        ("POST", f"/sessions/{SESSION}/upload-audio", b"--a--"),
    ],
)
def test_a_token_is_refused_if_its_account_is_removed_during_the_body(
    heidi: Client, method: str, path: str, body: bytes
) -> None:
    answer = answer_without_account(heidi, method, path, body)

    assert answer == (401, INVALID_TOKEN)
    assert [key["key"] for key in heidi.state()["api_keys"]] == ["another-key"]


def test_a_reply_adds_no_user_if_the_account_is_removed_during_the_body(heidi: Client) -> None:
    body, match = {"session_id": "1"}, {"a": 1}
    heidi.post("/_mock/replies", json={"operation": "create_session", "status": 200, "body": body, "match": match})

    answer = answer_without_account(heidi, "POST", "/sessions", b'{"a": 1}')

    assert answer == (401, INVALID_TOKEN)
    assert heidi.state()["api_keys"][0]["users"] == []


@pytest.mark.parametrize(
    "claims",
    [
        {"namespace": ["x"]},
        {"namespace": "a/b"},
        {"namespace": "x" * 65},
        {"email": 5},
        {"email": "\ud800"},
        {"third_party_internal_id": "\udfff"},
        {"managed_by": "\ud800"},
        {"namespace": "\ud800"},
        {"managed_by": None},
        {"exp": 1e300},
        {"region": "nz"},
        {"region": ["au"]},
    ],
)
def test_a_signed_token_with_invalid_claims_is_refused(heidi: Client, claims: dict[str, Any]) -> None:
    good = jwt.decode(heidi.token(), options={"verify_signature": False})
    secret = heidi.app.registry.tokens._secret  # noqa: SLF001 - the seed and the default keys are public
    token = jwt.encode({**good, **claims}, secret, algorithm="HS256")

    answer = heidi.get(f"/patient-profiles/{JOHN}", headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json()) == (
        401,
        INVALID_TOKEN,
    )
    assert [heidi.get(f"/_mock/{endpoint}").status_code for endpoint in ("state", "findings", "requests")] == [200] * 3
