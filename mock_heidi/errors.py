"""The vendor's errors by name, and the one place that knows their form in a response.

Handlers raise them where they know; :func:`render` writes them. A status that no source gives is the name of an
assumption.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, ClassVar

from mock_heidi.assumptions import assumed

MOST_PROBLEMS = 100


class HeidiError(Exception):
    """An answer of the vendor's that is not a success.

    ``status`` is an HTTP status or the name of the assumption that holds it.
    """

    status: ClassVar[int | str]
    headers: Mapping[str, str] = {}

    @property
    def detail(self) -> Any:
        raise NotImplementedError


class NamedError(HeidiError):
    """``{"detail": {"msg": …, "type": …}}``: the type is the class's own name."""

    msg: ClassVar[str]

    @property
    def detail(self) -> Any:
        return {"msg": self.msg, "type": type(self).__name__}


class TextError(HeidiError):
    """``{"detail": "…"}``: the framework's own form."""

    text: ClassVar[str]

    @property
    def detail(self) -> Any:
        return self.text


class PatientProfileNotFoundError(NamedError):
    status = "profile_not_found"
    msg = "Patient profile not found"


class SessionNotFoundError(NamedError):
    status = 404  # seen of the real service
    msg = "Session not found"


class OpenAPIHeidiAccountAlreadyLinkedError(NamedError):
    status = "already_linked"

    def __init__(self, kinde_user_id: str) -> None:
        super().__init__()
        self.kinde_user_id = kinde_user_id

    @property
    def detail(self) -> Any:
        msg = f"Heidi account with user_id {self.kinde_user_id} already linked to an OpenAPI User"
        return {"msg": msg, "type": type(self).__name__}


class NoLinkedUserException(NamedError):  # noqa: N818 - the vendor's name
    status = "no_linked_user"
    msg = "error: no linked user"


class TemplateNotFoundError(NamedError):
    status = "template_not_found"
    msg = "Template not found"


class RecordingNotFoundError(NamedError):
    status = "recording_not_found"
    msg = "Recording not found"


class RecordingFinishedError(NamedError):
    status = "recording_finished"
    msg = "Recording already finished"


class ConsultNoteNotFoundError(NamedError):
    status = "consult_note_not_found"
    msg = "Consult note not found"


class TemplateRequiredError(NamedError):
    status = "template_required"
    msg = "Either template_id or third_party_template is required"


class OnlyAudioError(TextError):
    status = "audio_rejected"
    text = "only audio file is allowed"


class UploadFailedError(TextError):
    """Never of our own: a test has to ask for it."""

    status = "audio_not_stored"
    text = "error: failed to upload audio"


class LinkedAccountRequiredError(NamedError):
    """Seen once of the real service; a test has to ask for it."""

    status = 400
    msg = "Linked Account is required. Please link your account before using this feature."


class UnsupportedFileTypeError(TextError):
    status = "file_type_rejected"
    text = "unsupported file type"


class InvalidApiKeyError(NamedError):
    status = "bad_api_key"
    msg = "Invalid API key"


class InvalidTokenError(NamedError):
    status = "bad_token"
    msg = "Token is invalid"


class ExpiredTokenError(NamedError):
    status = "bad_token"
    msg = "Token has expired"


class MissingTokenError(TextError):
    status = "missing_token"
    text = "Not authenticated"
    headers: Mapping[str, str] = {"www-authenticate": "Bearer"}


class NotFoundError(TextError):
    status = 404
    text = "Not Found"


class MethodNotAllowedError(TextError):
    status = 405
    text = "Method Not Allowed"

    def __init__(self, allow: tuple[str, ...]) -> None:
        super().__init__()
        self.headers = {"allow": ", ".join(allow)}


class HostNotAllowedError(TextError):
    """Ours, not the vendor's: a web page may have chosen the name that this server was asked by."""

    status = 403
    text = "mock_heidi does not answer to the host 'NAME'; allow it with --allowed-host NAME"

    def __init__(self, what: str, cure: str) -> None:
        super().__init__()
        self.what, self.cure = what, cure

    @property
    def detail(self) -> str:
        return f"mock_heidi does not answer to {self.what}; {self.cure}"


class BodyTooLargeError(TextError):
    status = 413
    text = "Request body too large"


class ServiceUnavailableError(TextError):
    """Ours, not the vendor's: the server holds as many namespaces as it may."""

    status = 503
    text = "mock_heidi holds as many namespaces as it may; DELETE /_mock/namespaces/{name} makes room"


class NoMemoryError(TextError):
    """Ours, not the vendor's: the bodies that are on their way need more memory than there is."""

    status = 503
    text = "mock_heidi holds as many bytes of unfinished requests as it may; start it with a larger --memory"


class InternalError(TextError):
    """A defect of this mock, in the vendor's form so that a client meets nothing new."""

    status = 500
    text = "Internal Server Error"


class UnprocessableError(HeidiError):
    """422, as FastAPI words what pydantic found: ``loc`` begins with body, query, path or header."""

    status = 422

    def __init__(self, problems: list[dict[str, Any]]) -> None:
        super().__init__()
        # One bad list of a megabyte would make an answer of sixty.
        self.problems = problems[:MOST_PROBLEMS]

    @property
    def detail(self) -> Any:
        return self.problems


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


def missing(*loc: str | int, given: Any = None) -> dict[str, Any]:
    """The 422 row of a field that is required and absent."""
    return {"type": "missing", "loc": list(loc), "msg": "Field required", "input": given}


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
