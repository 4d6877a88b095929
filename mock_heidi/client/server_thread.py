"""``MockHeidi``: a server in a thread of this process."""

from __future__ import annotations

import contextlib
import gc
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mock_heidi.base.settings import ConfigError, Settings
from mock_heidi.base.wording import nearest
from mock_heidi.client.handle import Handle
from mock_heidi.client.namespace_options import rule_list

if TYPE_CHECKING:
    from mock_heidi.app import App
    from mock_heidi.serving.server import Server

# Options of the command only, with what a program does instead.
_OF_COMMAND = {
    "export_on_exit": "it is for the command; save heidi.state.as_fixtures() before the end",
    "watch": "it is for the command; give new fixtures to heidi.state.replace()",
}
_STARTED = "this MockHeidi was started before; make a new one"


class MockHeidi:
    """A server in a thread of this process. A ``with`` gives the :class:`Handle` of its default namespace.

    >>> with MockHeidi(seed=7) as heidi:
    ...     client.base_url, client.api_key = heidi.base_url, heidi.api_key

    Without a ``with``, :meth:`start` returns that handle and :meth:`close` ends the server. The options are those of
    the command: ``fixtures`` (a folder, a file, a dict, ``"empty"``), ``seed``, ``clock``, ``api_key``, ``linked``,
    ``faults``, ``scenario``, ``journal``, ``strict`` and the other fields of :class:`Settings`, or a :class:`Settings`
    instead; ``port=0`` picks a free port, and several ports may be given. ``tls_names`` are further names for the
    certificate of https. Raises :class:`ConfigError` for a wrong option, here or when the server starts.
    """

    # Both exist from listen() on. They are for the command, and no part of what users are promised.
    app: App
    server: Server

    def __init__(
        self,
        settings: Settings | None = None,
        /,
        *,
        host: str = "127.0.0.1",
        port: int | Sequence[int] = 0,
        tls_names: Sequence[str] = (),
        **options: Any,
    ) -> None:
        if settings is not None and options:
            raise ConfigError(f"MockHeidi: give settings or {', '.join(options)}, not both")
        _check_names(options)
        self._settings = settings or Settings(**{**options, "faults": tuple(rule_list(options.get("faults", ())))})
        self._host, self._ports = host, (port,) if isinstance(port, int) else port
        self._tls_names = tls_names
        self._handle: Handle | None = None
        self._thread: threading.Thread | None = None
        self._answering = threading.Event()

    def __enter__(self) -> Handle:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            cure = "use its handle: with MockHeidi() as heidi, or heidi = server.start()"
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}; {cure}")

    def listen(self, listener: Any = None) -> Handle:
        """Bind the port and return the handle. Clients may connect; they get answers after :meth:`start`.

        ``listener`` is called with each answer, as in :func:`create_app`. Raises :class:`ConfigError` for a port that
        is taken or not allowed.
        """
        if self._handle is not None:
            raise RuntimeError(_STARTED)
        with _no_garbage_collection():
            from mock_heidi.app import create_app
            from mock_heidi.serving.server import Server, bind_all, prepare_certificate

            self.app = app = create_app(self._settings, listener=listener)
        prepare_certificate(self._tls_names, proxy=self._settings.proxy)
        sockets = bind_all(self._host, self._ports)
        self.server = Server(
            app,
            sockets,
            self._answering.set,
            memory=app.registry.memory,
            tls_names=self._tls_names,
            proxy=self._settings.proxy,
        )
        key = next(iter(app.registry.default.keys))
        self._handle = Handle(self.server.url, api_key=key, admin_token=self._settings.admin_token)
        return self._handle

    def start(self) -> Handle:
        """Start the server and return the handle of its default namespace, once the server answers."""
        if self._thread is not None:
            raise RuntimeError(_STARTED)
        handle = self._handle or self.listen()
        self._thread = threading.Thread(target=self.server.run, name="mock-heidi", daemon=True)
        self._thread.start()
        while not self._answering.wait(0.05):
            if not self._thread.is_alive():
                raise RuntimeError("the server ended before it listened")
        return handle

    def close(self) -> None:
        """Stop the server, and free its port and its thread. A second call does nothing."""
        if self._handle is None:
            return
        self._handle.close()
        self.server.stop()
        if self._thread is not None:
            self._thread.join()
        for listener in self.server.sockets:  # a server that was never started closes no socket
            listener.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {'not started' if self._handle is None else self._handle.url}>"


def _check_names(options: Mapping[str, Any]) -> None:
    known = [*Settings.__slots__, "host", "port", "tls_names"]
    for name in options:
        if name not in known:
            raise ConfigError(
                f"MockHeidi: there is no option {name!r}", _OF_COMMAND.get(name) or nearest(name, known, 1)
            )


@contextlib.contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Switch the garbage collector off: a start makes no garbage, and takes longer with it."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
