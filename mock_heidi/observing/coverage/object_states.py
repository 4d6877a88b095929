"""The documented states of accounts, recordings, notes and the like, and their changes as a client sees them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from http import HTTPStatus
from typing import Any, NamedTuple

from mock_heidi.observing.checks.check import Latest
from mock_heidi.observing.coverage.documented_parts import documented_parts
from mock_heidi.observing.coverage.schema_fields import Steps, Words, values_at
from mock_heidi.observing.parsed_entries import ParsedEntry

_STATUS = "status"


class Change(NamedTuple):
    """A change of the state of a thing, such as an account that was linked."""

    thing: str
    before: str
    after: str


# The changes that the success of an operation makes.
_MADE = (
    Change("account", "unlinked", "linked"),
    Change("account", "linked", "unlinked"),
    Change("patient_profile", "unlinked", "linked"),
    Change("patient_profile", "linked", "deleted"),
    Change("recording", "absent", "started"),
    Change("recording", "started", "finished"),
)
_FIRST = {"account": "unlinked", "patient_profile": "unlinked", "recording": "absent"}


@cache
def all_changes() -> tuple[Change, ...]:
    """All documented changes. A status goes from the first word of its list to the second."""
    lists = dict.fromkeys(words for places in _statuses().values() for _, words in places)
    return (*_MADE, *(Change(words.name, words.values[0], words.values[1]) for words in lists))


@cache
def _statuses() -> dict[str, tuple[tuple[Steps, Words], ...]]:
    """The places of statuses in the answers of each operation."""
    return {
        name: tuple((steps, words) for steps, words in parts.received if steps[-1] == _STATUS)
        for name, parts in documented_parts().items()
    }


class ObjectStates:
    """The last known states of the things in a namespace, from the successful requests of clients."""

    def __init__(self) -> None:
        self._states: Latest[str] = Latest()

    def see(self, caller: str, request: ParsedEntry) -> Iterator[Change]:
        """The documented changes that a successful request shows. ``caller`` names the user of its token."""
        for thing, name, state in (*_made(caller, request), *_shown(request)):
            change = Change(thing, self._states.get((thing, name)) or _FIRST.get(thing, state), state)
            self._states.put((thing, name), state)
            if change in all_changes():
                yield change


def _made(caller: str, request: ParsedEntry) -> Iterator[tuple[str, str, str]]:
    """The things that the operation has changed: the kind, the name, and the state of each."""
    operation, body = request.operation, request.body if isinstance(request.body, dict) else {}
    if operation in ("link_account", "unlink_account"):
        yield "account", caller, "linked" if operation == "link_account" else "unlinked"
    elif operation == "get_account_access":
        yield "account", caller, "linked" if request.response.get("is_linked") is True else "unlinked"
    elif operation == "create_session" and isinstance(body.get("patient_profile_id"), str):
        yield "patient_profile", body["patient_profile_id"], "linked"
    elif operation == "link_sessions" and body.get("session_ids"):
        yield "patient_profile", request.entry.path.rstrip("/").split("/")[-2], "linked"
    elif operation == "delete_patient_profiles":
        for name, _ in values_at(body, ("patient_profile_ids", "*")):
            yield "patient_profile", str(name), "deleted"
    elif operation == "start_recording":
        yield "recording", str(request.response.get("recording_id")), "started"
    elif operation == "finish_recording":
        yield "recording", request.entry.path.rstrip("/").split("/")[-1].partition(":")[0], "finished"


def _shown(request: ParsedEntry) -> Iterator[tuple[str, str, str]]:
    """The things whose status the answer shows."""
    for steps, words in _statuses().get(request.operation or "", ()):
        for value, around in values_at(request.response, steps):
            if words.find(value) is not None and (name := _name(around)) is not None:
                yield words.name, name, value


def _name(around: list[Any]) -> str | None:
    """The id of the innermost object that has one: a note has none, its session has."""
    return next((str(one[key]) for one in reversed(around) for key in ("id", "session_id") if key in one), None)


def is_success(status: int | None) -> bool:
    """True for the status of a success."""
    return status is not None and HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES
