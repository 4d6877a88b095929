"""The steps of the GitHub action, run one after another as a runner does, and the forms for GitHub and GitLab."""

import os
import re
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from known_commands import commands
from offline import offline
from paths import ROOT
from running import run, until

START, STOP = ROOT / "action.yml", ROOT / "stop" / "action.yml"
# What a runner puts before the script of a step with shell: bash.
BASH = ("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c")

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")


def read_yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


class Runner:
    """A job of a runner, which keeps what its steps hand on."""

    def __init__(self, folder: Path, **variables: str) -> None:
        self.temp, self.workspace = folder / "temp", folder / "workspace"
        self._env, self._path = folder / "env", folder / "path"
        for made in (self.temp, self.workspace):
            made.mkdir()
        for file in (self._env, self._path):
            file.touch()
        self.variables = {
            **variables,
            "GITHUB_ACTION_PATH": str(ROOT),
            "GITHUB_ENV": str(self._env),
            "GITHUB_PATH": str(self._path),
            "RUNNER_TEMP": str(self.temp),
        }
        self.status = "success"

    def step(self, script: str, **variables: str) -> tuple[int, str]:
        """The status and the output of one step."""
        ended = run(script, command=BASH, cwd=self.workspace, env={**self._given(), **variables}, patience=240)
        if ended.returncode:
            self.status = "failure"
        return ended.returncode, ended.stdout + ended.stderr

    def action(self, path: Path, *, after: int = 0) -> tuple[int, str]:
        """The steps of a composite action up to the first that fails, without the first ``after`` ones."""
        status, said = 0, ""
        for step in read_yaml(path)["runs"]["steps"][after:]:
            assert step["shell"] == "bash"
            given = {name: self._value(text) for name, text in step.get("env", {}).items()}
            status, more = self.step(step["run"], **given)
            said += more
            if status:
                break
        return status, said

    @property
    def path(self) -> str:
        """The folders of programs, the last one that a step has added first."""
        added = self._path.read_text(encoding="utf-8").splitlines()
        return os.pathsep.join([*reversed(added), self.variables["PATH"]])

    def pid(self) -> int:
        return int((self.temp / "mock-heidi" / "pid").read_text(encoding="utf-8"))

    def _given(self) -> dict[str, str]:
        handed_on = dict(line.split("=", 1) for line in self._env.read_text(encoding="utf-8").splitlines())
        return {**self.variables, **handed_on, "PATH": self.path}

    def _value(self, text: str) -> str:
        return text.replace("${{ job.status }}", self.status)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Runner:
    """A job that has run the first step of the action, which installs the mock."""
    folder = tmp_path_factory.mktemp("installed")
    job = Runner(folder, **offline(folder / "programs"))
    (installing, *_) = read_yaml(START)["runs"]["steps"]
    status, said = job.step(installing["run"], PYTHON="python3")
    assert status == 0, said
    return job


@pytest.fixture
def runner(installed: Runner, tmp_path: Path) -> Iterator[Runner]:
    """A job with an installed mock. Its server is killed at the end."""
    job = Runner(tmp_path, PATH=installed.path, PYTHONPATH=installed.variables["PYTHONPATH"])
    shutil.copytree(installed.temp / "mock-heidi", job.temp / "mock-heidi", symlinks=True)
    yield job
    pid = tmp_path / "temp" / "mock-heidi" / "pid"
    if pid.exists() and is_running(job.pid()):
        os.kill(job.pid(), signal.SIGKILL)


def start(runner: Runner) -> tuple[int, str]:
    return runner.action(START, after=1)


CLIENT = """
TOKEN=$(mock-heidi token)
curl -sf "$HEIDI_BASE_URL/sessions/1234567890?all=1" -H "Authorization: Bearer $TOKEN" >/dev/null
"""


@pytest.mark.timeout(300)  # the first test installs
@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_action_serves_the_steps_of_a_job_and_reports_a_failure(runner: Runner) -> None:
    started = start(runner)
    assert started[0] == 0, started[1]
    used = runner.step(CLIENT)
    assert used[0] == 0, used[1]
    python = runner.step("command -v python3")[1].strip()
    failed = runner.step("exit 7")
    pid = runner.pid()

    stopped, said = runner.action(STOP)

    assert (failed[0], stopped) == (7, 0)
    assert Path(python).parent.name == "programs"  # the one that the job had before
    assert "::group::mock_heidi: the last requests" in said
    assert said.count("  /sessions/1234567890") == 2  # in the log and in the list
    assert "unknown_parameter" in said
    assert not is_running(pid)
    assert list(runner.temp.iterdir()) == []
    assert runner.action(STOP) == (0, "mock_heidi does not run\n")


CONSTANT = """
eval "$(mock-heidi env --proxy)"
curl -sf https://registrar.api.heidihealth.com/livez
"""


@pytest.mark.timeout(300)  # the first test installs
@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_a_job_may_use_the_proxy(runner: Runner) -> None:
    runner.variables["MOCK_HEIDI_PROXY"] = "1"
    started = start(runner)

    assert started[0] == 0, started[1]
    assert runner.step(CONSTANT) == (0, '{"status":"ok"}')
    # Here pip finds the packages of the extra anyway.
    assert '"$GITHUB_ACTION_PATH[tls]"' in START.read_text(encoding="utf-8")


@pytest.mark.timeout(300)  # the first test installs
def test_a_job_that_succeeds_ends_without_a_report(runner: Runner) -> None:
    start(runner)

    assert runner.action(STOP) == (0, "")


@pytest.mark.timeout(300)  # the first test installs
def test_a_server_that_cannot_start_fails_the_job_with_its_reason(runner: Runner) -> None:
    runner.variables["MOCK_HEIDI_PACE"] = "slow"

    status, said = start(runner)

    assert status == 1
    assert "mock-heidi: pace: 'slow' " in said
    assert until(lambda: not is_running(runner.pid()), "the end of the server")
    assert runner.action(STOP) == (0, "mock_heidi does not run\n")


def test_the_form_for_github_uses_both_actions() -> None:
    steps = read_yaml(ROOT / "examples" / "github-actions.yml")["jobs"]["test"]["steps"]
    used = [step["uses"].partition("@")[0] for step in steps if "uses" in step]

    assert used == ["actions/checkout", "OWNER/mock_heidi", "OWNER/mock_heidi/stop"]
    assert steps[-1]["if"] == "always()"
    assert "OWNER/mock_heidi/stop" in read_yaml(START)["description"]


def variables(values: Any) -> set[str]:
    """The names of all settings of the mock in a part of a file."""
    return set(re.findall(r"\bMOCK_HEIDI_\w+", str(values)))


def test_the_forms_set_variables_that_exist() -> None:
    known = {parameter.envvar for command in commands().values() for parameter in command.params}
    named = variables([read_yaml(ROOT / "examples" / name) for name in ("github-actions.yml", "gitlab-ci.yml")])

    assert named <= known


def test_the_form_for_gitlab_runs_the_tests_beside_the_mock(tmp_path: Path) -> None:
    job = read_yaml(ROOT / "examples" / "gitlab-ci.yml")["test-with-exec"]
    *installing, testing = job["script"]
    (tmp_path / "run-tests").write_text('#!/bin/sh\necho "$HEIDI_BASE_URL"; exit 7\n', encoding="utf-8")
    (tmp_path / "run-tests").chmod(0o755)
    programs = Path(sys.executable).parent

    ended = run(testing.replace("mock/bin", str(programs)), command=BASH, cwd=tmp_path)

    assert [line.split()[0] for line in installing] == ["python", "mock/bin/pip"]
    assert (ended.returncode, ended.stdout[:17]) == (7, "http://127.0.0.1:")
    assert "the command ended with status 7; the report of its server" in ended.stderr


def test_the_service_of_gitlab_is_called_by_a_host_that_it_allows() -> None:
    job = read_yaml(ROOT / "examples" / "gitlab-ci.yml")["test-with-service"]
    (service,) = job["services"]

    assert job["variables"]["MOCK_HEIDI_ALLOWED_HOST"] == service["alias"]
    assert job["variables"]["HEIDI_BASE_URL"].startswith(f"http://{service['alias']}:4343/")
