"""The examples: each runs as its README says, and its test with a fault finds a bug of a naive client."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from pages import Page
from paths import ROOT
from running import run

EXAMPLES = ROOT / "examples"


class Example(NamedTuple):
    """An example, and how its client becomes naive."""

    folder: str
    probe: tuple[str, ...]
    """A command that succeeds where the example can run."""
    client: str
    careful: str
    """The lines of the client that read the note from the session."""
    naive: str
    """The lines of a client that returns what was streamed."""
    failure: str
    """A part of the output if only the test with the fault fails."""


PYTHON = Example(
    "python",
    (sys.executable, "-c", "import httpx, pytest"),
    "heidi_client.py",
    "        for piece in self.stream_note(session_id):\n            show(piece)\n",
    "        text = ''\n"
    "        for piece in self.stream_note(session_id):\n            show(piece)\n            text += piece\n"
    "        return text\n",
    "1 failed, 1 passed",
)
NODE = Example(
    "node",
    ("node", "--eval", "fetch; require('node:test')"),
    "heidi-client.mjs",
    "for await (const piece of this.streamNote(sessionId)) show(piece);\n",
    "let text = '';\n"
    "    for await (const piece of this.streamNote(sessionId)) { show(piece); text += piece; }\n"
    "    return text;\n",
    "fail 1\n",
)
RUBY = Example(
    "ruby",
    ("ruby", "-e", "require 'minitest'; require 'net/http'"),
    "heidi_client.rb",
    "stream_note(session_id) { |piece| yield piece }\n",
    "text = +''; stream_note(session_id) { |piece| yield piece; text << piece }; return text\n",
    "1 failures, 0 errors",
)
PHP = Example(
    "php",
    ("php", "-r", "exit(extension_loaded('curl') ? 0 : 1);"),
    "HeidiClient.php",
    "        $this->streamNote($sessionId, $show);\n",
    "        $text = '';\n"
    "        $both = function ($piece) use (&$text, $show) { $show($piece); $text .= $piece; };\n"
    "        $this->streamNote($sessionId, $both);\n"
    "        return $text;\n",
    "the pieces are shown: ok\nthe whole note is kept when its stream ends early: ",
)
GO = Example(
    "go",
    ("go", "version"),
    "heidi_client.go",
    "\tif err := c.StreamNote(sessionID, show); err != nil {\n",
    "\tvar text strings.Builder\n"
    "\tif err := c.StreamNote(sessionID, io.MultiWriter(show, &text)); err == nil {\n"
    "\t\treturn text.String(), nil\n"
    "\t} else {\n",
    "--- FAIL: TestTheWholeNoteIsKeptWhenItsStreamEndsEarly",
)
JAVA = Example(
    "java",
    ("javac", "--release", "17", "--version"),
    "HeidiClient.java",
    "        streamNote(sessionId, show);\n",
    "        StringBuilder text = new StringBuilder();\n"
    "        streamNote(sessionId, show.andThen(text::append));\n"
    "        if (!text.isEmpty()) { return text.toString(); }\n",
    "HeidiClientTest.theWholeNoteIsKeptWhenItsStreamEndsEarly(",
)
ALL = (PYTHON, NODE, RUBY, PHP, GO, JAVA)

each_example = pytest.mark.parametrize("example", ALL, ids=lambda example: example.folder)


def copy(example: Example, target: Path) -> Path:
    """A copy of the folder of an example. Skips the test if its language is missing."""
    found = shutil.which(example.probe[0])
    if found is None or subprocess.run([found, *example.probe[1:]], capture_output=True, check=False).returncode:  # noqa: S603 - ours
        pytest.skip(f"cannot run examples/{example.folder}, because {' '.join(example.probe)!r} fails")
    return Path(shutil.copytree(EXAMPLES / example.folder, target / example.folder))


def run_tests(folder: Path) -> tuple[int, str]:
    """The status and the output of the command in the README of an example."""
    (command,) = (block.text for block in Page(EXAMPLES / folder.name / "README.md").blocks if block.kind == "sh")
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    ended = run("-ec", command, command=("sh",), cwd=folder, env={"PATH": programs}, patience=240)
    return ended.returncode, ended.stdout + ended.stderr


@pytest.mark.timeout(300)  # Go compiles its library at the first time
@each_example
def test_an_example_runs_as_its_readme_says(example: Example, tmp_path: Path) -> None:
    status, output = run_tests(copy(example, tmp_path))

    assert status == 0, output


@pytest.mark.timeout(300)
@each_example
def test_the_fault_finds_the_bug_of_a_naive_client(example: Example, tmp_path: Path) -> None:
    folder = copy(example, tmp_path)
    client = folder / example.client
    text = client.read_text(encoding="utf-8")
    assert text.count(example.careful) == 1
    client.write_text(text.replace(example.careful, example.naive), encoding="utf-8")

    status, output = run_tests(folder)

    assert status != 0
    assert example.failure in output


# --- The helper for Node ----------------------------------------------------------------------------------------------


def run_script(folder: Path, script: str, *command: str) -> list[str]:
    """The lines that a module of Node prints. It must succeed."""
    (folder / "script.mjs").write_text(f'import {{ start }} from "./mock-heidi.mjs";\n{script}', encoding="utf-8")
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    ended = run("script.mjs", command=(*command, "node"), cwd=folder, env={"PATH": programs})
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.splitlines()


def test_the_helper_uses_the_server_of_exec_with_its_token(tmp_path: Path) -> None:
    script = """
        const server = await start();
        const heidi = await server.namespace({ fixtures: "empty" });
        console.log(server.url === process.env.MOCK_HEIDI_URL);
        console.log((await heidi.requests()).length, (await heidi.findings()).length);
        await heidi.verify({ operation: "ask_ai" }).catch((error) => console.log(error.message));
        await heidi.remove();
        await server.stop();
    """
    executing = (sys.executable, "-m", "mock_heidi", "exec", "--admin-token", "let-me-in-91c4", "--")

    same, counts, unmet = run_script(copy(NODE, tmp_path), script, *executing)

    assert (same, counts) == ("true", "0 0")
    assert "expected at least 1 request with operation='ask_ai'" in unmet


def test_the_helper_says_why_a_server_does_not_start(tmp_path: Path) -> None:
    script = """
        await start(["--pace", "slow"]).catch((error) => console.log(error.message));
        await start([], "no-such-command").catch((error) => console.log(error.message));
    """

    assert run_script(copy(NODE, tmp_path), script) == [
        "mock-heidi ended with status 1",
        "spawn no-such-command ENOENT",
    ]


# --- All of them ------------------------------------------------------------------------------------------------------


def test_every_example_is_run() -> None:
    assert {path.name for path in EXAMPLES.iterdir() if path.is_dir()} == {example.folder for example in ALL}


def test_a_readme_of_an_example_has_ten_lines_at_most() -> None:
    readmes = list(EXAMPLES.glob("*/README.md"))

    assert len(readmes) == len(ALL)
    assert [path for path in readmes if path.read_text(encoding="utf-8").count("\n") > 10] == []
