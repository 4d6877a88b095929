"""The mock's own surface, under ``/_mock``: health, state, namespaces, the journal and the contract."""

from mock_heidi.admin import health, namespaces, pages, replies, requests, sessions, state, time, users

ROUTES = [
    *health.routes,
    *state.routes,
    *namespaces.routes,
    *users.routes,
    *requests.routes,
    *replies.routes,
    *sessions.routes,
    *time.routes,
    *pages.routes,
]
