"""The documented operations, a row for each: everything that other modules have to know of an operation by its name.

No column has a default: a new operation needs a decision in each of them, and no other list can forget it.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class Content(Enum):
    """The content of an operation's answer."""

    JSON = "JSON"
    TRANSCRIPT = "JSON with the words that were spoken"
    DOCUMENT = "JSON with a text that Heidi wrote"
    STREAM = "a text that Heidi writes, in pieces"
    CODES = "JSON with codes and their places in a note"


class Takes(Enum):
    """The body that an operation reads of its requests."""

    NOTHING = "nothing"
    JSON = "JSON"
    FORM = "a form with files"


class After(Enum):
    """The meaning of a request that follows, in its session, a stream that ended early."""

    NOTHING = "nothing"
    LOOKS = "the client looks for the text again, so it has noticed"
    GOES_ON = "the client goes on writing with what it has, so it has not noticed"


class Operation(NamedTuple):
    """One documented operation."""

    name: str
    request: str
    """Its method and its path below the base path, with ``{name}`` for each parameter."""
    signed: bool
    """True if it wants a bearer token."""
    creates: bool
    """True if it makes something that has an id: its success is the assumption ``creation_status``."""
    takes: Takes
    content: Content
    polled: bool
    """True if clients ask it again and again until something is ready."""
    after_note: After
    """The meaning after an early end of ``generate_consult_note``."""
    after_answer: After
    """The meaning after an early end of ``ask_ai``."""

    @property
    def method(self) -> str:
        """Such as ``GET``."""
        return self.request.split()[0]

    @property
    def path(self) -> str:
        """Such as ``/sessions/{session_id}``."""
        return self.request.split()[1]

    @property
    def streams(self) -> bool:
        """True if the answer comes in pieces."""
        return self.content is Content.STREAM

    @property
    def writes_text(self) -> bool:
        """True if the answer holds a text that Heidi wrote."""
        return self.content in (Content.DOCUMENT, Content.STREAM)


_SESSION = "/sessions/{session_id}"
_LIVE = f"{_SESSION}/restful-segment-transcription"
_CUSTOM_TEMPLATE = f"{_SESSION}/client-customised-template"
_NOTE_TEMPLATES = "/templates/consult-note-templates"
_PATIENT = "/patient-profiles/{patient_profile_id}"
_NIL, _BODY, _FORM = Takes
_JSON, _SPOKEN, _DOCUMENT, _STREAM, _CODES = Content
_NO, _LOOKS, _ON = After
_Y, _N = True, False

# The session holds the whole note once its stream has ended, also where the client got only half of it. Nothing keeps
# an answer of Ask Heidi, so no read can show it. The codes are made from the note, but asking for them writes nothing.
# The answer to a PATCH of a session shows the note too, but its sender wants to write. Verbs behind a colon, and a
# DELETE with a body, are the vendor's.
_ROWS = (
    # name, request, wants a token, creates, takes, content, is polled, meaning after a note, meaning after an answer
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
    Operation("get_transcript", f"GET {_SESSION}/transcript", _Y, _N, _NIL, _SPOKEN, _Y, _NO, _NO),
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
SPEAKING = frozenset((*WRITERS, *(name for name, one in OPERATIONS.items() if one.content is Content.TRANSCRIPT)))
"""The operations whose answer holds words, which a test may choose; any may be answered with a body."""

[SIGN_IN] = [name for name, operation in OPERATIONS.items() if not operation.signed]
"""The only operation without a bearer token: it makes one."""
