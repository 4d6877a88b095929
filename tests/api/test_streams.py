"""Streams on the connection: bytes, flushes, slow clients, and either side ending early.

The server runs in a thread with a frozen clock and makes a piece only when a test moves the clock. No test sleeps.
"""

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
from helpers import SESSION, UNKNOWN_ID
from peer import Peer
from running import until

from mock_heidi import Handle, MockHeidi, create_app
from mock_heidi.base.settings import BASE_PATH, Pace

NOON = "2025-01-06T12:00:00"
PATIENCE = 30
NOTE = {
    "generation_method": "TEMPLATE",
    "template_id": "659b8042fe093d6592b41ef7",
    "addition": "",
    "voice_style": "GOLDILOCKS",
}
ASK = {"ai_command_text": "Summarise", "content": "One. Two.", "content_type": "MARKDOWN"}
DOCUMENTED = {
    "ai_command_text": "Summarise the following text",
    "content": "My long paragraph of text",
    "content_type": "MARKDOWN",
}
PIECES = ["one ", "two", " three"]


class Stream(Peer):
    """One answer, read from a bare socket: first its head, then each chunk."""

    def __init__(self, heidi: Handle, path: str, body: Any, receive_buffer: int | None = None) -> None:
        super().__init__(heidi, receive_buffer)
        self.ask("POST", f"/sessions/{SESSION}{path}", body, heidi.headers())

    def rest(self) -> bytes:
        """Every chunk until the end."""
        return b"".join(self.chunks())


@contextlib.contextmanager
def streaming(heidi: Handle, path: str = "/ask-ai", body: Any = None, **options: Any) -> Iterator[Stream]:
    stream = Stream(heidi, path, body or ASK, **options)
    try:
        yield stream
    finally:
        stream.close()


@pytest.fixture(scope="module")
def fast_server() -> Iterator[Handle]:
    with MockHeidi(clock=NOON) as running:
        yield running


@pytest.fixture
def fast(fast_server: Handle) -> Handle:
    """A server that sends all pieces at once."""
    fast_server.reset()
    return fast_server


@pytest.fixture(scope="module")
def paced_server() -> Iterator[Handle]:
    with MockHeidi(clock=NOON, pace=Pace(first=0, rate=1)) as running:
        yield running


@pytest.fixture
def paced(paced_server: Handle) -> Handle:
    """A server that sends the first piece at once and each further piece after a second of its frozen clock."""
    paced_server.reset()
    return paced_server


def say(heidi: Handle, operation: str, *pieces: str) -> None:
    heidi.control("POST", "/replies", {"operation": operation, "pieces": list(pieces)})


def advance(heidi: Handle, seconds: float) -> None:
    heidi.control("POST", "/clock/advance", {"seconds": seconds})


def frame(piece: str) -> bytes:
    return b'data: {"data": ' + json.dumps(piece).encode() + b"}\n\n"


def note(heidi: Handle) -> dict[str, Any] | None:
    """The session's note as a client sees it."""
    with heidi.client() as client:
        found: dict[str, Any] | None = client.get(f"/sessions/{SESSION}").json()["session"]["consult_note"]
        return found


# --- Bytes ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/ask-ai", "/consult-note"])
def test_the_head_announces_a_chunked_event_stream(fast: Handle, path: str) -> None:
    with streaming(fast, path, ASK if path == "/ask-ai" else NOTE) as stream:
        _, headers = stream.head()

    assert stream.status_line == "HTTP/1.1 200 OK"
    assert headers["content-type"] == "text/event-stream; charset=utf-8"
    assert headers["transfer-encoding"] == "chunked"
    assert not {"content-length", "content-encoding"} & set(headers)


def test_the_stream_of_the_documented_example_is_exactly_the_documented_pieces(fast: Handle) -> None:
    with streaming(fast, body=DOCUMENTED) as stream:
        stream.head()
        body = stream.rest()
        assert stream.silent()

    assert body == (
        b'data: {"data": "My "}\n\ndata: {"data": "summary"}\n\n'
        b'data: {"data": " of the "}\n\ndata: {"data": "text."}\n\n'
    )


def test_a_stream_that_has_begun_keeps_the_values_of_its_assumptions(paced: Handle) -> None:
    pieces = ["é", "ü"]
    say(paced, "ask_ai", *pieces)

    with streaming(paced) as stream:
        stream.head()
        first = stream.chunk()
        paced.assume(stream_framing="ndjson", stream_escapes="utf_8")
        advance(paced, 1)
        second = stream.chunk()

    assert [first, second] == [frame(piece) for piece in pieces]


def test_a_connection_serves_another_request_after_a_stream(fast: Handle) -> None:
    with streaming(fast) as stream:
        stream.head()
        stream.rest()
        stream.socket.sendall(f"GET {BASE_PATH}/nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())

        stream.head()
        assert stream.status_line == "HTTP/1.1 404 Not Found"


def test_each_piece_is_a_separate_chunk(fast: Handle) -> None:
    say(fast, "ask_ai", *PIECES)

    with streaming(fast) as stream:
        stream.head()
        chunks = list(iter(stream.chunk, b""))

    assert chunks == [frame(piece) for piece in PIECES]


def test_the_joined_pieces_of_a_note_are_its_result(fast: Handle) -> None:
    with streaming(fast, "/consult-note", {**NOTE, "addition": "El niño: 38,5 °C 🙂"}) as stream:
        stream.head()
        chunks = list(iter(stream.chunk, b""))

    text = "".join(json.loads(chunk.removeprefix(b"data: "))["data"] for chunk in chunks)
    found = note(fast)
    assert found is not None
    assert found["result"] == text
    assert "El niño: 38,5 °C 🙂" in text


@pytest.mark.parametrize(
    ("piece", "expected"),
    [
        ("años", rb"a\u00f1os"),
        ("38 °C µg", rb"38 \u00b0C \u00b5g"),
        ("🙂", rb"\ud83d\ude42"),
        ("一", rb"\u4e00"),
        ("one\ntwo\n\nthree", rb"one\ntwo\n\nthree"),
        ("a\r\nb\tc", rb"a\r\nb\tc"),
        ('"quoted" \\', rb"\"quoted\" \\"),
        ("\u2028\x00\x7f", rb"\u2028\u0000\u007f"),
        ("", b""),
        ("data: x", b"data: x"),
    ],
)
def test_a_piece_is_escaped_on_one_line(fast: Handle, piece: str, expected: bytes) -> None:
    say(fast, "ask_ai", piece, "end")

    with streaming(fast) as stream:
        stream.head()
        body = stream.rest()

    assert body == b'data: {"data": "' + expected + b'"}\n\n' + frame("end")


def test_a_very_long_piece_arrives_whole(fast: Handle) -> None:
    piece = "long " * 100_000
    say(fast, "ask_ai", piece, "end")

    with streaming(fast) as stream:
        stream.head()
        body = stream.rest()

    assert body == frame(piece) + frame("end")


def test_a_reply_without_pieces_is_an_empty_stream(fast: Handle) -> None:
    say(fast, "ask_ai")

    with streaming(fast) as stream:
        stream.head()
        body = stream.rest()

    assert (stream.status_line, body) == ("HTTP/1.1 200 OK", b"")


@pytest.mark.slow
def test_a_slow_reader_receives_every_byte() -> None:
    """The stream is larger than all buffers between the two sides: the server waits, and serves others meanwhile."""
    pieces = [f"{number} " + "x" * 100_000 for number in range(150)]
    replies = [{"operation": "generate_consult_note", "pieces": pieces}]
    with MockHeidi(clock=NOON, fixtures={"replies": replies}) as heidi:
        before = note(heidi)

        with streaming(heidi, "/consult-note", NOTE, receive_buffer=4_096) as stream:
            stream.head()
            waiting = note(heidi)
            body = stream.rest()

        after = note(heidi)
    assert waiting == before
    assert body == b"".join(frame(piece) for piece in pieces)
    assert after is not None
    assert after["result"] == "".join(pieces)


def test_a_refusal_is_sent_as_json(fast: Handle) -> None:
    with streaming(fast, "/consult-note", {**NOTE, "template_id": UNKNOWN_ID}) as stream:
        _, headers = stream.head()

    assert stream.status_line == "HTTP/1.1 404 Not Found"
    assert headers["content-type"] == "application/json"


# --- Time -------------------------------------------------------------------------------------------------------------


def test_a_piece_can_be_read_before_the_next_is_made(paced: Handle) -> None:
    say(paced, "ask_ai", *PIECES)

    with streaming(paced) as stream:
        stream.head()
        seen = [stream.chunk()]
        for _ in PIECES[1:]:
            advance(paced, 0.9)
            assert stream.silent()
            advance(paced, 0.1)
            seen.append(stream.chunk())
        assert stream.chunk() == b""

    assert seen == [frame(piece) for piece in PIECES]


def test_a_clock_jump_sends_every_piece_that_is_due(paced: Handle) -> None:
    say(paced, "ask_ai", *PIECES)

    with streaming(paced) as stream:
        stream.head()
        stream.chunk()
        advance(paced, 2)
        body = stream.rest()

    assert body == frame(PIECES[1]) + frame(PIECES[2])


def test_starting_the_clock_continues_a_waiting_stream() -> None:
    with MockHeidi(clock=NOON, pace=Pace(first=3_600, rate=1)) as heidi, streaming(heidi) as stream:
        stream.head()
        assert stream.silent()

        heidi.control("PUT", "/clock", {"speed": 1_000_000})

        assert stream.rest().endswith(b"\n\n")


def test_the_session_keeps_its_old_note_until_the_stream_ends(paced: Handle) -> None:
    say(paced, "generate_consult_note", *PIECES)
    before = note(paced)

    with streaming(paced, "/consult-note", NOTE) as stream:
        stream.head()
        stream.chunk()
        during = note(paced)
        advance(paced, 10)
        stream.rest()

    after = note(paced)
    assert during == before
    assert after is not None
    assert after["result"] == "".join(PIECES)


def test_a_change_made_during_the_stream_is_kept(paced: Handle) -> None:
    say(paced, "generate_consult_note", *PIECES)

    with streaming(paced, "/consult-note", NOTE) as stream:
        stream.head()
        with paced.client() as client:
            client.patch(f"/sessions/{SESSION}", json={"clinician_notes": ["meanwhile"]})
        advance(paced, 10)
        stream.rest()

    found = paced.control("GET", f"/sessions/{SESSION}")
    assert found["clinician_notes"] == ["meanwhile"]
    assert found["consult_note"]["result"] == "".join(PIECES)


def test_pauses_vary_within_the_jitter_and_repeat_for_the_same_seed() -> None:
    pace = Pace(first=3, rate=2, jitter=0.5)
    namespaces = [create_app(seed=7, pace=pace).registry.default for _ in range(2)]

    ours, theirs = ([namespace.pace(number) for number in range(50)] for namespace in namespaces)

    assert ours == theirs
    assert 1.5 <= ours[0] <= 4.5
    assert all(0.25 <= pause <= 0.75 for pause in ours[1:])
    assert len(set(ours)) == 50


# --- Early ends -------------------------------------------------------------------------------------------------------


def test_a_client_that_leaves_early_still_gets_its_complete_note(paced: Handle) -> None:
    say(paced, "generate_consult_note", *PIECES)
    with streaming(paced, "/consult-note", NOTE) as stream:
        stream.head()
        stream.chunk()

    until(lambda: paced.requests(operation="generate_consult_note")[-1]["client_left"], "the client's leaving")

    found = note(paced)
    assert found is not None
    assert found["result"] == "".join(PIECES)


def test_the_journal_does_not_mark_a_client_that_stays_as_gone(fast: Handle) -> None:
    with streaming(fast, "/consult-note", NOTE) as stream:
        stream.head()
        stream.rest()

    assert fast.requests(operation="generate_consult_note")[-1]["client_left"] is False


def test_a_reset_breaks_a_live_stream_and_commits_nothing(paced: Handle) -> None:
    say(paced, "generate_consult_note", *PIECES)
    before = note(paced)
    with streaming(paced, "/consult-note", NOTE) as stream:
        stream.head()
        stream.chunk()

        paced.reset()

        with pytest.raises((EOFError, ConnectionError)):
            stream.chunk()

    assert note(paced) == before


def test_a_restored_snapshot_breaks_a_live_stream_and_commits_nothing(paced: Handle) -> None:
    say(paced, "generate_consult_note", *PIECES)
    before = note(paced)
    paced.snapshot()
    with streaming(paced, "/consult-note", NOTE) as stream:
        stream.head()
        stream.chunk()

        paced.restore()

        with pytest.raises((EOFError, ConnectionError)):
            stream.chunk()

    assert note(paced) == before
    assert paced.diff() == {}


def test_a_reset_does_not_touch_streams_of_other_namespaces(paced: Handle) -> None:
    say(paced, "ask_ai", *PIECES)
    with paced.namespace("other", clock=NOON) as other, streaming(paced) as stream:
        stream.head()
        stream.chunk()

        other.reset()

        advance(paced, 10)
        assert stream.rest() == frame(PIECES[1]) + frame(PIECES[2])


def test_stopping_the_server_ends_open_streams_at_once() -> None:
    server = MockHeidi(clock=NOON, pace=Pace(first=0, rate=0.001))
    heidi = server.start()
    say(heidi, "ask_ai", *PIECES)
    with streaming(heidi) as stream:
        stream.head()
        stream.chunk()

        server.close()

        with pytest.raises((EOFError, ConnectionError)):
            stream.chunk()
