"""Documents, Ask Heidi and clinical codes.

- ``POST /sessions/{session_id}/documents`` → :data:`shapes.DOCUMENT_CREATED`; ``GET`` → ``{"documents": […]}``, each
  of them a :data:`shapes.DOCUMENT_LISTED`.
- ``POST /sessions/{session_id}/ask-ai`` → a stream.
- ``GET /sessions/{session_id}/clinical-codes`` → :data:`shapes.CLINICAL_CODES`.
"""

import re
from typing import Any

import httpx
import pytest
import shapes
from clients import Client
from helpers import KEY_TWO, NOON_STAMP, SESSION, SESSION_NOT_FOUND, UNKNOWN_ID, answered, settled, wire
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from notes import COUGH, NOTE_NOT_FOUND, TEMPLATE_NOT_FOUND, TEMPLATES, Page, note, recorded, text_of

from mock_heidi.fixtures import loader as fixture_loader
from mock_heidi.state.code_records import CodeEntry
from mock_heidi.state.store import Store

PATH = f"/sessions/{SESSION}"
LETTER = "66455a5f0b0a1c8d018c6896"
ENTRIES = list(Store(fixture_loader.load()).all(CodeEntry))
TERMS = {term: entry for entry in ENTRIES for term in entry.terms}
SYSTEMS = {
    *("icd_10", "icd_10_cm_us", "icd_9", "icd_9_cm_us", "snomed", "snomed_ct"),
    *("opcs_410_uk", "achi_13_au", "cpt_2025_us"),
}
FREE_SYSTEMS = {"icd_10_cm_us", "icd_9_cm_us"}


# --- Documents --------------------------------------------------------------------------------------------------------


def write(client: Client, **changes: Any) -> httpx.Response:
    body = {"generation_method": "TEMPLATE", "template_id": LETTER, **changes}
    return client.post(f"{PATH}/documents", json={name: value for name, value in body.items() if value is not None})


def listed(client: Client) -> list[dict[str, Any]]:
    answer = client.get(f"{PATH}/documents")
    assert answer.status_code == 200
    return list(answer.json()["documents"])


def test_a_created_document_and_its_row_in_the_list_have_different_keys(heidi: Client) -> None:
    made = write(heidi, voice_style="GOLDILOCKS", brain="LEFT", content_type="MARKDOWN", document_tab_type="DOCUMENT")

    document = made.json()
    own = {"id": document["id"], "name": "Referral letter", "content": document["content"]}
    assert answered(made) == (200, wire(shapes.DOCUMENT_CREATED.documented(**own)))
    row = shapes.DOCUMENT_LISTED.documented(**own)
    assert answered(heidi.get(f"{PATH}/documents")) == (200, wire({"documents": [row]}))


def test_a_session_starts_without_documents(heidi: Client) -> None:
    assert answered(heidi.get(f"{PATH}/documents")) == (200, wire({"documents": []}))
    assert heidi.get(PATH).json()["session"]["documents"] is None


def test_documents_are_numbered_in_the_order_of_creation(heidi: Client) -> None:
    ids = [write(heidi, template_id=template.id).json()["id"] for template in TEMPLATES]

    rows = listed(heidi)

    assert [(row["id"], row["index"]) for row in rows] == list(zip(ids, range(len(ids)), strict=True))
    assert heidi.get(PATH).json()["session"]["documents"] == rows


def test_a_new_document_updates_the_session_time_and_keeps_the_note(heidi: Client) -> None:
    before = heidi.get(PATH).json()["session"]

    write(heidi)

    after = heidi.get(PATH).json()["session"]
    assert before["updated_at"] < after["updated_at"] == NOON_STAMP
    assert after["consult_note"] == before["consult_note"]


def test_optional_fields_have_defaults(heidi: Client) -> None:
    document = write(heidi).json()

    assert (document["brain"], document["voice_style"], document["content_type"]) == ("LEFT", None, "MARKDOWN")


def test_a_letter_contains_the_transcript_and_names_the_patient(heidi: Client) -> None:
    recorded(heidi)
    heidi.patch(PATH, json={"patient": {"name": "Ana Núñez", "dob": "1980-02-29"}})

    content = write(heidi).json()["content"]

    assert content.startswith("2025-01-06\n\nDear colleague,")
    assert "● Ana Núñez, 1980-02-29" in content
    assert "Re: Ana Núñez, born 1980-02-29" in content
    assert all(said.note in content for said in COUGH.utterances if said.topic == "complaint" and said.note)
    assert content.endswith("Kind regards,")


def test_a_document_is_written_in_the_requested_voice_style(heidi: Client) -> None:
    recorded(heidi)

    made = {voice: write(heidi, voice_style=voice).json() for voice in ("BRIEF", "GOLDILOCKS", "SUPER_DETAILED")}

    brief, usual, detailed = (made[voice]["content"] for voice in made)
    assert [one["voice_style"] for one in made.values()] == list(made)
    assert len(brief) < len(usual) < len(detailed)
    assert "“" not in usual
    assert f"“{COUGH.utterances[3].text}”" in detailed
    assert str(COUGH.utterances[3].brief) in brief
    assert write(heidi).json()["content"] == usual


def test_a_letter_of_a_spanish_session_is_spanish(heidi: Client) -> None:
    heidi.patch(PATH, json={"output_language_code": "es"})

    assert write(heidi).json()["content"].endswith("Un cordial saludo,")


def test_a_document_in_html_is_well_formed(heidi: Client) -> None:
    recorded(heidi)
    heidi.patch(PATH, json={"patient": {"name": "<b>Ana</b> & Co"}})

    content = write(heidi, content_type="HTML").json()["content"]

    assert "Re: <b>Ana</b> & Co, born unknown" in Page(content).blocks


def test_the_state_lists_the_sources_of_a_document(heidi: Client) -> None:
    recorded(heidi)

    write(heidi)

    stored = heidi.get(f"/_mock/sessions/{SESSION}").json()
    (document,) = stored["documents"]
    assert document["sources"]["chunks"] == [piece["id"] for piece in stored["audio"]]
    assert document["sources"]["template_id"] == LETTER


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("generation_method", None),
        ("generation_method", "MAGIC"),
        ("template_id", None),
        ("voice_style", "LOUD"),
        ("brain", "left"),
        ("content_type", "PDF"),
        ("document_tab_type", "NOTE"),
    ],
)
def test_an_invalid_document_request_is_refused(heidi: Client, field: str, value: Any) -> None:
    before = settled(heidi)

    answer = write(heidi, **{field: value})

    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", field])
    assert heidi.state() == before


def test_an_unknown_template_creates_no_document(heidi: Client) -> None:
    assert answered(write(heidi, template_id=UNKNOWN_ID)) == (404, wire(TEMPLATE_NOT_FOUND))
    assert listed(heidi) == []


@pytest.mark.parametrize(("method", "path"), [("GET", "/documents"), ("GET", "/clinical-codes")])
def test_another_key_does_not_find_the_session(heidi: Client, method: str, path: str) -> None:
    heidi.sign_in(KEY_TWO)

    assert answered(heidi.request(method, PATH + path)) == (404, wire(SESSION_NOT_FOUND))


# --- Ask Heidi --------------------------------------------------------------------------------------------------------

TEXT = "Cough for two weeks. Takes perindopril 5 mg daily. No allergies. Lives alone."


def ask(client: Client, instruction: str, content: str = TEXT, content_type: str = "MARKDOWN", path: str = PATH) -> str:
    body = {"ai_command_text": instruction, "content": content, "content_type": content_type}
    return text_of(client.post(f"{path}/ask-ai", json=body))


def test_the_documented_example_streams_the_documented_pieces(heidi: Client) -> None:
    example = {
        "ai_command_text": "Summarise the following text",
        "content": "My long paragraph of text",
        "content_type": "MARKDOWN",
    }

    answer = heidi.post(f"{PATH}/ask-ai", json=example)

    pieces = ["My ", "summary", " of the ", "text."]
    assert answered(answer) == (200, "".join(f'data: {{"data": "{piece}"}}\n\n' for piece in pieces))


@pytest.mark.parametrize("instruction", ["Summarise this", "SUMMARIZE", "Resumen, por favor"])
def test_a_summary_is_shorter_than_the_text(heidi: Client, instruction: str) -> None:
    assert ask(heidi, instruction) == "Cough for two weeks.\nTakes perindopril 5 mg daily.\nNo allergies."


def test_the_medication_list_contains_those_with_a_dose_in_the_text(heidi: Client) -> None:
    assert ask(heidi, "List the medications") == "● Takes perindopril 5 mg daily."


def test_the_medication_list_also_contains_those_in_the_transcript(heidi: Client) -> None:
    recorded(heidi)
    heard = [said.note for said in COUGH.utterances if said.topic == "medications" and said.note]

    said = ask(heidi, "Which drugs?")

    assert heard
    assert [line for line in heard if line not in said] == []


def test_a_letter_has_a_greeting_and_a_closing(heidi: Client) -> None:
    lines = ask(heidi, "Draft a letter to the cardiologist").splitlines()

    assert (lines[0], lines[-1]) == ("Dear colleague,", "Kind regards")


def test_a_translation_is_labelled_and_keeps_every_sentence(heidi: Client) -> None:
    said = ask(heidi, "Translate into French")

    assert said.startswith("[Translate into French]\n")
    assert [sentence for sentence in TEXT.split(". ") if sentence not in said] == []


def test_any_other_instruction_is_answered_from_the_text(heidi: Client) -> None:
    assert (
        ask(heidi, "What now?") == "On “What now?”:\nCough for two weeks.\nTakes perindopril 5 mg daily.\nNo allergies."
    )


@pytest.mark.parametrize("content", ["", " ", "\n\n"])
def test_a_request_without_content_is_answered_from_the_note(heidi: Client, content: str) -> None:
    recorded(heidi)
    first = note(heidi).split("● ", 1)[1].splitlines()[0]

    assert first.split(". ", maxsplit=1)[0] in ask(heidi, "Summarise", content)


def test_a_request_without_content_or_note_is_answered_from_the_transcript(heidi: Client) -> None:
    path = f"/sessions/{heidi.post('/sessions').json()['session_id']}"
    recorded(heidi, path)

    assert ask(heidi, "Summarise", "", path=path).startswith(COUGH.utterances[0].text.split(". ")[0])


@pytest.mark.parametrize("instruction", ["Summarise", "List medications", "Translate", "Write a letter", "", "?"])
@pytest.mark.parametrize("content_type", ["MARKDOWN", "HTML"])
def test_a_session_without_content_gets_an_answer(heidi: Client, instruction: str, content_type: str) -> None:
    path = f"/sessions/{heidi.post('/sessions').json()['session_id']}"

    assert ask(heidi, instruction, "", content_type, path)


def test_html_is_escaped_and_well_formed(heidi: Client) -> None:
    page = Page(ask(heidi, "<i>Why?</i>", "a < b & c > d.", "HTML"))

    assert page.tags == ["p", "p"]
    assert page.blocks == ["On “<i>Why?</i>”:", "a < b & c > d."]


@pytest.mark.parametrize(
    ("field", "value"), [("content_type", "text"), ("content", None), ("ai_command_text", None), ("content", 5)]
)
def test_an_invalid_command_is_refused(heidi: Client, field: str, value: Any) -> None:
    body = {"ai_command_text": "x", "content": "", "content_type": "HTML", field: value}

    answer = heidi.post(f"{PATH}/ask-ai", json=body)

    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", field])


def test_asking_heidi_changes_nothing(heidi: Client) -> None:
    before = settled(heidi)

    ask(heidi, "Summarise")

    assert heidi.state() == before


# --- Clinical codes ---------------------------------------------------------------------------------------------------


def place(client: Client, result: str, transcript: str = "") -> None:
    """Store a note and a transcript, as a clinician edits them in Heidi's own application."""
    body = {"consult_note": {"result": result}, "transcript": transcript}
    assert client.put(f"/_mock/sessions/{SESSION}", json=body).status_code == 200


def codes(client: Client) -> list[dict[str, Any]]:
    answer = client.get(f"{PATH}/clinical-codes")
    assert answer.status_code == 200, answer.text
    return list(answer.json()["clinical_entities"])


def in_note(entities: list[dict[str, Any]], text: str) -> list[str]:
    """The coded words of a note, in order."""
    places = sorted((at["start"], at["end"]) for entity in entities for at in entity["location_in_note"])
    return [text[start:end] for start, end in places]


def test_codes_need_a_note(heidi: Client) -> None:
    path = f"/sessions/{heidi.post('/sessions').json()['session_id']}"

    assert answered(heidi.get(f"{path}/clinical-codes")) == (400, wire(NOTE_NOT_FOUND))


def test_a_note_without_a_known_term_has_no_codes(heidi: Client) -> None:
    place(heidi, "Nothing to report.", "cough")

    assert codes(heidi) == []


def test_codes_have_the_documented_keys_in_order(heidi: Client) -> None:
    place(heidi, "Cough.", "Well. I cough a lot. That's all.")

    answer = heidi.get(f"{PATH}/clinical-codes").json()

    assert list(answer) == shapes.CLINICAL_CODES.keys()
    (entity,) = answer["clinical_entities"]
    assert list(entity) == shapes.CLINICAL_ENTITY.keys()
    assert entity["location_in_note"] == [{"start": 0, "end": 5}]
    assert entity["reference_in_transcript"] == [
        {"transcript_text": "I cough a lot.", "location_in_transcript": {"start": 6, "end": 20}}
    ]
    assert entity["reference_in_context"] == []
    for code in (entity["primary_code"], *entity["similar_codes"]):
        assert list(code) == shapes.CLINICAL_CODE.keys()
        assert code["code_system"] in SYSTEMS
        assert 0 <= code["score"] <= 1


def test_a_repeated_request_gives_the_same_codes(heidi: Client) -> None:
    place(heidi, "Cough and fever.")

    assert heidi.get(f"{PATH}/clinical-codes").text == heidi.get(f"{PATH}/clinical-codes").text


def test_one_answer_contains_codes_of_several_systems(heidi: Client) -> None:
    place(heidi, "Cough, fever, low mood, shoulder pain.")

    found = codes(heidi)

    systems = {code["code_system"] for entity in found for code in (entity["primary_code"], *entity["similar_codes"])}
    assert len(found) == 4
    assert len({entity["primary_code"]["code_system"] for entity in found}) >= 2
    assert len(systems) >= 4


def test_the_longest_of_two_overlapping_terms_wins(heidi: Client) -> None:
    pairs = [(long, short) for long in TERMS for short in TERMS if short in long.split() and short != long]
    long, _ = next((long, short) for long, short in pairs if TERMS[long] is not TERMS[short])
    text = f"Known: {long}."
    place(heidi, text)

    found = codes(heidi)

    assert in_note(found, text) == [long]
    assert [entity["primary_code"]["code"] for entity in found] == [TERMS[long].primary.code]


def test_a_longer_term_wins_over_a_shorter_one_that_begins_earlier(heidi: Client) -> None:
    entries = [code_of("known heart", "A-1"), code_of("heart failure of age", "B-2"), code_of("age", "C-3")]
    heidi.post("/_mock/state", json={"clinical_codes": entries})
    text = "A known heart failure of age, and a known heart."
    place(heidi, text)

    found = codes(heidi)

    assert [one["primary_code"]["code"] for one in found] == ["B-2", "A-1"]
    assert in_note(found, text) == ["heart failure of age", "known heart"]


def test_a_term_may_begin_and_end_with_a_sign(heidi: Client) -> None:
    heidi.post("/_mock/state", json={"clinical_codes": [code_of("+ve swab", "A-1"), code_of("cough++", "B-2")]})
    text = "A +VE SWAB, cough++ and 3+ve swabs."
    place(heidi, text)

    found = codes(heidi)

    assert in_note(found, text) == ["+VE SWAB", "cough++"]


@pytest.mark.parametrize("term", ["", " cough", "\u2003cough"])
def test_a_term_that_begins_with_a_space_is_refused(heidi: Client, term: str) -> None:
    answer = heidi.post("/_mock/state", json={"clinical_codes": [code_of(term, "A-1")]})

    assert answer.status_code == 400
    assert "A term should begin with a word or a sign, not with a space" in answer.json()["error"]


def code_of(term: str, code: str) -> dict[str, Any]:
    primary = {"code": code, "code_name": term, "score": 0.5, "code_system": "icd_10"}
    return {"terms": [term], "primary": primary}


@pytest.mark.parametrize("text", ["coughdrop", "whoopingcough", "fever_tree", "éfever", "feverñ", "2cough"])
def test_a_part_of_a_word_is_not_coded(heidi: Client, text: str) -> None:
    place(heidi, text)

    assert codes(heidi) == []


@pytest.mark.parametrize("text", ["COUGH", "Cough,", "(cough)", "¿cough?", "🙂cough🙂", "cough/fever", "cough\nfever"])
def test_case_and_punctuation_do_not_matter(heidi: Client, text: str) -> None:
    place(heidi, text)

    assert in_note(codes(heidi), text)[0].lower() == "cough"


def test_the_answer_lists_every_place_of_a_term(heidi: Client) -> None:
    text = "cough at night, Coughing by day; cough"
    place(heidi, text, "I cough, really cough. Coughing helps.")

    (entity,) = codes(heidi)

    assert in_note([entity], text) == ["cough", "Coughing", "cough"]
    assert referred(entity) == ["I cough, really cough.", "Coughing helps."]


def referred(entity: dict[str, Any]) -> list[str]:
    return [reference["transcript_text"] for reference in entity["reference_in_transcript"]]


@pytest.mark.parametrize(
    ("said", "phrase"),
    [
        ("Hello. It's this cough, doctor. Two weeks now.", "It's this cough, doctor."),
        ("  Is it a cough?  No.", "Is it a cough?"),
        ("One\nthe cough\ntwo", "the cough"),
        ("At 38.5 with a cough… and then", "At 38.5 with a cough…"),
        ("It is, well, a cough", "It is, well, a cough"),
        ("¡Qué tos! Sí.", "¡Qué tos!"),
    ],
)
def test_a_reference_is_the_whole_sentence_with_the_term(heidi: Client, said: str, phrase: str) -> None:
    place(heidi, "Cough.", said)

    (entity,) = codes(heidi)

    assert referred(entity) == [phrase]
    at = entity["reference_in_transcript"][0]["location_in_transcript"]
    assert said[at["start"] : at["end"]] == phrase


def test_a_reference_without_a_sentence_is_short_and_has_whole_words(heidi: Client) -> None:
    said = f"{'before ' * 5_000}cough{' behind' * 5_000}"
    place(heidi, "Cough.", said)

    (entity,) = codes(heidi)

    (phrase,) = referred(entity)
    assert re.fullmatch(r"(before )+cough( behind)+", phrase)
    assert len(phrase) < 400


def test_a_reference_inside_a_very_long_word_is_short(heidi: Client) -> None:
    place(heidi, "Cough.", "-" * 5_000 + "cough" + "-" * 5_000)

    (entity,) = codes(heidi)

    assert referred(entity) == ["cough"]


FILLERS = st.lists(
    st.sampled_from(
        ["niña", "🙂", "👩‍⚕️", "e\u0301", "İ", "ß", "38,5 °C", "\n\n", "● ", "一", "the", "ﬁ", "\U0001f1ea\U0001f1f8"]
    ),
    max_size=6,
).map(" ".join)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    words=st.lists(st.tuples(FILLERS, st.sampled_from(sorted(TERMS))), min_size=1, max_size=4),
    spoken=st.lists(st.tuples(FILLERS, st.sampled_from(sorted(TERMS))), max_size=4),
)
def test_offsets_are_exact_to_the_character(
    heidi: Client, words: list[tuple[str, str]], spoken: list[tuple[str, str]]
) -> None:
    written, said = (" . ".join(f"{filler} ; {term.title()}" for filler, term in part) for part in (words, spoken))
    place(heidi, written, said)

    found = codes(heidi)

    assert found
    for entity in found:
        (entry,) = [one for one in ENTRIES if one.primary.code == entity["primary_code"]["code"]]
        terms = {term.lower() for term in entry.terms}
        assert {word.lower() for word in in_note([entity], written)} <= terms
        for reference in entity["reference_in_transcript"]:
            at = reference["location_in_transcript"]
            assert said[at["start"] : at["end"]] == reference["transcript_text"]
            assert [term for term in terms if term in reference["transcript_text"].lower()]


def test_a_note_written_by_the_mock_is_coded_from_its_own_words(heidi: Client) -> None:
    words = recorded(heidi)
    text = note(heidi)

    found = codes(heidi)

    assert found
    assert {word.lower() for word in in_note(found, text)} <= {term.lower() for term in TERMS}
    assert any(entity["reference_in_transcript"] for entity in found)
    for entity in found:
        for reference in entity["reference_in_transcript"]:
            at = reference["location_in_transcript"]
            assert words[at["start"] : at["end"]] == reference["transcript_text"]


def test_codes_belong_to_the_note_in_which_they_were_found(heidi: Client) -> None:
    note(heidi)
    first = heidi.get(f"{PATH}/clinical-codes").json()["consult_note_id"]
    note(heidi)
    second = heidi.get(f"{PATH}/clinical-codes").json()["consult_note_id"]

    assert second == heidi.get(f"/_mock/sessions/{SESSION}").json()["note_id"]
    assert first != second


def test_codes_of_licensed_systems_are_marked_as_invented() -> None:
    licensed = [
        code
        for entry in ENTRIES
        for code in (entry.primary, *entry.similar)
        if code.code_system not in FREE_SYSTEMS and code.code != "11200-00"
    ]

    assert licensed
    assert [code.code for code in licensed if "MOCK" not in code.code] == []
    assert {code.code_system for entry in ENTRIES for code in (entry.primary, *entry.similar)} <= SYSTEMS
