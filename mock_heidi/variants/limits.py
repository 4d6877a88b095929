"""The limits of the variant runs: how many of them, and how long they take."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

MOST = 200
"""The most variants of one test, unless the user says otherwise."""
SECONDS = 600
"""The most seconds of all repeated runs together, unless the user says otherwise."""


class Limits:
    """The most variants of one test, and the most seconds that all repeated runs may take together."""

    def __init__(self, most: int = MOST, seconds: float = SECONDS) -> None:
        self.most = most
        self._left = seconds

    @contextlib.contextmanager
    def spending(self) -> Iterator[None]:
        """Count the time of a run. A run that has begun is not cut short."""
        from mock_heidi.state.clock import precise  # here, because the help of the command reads only the constants

        began = precise()
        try:
            yield
        finally:
            self._left -= precise() - began

    @property
    def over(self) -> bool:
        """True if no time is left for another run."""
        return self._left <= 0
