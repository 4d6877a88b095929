"""Errors as answers: their status, bytes and headers; and the errors that a fault can send, by name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus

from mock_heidi.base.assumptions import DEFAULTS, Assumptions
from mock_heidi.base.error_forms import detail_of
from mock_heidi.base.errors import (
    BodyTooLargeError,
    CodingNotEnabledError,
    ConsultNoteNotFoundError,
    ExpiredTokenError,
    HeidiError,
    InternalError,
    InvalidApiKeyError,
    InvalidTokenError,
    LinkedAccountRequiredError,
    MissingTokenError,
    NoLinkedUserException,
    NotFoundError,
    OnlyAudioError,
    OpenAPIHeidiAccountAlreadyLinkedError,
    PatientProfileNotFoundError,
    RecordingFinishedError,
    RecordingNotFoundError,
    RecordingRequiredError,
    SessionNotFoundError,
    TemplateNotFoundError,
    TemplateRequiredError,
    UnprocessableError,
    UnsupportedFileTypeError,
    UploadFailedError,
)

# The errors that a fault can send, by name, each with the provenance of its body.
BY_NAME: dict[str, tuple[HeidiError, str]] = {
    type(error).__name__: (error, provenance)
    for provenance, errors in {
        "documented": (
            PatientProfileNotFoundError(),
            SessionNotFoundError(),
            OpenAPIHeidiAccountAlreadyLinkedError("kp_xxx"),
            NoLinkedUserException(),
            OnlyAudioError(),
            UploadFailedError(),
        ),
        "observed": (LinkedAccountRequiredError(), NotFoundError(), InternalError()),
        "assumed": (
            TemplateNotFoundError(),
            RecordingNotFoundError(),
            RecordingFinishedError(),
            ConsultNoteNotFoundError(),
            TemplateRequiredError(),
            RecordingRequiredError(),
            CodingNotEnabledError(),
            UnsupportedFileTypeError(),
            InvalidApiKeyError(),
            InvalidTokenError(),
            ExpiredTokenError(),
            MissingTokenError(),
            BodyTooLargeError(),
            UnprocessableError([{"type": "missing", "loc": ["body"], "msg": "Field required", "input": None}]),
        ),
    }.items()
    for error in errors
}


def reason_phrase(status: int) -> str:
    """The HTTP reason phrase of a status."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return f"Status {status}"


def status_of(error: HeidiError, chosen: Assumptions = DEFAULTS) -> int:
    """The HTTP status of an error. If no source gives it, an assumption does."""
    status = error.status
    return status if isinstance(status, int) else chosen.status(status)


def render(error: HeidiError, chosen: Assumptions = DEFAULTS) -> tuple[int, bytes, Mapping[str, str]]:
    """Status, JSON body and extra headers of an error."""
    detail = detail_of(error, chosen) if chosen.chosen else error.detail
    body = json.dumps({"detail": detail}, ensure_ascii=False, separators=(",", ":"), default=str)
    status = status_of(error, chosen)
    # A 403 asks for no credentials, as an older FastAPI sends it.
    headers = {} if status == HTTPStatus.FORBIDDEN else error.headers
    return status, body.encode(), headers
