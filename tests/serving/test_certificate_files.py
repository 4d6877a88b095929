"""The files of the certificates: where they are, who may read them, when they are made anew."""

import logging
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mock_heidi.base.settings import ConfigError
from mock_heidi.serving import certificate_files, trusted_roots
from mock_heidi.serving.certificate_files import current, data_folder
from mock_heidi.state.clock import Clock

certificates = pytest.importorskip("mock_heidi.serving.certificates", reason="the extra tls is not installed")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder that does not exist yet."""
    folder = tmp_path / "data" / "heidi"
    monkeypatch.setenv("MOCK_HEIDI_DATA", str(folder))
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "lock"}


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


# --- Where ------------------------------------------------------------------------------------------------------------


def test_a_variable_names_the_folder(folder: Path) -> None:
    assert data_folder() == folder


@pytest.mark.parametrize(("given", "below"), [("/data", "/data"), ("data", "/home/ada/.local/share"), ("", None)])
def test_the_folder_is_the_users_by_default(monkeypatch: pytest.MonkeyPatch, given: str, below: str | None) -> None:
    monkeypatch.delenv("MOCK_HEIDI_DATA")
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.setenv("XDG_DATA_HOME", given)

    assert data_folder() == Path(below or "/home/ada/.local/share", "mock_heidi")


def test_a_folder_that_cannot_be_made_is_an_error_with_the_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOCK_HEIDI_DATA", "/dev/null/heidi")

    with pytest.raises(ConfigError, match=r"cannot keep certificates in /dev/null/heidi: .*; name another folder"):
        current()


# --- Once made, they stay ---------------------------------------------------------------------------------------------


def test_the_certificates_are_made_once(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    files = current()
    before = contents(folder)

    assert current() == files
    assert contents(folder) == before
    assert set(before) == {"ca.pem", "server.pem"}
    assert said(caplog) == []


def test_only_the_user_may_read_the_key(folder: Path) -> None:
    files = current()

    assert stat.S_IMODE(files.server.stat().st_mode) == 0o600
    assert stat.S_IMODE(files.ca.stat().st_mode) == 0o644
    assert [name for name, data in contents(folder).items() if b"PRIVATE KEY" in data] == ["server.pem"]


def test_servers_that_start_at_once_get_one_whole_pair(folder: Path) -> None:
    def read() -> tuple[bytes, ...]:
        return tuple(path.read_bytes() for path in current())

    with ThreadPoolExecutor(8) as pool:
        pairs = {one.result() for one in [pool.submit(read) for _ in range(8)]}

    assert len(pairs) == 1
    assert certificates.names_of(certificates.Pair(*pairs.pop()))
    assert set(contents(folder)) == {"ca.pem", "server.pem"}


def test_certificates_are_found_without_a_lock_in_a_folder_that_cannot_be_written(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = current()

    def forbidden(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", forbidden)
    monkeypatch.setattr(certificate_files, "_alone", forbidden)

    assert current() == files
    assert contents(folder)


# --- Made anew --------------------------------------------------------------------------------------------------------


def test_certificates_that_have_run_out_are_replaced_with_one_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    files = current()
    before = contents(folder)
    now = Clock().now()
    monkeypatch.setattr(certificates, "Clock", lambda: Clock(now + 365 * 86_400_000))

    current()

    assert all(contents(folder)[name] != data for name, data in before.items())
    assert said(caplog) == [
        f"https: made new certificates, since they have run out; tell clients of {files.ca} again",
    ]


@pytest.mark.parametrize("name", ["ca.pem", "server.pem"])
@pytest.mark.parametrize("content", [b"", b"hello", b"\xff\xfe", None], ids=["empty", "text", "bytes", "another pair"])
def test_a_broken_or_foreign_file_is_replaced_with_one_line(
    folder: Path, caplog: pytest.LogCaptureFixture, name: str, content: bytes | None
) -> None:
    files = current()
    other = certificates.make()._asdict()
    (folder / name).write_bytes(other[name.removesuffix(".pem")] if content is None else content)

    current()

    assert certificates.names_of(certificates.Pair(*(path.read_bytes() for path in files)))
    assert said(caplog) == [f"https: made new certificates, since they are broken; tell clients of {files.ca} again"]
    assert stat.S_IMODE(files.server.stat().st_mode) == 0o600


def test_a_missing_file_is_replaced_with_one_line(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    current()
    (folder / "ca.pem").unlink()

    current()

    assert set(contents(folder)) == {"ca.pem", "server.pem"}
    assert "one of the two files was missing" in said(caplog)[0]


def test_clients_of_running_servers_go_on_trusting_the_earlier_ca_until_it_runs_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun, year = Clock().now(), 365 * 86_400_000
    bundles = []
    for later, names in ((0, []), (year // 2, ["heidi.test"]), (year + 1, ["second.test"])):
        monkeypatch.setattr(certificates, "Clock", lambda later=later: Clock(begun + later))
        bundles.append(current(names).ca.read_bytes())
    first, second, third = bundles

    assert second.endswith(first)
    assert third.endswith(second.removesuffix(first))
    assert [bundle.count(b"BEGIN CERTIFICATE") for bundle in bundles] == [1, 2, 2]


def test_a_foreign_ca_is_not_kept() -> None:
    files = current()
    files.ca.write_bytes(trusted_roots.of_system())

    assert current().ca.read_bytes().count(b"BEGIN CERTIFICATE") == 1


# --- Names ------------------------------------------------------------------------------------------------------------


def test_a_further_name_makes_new_certificates_that_are_also_for_the_former_names(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    current(["heidi.test"])
    first = contents(folder)
    current(["10.1.2.3", "HEIDI.test"])
    second = contents(folder)

    assert first != second
    assert len(said(caplog)) == 1
    for names in ([], ["heidi.test"], ["10.1.2.3"]):
        current(names)
        assert contents(folder) == second


@pytest.mark.parametrize("name", ["", "two words", "https://heidi.test", "heidi.test:443", "*.test", "a..b", "-a.test"])
def test_a_wrong_name_is_an_error_and_makes_no_certificates(folder: Path, name: str) -> None:
    with pytest.raises(ConfigError, match=r"--tls-name: .* is not a host name or an address; write it"):
        current([name])

    assert not folder.exists()


@pytest.mark.parametrize("name", ["heidi", "a.b.c", "my-heidi.test", "with_underscore", "::1", "[fe80::1]", "1.2.3.4"])
def test_host_names_and_addresses_are_good_names(name: str) -> None:
    assert current([name]).ca.exists()
