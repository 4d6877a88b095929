"""Work and length of written texts are bounded: a request cannot multiply two sizes that its client chooses."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from clients import Client
from helpers import SESSION

from mock_heidi.content import custom_templates
from mock_heidi.content.custom_templates import LONGEST_SENTENCE, MOST_HEADINGS, MOST_QUESTIONS
from mock_heidi.namespaces.session_content import LONGEST_EARLIER

PATH = f"/sessions/{SESSION}"
FILL = f"{PATH}/client-customised-template/response"
TEMPLATE_ID = "659b8042fe093d6592b41ef7"


def write(client: Client, path: str = PATH, **changes: Any) -> str:
    """Generate a note and return it."""
    asked = {"generation_method": "TEMPLATE", "template_id": TEMPLATE_ID, "addition": "", "voice_style": "GOLDILOCKS"}
    client.post(f"{path}/consult-note", json={**asked, **changes}).raise_for_status()
    return str(client.get(path).json()["session"]["consult_note"]["result"])


def spied(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A list to which each parsed text is added from now on."""
    read: list[str] = []
    words: Callable[[str], set[str]] = vars(custom_templates)["_words"]

    def reading(text: str) -> set[str]:
        read.append(text)
        return words(text)

    monkeypatch.setattr(custom_templates, "_words", reading)
    return read


def question(text: str = "What?", **fields: Any) -> dict[str, Any]:
    return {"question": text, "answerType": "TextArea", "repeatable": True, **fields}


def test_an_answer_in_a_template_has_a_bounded_length(heidi: Client) -> None:
    write(heidi, addition="word " * 20_000)

    (answered,) = heidi.post(FILL, json={"questions": [question("Which word?")]}).json()["questionAnswers"]

    assert max(len(one["value"]) for one in answered["answer"]) == LONGEST_SENTENCE
    assert answered["answer"][0]["value"].endswith("word…")


@pytest.mark.parametrize("kind", ["TextArea", "MultipleResponse"])
def test_a_note_is_parsed_once_for_all_questions_of_a_template(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    read = spied(monkeypatch)
    note = "\n".join(f"Sentence {number}" for number in range(100))
    asked = [question(f"Question {number}", answerType=kind, answerOptions=["One"]) for number in range(100)]

    custom_templates.answer({"questions": asked}, note, "2025-01-06")

    # Each sentence, the whole note, and each question with its option.
    assert sum(map(len, read)) < 2 * len(note) + 100 * len("Question 99 One")


def test_only_the_first_distinct_sentences_of_a_long_note_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    read = spied(monkeypatch)
    note = "\n".join([*["The same"] * 5_000, *(f"Sentence {number}" for number in range(5_000))])

    made = custom_templates.answer({"questions": [question("About sentence 7?")]}, note, "2025-01-06")

    assert len(read) < 400
    assert made["questionAnswers"][0]["answer"][0] == {"value": "Sentence 0"}


def test_other_requests_run_between_the_questions_of_a_template() -> None:
    note = "\n".join(f"Sentence {number}" for number in range(300))
    asked = [question(childQuestions=[question()] * 9) for _ in range(100)]

    work = custom_templates.answering({"questions": asked}, note, "2025-01-06")

    assert sum(1 for _ in work) == MOST_QUESTIONS


@pytest.mark.parametrize("name", ["questions", "responses"])
def test_the_number_of_questions_in_a_template_is_bounded(heidi: Client, name: str) -> None:
    write(heidi)
    children = [question() for _ in range(MOST_QUESTIONS - 1)]

    most = heidi.post(FILL, json={name: [question(childQuestions=children)]})
    more = heidi.post(FILL, json={name: [question(childQuestions=children), question()]})

    (problem,) = more.json()["detail"]
    assert (most.status_code, more.status_code) == (200, 422)
    assert (problem["type"], problem["loc"]) == ("value_error", ["body", name])
    assert problem["msg"] == f"Value error, a template has {MOST_QUESTIONS} questions at most, not {MOST_QUESTIONS + 1}"


def test_the_number_of_headings_in_a_template_is_bounded(heidi: Client) -> None:
    headings = [f"Heading {number}" for number in range(MOST_HEADINGS + 1)]
    template = {"template_id": None, "third_party_template": json.dumps({"name": "Letter", "sections": headings})}
    asked = {"generation_method": "TEMPLATE", "addition": "", "voice_style": "GOLDILOCKS"}

    refused = heidi.post(f"{PATH}/consult-note", json={**asked, **template})
    note = write(heidi, template_id=None, third_party_template=json.dumps(headings[1:]))

    assert refused.status_code == 422
    assert refused.json()["detail"][0]["loc"] == ["body", "third_party_template"]
    assert f"a template has {MOST_HEADINGS} headings at most" in refused.json()["detail"][0]["msg"]
    assert headings[-1] in note


def test_a_session_that_is_linked_twice_is_in_the_note_once(heidi: Client) -> None:
    other = f"/sessions/{heidi.post('/sessions').json()['session_id']}"
    write(heidi, other, addition="The knee is better.")
    heidi.patch(PATH, json={"linked_sessions_for_context": [other.removeprefix("/sessions/")] * 1_000})

    assert write(heidi).count("The knee is better.") == 1


def test_notes_that_contain_each_other_have_a_bounded_length(heidi: Client) -> None:
    first, second = (f"/sessions/{heidi.post('/sessions').json()['session_id']}" for _ in range(2))
    for path, other in ((first, second), (second, first)):
        linked = [one.removeprefix("/sessions/") for one in (other, path)]
        heidi.patch(path, json={"linked_sessions_for_context": linked})

    lengths = [len(write(heidi, path, addition="word " * 100)) for _ in range(8) for path in (first, second)]

    assert max(lengths) < 3 * LONGEST_EARLIER
