"""Ids and times for records that bring none."""

from __future__ import annotations

import hashlib
from typing import Protocol

DEFAULT_TIME = "2025-01-06T09:00:00.000000"
"""The time of records in fixtures that name no time."""


class IdSource(Protocol):
    """A source of ids and times; ``place`` are the steps from the top of the fixtures to the record."""

    def object_id(self, *place: str | int) -> str: ...

    def session_id(self, *place: str | int) -> str: ...

    def stamp(self) -> str: ...


class DerivedIds:
    """Ids that depend only on the place of a record in its fixtures, and one time for all."""

    def object_id(self, *place: str | int) -> str:
        return "677b9a50" + self._digest(place)[:16]

    def session_id(self, *place: str | int) -> str:
        return str(int(self._digest(place)[:32], 16))

    def stamp(self) -> str:
        return DEFAULT_TIME

    @staticmethod
    def _digest(place: tuple[str | int, ...]) -> str:
        return hashlib.sha256("/".join(map(str, place)).encode()).hexdigest()
