"""The redirect of the hosts of the real service to a namespace, in this process: which one counts, and its end.

The patches are for the whole process, as are the modules that they change. So the redirects that have begun and not
ended are a stack here: the last one counts.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import TypeVar
from weakref import WeakSet

from mock_heidi.client.vendor_patches import Patches, Redirect
from mock_heidi.client.vendor_variables import variables

_T = TypeVar("_T")


class _Redirects:
    """All redirects of this process, and the connections that they have made."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._begun: list[Redirect] = []
        self._sockets: WeakSet[socket.socket] = WeakSet()
        self._undo = contextlib.ExitStack()

    @property
    def current(self) -> Redirect | None:
        """The last redirect that has begun and not ended; None without one."""
        begun = self._begun[-1:]
        return begun[0] if begun else None

    def keep(self, connected: socket.socket, redirect: Redirect) -> None:
        """Close this connection of a redirect as soon as another one counts, or none."""
        with self._lock:
            self._sockets.add(connected)
            if redirect is not self.current:
                self._close_connections()

    def begin(self, redirect: Redirect) -> None:
        with self._lock:
            if not self._begun:
                self._patch(redirect)
            self._begun.append(redirect)
            self._close_connections()

    def end(self, redirect: Redirect) -> None:
        with self._lock:
            self._begun.remove(redirect)
            if not self._begun:
                self._undo.close()
            self._close_connections()

    def _patch(self, redirect: Redirect) -> None:
        with contextlib.ExitStack() as made:
            made.enter_context(variables(redirect.ca))
            made.enter_context(Patches(self))
            self._undo = made.pop_all()

    def _close_connections(self) -> None:
        """Shut all connections, so that no client keeps one in its pool for another namespace."""
        for connected in list(self._sockets):
            with contextlib.suppress(OSError):  # its client has closed it
                # Not the method of a TLS socket, after which it would send unencrypted data.
                socket.socket.shutdown(connected, socket.SHUT_RDWR)
        self._sockets.clear()


_redirects = _Redirects()


@contextlib.contextmanager
def redirected(value: _T, redirect: Redirect) -> Iterator[_T]:
    """Use a redirect in a ``with``, which gets ``value``."""
    _redirects.begin(redirect)
    try:
        yield value
    finally:
        _redirects.end(redirect)
