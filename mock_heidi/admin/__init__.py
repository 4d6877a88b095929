"""The mock's own surface, under ``/_mock``: what a test does to Heidi, and what it is told of its client."""

from mock_heidi.admin import (
    events,
    faults,
    findings,
    health,
    namespaces,
    pages,
    records,
    replies,
    requests,
    sessions,
    snapshots,
    state,
    time,
    users,
    verify,
)

ROUTES = [
    *health.routes,
    *state.routes,
    *records.routes,
    *snapshots.routes,
    *namespaces.routes,
    *users.routes,
    *requests.routes,
    *verify.routes,
    *findings.routes,
    *replies.routes,
    *faults.routes,
    *events.routes,
    *sessions.routes,
    *time.routes,
    *pages.routes,
]
