"""The optional C extensions that make the server faster."""

from __future__ import annotations

import importlib.util


def is_installed(module: str) -> bool:
    """True if a module can be imported, such as ``uvloop`` or ``httptools``."""
    return importlib.util.find_spec(module) is not None
