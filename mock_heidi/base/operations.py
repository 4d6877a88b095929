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

# Reads of a session look for a note: the session holds the whole note after its stream has ended, even if the client
# got half of it. Reads cannot look for an answer of Ask Heidi, which is not stored. A request for codes says nothing:
# it writes no text. A PATCH of a session returns the note too, but its sender wants to write, so it goes on.
# The verbs after a colon and the DELETE with a body are the vendor's.
_ROWS = (
    # name, request, needs a token, takes, content, is polled, meaning after a note, meaning after an answer
    Operation("get_jwt", "GET /jwt", False, _NIL, _JSON, False, _NO, _NO),
    Operation("link_account", "POST /users/linked-account", True, _BODY, _JSON, False, _NO, _NO),
    Operation("unlink_account", "DELETE /users/linked-account:unlink", True, _NIL, _JSON, False, _NO, _NO),
    Operation("get_account_access", "GET /users/linked-account/access", True, _NIL, _JSON, False, _NO, _NO),
    Operation("list_consult_note_templates", f"GET {_NOTE_TEMPLATES}", True, _NIL, _JSON, False, _NO, _NO),
    Operation("list_document_templates", "GET /templates/document-templates", True, _NIL, _JSON, False, _NO, _NO),
    Operation("create_patient_profile", "POST /patient-profiles", True, _BODY, _JSON, False, _NO, _NO),
    Operation("update_patient_profile", f"PATCH {_PATIENT}", True, _BODY, _JSON, False, _NO, _NO),
    Operation("delete_patient_profiles", "DELETE /patient-profiles:batch-delete", True, _BODY, _JSON, False, _NO, _NO),
    Operation("link_sessions", f"POST {_PATIENT}/sessions", True, _BODY, _JSON, False, _NO, _NO),
    Operation("list_patient_profiles", "GET /patient-profiles", True, _NIL, _JSON, False, _NO, _NO),
    Operation("get_patient_profile", f"GET {_PATIENT}", True, _NIL, _JSON, False, _NO, _NO),
    Operation("create_session", "POST /sessions", True, _BODY, _JSON, False, _NO, _NO),
    Operation("get_session", f"GET {_SESSION}", True, _NIL, _JSON, True, _LOOKS, _NO),
    Operation("update_session", f"PATCH {_SESSION}", True, _BODY, _JSON, False, _ON, _ON),
    Operation("list_linked_user_sessions", "GET /sessions/linked-user", True, _NIL, _JSON, False, _LOOKS, _NO),
    Operation("upload_context_documents", f"POST {_SESSION}/context-documents", True, _FORM, _JSON, False, _NO, _NO),
    Operation("list_context_documents", f"GET {_SESSION}/context-documents", True, _NIL, _JSON, True, _NO, _NO),
    Operation("delete_context_documents", f"DELETE {_SESSION}/context-documents", True, _BODY, _JSON, False, _NO, _NO),
    Operation("upload_audio", f"POST {_SESSION}/upload-audio", True, _FORM, _JSON, False, _NO, _NO),
    Operation("start_recording", f"POST {_LIVE}", True, _NIL, _JSON, False, _NO, _NO),
    Operation("transcribe_segment", f"POST {_LIVE}/{{recording_id}}:transcribe", True, _FORM, _JSON, False, _NO, _NO),
    Operation("finish_recording", f"POST {_LIVE}/{{recording_id}}:finish", True, _NIL, _JSON, False, _NO, _NO),
    Operation("get_transcript", f"GET {_SESSION}/transcript", True, _NIL, _TRANSCRIPT, True, _NO, _NO),
    Operation("get_live_transcript", f"GET {_SESSION}/transcript/live", True, _NIL, _JSON, True, _NO, _NO),
    Operation("generate_consult_note", f"POST {_SESSION}/consult-note", True, _BODY, _STREAM, False, _LOOKS, _ON),
    Operation("answer_custom_template", f"POST {_CUSTOM_TEMPLATE}/response", True, _BODY, _JSON, False, _ON, _ON),
    Operation("create_document", f"POST {_SESSION}/documents", True, _BODY, _DOCUMENT, False, _ON, _ON),
    Operation("list_documents", f"GET {_SESSION}/documents", True, _NIL, _JSON, False, _NO, _NO),
    Operation("ask_ai", f"POST {_SESSION}/ask-ai", True, _BODY, _STREAM, False, _ON, _LOOKS),
    Operation("generate_clinical_codes", f"GET {_SESSION}/clinical-codes", True, _NIL, _CODES, False, _NO, _NO),
)  # fmt: skip
OPERATIONS = {row.name: row for row in _ROWS}

STREAMS = tuple(name for name, operation in OPERATIONS.items() if operation.streams)
WRITERS = tuple(name for name, operation in OPERATIONS.items() if operation.writes_text)
CODERS = tuple(name for name, operation in OPERATIONS.items() if operation.content is Content.CODES)
WITH_TEXT = frozenset((*WRITERS, *(name for name, one in OPERATIONS.items() if one.content is Content.TRANSCRIPT)))
"""The operations whose answer contains a text. A reply may set this text; for the others it sets the whole body."""

[SIGN_IN] = [name for name, operation in OPERATIONS.items() if not operation.signed]
"""The only operation without a bearer token, because it issues one."""
