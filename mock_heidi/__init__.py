"""The Heidi Health Open API on your own machine: offline, stateful, deterministic.

``MockHeidi`` serves it from a thread, ``create_app`` makes the ASGI application, and ``audio`` makes recordings.
They are looked up when first used: every run of pytest imports this package, whether it uses it or not.
"""

from typing import TYPE_CHECKING, Any

__all__ = ["MockHeidi", "__version__", "audio", "create_app"]

if TYPE_CHECKING:
    from mock_heidi.app import create_app
    from mock_heidi.handle import MockHeidi
    from mock_heidi.recordings import audio
    from mock_heidi.settings import VERSION as __version__  # noqa: N811 - the name that Python's tools look for


def __getattr__(name: str) -> Any:
    if name == "create_app":
        from mock_heidi.app import create_app

        return create_app
    if name == "MockHeidi":
        from mock_heidi.handle import MockHeidi

        return MockHeidi
    if name == "audio":
        from mock_heidi.recordings import audio

        return audio
    if name == "__version__":
        from mock_heidi.settings import VERSION

        return VERSION
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
