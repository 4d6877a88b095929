"""A partner's custom template, filled in from a note: each question gets an answer of its type."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from heapq import nlargest
from itertools import islice
from typing import Any, NamedTuple

from mock_heidi.base.slices import Work, finish
from mock_heidi.state.field_types import Topic
from mock_heidi.state.template_records import NoteTemplate, TemplateSection

_WORD = re.compile(r"\w{3,}")
_BULLETS = "●-*• \t"
_DEEPEST = 10
MOST_QUESTIONS = 1_000
"""The largest number of questions in a template, child questions included."""
MOST_HEADINGS = 100
"""The largest number of headings in a partner's template for a note."""
LONGEST_SENTENCE = 500
"""The longest answer from a note, in characters."""
# The work is the product of questions and sentences. A note of the usual length has fewer than a hundred.
_MOST_SENTENCES = 300
# In the unit of mock_heidi.base.slices.
_COST_OF_SENTENCE = 200
# The vendor's date formats as Python format strings. D is a day without a leading zero.
_DATE_FORMS = {
    "D MMM YYYY": "{d} {b} {Y}",
    "DD/MM/YYYY": "{dd}/{mm}/{Y}",
    "MM/DD/YYYY": "{mm}/{dd}/{Y}",
    "MMMM DD YYYY": "{B} {dd} {Y}",
    "MMM DD YYYY": "{b} {dd} {Y}",
    "YYYY/MM/DD": "{Y}/{mm}/{dd}",
}
# The names that Python knows depend on the locale.
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
# The start of a word in a heading (a pattern), and the topics under that heading. The first match counts.
_TOPICS: dict[str, tuple[Topic, ...]] = {
    "subjective": ("complaint", "history", "past_history", "medications", "allergies", "family", "social"),
    "complaint": ("complaint",),
    r"medications?\b": ("medications", "allergies"),
    r"medicines?\b": ("medications", "allergies"),
    "allerg": ("allergies",),
    "family": ("family",),
    "social": ("social", "family"),
    "mental": ("mental_state", "risk"),
    "objective": ("examination", "mental_state", "investigations"),
    r"exams?\b|examin": ("examination", "mental_state"),
    "investig": ("investigations",),
    "assess": ("assessment",),
    "diagnos": ("assessment",),
    "impress": ("assessment",),
    "plan": ("plan", "follow_up", "safety_net", "education"),
    "follow": ("follow_up", "safety_net"),
    "history": ("history", "past_history"),
}
# A partner expects each heading, so a section without content has this text.
_NOT_SAID = {"en": "Not discussed", "es": "No referido"}
_EVERYTHING: tuple[Topic, ...] = ("complaint", "history", "examination", "assessment", "plan")


class TemplateTooLargeError(ValueError):
    """A template has too many questions or headings. The message is for its sender."""


class _Sentence(NamedTuple):
    """A sentence of a note, with its words in lower case."""

    text: str
    words: set[str]


class _Note(NamedTuple):
    """A parsed note: its first distinct sentences, and the set of its words."""

    sentences: list[_Sentence]
    words: set[str]

    @classmethod
    def of(cls, text: str) -> _Note:
        lines = (line for line in (line.strip(_BULLETS) for line in text.splitlines()) if line)
        short = (line if len(line) <= LONGEST_SENTENCE else f"{line[: LONGEST_SENTENCE - 1]}…" for line in lines)
        sentences = islice(dict.fromkeys(short), _MOST_SENTENCES)
        return cls([_Sentence(sentence, _words(sentence)) for sentence in sentences], _words(text))


def template_of(value: Any) -> NoteTemplate:
    """A note template from any JSON value: its ``heading``, ``title`` and ``name`` texts become sections with topics.

    Raises :class:`TemplateTooLargeError`.
    """
    headings = list(dict.fromkeys(_headings(value, 0)))
    if len(headings) > MOST_HEADINGS:
        raise TemplateTooLargeError(f"a template has {MOST_HEADINGS} headings at most, not {len(headings)}")
    name, sections = (headings[0], headings[1:] or headings) if headings else ("Note", ["Note"])
    return NoteTemplate(
        id="0" * 24,
        name=name,
        template_category="CONSULT_NOTE_TEMPLATE",
        structure_template="",
        sections=tuple(
            TemplateSection(heading={"en": heading}, topics=_topics(heading), empty=_NOT_SAID) for heading in sections
        ),
    )


def _headings(value: Any, depth: int) -> Iterator[str]:
    if depth > _DEEPEST:
        return
    if isinstance(value, Mapping):
        for name, item in value.items():
            if name in ("heading", "title", "name") and isinstance(item, str) and item.strip():
                yield " ".join(item.split())
            else:
                yield from _headings(item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            yield from (
                [" ".join(item.split())] if isinstance(item, str) and item.strip() else _headings(item, depth + 1)
            )


def _topics(heading: str) -> tuple[Topic, ...]:
    fitting = (topics for start, topics in _TOPICS.items() if re.search(rf"\b(?:{start})", heading, re.IGNORECASE))
    return next(fitting, _EVERYTHING)


def answer(template: Mapping[str, Any], note: str, day: str) -> dict[str, Any]:
    """The vendor's response to a template: the questions with their ``answer``, in both documented forms.

    Raises :class:`TemplateTooLargeError`.
    """
    return finish(answering(template, note, day))


def answering(template: Mapping[str, Any], note: str, day: str) -> Work[dict[str, Any]]:
    """The same in slices, one for each question."""
    questions = _questions_in(template.get("questions", template.get("responses")))
    number = sum(map(_count, questions))
    if number > MOST_QUESTIONS:
        raise TemplateTooLargeError(f"a template has {MOST_QUESTIONS} questions at most, not {number}")
    read = _Note.of(note)
    filled: dict[str, Any] = {}
    if isinstance(template.get("template", template.get("content")), str):
        filled["content"] = note
    filled["questionAnswers"] = yield from _answered(questions, read, day, 0)
    if template.get("summaryRequired") is True:
        filled["summary"] = " ".join(sentence.text for sentence in read.sentences[:3])
    return filled


def _questions_in(questions: Any) -> list[Mapping[str, Any]]:
    return [one for one in questions if isinstance(one, Mapping)] if isinstance(questions, list) else []


def _count(question: Mapping[str, Any]) -> int:
    """The number of questions in a question, itself included."""
    return 1 + sum(map(_count, _questions_in(question.get("childQuestions"))))


def _answered(questions: Iterable[Mapping[str, Any]], note: _Note, day: str, depth: int) -> Work[list[dict[str, Any]]]:
    answered = []
    for question in questions:
        made = dict(question)
        if isinstance(question.get("childQuestions"), list) and depth < _DEEPEST:
            made["childQuestions"] = yield from _answered(
                _questions_in(question["childQuestions"]), note, day, depth + 1
            )
        made["answer"] = _answer(question, note, day)
        answered.append(made)
        yield _COST_OF_SENTENCE * len(note.sentences)
    return answered


def _answer(question: Mapping[str, Any], note: _Note, day: str) -> list[dict[str, str]]:
    asked = " ".join(str(question.get(name) or "") for name in ("question", "description"))
    kind = question.get("answerType")
    options = [value for option in question.get("answerOptions") or [] if (value := _option(option)) is not None]
    if kind == "DateResponse":
        return [{"value": _date(day, question.get("dateFormat"))}]
    if options and kind in ("SingleResponse", "MultipleResponse"):
        found = [option for option in options if _words(option) & note.words]
        if kind == "MultipleResponse" and found:
            return [{"value": option} for option in found]
        # If the note mentions no option, the same question always gets the same one.
        chosen = found[0] if found else options[hashlib.sha256(asked.encode()).digest()[0] % len(options)]
        return [{"value": chosen}]
    wanted = _words(asked[:LONGEST_SENTENCE])
    count = 2 if question.get("repeatable") is True else 1
    nearest = nlargest(count, note.sentences, key=lambda sentence: len(sentence.words & wanted))
    return [{"value": sentence.text} for sentence in nearest] or [{}]


def _option(option: Any) -> str | None:
    """The value of an option, which is an object in the newer form and a text in the older one."""
    value = option.get("value") if isinstance(option, Mapping) else option
    return value if isinstance(value, str) else None


def _words(text: str) -> set[str]:
    return {word.lower() for word in _WORD.findall(text)}


def _date(day: str, form: Any) -> str:
    year, month, number = day.split("-")
    pattern = _DATE_FORMS.get(form if isinstance(form, str) else "", "{Y}/{mm}/{dd}")
    name = _MONTHS[int(month) - 1]
    return pattern.format(d=int(number), dd=number, mm=month, Y=year, b=name[:3], B=name)
