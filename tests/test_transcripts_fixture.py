"""The packaged consultations keep what the head of their file promises, whatever is added to them."""

import re
from collections import Counter

import pytest

from mock_heidi.fixtures import loader as fixture_loader
from mock_heidi.state.code_records import CodeEntry
from mock_heidi.state.consultation_records import Consultation
from mock_heidi.state.store import Store
from mock_heidi.state.template_records import NoteTemplate

STORE = Store(fixture_loader.load())
CONSULTATIONS = list(STORE.all(Consultation))
TERMS = [term.lower() for entry in STORE.all(CodeEntry) for term in entry.terms]
LONGEST_SILENCE = 8
OPENING = 40

each = pytest.mark.parametrize("consultation", CONSULTATIONS, ids=lambda one: one.id)


def test_there_is_a_choice_of_consultations() -> None:
    assert len(CONSULTATIONS) >= 8


def test_specialties_and_languages_are_those_that_were_promised() -> None:
    specialties = {one.specialty for one in CONSULTATIONS}
    languages = Counter(one.language for one in CONSULTATIONS)

    assert {"general practice", "paediatrics", "mental health", "physiotherapy", "cardiology"} <= specialties
    assert languages["es"] >= 1
    assert languages["en"] >= 7


def test_no_word_of_a_file_name_means_two_consultations() -> None:
    words = Counter(word for one in CONSULTATIONS for word in one.match)

    assert [word for word, count in words.items() if count > 1] == []
    assert [word for word in words if word != word.lower()] == []


@each
def test_utterances_stand_in_order_and_do_not_overlap(consultation: Consultation) -> None:
    ends = [
        (said.at + said.length, after.at)
        for said, after in zip(consultation.utterances, consultation.utterances[1:], strict=False)
    ]

    assert [pair for pair in ends if pair[0] > pair[1] + 1e-6] == []
    assert all(said.length > 0 for said in consultation.utterances)


@each
def test_nobody_is_silent_for_long(consultation: Consultation) -> None:
    times = [0.0, *(said.at + said.length for said in consultation.utterances)]
    silences = [said.at - before for before, said in zip(times, consultation.utterances, strict=False)]

    assert max(silences) <= LONGEST_SILENCE


@each
def test_complaint_and_something_to_code_come_within_the_opening(consultation: Consultation) -> None:
    opening = [said for said in consultation.utterances if said.at + said.length <= OPENING]
    complaint = " ".join(f"{said.text} {said.note}".lower() for said in opening if said.topic == "complaint")

    assert complaint
    assert [term for term in TERMS if re.search(rf"(?<!\w){re.escape(term)}(?!\w)", complaint)]


@each
def test_consultation_is_long_enough_for_a_real_note(consultation: Consultation) -> None:
    last = consultation.utterances[-1]
    topics = {said.topic for said in consultation.utterances}

    assert last.at + last.length > 240
    assert {"complaint", "history", "assessment", "plan"} <= topics


@each
def test_what_matters_to_a_note_has_its_sentence_and_a_shorter_one(consultation: Consultation) -> None:
    matter = [said for said in consultation.utterances if said.topic]

    assert [said.text for said in matter if not (said.note and said.brief)] == []
    assert [said.note for said in matter if len(said.brief or "") > len(said.note or "")] == []


@each
def test_every_topic_is_one_that_a_template_gathers(consultation: Consultation) -> None:
    gathered = {topic for one in STORE.all(NoteTemplate) for section in one.sections for topic in section.topics}

    assert {said.topic for said in consultation.utterances if said.topic} <= gathered


def test_one_changes_its_language_in_the_middle_of_a_sentence() -> None:
    mixed = next(one for one in CONSULTATIONS if one.id == "mix-dizziness")
    text = " ".join(said.text for said in mixed.utterances).lower()

    assert re.search(r"\b(pero|entonces|porque|mareo|doctor[a]?)\b", text)
    assert re.search(r"\b(um|uh|so|the)\b", text)
