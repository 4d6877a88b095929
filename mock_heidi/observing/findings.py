"""Findings about a client. Each is listed once, with the first and the last request that shows it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, Protocol

from mock_heidi.base.wording import printable

LEVELS = ("info", "warning", "error")
_MOST = 500
_LONGEST = 200


class Kind(NamedTuple):
    """The level and the message of a finding. ``{}`` in the message stands for the detail."""

    level: str
    message: str
    from_test: bool = False
    """True if the test caused it, not the client."""
    refused: bool = False
    """True if strict mode refuses the request."""


KINDS: dict[str, Kind] = {
    "unknown_field": Kind("warning", "sent a field that is not documented: {}", refused=True),
    "unknown_parameter": Kind("warning", "sent a parameter that is not documented: {}", refused=True),
    "unknown_path": Kind("error", "called a path or a method that does not exist: {}"),
    "invalid_request": Kind("warning", "sent a request that the API refuses: {}"),
    "json_content_type": Kind(
        "warning", "sent a JSON body without the content type application/json: {}", refused=True
    ),
    "gender_spelling": Kind("warning", "sent a gender that is not one of the documented words: {}", refused=True),
    "near_type": Kind("warning", "sent a value whose type differs from the documented one: {}", refused=True),
    "undocumented_value": Kind("warning", "sent a value that is not documented: {}", refused=True),
    "empty_filter": Kind("warning", "sent a filter without a value: {}", refused=True),
    "session_id_number": Kind("error", "converted a session id to a number, which loses digits: {}"),
    "invalid_email": Kind("warning", "signed in with an invalid e-mail address: {}", refused=True),
    "empty_third_party_id": Kind("warning", "signed in with an empty third_party_internal_id", refused=True),
    "token_per_call": Kind("info", "fetched a new token for each call; one lasts an hour"),
    "expired_token": Kind("warning", "used a token after it had expired"),
    "key_as_token": Kind("error", "sent the API key in place of the token"),
    "key_without_token": Kind("error", "sent the API key without a token in a call that needs a token"),
    "key_with_token": Kind("info", "sent the API key in a call that needs only the token"),
    "early_retry": Kind("warning", "repeated a request before Retry-After had passed: {}"),
    "fast_polling": Kind("info", "requested the same thing more than {} times in a second"),
    "audio_again": Kind("warning", "sent the same audio again although it was accepted before: {}"),
    "segment_gap": Kind("error", "finished a recording without these segments: {}"),
    "segment_repeat": Kind("info", "sent a segment a second time: {}"),
    "segment_after_finish": Kind("error", "sent a segment after the recording was finished"),
    "recording_unfinished": Kind("warning", "used a recording as complete before finishing it: {}"),
    "early_end_unnoticed": Kind("error", "continued after a stream had ended early, without looking for its text: {}"),
    "untranscribed_audio": Kind("warning", "requested a text before reading the transcript of the audio: {}"),
    "note_without_recording": Kind(
        "warning", "requested a note without a recording and without generate_output_without_recording"
    ),
    "template_not_json": Kind("error", "sent a third_party_template that is not JSON", refused=True),
    "linked_session_unknown": Kind("warning", "named sessions for context that do not exist: {}"),
    "reply_breaks_contract": Kind("info", "got a reply that breaks the contract: {}", from_test=True),
    "duration_unknown": Kind("info", "sent audio whose length cannot be read, so its length is assumed: {}"),
}


def highest_level(codes: Iterable[str]) -> str | None:
    """The highest level of these findings; None without any."""
    return max((KINDS[code].level for code in codes), key=LEVELS.index, default=None)


class JournaledRequest(Protocol):
    """The parts of a journaled request that a finding needs."""

    id: int
    at: int
    started: float
    findings: tuple[str, ...]


class Finding:
    """One finding, with the first and the last request that shows it and the number of such requests."""

    __slots__ = ("_latest", "code", "count", "detail", "first", "first_at", "last", "last_at")

    def __init__(self, code: str, detail: str) -> None:
        self.code = code
        self.detail = detail
        self.first = self.last = self.count = 0
        self.first_at = self.last_at = 0
        self._latest = 0, 0.0

    def add(self, entry: JournaledRequest) -> None:
        """Count a request once, even if it shows the finding several times."""
        # A reset that keeps the findings begins the ids again.
        latest = entry.id, entry.started
        if latest == self._latest:
            return
        self._latest = latest
        if self.count == 0:
            self.first, self.first_at = entry.id, entry.at
        if entry.id >= self.last:
            self.last, self.last_at = entry.id, entry.at
        self.count += 1

    @property
    def level(self) -> str:
        return KINDS[self.code].level

    def to_dict(self, word: Callable[[str], str] = str) -> dict[str, Any]:
        """The finding as JSON values. ``word`` removes secrets from its detail, which comes from the client."""
        from mock_heidi.state.clock import zulu  # noqa: PLC0415 - the command's help needs no clock

        return {
            "code": self.code,
            "level": self.level,
            "message": KINDS[self.code].message.format(word(self.detail)),
            "first": self.first,
            "last": self.last,
            "first_at": zulu(self.first_at),
            "last_at": zulu(self.last_at),
            "count": self.count,
            "from_test": KINDS[self.code].from_test,
        }


class Findings:
    """The findings of one namespace, in the order of their first requests."""

    def __init__(self) -> None:
        self._all: dict[tuple[str, str], Finding] = {}

    def __iter__(self) -> Iterator[Finding]:
        return iter(tuple(self._all.values()))

    def __len__(self) -> int:
        return len(self._all)

    def note(self, code: str, entry: JournaledRequest, detail: str = "") -> None:
        """Note that a request shows a finding. After 500 different findings, new details are replaced by ``…``."""
        if len(detail) > _LONGEST:
            detail = f"{detail[:_LONGEST]}…"
        key = (code, detail)
        if key not in self._all and len(self._all) >= _MOST:
            key = (code, "…")
        self._all.setdefault(key, Finding(*key)).add(entry)
        if code not in entry.findings:
            entry.findings = (*entry.findings, code)


def at_least(level: str) -> tuple[str, ...]:
    """A level and the levels above it."""
    return LEVELS[LEVELS.index(level) :]


def finding_line(row: Mapping[str, Any]) -> str:
    """A line for a terminal about a finding, given as the control API returns it."""
    first, last, count = row["first"], row["last"], row["count"]
    where = f"request {first}" if first == last else f"requests {first} to {last}, {count} times"
    return printable(f"{row['level']:<8} {row['code']}: {row['message']} ({where})")
