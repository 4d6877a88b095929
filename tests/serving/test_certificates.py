"""The certificates of https: what clients accept, what the CA could sign, and which pairs are made anew."""

import contextlib
import ssl
import subprocess
from datetime import timedelta
from pathlib import Path
from shutil import which
from typing import Any

import pytest

from mock_heidi.base.vendor_hosts import REGIONS

x509: Any = pytest.importorskip("cryptography.x509", reason="the extra tls is not installed")

from cryptography.hazmat.primitives.asymmetric import ec  # noqa: E402 - needs the extra
from cryptography.hazmat.primitives.serialization import (  # noqa: E402 - as above
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from mock_heidi.serving import certificates  # noqa: E402 - as above
from mock_heidi.serving.certificates import Pair, UnusablePairError, authority, make, names_of, sign  # noqa: E402
from mock_heidi.state.clock import Clock  # noqa: E402

needs_openssl = pytest.mark.skipif(which("openssl") is None, reason="there is no openssl here")


def ca_of(pair: Pair) -> Any:
    return x509.load_pem_x509_certificate(pair.ca)


def foreign(name: str) -> Pair:
    """A pair whose CA, of our kind, signs for any other name, as it could if its key were kept."""
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca = authority(ca_key, REGIONS)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    server = private + sign(key, ca, ca_key, [name]).public_bytes(Encoding.PEM)
    return Pair(ca.public_bytes(Encoding.PEM), server)


def connected(pair: Pair, name: str, folder: Path) -> str:
    """The version of TLS between a server with this pair and a client that trusts its CA and calls it by this name."""
    file = folder / "server.pem"
    file.write_bytes(pair.server)
    serves = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serves.load_cert_chain(file)
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = ssl.create_default_context(cadata=pair.ca.decode()).wrap_bio(back, there, server_hostname=name)
    server = serves.wrap_bio(there, back, server_side=True)
    for side in (client, server, client):
        with contextlib.suppress(ssl.SSLWantReadError):
            side.do_handshake()
    return client.version() or ""


# --- What clients accept ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*REGIONS, "localhost", "127.0.0.1", "::1", "heidi.test", "10.1.2.3"])
def test_a_client_that_trusts_the_ca_accepts_the_server_by_each_name(tmp_path: Path, name: str) -> None:
    assert connected(make(["heidi.test", "10.1.2.3"]), name, tmp_path) == "TLSv1.3"


@pytest.mark.parametrize("name", ["heidihealth.com", "example.com", "127.0.0.2"])
def test_a_client_refuses_the_server_by_another_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="mismatch"):
        connected(make(), name, tmp_path)


@pytest.mark.parametrize("name", ["example.com", "heidihealth.com", "api.heidihealth.com", "10.1.2.3"])
def test_a_client_refuses_what_the_ca_signs_for_a_name_outside_its_constraints(tmp_path: Path, name: str) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree violation"):
        connected(foreign(name), name, tmp_path)


@needs_openssl
@pytest.mark.parametrize(("pair", "status"), [(make(), 0), (foreign("example.com"), 2)], ids=["ours", "foreign"])
def test_openssl_says_the_same(tmp_path: Path, pair: Pair, status: int) -> None:
    for name, data in zip(("ca.pem", "server.pem"), pair, strict=True):
        (tmp_path / name).write_bytes(data)
    command = ["openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", "ca.pem", "server.pem"]

    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)  # noqa: S603 - ours

    assert ended.returncode == status, ended.stderr
    assert ("permitted subtree violation" in ended.stderr) is (status != 0)


def test_the_ca_lasts_a_year_and_can_sign_no_other_ca() -> None:
    ca = ca_of(make())
    basic = ca.extensions.get_extension_for_class(x509.BasicConstraints)
    limits = ca.extensions.get_extension_for_class(x509.NameConstraints)

    assert (basic.critical, basic.value.ca, basic.value.path_length) == (True, True, 0)
    assert limits.critical
    assert ca.not_valid_after_utc - ca.not_valid_before_utc == timedelta(days=365, hours=1)
    assert isinstance(ca.public_key().curve, ec.SECP256R1)


def test_a_pair_holds_only_the_key_of_the_server() -> None:
    pair = make()

    assert pair.ca.count(b"PRIVATE KEY") == 0
    assert pair.server.count(b"BEGIN PRIVATE KEY") == 1
    key = load_pem_private_key(pair.server, None)
    assert key.public_key() != ca_of(pair).public_key()


def test_two_cas_have_different_names() -> None:
    assert ca_of(make()).subject != ca_of(make()).subject


# --- Which pairs can be used ------------------------------------------------------------------------------------------


def test_a_new_pair_can_be_used_for_its_names() -> None:
    assert {*REGIONS, "localhost", "127.0.0.1", "::1", "heidi.test"} == set(names_of(make(["heidi.test"])))


def key_in(pair: Pair) -> bytes:
    return pair.server.partition(b"-----BEGIN CERTIFICATE")[0]


OURS, OTHER = make(), make()
BROKEN = {
    "no PEM": Pair(b"hello", OURS.server),
    "an empty file": Pair(OURS.ca, b""),
    "no key": Pair(OURS.ca, OURS.ca),
    "another CA": Pair(OTHER.ca, OURS.server),
    "another key": Pair(
        OURS.ca, OTHER.server.partition(b"-----BEGIN CERT")[0] + OURS.server.partition(b"KEY-----\n")[2]
    ),
    "half a file": Pair(OURS.ca, OURS.server[:600]),
}


@pytest.mark.parametrize("pair", BROKEN.values(), ids=list(BROKEN))
def test_a_broken_pair_cannot_be_used(pair: Pair) -> None:
    with pytest.raises(UnusablePairError, match="broken"):
        names_of(pair)


def test_a_pair_that_has_run_out_cannot_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    now = Clock().now()
    monkeypatch.setattr(certificates, "Clock", lambda: Clock(now + 364 * 86_400_000 + 60_000))

    with pytest.raises(UnusablePairError, match="run out"):
        names_of(OURS)
