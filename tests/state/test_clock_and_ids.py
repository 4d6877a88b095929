"""The clock and the source of chance, which alone use the machine's time and chance; the forms of times and ids."""

import ast
import re
import uuid
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import mock_heidi
from mock_heidi.base.settings import ConfigError
from mock_heidi.state.clock import Clock, parse_moment, timestamp, zulu
from mock_heidi.state.ids import Ids

PACKAGE = Path(mock_heidi.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
NOON = 1_736_164_800_000

# Who may import what the machine knows of time and chance.
SOURCES = {
    "time": {"state/clock.py"},
    # All but the first only read and write dates.
    "datetime": {
        "state/clock.py",
        "state/field_types.py",
        "client/proxies.py",
        "cli/request_log.py",
        "serving/certificates.py",
        "comparing/times.py",
    },
    "random": {"state/ids.py"},
    "uuid": set[str](),
    "secrets": set[str](),
}
# Names that ask the machine, wherever the module comes from.
QUESTIONS = {
    "now",
    "utcnow",
    "today",
    "time",
    "time_ns",
    "perf_counter",
    "monotonic",
    "urandom",
    "getrandom",
    "uuid1",
    "uuid4",
    "token_hex",
    "SystemRandom",
}


# --- Clock ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("2025-01-06T12:00:00", NOON),
        ("2025-01-06T12:00:00Z", NOON),
        ("2025-01-06 12:00:00", NOON),
        ("2025-01-06T12:00", NOON),
        (" 2025-01-06T12:00:00 ", NOON),
        ("2025-01-06T12:00:00.5", NOON + 500),
        ("2025-01-06T12:00:00.001", NOON + 1),
        ("2025-01-06T12:00:00.123456Z", NOON + 123),
        ("2025-01-06", NOON - 12 * 3_600_000),
        ("1970-01-01", 0),
    ],
)
def test_a_moment_is_read_as_utc(text: str, ms: int) -> None:
    assert parse_moment(text) == ms


@pytest.mark.parametrize(
    "text",
    [
        "1969-12-31T23:59:59",
        "9999-12-31",
        "0999-01-01",
        "",
        "noon",
        "2025-02-30",
        "2025-01-06T25:00:00",
        "2025-01-06T12:00:00+01:00",
        "1736164800",
        "2025-1-6",
        "12:00",
    ],
)
def test_an_invalid_moment_is_refused_with_an_example(text: str) -> None:
    message = f"clock: {text!r} is not a moment; write it like 2025-01-06T09:00:00 (UTC)"

    with pytest.raises(ConfigError, match=re.escape(message)):
        parse_moment(text)


@given(st.integers(0, 4_102_444_800_000))
def test_written_times_have_the_vendors_form_and_can_be_parsed(ms: int) -> None:
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}000", timestamp(ms))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", zulu(ms))
    assert parse_moment(timestamp(ms)) == parse_moment(zulu(ms)) == ms


def test_a_frozen_clock_stands_still() -> None:
    clock = Clock(NOON)

    assert (clock.frozen, clock.now(), clock.stamp()) == (True, NOON, "2025-01-06T12:00:00.000000")


def test_a_real_clock_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", iter([1_736_164_800.0, 1_736_164_800.9996]).__next__)
    clock = Clock()

    assert (clock.frozen, clock.now(), clock.now()) == (False, NOON, NOON + 999)


# --- Ids --------------------------------------------------------------------------------------------------------------


def test_an_object_id_begins_with_its_second() -> None:
    made = [Ids(0, "default").object_id(ms) for ms in (NOON, NOON + 999, NOON + 1000, 0, -1000)]

    assert [one[:8] for one in made] == ["677bc5c0", "677bc5c0", "677bc5c1", "00000000", "ffffffff"]
    assert all(re.fullmatch("[0-9a-f]{24}", one) for one in made)


def test_a_session_id_is_a_uuid_of_version_four_in_decimal() -> None:
    ids = Ids(0, "default")
    made = [ids.session_id() for _ in range(2_000)]

    read = [uuid.UUID(int=int(one)) for one in made]
    assert {(one.version, one.variant) for one in read} == {(4, uuid.RFC_4122)}
    assert {str(int(one)) == one and len(one) <= 39 for one in made} == {True}
    assert len(set(made)) == 2_000


@pytest.mark.parametrize("digits", [1, 8, 32])
def test_hex_has_the_given_number_of_digits(digits: int) -> None:
    ids = Ids(0, "default")

    assert all(re.fullmatch(f"[0-9a-f]{{{digits}}}", ids.hex(digits)) for _ in range(200))


def test_seed_and_name_fix_the_ids() -> None:
    series = [
        [ids.session_id() for _ in range(3)]
        for ids in (Ids(0, "a"), Ids(0, "a"), Ids(1, "a"), Ids(0, "b"), Ids(-1, "a"))
    ]

    assert series[0] == series[1]
    assert len({tuple(one) for one in series}) == 4


def test_the_ids_of_seed_zero_never_change() -> None:
    ids = Ids(0, "default")

    assert (ids.object_id(NOON), ids.session_id()) == (
        "677bc5c02446d05edbef7341",
        "81262506059460032111100942563435559769",
    )


# --- Nobody else asks -------------------------------------------------------------------------------------------------


def _imported(tree: ast.AST) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module.partition(".")[0])
    return names


def _asked(tree: ast.AST) -> set[str]:
    """The names of called functions of ``datetime``, ``time``, ``os`` and the like, with any kind of import."""
    modules = {"datetime", "date", "time", "os", "uuid", "random", "secrets"}
    return {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr in QUESTIONS
        and isinstance(node.value, ast.Name)
        and node.value.id in modules
    }


def _breaches(module: Path) -> set[str]:
    tree = ast.parse(module.read_text(encoding="utf-8"))
    name = str(module.relative_to(PACKAGE))
    forbidden = {source for source, allowed in SOURCES.items() if name not in allowed}
    return (_imported(tree) & forbidden) | (set() if name == "state/clock.py" else _asked(tree))


def test_only_clock_and_ids_use_the_machines_time_and_chance() -> None:
    breaches = {str(module.relative_to(PACKAGE)): _breaches(module) for module in MODULES}

    assert {name: found for name, found in breaches.items() if found} == {}
    assert len(breaches) > 1


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("import time", {"time"}),
        ("import os, random as r", {"random", "os"}),
        ("from datetime import datetime", {"datetime"}),
        ("def f():\n    from uuid import uuid4", {"uuid"}),
    ],
)
def test_the_search_finds_every_kind_of_import(line: str, found: set[str]) -> None:
    assert _imported(ast.parse(line)) == found


def test_the_search_finds_calls() -> None:
    assert _asked(ast.parse("x = datetime.now(); os.urandom(3); clock.now()")) == {"now", "urandom"}
