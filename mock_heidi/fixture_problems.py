"""The problems that are found in fixtures, with their places, within a bound of memory and work."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from mock_heidi.fixture_documents import MOST_PROBLEMS, Document, FixtureError, Steps
from mock_heidi.slices import SLICE
from mock_heidi.wording import shorten

LONGEST_PROBLEM = 500
"""The most characters of a problem, without its place."""
_PLACE = re.compile(r"(.*?):(\d+): ")
# Problems without a text are counted up to here: each costs as much work as a record.
_MOST_COUNTED = 10_000
# The most that it costs to make a text that suggests a name.
_SUGGESTION = SLICE


class TooManyProblemsError(Exception):
    """There are so many problems that the rest of the fixtures is not read."""


class Problems:
    """The problems of one set of fixtures: the first ones in words, the others as a number."""

    def __init__(self) -> None:
        self._first: list[tuple[Document, Steps, str]] = []
        self._more = 0
        self.cost = 0
        """The cost of the texts since :meth:`take_cost`, in the unit of :mod:`mock_heidi.slices`."""

    def __bool__(self) -> bool:
        return bool(self._first)

    @property
    def room(self) -> int:
        """The number of problems that may still be added in words."""
        return MOST_PROBLEMS - len(self._first)

    def add(self, document: Document, steps: Steps, text: str | Callable[[], str]) -> None:
        """Add a problem at a place of a document. A function makes a text that suggests a name; it is called only
        if there is room.

        Raises :class:`TooManyProblemsError`.
        """
        if not self.room:
            self.count(1)
            return
        if not isinstance(text, str):
            self.cost += _SUGGESTION
            text = text()
        self._first.append((document, steps, shorten(text, LONGEST_PROBLEM)))

    def count(self, number: int) -> None:
        """Add so many problems without their words. Raises :class:`TooManyProblemsError`."""
        self._more += number
        if self._more >= _MOST_COUNTED:
            self._more = _MOST_COUNTED
            raise TooManyProblemsError

    def take_cost(self) -> int:
        """The cost of the texts since the last call."""
        cost, self.cost = self.cost, 0
        return cost

    def error(self, documents: Iterable[Document]) -> FixtureError:
        """The error that names the first problems and counts the others. If a text cannot be parsed, it names only
        that: the other problems may follow from it.
        """
        texts = [document.unread for document in documents]
        unreadable = [problem for text in texts if text is not None for problem in text.problems()]
        if unreadable:
            return FixtureError(unreadable)
        return FixtureError(self._lines(), self._more, counted=self._more < _MOST_COUNTED)

    def _lines(self) -> list[str]:
        """The problems with their places. Each file is read a second time to find its lines."""
        wanted: dict[str, tuple[Document, set[Steps]]] = {}
        for document, steps, _ in self._first:
            wanted.setdefault(document.kind, (document, set()))[1].add(steps)
        places = {kind: document.places(steps) for kind, (document, steps) in wanted.items()}
        return _by_line([shorten(f"{places[document.kind][steps]}: {text}") for document, steps, text in self._first])


def _by_line(problems: list[str]) -> list[str]:
    """Problems in the order of the files and of the lines in them; problems without a line keep their order."""
    places = [_PLACE.match(problem) for problem in problems]
    files = list(dict.fromkeys(place[1] if place else "" for place in places))
    keys = [(files.index(place[1]), int(place[2])) if place else (files.index(""), 0) for place in places]
    return [problem for _, problem in sorted(zip(keys, problems, strict=True), key=lambda pair: pair[0])]
