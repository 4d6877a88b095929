"""``mock-heidi ca``: the certificate, its place, and how clients are told of it."""

import ssl
from pathlib import Path

import pytest
from running import call
from secure import needs_tls

pytestmark = needs_tls


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MOCK_HEIDI_DATA", str(tmp_path / "heidi"))
    return tmp_path / "heidi"


def test_it_prints_the_certificate_and_makes_it_once(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("ca") == 0
    first = capsys.readouterr().out
    assert call("ca") == 0

    assert capsys.readouterr().out == first == (folder / "ca.pem").read_text()
    assert ssl.PEM_cert_to_DER_cert(first)


def test_it_prints_the_path(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("ca", "--path") == 0

    assert capsys.readouterr().out == f"{folder / 'ca.pem'}\n"


def test_it_takes_further_names(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("ca", "--tls-name", "heidi.test", "--path") == 0
    path = capsys.readouterr().out.strip()

    assert b"heidi.test" in ssl.PEM_cert_to_DER_cert(Path(path).read_text())


@pytest.mark.parametrize(
    "word",
    ["CURL_CA_BUNDLE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "openssl.cafile", "keytool"],
)
def test_its_help_says_how_each_client_is_told(capsys: pytest.CaptureFixture[str], word: str) -> None:
    assert call("ca", "--help") == 0

    assert word in capsys.readouterr().out


@pytest.mark.parametrize(
    ("args", "variables", "line"),
    [
        (("--tls-name", "two words"), {}, "--tls-name: 'two words' is not a host name or an address; write it like"),
        (
            (),
            {"MOCK_HEIDI_DATA": "/dev/null/x"},
            "https: cannot keep certificates in /dev/null/x: Not a directory; name",
        ),
    ],
)
def test_an_error_is_one_line_with_the_cure(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    args: tuple[str, ...],
    variables: dict[str, str],
    line: str,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert call("ca", *args) == 1
    assert capsys.readouterr().err.startswith(f"mock-heidi: {line}")
