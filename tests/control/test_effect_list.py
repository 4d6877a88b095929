"""The effects that the control API lists, and the preview of a rule."""

import pytest
from clients import Client

from mock_heidi import Handle
from mock_heidi.base.operations import STREAMS
from mock_heidi.faults.rule import EFFECTS


def test_the_effects_are_listed_with_their_arguments(heidi: Client) -> None:
    rows = {row["name"]: row for row in heidi.get("/_mock/effects").json()["effects"]}

    assert set(EFFECTS) | {"detail", "carried_out"} == set(rows)
    assert rows["end_after"]["operations"] == list(STREAMS)
    assert rows["end_after"]["schema"] == {"type": "integer", "minimum": 0}
    assert "SessionNotFoundError" in rows["error"]["schema"]["enum"]
    assert rows["detail"]["goes_with"] == ["status"]


def test_each_example_of_an_effect_is_a_rule(mock_heidi: Handle) -> None:
    rows = mock_heidi.control("GET", "/effects")["effects"]
    partner = {"detail": ",status=503", "carried_out": ",status=503"}
    texts = [f"{row['operations'][0]}:{row['short_form']}{partner.get(row['name'], '')}" for row in rows]
    # A token ends at an operation that takes one.
    rules = [text.replace("get_jwt:", "get_session:") for text in texts]

    previews = [mock_heidi.control("POST", "/faults/preview", rule) for rule in rules]
    assert all(row["name"] in preview["rule"] for row, preview in zip(rows, previews, strict=True))


def test_a_preview_adds_no_rule(heidi: Client) -> None:
    made = heidi.post("/_mock/faults/preview", json="get_session:status=503,times=1").json()

    assert made["rule"] == {"operation": "get_session", "times": 1, "status": 503}
    assert heidi.get("/_mock/faults").json() == {"faults": []}


@pytest.mark.parametrize("rule", [{"close": True, "rst": True}, {"operation": "get_session", "lose": 2}, {"status": 9}])
def test_a_preview_refuses_what_the_server_would_refuse(heidi: Client, rule: dict[str, object]) -> None:
    preview = heidi.post("/_mock/faults/preview", json=rule)
    added = heidi.post("/_mock/faults", json=rule)

    assert (preview.status_code, preview.json()) == (400, added.json())
