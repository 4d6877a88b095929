"""Reads the journal as a strict reviewer of the client would, when somebody asks and never on a request's way."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from functools import cache, partial
from hashlib import sha256
from http import HTTPStatus
from itertools import islice
from typing import Any, Generic, NamedTuple, TypeVar
from urllib.parse import parse_qsl

import yaml

from mock_heidi import spec
from mock_heidi.findings import Findings
from mock_heidi.journal import Entry, answered
from mock_heidi.slices import Work, finish

V = TypeVar("V")

FAST = 10
"""More polls than this in one second are too many."""
REMEMBERED = 1_000
"""So many tokens, sessions and the like are known from one request to a later one; the oldest go."""
_POLLED = ("get_session", "get_transcript", "get_live_transcript", "list_context_documents")
_NOTE = "generate_consult_note"
# A session id as a language writes it that took it for a number.
_ROUNDED = re.compile(r"\d(\.\d+)?[eE]\+?\d+")
_SESSION_KEYS = ("session_id", "session_ids", "linked_sessions_for_context")
_SIGN_INS = 3
_METHODS = ("get", "post", "patch", "put", "delete")
# Questions hold questions; five deep is what the vendor recommends.
_DEEPEST = 6
# Of one body: nobody reads on, and it may hold thousands.
_MOST_FIELDS = 100
_SHORTEST_KEY = 8
# Of the longest id of a session.
_DIGITS = 39


class Known(NamedTuple):
    """What an operation documents: the fields of its body, each with those inside it, and its parameters.

    No fields at all: whatever is sent is part of it.
    """

    fields: Mapping[str, Any] | None
    parameters: frozenset[str]


@cache
def documented() -> dict[str, Known]:
    """What the contract documents, by operation."""
    # The C loader: the contract is long, and whoever asks for findings waits for it.
    contract = yaml.load(spec.contract(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - safe ones
    resolve = partial(_resolve, contract)
    known: dict[str, Known] = {}
    for path in contract["paths"].values():
        for method, operation in path.items():
            if method in _METHODS:
                parameters = map(resolve, [*path.get("parameters", []), *operation.get("parameters", [])])
                names = frozenset(one["name"] for one in parameters if one["in"] == "query")
                body = resolve(operation.get("requestBody", {})).get("content", {})
                schema: Any = next((media["schema"] for media in body.values()), {})
                known[operation["operationId"]] = Known(_properties(resolve, schema), names)
    return known


def _resolve(contract: Mapping[str, Any], node: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in node:
        target: Any = contract
        for step in node["$ref"].split("/")[1:]:
            target = target[step]
        node = target
    return node


def _properties(resolve: Callable[[Any], Any], schema: Any, depth: int = 0) -> dict[str, Any] | None:
    schema = resolve(schema)
    if "items" in schema:
        return _properties(resolve, schema["items"], depth)
    if schema.get("additionalProperties") is True or depth > _DEEPEST:
        return None
    known = {name: _properties(resolve, one, depth + 1) for name, one in schema.get("properties", {}).items()}
    for choice in (one for word in ("allOf", "anyOf", "oneOf") for one in schema.get(word, [])):
        known |= _properties(resolve, choice, depth) or {}
    return known or None


class Refused(NamedTuple):
    """An answer that asked to wait: when its request came and until when, in ms since 1970, and when it was complete.

    The last in seconds of the process's own clock.
    """

    at: int
    until: int
    answered: float


class _Latest(Generic[V]):
    """What is known of the names that came last, by their hashes: they are a client's, and may be long."""

    def __init__(self) -> None:
        self._values: dict[int, V] = {}

    def __len__(self) -> int:
        return len(self._values)

    def get(self, name: Hashable) -> V | None:
        return self._values.get(hash(name))

    def put(self, name: Hashable, value: V) -> None:
        self.drop(name)
        self._values[hash(name)] = value
        if len(self._values) > REMEMBERED:
            del self._values[next(iter(self._values))]

    def drop(self, name: Hashable) -> None:
        self._values.pop(hash(name), None)


class Reviewer:
    """Remembers what it needs of the requests of one namespace that it has read."""

    def __init__(self, findings: Findings) -> None:
        self.findings = findings
        self._read = 0
        self._open: set[int] = set()
        self._told_expired: _Latest[bool] = _Latest()
        self._uses: _Latest[int] = _Latest()
        self._single: _Latest[int] = _Latest()
        self._last_token: _Latest[bytes] = _Latest()
        self._refused: _Latest[Refused] = _Latest()
        self._polls: _Latest[deque[float]] = _Latest()
        # What is left of sessions' ids that have been numbers.
        self._roundings: _Latest[bool] = _Latest()
        # When the stream of a session's note ended.
        self._ended_early: _Latest[float] = _Latest()

    def begin(self, entries: Iterable[Entry]) -> None:
        """Pass over the entries that are complete already: only what follows is to be read, whatever its number."""
        known = list(entries)
        self._read = max((entry.id for entry in known), default=0)
        self._open = {entry.id for entry in known if not entry.done}

    def read(self, entries: Iterable[Entry], keys: Iterable[str]) -> None:
        """Take in the entries that are complete and were not read before; ``keys`` are the API keys that are known."""
        finish(self.reading(entries, keys))

    def reading(self, entries: Iterable[Entry], keys: Iterable[str]) -> Work[None]:
        """The same, entry by entry; several may be at it at once, and each entry is taken in once."""
        secrets = [key.encode() for key in keys]
        known = list(entries)
        self._open.intersection_update(entry.id for entry in known)
        for entry in known:
            if entry.id <= self._read and entry.id not in self._open:
                continue
            self._read = max(self._read, entry.id)
            if entry.done:
                self._open.discard(entry.id)
                self._entry(entry, secrets)
                yield entry.size
            else:
                self._open.add(entry.id)

    def _entry(self, entry: Entry, keys: Sequence[bytes]) -> None:
        def note(code: str, detail: str = "") -> None:
            self.findings.note(code, entry.id, detail)
            if code not in entry.findings:
                entry.findings = (*entry.findings, code)

        looks: tuple[Callable[[Entry, Callable[..., None]], None], ...] = (
            self._fields,
            self._parameters,
            self._session_ids,
            self._sign_in,
            self._token,
            self._retry,
            self._polling,
            self._early_end,
        )
        for look in looks:
            look(entry, note)
        _key(entry, keys, note)

    def _fields(self, entry: Entry, note: Callable[..., None]) -> None:
        known = documented().get(entry.operation or "")
        body = _json(entry.body) if entry.parts is None else {part["name"]: None for part in entry.parts}
        if known is not None and known.fields is not None and isinstance(body, dict):
            for name in islice(_unknown(body, known.fields), _MOST_FIELDS):
                note("unknown_field", f"{name} of {entry.operation}")

    def _parameters(self, entry: Entry, note: Callable[..., None]) -> None:
        known = documented().get(entry.operation or "")
        if known is not None and entry.query:
            given = dict.fromkeys(name for name, _ in parse_qsl(entry.query.decode("latin-1"), keep_blank_values=True))
            for name in given:
                if name not in known.parameters:
                    note("unknown_parameter", f"{name} of {entry.operation}")

    def _session_ids(self, entry: Entry, note: Callable[..., None]) -> None:
        session_id = _session(entry)
        made = _json(entry.body)
        if isinstance(made, dict):
            for name in _SESSION_KEYS:
                given = made.get(name)
                items = given if isinstance(given, list) else [given]
                for number in (one for one in items if type(one) in (int, float)):
                    note("session_id_number", f"{name}: {number}")
        if entry.operation == "create_session" and entry.status == HTTPStatus.OK:
            self._remember(str(_answer(entry).get("session_id")))
        if session_id is None:
            return
        if entry.status == HTTPStatus.OK:
            self._remember(session_id)
        elif entry.status == HTTPStatus.NOT_FOUND and (
            _ROUNDED.fullmatch(session_id) or self._roundings.get(session_id)
        ):
            note("session_id_number", session_id)

    def _remember(self, session_id: str) -> None:
        if session_id.isdecimal() and len(session_id) <= _DIGITS:
            rounded = str(int(float(session_id)))
            if rounded != session_id:
                self._roundings.put(rounded, True)

    def _sign_in(self, entry: Entry, note: Callable[..., None]) -> None:
        """A client that asks for a token, uses it once and asks for the next."""
        if entry.operation != "get_jwt" or entry.status != HTTPStatus.OK:
            return
        query = dict(parse_qsl(entry.query.decode("latin-1")))
        user = query.get("email"), query.get("third_party_internal_id")
        before = self._last_token.get(user)
        if before is not None:
            used_once = self._uses.get(before) == 1 and not self._told_expired.get(before)
            single = (self._single.get(user) or 0) + 1 if used_once else 0
            self._single.put(user, single)
            if single >= _SIGN_INS:
                note("token_per_call")
        token = _mark(b"Bearer " + str(_answer(entry).get("token")).encode())
        self._last_token.put(user, token)
        self._uses.put(token, 0)

    def _token(self, entry: Entry, note: Callable[..., None]) -> None:
        given = _header(entry, b"authorization")
        if given is None:
            return
        token = _mark(given)
        self._uses.put(token, (self._uses.get(token) or 0) + 1)
        if entry.status == HTTPStatus.UNAUTHORIZED and b"ExpiredTokenError" in b"".join(entry.pieces):
            # An expiry that a fault made is news to the client; the second time it is none.
            if not entry.fault or self._told_expired.get(token):
                note("expired_token")
            self._told_expired.put(token, True)

    def _retry(self, entry: Entry, note: Callable[..., None]) -> None:
        place = entry.operation, entry.path
        refused = self._refused.get(place)
        # What was on its way already knew nothing of it.
        if refused is not None and entry.started >= refused.answered:
            # A clock that was set back tells nothing of how long somebody has waited.
            if refused.at <= entry.at < refused.until:
                early = (refused.until - entry.at) / 1000
                note("early_retry", f"{early:g} s too early at {entry.operation or 'an unknown path'}")
            self._refused.drop(place)
        if entry.retry_at is not None:
            self._refused.put(place, Refused(entry.at, entry.retry_at, answered(entry)))

    def _polling(self, entry: Entry, note: Callable[..., None]) -> None:
        if entry.operation in _POLLED and entry.method == "GET":
            place = entry.operation, entry.path
            polls = self._polls.get(place) or deque(maxlen=FAST + 1)
            polls.append(entry.started)
            self._polls.put(place, polls)
            # A poll that took long is read after those that came later.
            if len(polls) > FAST and max(polls) - min(polls) < 1:
                note("fast_polling", str(FAST))

    def _early_end(self, entry: Entry, note: Callable[..., None]) -> None:
        """Whoever works on with a note whose stream ended early has taken its end for the note's."""
        session_id = _session(entry)
        if session_id is None:
            return
        ended = self._ended_early.get(session_id)
        # What was sent while the stream ran says nothing of its end.
        if ended is not None and entry.started >= ended:
            self._ended_early.drop(session_id)
            if entry.operation not in (_NOTE, "get_session"):
                note("early_end_unnoticed")
        if entry.operation == _NOTE and entry.early_end:
            self._ended_early.put(session_id, answered(entry))


def _json(body: bytes) -> Any:
    try:
        return json.loads(body) if body else {}
    except (ValueError, RecursionError):
        return {}


def _unknown(body: Mapping[str, Any], known: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Names in a body that are not documented, those inside others with their way."""
    found = []
    for name, value in body.items():
        if name not in known:
            found.append(prefix + str(name))
        elif known[name] is not None:
            for item in value if isinstance(value, list) else [value]:
                if isinstance(item, dict):
                    found += _unknown(item, known[name], f"{prefix}{name}.")
    return list(dict.fromkeys(found))


def _session(entry: Entry) -> str | None:
    match = re.search(r"/sessions/([^/]+)", entry.path)
    return match[1] if match and match[1] != "linked-user" else None


def _answer(entry: Entry) -> Mapping[str, Any]:
    """The object that an answer holds, which may be another one than usual: a fault or a reply can say anything."""
    made = _json(b"".join(entry.pieces))
    return made if isinstance(made, dict) else {}


def _header(entry: Entry, name: bytes) -> bytes | None:
    return next((value for header, value in entry.headers if header == name), None)


def _mark(authorization: bytes) -> bytes:
    """What a token is known by here: a hash, since a reviewer need not hold secrets."""
    return sha256(authorization.split(b" ")[-1]).digest()


def _key(entry: Entry, keys: Sequence[bytes], note: Callable[..., None]) -> None:
    """The key is for signing in, and nothing else."""
    authorization = _header(entry, b"authorization") or b""
    if any(len(key) >= _SHORTEST_KEY and key in authorization for key in keys):
        note("key_as_token")
    elif entry.operation not in (None, "get_jwt") and _header(entry, b"heidi-api-key") is not None:
        note("key_with_token")
