"""Fixtures as documents, and what is wrong in them. This module needs no YAML, which takes long to import."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple, Protocol

from mock_heidi.settings import ConfigError

MOST_PROBLEMS = 100
"""The most problems of one set that are told."""
# Where a value stands: the steps from the top.
Steps = tuple[str | int, ...]


class FixtureError(ConfigError):
    """Fixtures that cannot be used: the first problems, a line each, and how many ``more`` there are.

    ``counted`` is False where there are still more.
    """

    def __init__(self, problems: list[str], more: int = 0, *, counted: bool = True) -> None:
        self.problems = problems[:MOST_PROBLEMS]
        self.more = more + len(problems) - len(self.problems)
        self.counted = counted
        super().__init__("\n".join([*self.problems, *([f"and {self.others(0)}"] if self.more else [])]))

    def others(self, untold: int) -> str:
        """The number of problems that are not told, as ``5 more``; ``untold`` is the number of these that are kept."""
        number = self.more + untold
        return f"{number:,} more" if self.counted else f"at least {number:,} more"


class Text(Protocol):
    """A text that holds records, and is read when it is asked for them."""

    def values(self) -> Any: ...

    def problems(self) -> list[str]: ...

    def lines(self, wanted: Collection[Steps]) -> dict[Steps, int]: ...


class Document(NamedTuple):
    """One fixture file, or one list of a body: its records, and where they stand if that is known."""

    kind: str
    name: str
    records: Any
    """The records as given, or the text that holds them until they are read."""
    text: Text | None = None
    packaged: bool = False
    top: Steps = ()
    """The steps from the top of the text to the records: their kind, in a file that holds several kinds."""

    @property
    def is_late(self) -> bool:
        """True for a packaged document whose records are read when they are first needed."""
        return self.packaged and self.records is None

    @property
    def unread(self) -> Text | None:
        """The text that holds its records, as long as they have not been read."""
        return self.text if self.records is self.text else None

    def read(self) -> Any:
        return self.records if self.unread is None else self.unread.values()

    def places(self, wanted: Collection[Steps]) -> dict[Steps, str]:
        """``file:line: field`` of values, or ``kind[0].field`` where there are no lines."""
        whole = {steps: (*self.top, *steps) for steps in wanted}
        lines = self.text.lines(whole.values()) if self.text else {}
        return {steps: self._place(place, lines.get(place)) for steps, place in whole.items()}

    def _place(self, steps: Steps, line: int | None) -> str:
        field = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
        return self.name + field if line is None else f"{self.name}:{line}: {field.lstrip('.') or 'file'}"
