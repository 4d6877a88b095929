"""All routes of the control API. They are imported for its first request, because a start does not need them."""

from starlette.routing import Route

from mock_heidi.control import (
    assumptions,
    changes,
    contracts,
    coverage,
    dashboard,
    events,
    faults,
    findings,
    health,
    namespaces,
    record_lists,
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

ROUTES: list[Route] = [
    *health.routes,
    *state.routes,
    *record_lists.routes,
    *records.routes,
    *snapshots.routes,
    *namespaces.routes,
    *users.routes,
    *requests.routes,
    *changes.routes,
    *verify.routes,
    *findings.routes,
    *coverage.routes,
    *replies.routes,
    *faults.routes,
    *events.routes,
    *sessions.routes,
    *time.routes,
    *assumptions.routes,
    *contracts.routes,
    *dashboard.routes,
]
