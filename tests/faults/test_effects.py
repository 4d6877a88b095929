"""Effects are functions from delivery to delivery, so these tests need no server and no clock."""

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from paths import ROOT

from mock_heidi.base.slices import finish
from mock_heidi.faults.delivery import Delivery, Ending, Part, Stream, of_body, of_stream
from mock_heidi.faults.effects import BY_NAME, EFFECTS
from mock_heidi.faults.effects.effect import Effect, Stage, Where
from mock_heidi.faults.effects.plan import Chosen, acting, choose, plan
from mock_heidi.faults.fields import Delay
from mock_heidi.faults.rule import Fault, parse

APPLIED = [effect for effect in EFFECTS if effect.apply is not None]
SESSION = {"session": {"session_id": "1", "duration": 16, "patient": {"name": "Ada"}}, "session_id": "1"}
BODY = of_body(200, [(b"content-type", b"application/json")], json.dumps(SESSION).encode())
STREAM = of_stream(Stream(["One ", "twö ", "three ", "four"]), lambda at: 0.5 if at else 1.0)
NAMES = {effect.name: effect for effect in APPLIED}


def rule(text: str, number: int = 0) -> Chosen[str]:
    """The effects of a rule given in its short form."""
    return choose(f"{number}:{text}", parse(f"*:{text}").effects, random.Random(7))  # noqa: S311 - of a test


def planned(answer: Delivery, *rules: str) -> Delivery:
    return plan(answer, [rule(text, number) for number, text in enumerate(rules)])


def acted_on(answer: Delivery, rules: list[Chosen[str]]) -> tuple[Delivery, list[Chosen[str]]]:
    return finish(acting(answer, rules))


def answer_for(effect: Effect) -> Delivery:
    return STREAM if effect.where is Where.STREAMS else BODY


def data(delivery: Delivery) -> list[bytes]:
    return [part.data for part in delivery.parts]


def words(delivery: Delivery) -> list[str]:
    return [json.loads(part.data.removeprefix(b"data: "))["data"].strip() for part in delivery.parts]


# --- Every effect -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [effect.name for effect in EFFECTS])
def test_the_example_of_an_effect_is_a_rule_with_that_effect(name: str) -> None:
    effect = BY_NAME[name]
    beside = {"detail": "status=503,", "carried_out": "close,"}.get(name, "")

    fault = parse(f"*:{beside}{effect.example}")

    assert fault.given([name]) == [name]


@pytest.mark.parametrize("name", NAMES)
def test_the_example_of_an_effect_changes_the_delivery(name: str) -> None:
    effect = NAMES[name]
    answer = answer_for(effect)

    made = planned(answer, effect.example)

    assert made != answer
    assert answer == answer_for(effect)


@pytest.mark.parametrize("name", NAMES)
def test_an_effect_that_needs_a_connection_declares_it(name: str) -> None:
    made = planned(answer_for(NAMES[name]), NAMES[name].example)

    assert (made.ending is not Ending.COMPLETE) == NAMES[name].breaks


@pytest.mark.parametrize("name", [effect.name for effect in APPLIED if effect.where is not Where.ANY])
def test_an_effect_does_not_change_answers_of_the_other_kind(name: str) -> None:
    other = BODY if NAMES[name].where is Where.STREAMS else STREAM

    assert planned(other, NAMES[name].example) == other


@pytest.mark.parametrize("name", NAMES)
def test_an_effect_does_not_change_a_delivery_without_an_answer(name: str) -> None:
    silent = Delivery(None, ending=Ending.CLOSE)

    assert planned(silent, NAMES[name].example) == silent


@pytest.mark.parametrize("where", [Where.BODIES, Where.STREAMS])
def test_effects_of_different_stages_apply_in_any_order_of_rules(where: Where) -> None:
    fitting = [effect for effect in APPLIED if effect.where in (where, Where.ANY)]
    answer = STREAM if where is Where.STREAMS else BODY
    pairs = [(one, two) for one in fitting for two in fitting if one.stage < two.stage]

    differing = [
        (one.name, two.name)
        for one, two in pairs
        if planned(answer, one.example, two.example) != planned(answer, two.example, one.example)
    ]

    assert pairs
    assert differing == []


# --- Several rules ----------------------------------------------------------------------------------------------------


def test_the_first_of_two_rules_with_the_same_effect_acts() -> None:
    made, acted = acted_on(STREAM, [rule("lose=2", 1), rule("lose=3", 2)])

    assert words(made) == ["One", "three", "four"]
    assert [one.rule for one in acted] == ["1:lose=2"]


def test_one_of_two_equal_rules_acts() -> None:
    _, acted = acted_on(BODY, [rule("empty", 1), rule("empty", 2)])

    assert [one.rule for one in acted] == ["1:empty"]


def test_one_of_two_rules_with_the_same_result_acts() -> None:
    rules = [rule("lose=4", 1), rule("end_after=3", 2)]

    made, acted = acted_on(STREAM, rules)

    assert words(made) == ["One", "twö", "three"]
    assert [one.rule for one in acted] == ["1:lose=4"]


def test_delays_add_up() -> None:
    made = planned(STREAM, "delay_body=2", "delay_body=3,delay_chunks=1")

    assert [part.pause for part in made.parts] == [6.0, 1.5, 1.5, 1.5]


def test_a_random_delay_is_drawn_once_for_each_piece() -> None:
    drawn = choose("r", {"delay_chunks": Delay("uniform", 0.1, 0.9)}, random.Random(7))  # noqa: S311 - of a test

    pauses = [[part.pause for part in plan(STREAM, [drawn]).parts] for _ in range(2)]

    assert pauses[0] == pauses[1]
    assert len(set(pauses[0][1:])) == 3


@pytest.mark.parametrize("rules", [("rst_after=3", "end_after=2"), ("end_after=2", "stall_after=3")])
def test_the_earliest_of_several_ends_acts(rules: tuple[str, ...]) -> None:
    made = planned(STREAM, *rules)

    assert (words(made), made.ending) == (["One", "twö"], Ending.COMPLETE)


def test_two_rules_may_give_the_two_arguments_of_an_end() -> None:
    made, acted = acted_on(STREAM, [rule("end_inside=piece", 1), rule("end_after=2", 2)])

    assert data(made) == [*data(STREAM)[:2], data(STREAM)[2][:-1]]
    assert len(acted) == 2


@pytest.mark.parametrize(("escapes", "start"), [("escaped", b"h\\u00e9"), ("utf_8", "hé".encode())])
def test_a_piece_that_is_cut_keeps_its_escapes(escapes: str, start: bytes) -> None:
    made = planned(of_stream(Stream(["héél"]), lambda _: 0.0, escapes), "end_after=0,end_inside=json")

    assert data(made) == [b'data: {"data": "' + start]


def test_many_equal_rules_are_planned_only_a_few_times(monkeypatch: pytest.MonkeyPatch) -> None:
    plans = []
    really = plan

    def counting(answer: Delivery, chosen: Any) -> Delivery:
        plans.append(1)
        return really(answer, chosen)

    monkeypatch.setattr("mock_heidi.faults.effects.plan.plan", counting)
    acted_on(BODY, [rule("empty,media_type=text/plain", number) for number in range(1_000)])

    assert len(plans) <= 3


# --- Pieces keep their numbers and times ------------------------------------------------------------------------------


def test_the_pause_of_a_lost_piece_moves_to_the_next() -> None:
    made = planned(STREAM, "lose=1")

    assert [(part.number, part.pause) for part in made.parts] == [(2, 1.5), (3, 0.5), (4, 0.5)]


def test_a_swapped_piece_is_sent_when_the_next_one_is_due() -> None:
    made = planned(STREAM, "swap=1")

    assert [(part.number, part.pause) for part in made.parts] == [(2, 1.5), (1, 0.0), (3, 0.5), (4, 0.5)]


def test_one_write_is_sent_when_its_last_piece_is_due() -> None:
    made = planned(STREAM, "one_write")

    assert [part.pause for part in made.parts] == [2.5]


# --- Bodies -----------------------------------------------------------------------------------------------------------


def test_a_cut_body_promises_its_full_length_after_other_changes() -> None:
    made = planned(BODY, "null_key=session", "cut_at=5")

    assert len(made.body) == 5
    assert made.length == len(b'{"session":null,"session_id":"1"}')


def test_an_empty_body_is_one_empty_part() -> None:
    made = planned(BODY, "empty,delay_chunks=1")

    assert (made.parts, made.length) == ((Part(b""),), 0)


def test_an_emptied_page_keeps_its_media_type() -> None:
    made = planned(BODY, "empty", "not_json")

    assert (made.body, dict(made.headers)[b"content-type"]) == (b"", b"text/html; charset=utf-8")


def test_a_key_is_duplicated_after_every_other_change() -> None:
    made = planned(BODY, "duplicate_key=session.duration,drop_key=session.patient,wrong_type=session.duration")
    pairs = json.loads(made.body, object_pairs_hook=list)

    assert pairs[0] == ("session", [("session_id", "1"), ("duration", "16"), ("duration", None)])


def test_a_slow_first_byte_delays_the_head() -> None:
    made = planned(BODY, "slow_first_byte=2", "slow_first_byte=1")

    assert (made.pause, made.parts) == (3.0, BODY.parts)


# --- Everything else follows from the list ----------------------------------------------------------------------------


def test_effects_without_a_function_have_stages_that_need_none() -> None:
    without = {effect.stage for effect in EFFECTS if effect.apply is None and effect.name != "end_inside"}

    assert without == {Stage.ANSWER, Stage.WAIT, Stage.TEXT}
    assert without.isdisjoint(effect.stage for effect in APPLIED)


def test_every_effect_is_a_field_of_a_rule() -> None:
    assert list(Fault.model_fields)[-len(EFFECTS) :] == [effect.name for effect in EFFECTS]


@pytest.mark.slow
def test_a_misspelt_effect_is_a_type_error(tmp_path: Path) -> None:
    pytest.importorskip("mypy", reason="the lowest versions are tried without the linters")
    test = tmp_path / "use.py"
    test.write_text(
        "from mock_heidi import Handle\n\n\ndef use(heidi: Handle) -> None:\n"
        '    heidi.fault("ask_ai", status=503, times=1)\n    heidi.fault("ask_ai", staus=5)\n',
        encoding="utf-8",
    )
    ended = subprocess.run(  # noqa: S603 - ours
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path), str(test)],
        cwd=ROOT,  # so that mypy finds the package of this checkout
        capture_output=True,
        text=True,
        check=False,
    )

    assert 'use.py:6: error: Unexpected keyword argument "staus"' in ended.stdout
    assert ended.stdout.count("error:") == 1


def test_a_change_that_a_client_cannot_see_is_not_a_hit() -> None:
    same = of_stream(Stream(["a", "a"]), lambda _: 0.0)
    one = of_stream(Stream(["a"]), lambda _: 0.0)

    acted = [acted_on(same, [rule("swap=1")])[1], acted_on(one, [rule("one_write")])[1]]

    assert acted == [[], []]


def test_a_pause_in_an_answer_without_parts_is_not_a_hit() -> None:
    _, acted = acted_on(Delivery(None, ending=Ending.CLOSE), [rule("slow_first_byte=1,delay_body=1")])

    assert acted == []


def test_a_change_of_one_key_leaves_other_texts_unchanged() -> None:
    text = "\ue000again\ue000"
    answer = of_body(200, [], json.dumps({"text": text, "a": 1}).encode())

    assert json.loads(planned(answer, "drop_key=a").body) == {"text": text}
