"""The journal: a bounded list of requests and their answers.

While a request is answered, the journal stores only raw bytes. Entries are parsed and redacted when they are read.
Everything that shows an entry uses :meth:`Journal.read` and its relatives, so that no secret leaves another way.
"""

from __future__ import annotations

import asyncio
import marshal
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from mock_heidi.base.memory import MemoryBudget
from mock_heidi.base.wording import shorten
from mock_heidi.observing import changes
from mock_heidi.observing.entry import ENTRY, PIECE, USUAL_HEAD, Entry, JournaledRequest
from mock_heidi.observing.entry_view import View
from mock_heidi.observing.headlines import Headline, headline_of
from mock_heidi.observing.redaction import REDACTED, Policy
from mock_heidi.state.clock import precise

# Seconds after which a body that has not arrived takes time.
_SOON = 0.1


class Journal:
    """The last requests of one namespace, bounded by their count and by the memory of all namespaces."""

    def __init__(
        self, name: str, entries: int, memory: MemoryBudget, secrets: Callable[[], Iterable[str]], mode: str = "normal"
    ) -> None:
        """``secrets`` returns the texts to hide; it must return the same object until they change.

        ``mode`` is the amount of detail: ``normal``, ``full`` or ``masked``.
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
        """Functions that are called with each entry when it is complete."""
        self.watch_start: Callable[[Entry], None] | None = None
        """A function that is called with each entry that takes time, once, before it is complete."""
        self.leaving: Callable[[Entry], None] | None = None
        """A function that is called with each entry that leaves; again when it is complete if it was not then."""

    def add(self, entry: Entry) -> None:
        """Add a request that has just come in."""
        entry.id = self._next
        self._next += 1
        entry.kept = True
        self._entries.append(entry)
        self._grow(entry.held)
        if len(self._entries) > self._most:
            self._drop_oldest()

    def tell_start(self, entry: Entry) -> None:
        """Tell the listeners that an entry takes time, once and before it is complete."""
        if self.watch_start is not None and not (entry.start_told or entry.done):
            entry.start_told = True
            self.watch_start(entry)

    def tell_start_soon(self, entry: Entry) -> asyncio.TimerHandle | None:
        """A timer that tells the listeners; None without listeners. Cancel it if the entry does not take time."""
        if self.watch_start is None:
            return None
        return asyncio.get_running_loop().call_later(_SOON, self.tell_start, entry)

    def keep(self, request: JournaledRequest, head: Mapping[str, Any], answer: bytes) -> int:
        """Add an answered request as a tuple, which is quick. Returns its id. ``head`` is the start of its answer."""
        number, scope, headers = self._next, request.scope, marshal.dumps(request.scope["headers"], 0)
        self._next = number + 1
        path, query, body, started = scope["path"], scope["query_string"], request.body, request.started
        method = scope["method"]
        held = ENTRY + len(method) + len(path) + len(query) + len(headers) + len(body)
        held += USUAL_HEAD + PIECE + len(answer)
        if request.changes is not None:
            held += changes.size(request.changes)
        self._entries.append(
            (
                *(number, request.at, started, precise() - started, request.operation, method, path),
                *(query, headers, body, head, (answer,), request.provenance, request.met, request.changes, held),
            )
        )
        self._grow(held)
        if len(self._entries) > self._most:
            self._drop_oldest()
        return number

    def entry(self, number: int, started: float) -> Entry | None:
        """The entry with an id that started then, or None. A reset gives the same ids again."""
        return next((one for one in reversed(self._all()) if (one.id, one.started) == (number, started)), None)

    def _all(self) -> list[Entry]:
        """All entries. Tuples are turned into entries."""
        entries = [one if isinstance(one, Entry) else Entry.of(one) for one in self._entries]
        self._entries = deque(entries)
        return entries

    def close(self, entry: Entry, now: float) -> None:
        """Note that the answer of an entry is complete, or that it will not have one."""
        entry.duration = now - entry.started
        entry.done = True
        if self.watchers:
            for watch in tuple(self.watchers):
                watch(entry)
        if not entry.kept:
            # It was dropped or cleared before its answer was complete.
            if self.leaving is not None:
                self.leaving(entry)
            return
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
        """Free memory: drop a kept view or, if there is none, the oldest entry. Returns False if both are empty."""
        return self._made[1].kept.drop() or self._drop_oldest()

    def _drop_oldest(self) -> bool:
        if not self._entries:
            return False
        oldest = self._entries.popleft()
        if self.leaving is not None:
            oldest = oldest if isinstance(oldest, Entry) else Entry.of(oldest)
            self.leaving(oldest)
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
        """Forget the entries with these ids. Returns their number."""
        before, gone = len(self._entries), 0
        entries = self._all()
        for entry in entries:
            entry.kept = entry.id not in ids
            gone += 0 if entry.kept else entry.held
            if self.leaving is not None and not entry.kept:
                self.leaving(entry)
        self._entries = deque(entry for entry in entries if entry.kept)
        self._grow(-gone)
        return before - len(self._entries)

    def clear(self) -> int:
        """Forget every entry. Returns their number."""
        self.dropped = 0
        return self.remove({entry.id for entry in self._all()})

    def begin(self) -> None:
        """Forget every entry and count from 1 again."""
        self.clear()
        self._next = 1

    def end(self) -> None:
        """Forget every entry and leave the shared memory budget, because the namespace is gone."""
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
        """The view that hides the current secrets. It is a new one if they have changed."""
        secrets = self._secrets()
        if secrets is not self._known:
            self._known, known = secrets, frozenset(secrets)
            if known != self._made[0]:
                self._made[1].kept.clear()
                self._made = known, View(self._name, self.mode, Policy(known), self._grow)
        return self._made[1]

    def read(self, entry: Entry, *, whole: bool = False) -> dict[str, Any]:
        """An entry as JSON values, without secrets. Long bodies are cut unless ``whole`` is True."""
        return self._view.read(entry, whole=whole)

    @property
    def reader(self) -> object:
        """The object that removes secrets. It is another one after the secrets have changed."""
        return self._view

    def headline(self, entry: Entry | Headline) -> dict[str, Any]:
        """The fields of an entry that fit on one line, without secrets. A long path is shortened."""
        row = self._view.headline(headline_of(entry) if isinstance(entry, Entry) else entry)
        row["path"] = shorten(row["path"])
        return row

    def path(self, entry: Entry) -> str:
        """The path of an entry, without secrets."""
        return self._view.path(entry.path)

    def query(self, entry: Entry) -> list[tuple[str, str]]:
        """The parameters of an entry's query in the order sent, with repeated ones, without secrets."""
        return self._view.query(entry)

    def named(self, name: str, value: Any) -> Any:
        """The value of a field of a client's body, without secrets; ``***`` if it is nested too deeply."""
        try:
            return self._view.named(name, value)
        except RecursionError:
            return REDACTED

    def word(self, text: str) -> str:
        """A word that a client chose, without secrets."""
        return self._view.word(text)

    def clean(self, value: Any) -> Any:
        """Any JSON value without secrets; ``***`` if it is nested too deeply."""
        try:
            return self._view.policy.json(value)
        except RecursionError:
            return REDACTED

    def rule(self, rule: Mapping[str, Any]) -> dict[str, Any]:
        """A fault without secrets."""
        return self._view.policy.rule(rule)

    def filter(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The values of a filter by name, without secrets."""
        try:
            return {name: self._view.policy.field(name, value) for name, value in given.items()}
        except RecursionError:
            return dict.fromkeys(given, REDACTED)

    def together(self, texts: Sequence[str]) -> list[str]:
        """Consecutive texts without secrets, including secrets that are divided between them."""
        return self._view.policy.together(texts)
