"""Finds the terms of clinical codes in a text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from mock_heidi.state.code_records import CodeEntry


class Span(NamedTuple):
    """A place in a text, in characters. The end is exclusive."""

    start: int
    end: int


def find_terms(entries: Sequence[CodeEntry], text: str) -> dict[int, list[Span]]:
    """The places of each entry's terms, by the entry's index: whole words, and the longest of overlapping terms."""
    owners = {term.lower(): at for at, entry in enumerate(entries) for term in entry.terms}
    found: dict[int, list[Span]] = {}
    for start, end in _without_overlaps(_matches(owners, text), len(text)):
        # A match without regard to case may differ from the term in lower case: U+017F matches ``s``.
        at = owners.get(text[start:end].lower())
        if at is not None:
            found.setdefault(at, []).append(Span(start, end))
    return found


def _matches(terms: Iterable[str], text: str) -> list[tuple[int, int]]:
    """The start and end of the longest term at each place where a term begins."""
    longest_first = sorted(terms, key=len, reverse=True)
    if not longest_first:
        return []
    # With the lookahead, a term is also found if it begins inside another one.
    pattern = rf"(?<!\w)(?=({'|'.join(map(re.escape, longest_first))})(?!\w))"
    return [match.span(1) for match in re.finditer(pattern, text, re.IGNORECASE)]


def _without_overlaps(spans: Iterable[tuple[int, int]], length: int) -> list[tuple[int, int]]:
    """The spans in order, without those that overlap a longer one."""
    taken, kept = bytearray(length), []
    for start, end in sorted(spans, key=lambda span: span[0] - span[1]):
        if not any(taken[start:end]):
            taken[start:end] = b"\1" * (end - start)
            kept.append((start, end))
    return sorted(kept)
