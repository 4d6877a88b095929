"""Faults in streams, compared byte by byte with the stream without faults, on a bare socket.

The second of the four pieces has a non-ASCII letter. The frame of a whole piece escapes it.
"""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from clients import NOON, Client
from helpers import SESSION
from peer import Ending, Sleepers, asking
from running import until
from starlette.types import Message

from mock_heidi import Handle, MockHeidi, create_app
from mock_heidi.base.operations import STREAMS
from mock_heidi.base.settings import BASE_PATH, Pace
from mock_heidi.client.proxies import FaultsProxy
from mock_heidi.faults.rule import STREAM_EFFECTS

pytestmark = pytest.mark.slow

PIECES = ["One ", "twö ", "data: three ", "four"]
FRAMES = [
    b'data: {"data": "One "}\n\n',
    b'data: {"data": "tw\\u00f6 "}\n\n',
    b'data: {"data": "data: three "}\n\n',
    b'data: {"data": "four"}\n\n',
]
WHOLE = b"".join(FRAMES)
EMPTY = b'data: {"data": ""}\n\n'
ERROR = b'data: {"error": {"msg": "The stream broke", "type": "StreamError"}}\n\n'
MARKS = b": keep-alive\nevent: message\n"
ASK = {"ai_command_text": "Say it", "content": "Some text.", "content_type": "MARKDOWN"}
NOTE = {
    "generation_method": "TEMPLATE",
    "template_id": "659b8042fe093d6592b41ef7",
    "addition": "",
    "voice_style": "BRIEF",
}
PATHS = {"ask_ai": "/ask-ai", "generate_consult_note": "/consult-note"}
BODIES = {"ask_ai": ASK, "generate_consult_note": NOTE}
frozen = pytest.mark.mock_heidi(clock=NOON)


def say(heidi: Handle, pieces: list[str] | None = None) -> None:
    for operation in STREAMS:
        heidi.reply(operation, pieces=PIECES if pieces is None else pieces)


def fault(heidi: Handle, **rule: Any) -> FaultsProxy:
    return heidi.fault(list(STREAMS), **rule)


def streaming(heidi: Handle, operation: str = "ask_ai") -> Any:
    return asking(heidi, "POST", f"/sessions/{SESSION}{PATHS[operation]}", BODIES[operation])


def note(heidi: Handle) -> Any:
    return (heidi.session(SESSION)["consult_note"] or {}).get("result")


def crlf(frames: list[bytes]) -> list[bytes]:
    return [frame.replace(b"\n", b"\r\n") for frame in frames]


def events(body: bytes) -> str:
    """The text that a correct reader of server-sent events finds."""
    text = ""
    for line in body.decode().splitlines():
        name, _, value = line.partition(":")
        if name == "data":
            text += json.loads(value.removeprefix(" "))["data"]
    return text


# --- Clean ends -------------------------------------------------------------------------------------------------------

# Rules and the frames they give, in a stream that ends normally and leaves the connection open.
CLEAN: list[tuple[dict[str, Any], list[bytes]]] = [
    ({"end_after": 0}, []),
    ({"end_after": 1}, FRAMES[:1]),
    ({"end_after": 3}, FRAMES[:3]),
    ({"end_inside": "piece"}, [FRAMES[0], FRAMES[1][:-1]]),
    ({"end_inside": "piece", "end_after": 0}, [FRAMES[0][:-1]]),
    ({"end_inside": "piece", "end_after": 3}, [*FRAMES[:3], FRAMES[3][:-1]]),
    ({"end_inside": "json"}, [FRAMES[0], b'data: {"data": "tw']),
    ({"end_inside": "json", "end_after": 0}, [b'data: {"data": "On']),
    ({"end_inside": "utf8"}, [FRAMES[0], b'data: {"data": "tw\xc3']),
    ({"end_inside": "utf8", "end_after": 0}, [b'data: {"data": "One \xc3']),
    ({"repeat": 1}, [FRAMES[0], *FRAMES]),
    ({"repeat": 4}, [*FRAMES, FRAMES[3]]),
    ({"swap": 1}, [FRAMES[1], FRAMES[0], *FRAMES[2:]]),
    ({"swap": 3}, [*FRAMES[:2], FRAMES[3], FRAMES[2]]),
    ({"lose": 1}, FRAMES[1:]),
    ({"lose": 4}, FRAMES[:3]),
    ({"empty_piece": 1}, [EMPTY, *FRAMES]),
    ({"empty_piece": 4}, [*FRAMES[:3], EMPTY, FRAMES[3]]),
    ({"one_write": True}, [WHOLE]),
    ({"byte_by_byte": True}, [WHOLE[at : at + 1] for at in range(len(WHOLE))]),
    ({"crlf": True}, crlf(FRAMES)),
    ({"no_space": True}, [frame.replace(b"data: {", b"data:{") for frame in FRAMES]),
    ({"comments": True}, [MARKS + frame for frame in FRAMES]),
    ({"error_piece": 0}, [ERROR]),
    ({"error_piece": 2}, [*FRAMES[:2], ERROR]),
    ({"error_piece": 4}, [*FRAMES, ERROR]),
    # Combinations.
    ({"crlf": True, "end_after": 2}, crlf(FRAMES[:2])),
    ({"crlf": True, "end_inside": "piece"}, [*crlf(FRAMES[:1]), FRAMES[1][:-1].replace(b"\n", b"\r\n")]),
    ({"crlf": True, "comments": True, "no_space": True},
     crlf([MARKS + frame.replace(b"data: {", b"data:{") for frame in FRAMES])),
    ({"crlf": True, "error_piece": 1}, crlf([FRAMES[0], ERROR])),
    ({"one_write": True, "end_after": 3}, [b"".join(FRAMES[:3])]),
    ({"one_write": True, "end_after": 0}, []),
    ({"one_write": True, "end_inside": "json"}, [FRAMES[0] + b'data: {"data": "tw']),
    ({"one_write": True, "comments": True}, [b"".join(MARKS + frame for frame in FRAMES)]),
    ({"one_write": True, "byte_by_byte": True}, [WHOLE]),
    ({"byte_by_byte": True, "end_after": 1}, [FRAMES[0][at : at + 1] for at in range(len(FRAMES[0]))]),
    ({"repeat": 1, "end_after": 2}, [FRAMES[0], FRAMES[0]]),
    ({"swap": 1, "end_after": 1}, [FRAMES[1]]),
    ({"swap": 1, "lose": 4, "repeat": 3}, [FRAMES[1], FRAMES[0], FRAMES[2], FRAMES[2]]),
    ({"swap": 1, "lose": 2}, [FRAMES[2], FRAMES[0], FRAMES[3]]),
    ({"empty_piece": 1, "end_after": 1}, [EMPTY]),
    ({"lose": 2, "empty_piece": 2}, [FRAMES[0], EMPTY, *FRAMES[2:]]),
    ({"end_after": 1, "error_piece": 3}, FRAMES[:1]),
    ({"end_after": 3, "error_piece": 1}, [FRAMES[0], ERROR]),
]  # fmt: skip
# Rules that never act in a stream of four pieces.
LATE: list[dict[str, Any]] = [
    {"end_after": 4},
    {"end_after": 5},
    {"end_inside": "json", "end_after": 4},
    {"end_inside": "utf8", "end_after": 9},
    {"repeat": 5},
    {"swap": 4},
    {"swap": 5},
    {"lose": 5},
    {"empty_piece": 5},
    {"error_piece": 5},
    {"rst_after": 5},
    {"stall_after": 5},
]


def shown(rule: Any) -> str:
    return ",".join(f"{name}={value}" for name, value in rule.items()) if isinstance(rule, dict) else ""


@pytest.mark.parametrize("operation", STREAMS)
def test_a_stream_without_faults_is_complete(mock_heidi: Handle, operation: str) -> None:
    say(mock_heidi)

    with streaming(mock_heidi, operation) as peer:
        _, headers = peer.head()
        assert peer.chunks() == FRAMES

    assert "x-mock-fault" not in headers


@pytest.mark.parametrize("operation", STREAMS)
@pytest.mark.parametrize(("rule", "expected"), CLEAN, ids=shown)
def test_an_effect_changes_a_stream_that_still_ends_cleanly(
    mock_heidi: Handle, rule: dict[str, Any], expected: list[bytes], operation: str
) -> None:
    say(mock_heidi)
    made = fault(mock_heidi, **rule)

    with streaming(mock_heidi, operation) as peer:
        status, headers = peer.head()
        assert peer.chunks() == expected
        peer.ask("GET", "/nowhere")
        assert peer.head()[0] == 404  # the connection still works

    assert (status, headers["x-mock-fault"]) == (200, made.id)
    assert headers["content-type"] == "text/event-stream; charset=utf-8"
    assert made.hits() == 1
    entry = mock_heidi.requests(operation=operation)[-1]
    assert entry["client_left"] is False
    if operation == "generate_consult_note":
        assert note(mock_heidi) == "".join(PIECES)


@pytest.mark.parametrize("rule", LATE, ids=shown)
def test_an_effect_beyond_the_last_piece_is_not_a_hit(mock_heidi: Handle, rule: dict[str, Any]) -> None:
    say(mock_heidi)
    made = fault(mock_heidi, **rule)

    with streaming(mock_heidi) as peer:
        peer.head()
        assert peer.chunks() == FRAMES
        peer.ask("GET", "/nowhere")
        assert peer.head()[0] == 404

    assert (made.hits(), made.rules()[0]["matched"]) == (0, 1)


def test_this_module_tries_every_effect_of_a_stream() -> None:
    tried = {name for rule, _ in CLEAN for name in rule} | {name for rule, *_ in ABRUPT for name in rule}

    assert tried == set(STREAM_EFFECTS)


@pytest.mark.parametrize(
    "rule", [{"end_after": 0}, {"end_inside": "json"}, {"repeat": 1}, {"one_write": True}], ids=shown
)
def test_a_stream_without_pieces_stays_empty(mock_heidi: Handle, rule: dict[str, Any]) -> None:
    say(mock_heidi, [])
    made = fault(mock_heidi, **rule)

    with streaming(mock_heidi) as peer:
        peer.head()
        assert peer.chunks() == []

    assert made.hits() == 0


def test_a_stream_of_one_piece_can_end_inside_it(mock_heidi: Handle) -> None:
    say(mock_heidi, ["only"])
    fault(mock_heidi, end_inside="json", end_after=0)

    with streaming(mock_heidi) as peer:
        peer.head()
        assert peer.chunks() == [b'data: {"data": "on']


@pytest.mark.parametrize("effect", ["one_write", "byte_by_byte", "crlf", "no_space", "comments", "empty_piece"])
def test_a_correct_sse_reader_reads_the_same_text_despite_unusual_framing(mock_heidi: Handle, effect: str) -> None:
    say(mock_heidi)
    fault(mock_heidi, **{effect: 1 if effect == "empty_piece" else True})

    with streaming(mock_heidi) as peer:
        peer.head()
        assert events(b"".join(peer.chunks())) == "".join(PIECES)


@pytest.mark.parametrize("inside", ["piece", "json", "utf8"])
def test_a_stream_can_end_inside_a_letter_a_json_value_or_a_frame(mock_heidi: Handle, inside: str) -> None:
    say(mock_heidi)
    fault(mock_heidi, end_inside=inside)

    with streaming(mock_heidi) as peer:
        peer.head()
        body = b"".join(peer.chunks())

    *whole, rest = body.split(b"\n\n")
    assert whole == [FRAMES[0][:-2]]
    if inside == "utf8":
        with pytest.raises(UnicodeDecodeError):
            rest.decode()
    elif inside == "json":
        with pytest.raises(ValueError, match="Unterminated string"):
            json.loads(rest.removeprefix(b"data: "))
    else:
        assert json.loads(rest.removeprefix(b"data: ")) == {"data": PIECES[1]}


# --- Broken ends ------------------------------------------------------------------------------------------------------

ABRUPT: list[tuple[dict[str, Any], list[bytes], str]] = [
    ({"rst_after": 0}, [], "reset"),
    ({"rst_after": 1}, FRAMES[:1], "reset"),
    ({"rst_after": 3}, FRAMES[:3], "reset"),
    ({"rst_after": 4}, FRAMES, "reset"),
    ({"stall_after": 0}, [], "stall"),
    ({"stall_after": 2}, FRAMES[:2], "stall"),
    ({"stall_after": 4}, FRAMES, "stall"),
    ({"rst_after": 2, "one_write": True}, [b"".join(FRAMES[:2])], "reset"),
    ({"rst_after": 2, "crlf": True}, crlf(FRAMES[:2]), "reset"),
    ({"rst_after": 2, "repeat": 1}, [FRAMES[0], FRAMES[0]], "reset"),
    ({"rst_after": 1, "byte_by_byte": True}, [FRAMES[0][at : at + 1] for at in range(len(FRAMES[0]))], "reset"),
    ({"stall_after": 1, "one_write": True, "no_space": True}, [FRAMES[0].replace(b": {", b":{")], "stall"),
    ({"stall_after": 2, "comments": True}, [MARKS + frame for frame in FRAMES[:2]], "stall"),
    ({"stall_after": 3, "rst_after": 1}, FRAMES[:1], "reset"),
]


@pytest.mark.parametrize("operation", STREAMS)
@pytest.mark.parametrize(("rule", "expected", "how"), ABRUPT, ids=shown)
def test_a_stream_breaks_after_the_given_pieces(
    mock_heidi: Handle, rule: dict[str, Any], expected: list[bytes], how: str, operation: str
) -> None:
    say(mock_heidi)
    made = fault(mock_heidi, **rule)

    with streaming(mock_heidi, operation) as peer:
        status, headers = peer.head()
        chunks = [peer.chunk() for _ in expected]
        if how == "reset":
            assert peer.end() == Ending(b"", "reset")
        else:
            assert mock_heidi.clock.now()  # the server answers other clients meanwhile
            assert peer.silent()

    assert (status, headers["x-mock-fault"]) == (200, made.id)
    assert chunks == expected
    assert made.hits() == 1
    left = how == "stall"
    until(lambda: mock_heidi.requests(operation=operation)[-1]["client_left"] is left, "the end")
    if operation == "generate_consult_note":
        until(lambda: note(mock_heidi) == "".join(PIECES), "the note")


def test_a_reset_ends_a_stalled_stream_and_keeps_no_part_of_it(mock_heidi: Handle) -> None:
    say(mock_heidi)
    before = note(mock_heidi)
    fault(mock_heidi, stall_after=2)

    with streaming(mock_heidi, "generate_consult_note") as peer:
        peer.head()
        assert [peer.chunk(), peer.chunk()] == FRAMES[:2]
        mock_heidi.reset()
        assert peer.end().body == b""

    assert note(mock_heidi) == before


def test_a_client_notices_a_broken_stream_but_not_a_short_one(mock_heidi: Handle) -> None:
    say(mock_heidi)
    path = f"/sessions/{SESSION}/ask-ai"

    with mock_heidi.client() as client:
        with mock_heidi.fault("ask_ai", rst_after=2), pytest.raises(httpx.ReadError):
            client.post(path, json=ASK)
        with mock_heidi.fault("ask_ai", end_after=2):
            short = client.post(path, json=ASK)
        whole = client.post(path, json=ASK)

    assert (short.status_code, short.content) == (200, b"".join(FRAMES[:2]))
    assert whole.content == WHOLE


# --- Time -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def sleepers(mock_heidi: Handle) -> Sleepers:
    return Sleepers(mock_heidi)


@frozen
def test_delays_act_before_the_head_before_the_first_piece_and_between_pieces(
    mock_heidi: Handle, sleepers: Sleepers
) -> None:
    say(mock_heidi)
    fault(mock_heidi, delay=5, delay_body=3, delay_chunks={"uniform": [2, 2]}, end_after=3)

    with streaming(mock_heidi) as peer:
        sleepers.wake(peer, 5)
        peer.head()
        chunks = []
        for seconds in (3, 2, 2):
            sleepers.wake(peer, seconds)
            chunks.append(peer.chunk())
        assert peer.chunk() == b""

    assert chunks == FRAMES[:3]


@frozen
def test_one_write_waits_as_long_as_all_of_its_pieces(mock_heidi: Handle, sleepers: Sleepers) -> None:
    say(mock_heidi)
    fault(mock_heidi, delay_chunks=2, one_write=True)

    with streaming(mock_heidi) as peer:
        peer.head()
        for _ in FRAMES[2:]:
            sleepers.wait()
            mock_heidi.clock.advance(2)
        sleepers.wake(peer, 2)
        assert peer.chunks() == [WHOLE]


@frozen
def test_a_client_that_leaves_between_two_pieces_gets_its_complete_note(mock_heidi: Handle, sleepers: Sleepers) -> None:
    say(mock_heidi)
    fault(mock_heidi, delay_chunks=60)

    with streaming(mock_heidi, "generate_consult_note") as peer:
        peer.head()
        assert peer.chunk() == FRAMES[0]
        sleepers.wait()

    until(lambda: mock_heidi.requests(operation="generate_consult_note")[-1]["client_left"], "the client's leaving")
    until(lambda: note(mock_heidi) == "".join(PIECES), "the note")


@frozen
def test_a_reset_ends_a_stream_that_waits_for_its_next_piece(mock_heidi: Handle, sleepers: Sleepers) -> None:
    say(mock_heidi)
    before = note(mock_heidi)
    fault(mock_heidi, delay_chunks=60)

    with streaming(mock_heidi, "generate_consult_note") as peer:
        peer.head()
        peer.chunk()
        sleepers.wait()
        mock_heidi.reset()
        assert peer.end().body == b""

    assert note(mock_heidi) == before


@pytest.fixture
def paced() -> Iterator[Handle]:
    """A server that sends the first piece at once and each further piece after a second of its frozen clock."""
    with MockHeidi(clock=NOON, pace=Pace(first=0, rate=1)) as running:
        yield running


@pytest.mark.parametrize(
    ("rule", "how"), [({"end_after": 2}, "clean"), ({"rst_after": 2}, "reset"), ({"error_piece": 2}, "error")]
)
def test_an_early_end_does_not_wait_for_the_piece_it_leaves_out(paced: Handle, rule: dict[str, Any], how: str) -> None:
    say(paced)
    fault(paced, **rule)

    with streaming(paced, "generate_consult_note") as peer:
        peer.head()
        chunks = [peer.chunk()]
        paced.clock.advance(1)
        chunks.append(peer.chunk())
        if how == "reset":
            assert peer.end() == Ending(b"", "reset")
        else:
            assert peer.chunks() == ([ERROR] if how == "error" else [])

    assert chunks == FRAMES[:2]
    until(lambda: note(paced) == "".join(PIECES), "the note")
    assert paced.requests(operation="generate_consult_note")[-1]["client_left"] is False


def test_a_reset_does_not_break_a_stream_that_has_ended_early(paced: Handle) -> None:
    say(paced)
    fault(paced, end_after=1)

    with streaming(paced, "generate_consult_note") as peer:
        peer.head()
        assert peer.chunks() == FRAMES[:1]

        until(lambda: note(paced) == "".join(PIECES), "the note")
        paced.reset()
        peer.ask("GET", "/nowhere")
        assert peer.head()[0] == 404


def test_a_stream_that_has_ended_early_waits_for_neither_clock_nor_client() -> None:
    """An ASGI server sends no message while a client stays, so ``receive`` waits for ever here."""
    app = create_app(clock=NOON, pace=Pace(first=0, rate=1), faults=("ask_ai:end_after=1",))
    client = Client(app)
    headers = [(b"authorization", f"Bearer {client.token()}".encode())]
    client.close()
    path, ended = f"{BASE_PATH}/sessions/{SESSION}/ask-ai", asyncio.Event()
    scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": headers}
    coming = [{"type": "http.request", "body": json.dumps(ASK).encode()}]

    async def receive() -> Message:
        if coming:
            return coming.pop()
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Message) -> None:
        if message["type"] == "http.response.body" and not message.get("more_body"):
            ended.set()

    async def stream() -> bool:
        asking = asyncio.ensure_future(app(scope, receive, send))
        await ended.wait()
        done = asking.done()
        asking.cancel()
        return done

    assert asyncio.run(stream())


# --- Beside the pieces ------------------------------------------------------------------------------------------------


def test_times_counts_only_streams_that_were_changed(mock_heidi: Handle) -> None:
    say(mock_heidi, ["short"])
    made = mock_heidi.fault("ask_ai", end_after=3, times=1)

    with mock_heidi.client() as client:
        path = f"/sessions/{SESSION}/ask-ai"
        client.post(path, json=ASK)
        client.post("/sessions/5/ask-ai", json=ASK)
        unused = made.hits()
        say(mock_heidi)
        bodies = [client.post(path, json=ASK).content for _ in range(2)]

    assert unused == 0
    assert bodies == [b"".join(FRAMES[:3]), WHOLE]


def test_stream_effects_do_not_change_a_refusal(mock_heidi: Handle) -> None:
    made = fault(mock_heidi, end_after=0, crlf=True, rst_after=0)

    with asking(mock_heidi, "POST", "/sessions/5/ask-ai", ASK) as peer:
        status, headers = peer.head()
        assert json.loads(peer.exactly(int(headers["content-length"])))["detail"]["type"] == "SessionNotFoundError"

    assert (status, made.hits()) == (404, 0)
    assert "x-mock-fault" not in headers


def test_body_effects_do_not_change_a_stream(mock_heidi: Handle) -> None:
    say(mock_heidi)
    made = mock_heidi.fault([*STREAMS, "get_session"], cut_at=3, not_json=True, empty=True, drop_key="data")

    with streaming(mock_heidi) as peer:
        _, headers = peer.head()
        assert peer.chunks() == FRAMES

    assert made.hits() == 0
    assert "x-mock-fault" not in headers


def test_the_head_of_a_stream_names_the_acting_rules(mock_heidi: Handle) -> None:
    say(mock_heidi)
    rules = [fault(mock_heidi, end_after=9), fault(mock_heidi, crlf=True)]

    with streaming(mock_heidi) as peer:
        _, headers = peer.head()
        peer.chunks()

    assert headers["x-mock-fault"] == rules[1].id
    assert mock_heidi.requests(operation="ask_ai")[-1]["fault"] == rules[1].id


def test_a_stream_can_have_another_media_type(mock_heidi: Handle) -> None:
    say(mock_heidi)
    made = fault(mock_heidi, media_type="text/plain")

    with streaming(mock_heidi) as peer:
        _, headers = peer.head()
        assert peer.chunks() == FRAMES

    assert (headers["content-type"], headers["x-mock-fault"], made.hits()) == ("text/plain", made.id, 1)


def test_stream_effects_without_a_connection_work_in_process(heidi: Client) -> None:
    heidi.post("/_mock/replies", json={"operation": "generate_consult_note", "pieces": PIECES})
    heidi.post("/_mock/faults", json={"operation": "generate_consult_note", "end_after": 2, "crlf": True})

    answer = heidi.post(f"/sessions/{SESSION}/consult-note", json=NOTE)

    assert answer.content == b"".join(crlf(FRAMES[:2]))
    session = heidi.get(f"/sessions/{SESSION}").json()["session"]
    assert session["consult_note"]["result"] == "".join(PIECES)


def test_a_generated_note_is_cut_like_a_reply(mock_heidi: Handle) -> None:
    mock_heidi.session(SESSION, transcript="Pain in the left knee. " * 20)
    with mock_heidi.client() as client:
        path = f"/sessions/{SESSION}/consult-note"
        whole = client.post(path, json=NOTE).content
        with mock_heidi.fault("generate_consult_note", end_after=3):
            short = client.post(path, json=NOTE).content

    assert whole.startswith(short)
    assert (short.count(b"\n\n"), whole.count(b"\n\n") > 10) == (3, True)
    assert note(mock_heidi) == events(whole)


def test_a_stream_sent_byte_by_byte_ends_when_its_client_leaves(mock_heidi: Handle) -> None:
    mock_heidi.reply("ask_ai", pieces=["x" * 300_000])
    fault(mock_heidi, byte_by_byte=True)

    with streaming(mock_heidi) as peer:
        peer.head()
    [row] = until(lambda: [row for row in mock_heidi.requests(operation="ask_ai") if row["duration"] is not None], "it")

    assert row["client_left"]
    assert row["response_bytes"] < 300_000
