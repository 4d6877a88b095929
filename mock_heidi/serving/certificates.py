"""The certificates of https: a CA that can sign for few names, and the server's certificate.

Only this module uses the package ``cryptography``, which the extra ``tls`` installs.
"""

from __future__ import annotations

import contextlib
import ipaddress
import warnings
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    pkcs12,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from mock_heidi.base.hosts import is_address
from mock_heidi.base.vendor_hosts import HOSTS
from mock_heidi.state.clock import Clock

_YEAR, _DAY = timedelta(days=365), timedelta(days=1)
# The clock of a client may be behind ours.
_EARLIER = timedelta(hours=1)
# A server takes another certificate so many milliseconds before its own runs out.
_BEFORE_THE_END = 3_600_000
_SUBJECT = "mock_heidi CA "
# The most earlier CAs in a bundle.
_MOST_EARLIER = 8
# What the CA may sign for besides further names, and what the server's certificate is for.
_NETWORKS = ("127.0.0.0/8", "::1/128")
_NAMES = (*HOSTS.values(), "localhost", "127.0.0.1", "::1")
_END_OF_PEM = b"-----END CERTIFICATE-----"

Key = ec.EllipticCurvePrivateKey


class Pair(NamedTuple):
    """The CA's certificate, and the server's key with its certificate, as PEM."""

    ca: bytes
    server: bytes


def java_truststore(pem: bytes, password: str) -> bytes:
    """Certificates as a PKCS 12 file that Java takes for a truststore."""
    found = [pkcs12.PKCS12Certificate(one, f"root-{at}".encode()) for at, one in enumerate(_certificates_in(pem))]
    encryption = BestAvailableEncryption(password.encode())
    return pkcs12.serialize_java_truststore(found, encryption)


def _certificates_in(pem: bytes) -> list[x509.Certificate]:
    """The certificates of a bundle, without those that cryptography refuses to read."""
    found = []
    for text in pem.split(_END_OF_PEM)[:-1]:
        with contextlib.suppress(ValueError), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # some old roots are not quite valid
            found.append(x509.load_pem_x509_certificate(text + _END_OF_PEM))
    return found


class UnusablePairError(Exception):
    """The message says what is wrong with a pair, such as ``it has run out``."""


def make(names: Iterable[str] = ()) -> Pair:
    """A new pair for the vendor's hosts, this machine and further names and addresses, good for a year.

    The key of the CA is dropped: it cannot sign anything else.
    """
    names = _unique(names)
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca = authority(ca_key, names)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    server = sign(key, ca, ca_key, names)
    return Pair(ca.public_bytes(Encoding.PEM), private + server.public_bytes(Encoding.PEM))


def _unique(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys((*_NAMES, *names)))


def names_of(pair: Pair) -> list[str]:
    """The names and addresses that a pair is for. Raises :class:`UnusablePairError` for one that cannot be used."""
    try:
        ca, server = (x509.load_pem_x509_certificate(data) for data in pair)
        key = load_pem_private_key(pair.server, None)
        server.verify_directly_issued_by(ca)
        named = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        raise UnusablePairError("they are broken") from None
    if key.public_key() != server.public_key():
        raise UnusablePairError("they are broken")
    # A test run that begins now should still end with it.
    if min(ca.not_valid_after_utc, server.not_valid_after_utc) - _now() < _DAY:
        raise UnusablePairError("they have run out")
    return [*named.get_values_for_type(x509.DNSName), *map(str, named.get_values_for_type(x509.IPAddress))]


def end(server: bytes) -> int:
    """The time at which the certificate of a server runs out, in ms since 1970."""
    return int(x509.load_pem_x509_certificate(server).not_valid_after_utc.timestamp() * 1000)


def runs_out(end: int) -> bool:
    """True if a server should no longer use a certificate that runs out at ``end``, in ms since 1970."""
    return end - Clock().now() < _BEFORE_THE_END


def earlier_authorities(pem: bytes) -> bytes:
    """Our CAs in a bundle that have not run out, as PEM: running servers may still use them."""
    found = [one for one in _certificates_in(pem) if one.subject.rfc4514_string().startswith(f"CN={_SUBJECT}")]
    usable = [one.public_bytes(Encoding.PEM) for one in found if one.not_valid_after_utc > _now()]
    return b"".join(usable[:_MOST_EARLIER])


def _now() -> datetime:
    return datetime.fromtimestamp(Clock().now() / 1000, UTC)


def authority(key: Key, names: Iterable[str]) -> x509.Certificate:
    """A CA that can sign certificates of servers for these names and for loopback addresses."""
    # A name of its own, since a bundle may hold the CAs of several machines.
    serial = x509.random_serial_number()
    subject = _subject(f"{_SUBJECT}{serial:x}"[:24])
    usage = _usage(signs=True)
    return (
        _begun(subject, subject, key, serial)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.NameConstraints(list(_permitted(names)), None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def sign(key: Key, ca: x509.Certificate, ca_key: Key, names: Iterable[str]) -> x509.Certificate:
    """The certificate of a server for these names, signed by a CA."""
    serial = x509.random_serial_number()
    return (
        _begun(_subject("mock_heidi"), ca.subject, key, serial)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(list(map(_name, names))), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
        .sign(ca_key, hashes.SHA256())
    )


def _subject(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _begun(subject: x509.Name, issuer: x509.Name, key: Key, serial: int) -> x509.CertificateBuilder:
    now = _now()
    return (
        x509.CertificateBuilder(issuer, subject, key.public_key(), serial)
        .not_valid_before(now - _EARLIER)
        .not_valid_after(now + _YEAR)
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def _name(name: str) -> x509.GeneralName:
    return x509.IPAddress(ipaddress.ip_address(name)) if is_address(name) else x509.DNSName(name)


def _permitted(names: Iterable[str]) -> Iterable[x509.GeneralName]:
    """The names that the CA may sign for: those given, names below them, and all loopback addresses."""
    for network in _NETWORKS:
        yield x509.IPAddress(ipaddress.ip_network(network))
    for name in names:
        if not is_address(name):
            yield x509.DNSName(name)
        elif not ipaddress.ip_address(name).is_loopback:
            yield x509.IPAddress(ipaddress.ip_network(name))
