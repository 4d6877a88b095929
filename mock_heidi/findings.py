"""What a strict reviewer would say of a client: each thing once, with the first and the last request that shows it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

LEVELS = ("info", "warning", "error")
_MOST = 500
_LONGEST = 200


class Kind(NamedTuple):
    """How grave it is, and what is to be said of it; ``{}`` stands for what exactly."""

    level: str
    message: str


KINDS: dict[str, Kind] = {
    "unknown_field": Kind("warning", "sent a field that is not documented, so it is ignored: {}"),
    "unknown_parameter": Kind("warning", "sent a parameter that is not documented, so it is ignored: {}"),
    "session_id_number": Kind("error", "took a session id for a number, which cannot hold its digits: {}"),
    "token_per_call": Kind("info", "fetched a new token for each call; one lasts an hour"),
    "expired_token": Kind("warning", "used a token after it had expired"),
    "key_as_token": Kind("error", "sent the API key where the token belongs"),
    "key_with_token": Kind("info", "sent the API key with a call that needs the token alone"),
    "early_retry": Kind("warning", "asked again before Retry-After had passed: {}"),
    "fast_polling": Kind("info", "asked for the same thing more than {} times in a second"),
    "audio_again": Kind("warning", "sent the same audio again although it had been taken: {}"),
    "segment_gap": Kind("error", "finished a recording without these segments: {}"),
    "segment_repeat": Kind("info", "sent a segment that was there already: {}"),
    "segment_after_finish": Kind("error", "sent a segment after the recording was finished"),
    "early_end_unnoticed": Kind("error", "went on after a note's stream had ended early, without reading the session"),
    "untranscribed_audio": Kind("warning", "had something written before the transcript of its audio was read: {}"),
    "linked_session_unknown": Kind("warning", "named sessions for context that do not exist: {}"),
    "duration_unknown": Kind("warning", "sent audio whose duration cannot be told, so it counts as 30 s: {}"),
}


class Finding:
    """One thing, and the ids of the first and the last request that shows it."""

    __slots__ = ("code", "count", "detail", "first", "last")

    def __init__(self, code: str, detail: str, request: int) -> None:
        self.code = code
        self.detail = detail
        self.first = self.last = request
        self.count = 1

    @property
    def level(self) -> str:
        return KINDS[self.code].level

    def shown(self, word: Callable[[str], str] = str) -> dict[str, Any]:
        """The finding as JSON; ``word`` gives what may be shown of its detail, which is the client's own word."""
        return {
            "code": self.code,
            "level": self.level,
            "message": KINDS[self.code].message.format(word(self.detail)),
            "first": self.first,
            "last": self.last,
            "count": self.count,
        }


class Findings:
    """The findings of one namespace, in the order in which they were made."""

    def __init__(self) -> None:
        self._all: dict[tuple[str, str], Finding] = {}

    def __iter__(self) -> Iterator[Finding]:
        return iter(tuple(self._all.values()))

    def __len__(self) -> int:
        return len(self._all)

    def note(self, code: str, request: int, detail: str = "") -> None:
        """Remember that a request shows it; beyond some hundred different details, they are no longer told apart."""
        if len(detail) > _LONGEST:
            detail = f"{detail[:_LONGEST]}…"
        key = (code, detail)
        if key not in self._all and len(self._all) >= _MOST:
            key = (code, "…")
        found = self._all.get(key)
        if found is None:
            self._all[key] = Finding(code, key[1], request)
        else:
            found.last = max(found.last, request)
            found.count += 1


def at_least(level: str) -> tuple[str, ...]:
    """That level and the graver ones."""
    return LEVELS[LEVELS.index(level) :]


def told(shown: Mapping[str, Any]) -> str:
    """A finding, as it is shown, in a line."""
    first, last, count = shown["first"], shown["last"], shown["count"]
    where = f"request {first}" if first == last else f"requests {first} to {last}, {count} times"
    return f"{shown['level']:<8} {shown['code']}: {shown['message']} ({where})"
