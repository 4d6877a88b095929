"""The measurements: each is a function that takes a :class:`Bench` and returns figures by their names."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

from benchmarks import streams
from benchmarks.contestants import KEY, ROOT, Running, await_answer, free_port, running, script, spawned
from benchmarks.loads import BASE, PROFILES, Asked, Load, LoadError, ask_bytes, converse, get_one, profile
from benchmarks.machine import Cores, resident

PIECES, FIRST, RATE = 200, 0.3, 40
Figures = dict[str, float]
Asking = Callable[[Sequence[str]], list[Asked]]
_EMPTY = ("--fixtures", "empty")
_STATEFUL = ("mock_heidi", "unjournaled", "team", "json_server")


@dataclass
class Bench:
    """The place and the amount of a measurement. ``folder`` holds the files that the contestants read."""

    cores: Cores
    folder: Path
    load: Load
    seconds: float
    many: int
    """The number of profiles where there are very many."""
    requests: int
    """The number of requests where there are very many."""
    clients: int
    repeats: int

    @classmethod
    def of(cls, cores: Cores, folder: Path, *, quick: bool) -> Bench:
        if quick:
            return cls(cores, folder, Load(folder, cores.load, warm=0), 1, 200, 1_000, 20, 1)
        return cls(cores, folder, Load(folder, cores.load), 4, 100_000, 1_000_000, 500, 15)


def _ids(contestant: Running, name: str, count: int) -> list[str]:
    if name not in _STATEFUL:
        return ["5eb7cf5a86d9755df3a6c593"]
    made = [contestant.ask(Asked("POST", PROFILES, profile(number))) for number in range(count)]
    # json-server answers with the profile alone.
    return [str(answer.get("data", answer)["id"]) for answer in made]


def rate(name: str, asking: Asking, bench: Bench, options: Sequence[str] = ()) -> Figures:
    """Requests a second."""
    if name in ("bare", "plain"):
        options = (*options, "--answer", str(_answer(asking, bench)))
    if name == "mock_heidi":
        options = (*_EMPTY, *options)
    with running(name, bench.cores.server, options) as contestant:
        asked = asking(_ids(contestant, name, 100))
        per_second = bench.load.per_second(contestant.port, asked, contestant.headers, bench.seconds)
        return {"rate": per_second}


def _answer(asking: Asking, bench: Bench) -> Path:
    """A file with an answer of mock_heidi: the constant answer of the others."""
    path = bench.folder / f"{asking.__name__}.json"
    if not path.exists():
        with running("mock_heidi", bench.cores.server, _EMPTY) as contestant:
            asked = asking(_ids(contestant, "mock_heidi", 100))[0]
            path.write_bytes(ask_bytes(contestant.port, asked, contestant.headers))
    return path


def start(name: str, bench: Bench) -> Figures:
    """The time from the start of the process to its first answer."""
    taken = []
    for _ in range(bench.repeats):
        port = free_port()
        begun = time.perf_counter()
        with spawned(name, port, bench.cores.server) as process:
            await_answer(process, port, name)
            taken.append(time.perf_counter() - begun)
    return {"time": statistics.median(taken) * 1000}


def verb(name: str, bench: Bench) -> Figures:
    """The time of a verb of the command, from its start to its end. A server runs for the verbs that need one."""
    with running("mock_heidi", bench.cores.load, _EMPTY) as contestant:
        options = ("--url", f"http://127.0.0.1:{contestant.port}", "--api-key", KEY) if name in ("env", "token") else ()
        return {"time": milliseconds(bench, [script("mock-heidi"), name, *options], ROOT)}


def memory(name: str, bench: Bench, *, full: bool = False) -> Figures:
    """The memory after the start; with ``full``, of very many profiles from fixtures."""
    with running(name, bench.cores.server, _fixtures(bench, bench.many) if full else ()) as contestant:
        return {"memory": resident(contestant.process)}


def _fixtures(bench: Bench, count: int) -> Sequence[str]:
    """The option for a folder with that many profiles. The folder is written once."""
    folder = bench.folder / f"fixtures-{count}"
    if not folder.exists():
        folder.mkdir()
        with (folder / "patient_profiles.yaml").open("w") as file:
            for number in range(count):
                # JSON is YAML, and quicker to write.
                file.write(f"- {json.dumps({'id': f'{number:024x}', **profile(number)})}\n")
    return ("--fixtures", str(folder))


def memory_after_posts(name: str, bench: Bench) -> Figures:
    """The memory of very many profiles that requests have made."""
    with running(name, bench.cores.server, _EMPTY if name == "mock_heidi" else ()) as contestant:
        connection = HTTPConnection("127.0.0.1", contestant.port)
        for number in range(bench.many):
            converse(connection, Asked("POST", PROFILES, profile(number)), contestant.headers)
        connection.close()
        return {"memory": resident(contestant.process)}


def memory_after_gets(share: float, bench: Bench) -> Figures:
    """The memory after a share of very many requests."""
    with running("mock_heidi", bench.cores.server, _EMPTY) as contestant:
        asked = get_one(_ids(contestant, "mock_heidi", 100))
        wanted, asked_for = bench.requests * share, 0.0
        while asked_for < wanted:
            seconds = max(1, min(20, round((wanted - asked_for) / 20_000)))
            # Those of the warm-up second are not counted, so there are a few more than asked for.
            asked_for += seconds * bench.load.per_second(contestant.port, asked, contestant.headers, seconds)
        return {"memory": resident(contestant.process)}


def rate_of_many(count: int | None, path: str, bench: Bench) -> Figures:
    """Requests a second for a hundred of ``count`` profiles, each at ``path`` with its number; None is very many."""
    count = count or bench.many
    with running("mock_heidi", bench.cores.server, _fixtures(bench, count)) as contestant:
        numbers = range(0, count, max(1, count // 100))
        asked = [Asked("GET", PROFILES + path.format(number)) for number in numbers]
        return {"rate": bench.load.per_second(contestant.port, asked, contestant.headers, bench.seconds)}


def reset_and_fork(count: int | None, bench: Bench, changes: int = 0) -> Figures:
    """The times of a reset and of a fork over HTTP, each after that many changes."""
    with running("mock_heidi", bench.cores.server, _fixtures(bench, count or bench.many)) as contestant:
        connection = HTTPConnection("127.0.0.1", contestant.port)
        resets, forks = [], []
        for _ in range(bench.repeats * 2):
            for number in range(changes):
                converse(connection, Asked("POST", PROFILES, profile(number)), contestant.headers)
            forks.append(_timed(connection, "POST", "/namespaces/copy?from=default"))
            resets.append(_timed(connection, "POST", "/reset"))
            _timed(connection, "DELETE", "/namespaces/copy")
        connection.close()
        return {"reset": statistics.median(resets) * 1000, "fork": statistics.median(forks) * 1000}


def _timed(connection: HTTPConnection, method: str, path: str) -> float:
    begun = time.perf_counter()
    converse(connection, Asked(method, path), {}, "/_mock")
    return time.perf_counter() - begun


def life(count: int | None, bench: Bench, more: Sequence[str] = ()) -> Figures:
    """The time of a test on a running server: make a namespace, sign in, make and read a profile, delete the rest."""
    options = _EMPTY if count == 0 else _fixtures(bench, count or bench.many)
    with running("mock_heidi", bench.cores.server, (*options, *more)) as contestant:
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
    made = json.loads(converse(connection, Asked("POST", PROFILES, profile(1)), signed, base))["data"]
    converse(connection, Asked("GET", f"{PROFILES}/{made['id']}"), signed, base)
    _timed(connection, "DELETE", f"/namespaces/{name}")
    return time.perf_counter() - begun


def _stream_request(contestant: Running) -> Asked:
    """A request that mock_heidi answers with a stream of ``PIECES`` pieces."""
    pieces = [f"word{number} " for number in range(PIECES)]
    contestant.control("POST", "/replies", {"operation": "ask_ai", "pieces": pieces})
    session = contestant.ask(Asked("POST", "/sessions"))["session_id"]
    command = {"ai_command_text": "Say it", "content": "Nothing", "content_type": "MARKDOWN"}
    return Asked("POST", f"/sessions/{session}/ask-ai", command)


def stream(name: str, bench: Bench) -> Figures:
    """Streams a second, and the time to the first piece."""
    options = list(_EMPTY)
    if name != "mock_heidi":
        piece = bench.folder / "piece.txt"
        piece.write_bytes(b'data: {"data": "word100 "}\n\n')
        options = ["--answer", str(piece), "--pieces", str(PIECES)]
    with running(name, bench.cores.server, options) as contestant:
        asked = _stream_request(contestant) if name == "mock_heidi" else Asked("POST", "/sessions/1/ask-ai", {})
        request = streams.request_bytes(contestant.port, asked, contestant.headers)
        first = streams.first_piece(contestant.port, request, bench.repeats * 20)
        per_second = bench.load.per_second(contestant.port, [asked], contestant.headers, bench.seconds)
        return {"rate": per_second, "first piece": first}


def paced(bench: Bench) -> Figures:
    """The error of the times at which the pieces of many paced streams arrive."""
    pace = ("--pace", f"first={FIRST},rate={RATE}")
    with running("mock_heidi", bench.cores.server, (*_EMPTY, *pace)) as contestant:
        request = streams.request_bytes(contestant.port, _stream_request(contestant), contestant.headers)
        errors = sorted(map(abs, streams.paced(contestant.port, request, bench.clients, FIRST, RATE)))
        return {"median": errors[len(errors) // 2], "99th percentile": errors[len(errors) * 99 // 100]}


def in_process(name: str, bench: Bench) -> Figures:
    """Requests a second by httpx in the same process."""
    command = [sys.executable, "-m", "benchmarks.apps.in_process", name, "--seconds", str(bench.seconds)]
    return {"rate": float(_run(bench, command, ROOT))}


def _run(bench: Bench, command: Sequence[str], folder: Path) -> str:
    command = ["taskset", "-c", str(bench.cores.server), *command]
    # Other plugins that are installed here must not count.
    env = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    ended = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise LoadError(f"{' '.join(command)}: {(ended.stderr or ended.stdout).strip()[-400:]}")
    return ended.stdout


def cpu(name: str, bench: Bench) -> Figures:
    """The CPU time of a request above bare ASGI."""
    command = [sys.executable, "-m", "benchmarks.apps.cpu", name, "--turns", str(bench.repeats * 4)]
    above: Figures = json.loads(_run(bench, command, ROOT))
    return above


def layer(asked: Sequence[str], name: str, bench: Bench) -> Figures:
    """The time of each request that ends at a layer."""
    command = [sys.executable, "-m", "benchmarks.apps.layers"]
    return {title: float(_run(bench, [*command, title, "--until", name], ROOT)) for title in asked}


def milliseconds(bench: Bench, command: Sequence[str], folder: Path) -> float:
    """The median time of a command."""
    taken = []
    for _ in range(bench.repeats):
        begun = time.perf_counter()
        _run(bench, command, folder)
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken) * 1000


def code(text: str, bench: Bench) -> Figures:
    """The time of a Python that runs this code."""
    return {"time": milliseconds(bench, [sys.executable, "-c", text], ROOT)}
