"""Finds the terms of clinical codes in a text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from mock_heidi.state.code_records import CodeEntry


class Span(NamedTuple):
    """A place in a text, in characters. The end is exclusive."""

    start: int
    end: int


_WORD = re.compile(r"\w")
# A term begins with a word, or with another character that does not stand inside a word.
_BEGINNING = re.compile(r"(?<!\w)(?:\w+|[^\w\s])")


def find_terms(entries: Sequence[CodeEntry], text: str) -> dict[int, list[Span]]:
    """The places of each entry's terms, by the entry's index: whole words, and the longest of overlapping terms."""
    owners = {term.lower(): at for at, entry in enumerate(entries) for term in entry.terms}
    found: dict[int, list[Span]] = {}
    for start, end in _without_overlaps(_matches(owners, text), len(text)):
        found.setdefault(owners[text[start:end].lower()], []).append(Span(start, end))
    return found


def _matches(terms: Iterable[str], text: str) -> Iterator[tuple[int, int]]:
    """The start and end of the longest term at each place where a term begins."""
    by_beginning: dict[str, list[str]] = {}
    for term in sorted(terms, key=len, reverse=True):
        by_beginning.setdefault(_BEGINNING.findall(term)[0], []).append(term)
    for beginning in _BEGINNING.finditer(text):
        start = beginning.start()
        for term in by_beginning.get(beginning[0].lower(), ()):
            end = start + len(term)
            if text[start:end].lower() == term and not _WORD.match(text, end):
                yield start, end
                break


def _without_overlaps(spans: Iterable[tuple[int, int]], length: int) -> list[tuple[int, int]]:
    """The spans in order, without those that overlap a longer one."""
    taken, kept = bytearray(length), []
    for start, end in sorted(spans, key=lambda span: span[0] - span[1]):
        if not any(taken[start:end]):
            taken[start:end] = b"\1" * (end - start)
            kept.append((start, end))
    return sorted(kept)
