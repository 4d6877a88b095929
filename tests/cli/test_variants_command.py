"""``variants``: a command runs again and again, each time beside a fresh server under another assumption."""

import contextlib
import json
import os
import re
import signal
import socket
import sys
from pathlib import Path
from typing import NamedTuple

import click
import pytest
from running import MODULE, environment, run, spawn, until

from mock_heidi.cli.exec_command import exec_command
from mock_heidi.cli.main import cli
from mock_heidi.cli.variants_command import variants_command

PYTHON = sys.executable
# A client that needs the status 200 and sends lower case. It is a command, so it has no assertion of pytest.
CLIENT = """
import json, os, sys, urllib.request
base, headers = os.environ["HEIDI_BASE_URL"], {"Heidi-Api-Key": os.environ["HEIDI_API_KEY"]}
user = "email=ada@example.com&third_party_internal_id=1"
token = json.load(urllib.request.urlopen(urllib.request.Request(f"{base}/jwt?{user}", headers=headers)))["token"]
headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
body = json.dumps({"first_name": "Ada", "gender": "male"}).encode()
with urllib.request.urlopen(urllib.request.Request(f"{base}/patient-profiles", body, headers)) as answer:
    print("created", answer.status)
    sys.exit(0 if answer.status == 200 else 4)
"""
VARY = ("--vary", "creation_status,gender_case")
FAILS_UNDER = {"creation_status": [201], "gender_case": ["exact"]}

needs_signals = pytest.mark.skipif(sys.platform == "win32", reason="there a signal ends the process")


class Ended(NamedTuple):
    status: int
    out: str
    err: str


def vary(*command: str, options: tuple[str, ...] = VARY, env: dict[str, str] | None = None) -> Ended:
    ended = run("variants", *options, "--", *command, env=env)
    return Ended(ended.returncode, ended.stdout, ended.stderr)


def client(tmp_path: Path) -> tuple[str, str]:
    path = tmp_path / "client.py"
    path.write_text(CLIENT, encoding="utf-8")
    return PYTHON, str(path)


def test_the_table_shows_what_a_command_depends_on(tmp_path: Path) -> None:
    command = client(tmp_path)

    ended = vary(*command)

    name = " ".join(command)
    assert ended.status == 0
    assert ended.out.splitlines() == [
        "created 200",
        name,
        "  creation_status                  fails under 201: POST /patient-profiles -> 201 (status 4)",
        (
            "  gender_case                      fails under exact: POST /patient-profiles -> 422 (status 1); "
            "holds under any_text"
        ),
        "",
        f"`{name}` passes only while a new record answers 200; accept any 2xx",
        (
            f"`{name}` passes only while a gender may have any case; send MALE, FEMALE or OTHER, and do not count on "
            "the refusal of another word"
        ),
        "",
        "1 test in 5 runs: depends 1",
        f"see it: mock-heidi exec --assume creation_status=201 -- {name}",
    ]
    assert ended.err.splitlines() == [
        "mock-heidi: second run holds",
        "mock-heidi: creation_status=201 FAILS (status 4)",
        "mock-heidi: gender_case=exact FAILS (status 1)",
        "mock-heidi: gender_case=any_text holds",
    ]


def test_without_names_the_assumptions_vary_that_the_requests_met(tmp_path: Path) -> None:
    file = tmp_path / "variants.json"

    ended = vary(*client(tmp_path), options=("--json-file", str(file), "--quiet"))

    (result,) = json.loads(file.read_text(encoding="utf-8"))["tests"]
    fails = {one["name"]: [bad["value"] for bad in one["fails"]] for one in result["assumptions"] if one["fails"]}
    assert (ended.status, ended.err) == (0, "")
    assert fails == {**FAILS_UNDER, "linked_account_required": [True]}
    varied = [one["name"] for one in result["assumptions"]]
    assert varied == ["creation_status", "linked_account_required", "gender_case", "unset_demographic_string"]


def test_an_assumption_that_the_user_has_chosen_keeps_its_value(tmp_path: Path) -> None:
    options = (*VARY, "--assume", "gender_case=any_case")

    assert "gender_case" not in vary(*client(tmp_path), options=options).out


def test_requests_in_other_namespaces_count() -> None:
    code = (
        "import os; from mock_heidi import Handle\n"
        "with Handle(os.environ['MOCK_HEIDI_URL'] + '/ns/blue').client() as client:\n"
        "    exit(client.post('/sessions').status_code != 200)"
    )

    ended = vary(PYTHON, "-c", code, options=("--vary", "creation_status", "--admin-token", "let-me-in-91c4"))

    assert "fails under 201: POST /sessions -> 201 (status 1)" in ended.out


def test_each_run_has_a_fresh_server(tmp_path: Path) -> None:
    code = (
        "import os, pathlib; from mock_heidi import Handle\n"
        "heidi = Handle(os.environ['MOCK_HEIDI_URL'])\n"
        "with pathlib.Path('seen').open('a') as seen: print(len(heidi.state.patient_profiles()), file=seen)\n"
        "heidi.state.add_patient()"
    )
    run("variants", *VARY, "--", PYTHON, "-c", code, cwd=tmp_path)

    assert (tmp_path / "seen").read_text(encoding="utf-8").split() == ["15"] * 5


def test_every_run_uses_the_chosen_port_and_url_file(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    file = tmp_path / "heidi.url"
    code = "import os, sys; url = open(sys.argv[1]).read(); exit(not url.startswith(os.environ['MOCK_HEIDI_URL']))"

    ended = vary(PYTHON, "-c", code, str(file), options=("--port", port, "--url-file", str(file), *VARY))

    assert ended.out.endswith("1 test in 5 runs: holds 1\n")
    assert not file.exists()


def test_the_limits_leave_variants_out(tmp_path: Path) -> None:
    few = vary(*client(tmp_path), options=(*VARY, "--max-variants", "1"))
    none = vary(*client(tmp_path), options=(*VARY, "--max-time", "0"))

    assert "  left out                         2 variants: gender_case=exact, gender_case=any_text" in few.out
    assert "  left out                         no time was left for its variants" in none.out


def test_a_file_that_can_no_longer_be_written_keeps_the_table(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    code = f"import shutil; shutil.rmtree({str(folder)!r}, ignore_errors=True)"

    ended = vary(PYTHON, "-c", code, options=(*VARY, "--json-file", str(folder / "a.json")))

    assert ended.status == 1
    assert ended.out.endswith("1 test in 5 runs: holds 1\n")
    assert f"cannot write {folder / 'a.json'}: No such file or directory; give a file in a folder" in ended.err


# --- The exit status --------------------------------------------------------------------------------------------------


def test_the_status_tells_of_a_dependence_only_by_choice(tmp_path: Path) -> None:
    flag = "--fail-if-depends"

    assert vary(*client(tmp_path), options=(*VARY, flag)).status == 3
    assert vary(PYTHON, "-c", "pass", options=(*VARY, flag)).status == 0
    assert vary(*client(tmp_path), env={"MOCK_HEIDI_FAIL_IF_DEPENDS": "1"}, options=VARY).status == 3


def test_a_command_that_fails_runs_once_and_is_reported_as_by_exec() -> None:
    ended = vary(PYTHON, "-c", "print('ran'); exit(7)")

    assert (ended.status, ended.out) == (7, "ran\n")
    assert ended.err.splitlines()[-2] == "mock-heidi: the command ended with status 7; the report of its server:"


def test_a_command_that_fails_the_second_time_is_not_repeatable(tmp_path: Path) -> None:
    code = "import pathlib; pathlib.Path('once').touch(exist_ok=False)"

    ended = run("variants", *VARY, "--", PYTHON, "-c", code, cwd=tmp_path)

    assert ended.returncode == 1
    assert "  not repeatable                   fails the second time (status 1)" in ended.stdout


def test_a_command_without_requests_is_told_the_likely_cause() -> None:
    ended = vary(PYTHON, "-c", "pass")

    assert ended.err.startswith("mock-heidi: no requests; a client finds this server by HEIDI_BASE_URL. ")


def test_a_command_that_cannot_run_has_the_status_of_a_shell() -> None:
    assert vary("no-such-command") == (127, "", "mock-heidi: there is no command 'no-such-command'\n")


@pytest.mark.parametrize(
    ("options", "status", "words"),
    [
        (("--vary", "gender_cas"), 1, "--vary: unknown assumption 'gender_cas'; did you mean gender_case?"),
        (("--max-variants", "-1"), 2, "--max-variants"),
        (("--fixtures", "no-such-folder"), 1, "cannot read no-such-folder"),
        (
            ("--json-file", "none/a.json", "--vary", "creation_status"),
            1,
            "none/a.json: there is no folder none; make it first",
        ),
    ],
)
def test_a_wrong_option_is_one_line(options: tuple[str, ...], status: int, words: str) -> None:
    ended = vary(PYTHON, "-c", "pass", options=(*options, "--quiet"))

    assert ended.status == status
    assert words in ended.err.splitlines()[-1]


def test_it_takes_every_option_of_exec_but_those_of_a_single_run() -> None:
    def flags(command: click.Command) -> set[str]:
        return {option.opts[0] for option in command.params if isinstance(option, click.Option)}

    files = {"--watch", "--export-on-exit"}
    assert flags(cli.commands["serve"]) - flags(variants_command) == files
    assert flags(exec_command) - flags(variants_command) == {"--fail-on", *files}


def test_every_run_gets_the_variables_of_a_proxy_without_the_direct_hosts(tmp_path: Path) -> None:
    told = tmp_path / "told.txt"
    options = ("--proxy", "--direct", "pypi.example", "--vary", "creation_status")
    ended = vary("sh", "-c", f'echo "$NO_PROXY" >> {told}', options=options)

    assert ended.status == 0
    assert [line.endswith(",pypi.example") for line in told.read_text(encoding="utf-8").splitlines()] == [True] * 3


# --- Signals ----------------------------------------------------------------------------------------------------------

# Sleeps in the run of this number, after it has written its process id into a file.
SLEEPS_IN = """
import os, pathlib, sys, time
runs = pathlib.Path("runs")
number = len(runs.read_text().split()) + 1 if runs.exists() else 1
with runs.open("a") as file:
    print(os.getpid(), file=file)
if number == {}:
    time.sleep(600)
"""


def pids(folder: Path) -> list[int]:
    path = folder / "runs"
    return list(map(int, path.read_text(encoding="utf-8").split())) if path.exists() else []


def is_there(pid: int) -> bool:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


@needs_signals
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
@pytest.mark.parametrize("sleeping", [1, 3])
def test_a_signal_ends_the_command_and_all_runs(tmp_path: Path, number: signal.Signals, sleeping: int) -> None:
    code = f"import signal; signal.signal({int(number)}, signal.SIG_DFL); {SLEEPS_IN.format(sleeping)}"
    with spawn("variants", *VARY, "--", PYTHON, "-c", code, cwd=tmp_path) as process:
        until(lambda: len(pids(tmp_path)) == sleeping, "the run")
        process.send_signal(number)

        _, err = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert len(pids(tmp_path)) == sleeping
    assert not any(map(is_there, pids(tmp_path)))
    assert b"Traceback" not in err


@needs_signals
def test_a_command_that_ends_well_after_a_signal_ends_all_runs_too(tmp_path: Path) -> None:
    code = f"import signal; signal.signal(15, lambda *_: exit(0)); {SLEEPS_IN.format(2)}"
    with spawn("variants", *VARY, "--", PYTHON, "-c", code, cwd=tmp_path) as process:
        until(lambda: len(pids(tmp_path)) == 2, "the second run")
        process.terminate()
        process.communicate(timeout=60)

    assert (process.returncode, len(pids(tmp_path))) == (130, 2)


@needs_signals
def test_ctrl_c_at_a_terminal_ends_all_runs(tmp_path: Path) -> None:
    pty = pytest.importorskip("pty")
    code = f"import signal; signal.signal(2, signal.SIG_DFL); {SLEEPS_IN.format(2)}"
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(tmp_path)
        os.execve(PYTHON, [*MODULE, "variants", *VARY, "--", PYTHON, "-c", code], environment())  # noqa: S606 - ours
    said = b""
    with open(terminal, "r+b", buffering=0) as screen:  # noqa: PTH123 - a descriptor has no path
        until(lambda: len(pids(tmp_path)) == 2, "the second run")
        screen.write(b"\x03")
        with contextlib.suppress(OSError):  # the terminal ends with its last process
            while more := screen.read(1_000):
                said += more
    _, status = os.waitpid(pid, 0)

    assert os.waitstatus_to_exitcode(status) == 130
    assert not any(map(is_there, pids(tmp_path)))
    assert not re.search(rb"Traceback|holds|FAILS", said)
