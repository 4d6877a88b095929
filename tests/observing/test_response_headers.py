"""``response_headers`` of a request: the headers of its answer as they were sent, without secrets.

Values by names in lower case; null if no answer was sent. They are shown by the rules for the headers of requests.
"""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from clients import NOON, Client
from helpers import SESSION, another, ask, in_namespace
from running import until

from mock_heidi import Handle, MockHeidi
from mock_heidi.base.settings import BASE_PATH
from mock_heidi.observing.entry_view import MOST_OF_BODY

ASK = {"ai_command_text": "translate", "content": "One. Two. Three.", "content_type": "MARKDOWN"}
PAGE = {"Origin": "http://localhost:3000"}
# uvicorn adds these headers below the application.
OF_THE_CONNECTION = ("date", "transfer-encoding", "connection")
A_TOKEN = "eyJhbGciOiJub25lIn0.eyJhIjoxfQ.c2lnbmF0dXJl"
A_WORD = "hunter2"


@pytest.fixture
def server() -> Iterator[Handle]:
    with MockHeidi(clock=NOON) as served:
        yield served


def last(client: Client, prefix: str = "") -> dict[str, Any]:
    row: dict[str, Any] = client.get(f"{prefix}/_mock/requests?limit=1").json()["requests"][0]
    return row


def received(answer: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name not in OF_THE_CONNECTION}


def replied(client: Client, headers: dict[str, str], mode: str = "normal") -> dict[str, str]:
    """The journaled headers of a reply with these headers, in a namespace whose journal has this mode."""
    client.post("/_mock/namespaces/other", json={"journal": mode})
    named = in_namespace(client, "other")
    reply = {"operation": "get_session", "body": {}, "headers": headers}
    assert client.post("/ns/other/_mock/replies", json=reply).status_code == 200
    named.get(f"/sessions/{SESSION}")
    named.close()
    found: dict[str, str] = last(client, "/ns/other")["response_headers"]
    return found


# --- What was sent ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("headers", [{}, PAGE], ids=["client", "page"])
@pytest.mark.parametrize("path", ["/patient-profiles", "/sessions/99", "/nothing", f"/sessions/{SESSION}?extra=1"])
def test_the_headers_of_an_answer_are_kept_with_those_of_cors(
    heidi: Client, path: str, headers: dict[str, str]
) -> None:
    answer = heidi.get(path, headers=headers)

    assert last(heidi)["response_headers"] == dict(answer.headers)
    assert ("access-control-allow-origin" in answer.headers) == bool(headers)


def test_the_credentials_of_cors_stay_visible() -> None:
    with another(cors_credentials=True) as client:
        client.get("/patient-profiles", headers=PAGE)

        assert last(client)["response_headers"]["access-control-allow-credentials"] == "true"


def test_the_headers_of_a_refused_preflight_are_kept(heidi: Client) -> None:
    asked = {"Origin": "https://example.com", "Access-Control-Request-Method": "GET"}
    answer = heidi.request("OPTIONS", "/sessions/1", headers=asked, signed=False)

    kept = last(heidi)["response_headers"]
    assert kept == dict(answer.headers)
    assert kept["x-mock-reason"] == last(heidi)["why"]


@pytest.mark.parametrize(
    "rule",
    [
        {},
        {"status": 429, "retry_after": 7},
        {"error": "InvalidTokenError"},
        {"delay_body": 0.001},
        {"drop_key": "session"},
        {"media_type": "text/html"},
    ],
    ids=str,
)
@pytest.mark.parametrize("headers", [{}, PAGE], ids=["client", "page"])
def test_over_the_wire_the_headers_are_those_that_the_client_received(
    server: Handle, rule: dict[str, Any], headers: dict[str, str]
) -> None:
    if rule:
        server.fault("get_session", **rule)
    with server.client() as client, client.stream("GET", f"/sessions/{SESSION}", headers=headers) as answer:
        seen = received(answer)

    until(lambda: server.requests(operation="get_session")[-1]["response_headers"] == seen)


def test_a_stream_shows_its_headers_while_it_is_under_way(server: Handle) -> None:
    server.fault("ask_ai", stall_after=1)
    with server.client() as client, client.stream("POST", f"/sessions/{SESSION}/ask-ai", json=ASK) as answer:
        row = server.requests(operation="ask_ai")[-1]

        assert row["response_headers"] == received(answer)
        assert row["duration"] is None


@pytest.mark.parametrize("rule", [{"close": True}, {"rst": True}], ids=str)
def test_an_answer_that_a_fault_cuts_before_its_head_has_no_headers(server: Handle, rule: dict[str, Any]) -> None:
    server.fault("get_session", **rule)
    with server.client() as client, pytest.raises(httpx.TransportError):
        client.get(f"/sessions/{SESSION}")

    until(lambda: server.requests(operation="get_session")[-1]["duration"] is not None)
    row = server.requests(operation="get_session")[-1]
    assert (row["status"], row["response_headers"]) == (None, None)


def test_a_request_whose_client_leaves_first_has_no_headers(heidi: Client) -> None:
    ask(heidi.app, "POST", f"{BASE_PATH}/sessions", messages=[])

    assert last(heidi)["response_headers"] is None


@pytest.mark.breaks_contract
def test_a_reply_without_a_body_keeps_its_headers(heidi: Client) -> None:
    heidi.post("/_mock/replies", json={"operation": "get_session", "status": 304, "headers": {"ETag": '"7"'}})
    answer = heidi.get(f"/sessions/{SESSION}")

    kept = last(heidi)["response_headers"]
    assert kept == dict(answer.headers)
    assert (kept["etag"], "content-type" in kept) == ('"7"', False)


@pytest.mark.breaks_contract
def test_an_archive_has_the_headers_and_the_type_of_the_answer(heidi: Client) -> None:
    heidi.post(
        "/_mock/replies", json={"operation": "get_session", "body": {}, "headers": {"Content-Type": "text/html"}}
    )
    heidi.get(f"/sessions/{SESSION}")

    [entry] = heidi.get("/_mock/requests?limit=1&format=har").json()["log"]["entries"]
    assert {"name": "content-type", "value": "text/html"} in entry["response"]["headers"]
    assert entry["response"]["content"]["mimeType"] == "text/html"


# --- What is hidden ---------------------------------------------------------------------------------------------------

SECRETS = {
    "Set-Cookie": f"session={A_WORD}",
    "Authorization": f"Bearer {A_WORD}",
    "X-Refresh-Token": A_WORD,
    "Access-Control-Allow-Credentials": A_WORD,
    "Location": f"https://me:{A_WORD}@example.com/reset-password/{A_WORD}?token={A_WORD}#{A_WORD}",
    "X-Mock-Reason": f"token={A_WORD}",
    "ETag": A_TOKEN,
}


@pytest.mark.breaks_contract
@pytest.mark.parametrize("mode", ["normal", "full", "masked"])
@pytest.mark.parametrize("name", SECRETS)
def test_no_mode_shows_the_secrets_in_the_headers_of_a_reply(heidi: Client, name: str, mode: str) -> None:
    shown = replied(heidi, {name: SECRETS[name]}, mode)

    assert A_WORD not in str(shown)
    assert A_TOKEN not in str(shown)
    assert len(shown) == 5


@pytest.mark.breaks_contract
@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("normal", ("<5 characters>", "7", "http://localhost/sessions/1")),
        ("full", ("bench", "7", "http://localhost/sessions/1")),
        ("masked", ("<5 characters>", "<1 character>", "<27 characters>")),
    ],
)
def test_unknown_headers_of_answers_are_shown_as_those_of_requests(
    heidi: Client, mode: str, expected: tuple[str, ...]
) -> None:
    given = {"X-Place": "bench", "Retry-After": "7", "Location": "http://localhost/sessions/1"}
    shown = replied(heidi, given, mode)

    assert (shown["x-place"], shown["retry-after"], shown["location"]) == expected
    assert shown["content-type"] == "application/json"


# --- Bounds -----------------------------------------------------------------------------------------------------------


@pytest.mark.breaks_contract
def test_long_headers_of_replies_are_cut_unless_the_whole_request_is_asked_for(heidi: Client) -> None:
    shown = replied(heidi, {"ETag": "a b " * MOST_OF_BODY})
    whole = heidi.get(f"/ns/other/_mock/requests/{last(heidi, '/ns/other')['id']}?full=true").json()["response_headers"]

    assert (len(shown["etag"]), len(whole["etag"])) == (MOST_OF_BODY, 4 * MOST_OF_BODY)


@pytest.mark.breaks_contract
def test_the_headers_of_replies_count_in_the_memory_of_the_journal(heidi: Client) -> None:
    many = {f"X-{number}": "" for number in range(1_000)}
    replied(heidi, {**many, "ETag": "a" * 100_000})

    namespace = heidi.app.registry.get("other")
    assert namespace is not None
    entry = list(namespace.journal)[-1]
    assert entry.held == entry.size > 200_000
