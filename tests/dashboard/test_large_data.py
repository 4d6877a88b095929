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


# Requests as the server tells them, many at once, as if a tab had been open for days.
FLOOD = """async (number) => {
  const { live } = await import('/_mock/ui/parts/live.js');
  for (let sent = 0; sent < number; sent += 500) {
    const events = Array.from({ length: 500 }, () => {
      const id = ++live.last;
      const data = {
        id, at: '2026-01-05T09:00:00.000Z', operation: 'get_session', method: 'GET', path: '/sessions/1', body_bytes: 0,
        status: 200, response_bytes: 9, piece_count: null, duration: 0.001, fault: null, findings: [],
        client_left: false, assumptions: [], why: null, stray: false,
      };
      return { id, kind: 'request', data };
    });
    live.last -= 500;
    live.take({ events });
    await new Promise(requestAnimationFrame);
  }
  await new Promise(requestAnimationFrame);
  return document.querySelectorAll('*').length;
}"""


def test_a_tab_that_is_open_for_days_keeps_and_draws_as_much_as_before(opened: Page, chromium: ChromiumThread) -> None:
    opened.get_by_role("link", name="Requests").click()
    chromium.expect(opened.get_by_role("heading", name="Requests")).to_be_visible()
    elements = opened.evaluate(FLOOD, 24_000)
    rows = opened.get_by_role("listbox").get_by_role("option")
    kept = int(rows.first.get_attribute("aria-setsize") or 0)

    assert opened.evaluate(FLOOD, 24_000) == elements
    assert rows.count() < 60
    assert kept <= 22_000
    assert int(rows.first.get_attribute("aria-setsize") or 0) <= 22_000


def test_a_stream_of_many_pieces_has_few_marks_and_can_be_stepped(
    server: Handle, page: Page, chromium: ChromiumThread
) -> None:
    server.reply("ask_ai", pieces=["word "] * 5_000)
    with server.client() as client:
        asked = {"ai_command_text": "x", "content": "y", "content_type": "MARKDOWN"}
        client.post("/sessions/1234567890/ask-ai", json=asked)

    page.goto(f"{server.url}/_mock/#/requests/{len(server.requests())}")
    page.get_by_role("button", name="Show all").click()
    chromium.expect(page.get_by_role("button", name="Show all")).to_have_count(0)
    chromium.expect(page.locator(".stream output")).to_contain_text("of\u00a05000")
    page.get_by_role("button", name="Piece before").click()
    chromium.expect(page.locator(".stream output")).to_contain_text("Piece\u00a04999")

    assert page.locator(".stream-marks span").count() <= 400
    assert page.locator("main *").count() < 1000


def test_long_texts_of_a_session_are_shown_whole(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    note = "".join(f"Heading {number}:\n● The patient is tired and has a cough.\n\n" for number in range(2000))
    record = server.control("GET", "/state/sessions/1234567890")
    server.session("1234567890", transcript="It hurts when I walk. " * 20_000)
    changed = {"consult_note": {**record["consult_note"], "result": note}}
    server.control("PATCH", "/state/sessions/1234567890", changed)

    page.goto(f"{server.url}/_mock/#/sessions/1234567890")

    chromium.expect(page.get_by_text("Heading 1999:")).to_be_attached()
    assert len(page.get_by_label("Transcript", exact=True).input_value()) == 20_000 * 22
