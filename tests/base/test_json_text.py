"""JSON is read by a quick reader if possible, else by an exact one. Both give the same values."""

import json
import warnings
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mock_heidi.api import patient_profiles, sessions
from mock_heidi.base.errors import UnprocessableError
from mock_heidi.base.json_text import parse_exactly, parse_json, parse_plain, record_json, to_json
from mock_heidi.base.values import Outgoing
from mock_heidi.state.patient_records import PatientProfile
from mock_heidi.state.session_records import Session
from mock_heidi.web.response import view_of

TIME = "2025-01-06T12:00:00.000000"

# --- Reading ----------------------------------------------------------------------------------------------------------

TEXTS = st.sampled_from(
    [
        '"a"',
        '"b"',
        '""',
        '"a:b"',
        r'"\":"',
        r'"\u00e9"',
        r'"\ud800"',
        r'"\ud83d\ude00"',
        '"é"',
        '"\x7f"',
        '"\t"',
        '"{["',
    ]
)
NUMBERS = st.sampled_from(
    [
        "0",
        "-0",
        "1",
        "-7",
        "01",
        "1.5",
        "-0.0",
        "1e3",
        "1e999",
        "-1e999",
        "1e-999",
        "NaN",
        "Infinity",
        "-Infinity",
        "9" * 400,
        "9" * 5_000,
        "1.",
        ".5",
        "+1",
        "0x1",
    ]
)  # fmt: skip
WORDS = st.sampled_from(["true", "false", "null", "True", "nul", ""])
BLANKS = st.sampled_from(["", "", "", " ", "\n", "\t", "\x0c", "\ufeff"])


def _inside(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return objects(values) | st.lists(values, max_size=3).map(lambda items: f"[{','.join(items)}]")


@st.composite
def objects(draw: st.DrawFn, values: st.SearchStrategy[str]) -> str:
    pairs = draw(st.lists(st.tuples(TEXTS, BLANKS, BLANKS, values), max_size=4))
    return "{" + ",".join(f"{key}{before}:{after}{value}" for key, before, after, value in pairs) + "}"


SCALARS = TEXTS | NUMBERS | WORDS
VALUES = st.recursive(SCALARS, _inside, max_leaves=6)
DEEP = st.sampled_from([63, 64, 65, 300, 10_000]).map(lambda depth: "[" * depth + "]" * depth)
BODIES = st.builds(
    lambda before, value, after: (before + value + after).encode(),
    BLANKS, objects(SCALARS) | objects(VALUES) | objects(DEEP | SCALARS) | VALUES, BLANKS,
)  # fmt: skip


def outcome(read: Any, body: bytes) -> str:
    try:
        return repr(read(body))
    except UnprocessableError as error:
        return f"refused: {error.problems}"


@pytest.mark.slow
@settings(max_examples=1_000, deadline=None, derandomize=True)
@example(b'{"a": 1e999, "a": 1}')
@example(b'{"a" :1e999,"a":1}')
@example(b'{"a": NaN, "a": 1}')
@example(b'{"a": 1e999, "a": ":"}')
@example(b'{"a": "\\ud800", "a": 1}')
@example(b'{"a": "caf\xe9"}')
@given(BODIES)
def test_both_readers_accept_and_refuse_the_same_bodies(body: bytes) -> None:
    assert outcome(parse_json, body) == outcome(parse_exactly, body)


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": NaN}',
        b'{"a": 1e999}',
        b'{"a": 1.5}',
        b'{"a": "\\ud800"}',
        b'{"a": 1, "a": 2}',
        b'{"a" : 1,"a":2}',
        b'{"a": [1]}',
        b'{"a": {}}',
        b"[]",
        b"1",
        b"{",
        b"\xef\xbb\xbf{}",
    ],
)
def test_the_quick_reader_returns_none_for_other_bodies(body: bytes) -> None:
    assert parse_plain(body) is None


@pytest.mark.parametrize("text", ["One", "Allergies: none", 'says "no" twice', "é", "{[", ""])
def test_the_quick_reader_reads_texts_numbers_flags_and_nulls(text: str) -> None:
    value = {"a": text, "b": 5, "c": True, "d": None}

    assert parse_plain(json.dumps(value, ensure_ascii=False).encode()) == value


def test_an_infinite_number_is_refused_even_if_its_key_is_repeated() -> None:
    with pytest.raises(UnprocessableError) as caught:
        parse_json(b'{"duration": 1e999, "duration": 5}')

    assert [problem["ctx"] for problem in caught.value.problems] == [{"error": "Number too large"}]


# --- Writing ----------------------------------------------------------------------------------------------------------


class Backwards(Outgoing):
    """The record's keys in another order, and an additional key."""

    phone: str | None
    source: str
    id: str


VIEWS: list[tuple[type[Outgoing], dict[str, Any]]] = [
    (patient_profiles.PatientProfileCreated, {}),
    (patient_profiles.PatientProfileUpdated, {"source": "EHR"}),
    (patient_profiles.PatientProfileDetail, {}),
    (patient_profiles.PatientProfileListed, {"session_count": 3}),
    (Backwards, {"source": "EHR"}),
]
WORDS_OF_A_PERSON = st.none() | st.text(st.characters(codec="utf-8"))


@pytest.mark.parametrize(("view", "own"), VIEWS, ids=lambda value: getattr(value, "__name__", ""))
@settings(max_examples=50, deadline=None, derandomize=True)
@given(name=WORDS_OF_A_PERSON, phone=WORDS_OF_A_PERSON, flag=st.none() | st.booleans())
def test_a_written_record_is_its_view_in_json(
    view: type[Outgoing], own: dict[str, Any], name: str | None, phone: str | None, flag: bool | None
) -> None:
    profile = PatientProfile(
        id="1" * 24, managed_by="a" * 24, ehr_provider="P", created_at=TIME, updated_at=TIME,
        first_name=name, phone=phone, remember_consent=flag, demographic_string=name or "",
    )  # fmt: skip

    assert record_json(view, profile, **own) == to_json(view_of(view, profile, **own))


def test_a_record_with_more_fields_is_written_without_a_warning() -> None:
    session = Session(
        session_id="1", managed_by="a" * 24, session_name="S", ehr_provider="P", created_at=TIME, updated_at=TIME
    )

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        body = record_json(sessions.SessionCreated, session)

    assert body == b'{"session_id":"1"}'
