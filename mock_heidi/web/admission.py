"""Admission: who may have a request carried out."""

from __future__ import annotations

from mock_heidi.base.errors import ExpiredTokenError, InvalidTokenError
from mock_heidi.base.operations import SIGN_IN
from mock_heidi.namespaces.tokens import Caller
from mock_heidi.web.request import Request


def admit(request: Request) -> None:
    """Let in a caller with a good token, or one who signs in; raise the error that refuses any other."""
    if request.refusal is not None:
        raise request.refusal
    if request.operation == SIGN_IN:
        return
    caller = request.identity
    if not isinstance(caller, Caller):
        raise caller or InvalidTokenError
    if request.name is not None and request.name != caller.namespace:
        raise InvalidTokenError
    if caller.expires * 1000 <= request.at:
        raise ExpiredTokenError
    # The signature proves that somebody signed in there before: a restart has forgotten the namespace.
    namespace = request.known_namespace or request.use_namespace(caller.namespace)
    if caller.managed_by not in namespace.owners:
        raise InvalidTokenError
