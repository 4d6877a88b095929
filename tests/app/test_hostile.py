"""Thousands of hostile requests to the API and the control API are refused or answered, and leave no open file.

3,000 in the normal run, 100,000 with ``pytest -m long tests/app/test_hostile.py``. The requests are the same each time.
"""

import asyncio
import contextlib
import gc
import json
import os
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import pytest
from helpers import Reply, exchange
from starlette.types import Message

from mock_heidi import api
from mock_heidi.app import App, create_app
from mock_heidi.base.settings import BASE_PATH, DEFAULT_KEY
from mock_heidi.control import routes as control_routes

METHODS = ["GET", "POST", "PATCH", "PUT", "DELETE", "HEAD", "OPTIONS", "TRACE", "get", "X" * 50, ""]
WORDS = [
    "", ".", "..", "a", "é", "\0", "%00", "1234567890", "0" * 5_000, "5eb7cf5a86d9755df3a6c593", "-1", "1e999",
    "../../etc/passwd", "<script>", "{session_id}", "'; drop", "\r\nX: y", "💊" * 20, "default", "linked-user",
    ":finish",
]  # fmt: skip
VALUES: list[Any] = [
    None, True, 0, -1, 10**40, 1.5, "", "a", "\x00", "é" * 1_000, [], {}, [[[]]], {"a": {"b": []}}, "1234567890",
    ["1234567890"], "MALE", "1990-01-15", "TEMPLATE", "GOLDILOCKS", "659b8042fe093d6592b41ef7", "end_after",
    "get_session",
]  # fmt: skip
NAMES = [
    "first_name", "gender", "birth_date", "session_ids", "patient_profile_ids", "duration", "patient", "times",
    "linked_sessions_for_context", "generation_method", "template_id", "addition", "voice_style", "ai_command_text",
    "content", "content_type", "questions", "childQuestions", "operation", "end_after", "delay", "match", "text",
    "pieces", "body", "now", "frozen", "speed", "seconds", "sessions", "patient_profiles", "api_keys", "faults",
    "clinician_notes", "is_consent", "remember_consent",
    "in_order", "within", "count", "seed", "fixtures", "transcript", "consult_note", "kinde_user_id",
    "", "é", "__proto__",
]  # fmt: skip
HEADERS = [
    "content-type", "content-length", "authorization", "heidi-api-key", "origin", "host", "x-mock-fault", "accept",
    "transfer-encoding", "expect", "last-event-id", "sec-fetch-site", "cookie", "x-forwarded-for",
]  # fmt: skip
TYPES = [
    "application/json",
    "application/yaml",
    "text/plain",
    "multipart/form-data",
    "multipart/form-data; boundary=b",
    "",
]
# Requests that wait by design: for ever, or for a given time.
PATIENT = ("events", "verify")
NOT_OURS = (503,)  # a fault that an earlier request has set answers so


class Asked(NamedTuple):
    method: str
    path: str
    query: bytes
    headers: list[tuple[bytes, bytes]]
    messages: Sequence[Message]


class Attacker:
    """Makes random requests, most of them nearly valid."""

    def __init__(self, seed: int, token: str) -> None:
        self.chance = random.Random(seed)  # noqa: S311 - the same requests each time
        self.token = token
        endpoints = [route for route in control_routes.ROUTES if not route.path.strip("/").startswith(PATIENT)]
        both = [(BASE_PATH, route) for route in api.ROUTES] + [("/_mock", route) for route in endpoints]
        self.paths = [(base + route.path, method) for base, route in both for method in sorted(route.methods or ())]

    def request(self) -> Asked:
        pick = self.chance.choice
        path, method = pick(self.paths)
        while "{" in path:
            head, _, rest = path.partition("{")
            path = head + pick([pick(WORDS), "1234567890", "5eb7cf5a86d9755df3a6c593"]) + rest.partition("}")[2]
        if self.chance.random() < 0.1:
            path = pick(["/ns/x", "/ns/" + pick(WORDS), "//", ""]) + path + pick(WORDS)
        query = "&".join(f"{pick([*NAMES, 'page_size', 'limit'])}={pick(WORDS)}" for _ in range(pick([0, 0, 1, 3])))
        body = self.body()
        return Asked(
            method if self.chance.random() < 0.9 else pick(METHODS),
            path,
            query.encode(),
            self.headers(),
            body,
        )

    def headers(self) -> list[tuple[bytes, bytes]]:
        pick = self.chance.choice
        made = {"host": "localhost", "authorization": f"Bearer {self.token}", "content-type": pick(TYPES)}
        if self.chance.random() < 0.3:
            made[pick(HEADERS)] = pick([*WORDS, "status=503", "end_after=1", "chunked", "99999999999", DEFAULT_KEY])
        return [(name.encode(), value.encode()) for name, value in made.items()]

    def body(self) -> list[Message]:
        pick = self.chance.choice
        kind = self.chance.random()
        if kind < 0.6:
            raw = json.dumps(self.value(3)).encode()
        elif kind < 0.75:
            raw = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\nRIFF\r\n--b--\r\n'
        elif kind < 0.9:
            raw = self.chance.randbytes(pick([0, 1, 30, 3_000]))
        else:
            raw = pick(
                [
                    b"[" * 2_000,
                    b'{"a":' * 500,
                    b"\xff\xfe",
                    b"NaN",
                    b'"\\ud800"',
                    b"a: &a [*a, *a]",
                    b"!!python/object:x",
                ]
            )
        if self.chance.random() < 0.2:
            raw = raw[: self.chance.randrange(len(raw) + 1)]
        cut = self.chance.randrange(len(raw) + 1)
        parts = [raw[:cut], raw[cut:]]
        made: list[Message] = [
            {"type": "http.request", "body": part, "more_body": at == 0} for at, part in enumerate(parts)
        ]
        return made[: pick([1, 2, 2, 2])]

    def value(self, depth: int) -> Any:
        pick = self.chance.choice
        if depth == 0 or self.chance.random() < 0.3:
            return pick(VALUES)
        if self.chance.random() < 0.2:
            return [self.value(depth - 1) for _ in range(pick([0, 1, 3]))]
        return {pick(NAMES): self.value(depth - 1) for _ in range(pick([0, 1, 2, 5]))}


async def ask(app: App, asked: Asked) -> Reply:
    headers = {name.decode(): value.decode() for name, value in asked.headers}
    sent = exchange(app, asked.method, asked.path, headers=headers, messages=asked.messages, query=asked.query)
    return await asyncio.wait_for(sent, timeout=30)


async def sign_in(app: App) -> str:
    query = b"email=a@b.c&third_party_internal_id=1"
    reply = await exchange(app, "GET", f"{BASE_PATH}/jwt", headers={"heidi-api-key": DEFAULT_KEY}, query=query)
    return str(json.loads(reply.body)["token"])


async def attack(number: int) -> list[str]:
    """The failures as texts."""
    app = create_app(max_namespaces=20, journal_entries=50)
    attacker = Attacker(4343, await sign_in(app))
    wrong: list[str] = []
    statuses: Counter[int | None] = Counter()
    for at in range(number):
        if at % 500 == 0:
            # A frozen clock, full namespaces or faults of earlier requests would hide later failures.
            await exchange(app, "POST", "/_mock/reset", headers={"host": "localhost"}, query=b"all=true")
        asked = attacker.request()
        try:
            reply = await ask(app, asked)
        except Exception as error:  # noqa: BLE001 - every exception is a failure to report
            wrong.append(f"{asked}: {error!r}")
            continue
        statuses[reply.status] += 1
        injected = "x-mock-fault" in reply.headers
        if reply.status is not None and reply.status >= 500 and not injected and reply.status not in NOT_OURS:
            wrong.append(f"{asked}: {reply}")
    # Hostile, but not so invalid that every endpoint would refuse it at once.
    if number >= 1_000 and not {200, 400, 401, 404, 405, 422} <= set(statuses):
        wrong.append(f"too tame: {statuses}")
    default = app.registry.default
    if len(app.registry) > 20 or len(default.journal) > 50:
        wrong.append(f"it grew: {len(app.registry)} namespaces, {len(default.journal)} requests")
    if default.streams or default.busy:
        wrong.append(f"left behind: {default.streams}, {default.busy} busy")
    if len(asyncio.all_tasks()) > 1:
        wrong.append(f"tasks left: {asyncio.all_tasks()}")
    return wrong


@contextlib.contextmanager
def no_file_left_open() -> Iterator[None]:
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - no paths are wanted
    yield
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) <= before  # noqa: PTH208 - as above


@pytest.mark.slow
@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="open files are counted in /proc")  # noqa: PTH112
@pytest.mark.parametrize(
    "number",
    [3_000, pytest.param(100_000, marks=[pytest.mark.long, pytest.mark.timeout(600)])],
    ids=["ordinary", "long"],
)
@pytest.mark.breaks_contract  # a fault set by one request may change the answer to another
def test_hostile_requests_are_refused_or_answered_and_leak_nothing(number: int) -> None:
    asyncio.run(attack(1))
    with no_file_left_open():
        wrong = asyncio.run(attack(number))

    assert wrong[:5] == []
