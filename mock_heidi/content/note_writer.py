"""Writes notes and documents by filling in templates. The same material gives the same text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from mock_heidi.state.consultation_records import Utterance
from mock_heidi.state.template_records import Languages, NoteTemplate, TemplateSection

BULLET = "● "
"""The prefix of each line of a section."""
# The headings that are added to a template's sections, by language.
_HEADINGS: dict[str, Languages] = {
    "patient": {"en": "Patient", "es": "Paciente"},
    "background": {"en": "Background", "es": "Antecedentes conocidos"},
    "clinician": {"en": "Clinician's notes", "es": "Notas del profesional"},
    "earlier": {"en": "Earlier sessions", "es": "Sesiones anteriores"},
    "documents": {"en": "Documents provided", "es": "Documentos aportados"},
    "addition": {"en": "Additional information", "es": "Información adicional"},
    "issue": {"en": "Issue", "es": "Problema"},
}
_SAID = {"en": "In their own words", "es": "En sus palabras"}
_QUOTED_TOPICS = ("complaint", "history", "mental_state", "risk")
_ISSUE = "complaint"


class Material(NamedTuple):
    """The content of a note."""

    utterances: Sequence[Utterance] = ()
    patient: str = ""
    name: str = ""
    born: str = ""
    background: str = ""
    clinician_notes: Sequence[str] = ()
    earlier: Sequence[str] = ()
    documents: Sequence[str] = ()
    addition: str = ""
    session_name: str = ""
    day: str = ""


class Manner(NamedTuple):
    """The style of a note, in the vendor's terms. ``language`` is such as ``en`` or ``es-MX``."""

    voice_style: str = "GOLDILOCKS"
    brain: str = "LEFT"
    language: str = "en"

    def say(self, texts: Languages) -> str:
        """The text in this language; if it is missing, in English."""
        return texts.get(self.language[:2].lower()) or texts.get("en") or next(iter(texts.values()), "")


class Part(NamedTuple):
    """A heading and the lines under it."""

    heading: str
    lines: tuple[str, ...]


def headings() -> list[str]:
    """The headings that the writer adds to those of a template, in every language."""
    return [text for languages in (*_HEADINGS.values(), _SAID) for text in languages.values()]


def compose(template: NoteTemplate, material: Material, manner: Manner) -> list[Part]:
    """The parts of a note: the template's sections in order, then the other material."""
    parts = []
    if template.opening:
        parts.append(Part("", tuple(_fill(manner.say(template.opening), material).splitlines())))
    if material.patient:
        parts.append(Part(manner.say(_HEADINGS["patient"]), (material.patient,)))
    for section in template.sections:
        parts += _sections(section, material, manner)
    extra = {
        "background": [material.background] if material.background else [],
        "clinician": material.clinician_notes,
        "earlier": material.earlier,
        "documents": material.documents,
        "addition": [material.addition] if material.addition.strip() else [],
    }
    parts += [Part(manner.say(_HEADINGS[name]), tuple(lines)) for name, lines in extra.items() if lines]
    if not parts:
        # An empty note would be a stream without pieces, so it contains one section that says so.
        empty = [section for section in template.sections if section.empty is not None][:1]
        parts = [Part(manner.say(one.heading), (manner.say(one.empty or {}),)) for one in empty]
    if template.closing:
        parts.append(Part("", tuple(_fill(manner.say(template.closing), material).splitlines())))
    return parts


def _fill(text: str, material: Material) -> str:
    known = {
        "patient": material.name or "the patient",
        "dob": material.born or "unknown",
        "date": material.day,
        "session_name": material.session_name,
    }
    return re.sub(r"\{(\w+)\}", lambda match: known.get(match[1], ""), text).strip()


def _sections(section: TemplateSection, material: Material, manner: Manner) -> list[Part]:
    heading = manner.say(section.heading)
    relevant = [utterance for utterance in material.utterances if utterance.topic in section.topics]
    if section.per_issue and relevant:
        return [
            Part(f"{heading} {number}", tuple(line for utterance in issue for line in _lines(utterance, manner)))
            for number, issue in enumerate(_issues(relevant), 1)
        ]
    lines = tuple(line for utterance in relevant for line in _lines(utterance, manner))
    if lines:
        return [Part(heading, lines)]
    if section.empty is None or manner.voice_style == "BRIEF":
        return []  # a brief note omits empty sections
    return [Part(heading, (manner.say(section.empty),))]


def _issues(relevant: Sequence[Utterance]) -> list[list[Utterance]]:
    issues: list[list[Utterance]] = []
    for utterance in relevant:
        if utterance.topic == _ISSUE or not issues:
            issues.append([])
        issues[-1].append(utterance)
    return issues


def _lines(utterance: Utterance, manner: Manner) -> list[str]:
    note = utterance.note or utterance.text
    if manner.voice_style == "BRIEF":
        return [utterance.brief or note]
    quote = f"{manner.say(_SAID)}: “{utterance.text}”"
    by_patient_side = utterance.who != "clinician"
    if manner.voice_style == "SUPER_DETAILED" or (
        manner.voice_style == "DETAILED" and by_patient_side and utterance.topic in _QUOTED_TOPICS
    ):
        return [note, quote]
    return [note]


def to_markdown(parts: Iterable[Part], brain: str) -> str:
    """The note in Heidi's Markdown: headings, blank lines, and ``● `` bullets or, for brain ``RIGHT``, prose."""
    return "\n\n".join(
        "\n".join([*([part.heading, ""] if part.heading else []), *_body(part, brain)]) for part in parts
    )


def _body(part: Part, brain: str) -> list[str]:
    if not part.heading:
        return list(part.lines)
    if brain == "RIGHT":
        return [" ".join(part.lines)]
    return [BULLET + line.replace("\n", "\n  ") for line in part.lines]


def to_html(parts: Iterable[Part], brain: str) -> str:
    """The note as HTML, with its texts escaped."""
    from markdown_it import MarkdownIt  # only HTML notes need it

    writer = MarkdownIt("zero", {"html": False}).enable(["heading", "list", "escape"])
    texts = []
    for part in parts:
        lines = [_plain(line) for line in part.lines]
        if not part.heading:
            texts += [line for line in lines if line]
            continue
        body = [" ".join(lines)] if brain == "RIGHT" else [f"- {line}" for line in lines]
        texts.append("\n".join([f"## {_plain(part.heading)}", "", *body]))
    return str(writer.render("\n\n".join(texts))).strip()


def _plain(line: str) -> str:
    # Join its lines, and escape a start that Markdown would read as a mark.
    text = " ".join(line.split()).replace("\\", "\\\\")
    return re.sub(r"^(\d*)([#>+*.)-])", r"\1\\\2", text)


def pieces(text: str) -> list[str]:
    """The short pieces of a text for a stream. As in Heidi's streams, they may end within words."""
    cut: list[str] = []
    at = 0
    while at < len(text):
        # The lengths vary, but are the same for the same text.
        length = 3 + (ord(text[at]) * 7 + at) % 11
        cut.append(text[at : at + length])
        at += length
    return cut
