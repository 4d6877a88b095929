"""The reference at ``/_mock/docs``: both contracts, the form that tries an operation, the guide and the search."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from browser import ChromiumThread
from judges import CONTROL, load_contract, operations, resolve

from mock_heidi import Handle, MockHeidi

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.slow

SESSION = "1234567890"
# Opens all parts that are folded, those inside them too.
OPEN_ALL = """async () => {
  for (let round = 0; round < 8; round += 1) {
    const folded = document.querySelectorAll('.operation-text details:not([open])');
    for (const details of folded) details.open = true;
    await new Promise((resolve) => setTimeout(resolve));
  }
}"""
PLACES = ["", "#/control", "#/api/update_session", "#/api/upload_audio", "#/control/listen", "#/guide/performance"]


def open_at(page: Page, chromium: ChromiumThread, server: Handle, address: str = "") -> None:
    """Open the reference at an address and wait for its page."""
    page.goto(f"{server.url}/_mock/docs{address}")
    chromium.expect(page.locator("main h1")).to_be_visible()


def operations_of(server: Handle) -> list[dict[str, Any]]:
    """The requests to operations, without those that the browser itself makes."""
    return [row for row in server.requests() if row["operation"] is not None]


def send(page: Page) -> None:
    page.get_by_role("button", name=re.compile("^Send ")).click()


# --- Reading ----------------------------------------------------------------------------------------------------------


def test_the_dashboard_leads_to_it_and_an_operation_is_chosen_from_the_contents(
    server: Handle, page: Page, chromium: ChromiumThread
) -> None:
    page.goto(server.url)
    page.get_by_role("link", name="Reference").click()
    chromium.expect(page.get_by_role("heading", name="Reference", exact=True)).to_be_visible()
    assert server.base_url in page.locator("main").inner_text()

    page.locator("#menu").get_by_role("link", name="Get a session").click()

    chromium.expect(page.get_by_role("heading", name="Get a session")).to_be_focused()
    assert page.url.endswith("/_mock/docs#/api/get_session")
    assert page.title() == "Get a session · mock_heidi"


def test_every_field_and_status_of_every_operation_says_where_it_comes_from(
    server: Handle, page: Page, chromium: ChromiumThread
) -> None:
    contract = load_contract()
    open_at(page, chromium, server)
    for operation in operations(contract):
        page.evaluate(f"location.hash = '#/api/{operation.name}'")
        chromium.expect(page.locator(".operation-facts code")).to_have_text(operation.name)
        page.evaluate(OPEN_ALL)
        unmarked = page.locator(".field-row:not(:has(> .field-head > .provenance))")
        statuses = {status: resolve(contract, one) for status, one in operation.spec["responses"].items()}

        assert [row.inner_text() for row in unmarked.all()] == [], operation.name
        for status, response in statuses.items():
            assert page.locator(f"#at-{status} > summary .provenance").inner_text() == response["x-provenance"]


def test_every_operation_of_the_control_api_can_be_opened(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    open_at(page, chromium, server)
    for operation in operations(load_contract(CONTROL)):
        page.evaluate(f"location.hash = '#/control/{operation.name}'")
        chromium.expect(page.locator(".operation-facts code")).to_have_text(operation.name)
        page.evaluate(OPEN_ALL)

        assert page.locator(".answer").count() == len(operation.spec["responses"])


def test_a_field_shows_its_type_its_limits_its_source_and_its_assumptions(
    server: Handle, page: Page, chromium: ChromiumThread
) -> None:
    open_at(page, chromium, server, "#/api/update_session/body")

    field = page.locator("#at-body .field-row").filter(has_text=re.compile("^duration")).first
    chromium.expect(field.locator(".field-head")).to_contain_text("number or null")
    chromium.expect(field.locator(".provenance")).to_have_text("documented")
    chromium.expect(field.locator(".facts-of-field")).to_have_text("At least 0")
    chromium.expect(field.get_by_role("link", name="negative_duration")).to_have_attribute(
        "href", "./#/assumptions?name=negative_duration"
    )
    page.get_by_text("4 fields of SessionPatientUpdate").click()
    chromium.expect(page.get_by_role("list", name="Fields of SessionPatientUpdate")).to_contain_text("gender")
    page.get_by_text("What documented, observed and assumed mean").click()
    chromium.expect(page.locator(".legend")).to_contain_text("No source says it.")


@pytest.mark.parametrize(
    ("address", "place"),
    [("#/api/get_session/404", "#at-404[open] > summary"), ("#/api/update_session/body", "#at-body")],
)
def test_a_shared_address_opens_the_part_that_it_names(
    server: Handle, page: Page, chromium: ChromiumThread, address: str, place: str
) -> None:
    open_at(page, chromium, server, address)

    chromium.expect(page.locator(place)).to_be_focused()
    chromium.expect(page.locator(place)).to_be_in_viewport()


def test_an_error_shows_its_form_and_an_example(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    open_at(page, chromium, server, "#/api/get_session")
    page.locator("#at-404 > summary").click()

    chromium.expect(page.locator("#at-404")).to_contain_text("detail")
    page.locator("#at-404 .example > summary").first.click()
    chromium.expect(page.locator("#at-404 .json").first).to_contain_text("Session not found")


def test_the_answers_are_those_under_the_chosen_assumptions(
    server: Handle, page: Page, chromium: ChromiumThread
) -> None:
    server.assume(profile_not_found=400)
    open_at(page, chromium, server, "#/api/get_patient_profile")

    chromium.expect(page.locator("#at-400 > summary")).to_contain_text("There is no such patient profile")
    assert page.locator("#at-404").count() == 0


def test_an_unknown_operation_is_said_to_be_unknown(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    page.goto(f"{server.url}/_mock/docs#/api/get_sesion")

    chromium.expect(page.get_by_role("alert")).to_contain_text("The contract has no operation get_sesion.")


def test_the_contract_is_downloaded_only_by_a_link_that_says_so(
    server: Handle, page: Page, chromium: ChromiumThread
) -> None:
    open_at(page, chromium, server, "#/api")
    downloads = page.locator("a[download]")

    chromium.expect(downloads).to_have_text(["Download openapi.yaml", "Download openapi.json"])
    assert [link.get_attribute("href") for link in downloads.all()] == ["openapi.yaml", "openapi.json"]


# --- Trying -----------------------------------------------------------------------------------------------------------


def test_a_request_is_sent_with_a_token_and_its_answer_leads_to_the_dashboard(
    server: Handle, page: Page, chromium: ChromiumThread
) -> None:
    open_at(page, chromium, server, "#/api/get_session")
    send(page)

    chromium.expect(page.locator(".answer-head")).to_contain_text("200 OK")
    chromium.expect(page.locator(".try-answer .json").first).to_contain_text(SESSION)
    signing, reading = operations_of(server)
    assert (signing["operation"], reading["operation"], reading["status"]) == ("get_jwt", "get_session", 200)
    link = page.get_by_role("link", name="See it in the dashboard")
    chromium.expect(link).to_have_attribute("href", f"./#/requests/{reading['id']}")
    page.get_by_text(re.compile(r"^\d+ headers$")).click()
    chromium.expect(page.locator(".try-answer dl")).to_contain_text("x-mock-request-id")
    send(page)
    server.wait_for("get_session", since=str(reading["id"]))
    assert len(server.requests(operation="get_jwt")) == 1


def test_a_body_is_edited_and_sent(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    open_at(page, chromium, server, "#/api/create_patient_profile")
    page.get_by_label("Body", exact=True).fill('{"first_name": "Ada", "last_name": "Reed", "gender": "FEMALE"}')
    send(page)

    chromium.expect(page.locator(".answer-head")).to_contain_text("200 OK")
    (ada,) = [row for row in server.control("GET", "/state")["patient_profiles"] if row["first_name"] == "Ada"]
    chromium.expect(page.locator(".try-answer .json").first).to_contain_text(ada["id"])


def test_a_file_is_sent_or_else_a_sample(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    open_at(page, chromium, server, "#/api/upload_context_documents")
    send(page)
    chromium.expect(page.locator(".try-answer .json").first).to_contain_text("letter")
    open_at(page, chromium, server, "#/api/upload_audio")
    send(page)
    chromium.expect(page.locator(".answer-head")).to_contain_text("200 OK")
    page.locator("input[type=file]").set_input_files(
        {"name": "visit.mp3", "mimeType": "audio/mpeg", "buffer": b"\xff\xfb\x90\x00"}
    )
    chromium.expect(page.locator(".code-section pre")).to_contain_text("file=@visit.mp3")
    send(page)

    chromium.expect(page.locator(".answer-head")).to_contain_text("200 OK")
    server.wait_for("upload_audio")
    assert [row["status"] for row in server.requests(operation="upload_audio")] == [200, 200]


def test_a_stream_is_shown_piece_by_piece_and_can_be_stopped(
    server: Handle, page: Page, chromium: ChromiumThread
) -> None:
    server.fault("ask_ai", stall_after=2)
    server.reply("ask_ai", pieces=["The cough ", "began ", "last week."])
    open_at(page, chromium, server, "#/api/ask_ai")
    send(page)

    chromium.expect(page.locator(".pieces li")).to_have_count(2)
    chromium.expect(page.get_by_label("The text so far")).to_have_text("The cough began ")
    page.get_by_role("button", name="Stop").click()
    chromium.expect(page.get_by_role("alert")).to_contain_text("Stopped after")


def test_a_connection_that_a_fault_closes_is_explained(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    server.fault("get_session", close=True)
    open_at(page, chromium, server, "#/api/get_session")
    send(page)

    chromium.expect(page.get_by_role("alert")).to_contain_text("A fault may have closed it")


def test_a_body_that_is_no_json_is_shown_as_text(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    server.fault("get_session", not_json="<h1>Bad\u202e gateway</h1>")
    open_at(page, chromium, server, "#/api/get_session")
    send(page)

    chromium.expect(page.get_by_label("Body", exact=True)).to_contain_text("<h1>Bad\u2039202e\u203a gateway</h1>")


def test_after_a_refused_token_the_next_request_signs_in_again(
    server: Handle, page: Page, chromium: ChromiumThread
) -> None:
    open_at(page, chromium, server, "#/api/get_session")
    send(page)
    chromium.expect(page.locator(".answer-head")).to_contain_text("200 OK")
    server.clock.advance(2 * 24 * 3600)
    send(page)
    chromium.expect(page.locator(".answer-head")).to_contain_text("401 Unauthorized")

    send(page)

    chromium.expect(page.locator(".answer-head")).to_contain_text("200 OK")


def test_another_user_and_another_token_can_be_typed(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    open_at(page, chromium, server, "#/api/get_account_access")
    page.get_by_text("Sign-in", exact=True).click()
    page.get_by_label("E-mail").fill("new.nurse@example.com")
    send(page)
    chromium.expect(page.locator(".answer-head")).to_contain_text("200 OK")
    assert server.control("GET", "/state/users?text=new.nurse")["total"] == 1
    page.get_by_label("Another token").fill("wrong")
    send(page)

    chromium.expect(page.locator(".answer-head")).to_contain_text("401 Unauthorized")


def test_requests_go_to_the_namespace_of_the_page(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    with server.namespace("blue") as blue:
        page.goto(f"{server.url}/ns/blue/_mock/docs#/api/list_patient_profiles")
        send(page)
        chromium.expect(page.locator(".answer-head")).to_contain_text("200 OK")

        assert [row["operation"] for row in operations_of(blue)] == ["get_jwt", "list_patient_profiles"]
        assert operations_of(server) == []


def test_the_control_api_is_tried_with_the_admin_token_of_the_tab(page: Page, chromium: ChromiumThread) -> None:
    with MockHeidi(admin_token="let-me-in") as server:
        page.goto(f"{server.url}/_mock/docs#/control/set_clock")
        page.get_by_label("Admin token").fill("let-me-in")
        page.get_by_role("button", name="Open the page").click()
        page.get_by_label("Body", exact=True).fill('{"now": "2031-05-06T09:00:00Z", "frozen": true}')
        chromium.expect(page.locator(".code-section pre")).to_contain_text("X-Mock-Admin-Token: ADMIN_TOKEN")
        send(page)

        chromium.expect(page.locator(".answer-head")).to_contain_text("200 OK")
        assert server.control("GET", "/clock")["now"].startswith("2031-05-06T09:00")
        assert "let-me-in" not in page.locator("main").inner_text()


def test_the_ids_of_the_namespace_are_offered_newest_first(
    server: Handle, page: Page, chromium: ChromiumThread
) -> None:
    server.control("DELETE", f"/state/sessions/{SESSION}")
    newest = server.control("GET", "/state/sessions")["records"][-1]["session_id"]
    open_at(page, chromium, server, "#/api/get_session")

    chromium.expect(page.get_by_label("session_id")).to_have_value(newest)
    chromium.expect(page.locator("datalist option").first).to_have_attribute("value", newest)


def test_an_optional_parameter_is_sent_only_with_a_value(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    open_at(page, chromium, server, "#/control/list_requests")
    chromium.expect(page.locator(".code-section pre")).to_have_text(f"curl '{server.url}/_mock/requests'")
    page.get_by_label("operation (optional)").select_option("get_session")
    page.get_by_label("limit (optional)").fill("1")
    send(page)

    chromium.expect(page.locator(".code-section pre")).to_contain_text("/_mock/requests?operation=get_session&limit=1'")
    chromium.expect(page.locator(".try-answer .json").first).to_contain_text('"requests": []')


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("curl", "curl -X PATCH '{url}' \\\n  -H 'Authorization: Bearer TOKEN' \\\n"),
        ("Python", 'httpx.request(\n    "PATCH",\n    "{url}",\n    headers={{"Authorization": "Bearer TOKEN", '),
        ("JavaScript", 'await fetch("{url}", {{\n  method: "PATCH",\n'),
    ],
)
def test_the_request_is_shown_as_code_with_the_base_url_of_this_server(
    server: Handle, page: Page, chromium: ChromiumThread, language: str, expected: str
) -> None:
    open_at(page, chromium, server, "#/api/update_session")
    page.get_by_role("button", name=language).click()

    code = page.locator(".code-section pre")
    chromium.expect(code).to_contain_text(expected.format(url=f"{server.base_url}/sessions/{SESSION}"))
    page.get_by_label("session_id").fill("7")
    chromium.expect(code).to_contain_text("/sessions/7")


# --- The guide and the search -----------------------------------------------------------------------------------------


def test_a_page_of_the_guide_has_its_tables_its_code_and_its_links(
    server: Handle, page: Page, chromium: ChromiumThread
) -> None:
    open_at(page, chromium, server, "#/guide/faults")

    chromium.expect(page.get_by_role("columnheader", name="The rule")).to_be_visible()
    chromium.expect(page.locator(".guide pre").first).to_contain_text("$ curl -s")
    chromium.expect(page.get_by_role("navigation", name="On this page").get_by_role("link").first).to_be_hidden()
    page.set_viewport_size({"width": 1600, "height": 800})
    page.get_by_role("navigation", name="On this page").get_by_role("link", name="Scenarios").click()
    chromium.expect(page.get_by_role("heading", name="Scenarios")).to_be_focused()
    page.locator(".guide").get_by_role("link", name="fault reference").first.click()
    chromium.expect(page.get_by_role("heading", name="Fault reference")).to_be_focused()
    page.goto(f"{server.url}/_mock/docs#/guide/control-api/clock")
    chromium.expect(page.get_by_role("heading", name="Clock")).to_be_focused()
    chromium.expect(page.get_by_role("heading", name="Clock")).to_be_in_viewport()


def test_markup_of_a_page_can_run_nothing(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    open_at(page, chromium, server)
    hostile = '<p title="x">a<script>x()</script><img src=x><a href="javascript:x()">b</a></p><iframe></iframe>'

    made = page.evaluate(
        "async (html) => (await import('/_mock/ui/reference/prose.js')).elementsOf(html).innerHTML", hostile
    )

    assert made == "<p>ax()<a>b</a></p>"


def test_the_search_finds_operations_fields_and_pages(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    open_at(page, chromium, server)
    page.keyboard.press("/")
    page.keyboard.type("ehr_appt_id")
    results = page.locator(".results")
    chromium.expect(results).to_contain_text("Answer 200: ehr_appt_id")
    page.get_by_role("searchbox").fill("flaky afternoon")
    chromium.expect(results.get_by_role("heading")).to_have_text(["Guide"])
    chromium.expect(results).to_contain_text("Scenarios")
    page.get_by_role("searchbox").fill("zebra crossing")
    chromium.expect(results).to_contain_text("Nothing has all of these words.")
    page.get_by_role("searchbox").fill("upload recording")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")

    chromium.expect(page.get_by_role("heading", name="Upload a recording")).to_be_focused()
    page.keyboard.press("/")
    page.keyboard.press("Escape")
    chromium.expect(page.locator(".contents")).to_be_visible()


def test_the_results_of_a_search_begin_below_the_box(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    open_at(page, chromium, server, "#/guide/performance")
    page.wait_for_function("document.querySelector('#menu').scrollTop > 0")

    page.get_by_role("searchbox").fill("expired")

    chromium.expect(page.get_by_role("searchbox")).to_be_in_viewport()
    chromium.expect(page.locator(".results a").first).to_be_in_viewport()


def test_the_keyboard_reaches_the_form(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    open_at(page, chromium, server, "#/api/get_session")
    page.keyboard.press("t")
    page.keyboard.press("Tab")

    chromium.expect(page.get_by_label("session_id")).to_be_focused()
    page.keyboard.press("Enter")
    chromium.expect(page.locator(".answer-head")).to_contain_text("200 OK")


def test_the_contents_open_over_the_page_on_a_phone(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    open_at(page, chromium, server)
    page.get_by_role("button", name="Contents").click()
    page.locator("#menu").get_by_role("link", name="Ask Heidi").click()

    chromium.expect(page.get_by_role("heading", name="Ask Heidi")).to_be_visible()
    chromium.expect(page.locator("#menu")).to_be_hidden()


# --- Form -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [360, 1280, 3840])
def test_no_page_scrolls_sideways(server: Handle, page: Page, chromium: ChromiumThread, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    for address in PLACES:
        open_at(page, chromium, server, address)
        page.evaluate(OPEN_ALL)

        assert page.evaluate("document.querySelector('main').scrollWidth") <= page.evaluate(
            "document.querySelector('main').clientWidth"
        ), address
        assert page.evaluate("document.documentElement.scrollWidth") == width, address


def test_axe_finds_nothing(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    for address in PLACES:
        open_at(page, chromium, server, address)
        page.evaluate(OPEN_ALL)

        assert chromium.violations(page) == [], address


def test_the_first_load_is_small(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    open_at(page, chromium, server, "#/api/get_session")
    loaded: list[dict[str, Any]] = page.evaluate(
        "performance.getEntries().map(({ name, encodedBodySize: size }) => ({ name, size: size ?? 0 }))"
    )

    files = [row["size"] for row in loaded if re.search(r"/_mock/(ui/|docs(#|$))", row["name"])]
    assert max(files) > 30_000  # the scripts are counted
    assert sum(files) < 200_000


def test_docs_at_the_root_leads_to_the_reference(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    page.goto(f"{server.url}/docs")

    chromium.expect(page.get_by_role("heading", name="Reference", exact=True)).to_be_visible()
    assert page.url == f"{server.url}/_mock/docs"
