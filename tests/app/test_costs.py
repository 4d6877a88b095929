"""The cost of a request and of a start, in calls and modules. Unlike times, these do not depend on a busy machine.

If a test fails for a good reason, change the recorded figures in the same commit, and give the reason in its message.
"""

import asyncio
import gc
import json
import os
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any

import pytest
from starlette.types import Message

from mock_heidi import create_app
from mock_heidi.app import App
from mock_heidi.base.settings import BASE_PATH
from mock_heidi.cli.main import main
from mock_heidi.serving import server

# Calls of Python functions by package, so that renaming a module changes nothing. Other versions of Python and of the
# libraries may need a few more.
SLACK = 1.15
COSTS: dict[str, dict[str, int]] = {
    "GET": {"web": 20, "state": 3, "app": 2, "namespaces": 2, "api": 2, "observing": 2, "base": 1, "serving": 1},
    "GET list": {"web": 17, "state": 3, "app": 2, "namespaces": 2, "api": 2, "observing": 2, "serving": 1},
    "POST": {"web": 36, "state": 27, "base": 5, "namespaces": 4, "app": 2, "api": 4, "observing": 2, "serving": 1},
    "PATCH": {"web": 28, "state": 12, "base": 5, "app": 2, "namespaces": 2, "api": 2, "observing": 5, "serving": 1},
}
STREAM_PIECE = 6.2
# The packages that a start loads besides the standard library, and the approximate number of modules in all.
LOADED = {
    "annotated_types", "anyio", "click", "cython_runtime", "pydantic", "pydantic_core", "python_multipart", "starlette",
    "typing_extensions", "typing_inspection", "uvicorn", "yaml",
}  # fmt: skip
MODULES = 477

PROFILE = {"ehr_patient_id": "E-1", "first_name": "Ada", "last_name": "Sample", "birth_date": "1980-02-01"}
KEY = "costs-key"


def role_of(module: str) -> str:
    """The role of a module in answering a request: its package, or another library's name."""
    library, _, rest = module.partition(".")
    return rest.partition(".")[0] if library == "mock_heidi" and rest else library


class Client:
    """Asks an application for one thing after another, and counts the calls that each takes."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.headers = [
            (b"host", b"localhost"),
            (b"heidi-api-key", KEY.encode()),
            (b"user-agent", b"costs/1.0"),
            (b"accept", b"*/*"),
        ]
        who = "email=ada@example.com&third_party_internal_id=1"
        self.headers.append((b"authorization", f"Bearer {self.ask('GET', '/jwt', query=who)['token']}".encode()))

    def ask(self, method: str, path: str, body: Any = None, query: str = "", base: str = BASE_PATH) -> Any:
        return json.loads(self._run(method, base + path, body, query)[0])

    def count(self, method: str, path: str, body: Any = None) -> Counter[str]:
        """The calls of a repeated request, by module."""
        self._run(method, BASE_PATH + path, body, "")
        return self._run(method, BASE_PATH + path, body, "")[1]

    def _run(self, method: str, path: str, body: Any, query: str) -> tuple[bytes, Counter[str]]:
        sent = b"" if body is None else json.dumps(body).encode()
        scope = {
            "type": "http", "method": method, "path": path, "query_string": query.encode(), "root_path": "",
            "headers": [*self.headers, (b"content-length", b"%d" % len(sent))],
        }  # fmt: skip
        messages: list[Message] = [{"type": "http.request", "body": sent, "more_body": False}]
        answer: list[bytes] = []
        calls: Counter[str] = Counter()

        async def receive() -> Message:
            if messages:
                return messages.pop()
            left: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
            return await left  # the client stays connected

        async def send(message: Message) -> None:
            answer.append(message.get("body", b""))

        def note(frame: FrameType, event: str, _: Any) -> None:
            name = frame.f_globals.get("__name__", "")
            # Not counted: the judges that watch every test, and asyncio, since a server runs on uvloop.
            passed = name in (__name__, "judges", "namedtuple_Exchange") or name.startswith("asyncio.")
            if event == "call" and not passed:
                calls[role_of(name)] += 1

        async def run() -> None:
            sys.setprofile(note)
            try:
                await self.app(scope, receive, send)
            finally:
                sys.setprofile(None)

        asyncio.run(run())
        return b"".join(answer), calls


@pytest.fixture
def client() -> Client:
    return Client(create_app(fixtures="empty", api_key=KEY))


def grown(calls: Mapping[str, float], recorded: Mapping[str, int]) -> str:
    """The modules that are called more often than recorded."""
    more = {name: count - recorded.get(name, 0) for name, count in calls.items() if count > recorded.get(name, 0)}
    return ", ".join(f"{name} +{count}" for name, count in sorted(more.items(), key=lambda item: -item[1]))


@pytest.mark.parametrize("name", COSTS)
def test_a_request_takes_no_more_calls_than_recorded(client: Client, name: str) -> None:
    made = client.ask("POST", "/patient-profiles", PROFILE)["data"]["id"]
    calls = {
        "GET": lambda: client.count("GET", f"/patient-profiles/{made}"),
        "GET list": lambda: client.count("GET", "/patient-profiles"),
        "POST": lambda: client.count("POST", "/patient-profiles", PROFILE),
        "PATCH": lambda: client.count("PATCH", f"/patient-profiles/{made}", {"phone": "+61 400 000000"}),
    }[name]()

    assert calls.total() <= sum(COSTS[name].values()) * SLACK, f"{name} calls more: {grown(calls, COSTS[name])}"


def test_a_piece_of_a_stream_takes_no_more_calls_than_recorded(client: Client) -> None:
    session = client.ask("POST", "/sessions")["session_id"]
    command = {"ai_command_text": "Say it", "content": "Nothing", "content_type": "MARKDOWN"}

    def told(pieces: int) -> Counter[str]:
        reply = {"operation": "ask_ai", "pieces": ["word "] * pieces}
        client.app.registry.default.stubs.remove()
        client.ask("POST", "/replies", reply, base="/_mock")
        return client.count("POST", f"/sessions/{session}/ask-ai", command)

    few, many = told(100), told(300)
    piece = {name: (many[name] - few[name]) / 200 for name in many}

    assert sum(piece.values()) <= STREAM_PIECE * SLACK, f"a piece calls {grown(piece, {})}"


START = """
import sys
from mock_heidi.cli.main import main
from mock_heidi.cli import request_log
from mock_heidi.serving import server
from mock_heidi.app import create_app
create_app()
names = {name.partition(".")[0] for name in sys.modules if not name.startswith("_")}
print(len(sys.modules), *sorted(names - set(sys.stdlib_module_names) - {"mock_heidi"}))
"""


def printed(code: str, *args: str) -> list[str]:
    """The words of the last line that a new Python process prints."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    command = [sys.executable, "-c", code, *args]
    ended = subprocess.run(command, env=env, capture_output=True, text=True, check=True)  # noqa: S603 - ours
    return ended.stdout.splitlines()[-1].split()


def test_a_start_loads_no_more_modules_than_recorded() -> None:
    said = printed(START)
    count, names = int(said[0]), set(said[1:])

    assert names <= LOADED, f"a start loads {', '.join(sorted(names - LOADED))} too; import late what few requests need"
    assert count <= MODULES * SLACK, f"a start loads {count} modules, and no longer about {MODULES}"


LATE = """
import sys
from mock_heidi.app import create_app
create_app()
import mock_heidi.serving.server
late = (
    "mock_heidi.control.", "mock_heidi.api.", "mock_heidi.observing.checks", "mock_heidi.observing.credentials",
    "mock_heidi.serving.tls", "mock_heidi.serving.certificate", "cryptography",
)
print("late:", *sorted(name for name in sys.modules if name.startswith(late)))
"""


def test_a_start_loads_no_resource_check_or_tls_before_it_is_used() -> None:
    names = [f"mock_heidi.control.{name}" for name in ("control", "guard", "root")]

    assert printed(LATE) == ["late:", *names]


BUILT = """
import mock_heidi.app, mock_heidi.cli.request_log
from pydantic import BaseModel
def below(cls):
    return {cls}.union(*map(below, cls.__subclasses__()))
print("built:", *sorted(cls.__name__ for cls in below(BaseModel) - {BaseModel} if cls.__pydantic_complete__))
"""


def test_importing_the_server_builds_no_pydantic_model() -> None:
    assert printed(BUILT) == ["built:"]


def test_pytest_loads_only_the_plugin_if_no_fixture_is_used() -> None:
    code = "import sys, mock_heidi.pytest_plugin; print(*sorted(one for one in sys.modules if 'mock_heidi.' in one))"

    assert printed(code) == [f"mock_heidi.pytest_{name}" for name in ("options", "plugin", "reports")]


# Modules that are slow to import. A command loads only those that it needs.
HEAVY = {
    "asyncio",
    "cryptography",
    "http.client",
    "jwt",
    "logging",
    "mock_heidi.client.handle",
    "pydantic",
    "ssl",
    "starlette",
    "uvicorn",
    "yaml",
}
NEEDED = {
    "--help": set(),
    "serve --help": set(),
    "exec --help": set(),
    "routes": set(),
    "env --url http://127.0.0.1:1": {"mock_heidi.client.handle"},
    "token --url http://127.0.0.1:1": {"mock_heidi.client.handle"},
    "schema": {"pydantic"},
    "validate": {"pydantic", "yaml"},
}  # fmt: skip
COMMAND = """
import sys
from mock_heidi.cli.main import main
try:
    main(sys.argv[1:])
except SystemExit:
    print(*sys.modules)
"""


@pytest.mark.parametrize("command", NEEDED)
def test_a_command_loads_only_what_it_needs(command: str) -> None:
    loaded = HEAVY.intersection(printed(COMMAND, *command.split()))

    assert loaded == NEEDED[command]


RUN = """
import gc, sys
from mock_heidi.__main__ import run
try:
    run()
except SystemExit:
    print(gc.isenabled())
"""


@pytest.mark.parametrize(("command", "collects"), [("validate", "False"), ("env --url http://127.0.0.1:1", "True")])
def test_only_long_running_commands_collect_garbage(command: str, collects: str) -> None:
    assert printed(RUN, *command.split()) == [collects]


class Begins:
    """A server that has started, and ends at once."""

    def __init__(self, _: App, __: list[socket.socket], started: Callable[[], None], **___: Any) -> None:
        self.run = started


def test_a_server_collects_garbage_after_its_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "Server", Begins)
    gc.disable()
    try:
        with pytest.raises(SystemExit):
            main(["serve", "--port", "0", "--quiet"])

        assert gc.isenabled()
    finally:
        gc.enable()
        gc.unfreeze()


def test_the_failure_message_names_what_has_grown() -> None:
    assert grown(
        {"mock_heidi.app": 5, "mock_heidi.web.request": 9, "json": 1},
        {"mock_heidi.app": 5, "mock_heidi.web.request": 2},
    ) == ("mock_heidi.web.request +7, json +1")
