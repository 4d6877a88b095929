"""The vendor's errors by name, with their form in a response.

Handlers raise them; :func:`mock_heidi.base.error_table.render` makes the response.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

MOST_PROBLEMS = 100


class HeidiError(Exception):
    """An error that the vendor's service returns.

    ``status`` is an HTTP status; if no source gives it, it is the name of the assumption that does.
    """

    status: int | str
    headers: Mapping[str, str] = {}
    from_vendor: ClassVar[bool] = True
    """False for an error that only this mock returns."""

    @property
    def detail(self) -> Any:
        raise NotImplementedError

    def under(self, assumption: str) -> Self:
        """The same error with the status that this assumption decides."""
        self.status = assumption
        return self


class NamedError(HeidiError):
    """``{"detail": {"msg": …, "type": …}}``: the type is the class's own name."""

    msg: ClassVar[str]

    @property
    def detail(self) -> Any:
        return {"msg": self.msg, "type": type(self).__name__}


class TextError(HeidiError):
    """``{"detail": "…"}``: the framework's own form."""

    text: str

    @property
    def detail(self) -> Any:
        return self.text


class PatientProfileNotFoundError(NamedError):
    """The id is unknown, or the profile belongs to another API key."""

    status = "profile_not_found"
    msg = "Patient profile not found"


class SessionNotFoundError(NamedError):
    """The id is unknown, or the session belongs to another API key."""

    status = 404  # observed at the real service
    msg = "Session not found"


class OpenAPIHeidiAccountAlreadyLinkedError(NamedError):
    """The user is linked already, or another user is linked to that account."""

    status = "already_linked"

    def __init__(self, kinde_user_id: str) -> None:
        super().__init__()
        self.kinde_user_id = kinde_user_id

    @property
    def detail(self) -> Any:
        msg = f"Heidi account with user_id {self.kinde_user_id} already linked to an OpenAPI User"
        return {"msg": msg, "type": type(self).__name__}


class NoLinkedUserException(NamedError):  # noqa: N818 - the vendor's name
    """The request lists the sessions of a linked user before the user is linked."""

    status = "no_linked_user"
    msg = "error: no linked user"


class TemplateNotFoundError(NamedError):
    """The id of the template is unknown."""

    status = "template_not_found"
    msg = "Template not found"


class RecordingNotFoundError(NamedError):
    """The id of the recording is unknown."""

    status = "recording_not_found"
    msg = "Recording not found"


class RecordingFinishedError(NamedError):
    """The client sends a segment after `:finish`."""

    status = "recording_finished"
    msg = "Recording already finished"


class ConsultNoteNotFoundError(NamedError):
    """The client requests codes or a custom template before the session has a note."""

    status = "consult_note_not_found"
    msg = "Consult note not found"


class TemplateRequiredError(NamedError):
    """The client requests a note with neither kind of template, or with both."""

    status = "template_required"
    msg = "Either template_id or third_party_template is required"


class OnlyAudioError(TextError):
    """A part of the upload has a type other than `audio/*`."""

    status = "audio_rejected"
    text = "only audio file is allowed"


class UploadFailedError(TextError):
    """The service cannot store the audio. Only a fault gives this answer."""

    status = "audio_not_stored"
    text = "error: failed to upload audio"


class LinkedAccountRequiredError(NamedError):
    """A user without a link creates a profile, and the assumption `linked_account_required` refuses this."""

    status = 400
    msg = "Linked Account is required. Please link your account before using this feature."


class RecordingRequiredError(NamedError):
    """The session has no recording, and the assumption `note_without_recording` refuses a note."""

    status = "note_without_recording"
    msg = "Session has no recording"


class CodingNotEnabledError(NamedError):
    """The account has no coding, because of the assumption `coding_enabled`."""

    status = "coding_enabled"
    msg = "Coding is not enabled for this account"


class UnsupportedFileTypeError(TextError):
    """A context document has a type that the API does not take."""

    status = "file_type_rejected"
    text = "unsupported file type"


class InvalidApiKeyError(NamedError):
    """The client signs in without an API key, or with one that is unknown or belongs to another region."""

    status = "bad_api_key"
    msg = "Invalid API key"


class InvalidTokenError(NamedError):
    """The token is not from this server, or it is for another namespace or region."""

    status = "bad_token"
    msg = "Token is invalid"


class ExpiredTokenError(NamedError):
    """The token is older than an hour."""

    status = "bad_token"
    msg = "Token has expired"


class MissingTokenError(TextError):
    """The request has no bearer token."""

    status = "missing_token"
    text = "Not authenticated"
    headers: Mapping[str, str] = {"www-authenticate": "Bearer"}


class NotFoundError(TextError):
    """The path is unknown."""

    status = 404
    text = "Not Found"


class MethodNotAllowedError(TextError):
    """The path has other methods; the header `Allow` lists them."""

    status = 405
    text = "Method Not Allowed"

    def __init__(self, allow: Sequence[str]) -> None:
        super().__init__()
        self.headers = {"allow": ", ".join(allow)}


class StrictHeaderError(TextError):
    """The header `X-Mock-Strict` is neither `true` nor `false`."""

    from_vendor = False
    status = 400
    text = "X-Mock-Strict: 'WORD' is neither true nor false; send one of them, or leave the header out"

    def __init__(self, word: str) -> None:
        super().__init__()
        self.text = self.text.replace("WORD", word)


class HostNotAllowedError(TextError):
    """The `Host` is not a known name of this machine. A web page may have chosen it."""

    from_vendor = False
    status = 403
    text = "mock_heidi does not answer to the host 'NAME'; allow it with --allowed-host NAME"

    def __init__(self, what: str, cure: str) -> None:
        super().__init__()
        self.text = f"mock_heidi does not answer to {what}; {cure}"


class BodyTooLargeError(TextError):
    """A JSON body is larger than a megabyte, or an upload is larger than its limit."""

    status = 413
    text = "Request body too large"


class ServiceUnavailableError(TextError):
    """The server holds 1,000 namespaces, which is its limit."""

    from_vendor = False
    status = 503
    text = "mock_heidi has reached its limit of namespaces; make room with DELETE /_mock/namespaces/{name}"


class NoMemoryError(TextError):
    """The bodies of unfinished requests need more memory than `--memory` allows."""

    from_vendor = False
    status = 503
    text = "mock_heidi has reached its limit of memory for unfinished requests; start it with a larger --memory"


class NoTemporaryFileError(TextError):
    """The server cannot write a large upload to a temporary file, such as on a read-only or a full disk."""

    from_vendor = False
    status = 503
    text = "mock_heidi cannot write an upload to a temporary file; name a folder with room for it in TMPDIR"


class InternalError(TextError):
    """The mock itself has a defect. The log names the place."""

    status = 500
    text = "Internal Server Error"


class UnprocessableError(HeidiError):
    """A body or query is invalid: a wrong type or word, an impossible date, a missing field, bad JSON.

    The answer has FastAPI's form and words: ``loc`` begins with body, query, path or header.
    """

    status = 422

    def __init__(self, problems: list[dict[str, Any]]) -> None:
        super().__init__()
        # A bad list of one megabyte would make an answer of sixty.
        self.problems = problems[:MOST_PROBLEMS]

    @property
    def detail(self) -> Any:
        return self.problems


class UndocumentedError(UnprocessableError):
    """The request sends what no page documents, and strict mode refuses it."""

    from_vendor = False
