"""The doors to the journal, and what they are asked by.

- ``GET /_mock/requests`` with ``operation``, ``method``, ``path``, ``status``, ``session_id``, ``since``, ``fault``,
  ``finding``, ``text`` and ``limit`` → ``{"requests", "dropped"}``, or with ``format`` curl's lines or HAR 1.2
- ``GET /_mock/requests/count`` → ``{"count": n}``, ``GET /_mock/requests/{id}`` → one
- ``DELETE /_mock/requests`` → ``{"cleared": n}``, of those that fit
"""

import json
import shlex
import subprocess
from typing import Any
from urllib.parse import urlencode

import pytest
from conftest import JOHN, NOON, Client
from helpers import OTHER_SESSION, SESSION, answered, ask, space, wire

from mock_heidi import MockHeidi
from mock_heidi.settings import BASE_PATH, DEFAULT_KEY

ASK = {"ai_command_text": "translate", "content": "One. Two.", "content_type": "MARKDOWN"}
LATER = "2025-01-06T12:00:01"


def ids(client: Client, **filters: Any) -> list[int]:
    return [row["id"] for row in client.get(f"/_mock/requests?{urlencode(filters)}").json()["requests"]]


def count(client: Client, **filters: Any) -> int:
    number: int = client.get(f"/_mock/requests/count?{urlencode(filters)}").json()["count"]
    return number


@pytest.fixture
def busy(heidi: Client) -> Client:
    """A client that has asked eight things; the clock went on by a second before the fifth."""
    heidi.sign_in()
    heidi.get(f"/sessions/{SESSION}")
    heidi.get("/sessions/99")
    heidi.post("/nothing", json={"session_id": SESSION})
    heidi.post("/_mock/clock/advance", json={"seconds": 1})
    heidi.post("/_mock/faults", json={"id": "busy", "operation": "get_session", "status": 503, "times": 1})
    heidi.get(f"/sessions/{OTHER_SESSION}")
    heidi.post("/sessions", json={"patient_profile_id": JOHN})
    heidi.post(f"/patient-profiles/{JOHN}/sessions", json={"session_ids": [OTHER_SESSION]})
    heidi.get("/patient-profiles?ehr_patient_id=Zo%C3%AB%20%22O%27Brien%22", headers={"X-Own": "visible"})
    return heidi


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, [1, 2, 3, 4, 5, 6, 7, 8]),
        ({"operation": "get_session"}, [2, 3, 5]),
        ({"method": "post"}, [4, 6, 7]),
        ({"path": f"/sessions/{SESSION}"}, [2]),
        ({"path": f"{BASE_PATH}/sessions/{SESSION}"}, [2]),
        ({"path": "/sessions/{session_id}"}, [2, 3, 5]),
        ({"path": "/patient-profiles*"}, [7, 8]),
        ({"status": "404"}, [3, 4]),
        ({"status": "5xx"}, [5]),
        ({"status": "none"}, []),
        ({"session_id": SESSION}, [2, 4]),
        ({"session_id": OTHER_SESSION}, [5, 7]),
        ({"session_id": "99"}, [3]),
        ({"since": "6"}, [7, 8]),
        ({"since": "0"}, [1, 2, 3, 4, 5, 6, 7, 8]),
        ({"since": "99"}, []),
        ({"since": NOON}, [5, 6, 7, 8]),
        ({"since": f"{LATER}Z"}, []),
        ({"fault": "busy"}, [5]),
        ({"fault": "any"}, [5]),
        ({"fault": "true"}, [5]),
        ({"fault": "none"}, [1, 2, 3, 4, 6, 7, 8]),
        ({"fault": "other"}, []),
        ({"text": "visible"}, [8]),
        ({"text": 'Zoë "O\'Brien"'}, [8]),
        ({"text": '"status": 503'}, [5]),
        ({"text": "nowhere"}, []),
        ({"operation": "get_session", "status": "4xx", "since": "1"}, [3]),
        ({"since": "2", "limit": "2"}, [7, 8]),
    ],
)
def test_filters_pick_what_has_all_of_them(busy: Client, filters: dict[str, str], expected: list[int]) -> None:
    assert ids(busy, **filters) == expected
    if "limit" not in filters:
        assert count(busy, **filters) == len(expected)


def test_a_session_is_found_by_the_request_that_made_it(busy: Client) -> None:
    made = busy.get("/_mock/requests/6").json()["response"]["session_id"]

    assert ids(busy, session_id=made) == [6]


def test_findings_are_made_before_they_are_looked_for(heidi: Client) -> None:
    heidi.post("/sessions", json={"unknown": 1})
    heidi.get(f"/sessions/{SESSION}")

    assert ids(heidi, finding="unknown_field") == [2]


@pytest.mark.parametrize(
    ("query", "error", "hint"),
    [
        ("operation=get_sesion", "there is no operation 'get_sesion'", "get_session"),
        ("method=FETCH", "there is no method 'FETCH'", ""),
        ("status=40", "status=40 is no status", "write it like status=404, 5xx or none"),
        ("status=600", "status=600 is no status", ""),
        ("status=", "status= is no status", ""),
        ("since=yesterday", "since=yesterday is neither a request's id nor a moment", "write it like since=20"),
        ("since=-1", "since=-1 is neither a request's id nor a moment", ""),
        ("since=" + "9" * 13, f"since={'9' * 13} is neither a request's id nor a moment", ""),
        ("finding=unknown_feild", "there is no finding 'unknown_feild'", "unknown_field"),
        ("opration=get_session", "unknown parameter 'opration'", "operation"),
    ],
)
@pytest.mark.parametrize("door", ["GET /requests", "GET /requests/count", "DELETE /requests"])
def test_a_filter_that_makes_no_sense_is_refused(heidi: Client, door: str, query: str, error: str, hint: str) -> None:
    method, path = door.split()
    heidi.sign_in()

    answer = heidi.request(method, f"/_mock{path}?{query}")

    assert (answer.status_code, answer.json()["error"]) == (400, error)
    assert hint in answer.json()["hint"]
    assert ids(heidi) == [1]


@pytest.mark.parametrize("door", ["/requests/count?limit=1", "/requests/1?text=a", "/requests/count?format=curl"])
def test_a_door_refuses_what_it_does_not_know(busy: Client, door: str) -> None:
    assert busy.get(f"/_mock{door}").status_code == 400


def test_a_format_that_there_is_not_is_refused(heidi: Client) -> None:
    answer = heidi.get("/_mock/requests?format=curls")

    assert answered(answer) == (400, wire({"error": "there is no format 'curls'", "hint": "did you mean curl?"}))


def test_deleting_takes_only_what_fits(busy: Client) -> None:
    answer = busy.delete("/_mock/requests?operation=get_session&status=200")

    assert answered(answer) == (200, wire({"cleared": 1}))
    assert ids(busy) == [1, 3, 4, 5, 6, 7, 8]
    assert answered(busy.delete("/_mock/requests")) == (200, wire({"cleared": 7}))


def test_one_is_shown_as_in_the_list(busy: Client) -> None:
    listed = busy.get("/_mock/requests").json()["requests"]

    assert [busy.get(f"/_mock/requests/{row['id']}").json() for row in listed] == listed


@pytest.mark.parametrize("wanted", ["9", "0", "01", "x", "-1", "1.0"])
def test_one_that_is_not_there_is_not_found(busy: Client, wanted: str) -> None:
    answer = busy.get(f"/_mock/requests/{wanted}")

    hint = "GET /_mock/requests lists them; the oldest go when there are too many"
    assert answered(answer) == (404, wire({"error": f"there is no request {wanted!r}", "hint": hint}))


def test_each_namespace_is_asked_for_its_own(busy: Client) -> None:
    blue = space(busy, "blue")
    blue.sign_in()

    assert blue.get("/ns/blue/_mock/requests/count").json() == {"count": 1}
    assert blue.get("/ns/blue/_mock/requests/1").json()["namespace"] == "blue"
    assert blue.get("/ns/blue/_mock/requests/2").status_code == 404
    assert ids(busy) == [1, 2, 3, 4, 5, 6, 7, 8]
    blue.close()


# --- What cannot be found out -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "filters",
    [
        {"text": DEFAULT_KEY[:12]},
        {"text": DEFAULT_KEY},
        {"path": f"/sessions/{DEFAULT_KEY[:12]}*"},
        {"path": f"{BASE_PATH}/sessions/{DEFAULT_KEY}"},
        {"path": f"*{DEFAULT_KEY[-3:]}"},
    ],
)
def test_no_filter_finds_out_a_secret(heidi: Client, filters: dict[str, str]) -> None:
    heidi.get(f"/sessions/{DEFAULT_KEY}", headers={"X-Own": DEFAULT_KEY})

    assert count(heidi, **filters) == 0
    assert count(heidi, path="/sessions/*") == 1


# --- As commands ------------------------------------------------------------------------------------------------------


def line(client: Client) -> str:
    """The newest request as a command."""
    return client.get("/_mock/requests?limit=1&format=curl").text.removesuffix("\n")


def test_a_command_says_the_whole_request(heidi: Client) -> None:
    heidi.patch(f"/sessions/{SESSION}?a=1&a=2&b=%26%20c", json={"session_name": "It's"}, headers={"X-Empty": ""})

    assert shlex.split(line(heidi)) == [
        "curl",
        "-X",
        "PATCH",
        f"http://localhost{BASE_PATH}/sessions/{SESSION}?a=1&a=2&b=%26%20c",
        "-H",
        "accept: */*",
        "-H",
        "x-empty;",
        "-H",
        "authorization: Bearer $TOKEN",
        "-H",
        "content-type: application/json",
        "--data-raw",
        '{"session_name": "It\'s"}',
    ]


def test_a_command_has_variables_that_a_shell_fills_in(heidi: Client) -> None:
    heidi.sign_in()

    assert '-H "heidi-api-key: $HEIDI_API_KEY"' in line(heidi)
    assert DEFAULT_KEY not in line(heidi)


@pytest.mark.parametrize("evil", ["`id`", "$(id)", "a;id", "a|id", "'a", "a&b"])
def test_nothing_of_a_request_is_run_by_the_shell(heidi: Client, evil: str) -> None:
    headers = {"Authorization": f"Bearer {heidi.token()}", f"x-{evil}": evil, "Content-Type": evil}
    body = {"type": "http.request", "body": evil.encode(), "more_body": False}
    ask(heidi.app, evil, f"{BASE_PATH}/{evil}", headers=headers, messages=[body])

    said = subprocess.run(  # noqa: S603 - the line must be harmless: that is the test
        ["/bin/sh", "-c", f"curl() {{ printf '%s\\n' \"$@\"; }}; {line(heidi)}"],
        env={"PATH": "/usr/bin:/bin", "TOKEN": "t"},
        capture_output=True,
        text=True,
        check=True,
    )

    words = said.stdout.splitlines()
    assert words[:2] == ["-X", evil]
    assert words[-2:] == ["--data-raw", evil]
    assert f"x-{evil}: {evil}" in words
    assert said.stderr == ""


def test_a_command_sends_files_by_their_names_alone(heidi: Client) -> None:
    parts = [
        b'name="start_time"\r\n\r\n2024-12-11T03:57:57Z',
        b'name="file"; filename="/etc/my \\"own\\".wav"\r\nContent-Type: audio/wav\r\n\r\nx',
        b'name="other"; filename="b.wav"\r\nContent-Type: audio/wav,/etc/passwd\r\n\r\nx',
    ]
    body = b"".join(b"--b\r\nContent-Disposition: form-data; " + part + b"\r\n" for part in parts) + b"--b--\r\n"
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    heidi.post(f"/sessions/{SESSION}/upload-audio", content=body, headers=headers)

    words = shlex.split(line(heidi))
    assert words[-6:] == ["-F", "start_time=", "-F", 'file=@"my \\"own\\".wav";type=audio/wav', "-F", 'other=@"b.wav"']


def test_a_body_that_only_looks_like_parts_is_one(heidi: Client) -> None:
    heidi.post("/sessions", json={"parts": [{"name": "a"}]})

    assert shlex.split(line(heidi))[-1] == '{"parts": [{"name": "a"}]}'


def test_commands_ask_the_same_again() -> None:
    with MockHeidi() as heidi, heidi.client() as client:
        client.post("/patient-profiles", json={"first_name": "O'Brien $HOME `id`\n\"", "last_name": "Zoë \\"})
        client.get("/patient-profiles?limit=1&limit=2&ehr_patient_id=%26%5B1%5D")
        client.head("/jwt")
        client.post(f"/sessions/{SESSION}/ask-ai", json=ASK)
        variables = {"PATH": "/usr/bin:/bin", "TOKEN": heidi.token(), "HEIDI_API_KEY": DEFAULT_KEY}
        before = heidi.requests()
        script = heidi.curl()
        subprocess.run(  # noqa: S603 - our own lines
            ["/bin/sh", "-c", f"set -e\n{script}"],
            env=variables,
            capture_output=True,
            check=True,
            timeout=60,
        )
        after = heidi.requests()[len(before) :]

    told = ("operation", "method", "path", "query", "body", "status", "why")
    asked = [[{name: row[name] for name in told} for row in rows] for rows in (before, after)]
    assert [row["method"] for row in before] == ["GET", "POST", "GET", "HEAD", "POST", "GET"]
    assert asked[1] == asked[0]


# --- As an archive ----------------------------------------------------------------------------------------------------


def archived(client: Client) -> dict[str, Any]:
    """The newest request's entry in the archive."""
    log = client.get("/_mock/requests?limit=1&format=har").json()["log"]
    assert (log["version"], log["creator"]["name"]) == ("1.2", "mock_heidi")
    [found] = log["entries"]
    assert isinstance(found, dict)
    return found


def test_an_archive_holds_request_and_answer(heidi: Client) -> None:
    answer = heidi.patch(f"/sessions/{SESSION}?a=1&a=2", json={"session_name": "Zoë"})

    found = archived(heidi)
    request, response = found["request"], found["response"]
    assert (found["startedDateTime"], found["time"] > 0) == (f"{NOON}.000Z", True)
    assert request["url"] == f"http://localhost{BASE_PATH}/sessions/{SESSION}?a=1&a=2"
    assert request["queryString"] == [{"name": "a", "value": "1"}, {"name": "a", "value": "2"}]
    assert {"name": "authorization", "value": "***"} in request["headers"]
    assert request["postData"] == {"mimeType": "application/json", "text": '{"session_name": "Zoë"}'}
    assert (request["method"], response["status"], response["statusText"]) == ("PATCH", 200, "OK")
    assert json.loads(response["content"]["text"]) == answer.json()
    assert response["content"]["size"] == len(response["content"]["text"].encode())


def test_an_archive_holds_streams_and_forms(heidi: Client) -> None:
    heidi.post(f"/sessions/{SESSION}/upload-audio", files={"file": ("a.wav", b"x", "audio/wav")}, data={"expiry": "9"})
    form = archived(heidi)["request"]["postData"]
    heidi.post("/_mock/replies", json={"operation": "ask_ai", "pieces": ["one ", "two"]})
    heidi.post(f"/sessions/{SESSION}/ask-ai", json=ASK)
    content = archived(heidi)["response"]["content"]

    assert form["mimeType"].startswith("multipart/form-data")
    assert form["params"] == [
        {"name": "expiry"},
        {"name": "file", "fileName": "a.wav", "contentType": "audio/wav"},
    ]
    assert content == {"mimeType": "text/event-stream", "size": 7, "text": "one two"}


def test_an_archive_holds_a_request_without_body_and_answer(heidi: Client) -> None:
    ask(heidi.app, "POST", f"{BASE_PATH}/sessions", messages=[])

    found = archived(heidi)
    assert "postData" not in found["request"]
    assert (found["response"]["status"], found["response"]["statusText"]) == (0, "")
    assert found["response"]["content"] == {"mimeType": "application/json", "size": 0, "text": ""}


@pytest.mark.breaks_contract
def test_an_archive_holds_a_status_that_has_no_name(heidi: Client) -> None:
    heidi.post("/_mock/faults", json={"operation": "get_session", "status": 599})
    heidi.get(f"/sessions/{SESSION}")

    response = archived(heidi)["response"]
    assert (response["status"], response["statusText"]) == (599, "")


def test_every_field_that_an_archive_must_have_is_there(heidi: Client) -> None:
    heidi.get(f"/sessions/{SESSION}")

    found = archived(heidi)
    both = {"httpVersion", "cookies", "headers", "headersSize", "bodySize"}
    assert set(found) == {"startedDateTime", "time", "request", "response", "cache", "timings"}
    assert set(found["request"]) == both | {"method", "url", "queryString"}
    assert set(found["response"]) == both | {"status", "statusText", "content", "redirectURL"}
    assert set(found["timings"]) == {"send", "wait", "receive"}
