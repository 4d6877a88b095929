"""``--watch``: the fixtures of a running server follow their files."""

import sys
from pathlib import Path
from typing import Any

import pytest
from running import Running, call, run, serving, until

from mock_heidi.base.settings import BASE_PATH

ADA = "- first_name: Ada\n  last_name: Example\n"
BEN = ADA.replace("Ada", "Ben")


@pytest.fixture
def clinic(tmp_path: Path) -> Path:
    """A folder of fixtures with one patient."""
    folder = tmp_path / "clinic"
    folder.mkdir()
    write(folder, ADA)
    return folder


def write(folder: Path, text: str, name: str = "patient_profiles.yaml") -> None:
    """Save a file as many editors do: under another name, which is then renamed."""
    part = folder / f"{name}~"
    part.write_text(text, encoding="utf-8")
    part.replace(folder / name)


def first_names(heidi: Running, namespace: str = "") -> list[str]:
    _, _, state = heidi.ask("GET", f"{namespace}/_mock/state")
    return [row["first_name"] for row in state["patient_profiles"]]


def line(heidi: Running, beginning: str) -> str:
    """The last line of standard error, once it begins so."""

    def last() -> str:
        lines = heidi.errors().splitlines()
        return lines[-1] if lines and lines[-1].startswith(f"mock-heidi: {beginning}") else ""

    return until(last, f"the line {beginning!r}")


@pytest.mark.parametrize("how", [{"args": ("--watch",)}, {"variables": {"MOCK_HEIDI_WATCH": "1"}}])
def test_a_good_set_replaces_the_state_that_no_client_has_changed(
    tmp_path: Path, clinic: Path, how: dict[str, Any]
) -> None:
    with serving(tmp_path, "--fixtures", "clinic", *how.get("args", ()), **how.get("variables", {})) as heidi:
        assert heidi.sign_in()[0] == 200
        heidi.ask("POST", "/ns/red/_mock/state", {"patient_profiles": [{"first_name": "Cleo"}]})
        write(clinic, BEN)

        assert line(heidi, "clinic has changed") == (
            "mock-heidi: clinic has changed; new state: default; changed by a client, so new only after a reset: red"
        )
        assert (first_names(heidi), first_names(heidi, "/ns/red")) == (["Ben"], ["Ada", "Cleo"])
        assert heidi.end() == 0


def test_a_broken_set_is_one_line_with_file_and_line_and_the_old_set_stays(tmp_path: Path, clinic: Path) -> None:
    with serving(tmp_path, "--fixtures", "clinic", "--watch", "--quiet") as heidi:
        write(clinic, "- first_name: Ben\n- first_nam: Cleo\n- lastname: Cole\n")

        assert line(heidi, "clinic has changed, and the earlier fixtures stay: ") == (
            "mock-heidi: clinic has changed, and the earlier fixtures stay: clinic/patient_profiles.yaml:2: "
            "[1].first_nam: unknown field; did you mean first_name? (and 1 more)"
        )
        assert first_names(heidi) == ["Ada"]
        heidi.ask("POST", "/_mock/reset")
        assert first_names(heidi) == ["Ada"]

        write(clinic, BEN)

        until(lambda: first_names(heidi) == ["Ben"], "the repaired set")
        assert len(heidi.errors().splitlines()) == 1


def test_all_files_of_the_folder_are_watched(tmp_path: Path, clinic: Path) -> None:
    with serving(tmp_path, "--fixtures", "clinic", "--watch") as heidi:
        write(clinic, BEN)
        write(clinic, "- {session_name: Cough}\n", "sessions.yaml")
        write(clinic, "missing_token: 403\n", "assumptions.yaml")

        def have_followed() -> bool:
            _, _, state = heidi.ask("GET", "/_mock/state")
            found = [state["patient_profiles"][0]["first_name"], *[row["session_name"] for row in state["sessions"]]]
            return found == ["Ben", "Cough"] and heidi.ask("GET", f"{BASE_PATH}/sessions/1")[0] == 403

        until(have_followed, "the new set")


def test_a_folder_that_is_away_for_a_while_changes_nothing(tmp_path: Path, clinic: Path) -> None:
    with serving(tmp_path, "--fixtures", "clinic", "--watch") as heidi:
        away = clinic.rename(tmp_path / "away")
        line(heidi, "clinic has changed, and the earlier fixtures stay: fixtures: cannot read clinic")
        assert first_names(heidi) == ["Ada"]

        write(away, BEN)
        away.rename(clinic)

        until(lambda: first_names(heidi) == ["Ben"], "the new set")


def test_the_name_of_the_folder_cannot_control_the_terminal(tmp_path: Path, clinic: Path) -> None:
    odd = clinic.rename(tmp_path / "\x1b[31mclinic")
    with serving(tmp_path, "--fixtures", odd.name, "--watch") as heidi:
        write(odd, BEN)

        assert line(heidi, "\\x1b[31mclinic has changed; new state: default")
        assert r"1 patient profile, 0 sessions (\x1b[31mclinic)" in heidi.output()


def test_faults_that_do_not_fit_are_one_line(tmp_path: Path, clinic: Path) -> None:
    with serving(tmp_path, "--fixtures", "clinic", "--watch", "--fault", "get_session:status=500,id=mine") as heidi:
        write(clinic, "- {id: mine, operation: get_session, status: 503}\n", "faults.yaml")

        assert "there is a rule 'mine' already" in line(heidi, "clinic has changed, and the earlier fixtures stay: ")


def test_one_file_is_watched_and_may_be_the_export_of_the_end(tmp_path: Path) -> None:
    file = tmp_path / "saved.yaml"
    with serving(tmp_path, "--fixtures", "saved.yaml", "--watch", "--export-on-exit", "saved.yaml") as heidi:
        file.write_text("patient_profiles:\n- first_name: Ben\n", encoding="utf-8")
        until(lambda: first_names(heidi) == ["Ben"], "the new file")
        heidi.ask("POST", "/_mock/state", {"patient_profiles": [{"first_name": "Cleo"}]})
        assert heidi.end() == 0

    assert [name for name in ("Ben", "Cleo") if f"first_name: {name}" in file.read_text(encoding="utf-8")] == [
        "Ben",
        "Cleo",
    ]


@pytest.mark.usefixtures("clinic")
def test_exec_watches_too(tmp_path: Path) -> None:
    command = (
        "import os, pathlib; from mock_heidi import Handle; heidi = Handle(os.environ['MOCK_HEIDI_URL'], 'blue');"
        f"pathlib.Path('clinic/patient_profiles.yaml').write_text({BEN!r});"
        "names = lambda: [row['first_name'] for row in heidi.control('GET', '/state')['patient_profiles']]\n"
        "while names() != ['Ben']: pass"
    )

    ended = run("exec", "--quiet", "--fixtures", "clinic", "--watch", "--", sys.executable, "-c", command, cwd=tmp_path)

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


@pytest.mark.parametrize("fixtures", [(), ("--fixtures", "empty")])
@pytest.mark.parametrize("command", [("serve", "--port", "0"), ("exec",)])
def test_without_files_to_watch_it_is_a_mistake(
    capsys: pytest.CaptureFixture[str], command: tuple[str, ...], fixtures: tuple[str, ...]
) -> None:
    rest = () if command[0] == "serve" else ("--", "true")

    assert call(*command, "--watch", *fixtures, *rest) == 1
    assert capsys.readouterr().err == (
        "mock-heidi: --watch: there are no files to watch; give a folder or a file with --fixtures\n"
    )
