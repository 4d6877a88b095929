"""Assumptions about paths, bodies and types."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from mock_heidi.base import contract
from mock_heidi.base.operations import OPERATIONS, Takes
from mock_heidi.comparing.detectors.detector import Detector, on
from mock_heidi.comparing.exchange import NOT_JSON, Exchange, scalar
from mock_heidi.comparing.history import History
from mock_heidi.comparing.walker import FORMAT, TYPE, Walker

_GENDERS = ("MALE", "FEMALE", "OTHER")
# What a lenient service takes for a number, a boolean or a date.
_NEAR = re.compile(
    r"[+-]?\d{1,20}(\.\d+)?|true|false|\d{4}-\d\d-\d\d[T ]00:00(:00(\.0+)?)?(Z|[+-]00:00)?", re.ASCII | re.IGNORECASE
)
_SESSION_ID = re.compile(r"[0-9]{1,39}", re.ASCII)
_OBJECT_ID = re.compile(r"[0-9a-f]{24}", re.ASCII)
_IDS = {"session_id": _SESSION_ID, "patient_profile_id": _OBJECT_ID, "recording_id": re.compile(r"[0-9]+", re.ASCII)}


def extra_slashes(exchange: Exchange, _: History) -> Any:
    """A path with doubled slashes or a slash at its end."""
    if "//" not in exchange.path and not exchange.path.endswith("/"):
        return None
    if exchange.redirected:
        return "redirect"
    if exchange.error == "NotFoundError":
        return "not_found"
    # A page of a proxy tells nothing about the service.
    return "served" if exchange.ok or exchange.error or exchange.unprocessable else None


def type_coercion(exchange: Exchange, _: History) -> Any:
    """A body with a value of a similar type, such as "5" for a number."""
    near = list(_near_types(exchange))
    if not near or exchange.ok:
        return "lax" if near else None
    return "strict" if exchange.blames(*near) else None


def _near_types(exchange: Exchange) -> Iterator[str]:
    """The names of the fields whose value is of a similar type."""
    spec = _operation(exchange.operation).get("requestBody", {})
    schema = spec.get("content", {}).get("application/json", {}).get("schema")
    if schema is None or exchange.given is NOT_JSON:
        return
    for one in Walker(contract.loaded()).differences(schema, exchange.given):
        name = one.place.rpartition(".")[2]
        value = _at(exchange.given, one.place)
        wants = one.kind == FORMAT or (one.kind == TYPE and re.search("number|integer|boolean", one.note))
        if name != "gender" and wants and isinstance(value, str) and _NEAR.fullmatch(value):
            yield name


def _operation(name: str) -> Any:
    """The operation in the contract."""
    method, path = OPERATIONS[name].request.split()
    return contract.loaded()["paths"][path][method.lower()]


def _at(value: Any, place: str) -> Any:
    for step in place.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return value


def json_content_type(exchange: Exchange, _: History) -> Any:
    """A JSON body under another content type, or under none."""
    kind = exchange.headers.get("content-type", "").partition(";")[0].strip().lower()
    if exchange.given is NOT_JSON or kind == "application/json" or kind.endswith("+json"):
        return None
    if exchange.ok:
        return "any"
    return "json_only" if exchange.blames("body") and len(exchange.blamed) == 1 else None


def body_required(exchange: Exchange, _: History) -> Any:
    """A request without the body that its operation needs."""
    if exchange.sent != b"" or exchange.error:
        return None
    return exchange.status if exchange.status == 400 or exchange.blamed == {"body"} else None  # noqa: PLR2004


def malformed_multipart(exchange: Exchange, _: History) -> Any:
    """A body that is not a complete form."""
    return exchange.status if not exchange.whole_form and exchange.status in (400, 422) else None


def null_in_create(exchange: Exchange, _: History) -> Any:
    """A create with null in a field."""
    names = [name for name, value in exchange.fields.items() if value is None]
    if exchange.ok and names:
        return "not_given"
    return "refused_422" if exchange.blames(*names) else None


def null_in_update(exchange: Exchange, history: History) -> Any:
    """A PATCH with null in a field that was set before."""
    before = _before(exchange, history)
    after = exchange.value("session" if exchange.session else "data")
    found: set[str | None] = set()
    for path in _nulls(exchange.fields):
        if exchange.blames(path[-1]):
            return "refused_422"
        old, new = (_at(value, ".".join(path)) for value in (before, after))
        if exchange.ok and old and isinstance(after, dict):
            # An update may replace the whole patient, which empties the other fields too.
            found.add("ignored" if new == old else "clears" if not new and len(path) == 1 else None)
    found.discard(None)
    return found.pop() if len(found) == 1 else None


def _nulls(fields: Any) -> list[list[str]]:
    """The places of null in the body of a PATCH."""
    inner = fields["patient"] if isinstance(fields.get("patient"), dict) else {}
    return [[name] for name in fields if fields[name] is None] + [
        ["patient", name] for name in inner if inner[name] is None
    ]


def _before(exchange: Exchange, history: History) -> Any:
    """The record as it was shown before; a session without the patient if a profile may fill its details."""
    if not exchange.session:
        return history.profiles.get(exchange.params["patient_profile_id"], {})
    session = history.session(exchange)
    shown = session.shown if session.fresh else {}
    return {name: value for name, value in shown.items() if name != "patient" or not session.profile}


def empty_update(exchange: Exchange, _: History) -> Any:
    """A PATCH with an empty object as its body."""
    return exchange.status if exchange.given == {} and exchange.status in (200, 400, 422) else None


def malformed_id(exchange: Exchange, _: History) -> Any:
    """A path with a text that does not have the form of an id."""
    wrong = [name for name, value in exchange.params.items() if not _IDS[name].fullmatch(value)]
    if not wrong or exchange.error == "NotFoundError":
        return None
    if exchange.status == 404:  # noqa: PLR2004
        return 404
    return 422 if exchange.blames(*wrong) else None


def validation_errors(exchange: Exchange, _: History) -> Any:
    """A 422 that names what is wrong in the request."""
    detail = exchange.value("detail")
    if not exchange.unprocessable or exchange.error:
        return None
    if isinstance(detail, str):
        return "sentence" if exchange.blames("body", "query", "path", "header") else None
    rows = [row for row in detail if isinstance(row, dict) and "loc" in row] if isinstance(detail, list) else []
    return ("pydantic2" if any("input" in row for row in rows) else "pydantic1") if rows else None


def gender_case(exchange: Exchange, _: History) -> Any:
    """A gender in another spelling than MALE, FEMALE and OTHER."""
    patient = exchange.fields.get("patient") if exchange.session else exchange.fields
    sent = patient.get("gender") if isinstance(patient, dict) else None
    if not isinstance(sent, str) or sent in _GENDERS:
        return None
    known = sent.upper() in _GENDERS
    if exchange.blamed and exchange.blamed <= {"body", "patient", "gender"}:
        return "exact" if known else {"exact", "any_case"}
    if not exchange.ok:
        return None
    shown = exchange.value("session", "patient") if exchange.session else exchange.value("data")
    gender = scalar(shown.get("gender")) if isinstance(shown, dict) else None
    return {sent: "any_text", sent.upper() if known else None: "any_case"}.get(gender) if gender else None


_TAKES_JSON = " ".join(name for name, one in OPERATIONS.items() if one.takes is Takes.JSON)
_NEEDS_BODY = " ".join(one for one in _TAKES_JSON.split() if one not in ("create_session", "delete_context_documents"))
_FORMS = " ".join(name for name, one in OPERATIONS.items() if one.takes is Takes.FORM)

DETECTORS: list[Detector] = [
    *on("*", extra_slashes, malformed_id, validation_errors),
    *on(_TAKES_JSON, type_coercion, json_content_type),
    *on(_NEEDS_BODY, body_required),
    *on(_FORMS, malformed_multipart),
    *on("create_patient_profile create_session", null_in_create),
    *on("update_patient_profile update_session", null_in_update, empty_update),
    *on("create_patient_profile update_patient_profile update_session", gender_case),
]
