"""Random steps on profiles and sessions: after each step the server and a small model have the same records.

The model knows only the documented fields. After each step the whole list of the first key is compared, and a second
key must not see any of it.
"""

from typing import Any

import pytest
import shapes
from clients import NOON, Client
from helpers import PROFILE_NOT_FOUND, SESSION_NOT_FOUND
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from mock_heidi.app import create_app

CREATE, UPDATE = "create_patient_profile", "update_patient_profile"
GET, LIST = "get_patient_profile", "list_patient_profiles"
UNKNOWN_PROFILE, UNKNOWN_SESSION = (404, PROFILE_NOT_FOUND), (404, SESSION_NOT_FOUND)

# Only a few values, so that filters match and updates repeat existing values.
TEXT = st.none() | st.sampled_from(["", "A", "Zoë Ó", "日本"])
EHR_IDS = st.sampled_from(["EHR1", "EHR2", ""])
UNKNOWN_IDS = st.lists(st.text(max_size=3), max_size=2)
BY_TYPE: dict[type, st.SearchStrategy[Any]] = {
    str: TEXT,
    bool: st.none() | st.booleans(),
    float: st.none() | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    list: st.none() | st.lists(st.dictionaries(st.text(max_size=3), st.integers(), max_size=2), max_size=2),
}
BY_NAME: dict[str, st.SearchStrategy[Any]] = {
    "ehr_patient_id": st.none() | EHR_IDS,
    "birth_date": st.none() | st.dates().map(str),
    "gender": st.sampled_from([None, "MALE", "FEMALE", "OTHER"]),
}


def bodies(operation: str, **ignored: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Bodies with any of the fields that the operation accepts, and some fields that it ignores."""
    fields = {
        field.name: BY_NAME.get(field.name, BY_TYPE[type(field.other)])
        for field in shapes.PATIENT_PROFILE.taken(operation)
    }
    return st.fixed_dictionaries({}, optional=fields | ignored)


CREATES = bodies(CREATE, remember_consent=st.booleans())
UPDATES = bodies(UPDATE, ehr_patient_id=EHR_IDS, room=st.integers())

FILTERS = st.fixed_dictionaries(
    {}, optional={"ehr_patient_id": EHR_IDS, "ehr_provider": st.sampled_from(["Heidi", "heidi", "Northside EHR"])}
)


class Model:
    """The expected state: the values of profiles by id in the order of their creation, and the profile of sessions."""

    def __init__(self) -> None:
        self.profiles: dict[str, dict[str, Any]] = {}
        self.sessions: dict[str, str | None] = {}

    def shown(self, profile_id: str, operation: str) -> dict[str, Any]:
        count = list(self.sessions.values()).count(profile_id)
        return shapes.PATIENT_PROFILE.unset(operation, **self.profiles[profile_id], id=profile_id, session_count=count)

    def listed(self, **filters: str) -> list[dict[str, Any]]:
        rows = [self.shown(profile_id, LIST) for profile_id in self.profiles]
        return [row for row in rows if all(row[name] == value for name, value in filters.items())]


def _stored(operation: str, given: dict[str, Any]) -> dict[str, Any]:
    """The values that a body sets. Null clears a field; fields that the operation does not accept are left out."""
    return {
        field.name: field.unset if given[field.name] is None else given[field.name]
        for field in shapes.PATIENT_PROFILE.taken(operation)
        if field.name in given
    }


class Profiles(RuleBasedStateMachine):
    profiles: Bundle[str] = Bundle("profiles")
    deleted: Bundle[str] = Bundle("deleted")
    sessions: Bundle[str] = Bundle("sessions")

    def __init__(self) -> None:
        super().__init__()
        app = create_app(fixtures="empty", clock=NOON)
        self.heidi = Client(app)
        self.other = Client(app)
        self.other.sign_in("mock-heidi-key-two")
        self.model = Model()

    def teardown(self) -> None:
        self.heidi.close()
        self.other.close()

    def ask(self, method: str, path: str, body: Any = None, **options: Any) -> tuple[int, Any]:
        answer = self.heidi.request(method, path, json=body, **options)
        return answer.status_code, answer.json()

    # Most steps need existing records, so the walk starts with some.

    @initialize(target=profiles, given=st.lists(CREATES, min_size=2, max_size=2))
    def begin_with_profiles(self, given: list[dict[str, Any]]) -> Any:
        return multiple(*map(self._new_profile, given))

    @initialize(target=sessions)
    def begin_with_sessions(self) -> Any:
        return multiple(self._new_session(None), self._new_session(None))

    @initialize(given=CREATES)
    def come_to_the_rare_place(self, given: dict[str, Any]) -> None:
        """Move a session to another profile and delete that one. A random walk reaches this state too rarely."""
        first, second = self._new_profile(given), self._new_profile({})
        session_id = self._new_session(first)
        self.link(second, [session_id])
        self.delete([second], [])
        self.get_session(session_id)

    @rule(target=profiles, given=CREATES)
    def create(self, given: dict[str, Any]) -> str:
        return self._new_profile(given)

    def _new_profile(self, given: dict[str, Any]) -> str:
        status, answer = self.ask("POST", "/patient-profiles", given)

        profile_id: str = answer["data"]["id"]
        assert profile_id not in self.model.profiles
        self.model.profiles[profile_id] = _stored(CREATE, given)
        assert (status, answer) == (200, {"data": self.model.shown(profile_id, CREATE)})
        return profile_id

    @rule(profile_id=profiles, given=UPDATES)
    def update(self, profile_id: str, given: dict[str, Any]) -> None:
        self.model.profiles[profile_id] |= _stored(UPDATE, given)

        answer = self.ask("PATCH", f"/patient-profiles/{profile_id}", given)

        assert answer == (200, {"data": self.model.shown(profile_id, UPDATE)})

    @rule(profile_id=profiles, field=st.sampled_from(["birth_date", "gender", "phone"]))
    def update_wrongly(self, profile_id: str, field: str) -> None:
        # A refused body changes nothing, not even by its valid fields. The comparison after this step shows it.
        status, answer = self.ask("PATCH", f"/patient-profiles/{profile_id}", {"first_name": "Refused", field: 5})

        assert (status, [row["loc"] for row in answer["detail"]]) == (422, [["body", field]])

    @rule(profile_id=profiles)
    def get(self, profile_id: str) -> None:
        assert self.ask("GET", f"/patient-profiles/{profile_id}") == (200, {"data": self.model.shown(profile_id, GET)})

    @rule(filters=FILTERS)
    def list_some(self, filters: dict[str, str]) -> None:
        answer = self.ask("GET", "/patient-profiles", params=filters)

        # All profiles have the provider of the key.
        provided = filters.pop("ehr_provider", "Heidi") == "Heidi"
        assert answer == (200, {"data": self.model.listed(**filters) if provided else []})

    @rule(target=sessions, profile_id=st.none() | profiles)
    def create_session(self, profile_id: str | None) -> str:
        return self._new_session(profile_id)

    def _new_session(self, profile_id: str | None) -> str:
        status, answer = self.ask("POST", "/sessions", {"patient_profile_id": profile_id} if profile_id else None)

        session_id: str = answer["session_id"]
        assert status == 200
        assert session_id not in self.model.sessions
        self.model.sessions[session_id] = profile_id
        return session_id

    @rule(profile_id=profiles, session_ids=st.lists(sessions, min_size=1, max_size=3))
    def link(self, profile_id: str, session_ids: list[str]) -> None:
        status, answer = self.ask("POST", f"/patient-profiles/{profile_id}/sessions", {"session_ids": session_ids})

        assert (status, [row["session_id"] for row in answer["data"]]) == (200, session_ids)
        self.model.sessions.update(dict.fromkeys(session_ids, profile_id))

    @rule(profile_id=profiles, session_ids=st.lists(sessions, max_size=2), at=st.integers(0, 2))
    def link_an_unknown_session_among_others(self, profile_id: str, session_ids: list[str], at: int) -> None:
        body = {"session_ids": [*session_ids[:at], "12345", *session_ids[at:]]}

        assert self.ask("POST", f"/patient-profiles/{profile_id}/sessions", body) == UNKNOWN_SESSION

    @rule(session_id=sessions)
    def get_session(self, session_id: str) -> None:
        status, answer = self.ask("GET", f"/sessions/{session_id}")

        linked_to = self.model.sessions[session_id]
        profile = {} if linked_to is None else self.model.profiles[linked_to]
        names = [profile.get("first_name"), profile.get("last_name")]
        patient = shapes.SESSION_PATIENT.unset(
            "get_session",
            name=" ".join(name for name in names if name),
            gender=profile.get("gender"),
            dob=profile.get("birth_date"),
        )
        shown = answer["session"]
        assert (status, shown["session_id"], shown["patient"]) == (200, session_id, patient)
        assert shown["ehr_patient_id"] == profile.get("ehr_patient_id")

    @rule(target=deleted, gone=st.lists(consumes(profiles), min_size=1, max_size=2, unique=True), noise=UNKNOWN_IDS)
    def delete(self, gone: list[str], noise: list[str]) -> Any:
        answer = self.ask("DELETE", "/patient-profiles:batch-delete", {"patient_profile_ids": [*noise, *gone, *gone]})

        assert answer == (200, {"is_success": True})
        for profile_id in gone:
            del self.model.profiles[profile_id]
        self.model.sessions = {
            session_id: None if profile_id in gone else profile_id
            for session_id, profile_id in self.model.sessions.items()
        }
        return multiple(*gone)

    @rule(profile_id=deleted, session_ids=st.lists(sessions, max_size=2))
    def ask_for_a_deleted_profile(self, profile_id: str, session_ids: list[str]) -> None:
        path = f"/patient-profiles/{profile_id}"

        assert self.ask("GET", path) == UNKNOWN_PROFILE
        assert self.ask("PATCH", path, {"first_name": "Back"}) == UNKNOWN_PROFILE
        assert self.ask("POST", f"{path}/sessions", {"session_ids": session_ids}) == UNKNOWN_PROFILE
        assert self.ask("POST", "/sessions", {"patient_profile_id": profile_id}) == UNKNOWN_PROFILE

    @rule(profile_id=profiles, session_ids=st.lists(sessions, max_size=2))
    def ask_with_the_second_key(self, profile_id: str, session_ids: list[str]) -> None:
        path = f"/patient-profiles/{profile_id}"
        asked = [
            self.other.get(path),
            self.other.patch(path, json={"first_name": "Theirs"}),
            self.other.post(f"{path}/sessions", json={"session_ids": session_ids}),
            self.other.post("/sessions", json={"patient_profile_id": profile_id}),
        ]

        assert [(answer.status_code, answer.json()) for answer in asked] == [UNKNOWN_PROFILE] * 4
        for session_id in session_ids:
            answer = self.other.get(f"/sessions/{session_id}")
            assert (answer.status_code, answer.json()) == UNKNOWN_SESSION
        # The second key does not know this id, and unknown ids are ignored. The comparison shows that it is kept.
        answer = self.other.request(
            "DELETE", "/patient-profiles:batch-delete", json={"patient_profile_ids": [profile_id]}
        )
        assert (answer.status_code, answer.json()) == (200, {"is_success": True})

    @invariant()
    def all_is_as_the_model_says(self) -> None:
        assert self.ask("GET", "/patient-profiles") == (200, {"data": self.model.listed()})
        assert self.other.get("/patient-profiles").json() == {"data": []}
        # Answers look the same for a session without a profile and one whose profile is deleted.
        held = {row["session_id"]: row.get("patient_profile_id") for row in self.heidi.state()["sessions"]}
        assert held == self.model.sessions


@pytest.mark.slow
def test_the_server_agrees_with_a_model_after_every_step() -> None:
    run_state_machine_as_test(
        Profiles,
        settings=settings(
            max_examples=40,
            stateful_step_count=25,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.generate],  # shrinking takes minutes, and these walks are short
            suppress_health_check=[HealthCheck.too_slow],  # a slow machine is not a failure
        ),
    )
