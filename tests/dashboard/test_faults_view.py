"""Faults, scenarios and replies in the dashboard, and the builder of a rule."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from browser import ChromiumThread
from running import run

from mock_heidi import Handle

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.slow

SESSION = "/sessions/1234567890"


def statuses(server: Handle, number: int = 1, path: str = SESSION) -> list[int]:
    with server.client() as client:
        return [client.get(path).status_code for _ in range(number)]


def rules(server: Handle) -> list[dict[str, Any]]:
    """The rules without their counters."""
    added = ("hits", "matched", "says")
    return [{name: value for name, value in rule.items() if name not in added} for rule in server.faults()]


def open_builder(server: Handle, page: Page, rule: dict[str, Any]) -> None:
    page.goto(f"{server.url}/_mock/#/faults?rule={quote(json.dumps(rule))}")


def test_a_rule_shows_its_hits_and_is_switched_off_and_on(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    server.fault("get_session", status=503, label="outage", id="mine")
    page.goto(f"{server.url}/_mock/#/faults")
    row = page.locator("[data-id=mine]")
    chromium.expect(row).to_contain_text("no hit yet")
    chromium.expect(page.locator("#live")).to_have_text("Live")
    assert statuses(server, 2) == [503, 503]
    with server.client() as client:
        client.get("/sessions/1234567890/transcript")
    row.get_by_role("link", name="2 hits").click()
    chromium.expect(page.get_by_role("listbox").get_by_role("option")).to_have_count(2)
    page.go_back()
    before = rules(server)

    row.get_by_role("switch").click()
    chromium.expect(row.get_by_role("switch")).to_have_attribute("aria-checked", "false")
    chromium.expect(row.get_by_role("switch")).to_be_focused()
    chromium.expect(row).to_contain_text("It is switched off.")
    assert rules(server) == [{**before[0], "enabled": False}]
    assert statuses(server) == [200]
    page.reload()
    chromium.expect(row.get_by_role("switch")).to_have_attribute("aria-checked", "false")
    page.keyboard.press("g")
    page.keyboard.press("i")
    chromium.expect(page.get_by_role("heading", name="Findings")).to_be_visible()
    page.keyboard.press("g")
    page.keyboard.press("f")
    row.get_by_role("switch").press("Space")
    chromium.expect(row.get_by_role("switch")).to_have_attribute("aria-checked", "true")
    assert rules(server) == before
    assert statuses(server) == [503]
    chromium.expect(row.get_by_role("link", name="3 hits")).to_be_visible()


def test_what_others_set_appears_at_once(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    page.goto(f"{server.url}/_mock/#/faults")
    chromium.expect(page.locator("#live")).to_have_text("Live")
    server.fault("get_session", status=503, id="theirs")
    server.reply("ask_ai", text="Nothing to add.")

    chromium.expect(page.locator("[data-id=theirs]")).to_have_count(1)
    chromium.expect(page.get_by_role("list", name="Replies")).to_contain_text("Nothing to add.")
    server.reset()
    chromium.expect(page.locator("[data-id=theirs]")).to_have_count(0)


def test_a_deleted_rule_comes_back_with_undo(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    server.fault("get_session", status=503, id="one")
    server.fault("ask_ai", end_after=1, times=1, id="two")
    before = rules(server)
    page.goto(f"{server.url}/_mock/#/faults")
    page.get_by_role("button", name="Delete rule one").click()
    chromium.expect(page.locator("[data-id=one]")).to_have_count(0)
    assert [rule["id"] for rule in rules(server)] == ["two"]
    page.get_by_role("button", name="Undo").click()
    chromium.expect(page.locator("[data-id=one]")).to_have_count(1)

    page.get_by_role("button", name="Delete all rules").click()
    chromium.expect(page.locator("#main")).to_contain_text("No rule is set")
    assert rules(server) == []
    page.get_by_role("button", name="Undo").click()
    chromium.expect(page.locator("[data-id=two]")).to_have_count(1)
    chromium.expect(page.locator("[data-id=one]")).to_have_count(1)
    assert sorted(map(str, rules(server))) == sorted(map(str, before))


def test_a_rule_with_a_secret_is_switched_but_its_deletion_cannot_be_undone(
    server: Handle, page: Page, chromium: ChromiumThread
) -> None:
    server.fault("get_session", status=503, header={"Authorization": "Bearer abc"}, id="mine")
    page.goto(f"{server.url}/_mock/#/faults")
    knob = page.locator("[data-id=mine]").get_by_role("switch")
    for state in ("false", "true"):
        knob.click()
        chromium.expect(knob).to_have_attribute("aria-checked", state)
    with server.client() as client:
        assert client.get(SESSION, headers={"Authorization": "Bearer abc"}).status_code == 503

    page.get_by_role("button", name="Delete rule mine").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    chromium.expect(page.locator("[data-id=mine]")).to_have_count(0)
    assert rules(server) == []


def test_a_scenario_is_switched_on_and_off(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    server.fault("get_session", status=500, id="mine")
    page.goto(f"{server.url}/_mock/#/faults")
    knob = page.get_by_role("switch", name="Scenario flaky-afternoon")
    chromium.expect(page.locator("#main")).to_contain_text("One answer in ten is a 503, one in five is slow")
    chromium.expect(knob).to_have_attribute("aria-checked", "false")
    knob.click()
    chromium.expect(knob).to_have_attribute("aria-checked", "true")
    assert [rule.get("label") for rule in rules(server)] == [None, *["scenario flaky-afternoon"] * 2]
    chromium.expect(page.get_by_role("list", name="Rules").get_by_role("switch")).to_have_count(3)

    page.get_by_role("list", name="Rules").get_by_role("switch").last.click()
    chromium.expect(knob).to_have_attribute("aria-checked", "false")
    knob.click()
    chromium.expect(knob).to_have_attribute("aria-checked", "true")
    assert len(rules(server)) == 3
    page.reload()
    chromium.expect(knob).to_have_attribute("aria-checked", "true")
    knob.click()
    chromium.expect(knob).to_have_attribute("aria-checked", "false")
    assert [rule["id"] for rule in rules(server)] == ["mine"]


def test_replies_are_listed_and_deleted(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    server.control("DELETE", "/replies")
    page.goto(f"{server.url}/_mock/#/faults")
    replies = page.get_by_role("list", name="Replies")
    chromium.expect(replies).to_contain_text("No reply is set.")
    made = server.reply("ask_ai", text="<b>No</b>\u202e.", times=1)
    server.reply("get_session", body={"odd": 1})
    page.reload()
    chromium.expect(replies).to_contain_text("ask_ai answers “<b>No</b>\u2039202e\u203a.”, 1 time.")
    chromium.expect(replies).to_contain_text("breaks the contract")
    page.get_by_role("button", name=f"Delete reply {made['id']}").click()
    chromium.expect(replies.get_by_role("listitem")).to_have_count(1)
    left = [row["operation"] for row in server.control("GET", "/replies")["replies"]]
    assert left == ["get_session"]

    page.get_by_role("button", name="Undo").click()
    chromium.expect(replies).to_contain_text("ask_ai answers")
    texts = [row.get("text") for row in server.control("GET", "/replies")["replies"]]
    assert "<b>No</b>\u202e." in texts


def test_a_built_rule_does_what_its_sentence_says(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    page.goto(f"{server.url}/_mock/#/faults")
    chromium.expect(page.get_by_role("heading", name="Faults")).to_be_visible()
    page.keyboard.press("n")
    form = page.get_by_role("form", name="New rule")
    chromium.expect(form).to_contain_text("Choose what goes wrong.")
    chromium.expect(form.get_by_role("button", name="Add the rule")).to_be_disabled()
    form.get_by_label("Operation", exact=True).select_option("get_session")
    form.get_by_label("At most").fill("2")
    form.get_by_role("button", name="status", exact=True).click()
    page.keyboard.type("503")
    form.get_by_role("button", name="retry_after", exact=True).click()
    page.keyboard.type("30")
    says = page.locator(".says")
    chromium.expect(says).to_contain_text("503")
    chromium.expect(says).to_contain_text("30")
    wanted = {"operation": "get_session", "times": 2, "status": 503, "retry_after": 30}
    chromium.expect(form.get_by_label("the rule as JSON", exact=True)).to_have_text(
        json.dumps(wanted, separators=(",", ":"))
    )
    form.get_by_role("button", name="Add the rule").click()

    chromium.expect(form).to_have_count(0)
    chromium.expect(page.locator("[data-id=fault-1]")).to_contain_text("503")
    assert rules(server) == [{**wanted, "id": "fault-1"}]
    with server.client() as client:
        answers = [client.get(SESSION) for _ in range(3)]
    assert [(answer.status_code, answer.headers.get("retry-after")) for answer in answers] == [
        (503, "30"),
        (503, "30"),
        (200, None),
    ]
    chromium.expect(page.locator("[data-id=fault-1]")).to_contain_text("used up")


FORMS: list[dict[str, Any]] = [
    {"operation": "generate_consult_note", "times": 1, "end_after": 3},
    {"operation": ["get_session", "ask_ai"], "label": "two, of them: it's “this”", "close": True, "carried_out": True},
    {"method": "GET", "path": "/sessions/{session_id}", "session_id": "1234567890", "delay": {"uniform": [0.1, 0.5]}},
    {
        "header": {"x-client": "mobile"},
        "match": {"a": [None, True, "x,y=1"]},
        "nth": [2, 5],
        "quota": {"requests": 5, "seconds": 60.0},
    },
    {
        "status": 418,
        "detail": {"msg": 'No, it\'s "tea"', "n": None},
        "retry_after": "date:30",
        "probability": 0.25,
        "ttl": 60.0,
    },
    {
        "operation": "get_session",
        "not_json": "true",
        "drop_key": ["session.duration", "session.*"],
        "every": 3,
        "after": 1,
    },
    {
        "operation": "create_session",
        "match": {"a": "b:c"},
        "rename_key": {"session.session_id": "id"},
        "media_type": "text/plain; a=b",
        "label": "0012",
    },
]


@pytest.mark.parametrize("rule", FORMS, ids=str)
def test_json_command_and_python_make_the_same_rule(
    server: Handle, page: Page, chromium: ChromiumThread, rule: dict[str, Any]
) -> None:
    open_builder(server, page, rule)
    blocks = page.locator(".form-of-rule code")
    chromium.expect(blocks).to_have_count(3)
    chromium.expect(page.get_by_role("button", name="Add the rule")).to_be_enabled()
    given, command, python = (blocks.nth(at).inner_text() for at in range(3))

    server.control("POST", "/faults", json.loads(given))
    by_json = rules(server)
    server.control("DELETE", "/faults")
    words = shlex.split(command)
    assert words[0] == "mock-heidi"
    ran = run(*words[1:])
    assert ran.returncode == 0, ran.stderr
    by_command = rules(server)
    server.control("DELETE", "/faults")
    exec(python, {"mock_heidi": server})  # noqa: S102 - the line that the page gives
    by_python = rules(server)
    server.control("DELETE", "/faults")
    page.get_by_role("button", name="Add the rule").click()
    chromium.expect(page.get_by_role("list", name="Rules").get_by_role("switch")).to_have_count(1)

    def bare(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{name: value for name, value in one.items() if name in rule} for one in found]

    assert bare(by_json) == [rule]
    assert bare(by_command) == bare(by_python) == bare(rules(server)) == [rule]


def test_a_rule_that_contradicts_itself_is_refused_beside_its_field(
    server: Handle, page: Page, chromium: ChromiumThread
) -> None:
    open_builder(server, page, {"operation": "get_session", "close": True})
    add = page.get_by_role("button", name="Add the rule")
    chromium.expect(add).to_be_enabled()
    page.get_by_role("button", name="rst", exact=True).click()
    reason = "Close and rst are two answers at once. Make two rules of them."
    chromium.expect(page.locator(".effect-cards .field").last).to_contain_text(reason)
    chromium.expect(add).to_be_disabled()
    page.get_by_role("button", name="Without rst").click()
    chromium.expect(add).to_be_enabled()

    page.get_by_role("button", name="lose", exact=True).click()
    chromium.expect(page.locator("#why-lose")).to_have_text("Give a value, such as 2.")
    page.keyboard.type("2")
    chromium.expect(page.locator("#why-lose")).to_contain_text("Lose is for generate_consult_note, ask_ai, not for")
    chromium.expect(page.locator("#field-lose")).to_have_attribute("aria-invalid", "true")
    page.get_by_role("button", name="Without lose").click()
    page.get_by_label("At most").fill("often")
    chromium.expect(page.locator("#why-times")).to_contain_text("whole number")
    page.get_by_label("At most").fill("")
    page.get_by_label("Body contains").fill("{")
    chromium.expect(page.locator("#why-match")).not_to_be_empty()
    chromium.expect(add).to_be_disabled()
    assert rules(server) == []


def test_a_field_is_marked_as_wrong_only_after_a_person_typed_in_it(
    server: Handle, page: Page, chromium: ChromiumThread
) -> None:
    open_builder(server, page, {"operation": "generate_consult_note"})
    page.get_by_role("button", name="lose", exact=True).click()
    field = page.locator("#field-lose")

    chromium.expect(page.locator(".says")).to_have_text("Give lose a value.")
    chromium.expect(page.locator("#why-lose")).to_have_text("Give a value, such as 2.")
    assert field.get_attribute("aria-invalid") is None
    page.get_by_label("Body contains").fill("{")
    chromium.expect(page.locator("#field-match")).to_have_attribute("aria-invalid", "true")
    chromium.expect(page.locator(".says")).to_have_text("Correct the marked field.")
    assert field.get_attribute("aria-invalid") is None


def test_the_address_holds_the_rule_that_is_built(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    page.goto(f"{server.url}/_mock/#/faults?rule={{}}")
    page.get_by_role("button", name="By path").click()
    page.get_by_label("Method").select_option("GET")
    page.get_by_label("Path").fill("/patient-profiles/{id}")
    page.get_by_role("button", name="drop_key", exact=True).click()
    page.keyboard.type("data.id, data.gender")
    chromium.expect(page.get_by_role("button", name="Add the rule")).to_be_enabled()
    shared = page.url
    other = page.context.new_page()
    other.goto(shared)

    chromium.expect(other.get_by_label("Path")).to_have_value("/patient-profiles/{id}")
    chromium.expect(other.locator("#field-drop_key")).to_have_value("data.id, data.gender")
    other.get_by_role("button", name="Add the rule").click()
    chromium.expect(other.locator("[data-id=fault-1]")).to_have_count(1)
    assert rules(server)[0]["drop_key"] == ["data.id", "data.gender"]
    page.goto(f"{server.url}/_mock/#/faults?rule=nothing")
    page.reload()
    chromium.expect(page.locator("#toasts, #main")).to_have_count(2)
    chromium.expect(page.locator("body")).to_contain_text("The address holds no rule")


def test_a_rule_is_changed_in_the_builder(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    server.fault("get_session", status=503, id="mine")
    page.goto(f"{server.url}/_mock/#/faults")
    page.get_by_role("button", name="Change rule mine").click()
    form = page.get_by_role("form", name="Change rule mine")
    form.locator("#field-status").fill("500")
    form.get_by_role("button", name="Change the rule").click()

    chromium.expect(form).to_have_count(0)
    assert rules(server) == [{"operation": "get_session", "status": 500, "id": "mine"}]
    assert statuses(server) == [500]


def test_axe_finds_nothing_in_the_faults(server: Handle, page: Page, chromium: ChromiumThread) -> None:
    server.fault("get_session", status=503, times=1)
    server.reply("ask_ai", text="No.")
    open_builder(server, page, {"operation": "get_session", "close": True, "lose": 2, "status": 503})
    chromium.expect(page.locator(".refusal:not(:empty)").first).to_be_visible()

    assert chromium.violations(page) == []


@pytest.mark.parametrize("width", [360, 1280, 3840])
def test_the_faults_never_scroll_sideways(server: Handle, page: Page, chromium: ChromiumThread, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    server.fault("get_session", status=503, label="x" * 120)
    server.reply("ask_ai", text="y" * 200)
    open_builder(server, page, {"operation": ["get_session", "list_linked_user_sessions"], "not_json": "z" * 300})
    chromium.expect(page.locator(".form-of-rule")).to_have_count(3)

    assert page.evaluate("document.querySelector('main').scrollWidth") <= width
    assert page.evaluate("document.documentElement.scrollWidth") == width
