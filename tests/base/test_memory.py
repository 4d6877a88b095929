"""The memory limit of a server: the oldest requests of the largest namespace are dropped first.

``--memory MB``; ``GET /_mock/health`` → ``{"memory": {"used", "limit"}, "uptime"}``.
"""

import asyncio
import gc
import json
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from clients import Client
from helpers import Reply, another, ask, exchange, in_namespace
from starlette.types import Message

from mock_heidi.base.memory import MemoryBudget
from mock_heidi.base.settings import BASE_PATH, ConfigError, Settings
from mock_heidi.observing.entry import Entry
from mock_heidi.observing.journal import Journal
from mock_heidi.state.events import Events

pytestmark = pytest.mark.slow

NO_MEMORY = (
    b'{"detail":"mock_heidi has reached its limit of memory for unfinished requests; start it with a larger --memory"}'
)


def entry(number: int, body: int = 0) -> Entry:
    headers = [(b"x-name-%d" % at, b"value of %d" % (number + at)) for at in range(8)]
    scope = {"method": "POST", "path": f"/api/{number:010}", "query_string": b"", "headers": headers}
    made = Entry(10**12 + number, number + 0.5, "create_session", scope)
    made.body = bytes(bytearray(body))
    return made


def filled(memory: MemoryBudget, name: str, count: int, body: int = 0) -> Journal:
    journal = Journal(name, entries=10_000, memory=memory, secrets=list)
    for number in range(count):
        made = entry(number, body)
        journal.add(made)
        journal.close(made, 1.0)
    return journal


# --- The budget -------------------------------------------------------------------------------------------------------


def test_the_oldest_requests_of_the_largest_namespace_go_first() -> None:
    memory = MemoryBudget(1_000_000)
    small = filled(memory, "small", 20, body=1_000)
    large = filled(memory, "large", 60, body=20_000)

    assert memory.used <= memory.limit
    assert (len(small), small.dropped) == (20, 0)
    assert len(large) + large.dropped == 60
    assert [kept.id for kept in large] == list(range(large.dropped + 1, 61))
    assert memory.used > 0.9 * memory.limit


def test_namespaces_of_the_same_size_lose_about_the_same() -> None:
    memory = MemoryBudget(500_000)
    journals = [Journal(str(number), entries=10_000, memory=memory, secrets=list) for number in range(5)]
    for number in range(1_000):
        for journal in journals:
            made = entry(number, 500)
            journal.add(made)
            journal.close(made, 1.0)

    sizes = [journal.held for journal in journals]
    assert sum(sizes) == memory.used <= memory.limit
    assert max(sizes) - min(sizes) <= 3 * entry(1, 500).size


def test_the_memory_of_all_namespaces_together_is_bounded() -> None:
    with another(memory=2_000_000, max_namespaces=1_000, fixtures="empty") as heidi:
        registry = heidi.app.registry
        for number in range(300):
            journal = registry.make(f"n{number}").journal
            for at in range(10):
                made = entry(at, 3_000)
                journal.add(made)
                journal.close(made, 1.0)

        held = sum(each.size for namespace in registry for each in namespace.journal)
        dropped = sum(namespace.journal.dropped for namespace in registry)
    assert held <= registry.memory.used <= 2_000_000
    assert dropped > 0


def test_a_dropped_namespace_frees_its_memory(heidi: Client) -> None:
    memory = heidi.app.registry.memory
    before = memory.used
    blue = in_namespace(heidi, "blue")
    heidi.app.registry.make("blue").listen()
    blue.sign_in()
    blue.post("/sessions")
    during = memory.used
    heidi.delete("/_mock/namespaces/blue")
    blue.close()

    assert during > before
    assert memory.used == before
    assert {type(log) for log in memory.logs} == {Journal, Events}
    assert len(memory.logs) == 2


@pytest.mark.parametrize(
    "beginning",
    [
        {"faults": [{"id": "same", "operation": "ask_ai", "status": 503}] * 2},
        {"scenario": "unknown"},
        {"fixtures": {"replies": [{"operation": "ask_ai", "text": str(at)} for at in range(1_001)]}},
    ],
    ids=["faults", "scenario", "replies"],
)
def test_a_refused_namespace_leaves_nothing_in_the_budget(heidi: Client, beginning: dict[str, Any]) -> None:
    memory = heidi.app.registry.memory
    before = set(memory.logs)

    answer = heidi.post("/_mock/namespaces/blue", json=beginning)

    assert answer.status_code == 400
    assert memory.logs == before


def test_kept_views_count_and_are_dropped_before_requests() -> None:
    memory = MemoryBudget(300_000)
    journal = filled(memory, "default", 20, body=10_000)
    requests = memory.used
    for kept in journal:
        journal.read(kept)
    shown = memory.used

    memory.hold(memory.limit - shown + 1)
    without_views = journal.held
    memory.hold(shown - memory.limit - 1)

    assert shown - requests > 0
    assert memory.used == journal.held
    assert without_views < shown
    assert (len(journal), journal.dropped) == (20, 0)


@pytest.mark.parametrize("forget", [Journal.clear, Journal.begin, Journal.end])
def test_kept_views_are_dropped_with_their_requests(forget: Callable[[Journal], Any]) -> None:
    memory = MemoryBudget(1_000_000)
    journal = filled(memory, "default", 20, body=1_000)
    for kept in list(journal):
        journal.read(kept)
    del kept

    forget(journal)

    assert (memory.used, journal.held) == (0, 0)


def test_views_with_old_secrets_free_their_memory() -> None:
    memory, secrets = MemoryBudget(1_000_000), ["one-secret"]
    journal = Journal("default", entries=10, memory=memory, secrets=lambda: tuple(secrets))
    made = entry(1, 1_000)
    journal.add(made)
    journal.close(made, 1.0)
    journal.read(made)
    before = memory.used
    secrets.append("another-secret")

    journal.read(made)

    assert memory.used == before > made.size


def test_a_request_that_outlives_its_namespace_counts_for_nothing() -> None:
    memory = MemoryBudget(100_000)
    journal, late = filled(memory, "gone", 3), entry(4)
    journal.add(late)

    journal.end()
    journal.close(late, 1.0)
    filled_later = entry(5)
    journal.add(filled_later)
    journal.close(filled_later, 1.0)

    assert memory.used == 0


@pytest.mark.parametrize("forget", [lambda journal: journal.remove([2, 3]), Journal.clear, Journal.begin])
def test_removed_requests_free_their_memory(forget: Callable[[Journal], Any]) -> None:
    memory = MemoryBudget(100_000)
    journal = filled(memory, "default", 5, body=100)

    forget(journal)

    assert memory.used == journal.held == sum(each.size for each in journal)


def test_an_unfinished_request_counts_its_head_and_received_body(heidi: Client) -> None:
    token, memory = heidi.token(), heidi.app.registry.memory
    used: list[int] = []

    async def ask() -> None:
        pieces = [b'{"a": "', b"x" * 100_000, b"x" * 100_000, b'"}']

        async def receive() -> Any:
            await asyncio.sleep(0)  # a body that is not there yet
            used.append(memory.used)
            return {"type": "http.request", "body": pieces.pop(0), "more_body": bool(pieces)}

        async def send(_: Any) -> None: ...

        headers = [(b"authorization", f"Bearer {token}".encode()), (b"x-own", b"x" * 10_000)]
        path = f"{BASE_PATH}/sessions"
        await heidi.app(
            {"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": headers}, receive, send
        )

    before = memory.used
    asyncio.run(ask())

    assert used[0] - before > 10_000
    assert used[3] - used[0] > 200_000
    assert memory.used - used[0] > 200_000  # the whole body is in the journal now


def test_a_body_whose_client_leaves_counts_its_kept_part(heidi: Client) -> None:
    headers = {"Authorization": f"Bearer {heidi.token()}"}
    half: Message = {"type": "http.request", "body": b"x" * 50_000, "more_body": True}

    asyncio.run(exchange(heidi.app, "POST", f"{BASE_PATH}/sessions", headers=headers, messages=[half]))

    registry = heidi.app.registry
    assert registry.memory.used == sum(each.size for each in registry.default.journal)


def in_pieces(number: int, size: int) -> list[Message]:
    pieces: list[Message] = [{"type": "http.request", "body": b" " * size, "more_body": True} for _ in range(number)]
    return [*pieces, {"type": "http.request", "body": b"{}", "more_body": False}]


@pytest.mark.parametrize("faults", [(), ('*:status=500,match={"a": 1}',)], ids=["no rule", "a rule that looks into it"])
def test_a_body_beyond_the_memory_limit_is_refused(faults: tuple[str, ...]) -> None:
    with another(memory=400_000, faults=faults) as heidi:
        headers = {"Authorization": f"Bearer {heidi.token()}"}
        before = heidi.state()

        answer = ask(heidi.app, "POST", f"{BASE_PATH}/sessions", headers=headers, messages=in_pieces(9, 100_000))

        registry = heidi.app.registry
        assert (answer.status, answer.body) == (503, NO_MEMORY)
        assert heidi.state() == before
        assert registry.memory.used == sum(each.size for each in registry.default.journal)
        assert sum(len(each.body) for each in registry.default.journal) == 0


def test_a_control_body_beyond_the_memory_limit_is_refused() -> None:
    with another(memory=400_000) as heidi:
        before = heidi.state()

        answer = ask(heidi.app, "PUT", "/_mock/state", headers={"Host": "localhost"}, messages=in_pieces(9, 100_000))

        assert answer.status == 413
        assert json.loads(answer.body) == {
            "error": "the server has no memory left for the body",
            "hint": "send less at once, or start the server with a larger --memory",
        }
        assert heidi.state() == before


@pytest.mark.parametrize(("path", "status"), [("/sessions", 401), ("/unknown", 404)])
def test_an_unread_body_beyond_the_memory_limit_is_forgotten(path: str, status: int) -> None:
    with another(memory=400_000) as heidi:
        memory, used = heidi.app.registry.memory, []

        async def refused() -> Reply:
            coming = iter(in_pieces(9, 100_000))

            async def receive() -> Message:
                used.append(memory.used)
                return next(coming)

            sent: list[Message] = []

            async def send(message: Message) -> None:
                sent.append(message)

            scope = {"type": "http", "method": "POST", "path": BASE_PATH + path, "query_string": b"", "headers": []}
            await heidi.app(scope, receive, send)
            return Reply(sent[0]["status"], {}, b"")

        answer = asyncio.run(refused())

        assert answer.status == status
        assert max(used) <= memory.limit + 100_000
        assert sum(len(each.body) for each in heidi.app.registry.default.journal) == 0


# --- What an entry costs ----------------------------------------------------------------------------------------------


def plain(number: int) -> Entry:
    made = entry(number, 1_000)
    made.pieces = (bytes(bytearray(1_000)),)
    return made


def many_headers(number: int) -> Entry:
    headers = [(b"x-%d" % at, b"%d" % number) for at in range(1_000)]
    scope = {"method": "GET", "path": f"/{number}", "query_string": b"", "headers": headers}
    return Entry(10**12 + number, number + 0.5, None, scope)


def stream(number: int) -> Entry:
    made = entry(number)
    for at in range(200):
        made.stream(bytes(bytearray(30)), number + at / 10)
    made.stream(b"", None)
    return made


def shaped(number: int) -> Entry:
    made = entry(number)
    made.fault = (f"fault-{number}",)
    made.findings = ("unknown_parameter", f"code-{number}")
    made.why = f"nothing is called {number} {'x' * 200}"
    made.retry_at = 10**12 + number
    return made


def parts(number: int) -> Entry:
    made = entry(number)
    made.parts = [
        {
            "name": f"n{number}-{at}",
            "filename": f"f{number}-{at}",
            "content_type": f"a/{number}-{at}",
            "size": 1_000 + at,
        }
        | {"sha256": f"{number + at:064}"}
        for at in range(10)
    ]
    return made


@pytest.mark.parametrize("make", [plain, many_headers, stream, shaped, parts])
def test_the_size_of_an_entry_is_its_memory_in_python(make: Callable[[int], Entry]) -> None:
    count = 300

    def made(number: int) -> Entry:
        one = make(number)
        one.id, one.status, one.duration, one.done, one.kept = number + 1_000, 200, number / 7, True, True
        return one

    def measured() -> tuple[int, int]:
        """The bytes of the entries in Python's memory, and the sum of their sizes."""
        gc.collect()
        tracemalloc.start()
        try:
            before, _ = tracemalloc.get_traced_memory()
            kept = [made(number) for number in range(count)]
            after, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        return after - before, sum(one.size for one in kept)

    made(0)
    # Now and then something else of the process asks for memory in the meantime.
    given, said = min(measured() for _ in range(3))
    assert 0.97 * given <= said <= 1.4 * given


# --- The setting and the view of it -----------------------------------------------------------------------------------


def test_health_shows_memory_and_uptime(heidi: Client) -> None:
    first = heidi.get("/_mock/health").json()
    heidi.get("/patient-profiles")
    second = heidi.get("/_mock/health").json()

    assert first["memory"] == {"used": 0, "limit": 256 * 1024 * 1024}
    assert second["memory"]["used"] == sum(each.size for each in heidi.app.registry.default.journal)
    assert 0 <= first["uptime"] <= second["uptime"] < 3_600


@pytest.mark.parametrize("memory", [0, -1, 1.5, "256", True])
def test_an_invalid_limit_is_refused(memory: Any) -> None:
    with pytest.raises(ConfigError, match=f"memory: {memory!r} should be a whole number from 1"):
        Settings(memory=memory)
