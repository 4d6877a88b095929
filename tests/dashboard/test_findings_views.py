"""Findings, coverage and assumptions in the dashboard."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from browser import ChromiumThread

from mock_heidi import Handle, MockHeidi

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.slow

UNKNOWN = "/patient-profiles/ffffffffffffffffffffffff"


def value_of(server: Handle, name: str) -> object:
    return next(row["value"] for row in server.assume() if row["name"] == name)


def test_findings_come_live_and_lead_to_their_requests(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    page.goto(f"{server.url}/_mock/#/findings")
    chromium.expect(page.locator("#main")).to_contain_text("No finding so far")
    chromium.expect(page.locator("#live")).to_have_text("Live")
    with server.client() as client:
        client.post("/patient-profiles", json={"first_name": "Ana", "nick\u202ename": "A"})
        client.post("/patient-profiles", json={"first_name": "Ana", "shoes": 2})
        client.get("/patients")

    group = page.get_by_role("region", name="unknown_field", exact=True)
    chromium.expect(group).to_contain_text("The client sent a field that is not documented.")
    chromium.expect(group).to_contain_text("nick\u2039202e\u203aname of create_patient_profile")
    chromium.expect(group.get_by_role("row")).to_have_count(3)
    found = next(row for row in server.findings() if "shoes" in row["message"])
    row = group.get_by_role("row").filter(has_text="shoes")
    link = row.get_by_role("link").first
    assert link.get_attribute("href") == f"#/requests/{found['first']}"
    chromium.expect(link).to_have_text(found["first_at"][11:19])
    link.click()
    chromium.expect(page.get_by_role("region", name="Request", exact=True)).to_contain_text('"shoes": 2')
    page.go_back()
    group.get_by_role("link", name="2 requests").click()
    chromium.expect(page.get_by_role("listbox").get_by_role("option")).to_have_count(2)


def test_findings_are_narrowed_to_a_level_that_stands_in_the_address(
    server: Handle, page: Page, chromium: ChromiumThread
) -> None:
    with server.client() as client:
        client.get("/patients")
        client.post("/patient-profiles", json={"first_name": "Ana", "shoes": 2})
    page.goto(f"{server.url}/_mock/#/findings")
    chromium.expect(page.locator(".finding")).to_have_count(2)
    page.keyboard.press("3")

    chromium.expect(page.locator(".finding")).to_have_count(1)
    chromium.expect(page.locator(".finding")).to_contain_text("a path or a method that does not exist")
    assert page.url.endswith("#/findings?level=error")
    page.reload()
    chromium.expect(page.locator(".finding")).to_have_count(1)


def test_coverage_says_how_to_switch_it_on(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    page.goto(f"{server.url}/_mock/#/coverage")

    chromium.expect(page.locator("#main")).to_contain_text("mock-heidi serve --coverage")


def test_coverage_shows_what_is_exercised_and_a_line_for_what_is_missing(page: Page, chromium: ChromiumThread) -> None:
    with MockHeidi(coverage=True) as server:
        page.goto(f"{server.url}/_mock/#/coverage")
        chromium.expect(page.locator("#live")).to_have_text("Live")
        chromium.expect(page.locator(".coverage-total")).to_contain_text("0 of 264 points")
        with server.client() as client:
            client.get("/sessions/1234567890")
        group = page.locator("details.assumption").filter(has=page.locator("summary", has_text="get_session"))
        chromium.expect(group.locator("summary").first).to_contain_text("1 of")
        group.locator("summary").first.click()

        chromium.expect(group).to_contain_text("a call, 1 request")
        link = group.get_by_role("link", name="The requests of get_session")
        assert link.get_attribute("href") == "#/requests?operation=get_session"
        line = group.get_by_label("Python for the error SessionNotFoundError", exact=True)
        chromium.expect(line).to_have_text('heidi.fault("get_session", error="SessionNotFoundError", times=1)')
        exec(line.inner_text(), {"heidi": server})  # noqa: S102 - the line that the page gives
        with server.client() as client:
            assert client.get("/sessions/1234567890").status_code == 404
        chromium.expect(group).to_contain_text("the error SessionNotFoundError, 1 request")

        page.keyboard.press("m")
        chromium.expect(page.get_by_text("a call, 1 request")).to_have_count(0)
        assert page.url.endswith("#/coverage?missing=true")
        page.get_by_label("Search").fill("reset")
        chromium.expect(page.locator("details.assumption")).to_have_count(2)
        page.get_by_role("button", name="Set to 0").click()
        page.get_by_role("dialog").get_by_role("button", name="Set to 0").click()
        chromium.expect(page.locator(".coverage-total")).to_contain_text("0 of 264 points")
        assert server.control("GET", "/coverage")["covered"] == 0


def test_a_request_that_comes_while_the_kept_ones_are_counted_counts_once(server: Handle, page: Page) -> None:
    with server.client() as client:
        client.get(UNKNOWN)
    (kept,) = server.control("GET", "/requests?view=headlines&assumption=profile_not_found")["requests"]
    page.goto(f"{server.url}/_mock/#/assumptions")

    count = page.evaluate(
        """async (kept) => {
          const { MetAssumptions } = await import('/_mock/ui/views/met-assumptions.js');
          const met = new MetAssumptions();
          const counted = met.load(new AbortController().signal);
          met.add([kept, { id: kept.id + 1, assumptions: kept.assumptions }]);
          await counted;
          return met.counts.get('profile_not_found');
        }""",
        kept,
    )

    assert count == 2


def test_the_next_answer_follows_an_assumption_that_is_switched(
    server: Handle, page: Page, chromium: ChromiumThread
) -> None:
    page.goto(f"{server.url}/_mock/#/assumptions")
    chromium.expect(page.locator("details.assumption")).to_have_count(121)
    chromium.expect(page.locator("#live")).to_have_text("Live")
    with server.client() as client:
        assert client.get(UNKNOWN).status_code == 404
        page.get_by_label("met by my client").check()
        row = page.locator("details[data-name=profile_not_found]")
        chromium.expect(row).to_contain_text("met")
        row.locator("summary").click()
        chromium.expect(row).to_contain_text("The same error about sessions has been seen with 404.")
        chromium.expect(row).to_contain_text("The body of the error is documented, without a status.")
        chromium.expect(row).to_contain_text("Your client may work only while an unknown patient profile answers 404.")
        link = row.get_by_role("link", name="1 request of your client")
        link.click()
        chromium.expect(page.get_by_role("listbox").get_by_role("option")).to_have_count(1)
        chromium.expect(page.get_by_role("listbox")).to_contain_text("get_patient_profile")
        page.go_back()
        assert (
            row.get_by_role("link", name="get_patient_profile").get_attribute("href") == "docs#/api/get_patient_profile"
        )

        row.get_by_role("radio", name="400").check()
        chromium.expect(page.locator("#toasts")).to_contain_text("profile_not_found is 400 now.")
        assert client.get(UNKNOWN).status_code == 400

        page.get_by_role("button", name="Undo").click()
        chromium.expect(row.get_by_role("radio", name="404")).to_be_checked()
        assert client.get(UNKNOWN).status_code == 404


def test_an_assumption_that_an_address_names_is_in_sight(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    page.goto(f"{server.url}/_mock/#/assumptions?name=stream_framing")

    chromium.expect(page.locator("details[open] > summary")).to_contain_text("stream_framing")
    chromium.expect(page.locator("details[open] > summary")).to_be_in_viewport()


def test_assumptions_are_searched_and_a_number_is_chosen(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    page.goto(f"{server.url}/_mock/#/assumptions?name=token_lifetime")
    row = page.locator("details[data-name=token_lifetime]")
    number = row.get_by_role("spinbutton")
    chromium.expect(number).to_have_value("3600")
    number.fill("60")
    number.press("Enter")
    chromium.expect(row.locator("summary")).to_contain_text("changed")
    assert value_of(server, "token_lifetime") == 60

    page.get_by_label("changed only").check()
    chromium.expect(page.locator("details.assumption:visible")).to_have_count(1)
    row.get_by_role("button", name="Back to 3600").click()
    chromium.expect(page.locator("#main")).to_contain_text("No assumption fits.")
    assert value_of(server, "token_lifetime") == 3600

    page.get_by_label("changed only").uncheck()
    page.get_by_label("Operation").select_option("ask_ai")
    page.get_by_label("Search").fill("escap")
    chromium.expect(page.locator("details.assumption:visible")).to_have_count(1)
    assert "text=escap" in page.url
    assert "operation=ask_ai" in page.url
    page.reload()
    chromium.expect(page.locator("details.assumption:visible")).to_have_count(1)


def test_a_typed_number_stays_while_the_assumptions_are_read_again(
    server: Handle, page: Page, chromium: ChromiumThread
) -> None:
    page.goto(f"{server.url}/_mock/#/assumptions?name=token_lifetime")
    number = page.locator("details[data-name=token_lifetime]").get_by_role("spinbutton")
    number.fill("60")
    server.assume(extra_slashes="redirect")
    chromium.expect(page.locator("details[data-name=extra_slashes] summary")).to_contain_text("changed")

    chromium.expect(number).to_have_value("60")
    chromium.expect(number).to_be_focused()


def test_axe_finds_nothing_in_findings_coverage_and_assumptions(page: Page, chromium: ChromiumThread) -> None:
    with MockHeidi(coverage=True) as server:
        with server.client() as client:
            client.get("/patients")
            client.get(UNKNOWN)
        for view in ("findings", "coverage?operation=get_session", "assumptions?name=profile_not_found"):
            page.goto(f"{server.url}/_mock/#/{view}")
            chromium.expect(page.locator(".finding, details[open]").first).to_be_visible()

            assert chromium.violations(page) == [], view


@pytest.mark.parametrize("width", [360, 3840])
def test_findings_coverage_and_assumptions_never_scroll_sideways(
    page: Page, chromium: ChromiumThread, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    with MockHeidi(coverage=True) as server:
        with server.client() as client:
            client.get("/patients")
            client.post("/patient-profiles", json={"first_name": "Ana", "n" * 150: "A"})
        for view in ("findings", "coverage?operation=update_session", "assumptions?name=profile_not_found"):
            page.goto(f"{server.url}/_mock/#/{view}")
            chromium.expect(page.locator(".finding, details[open]").first).to_be_visible()

            assert page.evaluate("document.querySelector('main').scrollWidth") <= width, view
            assert page.evaluate("document.documentElement.scrollWidth") == width, view
