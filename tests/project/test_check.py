"""``./check``: its environments and the commands in them, recorded by a fake Python."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from paths import ROOT

DAY = 86_400
# It answers every question the same way, so the environment always imports this checkout.
PYTHON = """#!/bin/sh
[ "$1" = -c ] && exit
printf '%s\\n' "$*" >>"$OUTPUT"
[ "$2" = venv ] && mkdir -p "$3/bin" && cp "$0" "$3/bin/python" && cp "$0" "$3/bin/pip"
[ "$2" = pip ] && exit "$PIP"
exit 0
"""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="it is a script for sh")


def program(path: Path) -> None:
    path.write_text(PYTHON, encoding="utf-8")
    path.chmod(0o755)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with an environment that has just been installed."""
    shutil.copy(ROOT / "check", tmp_path)
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    for name in ("python", "pip", "lint-imports", "npm"):
        program(tmp_path / ".venv" / "bin" / name)
    (tmp_path / "pyproject.toml").touch()
    os.utime(tmp_path / "pyproject.toml", (0, 0))
    (tmp_path / ".venv" / ".installed").touch()
    return tmp_path


def check(checkout: Path, *args: str, pip: int = 0) -> list[str]:
    """The commands that ``./check`` has run, a line each. It must succeed."""
    output, python = checkout / "output", checkout / ".venv" / "bin" / "python"
    path = f"{python.parent}{os.pathsep}{os.environ['PATH']}"  # npm
    env = {"PATH": path, "PYTHON": str(python), "OUTPUT": str(output), "PIP": str(pip)}
    subprocess.run([checkout / "check", *args], env=env, check=True, capture_output=True)  # noqa: S603 - our own script
    return output.read_text(encoding="utf-8").splitlines()


def age(checkout: Path, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(checkout / ".venv" / ".installed", (then, then))


UPGRADE = "-m pip install --quiet --upgrade --upgrade-strategy eager --editable . --group dev"


def test_an_environment_of_today_is_left_as_it_is(checkout: Path) -> None:
    age(checkout, DAY / 2)

    assert [line for line in check(checkout, "--fast") if " pip " in line] == []


def test_an_environment_of_yesterday_gets_the_newest_releases_once(checkout: Path) -> None:
    age(checkout, 1.5 * DAY)

    check(checkout, "--fast")
    both = check(checkout, "--fast")  # includes the commands of the first run

    assert [line for line in both if " pip " in line] == [UPGRADE]


def test_without_a_network_the_releases_of_yesterday_are_checked(checkout: Path) -> None:
    age(checkout, 1.5 * DAY)

    assert check(checkout, "--fast", pip=1)[-1].startswith("-m pytest")


def test_a_new_requirement_is_installed_at_once(checkout: Path) -> None:
    os.utime(checkout / "pyproject.toml")
    age(checkout, 60)

    assert UPGRADE in check(checkout, "--fast")


def test_only_all_installs_the_tools_that_read_the_contracts(checkout: Path) -> None:
    quick = check(checkout)
    (checkout / "output").unlink()
    whole = check(checkout, "--all")

    tools = [line for line in whole if "contract" in line]
    assert [line.split()[-1] for line in tools] == ["contract", "tests/contract/tools"]
    assert [line for line in quick if "contract" in line] == []


def test_every_run_of_the_tests_has_a_limit_of_time(checkout: Path) -> None:
    ran = [line for line in check(checkout, "--all") if "pytest" in line and " pip " not in line]

    own = [line for line in ran if "-c /dev/null" in line]  # the other runs use the configuration of pyproject.toml
    assert len(own) == 1
    assert own[0].startswith("tests/support/limited.py ")


def test_a_run_beyond_its_limit_is_ended(tmp_path: Path) -> None:
    (tmp_path / "endless.py").write_text("while True:\n    pass\n", encoding="utf-8")
    command = [sys.executable, str(ROOT / "tests" / "support" / "limited.py"), "0.1", "endless"]

    ended = subprocess.run(  # noqa: S603 - our own script
        command, env={**os.environ, "PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=False
    )

    assert (ended.returncode, ended.stderr) == (124, "\nendless was not done after 0.1 seconds\n")
