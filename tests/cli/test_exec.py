"""``exec``: a server beside a command, with every option of a server; no process outlives it."""

import contextlib
import dataclasses
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import click
import pytest
from running import MODULE, Running, environment, run, serving, spawn, until

from mock_heidi import Handle, MockHeidiError, NoAnswerError
from mock_heidi.base.settings import BASE_PATH, DEFAULT_KEY, Settings
from mock_heidi.cli import child_process
from mock_heidi.cli import exec_command as exec_module
from mock_heidi.cli.exec_command import exec_command
from mock_heidi.cli.main import cli
from mock_heidi.cli.options import SERVER_OPTIONS

PYTHON = sys.executable
COMMAND = " ".join(MODULE)
# The command of these tests: Python, with code that prints what it sees.
BEGUN = "import os, signal, subprocess, sys, time; print('begun', flush=True);"
LASTING = f"{BEGUN} time.sleep(600)"
DEAF = "import signal; [signal.signal(number, signal.SIG_IGN) for number in (1, 2, 15)];"
# A grace that never ends in a test.
PATIENT = ("--grace", "3600")
# A command that is a client: `client` is signed in.
CLIENT = (
    "import os; from mock_heidi import Handle; heidi = Handle(os.environ['MOCK_HEIDI_URL'] + '{}');"
    "client = heidi.client();"
)

needs_signals = pytest.mark.skipif(sys.platform == "win32", reason="there a signal ends the process")
needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's death")


class Ended(NamedTuple):
    status: int
    out: str
    err: str


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Another server that runs at the same time."""
    with serving(tmp_path_factory.mktemp("exec")) as server:
        yield server


# --- The options of a server ------------------------------------------------------------------------------------------

# Settings that only a program can set.
NO_OPTIONS = {"linked", "max_namespaces", "idle_after", "max_state", "journal_entries"}


def options_of(command: click.Command) -> dict[str, dict[str, Any]]:
    """The properties of each option, by its flag, without the two defaults that differ."""
    found = {option.opts[0]: option.to_info_dict() for option in command.params if isinstance(option, click.Option)}
    for flag in ("--port", "--log-level"):
        found[flag]["default"] = None
    return found


def test_every_setting_has_a_flag_or_is_for_programs() -> None:
    fields = [option.field for option in SERVER_OPTIONS]

    assert sorted([*fields, *NO_OPTIONS]) == sorted(field.name for field in dataclasses.fields(Settings))


def test_exec_takes_every_option_of_serve() -> None:
    served, executed = options_of(cli.commands["serve"]), options_of(exec_command)

    assert served.keys() - executed.keys() == set()
    assert executed.keys() - served.keys() == {"--direct", "--grace", "--fail-on"}
    assert all(executed[flag] == served[flag] for flag in served.keys() & executed.keys())


def execute(*command: str, options: tuple[str, ...] = (), env: dict[str, str] | None = None) -> Ended:
    ended = run("exec", *options, "--", *command, env=env)
    return Ended(ended.returncode, ended.stdout, ended.stderr)


def option_by(how: str, flag: str, *values: str) -> dict[str, Any]:
    """The ways to give an option to :func:`execute`: as a flag or by its variable."""
    variable = f"MOCK_HEIDI_{flag[2:].replace('-', '_').upper()}"
    return {"options": (flag, *values)} if how == "flag" else {"env": {variable: values[0] if values else "1"}}


@pytest.mark.parametrize("how", ["flag", "variable"])
def test_the_url_file_exists_while_the_command_runs(how: str, tmp_path: Path) -> None:
    url_file = tmp_path / "heidi.url"
    url_file.write_text("http://127.0.0.1:1\n", encoding="utf-8")
    code = (
        "import os, pathlib, sys; print(pathlib.Path(sys.argv[1]).read_text() == os.environ['HEIDI_BASE_URL'] + '\\n')"
    )

    ended = execute(PYTHON, "-c", code, str(url_file), **option_by(how, "--url-file", str(url_file)))

    assert ended == (0, "True\n", "")
    assert not url_file.exists()


def test_a_url_file_that_cannot_be_written_is_one_line_and_runs_no_command(tmp_path: Path) -> None:
    ended = execute(PYTHON, "-c", "print('ran')", options=("--url-file", str(tmp_path / "none" / "heidi.url")))

    assert (ended.status, ended.out) == (1, "")
    assert ended.err.startswith("mock-heidi: --url-file: cannot write ")
    assert ended.err.count("\n") == 1


@pytest.mark.parametrize("how", ["flag", "variable"])
def test_exec_writes_a_line_for_each_request_at_level_info(how: str) -> None:
    code = f"{CLIENT.format('')} client.get('/patient-profiles')"

    ended = execute(PYTHON, "-c", code, **option_by(how, "--log-level", "info"))

    assert (ended.status, ended.out) == (0, "")
    assert [line.split()[1] for line in ended.err.splitlines()] == ["GET", "GET"]
    assert "(list_patient_profiles)" in ended.err


@pytest.mark.parametrize("how", ["flag", "variable"])
def test_a_quiet_exec_prints_no_report(how: str) -> None:
    assert execute(PYTHON, "-c", "exit(7)", **option_by(how, "--quiet")) == (7, "", "")


def test_a_quiet_exec_has_no_line_for_a_request() -> None:
    code = f"{CLIENT.format('')} client.get('/patient-profiles')"

    assert execute(PYTHON, "-c", code, options=("--quiet", "--log-level", "info")) == (0, "", "")


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))
    return True


@pytest.mark.parametrize("status", [0, 1, 7, 127, 255])
def test_the_exit_status_of_the_command_is_ours(status: int) -> None:
    assert execute(PYTHON, "-c", f"raise SystemExit({status})")[:2] == (status, "")


@needs_signals
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV], ids=lambda number: number.name)
def test_a_command_that_a_signal_ended_is_128_and_the_signal(number: signal.Signals) -> None:
    assert execute(PYTHON, "-c", f"import os; os.kill(os.getpid(), {int(number)})")[:2] == (128 + number, "")


def test_an_unknown_command_is_127_and_one_that_cannot_run_126(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()

    assert execute("no-such-command") == (127, "", "mock-heidi: there is no command 'no-such-command'\n")
    assert execute(str(tmp_path / "plain")) == (
        126,
        "",
        f"mock-heidi: cannot run '{tmp_path}/plain': Permission denied\n",
    )


def test_the_command_gets_all_variables() -> None:
    ended = execute(PYTHON, "-c", "import json, os; print(json.dumps(dict(os.environ)))", env={"OURS": "kept"})

    told = json.loads(ended.out)
    url = told["MOCK_HEIDI_URL"]
    assert url.startswith("http://127.0.0.1:")
    assert {name: told[name] for name in ("HEIDI_BASE_URL", "HEIDI_API_KEY", "MOCK_HEIDI_NAMESPACE", "OURS")} == {
        "HEIDI_BASE_URL": f"{url}{BASE_PATH}",
        "HEIDI_API_KEY": DEFAULT_KEY,
        "MOCK_HEIDI_NAMESPACE": "default",
        "OURS": "kept",
    }


def test_the_arguments_of_the_command_are_passed_on() -> None:
    words = ("--port", "-h", "--", "a b", "--help", "é", "")
    code = "import sys; print(sys.argv[1:])"

    assert execute(PYTHON, "-c", code, *words).out == f"{list(words)}\n"
    assert run("exec", PYTHON, "-c", code, *words).stdout == f"{list(words)}\n"


def test_the_command_has_the_input_and_output_of_exec() -> None:
    code = "import sys; print(sys.stdin.read() == '', end=''); print('err', end='', file=sys.stderr); sys.exit(3)"

    ended = execute(PYTHON, "-c", code)

    assert (ended.status, ended.out) == (3, "True")
    assert ended.err.startswith("errmock-heidi: ")


def test_commands_inside_find_the_server_in_spite_of_other_variables(server: Running, tmp_path: Path) -> None:
    (tmp_path / "api_keys.yaml").write_text(
        f"- {{key: another-key, ehr_provider: P, managed_by: {'a' * 24}}}\n", encoding="utf-8"
    )
    script = " && ".join(
        f"{COMMAND} {command}" for command in ("wait", "token > /dev/null", "requests --curl", "fault list", "clock")
    )
    ended = execute(
        *("sh", "-c", script),
        options=(
            "--fixtures",
            str(tmp_path),
            "--fault",
            "ask_ai:end_after=3",
            "--clock",
            "2025-01-06T09:00:00",
            "--quiet",
        ),
        env={"MOCK_HEIDI_URL": server.url, "MOCK_HEIDI_NAMESPACE": "blue", "MOCK_HEIDI_API_KEY": "wrong"},
    )

    ready, asked, faults, clock = ended.out.splitlines()
    assert (ended.status, ended.err) == (0, "")
    assert ready.endswith(" is ready")
    assert server.url not in ready
    assert "/jwt" in asked
    assert faults.startswith("fault-1 ")
    assert clock == "2025-01-06T09:00:00.000Z, frozen"


@pytest.mark.parametrize("by", ["flags", "variables"])
def test_exec_takes_the_options_of_serve(by: str, tmp_path: Path) -> None:
    told = {
        "--fixtures": ("empty",),
        "--seed": ("7",),
        "--clock": ("2025-01-06T09:00:00",),
        "--fault": ("get_session:status=503", "GET /templates/*:status=502"),
        "--scenario": ("link-refused",),
    }
    flags = tuple(word for flag, values in told.items() for value in values for word in (flag, value))
    variables = {f"MOCK_HEIDI_{flag[2:].upper()}": ";".join(values) for flag, values in told.items()}
    ended = run(
        *("exec", *(flags if by == "flags" else ()), "--"),
        *(
            "sh",
            "-c",
            f"{COMMAND} fault list --json > faults; {COMMAND} clock --json > clock; {COMMAND} snapshot take a",
        ),
        cwd=tmp_path,
        env=variables if by == "variables" else {},
    )

    faults = json.loads((tmp_path / "faults").read_text(encoding="utf-8"))
    assert [rule.get("status", rule.get("error")) for rule in faults][:2] == [503, 502]
    assert len(faults) == 3
    assert json.loads((tmp_path / "clock").read_text(encoding="utf-8"))["now"] == "2025-01-06T09:00:00.000Z"
    assert ended.stdout.endswith("0 patient profiles, 0 sessions\n")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--fixtures", "no-such-folder"), "cannot read no-such-folder"),
        (("--clock", "noon"), "clock: 'noon' is not a moment"),
        (("--fault", "ask_ai:end_aftr=3"), "did you mean end_after"),
        (("--scenario", "flaky"), "did you mean flaky-afternoon"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_server_that_cannot_start_runs_no_command(options: tuple[str, ...], words: str) -> None:
    ended = execute(PYTHON, "-c", "print('it runs')", options=options)

    assert (ended.status, ended.out, ended.err.count("\n")) == (1, "", 1)
    assert words in ended.err


def test_a_port_can_be_chosen_and_a_taken_port_is_reported() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        refused = execute(PYTHON, "-c", "print('it runs')", options=("--port", port))
    chosen = execute(PYTHON, "-c", "import os; print(os.environ['MOCK_HEIDI_URL'])", options=("--port", port))

    assert (refused.status, refused.out) == (1, "")
    assert f"port {port} on 127.0.0.1 is in use" in refused.err
    assert chosen.out == f"http://127.0.0.1:{port}\n"


@pytest.mark.parametrize("end", ["it ends", "it fails", "it cannot run"])
def test_no_process_is_left_when_the_command_has_ended(end: str) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = {"it ends": "pass", "it fails": "raise SystemExit(3)", "it cannot run": ""}[end]
    execute(*((PYTHON, "-c", command) if command else ("no-such-command",)), options=("--port", str(port)))

    assert is_free(port)


@contextlib.contextmanager
def executing(code: str, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """``exec`` of a Python command that has begun."""
    process = spawn("exec", *options, "--", PYTHON, "-c", code)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"begun\n"
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        # Do not read the output to its end: a command that has survived keeps it open.
        for pipe in (process.stdout, process.stderr):
            assert pipe is not None
            pipe.close()


@needs_signals
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP], ids=lambda number: number.name)
def test_a_signal_reaches_the_command_and_ends_all(number: signal.Signals) -> None:
    default = f"import signal; signal.signal({int(number)}, signal.SIG_DFL); {LASTING}"
    with executing(default) as process:
        process.send_signal(number)

        assert process.wait(timeout=60) == 128 + number
        assert until(lambda: not group(process.pid), "the end of the command")


@needs_signals
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_a_command_may_handle_a_signal_differently(number: signal.Signals) -> None:
    tidy = f"import signal; signal.signal({int(number)}, lambda *_: exit(5)); {LASTING}"
    with executing(tidy) as process:
        process.send_signal(number)

        assert process.wait(timeout=60) == 5


@needs_signals
def test_the_server_answers_until_the_command_has_ended_after_a_signal() -> None:
    last_wish = (
        "import os, signal, urllib.request; ask = urllib.request.urlopen;"
        "url = os.environ['MOCK_HEIDI_URL'] + '/readyz';"
        f"signal.signal(15, lambda *_: exit(ask(url).status - 191)); {LASTING}"
    )
    with executing(last_wish, *PATIENT) as process:
        process.terminate()

        assert process.wait(timeout=60) == 9


@needs_signals
def test_a_signal_reaches_the_processes_of_the_command_too() -> None:
    parent = (
        "import subprocess, sys; child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']);"
        "print('begun', flush=True); print(child.pid, flush=True); child.wait()"
    )
    with executing(parent) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        process.terminate()

        assert process.wait(timeout=60) == 128 + signal.SIGTERM
        assert until(lambda: not is_there(child), "the end of the command's own command")


def is_there(pid: int) -> bool:
    """True if a process runs, which an ended process that was not waited for does not."""
    listed = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout  # noqa: S603, S607 - ours
    return listed.strip() not in ("", "Z") and not listed.startswith("Z")


def group(pid: int) -> list[str]:
    """The running processes of a group."""
    listed = subprocess.run(["ps", "-eo", "pgid=,stat=,args="], capture_output=True, text=True, check=True).stdout  # noqa: S607
    rows = [line.split(None, 2) for line in listed.splitlines()]
    return [row[2] for row in rows if row[0] == str(pid) and not row[1].startswith("Z")]


@needs_signals
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_a_command_that_ignores_a_signal_is_killed_after_its_grace(number: signal.Signals) -> None:
    with executing(f"{DEAF} {LASTING}", "--grace", "0.1") as process:
        process.send_signal(number)

        assert process.wait(timeout=60) == 128 + signal.SIGKILL


@needs_signals
def test_without_grace_a_command_is_killed_at_once() -> None:
    with executing(f"{DEAF} {LASTING}", "--grace", "0") as process:
        process.terminate()

        assert process.wait(timeout=60) == 128 + signal.SIGKILL


@needs_signals
def test_a_second_signal_kills_at_once() -> None:
    telling = f"import signal; signal.signal(15, lambda *_: print('again', flush=True)); {LASTING}"
    with executing(telling, *PATIENT) as process:
        assert process.stdout is not None
        process.terminate()
        assert process.stdout.readline() == b"again\n"
        process.send_signal(signal.SIGINT)

        assert process.wait(timeout=60) == 128 + signal.SIGKILL


# A command that starts another one, which also ignores signals, and prints its process id.
PARENT = (
    f"import subprocess, sys; command = [sys.executable, '-c', {(DEAF + LASTING)!r}];"
    "child = subprocess.Popen(command, stdin=-3, stdout=-1, stderr=-3);"
    "child.stdout.readline(); print('begun', flush=True); print(child.pid, flush=True);"
)


@needs_signals
def test_the_processes_of_the_command_are_killed_with_it() -> None:
    with executing(f"{DEAF} {PARENT} child.wait()", "--grace", "0.1") as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        process.terminate()

        assert process.wait(timeout=60) == 128 + signal.SIGKILL
        assert until(lambda: not is_there(child), "the end of the command's own command")


@needs_signals
@pytest.mark.parametrize("status", [0, 1])
def test_processes_that_the_command_leaves_behind_are_ended(status: int) -> None:
    with executing(f"{PARENT} sys.exit({status})", "--grace", "0.1") as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())

        assert process.wait(timeout=60) == status
        assert until(lambda: not is_there(child), "the end of what was left")


@needs_linux
def test_a_command_ends_when_exec_is_killed() -> None:
    with executing(f"{BEGUN} print(os.getpid(), flush=True); {DEAF} time.sleep(600)") as process:
        assert process.stdout is not None
        command = int(process.stdout.readline())
        process.kill()
        process.wait()

        assert until(lambda: not is_there(command), "the end of the command")


@needs_linux
def test_a_command_does_not_begin_when_exec_was_killed_first() -> None:
    # The parent of the process is not the one that it should watch.
    code = (
        "import os; from mock_heidi.cli.child_process import _end_with_parent; ask = _end_with_parent()\n"
        "if os.fork(): print(os.waitstatus_to_exitcode(os.wait()[1]))\n"
        "elif os.fork(): os._exit(os.waitstatus_to_exitcode(os.wait()[1]))\n"
        "else: ask(); os._exit(0)"
    )

    assert run("-c", code, command=(PYTHON,)).stdout == f"{128 + signal.SIGKILL}\n"


@needs_signals
def test_under_nohup_the_command_ignores_sighup_too() -> None:
    code = "import signal; print(signal.getsignal(signal.SIGHUP) == signal.SIG_IGN)"
    ended = run("-c", 'trap "" HUP; exec "$@"', "sh", *MODULE, "exec", "--", PYTHON, "-c", code, command=("sh",))

    assert ended.stdout == "True\n"


# --- At a terminal ----------------------------------------------------------------------------------------------------


def at_terminal(code: str, typed: bytes, *options: str) -> tuple[int, bytes]:
    """The status and output of ``exec`` at a terminal, where ``typed`` is typed once its Python command has begun."""
    pty = pytest.importorskip("pty")
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(PYTHON, [*MODULE, "exec", *options, "--", PYTHON, "-c", code], environment())  # noqa: S606 - ours
    said = b""
    with open(terminal, "r+b", buffering=0) as screen:  # noqa: PTH123 - a descriptor has no path
        while b"begun\r\n" not in said:
            said += screen.read(1_000)
        screen.write(typed)
        with contextlib.suppress(OSError):  # the terminal ends with its last process
            while more := screen.read(1_000):
                said += more
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status), said.replace(b"\r\n", b"\n")


@needs_signals
def test_ctrl_c_at_a_terminal_reaches_the_command_once() -> None:
    # The parent sends one more signal, and the command counts the signals until that one arrives.
    counting = (
        "import os, signal; signal.pthread_sigmask(signal.SIG_BLOCK, {2, 15}); print('begun', flush=True);"
        "signal.sigwait({2}); os.kill(os.getppid(), 15); signal.sigwait({15});"
        "print('twice:', 2 in signal.sigpending())"
    )
    status, said = at_terminal(counting, b"\x03")

    assert (status, said.splitlines()[-1].removeprefix(b"^C")) == (0, b"twice: False")


@needs_signals
def test_a_command_reads_from_the_terminal() -> None:
    status, said = at_terminal(f"{BEGUN} print('read', input())", b"a line\n")

    assert (status, said.splitlines()[-1]) == (0, b"read a line")


@needs_signals
def test_ctrl_c_at_a_terminal_needs_no_report() -> None:
    status, said = at_terminal(f"import signal; signal.signal(2, signal.SIG_DFL); {LASTING}", b"\x03")

    assert (status, b"mock-heidi" in said) == (128 + signal.SIGINT, False)


@needs_linux
def test_at_a_terminal_the_processes_of_the_command_are_killed_too() -> None:
    status, said = at_terminal(
        f"{PARENT} {DEAF} import os; os.kill(os.getppid(), 15); child.wait()", b"", "--grace", "0.1"
    )
    child = int(said.splitlines()[1])

    assert status == 128 + signal.SIGKILL
    assert until(lambda: not is_there(child), "the end of the command's own command")


@pytest.mark.parametrize(("apart", "handed_on"), [(False, []), (True, [signal.SIGINT])])
def test_ctrl_c_at_a_terminal_is_passed_on_to_a_command_that_it_does_not_reach(
    monkeypatch: pytest.MonkeyPatch, apart: bool, handed_on: list[int]
) -> None:
    class Child:
        def __init__(self) -> None:
            self.apart = apart

        def send(self, number: int) -> None:
            sent.append(number)

    monkeypatch.setattr(child_process, "is_at_terminal", lambda: True)
    signals, sent = child_process._Signals(grace=3600), list[int]()  # noqa: SLF001 - a job brought to the foreground
    signals.send_to(Child())  # type: ignore[arg-type] # all that is used of one

    signals.receive(signal.SIGINT, None)
    signals.close()

    assert sent == handed_on


# --- Its report -------------------------------------------------------------------------------------------------------


def test_a_failed_command_is_reported_with_its_requests() -> None:
    code = f"{CLIENT.format('')} client.post('/sessions', json={{'colour': 1}}); exit(7)"
    ended = execute(PYTHON, "-c", code, options=("--fault", "create_session:status=503"))

    *seen, found = ended.err.splitlines()
    assert (ended.status, ended.out) == (7, "")
    assert seen == [
        "mock-heidi: the command ended with status 7; the report of its server:",
        "#1 GET /jwt -> 200  [assumed: token_lifetime]",
        "#2 POST /sessions -> 503  [fault-1]",
        '    > {"colour": 1}',
        '    < {"detail": "Service Unavailable"}',
        "fault-1 (operation=create_session, status=503): 1 request matched, 1 answer shaped",
    ]
    assert found.startswith("warning  unknown_field: ")


def test_requests_in_other_namespaces_are_reported_with_their_names() -> None:
    code = f"{CLIENT.format('/ns/blue')} heidi.namespace('red'); exit(1)"
    ended = execute(PYTHON, "-c", code, options=("--admin-token", "let-me-in-91c4"))

    assert ended.err.splitlines()[1:] == ["[blue] #1 GET /jwt -> 200  [assumed: token_lifetime]"]


@pytest.mark.parametrize("options", [(), ("--fault", "ask_ai:status=503")], ids=" ".join)
def test_the_report_of_a_failure_without_requests_names_the_likely_causes(options: tuple[str, ...]) -> None:
    lines = execute(PYTHON, "-c", "raise SystemExit(3)", options=options).err.splitlines()

    assert lines[0] == "mock-heidi: the command ended with status 3; the report of its server:"
    assert lines[1].startswith("no requests; a client finds this server by HEIDI_BASE_URL. ")
    assert "pytest reports the requests of its fixture mock_heidi" in lines[1]
    assert [line.partition(" ")[0] for line in lines[2:]] == ["fault-1"] * len(options[1:])


# A finding of level info, and one of level warning.
WITH_KEY = "client.headers['Heidi-Api-Key'] = heidi.api_key; client.get('/sessions/1234567890')"
WITH_MORE = "client.get('/sessions/1234567890?all=1')"


@pytest.mark.parametrize(
    ("code", "level", "codes"),
    [
        (WITH_KEY, "info", ["key_with_token"]),
        (WITH_KEY, "warning", []),
        (f"{WITH_MORE}; {WITH_KEY}", "info", ["unknown_parameter", "key_with_token"]),
        (f"{WITH_MORE}; {WITH_KEY}", "warning", ["unknown_parameter"]),
        (WITH_MORE, "error", []),
    ],
)
@pytest.mark.parametrize("namespace", ["", "/ns/blue"])
def test_findings_of_a_level_or_above_fail_a_command_that_succeeds(
    code: str, level: str, codes: list[str], namespace: str
) -> None:
    ended = execute(PYTHON, "-c", CLIENT.format(namespace) + code, options=("--fail-on", level))

    heading = f"mock-heidi: the command succeeded, but there are findings (--fail-on {level}):"
    lines = ended.err.replace("[blue] ", "").splitlines()
    assert (ended.status, lines[:1]) == ((3, [heading]) if codes else (0, []))
    assert [line.split()[1].rstrip(":") for line in lines[1:]] == codes


def test_no_finding_can_control_the_terminal() -> None:
    code = CLIENT.format("") + WITH_MORE.replace("all", "%1b%5b2J")
    ended = execute(PYTHON, "-c", code, options=("--fail-on", "info"))

    assert "\\x1b[2J" in ended.err
    assert "\x1b" not in ended.err


UNUSED: Any = SimpleNamespace(unfired=list, control=lambda *_: {"namespaces": [{"counts": {"requests": 1}}]})


@pytest.mark.parametrize("error", [MockHeidiError("GET /findings: no"), NoAnswerError("no answer")], ids=repr)
@pytest.mark.parametrize(("status", "ends_with"), [(0, 3), (7, 7)])
def test_a_server_that_does_not_answer_is_reported_in_one_line(
    error: Exception, status: int, ends_with: int, capsys: pytest.CaptureFixture[str]
) -> None:
    def used() -> Iterator[Handle]:
        raise error
        yield

    ran = child_process.Ended(status, interrupted=False)
    ended = exec_module.final_status(ran, UNUSED, used(), "error", quiet=False)

    assert ended == ends_with
    assert f"cannot ask the server: {error}" in capsys.readouterr().err


def test_findings_do_not_fail_a_command_by_default() -> None:
    assert execute(PYTHON, "-c", CLIENT.format("") + WITH_MORE) == (0, "", "")


def test_a_failed_command_keeps_its_status_in_spite_of_findings() -> None:
    code = f"{CLIENT.format('')} {WITH_MORE}; exit(7)"
    ended = run("exec", "--", PYTHON, "-c", code, env={"MOCK_HEIDI_FAIL_ON": "info"})

    assert ended.returncode == 7
    assert "unknown_parameter" in ended.stderr


def test_exec_reads_the_variables_of_serve() -> None:
    code = f"{CLIENT.format('')} print(client.get('/x', headers={{'Origin': 'http://app.test'}}).headers[ALLOWED])"
    allowed = run(
        *("exec", "--", PYTHON, "-c", code.replace("ALLOWED", "'access-control-allow-origin'")),
        env={"MOCK_HEIDI_CORS_ORIGIN": "http://app.test"},
    )
    refused = run("exec", "--", PYTHON, "-c", "print('it runs')", env={"MOCK_HEIDI_PACE": "slow"})

    assert allowed.stdout == "http://app.test\n"
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith("mock-heidi: pace: 'slow' ")


def test_an_address_for_other_machines_gives_a_warning() -> None:
    ended = execute(PYTHON, "-c", "pass", options=("--host", "0.0.0.0"))  # noqa: S104 - the subject of the test

    assert ended == (0, "", "warning: 0.0.0.0 can be reached from other machines\n")


def test_exec_serves_with_the_key_that_a_client_has() -> None:
    asked = "import os; print(os.environ['HEIDI_API_KEY'], os.environ['MOCK_HEIDI_API_KEY'])"

    ended = run("exec", "--api-key", "sesame-seeds", "--", sys.executable, "-c", asked)

    assert (ended.returncode, ended.stdout) == (0, "sesame-seeds sesame-seeds\n")


def test_a_fault_that_never_fired_is_reported_after_a_success() -> None:
    rule = ("--fault", "ask_ai:end_after=1")
    ended, quiet = execute(PYTHON, "-c", "", options=rule), execute(PYTHON, "-c", "", options=(*rule, "--quiet"))

    assert (ended.status, quiet) == (0, Ended(0, "", ""))
    assert "these faults never fired:\nfault-1 (operation=ask_ai, end_after=1) never fired" in ended.err
