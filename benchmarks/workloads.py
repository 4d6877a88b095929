"""The table of workloads: the variants of each with their measurements, and the targets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from benchmarks import dashboard, measures, pytest_runs
from benchmarks.contestants import json_server
from benchmarks.loads import get_filtered, get_list, get_one, patch, post
from benchmarks.measures import PIECES, RATE, Asking, Bench, Figures

LAYERED = ("GET one", "POST", "PATCH")
CPU = ("GET one", "GET list of 100", "PATCH", "POST")
# The layers of a request. Below each, a constant answer replaces the rest.
LAYERS = {
    "server": "the server alone, which parses and sends",
    "router": "and the router, which finds the operation and who asks",
    "exchange": "and the journal, a look for rules, and the sending of an answer",
    "answer": "and the token, the body, and a handler that answers constant bytes",
    "all": "and the handler's own work",
}
# The parts of a start, each with those before it.
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
# The paths of a profile with a number, below those of all profiles.
_ONE, _FILTERED = "/{:024x}", "?ehr_patient_id=EHR-{:06d}"
_COUNTED = ("--coverage",)
_TEN_THOUSAND, _FRAMES = "Requests, 10,000 of them", 59
# In milliseconds.
_VERBS = {"--help": 60, "env": 60, "token": 60, "routes": 120, "validate": 120, "schema": 120}


class Target(NamedTuple):
    """A target for a figure of a variant, as ``text`` says it."""

    variant: str
    figure: str
    text: str
    holds: Callable[[float, float], bool]
    """True if the target is met; called with the figure and its ratio to that of the first variant."""


class Workload(NamedTuple):
    """The variants by name, and the units by figure. The other variants are compared with the first one."""

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


def _rates(name: str, title: str, asking: Asking, *targets: Target, others: Sequence[str]) -> Workload:
    variants = {one: partial(measures.rate, one, asking) for one in ("bare", "mock_heidi", *others)}
    return Workload(name, title, variants, {"rate": "requests/s"}, targets)


def workloads(*, quick: bool = False) -> list[Workload]:
    """All workloads, in the order of the report. The ``quick`` ones compare with the others in GET one only."""
    milliseconds, megabytes = {"time": "ms"}, {"memory": "MB"}
    others = ("plain", "team", *(["json_server"] if json_server() else []))
    starters = ("bare", "mock_heidi", *others)
    few, many = "100 profiles", "many profiles"
    often = () if quick else others
    return [
        Workload(
            "start", "Start to the first answer", {name: partial(measures.start, name) for name in starters},
            milliseconds, (at_most_times(2.1, "mock_heidi", "time"),),
        ),
        Workload(
            "start_verbs", "A verb of the command, from its start to its end",
            {"Python": partial(measures.code, ""), **{verb: partial(measures.verb, verb) for verb in _VERBS}},
            milliseconds, tuple(at_most(limit, "ms", verb, "time") for verb, limit in _VERBS.items()),
        ),
        _rates("get_one", "GET one", get_one, at_least(0.7), others=others),
        _rates("get_list", "GET list of 100", get_list, at_least(0.5), others=often),
        _rates("get_filtered", "GET ?ehr_patient_id= with one match", get_filtered, others=often),
        _rates("post", "POST", post, at_least(0.45), others=often),
        _rates("patch", "PATCH", patch, at_least(0.5), others=often),
        Workload(
            "one_of_many", "GET one of 100,000",
            {few: partial(measures.rate_of_many, 100, _ONE), many: partial(measures.rate_of_many, None, _ONE)},
            {"rate": "requests/s"}, (at_least(0.9, many),),
        ),
        Workload(
            "filtered_of_many", "GET ?ehr_patient_id= among 100,000",
            {
                few: partial(measures.rate_of_many, 100, _FILTERED),
                many: partial(measures.rate_of_many, None, _FILTERED),
            },
            {"rate": "requests/s"}, (at_least(0.9, many),),
        ),
        Workload(
            "reset_and_fork", "Reset and fork with 100,000, over HTTP",
            {
                few: partial(measures.reset_and_fork, 100),
                many: partial(measures.reset_and_fork, None),
                "many profiles, 200 changes": partial(measures.reset_and_fork, None, changes=200),
            },
            {"reset": "ms", "fork": "ms"}, (at_most(1, "ms", many, "reset"), at_most(1, "ms", many, "fork")),
        ),
        Workload(
            "life", "A test's life on a running server",
            {"no profiles": partial(measures.life, 0), many: partial(measures.life, None)}, milliseconds,
            (at_most(5, "ms", "no profiles", "time"), at_most(5, "ms", many, "time")),
        ),
        Workload(
            "memory", "Memory, empty", {name: partial(measures.memory, name) for name in starters}, megabytes,
            (at_most_times(2, "mock_heidi", "memory"),),
        ),
        Workload(
            "memory_full", "Memory with 100,000 profiles",
            {
                "bare": partial(measures.memory, "bare"),
                "mock_heidi, fixtures": partial(measures.memory, "mock_heidi", full=True),
                "mock_heidi, POST": partial(measures.memory_after_posts, "mock_heidi"),
                "team, POST": partial(measures.memory_after_posts, "team"),
            },
            megabytes,
            (at_most(300, "MB", "mock_heidi, fixtures", "memory"), at_most(300, "MB", "mock_heidi, POST", "memory")),
        ),
        Workload(
            "memory_flat", "Memory over a million requests",
            {
                "a tenth of them": partial(measures.memory_after_gets, 0.1),
                "all of them": partial(measures.memory_after_gets, 1),
            },
            megabytes, (at_most_times(1.05, "all of them", "memory"),),
        ),
        Workload(
            "stream", f"Stream of {PIECES} pieces",
            {name: partial(measures.stream, name) for name in ("bare", "mock_heidi", "plain")},
            {"rate": "streams/s", "first piece": "ms"},
            (at_least(0.45), at_most_times(3, "mock_heidi", "first piece")),
        ),
        Workload(
            "paced", f"500 paced streams at once, {RATE} pieces a second each: error of a piece's time",
            {"mock_heidi": measures.paced}, {"median": "ms", "99th percentile": "ms"},
            (at_most(2, "ms", "mock_heidi", "median"), at_most(10, "ms", "mock_heidi", "99th percentile")),
        ),
        Workload(
            "journal", "What the journal costs, GET one",
            {name: partial(measures.rate, name, get_one) for name in ("unjournaled", "mock_heidi")},
            {"rate": "requests/s"},
        ),
        Workload(
            "idle_rule", "What an idle fault rule costs, GET one",
            {
                "no rule": partial(measures.rate, "mock_heidi", get_one),
                "one rule": partial(
                    measures.rate, "mock_heidi", get_one, options=("--fault", "get_session:status=503")
                ),
            },
            {"rate": "requests/s"},
        ),
        *(
            Workload(
                f"coverage_{name}", f"What counting the coverage costs, {title}",
                {
                    "not counted": partial(measures.rate, "mock_heidi", asking),
                    "counted": partial(measures.rate, "mock_heidi", asking, options=_COUNTED),
                },
                {"rate": "requests/s"},
            )
            for name, title, asking in (("get", "GET one", get_one), ("post", "POST", post))
        ),
        Workload(
            "coverage_life", "What counting the coverage costs in a test's life on a running server",
            {"not counted": partial(measures.life, 0), "counted": partial(measures.life, 0, more=_COUNTED)},
            milliseconds,
        ),
        Workload(
            "dashboard_paint", "The dashboard: from its opening to the first paint with data",
            {
                "Now": partial(dashboard.paint, "now", "#main h1", 0),
                "Requests, 1,000 of them": partial(dashboard.paint, "requests", ".row", 1_000),
                _TEN_THOUSAND: partial(dashboard.paint, "requests", ".row", 200 if quick else 10_000),
            },
            milliseconds,
            tuple(at_most(200, "ms", name, "time") for name in ("Now", "Requests, 1,000 of them", _TEN_THOUSAND)),
        ),
        Workload(
            "dashboard_frames", f"The dashboard: frames a second while {dashboard.REQUESTS} requests a second come in",
            {view.title(): partial(dashboard.frames, view) for view in ("now", "requests")},
            {"rate": "frames/s", "late": "% late"},
            (Target("Requests", "rate", "≥ 59 frames/s", lambda value, _: value >= _FRAMES),),
        ),
        Workload(
            "dashboard_cost", "What the dashboard costs while nobody looks, GET one",
            {
                "never opened": partial(dashboard.rate_after_a_look, 0),
                "opened and closed": partial(dashboard.rate_after_a_look, 1),
            },
            {"rate": "requests/s"}, (at_least(0.97, "opened and closed"),),
        ),
        Workload(
            "in_process", "In process, by httpx.ASGITransport, GET one",
            {name: partial(measures.in_process, name) for name in ("bare", "mock_heidi", "plain", "team")},
            {"rate": "requests/s"},
        ),
        Workload(
            "cpu", "CPU time of a request above bare ASGI, in process and without a network",
            {name: partial(measures.cpu, name) for name in ("plain", "mock_heidi")}, dict.fromkeys(CPU, "µs"),
            tuple(
                at_most(limit, "µs", "mock_heidi", asked)
                for asked, limit in zip(CPU, (9.5, 9.5, 20, 25), strict=True)
            ),
        ),
        Workload(
            "layers", "Where a request's time goes, in process and without a network",
            {title: partial(measures.layer, LAYERED, layer) for layer, title in LAYERS.items()},
            dict.fromkeys(LAYERED, "µs"),
        ),
        Workload(
            "start_parts", "Where a start's time goes",
            {title: partial(measures.code, code) for title, code in _PARTS.items()}, milliseconds,
        ),
        Workload(
            "start_plugin", "A pytest run that does not use the plugin",
            {
                "an empty plugin": partial(pytest_runs.unused_plugin, pytest_runs.NO_PLUGIN),
                "mock_heidi": partial(pytest_runs.unused_plugin, pytest_runs.PLUGIN),
            },
            milliseconds, (at_most_more(5, "mock_heidi"),),
        ),
        Workload(
            "start_fixture", "The fixture: a run with one test, and each further test",
            {
                "an empty fixture": partial(pytest_runs.fixture, "nothing"),
                "mock_heidi": partial(pytest_runs.fixture, "mock_heidi"),
            },
            {"first": "ms", "further": "ms"},
            (at_most_more(350, "mock_heidi", "first"), at_most_more(1.2, "mock_heidi", "further")),
        ),
    ]  # fmt: skip
