"""Fixtures as documents, and the error that names their problems.

This module does not import YAML, which takes long.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple, Protocol

from mock_heidi.settings import ConfigError

MOST_PROBLEMS = 100
"""The most problems of one set that an error names."""
Steps = tuple[str | int, ...]
"""The place of a value: field names and positions in lists, from the top."""


class FixtureError(ConfigError):
    """Fixtures that cannot be used. The message has a line for each of the first problems, and counts the others."""

    def __init__(self, problems: list[str], more: int = 0, *, counted: bool = True) -> None:
        """``more`` is the number of other problems; if ``counted`` is False, there are at least so many."""
        self.problems = problems[:MOST_PROBLEMS]
        self.more = more + len(problems) - len(self.problems)
        self.counted = counted
        super().__init__("\n".join([*self.problems, *([f"and {self.others(0)}"] if self.more else [])]))

    def others(self, unnamed: int) -> str:
        """The number of other problems, as ``5 more``; ``unnamed`` of :attr:`problems` count as others too."""
        number = self.more + unnamed
        return f"{number:,} more" if self.counted else f"at least {number:,} more"


class Text(Protocol):
    """A text that holds records. Each method reads it anew."""

    def values(self) -> Any: ...

    def problems(self) -> list[str]: ...

    def lines(self, wanted: Collection[Steps]) -> dict[Steps, int]: ...


class Document(NamedTuple):
    """The records of one kind, from a file or from a list in a body."""

    kind: str
    name: str
    records: Any
    """The rows as given; the text itself, until it is read; None for a packaged document that is read later."""
    text: Text | None = None
    packaged: bool = False
    top: Steps = ()
    """The steps from the top of the text to the records, such as their kind in a file that holds several kinds."""

    @property
    def is_late(self) -> bool:
        """True for a packaged document whose records are read when they are first needed."""
        return self.packaged and self.records is None

    @property
    def unread(self) -> Text | None:
        """The text that holds the records; None once they are read."""
        return self.text if self.records is self.text else None

    def read(self) -> Any:
        """The rows as given, or as the text holds them, not checked yet."""
        return self.records if self.unread is None else self.unread.values()

    def places(self, wanted: Collection[Steps]) -> dict[Steps, str]:
        """Each place in words: ``file:line: field``, or ``kind[0].field`` for records without lines."""
        whole = {steps: (*self.top, *steps) for steps in wanted}
        lines = self.text.lines(whole.values()) if self.text else {}
        return {steps: self._place(place, lines.get(place)) for steps, place in whole.items()}

    def _place(self, steps: Steps, line: int | None) -> str:
        field = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
        return self.name + field if line is None else f"{self.name}:{line}: {field.lstrip('.') or 'file'}"
