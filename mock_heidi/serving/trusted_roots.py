"""The certificates of authorities that programs trust: those that the user has chosen, and those of the system."""

from __future__ import annotations

import ssl
from pathlib import Path

_BEGINNINGS = (b"-----BEGIN CERTIFICATE-----", b"-----BEGIN TRUSTED CERTIFICATE-----")
# Where systems keep their roots, if OpenSSL does not know.
_SYSTEMS = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)


def read(place: Path) -> bytes:
    """The certificates of a file or of all files in a folder, as PEM; empty if there are none."""
    try:
        files = sorted(place.iterdir()) if place.is_dir() else [place]
        texts = [file.read_bytes() for file in files if file.is_file()]
    except OSError:
        return b""
    return b"".join(text.rstrip() + b"\n" for text in texts if any(begin in text for begin in _BEGINNINGS))


def of_system() -> bytes:
    """The certificates that the system trusts, as PEM."""
    for path in (ssl.get_default_verify_paths().openssl_cafile, *_SYSTEMS):
        if roots := read(Path(path)):
            return roots
    trusted = ssl.create_default_context().get_ca_certs(binary_form=True)
    return "".join(map(ssl.DER_cert_to_PEM_cert, trusted)).encode()
