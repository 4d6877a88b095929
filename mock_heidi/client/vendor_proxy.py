"""The redirect of the hosts of the real service to the server of HTTPS_PROXY, until the process ends.

``exec --proxy`` gives a copy of this module to programs that have no mock_heidi, beside the certificate of the CA.
"""

from __future__ import annotations

import os
from functools import lru_cache
from urllib.parse import urlsplit

from mock_heidi.client.vendor_patches import Patches, Redirect

_CA = os.path.join(os.path.dirname(__file__), "ca.pem")  # noqa: PTH118, PTH120 - pathlib takes long to import


class ProxyVariable:
    """The redirect that HTTPS_PROXY names: to a server, and to the namespace that its user names."""

    @property
    def current(self) -> Redirect | None:
        proxy = os.environ.get("HTTPS_PROXY")
        return _redirect(proxy) if proxy else None

    def keep(self, *_: object) -> None:
        """Do nothing: a connection belongs to its client."""


@lru_cache(None)
def _redirect(proxy: str) -> Redirect:
    return Redirect(proxy, urlsplit(proxy).username, _CA)


def begin() -> None:
    """Patch this process."""
    Patches(ProxyVariable()).__enter__()
