"""Pages in a browser may use the API: local pages always, other pages if their origin is allowed.

An allowed page's ``Origin`` comes back in ``Access-Control-Allow-Origin`` on every answer, refusals included, with
``Vary: Origin``; a page that is not allowed gets the answer without this header, so its browser does not pass it on.
"""

from typing import Any, NoReturn

import pytest
from clients import JOHN, Client
from helpers import SESSION, another

from mock_heidi.base.settings import BASE_PATH

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
    ("POST", f"/sessions/{SESSION}/ask-ai", "authorization,content-type,x-mock-fault,x-mock-strict"),
]


def preflight(client: Client, method: str, path: str, headers: str, origin: str = PAGE) -> Any:
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": headers,
    }
    return client.request("OPTIONS", path, signed=False, headers=asked)


@pytest.mark.parametrize("origin", LOOPBACK)
def test_local_pages_may_read_answers(heidi: Client, origin: str) -> None:
    answer = heidi.get("/patient-profiles", headers={"Origin": origin})

    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == origin
    assert answer.headers["access-control-expose-headers"] == EXPOSED
    assert answer.headers["vary"] == "Origin"


def test_a_cached_answer_does_not_carry_the_origin_of_an_earlier_page(heidi: Client) -> None:
    path = f"/patient-profiles/{heidi.get('/patient-profiles').json()['data'][0]['id']}"
    heidi.get(path, headers={"Origin": LOOPBACK[0]})

    answer = heidi.get(path)

    assert not {name for name in answer.headers if name.startswith("access-control") or name == "vary"}


@pytest.mark.parametrize("origin", FOREIGN)
def test_other_pages_may_not_read_answers(heidi: Client, origin: str) -> None:
    answer = heidi.get("/patient-profiles", headers={"Origin": origin})

    assert answer.status_code == 200
    assert "access-control-allow-origin" not in answer.headers


def test_an_allowed_origin_must_match_scheme_and_port() -> None:
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
def test_pages_may_read_refusals(heidi: Client, method: str, path: str, status: int, options: dict[str, Any]) -> None:
    answer = heidi.request(method, path, headers={"Origin": PAGE}, **options)

    assert answer.status_code == status
    assert answer.headers["access-control-allow-origin"] == PAGE


@pytest.mark.breaks_contract
def test_pages_may_read_internal_errors(heidi: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> NoReturn:
        raise RuntimeError

    heidi.token()
    monkeypatch.setattr(heidi.app.registry.default.store, "where", broken)
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


ORDINARY = ["traceparent", "tracestate", "baggage", "sentry-trace", "x-request-id", "x-correlation-id"]
ORDINARY += ["cache-control", "pragma", "accept-language", "Traceparent"]


@pytest.mark.parametrize("header", ORDINARY)
def test_common_headers_are_allowed_by_default(heidi: Client, header: str) -> None:
    answer = preflight(heidi, "GET", "/patient-profiles", f"authorization,{header}")

    assert answer.status_code == 200
    assert header.lower() in answer.headers["access-control-allow-headers"].lower()


ORIGIN_CURE = "its origin is not allowed, start with --cors-origin ORIGIN"
METHOD_CURE = "the API has no such method, only GET, POST, PATCH, DELETE"
HEADER_CURE = "it asks for headers that are not allowed, start with --cors-header"
REFUSED = {
    "foreign page": ("GET", "authorization", "https://example.org", ORIGIN_CURE),
    "undocumented method": ("PUT", "authorization", PAGE, METHOD_CURE),
    "unknown header": ("GET", "x-own-header", PAGE, f"{HEADER_CURE} x-own-header"),
    "two unknown headers": (
        "GET",
        "X-B, authorization, x-a,x-b",
        PAGE,
        f"{HEADER_CURE} x-b --cors-header x-a",
    ),
    "a header that is no name": ("GET", "x-own: secret-value", PAGE, f"{HEADER_CURE} NAME"),
    "an empty name": ("GET", ",", PAGE, f"{HEADER_CURE} NAME"),
    "all of it": ("PUT", "x-a", "null", f"{ORIGIN_CURE}; {METHOD_CURE}; {HEADER_CURE} x-a"),
}


@pytest.mark.parametrize(("method", "headers", "origin", "reason"), REFUSED.values(), ids=REFUSED)
def test_a_refused_preflight_answers_and_journals_its_reason_and_hint(
    heidi: Client, method: str, headers: str, origin: str, reason: str
) -> None:
    answer = preflight(heidi, method, "/patient-profiles", headers, origin)

    why = f"the preflight is refused: {reason}"
    [entry] = heidi.get("/_mock/requests").json()["requests"]
    assert (answer.status_code, answer.text) == (400, why)
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert (entry["method"], entry["status"], entry["operation"], entry["why"]) == ("OPTIONS", 400, None, why)


def test_a_preflight_that_asks_for_many_headers_gets_a_short_reason(heidi: Client) -> None:
    answer = preflight(heidi, "GET", "/patient-profiles", ",".join(f"x-{number}" for number in range(1_000)))

    assert len(answer.text) < 500


def test_a_preflight_that_is_allowed_is_not_journaled(heidi: Client) -> None:
    preflight(heidi, *PREFLIGHTS[1])

    assert heidi.get("/_mock/requests").json()["requests"] == []


def test_a_refused_preflight_creates_no_namespace_and_triggers_no_rule(heidi: Client) -> None:
    heidi.post("/_mock/faults", json={"status": 503})

    answers = [
        preflight(heidi, "GET", "/patient-profiles", "x-a"),
        preflight(heidi, "GET", f"/ns/blue{BASE_PATH}/patient-profiles", "x-a"),
    ]

    assert [answer.status_code for answer in answers] == [400, 400]
    assert heidi.get("/_mock/faults").json()["faults"][0]["matched"] == 0
    assert heidi.app.registry.get("blue") is None


def test_further_headers_can_be_allowed() -> None:
    with another(cors_headers=("X-Tenant", "x-b3-traceid")) as heidi:
        answers = [
            preflight(heidi, "GET", "/jwt", f"{name},heidi-api-key") for name in ("x-tenant", "X-B3-TraceId", "x-a")
        ]

    assert [answer.status_code for answer in answers] == [200, 200, 400]


def test_every_header_can_be_allowed() -> None:
    with another(cors_headers=("*",)) as heidi:
        answer = preflight(heidi, "GET", "/jwt", "x-any,x-other")

    assert (answer.status_code, answer.headers["access-control-allow-headers"]) == (200, "x-any,x-other")


def test_an_allowed_public_page_may_reach_a_local_server() -> None:
    with another(cors_origins=("https://clinic.example",)) as heidi:
        asked = {
            "Origin": "https://clinic.example",
            "Access-Control-Request-Method": "GET",
            "Access-Control-Request-Private-Network": "true",
        }
        answer = heidi.request("OPTIONS", "/jwt", signed=False, headers=asked)

    assert (answer.status_code, answer.headers["access-control-allow-private-network"]) == (200, "true")


def test_credentials_are_not_allowed_by_default(heidi: Client) -> None:
    answers = [heidi.get("/sessions/1", headers={"Origin": PAGE}), preflight(heidi, *PREFLIGHTS[0])]

    assert ["access-control-allow-credentials" in answer.headers for answer in answers] == [False, False]


@pytest.mark.parametrize("origin", [PAGE, "https://clinic.example"])
def test_allowed_credentials_make_the_answer_name_the_origin(origin: str) -> None:
    with another(cors_credentials=True, cors_origins=("https://clinic.example",), cors_headers=("*",)) as heidi:
        answers = [
            heidi.get("/patient-profiles", headers={"Origin": origin, "Cookie": "a=b"}),
            preflight(heidi, *PREFLIGHTS[0], origin=origin),
        ]

    for answer in answers:
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-credentials"] == "true"
        assert answer.headers["access-control-allow-origin"] == origin


def test_a_foreign_page_may_not_read_answers_although_credentials_are_allowed() -> None:
    with another(cors_credentials=True) as heidi:
        answer = heidi.get("/patient-profiles", headers={"Origin": "https://example.org", "Cookie": "a=b"})

    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("origin", ["HTTPS://Clinic.example/", "https://clinic.example"])
def test_the_spelling_of_an_allowed_origin_does_not_matter(origin: str) -> None:
    page = {"Origin": "https://clinic.example"}
    with another(cors_origins=(origin,), admin_origins=(origin,)) as heidi:
        answers = [heidi.get(path, headers=page) for path in ("/patient-profiles", "/_mock/health")]

    assert [answer.headers["access-control-allow-origin"] for answer in answers] == ["https://clinic.example"] * 2


# --- The control API --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/_mock/health", "/_mock/state"])
def test_the_control_api_has_no_cors(heidi: Client, path: str) -> None:
    answer = heidi.get(path, headers={"Origin": "http://localhost"})

    assert answer.status_code == 200
    assert [name for name in answer.headers if name.startswith("access-control")] == []


@pytest.mark.parametrize("path", ["/_mock/openapi.yaml", "/_mock/control.yaml", "/ns/blue/_mock/openapi.yaml"])
@pytest.mark.parametrize("origin", [PAGE, "https://clinic.example", "https://tools.example"])
def test_a_page_that_may_use_the_api_may_read_the_contracts(path: str, origin: str) -> None:
    with another(cors_origins=("https://clinic.example",), admin_origins=("https://tools.example",)) as heidi:
        asked = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "traceparent"}
        answers = [
            heidi.get(path, headers={"Origin": origin, "Sec-Fetch-Site": "cross-site"}),
            heidi.request("OPTIONS", path, headers={"Origin": origin, **asked}),
        ]

        assert [answer.status_code for answer in answers] == [200, 200]
        assert [answer.headers["access-control-allow-origin"] for answer in answers] == [origin] * 2
        assert heidi.app.registry.get("blue") is None


@pytest.mark.parametrize(
    ("method", "path", "origin"),
    [
        ("GET", "/_mock/openapi.yaml", "https://example.org"),
        ("GET", "/_mock/openapi.yaml", "null"),
        ("GET", "/_mock/state", PAGE),
        ("GET", "/_mock/", PAGE),
        ("OPTIONS", "/_mock/state", PAGE),
    ],
)
def test_the_control_api_refuses_every_other_request_of_a_page(
    heidi: Client, method: str, path: str, origin: str
) -> None:
    answer = heidi.request(method, path, headers={"Origin": origin})

    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers


def test_a_page_may_only_read_the_contract(heidi: Client) -> None:
    asked = {"Origin": PAGE, "Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "x-own"}

    assert heidi.request("OPTIONS", "/_mock/openapi.yaml", headers=asked).status_code == 400
    assert heidi.put("/_mock/openapi.yaml", headers={"Origin": PAGE}).status_code == 405


# --- Stray requests ---------------------------------------------------------------------------------------------------

STRAY = {
    "another site's image": ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "image"}, True),
    "an image of the same site": ({"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Dest": "image"}, True),
    "a typed address": ({"Sec-Fetch-Site": "none", "Sec-Fetch-Dest": "document"}, True),
    "a script without an origin": ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "empty"}, True),
    "another site's script": ({"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}, True),
    "a file": ({"Origin": "null"}, True),
    "a front end": ({"Origin": PAGE, "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "empty"}, False),
    "a front end of an allowed origin": ({"Origin": "https://clinic.example", "Sec-Fetch-Site": "cross-site"}, False),
    "a front end by its own proxy": ({"Origin": "https://app.example", "Sec-Fetch-Site": "same-origin"}, False),
    "a page of the same site": ({"Sec-Fetch-Site": "same-site", "Sec-Fetch-Dest": "empty"}, False),
    "no browser": ({}, False),
}


@pytest.mark.parametrize(("headers", "expected"), STRAY.values(), ids=STRAY)
def test_browser_requests_outside_the_api_are_marked_as_stray(headers: dict[str, str], expected: bool) -> None:
    with another(cors_origins=("https://clinic.example",)) as heidi:
        heidi.get("http://localhost/logo.png", signed=False, headers=headers)

        [entry] = heidi.get("/_mock/requests").json()["requests"]

    assert (entry["why"] is None, entry["stray"]) == (False, expected)
