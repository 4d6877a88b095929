"""The files of the certificates of https, in the user's data folder."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, NamedTuple

from mock_heidi.base.hosts import is_address
from mock_heidi.base.settings import ConfigError

if TYPE_CHECKING:
    from mock_heidi.serving.certificates import Pair

_logger = logging.getLogger("mock_heidi")
_NAME = re.compile(r"(?!.{254})[a-z0-9_]([a-z0-9_-]{0,62}(?<!-)\.[a-z0-9_])*[a-z0-9_-]{0,62}(?<!-)", re.IGNORECASE)
VARIABLE = "MOCK_HEIDI_DATA"


class Files(NamedTuple):
    """The paths of the CA's certificate, and of the server's key with its certificate.

    The file of the CA may also hold earlier CAs, after the present one, which running servers still use.
    """

    ca: Path
    server: Path


def current(names: Sequence[str] = ()) -> Files:
    """The certificates that all servers of this user share, for further names and addresses if any are given.

    They are made if there are none, if they have run out or are broken, or if they lack one of ``names``. Raises
    :class:`ConfigError` for a wrong name, without the extra ``tls``, and if the folder cannot be used.
    """
    wanted = [checked(name) for name in names]
    _certificates()
    folder = data_folder()
    files = Files(folder / "ca.pem", folder / "server.pem")
    try:
        if not _covers(files, wanted):
            folder.mkdir(parents=True, exist_ok=True)
            with _alone(folder / "lock"):
                _renew(files, wanted)
    except OSError as error:
        problem = f"https: cannot keep certificates in {folder}: {error.strerror or error}"
        raise ConfigError(problem, f"name another folder in {VARIABLE}") from None
    return files


def end(files: Files) -> int:
    """The time at which the certificate of the server runs out, in ms since 1970."""
    made: int = _certificates().end(files.server.read_bytes())
    return made


def checked(name: str) -> str:
    """A host name in lower case, or an address. Raises :class:`ConfigError` for any other text."""
    name = name.strip("[]").lower()
    if is_address(name) or _NAME.fullmatch(name):
        return name
    raise ConfigError(f"--tls-name: {name!r} is not a host name or an address", "write it like heidi.test")


def data_folder() -> Path:
    """The folder that ``MOCK_HEIDI_DATA`` names, by default ``~/.local/share/mock_heidi`` (or in XDG_DATA_HOME)."""
    if given := os.environ.get(VARIABLE):
        return Path(given).absolute()
    base = Path(os.environ.get("XDG_DATA_HOME", ""))
    if base.is_absolute():  # the specification ignores a relative one
        return base / "mock_heidi"
    try:
        return Path.home() / ".local" / "share" / "mock_heidi"
    except RuntimeError:
        raise ConfigError("https: this user has no home folder", f"name a folder in {VARIABLE}") from None


def _certificates() -> ModuleType:
    """The module that makes certificates. Raises :class:`ConfigError` without the extra ``tls``."""
    try:
        from mock_heidi.serving import certificates  # noqa: PLC0415 - takes long, and needs an extra
    except ImportError:
        problem = "https needs the package cryptography, which is not installed"
        raise ConfigError(problem, "install mock-heidi with its extra tls") from None
    return certificates


def _covers(files: Files, wanted: Sequence[str]) -> bool:
    """True if the files are a pair that can be used, and are for all wanted names."""
    try:
        return set(wanted) <= set(_names(files))
    except (FileNotFoundError, _certificates().UnusablePairError):
        return False


def _names(files: Files) -> list[str]:
    certificates = _certificates()
    names: list[str] = certificates.names_of(certificates.Pair(files.ca.read_bytes(), files.server.read_bytes()))
    return names


def _renew(files: Files, wanted: Sequence[str]) -> None:
    """Write a new pair, unless another process has done so.

    It keeps the further names of a pair that is replaced, and the file of the CA keeps the earlier CAs.
    """
    if _covers(files, wanted):
        return
    reason, kept = "", list[str]()
    try:
        kept = _names(files)
        reason = f"they were not for {', '.join(sorted(set(wanted) - set(kept)))}"
    except FileNotFoundError:
        if files.ca.exists() or files.server.exists():
            reason = "one of the two files was missing"
    except _certificates().UnusablePairError as error:
        reason = str(error)
    if reason:
        _logger.warning("https: made new certificates, since %s; tell clients of %s again", reason, files.ca)
    certificates = _certificates()
    pair: Pair = certificates.make([*kept, *wanted])
    earlier = certificates.earlier_authorities(files.ca.read_bytes()) if files.ca.exists() else b""
    write(files.server, pair.server, 0o600)
    write(files.ca, pair.ca + earlier, 0o644)


def write(path: Path, content: bytes, mode: int) -> None:
    """Write a file in one step, so that no program reads half of it."""
    number, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    part = Path(name)
    try:
        with os.fdopen(number, "wb") as file:
            file.write(content)
        part.chmod(mode)
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Wait until no other process writes the files. Does nothing on Windows."""
    try:
        import fcntl  # noqa: PLC0415 - Windows has none
    except ImportError:
        yield
        return
    with lock.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # released when the file is closed
        yield
