"""The pytest plugin: a fresh Heidi for each test, nothing left behind, and no cost for tests that do not use it."""

import re
import sys
from collections.abc import Iterator
from importlib.metadata import entry_points
from importlib.util import find_spec

# pytester unloads the modules that an inner run imports first; a second import gives another module.
import httpcore  # noqa: F401
import pytest
import yaml  # noqa: F401
from running import run

import mock_heidi.app
import mock_heidi.serving.server  # noqa: F401
from mock_heidi import Handle, MockHeidi

# Only our plugin is on, because other plugins in the environment may do anything.
NO_PLUGINS = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
HEAVY = (
    "starlette",
    "uvicorn",
    "pydantic",
    "httpx",
    "yaml",
    "jwt",
    "click",
    "mock_heidi.client.handle",
)


def test_six_lines_are_enough(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        def test_a_patient_is_found(mock_heidi):
            mock_heidi.state.add_patient(first_name="Ada", ehr_patient_id="A1")
            with mock_heidi.client() as client:
                answer = client.get("/patient-profiles", params={"ehr_patient_id": "A1"})
            assert [patient["first_name"] for patient in answer.json()["data"]] == ["Ada"]
            assert [row["operation"] for row in mock_heidi.requests()] == ["get_jwt", "list_patient_profiles"]
        """
    )

    pytester.runpytest("-W", "error").assert_outcomes(passed=1)


def test_every_test_has_a_heidi_of_its_own(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.parametrize("number", range(2))
        def test_one(mock_heidi, number):
            assert len(mock_heidi.state.patient_profiles()) == 15
            mock_heidi.state.add_patient(first_name="Mine")

        def test_another(mock_heidi, mock_heidi_server):
            assert len(mock_heidi.state.patient_profiles()) == 15
            assert mock_heidi.url == mock_heidi_server.url
            assert mock_heidi.base_url != mock_heidi_server.base_url
        """
    )

    pytester.runpytest().assert_outcomes(passed=3)


def test_pytest_does_not_compile_the_modules_of_the_server_again(pytester: pytest.Pytester) -> None:
    # As pytest does for every installed package with a plugin.
    pytester.makeconftest("import pytest\npytest.register_assert_rewrite('mock_heidi')\n")
    pytester.makepyfile(
        """
        import sys

        def test_it(mock_heidi, request):
            hook = request.config.pluginmanager.rewrite_hook
            loaded = {name: module for name, module in sys.modules.items() if name.startswith("mock_heidi.")}
            assert "mock_heidi.app" in loaded
            rewritten = {name for name, module in loaded.items() if module.__spec__.loader is hook}
            assert rewritten <= {f"mock_heidi.pytest_{name}" for name in ("options", "plugin", "reports")}
            assert sys.meta_path[0] is hook
        """
    )

    pytester.runpytest_subprocess().assert_outcomes(passed=1)


def test_a_server_starts_without_rewriting_of_asserts(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(mock_heidi): ...")

    pytester.runpytest_subprocess("--assert=plain").assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("test", "name"),
    [
        ("def test_plain(mock_heidi): ...", "test_plain-1"),
        ("@pytest.mark.parametrize('a', ['x y/z'])\ndef test_param(mock_heidi, a): ...", "test_param-x-y-z-1"),
        (f"def test_{'x' * 100}(mock_heidi): ...", f"test_{'x' * 49}-1"),
    ],
    ids=["plain", "parametrised", "long"],
)
def test_a_namespace_is_named_after_its_test(pytester: pytest.Pytester, test: str, name: str) -> None:
    pytester.makepyfile(f"import pytest\n{test.replace('...', f'assert mock_heidi.name == {name!r}')}\n")

    pytester.runpytest().assert_outcomes(passed=1)


def test_many_tests_leave_nothing_behind(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.parametrize("number", range(300))
        def test_of_many(mock_heidi, number):
            mock_heidi.state.add_session()

        @pytest.fixture
        def broken(mock_heidi):
            raise ValueError

        def test_that_has_an_error(broken): ...

        def test_that_fails(mock_heidi):
            assert mock_heidi is None

        def test_at_the_end(mock_heidi_server):
            rows = mock_heidi_server.control("GET", "/namespaces")["namespaces"]
            assert [row["name"] for row in rows] == ["default"]
        """
    )

    pytester.runpytest().assert_outcomes(passed=301, failed=1, errors=1)


def test_the_marker_sets_the_start_of_a_heidi(pytester: pytest.Pytester) -> None:
    pytester.mkdir("clinic").joinpath("patient_profiles.yaml").write_text("- first_name: Ada\n", encoding="utf-8")
    pytester.makepyfile(
        """
        import pytest

        def first_names(heidi):
            return [patient["first_name"] for patient in heidi.state.patient_profiles()]

        @pytest.mark.mock_heidi(fixtures="clinic")
        def test_folder(mock_heidi):
            assert first_names(mock_heidi) == ["Ada"]

        @pytest.mark.mock_heidi(fixtures={"patient_profiles": [{"first_name": "Bo"}]})
        def test_records(mock_heidi):
            assert first_names(mock_heidi) == ["Bo"]

        @pytest.mark.mock_heidi(fixtures="empty")
        def test_empty(mock_heidi):
            assert first_names(mock_heidi) == []

        @pytest.mark.mock_heidi(seed=7)
        def test_seed(mock_heidi):
            assert mock_heidi.control("GET", "/health")["seed"] == 7

        @pytest.mark.mock_heidi(clock="2025-01-06T09:00:00")
        def test_clock(mock_heidi):
            assert mock_heidi.state.add_patient()["created_at"] == "2025-01-06T09:00:00.000000"

        @pytest.mark.mock_heidi(linked=True)
        def test_linked(mock_heidi):
            assert mock_heidi.email in [user["email"] for user in mock_heidi.state.users() if user.get("linked_to")]

        @pytest.mark.mock_heidi(journal="masked")
        def test_journal(mock_heidi):
            mock_heidi.token()
            assert mock_heidi.requests()[0]["query"]["email"] == "<20 characters>"

        @pytest.mark.mock_heidi(fixtures="empty", seed=1)
        class TestNearest:
            @pytest.mark.mock_heidi(seed=2)
            def test_the_nearest_marker_has_the_last_word(self, mock_heidi):
                assert mock_heidi.control("GET", "/health")["seed"] == 2
                assert first_names(mock_heidi) == []
        """
    )

    pytester.runpytest("--strict-markers").assert_outcomes(passed=8)


def in_marker(pytester: pytest.Pytester, marker: str, *options: str) -> pytest.RunResult:
    """A run of nine tests with this marker."""
    pytester.makepyfile(
        f"""
        import pytest

        @pytest.mark.mock_heidi({marker})
        @pytest.mark.parametrize("number", range(9))
        def test_wrong(mock_heidi, number): ...
        """
    )
    return pytester.runpytest(*options)


@pytest.mark.parametrize(
    ("marker", "words"),
    [
        ("sed=7", "*mock_heidi does not know sed; did you mean seed[?]"),
        (
            "'clinic'",
            "*mock_heidi does not know 'clinic'; it takes fixtures, seed, *, vendor_hosts, allow_*",
        ),
        ("mock_heidi_linked='x'", "*mock_heidi does not know mock_heidi_linked; did you mean linked[?]"),
        ("fixtures='nope'", "*(fixtures='nope'): there is no */nope; give a folder of YAML files*"),
        ("fixtures=7", "*(fixtures=7): should be a folder, a file, 'empty' or the records"),
        ("api_key=''", "*(api_key=''): '' cannot be sent in a header; use visible ASCII*"),
        ("api_key='a key'", "*(api_key='a key'): 'a key' cannot be sent in a header; use visible ASCII*"),
        ("api_key=7", "*(api_key=7): 7 cannot be sent in a header; use visible ASCII*"),
        ("clock='noon'", "*(clock='noon'): 'noon' is not a moment; write it like 2025-01-06T09:00:00 (UTC)"),
        ("clock=7", "*(clock=7): '7' is not a moment; write it like 2025-01-06T09:00:00 (UTC)"),
        ("seed='seven'", "*(seed='seven'): should be a whole number, such as 7"),
        ("seed=True", "*(seed=True): should be a whole number, such as 7"),
        ("linked='x'", "*(linked='x'): should be True or False"),
        ("strict='x'", "*(strict='x'): should be True or False"),
        ("allow_findings=['unknown_fiel']", "*there is no 'unknown_fiel'; did you mean unknown_field?"),
        ("allow_findings='grave'", "*(allow_findings='grave'): there is no 'grave'; known names are audio_again, *"),
        ("journal='loud'", "*(journal='loud'): 'loud' is not a mode; write normal, full or masked"),
    ],
)
def test_a_wrong_marker_is_reported_once_and_before_any_test(
    pytester: pytest.Pytester, marker: str, words: str
) -> None:
    result = in_marker(pytester, marker)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert [line for line in result.errlines if line] == [result.errlines[0]]
    result.stderr.fnmatch_lines(f"ERROR: *::test_wrong[[]0]: {words}")


@pytest.mark.parametrize(
    ("marker", "words"),
    [
        ("faults=['ask_ai:end_aftr=3']", "[[]0] unknown field 'end_aftr'; did you mean end_after*"),
        (
            "faults=[{'status': 503}, {'operation': 'ask_a', 'status': 503}]",
            "[[]1] *no operation 'ask_a'; did you mean ask_ai*",
        ),
        ("faults=['ask_ai']", "[[]0] nothing goes wrong; write it like ask_ai:status=503*"),
        ("faults=7", "[[]0] the rule is not an object; send a rule such as*"),
        ("scenario='flaky'", "there is no scenario 'flaky'; did you mean flaky-afternoon?"),
        ("fixtures={'patients': []}", "*did you mean patient_profiles?*"),
    ],
)
def test_a_refused_start_is_one_line_for_each_test(pytester: pytest.Pytester, marker: str, words: str) -> None:
    result = in_marker(pytester, marker)

    result.assert_outcomes(errors=9)
    result.stdout.fnmatch_lines(f"@pytest.mark.mock_heidi: {words}")
    result.stdout.no_re_match_line(r"E  +\w|.*Traceback|.*pytest_(plugin|options).py")


def test_a_wrong_marker_of_a_deselected_test_is_ignored(pytester: pytest.Pytester) -> None:
    in_marker(pytester, "clock='noon'", "-k", "not wrong").assert_outcomes(deselected=9)


def test_a_wrong_marker_of_a_unittest_class_is_reported_before_any_test(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import unittest
        import pytest

        @pytest.mark.mock_heidi(clock="noon")
        class Case(unittest.TestCase):
            def test_wrong(self): ...
        """
    )
    result = pytester.runpytest()

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        "ERROR: *::Case::test_wrong: @pytest.mark.mock_heidi(clock='noon'): 'noon' is not a moment*"
    )


def test_the_marker_sets_faults(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        def status(heidi):
            with heidi.client() as client:
                return client.get("/sessions/1234567890").status_code

        @pytest.mark.mock_heidi(faults=["get_session:status=503", {"operation": "ask_ai", "end_after": 3}])
        def test_rules(mock_heidi):
            assert [rule["operation"] for rule in mock_heidi.faults()] == ["get_session", "ask_ai"]
            assert status(mock_heidi) == 503

        @pytest.mark.mock_heidi(faults="get_session:status=502")
        def test_one_rule(mock_heidi):
            assert status(mock_heidi) == 502

        @pytest.mark.mock_heidi(scenario="service-is-gone")
        class TestScenario:
            def test_it_is_there(self, mock_heidi):
                assert {rule["label"] for rule in mock_heidi.faults()} == {"scenario service-is-gone"}

            @pytest.mark.mock_heidi(faults=[{"operation": "get_session", "status": 418}])
            def test_both(self, mock_heidi):
                assert len(mock_heidi.faults()) == 2
                with pytest.raises(Exception, match="503"):
                    mock_heidi.token()

        def test_none(mock_heidi, mock_heidi_server):
            assert mock_heidi.faults() == mock_heidi_server.faults() == []
            assert status(mock_heidi) == 200
        """
    )

    pytester.runpytest("--strict-markers").assert_outcomes(passed=5)


def test_the_configuration_sets_the_start_of_all(pytester: pytest.Pytester) -> None:
    pytester.mkdir("clinic").joinpath("patient_profiles.yaml").write_text("- first_name: Ada\n", encoding="utf-8")
    pytester.makeini(
        """
        [pytest]
        mock_heidi_fixtures = clinic
        mock_heidi_seed = 7
        mock_heidi_clock = 2025-01-06T09:00:00
        mock_heidi_linked = true
        """
    )
    pytester.makepyfile(
        """
        import pytest

        def test_configured(mock_heidi):
            assert [patient["first_name"] for patient in mock_heidi.state.patient_profiles()] == ["Ada"]
            assert mock_heidi.control("GET", "/health")["seed"] == 7
            assert mock_heidi.state.add_patient()["created_at"] == "2025-01-06T09:00:00.000000"
            assert mock_heidi.email in [user["email"] for user in mock_heidi.state.users() if user.get("linked_to")]

        @pytest.mark.mock_heidi(linked=False, fixtures="empty")
        def test_marker_wins(mock_heidi):
            assert mock_heidi.state.patient_profiles() == []
            assert not [user for user in mock_heidi.state.users() if user["email"] == mock_heidi.email]
        """
    )

    pytester.runpytest("--strict-config").assert_outcomes(passed=2)


@pytest.mark.parametrize("by", ["flag", "configuration", "flag, on a running server"])
def test_strict_mode_is_set_for_all_tests_and_by_the_marker(pytester: pytest.Pytester, by: str) -> None:
    pytester.makeini(f"[pytest]\nmock_heidi_strict = {str(by == 'configuration').lower()}\n")
    pytester.makepyfile(
        """
        import pytest

        def status(heidi):
            with heidi.client() as client:
                return client.get("/patient-profiles?page=1").status_code

        def test_all(mock_heidi):
            assert status(mock_heidi) == 422

        @pytest.mark.mock_heidi(strict=False)
        def test_marker_wins(mock_heidi):
            assert status(mock_heidi) == 200
        """
    )
    flags = [] if by == "configuration" else ["--mock-heidi-strict"]

    with MockHeidi() as server:
        url = [f"--mock-heidi-url={server.url}"] if "server" in by else []
        # A refusal of strict mode has a reason, but its path is known.
        result = pytester.runpytest(*flags, *url, "--mock-heidi-unmatched=fail")

    result.assert_outcomes(passed=2)


def test_the_marker_sets_strict_mode_for_one_test(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.mock_heidi(strict=True)
        def test_strict(mock_heidi):
            with mock_heidi.client() as client:
                assert client.get("/patient-profiles?page=1").status_code == 422

        def test_other(mock_heidi):
            with mock_heidi.client() as client:
                assert client.get("/patient-profiles?page=1").status_code == 200
        """
    )

    pytester.runpytest().assert_outcomes(passed=2)


@pytest.mark.parametrize("by", ["marker", "configuration", "factory"])
@pytest.mark.parametrize("running", [False, True])
def test_the_key_of_a_heidi_can_be_chosen(pytester: pytest.Pytester, server: Handle, by: str, running: bool) -> None:
    marker = "@pytest.mark.mock_heidi(api_key='sesame-seeds')" if by == "marker" else ""
    made = "mock_heidi_factory('own', api_key='sesame-seeds')" if by == "factory" else "mock_heidi"
    pytester.makeini("[pytest]\n" + ("mock_heidi_api_key = sesame-seeds\n" if by == "configuration" else ""))
    pytester.makepyfile(
        f"""
        import pytest
        from mock_heidi import MockHeidiError

        {marker}
        def test_key(mock_heidi, mock_heidi_factory):
            heidi = {made}
            assert heidi.api_key == "sesame-seeds"
            assert heidi.token()
            assert "sesame-seeds" not in str(heidi.requests())
            heidi.api_key = "mock-heidi-key"
            with pytest.raises(MockHeidiError, match="Invalid API key"):
                heidi.token()
        """
    )

    pytester.runpytest("--strict-config", *([f"--mock-heidi-url={server.url}"] if running else [])).assert_outcomes(
        passed=1
    )


def test_a_refused_key_does_not_count_as_an_unknown_path(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest
        from mock_heidi import MockHeidiError

        def test_refused(mock_heidi):
            mock_heidi.api_key = "wrong"
            with pytest.raises(MockHeidiError):
                mock_heidi.token()
            assert mock_heidi.requests()[0]["why"].startswith("unknown API key")
        """
    )

    pytester.runpytest("--mock-heidi-unmatched=fail").assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("mock_heidi_seed = seven", "should be a whole number, such as 7"),
        ("mock_heidi_clock = noon", "'noon' is not a moment; write it like 2025-01-06T09:00:00 (UTC)"),
        ("mock_heidi_journal = loud", "'loud' is not a mode; write normal, full or masked"),
        (
            "mock_heidi_api_key = a key",
            "'a key' cannot be sent in a header; use visible ASCII characters without blanks",
        ),
        ("mock_heidi_fixtures = nope", "there is no */nope; give a folder of YAML files, one such file, or 'empty'"),
        ("mock_heidi_url = 127.0.0.1:4343", "write it like http://127.0.0.1:4343"),
        ("mock_heidi_url = http://127.0.0.1:4343/path", "there is nothing of mock_heidi at this path; write it like *"),
        ("mock_heidi_unmatched = maybe", "should be ignore or fail"),
        ("mock_heidi_findings = grave", "should be ignore, info, warning or error"),
    ],
)
def test_a_wrong_configuration_is_reported_once_and_before_any_test(
    pytester: pytest.Pytester, line: str, words: str
) -> None:
    pytester.makeini(f"[pytest]\n{line}\n")
    pytester.makepyfile("import pytest\n@pytest.mark.parametrize('a', range(9))\ndef test_wrong(mock_heidi, a): ...")
    result = pytester.runpytest()

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "collected" not in result.stdout.str()
    result.stderr.fnmatch_lines(f"ERROR: {line}: {words}")
    assert len(result.errlines) <= 2


@pytest.mark.parametrize("by", ["configuration", "command line"])
def test_a_misspelt_option_of_the_configuration_is_an_error_that_names_the_nearest(
    pytester: pytest.Pytester, by: str
) -> None:
    pytester.makeini("[pytest]\nmock_heidi_seed = 7\n" + ("mock_heidi_sed = 3\n" if by == "configuration" else ""))
    pytester.makepyfile("def test_seed(mock_heidi): ...")
    result = pytester.runpytest(*(["-o", "mock_heidi_sed=3"] if by == "command line" else []))

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines("ERROR: mock_heidi_sed: unknown option; did you mean mock_heidi_seed[?]")


def test_an_option_that_a_conftest_declares_is_accepted(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nmock_heidi_clinic = blue\n")
    pytester.makeconftest("def pytest_addoption(parser): parser.addini('mock_heidi_clinic', 'the clinic')")
    pytester.makepyfile("def test_clinic(pytestconfig): assert pytestconfig.getini('mock_heidi_clinic') == 'blue'")

    pytester.runpytest().assert_outcomes(passed=1)


def test_the_error_for_a_wrong_boolean_names_its_option(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nmock_heidi_linked = x\n")
    pytester.makepyfile("def test_wrong(mock_heidi): ...")
    result = pytester.runpytest()

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines("ERROR: mock_heidi_linked: invalid truth value 'x'")


def test_a_wrong_url_on_the_command_line_names_the_flag(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_wrong(mock_heidi): ...")
    result = pytester.runpytest("--mock-heidi-url=127.0.0.1:4343")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines("ERROR: --mock-heidi-url=127.0.0.1:4343: write it like http://127.0.0.1:4343")


def test_a_path_in_the_url_of_a_running_server_is_refused(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_wrong(mock_heidi): ...")
    result = pytester.runpytest("--mock-heidi-url=http://127.0.0.1:4343/path")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert len(result.errlines) <= 2
    result.stderr.fnmatch_lines(
        "ERROR: --mock-heidi-url=http://127.0.0.1:4343/path: there is nothing of mock_heidi at this path; write it *"
    )


def test_a_mistake_in_the_configured_fixtures_ends_the_run_at_the_first_test(pytester: pytest.Pytester) -> None:
    pytester.mkdir("clinic").joinpath("patient_profiles.yaml").write_text("- first_nam: Ada\n", encoding="utf-8")
    pytester.makeini("[pytest]\nmock_heidi_fixtures = clinic\n")
    pytester.makepyfile("import pytest\n@pytest.mark.parametrize('a', range(9))\ndef test_wrong(mock_heidi, a): ...")
    result = pytester.runpytest()

    result.assert_outcomes(errors=1)
    problem = "mock_heidi_fixtures = clinic: *patient_profiles.yaml:1: [[]0].first_nam: unknown field; did you mean *"
    result.stdout.fnmatch_lines([problem, f"*! {problem} !*"])
    result.stdout.no_re_match_line(r"E  +\w|.*Traceback|.*fixture_loader.py")


def test_the_factory_serves_fixtures_of_any_scope(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.fixture(scope="module")
        def clinic(mock_heidi_factory):
            with mock_heidi_factory("test_beside", fixtures="empty", seed=3) as heidi:
                yield heidi

        def test_one(clinic):
            clinic.state.add_patient(first_name="Shared")

        def test_two(clinic):
            assert [patient["first_name"] for patient in clinic.state.patient_profiles()] == ["Shared"]

        def test_beside(clinic, mock_heidi):
            assert mock_heidi.name != clinic.name
            assert len(clinic.state.patient_profiles()) == 1

        def test_left_open(mock_heidi_factory):
            open_still, again = mock_heidi_factory(), mock_heidi_factory()
            assert open_still.name != again.name
        """
    )

    pytester.runpytest("-W", "error").assert_outcomes(passed=4)


def test_unittest_classes_can_use_the_fixture(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import unittest
        import pytest

        class Case(unittest.TestCase):
            @pytest.fixture(autouse=True)
            def _heidi(self, mock_heidi):
                self.heidi = mock_heidi

            def test_it_is_there(self):
                self.assertEqual(len(self.heidi.state.patient_profiles()), 15)
        """
    )

    pytester.runpytest().assert_outcomes(passed=1)


# --- Faults that never fired ------------------------------------------------------------------------------------------

UNFIRED = """
    import pytest

    def test_spent(mock_heidi):
        with mock_heidi.fault("ask_ai", end_after=3):
            pass

    def test_set(mock_heidi):
        mock_heidi.fault("get_session", status=503)

    @pytest.mark.mock_heidi(faults=["get_session:status=503"])
    def test_marked(mock_heidi):
        pass

    @pytest.mark.mock_heidi(scenario="flaky-afternoon")
    def test_scenario(mock_heidi):
        pass

    def test_closed(mock_heidi):
        with mock_heidi.fault("ask_ai", end_after=3):
            pass
        mock_heidi.close()

    def test_fired(mock_heidi):
        with mock_heidi.fault("list_patient_profiles", status=503), mock_heidi.client() as client:
            assert client.get("/patient-profiles").status_code == 503

    def test_that_skips(mock_heidi):
        mock_heidi.fault("get_session", status=503)
        pytest.skip("for another reason")

    def test_without(mock_heidi):
        pass

    def test_of_something_else():
        pass

    @pytest.fixture(scope="module")
    def shared(mock_heidi_factory):
        with mock_heidi_factory("shared") as heidi, heidi.fault("get_session", status=503):
            yield heidi

    def test_shared(shared):
        pass
"""


def test_a_fault_that_never_fired_is_ignored_by_default(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(UNFIRED)

    pytester.runpytest().assert_outcomes(passed=9, skipped=1)


@pytest.mark.parametrize("by", ["option", "configuration"])
def test_a_fault_that_never_fired_can_be_a_failure(pytester: pytest.Pytester, by: str) -> None:
    pytester.makepyfile(UNFIRED)
    if by == "configuration":
        pytester.makeini("[pytest]\nmock_heidi_unfired = fail\n")

    result = pytester.runpytest(*(["--mock-heidi-unfired=fail"] if by == "option" else []))

    result.assert_outcomes(passed=4, failed=5, skipped=1)
    result.stdout.fnmatch_lines(
        [
            "*_ test_spent _*",
            "fault-1 (operation=ask_ai, end_after=3) never fired: no request matched",
            "*_ test_set _*",
            "fault-1 (operation=get_session, status=503) never fired: *",
            "*_ test_marked _*",
            "fault-1 (operation=get_session, status=503) never fired: *",
            "*_ test_scenario _*",
            "scenario flaky-afternoon (*) never fired: *",
            "*_ test_closed _*",
            "fault-1 (operation=ask_ai, end_after=3) never fired: *",
            # pytest 8 shows no reason in this line.
            "FAILED *::test_spent - fault-*" if pytest.version_tuple >= (9,) else "FAILED *::test_spent",
        ]
    )
    assert "Traceback" not in result.stdout.str()


def test_the_option_wins_over_the_configuration(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(UNFIRED)
    pytester.makeini("[pytest]\nmock_heidi_unfired = fail\n")

    pytester.runpytest("--mock-heidi-unfired=ignore").assert_outcomes(passed=9, skipped=1)


def test_a_wrong_value_of_unfired_is_an_error_before_any_test(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_fine(): ...")
    by_option = pytester.runpytest("--mock-heidi-unfired=maybe")
    pytester.makeini("[pytest]\nmock_heidi_unfired = maybe\n")
    by_configuration = pytester.runpytest()

    assert by_option.ret == by_configuration.ret == pytest.ExitCode.USAGE_ERROR
    assert "collected" not in by_option.stdout.str() + by_configuration.stdout.str()
    by_option.stderr.fnmatch_lines("*--mock-heidi-unfired: invalid choice: 'maybe' (choose from *ignore*, *fail*)")
    by_configuration.stderr.fnmatch_lines("ERROR: mock_heidi_unfired = maybe: should be ignore or fail")


def test_a_heidi_that_does_not_answer_fails_its_test_and_not_the_run(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest
        from mock_heidi import MockHeidi

        @pytest.fixture(scope="session")
        def server():
            return MockHeidi()

        @pytest.fixture(scope="session")
        def mock_heidi_server(server):
            with server as heidi:
                yield heidi

        def test_that_ends_the_server(mock_heidi, server):
            mock_heidi.fault("get_session", status=503)
            server.close()

        def test_after_it(): ...
        """
    )
    result = pytester.runpytest("--mock-heidi-unfired=fail")

    result.assert_outcomes(passed=1, failed=1, errors=1)
    result.stdout.fnmatch_lines("cannot ask mock_heidi: *")


def test_a_server_that_has_ended_does_not_break_the_report(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest
        from mock_heidi import MockHeidi

        @pytest.fixture
        def mock_heidi():
            with MockHeidi() as heidi:
                pass
            return heidi

        def test_that_fails(mock_heidi):
            raise AssertionError
        """
    )
    result = pytester.runpytest("--mock-heidi-unfired=fail")

    result.assert_outcomes(failed=1)
    assert section(result.stdout.str(), "mock_heidi")[0].startswith("cannot ask mock_heidi: ")


# --- Requests and findings --------------------------------------------------------------------------------------------

ASKING = """
    import pytest

    def ask(heidi, path, **options):
        with heidi.client() as client:
            client.get(path, **options)

    def test_unmatched(mock_heidi):
        ask(mock_heidi, "/session/1234567890")

    def test_warning(mock_heidi):
        ask(mock_heidi, "/sessions/1234567890", params={"all": "1"})

    @pytest.mark.mock_heidi(allow_findings=["unknown_parameter"])
    def test_allowed(mock_heidi):
        ask(mock_heidi, "/sessions/1234567890", params={"all": "1"})

    @pytest.mark.mock_heidi(allow_findings="unknown_parameter")
    class TestOfThem:
        def test_allowed(self, mock_heidi):
            ask(mock_heidi, "/sessions/1234567890", params={"all": "1"})

        @pytest.mark.mock_heidi(allow_findings=["key_with_token"])
        def test_nearest(self, mock_heidi):
            ask(mock_heidi, "/sessions/1234567890", params={"all": "1"})

    def test_info(mock_heidi):
        ask(mock_heidi, "/sessions/1234567890", headers={"Heidi-Api-Key": mock_heidi.api_key})

    def test_error(mock_heidi):
        ask(mock_heidi, "/sessions/1234567890", headers={"Authorization": f"Bearer {mock_heidi.api_key}"})

    def test_missing(mock_heidi):
        ask(mock_heidi, "/sessions/77")

    def test_closed(mock_heidi):
        ask(mock_heidi, "/session/1234567890")
        mock_heidi.close()

    def test_that_fails_by_itself(mock_heidi):
        ask(mock_heidi, "/session/1234567890")
        raise AssertionError("by itself")

    def test_of_something_else():
        pass

    @pytest.mark.parametrize("headers", [
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
        {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Dest": "image"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Origin": "https://evil.example"},
    ])
    def test_of_another_page(mock_heidi, headers):
        ask(mock_heidi, "/logo.png", headers=headers)

    def test_preflight(mock_heidi):
        asked = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "x-tenant"}
        with mock_heidi.client() as client:
            client.options("/sessions/1234567890", headers={"Origin": "http://localhost:3000", **asked})
"""
# For each option, tests whose client does what the option is about.
FAILING = {
    "--mock-heidi-unmatched=ignore": set[str](),
    "--mock-heidi-unmatched=fail": {"test_unmatched", "test_preflight"},
    "--mock-heidi-findings=ignore": set[str](),
    "--mock-heidi-findings=error": {"test_unmatched", "test_error"},
    "--mock-heidi-findings=warning": {"test_unmatched", "test_error", "test_warning", "test_nearest"},
    "--mock-heidi-findings=info": {"test_unmatched", "test_error", "test_warning", "test_nearest", "test_info"},
}


def failed(output: str) -> set[str]:
    return set(re.findall(r"^FAILED \S*::(\w+)", output, re.MULTILINE)) - {"test_that_fails_by_itself"}


@pytest.mark.parametrize("by", ["option", "configuration"])
@pytest.mark.parametrize("option", FAILING)
def test_requests_that_match_nothing_and_findings_can_fail_a_test(
    pytester: pytest.Pytester, by: str, option: str
) -> None:
    pytester.makepyfile(ASKING)
    if by == "configuration":
        pytester.makeini(f"[pytest]\n{option.removeprefix('--').replace('-', '_')}\n")

    result = pytester.runpytest(*([option] if by == "option" else []))

    assert failed(result.stdout.str()) == FAILING[option]
    assert result.parseoutcomes() == {"passed": 15 - len(FAILING[option]), "failed": 1 + len(FAILING[option])}


def test_the_report_has_findings_and_requests_that_matched_nothing(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(ASKING)

    result = pytester.runpytest("--mock-heidi-findings=info", "--mock-heidi-unmatched=fail")

    result.stdout.fnmatch_lines(
        [
            "*_ test_unmatched _*",
            "#2 GET */session/1234567890 matched nothing: there is no such path; the nearest is GET /sessions/*",
            "*_ test_warning _*",
            "warning  unknown_parameter: sent a parameter that is not documented: all of *",
            "*- requests to mock_heidi -*",
            "*_ TestOfThem.test_nearest _*",
            "*_ test_error _*",
            "error    key_as_token: *",
            "*_ test_preflight _*",
            "#2 OPTIONS */sessions/1234567890 was refused: the preflight is refused: it asks for *--cors-header*",
        ]
    )
    assert "Traceback" not in result.stdout.str()


def test_findings_of_a_shared_heidi_fail_no_test(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.fixture(scope="module")
        def shared(mock_heidi_factory):
            with mock_heidi_factory("shared") as heidi:
                yield heidi

        def test_shared(shared):
            with shared.client() as client:
                client.get("/session/1234567890", params={"all": "1"})
        """
    )

    pytester.runpytest("--mock-heidi-findings=info", "--mock-heidi-unmatched=fail").assert_outcomes(passed=1)


# --- A server that is running -----------------------------------------------------------------------------------------


@pytest.fixture
def server() -> Iterator[Handle]:
    """A server of which the inner run knows only the URL."""
    with MockHeidi() as server:
        yield server


def names(server: Handle) -> list[str]:
    return [row["name"] for row in server.control("GET", "/namespaces")["namespaces"]]


@pytest.mark.parametrize("by", ["option", "configuration"])
def test_a_server_that_is_running_can_be_used(pytester: pytest.Pytester, server: Handle, by: str) -> None:
    pytester.makeini(
        "[pytest]\nmock_heidi_seed = 7\n" + (f"mock_heidi_url = {server.base_url}\n" if by == "configuration" else "")
    )
    pytester.makepyfile(
        f"""
        import pytest

        def test_there(mock_heidi, mock_heidi_server):
            assert mock_heidi.url == mock_heidi_server.url == {server.url!r}
            assert mock_heidi.control("GET", "/health")["seed"] == 7
            assert mock_heidi.name.startswith("test_there-")
            mock_heidi.state.add_patient(first_name="Ada")
            assert len(mock_heidi.state.patient_profiles()) == 16

        @pytest.mark.mock_heidi(fixtures="empty", seed=3)
        def test_marked(mock_heidi):
            assert mock_heidi.state.patient_profiles() == []
            assert mock_heidi.control("GET", "/health")["seed"] == 3

        def test_made(mock_heidi_factory):
            with mock_heidi_factory("shared", clock="2025-01-06T09:00:00") as heidi:
                assert heidi.control("GET", "/health")["seed"] == 7
                assert heidi.clock.frozen()

        def test_left_open(mock_heidi_factory):
            assert mock_heidi_factory().token()
        """
    )

    pytester.runpytest(*([f"--mock-heidi-url={server.url}"] if by == "option" else [])).assert_outcomes(passed=4)
    assert names(server) == ["default"]
    assert len(server.state.patient_profiles()) == 15


def test_the_plugin_uses_the_key_of_a_running_server(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it_signs_in(mock_heidi):\n    assert mock_heidi.token()\n")
    with MockHeidi(api_key="a-key-of-ours") as server:
        result = pytester.runpytest(f"--mock-heidi-url={server.url}")

    result.assert_outcomes(passed=1)


def test_two_runs_on_one_server_are_isolated(pytester: pytest.Pytester, server: Handle) -> None:
    pytester.makepyfile(
        """
        import pathlib

        def test_same_name(mock_heidi):
            pathlib.Path("names").open("a").write(mock_heidi.name + "\\n")
        """
    )
    options = ("-p", "mock_heidi.pytest_plugin", f"--mock-heidi-url={server.url}")
    for _ in range(2):
        ended = run("-m", "pytest", *options, command=(sys.executable,), cwd=pytester.path, env=NO_PLUGINS)
        assert ended.returncode == 0, ended.stdout + ended.stderr

    named = (pytester.path / "names").read_text(encoding="utf-8").split()
    assert len(named) == len(set(named)) == 2
    assert all(re.fullmatch(r"test_same_name-[0-9a-f]{8}-1", name) for name in named)


UNREACHABLE = """
    import pytest

    @pytest.mark.parametrize("number", range(9))
    def test_wrong(mock_heidi, number): ...
"""


@pytest.mark.parametrize("by", ["option", "configuration"])
def test_a_missing_server_ends_the_run_at_the_first_test(pytester: pytest.Pytester, by: str) -> None:
    pytester.makepyfile(UNREACHABLE)
    url = "http://127.0.0.1:1"
    pytester.makeini("[pytest]\n" + (f"mock_heidi_url = {url}\n" if by == "configuration" else ""))
    result = pytester.runpytest(*([f"--mock-heidi-url={url}"] if by == "option" else []))

    typed = f"--mock-heidi-url={url}" if by == "option" else f"mock_heidi_url = {url}"
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([f"{typed}: no answer from {url}: Connection refused", "*! *Connection refused !*"])
    result.stdout.no_re_match_line(r"E  +\w|.*Traceback")


def test_a_run_that_uses_no_heidi_needs_no_server(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_of_something_else(): ...")

    pytester.runpytest("--mock-heidi-url=http://127.0.0.1:1").assert_outcomes(passed=1)


# --- The report of a failure ------------------------------------------------------------------------------------------


SIGNED_IN = "#1 GET /jwt -> 200  [assumed: token_lifetime]"
NOT_FOUND = '    < {"detail": {"msg": "Session not found", "type": "SessionNotFoundError"}}'


def section(output: str, name: str) -> list[str]:
    """The lines of a section of a failing test's report."""
    (found,) = re.findall(rf"^-+ requests to {name} -+\n(.*?)(?=^[-_=]{{3}})", output, re.MULTILINE | re.DOTALL)
    return str(found).splitlines()


def test_the_report_of_a_failure_has_the_requests(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        SECRET = "-".join(["my", "secret"])

        def test_that_fails(mock_heidi):
            with mock_heidi.fault("get_transcript", status=503), mock_heidi.client() as client:
                client.get("/sessions/1234567890")
                client.get("/sessions/77")
                client.get("/sessions/1234567890/transcript", headers={"X-Token": SECRET})
                token = client.headers["Authorization"].split()[1]
                client.get(f"/sessions/{token}")
                with open("secrets", "w") as file:
                    print(token, mock_heidi.api_key, SECRET, sep="\\n", file=file)
            raise AssertionError

        def test_that_passes(mock_heidi):
            mock_heidi.token()
        """
    )

    result = pytester.runpytest("-rA")

    output = result.stdout.str()
    shown = section(output, "mock_heidi")[2]
    assert section(output, "mock_heidi") == [
        "#1 GET /jwt -> 200  [assumed: token_lifetime]",
        "#2 GET /sessions/1234567890 -> 200  [assumed: session_gist]",
        shown,
        "#3 GET /sessions/77 -> 404",
        NOT_FOUND,
        "#4 GET /sessions/1234567890/transcript -> 503  [fault-1]",
        '    < {"detail": "Service Unavailable"}',
        "#5 GET /sessions/*** -> 404  [assumed: malformed_id]",
        NOT_FOUND,
        "fault-1 (operation=get_transcript, status=503): 1 request matched, 1 answer shaped",
    ]
    assert (shown[:30], len(shown), shown[-1]) == ('    < {"session": {"session_id', 207, "…")
    assert output.count("requests to") == 1
    secrets = (pytester.path / "secrets").read_text(encoding="utf-8").splitlines()
    assert len(secrets) == 3
    assert [secret for secret in secrets if secret in output] == []


def test_the_report_of_many_requests_is_short(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        def test_that_fails(mock_heidi):
            with mock_heidi.client() as client:
                for _ in range(100):
                    client.patch("/sessions/1234567890", json={"session_name": 5, "patient": {"gender": "x" * 5_000}})
            raise AssertionError
        """
    )

    lines = section(pytester.runpytest().stdout.str(), "mock_heidi")

    assert [line.split()[0] for line in lines[:90:3]] == [f"#{number}" for number in range(72, 102)]
    assert [line.split()[0] for line in lines[1:90:3]] == [">"] * 30
    assert max(map(len, lines)) < 210


def test_an_error_in_a_fixture_has_the_report_too(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.fixture
        def broken(mock_heidi):
            mock_heidi.token()
            raise ValueError

        def test_that_has_an_error(broken): ...
        """
    )
    result = pytester.runpytest()

    result.assert_outcomes(errors=1)
    assert section(result.stdout.str(), "mock_heidi") == ["#1 GET /jwt -> 200  [assumed: token_lifetime]"]


def test_every_heidi_of_a_failing_test_is_reported_once(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.fixture(scope="module")
        def clinic(mock_heidi_factory):
            with mock_heidi_factory("clinic") as heidi:
                yield heidi

        @pytest.fixture
        def client(mock_heidi_factory):
            with mock_heidi_factory("other") as heidi, heidi.client() as client:
                yield client

        @pytest.fixture
        def same(mock_heidi):
            return mock_heidi

        def test_that_fails(clinic, client, same):
            clinic.token()
            client.get("/sessions/77")
            raise AssertionError

        def test_that_fails_without_asking(mock_heidi):
            raise AssertionError

        def test_that_fails_alone():
            raise AssertionError
        """
    )

    output = pytester.runpytest().stdout.str()

    first, second, third = output.split("_ test_that_fails")[1:]
    assert sorted(re.findall(r"requests to (\S+)", first)) == ["clinic", "mock_heidi", "other-2"]
    assert section(first, "clinic") == [SIGNED_IN]
    assert section(first, "other-2") == [SIGNED_IN, "#2 GET /sessions/77 -> 404", NOT_FOUND]
    assert section(first, "mock_heidi") == section(second, "mock_heidi") == ["no requests"]
    assert "requests to" not in third


def test_a_heidi_that_the_test_has_closed_does_not_break_the_report(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        def test_that_fails(mock_heidi):
            mock_heidi.close()
            raise AssertionError

        def test_after_it(mock_heidi):
            assert mock_heidi.token()
        """
    )
    result = pytester.runpytest()

    result.assert_outcomes(passed=1, failed=1)
    (line,) = section(result.stdout.str(), "mock_heidi")
    assert line.startswith("cannot ask mock_heidi: the handle of http://")
    assert "was closed" in line


def test_help_shows_marker_and_fixtures(pytester: pytest.Pytester) -> None:
    markers = pytester.runpytest("--markers")
    fixtures = pytester.runpytest("--fixtures", "-q")

    markers.stdout.fnmatch_lines(
        "@pytest.mark.mock_heidi(fixtures=None, seed=None, clock=None, linked=None, journal=None, api_key=None, "
        "strict=None, faults=None, assume=None, scenario=None, vendor_hosts=None, allow_findings=None): *"
    )
    for name in (
        "mock_heidi -- *",
        "mock_heidi_factory [[]session scope] -- *",
        "mock_heidi_server [[]session scope]*",
    ):
        fixtures.stdout.fnmatch_lines(name)


# Data, faults, clocks, ids and the journal, all at the same time: they would collide without isolation.
BUSY = """
    import pathlib
    import pytest

    @pytest.fixture
    def mock_heidi(mock_heidi_factory):
        with mock_heidi_factory("the-same-name") as heidi:
            yield heidi

    @pytest.mark.parametrize("number", range(10))
    @pytest.mark.parametrize("of", "abc")
    def test_of_many(mock_heidi, of, number, worker_id):
        pathlib.Path(f"{worker_id}.url").write_text(mock_heidi.url)
        mock_heidi.clock.freeze(f"2025-01-{number + 1:02d}T09:00:00")
        mock_heidi.snapshot()
        fault = mock_heidi.fault("get_session", status=500 + number, times=2)
        with mock_heidi.client() as client:
            made = client.post("/patient-profiles", json={"first_name": f"{of}{number}"}).json()["data"]["id"]
            statuses = [client.get("/sessions/1234567890").status_code for _ in range(3)]
            patient = client.get(f"/patient-profiles/{made}").json()["data"]
        assert statuses == [500 + number] * 2 + [200]
        assert (fault.hits(), patient["first_name"]) == (2, f"{of}{number}")
        assert [one["first_name"] for one in mock_heidi.state.patient_profiles()][15:] == [f"{of}{number}"]
        assert mock_heidi.state.patient_profiles()[-1]["created_at"] == f"2025-01-{number + 1:02d}T09:00:00.000000"
        assert [row["id"] for row in mock_heidi.requests()] == [1, 2, 3, 4, 5, 6]
        mock_heidi.restore()
        assert len(mock_heidi.state.patient_profiles()) == 15
"""
needs_xdist = pytest.mark.skipif(find_spec("xdist") is None, reason="pytest-xdist is not installed")
WORKERS = ("-p", "xdist", "-p", "mock_heidi.pytest_plugin", "-n", "3")


def urls_of_workers(pytester: pytest.Pytester) -> list[str]:
    return [path.read_text(encoding="utf-8") for path in pytester.path.glob("gw*.url")]


@needs_xdist
def test_workers_have_a_server_each(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    pytester.makepyfile(BUSY)
    # Each worker would load all other plugins too.
    monkeypatch.setenv(*next(iter(NO_PLUGINS.items())))

    result = pytester.runpytest_subprocess(*WORKERS)

    result.assert_outcomes(passed=30)
    assert len(urls_of_workers(pytester)) == len(set(urls_of_workers(pytester))) == 3


@needs_xdist
def test_workers_can_share_a_server_and_are_isolated(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, server: Handle
) -> None:
    pytester.makepyfile(BUSY)
    monkeypatch.setenv(*next(iter(NO_PLUGINS.items())))

    result = pytester.runpytest_subprocess(*WORKERS, f"--mock-heidi-url={server.url}")

    result.assert_outcomes(passed=30)
    assert urls_of_workers(pytester) == [server.url] * 3
    assert names(server) == ["default"]
    assert server.requests() == []


@needs_xdist
def test_workers_report_a_wrong_marker_in_one_line_for_each_test(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makepyfile("import pytest\n@pytest.mark.mock_heidi(linked='x')\ndef test_wrong(mock_heidi): ...\n")
    monkeypatch.setenv(*next(iter(NO_PLUGINS.items())))

    result = pytester.runpytest_subprocess(*WORKERS)

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines("@pytest.mark.mock_heidi(linked='x'): should be True or False")
    result.stdout.no_re_match_line(r"E  +\w|INTERNALERROR|.*Traceback")


@needs_xdist
def test_workers_send_the_report_and_the_unfired(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    pytester.makepyfile(
        """
        def test_that_fails(mock_heidi):
            mock_heidi.token()
            raise AssertionError

        def test_unfired(mock_heidi):
            mock_heidi.fault("ask_ai", end_after=3)
        """
    )

    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    result = pytester.runpytest_subprocess(
        *("-p", "xdist", "-p", "mock_heidi.pytest_plugin", "-n", "2", "--mock-heidi-unfired=fail")
    )

    result.assert_outcomes(failed=2)
    output = result.stdout.str()
    assert "#1 GET /jwt -> 200  [assumed: token_lifetime]\n" in output
    assert "\nfault-1 (operation=ask_ai, end_after=3) never fired: no request matched\n" in output


def test_a_run_without_the_fixture_imports_no_server(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        f"""
        import sys

        def pytest_sessionfinish(session):
            loaded = [name for name in {HEAVY!r} if name in sys.modules]
            assert session.config.pluginmanager.has_plugin("mock_heidi.pytest_plugin")
            print("loaded:", *loaded)
        """
    )
    pytester.makepyfile("def test_of_something_else(): ...")

    # Only our plugin is on, because other plugins in the environment may import anything.
    ended = run(
        *("-m", "pytest", "-p", "mock_heidi.pytest_plugin", "-q", "-s"),
        command=(sys.executable,),
        cwd=pytester.path,
        env={"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
    )

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "loaded:\n" in ended.stdout


def test_it_can_be_turned_off(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_wrong(mock_heidi): ...")
    result = pytester.runpytest("-p", "no:mock_heidi")

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines("*fixture 'mock_heidi' not found")


def test_it_is_found_by_its_entry_point() -> None:
    entries = [entry for entry in entry_points(group="pytest11") if entry.name == "mock_heidi"]

    assert {entry.value for entry in entries} == {"mock_heidi.pytest_plugin"}
