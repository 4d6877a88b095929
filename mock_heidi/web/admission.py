"""The caller of a request to the API: identify, admit or refuse, and store them; drop a namespace made in vain."""

from __future__ import annotations

from mock_heidi.base.errors import ExpiredTokenError, InvalidTokenError, MethodNotAllowedError, NotFoundError
from mock_heidi.base.hosts import region_of
from mock_heidi.base.operations import SIGN_IN
from mock_heidi.base.vendor_hosts import HOSTS
from mock_heidi.namespaces.tokens import Caller, GoodKey
from mock_heidi.state.account_records import User
from mock_heidi.web.request import Request


def identify(request: Request) -> None:
    """Find the namespace and the caller, by the token or by the API key of a sign-in.

    At the host of another region, a key is unknown and a token invalid.
    """
    registry, caller = request.registry, request.identity
    if request.operation != SIGN_IN:
        request.identity = caller = registry.tokens.identify(request.headers.get(b"authorization"))
    elif (key := request.headers.get(b"heidi-api-key")) is not None:
        request.identity = caller = registry.open(key.decode("latin-1"), request.name)
    if isinstance(caller, (Caller, GoodKey)):
        region = caller.region if isinstance(caller, Caller) else caller.owner.region
        if region and _is_elsewhere(request, region):
            request.identity = None
        elif request.name is None:
            request.name = caller.namespace
    request.known_namespace = registry.default if request.name is None else registry.get(request.name)


def _is_elsewhere(request: Request, region: str) -> bool:
    """True if the request is for the host of another region than the caller's. Then the reason is noted."""
    here = region_of(request.headers.get(b"host"))
    if here is None or here == region:
        return False
    what = "API key" if request.operation == SIGN_IN else "token"
    request.why = f"the {what} belongs to the region {region}, but this host to {here}; send it to {HOSTS[region]}"
    return True


def admit(request: Request) -> None:
    """Admit a caller with a valid token, or a sign-in. Raise the error for any other request."""
    if request.route is None:
        raise MethodNotAllowedError(request.allow) if request.allow else NotFoundError
    if request.operation == SIGN_IN:
        return
    caller = request.identity
    if not isinstance(caller, Caller):
        raise caller if isinstance(caller, type) else InvalidTokenError
    if request.name != caller.namespace:
        raise InvalidTokenError
    if caller.expires * 1000 <= request.at:
        raise ExpiredTokenError
    # The signature proves an earlier sign-in. A restart forgets namespaces, so make this one again.
    if caller.managed_by not in (request.known_namespace or request.namespace).owners:
        raise InvalidTokenError


def remember(request: Request) -> None:
    """Store the caller if the state does not have them: a token outlives a reset."""
    caller, namespace = request.identity, request.known_namespace
    if namespace is not None and isinstance(caller, Caller) and namespace.store.get(User, caller.key) is None:
        user = caller.managed_by, caller.email, caller.third_party_internal_id
        request.changing(lambda _: namespace.remember_user(*user))


def user_of(request: Request) -> User:
    """The caller's record in the state, or a new one, since a token outlives a reset of the state."""
    caller = request.caller
    return request.store.get(User, caller.key) or User(
        managed_by=caller.managed_by,
        email=caller.email,
        third_party_internal_id=caller.third_party_internal_id,
    )


def drop_unused_namespace(request: Request) -> None:
    """Drop the namespace that the request has made, unless something else has used it."""
    namespace = request.known_namespace
    # Every use by the control API or another client changes ``last_use``.
    if not request.made or namespace is None or namespace.last_use != namespace.begun or not namespace.untouched:
        return
    rules = any(rule.matched for rule in namespace.faults) or any(rule.hits for rule in namespace.stubs)
    if not rules and all(entry is request.entry for entry in namespace.journal):
        drop_namespace(request)


def drop_namespace(request: Request) -> None:
    """Drop the namespace of the request."""
    namespace = request.namespace
    if request.registry.get(namespace.name) is namespace:  # not a new one of that name
        request.registry.drop(namespace.name)
    request.known_namespace, request.number = None, 0
