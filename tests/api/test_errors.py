"""Refusals: their bodies, the order of the checks, and that nothing changes.

- 422 ``{"detail": [{"type", "loc", "msg", "input"}, …]}``, ``ctx`` at the end where pydantic gives one
- 413 ``{"detail": "Request body too large"}``
- 405 ``{"detail": "Method Not Allowed"}`` with all methods of the path in ``Allow``; 404 ``{"detail": "Not Found"}``
- 500 ``{"detail": "Internal Server Error"}`` for an error inside the mock

Order of checks: path and method, token, body, ids.
"""

import json
import logging
from typing import Any, NoReturn

import pytest
from clients import JOHN, Client
from helpers import (
    NOT_AUTHENTICATED,
    PROFILE_NOT_FOUND,
    SESSION,
    SESSION_NOT_FOUND,
    UNKNOWN_ID,
    answered,
    ask,
    settled,
    wire,
)
from judges import load_contract, operations

from mock_heidi.base.settings import BASE_PATH, DEFAULT_KEY

PROFILES, PROFILE, SESSIONS = "/patient-profiles", f"/patient-profiles/{JOHN}", f"/sessions/{SESSION}"
LINK, DELETE = f"{PROFILE}/sessions", "/patient-profiles:batch-delete"
LIMIT = 1_048_576

NOT_FOUND = '{"detail":"Not Found"}'
NOT_ALLOWED = '{"detail":"Method Not Allowed"}'
TOO_LARGE = '{"detail":"Request body too large"}'


def row(kind: str, msg: str, *loc: str | int, given: Any, **more: Any) -> dict[str, Any]:
    return {"type": kind, "loc": ["body", *loc], "msg": msg, "input": given, **more}


def invalid(position: int, error: str) -> dict[str, Any]:
    return row("json_invalid", "JSON decode error", position, given={}, ctx={"error": error})


def not_a_date(field: str, given: str, problem: str) -> dict[str, Any]:
    msg = f"Input should be a valid date or datetime, {problem}"
    return row("date_from_datetime_parsing", msg, *field.split("."), given=given, ctx={"error": problem})


NO_BODY = row("missing", "Field required", given=None)
TEXT, NUMBER, BOOLEAN = (f"Input should be a valid {kind}" for kind in ("string", "number", "boolean"))
GENDERS = "'MALE', 'FEMALE' or 'OTHER'"
NO_OBJECT = "Input should be a valid dictionary or object to extract fields from"
NO_FORM = "input is not of the form YYYY-MM-DD"


def not_a_gender(*loc: str, given: str) -> dict[str, Any]:
    return row("literal_error", f"Input should be {GENDERS}", *loc, given=given, ctx={"expected": GENDERS})


# Every kind of refused body, with the rows of its 422.
REFUSED_BODIES: list[tuple[str, str, bytes, list[dict[str, Any]]]] = [
    # A required body is missing. A body of null counts as missing.
    *(
        (method, path, body, [NO_BODY])
        for method, path in (
            ("POST", PROFILES),
            ("PATCH", PROFILE),
            ("DELETE", DELETE),
            ("POST", LINK),
            ("PATCH", SESSIONS),
        )
        for body in (b"", b"null", b" null ")
    ),
    # Missing fields.
    ("DELETE", DELETE, b"{}", [row("missing", "Field required", "patient_profile_ids", given={})]),
    ("POST", LINK, b'{"ids": []}', [row("missing", "Field required", "session_ids", given={"ids": []})]),
    # Types are strict.
    ("PATCH", SESSIONS, b'{"duration": "5"}', [row("float_type", NUMBER, "duration", given="5")]),
    ("PATCH", SESSIONS, b'{"duration": true}', [row("float_type", NUMBER, "duration", given=True)]),
    ("PATCH", SESSIONS, b'{"duration": [5]}', [row("float_type", NUMBER, "duration", given=[5])]),
    ("PATCH", SESSIONS, b'{"is_consent": 1}', [row("bool_type", BOOLEAN, "is_consent", given=1)]),
    ("PATCH", SESSIONS, b'{"is_consent": "true"}', [row("bool_type", BOOLEAN, "is_consent", given="true")]),
    ("PATCH", SESSIONS, b'{"is_consent": []}', [row("bool_type", BOOLEAN, "is_consent", given=[])]),
    ("PATCH", SESSIONS, b'{"language_code": 5}', [row("string_type", TEXT, "language_code", given=5)]),
    ("PATCH", SESSIONS, b'{"patient": {"name": 5}}', [row("string_type", TEXT, "patient", "name", given=5)]),
    ("PATCH", SESSIONS, b'{"patient": "N"}', [row("model_attributes_type", NO_OBJECT, "patient", given="N")]),
    (
        "PATCH",
        SESSIONS,
        b'{"clinician_notes": "N"}',
        [row("list_type", "Input should be a valid list", "clinician_notes", given="N")],
    ),
    (
        "PATCH",
        SESSIONS,
        b'{"clinician_notes": ["a", null, 5]}',
        [row("string_type", TEXT, "clinician_notes", at, given=given) for at, given in ((1, None), (2, 5))],
    ),
    ("PATCH", PROFILE, b'{"remember_consent": 0}', [row("bool_type", BOOLEAN, "remember_consent", given=0)]),
    ("POST", PROFILES, b'{"first_name": 5}', [row("string_type", TEXT, "first_name", given=5)]),
    ("POST", PROFILES, b'{"patient_sex_code": "1"}', [row("float_type", NUMBER, "patient_sex_code", given="1")]),
    (
        "POST",
        PROFILES,
        b'{"identifiers": {"a": 1}}',
        [row("list_type", "Input should be a valid list", "identifiers", given={"a": 1})],
    ),
    ("POST", "/sessions", b'{"patient_profile_id": 5}', [row("string_type", TEXT, "patient_profile_id", given=5)]),
    (
        "DELETE",
        DELETE,
        b'{"patient_profile_ids": [5]}',
        [row("string_type", TEXT, "patient_profile_ids", 0, given=5)],
    ),
    # A session's id is a string, since clients lose the last digits of a number of this size.
    ("POST", LINK, b'{"session_ids": [1234567890]}', [row("string_type", TEXT, "session_ids", 0, given=1234567890)]),
    # Enum values are exact.
    ("POST", PROFILES, b'{"gender": "unknown"}', [not_a_gender("gender", given="unknown")]),
    ("PATCH", PROFILE, b'{"gender": "Unknown"}', [not_a_gender("gender", given="Unknown")]),
    ("PATCH", SESSIONS, b'{"patient": {"gender": ""}}', [not_a_gender("patient", "gender", given="")]),
    # Dates have one format and exist in the calendar.
    *(
        ("POST", PROFILES, wire({"birth_date": given}).encode(), [not_a_date("birth_date", given, problem)])
        for given, problem in (
            ("2023-02-29", "day value is outside expected range"),
            ("2023-13-01", "month value is outside expected range of 1-12"),
            ("0000-01-01", "year 0 is out of range"),
            ("631152000", NO_FORM),
            ("631152000.0", "invalid date separator, expected `-`"),
            ("1990-1-15", "input is too short"),
            ("15/01/1990", "invalid character in year"),
            ("1990-01-15T00:00:00", "unexpected extra characters at the end of the input"),
            (" 1990-01-15", "invalid character in year"),
            ("", "input is too short"),
        )
    ),
    ("POST", PROFILES, b'{"birth_date": 631152000}', [row("string_type", TEXT, "birth_date", given=631152000)]),
    (
        "PATCH",
        SESSIONS,
        b'{"patient": {"dob": "1990-02-30"}}',
        [not_a_date("patient.dob", "1990-02-30", "day value is outside expected range")],
    ),
    # Several mistakes, in the order of the fields.
    (
        "POST",
        PROFILES,
        b'{"gender": "x", "phone": [], "first_name": 1}',
        [
            row("string_type", TEXT, "first_name", given=1),
            not_a_gender("gender", given="x"),
            row("string_type", TEXT, "phone", given=[]),
        ],
    ),
    # Not an object.
    *(
        (method, path, body, [row("model_attributes_type", NO_OBJECT, given=json.loads(body))])
        for method, path in (("POST", PROFILES), ("POST", "/sessions"))
        for body in (b"[]", b'"text"', b"5", b"true", b'[{"first_name": "A"}]')
    ),
    # Not JSON, or JSON that the server could not write in an answer.
    *(
        (method, path, body, [invalid(position, error)])
        for method, path in (("PATCH", SESSIONS), ("POST", "/sessions"))
        for body, position, error in (
            (b"{", 1, "Expecting property name enclosed in double quotes"),
            (b'{"a" 1}', 5, "Expecting ':' delimiter"),
            (b"first_name=John", 0, "Expecting value"),
            (b"{} {}", 3, "Extra data"),
            (b'{"duration": 016}', 14, "Expecting ',' delimiter"),
            ('{"ä": "ö"'.encode(), 9, "Expecting ',' delimiter"),
            (b'{"a": "\n"}', 7, "Invalid control character at"),
            (b"   ", 3, "Expecting value"),
            (b"\xff{}", 0, "Not UTF-8"),
            (b'{"a": "caf\xe9"}', 10, "Not UTF-8"),
            ('{"a": 1}'.encode("utf-16-le"), 1, "Expecting property name enclosed in double quotes"),
            (b'{"a": "\\ud800"}', 0, "Lone surrogate in a string"),
            (b'{"\\udfff": 1}', 0, "Lone surrogate in a string"),
            (b'{"duration": NaN}', 0, "NaN is not JSON"),
            (b'{"duration": Infinity}', 0, "Infinity is not JSON"),
            (b'{"unknown": [-Infinity]}', 0, "-Infinity is not JSON"),
            (b'{"duration": 1e999}', 0, "Number too large"),
            (b'{"unknown": [-1e999]}', 0, "Number too large"),
            (
                b'{"duration": ' + b"9" * 5000 + b"}",
                0,
                "Exceeds the limit (4300 digits) for integer string conversion: value has 5000 digits",
            ),
            (b'{"a":' + b"[" * 64 + b"]" * 64 + b"}", 0, "Nested deeper than 64 levels"),
            (b'{"a":' * 64 + b"[]" + b"}" * 64, 0, "Nested deeper than 64 levels"),
            (b"[" * 65 + b"]" * 65, 0, "Nested deeper than 64 levels"),
            (b"[" * 100_000, 0, "Nested deeper than 64 levels"),
            (b'{"a":' * 100_000, 0, "Nested deeper than 64 levels"),
        )
    ),
]


def _name(value: Any) -> str:
    return value[:40].decode("latin-1") if isinstance(value, bytes) else value if isinstance(value, str) else ""


@pytest.mark.slow
@pytest.mark.parametrize(("method", "path", "body", "rows"), REFUSED_BODIES, ids=_name)
def test_an_invalid_body_is_refused_with_a_row_per_mistake_and_changes_nothing(
    heidi: Client, method: str, path: str, body: bytes, rows: list[dict[str, Any]]
) -> None:
    before = settled(heidi)

    answer = heidi.request(method, path, content=body)

    assert answered(answer) == (422, wire({"detail": rows}))
    assert heidi.state() == before


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":' + b"[" * 63 + b"]" * 63 + b"}",
        b"{" + b'"a":[[[],[],[]]],' * 100 + b'"b":' + b'{"c":' * 62 + b"1" + b"}" * 62 + b"}",
        b'{"a": "' + b"[" * 1000 + b'"}',
        b'\xef\xbb\xbf{"a": "\\ud83d\\ude00 \\u0000", "b": 1e308, "c": -0.0}',
    ],
    ids=["64 levels", "wide", "brackets in a text", "BOM and pairs"],
)
def test_a_body_just_within_the_limits_of_json_is_accepted(heidi: Client, body: bytes) -> None:
    assert heidi.post("/sessions", content=body).status_code == 200


def test_a_trailing_comma_is_invalid_json(heidi: Client) -> None:
    answer = heidi.patch(PROFILE, content=b'{"first_name": "A",}')  # the message differs between versions of Python

    [found] = answer.json()["detail"]
    assert (answer.status_code, found["type"], found["loc"][0]) == (422, "json_invalid", "body")


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "application/x-www-form-urlencoded", ""])
def test_json_is_read_whatever_its_content_type(heidi: Client, content_type: str) -> None:
    answer = heidi.patch(PROFILE, content=b'{"first_name": "A"}', headers={"Content-Type": content_type})

    assert (answer.status_code, answer.json()["data"]["first_name"]) == (200, "A")


# --- Size -------------------------------------------------------------------------------------------------------------


def _body(size: int) -> bytes:
    frame = b'{"first_name": "%s"}'
    return frame % (b"a" * (size - len(frame) + 2))


def _in_pieces(body: bytes, size: int = 60_000) -> list[Any]:
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    last = len(pieces) - 1
    return [{"type": "http.request", "body": part, "more_body": at < last} for at, part in enumerate(pieces)]


@pytest.mark.parametrize(
    ("size", "status"), [(LIMIT, 200), (LIMIT + 1, 413), (3 * LIMIT, 413)], ids=["limit", "one more", "thrice"]
)
@pytest.mark.parametrize("announced", [True, False], ids=["content-length", "chunked"])
def test_a_body_over_a_megabyte_is_too_large(heidi: Client, size: int, status: int, *, announced: bool) -> None:
    before = settled(heidi)
    body = _body(size)
    headers = {"Authorization": f"Bearer {heidi.token()}", **({"Content-Length": str(size)} if announced else {})}

    reply = ask(heidi.app, "PATCH", f"{BASE_PATH}{PROFILE}", headers=headers, messages=_in_pieces(body))

    assert len(body) == size
    assert reply.status == status
    assert (reply.body.decode() == TOO_LARGE) == (heidi.state() == before) == (status == 413)


def test_a_large_body_is_refused_although_its_content_length_is_small(heidi: Client) -> None:
    headers = {"Authorization": f"Bearer {heidi.token()}", "Content-Length": "2"}

    reply = ask(heidi.app, "POST", f"{BASE_PATH}/sessions", headers=headers, messages=_in_pieces(b" " * (LIMIT + 1)))

    assert (reply.status, reply.body.decode()) == (413, TOO_LARGE)


# --- Paths and methods ------------------------------------------------------------------------------------------------

# Every path with all of its methods.
IDS = {"patient_profile_id": JOHN, "session_id": SESSION, "recording_id": "1"}
OPERATIONS = sorted((one.path.format(**IDS), one.method) for one in operations(load_contract()))
PATHS = {path: [method for same, method in OPERATIONS if same == path] for path, _ in OPERATIONS}
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"]


@pytest.mark.slow
@pytest.mark.parametrize("signed", [True, False], ids=["signed", "unsigned"])
@pytest.mark.parametrize("path", list(PATHS))
def test_a_method_that_a_path_lacks_is_refused_with_its_allowed_methods(
    heidi: Client, path: str, *, signed: bool
) -> None:
    before = settled(heidi)
    others = [method for method in METHODS if method not in PATHS[path]]

    answers = [heidi.request(method, path, signed=signed, content=b"{not read") for method in others]

    assert [(answer.status_code, answer.text, answer.headers["allow"]) for answer in answers] == [
        (405, "" if method == "HEAD" else NOT_ALLOWED, ", ".join(PATHS[path])) for method in others
    ]
    assert heidi.state() == before


@pytest.mark.parametrize(
    "path",
    [
        BASE_PATH,
        *(
            f"{BASE_PATH}{path}"
            for path in (
                "/",
                "/nothing",
                "/JWT",
                "/jwt/more",
                "/jwt:verb",
                "/patient-profile",
                "/patient-profiles:batch-delete/x",
                "/patient-profiles:batch_delete",
                "/patient-profiles:",
                f"{PROFILE}/session",
                f"{LINK}/1",
                f"{PROFILE}/x:batch-delete",
                f"{SESSIONS}/nothing",
                "/users",
            )
        ),
        "/nothing",
        "/jwt",
        "/api/v2/ml-scribe",
        "/api/v2/ml-scribe/open-apix/jwt",
        "/API/v2/ml-scribe/open-api/jwt",
        f"/x{BASE_PATH}/jwt",
        "/ns",
        "/ns/",
        "/ns/x",
        "/ns/x/jwt",
        f"/ns{BASE_PATH}/jwt",
        "/livez/x",
        "/mock/health",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_unknown_path_is_not_found(heidi: Client, path: str, method: str) -> None:
    reply = ask(heidi.app, method, path)

    assert (reply.status, reply.body.decode(), "allow" in reply.headers) == (404, NOT_FOUND, False)


# One path of each kind: without parameters, with an id, with a verb at its end.
@pytest.mark.parametrize("change", ["//", "///", "trailing", "both"])
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/patient-profiles", 200),
        ("POST", f"{SESSIONS}/documents", 422),
        ("POST", f"{SESSIONS}/restful-segment-transcription/1:finish", 404),
    ],
)
def test_doubled_and_trailing_slashes_are_ignored_without_a_redirect(
    heidi: Client, method: str, path: str, status: int, change: str
) -> None:
    headers = {"Authorization": f"Bearer {heidi.token()}", "Heidi-Api-Key": DEFAULT_KEY}
    straight = f"{BASE_PATH}{path}"
    crooked = {
        "//": straight.replace("/", "//"),
        "///": f"{BASE_PATH}//{path}",
        "trailing": f"{straight}/",
        "both": f"{BASE_PATH}/{path}//",
    }[change]
    message = {"type": "http.request", "body": b"{}", "more_body": False}

    replies = []
    for spelling in (straight, crooked):
        heidi.post("/_mock/reset")
        replies.append(ask(heidi.app, method, spelling, headers=headers, messages=[message]))

    names = [reply.headers.pop("x-mock-provenance").split("; ")[1].split(", ") for reply in replies]
    assert replies[0] == replies[1]
    assert replies[0].status == status
    assert set(names[1]) - set(names[0]) == {"extra_slashes"}


# --- Order ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path"), [(method, path) for path, method in OPERATIONS if path != "/jwt"], ids=lambda value: value
)
def test_the_token_is_checked_before_the_body_and_the_ids(heidi: Client, method: str, path: str) -> None:
    unknown = path.replace(JOHN, UNKNOWN_ID).replace(SESSION, "99")

    answer = heidi.request(method, unknown, signed=False, content=b"[" * (LIMIT + 1))

    assert answered(answer) == (401, wire(NOT_AUTHENTICATED))


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PATCH", f"/patient-profiles/{UNKNOWN_ID}"),
        ("POST", f"/patient-profiles/{UNKNOWN_ID}/sessions"),
        ("PATCH", "/sessions/99"),
    ],
)
def test_the_body_is_checked_before_the_ids(heidi: Client, method: str, path: str) -> None:
    answer = heidi.request(method, path, content=b"")

    assert answered(answer) == (422, wire({"detail": [NO_BODY]}))


def test_the_profile_is_looked_up_before_the_sessions(heidi: Client) -> None:
    answers = [
        heidi.post(f"/patient-profiles/{profile}/sessions", json={"session_ids": ["99"]})
        for profile in (UNKNOWN_ID, JOHN)
    ]

    assert [found.json() for found in answers] == [PROFILE_NOT_FOUND, SESSION_NOT_FOUND]


# --- Errors inside the mock -------------------------------------------------------------------------------------------


@pytest.mark.breaks_contract
def test_an_internal_error_has_the_vendor_body_and_is_readable_by_browsers(
    heidi: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_: object) -> NoReturn:
        raise ZeroDivisionError("Ada's phone number")

    before = settled(heidi)
    with monkeypatch.context() as patch, caplog.at_level(logging.ERROR):
        patch.setattr(heidi.app.registry.default.store, "put", broken)
        answer = heidi.post(PROFILES, json={"first_name": "Ada"}, headers={"Origin": "http://localhost:3000"})

    assert answered(answer) == (500, '{"detail":"Internal Server Error"}')
    assert answer.headers["access-control-allow-origin"] == "http://localhost:3000"
    assert "ZeroDivisionError" in caplog.text
    assert "test_errors.py:" in caplog.text  # the log names the place of the error but no values
    assert "Ada" not in caplog.text
    assert heidi.state() == before
    assert heidi.post(PROFILES, json={"first_name": "Ada"}).status_code == 200


# Each of these could store a lone surrogate, which would break a later answer that shows it.
HALF_A_LETTER = {
    "a field": ("PATCH", f"/sessions/{SESSION}", {"content": b'{"session_name": "\\ud800"}'}, 422),
    "an unknown field": ("POST", "/sessions", {"content": b'{"\\ud800": 1}'}, 422),
    "a nested name": ("POST", "/sessions", {"content": b'{"a": [{"\\udfff": 1}]}'}, 422),
    "bytes of one": ("POST", "/sessions", {"content": b'{"a": "\xed\xa0\x80"}'}, 422),
    "a JSON body that is called a form": (
        "POST",
        f"/sessions/{SESSION}/restful-segment-transcription/1:transcribe",
        {"content": b'{"\\ud800": 1}'},
        422,
    ),
    "an unknown parameter": ("GET", "/patient-profiles?%ED%A0%80=%FF&%5Cud800=1", {}, 200),
    "a path": ("GET", "/sessions/%ED%A0%80", {}, 404),
    "an unknown path": ("GET", "/%ED%A0%80/\\ud800", {}, 404),
    "a header": ("GET", "/patient-profiles", {"headers": {"X-Own": b"\xed\xa0\x80 \\ud800"}}, 200),
    "a fault": ("GET", "/patient-profiles", {"headers": {"X-Mock-Fault": 'delay=0,label="\\ud800"'}}, 400),
}


@pytest.mark.parametrize(("method", "path", "options", "status"), HALF_A_LETTER.values(), ids=HALF_A_LETTER)
def test_a_lone_surrogate_breaks_no_later_answer(
    heidi: Client, method: str, path: str, options: dict[str, Any], status: int
) -> None:
    answer = heidi.request(method, path, **options)

    endpoints = ("state", "findings", "requests", "requests?text=a", "requests?format=curl", "requests?format=har")
    assert answer.status_code == status
    assert [heidi.get(f"/_mock/{endpoint}").status_code for endpoint in endpoints] == [200] * len(endpoints)


def test_invalid_utf8_in_the_sign_in_query_becomes_a_replacement_character(heidi: Client) -> None:
    # FastAPI replaces bytes of a query that are not UTF-8 by U+FFFD.
    query = "email=%ED%A0%80&third_party_internal_id=%FF"

    answer = heidi.get(f"/jwt?{query}", signed=False, headers={"Heidi-Api-Key": DEFAULT_KEY})
    user = heidi.state()["api_keys"][0]["users"][-1]

    assert answer.status_code == 200
    assert user == {"email": "\ufffd\ufffd\ufffd", "third_party_internal_id": "\ufffd"}


@pytest.mark.slow
def test_a_refusal_lists_at_most_a_hundred_mistakes(heidi: Client) -> None:
    answer = heidi.post("/patient-profiles", json={"identifiers": [], "first_name": 1})
    many = heidi.request("DELETE", "/patient-profiles:batch-delete", json={"patient_profile_ids": [1] * 50_000})

    assert len(answer.json()["detail"]) == 1
    assert (many.status_code, len(many.json()["detail"])) == (422, 100)
