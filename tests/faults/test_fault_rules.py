"""Faults as rules: which requests they match, how often and how long they act, and the three ways to write them.

- ``POST /_mock/faults`` → the rule with ``id``, ``hits`` and ``matched``; ``GET``, ``PUT`` and ``DELETE`` →
  ``{"faults": [rule…]}`` in the order in which they are tried
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml
from clients import Client
from helpers import KEY_TWO, OTHER_SESSION, SESSION, another, answered, in_namespace, settled, wire
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from paths import FIXTURES
from running import until

from mock_heidi import create_app
from mock_heidi.base.settings import DEFAULT_KEY, ConfigError
from mock_heidi.faults.active_faults import ActiveFault, ActiveFaults
from mock_heidi.faults.effects import BY_NAME
from mock_heidi.faults.rule import EFFECTS, STREAM_EFFECTS, Fault, parse
from mock_heidi.faults.short_form import FaultError
from mock_heidi.fixtures import schema as fixture_schema

PATH = "/_mock/faults"
HINT = 'send a rule such as {"operation": "generate_consult_note", "end_after": 3, "times": 1}'
BUSY = (503, wire({"detail": "Service Unavailable"}))
ASK = f"/sessions/{SESSION}/ask-ai"
COMMAND = {"ai_command_text": "Say it", "content": "Some text.", "content_type": "MARKDOWN"}


def in_three_forms(example: str) -> tuple[Any, str, str]:
    """The argument of an effect's example in JSON, text and YAML."""
    name, _, text = example.partition("=")
    return parse(f"*:{example}").model_dump()[name], text, text or "true"


# Every effect in JSON, text and YAML. Some have another example here, since their own shows too little.
EXAMPLES: dict[str, tuple[Any, str, str]] = {
    **{name: in_three_forms(BY_NAME[name].example) for name in EFFECTS},
    "error": ("UploadFailedError", "UploadFailedError", "UploadFailedError"),
    "status": (418, "418", "418"),
    "retry_after": ("date:30", "date:30", "date:30"),
    "quota": ({"requests": 5, "seconds": 60}, "5/60", "{requests: 5, seconds: 60}"),
    "expire_token": (True, "true", "yes"),
    "revoke_token": (True, "true", "on"),
    "close": (True, "", "true"),
    "rst": (True, "", "True"),
    "stall": (True, "", "yes"),
    "delay": (0.5, "0.5", "0.5"),
    "delay_body": ({"uniform": [0.1, 2]}, "uniform:0.1:2", "{uniform: [0.1, 2]}"),
    "delay_chunks": ({"lognormal": [0.2, 0.5]}, "lognormal:0.2:0.5", "lognormal:0.2:0.5"),
    "cut_at": (0, "0", "0"),
    "rst_at": (10, "10", "10"),
    "stall_at": (1000, "1000", "1000"),
    "not_json": ("a, b=c", '"a, b=c"', "'a, b=c'"),
    "media_type": ("text/plain; charset=utf-8", "text/plain; charset=utf-8", "text/plain; charset=utf-8"),
    "empty": (True, "true", "true"),
    "drop_key": (
        ["session.duration", "data.*.id"],
        '["session.duration", "data.*.id"]',
        "[session.duration, data.*.id]",
    ),
    "rename_key": ({"session.session_id": "id"}, "session.session_id:id", "{session.session_id: id}"),
    "null_key": ("session", "session", "session"),
    "wrong_type": (["a", "b"], '["a", "b"]', "[a, b]"),
    "end_after": (3, "3", "3"),
    "end_inside": ("utf8", "utf8", "utf8"),
    "rst_after": (3, "3", "3"),
    "stall_after": (0, "0", "0"),
    "repeat": (1, "1", "1"),
    "swap": (2, "2", "2"),
    "lose": (3, "3", "3"),
    "empty_piece": (4, "4", "4"),
    "error_piece": (5, "5", "5"),
    **dict.fromkeys(("one_write", "byte_by_byte", "crlf", "no_space", "comments"), (True, "", "true")),
    **dict.fromkeys(("empty_note", "wrong_patient", "swap_sides", "wrong_dose", "missing_section"), (True, "", "yes")),
    **dict.fromkeys(("wrong_language", "html_note", "script_tag", "long_note", "wrong_offsets"), (True, "", "on")),
}


def add(client: Client, **rule: Any) -> dict[str, Any]:
    answer = client.post(PATH, json=rule)
    assert answer.status_code == 200, answer.text
    added: dict[str, Any] = answer.json()
    return added


def rules(client: Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get(PATH).json()["faults"]
    return found


def hits(client: Client) -> dict[str, int]:
    return {row["id"]: row["hits"] for row in rules(client)}


def fits(client: Client, method: str, path: str, **options: Any) -> bool:
    """True if a rule has answered. All rules of these tests answer 418."""
    return client.request(method, path, **options).status_code == 418


# --- The endpoints ----------------------------------------------------------------------------------------------------


def test_a_namespace_starts_without_faults(heidi: Client) -> None:
    assert answered(heidi.get(PATH)) == (200, wire({"faults": []}))


def test_many_rules_are_set_in_one_call(monkeypatch: pytest.MonkeyPatch) -> None:
    extend, calls = ActiveFaults.extend, []

    def counting(self: ActiveFaults, faults: Iterable[Fault]) -> list[ActiveFault]:
        calls.append(faults)
        return extend(self, faults)

    monkeypatch.setattr(ActiveFaults, "extend", counting)

    rules = ActiveFaults([parse("ask_ai:status=503")] * 1_000)

    assert [rule.id for rule in rules][::999] == ["fault-1", "fault-1000"]
    assert len(calls) == 1


def test_a_new_rule_is_answered_with_its_id_and_counts(heidi: Client) -> None:
    answer = heidi.post(PATH, json={"operation": "generate_consult_note", "end_after": 3, "times": 1})

    says = "The next request to generate_consult_note: the stream ends cleanly after 3 pieces."
    rule = {"id": "fault-1", "operation": "generate_consult_note", "times": 1, "end_after": 3}
    added = {**rule, "hits": 0, "matched": 0, "says": says}
    assert answer.status_code == 200
    assert answer.json() == added
    assert answered(heidi.get(PATH)) == (200, f'{{"faults":[{answer.text}]}}')
    assert answered(heidi.get(f"{PATH}/fault-1")) == answered(answer)


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (b'"get_session+list_documents:status=503,times=2"', "application/json"),
        (b'{"operation": ["get_session", "list_documents"], "status": 503, "times": 2}', "application/json"),
        (b"operation: [get_session, list_documents]\nstatus: 503\ntimes: 2\n", "application/yaml"),
        (b"get_session+list_documents:status=503,times=2", "application/yaml"),
    ],
)
def test_a_rule_can_be_sent_as_json_yaml_or_text(heidi: Client, content: bytes, media_type: str) -> None:
    answer = heidi.post(PATH, content=content, headers={"Content-Type": media_type})

    shown = {"operation": ["get_session", "list_documents"], "times": 2, "status": 503}
    says = "The next 2 requests to get_session or list_documents: the answer is 503."
    assert answer.json() == {"id": "fault-1", **shown, "hits": 0, "matched": 0, "says": says}


def switch(heidi: Client, rule: str, enabled: Any) -> Any:
    return heidi.patch(f"{PATH}/{rule}", json={"enabled": enabled})


def test_a_rule_that_is_switched_off_does_nothing_and_goes_on_when_it_is_switched_on(heidi: Client) -> None:
    add(heidi, id="first", operation="get_session", status=503, times=2, header={"Authorization": "*"})
    add(heidi, id="second", operation="get_session", status=500)
    path = f"/sessions/{SESSION}"
    before = heidi.get(path).status_code
    off = switch(heidi, "first", enabled=False)
    heidi.get(path)
    meanwhile = heidi.get(PATH).json()["faults"]
    on = switch(heidi, "first", enabled=True)

    assert before == 503
    assert (off.status_code, off.json()["enabled"], off.json()["hits"]) == (200, False, 1)
    assert off.json()["says"].endswith("the answer is 503. It is switched off.")
    assert [(rule["id"], rule["hits"], rule["matched"]) for rule in meanwhile] == [("first", 1, 1), ("second", 1, 1)]
    assert "enabled" not in on.json()
    assert [heidi.get(path).status_code for _ in range(2)] == [503, 500]


def test_tokens_that_a_rule_has_ended_work_while_it_is_switched_off(heidi: Client) -> None:
    add(heidi, id="mine", revoke_token=True)
    path, statuses = f"/sessions/{SESSION}", []
    for enabled in (True, False, True):
        switch(heidi, "mine", enabled)
        statuses.append(heidi.get(path).status_code)

    assert statuses == [401, 200, 401]


@pytest.mark.parametrize("form", [{"enabled": False}, "get_session:status=418,enabled=false"])
def test_a_rule_can_be_set_switched_off(heidi: Client, form: Any) -> None:
    rule = form if isinstance(form, str) else {**form, "operation": "get_session", "status": 418}
    heidi.post(PATH, json=rule)

    assert heidi.get(f"/sessions/{SESSION}").status_code == 200
    assert heidi.get(PATH).json()["faults"][0]["enabled"] is False


@pytest.mark.parametrize("body", [{}, {"enabled": None}, {"enabled": "no"}, {"status": 500}, []])
def test_a_wrong_switch_is_refused_and_changes_nothing(heidi: Client, body: Any) -> None:
    before = add(heidi, id="mine", status=503)
    answer = heidi.patch(f"{PATH}/mine", json=body)

    assert answer.status_code == 400
    assert heidi.get(f"{PATH}/mine").json() == before


def test_an_unknown_rule_is_not_switched(heidi: Client) -> None:
    assert switch(heidi, "mine", enabled=False).status_code == 404


def test_a_switched_rule_of_the_start_is_replaced_with_the_fixtures() -> None:
    rules = ActiveFaults([parse({"id": "mine", "status": 503})])
    (mine,) = rules
    rules.switch(mine, on=False)
    copied = rules.copy()
    copied.forget([parse({"id": "mine", "status": 503})])

    assert len(copied) == 0


def test_the_header_sets_no_rule_that_is_switched_off(heidi: Client) -> None:
    answer = heidi.get(f"/sessions/{SESSION}", headers={"X-Mock-Fault": "status=503,enabled=false"})

    assert answer.status_code == 400
    assert "leave out enabled=false" in answer.text


def test_a_rule_can_have_a_given_id_and_a_label(heidi: Client) -> None:
    made = add(heidi, id="My.rule_1-a", label="A person's name for it: ä", status=503)

    assert (made["id"], made["label"]) == ("My.rule_1-a", "A person's name for it: ä")
    assert heidi.get(f"{PATH}/My.rule_1-a").json() == made


def test_ids_of_rules_are_never_reused(heidi: Client) -> None:
    first, second = add(heidi, status=503)["id"], add(heidi, status=503)["id"]
    heidi.delete(PATH)
    third = add(heidi, status=503)["id"]
    heidi.put(PATH, json=[{"status": 503}])

    assert (first, second, third, list(hits(heidi))) == ("fault-1", "fault-2", "fault-3", ["fault-4"])


def test_a_used_id_is_refused_and_never_generated(heidi: Client) -> None:
    add(heidi, id="fault-1", status=503)

    answer = heidi.post(PATH, json={"id": "fault-1", "status": 500})

    error = "there is a rule 'fault-1' already; remove it first, or choose another id"
    assert answered(answer) == (409, wire({"error": error, "hint": "GET /_mock/faults lists them"}))
    assert add(heidi, status=503)["id"] == "fault-2"


@pytest.mark.parametrize(
    ("body", "error", "hint"),
    [
        (None, "the rule is not an object", HINT),
        ([], "the rule is not an object", HINT),
        (5, "the rule is not an object", HINT),
        ({"operation": "get_sesion", "status": 503}, "operation: there is no operation 'get_sesion'", None),
        (
            {"operation": [], "status": 503},
            "operation: Input should be the name of an operation, or a list of them",
            HINT,
        ),
        ({"end_afer": 3}, "unknown field 'end_afer'", None),
        ({"error": "SessionNotFound"}, "error: there is no error 'SessionNotFound'", None),
        ({"method": "FETCH", "path": "/x", "status": 503}, "method: there is no method 'FETCH'", None),
        ({"method": "GET", "status": 503}, "method goes with path", HINT),
        ({"status": 99}, "status: Input should be a whole number from 200 to 599", HINT),
        ({"status": "503"}, "status: Input should be a whole number from 200 to 599", HINT),
        ({"status": True}, "status: Input should be a whole number from 200 to 599", HINT),
        ({"detail": "x"}, None, None),
        ({"detail": "x", "close": True}, "detail goes with status", HINT),
        (
            {"error": "NotFoundError", "status": 404},
            "error and status are two answers at once",
            "make two rules of them",
        ),
        ({"close": True, "rst": True}, "close and rst are two answers at once", "make two rules of them"),
        ({"carried_out": True, "delay": 1}, None, None),
        (
            {"crlf": True, "operation": "get_session"},
            "crlf is for generate_consult_note, ask_ai, not for get_session",
            HINT,
        ),
        (
            {"empty_note": True, "operation": "get_session"},
            "empty_note is for generate_consult_note, create_document, ask_ai, not for get_session",
            HINT,
        ),
        (
            {"wrong_offsets": True, "operation": "create_document"},
            "wrong_offsets is for generate_clinical_codes, not for create_document",
            HINT,
        ),
        (
            {"not_json": True, "operation": ["ask_ai"]},
            "not_json is for whole bodies, not for the streams of ask_ai",
            (
                f"say a status too, use one of {', '.join(STREAM_EFFECTS)}, "
                "or for a reply with a body say path instead of operation"
            ),
        ),
        (
            {"media_type": "text/plain", "drop_key": "data", "operation": ["generate_consult_note", "ask_ai"]},
            "drop_key is for whole bodies, not for the streams of generate_consult_note, ask_ai",
            None,
        ),
        ({"id": "a b", "status": 503}, None, None),
        ({"session_id": 1234567890, "status": 503}, None, None),
        ({"quota": "5 per 60"}, "quota: Input should be REQUESTS/SECONDS, such as 5/60", HINT),
        ({"quota": "5/0"}, "quota: Input should be REQUESTS/SECONDS, such as 5/60", HINT),
        ({"delay": {"uniform": [2, 1]}}, None, HINT),
        ({"delay": "soon"}, "delay: Input should be a number of seconds, a day at most", HINT),
        ({"delay": -1}, "delay: Input should be a number of seconds, a day at most", HINT),
        ({"delay": 86_401}, "delay: Input should be a number of seconds, a day at most", HINT),
        ({"probability": 1.1, "status": 503}, "probability: Input should be a number from 0 to 1", HINT),
        ({"times": 0, "status": 503}, "times: Input should be a whole number from 1 to 1000000000", HINT),
        ({"nth": [], "status": 503}, "nth: Input should be a number of 1 or more, or a list of them", HINT),
        ({"nth": [1, 0], "status": 503}, "nth: Input should be a whole number from 1 to 1000000000", HINT),
        ({"match": "x", "status": 503}, "match: Input should be a valid dictionary", HINT),
        ({"header": "X-Client", "status": 503}, None, None),
        ({"drop_key": []}, "drop_key: Input should be a key such as session.duration, or a list of them", HINT),
        ({"rename_key": "a"}, "rename_key: Input should be OLD:NEW, such as session.session_id:id", HINT),
        ({"media_type": "a/b\r\nX: y"}, "media_type: Input should be a media type, such as text/plain", HINT),
        ({"end_inside": "word"}, "end_inside: Input should be piece, json or utf8", HINT),
        ({"not_json": ""}, "not_json: Input should be true, or the text to send", HINT),
        ({"swap": 0}, "swap: Input should be a whole number from 1 to 1000000000", HINT),
        ("get_session:", None, None),
        ('{"status": 5', None, None),
    ],
)
def test_an_invalid_rule_is_refused_with_a_hint(heidi: Client, body: Any, error: str | None, hint: str | None) -> None:
    add(heidi, id="other", operation="get_account_access", status=418)

    one = heidi.post(PATH, json=body)
    several = heidi.put(PATH, json=[{"status": 503}, body])

    assert (one.status_code, several.status_code) == (400, 400)
    assert set(one.json()) == {"error", "hint"}
    assert several.json()["error"] == f"[1] {one.json()['error']}"
    assert error in (None, one.json()["error"])
    assert hint in (None, one.json()["hint"])
    assert one.json()["hint"]
    assert list(hits(heidi)) == ["other"]


@pytest.mark.parametrize(
    "rule",
    [
        "ask_ai:not_json,status=200",
        "ask_ai+get_session:not_json",
        "ask_ai:media_type=text/plain",
        "*:not_json",
    ],
)
def test_a_body_effect_is_accepted_for_a_stream_that_may_answer_with_a_body(heidi: Client, rule: str) -> None:
    assert heidi.post(PATH, json=rule).status_code == 200


def test_an_unknown_operation_is_refused_with_the_nearest_names(heidi: Client) -> None:
    answer = heidi.post(PATH, json={"operation": "finish_recordin", "status": 503})

    error = "operation: there is no operation 'finish_recordin'"
    hint = "did you mean finish_recording or start_recording?"
    assert answered(answer) == (400, wire({"error": error, "hint": hint}))


def test_an_unknown_name_may_contain_a_semicolon(heidi: Client) -> None:
    answer = heidi.post(PATH, json={"operation": "get; sesion", "status": 503})

    assert answer.json()["error"] == "operation: there is no operation 'get; sesion'"
    assert answer.json()["hint"].startswith("did you mean get_session")


def test_the_refusal_of_a_rule_without_an_effect_lists_the_effects(heidi: Client) -> None:
    answer = heidi.post(PATH, json={"operation": "get_session", "times": 1})

    assert answer.json()["error"] == "a fault needs an effect, such as status=503"
    assert answer.json()["hint"] == f"there are {', '.join(EFFECTS)}"


def test_rules_are_replaced_all_or_none(heidi: Client) -> None:
    add(heidi, status=503)

    good = heidi.put(PATH, json=[{"id": "a", "status": 418}, "get_session:status=503", {"id": "b", "delay": 0}])
    bad = heidi.put(PATH, json=[{"status": 500}, {"id": "b", "status": 500}, {"id": "b", "delay": 1}])
    empty = heidi.put(PATH, json={"faults": []})

    assert [row["id"] for row in good.json()["faults"]] == ["a", "fault-2", "b"]
    hint = "give each rule a different id, or no id"
    error = "there is a rule 'b' already; remove it first, or choose another id"
    assert answered(bad) == (409, wire({"error": error, "hint": hint}))
    assert answered(empty) == answered(heidi.get(PATH)) == (200, wire({"faults": []}))


def test_a_refused_replacement_changes_nothing(heidi: Client) -> None:
    add(heidi, id="a", status=503, operation="get_session")
    heidi.get(f"/sessions/{SESSION}")
    before = heidi.get(PATH).text

    answers = [heidi.put(PATH, json=body) for body in ({"status": 500}, None, "x", [{"status": 5}], [{"id": "a"}] * 2)]

    assert [answer.status_code for answer in answers] == [400] * 5
    assert heidi.get(PATH).text == before
    assert '"hits":1' in before


@pytest.mark.parametrize("effect", EFFECTS)
def test_a_rule_can_be_sent_back_as_it_was_answered(effect: str) -> None:
    whole = {
        "id": "r", "label": "l", "method": "POST", "path": "/sessions/{id}/*", "session_id": SESSION,
        "header": {"X-A": "*", "x-b": "c"}, "match": {"a": [1, {"b": None}]}, "nth": [1, 3], "times": 2, "after": 1,
        "every": 3, "probability": 0.5, "ttl": 60, effect: EXAMPLES[effect][0],
    }  # fmt: skip
    with another(faults=(whole,)) as heidi:
        [shown] = rules(heidi)

    again = parse({name: value for name, value in json.loads(json.dumps(shown)).items() if name not in TOLD})

    assert again == parse(whole)
    assert again.model_dump() == {name: value for name, value in shown.items() if name not in TOLD}


TOLD = ("hits", "matched", "says")


def test_a_list_of_rules_can_be_sent_back_as_it_was_answered(heidi: Client) -> None:
    add(heidi, operation="ask_ai", end_after=3, header="X-A: b")
    add(heidi, operation=["ask_ai", "get_session"], delay="uniform:0:0", nth=[1, 2], quota="0/60", ttl=60)
    before = rules(heidi)

    answer = heidi.put(PATH, json=before)

    assert answer.json()["faults"] == rules(heidi) == before


SECRETIVE = {
    "id": "mine",
    "header": {"authorization": "Bearer hunter2", "heidi-api-key": "*", "x-own": DEFAULT_KEY},
    "match": {"password": "hunter2", "note": [f"key {DEFAULT_KEY}"], "token": None},
    "status": 503,
    "detail": {"secret": "hunter2"},
    "drop_key": "token",
    "rename_key": {"token": "jwt"},
}


def test_no_endpoint_shows_the_secrets_in_a_rule() -> None:
    situation = {"name": "own", "explanation": "Own.", "faults": [{**SECRETIVE, "id": "theirs"}]}
    with another(fixtures={"scenarios": [situation]}) as heidi:
        answers = [
            heidi.post(PATH, json=SECRETIVE),
            heidi.get(PATH),
            heidi.get(f"{PATH}/mine"),
            heidi.get("/_mock/scenarios"),
            heidi.post("/_mock/scenarios/own"),
            heidi.put(PATH, json=[SECRETIVE]),
        ]

        assert [answer.status_code for answer in answers] == [200] * 6
        assert not [answer.text for answer in answers if "hunter2" in answer.text or DEFAULT_KEY in answer.text]
        assert answers[0].json() == {
            **SECRETIVE,
            "header": {"authorization": "***", "heidi-api-key": "*", "x-own": "***"},
            "match": {"password": "***", "note": ["key ***"], "token": None},
            "detail": {"secret": "***"},
            "hits": 0,
            "matched": 0,
            "says": answers[0].json()["says"],
        }


def test_a_rule_that_is_sent_back_masked_keeps_its_secrets(heidi: Client) -> None:
    add(heidi, operation="get_session", header="X-Token: hunter2", status=418)

    heidi.put(PATH, json=rules(heidi))

    assert [fits(heidi, "GET", "/sessions/5", headers={"X-Token": token}) for token in ("hunter2", "***")] == [
        True,
        False,
    ]


def test_a_rule_that_is_sent_back_masked_and_changed_keeps_its_secrets(heidi: Client) -> None:
    add(heidi, operation="get_session", header="X-Token: hunter2", status=418, label="one")

    [shown] = rules(heidi)
    heidi.put(PATH, json=[{**shown, "label": "two", "times": 1}])

    assert rules(heidi)[0]["label"] == "two"
    assert [fits(heidi, "GET", "/sessions/5", headers={"X-Token": token}) for token in ("***", "hunter2")] == [
        False,
        True,
    ]


def test_a_value_after_a_secret_name_in_a_rule_is_masked(heidi: Client) -> None:
    rule = {"operation": "get_session", "status": 503, "label": "token=abcdef, twice"}
    broken = {"operation": "get_session", "not_json": '{"password": "hunter2", "open'}

    shown = [heidi.post(PATH, json=one).json() for one in (rule, broken)]

    assert shown[0]["label"] == "token=***, twice"
    assert shown[1]["not_json"] == '{"password": ***, "open'


def test_a_delete_removes_one_rule_or_all(heidi: Client) -> None:
    for status in (500, 502, 503):
        add(heidi, status=status)

    one = heidi.delete(f"{PATH}/fault-2")
    unknown = heidi.delete(f"{PATH}/fault-2")
    every = heidi.delete(PATH)
    none = heidi.get(f"{PATH}/fault-2")

    assert [row["id"] for row in one.json()["faults"]] == ["fault-1", "fault-3"]
    error = "there is no fault 'fault-2'"
    assert answered(unknown) == (404, wire({"error": error, "hint": "did you mean fault-3 or fault-1?"}))
    assert answered(every) == answered(heidi.delete(PATH)) == (200, wire({"faults": []}))
    assert answered(none) == (404, wire({"error": error, "hint": "there are none"}))


def test_a_removed_rule_no_longer_acts(heidi: Client) -> None:
    add(heidi, id="gone", status=418)
    before = fits(heidi, "GET", "/sessions/5", signed=False)

    heidi.delete(f"{PATH}/gone")

    assert before
    assert not fits(heidi, "GET", "/sessions/5", signed=False)


def test_a_namespace_accepts_rules_up_to_its_limit(heidi: Client) -> None:
    full = heidi.put(PATH, json=[{"operation": "ask_ai", "status": 503}] * 1_000)

    one_more = heidi.post(PATH, json={"status": 503})
    too_many = heidi.put(PATH, json=[{"status": 503}] * 1_001)

    error = "there are 1000 rules already; DELETE /_mock/faults makes room"
    assert full.status_code == 200
    assert answered(one_more) == (409, wire({"error": error, "hint": "GET /_mock/faults lists them"}))
    assert too_many.status_code == 409
    assert (len(rules(heidi)), rules(heidi)[0]["operation"]) == (1_000, "ask_ai")


def test_the_endpoints_accept_no_parameters(heidi: Client) -> None:
    statuses = {heidi.request(method, f"{PATH}?a=1").status_code for method in ("GET", "POST", "PUT", "DELETE")}

    assert statuses == {400}


def test_a_reset_restores_the_first_rules_or_keeps_all() -> None:
    with another(faults=("get_session:status=503",)) as heidi:
        heidi.get(f"/sessions/{SESSION}")
        add(heidi, operation="ask_ai", status=500)

        heidi.post("/_mock/reset?keep=faults")
        kept = hits(heidi)
        answer = heidi.post("/_mock/reset")

        assert (kept, hits(heidi)) == ({"fault-1": 1, "fault-2": 0}, {"fault-1": 0})
        assert "faults" in answer.json()["reset"]


def test_a_reset_that_keeps_faults_also_keeps_exhausted_ones(heidi: Client) -> None:
    add(heidi, operation="get_session", status=503, times=1)
    statuses = [heidi.get(f"/sessions/{SESSION}").status_code]

    heidi.post("/_mock/reset?keep=faults")
    statuses += [heidi.get(f"/sessions/{SESSION}").status_code]

    assert (statuses, hits(heidi)) == ([503, 200], {"fault-1": 1})


def test_each_namespace_has_its_own_rules(heidi: Client) -> None:
    heidi.post(f"/ns/blue{PATH}", json={"status": 418})
    blue = in_namespace(heidi, "blue")

    blue_answers = fits(blue, "GET", "/jwt", signed=False)
    own = fits(heidi, "GET", "/sessions/5")

    assert (blue_answers, own, hits(heidi)) == (True, False, {})
    blue.close()


def test_a_namespace_can_start_with_its_own_faults(heidi: Client) -> None:
    made = heidi.post("/_mock/namespaces/blue", json={"faults": ["get_jwt:status=503,times=1", {"delay": 0}]})
    refused = heidi.post("/_mock/namespaces/green", json={"faults": [{"status": 503}, {"end_afer": 1}]})

    assert made.status_code == 200
    assert [row["id"] for row in heidi.get(f"/ns/blue{PATH}").json()["faults"]] == ["fault-1", "fault-2"]
    assert refused.status_code == 400
    assert refused.json()["error"] == "[1] unknown field 'end_afer'"
    names = [row["name"] for row in heidi.get("/_mock/namespaces").json()["namespaces"]]
    assert names == ["default", "blue"]


def test_a_repeated_id_in_the_first_rules_of_a_namespace_is_refused(heidi: Client) -> None:
    answer = heidi.post("/_mock/namespaces/blue", json={"faults": [{"id": "a", "status": 503}] * 2})

    assert answer.status_code == 400
    assert answer.json()["error"] == "there is a rule 'a' already"
    assert len(heidi.get("/_mock/namespaces").json()["namespaces"]) == 1


# --- Selection of requests --------------------------------------------------------------------------------------------


def test_a_rule_without_conditions_matches_every_api_request(heidi: Client) -> None:
    heidi.token()
    add(heidi, status=418)

    assert fits(heidi, "GET", "/jwt")
    assert fits(heidi, "GET", f"/sessions/{SESSION}")
    assert fits(heidi, "GET", "/nowhere")
    assert fits(heidi, "PUT", "/jwt")
    assert fits(heidi, "GET", "http://localhost/elsewhere")
    assert not fits(heidi, "GET", "/_mock/health")
    assert not fits(heidi, "GET", "http://localhost/livez")


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        ("get_session", [True, False, False]),
        (["get_session", "list_documents"], [True, True, False]),
        (["ask_ai"], [False, False, False]),
    ],
)
def test_a_rule_selects_one_operation_or_several(heidi: Client, operation: Any, expected: list[bool]) -> None:
    add(heidi, operation=operation, status=418)

    paths = (f"/sessions/{SESSION}", f"/sessions/{SESSION}/documents", f"/sessions/{SESSION}/transcript")
    assert [fits(heidi, "GET", path) for path in paths] == expected


@pytest.mark.parametrize(
    ("rule", "method", "path", "expected"),
    [
        ({"path": "/sessions/{id}"}, "GET", "/sessions/5", True),
        ({"path": "/sessions/{id}"}, "PATCH", "/sessions/5", True),
        ({"path": "/sessions/{id}"}, "GET", "/sessions/5/", True),
        ({"path": "sessions/{id}/"}, "GET", "//sessions//5", True),
        ({"path": "/sessions/{id}"}, "GET", "/sessions/5/documents", False),
        ({"path": "/sessions/{id}"}, "GET", "/sessions", False),
        ({"path": "/sessions*"}, "GET", "/sessions/5/documents", True),
        ({"path": "/sessions*"}, "POST", "/sessions", True),
        ({"path": "/sessions/*/documents"}, "GET", "/sessions/5/documents", True),
        ({"path": "/anything*"}, "GET", "/anything/at/all", True),
        ({"path": "*/all"}, "GET", "/anything/at/all", True),
        ({"path": "/"}, "GET", "", True),
        ({"path": "/session."}, "GET", "/sessions", False),
        ({"path": "/sessions/5", "method": "get"}, "GET", "/sessions/5", True),
        ({"path": "/sessions/5", "method": "GET"}, "PATCH", "/sessions/5", False),
        ({"path": "/patient-profiles:batch-delete", "method": "POST"}, "POST", "/patient-profiles:batch-delete", True),
        ({"path": "/patient-profiles:batch-delete"}, "POST", "/patient-profiles", False),
        ({"path": "/elsewhere"}, "GET", "http://localhost/elsewhere", True),
        ({"path": "/sessions/{id}", "operation": "get_session"}, "PATCH", "/sessions/5", False),
    ],
)  # fmt: skip
def test_a_rule_selects_paths_by_a_pattern(
    heidi: Client, rule: dict[str, Any], method: str, path: str, expected: bool
) -> None:
    add(heidi, **rule, status=418)

    assert fits(heidi, method, path) == expected


def test_the_pattern_of_a_path_ignores_the_namespace(heidi: Client) -> None:
    heidi.post(f"/ns/blue{PATH}", json={"path": "/sessions/{id}", "status": 418})
    blue = in_namespace(heidi, "blue")

    assert fits(blue, "GET", "/sessions/5")
    blue.close()


def test_a_rule_selects_one_session(heidi: Client) -> None:
    add(heidi, session_id=SESSION, status=418)

    paths = (f"/sessions/{SESSION}", f"/sessions/{SESSION}/documents", f"/sessions/{OTHER_SESSION}", "/nowhere")
    assert [fits(heidi, "GET", path) for path in paths] == [True, True, False, False]


@pytest.mark.parametrize(
    ("wanted", "given", "expected"),
    [
        ({"X-Client": "mobile"}, {"x-client": "mobile"}, True),
        ({"x-client": "mobile"}, {"X-CLIENT": "mobile"}, True),
        ({"X-Client": "mobile"}, {"X-Client": "Mobile"}, False),
        ({"X-Client": "*"}, {"X-Client": "anything"}, True),
        ({"X-Client": "*"}, {}, False),
        ({"X-Client": "mobile", "X-Version": "2"}, {"X-Client": "mobile"}, False),
        ({"X-Client": "mobile", "X-Version": "2"}, {"X-Client": "mobile", "X-Version": "2"}, True),
        ("X-Client: mobile", {"X-Client": "mobile"}, True),
        ("X-Link: http://a/b", {"X-Link": "http://a/b"}, True),
    ],
)
def test_a_rule_selects_requests_by_a_header(heidi: Client, wanted: Any, given: dict[str, str], expected: bool) -> None:
    add(heidi, header=wanted, status=418)

    assert fits(heidi, "GET", f"/sessions/{SESSION}", headers=given) == expected


@pytest.mark.parametrize(
    ("match", "expected"),
    [
        ({}, True),
        ({"content": "Some text."}, True),
        ({"content": "Some"}, False),
        ({"extra": {"a": 1}}, True),
        ({"extra": {"b": [1, {"c": 2}]}}, True),
        ({"extra": {"b": [1]}}, False),
        ({"nothing": None}, False),
    ],
)
def test_a_rule_selects_requests_by_a_part_of_the_body(heidi: Client, match: dict[str, Any], expected: bool) -> None:
    add(heidi, match=match, status=418)

    body = {**COMMAND, "extra": {"a": 1, "b": [1, {"c": 2}]}}
    assert fits(heidi, "POST", ASK, json=body) == expected


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"5", b"\xff", b"[" * 100_000, b'{"a": 1' + b" " * 1_048_576 + b"}"]
)
def test_match_never_fits_a_body_that_is_not_an_object_or_too_large(heidi: Client, content: bytes) -> None:
    add(heidi, match={"a": 1}, status=418)

    assert not fits(heidi, "POST", ASK, content=content)


def test_matching_a_body_leaves_it_complete_for_the_handler(heidi: Client) -> None:
    def chunks() -> Any:
        async def made() -> Any:
            for letter in json.dumps({"clinician_notes": ["ä" * 100]}):
                yield letter.encode()

        return made()

    add(heidi, operation="update_session", match={"clinician_notes": []}, status=418)

    heidi.patch(f"/sessions/{SESSION}", content=chunks(), headers={"Content-Type": "application/json"})

    assert heidi.get(f"/sessions/{SESSION}").json()["session"]["clinician_notes"] == ["ä" * 100]
    assert rules(heidi)[0]["matched"] == 0


def test_matching_a_body_does_not_change_the_refusal_of_an_upload(heidi: Client) -> None:
    path = f"/sessions/{SESSION}/context-documents"
    before = heidi.post(path, json={"a": 2})
    add(heidi, match={"a": 1}, status=418)

    after = heidi.post(path, json={"a": 2})

    assert (after.status_code, after.json()) == (before.status_code, before.json())
    assert fits(heidi, "POST", path, json={"a": 1})


def test_every_condition_of_a_rule_must_match(heidi: Client) -> None:
    add(heidi, operation="ask_ai", session_id=SESSION, header="X-A: b", match={"content": "c"}, status=418)

    body, headers = {**COMMAND, "content": "c"}, {"X-A": "b"}
    assert fits(heidi, "POST", ASK, json=body, headers=headers)
    assert not fits(heidi, "POST", ASK, json=body)
    assert not fits(heidi, "POST", ASK, json=COMMAND, headers=headers)
    assert not fits(heidi, "POST", ASK.replace(SESSION, OTHER_SESSION), json=body, headers=headers)
    assert rules(heidi)[0]["matched"] == 1


def test_a_rule_without_an_operation_matches_those_its_effect_can_change(heidi: Client) -> None:
    add(heidi, id="stream", end_after=0)
    add(heidi, id="text", empty_note=True)
    add(heidi, id="codes", wrong_offsets=True)

    heidi.get(f"/sessions/{SESSION}")
    heidi.post(ASK, json=COMMAND)
    heidi.get(f"/sessions/{SESSION}/clinical-codes")

    assert {row["id"]: row["matched"] for row in rules(heidi)} == {"stream": 1, "text": 1, "codes": 1}


def test_a_rule_also_matches_requests_without_valid_credentials(heidi: Client) -> None:
    add(heidi, operation="list_patient_profiles", status=418)

    heidi.sign_in(KEY_TWO)

    assert fits(heidi, "GET", "/patient-profiles")
    assert fits(heidi, "GET", "/patient-profiles", signed=False)
    assert fits(heidi, "GET", "/patient-profiles", headers={"Authorization": "Bearer nonsense"})


# --- How often --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("often", "expected"),
    [
        ({}, [1, 2, 3, 4, 5, 6]),
        ({"times": 1}, [1]),
        ({"times": 3}, [1, 2, 3]),
        ({"after": 2}, [3, 4, 5, 6]),
        ({"after": 0}, [1, 2, 3, 4, 5, 6]),
        ({"after": 6}, []),
        ({"every": 2}, [1, 3, 5]),
        ({"every": 3, "after": 1}, [2, 5]),
        ({"every": 2, "after": 1, "times": 2}, [2, 4]),
        ({"nth": 2}, [2]),
        ({"nth": [1, 3, 9]}, [1, 3]),
        ({"nth": [2, 3, 5], "times": 2}, [2, 3]),
        ({"nth": [1, 4], "after": 2}, [4]),
        ({"probability": 0}, []),
        ({"probability": 1}, [1, 2, 3, 4, 5, 6]),
        ({"ttl": 3600, "times": 2}, [1, 2]),
    ],
)
def test_a_rule_limits_how_often_it_acts(heidi: Client, often: dict[str, Any], expected: list[int]) -> None:
    add(heidi, operation="get_session", status=418, **often)

    found = []
    for number in range(1, 7):
        heidi.get(f"/sessions/{SESSION}/documents")  # this one does not count
        if fits(heidi, "GET", f"/sessions/{SESSION}"):
            found.append(number)

    assert found == expected
    [rule] = rules(heidi)
    assert (rule["hits"], rule["matched"]) == (len(expected), 6)


def pattern(client: Client, requests: int = 40) -> str:
    return "".join("x" if fits(client, "GET", "/nowhere", signed=False) else "." for _ in range(requests))


def test_probability_depends_only_on_the_seed() -> None:
    rule = "*:status=418,probability=0.5"
    found = []
    for seed in (1, 1, 2):
        with another(seed=seed, faults=(rule,)) as heidi:
            first = pattern(heidi)
            heidi.post("/_mock/reset")
            found.append((first, pattern(heidi)))

    assert found[0] == found[1]
    assert found[0][0] == found[0][1]
    assert found[0] != found[2]
    assert 8 < found[0][0].count("x") < 32


def test_probability_does_not_change_generated_ids() -> None:
    made = []
    for faults in ((), ("*:delay=0,probability=0.5",)):
        with another(faults=faults) as heidi:
            made.append([heidi.post("/sessions").text for _ in range(5)])

    assert made[0] == made[1]


def test_random_delays_depend_on_the_seed(heidi: Client) -> None:
    space_of = heidi.app.registry.default
    for kind, low, high in (("uniform:1:3", 1.0, 3.0), ("lognormal:2:0.5", 0.1, 40.0)):
        heidi.post("/_mock/reset")
        delay = parse(f"*:delay={kind}").delay
        assert delay is not None
        ours = [delay.draw(space_of.ids.chance) for _ in range(50)]
        heidi.post("/_mock/reset")
        again = [delay.draw(space_of.ids.chance) for _ in range(50)]
        assert ours == again
        assert len(set(ours)) == 50
        assert all(low <= seconds <= high for seconds in ours)


def test_a_log_normal_delay_is_at_most_a_day(heidi: Client) -> None:
    delay = parse("*:delay=lognormal:86400:80000").delay
    assert delay is not None

    drawn = [delay.draw(heidi.app.registry.default.ids.chance) for _ in range(50)]

    assert max(drawn) == 86_400


def test_the_ttl_of_a_rule_uses_real_time_and_not_the_mock_clock(heidi: Client) -> None:
    add(heidi, id="short", status=418, ttl=0.05)
    add(heidi, id="long", operation="ask_ai", status=418, ttl=3600)

    heidi.post("/_mock/clock/advance", json={"seconds": 86_400})
    until(lambda: list(hits(heidi)) == ["long"], "the end of the short rule")

    assert not fits(heidi, "GET", "/nowhere", signed=False)
    assert fits(heidi, "POST", ASK, json=COMMAND, signed=False)
    assert heidi.get(f"{PATH}/short").status_code == 404
    assert heidi.delete(f"{PATH}/short").status_code == 404
    assert add(heidi, id="short", status=418)["hits"] == 0


def test_an_expired_rule_does_not_count_towards_the_limit(heidi: Client) -> None:
    heidi.put(PATH, json=[{"status": 503, "ttl": 0}] * 1_000)

    assert heidi.post(PATH, json={"status": 503}).status_code == 200


# --- Order and combination --------------------------------------------------------------------------------------------


def test_the_first_rule_that_answers_wins(heidi: Client) -> None:
    add(heidi, id="passed", operation="get_session", status=500, times=1)
    add(heidi, id="second", operation="get_session", status=418)
    add(heidi, id="never", status=503, operation="get_session")

    statuses = [heidi.get(f"/sessions/{SESSION}").status_code for _ in range(3)]

    assert statuses == [500, 418, 418]
    assert hits(heidi) == {"passed": 1, "second": 2, "never": 0}
    assert rules(heidi)[2]["matched"] == 0


def test_earlier_rules_combine_with_the_one_that_answers(heidi: Client) -> None:
    add(heidi, id="a", delay=0)
    add(heidi, id="b", null_key="detail")
    add(heidi, id="c", status=503)
    add(heidi, id="d", delay=10, media_type="text/plain")

    answer = heidi.get("/sessions/5", signed=False)

    assert answered(answer) == (503, '{"detail":null}')
    assert answer.headers["x-mock-fault"] == "a, b, c"
    assert answer.headers["content-type"] == "application/json"
    assert hits(heidi) == {"a": 1, "b": 1, "c": 1, "d": 0}


def test_one_rule_can_have_several_effects(heidi: Client) -> None:
    add(heidi, delay=0, status=500, detail={"msg": "no"}, media_type="text/plain", rename_key="detail:error")

    answer = heidi.get("/sessions/5", signed=False)

    assert answered(answer) == (500, '{"error":{"msg":"no"}}')
    assert answer.headers["content-type"] == "text/plain"


def test_the_first_of_two_equal_effects_counts(heidi: Client) -> None:
    add(heidi, id="a", operation="get_session", null_key="session.duration")
    add(heidi, id="b", operation="get_session", null_key="session.session_name")

    session = heidi.get(f"/sessions/{SESSION}").json()["session"]

    assert session["duration"] is None
    assert session["session_name"] == "Session 123"
    assert hits(heidi) == {"a": 1, "b": 0}


@pytest.mark.parametrize(
    "rule",
    [
        {"operation": "get_session", "drop_key": "session.nothing"},
        {"operation": "get_session", "null_key": "data.*.id"},
        {"operation": "generate_consult_note", "empty_note": True},
        {"operation": "ask_ai", "end_after": 1_000},
        {"operation": "get_account_access", "status": 418},
    ],
)
def test_a_rule_that_changed_no_answer_has_no_hit_and_is_not_used_up(heidi: Client, rule: dict[str, Any]) -> None:
    add(heidi, **{"times": 1, **rule})

    answers = [
        heidi.get(f"/sessions/{SESSION}"),
        heidi.post(ASK, json=COMMAND),
        heidi.post(f"/sessions/{SESSION}/consult-note", json={}),
    ]

    assert [answer.status_code for answer in answers] == [200, 200, 422]
    assert rules(heidi)[0]["hits"] == 0


def test_a_refused_request_changes_nothing_while_a_fault_is_set(heidi: Client) -> None:
    for rule in ({"delay": 0}, {"operation": "create_session", "drop_key": "session_id"}, {"status": 503, "after": 9}):
        add(heidi, **rule)
    before = settled(heidi)

    answers = [
        heidi.post("/sessions", content=b"{", headers={"Content-Type": "application/json"}),
        heidi.post("/sessions", signed=False),
        heidi.get("/nowhere"),
    ]

    assert [answer.status_code for answer in answers] == [422, 401, 404]
    assert heidi.state() == before


# --- The short form ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("generate_consult_note:end_after=3", {"operation": "generate_consult_note", "end_after": 3}),
        ("ask_ai:crlf", {"operation": "ask_ai", "crlf": True}),
        ("ask_ai:crlf,no_space,times=1", {"operation": "ask_ai", "crlf": True, "no_space": True, "times": 1}),
        ("ask_ai+generate_consult_note:crlf", {"operation": ["ask_ai", "generate_consult_note"], "crlf": True}),
        ("*:status=503", {"status": 503}),
        ("status=503", {"status": 503}),
        ("close", {"close": True}),
        ("* : status = 503 , times = 2 ", {"status": 503, "times": 2}),
        ("GET /sessions/{id}:status=503", {"method": "GET", "path": "/sessions/{id}", "status": 503}),
        ("get  /sessions*:close", {"method": "GET", "path": "/sessions*", "close": True}),
        (
            "POST /patient-profiles:batch-delete:status=503,times=2",
            {"method": "POST", "path": "/patient-profiles:batch-delete", "status": 503, "times": 2},
        ),
        (
            "POST /patient-profiles:batch-delete:close",
            {"method": "POST", "path": "/patient-profiles:batch-delete", "close": True},
        ),
        ("*:delay=uniform:0.1:0.5,crlf", {"delay": {"uniform": [0.1, 0.5]}, "crlf": True}),
        ("*:delay=fixed:2", {"delay": 2}),
        ("*:delay=2", {"delay": {"fixed": [2]}}),
        ("*:retry_after=30", {"retry_after": 30}),
        ("*:retry_after=date:30,status=503", {"retry_after": "date:30", "status": 503}),
        ("*:quota=5/0.5", {"quota": {"requests": 5, "seconds": 0.5}}),
        ("*:header=X-Client: mobile,status=503", {"header": {"X-Client": "mobile"}, "status": 503}),
        ("*:header=X-Client: a=b,status=503", {"header": {"X-Client": "a=b"}, "status": 503}),
        ('*:header={"X-A": "b", "X-C": "*"},close', {"header": {"X-A": "b", "X-C": "*"}, "close": True}),
        ("get_session:drop_key=session", {"operation": "get_session", "drop_key": "session"}),
        ('*:drop_key=["a", "b.*.c"],times=1', {"drop_key": ["a", "b.*.c"], "times": 1}),
        ("*:nth=[2,4],close", {"nth": [2, 4], "close": True}),
        ('*:match={"a": {"b": [1, "x,y=z"]}},close', {"match": {"a": {"b": [1, "x,y=z"]}}, "close": True}),
        ("*:not_json", {"not_json": True}),
        ("*:not_json=<p>Hello, you</p>", {"not_json": "<p>Hello, you</p>"}),
        ('*:not_json="Hello, world=1",times=1', {"not_json": "Hello, world=1", "times": 1}),
        ('*:not_json="true"', {"not_json": "true"}),
        ('*:not_json={"data":,times=1', {"not_json": '{"data":', "times": 1}),
        ('*:not_json="a" and b', {"not_json": '"a" and b'}),
        ("*:status=503,detail=Down for a while", {"status": 503, "detail": "Down for a while"}),
        ("*:status=503,detail=5", {"status": 503, "detail": 5}),
        ('*:status=503,detail="5"', {"status": 503, "detail": "5"}),
        ('*:status=503,detail={"msg": "a, b", "type": "T"}', {"status": 503, "detail": {"msg": "a, b", "type": "T"}}),
        (f"ask_ai:session_id={SESSION},crlf", {"operation": "ask_ai", "session_id": SESSION, "crlf": True}),
        ("*:label=5,id=7,close", {"label": "5", "id": "7", "close": True}),
        ("ask_ai:crlf=false,comments=yes", {"operation": "ask_ai", "crlf": False, "comments": True}),
        ('{"operation": "ask_ai", "nth": [1, 2], "crlf": true}', {"operation": "ask_ai", "nth": [1, 2], "crlf": True}),
        (' {"status": 503}', {"status": 503}),
    ],
)  # fmt: skip
def test_the_short_form_means_the_same_as_json(text: str, rule: dict[str, Any]) -> None:
    assert parse(text) == parse(rule)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("get_sesion:status=503", "operation: there is no operation 'get_sesion'; did you mean get_session"),
        ("get_session:statu=503", "unknown field 'statu'; did you mean status"),
        ("get_session:status=abc", "status: Input should be a whole number from 200 to 599"),
        ("get_session:", "a fault needs an effect, such as status=503; there are error, "),
        ("", "a fault needs an effect"),
        ("FETCH /x:close", "method: there is no method 'FETCH'; there are GET"),
        ('{"status": 5', "it is not JSON: "),
        ("get_session", "nothing goes wrong; write it like get_session:status=503"),
        ("foo", "it begins neither with requests nor with a field: foo; write it like get_session:status=503"),
        ("get_session status=503", "it begins neither with requests nor with a field: get_session status; write it"),
        ("*:drop_key=a,b", "unknown field 'b'"),
        ("*:header=X-A,close", "header: Input should name headers and their values"),
    ],
)
def test_an_invalid_short_form_is_refused_with_the_nearest_names(text: str, error: str) -> None:
    with pytest.raises(FaultError) as refused:
        parse(text)

    assert str(refused.value).startswith(error)
    with pytest.raises(ConfigError) as at_start:
        create_app(faults=(text,))
    assert str(at_start.value) == f"fault {text!r}: {refused.value}"


def test_this_module_has_an_example_of_every_effect() -> None:
    assert set(EXAMPLES) == set(EFFECTS)


@pytest.mark.parametrize("effect", EFFECTS)
def test_an_effect_means_the_same_in_json_text_and_yaml(tmp_path: Path, effect: str) -> None:
    value, text, yaml_text = EXAMPLES[effect]
    (tmp_path / "faults.yaml").write_text(f"- id: a\n  times: 2\n  {effect}: {yaml_text}\n", encoding="utf-8")
    told = [{"id": "a", "times": 2, effect: value}, f"*:id=a,times=2,{effect}" + (f"={text}" if text else "")]

    with another(fixtures=tmp_path) as heidi:
        from_yaml = rules(heidi)
    shown = []
    for fault in told:
        with another(faults=(fault,)) as heidi:
            shown.append(rules(heidi))

    assert shown == [from_yaml, from_yaml]
    assert parse({effect: from_yaml[0][effect]}).given(EFFECTS) == [effect]


def test_a_fault_object_is_accepted_as_a_rule() -> None:
    fault = Fault.model_validate({"status": 503})

    assert parse(fault) is fault
    with another(faults=(fault,)) as heidi:  # a handle may pass on the object it was given
        assert heidi.get("/nowhere", signed=False).status_code == 503


# --- From fixtures ----------------------------------------------------------------------------------------------------


def test_fixtures_can_contain_faults_in_order(tmp_path: Path) -> None:
    (tmp_path / "faults.yaml").write_text(
        "- {operation: get_session, nth: 2, error: SessionNotFoundError}\n"
        "- {id: own, path: '/sessions/{id}', method: GET, status: 503}\n"
        "- {id: same, status: 500, operation: ask_ai}\n"
        "- {status: 500, operation: ask_ai}\n"
        "- {status: 500, operation: ask_ai}\n",
        encoding="utf-8",
    )
    with another(fixtures=tmp_path) as heidi:
        answers = [heidi.get(f"/sessions/{SESSION}").status_code for _ in range(3)]

        assert answers == [503, 404, 503]
        assert list(hits(heidi)) == ["fault-1", "own", "same", "fault-2", "fault-3"]


def test_an_error_in_a_file_of_faults_names_its_line(tmp_path: Path) -> None:
    file = tmp_path / "faults.yaml"
    file.write_text(
        "- operation: get_sesion\n  status: 503\n"
        "- operation: get_session\n  times: 0\n  status: 503\n"
        "- stats: 503\n"
        "- operation: get_session\n"
        "- {id: a, status: 503}\n- {id: a, status: 503}\n"
        "- just a text\n",
        encoding="utf-8",
    )

    with pytest.raises(ConfigError) as refused:
        create_app(fixtures=tmp_path)

    lines = str(refused.value).splitlines()
    assert [line.partition("; ")[0].removeprefix(str(file)) for line in lines] == [
        ":1: [0].operation: there is no operation 'get_sesion'",
        ":4: [1].times: Input should be a whole number from 1 to 1000000000, not '0'",
        ":6: [2].stats: unknown field",
        ":7: [3]: a fault needs an effect, such as status=503",
        ":9: [5]: 'a' exists already",
        ":10: [6]: should be a mapping of fields",
    ]
    assert "did you mean get_session" in lines[0]
    assert "did you mean status?" in lines[2]


def test_faults_from_start_up_come_before_those_from_fixtures(tmp_path: Path) -> None:
    (tmp_path / "faults.yaml").write_text("- {id: file, status: 500}\n", encoding="utf-8")

    with another(fixtures=tmp_path, faults=("*:id=flag,status=418,times=1",)) as heidi:
        assert list(hits(heidi)) == ["flag", "file"]
    with pytest.raises(ConfigError, match="there is a rule 'file' already"):
        create_app(fixtures=tmp_path, faults=("*:id=file,status=418",))


def test_a_state_replaces_faults_only_if_it_has_some(heidi: Client) -> None:
    add(heidi, id="mine", operation="ask_ai", status=503)

    heidi.put("/_mock/state", json={"sessions": []})
    kept = list(hits(heidi))
    heidi.put("/_mock/state", json={"faults": [{"id": "theirs", "operation": "ask_ai", "status": 503}]})

    assert (kept, list(hits(heidi))) == (["mine"], ["theirs"])
    assert heidi.get("/_mock/state").json()["faults"] == [{"id": "theirs", "operation": "ask_ai", "status": 503}]


def test_a_state_that_is_sent_back_has_the_same_faults(heidi: Client) -> None:
    same = {"operation": "ask_ai", "delay": "uniform:0:0", "times": 1}
    heidi.put("/_mock/state", json={"faults": [same, {"id": "mine", "status": 503}, same]})
    heidi.put("/_mock/snapshots/before")

    heidi.put("/_mock/state", json=heidi.state())
    unchanged = heidi.get("/_mock/snapshots/before/diff").json()
    heidi.post("/_mock/state", json={"faults": [same]})
    changed = heidi.get("/_mock/snapshots/before/diff").json()

    assert unchanged == {}
    assert [len(changed["faults"][way]) for way in ("added", "removed", "changed")] == [1, 0, 0]
    assert list(hits(heidi)) == ["fault-1", "mine", "fault-2", "fault-3"]


def test_a_state_with_invalid_faults_changes_nothing() -> None:
    with another(faults=("*:id=a,delay=0",)) as heidi:
        before = settled(heidi), hits(heidi)

        clash = heidi.put("/_mock/state", json={"sessions": [], "faults": [{"id": "a", "status": 503}]})
        wrong = heidi.put("/_mock/state", json={"sessions": [], "faults": [{"statu": 503}]})

        assert (clash.status_code, wrong.status_code) == (400, 400)
        assert clash.json()["error"].startswith("faults: there is a rule 'a' already")
        assert wrong.json()["error"].startswith("faults[0].statu: unknown field")
        assert (heidi.state(), hits(heidi)) == before


def test_added_faults_act_and_belong_to_the_state(heidi: Client) -> None:
    add(heidi, id="mine", operation="ask_ai", status=503)

    heidi.post("/_mock/state", json={"faults": [{"id": "theirs", "operation": "get_session", "status": 503}]})

    assert heidi.get(f"/sessions/{SESSION}").status_code == 503
    assert hits(heidi) == {"mine": 0, "theirs": 1}
    assert heidi.put("/_mock/state", json=heidi.state()).status_code == 200
    assert list(hits(heidi)) == ["theirs"]


@pytest.mark.parametrize("taken", ["start", "now"])
def test_added_faults_with_used_ids_are_refused_and_change_nothing(taken: str) -> None:
    with another(faults=("*:id=start,delay=0",)) as heidi:
        heidi.put("/_mock/faults", json=["*:id=now,delay=0"])
        before = settled(heidi), hits(heidi)

        clash = heidi.post("/_mock/state", json={"sessions": [{}], "faults": [{"id": taken, "status": 503}]})

        assert (clash.status_code, clash.json()["error"].split(";")[0]) == (
            400,
            f"faults: there is a rule '{taken}' already",
        )
        assert (heidi.state(), hits(heidi)) == before
        assert heidi.post("/_mock/reset?keep=state").status_code == 200
        assert heidi.post("/_mock/namespaces/copy?from=default").status_code == 200
        with another() as untouched:
            assert heidi.post("/sessions").text == untouched.post("/sessions").text


# --- The schema for editors -------------------------------------------------------------------------------------------


def loaded(text: str) -> Any:
    return yaml.safe_load(text)


@pytest.mark.parametrize("kind", ["faults", "scenarios"])
def test_the_schema_accepts_the_packaged_file_as_an_editor_reads_it(kind: str) -> None:
    rows = loaded((FIXTURES / f"{kind}.yaml").read_text(encoding="utf-8"))

    validator = Draft202012Validator(fixture_schema.schema(kind))
    validator.check_schema(validator.schema)
    assert [error.message for error in validator.iter_errors(rows)] == []


def test_the_examples_in_the_packaged_file_are_rules() -> None:
    comments = [line for line in (FIXTURES / "faults.yaml").read_text(encoding="utf-8").splitlines() if line[:1] == "#"]
    first = next(number for number, line in enumerate(comments) if line.startswith("# - "))
    rows = loaded("\n".join(line[2:] for line in comments[first:]))

    assert len(rows) == 3
    assert all(parse(row).effects for row in rows)
    assert Draft202012Validator(fixture_schema.schema("faults")).is_valid(rows)


@pytest.mark.parametrize("effect", EFFECTS)
def test_the_schema_accepts_every_effect(effect: str) -> None:
    validator = Draft202012Validator(fixture_schema.schema("faults"))

    assert validator.is_valid([{effect: EXAMPLES[effect][0]}])
    assert validator.is_valid([{effect: loaded(EXAMPLES[effect][2])}])


@pytest.mark.parametrize(
    "rule",
    [
        {"statu": 503},
        {"status": "503"},
        {"status": 99},
        {"status": 503, "operation": 5},
        {"status": 503, "times": 0},
        {"status": 503, "probability": 2},
        {"status": 503, "method": "FETCH"},
        {"delay": -1},
        {"end_inside": "word"},
        {"crlf": "perhaps"},
        {"repeat": 0},
    ],
)
def test_the_schema_refuses_what_the_loader_refuses(rule: dict[str, Any]) -> None:
    assert not Draft202012Validator(fixture_schema.schema("faults")).is_valid([rule])
    with pytest.raises(FaultError):
        parse(rule)


@pytest.mark.parametrize(
    "rule", [{"rename_key": {"session": "TOKEN"}}, {"media_type": "text/TOKEN"}, {"drop_key": "TOKEN"}]
)
def test_the_list_of_rules_masks_a_token_in_a_name(heidi: Client, rule: dict[str, Any]) -> None:
    token = heidi.token()
    heidi.post(PATH, content=json.dumps({"operation": "get_session", **rule}).replace("TOKEN", token))

    shown = heidi.get(PATH).text

    assert heidi.get(PATH).json()["faults"]
    assert token not in shown
