"""How long a recording is: told by the containers that clients send, and by nothing else.

The files in ``data`` are invented: two seconds of a tone. ``recorded.webm`` is as a browser records it: its header
states no duration, and its sizes are unknown.
"""

import io
import wave
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mock_heidi.audio import duration

DATA = Path(__file__).with_name("data")
FILES = ("tone.mp3", "tone.ogg", "tone.m4a", "tone.webm", "recorded.webm")
DAY = 86_400


def spoken(seconds: float, rate: int = 8_000) -> bytes:
    """Silence of that length, as wav."""
    file = io.BytesIO()
    with wave.open(file, "wb") as audio:
        audio.setnchannels(1)
        audio.setsampwidth(2)
        audio.setframerate(rate)
        audio.writeframes(b"\0\0" * round(rate * seconds))
    return file.getvalue()


def told(audio: bytes) -> float | None:
    return duration(io.BytesIO(audio))


@pytest.mark.parametrize("seconds", [0.25, 1, 2, 45, 60.5])
def test_wav_tells_its_seconds(seconds: float) -> None:
    assert told(spoken(seconds)) == pytest.approx(seconds)


@pytest.mark.parametrize("name", FILES)
def test_each_container_tells_about_its_two_seconds(name: str) -> None:
    assert told((DATA / name).read_bytes()) == pytest.approx(2, abs=0.1)


@pytest.mark.parametrize("name", FILES)
def test_invented_files_are_small(name: str) -> None:
    assert (DATA / name).stat().st_size < 40_000


def test_webm_of_a_browser_is_told_from_its_last_block() -> None:
    audio = (DATA / "recorded.webm").read_bytes()

    assert b"\x44\x89" not in audio[:300], "the header states a duration, so this file shows nothing"
    assert told(audio) == pytest.approx(2, abs=0.1)


def test_where_the_file_was_read_to_does_not_matter() -> None:
    file = io.BytesIO(spoken(3))
    file.seek(0, io.SEEK_END)

    assert duration(file) == pytest.approx(3)


@pytest.mark.parametrize(
    "audio",
    [
        b"",
        b"RIFF",
        b"fake audio",
        b"%PDF-1.7\n",
        b"\x89PNG\r\n\x1a\n" + b"\0" * 64,
        b"\0" * 4_096,
        b"\xff" * 4_096,
        b"\x1a\x45\xdf\xa3",
        b"\x1a\x45\xdf\xa3" + b"\xff" * 64,
        b"ID3\x04\x00\x00\x7f\x7f\x7f\x7f",
        b"OggS" + b"\0" * 64,
        b"fLaC" + b"\0" * 64,
        b"\0\0\0\x20ftypM4A " + b"\0" * 32,
        spoken(0),
    ],
    ids=repr,
)
def test_what_is_no_audio_tells_nothing(audio: bytes) -> None:
    assert told(audio) is None


def test_header_that_claims_more_than_a_day_tells_nothing() -> None:
    info = b"\x2a\xd7\xb1\x84\x7f\xff\xff\xff" + b"\x44\x89\x84\x7f\x7f\xff\xff"
    lying = b"\x1a\x45\xdf\xa3\x80" + b"\x18\x53\x80\x67\xff" + b"\x15\x49\xa9\x66" + bytes([0x80 | len(info)]) + info

    assert told(lying) is None


@settings(max_examples=60, deadline=None)
@given(name=st.sampled_from(FILES), part=st.floats(0, 1))
def test_truncated_file_tells_nothing_or_no_more_than_it_was(name: str, part: float) -> None:
    audio = (DATA / name).read_bytes()

    seconds = told(audio[: int(len(audio) * part)])

    assert seconds is None or 0 < seconds <= 2.1


@settings(max_examples=60, deadline=None)
@given(
    name=st.sampled_from(FILES),
    at=st.floats(0, 1),
    damage=st.binary(min_size=1, max_size=16),
)
def test_damaged_file_never_raises(name: str, at: float, damage: bytes) -> None:
    audio = bytearray((DATA / name).read_bytes())
    start = int(len(audio) * at)
    audio[start : start + len(damage)] = damage

    seconds = told(bytes(audio))

    assert seconds is None or 0 < seconds < DAY


@settings(max_examples=60, deadline=None)
@given(
    magic=st.sampled_from([b"", b"\x1a\x45\xdf\xa3", b"RIFF\0\0\0\0WAVEfmt ", b"OggS", b"ID3", b"\xff\xfb", b"fLaC"]),
    rest=st.binary(max_size=512),
)
def test_garbage_never_raises(magic: bytes, rest: bytes) -> None:
    seconds = told(magic + rest)

    assert seconds is None or 0 < seconds < DAY


def test_a_wav_written_into_a_pipe_is_counted_by_its_bytes() -> None:
    made = bytearray(spoken(2))
    at = made.index(b"data") + 4
    for unknown in (b"\xff\xff\xff\xff", b"\0\0\0\0"):
        made[at : at + 4] = unknown

        assert told(bytes(made)) == pytest.approx(2)


def test_bare_aac_is_counted_by_its_frames() -> None:
    # A frame of 20 bytes, 44.1 kHz: the head of 7 says its length, the rest says nothing here.
    frame = bytes([0xFF, 0xF1, 0x50, 0x80, 20 >> 3, (20 & 7) << 5, 0xFC]) + bytes(13)

    assert told(frame * 100) == pytest.approx(100 * 1_024 / 44_100)
