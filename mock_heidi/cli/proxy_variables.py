"""The variables by which clients of all languages use the proxy of a server and trust its certificate."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from mock_heidi.base.settings import DEFAULT_NAMESPACE, ConfigError
from mock_heidi.base.vendor_hosts import HOSTS, REGIONS
from mock_heidi.cli import client_files

if TYPE_CHECKING:
    from mock_heidi.client.handle import Handle

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
# Seconds that a server has to answer.
_GLANCE = 1.0


def proxy_variables(
    heidi: Handle, direct: Sequence[str] = (), before: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """The variables for the clients of a server; ``direct`` are hosts that they reach without the proxy.

    ``before`` are the variables that they would have otherwise: what these say is kept. Raises :class:`ConfigError`
    without the extra ``tls``, for a server with an IPv6 address, and for a host of the real service in ``direct``.
    """
    from mock_heidi.client.addresses import check_ipv4
    from mock_heidi.serving.certificate_files import current

    check_ipv4(heidi.url, "--proxy")
    ca = current().ca
    past = no_proxy(direct, before)
    roots = client_files.bundle(ca, before.get("SSL_CERT_FILE"))
    of_curl = before.get("CURL_CA_BUNDLE")
    hooks = str(client_files.hooks(ca))
    return {
        **dict.fromkeys(("HTTPS_PROXY", "https_proxy"), proxy_url(heidi)),
        **dict.fromkeys(("NO_PROXY", "no_proxy"), ",".join(past)),
        "SSL_CERT_FILE": str(roots),
        "REQUESTS_CA_BUNDLE": str(client_files.bundle(ca, before.get("REQUESTS_CA_BUNDLE") or of_curl)),
        "CURL_CA_BUNDLE": str(client_files.bundle(ca, of_curl)),
        "NODE_EXTRA_CA_CERTS": str(client_files.bundle(ca, before.get("NODE_EXTRA_CA_CERTS"), system=False)),
        "PYTHONPATH": _prepended(hooks, before.get("PYTHONPATH", "")),
        "NODE_OPTIONS": _appended(before.get("NODE_OPTIONS", ""), f'--require "{hooks}/mock_heidi_hook.cjs"'),
        # Ruby splits RUBYOPT at each blank, so the path of the folder is not in it.
        "RUBYOPT": _appended(before.get("RUBYOPT", ""), "-rmock_heidi_hook"),
        "RUBYLIB": _prepended(hooks, before.get("RUBYLIB", "")),
        # An empty part means the folder that PHP would read anyway.
        "PHP_INI_SCAN_DIR": _appended(
            before.get("PHP_INI_SCAN_DIR", ""), f"{os.pathsep}{client_files.php_folder(roots)}", ""
        ),
        "JAVA_TOOL_OPTIONS": _appended(before.get("JAVA_TOOL_OPTIONS", ""), _java(heidi, roots, past)),
    }


def proxy_url(heidi: Handle) -> str:
    """The URL of the proxy. A namespace is its user, with a password, since some clients send no user without one."""
    return heidi.url if heidi.name == DEFAULT_NAMESPACE else heidi.url.replace("://", f"://{heidi.name}:x@", 1)


def check_proxy(heidi: Handle) -> None:
    """Raise :class:`ConfigError` if the server was started without ``--proxy``. Does nothing if none answers."""
    from mock_heidi.client.kept_connection import KeptConnection

    parts = urlsplit(heidi.url)
    with (
        contextlib.suppress(OSError, ValueError),
        contextlib.closing(KeptConnection(parts.hostname or "", parts.port, _GLANCE)) as peer,
    ):
        status, _ = peer.open("CONNECT", f"{HOSTS['testing']}:443", None, {})
        if status != HTTPStatus.OK:
            raise ConfigError(f"the server at {heidi.url} is not a proxy", "start it with mock-heidi serve --proxy")


def no_proxy(direct: Iterable[str], before: Mapping[str, str]) -> list[str]:
    """The hosts that are reached without the proxy: those from before, loopback, and ``direct``.

    Entries that match a host of the real service are dropped. Raises :class:`ConfigError` for one in ``direct``.
    """
    for host in direct:
        if _lets_pass(host):
            raise ConfigError(f"--direct: {host!r} matches hosts of the real service", "name another host")
    given = ",".join(before.get(name, "") for name in ("NO_PROXY", "no_proxy")).replace(" ", ",").split(",")
    kept = [entry for entry in given if entry and not _lets_pass(entry)]
    return list(dict.fromkeys([*kept, *_LOOPBACK, *direct]))


def _lets_pass(entry: str) -> bool:
    """True if a client could take an entry for a host of the real service. Clients compare the ends of names."""
    name = entry.lower().partition(":")[0].lstrip("*.").rstrip(".")
    return entry.count(":") < 2 and any(host.endswith(name) for host in REGIONS)  # noqa: PLR2004 - IPv6 has more


def _java(heidi: Handle, roots: Path, past: Iterable[str]) -> str:
    proxy = urlsplit(heidi.url)
    hosts = [f"[{host}]" if ":" in host else f"*{host}" if host.startswith(".") else host for host in past]
    properties = {
        "javax.net.ssl.trustStore": str(client_files.truststore(roots)),
        "javax.net.ssl.trustStoreType": "PKCS12",
        "javax.net.ssl.trustStorePassword": client_files.PASSWORD,
        "https.proxyHost": proxy.hostname,
        "https.proxyPort": proxy.port,
        "http.nonProxyHosts": "|".join(hosts),
    }
    return " ".join(f'"-D{name}={value}"' for name, value in properties.items())


def _prepended(folder: str, before: str) -> str:
    """The folders of a search path with ``folder``, first unless it is there."""
    return before if folder in before.split(os.pathsep) else os.pathsep.join(filter(None, (folder, before)))


def _appended(before: str, more: str, between: str = " ") -> str:
    if more in before:
        return before
    return f"{before}{between}{more}" if before else more
