"""The journal: the last requests of a namespace, bounded and without their secrets.

``GET /_mock/requests`` → ``{"requests": [entry…], "dropped": n, "omitted": n}``, oldest first; an entry is ``{id, at,
namespace, operation, method, path, query, headers, body, body_bytes, status, response_headers, response,
response_bytes, pieces, duration, fault, findings, client_left, provenance, assumptions, why}``. ``***`` replaces a
credential and the value of a secret name, ``<14 characters>`` the value of an unknown header or parameter, ``<27
bytes>`` other bytes. A multipart body is ``{"parts": [{name, filename, content_type, size, complete}]}``, a stream's
pieces are ``[{text, after}]`` with the seconds since the request came. The answer has the entry's id in
``X-Mock-Request-Id``.
``DELETE`` → ``{"cleared": n}``.
"""

import asyncio
import gc
import json
import tracemalloc
from typing import Any

import pytest
from clients import JOHN, NOON, Client
from helpers import INVALID_KEY, SESSION, another, answered, ask, exchange, in_namespace, wire
from starlette.types import Message

from mock_heidi.base.memory import MemoryBudget
from mock_heidi.base.settings import BASE_PATH, DEFAULT_KEY
from mock_heidi.faults.delivery import frame
from mock_heidi.fixtures import loader as fixture_loader
from mock_heidi.observing.entry import Entry
from mock_heidi.observing.journal import Journal
from mock_heidi.observing.redaction import REDACTED

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
    "body_bytes",
    "status",
    "response_headers",
    "response",
    "response_bytes",
    "pieces",
    "duration",
    "ending",
    "ended_by",
    "fault",
    "findings",
    "client_left",
    "provenance",
    "assumptions",
    "why",
    "stray",
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
    return Journal("default", entries=1, memory=MemoryBudget(1), secrets=list).read(made)


# --- What is kept -----------------------------------------------------------------------------------------------------


def test_an_entry_has_the_whole_exchange(heidi: Client) -> None:
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
        "query": {"a": "<1 character>, <1 character>", "b": ""},
        "body": {"first_name": "Zoë"},
        "body_bytes": len('{"first_name":"Zoë"}'.encode()),
        "status": 200,
        "response_headers": dict(answer.headers),
        "response": answer.json(),
        "response_bytes": len(answer.content),
        "namespace": "default",
        "pieces": None,
        "ending": "complete",
        "ended_by": "server",
        "fault": None,
        "findings": ["unknown_parameter"],
        "client_left": False,
        "provenance": "status=assumed, body=documented; success_status, unset_demographic_string",
        "assumptions": ["success_status", "unset_demographic_string"],
        "why": None,
        "stray": False,
    }
    assert (headers["x-own"], headers["authorization"], headers["host"]) == ("<1 character>", REDACTED, "localhost")
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


def test_calls_of_the_control_api_are_not_kept(heidi: Client) -> None:
    heidi.get("/_mock/health")
    heidi.post("/_mock/state", json={"sessions": [{}]})
    heidi.get("/_mock/nothing")
    ask(heidi.app, "GET", "/livez")

    assert journaled(heidi) == []


def test_an_unfinished_request_is_listed_without_a_status(heidi: Client) -> None:
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


# --- Bodies -----------------------------------------------------------------------------------------------------------

UPLOAD = f"{BASE_PATH}/sessions/{SESSION}/upload-audio"
FORM = {"Content-Type": "multipart/form-data; boundary=b"}
FILE = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\nContent-Type: audio/wav\r\n\r\n'


def signed(client: Client, **more: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {client.token()}", **more}


def message(body: bytes, *, more: bool = False) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


def test_a_multipart_body_is_kept_as_parts_without_content(heidi: Client) -> None:
    data = {"start_time": "2024-12-11T03:57:57Z"}
    heidi.post(f"/sessions/{SESSION}/upload-audio", files={"file": ("a.wav", b"sound", "audio/wav")}, data=data)

    field = {"name": "start_time", "filename": None, "content_type": None, "size": 20, "complete": True}
    file = {"name": "file", "filename": "a.wav", "content_type": "audio/wav", "size": 5, "complete": True}
    assert last(heidi)["body"] == {"parts": [field, file]}
    assert last(heidi)["body_bytes"] == 25


@pytest.mark.parametrize("end", [None, b"\r\n--c--"], ids=["the client leaves", "a boundary that is none"])
def test_an_incomplete_multipart_body_is_kept(heidi: Client, end: bytes | None) -> None:
    messages = [message(FILE + b"half a s", more=True), *([] if end is None else [message(end)])]

    reply = ask(heidi.app, "POST", UPLOAD, headers=signed(heidi, **FORM), messages=messages)

    found = last(heidi)
    [part] = found["body"]["parts"]
    assert (reply.status, found["client_left"]) == ((None, True) if end is None else (422, False))
    assert (part["name"], part["filename"], part["size"] >= 8, part["complete"]) == ("file", "a.wav", True, False)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/sessions", 401),
        ("POST", "/nothing", 404),
        ("PUT", "/sessions", 405),
        ("GET", f"/sessions/{SESSION}", 200),
        ("POST", f"/sessions/{SESSION}/restful-segment-transcription", 200),
    ],
)
@pytest.mark.parametrize("cuts", [[b'{"note": "unread"}'], [b'{"note', b'": "un', b'read"}']])
def test_an_unread_body_is_kept(heidi: Client, method: str, path: str, status: int, cuts: list[bytes]) -> None:
    headers = {**({} if status == 401 else signed(heidi)), "Content-Length": "18"}
    messages = [message(cut, more=cut is not cuts[-1]) for cut in cuts]

    reply = ask(heidi.app, method, BASE_PATH + path, headers=headers, messages=messages)

    found = last(heidi)
    assert (reply.status, found["status"], found["body"]) == (status, status, {"note": "unread"})


def test_a_body_that_is_too_large_is_kept_up_to_the_limit(heidi: Client) -> None:
    body = b'{"first": "' + b"x" * 1_200_000 + b'"}'
    messages = [message(body[at : at + 100_000], more=at + 100_000 < len(body)) for at in range(0, len(body), 100_000)]

    reply = ask(heidi.app, "POST", f"{BASE_PATH}/sessions", headers=signed(heidi), messages=messages)

    found = last(heidi)
    assert reply.status == 413
    assert 1_000_000 < found["body_bytes"] < len(body)
    assert found["body"] == f"<{found['body_bytes']} bytes>"


def test_a_refused_upload_is_read_whole_and_not_kept(heidi: Client) -> None:
    left = [message(FILE, more=True), *[message(b"x" * 60_000, more=True)] * 30, message(b"end")]
    headers = {**FORM, "Content-Length": "1800000"}

    class Messages(list[Message]):
        def __iter__(self) -> Any:
            while self:
                yield self.pop(0)

    messages = Messages(left)
    reply = ask(heidi.app, "POST", UPLOAD, headers=headers, messages=messages)

    assert (reply.status, list(messages), last(heidi)["body"]) == (401, [], None)


def test_a_client_that_leaves_before_its_refusal_has_no_status(heidi: Client) -> None:
    reply = ask(heidi.app, "POST", f"{BASE_PATH}/sessions", messages=[message(b'{"a', more=True)])

    found = last(heidi)
    assert (reply.status, found["status"], found["client_left"]) == (None, None, True)


def test_the_received_part_of_a_body_is_kept_when_the_client_leaves(heidi: Client) -> None:
    ask(heidi.app, "POST", f"{BASE_PATH}/sessions", headers=signed(heidi), messages=[message(b'{"first', more=True)])

    assert last(heidi)["body"] == "<7 bytes>"


# --- Streams ----------------------------------------------------------------------------------------------------------

ASK = {"ai_command_text": "translate", "content": "One. Two.", "content_type": "MARKDOWN"}


def test_a_stream_is_kept_as_pieces_with_their_times(heidi: Client) -> None:
    pieces = ["one ", "", "zwö\n", '"three"']
    heidi.post("/_mock/replies", json={"operation": "ask_ai", "pieces": pieces})
    heidi.post(f"/sessions/{SESSION}/ask-ai", json=ASK)

    found = last(heidi)
    moments = [piece["after"] for piece in found["pieces"]]
    assert ([piece["text"] for piece in found["pieces"]], found["response"]) == (pieces, None)
    assert [piece["bytes"] for piece in found["pieces"]] == [len(frame(text)) for text in pieces]
    assert moments == sorted(moments)
    assert 0 < moments[0] <= moments[-1] <= found["duration"]


def test_a_secret_across_pieces_is_replaced_once(heidi: Client) -> None:
    pieces = ["a ", f"b {DEFAULT_KEY[:4]}", DEFAULT_KEY[4:7], f"{DEFAULT_KEY[7:]} c {DEFAULT_KEY}", "d"]
    heidi.post("/_mock/replies", json={"operation": "ask_ai", "pieces": pieces})
    heidi.post(f"/sessions/{SESSION}/ask-ai", json=ASK)

    texts = [piece["text"] for piece in last(heidi)["pieces"]]
    assert texts == ["a ", f"b {REDACTED}", "", f" c {REDACTED}", "d"]


@pytest.mark.breaks_contract
def test_a_broken_piece_is_shown_as_it_was_sent(heidi: Client) -> None:
    heidi.post("/_mock/replies", json={"operation": "ask_ai", "pieces": ["whole", "broken"]})
    heidi.post("/_mock/faults", json={"operation": "ask_ai", "end_inside": "json", "end_after": 1})
    heidi.post(f"/sessions/{SESSION}/ask-ai", json=ASK)

    texts = [piece["text"] for piece in last(heidi)["pieces"]]
    assert (texts[0], texts[1][:5]) == ("whole", "data:")


def test_a_refused_stream_has_a_response(heidi: Client) -> None:
    answer = heidi.post("/sessions/99/ask-ai", json=ASK)

    found = last(heidi)
    assert (found["pieces"], found["response"]) == (None, answer.json())


# --- Its number -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/patient-profiles"),
        ("GET", "/sessions/99"),
        ("GET", "/nothing"),
        ("PUT", "/sessions"),
        ("POST", "/patient-profiles"),
        ("POST", f"/sessions/{SESSION}/ask-ai"),
    ],
)
@pytest.mark.parametrize("token", [True, False], ids=["signed in", "not"])
def test_an_answer_has_the_id_of_its_entry(heidi: Client, method: str, path: str, *, token: bool) -> None:
    heidi.token()
    answer = heidi.request(method, path, signed=token, json=ASK if "ask" in path else None)

    assert answer.headers["x-mock-request-id"] == str(last(heidi)["id"]) == "2"


def test_the_request_that_makes_a_namespace_is_its_first(heidi: Client) -> None:
    answer = heidi.get(
        f"/ns/blue{BASE_PATH}/jwt?email=a@b.c&third_party_internal_id=1", headers={"Heidi-Api-Key": DEFAULT_KEY}
    )

    found = heidi.get("/ns/blue/_mock/requests").json()["requests"]
    assert answer.headers["x-mock-request-id"] == "1"
    assert [(row["id"], row["namespace"], row["operation"]) for row in found] == [(1, "blue", "get_jwt")]


def test_an_answer_without_an_entry_has_no_id(heidi: Client) -> None:
    refused = heidi.get(f"/ns/blue{BASE_PATH}/jwt", signed=False)
    control = heidi.get("/_mock/requests")

    assert (refused.status_code, "x-mock-request-id" in refused.headers) == (401, False)
    assert "x-mock-request-id" not in control.headers


def test_several_faults_are_a_list_and_one_is_its_id(heidi: Client) -> None:
    for name in ("slow", "busy"):
        effect = {"delay": 0.001} if name == "slow" else {"status": 503}
        heidi.post("/_mock/faults", json={"id": name, "operation": "get_session", "times": 1, **effect})
    heidi.put("/_mock/clock", json={"real": True})
    heidi.get(f"/sessions/{SESSION}")
    both = last(heidi)["fault"]
    heidi.post("/_mock/faults", json={"id": "alone", "operation": "get_session", "status": 503})
    heidi.get(f"/sessions/{SESSION}")

    assert (both, last(heidi)["fault"]) == (["slow", "busy"], "alone")


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
def test_a_limit_that_is_not_a_number_is_refused(heidi: Client, limit: str) -> None:
    answer = heidi.get(f"/_mock/requests?limit={limit}")

    expected = {"error": f"limit={limit} is not a number", "hint": "write it like limit=20"}
    assert answered(answer) == (400, wire(expected))


def test_the_number_of_entries_is_bounded_and_dropped_ones_are_counted() -> None:
    with another(journal_entries=3) as heidi:
        for _ in range(5):
            heidi.get(f"/sessions/{SESSION}")
        body = heidi.get("/_mock/requests").json()

    assert ([row["id"] for row in body["requests"]], body["dropped"]) == ([4, 5, 6], 3)


def test_the_bytes_are_bounded_and_the_newest_entry_stays() -> None:
    with another(memory=100_000) as heidi:
        for size in (10, 40_000, 40_000, 40_000):
            heidi.post("/sessions", json={"unknown": "x" * size})
        bounded = [row["id"] for row in journaled(heidi)]
        heidi.post("/sessions", json={"unknown": "x" * 500_000})
        too_large = heidi.get("/_mock/requests").json()

    assert bounded == [4, 5]
    assert too_large["dropped"] == 5
    assert [(row["id"], row["status"], row["body_bytes"]) for row in too_large["requests"]] == [(6, 503, 0)]


def test_an_unfinished_entry_that_was_dropped_frees_its_memory() -> None:
    journal = Journal("default", entries=2, memory=MemoryBudget(10_000), secrets=list)
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


def test_the_bytes_of_pieces_parts_and_names_count() -> None:
    plain, pieced, parted = entry(), entry(), entry(path="/" + "p" * 1_000, method="M" * 1_000)
    pieced.pieces = [b""] * 1_000
    parted.parts = [{"name": "n" * 5_000, "filename": "f" * 5_000, "content_type": None, "size": 1, "complete": True}]

    assert pieced.size - plain.size >= 64_000
    assert parted.size - plain.size >= 12_000


@pytest.mark.slow
def test_dropped_requests_free_their_memory() -> None:
    journal = Journal("default", entries=50, memory=MemoryBudget(100_000), secrets=list)

    def pass_by(number: int) -> None:
        for at in range(number):
            made = entry(b"x" * (at % 3_000), path=f"/{at}")
            made.parts = [{"name": str(at), "filename": None, "content_type": None, "size": 1, "complete": True}]
            journal.add(made)
            made.pieces, made.times = [b"y" * 10, b""], [float(at)]
            journal.close(made, 1.0)

    pass_by(3_000)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        pass_by(3_000)
        filled, _ = tracemalloc.get_traced_memory()
        pass_by(3_000)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    pass_by(91_000)

    kept = list(journal)
    assert (kept[-1].id, journal.dropped + len(kept)) == (100_000, 100_000)
    assert len(kept) <= 50
    assert sum(each.size for each in kept) <= 100_000
    assert after - filled < 20_000 < filled - before


@pytest.mark.slow
def test_an_application_keeps_no_reference_to_dropped_requests() -> None:
    with another(journal_entries=20) as heidi:
        heidi.sign_in()
        others = {id(each) for each in gc.get_objects() if isinstance(each, Entry)}
        for _ in range(100):
            heidi.patch(f"/sessions/{SESSION}", json={"session_name": "x"})
            heidi.post(f"/sessions/{SESSION}/ask-ai", json=ASK)
            heidi.get("/nothing", signed=False)
        gc.collect()
        held = [each for each in gc.get_objects() if isinstance(each, Entry) and id(each) not in others]
        kept = list(heidi.app.registry.default.journal)

    assert len(kept) == 20
    assert len(held) <= len(kept) + 1


def test_clearing_returns_the_number_of_entries(heidi: Client) -> None:
    heidi.get("/patient-profiles")

    answer = heidi.delete("/_mock/requests")

    assert answered(answer) == (200, wire({"cleared": 2}))
    assert answered(heidi.get("/_mock/requests")) == (
        200,
        wire({"requests": [], "more": False, "dropped": 0, "omitted": 0}),
    )


def test_ids_continue_after_clearing(heidi: Client) -> None:
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


@pytest.mark.parametrize(
    "body",
    [
        '{"password": "hunter2", ',
        "{'api_key': 'hunter2'}",
        '{"token": "hunter2"}}',
        '{"token":"hunter2","a":' + "[" * 100_000,
        "token=hunter2\n",
        "&token=hunter2",
        "token: |\n  hunter2\n",
        "hunter2",
        "a=1\nAuthorization: Bearer hunter2\n",
        "<Password>hunter2</Password>",
        "\x00hunter2",
    ],
    ids=lambda body: body[:40],
)
def test_a_body_that_cannot_be_parsed_is_shown_by_its_length(body: str) -> None:
    assert read(entry(body.encode()))["body"] == f"<{len(body)} bytes>"


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ('{"token": "hun\\u0074er2", "a": NaN}', '{"token": "***", "a": NaN}'),
        ('{"\\u0074oken": "hunter2"}', {"token": REDACTED}),
        ('{"token"       :  "hunter2"}', {"token": REDACTED}),
        ('{"token": "hunter2", "token": "hunter2"}', {"token": REDACTED}),
        ('{"a": "{\\"token\\": \\"hunter2\\"}"}', {"a": '{"token": "***"}'}),
        ('{"a": "{\\"token\\": \\"hunter2\\", "}', {"a": '{"token": ***, '}),
        ('{"pin": 1234, "token": true, "key": null}', {"pin": REDACTED, "token": True, "key": None}),
        ('{"a": "{\\"token\\": \\"hunter2\\", \\"token\\": null}"}', {"a": '{"token": null}'}),
        ("%74oken=hunter2", "token=***"),
        ("a=1;token=hunter2", "a=1%3Btoken%3D***"),
        ("a=%7B%22token%22%3A%22hunter2%22%7D", "a=%7B%22token%22%3A+%22***%22%7D"),
    ],
)
def test_values_are_redacted_after_they_are_parsed(body: str, shown: Any) -> None:
    assert read(entry(body.encode()))["body"] == shown


def test_the_parts_of_a_referer_are_redacted_one_by_one(heidi: Client) -> None:
    url = "http://user:hunter2@localhost/a/token=hunter2?page=1&access_token=hunter2&code=hunter2#hunter2"
    heidi.get("/patient-profiles", headers={"Referer": url})

    shown = "http://***@localhost/a/token=***?page=1&access_token=***&code=<7 characters>#<7 characters>"
    assert last(heidi)["headers"]["referer"] == shown


def test_a_key_inside_a_secret_parameter_is_hidden_completely() -> None:
    journal = Journal("default", entries=1, memory=MemoryBudget(1), secrets=lambda: ["a&b", "tail"])

    assert journal.clean("/?token=a&b, tail") == f"/?token={REDACTED}, {REDACTED}"


WORDS = [
    *("?", "&", "token", "key=", '"', "{", "?token", "=", "[", "\\", 'key"', "eyJ", "eyJa.", " ", "<", "<a ", "%25"),
    *("token:", "token= ", 'key="', "key='", 'key=\\"', "<token>", "//", "//a@", "Bearer ", "basic a", "a/", "a_"),
    *("aB1", "token{", "a=%7B"),
]


@pytest.mark.slow
@pytest.mark.parametrize("words", WORDS)
def test_a_body_at_the_limit_is_read_in_one_go(words: str) -> None:
    # A pattern that goes back over what it has seen would need minutes for a megabyte, and hold all others up.
    text = words * (1_000_000 // len(words))
    made = entry(json.dumps({"note": text}).encode())

    journal = Journal("default", entries=1, memory=MemoryBudget(1), secrets=["a secret", "another"].copy)
    whole = journal.read(made, whole=True)

    assert whole["body_bytes"] > len(text) / 2
    assert whole["body"]["note"]


@pytest.mark.parametrize("name", ["X-Auth", "Cookie", "X-Api-Key", "access_token", "Client-Secret", "PASSWORD"])
def test_values_of_secret_names_are_hidden(heidi: Client, name: str) -> None:
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
    ["path", "query", "query name", "header", "body", "body name", "form", "in a sentence"],
)
def test_known_keys_and_tokens_are_hidden_everywhere(heidi: Client, secret: str, place: str) -> None:
    options: dict[str, dict[str, Any]] = {
        "path": {"path": f"/sessions/{secret}", "method": "GET"},
        "query": {"params": {"ehr_patient_id": secret}},
        "query name": {"params": {secret: "a"}},
        "header": {"headers": {"X-Request-Id": secret}},
        "body": {"json": {"a": [secret]}},
        "body name": {"json": {"a": {secret: 1}}},
        "form": {"content": f"a={secret}".encode()},
        "in a sentence": {"json": {"a": f"my key is {secret}, keep it"}},
    }
    heidi.token()

    heidi.request(**{"method": "POST", "path": "/sessions", **options[place]})

    shown = heidi.get("/_mock/requests?limit=1").text
    assert secret not in shown
    assert DEFAULT_KEY not in shown
    assert REDACTED in shown.replace(f'"authorization":"{REDACTED}"', "")


def test_a_configured_key_is_hidden() -> None:
    with another(api_key="my-own-secret") as heidi:
        heidi.sign_in(key="my-own-secret")
        heidi.post("/sessions", json={"note": "my-own-secret"})

        assert last(heidi)["body"] == {"note": REDACTED}


def test_issued_tokens_in_answers_are_hidden(heidi: Client) -> None:
    token = heidi.token()
    heidi.patch(f"/sessions/{SESSION}", json={"clinician_notes": [f"pasted {token} here"]})

    assert last(heidi)["response"]["session"]["clinician_notes"] == [f"pasted {REDACTED} here"]


def test_a_field_without_a_value_has_no_secret() -> None:
    found = read(entry(b'{"token": null, "api_key": ""}'))

    assert found["body"] == {"token": None, "api_key": REDACTED}


def test_a_lone_surrogate_in_a_header_does_not_break_the_journal(heidi: Client) -> None:
    heidi.get("/patient-profiles", headers={"X-Request-Id": '"\\ud800"'})

    assert last(heidi)["headers"]["x-request-id"] == '"?"'


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
def test_the_journal_can_be_read_after_any_request(heidi: Client, body: bytes) -> None:
    heidi.post("/patient-profiles", content=body)

    answer = heidi.get("/_mock/requests")
    found = json.loads(answer.text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))["requests"][-1]
    assert answer.status_code == 200
    assert (found["status"], type(found["body"])) == (422, str)


def test_no_namespace_shows_the_keys_of_another(heidi: Client) -> None:
    keys = [{"key": "own-secret", "ehr_provider": "P", "managed_by": "a" * 24}]
    heidi.post("/_mock/namespaces/blue", json={"fixtures": {"api_keys": keys, "patient_profiles": []}})
    blue = in_namespace(heidi, "blue")
    blue.sign_in(key="own-secret")
    blue.post("/sessions", json={"note": f"own-secret and {DEFAULT_KEY}"})
    blue.close()
    heidi.get("/jwt", signed=False, headers={"X-Request-Id": "own-secret.green"})

    [mistaken] = journaled(heidi)
    assert mistaken["headers"]["x-request-id"] == f"{REDACTED}.green"
    found = heidi.get("/ns/blue/_mock/requests").json()["requests"][-1]
    assert found["body"] == {"note": f"{REDACTED} and {REDACTED}"}


@pytest.mark.parametrize("again", [False, True])
def test_the_keys_of_a_dropped_namespace_stay_secret(heidi: Client, again: bool) -> None:
    keys = [{"key": "former-secret", "ehr_provider": "P", "managed_by": "a" * 24}]
    heidi.post("/_mock/namespaces/blue", json={"fixtures": {"api_keys": keys, "patient_profiles": []}})
    heidi.get("/jwt", signed=False, headers={"X-Request-Id": "former-secret"})

    if again:
        heidi.post("/_mock/namespaces/blue")
    else:
        heidi.delete("/_mock/namespaces/blue")

    [mistaken] = journaled(heidi)
    assert mistaken["headers"]["x-request-id"] == REDACTED


@pytest.mark.slow
def test_the_keys_of_namespaces_that_have_ended_are_remembered(heidi: Client) -> None:
    registry = heidi.app.registry
    for number in range(1_001):
        keys = [{"key": f"former-secret-{number:04}.", "ehr_provider": "P", "managed_by": "a" * 24}]
        registry.make(
            "blue", registry.start._replace(base=fixture_loader.load({"api_keys": keys, "patient_profiles": []}))
        )
    registry.drop("blue")

    heidi.get(
        "/jwt", signed=False, headers={"X-Request-Id": "former-secret-0000. former-secret-0001. former-secret-1000."}
    )

    assert journaled(heidi)[-1]["headers"]["x-request-id"] == f"former-secret-0000. {REDACTED} {REDACTED}"


def test_a_short_key_is_a_secret_in_its_own_namespace_only(heidi: Client) -> None:
    keys = [{"key": "and", "ehr_provider": "P", "managed_by": "a" * 24}]
    heidi.post("/_mock/namespaces/blue", json={"fixtures": {"api_keys": keys, "patient_profiles": []}})

    for prefix in ("", "/ns/blue"):
        heidi.get(f"{prefix}{BASE_PATH}/jwt", signed=False, headers={"X-Request-Id": "here and there"})

    shown = [heidi.get(f"{prefix}/_mock/requests").json()["requests"][-1] for prefix in ("", "/ns/blue")]
    assert [row["headers"]["x-request-id"] for row in shown] == ["here and there", f"here {REDACTED} there"]
