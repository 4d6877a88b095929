"""``as_vendor``: clients with the host of the real service in their code reach a namespace; all else stays."""

import _socket
import asyncio
import contextlib
import errno
import os
import socket
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path
from socket import getaddrinfo as imported_by_name
from typing import Any

import httpx
import pytest
from constant_clients import HEADERS, HOST, NAMES, PATH, URL, sign_in
from no_network import closed_clients, no_network  # noqa: F401 - fixtures
from secure import needs_tls, remove_extra

from mock_heidi import Handle, MockHeidi, MockHeidiError
from mock_heidi.base.settings import ConfigError
from mock_heidi.base.vendor_hosts import HOSTS
from mock_heidi.client.vendor_patches import ADDRESS
from mock_heidi.serving import certificates

pytestmark = needs_tls

MADE_BEFORE = ssl.create_default_context()
PATCHED = [
    (socket, "getaddrinfo"),
    (_socket, "getaddrinfo"),
    (socket, "gethostbyname"),
    (socket, "gethostbyname_ex"),
    (socket.socket, "connect"),
    (socket.socket, "connect_ex"),
    (ssl.SSLContext, "wrap_socket"),
    (ssl.SSLContext, "wrap_bio"),
]
VARIABLES = ("SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")


@pytest.fixture(scope="module")
def server() -> Iterator[Handle]:
    with MockHeidi() as handle:
        yield handle


@pytest.fixture
def one(server: Handle) -> Iterator[Handle]:
    with server.namespace("one") as made:
        yield made


@pytest.fixture
def two(server: Handle) -> Iterator[Handle]:
    with server.namespace("two") as made:
        yield made


def count(heidi: Handle) -> int:
    return len(heidi.requests())


# --- Clients ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_a_client_that_was_made_before_reaches_the_namespace(one: Handle, name: str) -> None:
    with one.as_vendor():
        status = sign_in(name)

    assert status == 200
    assert [(row["operation"], row["status"]) for row in one.requests()] == [("get_jwt", 200)]


@pytest.mark.parametrize("name", NAMES)
def test_a_client_keeps_no_connection_for_the_next_namespace(one: Handle, two: Handle, name: str) -> None:
    statuses = []
    for heidi in (one, two, one):
        with heidi.as_vendor():
            statuses.append(sign_in(name))

    assert statuses == [200, 200, 200]
    assert (count(one), count(two)) == (2, 1)


@pytest.mark.parametrize("name", NAMES)
def test_a_client_reaches_nothing_after_the_end(one: Handle, name: str) -> None:
    with one.as_vendor():
        sign_in(name)

    with pytest.raises(Exception, match=r"no test may|[Rr]efused|[Cc]onnect"):
        sign_in(name)
    assert count(one) == 1


@pytest.mark.parametrize("name", NAMES)
def test_the_innermost_counts_and_the_outer_one_returns(one: Handle, two: Handle, name: str) -> None:
    with one.as_vendor():
        sign_in(name)
        with two.as_vendor():
            sign_in(name)
        sign_in(name)

    assert (count(one), count(two)) == (2, 1)


def test_redirects_may_end_in_any_order(one: Handle, two: Handle) -> None:
    before = [getattr(owner, name) for owner, name in PATCHED]
    outer, inner = ExitStack(), ExitStack()
    outer.enter_context(one.as_vendor())
    inner.enter_context(two.as_vendor())
    outer.close()
    sign_in("urllib")
    inner.close()

    assert (count(one), count(two)) == (0, 1)
    assert all(getattr(owner, name) is was for (owner, name), was in zip(PATCHED, before, strict=True))


def test_a_client_may_be_made_in_the_with(one: Handle) -> None:
    with one.as_vendor() as given, httpx.Client() as client:
        assert client.get(URL, headers=HEADERS).status_code == 200
    assert given is one


def test_the_handle_of_a_whole_server_has_it_too() -> None:
    with MockHeidi() as heidi, heidi.as_vendor():
        assert sign_in("urllib") == 200
        assert count(heidi) == 1


def test_a_stream_and_its_early_end_reach_the_client(one: Handle) -> None:
    session = one.state.add_session()
    headers = one.headers()
    url = f"https://{HOST}/api/v2/ml-scribe/open-api/sessions/{session['session_id']}/ask-ai"
    body = {"ai_command_text": "Summarise.", "content": "A cough.", "content_type": "MARKDOWN"}
    with one.as_vendor(), httpx.Client() as client, one.fault("ask_ai", rst_after=2):
        asked = client.stream("POST", url, json=body, headers=headers)
        with pytest.raises(httpx.TransportError), asked as answer:
            list(answer.iter_lines())

    assert answer.status_code == 200
    assert [row["client_left"] for row in one.requests(operation="ask_ai")] == [False]


# --- Keys, tokens and hosts -------------------------------------------------------------------------------------------


def ask(path: str = PATH, host: str = HOST, **headers: str) -> int:
    with httpx.Client() as client:
        return client.get(f"https://{host}{path}", headers=headers).status_code


@pytest.mark.parametrize(
    ("key", "status"),
    [("mock-heidi-key", 200), ("mock-heidi-key.one", 200), ("mock-heidi-key.two", 401), ("another-key", 401)],
)
def test_the_plain_key_and_that_of_the_namespace_open_it(one: Handle, two: Handle, key: str, status: int) -> None:
    with one.as_vendor():
        assert ask(heidi_api_key=key, **{"Heidi-Api-Key": key}) == status
    assert count(two) == 0


def test_a_key_of_the_namespace_opens_it(server: Handle) -> None:
    with server.namespace("keyed", api_key="key-of-my-client") as keyed, keyed.as_vendor():
        assert ask(**{"Heidi-Api-Key": "key-of-my-client"}) == 200
        assert ask(**{"Heidi-Api-Key": "mock-heidi-key"}) == 401


def test_a_token_of_another_namespace_is_refused(one: Handle, two: Handle) -> None:
    kept, path = one.headers(), "/api/v2/ml-scribe/open-api/patient-profiles"
    with one.as_vendor():
        good = ask(path, **kept)
    with two.as_vendor():
        bad = ask(path, **kept)

    assert (good, bad) == (200, 401)


@pytest.mark.parametrize("host", [*HOSTS.values(), HOST.upper(), "AU.api.HeidiHealth.com"])
def test_each_host_of_the_service_leads_here(one: Handle, host: str) -> None:
    with one.as_vendor():
        assert ask(host=host, **HEADERS) == 200


def test_a_key_of_a_region_opens_the_host_of_that_region_only(server: Handle) -> None:
    keys = {
        "api_keys": [{"key": "key-of-au", "managed_by": "c" * 24, "ehr_provider": "P", "region": "au"}],
        "sessions": [],
    }
    with server.namespace("regional", fixtures=keys) as heidi, heidi.as_vendor():
        statuses = [ask(host=HOSTS[region], **{"Heidi-Api-Key": "key-of-au"}) for region in ("au", "uk")]

    assert statuses == [200, 401]


@pytest.mark.parametrize("url", [f"http://{HOST}{PATH}", f"https://{HOST}:8443{PATH}"])
def test_another_port_of_the_service_is_refused(one: Handle, url: str) -> None:
    with one.as_vendor(), pytest.raises(httpx.ConnectError, match="only port 443"):
        httpx.get(url)

    assert count(one) == 0


def test_the_control_api_does_not_answer_there(one: Handle) -> None:
    with one.as_vendor():
        assert ask("/_mock/state") == 403


# --- What is patched --------------------------------------------------------------------------------------------------


def test_each_patched_attribute_is_the_same_object_afterwards(one: Handle) -> None:
    def values() -> list[Any]:
        return [(getattr(owner, name), vars(owner).get(name)) for owner, name in PATCHED]

    before = values()
    with one.as_vendor():
        within = values()

    assert all(new[0] is not old[0] for new, old in zip(within, before, strict=True))
    assert all(
        new is old for after, then in zip(values(), before, strict=True) for new, old in zip(after, then, strict=True)
    )


def test_names_of_the_service_are_resolved_without_a_name_server(one: Handle) -> None:
    with one.as_vendor():
        found = [
            socket.getaddrinfo(HOST, 443, type=socket.SOCK_STREAM)[0][4],
            imported_by_name(HOST.encode(), "443", socket.AF_INET)[0][4],
            (socket.gethostbyname(HOST + "."), 443),
            (socket.gethostbyname_ex(HOST)[2][0], 443),
        ]

    assert found == [(ADDRESS, 443)] * 4


@pytest.mark.parametrize("host", ["heidihealth.com", f"x.{HOST}", f"{HOST}.example.com", "example.com"])
def test_other_names_are_resolved_as_before(one: Handle, host: str) -> None:
    with one.as_vendor():
        with pytest.raises(socket.gaierror):
            socket.getaddrinfo(host, 443)
        with pytest.raises(socket.gaierror):
            socket.gethostbyname(host)

        with socket.socket() as peer, pytest.raises(socket.gaierror):
            peer.connect_ex(("::1", 80))  # an address of another family
        assert socket.getaddrinfo("127.0.0.1", 80, socket.AF_INET, socket.SOCK_STREAM)[0][4] == ("127.0.0.1", 80)


def test_a_socket_connects_to_the_name_too_and_keeps_its_timeout(one: Handle) -> None:
    timeouts = []
    with one.as_vendor():
        for timeout in (None, 0, 7):
            with socket.socket() as peer:
                peer.settimeout(timeout)
                assert peer.connect_ex((HOST, 443)) == 0
                timeouts.append(peer.gettimeout())
        with socket.socket() as peer:
            refused = peer.connect_ex((HOST, 80))

    assert timeouts == [None, 0, 7]
    assert refused == errno.ECONNREFUSED


def shake_hands(context: ssl.SSLContext, port: int, name: str, address: str = "127.0.0.1") -> str:
    """``trusted``, or the reason why a context does not trust a server."""
    with socket.create_connection((address, port), timeout=30) as raw:
        try:
            with context.wrap_socket(raw, server_hostname=name):
                return "trusted"
        except ssl.SSLCertVerificationError as error:
            return error.verify_message


def test_a_context_trusts_the_mock_for_the_names_of_the_service_only(one: Handle) -> None:
    port = int(one.url.rpartition(":")[2])
    with one.as_vendor():
        trusted = shake_hands(MADE_BEFORE, 443, HOST, ADDRESS)
        elsewhere = shake_hands(MADE_BEFORE, port, "localhost")
    afterwards = shake_hands(MADE_BEFORE, port, HOST)

    assert trusted == "trusted"
    assert "self-signed certificate" in elsewhere or "unable to get local issuer" in elsewhere
    assert afterwards == elsewhere


@contextlib.asynccontextmanager
async def another_server(folder: Path) -> AsyncIterator[int]:
    """The port of a TLS server that has a certificate of another CA for the same names, as the real service has."""
    (folder / "other.pem").write_bytes(certificates.make().server)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "other.pem")
    async with await asyncio.start_server(lambda *_: None, "127.0.0.1", 0, ssl=context) as server:
        yield server.sockets[0].getsockname()[1]


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_no_context_accepts_another_server_under_a_name_of_the_service(one: Handle, tmp_path: Path, loop: str) -> None:
    """A client that reaches the real service all the same sends it no request, not even with ``verify=False``."""
    careless = ssl.create_default_context()
    careless.check_hostname, careless.verify_mode = False, ssl.CERT_NONE

    async def connect() -> None:
        async with another_server(tmp_path) as port:
            await asyncio.open_connection("127.0.0.1", port, ssl=careless, server_hostname=HOST)

    make_loop = pytest.importorskip(loop).new_event_loop
    refused = pytest.raises(ssl.SSLCertVerificationError)
    with one.as_vendor(), asyncio.Runner(loop_factory=make_loop) as runner, refused:
        runner.run(connect())


# --- Child processes --------------------------------------------------------------------------------------------------

CHILD = """
import socket, ssl, sys
with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as raw:
    ssl.create_default_context().wrap_socket(raw, server_hostname="registrar.api.heidihealth.com").close()
"""


def test_a_child_process_trusts_the_mock(one: Handle) -> None:
    with one.as_vendor():
        command = [sys.executable, "-c", CHILD, one.url.rpartition(":")[2]]
        ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)  # noqa: S603 - ours

    assert ended.returncode == 0, ended.stderr


def test_the_bundles_begin_with_what_was_trusted_before(
    one: Handle, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    mine = b"-----BEGIN CERTIFICATE-----\nmine\n-----END CERTIFICATE-----\n"
    for number, name in enumerate(VARIABLES):
        given = tmp_path / name
        if number % 2:  # a folder of certificates is allowed too
            given.mkdir()
        (given / "a.pem" if number % 2 else given).write_bytes(mine)
        monkeypatch.setenv(name, str(given))
    with one.as_vendor():
        found = [Path(os.environ[name]).read_bytes() for name in VARIABLES]

    assert found == [mine + Path(one.ca).read_bytes()] * 4
    assert [os.environ[name] for name in VARIABLES] == [str(tmp_path / name) for name in VARIABLES]


def test_only_the_variables_of_trust_are_put_back(one: Handle, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    with one.as_vendor():
        monkeypatch.setenv("SET_WITHIN", "1")
        bundles = [Path(os.environ[name]) for name in VARIABLES]
        assert all(bundle.is_file() for bundle in bundles)

    assert os.environ["SET_WITHIN"] == "1"
    assert not set(VARIABLES) & set(os.environ)
    assert not any(bundle.exists() for bundle in bundles)


@pytest.mark.parametrize("name", ["urllib", "requests"])
def test_clients_do_not_ask_the_proxy_of_the_network(one: Handle, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", "intranet.example")
    with one.as_vendor():
        assert os.environ["no_proxy"] == os.environ["NO_PROXY"] == ",".join(["intranet.example", *HOSTS.values()])
        with httpx.Client() as client:
            assert client.get(URL, headers=HEADERS).status_code == 200
        assert sign_in(name) == 200

    assert os.environ["NO_PROXY"] == "intranet.example"


def test_a_proxy_on_this_machine_is_left_alone(one: Handle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:4343")
    monkeypatch.setenv("NO_PROXY", "intranet.example")
    with one.as_vendor():
        assert os.environ["NO_PROXY"] == "intranet.example"


# --- Refusals ---------------------------------------------------------------------------------------------------------


def test_the_missing_extra_is_named(one: Handle, monkeypatch: pytest.MonkeyPatch) -> None:
    remove_extra(monkeypatch)

    with pytest.raises(ConfigError, match="install mock-heidi with its extra tls"):
        one.as_vendor()


def test_a_closed_handle_is_refused(server: Handle) -> None:
    with server.namespace("closed") as closed:
        pass

    with pytest.raises(MockHeidiError, match="was closed"):
        closed.as_vendor()


def test_a_server_with_an_ipv6_address_is_refused() -> None:
    with Handle("http://[::1]:4343") as heidi, pytest.raises(ConfigError, match="start the server with --host"):
        heidi.as_vendor()
