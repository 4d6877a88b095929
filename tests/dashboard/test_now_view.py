"""The view Now: what to paste into a client, the clock, the transitions, and the namespaces."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browser import ChromiumThread
from running import until

from mock_heidi import Handle, MockHeidi

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.slow

# A key that the quotes of no language may end.
HOSTILE = """a'b"c$(exit)`exit`\\"""


def run(command: list[str], folder: Path, text: str = "") -> str:
    """The output of a command."""
    ended = subprocess.run(command, cwd=folder, input=text, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603 - our own snippets
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def code(page: Page, tab: str, name: str) -> str:
    """The text that a tab offers."""
    page.get_by_role("button", name=tab, exact=True).click()
    return page.get_by_role("region", name=name, exact=True).inner_text()


@pytest.fixture
def opened(server: Handle, page: Page, chromium: ChromiumThread) -> Page:
    page.goto(f"{server.url}/_mock/#/now")
    chromium.expect(page.get_by_role("heading", name="Namespaces")).to_be_visible()
    return page


@pytest.mark.parametrize("key", ["mock-heidi-key", HOSTILE], ids=["plain", "hostile"])
def test_each_text_to_paste_works(page: Page, chromium: ChromiumThread, tmp_path: Path, key: str) -> None:
    with MockHeidi(api_key=key) as server:
        page.goto(f"{server.url}/_mock/")
        chromium.expect(page.get_by_role("heading", name="Connect a client")).to_be_visible()
        outputs = [run(["sh"], tmp_path, code(page, "curl", "curl"))]
        outputs.append(run([sys.executable, "-"], tmp_path, code(page, "Python", "Python")))
        script = code(page, "JavaScript", "JavaScript")
        if node := shutil.which("node"):
            outputs.append(run([node, "--input-type=module", "-"], tmp_path, script))
        user = "email=a@b.example&third_party_internal_id=1"
        asked = f'curl -s "$HEIDI_BASE_URL/jwt?{user}" -H "Heidi-Api-Key: $HEIDI_API_KEY"'
        signed_in = run(["sh"], tmp_path, code(page, ".env", ".env") + asked)
        page.get_by_role("button", name="Fixed host").click()
        fixed = page.get_by_role("region", name="as_vendor").inner_text()
        outputs.append(run([sys.executable, "-"], tmp_path, fixed))

    assert all("John" in output for output in outputs)
    assert '"token"' in signed_in


def test_a_shell_with_the_variables_of_the_proxy_reaches_a_server_with_it(
    page: Page, chromium: ChromiumThread, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
    url = "https://registrar.api.heidihealth.com/api/v2/ml-scribe/open-api/patient-profiles"
    with MockHeidi(proxy=True) as server:
        page.goto(f"{server.url}/_mock/#/now?code=host")
        chromium.expect(page.locator("#main")).to_contain_text("through the proxy of this server")
        command = page.get_by_role("region", name="proxy").inner_text()
        answer = run(["sh"], tmp_path, f"{command}\ncurl -s -H 'Authorization: Bearer {server.token()}' {url}")

    assert "John" in answer


def test_the_token_counts_down_by_the_clock_of_the_mock(server: Handle, opened: Page, chromium: ChromiumThread) -> None:
    opened.context.grant_permissions(["clipboard-read", "clipboard-write"])
    server.clock.freeze("2025-01-06T09:00:00")
    opened.reload()
    opened.get_by_role("button", name="Sign in and copy a token").click()
    chromium.expect(opened.locator(".value .badge")).to_have_text("1 h 0 min left")
    copied = opened.evaluate("navigator.clipboard.readText()")
    answer = opened.request.get(f"{server.base_url}/patient-profiles", headers={"Authorization": f"Bearer {copied}"})
    opened.get_by_role("button", name="Advance by 1 h").click()
    chromium.expect(opened.locator(".value .badge")).to_have_text("expired")
    opened.reload()
    chromium.expect(opened.locator(".value .badge")).to_have_text("expired")
    opened.get_by_role("button", name="Renew").click()
    chromium.expect(opened.locator(".value .badge")).to_have_text("1 h 0 min left")

    assert answer.status == 200


def test_the_address_keeps_the_chosen_code(opened: Page, chromium: ChromiumThread) -> None:
    opened.get_by_role("button", name="Python").click()
    opened.reload()

    chromium.expect(opened.get_by_role("region", name="Python")).to_contain_text("import httpx")


def test_another_api_key_is_chosen_for_the_code(server: Handle, opened: Page, chromium: ChromiumThread) -> None:
    keys = [row["key"] for row in server.control("GET", "/state?kinds=api_keys")["api_keys"]]
    opened.get_by_label("API key", exact=True).select_option(keys[1])

    chromium.expect(opened.get_by_role("region", name=".env")).to_contain_text(f"HEIDI_API_KEY={keys[1]}")


def test_the_clock_runs_without_a_request_and_is_moved(server: Handle, opened: Page, chromium: ChromiumThread) -> None:
    asked = "performance.getEntriesByType('resource').filter(({ name }) => name.endsWith('/clock')).length"
    # The view asks, and once more when it hears events.
    until(lambda: opened.evaluate(asked) == 2)
    time = opened.locator(".clock-time")
    before = time.inner_text()
    chromium.expect(time).not_to_have_text(before)
    chromium.expect(time).to_contain_text(re.compile(r"\d\d:\d\d:\d\d UTC"))
    silent = opened.evaluate(asked)
    opened.get_by_role("button", name="Freeze").click()
    chromium.expect(opened.get_by_text("Frozen.")).to_be_visible()
    opened.get_by_label("Set to (UTC)").fill("2025-01-06T09:00:00")
    opened.get_by_role("button", name="Set", exact=True).click()
    chromium.expect(time).to_have_text("2025-01-06 09:00:00 UTC")
    opened.get_by_role("button", name="Advance by 1 min").click()
    chromium.expect(time).to_have_text("2025-01-06 09:01:00 UTC")
    opened.get_by_label("Advance by", exact=True).fill("2")
    opened.get_by_label("Unit").select_option("hours")
    opened.get_by_role("button", name="Advance", exact=True).click()
    chromium.expect(time).to_have_text("2025-01-06 11:01:00 UTC")
    moved = server.control("GET", "/clock")
    opened.get_by_role("button", name="Unfreeze").click()
    chromium.expect(opened.get_by_text("behind this machine")).to_be_visible()
    opened.get_by_label("Speed").fill("3600")
    opened.get_by_role("button", name="Run").click()
    chromium.expect(opened.get_by_text("Runs 3,600 times as fast")).to_be_visible()
    fast = server.control("GET", "/clock")
    opened.get_by_role("button", name="Real time").click()
    chromium.expect(opened.get_by_text("Runs in real time.")).to_be_visible()
    chromium.expect(opened.locator("#live")).to_have_text("Live")
    server.clock.freeze("2025-03-01T10:00:00")
    chromium.expect(time).to_have_text("2025-03-01 10:00:00 UTC")
    server.clock.go_real()

    assert silent == 2
    assert moved == {"now": "2025-01-06T11:01:00.000Z", "frozen": True, "speed": 0}
    assert (fast["frozen"], fast["speed"]) == (False, 3600)
    assert server.control("GET", "/clock")["speed"] == 1


def test_a_refused_time_is_told_with_its_cure(opened: Page, chromium: ChromiumThread) -> None:
    opened.get_by_label("Set to (UTC)").fill("2025-02-30")
    opened.get_by_role("button", name="Set", exact=True).click()

    chromium.expect(opened.locator(".toast")).to_contain_text("'2025-02-30' is not a moment. Write it like")


def test_the_transitions_are_shown_and_changed(server: Handle, opened: Page, chromium: ChromiumThread) -> None:
    opened.get_by_label("Transcription is done").select_option("after_reads")
    chromium.expect(opened.locator(".toast")).to_have_text("Transcription is now done after 2 reads.")
    opened.get_by_label("Document parsing is done").select_option("after_seconds")
    opened.get_by_label("Document parsing: number").fill("2.5")
    opened.get_by_label("Document parsing: number").press("Tab")
    chromium.expect(opened.locator(".toast")).to_have_text("Document parsing is now done after 2.5 seconds.")
    changed = server.control("GET", "/transitions")
    opened.reload()
    chromium.expect(opened.get_by_label("Document parsing: number")).to_have_value("2.5")
    chromium.expect(opened.locator("#live")).to_have_text("Live")
    server.control("PUT", "/transitions", {"document_parsing": {"after_reads": 4}})
    chromium.expect(opened.get_by_label("Document parsing: number")).to_have_value("4")
    server.control("POST", "/reset")
    chromium.expect(opened.get_by_label("Transcription is done")).to_have_value("at_once")

    assert changed == {
        "transcription": {"after_reads": 2},
        "document_parsing": {"after_seconds": 2.5},
        "consult_note": {"at_once": True},
    }


def test_the_page_says_what_the_server_has_switched_on(page: Page, chromium: ChromiumThread) -> None:
    with MockHeidi(strict=True, coverage=True, seed=7) as server:
        page.goto(f"{server.url}/_mock/")
        facts = page.get_by_role("region", name="Server").locator("dl")
        chromium.expect(facts).to_contain_text("Stricton")
        chromium.expect(facts).to_contain_text("Coverageon")
        chromium.expect(facts).to_contain_text("Seed7")
        chromium.expect(facts).to_contain_text("Proxyoff")
        chromium.expect(facts).to_contain_text("of 256 MB")


def test_a_namespace_is_made_opened_and_deleted(server: Handle, opened: Page, chromium: ChromiumThread) -> None:
    def make(name: str, content: str) -> None:
        opened.get_by_role("button", name="New namespace").click()
        opened.get_by_label("Name:").fill(name)
        opened.get_by_label("It starts with").select_option(content)
        opened.get_by_role("button", name="Create it").click()
        chromium.expect(opened.locator(".toast").last).to_contain_text(f"The namespace {name} is ready.")

    make("checkout", "empty")
    chromium.expect(opened.get_by_role("row", name="checkout")).to_contain_text("000")
    make("copy-1", "from default")
    chromium.expect(opened.get_by_role("row", name="copy-1")).to_contain_text("15310")
    opened.get_by_role("button", name="New namespace").click()
    opened.get_by_label("Name:").fill("checkout")
    opened.get_by_role("button", name="Create it").click()
    chromium.expect(opened.get_by_role("heading", name="There is a namespace checkout")).to_be_visible()
    opened.get_by_role("button", name="Cancel").click()
    opened.keyboard.press("Escape")
    opened.get_by_role("link", name="checkout").click()
    chromium.expect(opened.locator("#main")).to_contain_text("/ns/checkout/api/")
    opened.get_by_role("button", name="Delete the namespace copy-1").click()
    opened.get_by_role("dialog").get_by_role("button", name="Delete the namespace").click()
    chromium.expect(opened.get_by_role("row", name="copy-1")).to_have_count(0)
    opened.get_by_role("button", name="Delete the namespace checkout").click()
    opened.get_by_role("dialog").get_by_role("button", name="Delete the namespace").click()
    chromium.expect(opened.locator("#main")).not_to_contain_text("/ns/checkout/")

    assert [row["name"] for row in server.control("GET", "/namespaces")["namespaces"]] == ["default"]


def test_the_activity_of_other_namespaces_is_shown_and_a_focused_button_stays(
    server: Handle, opened: Page, chromium: ChromiumThread
) -> None:
    with server.namespace("busy") as busy:
        chromium.expect(opened.get_by_role("row", name="busy")).to_be_visible()
        opened.get_by_role("button", name="Delete the namespace busy").focus()
        with busy.client() as client:
            client.get("/patient-profiles")
        chromium.expect(opened.get_by_role("row", name="busy").get_by_role("cell").nth(2)).to_have_text("2")

        chromium.expect(opened.get_by_role("button", name="Delete the namespace busy")).to_be_focused()


def test_shortcuts_work_in_the_view(server: Handle, opened: Page, chromium: ChromiumThread) -> None:
    opened.context.grant_permissions(["clipboard-read", "clipboard-write"])
    opened.keyboard.press("f")
    chromium.expect(opened.get_by_text("Frozen.")).to_be_visible()
    opened.keyboard.press("c")
    chromium.expect(opened.locator(".toast")).to_have_text("Copied")
    copied = opened.evaluate("navigator.clipboard.readText()")
    opened.keyboard.press("n")
    chromium.expect(opened.get_by_role("dialog", name="New namespace")).to_be_visible()

    assert copied == server.base_url


def test_axe_finds_nothing_in_now(opened: Page, chromium: ChromiumThread) -> None:
    opened.get_by_role("button", name="Fixed host").click()
    whole = chromium.violations(opened)
    opened.get_by_role("button", name="New namespace").click()

    assert whole + chromium.violations(opened) == []


@pytest.mark.parametrize("tab", ["env", "python", "host"])
def test_now_never_scrolls_sideways_on_a_phone(server: Handle, page: Page, chromium: ChromiumThread, tab: str) -> None:
    page.set_viewport_size({"width": 360, "height": 800})
    page.goto(f"{server.url}/_mock/#/now?code={tab}")
    chromium.expect(page.get_by_role("heading", name="Namespaces")).to_be_visible()

    assert page.evaluate("document.documentElement.scrollWidth") == 360
    assert page.evaluate("document.querySelector('main').scrollWidth") == 360
