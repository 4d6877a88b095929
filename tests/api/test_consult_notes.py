"""Consult notes are written from the session's data, and custom templates are answered from the note.

- ``POST /sessions/{session_id}/consult-note`` → a stream of pieces; afterwards ``session.consult_note``.
- ``POST /sessions/{session_id}/client-customised-template/response`` → ``{content?, questionAnswers, summary?}``.
"""

import json
import os
import re
import subprocess
import sys
from typing import Any

import httpx
import pytest
import shapes
from audio import spoken
from clients import JOHN, Client
from helpers import KEY_TWO, NOON_STAMP, SESSION, SESSION_NOT_FOUND, answered, settled, wire
from notes import (
    COUGH,
    H_AND_P,
    ISSUES,
    NOTE_NOT_FOUND,
    PATH,
    SOAP,
    STORE,
    TEMPLATE_NOT_FOUND,
    TEMPLATES,
    Page,
    ask,
    foreign,
    note,
    recorded,
)

import mock_heidi
from mock_heidi.state.consultation_records import Consultation
from mock_heidi.state.template_records import NoteTemplate

pytestmark = pytest.mark.slow

MOOD = next(one for one in STORE.all(Consultation) if one.id == "mh-low-mood")
TEMPLATE_REQUIRED = {
    "detail": {
        "msg": "Either template_id or third_party_template is required",
        "type": "TemplateRequiredError",
    }
}


def session(client: Client, path: str = PATH) -> dict[str, Any]:
    return dict(client.get(path).json()["session"])


def kept(client: Client, session_id: str = SESSION) -> dict[str, Any]:
    return dict(client.get(f"/_mock/sessions/{session_id}").json())


# --- Contents ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda one: one.name)
def test_a_note_puts_the_transcript_into_the_sections_of_its_template(heidi: Client, template: NoteTemplate) -> None:
    recorded(heidi)

    text = note(heidi, template_id=template.id)

    for section in template.sections:
        told = [said.note for said in COUGH.utterances if said.topic in section.topics]
        assert not told or section.heading["en"] in text
        assert [line for line in told if line and line not in text] == []


def test_a_note_uses_only_the_audio_recorded_so_far(heidi: Client) -> None:
    recorded(heidi, seconds=40)
    plan = [said.note or "" for said in COUGH.utterances if said.topic == "plan"]

    text = note(heidi)

    assert str(COUGH.utterances[3].note) in text
    assert not [line for line in plan if line in text]


def test_a_note_names_the_patient_and_their_details(heidi: Client) -> None:
    path = f"/sessions/{heidi.post('/sessions', json={'patient_profile_id': JOHN}).json()['session_id']}"

    text = note(heidi, path)

    assert "John Doe, 1990-01-15, MALE" in text
    assert "Patient has a history of hypertension" in text


def test_the_patient_of_the_session_overrides_the_profile(heidi: Client) -> None:
    path = f"/sessions/{heidi.post('/sessions', json={'patient_profile_id': JOHN}).json()['session_id']}"
    heidi.patch(path, json={"patient": {"name": "Jack Doe", "dob": "1990-01-01", "demographic_details": "left-handed"}})

    text = note(heidi, path)

    assert "Jack Doe, 1990-01-01, MALE, left-handed" in text
    assert "John Doe" not in text


def test_a_note_contains_the_notes_of_the_clinician(heidi: Client) -> None:
    heidi.patch(PATH, json={"clinician_notes": ["Medication history: paracetamol", "Allergies: penicillin"]})

    text = note(heidi)

    assert "Medication history: paracetamol" in text
    assert "Allergies: penicillin" in text


def test_a_note_contains_notes_of_linked_sessions_and_skips_unknown_ones(heidi: Client) -> None:
    earlier = "335702952548561761985659436451376640053"
    heidi.patch(PATH, json={"linked_sessions_for_context": ["1234567891", earlier]})

    text = note(heidi)

    assert "Hypertension, medication review" in text
    assert "Home readings twice daily for one week before the next visit" in text
    assert kept(heidi)["note_sources"]["linked_sessions"] == [earlier]


def test_a_note_never_contains_a_linked_session_of_another_key(heidi: Client) -> None:
    own = heidi.token()
    heidi.sign_in(KEY_TWO)
    foreign = heidi.post("/sessions").json()["session_id"]
    heidi.put(f"/_mock/sessions/{foreign}", json={"session_name": "Foreign", "consult_note": {"result": "Not yours"}})
    heidi.patch(PATH, json={"linked_sessions_for_context": [foreign]}, headers={"Authorization": f"Bearer {own}"})
    heidi.sign_in()

    text = note(heidi)

    assert "Not yours" not in text
    assert "Foreign" not in text
    assert kept(heidi)["note_sources"]["linked_sessions"] == []


def test_a_linked_session_of_another_key_counts_as_unknown(heidi: Client) -> None:
    heidi.sign_in(KEY_TWO)
    foreign = heidi.post("/sessions").json()["session_id"]
    heidi.sign_in()

    heidi.patch(PATH, json={"linked_sessions_for_context": [foreign]})

    found = {row["code"]: row["message"] for row in heidi.get("/_mock/findings").json()["findings"]}
    assert found["linked_session_unknown"].endswith(foreign)


def test_a_note_names_the_context_documents(heidi: Client) -> None:
    files = {"context_documents": ("letter.pdf", b"%PDF", "application/pdf")}
    about = json.dumps({"name": "Cardiology letter", "additional_context": "from the hospital"})
    heidi.post(f"{PATH}/context-documents", files=files, data={"meta_data": about})

    assert "Cardiology letter (letter.pdf): from the hospital" in note(heidi)


def test_a_note_contains_the_addition(heidi: Client) -> None:
    assert "Mention the walking frame" in note(heidi, addition="Mention the walking frame")


def test_a_note_uses_a_transcript_edited_by_a_clinician(heidi: Client) -> None:
    heidi.put(f"/_mock/sessions/{SESSION}", json={"transcript": "The left knee clicks."})

    assert "The left knee clicks." in note(heidi)
    assert kept(heidi)["note_sources"]["transcript"] is True


def test_the_state_lists_the_sources_of_a_note(heidi: Client) -> None:
    recorded(heidi, seconds=30)
    recorded(heidi, seconds=30)
    heidi.patch(PATH, json={"clinician_notes": ["one", "two"]})
    files = {"context_documents": ("letter.pdf", b"%PDF", "application/pdf")}
    document = heidi.post(f"{PATH}/context-documents", files=files).json()["context_documents"][0]["id"]

    note(heidi, addition="more", voice_style="BRIEF", brain="RIGHT")

    stored = kept(heidi)
    assert stored["note_sources"] == {
        "consultation": "gp-cough",
        "transcript": False,
        "chunks": [piece["id"] for piece in stored["audio"]],
        "patient_profile_id": None,
        "additional_context": False,
        "clinician_notes": 2,
        "linked_sessions": [],
        "context_documents": [document],
        "addition": True,
        "template_id": H_AND_P,
        "voice_style": "BRIEF",
        "brain": "RIGHT",
    }


def test_the_sources_of_a_note_leave_out_untranscribed_audio(heidi: Client) -> None:
    files = {"file": ("cough.wav", spoken(30), "audio/wav")}
    heidi.post(f"{PATH}/upload-audio", files=files)

    note(heidi)

    assert kept(heidi)["note_sources"]["chunks"] == []


def test_a_session_without_content_gets_a_note(heidi: Client) -> None:
    path = f"/sessions/{heidi.post('/sessions').json()['session_id']}"

    assert note(heidi, path).strip()


# --- Style ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("template_id", [H_AND_P, ISSUES, SOAP])
def test_each_voice_style_writes_a_longer_note_than_the_one_before(heidi: Client, template_id: str) -> None:
    recorded(heidi)

    lengths = [
        len(note(heidi, template_id=template_id, voice_style=voice))
        for voice in ("BRIEF", "GOLDILOCKS", "DETAILED", "SUPER_DETAILED")
    ]

    assert lengths == sorted(set(lengths))


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda one: one.name)
def test_a_brief_note_leaves_out_empty_sections(heidi: Client, template: NoteTemplate) -> None:
    recorded(heidi, seconds=60)
    heard = {said.topic for said in COUGH.utterances if said.at < 60}
    empty = [one.heading["en"] for one in template.sections if one.empty and not heard & set(one.topics)]

    brief, full = (note(heidi, template_id=template.id, voice_style=voice) for voice in ("BRIEF", "GOLDILOCKS"))

    assert empty
    assert [heading for heading in empty if f"{heading}\n\n" not in f"\n{full}"] == []
    assert [heading for heading in empty if f"\n\n{heading}\n\n" in f"\n\n{brief}"] == []


def test_a_super_detailed_note_quotes_every_statement(heidi: Client) -> None:
    recorded(heidi)
    quotes = [f"In their own words: “{said.text}”" for said in COUGH.utterances if said.topic]

    text = note(heidi, voice_style="SUPER_DETAILED")

    assert [quote for quote in quotes if quote not in text] == []


def test_a_detailed_note_quotes_all_speakers_but_the_clinician(heidi: Client) -> None:
    files = {"file": ("mood.wav", mock_heidi.audio(seconds=600), "audio/wav")}
    heidi.post(f"{PATH}/upload-audio", files=files)
    heidi.get(f"{PATH}/transcript")
    told = [said for said in MOOD.utterances if said.topic in ("complaint", "history", "mental_state", "risk")]

    quoted = re.findall("In their own words: “(.*)”", note(heidi, voice_style="DETAILED"))

    assert quoted == [said.text for said in told if said.who != "clinician"]
    assert [said for said in told if said.who == "clinician"]


@pytest.mark.parametrize("voice", ["GOLDILOCKS", "BRIEF", "MY_VOICE"])
def test_other_voice_styles_quote_nothing(heidi: Client, voice: str) -> None:
    recorded(heidi)

    assert "“" not in note(heidi, voice_style=voice)


def test_a_note_by_issue_has_a_section_for_each_complaint(heidi: Client) -> None:
    recorded(heidi)
    template = next(one for one in TEMPLATES if one.id == ISSUES)
    topics = next(section.topics for section in template.sections if section.per_issue)
    issues: list[list[str]] = []
    for said in COUGH.utterances:
        if said.topic == "complaint":
            issues.append([])
        if said.topic in topics:
            issues[-1].append(f"● {said.note}")

    blocks = note(heidi, template_id=ISSUES).split("\n\n")

    headings = [block for block in blocks if block.startswith("Issue ")]
    assert headings == [f"Issue {number}" for number in range(1, len(issues) + 1)]
    assert len(issues) > 1
    assert [blocks[blocks.index(heading) + 1].splitlines() for heading in headings] == issues


def test_the_voice_style_my_voice_is_accepted(heidi: Client) -> None:
    assert ask(heidi, voice_style="MY_VOICE").status_code == 200


def test_the_left_brain_writes_bullets_and_the_right_brain_sentences(heidi: Client) -> None:
    recorded(heidi)

    left, right = note(heidi), note(heidi, brain="RIGHT")

    assert "\n● " in left
    assert "●" not in right
    assert str(COUGH.utterances[3].note) in right


def test_the_left_brain_is_the_default_and_a_repeated_request_gives_the_same_note(heidi: Client) -> None:
    recorded(heidi)

    assert note(heidi, brain=None) == note(heidi, brain="LEFT") == note(heidi)


def test_blank_lines_surround_each_heading(heidi: Client) -> None:
    recorded(heidi)

    blocks = note(heidi, template_id=SOAP).split("\n\n")

    assert blocks[0] == "Subjective"
    assert all(line.startswith("● ") for line in blocks[1].splitlines())
    assert "" not in blocks


@pytest.mark.parametrize("code", ["es", "es-MX", "ES"])
def test_headings_use_the_output_language_of_the_session(heidi: Client, code: str) -> None:
    recorded(heidi)
    heidi.patch(PATH, json={"output_language_code": code, "clinician_notes": ["una"]})

    text = note(heidi, template_id=SOAP)

    assert text.startswith("Subjetivo\n\n● ")
    assert "Notas del profesional" in text
    assert "Subjective" not in text


def test_headings_are_english_in_an_unknown_language(heidi: Client) -> None:
    recorded(heidi)
    heidi.patch(PATH, json={"output_language_code": "fi"})

    assert note(heidi, template_id=SOAP).startswith("Subjective\n")


# --- HTML -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("brain", ["LEFT", "RIGHT"])
@pytest.mark.parametrize("template", TEMPLATES, ids=lambda one: one.name)
def test_html_and_markdown_have_the_same_words(heidi: Client, template: NoteTemplate, brain: str) -> None:
    recorded(heidi)

    plain = note(heidi, template_id=template.id, brain=brain)
    page = Page(note(heidi, template_id=template.id, brain=brain, content_type="HTML"))

    assert set(page.tags) <= {"h2", "ul", "li", "p"}
    assert " ".join(page.blocks).split() == plain.replace("● ", "").split()


HOSTILE = [
    "<script>alert(1)</script>",
    "a < b & c > d \"quoted\" 'single'",
    "&amp; &lt;",
    "# heading",
    "- item",
    "1. first",
    "12) twelfth",
    "* star *emphasis* **strong** _under_ `code`",
    "[link](http://example.org) ![image](x)",
    "back\\slash \\# \\<",
    "> quoted",
    "===",
    "---",
    "café 🙂 ñ",
    "two\nlines",
    "ends with #",
]


@pytest.mark.parametrize("brain", ["LEFT", "RIGHT"])
@pytest.mark.parametrize("text", HOSTILE)
def test_html_escapes_every_text(heidi: Client, text: str, brain: str) -> None:
    page = Page(note(heidi, addition=text, brain=brain, content_type="HTML"))

    assert page.blocks[-1] == " ".join(text.split())


# --- The stored note --------------------------------------------------------------------------------------------------


def test_the_session_contains_the_documented_note_after_the_stream(heidi: Client) -> None:
    recorded(heidi)

    text = note(heidi, voice_style="DETAILED", brain="RIGHT")

    after = session(heidi)
    asked = {"brain": "RIGHT", "voice_style": "DETAILED", "template_id": H_AND_P}
    expected = shapes.CONSULT_NOTE.documented(status="COMPLETED", result=text, heading="H & P", **asked)
    assert wire(after["consult_note"]) == wire(expected)
    assert after["updated_at"] == NOON_STAMP


def test_a_second_note_replaces_the_first(heidi: Client) -> None:
    note(heidi)

    text = note(heidi, template_id=SOAP)

    assert session(heidi)["consult_note"]["result"] == text
    assert session(heidi)["consult_note"]["heading"] == "SOAP"


@pytest.mark.parametrize(
    ("way", "expected"),
    [
        ({"at_once": True}, ["COMPLETED", "COMPLETED", "COMPLETED"]),
        ({"after_reads": 1}, ["CREATED", "COMPLETED", "COMPLETED"]),
        ({"after_seconds": 60}, ["CREATED", "CREATED", "COMPLETED"]),
    ],
)
def test_the_status_of_a_note_follows_its_transition(heidi: Client, way: dict[str, Any], expected: list[str]) -> None:
    heidi.put("/_mock/transitions", json={"consult_note": way})
    note(heidi)

    seen = [session(heidi)["consult_note"]["status"] for _ in range(2)]
    heidi.post("/_mock/clock/advance", json={"seconds": 60})

    assert [*seen, session(heidi)["consult_note"]["status"]] == expected


@pytest.mark.parametrize(
    ("way", "expected"),
    [({"after_reads": 2}, ["CREATED", "CREATED", "COMPLETED"]), ({"after_seconds": 60}, ["CREATED"])],
)
def test_a_rewritten_note_restarts_its_transition(heidi: Client, way: dict[str, Any], expected: list[str]) -> None:
    heidi.put("/_mock/transitions", json={"consult_note": way})
    note(heidi)
    heidi.post("/_mock/clock/advance", json={"seconds": 60})
    before = [session(heidi)["consult_note"]["status"] for _ in range(3)]

    note(heidi, template_id=SOAP)

    assert before[-1] == "COMPLETED"
    assert [session(heidi)["consult_note"]["status"] for _ in expected] == expected


def test_a_note_keeps_the_other_fields_of_its_session(heidi: Client) -> None:
    recorded(heidi, seconds=30)
    heidi.patch(PATH, json={"clinician_notes": ["one"]})

    note(heidi)

    assert session(heidi)["clinician_notes"] == ["one"]
    assert len(session(heidi)["audio"]) == 1


# --- Refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("template_id", ["f" * 24, "", "H & P"])
def test_an_unknown_template_is_not_found(heidi: Client, template_id: str) -> None:
    before = settled(heidi)

    assert answered(ask(heidi, template_id=template_id)) == (404, wire(TEMPLATE_NOT_FOUND))
    assert heidi.state() == before


@pytest.mark.parametrize("changes", [{"template_id": None}, {"third_party_template": "{}"}], ids=["neither", "both"])
def test_a_note_needs_exactly_one_template(heidi: Client, changes: dict[str, Any]) -> None:
    assert answered(ask(heidi, **changes)) == (422, wire(TEMPLATE_REQUIRED))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("generation_method", None),
        ("generation_method", "AI_COMMAND"),
        ("addition", None),
        ("addition", 5),
        ("voice_style", None),
        ("voice_style", "goldilocks"),
        ("brain", "MIDDLE"),
        ("content_type", "text"),
        ("template_id", 5),
    ],
)
def test_an_invalid_field_is_refused(heidi: Client, field: str, value: Any) -> None:
    before = settled(heidi)

    answer = ask(heidi, **{field: value})

    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", field])
    assert heidi.state() == before


def test_the_session_is_looked_up_before_the_template(heidi: Client) -> None:
    assert answered(ask(heidi, "/sessions/404", template_id="f" * 24)) == (404, wire(SESSION_NOT_FOUND))


# --- A partner's template in a string ---------------------------------------------------------------------------------


def test_a_note_uses_the_headings_of_a_partner_template(heidi: Client) -> None:
    recorded(heidi)
    template = {"name": "Clinic letter", "sections": [{"title": "Assessment"}, {"title": "Plan"}]}

    text = foreign(heidi, template)

    assessment = [said.note for said in COUGH.utterances if said.topic == "assessment"]
    assert text.startswith("Assessment\n\n● ")
    assert "\n\nPlan\n\n● " in text
    assert all(line in text for line in assessment if line)
    assert session(heidi)["consult_note"]["heading"] == "Clinic letter"
    assert session(heidi)["consult_note"]["template_id"] is None


@pytest.mark.parametrize("template", [{}, [], "Note", 5, None, True, {"a": [{"b": {"c": 1}}]}, ["Plan", ""]])
def test_any_json_is_accepted_as_a_partner_template(heidi: Client, template: Any) -> None:
    recorded(heidi, seconds=60)

    assert foreign(heidi, template)


@pytest.mark.parametrize("text", ["", "{", "Plan", "NaN", "[" * 100])
def test_a_partner_template_that_is_not_json_is_accepted_with_a_finding(heidi: Client, text: str) -> None:
    recorded(heidi, seconds=60)

    written = note(heidi, template_id=None, third_party_template=text)

    assert written == foreign(heidi, {})
    found = heidi.get("/_mock/findings").json()["findings"]
    assert [(one["level"], one["count"]) for one in found if one["code"] == "template_not_json"] == [("error", 1)]


# --- Custom templates -------------------------------------------------------------------------------------------------

SEEN_BY = [{"value": "Antibiotics", "metadata": "a1"}, {"value": "Surgery"}, {"value": "Paracetamol"}]


def fill(client: Client, template: Any, path: str = PATH) -> httpx.Response:
    return client.post(f"{path}/client-customised-template/response", json=template)


def filled(client: Client, *questions: dict[str, Any], **fields: Any) -> dict[str, Any]:
    answer = fill(client, {"template": "t", "questions": list(questions), "summaryRequired": False, **fields})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def question(kind: str, **fields: Any) -> dict[str, Any]:
    about = {"questionId": "q1", "question": "Which treatment was begun?", "description": "", "answerType": kind}
    return {**about, "repeatable": False, **fields}


def values(answered_question: dict[str, Any]) -> list[str]:
    return [one["value"] for one in answered_question["answer"]]


@pytest.fixture
def noted(heidi: Client) -> Client:
    """A client whose session has a note about a cough."""
    recorded(heidi)
    note(heidi)
    return heidi


def test_a_custom_template_needs_a_note(heidi: Client) -> None:
    path = f"/sessions/{heidi.post('/sessions').json()['session_id']}"

    assert answered(fill(heidi, {"questions": []}, path)) == (400, wire(NOTE_NOT_FOUND))


def test_a_question_comes_back_unchanged_with_its_answer(noted: Client) -> None:
    asked = question("TextArea", metadata={"our": ["own", 1, None]})

    answer = filled(noted, asked)

    assert list(answer) == list(shapes.CUSTOM_ANSWER.unset(content=answer["content"]))
    (back,) = answer["questionAnswers"]
    given = back.pop("answer")
    assert back == asked
    assert [list(one) for one in given] == [["value"]]


def test_the_content_of_the_answer_is_the_note(noted: Client) -> None:
    assert filled(noted)["content"] == session(noted)["consult_note"]["result"]


def test_the_answer_has_a_summary_if_one_is_requested(noted: Client) -> None:
    assert filled(noted, summaryRequired=True)["summary"]
    assert "summary" not in filled(noted)


@pytest.mark.parametrize("kind", ["SingleResponse", "MultipleResponse"])
def test_a_choice_is_one_of_its_options(noted: Client, kind: str) -> None:
    options = [option["value"] for option in SEEN_BY]

    (back,) = filled(noted, question(kind, answerOptions=SEEN_BY))["questionAnswers"]

    assert values(back)
    assert set(values(back)) <= set(options)
    assert len(values(back)) == 1 or kind == "MultipleResponse"
    assert back["answerOptions"] == SEEN_BY


def test_options_mentioned_in_the_note_are_chosen(noted: Client) -> None:
    options = [{"value": "Quinine"}, {"value": "cough"}, {"value": "fever"}]

    single, multiple = filled(
        noted,
        question("SingleResponse", answerOptions=options),
        question("MultipleResponse", answerOptions=options),
    )["questionAnswers"]

    assert values(single) == ["cough"]
    assert values(multiple) == ["cough", "fever"]


def test_a_repeated_request_makes_the_same_choice(noted: Client) -> None:
    asked = question("SingleResponse", answerOptions=[{"value": "xx1"}, {"value": "yy2"}, {"value": "zz3"}])

    assert filled(noted, asked) == filled(noted, asked)


@pytest.mark.slow
def test_another_process_makes_the_same_choice(noted: Client) -> None:
    asked = [question("SingleResponse", question=f"Which {n}?", answerOptions=["xx1", "yy2", "zz3"]) for n in range(8)]
    here = [values(one) for one in filled(noted, *asked)["questionAnswers"]]
    code = (
        "import json, sys; from mock_heidi.content.custom_templates import answer\n"
        "print(json.dumps(answer({'questions': json.load(sys.stdin)}, '● Cough', '2025-01-06')['questionAnswers']))"
    )

    there = [
        json.loads(
            subprocess.run(  # noqa: S603 - our own words
                [sys.executable, "-c", code],
                input=json.dumps(asked),
                env={**os.environ, "PYTHONHASHSEED": number},
                capture_output=True,
                text=True,
                check=True,
            ).stdout
        )
        for number in ("1", "2")
    ]

    assert [[values(one) for one in answers] for answers in there] == [here, here]
    assert len({value for (value,) in here}) > 1


def test_a_multiple_choice_returns_all_mentioned_options_in_their_order(noted: Client) -> None:
    spoken_of = ["wheeze", "fever", "cough", "smoker", "bronchitis"]
    options = ["Quinine", *spoken_of, "Fracture"]

    (back,) = filled(noted, question("MultipleResponse", answerOptions=options))["questionAnswers"]

    assert values(back) == spoken_of


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("D MMM YYYY", "11 Dec 2024"),
        ("DD/MM/YYYY", "11/12/2024"),
        ("MM/DD/YYYY", "12/11/2024"),
        ("MMMM DD YYYY", "December 11 2024"),
        ("MMM DD YYYY", "Dec 11 2024"),
        ("YYYY/MM/DD", "2024/12/11"),
    ],
)
def test_a_date_answer_is_the_session_date_in_the_requested_format(noted: Client, form: str, expected: str) -> None:
    (back,) = filled(noted, question("DateResponse", dateFormat=form))["questionAnswers"]

    assert values(back) == [expected]


def test_a_date_question_without_a_format_gets_an_answer(noted: Client) -> None:
    (back,) = filled(noted, question("DateResponse"))["questionAnswers"]

    assert values(back) == ["2024/12/11"]


def test_a_text_answer_is_a_matching_sentence_of_the_note(noted: Client) -> None:
    (back,) = filled(noted, question("TextArea", question="What about the cough at night?"))["questionAnswers"]

    (value,) = values(back)
    assert "cough" in value.lower()
    assert value in session(noted)["consult_note"]["result"]


def test_a_repeatable_question_may_have_several_answers(noted: Client) -> None:
    (back,) = filled(noted, question("TextArea", repeatable=True))["questionAnswers"]

    assert len(values(back)) == 2


def test_nested_questions_are_answered_at_every_depth(noted: Client) -> None:
    asked = question("TextArea", questionId="5")
    for depth in range(4, 0, -1):
        asked = question("DateResponse", questionId=str(depth), dateFormat="DD/MM/YYYY", childQuestions=[asked])

    (level,) = filled(noted, asked)["questionAnswers"]

    for depth in range(1, 5):
        assert (level["questionId"], values(level)) == (str(depth), ["11/12/2024"])
        (level,) = level["childQuestions"]
    assert (level["questionId"], len(values(level))) == ("5", 1)


def test_the_older_template_format_gets_the_same_answers(noted: Client) -> None:
    asked = question("SingleResponse", answerOptions=["cough", "Quinine"])

    answer = fill(noted, {"content": "c", "responses": [asked], "summaryRequired": True}).json()

    assert list(answer) == shapes.CUSTOM_ANSWER.keys()
    assert values(answer["questionAnswers"][0]) == ["cough"]
    assert answer["questionAnswers"][0]["answerOptions"] == ["cough", "Quinine"]


@pytest.mark.parametrize("template", [{}, {"anything": 1}, {"questions": []}, {"template": None, "metadata": None}])
def test_a_template_without_known_questions_gets_an_empty_answer(noted: Client, template: dict[str, Any]) -> None:
    assert answered(fill(noted, template)) == (200, wire(shapes.CUSTOM_ANSWER.unset()))


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"answerType": "Checkbox"}, "answerType"),
        ({"dateFormat": "YY"}, "dateFormat"),
        ({"repeatable": "yes"}, "repeatable"),
        ({"childQuestions": {}}, "childQuestions"),
    ],
)
def test_an_invalid_question_is_refused(noted: Client, changes: dict[str, Any], place: str) -> None:
    answer = fill(noted, {"questions": [{**question("TextArea"), **changes}]})

    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"][:4] == ["body", "questions", 0, place]


@pytest.mark.parametrize("body", ["[]", "5", '"t"'])
def test_a_template_must_be_an_object(noted: Client, body: str) -> None:
    assert noted.post(f"{PATH}/client-customised-template/response", content=body).status_code == 422


def test_answering_a_template_changes_nothing(noted: Client) -> None:
    before = noted.state()

    filled(noted, question("TextArea"))

    assert noted.state() == before


def test_a_blank_note_gives_an_answer_without_a_value(heidi: Client) -> None:
    heidi.put(f"/_mock/sessions/{SESSION}", json={"consult_note": {"result": "\n \n"}})

    (back,) = filled(heidi, question("TextArea"))["questionAnswers"]

    assert back["answer"] == [{}]


def test_pieces_of_a_stream_may_split_words(heidi: Client) -> None:
    recorded(heidi)

    pieces = re.findall(r'data: \{"data": "((?:[^"\\]|\\.)*)"\}\n\n', ask(heidi).text)

    assert len(pieces) > 50
    assert len({len(piece) for piece in pieces}) > 5
    assert [piece for piece in pieces if not piece.endswith((" ", "."))]
