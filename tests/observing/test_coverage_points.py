"""The points of coverage follow from the contract and the table of operations, and each has a valid hint."""

import contextlib
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
import yaml
from paths import ROOT

from mock_heidi import Handle, MockHeidi
from mock_heidi.base.operations import OPERATIONS, STREAMS
from mock_heidi.cli.command_server import client_variables
from mock_heidi.client.proxies import rule_body
from mock_heidi.faults.rule import parse
from mock_heidi.observing.coverage.all_points import all_points
from mock_heidi.observing.coverage.example_calls import example_call, set_at
from mock_heidi.observing.coverage.hint_lines import call
from mock_heidi.observing.coverage.hints import hint
from mock_heidi.observing.coverage.points import ENDINGS, KINDS, TOKEN_STATES, Point
from mock_heidi.observing.coverage.report import counts_in
from mock_heidi.observing.coverage.schema_fields import Words

CONTRACT: Any = yaml.safe_load((ROOT / "openapi.yaml").read_text(encoding="utf-8"))
METHODS = ("get", "post", "put", "patch", "delete")


def names(kind: str) -> list[str]:
    return [point.name for point in all_points() if point.kind == kind]


def resolved(node: Any) -> Any:
    while "$ref" in node:
        _, *steps = node["$ref"].split("/")
        node = CONTRACT
        for step in steps:
            node = node[step]
    return node


def documented_operations() -> Iterator[Any]:
    for path in CONTRACT["paths"].values():
        yield from (path[method] for method in METHODS if method in path)


# --- What the points are ----------------------------------------------------------------------------------------------


def test_every_operation_is_a_point() -> None:
    assert sorted(names("operation")) == sorted(OPERATIONS)


def test_every_documented_error_is_a_point() -> None:
    texts = {
        "only audio file is allowed": "OnlyAudioError",
        "error: failed to upload audio": "UploadFailedError",
        "unsupported file type": "UnsupportedFileTypeError",
        "Request body too large": "BodyTooLargeError",
    }
    expected = set()
    for operation in documented_operations():
        for status, response in operation["responses"].items():
            if status in ("200", "401"):
                continue
            schema = resolved(response)["content"]["application/json"]["schema"]
            for branch in schema.get("anyOf", [schema]):
                detail = resolved(resolved(branch)["properties"]["detail"])
                kind = "UnprocessableError" if detail["type"] == "array" else texts.get(detail.get("const"))
                name = kind or detail["properties"]["type"]["const"]
                expected.add(f"{operation['operationId']} {name}")

    assert set(names("error")) == expected
    assert len(names("error")) > 60


def test_every_optional_field_and_parameter_is_a_point() -> None:
    fields = names("optional_field")

    assert [name for name in fields if name.startswith("create_session ")] == [
        "create_session patient_profile_id",
        "create_session ehr_appointment_id",
    ]
    assert [name for name in fields if name.startswith("update_session patient")] == [
        "update_session patient",
        "update_session patient.name",
        "update_session patient.gender",
        "update_session patient.dob",
        "update_session patient.demographic_details",
    ]
    assert "answer_custom_template questions[].answerOptions[].value" in fields
    assert [name for name in fields if name.startswith("list_linked_user_sessions ")] == [
        "list_linked_user_sessions ?page_size",
        "list_linked_user_sessions ?page",
    ]
    assert [name for name in fields if name.startswith("upload_audio ")] == [
        "upload_audio start_time",
        "upload_audio end_time",
        "upload_audio expiry",
    ]


def test_no_required_field_is_a_point() -> None:
    required = {
        (operation["operationId"], name)
        for operation in documented_operations()
        for media in resolved(operation.get("requestBody", {})).get("content", {}).values()
        for name in resolved(media["schema"]).get("required", [])
    }

    assert len(required) > 10
    assert {f"{operation} {name}" for operation, name in required}.isdisjoint(names("optional_field"))


def test_every_list_of_words_is_covered_as_it_is_sent_and_received() -> None:
    words = {
        f"{name} {word}"
        for name, schema in CONTRACT["components"]["schemas"].items()
        if name != "SentGender"  # the same words as Gender
        for word in schema.get("enum", schema.get("x-words", ()))
    }

    assert {*names("sent_word"), *names("received_word")} == words
    assert "Gender OTHER" in names("sent_word")
    assert "ChunkStatus FAILED" not in names("sent_word")


def test_every_stream_has_all_endings() -> None:
    assert sorted(names("stream_ending")) == sorted(f"{name} {ending}" for name in STREAMS for ending in ENDINGS)


def test_token_states_are_points() -> None:
    assert names("token") == list(TOKEN_STATES)


def test_every_list_of_statuses_is_a_transition() -> None:
    statuses = {
        f"{name} {schema['enum'][0]} to {schema['enum'][1]}"
        for name, schema in CONTRACT["components"]["schemas"].items()
        if name.endswith("Status") and "enum" in schema
    }

    assert len(statuses) == 4
    assert statuses < set(names("transition"))


def test_the_worst_kind_comes_first() -> None:
    order = [point.kind for point in all_points()]

    assert list(dict.fromkeys(order)) == list(KINDS)
    assert len(set(all_points())) == len(all_points())


def test_a_word_in_any_case_is_found_only_where_any_case_is_documented() -> None:
    assert Words("Gender", ("MALE",), any_case=True).find("Male") == "MALE"
    assert Words("Brain", ("LEFT",), any_case=False).find("Left") is None
    assert Words("Brain", ("LEFT",), any_case=False).find(["LEFT"]) is None


@pytest.mark.parametrize(
    ("body", "made"),
    [
        ({}, {"a": [{"b": {"c": 1}}]}),
        ({"a": None}, {"a": [{"b": {"c": 1}}]}),
        ({"a": ["old form"]}, {"a": [{"b": {"c": 1}}]}),
        ({"a": [{"b": {"d": 2}}, {}]}, {"a": [{"b": {"d": 2, "c": 1}}, {}]}),
    ],
)
def test_a_field_is_set_in_the_first_item_of_a_list(body: Any, made: Any) -> None:
    set_at(body, ("a", "*", "b", "c"), 1)

    assert body == made


# --- Hints ------------------------------------------------------------------------------------------------------------


class Counted(NamedTuple):
    """A server that counts, the handle of a new namespace, and a client of it that does not wait long."""

    server: Handle
    heidi: Handle
    client: httpx.Client

    def run(self, line: str) -> None:
        """Run a line of Python as a user would. A fault may break the connection or stall."""
        with contextlib.suppress(httpx.TransportError):
            eval(line, {"heidi": self.heidi, "client": self.client})  # noqa: S307 - our own lines

    def call(self, *operations: str) -> None:
        for operation in operations:
            self.run(call(example_call(operation)).python)

    @property
    def exercised(self) -> set[Point]:
        return set(counts_in(self.server.control("GET", "/coverage")))


@pytest.fixture(scope="module")
def server() -> Iterator[Handle]:
    with MockHeidi(coverage=True) as server:
        yield server


@pytest.fixture
def counted(server: Handle) -> Iterator[Counted]:
    with server.namespace("tested") as heidi, heidi.client(timeout=0.5) as client:
        server.control("DELETE", "/coverage")
        yield Counted(server, heidi, client)


# What a client does next, for points whose hint is no call of the operation.
_NEXT = {
    "AudioStatus": ("upload_audio", "get_session", "get_transcript", "get_transcript", "get_session"),
    "ChunkStatus": ("upload_audio", "get_live_transcript", *["get_transcript"] * 2, "get_live_transcript"),
    "ContextDocumentStatus": ("upload_context_documents", "list_context_documents", "list_context_documents"),
    "ConsultNoteStatus": ("generate_consult_note", "get_session", "get_session"),
}


def next_calls(point: Point, line: str) -> tuple[str, ...]:
    """The operations that the client calls after a hint, to exercise its point."""
    if line.startswith("client."):
        return ()
    if line.startswith(("heidi.fault(", "heidi.reply(")):
        return (line.split('"')[1],)
    words = point.name.split()[0]
    return _NEXT[words] if point.kind == "transition" else ("get_session",)


@pytest.mark.slow
@pytest.mark.parametrize("point", all_points(), ids=lambda point: f"{point.kind}: {point.name}")
def test_the_hint_of_a_point_exercises_it(counted: Counted, point: Point) -> None:
    line = hint(point).python

    before = counted.exercised
    counted.run(line)
    counted.call(*next_calls(point, line))

    assert point in counted.exercised - before
    assert "\n" not in line


class Rules:
    """Stands for a handle, and keeps the rule that is set."""

    def __init__(self) -> None:
        self.rule: Any = None

    def fault(self, operation: str, **fields: Any) -> None:
        self.rule = rule_body(operation, fields)


@pytest.mark.parametrize(
    "point", [one for one in all_points() if hint(one).command.startswith("mock-heidi fault")], ids=lambda one: one.name
)
def test_the_command_of_a_fault_sets_the_same_rule(point: Point) -> None:
    rules = Rules()
    eval(hint(point).python, {"heidi": rules})  # noqa: S307 - our own lines
    *words, rule = shlex.split(hint(point).command)

    assert words == ["mock-heidi", "fault", "add"]
    assert parse(rules.rule) == parse(rule)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize(
    "point",
    [
        Point("operation", "get_jwt"),
        Point("operation", "create_patient_profile"),
        Point("operation", "upload_audio"),
        Point("operation", "upload_context_documents"),
        Point("optional_field", "list_patient_profiles ?ehr_patient_id"),
        Point("optional_field", "upload_audio start_time"),
        Point("token", "other_namespace"),
        Point("transition", "recording started to finished"),
        Point("transition", "account linked to unlinked"),
    ],
    ids=lambda one: one.name,
)
def test_a_command_exercises_its_point(counted: Counted, point: Point) -> None:
    scripts = str(Path(sys.executable).parent)
    variables = {**os.environ, **client_variables(counted.heidi), "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"}

    ended = subprocess.run(  # noqa: S602 - our own commands
        hint(point).command, shell=True, env=variables, check=False, capture_output=True, text=True
    )

    assert ended.returncode == 0, ended.stderr
    assert point in counted.exercised


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_a_command_of_the_control_api_is_taken(counted: Counted) -> None:
    command = hint(Point("received_word", "ChunkStatus FAILED")).command

    subprocess.run(  # noqa: S602 - as above
        command, shell=True, env={**os.environ, **client_variables(counted.heidi)}, check=True, capture_output=True
    )
    counted.call("get_live_transcript")

    assert Point("received_word", "ChunkStatus FAILED") in counted.exercised
