"""The command: its output, every flag and its variable, and errors that are one line and never a traceback."""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click
import httpx
import pytest
import yaml
from paths import ROOT
from running import HAS_IPV6, MODULE, SCRIPT, Running, address, call, run, serving, spawn, until
from secure import HAS_TLS, context

from mock_heidi import api
from mock_heidi.base import spec
from mock_heidi.base.assumptions import assumptions
from mock_heidi.base.settings import BASE_PATH, DEFAULT_KEY, VERSION
from mock_heidi.cli import commands
from mock_heidi.cli.main import cli
from mock_heidi.fixtures import files as fixture_files

LOCAL = sorted(cli.commands)
REMOTE = list(commands.COMMANDS)
FLAGS = {option.opts[0]: option for option in cli.commands["serve"].params if isinstance(option, click.Option)}

PATIENT = "- first_name: Ada\n  last_name: Example\n"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("MOCK_HEIDI_"):
            monkeypatch.delenv(name)


@pytest.fixture
def clinic(tmp_path: Path) -> Path:
    """A folder of fixtures with one patient."""
    folder = tmp_path / "clinic"
    folder.mkdir()
    (folder / "patient_profiles.yaml").write_text(PATIENT, encoding="utf-8")
    return folder


# --- Its output -------------------------------------------------------------------------------------------------------


def test_the_banner_has_everything_that_a_client_needs(tmp_path: Path) -> None:
    with serving(tmp_path) as heidi:
        banner = until(lambda: heidi.output() if heidi.output().count("\n") >= 7 else "", "the banner")

        assert banner.splitlines() == [
            f"mock_heidi {VERSION}: the Heidi Open API on this machine",
            f"  base URL       {heidi.base_url}",
            f"  API key        {DEFAULT_KEY}",
            f"  namespaces     {heidi.url}/ns/{{name}}{BASE_PATH}  or the key {DEFAULT_KEY}.{{name}}",
            f"  control API    {heidi.url}/_mock/",
            "  fixtures       2 API keys, 15 patient profiles, 31 sessions (packaged)",
            f"  assumptions    {len(assumptions())}, all at their defaults",
        ]


def test_the_banner_is_printed_when_the_server_listens() -> None:
    with spawn("--port", "0") as process:
        assert process.stdout is not None
        process.stdout.readline()
        base_url = process.stdout.readline().decode().split()[-1]
        status = httpx.get(f"{base_url}/jwt").status_code
        process.terminate()

        assert status == 401


def test_quiet_prints_nothing(tmp_path: Path) -> None:
    with serving(tmp_path, "--quiet") as heidi:
        heidi.sign_in()

        assert heidi.end() == 0
        assert heidi.output() == ""
        assert heidi.errors() == ""


def test_an_address_for_other_machines_gives_a_warning_even_with_quiet(tmp_path: Path) -> None:
    with serving(tmp_path, "--quiet", "--host", "0.0.0.0") as heidi:  # noqa: S104 - the warning is about it
        said = until(heidi.errors, "the warning")

        assert said == "warning: 0.0.0.0 can be reached from other machines\n"
        assert heidi.host == "127.0.0.1"


@pytest.mark.parametrize("command", [MODULE, SCRIPT, (*MODULE, "serve"), (*SCRIPT, "serve")], ids=" ".join)
def test_all_ways_to_serve_are_the_same(tmp_path: Path, command: tuple[str, ...]) -> None:
    with serving(tmp_path, "--clock", "2025-01-06T09:00:00", command=command) as heidi:
        status, _, answer = heidi.sign_in()
        banner = until(lambda: heidi.output() if heidi.output().count("\n") >= 7 else "", "the banner")

        assert status == 200
        assert answer["expiration_time"] == "2025-01-06T10:00:00.000Z"
        assert banner.startswith(f"mock_heidi {VERSION}")


def test_module_and_script_are_the_same() -> None:
    by_module, by_script = run("routes", command=MODULE), run("routes", command=SCRIPT)

    assert by_module.returncode == by_script.returncode == 0
    assert by_module.stdout == by_script.stdout


# --- Every flag and its variable --------------------------------------------------------------------------------------


def test_every_flag_has_its_variable() -> None:
    variables = {flag: option.envvar for flag, option in FLAGS.items() if flag != "--help"}

    assert variables == {flag: "MOCK_HEIDI_" + flag[2:].replace("-", "_").upper() for flag in variables}


def test_every_flag_has_a_meaning() -> None:
    assert [flag for flag, option in FLAGS.items() if not option.help] == []


CHOSEN_HOST = "::1" if HAS_IPV6 else "127.0.0.1"

# The value of each flag in the tests below. A new flag needs a line here and one in EFFECTS.
GIVEN: dict[str, tuple[str, ...]] = {
    "--host": (CHOSEN_HOST,),
    "--port": ("PORT", "SECOND PORT"),
    "--tls-name": ("heidi.test", "10.1.2.3") if HAS_TLS else (),
    "--fixtures": ("clinic",),
    "--api-key": ("a-key-of-ours",),
    "--seed": ("7",),
    "--clock": ("2025-01-06T09:00:00",),
    "--pace": ("first=60",),
    "--fault": ("get_account_access:status=503,times=1", "GET /templates/document-*:status=502"),
    "--scenario": ("link-refused",),
    "--assume": ("profile_not_found=400", "missing_token=403"),
    "--strict": ("1",),
    "--no-request-faults": ("1",),
    "--no-provenance": ("1",),
    "--max-upload": ("1",),
    "--memory": ("3",),
    "--proxy": ("1",) if HAS_TLS else (),
    "--allowed-host": ("heidi.test", "mock.test"),
    "--admin-origin": ("http://tool.test", "http://page.test"),
    "--admin-token": ("let-me-in-91c4",),
    "--cors-origin": ("http://app.test", "http://web.test"),
    "--cors-header": ("X-Tenant", "X-Own"),
    "--cors-credentials": ("1",),
    "--coverage": ("1",),
    "--journal": ("masked",),
    "--url-file": ("own.url",),
    "--log-level": ("warning",),
    "--quiet": (),
    "--export-on-exit": (),
    "--watch": (),
}


# The value "1" is only for their variables.
SWITCHES = ("--strict", "--no-request-faults", "--no-provenance", "--coverage", "--cors-credentials", "--proxy")


class Told:
    """A server with all of GIVEN except ``--quiet``, by flags or by variables."""

    def __init__(self, heidi: Running, ports: list[str], folder: Path) -> None:
        self.heidi, self.ports, self.folder = heidi, ports, folder
        heidi.always = {"X-Mock-Admin-Token": GIVEN["--admin-token"][0]}


@pytest.fixture(scope="module", params=["flags", "variables"])
def told(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "clinic").mkdir()
    (folder / "clinic" / "patient_profiles.yaml").write_text(PATIENT, encoding="utf-8")
    given = {flag: list(values) for flag, values in GIVEN.items() if values}
    ports = given["--port"] = [str(free_port()) for _ in GIVEN["--port"]]
    data = str(folder / "data")  # a server says it in the log when it replaces the certificates of another test
    # The value is the file that the helper waits for.
    given["--url-file"] = [str(folder / "heidi.url")]
    if request.param == "flags":
        flags = [word for flag, values in given.items() for value in values for word in (flag, value)]
        flags = [word for at, word in enumerate(flags) if at == 0 or flags[at - 1] not in SWITCHES]
        with serving(folder, *flags, MOCK_HEIDI_PORT="", MOCK_HEIDI_URL_FILE="", XDG_DATA_HOME=data) as heidi:
            yield Told(heidi, ports, folder)
    else:
        # Rules contain blanks.
        marks = {"--fault": ";"}
        variables = {
            f"MOCK_HEIDI_{flag[2:].replace('-', '_').upper()}": marks.get(flag, " ").join(values)
            for flag, values in given.items()
        }
        with serving(folder, XDG_DATA_HOME=data, **variables) as heidi:
            yield Told(heidi, ports, folder)


def host_is_listened_on(told: Told) -> None:
    assert told.heidi.host == CHOSEN_HOST


def ports_are_used(told: Told) -> None:
    assert str(told.heidi.port) == told.ports[0]
    for port in told.ports:
        with socket.create_connection((told.heidi.host, int(port))):
            pass


def names_are_in_the_certificate(told: Told) -> None:
    if not HAS_TLS:
        pytest.skip("the extra tls is not installed")
    trusted = context(str(told.folder / "data" / "mock_heidi" / "ca.pem"))
    for name in GIVEN["--tls-name"]:
        with (
            socket.create_connection((told.heidi.host, told.heidi.port)) as peer,
            trusted.wrap_socket(peer, server_hostname=name) as accepted,
        ):
            assert accepted.version()


def fixtures_are_loaded(told: Told) -> None:
    _, _, state = told.heidi.ask("GET", "/_mock/state")

    assert [patient["first_name"] for patient in state["patient_profiles"]] == ["Ada"]


def api_key_takes_the_place_of_the_first(told: Told) -> None:
    assert told.heidi.sign_in("a-key-of-ours")[0] == 200
    assert told.heidi.sign_in(DEFAULT_KEY)[0] == 401


def seed_is_used(told: Told) -> None:
    _, _, health = told.heidi.ask("GET", "/_mock/health")

    assert health["seed"] == 7


def clock_stands_still(told: Told) -> None:
    _, _, answer = told.heidi.sign_in("a-key-of-ours")

    assert answer["expiration_time"] == "2025-01-06T10:00:00.000Z"


def a_request_can_ask_for_no_fault(told: Told) -> None:
    _, _, answer = told.heidi.sign_in("a-key-of-ours")
    token = f"Bearer {answer['token']}"

    status, _, _ = told.heidi.ask("GET", f"{BASE_PATH}/sessions/1", Authorization=token, X_Mock_Fault="status=418")

    assert status == 404


def answers_do_not_say_where_they_come_from(told: Told) -> None:
    _, headers, _ = told.heidi.ask("GET", f"{BASE_PATH}/sessions/1")

    assert "x-mock-request-id" in headers
    assert "x-mock-provenance" not in headers


def assumptions_hold(told: Told) -> None:
    assert told.heidi.ask("GET", f"{BASE_PATH}/sessions/1")[0] == 403


def allowed_hosts_reach_both_surfaces(told: Told) -> None:
    hosts = ("heidi.test", "mock.test", "other.test")

    assert [told.heidi.ask("GET", "/_mock/health", Host=host)[0] for host in hosts] == [200, 200, 403]
    assert [told.heidi.ask("GET", f"{BASE_PATH}/jwt", Host=host)[0] for host in hosts] == [401, 401, 403]


def admin_origins_reach_the_control_plane(told: Told) -> None:
    origins = ("http://tool.test", "http://page.test", "http://other.test")

    assert [told.heidi.ask("GET", "/_mock/health", Origin=origin)[0] for origin in origins] == [200, 200, 403]


def cors_headers_may_be_sent(told: Told) -> None:
    asked = {"Origin": "http://localhost:3000", "Access_Control_Request_Method": "GET"}
    names = ("x-tenant", "x-own", "x-other")

    statuses = [
        told.heidi.ask("OPTIONS", f"{BASE_PATH}/jwt", **asked, Access_Control_Request_Headers=name)[0] for name in names
    ]

    assert statuses == [200, 200, 400]


def cors_credentials_may_be_sent(told: Told) -> None:
    _, headers, _ = told.heidi.ask("GET", f"{BASE_PATH}/jwt", Origin="http://localhost:3000")

    assert headers["access-control-allow-credentials"] == "true"


def cors_origins_may_read_answers(told: Told) -> None:
    origins = ("http://app.test", "http://web.test", "http://other.test")
    answers = [told.heidi.ask("GET", f"{BASE_PATH}/jwt", Origin=origin)[1] for origin in origins]

    assert [answer.get("access-control-allow-origin") for answer in answers] == [*origins[:2], None]


def url_file_holds_the_base_url(told: Told) -> None:
    assert (told.folder / "heidi.url").read_text(encoding="utf-8") == f"{told.heidi.base_url}\n"


def log_level_hides_the_requests(told: Told) -> None:
    told.heidi.sign_in("a-key-of-ours")

    assert "mock_heidi" in until(told.heidi.output, "the banner")
    assert "get_jwt" not in told.heidi.output()


def quiet_is_tested_alone(told: Told) -> None:
    assert told.heidi.output() != ""


def files_of_fixtures_are_tested_alone(told: Told) -> None:
    """``test_state_file.py`` and ``test_fixture_watch.py``."""
    assert told.heidi.errors() == ""


def streams_keep_the_pace(told: Told) -> None:
    _, _, signed = told.heidi.sign_in("a-key-of-ours")
    bearer = f"Bearer {signed['token']}"
    _, _, session = told.heidi.ask("POST", f"{BASE_PATH}/sessions", Authorization=bearer)
    path = f"{BASE_PATH}/sessions/{session['session_id']}/ask-ai"
    command = {"ai_command_text": "Summarise", "content": "One.", "content_type": "MARKDOWN"}
    _, _, before = told.heidi.ask("GET", "/_mock/clock")

    with ThreadPoolExecutor(1) as threads:
        asked = threads.submit(told.heidi.ask, "POST", path, command, Authorization=bearer)
        # The clock is frozen: the first piece comes after the clock was advanced by a minute.
        until(lambda: told.heidi.ask("POST", "/_mock/clock/advance", {"seconds": 60}) and asked.done(), "the answer")

    _, _, after = told.heidi.ask("PUT", "/_mock/clock", {"now": before["now"]})
    assert asked.result()[::2] == (200, 'data: {"data": "One."}\n\n')
    assert after == before


def faults_shape_answers(told: Told) -> None:
    _, _, signed = told.heidi.sign_in("a-key-of-ours")
    paths = ("users/linked-account/access", "users/linked-account/access", "templates/document-templates")
    answers = [
        told.heidi.ask("GET", f"{BASE_PATH}/{path}", Authorization=f"Bearer {signed['token']}") for path in paths
    ]

    assert [(status, headers.get("x-mock-fault")) for status, headers, _ in answers] == [
        (503, "fault-1"),
        (200, None),
        (502, "fault-2"),
    ]


def scenario_shapes_answers(told: Told) -> None:
    _, _, signed = told.heidi.sign_in("a-key-of-ours")
    status, headers, answer = told.heidi.ask(
        "POST",
        f"{BASE_PATH}/users/linked-account",
        {"kinde_user_id": "kp_xxx"},
        Authorization=f"Bearer {signed['token']}",
    )

    assert (status, answer["detail"]["type"]) == (409, "OpenAPIHeidiAccountAlreadyLinkedError")
    assert headers["x-mock-fault"] == "fault-3"


def larger_uploads_are_refused(told: Told) -> None:
    _, _, signed = told.heidi.sign_in("a-key-of-ours")
    headers = {"Authorization": f"Bearer {signed['token']}"}
    _, _, session = told.heidi.ask("POST", f"{BASE_PATH}/sessions", **headers)
    url = f"{told.heidi.base_url}/sessions/{session['session_id']}/upload-audio"
    sizes = (1_000_000, 1_100_000)

    with httpx.Client(trust_env=False) as client:
        answers = [
            client.post(url, headers=headers, files={"file": ("a.wav", bytes(size), "audio/wav")}) for size in sizes
        ]

    assert [answer.status_code for answer in answers] == [200, 413]


def memory_has_that_ceiling(told: Told) -> None:
    _, _, health = told.heidi.ask("GET", "/_mock/health")

    assert health["memory"]["limit"] == 3 * 1024 * 1024


def admin_token_is_wanted(told: Told) -> None:
    refused, _, _ = told.heidi.ask("GET", "/_mock/health", X_Mock_Admin_Token="another-one")

    assert refused == 403


def undocumented_parameters_are_refused(told: Told) -> None:
    _, _, signed = told.heidi.sign_in("a-key-of-ours")
    bearer = f"Bearer {signed['token']}"
    status, _, _ = told.heidi.ask("GET", f"{BASE_PATH}/patient-profiles?page=1", Authorization=bearer)

    assert status == 422
    assert "  strict mode    on: what no page documents is refused\n" in until(told.heidi.output, "the banner")


def coverage_is_counted(told: Told) -> None:
    status, _, report = told.heidi.ask("GET", "/_mock/coverage")

    assert (status, report["points"] > 0) == (200, True)


def proxy_opens_tunnels(told: Told) -> None:
    with socket.create_connection((CHOSEN_HOST, int(told.ports[0])), timeout=60) as peer:
        peer.sendall(b"CONNECT au.api.heidihealth.com:443 HTTP/1.1\r\n\r\n")

        assert peer.recv(12) == (b"HTTP/1.1 200" if HAS_TLS else b"HTTP/1.1 502")


def journal_is_masked(told: Told) -> None:
    told.heidi.ask("GET", f"{BASE_PATH}/sessions/1234567890?page=12")

    _, _, answer = told.heidi.ask("GET", "/_mock/requests")
    assert [row["query"] for row in answer["requests"]][-1:] == [{"page": "<2 characters>"}]


EFFECTS: dict[str, Callable[[Told], None]] = {
    "--host": host_is_listened_on,
    "--port": ports_are_used,
    "--tls-name": names_are_in_the_certificate,
    "--fixtures": fixtures_are_loaded,
    "--api-key": api_key_takes_the_place_of_the_first,
    "--seed": seed_is_used,
    "--clock": clock_stands_still,
    "--pace": streams_keep_the_pace,
    "--fault": faults_shape_answers,
    "--scenario": scenario_shapes_answers,
    "--assume": assumptions_hold,
    "--strict": undocumented_parameters_are_refused,
    "--max-upload": larger_uploads_are_refused,
    "--no-request-faults": a_request_can_ask_for_no_fault,
    "--no-provenance": answers_do_not_say_where_they_come_from,
    "--proxy": proxy_opens_tunnels,
    "--allowed-host": allowed_hosts_reach_both_surfaces,
    "--admin-origin": admin_origins_reach_the_control_plane,
    "--admin-token": admin_token_is_wanted,
    "--cors-origin": cors_origins_may_read_answers,
    "--cors-header": cors_headers_may_be_sent,
    "--cors-credentials": cors_credentials_may_be_sent,
    "--memory": memory_has_that_ceiling,
    "--coverage": coverage_is_counted,
    "--journal": journal_is_masked,
    "--url-file": url_file_holds_the_base_url,
    "--log-level": log_level_hides_the_requests,
    "--quiet": quiet_is_tested_alone,
    "--export-on-exit": files_of_fixtures_are_tested_alone,
    "--watch": files_of_fixtures_are_tested_alone,
}


@pytest.mark.parametrize("flag", [flag for flag in FLAGS if flag != "--help"])
def test_flag_and_variable_have_their_effect(told: Told, flag: str) -> None:
    EFFECTS[flag](told)


def test_the_variable_of_quiet_prints_nothing_too(tmp_path: Path) -> None:
    with serving(tmp_path, MOCK_HEIDI_QUIET="1") as heidi:
        heidi.sign_in()

        assert heidi.end() == 0
        assert heidi.output() == ""


def test_a_flag_wins_over_its_variable(tmp_path: Path) -> None:
    with serving(tmp_path, "--seed", "3", MOCK_HEIDI_SEED="4") as heidi:
        _, _, health = heidi.ask("GET", "/_mock/health")

        assert health["seed"] == 3


def test_fixtures_can_be_empty(tmp_path: Path) -> None:
    with serving(tmp_path, "--fixtures", "empty") as heidi:
        _, _, state = heidi.ask("GET", "/_mock/state")

        assert (state["patient_profiles"], state["sessions"]) == ([], [])
        assert heidi.sign_in()[0] == 200


def test_the_url_file_is_removed_when_the_server_ends(tmp_path: Path) -> None:
    url_file = tmp_path / "heidi.url"
    url_file.write_text("of a server that was killed", encoding="utf-8")

    with serving(tmp_path) as heidi:
        assert url_file.read_text(encoding="utf-8") == f"{heidi.base_url}\n"
        assert heidi.end() == 0

    assert not url_file.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["stderr", "stdout"]


def test_the_url_file_of_a_newer_server_stays(tmp_path: Path) -> None:
    url_file = tmp_path / "heidi.url"
    with serving(tmp_path) as first:
        url_file.unlink()
        with serving(tmp_path) as second:
            assert first.end() == 0
            assert url_file.read_text(encoding="utf-8") == f"{second.base_url}\n"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_the_url_file_of_a_killed_server_is_removed_before_the_fixtures_are_read(tmp_path: Path, clinic: Path) -> None:
    url_file, sessions = tmp_path / "heidi.url", clinic / "sessions.yaml"
    with serving(tmp_path) as killed:
        assert killed.end(signal.SIGKILL) == -signal.SIGKILL
    assert url_file.exists()
    os.mkfifo(sessions)  # a reader waits for a writer

    def opened() -> int:
        with contextlib.suppress(OSError):  # there is no reader yet
            return os.open(sessions, os.O_WRONLY | os.O_NONBLOCK)
        return 0

    with spawn("--port", "0", "--fixtures", str(clinic), "--url-file", str(url_file)) as process:
        try:
            writer = until(opened, "the reading of the fixtures")
            left = url_file.exists()
        finally:
            process.kill()
    os.close(writer)

    assert not left


# --- The other commands -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", LOCAL)
@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_every_command_explains_itself(capsys: pytest.CaptureFixture[str], command: str, flag: str) -> None:
    assert call(command, flag) == 0
    assert capsys.readouterr().out.startswith(f"Usage: mock-heidi {command} ")


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("--help") == 0
    assert re.findall(r"^  (\w+) {2,}[A-Z]", capsys.readouterr().out, re.MULTILINE) == [*LOCAL, *REMOTE]


def test_help_cuts_no_sentence_on_a_narrow_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--help"], terminal_width=80)

    commands = capsys.readouterr().out.partition("Commands:\n")[2].splitlines()
    assert len(commands) == len([*LOCAL, *REMOTE])
    assert [line for line in commands if line.endswith("...") or not line.endswith(".")] == []


def test_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("--version") == 0
    assert capsys.readouterr().out == f"mock-heidi {VERSION}\n"


def test_validate_counts_the_records(capsys: pytest.CaptureFixture[str], clinic: Path) -> None:
    assert call("validate", str(clinic)) == 0
    assert capsys.readouterr().out == f"{clinic}: 2 API keys, 1 patient profile, 0 sessions: all good\n"


def test_the_name_of_a_good_folder_cannot_control_the_terminal(
    capsys: pytest.CaptureFixture[str], clinic: Path
) -> None:
    folder = clinic.rename(clinic.with_name("\x1b[31mclinic"))

    assert call("validate", str(folder)) == 0
    assert capsys.readouterr().out.startswith(f"{clinic.parent}/\\x1b[31mclinic: 2 API keys")


def test_validate_without_a_folder_checks_the_packaged_set(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("validate") == 0
    assert capsys.readouterr().out == "packaged set: 2 API keys, 15 patient profiles, 31 sessions: all good\n"


def test_validate_names_every_problem_with_its_line(capsys: pytest.CaptureFixture[str], clinic: Path) -> None:
    file = clinic / "patient_profiles.yaml"
    file.write_text("- gender: male\n  birth_dat: 1990-01-15\n", encoding="utf-8")

    assert call("validate", str(clinic)) == 1
    assert capsys.readouterr().err.splitlines() == [
        (
            f"mock-heidi: {file}:1: [0].gender: Input should be 'MALE', 'FEMALE' or 'OTHER'"
            " (or any text with gender_case=any_text), not 'male'"
        ),
        f"mock-heidi: {file}:2: [0].birth_dat: unknown field; did you mean birth_date?",
    ]


@pytest.fixture
def packaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the packaged set that replaces it."""
    copy = tmp_path / "packaged"
    shutil.copytree(spec.data("fixtures"), copy)
    monkeypatch.setattr(spec, "data", lambda _: copy)
    fixture_files.packaged.cache_clear()
    yield copy
    fixture_files.packaged.cache_clear()


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("templates", "template_category:", "category:"),
        ("transcripts", "id:", "idd:"),
        ("clinical_codes", "primary:", "primry:"),
        ("sessions", "consultation:", "consultation: no-such-thing #"),
    ],
)
def test_validate_also_checks_files_that_are_read_late(
    capsys: pytest.CaptureFixture[str], packaged: Path, name: str, before: str, after: str
) -> None:
    file = packaged / f"{name}.yaml"
    text = re.sub(rf"^(- |  ){before}", rf"\1{after}", file.read_text(encoding="utf-8"), count=1, flags=re.MULTILINE)
    file.write_text(text, encoding="utf-8")

    assert call("validate") == 1
    assert f"mock-heidi: {file}:" in capsys.readouterr().err


def test_routes_lists_every_operation(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("routes") == 0

    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    expected = [
        [method, route.path, route.name]
        for route in api.ROUTES
        for method in sorted((route.methods or set()) - {"HEAD"})
    ]
    assert sorted(rows) == sorted(expected)


def test_openapi_prints_the_contract_byte_by_byte(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert call("openapi") == 0
    assert capfdbinary.readouterr().out == (ROOT / "openapi.yaml").read_bytes()


# --- Mistakes ---------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("no_variables")
@pytest.mark.parametrize(
    ("args", "words", "cure"),
    [
        (("--fixtures", "FOLDER/none"), "cannot read FOLDER/none", "give a folder of YAML files"),
        (("--fixtures", "FOLDER/a-file"), "FOLDER/a-file:1: file: should map kinds", "write a list under each kind"),
        (("--fixtures", "FOLDER/wrong"), "FOLDER/wrong/patients.yaml:1: file", "did you mean patient_profiles?"),
        (("--clock", "noon"), "clock: 'noon' is not a moment", "write it like 2025-01-06T09:00:00"),
        (("--port", "TAKEN"), "port TAKEN on 127.0.0.1 is in use", "choose another with --port, or 0"),
        (("--host", "192.0.2.1"), "cannot listen on 192.0.2.1", "give an address of this machine"),
        (
            ("--url-file", "FOLDER/none/url"),
            "cannot write FOLDER/none/url",
            "give a file in a folder that you can write to",
        ),
        (
            ("--url-file", "FOLDER/a-file/url"),
            "cannot write FOLDER/a-file/url",
            "give a file in a folder that you can write to",
        ),
        (
            ("--fault", "ask_ai:end_aftr=3"),
            "--fault ask_ai:end_aftr=3: unknown field 'end_aftr'",
            "did you mean end_after",
        ),
        (("--fault", "ask_a:end_after=3"), "--fault ask_a:end_after=3: ", "did you mean ask_ai?"),
        (("--fault", "ask_ai:end_after=few"), "--fault ask_ai:end_after=few: end_after", "a whole number from 0"),
        (("--fault", "ask_ai"), "--fault ask_ai: nothing goes wrong", "write it like ask_ai:status=503"),
        (("--fault", '{"status": 503'), '--fault {"status": 503: it is not JSON', 'write it like {"operation": '),
        (("--fault", "status=503", "--fault", "retry_after=x"), "--fault retry_after=x: ", "a number of seconds"),
        (("--fault", "get_jwt:swap=1"), "--fault get_jwt:swap=1: ", "swap is for generate_consult_note, ask_ai"),
        (("--fault", "id=a,status=503", "--fault", "id=a,empty"), "there is a rule 'a' already", "choose another id"),
        (("--scenario", "flaky"), "there is no scenario 'flaky'", "did you mean flaky-afternoon?"),
        (("validate", "FOLDER/none"), "cannot read FOLDER/none", "give a folder of YAML files"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_an_impossible_setting_is_one_line_that_names_the_cure(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, args: tuple[str, ...], words: str, cure: str
) -> None:
    (tmp_path / "a-file").touch()
    (tmp_path / "wrong").mkdir()
    (tmp_path / "wrong" / "patients.yaml").touch()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        names = {"FOLDER": str(tmp_path), "TAKEN": str(taken.getsockname()[1])}

        def named(text: str) -> str:
            return re.sub("FOLDER|TAKEN", lambda match: names[match[0]], text)

        status = call(*(named(arg) for arg in args), *([] if "--port" in args or "validate" in args else ["--port=0"]))

    said = capsys.readouterr()
    assert status == 1
    assert said.out == ""
    assert said.err.startswith("mock-heidi: ")
    assert said.err.count("\n") == 1
    assert named(words) in said.err
    assert cure in said.err


@pytest.mark.usefixtures("no_variables")
@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("--prot", "1"), "--port"),
        (("--port", "many"), "Invalid value for '--port': 'many' is not a valid whole number"),
        (("--port", "65536"), "65536 is not in the range"),
        (("--log-level", "wraning"), "Invalid value for '--log-level': unknown word 'wraning'; did you mean warning?"),
        (("--log-level", "loud"), "unknown word 'loud'; known names are debug, error, info, warning"),
        (("--url-file", "FOLDER"), "is a directory"),
        (("serv",), "unknown command 'serv'; did you mean serve?"),
        (("findngs",), "unknown command 'findngs'; did you mean findings?"),
        (("zzz",), "unknown command 'zzz'; known names are assumptions, audio, "),
        (("fault", "ad"), "unknown command 'ad'; did you mean add?"),
        (("clock", "advnce"), "unknown word 'advnce'; did you mean advance?"),
        (("snapshot", "tke", "a"), "unknown word 'tke'; did you mean take?"),
        (("routes", "--all"), "No such option"),
        (("serve", "now"), "unexpected extra argument"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_wrong_word_is_one_line_and_status_2(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, args: tuple[str, ...], words: str
) -> None:
    assert call(*(arg.replace("FOLDER", str(tmp_path)) for arg in args)) == 2

    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert words in said.err
    assert "--help)" in said.err


def test_a_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("MOCK_HEIDI_PORT", "many")

    assert call() == 2
    assert capsys.readouterr().err.startswith("mock-heidi: Invalid value for MOCK_HEIDI_PORT: 'many' is not")


def test_a_wrong_flag_is_named_without_its_variable(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MOCK_HEIDI_PORT", "4343")

    assert call("--port", "many") == 2
    assert capsys.readouterr().err.startswith("mock-heidi: Invalid value for '--port': 'many' is not")


@pytest.mark.parametrize(("args", "status"), [(("--clock", "noon"), 1), (("--prot", "1"), 2)])
def test_a_mistake_ends_the_real_process_the_same_way(args: tuple[str, ...], status: int) -> None:
    ended = run(*args)

    assert ended.returncode == status
    assert ended.stdout == ""
    assert ended.stderr.count("\n") == 1
    assert "Traceback" not in ended.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("args", [("routes",), ("--port", "0")], ids=" ".join)
def test_a_full_disk_is_one_line(args: tuple[str, ...]) -> None:
    with Path("/dev/full").open("wb") as full:
        ended = run(*args, stdout=full)

    assert ended.returncode == 1
    assert ended.stderr == "mock-heidi: cannot go on: No space left on device\n"


def test_a_closed_pipe_is_not_an_error() -> None:
    with spawn("openapi") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()

        assert process.stderr.read() == b""


@pytest.mark.skipif(sys.platform == "win32", reason="there a signal ends the process")
def test_ctrl_c_while_the_command_is_imported_shows_no_traceback() -> None:
    code = (
        "import os, runpy, signal, sys\n"
        "class Impatient:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'click': os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Impatient())\n"
        "runpy.run_module('mock_heidi', run_name='__main__', alter_sys=True)"
    )
    ended = run("-c", code, command=(sys.executable,))

    assert (ended.returncode, ended.stdout, ended.stderr) == (-signal.SIGINT, "", "")


# --- In another program -----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("no_variables")
@pytest.mark.skipif(sys.platform == "win32", reason="there a signal ends the process")
def test_main_restores_the_signal_handlers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    url_file = tmp_path / "heidi.url"
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    statuses = []

    def visit() -> None:
        # The server in the main thread must end in any case.
        try:
            statuses.append(httpx.get(f"{address(url_file)}/jwt").status_code)
        finally:
            os.kill(os.getpid(), signal.SIGINT)

    visitor = threading.Thread(target=visit)
    visitor.start()
    status = call("--port", "0", "--url-file", str(url_file))
    visitor.join()

    assert (status, statuses) == (0, [401])
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
    assert "401" in capsys.readouterr().out.splitlines()[-1]


def test_incomplete_requests_count_in_the_memory_of_the_server(tmp_path: Path) -> None:
    def memory() -> dict[str, int]:
        return dict(server.ask("GET", "/_mock/health")[2]["memory"])

    with serving(tmp_path, "--memory", "1") as server, contextlib.ExitStack() as held:
        for _ in range(3):
            peer = held.enter_context(socket.create_connection((server.host, server.port), timeout=60))
            peer.sendall(b"GET / HTTP/1.1\r\nX-Filler: " + b"x" * 20_000)
        until(lambda: memory()["used"] > 60_000, "the counting of the heads")

        assert memory()["limit"] == 1024 * 1024


def test_openapi_prints_the_contract_that_holds_under_an_assumption(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert call("openapi", "--assume", "profile_not_found=400") == 0

    printed = capfdbinary.readouterr().out
    paths = yaml.safe_load(printed)["paths"]
    assert b"under these assumptions:\n#   profile_not_found: 400\n" in printed
    assert list(paths["/patient-profiles/{patient_profile_id}"]["get"]["responses"]) == ["200", "400", "401"]


def test_openapi_prints_the_contract_of_strict_mode(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert call("openapi", "--strict") == 0

    paths = yaml.safe_load(capfdbinary.readouterr().out)["paths"]
    assert "422" in paths["/patient-profiles/{patient_profile_id}"]["get"]["responses"]


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        ("gender_cas=exact", "--assume: unknown assumption 'gender_cas'; did you mean gender_case?"),
        ("gender_case=any", "--assume: gender_case: 'any' cannot be chosen; choose any_case, exact or any_text"),
        ("gender_case", "--assume: 'gender_case' is not a choice; write it like gender_case=exact"),
    ],
)
@pytest.mark.parametrize("verb", ["serve", "openapi"])
def test_wrong_assumption_is_one_line(capsys: pytest.CaptureFixture[str], verb: str, typed: str, line: str) -> None:
    assert call(verb, "--assume", typed) == 1
    assert capsys.readouterr().err == f"mock-heidi: {line}\n"


def test_assumptions_lists_every_assumption(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("assumptions") == 0

    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(assumptions())
    assert "profile_not_found                  404                  400" in lines


def test_assumptions_prints_all_that_is_known_of_one(capsys: pytest.CaptureFixture[str]) -> None:
    known = assumptions()["gender_case"]

    assert call("assumptions", "gender_case") == 0

    text = " ".join(capsys.readouterr().out.split())
    assert [part for part in (known.decides, known.why, *known.sources, *known.operations) if part not in text] == []
    assert "default any_case or exact, any_text" in text
    assert f"advice do not count on this: {known.advice}" in text


def test_assumptions_speaks_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("assumptions", "--json", "gender_case") == 0

    assert json.loads(capsys.readouterr().out)["alternatives"] == ["exact", "any_text"]


def test_unknown_assumption_is_one_line_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("assumptions", "gender_cas") == 1

    assert capsys.readouterr().err == "mock-heidi: unknown assumption 'gender_cas'; did you mean gender_case?\n"
