"""``mock-heidi compare``: its report, its file, its exit status, and its errors."""

import contextlib
import json
import re
import sys
from pathlib import Path

import pytest
from clients import NOON, Client
from har_files import Recorder, archive
from helpers import SESSION, another
from running import call, run

from mock_heidi import create_app
from mock_heidi.base.assumptions import choosable
from mock_heidi.comparing import report
from mock_heidi.fixtures.assumption_file import chosen_assumptions


@pytest.fixture
def har(tmp_path: Path) -> Path:
    """A recording that settles two assumptions, contradicts one, and has a new field and one that never comes."""
    recorder = Recorder()
    app = create_app(clock=NOON, assume={"missing_token": 403})
    with contextlib.closing(Client(app)) as client, recorder.recording(client):
        for _ in range(3):
            client.get("/patient-profiles", signed=False)
        client.post("/_mock/faults", json={"operation": "get_session", "rename_key": {"session.duration": "length"}})
        client.get(f"/sessions/{SESSION}")
        for status in (404, 400):
            client.put("/_mock/assumptions", json={"profile_not_found": status})
            client.get("/patient-profiles/ffffffffffffffffffffffff")
        client.post("/patient-profiles", json={"gender": "unknown"})
    return recorder.write(tmp_path / "traffic.har")


def test_the_report_says_what_is_settled_and_what_differs(har: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = call("compare", str(har))

    said = re.sub(r"about \d+ other", "about N other", capsys.readouterr().out)
    assert (status, said) == (
        0,
        """8 exchanges with the Heidi API

Settled, and different from the mock:
  missing_token=403, seen 3 times
  --assume missing_token=403

Settled, as the mock has it:
  validation_errors=pydantic2, seen once
  token_lifetime=3600, seen once
  session_gist=absent, seen once

Contradicted, more than one value was seen:
  profile_not_found: 404 once, 400 once

Narrowed down:
  gender_case: any_case or exact, seen once

New fields:
  get_session 200, session.length: integer, in 1 of 1 answer

Fields that never came:
  get_session, session.duration: in none of 1 object

This traffic tells nothing about N other assumptions; --json names them.
""",
    )


def test_traffic_of_others_alone_gives_a_hint(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "traffic.har"
    other = {"request": {"method": "GET", "url": "https://shop.example/cart"}, "response": {"status": 200}}
    path.write_text(json.dumps(archive([other])), encoding="utf-8")

    assert call("compare", str(path), "--fail-if-differs") == 0

    assert capsys.readouterr().out == (
        "0 exchanges with the Heidi API, 1 other request ignored\n"
        "No path ends like one of the API's; mock-heidi routes lists them. Record requests of your client.\n"
    )


def test_json_says_the_same(har: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("compare", str(har), "--json") == 0

    made = json.loads(capsys.readouterr().out)
    assert made["exchanges"] == 8
    assert made["drifted"] is True
    assert made["settled"][0] == {
        "name": "missing_token",
        "value": 403,
        "mock": 401,
        "seen": 3,
        "assume": "missing_token=403",
    }
    assert made["contradicted"] == [
        {"name": "profile_not_found", "seen": [{"value": 404, "seen": 1}, {"value": 400, "seen": 1}]}
    ]
    assert made["narrowed"] == [{"name": "gender_case", "values": ["any_case", "exact"], "seen": 1}]
    assert [one["place"] for one in made["new_fields"]] == ["session.length"]
    assert made["absent_fields"] == [
        {"operation": "get_session", "place": "session.duration", "required": True, "objects": 1}
    ]
    assert made["differences"] == []
    told = {one["name"] for part in ("settled", "contradicted", "narrowed") for one in made[part]}
    assert set(made["open"]) == set(choosable()) - told - set(report.undecidable())


def test_the_file_is_what_serve_reads(har: Path, tmp_path: Path) -> None:
    folder = tmp_path / "clinic"
    folder.mkdir()

    for _ in range(2):  # it replaces its own file
        assert call("compare", str(har), "--output", str(folder / "assumptions.yaml")) == 0

    assert chosen_assumptions(str(folder)) == {"missing_token": 403}
    text = (folder / "assumptions.yaml").read_text("utf-8")
    assert "# token_lifetime: 3600  # seen once\n" in text
    assert "# contradicted: profile_not_found: 404 once, 400 once\n" in text


def test_a_file_of_defaults_chooses_nothing(tmp_path: Path) -> None:
    recorder = Recorder()
    with another() as client, recorder.recording(client):
        client.get("/patient-profiles", signed=False)
    path = recorder.write(tmp_path / "traffic.har")

    assert call("compare", str(path), "--output", str(tmp_path / "assumptions.yaml")) == 0

    assert chosen_assumptions(str(tmp_path)) == {}


@pytest.mark.parametrize(("options", "status"), [((), 0), (("--fail-if-differs",), 3)])
def test_the_exit_status_tells_drift_if_asked(har: Path, options: tuple[str, ...], status: int) -> None:
    assert call("compare", str(har), *options) == status


def test_traffic_is_compared_with_the_mock_of_a_fixture_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recorder = Recorder()
    app = create_app(clock=NOON, assume={"missing_token": 403, "session_gist": "present"})
    with contextlib.closing(Client(app)) as client, recorder.recording(client):
        client.get("/patient-profiles", signed=False)
        client.get(f"/sessions/{SESSION}")
    path, folder = recorder.write(tmp_path / "traffic.har"), tmp_path / "clinic"
    folder.mkdir()
    output = folder / "assumptions.yaml"

    assert call("compare", str(path), "--output", str(output), "--fail-if-differs") == 3
    assert call("compare", str(path), "--fixtures", str(folder), "--fail-if-differs") == 0
    assert "Settled, as the mock has it:\n  missing_token=403, seen once\n" in capsys.readouterr().out

    assert (
        call("compare", str(path), "--fixtures", str(folder), "--assume", "missing_token=401", "--fail-if-differs") == 3
    )
    assert "--assume missing_token=403\n" in capsys.readouterr().out


def test_the_file_keeps_the_values_of_the_folder_that_the_traffic_does_not_tell(har: Path, tmp_path: Path) -> None:
    output = tmp_path / "assumptions.yaml"

    assert call("compare", str(har), "--assume", "coding_enabled=refused_403", "--output", str(output)) == 0

    assert chosen_assumptions(str(tmp_path)) == {"missing_token": 403, "coding_enabled": "refused_403"}


def test_no_drift_is_no_failure(tmp_path: Path) -> None:
    recorder = Recorder()
    with another() as client, recorder.recording(client):
        client.get(f"/sessions/{SESSION}")

    assert call("compare", str(recorder.write(tmp_path / "traffic.har")), "--fail-if-differs") == 0


def test_several_files_are_one_recording(har: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("compare", str(har), str(har), "--json") == 0

    assert json.loads(capsys.readouterr().out)["settled"][0]["seen"] == 6


def test_a_file_of_the_user_is_not_replaced(har: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = tmp_path / "assumptions.yaml"
    own.write_text("gender_case: exact\n", encoding="utf-8")

    status = call("compare", str(har), "--output", str(own))

    said = f"mock-heidi: {own} exists and is not from mock-heidi compare; give another name\n"
    assert (status, capsys.readouterr().err) == (1, said)
    assert own.read_text("utf-8") == "gender_case: exact\n"


@pytest.mark.parametrize(
    ("args", "status", "said"),
    [
        (("none.har",), 1, "cannot read none.har: No such file or directory; give the path of a HAR file"),
        (("traffic.har", "--assume", "a"), 1, "--assume: 'a' is not a choice; write it like gender_case=exact"),
        (
            ("traffic.har", "--fixtures", "none"),
            1,
            "--fixtures: none is not a folder; give a folder with the file assumptions.yaml",
        ),
        ((), 2, "Missing argument 'FILE…'. (see mock-heidi compare --help)"),
        (("notes.txt",), 1, "notes.txt is not a HAR file: it is not JSON; record the traffic again and save it as HAR"),
        (
            ("traffic.har", "--output", "none/assumptions.yaml"),
            1,
            "cannot write none/assumptions.yaml: No such file or directory; give a file in a folder that exists",
        ),
    ],
)
def test_a_mistake_is_one_line_with_its_cure(
    har: Path, args: tuple[str, ...], status: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (har.parent / "notes.txt").write_text("GET /sessions", encoding="utf-8")

    with contextlib.chdir(har.parent):
        assert call("compare", *args) == status

    assert capsys.readouterr().err == f"mock-heidi: {said}\n"


def test_progress_is_shown_on_a_terminal_and_the_report_stays_the_same(
    har: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    call("compare", str(har))
    plain = capsys.readouterr()
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)

    call("compare", str(har))

    shown = capsys.readouterr()
    assert (plain.err, shown.out) == ("", plain.out)
    assert re.search(r"comparing .*100%", shown.err)


@pytest.mark.parametrize("command", [["compare", "--help"], ["--help"], ["requests", "--help"]], ids=" ".join)
def test_help_imports_nothing_of_it(command: list[str]) -> None:
    code = (
        "import sys\nfrom mock_heidi.cli.main import main\n"
        f"try: main({command!r})\n"
        "finally: print([name for name in sys.modules if 'comparing' in name], file=sys.stderr)"
    )
    ended = run("-c", code, command=(sys.executable,))

    assert (ended.returncode, ended.stderr) == (0, "[]\n")


def test_help_shows_examples_and_what_cannot_be_settled() -> None:
    ended = run("compare", "--help")

    assert "mock-heidi compare traffic.har --output clinic/assumptions.yaml\n" in ended.stdout
    assert [name for name in report.undecidable() if f"{name}: " not in ended.stdout] == []
