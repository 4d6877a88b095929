"""The output of the command while it serves: a line for each request, without secrets, and without delays.

The lines are for people: they may change; that they hold no secret and drive no terminal may not.
"""

import contextlib
import io
import os
import re
import sys
import threading
from pathlib import Path
from typing import Any, TextIO

import httpx
import pytest
from clients import NOON, Client
from helpers import ask
from running import address, serving, spawn, until

from mock_heidi.app import create_app
from mock_heidi.base.settings import BASE_PATH, DEFAULT_KEY
from mock_heidi.cli import request_log
from mock_heidi.cli.request_log import RequestLog, colourful, line
from mock_heidi.observing.entry import Entry
from mock_heidi.observing.journal import Journal

Told = tuple[str, Journal, Entry]


@pytest.fixture
def told() -> list[Told]:
    return []


@pytest.fixture
def heidi(told: list[Told]) -> "contextlib.closing[Client]":
    app = create_app(clock=NOON, listener=lambda name, journal, entry: told.append((name, journal, entry)))
    return contextlib.closing(Client(app))


def shown(told: list[Told], *, colour: bool = False) -> list[str]:
    """The lines without the time of day and the duration, which differ from run to run."""
    lines = [line(*one, colour=colour) for one in told]
    return [re.sub(r"^\d\d:\d\d:\d\d  |  +\d+\.\d ms", "", text) for text in lines]


# --- The lines --------------------------------------------------------------------------------------------------------


def test_a_line_says_method_status_path_and_operation(heidi: "contextlib.closing[Client]", told: list[Told]) -> None:
    with heidi as client:
        client.get("/patient-profiles")
        client.patch("/sessions/77", json={})
        client.get("/nowhere")
        client.post("/jwt", signed=False)

    assert shown(told) == [
        "GET     200  /jwt  (get_jwt)",
        "GET     200  /patient-profiles  (list_patient_profiles)",
        "PATCH   404  /sessions/77  (update_session)",
        "GET     404  /nowhere  there is no such path: mock-heidi routes lists them",
        "POST    405  /jwt  this path is for GET",
    ]


def test_the_line_of_a_refused_preflight_has_the_reason(heidi: "contextlib.closing[Client]", told: list[Told]) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-tenant"}
    with heidi as client:
        client.request("OPTIONS", "/sessions", signed=False, headers={"Origin": "http://localhost:3000", **asked})

    why = "the preflight is refused: it asks for headers that are not allowed, start with --cors-header x-tenant"
    assert shown(told) == [f"OPTIONS  400  /sessions  {why}"]


def test_the_line_of_a_refused_host_names_the_flag(heidi: "contextlib.closing[Client]", told: list[Told]) -> None:
    with heidi as client:
        client.get("/patient-profiles", signed=False, headers={"Host": "evil.example"})

    [said] = shown(told)
    assert said.startswith("GET     403  /patient-profiles  its Host is not a name or address of this server; ")
    assert said.endswith("--allowed-host NAME")


def test_a_line_of_another_namespace_names_it(heidi: "contextlib.closing[Client]", told: list[Told]) -> None:
    with heidi as client:
        client.base = f"/ns/checkout{BASE_PATH}"
        client.sign_in()

    assert shown(told) == ["GET     200  /jwt  (get_jwt)  [checkout]"]


def test_a_line_begins_with_the_time_of_day_here(heidi: "contextlib.closing[Client]", told: list[Told]) -> None:
    with heidi as client:
        client.sign_in()

    assert re.match(r"\d\d:\d\d:\d\d  GET     200  +\d+\.\d ms  /jwt", line(*told[0], colour=False))


def test_requests_to_the_control_api_have_no_line(heidi: "contextlib.closing[Client]", told: list[Told]) -> None:
    with heidi as client:
        client.get("/_mock/health")

    assert told == []


def test_a_line_contains_no_secret(heidi: "contextlib.closing[Client]", told: list[Told]) -> None:
    with heidi as client:
        token = client.sign_in()
        client.get(f"/sessions/{token}")
        client.get(f"/patient-profiles/{DEFAULT_KEY}", headers={"Heidi-Api-Key": DEFAULT_KEY})

    lines = "\n".join(shown(told))
    assert token not in lines
    assert DEFAULT_KEY not in lines
    assert "/sessions/***" in lines


def test_a_path_cannot_control_the_terminal(heidi: "contextlib.closing[Client]", told: list[Told]) -> None:
    with heidi as client:
        client.get("/sessions/%1b%5b2J%0d%0a200 OK")

    (text,) = shown(told)[1:]
    assert text.isprintable()
    assert "\\x1b[2J\\x0d\\x0a" in text


def test_no_part_of_a_request_can_control_the_terminal(told: list[Told]) -> None:
    app = create_app(clock=NOON, listener=lambda name, journal, entry: told.append((name, journal, entry)))
    ask(app, "G\x1b[2JT", f"{BASE_PATH}/nowhere")
    told[0][2].why = "it says \x9b31m"

    (text,) = shown(told)
    assert text.isprintable()
    assert "G\\x1b[2JT" in text
    assert "it says \\x9b31m" in text


@pytest.mark.parametrize(
    ("path", "colour"), [("/patient-profiles", "32"), ("/sessions/77", "33")], ids=["green", "yellow"]
)
def test_statuses_are_coloured_by_their_class(
    heidi: "contextlib.closing[Client]", told: list[Told], path: str, colour: str
) -> None:
    with heidi as client:
        status = client.get(path).status_code

    assert f"\x1b[{colour}m\x1b[1m{status}\x1b[0m" in shown(told, colour=True)[-1]


def test_the_line_of_a_client_that_left_says_left(heidi: "contextlib.closing[Client]", told: list[Told]) -> None:
    with heidi as client:
        client.sign_in()
    name, journal, entry = told[0]
    entry.client_left = True
    gone = line(name, journal, entry, colour=False)
    entry.client_left, entry.status, entry.duration = False, None, None
    unanswered = line(name, journal, entry, colour=False)

    assert "  left  " in gone
    assert "  none  " in unanswered


# --- The output -------------------------------------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_colours_are_only_for_terminals_without_no_color(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    wanted = colourful(Terminal()), colourful(io.StringIO())
    monkeypatch.setenv("NO_COLOR", "1")

    assert wanted == (True, False)
    assert not colourful(Terminal())


def test_lines_are_written_in_order_and_all_before_the_end(
    heidi: "contextlib.closing[Client]", told: list[Told]
) -> None:
    with heidi as client:
        for number in range(50):
            client.get(f"/sessions/{number}")
    stream = io.StringIO()
    log = RequestLog(stream)
    for one in told:
        log(*one)
    log.close()

    written = stream.getvalue().splitlines()
    assert [int(text.split("/")[-1].split()[0]) for text in written[1:]] == list(range(50))


class Stuck(io.StringIO):
    """A stream that is never read."""

    def __init__(self) -> None:
        super().__init__()
        self.reader = threading.Event()

    def write(self, text: str) -> int:
        self.reader.wait(timeout=30)
        return super().write(text)


def test_a_full_pipe_loses_lines_but_delays_nothing(
    heidi: "contextlib.closing[Client]", told: list[Told], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_log, "_WAITING", 3)
    with heidi as client:
        client.sign_in()
    stream = Stuck()
    log = RequestLog(stream)
    for _ in range(20):
        log(*told[0])
    log.close()
    stream.reader.set()
    written = until(lambda: stream.getvalue().count("\n"), "the reader's first line")

    assert written <= 4


@pytest.mark.parametrize("failure", [BrokenPipeError(), ValueError("I/O operation on closed file")])
def test_a_closed_pipe_does_not_end_the_log(
    heidi: "contextlib.closing[Client]", told: list[Told], failure: Exception
) -> None:
    class Gone(io.StringIO):
        def write(self, _: str) -> int:
            raise failure

    with heidi as client:
        client.sign_in()
    log = RequestLog(Gone())
    log(*told[0])
    log(*told[0])

    log.close()  # returns without an error


# --- In a real process ------------------------------------------------------------------------------------------------


def test_lines_in_a_file_have_no_colour(tmp_path: Path) -> None:
    with serving(tmp_path) as heidi:
        token = heidi.sign_in()[2]["token"]
        heidi.ask("GET", f"{BASE_PATH}/sessions/77", Authorization=f"Bearer {token}")
        output = until(lambda: heidi.output() if "get_session" in heidi.output() else "", "the line")

        assert "\x1b" not in output
        assert re.search(
            r"^\d\d:\d\d:\d\d  GET     404  +\d+\.\d ms  /sessions/77  \(get_session\)$", output, re.MULTILINE
        )
        assert token not in output


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
@pytest.mark.parametrize("no_color", [False, True])
def test_at_a_terminal_lines_are_coloured(tmp_path: Path, no_color: bool) -> None:
    import pty  # noqa: PLC0415 - not on Windows

    ours, theirs = pty.openpty()
    url_file = tmp_path / "heidi.url"
    more = {"NO_COLOR": "1"} if no_color else {}
    with (
        open(ours, encoding="utf-8", newline="") as screen,  # noqa: PTH123 - a descriptor, not a path
        spawn("--port", "0", "--url-file", str(url_file), stdout=theirs, stderr=theirs, env=more) as process,
    ):
        os.close(theirs)
        try:
            httpx.get(f"{address(url_file)}/jwt")
            text = read_until(screen, "(get_jwt)")
        finally:
            process.terminate()
            process.wait(timeout=60)

    assert ("\x1b[33m\x1b[1m401\x1b[0m" in text) is not no_color
    assert "401" in text


def read_until(screen: TextIO, words: str) -> str:
    text = ""
    while words not in text:
        text += screen.readline()
    return text


class Narrow:
    """A stream that can write ASCII only, and records what is written to it."""

    encoding = "ascii"

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.written = threading.Event()

    def isatty(self) -> bool:
        return False

    def write(self, text: str) -> None:
        text.encode("ascii")
        self.lines.append(text)

    def flush(self) -> None:
        if len(self.lines) == 2:
            self.written.set()


def test_an_unencodable_letter_does_not_end_the_log() -> None:
    stream = Narrow()
    log = RequestLog(stream)  # type: ignore[arg-type] # as much of a stream as it needs
    client = Client(create_app(clock=NOON, listener=log))
    client.get("/%C3%A9", signed=False)
    client.get("/x", signed=False)

    assert stream.written.wait(60)
    log.close()
    client.close()
    assert "\\xe9" in stream.lines[0]


def test_the_log_holds_no_bodies() -> None:
    held: list[Any] = []
    log = RequestLog(Narrow())  # type: ignore[arg-type] # as above
    log._queue.put_nowait = held.append  # type: ignore[method-assign,assignment] # noqa: SLF001 - a spy
    client = Client(create_app(clock=NOON, listener=log))
    client.post("/patient-profiles", json={"first_name": "x" * 1000})
    client.close()

    assert [item[2].body_bytes > 1000 for item in held] == [False, True]
    assert "x" * 1000 not in repr(held)
    log.close()
