"""The options of the pytest plugin: in pytest's configuration, on its command line, and in the marker.

Their values are checked before any test runs, and an error repeats what the user typed. Every run of pytest imports
this module, so it imports the rest of the package only to check a value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

# Options of the configuration (as mock_heidi_NAME) and of the marker.
OPTIONS = {
    "fixtures": "the fixtures of every mock_heidi: a folder or file (relative to the root directory), or 'empty'",
    "seed": "the seed of ids and tokens, a whole number",
    "clock": "the time (UTC) at which the clock is frozen, such as 2025-01-06T09:00:00",
    "linked": "true if the default user is linked to a Heidi account at the start",
    "journal": "how much of requests is shown: normal, full or masked",
    "api_key": "the API key of your client; it replaces the first one of the fixtures",
    "strict": "true if requests are refused for what no page documents",
}
# Options of the marker only.
MARKED = {
    "faults": "rules that are set at the start of the test, as dicts or as text",
    "assume": "values of assumptions by name, such as {'gender_case': 'exact'}",
    "scenario": "the name of a set of faults, such as flaky-afternoon",
    "vendor_hosts": "True if the hosts of the real service lead to this Heidi, in this process",
    "allow_findings": "the codes of findings that --mock-heidi-findings ignores",
}
# Options that can fail a passed test: the values of each (the first is the default), and the reason to fail.
CHECKS = {
    "unfired": (("ignore", "fail"), "a fault that it set never fired"),
    "unmatched": (("ignore", "fail"), "its client called an unknown path or method"),
    "findings": (("ignore", "info", "warning", "error"), "there is a finding of that level or above"),
}
# Options of coverage, with the arguments for argparse.
COVERAGE: dict[str, dict[str, Any]] = {
    "coverage": {
        "action": "append",
        "nargs": "?",
        "const": "",
        "default": [],
        "metavar": "FILE",
        "help": "count what the tests exercise of the contract; write it to FILE (.json, .md, .html); repeatable",
    },
    "coverage-fail-under": {
        "type": float,
        "metavar": "PERCENT",
        "help": "fail the run if the coverage of the contract is below this",
    },
}
# Options of the variant runs, with the arguments for argparse.
VARIANTS: dict[str, dict[str, Any]] = {
    "variants": {
        "nargs": "?",
        "const": "met",
        "metavar": "met|all|NAME,…",
        "help": "run each test of a mock_heidi again under other values of the assumptions that it met, of all, or of "
        "these, and show which of them it depends on",
    },
    "variants-max": {"metavar": "N", "help": "the most variants of one test (default: 200)"},
    "variants-time": {"metavar": "SECONDS", "help": "the most seconds of all repeated runs (default: 600)"},
    "variants-json": {"metavar": "FILE", "help": "a file for the results as JSON"},
    "variants-fail": {
        "action": "store_true",
        "default": None,
        "help": "end with status 1 if a test depends on an assumption",
    },
}
_CONFIGURED = pytest.StashKey[dict[str, Any]]()


class Url(NamedTuple):
    """The URL of a running server, and the option as it was typed."""

    url: str
    typed: str


def add_options(parser: pytest.Parser) -> None:
    """Declare the options to pytest."""
    for name, meaning in OPTIONS.items():
        if name in ("linked", "strict"):
            parser.addini(f"mock_heidi_{name}", meaning, type="bool", default=False)
        else:
            parser.addini(f"mock_heidi_{name}", meaning, type="string", default=None)
    group = parser.getgroup("mock_heidi")
    group.addoption("--mock-heidi-url", metavar="URL", help="a running server that all tests use")
    parser.addini("mock_heidi_url", "the same as --mock-heidi-url", type="string", default="")
    strict = "refuse requests for what no page documents, in all tests"
    group.addoption("--mock-heidi-strict", action="store_true", help=strict)
    for name, (words, reason) in CHECKS.items():
        explained = f"fail a passed test if {reason} (default: ignore)"
        group.addoption(f"--mock-heidi-{name}", choices=words, default=None, help=explained)
        parser.addini(f"mock_heidi_{name}", f"the same as --mock-heidi-{name}", type="string", default=words[0])
    for name, arguments in {**COVERAGE, **VARIANTS}.items():
        group.addoption(f"--mock-heidi-{name}", **arguments)


def marker_line() -> str:
    """The line of ``pytest --markers``."""
    names = ", ".join(f"{name}=None" for name in (*OPTIONS, *MARKED))
    return f"mock_heidi({names}): the start of the test's Heidi, and the findings that it allows"


def check(config: pytest.Config) -> None:
    """Check the options of the configuration and of the command line. Raises ``pytest.UsageError``."""
    _check_names(config)
    for name in CHECKS:
        chosen(config, name)
    config.stash[_CONFIGURED] = {
        name: _checked(name, value, f"mock_heidi_{name} = {value}", config.rootpath)
        for name in OPTIONS
        if (value := _ini(config, name)) not in (None, "", False)
    }
    if config.getoption("--mock-heidi-strict"):
        config.stash[_CONFIGURED]["strict"] = True
    if (given := url(config)) is not None:
        from mock_heidi.base.settings import ConfigError
        from mock_heidi.client.namespace_connection import read_address

        try:
            read_address(given.url, None)
        except ConfigError as error:
            raise pytest.UsageError(f"{given.typed}: {str(error).removeprefix(f'{given.url}: ')}") from None


def _check_names(config: pytest.Config) -> None:
    """Raise ``pytest.UsageError`` for an unknown option whose name begins with ours: pytest itself only warns."""
    known = [f"mock_heidi_{name}" for name in (*OPTIONS, "url", *CHECKS)]
    for name in sorted(_ini_names(config)):
        if name.startswith("mock_heidi_") and name not in known and not _is_declared(config, name):
            from mock_heidi.base.wording import nearest

            raise pytest.UsageError(f"{name}: unknown option; {nearest(name, known, 1)}")


def _ini_names(config: pytest.Config) -> set[str]:
    """The names of all options in the configuration file and after ``-o``. pytest has no public list of them."""
    # Newer versions warn about the older name.
    written = getattr(config, "_inicfg", None)
    if written is None:
        written = getattr(config, "inicfg", {})
    overridden = config.getoption("override_ini", None) or []
    return {*written, *(one.partition("=")[0] for one in overridden)}


def _is_declared(config: pytest.Config, name: str) -> bool:
    """True if a plugin or a ``conftest.py`` has declared the option."""
    try:
        config.getini(name)
    except ValueError:
        return False
    return True


def configured(config: pytest.Config) -> dict[str, Any]:
    """The options of the configuration, for a new namespace."""
    return config.stash[_CONFIGURED]


def typed_fixtures(config: pytest.Config) -> str:
    """The option of the fixtures as it was typed, for an error in their content."""
    return f"mock_heidi_fixtures = {_ini(config, 'fixtures')}" if "fixtures" in configured(config) else "mock_heidi"


def url(config: pytest.Config) -> Url | None:
    """The running server that all tests use; None if this run starts one."""
    if flag := config.getoption("--mock-heidi-url"):
        return Url(flag, f"--mock-heidi-url={flag}")
    ini = _ini(config, "url")
    return Url(ini, f"mock_heidi_url = {ini}") if ini else None


def wants_variants(config: pytest.Config) -> bool:
    """True if one of ``VARIANTS`` is given."""
    return any(config.getoption(f"--mock-heidi-{name}") is not None for name in VARIANTS)


def chosen(config: pytest.Config, name: str) -> str:
    """The value of one of ``CHECKS``."""
    words, _ = CHECKS[name]
    word = str(config.getoption(f"--mock-heidi-{name}") or _ini(config, name))
    if word not in words:
        raise pytest.UsageError(f"mock_heidi_{name} = {word}: should be {', '.join(words[:-1])} or {words[-1]}")
    return word


def _ini(config: pytest.Config, name: str) -> Any:
    typed = f"mock_heidi_{name}"
    try:
        return config.getini(typed)
    except (pytest.UsageError, TypeError, ValueError) as error:
        # pytest does not always name the option.
        raise pytest.UsageError(str(error) if typed in str(error) else f"{typed}: {error}") from None


def marked(item: pytest.Item) -> dict[str, Any]:
    """The options of a test's markers, for a new namespace; the nearest marker wins.

    Raises ``pytest.UsageError`` for an unknown option and for a wrong value.
    """
    options: dict[str, Any] = {}
    known = {**OPTIONS, **MARKED}
    for marker in reversed(list(item.iter_markers("mock_heidi"))):
        unknown = [*map(repr, marker.args), *(name for name in marker.kwargs if name not in known)]
        if unknown:
            from mock_heidi.base.wording import nearest

            cure = f"it takes {', '.join(known)} by name" if marker.args else nearest(unknown[0], known, 1)
            raise pytest.UsageError(f"@pytest.mark.mock_heidi does not know {', '.join(unknown)}; {cure}")
        options.update(marker.kwargs)
    return {
        name: _checked(name, value, f"@pytest.mark.mock_heidi({name}={value!r})", item.config.rootpath)
        for name, value in options.items()
    }


def _checked(name: str, value: Any, typed: str, root: Path) -> Any:
    """The value of an option as a namespace takes it. Raises ``pytest.UsageError`` that begins with ``typed``."""
    if value is None or name not in _READ:
        return value
    from mock_heidi.base.settings import ConfigError

    try:
        return _READ[name](value, root)
    except (ConfigError, TypeError, ValueError) as error:
        # The message may begin with the name of the setting.
        problem = str(error).removeprefix(f"{name.replace('_', ' ')}: ")
        raise pytest.UsageError(f"{typed}: {problem}") from None


def _fixtures(value: Any, root: Path) -> Any:
    if value == "empty" or isinstance(value, Mapping):
        return value
    if not isinstance(value, str | Path):
        raise TypeError("should be a folder, a file, 'empty' or the records")
    if not (root / value).exists():
        raise ValueError(f"there is no {root / value}; give a folder of YAML files, one such file, or 'empty'")
    return root / value


def _seed(value: Any, _: Path) -> int:
    try:
        if isinstance(value, int | str) and not isinstance(value, bool):
            return int(value)
    except ValueError:
        pass
    raise ValueError("should be a whole number, such as 7")


def _clock(value: Any, _: Path) -> str:
    from mock_heidi.state.clock import parse_moment

    parse_moment(str(value))
    return str(value)


def _boolean(value: Any, _: Path) -> bool:
    if not isinstance(value, bool):
        raise TypeError("should be True or False")
    return value


def _journal(value: Any, _: Path) -> str:
    from mock_heidi.base.settings import check_journal

    return check_journal(value)


def _api_key(value: Any, _: Path) -> str:
    from mock_heidi.base.settings import check_api_key

    return check_api_key(value)


def _allow_findings(value: Any, _: Path) -> Sequence[str]:
    """The codes of findings, as a list."""
    from mock_heidi.base.wording import nearest, shorten
    from mock_heidi.observing.findings import KINDS

    codes: Sequence[str] = [value] if isinstance(value, str) else value
    for code in codes:
        if code not in KINDS:
            raise ValueError(f"there is no {shorten(repr(code))}; {nearest(str(code), KINDS, 1)}")
    return codes


_READ: dict[str, Callable[[Any, Path], Any]] = {
    "fixtures": _fixtures,
    "seed": _seed,
    "clock": _clock,
    "journal": _journal,
    "api_key": _api_key,
    **dict.fromkeys(("linked", "strict", "vendor_hosts"), _boolean),
    "allow_findings": _allow_findings,
}
