"""``pytest --mock-heidi-coverage``: what the tests of a run exercise, added up over workers, in files of each form."""

import json
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

# pytester unloads the modules that an inner run imports first; a second import gives another module.
import httpcore  # noqa: F401
import pytest
import yaml  # noqa: F401

import mock_heidi.app
import mock_heidi.pytest_coverage
import mock_heidi.serving.server  # noqa: F401
from mock_heidi import Handle, MockHeidi

TESTS = """
    import pytest

    @pytest.mark.parametrize("number", range(4))
    def test_a_session(mock_heidi, number):
        with mock_heidi.client() as client:
            client.get("/sessions/1234567890")

    def test_a_profile(mock_heidi):
        with mock_heidi.client() as client:
            client.get("/patient-profiles/ffffffffffffffffffffffff")
    """
EXERCISED = {
    "operation get_session": 4,
    "operation get_patient_profile": 1,
    "error get_patient_profile PatientProfileNotFoundError": 1,
    "token valid": 4,
}

needs_xdist = pytest.mark.skipif(find_spec("xdist") is None, reason="pytest-xdist is not installed")
WORKERS = ("-p", "xdist", "-p", "mock_heidi.pytest_plugin", "-n", "2")


def exercised(path: Path) -> dict[str, int]:
    """The counts in a report, without those of the words in answers."""
    rows = json.loads(path.read_text(encoding="utf-8"))["exercised"]
    return {f"{row['kind']} {row['name']}": row["count"] for row in rows if row["kind"] != "received_word"}


@pytest.fixture
def server() -> Iterator[Handle]:
    """A running server that counts."""
    with MockHeidi(coverage=True) as server:
        yield server


def test_a_run_ends_with_the_table(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(TESTS)

    result = pytester.runpytest("-W", "error", "--mock-heidi-coverage")

    result.assert_outcomes(passed=5)
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        [
            "*= mock_heidi: coverage of the contract =*",
            "operations                2 of 31     6.4 %",
            "never called: get_jwt",
            '    client.get("/jwt", params=*',
        ]
    )


def test_each_form_is_written_to_its_file(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(TESTS)
    files = [f"--mock-heidi-coverage=made.{form}" for form in ("json", "md", "html")]

    result = pytester.runpytest(*files)

    result.stdout.fnmatch_lines([f"wrote {pytester.path / f'made.{form}'}" for form in ("json", "md", "html")])
    assert exercised(pytester.path / "made.json") == EXERCISED
    assert (pytester.path / "made.md").read_text(encoding="utf-8").startswith("# Coverage of the Heidi Open API\n")
    assert (pytester.path / "made.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_a_run_without_the_option_counts_nothing(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        def test_it(mock_heidi, request):
            assert not request.config.pluginmanager.has_plugin("mock_heidi_coverage")
            with mock_heidi.client() as client:
                client.get("/sessions/1234567890")
            with pytest.raises(Exception, match="does not count coverage"):
                mock_heidi.control("GET", "/coverage")
        """
    )

    result = pytester.runpytest()

    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*coverage*")


def test_a_run_without_the_option_imports_no_module_of_coverage(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys

        def test_it(mock_heidi):
            mock_heidi.token()
            mock_heidi.control("GET", "/health")
            loaded = [name for name in sys.modules if "coverage" in name and name.startswith("mock_heidi.")]
            assert loaded == ["mock_heidi.control.coverage"]
        """
    )

    pytester.runpytest_subprocess().assert_outcomes(passed=1)


@pytest.mark.parametrize(("least", "status"), [("1", 0), ("50", 1)])
def test_too_low_a_coverage_fails_the_run(pytester: pytest.Pytester, least: str, status: int) -> None:
    pytester.makepyfile(TESTS)

    result = pytester.runpytest(f"--mock-heidi-coverage-fail-under={least}")

    result.assert_outcomes(passed=5)
    assert result.ret == status
    matching = result.stdout.fnmatch_lines if status else result.stdout.no_fnmatch_line
    matching("coverage of the contract is * %, which is below 50 %")


def test_a_failed_run_keeps_its_status(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(mock_heidi, missing): ...")

    result = pytester.runpytest("--mock-heidi-coverage=made.json", "--maxfail=1")

    assert result.ret == 1
    assert exercised(pytester.path / "made.json") == {}


def test_a_run_that_is_stopped_early_is_counted(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        def test_first(mock_heidi):
            with mock_heidi.client() as client:
                client.get("/sessions/1234567890")
            assert False

        def test_second(mock_heidi): ...
        """
    )

    pytester.runpytest("-x", "--mock-heidi-coverage=made.json")

    assert exercised(pytester.path / "made.json")["operation get_session"] == 1


@needs_xdist
def test_workers_are_added_up(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    pytester.makepyfile(TESTS)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")

    result = pytester.runpytest_subprocess(
        *WORKERS, "--mock-heidi-coverage=made.json", "--mock-heidi-coverage-fail-under=50"
    )

    result.assert_outcomes(passed=5)
    assert exercised(pytester.path / "made.json") == EXERCISED
    assert result.ret == 1
    assert result.stdout.str().count("coverage of the contract is") == 1


@needs_xdist
def test_workers_that_share_a_server_are_counted_once(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, server: Handle
) -> None:
    pytester.makepyfile(TESTS)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")

    result = pytester.runpytest_subprocess(
        *WORKERS, f"--mock-heidi-url={server.url}", "--mock-heidi-coverage=made.json"
    )

    result.assert_outcomes(passed=5)
    assert exercised(pytester.path / "made.json") == EXERCISED


def test_a_run_on_a_shared_server_counts_only_its_own_requests(pytester: pytest.Pytester, server: Handle) -> None:
    pytester.makepyfile(TESTS)
    with server.client() as client:
        client.get("/sessions/1234567890")
        client.get("/templates/consult-note-templates")

    pytester.runpytest(f"--mock-heidi-url={server.url}", "--mock-heidi-coverage=made.json")

    assert exercised(pytester.path / "made.json") == EXERCISED


def test_a_shared_server_that_does_not_count_is_refused_before_any_test(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(TESTS)
    with MockHeidi() as server:
        result = pytester.runpytest(f"--mock-heidi-url={server.url}", "--mock-heidi-coverage")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    cure = "this server does not count coverage; start it with mock-heidi serve --coverage"
    result.stderr.fnmatch_lines(f"ERROR: --mock-heidi-coverage: {server.url}: {cure}")


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        (
            "--mock-heidi-coverage=tests",
            "--mock-heidi-coverage=tests: is not the name of a report; write --mock-heidi-coverage=FILE.json or *.html",
        ),
        (
            "--mock-heidi-coverage=.",
            "--mock-heidi-coverage=.: is not the name of a report; write --mock-heidi-coverage after the paths, or *",
        ),
        (
            "--mock-heidi-coverage=no/made.md",
            "--mock-heidi-coverage: */no/made.md: there is no folder */no; make it first",
        ),
        ("--mock-heidi-coverage-fail-under=101", "--mock-heidi-coverage-fail-under=101: should be from 0 to 100"),
        ("--mock-heidi-coverage-fail-under=nan", "--mock-heidi-coverage-fail-under=nan: should be from 0 to 100"),
    ],
)
def test_a_wrong_value_is_an_error_before_any_test(pytester: pytest.Pytester, typed: str, problem: str) -> None:
    pytester.makepyfile(TESTS)

    result = pytester.runpytest(typed)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(f"ERROR: {problem}")


def test_a_file_that_cannot_be_written_fails_the_run(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(TESTS)
    (pytester.path / "made.json").mkdir()

    result = pytester.runpytest("--mock-heidi-coverage=made.json")

    assert result.ret == 1
    result.stdout.fnmatch_lines("cannot write *made.json: Is a directory; give a file in a folder*")
