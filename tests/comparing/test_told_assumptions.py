"""Traffic of this server under each value of each assumption tells this value, and no wrong one of another."""

import contextlib
import json
import random
from pathlib import Path
from typing import Any

import jwt
import pytest
from alternatives import CASES, EACH, NOTE
from clients import NOON, Client
from har_files import Recorder
from helpers import another
from told_traffic import AFTER, BEFORE, consultation, tell

from mock_heidi import create_app
from mock_heidi.base.assumptions import Assumptions, assumptions, choosable
from mock_heidi.comparing import har
from mock_heidi.comparing.comparison import Comparison, compare
from mock_heidi.comparing.detectors import DETECTORS
from mock_heidi.comparing.exchange import Exchange
from mock_heidi.comparing.report import undecidable
from mock_heidi.comparing.walker import NEW

DEFAULTS = {name: one.default for name, one in assumptions().items()}
# An answer shows only that the limit is above or below a size.
UNTOLD = ["body_limit"]
TOLD = [(name, value) for name, value in EACH if name not in UNTOLD]


def recorded(folder: Path, *names: str, **assume: Any) -> list[Exchange]:
    """Traffic that shows these assumptions, from a server with these values."""
    recorder = Recorder()
    with another(assume=assume) as client, recorder.recording(client):
        for name in names:
            tell(name, client)
    return har.read([recorder.write(folder / "traffic.har")]).exchanges


def compared(folder: Path, *names: str, **assume: Any) -> Comparison:
    """The comparison of such traffic with a mock under the defaults."""
    return compare(recorded(folder, *names, **assume))


def told(result: Comparison) -> dict[str, tuple[Any, ...]]:
    """The values that the traffic leaves, by assumption."""
    return {one.assumption.name: one.values for one in result.evidence}


@pytest.mark.parametrize(("name", "value"), TOLD, ids=str)
def test_traffic_under_a_value_tells_it_and_no_wrong_value_of_another(tmp_path: Path, name: str, value: Any) -> None:
    result = compared(tmp_path, name, **{name: value})

    found = told(result)
    assert found.pop(name) == (value,)
    assert {other: values for other, values in found.items() if DEFAULTS[other] not in values} == {}
    assert result.differences == []
    assert result.of(NEW) == []
    assert [one.place for one in result.absent if one.required] == []
    assert result.chosen == ({} if value == DEFAULTS[name] else {name: value})


def test_traffic_settles_every_assumption_with_a_choice_but_one() -> None:
    assert undecidable() == UNTOLD
    assert {one.name for one in DETECTORS} == set(choosable()) - set(UNTOLD)
    assert all(one.needs.endswith(".") for one in DETECTORS)


def test_no_extra_traffic_is_without_need(tmp_path: Path) -> None:
    short = []
    for name in BEFORE.keys() | AFTER.keys():
        for value in CASES[name].expected:
            recorder, app = Recorder(), create_app(clock=NOON, assume={name: value})
            with contextlib.closing(Client(app)) as client, recorder.recording(client):
                CASES[name].look(client)
            found = told(compare(har.read([recorder.write(tmp_path / "traffic.har")]).exchanges))
            if found.get(name) != (value,):
                short.append(name)

    assert set(short) == BEFORE.keys() | AFTER.keys()


def test_a_long_recording_under_the_defaults_settles_the_defaults_and_differs_nowhere(tmp_path: Path) -> None:
    # Some cases need their own server, since they change what others begin with, such as the time.
    names = ("note_status", "gender_case", "creation_status", "missing_token", "stream_framing", "segment_repeat")
    result = compared(tmp_path, *names)

    assert result.drifted is False
    assert {name: values for name, values in told(result).items() if DEFAULTS[name] not in values} == {}


def test_each_of_several_values_is_told(tmp_path: Path) -> None:
    values: dict[str, Any] = {
        "missing_token": 403,
        "bad_token": "string_401",
        "validation_errors": "pydantic1",
        "creation_status": 201,
        "stream_framing": "ndjson",
        "session_gist": "present",
        "profile_not_found": 400,
    }
    result = compared(tmp_path, *values, **values)

    assert result.chosen == values
    assert result.differences == []
    assert result.of(NEW) == []


@pytest.mark.parametrize(("name", "value"), [one for one in TOLD if one[1] != DEFAULTS[one[0]]], ids=str)
def test_traffic_of_the_defaults_differs_from_a_mock_with_another_value(tmp_path: Path, name: str, value: Any) -> None:
    traffic = recorded(tmp_path, name)

    result = compare(traffic, Assumptions({name: value}))

    assert result.chosen == {name: DEFAULTS[name]}
    assert result.choices == {}
    assert result.differences == []
    assert result.of(NEW) == []


# Their values show in times, and the clock of these servers stands still or jumps. The last only matters for types
# that are detected by the name of the file.
NOT_WITH_OTHERS = {"updated_at_changes", "linked_user_sessions", "jpeg_extension"}


@pytest.mark.parametrize("seed", range(12))
def test_random_values_of_many_assumptions_are_never_told_wrong(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - it only has to repeat
    planted = {one.name: chance.choice([one.default, *one.alternatives]) for one in assumptions().values()}
    if seed % 2:
        planted = {name: value if chance.random() < 0.2 else DEFAULTS[name] for name, value in planted.items()}
    recorder, app = Recorder(), create_app(clock=NOON, assume=planted)
    with contextlib.closing(Client(app)) as client, recorder.recording(client):
        for name in chance.sample(sorted(CASES), 20):
            with contextlib.suppress(AssertionError, KeyError, ValueError, TypeError, IndexError, StopIteration):
                tell(name, client)  # a case knows its own assumption only, and may meet an unexpected refusal

    found = told(compare(har.read([recorder.write(tmp_path / "traffic.har")]).exchanges))

    assert {name for name, values in found.items() if planted[name] not in values} - NOT_WITH_OTHERS == set()
    assert len(found) > 20


def test_traffic_that_contradicts_itself_settles_nothing_and_names_both_values(tmp_path: Path) -> None:
    recorder = Recorder()
    with another() as client, recorder.recording(client):
        for status in (401, 403, 403):
            client.put("/_mock/assumptions", json={"missing_token": status})
            client.get("/patient-profiles", signed=False)

    result = compare(har.read([recorder.write(tmp_path / "traffic.har")]).exchanges)

    (evidence,) = result.contradicted
    assert (evidence.assumption.name, evidence.contradicting) == ("missing_token", [(401, 1), (403, 2)])
    assert result.chosen == {}
    assert result.differences == []
    assert result.drifted is True


def test_what_two_values_explain_is_narrowed_down_and_not_settled(tmp_path: Path) -> None:
    recorder = Recorder()
    with another() as client, recorder.recording(client):
        client.post("/patient-profiles", json={"gender": "unknown"})

    result = compare(har.read([recorder.write(tmp_path / "traffic.har")]).exchanges)

    assert [one.values for one in result.narrowed if one.assumption.name == "gender_case"] == [("any_case", "exact")]
    assert "gender_case" not in {one.assumption.name for one in result.settled}


def test_a_recorder_that_leaves_out_tokens_gives_no_wrong_link(tmp_path: Path) -> None:
    recorder = Recorder()
    with another() as client, recorder.recording(client):
        client.sign_in(third="one")
        client.get("/users/linked-account/access")
        client.sign_in(third="two")
        client.post("/patient-profiles", json={})
    for entry in recorder.entries:
        entry["request"]["headers"] = [one for one in entry["request"]["headers"] if one["name"] != "authorization"]

    result = compare(har.read([recorder.write(tmp_path / "traffic.har")]).exchanges)

    assert "linked_account_required" not in told(result)


def test_a_recorder_that_leaves_out_the_content_of_files_gives_no_empty_audio(tmp_path: Path) -> None:
    recorder = Recorder()
    with another() as client, recorder.recording(client):
        path = f"/sessions/{client.post('/sessions').json()['session_id']}"
        client.post(f"{path}/upload-audio", files={"file": ("a.wav", b"RIFF", "audio/wav")})
        client.post(f"{path}/consult-note", json=NOTE)
    (upload,) = [one for one in recorder.entries if one["request"]["url"].endswith("/upload-audio")]
    upload["request"]["postData"]["text"] = upload["request"]["postData"]["text"].replace("RIFF", "")

    found = told(compare(har.read([recorder.write(tmp_path / "traffic.har")]).exchanges))

    assert "empty_audio" not in found
    assert "malformed_multipart" not in found


def test_a_recording_without_the_bodies_of_requests_tells_nothing_wrong(tmp_path: Path) -> None:
    values = {"creation_status": 201, "content_type_default": "html", "context_documents_delete_none": "all"}
    recorder = Recorder()
    app = create_app(clock=NOON, assume=values)
    with contextlib.closing(Client(app)) as client, recorder.recording(client):
        consultation(client)
        tell("note_without_recording", client)
    for entry in recorder.entries:
        entry["request"].pop("postData", None)
        entry["request"]["bodySize"] = -1
        headers = entry["request"]["headers"]
        entry["request"]["headers"] = [one for one in headers if one["name"] != "content-length"]

    found = told(compare(har.read([recorder.write(tmp_path / "traffic.har")]).exchanges))

    expected = {**DEFAULTS, **values}
    assert {name: kept for name, kept in found.items() if expected[name] not in kept} == {}


@pytest.mark.parametrize("seconds", [900, 901])
def test_the_lifetime_of_a_token_with_its_own_times_is_exact(tmp_path: Path, seconds: int) -> None:
    recorder = Recorder()
    with another() as client, recorder.recording(client):
        client.sign_in()
    issued = jwt.encode({"iat": 1736164800, "exp": 1736164800 + seconds}, "a key of thirty-two bytes at least")
    content = recorder.entries[0]["response"]["content"]
    content["text"] = json.dumps({**json.loads(content["text"]), "token": issued})

    assert compare(har.read([recorder.write(tmp_path / "traffic.har")]).exchanges).chosen == {"token_lifetime": seconds}
