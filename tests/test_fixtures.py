"""Fixtures: a folder of YAML files, ``"empty"``, or the records themselves; checked whole, every problem on a line.

A problem in a file reads ``FILE:LINE: FIELD: what is wrong; the cure``, one in a body or dict ``KIND[0].FIELD: …``.
Unquoted scalars mean what their author sees: an id stays text, a date stays text, a flag is a flag.
"""

import gc
import hashlib
import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml
from clients import JOHN
from helpers import KEY_TWO, another, parse_yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from paths import FIXTURES

from mock_heidi import create_app
from mock_heidi.base.settings import DEFAULT_KEY, ConfigError
from mock_heidi.base.values import Record, Value
from mock_heidi.base.yaml_scalars import Plain, resolve
from mock_heidi.fixtures.documents import FixtureError
from mock_heidi.fixtures.export import export
from mock_heidi.fixtures.ids import DEFAULT_TIME
from mock_heidi.fixtures.kinds import KINDS
from mock_heidi.fixtures.loader import load
from mock_heidi.fixtures.yaml_dump import dump_yaml
from mock_heidi.fixtures.yaml_text import YamlText
from mock_heidi.state.account_records import ApiKey, User
from mock_heidi.state.code_records import CodeEntry
from mock_heidi.state.consultation_records import Consultation
from mock_heidi.state.patient_records import PatientProfile
from mock_heidi.state.session_records import Session
from mock_heidi.state.store import Store
from mock_heidi.state.template_records import NoteTemplate

TWO = "63eb54a32680a88f2b690da4"
KEYS = "- {key: k, ehr_provider: P, managed_by: aaaaaaaaaaaaaaaaaaaaaaaa}\n"
OWNER = "a" * 24


def store_of(choice: Any = None, **options: Any) -> Store:
    return Store(load(choice, **options))


def folder(path: Path, **files: str) -> Path:
    for name, text in files.items():
        (path / f"{name}.yaml").write_text(text, encoding="utf-8")
    return path


def problems_of(choice: Any) -> list[str]:
    with pytest.raises(FixtureError) as caught:
        load(choice)
    assert str(caught.value) == "\n".join(caught.value.problems)
    assert isinstance(caught.value, ConfigError)
    return caught.value.problems


# --- The packaged set -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def packaged() -> Store:
    return store_of()


def test_what_few_requests_need_is_read_when_it_is_first_asked_for() -> None:
    store = store_of({})
    before = set(store.base.records)

    consultation = store.get(Consultation, "gp-cough")

    assert before.isdisjoint({Consultation, NoteTemplate, CodeEntry})
    assert consultation is not None
    assert Consultation in store.base.records
    assert store_of({}).get(Consultation, "gp-cough") is consultation


def test_own_sessions_may_name_a_packaged_consultation() -> None:
    store = store_of({"sessions": [{"consultation": "gp-cough"}]})

    assert [session.consultation for session in store.all(Session)] == ["gp-cough"]


def test_packaged_sessions_name_consultations_that_are_there(packaged: Store) -> None:
    named = {session.consultation for session in packaged.all(Session)} - {None}

    assert named
    assert named <= {one.id for one in packaged.all(Consultation)}


def test_the_packaged_set_is_a_small_practice(packaged: Store) -> None:
    profiles, sessions = packaged.all(PatientProfile), packaged.all(Session)

    assert [key.key for key in packaged.all(ApiKey)] == [DEFAULT_KEY, "mock-heidi-key-two"]
    assert (len(profiles), len(sessions)) == (15, 31)
    assert [sum(record.managed_by == owner for record in profiles) for owner in (JOHN, TWO)] == [13, 2]
    assert [sum(record.managed_by == owner for record in sessions) for owner in (JOHN, TWO)] == [30, 1]


def test_the_documented_records_are_as_the_documentation_needs_them(packaged: Store) -> None:
    john = packaged.all(PatientProfile)[0]
    first, second = packaged.all(Session)[:2]

    assert (john.id, john.managed_by, john.ehr_patient_id, john.demographic_string) == (JOHN, JOHN, "EHR123456", "")
    assert packaged.count(Session, patient_profile_id=JOHN) == 3
    assert (first.session_id, first.duration, first.ehr_provider) == ("1234567890", 16, "EHR Provider Name")
    assert (second.session_id, second.session_name) == ("0987654321", "Session 124")
    assert (first.patient_profile_id, second.patient_profile_id) == (None, None)


def test_the_packaged_set_has_the_cases_that_break_clients(packaged: Store) -> None:
    profiles = packaged.all(PatientProfile)
    twins = packaged.where(PatientProfile, managed_by=JOHN, ehr_patient_id="20417")

    assert [record.ehr_provider for record in twins] == ["Best Practice", "Northside EHR"]
    assert [record.id for record in profiles if not record.name] == ["677b20c4a69ffb7f1d80ffd5"]
    assert [record.first_name for record in profiles if record.identifiers] == ["Priyanka"]
    assert {record.remember_consent for record in profiles} == {None, True, False}
    assert {record.gender for record in profiles} == {None, "MALE", "FEMALE", "OTHER"}
    assert [user.email for user in packaged.all(User) if user.linked_to] == ["dr.mara.okafor@example.com"]
    linked = {session.patient_profile_id for session in packaged.all(Session)} - {None}
    assert linked < {record.id for record in profiles}


# --- What unquoted means ----------------------------------------------------------------------------------------------


def profile_of(tmp_path: Path, text: str) -> PatientProfile:
    [record] = store_of(folder(tmp_path, patient_profiles=f"- {text}\n")).all(PatientProfile)
    return record


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("No", "No"),
        ("yes", "yes"),
        ("on", "on"),
        ("True", "True"),
        ("Nulla", "Nulla"),
        ("'Null'", "Null"),
        ('"~"', "~"),
        ("Null", None),
        ("~", None),
        ("", None),
        ("''", ""),
        ("007", "007"),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        ("1.0", "1.0"),
        ("1e5", "1e5"),
        (".inf", ".inf"),
        ("12:30:45", "12:30:45"),
        ("2024-01-01", "2024-01-01"),
        ("2024-01-01T00:00:00Z", "2024-01-01T00:00:00Z"),
        ("+61 491 570 006", "+61 491 570 006"),
        ("=", "="),
        ("Zoë", "Zoë"),
        ("|-\n    a\n    b", "a\nb"),
    ],
)
def test_an_unquoted_text_is_what_its_author_sees(tmp_path: Path, text: str, meant: str | None) -> None:
    record = profile_of(tmp_path, f"phone: {text}")

    assert record.phone == meant
    assert record.phone is None or type(record.phone) is str


@pytest.mark.parametrize(
    ("field", "text", "meant"),
    [
        ("birth_date", "1990-01-15", "1990-01-15"),
        ("birth_date", "'1990-01-15'", "1990-01-15"),
        ("remember_consent", "true", True),
        ("remember_consent", "No", False),
        ("remember_consent", "off", False),
        ("patient_sex_code", "2", 2),
        ("patient_sex_code", "2.5", 2.5),
        ("patient_sex_code", "1e3", 1000.0),
        ("ehr_patient_id", "0020417", "0020417"),
        ("created_at", "2024-12-12T10:30:00", "2024-12-12T10:30:00.000000"),
        ("created_at", "2024-12-12 10:30:00.5", "2024-12-12T10:30:00.500000"),
        (
            "identifiers",
            "[007, 1.5, true, null, '007', 'true', x, 1990-01-15]",
            ("007", 1.5, True, None, "007", "true", "x", "1990-01-15"),
        ),
        ("identifiers", "[{a: {b: [1]}}]", ({"a": {"b": [1]}},)),
    ],
)
def test_what_an_unquoted_scalar_means_hangs_on_its_field(tmp_path: Path, field: str, text: str, meant: Any) -> None:
    value = getattr(profile_of(tmp_path, f"{field}: {text}"), field)

    assert (value, type(value)) == (meant, type(meant))


def test_session_ids_lose_no_digit(tmp_path: Path) -> None:
    ids = ["0987654321", "335702952548561761985659436451376640053", "1234567890", "010"]

    store = store_of(folder(tmp_path, sessions="".join(f"- session_id: {one}\n" for one in ids)))

    assert [record.session_id for record in store.all(Session)] == ids


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
# Texts that a plain scalar would turn into something else, the last one with digits of another script.
traps = st.sampled_from(["1e5", "tRue", "007", "~", "no", "1_0", "nan", "0x1", "\uff11\uff12"])
numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
extremes = st.sampled_from([10**4_299, 1e308, -1e-300, 1e22, -0.0])
scalars = st.none() | st.booleans() | numbers | extremes | texts | traps
json_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.slow
@given(json_values)
@settings(max_examples=300, deadline=None, derandomize=True)
def test_what_was_written_as_yaml_is_read_as_it_was(value: Any) -> None:
    text = dump_yaml({"value": value})

    back = resolve(parse_yaml(text, "file"))
    assert (back, repr(back)) == ({"value": value}, repr({"value": value}))


def test_json_and_yaml_make_the_same_state(tmp_path: Path) -> None:
    records = {
        "api_keys": [{"key": "k", "ehr_provider": "P", "managed_by": OWNER}],
        "patient_profiles": [
            {"id": "1" * 24, "ehr_patient_id": "0042", "remember_consent": False, "identifiers": [1, "1"]}
        ],
        "sessions": [{"session_id": "010", "patient_profile_id": "1" * 24, "duration": 60, "clinician_notes": ["1"]}],
    }
    text = {
        "api_keys": KEYS,
        "patient_profiles": f"- {{id: {'1' * 24}, ehr_patient_id: 0042, remember_consent: no, identifiers: [1, '1']}}",
        "sessions": f"- session_id: 010\n  patient_profile_id: {'1' * 24}\n  duration: 60\n  clinician_notes: [1]",
    }

    assert export(store_of(folder(tmp_path, **text))) == export(store_of(records))


# --- Which fixtures ---------------------------------------------------------------------------------------------------


def test_empty_has_keys_and_nothing_else() -> None:
    store = store_of("empty")

    assert [store.size(kind) for kind in (ApiKey, PatientProfile, Session)] == [2, 0, 0]


@pytest.mark.parametrize("kind", ["patient_profiles", "sessions"])
def test_own_patients_or_sessions_stand_without_the_packaged_ones(tmp_path: Path, kind: str) -> None:
    store = store_of(folder(tmp_path, **{kind: "- {}\n"}))

    sizes = {name: store.size(of) for name, of in KINDS.items()}
    packaged = {"templates": 8, "transcripts": 12, "clinical_codes": 83, "replies": 1, "faults": 0, "scenarios": 13}
    assert sizes == {"api_keys": 2, **packaged, "patient_profiles": 0, "sessions": 0, kind: 1}


def test_own_keys_alone_get_the_packaged_patients_that_belong_to_no_other_key(tmp_path: Path) -> None:
    store = store_of(folder(tmp_path, api_keys=KEYS))

    assert [key.key for key in store.all(ApiKey)] == ["k"]
    assert (store.size(PatientProfile), store.size(Session)) == (13, 30)
    assert (store.count(PatientProfile, managed_by=OWNER), store.count(Session, managed_by=OWNER)) == (13, 30)


def test_own_keys_that_name_the_packaged_accounts_get_all_patients(tmp_path: Path) -> None:
    keys = f"{KEYS}- {{key: k2, ehr_provider: Q, managed_by: {TWO}}}\n"

    store = store_of(folder(tmp_path, api_keys=keys))

    assert store.count(PatientProfile, managed_by=TWO) == 2
    assert store.size(PatientProfile) == 15


def test_an_empty_folder_is_the_packaged_set(tmp_path: Path, packaged: Store) -> None:
    (tmp_path / "notes.txt").write_text("not ours")

    assert export(store_of(tmp_path)) == export(packaged)
    # A folder of one's own shows the rest as well: nobody else has it.
    whole = export(store_of(FIXTURES))
    assert {name: whole[name] for name in export(packaged)} == export(packaged)
    assert sorted(whole) == sorted(KINDS)


def test_yml_is_as_good_and_both_are_one_too_many(tmp_path: Path) -> None:
    (tmp_path / "sessions.yml").write_text("- session_id: 5")
    alone = [record.session_id for record in store_of(tmp_path).all(Session)]
    folder(tmp_path, sessions="- session_id: 6")

    assert alone == ["5"]
    assert problems_of(tmp_path) == [
        f"{tmp_path}/sessions.yml:1: file: sessions is there twice, as .yaml and .yml; remove one"
    ]


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "[]\n", "null\n"])
def test_a_file_without_records_has_none(tmp_path: Path, text: str) -> None:
    store = store_of(folder(tmp_path, patient_profiles=text))

    assert (store.size(PatientProfile), store.size(Session)) == (0, 0)


def test_the_records_themselves_can_be_given() -> None:
    store = store_of({"patient_profiles": [{"first_name": "Ada"}]})

    assert [record.first_name for record in store.all(PatientProfile)] == ["Ada"]


def test_an_own_api_key_takes_the_place_of_the_first() -> None:
    store = store_of(api_key="mine")
    with another(api_key="mine") as heidi:
        heidi.sign_in(key="mine")
        first = heidi.get("/patient-profiles").json()["data"][0]["id"]

    assert [key.key for key in store.all(ApiKey)] == ["mine"]
    assert first == JOHN


def test_an_own_api_key_without_a_keys_fixture_leaves_only_that_key() -> None:
    query = {"email": "a@b.example", "third_party_internal_id": "1"}
    keys = ("mine", "mock-heidi-key", KEY_TWO, f"{KEY_TWO}.blue")
    with another(api_key="mine") as heidi:
        answers = [heidi.get("/jwt", signed=False, params=query, headers={"Heidi-Api-Key": key}) for key in keys]
        owners = {row["managed_by"] for kind in ("patient_profiles", "sessions") for row in heidi.state()[kind]}

    assert [answer.status_code for answer in answers] == [200, 401, 401, 401]
    assert owners == {JOHN}


@pytest.mark.parametrize("body", [{"patient_profiles": []}, {"sessions": []}, {}])
def test_a_state_without_keys_brings_no_packaged_key_back(body: dict[str, Any]) -> None:
    with another(api_key="mine") as heidi:
        heidi.put("/_mock/state", json=body)

        assert [row["key"] for row in heidi.state()["api_keys"]] == ["mine"]


def test_a_namespace_without_keys_has_the_servers_key_only() -> None:
    with another(api_key="mine") as heidi:
        heidi.post("/_mock/namespaces/blue", json={"fixtures": "empty"})

        assert [row["key"] for row in heidi.get("/ns/blue/_mock/state").json()["api_keys"]] == ["mine"]


def test_a_state_that_brings_keys_keeps_them_beside_an_own_api_key() -> None:
    keys = [{"key": name, "ehr_provider": name, "managed_by": name[0] * 24} for name in ("a-key", "b-key")]
    with another(api_key="mine") as heidi:
        heidi.put("/_mock/state", json={"api_keys": keys, "patient_profiles": []})

        assert [row["key"] for row in heidi.state()["api_keys"]] == ["a-key", "b-key"]


def test_an_own_api_key_takes_the_place_of_the_first_of_own_keys(tmp_path: Path) -> None:
    second = "- {key: l, ehr_provider: Q, managed_by: bbbbbbbbbbbbbbbbbbbbbbbb}\n"

    store = store_of(folder(tmp_path, api_keys=KEYS + second), api_key="mine")

    assert [key.key for key in store.all(ApiKey)] == ["mine", "l"]


def test_an_own_api_key_takes_nothing_away_that_is_nobodys(packaged: Store) -> None:
    store = store_of(api_key="mine")

    kinds = {kind: of for kind, of in KINDS.items() if kind not in ("api_keys", "patient_profiles", "sessions")}
    assert {kind: store.size(of) for kind, of in kinds.items()} == {
        kind: packaged.size(of) for kind, of in kinds.items()
    }


@pytest.mark.parametrize("api_key", ["1234567890", JOHN])
def test_an_own_api_key_that_looks_like_an_id_takes_no_record_away(packaged: Store, api_key: str) -> None:
    store = store_of(api_key=api_key)

    assert export(store)["sessions"] == [row for row in export(packaged)["sessions"] if row["managed_by"] == JOHN]


def test_an_own_api_key_that_is_the_second_replaces_both(packaged: Store) -> None:
    keys = {"api_keys": export(packaged)["api_keys"]}
    store = store_of({**export(packaged), **keys}, api_key=KEY_TWO)

    [key] = store.all(ApiKey)
    assert (key.key, key.managed_by) == (KEY_TWO, JOHN)
    assert (store.size(PatientProfile), store.size(Session)) == (13, 30)
    assert export(store_of(export(store))) == export(store)


# --- What records need not say ----------------------------------------------------------------------------------------


def test_ids_and_times_that_are_not_given_are_the_same_each_time(tmp_path: Path) -> None:
    files = folder(tmp_path, patient_profiles="- {first_name: A}\n- {first_name: B}\n", sessions="- {}\n- {}\n")

    first, again = export(store_of(files)), export(store_of(files))

    assert first == again
    assert [row["id"] for row in first["patient_profiles"]] == ["677b9a505fd126bd21ca9681", "677b9a503699b8d66d7f1821"]
    assert [row["session_name"] for row in first["sessions"]] == ["Session 1", "Session 2"]
    assert {row["created_at"] for rows in (first["patient_profiles"], first["sessions"]) for row in rows} == {
        DEFAULT_TIME
    }
    assert {row["ehr_provider"] for row in first["sessions"]} == {"Heidi"}


def test_a_record_that_names_no_account_belongs_to_the_first_key() -> None:
    keys = [{"key": key, "ehr_provider": key, "managed_by": key * 24} for key in ("b", "a")]

    [record] = store_of({"api_keys": keys, "patient_profiles": [{}]}).all(PatientProfile)

    assert (record.managed_by, record.ehr_provider) == ("b" * 24, "b")


def test_updated_at_follows_created_at() -> None:
    [record] = store_of({"sessions": [{"created_at": "2024-01-02T03:04:05"}]}).all(Session)

    assert record.created_at == record.updated_at == "2024-01-02T03:04:05.000000"


def test_a_state_comes_back_from_its_own_fixtures(packaged: Store) -> None:
    assert export(store_of(export(packaged))) == export(packaged)


# --- One file ---------------------------------------------------------------------------------------------------------


def one_file(path: Path, text: str) -> Path:
    file = path / "state.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_an_exported_state_is_a_fixture_set_in_one_file(tmp_path: Path) -> None:
    with another() as clinic:
        clinic.patch(f"/patient-profiles/{JOHN}", json={"first_name": "Ann", "additional_context": "yes: 0123"})
        clinic.post("/sessions", json={"patient_profile_id": JOHN})
        clinic.post(f"/patient-profiles/{JOHN}/sessions", json={"session_ids": ["1234567890"]})
        exported = clinic.get("/_mock/state", headers={"Accept": "application/yaml"})
        state = clinic.state()

    file = one_file(tmp_path, exported.text)

    assert export(store_of(file)) == state


def test_an_exported_state_as_json_is_accepted_too(tmp_path: Path, packaged: Store) -> None:
    file = tmp_path / "state.json"
    file.write_text(json.dumps(export(packaged), ensure_ascii=False), encoding="utf-8")

    assert export(store_of(file)) == export(packaged)


def test_one_file_falls_back_on_the_packaged_set_as_a_folder_does(tmp_path: Path, packaged: Store) -> None:
    file = one_file(tmp_path, "patient_profiles:\n- {first_name: Ada}\n")

    store = store_of(file)

    assert [patient.first_name for patient in store.all(PatientProfile)] == ["Ada"]
    assert store.size(Session) == 0
    assert store.size(NoteTemplate) == packaged.size(NoteTemplate)


def test_a_mistake_in_one_file_is_told_with_its_line(tmp_path: Path) -> None:
    file = one_file(tmp_path, "sessions: []\npatient_profiles:\n- first_name: Ada\n  gender: male\n- 1\n")

    assert problems_of(file) == [
        f"{file}:4: patient_profiles[0].gender: Input should be 'MALE', 'FEMALE' or 'OTHER', not 'male'",
        f"{file}:5: patient_profiles[1]: should be a mapping of fields",
    ]


def test_an_unknown_kind_in_one_file_is_told_with_its_line(tmp_path: Path) -> None:
    file = one_file(tmp_path, "sessions: []\npatients: []\n")

    assert problems_of(file) == [f"{file}:2: patients: unknown kind of record; did you mean patient_profiles?"]


@pytest.mark.parametrize("text", ["", "- {first_name: Ada}\n", "Ada\n"], ids=["empty", "list", "text"])
def test_one_file_maps_kinds_to_lists(tmp_path: Path, text: str) -> None:
    file = one_file(tmp_path, text)

    [problem] = problems_of(file)

    assert problem.startswith(f"{file}:1: file: should map kinds to lists of records; write a list under each kind: ")


# --- Mistakes ---------------------------------------------------------------------------------------------------------

# A profile's mistake, in the third line of its file, and what is said of it after ``FILE:LINE: ``.
MISTAKES = {
    "frist_name: A": "3: [0].frist_name: unknown field; did you mean first_name?",
    "frist_name:\n    A": "3: [0].frist_name: unknown field; did you mean first_name?",
    "xyzzy: A": (
        "3: [0].xyzzy: unknown field; known are additional_context, birth_date, created_at, demographic_string, "
        "ehr_patient_id, ehr_provider, email, first_name, gender, id, identifiers, last_name, managed_by, "
        "patient_sex_code, phone, remember_consent, updated_at"
    ),
    "gender: male": "3: [0].gender: Input should be 'MALE', 'FEMALE' or 'OTHER', not 'male'",
    "birth_date: 1990-02-30": (
        "3: [0].birth_date: Input should be a valid date or datetime, day value is outside expected range, "
        "not '1990-02-30'"
    ),
    "id: 12": "3: [0].id: Input should be 24 lower-case hex digits, not '12'",
    "remember_consent: maybe": "3: [0].remember_consent: Input should be a valid boolean, not 'maybe'",
    "remember_consent: 'yes'": "3: [0].remember_consent: Input should be a valid boolean, not 'yes'",
    "patient_sex_code: two": "3: [0].patient_sex_code: Input should be a valid number, not 'two'",
    "patient_sex_code: '2'": "3: [0].patient_sex_code: Input should be a valid number, not '2'",
    "first_name: [A]": "3: [0].first_name: Input should be a valid string, not ['A']",
    "identifiers: A": "3: [0].identifiers: Input should be a valid tuple, not 'A'",
    "managed_by: bbbbbbbbbbbbbbbbbbbbbbbb": (
        "3: [0].managed_by: no API key has the account 'bbbbbbbbbbbbbbbbbbbbbbbb'; known are "
        "5eb7cf5a86d9755df3a6c593, 63eb54a32680a88f2b690da4"
    ),
    "updated_at: yesterday": (
        "3: [0].updated_at: Input should be a UTC timestamp without a zone, such as 2024-12-11T03:57:57.921000, "
        "not 'yesterday'"
    ),
    "phone: 1\n  phone: 2": "4: phone: stands here twice; remove one",
    "? [a]\n  : b": "3: a field's name must be plain text",
    "phone: 'open": "4: no valid YAML: found unexpected end of stream",
    "\tphone: 1": "3: no valid YAML: found a tab character that violates indentation",
    "phone: *nobody": "3: no valid YAML: found undefined alias 'nobody'",
    "phone: !!python/object:os.system {}": (
        "3: the tag 'tag:yaml.org,2002:python/object:os.system' has no meaning here; remove it"
    ),
    "phone: !!python/name:os.system ''": (
        "3: the tag 'tag:yaml.org,2002:python/name:os.system' has no meaning here; remove it"
    ),
    "phone: !!binary aGk=": "3: the tag 'tag:yaml.org,2002:binary' has no meaning here; remove it",
    "phone: !own x": "3: the tag '!own' has no meaning here; remove it",
    "identifiers: &a [*a]": "3: too deep or too large; at most 64 levels are read",
    "identifiers: " + "[" * 70 + "]" * 70: "3: no valid YAML: nested deeper than 64 levels",
    "email: a: b": "3: no valid YAML: mapping values are not allowed in this context",
    "email: a\n---\n- {}": "4: no valid YAML: but found another document",
}


@pytest.mark.parametrize("mistake", list(MISTAKES), ids=lambda text: text[:30])
def test_a_mistake_is_told_with_file_line_and_field(tmp_path: Path, mistake: str) -> None:
    files = folder(tmp_path, patient_profiles=f"# Patients\n- additional_context: x\n  {mistake}\n")

    assert problems_of(files) == [f"{tmp_path}/patient_profiles.yaml:{MISTAKES[mistake]}"]


def test_every_mistake_in_every_file_is_told_at_once(tmp_path: Path) -> None:
    one, two, three = (digit * 24 for digit in "123")
    files = folder(
        tmp_path,
        patient_profiles=f"""\
- id: {one}
  gender: male
  frist_name: A
- id: {two}
- id: {two}
- text
""",
        sessions=f"""\
- patient_profile_id: {three}
- session_id: 12a
  consult_note: {{status: DONE, txt: x}}
- duration: 5s
""",
    )

    patients, sessions = f"{tmp_path}/patient_profiles.yaml", f"{tmp_path}/sessions.yaml"
    assert problems_of(files) == [
        f"{patients}:2: [0].gender: Input should be 'MALE', 'FEMALE' or 'OTHER', not 'male'",
        f"{patients}:3: [0].frist_name: unknown field; did you mean first_name?",
        f"{patients}:5: [2]: '{two}' is there already; ids must be unique",
        f"{patients}:6: [3]: should be a mapping of fields",
        f"{sessions}:1: [0].patient_profile_id: no patient profile '{three}' of the same API key; known are {two}",
        f"{sessions}:2: [1].session_id: Input should be 1 to 39 decimal digits, not '12a'",
        f"{sessions}:3: [1].consult_note.status: Input should be 'CREATED' or 'COMPLETED', not 'DONE'",
        f"{sessions}:3: [1].consult_note.txt: unknown field; remove it",
        f"{sessions}:4: [2].duration: Input should be a valid number, not '5s'",
    ]


def test_a_mistake_inside_a_session_is_told_with_its_line(tmp_path: Path) -> None:
    files = folder(
        tmp_path,
        sessions=f"""\
- context_documents:
    - {{id: {"1" * 24}, name: A, filename: a.pdf, uploaded_at: 2025-01-06T09:00:00, parsing: maybe}}
- audio:
    - {{id: {"2" * 24}, track: upload, index: 0, duration: 5s, received_at: 2025-01-06T09:00:00}}
- consultation: gp-couhg
""",
    )

    sessions = f"{tmp_path}/sessions.yaml"
    assert problems_of(files) == [
        f"{sessions}:2: [0].context_documents[0].parsing: Input should be a valid boolean, not 'maybe'",
        f"{sessions}:4: [1].audio[0].duration: Input should be a valid number, not '5s'",
        f"{sessions}:5: [2].consultation: no consultation 'gp-couhg' among the transcripts; did you mean gp-cough?",
    ]


def test_files_that_cannot_be_read_are_all_told(tmp_path: Path) -> None:
    files = folder(tmp_path, patient_profile="- {}", sesions="- {}", xyzzy="- {}", sessions="- [", api_keys="a: b: c")

    found = problems_of(files)

    assert found == [
        f"{tmp_path}/api_keys.yaml:1: no valid YAML: mapping values are not allowed in this context",
        f"{tmp_path}/patient_profile.yaml:1: file: not a fixture file; did you mean patient_profiles?",
        f"{tmp_path}/sesions.yaml:1: file: not a fixture file; did you mean sessions?",
        f"{tmp_path}/sessions.yaml:2: no valid YAML: did not find expected node content",
        f"{tmp_path}/xyzzy.yaml:1: file: not a fixture file; known are {', '.join(sorted(KINDS))}",
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("patient_profiles:\n- {}", "1: file: should be a list of records"),
        ("{}", "1: file: should be a list of records"),
        ("just text", "1: file: should be a list of records"),
        ("- 5", "1: [0]: should be a mapping of fields"),
    ],
)
def test_a_file_is_a_list_of_mappings(tmp_path: Path, text: str, problem: str) -> None:
    assert problems_of(folder(tmp_path, patient_profiles=text)) == [f"{tmp_path}/patient_profiles.yaml:{problem}"]


USER = "{email: a, third_party_internal_id: b}"


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("[]", ["{}: needs at least one key; leave the file out for the packaged one"]),
        ("- {}", ["{}:1: [0].key: Field required", "{}:1: [0].ehr_provider: Field required",
                  "{}:1: [0].managed_by: Field required"]),
        (KEYS + KEYS, ["{}:2: [1]: 'k' is there already; ids must be unique"]),
        ("- {key: '', ehr_provider: P, managed_by: aaaaaaaaaaaaaaaaaaaaaaaa}",
         ["{}:1: [0].key: Input should be visible ASCII characters without blanks, not ''"]),
        ("- {kye: k, key: k, ehr_provider: P, managed_by: aaaaaaaaaaaaaaaaaaaaaaaa}",
         ["{}:1: [0].kye: unknown field; did you mean key?"]),
        (KEYS.replace("}", ", users: A}"), ["{}:1: [0].users: should be a list of users"]),
        (KEYS.replace("}", f", users: [{USER}, {USER}]}}"),
         ["{}:1: [0].users[1]: '" + OWNER + " / a / b' is there already; ids must be unique"]),
        (KEYS.replace("}", ", users: [{email: a}]}"), ["{}:1: [0].users[0].third_party_internal_id: Field required"]),
        (KEYS.replace("}", ", users: [{email: a, third_party_internal_id: b, linked_to: kp_x}]}"),
         ["{}:1: [0].users[0].linked_to: no Heidi user 'kp_x' under this key; there are none"]),
        (KEYS.replace("}", ", heidi_users: [{kinde_user_id: '', heidi_email: e, linked_account_plan: P}]}"),
         ["{}:1: [0].heidi_users[0].kinde_user_id: String should have at least 1 character, not ''"]),
    ],
)  # fmt: skip
def test_mistakes_in_the_keys(tmp_path: Path, text: str, problems: list[str]) -> None:
    found = problems_of(folder(tmp_path, api_keys=text, patient_profiles="- {gender: untold}"))

    # Whose a record is cannot be told without the keys, so the other files wait.
    where = f"{tmp_path}/api_keys.yaml"
    assert [problem.replace(f"{where}:1: file", where) for problem in found] == [
        one.replace("{}", where) for one in problems
    ]


def test_a_session_of_another_keys_patient_dangles() -> None:
    keys = [{"key": key, "ehr_provider": key, "managed_by": key * 24} for key in ("a", "b")]
    profile = {"id": "1" * 24, "managed_by": "b" * 24}

    found = problems_of(
        {"api_keys": keys, "patient_profiles": [profile], "sessions": [{"patient_profile_id": "1" * 24}]}
    )

    assert found == [
        f"sessions[0].patient_profile_id: no patient profile '{'1' * 24}' of the same API key; there are none"
    ]


def test_a_long_value_is_cut_in_the_message() -> None:
    [problem] = problems_of({"patient_profiles": [{"birth_date": "x" * 500}]})

    assert len(problem) < 250
    assert problem.endswith("…")


def test_a_path_where_nothing_stands_is_refused() -> None:
    [problem] = problems_of("/nowhere/at/all")

    assert problem.startswith("fixtures: cannot read /nowhere/at/all: ")
    assert problem.endswith("; give a folder of YAML files, or one file that holds all kinds")


def test_an_unknown_kind_in_a_dict_names_the_nearest() -> None:
    assert problems_of({"patients": [], "session": []}) == [
        "patients: unknown kind of record; did you mean patient_profiles?",
        "session: unknown kind of record; did you mean sessions?",
    ]


# --- Large files ------------------------------------------------------------------------------------------------------

MANY = 2_000


def many(**changed: str) -> str:
    """A file of many profiles, three lines each, where ``_5="x"`` has another third line for the one with number 5."""
    rows = (
        f"- id: {number:024x}\n  ehr_provider: Practice\n  {changed.get(f'_{number}', 'gender: OTHER')}\n"
        for number in range(MANY)
    )
    return "".join(rows)


def alive() -> int:
    """The number of PyYAML's events and nodes."""
    gc.collect()
    return sum(issubclass(type(one), (yaml.Event, yaml.Node)) for one in gc.get_objects())


def test_mistakes_far_down_a_file_are_told_with_their_lines(tmp_path: Path) -> None:
    text = many(_0="gender: male", _1234="frist_name: A", _1999=f"managed_by: {OWNER}") + f"- id: {7:024x}\n"
    files = folder(tmp_path, patient_profiles=text)

    assert [problem.partition("/patient_profiles.yaml:")[2] for problem in problems_of(files)] == [
        "3: [0].gender: Input should be 'MALE', 'FEMALE' or 'OTHER', not 'male'",
        "3705: [1234].frist_name: unknown field; did you mean first_name?",
        f"6000: [1999].managed_by: no API key has the account '{OWNER}'; known are {JOHN}, {TWO}",
        f"6001: [2000]: '{7:024x}' is there already; ids must be unique",
    ]


def test_what_is_no_yaml_is_told_before_what_makes_no_sense(tmp_path: Path) -> None:
    patients = many(_0="gender: male", _1000="gender: !own x", _1999="gender: [")
    sessions = "- duration: 5s\n- {duration: 1, duration: 2}\n- duration: 6s\n"
    files = folder(tmp_path, patient_profiles=patients, sessions=sessions)

    assert problems_of(files) == [
        f"{tmp_path}/patient_profiles.yaml:6001: no valid YAML: did not find expected node content",
        f"{tmp_path}/sessions.yaml:2: duration: stands here twice; remove one",
    ]


def test_a_file_that_is_no_fixture_waits_for_no_other(tmp_path: Path) -> None:
    files = folder(tmp_path, patient_profiles=many(_1999="gender: !own x"), sesions="", sessions="- duration: 5s")

    assert problems_of(files) == [
        f"{tmp_path}/patient_profiles.yaml:6000: the tag '!own' has no meaning here; remove it",
        f"{tmp_path}/sesions.yaml:1: file: not a fixture file; did you mean sessions?",
    ]


def test_a_mistake_that_is_shared_is_told_where_it_was_written(tmp_path: Path) -> None:
    text = "- identifiers: []\n- &one\n  gender: male\n- *one\n- identifiers: &them [{a: 1}]\n- identifiers: *them\n"

    found = problems_of(folder(tmp_path, patient_profiles=text))

    places = [f"{tmp_path}/patient_profiles.yaml:3: [{number}].gender" for number in (1, 2)]
    assert found == [f"{place}: Input should be 'MALE', 'FEMALE' or 'OTHER', not 'male'" for place in places]


def test_a_list_with_an_anchor_is_read_like_any_other(tmp_path: Path) -> None:
    files = folder(tmp_path, patient_profiles="&all\n- first_name: A\n- first_name: B\n  gender: male\n")

    assert parse_yaml(b"&all [1, {a: 2}]", "text") == ["1", {"a": "2"}]
    assert problems_of(files) == [
        f"{tmp_path}/patient_profiles.yaml:4: [1].gender: Input should be 'MALE', 'FEMALE' or 'OTHER', not 'male'"
    ]


@pytest.mark.slow
def test_a_file_is_read_record_by_record(tmp_path: Path) -> None:
    path = folder(tmp_path, patient_profiles=many()) / "patient_profiles.yaml"
    before = alive()

    counts = [alive() - before for number, _ in enumerate(YamlText(path, "file").values()) if number % 500 == 0]

    assert len(counts) == 4
    assert max(counts) < 20


@pytest.mark.slow
def test_nothing_of_the_yaml_is_left_when_it_has_been_read(tmp_path: Path) -> None:
    before = alive()

    base = load(folder(tmp_path, patient_profiles=many()))

    assert (len(base.records[PatientProfile]), alive()) == (MANY, before)


def test_records_share_what_they_have_in_common(tmp_path: Path) -> None:
    text = f"- managed_by: {JOHN}\n  first_name: Ada Augusta\n  created_at: 2024-01-01T00:00:00\n" * 2
    one, two = store_of(folder(tmp_path, patient_profiles=text)).all(PatientProfile)

    assert one.model_fields_set is two.model_fields_set
    assert one.model_fields_set == {"id", "managed_by", "ehr_provider", "first_name", "created_at", "updated_at"}
    assert [name for name, value in one if value is not getattr(two, name)] == ["id"]
    assert one.created_at is two.updated_at


def test_a_copy_of_a_record_has_field_names_of_its_own() -> None:
    one, two = store_of({"patient_profiles": [{"phone": "1"}, {"phone": "2"}]}).all(PatientProfile)

    copy = one.model_copy(update={"email": "a@example.com"})

    assert "email" in copy.model_fields_set
    assert "email" not in two.model_fields_set


def test_no_unquoted_text_outlives_the_reading(packaged: Store) -> None:
    def plain(value: Any) -> bool:
        inner = vars(value).values() if isinstance(value, Value) else value
        if isinstance(inner, dict):
            inner = [*inner, *inner.values()]
        return type(value) is Plain or (
            not isinstance(value, str) and isinstance(inner, Iterable) and any(map(plain, inner))
        )

    kinds: list[type[Record]] = [*KINDS.values(), User]
    records = [record for kind in kinds for record in packaged.all(kind)]
    assert len(records) > 100
    assert [record for record in records if plain(record)] == []


# --- Texts that would harm --------------------------------------------------------------------------------------------


def test_an_alias_bomb_ends_soon() -> None:
    levels = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10))

    # A billion values would take hours.
    with pytest.raises(FixtureError, match="too deep or too large"):
        parse_yaml(f"a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n{levels}".encode(), "bomb")


def test_aliases_that_only_share_are_read(tmp_path: Path) -> None:
    text = "- additional_context: &told same for all\n" + "- additional_context: *told\n" * 50

    store = store_of(folder(tmp_path, patient_profiles=text))

    assert {record.additional_context for record in store.all(PatientProfile)} == {"same for all"}


@pytest.mark.slow
@pytest.mark.parametrize("text", ["[", "{a: ", "- ", "? ", "a:\n"], ids=repr)
def test_endless_nesting_is_refused_and_does_not_kill_the_process(text: str) -> None:
    # In a process of its own: the C composer of PyYAML dies of this, and would take the whole run with it.
    code = (
        "import sys\nfrom mock_heidi.fixtures.documents import FixtureError\n"
        "from mock_heidi.base.slices import finish\nfrom mock_heidi.fixtures.yaml_text import parsing_yaml\n"
        f"text = {text!r}\n"
        "nested = ''.join(' ' * n + text for n in range(2_000)) if text.endswith('\\n') else text * 100_000\n"
        "try:\n    finish(parsing_yaml(nested.encode(), 'deep'))\n"
        "except FixtureError as error:\n    sys.exit('nested deeper than 64 levels' not in str(error))\n"
        "sys.exit('it was read')\n"
    )

    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)  # noqa: S603 - our own words

    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.slow
def test_without_the_c_library_of_yaml_everything_is_the_same(packaged: Store) -> None:
    code = (
        "import hashlib, yaml\ndel yaml.CSafeLoader, yaml.CSafeDumper\n"
        "from mock_heidi.fixtures.export import export\nfrom mock_heidi.fixtures.loader import load\n"
        "from mock_heidi.fixtures.yaml_dump import dump_yaml\n"
        "from mock_heidi.state.store import Store\n"
        "print(hashlib.sha256(dump_yaml(export(Store(load())))).hexdigest())"
    )

    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)  # noqa: S603 - our own words

    expected = hashlib.sha256(dump_yaml(export(packaged))).hexdigest()
    assert (ended.stdout.strip(), ended.stderr) == (expected, "")


@pytest.mark.parametrize("depth", [62, 63])
def test_sixty_four_levels_are_read(depth: int) -> None:
    parsed = parse_yaml(b"a: " + b"[" * depth + b"]" * depth, "deep")

    assert isinstance(parsed, dict)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "sessions.yaml").write_bytes(b"- session_name: \xff\xfe\n")

    [problem] = problems_of(tmp_path)

    assert problem.startswith(f"{tmp_path}/sessions.yaml:1: no valid YAML: ")
    assert "\n" not in problem


def test_a_server_with_broken_fixtures_does_not_start(tmp_path: Path) -> None:
    files = folder(tmp_path, sessions="- {duration: x}")

    with pytest.raises(ConfigError, match=r"sessions\.yaml:1: \[0\]\.duration: Input should be a valid number"):
        create_app(fixtures=files)


@pytest.mark.parametrize("text", ["00123", "1_000", "0045", "1e5", "+7"])
def test_an_unquoted_id_in_a_free_field_stays_as_its_author_sees_it(text: str) -> None:
    assert resolve(Plain(text)) == text


def test_a_hint_ends_the_message_of_a_wrong_operation(tmp_path: Path) -> None:
    file = tmp_path / "faults.yaml"
    file.write_text("- {operation: get_sesion, status: 503}\n", encoding="utf-8")

    with pytest.raises(FixtureError) as refused:
        load(tmp_path)

    assert str(refused.value).endswith("did you mean get_session or create_session or update_session?")
