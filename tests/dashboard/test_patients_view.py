"""The view of patients: the list, and the page of a patient profile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from browser import ChromiumThread
from clients import JOHN
from record_views import open_view, rows

from mock_heidi import Handle

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.slow


def patients(server: Handle, text: str) -> list[Any]:
    rows: list[Any] = server.control("GET", f"/state/patient_profiles?text={text}")["records"]
    return rows


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
