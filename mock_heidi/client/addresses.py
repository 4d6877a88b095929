"""The addresses of a handle: its base URLs, the certificate of https, and the hosts of the real service."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Self

from mock_heidi.base.settings import ConfigError
from mock_heidi.client.namespace_connection import NamespaceConnection


class Addresses:
    """A base class of a handle: by which URLs clients reach its namespace."""

    url: str
    name: str
    _connection: NamespaceConnection

    @property
    def base_url(self) -> str:
        """The base URL for a client: its path includes the namespace."""
        return self._connection.base_url

    @property
    def https_base_url(self) -> str:
        """The same for a client that uses https, and trusts :attr:`ca`."""
        return self.base_url.replace("http://", "https://", 1)

    @property
    def ca(self) -> str:
        """The PEM file that a client must trust for https. Raises :class:`ConfigError` without the extra ``tls``."""
        from mock_heidi.serving.certificate_files import current

        return str(current().ca)

    def as_vendor(self) -> AbstractContextManager[Self]:
        """In a ``with``, the hosts of the real service lead to this namespace, in this process.

        A client that has such a host in its code needs no change, even if it is made before the ``with``. Of several,
        the innermost counts. Connections end with the ``with``. Raises :class:`ConfigError` without the extra ``tls``,
        and for a server with an IPv6 address.
        """
        from mock_heidi.client.vendor_patches import Redirect
        from mock_heidi.client.vendor_redirect import redirected

        self._connection.check_open()
        check_ipv4(self.url, "as_vendor")
        return redirected(self, Redirect(self.url, self.name, self.ca))


def check_ipv4(url: str, user: str) -> None:
    """Raise :class:`ConfigError` for a server with an IPv6 address; ``user`` is what cannot use it.

    A client of the real service has an IPv4 socket by the time it connects.
    """
    if "[" in url:
        raise ConfigError(f"{user}: {url} has an IPv6 address", "start the server with --host 127.0.0.1")
