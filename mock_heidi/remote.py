"""The parts of a namespace that a handle shows: its records, its clock and its faults."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Self
from urllib.parse import quote, urlencode

# Asks the control plane of one namespace: a method, a path below /_mock, and a body.
Control = Callable[..., Any]


class State:
    """The content of a namespace: records as dicts, the fields named as in the fixture files."""

    def __init__(self, control: Control) -> None:
        self._control = control

    def as_fixtures(self) -> dict[str, list[dict[str, Any]]]:
        """Everything, in the form of a fixture folder."""
        state: dict[str, list[dict[str, Any]]] = self._control("GET", "/state")
        return state

    def replace(self, fixtures: Mapping[str, Any]) -> None:
        """Put other records in the place of all."""
        self._control("PUT", "/state", fixtures)

    @property
    def patient_profiles(self) -> list[dict[str, Any]]:
        """The patient profiles, under all API keys."""
        return self.as_fixtures()["patient_profiles"]

    @property
    def sessions(self) -> list[dict[str, Any]]:
        """The sessions, under all API keys."""
        return self.as_fixtures()["sessions"]

    @property
    def users(self) -> list[dict[str, Any]]:
        """The users who have signed in, under whatever key."""
        return [user for key in self.as_fixtures()["api_keys"] for user in key["users"]]

    def add_patient(self, **fields: Any) -> dict[str, Any]:
        """Add a patient profile; an id, times and the rest are filled in. The whole record comes back."""
        return self._add("patient_profiles", fields)

    def add_session(self, **fields: Any) -> dict[str, Any]:
        """Add a session, such as ``add_session(patient_profile_id=patient["id"])``."""
        return self._add("sessions", fields)

    def get(self, kind: str, id: str, **query: str) -> dict[str, Any]:  # noqa: A002 - what the records call it
        """One record: ``get("sessions", "1234567890")``, or ``get("users", email)``.

        ``third_party_internal_id`` and ``managed_by`` tell users with the same e-mail apart, here and below.
        """
        record: dict[str, Any] = self._control("GET", _row(kind, id, query))
        return record

    def edit(self, kind: str, id: str, changes: Mapping[str, Any], **query: str) -> dict[str, Any]:  # noqa: A002 - as above
        """Change fields of one record, ``None`` brings a default back: ``edit("sessions", id, {"duration": 60})``.

        The whole record comes back.
        """
        record: dict[str, Any] = self._control("PATCH", _row(kind, id, query), dict(changes))
        return record

    def delete(self, kind: str, id: str, **query: str) -> int:  # noqa: A002 - as above
        """Remove one record; how many of its kind are left."""
        return int(self._control("DELETE", _row(kind, id, query))["count"])

    def _add(self, kind: str, fields: dict[str, Any]) -> dict[str, Any]:
        record: dict[str, Any] = self._control("POST", "/state", {kind: [fields]})[kind][0]
        return record


def _row(kind: str, id: str, query: Mapping[str, str]) -> str:  # noqa: A002 - as above
    path = f"/state/{quote(kind, safe='')}/{quote(id, safe='')}"
    return f"{path}?{urlencode(query)}" if query else path


class Clock:
    """The namespace's clock: everything that is said of time there follows it."""

    def __init__(self, control: Control) -> None:
        self._control = control

    @property
    def now(self) -> str:
        """The moment, as ISO 8601 with ``Z``."""
        return str(self._control("GET", "/clock")["now"])

    @property
    def frozen(self) -> bool:
        """True if time stands still."""
        return bool(self._control("GET", "/clock")["frozen"])

    def freeze(self, at: str | datetime | None = None) -> None:
        """Stand still, now or at a moment such as ``2025-01-06T09:00:00Z``; a ``datetime`` needs a time zone."""
        self._control("PUT", "/clock", {"frozen": True} if at is None else {"frozen": True, "now": _moment(at)})

    def set(self, now: str | datetime | None = None, speed: float | None = None) -> None:
        """Go on from another moment, or so many times as fast."""
        given = {"now": None if now is None else _moment(now), "speed": speed}
        self._control("PUT", "/clock", {name: value for name, value in given.items() if value is not None})

    def advance(self, seconds: float) -> str:
        """Jump ahead; whoever waited for that moment is woken. The new time."""
        return str(self._control("POST", "/clock/advance", {"seconds": seconds})["now"])

    def go_real(self) -> None:
        """Go with the machine's time again."""
        self._control("PUT", "/clock", {"real": True})


def _moment(given: str | datetime) -> str:
    if isinstance(given, str):
        return given
    if given.tzinfo is None:
        raise ValueError(f"{given} could be anywhere; give it a time zone, such as datetime.UTC")
    return f"{given.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"


class Faults:
    """Rules that were set together; in a ``with`` they are gone at its end."""

    def __init__(self, control: Control, rules: list[dict[str, Any]], spent: list[dict[str, Any]]) -> None:
        self._control = control
        self._spent = spent
        self._gone: list[dict[str, Any]] = []
        self.ids = [str(rule["id"]) for rule in rules]

    @property
    def id(self) -> str:
        """The first one's id."""
        return self.ids[0]

    @property
    def rules(self) -> list[dict[str, Any]]:
        """With their hits; those that were taken away, as they were then."""
        if len(self._gone) == len(self.ids):
            return list(self._gone)
        return [*self._gone, *self._there()]

    def _there(self) -> list[dict[str, Any]]:
        return [rule for rule in self._control("GET", "/faults")["faults"] if rule["id"] in self.ids]

    @property
    def hits(self) -> int:
        """The number of answers they have shaped."""
        return sum(rule["hits"] for rule in self.rules)

    def remove(self) -> None:
        """Take them away; those that are gone already are no error."""
        for rule in self._there():
            self._control("DELETE", f"/faults/{rule['id']}")
            self._gone.append(rule)
            self._spent.append(rule)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {', '.join(self.ids)}>"
