"""The secrets of a server: its admin token and its API keys, the present ones and the last ones that were replaced."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

MOST_FORMER = 1_000
"""The most former keys that are remembered. Redaction searches every text for each of them."""
# A shorter key may be a common word, so other namespaces do not hide it.
_SHORTEST = 8


class FormerKeys:
    """The keys that were replaced last. The oldest are forgotten first."""

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
    """The keys of all namespaces of a server, since a client may send a key to the wrong namespace."""

    def __init__(self) -> None:
        self._of: dict[str, frozenset[str]] = {}
        self._former = FormerKeys()
        self._all: frozenset[str] = frozenset()
        self._is_current = True

    def learn(self, namespace: str, keys: Iterable[str]) -> None:
        """Set the present keys of a namespace. Its other keys become former ones."""
        known = frozenset(key for key in keys if len(key) >= _SHORTEST)
        before = self._of.get(namespace, frozenset())
        self._of[namespace] = known
        if known != before:
            self._former.change(sorted(before - known), ())
            self._is_current = False

    def forget(self, namespace: str) -> None:
        """Make the keys of a dropped namespace former ones, since other journals may still contain them."""
        self.learn(namespace, ())
        del self._of[namespace]

    def all(self) -> frozenset[str]:
        """All present and former keys; the same object until they change."""
        if not self._is_current:
            made = frozenset(self._former).union(*self._of.values())
            if made != self._all:
                self._all = made
            self._is_current = True
        return self._all


class Secrets:
    """The texts that a namespace hides: its keys, those of other namespaces, and the admin token."""

    def __init__(self, namespace: str, all_keys: KnownKeys, admin_token: str | None) -> None:
        self.keys: frozenset[str] = frozenset()
        """The namespace's present and former keys. Its journal may still contain the former ones."""
        self._namespace = namespace
        self._former = FormerKeys()
        self._all_keys = all_keys
        self._token = frozenset(() if admin_token is None else (admin_token,))
        self._made: tuple[frozenset[str] | None, frozenset[str], frozenset[str]] = None, frozenset(), frozenset()

    def change_keys(self, before: Iterable[str], keys: Iterable[str]) -> None:
        """Set the present keys. The keys in ``before`` that are not among them become former ones."""
        present = frozenset(keys)
        self._former.change([key for key in before if key not in present], present)
        self.keys = present.union(self._former)
        self._all_keys.learn(self._namespace, present)

    def all(self) -> frozenset[str]:
        """All secrets; the same object until they change, since every row of a list asks for them."""
        own, others = self.keys, self._all_keys.all()
        if own is not self._made[0] or others is not self._made[1]:
            self._made = own, others, own.union(others, self._token)
        return self._made[2]
