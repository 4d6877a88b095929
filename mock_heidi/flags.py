"""The flags of the command and their variables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click


class Rule(click.ParamType):  # type: ignore[type-arg] # generic in newer versions only
    """A fault as text. In the variable, several are divided by semicolons: paths in rules stand after a blank."""

    name = "rule"
    envvar_list_splitter = ";"


def option(name: str, *more: Any, **options: Any) -> Callable[[Any], Any]:
    """A flag and its variable: ``--url-file`` and ``MOCK_HEIDI_URL_FILE``."""
    variable = "MOCK_HEIDI_" + name.removeprefix("--").replace("-", "_").upper()
    return click.option(name, *more, envvar=variable, show_envvar=True, **{"show_default": True, **options})
