"""Each field that is dropped, renamed, added or changed in answers of this server is found, and nothing else."""

import contextlib
import copy
import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from clients import NOON, Client
from har_files import Recorder, archive
from helpers import SESSION, another
from told_traffic import consultation

from mock_heidi import create_app
from mock_heidi.base.operations import OPERATIONS, STREAMS
from mock_heidi.comparing import har
from mock_heidi.comparing.comparison import MEDIA_TYPE, STATUS, STREAM, Comparison, compare
from mock_heidi.comparing.exchange import Exchange
from mock_heidi.comparing.walker import MISSING, NEW, TYPE

Entry = dict[str, Any]
Edit = Callable[[dict[str, Any], str], None]


@cache
def recorded() -> Recorder:
    """The recording of :func:`consultation` without faults."""
    recorder = Recorder()
    with another() as client, recorder.recording(client):
        consultation(client)
    return recorder


def exchanges(entries: list[Entry], folder: Path) -> list[Exchange]:
    path = folder / "traffic.har"
    path.write_text(json.dumps(archive(entries)), encoding="utf-8")
    return har.read([path]).exchanges


@pytest.fixture
def entries_of(tmp_path: Path) -> Callable[[str], list[Entry]]:
    """A function that returns copies of the entries of an operation."""
    entries = recorded().entries
    names = [one.operation for one in exchanges(entries, tmp_path)]
    return lambda wanted: copy.deepcopy([one for one, name in zip(entries, names, strict=True) if name == wanted])


def holders(value: Any, place: list[str]) -> Iterator[dict[str, Any]]:
    """The objects that have the last name of a place such as ``data[].id``."""
    step, *rest = place
    name, is_list = step.removesuffix("[]"), step.endswith("[]")
    if not isinstance(value, dict) or name not in value:
        return
    if not rest:
        yield value
        return
    for one in value[name] if is_list else [value[name]]:
        yield from holders(one, rest)


def edited(entries: list[Entry], place: str, edit: Edit) -> list[Entry]:
    """Copies of entries whose answers are edited at a place."""
    made = copy.deepcopy(entries)
    for entry in made:
        content = entry["response"]["content"]
        body = json.loads(content["text"])
        for holder in list(holders(body, place.split("."))):
            edit(holder, place.rpartition(".")[2])
        content["text"] = json.dumps(body)
    return made


def found(result: Comparison) -> tuple[set[str], set[str], set[tuple[str, str]]]:
    """The required fields that never came, the new fields, and the other differences."""
    return (
        {one.place for one in result.absent if one.required},
        {row.place for row, _ in result.of(NEW)},
        {(row.kind, row.place) for row, _ in result.differences},
    )


def test_the_consultation_reaches_every_operation_and_differs_nowhere(tmp_path: Path) -> None:
    traffic = exchanges(recorded().entries, tmp_path)

    assert {one.operation for one in traffic} == set(OPERATIONS)
    assert all(one.ok for one in traffic)
    assert found(compare(traffic)) == (set(), set(), set())


@pytest.mark.parametrize("operation", sorted(OPERATIONS.keys() - set(STREAMS)))
def test_every_field_that_is_dropped_renamed_or_added_is_found_and_nothing_else(
    operation: str, entries_of: Callable[[str], list[Entry]], tmp_path: Path
) -> None:
    entries = entries_of(operation)
    fields = compare(exchanges(entries, tmp_path)).fields[operation]

    def result(place: str, edit: Edit) -> Comparison:
        return compare(exchanges(edited(entries, place, edit), tmp_path))

    for place in [one for one in fields.required if fields.came[one]]:
        # An added field stands beside the one at this place.
        added = f"{place.rpartition('.')[0]}.unheard_of".lstrip(".")
        renamed = f"{place.rpartition('.')[0]}.other_name".lstrip(".")
        results = [
            result(place, lambda holder, name: holder.pop(name)),
            result(place, lambda holder, name: holder.update(other_name=holder.pop(name))),
            result(place, lambda holder, _: holder.update(unheard_of=1)),
        ]
        # A question comes back with all that it was sent with, whatever that is.
        free = place.startswith("questionAnswers[].answer") and place.count(".") == 1
        assert found(results[0]) == ({place}, set(), set())
        assert found(results[1]) == ({place}, set() if free else {renamed}, set())
        assert found(results[2]) == (set(), set() if free else {added}, set())
        assert [one.chosen for one in results] == [{}, {}, {}]
        assert [one.contradicted for one in results] == [[], [], []]


@pytest.mark.parametrize("operation", sorted(OPERATIONS.keys() - set(STREAMS)))
def test_every_value_of_another_type_is_found_and_nothing_else(
    operation: str, entries_of: Callable[[str], list[Entry]], tmp_path: Path
) -> None:
    entries = entries_of(operation)
    fields = compare(exchanges(entries, tmp_path)).fields[operation]

    for place in [one for one in fields.required if fields.came[one]]:
        # No field of the contract is a list of lists.
        changed = edited(entries, place, lambda holder, name: holder.update({name: [[1]]}))
        kinds = {
            (row.kind, row.place.removesuffix("[]")) for row, _ in compare(exchanges(changed, tmp_path)).differences
        }
        assert kinds == {(TYPE, place)}


def traffic_with(folder: Path, *rules: dict[str, Any]) -> Comparison:
    """The comparison of a consultation with faults."""
    recorder = Recorder()
    with another() as client, recorder.recording(client):
        for rule in rules:
            assert client.post("/_mock/faults", json=rule).is_success
        with contextlib.suppress(KeyError, ValueError):
            consultation(client)
    return compare(exchanges(recorder.entries, folder))


@pytest.mark.parametrize(
    ("rule", "absent", "new", "differences"),
    [
        ({"drop_key": "session.duration"}, {"session.duration"}, set(), set()),
        ({"rename_key": {"session.duration": "seconds"}}, {"session.duration"}, {"session.seconds"}, set()),
        ({"drop_key": "session.consult_note.status"}, {"session.consult_note.status"}, set(), set()),
        ({"add_key": ["session.unheard_of", "extra"]}, set(), {"session.unheard_of", "extra"}, set()),
        ({"null_key": "session.session_name"}, set(), set(), {(TYPE, "session.session_name")}),
        ({"wrong_type": "session.audio"}, set(), set(), {(TYPE, "session.audio")}),
        ({"duplicate_key": "session.language_code"}, set(), set(), {(TYPE, "session.language_code")}),
        ({"media_type": "text/plain"}, set(), set(), {(MEDIA_TYPE, "")}),
        ({"not_json": True}, set(), set(), {(MEDIA_TYPE, "")}),
        ({"empty": True}, set(), set(), {("body", "")}),
        ({"status": 418}, set(), set(), {(STATUS, "")}),
    ],
)
def test_a_fault_in_a_body_is_found_and_nothing_else(
    tmp_path: Path, rule: dict[str, Any], absent: set[str], new: set[str], differences: set[tuple[str, str]]
) -> None:
    result = traffic_with(tmp_path, {"operation": "get_session", **rule})

    assert found(result) == (absent, new, differences)
    assert result.chosen == {}
    assert {row.operation for row in result.rows} <= {"get_session"}


@pytest.mark.parametrize(
    ("rule", "note"),
    [
        ({"comments": True}, "a comment between the pieces"),
        ({"no_space": True}, "no space after data:"),
        ({"crlf": True}, "lines end with CR LF"),
        ({"end_inside": "json"}, "the stream ends within a piece"),
        ({"error_piece": 1}, "a piece has other keys than data"),
    ],
)
def test_a_fault_in_a_stream_is_found_and_nothing_else(tmp_path: Path, rule: dict[str, Any], note: str) -> None:
    result = traffic_with(tmp_path, {"operation": "ask_ai", **rule})

    assert note in {row.note for row, _ in result.differences}
    assert {(row.operation, row.kind) for row, _ in result.differences} == {("ask_ai", STREAM)}
    assert result.chosen == {}


def test_a_field_that_some_answers_lack_is_not_one_that_never_came(tmp_path: Path) -> None:
    recorder = Recorder()
    with another() as client, recorder.recording(client):
        client.post("/_mock/faults", json={"operation": "get_session", "drop_key": "session.audio", "times": 1})
        for _ in range(3):
            client.get(f"/sessions/{SESSION}")

    result = compare(exchanges(recorder.entries, tmp_path))

    assert [(row.kind, row.place, count) for row, count in result.differences] == [(MISSING, "session.audio", 1)]
    assert found(result)[0] == set()
    assert result.answers["get_session", 200] == 3


def test_faults_are_found_beside_other_assumptions(tmp_path: Path) -> None:
    recorder = Recorder()
    app = create_app(clock=NOON, assume={"session_gist": "present"})
    with contextlib.closing(Client(app)) as client, recorder.recording(client):
        client.post("/_mock/faults", json={"operation": "get_session", "rename_key": {"session.duration": "length"}})
        client.get(f"/sessions/{SESSION}")

    result = compare(exchanges(recorder.entries, tmp_path))

    assert result.chosen == {"session_gist": "present"}
    assert found(result) == ({"session.duration"}, {"session.length"}, set())
