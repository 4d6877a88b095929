"""The browser of the tests of the dashboard. They are skipped without Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from mock_heidi import Handle, MockHeidi

if TYPE_CHECKING:
    from browser import ChromiumThread
    from playwright.sync_api import Page


@pytest.fixture(scope="session")
def chromium() -> Iterator[ChromiumThread]:
    from browser import CHROMIUM, ChromiumThread  # noqa: PLC0415 - Playwright takes long to import

    if CHROMIUM is None:
        pytest.skip("there is no Chromium here; on Debian, install chromium")
    thread = ChromiumThread()
    yield thread
    thread.close()


@pytest.fixture
def server() -> Iterator[Handle]:
    """A running server, with the packaged fixtures in its default namespace."""
    with MockHeidi() as server:
        yield server


@pytest.fixture(params=["light", pytest.param("dark", marks=pytest.mark.long)])
def page(request: pytest.FixtureRequest, chromium: ChromiumThread) -> Iterator[Page]:
    """A page in each theme. At its end, it must have no error and have asked only this machine."""
    page = chromium.new_page(color_scheme=request.param, viewport={"width": 1280, "height": 800})
    errors: list[str] = []
    hosts: set[str | None] = set()
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.context.on("request", lambda asked: hosts.add(urlsplit(asked.url).hostname))
    page.on("websocket", lambda socket: hosts.add(urlsplit(socket.url).hostname))
    yield page
    page.context.close()
    # A refused request is told on the console too; the tests look at what the page says of it.
    assert [error for error in errors if "Failed to load resource" not in error] == []
    assert hosts <= {"127.0.0.1", None}
