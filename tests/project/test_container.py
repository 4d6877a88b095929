"""The Containerfile, whose steps run here below a folder.

A machine without a registry of images cannot build it. So its steps run in a new environment, and the server that they
install runs without rights and without write access, as in a container.
"""

import contextlib
import fnmatch
import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from audio import spoken
from containerfile import CONTAINERFILE, arguments, steps
from offline import offline
from paths import ROOT
from running import Running, run, spawn, until

# The image and the rest of the machine become read-only, except for the volumes. Then all rights are dropped.
# The arguments are the root of the image, the working folder, and the command.
_LOCK = """
mount --make-rprivate /
for volume in $VOLUMES; do mount --bind "$0$volume" "$0$volume"; done
mount --rbind "$0" "$0"
mount -o remount,bind,ro "$0"
mount -o remount,bind,ro /
cd "$1"
shift
exec unshare --user --map-user=10001 --map-group=10001 "$@"
"""
LOCKED = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-ec", _LOCK)


class Image:
    """The result of the steps, below a folder that stands for the root of a container."""

    def __init__(self, root: Path, variables: dict[str, str]) -> None:
        self.root = root
        self.variables = variables
        self.folder = root
        for step in steps():
            getattr(self, f"_{step.name.lower()}", lambda _: None)(step.argument)

    def here(self, text: str) -> str:
        """A text with the paths of the container below the root."""
        return re.sub(r"(?<![\w./])/(?=(src|opt|data|fixtures)\b)", f"{self.root}/", text)

    @property
    def command(self) -> list[str]:
        (entry,), (rest,) = arguments("ENTRYPOINT"), arguments("CMD")
        return [*json.loads(entry), *json.loads(rest)]

    @property
    def health(self) -> list[str]:
        (check,) = arguments("HEALTHCHECK")
        command: list[str] = json.loads(check.partition(" CMD ")[2])
        return command

    def _copy(self, argument: str) -> None:
        if not argument.startswith("--from="):
            *sources, target = argument.split()
            for source in sources:
                self._copy_one(ROOT / source, Path(self.here(target)), into=target.endswith("/"))

    @staticmethod
    def _copy_one(source: Path, target: Path, *, into: bool) -> None:
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "_data"))
        else:
            assert into
            target.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)

    def _run(self, argument: str) -> None:
        ended = run("-ec", self.here(argument), command=("sh",), cwd=self.root, env=self.variables, patience=240)
        assert ended.returncode == 0, ended.stdout + ended.stderr

    def _env(self, argument: str) -> None:
        for setting in shlex.split(argument):
            name, _, value = setting.partition("=")
            self.variables[name] = self.here(value.replace("$PATH", self.variables["PATH"]))

    def _volume(self, argument: str) -> None:
        self.variables |= {"VOLUMES": argument, "TMPDIR": f"{self.root}/tmp"}  # noqa: S108 - below the root
        for volume in argument.split():
            Path(f"{self.root}{volume}").mkdir(exist_ok=True)

    def _workdir(self, argument: str) -> None:
        self.folder = Path(self.here(argument))
        self.folder.mkdir()


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    folder = tmp_path_factory.mktemp("container")
    (folder / "root").mkdir()
    return Image(folder / "root", offline(folder / "programs"))


def locked(image: Image) -> Sequence[str]:
    """The beginning of a command that runs as in a container. Skips the test where the machine does not allow it."""
    prefix = (*LOCKED, str(image.root), str(image.folder))
    tried = run("true", command=prefix, env=image.variables) if shutil.which("unshare") else None
    if tried is None or tried.returncode:
        pytest.skip("this machine lets no test make a read-only file system: unshare or mount fails")
    return prefix


@contextlib.contextmanager
def serving(image: Image, folder: Path) -> Iterator[Running]:
    """The server of the image on a free port. It is killed at the end."""
    env = {**image.variables, "MOCK_HEIDI_PORT": "0"}
    with (folder / "stdout").open("wb") as out, (folder / "stderr").open("wb") as err:
        process = spawn(*image.command, command=locked(image), stdout=out, stderr=err, env=env)

    def base_url() -> str:
        assert process.poll() is None, (folder / "stderr").read_text(encoding="utf-8")
        found = re.search(r"base URL +(\S+)\n", (folder / "stdout").read_text(encoding="utf-8"))
        return found[1] if found else ""

    try:
        yield Running(process, folder, until(base_url, "the start of the server"))
    finally:
        process.kill()
        process.wait()


# --- The steps --------------------------------------------------------------------------------------------------------


def test_the_image_is_slim_and_runs_without_root() -> None:
    bases = {base.partition(" AS ")[0] for base in arguments("FROM")}
    (user,) = arguments("USER")

    assert len(bases) == 1
    assert bases.pop().endswith("-slim")
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", user)
    assert [step.name for step in steps()][-2:] == ["ENTRYPOINT", "CMD"]


def test_the_control_api_is_not_opened_to_other_machines() -> None:
    (settings,) = arguments("ENV")

    assert "MOCK_HEIDI_HOST=0.0.0.0" in settings
    assert not re.search("ALLOWED_HOST|ADMIN_ORIGIN", settings)


def test_only_what_is_copied_is_sent_to_the_build() -> None:
    first, *patterns = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    let_through = {pattern.removeprefix("!") for pattern in patterns if pattern.startswith("!")}
    copied = [argument.split()[:-1] for argument in arguments("COPY") if not argument.startswith("--from=")]

    assert first == "*"
    assert let_through == {source for sources in copied for source in sources}
    assert any(fnmatch.fnmatch("a/__pycache__", pattern) for pattern in patterns)


def test_a_builder_reads_the_file_and_sets_what_it_says(tmp_path: Path) -> None:
    if shutil.which("buildah") is None:
        pytest.skip("buildah is not installed; the steps still run below a folder")
    storage = ("buildah", "--storage-driver=vfs", f"--root={tmp_path / 'root'}", f"--runroot={tmp_path / 'run'}")
    if execute(*storage, "from", "scratch").returncode:
        pytest.skip("this machine does not let buildah make a container")
    # The base is in a registry. So both stages begin empty, and a folder stands for what their programs would make.
    text = re.sub(r"^FROM \S+", "FROM scratch", CONTAINERFILE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    text = re.sub(r"^RUN (.*\\\n)*.*$", "WORKDIR /opt/mock-heidi", text, flags=re.MULTILINE)
    (tmp_path / "Containerfile").write_text(text, encoding="utf-8")

    built = execute(*storage, "build", "--format=docker", "--tag=read", f"--file={tmp_path / 'Containerfile'}", ".")
    assert built.returncode == 0, built.stderr
    image = json.loads(execute(*storage, "inspect", "--type=image", "read").stdout)["Docker"]["config"]

    assert (image["User"], image["WorkingDir"]) == ("10001:10001", "/fixtures")
    assert (image["Entrypoint"], image["Cmd"]) == (["mock-heidi"], ["serve"])
    assert image["Healthcheck"]["Test"] == ["CMD", "mock-heidi", "wait", "--timeout", "5"]
    assert sorted(image["Volumes"]) == ["/data", "/tmp"]  # noqa: S108 - the volume
    assert list(image["ExposedPorts"]) == ["4343/tcp"]
    assert "MOCK_HEIDI_HOST=0.0.0.0" in image["Env"]


@pytest.mark.timeout(300)  # pip builds and installs
def test_it_serves_without_rights_and_without_write_access(image: Image, tmp_path: Path) -> None:
    files = [str(image.root / "opt" / "written"), f"{image.variables['MOCK_HEIDI_DATA']}/written"]
    written = run("touch", *files, command=locked(image), env=image.variables)
    with serving(image, tmp_path) as heidi:
        health = {**image.variables, "MOCK_HEIDI_URL": heidi.url}
        while_it_runs = run(*image.health, command=locked(image), env=health)
        _, _, signed_in = heidi.sign_in()
        heidi.always = {"Authorization": f"Bearer {signed_in['token']}"}
        uploaded = upload(heidi, spoken(300))
        _, _, read = heidi.ask("GET", f"{SESSION}/transcript")
        stopped = heidi.end()
    afterwards = run(*image.health[:-1], "0", command=locked(image), env=health)

    assert re.findall("'(.*)': Read-only file system", written.stderr) == files[:1]
    assert (while_it_runs.returncode, uploaded, stopped, afterwards.returncode) == (0, 200, 0, 1)
    assert len(read["transcript"]) > 100


SESSION = "/api/v2/ml-scribe/open-api/sessions/1234567890"


def upload(heidi: Running, content: bytes) -> int:
    """The status of an upload of audio."""
    import httpx  # noqa: PLC0415 - the peer of the other tests sends no forms

    files = {"file": ("cough.wav", content, "audio/wav")}
    return httpx.post(f"{heidi.url}{SESSION}/upload-audio", files=files, headers=heidi.always).status_code


@pytest.mark.timeout(300)
def test_fixtures_come_from_the_mounted_folder(image: Image, tmp_path: Path) -> None:
    mounted = image.folder / "patient_profiles.yaml"
    mounted.write_text("- {first_name: Bo}\n", encoding="utf-8")
    try:
        with serving(image, tmp_path) as heidi:
            _, _, state = heidi.ask("GET", "/_mock/state")
    finally:
        mounted.unlink()

    assert [patient["first_name"] for patient in state["patient_profiles"]] == ["Bo"]


@pytest.mark.timeout(300)
def test_its_certificates_are_in_a_volume(image: Image) -> None:
    ended = run("mock-heidi", "ca", "--path", command=locked(image), env=image.variables)

    assert (ended.returncode, ended.stdout) == (0, f"{image.variables['MOCK_HEIDI_DATA']}/ca.pem\n")


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_tool_builds_the_image_and_its_container_becomes_healthy() -> None:
    (base, *_) = (argument.partition(" AS ")[0] for argument in arguments("FROM"))
    tools = [tool for tool in ("docker", "podman") if shutil.which(tool)]
    having = [tool for tool in tools if not execute(tool, "image", "inspect", base).returncode]
    if not having:
        pytest.skip(f"needs docker or podman, and the image {base}, which tests do not download")
    tool, name = having[0], "mock-heidi-test"

    built = execute(tool, "build", "--tag", name, "--file", "Containerfile", ".")
    assert built.returncode == 0, built.stderr
    started = execute(tool, "run", "--detach", "--rm", "--read-only", "--cap-drop=ALL", name)
    assert started.returncode == 0, started.stderr
    container = started.stdout.strip()
    try:
        checked = execute(tool, "exec", container, "mock-heidi", "wait")
    finally:
        execute(tool, "rm", "--force", container)

    assert checked.returncode == 0, checked.stderr


def execute(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - ours
