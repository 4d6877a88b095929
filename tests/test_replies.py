"""Replies: what a test wants said instead of what the mock would say.

- ``POST /_mock/replies`` → the reply with ``id`` and ``hits``; ``GET`` and ``DELETE`` → ``{"replies": [reply…]}``, the
  newest first, which is the order in which they are tried
"""

from typing import Any

import pytest
from conftest import Client
from helpers import SESSION, SESSION_NOT_FOUND, another, answered, settled, wire

from mock_heidi.models import SPEAKING
from mock_heidi.settings import DEFAULT_KEY

PATH = "/_mock/replies"
ASK = f"/sessions/{SESSION}/ask-ai"
COMMAND = {"ai_command_text": "Say it", "content": "Some text.", "content_type": "MARKDOWN"}
NOTE = {
    "generation_method": "TEMPLATE",
    "template_id": "659b8042fe093d6592b41ef7",
    "addition": "",
    "voice_style": "BRIEF",
}
HINT = 'send {"operation": "ask_ai", "text": "…"}, or pieces (a list of strings), or body (JSON)'
# The packaged one, which makes the documented example come out as documented.
DOCUMENTED = {
    "id": "reply-1",
    "operation": "ask_ai",
    "match": {"ai_command_text": "Summarise the following text", "content": "My long paragraph of text"},
    "pieces": ["My ", "summary", " of the ", "text."],
    "hits": 0,
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


# --- The doors --------------------------------------------------------------------------------------------------------


def test_a_namespace_begins_with_the_replies_of_its_fixtures(heidi: Client) -> None:
    assert answered(heidi.get(PATH)) == (200, wire({"replies": [DOCUMENTED]}))


def test_a_reply_is_answered_with_its_id_and_stands_first(heidi: Client) -> None:
    answer = heidi.post(PATH, json={"operation": "ask_ai", "session_id": SESSION, "times": 2, "text": "ä"})

    added = {"id": "reply-2", "operation": "ask_ai", "session_id": SESSION, "times": 2, "text": "ä", "hits": 0}
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
    }
    assert answered(answer) == (200, wire(expected))


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({}, "operation: Field required"),
        ([], "the body: Input should be a valid dictionary or instance of Reply"),
        ({"operation": "ask_ai"}, "needs one of text, pieces and body, and no more than one"),
        ({"operation": "ask_ai", "text": "x", "body": {}}, "needs one of text, pieces and body, and no more than one"),
        ({"operation": "ask_ai", "text": 5}, "text: Input should be a valid string"),
        ({"operation": "ask_ai", "pieces": ["a", 5]}, "pieces.1: Input should be a valid string"),
        ({"operation": "ask_ai", "txt": "x"}, "txt: Extra inputs are not permitted"),
        ({"operation": "ask", "text": "x"}, "there is no operation 'ask'; did you mean ask_ai?"),
        (
            {"operation": "get_session", "text": "x"},
            f"get_session is answered with a body; text and pieces are for {', '.join(sorted(SPEAKING))}",
        ),
        *(
            ({"operation": "ask_ai", "text": "x", "times": times}, "times should be a whole number of 1 or more")
            for times in (0, -1, 1.5)
        ),
    ],
)
def test_a_reply_that_makes_no_sense_is_refused(heidi: Client, body: Any, error: str) -> None:
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
    expected = {"error": "there is no reply 'reply-2'", "hint": "there are reply-3, reply-1"}
    assert answered(unknown) == (404, wire(expected))
    assert answered(every) == answered(heidi.delete(PATH)) == (200, wire({"replies": []}))


def test_reset_brings_the_beginning_back_or_keeps_them(heidi: Client) -> None:
    add(heidi, operation="ask_ai", text="two")

    heidi.post("/_mock/reset?keep=replies")
    kept = list(hits(heidi))
    heidi.post("/_mock/reset")

    assert (kept, list(hits(heidi))) == (["reply-2", "reply-1"], ["reply-1"])


def test_each_namespace_has_its_own(heidi: Client) -> None:
    heidi.post("/ns/blue/_mock/replies", json={"operation": "ask_ai", "text": "blue"})

    assert list(hits(heidi)) == ["reply-1"]


def test_replies_can_be_fixtures_tried_from_the_top() -> None:
    own = [{"operation": "ask_ai", "match": {"content": ""}, "text": "a"}, {"operation": "ask_ai", "pieces": ["b"]}]
    with another(fixtures={"replies": own}) as heidi:
        answers = [answered(heidi.post(ASK, json={**COMMAND, "content": content})) for content in ("", "x")]

    assert answers == [stream("a"), stream("b")]


# --- What they do -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pieces", [["My ", "summary", " of the ", "text."], ["one"], ["", " ", ""], []])
def test_pieces_are_sent_exactly_so(heidi: Client, pieces: list[str]) -> None:
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


def test_a_note_that_is_given_is_the_sessions_note(heidi: Client) -> None:
    add(heidi, operation="generate_consult_note", pieces=["Given ", "note"])

    answer = heidi.post(f"/sessions/{SESSION}/consult-note", json=NOTE)

    assert answered(answer) == stream("Given ", "note")
    assert heidi.get(f"/sessions/{SESSION}").json()["session"]["consult_note"]["result"] == "Given note"


def test_a_document_and_a_transcript_can_be_given(heidi: Client) -> None:
    add(heidi, operation="create_document", text="Dear colleague")
    add(heidi, operation="get_transcript", pieces=["Good ", "morning"])

    document = heidi.post(f"/sessions/{SESSION}/documents", json=NOTE).json()
    listed = heidi.get(f"/sessions/{SESSION}/documents").json()["documents"]
    transcript = heidi.get(f"/sessions/{SESSION}/transcript")

    assert (document["content"], [row["content"] for row in listed]) == ("Dear colleague", ["Dear colleague"])
    assert answered(transcript) == (200, wire({"transcript": "Good morning"}))


@pytest.mark.breaks_contract
@pytest.mark.parametrize("body", [{"session": {"any": [1, None, "ä"]}}, [], "text", 5, False])
def test_anything_can_be_answered_with_a_body(heidi: Client, body: Any) -> None:
    add(heidi, operation="get_session", body=body)

    assert answered(heidi.get(f"/sessions/{SESSION}")) == (200, wire(body))


@pytest.mark.breaks_contract
def test_a_body_in_the_place_of_a_stream_is_spoiled_by_a_rule_for_its_path(heidi: Client) -> None:
    add(heidi, operation="ask_ai", body={"a": 1, "b": 2})
    heidi.post("/_mock/faults", json="POST /sessions/*/ask-ai:drop_key=a")

    assert answered(heidi.post(ASK, json=COMMAND)) == (200, wire({"b": 2}))


@pytest.mark.breaks_contract
def test_what_is_secret_in_a_reply_is_sent_and_not_shown(heidi: Client) -> None:
    body = {"token": "hunter2", "note": f"key {DEFAULT_KEY}"}
    hidden = {"token": "***", "note": "key ***"}

    added = add(heidi, operation="get_session", body=body, match=None)

    assert added["body"] == heidi.get(PATH).json()["replies"][0]["body"] == hidden
    assert heidi.delete(f"{PATH}/reply-1").json()["replies"][0]["body"] == hidden
    assert answered(heidi.get(f"/sessions/{SESSION}")) == (200, wire(body))


def test_a_body_takes_the_place_of_the_answer_and_not_of_the_work(heidi: Client) -> None:
    before = settled(heidi)
    add(heidi, operation="create_session", body={"session_id": "5"})

    answer = heidi.post("/sessions")

    assert answered(answer) == (200, wire({"session_id": "5"}))
    assert len(heidi.state()["sessions"]) == len(before["sessions"]) + 1


# --- Which requests they answer ---------------------------------------------------------------------------------------


def test_the_newest_that_fits_is_taken(heidi: Client) -> None:
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
def test_a_match_asks_for_a_part_of_the_body(heidi: Client, match: dict[str, Any], fits: bool) -> None:
    add(heidi, operation="ask_ai", match=match, text="given")

    answer = heidi.post(ASK, json={**COMMAND, "extra": {"a": 1, "b": [1, {"c": 2}]}})

    assert (answered(answer) == stream("given")) == fits


def test_a_template_can_be_asked_for(heidi: Client) -> None:
    add(heidi, operation="create_document", template_id="66455a5f0b0a1c8d018c6896", text="given")

    contents = [
        heidi.post(f"/sessions/{SESSION}/documents", json={**NOTE, "template_id": one}).json()["content"]
        for one in ("659b8042fe093d6592b41ef7", "66455a5f0b0a1c8d018c6896")
    ]

    assert [content == "given" for content in contents] == [False, True]


def test_times_limits_how_often(heidi: Client) -> None:
    own = answered(heidi.post(ASK, json=COMMAND))
    add(heidi, operation="ask_ai", text="twice", times=2)

    answers = [answered(heidi.post(ASK, json=COMMAND)) for _ in range(4)]

    assert answers == [stream("twice"), stream("twice"), own, own]
    assert hits(heidi)["reply-2"] == 2


def test_a_request_that_is_refused_uses_no_reply_up(heidi: Client) -> None:
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


def test_a_namespace_takes_a_thousand_replies(heidi: Client) -> None:
    reply = {"operation": "ask_ai", "text": "x"}
    statuses = {heidi.post("/_mock/replies", json=reply).status_code for _ in range(999)}

    one_more = heidi.post("/_mock/replies", json=reply)

    assert statuses == {200}
    assert answered(one_more) == (409, wire(FULL))
    assert len(hits(heidi)) == 1_000


FULL = {"error": "a namespace takes 1,000 replies and no more", "hint": "DELETE /_mock/replies makes room"}


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_state_brings_a_thousand_replies_and_no_more(heidi: Client, method: str) -> None:
    many = [{"operation": "ask_ai", "text": str(number)} for number in range(1_001)]
    before, state = hits(heidi), heidi.state()

    answer = heidi.request(method, "/_mock/state", json={"replies": many})

    assert answered(answer) == (409, wire(FULL))
    assert (hits(heidi), heidi.state()) == (before, state)
    refused = heidi.post("/_mock/namespaces/blue", json={"fixtures": {"replies": many}})
    assert answered(refused) == (400, wire(FULL))
