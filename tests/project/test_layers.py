"""The import rules: every package is in one of the layers, and no package has an import cycle."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

from paths import ROOT

LAYERS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"][0]


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    code = (
        "import sys; sys.path.insert(0, '.'); from importlinter.cli import lint_imports_command; lint_imports_command()"
    )
    return subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-c", code, "--no-cache"], cwd=folder, capture_output=True, text=True, check=False
    )


def test_packages_import_only_lower_ones() -> None:
    ended = lint(ROOT)

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "2 kept, 0 broken" in ended.stdout


def test_a_stray_module_would_be_noticed(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    package = tmp_path / "mock_heidi"
    for source in (ROOT / "mock_heidi").rglob("*.py"):
        target = package / source.relative_to(ROOT / "mock_heidi")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(source.read_bytes())
    (package / "utils.py").write_text("", encoding="utf-8")

    ended = lint(tmp_path)

    assert ended.returncode != 0
    assert "utils" in ended.stdout + ended.stderr


def test_the_map_lists_every_package() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \|", text[text.index("## The map") :], re.MULTILINE)
    mapped = [name for row in rows for name in re.findall(r"\w+", row)]
    layer_of = {name.strip(): number for number, layer in enumerate(LAYERS["layers"]) for name in layer.split("|")}

    assert sorted(mapped) == sorted(layer_of)
    assert [layer_of[name] for name in mapped] == sorted(layer_of.values())


def test_every_package_says_what_it_is_and_what_it_never_does() -> None:
    packages = [path for path in (ROOT / "mock_heidi").glob("*/__init__.py") if path.parent.name != "__pycache__"]
    said = {path.parent.name: ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "" for path in packages}

    assert len(said) == 16
    assert [name for name, text in said.items() if not re.search(r"\b(never|nothing|no|only)\b", text.lower())] == []


def test_each_package_has_a_folder_of_tests() -> None:
    files = [path.relative_to(ROOT / "tests") for path in (ROOT / "tests").rglob("test_*.py")]
    packages = {path.parent.name for path in (ROOT / "mock_heidi").glob("*/__init__.py")}

    assert {path.parts[0] for path in files} == packages | {"app", "contract", "plugin", "project"}
    # pytest imports them by their names alone.
    assert len({path.name for path in files}) == len(files)


def test_no_module_is_longer_than_three_hundred_lines() -> None:
    lengths = {path: path.read_text("utf-8").count("\n") for path in (ROOT / "mock_heidi").rglob("*.py")}

    assert {path.name: length for path, length in lengths.items() if length > 300} == {}


def test_the_layers_name_every_package_and_no_other() -> None:
    named = [name.strip() for layer in LAYERS["layers"] for name in layer.split("|")]

    assert LAYERS["exhaustive"] is True
    assert [name for name in named if not list((ROOT / "mock_heidi").glob(f"{name}*"))] == []
    assert len(set(named)) == len(named)
