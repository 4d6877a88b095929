"""The note of a session: its text, its codes and origins, and the clinician who writes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from browser import ChromiumThread
from record_views import SESSION, open_view
from running import until

from mock_heidi import Handle

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.slow

WITHOUT_NOTE = "149526525691435075790316147751231032795"
"""A session with audio that waits for its transcription."""


def test_the_codes_are_marked_in_the_note_and_a_part_leads_to_its_source(
    server: Handle, page: Page, chromium: ChromiumThread
) -> None:
    open_view(page, server, f"sessions/{SESSION}")
    codes = server.control("GET", f"/sessions/{SESSION}/content")["codes"]
    chromium.expect(page.locator("mark")).to_have_count(sum(len(code["in_note"]) for code in codes))
    chromium.expect(page.locator("mark").first).to_have_attribute("title", "SCT-MOCK-0004 Low mood (mock concept)")
    page.get_by_text("7 clinical codes").click()
    page.get_by_role("button", name="Insomnia, unspecified").click()
    chromium.expect(page.locator("mark.on")).to_have_text(["Insomnia", "insomnia"])

    page.get_by_role("button", name="Origins").click()
    assert page.url.endswith("?note=origins")
    item = page.get_by_role("listitem").filter(has_text="Began a few weeks after separation")
    item.get_by_role("button", name="Audio 0:00").click()
    chromium.expect(page.locator("tr.shown")).to_contain_text("0:00")
    person = page.get_by_role("listitem").filter(has_text="1988-08-22").get_by_role("link", name="Patient")
    assert str(person.get_attribute("href")).startswith("#/patients/")


def test_places_of_codes_are_counted_in_characters(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    server.session(SESSION, consult_note={"result": "Plan\n\n● \U0001fac0\U0001fac0 insomnia"})
    open_view(page, server, f"sessions/{SESSION}")

    chromium.expect(page.locator("mark")).to_have_text("insomnia")


def test_an_html_note_has_its_marks_and_its_origins(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    asked = {"generation_method": "TEMPLATE", "template_id": "659b8042fe093d6592b41ef7", "addition": ""}
    with server.client() as client:
        path = f"/sessions/{SESSION}/consult-note"
        client.post(path, json={**asked, "voice_style": "GOLDILOCKS", "brain": "LEFT", "content_type": "HTML"})
    open_view(page, server, f"sessions/{SESSION}")
    note = page.frame_locator("iframe").locator("body")
    chromium.expect(note.locator("mark").first).to_have_attribute("title", "SCT-MOCK-0004 Low mood (mock concept)")

    page.get_by_role("button", name="Origins").click()
    item = page.locator(".prose p").filter(has_text="Began a few weeks after separation")
    chromium.expect(item.get_by_role("button", name="Audio 0:00")).to_be_visible()


def test_the_mock_is_asked_for_the_note_of_a_session(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    made = server.state.add_session(transcript="I have had a headache for two days.")["session_id"]
    for _ in range(51):
        server.state.add_session()
    open_view(page, server, f"sessions/{made}")
    page.get_by_role("link", name="Ask the mock for it").click()
    chromium.expect(page.get_by_label("session_id")).to_have_value(made)
    page.get_by_role("button", name="Send POST").click()
    chromium.expect(page.locator(".try-answer")).to_contain_text("200 OK")

    note = until(lambda: server.session(made)["consult_note"])
    assert "headache for two days" in note["result"]


def test_a_clinician_writes_and_finishes_a_note(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    open_view(page, server, f"sessions/{WITHOUT_NOTE}")
    page.get_by_role("button", name="Type the note").click()
    page.get_by_label("Heading").fill("Skin check")
    page.get_by_label("Text of the note").fill("Findings\n\n● No **new** naevi.\n● Review in a year.")
    page.get_by_role("button", name="Save the note").click()
    chromium.expect(page.get_by_role("button", name="Open the note again")).to_be_visible()
    page.locator("main").press("v")
    note = page.locator(".note")
    chromium.expect(note.get_by_role("heading", name="Findings")).to_be_visible()
    chromium.expect(note.get_by_role("listitem")).to_have_text(["No new naevi.", "Review in a year."])
    chromium.expect(note.locator("strong")).to_have_text("new")
    assert server.session(WITHOUT_NOTE)["consult_note"]["heading"] == "Skin check"

    page.get_by_role("button", name="Open the note again").click()
    page.get_by_role("button", name="Finish the note").click()
    chromium.expect(page.get_by_role("button", name="Open the note again")).to_be_visible()
    assert server.session(WITHOUT_NOTE)["consult_note"]["status"] == "COMPLETED"
    before = server.session(WITHOUT_NOTE)
    page.get_by_role("button", name="Remove the note").click()
    chromium.expect(page.get_by_role("button", name="Type the note")).to_be_visible()
    assert server.session(WITHOUT_NOTE)["consult_note"] is None
    page.get_by_role("button", name="Undo").click()
    chromium.expect(note.get_by_role("heading", name="Findings")).to_be_visible()
    assert server.session(WITHOUT_NOTE)["consult_note"] == before["consult_note"]


def test_a_note_that_changes_while_it_is_written_does_not_replace_the_text(
    server: Handle, page: Page, chromium: ChromiumThread
) -> None:
    open_view(page, server, f"sessions/{SESSION}?note=edit")
    page.get_by_label("Text of the note").fill("Mine")
    server.session(SESSION, consult_note={"result": "Theirs"})
    chromium.expect(page.get_by_text("The record changed meanwhile: Text of the note.")).to_be_visible()
    chromium.expect(page.get_by_label("Text of the note")).to_have_value("Mine")

    page.get_by_role("button", name="Load the change").click()
    chromium.expect(page.get_by_label("Text of the note")).to_have_value("Theirs")


def test_work_that_the_clock_completes_is_shown_without_a_reload(
    server: Handle, page: Page, chromium: ChromiumThread
) -> None:
    server.control("PUT", "/transitions", {"consult_note": {"after_seconds": 60}})
    server.clock.freeze()
    with server.client() as client:
        made = client.post("/sessions").json()["session_id"]
        asked = {"generation_method": "TEMPLATE", "addition": "Sore throat.", "template_id": "659b8042fe093d6592b41ef7"}
        client.post(f"/sessions/{made}/consult-note", json={**asked, "voice_style": "GOLDILOCKS", "brain": "LEFT"})
    open_view(page, server, f"sessions/{made}")
    chromium.expect(page.locator(".note .badge")).to_have_text("Created")
    server.clock.advance(61)

    chromium.expect(page.locator(".note .badge")).to_have_text("Completed")


HOSTILE_NOTE = """<h2>Plan &amp; <b onclick="top.ran=1">review</b></h2><script>top.ran = 1</script>
<p style="position:fixed" onmouseover=top.ran=1>See <a href="https://evil.example/a" target="_top">this</a>,
<a href='/_mock/#/now'>that</a> and 3 < 4 &#x202e;gnp</p><img src="https://evil.example/i.png" onerror="top.ran=1">
<meta http-equiv="refresh" content="0;url=https://evil.example/"><base href="https://evil.example/">
<form action="https://evil.example/f"><button>Send</button></form><svg onload="top.ran=1"><a>x</a></svg>
<iframe src="https://evil.example/"></iframe><link rel=stylesheet href="https://evil.example/s.css"><ul><li>End"""


def test_an_html_note_is_shown_and_does_nothing(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    asked: list[str] = []
    page.context.on("request", lambda request: asked.append(request.url))
    server.session(SESSION, consult_note={"result": HOSTILE_NOTE})
    open_view(page, server, f"sessions/{SESSION}")
    note = page.frame_locator("iframe").locator("body")
    chromium.expect(note.get_by_role("heading")).to_have_text("Plan & review")
    chromium.expect(note).to_contain_text("See this, that and 3 < 4 \u2039202e\u203agnp")
    chromium.expect(note.get_by_role("listitem")).to_have_text("End")
    note.get_by_text("that and").click(position={"x": 5, "y": 5})
    note.get_by_text("review").click()
    note.get_by_text("Send").click()
    page.keyboard.press("Enter")
    chromium.expect(note.get_by_role("heading")).to_have_text("Plan & review")

    assert page.url.endswith(f"#/sessions/{SESSION}")
    assert page.evaluate("window.ran") is None
    assert [url for url in asked if "evil" in url] == []
    assert note.locator("a[href], img, form, button, script, meta, link, iframe, svg, [style]").count() == 0
    page.get_by_role("button", name="Source").click()
    chromium.expect(page.get_by_role("region", name="Source")).to_contain_text("<script>top.ran = 1</script>")


def test_the_frame_of_an_html_note_forbids_what_its_filter_might_miss(
    server: Handle, page: Page, chromium: ChromiumThread
) -> None:
    server.session(SESSION, consult_note={"result": "<p>Text</p>"})
    open_view(page, server, f"sessions/{SESSION}")
    frame = page.locator("iframe")

    chromium.expect(frame).to_have_attribute("sandbox", "")
    assert "default-src 'none'" in str(frame.get_attribute("srcdoc"))


@pytest.mark.parametrize(
    ("html", "written"),
    [
        ("<P>One<br/>two</P>", "<p>One<br>two</p>"),
        ("<p title='a>b' onclick=\"x>y\">t</p>", "<p>t</p>"),
        ("<scr<script>ipt>alert(1)</script>", "&lt;scr"),
        ("<script>never closed", ""),
        ("<!-- <p> --><p>x</p><!doctype html><?xml?>", "<p>x</p>"),
        ("a <b c", "a &lt;b c"),
        ("\u0130\u0130<B>x</B>", "\u0130\u0130<b>x</b>"),
        ("&lt;script&gt; &#8238; &#60;", "&lt;script&gt; \u2039202e\u203a &#60;"),
        (
            "a&rlm;b&ZeroWidthSpace;&shy c&eacute;&italic;",
            "a\u2039200f\u203ab\u2039200b\u203a\u203900ad\u203a c&eacute;&italic;",
        ),
        ("<a href=javascript:alert(1)>x</a><unknown>y</unknown>", "<a>x</a>y"),
        ("<STYLE>p{}</STYLE><object><p>in</p></object>out", "out"),
    ],
)
def test_only_elements_that_structure_a_text_are_kept(server: Handle, page: Page, html: str, written: str) -> None:
    open_view(page, server, "now")

    load = "async (html) => (await import('/_mock/ui/views/note-frame.js')).harmless(html)"
    assert page.evaluate(load, html) == written


def test_a_very_long_note_is_shown_whole(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    lines = "\n".join(f"● Line {n} with insomnia" for n in range(5_000))
    server.session(SESSION, consult_note={"result": f"Plan\n\n{lines}"})
    open_view(page, server, f"sessions/{SESSION}")

    chromium.expect(page.locator(".note .prose li")).to_have_count(5_000)
