"""The README is true: every block in it is run or compared, and everything that there is stands in it."""

import ast
import json
import os
import re
import shutil
import signal
import sys
import sysconfig
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import click

# pytester forgets what a run inside it has imported first, and what is imported again is another module.
import httpcore  # noqa: F401
import pytest
import yaml
from running import address, run, serving, spawn

import mock_heidi.server  # noqa: F401
from mock_heidi import MockHeidi, admin, errors, filters, findings, verbs
from mock_heidi.assumptions import assumed
from mock_heidi.cli import cli
from mock_heidi.faults import BODY_EFFECTS, EFFECTS, STREAM_EFFECTS, TEXT_FAULTS, Fault, parse
from mock_heidi.handle import Handle
from mock_heidi.operations import CODERS, STREAMS, WRITERS
from mock_heidi.pytest_plugin import _CHECKS, _MARKED, _OPTIONS
from mock_heidi.remote import Clock, Faults, State
from mock_heidi.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BASH = ("bash",)
# The address that the README shows; the servers of these tests are on free ports.
SHOWN = "127.0.0.1:4343"

needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")


class Block(NamedTuple):
    kind: str
    text: str
    line: int


BLOCKS = [
    Block(match[1], match[2], README.count("\n", 0, match.start()) + 1)
    for match in re.finditer(r"^```(\w*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
]


def blocks(kind: str, wanted: Callable[[str], bool] = lambda _: True) -> list[Block]:
    return [block for block in BLOCKS if block.kind == kind and wanted(block.text)]


def is_set_up(text: str) -> bool:
    return "pip install" in text


def is_check(text: str) -> bool:
    return text.strip() == "./check"


def report_of(block: Block) -> list[str]:
    """The report that the README shows right after a Python block: those that have one fail."""
    following = BLOCKS[BLOCKS.index(block) + 1 :][:1]
    shown = [after.text for after in following if after.kind == "text" and after.text.startswith("---")]
    return "".join(shown).splitlines()


def by_line(found: list[Block]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("block", found, ids=lambda block: f"line {block.line}")


def matches(expected: str, said: str) -> bool:
    """Whether that was said; an ellipsis stands for whatever differs from run to run."""
    pattern = ".*?".join(re.escape(part) for part in expected.split("…"))
    return re.fullmatch(pattern, said) is not None


def table(heading: str) -> list[list[str]]:
    """The cells of the rows under a table's heading."""
    rows = README[README.index(heading) :].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


# --- The blocks -------------------------------------------------------------------------------------------------------


def test_every_block_is_of_a_kind_that_is_checked() -> None:
    assert README.count("\n```") == 2 * len(BLOCKS)
    assert {block.kind for block in BLOCKS} == {"sh", "text", "console", "python", "yaml", "toml"}
    assert len(blocks("text")) == 1 + len([block for block in blocks("python") if report_of(block)])
    assert all(block.text.startswith("$ ") for block in blocks("console"))
    assert all("def test_" in block.text for block in blocks("python"))


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What one needs of this repository to install it."""
    folder = tmp_path / "clone"
    for name in ("mock_heidi", "fixtures"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE", "openapi.yaml", "control.yaml"):
        shutil.copy(ROOT / name, folder)
    return folder


@pytest.fixture
def offline(tmp_path: Path) -> dict[str, str]:
    """An environment in which ``python3`` is this one, and pip takes what is needed from here and nothing from afar."""
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "python3").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n', encoding="utf-8")
    (programs / "python3").chmod(0o755)
    return {
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": sysconfig.get_path("purelib"),
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_BUILD_ISOLATION": "0",  # pip's own way to say: do not isolate
        "PIP_NO_DEPS": "1",
        "PIP_NO_INDEX": "1",
    }


@pytest.mark.timeout(300)  # pip builds and installs
@by_line(blocks("sh", is_set_up))
def test_one_command_sets_it_up_and_serves(block: Block, clone: Path, offline: dict[str, str], tmp_path: Path) -> None:
    banner = blocks("text")[0]
    url_file, output = tmp_path / "heidi.url", tmp_path / "output"
    env = {**offline, "MOCK_HEIDI_PORT": "0", "MOCK_HEIDI_URL_FILE": str(url_file)}
    with (
        output.open("wb") as out,
        spawn("-c", block.text, command=BASH, cwd=clone, stdout=out, stderr=out, env=env) as process,
    ):
        try:
            host = address(url_file, unless=lambda: process.poll() is not None).split("/")[2]
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGINT)  # Ctrl-C at a terminal
        process.wait(timeout=60)

    said = output.read_text(encoding="utf-8").replace(host, SHOWN)
    assert said[said.index("mock_heidi 0") :] == banner.text
    assert (clone / ".venv" / "bin" / "mock-heidi").exists()


@by_line(blocks("sh", is_check))
def test_the_command_for_the_tests_is_the_one_of_the_integration(block: Block) -> None:
    # It runs this test too, so it cannot be run from here.
    command = block.text.strip()
    script = (ROOT / "check").read_text(encoding="utf-8")

    assert os.access(ROOT / command, os.X_OK)
    assert (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()[-1] == command
    for tool in ("ruff check", "ruff format --check", "mypy", "lint-imports", "coverage run -m pytest"):
        assert tool in script


@needs_curl
@by_line(blocks("sh", lambda text: not is_set_up(text) and not is_check(text)))
def test_a_script_can_be_copied(block: Block, tmp_path: Path) -> None:
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    ended = run("-euo", "pipefail", "-c", block.text, command=BASH, cwd=tmp_path, env={"PATH": programs})

    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith('{"token":"')


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files of the YAML blocks, named as their first lines say."""
    folder = tmp_path_factory.mktemp("readme")
    for block in blocks("yaml"):
        path = folder / block.text.partition("\n")[0].removeprefix("# ")
        path.parent.mkdir(exist_ok=True)
        path.write_text(block.text, encoding="utf-8")
    return folder


class Command(NamedTuple):
    line: int
    text: str
    expected: str


def commands() -> list[Command]:
    found = []
    for block in blocks("console"):
        for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
            command, _, expected = part.partition("\n")
            found.append(Command(block.line, command, expected.rstrip("\n")))
    return found


@pytest.fixture(scope="module")
def answers(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What each command of the console blocks prints, all typed into one shell, beside a fresh server."""
    end = "-- the end of a command --"
    with serving(tmp_path_factory.mktemp("server")) as heidi:
        host = heidi.url.partition("//")[2]
        script = "exec 2>&1\n" + "".join(
            f"{command.text.replace(SHOWN, host)}\nprintf '\\n%s\\n' '{end}'\n" for command in commands()
        )
        programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        ended = run("-c", script, command=BASH, cwd=folder, env={"PATH": programs})
    return [said.strip("\n") for said in ended.stdout.replace(host, SHOWN).split(end)[:-1]]


@needs_curl
@pytest.mark.parametrize(
    "number", range(len(commands())), ids=lambda number: f"line {commands()[number].line}, command {number}"
)
def test_a_command_prints_what_the_readme_says(answers: list[str], number: int) -> None:
    command = commands()[number]

    assert len(answers) == len(commands())
    assert matches(command.expected, answers[number]), answers[number]


@by_line(blocks("yaml"))
def test_every_fixture_is_validated_by_a_command(block: Block) -> None:
    folder = block.text.removeprefix("# ").partition("/")[0]

    assert f"mock-heidi validate {folder}" in [command.text for command in commands()]


@by_line(blocks("python"))
def test_python_runs_under_pytest(block: Block, pytester: pytest.Pytester) -> None:
    report = report_of(block)
    pytester.makepyfile(block.text)
    result = pytester.runpytest("-W", "error", "--strict-markers")

    assert result.parseoutcomes() == {"failed" if report else "passed": block.text.count("def test_")}
    assert "\n".join(report) in "\n".join(result.outlines)


@by_line(blocks("toml"))
def test_the_configuration_of_pytest_is_understood(block: Block, pytester: pytest.Pytester, folder: Path) -> None:
    shutil.copytree(folder / "clinic", pytester.path / "clinic")
    pytester.makepyprojecttoml(block.text)
    pytester.makepyfile(
        """
        def test_it_is_so(mock_heidi):
            assert [patient["first_name"] for patient in mock_heidi.state.patient_profiles] == ["Ada"]
            assert mock_heidi.control("GET", "/health")["seed"] == 7
            assert mock_heidi.state.add_patient()["created_at"] == "2025-01-06T09:00:00.000000"
            assert mock_heidi.email in [user["email"] for user in mock_heidi.state.users if user.get("linked_to")]
        """
    )

    pytester.runpytest("--strict-config").assert_outcomes(passed=1)


def test_six_lines_are_six_lines() -> None:
    assert blocks("python")[0].text.count("\n") == 6


# --- What must stand in it --------------------------------------------------------------------------------------------


def rows_of(options: Sequence[click.Parameter]) -> list[list[str]]:
    """The rows of a table of flags."""
    rows = []
    for option in options:
        if isinstance(option, click.Option) and option.name != "help":
            default = option.default if isinstance(option.default, str | int) and not option.is_flag else None
            shown = "" if default is None else f"`{default}`"
            rows.append([f"`{option.opts[0]}`", f"`{option.envvar}`", shown, option.help or ""])
    return rows


def test_every_flag_stands_in_the_table() -> None:
    assert table("| Flag | Variable | Default | Meaning |") == rows_of(cli.commands["serve"].params)


def test_the_flags_of_exec_alone_stand_in_their_table() -> None:
    shared = {option.name for option in cli.commands["serve"].params}
    own = [option for option in verbs.VERBS["exec"].params if option.name not in shared]

    assert table("| Flag of `exec` | Variable | Default | Meaning |") == rows_of(own)


def test_every_verb_stands_in_the_table() -> None:
    verbs = [row[0].strip("`").split()[1] for row in table("| Verb | What it does |")]

    assert sorted(verbs) == sorted(cli.commands)


def test_every_door_of_the_control_plane_stands_in_the_table() -> None:
    doors = sorted((row[0], row[1].strip("`")) for row in table("| Method | Path | What it does |"))

    assert doors == sorted(
        (method, f"/_mock{route.path}") for route in admin.ROUTES for method in (route.methods or set()) - {"HEAD"}
    )


def status_of(error: type[errors.HeidiError]) -> str:
    return str(error.status if isinstance(error.status, int) else assumed(error.status))


def test_every_error_stands_in_the_table() -> None:
    rows = {(row[0], row[1]) for row in table("| Status | `detail` | When |")}
    expected = {("422", 'a list of `{"type", "loc", "msg", "input"}`')}
    for error in errors.NamedError.__subclasses__():
        # One error's words name the account that it is about.
        own = getattr(error, "msg", "Heidi account with user_id … already linked to an OpenAPI User")
        detail = f'{{"msg": "{own}", "type": "{error.__name__}"}}'
        expected.add((status_of(error), f"`{detail}`"))
    for plain in errors.TextError.__subclasses__():
        expected.add((status_of(plain), f'`"{plain.text}"`'))

    assert rows == expected


def test_every_option_of_the_marker_stands_in_the_table() -> None:
    rows = [[cell.strip("`") for cell in row[:2]] for row in table("| Marker | Configuration | Meaning |")]

    assert rows == [*([name, f"mock_heidi_{name}"] for name in _OPTIONS), *([name, ""] for name in _MARKED)]


@pytest.mark.parametrize("name", [*(f"--mock-heidi-{name}" for name in _CHECKS), "--mock-heidi-url"])
def test_every_other_option_of_the_plugin_is_named(name: str) -> None:
    assert f"`{name}=" in README


@pytest.mark.parametrize("name", ["mock_heidi", "mock_heidi_server", "mock_heidi_factory"])
def test_every_fixture_of_the_plugin_is_named(name: str) -> None:
    assert f"`{name}`" in README


@pytest.mark.parametrize(
    "name",
    sorted(
        {name for kind in (Handle, MockHeidi, State, Clock, Faults) for name in vars(kind) if not name.startswith("_")}
    ),
)
def test_every_name_of_a_handle_is_shown(name: str) -> None:
    # These four are for whoever cannot use a with statement; and the names of the user are options of token().
    if name not in ("start", "listen", "close", "closed", "state", "email", "third_party_internal_id"):
        assert re.search(rf"`(state\.|clock\.)?{name}[`(]|\.{name}\(", README)


# --- Faults -----------------------------------------------------------------------------------------------------------

FIELDS = table("| Field | For example | What it does |")


def words(names: str) -> set[str]:
    """What stands in backquotes."""
    return set(re.findall(r"`([^`]+)`", names))


def test_every_field_of_a_fault_stands_in_the_table_in_its_order() -> None:
    assert [row[0].strip("`") for row in FIELDS] == list(Fault.model_fields)


@pytest.mark.parametrize("row", FIELDS, ids=lambda row: row[0].strip("`"))
def test_the_example_of_a_field_can_be_copied(row: list[str]) -> None:
    name, example = (cell.strip("`") for cell in row[:2])
    # Some go with another only, and what says no more than which requests it is for needs an effect.
    wanted = [name, *{"method": ["path"], "detail": ["status"], "carried_out": ["close"]}.get(name, [])]
    said = [example, *(row[1].strip("`") for row in FIELDS if row[0].strip("`") in wanted[1:])]
    if parse(",".join([*said, "delay=0"])).given(EFFECTS) == ["delay"] and name != "delay":
        wanted, said = [*wanted, "delay"], [*said, "delay=0"]

    fault = parse(",".join(said))

    assert {field for field, value in fault if value is not None} == set(wanted)
    assert len(row[2]) > 10


def test_the_ways_to_say_a_rule_say_the_same() -> None:
    rows = [row[1].strip("`") for row in table("| Where | The rule |")]
    call = ast.parse(rows[3], mode="eval").body
    assert isinstance(call, ast.Call)
    said = {name.arg or "": ast.literal_eval(name.value) for name in call.keywords}
    rules = [
        json.loads(rows[0]),
        rows[1],
        yaml.safe_load(rows[2]),
        {"operation": ast.literal_eval(call.args[0]), **said},
    ]

    assert len(rows) == 4
    assert len({json.dumps(parse(rule).model_dump()) for rule in rules}) == 1


def test_what_effects_are_for_is_said_by_the_first_and_the_last_of_them() -> None:
    (line,) = [line for line in README.splitlines() if line.startswith("From `cut_at` to ")]

    for first, last, operations in (
        (BODY_EFFECTS[0], BODY_EFFECTS[-1], ["media_type"]),
        (STREAM_EFFECTS[0], STREAM_EFFECTS[-1], STREAMS),
        (TEXT_FAULTS[0], TEXT_FAULTS[-2], WRITERS),
        (TEXT_FAULTS[-1], TEXT_FAULTS[-1], CODERS),
    ):
        assert {first, last, *operations} <= words(line)
    names = list(Fault.model_fields)
    assert names[names.index("end_after") : names.index("error_piece") + 1] == list(STREAM_EFFECTS)
    assert names[names.index("empty_note") :] == list(TEXT_FAULTS)


def test_every_error_that_a_fault_can_answer_with_is_named_with_its_source() -> None:
    (line,) = [line for line in README.splitlines() if line.startswith("`error` knows of the vendor's pages: ")]
    named = dict(zip(("documented", "observed", "assumed"), map(words, line.split(";")), strict=True))
    named["documented"].remove("error")

    assert named == {
        source: {name for name, (_, provenance) in errors.BY_NAME.items() if provenance == source} for source in named
    }


def test_every_scenario_stands_in_the_table_with_its_explanation() -> None:
    scenarios = yaml.safe_load((ROOT / "fixtures" / "scenarios.yaml").read_text(encoding="utf-8"))

    assert table("| Scenario | What happens |") == [[f"`{one['name']}`", one["explanation"]] for one in scenarios]


def test_links_lead_somewhere() -> None:
    headings = [re.sub(r"[^\w -]", "", line.lstrip("# ").lower()).replace(" ", "-") for line in README.splitlines()]
    links = re.findall(r"\]\(([^)]+)\)", README)

    assert links
    for link in links:
        assert link.removeprefix("#") in headings if link.startswith("#") else (ROOT / link).exists(), link


def test_no_word_of_marketing() -> None:
    words = r"(?i)\b(powerful|seamless|blazing|simply|just|easy|easily|modern|robust|production-ready|awesome)\b"

    assert re.findall(words, README) == []


# --- What the client asked ------------------------------------------------------------------------------------------


def test_every_filter_stands_in_the_table() -> None:
    assert [row[0].strip("`") for row in table("| Filter | For example | Which requests |")] == list(filters.NAMES)


@pytest.mark.parametrize("row", table("| Filter | For example | Which requests |"), ids=lambda row: row[0].strip("`"))
def test_the_examples_of_a_filter_can_be_copied(row: list[str]) -> None:
    examples = words(row[1])

    assert examples
    assert all(filters.parse({row[0].strip("`"): example}) for example in examples)


def test_the_bounds_of_the_journal_are_those_that_are_served() -> None:
    settings = Settings()

    assert f"{settings.journal_entries:,} in each namespace" in README
    assert f"{settings.memory // 1024**2} MB in all (`--memory`)" in README


def test_every_finding_stands_in_the_table() -> None:
    rows = [(row[0].strip("`"), row[1]) for row in table("| Finding | Level | The client |")]

    assert rows == [(code, kind.level) for code, kind in findings.KINDS.items()]


def test_every_verb_of_a_running_server_stands_in_the_table() -> None:
    rows = {row[0].strip("`"): row[1] for row in table("| Verb | On a running server |")}

    assert rows == {name: command.get_short_help_str(200) for name, command in verbs.VERBS.items()}
