"""The pytest plugin: a fresh Heidi for each test, nothing left behind, and nothing to pay for those who do not ask."""

import sys
from importlib.metadata import entry_points

import pytest
from running import run

HEAVY = ("starlette", "uvicorn", "pydantic", "httpx", "yaml", "jwt", "click", "mock_heidi.handle")


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
            assert len(mock_heidi.state.patient_profiles) == 15
            mock_heidi.state.add_patient(first_name="Mine")

        def test_another(mock_heidi, mock_heidi_server):
            assert len(mock_heidi.state.patient_profiles) == 15
            assert mock_heidi.url == mock_heidi_server.url
            assert mock_heidi.base_url != mock_heidi_server.base_url
        """
    )

    pytester.runpytest().assert_outcomes(passed=3)


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


def test_the_marker_says_how_a_heidi_begins(pytester: pytest.Pytester) -> None:
    pytester.mkdir("clinic").joinpath("patient_profiles.yaml").write_text("- first_name: Ada\n", encoding="utf-8")
    pytester.makepyfile(
        """
        import pytest

        def first_names(heidi):
            return [patient["first_name"] for patient in heidi.state.patient_profiles]

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
            assert mock_heidi.email in [user["email"] for user in mock_heidi.state.users if user.get("linked_to")]

        @pytest.mark.mock_heidi(fixtures="empty", seed=1)
        class TestNearest:
            @pytest.mark.mock_heidi(seed=2)
            def test_the_nearest_marker_has_the_last_word(self, mock_heidi):
                assert mock_heidi.control("GET", "/health")["seed"] == 2
                assert first_names(mock_heidi) == []
        """
    )

    pytester.runpytest("--strict-markers").assert_outcomes(passed=7)


@pytest.mark.parametrize(
    ("marker", "words"),
    [
        ("sed=7", "@pytest.mark.mock_heidi does not know sed; it takes fixtures, seed, clock, linked by name"),
        ("'clinic'", "@pytest.mark.mock_heidi does not know 'clinic'; it takes"),
        ("fixtures='no-such-folder'", "cannot read *no-such-folder: No such file or directory; give a folder"),
        ("clock='noon'", "'noon' is no moment; write it like 2025-01-06T09:00:00"),
    ],
)
def test_a_wrong_marker_is_an_error_that_names_the_cure(pytester: pytest.Pytester, marker: str, words: str) -> None:
    pytester.makepyfile(f"import pytest\n@pytest.mark.mock_heidi({marker})\ndef test_wrong(mock_heidi): ...\n")
    result = pytester.runpytest()

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(f"E *{words}*")


def test_the_configuration_says_how_all_begin(pytester: pytest.Pytester) -> None:
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
            assert [patient["first_name"] for patient in mock_heidi.state.patient_profiles] == ["Ada"]
            assert mock_heidi.control("GET", "/health")["seed"] == 7
            assert mock_heidi.state.add_patient()["created_at"] == "2025-01-06T09:00:00.000000"
            assert mock_heidi.email in [user["email"] for user in mock_heidi.state.users if user.get("linked_to")]

        @pytest.mark.mock_heidi(linked=False, fixtures="empty")
        def test_marker_wins(mock_heidi):
            assert mock_heidi.state.patient_profiles == []
            assert not [user for user in mock_heidi.state.users if user["email"] == mock_heidi.email]
        """
    )

    pytester.runpytest("--strict-config").assert_outcomes(passed=2)


def test_a_wrong_configuration_is_an_error_that_names_the_cure(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nmock_heidi_seed = seven\n")
    pytester.makepyfile("def test_wrong(mock_heidi): ...")
    result = pytester.runpytest()

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines("E *mock_heidi_seed = seven: should be a whole number")


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
            assert [patient["first_name"] for patient in clinic.state.patient_profiles] == ["Shared"]

        def test_beside(clinic, mock_heidi):
            assert mock_heidi.name != clinic.name
            assert len(clinic.state.patient_profiles) == 1

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
                self.assertEqual(len(self.heidi.state.patient_profiles), 15)
        """
    )

    pytester.runpytest().assert_outcomes(passed=1)


def test_help_shows_marker_and_fixtures(pytester: pytest.Pytester) -> None:
    markers = pytester.runpytest("--markers")
    fixtures = pytester.runpytest("--fixtures", "-q")

    markers.stdout.fnmatch_lines("@pytest.mark.mock_heidi(fixtures=None, seed=None, clock=None, linked=None): *")
    for name in (
        "mock_heidi -- *",
        "mock_heidi_factory [[]session scope] -- *",
        "mock_heidi_server [[]session scope]*",
    ):
        fixtures.stdout.fnmatch_lines(name)


def test_workers_have_a_server_each(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    pytester.makepyfile(
        """
        import pathlib
        import pytest

        @pytest.mark.parametrize("number", range(20))
        def test_of_many(mock_heidi, number, worker_id):
            mock_heidi.state.add_patient(first_name="Mine")
            assert len(mock_heidi.state.patient_profiles) == 16
            pathlib.Path(f"{worker_id}.url").write_text(mock_heidi.url)
        """
    )

    # Each worker would load all other plugins too.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    result = pytester.runpytest_subprocess("-p", "xdist", "-p", "mock_heidi.pytest_plugin", "-n", "2")
    result.assert_outcomes(passed=20)
    urls = [path.read_text(encoding="utf-8") for path in pytester.path.glob("gw*.url")]
    assert len(urls) == len(set(urls)) == 2


def test_who_does_not_ask_pays_nothing(pytester: pytest.Pytester) -> None:
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

    # Other plugins in the environment may import anything: only ours is on.
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
