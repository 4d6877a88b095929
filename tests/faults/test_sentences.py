"""A rule in words: which requests, how often, and what happens."""

import pytest

from mock_heidi.faults.effects import EFFECTS
from mock_heidi.faults.effects.effect import Effect
from mock_heidi.faults.rule import parse
from mock_heidi.faults.sentences import sentence


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("ask_ai:rst_after=3,times=2", "The next 2 requests to ask_ai: the stream is reset after 3 pieces."),
        ("ask_ai:end_after=1,times=1", "The next request to ask_ai: the stream ends cleanly after 1 piece."),
        ("*:status=503", "Every request: the answer is 503."),
        ("end_after=3", "Every request whose answer is a stream: the stream ends cleanly after 3 pieces."),
        ("swap_sides", "Every request whose answer is a written text: left is right and right is left."),
        ("ask_ai+create_document:delay=2", "Every request to ask_ai or create_document: the work begins 2 s later."),
        ("GET /sessions/*:close", "Every request to GET /sessions/*: the connection closes before the answer."),
        ("path=/sessions,empty", "Every request to any method of /sessions: the body is empty."),
        ("get_session:nth=[2,5],status=404", "Requests 2 and 5 to get_session: the answer is 404."),
        ("get_session:nth=2,status=404", "Request 2 to get_session: the answer is 404."),
        ("*:every=3,after=5,status=500", "Every third request, after the first 5: the answer is 500."),
        ("*:every=4,times=2,status=500", "Every 4th request, 2 times at most: the answer is 500."),
        (
            "*:probability=0.25,times=1,status=500",
            "Every request, with a chance of 25 %, 1 time at most: the answer is 500.",
        ),
        ("*:ttl=60,status=500", "Every request, for 60 s of real time: the answer is 500."),
        ("*:session_id=1,status=500", "Every request about session 1: the answer is 500."),
        (
            "*:header=X-Client:mobile,rst",
            "Every request with the header x-client: mobile: the connection is reset before the answer.",
        ),
        (
            '*:match={"a":1},stall',
            'Every request with {"a": 1} in the body: no answer comes until the client gives up.',
        ),
        ("*:delay=uniform:0.1:0.5,empty", "Every request: the work begins 0.1 to 0.5 s later; the body is empty."),
        ("*:retry_after=date:30", "Every request: the answer says to try again after 30 s, as a date."),
        ("*:quota=5/60", "Every request: those beyond 5 in 60 s get 429 with Retry-After."),
        ("*:drop_key=[a,b]", "Every request: the body lacks [a,b]."),
        ('*:drop_key=["a","b"]', "Every request: the body lacks a and b."),
        ("*:rename_key=a:b", "Every request: the body has another name for a: b."),
    ],
)
def test_a_rule_is_a_plain_sentence(rule: str, words: str) -> None:
    assert sentence(parse(rule)) == words


@pytest.mark.parametrize("effect", EFFECTS, ids=lambda effect: effect.name)
def test_every_effect_has_a_phrase(effect: Effect) -> None:
    others = {"detail": "status=503,", "carried_out": "close,"}.get(effect.name, "")

    words = sentence(parse(f"*:{others}{effect.example}"))

    assert words.startswith("Every request")
    assert words.endswith(".")
    assert not set("{}`") & set(words.replace('{"msg": "Closed"}', ""))


def test_a_long_value_is_shortened() -> None:
    assert len(sentence(parse({"status": 503, "match": {"a": "x" * 5_000}}))) < 400
