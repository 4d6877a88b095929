"""Audio uploads: whole files and live segments, in valid and invalid multipart bodies.

- ``POST /sessions/{session_id}/upload-audio``: parts ``file`` (``audio/*``), ``start_time``, ``end_time``, ``expiry``
  → ``{"uploaded_audio": {…}}``: :data:`shapes.UPLOADED_AUDIO`.
- ``POST /sessions/{session_id}/restful-segment-transcription/{recording_id}:transcribe``: parts ``file``, ``index``
  → ``{"is_success": true}``.
"""

import asyncio
import errno
import hashlib
import io
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
import shapes
from audio import DATA, spoken
from clients import Client
from helpers import NOON_STAMP, SESSION, SESSION_NOT_FOUND, SUCCESS, Reply, another, answered, exchange, settled, wire
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.types import Message, Receive, Scope, Send

from mock_heidi.base.settings import BASE_PATH

UPLOAD = f"/sessions/{SESSION}/upload-audio"
SEGMENTS = f"/sessions/{SESSION}/restful-segment-transcription"
ONLY_AUDIO = {"detail": "only audio file is allowed"}
TOO_LARGE = {"detail": "Request body too large"}
FINISHED = {"detail": {"msg": "Recording already finished", "type": "RecordingFinishedError"}}
MEGABYTE = 1024 * 1024
# A kilobyte that is not audio.
NOISE = b"not audio at all " * 64


def upload(client: Client, audio: bytes = NOISE, media_type: str | None = "audio/wav", **fields: Any) -> httpx.Response:
    return client.post(UPLOAD, files={"file": ("visit.bin", audio, media_type)}, data=fields)


def start(client: Client) -> str:
    """Start a recording and return its path."""
    recording_id = client.post(SEGMENTS).json()["recording_id"]
    return f"{SEGMENTS}/{recording_id}"


def session(client: Client) -> dict[str, Any]:
    """The session in the state."""
    kept: dict[str, Any] = client.get(f"/_mock/sessions/{SESSION}").json()
    return kept


def pieces(client: Client) -> list[dict[str, Any]]:
    """The audio of the session in the state."""
    return list(session(client)["audio"])


def duration(client: Client) -> float:
    return float(client.get(f"/sessions/{SESSION}").json()["session"]["duration"])


def refused(answer: httpx.Response) -> tuple[int, list[Any]]:
    """The status of a refusal and the places it names."""
    return answer.status_code, [row["loc"] for row in answer.json()["detail"]]


def open_files() -> int:
    """The number of open descriptors of this process, or 0 where the system does not list them."""
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.exists() else 0


# --- Temporary files --------------------------------------------------------------------------------------------------


class FullDisk(io.BytesIO):
    """A temporary file on a full disk."""

    def write(self, _: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def no_folder(**_: Any) -> Any:
    raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/tmp']")


@pytest.mark.parametrize("made", [no_folder, lambda **_: FullDisk()], ids=["no folder", "full disk"])
def test_a_large_upload_that_no_temporary_file_takes_is_refused_with_the_cure(
    heidi: Client, monkeypatch: pytest.MonkeyPatch, made: Any
) -> None:
    before, files = session(heidi), open_files()
    monkeypatch.setattr(tempfile, "TemporaryFile", made)

    answer = upload(heidi, spoken(120))
    small = upload(heidi)

    cure = "mock_heidi cannot write an upload to a temporary file; name a folder with room for it in TMPDIR"
    assert answered(answer) == (503, wire({"detail": cure}))
    assert answer.headers["x-mock-provenance"] == "mock"
    assert small.status_code == 200
    assert len(session(heidi)["audio"]) == len(before["audio"]) + 1
    assert open_files() == files


# --- Whole files ------------------------------------------------------------------------------------------------------


def test_an_upload_gets_the_documented_answer(heidi: Client) -> None:
    answer = upload(heidi, spoken(2), start_time="2024-12-11T03:57:57Z", end_time="2024-12-11T04:12:57Z")

    assert answer.status_code == 200
    made = answer.json()["uploaded_audio"].pop("id")
    assert re.fullmatch("[0-9a-f]{24}", made)
    expected = shapes.UPLOADED_AUDIO.documented(id=made, created_at=NOON_STAMP)
    assert answer.text == wire({"uploaded_audio": expected})


def test_each_upload_gets_the_next_index(heidi: Client) -> None:
    indexes = [upload(heidi).json()["uploaded_audio"]["index"] for _ in range(3)]

    assert indexes == [0, 1, 2]


def test_the_index_of_an_upload_does_not_count_segments(heidi: Client) -> None:
    recording = start(heidi)
    for index in ("0", "1"):
        heidi.post(f"{recording}:transcribe", files={"file": ("a.wav", NOISE)}, data={"index": index})

    indexes = [upload(heidi).json()["uploaded_audio"]["index"] for _ in range(2)]

    assert indexes == [0, 1]
    assert [row["index"] for row in heidi.get(f"/sessions/{SESSION}").json()["session"]["audio"]] == [0, 1]


def test_the_session_lists_its_uploads_as_they_were_answered(heidi: Client) -> None:
    answers = [upload(heidi).json()["uploaded_audio"] for _ in range(2)]

    assert heidi.get(f"/sessions/{SESSION}").json()["session"]["audio"] == answers


def test_an_upload_with_an_expiry_gets_an_access_url(heidi: Client) -> None:
    audio = upload(heidi, expiry="600").json()["uploaded_audio"]

    assert audio["expiry"] == 600
    assert audio["access_url"].startswith("https://")


def test_the_end_time_is_the_start_time_plus_the_detected_duration(heidi: Client) -> None:
    upload(heidi, spoken(90), start_time="2024-12-11T03:57:57Z")

    (kept,) = pieces(heidi)
    assert (kept["start_time"], kept["end_time"]) == ("2024-12-11T03:57:57Z", "2024-12-11T03:59:27Z")


def test_the_given_times_override_the_detected_duration(heidi: Client) -> None:
    before = duration(heidi)

    upload(heidi, spoken(2), start_time="2024-12-11T03:57:57Z", end_time="2024-12-11T04:12:57Z")

    assert duration(heidi) == before + 900


@pytest.mark.parametrize("end", ["2024-12-11T03:57:57Z", "2024-12-11T01:00:00Z", "2034-12-11T03:57:57Z"])
def test_an_impossible_end_time_leaves_the_detected_duration(heidi: Client, end: str) -> None:
    before = duration(heidi)

    upload(heidi, spoken(2), start_time="2024-12-11T03:57:57Z", end_time=end)

    assert duration(heidi) == before + 2


def test_times_in_different_zones_give_the_right_duration(heidi: Client) -> None:
    before = duration(heidi)

    upload(heidi, start_time="2024-12-11T03:57:57Z", end_time="2024-12-11T12:00:00+08:00")

    assert duration(heidi) == before + 123


@pytest.mark.parametrize("name", ["tone.mp3", "tone.ogg", "tone.m4a", "tone.webm", "recorded.webm"])
def test_the_duration_of_every_audio_container_is_detected(heidi: Client, name: str) -> None:
    before = duration(heidi)

    upload(heidi, (DATA / name).read_bytes())

    assert duration(heidi) == before + 2


def test_a_file_without_a_detectable_duration_counts_as_thirty_seconds(heidi: Client) -> None:
    before = duration(heidi)

    upload(heidi, b"fake audio")

    (kept,) = pieces(heidi)
    assert (kept["duration"], kept["detected"]) == (30, False)
    assert duration(heidi) == before + 30


def test_the_state_keeps_length_and_digest_of_audio_but_not_its_bytes(heidi: Client) -> None:
    audio = spoken(2)
    upload(heidi, audio, "audio/x-wav")

    (kept,) = pieces(heidi)

    assert kept["length"] == len(audio)
    assert kept["sha256"] == hashlib.sha256(audio).hexdigest()
    assert kept["media_type"] == "audio/x-wav"
    assert kept["filename"] == "visit.bin"
    assert len(wire(kept)) < 1_000


def test_a_file_larger_than_the_read_buffer_is_measured_whole(heidi: Client) -> None:
    audio = spoken(120, rate=16_000)
    assert len(audio) > 3 * MEGABYTE

    upload(heidi, audio)

    (kept,) = pieces(heidi)
    assert (kept["length"], kept["duration"]) == (len(audio), 120)


@pytest.mark.parametrize("media_type", ["audio/wav", "audio/mpeg", "AUDIO/WAV", "audio/webm;codecs=opus"])
def test_every_audio_media_type_is_accepted(heidi: Client, media_type: str) -> None:
    assert upload(heidi, media_type=media_type).status_code == 200


@pytest.mark.parametrize("media_type", ["video/webm", "text/plain", "application/octet-stream", "application/audio"])
def test_other_media_types_are_refused_as_documented(heidi: Client, media_type: str) -> None:
    before = settled(heidi)

    assert answered(upload(heidi, media_type=media_type)) == (400, wire(ONLY_AUDIO))
    assert heidi.state() == before


def test_a_file_without_a_media_type_is_refused(heidi: Client) -> None:
    body = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nxx\r\n--b--\r\n'

    answer = heidi.post(UPLOAD, content=body, headers={"Content-Type": "multipart/form-data; boundary=b"})

    assert answered(answer) == (400, wire(ONLY_AUDIO))


@pytest.mark.parametrize("part", ["audio", "files", "File", ""])
def test_a_file_under_a_wrong_part_name_is_missing(heidi: Client, part: str) -> None:
    before = settled(heidi)

    answer = heidi.post(UPLOAD, files={part: ("a.wav", NOISE, "audio/wav")})

    assert refused(answer) == (422, [["body", "file"]])
    assert heidi.state() == before


def test_a_plain_field_is_not_accepted_as_a_file(heidi: Client) -> None:
    answer = heidi.post(UPLOAD, data={"file": "words"}, files={"other": ("a", b"x", "audio/wav")})

    assert refused(answer) == (422, [["body", "file"]])


def test_an_empty_file_is_refused(heidi: Client) -> None:
    before = settled(heidi)

    assert refused(upload(heidi, b"")) == (422, [["body", "file"]])
    assert heidi.state() == before


@pytest.mark.parametrize("name", ["start_time", "end_time"])
@pytest.mark.parametrize(
    "moment", ["yesterday", "1733889477", "2024-13-01T00:00:00Z", "2024-12-11", "9999-12-31T23:59:59Z", "٢٠٢٤"]
)
def test_an_invalid_time_is_refused(heidi: Client, name: str, moment: str) -> None:
    before = settled(heidi)

    assert refused(upload(heidi, NOISE, "audio/wav", **{name: moment})) == (422, [["body", name]])
    assert heidi.state() == before


@pytest.mark.parametrize("expiry", ["soon", "-1", "1.5", "9999999999"])
def test_an_expiry_must_be_a_whole_number_of_seconds(heidi: Client, expiry: str) -> None:
    assert refused(upload(heidi, expiry=expiry)) == (422, [["body", "expiry"]])


def test_the_form_is_checked_before_the_session(heidi: Client) -> None:
    path = "/sessions/404/upload-audio"

    without_file = heidi.post(path, files={"other": ("a", b"x", "audio/wav")})
    with_text = heidi.post(path, files={"file": ("a", b"x", "text/plain")})

    assert without_file.status_code == 422
    assert answered(with_text) == (404, wire(SESSION_NOT_FOUND))


@pytest.mark.parametrize("content_type", ["application/json", "audio/wav", "application/x-www-form-urlencoded", None])
def test_a_body_that_is_not_a_form_is_refused_for_its_missing_file(heidi: Client, content_type: str | None) -> None:
    headers = {} if content_type is None else {"Content-Type": content_type}

    answer = heidi.post(UPLOAD, content=NOISE, headers=headers)

    assert refused(answer) == (422, [["body", "file"]])


def test_the_media_type_of_the_form_may_be_in_any_case(heidi: Client) -> None:
    request = httpx.Request("POST", "http://localhost", files={"file": ("a.wav", NOISE, "audio/wav")})
    content_type = request.headers["Content-Type"].replace("multipart/form-data", "Multipart/Form-Data")

    answer = heidi.post(UPLOAD, content=request.read(), headers={"Content-Type": content_type})

    assert answer.status_code == 200


# --- Segments ---------------------------------------------------------------------------------------------------------


def test_a_segment_is_accepted(heidi: Client) -> None:
    recording = start(heidi)

    answer = heidi.post(
        f"{recording}:transcribe", files={"file": ("0.wav", spoken(45), "audio/wav")}, data={"index": 0}
    )

    assert answered(answer) == (200, wire(SUCCESS))


def test_a_segment_needs_no_media_type(heidi: Client) -> None:
    recording = start(heidi)
    body = (
        b'--b\r\nContent-Disposition: form-data; name="index"\r\n\r\n0\r\n'
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="chunk"\r\n\r\n' + spoken(2) + b"\r\n--b--\r\n"
    )

    answer = heidi.post(
        f"{recording}:transcribe", content=body, headers={"Content-Type": "multipart/form-data; boundary=b"}
    )

    assert answered(answer) == (200, wire(SUCCESS))
    assert [(kept["media_type"], kept["duration"]) for kept in pieces(heidi)] == [("", 2)]


def test_a_segment_may_have_any_media_type(heidi: Client) -> None:
    recording = start(heidi)
    files = {"file": ("0", NOISE, "application/octet-stream")}

    assert heidi.post(f"{recording}:transcribe", files=files, data={"index": "0"}).status_code == 200


@pytest.mark.parametrize("index", ["one", "-1", "1.0", "", " 1", "10000", "9" * 30, "\u0661"])
def test_an_invalid_index_is_refused(heidi: Client, index: str) -> None:
    recording = start(heidi)
    before = heidi.state()

    answer = heidi.post(f"{recording}:transcribe", files={"file": ("0", NOISE)}, data={"index": index})

    assert refused(answer) == (422, [["body", "index"]])
    assert heidi.state() == before


def test_a_segment_needs_an_index(heidi: Client) -> None:
    recording = start(heidi)

    answer = heidi.post(f"{recording}:transcribe", files={"file": ("0", NOISE)})

    assert refused(answer) == (422, [["body", "index"]])


def test_an_empty_segment_is_refused(heidi: Client) -> None:
    recording = start(heidi)
    before = heidi.state()

    answer = heidi.post(f"{recording}:transcribe", files={"file": ("0", b"")}, data={"index": "0"})

    assert refused(answer) == (422, [["body", "file"]])
    assert heidi.state() == before


def test_the_durations_of_segments_add_up_and_a_repeated_one_counts_once(heidi: Client) -> None:
    recording, before = start(heidi), duration(heidi)

    for index, seconds in ((0, 45), (1, 30), (0, 50)):
        files = {"file": ("s.wav", spoken(seconds), "audio/wav")}
        heidi.post(f"{recording}:transcribe", files=files, data={"index": str(index)})

    assert duration(heidi) == before + 80


# --- Limits and broken bodies -----------------------------------------------------------------------------------------


def body_of(audio: bytes, disposition: bytes = b'form-data; name="file"; filename="a.wav"') -> bytes:
    """A form with one file and the boundary ``b``."""
    head = b"--b\r\nContent-Disposition: " + disposition + b"\r\nContent-Type: audio/wav\r\n\r\n"
    return head + audio + b"\r\n--b--\r\n"


def post_body(client: Client, body: bytes, content_type: str = "multipart/form-data; boundary=b") -> httpx.Response:
    return client.post(UPLOAD, content=body, headers={"Content-Type": content_type})


def test_a_body_at_the_limit_is_accepted_and_one_byte_more_is_refused() -> None:
    body = body_of(NOISE)

    with another(max_upload=len(body)) as just, another(max_upload=len(body) - 1) as over:
        taken = post_body(just, body)
        before = settled(over)
        too_large = post_body(over, body)
        after = over.state()

    assert taken.status_code == 200
    assert answered(too_large) == (413, wire(TOO_LARGE))
    assert after == before


def test_the_limit_also_applies_to_segments_and_bodies_that_are_not_forms() -> None:
    with another(max_upload=100) as client:
        recording = start(client)
        segment = client.post(f"{recording}:transcribe", files={"file": ("0", NOISE)}, data={"index": "0"})
        plain = client.post(UPLOAD, content=NOISE)

    assert answered(segment) == (413, wire(TOO_LARGE))
    assert answered(plain) == (413, wire(TOO_LARGE))


BROKEN = {
    "cut inside the file": (body_of(NOISE)[:-200], None),
    "cut before the last boundary": (body_of(NOISE)[: -len(b"--b--\r\n")], None),
    "cut inside a header": (body_of(NOISE)[:20], None),
    "empty": (b"", None),
    "another boundary": (body_of(NOISE), "multipart/form-data; boundary=other"),
    "no boundary": (body_of(NOISE), "multipart/form-data"),
    "empty boundary": (body_of(NOISE), "multipart/form-data; boundary="),
    "endless boundary": (body_of(NOISE), "multipart/form-data; boundary=" + "b" * 5_000),
    "no boundary at all": (NOISE, None),
    "no name": (body_of(NOISE, b'form-data; filename="a.wav"'), None),
    "no disposition": (b"--b\r\n\r\nxx\r\n--b--\r\n", None),
    "too many fields": (
        b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n1\r\n' * 101 + body_of(NOISE),
        None,
    ),
    "a field of two megabytes": (
        b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n' + b"1" * 2 * MEGABYTE + b"\r\n" + body_of(NOISE),
        None,
    ),
}


@pytest.mark.parametrize(("body", "content_type"), BROKEN.values(), ids=BROKEN)
def test_a_broken_form_is_refused_and_changes_nothing(heidi: Client, body: bytes, content_type: str | None) -> None:
    before = settled(heidi)

    answer = post_body(heidi, body, content_type or "multipart/form-data; boundary=b")

    assert answer.status_code == 422, answer.text
    assert heidi.state() == before


CHARSETS = ["utf-7", "utf-16", "utf-8-sig", "latin-1", "us-ascii", "unicode_escape", "raw_unicode_escape", "idna"]
CHARSETS += ["punycode", "hex", "rot13", "undefined", "nonsense", "", "utf-8\0"]


@pytest.mark.parametrize("charset", CHARSETS)
def test_a_charset_other_than_utf_8_is_refused(heidi: Client, charset: str) -> None:
    before = settled(heidi)
    body = body_of(NOISE, b'form-data; name="+2AA-"; filename="\\ud800.wav"')

    answer = post_body(heidi, body, f"multipart/form-data; boundary=b; charset={charset}")

    assert answer.status_code == 422
    assert answer.json()["detail"][0]["msg"] == "Multipart decode error: The charset should be UTF-8"
    assert heidi.state() == before
    assert [heidi.get(f"/_mock/{endpoint}").status_code for endpoint in ("findings", "requests", "state")] == [200] * 3


@pytest.mark.parametrize("charset", ["utf-8", "UTF-8", "utf8", '"utf-8"'])
def test_utf_8_is_accepted_as_the_charset(heidi: Client, charset: str) -> None:
    answer = post_body(heidi, body_of(NOISE), f"multipart/form-data; boundary=b; charset={charset}")

    assert answer.status_code == 200


def test_a_file_name_may_use_any_script(heidi: Client) -> None:
    name = "consulta mañana 🎙️ 診察.wav"

    heidi.post(UPLOAD, files={"file": (name, NOISE, "audio/wav")})

    assert [kept["filename"] for kept in pieces(heidi)] == [name]


# --- Clients that leave -----------------------------------------------------------------------------------------------


def send_by_hand(client: Client, path: str, messages: list[Message], headers: Mapping[str, str]) -> Reply:
    """The answer to a signed-in request whose body arrives in these messages, before the client disconnects."""
    signed = {"Authorization": f"Bearer {client.token()}", **headers}
    return asyncio.run(exchange(client.app, "POST", BASE_PATH + path, headers=signed, messages=messages))


FORM = {"content-type": "multipart/form-data; boundary=b"}
UNFORMED = {"content-type": "audio/wav"}


@pytest.mark.parametrize("announced", ["transfer-encoding", "content-length"])
@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("POST", UPLOAD, {**FORM, "authorization": "Bearer none"}, 401),
        ("POST", UPLOAD.replace(SESSION, "404"), FORM, 404),
        ("POST", UPLOAD, UNFORMED, 422),
        ("POST", f"/sessions/{SESSION}/nowhere", UNFORMED, 404),
        ("PUT", UPLOAD, UNFORMED, 405),
        ("GET", "/patient-profiles/none", UNFORMED, 404),
        ("POST", SEGMENTS, UNFORMED, 200),
    ],
    ids=["no token", "no session", "no form", "no path", "no method", "no body wanted", "no refusal"],
)
def test_the_whole_body_is_read_before_the_answer(  # noqa: PLR0913, PLR0917 - each is one choice
    heidi: Client, method: str, path: str, headers: dict[str, str], status: int, announced: str
) -> None:
    """Otherwise a client that is still sending gets a broken connection instead of the answer."""
    body = body_of(NOISE)
    length = {"transfer-encoding": "chunked"} if announced == "transfer-encoding" else {announced: str(len(body))}
    left = [body[at : at + 100] for at in range(0, len(body), 100)]
    left_at_answer: list[int] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": left.pop(0), "more_body": bool(left)}

    async def watched(scope: Scope, _: Receive, send: Send) -> None:
        async def answering(message: Message) -> None:
            left_at_answer.append(len(left))
            await send(message)

        await heidi.app(scope, receive, answering)

    signed = {"authorization": f"Bearer {heidi.token()}", **length, **headers}
    answer = asyncio.run(exchange(watched, method, BASE_PATH + path, headers=signed))

    assert answer.status == status
    assert left_at_answer[0] == 0


@pytest.mark.parametrize("sent", [10, 1_000, 3 * MEGABYTE])
@pytest.mark.parametrize("operation", ["upload", "segment", "no form"])
def test_a_client_that_leaves_during_an_upload_leaves_no_record_or_open_file(
    heidi: Client, sent: int, operation: str
) -> None:
    path = f"{start(heidi)}:transcribe" if operation == "segment" else UPLOAD
    headers = {"content-type": "audio/wav"} if operation == "no form" else FORM
    body = body_of(b"\1" * 4 * MEGABYTE)[:sent]
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": True}]
    send_by_hand(heidi, path, messages, headers)
    before, files = heidi.state(), open_files()

    replies = [send_by_hand(heidi, path, messages, headers) for _ in range(3)]

    assert [reply.status for reply in replies] == [None, None, None]
    assert heidi.state() == before
    assert open_files() == files
    assert [entry["client_left"] for entry in heidi.get("/_mock/requests").json()["requests"]][-3:] == [True] * 3


@pytest.mark.parametrize("cut", [0, 100, 3 * MEGABYTE])
def test_uploads_leave_no_open_file(heidi: Client, cut: int) -> None:
    body = body_of(b"\1" * 4 * MEGABYTE)
    body = body[: len(body) - cut]
    post_body(heidi, body)
    files = open_files()

    for _ in range(3):
        post_body(heidi, body)

    assert open_files() == files


def test_a_file_that_is_too_large_leaves_no_open_file() -> None:
    body = body_of(b"\1" * 4 * MEGABYTE)
    with another(max_upload=3 * MEGABYTE) as client:
        post_body(client, body)
        files = open_files()

        statuses = [post_body(client, body).status_code for _ in range(3)]

        assert statuses == [413, 413, 413]
        assert open_files() == files


# --- Hostile bodies ---------------------------------------------------------------------------------------------------

NAMES = st.sampled_from(["file", "index", "start_time", "expiry", "", 'fi"le', "file\\", "é", "\0"]) | st.text(
    max_size=8
)
DISPOSITIONS = st.one_of(
    st.builds('form-data; name="{}"; filename="{}"'.format, NAMES, st.text(max_size=12)),
    st.builds('form-data; name="{}"'.format, NAMES),
    st.sampled_from(["form-data", "", "attachment; filename=a", "form-data; name=file; filename*=utf-8''%ff", ";;;=;"]),
)
HEADERS = st.lists(
    st.sampled_from(["Content-Type: audio/wav", "Content-Type: audio/\xff", "Content-Type:", "X: y", "no colon", ":"]),
    max_size=2,
)
CONTENTS = st.one_of(
    st.binary(max_size=64),
    st.just(spoken(0.1)),
    st.sampled_from([b"0", b"5", b"2024-12-11T03:57:57Z", b"--b", b"\r\n--b"]),
)


@st.composite
def parts(draw: st.DrawFn) -> bytes:
    lines = [f"Content-Disposition: {draw(DISPOSITIONS)}", *draw(HEADERS)]
    head = "\r\n".join(lines).encode("utf-8", "surrogatepass")
    return b"--b\r\n" + head + b"\r\n\r\n" + draw(CONTENTS) + b"\r\n"


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    body = b"".join(draw(st.lists(parts(), max_size=4))) + draw(st.sampled_from([b"--b--\r\n", b"--b--", b"--b", b""]))
    cut = draw(st.integers(0, 8))
    return body if cut < 6 else body[: draw(st.integers(0, len(body)))]


CONTENT_TYPES = st.sampled_from(
    [
        *["multipart/form-data; boundary=b"] * 6,
        "multipart/form-data; boundary=b; charset=utf-7",
        "multipart/form-data; boundary=b; charset=unicode_escape",
        "multipart/form-data; boundary=b; charset=idna",
        "multipart/form-data; boundary=b; charset=punycode",
        'multipart/form-data; boundary="b',
        "multipart/mixed; boundary=b",
        "multipart/form-data; boundary=",
    ]
)


@pytest.mark.slow
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=bodies(), content_type=CONTENT_TYPES, segment=st.booleans(), at=st.floats(0, 1), leaves=st.booleans())
def test_a_hostile_form_is_accepted_whole_or_changes_nothing(  # noqa: PLR0913, PLR0917 - each is one choice
    heidi: Client, body: bytes, content_type: str, segment: bool, at: float, leaves: bool
) -> None:
    recording = start(heidi)
    path = f"{recording}:transcribe" if segment else UPLOAD
    before, files = session(heidi), open_files()
    middle = int(len(body) * at)
    messages: list[Message] = [
        {"type": "http.request", "body": body[:middle], "more_body": True},
        {"type": "http.request", "body": body[middle:], "more_body": leaves},
    ]

    reply = send_by_hand(heidi, path, messages, {"content-type": content_type})

    assert reply.status in (200, 400, 422) or (leaves and reply.status is None)
    assert open_files() == files
    after = session(heidi)
    if reply.status == 200:
        assert len(after["audio"]) == len(before["audio"]) + 1
    else:
        assert after == before


def test_a_finished_recording_refuses_more_segments(heidi: Client) -> None:
    recording = start(heidi)
    heidi.post(f"{recording}:finish")
    before = heidi.state()

    answer = heidi.post(f"{recording}:transcribe", files={"file": ("0", NOISE)}, data={"index": "0"})

    assert answered(answer) == (400, wire(FINISHED))
    assert heidi.state() == before
