"""The optional packages that are installed."""

from __future__ import annotations

import importlib.util


def is_installed(module: str) -> bool:
    """True if a module can be imported, such as ``uvloop`` or ``cryptography``."""
    return importlib.util.find_spec(module) is not None
