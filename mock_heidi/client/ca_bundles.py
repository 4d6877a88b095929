"""Bundles of certificates that trust the mock too, and the variables by which programs find them."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterable
from pathlib import Path

# Where systems keep their roots, if OpenSSL does not know.
_SYSTEM = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
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
    bundle.write_bytes(b"\n".join([*_roots(name), ca.read_bytes()]))
    return bundle


def _roots(name: str) -> Iterable[bytes]:
    given = next((Path(os.environ[one]) for one in _SOURCES[name] if os.environ.get(one)), None)
    if given is not None:
        yield from _certificates(given)
    elif name != "NODE_EXTRA_CA_CERTS":
        known = [*_certifi(), *_system()] if name == "REQUESTS_CA_BUNDLE" else [*_system(), *_certifi()]
        for path in known[:1]:
            yield path.read_bytes()


def _certificates(path: Path) -> Iterable[bytes]:
    """The content of a bundle, or of all files in a folder of certificates. Empty if there is neither."""
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    for content in (file.read_bytes() for file in files if file.is_file()):
        if b"BEGIN CERTIFICATE" in content or b"BEGIN TRUSTED CERTIFICATE" in content:
            yield content


def _system() -> list[Path]:
    known = ssl.get_default_verify_paths().openssl_cafile, *_SYSTEM
    return [path for path in map(Path, known) if path.is_file()]


def _certifi() -> list[Path]:
    try:
        import certifi
    except ImportError:
        return []
    return [Path(certifi.where())]
