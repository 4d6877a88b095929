"""The form of a recorded stream is told, and each deviation from the form of the contract is named."""

import pytest

from mock_heidi.comparing import streams

EVENT, LINE, PIECE = 'data: {"data": "a"}\n\n', '{"data": "a"}\n', '{"data": "a"}'


@pytest.mark.parametrize(
    ("body", "media_type", "form"),
    [
        (EVENT, "text/event-stream", "sse"),
        (f": hello\n\n{EVENT}", "text/event-stream", "sse"),
        (f"event: message\n{EVENT}", "application/json", "sse"),
        (LINE * 2, "text/event-stream", "ndjson"),
        (PIECE, "application/x-ndjson", "ndjson"),
        (PIECE * 2, "text/event-stream", "objects"),
        ("", "text/event-stream", None),
        ("<html>", "text/html", None),
    ],
)
def test_the_framing_is_told_by_the_bytes(body: str, media_type: str, form: str | None) -> None:
    assert streams.framing(body, media_type) == form


@pytest.mark.parametrize(
    ("body", "form"),
    [
        (r"\u00e9", "escaped"),
        (r"\\\u00e9", "escaped"),
        (r"\ud83d\ude00", "escaped"),
        ("é", "utf_8"),
        (r"\n\u0007", None),
        (r"\\u00e9", None),
        ("plain", None),
        (r"é\u00e9", None),
    ],
)
def test_escapes_are_told_by_letters_beyond_ascii(body: str, form: str | None) -> None:
    assert streams.escapes(body) == form


@pytest.mark.parametrize(
    ("body", "form", "notes"),
    [
        (EVENT * 2, "sse", []),
        (LINE * 2, "ndjson", []),
        (PIECE * 2, "objects", []),
        ("", "sse", []),
        (EVENT[:-1], "sse", ["the stream ends within a piece"]),
        (LINE[:-1], "ndjson", ["the stream ends within a piece"]),
        (PIECE + PIECE[:5], "objects", ["the stream ends within a piece"]),
        (EVENT.replace("\n", "\r\n"), "sse", ["lines end with CR LF"]),
        (EVENT.replace(": {", ":{"), "sse", ["no space after data:"]),
        (f": hello\n{EVENT}", "sse", ["a comment between the pieces"]),
        (f"id: 1\n{EVENT}", "sse", ["another field than data"]),
        ("data: [DONE]\n\n", "sse", ["a piece is not JSON"]),
        ("data: {}\n\n", "sse", ["a piece has other keys than data"]),
        ('data: {"data": 1}\n\n', "sse", ["the data of a piece is no text"]),
        ('data: {"data": "é"}\n\n', "sse", ["letters beyond ASCII are not written as the contract says"]),
    ],
)
def test_each_deviation_has_a_note_without_the_text(body: str, form: str, notes: list[str]) -> None:
    assert list(streams.differences(body, form, escaped=True)) == notes
