"""The machine: its cores, what else they do meanwhile, and what it and its software are called."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

_TICKS = os.sysconf("SC_CLK_TCK")
_PACKAGES = ("mock-heidi", "uvicorn", "uvloop", "httptools", "starlette", "fastapi", "pydantic", "httpx", "pytest")
# Of the columns of /proc/stat, those that programs or the machine's owner take: user, nice, system, stolen.
_TAKEN = (1, 2, 3, 8)


class Cores(NamedTuple):
    """The cores of the contestants and of the clients."""

    server: int
    load: int


def cores() -> Cores:
    """Two cores of this machine; :class:`SystemExit` where there are none."""
    mine = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if len(mine) < 2:  # noqa: PLR2004 - one for each side
        sys.exit("benchmarks: needs Linux and two cores, one for the server and one for the load")
    return Cores(mine[0], mine[1])


class Noise:
    """The share of the two cores that other processes took, 0 to 1."""

    share = 0.0


@contextmanager
def listened(where: Cores, processes: Iterable[int]) -> Iterator[Noise]:
    """Listen for what is neither of those processes nor of this one and its children."""
    noise, known = Noise(), list(processes)
    begun, before = time.perf_counter(), _taken(where) - _own(known)
    yield noise
    # Ticks are coarse: of a short time nothing can be said.
    seconds = time.perf_counter() - begun
    noise.share = max(0.0, _taken(where) - _own(known) - before) / _TICKS / seconds / len(where)


def _taken(where: Cores) -> int:
    rows = [line.split() for line in Path("/proc/stat").read_text().splitlines() if line.startswith("cpu")]
    wanted = {f"cpu{core}" for core in where}
    return sum(int(row[column]) for row in rows if row[0] in wanted for column in _TAKEN)


def _own(processes: Iterable[int]) -> int:
    """Ticks of these processes, and of this one with the children that have ended."""
    ticks = 0
    for number in processes:
        try:
            row = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        ticks += int(row[11]) + int(row[12])
    return ticks + round(sum(os.times()[:4]) * _TICKS)


def resident(process: int) -> float:
    """Megabytes of memory that a process holds."""
    status = Path(f"/proc/{process}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1024


def described() -> dict[str, str]:
    """The machine and the versions of a measurement."""
    found = {"machine": f"{_processor()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}"}
    found["python"] = f"{platform.python_implementation()} {platform.python_version()}"
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not there"
    found["wrk"] = _first_line("wrk", "--version")
    return found


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _first_line(*command: str) -> str:
    try:
        said = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return "not there"
    return " ".join((said.stdout or said.stderr).split()[:2])
