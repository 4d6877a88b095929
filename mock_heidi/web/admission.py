"""The caller of a request to the API: found, let in or refused, and known to the state."""

from __future__ import annotations

from mock_heidi.base.errors import ExpiredTokenError, InvalidTokenError, MethodNotAllowedError, NotFoundError
from mock_heidi.base.operations import SIGN_IN
from mock_heidi.namespaces.tokens import Caller, GoodKey
from mock_heidi.state.account_records import User
from mock_heidi.web.request import Request


def identify(request: Request) -> None:
    """Find the caller by the token, or by the API key of a sign-in, and the namespace."""
    registry = request.registry
    if request.operation == SIGN_IN:
        key = request.headers.get(b"heidi-api-key")
        request.identity = None if key is None else registry.open(key.decode("latin-1"), request.name)
    else:
        request.identity = registry.tokens.identify(request.headers.get(b"authorization"))
    caller = request.identity
    name = request.name or (caller.namespace if isinstance(caller, (Caller, GoodKey)) else None)
    request.known_namespace = registry.default if name is None else registry.get(name)


def admit(request: Request) -> None:
    """Let in a caller with a good token, or one who signs in; raise the error that refuses any other request."""
    if request.route is None:
        raise MethodNotAllowedError(request.match.allow) if request.match.allow else NotFoundError
    if request.operation == SIGN_IN:
        return
    caller = request.identity
    if not isinstance(caller, Caller):
        raise caller if isinstance(caller, type) else InvalidTokenError
    if request.name is not None and request.name != caller.namespace:
        raise InvalidTokenError
    if caller.expires * 1000 <= request.at:
        raise ExpiredTokenError
    # The signature proves that somebody signed in there before: a restart has forgotten the namespace.
    namespace = request.known_namespace or request.use_namespace(caller.namespace)
    if caller.managed_by not in namespace.owners:
        raise InvalidTokenError


def remember(request: Request) -> None:
    """Put the caller into the state, which may be younger than their token."""
    caller, namespace = request.identity, request.known_namespace
    if namespace is not None and isinstance(caller, Caller) and namespace.store.get(User, caller.key) is None:
        namespace.remember_user(caller.managed_by, caller.email, caller.third_party_internal_id)
