"""The vendor's surface, a module for each documented resource; nothing here that the vendor does not have."""

from collections.abc import Callable

from starlette.responses import Response
from starlette.routing import Route

from mock_heidi.api import (
    ask_ai,
    auth,
    clinical_codes,
    consult_notes,
    context_documents,
    documents,
    linked_account,
    patient_profiles,
    sessions,
    templates,
    transcription,
)
from mock_heidi.delivery import Stream
from mock_heidi.operations import OPERATIONS
from mock_heidi.request import Request
from mock_heidi.slices import Work

_MODULES = (
    auth,
    linked_account,
    templates,
    patient_profiles,
    sessions,
    context_documents,
    transcription,
    consult_notes,
    documents,
    ask_ai,
    clinical_codes,
)
HANDLERS: dict[str, Callable[[Request], Response | Stream | Work[Response]]] = {
    handler.__name__: handler for module in _MODULES for handler in module.handlers
}
ROUTES = [
    Route(operation.path, HANDLERS[name], methods=[operation.method], name=name)
    for name, operation in OPERATIONS.items()
]

# Other spellings of documented paths: served, but no part of the contract.
SPELLINGS = [transcription.second_spelling]
