"""Bundles of certificates that trust the mock too, and the variables by which programs find them."""

from __future__ import annotations

import os
from pathlib import Path

from mock_heidi.serving import trusted_roots

# Which variables name the roots that a program uses now; the first that is set counts.
_SOURCES = {
    "SSL_CERT_FILE": ("SSL_CERT_FILE",),
    "CURL_CA_BUNDLE": ("CURL_CA_BUNDLE", "SSL_CERT_FILE"),
    "REQUESTS_CA_BUNDLE": ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
    "NODE_EXTRA_CA_CERTS": ("NODE_EXTRA_CA_CERTS",),
}


def bundles(ca: Path, folder: Path) -> dict[str, str]:
    """The variables by which programs trust ``ca`` in addition to what they trust else, with bundles in ``folder``.

    All but Node take the bundle instead of their own roots, so it begins with the roots of the user, else of the
    system; for requests, with those of certifi.
    """
    return {name: str(_bundle(name, ca, folder)) for name in _SOURCES}


def _bundle(name: str, ca: Path, folder: Path) -> Path:
    bundle = folder / f"{name.lower()}.pem"
    bundle.write_bytes(_roots(name) + ca.read_bytes())
    return bundle


def _roots(name: str) -> bytes:
    given = next((os.environ[one] for one in _SOURCES[name] if os.environ.get(one)), None)
    if given is not None:
        return trusted_roots.read(Path(given))
    if name == "NODE_EXTRA_CA_CERTS":
        return b""
    return (_certifi() if name == "REQUESTS_CA_BUNDLE" else b"") or trusted_roots.of_system()


def _certifi() -> bytes:
    """The certificates that requests trusts."""
    try:
        import certifi
    except ImportError:
        return b""
    return trusted_roots.read(Path(certifi.where()))
