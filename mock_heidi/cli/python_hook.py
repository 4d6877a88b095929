"""The hook of Python. A copy of it is ``sitecustomize`` on PYTHONPATH, which Python runs before any program."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from importlib.util import find_spec


def run(folder: str) -> None:
    """Redirect the hosts of the real service if HTTPS_PROXY is set, then run the ``sitecustomize`` that this one hides.

    ``folder`` is that of the copy. It leaves the path of this process, but not that of its children.
    """
    if os.environ.get("HTTPS_PROXY"):
        from mock_heidi.client.vendor_proxy import begin

        begin()
    sys.path[:] = [entry for entry in sys.path if entry != folder]
    ours = sys.modules.pop("sitecustomize")
    if find_spec("sitecustomize"):
        import_module("sitecustomize")  # that of the user, else of the interpreter
    sys.modules.setdefault("sitecustomize", ours)


if __name__ == "sitecustomize":
    run(os.path.dirname(__file__))  # noqa: PTH120 - pathlib takes long to import
