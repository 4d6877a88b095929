"""``MockHeidi`` and the handles of its namespaces: servers that leave nothing behind, and their methods."""

import asyncio
import contextlib
import gc
import json
import os
import re
import socket
import ssl
import sys
import threading
import unittest
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from running import until
from secure import needs_tls, remove_extra

from mock_heidi import Handle, MockHeidi, MockHeidiError, NoAnswerError, __version__, create_app
from mock_heidi.base.settings import BASE_PATH, DEFAULT_KEY, VERSION, ConfigError, Pace, Settings
from mock_heidi.client.proxies import ClockProxy, FaultsProxy, StateProxy
from mock_heidi.client.report import report, unfired
from mock_heidi.fixtures.documents import FixtureError

JOHN = "5eb7cf5a86d9755df3a6c593"
ADA = {"patient_profiles": [{"first_name": "Ada", "ehr_patient_id": "A1"}]}
OWN_KEY = {"api_keys": [{"key": "ours", "ehr_provider": "Ours", "managed_by": "0" * 24}]}


@pytest.fixture(scope="module")
def server() -> Iterator[Handle]:
    """One server for the tests that leave it as it was."""
    with MockHeidi() as running:
        yield running


def names(server: Handle) -> list[str]:
    return [row["name"] for row in server.control("GET", "/namespaces")["namespaces"]]


def open_files() -> int:
    """The number of descriptors of this process; 0 if it is unknown."""
    gc.collect()
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.exists() else 0


def threads() -> list[str]:
    return sorted(thread.name for thread in threading.enumerate())


# --- Start and end of a server ----------------------------------------------------------------------------------------


@pytest.mark.slow
def test_port_thread_and_files_are_freed_every_time() -> None:
    with MockHeidi() as warm:
        warm.token()
    before = threads(), open_files()
    ports = []
    for _ in range(20):
        with MockHeidi() as heidi, heidi.client() as client:
            assert client.get("/patient-profiles").status_code == 200
            ports.append(int(heidi.url.rpartition(":")[2]))

    # There may be fewer, because the collector may free files of an earlier test meanwhile.
    assert threads() == before[0]
    assert open_files() <= before[1]
    for port in ports:
        socket.create_server(("127.0.0.1", port)).close()


def test_an_exception_in_the_with_block_ends_the_server_too() -> None:
    before = threads()
    with pytest.raises(ZeroDivisionError), MockHeidi() as heidi:
        raise ZeroDivisionError

    assert threads() == before
    with pytest.raises(httpx.ConnectError):
        httpx.get(heidi.url)


def test_two_servers_in_one_process_never_meet() -> None:
    with MockHeidi() as one, MockHeidi() as two:
        one.state.add_patient(first_name="Only")

        assert one.url != two.url
        assert len(one.state.patient_profiles()) == len(two.state.patient_profiles()) + 1
        assert two.requests() == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        {"fixtures": "no/such/folder"},
        {"fixtures": {"patients": []}},
        {"clock": "noon"},
        {"port": 70_000},
        {"port": (0, 70_000)},
    ],
    ids=str,
)
def test_a_failed_start_leaves_nothing_behind(options: dict[str, Any]) -> None:
    before = threads(), open_files()
    with pytest.raises(ConfigError):
        MockHeidi(**options).start()

    assert (threads(), open_files()) == before


def test_a_port_in_use_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(ConfigError, match=f"port {port} on 127.0.0.1 is in use"):
            MockHeidi(port=port).start()


def test_a_port_can_be_chosen() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with MockHeidi(port=port) as heidi:
        assert heidi.url == f"http://127.0.0.1:{port}"


def test_several_ports_can_be_chosen() -> None:
    with contextlib.ExitStack() as probes:
        ports = [probes.enter_context(socket.create_server(("127.0.0.1", 0))).getsockname()[1] for _ in range(2)]
    with MockHeidi(port=ports) as heidi:
        assert heidi.url == f"http://127.0.0.1:{ports[0]}"
        with Handle(f"http://127.0.0.1:{ports[1]}") as second:
            assert second.token()


@needs_tls
def test_a_client_of_https_trusts_the_ca_of_the_handle() -> None:
    with MockHeidi(tls_names=["heidi.test"]) as heidi, heidi.namespace("secure") as secure:
        trusted = ssl.create_default_context(cafile=secure.ca)
        with secure.client(base_url=secure.https_base_url, verify=trusted) as client:
            answer = client.get("/patient-profiles")
        with socket.create_connection(("127.0.0.1", int(heidi.url.rpartition(":")[2]))) as peer:
            trusted.wrap_socket(peer, server_hostname="heidi.test").close()

    assert answer.status_code == 200
    assert str(answer.url).startswith(f"https://{heidi.url.removeprefix('http://')}/ns/secure/")


def test_https_needs_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    remove_extra(monkeypatch)
    cure = "install mock-heidi with its extra tls"

    with MockHeidi() as heidi, pytest.raises(ConfigError, match=cure):
        heidi.ca  # noqa: B018 - the error is the subject
    with pytest.raises(ConfigError, match=cure):
        MockHeidi(tls_names=["heidi.test"]).start()


def test_it_cannot_be_started_twice() -> None:
    server = MockHeidi()
    with server, pytest.raises(RuntimeError, match="make a new one"):
        server.start()
    with pytest.raises(RuntimeError, match="make a new one"):
        server.listen()


def test_a_server_can_be_closed_twice_or_before_its_start() -> None:
    before = threads()
    server = MockHeidi()
    server.close()
    server.start()
    server.close()
    server.close()

    assert threads() == before


def test_a_server_that_listens_answers_from_its_start_on() -> None:
    server = MockHeidi()
    parts = urlsplit(server.listen().url)
    with contextlib.closing(HTTPConnection(parts.hostname or "", parts.port, timeout=60)) as peer:
        peer.request("GET", "/readyz")
        server.start()

        assert peer.getresponse().status == 200
    server.close()


@pytest.mark.slow
@pytest.mark.usefixtures("server")  # the first server of a process opens files that stay open
def test_a_server_that_listened_and_never_started_leaves_nothing_behind() -> None:
    before = threads(), open_files()
    server = MockHeidi()
    server.listen()
    server.close()

    assert (threads(), open_files()) == before


def test_a_second_close_does_not_delete_a_new_namespace_of_the_same_name(server: Handle) -> None:
    first = server.namespace("twice")
    first.close()
    with server.namespace("twice") as second:
        first.close()

        assert "twice" in [row["name"] for row in server.control("GET", "/namespaces")["namespaces"]]
        assert second.token()


def test_a_server_takes_settings_instead_of_options() -> None:
    with MockHeidi(Settings(seed=7)) as heidi:
        assert heidi.control("GET", "/health")["seed"] == 7
    with pytest.raises(ConfigError, match="give settings or clock, not both"):
        MockHeidi(Settings(), clock="2025-01-06T09:00:00")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"sed": 7}, "MockHeidi: there is no option 'sed'; did you mean seed?"),
        ({"watch": True}, "MockHeidi: there is no option 'watch'; it is for the command; give new fixtures to "),
        ({"export_on_exit": "a.yaml"}, "MockHeidi: there is no option 'export_on_exit'; it is for the command; save "),
        ({"x": "red"}, "MockHeidi: there is no option 'x'; known names are admin_origins, "),
    ],
)
def test_the_error_for_an_unknown_option_names_the_nearest(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(words)):
        MockHeidi(**options)


def test_a_server_that_dies_at_once_does_not_leave_the_test_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "mock_heidi.serving.server.Server.run", lambda self: [listener.close() for listener in self.sockets]
    )

    with pytest.raises(RuntimeError, match="ended before it listened"):
        MockHeidi().start()


def test_a_server_has_a_repr_before_and_after_its_start() -> None:
    server = MockHeidi()

    assert repr(server) == "<MockHeidi not started>"
    with server as heidi:
        assert repr(server) == f"<MockHeidi {heidi.url}>"
        assert repr(heidi) == f"<Handle {heidi.base_url}>"


def test_the_package_offers_its_names_and_its_version() -> None:
    import mock_heidi  # noqa: PLC0415 - the package is the subject of the test

    assert mock_heidi.__all__ == [
        "Handle",
        "MockHeidi",
        "MockHeidiError",
        "NoAnswerError",
        "__version__",
        "audio",
        "create_app",
    ]
    assert all(getattr(mock_heidi, name) for name in mock_heidi.__all__)
    assert __version__ == VERSION
    with pytest.raises(AttributeError, match="no attribute 'MockHeidy'"):
        mock_heidi.MockHeidy  # noqa: B018


# --- A namespace ------------------------------------------------------------------------------------------------------


def test_a_namespace_is_isolated_and_is_deleted_at_the_end(server: Handle) -> None:
    with server.namespace("checkout") as heidi:
        heidi.state.add_patient(first_name="Only here")
        inside = names(server)

        assert heidi.base_url == f"{server.url}/ns/checkout{BASE_PATH}"
        assert len(heidi.state.patient_profiles()) == len(server.state.patient_profiles()) + 1
    assert inside == ["default", "checkout"]
    assert names(server) == ["default"]


def test_a_namespace_is_deleted_after_an_exception(server: Handle) -> None:
    with pytest.raises(ZeroDivisionError), server.namespace("broken"):
        raise ZeroDivisionError

    assert names(server) == ["default"]


def test_an_unused_handle_opens_no_connection(server: Handle, monkeypatch: pytest.MonkeyPatch) -> None:
    server.control("GET", "/health")
    connect, made = socket.create_connection, []

    def counted(*where: Any) -> socket.socket:
        made.append(where)
        return connect(*where)

    monkeypatch.setattr(socket, "create_connection", counted)
    with server.namespace("quiet"):
        pass
    assert not made
    with server.namespace("asked") as heidi:
        heidi.control("GET", "/health")
    assert len(made) == 1
    assert names(server) == ["default"]


def test_a_namespace_is_deleted_although_its_maker_was_closed_first(server: Handle) -> None:
    maker = Handle(server.url)
    heidi = maker.namespace("orphan")
    maker.close()

    heidi.close()

    assert names(server) == ["default"]


def test_a_namespace_can_be_closed_again(server: Handle) -> None:
    with server.namespace("once") as heidi:
        heidi.close()

    assert names(server) == ["default"]


def test_a_namespace_of_the_same_name_starts_again(server: Handle) -> None:
    with server.namespace("again") as first:
        first.state.add_patient(first_name="Forgotten")
        with server.namespace("again") as second:
            assert len(second.state.patient_profiles()) == len(server.state.patient_profiles())

    assert names(server) == ["default"]


def test_fixtures_may_be_records(server: Handle) -> None:
    with server.namespace("records", fixtures=ADA) as heidi:
        assert [patient["first_name"] for patient in heidi.state.patient_profiles()] == ["Ada"]
        assert heidi.state.sessions() == []
        assert heidi.token()


def test_fixtures_may_be_a_folder(server: Handle, tmp_path: Path) -> None:
    (tmp_path / "patient_profiles.yaml").write_text("- first_name: Ada\n  birth_date: 1990-01-15\n", encoding="utf-8")

    for folder in (tmp_path, str(tmp_path)):
        with server.namespace("folder", fixtures=folder) as heidi:
            (ada,) = heidi.state.patient_profiles()
            assert (ada["first_name"], ada["birth_date"]) == ("Ada", "1990-01-15")


def test_fixtures_may_be_empty(server: Handle) -> None:
    with server.namespace("empty", fixtures="empty") as heidi, heidi.client() as client:
        assert client.get("/patient-profiles").json() == {"data": []}


def test_a_handle_knows_the_key_of_its_fixtures(server: Handle) -> None:
    with server.namespace("keys", fixtures=OWN_KEY) as heidi:
        assert heidi.api_key == "ours"
        assert heidi.token()


@pytest.mark.parametrize("fixtures", ["empty", {}, ADA, OWN_KEY], ids=["empty", "none", "patients", "keys"])
def test_the_key_of_the_server_is_valid_in_every_namespace(fixtures: Any) -> None:
    with MockHeidi(api_key="mine") as server, server.namespace("other", fixtures=fixtures) as heidi:
        assert heidi.api_key == "mine"
        assert heidi.token()


def test_an_empty_namespace_has_a_key_though_the_server_has_others() -> None:
    with MockHeidi(fixtures=OWN_KEY) as server, server.namespace("empty", fixtures="empty") as heidi:
        assert server.api_key == "ours"
        assert heidi.token()


def test_a_seed_makes_the_same_ids(server: Handle) -> None:
    made = []
    for seed in (7, 7, 8):
        with server.namespace("seeded", seed=seed, clock="2025-01-06T09:00:00") as heidi:
            made.append(heidi.state.add_session()["session_id"])

    assert made[0] == made[1] != made[2]


def test_a_namespace_can_start_with_a_frozen_clock(server: Handle) -> None:
    with server.namespace("still", clock="2025-01-06T09:00:00") as heidi:
        assert heidi.state.add_patient()["created_at"] == "2025-01-06T09:00:00.000000"


def test_linked_links_the_user_of_the_handle(server: Handle) -> None:
    with server.namespace("linked", linked=True) as heidi, server.namespace("unlinked") as other:
        heidi.token()
        other.token()

        assert [user["linked_to"] for user in heidi.state.users() if user["email"] == heidi.email] != [None]
        assert [user.get("linked_to") for user in other.state.users() if user["email"] == other.email] == [None]


def test_a_namespace_can_be_unlinked_on_a_linked_server() -> None:
    with MockHeidi(linked=True) as server:
        linked = []
        for choice in (None, False, True):
            with server.namespace("choice", linked=choice) as heidi:
                linked.append([user["email"] for user in heidi.state.users() if user.get("linked_to")])

    assert [server.email in emails for emails in linked] == [True, False, True]


@pytest.mark.parametrize("kind", [Handle, StateProxy, ClockProxy, FaultsProxy])
def test_no_property_asks_the_server(kind: type) -> None:
    nowhere = Handle("http://127.0.0.1:1")
    made = {
        Handle: nowhere,
        StateProxy: nowhere.state,
        ClockProxy: nowhere.clock,
        FaultsProxy: FaultsProxy(nowhere.control, [{"id": "a"}], []),
    }[kind]
    properties = [name for name, value in vars(kind).items() if isinstance(value, property)]

    assert all(getattr(made, name) is not None for name in properties)
    with pytest.raises(NoAnswerError):
        nowhere.control("GET", "/health")


@pytest.mark.parametrize(
    ("url", "name"),
    [("", "default"), (BASE_PATH, "default"), (f"/ns/checkout{BASE_PATH}", "checkout"), ("/ns/checkout", "checkout")],
)
def test_a_handle_takes_any_url_of_its_server(url: str, name: str) -> None:
    heidi = Handle(f"http://127.0.0.1:4343{url}")

    assert (heidi.url, heidi.name) == ("http://127.0.0.1:4343", name)
    assert heidi.base_url == f"http://127.0.0.1:4343{'' if name == 'default' else '/ns/checkout'}{BASE_PATH}"
    assert Handle(heidi.base_url, "other").name == "other"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("127.0.0.1:4343", "write it like http://127.0.0.1:4343"),
        ("https://127.0.0.1", "write it like http://127.0.0.1:4343"),
        ("http://127.0.0.1:65536", "write it like http://127.0.0.1:4343"),
        ("http://127.0.0.1:4343/path", "nothing of mock_heidi at this path; write it like http://127.0.0.1:4343 or"),
        ("http://127.0.0.1:4343/ns/a%20b", "'a%20b' is not a valid name for a namespace; use letters"),
    ],
)
def test_a_handle_refuses_an_invalid_url(url: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        Handle(url)


def test_a_handle_that_did_not_make_its_namespace_leaves_it_there(server: Handle) -> None:
    with server.namespace("kept"):
        with Handle(server.url, "kept") as other:
            other.token()

        assert "kept" in names(server)


# --- Its state --------------------------------------------------------------------------------------------------------


@pytest.fixture
def heidi(server: Handle) -> Iterator[Handle]:
    with server.namespace("test", clock="2025-01-06T09:00:00") as own:
        yield own


def test_an_added_patient_is_served(heidi: Handle) -> None:
    ada = heidi.state.add_patient(first_name="Ada", ehr_patient_id="A1", birth_date="1990-01-15")
    with heidi.client() as client:
        (found,) = client.get("/patient-profiles", params={"ehr_patient_id": "A1"}).json()["data"]

    assert re.fullmatch("[0-9a-f]{24}", ada["id"])
    assert found["id"] == ada["id"]
    assert found["birth_date"] == "1990-01-15"


def test_an_added_session_is_served(heidi: Handle) -> None:
    ada = heidi.state.add_patient(first_name="Ada")
    session = heidi.state.add_session(patient_profile_id=ada["id"], duration=60)
    with heidi.client() as client:
        found = client.get(f"/sessions/{session['session_id']}").json()["session"]

    assert found["patient"]["name"] == "Ada"
    assert found["duration"] == 60


def test_the_state_can_be_replaced_and_read_back(heidi: Handle) -> None:
    heidi.state.replace(ADA)
    once = heidi.state.as_fixtures()
    heidi.state.replace(once)

    assert heidi.state.as_fixtures() == once
    assert [patient["first_name"] for patient in heidi.state.patient_profiles()] == ["Ada"]


def test_a_refused_record_changes_nothing_and_names_the_cure(heidi: Handle) -> None:
    before = heidi.state.as_fixtures()
    with pytest.raises(MockHeidiError, match=r"patient_profiles\[0\]\.gender: .*'MALE', 'FEMALE' or 'OTHER'"):
        heidi.state.add_patient(gender="male")
    with pytest.raises(MockHeidiError, match="did you mean patient_profiles"):
        heidi.state.replace({"patients": []})

    assert heidi.state.as_fixtures() == before


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"clock": "noon"}, "write it like 2025-01-06T09:00:00"),
        ({"seed": "seven"}, "write it like 7"),
        ({"fixtures": {"patients": []}}, "did you mean patient_profiles"),
    ],
    ids=str,
)
def test_a_namespace_with_wrong_options_is_refused_with_the_cure(
    server: Handle, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(MockHeidiError, match=words):
        server.namespace("wrong", **options)

    assert names(server) == ["default"]


def test_a_bad_name_is_refused_with_the_cure(server: Handle) -> None:
    with pytest.raises(MockHeidiError, match="use letters, digits"):
        server.namespace("two words")


def test_a_folder_that_cannot_be_read_is_named(server: Handle) -> None:
    with pytest.raises(FixtureError, match=r"cannot read no.such.folder"):
        server.namespace("wrong", fixtures="no/such/folder")

    assert names(server) == ["default"]


# --- Sign-in and requests ---------------------------------------------------------------------------------------------


def test_headers_are_those_of_a_signed_in_request(heidi: Handle) -> None:
    answer = httpx.get(f"{heidi.base_url}/patient-profiles/{JOHN}", headers=heidi.headers())

    assert answer.status_code == 200


def test_a_token_can_be_for_any_user(heidi: Handle) -> None:
    heidi.token(email="someone@example.com", third_party_internal_id="55")

    assert {"email": "someone@example.com", "third_party_internal_id": "55"} in [
        {name: user[name] for name in ("email", "third_party_internal_id")} for user in heidi.state.users()
    ]


def test_a_wrong_key_is_an_error_with_the_status(heidi: Handle) -> None:
    heidi.api_key = "wrong"

    with pytest.raises(MockHeidiError, match=r"Invalid API key.*status 401"):
        heidi.token()


def test_a_client_takes_the_options_of_httpx(heidi: Handle) -> None:
    with heidi.client(timeout=61.5, headers={"Authorization": "Bearer forged"}) as client:
        answer = client.get("/patient-profiles")

    assert client.timeout == httpx.Timeout(61.5)
    assert answer.status_code == 401


def test_an_async_client_is_signed_in_too(heidi: Handle) -> None:
    async def count() -> int:
        async with heidi.async_client() as client:
            return len((await client.get("/patient-profiles")).json()["data"])

    assert asyncio.run(count()) == len(
        [patient for patient in heidi.state.patient_profiles() if patient["managed_by"] == JOHN]
    )


def test_requests_are_kept_and_filtered_and_hold_no_secret(heidi: Handle) -> None:
    with heidi.client() as client:
        client.post("/sessions")
        client.get(f"/patient-profiles/{JOHN}")
        token = client.headers["Authorization"].split()[1]

    assert [row["operation"] for row in heidi.requests()] == ["get_jwt", "create_session", "get_patient_profile"]
    assert [row["path"] for row in heidi.requests(operation="create_session")] == [f"/ns/test{BASE_PATH}/sessions"]
    assert token not in str(heidi.requests())
    assert DEFAULT_KEY not in str(heidi.requests())
    with pytest.raises(MockHeidiError, match="did you mean operation"):
        heidi.requests(operatoin="create_session")


def test_reset_restores_the_start(heidi: Handle) -> None:
    before = heidi.state.as_fixtures()
    first = heidi.state.add_session()
    heidi.token()
    heidi.reset()

    assert heidi.state.as_fixtures() == before
    assert heidi.requests() == []
    assert heidi.state.add_session() == first  # even the ids start again


def test_a_handle_may_be_used_from_several_threads(heidi: Handle) -> None:
    before = len(heidi.state.sessions())
    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(lambda _: heidi.state.add_session()["session_id"], range(200)))

    assert len(set(ids)) == 200
    assert len(heidi.state.sessions()) == before + 200


def test_an_idle_connection_that_was_closed_is_made_again(heidi: Handle) -> None:
    heidi.token()
    # The server does this to a connection after some idle time.
    sock = heidi._connection.server._connection.sock  # noqa: SLF001
    assert sock is not None
    sock.shutdown(socket.SHUT_RDWR)

    assert heidi.token()


def test_a_closed_handle_refuses_requests(server: Handle) -> None:
    with server.namespace("closed") as heidi:
        heidi.token()

    for ask in (heidi.token, heidi.reset):
        with pytest.raises(MockHeidiError, match="was closed"):
            ask()
    assert names(server) == ["default"]


# --- Faults and reports -----------------------------------------------------------------------------------------------

SESSION = "/sessions/1234567890"
QUESTION = {"ai_command_text": "Summarise", "content": "One. Two. Three. Four. Five.", "content_type": "MARKDOWN"}


@pytest.fixture
def client(heidi: Handle) -> Iterator[httpx.Client]:
    with heidi.client() as signed_in:
        yield signed_in


def statuses(client: httpx.Client, *paths: str) -> list[int]:
    return [client.get(path).status_code for path in paths]


def test_a_fault_ends_with_its_block(heidi: Handle, client: httpx.Client) -> None:
    with heidi.fault("get_session", status=503) as fault:
        inside = statuses(client, SESSION, "/patient-profiles")
        rules = heidi.faults()

    assert (inside, statuses(client, SESSION)) == ([503, 200], [200])
    assert [(rule["id"], rule["hits"]) for rule in rules] == [(fault.id, 1)]
    assert heidi.faults() == []


def test_a_fault_ends_with_its_block_when_that_raises(heidi: Handle) -> None:
    with pytest.raises(ZeroDivisionError), heidi.fault(status=503):
        raise ZeroDivisionError

    assert heidi.faults() == []


def test_a_removed_fault_keeps_its_hits(heidi: Handle, client: httpx.Client) -> None:
    with heidi.fault("get_session", status=503, times=1) as fault:
        before = fault.hits()
        statuses(client, SESSION, SESSION)
        during = fault.hits()

    assert (before, during, fault.hits()) == (0, 1, 1)
    assert [(rule["hits"], rule["matched"]) for rule in fault.rules()] == [(1, 2)]


def test_a_fault_without_a_block_stays_until_it_is_removed(heidi: Handle, client: httpx.Client) -> None:
    fault = heidi.fault(["get_session", "list_patient_profiles"], status=503)
    other = heidi.fault("create_session", status=502)
    before = statuses(client, SESSION, "/patient-profiles")
    fault.remove()
    fault.remove()

    assert (before, statuses(client, SESSION)) == ([503, 503], [200])
    assert [rule["id"] for rule in heidi.faults()] == [other.id]
    assert fault.hits() == 2


def test_removing_a_fault_after_a_reset_is_not_an_error(heidi: Handle) -> None:
    with heidi.fault(status=503) as fault:
        heidi.reset()

    assert (heidi.faults(), fault.rules(), heidi.unfired()) == ([], [], [])


@pytest.mark.parametrize(
    ("operation", "rule", "words"),
    [
        ("get_session", {}, "a fault needs an effect, such as status=503"),
        ("get_sesion", {"status": 503}, "there is no operation 'get_sesion'; did you mean get_session"),
        ("ask_ai", {"end_aftr": 3}, "unknown field 'end_aftr'; did you mean end_after"),
        ("ask_ai", {"end_after": -1}, "end_after: Input should be a whole number from 0"),
        ("get_session", {"end_after": 3}, "end_after is for generate_consult_note, ask_ai, not for get_session"),
    ],
)
def test_a_wrong_fault_is_refused_with_the_cure(
    heidi: Handle, operation: str, rule: dict[str, Any], words: str
) -> None:
    with pytest.raises(MockHeidiError, match=re.escape(words)):
        heidi.fault(operation, **rule)

    assert heidi.faults() == []


def test_a_scenario_ends_with_its_block(heidi: Handle, client: httpx.Client) -> None:
    with heidi.scenario("service-is-gone") as scenario:
        inside = statuses(client, SESSION)
        labels = [rule["label"] for rule in heidi.faults()]

    assert (inside, statuses(client, SESSION)) == ([503], [200])
    assert (labels, scenario.hits()) == (["scenario service-is-gone"], 1)


def test_an_unknown_scenario_is_refused_with_the_nearest(heidi: Handle) -> None:
    with pytest.raises(MockHeidiError, match="no scenario 'flaky'; did you mean flaky-afternoon"):
        heidi.scenario("flaky")


RULES: list[Any] = ["get_session:status=503", {"operation": "get_session", "status": 503}]


@pytest.mark.parametrize("faults", [*RULES, RULES[:1]], ids=["text", "object", "list"])
def test_a_namespace_can_start_with_faults(server: Handle, faults: Any) -> None:
    with server.namespace("faulty", faults=faults) as heidi, heidi.client() as client:
        assert statuses(client, SESSION) == [503]
        heidi.control("DELETE", "/faults")
        heidi.reset()
        assert statuses(client, SESSION) == [503]
    with MockHeidi(faults=faults) as other, other.client() as client:
        assert statuses(client, SESSION) == [503]


def test_a_namespace_can_start_with_a_scenario(server: Handle) -> None:
    with server.namespace("linked", scenario="link-refused") as heidi, MockHeidi(scenario="link-refused") as other:
        for one in (heidi, other):
            with one.client() as client:
                assert client.post("/users/linked-account", json={"kinde_user_id": "kp_xxx"}).status_code == 409
    assert server.faults() == []


@pytest.mark.parametrize("options", [{"faults": ["ask_ai:end_aftr=3"]}, {"scenario": "flaky"}], ids=str)
def test_a_server_does_not_start_with_wrong_faults(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="did you mean"):
        MockHeidi(**options).start()


def test_each_fault_that_never_fired_has_a_line(heidi: Handle, client: httpx.Client) -> None:
    heidi.fault("get_session", status=503)
    with heidi.fault("ask_ai", end_after=3):
        pass
    heidi.fault("list_patient_profiles", status=503, after=2)
    statuses(client, SESSION, "/patient-profiles")

    assert heidi.unfired() == [
        "fault-2 (operation=ask_ai, end_after=3) never fired: no request matched",
        "fault-3 (operation=list_patient_profiles, after=2, status=503) never fired: 1 request matched",
    ]


def test_a_scenario_has_fired_if_one_of_its_rules_has(heidi: Handle, client: httpx.Client) -> None:
    for _ in range(2):
        heidi.fault("get_session", label="either", status=503, times=1)
        heidi.fault("get_transcript", label="either", status=503)
    heidi.fault("get_transcript", label="neither", status=503)
    statuses(client, SESSION)

    assert heidi.unfired() == ["neither (operation=get_transcript, status=503) never fired: no request matched"]


def test_two_rules_with_the_same_id_in_turn_are_counted_separately(heidi: Handle, client: httpx.Client) -> None:
    with heidi.fault("get_session", id="mine", status=503):
        statuses(client, SESSION)
    with heidi.fault("get_session", id="mine", status=503):
        pass

    assert heidi.unfired() == ["mine (operation=get_session, status=503) never fired: no request matched"]


@pytest.mark.parametrize(
    ("matched", "words"), [(0, "no request matched"), (1, "1 request matched"), (5, "5 requests matched")]
)
def test_the_line_of_a_fault_that_never_fired_counts_the_matching_requests(matched: int, words: str) -> None:
    (line,) = unfired([{"id": "a", "status": 503, "hits": 0, "matched": matched}])

    assert line == f"a (status=503) never fired: {words}"


def test_a_fault_that_is_switched_off_need_not_fire() -> None:
    assert unfired([{"id": "a", "status": 503, "enabled": False, "hits": 0, "matched": 0}]) == []


def test_a_closed_handle_still_lists_faults_that_never_fired(server: Handle) -> None:
    with server.namespace("closed") as heidi, heidi.fault("ask_ai", end_after=3):
        pass

    assert heidi.closed
    assert [line.split()[0] for line in heidi.unfired()] == ["fault-1"]


def test_a_report_has_requests_answers_and_faults(heidi: Handle, client: httpx.Client) -> None:
    token = client.headers["Authorization"].split()[1]
    with heidi.fault("get_transcript", close=True), pytest.raises(httpx.RemoteProtocolError):
        client.get(f"{SESSION}/transcript")
    client.patch(SESSION, json={"patient": {"gender": "unknown"}})
    statuses(client, f"/sessions/{token}", "/patient-profiles/0")
    heidi.fault("ask_ai", end_after=9)
    said = heidi.report().splitlines()

    assert said[:4] == [
        "#1 GET /jwt -> 200  [assumed: token_lifetime]",
        "#2 GET /sessions/1234567890/transcript -> no answer  [fault-1]",
        "#3 PATCH /sessions/1234567890 -> 422  [assumed: gender_case, validation_errors]",
        '    > {"patient": {"gender": "unknown"}}',
    ]
    assert said[4].startswith('    < {"detail": [{"type": "literal_error", "loc": ["body", "patient", "gender"]')
    assert said[5:7] == [
        "#4 GET /sessions/*** -> 404  [assumed: malformed_id]",
        '    < {"detail": {"msg": "Session not found", "type": "SessionNotFoundError"}}',
    ]
    assert said[-3:-1] == [
        "fault-1 (operation=get_transcript, close=True): 1 request matched, 1 answer shaped",
        "fault-2 (operation=ask_ai, end_after=9): no request matched, no answer shaped",
    ]
    assert said[-1].startswith("warning  invalid_request: ")
    assert heidi.report(limit=1).splitlines()[0].startswith("#5 GET /patient-profiles/0 -> ")


def test_a_report_has_the_text_of_a_stream_and_the_findings(heidi: Handle, client: httpx.Client) -> None:
    asked = {"ai_command_text": "Summarise", "content": "One.", "content_type": "MARKDOWN", "colour": "red"}
    client.post(f"{SESSION}/ask-ai", json=asked)

    assert heidi.report().splitlines()[1:] == [
        "#2 POST /sessions/1234567890/ask-ai -> 200  [assumed: stream_framing]",
        f"    > {json.dumps(asked)}",
        '    < "One." in 1 piece',
        "warning  unknown_field: sent a field that is not documented: colour of ask_ai (request 2)",
    ]


def test_a_report_cannot_control_the_terminal() -> None:
    row = {"id": 1, "method": "G\x1bT", "path": "/\x9b31m\n", "status": 404, "fault": None, "client_left": False}
    said = report(
        [{**row, "why": None, "assumptions": [], "body": "\x1b\x7f", "pieces": None, "response": None}], [], []
    )

    assert said == '#1 G\\x1bT /\\x9b31m\\x0a -> 404\n    > "\\u001b\\x7f"'


def test_a_failed_expectation_cannot_control_the_terminal(heidi: Handle) -> None:
    with heidi.client() as client:
        client.get("/sessions/%1b%5b2J%0aA")

    with pytest.raises(AssertionError) as failure:
        heidi.verify(path="/jwt", status=404)

    assert "path was" in str(failure.value)
    assert "\\x1b[2J\\x0aA" in str(failure.value)


def test_a_report_without_requests_is_empty(heidi: Handle) -> None:
    assert heidi.report() == ""


# --- The clock --------------------------------------------------------------------------------------------------------


def test_the_clock_stands_jumps_and_goes_on(server: Handle) -> None:
    with server.namespace("timed") as heidi:
        real = heidi.clock.frozen()
        heidi.clock.freeze("2025-01-06T09:00:00Z")
        stood = heidi.clock.now(), heidi.clock.frozen(), heidi.state.add_patient()["created_at"]
        jumped = heidi.clock.advance(90)
        heidi.clock.set(now="2030-01-01T00:00:00Z")
        moved = heidi.clock.now()
        heidi.clock.go_real()

        assert (real, heidi.clock.frozen()) == (False, False)
        assert stood == ("2025-01-06T09:00:00.000Z", True, "2025-01-06T09:00:00.000000")
        assert (jumped, moved) == ("2025-01-06T09:01:30.000Z", "2030-01-01T00:00:00.000Z")
        assert heidi.clock.now() < "2030"


def test_a_clock_can_be_frozen_as_it_is_and_set_to_go_faster(heidi: Handle) -> None:
    heidi.clock.go_real()
    heidi.clock.freeze()
    frozen = heidi.clock.now()
    still = heidi.clock.now()
    heidi.clock.go_real()
    heidi.clock.set(speed=3_600)

    assert frozen == still
    assert not heidi.clock.frozen()
    assert until(lambda: heidi.clock.now()[:13] > frozen[:13], "an hour in a second")


def test_a_token_expires_when_the_clock_is_advanced(heidi: Handle, client: httpx.Client) -> None:
    before = statuses(client, SESSION)
    heidi.clock.advance(3_600)

    assert (before, statuses(client, SESSION)) == ([200], [401])


def advanced(heidi: Handle, asked: Future[Any], seconds: float) -> None:
    """Advance the clock until the request is answered: it may not have begun to wait yet."""
    until(lambda: heidi.clock.advance(seconds) and asked.done(), "the answer")


def test_a_delay_under_a_frozen_clock_ends_when_it_is_advanced(heidi: Handle, client: httpx.Client) -> None:
    with heidi.fault("get_session", delay=30) as fault, ThreadPoolExecutor(1) as threads:
        asked = threads.submit(client.get, SESSION)
        until(lambda: heidi.requests(operation="get_session"), "the request")
        waited = not asked.done()
        advanced(heidi, asked, 30)

        assert (waited, asked.result().status_code, fault.hits()) == (True, 200, 1)


@pytest.fixture
def paced() -> Iterator[Handle]:
    with MockHeidi(pace=Pace(first=60, rate=0.1), clock="2025-01-06T09:00:00") as running:
        yield running


def test_a_paced_stream_under_a_frozen_clock_comes_when_it_is_advanced(paced: Handle) -> None:
    def read() -> str:
        with paced.client(timeout=30) as client, client.stream("POST", f"{SESSION}/ask-ai", json=QUESTION) as answer:
            return "".join(answer.iter_text())

    with ThreadPoolExecutor(1) as threads:
        asked = threads.submit(read)
        until(lambda: paced.requests(operation="ask_ai"), "the request")
        waited = not asked.done()
        advanced(paced, asked, 10)

    assert waited
    assert asked.result().count("data: ") > 1


def test_a_stall_of_a_paced_stream_ends_when_its_fault_is_reset(paced: Handle) -> None:
    with ThreadPoolExecutor(1) as threads, paced.client(timeout=30) as client:
        paced.fault("ask_ai", stall_after=0)
        asked = threads.submit(client.post, f"{SESSION}/ask-ai", json=QUESTION)
        until(lambda: paced.requests(operation="ask_ai"), "the request")
        until(lambda: paced.control("POST", "/reset") and asked.done(), "the end")

    assert isinstance(asked.exception(), httpx.TransportError)


# --- Without pytest, without a socket ---------------------------------------------------------------------------------


class Case(unittest.TestCase):
    """A Heidi in a unittest."""

    def setUp(self) -> None:
        self.heidi = self.enterContext(MockHeidi())

    def test_it_is_there(self) -> None:
        with self.heidi.client() as client:
            assert client.get(f"/patient-profiles/{JOHN}").status_code == 200


def test_an_application_needs_no_lifespan_and_no_socket() -> None:
    async def sign_in() -> httpx.Response:
        transport = httpx.ASGITransport(app=create_app(clock="2025-01-06T09:00:00"))
        async with httpx.AsyncClient(transport=transport, base_url=f"http://heidi.test{BASE_PATH}") as client:
            query = {"email": "a@example.com", "third_party_internal_id": "1"}
            return await client.get("/jwt", params=query, headers={"Heidi-Api-Key": DEFAULT_KEY})

    assert asyncio.run(sign_in()).json()["expiration_time"] == "2025-01-06T10:00:00.000Z"


def test_a_handle_ignores_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    # A variable in the shell of a developer must not change a test.
    for name, value in {"PORT": "1", "SEED": "9", "FIXTURES": "/nowhere"}.items():
        monkeypatch.setitem(os.environ, f"MOCK_HEIDI_{name}", value)
    with MockHeidi() as heidi:
        assert heidi.control("GET", "/health")["seed"] == 0


# --- Arguments of a handle --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("which", "fields"),
    [
        ("get_session", {"operation": "get_session"}),
        ("get_session+ask_ai", {"operation": ["get_session", "ask_ai"]}),
        (["get_session", "ask_ai"], {"operation": ["get_session", "ask_ai"]}),
        ("GET /sessions/{session_id}", {"method": "GET", "path": "/sessions/{session_id}"}),
        ("*", {}),
        (None, {}),
    ],
    ids=str,
)
def test_a_fault_takes_the_part_before_the_colon_of_a_short_form(
    heidi: Handle, which: Any, fields: dict[str, Any]
) -> None:
    with heidi.fault(which, status=503) as fault:
        (rule,) = fault.rules()

    told = {name: rule[name] for name in ("operation", "method", "path") if name in rule}
    assert told == fields
    assert rule["status"] == 503


def test_a_fault_takes_a_whole_short_form(heidi: Handle) -> None:
    with heidi.fault("ask_ai:end_after=3,times=1") as fault:
        (rule,) = fault.rules()

    assert (rule["operation"], rule["end_after"], rule["times"]) == ("ask_ai", 3, 1)
    assert repr(fault) == f"<FaultsProxy {fault.id}>"


def test_a_reset_keeps_the_named_parts(heidi: Handle) -> None:
    heidi.state.add_patient(first_name="Kept")
    heidi.clock.freeze("2025-01-06T09:00:00Z")
    heidi.fault("ask_ai", status=503)

    heidi.reset(keep=["state", "clock"])

    assert heidi.clock.now() == "2025-01-06T09:00:00.000Z"
    assert "Kept" in [one["first_name"] for one in heidi.state.patient_profiles()]
    assert heidi.faults() == []


def test_the_clock_takes_a_datetime_with_its_time_zone(heidi: Handle) -> None:
    moment = datetime(2025, 1, 6, 9, 0, tzinfo=timezone(timedelta(hours=10)))

    heidi.clock.freeze(moment)
    frozen = heidi.clock.now()
    heidi.clock.set(moment + timedelta(hours=1))

    assert (frozen, heidi.clock.now()) == ("2025-01-05T23:00:00.000Z", "2025-01-06T00:00:00.000Z")
    with pytest.raises(ValueError, match="give it a time zone"):
        heidi.clock.freeze(datetime(2025, 1, 6))  # noqa: DTZ001 - the refused value


def test_an_unknown_method_is_refused_with_the_known_ones(heidi: Handle) -> None:
    with pytest.raises(MockHeidiError, match="FETCH /health: unknown method; write one of GET, POST, "):
        heidi.control("FETCH", "/health")


def test_an_unknown_fault_cannot_be_noticed(heidi: Handle) -> None:
    with pytest.raises(AssertionError, match="no fault is called 'fault-9', there are none"):
        heidi.assert_noticed("fault-9")
    fault = heidi.fault("ask_ai", end_after=3)
    with pytest.raises(AssertionError, match=f"no fault is called 'fault-9', did you mean {fault.id}"):
        heidi.assert_noticed("fault-9")
    with pytest.raises(AssertionError, match=r"has not ended a stream yet$"):
        heidi.assert_noticed(fault)


def test_a_fault_that_cannot_end_a_stream_cannot_be_noticed(heidi: Handle, client: httpx.Client) -> None:
    fault = heidi.fault("get_session", status=503)
    client.get("/sessions/1234567890")

    words = f"fault {fault.id} (operation=get_session, status=503) cannot end a stream early; use one of end_after, "
    with pytest.raises(AssertionError, match=f"^{re.escape(words)}"):
        heidi.assert_noticed(fault)


@pytest.mark.parametrize("within", ["2", None, -1, float("inf")])
def test_a_wait_that_is_not_a_number_of_seconds_is_refused(heidi: Handle, within: Any) -> None:
    with pytest.raises(MockHeidiError, match="/_mock/verify: "):
        heidi.wait_for("get_session", within=within)


def test_a_whole_short_form_with_more_arguments_is_refused_with_the_cure(heidi: Handle) -> None:
    with pytest.raises(MockHeidiError, match=r"takes no arguments beside it; write ask_ai:end_after=3,times=1$"):
        heidi.fault("ask_ai:end_after=3", times=1)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("requets", "'Handle' object has no attribute 'requets'; did you mean requests?"),
        ("add_patient", "; did you mean state.add_patient?"),
        ("advance", "; did you mean clock.advance?"),
        ("patients", "; did you mean state.add_patient?"),
        ("zzz", "; it has api_key, as_vendor, assert_noticed, "),
    ],
)
def test_the_error_for_an_unknown_attribute_names_the_nearest(heidi: Handle, name: str, words: str) -> None:
    with pytest.raises(AttributeError, match=re.escape(words)):
        getattr(heidi, name)


def test_the_parts_of_a_handle_name_the_nearest_attribute_too(heidi: Handle) -> None:
    for part, name, near in ((heidi.state, "add_patients", "add_patient"), (heidi.clock, "advence", "advance")):
        with pytest.raises(AttributeError, match=f"; did you mean {near}?"):
            getattr(part, name)


def test_only_a_fault_or_its_id_can_be_noticed(heidi: Handle) -> None:
    with pytest.raises(TypeError, match=r"^give what fault\(\) or scenario\(\) returned, or the id .*, not None$"):
        heidi.assert_noticed(None)  # type: ignore[arg-type] # as a client without types may


def test_the_error_for_a_refusal_of_the_api_has_its_words(server: Handle) -> None:
    with (
        Handle(server.url, api_key="wrong") as stranger,
        pytest.raises(MockHeidiError, match=r"Invalid API key; status 401$"),
    ):
        stranger.token()


def test_start_returns_the_handle() -> None:
    server = MockHeidi(api_key="ours")
    try:
        heidi = server.start()

        assert (type(heidi), heidi.name, heidi.api_key) == (Handle, "default", "ours")
        assert heidi.token()
    finally:
        server.close()
    assert heidi.closed


@pytest.mark.parametrize("started", [False, True])
def test_a_missing_attribute_of_a_server_points_to_its_handle(started: bool) -> None:
    server = MockHeidi()
    with server if started else contextlib.nullcontext():
        words = (
            r"'MockHeidi' object has no attribute 'base_url'; .*with MockHeidi\(\) as heidi, or heidi = server.start"
        )
        with pytest.raises(AttributeError, match=words):
            _ = server.base_url  # type: ignore[attr-defined] # a mistake on purpose


@pytest.mark.parametrize("make", ["client", "async_client"])
def test_the_error_without_httpx_says_what_to_install(monkeypatch: pytest.MonkeyPatch, make: str) -> None:
    with MockHeidi() as heidi:
        monkeypatch.setitem(sys.modules, "httpx", None)
        with pytest.raises(ModuleNotFoundError, match=r"install mock-heidi\[pytest\], or httpx itself"):
            getattr(heidi, make)()


@pytest.mark.parametrize("collects", [True, False])
def test_a_start_leaves_the_garbage_collector_as_it_was(collects: bool) -> None:
    (gc.enable if collects else gc.disable)()
    try:
        with MockHeidi():
            left = gc.isenabled()
    finally:
        gc.enable()

    assert left is collects


def test_a_closed_handle_makes_no_new_namespace() -> None:
    with MockHeidi() as server:
        with server.namespace("short") as short:
            assert short.state.sessions()

        with pytest.raises(MockHeidiError, match="was closed"):
            short.state.as_fixtures()
        with pytest.raises(MockHeidiError, match="was closed"):
            short.token()
        assert [row["name"] for row in server.control("GET", "/namespaces")["namespaces"]] == ["default"]


@pytest.mark.slow
def test_many_tests_in_turn_leave_nothing_behind() -> None:
    """Twice as many namespaces as a server may hold: each is deleted before the next."""
    with MockHeidi(fixtures="empty", max_namespaces=3) as server:
        for number in range(2_000):
            server.namespace(f"test-{number}").close()

        assert server.control("GET", "/health")["namespaces"] == 1
