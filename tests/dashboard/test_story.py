"""The story of a half-filed note, from a new patient profile to the restored state, as one person lives it."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pytest
from browser import ChromiumThread

from mock_heidi import Handle

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.slow

NOTE = {
    "generation_method": "TEMPLATE",
    "template_id": "659b8042fe093d6592b41ef7",
    "addition": "Brief",
    "voice_style": "BRIEF",
    "brain": "LEFT",
}
CLIENT = f"""
mock_heidi.session("1234567890", transcript="I have had a headache for two days.")
with mock_heidi.client() as client:
    lines = client.post("/sessions/1234567890/consult-note", json={NOTE}).text.splitlines()
filed = "".join(json.loads(line.removeprefix("data: "))["data"] for line in lines if line)
"""
"""A client that takes the stream for the whole note."""


@pytest.fixture
def story(server: Handle, page: Page, chromium: ChromiumThread) -> Story:
    page.goto(f"{server.url}/_mock/")
    return Story(server, page, chromium)


class Story:
    """The steps of the person in the dashboard."""

    def __init__(self, server: Handle, page: Page, chromium: ChromiumThread) -> None:
        self.server, self.page, self.see = server, page, chromium.expect
        self.session = ""

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).first.click()

    def go(self, view: str) -> None:
        self.page.get_by_role("link", name=view, exact=True).click()
        self.see(self.page.get_by_role("heading", name=view, exact=True, level=1)).to_be_visible()

    def create(self) -> None:
        self.go("Patients")
        self.press("New patient profile")
        self.page.get_by_label("First name").fill("Ada")
        self.page.get_by_label("Additional context").fill("Allergic to penicillin.")
        self.press("Create the patient profile")
        self.press("New session")
        self.page.get_by_label("Session name").fill("Headache")
        self.press("Create the session")
        self.see(self.page.get_by_role("heading", name="Headache", level=1)).to_be_visible()
        self.session = self.page.url.rsplit("/", 1)[1]

    def type_the_transcript(self) -> None:
        self.page.get_by_label("Transcript", exact=True).fill("I have had a headache for two days. No fever.")
        self.press("Save the transcript")
        self.see(self.page.get_by_text("It was typed.", exact=True)).to_be_visible()

    def ask_for_the_note(self) -> None:
        self.page.get_by_role("link", name="Ask the mock for it").click()
        self.press("Send POST")
        self.see(self.page.locator(".try-answer")).to_contain_text("200 OK")
        self.page.goto(f"{self.server.url}/_mock/#/sessions/{self.session}?note=origins")
        said = self.page.get_by_role("listitem").filter(has_text="headache for two days")
        self.see(said).to_contain_text("Transcript")
        known = self.page.get_by_role("listitem").filter(has_text="Allergic to penicillin.")
        self.see(known.get_by_role("link", name="Additional context")).to_be_visible()

    def finish(self) -> None:
        self.press("Open the note again")
        self.press("Finish the note")
        self.see(self.page.get_by_role("button", name="Open the note again")).to_be_visible()

    def take_a_snapshot(self) -> None:
        self.go("State")
        self.page.get_by_label("Name of a snapshot").fill("finished")
        self.press("Take it")
        self.see(self.page.get_by_role("button", name="Restore finished")).to_be_visible()

    def set_the_fault(self) -> None:
        self.go("Faults")
        self.press("New rule")
        self.page.get_by_label("Operation", exact=True).select_option("generate_consult_note")
        self.press("end_after")
        self.see(self.page.get_by_text("Give end_after a value.")).to_be_visible()
        self.page.keyboard.type("3")
        self.see(self.page.locator(".says")).to_contain_text("the stream ends cleanly after 3 pieces.")
        self.press("Add the rule")
        self.see(self.page.locator(".toast")).to_contain_text("Rule fault-1 is set.")

    def find_the_half_note(self) -> None:
        self.go("Requests")
        self.page.locator(".row").filter(has_text="fault").click()
        self.see(self.page.get_by_text("A fault ended it as if it were complete after 3 pieces.")).to_be_visible()
        self.press("Piece before")
        self.see(self.page.get_by_text("Piece 2 of 3")).to_be_visible()
        self.see(self.page.locator(".changes")).to_contain_text("consult_note.result")

    def copy_the_test(self) -> str:
        self.press("Expect in a test")
        lines = self.page.get_by_role("dialog").locator("pre").inner_text()
        self.page.keyboard.press("Escape")
        return str(lines)

    def restore(self) -> None:
        self.go("State")
        self.press("Compare finished")
        self.see(self.page.locator(".compared")).to_contain_text("consult_note.result")
        self.press("Restore finished")
        self.see(self.page.locator(".compared")).to_contain_text("No differences: all records are equal.")


def with_client(lines: str, end: str) -> str:
    """The copied lines as a test file, with a client and a last line in the places of their comments."""
    head, found, rest = lines.partition("    # Let your client work here")
    assert found
    body = rest.split("\n", 1)[1].split("    # Then compare")[0]
    return f"import json\n\n\n{head}{textwrap.indent(CLIENT, '    ')}{body}    {end}\n"


def test_a_half_filed_note_is_made_found_and_undone(story: Story, pytester: pytest.Pytester) -> None:
    story.create()
    story.type_the_transcript()
    story.ask_for_the_note()
    story.finish()
    finished = story.server.session(story.session)["consult_note"]
    story.take_a_snapshot()
    story.set_the_fault()
    with story.server.client() as client:
        answer = client.post(f"/sessions/{story.session}/consult-note", json=NOTE)
    story.find_the_half_note()
    lines = story.copy_the_test()
    stored = story.server.session(story.session)["consult_note"]["result"]
    story.restore()

    assert len(answer.text.split()) < len(stored.split())
    assert story.server.session(story.session)["consult_note"] == finished
    whole = 'mock_heidi.session("1234567890")["consult_note"]["result"]'
    pytester.makepyfile(
        test_filed=with_client(lines, f"assert filed == {whole}"),
        test_shorter=with_client(lines, f"assert len(filed) < len({whole})"),
    )
    pytester.runpytest("-q").assert_outcomes(failed=1, passed=1)
