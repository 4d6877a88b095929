"""A set that holds everything."""

from __future__ import annotations

from collections.abc import Container
from typing import Any


class Everything(Container[Any]):
    """Holds every value, where a set of known values is expected."""

    def __contains__(self, _: object) -> bool:
        return True
