"""A set that holds everything."""

from __future__ import annotations

from collections.abc import Container
from typing import Any


class Everything(Container[Any]):
    """Contains every value. It stands in for a set of known values."""

    def __contains__(self, _: object) -> bool:
        return True
