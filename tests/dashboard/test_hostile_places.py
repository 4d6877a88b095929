"""Hostile text in each place that a client, a file or an address can write to: it is shown as text, in its box."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from browser import ChromiumThread
from deceptions import HOSTILE, deceptions, poisoned
from record_views import SESSION, open_view

from mock_heidi import Handle, MockHeidi

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.slow

GIVEN = quote(HOSTILE, safe="")
PATIENT = "64d5a909f15db97c3538a061"
TEMPLATE = "659b8042fe093d6592b41ef7"
# The fields that may hold any text, by the kind of record.
FIELDS = {
    "patient_profiles": """*.first_name *.last_name *.email *.phone *.demographic_string *.additional_context
        *.ehr_provider *.ehr_patient_id *.identifiers.*.system *.identifiers.*.value""",
    "sessions": """*.session_name *.clinician_notes.* *.ehr_appt_id *.ehr_provider *.language_code *.patient.name
        *.recording_status *.created_by.email *.audio.*.filename *.audio.*.media_type *.recordings.*.recording_id
        *.consult_note.result *.consult_note.heading *.consult_note.template_id *.consult_note.generation_method
        *.note_sources.template_id *.note_sources.consultation *.note_sources.voice_style
        *.context_documents.*.name *.context_documents.*.filename *.context_documents.*.additional_context
        *.documents.*.name *.documents.*.content *.documents.*.template_id""",
    "templates": "*.name *.structure_template *.template_html *.sections.*.heading.en",
    "clinical_codes": "*.primary.code *.primary.code_name *.similar.*.code_name *.similar.*.metadata.chapter",
    "transcripts": "*.title *.specialty *.session_name *.utterances.*.text",
    "scenarios": "*.explanation",
    "replies": "*.match.ai_command_text *.pieces.*",
}


@pytest.fixture
def server() -> Iterator[Handle]:
    with MockHeidi(journal="full") as server:
        yield server


def each_view_is_honest(server: Handle, page: Page, chromium: ChromiumThread, views: list[str]) -> None:
    """Opens views in a narrow window and looks at all of them."""
    page.set_viewport_size({"width": 360, "height": 800})
    found = {}
    for view in views:
        page.goto("about:blank")
        open_view(page, server, view)
        chromium.expect(page.locator("main .view, main .empty").first).to_be_visible()
        chromium.expect(page.locator("#live")).to_have_attribute("data-state", "live")
        chromium.expect(page.locator("main [aria-busy=true]")).to_have_count(0)
        found[view[:60]] = deceptions(page)
    assert {view: problems for view, problems in found.items() if problems} == {}


def test_the_text_of_records(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    state = server.control("GET", f"/state?kinds=api_keys,faults,{','.join(FIELDS)}")
    for kind, paths in FIELDS.items():
        for path in paths.split():
            state[kind] = poisoned(state[kind], path)

    server.control("PUT", "/state", state)

    views = [f"patients/{PATIENT}", f"sessions/{SESSION}", f"sessions/{SESSION}?note=source", "sessions", "patients"]
    views += ["faults", "state", f"state/templates/{TEMPLATE}", *(f"state/{kind}" for kind in FIELDS)]
    each_view_is_honest(server, page, chromium, views)


def test_what_a_client_sends(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    name = HOSTILE.replace('"', "")
    with server.client() as client:
        upload = f"/sessions/{SESSION}/upload-audio"
        client.post(upload, files={"file": (name[:200], server.audio(1), "audio/wav")})
        client.post(upload, files={name: (name, b"silence", "text/plain")}, data={name: HOSTILE})
        client.post("/patient-profiles", json={"first_name": HOSTILE, HOSTILE: HOSTILE})
        client.get(f"/patient-profiles?{GIVEN}={GIVEN}")
        client.get(f"/{GIVEN}")
        client.get(f"/sessions/{GIVEN}", headers={"x-" + "n" * 300: "<script>window.hit=1</script>" * 40})
    number = len(server.requests())

    views = [f"requests/{at + 1}" for at in range(number)]
    each_view_is_honest(
        server, page, chromium, [*views, f"sessions/{SESSION}", "patients", "findings", "coverage", "now"]
    )


@pytest.mark.breaks_contract
def test_rules_and_fixed_answers(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    server.control(
        "POST", "/faults", {"operation": "get_session", "label": HOSTILE[:90], "not_json": HOSTILE, "times": 1}
    )
    server.control("POST", "/faults", {"path": f"/x/{HOSTILE[:90]}", "status": 500})
    server.reply("ask_ai", match={"ai_command_text": HOSTILE}, pieces=[HOSTILE, HOSTILE])
    server.reply("get_session", body={HOSTILE: [HOSTILE]}, headers={"x-hostile": "<b>" + "h" * 900})
    with server.client() as client:
        for _ in range(2):
            client.get(f"/sessions/{SESSION}")
        asked = {"ai_command_text": HOSTILE, "content": HOSTILE, "content_type": "MARKDOWN"}
        client.post(f"/sessions/{SESSION}/ask-ai", json=asked)

    views = ["faults", "state/replies", "state/faults", "requests/1", "requests/2", "requests/3"]
    each_view_is_honest(server, page, chromium, views)


def test_addresses(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    given = quote(HOSTILE, safe="")
    views = [
        given,
        f"patients/{given}",
        f"sessions/{given}",
        f"faults/{given}",
        f"state/{given}",
        f"state/sessions/{given}",
    ]
    queries = ["requests?path=", "requests?text=", "patients?text=", "sessions?text=", "faults?rule=", "coverage?text="]
    queries += ["assumptions?text=", "assumptions?name=", "state?from=", "state/sessions?text="]
    each_view_is_honest(server, page, chromium, [before + GIVEN for before in [*views, *queries]])


@pytest.mark.breaks_contract
def test_answers_and_the_search_of_the_reference(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    server.reply("ask_ai", pieces=[HOSTILE] * 3, times=1)
    server.fault("get_session", not_json=HOSTILE, times=1)
    server.reply("get_session", body={HOSTILE: [HOSTILE]}, headers={"x-hostile": "<b>" + "h" * 900})
    page.set_viewport_size({"width": 360, "height": 800})
    found = []
    for operation, times in (("get_session", 2), ("ask_ai", 1)):
        page.goto(f"{server.url}/_mock/docs#/api/{operation}")
        for _ in range(times):
            page.get_by_role("button", name="Send ").click()
            chromium.expect(page.locator(".answer-head")).to_contain_text("200 OK")
            chromium.expect(page.locator(".try-answer .stop")).to_have_count(0)
            chromium.expect(page.locator(".try-answer")).to_contain_text("window.hit")
            found += deceptions(page)
    page.goto(f"{server.url}/_mock/docs#/{GIVEN}")
    chromium.expect(page.get_by_role("button", name="Try again")).to_be_visible()
    found += deceptions(page)
    page.set_viewport_size({"width": 1280, "height": 800})
    page.get_by_role("searchbox").fill(HOSTILE)
    chromium.expect(page.locator(".results")).to_contain_text("Nothing has all of these words")

    assert found + deceptions(page) == []
