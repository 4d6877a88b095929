"""Every block of the README and of ``docs`` runs."""

import os
import re
import shutil
import signal
import sys
from pathlib import Path

# pytester unloads the modules that an inner run imports first; a second import gives another module.
import httpcore  # noqa: F401 - loaded before an inner run can unload it
import pytest
from no_network import no_network  # noqa: F401 - a fixture: a block has a client of the real service
from offline import offline
from pages import PAGES, README, Block, Page, blocks, page
from paths import ROOT
from running import address, run, serving, spawn

import mock_heidi.serving.server  # noqa: F401 - as above

pytestmark = pytest.mark.slow

BASH = ("bash",)
# The address that the pages show; the servers of these tests are on free ports.
SHOWN = "127.0.0.1:4343"
KINDS = {"sh", "text", "console", "python", "yaml", "toml", "{toctree}"}

needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")


def is_set_up(text: str) -> bool:
    return "pip install" in text


def is_check(text: str) -> bool:
    return text.strip() == "./check"


def report_of(shown_on: Page, block: Block) -> list[str]:
    """The report that the page shows right after a Python block. A block with a report fails."""
    following = shown_on.blocks[shown_on.blocks.index(block) + 1 :][:1]
    shown = [after.text for after in following if after.kind == "text" and after.text.startswith("---")]
    return "".join(shown).splitlines()


def by_place(found: list[tuple[Page, Block]]) -> pytest.MarkDecorator:
    ids = [f"{shown_on.name}, line {block.line}" for shown_on, block in found]
    return pytest.mark.parametrize(("shown_on", "block"), found, ids=ids)


def matches(expected: str, said: str) -> bool:
    """True if the output is the shown one. An ellipsis stands for text that differs from run to run."""
    pattern = ".*?".join(re.escape(part) for part in expected.split("…"))
    return re.fullmatch(pattern, said) is not None


@pytest.mark.parametrize("shown_on", PAGES, ids=lambda one: one.name)
def test_every_block_is_of_a_kind_that_is_checked(shown_on: Page) -> None:
    assert shown_on.written.count("\n```") == 2 * len(shown_on.blocks)
    assert {block.kind for block in shown_on.blocks} <= KINDS
    assert all(block.text.startswith("$ ") for block in shown_on.blocks if block.kind == "console")
    assert all("def test_" in block.text for block in shown_on.blocks if block.kind == "python")


def test_every_text_block_is_the_banner_or_the_report_of_a_failure() -> None:
    reports = [block for block in blocks("python") if report_of(*block)]

    assert len(blocks("text")) == 1 + len(reports)


# --- Shell ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The files of this repository that an installation needs."""
    folder = tmp_path / "clone"
    for name in ("mock_heidi", "fixtures"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE", "openapi.yaml", "control.yaml"):
        shutil.copy(ROOT / name, folder)
    return folder


@pytest.mark.timeout(300)  # pip builds and installs
@by_place(blocks("sh", is_set_up))
def test_one_command_sets_it_up_and_serves(shown_on: Page, block: Block, clone: Path, tmp_path: Path) -> None:
    (banner,) = [one for one in shown_on.blocks if one.kind == "text" and not one.text.startswith("---")]
    url_file, output = tmp_path / "heidi.url", tmp_path / "output"
    env = {**offline(tmp_path / "programs"), "MOCK_HEIDI_PORT": "0", "MOCK_HEIDI_URL_FILE": str(url_file)}
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


def test_one_command_is_for_the_tests_and_it_is_the_one_of_the_integration() -> None:
    # ./check runs this test too, so this test cannot run it.
    ((_, block),) = blocks("sh", is_check)
    command = block.text.strip()
    script = (ROOT / "check").read_text(encoding="utf-8")

    assert os.access(ROOT / command, os.X_OK)
    assert (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()[-1] == f"{command} --all"
    for tool in ("ruff check", "ruff format --check", "mypy", "lint-imports", "coverage run -m pytest"):
        assert tool in script


@needs_curl
@by_place(blocks("sh", lambda text: not is_set_up(text) and not is_check(text)))
def test_a_script_can_be_copied(shown_on: Page, block: Block, tmp_path: Path) -> None:
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    ended = run("-euo", "pipefail", "-c", block.text, command=BASH, cwd=tmp_path, env={"PATH": programs})

    assert ended.returncode == 0, f"{shown_on.name}: {ended.stderr}"
    assert ended.stdout.startswith('{"token":"')


# --- Commands and their output ----------------------------------------------------------------------------------------


def write_fixtures(shown_on: Page, folder: Path) -> None:
    """Write the blocks of a page into files that their first lines name: those in YAML, and tests in Python."""
    for block in shown_on.blocks:
        if block.kind == "yaml" or block.text.startswith("# test_"):
            path = folder / block.text.partition("\n")[0].removeprefix("# ")
            path.parent.mkdir(exist_ok=True)
            path.write_text(block.text, encoding="utf-8")


def sign_in(shown_on: Page) -> list[str]:
    """The commands by which a page gets ``$BASE`` and ``$TOKEN``, unless it has its own."""
    if any(command.text.startswith("BASE=") for command in shown_on.commands):
        return []
    return [one.text for one in page("getting-started").commands if one.text.startswith(("BASE=", "TOKEN="))]


@needs_curl
@pytest.mark.parametrize("shown_on", [one for one in PAGES if one.commands], ids=lambda one: one.name)
def test_the_commands_of_a_page_print_the_shown_output(shown_on: Page, tmp_path: Path) -> None:
    end = "-- the end of a command --"
    write_fixtures(shown_on, tmp_path)
    with serving(tmp_path) as heidi:
        host = heidi.url.partition("//")[2]
        typed = [*sign_in(shown_on), f"printf '%s\\n' '{end}'"]
        for command in shown_on.commands:
            typed += [command.text, f"printf '\\n%s\\n' '{end}'"]
        script = "\n".join(["exec 2>&1", *typed]).replace(SHOWN, host)
        programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        ended = run("-c", script, command=BASH, cwd=tmp_path, env={"PATH": programs})
    answers = [said.strip("\n") for said in ended.stdout.replace(host, SHOWN).split(end)[1:-1]]

    assert len(answers) == len(shown_on.commands), ended.stdout
    for command, answer in zip(shown_on.commands, answers, strict=True):
        assert matches(command.expected, answer), f"{shown_on.name}, line {command.line}: {command.text}\n{answer}"


@pytest.mark.parametrize("shown_on", PAGES, ids=lambda one: one.name)
def test_a_command_that_sends_json_says_so(shown_on: Page) -> None:
    sending = [one.text for one in shown_on.commands if re.search(r"-d '[{[]", one.text)]

    assert [text for text in sending if "-H 'Content-Type: application/json'" not in text] == []


@by_place(blocks("yaml"))
def test_every_fixture_is_validated_by_a_command(shown_on: Page, block: Block) -> None:
    folder = block.text.removeprefix("# ").partition("/")[0]

    assert f"mock-heidi validate {folder}" in [command.text for command in shown_on.commands]


# --- Python -----------------------------------------------------------------------------------------------------------


@by_place(blocks("python"))
def test_python_runs_under_pytest(shown_on: Page, block: Block, pytester: pytest.Pytester) -> None:
    report = report_of(shown_on, block)
    pytester.makepyfile(block.text)
    result = pytester.runpytest("-W", "error", "--strict-markers")

    assert result.parseoutcomes() == {"failed" if report else "passed": block.text.count("def test_")}
    assert "\n".join(report) in "\n".join(result.outlines)


@by_place(blocks("toml"))
def test_the_configuration_of_pytest_is_understood(shown_on: Page, block: Block, pytester: pytest.Pytester) -> None:
    write_fixtures(page("fixtures"), pytester.path)
    pytester.makepyprojecttoml(block.text)
    pytester.makepyfile(
        """
        def test_it_is_so(mock_heidi):
            assert [patient["first_name"] for patient in mock_heidi.state.patient_profiles()] == ["Ada"]
            assert mock_heidi.control("GET", "/health")["seed"] == 7
            assert mock_heidi.state.add_patient()["created_at"] == "2025-01-06T09:00:00.000000"
            assert mock_heidi.email in [user["email"] for user in mock_heidi.state.users() if user.get("linked_to")]
        """
    )

    assert shown_on.name == "docs/pytest.md"
    pytester.runpytest("--strict-config").assert_outcomes(passed=1)


def test_six_lines_are_six_lines() -> None:
    first = next(block for block in README.blocks if block.kind == "python")

    assert first.text.count("\n") == 6
