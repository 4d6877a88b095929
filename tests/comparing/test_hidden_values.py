"""No recorded value is in a result: no token, no key, no name, no date, no text."""

import contextlib
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from har_files import Recorder, archive
from helpers import another
from paths import ROOT
from told_traffic import consultation

from mock_heidi.base.settings import ConfigError
from mock_heidi.comparing import har, report
from mock_heidi.comparing.comparison import compare
from mock_heidi.comparing.walker import NEW

EMAIL, TOKEN, BORN = "ada.example@clinic.example", "eyJhbGciOiJIUzI1NiJ9.c2VjcmV0.c2ln", "1990-01-15"
PHONE_NAME = "p_447700900123"
SECRETS = {
    EMAIL: "an e-mail as a name",
    TOKEN: "a token as a name",
    BORN: "a date as a name",
    "Ada Example": "a name as a name",
    PHONE_NAME: "a number as a name",
    "transcript text with words": "Patient says that she coughs",
}


def planted() -> list[dict[str, Any]]:
    """The entries of a consultation whose answers differ in all ways, with data also in the names of fields."""
    recorder = Recorder()
    with another() as client, recorder.recording(client):
        for rule in (
            {"operation": "get_session", "wrong_type": ["session.duration", "session.session_name"]},
            {"operation": "list_patient_profiles", "rename_key": {"data.*.first_name": "given_name"}},
            {"operation": "get_transcript", "media_type": "text/x-ada-example"},
            {"operation": "ask_ai", "error_piece": 1},
        ):
            client.post("/_mock/faults", json=rule)
        with contextlib.suppress(KeyError):
            consultation(client)
    for entry in recorder.entries:
        content = entry["response"]["content"]
        if content["text"].startswith("{"):
            content["text"] = json.dumps({**json.loads(content["text"]), **SECRETS, "patients": {EMAIL: 1}})
    failed = recorder.entries[-1]["response"]
    failed |= {"status": 451, "statusText": "Ada Example"}
    return recorder.entries


def leaves(value: Any) -> Iterator[str]:
    """All texts in a JSON value, the names of its objects as well."""
    if isinstance(value, dict):
        for name, one in value.items():
            yield from (name, *leaves(one))
    elif isinstance(value, list):
        for one in value:
            yield from leaves(one)
    elif isinstance(value, str):
        yield value


def recorded_texts(entries: list[dict[str, Any]]) -> set[str]:
    """Every text of a recording: bodies, headers, parts of URLs."""
    found = set()
    for entry in entries:
        for side in (entry["request"].get("postData", {}), entry["response"]["content"]):
            with contextlib.suppress(ValueError):
                found |= set(leaves(json.loads(side.get("text", ""))))
        for header in (*entry["request"]["headers"], *entry["response"]["headers"]):
            found |= {header["value"], *header["value"].split()}
        found |= set(unquote(entry["request"]["url"]).replace("?", "/").replace("&", "/").replace("=", "/").split("/"))
    return found


def outputs(entries: list[dict[str, Any]], folder: Path) -> str:
    """All that a comparison writes."""
    path = folder / "traffic.har"
    path.write_text(json.dumps(archive(entries)), encoding="utf-8")
    traffic = har.read([path])
    result = compare(traffic.exchanges)
    written = folder / "assumptions.yaml"
    report.write(result, written)
    return "\n".join(
        [*report.lines(result, traffic), json.dumps(report.as_json(result, traffic)), written.read_text("utf-8")]
    )


def test_no_recorded_text_is_in_a_result(tmp_path: Path) -> None:
    entries = planted()
    ours = "".join(
        (ROOT / name).read_text("utf-8")
        for name in ("openapi.yaml", "mock_heidi/base/assumptions.yaml", "mock_heidi/base/operations.py")
    )
    texts = {text for text in recorded_texts(entries) if len(text) > 3 and text not in ours}
    texts -= {"patients", "given_name"}  # the names of new fields

    shown = outputs(entries, tmp_path)

    assert len(texts) > 100
    assert {text for text in texts if text in shown} == set()
    assert "given_name" in shown
    assert f"<a name of {len(EMAIL)} characters>" in shown
    assert PHONE_NAME not in shown


def test_the_names_of_a_map_are_counted_and_not_shown(tmp_path: Path) -> None:
    names = ["Ada", "Bea", "Cay", "Dee", "Eve", "Fay", "Gia", "Hal", "Ida", "Joe", "Kim", "Leo", "Mia"]
    recorder = Recorder()
    with another() as client, recorder.recording(client):
        client.get("/patient-profiles")
    content = recorder.entries[-1]["response"]["content"]
    content["text"] = json.dumps({**json.loads(content["text"]), **dict.fromkeys(names, 1)})

    result = compare(har.read([recorder.write(tmp_path / "traffic.har")]).exchanges)

    assert [(row.place, row.note) for row, _ in result.of(NEW)] == [("<13 names>", "values of a map")]


VALUES: list[Any] = [None, True, -1, 1.5, "", "x", [], {}, ["a"], {"a": 1}, [[1]], [{"a": []}], 10**40]


def spoiled(value: Any, chance: random.Random) -> Any:
    """A copy of a JSON value in which some values are others."""
    if chance.random() < 0.04:
        return chance.choice(VALUES)
    if isinstance(value, dict):
        return {name: spoiled(one, chance) for name, one in value.items() if chance.random() > 0.02}
    return [spoiled(one, chance) for one in value] if isinstance(value, list) else value


@pytest.mark.parametrize("seed", range(20))
def test_no_traffic_ends_in_a_traceback(tmp_path: Path, seed: int) -> None:
    chance, entries = random.Random(seed), planted()  # noqa: S311 - it only has to repeat
    for entry in entries:
        for side in (entry["request"].get("postData", {}), entry["response"]["content"]):
            with contextlib.suppress(ValueError):
                side["text"] = json.dumps(spoiled(json.loads(side.get("text", "")), chance))

    outputs(entries, tmp_path)
    with contextlib.suppress(ConfigError):
        outputs(spoiled(entries, chance), tmp_path)
