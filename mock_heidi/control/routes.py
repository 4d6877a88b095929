"""Every route of the control API. They are imported for its first request, since no start needs them."""

from mock_heidi.control import (
    assumptions,
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
    *assumptions.routes,
    *pages.routes,
]
