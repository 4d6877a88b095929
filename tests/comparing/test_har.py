"""HAR files are read as browsers, mitmproxy and Proxyman write them; a file that is no HAR is one clear error."""

import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest
from clients import Client
from har_files import HOST, archive
from told_traffic import consultation

from mock_heidi.base.settings import BASE_PATH, ConfigError
from mock_heidi.comparing import har
from mock_heidi.comparing.comparison import compare
from mock_heidi.comparing.exchange import Exchange

SHOWN = {"recording_id": "123"}
URL = f"{HOST}{BASE_PATH}/sessions/1/restful-segment-transcription"
AUDIO = f"{HOST}{BASE_PATH}/sessions/1/upload-audio"
FORM = "multipart/form-data; boundary=x"


def entry(url: str = URL, method: str = "POST", **fields: Any) -> dict[str, Any]:
    """An entry with the fewest fields; ``fields`` begin with ``request_``, ``response_`` or ``content_``."""
    made: dict[str, Any] = {
        "request": {"method": method, "url": url, "headers": []},
        "response": {"status": 200, "headers": [], "content": {"mimeType": "application/json"}},
    }
    made["response"]["content"] |= {"text": json.dumps(SHOWN)}
    parts = {"request": made["request"], "response": made["response"], "content": made["response"]["content"]}
    for name, value in fields.items():
        part, _, key = name.partition("_")
        parts[part][key] = value
    return made


def traffic(folder: Path, *entries: dict[str, Any]) -> har.Traffic:
    path = folder / "traffic.har"
    path.write_text(json.dumps(archive(list(entries))), encoding="utf-8")
    return har.read([path])


def one(folder: Path, made: dict[str, Any]) -> Exchange:
    (exchange,) = traffic(folder, made).exchanges
    return exchange


def headers(**values: str) -> list[dict[str, str]]:
    return [{"name": name.replace("_", "-"), "value": value} for name, value in values.items()]


# --- Which requests ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "prefix", ["", BASE_PATH, "/ns/blue" + BASE_PATH, "/proxy/heidi", f"/x{BASE_PATH}", f"{BASE_PATH}/"]
)
@pytest.mark.parametrize("host", ["http://localhost:1", HOST])
def test_an_operation_is_found_at_any_host_and_below_any_prefix(tmp_path: Path, host: str, prefix: str) -> None:
    found = one(tmp_path, entry(f"{host}{prefix}/sessions/12/transcript?a=b", "GET"))

    assert (found.operation, found.params) == ("get_transcript", {"session_id": "12"})


@pytest.mark.parametrize(
    ("method", "path", "operation"),
    [
        ("GET", "/sessions/linked-user", "list_linked_user_sessions"),
        ("GET", "/sessions/12", "get_session"),
        ("POST", "/patient-profiles/12/sessions", "link_sessions"),
        ("POST", "/sessions", "create_session"),
        ("DELETE", "/patient-profiles:batch-delete", "delete_patient_profiles"),
        ("POST", "/sessions/1/restful-segment-transcription/2:finish", "finish_recording"),
        ("POST", "/sessions/1/restful-segment-transcription/2%3Afinish", "finish_recording"),
    ],
)
def test_the_most_specific_operation_counts(tmp_path: Path, method: str, path: str, operation: str) -> None:
    assert one(tmp_path, entry(f"{HOST}{BASE_PATH}{path}", method)).operation == operation


def test_traffic_of_others_is_ignored_and_counted(tmp_path: Path) -> None:
    others = [
        entry("https://shop.example/cart", "GET"),
        entry("https://other.example/api/sessions"),
        entry(URL, "OPTIONS"),
        entry("wss://other.example/sessions", "GET"),
        entry("data:text/plain,hello", "GET"),
        entry("http://[broken/sessions", "GET"),
    ]
    found = traffic(tmp_path, *others, entry())

    assert ([exchange.operation for exchange in found.exchanges], found.ignored) == (["start_recording"], 6)


def test_a_request_without_an_answer_is_counted_and_not_compared(tmp_path: Path) -> None:
    found = traffic(tmp_path, entry(), entry(response_status=0))

    assert (len(found.exchanges), found.unanswered, found.ignored) == (1, 1, 0)


def test_exchanges_are_in_the_order_of_time_over_all_files(tmp_path: Path) -> None:
    for number, minute in enumerate((2, 1)):
        made = entry(f"{HOST}{BASE_PATH}/sessions/{minute}", "GET")
        made["startedDateTime"] = f"2025-01-06T12:0{minute}:00.000+01:00"
        (tmp_path / f"{number}.har").write_text(json.dumps(archive([made])), encoding="utf-8")

    found = har.read([tmp_path / "0.har", tmp_path / "1.har"]).exchanges

    assert [exchange.session for exchange in found] == ["1", "2"]


# --- Bodies and headers -----------------------------------------------------------------------------------------------


def test_names_of_headers_have_no_case_and_pseudo_headers_are_left_out(tmp_path: Path) -> None:
    given = [*headers(Authorization="Bearer x"), {"name": ":path", "value": "/"}, {"name": 1}, "broken"]
    found = one(tmp_path, entry(request_headers=given, response_headers=headers(Date="Mon, 06 Jan 2025 12:00:00 GMT")))

    assert dict(found.headers) == {"authorization": "Bearer x"}
    assert found.answered_at == 1736164800


@pytest.mark.parametrize("text", [json.dumps(SHOWN), base64.b64encode(json.dumps(SHOWN).encode()).decode()])
def test_a_body_may_be_in_base64(tmp_path: Path, text: str) -> None:
    encoding: dict[str, Any] = {} if text.startswith("{") else {"content_encoding": "base64"}

    assert one(tmp_path, entry(content_text=text, **encoding)).shown == SHOWN


@pytest.mark.parametrize("size", [{}, {"content_size": 17}, {"response_bodySize": 17}, {"content_size": -1}])
def test_a_body_that_was_not_recorded_is_no_empty_body(tmp_path: Path, size: dict[str, Any]) -> None:
    made = entry(**size)
    del made["response"]["content"]["text"]

    result = compare(traffic(tmp_path, made).exchanges)

    assert result.unrecorded == 1
    assert result.differences == []


def test_an_empty_body_is_a_difference(tmp_path: Path) -> None:
    result = compare(traffic(tmp_path, entry(content_text="", content_size=0)).exchanges)

    assert [row.note for row, _ in result.differences] == ["the body is empty"]


def test_the_media_type_may_be_known_from_the_content_alone(tmp_path: Path) -> None:
    assert compare(traffic(tmp_path, entry()).exchanges).differences == []


def test_the_parts_of_a_form_are_read_from_its_text(tmp_path: Path) -> None:
    body = (
        '--x\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\nContent-Type: audio/wav\r\n\r\n'
        'RIFF\r\n--x\r\nContent-Disposition: form-data; name="start_time"\r\n\r\nnoon\r\n--x--\r\n'
    )
    made = entry(AUDIO, request_postData={"mimeType": FORM, "text": body}, request_bodySize=len(body))

    found = one(tmp_path, made).parts

    assert [(part.name, part.filename, part.media_type, part.content) for part in found] == [
        ("file", "a.wav", "audio/wav", b"RIFF"),
        ("start_time", None, "", b"noon"),
    ]


def test_the_parts_of_a_form_are_read_from_its_parameters(tmp_path: Path) -> None:
    params = [{"name": "file", "fileName": "a.wav", "contentType": "audio/wav"}, {"name": "index", "value": "0"}]
    made = entry(AUDIO, request_postData={"mimeType": "multipart/form-data", "params": params})

    found = one(tmp_path, made).parts

    assert [(part.name, part.filename, part.content) for part in found] == [
        ("file", "a.wav", None),
        ("index", None, b"0"),
    ]


def test_bytes_that_are_no_text_are_read_as_mitmproxy_writes_them(tmp_path: Path) -> None:
    made = entry(
        AUDIO, request_postData={"mimeType": "audio/wav", "text": b"\xff\xfeRIFF".decode("utf-8", "surrogateescape")}
    )

    assert one(tmp_path, made).sent == b"\xff\xfeRIFF"


@pytest.mark.parametrize("body", ["--x", "--x\r\nContent-Disposition: form-data", "RIFF"])
def test_a_form_that_the_recorder_has_cut_is_no_broken_form(tmp_path: Path, body: str) -> None:
    made = entry(AUDIO, response_status=422, request_postData={"mimeType": FORM, "text": body})
    whole, cut = ({**made["request"], "headers": headers(Content_Length=str(size))} for size in (len(body), 5000))

    assert one(tmp_path, {**made, "request": whole}).whole_form is False
    assert one(tmp_path, {**made, "request": cut}).whole_form is True


# --- Files that are no HAR --------------------------------------------------------------------------------------------

CURE = "record the traffic again and save it as HAR"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "it is not JSON"),
        ("curl 'https://heidi.example'", "it is not JSON"),
        ("[" * 100_000, "it is not JSON"),
        ("\ud800", "it is not JSON"),
        ("[]", "it has no list log.entries"),
        ('{"log": []}', "it has no list log.entries"),
        ('{"log": {"entries": {}}}', "it has no list log.entries"),
        ('{"log": {"entries": [1]}}', "entry 1 has no request and response"),
        ('{"log": {"entries": [{"request": {}}]}}', "entry 1 has no request and response"),
        ('{"log": {"entries": [{"request": {"url": "a"}, "response": {}}]}}', "entry 1 has no method and url"),
    ],
)
def test_a_file_that_is_no_har_is_an_error_with_a_cure(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))

    with pytest.raises(ConfigError, match=re.escape(f"{path} is not a HAR file: {problem}; {CURE}")):
        har.read([path])


def test_a_missing_file_and_a_folder_are_errors(tmp_path: Path) -> None:
    for path in (tmp_path / "none.har", tmp_path):
        with pytest.raises(ConfigError, match=re.escape(f"cannot read {path}: ")):
            har.read([path])


@pytest.mark.parametrize("endless", [False, True])
def test_a_file_that_is_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, endless: bool) -> None:
    path = Path("/dev/zero") if endless else tmp_path / "traffic.har"
    if not endless:
        path.write_bytes(b" " * 2_000_000)
    monkeypatch.setattr(har, "LARGEST", 1024**2)

    with pytest.raises(ConfigError, match="larger than 1 MB; record less at once, or give more files"):
        har.read([path])


def test_a_byte_order_mark_is_no_error(tmp_path: Path) -> None:
    path = tmp_path / "traffic.har"
    path.write_text(json.dumps(archive([entry()])), encoding="utf-8-sig")

    assert len(har.read([path]).exchanges) == 1


# --- What recorders hide ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["***", "a"])
def test_a_body_that_is_hidden_or_spoilt_is_not_compared(tmp_path: Path, text: str) -> None:
    encoding: dict[str, Any] = {} if text == "***" else {"content_encoding": "base64"}

    result = compare(traffic(tmp_path, entry(content_text=text, **encoding)).exchanges)

    assert (result.unrecorded, result.differences) == (1, [])


def test_the_recordings_of_the_mock_settle_nothing_about_streams(tmp_path: Path, heidi: Client) -> None:
    consultation(heidi)
    path = tmp_path / "traffic.har"
    path.write_bytes(heidi.get("/_mock/requests?format=har").content)

    result = compare(har.read([path]).exchanges)

    assert result.exchanges > 20
    assert result.drifted is False
    assert {one.assumption.name for one in result.evidence}.isdisjoint({"stream_framing", "stream_escapes"})


@pytest.mark.parametrize(("size", "told"), [({"request_bodySize": 0}, True), ({"request_bodySize": -1}, False)])
def test_a_request_whose_body_was_not_recorded_is_not_one_without_a_body(
    tmp_path: Path, size: dict[str, Any], told: bool
) -> None:
    refused: dict[str, Any] = {"content_text": '{"detail": "the body is missing"}', "response_status": 400}

    result = compare(traffic(tmp_path, entry(f"{HOST}{BASE_PATH}/patient-profiles", **size, **refused)).exchanges)

    assert ("body_required" in result.chosen) is told


def test_the_page_of_a_proxy_tells_nothing_about_slashes(tmp_path: Path) -> None:
    page: dict[str, Any] = {"content_text": "<html>", "response_status": 404}

    result = compare(traffic(tmp_path, entry(f"{HOST}{BASE_PATH}//sessions", **page)).exchanges)

    assert result.evidence == []


@pytest.mark.parametrize("shape", ['{{"a": {}}}', "[{}]", '{{"questions": [{{"childQuestions": {}}}]}}'])
def test_a_body_that_is_nested_very_deeply_is_not_read(tmp_path: Path, shape: str) -> None:
    deep = "1"
    for _ in range(300):
        deep = shape.format(deep)
    posted = {"mimeType": "application/json", "text": deep}
    url = f"{HOST}{BASE_PATH}/sessions/1/client-customised-template/response"

    result = compare(traffic(tmp_path, entry(url, request_postData=posted, content_text=deep)).exchanges)

    assert [row.note for row, _ in result.differences] == ["the body is not JSON"]
