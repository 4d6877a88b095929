"""A partner's own template, filled from a note: each kind of question with an answer of its kind."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mock_heidi.models import NoteTemplate, TemplateSection, Topic

_WORD = re.compile(r"\w{3,}")
_BULLETS = "●-*• \t"
_DEEPEST = 10
# The vendor's names for the forms of a date, as Python writes them; D is a day without a leading zero.
_DATE_FORMS = {
    "D MMM YYYY": "{d} {b} {Y}",
    "DD/MM/YYYY": "{dd}/{mm}/{Y}",
    "MM/DD/YYYY": "{mm}/{dd}/{Y}",
    "MMMM DD YYYY": "{B} {dd} {Y}",
    "MMM DD YYYY": "{b} {dd} {Y}",
    "YYYY/MM/DD": "{Y}/{mm}/{dd}",
}
# Not the machine's own names for them: those hang on its locale.
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
# How a word of a heading begins (a pattern), and what then belongs under it. The first that fits counts.
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
# A partner looks for every heading of theirs.
_NOT_SAID = {"en": "Not discussed", "es": "No referido"}
_EVERYTHING: tuple[Topic, ...] = ("complaint", "history", "examination", "assessment", "plan")


def template_of(value: Any) -> NoteTemplate:
    """A template from any JSON: its ``heading``, ``title`` and ``name`` values in order, each with its topics."""
    headings = list(dict.fromkeys(_headings(value, 0)))
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
    """The vendor's answer to a template: its questions with their ``answer``, in both documented forms."""
    questions = template.get("questions", template.get("responses"))
    sentences = [line for line in (text.strip(_BULLETS) for text in note.splitlines()) if line]
    filled: dict[str, Any] = {}
    if isinstance(template.get("template", template.get("content")), str):
        filled["content"] = note
    filled["questionAnswers"] = [
        _answered(question, sentences, day, 0) for question in questions if isinstance(question, Mapping)
    ] if isinstance(questions, list) else []  # fmt: skip
    if template.get("summaryRequired") is True:
        filled["summary"] = " ".join(sentences[:3])
    return filled


def _answered(question: Mapping[str, Any], sentences: Sequence[str], day: str, depth: int) -> dict[str, Any]:
    made = dict(question)
    children = question.get("childQuestions")
    if isinstance(children, list) and depth < _DEEPEST:
        made["childQuestions"] = [
            _answered(child, sentences, day, depth + 1) for child in children if isinstance(child, Mapping)
        ]
    made["answer"] = _answer(question, sentences, day)
    return made


def _answer(question: Mapping[str, Any], sentences: Sequence[str], day: str) -> list[dict[str, str]]:
    asked = " ".join(str(question.get(name) or "") for name in ("question", "description"))
    kind = question.get("answerType")
    options = [value for option in question.get("answerOptions") or [] if (value := _option(option)) is not None]
    if kind == "DateResponse":
        return [{"value": _date(day, question.get("dateFormat"))}]
    if options and kind in ("SingleResponse", "MultipleResponse"):
        found = [option for option in options if _words(option) & _words(" ".join(sentences))]
        if kind == "MultipleResponse" and found:
            return [{"value": option} for option in found]
        # Nothing in the note speaks for an option: the same question always gets the same one.
        chosen = found[0] if found else options[hashlib.sha256(asked.encode()).digest()[0] % len(options)]
        return [{"value": chosen}]
    ranked = sorted(sentences, key=lambda sentence: -len(_words(sentence) & _words(asked)))
    if not ranked:
        return [{}]
    count = 2 if question.get("repeatable") is True else 1
    return [{"value": sentence} for sentence in ranked[:count]]


def _option(option: Any) -> str | None:
    """The value of an option: an object in the newer form, the text itself in the older one."""
    value = option.get("value") if isinstance(option, Mapping) else option
    return value if isinstance(value, str) else None


def _words(text: str) -> set[str]:
    return {word.lower() for word in _WORD.findall(text)}


def _date(day: str, form: Any) -> str:
    year, month, number = day.split("-")
    pattern = _DATE_FORMS.get(form if isinstance(form, str) else "", "{Y}/{mm}/{dd}")
    name = _MONTHS[int(month) - 1]
    return pattern.format(d=int(number), dd=number, mm=month, Y=year, b=name[:3], B=name)
