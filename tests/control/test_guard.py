"""The guard: the hosts that may use the API and the control API, and the machines and pages that may use the latter.

A refusal is 403, with ``{"error", "hint"}`` by the control API and ``{"detail"}`` by the API. It makes no namespace and
changes nothing.
"""

import asyncio
import json
from typing import Any

import httpx
import pytest
from clients import NOON, Client
from helpers import another, ask, settled

from mock_heidi.app import App, create_app
from mock_heidi.base.settings import BASE_PATH, DEFAULT_KEY

HERE = ["localhost", "LocalHost", "localhost:4343", "127.0.0.1", "127.0.0.1:4343", "127.9.9.9", "[::1]:4343", "[::1]"]
HERE += ["app.localhost:4343", "host.docker.internal:4343", "192.168.1.5:4343", "10.0.0.1", "0.0.0.0:4343", "[::]:4343"]
HERE += ["[fe80::1]", "128.0.0.1"]
ELSEWHERE = [
    "",
    "evil.example",
    "evil.example:4343",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "127.0.0.1.nip.io:4343",
    "evillocalhost",
    "testserver",  # in process only
    "evil.host.docker.internal",
    "127.1",
    "2130706433",
    "localhost@evil.example",
    "evil.example#@localhost",
    "[::1",
    "::1",
    "localhost, evil.example",
]
PATIENTS = f"{BASE_PATH}/patient-profiles"
SIGN_IN = {"email": "a@b.example", "third_party_internal_id": "1"}
REAL = ["registrar.api.heidihealth.com", "AU.api.heidihealth.com:443"]
FOREIGN = [
    "null",
    "",
    "http://evil.example",
    "https://localhost.evil.example",
    "http://localhost:3000",  # a page of another program on this machine
    "http://127.0.0.1:4343",  # another name of the same place is another origin
    "localhost:4343",
    "http://localhost:4343/",
    "http://localhost:4343.evil.example",
]


def status(app: App, headers: dict[str, str], method: str = "GET", path: str = "/_mock/health") -> int | None:
    return ask(app, method, path, headers=headers).status


def signed(client: Client, **headers: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {client.token()}", **headers}


@pytest.mark.parametrize("host", HERE)
def test_api_and_control_api_accept_every_name_and_address_of_this_machine(heidi: Client, host: str) -> None:
    assert status(heidi.app, {"Host": host}) == 200
    assert status(heidi.app, signed(heidi, Host=host), path=PATIENTS) == 200


@pytest.mark.parametrize("host", ELSEWHERE)
def test_the_control_api_refuses_an_unknown_host_name(app: App, host: str) -> None:
    reply = ask(app, "GET", "/_mock/state", headers={"Host": host})

    body = json.loads(reply.body)
    assert (reply.status, list(body)) == (403, ["error", "hint"])
    assert body["error"].startswith(
        ("the control API does not answer to the host '", "the control API does not answer to a Host of")
    )
    assert body["hint"].startswith(("allow it with --allowed-host ", "send the name or the address that you connect"))


@pytest.mark.parametrize("host", ELSEWHERE)
def test_the_api_refuses_an_unknown_host_name(heidi: Client, host: str) -> None:
    before = settled(heidi)

    reply = ask(heidi.app, "POST", f"{BASE_PATH}/sessions", headers=signed(heidi, Host=host))

    detail = json.loads(reply.body)["detail"]
    assert (reply.status, list(json.loads(reply.body))) == (403, ["detail"])
    assert detail.startswith("mock_heidi does not answer to ")
    assert "; allow it with --allowed-host " in detail or "; send the name or the address that " in detail
    assert heidi.state() == before


def test_a_page_that_rebinds_a_name_cannot_sign_in_with_the_well_known_key(heidi: Client) -> None:
    before = heidi.state()
    page = {"Host": "evil.example:4343", "Origin": "http://evil.example:4343", "Heidi-Api-Key": DEFAULT_KEY}

    reply = ask(
        heidi.app, "GET", f"/ns/blue{BASE_PATH}/jwt", headers=page, query=b"email=a@b&third_party_internal_id=1"
    )

    assert reply.status == 403
    assert b"token" not in reply.body
    assert heidi.app.registry.get("blue") is None
    assert heidi.state() == before


def test_a_refused_host_is_journaled_in_the_default_namespace_with_the_reason(heidi: Client) -> None:
    heidi.get("/_mock/health")
    path = f"/ns/blue{PATIENTS}"

    reply = ask(heidi.app, "GET", path, headers=signed(heidi, Host="evil.example"))

    entry = heidi.get("/_mock/requests").json()["requests"][-1]
    why = "its Host is not a name or address of this server; allow it with --allowed-host NAME"
    assert (entry["path"], entry["status"], entry["operation"], entry["why"]) == (path, 403, None, why)
    assert reply.headers["x-mock-reason"] == why
    assert json.loads(reply.body) == {
        "detail": "mock_heidi does not answer to the host 'evil.example'; allow it with --allowed-host evil.example"
    }


def test_the_reason_for_a_malformed_host_names_its_cure(heidi: Client) -> None:
    reply = ask(heidi.app, "GET", PATIENTS, headers=signed(heidi, Host="ev il"))

    assert reply.headers["x-mock-reason"].endswith("; send the name or the address that you connect to")


def test_no_rule_acts_on_a_refused_host(heidi: Client) -> None:
    headers = signed(heidi, Host="evil.example", **{"X-Mock-Fault": "status=418"})
    heidi.post("/_mock/faults", json={"status": 503})

    reply = ask(heidi.app, "GET", PATIENTS, headers=headers)

    [rule] = heidi.get("/_mock/faults").json()["faults"]
    assert (reply.status, rule["matched"], rule["hits"]) == (403, 0, 0)


def test_a_body_is_read_before_the_refusal(heidi: Client) -> None:
    pieces = [{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.request", "body": b"}"}]
    headers = signed(heidi, Host="evil.example", **{"Content-Length": "2"})

    ask(heidi.app, "POST", f"{BASE_PATH}/sessions", headers=headers, messages=pieces)

    assert heidi.get("/_mock/requests").json()["requests"][-1]["body"] == {}


def test_a_page_of_this_machine_can_read_why_its_host_is_refused(heidi: Client) -> None:
    page = {"Host": "heidi.example", "Origin": "http://localhost:3000"}

    reply = ask(heidi.app, "GET", PATIENTS, headers=page)

    assert (reply.status, reply.headers["access-control-allow-origin"]) == (403, "http://localhost:3000")


def test_a_request_without_a_host_is_accepted(heidi: Client) -> None:
    assert status(heidi.app, {}) == 200
    assert status(heidi.app, signed(heidi), path=PATIENTS) == 200


@pytest.mark.parametrize(
    ("host", "expected"), [("heidi.test", 200), ("HEIDI.test:9", 200), ("x.heidi.test", 403), ("localhost", 200)]
)
def test_an_allowed_host_reaches_api_and_control_api(host: str, expected: int) -> None:
    with another(allowed_hosts=("Heidi.test",)) as heidi:
        statuses = [status(heidi.app, {"Host": host}), status(heidi.app, signed(heidi, Host=host), path=PATIENTS)]

    assert statuses == [expected] * 2


@pytest.mark.parametrize("host", REAL)
def test_the_hosts_of_the_real_service_reach_the_api(heidi: Client, host: str) -> None:
    assert status(heidi.app, signed(heidi, Host=host), path=PATIENTS) == 200


@pytest.mark.parametrize("host", REAL)
@pytest.mark.parametrize("headers", [{}, {"X-Mock-Admin-Token": "let-me-in-91c4"}])
def test_the_hosts_of_the_real_service_never_reach_the_control_api(host: str, headers: dict[str, str]) -> None:
    name = host.partition(":")[0]
    with another(allowed_hosts=(name,), admin_token="let-me-in-91c4") as heidi:
        reply = ask(heidi.app, "GET", "/_mock/state", headers={"Host": host, **headers})

    assert reply.status == 403
    assert json.loads(reply.body) == {
        "error": "the control API does not answer to the hosts of the real service",
        "hint": "call it by a name or an address of this server, such as localhost",
    }


@pytest.mark.parametrize("host", ["heidihealth.com", "nz.api.heidihealth.com", "au.api.heidihealth.com.evil.example"])
def test_other_names_of_the_vendor_are_unknown_hosts(heidi: Client, host: str) -> None:
    assert status(heidi.app, signed(heidi, Host=host), path=PATIENTS) == 403


def test_in_process_the_hosts_of_the_real_service_reach_only_the_api(app: App) -> None:
    async def asked() -> list[int]:
        base = f"https://{REAL[0]}"
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=base) as client:
            signing = await client.get(f"{BASE_PATH}/jwt", params=SIGN_IN, headers={"Heidi-Api-Key": DEFAULT_KEY})
            return [signing.status_code, (await client.get("/_mock/health")).status_code]

    assert asyncio.run(asked()) == [200, 403]


@pytest.mark.parametrize("base", ["http://testserver", "http://heidi", "https://clinic.example"])
def test_in_process_any_base_url_reaches_api_and_control_api(app: App, base: str) -> None:
    async def asked() -> list[int]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=base) as client:
            signing = await client.get(f"{BASE_PATH}/jwt", params=SIGN_IN, headers={"Heidi-Api-Key": DEFAULT_KEY})
            return [signing.status_code, (await client.get("/_mock/health")).status_code]

    assert asyncio.run(asked()) == [200, 200]


def test_starlettes_test_client_needs_no_setting(heidi: Client) -> None:
    headers = [(b"host", b"testserver"), (b"authorization", f"Bearer {heidi.token()}".encode())]

    for path in (PATIENTS, "/_mock/health"):  # the scope is TestClient's
        assert ask_raw(heidi.app, headers, ("testclient", 50_000), path, ("testserver", 80)) == 200


def test_in_process_a_host_that_is_not_the_base_urls_is_still_refused(heidi: Client) -> None:
    assert heidi.get("/patient-profiles", headers={"Host": "evil.example"}).status_code == 403


@pytest.mark.parametrize("origin", FOREIGN)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_foreign_page_is_refused(app: App, origin: str, method: str) -> None:
    path = "/_mock/state" if method == "GET" else "/_mock/reset"

    reply = ask(app, method, path, headers={"Host": "localhost:4343", "Origin": origin})

    assert (reply.status, json.loads(reply.body)) == (
        403,
        {
            "error": f"the control API does not answer to pages of {origin!r}",
            "hint": "allow it with --admin-origin",
        },
    )


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("host", ["localhost:4343", "127.0.0.1:4343", "[::1]:4343", "localhost"])
def test_the_servers_own_page_is_accepted(app: App, scheme: str, host: str) -> None:
    assert status(app, {"Host": host, "Origin": f"{scheme}://{host}"}) == 200


@pytest.mark.parametrize(
    ("origin", "expected"),
    [("https://tools.example", 200), ("HTTPS://Tools.example", 200), ("http://tools.example", 403), ("null", 403)],
)
def test_an_allowed_page_is_accepted(origin: str, expected: int) -> None:
    app = create_app(clock=NOON, admin_origins=("https://Tools.example/",))

    assert status(app, {"Host": "localhost", "Origin": origin}) == expected


def test_an_allowed_page_does_not_open_a_foreign_host() -> None:
    app = create_app(clock=NOON, admin_origins=("https://tools.example",))

    assert status(app, {"Host": "tools.example", "Origin": "https://tools.example"}) == 403


def test_pages_that_may_use_the_api_may_not_use_the_control_api() -> None:
    app = create_app(clock=NOON, cors_origins=("https://clinic.example",))

    assert status(app, {"Host": "localhost", "Origin": "https://clinic.example"}) == 403


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/_mock/openapi.yaml", 200),
        ("/ns/blue/_mock/control.json", 200),
        ("/_mock/state/_mock/openapi.yaml", 403),
        ("/ns/blue/_mock/state/_mock/control.json", 403),
    ],
)
def test_pages_that_may_use_the_api_may_read_the_contracts_only(path: str, expected: int) -> None:
    with another() as heidi:
        answer = heidi.get(path, signed=False, headers={"Origin": "http://localhost:5173"})

    assert answer.status_code == expected


@pytest.mark.parametrize(
    ("site", "mode", "expected"),
    [
        ("none", "navigate", 200),
        ("same-origin", "cors", 200),
        ("cross-site", "no-cors", 403),
        ("cross-site", "", 403),
        ("same-site", "no-cors", 403),
        ("cross-site", "navigate", 403),
    ],
)
def test_a_page_without_an_origin_is_judged_by_its_site(app: App, site: str, mode: str, expected: int) -> None:
    headers = {"Host": "localhost", "Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode}

    assert status(app, headers) == expected


def test_a_link_on_another_site_opens_only_pages(app: App) -> None:
    headers = {"Host": "localhost", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}

    assert status(app, headers, path="/_mock/") == 200
    assert status(app, headers, path="/ns/pushed/_mock/state") == 403
    assert app.registry.get("pushed") is None


@pytest.mark.parametrize("name", [b"host", b"origin"])
def test_two_hosts_or_origins_are_refused_in_any_order(app: App, name: bytes) -> None:
    good = b"localhost" if name == b"host" else b"http://localhost"
    headers = [(b"host", b"localhost")] if name == b"origin" else []

    for pair in ((good, b"evil.example"), (b"evil.example", good)):
        assert ask_raw(app, [*headers, *((name, value) for value in pair)]) == 403


def test_the_api_refuses_two_hosts_in_any_order(heidi: Client) -> None:
    token = (b"authorization", f"Bearer {heidi.token()}".encode())

    for pair in ((b"localhost", b"evil.example"), (b"evil.example", b"localhost"), (b"localhost", b"localhost")):
        hosts = [(b"host", value) for value in pair]
        assert ask_raw(heidi.app, [token, *hosts], path=PATIENTS) == 403


@pytest.mark.parametrize(("peer", "expected"), [("127.0.0.1", 200), ("::1", 200), ("203.0.113.9", 403)])
def test_another_machine_is_refused_with_every_host(app: App, peer: str, expected: int) -> None:
    assert ask_raw(app, [(b"host", b"localhost")], (peer, 50_000)) == expected


@pytest.mark.parametrize("host", ["heidi.test", "192.168.1.5:4343", "[fd00::5]:4343", "host.docker.internal:4343"])
def test_another_machine_is_accepted_with_an_allowed_host(host: str) -> None:
    allowed = ("heidi.test", "192.168.1.5", "[fd00::5]", "host.docker.internal")
    app = create_app(clock=NOON, allowed_hosts=allowed)

    assert ask_raw(app, [(b"host", host.encode())], ("203.0.113.9", 50_000)) == 200


@pytest.mark.parametrize("host", [b"192.168.1.5:4343", b"host.docker.internal:4343", None])
def test_another_machine_reaches_the_api_but_not_the_control_api(heidi: Client, host: bytes | None) -> None:
    token = (b"authorization", f"Bearer {heidi.token()}".encode())
    headers = [token] if host is None else [token, (b"host", host)]

    assert ask_raw(heidi.app, headers, ("203.0.113.9", 50_000), path=PATIENTS) == 200
    assert ask_raw(heidi.app, headers, ("203.0.113.9", 50_000)) == 403


def test_this_machine_may_use_its_own_address_in_the_network(app: App) -> None:
    headers = [(b"host", b"192.168.1.5:4343")]

    assert ask_raw(app, headers, ("192.168.1.5", 50_000), server=("192.168.1.5", 4343)) == 200


def ask_raw(
    app: App,
    headers: list[tuple[bytes, bytes]],
    client: tuple[str, int] = ("127.0.0.1", 1),
    path: str = "/_mock/health",
    server: tuple[str, int] | None = None,
) -> int:
    """The status of a request with headers that client libraries do not send."""
    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "server": server,
        "query_string": b"",
        "scheme": "http",
        "headers": headers,
        "client": client,
    }
    statuses: list[int] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        statuses.extend([message["status"]] if "status" in message else [])

    asyncio.run(app(scope, receive, send))
    return statuses[0]


ACTS: list[tuple[str, str, Any]] = [
    ("POST", "/_mock/reset", None),
    ("POST", "/_mock/reset?all=true", None),
    ("PUT", "/_mock/state", {"patient_profiles": []}),
    ("POST", "/_mock/state", {"sessions": [{}]}),
    ("POST", "/_mock/namespaces/blue", {}),
    ("DELETE", "/_mock/namespaces/red", None),
    ("PUT", "/_mock/users/dr.jonas.lind@example.com/link", {}),
    ("DELETE", "/_mock/users/dr.mara.okafor@example.com/link", None),
    ("DELETE", "/_mock/requests", None),
    ("GET", "/ns/blue/_mock/health", None),
    ("GET", "/ns/blue/_mock/state", None),
    ("POST", "/ns/blue/_mock/reset", None),
    ("GET", "/_mock/", None),
    ("GET", "/_mock/nothing", None),
    ("PATCH", "/_mock/state", None),
    ("OPTIONS", "/_mock/state", None),
    ("GET", "/_mock/openapi.yaml", None),
]


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}])
@pytest.mark.parametrize(("method", "path", "body"), ACTS)
def test_a_request_that_the_guard_refuses_leaves_no_trace(
    heidi: Client, method: str, path: str, body: Any, headers: dict[str, str]
) -> None:
    heidi.post("/sessions")
    heidi.post("/_mock/namespaces/red")

    def everything() -> Any:
        names = [row["name"] for row in heidi.get("/_mock/namespaces").json()["namespaces"]]
        return heidi.state(), heidi.get("/_mock/requests").json(), names

    before = everything()
    answer = heidi.request(method, path, json=body, headers=headers)

    assert (answer.status_code, list(answer.json())) == (403, ["error", "hint"])
    assert everything() == before


def test_health_repeats_the_host_of_the_request() -> None:
    with another(allowed_hosts=("heidi.test",)) as heidi:
        body = heidi.get("http://heidi.test:99/_mock/health").json()

    assert body["base_url"] == f"http://heidi.test:99{BASE_PATH}"
