"""Assumptions that are the status of an error: the error is known by its words, and its status settles them."""

from __future__ import annotations

from typing import Any

from mock_heidi.base.operations import OPERATIONS
from mock_heidi.comparing.detectors.detector import Detector, on
from mock_heidi.comparing.exchange import Exchange
from mock_heidi.comparing.history import History


def _status(exchange: Exchange, *errors: str) -> int | None:
    """The status of an answer with one of these errors."""
    return exchange.status if exchange.error in errors else None


def missing_token(exchange: Exchange, _: History) -> Any:
    """An answer "Not authenticated"."""
    return _status(exchange, "MissingTokenError")


def bad_token(exchange: Exchange, _: History) -> Any:
    """A refusal of a wrong or expired token."""
    if exchange.error in ("InvalidTokenError", "ExpiredTokenError"):
        return f"object_{exchange.status}"
    if exchange.status != 401 or exchange.error:  # noqa: PLR2004 - the status of a bad credential
        return None
    detail = exchange.value("detail")
    return "string_401" if isinstance(detail, str) else "object_401" if isinstance(detail, dict) else None


def bad_api_key(exchange: Exchange, _: History) -> Any:
    """A refusal of an API key."""
    plain = exchange.status if exchange.status in (401, 403) else None
    return _status(exchange, "InvalidApiKeyError") or plain


def profile_not_found(exchange: Exchange, _: History) -> Any:
    """The error of an unknown profile."""
    return _status(exchange, "PatientProfileNotFoundError")


def template_not_found(exchange: Exchange, history: History) -> Any:
    """The error of an unknown template, after a list of all templates that lacks it."""
    known = str(exchange.fields.get("template_id")) in history.templates
    return None if known or not history.all_templates else _status(exchange, "TemplateNotFoundError")


def template_required(exchange: Exchange, _: History) -> Any:
    """The error of a note with neither or both kinds of template."""
    return _status(exchange, "TemplateRequiredError")


def recording_not_found(exchange: Exchange, _: History) -> Any:
    """The error of an unknown recording."""
    return _status(exchange, "RecordingNotFoundError")


def recording_finished(exchange: Exchange, _: History) -> Any:
    """The error of a segment for a finished recording."""
    return _status(exchange, "RecordingFinishedError")


def consult_note_not_found(exchange: Exchange, _: History) -> Any:
    """The error of a session without a note."""
    return _status(exchange, "ConsultNoteNotFoundError")


def file_type_rejected(exchange: Exchange, _: History) -> Any:
    """The error of a context document of an unsupported type."""
    return _status(exchange, "UnsupportedFileTypeError")


def already_linked(exchange: Exchange, _: History) -> Any:
    """The error of a second link."""
    return _status(exchange, "OpenAPIHeidiAccountAlreadyLinkedError")


def no_linked_user(exchange: Exchange, _: History) -> Any:
    """The error of a list of sessions without a linked account."""
    return _status(exchange, "NoLinkedUserException")


def audio_rejected(exchange: Exchange, _: History) -> Any:
    """The error of an upload that is not audio."""
    return _status(exchange, "OnlyAudioError")


def audio_not_stored(exchange: Exchange, _: History) -> Any:
    """The error of audio that could not be stored."""
    return _status(exchange, "UploadFailedError")


def creation_status(exchange: Exchange, _: History) -> Any:
    """A successful creation."""
    return exchange.status if exchange.status in (200, 201) else None


DETECTORS: list[Detector] = [
    *on("*", missing_token, bad_token, profile_not_found),
    *on("get_jwt", bad_api_key),
    *on("generate_consult_note create_document", template_not_found),
    *on("generate_consult_note", template_required),
    *on("transcribe_segment finish_recording", recording_not_found),
    *on("transcribe_segment", recording_finished),
    *on("answer_custom_template generate_clinical_codes", consult_note_not_found),
    *on("upload_context_documents", file_type_rejected),
    *on("link_account", already_linked),
    *on("list_linked_user_sessions", no_linked_user),
    *on("upload_audio", audio_rejected, audio_not_stored),
    *on(" ".join(name for name, operation in OPERATIONS.items() if operation.creates), creation_status),
]
