"""Fixtures of all tests: an application in this process with a signed-in client, and the contract that watches all."""

import signal
from collections.abc import Iterator

import pytest
import running
from clients import NOON, Client
from hypothesis import HealthCheck, Phase, settings

from mock_heidi.app import App, create_app

pytest_plugins = ["pytester", "judges", "browser_fixtures"]

# A background job, or nohup, is started with these ignored, and so would be all that the tests start.
for _number in (signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, signal.default_int_handler if _number is signal.SIGINT else signal.SIG_DFL)

# A slow machine is not a failure.
settings.register_profile("shrink", deadline=None, suppress_health_check=[HealthCheck.too_slow])
# A failing example is shown as it was found, since shrinking takes minutes: ask with --hypothesis-profile=shrink.
unshrunk = [phase for phase in Phase if phase is not Phase.shrink]
settings.register_profile("found", settings.get_profile("shrink"), phases=unshrunk)
settings.load_profile("found")


@pytest.hookimpl(tryfirst=True)  # -m asks for the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of every file that starts processes as slow."""
    starters = (running.run, running.spawn, running.serving)
    for item in items:
        module = item.getparent(pytest.Module)
        named = vars(module.obj).values() if module else ()
        if any(value is starter for value in named for starter in starters):
            item.add_marker("slow")


@pytest.fixture(scope="session", autouse=True)
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A data folder for the whole run, also of the commands that the tests start."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))
        yield


@pytest.fixture
def app() -> App:
    """A fresh application with the packaged fixtures, its clock standing at :data:`NOON`."""
    return create_app(clock=NOON)


@pytest.fixture
def heidi(app: App) -> Iterator[Client]:
    """A signed-in client of :func:`app`."""
    client = Client(app)
    yield client
    client.close()
