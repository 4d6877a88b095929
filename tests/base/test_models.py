"""The models: the texts and numbers that a field accepts, and records that never change."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paths import ROOT
from pydantic import TypeAdapter, ValidationError

from mock_heidi.base.values import Incoming, Outgoing
from mock_heidi.base.yaml_scalars import Plain, resolve
from mock_heidi.faults.rule import Fault
from mock_heidi.state.account_records import ApiKey, HeidiUser, User, user_key
from mock_heidi.state.field_types import Date, Flag, KindeUserId, Number, ObjectId, SessionId, Timestamp
from mock_heidi.state.patient_records import PatientProfile, SessionPatient
from mock_heidi.state.session_records import ConsultNote, Session

OWNER = "a" * 24
TIME, LATER = "2025-01-06T12:00:00.000000", "2025-01-06T12:00:01.000000"
PROFILE = PatientProfile(id="1" * 24, managed_by=OWNER, ehr_provider="P", created_at=TIME, updated_at=TIME)
SESSION = Session(
    session_id="1", managed_by=OWNER, session_name="S", ehr_provider="P", created_at=TIME, updated_at=TIME
)
ACCOUNT = HeidiUser(kinde_user_id="kp_1", heidi_email="e", linked_account_plan="PRO")
RECORDS = [
    PROFILE,
    SESSION,
    ACCOUNT,
    ApiKey(key="k", ehr_provider="P", managed_by=OWNER, heidi_users=(ACCOUNT,)),
    User(managed_by=OWNER, email="e", third_party_internal_id="t"),
    SessionPatient(),
    ConsultNote(status="CREATED"),
]


def taken(kind: Any, value: Any) -> Any:
    return TypeAdapter(kind).validate_python(value, strict=True)


def is_taken(kind: Any, value: Any) -> bool:
    try:
        taken(kind, value)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (
            Date,
            ["1990-01-15", "2024-02-29", "0001-01-01", "9999-12-31"],
            ["2023-02-29", "1990-1-15", "631152000", "1990-01-15T00:00", "1990-01-15\n", "", "\uff11990-01-15", None],
        ),
        (
            ObjectId,
            ["0" * 24, "5eb7cf5a86d9755df3a6c593"],
            ["A" * 24, "0" * 23, "0" * 25, "g" * 24, "0" * 24 + "\n", "", 0, None],
        ),
        (SessionId, ["0", "0987654321", "9" * 39], ["9" * 40, "-1", "1.0", "", " 1", "1\n", "٣", 1234567890, None]),
        (KindeUserId, ["kp_1", "x", "é", " ", "a b", "a\n"], ["", 1, None]),
        (Flag, [True, False, Plain("yes"), Plain("OFF")], ["yes", "true", 1, 0, Plain("maybe"), None]),
        (
            Number,
            [0, -1, 1.5, 10**400, 1e308, Plain("7"), Plain("1e3")],
            [True, "5", Plain("five"), math.inf, math.nan, None],
        ),
        (
            Timestamp,
            ["2024-12-11T03:57:57.921000", "2024-12-11 03:57:57", "2024-12-11T03:57:57.9"],
            ["2024-12-11T03:57:57Z", "2024-12-11T03:57:57+00:00", "2024-13-11T03:57:57", "2024-12-11", "now", 5, None],
        ),
    ],
    ids=["Date", "ObjectId", "SessionId", "KindeUserId", "Flag", "Number", "Timestamp"],
)  # fmt: skip
def test_a_type_accepts_only_its_exact_form(kind: Any, good: list[Any], bad: list[Any]) -> None:
    assert [value for value in good if not is_taken(kind, value)] == []
    assert [value for value in bad if is_taken(kind, value)] == []


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("2024-12-11T03:57:57", "2024-12-11T03:57:57.000000"),
        ("2024-12-11 03:57:57.92", "2024-12-11T03:57:57.920000"),
        ("2024-12-11T03:57:57.921000", "2024-12-11T03:57:57.921000"),
    ],
)
def test_a_timestamp_is_kept_in_the_vendors_form(given: str, kept: str) -> None:
    assert taken(Timestamp, given) == kept


@given(st.integers() | st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_keeps_its_value_and_type(value: float) -> None:
    kept = taken(Number, value)

    assert (kept, type(kept)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("7", 7),
        ("-1.5", -1.5),
        ("1e3", "1e3"),
        ("1.0e+3", 1000.0),
        ("00123", "00123"),
        ("1_000", "1_000"),
        ("true", True),
        ("False", False),
        ("yes", "yes"),
        ("nan", "nan"),
        ("inf", "inf"),
        ("1e999", "1e999"),
        ("2024-01-01", "2024-01-01"),
        ("", ""),
    ],
)
def test_a_plain_scalar_in_a_free_field_is_a_number_a_flag_or_text(text: str, meant: Any) -> None:
    value = resolve([{"a": Plain(text)}])[0]["a"]

    assert (value, type(value)) == (meant, type(meant))
    assert resolve(text) == text  # what was quoted stays text


# --- Records ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_no_record_ever_changes(record: Any) -> None:
    name = next(iter(type(record).model_fields))

    with pytest.raises(ValidationError, match="frozen"):
        setattr(record, name, getattr(record, name))


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_a_record_refuses_unknown_fields(record: Any) -> None:
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        type(record).model_validate({**record.model_dump(by_alias=True), "unknown": 1})


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_a_record_comes_back_from_its_own_json(record: Any) -> None:
    assert type(record).model_validate(record.model_dump(mode="json", by_alias=True)) == record


@pytest.mark.parametrize(
    ("first", "last", "name"),
    [("Ada", "Lovelace", "Ada Lovelace"), ("Ada", None, "Ada"), (None, "L", "L"), (None, None, ""), ("", "", "")],
)
def test_a_name_joins_its_known_parts(first: str | None, last: str | None, name: str) -> None:
    assert PROFILE.replace(first_name=first, last_name=last).name == name


def test_different_records_have_different_keys() -> None:
    user = User(managed_by=OWNER, email="e", third_party_internal_id="t")

    assert [record.key for record in (PROFILE, SESSION)] == ["1" * 24, "1"]
    assert user.key == user_key(OWNER, "e", "t") != user_key(OWNER, "et", "")


# --- In and out -------------------------------------------------------------------------------------------------------


class Part(Incoming):
    name: str | None = None


class Changes(Incoming):
    duration: Number | None = None
    language_code: str | None = None
    patient: Part | None = None


class View(Outgoing):
    name: str


def test_a_request_body_may_have_unknown_fields() -> None:
    assert Changes.model_validate({"unknown": 1}).model_fields_set == set()


def test_an_answer_refuses_unknown_fields() -> None:
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        View.model_validate({"name": "a", "more": 1})


def test_merging_changes_sent_fields_in_a_copy() -> None:
    old = SESSION.replace(language_code="es", patient=SessionPatient(name="A", gender="OTHER"))

    new = old.replace(Changes.model_validate({"duration": 5, "patient": {"name": "B"}}), updated_at=LATER)

    patient = {"name": "B", "gender": "OTHER", "dob": None, "demographic_details": None}
    assert new.model_dump() == {**old.model_dump(), "duration": 5, "patient": patient, "updated_at": LATER}
    assert (old.duration, old.patient.name, old.updated_at) == (0, "A", TIME)


def test_merging_null_restores_the_default() -> None:
    old = SESSION.replace(language_code="es", duration=5, patient=SessionPatient(name="A"))

    new = old.replace(Changes.model_validate({"duration": None, "language_code": None, "patient": None}))

    assert new == SESSION


@pytest.mark.parametrize(
    ("record", "values"),
    [
        (PROFILE, {"updated_at": "yesterday"}),
        (PROFILE, {"first_name": 5}),
        (PROFILE, {"id": None}),
        (SESSION, {"note_reads": None}),
        (SESSION, {"patient": {"name": 5}}),
        (SESSION, {"audio": ("no piece",)}),
        (ACCOUNT, {"kinde_user_id": ""}),
        (View(name="a"), {"name": 5}),
    ],
)
def test_a_copy_validates_the_changed_fields(record: Any, values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=next(iter(values))):
        record.replace(**values)


@pytest.mark.parametrize("record", [*RECORDS, View(name="a")], ids=lambda record: type(record).__name__)
def test_a_copy_refuses_unknown_fields(record: Any) -> None:
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        record.replace(unknown=1)


@pytest.mark.parametrize("record", [*RECORDS, View(name="a")], ids=lambda record: type(record).__name__)
def test_a_copy_accepts_every_value_of_the_record(record: Any) -> None:
    assert record.replace(**dict(record)) == record.replace() == record


def test_a_copy_does_not_validate_the_other_fields() -> None:
    odd = PatientProfile.model_construct(**{**dict(PROFILE), "gender": "UNHEARD OF"})

    assert dict(odd.replace(first_name="Ada"))["gender"] == "UNHEARD OF"


def test_a_copy_validates_a_sent_value_of_another_type() -> None:
    class Loose(Incoming):
        session_name: int

    with pytest.raises(ValidationError, match="session_name"):
        SESSION.replace(Loose(session_name=5))


def test_a_copy_refuses_null_for_a_field_without_a_default() -> None:
    class Loose(Incoming):
        session_name: str | None

    with pytest.raises(ValidationError, match="session_name"):
        SESSION.replace(Loose(session_name=None))


def test_a_given_value_wins_over_a_sent_one() -> None:
    sent = Changes(duration=5, language_code="es")

    new = SESSION.replace(sent, duration=6)

    assert (new.duration, new.language_code) == (6, "es")


def test_a_copy_keeps_its_own_private_values() -> None:
    first = Fault.model_validate({"label": "one", "status": 503})

    second = first.again(2)

    assert (first.key == second.key, second.replace(label="two").key.endswith("-2")) == (False, True)


def test_no_module_copies_without_validating() -> None:
    modules = (ROOT / "mock_heidi").rglob("*.py")

    assert [module.name for module in modules if "model_copy(" in module.read_text()] == []
