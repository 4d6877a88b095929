"""The parts of a namespace behind a handle: its state, its clock, and the faults that a test has set.

Every method asks the server; properties do not. Records and rules are dicts with the field names of fixture files.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Self
from urllib.parse import quote, urlencode

from mock_heidi.client.attribute_hints import AttributeHints
from mock_heidi.client.client_errors import MockHeidiError

# Asks the control API of one namespace: a method, a path below /_mock, and a body.
Control = Callable[..., Any]
Record = dict[str, Any]


class StateProxy(AttributeHints):
    """The records of a namespace. A refused change raises :class:`MockHeidiError` and changes nothing."""

    def __init__(self, control: Control) -> None:
        self._control = control

    def as_fixtures(self) -> dict[str, list[Record]]:
        """The whole state in the form of a fixture folder: a list of records for each kind."""
        state: dict[str, list[Record]] = self._control("GET", "/state")
        return state

    def replace(self, fixtures: Mapping[str, Any]) -> None:
        """Replace the whole state."""
        self._control("PUT", "/state", fixtures)

    def patient_profiles(self) -> list[Record]:
        """The patient profiles."""
        return self.as_fixtures()["patient_profiles"]

    def sessions(self) -> list[Record]:
        """The sessions."""
        return self.as_fixtures()["sessions"]

    def users(self) -> list[Record]:
        """The users who have signed in, of all API keys."""
        return [user for key in self.as_fixtures()["api_keys"] for user in key["users"]]

    def add_patient(self, **fields: Any) -> Record:
        """Add a patient profile and return its record; an id, times and other missing fields are filled in."""
        return self._add("patient_profiles", fields)

    def add_session(self, **fields: Any) -> Record:
        """Add a session and return its record: ``add_session(patient_profile_id=patient["id"])``."""
        return self._add("sessions", fields)

    def get(self, kind: str, id: str, **query: str) -> Record:  # noqa: A002 - the name of the record's field
        """One record: ``get("sessions", "1234567890")``, or ``get("users", email)``.

        ``third_party_internal_id`` and ``managed_by`` select one of several users with the same e-mail address. The
        other methods take them too.
        """
        record: Record = self._control("GET", _row(kind, id, query))
        return record

    def edit(self, kind: str, id: str, changes: Mapping[str, Any], **query: str) -> Record:  # noqa: A002 - as above
        """Change fields of one record and return it: ``edit("sessions", id, {"duration": 60})``.

        ``None`` restores the default of a field.
        """
        record: Record = self._control("PATCH", _row(kind, id, query), dict(changes))
        return record

    def delete(self, kind: str, id: str, **query: str) -> int:  # noqa: A002 - as above
        """Remove one record and return how many of its kind are left."""
        return int(self._control("DELETE", _row(kind, id, query))["count"])

    def _add(self, kind: str, fields: Record) -> Record:
        record: Record = self._control("POST", "/state", {kind: [fields]})[kind][0]
        return record


def _row(kind: str, id: str, query: Mapping[str, str]) -> str:  # noqa: A002 - as above
    path = f"/state/{quote(kind, safe='')}/{quote(id, safe='')}"
    return f"{path}?{urlencode(query)}" if query else path


class ClockProxy(AttributeHints):
    """The clock of a namespace. Tokens, ids, times of records and delays follow it."""

    def __init__(self, control: Control) -> None:
        self._control = control

    def now(self) -> str:
        """The time of the namespace, as ISO 8601 in UTC: ``2025-01-06T09:00:00.000Z``."""
        return str(self._control("GET", "/clock")["now"])

    def frozen(self) -> bool:
        """True if the clock is frozen."""
        return bool(self._control("GET", "/clock")["frozen"])

    def freeze(self, at: str | datetime | None = None) -> None:
        """Freeze the clock, now or at a time such as ``2025-01-06T09:00:00Z``; a ``datetime`` needs a time zone."""
        self._control("PUT", "/clock", {"frozen": True} if at is None else {"frozen": True, "now": _moment(at)})

    def set(self, now: str | datetime | None = None, speed: float | None = None) -> None:
        """Set the time, the speed (1 is real time), or both. The clock runs on from there."""
        given = {"now": None if now is None else _moment(now), "speed": speed}
        self._control("PUT", "/clock", {name: value for name, value in given.items() if value is not None})

    def advance(self, seconds: float) -> str:
        """Move the clock ahead and return the new time. Delayed answers that are due by then are sent."""
        return str(self._control("POST", "/clock/advance", {"seconds": seconds})["now"])

    def go_real(self) -> None:
        """Use the clock of the machine again."""
        self._control("PUT", "/clock", {"real": True})


def _moment(given: str | datetime) -> str:
    if isinstance(given, str):
        return given
    if given.tzinfo is None:
        raise ValueError(f"{given} has no time zone; give it a time zone, such as datetime.UTC")
    return f"{given.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"


class FaultsProxy(AttributeHints):
    """The rules that one call of ``fault()`` or ``scenario()`` has set. The end of a ``with`` removes them."""

    def __init__(self, control: Control, rules: list[Record], removed: list[Record]) -> None:
        """``removed`` is the handle's list of removed rules, to which :meth:`remove` adds these."""
        self._control = control
        self._removed_of_all = removed
        self._removed: list[Record] = []
        self.ids = [str(rule["id"]) for rule in rules]
        """The ids of the rules."""

    @property
    def id(self) -> str:
        """The id of the first rule."""
        return self.ids[0]

    def rules(self) -> list[Record]:
        """The rules with their ``hits`` and ``matched``; a removed rule has its last values."""
        if len(self._removed) == len(self.ids):
            return list(self._removed)
        return [*self._removed, *self._active()]

    def hits(self) -> int:
        """The number of answers that the rules have changed or delayed."""
        return sum(rule["hits"] for rule in self.rules())

    def remove(self) -> None:
        """Remove the rules. Rules that were removed before are ignored."""
        for rule in self._active():
            self._control("DELETE", f"/faults/{rule['id']}")
            self._removed.append(rule)
            self._removed_of_all.append(rule)

    def _active(self) -> list[Record]:
        return [rule for rule in self._control("GET", "/faults")["faults"] if rule["id"] in self.ids]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {', '.join(self.ids)}>"


def fault_ids(fault: FaultsProxy | str) -> list[str]:
    """The ids of rules, from the id of one or from the object that ``fault()`` returned. Raises TypeError otherwise."""
    if isinstance(fault, FaultsProxy):
        return fault.ids
    if isinstance(fault, str):
        return [fault]
    raise TypeError(f"give what fault() or scenario() returned, or the id of a fault, not {fault!r}")


def rule_body(operation: str | list[str] | None, effects: Record) -> Any:
    """A rule as ``POST /_mock/faults`` takes it, from the arguments of ``fault()``.

    Raises :class:`MockHeidiError` for a whole short form with more arguments.
    """
    if not isinstance(operation, str):
        return effects if operation is None else {"operation": operation, **effects}
    if ":" in operation and not effects:
        return operation
    if "=" in operation.rpartition(":")[2]:
        more = ",".join(f"{name}={value}" for name, value in effects.items())
        raise MockHeidiError(f"fault: a short form takes no arguments beside it; write {operation},{more}")
    method, _, path = operation.strip().partition(" ")
    if path:
        return {"method": method, "path": path.strip(), **effects}
    return effects if operation.strip() == "*" else {"operation": operation.split("+"), **effects}
