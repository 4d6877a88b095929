"""The view of sessions: the list, and the page of a consultation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from browser import ChromiumThread
from clients import JOHN
from record_views import SESSION, open_view, rows

from mock_heidi import Handle

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.slow

PIECE = "677b2dff5f12d8b6e0937ac4"
WAITING = "149526525691435075790316147751231032795"
"""A session with audio that waits for its transcription."""


def test_a_session_is_found_by_its_patient(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    open_view(page, server, "sessions")
    page.get_by_label("Search sessions").fill("john doe")
    chromium.expect(rows(page)).to_have_count(3)
    page.get_by_role("listbox").get_by_role("option", name="Home blood pressure review").click()
    chromium.expect(page.get_by_role("heading", name="Home blood pressure review")).to_be_visible()

    open_view(page, server, f"sessions?patient_profile_id={JOHN}")
    chromium.expect(page.get_by_text("Only the sessions of John Doe.")).to_be_visible()
    chromium.expect(rows(page)).to_have_count(3)


def test_a_session_is_created_linked_renamed_and_deleted_with_undo(
    server: Handle, page: Page, chromium: ChromiumThread
) -> None:
    open_view(page, server, f"patients/{JOHN}")
    page.get_by_role("button", name="New session").click()
    chromium.expect(page.get_by_role("link", name="John Doe")).to_be_visible()
    page.get_by_label("Session name").fill("Sore throat")
    page.get_by_role("button", name="Create the session").click()
    chromium.expect(page.get_by_role("heading", name="Sore throat")).to_be_visible()
    made = page.url.rsplit("/", 1)[1]
    assert server.session(made)["patient_profile_id"] == JOHN

    page.get_by_role("button", name="Choose another").click()
    page.get_by_role("dialog").get_by_label("Search").fill("priyanka")
    chromium.expect(page.get_by_role("dialog").get_by_role("listitem")).to_have_count(1)
    page.keyboard.press("Enter")
    chromium.expect(page.get_by_role("link", name="Priyanka Raghunathan")).to_be_visible()
    page.get_by_role("button", name="Link a session").click()
    page.get_by_role("dialog").get_by_label("Search").fill("low mood, insomnia")
    page.get_by_role("button", name="Low mood, insomnia").click()
    chromium.expect(page.get_by_role("link", name="Low mood, insomnia")).to_be_visible()
    assert server.session(made)["linked_sessions_for_context"] == [SESSION]
    page.get_by_role("button", name="Unlink Low mood, insomnia").click()
    chromium.expect(page.get_by_role("link", name="Low mood, insomnia")).to_have_count(0)
    page.get_by_role("button", name="Unlink", exact=True).click()
    chromium.expect(page.get_by_text("No patient profile is linked.")).to_be_visible()
    assert server.session(made)["patient_profile_id"] is None

    page.locator("main").press("r")
    page.get_by_role("dialog").get_by_label("Session name").fill("Cough")
    page.keyboard.press("Enter")
    chromium.expect(page.get_by_role("heading", name="Cough")).to_be_visible()
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("button", name="Delete the session").click()
    chromium.expect(page.get_by_text("The session Cough is deleted.")).to_be_visible()
    assert made not in {row["session_id"] for row in server.state.sessions()}
    page.get_by_role("button", name="Undo").click()
    chromium.expect(page.get_by_role("heading", name="Cough")).to_be_visible()
    assert server.session(made)["session_name"] == "Cough"


def test_audio_lies_on_a_time_line_and_a_piece_can_be_made_to_fail(
    server: Handle, page: Page, chromium: ChromiumThread
) -> None:
    open_view(page, server, f"sessions/{SESSION}")
    pieces = page.get_by_role("region", name="Pieces of audio").get_by_role("row")
    chromium.expect(pieces).to_have_count(10)
    chromium.expect(pieces.nth(2)).to_contain_text("1:00")
    chromium.expect(pieces.nth(9)).to_contain_text("49.9 s")
    pieces.nth(2).get_by_role("checkbox").focus()
    page.keyboard.press("Space")
    chromium.expect(pieces.nth(2)).to_contain_text("Failed")
    chromium.expect(pieces.nth(2).get_by_role("checkbox")).to_be_focused()
    chromium.expect(page.locator(".piece.failed")).to_have_count(1)
    chromium.expect(page.get_by_text("The transcription of this piece failed.")).to_be_visible()

    failed = {piece["id"] for piece in server.session(SESSION)["audio"] if piece["failed"]}
    assert failed == {PIECE}
    pieces.nth(2).get_by_role("checkbox").click()
    chromium.expect(pieces.nth(2)).to_contain_text("Ready")


def test_a_segment_that_has_not_arrived_is_a_gap(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    record = server.session(SESSION)
    server.state.edit("sessions", SESSION, {"audio": [row for row in record["audio"] if row["id"] != PIECE]})
    open_view(page, server, f"sessions/{SESSION}")

    chromium.expect(page.get_by_text("It has not arrived.")).to_be_visible()
    chromium.expect(page.locator(".piece.missing")).to_have_count(1)


def test_a_transcript_is_corrected_saved_and_given_up(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    open_view(page, server, f"sessions/{SESSION}")
    chromium.expect(page.get_by_label("Transcript by pieces of audio")).to_contain_text("Thanks for coming in.")
    page.get_by_role("button", name="Correct it").click()
    field = page.get_by_label("Transcript", exact=True)
    assert "Thanks for coming in." in field.input_value()
    field.fill("Good morning.")
    page.get_by_role("button", name="Save the transcript").click()
    chromium.expect(page.get_by_text("It was typed. It replaces the audio.")).to_be_visible()
    assert server.session(SESSION)["transcript"] == "Good morning."

    page.get_by_role("button", name="Use the audio again").click()
    chromium.expect(page.get_by_label("Transcript by pieces of audio")).to_be_visible()
    assert server.session(SESSION)["transcript"] is None


def test_a_transcript_is_typed_before_the_audio_is_transcribed(
    server: Handle, page: Page, chromium: ChromiumThread
) -> None:
    open_view(page, server, f"sessions/{WAITING}")
    chromium.expect(page.get_by_text("It is not transcribed yet.")).to_be_visible()
    page.locator("main").press("t")
    chromium.expect(page.get_by_label("Transcript", exact=True)).to_be_focused()
    page.keyboard.type("A mole on the back.")
    page.keyboard.press("Control+Enter")
    chromium.expect(page.get_by_text("It was typed. It replaces the audio.")).to_be_visible()

    assert server.session(WAITING)["transcript"] == "A mole on the back."


def test_a_transcript_without_audio_is_typed_and_removed(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    made = server.state.add_session()["session_id"]
    open_view(page, server, f"sessions/{made}")
    page.get_by_label("Transcript", exact=True).fill("A mole on the back.")
    page.get_by_role("button", name="Save the transcript").click()
    chromium.expect(page.get_by_text("It was typed.", exact=True)).to_be_visible()
    page.get_by_role("button", name="Remove the transcript").click()
    chromium.expect(page.get_by_text("Type what was said.")).to_be_visible()

    assert server.session(made)["transcript"] is None


def test_documents_are_shown_and_one_is_removed_with_undo(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    open_view(page, server, f"sessions/{SESSION}")
    before = server.session(SESSION)["documents"]
    page.get_by_text("Patient explainer").click()
    chromium.expect(page.frame_locator("iframe").locator("body")).to_contain_text("Priyanka")
    page.get_by_role("button", name="Remove the document").click()
    chromium.expect(page.get_by_text("Patient explainer is removed.")).to_be_visible()
    assert [row["name"] for row in server.session(SESSION)["documents"]] == ["Referral letter"]

    page.get_by_role("button", name="Undo").click()
    chromium.expect(page.locator("details.document")).to_have_count(2)
    assert server.session(SESSION)["documents"] == before


def test_an_account_is_linked_and_unlinked(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    def linked() -> dict[str, Any]:
        return {row["email"]: row["linked_to"] for row in server.control("GET", "/state/users")["records"]}

    open_view(page, server, f"sessions/{SESSION}")
    page.get_by_role("button", name="Link dr.jonas.lind@example.com").click()
    page.get_by_label("Heidi account").fill("kp_465a5b904021058d98e273a3304adafe")
    page.get_by_role("button", name="Link the account").click()
    refusal = page.get_by_role("dialog").get_by_role("status")
    chromium.expect(refusal).to_contain_text("Another user is linked to this Heidi account. Unlink that user first")
    page.get_by_label("Heidi account").fill("")
    page.get_by_role("dialog").get_by_role("button", name="Link the account").click()
    chromium.expect(page.get_by_role("button", name="Unlink dr.jonas.lind@example.com")).to_be_visible()
    account = linked()["dr.jonas.lind@example.com"]
    assert account.startswith("kp_")

    open_view(page, server, "sessions/accounts")
    page.get_by_label("Search users").fill("jonas")
    chromium.expect(page.get_by_text("dr.mara.okafor@example.com")).to_have_count(0)
    page.get_by_role("button", name="Unlink dr.jonas.lind@example.com").click()
    chromium.expect(page.get_by_role("button", name="Link dr.jonas.lind@example.com")).to_be_visible()
    assert linked()["dr.jonas.lind@example.com"] is None
    page.get_by_role("button", name="Undo").click()
    chromium.expect(page.get_by_role("button", name="Unlink dr.jonas.lind@example.com")).to_be_visible()
    assert linked()["dr.jonas.lind@example.com"] == account
    page.get_by_label("Search users").fill("")
    page.get_by_role("button", name="Link another user").click()
    page.get_by_label("E-mail of the user").fill("ada@example.com")
    page.get_by_label("Third-party internal id").fill("1")
    page.get_by_role("dialog").get_by_role("button", name="Link the account").click()
    chromium.expect(page.get_by_role("button", name="Unlink ada@example.com")).to_be_visible()
    assert linked()["ada@example.com"].startswith("kp_")
