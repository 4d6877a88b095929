"""Replies, which a test sets in place of the mock's answers.

- ``POST /_mock/replies`` → the reply with ``id`` and ``hits``; ``GET`` and ``DELETE`` → ``{"replies": [reply…]}``, the
  newest first, which is the order in which they are tried
"""

import contextlib
from typing import Any

import pytest
from clients import Client
from helpers import SESSION, SESSION_NOT_FOUND, another, answered, in_namespace, settled, wire

from mock_heidi.base.operations import WITH_TEXT
from mock_heidi.base.settings import DEFAULT_KEY
from mock_heidi.namespaces import lifecycle
from mock_heidi.state import stubs
from mock_heidi.state.stub_records import Stub

PATH = "/_mock/replies"
ASK = f"/sessions/{SESSION}/ask-ai"
COMMAND = {"ai_command_text": "Say it", "content": "Some text.", "content_type": "MARKDOWN"}
NOTE = {
    "generation_method": "TEMPLATE",
    "template_id": "659b8042fe093d6592b41ef7",
    "addition": "",
    "voice_style": "BRIEF",
}
HINT = 'send {"operation": "ask_ai", "text": "…"}, or pieces (a list of strings), or body (JSON) and status'
NEEDS = "needs text, or pieces, or a body, or a status; only body and status can be combined"
# The packaged one, which makes the documented example come out as documented.
DOCUMENTED = {
    "id": "reply-1",
    "operation": "ask_ai",
    "match": {"ai_command_text": "Summarise the following text", "content": "My long paragraph of text"},
    "pieces": ["My ", "summary", " of the ", "text."],
    "hits": 0,
    "contract": "ok",
}


def stream(*pieces: str) -> tuple[int, str]:
    return 200, "".join(f'data: {{"data": "{piece}"}}\n\n' for piece in pieces)


def add(client: Client, **reply: Any) -> dict[str, Any]:
    answer = client.post(PATH, json=reply)
    assert answer.status_code == 200, answer.text
    added: dict[str, Any] = answer.json()
    return added


def hits(client: Client) -> dict[str, int]:
    return {row["id"]: row["hits"] for row in client.get(PATH).json()["replies"]}


# --- The endpoints ----------------------------------------------------------------------------------------------------


def test_a_namespace_starts_with_the_replies_of_its_fixtures(heidi: Client) -> None:
    assert answered(heidi.get(PATH)) == (200, wire({"replies": [DOCUMENTED]}))


def test_a_new_reply_gets_an_id_and_is_first(heidi: Client) -> None:
    answer = heidi.post(PATH, json={"operation": "ask_ai", "session_id": SESSION, "times": 2, "text": "ä"})

    added = {
        "id": "reply-2",
        "operation": "ask_ai",
        "session_id": SESSION,
        "times": 2,
        "text": "ä",
        "hits": 0,
        "contract": "ok",
    }
    assert answered(answer) == (200, wire(added))
    assert answered(heidi.get(PATH)) == (200, wire({"replies": [added, DOCUMENTED]}))


def test_a_reply_can_be_described_in_yaml(heidi: Client) -> None:
    yaml = b"operation: ask_ai\nmatch: {content_type: HTML}\npieces: ['5', six]"

    answer = heidi.post(PATH, content=yaml, headers={"Content-Type": "application/yaml"})

    expected = {
        "id": "reply-2",
        "operation": "ask_ai",
        "match": {"content_type": "HTML"},
        "pieces": ["5", "six"],
        "hits": 0,
        "contract": "ok",
    }
    assert answered(answer) == (200, wire(expected))


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({}, "operation: Field required"),
        ([], "the body should be an object"),
        *(
            (
                {"operation": "ask_ai", **given},
                "needs text, or pieces, or a body, or a status; only body and status can be combined",
            )
            for given in ({}, {"text": "x", "body": {}}, {"text": "x", "pieces": []}, {"text": "x", "status": 201})
        ),
        *(
            ({"operation": "ask_ai", "status": status}, "status should be a whole number from 200 to 599")
            for status in (100, 600, 200.5)
        ),
        (
            {"operation": "ask_ai", "status": 204, "body": 1},
            "an answer with status 204 has no body; leave the body out",
        ),
        (
            {"operation": "ask_ai", "text": "x", "headers": {"A": "b"}},
            "headers go with a body or a status, not with text or pieces",
        ),
        *(
            ({"operation": "ask_ai", "body": 1, "headers": {name: "1"}}, f"the header {name!r} cannot be set")
            for name in ("Content-Length", "a b", "")
        ),
        (
            {"operation": "ask_ai", "body": 1, "headers": {"A": "b\r\nC: d"}},
            "the header 'A' has invalid characters; use visible ASCII or Latin-1 characters",
        ),
        ({"operation": "ask_ai", "text": 5}, "text: Input should be a valid string"),
        ({"operation": "ask_ai", "pieces": ["a", 5]}, "pieces.1: Input should be a valid string"),
        ({"operation": "ask_ai", "txt": "x"}, "txt: Extra inputs are not permitted"),
        ({"operation": "ask", "text": "x"}, "there is no operation 'ask'; did you mean ask_ai?"),
        (
            {"operation": "get_session", "text": "x"},
            f"get_session takes a body; text and pieces are for {', '.join(sorted(WITH_TEXT))}",
        ),
        *(
            ({"operation": "ask_ai", "text": "x", "times": times}, "times should be a whole number of 1 or more")
            for times in (0, -1, 1.5)
        ),
    ],
)
def test_an_invalid_reply_is_refused(heidi: Client, body: Any, error: str) -> None:
    answer = heidi.post(PATH, json=body)

    assert answered(answer) == (400, wire({"error": error, "hint": HINT}))
    assert list(hits(heidi)) == ["reply-1"]


def test_one_reply_is_deleted_or_all(heidi: Client) -> None:
    for text in ("two", "three"):
        add(heidi, operation="ask_ai", text=text)

    one = heidi.delete(f"{PATH}/reply-2")
    unknown = heidi.delete(f"{PATH}/reply-2")
    every = heidi.delete(PATH)

    assert [row["id"] for row in one.json()["replies"]] == ["reply-3", "reply-1"]
    expected = {"error": "there is no reply 'reply-2'", "hint": "did you mean reply-3 or reply-1?"}
    assert answered(unknown) == (404, wire(expected))
    assert answered(every) == answered(heidi.delete(PATH)) == (200, wire({"replies": []}))


def many(number: int) -> list[dict[str, Any]]:
    return [{"operation": "ask_ai", "text": str(at)} for at in range(number)]


def test_records_that_a_reset_could_not_restore_are_refused(heidi: Client) -> None:
    heidi.post("/_mock/state", json={"replies": many(600)})
    heidi.delete("/_mock/replies")
    before = heidi.state()

    answer = heidi.post("/_mock/state", json={"replies": [{**row, "times": 1} for row in many(600)]})

    assert answer.status_code == 409
    assert answer.json()["error"] == "a namespace takes 1,000 replies at most"
    assert heidi.state() == before
    assert heidi.post("/_mock/reset?keep=state").status_code == 200


def test_a_state_that_a_reset_of_a_copy_could_not_restore_is_refused(heidi: Client) -> None:
    for row in many(600):
        add(heidi, **row)
    heidi.post("/_mock/namespaces/copy?from=default")
    before = heidi.get("/ns/copy/_mock/state").json()

    answer = heidi.put("/ns/copy/_mock/state", json={"replies": [{**row, "times": 1} for row in many(600)]})

    assert answer.status_code == 409
    assert heidi.get("/ns/copy/_mock/state").json() == before
    assert heidi.post("/ns/copy/_mock/reset?keep=state").status_code == 200


def test_a_refused_reset_changes_nothing(heidi: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    namespace = heidi.app.registry.default
    add(heidi, operation="ask_ai", text="Mine")
    heidi.post(f"/sessions/{SESSION}/unknown")
    before = heidi.state(), hits(heidi), heidi.get("/_mock/requests/count").json()
    monkeypatch.setattr(stubs, "_MOST", 0)

    with pytest.raises(stubs.StubError):
        lifecycle.reset(namespace)

    assert (heidi.state(), hits(heidi), heidi.get("/_mock/requests/count").json()) == before


def test_reset_restores_or_keeps_the_replies(heidi: Client) -> None:
    add(heidi, operation="ask_ai", text="two")

    heidi.post("/_mock/reset?keep=replies")
    kept = list(hits(heidi))
    heidi.post("/_mock/reset")

    assert (kept, list(hits(heidi))) == (["reply-2", "reply-1"], ["reply-1"])


def test_each_namespace_has_its_own_replies(heidi: Client) -> None:
    heidi.post("/ns/blue/_mock/replies", json={"operation": "ask_ai", "text": "blue"})

    assert list(hits(heidi)) == ["reply-1"]


def test_replies_can_be_fixtures_tried_from_the_top() -> None:
    own = [{"operation": "ask_ai", "match": {"content": ""}, "text": "a"}, {"operation": "ask_ai", "pieces": ["b"]}]
    with another(fixtures={"replies": own}) as heidi:
        answers = [answered(heidi.post(ASK, json={**COMMAND, "content": content})) for content in ("", "x")]

    assert answers == [stream("a"), stream("b")]


# --- What they do -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pieces", [["My ", "summary", " of the ", "text."], ["one"], ["", " ", ""], []])
def test_pieces_are_sent_unchanged(heidi: Client, pieces: list[str]) -> None:
    add(heidi, operation="ask_ai", pieces=pieces)

    assert answered(heidi.post(ASK, json=COMMAND)) == stream(*pieces)


def test_a_text_is_cut_as_the_mock_cuts_its_own(heidi: Client) -> None:
    text = "A text that is long enough to be cut into more than one piece. ●"
    add(heidi, operation="ask_ai", text=text)

    heidi.post(ASK, json=COMMAND)
    [entry] = [row for row in heidi.get("/_mock/requests").json()["requests"] if row["operation"] == "ask_ai"]

    shown = heidi.post(ASK, json=COMMAND)
    events = shown.text.split("\n\n")[:-1]
    assert len(events) > 2
    assert "".join(event.removeprefix('data: {"data": "').removesuffix('"}') for event in events) == text.replace(
        "●", "\\u25cf"
    )
    assert entry["status"] == 200


def test_a_note_from_a_reply_is_stored_in_the_session(heidi: Client) -> None:
    add(heidi, operation="generate_consult_note", pieces=["Given ", "note"])

    answer = heidi.post(f"/sessions/{SESSION}/consult-note", json=NOTE)

    assert answered(answer) == stream("Given ", "note")
    assert heidi.get(f"/sessions/{SESSION}").json()["session"]["consult_note"]["result"] == "Given note"


def test_a_reply_can_give_a_document_and_a_transcript(heidi: Client) -> None:
    add(heidi, operation="create_document", text="Dear colleague")
    add(heidi, operation="get_transcript", pieces=["Good ", "morning"])

    document = heidi.post(f"/sessions/{SESSION}/documents", json=NOTE).json()
    listed = heidi.get(f"/sessions/{SESSION}/documents").json()["documents"]
    transcript = heidi.get(f"/sessions/{SESSION}/transcript")

    assert (document["content"], [row["content"] for row in listed]) == ("Dear colleague", ["Dear colleague"])
    assert answered(transcript) == (200, wire({"transcript": "Good morning"}))


@pytest.mark.breaks_contract
@pytest.mark.parametrize("body", [{"session": {"any": [1, None, "ä"]}}, [], "text", 5, False])
def test_a_reply_can_give_the_body_of_every_operation(heidi: Client, body: Any) -> None:
    add(heidi, operation="get_session", body=body)

    assert answered(heidi.get(f"/sessions/{SESSION}")) == (200, wire(body))


@pytest.mark.breaks_contract
def test_a_rule_changes_a_reply_that_replaces_a_stream(heidi: Client) -> None:
    add(heidi, operation="ask_ai", body={"a": 1, "b": 2})
    heidi.post("/_mock/faults", json="POST /sessions/*/ask-ai:drop_key=a")

    assert answered(heidi.post(ASK, json=COMMAND)) == (200, wire({"b": 2}))


@pytest.mark.breaks_contract
def test_a_secret_in_a_reply_is_sent_but_not_listed(heidi: Client) -> None:
    body = {"token": "hunter2", "note": f"key {DEFAULT_KEY}"}
    hidden = {"token": "***", "note": "key ***"}

    added = add(heidi, operation="get_session", body=body, match=None)

    assert added["body"] == heidi.get(PATH).json()["replies"][0]["body"] == hidden
    assert heidi.delete(f"{PATH}/reply-1").json()["replies"][0]["body"] == hidden
    assert answered(heidi.get(f"/sessions/{SESSION}")) == (200, wire(body))


# --- The whole answer -------------------------------------------------------------------------------------------------


def test_a_whole_reply_replaces_the_work_of_the_operation(heidi: Client) -> None:
    before = settled(heidi)
    add(heidi, operation="create_session", body={"session_id": "5"})

    answer = heidi.post("/sessions")

    assert answered(answer) == (200, wire({"session_id": "5"}))
    assert answer.headers["x-mock-provenance"] == "reply"
    assert heidi.state() == before


@pytest.mark.breaks_contract
def test_a_reply_has_the_status_and_headers_that_it_names(heidi: Client) -> None:
    add(
        heidi, operation="create_session", body={"session_id": "5"}, status=201, headers={"X-Trace": "a b", "ETag": "1"}
    )

    answer = heidi.post("/sessions")

    assert answered(answer) == (201, wire({"session_id": "5"}))
    assert (answer.headers["x-trace"], answer.headers["etag"]) == ("a b", "1")
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.breaks_contract
def test_a_reply_may_name_another_media_type(heidi: Client) -> None:
    add(heidi, operation="get_session", body="x", headers={"Content-Type": "text/plain"})

    assert heidi.get(f"/sessions/{SESSION}").headers.get_list("content-type") == ["text/plain"]


@pytest.mark.breaks_contract
@pytest.mark.parametrize(("status", "length"), [(503, "0"), (204, None)])
def test_a_status_alone_is_an_empty_answer(heidi: Client, status: int, length: str | None) -> None:
    add(heidi, operation="get_session", status=status)

    answer = heidi.get(f"/sessions/{SESSION}")

    assert (answer.status_code, answer.content, answer.headers.get("content-length")) == (status, b"", length)


@pytest.mark.breaks_contract
def test_a_whole_reply_is_sent_before_body_and_ids_are_checked(heidi: Client) -> None:
    add(heidi, operation="update_session", body={"detail": "late"}, status=422)

    assert answered(heidi.patch("/sessions/99", content=b"{")) == (422, wire({"detail": "late"}))


@pytest.mark.breaks_contract
def test_a_whole_reply_needs_a_valid_token(heidi: Client) -> None:
    add(heidi, operation="get_session", status=404, body={"detail": "gone"}, times=1)

    refused = heidi.get(f"/sessions/{SESSION}", signed=False)
    given = heidi.get(f"/sessions/{SESSION}")

    assert (refused.status_code, given.status_code) == (401, 404)


@pytest.mark.breaks_contract
def test_a_reply_to_a_sign_in_needs_a_valid_key(heidi: Client) -> None:
    heidi.token()
    add(heidi, operation="get_jwt", status=422, body={"detail": "later"})

    refused = heidi.get("/jwt", signed=False, headers={"Heidi-Api-Key": "wrong"})
    given = heidi.get("/jwt", signed=False, headers={"Heidi-Api-Key": DEFAULT_KEY})

    assert (refused.status_code, given.status_code) == (401, 422)
    assert answered(given) == (422, wire({"detail": "later"}))


@pytest.mark.breaks_contract
def test_the_first_sign_in_of_a_namespace_gets_its_reply() -> None:
    reply = {"operation": "get_jwt", "status": 422, "body": {"detail": "later"}}
    with another(fixtures={"replies": [reply]}) as heidi, contextlib.closing(in_namespace(heidi, "new")) as fresh:
        answer = fresh.get(
            "/jwt?email=a@example.com&third_party_internal_id=1", signed=False, headers={"Heidi-Api-Key": DEFAULT_KEY}
        )

    assert answered(answer) == (422, wire({"detail": "later"}))


@pytest.mark.breaks_contract
def test_a_whole_reply_can_depend_on_the_body(heidi: Client) -> None:
    add(heidi, operation="create_patient_profile", match={"gender": "OTHER"}, status=422, body={"detail": "not here"})

    matched = heidi.post("/patient-profiles", json={"gender": "OTHER"})
    other = heidi.post("/patient-profiles", json={"gender": "MALE"})

    assert (matched.status_code, other.status_code) == (422, 200)
    assert other.json()["data"]["gender"] == "MALE"


@pytest.mark.breaks_contract
def test_a_whole_reply_is_sent_before_the_size_of_the_body_is_checked(heidi: Client) -> None:
    add(heidi, operation="update_session", body={"detail": "late"}, status=422)

    answer = heidi.patch(f"/sessions/{SESSION}", content=b'"' + b"x" * 2_000_000 + b'"')

    assert answered(answer) == (422, wire({"detail": "late"}))


def test_an_upload_is_read_before_its_reply(heidi: Client) -> None:
    add(heidi, operation="upload_audio", status=500, body={"detail": "error: failed to upload audio"})

    answer = heidi.post(f"/sessions/{SESSION}/upload-audio", files={"file": ("a.wav", b"x" * 70_000, "audio/wav")})

    assert answered(answer) == (500, wire({"detail": "error: failed to upload audio"}))
    assert heidi.get(f"/sessions/{SESSION}").json()["session"]["audio"] == []


# A reply to create_session unless it names another operation, and what is said of it.
BREAKS: dict[str, tuple[dict[str, Any], str]] = {
    "status": ({"status": 201, "body": {"session_id": "5"}}, "status 201 is not documented for create_session, only"),
    "type": ({"body": {"session_id": 5}}, "$.session_id: 5 is not of type 'string'"),
    "missing key": ({"body": {}}, "$: 'session_id' is a required property"),
    "media type": (
        {"operation": "ask_ai", "body": {}},
        "ask_ai answers 200 with text/event-stream, not with application",
    ),
    "no body": ({"status": 200}, "create_session answers 200 with application/json, not with no body"),
}


@pytest.mark.parametrize(("reply", "words"), BREAKS.values(), ids=BREAKS)
def test_a_reply_that_breaks_the_contract_is_accepted_with_the_reason(
    heidi: Client, reply: dict[str, Any], words: str
) -> None:
    assert add(heidi, **{"operation": "create_session", **reply})["contract"].startswith(words)


def test_a_reply_that_keeps_the_contract_is_marked_ok(heidi: Client) -> None:
    body = {"detail": {"msg": "Session not found", "type": "SessionNotFoundError"}}

    assert add(heidi, operation="get_session", status=404, body=body)["contract"] == "ok"
    assert add(heidi, operation="ask_ai", text="No.")["contract"] == "ok"


def test_a_reply_is_held_to_the_contract_of_the_chosen_assumptions(heidi: Client) -> None:
    made = {"operation": "create_session", "status": 201, "body": {"session_id": "5"}}
    before = add(heidi, **made)["contract"]
    heidi.put("/_mock/assumptions", json={"creation_status": 201})

    row = heidi.get("/_mock/replies").json()["replies"][0]
    heidi.post("/sessions")

    assert before.startswith("status 201 is not documented for create_session")
    assert row["contract"] == "ok"
    assert heidi.get("/_mock/findings").json()["findings"] == []


@pytest.mark.breaks_contract
def test_a_reply_keeps_its_status_under_another_status_of_creations(heidi: Client) -> None:
    heidi.put("/_mock/assumptions", json={"creation_status": 201})
    add(heidi, operation="create_session", status=500, body={"detail": "out of order"})

    assert heidi.post("/sessions").status_code == 500


def test_a_reply_of_an_operation_that_the_assumptions_remove_breaks_the_contract(heidi: Client) -> None:
    heidi.put("/_mock/assumptions", json={"context_documents_methods": "refused_405"})

    made = add(heidi, operation="list_context_documents", body={"context_documents": []})

    assert made["contract"] == "the contract has no operation list_context_documents"


@pytest.mark.breaks_contract
def test_a_reply_that_breaks_the_contract_is_a_finding_of_the_test(heidi: Client) -> None:
    add(heidi, operation="create_session", body={"session_id": 5})
    heidi.post("/sessions")

    [finding] = [
        row for row in heidi.get("/_mock/findings").json()["findings"] if row["code"] == "reply_breaks_contract"
    ]
    [entry] = heidi.get("/_mock/requests?operation=create_session").json()["requests"]

    assert (finding["level"], finding["from_test"]) == ("info", True)
    assert finding["message"].endswith("$.session_id: 5 is not of type 'string'")
    assert (entry["findings"], entry["provenance"]) == (["reply_breaks_contract"], "reply")


# --- Which requests they answer ---------------------------------------------------------------------------------------


def test_the_newest_matching_reply_is_used(heidi: Client) -> None:
    add(heidi, operation="ask_ai", text="old")
    add(heidi, operation="ask_ai", text="new")
    add(heidi, operation="ask_ai", session_id="99", text="other")

    assert answered(heidi.post(ASK, json=COMMAND)) == stream("new")
    assert hits(heidi) == {"reply-4": 0, "reply-3": 1, "reply-2": 0, "reply-1": 0}


@pytest.mark.parametrize(
    ("match", "fits"),
    [
        ({}, True),
        ({"content": "Some text."}, True),
        ({"content": "Some text.", "content_type": "MARKDOWN"}, True),
        ({"content": "Some"}, False),
        ({"content": None}, False),
        ({"other": None}, False),
        ({"extra": {"a": 1}}, True),
        ({"extra": {"a": 1, "b": [1, {"c": 2}]}}, True),
        ({"extra": {"a": 2}}, False),
        ({"extra": {"b": [1]}}, False),
    ],
)
def test_a_match_compares_a_part_of_the_body(heidi: Client, match: dict[str, Any], fits: bool) -> None:
    add(heidi, operation="ask_ai", match=match, text="given")

    answer = heidi.post(ASK, json={**COMMAND, "extra": {"a": 1, "b": [1, {"c": 2}]}})

    assert (answered(answer) == stream("given")) == fits


def test_a_reply_can_depend_on_the_template(heidi: Client) -> None:
    add(heidi, operation="create_document", template_id="66455a5f0b0a1c8d018c6896", text="given")

    contents = [
        heidi.post(f"/sessions/{SESSION}/documents", json={**NOTE, "template_id": one}).json()["content"]
        for one in ("659b8042fe093d6592b41ef7", "66455a5f0b0a1c8d018c6896")
    ]

    assert [content == "given" for content in contents] == [False, True]


def test_times_limits_the_number_of_hits(heidi: Client) -> None:
    own = answered(heidi.post(ASK, json=COMMAND))
    add(heidi, operation="ask_ai", text="twice", times=2)

    answers = [answered(heidi.post(ASK, json=COMMAND)) for _ in range(4)]

    assert answers == [stream("twice"), stream("twice"), own, own]
    assert hits(heidi)["reply-2"] == 2


@pytest.mark.parametrize(
    "wrong",
    [
        Stub(operation="x" * 900_000, status=200),
        Stub(operation="get_session", status=200, headers={"x:" * 900_000: "y"}),
        Stub(operation="get_session", status=200, headers={"x" * 900_000: "\n"}),
    ],
    ids=["operation", "name of a header", "value of a header"],
)
def test_a_long_reply_is_refused_in_a_short_message(wrong: Stub) -> None:
    problem = wrong.problem()

    assert problem is not None
    assert len(problem) < 2_000


def test_a_refused_request_is_not_a_hit_of_a_reply(heidi: Client) -> None:
    add(heidi, operation="ask_ai", text="once", times=1)

    answers = [
        heidi.post("/sessions/99/ask-ai", json=COMMAND),
        heidi.post(ASK, json={**COMMAND, "content_type": "text"}),
        heidi.post(ASK, json=COMMAND, signed=False),
        heidi.post(ASK, json=COMMAND),
    ]

    assert [answer.status_code for answer in answers] == [404, 422, 401, 200]
    assert answers[0].json() == SESSION_NOT_FOUND
    assert answered(answers[-1]) == stream("once")


def test_replies_that_are_added_to_a_state_are_tried_first_and_from_the_top(heidi: Client) -> None:
    heidi.post("/_mock/replies", json={"operation": "ask_ai", "text": "old"})

    heidi.post("/_mock/state", json={"replies": [{"operation": "ask_ai", "text": text} for text in ("one", "two")]})

    assert [row.get("text") for row in heidi.get("/_mock/replies").json()["replies"]] == ["one", "two", "old", None]
    assert [row.get("text") for row in heidi.state()["replies"]] == [None, "one", "two"]


@pytest.mark.slow
def test_a_namespace_accepts_replies_up_to_its_limit(heidi: Client) -> None:
    reply = {"operation": "ask_ai", "text": "x"}
    statuses = {heidi.post("/_mock/replies", json=reply).status_code for _ in range(999)}

    one_more = heidi.post("/_mock/replies", json=reply)

    assert statuses == {200}
    assert answered(one_more) == (409, wire(FULL))
    assert len(hits(heidi)) == 1_000


FULL = {"error": "a namespace takes 1,000 replies at most", "hint": "remove some with DELETE /_mock/replies/{id}"}


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_state_may_contain_replies_up_to_the_limit(heidi: Client, method: str) -> None:
    many = [{"operation": "ask_ai", "text": str(number)} for number in range(1_001)]
    before, state = hits(heidi), heidi.state()

    answer = heidi.request(method, "/_mock/state", json={"replies": many})

    assert answered(answer) == (409, wire(FULL))
    assert (hits(heidi), heidi.state()) == (before, state)
    refused = heidi.post("/_mock/namespaces/blue", json={"fixtures": {"replies": many}})
    assert answered(refused) == (400, wire(FULL))
