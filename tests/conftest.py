"""Fixtures of all tests: an application in this process with a signed-in client, and the contract that watches all."""

import asyncio
import json
import signal
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import running
from hypothesis import Phase, settings

from mock_heidi.app import App, create_app
from mock_heidi.base.settings import BASE_PATH, DEFAULT_EMAIL, DEFAULT_KEY, DEFAULT_THIRD_PARTY_ID

pytest_plugins = ["pytester", "judges"]

# A background job, or nohup, is started with these ignored, and so would be all that the tests start.
for _number in (signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, signal.default_int_handler if _number is signal.SIGINT else signal.SIG_DFL)

# A failing example is shown as it was found, since shrinking takes minutes: ask with --hypothesis-profile=shrink.
settings.register_profile("found", phases=[phase for phase in Phase if phase is not Phase.shrink], deadline=None)
settings.register_profile("shrink", deadline=None)
settings.load_profile("found")

NOON = "2025-01-06T12:00:00"
JOHN = "5eb7cf5a86d9755df3a6c593"


@pytest.hookimpl(tryfirst=True)  # -m asks for the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of every file that starts processes as slow."""
    starters = (running.run, running.spawn, running.serving)
    for item in items:
        module = item.getparent(pytest.Module)
        named = vars(module.obj).values() if module else ()
        if any(value is starter for value in named for starter in starters):
            item.add_marker("slow")


class Client:
    """A client of an application in this process: synchronous, and signed in unless ``signed`` is False.

    Paths are relative to the base path; those that begin with ``/_mock`` or ``/ns/`` or are whole URLs are not.
    """

    def __init__(self, app: App, base: str = BASE_PATH) -> None:
        self.app = app
        self.base = base
        self.email = DEFAULT_EMAIL
        self._loop = asyncio.new_event_loop()
        self._http = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://localhost")
        self._token: str | None = None

    def request(self, method: str, path: str, *, signed: bool = True, **options: Any) -> httpx.Response:
        url = path if path.startswith(("/_mock", "/ns/", "http")) else f"{self.base}{path}"
        headers = dict(options.pop("headers", {}))
        if signed and "authorization" not in {name.lower() for name in headers} and "/_mock" not in url:
            headers["Authorization"] = f"Bearer {self.token()}"
        return self._loop.run_until_complete(self._http.request(method, url, headers=headers, **options))

    def sign_in(self, key: str = DEFAULT_KEY, email: str = DEFAULT_EMAIL, third: str = DEFAULT_THIRD_PARTY_ID) -> str:
        """A token, which later requests carry."""
        query = {"email": email, "third_party_internal_id": third}
        answer = self.request("GET", "/jwt", signed=False, params=query, headers={"Heidi-Api-Key": key})
        assert answer.status_code == 200, answer.text
        self._token = answer.json()["token"]
        return self._token

    def token(self) -> str:
        return self._token or self.sign_in()

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        return self.request("POST", path, **options)

    def patch(self, path: str, **options: Any) -> httpx.Response:
        return self.request("PATCH", path, **options)

    def put(self, path: str, **options: Any) -> httpx.Response:
        return self.request("PUT", path, **options)

    def delete(self, path: str, **options: Any) -> httpx.Response:
        return self.request("DELETE", path, **options)

    def state(self) -> dict[str, Any]:
        """The whole state as fixtures, to show that a refused request changed nothing."""
        state: dict[str, Any] = json.loads(self.get("/_mock/state").content)
        return state

    def close(self) -> None:
        self._loop.run_until_complete(self._http.aclose())
        self._loop.close()


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
