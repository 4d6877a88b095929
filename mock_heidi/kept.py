"""Texts that were made of objects, kept as long as the objects and within a bound."""

from __future__ import annotations

import weakref
from typing import Any


class Kept:
    """The texts that were used last, ``room`` characters at most; a text goes with its object."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._all: dict[int, tuple[weakref.ref[Any], str]] = {}
        self.held = 0
        """How many characters they are."""

    def get(self, owner: object) -> str | None:
        kept = self._all.pop(id(owner), None)
        if kept is None:
            return None
        self._all[id(owner)] = kept  # the last one used is the last one dropped
        return kept[1]

    def put(self, owner: object, text: str) -> None:
        key = id(owner)
        self._all[key] = weakref.ref(owner, lambda _: self._drop(key)), text
        self.held += len(text)
        while self.held > self._room:
            self._drop(next(iter(self._all)))

    def _drop(self, key: int) -> None:
        kept = self._all.pop(key, None)
        self.held -= 0 if kept is None else len(kept[1])
