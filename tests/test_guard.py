"""The guard of the control plane: this machine's own programs, and no foreign page.

A refusal is 403 ``{"error", "hint"}``, makes no namespace and changes nothing. The vendor surface has no such guard.
"""

import asyncio
import json
from typing import Any

import pytest
from conftest import NOON, Client
from helpers import another, ask

from mock_heidi.app import Front, create_app
from mock_heidi.settings import BASE_PATH

HERE = ["localhost", "LocalHost", "localhost:4343", "127.0.0.1", "127.0.0.1:4343", "127.9.9.9", "[::1]:4343", "[::1]"]
HERE += ["app.localhost:4343"]
ELSEWHERE = [
    "",
    "evil.example",
    "evil.example:4343",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "127.0.0.1.nip.io:4343",
    "evillocalhost",
    "192.168.1.5:4343",
    "10.0.0.1",
    "0.0.0.0:4343",
    "[::]:4343",
    "[fe80::1]",
    "128.0.0.1",
    "127.1",
    "2130706433",
    "localhost@evil.example",
    "evil.example#@localhost",
    "[::1",
    "::1",
    "localhost, evil.example",
]
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


def status(app: Front, headers: dict[str, str], method: str = "GET", path: str = "/_mock/health") -> int | None:
    return ask(app, method, path, headers=headers).status


@pytest.mark.parametrize("host", HERE)
def test_this_machine_is_let_in_under_every_name_of_its_own(app: Front, host: str) -> None:
    assert status(app, {"Host": host}) == 200


@pytest.mark.parametrize("host", ELSEWHERE)
def test_a_name_that_could_be_anybodys_is_refused(app: Front, host: str) -> None:
    reply = ask(app, "GET", "/_mock/state", headers={"Host": host})

    body = json.loads(reply.body)
    assert (reply.status, list(body)) == (403, ["error", "hint"])
    assert body["error"] == f"the control plane does not answer to the host {host.lower()!r}"
    assert body["hint"].startswith(("allow it with --allowed-host ", "send the name that you connect to"))


def test_a_request_without_a_host_is_refused(app: Front) -> None:
    assert status(app, {}) == 403


@pytest.mark.parametrize(
    ("host", "expected"),
    [("heidi.test", 200), ("HEIDI.test:9", 200), ("192.168.1.5:4343", 200), ("x.heidi.test", 403), ("localhost", 200)],
)
def test_a_host_that_was_allowed_is_let_in(host: str, expected: int) -> None:
    app = create_app(clock=NOON, allowed_hosts=("Heidi.test", "192.168.1.5"))

    assert status(app, {"Host": host}) == expected


@pytest.mark.parametrize("origin", FOREIGN)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_foreign_page_is_refused(app: Front, origin: str, method: str) -> None:
    path = "/_mock/state" if method == "GET" else "/_mock/reset"

    reply = ask(app, method, path, headers={"Host": "localhost:4343", "Origin": origin})

    assert (reply.status, json.loads(reply.body)) == (
        403,
        {
            "error": f"the control plane does not answer to pages of {origin!r}",
            "hint": "allow it with --admin-origin",
        },
    )


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("host", ["localhost:4343", "127.0.0.1:4343", "[::1]:4343", "localhost"])
def test_the_servers_own_page_is_let_in(app: Front, scheme: str, host: str) -> None:
    assert status(app, {"Host": host, "Origin": f"{scheme}://{host}"}) == 200


@pytest.mark.parametrize(
    ("origin", "expected"),
    [("https://tools.example", 200), ("HTTPS://Tools.example", 200), ("http://tools.example", 403), ("null", 403)],
)
def test_a_page_that_was_allowed_is_let_in(origin: str, expected: int) -> None:
    app = create_app(clock=NOON, admin_origins=("https://Tools.example/",))

    assert status(app, {"Host": "localhost", "Origin": origin}) == expected


def test_an_allowed_page_does_not_open_a_foreign_host() -> None:
    app = create_app(clock=NOON, admin_origins=("https://tools.example",))

    assert status(app, {"Host": "tools.example", "Origin": "https://tools.example"}) == 403


def test_the_vendor_surfaces_pages_have_no_right_to_the_control_plane() -> None:
    app = create_app(clock=NOON, cors_origins=("https://clinic.example",))

    assert status(app, {"Host": "localhost", "Origin": "https://clinic.example"}) == 403


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
def test_a_page_that_hides_its_origin_is_known_by_its_site(app: Front, site: str, mode: str, expected: int) -> None:
    headers = {"Host": "localhost", "Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode}

    assert status(app, headers) == expected


def test_a_link_on_another_site_leads_to_pages_only(app: Front) -> None:
    headers = {"Host": "localhost", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}

    assert status(app, headers, path="/_mock/") == 200
    assert status(app, headers, path="/ns/pushed/_mock/state") == 403
    assert app.namespaces.get("pushed") is None


@pytest.mark.parametrize("name", [b"host", b"origin"])
def test_two_hosts_or_origins_are_refused_whichever_comes_last(app: Front, name: bytes) -> None:
    good = b"localhost" if name == b"host" else b"http://localhost"
    headers = [(b"host", b"localhost")] if name == b"origin" else []

    for pair in ((good, b"evil.example"), (b"evil.example", good)):
        assert ask_raw(app, [*headers, *((name, value) for value in pair)]) == 403


@pytest.mark.parametrize(("peer", "expected"), [("127.0.0.1", 200), ("::1", 200), ("203.0.113.9", 403)])
def test_another_machine_is_refused_whatever_host_it_names(app: Front, peer: str, expected: int) -> None:
    assert ask_raw(app, [(b"host", b"localhost")], (peer, 50_000)) == expected


def test_another_machine_gets_in_by_an_allowed_host() -> None:
    app = create_app(clock=NOON, allowed_hosts=("heidi.test",))

    assert ask_raw(app, [(b"host", b"heidi.test")], ("203.0.113.9", 50_000)) == 200


def ask_raw(app: Front, headers: list[tuple[bytes, bytes]], client: tuple[str, int] = ("127.0.0.1", 1)) -> int:
    """The status for a request whose headers no client library would send."""
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/_mock/health",
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
def test_what_the_guard_refuses_leaves_no_trace(
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


def test_the_vendor_surface_answers_to_any_host(heidi: Client) -> None:
    headers = {"Host": "heidi.internal:4343", "Authorization": f"Bearer {heidi.token()}"}

    assert ask(heidi.app, "GET", f"{BASE_PATH}/patient-profiles", headers=headers).status == 200


def test_health_repeats_the_host_it_was_asked_at() -> None:
    with another(allowed_hosts=("heidi.test",)) as heidi:
        body = heidi.get("http://heidi.test:99/_mock/health").json()

    assert body["base_url"] == f"http://heidi.test:99{BASE_PATH}"
