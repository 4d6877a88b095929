"""``mock-heidi schema``: what an editor needs to complete and check a fixture file."""

import json
from itertools import dropwhile
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from paths import FIXTURES
from running import run

from mock_heidi import MockHeidi
from mock_heidi.faults.rule import Fault
from mock_heidi.fixtures import loader as fixture_loader
from mock_heidi.fixtures import schema as fixture_schema
from mock_heidi.fixtures.export import export, to_row
from mock_heidi.fixtures.kinds import KINDS
from mock_heidi.state.store import Store

FAULTS = FIXTURES / "faults.yaml"


def examples() -> list[dict[str, Any]]:
    """The faults that the packaged file shows in its comment: it holds none."""
    said = [line[2:] for line in FAULTS.read_text(encoding="utf-8").splitlines() if line.startswith("#")]
    rows: list[dict[str, Any]] = yaml.safe_load("\n".join(dropwhile(lambda line: not line.startswith("- "), said)))
    return rows


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_packaged_files_hold_fits_their_schemas(kind: str) -> None:
    schema = fixture_schema.schema(kind)
    base = fixture_loader.load()
    rows: list[dict[str, Any]] = export(Store(base)).get(kind) or [
        to_row(record, brief=True) for record in Store(base).all(KINDS[kind])
    ]
    rows = rows or examples()

    Draft202012Validator.check_schema(schema)
    assert rows
    assert [error.message for error in Draft202012Validator(schema).iter_errors(rows)] == []


@pytest.mark.parametrize(
    ("kind", "row"),
    [
        ("patient_profiles", {"birth_dat": "1990-01-15"}),
        ("patient_profiles", {"gender": "male"}),
        ("sessions", {"session_id": "x"}),
        ("replies", {"text": "no operation"}),
        ("faults", {"operation": "ask_ai", "end_aftr": 3}),
        ("faults", {"operation": "ask_ai", "end_after": -1}),
        ("faults", {"end_inside": "word"}),
        ("scenarios", {"name": "a", "explanation": "b", "faults": [{"end_aftr": 3}]}),
        ("transcripts", {"id": "a", "title": "b", "session_name": "c", "utterances": []}),
    ],
)
def test_what_a_fixture_file_may_not_hold_does_not_fit(kind: str, row: dict[str, Any]) -> None:
    assert not Draft202012Validator(fixture_schema.schema(kind)).is_valid([row])


def test_the_examples_of_the_packaged_faults_can_be_copied() -> None:
    loaded = Store(fixture_loader.load({"faults": examples()})).all(Fault)

    assert [list(fault.effects) for fault in loaded] == [["end_after"], ["error"], ["delay"]]


def test_a_record_needs_no_more_than_the_loader_does() -> None:
    assert Draft202012Validator(fixture_schema.schema("patient_profiles")).is_valid([{"first_name": "Ada"}])
    assert Draft202012Validator(fixture_schema.schema("sessions")).is_valid([{}])


def test_the_command_prints_one_schema_or_all() -> None:
    one = run("schema", "sessions")
    every = run("schema")
    wrong = run("schema", "patients")

    assert json.loads(one.stdout) == fixture_schema.schema("sessions")
    assert json.loads(every.stdout) == {kind: fixture_schema.schema(kind) for kind in KINDS}
    assert (wrong.returncode, wrong.stderr.count("\n")) == (1, 1)


def test_the_handle_replies_and_sets_a_session() -> None:
    with MockHeidi() as heidi, heidi.client() as client:
        made = heidi.reply("get_transcript", text="Only this.", times=1)
        heidi.session("1234567890", session_name="Migraine")

        said = [client.get("/sessions/1234567890/transcript").json()["transcript"] for _ in range(2)]
        assert (made["operation"], said) == ("get_transcript", ["Only this.", ""])
        assert heidi.session("1234567890")["session_name"] == "Migraine"
