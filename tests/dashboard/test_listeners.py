"""The streams of events that the tabs of a browser open."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from browser import ChromiumThread
from running import until
from starlette.types import Receive, Scope, Send

from mock_heidi import Handle, MockHeidi
from mock_heidi.control.events import EventStream

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.slow


@pytest.fixture
def listeners(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The namespaces of the streams that are being sent now."""
    names: list[str] = []
    send_events = EventStream.__call__

    async def counted(self: EventStream, scope: Scope, receive: Receive, send: Send) -> None:
        names.append(self.namespace.name)
        try:
            await send_events(self, scope, receive, send)
        finally:
            names.remove(self.namespace.name)

    monkeypatch.setattr(EventStream, "__call__", counted)
    return names


def opened(page: Page, url: str, chromium: ChromiumThread) -> Page:
    page.goto(url)
    chromium.expect(page.locator("#live")).to_have_text("Live")
    return page


def test_tabs_of_a_namespace_share_a_stream_which_ends_with_the_last_of_them(
    server: Handle, page: Page, chromium: ChromiumThread, listeners: list[str]
) -> None:
    first, blue, other = page, page.context.new_page(), page.context.new_page()
    for tab in (first, other):
        opened(tab, f"{server.url}/_mock/", chromium)
    opened(blue, f"{server.url}/ns/blue/_mock/", chromium)
    shared = sorted(listeners)
    first.close()
    opened(blue, f"{server.url}/ns/blue/_mock/#/state", chromium)
    left = sorted(listeners)
    other.goto("about:blank")
    until(lambda: listeners == ["blue"])
    blue.close()
    until(lambda: listeners == [])

    assert (shared, left) == (["blue", "default"], ["blue", "default"])


def test_a_tab_without_the_token_listens_to_nothing(page: Page, chromium: ChromiumThread, listeners: list[str]) -> None:
    with MockHeidi(admin_token="let-me-in") as server:
        page.goto(server.url)
        page.get_by_label("Admin token").fill("let-me-in")
        page.keyboard.press("Enter")
        chromium.expect(page.locator("#live")).to_have_text("Live")
        other = page.context.new_page()
        other.goto(server.url)
        chromium.expect(other.get_by_label("Admin token")).to_be_visible()
        chromium.expect(other.locator("#live")).to_have_text("Connecting")
        page.close()
        until(lambda: listeners == [])


def test_an_event_between_two_turns_of_a_stream_is_not_missed(
    server: Handle, page: Page, chromium: ChromiumThread, listeners: list[str]
) -> None:
    for name, tab in {"default": page, "green": page.context.new_page(), "blue": page.context.new_page()}.items():
        opened(tab, f"{server.url}/ns/{name}/_mock/#/state", chromium)
        chromium.expect(tab.get_by_role("link", name="15 Patient profiles")).to_be_visible()
    until(lambda: "blue" not in listeners)
    with closing(Handle(server.url, "blue")) as blue:
        blue.state.add_patient(first_name="Ana")

    chromium.expect(tab.get_by_role("link", name="16 Patient profiles")).to_be_visible()
