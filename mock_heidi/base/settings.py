"""The settings of a server, with their defaults and limits."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

VERSION = "0.1.0"

BASE_PATH = "/api/v2/ml-scribe/open-api"
DEFAULT_KEY = "mock-heidi-key"
DEFAULT_NAMESPACE = "default"
DEFAULT_PORT = 4343
DEFAULT_MEMORY = 256 * 1024 * 1024
NAME_PATTERN = "[A-Za-z0-9._-]{1,64}"
"""The pattern for the names of namespaces, snapshots and rules."""
NAME_RULE = "letters, digits, '-', '_' and '.', 64 at most"
"""The same rule in words."""
JOURNAL_MODES = ("normal", "full", "masked")
"""The amounts of detail that the journal can show."""
# The user of a test that names no other: the one in the vendor's example.
DEFAULT_EMAIL = "test@heidihealth.com"
DEFAULT_THIRD_PARTY_ID = "123"

# A choice of fixtures: a folder or a file, the word "empty", or the records themselves; None for the packaged set.
FixtureChoice = str | Path | Mapping[str, Any] | None

_ORIGIN = (re.compile(r"https?://[^/\s?#]+/?", re.IGNORECASE), "https://app.example.com")
_FORMS = {
    "allowed_hosts": (re.compile(r"[^/\s:]+|\[?[0-9a-fA-F:.]+\]?"), "heidi.test"),
    "admin_origins": _ORIGIN,
    "cors_origins": _ORIGIN,
    "cors_headers": (re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+"), "X-My-Header"),
}
_TOKEN = re.compile(r"[\x21-\x7e]{8,}")
_HALF_A_LETTER = re.compile("[\ud800-\udfff]")
_NAME = re.compile(NAME_PATTERN)


class ConfigError(Exception):
    """A value that cannot be used. The message is one line: the ``problem`` and, after a semicolon, the ``hint``."""

    def __init__(self, problem: str, hint: str = "") -> None:
        self.problem = problem
        self.hint = hint
        """The cure; empty if the problem says it."""
        super().__init__(f"{problem}; {hint}" if hint else problem)


class Pace(NamedTuple):
    """The pace of a stream: seconds before the first piece, pieces a second after it, and their variation (0 to 1)."""

    first: float = 0
    rate: float = 0
    jitter: float = 0


def parse_pace(text: str) -> Pace:
    """A pace from text such as ``first=0.3,rate=40,jitter=0.2``."""
    given: dict[str, float] = {}
    for part in filter(None, text.split(",")):
        name, _, value = part.partition("=")
        try:
            given[name.strip()] = number = float(value)
        except ValueError:
            number = -1
        if (
            name.strip() not in Pace._fields
            or not 0 <= number < float("inf")
            or (name.strip() == "jitter" and number > 1)
        ):
            raise ConfigError(f"pace: {part!r} is not valid", "write it like first=0.3,rate=40,jitter=0.2")
    return Pace(**given)


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one application.

    ``assume`` chooses values of assumptions by name. With ``strict``, requests are refused for what no page documents.
    ``seed`` fixes ids and token signatures. ``clock`` is the ISO 8601 moment (UTC) of a frozen clock, or None for real
    time. With ``linked``, the default user starts linked to a Heidi account. ``faults`` are rules as objects or text;
    ``scenario`` is the name of a set of rules. A namespace that is not used for ``idle_after`` seconds is removed.
    Requests to the control API must carry ``admin_token``.
    ``cors_headers`` are further headers that web pages may send; ``cors_credentials`` lets them send cookies. With
    ``request_faults``, a request may choose a fault in ``X-Mock-Fault``. With ``provenance``, the header
    ``X-Mock-Provenance`` says where an answer comes from. ``journal`` is one of :data:`JOURNAL_MODES`.
    Sizes are in bytes. ``memory`` is the limit for what the server keeps of its traffic: the journals and event logs of
    all namespaces, and incomplete requests. With ``coverage``, the server counts what its clients exercise. With
    ``proxy``, it serves the hosts of the real service as a proxy.
    """

    fixtures: FixtureChoice = None
    assume: Mapping[str, Any] = field(default_factory=dict)
    strict: bool = False
    api_key: str | None = None
    seed: int = 0
    clock: str | None = None
    linked: bool = False
    pace: Pace | None = None
    faults: tuple[str | Mapping[str, Any], ...] = ()
    scenario: str | None = None
    request_faults: bool = True
    provenance: bool = True
    allowed_hosts: tuple[str, ...] = ()
    admin_origins: tuple[str, ...] = ()
    cors_origins: tuple[str, ...] = ()
    cors_headers: tuple[str, ...] = ()
    cors_credentials: bool = False
    admin_token: str | None = None
    max_namespaces: int = 1_000
    idle_after: float = 3_600
    max_upload: int = 100 * 1024 * 1024
    max_state: int = 16 * 1024 * 1024
    journal: str = "normal"
    journal_entries: int = 1_000
    memory: int = DEFAULT_MEMORY
    coverage: bool = False
    proxy: bool = False

    def __post_init__(self) -> None:
        self._check_texts()
        self._check_lists()
        self._check_token()
        for name in ("strict", "request_faults", "provenance", "cors_credentials", "coverage", "proxy"):
            if type(getattr(self, name)) is not bool:
                raise ConfigError(f"{name}: {getattr(self, name)!r} should be True or False")
        if not isinstance(self.assume, Mapping):
            raise ConfigError(f"assume: {self.assume!r} should be a dict", 'write it like {"gender_case": "exact"}')
        check_journal(self.journal)
        for name in ("max_namespaces", "max_state", "journal_entries", "memory"):
            if type(getattr(self, name)) is not int or getattr(self, name) < 1:
                raise ConfigError(f"{name}: {getattr(self, name)!r} should be a whole number from 1")

    def _check_texts(self) -> None:
        for name in self.__slots__:
            value = getattr(self, name)
            # No answer contains the path of a folder.
            if not (name == "fixtures" and isinstance(value, str | Path)) and not _fits_utf_8(value):
                raise ConfigError(f"{name}: contains a lone surrogate, which is not UTF-8", "write text as UTF-8")

    def _check_lists(self) -> None:
        for name, (form, example) in _FORMS.items():
            value = getattr(self, name)
            if isinstance(value, str) or not all(isinstance(item, str) for item in value):
                raise ConfigError(f"{name}: {value!r} should be a tuple of strings, such as ({str(value)!r},)")
            for item in value:
                if form.fullmatch(item) is None:
                    raise ConfigError(f"{name}: {item!r} can never match", f"write it like {example}")

    def _check_token(self) -> None:
        if self.admin_token is None:
            return
        # A secret that is read from a file often ends with a line feed.
        token = self.admin_token.strip()
        if _TOKEN.fullmatch(token) is None:
            problem = "admin_token: is too short, or has characters that a header cannot hold"
            raise ConfigError(problem, "use 8 or more visible ASCII characters")
        object.__setattr__(self, "admin_token", token)


def is_text(value: object) -> bool:
    """True for a string that UTF-8 can hold. JSON and Python also allow half a surrogate pair in a string."""
    return isinstance(value, str) and _HALF_A_LETTER.search(value) is None


def _fits_utf_8(value: Any) -> bool:
    """True if UTF-8 can encode every text in a setting. An argument of a command may hold half a surrogate pair."""
    try:
        json.dumps(value, ensure_ascii=False, default=str, skipkeys=True).encode()
    except UnicodeEncodeError:
        return False
    except (TypeError, ValueError, RecursionError):
        return True  # the code that reads the setting reports the mistake
    return True


def check_journal(mode: object) -> str:
    """The mode of a journal. Raises :class:`ConfigError` for an unknown word."""
    if mode in JOURNAL_MODES:
        return str(mode)
    raise ConfigError(
        f"journal: {mode!r} is not a mode", f"write {', '.join(JOURNAL_MODES[:-1])} or {JOURNAL_MODES[-1]}"
    )


def check_api_key(key: object) -> str:
    """The API key. Raises :class:`ConfigError` if a header cannot hold it."""
    if isinstance(key, str) and key.isascii() and key.isprintable() and key.split() == [key]:
        return key
    raise ConfigError(f"api key: {key!r} cannot be sent in a header", "use visible ASCII characters without blanks")


def namespace_path(name: str) -> str:
    """The prefix of every path of a namespace: ``""`` for the default one."""
    return "" if name == DEFAULT_NAMESPACE else f"/ns/{name}"


def is_name(text: str) -> bool:
    """True for a valid name of a snapshot."""
    return _NAME.fullmatch(text) is not None


def is_namespace(text: str) -> bool:
    """True for a valid name of a namespace."""
    # Clients and proxies remove "." and ".." from paths.
    return is_name(text) and text.strip(".") != ""


def wrong_name(name: str, owner: str) -> ConfigError:
    """The error for a name that is not valid; ``owner`` is ``namespace`` or ``snapshot``."""
    return ConfigError(f"{name!r} is not a valid name for a {owner}", f"use {NAME_RULE}")
