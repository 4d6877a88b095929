"""The documented states of accounts, recordings, notes and the like, and their changes as a client sees them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from mock_heidi.observing.checks.check import Latest
from mock_heidi.observing.coverage.operation_points import WordPlace, operation_points
from mock_heidi.observing.coverage.points import Point
from mock_heidi.observing.coverage.schema_fields import Steps, values_at

_STATUS = "status"


class Change(NamedTuple):
    """A change of the state of a thing, such as an account that was linked."""

    thing: str
    before: str
    after: str


class State(NamedTuple):
    """The state of a thing, which has a kind and a name."""

    thing: str
    name: str
    state: str


MAKERS = {
    Change("account", "unlinked", "linked"): "link_account",
    Change("account", "linked", "unlinked"): "unlink_account",
    Change("patient_profile", "unlinked", "linked"): "link_sessions",
    Change("patient_profile", "linked", "deleted"): "delete_patient_profiles",
    Change("recording", "absent", "started"): "start_recording",
    Change("recording", "started", "finished"): "finish_recording",
}
"""The changes that the success of an operation makes, with the operation."""
FIRST = {"account": "unlinked", "patient_profile": "unlinked", "recording": "absent"}
"""The state of each thing that no request has changed yet."""
CHANGING = (*MAKERS.values(), "get_account_access", "create_session")
"""The operations whose success says the state of things beside the statuses in their answers."""


@cache
def all_changes() -> dict[Change, Point]:
    """The points of all documented changes. A status goes from the first word of its list to the second."""
    lists = dict.fromkeys(place.words for places in _statuses().values() for place in places)
    shown = [Change(words.name, words.values[0], words.values[1]) for words in lists]
    return {one: Point("transition", f"{one.thing} {one.before} to {one.after}") for one in (*MAKERS, *shown)}


@cache
def _statuses() -> dict[str, tuple[WordPlace, ...]]:
    """The places of statuses in the answers of each operation."""
    return {
        name: tuple(place for place in one.received if place.steps[-1] == _STATUS)
        for name, one in operation_points().items()
    }


class ObjectStates:
    """The last known states of the things in a namespace, from the successful requests of clients."""

    def __init__(self) -> None:
        self._states: Latest[str] = Latest()

    def changes(self, seen: Iterator[State]) -> Iterator[Point]:
        """The points of the documented changes that these states show."""
        for one in seen:
            place = one.thing, one.name
            before = self._states.get(place) or FIRST.get(one.thing, one.state)
            self._states.put(place, one.state)
            point = all_changes().get(Change(one.thing, before, one.state))
            if point is not None:
                yield point


def made_states(operation: str, caller: str, path: str, body: Any, answer: Any) -> Iterator[State]:
    """The states after the success of one of ``CHANGING``. ``caller`` names the user of its token."""
    if operation in ("link_account", "unlink_account"):
        yield State("account", caller, "linked" if operation == "link_account" else "unlinked")
    elif operation == "get_account_access":
        yield State("account", caller, "linked" if values_at(answer, ("is_linked",)) == [True] else "unlinked")
    elif operation == "start_recording":
        for name in values_at(answer, ("recording_id",)):
            yield State("recording", str(name), "started")
    elif operation == "finish_recording":
        yield State("recording", path.rstrip("/").split("/")[-1].partition(":")[0], "finished")
    else:
        yield from _profile_states(operation, path, body)


def _profile_states(operation: str, path: str, body: Any) -> Iterator[State]:
    if operation == "link_sessions" and any(values_at(body, ("session_ids",))):
        yield State("patient_profile", path.rstrip("/").split("/")[-2], "linked")
    elif operation == "create_session":
        for name in filter(None, values_at(body, ("patient_profile_id",))):
            yield State("patient_profile", str(name), "linked")
    elif operation == "delete_patient_profiles":
        for name in values_at(body, ("patient_profile_ids", "*")):
            yield State("patient_profile", str(name), "deleted")


def shown_states(operation: str, answer: Any) -> Iterator[State]:
    """The states of the things whose status an answer shows."""
    for place in _statuses()[operation]:
        for name, value in _named(answer, place.steps):
            if place.words.find(value) is not None:
                yield State(place.words.name, name, value)


def _named(answer: Any, steps: Steps) -> Iterator[tuple[str, Any]]:
    """The values at a place, each with the id of the thing. A note has none, so it has that of its session."""
    for inner in (1, 2):
        for thing in values_at(answer, steps[:-inner]):
            name = (thing.get("id") or thing.get("session_id")) if isinstance(thing, dict) else None
            if name is not None:
                yield from ((str(name), value) for value in values_at(thing, steps[-inner:]))
