"""The view State: counts, snapshots, fixtures, reset, and the records as JSON."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from browser import ChromiumThread
from paths import ROOT

from mock_heidi import Handle, MockHeidi

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.slow

JOHN = "5eb7cf5a86d9755df3a6c593"
HOSTILE = "<img src=x onerror=alert(1)>\u202egnp.exe\u200b"
# The same as the page shows it, with the codes of characters that could not be seen.
VISIBLE = "<img src=x onerror=alert(1)>\u2039202e\u203agnp.exe\u2039200b\u203a"


@pytest.fixture
def opened(server: Handle, page: Page, chromium: ChromiumThread) -> Page:
    page.goto(f"{server.url}/_mock/#/state")
    chromium.expect(page.get_by_role("heading", name="Import")).to_be_visible()
    chromium.expect(page.locator("#live")).to_have_text("Live")
    return page


def name_of(server: Handle, patient: str = JOHN) -> Any:
    return server.control("GET", f"/state/patient_profiles/{patient}")["first_name"]


def take(page: Page, chromium: ChromiumThread, name: str) -> None:
    page.get_by_label("Name of a snapshot").fill(name)
    page.get_by_role("button", name="Take it").click()
    chromium.expect(page.get_by_role("button", name=f"Restore {name}", exact=True)).to_be_visible()


def test_each_kind_is_counted_and_a_change_is_seen(server: Handle, opened: Page, chromium: ChromiumThread) -> None:
    chromium.expect(opened.get_by_role("link", name="15 Patient profiles")).to_be_visible()
    chromium.expect(opened.get_by_role("link", name="8 Templates")).to_be_visible()
    server.state.add_patient(first_name="Ana")

    chromium.expect(opened.get_by_role("link", name="16 Patient profiles")).to_be_visible()


def test_a_snapshot_is_taken_compared_restored_and_deleted(
    server: Handle, opened: Page, chromium: ChromiumThread
) -> None:
    chromium.expect(opened.get_by_text("No snapshots yet.")).to_be_visible()
    take(opened, chromium, "before")
    added = server.state.add_patient(first_name="Ana")["id"]
    server.control("PATCH", f"/state/patient_profiles/{JOHN}", {"first_name": HOSTILE})
    opened.get_by_role("button", name="Compare before").click()
    compared = opened.locator(".compared")
    chromium.expect(compared).to_contain_text("Patient profiles: 1 changed, 1 added")
    chromium.expect(compared.get_by_role("row", name="first_name")).to_contain_text(VISIBLE)
    chromium.expect(compared.get_by_role("link", name=added)).to_be_visible()
    opened.reload()
    chromium.expect(compared).to_contain_text("1 changed, 1 added")
    take(opened, chromium, "after")
    opened.get_by_role("button", name="Compare before").click()
    opened.get_by_label("Compare with").select_option("after")
    chromium.expect(compared).to_contain_text("1 changed, 1 added")
    assert "to=after" in opened.url
    opened.get_by_role("button", name="Restore before", exact=True).click()
    chromium.expect(opened.locator(".toast")).to_contain_text("The snapshot before is restored.")
    opened.get_by_label("Compare with").select_option("the present state")
    chromium.expect(compared).to_contain_text("No differences: all records are equal.")
    restored = name_of(server)
    opened.locator(".toast").get_by_role("button", name="Undo").click()
    chromium.expect(opened.locator(".toast")).to_have_text("Everything is as it was before.")
    chromium.expect(compared).to_contain_text("1 changed, 1 added")
    undone = name_of(server)
    opened.get_by_role("button", name="Delete after").click()
    opened.get_by_role("dialog").get_by_role("button", name="Delete the snapshot").click()
    chromium.expect(opened.get_by_role("button", name="Delete after")).to_have_count(0)

    assert (restored, undone) == ("John", HOSTILE)
    assert [row["name"] for row in server.control("GET", "/snapshots")["snapshots"]] == ["before", "before-restore"]


def test_a_snapshot_is_not_replaced_without_a_question(server: Handle, opened: Page, chromium: ChromiumThread) -> None:
    take(opened, chromium, "before")
    server.state.add_patient(first_name="Ana")
    opened.get_by_label("Name of a snapshot").fill("before")
    opened.keyboard.press("Enter")
    chromium.expect(opened.get_by_role("dialog", name="There is a snapshot before. Replace it?")).to_be_visible()
    opened.keyboard.press("Escape")

    assert server.control("GET", "/snapshots/before")["counts"]["patient_profiles"] == 15


def test_equal_states_have_no_differences(opened: Page, chromium: ChromiumThread) -> None:
    take(opened, chromium, "before")
    opened.get_by_role("button", name="Compare before").click()

    chromium.expect(opened.locator(".compared")).to_contain_text("No differences: all records are equal.")


@pytest.mark.parametrize("form", ["YAML", "JSON"])
def test_an_export_is_downloaded_and_starts_another_server(
    server: Handle, opened: Page, tmp_path: Path, form: str
) -> None:
    server.control("PATCH", f"/state/patient_profiles/{JOHN}", {"first_name": "Jon"})
    with opened.expect_download() as waiting:
        opened.get_by_role("button", name=f"Download {form}").click()
    download = waiting.value
    saved = tmp_path / str(download.suggested_filename)
    download.save_as(str(saved))

    assert saved.name == f"heidi-default.{form.lower()}"
    with MockHeidi(fixtures=saved) as another:
        assert name_of(another) == "Jon"


def test_an_export_is_copied(opened: Page, chromium: ChromiumThread) -> None:
    opened.context.grant_permissions(["clipboard-read", "clipboard-write"])
    opened.get_by_role("button", name="Copy JSON").click()
    chromium.expect(opened.locator(".toast")).to_have_text("Copied")

    assert len(json.loads(opened.evaluate("navigator.clipboard.readText()"))["patient_profiles"]) == 15


def test_pasted_fixtures_are_added_and_a_file_replaces_all_with_an_undo(
    server: Handle, opened: Page, chromium: ChromiumThread, tmp_path: Path
) -> None:
    opened.get_by_label("Fixtures, as YAML or JSON").fill("patient_profiles:\n  - first_name: Ana")
    opened.get_by_role("button", name="Import").click()
    chromium.expect(opened.locator(".toast")).to_have_text("Added: 1 patient profile, 0 sessions.")
    chromium.expect(opened.get_by_role("link", name="16 Patient profiles")).to_be_visible()
    file = tmp_path / "ours.json"
    file.write_text('{"patient_profiles": [{"first_name": "Bo"}], "sessions": []}', encoding="utf-8")
    opened.get_by_label("A file").set_input_files(str(file))
    chromium.expect(opened.get_by_label("Fixtures, as YAML or JSON")).to_have_value(re.compile("Bo"))
    opened.get_by_label("Replace all records by these").check()
    opened.get_by_role("button", name="Import").click()
    chromium.expect(opened.locator(".toast")).to_contain_text("All records are replaced.")
    chromium.expect(opened.get_by_role("link", name="1 Patient profiles", exact=True)).to_be_visible()
    opened.locator(".toast").get_by_role("button", name="Undo").click()
    chromium.expect(opened.locator(".toast")).to_have_text("Everything is as it was before.")

    assert len(server.control("GET", "/state")["patient_profiles"]) == 16


def test_a_long_file_is_imported_without_being_shown(
    server: Handle, opened: Page, chromium: ChromiumThread, tmp_path: Path
) -> None:
    file = tmp_path / "long.json"
    file.write_text(
        json.dumps({"patient_profiles": [{"first_name": "Bo", "additional_context": "x" * 300_000}]}), encoding="utf-8"
    )
    field = opened.get_by_label("Fixtures, as YAML or JSON")
    opened.get_by_label("A file").set_input_files(str(file))
    chromium.expect(field).to_be_disabled()
    chromium.expect(field).to_have_value("")
    opened.get_by_role("button", name="Import").click()
    chromium.expect(opened.locator(".toast")).to_have_text("Added: 1 patient profile, 0 sessions.")
    chromium.expect(field).to_be_enabled()

    assert len(server.control("GET", "/state")["patient_profiles"]) == 16


def test_the_files_of_a_fixture_folder_are_imported_together(
    server: Handle, opened: Page, chromium: ChromiumThread
) -> None:
    server.control("PUT", "/state", {"patient_profiles": [], "sessions": []})
    files = [str(ROOT / "fixtures" / f"{kind}.yaml") for kind in ("patient_profiles", "sessions")]
    opened.get_by_label("A file").set_input_files(files)
    field = opened.get_by_label("Fixtures, as YAML or JSON")
    chromium.expect(field).to_have_value(re.compile("^sessions:", re.MULTILINE))
    opened.get_by_role("button", name="Import").click()

    chromium.expect(opened.locator(".toast")).to_have_text("Added: 15 patient profiles, 31 sessions.")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("patient_profiles:\n  - first_name: [3]\n  - {shoe: 1}", "patient_profiles[0].first_name"),
        ('{"patient_profiles": [', "The body is not JSON"),
        ("a: [", "Send valid YAML."),
        ("patient_profile: []", "unknown kind"),
    ],
)
def test_a_refused_import_names_each_problem_with_its_place(
    opened: Page, chromium: ChromiumThread, text: str, shown: str
) -> None:
    opened.get_by_label("Fixtures, as YAML or JSON").fill(text)
    opened.get_by_role("button", name="Import").click()

    chromium.expect(opened.get_by_role("region", name="Import").get_by_role("alert")).to_contain_text(shown)


def test_a_reset_of_everything_is_undone(server: Handle, opened: Page, chromium: ChromiumThread) -> None:
    server.control("PATCH", f"/state/patient_profiles/{JOHN}", {"first_name": "Jon"})
    server.clock.freeze("2025-01-06T09:00:00")
    server.fault("get_session", status=503)
    server.control("PUT", "/assumptions", {"profile_not_found": 400})
    for text in ("first", "second"):
        server.control("POST", "/replies", {"operation": "ask_ai", "text": text})
    opened.get_by_role("button", name="Reset …").click()
    opened.get_by_role("dialog").get_by_role("button", name="Reset", exact=True).click()
    chromium.expect(opened.locator(".toast")).to_contain_text("Reset: The namespace.")
    reset = name_of(server), server.faults(), server.control("GET", "/clock")["frozen"]
    opened.locator(".toast").get_by_role("button", name="Undo").click()
    chromium.expect(opened.locator(".toast")).to_have_text("Everything is as it was before.")

    assumptions = server.control("GET", "/assumptions")["assumptions"]
    replies = server.control("GET", "/replies")["replies"]
    assert reset == ("John", [], False)
    assert name_of(server) == "Jon"
    assert server.control("GET", "/clock") == {"now": "2025-01-06T09:00:00.000Z", "frozen": True, "speed": 0}
    assert [rule["status"] for rule in server.faults()] == [503]
    assert {row["name"]: row["value"] for row in assumptions}["profile_not_found"] == 400
    assert [reply.get("text") for reply in replies][:2] == ["second", "first"]


def test_a_reset_asks_if_there_is_no_room_for_its_snapshot(
    server: Handle, opened: Page, chromium: ChromiumThread
) -> None:
    for number in range(100):
        server.control("PUT", f"/snapshots/before-{number}")
    server.control("PATCH", f"/state/patient_profiles/{JOHN}", {"first_name": "Jon"})
    opened.get_by_role("button", name="Reset …").click()
    reset = opened.get_by_role("dialog", name="Reset this namespace").get_by_role("button", name="Reset", exact=True)
    reset.click()
    question = opened.get_by_role("dialog", name="A namespace takes 100 snapshots at most.")
    question.get_by_role("button", name="Cancel").click()
    chromium.expect(question).to_have_count(0)
    kept = name_of(server)
    reset.click()
    question.get_by_role("button", name="Go on without Undo").click()
    chromium.expect(opened.locator(".toast")).to_have_text("Reset: The namespace.")

    assert (kept, name_of(server)) == ("Jon", "John")
    assert len(server.control("GET", "/snapshots")["snapshots"]) == 100


def test_a_reset_keeps_the_parts_that_are_not_chosen(server: Handle, opened: Page, chromium: ChromiumThread) -> None:
    server.clock.freeze("2025-01-06T09:00:00")
    server.state.add_patient(first_name="Ana")
    opened.get_by_role("button", name="Reset …").click()
    dialog = opened.get_by_role("dialog", name="Reset this namespace")
    for part in ("Clock", "Requests", "Findings", "Faults", "Replies", "Assumptions", "When work is done"):
        dialog.get_by_label(part, exact=True).uncheck()
    dialog.get_by_role("button", name="Reset", exact=True).click()
    chromium.expect(opened.locator(".toast")).to_contain_text("Reset: Records, Next ids.")

    assert server.control("GET", "/clock")["frozen"] is True
    assert len(server.control("GET", "/state")["patient_profiles"]) == 15


def test_a_record_is_found_read_and_edited(server: Handle, opened: Page, chromium: ChromiumThread) -> None:
    opened.get_by_role("link", name="Patient profiles").click()
    opened.get_by_label("Search in the records").fill("doe")
    chromium.expect(opened.get_by_role("status").get_by_text("1 record", exact=True)).to_be_visible()
    opened.locator(".row").click()
    chromium.expect(opened.locator(".state-record")).to_contain_text('"first_name": "John"')
    chromium.expect(opened.get_by_role("link", name="Open in Patients")).to_have_attribute("href", f"#/patients/{JOHN}")
    assert f"#/state/patient_profiles/{JOHN}?text=doe" in opened.url
    opened.reload()
    opened.get_by_role("button", name="Edit").click()
    field = opened.get_by_label("The record as JSON")
    text = field.input_value()
    field.fill(text.replace('"John"', '"Jon",,'))
    opened.get_by_role("button", name="Save").click()
    chromium.expect(opened.get_by_role("alert")).to_contain_text("This is not JSON")
    field.fill(text.replace('"MALE"', '"BOTH"'))
    opened.get_by_role("button", name="Save").click()
    chromium.expect(opened.get_by_role("alert")).to_contain_text("gender")
    field.fill(text.replace('"John"', json.dumps(HOSTILE)))
    opened.get_by_role("button", name="Save").click()
    chromium.expect(opened.locator(".toast")).to_have_text("The record is saved.")
    chromium.expect(opened.locator(".state-record")).to_contain_text(VISIBLE)

    assert name_of(server) == HOSTILE


def test_the_shown_record_follows_a_change_but_not_while_it_is_edited(
    server: Handle, page: Page, chromium: ChromiumThread
) -> None:
    page.goto(f"{server.url}/_mock/#/state/patient_profiles/{JOHN}")
    chromium.expect(page.locator("#live")).to_have_text("Live")
    server.control("PATCH", f"/state/patient_profiles/{JOHN}", {"first_name": "Jon"})
    chromium.expect(page.locator(".state-record")).to_contain_text('"first_name": "Jon"')
    page.get_by_role("button", name="Edit").click()
    page.get_by_label("The record as JSON").fill("{")
    page.get_by_label("Search in the records").fill("jon doe")
    chromium.expect(page.get_by_text("1 record", exact=True)).to_be_visible()
    server.control("PATCH", f"/state/patient_profiles/{JOHN}", {"last_name": "Dow"})
    chromium.expect(page.get_by_text("No record contains")).to_be_visible()

    chromium.expect(page.get_by_label("The record as JSON")).to_have_value("{")


def test_records_that_only_an_import_changes_are_shown_whole(opened: Page, chromium: ChromiumThread) -> None:
    opened.get_by_role("link", name="Templates").click()
    opened.get_by_role("option", name="H & P 659b").click()
    chromium.expect(opened.locator(".state-record")).to_contain_text("An import changes records of this kind.")
    chromium.expect(opened.locator(".state-record")).to_contain_text("structure_template")
    opened.get_by_label("Kind").select_option("users")
    opened.get_by_role("option", name="dr.jonas.lind@example.com").click()
    chromium.expect(opened.locator(".state-record")).to_contain_text('"third_party_internal_id": "clinician-9"')
    opened.get_by_label("Kind").select_option("faults")
    chromium.expect(opened.get_by_text("There are none.")).to_be_visible()
    opened.get_by_role("link", name="State").first.click()

    chromium.expect(opened.get_by_role("heading", name="Snapshots")).to_be_visible()


def test_the_records_are_used_with_the_keyboard_alone(opened: Page, chromium: ChromiumThread) -> None:
    opened.get_by_role("link", name="Sessions").last.focus()
    opened.keyboard.press("Enter")
    chromium.expect(opened.get_by_role("heading", name="State")).to_be_focused()
    opened.keyboard.press("/")
    chromium.expect(opened.get_by_label("Search in the records")).to_be_focused()
    opened.keyboard.press("Tab")
    opened.keyboard.press("j")
    opened.keyboard.press("j")
    opened.keyboard.press("Enter")
    chromium.expect(opened.locator(".state-record h2")).to_have_text("0987654321")
    opened.keyboard.press("e")

    chromium.expect(opened.get_by_label("The record as JSON")).to_be_focused()


def test_an_unknown_record_is_told(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    page.goto(f"{server.url}/_mock/#/state/sessions/404")

    chromium.expect(page.get_by_role("alert")).to_contain_text("No record of sessions has the id '404'.")


def test_ten_thousand_patients_stay_quick_to_draw(page: Page, chromium: ChromiumThread) -> None:
    many = [{"first_name": f"Patient {number}"} for number in range(10_000)]
    with MockHeidi(fixtures={"patient_profiles": many, "sessions": []}) as server:
        page.goto(f"{server.url}/_mock/#/state/patient_profiles")
        chromium.expect(page.get_by_text("1,000 records of 10,000")).to_be_visible()

        assert 0 < page.locator(".row").count() < 60


@pytest.mark.parametrize("path", ["#/state?from=before", f"#/state/patient_profiles/{JOHN}", "#/state/templates"])
def test_axe_finds_nothing_and_nothing_scrolls_sideways(
    server: Handle, page: Page, chromium: ChromiumThread, path: str
) -> None:
    server.control("PUT", "/snapshots/before")
    server.control("PATCH", f"/state/patient_profiles/{JOHN}", {"first_name": "Jon" * 40})
    page.goto(f"{server.url}/_mock/{path}")
    chromium.expect(page.locator("#live")).to_have_text("Live")
    chromium.expect(page.locator("h1")).to_be_visible()
    found = chromium.violations(page)
    page.set_viewport_size({"width": 360, "height": 800})

    assert found + chromium.violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    assert page.evaluate("document.querySelector('main').scrollWidth") == 360
