"""Installations without a network: pip takes what it needs from the packages of this environment."""

import os
import sys
import sysconfig
from pathlib import Path


def offline(programs: Path) -> dict[str, str]:
    """The variables under which ``python`` and ``python3`` are this one, and pip uses local packages only.

    ``programs`` is a new folder for the two.
    """
    programs.mkdir()
    for name in ("python", "python3"):
        (programs / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n', encoding="utf-8")
        (programs / name).chmod(0o755)
    return {
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": sysconfig.get_path("purelib"),
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_BUILD_ISOLATION": "0",  # in pip, 0 means: do not isolate
        "PIP_NO_DEPS": "1",
        "PIP_NO_INDEX": "1",
    }
