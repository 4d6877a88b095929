"""``--export-on-exit``: a server leaves its state as fixtures for the next one, whole or not at all."""

import os
import signal
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from consultations import Clinic, clinic, live_through
from running import Running, call, run, serving, until

from mock_heidi import create_app
from mock_heidi.base.settings import ConfigError
from mock_heidi.cli import state_file
from mock_heidi.fixtures.loader import load
from mock_heidi.state.patient_records import PatientProfile
from mock_heidi.state.store import Store

EMPTY = create_app(fixtures="empty").registry.default
PATIENT = "patient_profiles:\n- {first_name: Ada}\n"
# A command for exec that adds a patient to the state.
ADDS = (
    "import os; from mock_heidi import Handle; heidi = Handle(os.environ['MOCK_HEIDI_URL']);"
    "heidi.state.add_patient(first_name='Ben');"
)


def names(file: Path) -> list[str | None]:
    return [patient.first_name for patient in Store(load(file)).all(PatientProfile)]


def add_patient(heidi: Running, name: str, namespace: str = "") -> None:
    assert heidi.ask("POST", f"{namespace}/_mock/state", {"patient_profiles": [{"first_name": name}]})[0] == 200


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A file with one patient."""
    file = tmp_path / "saved.yaml"
    file.write_text(PATIENT, encoding="utf-8")
    return file


# --- What survives ----------------------------------------------------------------------------------------------------


def reads(client: Clinic) -> list[object]:
    """The answers of all operations that read, for the session that the client made last."""
    sessions = client.json("GET", "/sessions/linked-user?page_size=100")["sessions"]
    of_session = ("", "/transcript", "/transcript/live", "/context-documents", "/documents", "/clinical-codes")
    paths = [f"/sessions/{row['session_id']}{end}" for row in sessions for end in of_session]
    return [client.json("GET", path) for path in ("/users/linked-account/access", "/patient-profiles", *paths)]


def test_everything_that_a_client_makes_survives_a_restart(tmp_path: Path) -> None:
    args = ("--fixtures", "saved.yaml", "--export-on-exit", "saved.yaml")
    with serving(tmp_path, *args) as first, clinic(first.url) as client:
        live_through(client)
        before, state = reads(client), first.ask("GET", "/_mock/state")[2]
        token = client.headers
        assert first.end() == 0

    with serving(tmp_path, *args) as second, clinic(second.url) as client:
        client.headers = token

        assert second.ask("GET", "/_mock/state")[2] == state
        assert reads(client) == before


def test_a_second_restart_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "saved.yaml"
    args = ("--fixtures", "saved.yaml", "--export-on-exit", "saved.yaml")
    texts = []
    for _ in range(2):
        with serving(tmp_path, *args) as heidi:
            assert heidi.end() == 0
        texts.append(file.read_bytes())

    assert texts[0] == texts[1]


def test_a_value_that_an_assumption_allows_survives_with_it(tmp_path: Path) -> None:
    file, assume = tmp_path / "saved.yaml", {"gender_case": "any_text"}
    patients = {"patient_profiles": [{"first_name": "Ada", "gender": "unknown"}]}

    state_file.write(file, create_app(fixtures=patients, assume=assume).registry.default)

    [patient] = Store(load(file, assume=assume)).all(PatientProfile)
    assert str(patient.gender) == "unknown"


def test_only_the_default_namespace_is_written(tmp_path: Path, saved: Path) -> None:
    with serving(tmp_path, "--fixtures", str(saved), "--export-on-exit", str(saved)) as heidi:
        add_patient(heidi, "Ben")
        add_patient(heidi, "Cleo", "/ns/blue")
        assert heidi.end() == 0

    assert names(saved) == ["Ada", "Ben"]


# --- When it is written -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_sigterm_write_the_file(number: signal.Signals, tmp_path: Path, saved: Path) -> None:
    with serving(tmp_path, "--fixtures", str(saved), MOCK_HEIDI_EXPORT_ON_EXIT=str(saved)) as heidi:
        add_patient(heidi, "Ben")
        heidi.end(number)

    assert names(saved) == ["Ada", "Ben"]


def test_a_killed_server_leaves_the_old_file(tmp_path: Path, saved: Path) -> None:
    with serving(tmp_path, "--fixtures", str(saved), "--export-on-exit", str(saved)) as heidi:
        add_patient(heidi, "Ben")
        heidi.end(signal.SIGKILL)

    assert saved.read_text(encoding="utf-8") == PATIENT


@pytest.mark.parametrize("status", [0, 4])
def test_exec_writes_the_file_however_its_command_ends(status: int, saved: Path) -> None:
    code = f"{ADDS} raise SystemExit({status})"

    ended = run(
        "exec", "--quiet", "--fixtures", str(saved), "--export-on-exit", str(saved), "--", sys.executable, "-c", code
    )

    assert (ended.returncode, names(saved)) == (status, ["Ada", "Ben"])


def test_exec_writes_no_file_for_a_command_that_never_ran(saved: Path) -> None:
    ended = run("exec", "--export-on-exit", str(saved), "--", "no-such-command-7f")

    assert (ended.returncode, saved.read_text(encoding="utf-8")) == (127, PATIENT)


# --- All or nothing ---------------------------------------------------------------------------------------------------


def break_the_folder(file: Path) -> None:
    file.unlink()
    file.parent.rmdir()


def break_the_file(file: Path) -> None:
    file.unlink()
    file.mkdir()


@pytest.mark.parametrize("breaking", [break_the_folder, break_the_file])
def test_a_failure_is_one_line_and_a_status(tmp_path: Path, breaking: Callable[[Path], None]) -> None:
    file = tmp_path / "kept" / "saved.yaml"
    file.parent.mkdir()
    file.write_text(PATIENT, encoding="utf-8")

    with serving(tmp_path, "--fixtures", str(file), "--export-on-exit", str(file)) as heidi:
        breaking(file)
        status = heidi.end()

    [line] = heidi.errors().splitlines()
    assert status == 1
    assert line.startswith(f"mock-heidi: --export-on-exit: cannot write {file}: ")


@pytest.mark.parametrize(("own", "final"), [(0, 1), (4, 4)])
def test_a_failure_of_exec_is_one_line_and_keeps_the_status_of_a_failed_command(
    tmp_path: Path, own: int, final: int
) -> None:
    folder = tmp_path / "kept"
    folder.mkdir()
    file = folder / "saved.yaml"

    code = f"import os; os.rmdir({str(folder)!r}); raise SystemExit({own})"
    ended = run("exec", "--quiet", "--export-on-exit", str(file), "--", sys.executable, "-c", code)

    [line] = ended.stderr.splitlines()
    assert ended.returncode == final
    assert line.startswith(f"mock-heidi: --export-on-exit: cannot write {file}: ")


def test_a_state_that_is_no_fixture_set_is_not_written(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mock_heidi.fixtures.export.rows_by_kind", lambda _: {"sessions": iter([{"nonsense": 1}])})

    with pytest.raises(ConfigError, match=r"the state is not a fixture set: .*unknown field"):
        state_file.write(saved, EMPTY)

    assert saved.read_text(encoding="utf-8") == PATIENT
    assert list(saved.parent.iterdir()) == [saved]


def test_a_broken_write_leaves_the_old_file_and_no_other(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(ConfigError, match="No space left on device"):
        state_file.write(saved, EMPTY)

    assert saved.read_text(encoding="utf-8") == PATIENT
    assert list(saved.parent.iterdir()) == [saved]


@pytest.mark.skipif(sys.platform == "win32", reason="there files have no such modes")
def test_the_file_keeps_its_mode_and_a_link_stays_a_link(saved: Path) -> None:
    saved.chmod(0o600)
    link = saved.with_name("link.yaml")
    link.symlink_to(saved)

    state_file.write(link, EMPTY)

    assert link.is_symlink()
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600
    assert names(saved) == []


# --- The first start, and mistakes ------------------------------------------------------------------------------------


def test_the_first_start_begins_with_the_packaged_set(tmp_path: Path) -> None:
    file = tmp_path / "saved.yaml"
    with serving(tmp_path, "--fixtures", "saved.yaml", "--export-on-exit", str(file)) as heidi:
        until(lambda: "(packaged)" in heidi.output(), "the banner")
        assert heidi.end() == 0

    assert names(file) == [patient.first_name for patient in Store(load()).all(PatientProfile)]


def test_another_missing_file_of_fixtures_is_still_a_mistake(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    args = ("--fixtures", str(tmp_path / "clinic.yaml"), "--export-on-exit", str(tmp_path / "saved.yaml"))

    assert call("serve", "--port", "0", *args) == 1
    assert "clinic.yaml: No such file or directory" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "line"),
    [
        (".", "--export-on-exit: {path} is a folder; give a file, such as saved.yaml"),
        (
            "none/saved.yaml",
            "--export-on-exit: cannot write into {folder}/none; give a file in a folder that you can write to",
        ),
    ],
)
@pytest.mark.parametrize("command", [("serve", "--port", "0"), ("exec",)])
def test_a_file_that_can_never_be_written_is_a_mistake_at_the_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: tuple[str, ...], name: str, line: str
) -> None:
    path = tmp_path / name
    rest = () if command[0] == "serve" else ("--", "true")

    assert call(*command, "--export-on-exit", str(path), *rest) == 1
    assert capsys.readouterr().err == f"mock-heidi: {line.format(path=path, folder=tmp_path)}\n"
