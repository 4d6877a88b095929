"""The endpoints of the journal and their filters.

- ``GET /_mock/requests`` with the filters and ``limit`` → ``{"requests", "more", "dropped", "omitted"}``; with
  ``view=headlines`` only what fits on one line; with ``format`` curl's lines or HAR 1.2
- ``GET /_mock/requests/count`` → ``{"count": n}``, ``GET /_mock/requests/{id}`` → one
- ``DELETE /_mock/requests`` → ``{"cleared": n}``, for the requests that match
"""

import asyncio
import gc
import json
import shlex
import shutil
import subprocess
import tracemalloc
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlencode

import pytest
from clients import JOHN, NOON, Client
from helpers import OTHER_SESSION, SESSION, another, answered, ask, exchange, in_namespace, wire
from peer import asking, connected
from running import until

from mock_heidi import Handle, MockHeidi
from mock_heidi.app import App
from mock_heidi.base.settings import BASE_PATH, DEFAULT_KEY, Pace
from mock_heidi.control import exports
from mock_heidi.observing.entry import Entry

pytestmark = pytest.mark.slow

ASK = {"ai_command_text": "translate", "content": "One. Two.", "content_type": "MARKDOWN"}
LATER = "2025-01-06T12:00:01"


def ids(client: Client, **filters: Any) -> list[int]:
    return [row["id"] for row in client.get(f"/_mock/requests?{urlencode(filters)}").json()["requests"]]


def count(client: Client, **filters: Any) -> int:
    number: int = client.get(f"/_mock/requests/count?{urlencode(filters)}").json()["count"]
    return number


@pytest.fixture
def busy(heidi: Client) -> Client:
    """A client that has sent eight requests. The clock was advanced by a second before the fifth."""
    heidi.sign_in()
    heidi.get(f"/sessions/{SESSION}")
    heidi.get("/sessions/99")
    heidi.post("/nothing", json={"session_id": SESSION})
    heidi.post("/_mock/clock/advance", json={"seconds": 1})
    heidi.post("/_mock/faults", json={"id": "busy", "operation": "get_session", "status": 503, "times": 1})
    heidi.get(f"/sessions/{OTHER_SESSION}")
    heidi.post("/sessions", json={"patient_profile_id": JOHN})
    heidi.post(f"/patient-profiles/{JOHN}/sessions", json={"session_ids": [OTHER_SESSION]})
    heidi.get("/patient-profiles?ehr_patient_id=Zo%C3%AB%20%22O%27Brien%22", headers={"X-Request-Id": "visible"})
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
        ({"before": "3"}, [1, 2]),
        ({"before": "0"}, []),
        ({"before": "7", "limit": "2"}, [5, 6]),
        ({"status": "error"}, [3, 4, 5]),
        ({"finding": "any"}, [4]),
        ({"finding": "none"}, [1, 2, 3, 5, 6, 7, 8]),
        ({"assumption": "creation_status"}, [6]),
        ({"assumption": "none", "before": "5"}, [3, 4]),
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
        ({"method": "GET", "path": "/sessions/*", "fault": "none", "status": "2xx"}, [2]),
        ({"session_id": OTHER_SESSION, "method": "POST", "since": NOON}, [7]),
        ({"fault": "any", "operation": "create_session"}, []),
        ({"since": "2", "limit": "2"}, [7, 8]),
        ({"limit": "2", "format": "json", "operation": "get_session"}, [3, 5]),
    ],
)
def test_a_request_must_match_all_filters(busy: Client, filters: dict[str, str], expected: list[int]) -> None:
    assert ids(busy, **filters) == expected
    if "limit" not in filters:
        assert count(busy, **filters) == len(expected)


def test_a_session_filter_finds_the_request_that_created_the_session(busy: Client) -> None:
    made = busy.get("/_mock/requests/6").json()["response"]["session_id"]

    assert ids(busy, session_id=made) == [6]


def test_the_finding_filter_runs_the_checks_first(heidi: Client) -> None:
    heidi.post("/sessions", json={"unknown": 1})
    heidi.get(f"/sessions/{SESSION}")

    assert ids(heidi, finding="unknown_field") == [2]


@pytest.mark.parametrize(
    ("query", "error", "hint"),
    [
        ("operation=get_sesion", "there is no operation 'get_sesion'", "get_session"),
        ("method=FETCH", "there is no method 'FETCH'", ""),
        ("status=40", "status=40 is not a status", "write it like status=404, 5xx, error or none"),
        ("status=600", "status=600 is not a status", ""),
        ("status=", "status= is not a status", ""),
        ("since=yesterday", "since=yesterday is neither a request's id nor a moment", "write it like since=20"),
        ("since=-1", "since=-1 is neither a request's id nor a moment", ""),
        ("since=" + "9" * 13, f"since={'9' * 13} is neither a request's id nor a moment", ""),
        ("before=", "before= is not the id of a request", "write it like before=20"),
        ("before=-1", "before=-1 is not the id of a request", ""),
        ("assumption=creation_statsu", "there is no assumption 'creation_statsu'", "creation_status"),
        ("finding=unknown_feild", "there is no finding 'unknown_feild'", "unknown_field"),
        ("opration=get_session", "unknown parameter 'opration'", "operation"),
    ],
)
@pytest.mark.parametrize("endpoint", ["GET /requests", "GET /requests/count", "DELETE /requests"])
def test_an_invalid_filter_is_refused(heidi: Client, endpoint: str, query: str, error: str, hint: str) -> None:
    method, path = endpoint.split()
    heidi.sign_in()

    answer = heidi.request(method, f"/_mock{path}?{query}")

    assert (answer.status_code, answer.json()["error"]) == (400, error)
    assert hint in answer.json()["hint"]
    assert ids(heidi) == [1]


@pytest.mark.parametrize("endpoint", ["/requests/count?limit=1", "/requests/1?text=a", "/requests/count?format=curl"])
def test_an_endpoint_refuses_unknown_parameters(busy: Client, endpoint: str) -> None:
    assert busy.get(f"/_mock{endpoint}").status_code == 400


def test_an_unknown_format_is_refused(heidi: Client) -> None:
    answer = heidi.get("/_mock/requests?format=curls")

    assert answered(answer) == (400, wire({"error": "there is no format 'curls'", "hint": "did you mean curl?"}))


def test_deleting_removes_only_matching_requests(busy: Client) -> None:
    answer = busy.delete("/_mock/requests?operation=get_session&status=200")

    assert answered(answer) == (200, wire({"cleared": 1}))
    assert ids(busy) == [1, 3, 4, 5, 6, 7, 8]
    assert answered(busy.delete("/_mock/requests")) == (200, wire({"cleared": 7}))


def test_a_single_request_has_the_same_form_as_in_the_list(busy: Client) -> None:
    listed = busy.get("/_mock/requests").json()["requests"]

    assert [busy.get(f"/_mock/requests/{row['id']}").json() for row in listed] == listed


@pytest.mark.parametrize("wanted", ["9", "0", "01", "x", "-1", "1.0"])
def test_an_unknown_request_is_not_found(busy: Client, wanted: str) -> None:
    answer = busy.get(f"/_mock/requests/{wanted}")

    hint = "GET /_mock/requests lists them; the oldest are dropped when there are too many"
    assert answered(answer) == (404, wire({"error": f"there is no request {wanted!r}", "hint": hint}))


def test_each_namespace_lists_its_own_requests(busy: Client) -> None:
    blue = in_namespace(busy, "blue")
    blue.sign_in()

    assert blue.get("/ns/blue/_mock/requests/count").json() == {"count": 1}
    assert blue.get("/ns/blue/_mock/requests/1").json()["namespace"] == "blue"
    assert blue.get("/ns/blue/_mock/requests/2").status_code == 404
    assert ids(busy) == [1, 2, 3, 4, 5, 6, 7, 8]
    blue.close()


# --- Headlines --------------------------------------------------------------------------------------------------------


def headlines(client: Client, **query: Any) -> dict[str, Any]:
    answer: dict[str, Any] = client.get(f"/_mock/requests?{urlencode({'view': 'headlines', **query})}").json()
    return answer


def test_a_headline_agrees_with_the_whole_request(busy: Client) -> None:
    busy.post(f"/sessions/{SESSION}/ask-ai", json=ASK)
    rows = headlines(busy)["requests"]
    whole = busy.get("/_mock/requests").json()["requests"]

    counts, levels = ([one.pop(name) for one in rows] for name in ("piece_count", "finding_level"))
    assert rows == [{name: one[name] for name in rows[0]} for one in whole]
    assert counts == [*[None] * 8, len(whole[-1]["pieces"])]
    assert [level is None for level in levels] == [not one["findings"] for one in whole]


def test_a_headline_has_the_highest_level_of_its_findings(heidi: Client) -> None:
    heidi.get("/nowhere?colour=blue")
    heidi.get("/patient-profiles?colour=blue")
    heidi.get("/patient-profiles", headers={"Heidi-Api-Key": DEFAULT_KEY})

    levels = [row["finding_level"] for row in headlines(heidi)["requests"] if row["operation"] != "get_jwt"]
    assert levels == ["error", "warning", "info"]


def test_a_headline_has_the_beginning_and_the_end_of_a_long_path(heidi: Client) -> None:
    heidi.get(f"/sessions/{'a' * 60_000}/end")

    *_, row = headlines(heidi)["requests"]
    assert len(row["path"]) == 1_000
    assert row["path"].endswith("a/end")


def test_pages_of_headlines_follow_each_other_until_there_is_no_more(busy: Client) -> None:
    pages = [headlines(busy, limit=3)]
    while pages[-1]["more"]:
        pages.append(headlines(busy, limit=3, before=pages[-1]["requests"][0]["id"]))

    assert [[row["id"] for row in page["requests"]] for page in pages] == [[6, 7, 8], [3, 4, 5], [1, 2]]


@pytest.mark.parametrize(("limit", "more"), [(7, True), (8, False), (0, True)])
def test_more_says_whether_older_requests_match(busy: Client, limit: int, more: bool) -> None:
    assert headlines(busy, limit=limit)["more"] is more


def test_a_request_under_way_has_a_headline_without_status_and_duration(heidi: Client) -> None:
    scope = {"method": "GET", "path": "/sessions/1", "query_string": b"", "headers": []}
    heidi.app.registry.default.journal.add(Entry(0, 0.0, "get_session", scope))

    (row,) = headlines(heidi)["requests"]
    assert (row["path"], row["status"], row["duration"]) == ("/sessions/1", None, None)


@pytest.mark.parametrize(
    ("query", "error"),
    [("view=short", "there is no view 'short'"), ("view=headlines&format=har", "headlines have no format 'har'")],
)
def test_an_unknown_view_is_refused(heidi: Client, query: str, error: str) -> None:
    answer = heidi.get(f"/_mock/requests?{query}")

    assert (answer.status_code, answer.json()["error"]) == (400, error)


def test_headlines_contain_no_secret(heidi: Client) -> None:
    heidi.get(f"/sessions/{DEFAULT_KEY}?key={DEFAULT_KEY}")

    assert DEFAULT_KEY not in str(headlines(heidi))


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
def test_no_filter_reveals_a_secret(heidi: Client, filters: dict[str, str]) -> None:
    heidi.get(f"/sessions/{DEFAULT_KEY}", headers={"X-Request-Id": DEFAULT_KEY})

    assert count(heidi, **filters) == 0
    assert count(heidi, path="/sessions/*") == 1


# --- As commands ------------------------------------------------------------------------------------------------------


def line(client: Client) -> str:
    """The newest request as a command."""
    text = client.get("/_mock/requests?limit=1&format=curl").text.removesuffix("\n")
    return "\n".join(row for row in text.split("\n") if "TOKEN=$(" not in row)


def test_commands_with_a_token_begin_with_a_comment_that_sets_it() -> None:
    with MockHeidi() as server, server.namespace("own") as heidi:
        without = heidi.curl()
        heidi.token()
        signing_in = heidi.curl()
        with heidi.client() as client:
            client.get(f"/sessions/{SESSION}")
        first, *commands = heidi.curl().splitlines()

        command = f'mock-heidi token --url {heidi.url} --namespace own --api-key "$HEIDI_API_KEY"'
        assert (without, signing_in[:5]) == ("", "curl ")
        assert first == f"# $HEIDI_API_KEY is the key of your client; TOKEN=$({command})"
        assert [line[:5] for line in commands] == ["curl "] * 3


def test_a_command_has_the_whole_request(heidi: Client) -> None:
    headers = {"X-Empty": "", "X-Own": "hidden", "X-Request-Id": "It's"}
    heidi.patch(f"/sessions/{SESSION}?page=1&page=2&email=%26%20c&b=x", json={"session_name": "It's"}, headers=headers)

    assert shlex.split(line(heidi)) == [
        "curl",
        "-X",
        "PATCH",
        f"http://localhost{BASE_PATH}/sessions/{SESSION}?page=1&page=2&email=%26%20c&b=%2A%2A%2A",
        "-H",
        "accept: */*",
        "-H",
        "x-empty;",
        "-H",
        "x-request-id: It's",
        "-H",
        "authorization: Bearer $TOKEN",
        "-H",
        "content-type: application/json",
        "--data-raw",
        '{"session_name": "It\'s"}',
    ]


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", b'{"a": 1}'),
        ("text/plain", b"hidden"),
        ("multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n--b--\r\n'),
    ],
)
@pytest.mark.parametrize("path", ["/patient-profiles", f"/sessions/{SESSION}/upload-audio"])
def test_a_command_for_a_head_has_no_body(heidi: Client, kind: str, body: bytes, path: str) -> None:
    heidi.request("HEAD", path, content=body, headers={"Content-Type": kind})

    words = shlex.split(line(heidi))
    assert words[:2] == ["curl", "--head"]
    assert [word for word in words if word.startswith(("--data", "--form", "-F"))] == []


def test_a_command_has_no_terminal_control_characters(heidi: Client) -> None:
    heidi.post("/_mock/namespaces/full", json={"journal": "full"})
    named = in_namespace(heidi, "full")
    named.post("/sessions", content="words \x1b[2J\x9b31m".encode())
    as_text = heidi.get("/ns/full/_mock/requests?limit=1&format=curl").text
    named.patch(f"/sessions/{SESSION}", json={"session_name": "\x7f\x9b31m\u202e\u00e9"})
    as_json = heidi.get("/ns/full/_mock/requests?limit=1&format=curl").text
    named.close()

    assert as_text.endswith('--data-raw "$BODY"\n')
    comment, command = as_json.removesuffix("\n").split("\n")
    assert (comment[:2], command.isprintable()) == ("# ", True)
    assert json.loads(shlex.split(as_json)[-1]) == {"session_name": "\x7f\x9b31m\u202e\u00e9"}


def test_a_command_has_variables_that_a_shell_fills_in(heidi: Client) -> None:
    heidi.sign_in()

    assert '-H "heidi-api-key: $HEIDI_API_KEY"' in line(heidi)
    assert DEFAULT_KEY not in line(heidi)


def test_the_command_for_an_api_key_sent_as_a_token_sends_the_key_again(heidi: Client) -> None:
    heidi.get(f"/sessions/{SESSION}", headers={"Authorization": f"Bearer {DEFAULT_KEY}"})

    assert '-H "authorization: Bearer $HEIDI_API_KEY"' in line(heidi)
    assert DEFAULT_KEY not in line(heidi)


def said_by_shell(lines: str, **variables: str) -> list[list[str]]:
    """The arguments that each command gives to curl, which is a shell function here."""
    said = subprocess.run(  # noqa: S603 - the lines must be harmless: that is the test
        ["/bin/sh", "-c", f"curl() {{ printf '%s\\0' \"$@\"; printf '\\1'; }}\n{lines}"],
        env={"PATH": "/usr/bin:/bin", **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stderr == ""
    return [words.split("\0")[:-1] for words in said.stdout.split("\1")[:-1]]


@pytest.mark.parametrize("evil", ["`id`", "$(id)", "a;id", "a|id", "'a", "a&b", "a\nid", "@/etc/passwd"])
def test_the_shell_runs_no_part_of_a_request(heidi: Client, evil: str) -> None:
    heidi.post("/_mock/namespaces/blue", json={"journal": "full"})
    blue = in_namespace(heidi, "blue")
    headers = {"Authorization": f"Bearer {blue.sign_in()}", f"x-{evil}": evil, "Content-Type": evil, evil: "x"}
    body = {"type": "http.request", "body": json.dumps({"note": evil}).encode(), "more_body": False}
    blue.close()
    ask(heidi.app, evil, f"{blue.base}/{evil}", headers=headers, messages=[body], query=b"evil=" + evil.encode())
    lines = heidi.get("/ns/blue/_mock/requests?limit=1&format=curl").text

    [words] = said_by_shell(lines, TOKEN="t")

    assert words[:2] == ["-X", evil]
    assert words[-2:] == ["--data-raw", json.dumps({"note": evil})]
    headers_sent = [word for at, word in enumerate(words) if words[at - 1] == "-H"]
    assert "authorization: Bearer t" in headers_sent
    # curl would read a file where a header begins with "@", and send a line break as it stands.
    assert not [word for word in headers_sent if word.startswith("@") or "\n" in word]


NAMES = ["file", 'a"b', "a;b", "a<b", "@a", "a b", "ä", "-F", "'a", "$(id)"]
WILD_NAMES = ["x=</etc/passwd;type=text/plain", "a;type=x", "x=@/etc/passwd", "=", "a\nb", ""]
FILENAMES = ["a.wav", "/etc/passwd", '"', "\\", 'a";type=x', "-", ".env", "a\nb", "a,b;c", "$(id)"]


def form_of(client: Client, name: str, filename: str | None, content_type: str = "audio/wav") -> None:
    """A request with a form of one part."""
    client.get("/nothing")
    part = {"name": name, "filename": filename, "content_type": content_type, "size": 1, "complete": True}
    list(client.app.registry.default.journal)[-1].parts = [part]


@pytest.mark.parametrize(
    ("name", "filename"),
    [(name, filename) for name in (*NAMES, *WILD_NAMES) for filename in (None, "a.wav")]
    + [("file", filename) for filename in FILENAMES],
)
def test_no_command_reads_a_file_that_a_client_has_named(heidi: Client, name: str, filename: str | None) -> None:
    form_of(heidi, name, filename)

    lines = line(heidi)
    [words] = said_by_shell(lines, TOKEN="t", FILE="mine.wav")

    given = dict(pairwise(words))
    if name in WILD_NAMES:
        assert lines.startswith("# without 1 of 1 parts, whose names curl cannot write\ncurl ")
        assert not {"-F", "--form-string"} & set(words) - {name}
    elif filename is None:
        assert given["--form-string"] == f"{name}="
    else:
        assert given["-F"].startswith(f"{name}=@mine.wav")


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not there")
@pytest.mark.parametrize("name", [*NAMES, *WILD_NAMES])
def test_curl_sends_the_same_parts_as_the_client(name: str, tmp_path: Path) -> None:
    canary, mine = tmp_path / "canary.txt", tmp_path / "mine.wav"
    canary.write_text("canary", encoding="utf-8")
    mine.write_text("mine", encoding="utf-8")
    sent = [(name.replace("/etc/passwd", str(canary)), filename) for filename in (*FILENAMES, str(canary))]
    with MockHeidi() as heidi, heidi.client() as client:
        client.post(f"/sessions/{SESSION}/upload-audio", files={"file": ("a.wav", b"x")})
        [row] = heidi.requests(operation="upload_audio")
        for part, filename in sent:
            row["body"] = {"parts": [{**row["body"]["parts"][0], "name": part, "filename": filename}]}
            subprocess.run(  # noqa: S603 - our own line, which must be harmless: that is the test
                ["/bin/sh", "-c", exports.curl(row, [], heidi.url) + " -s"],
                env={"PATH": "/usr/bin:/bin", "TOKEN": heidi.token(), "FILE": str(mine)},
                cwd=tmp_path,
                capture_output=True,
                check=True,
                timeout=60,
            )
        rows = heidi.requests(operation="upload_audio")[1:]

    got = [[(unquote(part["name"]), part["size"]) for part in (row["body"] or {"parts": []})["parts"]] for row in rows]
    assert got == [[] if name in WILD_NAMES else [(name, len("mine"))]] * len(sent)


def test_a_command_sends_the_files_in_its_variables(heidi: Client) -> None:
    parts = [
        b'name="start_time"\r\n\r\n2024-12-11T03:57:57Z',
        b'name="file"; filename="/etc/my \\"own\\".wav"\r\nContent-Type: audio/wav\r\n\r\nx',
        b'name="other"; filename="b.wav"\r\nContent-Type: audio/wav,/etc/passwd\r\n\r\nx',
    ]
    body = b"".join(b"--b\r\nContent-Disposition: form-data; " + part + b"\r\n" for part in parts) + b"--b--\r\n"
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    heidi.post(f"/sessions/{SESSION}/upload-audio", content=body, headers=headers)

    assert line(heidi).partition("--form-string ")[2] == (
        'start_time= -F file=@"$FILE"\';filename="/etc/my \\"own\\".wav";type=audio/wav\''
        ' -F other=@"$FILE2"\';filename="b.wav"\''
    )


@pytest.mark.parametrize("body", [b'{"broken', json.dumps({"note": "long " * 20_000}).encode()], ids=["broken", "long"])
def test_a_command_has_a_variable_for_a_hidden_body(heidi: Client, body: bytes) -> None:
    heidi.post("/sessions", content=body)

    assert line(heidi).endswith(' --data-raw "$BODY"')


@pytest.mark.parametrize("path", [".evil.com/a", "@evil.com/a", "//evil.com/a", "http://evil.com/a", "a@evil.com"])
def test_a_command_never_calls_another_host(heidi: Client, path: str) -> None:
    ask(heidi.app, "GET", path)

    assert shlex.split(line(heidi))[3].startswith("http://localhost/")


def test_json_that_looks_like_parts_is_sent_as_json(heidi: Client) -> None:
    heidi.post("/sessions", json={"parts": [{"name": "a"}]})

    assert shlex.split(line(heidi))[-1] == '{"parts": [{"name": "a"}]}'


def test_commands_repeat_the_requests_exactly() -> None:
    with MockHeidi() as heidi, heidi.client() as client:
        client.post("/patient-profiles", json={"first_name": "O'Brien $HOME `id`\n\"", "last_name": "Zoë \\"})
        client.get("/patient-profiles?page=1&page=2&ehr_patient_id=%26%5B1%5D")
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


def test_an_archive_has_request_and_answer(heidi: Client) -> None:
    answer = heidi.patch(f"/sessions/{SESSION}?page=1&page=2", json={"session_name": "Zoë"})

    found = archived(heidi)
    request, response = found["request"], found["response"]
    assert (found["startedDateTime"], found["time"] > 0) == (f"{NOON}.000Z", True)
    assert request["url"] == f"http://localhost{BASE_PATH}/sessions/{SESSION}?page=1&page=2"
    assert request["queryString"] == [{"name": "page", "value": "1"}, {"name": "page", "value": "2"}]
    assert {"name": "authorization", "value": "***"} in request["headers"]
    assert request["postData"] == {"mimeType": "application/json", "text": '{"session_name": "Zoë"}'}
    assert (request["method"], response["status"], response["statusText"]) == ("PATCH", 200, "OK")
    assert json.loads(response["content"]["text"]) == answer.json()
    assert response["content"]["size"] == len(response["content"]["text"].encode())


def test_an_archive_has_streams_and_forms(heidi: Client) -> None:
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


def test_an_archive_has_a_request_without_body_and_answer(heidi: Client) -> None:
    ask(heidi.app, "POST", f"{BASE_PATH}/sessions", messages=[])

    found = archived(heidi)
    assert "postData" not in found["request"]
    assert (found["response"]["status"], found["response"]["statusText"]) == (0, "")
    assert found["response"]["headers"] == []
    assert found["response"]["content"] == {"mimeType": "", "size": 0, "text": ""}


@pytest.mark.breaks_contract
def test_an_archive_has_a_status_without_a_name(heidi: Client) -> None:
    heidi.post("/_mock/faults", json={"operation": "get_session", "status": 599})
    heidi.get(f"/sessions/{SESSION}")

    response = archived(heidi)["response"]
    assert (response["status"], response["statusText"]) == (599, "")


def test_an_archive_has_every_required_field(heidi: Client) -> None:
    heidi.get(f"/sessions/{SESSION}")

    found = archived(heidi)
    both = {"httpVersion", "cookies", "headers", "headersSize", "bodySize"}
    assert set(found) == {"startedDateTime", "time", "request", "response", "cache", "timings"}
    assert set(found["request"]) == both | {"method", "url", "queryString"}
    assert set(found["response"]) == both | {"status", "statusText", "content", "redirectURL"}
    assert set(found["timings"]) == {"send", "wait", "receive"}


# --- Forms ------------------------------------------------------------------------------------------------------------

FORM = {"Content-Type": "multipart/form-data; boundary=b"}
SOUND = bytes(range(256)) * 2_000
START = b"2024-12-11T03:57:57Z"
FIELD = b'--b\r\nContent-Disposition: form-data; name="start_time"\r\n\r\n' + START + b"\r\n"
HEAD = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\nContent-Type: audio/wav\r\n\r\n'
WHOLE = FIELD + HEAD + SOUND + b"\r\n--b--\r\n"


def upload(client: Client, sent: bytes, step: int, session_id: str = SESSION) -> int | None:
    """The status of an upload that is sent in these steps. The client leaves if they are not a complete form."""
    cuts = [sent[at : at + step] for at in range(0, len(sent), step)]
    messages = [
        {"type": "http.request", "body": cut, "more_body": sent != WHOLE or number < len(cuts)}
        for number, cut in enumerate(cuts, 1)
    ]
    headers = {**FORM, "Authorization": f"Bearer {client.token()}"}
    path = f"{BASE_PATH}/sessions/{session_id}/upload-audio"
    return ask(client.app, "POST", path, headers=headers, messages=messages).status


def part(name: str, content: bytes, *, whole: bool = True, filename: str | None = None) -> dict[str, Any]:
    return {
        "name": name,
        "filename": filename,
        "content_type": None if filename is None else "audio/wav",
        "size": len(content),
        "complete": whole,
    }


def newest(client: Client) -> dict[str, Any]:
    [row] = client.get("/_mock/requests?limit=1").json()["requests"]
    assert isinstance(row, dict)
    return row


@pytest.mark.parametrize("step", [len(WHOLE), 65_536, 997])
@pytest.mark.parametrize(("session_id", "status"), [(SESSION, 200), ("99", 404)], ids=["taken", "refused"])
def test_the_parts_of_a_form_have_their_true_sizes(heidi: Client, session_id: str, status: int, step: int) -> None:
    assert upload(heidi, WHOLE, step, session_id) == status
    assert newest(heidi)["body"] == {"parts": [part("start_time", START), part("file", SOUND, filename="a.wav")]}


def test_an_incomplete_form_shows_the_parts_that_arrived(heidi: Client) -> None:
    assert upload(heidi, FIELD + HEAD + SOUND[:50_000], 997) is None
    row = newest(heidi)

    half = row["body"]["parts"][1]
    assert (row["status"], row["client_left"]) == (None, True)
    assert row["body"]["parts"][0] == part("start_time", START)
    # What might yet become a boundary is not counted.
    assert 49_000 < half["size"] <= 50_000
    assert half["complete"] is False


def test_a_form_that_is_too_large_shows_the_part_that_was_read() -> None:
    with another(max_upload=200_000) as heidi:
        assert upload(heidi, WHOLE, 10_000) == 413

        row = newest(heidi)
    field, file = row["body"]["parts"]
    assert field == part("start_time", START)
    assert 150_000 < file["size"] <= 200_000
    assert file["complete"] is False


@pytest.mark.parametrize("name", ["file", "sound"])
def test_a_clients_own_form_is_shown_as_it_was_sent(heidi: Client, name: str) -> None:
    file = {name: ("ä b.wav", SOUND, "audio/wav")}

    answer = heidi.post(f"/sessions/{SESSION}/upload-audio", files=file)

    assert answer.status_code == (200 if name == "file" else 422)
    assert newest(heidi)["body"] == {"parts": [part(name, SOUND, filename="ä b.wav")]}


# --- Streams ----------------------------------------------------------------------------------------------------------

PIECES = ["One ", "twö\n", "three"]


@pytest.mark.breaks_contract
@pytest.mark.parametrize(
    ("rule", "texts"),
    [
        ("byte_by_byte", PIECES),
        ("one_write", PIECES),
        ("crlf", PIECES),
        ("byte_by_byte,crlf", PIECES),
        ("one_write,crlf,comments", PIECES),
        ("no_space", PIECES),
        ("swap=1", ["twö\n", "One ", "three"]),
        ("repeat=2", ["One ", "twö\n", "twö\n", "three"]),
        ("lose=2", ["One ", "three"]),
        ("end_after=2", ["One ", "twö\n"]),
        ("one_write,end_after=2", ["One ", "twö\n"]),
        ("end_after=0", []),
        ("end_inside=json,end_after=1", ["One ", 'data: {"data": "tw']),
        ("end_inside=utf8,end_after=1", ["One ", 'data: {"data": "tw\ufffd']),
        ("byte_by_byte,end_inside=json,end_after=1", ["One ", 'data: {"data": "tw']),
    ],
)
def test_the_journal_has_the_pieces_that_were_really_sent(heidi: Client, rule: str, texts: list[str]) -> None:
    heidi.post("/_mock/replies", json={"operation": "ask_ai", "pieces": PIECES})
    heidi.post("/_mock/faults", json=f"ask_ai:{rule}")

    heidi.post(f"/sessions/{SESSION}/ask-ai", json=ASK)

    row = newest(heidi)
    moments = [piece["after"] for piece in row["pieces"]]
    assert [piece["text"] for piece in row["pieces"]] == texts
    assert moments == sorted(moments)
    assert (row["response"], row["fault"], row["client_left"]) == (None, "fault-1", False)


def test_the_times_of_pieces_show_the_pace() -> None:
    with MockHeidi(pace=Pace(first=0.05, rate=50)) as heidi, heidi.client() as client:
        heidi.reply("ask_ai", pieces=PIECES)
        client.post(f"/sessions/{SESSION}/ask-ai", json=ASK)
        [row] = heidi.requests(operation="ask_ai")

    first, second, third = (piece["after"] for piece in row["pieces"])
    # The clock that says when a piece is due has milliseconds; a busy machine may be late, but nobody is early.
    assert first > 0.048
    assert second > 0.068
    assert third > 0.088
    assert first < second < third <= row["duration"]


def test_a_running_stream_shows_its_pieces_so_far() -> None:
    with MockHeidi(clock=NOON, pace=Pace(first=0, rate=1)) as heidi:
        heidi.reply("ask_ai", pieces=PIECES)
        with asking(heidi, "POST", f"/sessions/{SESSION}/ask-ai", ASK) as peer:
            peer.head()
            peer.chunk()
            [row] = heidi.requests(operation="ask_ai")

    assert [piece["text"] for piece in row["pieces"]] == PIECES[:1]
    assert (row["status"], row["duration"], row["response"]) == (200, None, None)


# --- On a connection --------------------------------------------------------------------------------------------------

LATE: Any = {"delay": 60}


@pytest.mark.parametrize(
    ("method", "path", "status"), [("POST", "/sessions", 401), ("POST", "/nothing", 404), ("PUT", "/sessions", 405)]
)
def test_an_unread_body_is_shown_and_the_connection_stays_open(
    mock_heidi: Handle, method: str, path: str, status: int
) -> None:
    note = {"note": "unread " * 50_000}
    length = {"Content-Length": str(len(json.dumps(note)))}

    with connected(mock_heidi) as peer:
        for _ in range(2):
            peer.ask(method, path, note, length if status == 401 else {**mock_heidi.headers(), **length})
            told, headers = peer.head()
            peer.exactly(int(headers["content-length"]))
            assert told == status

    rows = [mock_heidi.control("GET", f"/requests/{row['id']}?full=true") for row in mock_heidi.requests(method=method)]
    assert [(row["status"], row["body"]) for row in rows] == [(status, note)] * 2


def left(heidi: Handle, **filters: Any) -> dict[str, Any]:
    """The one request that matches, after its end."""
    found: list[dict[str, Any]] = until(
        lambda: [row for row in heidi.requests(**filters) if row["duration"] is not None], "the end of the request"
    )
    [row] = found
    return row


def test_a_client_that_leaves_during_a_delay_is_noted(mock_heidi: Handle) -> None:
    fault = mock_heidi.fault("get_session", **LATE)

    with asking(mock_heidi, "GET", f"/sessions/{SESSION}"):
        until(fault.hits, "the delay")

    row = left(mock_heidi, operation="get_session")
    assert (row["client_left"], row["status"], row["fault"]) == (True, None, fault.id)


def test_a_client_that_leaves_during_its_upload_is_noted(mock_heidi: Handle) -> None:
    headers = {**mock_heidi.headers(), **FORM, "Content-Length": str(len(WHOLE))}

    with connected(mock_heidi) as peer:
        peer.ask("POST", f"/sessions/{SESSION}/upload-audio", WHOLE[:100_000], headers)
        until(lambda: mock_heidi.requests(operation="upload_audio"), "the request")

    row = left(mock_heidi, operation="upload_audio")
    assert (row["client_left"], row["status"]) == (True, None)


def test_a_client_that_leaves_during_a_stream_is_noted() -> None:
    with MockHeidi(clock=NOON, pace=Pace(first=0, rate=1)) as heidi:
        heidi.reply("ask_ai", pieces=PIECES)
        with asking(heidi, "POST", f"/sessions/{SESSION}/ask-ai", ASK) as peer:
            peer.head()
            peer.chunk()

        row = left(heidi, operation="ask_ai")
    assert (row["client_left"], row["status"], len(row["pieces"])) == (True, 200, 1)


@pytest.mark.parametrize("rule", ["close", "rst", "cut_at=20", "rst_at=20", "delay=0.001"])
def test_a_client_has_not_left_if_a_fault_ended_the_answer(mock_heidi: Handle, rule: str) -> None:
    mock_heidi.control("POST", "/faults", f"get_session:{rule}")

    with asking(mock_heidi, "GET", f"/sessions/{SESSION}", Connection="close") as peer:
        peer.end()

    row = left(mock_heidi, operation="get_session")
    assert (row["client_left"], row["fault"]) == (False, "fault-1")


@pytest.mark.breaks_contract
@pytest.mark.parametrize("rule", ["end_after=1", "end_inside=utf8", "rst_after=1", "error_piece=1"])
def test_a_client_has_not_left_if_a_fault_ended_the_stream(mock_heidi: Handle, rule: str) -> None:
    mock_heidi.control("POST", "/faults", f"ask_ai:{rule}")

    with asking(mock_heidi, "POST", f"/sessions/{SESSION}/ask-ai", ASK, Connection="close") as peer:
        peer.end()

    row = left(mock_heidi, operation="ask_ai")
    assert (row["client_left"], row["fault"]) == (False, "fault-1")


def test_a_reset_forgets_the_streams_that_it_ends_and_restarts_the_ids(mock_heidi: Handle) -> None:
    fault = mock_heidi.fault("get_session", **LATE)

    with asking(mock_heidi, "GET", f"/sessions/{SESSION}") as peer, mock_heidi.client() as client:
        until(fault.hits, "the delay")
        before = [row["id"] for row in mock_heidi.requests()]
        mock_heidi.reset()
        peer.end()
        answer = client.get("/patient-profiles")

    assert (before[-1] > 1, answer.headers["x-mock-request-id"]) == (True, "1")
    assert [(row["id"], row["operation"]) for row in mock_heidi.requests()] == [(1, "list_patient_profiles")]


@pytest.mark.parametrize("keep", ["", "requests"])
def test_an_unfinished_request_is_cleared_or_kept_with_the_others(mock_heidi: Handle, keep: str) -> None:
    headers = {**mock_heidi.headers(), "Content-Length": "13", "Content-Type": "application/json"}

    with connected(mock_heidi) as peer:
        peer.ask("POST", "/sessions", b'{"unkno', headers)
        until(lambda: mock_heidi.requests(operation="create_session"), "the request")
        mock_heidi.control("POST", f"/reset?keep={keep}")
        peer.socket.sendall(b'wn":1}')
        status, _ = peer.head()

    rows = mock_heidi.requests(operation="create_session")
    assert status == 200
    assert [row["findings"] for row in rows] == ([["unknown_field"]] if keep else [])
    assert len(mock_heidi.findings()) == len(rows)


# --- Numbers ----------------------------------------------------------------------------------------------------------

A_JWT = f"{BASE_PATH}/jwt?email=a@b.c&third_party_internal_id=1"


def namespaces(client: Client) -> list[str]:
    return [row["name"] for row in client.get("/_mock/namespaces").json()["namespaces"]]


@pytest.mark.parametrize("faults", [[], ["ask_ai:end_after=1"]], ids=["", "with faults"])
@pytest.mark.parametrize(
    ("path", "key"), [(f"/ns/blue{A_JWT}", DEFAULT_KEY), (A_JWT, f"{DEFAULT_KEY}.blue")], ids=["by path", "by key"]
)
def test_the_first_sign_in_is_the_first_of_its_namespace(path: str, key: str, faults: list[str]) -> None:
    with another(faults=faults) as heidi:
        answer = heidi.get(f"http://localhost{path}", signed=False, headers={"Heidi-Api-Key": key})

        rows = heidi.get("/ns/blue/_mock/requests").json()["requests"]
    assert (answer.status_code, answer.headers["x-mock-request-id"]) == (200, "1")
    assert [(row["id"], row["operation"]) for row in rows] == [(1, "get_jwt")]


@pytest.mark.parametrize("faults", [[], ["ask_ai:end_after=1"]], ids=["", "with faults"])
@pytest.mark.parametrize(
    ("query", "key", "status"),
    [("", DEFAULT_KEY, 422), ("?email=a@b.c&third_party_internal_id=1", "wrong", 401)],
    ids=["names missing", "wrong key"],
)
def test_a_refusal_without_a_namespace_has_no_id(query: str, key: str, status: int, faults: list[str]) -> None:
    with another(faults=faults) as heidi:
        answer = heidi.get(f"/ns/blue{BASE_PATH}/jwt{query}", signed=False, headers={"Heidi-Api-Key": key})

        assert (answer.status_code, "x-mock-request-id" in answer.headers) == (status, False)
        assert namespaces(heidi) == ["default"]


def test_a_refusal_by_a_rule_keeps_its_namespace_and_has_an_id() -> None:
    with another(faults=["get_jwt:status=503"]) as heidi:
        answer = heidi.get(f"/ns/blue{A_JWT}", signed=False, headers={"Heidi-Api-Key": DEFAULT_KEY})

        assert (answer.status_code, answer.headers["x-mock-request-id"]) == (503, "1")
        assert namespaces(heidi) == ["default", "blue"]
        assert heidi.get("/ns/blue/_mock/requests/1").json()["status"] == 503


def test_ids_continue_after_deleting_and_restart_after_a_reset(busy: Client) -> None:
    busy.delete("/_mock/requests?since=2")
    deleted = busy.get("/nothing").headers["x-mock-request-id"]
    after = ids(busy)
    busy.delete("/_mock/requests")
    cleared = busy.get("/nothing").headers["x-mock-request-id"]
    busy.post("/_mock/reset?keep=requests")
    kept = busy.get("/nothing").headers["x-mock-request-id"]
    busy.post("/_mock/reset")
    reset = busy.get("/nothing").headers["x-mock-request-id"]

    assert (deleted, after, cleared, kept, reset) == ("9", [1, 2, 9], "10", "11", "1")


def test_dropped_requests_are_counted_until_all_are_deleted() -> None:
    with another(journal_entries=3) as heidi:
        for _ in range(5):
            heidi.get(f"/sessions/{SESSION}")
        dropped = []
        for which in ("?status=404", "?status=200", ""):
            dropped.append(heidi.get("/_mock/requests").json()["dropped"])
            heidi.delete(f"/_mock/requests{which}")
        dropped.append(heidi.get("/_mock/requests").json()["dropped"])

    assert dropped == [3, 3, 3, 0]


# --- Findings and a reset ---------------------------------------------------------------------------------------------


def codes(client: Client) -> list[str]:
    return [row["code"] for row in client.get("/_mock/findings").json()["findings"]]


@pytest.mark.parametrize("looked", [True, False])
def test_findings_are_kept_even_if_they_were_never_read(heidi: Client, *, looked: bool) -> None:
    heidi.post("/sessions?page=1", json={"unknown": 1})
    known = codes(heidi) if looked else []
    heidi.post("/_mock/reset?keep=findings")
    heidi.get("/patient-profiles", headers={"Heidi-Api-Key": DEFAULT_KEY})

    assert known == (["unknown_field", "unknown_parameter"] if looked else [])
    assert codes(heidi) == ["unknown_field", "unknown_parameter", "key_with_token"]
    assert ids(heidi, finding="key_with_token") == [1]


@pytest.mark.parametrize("looked", [True, False])
def test_a_reset_that_keeps_requests_does_not_repeat_their_findings(heidi: Client, *, looked: bool) -> None:
    heidi.post("/sessions", json={"unknown": 1})
    if looked:
        assert codes(heidi) == ["unknown_field"]
    heidi.post("/_mock/reset?keep=requests")
    heidi.get("/patient-profiles?page=1")

    assert codes(heidi) == ["unknown_parameter"]
    assert [row["findings"] for row in heidi.get("/_mock/requests").json()["requests"]] == [
        [],
        [],
        ["unknown_parameter"],
    ]


# --- How much is kept -------------------------------------------------------------------------------------------------

# The judges keep every answer that they see; these pass by them, so that the journal's memory is all that there is.
PASS_BY = App.__call__
ENTRIES, ROOM = 200, 1_000_000
LARGEST = 40_000


def many(client: Client, number: int) -> None:
    """Send so many requests: large bodies, streams of many pieces, forms, refusals."""
    token = {"Authorization": f"Bearer {client.token()}"}
    form = WHOLE.replace(SOUND, b"sound")
    kinds: list[tuple[str, dict[str, str], bytes]] = [
        ("/sessions", {}, b""),
        (f"/sessions/{SESSION}/ask-ai", token, json.dumps(ASK).encode()),
        ("/sessions/99/upload-audio", {**token, **FORM}, form),
        ("/sessions", {}, b'{"note": "' + b"x" * 30_000 + b'"}'),
    ]

    async def run() -> None:
        for at in range(number):
            path, headers, body = kinds[at % len(kinds)]
            own = bytes(bytearray(body))  # as from a socket: no two bodies are one object
            messages = [{"type": "http.request", "body": own, "more_body": False}]
            app = partial(PASS_BY, client.app)
            await exchange(app, "POST", BASE_PATH + path, headers=headers, messages=messages)

    asyncio.run(run())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("entries", "room"), [(ENTRIES, 1_000_000_000), (1_000_000, ROOM)], ids=["bounded by count", "bounded by bytes"]
)
def test_the_journal_keeps_at_most_its_limit(entries: int, room: int) -> None:
    with another(journal_entries=entries, memory=room) as heidi:
        heidi.post("/_mock/replies", json={"operation": "ask_ai", "pieces": ["piece "] * 40})
        heidi.delete("/_mock/requests")
        others = {id(each) for each in gc.get_objects() if isinstance(each, Entry)}
        many(heidi, 1_000)
        tracemalloc.start()
        try:
            many(heidi, 1_000)
            filled, _ = tracemalloc.get_traced_memory()
            many(heidi, 1_000)
            after, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        many(heidi, 17_000)

        journal = heidi.app.registry.default.journal
        kept = list(journal)
        alive = [each for each in gc.get_objects() if isinstance(each, Entry) and id(each) not in others]
    held = sum(each.size for each in kept)
    assert (kept[-1].id, journal.dropped + len(kept)) == (20_001, 20_001)
    if room == ROOM:
        assert ROOM - LARGEST < held <= ROOM
    else:
        assert len(kept) == ENTRIES
    assert len(alive) <= len(kept) + 1
    # What an entry is said to hold is what it costs, or the bound would be none.
    assert after - filled < LARGEST < after < 1.1 * held


@pytest.mark.parametrize("query", ["operation=creat_session", "status=abc", "limit=99999999999999999999"])
def test_a_filter_that_cannot_match_is_refused(heidi: Client, query: str) -> None:
    answer = heidi.get(f"/_mock/requests?{query}")

    assert (answer.status_code, list(answer.json())) == (400, ["error", "hint"])
