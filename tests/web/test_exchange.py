"""A request releases its memory, and a refused request removes a namespace that no other request has used."""

import asyncio
import gc
import json
import socket
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from clients import Client
from helpers import another
from running import until
from starlette.types import Message

from mock_heidi import Handle
from mock_heidi.app import App
from mock_heidi.base.settings import BASE_PATH, DEFAULT_KEY
from mock_heidi.cli.request_log import line
from mock_heidi.web.request import Request

NOTE = {
    "generation_method": "TEMPLATE",
    "template_id": "659b8042fe093d6592b41ef7",
    "addition": "",
    "voice_style": "BRIEF",
    "brain": "LEFT",
}
MATCHING = {"operation": "create_session", "match": {"ehr_appointment_id": "none"}, "status": 503}


class Slow:
    """A request whose body arrives in pieces that the test sends."""

    def __init__(self, app: App, path: str, headers: dict[str, str], method: str = "POST") -> None:
        self.app = app
        self.scope = {
            "type": "http", "method": method, "path": path, "query_string": b"", "scheme": "http", "root_path": "",
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        }  # fmt: skip
        self.pieces: asyncio.Queue[Message] = asyncio.Queue()
        self.status: int | None = None
        self.body = b""

    def send(self, piece: bytes, *, more: bool = False) -> None:
        self.pieces.put_nowait({"type": "http.request", "body": piece, "more_body": more})

    def leave(self) -> None:
        self.pieces.put_nowait({"type": "http.disconnect"})

    async def run(self) -> None:
        async def send(message: Message) -> None:
            self.status = message.get("status", self.status)
            self.body += message.get("body", b"")

        await self.app(self.scope, self.pieces.get, send)


async def turns() -> None:
    """Let the event loop run some turns, so that every task that can proceed does."""
    for _ in range(20):
        await asyncio.sleep(0)


def signed(client: Client, **more: str) -> dict[str, str]:
    return {"Host": "localhost", "Authorization": f"Bearer {client.token()}", **more}


def held(app: App) -> int:
    return sum(log.held for log in app.registry.memory.logs)


@pytest.mark.parametrize("end", ["expects", "leaves"])
def test_a_body_read_for_the_rules_releases_its_memory(heidi: Client, app: App, end: str) -> None:
    rule = {**MATCHING, "match": {"a": 1}, **({"delay": 30} if end == "leaves" else {})}
    heidi.post("/_mock/faults", json=rule)
    headers = signed(heidi, **({"Expect": "100-continue"} if end == "expects" else {}))

    async def ask() -> None:
        slow = Slow(app, f"{BASE_PATH}/sessions", headers)
        slow.send(b'{"a": 1, "b": "' + b"x" * 50_000, more=True)
        slow.send(b'"}')
        going = asyncio.create_task(slow.run())
        await turns()
        going.cancel()
        await asyncio.gather(going, return_exceptions=True)

    asyncio.run(ask())

    assert app.registry.memory.used == held(app)


def test_a_request_read_for_the_rules_is_freed_without_garbage_collection(heidi: Client) -> None:
    heidi.post("/_mock/faults", json=MATCHING)
    heidi.post("/sessions", json={"ehr_appointment_id": "7"})
    gc.collect()
    gc.disable()
    try:
        for _ in range(5):
            heidi.post("/sessions", json={"ehr_appointment_id": "7"})
        alive = [one for one in gc.get_objects() if isinstance(one, Request)]
    finally:
        gc.enable()

    assert len(alive) <= 1  # the last one may still be on the stack


def made_anew(client: Client) -> dict[str, str]:
    """The headers of a user whose namespace no longer exists, as after a restart."""
    client.post("/_mock/namespaces/x")
    token = client.sign_in(key="mock-heidi-key.x")
    client.delete("/_mock/namespaces/x")
    return {"Host": "localhost", "Authorization": f"Bearer {token}"}


async def refused_while(app: App, headers: dict[str, str], act: Callable[[], Any]) -> int | None:
    """The status of a request that creates the namespace ``x``. Its body is refused after ``act``."""
    slow = Slow(app, f"/ns/x{BASE_PATH}/sessions", headers)
    slow.send(b"{", more=True)
    going = asyncio.create_task(slow.run())
    await turns()
    assert app.registry.get("x") is not None
    await act()
    slow.send(b"{")
    await going
    return slow.status


def control(app: App, method: str, path: str, body: Any) -> Callable[[], Any]:
    async def ask() -> None:
        one = Slow(app, path, {"Host": "localhost", "Content-Type": "application/json"}, method)
        one.send(json.dumps(body).encode())
        await one.run()
        assert one.status == 200

    return ask


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/_mock/namespaces/x", {"seed": 3}),
        ("/ns/x/_mock/faults", {"operation": "get_session", "status": 500}),
        ("/ns/x/_mock/clock", {"frozen": True}),
    ],
    ids=["made anew", "a rule", "a clock"],
)
def test_a_refused_request_keeps_a_namespace_that_another_client_has_used(
    heidi: Client, app: App, path: str, body: Any
) -> None:
    headers = made_anew(heidi)

    method = "PUT" if path.endswith("clock") else "POST"
    status = asyncio.run(refused_while(app, headers, control(app, method, path, body)))

    assert status == 422
    assert app.registry.get("x") is not None


def test_a_refused_request_removes_the_namespace_that_it_created(heidi: Client, app: App) -> None:
    async def nothing() -> None: ...

    status = asyncio.run(refused_while(app, made_anew(heidi), nothing))

    assert (status, app.registry.get("x")) == (422, None)


@pytest.mark.parametrize("looks", [False, True], ids=["no rule", "a rule that looks into bodies"])
def test_the_journal_shows_a_request_during_its_body(heidi: Client, app: App, looks: bool) -> None:
    if looks:
        heidi.post("/_mock/faults", json=MATCHING)
    headers = signed(heidi)

    async def ask() -> list[Any]:
        slow = Slow(app, f"{BASE_PATH}/sessions", headers)
        slow.send(b"{", more=True)
        going = asyncio.create_task(slow.run())
        await turns()
        shown = [(entry.operation, entry.status) for entry in app.registry.default.journal]
        slow.send(b"}")
        await going
        return shown

    assert asyncio.run(ask())[-1] == ("create_session", None)


@pytest.mark.parametrize("effect", [{"stall_after": 3}, {"delay_chunks": 30}], ids=["stalls", "waits"])
def test_the_whole_note_can_be_read_as_soon_as_a_client_leaves_its_stream(
    mock_heidi: Handle, effect: dict[str, Any]
) -> None:
    path = "/sessions/1234567890"
    for _ in range(20):
        mock_heidi.reset()
        with mock_heidi.client() as client, mock_heidi.fault("generate_consult_note", times=1, **effect):
            with client.stream("POST", f"{path}/consult-note", json=NOTE) as stream:
                next(stream.iter_raw())
            note = client.get(path).json()["session"]["consult_note"]

        assert note["status"] == "COMPLETED"


def test_a_watcher_added_during_a_request_receives_it(heidi: Client, app: App) -> None:
    journal, seen = app.registry.default.journal, list[Any]()
    headers = signed(heidi)

    async def ask() -> None:
        slow = Slow(app, f"{BASE_PATH}/sessions", headers)
        going = asyncio.create_task(slow.run())
        await turns()
        journal.watchers.add(seen.append)
        slow.send(b"{}")
        await going

    asyncio.run(ask())

    assert [(entry.operation, entry.done) for entry in seen] == [("create_session", True)]


@pytest.mark.breaks_contract
def test_a_failing_control_request_gets_an_answer_in_json(
    heidi: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any) -> Any:
        raise RuntimeError

    monkeypatch.setattr("mock_heidi.control.answers.Streamed.__call__", broken)

    answer = heidi.get("/_mock/state")

    assert (answer.status_code, answer.json()["error"]) == (500, "the control API failed")
    assert "RuntimeError" in caplog.text


def test_the_journal_keeps_no_part_of_a_body_that_exceeds_the_memory(app: App, heidi: Client) -> None:
    headers = signed(heidi)
    app.registry.memory.limit = app.registry.memory.used + 60_000

    async def ask() -> None:
        slow = Slow(app, f"{BASE_PATH}/sessions", headers)
        slow.send(b'{"token": "' + b"x" * 100_000, more=True)
        slow.send(b'secret"}')
        await slow.run()
        assert slow.status == 503

    asyncio.run(ask())

    assert list(app.registry.default.journal)[-1].body == b""


def test_the_server_notices_that_a_client_with_pipelined_requests_leaves(mock_heidi: Handle) -> None:
    mock_heidi.fault("get_session", stall=True)
    address = urlsplit(mock_heidi.url)
    head = f"Host: localhost\r\nAuthorization: Bearer {mock_heidi.token()}\r\n\r\n"
    path = urlsplit(mock_heidi.base_url).path

    with socket.create_connection((address.hostname, address.port), timeout=10) as client:
        client.sendall(f"GET {path}/sessions/1234567890 HTTP/1.1\r\n{head}".encode())
        client.sendall(f"GET {path}/patient-profiles HTTP/1.1\r\n{head}".encode() * 20)
        until(lambda: mock_heidi.requests(operation="get_session"), "the request")

    until(lambda: mock_heidi.requests(operation="get_session")[0]["client_left"], "the end of its client")


def test_the_log_masks_a_secret_sent_as_a_namespace_name(heidi: Client) -> None:
    token, lines = heidi.token(), list[str]()
    with another(listener=lambda name, journal, entry: lines.append(line(name, journal, entry, colour=False))) as own:
        own.get(f"/ns/{token}{BASE_PATH}/sessions/1")
        own.get(f"/ns/{DEFAULT_KEY}/nothing")

    assert len(lines) >= 2
    assert [one for one in lines if token in one or DEFAULT_KEY in one] == []
