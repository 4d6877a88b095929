"""The vendor's surface, a module for each documented resource; nothing here that the vendor does not have."""

from mock_heidi.api import auth, patient_profiles, sessions

ROUTES = [*auth.routes, *patient_profiles.routes, *sessions.routes]

# What is asked without a bearer token.
UNSIGNED = frozenset({"get_jwt"})
