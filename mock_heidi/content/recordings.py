"""Recordings for tests: silence of a chosen length, in a container with its length in the header."""

from __future__ import annotations

import struct
from collections.abc import Callable

# A default server takes an upload of this length: 6 hours of wav are 86 MB.
_LONGEST = 6 * 60 * 60
# Samples of one byte each: small files, at a rate that browsers still play.
_RATE = 4_000
_FRAME_MS = 20
# An Opus frame of 20 ms that decodes to silence.
_FRAME = b"\xf8\xff\xfe"
_CLUSTER_MS = 30_000


def audio(seconds: float = 30, format: str = "wav") -> bytes:  # noqa: A002 - the word that a user looks for
    """The bytes of a recording of ``seconds`` of silence. The same arguments give the same bytes.

    ``format`` is ``wav`` (4 kB for each second) or ``webm`` (half a kB, Opus, as browsers record). Raises
    :class:`ValueError` for another format, or if ``seconds`` is not above 0 and at most 21,600 (6 hours).
    """
    if format not in FORMATS:
        raise ValueError(f"format should be {' or '.join(FORMATS)}, not {format!r}")
    if not 0 < seconds <= _LONGEST:
        raise ValueError(f"seconds should be above 0 and at most {_LONGEST}, not {seconds!r}")
    return FORMATS[format](seconds)


def _wav(seconds: float) -> bytes:
    samples = b"\x80" * max(1, round(seconds * _RATE))
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, _RATE, _RATE, 1, 8)
    data = struct.pack("<4sI", b"data", len(samples)) + samples + b"\0" * (len(samples) % 2)
    return struct.pack("<4sI4s", b"RIFF", 4 + len(form) + len(data), b"WAVE") + form + data


def _webm(seconds: float) -> bytes:
    # The ids are those of the Matroska specification (RFC 9559), those of the codec of RFC 7845.
    head = _element(0x4282, b"webm") + _element(0x4287, b"\4") + _element(0x4285, b"\2")
    info = _element(0x2AD7B1, (1_000_000).to_bytes(3, "big")) + _element(0x4489, struct.pack(">d", seconds * 1_000))
    info += _element(0x4D80, b"mock_heidi") + _element(0x5741, b"mock_heidi")
    opus = struct.pack("<8sBBHIhB", b"OpusHead", 1, 1, 0, 48_000, 0, 0)
    sound = _element(0xB5, struct.pack(">f", 48_000)) + _element(0x9F, b"\1")
    track = _element(0xD7, b"\1") + _element(0x73C5, b"\1") + _element(0x83, b"\2")
    track += _element(0x86, b"A_OPUS") + _element(0x63A2, opus) + _element(0xE1, sound)
    length = max(_FRAME_MS, round(seconds * 1_000))
    clusters = (_cluster(at, min(length, at + _CLUSTER_MS)) for at in range(0, length, _CLUSTER_MS))
    body = [_element(0x1549A966, info), _element(0x1654AE6B, _element(0xAE, track)), *clusters]
    return _element(0x1A45DFA3, head) + _element(0x18538067, b"".join(body))


def _cluster(start: int, end: int) -> bytes:
    """A cluster of frames between two times in milliseconds."""
    blocks = (
        _element(0xA3, struct.pack(">BhB", 0x81, at - start, 0x80) + _FRAME) for at in range(start, end, _FRAME_MS)
    )
    return _element(0x1F43B675, _element(0xE7, start.to_bytes(4, "big")) + b"".join(blocks))


def _element(number: int, body: bytes) -> bytes:
    """An EBML element: its id, its length in eight bytes or in one, its body."""
    size = len(body)
    length = bytes([0x80 | size]) if size < 0x7F else (1 << 56 | size).to_bytes(8, "big")  # noqa: PLR2004
    return number.to_bytes((number.bit_length() + 7) // 8, "big") + length + body


FORMATS: dict[str, Callable[[float], bytes]] = {"wav": _wav, "webm": _webm}
