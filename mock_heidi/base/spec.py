"""The data that ships with the package: the contracts, the packaged fixtures and the pages of ``docs``."""

from functools import cache
from pathlib import Path

from mock_heidi.base import built

_PACKAGE = Path(__file__).resolve().parent.parent


def data(name: str) -> Path:
    """The path of ``openapi.yaml``, ``control.yaml``, ``fixtures`` or ``docs``.

    An installed wheel has them in ``_data``, a checkout in its top folder. Both are found from this file, because an
    editable install may have left an old copy of ``_data`` elsewhere.
    """
    packed = _PACKAGE / "_data" / name
    return packed if packed.exists() else _PACKAGE.parent / name


@cache
def fixtures_digest() -> str:
    """The digest of the packaged fixtures. If it equals the digest in a built file, that file is current."""
    return built.digest(sorted(data("fixtures").iterdir()))


@cache
def contract() -> bytes:
    """The bytes of ``openapi.yaml``, the vendor's contract."""
    return data("openapi.yaml").read_bytes()


@cache
def control() -> bytes:
    """The bytes of ``control.yaml``, the contract of the control API."""
    return data("control.yaml").read_bytes()
