"""The places of the data that ships with the package: the contracts and the packaged fixtures."""

from functools import cache
from pathlib import Path

from mock_heidi.base import built

_PACKAGE = Path(__file__).resolve().parent.parent


def data(name: str) -> Path:
    """The path of ``openapi.yaml``, ``control.yaml`` or ``fixtures``.

    An installed wheel carries them in ``_data``; in a checkout they stand at the top, and an editable
    install may have left an old copy of ``_data`` elsewhere, so nothing but this file's own place counts.
    """
    packed = _PACKAGE / "_data" / name
    return packed if packed.exists() else _PACKAGE.parent / name


@cache
def fixtures_digest() -> str:
    """The digest of the packaged fixtures, which tells whether the build has checked those that are there."""
    return built.digest(sorted(data("fixtures").iterdir()))


@cache
def contract() -> bytes:
    """The vendor's contract as it is served and printed: the bytes of ``openapi.yaml``."""
    return data("openapi.yaml").read_bytes()


@cache
def control() -> bytes:
    """The control API's own contract: the bytes of ``control.yaml``."""
    return data("control.yaml").read_bytes()
