"""Finds out where the parts of a note came from: a part that stands in a source word for word came from there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import NamedTuple

from mock_heidi.content.note_writer import headings
from mock_heidi.state.consultation_records import Utterance
from mock_heidi.state.template_records import Languages, NoteTemplate


class Origin(NamedTuple):
    """A place in a note, and its source. ``id`` names the piece of audio, the session, the document or the template."""

    start: int
    end: int
    source: str
    id: str | None


class Source(NamedTuple):
    """A text from which a note may have been written."""

    name: str
    id: str | None
    text: str


def of_utterances(utterances: Iterable[Utterance], piece: str | None) -> Iterator[Source]:
    """The sources in what was said in a piece of audio: the words, and the sentences that stand for them in notes."""
    for one in utterances:
        yield from (Source("transcript", piece, text) for text in (one.text, one.note, one.brief) if text)


def of_template(template: NoteTemplate) -> Iterator[Source]:
    """The sources in a template: its headings and its fixed sentences, in every language."""
    texts: list[Languages | None] = [template.opening, template.closing]
    for section in template.sections:
        texts += section.heading, section.empty
    for languages in texts:
        for text in (languages or {}).values():
            yield from (Source("template", template.id, line) for line in text.splitlines() if "{" not in line)
    yield from (Source("template", None, heading) for heading in headings())


def origins(note: str, sources: Sequence[Source]) -> list[Origin]:
    """The places of the sources in a note, in order. Of overlapping ones the longest counts."""
    taken, found = bytearray(len(note)), []
    for source in sorted(sources, key=lambda source: -len(source.text)):
        for text in _spellings(source.text):
            start = _free(note, text, taken)
            while start >= 0:
                end = start + len(text)
                taken[start:end] = b"\1" * len(text)
                found.append(Origin(start, end, source.name, source.id))
                start = _free(note, text, taken, end)
    return sorted(found)


def _spellings(text: str) -> list[str]:
    """The forms that a source may have in a note: with the indents of a list, on one line, and escaped for HTML."""
    text = text.strip()
    forms = (text, text.replace("\n", "\n  "), " ".join(text.split()))
    return [form for form in dict.fromkeys((*forms, *map(_in_html, forms))) if form]


def _in_html(text: str) -> str:
    # As the writer of HTML notes does: it leaves apostrophes as they are.
    return escape(text, quote=False).replace('"', "&quot;")


def _free(note: str, text: str, taken: bytearray, after: int = 0) -> int:
    """The first place of a text as whole words that no longer text has taken; -1 if there is none."""
    start = note.find(text, after)
    while start >= 0 and (any(taken[start : start + len(text)]) or not _whole(note, start, start + len(text))):
        start = note.find(text, start + 1)
    return start


def _whole(note: str, start: int, end: int) -> bool:
    """True if a place does not begin or end inside a word."""
    inside = start > 0 and note[start - 1].isalnum() and note[start].isalnum()
    return not inside and not (end < len(note) and note[end - 1].isalnum() and note[end].isalnum())
