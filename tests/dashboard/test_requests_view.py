"""The view Requests: the list, one request, and what can be done with it."""

from __future__ import annotations

import re
import shlex
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import pytest
from browser import ChromiumThread
from clients import JOHN

from mock_heidi import Handle, MockHeidi
from mock_heidi.base.settings import BASE_PATH

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = pytest.mark.slow

NOTE = {
    "generation_method": "TEMPLATE",
    "template_id": "659b8042fe093d6592b41ef7",
    "addition": "",
    "voice_style": "GOLDILOCKS",
}
HOSTILE = "<script>alert(1)</script>\u202egnp.exe\u200b"
VISIBLE = "<script>alert(1)</script>\u2039202e\u203agnp.exe\u2039200b\u203a"

# The page alone asks for the events, and only after `release()`.
HELD_EVENTS = """
delete window.SharedWorker;
const ask = window.fetch;
window.fetch = async (url, options) => {
  if (String(url).endsWith('/events')) await new Promise((resolve) => { window.release = resolve; });
  return ask(url, options);
};
"""

# The second load of the list is answered, but the page gets the answer only after `release()`.
HELD_LIST = """
const ask = window.fetch;
let loads = 0;
window.fetch = async (url, options) => {
  const answer = await ask(url, options);
  if (String(url).includes('limit=200') && ++loads === 2) {
    document.documentElement.dataset.held = 'true';
    await new Promise((resolve) => { window.release = resolve; });
  }
  return answer;
};
"""


def view(server: Handle, page: Page, address: str = "requests") -> None:
    """Open the view, or reload it with another address."""
    page.goto("about:blank")
    page.goto(f"{server.url}/_mock/#/{address}")


def last(server: Handle, **filters: Any) -> dict[str, Any]:
    """The newest request that matches."""
    row: dict[str, Any] = server.requests(**filters)[-1]
    return row


def names(page: Page) -> list[str]:
    """The operations, or the methods and paths, of the rows that are drawn, from the top."""
    found: list[str] = page.locator(".row:visible > :nth-child(3)").all_text_contents()
    return found


def options(page: Page) -> Locator:
    """The rows that are drawn."""
    return page.get_by_role("listbox", name="Requests, newest first").get_by_role("option")


def top_of(element: Locator) -> float:
    box = element.bounding_box()
    assert box is not None
    return box["y"]


def copied(page: Page) -> str:
    return str(page.evaluate("navigator.clipboard.readText()"))


def test_an_empty_list_teaches_the_first_request_which_then_appears(
    server: Handle, page: Page, chromium: ChromiumThread
) -> None:
    view(server, page)
    command = shlex.split(page.get_by_role("region", name="the first request as curl").text_content() or "")
    name, key = command[3].split(": ")
    httpx.get(command[1], headers={name: key})

    row = options(page)
    chromium.expect(row).to_contain_text(re.compile(r"\d\d:\d\d:\d\d\.\d{3}GETget_jwt200"))
    chromium.expect(page.get_by_text("No request has come yet.")).to_have_count(0)


def test_the_list_shows_each_kind_of_request_with_its_mark(
    server: Handle, page: Page, chromium: ChromiumThread
) -> None:
    view(server, page)
    server.fault("get_session", status=503, times=1)
    with server.client() as client:
        client.get("/sessions/1234567890")
        client.get("/patient-profiles?colour=blue")
        client.post("/sessions/1234567890/consult-note", json=NOTE)
        client.put("/sessions/1234567890", json={})
        client.options("/sessions/1", headers={"Origin": "https://example.com", "Access-Control-Request-Method": "GET"})

    found = options(page)
    chromium.expect(found).to_have_count(6)
    for at, marks in enumerate(
        ["refused", "unmatchedfinding: error", "stream", "finding: warning", "fault"],
    ):
        chromium.expect(found.nth(at).locator(".marks")).to_contain_text(marks)
    chromium.expect(found.nth(2).locator(".marks")).to_contain_text("assumption")
    chromium.expect(found.nth(1).locator(".badge.wrong")).to_have_text("finding: error")
    chromium.expect(found.nth(3).locator(".badge.care")).to_have_text("finding: warning")
    assert names(page)[2:] == ["generate_consult_note", "list_patient_profiles", "get_session", "get_jwt"]


def test_a_request_that_comes_before_the_events_do_is_listed(
    server: Handle, page: Page, chromium: ChromiumThread
) -> None:
    server.token()
    page.add_init_script(HELD_EVENTS)
    view(server, page)
    chromium.expect(options(page)).to_have_count(1)
    server.token()
    page.evaluate("release()")

    chromium.expect(options(page)).to_have_count(2)


def test_a_request_that_comes_while_the_list_is_loaded_again_stays(
    server: Handle, page: Page, chromium: ChromiumThread
) -> None:
    page.add_init_script(HELD_LIST)
    server.token()
    view(server, page)
    page.wait_for_selector("html[data-held]")
    server.token()
    chromium.expect(options(page)).to_have_count(2)
    page.evaluate("window.release()")
    server.token()

    chromium.expect(options(page)).to_have_count(3)


def test_the_list_is_filtered_by_what_the_control_api_filters(
    server: Handle, page: Page, chromium: ChromiumThread
) -> None:
    view(server, page)
    with server.client() as client:
        client.patch(f"/patient-profiles/{JOHN}", json={"first_name": "Zoë"})
        client.get("/sessions/999")
        client.post("/sessions/1234567890/ask-ai", json={"ai_command_text": "x", "content": "y"})
        client.get("/nowhere")
        box = page.get_by_label("Filter the requests")
        box.fill("operation:get_session status:4xx")
        chromium.expect(options(page)).to_have_text([re.compile("get_session")])
        client.get("/sessions/998")
        client.get("/sessions/1234567890")
        chromium.expect(options(page)).to_have_count(2)
    page.reload()
    chromium.expect(options(page)).to_have_count(2)
    box.fill("Zoë")
    chromium.expect(options(page)).to_have_text([re.compile("update_patient_profile")])
    box.fill("")
    for button, expected in [
        ("Errors", ["get_session", "GET …/nowhere", "ask_ai", "get_session"]),
        ("Streams", []),
        ("Unmatched", ["GET …/nowhere"]),
    ]:
        page.get_by_role("button", name=button).click()
        chromium.expect(options(page)).to_have_count(len(expected))
        assert names(page) == expected
        page.get_by_role("button", name=button).click()
        chromium.expect(options(page)).to_have_count(7)
    box.fill("status:teapot")

    chromium.expect(page.get_by_role("alert")).to_contain_text(
        "Status=teapot is not a status. Write it like status=404"
    )
    assert "status=teapot" in page.url


def test_a_request_joins_a_filtered_list_when_its_finding_is_known(
    server: Handle, page: Page, chromium: ChromiumThread
) -> None:
    server.token()
    view(server, page, "requests?finding=any")
    chromium.expect(page.get_by_text("No request matches the filter.")).to_be_visible()
    chromium.expect(page.locator("#live")).to_have_text("Live")
    with server.client() as client:
        client.patch(f"/patient-profiles/{JOHN}", json={"shoe": 3})
        client.get(f"/patient-profiles/{JOHN}")
    chromium.expect(options(page)).to_have_text([re.compile("update_patient_profile")])
    page.get_by_role("button", name="Findings").click()

    chromium.expect(options(page)).to_have_count(4)


@pytest.mark.parametrize(
    ("text", "filters", "written"),
    [
        ("status:4xx", {"status": "4xx"}, "status:4xx"),
        ('path:"/a b" is:stream Zo\u00eb  Smith', {"path": "/a b", "is": "stream", "text": "Zo\u00eb Smith"}, None),
        ("is:nothing http://x", {"text": "is:nothing http://x"}, None),
        ("  fault:any  fault:fault-1 ", {"fault": "fault-1"}, "fault:fault-1"),
        ("", {}, ""),
    ],
)
def test_the_box_reads_and_writes_a_filter(
    server: Handle, page: Page, text: str, filters: dict[str, str], written: str | None
) -> None:
    page.goto(f"{server.url}/_mock/")
    module = "await import('/_mock/ui/views/request-filter.js')"

    assert page.evaluate(f"async (text) => ({module}).parseFilter(text)", text) == filters
    again = page.evaluate(f"async (filter) => ({module}).writeFilter(filter)", filters)
    assert again == (written if written is not None else " ".join(text.split()))


def test_a_request_that_takes_time_appears_when_it_begins(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    server.fault("generate_consult_note", stall_after=1)
    view(server, page)
    chromium.expect(page.locator("#live")).to_have_text("Live")
    with server.client() as client, client.stream("POST", "/sessions/1234567890/consult-note", json=NOTE):
        newest = options(page).first
        chromium.expect(newest).to_contain_text("generate_consult_note200under waystream")
        assert last(server)["duration"] is None

    chromium.expect(newest).to_contain_text(re.compile(r"generate_consult_note200faultclient leftstream.* m?s"))
    assert (last(server)["ending"], last(server)["ended_by"]) == ("stall", "fault")
    chromium.expect(options(page)).to_have_count(2)


def test_a_paused_list_counts_what_comes_and_goes_on(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    server.token()
    view(server, page)
    chromium.expect(options(page)).to_have_count(1)
    chromium.expect(page.locator("#live")).to_have_text("Live")
    page.keyboard.press("p")
    server.token()
    server.token()
    chromium.expect(page.get_by_role("button", name="Resume (2 new)")).to_be_visible()
    chromium.expect(options(page)).to_have_count(1)
    page.get_by_role("button", name="Resume (2 new)").click()
    chromium.expect(options(page)).to_have_count(3)
    page.get_by_role("button", name="Clear").click()
    page.get_by_role("button", name="Clear the requests").click()

    chromium.expect(page.get_by_text("No request has come yet.")).to_be_visible()
    assert server.requests() == []


def test_a_reset_empties_the_list(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    server.token()
    view(server, page)
    chromium.expect(options(page)).to_have_count(1)
    chromium.expect(page.locator("#live")).to_have_text("Live")
    server.reset()

    chromium.expect(page.get_by_text("No request has come yet.")).to_be_visible()


def test_a_request_opens_beside_the_list_with_all_that_explains_it(
    server: Handle, page: Page, chromium: ChromiumThread
) -> None:
    with server.client() as client:
        client.patch(
            f"/patient-profiles/{JOHN}?colour=blue",
            json={"first_name": "Jon", "shoe": 3},
        )
    view(server, page)
    options(page).first.click()
    side = page.get_by_role("region", name="Request", exact=True)

    chromium.expect(side.get_by_role("heading", level=2)).to_contain_text("PATCH update_patient_profile")
    assert page.url.endswith("#/requests/2")
    chromium.expect(side).to_contain_text("your client sent a field that is not documented: shoe")
    chromium.expect(side).to_contain_text("Body: as the vendor's pages document it.")
    assert side.get_by_role("link", name="success_status").get_attribute("href") == "#/assumptions?name=success_status"
    chromium.expect(side.get_by_role("row", name="first_name John Jon")).to_be_visible()
    chromium.expect(side.get_by_text("colour", exact=True)).to_be_visible()
    assert top_of(side.get_by_role("heading", name="Request")) == top_of(side.get_by_role("heading", name="Answer"))
    chromium.expect(side.locator(".json").first).to_contain_text('"shoe": 3')
    side.get_by_role("group", name="Form of the request").get_by_role("button", name="Raw").click()
    chromium.expect(side.get_by_label("Raw request")).to_have_text('{\n  "first_name": "Jon",\n  "shoe": 3\n}')
    side.get_by_text("Headers (").nth(0).click()
    chromium.expect(side.get_by_text("application/json").nth(0)).to_be_visible()
    side.get_by_text("Headers (").nth(1).click()
    chromium.expect(side.get_by_text("x-mock-request-id")).to_be_visible()
    chromium.expect(side.get_by_text("application/json").nth(1)).to_be_visible()


def test_the_keyboard_alone_opens_steps_and_closes(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    with server.client() as client:
        client.get("/sessions/1234567890")
        client.get("/templates/consult-note-templates")
    view(server, page)
    heading = page.get_by_role("heading", level=2)
    chromium.expect(options(page)).to_have_count(3)
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    chromium.expect(heading).to_contain_text("list_consult_note_templates")
    page.keyboard.press("j")
    chromium.expect(heading).to_contain_text("get_session")
    page.keyboard.press("ArrowDown")
    chromium.expect(heading).to_contain_text("get_jwt")
    page.keyboard.press("k")
    chromium.expect(heading).to_contain_text("get_session")
    page.keyboard.press("Escape")
    chromium.expect(heading).to_have_count(0)
    page.keyboard.press("/")
    chromium.expect(page.get_by_label("Filter the requests")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("?")

    chromium.expect(page.get_by_role("dialog")).to_contain_text("Send the open request again")


def test_a_narrow_page_shows_the_request_over_the_list_with_a_way_back(
    server: Handle, page: Page, chromium: ChromiumThread
) -> None:
    server.token()
    page.set_viewport_size({"width": 360, "height": 700})
    view(server, page)
    options(page).click()
    chromium.expect(page.get_by_role("heading", level=2)).to_contain_text("get_jwt")
    chromium.expect(page.get_by_role("listbox")).to_have_count(0)
    page.get_by_role("button", name="All requests").click()

    chromium.expect(page.get_by_role("listbox")).to_be_visible()
    assert page.url.endswith("#/requests")


def test_a_stream_is_stepped_through_piece_by_piece(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    server.fault("generate_consult_note", end_after=3, times=1)
    with server.client() as client:
        client.post("/sessions/1234567890/consult-note", json=NOTE)
    pieces = [piece["text"] for piece in last(server)["pieces"]]
    view(server, page, "requests/2")
    slider = page.get_by_label("Piece of the stream")
    text = page.get_by_role("region", name="The text so far")
    chromium.expect(page.locator(".stream output")).to_contain_text("Piece 3 of 3")
    assert (text.text_content() or "").strip() == "".join(pieces).strip()
    slider.focus()
    page.keyboard.press("ArrowLeft")
    chromium.expect(page.locator(".stream output")).to_contain_text(f"· {last(server)['pieces'][1]['bytes']} B")
    chromium.expect(text.locator("mark")).to_have_text(pieces[1])
    assert text.text_content() == "".join(pieces[:2])
    page.get_by_role("button", name="Piece before").click()
    chromium.expect(page.locator(".stream output")).to_contain_text(
        re.compile(r"Piece\s1\sof\s3 · [\d.]+\sms\ssince\sthe\srequest")
    )

    chromium.expect(page.get_by_text("A fault ended it as if it were complete after 3 pieces.")).to_be_visible()
    chromium.expect(
        page.get_by_text("The next request to generate_consult_note: the stream ends cleanly after 3 pieces.")
    ).to_be_visible()
    assert page.get_by_role("link", name="fault-1").get_attribute("href") == "#/faults/fault-1"


@pytest.mark.parametrize(
    ("ended_by", "ending", "said"),
    [
        (None, None, "The answer is under way."),
        ("client", "complete", "The client left after 2 pieces, before the end."),
        ("server", "complete", "The mock sent all of it and ended it after 2 pieces."),
        ("fault", "complete", "A fault ended it as if it were complete after 2 pieces."),
        ("fault", "reset", "A fault reset the connection after 2 pieces."),
        ("fault", "stall", "A fault let nothing more come after 2 pieces. Then the client left."),
        ("reset", "close", "A reset of the namespace ended it after 2 pieces."),
    ],
)
def test_the_end_of_a_stream_is_told_with_who_ended_it(
    server: Handle, page: Page, ended_by: str | None, ending: str | None, said: str
) -> None:
    page.goto(f"{server.url}/_mock/")
    row: dict[str, Any] = {"ended_by": ended_by, "ending": ending, "client_left": ending == "stall", "pieces": [{}, {}]}
    script = "async (row) => (await import('/_mock/ui/views/timeline.js')).endOf(row)"

    assert page.evaluate(script, row) == said


def test_a_request_without_a_match_and_a_refused_preflight_say_why(
    server: Handle, page: Page, chromium: ChromiumThread
) -> None:
    httpx.get(f"{server.url}/jwt")
    origin = {"Origin": "https://example.com", "Access-Control-Request-Method": "GET"}
    httpx.options(f"{server.base_url}/sessions/1", headers=origin)
    view(server, page, "requests/1")
    chromium.expect(page.locator(".reasons")).to_contain_text("Matched nothingThe base path is missing")
    page.goto(f"{server.url}/_mock/#/requests/2")

    chromium.expect(page.locator(".reasons")).to_contain_text(
        "RefusedThe preflight is refused: its origin is not allowed"
    )
    chromium.expect(page.locator(".reasons")).to_contain_text("A browser sent it by itself")


def test_a_request_that_is_no_longer_kept_says_so(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    view(server, page, "requests/77")

    chromium.expect(page.get_by_role("alert")).to_contain_text("There is no request '77'.")


def test_a_long_body_is_shown_whole_when_asked(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    with server.client() as client:
        client.patch(f"/patient-profiles/{JOHN}", json={"additional_context": "x" * 70_000 + " the end"})
    view(server, page, "requests/2")
    page.get_by_role("button", name="Show all").first.click()

    chromium.expect(page.locator(".json").first).to_contain_text("the end")


def test_the_curl_command_is_that_of_the_one_request(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    with server.client() as client:
        client.get("/sessions/1234567890")
        client.get("/sessions/1")
    view(server, page, "requests/2")
    chromium.expect(page.get_by_role("heading", level=2)).to_be_visible()
    page.keyboard.press("c")
    chromium.expect(page.locator(".toast")).to_have_text("Copied")

    assert copied(page) == server.curl(since=1, before=3)


def test_a_request_is_sent_again_and_the_new_one_opens(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    with server.client() as client:
        client.patch(f"/patient-profiles/{JOHN}", json={"first_name": "Jon"}, params={"page": "ä b"})
    sent = last(server)
    view(server, page, f"requests/{sent['id']}")
    chromium.expect(page.get_by_role("heading", level=2)).to_be_visible()
    page.keyboard.press("r")
    chromium.expect(page.locator(".toast")).to_contain_text("Sent again: 200, with a new token of the test user")

    again = last(server)
    chromium.expect(page.get_by_text(f"Request {again['id']}", exact=True)).to_be_visible()
    same = ("operation", "path", "query", "body", "status", "response")
    assert {name: again[name] for name in same} == {name: sent[name] for name in same}
    server.fault("update_patient_profile", rst=True)  # the browser itself sends it a second time
    page.get_by_role("button", name="Send again").click()
    chromium.expect(page.locator(".toast")).to_contain_text("The connection ended before the whole answer came.")
    chromium.expect(page.locator(".reasons")).to_contain_text("fault-1")
    assert last(server)["status"] is None


def test_a_request_of_a_namespace_is_sent_again_there(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    with server.namespace("blue", fixtures="empty", api_key="our-key") as blue:
        with blue.client() as client:
            client.get("/patient-profiles")
            page.goto(f"{blue.url}/ns/blue/_mock/#/requests/2")
        page.get_by_role("button", name="Send again").click()
        chromium.expect(page.locator(".toast")).to_contain_text(": 200")

        assert [row["operation"] for row in blue.requests()][-1] == "list_patient_profiles"
    assert server.requests() == []


def test_a_request_whose_content_is_not_kept_is_not_sent_again(
    server: Handle, page: Page, chromium: ChromiumThread
) -> None:
    with server.client() as client:
        client.post("/sessions/1234567890/upload-audio", files={"file": ("a.wav", server.audio(1), "audio/wav")})
    view(server, page, "requests/2")
    chromium.expect(page.get_by_role("row", name="file a.wav audio/wav")).to_be_visible()
    page.get_by_role("button", name="Send again").click()

    chromium.expect(page.locator(".toast")).to_contain_text("The journal does not keep the files of a form.")
    assert len(server.requests()) == 2


def test_the_next_request_fails_once_or_not_after_undo(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    with server.client() as client:
        client.get("/sessions/1234567890")
        view(server, page, "requests/2")
        page.get_by_role("button", name="Fail the next one like this").click()
        page.get_by_role("dialog").get_by_role("button", name="429").click()
        chromium.expect(page.locator(".toast")).to_contain_text("The next get_session fails: 429.")
        assert [client.get("/sessions/1234567890").status_code for _ in range(2)] == [429, 200]
        page.get_by_role("button", name="Fail the next one like this").click()
        page.get_by_role("dialog").get_by_role("button", name="Expired token").click()
        last = page.locator(".toast", has_text="Expired token")
        last.get_by_role("button", name="Undo").click()

        chromium.expect(last).to_have_count(0)
        assert client.get("/sessions/1234567890").status_code == 200
    assert [fault["id"] for fault in server.faults()] == ["fault-1"]


@pytest.mark.parametrize("label", ["500", "429", "Reset", "Slow", "Expired token"])
def test_each_failure_to_choose_is_a_rule_that_the_server_takes(
    server: Handle, page: Page, chromium: ChromiumThread, label: str
) -> None:
    server.headers()
    with server.client() as client:
        client.get("/sessions/1234567890")
    view(server, page, f"requests/{last(server)['id']}")
    page.get_by_role("button", name="Fail the next one like this").click()
    page.get_by_role("dialog").get_by_role("button", name=label, exact=True).click()
    chromium.expect(page.locator(".toast")).to_contain_text(label)

    (rule,) = server.faults()
    assert (rule["operation"], rule["times"]) == ("get_session", 1)


def test_a_fault_of_a_request_is_set_again_for_the_next_one(
    server: Handle, page: Page, chromium: ChromiumThread
) -> None:
    server.fault("generate_consult_note", end_after=4, nth=1)
    with server.client() as client:
        client.post("/sessions/1234567890/consult-note", json=NOTE)
    view(server, page, "requests/2")
    page.get_by_role("button", name="Fail the next one like this").click()
    chromium.expect(page.get_by_role("dialog")).to_contain_text("The stream ends cleanly after 4 pieces.")
    page.get_by_role("dialog").get_by_role("button", name="fault-1 again").click()
    chromium.expect(page.locator(".toast")).to_contain_text("The next generate_consult_note fails: fault-1 again.")

    added = [rule for rule in server.faults() if rule["id"] != "fault-1"]
    assert [(rule["end_after"], rule["times"], "nth" in rule) for rule in added] == [(4, 1, False)]


def test_the_next_note_ends_in_the_middle(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    with server.client() as client:
        client.post("/sessions/1234567890/consult-note", json=NOTE)
    view(server, page, "requests/2")
    page.get_by_role("button", name="Fail the next one like this").click()
    page.get_by_role("dialog").get_by_role("button", name="Half a stream").click()
    chromium.expect(page.locator(".toast")).to_contain_text("Half a stream")

    (rule,) = server.faults()
    assert (rule["operation"], rule["end_after"], rule["times"]) == ("generate_consult_note", 3, 1)


def test_an_answer_is_saved_as_a_reply(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    with server.client() as client:
        first = client.get("/sessions/1234567890").json()
        client.post("/sessions/1234567890/consult-note", json=NOTE)
        server.session("1234567890", session_name="Another name")
        view(server, page, "requests/2")
        page.get_by_role("button", name="Save as reply").click()
        page.get_by_role("button", name="Save the reply").click()
        chromium.expect(page.locator(".toast")).to_contain_text("The next get_session gets this answer.")
        assert client.get("/sessions/1234567890").json() == first
        page.get_by_role("button", name="Undo").click()
        chromium.expect(page.locator(".toast")).to_have_count(0)
        page.goto(f"{server.url}/_mock/#/requests/3")
        page.get_by_role("button", name="Save as reply").click()
        page.get_by_label("Only once").check()
        page.get_by_role("button", name="Save the reply").click()
        chromium.expect(page.locator(".toast")).to_contain_text("The next generate_consult_note gets this answer.")

    reply = server.control("GET", "/replies")["replies"][0]
    assert (reply["session_id"], reply["times"]) == ("1234567890", 1)
    assert reply["pieces"] == [piece["text"] for piece in server.requests()[2]["pieces"]]


def test_a_hidden_answer_is_not_saved_as_a_reply(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    server.token()
    replies = server.control("GET", "/replies")
    view(server, page, "requests/1")
    page.get_by_role("button", name="Save as reply").click()

    chromium.expect(page.locator(".toast")).to_contain_text("This answer holds values that the journal hides")
    assert server.control("GET", "/replies") == replies


def test_the_lines_for_a_test_run_as_they_are(server: Handle, page: Page) -> None:
    quoted = 'say "no"\n\\ \u202e ü 🐘 it\'s'
    with server.client() as client:
        client.get("/sessions/1234567890/")
        client.patch(f"/patient-profiles/{JOHN}", json={"first_name": quoted, "birth_date": None, "gender": "MALE"})
        client.get("/patient-profiles", params={"ehr_patient_id": quoted, "page": "1"})
        client.post("/sessions/1234567890/consult-note", json=NOTE)
        client.get("/nowhere")
        client.post("/sessions/1234567890/upload-audio", files={"file": ("a.wav", server.audio(1), "audio/wav")})
        client.request("DELETE", "/patient-profiles:batch-delete", json={"patient_profile_ids": [JOHN] * 9})
    texts = []
    for row in server.requests():
        view(server, page, f"requests/{row['id']}")
        page.get_by_role("button", name="Expect in a test").click()
        texts.append(page.get_by_role("region", name="the test").text_content() or "")

    for text in texts:
        pasted: dict[str, Any] = {}
        exec(compile(text, "pasted", "exec"), pasted)  # noqa: S102 - the lines that people paste
        (test,) = [value for name, value in pasted.items() if name.startswith("test_")]
        test(server)
        with server.namespace("other") as other, pytest.raises(AssertionError):
            test(other)
    assert len(texts) == 8


def test_the_lines_for_a_test_set_the_fault_that_changed_the_answer(server: Handle, page: Page) -> None:
    server.scenario("note-stream-dies")
    server.fault("get_session", status=503, times=1)
    with server.client() as client:
        cut = client.post("/sessions/1234567890/consult-note", json=NOTE).text
        client.get("/sessions/1234567890")
    view(server, page, "requests/2")
    page.get_by_role("button", name="Expect in a test").click()
    of_the_note = page.get_by_role("region", name="the test").text_content() or ""
    view(server, page, "requests/3")
    page.get_by_role("button", name="Expect in a test").click()
    of_the_session = page.get_by_role("region", name="the test").text_content() or ""

    assert 'mock_heidi.fault(operation="get_session", times=1, status=503)' in of_the_session
    with MockHeidi() as fresh:
        for line in of_the_note.splitlines():
            if line.startswith("    mock_heidi.scenario("):
                eval(line.strip(), {"mock_heidi": fresh})  # noqa: S307 - a line that people paste
        with fresh.client() as client:
            assert client.post("/sessions/1234567890/consult-note", json=NOTE).text == cut
    assert 'mock_heidi.session(session_id)["consult_note"]["result"]' in of_the_note


def test_what_a_client_sends_is_shown_as_text(page: Page, chromium: ChromiumThread) -> None:
    with MockHeidi(journal="full") as server:
        with server.client() as client:
            client.patch(f"/patient-profiles/{JOHN}", json={"first_name": HOSTILE, "notes<b>": "y" * 5000})
            client.get(f"/{HOSTILE}/{'long' * 500}", headers={"X-Client": "<img src=x onerror=alert(1)>"})
        view(server, page)
        chromium.expect(options(page).first).to_contain_text(VISIBLE)
        options(page).first.click()
        chromium.expect(page.locator(".request-head .path")).to_contain_text(VISIBLE)
        page.get_by_text("Headers (").first.click()
        chromium.expect(page.get_by_text("<img src=x onerror=alert(1)>", exact=True)).to_be_visible()
        page.keyboard.press("j")
        chromium.expect(page.locator(".json").first).to_contain_text(VISIBLE)
        page.get_by_role("group", name="Form of the request").get_by_role("button", name="Raw").click()
        chromium.expect(page.get_by_label("Raw request")).to_contain_text(VISIBLE)

        assert page.locator("main script, main img, main b").count() == 0
        assert page.evaluate("document.documentElement.scrollWidth") == 1280


def test_ten_thousand_requests_scroll_to_the_end_with_few_rows_drawn(page: Page, chromium: ChromiumThread) -> None:
    with MockHeidi(journal_entries=10_000) as server:
        connection = HTTPConnection("127.0.0.1", urlsplit(server.url).port)
        for number in range(10_000):
            connection.request("GET", f"{BASE_PATH}/sessions/{number}")
            connection.getresponse().read()
        connection.close()
        view(server, page)
        chromium.expect(page.locator(".requests-head [role=status]")).to_have_text("10,000 requests")
        chromium.expect(options(page).first).to_have_attribute("aria-setsize", "10000")
        page.get_by_role("listbox").focus()
        page.keyboard.press("End")

        last_row = page.locator(".row[aria-selected=true]")
        chromium.expect(last_row).to_have_attribute("aria-posinset", "10000")
        assert page.locator(".row").count() < 100
        page.keyboard.press("Enter")
        chromium.expect(page.get_by_text("Request 1", exact=True)).to_be_visible()


def test_new_requests_leave_the_rows_where_a_person_looks(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    with httpx.Client(base_url=server.base_url) as client:
        for number in range(200):
            client.get(f"/sessions/{number}")
        view(server, page)
        chromium.expect(options(page).first).to_have_attribute("aria-setsize", "200")
        chromium.expect(page.locator("#live")).to_have_text("Live")
        page.get_by_role("listbox").evaluate("(list) => { list.scrollTop = 100 * 36; }")
        before = top_of(page.locator("[data-index='100']"))
        for number in range(30):
            client.get(f"/sessions/{number}")
        chromium.expect(options(page).first).to_have_attribute("aria-setsize", "230")

    assert top_of(page.locator("[data-index='130']")) == before


@pytest.mark.parametrize("width", [360, 1280, 3840])
def test_the_view_never_scrolls_sideways(server: Handle, page: Page, chromium: ChromiumThread, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    with server.client() as client:
        client.patch(f"/patient-profiles/{JOHN}?{'x' * 300}=1", json={"first_name": "J" * 300})
        client.post("/sessions/1234567890/consult-note", json=NOTE)
    for address in ("requests", "requests/2", "requests/3"):
        view(server, page, address)
        chromium.expect(page.get_by_role("option", include_hidden=True).first).to_be_attached()

        assert page.evaluate("document.documentElement.scrollWidth") == width
        side = page.locator(".request-side").evaluate("(side) => [side.scrollWidth, side.clientWidth]")
        assert side[0] == side[1]


def test_axe_finds_nothing_in_the_requests(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    server.fault("generate_consult_note", end_after=3, times=1)
    with server.client() as client:
        client.patch(f"/patient-profiles/{JOHN}", json={"first_name": "Jon", "shoe": 3})
        client.post("/sessions/1234567890/consult-note", json=NOTE)
        client.put("/sessions/1", json={})
    for address in ("requests", "requests/2", "requests/3", "requests/4", "requests?status=none"):
        view(server, page, address)
        chromium.expect(page.locator("#live")).to_have_text("Live")
        if "/" in address:
            chromium.expect(page.get_by_role("heading", level=2)).to_be_visible()

        assert chromium.violations(page) == []
    view(server, page, "requests/2")
    page.get_by_role("button", name="Fail the next one like this").click()
    assert chromium.violations(page) == []
