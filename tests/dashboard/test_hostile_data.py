"""Data and addresses that try to break the pages: markup, hidden characters, names that all objects inherit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from browser import ChromiumThread

from mock_heidi import Handle

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.slow

MARKUP = "<img src=x onerror=alert(1)><script>alert(2)</script>"
VIEWS = ["now", "requests", "patients", "sessions", "faults", "findings", "coverage", "assumptions", "state"]


def call(page: Page, module: str, function: str, *given: Any) -> Any:
    """The result of a function of a script of the page."""
    script = f"async (given) => (await import('/_mock/ui/{module}.js')).{function}(...given.map(JSON.parse))"
    return page.evaluate(f"async (given) => JSON.stringify(await ({script})(given))", list(given))


@pytest.fixture
def opened(server: Handle, page: Page, chromium: ChromiumThread) -> Page:
    page.goto(f"{server.url}/_mock/")
    chromium.expect(page.get_by_role("heading", name="Now")).to_be_visible()
    return page


def test_each_address_leads_to_a_view_or_a_refusal(server: Handle, opened: Page, chromium: ChromiumThread) -> None:
    odd = ["__proto__", "constructor", "%zz", "state/constructor", "state/__proto__/x", "state/toString?text=a"]
    odd += ["requests?is=__proto__", "requests?is=constructor", "requests/99999999999999999999", "sessions/__proto__"]
    odd += ["patients/..%2f..%2freset", "faults?rule=constructor", "coverage?kind=constructor", "assumptions?text=((("]

    for address in odd:
        opened.goto(f"{server.url}/_mock/#/{address}")
        opened.reload()
        chromium.expect(opened.locator("main h1, main h2").first).to_be_visible()
        shown = opened.locator("main").inner_text() + opened.title()
        assert "undefined" not in shown
        assert "is not a function" not in shown


def test_each_address_of_the_reference_leads_to_a_page_or_a_refusal(
    server: Handle, page: Page, chromium: ChromiumThread
) -> None:
    for address in ["guide/../../x", "guide/__proto__", "api/__proto__", "constructor", "%zz"]:
        page.goto(f"{server.url}/_mock/docs#/{address}")
        chromium.expect(page.get_by_role("button", name="Try again")).to_be_visible()
        page.goto("about:blank")


def test_markup_in_all_data_is_text_in_every_view(server: Handle, opened: Page, chromium: ChromiumThread) -> None:
    patient = server.state.add_patient(first_name=MARKUP, last_name=MARKUP)
    server.state.add_session(session_name=MARKUP, patient_profile_id=patient["id"])
    server.fault("get_session", label=MARKUP[:50], not_json=MARKUP)
    server.control("POST", "/replies", {"operation": "ask_ai", "text": MARKUP})
    with server.client() as client:
        client.get("/sessions/1234567890", headers={"X-Name": MARKUP}, params={MARKUP: MARKUP})
        client.post(f"/{MARKUP}", json={"__proto__": {MARKUP: MARKUP}})
    markup = opened.locator("main img, main script, main iframe, main [onerror]")
    number = len(server.control("GET", "/requests")["requests"])

    for view in [*VIEWS, f"requests/{number}", f"requests/{number - 1}", f"patients/{patient['id']}"]:
        opened.goto(f"{server.url}/_mock/#/{view}")
        chromium.expect(opened.locator("main h1").first).to_be_visible()
        chromium.expect(opened.locator("#live")).to_have_text("Live")
        assert markup.count() == 0
    chromium.expect(opened.get_by_text("onerror").first).to_be_visible()


def test_hidden_characters_become_visible(opened: Page) -> None:
    hidden = "\u00ad\u034f\u115f\u180e\u2028\u200d\u2066\u3164\ufeff\ufff9\U000e0041\r"
    codes = ["ad", "34f", "115f", "180e", "2028", "200d", "2066", "3164", "feff", "fff9", "e0041", "d"]
    shown = "".join(f"\u2039{code.zfill(4)}\u203a" for code in codes)
    plain = "async (text) => (await import('/_mock/ui/parts/format.js')).plain(text)"

    assert opened.evaluate(plain, hidden) == shown


def test_names_in_all_scripts_and_emoji_stay_as_they_are(opened: Page) -> None:
    texts = ["Zoë\tO'Neil\n", "健太", "नेहा", "\u2764\ufe0f", "\U0001f9d1"]
    plain = "async (texts) => texts.map((await import('/_mock/ui/parts/format.js')).plain)"

    assert opened.evaluate(plain, texts) == texts


def test_names_that_every_object_inherits_are_fields_like_others(opened: Page) -> None:
    before, after = '{"a": 1}', '{"a": 1, "constructor": 2, "__proto__": {"b": 3}}'

    changes = call(opened, "parts/diff", "changes", before, after)
    patch = call(opened, "views/state-record", "mergePatch", before, after)
    view = call(opened, "parts/diff", "diffView", before, after)

    assert changes == '[{"name":"constructor","after":2},{"name":"__proto__","after":{"b":3}}]'
    assert patch == '{"constructor":2,"__proto__":{"b":3}}'
    assert view == "{}"
    assert opened.evaluate("({}).b === undefined")
