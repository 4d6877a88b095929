"""What a strict reviewer makes of requests that overlap, come out of order, or never end; and how much it remembers."""

from typing import Any

from mock_heidi.expectations import Noticed
from mock_heidi.findings import Findings
from mock_heidi.journal import Entry, Journal
from mock_heidi.review import Reviewer
from mock_heidi.settings import BASE_PATH

SESSION = f"{BASE_PATH}/sessions/1234567890"


def asked(number: int, begun: float, ended: float, operation: str = "get_session", **more: Any) -> Entry:
    """A complete request of that number, begun and ended in so many seconds; ``at`` follows from that."""
    path = more.pop("path", SESSION)
    scope = {"method": more.pop("method", "GET"), "path": path, "query_string": b"", "headers": more.pop("headers", [])}
    made = Entry(more.pop("at", round(begun * 1000)), begun, operation, scope)
    made.id, made.duration, made.done, made.status = number, ended - begun, True, 200
    for name, value in more.items():
        setattr(made, name, value)
    return made


def found(*entries: Entry) -> dict[str, int]:
    """The codes of what is found, each with the request that shows it first."""
    reviewer = Reviewer(Findings())
    reviewer.read(entries, ())
    return {one.code: one.first for one in reviewer.findings}


def found_late(late: Entry, *entries: Entry) -> dict[str, int]:
    """The same where somebody asked before the first of them was complete."""
    reviewer = Reviewer(Findings())
    for done in (False, True):
        late.done = done
        reviewer.read([late, *entries], ())
    return {one.code: one.first for one in reviewer.findings}


def refused(number: int, begun: float, ended: float, seconds: float) -> Entry:
    return asked(number, begun, ended, status=429, retry_at=round((ended + seconds) * 1000))


# --- Waiting ----------------------------------------------------------------------------------------------------------


def test_a_request_that_was_on_its_way_before_the_refusal_is_no_early_retry() -> None:
    overtaking = refused(1, 0, 5, seconds=30), asked(2, 1, 2)

    assert found(*overtaking) == {}
    assert found(*overtaking, asked(3, 34, 34)) == {"early_retry": 3}
    assert found(*overtaking, asked(3, 35, 35), asked(4, 35, 35)) == {}


def test_a_clock_that_was_set_back_makes_no_early_retry() -> None:
    assert found(refused(1, 10, 10, seconds=30), asked(2, 50, 50, at=0)) == {}


# --- Asking again and again -------------------------------------------------------------------------------------------


def test_a_poll_that_took_long_makes_slow_ones_no_fast_ones() -> None:
    long = asked(1, 0, 30)
    slow = [asked(number, 2 * number, 2 * number) for number in range(2, 12)]
    fast = [asked(number, 30, 30) for number in range(12, 23)]

    assert found_late(long, *slow) == {}
    assert found_late(long, *slow, *fast) == {"fast_polling": 22}


# --- Early ends -------------------------------------------------------------------------------------------------------


def test_only_what_is_sent_after_an_early_end_tells_whether_it_was_noticed() -> None:
    stream = asked(1, 0, 5, "generate_consult_note", path=f"{SESSION}/consult-note", method="POST", early_end=True)
    meanwhile = asked(2, 1, 2)
    unaware = asked(3, 3, 9, "create_document", path=f"{SESSION}/documents", method="POST")
    after = asked(4, 5, 6, "create_document", path=f"{SESSION}/documents", method="POST")

    assert found(stream, meanwhile, unaware) == {}
    assert found(stream, meanwhile, unaware, after) == {"early_end_unnoticed": 4}


def test_only_a_look_after_an_early_end_shows_that_it_was_noticed() -> None:
    journal = Journal("default", entries=9, size=9_999, secrets=list)
    stream = asked(1, 0, 5, "generate_consult_note", early_end=True, fault=("fault-1",))
    expected = Noticed("fault-1", error=False, words="")
    for entry in (stream, asked(2, 1, 2)):
        journal.add(entry)
    before = expected.judge(journal).holds

    journal.add(asked(3, 5, 6))

    assert (before, expected.judge(journal).holds) == (False, True)
    assert expected.judge(journal).requests == [1, 3]
