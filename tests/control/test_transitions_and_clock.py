"""The endpoints of the clock and the transitions.

- ``GET|PUT /_mock/clock`` and ``POST /_mock/clock/advance`` → ``{"now": "…Z", "frozen", "speed"}``
- ``GET|PUT /_mock/transitions`` → ``{"transcription", "document_parsing", "consult_note"}``, each one of
  ``{"at_once": true}``, ``{"after_reads": n}`` and ``{"after_seconds": n}``
"""

import asyncio
from typing import Any

import pytest
from clients import NOON, Client
from helpers import SESSION, answered, in_namespace, settled, wire

from mock_heidi.app import App
from mock_heidi.base.settings import BASE_PATH

CLOCK, ADVANCE, TRANSITIONS = "/_mock/clock", "/_mock/clock/advance", "/_mock/transitions"
AT_ONCE = {"at_once": True}
BEGINNING = {"transcription": AT_ONCE, "document_parsing": AT_ONCE, "consult_note": AT_ONCE}
NOTE = {
    "generation_method": "TEMPLATE",
    "template_id": "659b8042fe093d6592b41ef7",
    "addition": "",
    "voice_style": "BRIEF",
}


def refused(error: str, hint: str) -> tuple[int, str]:
    return 400, wire({"error": error, "hint": hint})


def standing(now: str) -> tuple[int, str]:
    """The answer of a frozen clock."""
    return 200, wire({"now": now, "frozen": True, "speed": 0.0})


def session(client: Client) -> str:
    session_id: str = client.post("/sessions").json()["session_id"]
    return session_id


# --- The clock --------------------------------------------------------------------------------------------------------


def test_the_clock_returns_time_and_speed(heidi: Client) -> None:
    assert answered(heidi.get(CLOCK)) == standing("2025-01-06T12:00:00.000Z")


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2030-02-03T04:05:06Z", "2030-02-03T04:05:06.000Z"),
        ("2030-02-03T04:05:06.789", "2030-02-03T04:05:06.789Z"),
        ("2030-02-03", "2030-02-03T00:00:00.000Z"),
        ("1970-01-01", "1970-01-01T00:00:00.000Z"),
    ],
)
def test_the_clock_can_be_set_and_stays_frozen(heidi: Client, now: str, expected: str) -> None:
    assert answered(heidi.put(CLOCK, json={"now": now})) == standing(expected)
    assert heidi.post("/sessions").status_code == 200
    assert heidi.state()["sessions"][-1]["created_at"] == f"{expected[:-1]}000"


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, "12:00:00.000"), (90, "12:01:30.000"), (0.25, "12:00:00.250"), (0.0004, "12:00:00.000")],
)
def test_advancing_moves_the_time_by_whole_milliseconds(heidi: Client, seconds: float, expected: str) -> None:
    assert answered(heidi.post(ADVANCE, json={"seconds": seconds})) == standing(f"2025-01-06T{expected}Z")


@pytest.mark.parametrize(
    ("change", "frozen", "speed"),
    [
        ({"frozen": False}, False, 1.0),
        ({"speed": 2}, False, 2.0),
        ({"frozen": False, "speed": 60}, False, 60.0),
        ({"frozen": True, "speed": 60}, True, 0.0),
        ({"speed": 0}, True, 0.0),
        ({"real": True}, False, 1.0),
        ({"real": True, "now": "2030-01-01"}, False, 1.0),
        ({"real": False}, True, 0.0),
        ({}, True, 0.0),
    ],
)
def test_the_clock_can_run_at_any_speed(heidi: Client, change: dict[str, Any], frozen: bool, speed: float) -> None:
    clock = heidi.put(CLOCK, json=change).json()

    assert list(clock) == ["now", "frozen", "speed"]
    assert (clock["frozen"], clock["speed"]) == (frozen, speed)
    assert (clock["now"] > "2026") == ("real" in change and change["real"])


def test_a_running_clock_can_be_frozen(heidi: Client) -> None:
    heidi.put(CLOCK, json={"speed": 1000})

    stopped = heidi.put(CLOCK, json={"frozen": True})

    assert stopped.json()["now"] >= "2025-01-06T12:00:00.000Z"
    assert answered(heidi.get(CLOCK)) == standing(stopped.json()["now"])


NO_NUMBER = "is not a number from 0 to a billion"
NO_MOMENT = "is not a moment"


@pytest.mark.parametrize(
    ("method", "endpoint", "body", "expected"),
    [
        ("PUT", CLOCK, {"frozen": "yes"}, refused("frozen is neither true nor false", "send true or false")),
        ("PUT", CLOCK, {"real": 1}, refused("real is neither true nor false", "send true or false")),
        ("PUT", CLOCK, {"speed": "2"}, refused(f"speed {NO_NUMBER}", 'send {"speed": 60}')),
        ("PUT", CLOCK, {"speed": -1}, refused(f"speed {NO_NUMBER}", 'send {"speed": 60}')),
        ("PUT", CLOCK, {"speed": True}, refused(f"speed {NO_NUMBER}", 'send {"speed": 60}')),
        (
            "PUT",
            CLOCK,
            {"now": "noon", "frozen": False},
            refused(f"clock: 'noon' {NO_MOMENT}", "write it like 2025-01-06T09:00:00 (UTC)"),
        ),
        ("PUT", CLOCK, {"now": 5}, refused(f"clock: '5' {NO_MOMENT}", "write it like 2025-01-06T09:00:00 (UTC)")),
        (
            "PUT",
            CLOCK,
            {"now": "9999-12-31"},
            refused(f"clock: '9999-12-31' {NO_MOMENT}", "write it like 2025-01-06T09:00:00 (UTC)"),
        ),
        (
            "PUT",
            CLOCK,
            {"now": "1969-12-31"},
            refused(f"clock: '1969-12-31' {NO_MOMENT}", "write it like 2025-01-06T09:00:00 (UTC)"),
        ),
        ("PUT", CLOCK, {"sped": 2}, refused("unknown field 'sped'", "did you mean speed?")),
        ("PUT", CLOCK, [], refused("the body is not an object", "send an object with any of frozen, now, real, speed")),
        ("POST", ADVANCE, {}, refused(f"seconds {NO_NUMBER}", 'send {"seconds": 60}')),
        ("POST", ADVANCE, {"seconds": -1}, refused(f"seconds {NO_NUMBER}", 'send {"seconds": 60}')),
        ("POST", ADVANCE, {"seconds": "60"}, refused(f"seconds {NO_NUMBER}", 'send {"seconds": 60}')),
        ("POST", ADVANCE, {"seconds": 1e10}, refused(f"seconds {NO_NUMBER}", 'send {"seconds": 60}')),
        ("POST", ADVANCE, {"second": 1}, refused("unknown field 'second'", "did you mean seconds?")),
    ],
)
def test_an_invalid_time_changes_nothing(
    heidi: Client, method: str, endpoint: str, body: Any, expected: tuple[int, str]
) -> None:
    assert answered(heidi.request(method, endpoint, json=body)) == expected
    assert answered(heidi.get(CLOCK)) == standing("2025-01-06T12:00:00.000Z")


def test_the_clock_cannot_pass_the_end_of_the_calendar(heidi: Client) -> None:
    heidi.put(CLOCK, json={"now": "8999-12-31T23:59:59Z"})

    answer = heidi.post(ADVANCE, json={"seconds": 2})

    assert answered(answer) == refused("the clock would pass the year 9000", "advance it by fewer seconds")
    assert heidi.post("/sessions").status_code == 200


def test_each_namespace_has_its_own_clock_and_transitions(heidi: Client) -> None:
    heidi.post("/ns/blue/_mock/clock/advance", json={"seconds": 60})
    heidi.put("/ns/blue/_mock/transitions", json={"transcription": {"after_reads": 1}})

    assert answered(heidi.get(CLOCK)) == standing("2025-01-06T12:00:00.000Z")
    assert answered(heidi.get("/ns/blue/_mock/clock")) == standing("2025-01-06T12:01:00.000Z")
    assert heidi.get(TRANSITIONS).json() == BEGINNING


def test_a_token_expires_by_the_namespaces_clock(heidi: Client) -> None:
    heidi.token()

    heidi.post(ADVANCE, json={"seconds": 3599.999})
    before = heidi.get("/patient-profiles").status_code
    heidi.post(ADVANCE, json={"seconds": 0.001})

    assert (before, heidi.get("/patient-profiles").status_code) == (200, 401)


def test_advancing_the_clock_ends_the_waits_that_are_over(app: App) -> None:
    clock = app.registry.default.clock
    woken: list[str] = []

    async def sleep(name: str, seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append(name)

    async def night() -> list[list[str]]:
        sleepers = [asyncio.ensure_future(sleep("early", 10)), asyncio.ensure_future(sleep("late", 30))]
        seen = []
        for seconds in (0, 9, 1, 20):
            clock.advance(seconds)
            for _ in range(10):  # turns of the loop, no time
                await asyncio.sleep(0)
            seen.append(list(woken))
        await asyncio.gather(*sleepers)
        return seen

    assert asyncio.run(night()) == [[], [], ["early"], ["early", "late"]]


# --- Transitions ------------------------------------------------------------------------------------------------------


def test_work_is_done_at_once_by_default(heidi: Client) -> None:
    assert answered(heidi.get(TRANSITIONS)) == (200, wire(BEGINNING))


def test_setting_a_transition_keeps_the_others(heidi: Client) -> None:
    first = heidi.put(TRANSITIONS, json={"transcription": {"after_reads": 2}})
    second = heidi.put(TRANSITIONS, json={"consult_note": {"after_seconds": 1.5}})
    third = heidi.put(TRANSITIONS, json={"transcription": AT_ONCE})

    assert answered(first) == (200, wire({**BEGINNING, "transcription": {"after_reads": 2}}))
    expected = {**BEGINNING, "transcription": {"after_reads": 2}, "consult_note": {"after_seconds": 1.5}}
    assert answered(second) == (200, wire(expected))
    assert answered(third) == (200, wire({**expected, "transcription": AT_ONCE}))
    assert heidi.get(TRANSITIONS).text == third.text


HINT = 'send {"transcription": {"after_reads": 2}}'
ONE_OF = "transcription: should be one of at_once, after_reads, after_seconds"


@pytest.mark.parametrize(
    ("way", "error"),
    [
        ({}, ONE_OF),
        ("at_once", ONE_OF),
        (None, ONE_OF),
        ({"after_reads": 1, "after_seconds": 1}, ONE_OF),
        ({"after_read": 1}, ONE_OF),
        ({"at_once": False}, "transcription.at_once: should be true"),
        *(
            ({name: value}, f"transcription.{name}: should be a number that is not negative")
            for name, values in {"after_reads": (-1, 1.5, "1", True), "after_seconds": (-1, "1", True)}.items()
            for value in values
        ),
    ],
)
def test_an_invalid_transition_changes_nothing(heidi: Client, way: Any, error: str) -> None:
    answer = heidi.put(TRANSITIONS, json={"consult_note": {"after_reads": 5}, "transcription": way})

    assert answered(answer) == refused(error, HINT)
    assert heidi.get(TRANSITIONS).json() == BEGINNING


def test_an_unknown_transition_is_refused(heidi: Client) -> None:
    answer = heidi.put(TRANSITIONS, json={"transcriptions": AT_ONCE})

    assert answered(answer) == refused("unknown field 'transcriptions'", "did you mean transcription?")


def test_reset_restores_or_keeps_clock_and_transitions(heidi: Client) -> None:
    def change() -> None:
        heidi.put(TRANSITIONS, json={"transcription": {"after_reads": 2}})
        heidi.post(ADVANCE, json={"seconds": 60})

    change()
    heidi.post("/_mock/reset?keep=clock,transitions")
    kept = heidi.get(CLOCK).json()["now"], heidi.get(TRANSITIONS).json()["transcription"]
    heidi.post("/_mock/reset")

    assert kept == ("2025-01-06T12:01:00.000Z", {"after_reads": 2})
    assert answered(heidi.get(CLOCK)) == standing("2025-01-06T12:00:00.000Z")
    assert heidi.get(TRANSITIONS).json() == BEGINNING


# --- What they do -----------------------------------------------------------------------------------------------------


def uploaded(client: Client) -> str:
    session_id = session(client)
    client.post(f"/sessions/{session_id}/upload-audio", files={"file": ("a.wav", b"RIFF", "audio/wav")})
    return session_id


def words(client: Client, session_id: str) -> bool:
    return bool(client.get(f"/sessions/{session_id}/transcript").json()["transcript"])


def context(client: Client) -> str:
    session_id = session(client)
    client.post(f"/sessions/{session_id}/context-documents", files={"context_documents": ("a.pdf", b"%PDF")})
    return session_id


def parsed(client: Client, session_id: str) -> bool:
    [document] = client.get(f"/sessions/{session_id}/context-documents").json()["context_documents"]
    return bool(document["status"] == "READY")


def noted(client: Client) -> str:
    session_id = session(client)
    client.post(f"/sessions/{session_id}/consult-note", json=NOTE)
    return session_id


def completed(client: Client, session_id: str) -> bool:
    return bool(client.get(f"/sessions/{session_id}").json()["session"]["consult_note"]["status"] == "COMPLETED")


KINDS = {
    "transcription": (uploaded, words),
    "document_parsing": (context, parsed),
    "consult_note": (noted, completed),
}


@pytest.mark.parametrize("kind", list(KINDS))
def test_with_at_once_the_first_read_finds_the_work_ready(heidi: Client, kind: str) -> None:
    begin, ready = KINDS[kind]
    session_id = begin(heidi)

    assert [ready(heidi, session_id) for _ in range(2)] == [True, True]


@pytest.mark.parametrize("kind", list(KINDS))
def test_with_after_reads_the_first_reads_find_the_work_unready(heidi: Client, kind: str) -> None:
    begin, ready = KINDS[kind]
    heidi.put(TRANSITIONS, json={kind: {"after_reads": 2}})
    session_id = begin(heidi)
    heidi.post(ADVANCE, json={"seconds": 3000})

    assert [ready(heidi, session_id) for _ in range(4)] == [False, False, True, True]


@pytest.mark.parametrize("kind", list(KINDS))
def test_with_after_seconds_the_work_is_unready_until_then(heidi: Client, kind: str) -> None:
    begin, ready = KINDS[kind]
    heidi.put(TRANSITIONS, json={kind: {"after_seconds": 30}})
    session_id = begin(heidi)

    seen = []
    for seconds in (0, 29.999, 0.001):
        heidi.post(ADVANCE, json={"seconds": seconds})
        seen.append(ready(heidi, session_id))

    assert seen == [False, False, True]


def test_reads_of_other_sessions_do_not_count(heidi: Client) -> None:
    heidi.put(TRANSITIONS, json={"transcription": {"after_reads": 1}})
    one, other = uploaded(heidi), uploaded(heidi)

    assert [words(heidi, one), words(heidi, other), words(heidi, one)] == [False, False, True]


def test_a_note_that_was_there_from_the_start_stays_as_it_is(heidi: Client) -> None:
    before = settled(heidi)
    heidi.put(TRANSITIONS, json={"consult_note": {"after_reads": 0}})

    assert [completed(heidi, SESSION) for _ in range(3)] == [False, False, False]
    assert heidi.state() == before


def test_new_records_have_the_time_of_the_namespaces_clock(heidi: Client) -> None:
    blue = in_namespace(heidi, "blue")
    heidi.post("/ns/blue/_mock/clock/advance", json={"seconds": 60})

    session_id = session(blue)
    created = blue.get(f"/sessions/{session_id}").json()["session"]["created_at"]
    blue.close()

    assert blue.base == f"/ns/blue{BASE_PATH}"
    assert created == f"{NOON[:-5]}01:00.000000"
