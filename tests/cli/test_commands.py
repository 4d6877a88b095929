"""The commands for a running server."""

import contextlib
import io
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from helpers import SESSION
from running import MODULE, Running, run, serving, spawn, until

from mock_heidi import Handle, MockHeidi, MockHeidiError
from mock_heidi.base.settings import BASE_PATH, DEFAULT_KEY
from mock_heidi.cli import commands
from mock_heidi.cli.main import main

PYTHON = sys.executable
COMMAND = " ".join(MODULE)
HEAVY = ("starlette", "uvicorn", "pydantic", "httpx", "yaml", "jwt")

needs_signals = pytest.mark.skipif(sys.platform == "win32", reason="there a signal ends the process")


class Ended(NamedTuple):
    status: int
    out: str
    err: str


Call = Callable[..., Ended]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server for all tests, in a separate process."""
    with serving(tmp_path_factory.mktemp("commands"), "--coverage") as server:
        yield server


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Runs a command in this process, without variables of mock_heidi."""
    for name in list(os.environ):
        if name.startswith("MOCK_HEIDI_"):
            monkeypatch.delenv(name)

    def call(*args: str) -> Ended:
        with pytest.raises(SystemExit) as ended:
            main(list(args))
        said = capsys.readouterr()
        return Ended(int(str(ended.value.code)), said.out, said.err)

    return call


@pytest.fixture
def call(alone: Call, server: Running, monkeypatch: pytest.MonkeyPatch) -> Call:
    """The same with the server in the variable; the server has been reset."""
    server.ask("POST", "/_mock/reset?all=true")
    for name in server.ask("GET", "/_mock/snapshots")[2]["snapshots"]:
        server.ask("DELETE", f"/_mock/snapshots/{name['name']}")
    monkeypatch.setenv("MOCK_HEIDI_URL", server.url)
    return alone


def get_session(server: Running, session_id: str = SESSION, prefix: str = "") -> int:
    """The status of a request for a session, after sign-in."""
    handle = Handle(server.url)
    token = handle.token()
    handle.close()
    return server.ask("GET", f"{prefix}{BASE_PATH}/sessions/{session_id}", Authorization=f"Bearer {token}")[0]


# --- Where the server is ----------------------------------------------------------------------------------------------

# Each command with arguments that any server accepts.
ASKED = {
    "env": ("env",),
    "wait": ("wait",),
    "reset": ("reset",),
    "token": ("token",),
    "findings": ("findings",),
    "requests": ("requests",),
    "coverage": ("coverage",),
    "fault list": ("fault", "list"),
    "fault add": ("fault", "add", "get_session:status=503"),
    "fault clear": ("fault", "clear"),
    "scenario list": ("scenario", "list"),
    "scenario run": ("scenario", "run", "flaky-afternoon"),
    "clock": ("clock",),
    "namespaces": ("namespaces",),
    "snapshot": ("snapshot",),
    "snapshot take": ("snapshot", "take", "a"),
}
NO_SERVER = {"exec", "variants", "ca", "compare", "completion"}

by_command = pytest.mark.parametrize("command", ASKED)


def test_every_command_is_tried() -> None:
    assert {command.partition(" ")[0] for command in ASKED} | NO_SERVER == set(commands.COMMANDS)


@by_command
def test_a_command_finds_its_server_by_flag_and_by_variable(
    call: Call, server: Running, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    by_variable = call(*ASKED[command])
    monkeypatch.setenv("MOCK_HEIDI_URL", "http://127.0.0.1:1")
    by_flag = call(*ASKED[command], "--url", server.url)

    assert (by_variable.status, by_variable.err) == (by_flag.status, by_flag.err) == (0, "")
    assert by_variable.out != ""
    assert by_flag.out != ""


@pytest.mark.parametrize("seconds", ["-1", "-1.5", "-.5", "-0.1e3", "soon", "nan", "inf"])
def test_a_clock_advances_only_by_a_number_of_seconds_from_zero(call: Call, seconds: str) -> None:
    ended = call("clock", "advance", seconds)

    words = "should be a number of seconds, 0 or more, such as 60"
    assert ended == (1, "", f"mock-heidi: clock advance {seconds}: {words}\n")


def test_an_unknown_option_of_the_clock_is_named(call: Call) -> None:
    ended = call("clock", "advance", "60", "--jsn")

    assert (ended.status, ended.out) == (2, "")
    assert re.match(r"mock-heidi: No such option.* '?--jsn\b", ended.err)


def test_the_list_of_all_namespaces_takes_no_namespace(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = call("namespaces", "--namespace", "blue")
    monkeypatch.setenv("MOCK_HEIDI_NAMESPACE", "blue")  # as exec sets it
    listed = call("namespaces")

    assert (refused.status, refused.out) == (2, "")
    assert re.match(r"mock-heidi: No such option.* '?--namespace\b", refused.err)
    assert (listed.status, listed.err) == (0, "")
    assert listed.out.startswith("default ")


def test_a_count_of_one_has_its_noun_in_the_singular(call: Call, server: Running) -> None:
    server.sign_in()

    assert call("namespaces").out.splitlines()[0].endswith("15 patient profiles, 31 sessions, 1 request")


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("token", "--api-key", "wrong"), "does not know this API key; give one of its keys with --api-key"),
        (
            ("snapshot", "take", "a/b"),
            "'a/b' is not a valid name for a snapshot; use letters, digits, '-', '_' and '.', 64 at most",
        ),
        (("clock", "set", "nope"), "clock: 'nope' is not a moment; write it like 2025-01-06T09:00:00 (UTC)\n"),
        (("findings", "--namespace", "defualt"), "has no namespace 'defualt'; did you mean default?"),
        (("requests", "--curl", "--namespace", "defualt"), "has no namespace 'defualt'; did you mean default?"),
        (("requests", "--namespace", "elsewhere"), "has no namespace 'elsewhere'; known names are default"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_refused_value_is_one_line_that_names_the_cure(call: Call, args: tuple[str, ...], words: str) -> None:
    ended = call(*args)

    assert (ended.status, ended.out, ended.err.count("\n")) == (1, "", 1)
    assert words in ended.err


@pytest.mark.parametrize("command", ["fault", "scenario"])
def test_a_group_without_a_command_shows_its_help(alone: Call, command: str) -> None:
    ended = alone(command)

    assert (ended.status, ended.out) == (2, "")
    assert ended.err.startswith(f"Usage: mock-heidi {command} ")
    assert "\nCommands:\n" in ended.err


def test_the_parts_to_keep_may_be_separated_by_blanks(call: Call) -> None:
    ended = call("reset", "--keep", "state, clock")

    assert ended.status == 0
    assert "state" not in ended.out
    assert "clock" not in ended.out


@needs_signals
def test_ctrl_c_gives_a_command_the_status_130() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        process = spawn("wait", "--url", f"http://127.0.0.1:{silent.getsockname()[1]}", "--timeout", "600")
        try:
            with silent.accept()[0] as peer:
                peer.recv(1)
                process.send_signal(signal.SIGINT)

                assert process.wait(timeout=60) == 130
        finally:
            process.kill()
            process.communicate()


def test_wait_reports_an_answer_of_another_program(alone: Call) -> None:
    def answer() -> None:
        peer = other.accept()[0]
        peer.recv(1_000)
        peer.sendall(b"HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}")
        peer.close()

    with socket.create_server(("127.0.0.1", 0)) as other:
        asked = threading.Thread(target=answer)
        asked.start()
        ended = alone("wait", "--url", f"http://127.0.0.1:{other.getsockname()[1]}", "--timeout", "0")
        asked.join()

    assert ended.status == 1
    assert "another program answers at" in ended.err


@by_command
def test_every_command_can_print_json(call: Call, command: str) -> None:
    ended = call(*ASKED[command], "--json")

    assert ended.status == 0
    assert isinstance(json.loads(ended.out), dict | list)


@by_command
def test_a_command_without_a_server_is_one_line_that_names_the_cure(alone: Call, command: str) -> None:
    options = ["--url", "http://127.0.0.1:1", *(["--timeout", "0"] if command == "wait" else [])]
    ended = alone(*ASKED[command], *options)

    if command == "env":  # prints the address in any case
        assert (ended.status, ended.out.count("\n")) == (0, 5)
        assert ended.err == ("warning: no server answers at http://127.0.0.1:1; start a server with mock-heidi serve\n")
    else:
        assert (ended.status, ended.out, ended.err.count("\n")) == (1, "", 1)
        assert ended.err.startswith("mock-heidi: no ")
        assert "mock-heidi serve" in ended.err


@needs_signals
def test_the_url_in_the_file_of_a_killed_server_is_one_line_that_names_the_cure(alone: Call, tmp_path: Path) -> None:
    with serving(tmp_path) as killed:
        killed.end(signal.SIGKILL)
    left = (tmp_path / "heidi.url").read_text(encoding="utf-8").strip()

    waited = alone("wait", "--url", left, "--timeout", "0")
    shown = alone("env", "--url", left)
    asked = alone("findings", "--url", left)

    cure = "start a server with mock-heidi serve"
    assert waited == (1, "", f"mock-heidi: no server answers at {killed.url} after 0 s; {cure}\n")
    assert shown.err == f"warning: no server answers at {killed.url}; {cure}\n"
    assert (asked.status, asked.err) == (
        1,
        f"mock-heidi: no answer from {killed.url}: Connection refused; {cure}, or name it with --url\n",
    )


@contextlib.contextmanager
def stranger(answer: bytes) -> Iterator[str]:
    """The URL of a program that gives this answer once."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def speak() -> None:
            peer, _ = listener.accept()
            with peer:
                peer.recv(10_000)
                peer.sendall(answer)

        thread = threading.Thread(target=speak)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join()


NO_HTTP = b"SSH-2.0-OpenSSH_9\r\n"
NO_JSON = b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nhi"
NO_OBJECT = b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n[]"
NO_REASON = b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}"
VENDORS = b'HTTP/1.1 404 Not Found\r\nContent-Length: 22\r\n\r\n{"detail":"Not Found"}'


@pytest.mark.parametrize(
    "answer", [NO_HTTP, NO_JSON, NO_OBJECT, NO_REASON], ids=["no HTTP", "no JSON", "no object", "no reason"]
)
@pytest.mark.parametrize("command", ["reset", "token", "clock", "requests --curl", "requests --follow"])
def test_an_answer_of_another_program_is_one_line(alone: Call, answer: bytes, command: str) -> None:
    with stranger(answer) as url:
        ended = alone(*command.split(), "--url", url)

    cure = "start a server with mock-heidi serve, or name it with --url"
    assert ended == (1, "", f"mock-heidi: another program answers at {url}, not mock_heidi; {cure}\n")


@pytest.mark.parametrize(
    ("ask", "path"),
    [
        (lambda heidi: heidi.control("GET", "/health"), "/_mock/health"),
        (lambda heidi: heidi.curl(), "/_mock/requests?format=curl"),
        (lambda heidi: heidi.events(), "/_mock/events"),
        (lambda heidi: heidi.verify(), "/_mock/verify"),
    ],
    ids=["control", "curl", "events", "verify"],
)
def test_a_refusal_in_the_vendors_form_keeps_its_words(ask: Callable[[Handle], object], path: str) -> None:
    with (
        stranger(VENDORS) as url,
        contextlib.closing(Handle(url)) as heidi,
        pytest.raises(MockHeidiError, match=f"{re.escape(path)}.*: Not Found; status 404"),
    ):
        ask(heidi)


@pytest.mark.parametrize("answer", [NO_HTTP, NO_JSON], ids=["no HTTP", "no JSON"])
def test_env_warns_of_another_program(alone: Call, answer: bytes) -> None:
    with stranger(answer) as url:
        ended = alone("env", "--url", url)

    assert (ended.status, ended.err) == (
        0,
        f"warning: another program answers at {url}; start a server with mock-heidi serve\n",
    )


@pytest.mark.parametrize(
    "url", ["127.0.0.1:4343", "https://127.0.0.1:4343", "http://", "http://x:many", "http://[", "ftp://x", "http://x:0"]
)
def test_an_invalid_url_is_one_line(alone: Call, url: str) -> None:
    ended = alone("clock", "--url", url)

    assert ended == (1, "", f"mock-heidi: {url}: write it like http://127.0.0.1:4343\n")


@pytest.mark.parametrize("path", ["/path", f"{BASE_PATH}/jwt", "/ns/blue/path", "/?a=1", "#a"])
def test_a_url_with_an_unknown_path_is_one_line(alone: Call, path: str) -> None:
    ended = alone("clock", "--url", f"http://127.0.0.1:1{path}")

    cure = "write it like http://127.0.0.1:4343 or http://127.0.0.1:4343/ns/NAME"
    assert ended == (
        1,
        "",
        f"mock-heidi: http://127.0.0.1:1{path}: there is nothing of mock_heidi at this path; {cure}\n",
    )


@pytest.mark.parametrize(
    ("path", "options", "name"),
    [
        ("", (), "default"),
        ("/", (), "default"),
        (BASE_PATH, (), "default"),
        (f"/ns/blue{BASE_PATH}", (), "blue"),
        ("/ns/blue", (), "blue"),
        ("", ("--namespace", "red"), "red"),
        (f"/ns/blue{BASE_PATH}", ("--namespace", "red"), "red"),
    ],
)
def test_the_url_may_name_the_namespace_and_the_flag_has_priority(
    call: Call, server: Running, path: str, options: tuple[str, ...], name: str
) -> None:
    ended = call("env", "--json", "--url", f"{server.url}{path}", *options)

    prefix = "" if name == "default" else f"/ns/{name}"
    assert json.loads(ended.out) == {
        "HEIDI_BASE_URL": f"{server.url}{prefix}{BASE_PATH}",
        "HEIDI_API_KEY": DEFAULT_KEY,
        "MOCK_HEIDI_URL": server.url,
        "MOCK_HEIDI_NAMESPACE": name,
        "MOCK_HEIDI_API_KEY": DEFAULT_KEY,
    }


@pytest.mark.parametrize("name", ["a b", "..", "é", "x" * 65, ""])
def test_an_invalid_name_of_a_namespace_is_one_line(call: Call, name: str) -> None:
    ended = call("clock", "--url", f"http://127.0.0.1:1/ns/{name}") if not name else call("clock", "--namespace", name)

    cure = "use letters, digits, '-', '_' and '.', 64 at most"
    assert ended == (1, "", f"mock-heidi: {name!r} is not a valid name for a namespace; {cure}\n")


def test_a_command_changes_only_its_namespace(call: Call, server: Running) -> None:
    call("fault", "add", "get_session:status=503", "--namespace", "blue")
    call("reset")

    assert server.ask("GET", "/ns/blue/_mock/faults")[2]["faults"][0]["status"] == 503
    assert server.ask("GET", "/_mock/faults")[2]["faults"] == []


def test_a_wrong_key_is_one_line(call: Call) -> None:
    ended = call("token", "--api-key", "another")

    assert (ended.status, ended.err.count("\n")) == (1, 1)
    assert "does not know this API key; give one of its keys with --api-key" in ended.err


def test_the_admin_token_comes_from_its_variable(alone: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(tmp_path, MOCK_HEIDI_ADMIN_TOKEN="let-me-in-91c4") as guarded:
        monkeypatch.setenv("MOCK_HEIDI_URL", guarded.url)
        refused = [alone(*command) for command in (("clock",), ("requests", "--follow"), ("requests", "--curl"))]
        waited = alone("wait", "--timeout", "0")
        monkeypatch.setenv("MOCK_HEIDI_ADMIN_TOKEN", "let-me-in-91c4")
        let_in = alone("clock")

    for ended in refused:
        assert (ended.status, ended.err.count("\n")) == (1, 1)
        assert "set MOCK_HEIDI_ADMIN_TOKEN" in ended.err
    assert (waited.status, let_in.status) == (0, 0)


# --- Each command -----------------------------------------------------------------------------------------------------


def test_env_can_be_evaluated(call: Call, server: Running) -> None:
    said = call("env", "--namespace", "blue").out
    ended = run("-c", f'{said}\necho "$HEIDI_BASE_URL $HEIDI_API_KEY"; {COMMAND} env --json', command=("sh",))

    first, _, rest = ended.stdout.partition("\n")
    assert first == f"{server.url}/ns/blue{BASE_PATH} {DEFAULT_KEY}"
    assert json.loads(rest) == json.loads(call("env", "--json", "--namespace", "blue").out)


@pytest.mark.parametrize(
    ("shell", "form"),
    [("sh", "export {}={}"), ("fish", "set -gx {} {}"), ("powershell", "$env:{} = '{}'")],
)
def test_env_writes_the_syntax_of_each_shell(call: Call, server: Running, shell: str, form: str) -> None:
    lines = call("env", "--shell", shell).out.splitlines()

    assert lines[2] == form.format("MOCK_HEIDI_URL", server.url)
    assert len(lines) == 5


def test_env_quotes_values_for_the_shell(call: Call) -> None:
    said = call("env", "--api-key", "it's a key").out
    ended = run("-c", f'{said}\necho "$HEIDI_API_KEY"', command=("sh",))

    assert ended.stdout == "it's a key\n"


def test_wait_waits_until_a_server_answers(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    with spawn("wait", "--timeout", "60", env={"MOCK_HEIDI_URL": f"http://127.0.0.1:{port}"}) as waiting:
        assert waiting.poll() is None
        with serving(tmp_path, "--port", port):
            out, err = waiting.communicate(timeout=60)

    assert (waiting.returncode, out.decode(), err) == (0, f"http://127.0.0.1:{port} is ready\n", b"")


def test_wait_gives_up_on_a_server_that_accepts_and_sends_nothing(alone: Call) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        ended = alone("wait", "--timeout", "0.1", "--url", url)

    assert ended == (
        1,
        "",
        f"mock-heidi: no server answers at {url} after 0.1 s; start a server with mock-heidi serve\n",
    )


def test_reset_resets_the_parts_that_are_not_kept(call: Call, server: Running) -> None:
    get_session(server)
    call("fault", "add", "get_session:status=503")
    kept = call("reset", "--keep", "requests")
    left = server.ask("GET", "/_mock/requests/count")[2], server.ask("GET", "/_mock/faults")[2]

    assert kept.out == "reset: state, clock, ids, transitions, assumptions, replies, faults, findings\n"
    assert left == ({"count": 2}, {"faults": []})
    assert json.loads(call("reset", "--json").out)["reset"][3] == "requests"
    assert server.ask("GET", "/_mock/requests/count")[2] == {"count": 0}


def test_reset_can_be_for_all_namespaces(call: Call, server: Running) -> None:
    call("fault", "add", "get_session:status=503", "--namespace", "blue")
    call("reset", "--all")

    assert server.ask("GET", "/ns/blue/_mock/faults")[2] == {"faults": []}


def test_an_unknown_part_to_keep_is_one_line(call: Call) -> None:
    ended = call("reset", "--keep", "request")

    assert (ended.status, ended.err.count("\n")) == (1, 1)
    assert "did you mean requests" in ended.err


@pytest.mark.parametrize(
    ("options", "user"),
    [((), ("test@heidihealth.com", "123")), (("--email", "b@c", "--third-party-internal-id", "7"), ("b@c", "7"))],
)
def test_token_prints_a_valid_token(
    call: Call, server: Running, options: tuple[str, ...], user: tuple[str, str]
) -> None:
    token = call("token", *options).out.strip()
    status, _, _ = server.ask("GET", f"{BASE_PATH}/sessions/{SESSION}", Authorization=f"Bearer {token}")

    keys = server.ask("GET", "/_mock/state")[2]["api_keys"]
    assert status == 200
    assert user in [(one["email"], one["third_party_internal_id"]) for one in keys[0]["users"]]


@pytest.mark.parametrize(
    ("options", "codes", "status"),
    [
        ((), ["key_with_token", "unknown_parameter"], 1),
        (("--fail-on", "error"), ["key_with_token", "unknown_parameter"], 0),
        (("--level", "warning"), ["unknown_parameter"], 1),
        (("--level", "error"), [], 1),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_findings_of_a_level_or_above_give_status_1(
    call: Call, server: Running, options: tuple[str, ...], codes: list[str], status: int
) -> None:
    token = call("token").out.strip()
    server.ask(
        "GET",
        f"{BASE_PATH}/sessions/{SESSION}?all=1",
        Authorization=f"Bearer {token}",
        Heidi_Api_Key=DEFAULT_KEY,
    )

    told, as_json = call("findings", *options), call("findings", "--json", *options)

    assert sorted(one["code"] for one in json.loads(as_json.out)) == codes
    assert (told.status, as_json.status) == (status, status)
    assert told.out.count("\n") == max(len(codes), 1)
    assert all(f"{code}: " in told.out and "(request 2)" in told.out for code in codes)


CONTROL = "\x1b[2J\x7f\x9b31m\u202e"


def control_characters(server: Running) -> None:
    """A request with control characters in its path, its parameters and its body."""
    handle = Handle(server.url)
    token = handle.token()
    handle.close()
    sent = urllib.parse.quote(CONTROL)
    path = f"{BASE_PATH}/sessions/{SESSION}/{sent}?{sent}={sent}"
    server.ask("GET", path, Authorization=f"Bearer {token}")
    server.ask("GET", f"{BASE_PATH}/sessions/{SESSION}?{sent}=1", Authorization=f"Bearer {token}")


@pytest.mark.parametrize(
    "command",
    [("requests",), ("requests", "--json"), ("requests", "--curl"), ("findings",), ("findings", "--json")],
    ids=" ".join,
)
def test_no_request_can_control_the_terminal(call: Call, server: Running, command: tuple[str, ...]) -> None:
    control_characters(server)

    told = call(*command).out

    assert SESSION in told or "unknown_path" in told
    assert [letter for letter in told if not letter.isprintable() and letter != "\n"] == []


def test_json_for_a_terminal_is_the_same_json(call: Call, server: Running) -> None:
    control_characters(server)

    rows = json.loads(call("requests", "--json").out)

    assert rows[-2]["path"].endswith(f"/{CONTROL}")


@pytest.mark.usefixtures("call")
def test_no_followed_request_can_control_the_terminal(server: Running) -> None:
    control_characters(server)
    handle = Handle(server.url)

    with contextlib.closing(handle), contextlib.redirect_stdout(io.StringIO()) as told:
        rows = handle.requests()
        for as_json in (False, True):
            commands._print_rows(as_json, rows, 0)  # noqa: SLF001 - --follow prints rows with it

    assert [letter for letter in told.getvalue() if not letter.isprintable() and letter != "\n"] == []


def test_requests_are_a_line_each(call: Call, server: Running) -> None:
    none = call("requests").out
    get_session(server)
    get_session(server, "77")
    call("fault", "add", "get_session:status=503")
    get_session(server)
    server.ask("GET", "/jwt")

    lines = [line.split() for line in call("requests").out.splitlines()]

    assert none == "no requests\n"
    assert [(line[0], line[1], line[2], line[5]) for line in lines] == [
        ("#1", "GET", "200", "/jwt"),
        ("#2", "GET", "200", f"/sessions/{SESSION}"),
        ("#3", "GET", "200", "/jwt"),
        ("#4", "GET", "404", "/sessions/77"),
        ("#5", "GET", "200", "/jwt"),
        ("#6", "GET", "503", f"/sessions/{SESSION}"),
        ("#7", "GET", "404", "/jwt"),
    ]
    assert lines[5][6:] == ["fault", "fault-1"]
    assert " ".join(lines[6][6:]).startswith("the base path is missing")


@pytest.mark.parametrize(
    ("options", "ids"),
    [
        (("--limit", "1"), [4]),
        (("--limit", "0"), []),
        (("--operation", "get_session"), [2, 4]),
        (("--status", "4xx"), [4]),
        (("--text", "/sessions/77"), [4]),
        (("--operation", "get_session", "--limit", "1"), [4]),
    ],
    ids=lambda value: " ".join(map(str, value)),
)
def test_requests_can_be_filtered(call: Call, server: Running, options: tuple[str, ...], ids: list[int]) -> None:
    get_session(server)
    get_session(server, "77")

    assert [row["id"] for row in json.loads(call("requests", "--json", *options).out)] == ids


def test_requests_can_be_commands(call: Call, server: Running) -> None:
    get_session(server)
    comment, command = call("requests", "--curl", "--operation", "get_session").out.splitlines()

    assert comment.startswith("# ")
    assert f"mock-heidi token --url {server.url} " in comment
    assert command.startswith("curl ")
    assert SESSION in command
    assert call("requests", "--curl", "--json").status == call("requests", "--curl", "--follow").status == 2


@contextlib.contextmanager
def following(
    server: Running, folder: Path, *options: str
) -> Iterator[tuple[subprocess.Popen[bytes], Callable[[], str]]]:
    """``requests --follow`` beside the server, and its output so far."""
    output = folder / "output"
    with output.open("wb") as out:
        process = spawn("requests", "--follow", *options, "--url", server.url, stdout=out, stderr=out)
    try:
        yield process, lambda: output.read_text(encoding="utf-8")
    finally:
        process.kill()
        process.wait()


@needs_signals
def test_followed_requests_come_once_each_until_ctrl_c(call: Call, server: Running, tmp_path: Path) -> None:
    get_session(server)
    with following(server, tmp_path, "--json") as (process, said):
        until(lambda: said().count("\n") == 2, "the requests so far")
        call("reset", "--keep", "requests")
        get_session(server, "77")
        until(lambda: said().count("\n") == 4, "the requests to come")
        call("reset")
        get_session(server)
        until(lambda: said().count("\n") == 6, "the requests after a reset")
        process.send_signal(signal.SIGINT)

        assert process.wait(timeout=60) == 128 + signal.SIGINT
        assert [json.loads(line)["id"] for line in said().splitlines() if line] == [1, 2, 3, 4, 1, 2]


def test_followed_requests_can_be_filtered(call: Call, server: Running, tmp_path: Path) -> None:
    del call
    with following(server, tmp_path, "--status", "404") as (_, said):
        get_session(server)
        get_session(server, "77")
        until(said, "the one that fits")
        get_session(server, "78")
        until(lambda: said().count("\n") == 2, "the next")

        assert [line.split()[5] for line in said().splitlines()] == ["/sessions/77", "/sessions/78"]


@needs_signals
def test_following_ends_with_one_line_when_the_server_ends(tmp_path: Path) -> None:
    with serving(tmp_path) as mortal, following(mortal, tmp_path) as (process, said):
        get_session(mortal)
        until(lambda: said().count("\n") == 2, "the requests")
        mortal.end()

        assert process.wait(timeout=60) == 1
        assert len(said().splitlines()) == 3
        assert said().splitlines()[2].startswith("mock-heidi: ")
        assert mortal.url in said().splitlines()[2]


def test_a_closed_pipe_is_not_reported_as_an_ended_server(call: Call, server: Running) -> None:
    call("scenario", "list")
    with spawn("scenario", "list", "--url", server.url) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()

        assert process.stderr.read() == b""


def test_faults_are_added_listed_and_cleared(call: Call, server: Running) -> None:
    first = call("fault", "add", "get_session:status=503,times=1").out
    second = call("fault", "add", '{"operation": "ask_ai", "end_after": 3}').out
    get_session(server)
    listed = call("fault", "list").out.splitlines()
    cleared = call("fault", "clear", "fault-1").out
    rest = call("fault", "clear").out

    assert (first, second) == ("fault-1\n", "fault-2\n")
    assert listed == [
        'fault-1          1 hit  {"operation": "get_session", "times": 1, "status": 503}',
        'fault-2         0 hits  {"operation": "ask_ai", "end_after": 3}',
    ]
    assert (cleared, rest) == ("1 fault left\n", "0 faults left\n")
    assert call("fault", "list").out == "no faults\n"


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("fault", "add", "ask_ai:end_aftr=3"), "did you mean end_after"),
        (("fault", "clear", "fault 1"), "there is no fault 'fault 1'"),
        (("scenario", "run", "flaky"), "did you mean flaky-afternoon"),
        (("scenario", "run", "a b"), "there is no scenario 'a b'"),
        (("clock", "advance"), "clock advance: needs a value, such as 60"),
        (("clock", "set"), "clock set: needs a value, such as 2025-01-06T09:00:00"),
        (("clock", "advance", "soon"), "clock advance soon: should be a number of seconds"),
        (("clock", "set", "noon"), "'noon' is not a moment"),
        (("clock", "show", "5"), "clock show: takes no value; leave out 5"),
        (("clock", "real", "5"), "clock real: takes no value; leave out 5"),
        (("snapshot", "take"), "snapshot take: needs a name"),
        (("snapshot", "list", "a"), "snapshot list: takes no name; leave out a"),
        (("snapshot", "take", "a b"), "'a b' is not a valid name for a snapshot"),
        (("snapshot", "restore", "a b"), "'a b' is not a valid name for a snapshot"),
        (("requests", "--status", "many"), "many"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_cannot_be_done_is_one_line(call: Call, args: tuple[str, ...], words: str) -> None:
    ended = call(*args)

    assert (ended.status, ended.out, ended.err.count("\n")) == (1, "", 1)
    assert ended.err.startswith("mock-heidi: ")
    assert words in ended.err


@pytest.mark.parametrize(
    "args",
    [
        ("clock", "stop"),
        ("snapshot", "keep", "a"),
        ("wait", "--timeout", "-1"),
        ("wait", "--timeout", "soon"),
        ("requests", "--limit", "-1"),
        ("findings", "--level", "grave"),
        ("fault", "remove"),
        ("scenario", "run"),
        ("completion", "tcsh"),
        ("env", "--shell", "cmd"),
        ("exec",),
        ("exec", "--"),
        ("exec", "--prot", "1", "--", "true"),
    ],
    ids=" ".join,
)
def test_a_wrong_word_is_one_line_and_status_2(call: Call, args: tuple[str, ...]) -> None:
    ended = call(*args)

    assert (ended.status, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert "--help)" in ended.err


def test_a_scenario_sets_its_rules(call: Call, server: Running) -> None:
    known = {one["name"]: one["explanation"] for one in json.loads(call("scenario", "list", "--json").out)}
    said = call("scenario", "run", "service-is-gone").out.splitlines()
    rules = server.ask("GET", "/_mock/faults")[2]["faults"]

    assert said == [known["service-is-gone"], ", ".join(rule["id"] for rule in rules)]
    assert call("scenario", "list").out.count("\n") == len(known)
    assert server.sign_in()[0] == 503


def test_the_clock_stands_jumps_and_goes_on(call: Call, server: Running) -> None:
    said = [
        call("clock", *words).out
        for words in (
            ("freeze", "2025-01-06T09:00:00"),
            ("advance", "60.5"),
            ("set", "2025-01-06T12:00:00"),
            ("show",),
        )
    ]

    assert said == [
        "2025-01-06T09:00:00.000Z, frozen\n",
        "2025-01-06T09:01:00.500Z, frozen\n",
        "2025-01-06T12:00:00.000Z, frozen\n",
        "2025-01-06T12:00:00.000Z, frozen\n",
    ]
    assert call("clock", "real").out.endswith("Z, speed 1\n")
    assert call("clock", "freeze").out.endswith("Z, frozen\n")
    assert server.ask("GET", "/_mock/clock")[2]["frozen"] is True


def test_namespaces_are_listed_and_deleted(call: Call, server: Running) -> None:
    server.ask("POST", "/_mock/namespaces/clinic", {"journal": "masked"})
    get_session(server)
    listed = call("namespaces")
    rows = json.loads(call("namespaces", "--json").out)
    deleted = call("namespaces", "--delete", "clinic")

    names = [line.split()[0] for line in listed.out.splitlines()]
    left = [row["name"] for row in server.ask("GET", "/_mock/namespaces")[2]["namespaces"]]
    assert names == [row["name"] for row in rows] == ["default", *left[1:], "clinic"]
    assert listed.out.splitlines()[0].endswith("15 patient profiles, 31 sessions, 2 requests")
    assert (deleted.status, deleted.out) == (0, "deleted clinic\n")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("clinic", "there is no namespace 'clinic'; GET /_mock/namespaces lists them"),
        ("default", "the default namespace cannot be deleted; reset it with POST /_mock/reset"),
        ("a b", "'a b' is not a valid name for a namespace; use letters"),
    ],
)
def test_a_namespace_that_cannot_be_deleted_is_one_line(call: Call, name: str, words: str) -> None:
    ended = call("namespaces", "--delete", name)

    assert (ended.status, ended.out, ended.err.count("\n")) == (1, "", 1)
    assert words in ended.err


def test_snapshots_are_taken_compared_restored_and_deleted(call: Call, server: Running) -> None:
    call("clock", "freeze", "2025-01-06T09:00:00")
    taken = call("snapshot", "take", "before").out
    same = call("snapshot", "diff", "before").out
    server.ask("POST", "/_mock/state", {"patient_profiles": [{"id": "f" * 24, "first_name": "Ada"}]})
    changed = json.loads(call("snapshot", "diff", "before").out)
    call("snapshot", "restore", "before")
    restored = call("snapshot", "diff", "before").out
    listed = call("snapshot").out
    deleted = call("snapshot", "delete", "before").out

    assert taken == listed == "before               2025-01-06T09:00:00.000Z  15 patient profiles, 31 sessions\n"
    assert same == restored == "nothing has changed\n"
    assert changed == {"patient_profiles": {"added": ["f" * 24], "removed": [], "changed": [], "omitted": 0}}
    assert deleted == "no snapshots\n"


def test_routes_and_validate_can_speak_json(alone: Call, tmp_path: Path) -> None:
    (tmp_path / "patient_profiles.yaml").write_text("- gender: male\n", encoding="utf-8")
    rows = json.loads(alone("routes", "--json").out)
    good, wrong = alone("validate", "--json"), alone("validate", "--json", str(tmp_path))

    assert {"method": "GET", "path": "/jwt", "operation": "get_jwt"} in rows
    assert len(rows) == len(alone("routes").out.splitlines())
    assert (good.status, json.loads(good.out)) == (
        0,
        {"problems": [], "counts": {"api_keys": 2, "patient_profiles": 15, "sessions": 31}},
    )
    assert (wrong.status, wrong.err, len(json.loads(wrong.out)["problems"])) == (1, "", 1)


# --- Help and completion ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "args", [["--help"], ["requests", "--help"], ["exec", "--help"], ["completion", "bash"]], ids=" ".join
)
def test_help_imports_nothing_heavy(args: list[str]) -> None:
    code = (
        "import sys\nfrom mock_heidi.cli.main import main\n"
        f"try: main({args!r})\nfinally: print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    ended = run("-c", code, command=(PYTHON,))

    assert (ended.returncode, ended.stderr) == (0, "[]\n")


def complete(words: str) -> list[str]:
    """The completions that bash offers for the last word."""
    env = {"COMP_WORDS": words, "COMP_CWORD": str(words.count(" ")), "_MOCK_HEIDI_COMPLETE": "bash_complete"}
    lines = run(command=MODULE, env=env).stdout.splitlines()
    return [line.partition(",")[2] for line in lines]


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("mock-heidi re", ["reset", "requests"]),
        ("mock-heidi fault ", ["add", "clear", "list"]),
        ("mock-heidi snapshot re", ["restore"]),
        ("mock-heidi reset --k", ["--keep"]),
        ("mock-heidi serve --po", ["--port"]),
        ("mock-heidi --po", ["--port"]),
        ("mock-heidi --port 0 --qui", ["--quiet"]),
        ("mock-heidi findings --level e", ["error"]),
    ],
)
def test_completion_offers_the_fitting_words(words: str, offered: list[str]) -> None:
    assert complete(words) == offered


def test_completion_offers_every_command() -> None:
    assert set(commands.COMMANDS) < set(complete("mock-heidi "))


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_can_read_its_completion_script(shell: str, tmp_path: Path) -> None:
    script = run("completion", shell).stdout
    (tmp_path / "script").write_text(script, encoding="utf-8")

    assert "_MOCK_HEIDI_COMPLETE" in script
    assert "mock-heidi" in script
    if shutil.which(shell):
        read = run("-n", str(tmp_path / "script"), command=(shell,))
        assert (read.returncode, read.stderr) == (0, "")


# --- Below the commands -----------------------------------------------------------------------------------------------


def test_a_listener_gets_every_event_after_it_listens() -> None:
    with MockHeidi() as heidi, heidi.events() as events:
        token = heidi.token()

        assert next(events)[0] == "state"
        assert token not in str(next(events))
