"""Pages in a browser may use the vendor surface: those of this machine always, others where they were allowed.

An allowed page's ``Origin`` comes back in ``Access-Control-Allow-Origin`` on every answer, refusals included, with
``Vary: Origin``; a page that is not allowed gets the answer without the header, and its browser keeps it.
"""

from typing import Any, NoReturn

import pytest
from conftest import JOHN, Client
from helpers import SESSION, another

PAGE = "http://localhost:3000"
LOOPBACK = [
    "http://localhost",
    "http://localhost:3000",
    "https://localhost:8443",
    "http://127.0.0.1:5173",
    "http://127.1.2.3",
    "http://[::1]:5173",
    "http://[::1]",
    "http://app.localhost:3000",
    "http://a.b.localhost",
]
FOREIGN = [
    "https://example.org",
    "http://localhost.example.org",
    "http://notlocalhost",
    "http://example.org/localhost",
    "http://127.0.0.1.example.org",
    "http://128.0.0.1",
    "http://[::2]",
    "http://localhost:3000.example.org",
    "http://localhost:port",
    "http://.localhost.example.org",
    "ftp://localhost",
    "localhost",
    "null",
    "",
]
EXPOSED = "Retry-After, X-Mock-Fault, X-Mock-Provenance, X-Mock-Reason, X-Mock-Request-Id"
PREFLIGHTS = [
    ("GET", "/jwt", "heidi-api-key"),
    ("POST", "/patient-profiles", "authorization,content-type"),
    ("PATCH", f"/sessions/{SESSION}", "authorization,content-type"),
    ("DELETE", "/patient-profiles:batch-delete", "Authorization, Content-Type, Heidi-Api-Key"),
    ("GET", f"/patient-profiles/{JOHN}", "authorization"),
    ("POST", f"/sessions/{SESSION}/ask-ai", "authorization,content-type,x-mock-fault"),
]


def preflight(client: Client, method: str, path: str, headers: str, origin: str = PAGE) -> Any:
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": headers,
    }
    return client.request("OPTIONS", path, signed=False, headers=asked)


@pytest.mark.parametrize("origin", LOOPBACK)
def test_pages_of_this_machine_may_read_answers(heidi: Client, origin: str) -> None:
    answer = heidi.get("/patient-profiles", headers={"Origin": origin})

    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == origin
    assert answer.headers["access-control-expose-headers"] == EXPOSED
    assert answer.headers["vary"] == "Origin"


@pytest.mark.parametrize("origin", FOREIGN)
def test_other_pages_may_not(heidi: Client, origin: str) -> None:
    answer = heidi.get("/patient-profiles", headers={"Origin": origin})

    assert answer.status_code == 200
    assert "access-control-allow-origin" not in answer.headers


def test_a_page_that_was_allowed_may_and_its_neighbours_may_not() -> None:
    with another(cors_origins=("https://clinic.example",)) as heidi:
        origins = ["https://clinic.example", "http://clinic.example", "https://clinic.example:444", PAGE]
        answers = [heidi.get("/patient-profiles", headers={"Origin": origin}) for origin in origins]

    found = [answer.headers.get("access-control-allow-origin") for answer in answers]
    assert found == ["https://clinic.example", None, None, PAGE]


@pytest.mark.parametrize(
    ("method", "path", "status", "options"),
    [
        ("GET", f"/sessions/{SESSION}", 200, {}),
        ("GET", f"/sessions/{SESSION}", 401, {"signed": False}),
        ("GET", "/jwt", 401, {"signed": False}),
        ("GET", "/sessions/99", 404, {}),
        ("GET", "/nothing", 404, {}),
        ("PUT", "/sessions", 405, {}),
        ("OPTIONS", "/sessions", 405, {}),
        ("PATCH", f"/sessions/{SESSION}", 413, {"content": b" " * 1_048_577}),
        ("PATCH", f"/sessions/{SESSION}", 422, {"content": b"{"}),
    ],
)
def test_refusals_can_be_read_too(heidi: Client, method: str, path: str, status: int, options: dict[str, Any]) -> None:
    answer = heidi.request(method, path, headers={"Origin": PAGE}, **options)

    assert answer.status_code == status
    assert answer.headers["access-control-allow-origin"] == PAGE


@pytest.mark.breaks_contract
def test_a_defect_can_be_read_too(heidi: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> NoReturn:
        raise RuntimeError

    heidi.token()
    monkeypatch.setattr(heidi.app.namespaces.default.store, "where", broken)
    answer = heidi.get("/patient-profiles", headers={"Origin": PAGE})

    assert answer.status_code == 500
    assert answer.headers["access-control-allow-origin"] == PAGE


@pytest.mark.parametrize(("method", "path", "headers"), PREFLIGHTS)
def test_a_preflight_allows_what_the_api_needs(heidi: Client, method: str, path: str, headers: str) -> None:
    answer = preflight(heidi, method, path, headers)

    allowed = {name.strip().lower() for name in answer.headers["access-control-allow-headers"].split(",")}
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert answer.headers["access-control-allow-methods"] == "GET, POST, PATCH, DELETE"
    assert {"authorization", "content-type", "heidi-api-key"} <= allowed
    assert "origin" in answer.headers["vary"].lower()


@pytest.mark.parametrize(
    ("method", "headers", "origin"),
    [
        ("GET", "authorization", "https://example.org"),
        ("PUT", "authorization", PAGE),
        ("GET", "x-own-header", PAGE),
    ],
    ids=["foreign page", "undocumented method", "unknown header"],
)
def test_a_preflight_for_anything_else_is_refused(heidi: Client, method: str, headers: str, origin: str) -> None:
    answer = preflight(heidi, method, "/patient-profiles", headers, origin)

    assert answer.status_code == 400


def test_credentials_are_not_allowed(heidi: Client) -> None:
    answers = [heidi.get("/sessions/1", headers={"Origin": PAGE}), preflight(heidi, *PREFLIGHTS[0])]

    assert ["access-control-allow-credentials" in answer.headers for answer in answers] == [False, False]


@pytest.mark.parametrize("path", ["/_mock/health", "/_mock/state"])
def test_the_control_plane_has_no_cors(heidi: Client, path: str) -> None:
    answer = heidi.get(path, headers={"Origin": "http://localhost"})

    assert answer.status_code == 200
    assert [name for name in answer.headers if name.startswith("access-control")] == []
