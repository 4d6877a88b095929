"""A bounded cache of texts that were made from objects."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any


class TextCache:
    """The texts that were used last, at most ``room`` characters. A text is dropped with its object."""

    def __init__(self, room: int, grow: Callable[[int], None] = lambda _: None) -> None:
        """``grow`` is called with the change of the number of characters."""
        self._room = room
        self._grow = grow
        self._all: dict[int, tuple[weakref.ref[Any], str]] = {}
        self.held = 0
        """The length of all texts, in characters."""

    def get(self, owner: object) -> str | None:
        kept = self._all.pop(id(owner), None)
        if kept is None:
            return None
        self._all[id(owner)] = kept  # the last one used is the last one dropped
        return kept[1]

    def put(self, owner: object, text: str) -> None:
        key = id(owner)
        self._all[key] = weakref.ref(owner, lambda _: self._drop(key)), text
        self._count(len(text))
        while self.held > self._room:
            self.drop()

    def drop(self) -> bool:
        """Forget the text that was used longest ago. Returns False if there is none."""
        oldest = next(iter(self._all), None)
        if oldest is not None:
            self._drop(oldest)
        return oldest is not None

    def clear(self) -> None:
        """Forget all texts."""
        while self.drop():
            continue

    def _drop(self, key: int) -> None:
        kept = self._all.pop(key, None)
        if kept is not None:
            self._count(-len(kept[1]))

    def _count(self, size: int) -> None:
        self.held += size
        self._grow(size)
