"""The length of a recording, read from the containers that clients send.

The files in ``data`` are invented: two seconds of a tone. ``recorded.webm`` is like a browser's: its header
has no duration, and its sizes are unknown.
"""

import hashlib
import io
import os
import wave
from pathlib import Path

import pytest
from audio import DATA, spoken
from hypothesis import given, settings
from hypothesis import strategies as st
from running import MODULE, call, run, spawn

import mock_heidi
from mock_heidi.content.durations import duration
from mock_heidi.content.recordings import FORMATS

FILES = ("tone.mp3", "tone.ogg", "tone.m4a", "tone.webm", "recorded.webm")
DAY = 86_400


def told(audio: bytes) -> float | None:
    return duration(io.BytesIO(audio))


@pytest.mark.parametrize("seconds", [0.25, 1, 2, 45, 60.5])
def test_wav_has_its_duration(seconds: float) -> None:
    assert told(spoken(seconds)) == pytest.approx(seconds)


@pytest.mark.parametrize("name", FILES)
def test_each_container_has_its_duration(name: str) -> None:
    assert told((DATA / name).read_bytes()) == pytest.approx(2, abs=0.1)


@pytest.mark.parametrize("name", FILES)
def test_invented_files_are_small(name: str) -> None:
    assert (DATA / name).stat().st_size < 40_000


def test_webm_of_a_browser_is_measured_by_its_last_block() -> None:
    audio = (DATA / "recorded.webm").read_bytes()

    assert b"\x44\x89" not in audio[:300], "the header states a duration, so this file shows nothing"
    assert told(audio) == pytest.approx(2, abs=0.1)


def test_duration_does_not_depend_on_the_position_in_the_file() -> None:
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
def test_other_files_have_no_duration(audio: bytes) -> None:
    assert told(audio) is None


def test_header_that_claims_more_than_a_day_is_ignored() -> None:
    info = b"\x2a\xd7\xb1\x84\x7f\xff\xff\xff" + b"\x44\x89\x84\x7f\x7f\xff\xff"
    lying = b"\x1a\x45\xdf\xa3\x80" + b"\x18\x53\x80\x67\xff" + b"\x15\x49\xa9\x66" + bytes([0x80 | len(info)]) + info

    assert told(lying) is None


@settings(max_examples=60, deadline=None)
@given(name=st.sampled_from(FILES), part=st.floats(0, 1))
def test_truncated_file_never_seems_longer(name: str, part: float) -> None:
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


def test_a_wav_written_into_a_pipe_is_measured_by_its_bytes() -> None:
    made = bytearray(spoken(2))
    at = made.index(b"data") + 4
    for unknown in (b"\xff\xff\xff\xff", b"\0\0\0\0"):
        made[at : at + 4] = unknown

        assert told(bytes(made)) == pytest.approx(2)


@pytest.mark.parametrize(("channels", "width", "rate"), [(1, 1, 8_000), (2, 2, 8_000), (2, 1, 11_025), (6, 3, 48_000)])
def test_duration_of_a_piped_wav_depends_on_channels_and_width(channels: int, width: int, rate: int) -> None:
    file = io.BytesIO()
    with wave.open(file, "wb") as audio:
        audio.setnchannels(channels)
        audio.setsampwidth(width)
        audio.setframerate(rate)
        audio.writeframes(bytes(channels * width * rate * 3))
    made = bytearray(file.getvalue())
    at = made.index(b"data") + 4
    made[at : at + 4] = b"\xff\xff\xff\xff"

    assert told(bytes(made)) == pytest.approx(3)


def webm(*clusters: tuple[int, list[int]], group: bool = False) -> bytes:
    """A webm like a browser's, without duration and sizes: clusters with times, and blocks with offsets."""
    made = b"\x1a\x45\xdf\xa3\x80" + b"\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff"
    for time, offsets in clusters:
        made += b"\x1f\x43\xb6\x75\x01\xff\xff\xff\xff\xff\xff\xff" + b"\xe7\x84" + time.to_bytes(4, "big")
        for offset in offsets:
            body = b"\x81" + offset.to_bytes(2, "big", signed=True) + b"\x80frame"
            block = bytes([0xA1 if group else 0xA3, 0x80 | len(body)]) + body
            made += bytes([0xA0, 0x80 | len(block)]) + block if group else block
    return made


@pytest.mark.parametrize("group", [False, True], ids=["simple blocks", "block groups"])
@pytest.mark.parametrize(
    ("clusters", "seconds"),
    [
        ([(0, [0, 1_500])], 1.5),
        ([(0, [0, 900]), (1_000, [0, 250])], 1.25),
        ([(2_000, [500, 0])], 2.5),
        ([(0, [4_000]), (3_000, [-500])], 4),
        ([(1_000, [-500])], 1),
    ],
)
def test_time_of_a_webm_block_adds_cluster_and_offset(
    clusters: list[tuple[int, list[int]]], seconds: float, *, group: bool
) -> None:
    assert told(webm(*clusters, group=group)) == pytest.approx(seconds)


def test_bare_aac_is_measured_by_its_frames() -> None:
    # A frame of 20 bytes, 44.1 kHz: the head of 7 says its length, the rest says nothing here.
    frame = bytes([0xFF, 0xF1, 0x50, 0x80, 20 >> 3, (20 & 7) << 5, 0xFC]) + bytes(13)

    assert told(frame * 100) == pytest.approx(100 * 1_024 / 44_100)


# --- Recordings that tests make ---------------------------------------------------------------------------------------

HASHES = {"wav": "a2f1929ea83b966b", "webm": "6f27062d5872b40a"}
each_format = pytest.mark.parametrize("form", FORMATS)


@each_format
@pytest.mark.parametrize("seconds", [0.04, 1, 30.5, 45, 3_600])
def test_a_made_recording_has_the_chosen_length(form: str, seconds: float) -> None:
    assert told(mock_heidi.audio(seconds=seconds, format=form)) == pytest.approx(seconds, abs=0.001)


@each_format
def test_the_same_arguments_make_the_same_recording(form: str) -> None:
    assert mock_heidi.audio(12.5, form) == mock_heidi.audio(seconds=12.5, format=form)


def test_bytes_of_a_made_recording_never_change() -> None:
    """A test may compare them with stored bytes, so a change needs a line in CHANGELOG."""
    hashes = {form: hashlib.sha256(mock_heidi.audio(2, form)).hexdigest()[:16] for form in FORMATS}

    assert hashes == HASHES


def test_half_a_minute_of_wav_is_the_default() -> None:
    assert mock_heidi.audio() == mock_heidi.audio(seconds=30, format="wav")


def test_the_standard_library_reads_a_made_wav() -> None:
    with wave.open(io.BytesIO(mock_heidi.audio(1.5))) as made:
        samples = made.readframes(made.getnframes())

        assert made.getnframes() / made.getframerate() == pytest.approx(1.5)
        assert set(samples) == {0x80}


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf"), 21_600.1])
def test_an_invalid_length_is_refused(seconds: float) -> None:
    with pytest.raises(ValueError, match=r"seconds should be above 0 and at most 21600, not "):
        mock_heidi.audio(seconds=seconds)


@pytest.mark.parametrize("form", ["mp3", "", "WAV"])
def test_an_unknown_format_is_refused_with_the_known_ones(form: str) -> None:
    with pytest.raises(ValueError, match=f"format should be wav or webm, not '{form}'"):
        mock_heidi.audio(format=form)


def test_audio_is_always_the_function() -> None:
    assert callable(mock_heidi.audio)
    assert "audio" in mock_heidi.__all__
    assert mock_heidi.Handle.audio is mock_heidi.audio


@pytest.mark.parametrize(
    ("args", "form"),
    [(["a.wav"], "wav"), (["a.WebM"], "webm"), (["a.bin", "--format", "webm"], "webm"), (["a"], "wav")],
    ids=["wav", "ending", "format", "no ending"],
)
def test_audio_command_writes_what_the_function_makes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, args: list[str], form: str
) -> None:
    monkeypatch.chdir(tmp_path)

    assert call("audio", "--seconds", "2.5", *args) == 0
    assert (tmp_path / args[0]).read_bytes() == mock_heidi.audio(seconds=2.5, format=form)


def test_audio_command_writes_to_standard_output() -> None:
    with spawn("audio", "--seconds", "1", "-") as process:
        written, _ = process.communicate(timeout=60)

    assert (process.returncode, written) == (0, mock_heidi.audio(1))


def test_audio_command_writes_nothing_to_a_terminal() -> None:
    master, terminal = os.openpty()
    try:
        ended = run("audio", "-", command=MODULE, stdout=terminal)
    finally:
        os.close(terminal)
        os.close(master)

    message = "mock-heidi: audio: standard output is a terminal; give a file, or pipe the output into a command\n"
    assert (ended.returncode, ended.stderr) == (1, message)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["a.mp3"], "audio: format should be wav or webm, not 'mp3'; give --seconds and --format"),
        (["a.wav", "--seconds", "0"], "audio: seconds should be above 0 and at most 21600, not 0.0; give --seconds"),
        (["missing/a.wav"], "audio: cannot write missing/a.wav: No such file or directory; give a file in a folder"),
    ],
    ids=["format", "length", "folder"],
)
def test_audio_command_that_cannot_write_says_why_and_writes_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    args: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)

    assert call("audio", *args) == 1
    assert capsys.readouterr().err.startswith(f"mock-heidi: {message}")
    assert list(tmp_path.iterdir()) == []
