"""The installed version of uvicorn has the parts that we use although its documentation does not promise them."""

import asyncio
import inspect
import re
import tomllib
from typing import Any

import pytest
import uvicorn
from paths import ROOT
from uvicorn.protocols.http import h11_impl
from uvicorn.protocols.http.flow_control import FlowControl

from mock_heidi.serving import uvicorn_parsers, uvicorn_protocol, uvicorn_server

httptools_impl = pytest.importorskip("uvicorn.protocols.http.httptools_impl")

MODULES = {f"{one.__name__.partition('.')[2]}.py": one for one in (uvicorn_parsers, uvicorn_protocol, uvicorn_server)}
CURE = (
    f"uvicorn {uvicorn.__version__} has no %s: see what has taken its place, mend the module of {', '.join(MODULES)} "
    "that lists it, and set the bounds in pyproject.toml"
)
CYCLE = ("response_complete", "disconnected", "message_event", "keep_alive")
PROTOCOL = (
    "connection_made", "connection_lost", "data_received", "app", "transport", "flow", "cycle",
    "loop", "timeout_keep_alive", "timeout_keep_alive_handler", "timeout_keep_alive_task",
    "_unset_keepalive_if_required",
)  # fmt: skip


async def _nothing(scope: Any, receive: Any, send: Any) -> None: ...


def made() -> dict[str, tuple[Any, tuple[str, ...]]]:
    """An object of each class, and the parts of it that we use."""
    config = uvicorn.Config(_nothing, lifespan="off", interface="asgi3", log_config=None)
    config.load()
    server = uvicorn.Server(config)
    server.servers = []  # made by startup()
    assert "self.servers" in inspect.getsource(uvicorn.Server.startup)
    plain, fast = (
        kind(config=config, server_state=server.server_state, app_state={})
        for kind in (h11_impl.H11Protocol, httptools_impl.HttpToolsProtocol)
    )
    shared: dict[str, Any] = dict.fromkeys(("scope", "transport", "flow", "logger", "access_logger", "on_response"))
    shared |= {"access_log": False, "default_headers": [], "message_event": asyncio.Event()}
    return {
        "Server": (
            server,
            ("startup", "main_loop", "shutdown", "serve", "_serve", "on_tick", "servers", "server_state"),
        ),
        "ServerState": (server.server_state, ("connections", "tasks")),
        "Config": (config, ("get_loop_factory",)),
        "HttpToolsProtocol": (
            fast,
            (*PROTOCOL, "on_headers_complete", "on_body", "headers", "pipeline", "scope"),
        ),
        "H11Protocol": (plain, (*PROTOCOL, "handle_events", "on_response_complete", "conn")),
        "FlowControl": (FlowControl, ("pause_reading", "resume_reading")),
        "RequestResponseCycle": (h11_impl.RequestResponseCycle(**shared, conn=plain.conn), CYCLE),
        "RequestResponseCycle with httptools": (
            httptools_impl.RequestResponseCycle(**shared, expect_100_continue=False, keep_alive=True),
            (*CYCLE, "chunked_encoding", "expected_content_length", "more_body", "scope"),
        ),
    }  # fmt: skip


def test_uvicorn_has_the_parts_that_we_use() -> None:
    async def look() -> list[str]:
        return [f"{name}.{part}" for name, (one, parts) in made().items() for part in parts if not hasattr(one, part)]

    missing = asyncio.run(look())

    assert missing == [], CURE % ", ".join(missing)


def test_the_list_names_every_used_part() -> None:
    async def look() -> set[str]:
        return {part for _, parts in made().values() for part in parts}

    listed = {part for module in MODULES.values() for part in re.findall(r"``(\w+)``", str(module.__doc__))}

    assert asyncio.run(look()) <= listed


def test_no_other_module_imports_private_parts_of_uvicorn() -> None:
    named = re.compile(r"\buvicorn\.(protocols|server|config)\b|import uvicorn")

    found = [path.name for path in (ROOT / "mock_heidi").rglob("*.py") if named.search(path.read_text("utf-8"))]

    assert sorted(found) == ["uvicorn_parsers.py", "uvicorn_server.py"]


def test_the_version_has_an_upper_bound() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]

    [bounds] = [one for one in project["dependencies"] if re.match(r"uvicorn\b", one)]
    assert re.fullmatch(r"uvicorn>=[\d.]+,<[\d.]+", bounds), "a version that nobody has tried may lack our parts"
