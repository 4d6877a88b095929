"""Requests and their answers: a bounded list that costs next to nothing to keep.

Nothing is parsed or redacted while a request is on its way. Every endpoint that shows an entry shows what
:meth:`Journal.read` returns. :mod:`mock_heidi.observing.entry_view` makes it, so that no secret leaves by another way.
"""

from __future__ import annotations

import marshal
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from mock_heidi.base.memory import MemoryBudget
from mock_heidi.observing.entry import ENTRY, PIECE, Entry, JournaledRequest
from mock_heidi.observing.entry_view import View
from mock_heidi.observing.redaction import REDACTED, Policy
from mock_heidi.state.clock import precise


class Journal:
    """The last requests of one namespace, bounded by their count and by the memory of all namespaces."""

    def __init__(
        self, name: str, entries: int, memory: MemoryBudget, secrets: Callable[[], Iterable[str]], mode: str = "normal"
    ) -> None:
        """``secrets`` gives what is not shown, the same object as long as it is the same.

        ``mode`` says how much is shown: ``normal``, ``full`` or ``masked``.
        """
        self._name = name
        self._most = entries
        self._memory = memory
        memory.logs.add(self)
        self._secrets = secrets
        self.mode = mode
        self._known: Iterable[str] = ()
        self._made = frozenset[str](), View(name, mode, Policy(), self._grow)
        # Ordinary requests are tuples until the journal is read.
        self._entries: deque[Entry | tuple[Any, ...]] = deque()
        self.held = 0
        self._next = 1
        self.dropped = 0
        self.watchers: set[Callable[[Entry], None]] = set()
        """Told of every entry that is complete."""

    def add(self, entry: Entry) -> None:
        """Keep a request that has just come in."""
        entry.id = self._next
        self._next += 1
        entry.kept = True
        self._entries.append(entry)
        self._grow(entry.held)
        if len(self._entries) > self._most:
            self._drop_oldest()

    def keep(self, request: JournaledRequest, status: int, answer: bytes) -> int:
        """Keep an answered request as a tuple. Returns its id."""
        number, scope, headers = self._next, request.scope, marshal.dumps(request.scope["headers"], 0)
        self._next = number + 1
        path, query, body, started = scope["path"], scope["query_string"], request.body, request.started
        method = scope["method"]
        held = ENTRY + len(method) + len(path) + len(query) + len(headers) + len(body) + PIECE + len(answer)
        self._entries.append(
            (
                *(number, request.at, started, precise() - started, request.operation, method, path),
                *(query, headers, body, status, (answer,), held),
            )
        )
        self._grow(held)
        if len(self._entries) > self._most:
            self._drop_oldest()
        return number

    def entry(self, number: int, started: float) -> Entry | None:
        """The entry of that id that began then, or None; a reset gives ids again."""
        return next((one for one in reversed(self._all()) if (one.id, one.started) == (number, started)), None)

    def _all(self) -> list[Entry]:
        """All entries; those of ordinary requests are made now."""
        entries = [one if isinstance(one, Entry) else Entry.of(one) for one in self._entries]
        self._entries = deque(entries)
        return entries

    def close(self, entry: Entry, now: float) -> None:
        """Note that its answer is complete, or that there will be none."""
        entry.duration = now - entry.started
        entry.done = True
        if self.watchers:
            for watch in tuple(self.watchers):
                watch(entry)
        if not entry.kept:
            return  # dropped or cleared while it was on its way
        size = entry.size
        grown = size - entry.held
        entry.held = size
        self._grow(grown)

    def _grow(self, size: int) -> None:
        self.held += size
        self._memory.used += size
        if self._memory.used > self._memory.limit:
            self._memory.make_room()

    def drop(self) -> bool:
        """Make room: forget what is kept of a shown entry, or else the oldest entry; whether there was anything."""
        return self._made[1].kept.drop() or self._drop_oldest()

    def _drop_oldest(self) -> bool:
        if not self._entries:
            return False
        oldest = self._entries.popleft()
        if isinstance(oldest, Entry):
            oldest.kept = False
            held = oldest.held
        else:
            held = oldest[-1]
        self.dropped += 1
        self.held -= held
        self._memory.used -= held
        return True

    def remove(self, ids: Collection[int]) -> int:
        """Forget the entries of those ids; how many there were."""
        before, gone = len(self._entries), 0
        entries = self._all()
        for entry in entries:
            entry.kept = entry.id not in ids
            gone += 0 if entry.kept else entry.held
        self._entries = deque(entry for entry in entries if entry.kept)
        self._grow(-gone)
        return before - len(self._entries)

    def clear(self) -> int:
        """Forget every entry; how many there were."""
        self.dropped = 0
        return self.remove({entry.id for entry in self._all()})

    def begin(self) -> None:
        """Forget every entry and count from 1 again."""
        self.clear()
        self._next = 1

    def end(self) -> None:
        """Forget every entry and leave the memory of the others alone, because the namespace is gone."""
        self.clear()
        self._made[1].kept.clear()
        self._memory.logs.discard(self)
        self._memory = MemoryBudget(self._memory.limit)

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._all())

    @property
    def _view(self) -> View:
        """The view that shows entries without the current secrets; a fresh one if they have changed."""
        secrets = self._secrets()
        if secrets is not self._known:
            self._known, known = secrets, frozenset(secrets)
            if known != self._made[0]:
                self._made[1].kept.clear()
                self._made = known, View(self._name, self.mode, Policy(known), self._grow)
        return self._made[1]

    def read(self, entry: Entry, *, whole: bool = False) -> dict[str, Any]:
        """An entry for people and programs: parsed, and without secrets; long bodies are cut unless ``whole``."""
        return self._view.read(entry, whole=whole)

    @property
    def reader(self) -> object:
        """The object that takes the secrets out; another one when other secrets are known."""
        return self._view

    def headline(self, entry: Entry) -> dict[str, Any]:
        """The parts of an entry that fit on one line, judged in the same way."""
        return self._view.headline(entry)

    def query(self, entry: Entry) -> list[tuple[str, str]]:
        """The parameters of an entry's query, in order and as often as they were sent, judged in the same way."""
        return self._view.query(entry)

    def named(self, name: str, value: Any) -> Any:
        """The value of a field of a client's body, judged in the same way; ``***`` where it is nested too deeply."""
        try:
            return self._view.named(name, value)
        except RecursionError:
            return REDACTED

    def word(self, text: str) -> str:
        """A word that a client chose, judged in the same way."""
        return self._view.word(text)

    def clean(self, value: Any) -> Any:
        """Any JSON without its secrets."""
        try:
            return self._view.policy.json(value)
        except RecursionError:
            return REDACTED  # no body of the vendor's is nested so deeply

    def rule(self, rule: Mapping[str, Any]) -> dict[str, Any]:
        """A fault without its secrets."""
        return self._view.policy.rule(rule)

    def filter(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """A test's expectation of a request, by the names of filters, without its secrets."""
        try:
            return {name: self._view.policy.field(name, value) for name, value in given.items()}
        except RecursionError:
            return dict.fromkeys(given, REDACTED)

    def together(self, texts: Sequence[str]) -> list[str]:
        """Texts that follow each other, without secrets in any of them or across several."""
        return self._view.policy.together(texts)
