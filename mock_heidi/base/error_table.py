"""Errors as answers: their bytes, and those that a fault can be told to answer, by name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus

from mock_heidi.base.assumptions import assumed
from mock_heidi.base.errors import (
    BodyTooLargeError,
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
    SessionNotFoundError,
    TemplateNotFoundError,
    TemplateRequiredError,
    UnprocessableError,
    UnsupportedFileTypeError,
    UploadFailedError,
)

# What a fault can be told to answer, by name, and where its body is known from.
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


def status_of(error: HeidiError) -> int:
    """The HTTP status of an error, read from the list of assumptions where no source gives it."""
    status = error.status
    return status if isinstance(status, int) else int(assumed(status))


def render(error: HeidiError) -> tuple[int, bytes, Mapping[str, str]]:
    """Status, JSON body and extra headers of an error."""
    body = json.dumps({"detail": error.detail}, ensure_ascii=False, separators=(",", ":"), default=str)
    return status_of(error), body.encode(), error.headers
