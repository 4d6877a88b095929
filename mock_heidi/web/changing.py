"""The steps of a request that may change the state."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from mock_heidi.web.request import Request

T = TypeVar("T")


def changing(request: Request, step: Callable[[Request], T]) -> T:
    """The result of a step. The journal keeps what it changes in the state as changes by this request.

    The user of the sign-in that makes a namespace is a part of the namespace's start, and not a change.
    """
    if request.known_namespace is None:
        return step(request)
    store = request.known_namespace.store
    store.writer = request
    try:
        return step(request)
    finally:
        store.writer = None
