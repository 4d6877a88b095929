"""The functions that read the values of assumptions from traffic, one for each assumption; they change nothing."""

from mock_heidi.comparing.detectors import (
    accounts,
    context_documents,
    notes,
    profiles,
    recordings,
    requests,
    sessions,
    statuses,
)

DETECTORS = [
    one
    for module in (requests, statuses, accounts, profiles, sessions, context_documents, recordings, notes)
    for one in module.DETECTORS
]
