"""Ask Heidi answers with sentences of the given texts and never denies them."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from clients import JOHN, Client
from helpers import SESSION
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from notes import foreign, recorded, text_of

from mock_heidi.fixtures import loader as fixture_loader
from mock_heidi.state.consultation_records import Consultation
from mock_heidi.state.store import Store

PATH = f"/sessions/{SESSION}"
CONSULTATIONS = list(Store(fixture_loader.load()).all(Consultation))
WARFARIN = "Takes warfarin daily. Blood pressure 130/80. Sees the nurse on Monday."
COMMANDS = [
    "Summarise this medical text",
    "List the medications",
    "Which meds?",
    "¿Qué medicamentos toma?",
    "Is there a medical emergency?",
    "Drugstore address",
    "Translate into French",
    "Write a letter",
    "A newsletter, please",
    "List the allergies",
    "What is the plan?",
    "",
]
# All that an answer may hold beside the words that it was given.
FRAME = re.compile(r"On “.*”:|\[.*\]|Dear colleague,|Kind regards")


def ask(client: Client, instruction: str, content: str, path: str = PATH) -> str:
    body: dict[str, Any] = {"ai_command_text": instruction, "content": content, "content_type": "MARKDOWN"}
    return text_of(client.post(f"{path}/ask-ai", json=body))


def added(answer: str, given_words: str) -> list[str]:
    """The lines of an answer that are neither its frame nor a part of the given texts."""
    lines = [line.removeprefix("● ") for line in answer.splitlines() if not FRAME.fullmatch(line)]
    return [line for line in lines if line not in given_words]


def test_medical_text_is_summarised_with_its_medicine(heidi: Client) -> None:
    answer = ask(heidi, "Summarise this medical text", WARFARIN)

    assert answer == WARFARIN.replace(". ", ".\n")


@pytest.mark.parametrize("command", COMMANDS)
def test_answer_has_only_sentences_of_the_given_texts(heidi: Client, command: str) -> None:
    for content in contents():
        answer = ask(heidi, command, content)

        assert added(answer, content) == []
        assert answer != ""


def contents() -> Iterator[str]:
    """Texts that a client may send: transcripts, notes, single sentences."""
    yield from (WARFARIN, "Nothing of that kind.")
    for consultation in CONSULTATIONS:
        yield " ".join(said.text for said in consultation.utterances)
        yield "\n".join(f"● {said.note}" for said in consultation.utterances if said.note)
        yield from (said.text for said in consultation.utterances if said.topic == "medications")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(command=st.sampled_from(COMMANDS), content=st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1))
def test_answer_never_denies_a_given_text(heidi: Client, command: str, content: str) -> None:
    if content.strip():
        assert "nothing to go by" not in ask(heidi, command, content)
        assert "No " not in ask(heidi, command, content).replace(content, "")


@pytest.mark.parametrize(
    "sentence",
    [
        *("Takes warfarin daily.", "Takes perindopril 5 mg daily.", "Uses the blue inhaler.", "Two tablets at night."),
        *("Ibuprofeno cada ocho horas.", "Omeprazol por la mañana.", "On sertraline since May.", "Insulin at night."),
        *("Salbutamol as needed.", "Started on amoxicillin.", "No regular medicines.", "Toma dos comprimidos."),
        "Thyroxine, a hundred micrograms.",
    ],
)
def test_medicine_is_listed_by_its_name_its_form_or_its_dose(heidi: Client, sentence: str) -> None:
    answer = ask(heidi, "List the medications", f"Lives alone. {sentence} Walks the dog.")

    assert answer == f"● {sentence}"


@pytest.mark.parametrize("consultation", CONSULTATIONS, ids=lambda one: one.id)
def test_medicines_of_every_packaged_note_are_listed(heidi: Client, consultation: Consultation) -> None:
    notes = [said.note for said in consultation.utterances if said.topic == "medications" and said.note]

    answer = ask(heidi, "List the medications", "\n".join(["Lives alone.", *notes]))

    assert notes
    assert [line for line in notes if line.split("; ")[0].split(". ")[0] not in answer] == []
    assert "Lives alone" not in answer


def test_text_without_a_recognised_medicine_is_summarised(heidi: Client) -> None:
    assert ask(heidi, "List medications", "Nothing of that kind.") == "On “List medications”:\nNothing of that kind."


@pytest.mark.parametrize("content", ["---", "●", " * "])
def test_content_without_words_counts_as_content(heidi: Client, content: str) -> None:
    assert ask(heidi, "Summarise", content) == content.strip()


def test_without_content_and_note_the_clinicians_notes_are_used(heidi: Client) -> None:
    path = f"/sessions/{heidi.post('/sessions').json()['session_id']}"
    heidi.patch(path, json={"clinician_notes": ["Takes warfarin", "Lives alone"]})

    assert ask(heidi, "List the medications", "", path) == "● Takes warfarin"
    assert ask(heidi, "Summarise", "", path) == "Takes warfarin\nLives alone"


def test_without_other_texts_the_patients_background_is_used(heidi: Client) -> None:
    path = f"/sessions/{heidi.post('/sessions', json={'patient_profile_id': JOHN}).json()['session_id']}"

    assert ask(heidi, "Summarise", "", path) == "Patient has a history of hypertension"


@pytest.mark.parametrize(
    ("command", "start"),
    [
        ("TRANSLATE this", "[TRANSLATE this]"),
        ("Traduzca al inglés", "[Traduzca al inglés]"),
        ("Una carta, por favor", "Dear colleague,"),
        ("A newsletter, please", "On “A newsletter, please”:"),
        ("Untranslatable?", "On “Untranslatable?”:"),
        ("A summary, please", "One."),
        ("The presumed cause", "On “The presumed cause”:"),
    ],
)
def test_only_whole_words_of_a_command_count(heidi: Client, command: str, start: str) -> None:
    assert ask(heidi, command, "One. Two.").startswith(f"{start}\n")


@pytest.mark.parametrize("heading", ["Explanation", "Medical summary", "Examples"])
def test_custom_heading_is_read_by_its_words(heidi: Client, heading: str) -> None:
    recorded(heidi)

    text = foreign(heidi, [heading])

    assert "Presents with a two-week history of cough" in text
    assert "Acute bronchitis" in text


@pytest.mark.parametrize(
    ("heading", "words"),
    [
        ("Medication list", "candesartan 8 mg"),
        ("Medicines", "candesartan 8 mg"),
        ("Allergies", "Penicillin allergy"),
        ("Diagnoses", "Acute bronchitis"),
        ("Physical exam", "Temperature 37.9"),
        ("Family history", "emphysema"),
    ],
)
def test_custom_heading_collects_its_topics(heidi: Client, heading: str, words: str) -> None:
    recorded(heidi)

    text = foreign(heidi, [heading])

    assert words in text
    assert "Not discussed" not in text
