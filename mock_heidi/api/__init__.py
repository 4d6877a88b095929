"""The vendor's surface, a module for each documented resource; nothing here that the vendor does not have."""

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

ROUTES = [
    *auth.routes,
    *linked_account.routes,
    *templates.routes,
    *patient_profiles.routes,
    *sessions.routes,
    *context_documents.routes,
    *transcription.routes,
    *consult_notes.routes,
    *documents.routes,
    *ask_ai.routes,
    *clinical_codes.routes,
]

# Other spellings of documented paths: served, but no part of the contract.
SPELLINGS = [transcription.second_spelling]

# What is asked without a bearer token.
UNSIGNED = frozenset({"get_jwt"})
