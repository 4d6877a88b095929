"""The vendor's API, one module for each documented resource.

It contains only the vendor's operations. It never waits and never sends: ``web`` does both and applies the faults.
"""

from collections.abc import Callable
from importlib import import_module

from starlette.responses import Response
from starlette.routing import Route

from mock_heidi.base.operations import OPERATIONS
from mock_heidi.base.slices import Work
from mock_heidi.faults.delivery import Stream
from mock_heidi.web.request import Request

# The handlers of each module.
_MODULES = {
    "auth": ("get_jwt",),
    "linked_account": ("link_account", "unlink_account", "get_account_access"),
    "templates": ("list_consult_note_templates", "list_document_templates"),
    "patient_profiles": (
        "create_patient_profile",
        "list_patient_profiles",
        "delete_patient_profiles",
        "get_patient_profile",
        "update_patient_profile",
        "link_sessions",
    ),
    "sessions": ("create_session", "list_linked_user_sessions", "get_session", "update_session"),
    "context_documents": ("upload_context_documents", "list_context_documents", "delete_context_documents"),
    "transcription": (
        "upload_audio",
        "start_recording",
        "transcribe_segment",
        "finish_recording",
        "get_transcript",
        "get_live_transcript",
    ),
    "consult_notes": ("generate_consult_note", "answer_custom_template"),
    "documents": ("create_document", "list_documents"),
    "ask_ai": ("ask_ai",),
    "clinical_codes": ("generate_clinical_codes",),
}
Handler = Callable[[Request], Response | Stream | Work[Response]]


def _handler(module: str, name: str) -> Handler:
    """The handler of that name. Its module is imported at the first call, so that the server starts faster."""
    handler: Handler | None = None

    def handle(request: Request) -> Response | Stream | Work[Response]:
        nonlocal handler
        if handler is None:
            handler = getattr(import_module(f"{__name__}.{module}"), name)
        return handler(request)

    handle.__name__ = name
    return handle


HANDLERS = {name: _handler(module, name) for module, names in _MODULES.items() for name in names}
ROUTES = [
    Route(operation.path, HANDLERS[name], methods=[operation.method], name=name)
    for name, operation in OPERATIONS.items()
]

# Other spellings of documented paths. The server accepts them, but the contract does not list them. The vendor's page
# prints this path once with ``/open-api`` twice.
SPELLINGS = [
    Route("/open-api/sessions/{session_id}/transcript/live", HANDLERS["get_live_transcript"], methods=["GET"]),
]
