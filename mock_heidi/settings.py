"""What a server can be told before it starts, with its defaults and limits."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

VERSION = "0.1.0"

BASE_PATH = "/api/v2/ml-scribe/open-api"
DEFAULT_KEY = "mock-heidi-key"
DEFAULT_NAMESPACE = "default"
DEFAULT_PORT = 4343
# Whom tests sign in as: the user of the vendor's own example.
DEFAULT_EMAIL = "test@heidihealth.com"
DEFAULT_THIRD_PARTY_ID = "123"

# What fixtures may be chosen by: a folder, the word "empty", or the records themselves; None is the packaged set.
FixtureChoice = str | Path | Mapping[str, Any] | None

_NAMESPACE = re.compile(r"[A-Za-z0-9._-]{1,64}")


class ConfigError(Exception):
    """A setting that cannot be used: the message is one line and names the cure."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one application.

    ``seed`` fixes ids and token signatures; ``clock`` is an ISO 8601 moment (UTC) at which time stands still,
    or None for real time; ``linked`` begins with the default user linked to a Heidi account; sizes are bytes.
    """

    fixtures: FixtureChoice = None
    api_key: str | None = None
    seed: int = 0
    clock: str | None = None
    linked: bool = False
    allowed_hosts: tuple[str, ...] = ()
    admin_origins: tuple[str, ...] = ()
    cors_origins: tuple[str, ...] = ()
    max_namespaces: int = 1_000
    max_state: int = 64 * 1024 * 1024
    journal_entries: int = 1_000
    journal_bytes: int = 16 * 1024 * 1024


def is_namespace(name: str) -> bool:
    """Whether a namespace may be called so: letters, digits, ``-``, ``_`` and ``.``, 64 at most."""
    # "." and ".." are letters of a path, not names: clients and proxies fold them away.
    return _NAMESPACE.fullmatch(name) is not None and name.strip(".") != ""
