"""Pages of other origins cannot use the dashboard, and the dashboard works on a plain host name."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
from browser import ChromiumThread

from mock_heidi import Handle, MockHeidi

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.slow


class EmptyPage(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b"<!doctype html><title>elsewhere</title><body>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def elsewhere(chromium: ChromiumThread) -> Iterator[Page]:
    """An empty page of another site."""
    site = ThreadingHTTPServer(("127.0.0.1", 0), EmptyPage)
    thread = threading.Thread(target=site.serve_forever)
    thread.start()
    page = chromium.new_page()
    page.goto(f"http://elsewhere.test:{site.server_port}/")
    yield page
    page.context.close()
    site.shutdown()
    thread.join()
    site.server_close()


def test_another_site_neither_reads_nor_changes_anything(server: Handle, elsewhere: Page) -> None:
    server.state.add_patient(first_name="Ana")
    ask = "([url, options]) => fetch(url, options).then((answer) => answer.text(), (error) => error.name)"
    read = elsewhere.evaluate(ask, [f"{server.url}/_mock/state", {}])
    blind = [
        elsewhere.evaluate(ask, [f"{server.url}/_mock{path}", {"method": "POST", "mode": "no-cors"}])
        for path in ("/reset", "/namespaces/theirs")
    ]
    script = """(url) => new Promise((done) => {
        const script = document.createElement('script');
        Object.assign(script, { src: url, onload: () => done('loaded'), onerror: () => done('refused') });
        document.body.append(script);
    })"""
    loaded = elsewhere.evaluate(script, f"{server.url}/_mock/ui/parts/route.js")

    assert (read, blind, loaded) == ("TypeError", ["", ""], "refused")
    assert len(server.control("GET", "/state")["patient_profiles"]) == 16
    assert [row["name"] for row in server.control("GET", "/namespaces")["namespaces"]] == ["default"]


def test_another_site_cannot_frame_the_dashboard(server: Handle, elsewhere: Page) -> None:
    messages: list[str] = []
    elsewhere.on("console", lambda message: messages.append(message.text))
    elsewhere.evaluate(
        """(url) => new Promise((done) => {
            const frame = document.createElement('iframe');
            Object.assign(frame, { src: url, onload: done });
            document.body.append(frame);
        })""",
        f"{server.url}/_mock/",
    )

    assert any("frame-ancestors 'none'" in message for message in messages)
    assert elsewhere.frames[1].locator("#main").count() == 0


def test_another_site_that_opens_the_dashboard_cannot_drive_it(
    server: Handle, elsewhere: Page, chromium: ChromiumThread
) -> None:
    with elsewhere.context.expect_page() as waiting:
        elsewhere.evaluate("(url) => { window.opened = window.open(url); }", f"{server.url}/_mock/")
    opened = waiting.value
    chromium.expect(opened.get_by_role("heading", name="Now")).to_be_visible()

    assert opened.evaluate("window.opener") is None
    assert elsewhere.evaluate("window.opened.closed") is True


def test_a_site_whose_name_leads_to_this_machine_gets_no_dashboard(
    server: Handle, elsewhere: Page, chromium: ChromiumThread
) -> None:
    port = server.url.rsplit(":", 1)[1]
    elsewhere.goto(f"http://rebound.test:{port}/_mock/")

    chromium.expect(elsewhere.locator("body")).to_contain_text("does not answer to")


def test_copying_works_on_a_plain_host_name(chromium: ChromiumThread) -> None:
    page = chromium.new_page()
    with MockHeidi(allowed_hosts=("heidi.test",)) as server:
        page.goto(f"http://heidi.test:{server.url.rsplit(':', 1)[1]}/_mock/#/now")
        button = page.get_by_role("button", name="Copy the base URL")
        button.click()
        chromium.expect(page.locator(".toast")).to_have_text("Copied")
        has_api = page.evaluate("'clipboard' in navigator")
        chromium.expect(button).to_be_focused()
        page.get_by_role("button", name="New namespace").click()
        page.keyboard.press("Control+V")
        pasted = page.get_by_label("Name:").input_value()
    page.context.close()

    assert has_api is False
    assert pasted.startswith("http://heidi.test:")


def test_a_browser_that_does_not_copy_is_told_on_the_page(chromium: ChromiumThread) -> None:
    page = chromium.new_page()
    with MockHeidi(allowed_hosts=("heidi.test",)) as server:
        page.goto(f"http://heidi.test:{server.url.rsplit(':', 1)[1]}/_mock/#/now")
        page.evaluate("document.execCommand = () => false")
        page.get_by_role("button", name="Copy the base URL").click()

        chromium.expect(page.locator(".toast")).to_contain_text("Select the text and copy it.")
    page.context.close()


def test_a_page_that_a_rule_answers_with_runs_no_script(server: Handle, chromium: ChromiumThread) -> None:
    server.fault(not_json="<script>document.title = 'run'</script><h1>Bad gateway</h1>", media_type="text/html")
    page = chromium.new_page()
    page.goto(server.base_url)

    chromium.expect(page.get_by_role("heading", name="Bad gateway")).to_be_visible()
    assert page.title() == ""
    assert page.evaluate("self.origin") == "null"
    page.context.close()
