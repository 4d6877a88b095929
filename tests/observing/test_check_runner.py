"""The checks of requests that overlap, come out of order or never end, and the memory of the checks."""

import gc
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from mock_heidi.base.memory import MemoryBudget
from mock_heidi.base.settings import BASE_PATH
from mock_heidi.observing.check_runner import CheckRunner
from mock_heidi.observing.checks.check import REMEMBERED
from mock_heidi.observing.entry import Entry
from mock_heidi.observing.expectations import Noticed
from mock_heidi.observing.findings import Findings
from mock_heidi.observing.journal import Journal

SESSION = f"{BASE_PATH}/sessions/1234567890"


def asked(number: int, begun: float, ended: float, operation: str = "get_session", **more: Any) -> Entry:
    """A complete request with an id. ``begun`` and ``ended`` are in seconds; ``at`` follows from ``begun``."""
    path = more.pop("path", SESSION)
    scope = {"method": more.pop("method", "GET"), "path": path, "query_string": b"", "headers": more.pop("headers", [])}
    made = Entry(more.pop("at", round(begun * 1000)), begun, operation, scope)
    made.id, made.duration, made.done, made.status = number, ended - begun, True, 200
    for name, value in more.items():
        setattr(made, name, value)
    return made


def found(*entries: Entry) -> dict[str, int]:
    """The codes of the findings, each with the first request that shows it."""
    runner = CheckRunner()
    runner.run(entries)
    return {one.code: one.first for one in runner.findings}


def found_late(late: Entry, *others: Entry) -> dict[str, int]:
    """The same if the checks ran once before ``late`` was complete."""
    entries = sorted([late, *others], key=lambda entry: entry.id)
    runner = CheckRunner()
    for done in (False, True):
        late.done = done
        runner.run(entries)
    return {one.code: one.first for one in runner.findings}


def refused(number: int, begun: float, ended: float, seconds: float) -> Entry:
    return asked(number, begun, ended, status=429, retry_at=round((ended + seconds) * 1000))


# --- Memory -----------------------------------------------------------------------------------------------------------


def held(runner: CheckRunner) -> int:
    """The bytes of all objects that a runner refers to."""
    seen: dict[int, Any] = {}
    wanted = [vars(runner)]
    while wanted:
        one = wanted.pop()
        if id(one) not in seen and not isinstance(one, type | ModuleType):
            seen[id(one)] = one
            wanted += gc.get_referents(one)
    return sum(map(sys.getsizeof, seen.values()))


def strangers(first: int, number: int) -> Iterator[Entry]:
    """Requests, each with another token, place, session and user."""
    for at in range(first, first + number):
        place = f"{BASE_PATH}/sessions/{at:039}"
        headers = [(b"authorization", b"Bearer %d" % at)]
        expired = {"status": 401, "pieces": (b"ExpiredTokenError",)}
        yield asked(3 * at, at, at, path=place, headers=headers, retry_at=at * 1000 + 1)
        yield asked(3 * at + 1, at, at, "generate_consult_note", path=place, headers=headers, early_end=True, **expired)
        query = {"query": b"email=%d@example.com&third_party_internal_id=1" % at}
        yield asked(3 * at + 2, at, at, "get_jwt", path=f"{BASE_PATH}/jwt", pieces=(b'{"token": "%d"}' % at,), **query)


@pytest.mark.slow
def test_checks_remember_a_bounded_number_of_clients() -> None:
    runner = CheckRunner()
    runner.run(strangers(1, REMEMBERED))
    some = held(runner)

    runner.run(strangers(REMEMBERED + 1, 3 * REMEMBERED))

    assert held(runner) < 2 * some


@pytest.mark.slow
def test_checks_remember_a_bounded_number_of_recordings() -> None:
    def segment(number: int) -> Entry:
        place = f"{SESSION}/restful-segment-transcription/{number:039}:transcribe"
        return asked(number, number, number, "transcribe_segment", path=place)

    runner = CheckRunner()
    runner.run(map(segment, range(1, 100)))
    some = held(runner)

    runner.run(map(segment, range(100, 1_000)))

    assert held(runner) < some + 1_000


def test_checks_remember_the_latest() -> None:
    runner = CheckRunner()
    many = REMEMBERED + 1
    runner.run([refused(1, 0, 0, seconds=30), *strangers(2, many), refused(5 * many, 0, 0, seconds=30)])

    runner.run([asked(5 * many + 1, 1, 1)])

    assert [one.code for one in runner.findings if one.last > 5 * many] == ["early_retry"]


@pytest.mark.slow
def test_an_unfinished_request_that_the_journal_dropped_is_forgotten() -> None:
    runner = CheckRunner()
    runner.run([asked(1, 0, 0, done=False)])
    runner.run([asked(2, 0, 0)])
    size = held(runner)

    for number in range(3, 1_000):
        runner.run([asked(number, 0, 0, done=False)])

    assert held(runner) < size + 1_000


def test_a_long_detail_is_cut_and_a_known_finding_still_counts() -> None:
    findings = Findings()
    for number in range(1, 601):
        findings.note("unknown_field", asked(number, 0, 0), f"{number} " + "x" * 1_000_000)
    findings.note("unknown_field", asked(601, 0, 0), "1 " + "x" * 1_000_000)

    assert sum(len(one.detail) for one in findings) < 200_000
    assert [(one.first, one.count) for one in findings if one.count > 1] == [(1, 2), (501, 100)]


def test_a_very_long_id_is_not_taken_for_a_rounded_one() -> None:
    endless = f"{BASE_PATH}/sessions/{'9' * 5_000}"

    assert found(asked(1, 0, 0, path=endless), asked(2, 0, 0, status=404)) == {}


# --- Waiting ----------------------------------------------------------------------------------------------------------


def test_a_request_sent_before_the_refusal_is_not_an_early_retry() -> None:
    overtaking = refused(1, 0, 5, seconds=30), asked(2, 1, 2)

    assert found(*overtaking) == {}
    assert found(*overtaking, asked(3, 34, 34)) == {"early_retry": 3}
    assert found(*overtaking, asked(3, 35, 35), asked(4, 35, 35)) == {}


def test_setting_the_clock_back_causes_no_early_retry() -> None:
    assert found(refused(1, 10, 10, seconds=30), asked(2, 12, 12, at=0)) == {}


@pytest.mark.parametrize(("waited", "early"), [(29.999, {"early_retry": 2}), (30, {})])
def test_a_wait_in_real_time_counts_while_the_clock_is_frozen(waited: float, early: dict[str, int]) -> None:
    assert found(refused(1, 0, 0, seconds=30), asked(2, waited, waited, at=0)) == early


@pytest.mark.parametrize(("waited", "early"), [(29_999, {"early_retry": 2}), (30_000, {})])
def test_advancing_the_clock_counts_as_waiting(waited: int, early: dict[str, int]) -> None:
    assert found(refused(1, 0, 0, seconds=30), asked(2, 0, 0, at=waited)) == early


def test_a_client_that_left_before_the_refusal_need_not_wait() -> None:
    gone = refused(1, 0, 0, seconds=30)
    gone.client_left = True

    assert found(gone, asked(2, 1, 1)) == {}


# --- Tokens -----------------------------------------------------------------------------------------------------------


def test_a_request_sent_before_its_token_expired_is_not_a_finding() -> None:
    expired: dict[str, Any] = {
        "status": 401,
        "pieces": (b'{"detail":{"type":"ExpiredTokenError"}}',),
        "provenance": "injected, documented",
        "headers": [(b"authorization", b"Bearer abc")],
    }
    parallel = asked(1, 0, 5, **expired), asked(2, 1, 6, **expired)

    assert found(*parallel) == {}
    assert found(*parallel, asked(3, 5, 7, **expired)) == {"expired_token": 3}
    assert found(asked(1, 0, 5, **expired, client_left=True), asked(2, 5, 6, **expired)) == {}


def test_a_token_is_used_by_an_unfinished_request_too() -> None:
    def sign_in(number: int) -> Entry:
        answer = b'{"token":"%d","expiration_time":"1970-01-01T01:00:00.000Z"}' % number
        return asked(number, number, number, "get_jwt", path=f"{BASE_PATH}/jwt", pieces=(answer,))

    def use(number: int, token: int) -> Entry:
        return asked(number, number, 99, headers=[(b"authorization", b"Bearer %d" % token)])

    entries = [sign_in(1), use(2, 1), sign_in(3), use(4, 3), sign_in(5), use(6, 5), use(7, 5), sign_in(8)]

    assert found_late(entries[6], *entries[:6], *entries[7:]) == {}


# --- Asking again and again -------------------------------------------------------------------------------------------


def test_a_slow_poll_does_not_make_others_fast() -> None:
    long = asked(1, 0, 30)
    slow = [asked(number, 2 * number, 2 * number) for number in range(2, 12)]
    fast = [asked(number, 30, 30) for number in range(12, 23)]

    assert found_late(long, *slow) == {}
    assert found_late(long, *slow, *fast) == {"fast_polling": 22}


# --- Early ends -------------------------------------------------------------------------------------------------------


def test_only_requests_after_an_early_end_show_whether_it_was_noticed() -> None:
    stream = asked(1, 0, 5, "generate_consult_note", path=f"{SESSION}/consult-note", method="POST", early_end=True)
    meanwhile = asked(2, 1, 2)
    unaware = asked(3, 3, 9, "create_document", path=f"{SESSION}/documents", method="POST")
    after = asked(4, 5, 6, "create_document", path=f"{SESSION}/documents", method="POST")

    assert found(stream, meanwhile, unaware) == {}
    assert found(stream, meanwhile, unaware, after) == {"early_end_unnoticed": 4}


DOCUMENTS: dict[str, Any] = {"operation": "create_document", "path": f"{SESSION}/documents", "method": "POST"}
STREAM: dict[str, Any] = {"operation": "generate_consult_note", "path": f"{SESSION}/consult-note", "early_end": True}


def test_requests_during_a_stream_do_not_count() -> None:
    stream = asked(1, 5, 5.01, **STREAM, pieces=[b"a"], times=[5])

    assert found(stream, asked(2, 5.005, 5.006, **DOCUMENTS)) == {}
    assert found(stream, asked(2, 5.01, 6, **DOCUMENTS)) == {"early_end_unnoticed": 2}


def test_a_look_counts_from_its_start() -> None:
    stream, look, after = asked(1, 0, 5, **STREAM), asked(2, 6, 20), asked(3, 7, 8, **DOCUMENTS)

    assert found_late(look, stream, after) == {}
    assert found(stream, asked(2, 6, 20, **DOCUMENTS), asked(3, 7, 8)) == {"early_end_unnoticed": 2}


def test_a_look_counts_even_if_its_stream_is_checked_later() -> None:
    stream, look, after = asked(1, 0, 5, **STREAM), asked(2, 6, 6), asked(3, 7, 8, **DOCUMENTS)
    runner = CheckRunner()
    stream.done = False
    runner.run([stream, look])
    stream.done = True
    runner.run([stream, look, after])

    assert list(runner.findings) == []


@pytest.mark.parametrize(("pieces", "noticed"), [([b"a"], True), ([b"a", b""], False)])
def test_a_client_may_notice_a_broken_connection_before_the_server(pieces: list[bytes], *, noticed: bool) -> None:
    stream = asked(1, 0, 5, "generate_consult_note", early_end=True, pieces=pieces, times=[1])
    look, after = asked(2, 4.99, 6), asked(3, 6, 6, "create_document", path=f"{SESSION}/documents", method="POST")

    assert found(stream, look, after) == ({} if noticed else {"early_end_unnoticed": 3})


def test_only_a_look_after_an_early_end_shows_that_it_was_noticed() -> None:
    journal = Journal("default", entries=9, memory=MemoryBudget(9_999), secrets=list)
    stream = asked(1, 0, 5, "generate_consult_note", early_end=True, fault=("fault-1",))
    expected = Noticed("fault-1", error=False, words="")
    for entry in (stream, asked(2, 1, 2)):
        journal.add(entry)
    before = expected.judge(journal).holds

    journal.add(asked(3, 5, 6))

    assert (before, expected.judge(journal).holds) == (False, True)
    assert expected.judge(journal).requests == [1, 3]


# --- Recordings -------------------------------------------------------------------------------------------------------


def of_recording(number: int, begun: float, ended: float, verb: str) -> Entry:
    operation = {"transcribe": "transcribe_segment", "finish": "finish_recording"}[verb]
    return asked(number, begun, ended, operation, path=f"{SESSION}/restful-segment-transcription/12:{verb}")


def test_a_note_requested_during_the_finish_is_not_a_finding() -> None:
    segment, finish = of_recording(1, 0, 1, "transcribe"), of_recording(2, 1, 9, "finish")
    note = asked(3, 2, 3, "generate_consult_note", path=f"{SESSION}/consult-note")

    assert found(segment, note) == {"recording_unfinished": 3}
    assert found_late(finish, segment, note) == {}


def test_a_segment_with_a_late_answer_does_not_reopen_a_recording() -> None:
    segment, finish = of_recording(1, 0, 9, "transcribe"), of_recording(2, 1, 2, "finish")
    note = asked(3, 10, 11, "generate_consult_note", path=f"{SESSION}/consult-note")

    assert found_late(segment, finish, note) == {}
