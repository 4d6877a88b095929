"""The API keys that are secret on a server: those of now, and the last of those that were replaced."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

MOST_FORMER = 1_000
"""The most former keys that are remembered: every text that is shown is searched for each."""
# What is shorter is a word that others may use too.
_SHORTEST = 8


class FormerKeys:
    """The keys that were replaced last; the oldest are forgotten first."""

    def __init__(self) -> None:
        self._all: dict[str, None] = {}

    def __iter__(self) -> Iterator[str]:
        return iter(self._all)

    def change(self, gone: Iterable[str], known: Iterable[str]) -> None:
        """Add the keys that are ``gone``, and remove those that are ``known`` again."""
        for key in gone:
            self._all.pop(key, None)
            self._all[key] = None
        for key in known:
            self._all.pop(key, None)
        while len(self._all) > MOST_FORMER:
            del self._all[next(iter(self._all))]


class KnownKeys:
    """The keys of all namespaces of a server: a client may send the key of one to another by mistake."""

    def __init__(self) -> None:
        self._of: dict[str, frozenset[str]] = {}
        self._former = FormerKeys()
        self._all: frozenset[str] = frozenset()
        self._is_current = True

    def learn(self, namespace: str, keys: Iterable[str]) -> None:
        """Know these keys as those of a namespace, and its others as former ones."""
        known = frozenset(key for key in keys if len(key) >= _SHORTEST)
        before = self._of.get(namespace, frozenset())
        self._of[namespace] = known
        if known != before:
            self._former.change(sorted(before - known), ())
            self._is_current = False

    def forget(self, namespace: str) -> None:
        """Know the keys of a namespace that is gone as former ones: others may still hold what was sent."""
        self.learn(namespace, ())
        del self._of[namespace]

    def all(self) -> frozenset[str]:
        """All keys of now and former ones; the same object as long as they are the same."""
        if not self._is_current:
            made = frozenset(self._former).union(*self._of.values())
            if made != self._all:
                self._all = made
            self._is_current = True
        return self._all
