"""The JSON that the build makes of the packaged YAML: the same records and assumptions, and never older ones."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mock_heidi.base import assumptions, built, spec
from mock_heidi.base.values import Record
from mock_heidi.cli.main import main
from mock_heidi.faults import effects
from mock_heidi.fixtures import files as fixture_files
from mock_heidi.fixtures import loader as fixture_loader
from mock_heidi.fixtures import schema as fixture_schema
from mock_heidi.fixtures import wheel_data
from mock_heidi.fixtures.kinds import KINDS
from mock_heidi.state.code_records import CodeEntry
from mock_heidi.state.consultation_records import Consultation
from mock_heidi.state.store import Base
from mock_heidi.state.template_records import NoteTemplate

_CACHED = (
    (fixture_files, "packaged"),
    (fixture_loader, "_packaged_base"),
    (fixture_loader, "_packaged_records"),
    (spec, "fixtures_digest"),
    (assumptions, "assumptions"),
    (assumptions, "assumed"),
)


def forget() -> None:
    """Have everything read anew, as after a start."""
    for module, name in _CACHED:
        getattr(module, name).cache_clear()


@pytest.fixture
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """Writes what a wheel would carry, and has it used; without a call there is nothing, as in a checkout."""
    folder = tmp_path / "built"
    monkeypatch.setattr(built, "FOLDER", folder)
    forget()

    def write() -> None:
        folder.mkdir()
        for name, text in wheel_data.files().items():
            (folder / f"{name}.json").write_bytes(text)
        forget()

    yield write
    forget()


def records(base: Base) -> dict[type[Record], list[tuple[Any, ...]]]:
    """The records of a base in their order, each with its fields and the names of those that were given."""
    kinds = {*KINDS.values(), *base.records}
    return {kind: [(one, repr(one), one.model_fields_set) for one in base.records[kind].values()] for kind in kinds}


@pytest.mark.parametrize("api_key", [None, "another-key"])
def test_what_was_built_makes_the_state_that_the_yaml_makes(build: Callable[[], None], api_key: str | None) -> None:
    read = records(fixture_loader.load(api_key=api_key))

    build()

    made = fixture_loader.load(api_key=api_key)
    assert made.packaged == frozenset(KINDS)
    assert records(made) == read
    assert all(len(read[kind]) > 1 for kind in (NoteTemplate, Consultation, CodeEntry))


def status_of(*args: str) -> Any:
    """The status that a command ends with."""
    with pytest.raises(SystemExit) as ended:
        main([*args])
    return ended.value.code


def test_validate_counts_what_the_build_has_checked(
    build: Callable[[], None], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    status_of("validate", "--json")
    read = capsys.readouterr().out

    build()
    monkeypatch.setattr(fixture_loader, "load", None)

    assert status_of("validate", "--json") == 0
    assert capsys.readouterr().out == read


def test_validate_checks_packaged_fixtures_that_the_build_has_not_seen(
    build: Callable[[], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    build()
    copy = tmp_path / "fixtures"
    shutil.copytree(spec.data("fixtures"), copy)
    (copy / "templates.yaml").write_text("- {name: Short}\n", encoding="utf-8")
    monkeypatch.setattr(spec, "data", lambda _: copy)
    forget()

    assert status_of("validate") == 1
    assert "templates.yaml:1: [0].id: " in capsys.readouterr().err


def test_validate_holds_a_folder_against_the_transcripts_of_the_build(
    build: Callable[[], None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    build()
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "sessions.yaml").write_text("- {consultation: unheard}\n", encoding="utf-8")

    assert status_of("validate", str(tmp_path / "own")) == 1
    assert "sessions.yaml:1: [0].consultation: no consultation 'unheard'" in capsys.readouterr().err


def test_what_was_built_makes_the_assumptions_that_the_yaml_makes(build: Callable[[], None]) -> None:
    read = assumptions.assumptions()

    build()

    assert list(assumptions.assumptions().items()) == list(read.items())


def test_what_was_built_holds_the_schemas_of_the_models(
    build: Callable[[], None], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = fixture_schema.schemas()

    build()
    monkeypatch.setattr(fixture_schema, "schemas", None)
    with pytest.raises(SystemExit):
        main(["schema"])

    assert capsys.readouterr().out == f"{json.dumps(made, indent=2, ensure_ascii=False)}\n"


def test_schemas_of_other_models_are_not_used(
    build: Callable[[], None], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    build()
    monkeypatch.setattr(built, "code", lambda: "of a changed module")
    monkeypatch.setattr(fixture_schema, "schemas", lambda: {"sessions": "made anew"})
    with pytest.raises(SystemExit):
        main(["schema", "sessions"])

    assert json.loads(capsys.readouterr().out) == "made anew"


def test_schemas_are_those_of_every_module_also_of_the_effects(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Path] = []
    monkeypatch.setattr(built, "digest", read.extend)

    built.code()

    assert Path(effects.__file__) in read


def test_what_was_built_is_what_is_read(build: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    build()
    monkeypatch.setattr(fixture_files, "_text", None)  # reads YAML, as does:
    monkeypatch.setattr(assumptions, "_read", None)

    base = fixture_loader.load()

    assert [base.records[kind] for kind in KINDS.values()]
    assert assumptions.assumed("token_lifetime") == 3600


@pytest.mark.parametrize(
    ("file", "before"),
    [("templates", "Progress note"), ("patient_profiles", "Priyanka"), ("api_keys", "mock-heidi-key-two")],
)
def test_a_changed_fixture_is_read_and_nothing_that_was_built_of_an_older_one(
    build: Callable[[], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, before: str
) -> None:
    build()
    copy = tmp_path / "fixtures"
    shutil.copytree(spec.data("fixtures"), copy)
    changed = copy / f"{file}.yaml"
    text = changed.read_text(encoding="utf-8")
    changed.write_text(text.replace(before, "Changed"), encoding="utf-8")
    monkeypatch.setattr(spec, "data", lambda _: copy)

    base = fixture_loader.load()

    shown = repr([list(base.records[kind].values()) for kind in KINDS.values()])
    assert "'Changed'" in shown
    assert f"'{before}'" not in shown


def test_a_changed_assumption_is_read(
    build: Callable[[], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build()
    changed = tmp_path / "assumptions.yaml"
    row = "- {name: token_lifetime, decides: x, default: 7, alternatives: [], why: x}\n"
    changed.write_text(row, encoding="utf-8")
    monkeypatch.setattr(assumptions, "_FILE", changed)

    assert assumptions.assumed("token_lifetime") == 7
