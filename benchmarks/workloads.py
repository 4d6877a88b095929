"""The workloads, each with its variants; the first variant is the one that the others are compared with."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from typing import NamedTuple

from benchmarks.contestants import KEY, ROOT, Running, await_answer, free_port, prism, running, script, spawned
from benchmarks.loads import BASE, Asked, Load, LoadError, ask_bytes, converse, profile
from benchmarks.machine import Cores, resident
from benchmarks.streams import first_piece, paced, request_bytes

PIECES = 200
FIRST, RATE = 0.3, 40
Figures = dict[str, float]
_EMPTY = ("--fixtures", "empty")
LAYERED = ("GET one", "POST", "PATCH")
CPU = ("GET one", "GET list of 100", "PATCH", "POST")
# Up to which layer a request goes before it is answered with constant bytes.
LAYERS = {
    "server": "the server alone, which parses and sends",
    "router": "and the router, which finds the operation and who asks",
    "exchange": "and the journal, a look for rules, and the sending of an answer",
    "answer": "and the token, the body, and a handler that answers constant bytes",
    "all": "and the handler's own work",
}
# What is loaded before the first answer, each with all that stands before it.
_SERVER = "import gc; gc.disable(); import uvicorn, uvloop, httptools; import uvicorn.protocols.http.httptools_impl"
_LIBRARIES = f"{_SERVER}; import pydantic, starlette.applications; from pydantic import BaseModel"
_MODULES = (
    f"{_LIBRARIES}; import mock_heidi.cli.main, mock_heidi.app, mock_heidi.cli.request_log, mock_heidi.serving.server"
)
_PARTS = {
    "Python": "",
    "and the server": _SERVER,
    "and pydantic, Starlette": _LIBRARIES,
    "and mock_heidi's modules with their models": _MODULES,
    "and the packaged fixtures": f"{_MODULES}; mock_heidi.app.create_app()",
}
# In milliseconds.
_VERBS = {"--help": 60, "env": 60, "token": 60, "routes": 120, "validate": 120, "schema": 120}
_STATEFUL = ("mock_heidi", "unjournaled", "team")
_SINGLE = "/patient-profiles"


@dataclass
class Bench:
    """The place and the amount of a measurement; ``folder`` is for what the contestants read."""

    cores: Cores
    folder: Path
    load: Load
    seconds: float
    many: int
    """Profiles where there are many."""
    requests: int
    """Requests where there are very many."""
    clients: int
    repeats: int

    @classmethod
    def of(cls, cores: Cores, folder: Path, *, quick: bool) -> Bench:
        if quick:
            return cls(cores, folder, Load(folder, cores.load, warm=0), 1, 200, 1_000, 20, 1)
        return cls(cores, folder, Load(folder, cores.load), 4, 100_000, 1_000_000, 500, 15)


class Target(NamedTuple):
    """The target, of the first variant's figure or in the figure's own unit."""

    variant: str
    figure: str
    text: str
    holds: Callable[[float, float], bool]
    """Told the figure and its ratio to the first variant's."""


class Workload(NamedTuple):
    """``variants`` by name; ``unit`` by figure. The plot shows the workloads whose ratio says something."""

    name: str
    title: str
    variants: Mapping[str, Callable[[Bench], Figures]]
    units: Mapping[str, str]
    targets: tuple[Target, ...] = ()


def at_least(share: float, variant: str = "mock_heidi", figure: str = "rate") -> Target:
    return Target(variant, figure, f"≥ {share:.0%}", lambda _, ratio: ratio >= share)


def at_most_times(times: float, variant: str, figure: str) -> Target:
    return Target(variant, figure, f"≤ {times:g} times", lambda _, ratio: ratio <= times)


def at_most(limit: float, unit: str, variant: str, figure: str) -> Target:
    return Target(variant, figure, f"≤ {limit:g} {unit}", lambda value, _: value <= limit)


def at_most_more(limit: float, variant: str, figure: str = "time") -> Target:
    return Target(variant, figure, f"≤ {limit:g} ms more", lambda value, ratio: value - value / ratio <= limit)


# --- Requests a second ---------------------------------------------------------------------------------------------


def _ids(contestant: Running, name: str, count: int) -> list[str]:
    if name not in _STATEFUL:
        return ["5eb7cf5a86d9755df3a6c593"]
    return [contestant.ask(Asked("POST", _SINGLE, profile(number)))["data"]["id"] for number in range(count)]


def get_one(ids: Sequence[str]) -> list[Asked]:
    return [Asked("GET", f"{_SINGLE}/{one}") for one in ids]


def get_list(_: Sequence[str]) -> list[Asked]:
    return [Asked("GET", _SINGLE)]


def get_filtered(ids: Sequence[str]) -> list[Asked]:
    return [Asked("GET", f"{_SINGLE}?ehr_patient_id=EHR-{number:06d}") for number in range(len(ids))]


def post(_: Sequence[str]) -> list[Asked]:
    return [Asked("POST", _SINGLE, profile(1))]


def patch(ids: Sequence[str]) -> list[Asked]:
    return [
        Asked("PATCH", f"{_SINGLE}/{one}", {"phone": "+61 400 999999", "additional_context": "Asthma"}) for one in ids
    ]


_Asking = Callable[[Sequence[str]], list[Asked]]


def _rate(name: str, asking: _Asking, bench: Bench, options: Sequence[str] = ()) -> Figures:
    if name in ("bare", "plain"):
        options = (*options, "--answer", str(_answer(asking, bench)))
    if name == "mock_heidi":
        options = (*_EMPTY, *options)
    with running(name, bench.cores.server, options) as contestant:
        asked = asking(_ids(contestant, name, 100))
        per_second = bench.load.per_second(contestant.port, asked, contestant.headers, bench.seconds, contestant.base)
        return {"rate": per_second}


def _answer(asking: _Asking, bench: Bench) -> Path:
    """A file with what mock_heidi answers, which the limit answers always."""
    path = bench.folder / f"{asking.__name__}.json"
    if not path.exists():
        with running("mock_heidi", bench.cores.server, _EMPTY) as contestant:
            asked = asking(_ids(contestant, "mock_heidi", 100))[0]
            path.write_bytes(ask_bytes(contestant.port, asked, contestant.headers))
    return path


def _rates(
    name: str, title: str, asking: _Asking, *targets: Target, others: Sequence[str] = ("plain", "team")
) -> Workload:
    names = ["bare", "mock_heidi", *(one for one in others if one != "prism" or prism())]
    variants = {one: partial(_rate, one, asking) for one in names}
    return Workload(name, title, variants, {"rate": "requests/s"}, targets)


# --- Start and memory ----------------------------------------------------------------------------------------------


def _start(name: str, bench: Bench) -> Figures:
    taken = []
    for _ in range(3 if name == "prism" else bench.repeats):
        port = free_port()
        begun = time.perf_counter()
        with spawned(name, port, bench.cores.server) as process:
            await_answer(process, port, name)
            taken.append(time.perf_counter() - begun)
    return {"time": statistics.median(taken) * 1000}


def _verb(verb: str, bench: Bench) -> Figures:
    """A verb of the command from its start to its end, with a server that answers it where it asks one."""
    with running("mock_heidi", bench.cores.load, _EMPTY) as contestant:
        options = ("--url", f"http://127.0.0.1:{contestant.port}", "--api-key", KEY) if verb in ("env", "token") else ()
        return {"time": _milliseconds(bench, [script("mock-heidi"), verb, *options], ROOT)}


def _memory(name: str, bench: Bench, options: Sequence[str] = ()) -> Figures:
    with running(name, bench.cores.server, options) as contestant:
        return {"memory": resident(contestant.process)}


def _fixtures(bench: Bench, count: int) -> Sequence[str]:
    """The option for a folder with that many profiles, which is written once."""
    folder = bench.folder / f"fixtures-{count}"
    if not folder.exists():
        folder.mkdir()
        with (folder / "patient_profiles.yaml").open("w") as file:
            for number in range(count):
                # Every YAML reader takes JSON, and this is quicker to write.
                file.write(f"- {json.dumps({'id': f'{number:024x}', **profile(number)})}\n")
    return ("--fixtures", str(folder))


def _full_by_fixtures(bench: Bench) -> Figures:
    return _memory("mock_heidi", bench, _fixtures(bench, bench.many))


def _full_by_requests(name: str, bench: Bench) -> Figures:
    with running(name, bench.cores.server, _EMPTY if name == "mock_heidi" else ()) as contestant:
        connection = HTTPConnection("127.0.0.1", contestant.port)
        for number in range(bench.many):
            converse(connection, Asked("POST", _SINGLE, profile(number)), contestant.headers)
        connection.close()
        return {"memory": resident(contestant.process)}


def _after_requests(share: float, bench: Bench) -> Figures:
    with running("mock_heidi", bench.cores.server, _EMPTY) as contestant:
        asked = get_one(_ids(contestant, "mock_heidi", 100))
        wanted, asked_for = bench.requests * share, 0.0
        while asked_for < wanted:
            seconds = max(1, min(20, round((wanted - asked_for) / 20_000)))
            # The second of warming up counts too, in the right direction: there are more requests than said.
            asked_for += seconds * bench.load.per_second(contestant.port, asked, contestant.headers, seconds)
        return {"memory": resident(contestant.process)}


# --- Large states --------------------------------------------------------------------------------------------------


def _rate_of_many(count: int | None, asking: _Asking, bench: Bench) -> Figures:
    count = count or bench.many
    with running("mock_heidi", bench.cores.server, _fixtures(bench, count)) as contestant:
        # A hundred of them, from all over the state; of a hundred, all.
        numbers = range(0, count, max(1, count // 100))
        if asking is get_one:
            asked = get_one([f"{number:024x}" for number in numbers])
        else:
            asked = [Asked("GET", f"{_SINGLE}?ehr_patient_id=EHR-{number:06d}") for number in numbers]
        return {"rate": bench.load.per_second(contestant.port, asked, contestant.headers, bench.seconds)}


def _reset_and_fork(count: int | None, bench: Bench, changes: int = 0) -> Figures:
    with running("mock_heidi", bench.cores.server, _fixtures(bench, count or bench.many)) as contestant:
        connection = HTTPConnection("127.0.0.1", contestant.port)
        resets, forks = [], []
        for _ in range(bench.repeats * 2):
            for number in range(changes):
                converse(connection, Asked("POST", _SINGLE, profile(number)), contestant.headers)
            forks.append(_timed(connection, "POST", "/namespaces/copy?from=default"))
            resets.append(_timed(connection, "POST", "/reset"))
            _timed(connection, "DELETE", "/namespaces/copy")
        connection.close()
        return {"reset": statistics.median(resets) * 1000, "fork": statistics.median(forks) * 1000}


def _timed(connection: HTTPConnection, method: str, path: str) -> float:
    begun = time.perf_counter()
    converse(connection, Asked(method, path), {}, "/_mock")
    return time.perf_counter() - begun


def _life(count: int | None, bench: Bench) -> Figures:
    """A test against a running server: a namespace, a sign-in, a profile made and read, and an end."""
    options = _EMPTY if count == 0 else _fixtures(bench, count or bench.many)
    with running("mock_heidi", bench.cores.server, options) as contestant:
        connection = HTTPConnection("127.0.0.1", contestant.port)
        taken = [_one_life(connection, f"test-{number}") for number in range(bench.repeats * 10)]
        connection.close()
        return {"time": statistics.median(taken) * 1000}


def _one_life(connection: HTTPConnection, name: str) -> float:
    base = f"/ns/{name}{BASE}"
    begun = time.perf_counter()
    _timed(connection, "POST", f"/namespaces/{name}")
    who = Asked("GET", "/jwt?email=test@example.com&third_party_internal_id=1")
    token = json.loads(converse(connection, who, {"Heidi-Api-Key": KEY}, base))["token"]
    signed = {"Authorization": f"Bearer {token}"}
    made = json.loads(converse(connection, Asked("POST", _SINGLE, profile(1)), signed, base))["data"]
    converse(connection, Asked("GET", f"{_SINGLE}/{made['id']}"), signed, base)
    _timed(connection, "DELETE", f"/namespaces/{name}")
    return time.perf_counter() - begun


# --- Streams -------------------------------------------------------------------------------------------------------


def _told(contestant: Running) -> Asked:
    """Have mock_heidi say so many pieces, and what to ask for them."""
    pieces = [f"word{number} " for number in range(PIECES)]
    contestant.control("POST", "/replies", {"operation": "ask_ai", "pieces": pieces})
    session = contestant.ask(Asked("POST", "/sessions"))["session_id"]
    command = {"ai_command_text": "Say it", "content": "Nothing", "content_type": "MARKDOWN"}
    return Asked("POST", f"/sessions/{session}/ask-ai", command)


def _stream(name: str, bench: Bench) -> Figures:
    options = list(_EMPTY)
    if name != "mock_heidi":
        piece = bench.folder / "piece.txt"
        piece.write_bytes(b'data: {"data": "word100 "}\n\n')
        options = ["--answer", str(piece), "--pieces", str(PIECES)]
    with running(name, bench.cores.server, options) as contestant:
        asked = _told(contestant) if name == "mock_heidi" else Asked("POST", "/sessions/1/ask-ai", {})
        request = request_bytes(contestant.port, asked, contestant.headers, BASE)
        first = first_piece(contestant.port, request, bench.repeats * 20)
        rate = bench.load.per_second(contestant.port, [asked], contestant.headers, bench.seconds)
        return {"rate": rate, "first piece": first}


def _paced(bench: Bench) -> Figures:
    pace = ("--pace", f"first={FIRST},rate={RATE}")
    with running("mock_heidi", bench.cores.server, (*_EMPTY, *pace)) as contestant:
        request = request_bytes(contestant.port, _told(contestant), contestant.headers, BASE)
        errors = sorted(map(abs, paced(contestant.port, request, bench.clients, FIRST, RATE)))
        return {"median": errors[len(errors) // 2], "99th percentile": errors[len(errors) * 99 // 100]}


# --- In the user's own process -------------------------------------------------------------------------------------


def _in_process(name: str, bench: Bench) -> Figures:
    command = [sys.executable, "-m", "benchmarks.apps.in_process", name, "--seconds", str(bench.seconds)]
    return {"rate": float(_run(bench, command, ROOT))}


def _run(bench: Bench, command: Sequence[str], folder: Path) -> str:
    command = ["taskset", "-c", str(bench.cores.server), *command]
    # Of pytest's plugins only the one that is asked for: what else is installed here is nobody's business.
    env = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    ended = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise LoadError(f"{' '.join(command)}: {(ended.stderr or ended.stdout).strip()[-400:]}")
    return ended.stdout


def _cpu(name: str, bench: Bench) -> Figures:
    command = [sys.executable, "-m", "benchmarks.apps.cpu", name, "--turns", str(bench.repeats * 4)]
    above: Figures = json.loads(_run(bench, command, ROOT))
    return above


def _up_to(layer: str, bench: Bench) -> Figures:
    return {
        name: float(_run(bench, [sys.executable, "-m", "benchmarks.apps.layers", name, "--until", layer], ROOT))
        for name in LAYERED
    }


def _milliseconds(bench: Bench, command: Sequence[str], folder: Path) -> float:
    """The time of a command, the median of some runs."""
    taken = []
    for _ in range(bench.repeats):
        begun = time.perf_counter()
        _run(bench, command, folder)
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken) * 1000


def _loading(code: str, bench: Bench) -> Figures:
    return {"time": _milliseconds(bench, [sys.executable, "-c", code], ROOT)}


_TESTS = """
import pytest

@pytest.fixture
def nothing():
    yield

@pytest.mark.parametrize("number", range({count}))
def test_it({fixture}, number):
    pass
"""


_PLUGIN = ("-p", "mock_heidi.pytest_plugin")


def _pytest(bench: Bench, fixture: str, count: int, options: Sequence[str] = _PLUGIN) -> float:
    with tempfile.TemporaryDirectory(dir=bench.folder) as folder:
        (Path(folder) / "test_it.py").write_text(_TESTS.format(fixture=fixture, count=count))
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
        return _milliseconds(bench, command, Path(folder))


def _unused(options: Sequence[str], bench: Bench) -> Figures:
    return {"time": _pytest(bench, "nothing", 1, options)}


def _fixture(name: str, bench: Bench) -> Figures:
    """A run with one test that uses a fixture, and what each further test adds to it."""
    few, many = 1, 201
    first = _pytest(bench, name, few)
    return {"first": first, "further": (_pytest(bench, name, many) - first) / (many - few)}


def workloads(*, quick: bool = False) -> list[Workload]:
    """All of them, in the order of the report; the ``quick`` ones have the others take part once, and no more."""
    milliseconds, megabytes = {"time": "ms"}, {"memory": "MB"}
    starters = ["bare", "mock_heidi", "plain", "team", *(["prism"] if prism() else [])]
    few, many = "100 profiles", "many profiles"
    others = () if quick else ("plain", "team")
    return [
        Workload(
            "start", "Start to the first answer", {name: partial(_start, name) for name in starters}, milliseconds,
            (at_most_times(2.1, "mock_heidi", "time"),),
        ),
        Workload(
            "start_verbs", "A verb of the command, from its start to its end",
            {"Python": partial(_loading, ""), **{verb: partial(_verb, verb) for verb in _VERBS}}, milliseconds,
            tuple(at_most(limit, "ms", verb, "time") for verb, limit in _VERBS.items()),
        ),
        _rates("get_one", "GET one", get_one, at_least(0.7), others=["plain", "team", "prism"]),
        _rates("get_list", "GET list of 100", get_list, at_least(0.5), others=others),
        _rates("get_filtered", "GET ?ehr_patient_id= with one match", get_filtered, others=others),
        _rates("post", "POST", post, at_least(0.45), others=others),
        _rates("patch", "PATCH", patch, at_least(0.5), others=others),
        Workload(
            "one_of_many", "GET one of 100,000",
            {few: partial(_rate_of_many, 100, get_one), many: partial(_rate_of_many, None, get_one)},
            {"rate": "requests/s"}, (at_least(0.9, many),),
        ),
        Workload(
            "filtered_of_many", "GET ?ehr_patient_id= among 100,000",
            {few: partial(_rate_of_many, 100, get_filtered), many: partial(_rate_of_many, None, get_filtered)},
            {"rate": "requests/s"}, (at_least(0.9, many),),
        ),
        Workload(
            "reset_and_fork", "Reset and fork with 100,000, over HTTP",
            {
                few: partial(_reset_and_fork, 100),
                many: partial(_reset_and_fork, None),
                "many profiles, 200 changes": partial(_reset_and_fork, None, changes=200),
            },
            {"reset": "ms", "fork": "ms"}, (at_most(1, "ms", many, "reset"), at_most(1, "ms", many, "fork")),
        ),
        Workload(
            "life", "A test's life on a running server",
            {"no profiles": partial(_life, 0), many: partial(_life, None)}, milliseconds,
            (at_most(5, "ms", "no profiles", "time"), at_most(5, "ms", many, "time")),
        ),
        Workload(
            "memory", "Memory, empty", {name: partial(_memory, name) for name in starters}, megabytes,
            (at_most_times(2, "mock_heidi", "memory"),),
        ),
        Workload(
            "memory_full", "Memory with 100,000 profiles",
            {
                "bare": partial(_memory, "bare"),
                "mock_heidi, fixtures": _full_by_fixtures,
                "mock_heidi, POST": partial(_full_by_requests, "mock_heidi"),
                "team, POST": partial(_full_by_requests, "team"),
            },
            megabytes,
            (at_most(300, "MB", "mock_heidi, fixtures", "memory"), at_most(300, "MB", "mock_heidi, POST", "memory")),
        ),
        Workload(
            "memory_flat", "Memory over a million requests",
            {"a tenth of them": partial(_after_requests, 0.1), "all of them": partial(_after_requests, 1)}, megabytes,
            (at_most_times(1.05, "all of them", "memory"),),
        ),
        Workload(
            "stream", f"Stream of {PIECES} pieces",
            {name: partial(_stream, name) for name in ("bare", "mock_heidi", "plain")},
            {"rate": "streams/s", "first piece": "ms"},
            (at_least(0.45), at_most_times(3, "mock_heidi", "first piece")),
        ),
        Workload(
            "paced", f"500 paced streams at once, {RATE} pieces a second each: error of a piece's time",
            {"mock_heidi": _paced}, {"median": "ms", "99th percentile": "ms"},
            (at_most(2, "ms", "mock_heidi", "median"), at_most(10, "ms", "mock_heidi", "99th percentile")),
        ),
        Workload(
            "journal", "What the journal costs, GET one",
            {name: partial(_rate, name, get_one) for name in ("unjournaled", "mock_heidi")},
            {"rate": "requests/s"},
        ),
        Workload(
            "idle_rule", "What an idle fault rule costs, GET one",
            {
                "no rule": partial(_rate, "mock_heidi", get_one),
                "one rule": partial(_rate, "mock_heidi", get_one, options=("--fault", "get_session:status=503")),
            },
            {"rate": "requests/s"},
        ),
        Workload(
            "in_process", "In process, by httpx.ASGITransport, GET one",
            {name: partial(_in_process, name) for name in ("bare", "mock_heidi", "plain", "team")},
            {"rate": "requests/s"},
        ),
        Workload(
            "cpu", "CPU time of a request above bare ASGI, in process and without a network",
            {name: partial(_cpu, name) for name in ("plain", "mock_heidi")}, dict.fromkeys(CPU, "µs"),
            tuple(
                at_most(limit, "µs", "mock_heidi", asked)
                for asked, limit in zip(CPU, (9.5, 9.5, 20, 25), strict=True)
            ),
        ),
        Workload(
            "layers", "Where a request's time goes, in process and without a network",
            {title: partial(_up_to, layer) for layer, title in LAYERS.items()}, dict.fromkeys(LAYERED, "µs"),
        ),
        Workload(
            "start_parts", "Where a start's time goes",
            {title: partial(_loading, code) for title, code in _PARTS.items()}, milliseconds,
        ),
        Workload(
            "start_plugin", "A pytest run that does not use the plugin",
            {"without the plugin": partial(_unused, ()), "with the plugin": partial(_unused, _PLUGIN)},
            milliseconds, (at_most_more(5, "with the plugin"),),
        ),
        Workload(
            "start_fixture", "The fixture: a run with one test, and each further test",
            {"an empty fixture": partial(_fixture, "nothing"), "mock_heidi": partial(_fixture, "mock_heidi")},
            {"first": "ms", "further": "ms"},
            (at_most_more(350, "mock_heidi", "first"), at_most_more(1.2, "mock_heidi", "further")),
        ),
    ]  # fmt: skip
