"""The table of documented operations: every fact that other modules need about an operation by its name.

No column has a default, so that a new operation needs a decision in each of them.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class Content(Enum):
    """The content of an operation's answer."""

    JSON = "JSON"
    TRANSCRIPT = "JSON with a transcript"
    DOCUMENT = "JSON with a text that Heidi wrote"
    STREAM = "a text that Heidi writes, in pieces"
    CODES = "JSON with codes and their places in a note"


class Takes(Enum):
    """The body that an operation reads."""

    NOTHING = "nothing"
    JSON = "JSON"
    FORM = "a form with files"


class After(Enum):
    """The meaning of a request after a stream of the same session ended early."""

    NOTHING = "nothing"
    LOOKS = "the client looks for the text again, so it has noticed the early end"
    GOES_ON = "the client goes on with the text that it has, so it has not noticed the early end"


class Operation(NamedTuple):
    """One documented operation."""

    name: str
    request: str
    """Its method and its path below the base path, with ``{name}`` for each parameter."""
    signed: bool
    """True if it requires a bearer token."""
    creates: bool
    """True if it creates something with an id. The assumption ``creation_status`` is the status of its success."""
    takes: Takes
    content: Content
    polled: bool
    """True if clients poll it until something is ready."""
    after_note: After
    """The meaning after an early end of ``generate_consult_note``."""
    after_answer: After
    """The meaning after an early end of ``ask_ai``."""

    @property
    def method(self) -> str:
        """The HTTP method, such as ``GET``."""
        return self.request.split()[0]

    @property
    def path(self) -> str:
        """The path below the base path, such as ``/sessions/{session_id}``."""
        return self.request.split()[1]

    @property
    def streams(self) -> bool:
        """True if the answer is a stream of pieces."""
        return self.content is Content.STREAM

    @property
    def writes_text(self) -> bool:
        """True if the answer contains a text that Heidi wrote."""
        return self.content in (Content.DOCUMENT, Content.STREAM)


_SESSION = "/sessions/{session_id}"
_LIVE = f"{_SESSION}/restful-segment-transcription"
_CUSTOM_TEMPLATE = f"{_SESSION}/client-customised-template"
_NOTE_TEMPLATES = "/templates/consult-note-templates"
_PATIENT = "/patient-profiles/{patient_profile_id}"
_NIL, _BODY, _FORM = Takes
_JSON, _TRANSCRIPT, _DOCUMENT, _STREAM, _CODES = Content
_NO, _LOOKS, _ON = After
_Y, _N = True, False

# Reads of a session look for a note: the session holds the whole note after its stream has ended, even if the client
# got half of it. Reads cannot look for an answer of Ask Heidi, which is not stored. A request for codes says nothing:
# it writes no text. A PATCH of a session returns the note too, but its sender wants to write, so it goes on.
# The verbs after a colon and the DELETE with a body are the vendor's.
_ROWS = (
    # name, request, needs a token, creates, takes, content, is polled, meaning after a note, meaning after an answer
    Operation("get_jwt", "GET /jwt", _N, _N, _NIL, _JSON, _N, _NO, _NO),
    Operation("link_account", "POST /users/linked-account", _Y, _Y, _BODY, _JSON, _N, _NO, _NO),
    Operation("unlink_account", "DELETE /users/linked-account:unlink", _Y, _N, _NIL, _JSON, _N, _NO, _NO),
    Operation("get_account_access", "GET /users/linked-account/access", _Y, _N, _NIL, _JSON, _N, _NO, _NO),
    Operation("list_consult_note_templates", f"GET {_NOTE_TEMPLATES}", _Y, _N, _NIL, _JSON, _N, _NO, _NO),
    Operation("list_document_templates", "GET /templates/document-templates", _Y, _N, _NIL, _JSON, _N, _NO, _NO),
    Operation("create_patient_profile", "POST /patient-profiles", _Y, _Y, _BODY, _JSON, _N, _NO, _NO),
    Operation("update_patient_profile", f"PATCH {_PATIENT}", _Y, _N, _BODY, _JSON, _N, _NO, _NO),
    Operation("delete_patient_profiles", "DELETE /patient-profiles:batch-delete", _Y, _N, _BODY, _JSON, _N, _NO, _NO),
    Operation("link_sessions", f"POST {_PATIENT}/sessions", _Y, _N, _BODY, _JSON, _N, _NO, _NO),
    Operation("list_patient_profiles", "GET /patient-profiles", _Y, _N, _NIL, _JSON, _N, _NO, _NO),
    Operation("get_patient_profile", f"GET {_PATIENT}", _Y, _N, _NIL, _JSON, _N, _NO, _NO),
    Operation("create_session", "POST /sessions", _Y, _Y, _BODY, _JSON, _N, _NO, _NO),
    Operation("get_session", f"GET {_SESSION}", _Y, _N, _NIL, _JSON, _Y, _LOOKS, _NO),
    Operation("update_session", f"PATCH {_SESSION}", _Y, _N, _BODY, _JSON, _N, _ON, _ON),
    Operation("list_linked_user_sessions", "GET /sessions/linked-user", _Y, _N, _NIL, _JSON, _N, _LOOKS, _NO),
    Operation("upload_context_documents", f"POST {_SESSION}/context-documents", _Y, _Y, _FORM, _JSON, _N, _NO, _NO),
    Operation("list_context_documents", f"GET {_SESSION}/context-documents", _Y, _N, _NIL, _JSON, _Y, _NO, _NO),
    Operation("delete_context_documents", f"DELETE {_SESSION}/context-documents", _Y, _N, _BODY, _JSON, _N, _NO, _NO),
    Operation("upload_audio", f"POST {_SESSION}/upload-audio", _Y, _Y, _FORM, _JSON, _N, _NO, _NO),
    Operation("start_recording", f"POST {_LIVE}", _Y, _Y, _NIL, _JSON, _N, _NO, _NO),
    Operation("transcribe_segment", f"POST {_LIVE}/{{recording_id}}:transcribe", _Y, _N, _FORM, _JSON, _N, _NO, _NO),
    Operation("finish_recording", f"POST {_LIVE}/{{recording_id}}:finish", _Y, _N, _NIL, _JSON, _N, _NO, _NO),
    Operation("get_transcript", f"GET {_SESSION}/transcript", _Y, _N, _NIL, _TRANSCRIPT, _Y, _NO, _NO),
    Operation("get_live_transcript", f"GET {_SESSION}/transcript/live", _Y, _N, _NIL, _JSON, _Y, _NO, _NO),
    Operation("generate_consult_note", f"POST {_SESSION}/consult-note", _Y, _N, _BODY, _STREAM, _N, _LOOKS, _ON),
    Operation("answer_custom_template", f"POST {_CUSTOM_TEMPLATE}/response", _Y, _N, _BODY, _JSON, _N, _ON, _ON),
    Operation("create_document", f"POST {_SESSION}/documents", _Y, _Y, _BODY, _DOCUMENT, _N, _ON, _ON),
    Operation("list_documents", f"GET {_SESSION}/documents", _Y, _N, _NIL, _JSON, _N, _NO, _NO),
    Operation("ask_ai", f"POST {_SESSION}/ask-ai", _Y, _N, _BODY, _STREAM, _N, _ON, _LOOKS),
    Operation("generate_clinical_codes", f"GET {_SESSION}/clinical-codes", _Y, _N, _NIL, _CODES, _N, _NO, _NO),
)  # fmt: skip
OPERATIONS = {row.name: row for row in _ROWS}

STREAMS = tuple(name for name, operation in OPERATIONS.items() if operation.streams)
WRITERS = tuple(name for name, operation in OPERATIONS.items() if operation.writes_text)
CODERS = tuple(name for name, operation in OPERATIONS.items() if operation.content is Content.CODES)
WITH_TEXT = frozenset((*WRITERS, *(name for name, one in OPERATIONS.items() if one.content is Content.TRANSCRIPT)))
"""The operations whose answer contains a text. A reply may set this text; for the others it sets the whole body."""

[SIGN_IN] = [name for name, operation in OPERATIONS.items() if not operation.signed]
"""The only operation without a bearer token, because it issues one."""
