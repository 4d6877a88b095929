"""The variables of this process, and of programs that it starts, while the hosts of the real service lead here."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from mock_heidi.base.hosts import is_loopback
from mock_heidi.base.vendor_hosts import REGIONS
from mock_heidi.client.ca_bundles import bundles

_PROXY = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
_NO_PROXY = ("no_proxy", "NO_PROXY")


@contextlib.contextmanager
def variables(ca: str) -> Iterator[None]:
    """Set the variables in a ``with``. Afterwards each has the value that it had before."""
    with tempfile.TemporaryDirectory(prefix="mock-heidi-") as folder:
        values = {**bundles(Path(ca), Path(folder)), **_around_proxy()}
        before = {name: os.environ.get(name) for name in values}
        _set(values)
        try:
            yield
        finally:
            _set(before)


def _around_proxy() -> dict[str, str]:
    """The variables by which clients do not ask the proxy of the network for the hosts, which it would look up itself.

    A proxy on this machine may be ours, so it is left alone.
    """
    if is_loopback(urlsplit(_first(_PROXY)).hostname or "localhost"):
        return {}
    hosts = ",".join(filter(None, (_first(_NO_PROXY), *REGIONS)))
    return dict.fromkeys(_NO_PROXY, hosts)


def _first(names: tuple[str, ...]) -> str:
    """The value of the first variable that is set, or an empty text."""
    return next((value for name in names if (value := os.environ.get(name))), "")


def _set(values: Mapping[str, str | None]) -> None:
    """Set variables; None removes one."""
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
