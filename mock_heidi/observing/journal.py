"""Requests and their answers: a bounded list that costs next to nothing to keep.

Nothing is parsed or redacted while a request is on its way. Every endpoint that shows an entry shows what
:meth:`Journal.read` returns, which :mod:`mock_heidi.entry_view` makes, so that no secret leaves by another way.
"""

from __future__ import annotations

import marshal
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from mock_heidi.clock import precise
from mock_heidi.entry_view import View
from mock_heidi.memory import MemoryBudget
from mock_heidi.redaction import REDACTED, Policy

# In bytes, as measured with tracemalloc on CPython 3.11 to 3.13. An entry costs so much beside what it holds,
_ENTRY = 1_120
# one with notes (of faults, of findings, of why it matched nothing) so much more,
_NOTES = 384
# each piece of an answer so much beside its own bytes,
_PIECE = 80
# and each part of a multipart body so much beside its names.
_PART = 512
# In seconds: so much later than its client the server may learn that a connection is no more.
_LATER = 0.02


class Answered(Protocol):
    """The facts about a request that the journal keeps."""

    scope: Any
    at: int
    started: float
    operation: str | None
    body: bytes


class Entry:
    """One request, by reference: raw bytes as they came and went. ``at`` in ms since 1970, ``duration`` in seconds."""

    # What most requests never have costs them nothing.
    id = 0
    body = b""
    status: int | None = None
    parts: list[dict[str, Any]] | None = None
    """The parts of a multipart body, without what is in them."""
    duration: float | None = None
    client_left = False
    done = False
    kept = False
    """True if the journal still has it."""
    fault: tuple[str, ...] = ()
    """The ids of the rules that have shaped the answer."""
    provenance: str | None = None
    retry_at: int | None = None
    """Before which moment (ms since 1970) the answer asked not to be asked again."""
    early_end = False
    """True if a fault has ended its stream before its time."""
    why: str | None = None
    """The reason that it matched nothing, or was refused before any handler saw it."""
    stray = False
    """True if a web page that may not use the API, or the browser by itself, sent a request that matched nothing."""
    findings: tuple[str, ...] = ()
    """The codes of its findings."""
    pieces: tuple[bytes, ...] | list[bytes] = ()
    """The answer's body, of a stream in its pieces."""
    times: list[float] = []  # noqa: RUF012 - never changed: a stream has a list of its own
    """The moments when the pieces of a stream went out, in seconds of the process's own clock."""

    def __init__(self, at: int, started: float, operation: str | None, scope: Any) -> None:
        self.at = at
        self.started = started
        self.operation = operation
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.query: bytes = scope["query_string"]
        # As one value: thousands of little ones that live as long as the journal would make all others slow.
        self._headers = marshal.dumps(scope["headers"], 0)
        self.held = _ENTRY + len(self._headers)
        """The number of its bytes that the journal counts: until it is complete, those of its head."""

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """The request's headers, in order and as often as they were sent."""
        made: list[tuple[bytes, bytes]] = marshal.loads(self._headers)  # noqa: S302 - made above, by ourselves
        return made

    @classmethod
    def of(cls, value: tuple[Any, ...]) -> Entry:
        """The entry of a request that :meth:`Journal.keep` kept as a small value."""
        entry: Entry = cls.__new__(cls)
        entry.id, entry.at, entry.started, entry.duration, entry.operation, entry.method, entry.path = value[:7]
        entry.query, entry._headers, entry.body, entry.status, entry.pieces, entry.held = value[7:]
        entry.done = entry.kept = True
        return entry

    def stream(self, piece: bytes, moment: float | None) -> None:
        """Note a piece of a stream and when it went out; the last one has no moment of its own."""
        if not isinstance(self.pieces, list):
            self.pieces, self.times = [], []
        self.pieces.append(piece)
        if moment is not None:
            self.times.append(moment)

    @property
    def size(self) -> int:
        """About how many bytes it holds."""
        size = _ENTRY + len(self.method) + len(self.path) + len(self.query) + len(self._headers) + len(self.body)
        if self.fault or self.findings or self.why:
            size += _NOTES + sum(map(len, self.fault)) + len(self.why or "")
        size += _PIECE * len(self.pieces) + sum(map(len, self.pieces))
        for part in self.parts or ():
            size += _PART + sum([len(value) for value in part.values() if isinstance(value, str)])
        return size

    def bare(self) -> Entry:
        """A copy without bodies and headers: what a line of the log needs, and no more to hold on to."""
        copy: Entry = Entry.__new__(Entry)
        for name in ("id", "at", "operation", "method", "path", "status", "duration", "fault", "client_left", "why"):
            setattr(copy, name, getattr(self, name))
        return copy


def answered(entry: Entry) -> float:
    """The moment when its answer ended for the client, in seconds of the process's own clock."""
    ended = entry.started + (entry.duration or 0)
    whole = len(entry.pieces) > len(entry.times)  # the end of a body is a piece of its own
    return ended if whole else ended - _LATER


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
        # A value of an ordinary request becomes an entry when somebody looks at the journal.
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

    def keep(self, request: Answered, status: int, answer: bytes) -> int:
        """Keep a request whose whole answer is known, as one small value, and say under which id."""
        number, scope, headers = self._next, request.scope, marshal.dumps(request.scope["headers"], 0)
        self._next = number + 1
        path, query, body, started = scope["path"], scope["query_string"], request.body, request.started
        method = scope["method"]
        held = _ENTRY + len(method) + len(path) + len(query) + len(headers) + len(body) + _PIECE + len(answer)
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

    def entry(self, number: int) -> Entry | None:
        """The entry of that id, or None."""
        return next((entry for entry in reversed(self._all()) if entry.id == number), None)

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
