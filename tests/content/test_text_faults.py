"""Faults in texts that only a person or a renderer would notice."""

import itertools
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest
from clients import Client
from helpers import SESSION, answered

from mock_heidi.content.text_faults import LONG
from mock_heidi.faults.rule import TEXT_FAULTS
from mock_heidi.observing.entry import Entry

# A session of the documented patient, and what a clinician has set as its transcript.
CASE = "335702952548561761985659436451376640053"
PATIENT = "John Doe, 1990-01-15, MALE"
SPOKEN = (
    "John Doe has pain in the left knee. Takes candesartan 8 mg and aspirin 100 mg. RIGHT hip normal, Left ear fine."
)
SOMEBODY_ELSE = "Wilhelmina Ostrander"
SCRIPT = '<script>alert("mock_heidi")</script>'
PATH = "/_mock/faults"
NOTE = {
    "generation_method": "TEMPLATE",
    "template_id": "659b8042fe093d6592b41ef7",
    "addition": "",
    "voice_style": "GOLDILOCKS",
}
DOCUMENT = {"generation_method": "TEMPLATE", "template_id": "66455a5f0b0a1c8d018c6896"}
ASK = {"ai_command_text": "Write a letter", "content": f"{SPOKEN}\nNothing else.", "content_type": "MARKDOWN"}
Write = Callable[..., httpx.Response]


def told(answer: httpx.Response) -> str:
    """The text of an answer, from a stream or from a document."""
    assert answer.status_code == 200, answer.text
    if answer.headers["content-type"] == "application/json":
        return str(answer.json()["content"])
    frames = answer.text.split("\n\n")[:-1]
    return "".join(json.loads(frame.removeprefix("data: "))["data"] for frame in frames)


def note(client: Client, **more: Any) -> httpx.Response:
    return client.post(f"/sessions/{CASE}/consult-note", json={**NOTE, **more})


def document(client: Client, **more: Any) -> httpx.Response:
    return client.post(f"/sessions/{CASE}/documents", json={**DOCUMENT, **more})


def asked(client: Client, **more: Any) -> httpx.Response:
    return client.post(f"/sessions/{CASE}/ask-ai", json={**ASK, **more})


WRITERS: dict[str, Write] = {"generate_consult_note": note, "create_document": document, "ask_ai": asked}


def kept(client: Client, operation: str) -> str:
    """The text in the session afterwards. The wanted faults are not stored."""
    session = client.get(f"/_mock/sessions/{CASE}").json()
    if operation == "generate_consult_note":
        return str(session["consult_note"]["result"])
    return str(session["documents"][-1]["content"])


def last(client: Client) -> Entry:
    *_, entry = client.app.registry.default.journal
    return entry


def add(client: Client, **rule: Any) -> str:
    answer = client.post(PATH, json=rule)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


def hits(client: Client) -> list[int]:
    return [row["hits"] for row in client.get(PATH).json()["faults"]]


@pytest.fixture
def case(heidi: Client) -> Client:
    """A client with a session whose texts every fault can change."""
    assert heidi.put(f"/_mock/sessions/{CASE}", json={"transcript": SPOKEN}).status_code == 200
    return heidi


def sections(text: str) -> list[str]:
    """The headings of a note in Markdown."""
    lines = [*text.splitlines(), ""]
    return [line for line, after in itertools.pairwise(lines) if line and not after and line[0] not in "●<"]


# Per effect and operation, what is wrong with the text: it must hold of the spoilt one and not of the right one.
Wrong = Callable[[str, str], bool]


def has_lost_its_case(text: str, right: str) -> bool:
    gone = [heading for heading in sections(right) if heading not in sections(text)]
    return len(gone) == 1 and SPOKEN not in text and len(text) < len(right)


WRONG: dict[str, Wrong] = {
    "empty_note": lambda text, _: text == "",
    "wrong_patient": lambda text, right: text.count(SOMEBODY_ELSE) == right.count("John Doe") and "John" not in text,
    "swap_sides": lambda text, right: (
        text
        == right.replace("left knee", "right knee").replace("RIGHT hip", "LEFT hip").replace("Left ear", "Right ear")
    ),
    "wrong_dose": lambda text, right: text == right.replace("candesartan 8 mg", "candesartan 80 mg"),
    "missing_section": has_lost_its_case,
    "wrong_language": lambda text, _: "Paciente" in text and SPOKEN in text,
    "html_note": lambda text, right: text.startswith("<") and "<" not in right,
    "script_tag": lambda text, right: text.replace(f"{SCRIPT}\n", "") == right and text.count(SCRIPT) == 1,
    "long_note": lambda text, right: len(text) >= LONG and text.startswith(right) and text.endswith(right),
}
FITTING = [
    (effect, operation)
    for effect in WRONG
    for operation in WRITERS
    if not (operation == "ask_ai" and effect in ("missing_section", "wrong_language"))
]


def test_every_clinical_effect_is_tried_here() -> None:
    assert {*WRONG, "wrong_offsets"} == set(TEXT_FAULTS)


@pytest.mark.slow
@pytest.mark.parametrize(("effect", "operation"), FITTING)
def test_a_text_is_wrong_in_the_way_that_was_asked(case: Client, effect: str, operation: str) -> None:
    write, is_wrong = WRITERS[operation], WRONG[effect]
    right = told(write(case))
    rule = add(case, operation=operation, **{effect: True})

    answer = write(case)

    text = told(answer)
    assert is_wrong(text, right)
    assert not is_wrong(right, right)
    assert answer.headers["x-mock-fault"] == rule
    assert (last(case).fault, last(case).provenance) == ((rule,), "injected")
    assert hits(case) == [1]
    if operation != "ask_ai":
        assert kept(case, operation) == text


# A very long text takes its time in a stream of small pieces: once is enough.
QUICK = [pair for pair in FITTING if pair[0] != "long_note" or pair[1] == "create_document"]


@pytest.mark.parametrize(("effect", "operation"), QUICK)
def test_the_same_text_is_wrong_the_same_way_again_and_right_without_the_rule(
    case: Client, effect: str, operation: str
) -> None:
    write = WRITERS[operation]
    right = told(write(case))
    add(case, operation=operation, times=2, **{effect: True})

    texts = [told(write(case)) for _ in range(3)]

    assert texts[0] == texts[1] != right
    assert texts[2] == right


@pytest.mark.parametrize("operation", WRITERS)
def test_an_effect_for_any_operation_fits_all_that_write(case: Client, operation: str) -> None:
    add(case, empty_note=True)

    assert told(WRITERS[operation](case)) == ""


def test_a_stream_without_words_has_no_pieces(case: Client) -> None:
    add(case, empty_note=True)

    assert answered(note(case)) == answered(asked(case)) == (200, "")
    assert kept(case, "generate_consult_note") == ""


@pytest.mark.slow
def test_a_very_long_note_comes_in_pieces_like_any_other(case: Client) -> None:
    add(case, long_note=True)

    answer = note(case)

    assert answer.text.count("\n\n") > LONG // 20
    assert len(told(answer)) < LONG + 2_000


# --- Where there is nothing to spoil ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("effect", "body"),
    [
        ("swap_sides", {"content": "Both knees."}),
        ("wrong_dose", {"content": "No medicines, 3 visits, 5 metres."}),
        ("wrong_patient", {"content": "Nobody in particular."}),
        ("missing_section", {}),
        ("wrong_language", {}),
        ("html_note", {"content_type": "HTML"}),
        ("empty_note", None),
        ("long_note", None),
    ],
)
def test_where_there_is_nothing_to_spoil_the_answer_is_right_and_it_is_no_hit(
    case: Client, effect: str, body: dict[str, Any] | None
) -> None:
    if body is None:  # an answer that is empty already
        case.post("/_mock/replies", json={"operation": "ask_ai", "pieces": []})
    right = asked(case, **(body or {}))
    add(case, operation="ask_ai", **{effect: True})

    answer = asked(case, **(body or {}))

    assert answer.content == right.content
    assert "x-mock-fault" not in answer.headers
    assert (hits(case), last(case).fault) == ([0], ())


def test_a_note_that_a_test_has_given_stays_as_it_was_given(case: Client) -> None:
    case.post("/_mock/replies", json={"operation": "generate_consult_note", "text": "John Doe, left knee, 8 mg"})
    add(case, operation="generate_consult_note", wrong_patient=True, swap_sides=True, wrong_dose=True)

    assert told(note(case)) == "John Doe, left knee, 8 mg"
    assert hits(case) == [0]


def test_a_note_that_is_html_already_is_no_wrong_html(case: Client) -> None:
    add(case, html_note=True)

    answer = note(case, content_type="HTML")

    assert told(answer).startswith("<h2>")
    assert hits(case) == [0]


def test_a_refused_request_is_no_hit_and_changes_nothing(case: Client) -> None:
    add(case, wrong_patient=True)
    case.token()
    before = case.state()

    answers = [note(case, template_id="f" * 24), note(case, voice_style="LOUD"), document(case, template_id=None)]

    assert [answer.status_code for answer in answers] == [404, 422, 422]
    assert (case.state(), hits(case)) == (before, [0])


# --- Words ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Amlodipine 5 mg, then 10 mg", "Amlodipine 50 mg, then 10 mg"),
        ("bisoprolol 1.25 mg", "bisoprolol 12.5 mg"),
        ("digoxin 0.0625 mg", "digoxin 0.625 mg"),
        ("paracetamol 1 g", "paracetamol 10 g"),
        ("metformin 1,000 mg", "metformin 10000 mg"),
        ("enalapril 2,5 mg", "enalapril 25 mg"),
        ("levotiroxina 75 microgramos, 8 miligramos", "levotiroxina 750 microgramos, 8 miligramos"),
        ("levothyroxine 75 micrograms", "levothyroxine 750 micrograms"),
        ("salbutamol 100mcg", "salbutamol 1000mcg"),
        ("insulin 100 µg", "insulin 1000 µg"),
        ("B12 5 mg", "B12 50 mg"),
        ("250 mg/5 mL", "2500 mg/5 mL"),
        ("ibuprofen 400\u00a0mg", "ibuprofen 4000\u00a0mg"),
    ],
)
def test_the_first_dose_is_ten_times_too_high(case: Client, text: str, expected: str) -> None:
    add(case, operation="ask_ai", wrong_dose=True)

    said = told(asked(case, ai_command_text="Summarise", content=text))

    assert said == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("left LEFT Left", "right RIGHT Right"),
        ("rightly leftover upright", None),
        ("left-sided, right/left", "right-sided, left/right"),
        ("rodilla izquierda, hombro izquierdo", "rodilla derecha, hombro derecho"),
        ("Derecho e IZQUIERDO", "Izquierdo e DERECHO"),
    ],
)
def test_sides_change_places_in_both_languages_and_keep_their_case(
    case: Client, text: str, expected: str | None
) -> None:
    add(case, operation="ask_ai", swap_sides=True)

    said = told(asked(case, ai_command_text="Summarise", content=text))

    assert said == (expected or text)
    assert hits(case) == [int(expected is not None)]


def test_another_language_than_spanish_is_english(case: Client) -> None:
    case.patch(f"/sessions/{CASE}", json={"output_language_code": "es"})
    right = told(note(case))
    add(case, wrong_language=True)

    wrong = told(note(case))

    assert "Paciente" in right
    assert "Paciente" not in wrong
    assert sections(wrong)[0] == "Patient"


# --- HTML -------------------------------------------------------------------------------------------------------------


class Tags(HTMLParser):
    """The tags of a text, which must be closed as they were opened."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, _: Any) -> None:
        self.seen.append(tag)
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def tags(text: str) -> list[str]:
    reader = Tags()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    return reader.seen


@pytest.mark.parametrize("operation", WRITERS)
def test_a_script_stands_inside_the_html(case: Client, operation: str) -> None:
    add(case, script_tag=True)

    text = told(WRITERS[operation](case, content_type="HTML"))

    seen = tags(text)
    assert seen.count("script") == 1
    assert seen[0] in ("h2", "p")
    assert not text.startswith(SCRIPT)
    assert not text.endswith(SCRIPT)


@pytest.mark.parametrize(
    ("effect", "operation"),
    [pair for pair in QUICK if pair[0] in ("wrong_patient", "swap_sides", "wrong_dose", "long_note")],
)
def test_words_are_wrong_in_html_as_in_markdown(case: Client, effect: str, operation: str) -> None:
    right = told(WRITERS[operation](case, content_type="HTML"))
    add(case, **{effect: True})

    text = told(WRITERS[operation](case, content_type="HTML"))

    assert WRONG[effect](text, right)
    assert set(tags(text)) == set(tags(right))


def test_a_document_says_markdown_and_is_html(case: Client) -> None:
    add(case, html_note=True)

    made = document(case).json()

    assert made["content_type"] == "MARKDOWN"
    assert "<ul>" in made["content"]


# --- Several at once --------------------------------------------------------------------------------------------------


def test_several_effects_of_one_rule_are_all_there(case: Client) -> None:
    add(case, wrong_patient=True, swap_sides=True, wrong_dose=True, html_note=True, script_tag=True)

    text = told(note(case))

    for wanted in (SOMEBODY_ELSE, "right knee", "candesartan 80 mg", "<h2>", SCRIPT):
        assert wanted in text
    assert "John" not in text


def test_effects_of_several_rules_compose_and_each_has_its_hit(case: Client) -> None:
    rules = [add(case, wrong_language=True), add(case, missing_section=True), add(case, html_note=True, times=1)]

    first, second = note(case), note(case)

    assert first.headers["x-mock-fault"] == ", ".join(rules)
    assert second.headers["x-mock-fault"] == ", ".join(rules[:2])
    assert SPOKEN not in told(first)
    assert ("<h2>Paciente</h2>" in told(first), "Paciente\n" in told(second)) == (True, True)
    assert hits(case) == [2, 2, 1]


def test_a_rule_that_spoils_a_part_of_what_it_wants_has_a_hit(case: Client) -> None:
    add(case, operation="ask_ai", swap_sides=True, wrong_dose=True)

    assert told(asked(case, ai_command_text="Summarise", content="left")) == "right"
    assert hits(case) == [1]


@pytest.mark.parametrize("operation", WRITERS)
def test_an_effect_of_which_another_leaves_nothing_has_no_hit(case: Client, operation: str) -> None:
    rules = [
        add(case, operation=operation, **{effect: True}) for effect in ("empty_note", "wrong_patient", "long_note")
    ]

    answer = WRITERS[operation](case)

    assert told(answer) == ""
    assert hits(case) == [1, 0, 0]
    assert last(case).fault == (rules[0],)


def short(client: Client) -> httpx.Response:
    """A note of one section, so that a note without a section is empty."""
    spoken = {"transcript": "I have had a pain in my left knee. Take 5 mg of ibuprofen."}
    client.put(f"/_mock/sessions/{SESSION}", json=spoken)
    return client.post(f"/sessions/{SESSION}/consult-note", json={**NOTE, "voice_style": "BRIEF", "brain": "LEFT"})


@pytest.mark.parametrize("effects", [("empty_note", "missing_section"), ("missing_section", "empty_note")])
def test_of_two_effects_that_come_to_the_same_one_has_the_hit(case: Client, effects: tuple[str, str]) -> None:
    rules = {effect: add(case, operation="generate_consult_note", times=1, **{effect: True}) for effect in effects}

    spoiled = told(short(case))

    assert spoiled == ""
    assert (sum(hits(case)), last(case).fault) == (1, (rules["empty_note"],))


def test_a_rule_of_two_effects_that_come_to_the_same_has_a_hit(case: Client) -> None:
    add(case, operation="generate_consult_note", empty_note=True, missing_section=True, times=1)

    assert [told(short(case)) == "" for _ in range(2)] == [True, False]
    assert hits(case) == [1]


def test_a_wrong_note_can_end_early_and_is_kept_whole(case: Client) -> None:
    whole = re.sub("John Doe", SOMEBODY_ELSE, told(note(case))).replace("1990-01-15, MALE", "1931-07-19, FEMALE")
    add(case, operation="generate_consult_note", wrong_patient=True, end_after=4)

    short = told(note(case))

    assert whole.startswith(short)
    assert len(short) < 60
    assert kept(case, "generate_consult_note") == whole


def test_a_wrong_note_can_lose_its_answer(case: Client) -> None:
    add(case, operation="create_document", empty_note=True, drop_key="content")

    answer = document(case)

    assert "content" not in answer.json()
    assert kept(case, "create_document") == ""


# --- Codes ------------------------------------------------------------------------------------------------------------


def offsets(answer: httpx.Response) -> list[tuple[int, int]]:
    entities = answer.json()["clinical_entities"]
    return [(place["start"], place["end"]) for entity in entities for place in entity["location_in_note"]]


def test_codes_point_beyond_the_end_of_the_note(heidi: Client) -> None:
    path = f"/sessions/{CASE}/clinical-codes"
    length = len(kept(heidi, "generate_consult_note"))
    right = heidi.get(path)
    rule = add(heidi, operation="generate_clinical_codes", wrong_offsets=True)

    answer, again = heidi.get(path), heidi.get(path)

    assert len(offsets(right)) > 1
    assert all(end <= length for _, end in offsets(right))
    assert offsets(answer) == [(start + length, end + length) for start, end in offsets(right)]
    assert answer.text == again.text
    assert (answer.headers["x-mock-fault"], last(heidi).fault) == (rule, (rule,))
    assert hits(heidi) == [2]


def test_only_the_offsets_in_the_note_are_wrong(heidi: Client) -> None:
    path = f"/sessions/{CASE}/clinical-codes"
    right = heidi.get(path).json()
    add(heidi, wrong_offsets=True)

    wrong = heidi.get(path).json()

    for entity in (*right["clinical_entities"], *wrong["clinical_entities"]):
        entity.pop("location_in_note")
    assert wrong == right


def test_where_there_are_no_codes_no_offset_is_wrong(heidi: Client) -> None:
    path = f"/sessions/{SESSION}/clinical-codes"
    right = heidi.get(path)
    add(heidi, wrong_offsets=True)

    answer = heidi.get(path)

    assert answered(answer) == answered(right)
    assert right.json()["clinical_entities"] == []
    assert (hits(heidi), "x-mock-fault" in answer.headers) == ([0], False)


def test_the_patient_of_the_case_is_the_documented_one(case: Client) -> None:
    assert PATIENT in told(note(case))
