"""What was asked and answered: a bounded list that costs next to nothing to keep, and the one reader of it.

Nothing is parsed or redacted while a request is on its way. Whoever shows an entry, on whatever door, shows what
:meth:`Journal.read` makes of it, so that a secret can leave by none.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, urlencode

from mock_heidi.clock import zulu

REDACTED = "***"
# An entry costs about this much beside its bodies.
_OVERHEAD = 1_024

_SECRET_NAME = re.compile("auth|cookie|key|token|secret|password", re.IGNORECASE)
_JWT = re.compile(r"eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")


class Entry:
    """One request, by reference: raw bytes as they came and went. ``at`` in ms since 1970, ``duration`` in seconds."""

    __slots__ = (
        "at", "body", "client_left", "done", "duration", "headers", "id", "method", "operation", "path",
        "pieces", "query", "started", "status",
    )  # fmt: skip

    def __init__(self, at: int, started: float, operation: str | None, scope: Any) -> None:
        self.id = 0
        self.at = at
        self.started = started
        self.operation = operation
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.query: bytes = scope["query_string"]
        self.headers: Iterable[tuple[bytes, bytes]] = scope["headers"]
        self.body = b""
        self.status: int | None = None
        self.pieces: list[bytes] = []
        self.duration: float | None = None
        self.client_left = False
        self.done = False

    @property
    def size(self) -> int:
        """About how many bytes it holds."""
        headers = sum([len(name) + len(value) for name, value in self.headers])
        return _OVERHEAD + len(self.path) + len(self.query) + headers + len(self.body) + sum(map(len, self.pieces))

    def bare(self) -> Entry:
        """A copy without bodies and headers: what a line of the log needs, and no more to hold on to."""
        copy: Entry = Entry.__new__(Entry)
        for name in ("id", "at", "operation", "method", "path", "status", "duration", "client_left"):
            setattr(copy, name, getattr(self, name))
        return copy


class Journal:
    """The last requests of one namespace, bounded by their count and by the bytes of their bodies."""

    def __init__(self, entries: int, size: int, secrets: Callable[[], Iterable[str]]) -> None:
        self._most = entries
        self._room = size
        self._secrets = secrets
        self._entries: deque[Entry] = deque()
        self._held = 0
        self._next = 1
        self.dropped = 0

    def add(self, entry: Entry) -> None:
        """Keep a request that has just come in."""
        entry.id = self._next
        self._next += 1
        self._entries.append(entry)
        if len(self._entries) > self._most:
            self._drop()

    def close(self, entry: Entry, now: float) -> None:
        """Note that its answer is complete, or that there will be none."""
        entry.duration = now - entry.started
        entry.done = True
        if not self._entries or entry.id < self._entries[0].id:
            return  # dropped or cleared while it was on its way
        self._held += entry.size
        while self._held > self._room and len(self._entries) > 1:
            self._drop()

    def _drop(self) -> None:
        oldest = self._entries.popleft()
        self.dropped += 1
        if oldest.done:
            self._held -= oldest.size

    def clear(self) -> int:
        """Forget every entry; how many there were."""
        gone = len(self._entries)
        self._entries.clear()
        self._held = 0
        self.dropped = 0
        return gone

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(tuple(self._entries))

    def read(self, entry: Entry) -> dict[str, Any]:
        """An entry for people and programs: parsed, and with every secret taken out."""
        return read(entry, self._secrets())

    def headline(self, entry: Entry) -> dict[str, Any]:
        """What fits on one line of an entry, read the same way."""
        return headline(entry, Redactor(self._secrets()))


def read(entry: Entry, secrets: Iterable[str] = ()) -> dict[str, Any]:
    """The one reader: what may be shown of an entry."""
    clean = Redactor(secrets)
    signed_in = entry.operation == "get_jwt" and entry.status == HTTPStatus.OK
    line = headline(entry, clean)
    duration, client_left, status = line.pop("duration"), line.pop("client_left"), line.pop("status")
    return {
        **line,
        "query": clean.fields(parse_qsl(entry.query.decode("latin-1"), keep_blank_values=True)),
        "headers": clean.fields((name.decode("latin-1"), value.decode("latin-1")) for name, value in entry.headers),
        "body": clean.body(entry.body),
        "status": status,
        "response": REDACTED if signed_in else clean.body(b"".join(entry.pieces)),
        "duration": duration,
        "client_left": client_left,
    }


def headline(entry: Entry, clean: Redactor) -> dict[str, Any]:
    """The parts of an entry that need no parsing, without secrets."""
    return {
        "id": entry.id,
        "at": zulu(entry.at),
        "operation": entry.operation,
        "method": clean.text(entry.method),
        "path": clean.text(entry.path),
        "status": entry.status,
        "duration": None if entry.duration is None else round(entry.duration, 6),
        "client_left": entry.client_left,
    }


class Redactor:
    """Takes out what must not be shown: values under secret names, known keys and tokens wherever they stand."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = sorted((re.escape(secret) for secret in secrets if secret), key=len, reverse=True)
        self._known = re.compile("|".join([_JWT.pattern, *known]))

    def text(self, text: str) -> str:
        return self._known.sub(REDACTED, text)

    def fields(self, pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
        """Names and values, the values of secret names gone; repeated ones joined as HTTP joins headers."""
        shown: dict[str, str] = {}
        for name, value in pairs:
            label = self.text(name)
            clean = REDACTED if _SECRET_NAME.search(name) else self.text(value)
            shown[label] = f"{shown[label]}, {clean}" if label in shown else clean
        return shown

    def body(self, body: bytes) -> Any:
        """A body as JSON, or as a form, or as text; None where there is none."""
        if not body:
            return None
        try:
            value = self.json(json.loads(body))
            # What was refused may hold what nobody could write again: NaN, half a letter, too many levels.
            json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
        except (ValueError, RecursionError):
            pass
        else:
            return value
        text = body.decode("utf-8", "replace")
        pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=False)
        if pairs and "\n" not in text and re.match(r"[\w.\[\]-]+=", text):
            return urlencode(self.fields(pairs), safe="*")
        return self.text(text)

    def json(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.json(item) for item in value]
        if isinstance(value, dict):
            return {
                self.text(name): REDACTED if _SECRET_NAME.search(name) and item is not None else self.json(item)
                for name, item in value.items()
            }
        return value
