"""``python -m benchmarks``: measure, and write what came out."""

from __future__ import annotations

import argparse
import compileall
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from benchmarks.contestants import ROOT
from benchmarks.machine import cores, described
from benchmarks.measures import Bench
from benchmarks.report import write
from benchmarks.rounds import measure
from benchmarks.workloads import Workload, workloads
from mock_heidi.base import built
from mock_heidi.fixtures import wheel_data

_WIDTH = 100
# What the extra brings.
_NEEDED = ("fastapi", "matplotlib", "pytest", "httpx")


class _Progress:
    """A bar on a terminal, a line each elsewhere."""

    def __init__(self, steps: int) -> None:
        self.steps = steps
        self.done = 0

    def __call__(self, what: str) -> None:
        text = f"[{self.done}/{self.steps}] {what}"
        if sys.stderr.isatty():
            filled = 20 * self.done // self.steps
            text = f"\r{'█' * filled}{'░' * (20 - filled)} {text}".ljust(_WIDTH)[:_WIDTH]
        print(text, end="" if sys.stderr.isatty() else "\n", file=sys.stderr, flush=True)
        self.done += 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="how often all take turns; default: 3")
    parser.add_argument("--only", nargs="+", metavar="WORKLOAD", help="these workloads and no others")
    parser.add_argument("--quick", action="store_true", help="a minute: one short round, only to see that it runs")
    parser.add_argument("--list", action="store_true", help="name the workloads and do nothing else")
    parser.add_argument(
        "--output", type=Path, metavar="DIR", help="where the results go; default: here, but not those of a part"
    )
    return parser.parse_args()


def _folder(given: argparse.Namespace) -> Path:
    """The folder of the results: those of a part must not replace the whole that is kept."""
    if given.output is not None:
        return Path(given.output)
    if given.quick or given.only:
        return Path(tempfile.mkdtemp(prefix="mock-heidi-benchmarks-"))
    return Path(__file__).parent


def _chosen(only: list[str] | None, *, quick: bool) -> list[Workload]:
    """The workloads of these names and those whose names begin with one of them: ``start`` is also ``start_verbs``."""
    known = {workload.name: workload for workload in workloads(quick=quick)}
    for name in only or ():
        if name not in known:
            sys.exit(f"benchmarks: there is no workload {name!r}; there are {', '.join(known)}")
    wanted = tuple(only or known)
    below = tuple(f"{name}_" for name in wanted)
    return [workload for name, workload in known.items() if name in wanted or name.startswith(below)]


def _told(args: list[str]) -> list[str]:
    """The options that were given, without the folder, which says nothing about the results."""
    at = args.index("--output") if "--output" in args else len(args)
    return args[:at] + args[at + 2 :]


@contextmanager
def _as_installed() -> Iterator[None]:
    """Have the bytecode and the JSON of the fixtures ready, as after an installation; a checkout has neither.

    A start that compiles measures the compiler.
    """
    for folder in (Path(__file__).parent, ROOT / "mock_heidi"):
        compileall.compile_dir(folder, quiet=1)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    built.FOLDER.mkdir(parents=True, exist_ok=True)
    try:
        for name, text in wheel_data.files().items():
            (built.FOLDER / f"{name}.json").write_bytes(text)
        yield
    finally:
        shutil.rmtree(built.FOLDER.parent)


def main() -> int:
    """Run the command."""
    given = _arguments()
    chosen = _chosen(given.only, quick=given.quick)
    if given.list:
        print("\n".join(f"{workload.name:<18} {workload.title}" for workload in chosen))
        return 0
    if shutil.which("wrk") is None:
        sys.exit("benchmarks: needs wrk; on Debian: apt-get install wrk")
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        sys.exit(f"benchmarks: needs {', '.join(missing)}; pip install -e '.[benchmarks]'")
    where = cores()
    os.sched_setaffinity(0, {where.load})
    rounds = 1 if given.quick else max(1, given.rounds)
    steps = rounds * sum(len(workload.variants) for workload in chosen)
    with _as_installed(), tempfile.TemporaryDirectory() as folder:
        outcome = measure(
            Bench.of(where, Path(folder), quick=given.quick), chosen, rounds, _Progress(steps), again=not given.quick
        )
    said = " ".join(["python -m benchmarks", *_told(sys.argv[1:])])
    output = _folder(given)
    write(outcome, described(), said, output)
    print(f"\nwritten: {output / 'RESULTS.md'}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
