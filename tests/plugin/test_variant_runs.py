"""``--mock-heidi-variants``: tests run again under other assumptions, and their report says what they depend on."""

import json
import re
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any
from xml.etree import ElementTree as ET

# pytester unloads the modules that an inner run imports first; a second import gives another module.
import httpcore  # noqa: F401
import pytest
import yaml  # noqa: F401

import mock_heidi.app
import mock_heidi.pytest_variants
import mock_heidi.serving.server  # noqa: F401
from mock_heidi import Handle, MockHeidi
from mock_heidi.pytest_options import VARIANTS
from mock_heidi.variants.limits import MOST, SECONDS

pytestmark = pytest.mark.slow  # each test starts a server, and runs tests again and again

CLIENT = """
def created(heidi, **fields):
    with heidi.client() as client:
        return client.post("/patient-profiles", json={"first_name": "Ada", **fields}).status_code
"""
# A client that needs one status, one that sends lower case, one that cannot run twice, and one that accepts all.
SYNC = f"""
import pathlib
{CLIENT}
def test_sync_patients(mock_heidi):
    assert created(mock_heidi) == 200

def test_lower_case(mock_heidi):
    assert 200 <= created(mock_heidi, gender="male") < 300

def test_once(mock_heidi):
    assert created(mock_heidi) == 200
    pathlib.Path("once").touch(exist_ok=False)

def test_robust(mock_heidi):
    assert 200 <= created(mock_heidi, gender="MALE") < 300

def test_without_a_mock(): ...
"""
NAMED = "--mock-heidi-variants=creation_status,gender_case"
needs_xdist = pytest.mark.skipif(find_spec("xdist") is None, reason="pytest-xdist is not installed")


@pytest.fixture(scope="module")
def server() -> Iterator[Handle]:
    """A server that runs outside of the inner runs."""
    with MockHeidi() as heidi:
        yield heidi


def shown(result: pytest.RunResult) -> list[str]:
    """The lines of the table, without those of other sections."""
    lines = result.outlines
    begin = next(at for at, line in enumerate(lines) if "what the tests depend on" in line) + 1
    table = lines[begin : next(at for at, line in enumerate(lines) if at > begin and line.startswith("==="))]
    return "\n".join(table).rstrip().split("\n")


def run(pytester: pytest.Pytester, text: str, *options: str) -> pytest.RunResult:
    pytester.makepyfile(test_sync=text)
    return pytester.runpytest(*(options or (NAMED,)))


def results(pytester: pytest.Pytester, text: str, *options: str) -> dict[str, Any]:
    """The result of each test by its name, from the JSON file."""
    run(pytester, text, *(options or (NAMED,)), "--mock-heidi-variants-json=variants.json")
    found = json.loads((pytester.path / "variants.json").read_text(encoding="utf-8"))["tests"]
    return {one["test"].rpartition("::")[2]: one for one in found}


def failing(result: dict[str, Any]) -> dict[str, list[Any]]:
    """The values under which a test fails, by assumption."""
    return {one["name"]: [bad["value"] for bad in one["fails"]] for one in result["assumptions"] if one["fails"]}


# --- The report -------------------------------------------------------------------------------------------------------


def test_the_table_shows_what_each_test_depends_on(pytester: pytest.Pytester) -> None:
    result = run(pytester, SYNC)

    result.assert_outcomes(passed=5)
    assert shown(result) == [
        "test_sync.py::test_sync_patients",
        "  creation_status                  fails under 201: POST /patient-profiles -> 201 (test_sync.py:8)",
        "  holds                            gender_case",
        "test_sync.py::test_lower_case",
        (
            "  gender_case                      fails under exact: POST /patient-profiles -> 422 (test_sync.py:11); "
            "holds under any_text"
        ),
        "  holds                            creation_status",
        "test_sync.py::test_once",
        "  not repeatable                   fails the second time (test_sync.py:15)",
        "test_sync.py::test_robust",
        "  holds                            creation_status, gender_case",
        "",
        "`test_sync_patients` passes only while a new record answers 200; accept any 2xx",
        (
            "`test_lower_case` passes only while a gender may have any case; send MALE, FEMALE or OTHER, and do not "
            "count on the refusal of another word"
        ),
        "",
        "4 tests in 17 runs: depends 2, holds 1, not repeatable 1",
    ]


def test_without_names_the_assumptions_vary_that_the_requests_met(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(SYNC)
    found = results(pytester, SYNC, "--mock-heidi-variants=met", "-k", "sync_patients or lower_case")

    varied = [one["name"] for one in found["test_sync_patients"]["assumptions"]]
    assert varied == ["creation_status", "linked_account_required", "unset_demographic_string"]
    assert failing(found["test_sync_patients"]) == {"creation_status": [201], "linked_account_required": [True]}
    assert failing(found["test_lower_case"]) == {"gender_case": ["exact"], "linked_account_required": [True]}


def test_a_bare_option_means_met(pytester: pytest.Pytester) -> None:
    result = run(pytester, SYNC, "-k", "sync_patients", "--mock-heidi-variants")

    assert "  creation_status                  fails under 201: POST /patient-profiles -> 201*" in [
        line.partition(" (")[0] + "*" for line in shown(result)
    ]


def test_all_varies_assumptions_that_no_request_met(pytester: pytest.Pytester) -> None:
    text = "def test_no_request(mock_heidi): ..."
    found = results(pytester, text, "--mock-heidi-variants=all", "--mock-heidi-variants-max=3")

    assert found["test_no_request"]["runs"] == 5
    assert len(found["test_no_request"]["left_out"]) > 100


def test_progress_is_a_letter_for_each_repeated_run(pytester: pytest.Pytester) -> None:
    result = run(pytester, SYNC, NAMED, "-k", "sync_patients or once")

    result.stdout.fnmatch_lines("test_sync.py .vVvv.V*")


def test_a_verbose_progress_names_the_variant(pytester: pytest.Pytester) -> None:
    result = run(pytester, SYNC, NAMED, "-k", "sync_patients", "-v")

    result.stdout.fnmatch_lines(
        [
            "test_sync.py::test_sync_patients PASSED*",
            "test_sync.py::test_sync_patients SECOND RUN holds*",
            "test_sync.py::test_sync_patients creation_status=201 FAILS*",
            "test_sync.py::test_sync_patients gender_case=exact holds*",
        ]
    )


def test_each_verdict_is_a_property_in_junit_xml(pytester: pytest.Pytester) -> None:
    text = f"{SYNC}\n\ndef test_with_property(mock_heidi, record_property):\n    record_property('own', 1)\n"
    run(
        pytester,
        text,
        NAMED,
        "--junitxml=out.xml",
        "-o",
        "junit_family=xunit1",
        "-k",
        "sync_patients or once or property",
    )

    cases = ET.parse(pytester.path / "out.xml").iter("testcase")  # noqa: S314 - our own file
    properties = {
        case.attrib["name"]: [(one.attrib["name"], one.attrib["value"]) for one in case.iter("property")]
        for case in cases
    }
    assert properties == {
        "test_sync_patients": [
            ("mock_heidi_variants", "depends"),
            (
                "mock_heidi_variants.creation_status",
                "fails under 201: POST /patient-profiles -> 201 (test_sync.py:8)",
            ),
            ("mock_heidi_variants.gender_case", "holds"),
        ],
        "test_once": [("mock_heidi_variants", "not repeatable")],
        "test_with_property": [
            ("own", "1"),
            ("mock_heidi_variants", "holds"),
            ("mock_heidi_variants.creation_status", "holds"),
            ("mock_heidi_variants.gender_case", "holds"),
        ],
    }


def test_the_results_contain_no_secret(pytester: pytest.Pytester) -> None:
    text = f"""
{CLIENT}
def test_secret(mock_heidi):
    mock_heidi.api_key = "mock-heidi-key"
    token = mock_heidi.token()
    assert (created(mock_heidi), token) == (200, token)
"""
    found = results(pytester, text)

    assert failing(found["test_secret"]) == {"creation_status": [201]}
    assert not re.search(r"eyJ|mock-heidi-key|Ada", json.dumps(found))


def test_the_results_contain_no_path_of_the_client(pytester: pytest.Pytester) -> None:
    text = """
def test_unknown_patient(mock_heidi):
    with mock_heidi.client() as client:
        assert client.get("/patient-profiles/Lovelace").status_code == 404
"""
    found = results(pytester, text, "--mock-heidi-variants=malformed_id")

    assert failing(found["test_unknown_patient"]) == {"malformed_id": [422]}
    assert "/patient-profiles/{patient_profile_id}" in json.dumps(found)
    assert "Lovelace" not in json.dumps(found)


@needs_xdist
def test_workers_report_a_wrong_marker_as_without_variants(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makepyfile("import pytest\n@pytest.mark.mock_heidi(linked='x')\ndef test_wrong(mock_heidi): ...\n")
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")

    result = pytester.runpytest_subprocess("-p", "xdist", "-p", "mock_heidi.pytest_plugin", "-n", "2", NAMED)

    result.assert_outcomes(errors=1)
    result.stdout.no_re_match_line("INTERNALERROR|.*Traceback")


@needs_xdist
def test_workers_send_their_results(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    pytester.makepyfile(test_sync=SYNC)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    options = (NAMED, "--mock-heidi-variants-json=variants.json", "--junitxml=out.xml")

    result = pytester.runpytest_subprocess("-p", "xdist", "-p", "mock_heidi.pytest_plugin", "-n", "2", *options)

    result.assert_outcomes(passed=5)
    kept = json.loads((pytester.path / "variants.json").read_text(encoding="utf-8"))["tests"]
    assert {one["test"].rpartition("::")[2]: one["outcome"] for one in kept} == {
        "test_sync_patients": "depends",
        "test_lower_case": "depends",
        "test_once": "not repeatable",
        "test_robust": "holds",
    }
    assert (pytester.path / "out.xml").read_text(encoding="utf-8").count('value="depends"') == 2
    assert shown(result)[-1] == "4 tests in 17 runs: depends 2, holds 1, not repeatable 1"


# --- The exit status --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "name", "status"),
    [
        ((), "sync_patients", 0),
        (("--mock-heidi-variants-fail",), "sync_patients", 1),
        (("--mock-heidi-variants-fail",), "robust", 0),
        (("--mock-heidi-variants-fail",), "once", 0),
    ],
    ids=["no option", "depends", "holds", "not repeatable"],
)
def test_the_exit_status_tells_of_a_dependence_only_by_choice(
    pytester: pytest.Pytester, options: tuple[str, ...], name: str, status: int
) -> None:
    assert run(pytester, SYNC, NAMED, *options, "-k", name).ret == status


# --- The runs ---------------------------------------------------------------------------------------------------------


def test_a_test_that_fails_is_an_ordinary_failure_and_runs_once(pytester: pytest.Pytester) -> None:
    text = f"{CLIENT}\ndef test_wrong(mock_heidi):\n    print('ran')\n    assert created(mock_heidi) == 500\n"
    result = run(pytester, text)

    result.assert_outcomes(failed=1)
    assert result.outlines.count("ran") == 1
    assert not any("what the tests depend on" in line for line in result.outlines)
    result.stdout.fnmatch_lines("#2 POST /patient-profiles -> 200*")


@pytest.mark.parametrize(
    "text",
    [
        "@pytest.mark.skip\ndef test_it(mock_heidi): ...",
        "@pytest.mark.xfail\ndef test_it(mock_heidi): assert False",
        "@pytest.mark.xfail\ndef test_it(mock_heidi): ...",
        "@pytest.fixture\ndef broken(mock_heidi):\n    yield\n    assert False\n\ndef test_it(broken): ...",
        "@pytest.fixture\ndef broken(mock_heidi): assert False\n\ndef test_it(broken): ...",
    ],
    ids=["skipped", "expected to fail", "unexpectedly passed", "error at its end", "error at its start"],
)
def test_only_a_test_that_passes_runs_again(pytester: pytest.Pytester, text: str) -> None:
    text = f"import pytest\n{text}"
    plain = run(pytester, text, "-p", "no:cacheprovider")
    result = run(pytester, text, NAMED)

    assert result.parseoutcomes() == plain.parseoutcomes()
    assert not any("what the tests depend on" in line for line in result.outlines)


def test_each_run_has_new_fixtures_of_its_scope(pytester: pytest.Pytester) -> None:
    text = f"""
import pytest
{CLIENT}
LOG = []

@pytest.fixture(scope="module")
def shared():
    LOG.append("module")
    yield
    LOG.append("end of module")

@pytest.fixture
def own(shared, mock_heidi, tmp_path):
    (tmp_path / "new").touch(exist_ok=False)
    LOG.append(mock_heidi.name)
    yield
    assert not mock_heidi.closed
    LOG.append("end")

def test_one(own, mock_heidi):
    assert len(mock_heidi.state.patient_profiles()) == 15
    assert len(created.__name__) and created(mock_heidi)

def test_two(own):
    names = [name for name in LOG if name.startswith("test_one")]
    assert LOG[:-1] == ["module", *(one for name in names for one in (name, "end"))]
    assert len(set(names)) == 5
"""
    result = run(pytester, text, "--mock-heidi-variants=creation_status,gender_case", "-k", "one or two")

    assert result.parseoutcomes() == {"passed": 2}


def test_a_failure_at_the_end_of_a_module_is_an_error_of_its_last_test(pytester: pytest.Pytester) -> None:
    text = f"""
import pytest
{CLIENT}
@pytest.fixture(scope="module")
def shared():
    yield
    print("the end")
    raise ValueError("of the module")

def test_one(shared, mock_heidi):
    assert created(mock_heidi) == 200

def test_two(shared, mock_heidi): ...
"""
    result = run(pytester, text)

    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["*ERROR at teardown of test_two*", "*ValueError: of the module", "the end"])
    assert shown(result)[-1] == "2 tests in 10 runs: depends 1, holds 1"


def test_a_test_that_fails_ends_the_run_with_x(pytester: pytest.Pytester) -> None:
    text = f"{CLIENT}\ndef test_wrong(mock_heidi):\n    assert not mock_heidi\n{SYNC}"
    result = run(pytester, text, NAMED, "-x")

    result.assert_outcomes(failed=1)


def test_a_test_of_a_unittest_class_runs_again(pytester: pytest.Pytester) -> None:
    text = f"""
import unittest
import pytest
{CLIENT}
class Case(unittest.TestCase):
    @pytest.fixture(autouse=True)
    def own(self, mock_heidi):
        self.heidi = mock_heidi

    def test_it(self):
        self.assertEqual(created(self.heidi), 200)
"""
    assert failing(results(pytester, text)["test_it"]) == {"creation_status": [201]}


@pytest.mark.parametrize("style", ["fixture", "unittest"])
def test_a_subtest_that_fails_only_under_a_variant_does_not_fail_the_run(pytester: pytest.Pytester, style: str) -> None:
    tests = {
        "fixture": """
def test_it(mock_heidi, subtests):
    with subtests.test("part"):
        assert created(mock_heidi) == 200
""",
        "unittest": """
class Case(unittest.TestCase):
    @pytest.fixture(autouse=True)
    def own(self, mock_heidi):
        self.heidi = mock_heidi

    def test_it(self):
        with self.subTest("part"):
            self.assertEqual(created(self.heidi), 200)
""",
    }
    text = f"import unittest\nimport pytest\n{CLIENT}{tests[style]}"

    result = run(pytester, text)

    assert result.ret == 0
    assert result.parseoutcomes()["passed"] == 1
    assert failing(results(pytester, text)["test_it"]) == {"creation_status": [201]}


def test_a_subtest_that_fails_in_the_first_run_is_an_ordinary_failure(pytester: pytest.Pytester) -> None:
    text = "def test_it(mock_heidi, subtests):\n    with subtests.test('part'):\n        assert not mock_heidi\n"

    result = run(pytester, text)

    assert result.ret == 1
    assert not any("what the tests depend on" in line for line in result.outlines)


def test_other_plugins_see_each_run(pytester: pytest.Pytester) -> None:
    # As pytest-timeout does, whose limit is for one run.
    pytester.makeconftest(
        """
        import pytest

        @pytest.hookimpl(wrapper=True)
        def pytest_runtest_protocol(item):
            print("<begin>")
            result = yield
            print("<end>")
            return result
        """
    )
    result = run(pytester, f"{CLIENT}\ndef test_it(mock_heidi):\n    assert created(mock_heidi)\n", NAMED, "-s")

    assert shown(result)[-1] == "1 test in 5 runs: holds 1"
    assert re.findall("<begin>|<end>", result.stdout.str()) == ["<begin>", *["<begin>", "<end>"] * 5, "<end>"]


# --- The Heidis of a test ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        "def test_it(mock_heidi):\n    with mock_heidi.namespace('other') as heidi: assert created(heidi) == 200",
        "def test_it(mock_heidi_factory):\n    with mock_heidi_factory() as heidi: assert created(heidi) == 200",
        "def test_it(mock_heidi_factory):\n    assert created(mock_heidi_factory()) == 200",
        "def test_it(mock_heidi_server):\n    assert created(mock_heidi_server) == 200",
        (
            "@pytest.fixture\ndef late(mock_heidi):\n    yield\n    assert created(mock_heidi) == 200\n\n"
            "def test_it(late): ..."
        ),
    ],
    ids=["namespace", "factory", "open factory", "server", "end of a fixture"],
)
def test_every_heidi_that_a_test_uses_counts(pytester: pytest.Pytester, body: str) -> None:
    found = results(pytester, f"import pytest\n{CLIENT}\n{body}")["test_it"]

    assert failing(found) == {"creation_status": [201]}
    (verdict,) = [one for one in found["assumptions"] if one["fails"]]
    assert verdict["fails"][0]["request"] == {"method": "POST", "path": "/patient-profiles", "status": 201}


SHARED = f"""
import pytest
{CLIENT}
@pytest.fixture(scope="module")
def clinic(mock_heidi_factory):
    with mock_heidi_factory("clinic", fixtures="empty") as heidi:
        heidi.state.add_patient(first_name="Bo")
        yield heidi
        values = {{row["name"]: row["value"] for row in heidi.assume()}}
        assert (values["creation_status"], values["gender_case"]) == (200, "any_case")
        assert heidi.control("GET", "/snapshots")["snapshots"] == []

def names(heidi):
    return [one["first_name"] for one in heidi.state.patient_profiles()]

def test_first(clinic):
    assert names(clinic) == ["Bo"]
    assert created(clinic) == 200
    assert names(clinic) == ["Bo", "Ada"]

def test_second(clinic):
    assert names(clinic) == ["Bo", "Ada"]
    assert created(clinic, gender="male") == 200
    assert names(clinic) == ["Bo", "Ada", "Ada"]
"""


@pytest.mark.parametrize("running", [False, True])
def test_a_shared_heidi_is_as_before_for_each_run_and_afterwards(
    pytester: pytest.Pytester, server: Handle, running: bool
) -> None:
    options = [f"--mock-heidi-url={server.url}"] if running else []
    run(pytester, SHARED, NAMED, *options).assert_outcomes(passed=2)
    found = results(pytester, SHARED, NAMED, *options)

    assert {name: failing(one) for name, one in found.items()} == {
        "test_first": {"creation_status": [201]},
        "test_second": {"creation_status": [201], "gender_case": ["exact"]},
    }


RESETS = f"""
import pytest
{CLIENT}
@pytest.fixture(scope="module")
def shared(mock_heidi_factory):
    with mock_heidi_factory("clinic") as heidi:
        heidi.token()
        heidi.token()
        heidi.token()
        yield heidi

@pytest.fixture
def clinic(shared):
    shared.reset()
    return shared

def test_shared(clinic):
    assert created(clinic) == 200

def test_own(mock_heidi):
    assert created(mock_heidi) == 200
    mock_heidi.reset()
    assert created(mock_heidi) == 200
    mock_heidi.control("DELETE", "/requests")
"""


@pytest.mark.parametrize("option", [NAMED, "--mock-heidi-variants=met"])
def test_a_reset_keeps_the_variant_and_what_was_learned(pytester: pytest.Pytester, option: str) -> None:
    found = results(pytester, RESETS, option)

    verdicts = [one for result in found.values() for one in result["assumptions"] if one["name"] == "creation_status"]
    assert [one["fails"][0]["value"] for one in verdicts] == [201, 201]
    assert [one["fails"][0]["request"]["status"] for one in verdicts] == [201, 201]


def test_other_runs_on_the_same_server_keep_its_assumptions(pytester: pytest.Pytester, server: Handle) -> None:
    text = f"""
{CLIENT}
def test_it(mock_heidi, mock_heidi_server):
    values = {{row["name"]: row["value"] for row in mock_heidi_server.assume()}}
    assert values["creation_status"] == 200
    assert mock_heidi_server.control("GET", "/snapshots")["snapshots"] == []
    assert created(mock_heidi)
"""
    found = results(pytester, text, NAMED, f"--mock-heidi-url={server.url}")

    assert (found["test_it"]["outcome"], found["test_it"]["runs"]) == ("holds", 5)


@pytest.mark.parametrize(
    ("marker", "line"),
    [
        ("(assume={'creation_status': 201})", "assert created(mock_heidi)"),
        ("(assume={'creation_status': 200})", "assert created(mock_heidi)"),
        ("(fixtures='clinic')", "assert created(mock_heidi)"),
        ("()", "mock_heidi.assume(creation_status=201); assert created(mock_heidi)"),
        ("()", "with mock_heidi.namespace('chosen', assume={'creation_status': 200}) as heidi: assert created(heidi)"),
    ],
    ids=["marker", "marker with the default", "folder", "handle", "namespace"],
)
def test_an_assumption_that_the_test_chooses_keeps_its_value(pytester: pytest.Pytester, marker: str, line: str) -> None:
    pytester.mkdir("clinic").joinpath("assumptions.yaml").write_text("creation_status: 201\n", encoding="utf-8")
    text = f"import pytest\n{CLIENT}\n@pytest.mark.mock_heidi{marker}\ndef test_it(mock_heidi):\n    {line}\n"

    found = results(pytester, text)["test_it"]

    assert [one["name"] for one in found["assumptions"]] == ["gender_case"]


def test_a_test_may_end_its_own_heidi(pytester: pytest.Pytester) -> None:
    text = f"""
{CLIENT}
def test_it(mock_heidi, mock_heidi_server):
    assert created(mock_heidi) == 200
    mock_heidi_server.control("DELETE", f"/namespaces/{{mock_heidi.name}}")
"""
    assert results(pytester, text)["test_it"]["outcome"] == "depends"


# --- The options ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--mock-heidi-variants=gender_cas",), "unknown assumption 'gender_cas'; did you mean gender_case[?]"),
        (("--mock-heidi-variants=met,gender_case",), "met stands alone; write met, or only names"),
        (("--mock-heidi-variants=token_lifetime",), "token_lifetime has no alternatives; leave it out"),
        (
            ("--mock-heidi-variants", "test_sync.py"),
            "unknown assumption 'test_sync.py'; write --mock-heidi-variants=met before a path",
        ),
        ((NAMED, "--mock-heidi-variants-max=-1"), "should be a whole number, such as 200"),
        ((NAMED, "--mock-heidi-variants-time=1.5"), "should be a whole number, such as 600"),
        (("--mock-heidi-variants-fail",), "the options --mock-heidi-variants-… need --mock-heidi-variants too"),
    ],
)
def test_a_wrong_option_is_reported_once_and_before_any_test(
    pytester: pytest.Pytester, options: tuple[str, ...], words: str
) -> None:
    result = run(pytester, SYNC, *options)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "collected" not in result.stdout.str()
    result.stderr.fnmatch_lines(f"ERROR: *{words}")


def test_a_missing_folder_is_an_error_before_any_test(pytester: pytest.Pytester) -> None:
    result = run(pytester, "def test_it(): ...", NAMED, "--mock-heidi-variants-json=none/a.json")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "collected" not in result.stdout.str()
    result.stderr.fnmatch_lines("ERROR: --mock-heidi-variants-json: */none/a.json: there is no folder */none; make it*")


def test_a_file_that_cannot_be_written_fails_the_run_after_its_results(pytester: pytest.Pytester) -> None:
    (pytester.path / "a.json").mkdir()

    result = run(pytester, "def test_it(mock_heidi): ...", NAMED, "--mock-heidi-variants-json=a.json")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        ["*what the tests depend on*", "ERROR: --mock-heidi-variants-json: cannot write *a.json: Is a directory; *"]
    )


def test_the_help_names_the_limits() -> None:
    assert f"(default: {MOST})" in VARIANTS["variants-max"]["help"]
    assert f"(default: {SECONDS})" in VARIANTS["variants-time"]["help"]
