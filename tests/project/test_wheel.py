"""The published files: a wheel that carries its data and works in another folder, and an sdist that makes the same."""

import sys
import sysconfig
import tarfile
import venv
import zipfile
from email import message_from_string
from pathlib import Path

import pytest
from paths import ROOT
from running import run, serving

from mock_heidi.base.settings import VERSION
from mock_heidi.fixtures.kinds import KINDS

PYTHON = (sys.executable,)
SIGN_IN = """
import asyncio, sys
from mock_heidi import create_app
from pydantic import BaseModel

async def receive():
    return {"type": "http.request", "body": b"", "more_body": False}

async def send(message):
    if "status" in message:
        print(message["status"])

def below(cls):
    return {cls}.union(*map(below, cls.__subclasses__()))

scope = {
    "type": "http", "method": "GET", "path": "/api/v2/ml-scribe/open-api/jwt", "root_path": "",
    "query_string": b"email=ada@example.com&third_party_internal_id=1",
    "headers": [(b"host", b"localhost"), (b"heidi-api-key", b"mock-heidi-key")],
}
asyncio.run(create_app()(scope, receive, send))
print("built:", *sorted(cls.__name__ for cls in below(BaseModel) - {BaseModel} if cls.__pydantic_complete__))
print(sorted({"yaml"}.intersection(sys.modules)))
"""


def build(source: Path, target: Path, kind: str) -> Path:
    """The one file that a build makes."""
    ended = run("-m", "hatchling", "build", "-t", kind, "-d", str(target), command=PYTHON, cwd=source, patience=120)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    (made,) = target.glob("*.whl" if kind == "wheel" else "*.tar.gz")
    return made


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT, tmp_path_factory.mktemp("wheel"), "wheel")


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment that has the wheel, and of this one's packages only what the wheel needs."""
    home = tmp_path_factory.mktemp("installed")
    venv.create(home, symlinks=sys.platform != "win32")
    programs = Path(sysconfig.get_path("scripts", "venv", {"base": str(home)}))
    packages = Path(sysconfig.get_path("purelib", "venv", {"base": str(home)}))
    python = str(programs / Path(sys.executable).name)
    ended = run(
        *("-m", "pip", "--python", python, "install", "--no-deps", "--no-index", str(wheel)),
        command=PYTHON,
        cwd=home,
        patience=120,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    # Its dependencies come from this environment, without the path of this checkout.
    (packages / "borrowed.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    return programs


def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_the_wheel_carries_its_data(wheel: Path) -> None:
    data = {f"mock_heidi/_data/fixtures/{path.name}" for path in (ROOT / "fixtures").iterdir()}
    data |= {"mock_heidi/_data/openapi.yaml", "mock_heidi/_data/control.yaml"}
    data |= {f"mock_heidi/_data/docs/{path.name}" for path in (ROOT / "docs").glob("*.md")}
    data |= {f"mock_heidi/_data/built/{name}.json" for name in (*KINDS, "users", "assumptions", "schemas")}

    assert data | {"mock_heidi/py.typed", "mock_heidi/base/assumptions.yaml"} <= names(wheel)


def test_the_wheel_carries_the_package_and_nothing_else(wheel: Path) -> None:
    tops = {name.partition("/")[0] for name in names(wheel)}

    assert tops == {"mock_heidi", f"mock_heidi-{VERSION}.dist-info"}
    assert not [name for name in names(wheel) if "__pycache__" in name or "/tests/" in name]


def test_the_wheel_says_what_it_is(wheel: Path) -> None:
    info = f"mock_heidi-{VERSION}.dist-info"
    with zipfile.ZipFile(wheel) as archive:
        metadata = message_from_string(archive.read(f"{info}/METADATA").decode())
        entries = archive.read(f"{info}/entry_points.txt").decode()

    assert (metadata["Name"], metadata["Version"]) == ("mock-heidi", VERSION)
    assert metadata.get_payload() == (ROOT / "README.md").read_text(encoding="utf-8")
    assert "mock-heidi = mock_heidi.__main__:run" in entries
    assert "mock_heidi = mock_heidi.pytest_plugin" in entries


def test_the_sdist_carries_the_pages_and_their_tests(tmp_path: Path) -> None:
    with tarfile.open(build(ROOT, tmp_path, "sdist")) as archive:
        carried = set(archive.getnames())

    top = f"mock_heidi-{VERSION}"
    assert {f"{top}/docs/{path.name}" for path in (ROOT / "docs").iterdir() if path.is_file()} <= carried
    assert {f"{top}/README.md", f"{top}/tests/project/test_docs.py"} <= carried
    assert {
        f"{top}/{name}" for name in ("examples/README.md", "compose.yaml", "Containerfile", "stop/action.yml")
    } <= carried


def test_the_sdist_makes_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    sdist = build(ROOT, tmp_path, "sdist")
    ended = run(
        *("-m", "pip", "wheel", "--no-build-isolation", "--no-deps", "--no-index", str(sdist)),
        command=PYTHON,
        cwd=tmp_path,
        patience=120,
    )

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert names(tmp_path / wheel.name) == names(wheel)


def test_the_installed_package_is_not_this_checkout(installed: Path, tmp_path: Path) -> None:
    code = "import mock_heidi.base.spec as spec; print(spec.__file__, spec.data('openapi.yaml'), spec.data('fixtures'))"
    ended = run("-c", code, command=(str(installed / Path(sys.executable).name),), cwd=tmp_path)

    paths = ended.stdout.split()
    assert len(paths) == 3, ended.stderr
    assert all(Path(path).is_relative_to(installed.parent) for path in paths)
    assert paths[1].endswith(str(Path("mock_heidi", "_data", "openapi.yaml")))


def test_the_installed_command_has_its_data(installed: Path, tmp_path: Path) -> None:
    command = (str(installed / "mock-heidi"),)
    contract = run("openapi", command=command, cwd=tmp_path)
    control = run("openapi", "--control", command=command, cwd=tmp_path)
    checked = run("validate", command=command, cwd=tmp_path)

    assert contract.stdout == (ROOT / "openapi.yaml").read_text(encoding="utf-8")
    assert control.stdout == (ROOT / "control.yaml").read_text(encoding="utf-8")
    assert checked.stdout == run("validate").stdout


def test_the_installed_package_answers_a_sign_in_without_yaml_and_checks_of_pydantic(
    installed: Path, tmp_path: Path
) -> None:
    ended = run("-c", SIGN_IN, command=(str(installed / Path(sys.executable).name),), cwd=tmp_path)

    assert ended.stdout.splitlines() == ["200", "built:", "[]"], ended.stderr


def test_the_installed_command_serves(installed: Path, tmp_path: Path) -> None:
    with serving(tmp_path, command=(str(installed / "mock-heidi"),)) as heidi:
        status, _, answer = heidi.sign_in()
        headers = {"Authorization": f"Bearer {answer['token']}"}
        _, _, profiles = heidi.ask("GET", heidi.base_url.removeprefix(heidi.url) + "/patient-profiles", **headers)

        assert status == 200
        assert len(profiles["data"]) > 1
        assert heidi.end() == 0


def test_the_installed_plugin_is_found_by_pytest(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "import mock_heidi as package\n"
        f"def test_it(mock_heidi):\n    assert package.__file__.startswith({str(installed.parent)!r})\n",
        encoding="utf-8",
    )
    # One of the other plugins here takes seconds to load.
    ended = run(
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:schemathesis",
        command=(str(installed / Path(sys.executable).name),),
        cwd=tmp_path,
    )

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "1 passed" in ended.stdout
