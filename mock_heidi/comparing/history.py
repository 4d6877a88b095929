"""The facts that earlier exchanges of a recording tell about users, profiles, sessions and templates.

A detector reads it before the exchange is added (``additions``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from mock_heidi.comparing.exchange import Exchange

# A token that was not replaced by the recorder is a JWT.
_DOTS = 2


def signed_in(exchange: Exchange) -> str:
    """The user for whom a token was asked, as a text that differs between users."""
    who = [exchange.query.get(name, [""])[0] for name in ("email", "third_party_internal_id")]
    return "\0".join([*who, exchange.headers.get("heidi-api-key", "")])


@dataclass
class Recording:
    """A live recording: the indexes of its accepted segments, and whether it is finished."""

    indexes: list[str] = field(default_factory=list)
    finished: bool = False


@dataclass
class Session:
    """A session of the traffic. ``shown`` is what an answer showed last; it is stale after a change."""

    made: bool = False
    maker: str = ""
    maker_was_linked: bool = False
    shown: dict[str, Any] = field(default_factory=dict)
    fresh: bool = False
    profile: str = ""
    profile_deleted: bool = False
    unlinked_name: str | None = None
    """The patient's name that the session showed before it was linked; None if that is unknown."""
    sent_name: bool = False
    sent_patient: bool = False
    sent_linked: bool = False
    sent_duration: bool = False
    output_allowed: bool = False
    uploads: int = 0
    heard: tuple[float, float] | None = None
    """The duration before the only audio since the last read, and the seconds of this audio; None if unknown."""
    unheard: bool = False
    """True if the last audio is in the recording, and its length cannot be read."""
    recordings: dict[str, Recording] = field(default_factory=dict)
    note: dict[str, Any] | None = None
    """The body of the last request for a note that succeeded."""
    named_before_note: str | None = None
    heard_before_note: bool = False
    """True if there was audio when the note was written. Without it there are no problems to name."""
    transcript: str | None = None
    files: set[str] = field(default_factory=set)
    """The ids of its known context documents; ``all_files`` is True if it has no others."""
    all_files: bool = False
    deleting: list[tuple[str, str]] = field(default_factory=list)
    """Ids in a delete since the last list, each with its place: query or body."""
    emptied: bool = False
    """True after a delete without an id, until the next list."""

    @property
    def patient_name(self) -> str | None:
        """The patient's name that was shown last; None if it is unknown."""
        patient = self.shown.get("patient")
        name = patient.get("name") if isinstance(patient, dict) else None
        return name if isinstance(name, str) else None

    @property
    def segments(self) -> int:
        """The number of accepted segments."""
        return sum(len(one.indexes) for one in self.recordings.values())

    @property
    def repeated(self) -> bool:
        """True if a segment was sent twice."""
        return any(len(set(one.indexes)) < len(one.indexes) for one in self.recordings.values())


class History:
    """The exchanges up to now."""

    def __init__(self, exchanges: Iterable[Exchange] = ()) -> None:
        """``exchanges`` are all of the recording; they tell which sessions exist."""
        rows = list(exchanges)
        self.existing = {one.session for one in rows if one.ok and one.session}
        users = {signed_in(one) for one in rows if one.operation == "get_jwt" and one.ok}
        self._only_user = users.pop() if len(users) == 1 else ""
        self.sessions: dict[str, Session] = {}
        self.profiles: dict[str, dict[str, Any]] = {}
        self.made_profiles: list[str] = []
        self.gone: set[str] = set()
        """Ids that the service did not know, or that were deleted."""
        self.templates: dict[str, str] = {}
        """The category of each listed template."""
        self.all_templates = False
        self.partial_template = False
        """True if a custom template without some parts succeeded."""
        self.users: dict[str, str] = {}
        """The user of each token, as a text that differs between users."""
        self.linked: dict[str, bool] = {}
        """True for a linked user, False for one without a link; unknown users are left out."""
        self.accounts: dict[str, set[str]] = {}
        """The users who linked each Heidi account."""

    def user(self, exchange: Exchange) -> str:
        """The user of a request, as a text that differs between users; ``""`` for an unknown user.

        Recorders often leave out tokens. Then the user is known if the recording has only one.
        """
        header = exchange.authorization
        if header in self.users:
            return self.users[header]
        return header if header.count(".") == _DOTS else self._only_user

    def session(self, exchange: Exchange) -> Session:
        """The session in the path of a request."""
        return self.sessions.setdefault(exchange.session, Session())

    def unlinked(self, exchange: Exchange) -> bool:
        """True if the user of a request is known to have no link."""
        user = self.user(exchange)
        return user != "" and self.linked.get(user) is False
