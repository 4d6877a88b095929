"""The Heidi Health Open API on your own machine: offline, stateful, deterministic.

``MockHeidi`` serves it from a thread and gives a ``Handle``, which raises ``MockHeidiError`` and ``NoAnswerError``;
``create_app`` makes the ASGI application; ``audio`` makes recordings. Each is imported when it is first used, because
every run of pytest imports this package.
"""

from typing import TYPE_CHECKING, Any

__all__ = ["Handle", "MockHeidi", "MockHeidiError", "NoAnswerError", "__version__", "audio", "create_app"]

if TYPE_CHECKING:
    from mock_heidi.app import create_app
    from mock_heidi.base.settings import VERSION as __version__  # noqa: N811 - the name that Python's tools look for
    from mock_heidi.client.client_errors import MockHeidiError, NoAnswerError
    from mock_heidi.client.handle import Handle
    from mock_heidi.client.server_thread import MockHeidi
    from mock_heidi.content.recordings import audio


_PLACES = {
    "Handle": ("mock_heidi.client.handle", "Handle"),
    "MockHeidi": ("mock_heidi.client.server_thread", "MockHeidi"),
    "MockHeidiError": ("mock_heidi.client.client_errors", "MockHeidiError"),
    "NoAnswerError": ("mock_heidi.client.client_errors", "NoAnswerError"),
    "__version__": ("mock_heidi.base.settings", "VERSION"),
    "audio": ("mock_heidi.content.recordings", "audio"),
    "create_app": ("mock_heidi.app", "create_app"),
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    module, attribute = _PLACES[name]
    return getattr(import_module(module), attribute)
