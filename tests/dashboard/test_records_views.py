"""The views of patients and sessions together: empty, hostile, on a phone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from browser import ChromiumThread
from clients import JOHN
from record_views import SESSION, open_view

from mock_heidi import Handle, MockHeidi

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.slow

HOSTILE = '\u202e<img src=x onerror="alert(1)">\u200b' + "x" * 3_000


def test_empty_lists_say_how_to_make_the_first_record(page: Page, chromium: ChromiumThread) -> None:
    with MockHeidi(fixtures="empty") as server:
        for user in server.state.users():
            server.state.delete("users", user["email"])
        for view, kind in (("patients", "patient_profiles"), ("sessions", "sessions")):
            open_view(page, server, view)
            line = page.get_by_role("region", name="curl")
            chromium.expect(line).to_contain_text(kind)
            chromium.expect(line).to_contain_text(f"{server.url}/_mock/state --json")
            chromium.expect(page.get_by_role("region", name="Python")).to_contain_text("mock_heidi.state.add_")
        open_view(page, server, "sessions/accounts")
        chromium.expect(page.get_by_role("heading", name="No user has signed in.")).to_be_visible()


def test_hostile_names_are_shown_as_text(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    patient = server.state.add_patient(first_name=HOSTILE, ehr_patient_id=HOSTILE)
    made = server.state.add_session(
        session_name=HOSTILE, patient_profile_id=patient["id"], consult_note={"status": "CREATED", "result": HOSTILE}
    )
    for path in ("patients", "sessions", f"patients/{patient['id']}", f"sessions/{made['session_id']}"):
        open_view(page, server, path)
        shown = page.get_by_text('\u2039202e\u203a<img src=x onerror="alert(1)">\u2039200b\u203axxx')
        chromium.expect(shown.first).to_be_visible()
        assert page.locator("main img, main [onerror]").count() == 0
        assert page.evaluate("document.documentElement.scrollWidth") == 1280


PAGES = ["patients", f"patients/{JOHN}", "patients/new", "sessions", "sessions/new", "sessions/accounts"]
EDGES = """() => {
  const box = (element) => element.getBoundingClientRect();
  const left = (selector) => [...document.querySelector(selector).children].map((cell) => box(cell).left);
  return [left('.columns'), left('.row'), box(document.querySelector('.row')).right];
}"""
"""The left edges of the heads and of the cells of the first row, and the right edge of this row."""


def test_rows_reach_the_edge_and_their_cells_stand_below_the_heads(
    server: Handle, page: Page, chromium: ChromiumThread
) -> None:
    page.set_viewport_size({"width": 1280, "height": 800})
    open_view(page, server, "patients")
    chromium.expect(page.locator(".row").first).to_be_visible()

    heads, cells, edge = page.evaluate(EDGES)
    assert cells == heads
    assert edge == 1280


def test_a_title_is_not_broken_inside_a_word_on_a_phone(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    page.set_viewport_size({"width": 360, "height": 800})
    server.fault("get_session", status=503)
    open_view(page, server, "faults")
    chromium.expect(page.get_by_role("button", name="Delete all rules")).to_be_visible()

    title = page.get_by_role("heading", name="Faults", level=1)
    assert title.evaluate("h1 => h1.clientHeight < 2 * parseFloat(getComputedStyle(h1).fontSize)")


OF_SESSION = [f"sessions/{SESSION}", f"sessions/{SESSION}?note=origins", f"sessions/{SESSION}?note=edit"]


@pytest.mark.parametrize("path", [*PAGES, *OF_SESSION])
def test_nothing_scrolls_sideways_on_a_phone_and_axe_finds_nothing(
    server: Handle, page: Page, chromium: ChromiumThread, path: str
) -> None:
    page.set_viewport_size({"width": 360, "height": 800})
    open_view(page, server, path)
    chromium.expect(page.get_by_role("heading", level=1)).to_be_visible()

    assert page.evaluate("document.documentElement.scrollWidth") == 360
    assert page.evaluate("document.querySelector('main').scrollWidth") == 360
    assert chromium.violations(page) == []
