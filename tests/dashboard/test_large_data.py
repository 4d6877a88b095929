"""Many events, and records of many parts: what is kept and drawn does not grow with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from browser import ChromiumThread

from mock_heidi import Handle

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.slow


@pytest.fixture
def opened(server: Handle, page: Page, chromium: ChromiumThread) -> Page:
    page.goto(f"{server.url}/_mock/")
    chromium.expect(page.locator("#live")).to_have_text("Live")
    return page


def test_the_first_events_are_told_at_once_and_the_next_ones_together(opened: Page) -> None:
    told = opened.evaluate("""async () => {
      const { inBatches } = await import('/_mock/ui/parts/event-stream.js');
      return new Promise((resolve) => {
        const told = [];
        const tell = inBatches((events) => told.push(events) === 2 && resolve(told));
        for (let id = 1; id <= 5; id += 1) tell([{ id }]);
      });
    }""")

    assert [[event["id"] for event in events] for events in told] == [[1], [2, 3, 4, 5]]
