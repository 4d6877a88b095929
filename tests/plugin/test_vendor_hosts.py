"""The marker's ``vendor_hosts=True``: clients with a host of the real service in their code reach the test's Heidi."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from constant_clients import NAMES
from no_network import closed_clients  # noqa: F401 - a fixture
from paths import ROOT
from running import run
from secure import needs_tls

from mock_heidi import MockHeidi

pytestmark = needs_tls
needs_xdist = pytest.mark.skipif(find_spec("xdist") is None, reason="pytest-xdist is not installed")

# The clients are made when their module is imported, before any test.
CONFTEST = """
import constant_clients
import no_network
import pytest
from no_network import closed_clients

no_network.block(pytest.MonkeyPatch())
"""
EVERY_CLIENT = f"""
import pytest
from constant_clients import sign_in

names = pytest.mark.parametrize("name", {NAMES!r})

def operations(heidi):
    return [row["operation"] for row in heidi.requests()]

@names
@pytest.mark.parametrize("number", range(2))
@pytest.mark.mock_heidi(vendor_hosts=True)
def test_with_the_marker(mock_heidi, name, number):
    assert sign_in(name) == 200
    assert operations(mock_heidi) == ["get_jwt"]

@names
def test_without_it(mock_heidi, name):
    with pytest.raises(Exception):
        sign_in(name)
    assert operations(mock_heidi) == []

@names
def test_with_the_method(mock_heidi, name):
    with mock_heidi.as_vendor():
        assert sign_in(name) == 200
    assert operations(mock_heidi) == ["get_jwt"]
"""


@pytest.fixture(autouse=True)
def inner(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Inner runs have only our plugin, the support of our tests, and no network."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "tests" / "support"))
    pytester.makeconftest(CONFTEST)


def outcome(pytester: pytest.Pytester, *options: str) -> pytest.RunResult:
    return pytester.runpytest_subprocess("-p", "mock_heidi.pytest_plugin", "-W", "error", *options)


def missing() -> int:
    """The number of clients whose library is not installed."""
    return sum(find_spec(name.partition(".")[0]) is None for name in NAMES)


def test_each_client_reaches_the_heidi_of_its_test_and_no_other(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(EVERY_CLIENT)

    outcome(pytester).assert_outcomes(passed=4 * (len(NAMES) - missing()) + missing(), skipped=3 * missing())


@needs_xdist
def test_each_client_reaches_the_heidi_of_its_test_in_workers(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(EVERY_CLIENT)

    result = outcome(pytester, "-p", "xdist", "-n", "2")

    result.assert_outcomes(passed=4 * (len(NAMES) - missing()) + missing(), skipped=3 * missing())


@needs_xdist
def test_workers_that_share_a_server_stay_apart(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(EVERY_CLIENT)

    with MockHeidi() as server:
        result = outcome(pytester, "-p", "xdist", "-n", "2", f"--mock-heidi-url={server.url}")
        asked = server.requests()

    result.assert_outcomes(passed=4 * (len(NAMES) - missing()) + missing(), skipped=3 * missing())
    assert asked == []


def test_the_marker_alone_is_enough(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import unittest

        import pytest
        from constant_clients import sign_in

        @pytest.mark.mock_heidi(vendor_hosts=True)
        def test_a_function():
            assert sign_in("urllib") == 200

        @pytest.mark.mock_heidi(vendor_hosts=True)
        class TestOfUnittest(unittest.TestCase):
            def test_a_method(self):
                assert sign_in("urllib") == 200
        """
    )

    outcome(pytester).assert_outcomes(passed=2)


def test_the_fixtures_of_a_test_reach_its_heidi_too(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest
        from constant_clients import sign_in

        @pytest.fixture(scope="module")
        def first():
            return sign_in("urllib")

        @pytest.fixture(autouse=True)
        def second():
            assert sign_in("urllib") == 200
            yield
            assert sign_in("urllib") == 200

        @pytest.mark.mock_heidi(vendor_hosts=True)
        def test_it(first, mock_heidi):
            assert first == 200
            assert len(mock_heidi.requests()) == 2
        """
    )

    outcome(pytester).assert_outcomes(passed=1)


def test_the_nearest_marker_counts(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import socket

        import pytest

        pytestmark = pytest.mark.mock_heidi(vendor_hosts=True)

        def test_with():
            assert socket.gethostbyname("registrar.api.heidihealth.com")

        @pytest.mark.mock_heidi(vendor_hosts=False)
        def test_without(mock_heidi):
            with pytest.raises(socket.gaierror):
                socket.gethostbyname("registrar.api.heidihealth.com")
        """
    )

    outcome(pytester).assert_outcomes(passed=2)


def test_everything_is_undone_after_a_test_that_fails(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import os
        import socket
        import ssl

        import pytest

        def values():
            return [socket.gethostbyname, socket.socket.connect, ssl.SSLContext.wrap_socket, ssl.SSLContext.wrap_bio]

        BEFORE = [ssl.SSLContext.wrap_socket, ssl.SSLContext.wrap_bio], dict(os.environ)

        @pytest.mark.mock_heidi(vendor_hosts=True)
        def test_that_fails():
            assert "SSL_CERT_FILE" in os.environ
            assert ssl.SSLContext.wrap_socket is not BEFORE[0][0]
            raise ValueError

        def test_afterwards():
            assert [ssl.SSLContext.wrap_socket, ssl.SSLContext.wrap_bio] == BEFORE[0]
            assert {**os.environ, "PYTEST_CURRENT_TEST": ""} == {**BEFORE[1], "PYTEST_CURRENT_TEST": ""}
        """
    )

    outcome(pytester).assert_outcomes(passed=1, failed=1)


def test_a_wrong_value_is_told_in_one_line(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("import pytest\n@pytest.mark.mock_heidi(vendor_hosts='yes')\ndef test_it(mock_heidi): ...\n")

    result = outcome(pytester)

    result.stderr.fnmatch_lines("*@pytest.mark.mock_heidi(vendor_hosts='yes'): should be True or False")


def test_a_missing_extra_fails_the_test_in_one_line(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys

        import pytest

        sys.modules["mock_heidi.serving.certificates"] = None

        @pytest.mark.mock_heidi(vendor_hosts=True)
        def test_it(): ...
        """
    )

    result = outcome(pytester)

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines("@pytest.mark.mock_heidi(vendor_hosts=True): https needs the package cryptography*")
    result.stdout.no_fnmatch_line("*Traceback*")


def test_a_test_without_the_marker_imports_no_patch(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("")
    pytester.makepyfile(
        """
        import sys

        def test_it(mock_heidi):
            mock_heidi.token()
            names = ("client.vendor_patches", "client.vendor_redirect", "client.ca_bundles", "serving.certificates")
            assert [name for name in names if f"mock_heidi.{name}" in sys.modules] == []
        """
    )

    ended = run(
        *("-m", "pytest", "-p", "mock_heidi.pytest_plugin", "-q"),
        command=(sys.executable,),
        cwd=Path(pytester.path),
        env=dict(os.environ),
    )

    assert ended.returncode == 0, ended.stdout + ended.stderr
