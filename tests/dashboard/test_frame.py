"""The frame of the dashboard: menu, namespace, connection, shortcuts, admin token."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from browser import ChromiumThread

from mock_heidi import Handle, MockHeidi

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.slow


def test_the_root_opens_the_dashboard_and_it_is_live(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    page.goto(server.url)

    chromium.expect(page.get_by_role("heading", name="Now")).to_be_visible()
    chromium.expect(page.locator("#live")).to_have_text("Live")
    assert page.title() == "Now · mock_heidi"


def test_a_lost_connection_is_shown_and_restored(page: Page, chromium: ChromiumThread) -> None:
    with MockHeidi() as server:
        page.goto(server.url)
        chromium.expect(page.locator("#live")).to_have_text("Live")
        port = int(server.url.rsplit(":", 1)[1])

    chromium.expect(page.locator("#live")).to_have_text("Connection lost, trying again")
    with MockHeidi(port=port):
        chromium.expect(page.locator("#live")).to_have_text("Live")


def test_a_namespace_is_chosen_at_the_top(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    with server.namespace("blue") as blue:
        page.goto(server.url)
        page.get_by_role("combobox", name="Namespace").select_option("blue")

        chromium.expect(page.locator("#main")).to_contain_text(blue.base_url)
        assert page.url.startswith(f"{server.url}/ns/blue/_mock/")


def test_the_admin_token_is_asked_for_and_kept_for_the_tab(page: Page, chromium: ChromiumThread) -> None:
    with MockHeidi(admin_token="let-me-in") as server:
        page.goto(server.url)
        chromium.expect(page.get_by_role("heading", name="admin token")).to_be_visible()
        assert server.api_key not in page.content()
        page.get_by_label("Admin token").fill("let-me-in")
        page.get_by_role("button", name="Open the page").click()

        chromium.expect(page.locator("#main")).to_contain_text(server.base_url)
        chromium.expect(page.locator("#live")).to_have_text("Live")
        page.reload()
        chromium.expect(page.locator("#main")).to_contain_text(server.base_url)
        other = chromium.new_page()
        other.goto(server.url)
        chromium.expect(other.get_by_role("heading", name="admin token")).to_be_visible()
        other.context.close()


def test_another_tab_of_the_browser_gets_neither_the_token_nor_the_events(page: Page, chromium: ChromiumThread) -> None:
    asked: list[str] = []
    page.context.on("request", lambda request: asked.append(request.url))
    with MockHeidi(admin_token="let-me-in") as server:
        page.goto(f"{server.url}/_mock/#/requests")
        page.get_by_label("Admin token").fill("let-me-in")
        page.keyboard.press("Enter")
        chromium.expect(page.locator("#live")).to_have_text("Live")
        other = page.context.new_page()
        other.goto(f"{server.url}/_mock/#/requests")
        chromium.expect(other.get_by_role("heading", name="admin token")).to_be_visible()
        server.token()
        chromium.expect(page.get_by_role("listbox").get_by_role("option")).to_have_count(1)

        assert other.get_by_role("option").count() == 0
        assert other.evaluate("sessionStorage.length") == 0
        assert [url for url in asked if "let-me-in" in url] == []


def test_question_mark_shows_the_shortcuts_and_a_shortcut_opens_a_view(
    server: Handle, page: Page, chromium: ChromiumThread
) -> None:
    page.goto(f"{server.url}/_mock/#/nothing")
    chromium.expect(page.get_by_role("alert")).to_contain_text("There is no view nothing.")
    page.keyboard.press("?")
    chromium.expect(page.get_by_role("dialog", name="Shortcuts")).to_contain_text("Go to Requests")
    page.keyboard.press("Escape")
    chromium.expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("g")
    page.keyboard.press("n")

    chromium.expect(page.get_by_role("heading", name="Now")).to_be_visible()


def test_a_shortcut_right_after_a_dialog_closes_is_heard(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    page.goto(f"{server.url}/_mock/#/faults")
    chromium.expect(page.get_by_role("heading", name="Faults", exact=True)).to_be_visible()
    page.keyboard.press("?")
    chromium.expect(page.get_by_role("dialog", name="Shortcuts")).to_be_visible()

    # The browser moves the focus out of a closed dialog only with its next frame.
    page.evaluate(
        """() => {
          document.querySelector('dialog').close();
          for (const key of ['g', 'n']) {
            document.activeElement.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
          }
        }"""
    )

    chromium.expect(page.get_by_role("heading", name="Now")).to_be_visible()


def test_eight_tabs_leave_the_browser_a_connection_for_a_front_end(
    server: Handle, page: Page, chromium: ChromiumThread
) -> None:
    page.goto(server.url)
    for number in range(7):
        tab = page.context.new_page()
        tab.goto(f"{server.url}/ns/tab{number % 4}/_mock/")
        chromium.expect(tab.locator("#live")).to_have_text("Live")

    status = page.evaluate("url => fetch(url).then((answer) => answer.status)", f"{server.url}/livez")
    assert status == 200


@pytest.mark.parametrize("width", [360, 1280, 3840])
def test_the_page_never_scrolls_sideways(server: Handle, page: Page, chromium: ChromiumThread, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(server.url)
    chromium.expect(page.locator("#live")).to_have_attribute("data-state", "live")

    assert page.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.parametrize("view", ["now", "requests"])
def test_the_first_load_is_small(server: Handle, page: Page, chromium: ChromiumThread, view: str) -> None:
    page.goto(f"{server.url}/_mock/#/{view}")
    chromium.expect(page.locator("#live")).to_have_text("Live")
    sizes = page.evaluate("performance.getEntries().map(({ encodedBodySize: size }) => size ?? 0)")

    assert max(sizes) > 30_000  # the style sheets are counted
    assert sum(sizes) < 200_000


def test_axe_finds_nothing(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    page.goto(server.url)
    chromium.expect(page.locator("#live")).to_have_text("Live")
    chromium.expect(page.get_by_role("heading", level=1)).to_be_visible()

    assert chromium.violations(page) == []


def test_a_new_view_begins_at_its_heading(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    page.goto(f"{server.url}/_mock/#/now")
    chromium.expect(page.get_by_role("heading", name="Now")).to_be_visible()
    page.locator("#main").evaluate("(main) => main.scrollTo(0, 500)")
    page.get_by_role("link", name="State", exact=True).click()

    chromium.expect(page.get_by_role("heading", name="State")).to_be_focused()
    assert page.locator("#main").evaluate("(main) => main.scrollTop") == 0


def test_the_menu_of_a_phone_is_used_with_the_keyboard(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    page.set_viewport_size({"width": 360, "height": 800})
    page.goto(f"{server.url}/_mock/#/now")
    chromium.expect(page.get_by_role("heading", name="Connect a client")).to_be_visible()
    button = page.get_by_role("button", name="Menu")
    button.press("Enter")
    chromium.expect(page.get_by_role("link", name="Now", exact=True)).to_be_focused()
    chromium.expect(button).to_have_attribute("aria-expanded", "true")
    violations = chromium.violations(page)
    page.keyboard.press("Escape")
    chromium.expect(button).to_be_focused()
    chromium.expect(page.get_by_role("link", name="State", exact=True)).to_be_hidden()
    button.press("Enter")
    page.locator("#main").focus()
    chromium.expect(button).to_have_attribute("aria-expanded", "false")
    button.press("Enter")
    page.get_by_role("link", name="State", exact=True).press("Enter")
    chromium.expect(page.get_by_role("heading", name="State")).to_be_focused()

    chromium.expect(button).to_have_attribute("aria-expanded", "false")
    assert violations == []


def test_a_message_is_shown_over_a_dialog(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    page.goto(f"{server.url}/_mock/#/now")
    page.get_by_role("button", name="New namespace").click()
    page.get_by_label("Name:").fill("default")
    page.get_by_label("It starts with").select_option("from default")
    page.get_by_role("button", name="Create it").click()
    page.get_by_role("button", name="Replace it").click()
    chromium.expect(page.locator("dialog .toast")).to_contain_text("'default' cannot become a copy.")
    page.keyboard.press("Escape")

    chromium.expect(page.locator("body > #toasts .toast")).to_be_visible()


def test_a_dialog_closes_with_its_view(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    page.goto(f"{server.url}/_mock/#/requests")
    page.goto(f"{server.url}/_mock/#/now")
    page.get_by_role("button", name="New namespace").click()
    chromium.expect(page.get_by_role("dialog")).to_be_visible()
    page.go_back()
    chromium.expect(page.get_by_role("heading", name="Requests", exact=True)).to_be_visible()

    chromium.expect(page.get_by_role("dialog")).to_have_count(0)


def test_an_undo_stays_on_the_page_when_other_messages_come(
    server: Handle, page: Page, chromium: ChromiumThread
) -> None:
    for number in range(4):
        server.fault("get_session", status=503, id=f"rule{number}")
    page.goto(f"{server.url}/_mock/#/faults")
    chromium.expect(page.locator("#live")).to_have_text("Live")
    for number in range(4):
        page.get_by_role("button", name=f"Delete rule rule{number}").click()
    page.evaluate("async () => (await import('/_mock/ui/parts/toast.js')).toast('One')")
    page.evaluate("async () => (await import('/_mock/ui/parts/toast.js')).toast('Two')")
    texts = ["Rule rule1 is deleted.Undo", "Rule rule2 is deleted.Undo", "Rule rule3 is deleted.Undo", "Two"]
    chromium.expect(page.locator(".toast")).to_have_text(texts)
    page.locator(".toast", has_text="rule1").get_by_role("button", name="Undo").click()

    chromium.expect(page.locator("[data-id=rule1]")).to_be_visible()
    chromium.expect(page.locator(".toast")).to_have_text([texts[1], texts[2], "Two"])
    assert [rule["id"] for rule in server.faults()] == ["rule1"]


def test_a_view_that_could_not_be_opened_opens_when_the_server_is_back(page: Page, chromium: ChromiumThread) -> None:
    with MockHeidi() as server:
        page.goto(f"{server.url}/_mock/#/now")
        chromium.expect(page.locator("#live")).to_have_text("Live")
        port = int(server.url.rsplit(":", 1)[1])

    page.get_by_role("link", name="State", exact=True).click()
    chromium.expect(page.get_by_role("alert")).to_contain_text("The server does not answer.")
    with MockHeidi(port=port):
        chromium.expect(page.get_by_role("heading", name="Snapshots")).to_be_visible()


def test_a_view_is_read_again_after_a_restart_of_the_server(page: Page, chromium: ChromiumThread) -> None:
    with MockHeidi() as server:
        page.goto(f"{server.url}/_mock/#/state")
        chromium.expect(page.get_by_role("link", name="15 Patient profiles")).to_be_visible()
        server.state.add_patient(first_name="Ana")
        chromium.expect(page.get_by_role("link", name="16 Patient profiles")).to_be_visible()
        port = int(server.url.rsplit(":", 1)[1])

    with MockHeidi(port=port, fixtures={"patient_profiles": [{"first_name": "Bo"}]}) as server:
        chromium.expect(page.get_by_role("link", name="1 Patient profiles", exact=True)).to_be_visible()
        server.state.add_patient(first_name="Cy")
        chromium.expect(page.get_by_role("link", name="2 Patient profiles", exact=True)).to_be_visible()


def test_a_refused_token_is_asked_for_again(page: Page, chromium: ChromiumThread) -> None:
    with MockHeidi(admin_token="let-me-in") as server:
        page.goto(server.url)
        for wrong in ("not-this-one", "nor-this-one"):
            page.get_by_label("Admin token").fill(wrong)
            page.get_by_role("button", name="Open the page").click()
            chromium.expect(page.get_by_role("alert")).to_have_text("The server has refused the last one.")
            chromium.expect(page.get_by_label("Admin token")).to_have_value("")
        page.get_by_label("Admin token").fill("let-me-in")
        page.keyboard.press("Enter")

        chromium.expect(page.locator("#live")).to_have_text("Live")


def test_a_server_that_comes_back_with_a_token_is_given_it(page: Page, chromium: ChromiumThread) -> None:
    with MockHeidi() as server:
        page.goto(server.url)
        chromium.expect(page.locator("#live")).to_have_text("Live")
        port = int(server.url.rsplit(":", 1)[1])

    with MockHeidi(port=port, admin_token="let-me-in"):
        page.get_by_label("Admin token").fill("let-me-in")
        page.keyboard.press("Enter")

        chromium.expect(page.locator("#live")).to_have_text("Live")
