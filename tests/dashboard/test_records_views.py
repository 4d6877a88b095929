"""The views of patients and sessions: lists, the page of each record, and the clinician's hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from browser import ChromiumThread
from clients import JOHN

from mock_heidi import Handle, MockHeidi

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.slow

# A session with audio, a generated note, documents and a patient.
SESSION = "307938912914151495305272839155616485639"
PIECE = "677b2dff5f12d8b6e0937ac4"
# A session of a linked user, without a note.
WITHOUT_NOTE = "149526525691435075790316147751231032795"
HOSTILE = '\u202e<img src=x onerror="alert(1)">\u200b' + "x" * 3_000


def open_view(page: Page, server: Handle, path: str) -> None:
    page.goto(f"{server.url}/_mock/#/{path}")


def rows(page: Page) -> Any:
    """The drawn rows of a list."""
    return page.get_by_role("listbox").get_by_role("option")


def patients(server: Handle, text: str) -> list[Any]:
    rows: list[Any] = server.control("GET", f"/state/patient_profiles?text={text}")["records"]
    return rows


# --- Patients ---


def test_a_patient_is_searched_for_and_opened_with_the_keyboard(
    server: Handle, page: Page, chromium: ChromiumThread
) -> None:
    open_view(page, server, "patients")
    chromium.expect(page.get_by_role("status").filter(has_text="15 patient profiles")).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type("john")
    chromium.expect(rows(page)).to_have_count(1)
    assert page.url.endswith("#/patients?text=john")
    page.reload()
    chromium.expect(page.get_by_label("Search patients")).to_have_value("john")
    page.get_by_label("Search patients").press("ArrowDown")
    page.keyboard.press("Enter")

    chromium.expect(page.get_by_role("heading", name="John Doe")).to_be_visible()
    chromium.expect(page.get_by_label("E-mail")).to_have_value("john.doe@example.com")
    chromium.expect(page.get_by_role("link", name="Home blood pressure review")).to_be_visible()
    page.go_back()
    chromium.expect(rows(page)).to_have_count(1)


def test_a_search_that_finds_nothing_leads_back_to_all(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    open_view(page, server, "patients?text=nobody")
    chromium.expect(page.get_by_role("heading", name="No patient profile matches.")).to_be_visible()
    page.get_by_role("link", name="Show all patients").click()

    chromium.expect(rows(page).first).to_be_visible()


def test_a_patient_is_created_edited_and_deleted_with_undo(
    server: Handle, page: Page, chromium: ChromiumThread
) -> None:
    open_view(page, server, "patients")
    page.get_by_role("button", name="New patient profile").click()
    page.get_by_label("First name").fill("Ada")
    page.get_by_label("Birth date").fill("1815")
    page.get_by_label("First name").press("Enter")
    chromium.expect(page.get_by_label("Birth date")).to_be_focused()
    chromium.expect(page.get_by_role("alert").filter(has_text="should be a valid date")).to_be_visible()
    page.get_by_label("Birth date").fill("1815-12-10")
    page.get_by_role("button", name="Create the patient profile").click()
    chromium.expect(page.get_by_role("heading", name="Ada")).to_be_visible()
    (made,) = patients(server, "ada")
    assert page.url.endswith(f"#/patients/{made['id']}")

    page.get_by_label("Last name").fill("Lovelace")
    page.get_by_label("Remember consent").select_option("true")
    page.get_by_label("Identifiers").fill("[1, ")
    page.get_by_role("button", name="Save").click()
    chromium.expect(page.get_by_role("alert").filter(has_text="This is not JSON")).to_be_visible()
    page.get_by_label("Identifiers").fill('[{"type": "NHI"}]')
    page.get_by_label("Identifiers").press("Control+Enter")
    chromium.expect(page.get_by_role("heading", name="Ada Lovelace")).to_be_visible()
    record = server.state.get("patient_profiles", made["id"])
    assert (record["last_name"], record["remember_consent"], record["identifiers"]) == (
        "Lovelace",
        True,
        [{"type": "NHI"}],
    )

    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("button", name="Cancel").click()
    assert patients(server, "lovelace") != []
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("button", name="Delete the patient profile").click()
    chromium.expect(page.get_by_text("Ada Lovelace is deleted.")).to_be_visible()
    assert patients(server, "lovelace") == []
    page.get_by_role("button", name="Undo").click()
    chromium.expect(page.get_by_role("heading", name="Ada Lovelace")).to_be_visible()
    assert server.state.get("patient_profiles", made["id"]) == record


@pytest.mark.parametrize("sessions", ["kept", "deleted"])
def test_the_undo_of_a_deletion_links_the_sessions_again(
    server: Handle, page: Page, chromium: ChromiumThread, sessions: str
) -> None:
    server.assume(deleted_profile_sessions=sessions)
    before = {row["session_id"] for row in server.state.sessions() if row["patient_profile_id"] == JOHN}
    open_view(page, server, f"patients/{JOHN}")
    page.get_by_role("button", name="Delete", exact=True).click()
    chromium.expect(page.get_by_role("dialog")).to_contain_text("3 sessions")
    page.get_by_role("button", name="Delete the patient profile").click()
    page.get_by_role("button", name="Undo").click()
    chromium.expect(page.get_by_role("heading", name="John Doe")).to_be_visible()

    after = {row["session_id"] for row in server.state.sessions() if row["patient_profile_id"] == JOHN}
    assert len(before) == 3
    assert after == before


def test_a_change_by_a_client_joins_what_a_person_is_typing(
    server: Handle, page: Page, chromium: ChromiumThread
) -> None:
    open_view(page, server, f"patients/{JOHN}")
    page.get_by_label("Last name").fill("Dough")
    server.state.edit("patient_profiles", JOHN, {"phone": "+15550100"})
    chromium.expect(page.get_by_label("Phone")).to_have_value("+15550100")
    chromium.expect(page.get_by_label("Last name")).to_have_value("Dough")

    server.state.edit("patient_profiles", JOHN, {"last_name": "Do"})
    chromium.expect(page.get_by_role("heading", name="John Do", exact=True)).to_be_visible()
    chromium.expect(page.get_by_text("The record changed meanwhile: Last name.")).to_be_visible()
    chromium.expect(page.get_by_label("Last name")).to_have_value("Dough")
    page.get_by_role("button", name="Load the change").click()
    chromium.expect(page.get_by_label("Last name")).to_have_value("Do")

    server.state.delete("patient_profiles", JOHN)
    page.get_by_role("alert").filter(has_text="was deleted meanwhile").get_by_role("button").click()
    chromium.expect(page.get_by_text("was deleted meanwhile")).to_be_hidden()
    assert server.state.get("patient_profiles", JOHN)["last_name"] == "Do"


def test_unsaved_text_is_still_there_after_another_view(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    open_view(page, server, f"patients/{JOHN}")
    page.get_by_label("Phone").fill("+15550111")
    page.get_by_role("link", name="Now").click()
    chromium.expect(page.get_by_role("heading", name="Now")).to_be_visible()
    page.go_back()

    chromium.expect(page.get_by_label("Phone")).to_have_value("+15550111")
    page.get_by_role("button", name="Discard changes").click()
    chromium.expect(page.get_by_label("Phone")).to_have_value("+1234567890")


def test_ten_thousand_patients_draw_only_visible_rows(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    server.control("POST", "/state", {"patient_profiles": [{"first_name": f"Patient {n}"} for n in range(10_000)]})
    open_view(page, server, "patients")
    chromium.expect(page.get_by_text("10,015 patient profiles")).to_be_visible()
    page.get_by_role("listbox").press("End")
    chromium.expect(page.get_by_role("listbox").get_by_role("option", name="John Doe")).to_be_visible()
    assert rows(page).count() < 60
    asked = page.evaluate(
        "performance.getEntriesByType('resource').filter((one) => one.name.includes('offset=')).length"
    )
    assert asked < 10

    page.get_by_label("Search patients").fill("patient 9999")
    chromium.expect(rows(page)).to_have_count(1)


def test_a_new_patient_appears_in_the_list(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    open_view(page, server, "patients")
    chromium.expect(page.locator("#live")).to_have_text("Live")
    server.state.add_patient(first_name="Grace", last_name="Hopper")

    chromium.expect(rows(page).first).to_contain_text("Grace Hopper")
    chromium.expect(page.get_by_text("16 patient profiles")).to_be_visible()


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


# --- Sessions ---


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
    page.get_by_role("button", name="Priyanka Raghunathan").click()
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
    chromium.expect(page.get_by_text("It was typed, and replaces what the audio says.")).to_be_visible()
    assert server.session(SESSION)["transcript"] == "Good morning."

    page.get_by_role("button", name="Use the audio again").click()
    chromium.expect(page.get_by_label("Transcript by pieces of audio")).to_be_visible()
    assert server.session(SESSION)["transcript"] is None


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


def test_a_clinician_writes_and_finishes_a_note(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    open_view(page, server, f"sessions/{WITHOUT_NOTE}")
    page.get_by_role("button", name="Write the note").click()
    page.get_by_label("Heading").fill("Skin check")
    page.get_by_label("Text of the note").fill("Findings\n\n● No **new** naevi.\n● Review in a year.")
    page.get_by_role("button", name="Save the note").click()
    chromium.expect(page.get_by_role("button", name="Open it again")).to_be_visible()
    page.locator("main").press("v")
    note = page.locator(".note")
    chromium.expect(note.get_by_role("heading", name="Findings")).to_be_visible()
    chromium.expect(note.get_by_role("listitem")).to_have_text(["No new naevi.", "Review in a year."])
    chromium.expect(note.locator("strong")).to_have_text("new")
    assert server.session(WITHOUT_NOTE)["consult_note"]["heading"] == "Skin check"

    page.get_by_role("button", name="Open it again").click()
    page.get_by_role("button", name="Finish the note").click()
    chromium.expect(page.get_by_role("button", name="Open it again")).to_be_visible()
    assert server.session(WITHOUT_NOTE)["consult_note"]["status"] == "COMPLETED"
    before = server.session(WITHOUT_NOTE)
    page.get_by_role("button", name="Remove the note").click()
    chromium.expect(page.get_by_role("button", name="Write the note")).to_be_visible()
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
    chromium.expect(page.get_by_text("Another user is linked to this Heidi account.")).to_be_visible()
    page.get_by_label("Heidi account").fill("")
    page.get_by_role("dialog").get_by_role("button", name="Link the account").click()
    chromium.expect(page.get_by_role("button", name="Unlink dr.jonas.lind@example.com")).to_be_visible()
    account = linked()["dr.jonas.lind@example.com"]
    assert account.startswith("kp_")

    open_view(page, server, "sessions/accounts")
    page.get_by_role("button", name="Unlink dr.jonas.lind@example.com").click()
    chromium.expect(page.get_by_role("button", name="Link dr.jonas.lind@example.com")).to_be_visible()
    assert linked()["dr.jonas.lind@example.com"] is None
    page.get_by_role("button", name="Undo").click()
    chromium.expect(page.get_by_role("button", name="Unlink dr.jonas.lind@example.com")).to_be_visible()
    assert linked()["dr.jonas.lind@example.com"] == account
    page.get_by_role("button", name="Link another user").click()
    page.get_by_label("E-mail of the user").fill("ada@example.com")
    page.get_by_label("Third-party internal id").fill("1")
    page.get_by_role("dialog").get_by_role("button", name="Link the account").click()
    chromium.expect(page.get_by_role("button", name="Unlink ada@example.com")).to_be_visible()
    assert linked()["ada@example.com"].startswith("kp_")


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


# --- Hostile data, and the look ---


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
        ("&lt;script&gt; &#8238; &#60;", "&lt;script&gt; \u2039202e\u203a &#60;"),
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


PAGES = ["patients", f"patients/{JOHN}", "patients/new", "sessions", "sessions/new", "sessions/accounts"]
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
