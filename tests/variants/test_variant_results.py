"""The results of the runs of a test: verdicts, the first failing request, the table, the advice and the JSON file."""

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from mock_heidi import MockHeidi
from mock_heidi.base.assumptions import assumptions
from mock_heidi.base.settings import ConfigError
from mock_heidi.variants import report_file
from mock_heidi.variants.choice import Variant
from mock_heidi.variants.examine import examine
from mock_heidi.variants.limits import Limits
from mock_heidi.variants.run import Run, requests_since
from mock_heidi.variants.table import table

TEST = "test_sync.py::test_sync_patients"
Runs = Mapping[Variant | None, Run]


def row(path: str, status: int | None = 200, *met: str, method: str = "POST") -> dict[str, Any]:
    operation = {"/jwt": "get_jwt", "/sessions": "create_session"}.get(path, "create_patient_profile")
    return {"operation": operation, "method": method, "path": path, "status": status, "assumptions": met}


SIGN_IN = row("/jwt", 200, "bad_api_key", method="GET")
CREATED = row("/patient-profiles", 200, "creation_status", "gender_case")
PASSED = Run(passed=True, requests=(SIGN_IN, CREATED))


def failed(*requests: dict[str, Any]) -> Run:
    return Run(passed=False, requests=(SIGN_IN, *requests), failure="test_sync.py:7")


def examined(
    runs: Runs | None = None,
    chosen: tuple[str, ...] | None = ("creation_status", "gender_case"),
    limits: Limits | None = None,
    first: Run = PASSED,
) -> dict[str, Any]:
    """The result of a test whose repeated runs pass, except for these."""
    return examine(TEST, first, lambda variant: (runs or {}).get(variant, PASSED), chosen, limits or Limits())


STRICT_STATUS: Runs = {Variant("creation_status", 201): failed(row("/patient-profiles", 201, "creation_status"))}


def test_a_test_that_passes_every_run_holds() -> None:
    result = examined()

    assert (result["outcome"], result["runs"], result["left_out"]) == ("holds", 5, [])
    assert result["assumptions"] == [
        {"name": "creation_status", "default": 200, "holds": [201], "fails": []},
        {"name": "gender_case", "default": "any_case", "holds": ["exact", "any_text"], "fails": []},
    ]


def test_a_test_that_fails_under_a_value_depends_on_its_assumption() -> None:
    result = examined(STRICT_STATUS)

    request = {"method": "POST", "path": "/patient-profiles", "status": 201}
    assert result["outcome"] == "depends"
    assert result["assumptions"][0] == {
        "name": "creation_status",
        "default": 200,
        "holds": [],
        "fails": [{"value": 201, "request": request, "failure": "test_sync.py:7"}],
    }


def test_a_test_that_fails_the_second_time_gets_no_verdict() -> None:
    result = examined({None: failed(row("/patient-profiles", 409))})

    assert (result["outcome"], result["runs"], result["assumptions"]) == ("not repeatable", 2, [])
    assert result["second"]["request"]["status"] == 409


def test_only_the_assumptions_that_its_requests_met_vary() -> None:
    result = examined(chosen=None)

    assert [one["name"] for one in result["assumptions"]] == ["creation_status", "bad_api_key", "gender_case"]


def test_an_assumption_that_was_chosen_for_the_test_keeps_its_value() -> None:
    result = examined(first=PASSED._replace(settled=frozenset({"gender_case"})))

    assert [one["name"] for one in result["assumptions"]] == ["creation_status"]


# --- Limits -----------------------------------------------------------------------------------------------------------


def test_variants_beyond_the_limit_are_left_out_and_named() -> None:
    result = examined(limits=Limits(most=1))

    assert [one["name"] for one in result["assumptions"]] == ["creation_status"]
    assert result["left_out"] == ["gender_case=exact", "gender_case=any_text"]


def test_without_time_a_test_does_not_run_again() -> None:
    result = examined(limits=Limits(seconds=0))

    assert (result["outcome"], result["runs"]) == ("left out", 1)


def test_the_time_is_that_of_all_repeated_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter(range(0, 100, 2))  # a run takes two seconds
    monkeypatch.setattr("mock_heidi.state.clock.precise", lambda: next(moments))
    limits = Limits(seconds=5)

    first, second = examined(limits=limits), examined(limits=limits)

    assert (first["runs"], first["left_out"]) == (4, ["gender_case=any_text"])
    assert second["outcome"] == "left out"


# --- The first failing request ----------------------------------------------------------------------------------------


def first_failing(*requests: dict[str, Any]) -> dict[str, Any] | None:
    """The path and the status of the first failing request of a run under another creation_status."""
    result = examined({Variant("creation_status", 201): failed(*requests)})
    request: dict[str, Any] | None = result["assumptions"][0]["fails"][0]["request"]
    return request


def test_the_first_failing_request_is_the_first_with_another_status() -> None:
    found = first_failing(row("/patient-profiles", 422), row("/sessions", 500))

    assert found == {"method": "POST", "path": "/patient-profiles", "status": 422}


def test_with_equal_statuses_it_is_the_first_that_met_the_assumption() -> None:
    found = first_failing(CREATED, row("/sessions", 200, "creation_status"))

    assert found == {"method": "POST", "path": "/patient-profiles", "status": 200}


def test_other_requests_than_before_are_not_compared() -> None:
    found = first_failing(row("/sessions", 404), row("/patient-profiles", 201, "creation_status"))

    assert found == {"method": "POST", "path": "/patient-profiles", "status": 201}


def test_no_request_is_named_if_none_met_the_assumption() -> None:
    assert first_failing() is None


# --- The table --------------------------------------------------------------------------------------------------------


def test_the_table_has_tests_assumptions_and_advice() -> None:
    unrepeatable = {**examined({None: failed()}), "test": "test_sync.py::test_once"}

    assert list(table([examined(STRICT_STATUS), unrepeatable])) == [
        TEST,
        "  creation_status                  fails under 201: POST /patient-profiles -> 201 (test_sync.py:7)",
        "  holds                            gender_case",
        "test_sync.py::test_once",
        "  not repeatable                   fails the second time (test_sync.py:7)",
        "",
        "`test_sync_patients` passes only while a new record answers 200; accept any 2xx",
        "",
        "2 tests in 7 runs: depends 1, not repeatable 1",
    ]


def test_many_assumptions_that_hold_take_a_few_lines() -> None:
    held = list(table([examined(chosen=tuple(assumptions()))]))

    assert len(held) < 10
    assert re.search(r" holds +extra_slashes, creation_status, .* \d+ others\n\n", "\n".join(held), re.DOTALL)


NO_ANSWER: Runs = {Variant("gender_case", "exact"): failed(row("/patient-profiles", None))}


@pytest.mark.parametrize(
    ("number", "subject"),
    [
        (1, "`test_1` passes"),
        (2, "`test_1` and `test_2` pass"),
        (3, "`test_1`, `test_2` and `test_3` pass"),
        (9, "`test_1`, `test_2` and 7 others pass"),
    ],
)
def test_tests_with_the_same_advice_share_a_sentence(number: int, subject: str) -> None:
    results = [{**examined(STRICT_STATUS), "test": f"test_a.py::test_{at}"} for at in range(1, number + 1)]

    assert list(table(results))[-3] == f"{subject} only while a new record answers 200; accept any 2xx"


ROWS: dict[str, tuple[Callable[[], dict[str, Any]], str, str]] = {
    "no time": (lambda: examined(limits=Limits(seconds=0)), "left out", "no time was left for its variants"),
    "nothing to vary": (lambda: examined(chosen=()), "holds", "met no assumption that has another value"),
    "too many": (
        lambda: examined(limits=Limits(most=1)),
        "left out",
        "2 variants: gender_case=exact, gender_case=any_text",
    ),
    "some values": (
        lambda: examined(NO_ANSWER),
        "gender_case",
        "fails under exact: POST /patient-profiles -> no answer (test_sync.py:7); holds under any_text",
    ),
}


@pytest.mark.parametrize(("result", "name", "text"), ROWS.values(), ids=ROWS)
def test_the_table_shows_what_was_found_and_what_was_left_out(
    result: Callable[[], dict[str, Any]], name: str, text: str
) -> None:
    assert f"  {name:<32} {text}" in list(table([result()]))


def test_requests_have_documented_paths_only() -> None:
    with MockHeidi() as heidi, heidi.client() as client:
        client.get("/sessions/Lovelace")
        client.get("/Lovelace")

        paths = [one["path"] for one in requests_since(heidi)]

    assert paths == ["/jwt", "/sessions/{session_id}", None]


def test_the_table_names_no_undocumented_path() -> None:
    request = {"method": "GET", "path": None, "status": 404}
    result = {**examined({None: failed(row("/sessions", 409))}), "second": {"request": request, "failure": ""}}

    assert any(line.endswith(": GET an undocumented path -> 404") for line in table([result]))


def test_no_name_can_control_the_terminal() -> None:
    result = {**examined(STRICT_STATUS), "test": "test_a.py::test_b[\x1b[2J]"}

    assert "\x1b" not in "".join(table([result]))


# --- The file ---------------------------------------------------------------------------------------------------------


def test_the_file_has_every_result_with_its_advice(tmp_path: Path) -> None:
    results = [examined(STRICT_STATUS), examined(limits=Limits(most=0))]
    report_file.write(tmp_path / "variants.json", results)

    kept = json.loads((tmp_path / "variants.json").read_text(encoding="utf-8"))["tests"]
    assert [one.pop("advice") for one in kept] == [
        ["`test_sync_patients` passes only while a new record answers 200; accept any 2xx"],
        [],
    ]
    assert kept == results


def test_a_file_that_cannot_be_written_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot write .*/none/a\.json: No such file or directory; give a file in "):
        report_file.write(tmp_path / "none" / "a.json", [])
