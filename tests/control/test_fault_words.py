"""``POST /_mock/faults/preview`` and ``says``: a rule in words and in all of its forms."""

import shlex
from typing import Any

import pytest
from clients import Client

from mock_heidi import MockHeidi
from mock_heidi.base.settings import DEFAULT_KEY
from mock_heidi.faults.rule import parse

RULES: list[Any] = [
    "ask_ai:rst_after=3,times=2",
    "GET /sessions/*:status=503,every=3",
    "get_session+create_session:delay=uniform:0.1:0.5,nth=[1,2]",
    {"path": "/sessions", "method": "POST", "detail": {"msg": 'It\'s, "closed"'}, "status": 400},
    {"label": "a, b=c", "header": {"X-A": "*"}, "match": {"a": [1, None, True]}, "retry_after": 1.5},
    {"operation": "get_session", "not_json": "{"},
]


def checked(heidi: Client, rule: Any) -> dict[str, Any]:
    answer: dict[str, Any] = heidi.post("/_mock/faults/preview", json=rule).json()
    return answer


@pytest.fixture
def server() -> Any:
    with MockHeidi() as served:
        yield served


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_all_forms_of_a_rule_mean_the_same(server: Any, rule: Any) -> None:
    forms = server.control("POST", "/faults/preview", rule)
    taken: list[Any] = []

    class Taking:
        def fault(self, operation: Any = None, **fields: Any) -> None:
            taken.append({**({} if operation is None else {"operation": operation}), **fields})

    eval(forms["python"], {"mock_heidi": Taking()})  # noqa: S307 - a line that this test has just made
    command = shlex.split(forms["command"])

    assert command[:3] == ["mock-heidi", "fault", "add"]
    assert [parse(one) for one in (forms["rule"], forms["short_form"], command[3], taken[0])] == [parse(rule)] * 4
    assert server.faults() == []


def test_an_invalid_rule_is_refused_as_it_would_be_when_added(heidi: Client) -> None:
    rule = {"operation": "get_session", "end_after": 3}

    asked, added = heidi.post("/_mock/faults/preview", json=rule), heidi.post("/_mock/faults", json=rule)

    assert (asked.status_code, asked.json()) == (400, added.json())


def test_rules_in_use_say_what_happens(heidi: Client) -> None:
    made = heidi.post("/_mock/faults", json="ask_ai:end_after=3,times=1").json()

    assert made["says"] == "The next request to ask_ai: the stream ends cleanly after 3 pieces."
    assert heidi.get("/_mock/faults").json()["faults"] == [made]
    assert heidi.put("/_mock/faults", json=[made]).json()["faults"] == [made]


@pytest.mark.parametrize(
    "rule",
    [
        {"header": {"Authorization": "Bearer abc.def"}, "status": 503},
        {"path": f"/sessions/{DEFAULT_KEY}", "status": 503},
        {"match": {"password": "abc.def"}, "status": 503},
        {"status": 503, "detail": f"the key is {DEFAULT_KEY}"},
    ],
    ids=str,
)
def test_the_words_of_a_rule_contain_no_secret(heidi: Client, rule: dict[str, Any]) -> None:
    says = heidi.post("/_mock/faults", json=rule).json()["says"]

    assert says.endswith(".")
    assert DEFAULT_KEY not in says
    assert "abc.def" not in says
